"""Transformers with random weights, as converters write them."""

from __future__ import annotations

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Node, Quant, Tensor
from edgebottle.ops.base import Activation
from edgebottle.ops.batch_matmul import BatchMatMul
from edgebottle.ops.mul import Mul
from edgebottle.ops.rsqrt import Rsqrt
from edgebottle.ops.softmax import OUTPUT_QUANTS, Softmax
from edgebottle.ops.squared_difference import SquaredDifference
from tests.graphs import Builder


class TransformerBuilder(Builder):
    """Adds what attention and layer normalization are made of."""

    def unary(self, kind: type[Node], x: str, quant: Quant | None = None, **fields: object) -> str:
        """A layer of one operand and the same shape."""
        out = self._tensor(kind.OP.lower(), self.shape(x), quant)
        return self._add(kind(name=out, inputs=(x,), outputs=(out,), **fields))

    def binary(self, kind: type[Node], left: str, right: str, **fields: object) -> str:
        """A layer of two operands."""
        node = kind(name="node", inputs=(left, right), outputs=("",), **fields)
        ((shape, _),) = node.infer([self.tensors[left], self.tensors[right]])
        out = self._tensor(kind.OP.lower(), shape)
        return self._add(kind(name=out, inputs=(left, right), outputs=(out,), **fields))

    def product(self, left: str, right: str, *, transposes: bool = False) -> str:
        """A product of matrices, whose results are spread over int8."""
        depth = self.shape(left)[-1]
        out = self.binary(BatchMatMul, left, right, transposes_b=transposes)
        scales = [self.tensors[name].scale for name in (left, right)]
        scale = float(np.float32(scales[0] * scales[1] * depth**0.5 * 40.0))
        self.tensors[out] = Tensor(out, self.shape(out), DType.I8, Quant((scale,), (3,)))
        return out

    def softmax(self, x: str) -> str:
        """Over the last axis."""
        quant = OUTPUT_QUANTS[DType.I8]
        return self.unary(Softmax, x, quant, beta=1.0, dtype=DType.I8)

    def normalized(self, x: str) -> str:
        """What converters make of a layer normalization."""
        last = len(self.shape(x)) - 1
        plain = {"activation": Activation.NONE}
        mean = self.mean(x, last, keep_dims=True)
        square = self.binary(SquaredDifference, x, mean, **plain)
        deviation = self.unary(Rsqrt, self.mean(square, last, keep_dims=True))
        factor = self.binary(Mul, deviation, self.constant(self.shape(x)[-1]), **plain)
        return self.add(
            self.binary(Mul, x, factor, **plain), self.binary(Mul, mean, factor, **plain)
        )

    def heads(self, x: str, count: int, *order: int) -> str:
        """Channels as heads, the axes of [batch, tokens, heads, channels] in another order."""
        batch, tokens, width = self.shape(x)
        return self.transpose(self.reshape(x, batch, tokens, count, width // count), *order)

    def attention(self, x: str, heads: int, *, masked: bool = False, turned: bool = True) -> str:
        """Self-attention; ``turned``: a transpose turns the keys, else the product does."""
        batch, tokens, width = self.shape(x)
        query, key, value = (self.dense(x, width, keep_num_dims=True) for _ in range(3))
        if heads > 1:
            query = self.heads(query, heads, 0, 2, 1, 3)
            key = self.heads(key, heads, 0, 2, *((3, 1) if turned else (1, 3)))
            value = self.heads(value, heads, 0, 2, 1, 3)
        elif turned:
            key = self.transpose(key, 0, 2, 1)
        scores = self.product(query, key, transposes=not turned)
        scores = self.binary(Mul, scores, self.constant(), activation=Activation.NONE)
        if masked:
            scores = self.add(scores, self.constant(*self.shape(scores)[-2:]))
        mixed = self.product(self.softmax(scores), value)
        if heads > 1:
            mixed = self.reshape(self.transpose(mixed, 0, 2, 1, 3), batch, tokens, width)
        return self.dense(mixed, width, keep_num_dims=True)


def transformer(tokens: int, width: int, heads: int, blocks: int, **attention: bool) -> Graph:
    """Blocks of attention and a dense layer, each after a layer normalization."""
    b = TransformerBuilder(f"transformer_{tokens}_{heads}", tokens)
    x = b.input(1, tokens, width)
    for _ in range(blocks):
        x = b.add(x, b.attention(b.normalized(x), heads, **attention))
        hidden = b.relu(b.dense(b.normalized(x), 2 * width, keep_num_dims=True))
        x = b.add(x, b.dense(hidden, width, keep_num_dims=True))
    return b.graph(b.dense(b.mean(x, 1, keep_dims=False), 10, keep_num_dims=False))
