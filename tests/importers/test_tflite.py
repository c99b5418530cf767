"""Models that edgebottle must refuse in one clear line, and odd ones that it must take."""

import copy

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgebottle.errors import BadModel, EdgebottleError, UnsupportedOp
from edgebottle.importers.flatbuffer_check import TABLES
from edgebottle.importers.tflite import load_tflite
from edgebottle.importers.tflite_constants import CONSTANT_OPERATORS, SHAPES
from edgebottle.importers.tflite_operators import SIGNATURES
from edgebottle.ir.interpreter import Interpreter
from edgebottle.litert import LiteRTModel
from edgebottle.ops import BY_NAME
from tests.importers import models
from tests.importers.models import BIAS, INPUT, OUTPUT, WEIGHTS, pack, spoiled


def put(path, value):
    """An edit that sets ``path``, such as ``tensors.1.quantization.scale``, below the graph."""

    def edit(_, graph):
        *parts, last = path.split(".")
        target = graph
        for part in parts:
            target = target[int(part)] if part.isdigit() else getattr(target, part)
        if last.isdigit():
            target[int(last)] = value
        else:
            setattr(target, last, value)

    return edit


def both(*edits):
    def edit(model, graph):
        for one in edits:
            one(model, graph)

    return edit


def second_subgraph(model, graph):
    model.subgraphs.append(copy.deepcopy(graph))


class NewerOptions(schema.Conv2DOptionsT):
    """With a field that the schema will have one day."""

    def Pack(self, builder):
        builder.StartObject(8)
        schema.Conv2DOptionsAddStrideW(builder, 1)
        schema.Conv2DOptionsAddStrideH(builder, 1)
        builder.PrependInt8Slot(7, 1, 0)
        return builder.EndObject()


def opcode(code, custom=None):
    def edit(model, _):
        model.operatorCodes[0].builtinCode = code
        model.operatorCodes[0].deprecatedBuiltinCode = min(code, 127)
        model.operatorCodes[0].customCode = custom

    return edit


def two_operators(model, graph):
    graph.operators.append(models.operator([INPUT, WEIGHTS, BIAS], [OUTPUT], models.conv_options()))


def late_operator(model, graph):
    """The second operator computes what the first reads."""
    graph.tensors.append(copy.deepcopy(graph.tensors[INPUT]))
    graph.operators[0].inputs = [4, WEIGHTS, BIAS]
    model.operatorCodes.append(schema.OperatorCodeT())
    model.operatorCodes[1].builtinCode = schema.BuiltinOperator.RELU
    model.operatorCodes[1].deprecatedBuiltinCode = schema.BuiltinOperator.RELU
    graph.operators.append(models.operator([INPUT], [4], None, 1))


def float_shape(model, graph):
    """A reshape to a shape of floats, one of which is no number."""
    opcode(schema.BuiltinOperator.RESHAPE)(model, graph)
    model.buffers[2].data = np.array([1, 16, np.nan], np.float32).view(np.uint8)
    graph.tensors[BIAS].type = schema.TensorType.FLOAT32
    graph.operators[0] = models.operator([INPUT, BIAS], [OUTPUT], None)


def unused_output(_, graph):
    graph.tensors.append(models.tensor("", (1,), "INT8", 0, (1.0,)))
    graph.outputs = [4]


def ranks_joined(model, graph):
    opcode(schema.BuiltinOperator.CONCATENATION)(model, graph)
    options = schema.ConcatenationOptionsT()
    options.axis = 3
    graph.tensors.append(models.tensor("line", (4, 2), "INT8", 0, (0.5,), (-3,)))
    graph.inputs = [INPUT, 4]
    graph.operators[0] = models.operator([INPUT, 4], [OUTPUT], options)


def long_shape(model, graph):
    """A reshape to a shape that is really some weights."""
    opcode(schema.BuiltinOperator.RESHAPE)(model, graph)
    model.buffers[2].data = np.ones(500, np.int32).view(np.uint8)
    graph.tensors[BIAS].shape, graph.tensors[BIAS].quantization = np.int32([500]), None
    graph.operators[0] = models.operator([INPUT, BIAS], [OUTPUT], None)


