"""Binds the bench application to the task of a benchmark, whose runner sends and expects its own.

MLPerf Tiny's runner sends the bytes of its data files: unsigned pixels, floats. The reference
firmware makes of them what its network takes; so does ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from edgebottle import __version__
from edgebottle.codegen.project import Project, remade
from edgebottle.errors import BadInput, BadModel, DoesNotFit
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph

_BINDING = "src/task_binding.h"


class SentInput(Enum):
    """What the runner sends of an input."""

    STORED = "its int8 values"
    UNSIGNED = "unsigned bytes, 128 more than int8"
    FLOATS = "32-bit floats"


@dataclass(frozen=True)
class BenchmarkTask:
    """A task of MLPerf Tiny.

    Attributes:
        name: As the runner and its data folder call it.
        about: What is told apart.
        sent: What comes of an input.
        is_distance: The result is the mean of the squares of output minus input; else it is what
            the network computes.
    """

    name: str
    about: str
    sent: SentInput
    is_distance: bool = False


TASKS: Mapping[str, BenchmarkTask] = {
    task.name: task
    for task in (
        BenchmarkTask(
            "ad01", "anomaly detection in the sound of machines", SentInput.FLOATS, is_distance=True
        ),
        BenchmarkTask("ic01", "image classification, CIFAR-10", SentInput.UNSIGNED),
        BenchmarkTask("kws01", "keyword spotting", SentInput.STORED),
        BenchmarkTask("vww01", "visual wake words: a person or none", SentInput.UNSIGNED),
    )
}
"""Source: benchmark/runner of MLCommons' repository ``tiny``, as of May 2026."""


def with_task(project: Project, task: BenchmarkTask | None, graph: Graph) -> Project:
    """A project whose bench application serves a task.

    Args:
        project: Of the network.
        task: What it is to serve; None for a project as it was.
        graph: The network.

    Raises:
        BadModel: the network is not one for this task.
        DoesNotFit: there is no memory for a copy of the input, which several runs need, and energy
            mode as well.
    """
    if task is not None:
        _check(task, graph)
    if project.board.has_pulses:
        _check_copy(project, "energy mode")
    if task is None:
        return project
    _check_copy(project, task.name)
    files = {**project.files, _BINDING: _binding(task, graph).encode()}
    return remade(replace(project, files=files))


def input_bytes(task: BenchmarkTask, graph: Graph) -> int:
    """Bytes that the runner sends of an input."""
    elements = int(np.prod(graph.tensors[graph.inputs[0]].shape))
    return 4 * elements if task.sent is SentInput.FLOATS else elements


def find_task(name: str) -> BenchmarkTask:
    """The task of this name; raises ``BadInput``."""
    if name not in TASKS:
        raise BadInput(f"there is no task {name!r}: the tasks are {', '.join(TASKS)}")
    return TASKS[name]


def _check(task: BenchmarkTask, graph: Graph) -> None:
    ports = [graph.tensors[name] for name in (*graph.inputs, *graph.outputs)]
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise BadModel(f"{task.name} is for networks of one input and one output")
    if any(port.dtype is not DType.I8 for port in ports):
        raise BadModel(f"{task.name} is for networks whose input and output are int8")
    sizes = [int(np.prod(port.shape)) for port in ports]
    if task.is_distance and sizes[0] != sizes[1]:
        raise BadModel(
            f"{task.name} compares output and input, which are of {sizes[1]} and {sizes[0]} values"
        )


def _check_copy(project: Project, who: str) -> None:
    """Raises ``DoesNotFit`` where one input cannot be run several times."""
    if project.input_buffer == 0:
        raise DoesNotFit(
            f"{project.board.id} has no memory left for a copy of the input, and a run uses the "
            f"input up: {who} runs it several times. Choose --schedule min-ram, without "
            "--input rows, or a larger board"
        )


def _binding(task: BenchmarkTask, graph: Graph) -> str:
    elements = int(np.prod(graph.tensors[graph.inputs[0]].shape))
    floats = elements if task.sent is SentInput.FLOATS else 0
    return f"""/* The task {task.name}. Written by edgebottle {__version__}. */
#ifndef TASK_BINDING_H
#define TASK_BINDING_H

#define EB_BENCH_MODEL_VERSION "{task.name}"
#define EB_BENCH_UNSIGNED {int(task.sent is SentInput.UNSIGNED)}
#define EB_BENCH_FLOATS {floats}
#define EB_BENCH_DISTANCE {int(task.is_distance)}

#endif
"""
