"""Builds the bench application around the hand-written model, for this computer or a chip."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FIRMWARE = ROOT / "firmware"
FAKE = Path(__file__).parent / "fake_model"
FAKE_ROWS = Path(__file__).parent / "fake_rows"
WARNINGS = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wdouble-promotion"]
WARNINGS += ["-Werror"]
INCLUDES = [
    f"-I{path}"
    for path in (
        FIRMWARE / "lib/edgebottle/include",
        FIRMWARE / "port/include",
        FIRMWARE / "src",
    )
]
APPLICATION = sorted((FIRMWARE / "src").glob("*.c"))
ZIG = [sys.executable, "-m", "ziglang", "cc"]


def sanitizing_compiler() -> list[str]:
    """gcc with sanitizers where there is one; zig checks undefined behaviour by itself."""
    if shutil.which("gcc"):
        return ["gcc", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    return ZIG


def build_host(
    folder: Path,
    db_bytes: int,
    port: Path = FIRMWARE / "port/host",
    model: Path = FAKE,
    defines: tuple[str, ...] = (),
) -> Path:
    """The application with a `db` buffer of ``db_bytes``, or without one when 0."""
    executable = folder / f"bench_{db_bytes}_{port.name}"
    sources = [*APPLICATION, *sorted(port.glob("*.c")), *sorted(model.glob("*.c"))]
    command = [*sanitizing_compiler(), *WARNINGS, "-O1", "-g", f"-DEB_BENCH_DB_BYTES={db_bytes}"]
    command += [*(f"-D{define}" for define in defines), *INCLUDES, f"-I{model}"]
    command += [*map(str, sources), "-o", str(executable)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return executable


def ask(executable: Path, data: bytes) -> bytes:
    """What the application answers to ``data``, after its banner."""
    done = subprocess.run([executable], input=data, capture_output=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr.decode()
    banner, ready, answer = done.stdout.partition(b"m-init-done\r\nm-ready\r\n")
    assert ready, banner
    return answer
