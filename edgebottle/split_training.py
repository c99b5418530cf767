"""Makes a network that can be split of one that cannot, and measures what each rate gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgebottle.ir.graph import Array, Graph
from edgebottle.litert import LiteRTModel
from edgebottle.split.description import SplitFile, SplitPoint, split_data
from edgebottle.split.frames import HEADER_BYTES
from edgebottle.split.payload import PayloadCode
from edgebottle.split_exit import with_exit
from edgebottle.training import Progress, TrainingData
from quantize.lowbit.bits import LayerBits
from quantize.lowbit.checkpoint import LAST
from quantize.lowbit.network import FloatNetwork
from quantize.lowbit.recipe import TrainingRecipe
from quantize.lowbit.report import EpochRecord
from quantize.lowbit.samples import LabelledSamples, split
from quantize.split.report import ExitReport, Rate, SplitReport
from quantize.split.student import SplitPlan, Student, places, student_of

if TYPE_CHECKING:
    from quantize.lowbit.simulation import Simulation
    from quantize.lowbit.trainer import Task

OF_FEW_BITS = ("dampening", "freezing")
"""Methods for weights that jump between few levels: those of a split network have 8 bits."""

LEARNING_RATE = 5e-3
"""Unless a recipe says otherwise: the own steps of a student begin with nothing. Of 2e-3 and 5e-3
that which gave more on validation samples of sign language digits, by 2.1 points."""

GUIDED_SHARE = 0.4
"""Of the epochs, in which the student learns to compute what the teacher has inside."""

ENTROPY_PRICE = 0.2
"""Of a bottleneck that takes as many bits as packed, in the loss of entropic training."""

COUNTED_SAMPLES = 2000
"""Of those that are learned from: tables of the code are counted over them."""


class SplitMethod(Enum):
    """How the student of a split network is trained; each in the same epochs."""

    BOTTLEFIT = "bottlefit"
    """First its own steps compute what the teacher has inside, then all learn classes and the
    teacher's logits (Matsubara et al., 2022)."""

    BOTTLEFIT_FROZEN = "bottlefit-frozen"
    """The same, but that the head keeps what it has learned first."""

    ENTROPIC = "entropic"
    """As that, and what the head sends costs what it takes coded, so that it learns to send less
    (Matsubara et al., "Supervised Compression", 2022)."""

    DISTILLED = "distilled"
    """Classes and the teacher's logits, from the beginning (Hinton et al., 2015)."""

    AUTOENCODER = "autoencoder"
    """Its own steps compute what the teacher has inside; nothing else changes."""

    NAIVE = "naive"
    """Classes alone."""


def train_split(
    teacher: FloatNetwork,
    data: TrainingData,
    plan: SplitPlan,
    method: SplitMethod,
    recipe: TrainingRecipe,
    progress: Progress,
    told: Callable[[EpochRecord], None],
    *,
    folder: Path | None = None,
    resume: bool = False,
    early_exit: float | None = None,
) -> tuple[bytes, SplitReport]:
    """Trains a student of a network, and measures it.

    Args:
        teacher: The float network.
        data: From ``read_training_data``.
        plan: Where it is split, and what is sent.
        method: How the student is trained.
        recipe: With how many epochs in all; of its methods those of ``OF_FEW_BITS`` are left out.
        progress: Told what is being done.
        told: Called after each epoch.
        folder: Where each epoch is kept; None to keep none.
        resume: Go on from what is kept there.
        early_exit: Share of right answers, 0 to 1, of an early exit; None for no exit.

    Returns:
        The ``.tflite`` file of the whole network, and what is to be told of it.

    Raises:
        BadInput: it cannot be split there, or training does not converge.
    """
    progress("load Keras", 0, 0)
    learned, chosen = split(data.samples, recipe.validation, recipe.seed)
    used = _without(recipe, *OF_FEW_BITS)
    course = _Course(teacher, data, learned, chosen, used, folder)
    student = student_of(teacher, plan, recipe.seed)
    simulation, epochs = _run(course.tasks(student, method), progress, told, resume=resume)
    file = _file(simulation, student, learned, progress)
    rates = tuple(rates_of(file, data.test, progress))
    leaving: ExitReport | None = None
    if early_exit is not None:
        file, leaving = with_exit(file, learned, chosen, data.test, early_exit, progress)
    report = SplitReport(
        model=teacher.name,
        method=method.value,
        at=plan.at,
        shape=_shape(student),
        bits=plan.bits,
        samples=len(learned),
        validation=len(chosen),
        test=len(data.test),
        teacher=_float_accuracy(teacher, data.test, progress),
        rates=rates,
        epochs=epochs,
        bytes=len(file.data),
        exit=leaving,
    )
    return file.data, report


