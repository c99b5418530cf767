"""Board files against what their chip family's port can do: UART, pins, clock."""

import re
from pathlib import Path

import pytest

from edgebottle.boards import Board, all_boards, all_cores, load_board
from edgebottle.data import data_dir
from edgebottle.errors import BadBoard

CRYSTAL = '[clock]                   # X2 (UM1907 6.3)\nsource = "crystal"\nhz = 25_000_000\n'

PICO_CRYSTAL = (
    '[clock]                   # (PDS 2, schematic)\nsource = "crystal"\nhz = 12_000_000\n'
)

# (board, old text, new text, what the message must say)
REFUSED = [
    ("stm32f746", '"PA9"', '"PA8"', "uart.tx_pin is PA8: USART1 of STM32F746NGH6 sends on PA9 or"),
    ("stm32f746", '"PB7"', '"PB6"', "uart.rx_pin is PB6: USART1 of STM32F746NGH6 receives on PA10"),
    ("stm32f746", '"PA9"', '"PB14"', "uart.tx_pin is PB14"),  # of the F76x alone
    ("stm32f746", '"USART1"', '"USART9"', "uart.name is USART9: STM32F746NGH6 has USART1, USART2"),
    ("stm32f746", '"USART1"', '"USART6"', "uart.base is 0x40011000: USART6 lies at 0x40011400"),
    ("stm32f746", "= 115_200", "= 1_000", "uart.baud is 1000: it cannot be made from 108 MHz"),
    ("stm32f746", "= 115_200", "= 0", "uart.baud is 0"),
    ("stm32f746", '"STM32F746NGH6"', '"STM32F429ZI"', "mcu is STM32F429ZI: the port is for STM32F"),
    (
        "stm32f746",
        "hz = 25_000_000",
        "hz = 27_000_000",
        "clock.hz is 27 MHz: the port makes do with",
    ),
    ("stm32f746", "hz = 25_000_000", "hz = 24_576_000", "clock.hz is 24.576 MHz"),
    ("stm32f746", "hz = 25_000_000", "", "key 'clock.hz' is missing"),
    ("stm32f746", '"crystal"', '"resonator"', "clock.source is 'resonator', not one of crystal"),
    (
        "stm32f746",
        "= 216_000_000",
        "= 240_000_000",
        "clock_hz is 240 MHz: the port makes do with 50",
    ),
    ("stm32f746", "wait_states = 7", "wait_states = 5", "wait_states is 5: 216 MHz takes 7"),
    ("nucleo_f767zi", '"PD8"', '"PD5"', "tx_pin is PD5: USART3 of STM32F767ZIT6 sends on PB10"),
    ("nucleo_f767zi", "hz = 8_000_000", "hz = 1_000_000", "clock.hz is 1 MHz: the port makes do"),
    (
        "nucleo_f411re",
        '"USART2"',
        '"USART3"',
        "name is USART3: STM32F411RET6 has USART1, USART2 or",
    ),
    ("nucleo_l4r5zi", '"PG7"', '"PG9"', "uart.tx_pin is PG9: LPUART1 of STM32L4R5ZIT6 sends on"),
    ("nucleo_l4r5zi", "= 120_000_000", "= 122_000_000", "clock_hz is 122 MHz"),
    (
        "nucleo_l4r5zi",
        "[uart]",
        f"{CRYSTAL}[uart]",
        "clock.source is 'crystal': the port runs from",
    ),
    (
        "nucleo_g0b1re",
        "= 64_000_000",
        "= 48_000_000",
        "clock_hz is 48 MHz: the port makes do with 64",
    ),
    (
        "nucleo_h7a3zi",
        '"PD8"',
        '"PD9"',
        "uart.tx_pin is PD9: USART3 of STM32H7A3ZIT6Q sends on PB10",
    ),
    ("nucleo_h7a3zi", '"STM32H7A3ZIT6Q"', '"STM32H7A3ZIT6"', "mcu is STM32H7A3ZIT6: the port is"),
    ("nucleo_u575zi", '"STM32U575ZIT6Q"', '"STM32U599"', "mcu is STM32U599: the port is for"),
    (
        "raspberry_pi_pico",
        '"GP0"',
        '"GP4"',
        "uart.tx_pin is GP4: UART0 of RP2040 sends on GP0, GP12, GP16 or GP28",
    ),
    (
        "teensy40",
        '"GPIO_AD_B0_02"',
        '"GPIO_AD_B0_03"',
        "uart.tx_pin is GPIO_AD_B0_03: LPUART6 of MIMXRT1062DVL6A sends on GPIO_EMC_25 or GPIO_AD_",
    ),
    ("teensy40", "= 600_000_000", "= 816_000_000", "clock_hz is 816 MHz: the port makes do with"),
    ("teensy40", "wait_states = 168", "wait_states = 148", "is 148: 600 MHz takes 168"),
    ("teensy40", "hz = 24_000_000", "hz = 25_000_000", "clock.hz is 25 MHz: the port makes do"),
    ("teensy40", "= 115_200", "= 12_000_000", "uart.baud is 12000000: it cannot be made from 24"),
    ("mps2_an385", "4000_4000", "4000_5000", "base is 0x40005000: UART0 lies at 0x40004000"),
    ("mps2_an385", '"UART0_RX"', '"UART1_RX"', "UART0 of CMSDK_CM3 receives on UART0_RX"),
    ("mps2_an385", "= 25_000_000", "= 50_000_000", "clock_hz is 50 MHz: the port makes do with 25"),
    ("mps2_an385", "= 115_200", "= 2_000_000", "uart.baud is 2000000: it cannot be made from 25"),
    ("mps2_an385", "[uart]", f"{CRYSTAL}[uart]", "clock.source is 'crystal': the port runs from"),
    ("raspberry_pi_pico", PICO_CRYSTAL, "", "clock is missing: the port runs from a crystal"),
    ("raspberry_pi_pico", "hz = 12_000_000", "hz = 11_000_000", "125 MHz: it cannot be made"),
    ("raspberry_pi_pico", "cycle_divider = 125", "", "cycle_divider is 1: the timer counts"),
    ("raspberry_pi_pico", "wait_states = 256", "wait_states = 0", "is 0: 125 MHz takes 256"),
    (
        "raspberry_pi_pico_2",
        '"GP1"',
        '"GP0"',
        "uart.rx_pin is GP0: UART0 of RP2350A receives on GP1, GP3, GP13",
    ),
    (
        "raspberry_pi_pico_2",
        "= 150_000_000",
        "= 200_000_000",
        "clock_hz is 200 MHz: the port makes",
    ),
    ("microbit", '"P0.24"', '"P0.31"', "uart.tx_pin is P0.31: nRF51822-QFAA has P0.00 to P0.30"),
    ("microbit", '"P0.25"', '"P0.24"', "uart.rx_pin is P0.24: that is tx_pin"),
    ("microbit", "= 115_200", "= 115_000", "uart.baud is 115000: it can be 9600, 19200"),
    ("nrf52840dk", "hz = 32_000_000", "hz = 16_000_000", "clock.hz is 16 MHz: the port makes do"),
    ("arduino_zero", '"PB22"', '"PB23"', "uart.tx_pin is PB23: SERCOM5 of ATSAMD21G18A sends on"),
    ("arduino_zero", '"PB23"', '"PA24"', "rx_pin is PA24: PB22 is the same pad of SERCOM5"),
    ("longan_nano", '"PA9"', '"PC10"', "uart.tx_pin is PC10: USART0 of GD32VF103CBT6 sends on PA9"),
    ("longan_nano", '"PA10"', '"PB7"', "uart.rx_pin is PB7: PA9 goes with PA10"),
    ("longan_nano", "hz = 8_000_000", "hz = 9_000_000", "clock.hz is 9 MHz"),
    ("mps3_an547", "5930_3000", "4930_3000", "base is 0x49303000: UART0 lies at 0x59303000"),
]


