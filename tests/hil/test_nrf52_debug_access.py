"""The debug port of an nRF52840 stays open: what the port writes, by build code and UICR."""

from dataclasses import replace
from pathlib import Path

import pytest
from virtual_helpers import NRF52, compile_program

from edgebottle.build.elf import read_elf
from hil.virtual import peripherals
from hil.virtual.machine import Machine

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware" / "port"
PROGRAM = """
#include "virtual_helpers_board.h"
#include "debug_access.c"

int eb_wait(const volatile uint32_t *reg, uint32_t mask, uint32_t value)
{
    return (*reg & mask) == value;
}

int main(void)
{
    nrf5_open_debug_access();
    REG(0x60000000u) = 0u; /* where the emulator stops it */
    return 0;
}
"""
UICR, DISABLE, CONFIG = 0x10001208, 0x40000558, 0x4001E504
ERASED, OPEN, SHUT = 0xFFFFFFFF, 0xFFFFFF5A, 0xFFFFFF00


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nrf52")
    source, elf = folder / "program.c", folder / "program.elf"
    source.write_text(PROGRAM)
    flags = (f"-I{FIRMWARE / 'nrf5'}", f"-I{FIRMWARE / 'common'}", "-Wno-unused-function")
    compile_program(source, NRF52, elf, flags)
    return elf


# build code, UICR before; UICR after, APPROTECT.DISABLE, how it ended
ROWS = [
    ("AAF0", ERASED, OPEN, 0, "reset"),
    ("AAF0", OPEN, OPEN, 0x5A, "unmapped-write"),
    ("AAF0", SHUT, SHUT, 0x5A, "unmapped-write"),  # that somebody wanted: only an erase opens it
    ("AAG1", ERASED, OPEN, 0, "reset"),
    ("AAE0", ERASED, ERASED, 0, "unmapped-write"),  # there 0x5A would shut it for good
    ("AAD0", ERASED, ERASED, 0, "unmapped-write"),
    ("\xff\xff\xff\xff", ERASED, ERASED, 0, "unmapped-write"),  # a chip that does not say
]


@pytest.mark.parametrize(("variant", "before", "after", "disable", "kind"), ROWS)
def test_what_is_written(
    elf: Path,
    monkeypatch: pytest.MonkeyPatch,
    variant: str,
    before: int,
    after: int,
    disable: int,
    kind: str,
) -> None:
    family = peripherals.FAMILIES["nrf5"]
    code = int.from_bytes(variant.encode("latin-1"), "big")
    resets = {"FICR": ((0x104, code),), "UICR": ((0x208, before),)}
    devices = tuple(replace(d, reset=resets.get(d.name, d.reset)) for d in family.devices)
    monkeypatch.setitem(peripherals.FAMILIES, "nrf5", replace(family, devices=devices))
    machine = Machine(NRF52, read_elf(elf))
    machine.listen()
    machine.start()
    fault = machine.wait(20)
    assert fault is not None and fault.kind == kind
    found = [machine.register(address) for address in (UICR, DISABLE, CONFIG)]
    machine.stop()
    assert found == [after, disable, 0]
