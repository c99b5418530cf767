"""A node of an ONNX file as the translations see it: checked attributes, named in messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgebottle.errors import BadModel, UnsupportedOp
from edgebottle.ir.graph import Array, Tensor

Value = Array | Tensor
"""What a name of the file stands for: a constant, in the type of the file, or a tensor."""

Values = Sequence[Value | None]


@dataclass(frozen=True)
class OnnxNode:
    """A node.

    Attributes:
        op: Its operator.
        name: What messages call it: its name, or that of its first output.
        version: The opset of its domain.
        inputs: Names; "" for an absent one.
        outputs: Names; "" for one that is not wanted.
        attributes: Decoded: int, float, str, bytes, an array, a subgraph, or a list of those.
        proto: The protocol buffer.
    """

    op: str
    name: str
    version: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    proto: Any

    @property
    def label(self) -> str:
        """The layer and its operator, for messages."""
        return f"{self.name} ({self.op})"

    def refuse(self, what: str) -> UnsupportedOp:
        """The error of a layer that cannot be compiled: ``label``, and what is wrong with it."""
        return UnsupportedOp(f"{self.label} {what}")

    def contradicts(self, what: str) -> BadModel:
        """The error of a layer that is none: ``label``, and what is wrong with it."""
        return BadModel(f"{self.label} {what}")

    def integer(self, name: str, default: int | None = None) -> int:
        """An attribute; raises ``BadModel`` where it is absent without a default, or no integer."""
        value = self._of(name, default)
        if not isinstance(value, int):
            raise self.contradicts(f"has no integer as its attribute {name}")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """An attribute; raises ``BadModel`` where it is absent without a default, or no number."""
        value = self._of(name, default)
        if not isinstance(value, int | float):
            raise self.contradicts(f"has no number as its attribute {name}")
        return float(value)

    def text(self, name: str, default: str) -> str:
        """An attribute; raises ``BadModel`` where it is no text."""
        value = self._of(name, default)
        if not isinstance(value, str):
            raise self.contradicts(f"has no text as its attribute {name}")
        return value

    def integers(self, name: str, default: Sequence[int] | None = None) -> tuple[int, ...]:
        """An attribute; raises ``BadModel`` where it is absent without a default, or no list."""
        value = self._of(name, default)
        if not isinstance(value, list | tuple) or not all(isinstance(one, int) for one in value):
            raise self.contradicts(f"has no list of integers as its attribute {name}")
        return tuple(value)

    def numbers(self, name: str) -> tuple[float, ...]:
        """An attribute, empty where it is absent; raises ``BadModel`` where it is no list."""
        value = self._of(name, ())
        if not isinstance(value, list | tuple) or not all(
            isinstance(one, int | float) for one in value
        ):
            raise self.contradicts(f"has no list of numbers as its attribute {name}")
        return tuple(map(float, value))

    def has(self, name: str) -> bool:
        """Whether the file gives an attribute."""
        return name in self.attributes

    def _of(self, name: str, default: Any) -> Any:
        value = self.attributes.get(name, default)
        if value is None:
            raise self.contradicts(f"lacks its attribute {name}")
        return value
