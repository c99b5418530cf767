"""What a probe finds in a core that has faulted: the states are those of cores that really have."""

import contextlib
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from timing_helpers import zig_flags
from virtual_helpers import F7, G0, commands_elf

from edgebottle.boards import Board, load_board
from edgebottle.build.elf import Elf, read_elf
from edgebottle.build.toolchains import QEMU
from hil.fault_registers import CFSR, HFSR, cfsr_words, hfsr_words
from hil.post_mortem import PostMortem, look_into
from hil.pyocd_core import looked_into
from hil.source_lines import place_of
from hil.virtual.machine import Machine
from tests.conftest import needs_qemu
from tests.waiting import wait_until

HERE = Path(__file__).parent

# register, its value, what is said first (Armv7-M ARM, B3.2.15 and B3.2.16)
BITS = [
    (cfsr_words, 1 << 9 | 1 << 15, ["PRECISERR: "]),
    (cfsr_words, 1 << 1 | 1 << 7, ["DACCVIOL: "]),
    (cfsr_words, 1 << 24 | 1 << 16, ["UNDEFINSTR: ", "UNALIGNED: "]),
    (cfsr_words, 1 << 25, ["DIVBYZERO: "]),
    (cfsr_words, 1 << 12 | 1 << 4, ["MSTKERR: ", "STKERR: "]),
    (cfsr_words, 1 << 19 | 1 << 20, ["NOCP: ", "STKOF: "]),
    (cfsr_words, 1 << 31, ["bit 31, "]),
    (cfsr_words, 0, []),
    (hfsr_words, 1 << 30 | 1 << 1, ["VECTTBL: ", "FORCED: "]),
]


@pytest.mark.parametrize(("words", "value", "starts"), BITS)
def test_bits_in_words(words: Any, value: int, starts: list[str]) -> None:
    said = words(value)
    assert len(said) == len(starts)
    assert all(text.startswith(start) for text, start in zip(said, starts, strict=True)), said


class EmulatedCore:
    """The core of a virtual board that has stopped."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def register(self, name: str) -> int:
        from unicorn import arm_const as arm

        return int(self.machine._uc.reg_read(getattr(arm, f"UC_ARM_REG_{name.upper()}")))

    def read(self, address: int, size: int) -> bytes:
        return bytes(self.machine._uc.mem_read(address, size))


@pytest.mark.parametrize("board", [F7, G0], ids=lambda board: board.id)
@pytest.mark.parametrize("command", ["r", "w"])
def test_a_virtual_board_that_faulted(board: Board, command: str) -> None:
    elf = read_elf(commands_elf(board))
    machine = Machine(board, elf)
    port = machine.listen()
    machine.start()
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(command.encode())
        fault = machine.wait(60)
        assert fault is not None
        found = look_into(EmulatedCore(machine), elf, False)
        machine.stop()
    assert (found.pc, found.exception, found.cfsr) == (fault.pc, 0, None)
    name, file, number = re.fullmatch(r"(\S+) \((\S+):(\d+)\)", found.place).groups()
    assert (name, file) == (fault.symbol, "virtual_helpers_program.c")
    source = (HERE / file).read_text().splitlines()[int(number) - 1]
    assert {"r": "REG(0x60000000u)", "w": "REG(0x60000004u)"}[command] in source
    assert 0 < found.stack_size == 2048
    assert f"pc {fault.pc:#010x} in {found.place}, called from " in str(found)


NUMBERS = {"sp": 13, "lr": 14, "pc": 15, "xpsr": 25}
"""Of registers, as QEMU's stub counts them."""


