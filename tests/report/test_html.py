"""The HTML report: whole, self-contained, readable, and safe with hostile names."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from edgebottle.errors import BadInput
from edgebottle.report.html import render, write_html
from edgebottle.report.style import FILLS
from hil.records import LayerRecord, MemoryBlock, Ram, Record
from tests.report.make_record import LAYERS, MEMORY, make_record

VOID = {"meta", "link", "br", "img", "hr", "input"}
HOSTILE = "</title><script>alert(1)</script>\"'&\x00\x1b[31m\ud800 ü"


class Checker(HTMLParser):
    """Every element is closed in order; collects what the page says and loads."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile_record() -> Record:
    return make_record(
        model=HOSTILE,
        board=HOSTILE,
        compiler=HOSTILE,
        flags=HOSTILE,
        time=HOSTILE,
        latency_kind=HOSTILE,
        cycles=7,
        cycles_kind=HOSTILE,
        layers=tuple(LayerRecord(HOSTILE, HOSTILE, 10, 10, 20, 10) for _ in range(3)),
        memory=(MemoryBlock(HOSTILE, 0, 100, -1, 3),),
    )


def modelled_record() -> Record:
    layers = tuple(replace(layer, cycles=10_800 * (n + 1)) for n, layer in enumerate(LAYERS))
    return make_record(cycles=64_800, cycles_kind="modelled", clock_hz=216_000_000, layers=layers)


CASES: dict[str, list[Record]] = {
    "one": [make_record()],
    "many": [make_record(instructions=9300 + n) for n in range(4)],
    "boards": [make_record(), make_record(board="microbit", virtual=False)],
    "float": [make_record(exact=False)],
    "mismatch": [make_record(match=False)],
    "no labels": [make_record(correct=None)],
    "no samples": [make_record(samples=0, correct=0)],
    "real": [make_record(instructions=None, layers=(LayerRecord("a", "b", 1, None, 5, 1),))],
    "host": [make_record(instructions=None, layers=(LayerRecord("a", "b", 1, None, None, 1),))] * 2,
    "modelled": [modelled_record()],
    "empty": [make_record(layers=(), memory=(), ram=Ram(0, 0, 0), macs=0, instructions=0)],
    "beyond": [make_record(memory=(MemoryBlock("x", 5000, 100, 1, 9),))],
    "long": [
        make_record(
            layers=LAYERS * 60, memory=tuple(MemoryBlock(f"t{i}", 0, 9, i, i) for i in range(180))
        )
    ],
    "old": [make_record(network=None)],
    "hostile": [hostile_record(), hostile_record()],
}


@pytest.mark.parametrize("records", CASES.values(), ids=CASES)
def test_the_page_is_whole_and_loads_nothing(records: list[Record]) -> None:
    text = render(records)
    page = Checker(text)
    assert not {"script", "link", "iframe", "img", "object"} & set(page.tags)
    assert not re.search(r"https?://|url\(|@import|javascript:", text)
    assert not [a for a in page.attributes if a[1] in ("src", "href") or a[1].startswith("on")]
    assert (
        page.tags.count("h1")
        == page.tags.count("main")
        == page.tags.count("title") - (len(re.findall(r"<title>", text)) - 1)
    )
    assert "nan" not in text and not re.search(r'(?:x|y|width|height)[12]?="-?(?:inf|nan)', text)
    for tag, name, value in page.attributes:
        if tag == "rect" and name in ("width", "height"):
            assert float(value) >= 0


def test_pictures_have_a_word_for_those_who_cannot_see_them() -> None:
    page = Checker(render([make_record(), make_record()]))
    roles = [a for a in page.attributes if a[1:] == ("role", "img")]
    labels = [value for _, name, value in page.attributes if name == "aria-label"]
    assert len(labels) == len(roles) > 6
    assert any("the peak is at depthwise" in label for label in labels)
    assert page.tags.count("caption") == page.tags.count("table")
    assert ("html", "lang", "en") in page.attributes
    assert ("th", "scope", "col") in page.attributes and ("th", "scope", "row") in page.attributes


@pytest.mark.parametrize("records", CASES.values(), ids=CASES)
def test_a_colour_means_what_its_legend_says(records: list[Record]) -> None:
    """Each section has a legend for the colours in its pictures, and for no others."""
    for section in re.findall(r"<section>.*?</section>", render(records), re.DOTALL):
        legends = re.findall(r'<ul class="legend">.*?</ul>|<ul><li><i class=.*?</ul>', section)
        explained = set(re.findall(r'<i class="([\w-]+)"></i>', "".join(legends)))
        for text in legends:
            section = section.replace(text, "")
        classes = " ".join(re.findall(r'<(?:i|li|div) class="([^"]*)"', section)).split()
        shown = {css for css in classes if css in {*FILLS, "band", "stage", "view"}}
        nothing = {css for css in explained if css.endswith("-part")}  # a part of no bytes
        assert shown <= explained <= shown | nothing


def test_words_are_never_drawn_into_a_picture() -> None:
    """The browser cuts HTML at the end of its box, in any font; SVG text it would not."""
    assert not [text for records in CASES.values() if "<text" in (text := render(records))]


