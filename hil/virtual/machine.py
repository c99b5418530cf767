"""One virtual board in this process: memory map, CPU, devices, run loop, counts, fault."""

import ctypes
import socket
import threading
import time
from dataclasses import replace
from typing import Any

from edgebottle.boards import Board
from edgebottle.build.elf import Elf
from edgebottle.cpus import Cpu
from edgebottle.errors import BadBoard, BadInput, BoardError
from hil.virtual import boot_rom
from hil.virtual.counting import NativeCounter, new_native
from hil.virtual.device import Device, Fixed, Follow, Purpose
from hil.virtual.faults import explain
from hil.virtual.native import Rule, library
from hil.virtual.native_memory import describe_with, native_memory
from hil.virtual.peripherals import devices_of
from hil.virtual.state import BlockCount, Counts, Fault, PinLevel
from hil.virtual.wiring import pin_needs, wired

_PAGE = {"arm": 1024, "riscv": 4096}
_WATCH_SECONDS = 0.2
_NO_RATE = 0xFFFFFFFF
"""No divider of a UART."""


class Machine:
    """A board with one ELF file flashed. ``start`` runs it in a thread of its own.

    Raises (from the constructor):
        BadBoard: the board has no virtual counterpart.
        BadInput: the ELF file is for another CPU, does not fit the board's memory, or is none that
            the chip's boot ROM starts.
        ToolMissing: no C compiler for the native half.
    """

    def __init__(self, board: Board, elf: Elf) -> None:
        if board.is_computer or not board.virtual:
            raise BadBoard(f"'{board.id}' has no virtual board")
        self._board = board
        self._elf = elf
        cpu = board.processor
        self._riscv = cpu.arch == "riscv"
        if elf.machine != cpu.arch:
            raise BadInput(f"{elf.path} is for {elf.machine}, {board.id} runs {cpu.arch}")
        devices = wired(devices_of(board), board)
        self._library = library()
        self._uc = _open(cpu)
        self._registers = _registers(self._riscv)
        more = {"riscv": int(self._riscv), "registers": _core_registers(self._riscv)}
        self._native = new_native(self._uc, self._registers, **more)
        self._map_memory()
        self._counter = NativeCounter(self._native, elf, *self._code())
        self._add_devices(devices, _PAGE[cpu.arch])
        self._library.eb_board_set_clock(self._native, board.clock_hz // 1000)
        self._add_memory()
        self._reset = boot_rom.reset(board, elf, self._uc, self.register)
        self._thread: threading.Thread | None = None
        self._stopped = False
        self._runaway = False
        self._deadline: float | None = None
        self._fault: Fault | None = None

    def listen(self) -> int:
        """Opens the UART's socket on the loopback interface; returns its port."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=2)
        port = int(listener.getsockname()[1])
        if self._library.eb_board_listen(self._native, listener.detach()) != 0:
            raise BoardError("the virtual board cannot set up its serial port")
        return port

    def start(self, deadline: float | None = None) -> None:
        """Starts the CPU from reset.

        Args:
            deadline: Seconds of CPU time that the firmware may run without looking at its serial
                port; then it is stopped and called a runaway. None: for ever.
        """
        self._deadline = deadline
        self._thread = threading.Thread(target=self._run, name="virtual-cpu", daemon=True)
        self._thread.start()

    def wait(self, timeout: float | None = None) -> Fault | None:
        """Waits until the board stops; returns its fault, or None when it still runs."""
        assert self._thread is not None, "start() first"
        end = None if timeout is None else time.monotonic() + timeout
        progress, since = -1, time.process_time()
        while self._thread.is_alive():
            left = _WATCH_SECONDS if end is None else min(_WATCH_SECONDS, end - time.monotonic())
            if left <= 0:
                return None
            self._thread.join(left)
            polls = int(self._library.eb_board_polls(self._native))
            if polls != progress:
                progress, since = polls, time.process_time()
            elif self._deadline is not None and time.process_time() - since > self._deadline:
                self._runaway = True
                self._halt()
        return self._fault

    def stop(self) -> None:
        """Stops the CPU and closes the socket."""
        self._stopped = True
        self._halt()
        self._library.eb_board_disconnect(self._native)

    def counts(self) -> Counts:
        """Instructions executed since the start or the last ``reset_counts``."""
        return self._counter.counts()

    def blocks(self) -> tuple[BlockCount, ...]:
        """Basic blocks executed since the start or the last ``reset_counts``."""
        return self._counter.blocks()

    def reset_counts(self) -> None:
        """Starts counting from here."""
        self._counter.reset()

    def model_memory(self, on: bool) -> None:
        """Models how long instructions and data from slow memory are waited for, from now on."""
        self._library.eb_board_model(self._native, int(on))

    def register(self, address: int) -> int:
        """What the register of a peripheral holds, as the CPU would read it from a register file.

        Raises:
            BadInput: no device of the board has a word at ``address``.
        """
        value = ctypes.c_uint32()
        if self._library.eb_board_get_register(self._native, address, ctypes.byref(value)) != 0:
            raise BadInput(f"{self._board.id} has no register at {address:#010x}")
        return value.value

    def pin_levels(self) -> tuple[PinLevel, ...]:
        """How the pin of energy mode went since the start, from when it was driven."""
        capacity = int(self._library.eb_board_levels(self._native, None, 0))
        found = (ctypes.c_uint64 * capacity)()
        self._library.eb_board_levels(self._native, found, capacity)
        return tuple(PinLevel(value >> 1, bool(value & 1)) for value in found)

    def set_line_rate(self, baud: int) -> None:
        """From now on the line has a rate: at any other the UART sends and receives garbage."""
        port = self._board.uart
        assert port is not None
        board = replace(self._board, uart=replace(port, baud=baud))
        try:
            devices = wired(devices_of(board), board)
        except BadBoard:  # a rate that the UART has no divider for
            devices = devices_of(board)
        uart = next(i for i, device in enumerate(devices) if device.base == port.base)
        found = [need for need in devices[uart].needs if need.purpose == Purpose.RATE]
        number = 0
        while True:
            value = found[number].value if number < len(found) else _NO_RATE
            if self._library.eb_board_set_rate(self._native, uart, number, value) != 0:
                return
            number += 1

    def _halt(self) -> None:
        while self._thread is not None and self._thread.is_alive():
            # Again and again: the request is lost when it comes just before a block is entered.
            self._library.eb_board_stop(self._native)
            self._thread.join(0.05)

    def _map_memory(self) -> None:
        from unicorn import UC_PROT_EXEC, UC_PROT_READ, UC_PROT_WRITE, UcError

        for region in self._board.regions:
            flash = region.name.startswith("flash")
            access = UC_PROT_READ | (UC_PROT_EXEC if flash else UC_PROT_WRITE)
            try:
                self._uc.mem_map(region.start, region.size, access)
            except UcError as error:
                where = f"boards/{self._board.id}.toml: region '{region.name}'"
                raise BadBoard(f"{where} cannot be mapped: {error}") from error
        for segment in self._elf.segments:
            end = segment.physical + len(segment.data)
            regions = self._board.regions
            if not any(r.start <= segment.physical and end <= r.start + r.size for r in regions):
                raise BadInput(
                    f"{self._elf.path}: {len(segment.data)} bytes at {segment.physical:#010x}"
                    f" lie outside the memory of {self._board.id}"
                )
            self._uc.mem_write(segment.physical, segment.data)

    def _code(self) -> tuple[int, bytes]:
        """Where it begins, and its bytes."""
        flash = self._board.region("flash")
        bottom = self._elf.address_of("__eb_stack_bottom")
        self._library.eb_board_set_stack(self._native, bottom or 0)
        return flash.start, bytes(self._uc.mem_read(flash.start, flash.size))

    def _add_devices(self, devices: tuple[Device, ...], page: int) -> None:
        native = self._library
        for device in devices:
            index = native.eb_board_add_device(
                self._native, int(device.kind), device.base, device.size, device.divider
            )
            for offset, value in device.reset:
                native.eb_board_set_register(self._native, index, offset, value)
            for rule in device.rules:
                row = _native_rule(rule)
                if native.eb_board_add_rule(self._native, index, ctypes.byref(row)) != 0:
                    raise BadBoard(f"{self._board.id}: too many devices or rules")
            for need in device.needs:
                what = (int(need.purpose), need.address, need.mask, need.value)
                if native.eb_board_add_need(self._native, index, *what) != 0:
                    raise BadBoard(f"{self._board.id}: too many needs of {device.name}")
        pulse = self._board.pulse() if self._board.has_pulses else None
        if pulse is not None:
            pin = (pulse.pulse_high, pulse.pulse_high_bits, pulse.pulse_low, pulse.pulse_low_bits)
            native.eb_board_watch(self._native, *pin)
            for register in pin_needs(pulse):
                native.eb_board_add_pin_need(self._native, *register)
        if native.eb_board_map(self._native, page) != 0:
            raise BadBoard(f"{self._board.id}: a peripheral lies in a memory region")

    def _add_memory(self) -> None:
        if self._board.timing is not None:
            memory = native_memory(self._board)
            self._describe = describe_with(self._elf)  # called as long as the board runs
            if self._library.eb_board_set_memory(self._native, memory, self._describe) != 0:
                raise BadBoard(f"{self._board.id}: its memory cannot be modelled")

    def _run(self) -> None:
        start = self._reset.pc if self._riscv else self._reset.pc | 1
        if self._reset.sp is not None:
            self._uc.reg_write(self._registers["sp"], self._reset.sp)
        error = int(self._library.eb_board_run(self._native, start))
        if not self._stopped:
            address, access = ctypes.c_uint64(), ctypes.c_int32()
            cause = self._library.eb_board_fault(
                self._native, ctypes.byref(address), ctypes.byref(access)
            )
            self._fault = explain(
                elf=self._elf,
                cause=-1 if self._runaway else cause,
                error=error,
                access=access.value,
                address=address.value,
                pc=int(self._uc.reg_read(self._registers["pc"])),
                lr=int(self._uc.reg_read(self._registers["lr"])),
                code=self._code_at,
            )
            self._library.eb_board_disconnect(self._native)

    def _code_at(self, address: int) -> bytes:
        flash = self._board.region("flash")
        if not flash.start <= address <= flash.start + flash.size - 4:
            return b""
        return bytes(self._uc.mem_read(address, 4))


def _native_rule(rule: Follow | Fixed) -> Rule:
    if isinstance(rule, Fixed):
        return Rule(rule.offset, rule.mask, -1, 0, rule.value, 0, 0)
    source = (rule.source, rule.source_mask, rule.mask if rule.inverted else 0)
    return Rule(rule.offset, rule.mask, *source, rule.when_mask, rule.when_value)


def _open(cpu: Cpu) -> Any:
    from unicorn import UC_ARCH_ARM, UC_ARCH_RISCV, UC_MODE_RISCV32, UC_MODE_THUMB, Uc
    from unicorn import arm_const as arm
    from unicorn import riscv_const as riscv

    if not cpu.emulator:
        raise BadBoard(f"no virtual CPU '{cpu.name}'")
    if cpu.arch == "riscv":
        return Uc(UC_ARCH_RISCV, UC_MODE_RISCV32, cpu=getattr(riscv, cpu.emulator))
    # Not UC_MODE_MCLASS: it makes every CPU a Cortex-M33.
    return Uc(UC_ARCH_ARM, UC_MODE_THUMB, cpu=getattr(arm, cpu.emulator))


def _core_registers(riscv: bool) -> Any:
    """R0 to R14 as Unicorn numbers them; none for RISC-V, whose loads are not followed."""
    from unicorn import arm_const as arm

    numbers = [] if riscv else [getattr(arm, f"UC_ARM_REG_R{n}") for n in range(15)]
    return (ctypes.c_int32 * 16)(*numbers)


def _registers(riscv: bool) -> dict[str, int]:
    from unicorn import arm_const as arm
    from unicorn import riscv_const

    if riscv:
        return {
            "pc": riscv_const.UC_RISCV_REG_PC,
            "sp": riscv_const.UC_RISCV_REG_SP,
            "lr": riscv_const.UC_RISCV_REG_RA,
        }
    return {"pc": arm.UC_ARM_REG_PC, "sp": arm.UC_ARM_REG_SP, "lr": arm.UC_ARM_REG_LR}
