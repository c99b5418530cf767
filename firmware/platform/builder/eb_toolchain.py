"""Compilers of the edgebottle platform: which executable, which flags for which CPU."""

import importlib.util
import shutil
import sys
from dataclasses import dataclass
from os import environ
from pathlib import Path

# CPU of the board file -> (zig -mcpu, features of its FPU, gcc -mcpu, gcc -mfpu). Only the
# single-precision FPU is used: the H7's double precision has no use in a quantized network.
ARM = {
    "cortex-m0": ("cortex_m0", "", "cortex-m0", ""),
    "cortex-m0plus": ("cortex_m0plus", "", "cortex-m0plus", ""),
    "cortex-m4": ("cortex_m4", "+vfp4d16sp", "cortex-m4", "fpv4-sp-d16"),
    "cortex-m7": ("cortex_m7", "+fp_armv8d16sp", "cortex-m7", "fpv5-sp-d16"),
    # zig leaves out the vector unit of its own Cortex-M55; gcc takes its FPU from the CPU.
    "cortex-m55": ("cortex_m55+mve", "+mve_fp+fp_armv8d16sp", "cortex-m55", "auto"),
    "cortex-m33": ("cortex_m33+dsp", "+fp_armv8d16sp", "cortex-m33", "fpv5-sp-d16"),
}
RISCV = {"rv32imac": ("generic_rv32+m+a+c", "rv32imac", "ilp32")}
GCC_HINT = {
    "arm-none-eabi-gcc": "install it (Debian/Ubuntu: apt install gcc-arm-none-eabi)",
    "riscv64-unknown-elf-gcc": "install it (Debian/Ubuntu: apt install gcc-riscv64-unknown-elf)",
}


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


def find_toolchain(name, cpu, fpu):
    """Returns the ``Toolchain`` called ``name`` for ``cpu``; raises ``LookupError``."""
    if cpu == "host" and name in ("zig", "gcc"):
        return _host(name)
    if cpu not in ARM and cpu not in RISCV:
        raise LookupError(f"no compiler flags for cpu '{cpu}'")
    if name == "zig":
        return _zig(cpu, fpu)
    if name == "gcc":
        return _gcc(cpu, fpu)
    raise LookupError(f"unknown toolchain '{name}': use zig or gcc")


def _zig(cpu, fpu):
    zig = f'"{zig_path()}"' if " " in zig_path() else zig_path()
    if cpu in ARM:
        model, features, _, _ = ARM[cpu]
        target = "thumb-freestanding-eabihf" if fpu else "thumb-freestanding-eabi"
        arch = ("-target", target, f"-mcpu={model}{features if fpu else ''}")
    else:
        arch = ("-target", "riscv32-freestanding-none", f"-mcpu={RISCV[cpu][0]}")
    return Toolchain(
        cc=f"{zig} cc",
        cxx=f"{zig} c++",
        ar=f"{zig} ar",
        ranlib=f"{zig} ranlib",
        arch_flags=arch,
        cc_flags=("-fno-sanitize=all", "-fomit-frame-pointer"),
        link_flags=("-Wl,--build-id=none",),
        libs=(),  # zig adds its own compiler-rt
        smallest=("-Os", "-Xclang", "-Oz"),  # zig takes -Oz for -Os, its clang does not
        needs_libc_headers=True,
    )


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
        smallest=("-Os",),
        needs_libc_headers=False,
    )


def _gcc(cpu, fpu):
    # Freestanding for its own stdint.h where there is no libc, yet memcpy is still a builtin.
    cc_flags = ("-ffreestanding", "-fbuiltin")
    if cpu in ARM:
        prefix, (_, _, model, unit) = "arm-none-eabi-", ARM[cpu]
        arch = (f"-mcpu={model}", "-mthumb")
        arch += (f"-mfpu={unit}", "-mfloat-abi=hard") if fpu else ("-mfloat-abi=soft",)
        if cpu == "cortex-m55":
            # The assembler takes VCVT under the condition NE for another instruction (VCVTN).
            cc_flags = (*cc_flags, "-fno-if-conversion2")
    else:
        prefix, (_, march, abi) = "riscv64-unknown-elf-", RISCV[cpu]
        # Compiling needs the CSR instructions named; linking must not, or no libgcc is found.
        arch = (f"-mabi={abi}", f"-march={march}")
        cc_flags = (f"-march={march}_zicsr", *cc_flags)
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
        smallest=("-Os",),
        needs_libc_headers=True,
    )
