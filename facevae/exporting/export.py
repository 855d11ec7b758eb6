"""Exports a run: writes, checks and documents all files."""

import dataclasses
import json
import pathlib
import tempfile
from typing import Any

import tensorflow as tf
from tqdm import tqdm

from facevae.configuration.config import Config
from facevae.editing.face_attributes import FaceAttributes
from facevae.exporting import guide, model_card, saved_model, web_page
from facevae.exporting.checks import Result, run_checks
from facevae.exporting.conversion import convert
from facevae.exporting.examples import references, sample_sets, signature_inputs
from facevae.exporting.folder import CARD, replacing_folder
from facevae.exporting.formats import DETECTORS, ENCODER_FILE, FORMATS, SAVED_MODEL, preferred_decoder
from facevae.exporting.graphs import ExportedModel
from facevae.exporting.icons import icon_faces
from facevae.exporting.report import table
from facevae.exporting.sample_distance import NOTABLE_DISTANCE
from facevae.exporting.sampling import compact
from facevae.exporting.tflite_file import finished
from facevae.face_finding.files import FULL_RANGE, SHORT_RANGE
from facevae.face_finding.files import content as detector_content
from facevae.files import copy_into
from facevae.model import VAE
from facevae.run.opened_run import OpenedRun

CALIBRATION_EXAMPLES = 100
CALIBRATION_SEED, CHECK_SEED, SAMPLE_SEED = 1, 2, 3
# The encoder is exported in one format only: half the size of float32, and accurate enough for photographs.
ENCODER_FORM = "float16"


@dataclasses.dataclass
class Export:
    """The outcome of an export.

    Attributes:
        folder: the export folder.
        results: of the checks, one per model file.
        notes: what is missing from the export, and why.
    """

    folder: pathlib.Path
    results: list[Result]
    notes: list[str]

    @property
    def failed(self) -> list[Result]:
        """The results with problems."""
        return [result for result in self.results if result.problems]


def export_run(
    opened: OpenedRun,
    formats: tuple[str, ...] = tuple(FORMATS),
    output_dir: str | None = None,
    checked_latents: int = 64,
) -> Export:
    """Writes all files of a run's model and checks them.

    Args:
        opened: the run.
        formats: of the decoder, names in `FORMATS`.
        output_dir: the export folder; None for `export` in the run folder. An earlier export is replaced as a whole;
            a folder with anything else in it is refused.
        checked_latents: number of examples of each signature on which the files are compared with the model.

    Returns:
        The outcome. The .tflite files with problems are removed.

    Raises:
        UserError: the run has no trained model, the folder cannot be written, or the networks need operations that
            are not LiteRT builtins.
    """
    place = pathlib.Path(output_dir) if output_dir else opened.run.export
    with replacing_folder(place) as folder:  # refused before the work if it holds files of others
        edits = opened.attributes if opened.data_description.get("attribute_names") else None
        exported = make_exported_model(opened.model, edits, opened.config)
        try:
            results, notes = _fill(folder, opened, exported, formats, checked_latents)
        # TensorFlow's own file errors, such as a full disk, read "<path>; <reason>".
        except tf.errors.OpError as error:
            reason = error.message.splitlines()[0].split(" [Op:")[0].rsplit("; ")[-1]
            raise OSError(None, reason) from error
    return Export(place, results, notes)


def make_exported_model(model: VAE, edits: FaceAttributes | None, config: Config) -> ExportedModel:
    """The model in float32, with the attributes that it can change and the compact density where the run has them."""
    offered = edits.offered_only if edits and edits.offered.any() else None
    density = model.density if config.sample_from == "density" else None
    return ExportedModel(in_float32(model), offered, compact(density) if density else None)


def in_float32(model: VAE) -> VAE:
    """The model itself, or a copy in float32: layers under a mixed-precision policy cannot be exported."""
    return model if model.dtype_policy.name == "float32" else model.float32_copy()


