"""Board files, in ``boards/``, to ``Board`` objects: of boards, of variants of them, of cores."""

import difflib
import itertools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgebottle.board_schema import LINUX, check_choice, check_keys, check_linux
from edgebottle.cpus import Cpu, cpu_names, find_cpu
from edgebottle.data import data_dir
from edgebottle.energy_pin import EnergyPin, PulseRegisters, find_pulse
from edgebottle.errors import BadBoard, BoardNotFound
from edgebottle.memory_timing import Timing, parse_timing
from edgebottle.ports import Asked, Clock, Uart, Wiring, find_wiring
from edgebottle.qemu_machine import QemuMachine, parse_qemu
from edgebottle.usb_bootloader import UsbBootloader, parse_usb


@dataclass(frozen=True)
class Region:
    """A memory region of the chip.

    Attributes:
        name: Lower-case name: ``flash``, ``ram``, or another RAM bank such as ``dtcm``.
        start: First address.
        size: Bytes.
        wait_states: CPU wait states of a read at the board's clock, before caches.
    """

    name: str
    start: int
    size: int
    wait_states: int = 0


@dataclass(frozen=True)
class Board:
    """One board, or one core that many boards have, as its TOML file says.

    Attributes:
        id: File name without suffix, such as ``stm32f746``.
        name: Full name, such as ``STM32F746G-DISCO``.
        vendor: Maker of the board.
        mcu: Full chip name.
        cpu: Name of the core, such as ``cortex-m4``: one of ``firmware/platform/cpus.toml``.
        fpu: Hardware single-precision floating point is used.
        clock_hz: CPU clock the port sets up.
        regions: Memory regions; ``flash`` and ``ram`` always exist (empty for computers).
        uart: Serial port, None for computers.
        cycle_counter: ``dwt``, ``timer:<ADDRESS>`` (a free-running 32-bit timer), ``mtime`` or
            ``host`` (the clock of the operating system, in nanoseconds).
        cycle_divider: CPU clocks per tick of the cycle counter.
        port: Folder below ``firmware/port/``: the chip family.
        platformio_board: Id of the board in ``firmware/platform``.
        upload: Default upload method: ``stlink``, ``jlink``, ``dfu``, ``bossac``, ``mass-storage``,
            ``teensy``, ``ssh`` (a computer that runs Linux), ``none``.
        virtual: A virtual board exists.
        tried_on_hardware: The port's clock and UART set-up was tried on the real board.
        stack_size: Bytes the linker script reserves for the stack.
        qemu: The machine of QEMU that runs its firmware; None where none fits.
        usb: How its own USB port gets to its bootloader; None where it has none of both.
        cores: CPU cores, of a computer that runs Linux; the most threads that pay.
        timing: How the cycle model sees the memories; None: they never make the core wait.
        is_core: A core and no board: what is built is the model library alone. Port and memories
            are those of its virtual run.
        clock: Crystal or clock on the board that the chip runs from; None: its own oscillator, or
            what the port sets up by itself.
        energy: Pin of the pulse of energy mode; None where it has none.
        has_pulses: Its firmware is that of energy mode, and ``uart`` has that mode's baud rate.
    """

    id: str
    name: str
    vendor: str
    mcu: str
    cpu: str
    fpu: bool
    clock_hz: int
    regions: tuple[Region, ...]
    uart: Uart | None
    cycle_counter: str
    cycle_divider: int
    port: str
    platformio_board: str
    upload: str
    virtual: bool
    tried_on_hardware: bool
    stack_size: int
    qemu: QemuMachine | None = None
    usb: UsbBootloader | None = None
    cores: int = 1
    timing: Timing | None = None
    is_core: bool = False
    clock: Clock | None = None
    energy: EnergyPin | None = None
    has_pulses: bool = False

    def region(self, name: str) -> Region:
        """Returns the region called ``name``; raises ``BadBoard`` if there is none."""
        for region in self.regions:
            if region.name == name:
                return region
        raise BadBoard(f"boards/{self.id}.toml has no memory region '{name}'")

    def wiring(self) -> Wiring | None:
        """What its port is told of UART, pins and clock; None for a port that is told nothing.

        Raises:
            BadBoard: the port cannot do it; names the key of the board file.
        """
        return None if self.uart is None else find_wiring(self.port, self._asked(self.uart))

    def pulse(self) -> PulseRegisters | None:
        """What energy mode is told of its pin; None for a board without such a pin.

        Raises:
            BadBoard: the port cannot do it; names the key of the board file.
        """
        if self.uart is None or self.energy is None:
            return None
        return find_pulse(self.port, self._asked(self.uart), self.energy)

    def _asked(self, uart: Uart) -> Asked:
        flash = self.region("flash")
        return Asked(
            self.mcu,
            self.clock_hz,
            self.cycle_divider,
            flash.size,
            flash.wait_states,
            uart,
            self.clock,
            self.is_core,
        )

    @property
    def processor(self) -> Cpu:
        """What its core is."""
        return find_cpu(self.cpu)

    @property
    def is_qemu(self) -> bool:
        """True if its virtual board is QEMU, as Unicorn does not know the core."""
        return self.qemu is not None and not self.processor.emulator

    @property
    def is_host(self) -> bool:
        """True if it runs on this computer: the board ``host``, and cores nothing emulates."""
        return self.port == HOST

    @property
    def is_linux(self) -> bool:
        """True for a computer that runs Linux and is reached over SSH."""
        return self.port == LINUX

    @property
    def is_computer(self) -> bool:
        """True for what has an operating system, and so neither memory regions nor a UART."""
        return self.is_host or self.is_linux


