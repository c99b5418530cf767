"""Mutated ONNX files through the importer: an error of ours, or a network, and nothing else.

    python -m tests.fuzz.onnx_mutations --count 5000 --seed 1

Bytes are changed and cut off, and the decoded model is: nodes go, change places and get other
inputs, attributes, sizes and types. A failing file is kept in the folder of ``--keep``.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from edgebottle.conversion import Reading, convert_onnx
from edgebottle.errors import EdgebottleError
from edgebottle.importers import import_model

SLOW_S = 20.0
"""A file that takes longer is a hang."""

NUMBERS = (-(2**63), -(2**31), -7, -1, 0, 1, 2, 3, 5, 64, 1000, 2**20, 2**31 - 1, 2**40, 2**63 - 1)

Mutate = Callable[[random.Random, Any], None]


def _node(chance: random.Random, model: Any) -> Any:
    return chance.choice(model.graph.node)


def _drop(chance: random.Random, model: Any) -> None:
    del model.graph.node[chance.randrange(len(model.graph.node))]


def _swap(chance: random.Random, model: Any) -> None:
    a, b = (_node(chance, model) for _ in range(2))
    kept = type(a)()
    kept.CopyFrom(a)
    a.CopyFrom(b)
    b.CopyFrom(kept)


def _rewire(chance: random.Random, model: Any) -> None:
    node = _node(chance, model)
    names = [name for one in model.graph.node for name in (*one.input, *one.output)] + ["", "?"]
    side = chance.choice([node.input, node.output])
    if side:
        side[chance.randrange(len(side))] = chance.choice(names)


def _operator(chance: random.Random, model: Any) -> None:
    others = [one.op_type for one in model.graph.node] + ["Loop", "If", "Foo", "Shape", "Tile"]
    others += ["Resize", "Gather", "Expand", "ConstantOfShape", "Slice", "DequantizeLinear", "LSTM"]
    _node(chance, model).op_type = chance.choice(others)


def _attribute(chance: random.Random, model: Any) -> None:
    node = _node(chance, model)
    if not node.attribute:
        node.attribute.append(onnx.helper.make_attribute("axis", chance.choice(NUMBERS)))
        return
    attribute = chance.choice(node.attribute)
    if attribute.ints:
        index = chance.randrange(len(attribute.ints))
        attribute.ints[index] = chance.choice(NUMBERS)
        if chance.random() < 0.2:
            del attribute.ints[index]
    elif attribute.HasField("f"):
        attribute.f = chance.choice([0.0, -1.0, 1e30, float("nan"), float("inf")])
    else:
        attribute.i = chance.choice(NUMBERS)
    if chance.random() < 0.1:
        attribute.name = "other"
    if chance.random() < 0.1:
        attribute.type = chance.randrange(0, 15)


def _shape(chance: random.Random, model: Any) -> None:
    one = chance.choice(model.graph.input)
    dims = one.type.tensor_type.shape.dim
    if not dims or chance.random() < 0.1:
        one.type.tensor_type.ClearField("shape")
        return
    dim = chance.choice(dims)
    dim.dim_value = chance.choice([-1, 0, 1, 2, 7, 500, 2**20, 2**40])
    if chance.random() < 0.2:
        dim.dim_param = "free"


def _constant(chance: random.Random, model: Any) -> None:
    if not model.graph.initializer:
        return
    tensor = chance.choice(model.graph.initializer)
    choice = chance.random()
    if choice < 0.3 and tensor.dims:
        tensor.dims[chance.randrange(len(tensor.dims))] = chance.choice(NUMBERS)
    elif choice < 0.5:
        tensor.data_type = chance.randrange(0, 24)
    elif choice < 0.6:
        tensor.data_location = onnx.TensorProto.EXTERNAL
    else:
        value = numpy_helper.to_array(tensor).copy()
        if value.size and value.dtype in (np.float32, np.int64):
            number = chance.choice(NUMBERS[4:12]) if value.dtype.kind == "i" else float("nan")
            value.flat[chance.randrange(value.size)] = number
        tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))


def _whole(chance: random.Random, model: Any) -> None:
    choice = chance.random()
    if choice < 0.3:
        model.opset_import[0].version = chance.choice([0, 1, 6, 7, 9, 11, 13, 18, 21, 99, 2**40])
    elif choice < 0.5:
        _node(chance, model).domain = "com.example"
    elif choice < 0.7:
        model.graph.output[0].name = chance.choice([one.name for one in model.graph.input])
    elif choice < 0.85:
        model.graph.output.append(model.graph.output[0])
    else:
        model.graph.input[0].type.tensor_type.elem_type = chance.randrange(0, 24)


MUTATIONS: tuple[Mutate, ...] = (
    *(_drop, _swap, _rewire, _operator, _attribute, _shape, _constant, _whole),
)


def mutated(chance: random.Random, data: bytes) -> bytes:
    """Another file."""
    if chance.random() < 0.3:
        changed = bytearray(data)
        for _ in range(chance.choice([1, 1, 2, 8])):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        return bytes(
            changed[: chance.randrange(len(changed))] if chance.random() < 0.2 else changed
        )
    model = onnx.load_model_from_string(data)
    for _ in range(chance.choice([1, 1, 2, 3])):
        if model.graph.node and model.graph.input and model.graph.output:
            with suppress(Exception):  # two mutations may be in each other's way
                chance.choice(MUTATIONS)(chance, model)
    return bytes(model.SerializeToString())


def outcome(data: bytes) -> str:
    """``network``, or the name of the error; raises whatever must not be."""
    try:
        converted, _ = convert_onnx(data, "fuzz", Reading())
        import_model(converted, "fuzz", ".tflite")
    except EdgebottleError as error:
        text = str(error)
        assert "\n" not in text, text
        return type(error).__name__
    return "network"


def main() -> int:
    from tests.importers.test_onnx import CASES
    from tests.importers.test_onnx_quantized import quantized_model

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("onnx-fuzz"))
    parser.add_argument("models", type=Path, nargs="*", help="further files to mutate")
    arguments = parser.parse_args()
    seeds = [*CASES.values(), quantized_model(True)]
    seeds += [path.read_bytes() for path in arguments.models]
    counts: Counter[str] = Counter()
    for number in range(arguments.count):
        chance = random.Random(f"{arguments.seed}-{number}")
        data = mutated(chance, chance.choice(seeds))
        start = time.monotonic()
        try:
            kind = outcome(data)
        except Exception:  # what this command is for
            kind = "TRACEBACK"
            print(f"{number}: {traceback.format_exc(limit=-3)}")
        if time.monotonic() - start > SLOW_S:
            kind = "SLOW"
        counts[kind] += 1
        if kind in ("TRACEBACK", "SLOW"):
            arguments.keep.mkdir(exist_ok=True)
            (arguments.keep / f"{arguments.seed}-{number}.onnx").write_bytes(data)
    print(dict(counts))
    return 1 if counts["TRACEBACK"] + counts["SLOW"] else 0


if __name__ == "__main__":
    sys.exit(main())
