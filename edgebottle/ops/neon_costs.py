"""What vector instructions cost on the kinds of Cortex-A that kernels are chosen for."""

from __future__ import annotations

from dataclasses import dataclass

from edgebottle.ops.base import Isa


@dataclass(frozen=True)
class VectorCosts:
    """Cycles of an instruction of 16 bytes where many follow one another.

    Attributes:
        simple: Logic, additions, and counting bits (CNT).
        multiply: Products of bytes that are added to bytes (MLA).
        multiply_long: Eight products of int8 that are added to int16 (SMLAL).
        widen: Pairs that are added to a wider type (SADALP).
        load: A vector.
        dot: SDOT; None where there is none.
    """

    simple: float
    multiply: float
    multiply_long: float
    widen: float
    load: float
    dot: float | None = None


COSTS = {
    Isa.NEON: VectorCosts(simple=1, multiply=1, multiply_long=1, widen=1, load=1),
    Isa.NEON_COUNTS: VectorCosts(simple=0.5, multiply=2, multiply_long=1, widen=1, load=1),
    Isa.NEON_DOT: VectorCosts(simple=0.5, multiply=2, multiply_long=1, widen=1, load=0.5, dot=0.5),
}
"""By kind of core. Cortex-A7 and A53, of which Arm publishes no figures: one instruction in a cycle
is assumed. Cortex-A57 and A72; Cortex-A76 and A78AE: after the throughput of Q-form instructions in
Arm's Software Optimization Guides, where two pipelines have vectors, and one of them makes products
of 16 bytes in two cycles. Nothing of it was measured."""

KINDS = {variant: (costs,) for variant, costs in COSTS.items()} | {
    Isa.NEON_ANY: tuple(COSTS.values())
}
"""The kinds of core that a variant runs on."""
