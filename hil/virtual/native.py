"""Compiles and loads the native half of the virtual board (``native/*.c``)."""

import ctypes
import hashlib
import importlib.metadata
import importlib.util
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from edgebottle.build.cache import cache_dir, compiler_environment
from edgebottle.build.toolchains import WITHOUT_RUNTIME
from edgebottle.errors import ToolMissing
from edgebottle.operating_system import shared_library, socket_libraries
from hil.virtual.native_memory import Describe, NativeMemory

_SOURCES = Path(__file__).parent / "native"
_FLAGS = ("-std=c99", "-D_DEFAULT_SOURCE", "-shared", "-fPIC", "-O2")
_COMPILE_SECONDS = 300

_U32, _I32, _U64, _PTR = ctypes.c_uint32, ctypes.c_int32, ctypes.c_uint64, ctypes.c_void_p


class Emulator(ctypes.Structure):
    """``eb_emulator`` of board.h."""

    _fields_: ClassVar = [
        *((name, _PTR) for name in ("hook_add", "mmio_map", "emu_start", "emu_stop", "reg_read")),
        ("mem_read", _PTR),
        ("uc", _PTR),
        *((name, _I32) for name in ("hook_block", "hook_invalid")),
        *((name, _I32) for name in ("reg_pc", "reg_sp", "reg_lr", "riscv", "fixed")),
        ("registers", _I32 * 16),
    ]


class Rule(ctypes.Structure):
    """``eb_rule`` of board.h."""

    _fields_: ClassVar = [
        ("offset", _U32),
        ("mask", _U32),
        ("source_offset", _I32),
        ("source_mask", _U32),
        *((name, _U32) for name in ("value", "when_mask", "when_value")),
    ]


class NativeBlock(ctypes.Structure):
    """``eb_block_count`` of board.h."""

    _fields_: ClassVar = [
        *((name, _U64) for name in ("executions", "fell_through", "fetch_stalls", "data_stalls")),
        ("step", _I32),
        *((name, _U32) for name in ("address", "size", "instructions")),
    ]


_PROTOTYPES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "eb_board_new": (_PTR, (ctypes.POINTER(Emulator),)),
    "eb_board_free": (None, (_PTR,)),
    "eb_board_set_code": (ctypes.c_int, (_PTR, _U32, _U32, ctypes.c_char_p)),
    "eb_board_add_step": (ctypes.c_int, (_PTR, _U32)),
    "eb_board_set_stack": (None, (_PTR, _U32)),
    "eb_board_add_device": (ctypes.c_int, (_PTR, ctypes.c_int, _U32, _U32, _U32)),
    "eb_board_add_rule": (ctypes.c_int, (_PTR, ctypes.c_int, ctypes.POINTER(Rule))),
    "eb_board_add_need": (ctypes.c_int, (_PTR, ctypes.c_int, ctypes.c_int, _U32, _U32, _U32)),
    "eb_board_set_rate": (ctypes.c_int, (_PTR, ctypes.c_int, ctypes.c_int, _U32)),
    "eb_board_set_clock": (None, (_PTR, _U32)),
    "eb_board_get_register": (ctypes.c_int, (_PTR, _U32, ctypes.POINTER(_U32))),
    "eb_board_set_register": (ctypes.c_int, (_PTR, ctypes.c_int, _U32, _U32)),
    "eb_board_set_memory": (ctypes.c_int, (_PTR, ctypes.POINTER(NativeMemory), Describe)),
    "eb_board_model": (None, (_PTR, ctypes.c_int)),
    "eb_board_watch": (None, (_PTR, _U32, _U32, _U32, _U32)),
    "eb_board_add_pin_need": (ctypes.c_int, (_PTR, _U32, _U32, _U32)),
    "eb_board_levels": (_U32, (_PTR, ctypes.POINTER(_U64), _U32)),
    "eb_board_map": (ctypes.c_int, (_PTR, _U32)),
    "eb_board_listen": (ctypes.c_int, (_PTR, ctypes.c_int)),
    "eb_board_count": (ctypes.c_int, (_PTR,)),
    "eb_board_run": (ctypes.c_int, (_PTR, _U64)),
    "eb_board_stop": (None, (_PTR,)),
    "eb_board_disconnect": (None, (_PTR,)),
    "eb_board_instructions": (_U64, (_PTR,)),
    "eb_board_polls": (_U64, (_PTR,)),
    "eb_board_stack_lowest": (_U32, (_PTR,)),
    "eb_board_fault": (ctypes.c_int, (_PTR, ctypes.POINTER(_U64), ctypes.POINTER(_I32))),
    "eb_board_step": (_U64, (_PTR, ctypes.c_int)),
    "eb_board_blocks": (_U32, (_PTR, ctypes.POINTER(NativeBlock), _U32)),
}


@cache
def library() -> ctypes.CDLL:
    """Returns the native library, compiled on first use.

    Raises:
        ToolMissing: there is no C compiler, or it failed.
    """
    path = _build()
    try:
        loaded = ctypes.CDLL(str(path))
    except OSError as error:
        raise ToolMissing(f"cannot load {path}: {error}; remove it and try again") from error
    for name, (result, arguments) in _PROTOTYPES.items():
        function = getattr(loaded, name)
        function.restype = result
        function.argtypes = arguments
    return loaded


def _compiler() -> list[str]:
    if importlib.util.find_spec("ziglang") is not None:
        # The cache folder may be shared by machines of different age.
        return [sys.executable, "-m", "ziglang", "cc", "-mcpu=baseline"]
    for name in ("cc", "gcc", "clang"):
        found = shutil.which(name)
        if found is not None:
            return [found]
    raise ToolMissing("the virtual board needs a C compiler: pip install ziglang")


def _build() -> Path:
    sources = sorted(_SOURCES.glob("*.c"))
    return compiled("board", sources, socket_libraries(), headers=sorted(_SOURCES.glob("*.h")))


def compiled(
    stem: str, sources: Sequence[Path], more: Sequence[str] = (), headers: Sequence[Path] = ()
) -> Path:
    """A library of this computer, compiled into the cache where it is not there yet.

    Args:
        stem: How its file begins.
        sources: In C.
        more: Further words for the compiler.
        headers: What the sources include of their own.

    Raises:
        ToolMissing: there is no C compiler, or it failed.
    """
    key = hashlib.sha256(" ".join((*_FLAGS, *more, platform.platform())).encode())
    for path in (*sources, *headers):
        key.update(path.read_bytes())
    for package in ("unicorn", "ziglang"):
        if importlib.util.find_spec(package) is not None:
            key.update(importlib.metadata.version(package).encode())
    folder = cache_dir() / "native"
    folder.mkdir(exist_ok=True)
    target = folder / shared_library(f"{stem}-{key.hexdigest()[:20]}")
    if target.is_file():
        return target
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        output = Path(fresh) / target.name
        command = [*_compiler(), *_FLAGS, *map(str, sources), *more, "-o", str(output)]
        is_zig = "ziglang" in command
        result = _run([*command, WITHOUT_RUNTIME] if is_zig else command)
        if is_zig and result.returncode != 0:
            result = _run(command)
        if result.returncode != 0:
            lines = result.stderr.strip().splitlines() or ["no message"]
            raise ToolMissing(f"cannot compile the virtual board: {lines[0]}")
        output.replace(target)
    return target


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_COMPILE_SECONDS,
            check=False,
            env=compiler_environment(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolMissing(f"cannot compile the virtual board: {error}") from error