HOST = "host"
"""Port of this computer."""

CORES = "cores"
"""Folder of the cores, below that of the boards."""

VARIANTS = "variants"
"""Folder of boards that are set up otherwise: a file names its board and the keys that differ."""

_REQUIRED: dict[str, type] = {
    "name": str,
    "vendor": str,
    "mcu": str,
    "cpu": str,
    "fpu": bool,
    "clock_hz": int,
    "cycle_counter": str,
    "port": str,
    "platformio_board": str,
    "upload": str,
    "virtual": bool,
    "tried_on_hardware": bool,
    "stack_size": int,
}
_OPTIONAL: dict[str, type] = {
    "kind": str,
    "url": str,
    "qemu": dict,
    "usb": dict,
    "cycle_divider": int,
    "cores": int,
    "uart": dict,
    "clock": dict,
    "regions": dict,
    "timing": dict,
    "energy": dict,
}
_UART: dict[str, type] = {
    "name": str,
    "base": int,
    "tx_pin": str,
    "rx_pin": str,
    "baud": int,
}
_CLOCK: dict[str, type] = {"source": str, "hz": int}
_SOURCES = ("crystal", "external")
_REGION: dict[str, type] = {"start": int, "size": int, "wait_states": int}
_KINDS = ("board", "core")
_NEAR = 0.4
"""Of ``difflib``'s ratio: names less alike than this are not near."""

_AS_NEAR = 0.05
"""Names are as near as the nearest where their ratios differ by no more."""

_UPLOADS = ("stlink", "jlink", "dfu", "bossac", "mass-storage", "teensy", "ssh", "none")


def load_board(board_id: str, folder: Path | None = None) -> Board:
    """Loads ``boards/<board_id>.toml``, or that of ``boards/variants`` or ``boards/cores``.

    Args:
        board_id: Such as ``stm32f746`` or ``cortex-m4``.
        folder: Where board files lie; default: edgebottle's own.

    Raises:
        BoardNotFound: no such file; suggests all names that are near.
        BadBoard: the file violates the schema; names the file and the key.
    """
    folder = folder or data_dir("boards")
    if board_id not in target_ids(folder):
        raise BoardNotFound(f"no board '{board_id}': {_suggestion(board_id.lower(), folder)}")
    path = _own_file(board_id, folder)
    data = _read(path)
    if path.parent.name == VARIANTS:
        base = _read(_file_of_variant(path, data))
        changes = {key: value for key, value in data.items() if key != "board"}
        check_keys(path, "", changes, {"name": str}, _REQUIRED | _OPTIONAL)
        data = _with_changes(base, changes)
    return _parse(path, data)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadBoard(f"{path}: {error}") from error


