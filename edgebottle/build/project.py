"""Builds a generated project with PlatformIO."""

import contextlib
import hashlib
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgebottle.boards import Board, board_file
from edgebottle.build.pio import platformio_version, run_pio
from edgebottle.build.toolchains import Compiler, cross_compiler
from edgebottle.errors import BadInput, BuildFailed, RegionOverflow

OPTIMIZE = "-Os"
LOG = Path(".pio") / "build.log"

_OVERFLOW = re.compile(r"region [`'](\w+)':? overflowed by (\d+) bytes")
"""What linkers say of an image that a board has no room for."""
STAMP = Path(".pio") / "built"
"""What the firmware was made of, and what it is: two hashes."""


@dataclass(frozen=True)
class BuildResult:
    """What a build leaves behind.

    Attributes:
        elf: The firmware.
        log: Full output of the build.
        flags: Compiler flags that decide speed and size, such as ``-O2 -mcpu=cortex_m7``.
        compiler: Name and version, such as ``zig 0.17.1``.
    """

    elf: Path
    log: Path
    flags: tuple[str, ...]
    compiler: str


def build_firmware(
    project_dir: Path,
    board: Board,
    toolchain: str = "zig",
    *,
    optimize: str = OPTIMIZE,
    heard: Callable[[str], None] | None = None,
) -> BuildResult:
    """Compiles and links the generated project in ``project_dir`` for ``board``.

    Where nothing has changed since the last build, PlatformIO is not asked, which takes seconds.

    Args:
        project_dir: Folder with ``platformio.ini``, ``src/``, ``lib/``, ``port/``, ``platform/``.
        board: Any board but ``host``.
        toolchain: ``"zig"`` or ``"gcc"``.
        optimize: Compiler option: ``-Oz``, ``-Os``, ``-O2``.
        heard: Told now and then what is being compiled.

    Raises:
        ToolMissing: PlatformIO or the compiler is not installed.
        RegionOverflow: the image does not fit a memory region of the board.
        BuildFailed: a compiler error.
        BadInput: the folder is not a generated project.
    """
    project_dir = project_dir.resolve()
    if not (project_dir / "platformio.ini").is_file():
        raise BadInput(f"{project_dir} has no platformio.ini: not a project made by edgebottle")
    compiler = cross_compiler(board, toolchain)
    _place_board_file(project_dir, board)
    log, stamp = project_dir / LOG, project_dir / STAMP
    elf = project_dir / ".pio" / "build" / board.id / "firmware.elf"
    made_of = _made_of(project_dir, compiler, optimize)
    if _text(stamp) != _stamp(made_of, elf):
        stamp.unlink(missing_ok=True)
        try:
            run_pio(project_dir, toolchain=toolchain, optimize=optimize, log=log, heard=heard)
        except BuildFailed as error:
            found = _OVERFLOW.search(_text(log))
            if found is None:
                raise
            raise RegionOverflow(str(error), found[1], int(found[2])) from error
        if not elf.is_file():
            raise BuildFailed(f"PlatformIO made no {elf}; full log: {log}")
        stamp.write_text(_stamp(made_of, elf), encoding="utf-8")
    return _result(elf, log, compiler, optimize)


def _text(path: Path) -> str:
    """What a file holds; empty where there is none."""
    with contextlib.suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace")
    return ""


def _made_of(project_dir: Path, compiler: Compiler, optimize: str) -> str:
    """A hash of all that decides what the firmware is: sources, build scripts, tools, options."""
    tools = (platformio_version(), *compiler.command, compiler.version, *compiler.arch_flags)
    found = hashlib.sha256("\0".join((*tools, optimize)).encode())
    for path in sorted(project_dir.rglob("*")):
        relative = path.relative_to(project_dir)
        if relative.parts[0] != ".pio" and path.suffix != ".pyc" and path.is_file():
            content = path.read_bytes()
            found.update(f"\0{relative.as_posix()}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


def _stamp(made_of: str, elf: Path) -> str:
    """Content of ``STAMP``; a firmware that is not there, or was changed, has another."""
    image = elf.read_bytes() if elf.is_file() else b""
    return f"{made_of} {hashlib.sha256(image).hexdigest()}\n"


def _result(elf: Path, log: Path, compiler: Compiler, optimize: str) -> BuildResult:
    return BuildResult(
        elf=elf, log=log, flags=(optimize, *compiler.arch_flags), compiler=compiler.version
    )


def _place_board_file(project_dir: Path, board: Board) -> None:
    """Puts the board's TOML where the project's copy of the platform looks for it."""
    platform = project_dir / "platform"
    target = platform / "boards" / f"{board.id}.toml"
    if platform.is_dir() and not target.is_file():
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(board_file(board.id), target)
