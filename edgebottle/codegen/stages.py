"""Stages: layers that run row by row, interleaved, as loops that call one function per layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from edgebottle.codegen.context import Instance
from edgebottle.codegen.emitter import ROW, Module, StepEmitter
from edgebottle.codegen.naming import comment, folded, identifier, short_comment
from edgebottle.codegen.rows import RowReads
from edgebottle.codegen.steps import (
    describe,
    fill_rows,
    linear,
    row_array,
    row_place,
    row_reads,
    symbol,
)
from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import Same
from edgebottle.ir.graph import Tensor
from edgebottle.ops.base import AccumulatingOperator, RowOperator, where
from edgebottle.plan.plan import MAX_STEPS, Loop, Stage, Step

Program = Sequence[str | Loop]

_INDEX = "ijklmnpq"
"""Names of the outermost loop variables."""


@dataclass(frozen=True)
class StageSource:
    """The C of one stage.

    Attributes:
        name: Of its function.
        text: The functions of its layers, then its own.
        defines: The counters of its layers.
        steps: Name of each layer's node and of its function, in the order of the stage.
    """

    name: str
    text: str
    defines: tuple[str, ...]
    steps: tuple[tuple[str, str], ...]


def nodes_run(program: Program) -> Iterator[str]:
    """The names in a stage's program, loops entered once."""
    for item in program:
        if isinstance(item, str):
            yield item
        else:
            yield from nodes_run(item.body)


def stage_source(
    module: Module, step: Step, number: int, first: int, fed: str | None
) -> StageSource:
    """Writes a stage.

    Args:
        module: Collects includes and constants.
        step: The step of the plan.
        number: Of the stage.
        first: Number of its first layer among the functions of the model.
        fed: The input whose rows the stage waits for, None for none.
    """
    stage = step.stage
    assert stage is not None
    used = set(nodes_run(stage.program))
    _check_rows(module, used)
    writer = _Writer(module, step, stage)
    symbols: dict[str, str] = {}
    texts = []
    for name in stage.nodes:
        if name in used:
            symbols[name], text = writer.row_function(name, first + len(symbols))
            texts.append(text)
    name = f"stage_{number}"
    instance = module.instance
    program = _Program(symbols, fed, instance)
    body = program.write(stage.program, 2 if fed else 1)
    if writer.counters:
        base = f"{module.instance.arena} + {stage.counters_offset}"
        indent = "        " if fed else "    "
        body.insert(0, f"{indent}memset({base}, 0, {2 * len(stage.nodes)}); /* rows done */")
    about = _comment(module, stage, symbols, number)
    if fed:
        body = [f"    switch ({instance.feed}.resume) {{", "    case 0:", *body]
        body += [f"        {instance.feed}.resume = FEED_DONE;", "    }"]
    head = f"static EB_STEP EB_SMALL void {name}({instance.parameters()})"
    texts.append("\n".join([*about, head, "{", *body, "}\n"]))
    return StageSource(name, "\n".join(texts), tuple(writer.counters), tuple(symbols.items()))


def _check_rows(module: Module, used: set[str]) -> None:
    for node in module.graph.nodes:
        for name in (*node.inputs, *node.outputs) if node.name in used else ():
            if name is not None and module.graph.tensors[name].rows > MAX_STEPS:
                raise UnsupportedOp(
                    f"{where(node)} runs row by row and has more than {MAX_STEPS} rows, which "
                    "edgebottle does not support yet"
                )