def _suggestion(wanted: str, folder: Path) -> str:
    """What ``wanted`` may stand for: boards of a core, or all whose names are near."""
    known = target_ids(folder)
    is_core = wanted in cpu_names() and wanted not in known
    fitting = [b.id for b in all_boards(folder) if b.cpu == wanted] if is_core else []
    if fitting:
        return f"that is a core, which these boards have: {', '.join(fitting)}"
    near = [board_id for board_id in known if len(wanted) > 2 and wanted in board_id]
    if not near:
        ratios = {b: difflib.SequenceMatcher(None, wanted, b).ratio() for b in known}
        best = max(ratios.values(), default=0.0)
        near = [b for b in known if best >= _NEAR and ratios[b] >= best - _AS_NEAR]
    if not near:
        cores = ", ".join(core_ids(folder))
        return f"boards: {', '.join(board_ids(folder))}" + (f"; cores: {cores}" if cores else "")
    names = " or ".join(f"'{board_id}'" for board_id in near)
    return f"did you mean {names}? `edgebottle boards` lists boards, and cores for other chips"


def board_ids(folder: Path | None = None) -> tuple[str, ...]:
    """Returns the ids of all board files, sorted."""
    return tuple(sorted(path.stem for path in (folder or data_dir("boards")).glob("*.toml")))


def variant_ids(folder: Path | None = None) -> tuple[str, ...]:
    """Returns the ids of all variants of boards, sorted."""
    return board_ids((folder or data_dir("boards")) / VARIANTS)


def core_ids(folder: Path | None = None) -> tuple[str, ...]:
    """Returns the ids of all cores, sorted."""
    return board_ids((folder or data_dir("boards")) / CORES)


def target_ids(folder: Path | None = None) -> tuple[str, ...]:
    """Returns all that ``load_board`` takes: boards, their variants, then cores."""
    return board_ids(folder) + variant_ids(folder) + core_ids(folder)


def board_file(board_id: str, folder: Path | None = None) -> Path:
    """The file of a board or core that exists; of a variant that of its board.

    Raises:
        BadBoard: the file of the variant names none.
    """
    path = _own_file(board_id, folder or data_dir("boards"))
    return _file_of_variant(path, _read(path)) if path.parent.name == VARIANTS else path


def _own_file(board_id: str, folder: Path) -> Path:
    """The file of a board, variant or core that exists."""
    places = (folder, folder / VARIANTS, folder / CORES)
    return next(place / f"{board_id}.toml" for place in places if board_id in board_ids(place))


def _file_of_variant(path: Path, data: dict[str, Any]) -> Path:
    """The file of the board that a variant names; raises ``BadBoard`` where it names none."""
    folder = path.parent.parent
    check_choice(path, "board", data.get("board", ""), board_ids(folder))
    return folder / f"{data['board']}.toml"


