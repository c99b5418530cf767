"""A profile as tables, as a page and as JSON."""

import io
import json
import re

import pytest
from rich.console import Console

from edgebottle.boards import all_boards
from edgebottle.loops import ExecutedLoop
from edgebottle.report.html import render
from edgebottle.report.profile import LayerProfile, Profile, mac_limit, profile_tables
from edgebottle.report.profile_page import profile_page
from tests.report.make_record import LAYERS, make_record
from tests.report.test_html import HOSTILE, Checker

DSP_CORES = ("cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55")
LOOPS = (
    (ExecutedLoop("eb_tile", 0x100, 0x120, 40, 4000), ExecutedLoop("rows", 0x200, 0x220, 4, 60)),
    (ExecutedLoop("eb_depthwise", 0x300, 0x310, 100, 3900),),
    (ExecutedLoop("eb_exp", 0x400, 0x420, 10, 300, is_loop=False),),
)


def profile(name: str = "net", limit: int = 2) -> Profile:
    layers = tuple(LayerProfile(*pair) for pair in zip(LAYERS, LOOPS, strict=True))
    return Profile(name, "nucleo_l4r5zi", "zig 1", "layers", limit, 1500, 9310, layers)


def printed(shown: Profile, loops: int = 10) -> list[str]:
    console = Console(file=io.StringIO(), width=140)
    for part in profile_tables(shown, loops):
        console.print(part, soft_wrap=isinstance(part, str))
    return console.file.getvalue().splitlines()


def line_of(lines: list[str], *words: str) -> list[str]:
    (line,) = [line for line in lines if all(word in line for word in words)]
    return line.split()


@pytest.mark.parametrize("board", all_boards(), ids=lambda board: board.id)
def test_the_limit_is_two_where_smlad_exists(board) -> None:
    assert mac_limit(board) == (2 if board.cpu in DSP_CORES else 1)


def test_layers_stand_under_the_limit() -> None:
    lines = printed(profile())
    cells = line_of(lines, "conv", "CONV_2D", "53.7%")
    assert cells[:6] == ["conv", "CONV_2D", "1,000", "5,000", "53.7%", "0.20"]
    assert cells[7] == "10%" and len(cells[6]) == 20
    assert line_of(lines, "SOFTMAX") == ["softmax", "SOFTMAX", "0", "300", "3.2%", "-"]
    assert line_of(printed(profile(limit=1)), "CONV_2D", "53.7%")[7] == "20%"
    assert "9,310 instructions (exact), 10 of them between layers; 0.16 MACs" in lines[-1]
    assert "750 cycles for the multiplications alone" in lines[-1]


def test_the_hottest_loops_come_first() -> None:
    lines = [line for line in printed(profile(), loops=2) if "0x" in line]
    assert [line.split()[2] for line in lines] == ["eb_tile", "eb_depthwise"]
    assert line_of(printed(profile()), "eb_exp")[:3] == ["softmax", "function", "eb_exp"]
    assert lines[0].split()[3:] == ["0x100-0x120", "40", "100.0", "80.0%", "43.0%"]


def test_the_page_says_the_same() -> None:
    page = Checker(profile_page(profile()))
    for words in ("The core does at most 2 per", "0x100 to 0x120", "100.0", "80.0%", "43.0%"):
        assert words in page.text
    assert page.tags.count("table") == 3
    assert rates(profile_page(profile())) == ["0.20", "10%", "53.8%"]


def rates(page: str) -> list[str]:
    """The figures of the first layer that has a bar under the limit of the core."""
    (found,) = re.findall(r'class="bars tracks">.*?<tbody>\n(.*?)</tr>', page, re.DOTALL)
    return re.findall(r"<span>([^<]*)</span></td>", found)


def test_hostile_names_are_text() -> None:
    text = profile_page(profile(HOSTILE))
    assert "<script" not in text and "\x1b" not in text
    assert "\x1b" not in "\n".join(printed(profile(HOSTILE)))


def test_json_has_shares_and_rates() -> None:
    data = json.loads(json.dumps(profile().to_json()))
    assert data["mac_limit"] == 2 and data["instructions"] == 9310
    conv, depthwise, softmax = data["layers"]
    assert conv["macs_per_instruction"] == 0.2 and softmax["macs_per_instruction"] is None
    assert conv["loops"][0]["share"] == 0.8
    assert depthwise["loops"][0]["instructions_per_iteration"] == 39


def test_a_record_shows_the_same_figures() -> None:
    assert rates(render([make_record()])) == rates(profile_page(profile()))
    assert "MACs per instruction" not in Checker(render([make_record(board="unknown")])).text
