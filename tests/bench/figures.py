"""The figures that README shows and tests pin, as a file: ``tests/golden/figures.toml``.

Counts of the virtual boards and bytes of RAM are deterministic: what is in the file is what is
measured, to the last instruction and byte.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.bench.rows import ROOT, Row, measure_row

FILE = ROOT / "tests" / "golden" / "figures.toml"
TOOLCHAIN = "zig"

M4, M7, M0, RISCV = "nucleo_l4r5zi", "stm32f746", "nucleo_g0b1re", "longan_nano"

Run = tuple[str, str, str]
"""Board, schedule and model."""

RUNS: tuple[Run, ...] = (
    *((M4, "auto", model) for model in ("ad", "kws", "ic", "vww", "mcunet_vww")),
    *((M7, "auto", model) for model in ("ad", "kws", "ic", "vww")),
    *((M7, "min-ram", model) for model in ("kws", "ic", "vww")),
    *((board, "auto", model) for board in (M0, RISCV) for model in ("kws", "ic")),
)
"""What is built and run."""

PLANNED = ("ic", "kws", "vww", "ad", "person_detect", "mcunet_vww", "mcunet_320kb")
SCHEDULES = ("layers", "min-ram", "rows")
"""What is planned, each model under each schedule."""


@dataclass(frozen=True)
class Measured:
    """One inference on a virtual board.

    Attributes:
        instructions: Exact.
        cycles: Modelled; None where there is no model of the core.
        code: Bytes of flash beside the weights.
    """

    instructions: int
    cycles: int | None
    code: int


@dataclass(frozen=True)
class Figures:
    """All of them.

    Attributes:
        compiler: That built what was measured: name and version.
        measured: By run.
        ram: Bytes of the arena, by model and schedule; None where the input cannot be fed by rows.
    """

    compiler: str
    measured: Mapping[Run, Measured]
    ram: Mapping[tuple[str, str], int | None]


def read(path: Path = FILE) -> Figures:
    """Reads what ``write`` wrote."""
    data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    measured = {
        (board, schedule, model): Measured(
            figures["instructions"], figures.get("cycles"), figures["code"]
        )
        for board, schedules in data["measured"].items()
        for schedule, models in schedules.items()
        for model, figures in models.items()
    }
    ram = {
        (model, schedule): data["ram"][model].get(schedule)
        for model in data["ram"]
        for schedule in SCHEDULES
    }
    return Figures(data["compiler"], measured, ram)


def write(figures: Figures, path: Path = FILE) -> None:
    """Writes the file; its order is that of ``RUNS`` and ``PLANNED``."""
    lines = [
        "# Figures of README, kept exact by tests/test_figures.py.",
        "# Made by `python -m tests.bench --readme`: do not edit.",
        f'compiler = "{figures.compiler}"',
    ]
    for board, schedule in dict.fromkeys(run[:2] for run in RUNS):
        lines += ["", f"[measured.{board}.{schedule}]"]
        for run in RUNS:
            if run[:2] == (board, schedule):
                lines.append(f"{run[2]} = {_inline(vars(figures.measured[run]))}")
    lines += ["", "[ram]"]
    for model in PLANNED:
        values = {schedule: figures.ram[model, schedule] for schedule in SCHEDULES}
        lines.append(f"{model} = {_inline(values)}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _inline(values: Mapping[str, int | None]) -> str:
    found = (f"{name} = {value:_}" for name, value in values.items() if value is not None)
    return f"{{ {', '.join(found)} }}"


def measure_run(run: Run) -> tuple[Measured, str]:
    """Builds and runs one; with the compiler. Raises ``RuntimeError`` with the reason if not."""
    board, schedule, model = run
    row, record = measure_row(model, schedule, board, TOOLCHAIN, plan_only=False)
    if record is None or row.instructions is None or row.code is None:
        raise RuntimeError(f"{model} on {board}: {row.reason}")
    return Measured(row.instructions, row.cycles, row.code), record.compiler


def plan_row(model: str, schedule: str) -> Row:
    """Plans one for a Cortex-M with DSP instructions."""
    row, _ = measure_row(model, schedule, M4, TOOLCHAIN, plan_only=True)
    return row


def measure_all() -> Figures:
    """Measures everything anew, in a few minutes; says what it does."""
    figures = Figures("", {}, {})
    measured, ram = {}, {}
    for run in RUNS:
        print(*run, flush=True)
        measured[run], compiler = measure_run(run)
        figures = replace(figures, compiler=compiler)
    for model in PLANNED:
        print("RAM", model, flush=True)
        for schedule in SCHEDULES:
            ram[model, schedule] = plan_row(model, schedule).ram
    return replace(figures, measured=measured, ram=ram)
