"""Runs an exported .tflite file in LiteRT and compares its outputs with the model's.

The checks run in a separate process that cannot import TensorFlow. This proves that the file does not need TensorFlow,
and a file that crashes the runtime does not end the export. A job is a folder with `job.json` and `examples.npz` (see
`run_checks`); the result is written to `result.json` beside them.
"""

import dataclasses
import functools
import json
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from facevae.exporting.formats import DELEGATED_SIGNATURES, LOWEST_PSNR
from facevae.exporting.sample_distance import SampleSets, relative_distance
from facevae.exporting.tflite_file import only_signatures, operations, read_metadata

TIMED_RUNS = 30
# Images that differ by less than one grey level (of 255) over all latents count as constant.
SMALLEST_CHANGE = 1.0 / 255.0
TIMEOUT_SECONDS = 600


@dataclasses.dataclass
class Result:
    """What the checks found in one file.

    Attributes:
        file: its name.
        bytes: its size.
        problems: reasons why it must not be shipped.
        remarks: shortcomings that its users should know.
        largest_error, mean_error: absolute errors against the float32 model: of pixels in [0, 1], or of the encoder's
            means, in standard deviations of the means over the faces.
        psnr: peak signal-to-noise ratio pooled over all examples, dB, with the peak 1.
        milliseconds: median time per face on one thread.
        load_milliseconds: time from opening the file to the first output.
        sample_distance: of a decoder's new faces, see `relative_distance`; None also for other files.
        sample_error: mean absolute pixel error of a decoder's new faces, in levels of 255.
        delegated: whether `decode` and `edit` (or `encode`) run entirely in XNNPACK; None where this was not checked.
    """

    file: str
    bytes: int = 0
    problems: list[str] = dataclasses.field(default_factory=list)
    remarks: list[str] = dataclasses.field(default_factory=list)
    largest_error: float | None = None
    mean_error: float | None = None
    psnr: float | None = None
    milliseconds: float | None = None
    load_milliseconds: float | None = None
    sample_distance: float | None = None
    sample_error: float | None = None
    delegated: bool | None = None


def run_checks(
    path: pathlib.Path,
    signatures: dict[str, dict[str, dict[str, list]]],
    inputs: dict[str, dict[str, np.ndarray]],
    references: dict[str, dict[str, np.ndarray]],
    card: bytes,
    samples: SampleSets | None = None,
) -> Result:
    """Checks one .tflite file in a new process.

    Args:
        path: the file.
        signatures: for each one `inputs` and `outputs`: name to `[shape, dtype]`.
        inputs: example inputs of each signature, by input name, `[examples, ...]`.
        references: outputs of the float32 model for these inputs, by output name.
        card: the metadata that the file must hold.
        samples: what the new faces of a decoder are judged by.
    """
    arrays: dict[str, Any] = {}
    if samples:
        arrays |= {f"samples/{key}": value for key, value in dataclasses.asdict(samples).items()}
    for kind, tables in (("input", inputs), ("reference", references)):
        for name in signatures:
            arrays |= {f"{kind}/{name}/{key}": values for key, values in tables[name].items()}
    with tempfile.TemporaryDirectory() as folder:
        job = pathlib.Path(folder)
        (job / "job.json").write_text(json.dumps({"path": str(path.resolve()), "signatures": signatures}))
        (job / "card").write_bytes(card)
        np.savez(job / "examples.npz", **arrays)
        package_root = str(pathlib.Path(__file__).resolve().parents[2])
        # -P: modules in the working folder must not shadow installed ones.
        command = [sys.executable, "-P", "-c", _WITHOUT_TENSORFLOW, package_root, folder]
        try:
            process = subprocess.run(
                command, capture_output=True, encoding="utf-8", errors="replace", timeout=TIMEOUT_SECONDS
            )
            if process.returncode == 0:
                return Result(**json.loads((job / "result.json").read_text()))
            reason = (process.stderr.strip().splitlines() or ["no message"])[-1]
            ended = f"LiteRT ended with status {process.returncode}: {reason}"
        except subprocess.TimeoutExpired:
            ended = f"LiteRT did not finish within {TIMEOUT_SECONDS} s"
    return Result(path.name, path.stat().st_size, problems=[ended])


