"""The tables of the report that have a line for each layer."""

from __future__ import annotations

from collections.abc import Sequence

from edgebottle.report.markup import legend
from edgebottle.report.page import Bar, Cell, Numbered, table
from edgebottle.report.terminal import number
from hil.network import Network, NodeRecord, TensorRecord
from hil.records import LayerRecord

MULTIPLIES, OTHER = "macs", "other"
"""Colours of layers that multiply and accumulate, and of those that only move or bend data."""

COLOURS = ((MULTIPLIES, "multiplies and accumulates"), (OTHER, "does not multiply"))

WHOLE_NAME = 400
"""Characters of a name where it is to be read once in full."""

_TYPES = {"i": "int", "u": "uint", "f": "float"}


def cost_unit(layers: Sequence[LayerRecord]) -> str | None:
    """What the layers were counted in: cycles where there are such; None for nothing."""
    if any(layer.cycles is not None for layer in layers):
        return "cycles"
    if any(layer.instructions is not None for layer in layers):
        return "instructions"
    return None


def cost_table(layers: Sequence[LayerRecord], caption: str, clock_hz: int | None = None) -> str:
    """What each layer costs, with a bar; empty where nothing was counted.

    Args:
        layers: In the order of the run.
        caption: What the figures are, and how they were found.
        clock_hz: Of the CPU, for milliseconds.
    """
    unit = cost_unit(layers)
    if unit is None:
        return ""
    costs = [(layer.cycles if unit == "cycles" else layer.instructions) or 0 for layer in layers]
    total, largest = sum(costs) or 1, max(costs, default=0) or 1
    both = unit == "cycles" and any(layer.instructions is not None for layer in layers)
    timed = unit == "cycles" and bool(clock_hz)
    head = ["layer", "", f"{unit}>", "share>"]
    head += ["ms>"] * timed + ["instructions>"] * both + ["MACs>", f"{unit} per MAC>"]
    rows: list[list[Cell]] = []
    for index, (layer, cost) in enumerate(zip(layers, costs, strict=True), start=1):
        bar = Bar(cost / largest, MULTIPLIES if layer.macs else OTHER, f"{layer.name}: {cost:,}")
        row: list[Cell] = [Numbered(index, layer.name), bar, number(cost), f"{cost / total:.1%}"]
        if timed and clock_hz:
            row.append(f"{cost / clock_hz * 1000:.3f}")
        if both:
            row.append(number(layer.instructions))
        row += [number(layer.macs), f"{cost / layer.macs:.2f}" if cost and layer.macs else "-"]
        rows.append(row)
    used = {MULTIPLIES if layer.macs else OTHER for layer in layers}
    return table(caption, head, rows, "bars") + legend(c for c in COLOURS if c[0] in used)


def rate_table(layers: Sequence[LayerRecord], limit: int, caption: str) -> str:
    """MACs per instruction of each layer that multiplies, under the core's ``limit``."""
    total = sum(layer.instructions or 0 for layer in layers) or 1
    rows: list[list[Cell]] = []
    for index, layer in enumerate(layers, start=1):
        if layer.macs and layer.instructions:
            rate = layer.macs / layer.instructions
            part, share = f"{rate / limit:.0%}", f"{layer.instructions / total:.1%}"
            bar = Bar(rate / limit, MULTIPLIES, f"{layer.name}: {rate:.2f} of {limit}")
            rows.append([Numbered(index, layer.name), bar, f"{rate:.2f}", part, share])
    head = ["layer", f"full width: {limit}", "MACs per instruction>", "of the limit>"]
    found = table(caption, [*head, "of all instructions>"], rows, "bars tracks")
    return found + legend(COLOURS[:1])


def shape_table(network: Network) -> str:
    """What each layer is: output, quantization, weights, kernel."""
    tensors = {tensor.name: tensor for tensor in network.tensors}
    rows: list[list[Cell]] = []
    number_of = layer_numbers(network)
    for node in network.nodes:
        outs = [tensors[name] for name in node.outputs if name in tensors]
        rows.append(
            [
                Numbered(number_of.get(node.name), node.name, WHOLE_NAME),
                node.op,
                ", ".join(shape(tensor) for tensor in outs),
                "; ".join(dict.fromkeys(quantization(tensor) for tensor in outs)),
                _weights(main_weights(node)),
                number(node.flash_bytes) if node.flash_bytes else "-",
                node.kernel or "none: a view",
            ]
        )
    head = ["layer", "operator", "output", "quantization", "weights", "bytes in flash>", "kernel"]
    caption = (
        "After the passes. Quantization: type, scale and zero point; bytes in flash: weights, "
        "biases and tables as the kernel wants them, counted where they are used first."
    )
    return table(caption, head, rows, "shapes")


def plain_table(layers: Sequence[LayerRecord]) -> str:
    """The layers of an old record, which says no more of them; empty where it has none."""
    if not layers:
        return ""
    rows: list[list[Cell]] = [
        [Numbered(index, layer.name), layer.op, number(layer.macs), number(layer.output_bytes)]
        for index, layer in enumerate(layers, start=1)
    ]
    return table("In the order of the run.", ["layer", "operator", "MACs>", "output bytes>"], rows)


def layer_numbers(network: Network) -> dict[str, int]:
    """The number of each layer that runs; views have none."""
    running = [node.name for node in network.nodes if node.step is not None]
    return {name: number for number, name in enumerate(running, start=1)}


def main_weights(node: NodeRecord) -> TensorRecord | None:
    """The largest constant of a layer that takes part in its arithmetic, if there is one."""
    values = [tensor for tensor in node.constants if tensor.scales or tensor.dtype[:1] == "f"]
    return max(values, key=lambda tensor: tensor.nbytes, default=None)


def shape(tensor: TensorRecord) -> str:
    """Such as ``1x48x48x8``."""
    return "x".join(str(size) for size in tensor.shape) or "scalar"


def element_type(tensor: TensorRecord) -> str:
    """Such as ``int8``."""
    return _TYPES.get(tensor.dtype[:1], tensor.dtype[:1]) + tensor.dtype[1:]


def quantization(tensor: TensorRecord) -> str:
    """Type, scale and zero point: ``int8, 0.0235, -128``."""
    kind = element_type(tensor)
    if not tensor.scales:
        return kind
    if tensor.channels > 1:
        low, high = tensor.scales[0], tensor.scales[-1]
        return f"{kind}, {tensor.channels} scales {low:.3g} to {high:.3g}"
    return f"{kind}, {tensor.scales[0]:.4g}, {tensor.zero_point}"


def _weights(tensor: TensorRecord | None) -> Cell:
    if tensor is None:
        return "-"
    scales = {0: "", 1: "1 scale"}.get(tensor.channels, f"{tensor.channels} scales")
    return f"{shape(tensor)} {element_type(tensor)}", scales
