"""Random networks of signals: images of one row, and sequences of tokens."""

from __future__ import annotations

import numpy as np

from edgebottle.ir.graph import Graph
from edgebottle.ops.average_pool_2d import AveragePool2D
from edgebottle.ops.max_pool_2d import MaxPool2D
from tests.graphs import Builder


def random_signal_network(seed: int) -> Graph:
    """Layers along a signal of one row."""
    rng = np.random.default_rng(seed)
    b = Builder("signal", seed)
    x = b.input(1, 1, int(rng.integers(9, 40)), int(rng.integers(1, 4)))
    outputs = []
    for _ in range(int(rng.integers(2, 7))):
        kind = int(rng.integers(9))
        kernel = (1, int(rng.integers(1, 4)))
        if kind <= 2:
            x = b.conv(x, int(rng.integers(1, 5)), kernel, int(rng.integers(1, 3)))
        elif kind == 3:
            x = b.depthwise(x, kernel, dilation=int(rng.integers(1, 3)))
        elif kind == 4:
            x = b.pool(x, (AveragePool2D, MaxPool2D)[int(rng.integers(2))], 2, 2)
        elif kind == 5:
            x = b.pad(x, (0, 0), (0, 0), (1, 2), (0, 0))
        elif kind == 6:
            x = b.add(x, b.relu(x))
        elif kind == 7 and rng.random() < 0.3:
            x = b.concat(x, x)
        elif rng.random() < 0.3:
            outputs.append(x)
    if rng.random() < 0.5:
        _, height, width, channels = b.shape(x)
        x = b.reshape(x, height, width * channels)
    return b.graph(*dict.fromkeys([*outputs, x]))


def random_sequence_network(seed: int) -> Graph:
    """Layers over tokens, of three axes or of two; some of them, such as a transpose, cannot."""
    rng = np.random.default_rng(seed)
    b = Builder("sequence", seed)
    tokens = int(rng.integers(2, 20))
    x = b.input(1, tokens, int(rng.integers(1, 6)))
    if rng.random() < 0.3:
        x = b.reshape(x, *b.shape(x)[1:])
    outputs = []
    for _ in range(int(rng.integers(2, 7))):
        *outer, channels = b.shape(x)
        kind = int(rng.integers(9))
        if kind <= 2:
            x = b.dense(x, int(rng.integers(1, 7)), keep_num_dims=kind > 0)
        elif kind == 3:
            x = b.add(x, b.constant(*[(channels,), (1, channels), (*outer, channels)][seed % 3]))
        elif kind == 4:
            x = b.concat(x, x, axis=int(rng.integers(len(outer) - 1, len(outer) + 1)))
        elif kind == 5:
            x = b.pad(x, *[(0, 0)] * (len(outer) - 1), (1, 2), (0, 1))
        elif kind == 6:
            x = b.add(x, b.relu(x))
        elif kind == 7 and rng.random() < 0.3:
            x = b.transpose(x, *range(len(outer) - 1), len(outer), len(outer) - 1)
        elif kind == 8:
            shape = b.shape(x)
            x = b.reshape(x, *(shape[1:] if len(shape) == 3 else (1, *shape)))
        elif rng.random() < 0.3:
            outputs.append(x)
    if rng.random() < 0.5:
        x = b.mean(x, len(b.shape(x)) - 2, keep_dims=rng.random() < 0.5)
    return b.graph(*dict.fromkeys([*outputs, x]))
