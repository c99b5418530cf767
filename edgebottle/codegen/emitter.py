"""The Emitter an operator talks to while it emits its call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from edgebottle.codegen.context import Instance
from edgebottle.codegen.naming import Names, c_number, identifier
from edgebottle.ir.graph import Array, Graph, Tensor
from edgebottle.ops.base import CValue, Isa, Operator, RowOperator
from edgebottle.plan.plan import Placement, Plan, Step

ROW = "{y}"
"""Stands for the number of the output row until the row loop is written."""


NodeTensors = tuple[tuple[Tensor | None, ...], tuple[Tensor, ...]]
"""Inputs and outputs of a node."""


@dataclass(frozen=True)
class Constant:
    """An array in flash."""

    name: str
    values: Array


@dataclass
class Module:
    """What the steps of one model have asked for so far."""

    graph: Graph
    plan: Plan
    isa: Isa
    inlined: frozenset[str] = frozenset()
    reentrant: bool = False
    threads: int = 1
    includes: list[str] = field(default_factory=list)
    constants: list[Constant] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Indexes the placements and names the tensors in C."""
        self.instance = Instance(self.graph.name, self.reentrant)
        self.thread_scratch = 0
        self.placements: dict[str, Placement] = {p.tensor: p for p in self.plan.placements}
        self.names: dict[str, str] = {}
        self._scope = Names()
        makers = {
            tensor: node.name if index == 0 else f"{node.name}_{index}"
            for node in self.graph.nodes
            for index, tensor in enumerate(node.outputs)
        }
        for tensor in self.placements:
            # After the layer that writes it: the names of tensors are often a line long.
            name = makers.get(tensor, tensor)
            kind = "ring" if self.ring_rows(tensor) else "t"
            self.names[tensor] = self._scope.new(f"{kind}_{identifier(name)}")

        self.kernels: dict[str, str] = {}
        self.merged: set[str] = set()
        self.constant_bytes: dict[str, int] = {}
        self._counters: dict[str, str] = {}
        self._contents: dict[tuple[str, bytes], str] = {}

    def ring_rows(self, tensor: str) -> int:
        """Rows in the ring of ``tensor``; 0 where all of its rows are held."""
        held = self.placements[tensor].ring_rows
        return held if held < self.graph.tensors[tensor].rows else 0

    def note_kernel(self, node: str, call: str) -> None:
        """Remembers the C function that a layer calls, for whoever wants to know."""
        found = re.search(r"\beb_(?!unpack_row|pack_row)\w+(?=\()", call)
        self.kernels[node] = found[0] if found else call.partition("(")[0].strip()

    def counter_name(self, node: str) -> str:
        """The C name of the counter of the rows that ``node`` has done."""
        if node not in self._counters:
            self._counters[node] = self._scope.new(f"done_{identifier(node)}")
        return self._counters[node]

    def add_constant(self, node: str, name: str, values: Array) -> str:
        """Registers an array of ``node``, once.

        Args:
            node: The layer that asks first.
            name: What it is of the model, such as ``conv_2d_3_weights``.
            values: Its elements.

        Returns:
            The name of the array that holds these values, which may be another layer's.
        """
        values = np.ascontiguousarray(values)
        content = (values.dtype.str, values.tobytes())
        if content not in self._contents:
            symbol = self._scope.new(f"eb_{self.graph.name}__{name}")
            self._contents[content] = symbol
            self.constants.append(Constant(symbol, values))
            self.constant_bytes[node] = self.constant_bytes.get(node, 0) + values.nbytes
        return self._contents[content]


