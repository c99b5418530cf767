"""``edgebottle fit``: whether a model fits, and what is said where it does not."""

from pathlib import Path

import pytest

from tests.cli.command_line import edgebottle


@pytest.mark.parametrize(
    ("options", "schedule", "arena"),
    [
        ("--ram 64k --flash 256k", "layers", 3968),
        ("--ram 2.5k", "min-time", 2560),
        ("--board microbit", "layers", 3768),
        ("--board host --ram 3584", "layers", 3584),
    ],
)
def test_what_fits(tmp_path: Path, options: str, schedule: str, arena: int) -> None:
    found = edgebottle("fit", "digits", *options.split(), "--json", cwd=tmp_path).json()
    assert found["fits"] and not found["compiled"]
    assert (found["schedule"], found["ram"]["arena"]) == (schedule, arena)
    assert found["ram"]["least"] <= found["ram"]["most"] <= (found["ram"]["allowed"] or arena)
    table = edgebottle("fit", "digits", *options.split(), cwd=tmp_path)
    assert table.code == 0 and table.out.startswith("digits fits ") and f"{arena:,}" in table.out


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ("--ram 1k", 1, "of RAM (its arena), the budget allows 1.0 kB"),
        ("--flash 20k", 1, "the budget allows 20.0 kB"),
        ("--flash 36k", 1, "digits may not fit: it needs "),
        (
            "--ram 3k --schedule layers",
            1,
            "`--schedule min-ram` brings the arena to 2.4 kB, which fits; microbit has room for it",
        ),
        ("", 2, "Give a budget with --ram and --flash, or a board with --board ID."),
    ],
)
def test_what_does_not_fit(tmp_path: Path, options: str, code: int, message: str) -> None:
    done = edgebottle("fit", "digits", *options.split(), cwd=tmp_path)
    assert done.code == code and message in done.err and not done.out


def test_what_only_a_compiler_can_tell_is_compiled(tmp_path: Path) -> None:
    words = ("fit", "digits", "--board", "nucleo_l4r5zi", "--json", "--flash")
    most = edgebottle(*words, "64k", cwd=tmp_path).json()["flash"]["most"]
    found = edgebottle(*words, str(most - 1), cwd=tmp_path).json()
    flash = found["flash"]
    assert found["compiled"] and flash["least"] == flash["most"] < most
    done = edgebottle(*words, str(flash["most"] - 1), cwd=tmp_path)
    assert done.code == 1 and f"the budget allows {flash['most'] - 1:,}: 1 too much" in done.err