@pytest.mark.parametrize(("board", "old", "new", "message"), REFUSED)
def test_what_a_port_cannot_do(
    tmp_path: Path, board: str, old: str, new: str, message: str
) -> None:
    text = (data_dir("boards") / f"{board}.toml").read_text(encoding="utf-8")
    assert text.count(old) == 1
    (tmp_path / "mine.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(BadBoard, match=re.escape(message)) as caught:
        load_board("mine", tmp_path)
    assert "mine.toml" in str(caught.value)


F746 = "stm32f746"
PICO = "raspberry_pi_pico"
TEENSY = "teensy40"

# (board, text of its file, another, what of the wiring is then so)
TOLD = [
    (F746, "", "", {"hse_hz": 25_000_000, "hse_bypass": 0, "uart_divider": 938, "tx_function": 7}),
    (F746, '"crystal"', '"external"', {"hse_hz": 25_000_000, "hse_bypass": 1}),
    (F746, CRYSTAL, "", {"hse_hz": 0, "hse_bypass": 0, "flash_wait_states": 7}),
    (F746, '"PA9"', '"PB6"', {"tx_gpio": 0x40020400, "tx_gpio_bit": 1, "tx_pin": 6}),
    (F746, "= 115_200", "= 9_600", {"uart_divider": 11250}),
    (TEENSY, "", "", {"uart_oversampling": 26, "uart_divider": 8, "flash_bytes": 0x200000}),
    ("teensy41", "", "", {"uart_enable_bit": 6, "flash_bytes": 0x800000}),
    (TEENSY, "= 115_200", "= 3_000_000", {"uart_oversampling": 8, "uart_divider": 1}),
    ("nrf52840dk", '"P0.06"', '"P1.02"', {"tx_pin": 34, "uart_rate": 0x1D7E000}),
    ("arduino_zero", '"PB22"', '"PA20"', {"tx_group": 0, "tx_pin": 20, "tx_function": 2}),
    (PICO, '"GP1"', '"GP29"', {"rx_pin": 29, "rx_function": 2, "uart_reset_bit": 22}),
    ("raspberry_pi_pico_2", '"GP0"', '"GP2"', {"tx_pin": 2, "tx_function": 11}),
    ("arduino_portenta_h7", "", "", {"tx_gpio": 0x58020000, "tx_pin": 9, "tx_function": 7}),
    (PICO, "hz = 12_000_000", "hz = 10_000_000", {"pll_feedback": 150, "crystal_hz": 10_000_000}),
]


@pytest.mark.parametrize(("board", "old", "new", "told"), TOLD)
def test_what_a_port_is_told(
    tmp_path: Path, board: str, old: str, new: str, told: dict[str, int]
) -> None:
    text = (data_dir("boards") / f"{board}.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "mine.toml").write_text(text.replace(old, new), encoding="utf-8")
    wiring = load_board("mine", tmp_path).wiring()
    assert {name: getattr(wiring, name) for name in told} == told


@pytest.mark.parametrize("board", [*all_boards(), *all_cores()], ids=lambda board: board.id)
def test_every_port_that_says_what_it_can_is_told(board: Board) -> None:
    says = (data_dir("firmware") / "port" / board.port / "port.toml").is_file()
    assert (board.wiring() is not None) == says
    assert says != board.is_computer
