"""The callbacks of `train.py`, in their order."""

import importlib.metadata
import pathlib
import platform
import subprocess
import sys

import keras

from callbacks.attribute_edit_pictures import AttributeEditPictures
from callbacks.custom_scalars_layout import CustomScalarsLayout
from callbacks.embedding_projector import EmbeddingProjector
from callbacks.fit_density import FitDensity
from callbacks.hyper_parameters import HyperParameters
from callbacks.interpolation_pictures import InterpolationPictures
from callbacks.latent_figures import LatentFigures
from callbacks.latent_statistics import LatentStatistics
from callbacks.machine_use import MachineUse
from callbacks.profile import Profile
from callbacks.progress_bar import ProgressBar
from callbacks.rate_distortion_figure import RateDistortionFigure
from callbacks.reconstruction_pictures import ReconstructionPictures
from callbacks.run_text import HOW_TO_READ, RunText
from callbacks.sample_pictures import SamplePictures
from callbacks.scalars import Scalars
from callbacks.shared_encoding import SharedEncoding
from callbacks.step_curves import StepCurves
from callbacks.traversal_pictures import TraversalPictures
from facevae.command_line.printed_commands import quoted
from facevae.command_line.text_table import markdown
from facevae.configuration.config import Config
from facevae.data import FaceDataset
from facevae.errors import printable
from facevae.run.run_folder import RunFolder


def standard_callbacks(
    run: RunFolder, config: Config, dataset: FaceDataset
) -> list[keras.callbacks.Callback]:
    """The callbacks of a run, in their order.

    `AttributeEditPictures` is among them if the data set has attributes, `FitDensity` and `Profile` if the
    configuration asks for a density or a profile.

    Args:
        run: the run folder; the TensorBoard runs in its logs are `train`, for curves in the same charts `validation`,
            and `steps`, whose steps are not epochs.
        config: the run's configuration.
        dataset: the prepared faces.
    """
    faces = SharedEncoding.of_records(dataset.validation, dataset.attribute_names)
    log_dir = run.face_logs
    callbacks: list[keras.callbacks.Callback] = [
        ProgressBar(config.batch_size),
        Scalars(run.logs, config.batch_size),
        StepCurves(run.step_logs, config.batch_size),
        MachineUse(run.step_logs),
        RunText(log_dir, run_texts(config, dataset)),
        CustomScalarsLayout(log_dir),
        HyperParameters(log_dir, config.to_dict(), run.path.name),
        RateDistortionFigure(log_dir),
    ]
    if config.density_components:
        # Before SamplePictures, which samples the density.
        callbacks.append(FitDensity(faces, config.density_components, config.seed))
    callbacks += [ReconstructionPictures(faces, log_dir), SamplePictures(faces, log_dir)]
    callbacks += [TraversalPictures(faces, log_dir), InterpolationPictures(faces, log_dir)]
    if faces.attributes is not None:
        callbacks.append(AttributeEditPictures(faces, log_dir))
    callbacks += [LatentStatistics(faces, log_dir), LatentFigures(faces, log_dir)]
    callbacks.append(EmbeddingProjector(faces, log_dir))
    return [*callbacks, Profile(run.train_logs)] if config.profile else callbacks


def run_texts(config: Config, dataset: FaceDataset) -> dict[str, str]:
    """The texts of the Text tab by title: how to read the tabs, configuration, data set, command and versions."""
    packages = ("facevae", "tensorflow", "keras", "tensorboard", "numpy", "scikit-learn")
    versions = {"git commit": _commit(), "python": platform.python_version()}
    versions |= {package: importlib.metadata.version(package) for package in packages}
    data = {
        "data set": dataset.name,
        "image size": f"{dataset.image_size} × {dataset.image_size}",
        "training faces": len(dataset.train),
        "validation faces": len(dataset.validation),
        "test faces": len(dataset.test),
        "attributes": ", ".join(dataset.attribute_names) or "none",
    }
    note = {"0 note": config.note} if config.note else {}
    return {
        **note,
        "1 how to read the tabs": HOW_TO_READ,
        "2 configuration": _table("setting", config.to_dict()),
        "3 data set": _table("data set", data),
        "4 command and versions": f"    {quoted(sys.argv)}\n\n" + _table("package", versions),
    }


def _commit() -> str:
    """The git commit of this code, with `-dirty` where files differ from it; unknown outside a repository."""
    command = [
        "git",
        "-C",
        str(pathlib.Path(__file__).parent),
        "describe",
        "--always",
        "--dirty",
        "--abbrev=12",
    ]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return found.stdout.strip() or "unknown"


def _table(title, values):
    shown = [(name, printable(str(value))) for name, value in values.items()]
    return markdown((title, "value"), shown, "ll") + "\n"
