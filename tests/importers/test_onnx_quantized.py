"""Integer networks of ONNX: QDQ as exporters write them, and what onnxruntime's quantizer does."""

from pathlib import Path

import numpy as np
import pytest

from edgebottle.ir.graph import Array
from edgebottle.litert import LiteRTModel
from tests.importers.onnx_models import IMAGE, expected, graph_of, model, node, read, run, weights


def quantized_model(unsigned: bool) -> bytes:
    """A network between QuantizeLinear and DequantizeLinear, as exporters write it."""
    point = np.array(120, np.uint8) if unsigned else np.array(-8, np.int8)
    integers = np.random.default_rng(3).integers(-127, 128, (4, 3, 3, 3)).astype(np.int8)
    scales = (0.004 + 0.002 * np.arange(4)).astype(np.float32)
    constants = {
        **{"a": np.array(0.02, np.float32), "z": point, "c": np.array(0.07, np.float32)},
        **{"wi": integers, "ws": scales, "wz": np.zeros(4, np.int8)},
        **(
            {"wi": integers.astype(np.uint8) ^ 128, "wz": np.full(4, 128, np.uint8)}
            if unsigned
            else {}
        ),
        **{"bi": np.array([100, -2000, 30, 4000], np.int32), "bs": scales * np.float32(0.02)},
        **{"di": integers.reshape(9, 12)[:, :4].T.copy(), "ds": np.array(0.01, np.float32)},
    }
    steps = [
        *(node("QuantizeLinear", "x a z", "xq"), node("DequantizeLinear", "xq a z", "xr")),
        node("DequantizeLinear", "wi ws wz", "w", axis=0),
        node("DequantizeLinear", "bi bs", "b", axis=0),
        *(node("Conv", "xr w b", "k", pads=[1, 1, 1, 1]), node("Relu", "k", "r")),
        *(node("QuantizeLinear", "r c z", "rq"), node("DequantizeLinear", "rq c z", "rr")),
        node("MaxPool", "rr", "m", kernel_shape=[2, 2], strides=[2, 2]),
        node("GlobalAveragePool", "m", "g"),
        *(node("QuantizeLinear", "g c z", "gq"), node("DequantizeLinear", "gq c z", "gr")),
        *(node("Flatten", "gr", "f"), node("DequantizeLinear", "di ds", "d")),
        node("MatMul", "f d", "y0"),
        *(node("QuantizeLinear", "y0 c z", "yq"), node("DequantizeLinear", "yq c z", "y")),
    ]
    return model(steps, IMAGE, constants)


@pytest.mark.parametrize("unsigned", [False, True])
def test_quantized_networks_become_integer_networks(unsigned: bool, tmp_path: Path) -> None:
    data = quantized_model(unsigned)
    file = read(data, tmp_path)
    graph = graph_of(file)
    kinds = [(one.OP, graph.outs(one)[0].dtype.label) for one in graph.nodes]
    assert kinds[0] == ("QUANTIZE", "i8")
    assert kinds[-1] == ("DEQUANTIZE", "f32")
    assert {dtype for _, dtype in kinds[:-1]} == {"i8"}
    assert {"CONV_2D", "MAX_POOL_2D", "MEAN", "FULLY_CONNECTED"} <= {op for op, _ in kinds}
    values = [weights(1, 3, 8, 6)]
    (ours,), (theirs,) = run(file, values), expected(data, values)
    assert np.abs(ours - theirs).max() <= 2 * 0.07 * 1.01  # of three layers, each rounds elsewhere
    assert np.abs(theirs).max() > 10 * 0.07


OWN = {"domain": "com.microsoft"}
OF = {"q": "a z", "g": "s o", **dict.fromkeys("kpmtuvhfl", "c z")}
"""Scale and zero point of each tensor of the network below."""


