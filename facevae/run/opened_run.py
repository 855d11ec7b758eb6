"""A trained run opened for reading, and the flags by which commands open one.

Commands import this module before they check their flags: TensorFlow, Keras and NumPy are imported only where they are
used.
"""

import argparse
import contextlib
import dataclasses
import functools
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from facevae.command_line.native_flags import check_native_flags
from facevae.command_line.quiet import without_native_notes
from facevae.configuration.choosing import with_absolute_folders
from facevae.errors import DataNotFoundError, UserError, printable
from facevae.run.output_folder import refuse_among_faces
from facevae.run.run_folder import NETWORKS, RunFolder

if TYPE_CHECKING:
    from facevae.data import FaceDataset
    from facevae.editing.face_attributes import FaceAttributes
    from facevae.model import VAE
    from facevae.run.begun_on import BegunOn
    from facevae.run.encodings import Encodings

DATA_FLAGS = ("data", "data_dir", "cache_dir")

_Path = str | os.PathLike[str]


def load(run_dir: _Path, which: str | None = None) -> "VAE":
    """The trained model of a run, in float32 whatever precision trained it.

    Nothing in the folder is executed, wherever it came from: the networks are built by this package from checked
    numbers and names, and the file adds their weights.

    Args:
        run_dir: the folder that `train.py` named.
        which: `sharpened` (of a second phase), `best` (lowest validation loss) or `last`; None for the run's own: the
            sharpened one where there is one, else `Config.finished_model`.

    Returns:
        The model, not compiled; see `VAE.encode`, `VAE.decode`, `VAE.sample`.

    Raises:
        UserError: the folder holds no run, the run has no trained model yet, or its file is damaged and cannot be made
            again from the checkpoint.
    """
    return OpenedRun(run_dir, which).model


class OpenedRun:
    """A trained run opened for reading. Model, faces and encodings are loaded when they are first asked for.

    Args:
        run_dir: the folder that `train.py` named.
        which: its model, as for `load`.
        data: where the faces are now, as for `train.py --data`; None for where the run's configuration says.
        data_dir: where tensorflow-datasets keeps its data sets; None for where the run's configuration says.
        cache_dir: folder of the prepared faces; None for FACEVAE_CACHE or ~/.cache/facevae.

    Attributes:
        run: the run folder.
        config: the configuration that the run was trained with.
        which: `sharpened`, `best` or `last`.
        data: where the faces are now.

    Raises:
        UserError: the folder holds no run, its configuration is damaged or of another version, or `which` is unknown.
    """

    def __init__(
        self,
        run_dir: _Path,
        which: str | None = None,
        data: _Path | None = None,
        data_dir: _Path | None = None,
        cache_dir: _Path | None = None,
    ):
        if which not in (None, *NETWORKS):
            raise UserError(
                f"which: expected {', '.join(NETWORKS)}, received {which!r}. best has the lowest validation loss."
            )
        self.run = RunFolder.open(run_dir)
        self.config = self.run.load_config()  # says so if another version wrote the run
        self.which = which or self.run.result(self.config)
        given_places = zip(DATA_FLAGS, (data, data_dir, cache_dir), strict=True)
        places = with_absolute_folders(
            {name: os.fspath(place) for name, place in given_places if place is not None}
        )
        self._config_here = dataclasses.replace(self.config, **places)
        self.data = self._config_here.data
        self._is_data_given = data is not None

    @functools.cached_property
    def data_description(self) -> dict[str, Any]:
        """What the run was trained on: `name`, `attribute_names`, and the counts of the splits."""
        return self.run.load_data_description()

    @functools.cached_property
    def model(self) -> "VAE":
        """The trained model, not compiled, in float32.

        Raises:
            UserError: there is none yet, or its file is damaged and the checkpoint does not hold it.
        """
        with without_native_notes():
            from facevae.run.trained_model import open_model

        model = open_model(self.run, self.config, self.which)

        def sample_with_attributes(wanted, count, seed, draw):
            from facevae.editing.drawing import draw_latents

            return draw_latents(self.attributes, wanted, count, seed, draw)

        model.sample_with_attributes = sample_with_attributes
        return model

    @functools.cached_property
    def viewing_temperature(self) -> float:
        """The temperature at which the model's new faces look best, see `facevae.run.viewing.measure`.

        Read from the run folder, or measured and kept there; the usual one where the run has no encodings to measure
        it with.
        """
        from facevae.latents import VIEWING_TEMPERATURE
        from facevae.run.viewing import viewing_temperature

        model = self.model
        try:
            encodings = self.kept_encodings
        except UserError:
            return VIEWING_TEMPERATURE
        return viewing_temperature(self.run, model, encodings)

    @functools.cached_property
    def attributes(self) -> "FaceAttributes":
        """What the model can do to attributes, see `facevae.editing.measuring.measure`.

        Read from the run folder, or measured and kept there.

        Raises:
            UserError: the faces have no attributes, or there are no encodings and the faces were not found.
        """
        from facevae.editing.face_attributes import no_attributes
        from facevae.run.kept_attributes import face_attributes

        name, names = (self.data_description.get(key) for key in ("name", "attribute_names"))
        if name is None or names is None:  # a run that was not begun by train.py
            name, names = self.dataset.name, self.dataset.attribute_names
        labels = self.kept_encodings.attributes
        if not names or labels is None or labels.shape[1] != len(names):
            raise no_attributes(name)
        return face_attributes(self.run, self.model, list(names), self.kept_encodings)

    @functools.cached_property
    def likelihood_model(self) -> "VAE":
        """The model whose decoder is a likelihood: that of the first phase where `model` is sharpened, else `model`."""
        if self.which != "sharpened":
            return self.model
        return load(self.run.path, self.config.finished_model)

    @functools.cached_property
    def dataset(self) -> "FaceDataset":
        """The faces that the run was trained on, prepared again if the prepared ones are gone.

        Where they are others, a line says what has changed.

        Raises:
            UserError: they were not found, cannot be prepared, or validation or test have faces of the training.
        """
        with asking_for_data(is_needed=not self._is_data_given):
            dataset = self.begun_on.prepare(self._config_here)
        if known := self.begun_on.trained_on(dataset):
            raise UserError(
                f"data: expected validation and test faces that the run was not trained on, received {len(known):,} "
                f"that it was ({printable(known[0])} first). Restore the table of splits, or give the faces as they "
                "were by --data FOLDER."
            )
        if changes := self.begun_on.changes(dataset):
            print(f"The faces are not those that the run was trained on: {'; '.join(changes)}.")
        elif self.data_description.get("faces") and "content" not in self.data_description:
            print(
                "The run was begun by version 0.1: only numbers and attribute names of its faces were compared."
            )
        return dataset

    @functools.cached_property
    def begun_on(self) -> "BegunOn":
        """What the run folder knows of the faces that the run was trained on."""
        from facevae.run.begun_on import BegunOn

        return BegunOn.of(self.run, self.data_description)

    @functools.cached_property
    def training_encodings(self) -> "Encodings":
        """The posterior of up to 20,000 faces of the training split as it is now.

        Raises:
            UserError: the faces were not found.
        """
        return self._encodings(verified=True)

    @functools.cached_property
    def kept_encodings(self) -> "Encodings":
        """The posterior of up to 20,000 training faces as training stored it, without a look at the data set.

        Raises:
            UserError: the run folder holds none of this model, and the faces were not found.
        """
        return self._encodings(verified=False)

    def _encodings(self, verified: bool) -> "Encodings":
        from facevae.run.encodings import training_encodings

        return training_encodings(self.run, self.model, lambda: self.dataset.train, verified)