def _fill(
    folder: pathlib.Path,
    opened: OpenedRun,
    exported: ExportedModel,
    formats: tuple[str, ...],
    checked_latents: int,
) -> tuple[list[Result], list[str]]:
    """Writes and checks everything in `folder`; returns the results, one per model file, and notes for the user."""
    encodings = opened.kept_encodings
    steps = tqdm(total=len(formats) + 3, desc="Exporting", unit="file", leave=False)
    with steps, tempfile.TemporaryDirectory() as scratch:
        inputs = signature_inputs(exported, encodings, checked_latents, CHECK_SEED)
        answers = references(exported, inputs)
        # Written and checked in a plain folder, see `copy_into`.
        served = pathlib.Path(scratch) / SAVED_MODEL
        saved_model.write_saved_model(exported, served)
        results = [saved_model.check_saved_model(served, saved_model.weight_bytes(exported), inputs, answers)]
        copy_into(served, folder / SAVED_MODEL)
        steps.update()

        batch_1 = pathlib.Path(scratch) / "batch_1"
        signatures = saved_model.write_for_conversion(exported, batch_1)
        card = model_card.model_card(
            exported,
            signatures,
            encodings,
            opened.config,
            opened.data_description,
            opened.viewing_temperature,
        )
        card_bytes = model_card.as_json(card)
        calibration = signature_inputs(exported, encodings, CALIBRATION_EXAMPLES, CALIBRATION_SEED)
        samples = sample_sets(exported, SAMPLE_SEED)
        for form in [*formats, None]:
            chosen = {
                name: s for name, s in signatures.items() if name.startswith("encode") == (form is None)
            }
            path = folder / (FORMATS[form].file if form else ENCODER_FILE)
            content = convert(batch_1, list(chosen), form or ENCODER_FORM, calibration)
            path.write_bytes(finished(content, card_bytes))
            results.append(run_checks(path, chosen, inputs, answers, card_bytes, samples if form else None))
            _judge(results[-1], path, form)
            steps.update()

        notes = _write_documents(folder, exported, card, card_bytes, results)
        notes += _left_out(exported, opened.data_description.get("attribute_names") or [])
        steps.update()
    return results, notes


def _write_documents(
    folder: pathlib.Path,
    exported: ExportedModel,
    card: dict[str, Any],
    card_bytes: bytes,
    results: list[Result],
) -> list[str]:
    """Writes the model card, the checks, the guide and the web page; returns notes for the user."""
    notes = []
    if "edit" not in card["signatures"]:
        dimensions = ", ".join(str(entry["dimension"]) for entry in card["strongest_dimensions"])
        notes.append(
            "No edit signature: the run has no attributes that the model can change. Its strongest latent dimensions: "
            f"{dimensions}."
        )
    (folder / CARD).write_bytes(card_bytes)
    (folder / "MODEL_CARD.md").write_text(model_card.as_markdown(card, table(results)), encoding="utf-8")
    (folder / "checks.json").write_text(
        json.dumps([dataclasses.asdict(result) for result in results], indent=1) + "\n", encoding="utf-8"
    )
    passed = {result.file for result in results if not result.problems}
    decoder, encoder = preferred_decoder(passed), ENCODER_FILE if ENCODER_FILE in passed else None
    if decoder is None:
        return [*notes, "No MOBILE.md and no web page: no decoder passed its checks."]
    if encoder and card["seen_eyes"]:
        (folder / DETECTORS).mkdir()
        for detector in (FULL_RANGE, SHORT_RANGE):
            (folder / DETECTORS / detector.file).write_bytes(detector_content(detector))
    (folder / "MOBILE.md").write_text(guide.mobile_guide(card, decoder, encoder), encoding="utf-8")
    return notes + web_page.write_page(folder, card, decoder, encoder, icon_faces(exported))


def _left_out(exported: ExportedModel, names: list[str]) -> list[str]:
    offered = exported.edits.names if exported.edits else ()
    left_out = [name for name in names if name not in offered]
    if not left_out:
        return []
    return [
        f"Attributes without a slider, because the model cannot change them alone: {', '.join(left_out)}."
    ]


def _judge(result: Result, path: pathlib.Path, form: str | None) -> None:
    """Removes a file with problems; otherwise adds remarks where it misses the targets of its decoder format."""
    if result.problems:
        path.unlink()
        return
    if not result.delegated:
        result.remarks.append(
            "decode, edit or encode does not run entirely in XNNPACK, and is slower than it could be"
        )
    if form is None:
        return
    target = FORMATS[form]
    assert result.largest_error is not None, "a file without problems has been compared"
    assert result.psnr is not None
    if target.largest_error is not None and not result.largest_error <= target.largest_error:
        result.remarks.append(
            f"largest error: expected at most {target.largest_error:.0e}, received {result.largest_error:.1e}"
        )
    if result.sample_distance is not None and not result.sample_distance <= NOTABLE_DISTANCE:
        result.remarks.append(
            f"new faces: expected at most {NOTABLE_DISTANCE} times as far from the float32 model's as its own are, "
            f"received {result.sample_distance:.2f} times"
        )
    if target.psnr is not None and not result.psnr >= target.psnr:
        result.remarks.append(f"PSNR: expected at least {target.psnr:.0f} dB, received {result.psnr:.1f} dB")
