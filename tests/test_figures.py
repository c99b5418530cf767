"""The figures of README are those that are measured; ``python -m tests.bench --readme`` is how.

Counts of the virtual boards and plans are deterministic, so a change is one of the compiler, of the
kernels or of the C compiler. Better figures fail as well: a stale one would hide a later loss.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench.figures import (
    FILE,
    PLANNED,
    RUNS,
    SCHEDULES,
    Measured,
    Run,
    measure_run,
    plan_row,
    read,
    write,
)

MARGIN = 50
"""One part in so many, 2 %: how far another C compiler may be from the one that was used."""

UPDATE = f"find out why; if it is meant, `python -m tests.bench --readme` writes {FILE.name} anew"


def complaint(found: Measured, pinned: Measured, *, same_compiler: bool) -> str | None:
    """What is wrong with ``found``, and what to do; None if nothing is.

    Args:
        found: Measured now.
        pinned: In the file.
        same_compiler: Both are of the same compiler: they are the same, figure by figure.
    """
    change = f"{found.instructions / pinned.instructions - 1:+.2%} instructions"
    if not same_compiler:
        is_near = abs(found.instructions - pinned.instructions) * MARGIN <= pinned.instructions
        return None if is_near else f"{change}: {UPDATE}"
    if found == pinned:
        return None
    return f"{found} instead of {pinned} ({change}): {UPDATE}"


PINNED = Measured(1_000, 2_000, 300)


@pytest.mark.parametrize(
    ("found", "same_compiler", "message"),
    [
        (PINNED, True, None),
        (replace(PINNED, instructions=1_001), True, r"+0.10% instructions"),
        (replace(PINNED, instructions=999), True, r"-0.10% instructions"),
        (replace(PINNED, cycles=2_001), True, "cycles=2001"),
        (replace(PINNED, code=299), True, "code=299"),
        (replace(PINNED, instructions=1_020, cycles=1, code=1), False, None),
        (replace(PINNED, instructions=980), False, None),
        (replace(PINNED, instructions=1_021), False, "+2.10% instructions"),
        (replace(PINNED, instructions=979), False, "-2.10% instructions"),
    ],
)
def test_what_is_complained_about(
    found: Measured, same_compiler: bool, message: str | None
) -> None:
    said = complaint(found, PINNED, same_compiler=same_compiler)
    assert (said is None) == (message is None)
    assert said is None or (message is not None and message in said and "--readme" in said)


def test_the_file_is_whole_and_written_as_it_is_read(tmp_path: Path) -> None:
    figures = read()
    assert set(figures.measured) == set(RUNS)
    assert set(figures.ram) == {(model, name) for model in PLANNED for name in SCHEDULES}
    write(figures, tmp_path / "figures.toml")
    assert (tmp_path / "figures.toml").read_text() == FILE.read_text()


QUICK = {
    ("nucleo_l4r5zi", "auto", "vww"),
    ("stm32f746", "min-ram", "ic"),
    ("nucleo_g0b1re", "auto", "kws"),
    ("longan_nano", "auto", "kws"),
}
"""Of each board, and of each kind of kernel."""


ROWS = [
    pytest.param(run, id="-".join(run), marks=() if run in QUICK else pytest.mark.long)
    for run in RUNS
]


@pytest.mark.shared
@pytest.mark.parametrize("run", ROWS)
def test_a_run(run: Run) -> None:
    figures = read()
    found, compiler = measure_run(run)
    said = complaint(found, figures.measured[run], same_compiler=compiler == figures.compiler)
    assert said is None, said


@pytest.mark.shared
@pytest.mark.parametrize("model", PLANNED)
def test_ram(model: str) -> None:
    figures = read()
    for schedule in SCHEDULES:
        row = plan_row(model, schedule)
        assert row.ram == figures.ram[model, schedule], row.reason or UPDATE
