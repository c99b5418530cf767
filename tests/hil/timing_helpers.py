"""Assembles snippets and decodes them, for the tests of the cycle model."""

import functools
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from elftools.elf.elffile import ELFFile

from hil.virtual.timing.instructions import Instruction
from hil.virtual.timing.model import decode_code

_TARGETS = {
    "cortex-m0": ("thumb-freestanding-eabi", "cortex_m0"),
    "cortex-m0plus": ("thumb-freestanding-eabi", "cortex_m0plus"),
    "cortex-m4": ("thumb-freestanding-eabihf", "cortex_m4+vfp4d16sp"),
    "cortex-m7": ("thumb-freestanding-eabihf", "cortex_m7+fp_armv8d16sp"),
    "cortex-m33": ("thumb-freestanding-eabihf", "cortex_m33+dsp+fp_armv8d16sp"),
    "rv32imac": ("riscv32-freestanding-none", "generic_rv32+m+a+c"),
}


@functools.cache
def assemble(cpu: str, snippets: tuple[str, ...]) -> tuple[bytes, ...]:
    """Returns the code of each snippet, assembled in one go. ``;`` separates instructions."""
    lines = [] if cpu == "rv32imac" else [".syntax unified", ".thumb"]
    for number, snippet in enumerate(snippets):
        body = snippet.replace(";", "\n")
        lines += [f'.section .s{number},"ax",%progbits', body]
    target, model = _TARGETS[cpu]
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder) / "rows.s", Path(folder) / "rows.o"
        source.write_text("\n".join(lines) + "\n")
        command = [sys.executable, "-m", "ziglang", "cc", "-target", target, f"-mcpu={model}"]
        command += ["-c", str(source), "-o", str(output)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert result.returncode == 0, result.stderr
        with output.open("rb") as stream:
            file = ELFFile(stream)
            sections = [file.get_section_by_name(f".s{n}") for n in range(len(snippets))]
            return tuple(section.data() for section in sections)


def instructions(cpu: str, code: bytes) -> Sequence[Instruction]:
    """Decodes all of ``code``."""
    return decode_code(cpu, code, len(code))
