"""Quantizes with ai-edge-quantizer: ``PYTHON peer_quantizer.py FLOAT NPZ BITS OUT``.

It runs in an environment of its own, which need not have edgebottle. The network gets the signature
that the quantizer asks for.
"""

import sys

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_quantizer import qtyping, quantizer, recipe_manager

KEY = "serving_default"


def with_signature(path: str) -> tuple[bytes, str]:
    """The network with a signature, and the name of its input there."""
    import flatbuffers

    with open(path, "rb") as file:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(file.read()))
    graph = model.subgraphs[0]
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = KEY, 0
    signature.inputs, signature.outputs = [], []
    for kind, name, numbers in (
        (signature.inputs, "in", graph.inputs),
        (signature.outputs, "out", graph.outputs),
    ):
        for number, index in enumerate(numbers):
            entry = schema.TensorMapT()
            entry.name, entry.tensorIndex = f"{name}{number}", int(index)
            kind.append(entry)
    model.signatureDefs = [signature]
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output()), "in0"


def main(source: str, samples: str, bits: int, out: str) -> None:
    content, name = with_signature(source)
    recipes = recipe_manager.RecipeManager()
    recipes.add_static_config(
        regex=".*",
        operation_name=qtyping.TFLOperationName.ALL_SUPPORTED,
        activation_num_bits=8,
        weight_num_bits=bits,
        weight_granularity=qtyping.QuantGranularity.CHANNELWISE,
    )
    work = quantizer.Quantizer(content, recipes.get_quantization_recipe())
    values = np.load(samples)["x"]
    ranges = work.calibrate({KEY: [{name: value[None]} for value in values]}, num_threads=1)
    work.quantize(ranges).export_model(out, overwrite=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
