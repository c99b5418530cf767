"""How much code a network takes, by a table that is learned from images; one for each board.

A layer adds a function and its parameters, and needs kernels, which layers share. Both are found
by their symbols: what images with some kinds of layers have, and no others, is what those need.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from edgebottle.boards import Board
from edgebottle.fit import Verdict
from edgebottle.ir.graph import Array
from edgebottle.search.features import layer_features
from edgebottle.search.margins import margin
from edgebottle.search.tables import table_text
from quantize.patch.fold import size

OWN = re.compile(r"step_\d+_|stage_\d+_?")
"""Begins the symbols of a layer's function and parameters, and of the functions of stages."""

MODEL = re.compile(r"eb_network_|steps$|arena$|feed")
"""Begins the symbols of the network as a whole, which grow with its layers."""

ANY = ""
"""The word of what all images have."""

EXCEPTION = 4
"""An image that has a word, and not the symbol, counts against the word as so many that have both:
compilers put some functions into their only caller. Where no exception was taken, the code of
networks that no table was made of was off by 4.9 %, and by 2.8 % with these."""

WORD = re.compile(r"\beb_[a-z0-9_]+")
"""Functions and types of edgebottle in C."""

REST = ("image", "layers", "stages", "program", "arrays")
"""What the rest of an image's code grows with: 1, layers, stages, what the programs of stages have,
and arrays of constants, between which there may be gaps."""


@dataclass(frozen=True)
class MeasuredCode:
    """An image of a network.

    Attributes:
        kinds: Of its layers, by name.
        words: From ``code_words``.
        rest: In the order of ``REST``.
        symbols: Names and bytes of what lies in flash.
        code: Bytes of flash that are not constants of the network.
    """

    kinds: Mapping[str, str]
    words: frozenset[str]
    rest: Array
    symbols: Sequence[tuple[str, int]]
    code: int


@dataclass(frozen=True)
class CodeSizes:
    """The table of a board.

    Attributes:
        board: Whose images they were.
        layers: Bytes of the function and the parameters of a layer, by its kind.
        shared: For each other symbol its bytes, and the words of the generated C that need it.
        rest: Bytes, in the order of ``REST``.
        margin: As a share of the modelled code, what networks may take beyond it: see ``margin``.
    """

    board: str
    layers: Mapping[str, int]
    shared: Mapping[str, tuple[int, frozenset[str]]]
    rest: Array
    margin: float = 0.0

    def of(self, verdict: Verdict) -> int:
        """Bytes of flash of a network besides its constants."""
        kinds = code_kinds(verdict)
        return self.modelled(kinds.values(), code_words(verdict), rest_features(verdict))

    def modelled(self, kinds: Iterable[str], words: frozenset[str], rest: Array) -> int:
        """The same, given the kinds of layers, the words of the C, and the figures of ``REST``."""
        return self.explained(kinds, words) + round(float(self.rest @ rest))

    def explained(self, kinds: Iterable[str], words: frozenset[str]) -> int:
        """Bytes of the layers and of what they share."""
        counts = Counter(kinds)
        usual = round(median(self.layers.values()))
        own = sum(count * self.layers.get(kind, usual) for kind, count in counts.items())
        there = words | {ANY}
        shared = sum(nbytes for nbytes, needing in self.shared.values() if needing & there)
        return own + shared

    def to_json(self) -> str:
        """What ``of_json`` reads."""
        shared = {
            name: [nbytes, sorted(kinds)] for name, (nbytes, kinds) in sorted(self.shared.items())
        }
        table = {
            "board": self.board,
            "margin": float(f"{self.margin:.4g}"),
            "rest": [float(f"{one:.5g}") for one in self.rest],
            "layers": dict(sorted(self.layers.items())),
            "shared": shared,
        }
        return json.dumps(table, indent=1) + "\n"

    @classmethod
    def of_json(cls, text: str) -> CodeSizes:
        """The table that ``to_json`` told of."""
        table = json.loads(text)
        shared = {
            name: (nbytes, frozenset(kinds)) for name, (nbytes, kinds) in table["shared"].items()
        }
        rest = np.array(table["rest"])
        return cls(table["board"], table["layers"], shared, rest, table["margin"])


