"""Compilers of the edgebottle platform: which executable, which flags for which CPU."""

import importlib.util
import shutil
import sys
import tomllib
from dataclasses import dataclass
from os import environ
from pathlib import Path

CPUS = Path(__file__).resolve().parent.parent / "cpus.toml"
GCC_HINT = {
    "arm-none-eabi-gcc": "install it (Debian/Ubuntu: apt install gcc-arm-none-eabi)",
    "riscv64-unknown-elf-gcc": "install it (Debian/Ubuntu: apt install gcc-riscv64-unknown-elf)",
}
WITHOUT_COMPILER_RT = ("-rtlib=none",)
"""Of zig, which otherwise makes its compiler-rt first: 10 s of a core, once for each CPU."""


@dataclass(frozen=True)
class Toolchain:
    """Commands and flags of one compiler for one CPU."""

    cc: str
    cxx: str
    ar: str
    ranlib: str
    arch_flags: tuple
    cc_flags: tuple
    link_flags: tuple
    libs: tuple
    without_runtime: tuple
    smallest: tuple
    needs_libc_headers: bool

    def optimize_flags(self, option):
        """The flags for ``option``; compilers spell -Oz, the smallest code, differently."""
        return self.smallest if option == "-Oz" else (option,)


def zig_path():
    """Returns the zig executable; raises ``LookupError`` with the remedy."""
    spec = importlib.util.find_spec("ziglang")
    candidates = [environ.get("EDGEBOTTLE_ZIG")]
    if spec is not None and spec.origin:
        candidates += [str(Path(spec.origin).parent / name) for name in ("zig", "zig.exe")]
    candidates.append(shutil.which("zig"))
    for candidate in candidates:
        if candidate and Path(candidate).is_file():
            return candidate
    raise LookupError(
        f"zig is not installed: {sys.executable} -m pip install ziglang, or set EDGEBOTTLE_ZIG"
    )


def read_cpu(name):
    """Returns what ``cpus.toml`` says of a CPU; raises ``LookupError``."""
    cpu = tomllib.loads(CPUS.read_text(encoding="utf-8")).get(name)
    if cpu is None:
        raise LookupError(f"{CPUS} has no cpu '{name}'")
    return cpu


def find_toolchain(name, cpu, fpu):
    """Returns the ``Toolchain`` called ``name`` for ``cpu``; raises ``LookupError``."""
    if cpu == "host" and name in ("zig", "gcc"):
        return _host(name)
    facts = read_cpu(cpu)
    if "arch" not in facts:
        raise LookupError(f"no compiler flags for cpu '{cpu}'")
    if name == "zig":
        return _zig(facts, fpu)
    if name == "gcc":
        return _gcc(facts, fpu)
    raise LookupError(f"unknown toolchain '{name}': use zig or gcc")


def _zig(cpu, fpu):
    zig = f'"{zig_path()}"' if " " in zig_path() else zig_path()
    model = _zig_model(cpu, fpu)
    runtime = read_cpu(cpu["zig"]["runtime"]) if "runtime" in cpu["zig"] else cpu
    abi = "eabihf" if fpu else "eabi"
    target = f"thumb-freestanding-{abi}" if cpu["arch"] == "arm" else "riscv32-freestanding-none"
    return Toolchain(
        cc=f"{zig} cc",
        cxx=f"{zig} c++",
        ar=f"{zig} ar",
        ranlib=f"{zig} ranlib",
        arch_flags=("-target", target, f"-mcpu={model}"),
        cc_flags=("-fno-sanitize=all", "-fomit-frame-pointer"),
        # The last -mcpu counts: that of compiler-rt.
        link_flags=(f"-mcpu={_zig_model(runtime, fpu)}", "-Wl,--build-id=none"),
        libs=(),
        without_runtime=WITHOUT_COMPILER_RT,
        smallest=("-Os", "-Xclang", "-Oz"),  # zig takes -Oz for -Os, its clang does not
        needs_libc_headers=True,
    )


def _zig_model(cpu, fpu):
    return cpu["zig"]["cpu"] + (cpu["zig"].get("fpu", "") if fpu else "")


def _host(name):
    """This computer's own compiler, or zig as one."""
    if name == "zig":
        zig = f'"{zig_path()}"' if " " in zig_path() else zig_path()
        cc, ar = f"{zig} cc", f"{zig} "
    else:
        cc, ar = shutil.which("gcc") or shutil.which("cc"), ""
    if cc is None:
        raise LookupError("no C compiler for this computer (gcc or cc): install one")
    return Toolchain(
        cc=cc,
        cxx=cc,
        ar=f"{ar}ar",
        ranlib=f"{ar}ranlib",
        arch_flags=(),
        cc_flags=("-fno-sanitize=all",) if name == "zig" else (),
        link_flags=(),
        libs=(),
        without_runtime=WITHOUT_COMPILER_RT if name == "zig" else (),
        smallest=("-Os",),
        needs_libc_headers=False,
    )


def _gcc(cpu, fpu):
    gcc = cpu["gcc"]
    # Freestanding for its own stdint.h where there is no libc, yet memcpy is still a builtin.
    cc_flags = ("-ffreestanding", "-fbuiltin", *gcc.get("flags", ()))
    if cpu["arch"] == "arm":
        prefix = "arm-none-eabi-"
        arch = (f"-mcpu={gcc['cpu']}", "-mthumb")
        arch += (f"-mfpu={gcc['fpu']}", "-mfloat-abi=hard") if fpu else ("-mfloat-abi=soft",)
    else:
        prefix = "riscv64-unknown-elf-"
        # Compiling needs the CSR instructions named; linking must not, or no libgcc is found.
        arch = (f"-mabi={gcc['abi']}", f"-march={gcc['cpu']}")
        cc_flags = (f"-march={gcc['cpu']}_zicsr", *cc_flags)
    if shutil.which(prefix + "gcc") is None:
        raise LookupError(f"{prefix}gcc is not installed: {GCC_HINT[prefix + 'gcc']}")
    return Toolchain(
        cc=prefix + "gcc",
        cxx=prefix + "g++",
        ar=prefix + "gcc-ar",
        ranlib=prefix + "gcc-ranlib",
        arch_flags=arch,
        cc_flags=cc_flags,
        link_flags=("-nostdlib", "-nostartfiles", "-Wl,--build-id=none"),
        libs=("gcc",),
        without_runtime=(),
        smallest=("-Os",),
        needs_libc_headers=True,
    )
