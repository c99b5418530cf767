"""The README's tables are made from the code; UPDATE_README=1 writes them anew."""

import os
import re

import pytest

from edgebottle.boards import all_boards
from edgebottle.ops import OPERATORS
from edgebottle.plan.schedules import SCHEDULES
from tests.bench.figures import read
from tests.bench.readme import README, insert, regions


def boards() -> str:
    rows = ["| id | board | core | clock | RAM | flash |", "|---|---|---|---|---|---|"]
    for board in all_boards():
        core = board.cpu + (", DSP" if board.processor.dsp else "") + (", FPU" if board.fpu else "")
        if board.is_linux:
            hertz = f"{board.cores} x {board.clock_hz / 1e6:g} MHz"
            clock = "-" if board.processor.kinds else hertz
            rows.append(f"| `{board.id}` | {board.name}, Linux | {board.cpu} | {clock} | - | - |")
            continue
        if board.is_host:
            rows.append(f"| `{board.id}` | {board.name} | - | - | - | - |")
            continue
        ram, flash = (board.region(name).size // 1024 for name in ("ram", "flash"))
        clock = f"{board.clock_hz / 1e6:g} MHz"
        rows.append(f"| `{board.id}` | {board.name} | {core} | {clock} | {ram} kB | {flash} kB |")
    return "\n".join(rows)


def operators() -> str:
    return ", ".join(sorted(f"`{operator.OP}`" for operator in OPERATORS)) + "."


def schedules() -> str:
    """What ``--help`` says as well."""
    default, *others = SCHEDULES.items()
    lines = [f"* `--schedule {default[0]}` (the default): {default[1]}."]
    return "\n".join([*lines, *(f"* `{name}`: {what}." for name, what in others)])


TABLES = {
    "boards": boards(),
    "operators": operators(),
    "schedules": schedules(),
    **regions(read()),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_made_from_code_and_data(name: str) -> None:
    """Figures come from a file that ``tests/test_figures.py`` holds."""
    expected = insert(README.read_text(encoding="utf-8"), name, TABLES[name])
    if os.environ.get("UPDATE_README"):
        README.write_text(expected, encoding="utf-8")
    assert README.read_text(encoding="utf-8") == expected


def test_files_that_contributing_names_exist() -> None:
    """Walking through an example helps nobody once its files have moved."""
    root = README.parent
    text = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = re.findall(r"`((?:edgebottle|firmware|tests|hil|boards)/[\w/.]*)`", text)
    assert len(paths) > 10
    assert [path for path in paths if not (root / path).exists()] == []


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("eb_conv_2d_s8_packed_row", "firmware/lib/edgebottle/kernels/dsp/eb_conv_2d_s8_packed.h"),
        ("def pack_lanes", "edgebottle/ops/packing.py"),
        ("def unpack_lanes", "edgebottle/ops/packing.py"),
        ("class PackedRows", "edgebottle/ops/conv_2d_kernels.py"),
        ("KERNELS", "edgebottle/ops/conv_2d_kernels.py"),
    ],
)
def test_what_the_example_of_contributing_names_is_there(name: str, file: str) -> None:
    root = README.parent
    assert name.split()[-1] in (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert name in (root / file).read_text(encoding="utf-8")
