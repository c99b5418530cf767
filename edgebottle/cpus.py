"""What a CPU is, as ``firmware/platform/cpus.toml`` says for all boards that have it.

The PlatformIO platform reads the same file for its compilers' flags
(``firmware/platform/builder/eb_toolchain.py``).
"""

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgebottle.cycle_costs import CycleCosts, Kind
from edgebottle.data import data_dir
from edgebottle.errors import BadBoard

_COMPILERS = ("zig", "gcc")
"""Tables of a CPU that are the platform's alone."""


@dataclass(frozen=True)
class Cpu:
    """One CPU.

    Attributes:
        name: As board files have it, such as ``cortex-m4``.
        arch: ``arm`` (Cortex-M), ``riscv``, ``aarch64`` or ``armv7`` (both under Linux); empty
            for one that is never compiled for here, and for this computer.
        dsp: It has the DSP extension of Armv7E-M (SMLAD).
        mve: It has the vector extension of Armv8.1-M (integer MVE).
        fpu: It has a unit for floating point in single precision.
        linux: Of a CPU that runs Linux: the target that zig compiles for; else empty.
        qemu: Of the same: the CPU of QEMU's user mode that has its instructions.
        counts: Of Cortex-A: it counts bits faster than it multiplies bytes.
        dot: It has SDOT, the dot product of four int8 of Armv8.2-A.
        kinds: Of what stands for any CPU of its architecture, whose programs find out what they run
            on: those that differ for them, the one with the fewest instructions first.
        dwt: It has the cycle counter of the debug unit DWT.
        cpuid: Of Cortex-M: its register CPUID.
        issue_width: Instructions that begin in one cycle, at most.
        emulator: Name of its model in Unicorn; empty where that knows none.
        application_bytes: Bytes of bench application, port, start-up and the compiler's own
            routines, at most.
        layer_bytes: Bytes of the function of a layer that shares its kernel, with its parameters,
            at most.
        cycles: What its instructions cost; None where no model says.
    """

    name: str
    arch: str = ""
    dsp: bool = False
    mve: bool = False
    fpu: bool = False
    linux: str = ""
    qemu: str = ""
    counts: bool = False
    dot: bool = False
    kinds: tuple[str, ...] = ()
    dwt: bool = False
    cpuid: int | None = None
    issue_width: int = 1
    emulator: str = ""
    application_bytes: int = 0
    layer_bytes: int = 0
    cycles: CycleCosts | None = field(default=None, hash=False)


def cpu_names() -> tuple[str, ...]:
    """The names of all CPUs."""
    return tuple(_cpus())


def find_cpu(name: str) -> Cpu:
    """Returns the CPU called ``name``; raises ``BadBoard`` where there is none."""
    if name not in _cpus():
        raise BadBoard(f"there is no cpu '{name}': {', '.join(cpu_names())}")
    return _cpus()[name]


@functools.cache
def _cpus() -> Mapping[str, Cpu]:
    text = (data_dir("firmware") / "platform" / "cpus.toml").read_text(encoding="utf-8")
    return {name: _parse(name, table) for name, table in tomllib.loads(text).items()}


def _parse(name: str, table: dict[str, Any]) -> Cpu:
    facts = {key: value for key, value in table.items() if key not in _COMPILERS}
    cycles, kinds = facts.pop("cycles", None), tuple(facts.pop("kinds", ()))
    return Cpu(name, **facts, kinds=kinds, cycles=None if cycles is None else _cycle_costs(cycles))


def _cycle_costs(table: dict[str, Any]) -> CycleCosts:
    """Keys that are tables cost kinds of instructions; the others are single figures."""
    by_kind = {
        key: {Kind(kind): cycles for kind, cycles in value.items()}
        for key, value in table.items()
        if isinstance(value, dict)
    }
    return CycleCosts(**{**table, **by_kind})
