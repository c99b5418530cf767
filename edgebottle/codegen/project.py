"""Writes a self-contained PlatformIO project: model library, kernels, port, bench application."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from edgebottle import __version__
from edgebottle.boards import Board, board_file
from edgebottle.build.flash_files import SUFFIXES
from edgebottle.codegen.kernels import Optimize
from edgebottle.codegen.model import ModelSource, write_model
from edgebottle.codegen.tensors import c_dtype
from edgebottle.data import data_dir
from edgebottle.errors import BadInput
from edgebottle.ir.graph import Graph
from edgebottle.ir.layout import aligned
from edgebottle.plan.plan import Plan
from edgebottle.programmers import all_programmers, target_of

MARKER = "edgebottle.json"
"""A folder with this file was written by edgebottle, which may write it again."""

ELF = "firmware.elf"
"""The firmware, in a finished project."""

_FIRMWARE = {MARKER, ELF, *(str(PurePosixPath(ELF).with_suffix(suffix)) for suffix in SUFFIXES)}

POOL = ("lib/edgebottle/include/eb_pool.h", "lib/edgebottle/kernels/threads/eb_pool.c")
"""Of the library, what only a network needs that runs on several threads."""

MAX_STATIC = 448
"""Bytes of RAM that the bench application's own variables take on any board, at most."""


@dataclass(frozen=True)
class Project:
    """A generated project, in memory.

    Attributes:
        model: Name of the model.
        board: The board it is for.
        source: The model library.
        files: Path below the project folder (with ``/``) to content.
        input_buffer: Bytes of the bench application's copy of the inputs; 0 where RAM is short.
    """

    model: str
    board: Board
    source: ModelSource
    files: dict[str, bytes]
    input_buffer: int

    def digest(self, about: str) -> str:
        """32 hexadecimal digits: equal where all files are, and ``about``."""
        found = hashlib.sha256(about.encode())
        for name, content in sorted(self.files.items()):
            found.update(f"{name} {len(content)} ".encode() + content)
        return found.hexdigest()[:32]


def write_project(
    graph: Graph,
    plan: Plan,
    board: Board,
    ram: int | None = None,
    optimize: Optimize = Optimize.BALANCED,
    source: ModelSource | None = None,
) -> Project:
    """Generates every file of the project of ``graph`` for ``board``.

    Args:
        graph: The graph after the passes.
        plan: Its plan.
        board: The board.
        ram: Bytes of RAM the firmware may take; None for all the board has.
        optimize: What is spent for what.
        source: The model library of this graph, plan and choice, where it is written already.
    """
    source = source or write_model(graph, plan, optimize)
    buffer = input_buffer(graph, plan, board, ram)
    model = graph.name
    files = {f"lib/eb_{model}/{name}": text.encode() for name, text in source.files.items()}
    firmware = data_dir("firmware")
    for folder in ("lib/edgebottle", "src", "port/include", *_folders(board)):
        files.update(_copy(firmware, folder))
    if source.threads == 1:
        files = {name: content for name, content in files.items() if name not in POOL}
    files["src/bench_binding.h"] = _binding(graph, plan, buffer, board, source.threads).encode()
    if board.is_linux:
        files["Makefile"] = files.pop("port/linux/Makefile")
    else:
        files[f"platform/boards/{board.id}.toml"] = board_file(board.id).read_bytes()
        files["platformio.ini"] = _platformio_ini(board, optimize).encode()
    files[MARKER] = _marker(model, board, files)
    return Project(model, board, source, files, buffer)


def _folders(board: Board) -> tuple[str, ...]:
    """Of the port; PlatformIO's platform is for all but computers that run Linux."""
    if board.is_linux:
        return "port/host", "port/linux"
    return "platform", "port/common", f"port/{board.port}"


def remade(project: Project) -> Project:
    """A project whose marker names all of its files, where some were added."""
    files = {name: content for name, content in project.files.items() if name != MARKER}
    files[MARKER] = _marker(project.model, project.board, files)
    return replace(project, files=files)


def library_of(project: Project) -> Project:
    """What of a project goes into one of the user's own: the two libraries, and how to use them."""
    files = {name: text for name, text in project.files.items() if name.startswith("lib/")}
    files["README.md"] = _library_readme(project).encode()
    files[MARKER] = _marker(project.model, project.board, files)
    return replace(project, files=files)