def code_kinds(verdict: Verdict) -> dict[str, str]:
    """What each layer's code depends on: its operator and kernel."""
    return {one.layer: one.code_kind for one in layer_features(verdict)}


def code_words(verdict: Verdict) -> frozenset[str]:
    """What of edgebottle the generated C names: kernels, and the tiles that are handed to them."""
    source = verdict.source
    text = source.code[f"eb_{source.name}_model.c"]
    return frozenset(
        word for word in WORD.findall(text) if not word.startswith(f"eb_{source.name}_")
    )


def rest_features(verdict: Verdict) -> Array:
    """In the order of ``REST``."""
    stages = [step.stage for step in verdict.plan.steps if step.stage is not None]
    program = sum(size(stage.program) for stage in stages)
    source = verdict.source
    values = (1, len(source.kernels), len(stages), program, len(source.constants))
    return np.array(values, np.float64)


def learned(board: str, images: Sequence[MeasuredCode]) -> CodeSizes:
    """The table of images, two or more, with its margin."""

    def beyond(others: Sequence[MeasuredCode], held: Sequence[MeasuredCode]) -> Iterator[float]:
        table = _fitted(board, others)
        for image in held:
            modelled = table.modelled(image.kinds.values(), image.words, image.rest)
            yield (image.code - modelled) / modelled

    return replace(_fitted(board, images), margin=margin(images, beyond))


def _fitted(board: str, images: Sequence[MeasuredCode]) -> CodeSizes:
    """The table of images, without a margin."""
    own: defaultdict[str, list[int]] = defaultdict(list)
    sizes: defaultdict[str, list[int]] = defaultdict(list)
    having: defaultdict[str, set[int]] = defaultdict(set)
    of_word: defaultdict[str, set[int]] = defaultdict(set)
    for number, image in enumerate(images):
        for word in image.words | {ANY}:
            of_word[word].add(number)
        for layer, kind in image.kinds.items():
            own[kind].append(_own_bytes(image.symbols, layer))
        for name, nbytes in image.symbols:
            if not OWN.match(name) and not MODEL.match(name):
                sizes[name].append(nbytes)
                having[name].add(number)
    shared = {
        name: (round(median(found)), _needing(name, having[name], of_word))
        for name, found in sizes.items()
    }
    layers = {kind: round(median(found)) for kind, found in own.items()}
    table = CodeSizes(board, layers, shared, np.zeros(len(REST)))
    left = [image.code - table.explained(image.kinds.values(), image.words) for image in images]
    rest = np.linalg.lstsq(np.stack([image.rest for image in images]), np.array(left), rcond=None)[
        0
    ]
    return CodeSizes(board, layers, shared, rest)


def _needing(name: str, having: set[int], of_word: Mapping[str, set[int]]) -> frozenset[str]:
    """The fewest words, about, that explain which images have a symbol: few others have them."""
    left, found = set(having), set()

    def explained(word: str) -> int:
        images = of_word[word]
        return len(images & left) - EXCEPTION * len(images - having)

    while left:
        word = max(of_word, key=lambda word: (explained(word), word == name, word))
        if explained(word) <= 0:
            break
        found.add(word)
        left -= of_word[word]
    return frozenset(found)


def _own_bytes(symbols: Sequence[tuple[str, int]], layer: str) -> int:
    """Bytes of a layer's function and parameters."""
    name = re.compile(rf"step_\d+_{re.escape(layer)}(\.\w+)*$")
    return sum(nbytes for symbol, nbytes in symbols if name.match(symbol))


def code_sizes(board: Board, toolchain: str, optimize: str) -> CodeSizes | None:
    """The table of a board, from the cache or from edgebottle; None where there is none."""
    text = table_text("code", board.id, toolchain, optimize)
    return None if text is None else CodeSizes.of_json(text)