# The folder of the package is added to the path, so that an export works from any working folder.
_WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = None
sys.path.insert(0, sys.argv[1])
from facevae.exporting import checks
checks.main(sys.argv[2])
"""


def main(folder: str) -> None:
    """Runs the job in `folder`, in the separate process."""
    job = pathlib.Path(folder)
    task = json.loads((job / "job.json").read_text())
    with np.load(job / "examples.npz", allow_pickle=False) as stored:
        examples = dict(stored)
    result = check_file(pathlib.Path(task["path"]), task["signatures"], examples, (job / "card").read_bytes())
    (job / "result.json").write_text(json.dumps(dataclasses.asdict(result)))


def check_file(path: pathlib.Path, signatures: dict, examples: dict[str, np.ndarray], card: bytes) -> Result:
    """Runs all checks of one file in the current process; see `run_checks`."""
    result = Result(path.name, path.stat().st_size)
    result.problems += _unknown_operations(path)
    if read_metadata(path) != card:
        result.problems.append("the model card inside the file is missing or damaged")
    if result.problems:
        return result

    from ai_edge_litert.interpreter import Interpreter

    start = time.perf_counter()
    # Not by its path: LiteRT takes names in UTF-8 alone.
    interpreter = Interpreter(model_content=path.read_bytes(), num_threads=1)
    result.problems += _wrong_signatures(interpreter, signatures)
    if result.problems:
        return result
    answers, timed = {}, None
    for name in sorted(signatures, key=lambda name: name not in ("decode", "encode")):  # these two are timed
        inputs = {key: examples[f"input/{name}/{key}"] for key in signatures[name]["inputs"]}
        runner = interpreter.get_signature_runner(name)
        faces = [
            {key: values[i : i + 1] for key, values in inputs.items()} for i in range(len(_first(inputs)))
        ]
        if timed is None:
            runner(**faces[0])
            result.load_milliseconds = 1000.0 * (time.perf_counter() - start)
            result.milliseconds = timed = median_milliseconds(functools.partial(runner, **faces[0]))
        outputs = [runner(**face) for face in faces]
        answers[name] = {key: np.concatenate([output[key] for output in outputs]) for key in outputs[0]}
    references = {name: {k: examples[f"reference/{name}/{k}"] for k in answers[name]} for name in answers}
    judge(result, answers, references)
    if not result.problems:
        if "samples/inputs" in examples:
            _judge_samples(result, interpreter, examples, answers, references)
        result.delegated = _fully_delegated(path, set(signatures))
    return result


def _judge_samples(result: Result, interpreter, examples, answers, references) -> None:
    """Draws new faces with the file and compares them with the float32 model's."""
    name, key = ("sample", "noise") if "sample" in answers else ("decode", "latent")
    sets = SampleSets(*(examples[f"samples/{field.name}"] for field in dataclasses.fields(SampleSets)))
    runner = interpreter.get_signature_runner(name)
    images = np.concatenate([runner(**{key: row[np.newaxis]})["image"] for row in sets.inputs])
    result.sample_distance = relative_distance(images, sets)
    result.sample_error = 255.0 * float(np.abs(answers[name]["image"] - references[name]["image"]).mean())


def _first(table: dict[str, np.ndarray]) -> np.ndarray:
    return next(iter(table.values()))


def _unknown_operations(path: pathlib.Path) -> list[str]:
    found = operations(path)
    unknown = sorted({op for ops in found.values() for op in ops if op.startswith(("CUSTOM", "operation"))})
    return [f"expected builtin LiteRT operations, received {', '.join(unknown)}"] if unknown else []


def _wrong_signatures(interpreter, expected: dict) -> list[str]:
    received = {}
    for name in interpreter.get_signature_list():
        runner = interpreter.get_signature_runner(name)
        received[name] = {
            side: {key: [d["shape"].tolist(), np.dtype(d["dtype"]).name] for key, d in details.items()}
            for side, details in (
                ("inputs", runner.get_input_details()),
                ("outputs", runner.get_output_details()),
            )
        }
    return [
        f"signature {name}: expected {expected.get(name)}, received {received.get(name)}"
        for name in sorted(expected.keys() | received.keys())
        if expected.get(name) != received.get(name)
    ]


