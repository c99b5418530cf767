"""How much flash the code takes: what is known of it before a compiler runs.

The numbers are what zig 0.17 and GCC 12 make of the networks of ``tests/promises.py``, rounded up
so that none of them takes more; that command prints what each takes of its bound. Those that differ
from core to core stand in ``firmware/platform/cpus.toml``.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgebottle.boards import Board
from edgebottle.codegen.kernels import KernelChoice, Optimize
from edgebottle.codegen.model import ModelSource
from edgebottle.cpus import Cpu

LEAST_CODE = 6 * 1024
"""Bytes of flash that the bench application and the start-up take on any board, at least."""

LEAST_LAYER = 40
"""Bytes of code that a layer takes, at least: its function, and its rows in two tables."""

C_API = 600
"""Bytes of the functions of the C API, at most."""

KERNEL = {Optimize.SIZE: 600, Optimize.BALANCED: 700, Optimize.SPEED: 1400}
"""Bytes of a kernel that layers share, at most, but for what ``SHARED_PARTS`` says."""

SHARED_PARTS = {
    "eb_conv_2d_s8_packed": 2700,
    "eb_conv_2d_s8_triple": 900,
    "eb_conv_2d_s8_row": 400,
    "eb_depthwise_3x3": 800,
    "eb_depthwise_window": 300,
}
"""Bytes beyond ``KERNEL`` of the kernels of these names, at most; those of one name share them."""

IN_EACH_LAYER = ("eb_add", "eb_mul")
"""Kernels of these names stand in the function of each layer."""

ELEMENTWISE = {Optimize.SIZE: 250, Optimize.BALANCED: 250, Optimize.SPEED: 400}
"""Bytes of such a kernel, at most."""

INLINED_LAYER = 100
"""Bytes of a layer with a kernel of its own beyond those of the kernel, at most."""

SOFT_FLOAT = 3 * 1024
"""Bytes of the routines for floating point of a core without a unit for it, at most."""

ALIGNMENT = 3
"""Bytes between one array of constants and the next, at most."""


@dataclass(frozen=True)
class Bounds:
    """Bytes of which a compiler has the last word.

    Attributes:
        least: It is not less.
        most: It is not more.
    """

    least: int
    most: int


def code_bounds(source: ModelSource, board: Board, optimize: Optimize, floats: bool) -> Bounds:
    """Bytes of flash besides the weights, of either compiler.

    Args:
        source: The library of the model.
        board: A microcontroller board, with the bench application, or a core, without it.
        optimize: What is spent for what.
        floats: The network computes in floating point.
    """
    cpu = board.processor
    layers, kernels = len(source.kernels), {choice.kernel for choice in source.kernels}
    shared = [name for name in kernels if not name.startswith(IN_EACH_LAYER)]
    most = C_API + ALIGNMENT * len(source.constants)
    most += 0 if board.is_core else cpu.application_bytes
    most += sum(_layer(choice, cpu, optimize) for choice in source.kernels)
    most += KERNEL[optimize] * len(shared)
    most += sum(
        nbytes
        for part, nbytes in SHARED_PARTS.items()
        if any(name.startswith(part) for name in kernels)
    )
    if floats and not board.fpu:
        most += SOFT_FLOAT
    least = LEAST_LAYER * layers
    return Bounds(least if board.is_core else LEAST_CODE + least, most)


def _layer(choice: KernelChoice, cpu: Cpu, optimize: Optimize) -> int:
    """Bytes that a layer adds to the code, at most."""
    if choice.inlined:
        return choice.nbytes + INLINED_LAYER
    is_own = choice.kernel.startswith(IN_EACH_LAYER)
    return cpu.layer_bytes + (ELEMENTWISE[optimize] if is_own else 0)
