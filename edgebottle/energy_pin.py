"""The pin that says when inferences begin and end, in energy mode of MLPerf Tiny.

``[energy]`` of a board file names it. Its registers are worked out by the PlatformIO platform
(``firmware/platform/builder/eb_pulse.py``), and asked here as well.
"""

from dataclasses import asdict, dataclass

from edgebottle.data import platform_module
from edgebottle.errors import BadBoard
from edgebottle.ports import Asked, as_parsed, port_facts


@dataclass(frozen=True)
class EnergyPin:
    """The pin that says when inferences begin and end, in energy mode.

    Attributes:
        pin: As the chip's manual calls it, such as ``PF13``.
        label: As the board has it printed, such as ``D7``.
    """

    pin: str
    label: str


@dataclass(frozen=True)
class PulseRegisters:
    """What the C of energy mode is compiled with, each as ``EB_<NAME>``; addresses are 0 for none.

    Attributes:
        pulse_clock: Register that gives the GPIO its clock.
        pulse_clock_bits: Set there.
        pulse_supply: Register that says that the pin's own supply is there.
        pulse_supply_bits: Set there.
        pulse_drive: Register that makes the pin an output.
        pulse_drive_mask: Its bits there.
        pulse_drive_value: What they are set to.
        pulse_mux: Register that gives the pin to the GPIO.
        pulse_mux_mask: Its bits there.
        pulse_mux_value: What they are set to.
        pulse_isolation: Register that keeps the pad at its level.
        pulse_isolation_bits: Cleared there.
        pulse_high: Register that is written for the high level.
        pulse_high_bits: With this.
        pulse_low: Register that is written for the low level.
        pulse_low_bits: With this.
    """

    pulse_clock: int
    pulse_clock_bits: int
    pulse_supply: int
    pulse_supply_bits: int
    pulse_drive: int
    pulse_drive_mask: int
    pulse_drive_value: int
    pulse_mux: int
    pulse_mux_mask: int
    pulse_mux_value: int
    pulse_isolation: int
    pulse_isolation_bits: int
    pulse_high: int
    pulse_high_bits: int
    pulse_low: int
    pulse_low_bits: int


def find_pulse(port: str, asked: Asked, energy: EnergyPin) -> PulseRegisters:
    """Works out what the C of energy mode is told of its pin.

    Args:
        port: Folder below ``firmware/port/``.
        asked: By the board.
        energy: The pin.

    Raises:
        BadBoard: the port cannot do it; names the key of the board file.
    """
    facts = port_facts(port)
    if facts is None:
        raise BadBoard(f"energy is not for port '{port}', which drives no pins")
    builder = platform_module("eb_port")
    board = {**as_parsed(asked), "energy": asdict(energy)}
    try:
        return PulseRegisters(**platform_module("eb_pulse").pulse(facts, board))
    except builder.RefusedError as error:
        raise BadBoard(str(error)) from error


def energy_baud() -> int:
    """Bits per second of the serial line in energy mode."""
    platform_module("eb_port")  # which the other one needs
    return int(platform_module("eb_pulse").ENERGY_BAUD)