def _float_accuracy(network: FloatNetwork, samples: LabelledSamples, progress: Progress) -> float:
    from quantize.lowbit.simulation import Simulation
    from quantize.lowbit.trainer import accuracy_of

    progress("test the float network", 0, 0)
    return accuracy_of(Simulation(network), samples)


def _run(
    tasks: tuple[Task, ...],
    progress: Progress,
    told: Callable[[EpochRecord], None],
    *,
    resume: bool,
) -> tuple[Simulation, tuple[EpochRecord, ...]]:
    """Trains one task after the other; what the last one gave, and the epochs of all."""
    from quantize.lowbit.trainer import Trainer

    simulation: Simulation | None = None
    epochs: list[EpochRecord] = []
    for task in tasks:
        begun = task if simulation is None else replace(task, network=simulation.trained())
        goes_on = resume and begun.folder is not None and (begun.folder / LAST).exists()
        trainer = Trainer(begun, progress, told)
        simulation = trainer.run(resume=goes_on)
        done = len(epochs)
        epochs += [replace(one, number=done + one.number) for one in trainer.epochs]
    assert simulation is not None, "every method has a task"
    return simulation, tuple(epochs)


@dataclass(frozen=True)
class _Course:
    """What the trainings of a method have in common."""

    teacher: FloatNetwork
    data: TrainingData
    learned: LabelledSamples
    chosen: LabelledSamples
    recipe: TrainingRecipe
    folder: Path | None

    def tasks(self, student: Student, method: SplitMethod) -> tuple[Task, ...]:
        """The trainings, in order; each begins with what the one before has learned."""
        epochs = self.recipe.epochs
        if method is SplitMethod.AUTOENCODER:
            return (self._guided(student, epochs, (student.decoder,)),)
        if method in (SplitMethod.DISTILLED, SplitMethod.NAIVE):
            return (self._tuned(student, epochs, method),)
        first = round(GUIDED_SHARE * epochs)
        if first in (0, epochs):
            return (self._tuned(student, epochs, method),)
        last = [one.name for one in places(self.teacher) if one.name in student.tail][-1:]
        price = ENTROPY_PRICE if method is SplitMethod.ENTROPIC else 0.0
        guided = self._guided(student, first, (student.decoder, *last), price)
        return guided, self._tuned(student, epochs - first, method)

    def _guided(
        self, student: Student, epochs: int, followed: tuple[str, ...], price: float = 0.0
    ) -> Task:
        at = {student.decoder: student.plan.at}
        recipe = _without(replace(self.recipe, epochs=epochs), "distillation")
        return self._task(
            *(student, recipe, "guided", price),
            fixed=student.tail,
            guides=tuple((name, at.get(name, name)) for name in followed),
        )

    def _tuned(self, student: Student, epochs: int, method: SplitMethod) -> Task:
        recipe = replace(self.recipe, epochs=epochs)
        if method is SplitMethod.NAIVE:
            recipe = _without(recipe, "distillation")
        is_frozen = method in (SplitMethod.BOTTLEFIT_FROZEN, SplitMethod.ENTROPIC)
        return self._task(student, recipe, "tuned", fixed=student.head if is_frozen else ())

    def _task(
        self, student: Student, recipe: TrainingRecipe, name: str, price: float = 0.0, **more: Any
    ) -> Task:
        from quantize.lowbit.trainer import Task

        return Task(
            student.network,
            student.bits(LayerBits()),
            recipe,
            self.learned,
            self.chosen,
            self.data.input_bounds,
            None if self.folder is None else self.folder / name,
            teacher=self.teacher,
            bottleneck=student.ordered(price),
            **more,
        )


