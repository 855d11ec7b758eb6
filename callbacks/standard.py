"""The callbacks of `train.py`, in their order."""

import keras

from callbacks.fit_density import FitDensity
from callbacks.progress_bar import ProgressBar
from callbacks.reconstruction_pictures import ReconstructionPictures
from callbacks.sample_pictures import SamplePictures
from callbacks.scalars import Scalars
from callbacks.shared_encoding import SharedEncoding
from facevae.config import Config
from facevae.data import FaceDataset
from facevae.run_folder import RunFolder


def standard_callbacks(
    run: RunFolder, config: Config, dataset: FaceDataset
) -> list[keras.callbacks.Callback]:
    """All that watches a run; what the data set or the configuration has nothing for is left out.

    Args:
        run: its folder; TensorBoard's runs are `train`, `validation` and `faces` in its logs.
        config: of the run.
        dataset: the prepared faces.
    """
    faces = SharedEncoding.of_records(dataset.validation, dataset.attribute_names)
    log_dir = run.logs / "faces"
    callbacks: list[keras.callbacks.Callback] = [ProgressBar(), Scalars(run.logs, config.batch_size)]
    if config.density_components:
        callbacks.append(FitDensity(faces, config.density_components, config.seed))
    return [*callbacks, ReconstructionPictures(faces, log_dir), SamplePictures(faces, log_dir)]
