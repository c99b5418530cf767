"""Instruction counts stay where they are pinned; ``UPDATE_PINS=1`` writes the pins anew.

Counts of the virtual boards are deterministic, so a change is one of the compiler, of the kernels
or of the C compiler. Fewer instructions fail as well: a pin too high would hide a later loss.
"""

import os
import tomllib
from pathlib import Path

import pytest

from edgebottle.build.cache import cache_dir, locked
from tests.bench.rows import measure_row

PINS = Path(__file__).parent / "golden" / "instructions.toml"
UPDATE = bool(os.environ.get("UPDATE_PINS"))
"""UPDATE_PINS=1 writes the pins anew; read the difference before it is committed."""

MARGIN = 50
"""One part in so many: 2 %."""

TOOLCHAIN = "zig"
SCHEDULE = "auto"

PINNED = [
    *(("nucleo_l4r5zi", model) for model in ("ad", "kws", "ic", "vww", "mcunet_vww")),
    ("stm32f746", "kws"),
    ("nucleo_g0b1re", "kws"),
    ("longan_nano", "kws"),
]


def read_pins() -> dict[str, dict[str, int]]:
    return tomllib.loads(PINS.read_text()) if PINS.is_file() else {}


def write_pin(board: str, model: str, count: int) -> None:
    with locked(cache_dir() / "pins.lock"):  # tests run side by side
        pins = read_pins()
        pins.setdefault(board, {})[model] = count
        lines = [f"# Instructions of one inference, {TOOLCHAIN}, schedule {SCHEDULE}."]
        for name in dict.fromkeys(board for board, _ in PINNED):
            lines += ["", f"[{name}]"]
            lines += [
                f"{key} = {pins[name][key]:_}"
                for where, key in PINNED
                if where == name and key in pins.get(name, {})
            ]
        PINS.write_text("\n".join(lines) + "\n")


def complaint(where: str, count: int, pin: int | None) -> str | None:
    """What is wrong with ``count``, and what to do; None if it lies within the margin."""
    update = f"`UPDATE_PINS=1 pytest tests/{Path(__file__).name}` writes it to {PINS.name}"
    if pin is None:
        return f"{where}: {count:,} instructions, not pinned yet: {update}"
    if abs(count - pin) * MARGIN <= pin:
        return None
    change = count / pin - 1
    advice = "find out why; if it is meant" if change > 0 else "well done, pin it"
    return (
        f"{where}: {count:,} instructions, {change:+.1%} to the pinned {pin:,}: {advice}: {update}"
    )


@pytest.mark.parametrize(
    ("count", "pin", "wanted"),
    [
        (1_000, 1_000, None),
        (1_020, 1_000, None),
        (980, 1_000, None),
        (1_021, 1_000, "+2.1% to the pinned 1,000: find out why"),
        (979, 1_000, "-2.1% to the pinned 1,000: well done"),
        (1_000, None, "not pinned yet"),
    ],
)
def test_both_ends_of_the_margin(count: int, pin: int | None, wanted: str | None) -> None:
    found = complaint("kws on stm32f746", count, pin)
    if wanted is None:
        assert found is None
    else:
        assert found is not None and wanted in found and "UPDATE_PINS=1 pytest" in found


@pytest.mark.skipif(UPDATE, reason="the pins are being written")
def test_every_pin_is_held() -> None:
    assert {(board, model) for board, pins in read_pins().items() for model in pins} == set(PINNED)


@pytest.mark.shared
@pytest.mark.parametrize(("board", "model"), PINNED)
def test_instructions(board: str, model: str) -> None:
    row, _ = measure_row(model, SCHEDULE, board, TOOLCHAIN, plan_only=False)
    assert row.instructions is not None, row.reason
    if UPDATE:
        write_pin(board, model, row.instructions)
    pin = read_pins().get(board, {}).get(model)
    found = complaint(f"{model} on {board}", row.instructions, pin)
    assert found is None, found