def sparse(_, graph):
    graph.tensors[WEIGHTS].sparsity = schema.SparsityParametersT()


def external(model, _):
    model.buffers[1].data = None
    model.buffers[1].offset, model.buffers[1].size = 1 << 40, 54


def short_buffer(model, _):
    model.buffers[1].data = model.buffers[1].data[:-1]


def version(model, _):
    model.version = 4


def buffer_7(_, graph):
    graph.tensors[INPUT].buffer = 7


def custom_quantization(_, graph):
    graph.tensors[INPUT].quantization.detailsType = schema.QuantizationDetails.CustomQuantization
    graph.tensors[INPUT].quantization.details = schema.CustomQuantizationT()


def hybrid(_, graph):
    """A float layer whose weights are integers."""
    for index in (INPUT, BIAS, OUTPUT):
        graph.tensors[index].type = schema.TensorType.FLOAT32
        graph.tensors[index].quantization = None


def hybrid_of_4_bits(model, graph):
    """The same with weights that LiteRT computes with otherwise."""
    hybrid(model, graph)
    graph.tensors[WEIGHTS].type = schema.TensorType.INT4
    model.buffers[1].data = np.zeros(27, np.uint8)


def empty_weights(model, graph):
    graph.tensors[WEIGHTS].shape = np.int32([3, 3, 3, 0])
    model.buffers[1].data = np.zeros(0, np.uint8)