class GdbCore:
    """The core of a machine of QEMU, through its stub for gdb (remote serial protocol)."""

    def __init__(self, line: socket.socket) -> None:
        self.line = line

    def ask(self, text: str) -> str:
        self.line.sendall(f"${text}#{sum(text.encode()) % 256:02x}".encode())
        answer = b""
        while not re.search(rb"\$([^#]*)#..", answer):
            data = self.line.recv(65536)
            assert data, answer
            answer += data
        self.line.sendall(b"+")
        return re.search(rb"\$([^#]*)#..", answer)[1].decode()

    def register(self, name: str) -> int:
        return int.from_bytes(bytes.fromhex(self.ask(f"p{NUMBERS[name]:x}")), "little")

    def read(self, address: int, size: int) -> bytes:
        pieces = range(address, address + size, 1024)
        return b"".join(
            bytes.fromhex(self.ask(f"m{at:x},{min(1024, address + size - at):x}")) for at in pieces
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("post-mortem")


SCRIPT = """
ENTRY(reset)
SECTIONS {
  . = 0; .text : { KEEP(*(.vectors)) *(.text .text.*) *(.rodata .rodata.*) }
  .ARM.exidx : { *(.ARM.exidx*) }
  __eb_stack_bottom = 0x20000000; __eb_stack_top = 0x20000800;
}
"""


def compiled(folder: Path, kind: int) -> Elf:
    script, elf = folder / "it.ld", folder / f"{kind}.elf"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "ziglang", "cc", *zig_flags("cortex-m3", False)]
    command += ["-O1", "-g", "-ffreestanding", "-nostdlib", "-fno-sanitize=all", f"-DKIND={kind}"]
    command += ["-fno-unwind-tables", "-fno-asynchronous-unwind-tables", f"-Wl,-T,{script}"]
    command += [str(HERE / "post_mortem_program.c"), "-o", str(elf)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return read_elf(elf)


@contextlib.contextmanager
def faulted(elf: Elf, folder: Path) -> Iterator[GdbCore]:
    """A machine of QEMU whose core is in its fault handler."""
    path = folder / "gdb.sock"
    path.unlink(missing_ok=True)
    command = [QEMU, "-machine", "mps2-an385", "-display", "none", "-monitor", "none", "-S"]
    command += ["-serial", "none", "-kernel", str(elf.path)]
    command += ["-gdb", f"unix:{path},server=on,wait=off"]
    process = subprocess.Popen(command)
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(60)
            # The file is there a moment before QEMU listens.
            wait_until(lambda: line.connect_ex(str(path)) == 0, "QEMU does not listen")
            core = GdbCore(line)
            core.ask("qXfer:features:read:target.xml:0,ffb")  # else it gives no single register
            core.ask(f"Z0,{elf.address_of('fault'):x},2")
            core.ask("c")  # answers when the core gets there
            yield core
    finally:
        process.kill()
        process.wait()


# kind of the program, CFSR without the bit of the address, the address, words
FAULTS = [
    (0, 1 << 9, 0x60000000, ("PRECISERR: ", "FORCED: ", "the address was 0x60000000")),
    (1, 1 << 25, None, ("DIVBYZERO: ", "FORCED: ")),
    (2, 1 << 24, None, ("UNALIGNED: ", "FORCED: ")),
]


@needs_qemu
@pytest.mark.parametrize(("kind", "cfsr", "address", "words"), FAULTS)
def test_a_core_that_handles_its_fault(
    folder: Path, kind: int, cfsr: int, address: int | None, words: tuple[str, ...]
) -> None:
    elf = compiled(folder, kind)
    with faulted(elf, folder) as core:
        found = look_into(core, elf, True)
    assert found.exception == 3  # nothing but a hard fault is enabled
    assert (found.cfsr & ~(1 << 15), found.bfar) == (cfsr, address)
    assert found.hfsr == 1 << 30
    assert all(said.startswith(word) for said, word in zip(found.causes, words, strict=True))
    assert found.place.startswith("broken+") and found.caller.startswith("reset+")
    number = int(re.search(r"post_mortem_program.c:(\d+)\)", found.place)[1])
    assert "the fault: " in (HERE / "post_mortem_program.c").read_text().splitlines()[number - 1]
    assert 0 < 0x20000800 - found.sp <= found.stack < found.stack_size == 2048
    assert str(found).startswith("the probe found the core in exception 3, from pc 0x")


def test_without_debug_information(folder: Path) -> None:
    elf = read_elf(commands_elf(F7))
    assert place_of(elf, 0x20000001) == "0x20000000"


def test_a_stack_that_is_full() -> None:
    found = PostMortem(4, 9, 0x20000000, "f+0x2", "main", 0, 1 << 12, 0, None, None, 2048, 2048)
    assert "2,048 of 2,048 bytes of stack used (all of it)" in str(found)
    assert str(found).endswith("the stack is full or broken")


class FakeTarget:
    """What pyOCD's target gives of a core that stopped in ``main``."""

    def __init__(self, elf: Elf) -> None:
        self.elf, self.is_halted = elf, False
        self.flash_error = 0

    def halt(self) -> None:
        self.is_halted = True

    def read_core_register(self, name: str) -> int:
        assert self.is_halted
        main = self.elf.address_of("main")
        return {"pc": main, "lr": main + 5, "sp": 0x20003FE0, "xpsr": 1 << 24}[name]

    def read_memory_block32(self, address: int, count: int) -> list[int]:
        flashed = self.elf.read(address, 4 * count)
        if flashed:
            data = bytes(self.flash_error + byte & 0xFF for byte in flashed)
            return [int.from_bytes(data[at : at + 4], "little") for at in range(0, 4 * count, 4)]
        values = {CFSR: 1 << 25, HFSR: 1 << 30}
        return [values.get(address + 4 * i, 0xA5A5A5A5 if i < 500 else 1) for i in range(count)]


def test_through_pyocd(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyocd", reason="needs pyOCD: pip install 'edgebottle[probe]'")
    from pyocd.core import session
    from pyocd.core.helpers import ConnectHelper

    asked: dict[str, Any] = {}
    probes: list[str] = []
    flash_error = 0

    def found(**options: Any) -> list[str]:
        asked.update(options)
        return probes

    class FakeSession(contextlib.nullcontext):
        def __init__(self, probe: str, options: dict[str, Any]) -> None:
            super().__init__()
            asked.update(options, probe=probe)
            self.target = FakeTarget(read_elf(commands_elf(F7)))
            self.target.flash_error = flash_error

    monkeypatch.setattr(ConnectHelper, "get_all_connected_probes", found)
    monkeypatch.setattr(session, "Session", FakeSession)
    board, elf = load_board("stm32f746"), commands_elf(F7)
    nothing = "nothing was seen over the probe: pyOCD finds"
    assert looked_into(board, "7F", elf) == f"{nothing} no probe 7F"
    probes += ["one", "two"]
    assert looked_into(board, None, elf) == f"{nothing} 2 probes"
    probes.pop()
    said = looked_into(board, "7F", elf)
    assert "in main (virtual_helpers_program.c:" in said
    assert "48 of 2,048 bytes of stack used, cfsr 0x02000000 hfsr 0x40000000" in said
    assert said.endswith("DIVBYZERO: a division by zero; " + hfsr_words(1 << 30)[0])
    assert asked["unique_id"] == "7F" and not asked["blocking"] and asked["probe"] == "one"
    assert asked["target_override"] == "stm32f746nghx" and asked["connect_mode"] == "attach"
    flash_error = 1
    assert looked_into(board, "7F", elf).endswith("another image than the one flashed from here")
    flash_error = 0
    # Armv6-M has no such registers, and RISC-V is no Cortex-M.
    assert "cfsr" not in looked_into(load_board("microbit"), "7F", elf)
    assert looked_into(load_board("longan_nano"), "7F", elf) == ""