def _marker(model: str, board: Board, files: Mapping[str, bytes]) -> bytes:
    manifest = {"edgebottle": __version__, "model": model, "board": board.id}
    return (json.dumps({**manifest, "files": sorted(files)}, indent=1) + "\n").encode()


def _library_readme(project: Project) -> str:
    model = project.model
    return f"""# {model} for {project.board.id}

Written by edgebottle {__version__}: a neural network in C99, without dependencies.

Copy `lib/eb_{model}` and `lib/edgebottle` into `lib/` of your PlatformIO project. With any other
build, compile every `.c` file of both; `lib/eb_{model}` and `lib/edgebottle/include` are include
folders. Then:

```c
#include "eb_{model}_model.h"
```

That header says what there is to call, and with which sizes.
"""


def input_buffer(graph: Graph, plan: Plan, board: Board, ram: int | None) -> int:
    """Bytes of the bench application's copy of the inputs, 0 where RAM is short.

    Args:
        graph: The graph after the passes.
        plan: Its plan.
        board: The board.
        ram: Bytes of RAM the firmware may take; None for all the board has.
    """
    if plan.row_fed:
        return 0
    wanted = sum(aligned(graph.tensors[name].nbytes) for name in graph.inputs)
    if board.is_computer:
        return wanted
    taken = plan.arena_bytes + board.stack_size + static_bytes(graph, row_fed=False)
    return wanted if taken + wanted <= (ram or board.region("ram").size) else 0


def static_bytes(graph: Graph, row_fed: bool, own: int = MAX_STATIC) -> int:
    """Bytes of RAM beside arena, stack and a copy of the inputs, at most.

    Args:
        graph: The graph after the passes.
        row_fed: The input is handed over row by row: the bench application holds one row.
        own: Bytes of its own variables.
    """
    row = _row_bytes(graph) if row_fed and graph.inputs else 0
    return own + len(graph.inputs) + row


def _row_bytes(graph: Graph) -> int:
    """Bytes of a row of the input."""
    return graph.tensors[graph.inputs[0]].layout.row_bytes


def _copy(root: Path, folder: str) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted((root / folder).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    }


def _binding(graph: Graph, plan: Plan, buffer: int, board: Board, threads: int) -> str:
    model, row = graph.name, _row_bytes(graph) if plan.row_fed else 0
    more = "#define EB_BENCH_COUNTERS 1\n" if board.is_linux else ""
    more += f"#define EB_BENCH_POOL {threads}\n" if threads > 1 else ""
    outputs = [graph.tensors[name] for name in graph.outputs]
    types = {c_dtype(tensor) for tensor in outputs}
    more += f"#define EB_BENCH_OUTPUT_DTYPE {types.pop()}\n" if len(types) == 1 else ""
    return f"""/* Binds the bench application to its model. Written by edgebottle {__version__}. */
#ifndef BENCH_BINDING_H
#define BENCH_BINDING_H

#include "eb_{model}_model.h"

#define EB_MODEL(name) eb_{model}_##name
#define EB_MODEL_NAME "{model}"
#define EB_BENCH_INPUTS {len(graph.inputs)}
#define EB_BENCH_DB_BYTES {buffer}
#define EB_BENCH_ROW_BYTES {row}
#define EB_BENCH_OUTPUT_BYTES {sum(tensor.nbytes for tensor in outputs)}
#define EB_BENCH_STATE {int(graph.has_state)}
{more}
#endif
"""


def _platformio_ini(board: Board, optimize: Optimize) -> str:
    baud = board.uart.baud if board.uart else 115200
    return f"""; Written by edgebottle {__version__}. `pio run` builds the firmware.
[platformio]
default_envs = {board.id}
; Each project has a platform of its own, and leaves those of others alone.
platforms_dir = .pio/platforms
packages_dir = .pio/packages

[env:{board.id}]
platform = symlink://platform
board = {board.id}
lib_ldf_mode = chain
lib_compat_mode = off
monitor_speed = {baud}
custom_optimize = {optimize.option}
{_mode(board)}{_upload_options(board)}"""


def _mode(board: Board) -> str:
    """That of the bench application, where it is not the usual one."""
    return "custom_mode = energy\n" if board.has_pulses else ""