f32 = np.float32
OPTIONS = "operators.0.builtinOptions"
TYPE = "tensors.0.type"
LSTM = schema.BuiltinOptions.LSTMOptions
SCALE = "tensors.{}.quantization.scale"
ZERO = "tensors.{}.quantization.zeroPoint"
REFUSED = [
    ("version", version, UnsupportedOp, "schema version 4"),
    ("no-operators", put("operators", []), BadModel, "no operators"),
    ("no-inputs", put("inputs", []), BadModel, "no inputs"),
    ("no-outputs", put("outputs", []), BadModel, "no outputs"),
    ("input-index", put("inputs", [9]), BadModel, "tensor 9"),
    ("negative-index", put("outputs", [-1]), BadModel, "tensor -1"),
    ("operator-index", put("operators.0.inputs", [0, 1, 99]), BadModel, "tensor 99 of 4"),
    ("operator-negative", put("operators.0.outputs", [-1]), BadModel, "tensor -1 of 4"),
    ("opcode-index", put("operators.0.opcodeIndex", 5), BadModel, "unknown operator code"),
    ("buffer-index", buffer_7, BadModel, "buffer 7"),
    ("input-twice", put("inputs", [0, 0]), UnsupportedOp, "named twice as an input"),
    ("input-constant", put("inputs", [1]), UnsupportedOp, "input 'model/conv2d/.*constant"),
    ("output-never-computed", unused_output, BadModel, "output 't4' of the model is never comp"),
    ("input-variable", put("tensors.0.isVariable", True), UnsupportedOp, "is a variable"),
    ("computed-twice", two_operators, BadModel, "computes 'model/act.*there already"),
    ("never-computed", put("operators.0.inputs", [3, 1, 2]), BadModel, "before it is computed"),
    ("order", late_operator, BadModel, "before it is computed"),
    ("no-operands", put("operators.0.inputs", []), BadModel, "CONV_2D. has 0 inputs"),
    ("many-operands", put("operators.0.inputs", [0] * 9), BadModel, "CONV_2D. has 9 inputs"),
    ("no-weights", put("operators.0.inputs", [0, -1, 2]), BadModel, "lacks its input 1"),
    ("no-results", put("operators.0.outputs", []), BadModel, "CONV_2D. has 0 outputs"),
    ("custom", opcode(32, b"My\x01Op"), UnsupportedOp, r"CUSTOM My_Op \(\w+\)"),
    ("unknown-code", opcode(9999), UnsupportedOp, "operator 9999"),
    ("unsupported", opcode(52), UnsupportedOp, r"BIDIRECTIONAL_SEQUENCE_LSTM \(conv2d\)|not supp"),
    ("stride-0", put("operators.0.builtinOptions.strideW", 0), BadModel, "strideW 0"),
    ("dilation", put("operators.0.builtinOptions.dilationHFactor", -1), BadModel, "dilationH"),
    ("padding", put("operators.0.builtinOptions.padding", 7), BadModel, "padding"),
    ("tanh", put("operators.0.builtinOptions.fusedActivationFunction", 4), UnsupportedOp, "fused"),
    ("dynamic", put("tensors.0.shape", np.int32([1, -1, 4, 2])), UnsupportedOp, "dynamic shape"),
    ("zero-dim", put("tensors.0.shape", np.int32([1, 0, 4, 2])), UnsupportedOp, "dynamic shape"),
    ("rank", put("tensors.0.shape", np.ones(9, np.int32)), UnsupportedOp, "9 dimensions"),
    ("huge", put("tensors.0.shape", np.full(4, 2**30, np.int32)), BadModel, "larger than 2 GB"),
    ("wrong-type", put("tensors.3.type", 0), BadModel, "must give i8, but .* is f32"),
    (
        "uint8",
        both(put(TYPE, 3), put(ZERO.format(0), [3])),
        UnsupportedOp,
        "uint8.*int8",
    ),
    ("int64", put(TYPE, 4), UnsupportedOp, "int64"),
    ("bool", put(TYPE, 6), BadModel, "CONV_2D. must give bool"),
    ("int16", put(TYPE, 7), UnsupportedOp, "CONV_2D. has biases of i32, but its opt"),
    ("new-option", put(OPTIONS, NewerOptions()), UnsupportedOp, r"CONV_2D.*field 7 of Conv2DOpt"),
    ("other-options", put(OPTIONS + "Type", LSTM), BadModel, "has the options LSTMOptions"),
    ("options-2", put("operators.0.builtinOptions2Type", 3), BadModel, "options BuiltinOptions2 3"),
    ("bias-of-48-bits", put(OPTIONS + ".quantizedBiasType", 3), BadModel, "not of 32 or 64 bits"),
    ("float16", put("tensors.1.type", 1), BadModel, "54 bytes, but .* f16 takes 108"),
    ("unknown-type", put(TYPE, 77), UnsupportedOp, "type 77"),
    ("empty-weights", empty_weights, BadModel, r"\(CONV_2D\) reads '.*', which is empty"),
    ("hybrid", hybrid_of_4_bits, UnsupportedOp, r"not for \w+ \(CONV_2D\); convert it with full"),
    ("no-quant", put("tensors.0.quantization", None), UnsupportedOp, "no quantization"),
    ("custom-quant", custom_quantization, UnsupportedOp, "custom quantization"),
    ("nan", put(SCALE.format(0), f32([np.nan])), BadModel, "not finite"),
    ("infinite", put(SCALE.format(1), f32([1, np.inf, 1])), BadModel, "not finite"),
    ("scale-0", put(SCALE.format(0), f32([0])), BadModel, "zero or negative"),
    ("negative", put(SCALE.format(0), f32([-1])), BadModel, "zero or negative"),
    ("zero-point", put(ZERO.format(0), np.array([200])), BadModel, "outside of i8"),
    ("zero-point-64", put(ZERO.format(2), np.array([0, 1 << 40, 0])), BadModel, "outside of i32"),
    ("two-zero-points", put(ZERO.format(1), np.array([0, 0])), BadModel, "2 zero points"),
    ("axis", put("tensors.1.quantization.quantizedDimension", 3), BadModel, "along axis 3"),
    ("axis-9", put("tensors.1.quantization.quantizedDimension", 9), BadModel, "along axis 9"),
    ("scales", put(SCALE.format(2), f32([1, 2])), BadModel, "scales|zero points"),
    ("sparse", sparse, BadModel, "which is sparse"),
    ("external", external, BadModel, "truncated: buffer 1"),
    ("ranks-joined", ranks_joined, UnsupportedOp, r"joins \[1, 4, 4, 2\] and \[4, 2\] along axis"),
    ("long-shape", long_shape, UnsupportedOp, "RESHAPE. has an operand of 500 numbers"),
    ("float-shape", float_shape, UnsupportedOp, "RESHAPE.*f32; supported: integers"),
    ("short", short_buffer, BadModel, "has 53 bytes"),
]