class _Writer:
    """Writes the functions of a stage's layers, each of which computes its next row."""

    def __init__(self, module: Module, step: Step, stage: Stage) -> None:
        self.module, self.step, self.stage = module, step, stage
        self.counters: list[str] = []
        self.nodes = {node.name: node for node in module.graph.nodes}
        self.accumulators: Mapping[str, int] = dict(stage.accumulators)

    def row_function(self, name: str, number: int) -> tuple[str, str]:
        """Name and text of the function of the layer ``name``."""
        module, node = self.module, self.nodes[name]
        assert isinstance(node, RowOperator), f"{where(node)} cannot run row by row"
        outs = module.graph.outs(node)
        assert len(outs) == 1, f"{where(node)} has several outputs"
        assert outs[0].layout.images == 1, f"{where(node)} has a batch"
        accumulator = self.accumulators.get(name)
        emitter = StepEmitter(module, node, self.step, identifier(node.name), accumulator)
        if accumulator is not None:
            assert isinstance(node, AccumulatingOperator)
            lines, what = self._accumulate(emitter, node), "takes its next input row"
        else:
            lines, what = self._row(emitter, node, outs[0]), "computes its next row"
        body = "\n".join(lines)
        if ROW in body:
            count = f"    const int32_t y = {self._counter(name)}++;"
            body = f"{count}\n{body.replace(ROW, 'y')}"
        arrays = [row_array(emitter, node, index) for index in emitter.row_inputs]
        if accumulator is not None:
            arrays = ["    const void *rows0[1];"]
        function = symbol(node, number)
        text = folded("\n".join([*emitter.declarations, *arrays, body]))
        head = [
            short_comment(f"{describe(module, node)}; {what}"),
            f"static EB_STEP void {function}({module.instance.parameters()})",
        ]
        return function, "\n".join([*head, "{", text, "}\n"])

    def _row(self, emitter: StepEmitter, node: RowOperator, output: Tensor) -> list[str]:
        """Computes output row ``{y}``."""
        call = node.emit(emitter)
        self.module.note_kernel(node.name, call)
        height = output.layout.image_rows
        fills = []
        for index in emitter.row_inputs:
            reads = row_reads(node, index, emitter.tensors, height)
            assert reads is not None
            fills.append(f"    {self._fill(emitter, index, reads)}")
        lines = [*fills, self._out(emitter, output), f"    {call}"]
        return [line.replace(ROW, "0") for line in lines] if height == 1 else lines

    def _accumulate(self, emitter: StepEmitter, node: AccumulatingOperator) -> list[str]:
        """Takes input row ``{y}``; the first begins, the last writes the output row."""
        begin, take = node.emit_begin(emitter), node.emit_accumulate(emitter)
        end = node.emit_end(emitter)
        self.module.note_kernel(node.name, take)
        data, output = emitter.tensors[0][0], emitter.tensors[1][0]
        assert data is not None
        height = data.layout.image_rows
        fill = self._fill(emitter, 0, RowReads(Same(), height))
        return [
            f"    if ({ROW} == 0) {{",
            f"        {begin}",
            "    }",
            f"    {fill}",
            f"    {take}",
            f"    if ({ROW} == {height - 1}) {{",
            f"    {self._out(emitter, output)}".replace(ROW, "0"),
            f"        {end}",
            "    }",
        ]

    def _fill(self, emitter: StepEmitter, index: int, reads: RowReads) -> str:
        """Sets the row pointers of an input; a single row that is always inside needs no call."""
        tensor = emitter.tensors[0][index]
        assert tensor is not None
        base = emitter.base(index)
        height = tensor.layout.image_rows
        if tensor.data is not None or reads.affine is None or not reads.is_one_of(height):
            return fill_rows(self.module, emitter, index, reads, base)
        row = linear(*reads.affine[:2])
        return f"rows{index}[0] = {self._address(tensor, base, row)};"

    def _out(self, emitter: StepEmitter, output: Tensor) -> str:
        return f"    void *out = {self._address(output, emitter.out_base(), ROW)};"

    def _address(self, tensor: Tensor, base: str, row: str) -> str:
        """Address of a row of a tensor in the arena."""
        stride, ring = row_place(self.module, tensor)
        if row == "0" or ring == 1 or tensor.rows == 1:
            return base
        if ring:
            return f"eb_ring_row({base}, {row}, {stride}, {ring})"
        return f"{base} + {row if row == ROW else f'({row})'} * {stride}"

    def _counter(self, name: str) -> str:
        """The counter of a layer's rows: where it lies in the arena."""
        counter = self.module.counter_name(name)
        offset = self.stage.counters_offset + 2 * self.stage.nodes.index(name)
        arena = self.module.instance.arena
        define = f"#define {counter} (((uint16_t *)(void *)({arena} + {offset}))[0])"
        if define not in self.counters:
            self.counters.append(define)
        return counter


