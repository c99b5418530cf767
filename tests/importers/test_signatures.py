"""Files with several signatures: each names a graph, one of which is imported and run."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter as LiteRT
from ai_edge_litert.interpreter import OpResolverType

from edgebottle.errors import BadInput, BadModel, EdgebottleError
from edgebottle.importers import sign_model
from edgebottle.importers.tflite import load_tflite
from edgebottle.ir.interpreter import Interpreter
from edgebottle.litert import LiteRTModel
from tests.cli.command_line import edgebottle
from tests.importers.models import INPUT, OUTPUT, conv_model, pack
from tests.importers.variable_models import Program

NAMES = ("classify", "embed", "spot")


def signed(*names: str, graphs: int = 3) -> bytes:
    """A model of three graphs, whose outputs have other scales, and signatures of these names."""
    model = conv_model()
    for number in range(1, graphs):
        model.subgraphs.append(copy.deepcopy(model.subgraphs[0]))
        output = model.subgraphs[number].tensors[OUTPUT]
        output.quantization.scale = np.float32([0.7 + number])
    model.signatureDefs = [_signature(number, name) for number, name in enumerate(names)]
    return pack(model)


def _signature(graph: int, name: str, source: int = INPUT, result: int = OUTPUT) -> Any:
    record = schema.SignatureDefT()
    record.signatureKey, record.subgraphIndex = name.encode(), graph
    for kind, index in (("inputs", source), ("outputs", result)):
        tensor = schema.TensorMapT()
        tensor.name, tensor.tensorIndex = kind[:1].encode(), index
        setattr(record, kind, [tensor])
    return record


VALUE = np.random.default_rng(0).integers(-128, 128, (1, 4, 4, 2)).astype(np.int8)


def test_each_signature_runs_its_own_graph() -> None:
    data = signed(*NAMES)
    outside = LiteRT(model_content=data, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    results = []
    for name in NAMES:
        chosen = sign_model(data, name)
        assert chosen.signature == name
        assert sorted([name, *chosen.others]) == sorted(NAMES)
        (found,) = Interpreter(load_tflite(chosen.data, "m")).run([VALUE])
        expected = outside.get_signature_runner(name)(i=VALUE)["o"]
        np.testing.assert_array_equal(found, expected, name)
        np.testing.assert_array_equal(LiteRTModel(chosen.data).run([VALUE])[0], expected, name)
        results.append(found.tobytes())
    assert len(set(results)) == len(NAMES)


def test_operators_still_name_the_same_graphs() -> None:
    program = Program({"v": [1, 2, 3, 4]})
    lines = [("CALL", "0"), ("READ", "v", "old"), ("ADD", "old", "x", "y"), ("ASSIGN", "v", "y")]
    program.main(lines, ["y"])
    program.model.subgraphs.reverse()  # the network is graph 1, and the first values are graph 0
    network = program.model.subgraphs[1]
    program.model.signatureDefs = [
        _signature(1, "net", network.inputs[0], network.outputs[0]),
        _signature(0, "other", 0, 0),
    ]
    program.model.signatureDefs[1].inputs = program.model.signatureDefs[1].outputs = []
    data = pack(program.model)
    runner = LiteRT(model_content=data).get_signature_runner("net")
    chosen, value = sign_model(data, "net").data, np.float32([[1, 0, -1, 2]])
    ours = Interpreter(load_tflite(chosen, "m"))
    np.testing.assert_array_equal(LiteRTModel(chosen).run([value])[0], [[2, 2, 2, 6]])
    for _ in range(2):
        np.testing.assert_array_equal(ours.run([value])[0], runner(i=value)["o"])


def test_the_default_is_the_network_itself_or_the_only_one() -> None:
    chosen = sign_model(signed("embed", "serving_default", "spot"), None)
    assert (chosen.signature, chosen.others) == ("serving_default", ("embed", "spot"))
    data = signed("embed")
    assert sign_model(data, None).data == data
    assert sign_model(data, "embed").signature == "embed"


REFUSED: tuple[tuple[bytes, str | None, type[EdgebottleError], str], ...] = (
    (signed(*NAMES), None, BadInput, "'classify', 'embed', 'spot': choose one with --signature"),
    (signed(*NAMES), "no", BadInput, "no signature 'no'; it has 'classify', 'embed', 'spot'$"),
    (signed("a\n"), "b", BadInput, "no signature 'b'; it has 'a_'$"),
    (signed(), "embed", BadInput, "has no signatures"),
    (signed(*NAMES, graphs=2), "spot", BadModel, "'spot' names graph 2, but the model has 2$"),
    (b"PK\3\4", "spot", BadInput, "only .tflite files have signatures"),
)


@pytest.mark.parametrize(("data", "name", "error", "message"), REFUSED)
def test_is_refused_in_one_line(
    data: bytes, name: str | None, error: type[EdgebottleError], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        sign_model(data, name)
    assert "\n" not in str(caught.value)


def test_commands_say_which_signature_they_take(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(signed("embed", "serving_default", "spot"))
    said = edgebottle("inspect", "m.tflite", cwd=tmp_path).err
    assert "signature: serving_default (--signature chooses another: embed, spot)" in said
    silent = edgebottle("inspect", "m.tflite", "--signature", "spot", cwd=tmp_path)
    assert (silent.code, "signature" in silent.err) == (0, False)
    (tmp_path / "edgebottle.toml").write_text('model = "m.tflite"\nsignature = "spot"\n')
    configured = edgebottle("inspect", cwd=tmp_path)
    assert (configured.code, "signature" in configured.err) == (0, False)
    assert configured.out.splitlines()[1:] == silent.out.splitlines()[1:]
    wrong = edgebottle("inspect", "m.tflite", "--signature", "x", cwd=tmp_path)
    assert (wrong.code, wrong.err.count("\n")) == (1, 1)
    assert "m.tflite: the model has no signature 'x'; it has 'embed'," in wrong.err
