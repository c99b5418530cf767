"""What kernels take, by a table that is fitted on measured layers; one for each board."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgebottle.boards import Board, all_boards
from edgebottle.errors import BadInput, ToolMissing
from edgebottle.fit import Verdict
from edgebottle.ir.graph import Array
from edgebottle.search.features import (
    FEATURES,
    STEP_FEATURES,
    LayerFeatures,
    layer_features,
    step_features,
)
from edgebottle.search.margins import margin
from edgebottle.search.tables import USUAL, table_text

LEAST_SHARE = 0.02
"""Of the time of a network: layers of less are as precise as need be if they err by as much as one
of this share would."""

LEAST_LAYERS = 20
"""Layers that a kind needs for coefficients of its own: with 30 and with 12, 19 of 20 networks that
no table was made of took up to 11 % more cycles than modelled, and with 20 up to 10 %."""

MEASURED = "nucleo_l4r5zi"
"""The board whose table comes with edgebottle."""

STEPS = "steps"
"""The kind of what runs between the layers."""


@dataclass(frozen=True)
class MeasuredLayer:
    """A layer that a board has run.

    Attributes:
        features: Of it.
        counts: Instructions and cycles.
    """

    features: LayerFeatures
    counts: tuple[int, int]


@dataclass(frozen=True)
class MeasuredSteps:
    """What a board has run between the layers of a network.

    Attributes:
        values: In the order of ``STEP_FEATURES``.
        counts: Instructions and cycles.
    """

    values: Array
    counts: tuple[int, int]


@dataclass(frozen=True)
class MeasuredRun:
    """A network that a board has run.

    Attributes:
        layers: Of it.
        steps: Between these.
    """

    layers: tuple[MeasuredLayer, ...]
    steps: MeasuredSteps

    @property
    def counts(self) -> tuple[int, int]:
        """Instructions and cycles of the whole run."""
        parts = (self.steps.counts, *(layer.counts for layer in self.layers))
        return sum(part[0] for part in parts), sum(part[1] for part in parts)


@dataclass(frozen=True)
class KernelTimes:
    """The table of a board.

    Attributes:
        board: Whose layers were measured.
        source: How: ``virtual`` or ``measured``.
        coefficients: By kind, (2, features): instructions and cycles for each.
        margin: As a share of the modelled cycles, what networks may take beyond them: see
            ``margin``.
    """

    board: str
    source: str
    coefficients: Mapping[str, Array]
    margin: float = 0.0

    def layer(self, layer: LayerFeatures) -> Array:
        """(instructions, cycles) of a layer."""
        kind = next((kind for kind in layer.kinds() if kind in self.coefficients), "")
        return np.asarray(self.coefficients[kind] @ layer.values)

    def of(self, verdict: Verdict) -> tuple[int, int]:
        """Instructions and cycles of a run of a network."""
        total = self.modelled(layer_features(verdict), step_features(verdict))
        instructions, cycles = np.rint(total).astype(int).tolist()
        return instructions, cycles

    def modelled(self, layers: Iterable[LayerFeatures], steps: Array) -> Array:
        """The same of layers and of what runs between them."""
        total = np.asarray(self.coefficients[STEPS] @ steps)
        for layer in layers:
            total = total + self.layer(layer)
        return total

    def to_json(self) -> str:
        """What ``of_json`` reads."""
        kinds = {
            kind: [[float(f"{one:.5g}") for one in row] for row in rows.tolist()]
            for kind, rows in sorted(self.coefficients.items())
        }
        lines = ",\n".join(
            f"  {json.dumps(kind)}: {json.dumps(rows)}" for kind, rows in kinds.items()
        )
        head = {
            "board": self.board,
            "source": self.source,
            "margin": float(f"{self.margin:.4g}"),
            "features": FEATURES,
            "step_features": STEP_FEATURES,
        }
        about = "".join(
            f" {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items()
        )
        return f'{{\n{about} "coefficients": {{\n{lines}\n }}\n}}\n'

    @classmethod
    def of_json(cls, text: str) -> KernelTimes:
        """The table that ``to_json`` told of; raises ``BadInput`` for one of other features."""
        table = json.loads(text)
        known = tuple(table["features"]), tuple(table["step_features"])
        if known != (FEATURES, STEP_FEATURES):
            raise BadInput(f"the times of {table['board']} are of another version: fit them anew")
        found = {kind: np.array(rows) for kind, rows in table["coefficients"].items()}
        return cls(table["board"], table["source"], found, table.get("margin", 0.0))


def fitted(board: str, source: str, runs: Sequence[MeasuredRun]) -> KernelTimes:
    """The table of two or more networks that were measured, with its margin."""

    def beyond(others: Sequence[MeasuredRun], held: Sequence[MeasuredRun]) -> Iterator[float]:
        table = _fitted(board, source, others)
        for run in held:
            layers = (layer.features for layer in run.layers)
            cycles = float(table.modelled(layers, run.steps.values)[1])
            yield (run.counts[1] - cycles) / cycles

    return replace(_fitted(board, source, runs), margin=margin(runs, beyond))


def _fitted(board: str, source: str, runs: Sequence[MeasuredRun]) -> KernelTimes:
    """The table without a margin: least squares, each kind of layers on its own."""
    by_kind: defaultdict[str, list[tuple[MeasuredLayer, tuple[int, int]]]] = defaultdict(list)
    for run in runs:
        total = run.counts
        for layer in run.layers:
            for kind in (*layer.features.kinds(), ""):
                by_kind[kind].append((layer, total))
    found = {
        kind: _coefficients(
            np.stack([layer.features.values for layer, _ in own]),
            np.array([layer.counts for layer, _ in own], np.float64),
            LEAST_SHARE * np.array([total for _, total in own], np.float64),
        )
        for kind, own in by_kind.items()
        if len(own) >= LEAST_LAYERS or " " not in kind
    }
    found[STEPS] = _coefficients(
        np.stack([run.steps.values for run in runs]),
        np.array([run.steps.counts for run in runs], np.float64),
        np.ones((len(runs), 2)),
    )
    return KernelTimes(board, source, found)


def _coefficients(values: Array, counts: Array, least: Array) -> Array:
    """(2, features), so that errors are small in proportion to the counts, or to ``least``."""
    weights = 1 / np.maximum(np.maximum(counts, least), 1.0)
    return np.stack(
        [
            nonnegative_least_squares(values * weights[:, [column]], (counts * weights)[:, column])
            for column in range(2)
        ]
    )


def nonnegative_least_squares(matrix: Array, values: Array) -> Array:
    """The x >= 0 for which ``matrix @ x`` is nearest to ``values``; columns may differ in size.

    Args:
        matrix: (equations, unknowns), float64.
        values: (equations,), float64.
    """
    from scipy.optimize import nnls

    reach = np.linalg.norm(matrix, axis=0)
    scale = np.where(reach > 0, reach, 1.0)
    return np.asarray(nnls(matrix / scale, values)[0] / scale)


def kernel_times(board: Board, toolchain: str, optimize: str) -> KernelTimes:
    """The table of a board: its own, or that of another of the same core.

    Where there is neither, that of ``MEASURED``, of which times are rough; its ``board`` says so.
    """
    alike = [one.id for one in all_boards() if one.cpu == board.cpu and one.id != board.id]
    texts = (table_text("times", name, toolchain, optimize) for name in (board.id, *alike))
    text = next((text for text in texts if text is not None), None)
    text = text or table_text("times", MEASURED, *USUAL)
    if text is None:
        raise ToolMissing(f"the times of {MEASURED} are missing: reinstall edgebottle")
    return KernelTimes.of_json(text)


def errors(predicted: Iterable[int], counted: Iterable[int]) -> Array:
    """By which parts of what was counted predictions differ from it."""
    pairs = np.array([list(predicted), list(counted)], np.float64)
    return np.asarray(np.abs(pairs[0] - pairs[1]) / pairs[1])