def test_latency_stands_first() -> None:
    cards = re.findall(r'<li class="\w*"><span>(\w+)</span><b>', render([make_record()]))
    assert cards[0] == "latency" and len(cards) == len(set(cards)) == 7


def test_the_newest_stands_first() -> None:
    times = [f"2026-03-0{day}T00:00:00+00:00" for day in (1, 2, 3)]
    text = render([make_record(time=time) for time in times])
    days = re.findall(r"2026-03-0(\d) 00:00:00</span></td>", text)
    folded = re.findall(r"<summary>[^<]*<small>2026-03-0(\d)", text)
    assert days == ["3", "2", "1"] and folded == ["2", "1"]


def test_layers_are_shown_once_for_each_network() -> None:
    text = render([make_record(), make_record(board="microbit"), make_record(network=None)])
    assert text.count('<ol class="network"') == text.count('<table class="shapes"') == 1


def test_a_layer_says_what_it_is() -> None:
    (table,) = re.findall(r'<table class="shapes">.*?</table>', render([make_record()]), re.DOTALL)
    rows = [re.findall(r">([^<>]+)<", row) for row in table.split("<tr>")[2:]]
    assert rows[0] == [
        *("1", "conv", "CONV_2D", "1x4x4x4", "int8, 0.25, 3"),
        *("8x3x3x1 int8 ", "8 scales", "96", "eb_conv"),
    ]
    assert rows[2] == ["flatten", "RESHAPE", "1x64", "int8, 0.125, 0", "-", "-", "none: a view"]
    assert rows[3][:4] == ["3", "softmax", "SOFTMAX", "1x10"]


def test_hostile_names_are_text() -> None:
    text = render([hostile_record()])
    assert "<script" not in text and "\x00" not in text and "\x1b" not in text
    assert "alert(1)" in Checker(text).text
    text.encode()


def test_the_words_are_used_as_defined() -> None:
    text = Checker(render([make_record()])).text
    assert "exact, one run" in text and "modelled; 0.100 to 0.103 ms" in text
    assert "bit for bit the NumPy reference" in text
    assert "bit for bit" not in Checker(render([make_record(exact=False)])).text
    assert "within the tolerance" in Checker(render([make_record(exact=False)])).text


def test_cycles_stand_beside_instructions(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgebottle.report.terminal import record_tables, show

    monkeypatch.setenv("COLUMNS", "120")
    page = Checker(render([modelled_record()])).text
    assert "64,800" in page and "modelled, one run, 43.20 per MAC" in page
    assert "Cycles of one run, modelled." in page
    show(*record_tables(modelled_record()))
    out = " ".join(capsys.readouterr().out.split())
    assert "layer operator MACs instructions cycles ms share per MAC output bytes" in out
    assert "depthwise DEPTHWISE_CONV_2D 500 4,000 21,600 0.100 33.3% 43.20 64" in out


def test_cycles_by_layer_alone_are_what_the_clock_is() -> None:
    layers = tuple(replace(layer, instructions=None, cycles=9) for layer in LAYERS)
    record = make_record(instructions=None, layers=layers, latency_kind="modelled")
    assert "Cycles of one run, modelled." in Checker(render([record])).text


def test_light_and_dark_define_the_same_colours() -> None:
    from edgebottle.report.style import STYLE

    light, dark = STYLE.split("@media screen and (prefers-color-scheme: dark)")
    light = light.split("}", 1)[0]
    sizes = {"--fill", "--row", "--rows", "--gutter"}
    used = set(re.findall(r"var\((--\w+)\)", STYLE)) - sizes
    for style in (light, dark.split("}", 1)[0]):
        assert used <= set(re.findall(r"(--\w+):", style))


def test_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "report.html"
    write_html([make_record()], path)
    assert path.read_text(encoding="utf-8").endswith("</html>\n")
    assert [item.name for item in path.parent.iterdir()] == ["report.html"]
    (tmp_path / "file").touch()
    for bad in (tmp_path / "file" / "x.html", tmp_path / "deep"):
        with pytest.raises(BadInput, match="cannot write"):
            write_html([make_record()], bad)
    assert [item.name for item in tmp_path.iterdir() if item.name.startswith(".")] == []


def test_hostile_names_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    from edgebottle.report.memory import ArenaView
    from edgebottle.report.terminal import comparison_table, memory_chart, record_tables, show

    name = "[bold red]x[/] [link=evil]\x1b[2J\x07\r"
    layers = tuple(LayerRecord(name, name, 1, 1, None, 1) for _ in LAYERS)
    record = make_record(model=name, board=name, layers=layers, cycles=1, cycles_kind=name)
    chart = memory_chart(ArenaView.of(MEMORY, [layer.name for layer in layers], 144))
    show(comparison_table([record]), *record_tables(record), chart)
    out = capsys.readouterr().out
    assert "\x1b" not in out and "\x07" not in out and "\r" not in out
    assert "[link=evil]" in out.replace("\n", "")
