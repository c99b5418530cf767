"""What a board file asks of its chip family, as the constants that the port's C is compiled with.

``port/<family>/port.toml`` says what a family can do: the chips it is for, its UARTs with their clock
and pins, and the clocks that its PLL makes. What a board file asks beyond that is refused here, for
the command line (which asks when it reads the file) and for a plain ``pio run`` alike.
"""

import tomllib
from fnmatch import fnmatchcase

SOURCES = ("crystal", "external")
"""Of a board's ``[clock]``: an oscillator with a crystal, or a clock fed into its pin."""

LPUART_SCALE = 256  # an LPUART divides 256 times its clock
BRR = {1: (16, 0xFFFF), LPUART_SCALE: (0x300, 0xFFFFF)}  # what fits the register of an STM32
PL011_DIVIDER = (64, 0xFFFF * 64)  # in 64ths
CMSDK_DIVIDER = (16, 0xFFFFF)
LPUART_MAX_DIVIDER = 0x1FFF  # of an i.MX RT
MAX_BAUD_ERROR = 0.02  # of one side; both together may be off by about 4 %


class RefusedError(Exception):
    """The port cannot do what ``key`` of the board file asks."""

    def __init__(self, key, reason):
        super().__init__(f"{key} {reason}")
        self.key = key


def read_port(path):
    """Returns the parsed ``port.toml`` of a family, None where the family has none."""
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def wiring(port, board):
    """Returns what the C of a family is told, by name: whole numbers.

    Args:
        port: Parsed ``port.toml``; its ``group`` says which names there are.
        board: Parsed board file: ``mcu``, ``clock_hz``, ``cycle_divider``, ``uart``, ``clock``,
            ``regions``, ``kind``.

    Raises ``RefusedError``.
    """
    port = variant(port, board)
    return GROUPS[port["group"]](port, board)


def variant(port, board):
    """``port`` as it is for the chip of ``board``; a core is any chip."""
    mcu, core = board["mcu"], board.get("kind") == "core"
    if not core and not _is(mcu, port["chips"]):
        raise RefusedError("mcu", f"is {mcu}: the port is for {_words(port['chips'], 'and')}")
    for variant in port.get("variants", ()):
        if core or _is(mcu, variant["chips"]):
            port = _merged(port, variant)
    return port


def _is(mcu, chips):
    return any(fnmatchcase(mcu, chip) for chip in chips)


def _merged(table, more):
    """``table`` with the rows of ``more``, table by table."""
    made = dict(table)
    for key, value in more.items():
        old = made.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        made[key] = _merged(old, value) if both else value
    return made


def _words(names, last="or"):
    *first, end = names
    return f"{', '.join(first)} {last} {end}" if first else end


def _mhz(hz):
    return f"{hz / 1e6:g} MHz"


def _range(key, hz, limits):
    low, high, step = limits["min_hz"], limits["max_hz"], limits.get("step_hz", 1)
    if low <= hz <= high and hz % step == 0:
        return
    span = _mhz(low) if low == high else f"{_mhz(low)} to {_mhz(high)} in steps of {_mhz(step)}"
    raise RefusedError(key, f"is {_mhz(hz)}: the port makes do with {span}")