def _upload_options(board: Board) -> str:
    """How `pio run -t upload` is told what to use, where there is something to choose."""
    able = [item for item in all_programmers() if item.serves(target_of(board))]
    if not able:
        return ""
    names = ", ".join(item.name for item in able)
    lines = [
        f"; `pio run -t upload` takes the first that is installed and can: {names}. One alone:"
    ]
    lines.append(f"; upload_protocol = {able[-1].name}")
    if any(item.chooses_probe for item in able):
        lines.append("; With several boards connected, the serial number of this one's probe:")
        lines.append("; custom_probe = ...")
    return "\n".join(lines) + "\n"


def sync(project: Project, folder: Path) -> None:
    """Brings ``folder`` to the state of ``project``, touching only files that differ.

    Build products in ``folder`` stay, so that the next build is incremental.

    Raises:
        BadInput: the folder holds something else, or cannot be written.
    """
    check_output(folder)
    try:
        for name, content in project.files.items():
            _write_if_changed(folder / PurePosixPath(name), content)
        for managed in ("lib", "src", "port", "platform"):
            for path in sorted((folder / managed).rglob("*"), reverse=True):
                relative = path.relative_to(folder).as_posix()
                if path.is_file() and relative not in project.files and path.suffix != ".pyc":
                    path.unlink()
    except OSError as error:
        raise BadInput(f"cannot write {error.filename or folder}: {error.strerror}") from error


def _write_if_changed(path: Path, content: bytes) -> None:
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(content)
    os.replace(temporary, path)


def check_output(folder: Path) -> None:
    """Raises ``BadInput`` where writing a project to ``folder`` would destroy something else."""
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is a file: give a folder with --out")
    if folder.is_mount():
        raise BadInput(f"{folder} is a mount point, which cannot be replaced: give a folder in it")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARKER).is_file():
        raise BadInput(
            f"{folder} holds files that edgebottle did not write: give another folder with --out"
        )


def publish_library(project: Project, folder: Path) -> None:
    """Puts ``library_of(project)`` into ``folder``, as ``publish`` does."""
    with tempfile.TemporaryDirectory() as made:
        sync(library_of(project), Path(made))
        publish(Path(made), None, folder)


def publish(
    built: Path, elf: Path | None, folder: Path, beside: Mapping[str, bytes] | None = None
) -> Path:
    """Puts a project that was built in ``built`` into ``folder``, whole or not at all.

    Args:
        built: Where it was built.
        elf: The firmware, if it goes there too.
        folder: Where to put it.
        beside: The firmware in other formats, by suffix.

    Returns:
        The path of the ELF file in ``folder``, if there is one.

    Raises:
        BadInput: the folder holds something else, or cannot be written.
    """
    check_output(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            fresh = staging / "new"
            shutil.copytree(
                built, fresh, ignore=shutil.ignore_patterns(".pio", "*.log", "__pycache__")
            )
            if elf is not None:
                shutil.copy2(elf, fresh / ELF)
            for suffix, content in (beside or {}).items():
                (fresh / ELF).with_suffix(suffix).write_bytes(content)
            if folder.exists():
                _keep_foreign_files(folder, fresh)
                os.replace(folder, staging / "old")
            try:
                os.replace(fresh, folder)
            except BaseException:
                if (staging / "old").exists():
                    os.replace(staging / "old", folder)
                raise
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise BadInput(f"cannot write {error.filename or folder}: {error.strerror}") from error
    return folder / ELF


def _keep_foreign_files(old: Path, fresh: Path) -> None:
    """Copies what the user has put into an earlier project, but nothing that was generated."""
    try:
        generated = set(json.loads((old / MARKER).read_text(encoding="utf-8"))["files"])
    except (ValueError, KeyError, TypeError, OSError):
        return
    for path in sorted(old.rglob("*")):
        name = path.relative_to(old)
        ours = name.as_posix() in generated or name.as_posix() in _FIRMWARE
        if path.is_file() and not ours and ".pio" not in name.parts:
            target = fresh / name
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)


def work_key(model: str, board: Board, toolchain: str) -> str:
    """Name of the work folder of a build: builds of one model for one board share it."""
    mode = "-energy" if board.has_pulses else ""
    digest = hashlib.sha256(f"{model}|{board.id}|{toolchain}".encode()).hexdigest()[:12]
    return f"{model}-{board.id}{mode}-{toolchain}-{digest}"
