"""Board files: all of them load, the schema is kept, every mistake is named."""

import importlib.util
import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from edgebottle.boards import Board, all_boards, all_variants, board_ids, load_board
from edgebottle.data import data_dir
from edgebottle.errors import BadBoard, BoardNotFound
from edgebottle.memory_timing import MemoryPath

BOARDS = all_boards()
ON_CHIP = [board for board in BOARDS if not board.is_computer]
GOOD = (data_dir("boards") / "microbit.toml").read_text(encoding="utf-8")

# (old text of microbit.toml, new text, what the message must name)
MISTAKES = [
    ('cpu = "cortex-m0"', 'cpu = "cortex-m99"', "cpu is 'cortex-m99'"),
    ('cpu = "cortex-m0"', "", "key 'cpu' is missing"),
    ("fpu = false", "fpu = 0", "fpu is 0, not of type bool"),
    ("fpu = false", "fpu = true", "fpu is true: cortex-m0 has none"),
    ("clock_hz = 16_000_000", "clock_hz = true", "clock_hz is True, not of type int"),
    ("clock_hz = 16_000_000", "clock_hz = 0", "clock_hz must be positive"),
    ("clock_hz = 16_000_000", 'clock_hz = "16 MHz"', "not of type int"),
    ("clock_hz =", "clock_khz = 1\nclock_hz =", "unknown key 'clock_khz' (did you mean 'clock_hz'"),
    ('"timer:0x40008000"', '"stopwatch"', "cycle_counter is 'stopwatch'"),
    ('upload = "mass-storage"', 'upload = "pigeon"', "upload is 'pigeon'"),
    ('tx_pin = "P0.24"', "", "key 'uart.tx_pin' is missing"),
    ("baud = 115_200", 'baud = "fast"', "uart.baud is 'fast'"),
    ("[regions.ram]", "[regions.memory]", "key 'regions.ram' is missing"),
    ("size = 0x4000 ", "size = 0 ", "regions.ram"),
    ("size = 0x4000 ", 'size = "16k" ', "regions.ram.size is '16k'"),
    ("start = 0x2000_0000", "start = 0x1000", "regions.flash and regions.ram overlap"),
    ("stack_size = 2048", "stack_size = 2048\ncores = 2", "'cores' is only for Linux"),
    ("stack_size = 2048", "stack_size = 16384", "stack_size 16384 does not fit"),
    ('name = "BBC', "name = BBC", "Invalid value"),
    ('name = "BBC', 'kind = "chip"\nname = "BBC', "kind is 'chip', not one of board, core"),
    ('name = "BBC', 'kind = "core"\nname = "BBC', "kind is 'core' in cores/, and nowhere else"),
]

CACHE = "wait = 1\nnext = 1\nline_bytes = 16\nsets = 2\nways = 2\nread_bytes = 8\n"
SLOW = f"\n[timing.fetch]\n{CACHE}\n[timing.data]\nwait = 2\nnext = 1\n"
SLOW_MISTAKES = [
    ("[timing.data]", "[timing.dat]", "key 'timing.data' is missing"),
    ("line_bytes = 16\n", "", "key 'timing.fetch.line_bytes' is missing"),
    ("wait = 2", 'wait = "2"', "timing.data.wait is '2', not of type int"),
    ("wait = 2", "wait = -2", "timing.data.wait is -2"),
    ("wait = 2", "waits = 2", "key 'timing.data.wait' is missing"),
    ("next = 1\n\n", "next = 1\nsets = 2\n\n", "unknown key 'timing.data.sets'"),
    ("ways = 2", "ways = 0", "timing.fetch.ways is 0"),
    ("ways = 2", "ways = 100_000", "timing.fetch has more than 65536 lines"),
    ("read_bytes = 8", "read_bytes = 6", "timing.fetch.read_bytes does not divide a line"),
    ("read_bytes = 8", "read_bytes = 32", "timing.fetch.read_bytes does not divide a line"),
]


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.id)
def test_core_and_port_go_together(board: Board) -> None:
    runs_here = board.processor.emulator or board.is_host or board.processor.qemu
    assert bool(runs_here) != board.is_qemu
    assert (data_dir("firmware") / "port" / board.port).is_dir()


@pytest.mark.parametrize(
    "board", [board for board in BOARDS if board.is_computer], ids=lambda board: board.id
)
def test_computers_have_neither_regions_nor_uart(board: Board) -> None:
    assert board.regions == () and board.uart is None
    assert board.is_host != (board.is_linux and board.cores > 1)
    assert board.virtual == board.is_linux and board.tried_on_hardware == board.is_host


