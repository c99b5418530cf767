"""Records: one JSON line per measurement, append-only."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from edgebottle.detection.precision import LabelPrecision, mean_precision
from edgebottle.errors import BadInput
from edgebottle.files import read_file
from hil.confusion import Confusion, class_figures, matrix
from hil.energy_record import EnergyRecord
from hil.lines import append_line
from hil.network import Network, network_from_json
from hil.pictures import PictureRecord
from hil.recovery import RecoveryStep, steps_from_json
from hil.system_record import SystemRecord
from hil.virtual.timing.cycles import Cycles

FORMAT = 1
"""Version of the record format."""

MAX_FILE_BYTES = 256 * 1024 * 1024
"""A larger file holds no records."""

MAX_MATRIX = 100
"""Classes up to which a record's JSON has the whole confusion matrix, zeros included."""

_LARGEST = 1 << 63
"""No figure of a measurement is as large."""


@dataclass(frozen=True)
class LayerRecord:
    """One step of the model.

    Attributes:
        name: Layer.
        op: Operator.
        macs: Multiply-accumulates.
        instructions: Exact count of one run on the virtual board; None on a real one.
        cycles: CPU cycles, modelled or measured as the record's ``cycles_kind`` says; None where
            there are none.
        output_bytes: Bytes of the layer's outputs.
        matches: The layer's output equals the reference, None if it was not compared.
        cycle_parts: Modelled cycles by where they go, None where they are not modelled.
    """

    name: str
    op: str
    macs: int
    instructions: int | None
    cycles: int | None
    output_bytes: int
    matches: bool | None = None
    cycle_parts: Cycles | None = None


@dataclass(frozen=True)
class MemoryBlock:
    """A tensor or a scratch in the arena, for the picture of memory over time.

    Attributes:
        name: Tensor, or what the scratch is for.
        offset: First byte in the arena.
        nbytes: Bytes.
        first: Step from which on it is there; -1 for an input or a state.
        last: Last step that needs it; the number of steps for an output or a state.
    """

    name: str
    offset: int
    nbytes: int
    first: int
    last: int


@dataclass(frozen=True)
class Ram:
    """Bytes of RAM.

    Attributes:
        arena: Inputs, outputs, activations, state, scratch and copied weights: all of the
            network's memory.
        stack: Its high-water mark; what is reserved where nothing was run.
        static: The bench application's own variables.
    """

    arena: int
    stack: int
    static: int

    @property
    def bytes(self) -> int:
        """All of it."""
        return self.arena + self.stack + self.static

    def to_json(self) -> dict[str, int]:
        """With the total."""
        return {"bytes": self.bytes, **asdict(self)}


@dataclass(frozen=True)
class Flash:
    """Bytes of flash.

    Attributes:
        weights: Constants of the model.
        code: Everything else.
    """

    weights: int
    code: int

    @property
    def bytes(self) -> int:
        """All of it."""
        return self.weights + self.code

    def to_json(self) -> dict[str, int]:
        """With the total."""
        return {"bytes": self.bytes, **asdict(self)}


