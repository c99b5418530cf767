"""Finds compilers; the flags themselves are the platform's (``firmware/platform/builder``)."""

import functools
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from edgebottle.boards import Board
from edgebottle.build.cache import compiler_environment
from edgebottle.data import platform_module
from edgebottle.errors import ToolMissing

TOOLCHAINS = ("zig", "gcc")
QEMU = "qemu-system-arm"
WITHOUT_RUNTIME = "-rtlib=none"
"""Of zig, which otherwise makes its runtime first: 10 s of a core, once for each CPU.

Few programs need anything of it; what does is linked again without this.
"""

GNU = {"aarch64": "aarch64-linux-gnu", "armv7": "arm-linux-gnueabihf"}
"""What GCC for Linux is called, by architecture."""

GNU_PACKAGES = {
    "aarch64": "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    "armv7": "gcc-arm-linux-gnueabihf libc6-dev-armhf-cross",
}
"""Of Debian and Ubuntu."""

X86_64 = ("x86_64", "AMD64")
"""As operating systems call it."""

_AVX512 = "bf16 bitalg bw cd dq f fp16 ifma vbmi vbmi2 vl vnni vp2intersect vpopcntdq"
WITHOUT_AVX512 = ("-mcpu=native" + "".join(f"-avx512{part}" for part in _AVX512.split()),)
"""All that this computer has but AVX-512: with it, and -O1 to -O3, zig 0.17.1 computes some sums of
the C twins of NEON kernels wrong. Without it, or with gcc and its sanitizers, they are right.
"""


@dataclass(frozen=True)
class Compiler:
    """A C compiler ready to be called.

    Attributes:
        command: Executable and fixed first arguments, such as ``("/.../zig", "cc")``.
        version: Name and version, such as ``zig 0.17.1``.
        arch_flags: Flags that choose the CPU; of the host, what is left out of it.
    """

    command: tuple[str, ...]
    version: str
    arch_flags: tuple[str, ...]


def cross_compiler(board: Board, toolchain: str = "zig") -> Compiler:
    """Returns the compiler called ``toolchain`` for ``board``.

    Raises:
        ToolMissing: it is not installed, or there is no toolchain of that name.
    """
    try:
        found = _platform_toolchains().find_toolchain(toolchain, board.cpu, board.fpu)
    except LookupError as error:
        raise ToolMissing(str(error)) from error
    if toolchain == "zig":
        command: tuple[str, ...] = (zig_path(), "cc")
    else:
        command = (shutil.which(found.cc) or found.cc,)
    return Compiler(command, _version(command[0]), tuple(found.arch_flags))


def linux_compiler(board: Board, toolchain: str = "zig") -> Compiler:
    """Returns the compiler of static executables for a Linux board.

    Raises:
        ToolMissing: it is not installed, or there is no toolchain of that name.
    """
    if toolchain == "gcc":
        return _gnu_compiler(board)
    if toolchain != "zig":
        raise ToolMissing(f"unknown toolchain '{toolchain}': use zig or gcc")
    platform = _platform_toolchains()
    facts = platform.read_cpu(board.cpu)["zig"]
    runtime = platform.read_cpu(facts["runtime"])["zig"] if "runtime" in facts else facts
    flags = ["-target", board.processor.linux, f"-mcpu={runtime['cpu']}"]
    if runtime != facts:  # zig makes its libc for -mcpu; what it hands on is for our sources alone
        own = ["-target-cpu", facts["cpu"].replace("_", "-")]
        own += ["-target-feature", "+dotprod"] if board.processor.dot else []
        flags += [word for flag in own for word in ("-Xclang", flag)]
    return Compiler((zig_path(), "cc"), _version(zig_path()), tuple(flags))


def _gnu_compiler(board: Board) -> Compiler:
    """GCC with a libc for a Linux board; raises ``ToolMissing``."""
    name = f"{GNU[board.processor.arch]}-gcc"
    path = shutil.which(name)
    if path is None:
        packages = GNU_PACKAGES[board.processor.arch]
        raise ToolMissing(
            f"{name} is not installed: install it (Debian/Ubuntu: apt install {packages}), or "
            "leave out --toolchain gcc"
        )
    facts = _platform_toolchains().read_cpu(board.cpu)["gcc"]
    flags = [f"-mcpu={facts['cpu']}"]
    if "fpu" in facts:
        flags += [f"-mfpu={facts['fpu']}", "-mfloat-abi=hard"]
    return Compiler((path,), _version(path), tuple(flags))


def qemu_user_path(board: Board) -> str:
    """Returns the emulator that runs the programs of a Linux board here.

    Raises:
        ToolMissing: it is not installed.
    """
    name = f"qemu-{'arm' if board.processor.arch == 'armv7' else board.processor.arch}"
    path = shutil.which(name)
    if path is None:
        raise ToolMissing(
            f"{name} is not installed, which runs programs for {board.id} on this computer: "
            "install it (Debian/Ubuntu: apt install qemu-user)"
        )
    return path


def host_compiler(toolchain: str = "zig") -> Compiler:
    """Returns a compiler for this computer: zig's, or the system's ``cc``."""
    if toolchain == "zig":
        flags = WITHOUT_AVX512 if platform.machine() in X86_64 else ()
        return Compiler((zig_path(), "cc"), _version(zig_path()), flags)
    for name in ("gcc", "cc", "clang"):
        path = shutil.which(name)
        if path:
            return Compiler((path,), _version(path), ())
    raise ToolMissing("no C compiler for this computer (gcc, cc or clang): install one")


def zig_path() -> str:
    """Returns the zig executable of the ``ziglang`` package, else the one in PATH."""
    try:
        return str(_platform_toolchains().zig_path())
    except LookupError as error:
        raise ToolMissing(str(error)) from error


def qemu_path() -> str:
    """Returns the emulator of the virtual boards that Unicorn does not know.

    Raises:
        ToolMissing: it is not installed.
    """
    path = shutil.which(QEMU)
    if path is None:
        raise ToolMissing(
            f"{QEMU} is not installed: install it (Debian/Ubuntu: apt install {QEMU})"
        )
    return path


@functools.cache
def _version(executable: str) -> str:
    is_zig = Path(executable).stem == "zig"
    try:
        completed = subprocess.run(
            [executable, "version" if is_zig else "-dumpfullversion"],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
            env=compiler_environment(),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolMissing(f"{executable} does not run: {error}") from error
    return f"{Path(executable).stem} {completed.stdout.strip()}"


def _platform_toolchains() -> ModuleType:
    return platform_module("eb_toolchain")
