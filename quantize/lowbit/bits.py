"""How many bits each layer has: a plan, as data."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgebottle.errors import BadInput
from edgebottle.files import read_file

WIDEST = 8
"""Bits of int8, which everything has that nothing says less of."""

_PAIR = re.compile(r"w([1-8])a([1-8])")

_MAX_PLAN_BYTES = 1 << 20


@dataclass(frozen=True)
class LayerBits:
    """Bits of one layer.

    Attributes:
        weights: Of its weights, 1 .. 8.
        activations: Of what it computes, 1 .. 8.
    """

    weights: int = WIDEST
    activations: int = WIDEST

    def __str__(self) -> str:
        """As ``parse`` takes it, such as ``w2a4``."""
        return f"w{self.weights}a{self.activations}"

    @classmethod
    def parse(cls, text: str) -> LayerBits:
        """The bits of ``w4a8`` and its like; raises ``BadInput``."""
        found = _PAIR.fullmatch(text.lower())
        if found is None:
            raise BadInput(
                f"{text!r} are no bits such as w4a8: 1 to 8 of weights, 1 to 8 of activations"
            )
        return cls(int(found[1]), int(found[2]))


@dataclass(frozen=True)
class Bits:
    """Bits of all layers of a network.

    Attributes:
        default: Of the layers that are not named. What they compute keeps 8 bits where that is no
            activation: see ``FloatNetwork.activation_levels``.
        layers: Of layers by their name in Keras; what is said here holds whatever they compute.
    """

    default: LayerBits
    layers: Mapping[str, LayerBits] = field(default_factory=dict)

    def of(self, layer: str) -> LayerBits:
        """The bits of a layer."""
        return self.layers.get(layer, self.default)

    @property
    def is_narrow(self) -> bool:
        """Whether anything has less than 8 bits."""
        all_bits = (self.default, *self.layers.values())
        return any(min(one.weights, one.activations) < WIDEST for one in all_bits)

    def __str__(self) -> str:
        """In short, for titles."""
        others = len(self.layers)
        return f"{self.default}, {others} layers otherwise" if others else str(self.default)

    def check(self, names: Iterable[str]) -> None:
        """Raises ``BadInput`` where a layer is named that is none of ``names``."""
        known = tuple(names)
        for name in self.layers:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1) or known[:1]
                raise BadInput(
                    f"the plan of bits names layer '{name}', which the network does not have; "
                    f"did you mean '{near[0]}'?"
                )

    def to_json(self) -> dict[str, Any]:
        """What ``of_table`` reads."""
        layers = {name: str(bits) for name, bits in self.layers.items()}
        return {"default": str(self.default), "layers": layers}

    def to_toml(self) -> str:
        """What ``parse`` reads from a ``.toml`` file."""
        lines = [
            f"{json.dumps(name)} = {json.dumps(str(one))}" for name, one in self.layers.items()
        ]
        return "\n".join([f"default = {json.dumps(str(self.default))}", "[layers]", *lines, ""])

    @classmethod
    def of_table(cls, table: Mapping[str, Any], where: str) -> Bits:
        """The plan of a TOML or JSON file: ``default = "w4a4"``, and ``[layers]`` of the like.

        Args:
            table: What the file says.
            where: The file, for messages.

        Raises:
            BadInput: it says something else.
        """
        layers = table.get("layers", {})
        unknown = sorted(set(table) - {"default", "layers"})
        named = list(layers.values()) if isinstance(layers, dict) else [None]
        texts = [table.get("default", str(LayerBits())), *named]
        if unknown or not all(isinstance(text, str) for text in texts):
            raise BadInput(
                f'{where}: a plan of bits has a line such as default = "w4a4" and a table [layers] '
                f'with lines such as conv1 = "w8a8"{f"; not {unknown[0]}" if unknown else ""}'
            )
        try:
            default = LayerBits.parse(texts[0])
            return cls(default, {name: LayerBits.parse(text) for name, text in layers.items()})
        except BadInput as error:
            raise BadInput(f"{where}: {error}") from error

    @classmethod
    def parse(cls, text: str) -> Bits:
        """Bits such as ``w4a4`` for all layers, or the plan in a ``.toml`` or ``.json`` file.

        Raises:
            BadInput: it is neither.
        """
        path = Path(text)
        if path.suffix not in (".toml", ".json"):
            return cls(LayerBits.parse(text))
        content = read_file(path, _MAX_PLAN_BYTES).decode(errors="replace")
        try:
            table = tomllib.loads(content) if path.suffix == ".toml" else json.loads(content)
        except ValueError as error:
            raise BadInput(f"{path}: {error}") from error
        if not isinstance(table, dict):
            raise BadInput(f"{path}: a plan of bits is a table")
        return cls.of_table(table, str(path))
