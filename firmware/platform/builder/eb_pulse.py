"""The pin that marks when inferences begin and end: energy mode of MLPerf Tiny.

``energy.pin`` of a board file, as the constants that ``port/common/eb_pulse.c`` is compiled with:
addresses of registers, and what their bits are set to. Registers of GPIO: RM0385 6.4 (all STM32
families have the same), GD32VF103 user manual 7.5, SAM D21 data sheet 23.8, nRF51 reference manual
14.2 (nRF52840 as well), RP2040 data sheet 2.3.1.7, RP2350 data sheet 3.1.11 and 9.7, IMXRT1060RM 12.5.
"""

from eb_port import RefusedError, given, variant

ENERGY_BAUD = 9600
"""Of the serial line in energy mode: what the benchmark's interface board speaks."""

SIO_FUNCTION = 5
SAM_PORT = 0x4100_4400
NRF_GPIO = 0x5000_0000
IMXRT_GPIO_FUNCTION = 5

NONE = dict.fromkeys(
    ("clock", "clock_bits", "supply", "supply_bits", "mux", "mux_mask", "mux_value")
    + ("isolation", "isolation_bits"),
    0,
)
"""What most ports have no need of."""



def in_energy_mode(board):
    """The parsed board file, with the baud rate of energy mode."""
    return {**board, "uart": {**board["uart"], "baud": ENERGY_BAUD}}


def pulse(port, board):
    """Returns what the C of energy mode is told of its pin, by name: whole numbers.

    Args:
        port: Parsed ``port.toml``.
        board: Parsed board file: ``mcu``, ``kind``, ``uart``, ``energy``.

    Raises ``RefusedError``.
    """
    if "energy" not in board:
        raise RefusedError("energy", "is missing: energy mode needs a pin for its pulse")
    pin = board["energy"]["pin"]
    found = GROUPS.get(port["group"])
    if found is None:
        raise RefusedError("energy.pin", f"is {pin}: the port drives no pins")
    if pin in (board["uart"]["tx_pin"], board["uart"]["rx_pin"]):
        raise RefusedError("energy.pin", f"is {pin}: the UART has it")
    made = found(variant(port, board), pin)
    if made is None:
        raise RefusedError("energy.pin", f"is {pin}: the port knows no such pin of {board['mcu']}")
    return {f"pulse_{name}": value for name, value in {**NONE, **made}.items()}


def pulse_defines(port, board):
    """The constants as the compiler is given them; raises ``RefusedError``."""
    return given({"energy_mode": 1, **pulse(port, board)})


def _numbered(pin, prefixes, most):
    """(index of the prefix, number behind it) of a pin such as PF13; None for no such pin."""
    for index, prefix in enumerate(prefixes):
        number = pin.removeprefix(prefix)
        if number != pin and number.isascii() and number.isdigit() and int(number) <= most:
            return index, int(number)
    return None


def _stm32(port, pin):
    found = _numbered(pin, [f"P{letter}" for letter in "ABCDEFGHIJK"], 15)
    if found is None:
        return None
    letter, number = found
    gpio = port["gpio"]["base"] + 0x400 * letter
    made = {
        "clock": port["gpio"]["enable"],
        "clock_bits": 1 << letter,
        "drive": gpio + 0x00,  # MODER
        "drive_mask": 3 << 2 * number,
        "drive_value": 1 << 2 * number,
        "high": gpio + 0x18,  # BSRR
        "high_bits": 1 << number,
        "low": gpio + 0x18,
        "low_bits": 1 << number + 16,
    }
    supply = port["gpio"].get("supplies", {}).get(pin[1])
    if supply is not None:
        made["supply"], made["supply_bits"] = supply[0], 1 << supply[1]
    return made


def _gd32(port, pin):
    found = _numbered(pin, [f"P{letter}" for letter in "ABCDE"], 15)
    if found is None:
        return None
    letter, number = found
    gpio, shift = port["gpio"]["base"] + 0x400 * letter, 4 * (number % 8)
    return {
        "clock": port["gpio"]["enable"],
        "clock_bits": 1 << 2 + letter,
        "drive": gpio + 4 * (number // 8),  # CTL0, CTL1
        "drive_mask": 15 << shift,
        "drive_value": 3 << shift,  # push-pull output, 50 MHz
        "high": gpio + 0x10,  # BOP
        "high_bits": 1 << number,
        "low": gpio + 0x10,
        "low_bits": 1 << number + 16,
    }


def _samd21(port, pin):
    found = _numbered(pin, ("PA", "PB"), 31)
    if found is None:
        return None
    group, bit = SAM_PORT + 0x80 * found[0], 1 << found[1]
    return _set_and_clear(bit, drive=group + 0x08, high=group + 0x18, low=group + 0x14)


def _nrf5(port, pin):
    pins = [f"P{n // 32}.{n % 32:02}" for n in range(port["gpio"]["pins"])]
    if pin not in pins:
        return None
    number = pins.index(pin)
    gpio, bit = NRF_GPIO + 0x300 * (number // 32), 1 << number % 32
    return _set_and_clear(bit, drive=gpio + 0x518, high=gpio + 0x508, low=gpio + 0x50C)


def _rp2(port, pin):
    found = _numbered(pin, ("GP",), 29)
    if found is None:
        return None
    blocks, sio = port["blocks"], port["sio"]
    made = _set_and_clear(1 << found[1], drive=sio["drive"], high=sio["high"], low=sio["low"])
    if "isolation" in port:
        pad = blocks["pads_base"] + 4 * found[1] + 4
        made |= {"isolation": pad, "isolation_bits": port["isolation"]}
    mux = blocks["io_base"] + 8 * found[1] + 4
    return {**made, "mux": mux, "mux_mask": 31, "mux_value": SIO_FUNCTION}


def _imxrt(port, pin):
    row = port["gpio"]["pins"].get(pin)
    if row is None:
        return None
    mux, gpio, number, gate, gate_bit = row
    made = _set_and_clear(1 << number, drive=gpio + 0x04, high=gpio + 0x84, low=gpio + 0x88)
    made |= {"clock": gate, "clock_bits": 3 << gate_bit}
    return {**made, "mux": mux, "mux_mask": 15, "mux_value": IMXRT_GPIO_FUNCTION}


def _set_and_clear(bit, *, drive, high, low):
    """Of GPIO with a register that sets bits and one that clears them."""
    made = {"drive": drive, "drive_mask": bit, "drive_value": bit}
    return {**made, "high": high, "high_bits": bit, "low": low, "low_bits": bit}


GROUPS = {
    "stm32": _stm32,
    "gd32": _gd32,
    "samd21": _samd21,
    "nrf5": _nrf5,
    "rp2": _rp2,
    "imxrt": _imxrt,
}
"""Of chip families, as in ``eb_port.py``."""