class StepEmitter:
    """The ``Emitter`` of one node; collects what must stand before the call."""

    def __init__(
        self,
        module: Module,
        node: Operator,
        step: Step,
        layer: str,
        accumulator: int | None = None,
        tensors: NodeTensors | None = None,
    ) -> None:
        """Prepares the emitter of ``node``.

        Args:
            module: Collects includes and constants.
            node: The node.
            step: The step of the plan it belongs to, for its scratch.
            layer: What its constants are named after.
            accumulator: First byte in the arena of its accumulator, where it takes rows one by one.
            tensors: Its inputs and outputs, where it is to see them in other shapes.
        """
        self.isa = module.isa
        self.inlined = node.name in module.inlined
        self.declarations: list[str] = []
        self.row_inputs: list[int] = []
        self.is_shared = False  # threads compute rows of it, each with scratch of its own
        self._module = module
        self._node = node
        self._step = step
        self._layer = layer
        self._accumulator = accumulator
        self._params: dict[str, str] = {}
        self._ins, self._outs = tensors or (module.graph.ins(node), module.graph.outs(node))

    @property
    def tensors(self) -> NodeTensors:
        """The input and the output tensors of the node."""
        return self._ins, self._outs

    def include(self, header: str) -> None:
        """See ``Emitter``."""
        if header not in self._module.includes:
            self._module.includes.append(header)

    def constant(self, suffix: str, values: Array) -> str:
        """See ``Emitter``."""
        return self._module.add_constant(self._node.name, f"{self._layer}_{suffix}", values)

    def params(self, struct: str, fields: Mapping[str, CValue]) -> str:
        """See ``Emitter``."""
        body = "\n".join(f"        .{name} = {_field(value)}," for name, value in fields.items())
        text = f"{struct} {body}"
        if text not in self._params:
            name = f"params{len(self._params) + 1}" if self._params else "params"
            self._params[text] = f"&{name}"
            self.declarations += [f"    static const {struct} {name} = {{", body, "    };"]
        return self._params[text]

    def input(self, index: int) -> str:
        """See ``Emitter``."""
        return self._pointer(self._input_tensor(index), const=True)

    def output(self, index: int = 0) -> str:
        """See ``Emitter``."""
        return self._pointer(self._outs[index], const=False)

    def rows(self, index: int) -> str:
        """See ``Emitter``."""
        self._use_row(index)
        return f"rows{index}"

    def row(self, index: int) -> str:
        """See ``Emitter``."""
        tensor = self._input_tensor(index)
        self._use_row(index)
        return f"(const {tensor.dtype.c} *)rows{index}[0]"

    def out_row(self) -> str:
        """See ``Emitter``."""
        output = self._outs[0]
        return f"({output.dtype.c} *)out"

    def out_pixel_stride(self) -> int:
        """See ``Emitter``."""
        output = self._outs[0]
        stride = self._module.placements[output.name].pixel_stride
        return stride if output.dtype.bits < 8 else stride // output.layout.element_bytes

    def y(self) -> str:
        """See ``Emitter``; replaced by the row loop, which may have no variable of that name."""
        return ROW

    def accumulator(self) -> str:
        """See ``Emitter``."""
        assert self._accumulator is not None, f"{self._node.name} does not accumulate here"
        return f"(void *)({self._module.instance.arena} + {self._accumulator})"

    def scratch(self) -> str:
        """See ``Emitter``."""
        return f"eb_scratch({self.scratch_place()})"

    def scratch_place(self) -> str:
        """See ``Emitter``."""
        assert self._step.scratch_bytes, f"{self._node.name} uses scratch it has not declared"
        if self.is_shared:
            return "scratch"
        return f"{self._module.instance.arena} + {self._step.scratch_offset}"

    def copy_place(self, nbytes: int) -> str | None:
        """See ``Emitter``."""
        if not self._step.copy_bytes:
            return None
        assert self._step.copy_bytes == nbytes, f"{self._node.name} copies something else"
        return f"{self._module.instance.arena} + {self._step.copy_offset}"

    def base(self, index: int) -> str:
        """Address of the first byte of input ``index``, in the arena or in flash."""
        tensor = self._input_tensor(index)
        if tensor.data is not None:
            return self.constant(f"input{index}", tensor.data)
        return self._module.names[tensor.name]

    def out_base(self) -> str:
        """Address of the first byte of output 0."""
        return self._module.names[self._outs[0].name]

    def _use_row(self, index: int) -> None:
        assert isinstance(self._node, RowOperator)
        if index not in self.row_inputs:
            self.row_inputs.append(index)

    def _input_tensor(self, index: int) -> Tensor:
        tensor = self._ins[index]
        assert tensor is not None, f"{self._node.name} has no input {index}"
        return tensor

    def _pointer(self, tensor: Tensor, *, const: bool) -> str:
        if tensor.data is not None:
            return self._module.add_constant(
                self._node.name, f"{self._layer}_{identifier(tensor.name)}", tensor.data
            )
        qualifier = "const " if const and not tensor.state else ""
        return f"({qualifier}{tensor.dtype.c} *)({self._module.names[tensor.name]})"


def _field(value: CValue) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float | np.integer | np.floating):
        return c_number(value)
    return "{" + ", ".join(c_number(item) for item in value) + "}"
