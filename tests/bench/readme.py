"""README's tables of figures, made from ``figures.toml`` and from what is known of other engines.

A table stands between ``<!-- figures:NAME -->`` and ``<!-- /figures:NAME -->``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from edgebottle.boards import load_board
from edgebottle.report.published import published_results
from tests.bench.figures import M0, M4, M7, PLANNED, RISCV, Figures
from tests.bench.peers import PEERS
from tests.bench.rows import ROOT

README = ROOT / "README.md"

NAMES = {
    "ad": "MLPerf Tiny AD",
    "kws": "MLPerf Tiny KWS, DS-CNN",
    "ic": "MLPerf Tiny IC, ResNet8",
    "vww": "MLPerf Tiny VWW, MobileNetV1 96x96x3",
    "mcunet_vww": "mcunet VWW 80x80x3 (`--io int8`)",
    "mcunet_320kb": "mcunet-320kb 176x176x3",
    "person_detect": "person_detect 96x96x1",
}


def insert(text: str, name: str, table: str) -> str:
    """``text`` with the region ``name`` written anew; raises ``ValueError`` without one."""
    pattern = re.compile(rf"(<!-- {name} -->\n)(.*?)(<!-- /{name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"README.md has no table '{name}'")
    return pattern.sub(lambda match: f"{match[1]}{table}\n{match[3]}", text)


def regions(figures: Figures) -> dict[str, str]:
    """The tables of figures, by the names of their regions."""
    return {
        "figures:instructions": _instructions(figures),
        "figures:cycles": _cycles(figures),
        "figures:ram": _ram(figures),
        "figures:streaming": _streaming(figures),
        "figures:cores": _cores(figures),
    }


def write_readme(figures: Figures) -> None:
    """Writes all regions of figures anew."""
    text = README.read_text(encoding="utf-8")
    for name, table in regions(figures).items():
        text = insert(text, name, table)
    README.write_text(text, encoding="utf-8")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column has names and whose others have figures."""
    lines = [f"| {' | '.join(line)} |" for line in (head, *rows)]
    return "\n".join([lines[0], f"|---|{'--:|' * (len(head) - 1)}", *lines[1:]])


def _millions(value: float) -> str:
    """Four digits, such as ``24.72M``, as far as there are such."""
    return f"{float(f'{value / 1e6:.4g}'):g}M"


def _peer(engine: str, metric: str, model: str, board: str = "") -> int | None:
    wanted = (engine, metric, model, board)
    found = (p.value for p in PEERS if (p.engine, p.metric, p.model, p.board) == wanted)
    return next(found, None)


def _instructions(figures: Figures) -> str:
    rows = []
    for (board, schedule, model), ours in figures.measured.items():
        if (board, schedule) != (M4, "auto"):
            continue
        peers = [
            _peer(engine, "instructions", model, M4)
            for engine in ("TFLM, reference kernels", "TFLM + CMSIS-NN 7")
        ]
        theirs = ["-" if value is None else _millions(value) for value in peers]
        rows.append([NAMES[model], *theirs, f"{ours.instructions:,}", f"{ours.code:,}"])
    return _table(["network", "TFLM", "TFLM + CMSIS-NN 7", "edgebottle", "code"], rows)


def _cycles(figures: Figures) -> str:
    rows = []
    for model in ("ad", "kws", "ic", "vww"):
        cells = [NAMES[model]]
        for board in (M4, M7):
            mcu = load_board(board).mcu
            best = min(
                result.cycles
                for result in published_results()
                if result.network == model and mcu.startswith(result.chip)
            )
            ours = figures.measured[board, "auto", model].cycles
            cells += ["-" if ours is None else f"{ours / 1e6:#.3g}M", _millions(best)]
        rows.append(cells)
    head = ["network", "STM32L4R5, ours", "best published", "STM32F746, ours", "best published"]
    return _table(head, rows)


def _ram(figures: Figures) -> str:
    rows = []
    for model in PLANNED:
        layers, least, fed = (figures.ram[model, name] for name in ("layers", "min-ram", "rows"))
        values = (_peer("TFLM arena", "ram", model), layers, least, fed)
        rows.append([NAMES[model], *("-" if value is None else f"{value:,}" for value in values)])
    columns = ["one layer at a time", "`--schedule min-ram`", "`--input rows` as well"]
    return _table(["network", "TFLM arena", *columns], rows)


def _streaming(figures: Figures) -> str:
    """What streaming costs, at most, where a board has room for either."""
    costs = [
        ours.instructions / figures.measured[board, "auto", model].instructions - 1
        for (board, schedule, model), ours in figures.measured.items()
        if schedule == "min-ram"
    ]
    return (
        "Row streaming computes nothing twice; on the MLPerf Tiny networks it costs "
        f"{max(costs) * 100:.1f} % more instructions at most."
    )


def _cores(figures: Figures) -> str:
    rows = [
        [
            NAMES[model],
            *(f"{figures.measured[board, 'auto', model].instructions:,}" for board in (M0, RISCV)),
        ]
        for model in ("kws", "ic")
    ]
    return _table(["network, instructions", "Cortex-M0+", "RV32IMAC"], rows)
