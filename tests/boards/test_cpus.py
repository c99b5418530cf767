"""What a CPU is stands in one file, which all who ask read."""

import re
from pathlib import Path

import pytest

from edgebottle.boards import all_boards, all_cores
from edgebottle.cpus import cpu_names, find_cpu
from edgebottle.data import platform_module
from edgebottle.errors import BadBoard

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("edgebottle", "quantize", "hil", "firmware/platform")
PARTS = {  # field PartNo of CPUID, by each core's technical reference manual
    "cortex-m0": 0xC20,
    "cortex-m0plus": 0xC60,
    "cortex-m3": 0xC23,
    "cortex-m4": 0xC24,
    "cortex-m7": 0xC27,
    "cortex-m33": 0xD21,
}


LINUX = [name for name in cpu_names() if find_cpu(name).linux]


@pytest.mark.parametrize("name", LINUX)
def test_a_cpu_under_linux_is_whole(name: str) -> None:
    """Its flags are tried by the builds of its boards, its model in QEMU by their runs."""
    cpu = find_cpu(name)
    assert cpu.arch in ("aarch64", "armv7") and cpu.fpu and cpu.qemu
    assert cpu.arch == "aarch64" or not cpu.dot


def test_programs_for_any_cpu_are_run_with_sdot_and_without() -> None:
    kinds = [find_cpu(kind) for kind in find_cpu("armv8-a").kinds]
    assert {kind.arch for kind in kinds} == {"aarch64"}
    assert [kind.dot for kind in kinds] == [False, True]


@pytest.mark.parametrize(
    "name", [name for name in cpu_names() if find_cpu(name).arch and name not in LINUX]
)
def test_a_cpu_is_whole(name: str) -> None:
    """Its flags are tried by the builds of its boards, its model in Unicorn by their runs."""
    cpu = find_cpu(name)
    flags = platform_module("eb_toolchain").read_cpu(name)
    assert cpu.fpu == ("fpu" in flags["zig"]) == ("fpu" in flags["gcc"])
    assert cpu.application_bytes > 0 and cpu.layer_bytes > 0
    assert (cpu.cycles is not None) == bool(cpu.emulator), "QEMU models no cycles"
    part = None if cpu.cpuid is None else cpu.cpuid >> 4 & 0xFFF
    assert part == PARTS.get(name)


def test_every_cpu_is_that_of_a_board() -> None:
    assert {board.cpu for board in (*all_boards(), *all_cores())} == set(cpu_names())


def test_a_cpu_that_nobody_knows() -> None:
    with pytest.raises(BadBoard, match="there is no cpu 'z80': host, "):
        find_cpu("z80")
    with pytest.raises(LookupError, match="has no cpu 'z80'"):
        platform_module("eb_toolchain").read_cpu("z80")


def test_no_program_decides_by_the_name_of_a_cpu() -> None:
    names = "|".join(name for name in cpu_names() if name != "host")
    decides = re.compile(rf"""["'](?:{names})["']|cpu(?:"\])?\.startswith""")
    found = {
        str(path.relative_to(ROOT))
        for folder in PROGRAMS
        for path in (ROOT / folder).rglob("*.py")
        if decides.search(path.read_text(encoding="utf-8"))
    }
    assert not found, "ask edgebottle/cpus.py"
