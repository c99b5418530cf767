"""Assembles snippets and decodes them, for the tests of the cycle model."""

import functools
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from elftools.elf.elffile import ELFFile

from edgebottle.cpus import find_cpu
from edgebottle.data import platform_module
from hil.virtual.timing.instructions import Instruction
from hil.virtual.timing.model import decode_code


def zig_flags(cpu: str, fpu: bool) -> tuple[str, ...]:
    """The flags that choose ``cpu``, with or without its FPU."""
    found = platform_module("eb_toolchain").find_toolchain("zig", cpu, fpu)
    return tuple(found.arch_flags)


@functools.cache
def assemble(cpu: str, snippets: tuple[str, ...]) -> tuple[bytes, ...]:
    """Returns the code of each snippet, assembled in one go. ``;`` separates instructions."""
    lines = [] if find_cpu(cpu).arch == "riscv" else [".syntax unified", ".thumb"]
    for number, snippet in enumerate(snippets):
        body = snippet.replace(";", "\n")
        lines += [f'.section .s{number},"ax",%progbits', body]
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder) / "rows.s", Path(folder) / "rows.o"
        source.write_text("\n".join(lines) + "\n")
        command = [sys.executable, "-m", "ziglang", "cc", *zig_flags(cpu, find_cpu(cpu).fpu)]
        command += ["-c", str(source), "-o", str(output)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert result.returncode == 0, result.stderr
        with output.open("rb") as stream:
            file = ELFFile(stream)
            sections = [file.get_section_by_name(f".s{n}") for n in range(len(snippets))]
            return tuple(section.data() for section in sections)


def instructions(cpu: str, code: bytes) -> Sequence[Instruction]:
    """Decodes all of ``code``."""
    return decode_code(find_cpu(cpu), code, len(code))
