"""The bits that each layer was given for a board: for the terminal."""

from __future__ import annotations

from edgebottle.report.terminal import Part, add_row, new_table, number
from quantize.lowbit.allocated import Allocation, LayerAllocation


def allocation_parts(found: Allocation) -> tuple[Part, ...]:
    """The layers, and what the whole takes of the board."""
    columns = ("layer", "weights>", "output>", "loss>", "flash>", "time>")
    layers = new_table("Bits of each layer", *columns)
    for layer in found.layers:
        add_row(layers, *_cells(layer, found))
    whole = new_table(f"On {found.board}, before training", "", "takes>", "allowed>")
    add_row(whole, "RAM", f"{found.cost.ram:,} bytes", _allowed(found.ram_limit))
    add_row(whole, "flash", f"{found.cost.flash:,} bytes", _allowed(found.flash_limit))
    if found.ms is not None:
        most = "-" if found.ms_limit is None else f"{found.ms_limit:g} ms"
        add_row(whole, "time, modelled", f"{found.ms:.2f} ms", most)
    return layers, whole


def _cells(layer: LayerAllocation, found: Allocation) -> tuple[str, ...]:
    cycles = found.cost.cycles
    share = layer.cycles / cycles if layer.cycles is not None and cycles else None
    return (
        layer.name,
        number(layer.weights),
        str(layer.output),
        f"{layer.loss:.4f}",
        number(layer.flash),
        "-" if share is None else f"{share:.1%}",
    )


def _allowed(count: int | None) -> str:
    return "-" if count is None else f"{count:,} bytes"
