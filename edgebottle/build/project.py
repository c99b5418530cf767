"""Builds a generated project with PlatformIO."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgebottle.boards import Board, board_file
from edgebottle.build.pio import run_pio
from edgebottle.build.toolchains import Compiler, cross_compiler
from edgebottle.errors import BadInput, BuildFailed

OPTIMIZE = "-Os"
LOG = Path(".pio") / "build.log"


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

    Args:
        project_dir: Folder with ``platformio.ini``, ``src/``, ``lib/``, ``port/``, ``platform/``.
        board: Any board but ``host``.
        toolchain: ``"zig"`` or ``"gcc"``.
        optimize: Compiler option: ``-Oz``, ``-Os``, ``-O2``.
        heard: Told now and then what is being compiled.

    Raises:
        ToolMissing: PlatformIO or the compiler is not installed.
        BuildFailed: a compiler error, or the image does not fit the board's memory.
        BadInput: the folder is not a generated project.
    """
    project_dir = project_dir.resolve()
    if not (project_dir / "platformio.ini").is_file():
        raise BadInput(f"{project_dir} has no platformio.ini: not a project made by edgebottle")
    compiler = cross_compiler(board, toolchain)
    _place_board_file(project_dir, board)
    log = project_dir / LOG
    run_pio(project_dir, toolchain=toolchain, optimize=optimize, log=log, heard=heard)
    elf = project_dir / ".pio" / "build" / board.id / "firmware.elf"
    if not elf.is_file():
        raise BuildFailed(f"PlatformIO made no {elf}; full log: {log}")
    return _result(elf, log, compiler, optimize)


def build_log(project_dir: Path) -> str:
    """What the last build of a project printed; empty where there was none."""
    try:
        return (project_dir / LOG).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


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