def quantizer_constants(seed: int) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    return {
        **{"a": np.array(0.02, np.float32), "z": np.array(120, np.uint8)},
        **{"c": np.array(0.06, np.float32), "s": np.array(1 / 256, np.float32)},
        **{"o": np.array(0, np.uint8), "ws": np.array([0.004, 0.006, 0.008], np.float32)},
        **{"wz": np.zeros(3, np.int8), "w": rng.integers(-127, 128, (3, 3, 1, 1)).astype(np.int8)},
        **{"b": np.array([100, -2000, 300], np.int32), "ds": np.array(0.01, np.float32)},
        **{"dz": np.array(0, np.int8), "d": rng.integers(-127, 128, (6, 4)).astype(np.int8)},
        "e": np.array([9, -900, 0, 70], np.int32),
    }


QUANTIZER = [
    node("QuantizeLinear", "x a z", "q"),
    node("QLinearConv", "q a z w ws wz c z b", "k"),
    node("QLinearAdd", "k c z q a z c z", "p", **OWN),
    node("QLinearSigmoid", "p c z s o", "g", **OWN),
    node("QLinearMul", "p c z g s o c z", "m", **OWN),
    node("QLinearConcat", "c z m c z p c z", "t", axis=1, **OWN),
    node("MaxPool", "t", "u", kernel_shape=[2, 2], strides=[2, 2]),
    node("QLinearAveragePool", "u c z c z", "v", kernel_shape=[2, 3], **OWN),
    node("QLinearGlobalAveragePool", "v c z c z", "h", **OWN),
    *(node("Flatten", "h", "f"), node("QGemm", "f c z d ds dz e c z", "l", **OWN)),
]
"""What onnxruntime's quantizer writes with QuantFormat.QOperator."""


def test_operators_of_onnxruntimes_quantizer(tmp_path: Path) -> None:
    """Steps add up: one in an input of the dense layer is up to 1.27 in its output."""
    constants, domains = quantizer_constants(4), ("com.microsoft",)
    steps = [*QUANTIZER, node("DequantizeLinear", "l c z")]
    data, values = model(steps, IMAGE, constants, domains=domains), [weights(1, 3, 8, 6)]
    file = read(data, tmp_path)
    graph = graph_of(file)
    assert {graph.outs(one)[0].dtype.label for one in graph.nodes[:-1]} == {"i8"}
    (ours,), (theirs,) = run(file, values), expected(data, values)
    assert np.abs(ours - theirs).max() <= 2 * 0.06 * 1.01
    assert np.abs(theirs).max() > 10 * 0.06
    assert file.onnx is not None
    litert = LiteRTModel(file.data).run([values[0].transpose(file.onnx.inputs[0])])[0]
    assert litert.tolist() == ours.tolist()


def test_each_operator_of_the_quantizer_is_at_most_a_step_off(tmp_path: Path) -> None:
    """From the same inputs, those of onnxruntime."""
    constants, domains = quantizer_constants(6), ("com.microsoft",)
    reals = [node("DequantizeLinear", f"{name} {OF[name]}", f"{name}_y") for name in OF]
    outputs = [f"{name}_y" for name in OF]
    data = model([*QUANTIZER, *reals], IMAGE, constants, outputs, domains=domains)
    known = dict(zip(OF, expected(data, [2 * weights(1, 3, 8, 6)]), strict=True))
    off, count = 0, 0
    for step in QUANTIZER[1:]:
        (made,) = step.output
        given = [name for name in step.input if name in OF]
        stored = [node("QuantizeLinear", f"{name}_x {OF[name]}", name) for name in given]
        real = node("DequantizeLinear", f"{made} {OF[made]}")
        shapes = {f"{name}_x": known[name].shape for name in given}
        one = model([*stored, step, real], shapes, constants, domains=domains)
        (found,) = run(read(one, tmp_path), [known[name] for name in given])
        steps = np.abs(found - known[made]) / constants[OF[made].split()[0]]
        assert steps.max() <= 1.01, step.op_type
        off, count = off + int((steps > 0.5).sum()), count + steps.size
    assert 0 < off <= 0.01 * count
