"""The command `film` of `explore.py`: how the same faces and samples looked, epoch by epoch."""

import dataclasses

import numpy as np
from tqdm import tqdm

from facevae import figures
from facevae.errors import UserError, printable
from facevae.exploration.explored_run import Exploration
from facevae.figures import cards, face_grids
from facevae.tensorboard.kept_pictures import kept_pictures, pixels

# The pictures of `callbacks.ReconstructionPictures` and `callbacks.SamplePictures`.
RECONSTRUCTIONS = "1 reconstructions/of validation faces"
FROM_DENSITY, FROM_PRIOR = "2 samples/from the fitted density", "2 samples/from the prior"

MOST_FRAMES = 60
STRIP_EPOCHS = 8
STRIP_FACES = 4  # validation faces in the strip, and as many new ones
SAMPLE_ROWS = 3  # in the film
SIDE = 96  # pixels of a face
FIRST_PAUSE, LAST_PAUSE, ALL_FRAMES, LONGEST_FRAME = 700, 2500, 6000, 500  # milliseconds


@dataclasses.dataclass(frozen=True)
class Moment:
    """What was kept of an epoch.

    Attributes:
        epoch: counted from 1.
        faces: validation faces, `uint8[faces, size, size, 3]`.
        reconstructions: of them, of the same shape.
        samples: new faces, `uint8[samples, size, size, 3]`.
    """

    epoch: int
    faces: np.ndarray
    reconstructions: np.ndarray
    samples: np.ndarray


def film(explored: Exploration) -> None:
    """An animation and a strip of what training showed of the same faces and the same noise, epoch by epoch.

    Needs neither the faces nor a finished training: the pictures are those that TensorBoard shows.

    Raises:
        UserError: fewer than two epochs were kept, or what was kept is damaged.
    """
    folder = explored.opened.run.face_logs
    kept = kept_pictures(folder, (RECONSTRUCTIONS, FROM_DENSITY, FROM_PRIOR))
    density, prior = kept[FROM_DENSITY], kept[FROM_PRIOR]
    # A density that was not fitted in every epoch would make the film jump.
    drawn, source = (density, "the fitted density") if density.keys() >= prior.keys() else (prior, "N(0, 1)")
    epochs = [epoch for epoch in kept[RECONSTRUCTIONS] if epoch in drawn]
    if len(epochs) < 2:
        raise UserError(
            f"film: expected pictures of two epochs or more in {printable(str(folder))!r}, found {len(epochs)}. "
            "Training writes them after each epoch: film a run that was trained longer, or one whose logs are there."
        )
    size = explored.opened.config.image_size
    moments = {}
    for epoch in tqdm(spread(epochs, MOST_FRAMES), "Reading pictures", unit="epoch", delay=1, leave=False):
        try:
            moments[epoch] = _moment(epoch, kept[RECONSTRUCTIONS][epoch], drawn[epoch], size)
        except ValueError as error:
            raise UserError(
                f"film: the pictures of epoch {epoch} in {printable(str(folder))!r} are not those of this run: {error}."
            ) from error
    made_by = f"-epochs-{epochs[0]}-{epochs[-1]}"
    note = f"New faces: drawn from {source}, the same noise in every epoch."
    explored.show(
        "film", _strip([moments[epoch] for epoch in spread(list(moments), STRIP_EPOCHS)], note), made_by
    )
    shown = tqdm(moments.values(), "Drawing the film", unit="frame", delay=1, leave=False)
    frames = [_frame(moment, epochs[-1], note) for moment in shown]
    usual = min(ALL_FRAMES // len(frames), LONGEST_FRAME)
    durations = [max(usual, FIRST_PAUSE), *[usual] * (len(frames) - 2), LAST_PAUSE]
    explored.show_animation("film" + made_by, np.stack(frames), durations)


def spread(epochs: list[int], most: int) -> list[int]:
    """At most so many of the epochs, the first and the last among them, dense at first, where faces change fastest."""
    if len(epochs) <= most:
        return epochs
    order = np.arange(most)
    places = np.round(np.geomspace(1, len(epochs), most)).astype(int) - 1 - order
    return [epochs[place] for place in np.maximum.accumulate(places) + order]


def _moment(epoch: int, reconstructions: bytes, samples: bytes, size: int) -> Moment:
    pictures = pixels(reconstructions), pixels(samples)
    # Before there were cards, runs kept plain grids.
    kind = cards if pictures[0].shape[1] % cards.WIDTH == 0 else face_grids
    faces, reconstructed = kind.reconstructions_of(pictures[0], size)
    return Moment(epoch, faces, reconstructed, kind.samples_of(pictures[1], size))


def _frame(moment: Moment, last: int, note: str) -> np.ndarray:
    columns = min(figures.COLUMNS, len(moment.faces))
    rows = min(SAMPLE_ROWS, len(moment.samples) // columns)
    faces = [moment.faces[:columns], moment.reconstructions[:columns], moment.samples[: rows * columns]]
    labels = ["faces", "reconstructed", *["new faces"][:rows]]
    title = f"Epoch {moment.epoch:,} of {last:,}"
    return figures.labelled_grid(np.concatenate(faces), columns, title, labels, note=note, side=SIDE)


def _strip(moments: list[Moment], note: str) -> np.ndarray:
    """An epoch in each column: validation faces beside their originals, and below them new faces."""
    faces = moments[0].faces[:STRIP_FACES]
    new = min(STRIP_FACES, len(moments[0].samples))
    reconstructed = np.stack([faces, *(moment.reconstructions[: len(faces)] for moment in moments)], axis=1)
    samples = np.stack([moment.samples[:new] for moment in moments], axis=1)
    samples = np.pad(samples, [(0, 0), (1, 0), (0, 0), (0, 0), (0, 0)], constant_values=255)
    cells = np.concatenate([reconstructed, samples]).reshape(-1, *faces.shape[1:])
    columns = ["original", *(f"epoch {moment.epoch:,}" for moment in moments)]
    rows = ["reconstructed", *[""] * (len(faces) - 1), "new faces"]
    title = "The same faces, epoch by epoch"
    return figures.labelled_grid(cells, len(columns), title, rows, columns, note, SIDE)
