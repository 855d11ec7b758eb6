"""One export from beginning to end."""

import dataclasses
import json
import pathlib
import tempfile

import tensorflow as tf
from tqdm import tqdm

from facevae.config import Config
from facevae.encodings import Encodings
from facevae.exporting import guide, model_card, saved_model, web_page
from facevae.exporting.checks import Result, run_checks
from facevae.exporting.conversion import convert
from facevae.exporting.examples import references, signature_inputs
from facevae.exporting.folder import CARD, replacing_folder
from facevae.exporting.formats import ENCODER_FILE, FORMATS, SAVED_MODEL
from facevae.exporting.graphs import ExportedModel
from facevae.exporting.report import table
from facevae.exporting.sampling import compact
from facevae.exporting.tflite_file import finished
from facevae.latents import attribute_directions
from facevae.model import VAE
from facevae.opened_run import OpenedRun

CALIBRATION_EXAMPLES = 100
CALIBRATION_SEED, CHECK_SEED = 1, 2
# The encoder travels in one format: half the size, and as exact as a photograph asks for.
ENCODER_FORM = "float16"


@dataclasses.dataclass
class Export:
    """What became of an export.

    Attributes:
        folder: where it is.
        results: one per file.
        notes: what its user should know.
    """

    folder: pathlib.Path
    results: list[Result]
    notes: list[str]

    @property
    def failed(self) -> list[Result]:
        """The files that were removed."""
        return [result for result in self.results if result.problems]


def export_run(
    opened: OpenedRun,
    formats: tuple[str, ...] = tuple(FORMATS),
    output_dir: str | None = None,
    checked_latents: int = 64,
) -> Export:
    """Writes and checks all files of a run's model.

    Args:
        opened: the run.
        formats: of the decoder, names in `FORMATS`.
        output_dir: where to; None for `export` in the run folder. An earlier export there is replaced as a whole.
        checked_latents: examples of each signature that the files are checked on.

    Returns:
        What was found. Files with problems are no longer there.

    Raises:
        UserError: no trained model there, a folder that cannot be written, a network that no phone can run.
    """
    exported = make_exported_model(opened.model, opened.kept_encodings, opened.config)
    place = pathlib.Path(output_dir) if output_dir else opened.run.export
    with replacing_folder(place) as folder:
        try:
            results, notes = _fill(folder, opened, exported, formats, checked_latents)
        # TensorFlow's own file errors, a full disk among them: "<path>; <reason>".
        except tf.errors.OpError as error:
            reason = error.message.splitlines()[0].split(" [Op:")[0].rsplit("; ")[-1]
            raise OSError(None, reason) from error
    return Export(place, results, notes)


def make_exported_model(model: VAE, encodings: Encodings, config: Config) -> ExportedModel:
    """The model in float32 with the attribute directions and the compact density that it ships with."""
    directions = None
    if encodings.attributes is not None and encodings.attributes.shape[1]:
        directions = attribute_directions(encodings.mean, encodings.attributes)
    density = model.density if config.sample_from == "density" else None
    return ExportedModel(in_float32(model), directions, compact(density) if density else None)


def in_float32(model: VAE) -> VAE:
    """The model itself, or a copy in float32: layers under a mixed policy convert to nothing that a phone runs."""
    return model if model.dtype_policy.name == "float32" else model.float32_copy()


def _fill(
    folder: pathlib.Path,
    opened: OpenedRun,
    exported: ExportedModel,
    formats: tuple[str, ...],
    checked_latents: int,
) -> tuple[list[Result], list[str]]:
    encodings, notes = opened.kept_encodings, []
    steps = tqdm(total=len(formats) + 3, desc="Exporting", unit="file", leave=False)
    with steps, tempfile.TemporaryDirectory() as scratch:
        inputs = signature_inputs(exported, encodings, checked_latents, CHECK_SEED)
        answers = references(exported, inputs)
        saved_model.write_saved_model(exported, folder / SAVED_MODEL)
        results = [
            saved_model.check_saved_model(
                folder / SAVED_MODEL, saved_model.weight_bytes(exported), inputs, answers
            )
        ]
        steps.update()

        fixed = pathlib.Path(scratch) / "batch_1"
        signatures = saved_model.write_for_conversion(exported, fixed)
        card = model_card.model_card(exported, signatures, encodings, opened.config, opened.data_description)
        card_bytes = model_card.as_json(card)
        calibration = signature_inputs(exported, encodings, CALIBRATION_EXAMPLES, CALIBRATION_SEED)
        for form in [*formats, "encoder"]:
            encoder = form == "encoder"
            chosen = {name: s for name, s in signatures.items() if name.startswith("encode") == encoder}
            path = folder / (ENCODER_FILE if encoder else FORMATS[form].file)
            content = convert(fixed, list(chosen), ENCODER_FORM if encoder else form, calibration)
            path.write_bytes(finished(content, card_bytes))
            result = run_checks(path, chosen, inputs, answers, card_bytes)
            _judge(result, path, None if encoder else form)
            results.append(result)
            steps.update()

        if exported.directions is None:
            dimensions = ", ".join(str(entry["dimension"]) for entry in card["strongest_dimensions"])
            notes.append(
                f"No edit signature: the run has no attributes. Its strongest latent dimensions: {dimensions}."
            )
        (folder / CARD).write_bytes(card_bytes)
        (folder / "MODEL_CARD.md").write_text(model_card.as_markdown(card, table(results)), encoding="utf-8")
        (folder / "MOBILE.md").write_text(guide.mobile_guide(card), encoding="utf-8")
        (folder / "checks.json").write_text(
            json.dumps([dataclasses.asdict(result) for result in results], indent=1) + "\n", encoding="utf-8"
        )
        notes += web_page.write_page(folder, card, results)
        steps.update()
    return results, notes


def _judge(result: Result, path: pathlib.Path, form: str | None) -> None:
    """Removes a file with problems, and remarks on one that misses its aims."""
    if result.problems:
        path.unlink()
        return
    if not result.delegated:
        result.remarks.append("not all of decode, edit or encode runs in XNNPACK: slower than it could be")
    if form is None:
        return
    aim = FORMATS[form]
    assert result.largest_error is not None, "a file without problems has been compared"
    assert result.psnr is not None
    if aim.largest_error is not None and not result.largest_error <= aim.largest_error:
        result.remarks.append(f"worst error {result.largest_error:.1e}, aim {aim.largest_error:.0e}")
    if aim.psnr is not None and not result.psnr >= aim.psnr:
        result.remarks.append(f"{result.psnr:.1f} dB, aim {aim.psnr:.0f} dB")