@contextlib.contextmanager
def asking_for_data(is_needed: bool = True) -> Iterator[None]:
    """Where a run's faces are not found inside the block, says that `--data` names their new place.

    Args:
        is_needed: False where `--data` was given, or there is no run yet.

    Raises:
        UserError: instead of a `DataNotFoundError`.
    """
    try:
        yield
    except DataNotFoundError as error:
        if not is_needed:
            raise
        raise UserError(
            f"{error.problem} The run was trained on these faces; give their new folder by --data FOLDER."
        ) from error


# ------------------------------------------------------------------------------
# Flags
# ------------------------------------------------------------------------------


def add_data_flags(parser: argparse.ArgumentParser) -> None:
    """Adds `--data`, `--data-dir` and `--cache-dir`, which say where the faces of a trained run are now."""
    # SUPPRESS: defaults of a subcommand's parser would overwrite flags that were given before the subcommand.
    flags = parser.add_argument_group("where the faces are now", argument_default=argparse.SUPPRESS)
    flags.add_argument(
        "--data", help="folder or tensorflow-datasets name (default: what the run was trained on)"
    )
    flags.add_argument(
        "--data-dir",
        help="folder in which tensorflow-datasets keeps its data sets (default: that of the training)",
    )
    flags.add_argument(
        "--cache-dir", help="folder of the prepared faces (default: FACEVAE_CACHE or ~/.cache/facevae)"
    )


def open_from_flags(flags: argparse.Namespace) -> OpenedRun:
    """Opens the run that the flags of a command name, without slow imports.

    Args:
        flags: `run_dir`, those of `add_data_flags`, and `which` and `output_dir` where the command has them.

    Raises:
        UserError: the folder holds no run, `--data` is neither an existing folder nor a data set's name,
            `--output-dir` lies among the faces, or TensorFlow would not start.
    """
    places = {name: value for name, value in vars(flags).items() if name in DATA_FLAGS}
    opened = OpenedRun(flags.run_dir, getattr(flags, "which", None), **places)
    if "data" in places:
        from facevae.data.sources import check_source

        check_source(opened.data)
    if getattr(flags, "output_dir", None):
        refuse_among_faces("--output-dir", flags.output_dir, opened.data)
    check_native_flags()
    return opened
