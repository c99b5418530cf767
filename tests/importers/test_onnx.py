"""ONNX files: the same numbers as onnxruntime, channels last inside, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from edgebottle.conversion import Reading, convert_onnx
from edgebottle.errors import BadInput, BadModel, EdgebottleError, ToolMissing, UnsupportedOp
from edgebottle.importers.tflite import load_tflite
from edgebottle.litert import LiteRTModel
from tests.conftest import long
from tests.importers.onnx_backend import node_cases, tried
from tests.importers.onnx_models import (
    IMAGE,
    expected,
    graph_of,
    model,
    node,
    onnx,
    read,
    run,
    weights,
)

CONV = {"w": weights(4, 3, 3, 3), "b": weights(4)}
BATCH = {"s": weights(4), "o": weights(4), "m": weights(4), "v": np.abs(weights(4)) + 0.5}

CASES = {
    "conv_batch_relu": model(
        [
            node("Conv", "x w b", "c", pads=[1, 1, 1, 1]),
            node("BatchNormalization", "c s o m v", "n"),
            node("Relu", "n"),
        ],
        {"x": ("N", 3, 8, 6)},
        {**CONV, **BATCH},
    ),
    "asymmetric_pads": model(
        [node("Conv", "x w b", pads=[2, 0, 1, 1], strides=[2, 1])], IMAGE, CONV
    ),
    "residual_flatten_dense": model(
        [
            node("Conv", "x w", "c", pads=[1, 1, 1, 1]),
            node("Sigmoid", "c", "g"),
            node("Mul", "c g", "s"),
            node("Add", "s p", "a"),
            node("MaxPool", "a", "m", kernel_shape=[2, 2], strides=[2, 2]),
            node("Flatten", "m", "f"),
            node("Gemm", "f d e", transB=1),
        ],
        IMAGE,
        {"w": CONV["w"], "p": weights(4, 1, 1), "d": weights(5, 48), "e": weights(5)},
    ),
    "squeeze_and_excite": model(
        [
            node("Conv", "x w", "c"),
            node("GlobalAveragePool", "c", "g"),
            node("Conv", "g v", "h"),
            node("HardSigmoid", "h", "k"),
            node("Mul", "c k"),
        ],
        IMAGE,
        {"w": CONV["w"], "v": weights(4, 4, 1, 1)},
    ),
    "signal": model(
        [
            node("Conv", "x w", "c", dilations=[2], group=3),
            node("LeakyRelu", "c", "l", alpha=0.1),
            node("AveragePool", "l", "p", kernel_shape=[3], strides=[2], pads=[1, 0]),
            node("ConvTranspose", "p t", strides=[2], output_padding=[1]),
        ],
        {"x": (1, 3, 20)},
        {"w": weights(6, 1, 3), "t": weights(6, 2, 3)},
    ),
    "shapes_are_folded": model(
        [
            node("Shape", "x", "s"),
            node("Gather", "s i", "n"),
            node("Unsqueeze", "n a", "u"),
            node("Concat", "u r", "t", axis=0),
            node("Reshape", "x t", "f"),
            node("MatMul", "f d", "k"),
            node("Add", "k e"),
        ],
        {"x": ("N", 3, 4)},
        {
            **{"i": np.array(0), "a": np.array([0]), "r": np.array([-1])},
            **{"d": weights(12, 5), "e": weights(5)},
        },
    ),
    "softmax_over_channels": model(
        [node("Conv", "x w", "c"), node("Softmax", "c", axis=1)], IMAGE, {"w": CONV["w"]}
    ),
    "batch_norm_before_opset_9_and_old_softmax": model(
        [node("Clip", "x", "c", min=-0.5, max=0.75), node("Softmax", "c")],
        {"x": (1, 2, 5)},
        opset=7,
    ),
    "gru_both_ways": model(
        [node("GRU", "x w r b", "o y", hidden_size=3, direction="bidirectional")],
        {"x": (4, 1, 2)},
        {"w": weights(2, 9, 2), "r": weights(2, 9, 3), "b": weights(2, 18)},
    ),
    "lstm_with_peepholes": model(
        [node("LSTM", "x w r b _ _ _ p", hidden_size=3)],
        {"x": (3, 2, 2)},
        {"w": weights(1, 12, 2), "r": weights(1, 12, 3), "b": weights(1, 24), "p": weights(1, 9)},
    ),
    "lstm_of_lengths_clipped_and_coupled": model(
        [
            node(
                *("LSTM", "x w r b n h", "o y"),
                **{"hidden_size": 3, "clip": 0.4, "input_forget": 1, "direction": "reverse"},
                activations=["HardSigmoid", "Affine", "Softsign"],
                activation_alpha=[0.3, 0.8],
                activation_beta=[0.4, 0.1],
            )
        ],
        {"x": (5, 2, 2)},
        {
            **{"w": weights(1, 12, 2), "r": weights(1, 12, 3), "b": weights(1, 24)},
            **{"n": np.array([2, 4], np.int32), "h": weights(1, 2, 3)},
        },
        outputs=("y", "o"),
    ),
    "volume": model(
        [
            node("Conv", "x w b", "c", pads=[1, 0, 1, 0, 1, 1], strides=[2, 1, 1], group=3),
            node("MaxPool", "c", "m", kernel_shape=[2, 1, 2], dilations=[1, 1, 2]),
            node("ConvTranspose", "m t", strides=[2, 1, 2], output_padding=[1, 0, 1]),
        ],
        {"x": (1, 3, 5, 4, 6)},
        {"w": weights(6, 1, 3, 2, 2), "b": weights(6), "t": weights(6, 2, 2, 1, 3)},
    ),
    "resize_by_weights": model(
        [
            node("Conv", "x w", "c"),
            node("Resize", "c _ s", mode="cubic", coordinate_transformation_mode="half_pixel"),
        ],
        IMAGE,
        {"w": CONV["w"], "s": np.array([1, 1, 1.5, 0.75], np.float32)},
    ),
    "einsum_of_attention": model(
        [
            node("Einsum", "x k", "s", equation="bhqd,hkd->bhqk"),
            node("Softmax", "s", "p"),
            node("Einsum", "p x", equation="bhqk,bhkd->bqhd"),
        ],
        {"x": (2, 3, 4, 5)},
        {"k": weights(3, 4, 5)},
    ),
    "gathers_at_run_time": model(
        [
            *(node("TopK", "x k", "v i", axis=2), node("GatherElements", "x i", "g", axis=2)),
            *(node("OneHot", "i d o", "h"), node("ReduceProd", "h", "p", axes=[3], keepdims=0)),
            *(node("Add", "g v", "s"), node("Add", "s p")),
        ],
        {"x": (2, 3, 5)},
        {"k": np.array([2]), "d": np.array(5), "o": np.array([0.5, 2], np.float32)},
    ),
    "resize": model(
        [
            node("Conv", "x w", "c"),
            node("Resize", "c _ t", "n", mode="nearest"),
            node("Resize", "n _ s", mode="linear", coordinate_transformation_mode="align_corners"),
        ],
        IMAGE,
        {
            "w": CONV["w"],
            "t": np.array([1, 1, 2, 2], np.float32),
            "s": np.array([1, 1, 1.5, 1.25], np.float32),
        },
    ),
    "log_softmax_over_channels": model(
        [node("Conv", "x w", "c"), node("LogSoftmax", "c", axis=1)], IMAGE, {"w": CONV["w"]}
    ),
    "pool_behind_relu": model(
        [node("Relu", "x", "r"), node("MaxPool", "r", kernel_shape=[3, 3], pads=[1] * 4)], IMAGE
    ),
    "branch_of_a_constant": model(
        [
            node(
                "If",
                "k",
                then_branch=helper.make_graph(
                    [node("Sigmoid", "x", "t")],
                    "then",
                    [],
                    [helper.make_empty_tensor_value_info("t")],
                ),
                else_branch=helper.make_graph(
                    [node("Acosh", "x", "e")],
                    "else",
                    [],
                    [helper.make_empty_tensor_value_info("e")],
                ),
            )
        ],
        IMAGE,
        {"k": np.array(True)},
    ),
    "several_outputs": model(
        [
            *(node("Conv", "x w", "c"), node("Identity", "c", "i"), node("Relu", "c", "r")),
            *(node("Identity", "i", "z"), node("Transpose", "r", perm=[0, 2, 3, 1])),
        ],
        IMAGE,
        {"w": CONV["w"]},
        outputs=("y", "z", "i"),
    ),
    "nearest_by_gather": model(
        [
            node("Conv", "x w", "c"),
            node("Resize", "c _ _ s", mode="nearest", nearest_mode="ceil"),
        ],
        IMAGE,
        {"w": CONV["w"], "s": np.array([1, 4, 9, 7])},
    ),
    "concat_slice_pad": model(
        [
            node("Conv", "x w", "c"),
            node("Concat", "c c", "d", axis=1),
            node("Slice", "d s e", "k"),
            node("Pad", "k q", "p", mode="reflect"),
            node("ReduceMean", "p", axes=[2, 3], keepdims=0),
        ],
        IMAGE,
        {
            **{"w": CONV["w"], "s": np.array([0, 2, 1, 0]), "e": np.array([1, 7, 9, 3])},
            "q": np.array([0, 0, 1, 0, 0, 0, 1, 2]),
        },
    ),
}


TRANSPOSED = ("volume", "resize_by_weights", "einsum_of_attention", "gathers_at_run_time")
"""Networks in which axes have to change places."""


@pytest.mark.parametrize("layout", ["last", "keep"])
@pytest.mark.parametrize("name", CASES)
def test_the_outputs_are_those_of_onnxruntime(name: str, layout: str, tmp_path: Path) -> None:
    data = CASES[name]
    file = read(data, tmp_path, Reading(keep_layout=layout == "keep"))
    assert file.onnx is not None
    graph = graph_of(file)
    shapes = [graph.tensors[one].shape for one in graph.inputs]
    if layout == "keep":
        assert all(order == tuple(range(len(order))) for order in file.onnx.inputs)
        values = [weights(*shape) for shape in shapes]
    else:
        assert name in TRANSPOSED or "TRANSPOSE" not in {one.OP for one in graph.nodes}
        values = [
            weights(*(shape[order.index(axis)] for axis in range(len(shape))))
            for shape, order in zip(shapes, file.onnx.inputs, strict=True)
        ]
    for ours, theirs in zip(run(file, values), expected(data, values), strict=True):
        np.testing.assert_allclose(
            ours, theirs, rtol=0, atol=1e-4 * max(np.abs(theirs).max(), 1e-3)
        )


def test_what_is_per_channel_goes_into_the_weights(tmp_path: Path) -> None:
    graph = graph_of(read(CASES["conv_batch_relu"], tmp_path))
    assert [one.OP for one in graph.nodes] == ["CONV_2D", "RELU"]


def test_free_dimensions_are_fixed_by_their_name(tmp_path: Path) -> None:
    data = model([node("Relu", "x")], {"x": ("N", "height", 4)})
    with pytest.raises(UnsupportedOp, match=r"'height' \(axis 1\) .*--shape x=1x\?x4"):
        read(data, tmp_path)
    graph = graph_of(read(data, tmp_path, Reading(shapes={"x": (2, 3, 4)})))
    assert graph.tensors["x"].shape == (2, 3, 4)


REFUSED = [
    (model([node("Foo", "x", domain="com.microsoft")], IMAGE), "domain 'com.microsoft'"),
    (model([node("Foo", "x")], IMAGE), r"operators that ONNX does not have: Foo"),
    (
        CASES["branch_of_a_constant"].replace(b"Sigmoid", b"SigmoiX"),
        r"operators that ONNX does not have: SigmoiX",
    ),
    (model([node("Relu", "x", slope=1.0)], IMAGE), "y .Relu. has the attribute 'slope'"),
    (model([node("Relu", "z")], IMAGE), "reads 'z', which no node before it computes"),
    (model([node("Relu", "y")], IMAGE), "reads 'y', which no node before it computes"),
    (model([node("Conv", "x v")], {**IMAGE, "v": (4, 3, 3, 3)}), "computes its weights at run"),
    (model([node("Relu", "x")], IMAGE, opset=6), "opset 6; supported: 7 to .*version_con"),
    (model([node("Relu", "x")], IMAGE, opset=99), "opset 99; the installed .*pip install -U onnx"),
    (model([node("Add", "x b", "a"), node("Relu", "a", "b")], IMAGE, outputs=("b",)), "reads 'b'"),
    (model([node("Conv", "x w")], IMAGE), "Conv. reads 'w', which no node before it computes"),
    (model([node("Conv", "x w")], {"x": (1, 3, 4, 4, 4, 4)}, CONV), "4 spatial axes"),
    (model([node("NonZero", "x")], IMAGE), "NonZero. is an operator that edgebottle does not"),
    (b"\x08\x07\x12\x07pytorch", "no ONNX model: it has no graph"),
    (CASES["signal"][:-9], "no ONNX model, or not all of one"),
]


@pytest.mark.parametrize(("data", "message"), REFUSED, ids=[row[1][:20] for row in REFUSED])
def test_what_cannot_be_compiled_is_named(data: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(EdgebottleError, match=message) as caught:
        read(data, tmp_path)
    assert isinstance(caught.value, BadModel | UnsupportedOp)
    assert "\n" not in str(caught.value)


def test_constants_in_other_files_are_read(tmp_path: Path) -> None:
    data = CASES["asymmetric_pads"]
    path = tmp_path / "net.onnx"
    outside = {"save_as_external_data": True, "location": "net.data", "size_threshold": 0}
    onnx.save(onnx.load_model_from_string(data), path, **outside)
    values = [weights(1, 3, 8, 6)]
    file = read(path.read_bytes(), tmp_path)
    np.testing.assert_allclose(run(file, values)[0], expected(data, values)[0], atol=1e-5)
    (tmp_path / "net.data").write_bytes(b"short")
    with pytest.raises(BadModel, match=r"'[wb]' lies beyond the end of 'net.data'"):
        read(path.read_bytes(), tmp_path)
    (tmp_path / "net.data").unlink()
    with pytest.raises(BadInput, match=r"'net.data', which is not beside the model: copy it"):
        read(path.read_bytes(), tmp_path)
    elsewhere = path.read_bytes().replace(b"net.data", b"../a.bin")
    with pytest.raises(BadModel, match=r"'../a.bin', outside of the model's folder"):
        read(elsewhere, tmp_path)


def test_without_the_package_one_line_says_which_extra(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ToolMissing, match=r"net\.onnx: .*pip install 'edgebottle\[onnx\]'"):
        read(CASES["signal"], tmp_path)


PATTERNS = {
    "GELU": [
        *(node("Div", "x r", "d"), node("Erf", "d", "e"), node("Add", "e o", "p")),
        *(node("Mul", "x p", "m"), node("Mul", "m h")),
    ],
    "HARD_SWISH": [
        *(node("Add", "x t", "a"), node("Clip", "a z s", "c")),
        *(node("Mul", "x c", "m"), node("Div", "m s")),
    ],
}


@pytest.mark.parametrize("name", PATTERNS)
def test_activations_that_are_taken_apart_are_found_again(name: str, tmp_path: Path) -> None:
    numbers = {"r": 2**0.5, "o": 1, "h": 0.5, "t": 3, "z": 0, "s": 6}
    constants = {key: np.array(value, np.float32) for key, value in numbers.items()}
    data = model(PATTERNS[name], {"x": (1, 40)}, constants)
    file, values = read(data, tmp_path), [3 * weights(1, 40)]
    assert [one.OP for one in graph_of(file).nodes] == [name]
    np.testing.assert_allclose(run(file, values)[0], expected(data, values)[0], atol=1e-5)


def test_other_files_take_no_shapes(tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(read(CASES["signal"], tmp_path).data)
    from edgebottle.conversion import read_model

    with pytest.raises(BadInput, match="no ONNX file: it takes no --shape"):
        read_model(path, lambda *_: None, Reading(shapes={"x": (1,)}))


FAMILIES = (
    *("batch_normalization", "clip", "concat", "conv", "convtranspose", "flatten", "gemm"),
    *(
        "groupnormalization",
        "matmul",
        "negativeloglikelihoodloss",
        "pad",
        "prelu",
        "reducemean",
        "slice",
        "split",
        "transpose",
    ),
)


MORE_AXES = "nllloss_NCd1d2d3_none_no_weight_negative_ii"
"""The one case of losses: its constants have more axes than an image."""


def test_node_tests_of_the_backend_agree() -> None:
    """A thin part of what ``python -m tests.importers.onnx_backend`` tries."""
    cases = [one for one in node_cases(FAMILIES) if "loss" not in one.name or MORE_AXES in one.name]
    results = [tried(case) for case in cases]
    wrong = [(one.case.name, one.why) for one in results if one.kind in ("DIFFERS", "bad")]
    assert wrong == []
    assert sum(one.kind in ("agrees", "constants") for one in results) >= 100


SHARED_CASES = [
    ("magic-wand/model", {}),
    long("speech-embedding/embedding_model", {}),
    long("basic-pitch/nmp", {}),
]


@pytest.mark.shared
@pytest.mark.parametrize(("name", "shapes"), SHARED_CASES)
def test_the_same_network_from_onnx_and_tflite(name: str, shapes: dict, shared: Path) -> None:
    path = shared / "models" / f"{name}.onnx"
    data, _ = convert_onnx(path.read_bytes(), "net", Reading(shapes=shapes))
    ours, theirs = LiteRTModel(data), LiteRTModel(path.with_suffix(".tflite").read_bytes())
    shape = load_tflite(data, "net").tensors
    values = [weights(*shape[name].shape) for name in load_tflite(data, "net").inputs]
    for a, b in zip(ours.run(values), theirs.run(values), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-4 * np.abs(b).max())


@pytest.mark.shared
def test_ocr_angle_has_no_transposes_left(shared: Path) -> None:
    path = shared / "models/ocr-angle/ch_ppocr_mobile_v2.0_cls_infer.onnx"
    with pytest.raises(UnsupportedOp, match=r"axis 2 of the input 'x' is free.*x=1x3x\?x\?"):
        convert_onnx(path.read_bytes(), "net", Reading())
    data, source = convert_onnx(path.read_bytes(), "net", Reading(shapes={"x": (1, 3, 48, 192)}))
    assert source.inputs == ((0, 2, 3, 1),)
    assert "TRANSPOSE" not in {node.OP for node in load_tflite(data, "net").nodes}