def _without(recipe: TrainingRecipe, *names: str) -> TrainingRecipe:
    """Without some methods, where it has them."""
    return replace(recipe, methods=tuple(one for one in recipe.methods if one.NAME not in names))


def _shape(student: Student) -> tuple[int, int, int]:
    height, width, channels = next(
        step.shape for step in student.network.steps if step.name == student.bottleneck
    )
    return height, width, channels


def _file(
    simulation: Simulation, student: Student, learned: LabelledSamples, progress: Progress
) -> SplitFile:
    """The network as a file that says how its bottleneck is sent."""
    from keras import ops

    from quantize.lowbit.export import integer_network
    from quantize.lowbit.integers import integer_values
    from quantize.lowbit.trainer import PREDICTED

    graph: Graph = integer_network(simulation)
    zero = graph.tensors[student.bottleneck].zero_point
    lowest = simulation.grids[student.bottleneck].levels.lowest
    seen = []
    counted = min(COUNTED_SAMPLES, len(learned))
    for start in range(0, counted, PREDICTED):
        progress("count what is sent", start, counted)
        part = learned.values[start : min(start + PREDICTED, counted)]
        stored = integer_values(simulation, graph, part)[student.bottleneck]
        seen.append(np.asarray(ops.convert_to_numpy(stored)) - lowest)
    levels = np.concatenate(seen).astype(np.uint8)
    code = PayloadCode.counted(levels, 1 << student.plan.bits, student.plan.groups)
    point = SplitPoint(student.bottleneck, lowest, 1, zero - lowest, code)
    return SplitFile.of_bytes(split_data(graph, point), graph.name)


def rates_of(file: SplitFile, samples: LabelledSamples, progress: Progress) -> Iterator[Rate]:
    """What each rate gives, of the two halves in LiteRT, with all that is sent.

    Args:
        file: The split network.
        samples: Real values and classes.
        progress: Told how far it is.
    """
    from quantize.post.affine import quantized

    code, head, tail = file.split.code, LiteRTModel(file.head), LiteRTModel(file.tail)
    quant = file.graph.tensors[file.graph.inputs[0]].quant
    assert quant is not None, "everything is int8"
    sent: list[list[tuple[int, float]]] = [[] for _ in range(code.rates)]
    right = np.zeros(code.rates)
    for number, (value, label) in enumerate(zip(samples.values, samples.labels, strict=True)):
        progress("test each rate in LiteRT", number, len(samples))
        levels = file.split.levels(head.run([quantized(value[None], quant)])[0])
        for rate in range(1, code.rates + 1):
            payload, _ = code.encode(levels, rate)
            sent[rate - 1].append((len(payload), code.entropy_bits(levels, rate) / 8))
            shown: Array = file.split.stored(levels[:, :, : code.channels_at(rate)])
            right[rate - 1] += tail.run([shown])[0].argmax() == label
    for rate in range(1, code.rates + 1):
        lengths = np.array(sent[rate - 1])
        yield Rate(
            number=rate,
            channels=code.channels_at(rate),
            accuracy=float(right[rate - 1] / len(samples)),
            bytes=float(lengths[:, 0].mean() + HEADER_BYTES),
            most_bytes=int(lengths[:, 0].max() + HEADER_BYTES),
            packed_bytes=code.packed_bytes(rate) + HEADER_BYTES,
            entropy_bytes=float(lengths[:, 1].mean()),
        )
