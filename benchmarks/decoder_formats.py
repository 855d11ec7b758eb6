"""Time and size of a run's decoder in every exported format, compared with other ways to run it.

    pip install -e ".[benchmark]"
    python benchmarks/decoder_formats.py RUN_DIR

Each way decodes one latent at a time on one thread. Measures the processor time of the whole process, which other work
on the machine hardly changes; the ways take turns, and medians are compared. The table goes to
benchmarks/decoder_formats.md, one section for each image size.
"""

import argparse
import datetime
import os
import pathlib
import tempfile
import time

import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx
from ai_edge_litert.interpreter import Interpreter
from measuring import processor, write_section
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from tqdm import tqdm

from facevae.command_line.text_table import markdown
from facevae.exporting.examples import signature_inputs
from facevae.exporting.export import (
    CALIBRATION_EXAMPLES,
    CALIBRATION_SEED,
    export_run,
    make_exported_model,
)
from facevae.exporting.formats import FORMATS
from facevae.run.opened_run import OpenedRun

ROUNDS, CALLS = 60, 5
TABLE = pathlib.Path(__file__).with_suffix(".md")
TITLE = (
    "# The decoder in every format\n\nMade by `python benchmarks/decoder_formats.py RUN_DIR`. Milliseconds are "
    "processor time, which is the elapsed time on\na machine without other work.\n"
)


# -----------------------------------------------------------------------------------------------------------------
# The ways
# -----------------------------------------------------------------------------------------------------------------


def keras_ways(model):
    """Keras' own call, and a compiled TensorFlow function; their size is that of the weights."""
    size = 4 * sum(int(np.prod(weight.shape)) for weight in model.decoder.weights)
    function = tf.function(model.decode, input_signature=[tf.TensorSpec((1, model.latent_dim))])
    return {
        "Keras predict_on_batch": (model.decoder.predict_on_batch, size),
        "tf.function": (lambda latent: function(tf.constant(latent)).numpy(), size),
    }


def litert_ways(folder):
    """The exported files, each run as in an app."""
    ways = {}
    for name, form in FORMATS.items():
        path = folder / form.file
        runner = Interpreter(str(path), num_threads=1).get_signature_runner("decode")
        ways[f"LiteRT {name}"] = (lambda latent, run=runner: run(latent=latent)["image"], path.stat().st_size)
    return ways


def onnx_ways(model, latents, folder):
    """ONNX Runtime on the same decoder: float32, and its own static quantisation calibrated on the same latents."""
    function = tf.function(
        model.decode, input_signature=[tf.TensorSpec((1, model.latent_dim), name="latent")]
    )
    paths = {"float32": folder / "float32.onnx"}
    tf2onnx.convert.from_function(
        function, function.input_signature, opset=17, output_path=str(paths["float32"])
    )
    prepared = folder / "prepared.onnx"
    quant_pre_process(str(paths["float32"]), str(prepared), skip_symbolic_shape=True)
    for name, activations in (("int8", QuantType.QInt8), ("uint8", QuantType.QUInt8)):
        paths[name] = folder / f"{name}.onnx"
        quantize_static(
            str(prepared), str(paths[name]), _Reader(latents), per_channel=True, activation_type=activations
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    ways = {}
    for name, path in paths.items():
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        key = session.get_inputs()[0].name
        ways[f"ONNX Runtime {name}"] = (
            lambda latent, run=session, key=key: run.run(None, {key: latent})[0],
            path.stat().st_size,
        )
    return ways


class _Reader(CalibrationDataReader):
    def __init__(self, latents):
        self._latents = iter(latents)

    def get_next(self):
        latent = next(self._latents, None)
        return None if latent is None else {"latent": latent[None]}


# -----------------------------------------------------------------------------------------------------------------
# Measuring
# -----------------------------------------------------------------------------------------------------------------


def measure(ways, latents):
    """Median milliseconds of processor time of each way."""
    for call, _ in ways.values():
        for latent in latents[:5]:
            call(latent[None])
    times = {name: [] for name in ways}
    for turn in tqdm(range(ROUNDS), desc="Timing", unit="round", leave=False):
        for name, (call, _) in ways.items():
            for index in range(CALLS):
                latent = latents[(turn * CALLS + index) % len(latents)][None]
                start = time.process_time()
                call(latent)
                times[name].append(1000.0 * (time.process_time() - start))
    return {name: float(np.median(values)) for name, values in times.items()}


def table(ways, times, latents, exact):
    """A Markdown table, fastest first."""
    base = times["ONNX Runtime float32"], ways["ONNX Runtime float32"][1]
    rows = []
    for name in sorted(ways, key=times.get):
        call, size = ways[name]
        error = np.concatenate([call(latent[None]) for latent in latents]) - exact
        psnr = -10.0 * np.log10(max(float(np.mean(np.square(error))), 1e-20))
        numbers = (times[name], times[name] / base[0], size / 1e6, size / base[1])
        rows.append((name, *(f"{number:.2f}" for number in numbers), f"{min(psnr, 150.0):.1f}"))
    return markdown(("way", "ms per face", "time ratio", "size, MB", "size ratio", "PSNR, dB"), rows)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run_dir")
    flags = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    opened = OpenedRun(flags.run_dir)
    model, encodings = opened.model, opened.kept_encodings
    exported = make_exported_model(
        model, opened.attributes if encodings.attributes is not None else None, opened.config
    )
    typical, latents = (
        signature_inputs(exported, encodings, count, seed)["decode"]["latent"]
        for count, seed in ((CALIBRATION_EXAMPLES, CALIBRATION_SEED), (64, 3))
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        export_run(opened, output_dir=folder / "export")
        ways = {**keras_ways(model), **litert_ways(folder / "export"), **onnx_ways(model, typical, folder)}
        times = measure(ways, latents)
        lines = table(ways, times, latents, np.asarray(model.decode(latents)))
    heading = f"{model.network} network, {model.image_size}×{model.image_size}"
    machine = f"{processor()}, processor time of one thread, load average {os.getloadavg()[0]:.1f}"
    text = (
        f"{datetime.date.today()}, {machine}; {model.latent_dim} latent dimensions, width {model.width}. "
        "Ratios are to ONNX Runtime float32. PSNR against the float32 model, on encoded, sampled, stretched and edited "
        f"latents.\n\n{lines}"
    )
    write_section(TABLE, TITLE, heading, text)


if __name__ == "__main__":
    main()
