"""What a record says of its network: all of it, and true to plan and C."""

import pytest

from edgebottle.arena_blocks import step_labels
from edgebottle.boards import load_board
from edgebottle.codegen.project import write_project
from edgebottle.describe import describe
from edgebottle.fit import Wish, fit
from edgebottle.pipeline import load
from edgebottle.plan.schedules import Schedule
from edgebottle.zoo import DEFAULT
from hil.records import Record
from tests.report.make_record import make_record


@pytest.mark.parametrize("schedule", [Schedule.LAYERS, Schedule.MIN_RAM])
def test_the_network_of_a_record(schedule: Schedule) -> None:
    board = load_board("stm32f746")
    fitted = fit(load(DEFAULT).graph, board, Wish(schedule=schedule))
    graph, plan = fitted.graph, fitted.plan
    project = write_project(graph, plan, board)
    network = describe(graph, plan, project.source)
    assert {node.name for node in network.nodes} == {node.name for node in graph.nodes}
    running = [node.name for node in network.nodes if node.step is not None]
    assert running == [layer for layer, _ in project.source.steps]
    assert sum(node.flash_bytes for node in network.nodes) == project.source.weight_bytes
    steps = [node.step for node in network.nodes if node.step is not None]
    assert steps == sorted(steps) and set(steps) == set(range(len(step_labels(plan))))
    known = {tensor.name: tensor for tensor in network.tensors}
    written = set(network.inputs)
    for node in network.nodes:
        assert set(node.inputs) <= written and (node.kernel != "") == (node.step is not None)
        written |= set(node.outputs)
    assert written == set(known) >= set(network.outputs)
    assert all(known[name].shape == graph.tensors[name].shape for name in known)
    record = make_record(network=network)
    assert Record.from_json(record.to_json()) == record
