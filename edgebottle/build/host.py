"""Compiles a generated project for this computer: the board ``host``, and shared libraries."""

import functools
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from edgebottle.build.cache import compiler_environment
from edgebottle.build.process import run_tool
from edgebottle.build.project import BuildResult
from edgebottle.build.toolchains import WITHOUT_RUNTIME, Compiler, host_compiler
from edgebottle.errors import BadInput, BuildFailed, ToolMissing
from edgebottle.operating_system import shared_library

DEADLINE_S = 300.0
OPTIMIZE = "-O2"
SANITIZE_FLAGS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")
FORCE_PORTABLE = "-DEB_FORCE_PORTABLE"
"""Whatever this computer could do."""

_LACKS_RUNTIME = re.compile("undefined symbol|error:.*rtlib")
"""What zig says where something of its runtime is missing, or where it knows no other way."""

FLAGS = (
    "-std=c99",
    "-Wall",
    "-Wextra",
    "-fno-math-errno",
    "-ffp-contract=off",  # a fused multiply-add rounds differently from the reference
    "-DEB_CLOCK_HZ=1000000000u",
)
"""Of every computer."""

_HOST = ("-DEB_BOARD=host",)


def build_host(
    project_dir: Path,
    toolchain: str = "zig",
    *,
    optimize: str = OPTIMIZE,
    sanitize: bool = False,
    dsp: bool = False,
) -> BuildResult:
    """Builds model, bench application and host port as an executable.

    Args:
        project_dir: A generated project for the board ``host``.
        toolchain: ``"zig"``, or ``"gcc"`` for the system's compiler.
        optimize: Compiler option.
        sanitize: With AddressSanitizer and UBSan; needs the system's gcc or clang.
        dsp: The project is for cores with DSP instructions, whose C twins run here.

    Raises:
        ToolMissing: there is no such compiler.
        BuildFailed: a compiler error.
        BadInput: the folder is not a generated project for ``host``.
    """
    if not (project_dir / "port" / "host").is_dir():
        raise BadInput(f"{project_dir} is not a project for the board 'host'")
    folders = [project_dir / "src", project_dir / "port" / "host", project_dir / "lib"]
    variant = "-DEB_FORCE_DSP" if dsp else FORCE_PORTABLE
    flags = (optimize, variant)
    return _compile(project_dir, folders, "firmware.elf", toolchain, flags, sanitize)


def compile_shared(
    project_dir: Path, sanitize: bool = False, *, toolchain: str = "zig", optimize: str = OPTIMIZE
) -> Path:
    """Builds the model library and the kernels, without the application, as a shared library.

    A sanitized one is loaded by a process started with ``LD_PRELOAD`` set to
    ``sanitizer_runtime()``.

    Raises:
        ToolMissing: there is no such compiler.
        BuildFailed: a compiler error.
    """
    name = shared_library("model_sanitized" if sanitize else "model")
    folders = [project_dir / "lib"]
    flags = (optimize, "-shared", "-fPIC", FORCE_PORTABLE)
    return _compile(project_dir, folders, name, toolchain, flags, sanitize).elf


def sanitizer_runtime() -> str:
    """Returns the path of AddressSanitizer's runtime for ``LD_PRELOAD``.

    Raises:
        ToolMissing: the system's compiler has none.
    """
    compiler = host_compiler("gcc").command[0]
    completed = subprocess.run(
        [compiler, "-print-file-name=libasan.so"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    path = completed.stdout.strip()
    if not Path(path).is_absolute():
        raise ToolMissing(f"{compiler} has no AddressSanitizer: install libasan")
    return path


def _compile(
    project_dir: Path,
    folders: list[Path],
    name: str,
    toolchain: str,
    flags: tuple[str, ...],
    sanitize: bool,
) -> BuildResult:
    compiler = host_compiler("gcc" if sanitize else toolchain)
    sources = c_sources(project_dir, folders)
    out = project_dir / ".pio" / "build" / "host"
    out.mkdir(parents=True, exist_ok=True)
    target = out / name
    fresh = out / f"new-{name}"
    flags = (*flags, *compiler.arch_flags, *(SANITIZE_FLAGS if sanitize else plain_flags(compiler)))
    log = target.with_suffix(".log")
    words = (*flags, *_HOST, *FLAGS, *thread_flags(project_dir))
    _run(
        [*compiler.command, *words, *includes(project_dir), *sources, "-o", fresh],
        log,
        may_lack_runtime=_is_zig(compiler),
    )
    fresh.replace(target)
    return BuildResult(elf=target, log=log, flags=flags, compiler=compiler.version)


def c_sources(project_dir: Path, folders: Iterable[Path]) -> list[Path]:
    """All C files of some folders; raises ``BadInput`` where there are none."""
    sources = [path for folder in folders for path in sorted(folder.rglob("*.c"))]
    if not sources:
        raise BadInput(f"{project_dir} holds no C sources: not a project made by edgebottle")
    return sources


def thread_flags(project_dir: Path) -> tuple[str, ...]:
    """Flags of a project whose network runs on several threads; none for any other."""
    has_pool = (project_dir / "lib" / "edgebottle" / "kernels" / "threads" / "eb_pool.c").is_file()
    return ("-pthread",) if has_pool else ()


def plain_flags(compiler: Compiler) -> tuple[str, ...]:
    """Flags of a build without sanitizers."""
    # zig checks undefined behaviour in builds without optimisation unless told otherwise.
    return ("-fno-sanitize=all",) if _is_zig(compiler) else ()


def _is_zig(compiler: Compiler) -> bool:
    return compiler.version.startswith("zig")


def _run(command: list[str | Path], log: Path, *, may_lack_runtime: bool) -> None:
    environment = compiler_environment()
    if may_lack_runtime:
        try:
            light = [*command, WITHOUT_RUNTIME]
            run_tool(light, log=log, environment=environment, deadline_s=DEADLINE_S)
            return
        except BuildFailed:
            if not _LACKS_RUNTIME.search(log.read_text(encoding="utf-8", errors="replace")):
                raise
    run_tool(command, log=log, environment=environment, deadline_s=DEADLINE_S)


def includes(project_dir: Path) -> list[str]:
    """The folders of headers, as flags."""
    library = project_dir / "lib" / "edgebottle"
    models = sorted(path for path in (project_dir / "lib").glob("*") if path.is_dir())
    folders = [project_dir / "src", project_dir / "port" / "include", library / "include"]
    return [f"-I{folder}" for folder in (*folders, *models)]


@functools.cache
def sanitizers_available() -> bool:
    """True if ``sanitize=True`` can work here."""
    return any(shutil.which(name) for name in ("gcc", "cc", "clang"))