@dataclass
class _Program:
    """Writes a program as loops.

    Attributes:
        symbols: Function of each node.
        fed: The input that is waited for.
        instance: The memory of the network.
        waits: How many times so far.
    """

    symbols: Mapping[str, str]
    fed: str | None
    instance: Instance
    waits: int = field(default=0)

    def write(self, program: Program, indent: int, depth: int = 0) -> list[str]:
        """The lines of ``program``."""
        lines = []
        space = _space(indent)
        for item in program:
            if isinstance(item, Loop):
                lines += self._loop(item, indent, depth)
            elif item == self.fed:
                self.waits += 1
                lines.append(f"{space}EB_AWAIT_ROW({self.waits})")
            else:
                lines.append(f"{space}{self.symbols[item]}({self.instance.arguments()});")
        return lines

    def _loop(self, loop: Loop, indent: int, depth: int) -> list[str]:
        space, name = _space(indent), _loop_name(depth)
        body = self.write(loop.body, indent + 1, depth + 1)
        if self.fed is not None and self.fed in nodes_run(loop.body):
            # The variable must outlive the function, which returns wherever it waits.
            place = f"{self.instance.feed}.{name}"
            head = [f"{space}for ({place} = 0; {place} < {loop.count}; ++{place}) {{"]
        else:
            count = f"int32_t {name} = 0; {name} < {loop.count}; ++{name}"
            head = [f"{space}EB_ROLLED", f"{space}for ({count}) {{"]
        return [*head, *body, f"{space}}}"]


def fed_depth(program: Program, fed: str) -> int:
    """Nested loops around the deepest place of a program that waits for a row."""
    return max(
        (
            1 + fed_depth(item.body, fed)
            for item in program
            if isinstance(item, Loop) and fed in nodes_run(item.body)
        ),
        default=0,
    )


def loop_names(depth: int) -> str:
    """The loop variables of ``depth`` nested loops."""
    return ", ".join(map(_loop_name, range(depth)))


def _space(indent: int) -> str:
    """Deep loops are not indented out of sight."""
    return "    " * min(indent, 12)


def _loop_name(depth: int) -> str:
    """The variable of the loop inside of ``depth`` others."""
    return _INDEX[depth] if depth < len(_INDEX) else f"i{depth}"


def _comment(module: Module, stage: Stage, symbols: Mapping[str, str], number: int) -> list[str]:
    """What stands before a stage: its layers and the rows that are held."""
    nodes = {node.name: node for node in module.graph.nodes}
    inside = {name for node in stage.nodes for name in nodes[node].outputs}
    read = [
        name
        for node in stage.nodes
        for name in nodes[node].inputs
        if name in module.placements and name not in inside
    ]
    tensors = [*dict.fromkeys(read), *(name for n in stage.nodes for name in nodes[n].outputs)]
    lines = [
        f"/* Stage {number}: {len(symbols)} layers, row by row. Each call computes the next row of "
        "its layer, and stands",
        " * where a later layer needs that row. Rows in memory of",
    ]
    for name in tensors:
        tensor = module.graph.tensors[name]
        ring = row_place(module, tensor)[1]
        held = f"{ring} of {tensor.rows}" if ring else f"all {tensor.rows}"
        lines.append(f" *   {module.names[name]}: {held}")
    for name, _ in stage.accumulators:
        lines.append(comment(f"{name} takes the rows of its input as they come."))
    return [*lines, " */"]