def _with_changes(data: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A board's file with the keys of a variant, which leaves the others of a table as they are."""
    tables = [key for key in data.keys() & changes.keys() if isinstance(data[key], dict)]
    parts = [key for key in tables if isinstance(changes[key], dict)]
    return data | changes | {key: _with_changes(data[key], changes[key]) for key in parts}


def all_boards(folder: Path | None = None) -> tuple[Board, ...]:
    """Loads every board file, cores left out; raises as ``load_board`` does."""
    return tuple(load_board(board_id, folder) for board_id in board_ids(folder))


def all_variants(folder: Path | None = None) -> tuple[Board, ...]:
    """Loads every variant of a board; raises as ``load_board`` does."""
    return tuple(load_board(variant, folder) for variant in variant_ids(folder))


def all_cores(folder: Path | None = None) -> tuple[Board, ...]:
    """Loads every core; raises as ``load_board`` does."""
    return tuple(load_board(core, folder) for core in core_ids(folder))


def _parse(path: Path, data: dict[str, Any]) -> Board:
    check_keys(path, "", data, _REQUIRED, _OPTIONAL)
    check_choice(path, "cpu", data["cpu"], cpu_names())
    check_choice(path, "upload", data["upload"], _UPLOADS)
    check_choice(path, "kind", data.get("kind", "board"), _KINDS)
    is_core = data.get("kind") == "core"
    if is_core != (path.parent.name == CORES):
        raise BadBoard(f"{path}: kind is 'core' in {CORES}/, and nowhere else")
    counter = data["cycle_counter"]
    if counter not in ("dwt", "mtime", "host") and not counter.startswith("timer:0x"):
        raise BadBoard(
            f"{path}: cycle_counter is '{counter}', not dwt, mtime, host or timer:0x<ADDRESS>"
        )
    host = data["port"] in (HOST, LINUX)
    for key in ("clock_hz", "stack_size", "cycle_divider", "cores"):
        if data.get(key, 1) < (0 if host and key != "cores" else 1):
            raise BadBoard(f"{path}: {key} must be positive")
    check_linux(path, data, find_cpu(data["cpu"]).linux)
    if data["fpu"] and not find_cpu(data["cpu"]).fpu:
        raise BadBoard(f"{path}: fpu is true: {data['cpu']} has none")
    uart = _parse_uart(path, data.get("uart"), host)
    regions = _parse_regions(path, data.get("regions", {}), host)
    fields = {key: data[key] for key in _REQUIRED}
    board = Board(
        id=path.stem,
        regions=regions,
        uart=uart,
        cycle_divider=data.get("cycle_divider", 1),
        qemu=parse_qemu(path, data["qemu"]) if "qemu" in data else None,
        usb=parse_usb(path, data["usb"]) if "usb" in data else None,
        cores=data.get("cores", 1),
        timing=parse_timing(path, data["timing"]) if "timing" in data else None,
        is_core=is_core,
        clock=_parse_clock(path, data["clock"]) if "clock" in data else None,
        energy=_parse_energy(path, data["energy"]) if "energy" in data else None,
        **fields,
    )
    if not host and board.stack_size >= board.region("ram").size:
        raise BadBoard(f"{path}: stack_size {board.stack_size} does not fit regions.ram")
    try:
        board.wiring()
        board.pulse()
    except BadBoard as error:
        raise BadBoard(f"{path}: {error}") from error
    return board


def _parse_uart(path: Path, data: dict[str, Any] | None, host: bool) -> Uart | None:
    if data is None:
        if host:
            return None
        raise BadBoard(f"{path}: key 'uart' is missing")
    check_keys(path, "uart.", data, _UART, {})
    return Uart(**data)


def _parse_clock(path: Path, data: dict[str, Any]) -> Clock:
    check_keys(path, "clock.", data, _CLOCK, {})
    check_choice(path, "clock.source", data["source"], _SOURCES)
    return Clock(**data)


def _parse_energy(path: Path, data: dict[str, Any]) -> EnergyPin:
    check_keys(path, "energy.", data, {"pin": str, "label": str}, {})
    return EnergyPin(**data)


def _parse_regions(path: Path, data: dict[str, Any], host: bool) -> tuple[Region, ...]:
    regions = []
    for name, region in data.items():
        if not isinstance(region, dict):
            raise BadBoard(f"{path}: regions.{name} must be a table")
        check_keys(path, f"regions.{name}.", region, _REGION, {})
        if region["size"] <= 0 or not 0 <= region["start"] <= 2**32 - region["size"]:
            raise BadBoard(f"{path}: regions.{name} does not lie in the 32-bit address space")
        regions.append(Region(name=name, **region))
    for name in () if host else ("flash", "ram"):
        if name not in data:
            raise BadBoard(f"{path}: key 'regions.{name}' is missing")
    ordered = sorted(regions, key=lambda region: region.start)
    for low, high in itertools.pairwise(ordered):
        if low.start + low.size > high.start:
            raise BadBoard(f"{path}: regions.{low.name} and regions.{high.name} overlap")
    return tuple(regions)