LINUX = (data_dir("boards") / "raspberry_pi_4.toml").read_text(encoding="utf-8")
LINUX_MISTAKES = [
    ('port = "linux"', 'port = "host"', "port is 'host': cortex-a72 runs Linux"),
    ('cpu = "cortex-a72"', 'cpu = "cortex-m4"', "port is 'linux': cortex-m4 does not run Linux"),
    ('upload = "ssh"', 'upload = "stlink"', "upload is 'stlink': ssh is for computers with Linux"),
    ("cores = 4", "cores = 0", "cores must be positive"),
    ("cores = 4", "core = 4", "unknown key 'core' (did you mean 'cores'?)"),
    ("stack_size = 0", "[regions.ram]\nstart = 0\nsize = 4", "key 'stack_size' is missing"),
    ("stack_size = 0", "stack_size = 0\n[regions]", "'regions' is not for Linux"),
]


@pytest.mark.parametrize(("old", "new", "named"), LINUX_MISTAKES)
def test_mistake_in_a_computer_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    assert LINUX.count(old) == 1
    (tmp_path / "mine.toml").write_text(LINUX.replace(old, new), encoding="utf-8")
    with pytest.raises(BadBoard, match=re.escape(named)):
        load_board("mine", tmp_path)


@pytest.mark.parametrize(
    "board", [b for b in BOARDS if not b.is_computer], ids=lambda board: board.id
)
def test_board_is_sane(board: Board) -> None:
    assert board.virtual
    assert not board.tried_on_hardware, "say in the file on which board revision it was tried"
    assert board.platformio_board == board.id
    assert board.clock_hz % board.cycle_divider == 0
    assert board.clock_hz // board.cycle_divider % 1_000_000 == 0, "the port counts in whole MHz"
    assert board.uart is not None
    assert board.uart.baud == 115200
    assert board.stack_size % 8 == 0
    # QEMU's cores have no counter of their own.
    assert (board.cycle_counter == "dwt") == board.processor.dwt


VARIANT = """board = "microbit"
name = "BBC micro:bit, single bank"
stack_size = 1024
[uart]
baud = 9600
"""
VARIANT_MISTAKES = [
    ('"microbit"', '"macrobit"', "board is 'macrobit', not one of microbit"),
    ('board = "microbit"\n', "", "board is '', not one of microbit"),
    ('name = "BBC micro:bit, single bank"\n', "", "key 'name' is missing"),
    ("stack_size", "stacksize", "unknown key 'stacksize' (did you mean 'stack_size'?)"),
    ("baud", "bauds", "unknown key 'uart.bauds'"),
    ("1024", "16384", "stack_size 16384 does not fit"),
    ("[uart]", "[uart", "mine.toml: "),
]


@pytest.mark.parametrize("variant", all_variants(), ids=lambda board: board.id)
def test_a_variant_is_its_board_set_up_otherwise(variant: Board) -> None:
    board = load_board(variant.platformio_board)
    assert variant.mcu == board.mcu and variant.name != board.name
    assert variant.timing != board.timing or variant.clock_hz != board.clock_hz


@pytest.fixture
def with_variant(tmp_path: Path) -> Path:
    (tmp_path / "microbit.toml").write_text(GOOD)
    (tmp_path / "variants").mkdir()
    return tmp_path


def test_a_variant_keeps_what_it_does_not_name(with_variant: Path) -> None:
    (with_variant / "variants" / "mine.toml").write_text(VARIANT)
    board, variant = load_board("microbit", with_variant), load_board("mine", with_variant)
    assert board.uart is not None
    changes = {"id": "mine", "name": "BBC micro:bit, single bank", "stack_size": 1024}
    assert variant == replace(board, **changes, uart=replace(board.uart, baud=9600))
    assert board_ids(with_variant) == ("microbit",)


@pytest.mark.parametrize(("old", "new", "named"), VARIANT_MISTAKES)
def test_mistake_in_a_variant_is_named(with_variant: Path, old: str, new: str, named: str) -> None:
    assert VARIANT.count(old) == 1
    (with_variant / "variants" / "mine.toml").write_text(VARIANT.replace(old, new))
    with pytest.raises(BadBoard, match=re.escape(named)):
        load_board("mine", with_variant)


