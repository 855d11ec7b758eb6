"""The SavedModel for servers: written, and checked in a session as TF Serving loads it."""

import functools
import pathlib
import time

import numpy as np
import tensorflow as tf

from facevae.exporting.checks import Result, judge, median_milliseconds
from facevae.exporting.conversion import Examples, quiet
from facevae.exporting.formats import SAVED_MODEL
from facevae.exporting.graphs import ExportedModel, Graphs

# The signatures for servers; decode_uint8 and encode_uint8 are for phones.
SERVED = ("decode", "edit", "sample", "encode")


def write_saved_model(exported: ExportedModel, folder: pathlib.Path) -> None:
    """Writes the SavedModel with the signatures `serving_default` (decode) and `SERVED`, of any batch size."""
    graphs = Graphs(exported, batch=None)
    signatures = {name: graph for name, graph in graphs.signatures().items() if name in SERVED}
    with quiet():
        tf.saved_model.save(
            graphs, str(folder), signatures={"serving_default": signatures["decode"], **signatures}
        )


def write_for_conversion(
    exported: ExportedModel, folder: pathlib.Path
) -> dict[str, dict[str, dict[str, list]]]:
    """Writes a SavedModel whose signatures have batch 1, for `conversion.convert`.

    Returns:
        For each signature `inputs` and `outputs`: name to `[shape, dtype]`.
    """
    graphs = Graphs(exported, batch=1)
    signatures = graphs.signatures()
    with quiet():
        tf.saved_model.save(graphs, str(folder), signatures=signatures)
    described = {}
    for name, graph in signatures.items():
        inputs = {tensor.name.split(":")[0]: tensor for tensor in graph.inputs if tensor.dtype != tf.resource}
        outputs = graph.structured_outputs
        described[name] = {
            side: {key: [list(tensor.shape), tensor.dtype.name] for key, tensor in tensors.items()}
            for side, tensors in (("inputs", inputs), ("outputs", outputs))
        }
    return described


def check_saved_model(
    folder: pathlib.Path, weight_bytes: int, inputs: Examples, references: Examples
) -> Result:
    """Runs every signature in a session, as TF Serving does, and compares the outputs with the float32 model's.

    A SavedModel without its weights still loads in Python; only this check finds it.

    Args:
        folder: of the SavedModel.
        weight_bytes: expected size of its variables.
        inputs: see `examples.signature_inputs`.
        references: see `examples.references`.
    """
    result = Result(
        f"{SAVED_MODEL}/", sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    )
    stored = sum(path.stat().st_size for path in (folder / "variables").glob("*.data-*"))
    if not weight_bytes <= stored < 1.1 * weight_bytes + 2**16:
        result.problems.append(
            f"weights: expected {weight_bytes} bytes and at most a tenth more, received {stored}"
        )
    try:
        with quiet():
            answers = _run_in_session(folder, inputs, result)
    except (tf.errors.OpError, ValueError, OSError) as error:
        result.problems.append(
            f"expected a SavedModel that a session loads, received: {str(error).splitlines()[0]}"
        )
        return result
    judge(result, answers, references)
    return result


def _run_in_session(folder: pathlib.Path, inputs: Examples, result: Result) -> Examples:
    """The outputs of all signatures; fills in the times of `decode` in `result`."""
    answers = {}
    start = time.perf_counter()
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        loaded = tf.compat.v1.saved_model.load(session, [tf.saved_model.SERVING], str(folder))
        present = [name for name in SERVED if name in loaded.signature_def]
        for name in present:
            signature = loaded.signature_def[name]
            fetches = {key: tensor.name for key, tensor in signature.outputs.items()}
            face = {signature.inputs[key].name: values[:1] for key, values in inputs[name].items()}
            session.run(fetches, face)
            if name == "decode":
                result.load_milliseconds = 1000.0 * (time.perf_counter() - start)
                result.milliseconds = median_milliseconds(functools.partial(session.run, fetches, face))
            answers[name] = session.run(
                fetches, {signature.inputs[k].name: v for k, v in inputs[name].items()}
            )
    return answers


def weight_bytes(exported: ExportedModel) -> int:
    """Size of the variables of an export in bytes, each counted once."""
    return sum(4 * int(np.prod(variable.shape)) for variable in Graphs(exported, batch=None).variables)