@dataclass(frozen=True)
class Record:
    """One measurement of one model on one board.

    Attributes:
        time: UTC, ISO 8601.
        model: Name of the model.
        model_hash: SHA-256 of the model file.
        image_hash: CRC-32 of the firmware image, 8 hex digits, as the board itself reported it.
        board: Board id.
        virtual: Run on the virtual board.
        compiler: Name and version.
        flags: Compiler flags.
        schedule: ``layers``, ``min-ram``, ``min-time`` or ``patches``.
        macs: Multiply-accumulates of one run.
        ram: Bytes; the stack is its high-water mark.
        flash: Bytes.
        lower_bound: Proven lower bound of the arena for these lifetimes.
        instructions: Of one run, exact (virtual board; under Linux of 64 bits on one thread);
            None on a real board.
        latency_us: Smallest, median and largest latency of one run; modelled on a virtual board.
        latency_kind: ``modelled``, ``measured``, or of what is at a port and can be no such chip
            ``emulated`` or ``doubtful``.
        layers: Per step.
        memory: The arena map.
        samples: How many samples were run.
        correct: How many of them were classified right; None without labels.
        match: All outputs agree with the reference.
        output_crc: CRC-32 over all outputs of all samples, 8 hex digits.
        attempts: Attempts the measurement took.
        edgebottle: Version.
        exact: Outputs were compared to the last bit; False: floating point, within a tolerance.
        steps: What runs one after the other: layers, and stages of layers; empty where each layer
            is a step.
        cycles: CPU cycles of one run; None where nothing counts or models them.
        cycles_kind: As ``latency_kind``; empty without cycles.
        clock_hz: Of the CPU; None in old records.
        reference: What the outputs were compared with: ``LiteRT`` with its version, or ``NumPy``.
        litert_refusal: Why LiteRT was not the reference; empty where it was, and in old records.
        inputs: In words, what the numbers of the file of samples were taken for.
        confusion: Right classes and answers; empty without labels.
        network: Layers with shapes, kernels, weights and edges; None in old records.
        detection: Of a detector, how well it finds each label; empty without true boxes.
        pictures: The first images, with their boxes.
        remarks: What else a reader should know of the measurement, in sentences.
        windows_us: Mean latency of a run each time that all samples were timed; empty where that
            was once.
        system: Of a computer that runs Linux, what it is and how fast its clock was.
        energy: What the board took from its supply; None where no meter measured it.
        threads: That shared the rows of a layer.
        recovery: What had to be done about a board that was silent at first, and what was seen.
        host: The other computer whose board it was, as ``bench.toml`` calls it; empty for none.
        baud: Symbols per second of the board's line; None where it has no rate, and in old
            records.
        format: Version of this format.
    """

    time: str
    model: str
    model_hash: str
    image_hash: str
    board: str
    virtual: bool
    compiler: str
    flags: str
    schedule: str
    macs: int
    ram: Ram
    flash: Flash
    lower_bound: int
    instructions: int | None
    latency_us: tuple[float, float, float]
    latency_kind: str
    layers: tuple[LayerRecord, ...]
    memory: tuple[MemoryBlock, ...]
    samples: int
    correct: int | None
    match: bool
    output_crc: str
    attempts: int
    edgebottle: str
    exact: bool = True
    steps: tuple[str, ...] = ()
    cycles: int | None = None
    cycles_kind: str = ""
    clock_hz: int | None = None
    reference: str = "NumPy"
    litert_refusal: str = ""
    inputs: str = ""
    confusion: tuple[Confusion, ...] = ()
    network: Network | None = None
    detection: tuple[LabelPrecision, ...] = ()
    pictures: tuple[PictureRecord, ...] = ()
    remarks: tuple[str, ...] = ()
    windows_us: tuple[float, ...] = ()
    system: SystemRecord | None = None
    energy: EnergyRecord | None = None
    threads: int = 1
    recovery: tuple[RecoveryStep, ...] = ()
    host: str = ""
    baud: int | None = None
    format: int = field(default=FORMAT)

    @property
    def step_names(self) -> tuple[str, ...]:
        """The steps that ``memory`` counts."""
        return self.steps or tuple(layer.name for layer in self.layers)

    @property
    def accuracy(self) -> float | None:
        """Share of samples classified right."""
        return None if self.correct is None or not self.samples else self.correct / self.samples

    @property
    def mean_precision(self) -> float | None:
        """The mean over labels with true boxes; None where there are none."""
        has_truths = any(one.truths for one in self.detection)
        return mean_precision(self.detection) if has_truths else None

    def milliseconds(self, cycles: int | None) -> float | None:
        """What ``cycles`` take; None where either is unknown."""
        return None if cycles is None or not self.clock_hz else cycles / self.clock_hz * 1000

    def to_json(self) -> dict[str, Any]:
        """JSON-ready, totals and the milliseconds of each layer included."""
        out = asdict(self)
        for layer in out["layers"]:
            layer["ms"] = self.milliseconds(layer["cycles"])
        out["ram"], out["flash"] = self.ram.to_json(), self.flash.to_json()
        out["accuracy"] = self.accuracy
        out["mean_precision"] = self.mean_precision
        figures = class_figures(self.confusion)
        out["classes"] = [asdict(item) for item in figures]
        if len(figures) <= MAX_MATRIX:
            out["confusion_matrix"] = matrix(self.confusion)
        return out

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Record:
        """Inverse of ``to_json``; raises ``BadInput`` for anything else."""
        try:
            if data.get("format") != FORMAT:
                raise BadInput(f"record format {data.get('format')!r}: this version reads {FORMAT}")
            known = {f.name for f in fields(cls)}
            values = {key: value for key, value in data.items() if key in known}
            ram, flash = data["ram"], data["flash"]
            values["ram"] = Ram(ram["arena"], ram["stack"], ram["static"])
            values["flash"] = Flash(flash["weights"], flash["code"])
            values["layers"] = tuple(_layer(layer) for layer in data["layers"])
            values["memory"] = tuple(MemoryBlock(**block) for block in data["memory"])
            low, middle, high = data["latency_us"]
            values["latency_us"] = (low, middle, high)
            values["steps"] = tuple(data.get("steps", ()))
            values["confusion"] = tuple(Confusion(**x) for x in data.get("confusion", ()))
            values["detection"] = tuple(LabelPrecision(**x) for x in data.get("detection", ()))
            values["pictures"] = tuple(map(PictureRecord.from_json, data.get("pictures", ())))
            values["remarks"] = tuple(data.get("remarks", ()))
            values["windows_us"] = tuple(data.get("windows_us", ()))
            system = data.get("system")
            values["system"] = None if system is None else SystemRecord(**system)
            values["energy"] = EnergyRecord.from_json(data.get("energy"))
            values["recovery"] = steps_from_json(data.get("recovery", ()))
            values["network"] = network_from_json(data.get("network"))
            record = cls(**values)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"not an edgebottle record ({error!r})") from error
        _check_types(record)
        return record