def test_the_timing_of_memory(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text(GOOD + SLOW)
    timing = load_board("good", tmp_path).timing
    assert timing is not None
    assert timing.fetch == MemoryPath(1, 1, line_bytes=16, sets=2, ways=2, read_bytes=8)
    assert timing.data == MemoryPath(2, 1) and timing.ram is None


@pytest.mark.parametrize(("old", "new", "message"), SLOW_MISTAKES)
def test_mistakes_in_the_timing(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in SLOW + "\n"
    (tmp_path / "bad.toml").write_text(GOOD + (SLOW + "\n").replace(old, new))
    with pytest.raises(BadBoard, match=re.escape(message)):
        load_board("bad", tmp_path)


@pytest.mark.parametrize("board", ON_CHIP, ids=lambda board: board.id)
def test_slow_flash_is_modelled(board: Board) -> None:
    slow = board.region("flash").wait_states > 0 and not board.is_qemu
    assert (board.timing is not None) == slow
    if board.timing is not None:
        states = board.region("flash").wait_states
        assert board.timing.fetch.wait >= states and board.timing.data.wait >= states


def test_all_boards_of_the_design_exist() -> None:
    assert board_ids() == (
        "arduino_nano_33_ble",
        "arduino_portenta_h7",
        "arduino_zero",
        "arm64_linux",
        "host",
        "jetson_nano",
        "jetson_orin_nano",
        "longan_nano",
        "microbit",
        "mps2_an385",
        "mps3_an547",
        "nrf52840dk",
        "nucleo_f411re",
        "nucleo_f446re",
        "nucleo_f746zg",
        "nucleo_f767zi",
        "nucleo_g071rb",
        "nucleo_g0b1re",
        "nucleo_h743zi",
        "nucleo_h7a3zi",
        "nucleo_l476rg",
        "nucleo_l4r5zi",
        "nucleo_u575zi",
        "raspberry_pi_3",
        "raspberry_pi_4",
        "raspberry_pi_5",
        "raspberry_pi_os_armv7",
        "raspberry_pi_pico",
        "raspberry_pi_pico_2",
        "raspberry_pi_zero2w",
        "stm32f746",
        "teensy40",
        "teensy41",
    )


def test_facts_the_design_counts_on() -> None:
    board = load_board("stm32f746")
    assert board.name == "STM32F746G-DISCO"
    assert board.clock_hz == 216_000_000
    assert (board.region("ram").start, board.region("ram").size) == (0x20000000, 320 * 1024)
    assert (board.region("flash").start, board.region("flash").size) == (0x08000000, 1024 * 1024)
    with pytest.raises(BadBoard, match="no memory region 'itcm'"):
        board.region("itcm")


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("stm32f764", "did you mean 'stm32f746'"),
        ("STM32F746", "did you mean 'stm32f746'"),
        ("micro:bit", "did you mean 'microbit'"),
        ("longan", "did you mean 'longan_nano'"),
        ("f746", "did you mean 'nucleo_f746zg' or 'stm32f746'?"),
        ("nucleo_h", "did you mean 'nucleo_h743zi' or 'nucleo_h7a3zi'?"),
        ("nucleo", "'nucleo_h7a3zi' or 'nucleo_l476rg' or 'nucleo_l4r5zi' or 'nucleo_u575zi'"),
        ("cortex-m0", "a core, which these boards have: microbit"),
        ("cortex-m5", "did you mean 'cortex-m55'?"),
        ("Cortex-M4", "did you mean 'cortex-m4'?"),
        ("m0plus", "did you mean 'cortex-m0plus'?"),
        ("esp32s3", "did you mean 'esp32'?"),
        ("rp2040", "`edgebottle boards` lists boards, and cores for other chips"),
        ("rv32", "did you mean 'rv32imac'?"),
        ("raspberry_pi_2", "'raspberry_pi_3' or 'raspberry_pi_4' or 'raspberry_pi_5'"),
        (
            "zzz",
            "boards: arduino_nano_33_ble, arduino_portenta_h7, arduino_zero, arm64_linux, host",
        ),
        (
            "zzz",
            "cores: cortex-m0plus, cortex-m3, cortex-m33, cortex-m4, cortex-m55, cortex-m7,",
        ),
        ("../boards/microbit", "no board"),
    ],
)
def test_unknown_board_gets_a_hint(wrong: str, hint: str) -> None:
    with pytest.raises(BoardNotFound) as caught:
        load_board(wrong)
    assert hint in str(caught.value)


@pytest.mark.parametrize(("old", "new", "named"), MISTAKES)
def test_mistake_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    assert GOOD.count(old) >= 1
    (tmp_path / "mine.toml").write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(BadBoard) as caught:
        load_board("mine", tmp_path)
    assert "mine.toml" in str(caught.value)
    assert named in str(caught.value)


def test_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadBoard, match=r"mine\.toml"):
        load_board("mine", tmp_path)


@pytest.mark.parametrize("board", ON_CHIP, ids=lambda board: board.id)
def test_linker_script_has_the_regions(board: Board) -> None:
    import tomllib

    table = tomllib.loads((data_dir("boards") / f"{board.id}.toml").read_text(encoding="utf-8"))
    script = _platform_module("eb_linker").linker_script(board.id, table)
    for region in board.regions:
        assert f"ORIGIN = 0x{region.start:08x}, LENGTH = 0x{region.size:x}\n" in script
    assert f". += {board.stack_size};" in script
    assert script.count("{") == script.count("}")


def _platform_module(name: str) -> ModuleType:
    path = data_dir("firmware") / "platform" / "builder" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
