"""A static aarch64 program for Linux under an emulator that counts its instructions, exactly.

It runs in this process, with the few system calls that the bench application makes on one thread.
Its standard input and output are a socket. See ``Linux Programmer's Manual``, section 2, and
``asm-generic/unistd.h`` for the numbers.
"""

import errno
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from edgebottle.boards import Board
from edgebottle.build.elf import Elf
from edgebottle.errors import BoardError
from hil.virtual.counting import NativeCounter, new_native
from hil.virtual.native import library
from hil.virtual.state import Counts

PAGE = 4096
STACK, STACK_BYTES = 0x7F_0000_0000, 8 << 20
HEAP = 0x10_0000_0000
LOADED, EXECUTABLE = 1, 1
"""Of program headers: PT_LOAD and PF_X."""
FILE = 3
"""The descriptor of the program's own file."""
STOP_SECONDS = 5.0
HWCAP_FP, HWCAP_ASIMD, HWCAP_ASIMDDP = 1 << 0, 1 << 1, 1 << 20


class WhileRunning:
    """A deadline that is over once a program has ended."""

    def __init__(self, program: "LinuxProgram") -> None:
        self._program = program

    def is_over(self) -> bool:
        """True from then on."""
        return self._program.has_ended


class LinuxProgram:
    """Runs a program until closed.

    Raises (from the constructor):
        BoardError: The file cannot be run.
    """

    def __init__(self, elf: Elf, board: Board) -> None:
        """Loads and starts it."""
        self._elf = elf
        self._image = Path(elf.path).read_bytes()
        self._file_at = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self._socket: socket.socket | None = None
        self._heap = HEAP
        self._end: str | None = None
        self._ended = False
        self._uc = _emulator(board)
        self._native = new_native(self._uc, _registers(), fixed=4)
        self._load(board.processor.dot)
        self._counter = self._counting()
        self._calls: dict[int, Callable[..., int]] = {
            17: self._refuse,  # getcwd
            29: self._ioctl,
            **{number: self._refuse for number in (48, 167, 241, 293)},
            56: self._openat,
            57: self._succeed,  # close
            62: self._seek,
            63: self._read,
            64: self._write,
            66: self._writev,
            73: self._ppoll,
            80: self._fstat,
            93: self._exit,
            94: self._exit,
            96: self._one,  # set_tid_address
            99: self._succeed,  # set_robust_list
            113: self._clock,
            134: self._succeed,  # rt_sigaction
            135: self._succeed,  # rt_sigprocmask
            214: self._refuse,  # brk
            215: self._succeed,  # munmap
            222: self._map,
            226: self._succeed,  # mprotect
            233: self._succeed,  # madvise
        }
        self._thread = threading.Thread(target=self._run, name="linux-program", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where pyserial finds the program."""
        return f"socket://127.0.0.1:{self._server.getsockname()[1]}"

    @property
    def has_ended(self) -> bool:
        """It runs no longer."""
        return not self._thread.is_alive()

    def fault(self) -> str | None:
        """Why it ended, None while it runs or where it was ended here."""
        return self._end

    def reset_counts(self) -> None:
        """Counts from here on."""
        self._counter.reset()

    def counts(self) -> Counts:
        """Instructions since then; the program must wait for input, as after any answer."""
        return self._counter.counts()

    def close(self) -> None:
        """Ends the program."""
        self._ended = True
        self._uc.emu_stop()
        for one in (self._socket, self._server):
            if one is not None:
                one.close()
        self._thread.join(STOP_SECONDS)
        if self.has_ended and self._native:
            library().eb_board_free(self._native)
            self._native = 0

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes it."""
        self.close()

    def _headers(self) -> tuple[int, list[tuple[int, ...]]]:
        """Offset of the program headers in the file, and all of them."""
        data = self._image
        offset, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
        at = range(offset, offset + 56 * count, 56)
        return offset, [struct.unpack_from("<IIQQQQQQ", data, one) for one in at]

    def _load(self, dot: bool) -> None:
        """Maps segments, a stack with what the C library reads there, and a heap."""
        from unicorn import UC_HOOK_INTR, arm64_const

        uc, data = self._uc, self._image
        offset, headers = self._headers()
        pages: set[int] = set()
        for kind, _, start, address, _, in_file, size, _ in headers:
            if kind != LOADED:
                continue
            needed = range(address // PAGE, (address + size + PAGE - 1) // PAGE)
            for page in needed:
                if page not in pages:
                    uc.mem_map(page * PAGE, PAGE)
                    pages.add(page)
            uc.mem_write(address, data[start : start + in_file])
        at = next((h[3] for h in headers if h[0] == 6), 0)
        if not at:
            first = next(h for h in headers if h[0] == LOADED and h[2] <= offset < h[2] + h[5])
            at = first[3] + offset - first[2]
        capabilities = HWCAP_FP | HWCAP_ASIMD | (HWCAP_ASIMDDP if dot else 0)
        uc.mem_map(STACK - STACK_BYTES, STACK_BYTES)
        random, name = STACK - 64, STACK - 128
        uc.mem_write(name, b"firmware.elf\0")
        auxiliary = [(3, at), (4, 56), (5, len(headers)), (6, PAGE), (9, self._elf.entry)]
        auxiliary += [(16, capabilities), (25, random), (0, 0)]
        words = [1, name, 0, 0, *(word for pair in auxiliary for word in pair)]
        top = STACK - 4096
        uc.mem_write(top, struct.pack(f"<{len(words)}Q", *words))
        uc.reg_write(arm64_const.UC_ARM64_REG_SP, top)
        uc.reg_write(arm64_const.UC_ARM64_REG_CPACR_EL1, 3 << 20)
        uc.hook_add(UC_HOOK_INTR, self._interrupted)

    def _counting(self) -> NativeCounter:
        """Counts from here on."""
        headers = self._headers()[1]
        start, size = next((h[3], h[6]) for h in headers if h[0] == LOADED and h[1] & EXECUTABLE)
        if start + size > 1 << 32:
            raise BoardError(f"{self._elf.path} has code above 4 GiB, where nothing counts it")
        code = bytes(self._uc.mem_read(start, size))
        counter = NativeCounter(self._native, self._elf, start, code)
        if library().eb_board_count(self._native) != 0:
            raise BoardError(f"the instructions of {self._elf.path} cannot be counted")
        return counter

    def _run(self) -> None:
        from unicorn import UcError, arm64_const

        try:
            self._uc.emu_start(self._elf.entry, 0)
        except UcError as error:
            pc = self._uc.reg_read(arm64_const.UC_ARM64_REG_PC)
            where = self._elf.function_at(pc)
            self._stop(f"{error} in {where.name if where else hex(pc)}")
        except (OSError, struct.error) as error:
            self._stop(str(error))

    def _stop(self, why: str) -> None:
        if not self._ended:
            self._end = f"the program ended: {why}"
            if self._socket is not None:
                self._socket.close()

    def _interrupted(self, uc: Any, number: int, data: object) -> None:
        from unicorn import arm64_const

        registers = [getattr(arm64_const, f"UC_ARM64_REG_X{k}") for k in (*range(6), 8)]
        *arguments, call = (uc.reg_read(one) for one in registers)
        if number != 2:
            self._stop(f"exception {number}")
            uc.emu_stop()
            return
        handler = self._calls.get(call, self._refuse)
        uc.reg_write(registers[0], handler(*arguments) & (1 << 64) - 1)

    def _refuse(self, *_: int) -> int:
        return -errno.ENOSYS

    def _succeed(self, *_: int) -> int:
        return 0

    def _one(self, *_: int) -> int:
        return 1

    def _ioctl(self, *_: int) -> int:
        return -errno.ENOTTY

    def _openat(self, folder: int, path: int, *_: int) -> int:
        name = bytes(self._uc.mem_read(path, 64)).split(b"\0")[0]
        self._file_at = 0
        return FILE if name == b"/proc/self/exe" else -errno.ENOENT

    def _seek(self, file: int, offset: int, whence: int, *_: int) -> int:
        if file != FILE:
            return -errno.ESPIPE
        base = (0, self._file_at, len(self._image))[whence]
        self._file_at = base + (offset - (1 << 64) if offset >> 63 else offset)
        return self._file_at

    def _line(self) -> socket.socket:
        if self._socket is None:
            self._socket, _ = self._server.accept()
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def _read(self, file: int, to: int, size: int, *_: int) -> int:
        if file == FILE:
            found = self._image[self._file_at : self._file_at + size]
            self._file_at += len(found)
        else:
            found = self._line().recv(size)
        self._uc.mem_write(to, found)
        return len(found)

    def _write(self, file: int, start: int, size: int, *_: int) -> int:
        found = bytes(self._uc.mem_read(start, size))
        if file == 2:
            os.write(2, found)
        else:
            self._line().sendall(found)
        return size

    def _writev(self, file: int, parts: int, count: int, *_: int) -> int:
        words = struct.unpack(f"<{2 * count}Q", self._uc.mem_read(parts, 16 * count))
        return sum(
            self._write(file, at, n) for at, n in zip(words[::2], words[1::2], strict=True) if n
        )

    def _ppoll(self, polled: int, count: int, timeout: int, *_: int) -> int:
        _, events = struct.unpack("<iH", self._uc.mem_read(polled, 6))
        seconds = None
        if timeout:
            whole, rest = struct.unpack("<qq", self._uc.mem_read(timeout, 16))
            seconds = whole + rest / 1e9
        waiting = select.poll()
        waiting.register(self._line(), events)
        ready = waiting.poll(None if seconds is None else seconds * 1000)
        found = ready[0][1] if ready else 0
        self._uc.mem_write(polled + 6, struct.pack("<H", found & 0xFFFF))
        return len(ready)

    def _fstat(self, file: int, to: int, *_: int) -> int:
        status = bytearray(128)
        struct.pack_into("<I", status, 16, 0o100644)
        struct.pack_into("<q", status, 48, len(self._image))
        self._uc.mem_write(to, bytes(status))
        return 0

    def _map(self, at: int, size: int, protection: int, flags: int, file: int, *_: int) -> int:
        rounded = (size + PAGE - 1) // PAGE * PAGE
        found, self._heap = self._heap, self._heap + rounded + PAGE
        self._uc.mem_map(found, rounded)
        if file & 0xFFFF_FFFF == FILE:
            self._uc.mem_write(found, self._image[:size])
        return found

    def _clock(self, clock: int, to: int, *_: int) -> int:
        now = time.monotonic_ns()
        self._uc.mem_write(to, struct.pack("<qq", now // 10**9, now % 10**9))
        return 0

    def _exit(self, code: int, *_: int) -> int:
        self._stop(f"it ended with {code}")
        self._uc.emu_stop()
        return 0


def _registers() -> dict[str, int]:
    from unicorn import arm64_const as arm

    return {"pc": arm.UC_ARM64_REG_PC, "sp": arm.UC_ARM64_REG_SP, "lr": arm.UC_ARM64_REG_LR}


def _emulator(board: Board) -> Any:
    from unicorn import UC_ARCH_ARM64, UC_MODE_ARM, Uc, arm64_const

    cpu = board.processor
    if cpu.arch != "aarch64":
        raise BoardError(f"nothing here counts the instructions of {board.id}")
    # The one with SDOT has more than its board: that nothing else is used, qemu-aarch64 shows.
    model = "MAX" if cpu.dot else cpu.qemu.removeprefix("cortex-").upper()
    uc = Uc(UC_ARCH_ARM64, UC_MODE_ARM)
    uc.ctl_set_cpu_model(getattr(arm64_const, f"UC_CPU_ARM64_{model}"))
    return uc
