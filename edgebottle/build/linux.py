"""Compiles a generated project for a computer: this one, or one that runs Linux."""

from pathlib import Path

from edgebottle.boards import Board
from edgebottle.build.cache import compiler_environment
from edgebottle.build.host import (
    DEADLINE_S,
    FLAGS,
    OPTIMIZE,
    build_host,
    c_sources,
    includes,
    plain_flags,
    thread_flags,
)
from edgebottle.build.process import run_tool
from edgebottle.build.project import BuildResult
from edgebottle.build.toolchains import linux_compiler
from edgebottle.errors import BadInput
from edgebottle.ops.base import Isa

FOLDERS = ("src", "port/host", "port/linux", "lib")
"""Where the sources of a project are."""


def build_computer(project_dir: Path, board: Board, toolchain: str, isa: Isa) -> BuildResult:
    """``build_host`` or ``build_linux``, with the kernels of ``isa``; raises as they do."""
    if board.is_linux:
        return build_linux(project_dir, board, toolchain)
    return build_host(project_dir, toolchain, dsp=isa is Isa.DSP)


def build_linux(
    project_dir: Path, board: Board, toolchain: str = "zig", *, optimize: str = OPTIMIZE
) -> BuildResult:
    """Builds model, bench application and port as a static executable for a Linux board.

    It is compiled for the CPU of the board, and linked with a libc for any CPU of its kind; that of
    zig is made once, a minute of work.

    Args:
        project_dir: A generated project for the board.
        board: The board.
        toolchain: ``"zig"``, which has a libc for every board, or ``"gcc"``.
        optimize: Compiler option.

    Raises:
        ToolMissing: the toolchain is not installed.
        BuildFailed: a compiler error.
        BadInput: the folder is not a generated project for a Linux board.
    """
    if not (project_dir / "port" / "linux").is_dir():
        raise BadInput(f"{project_dir} is not a project for {board.id}")
    compiler = linux_compiler(board, toolchain)
    out = project_dir / ".pio" / "build" / board.id
    out.mkdir(parents=True, exist_ok=True)
    log, file, fresh = out / "firmware.log", out / "firmware.elf", out / "new-firmware.elf"
    flags = (optimize, "-static", *compiler.arch_flags, *plain_flags(compiler))
    sources = c_sources(project_dir, (project_dir / folder for folder in FOLDERS))
    words: list[str | Path] = [*flags, f"-DEB_BOARD={board.id}", *FLAGS, *thread_flags(project_dir)]
    words += [*includes(project_dir), *sources]
    run_tool(
        [*compiler.command, *words, "-o", fresh],
        log=log,
        environment=compiler_environment(),
        deadline_s=DEADLINE_S,
    )
    fresh.replace(file)
    return BuildResult(elf=file, log=log, flags=flags, compiler=compiler.version)
