"""What a record says of the network: layers with shapes, kernels, weights and edges."""

from __future__ import annotations

from edgebottle.codegen.model import ModelSource
from edgebottle.ir.graph import Graph, Node, Tensor
from edgebottle.plan.plan import Plan
from hil.network import Network, NodeRecord, TensorRecord


def describe(graph: Graph, plan: Plan, source: ModelSource) -> Network:
    """The network as it runs.

    Args:
        graph: After the passes, as its schedule computes it.
        plan: Its plan.
        source: The C made from both.
    """
    kernels = {choice.layer: choice for choice in source.kernels}
    running = [step for step in plan.steps if not step.elided]
    steps = {
        name: number
        for number, step in enumerate(running)
        for name in (step.stage.nodes if step.stage else (step.node,))
    }
    order = [
        name for step in plan.steps for name in (step.stage.nodes if step.stage else (step.node,))
    ]
    nodes = {node.name: node for node in graph.nodes}
    computed = {name: None for name in graph.inputs}
    computed.update((name, None) for node in graph.nodes for name in node.outputs)

    def record(node: Node) -> NodeRecord:
        choice = kernels.get(node.name)
        ins = [tensor for tensor in graph.ins(node) if tensor is not None]
        return NodeRecord(
            name=node.name,
            op=node.OP,
            inputs=tuple(tensor.name for tensor in ins if tensor.name in computed),
            outputs=node.outputs,
            constants=tuple(_tensor(tensor) for tensor in ins if tensor.data is not None),
            kernel=choice.kernel if choice else "",
            flash_bytes=choice.constants if choice else 0,
            step=steps.get(node.name),
        )

    return Network(
        inputs=graph.inputs,
        outputs=graph.outputs,
        tensors=tuple(_tensor(graph.tensors[name]) for name in computed),
        nodes=tuple(record(nodes[name]) for name in order),
    )


def _tensor(tensor: Tensor) -> TensorRecord:
    scales = tensor.quant.scale if tensor.quant else ()
    ends = (min(scales), max(scales)) if len(scales) > 1 else scales
    return TensorRecord(
        name=tensor.name,
        shape=tuple(int(size) for size in tensor.shape),
        dtype=tensor.dtype.label,
        nbytes=tensor.nbytes,
        scales=tuple(float(scale) for scale in ends),
        channels=len(scales),
        zero_point=int(tensor.quant.zero_point[0]) if tensor.quant else None,
    )
