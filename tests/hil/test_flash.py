"""Flashing, with programmers that log what they were asked and answer as the real ones do."""

from pathlib import Path

import pytest
from fake_programmers import (
    HLA,
    NO_STLINK,
    PORT,
    calls,
    elf_fixture,
    install,
    says,
    tools_fixture,
)

from edgebottle.boards import Board, all_boards, load_board
from edgebottle.errors import BoardError, ToolMissing
from edgebottle.programmers import all_programmers, target_of
from hil import flash as flashing
from hil.flash import flash
from hil.probes import ProbeChoice
from tests.waiting import has_ended, wait_until

__all__ = ["elf_fixture", "tools_fixture"]

SWD = "-f interface/cmsis-dap.cfg -c 'transport select swd'"
SEGGER = "-f interface/jlink.cfg -c 'transport select swd'"
PROGRAM = "-c 'program {firmware.elf} verify reset exit'"
NRF = "chip_erase_mode=ERASE_RANGES_TOUCHED_BY_FIRMWARE,verify=VERIFY_READ,reset=RESET_SYSTEM"
PYOCD = "flash --no-wait -O auto_unlock=false"

# programmer, board, what it is asked; "<>": where a probe is chosen, and how
COMMANDS: list[tuple[str, str, str, str]] = [
    ("STM32_Programmer_CLI", "nucleo_l4r5zi", "-c port=SWD<> -w firmware.elf -v -rst", "sn=7F"),
    ("st-flash", "stm32f746", "<>--reset write firmware.bin 0x08000000", "--serial 7F"),
    (
        "nrfutil",
        "nrf52840dk",
        f"device program --firmware firmware.hex<> --options {NRF}",
        "--serial-number 7F",
    ),
    ("dfu-util", "longan_nano", "-d 28e9:0189<> -a 0 -s 0x08000000:leave -D firmware.bin", "-S 7F"),
    ("teensy_loader_cli", "teensy40", "--mcu=TEENSY40 -w -v firmware.hex", ""),
    ("teensy_loader_cli", "teensy41", "--mcu=TEENSY41 -w -v firmware.hex", ""),
    (
        "openocd",
        "nucleo_u575zi",
        f"{HLA}<> -f target/stm32u5x.cfg {PROGRAM}",
        "-c 'adapter serial 7F'",
    ),
    (
        "openocd",
        "nrf52840dk",
        f"{SEGGER}<> -f target/nrf52.cfg {PROGRAM}",
        "-c 'adapter serial 7F'",
    ),
    (
        "openocd",
        "raspberry_pi_pico",
        f"{SWD}<> -f target/rp2040.cfg {PROGRAM}",
        "-c 'adapter serial 7F'",
    ),
    ("pyocd", "microbit", f"{PYOCD}<> --target nrf51822 firmware.elf", "--uid 7F"),
    ("pyocd", "nucleo_g0b1re", f"{PYOCD}<> --target stm32g0b1retx firmware.elf", "--uid 7F"),
]


@pytest.mark.parametrize("serial", (None, "7F"), ids=("any probe", "one probe"))
@pytest.mark.parametrize(
    ("tool", "board", "expected", "chosen"), [row for row in COMMANDS if row[3]]
)
def test_what_a_programmer_is_asked(
    tools: Path, elf: Path, tool: str, board: str, expected: str, chosen: str, serial: str | None
) -> None:
    log = install(tools, tool)
    assert flash(elf, load_board(board), PORT, ProbeChoice(serial=serial)) == tool
    chosen = f" {chosen} " if serial else " "
    assert calls(log) == [expected.replace("<>", chosen).replace("  ", " ").strip()]


@pytest.mark.parametrize(
    ("tool", "board", "expected", "chosen"), [row for row in COMMANDS if not row[3]]
)
def test_one_that_cannot_choose_a_probe(
    tools: Path, elf: Path, tool: str, board: str, expected: str, chosen: str
) -> None:
    log = install(tools, tool)
    with pytest.raises(ToolMissing, match=f"{tool} cannot choose among probes"):
        flash(elf, load_board(board), PORT, ProbeChoice(serial="7F"))
    flash(elf, load_board(board), PORT)
    assert calls(log) == [expected]


def test_every_upload_method_of_a_board_file_has_a_programmer() -> None:
    for board in all_boards():
        able = [item.name for item in all_programmers() if item.serves(target_of(board))]
        by_hand = board.is_computer or board.id in ("mps2_an385", "mps3_an547")  # from its SD card
        assert (board.upload in ("none", "ssh")) if by_hand else able, board.id