def _wait_states(limits, hz):
    if "wait_states" in limits:
        return limits["wait_states"]
    if "wait_ns" in limits:
        return -(-hz * limits["wait_ns"] // 1_000_000_000)
    return -(-hz // limits["hz_per_wait_state"]) - 1


def _clock(port, board):
    """The board's ``[clock]``, None without one, once the port can do what the board asks."""
    hz, limits = board["clock_hz"], port["clock"]
    _range("clock_hz", hz, limits)
    states = board["regions"]["flash"].get("wait_states", 0)
    needed = _wait_states(limits, hz)
    if board.get("kind") != "core" and states != needed:
        raise RefusedError("regions.flash.wait_states", f"is {states}: {_mhz(hz)} takes {needed}")
    source = board.get("clock")
    if source is None:
        return None
    if source["source"] not in limits.get("sources", {}):
        known = [name for name in SOURCES if name in limits.get("sources", {})]
        can = f"takes {_words(known)}" if known else "runs from the chip's own oscillator: no [clock]"
        raise RefusedError("clock.source", f"is '{source['source']}': the port {can}")
    _range("clock.hz", source["hz"], limits["sources"][source["source"]])
    return source


def _crystal(port, board):
    """Frequency of the crystal that a port cannot do without."""
    source = _clock(port, board)
    if source is None:
        raise RefusedError("clock", "is missing: the port runs from a crystal")
    return source["hz"]


def _uart(port, board):
    """The row of the board's UART, once name and base are its own."""
    asked = board["uart"]
    name = asked["name"]
    uart = port["uarts"].get(name)
    if uart is None:
        raise RefusedError("uart.name", f"is {name}: {board['mcu']} has {_words(port['uarts'])}")
    if asked["base"] != uart["base"]:
        where = f"{name} lies at 0x{uart['base']:08x}"
        raise RefusedError("uart.base", f"is 0x{asked['base']:08x}: {where}")
    return uart


def _pins(uart, board):
    """(``tx`` or ``rx``, name of the pin, its row of the UART) for both pins."""
    asked = board["uart"]
    for way, verb in (("tx", "sends"), ("rx", "receives")):
        key = f"{way}_pin"
        pin = asked[key]
        if pin not in uart[way]:
            known = f"{asked['name']} of {board['mcu']} {verb} on {_words(uart[way])}"
            raise RefusedError(f"uart.{key}", f"is {pin}: {known}")
        yield way, pin, uart[way][pin]


def _divider(hz, baud, scale, limits):
    """``scale`` times ``hz`` by ``baud``, rounded to nearest."""
    divider = (hz * scale + baud // 2) // baud if baud > 0 else 0
    low, high = limits
    if not low <= divider <= high or abs(hz * scale / divider / baud - 1) > MAX_BAUD_ERROR:
        raise RefusedError("uart.baud", f"is {baud}: it cannot be made from {_mhz(hz)}")
    return divider


def _stm32(port, board):
    source = _clock(port, board)
    uart = _uart(port, board)
    bus = port["buses"][uart["bus"]]
    scale = LPUART_SCALE if board["uart"]["name"].startswith("LPUART") else 1
    hz = board["clock_hz"] // bus.get("divider", 1)
    made = {
        "hse_hz": source["hz"] if source else 0,
        "hse_bypass": int(source is not None and source["source"] == "external"),
        "flash_wait_states": _wait_states(port["clock"], board["clock_hz"]),
        "uart_enable": bus["enable"],
        "uart_enable_bit": uart["bit"],
        **_stm32_rate(uart, hz, board["uart"]["baud"], scale),
        "uart_fifo": int(uart.get("fifo", False)),
        "uart_generation": port.get("uart_generation", 2),
        "gpio_enable": port["gpio"]["enable"],
        "gpio_supply": 0,
        "gpio_supply_bit": 0,
    }
    for way, pin, function in _pins(uart, board):
        letter = ord(pin[1]) - ord("A")
        made[f"{way}_gpio"] = port["gpio"]["base"] + 0x400 * letter
        made[f"{way}_gpio_bit"] = letter
        made[f"{way}_pin"] = int(pin[2:])
        made[f"{way}_function"] = function
        supply = port["gpio"].get("supplies", {}).get(pin[1])
        if supply is not None:
            made["gpio_supply"], made["gpio_supply_bit"] = supply
    return made


def _stm32_rate(uart, hz, baud, scale):
    """Divider of a UART, and the slower clock that a low rate of an LPUART needs."""
    other = uart.get("slow_clock")
    try:
        found = {"uart_divider": _divider(hz, baud, scale, BRR[scale]), "uart_hz": hz}
    except RefusedError:
        if other is None:
            raise
        slow = {name: other[name] for name in ("select", "mask", "value")}
        hz = other["hz"]
        found = {"uart_divider": _divider(hz, baud, scale, BRR[scale]), "uart_hz": hz}
    else:
        slow = dict.fromkeys(("select", "mask", "value"), 0)
    found |= {"uart_scale": scale, "uart_min_divider": BRR[scale][0]}
    return found | {f"uart_clock_{name}": value for name, value in slow.items()}


def _rp2(port, board):
    hz, crystal = board["clock_hz"], _crystal(port, board)
    feedback, first, second = _rp2_pll(port["pll"], crystal, hz)
    megahertz = hz // 1_000_000
    if "timer" in port and board.get("cycle_divider", 1) != megahertz:
        reason = f"the timer counts microseconds, {megahertz} clocks each"
        raise RefusedError("cycle_divider", f"is {board.get('cycle_divider', 1)}: {reason}")
    uart = _uart(port, board)
    made = {
        "crystal_hz": crystal,
        "pll_feedback": feedback,
        "pll_divider_1": first,
        "pll_divider_2": second,
        "uart_reset_bit": uart["bit"],
        "uart_hz": hz,
        "uart_min_divider": PL011_DIVIDER[0],
        "uart_divider": _divider(hz, board["uart"]["baud"], 4, PL011_DIVIDER),
        **port["blocks"],
    }
    for way, pin, function in _pins(uart, board):
        made[f"{way}_pin"] = int(pin.removeprefix("GP"))
        made[f"{way}_function"] = function
    return made


def _rp2_pll(limits, crystal, hz):
    """Feedback and post dividers for ``hz``, of the fastest oscillator, which is the steadiest."""
    for feedback in range(limits["max_feedback"], limits["min_feedback"] - 1, -1):
        vco = crystal * feedback
        if not limits["min_hz"] <= vco <= limits["max_hz"]:
            continue
        for first in range(limits["max_divider"], 0, -1):
            for second in range(first, 0, -1):
                if vco == hz * first * second:
                    return feedback, first, second
    raise RefusedError("clock_hz", f"is {_mhz(hz)}: it cannot be made from {_mhz(crystal)}")


def _imxrt(port, board):
    crystal = _crystal(port, board)
    uart = _uart(port, board)
    oversampling, divider = _oversampled(crystal, board["uart"]["baud"])
    size = board["regions"]["flash"]["size"]
    made = {
        "crystal_hz": crystal,
        "flash_bytes": 1 << (size - 1).bit_length(),  # of the whole device
        "uart_enable": uart["enable"],
        "uart_enable_bit": uart["bit"],
        "uart_oversampling": oversampling,
        "uart_divider": divider,
    }
    for way, _, row in _pins(uart, board):
        names = ("mux", "function", "daisy", "input", "pad")
        made |= {f"{way}_{name}": value for name, value in zip(names, row, strict=True)}
    return made


def _cmsdk(port, board):
    _clock(port, board)
    uart = _uart(port, board)
    tuple(_pins(uart, board))  # refuses others; they have no function to choose
    return {
        "uart_hz": uart["hz"],
        "uart_min_divider": CMSDK_DIVIDER[0],
        "uart_divider": _divider(uart["hz"], board["uart"]["baud"], 1, CMSDK_DIVIDER),
    }


def _oversampled(hz, baud):
    """Samples per bit and divider of an LPUART whose product is nearest; many samples are better."""

    def error(samples):
        divider = max(1, (hz + baud * samples // 2) // (baud * samples)) if baud > 0 else 1
        return abs(hz / (divider * samples) - baud), -samples, divider

    best, samples, divider = min(error(samples) for samples in range(8, 33))
    if baud <= 0 or best > baud * MAX_BAUD_ERROR or divider > LPUART_MAX_DIVIDER:
        raise RefusedError("uart.baud", f"is {baud}: it cannot be made from {_mhz(hz)}")
    return -samples, divider


def _gd32(port, board):
    source, uart = _clock(port, board), _uart(port, board)
    gpio, asked = port["gpio"], board["uart"]
    bus = port["buses"][uart["bus"]]
    hz = board["clock_hz"] // bus.get("divider", 1)
    made = {
        "hxtal_hz": source["hz"] if source else 0,
        "uart_enable": bus["enable"],
        "uart_enable_bit": uart["bit"],
        "uart_hz": hz,
        "uart_min_divider": BRR[1][0],
        "uart_divider": _divider(hz, asked["baud"], 1, BRR[1]),
        "gpio_enable": gpio["enable"],
        "remap": gpio["remap"],
        "remap_mask": uart["remap"],
    }
    for way, pin, remap in _pins(uart, board):
        if made.setdefault("remap_value", remap) != remap:  # one setting for both pins
            right = _words([rx for rx, value in uart["rx"].items() if value == made["remap_value"]])
            raise RefusedError("uart.rx_pin", f"is {pin}: {asked['tx_pin']} goes with {right}")
        letter = ord(pin[1]) - ord("A")
        made[f"{way}_gpio"] = gpio["base"] + 0x400 * letter
        made[f"{way}_gpio_bit"] = 2 + letter
        made[f"{way}_pin"] = int(pin[2:])
    return made


def _samd21(port, board):
    source, uart = _clock(port, board), _uart(port, board)
    hz, asked = board["clock_hz"], board["uart"]
    baud = asked["baud"]
    steps = (16 * baud * 65536 + hz // 2) // hz if baud > 0 else 0
    if not 0 < steps <= 65536 or abs(hz * steps / 16 / 65536 / baud - 1) > MAX_BAUD_ERROR:
        raise RefusedError("uart.baud", f"is {baud}: it cannot be made from {_mhz(hz)}")
    made = {
        "crystal_hz": source["hz"] if source else 0,
        "uart_enable_bit": uart["bit"],
        "uart_clock": uart["clock"],
        "uart_hz": hz,
        "uart_baud_value": 65536 - steps,
    }
    for way, pin, (function, pad) in _pins(uart, board):
        if made.get("tx_pad") == pad:
            reason = f"is {pin}: {asked['tx_pin']} is the same pad of {asked['name']}"
            raise RefusedError("uart.rx_pin", reason)
        made[f"{way}_group"] = ord(pin[1]) - ord("A")
        made[f"{way}_pin"] = int(pin[2:])
        made[f"{way}_function"] = function
        made[f"{way}_pad"] = pad
    return made


def _nrf5(port, board):
    _crystal(port, board)
    rates, asked = _uart(port, board)["rates"], board["uart"]
    if str(asked["baud"]) not in rates:
        raise RefusedError("uart.baud", f"is {asked['baud']}: it can be {_words(list(rates))}")
    made = {"uart_rate": rates[str(asked["baud"])]}
    pins = [f"P{n // 32}.{n % 32:02}" for n in range(port["gpio"]["pins"])]
    for key in ("tx_pin", "rx_pin"):
        if asked[key] not in pins:
            known = f"{board['mcu']} has {pins[0]} to {pins[-1]}"
            raise RefusedError(f"uart.{key}", f"is {asked[key]}: {known}")
        made[key] = pins.index(asked[key])
    if made["tx_pin"] == made["rx_pin"]:
        raise RefusedError("uart.rx_pin", f"is {asked['rx_pin']}: that is tx_pin")
    return made


GROUPS = {
    "stm32": _stm32,
    "rp2": _rp2,
    "imxrt": _imxrt,
    "gd32": _gd32,
    "samd21": _samd21,
    "nrf5": _nrf5,
    "cmsdk": _cmsdk,
}
"""Of chip families: how the UART, the pins and the clock of each are told to its C."""


def defines(port, board):
    """The constants as the compiler is given them: ``hse_hz`` is ``EB_HSE_HZ``.

    Those of ``[constants]`` are between ``port.toml`` and the C beside it. Raises ``RefusedError``.
    """
    return given({**wiring(port, board), **variant(port, board).get("constants", {})})


def given(constants):
    """Constants, by name, as the compiler is given them."""
    return [(f"EB_{name.upper()}", f"0x{value:x}u") for name, value in constants.items()]