def median_milliseconds(call: Callable[[], object]) -> float:
    """Median time of a call, milliseconds."""
    times = []
    for _ in range(TIMED_RUNS):
        start = time.perf_counter()
        call()
        times.append(1000.0 * (time.perf_counter() - start))
    return float(np.median(times))


def judge(result: Result, answers: dict, references: dict) -> None:
    """Fills in the problems of the outputs, or else their errors and remarks.

    Args:
        result: changed in place.
        answers: outputs of the file, of each signature by name, `[examples, ...]`.
        references: outputs of the float32 model for the same inputs.
    """
    result.problems += _implausible(answers, references)
    if not result.problems:
        _compare(result, answers, references)
        result.remarks += [
            f"{name}: the model itself gives every input the same {key}; train it longer, or with a smaller KL weight"
            for name, outputs in references.items()
            for key, values in outputs.items()
            if _change(values) < _smallest_change(values)
        ]


def _implausible(answers, references):
    """Reasons why outputs cannot be right: NaN, out of range, or constant where those of the model are not."""
    problems = []
    for name, outputs in answers.items():
        for key, values in outputs.items():
            if not np.isfinite(values).all():
                problems.append(f"{name}: {key} holds NaN or infinity")
            elif key == "image":
                top = 255 if values.dtype == np.uint8 else 1.0
                if values.min() < -1e-6 or values.max() > top + 1e-6:
                    problems.append(
                        f"{name}: pixels from {values.min()} to {values.max()}, expected 0 to {top}"
                    )
            smallest = _smallest_change(values)
            if _change(values) < smallest <= _change(references[name][key]) / 2.0:
                problems.append(f"{name}: constant output, the same {key} for every input")
    return problems


def _change(values):
    """The largest range of any value over the examples; of images, without their alpha channel, in [0, 1]."""
    if values.ndim < 4:
        return np.ptp(values, axis=0).max()
    top = 255.0 if values.dtype == np.uint8 else 1.0
    return np.ptp(values[..., :3].astype(np.float32), axis=0).max() / top


def _smallest_change(values):
    return SMALLEST_CHANGE if values.ndim == 4 else np.finfo(np.float32).tiny


def _compare(result, answers, references):
    """Fills in the errors of `result`: of the images of `decode` and `edit`, or of the means of `encode`."""
    pooled, judged = [], "image" if "decode" in answers else "mean"
    for name, outputs in answers.items():
        for key, values in outputs.items():
            error = values.astype(np.float64) - references[name][key]
            if key in ("mean", "log_variance", "latent"):
                error /= references[name][key].std(axis=0).mean() + 1e-12
            elif values.dtype == np.uint8:
                error /= 255.0
            ratio = _psnr(error)
            if not ratio >= LOWEST_PSNR:
                result.problems.append(
                    f"{name}: {key} only {ratio:.1f} dB from the float32 model's, expected at least {LOWEST_PSNR:.0f}"
                )
            if name in DELEGATED_SIGNATURES and key == judged:
                pooled.append(np.abs(error).ravel())
    errors = np.concatenate(pooled)
    result.largest_error, result.mean_error = float(errors.max()), float(errors.mean())
    result.psnr = _psnr(errors)


def _psnr(error: np.ndarray) -> float:
    return float(-10.0 * np.log10(max(np.mean(np.square(error)), 1e-20)))


def _fully_delegated(path: pathlib.Path, names: set[str]) -> bool:
    """Whether XNNPACK runs every node of `DELEGATED_SIGNATURES`.

    LiteRT reports this for a whole file only, and the conversions to uint8 in other signatures would hide the answer.
    """
    from ai_edge_litert.compiled_model import CompiledModel

    part = only_signatures(path, names & set(DELEGATED_SIGNATURES))
    return CompiledModel.from_buffer(part).is_fully_accelerated()