def test_programmers_are_tried_in_the_order_of_the_table(tools: Path, elf: Path) -> None:
    logs = [install(tools, name) for name in ("pyocd", "openocd", "st-flash")]
    flash(elf, load_board("stm32f746"), PORT)
    assert [len(calls(log)) for log in logs] == [0, 0, 1]


def test_one_that_is_asked_for_is_taken(tools: Path, elf: Path) -> None:
    logs = [install(tools, name) for name in ("pyocd", "openocd", "st-flash")]
    flash(elf, load_board("stm32f746"), PORT, ProbeChoice(programmer="pyocd"))
    assert [len(calls(log)) for log in logs] == [1, 0, 0]


UNKNOWN = "2021-06-04T12:00:00 WARN common.c: unknown chip id! 0x467\nFailed to connect to target"
OPENOCD_NONE = "Info : clock speed 2000 kHz\nError: open failed\nin procedure 'program'"
PYOCD_PACK = (
    "0000741 C Target type stm32g0b1retx not recognized. Use 'pyocd list --targets' to see "
    "currently available target types. See <https://pyocd.io/docs/target_support.html> for how to "
    "install additional target support. [__main__]"
)

# of st-flash and openocd, both on an ST-Link: what st-flash answers, whether openocd is tried then
NEXT = [
    (says(255, UNKNOWN), True),
    (says(255, NO_STLINK), True),
    (says(255, "ERROR flash_loader.c: write error, count == 8"), False),
    ("", False),
]


@pytest.mark.parametrize(("body", "tried"), NEXT, ids=("chip", "probe", "failure", "success"))
def test_the_next_is_tried_only_where_nothing_was_written(
    tools: Path, elf: Path, body: str, tried: bool
) -> None:
    first, second = install(tools, "st-flash", body), install(tools, "openocd")
    if "write error" in body:
        with pytest.raises(
            BoardError, match=r"^st-flash could not flash nucleo_g0b1re: .*count == 8$"
        ):
            flash(elf, load_board("nucleo_g0b1re"), PORT)
    else:
        expected = "openocd" if tried else "st-flash"
        assert flash(elf, load_board("nucleo_g0b1re"), PORT) == expected
    assert (len(calls(first)), len(calls(second))) == (1, int(tried))


def test_all_that_was_tried_is_said(tools: Path, elf: Path) -> None:
    install(tools, "st-flash", says(255, UNKNOWN))
    install(tools, "openocd", says(1, OPENOCD_NONE))
    install(tools, "pyocd", says(1, PYOCD_PACK))
    with pytest.raises(BoardError) as caught:
        flash(elf, load_board("nucleo_g0b1re"), PORT)
    parts = str(caught.value).split("; ")
    assert parts[0].startswith("st-flash does not know the chip of nucleo_g0b1re: ")
    assert parts[0].endswith("unknown chip id! 0x467")
    assert parts[1] == "openocd finds no probe or board to flash nucleo_g0b1re: Error: open failed"
    assert parts[2].endswith("(pyocd pack install stm32g0b1retx (once, with a network))")


# tool, board, what it prints where, what is said of it
MEANINGS = [
    (
        "STM32_Programmer_CLI",
        "stm32f746",
        says(0, "Error: No debug probe detected.", "stdout"),
        "finds no probe",
    ),
    (
        "nrfutil",
        "nrf52840dk",
        says(1, "Error: One or more program tasks failed:\n * (NotAvailableBecauseProtection)"),
        "locked.*: --recover unlocks and erases",
    ),
    ("pyocd", "microbit", says(1, "No connected debug probes", "stdout"), "finds no probe"),
    (
        "dfu-util",
        "longan_nano",
        says(74, "dfu-util: No DFU capable USB device available"),
        "hold BOOT",
    ),
    ("openocd", "nrf52840dk", says(1, "Error: No J-Link device found"), "finds no probe"),
    (
        "openocd",
        "nucleo_u575zi",
        says(1, "embedded:startup.tcl:28: Error: Can't find target/stm32u5x.cfg"),
        r"does not know the chip .*install a newer OpenOCD",
    ),
    (
        "pyocd",
        "nrf52840dk",
        says(1, "W NRF52840 APPROTECT enabled: not automatically unlocking [target_nRF52]"),
        "locked.*: --recover unlocks and erases",
    ),
    (
        "dfu-util",
        "longan_nano",
        says(74, "dfu-util: Error during download get_status"),
        "could not",
    ),
]


@pytest.mark.parametrize(("tool", "board", "body", "message"), MEANINGS)
def test_what_a_failure_means(
    tools: Path, elf: Path, tool: str, board: str, body: str, message: str
) -> None:
    install(tools, tool, body)
    with pytest.raises(BoardError, match=message) as caught:
        flash(elf, load_board(board), PORT)
    assert "\n" not in str(caught.value)