@pytest.mark.parametrize(
    ("edit", "error", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_refused_in_one_line(edit, error, message):
    with pytest.raises(error, match=message) as caught:
        load_tflite(spoiled(edit), "model")
    assert "\n" not in str(caught.value)


def nothing(_, graph):
    pass


def names(*values):
    def edit(_, graph):
        for tensor, name in zip(graph.tensors, values, strict=True):
            tensor.name = name

    return edit


def signature_batch(_, graph):
    graph.tensors[INPUT].shapeSignature = np.array([-1, 4, 4, 2], np.int32)


def unused_tensor(_, graph):
    graph.tensors.append(models.tensor("unused", (0, 5), "UINT8", 0))


def wrong_bias_axis(_, graph):
    graph.tensors[BIAS].quantization.quantizedDimension = 3


def only_the_old_code(model, _):
    model.operatorCodes[0].builtinCode = 0


TAKEN = [
    ("plain", nothing),
    ("batch-of-any-size", signature_batch),
    ("free-batch", put("tensors.0.shape", np.int32([-1, 4, 4, 2]))),
    ("stale-shape", put("tensors.3.shape", np.int32([1, 5, 4, 3]))),
    ("unknown-shape", put("tensors.3.shape", np.int32([1, -1, 0, 3]))),
    ("output-twice", put("outputs", [3, 3])),
    ("output-is-constant", put("outputs", [3, 2])),
    ("output-is-input", put("outputs", [0, 3, 0])),
    ("second-subgraph", second_subgraph),
    ("unused-tensor-of-any-type", unused_tensor),
    ("wrong-bias-axis", wrong_bias_axis),
    ("same-names", names(b"a", b"a", b"a", b"a")),
    ("no-names", names(None, b"", None, b"")),
    ("odd-names", names(b"\xff\xfe", b"a\nb", b"*/ #error", "größe".encode())),
    ("name-like-a-number", names(b"t1", b"", b"t2_t2", b"t3")),
    ("only-the-old-operator-code", only_the_old_code),
    ("negative-scale-of-a-weight", put(SCALE.format(1), f32([0.1, -0.2, 0.3]))),
]


@pytest.mark.parametrize("edit", [row[1] for row in TAKEN], ids=[row[0] for row in TAKEN])
def test_taken_and_run_alike_by_litert(edit):
    data = spoiled(edit)
    graph = load_tflite(data, "9 lives!")
    assert graph.name == "n9_lives"
    assert all(name.isascii() and name.isprintable() for name in graph.tensors)
    assert len(set(graph.outputs)) == len(graph.outputs)
    x = np.arange(-16, 16, dtype=np.int8).reshape(1, 4, 4, 2)
    expected = LiteRTModel(data).run([x])
    for one, value in zip(Interpreter(graph).run([x]), expected, strict=True):
        np.testing.assert_array_equal(one, value)


def test_an_absent_bias_is_none():
    for inputs in ([INPUT, WEIGHTS], [INPUT, WEIGHTS, -1]):
        graph = load_tflite(spoiled(put("operators.0.inputs", inputs)), "model")
        assert graph.nodes[0].inputs[2] is None


def dequantized_weights(model, graph):
    """A float layer whose integer weights pass a DEQUANTIZE of the file's own."""
    hybrid(model, graph)
    model.buffers[2].data = np.array([0.5, -6, 7], np.float32).view(np.uint8)
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    code.version = 5
    model.operatorCodes.append(code)
    graph.tensors.append(models.tensor("weights_f32", (3, 3, 3, 2), "FLOAT32", 0))
    graph.operators[0].inputs = [INPUT, 4, BIAS]
    graph.operators.insert(0, models.operator([WEIGHTS], [4], None, 1))


def test_integer_weights_that_the_file_dequantizes_are_float_weights():
    data = spoiled(dequantized_weights)
    graph = load_tflite(data, "model")
    assert [node.OP for node in graph.nodes] == ["CONV_2D"]
    image = np.random.default_rng(1).normal(size=(1, 4, 4, 2)).astype(np.float32)
    expected = LiteRTModel(data).run([image])
    np.testing.assert_allclose(Interpreter(graph).run([image]), expected, 1e-4, 1e-4)


def test_data_after_the_flatbuffer_is_read():
    def edit(model, graph):
        model.buffers[1].data = None
        model.buffers[1].offset, model.buffers[1].size = 2, 54

    data = spoiled(edit)
    view = schema.Model.GetRootAs(data, 0).Buffers(1)
    place = view._tab.Pos + view._tab.Offset(6)
    moved = bytearray(data + b"\1" * 54)
    moved[place : place + 8] = len(data).to_bytes(8, "little")
    graph = load_tflite(bytes(moved), "large")
    assert (graph.tensors[str(graph.nodes[0].inputs[1])].constant() == 1).all()


def test_every_truncation_is_refused():
    data = pack(models.conv_model())
    for size in range(len(data)):
        try:
            load_tflite(data[:size], "cut")
        except EdgebottleError:
            continue
        raise AssertionError(f"the first {size} bytes of {len(data)} pass for a model")


def test_the_options_of_every_operator_are_known():
    signatures = [
        *SIGNATURES.values(),
        *(operator.signature for operator in CONSTANT_OPERATORS.values()),
        *(signature for signature, _ in SHAPES.values()),
    ]
    for signature in signatures:
        if signature.options:
            fields = vars(getattr(schema, f"{signature.options}T")())
            assert len(TABLES[signature.options]) >= len(fields), signature.options


CHECKED_BY_THE_IMPORTER = {"num", "numSplits", "valuesCount", "quantizedBiasType"}
OF_OTHER_TYPES = {"potScaleInt16", "asymmetricQuantizeInputs", "quantSpec"}
"""For 16-bit tensors, for floats with integer weights; refused where the file is read."""
SAID_BY_TENSORS = {"inDataType", "outDataType", "outputType", "depthMultiplier", "newShape"}
"""By the type of the output, the shape of the weights, and the operand of a RESHAPE."""


class Seen:
    """Options that remember which of their fields were asked for."""

    def __init__(self, options):
        self.options = options
        self.fields = set()

    def __getattr__(self, field):
        self.fields.add(field)
        return getattr(self.options, field)


def have_options(op):
    """Operators whose options stand in a table; others keep them elsewhere or have none."""
    graph = next(iter(BY_NAME[op].cases()))
    node = graph.nodes[0]
    try:
        return node.to_tflite(graph.ins(node), graph.outs(node)) is not None
    except UnsupportedOp:
        return True


@pytest.mark.parametrize("op", sorted(filter(have_options, BY_NAME)))
def test_every_option_is_looked_at(op):
    elsewhere = CHECKED_BY_THE_IMPORTER | OF_OTHER_TYPES | SAID_BY_TENSORS
    unread = None
    for graph in BY_NAME[op].cases():
        node = graph.nodes[0]
        ins, outs = graph.ins(node), graph.outs(node)
        try:
            options = node.to_tflite(ins, outs)
        except UnsupportedOp:
            continue  # TFLite has no such padding
        seen = Seen(options)
        type(node).from_tflite(node.name, node.inputs, node.outputs, ins, outs, seen)
        fields = set(vars(options)) - seen.fields
        unread = fields if unread is None else unread & fields
    assert unread is not None
    assert unread <= elsewhere