def _layer(data: dict[str, Any]) -> LayerRecord:
    values = {**data}
    values.pop("ms", None)
    if values.get("cycle_parts") is not None:
        values["cycle_parts"] = Cycles(**values["cycle_parts"])
    return LayerRecord(**values)


_LOWEST = {
    "first": -1,
    "last": -1,
    "zero_point": -_LARGEST,
    "celsius_before": -273,
    "celsius_after": -273,
}
"""Of the numbers that may be negative; no other number is."""

_ANY_NUMBER = ("scales",)
"""Fields that hold whatever a model file says: there are files with negative scales."""


def _check_types(item: Any) -> None:
    """Raises ``BadInput`` where a field of a record holds what its type does not allow."""
    for entry in fields(item):
        value, kind = getattr(item, entry.name), str(entry.type)
        if kind.startswith("tuple["):
            kind = kind.removeprefix("tuple[").partition(",")[0]
        else:
            value = (value,)
        for element in value:
            if is_dataclass(element):
                _check_types(element)
            elif not _fits(element, kind, entry.name):
                raise BadInput(f"not an edgebottle record ({entry.name} is {element!r:.60})")


def _fits(value: Any, kind: str, name: str) -> bool:
    """``value`` is of the type that the annotation ``kind`` names, and no impossible number."""
    if value is None:
        return kind.endswith("| None")
    if kind.startswith(("int", "float")):
        types = int if kind.startswith("int") else int | float
        number = isinstance(value, types) and not isinstance(value, bool)
        return number and (name in _ANY_NUMBER or _LOWEST.get(name, 0) <= value < _LARGEST)
    return isinstance(value, bool if kind.startswith("bool") else str)


def append(path: Path, record: Record) -> None:
    """Appends one line to ``path``: all of it, or nothing.

    Raises:
        BadInput: it cannot be written; the file is as it was.
    """
    append_line(path, record.to_json(), "record")


@dataclass(frozen=True)
class RecordFile:
    """What a file of records holds.

    Attributes:
        records: Those that can be read, in the file's order.
        broken: For each line that cannot be read, where it is and what is wrong with it.
    """

    records: tuple[Record, ...]
    broken: tuple[str, ...]


def read(path: Path) -> RecordFile:
    """Reads the records of ``path``, past lines that are broken.

    Raises:
        BadInput: there is no such file, or it has no record that can be read.
    """
    records, broken = [], []
    for number, line in enumerate(read_file(path, MAX_FILE_BYTES).split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            records.append(_parse(line))
        except BadInput as error:
            broken.append(f"{path}, line {number}: {error}")
    if not records:
        raise BadInput(broken[0] if broken else f"{path} holds no records")
    return RecordFile(tuple(records), tuple(broken))


def _parse(line: bytes) -> Record:
    try:
        data = json.loads(line.decode())
    except UnicodeDecodeError:
        raise BadInput("not text") from None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"not JSON ({getattr(error, 'msg', 'too deep or too long')})") from None
    return Record.from_json(data)
