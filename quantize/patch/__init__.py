"""Which stages of a network run row by row, and the plan that says so.

A stage is a run of row-local layers computed interleaved, row by row: each tensor inside it is a
ring of the few rows that are still needed, and its output may be written over those rows of its
input that no later step reads. Nothing is computed twice.

Where that saves more, a stage is computed in parts, one after the other: slices of its channels, or
columns, as a patch grid with the halo computed twice.
"""

from quantize.patch.schedules import choose_schedule, make_schedule
from quantize.patch.search import Chosen, Cut, streamed_layers

__all__ = [
    "Chosen",
    "Cut",
    "choose_schedule",
    "make_schedule",
    "streamed_layers",
]
