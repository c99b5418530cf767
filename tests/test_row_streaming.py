"""Row streaming on the real models: the RAM that PEERS.md asks for, with the very same bits out."""

import pytest

from edgebottle.boards import load_board
from edgebottle.errors import BadInput
from edgebottle.fit import Wish, fit
from edgebottle.pipeline import load
from edgebottle.plan.schedules import Schedule
from edgebottle.verify import Verification, verify_model
from tests.bench.figures import read
from tests.bench.rows import MODELS as BENCH
from tests.conftest import SHARED, long

KB = 1024
MODELS = SHARED / "models"
KWS = "mlperf-tiny/kws_ref_model.tflite"
VWW = "mlperf-tiny/vww_96_int8.tflite"
MCUNET_VWW = "mcunet/tinyengine_vww.tflite"
MCUNET_320 = "mcunet/mcunet-320kb-1mb_imagenet.tflite"


def run(file: str, board: str, wish: Wish, samples: int = 2) -> Verification:
    model = load(str(MODELS / file), io="int8")
    return verify_model(model, load_board(board), samples=samples, wish=wish)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "row_fed"),
    [
        ("kws", False),
        ("vww", True),
        *(long(name, False) for name in ("ic", "vww", "mcunet_vww")),
        long("mcunet_320kb", True),
    ],
)
def test_smallest_ram(name: str, row_fed: bool) -> None:
    result = run(BENCH[name][0], "stm32f746", Wish(schedule=Schedule.MIN_RAM, row_fed=row_fed))
    assert result.exact and result.match, str(result.difference)
    assert result.built.plan.row_fed == row_fed
    assert result.built.ram.arena == read().ram[name, "rows" if row_fed else "min-ram"]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "board", "wish"),
    [
        (VWW, "arduino_zero", Wish(row_fed=True)),
        (KWS, "microbit", Wish()),
        long(MCUNET_320, "nrf52840dk", Wish()),
    ],
)
def test_networks_on_boards_too_small_for_layers(file: str, board: str, wish: Wish) -> None:
    result = run(file, board, wish)
    assert result.match, str(result.difference)
    assert result.built.plan.schedule == Schedule.MIN_TIME


@pytest.mark.long
@pytest.mark.shared
def test_patches_take_more_than_rows_for_more_macs() -> None:
    """MCUNetV2's way on its own network: exact, and what row streaming has to be compared with."""
    rows, patches = (
        run(MCUNET_VWW, "stm32f746", Wish(schedule=schedule, ram=64 * KB), samples=1)
        for schedule in (Schedule.MIN_RAM, Schedule.PATCHES)
    )
    assert patches.match, str(patches.difference)
    assert patches.built.ram.bytes <= 64 * KB
    assert rows.built.ram.arena < patches.built.ram.arena
    assert rows.built.model.macs() < patches.built.model.macs()


def test_patches_and_rows_are_not_fed_together() -> None:
    with pytest.raises(BadInput, match="patches need the whole input"):
        fit(load("digits").graph, load_board("host"), Wish(schedule=Schedule.PATCHES, row_fed=True))


@pytest.mark.parametrize(
    "wish",
    [
        Wish(schedule=Schedule.MIN_RAM, row_fed=True),
        long(Wish()),
        long(Wish(schedule=Schedule.MIN_RAM)),
    ],
)
def test_the_small_network_on_microbit(wish: Wish) -> None:
    result = verify_model(load("digits"), load_board("microbit"), samples=4, wish=wish)
    assert result.match, str(result.difference)