def test_a_download_that_was_complete_is_no_failure(tools: Path, elf: Path) -> None:
    said = "Download done.\nFile downloaded successfully"
    lost = "dfu-util: Error during download get_status"
    body = f"print({said!r})\n{says(74, lost)}"
    install(tools, "dfu-util", body)
    assert flash(elf, load_board("longan_nano"), PORT) == "dfu-util"


def test_doctor_names_what_is_used_and_nothing_else(tools: Path) -> None:
    from edgebottle.build.doctor import run_checks

    def check() -> tuple[bool, str]:
        (found,) = (item for item in run_checks() if item.name == "flash tools")
        return found.ok, f"{found.detail}: {found.remedy}"

    install(tools, "JLinkExe")  # nothing here uses it
    ok, text = check()
    assert not ok and all(f"{item.name}: {item.install}" in text for item in all_programmers())
    install(tools, "st-flash")
    install(tools, "dfu-util")
    ok, text = check()
    assert ok and text.startswith("st-flash, dfu-util (nothing for arduino_nano_33_ble, ")
    assert "stm32f746" not in text and "longan_nano" not in text
    for name in ("openocd", "teensy_loader_cli", "bossac"):
        install(tools, name)
    assert check() == (True, "st-flash, dfu-util, bossac, teensy_loader_cli, openocd: ")


def test_the_image_is_gone_afterwards(tools: Path, elf: Path, tmp_path: Path) -> None:
    where = tmp_path / "where"
    install(tools, "st-flash", f"open({str(where)!r}, 'w').write(sys.argv[3])")
    flash(elf, load_board("stm32f746"), PORT)
    assert where.read_text().endswith(".bin") and not Path(where.read_text()).exists()


@pytest.mark.parametrize(
    ("board", "message"),
    [
        (
            "stm32f746",
            r"cannot flash stm32f746: no programmer .*st-flash: apt.*pyocd: pip.*--no-flash$",
        ),
        ("longan_nano", r"no programmer for 'dfu' is installed \(dfu-util: apt.*\)\. Install one"),
    ],
)
def test_no_programmer_is_installed(tools: Path, elf: Path, board: str, message: str) -> None:
    with pytest.raises(ToolMissing, match=message) as caught:
        flash(elf, load_board(board), PORT)
    assert caught.value.exit_code == 3


FAILURES = [
    ("print('no probe', file=sys.stderr); sys.exit(1)", "could not flash stm32f746: no probe$"),
    ("print('on stdout'); sys.exit(2)", "could not flash stm32f746: on stdout$"),
    ("sys.exit(7)", "could not flash stm32f746: exit code 7$"),
    ("print('\\n'.join('abcde'), file=sys.stderr); sys.exit(1)", r": c \| d \| e$"),
    ("sys.stderr.buffer.write(b'\\xff\\xfe'); sys.exit(1)", "could not flash stm32f746: "),
    ("os.kill(os.getpid(), 9)", "could not flash stm32f746: killed by SIGKILL$"),
]


@pytest.mark.parametrize(("body", "message"), FAILURES, ids=range(len(FAILURES)))
def test_a_programmer_that_fails(tools: Path, elf: Path, body: str, message: str) -> None:
    install(tools, "st-flash", body)
    with pytest.raises(BoardError, match=message) as caught:
        flash(elf, load_board("stm32f746"), PORT)
    assert "\n" not in str(caught.value)


def test_a_programmer_that_hangs_is_ended_with_its_children(
    tools: Path, elf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = tmp_path / "pid"
    body = (
        "import subprocess\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(pid)!r}, 'w').write(str(child.pid))\n"
        "child.wait()"
    )
    install(tools, "st-flash", body)
    monkeypatch.setattr(flashing, "DEADLINE_S", 1.5)
    with pytest.raises(BoardError, match=r"st-flash did not finish in 1\.5 s"):
        flash(elf, load_board("stm32f746"), PORT)
    wait_until(lambda: has_ended(int(pid.read_text())), "the programmer's child ends")


def test_a_programmer_that_cannot_be_started(tools: Path, elf: Path) -> None:
    script = tools / "st-flash"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    with pytest.raises(ToolMissing, match="cannot start st-flash: "):
        flash(elf, load_board("stm32f746"), PORT)


def test_the_host_is_not_flashed(tools: Path, elf: Path) -> None:
    host: Board = load_board("host")
    with pytest.raises(ToolMissing, match="cannot flash host"):
        flash(elf, host, PORT)
