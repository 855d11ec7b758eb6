"""The training faces nearest to other faces: to those in photographs, to test faces, or to generated ones."""

from collections.abc import Sequence

import numpy as np

from facevae import figures
from facevae.data import Records
from facevae.evaluation.neighbours import nearest_faces
from facevae.exploration.explored_run import SIDE, Exploration
from facevae.exploration.file_names import faces_in_name, options_in_name
from facevae.exploration.temperature import drawing_temperature


def neighbours(
    explored: Exploration,
    faces: Sequence[str] = (),
    eyes: Sequence[tuple] = (),
    box: Sequence[tuple] = (),
    number: Sequence[int] = (),
    count: int = 8,
    temperature: float | None = None,
    seed: int = 0,
) -> None:
    """The training faces nearest to the given faces, or to generated ones: were any memorised?

    Without a temperature: at the run's viewing temperature.
    """
    train, test = explored.dataset.train, explored.dataset.test
    unseen = test.images(np.arange(min(200, len(test))))
    if faces:
        images, notes = explored.faces(faces, eyes, box, number)
        print("\n".join(notes))
        kind, usual, said = "given", "test faces", f"{'; '.join(notes)}."
        copy = "A training face itself has 0.000."
        made_by = faces_in_name(faces, eyes, box, number)
    else:
        drawn_at, said = drawing_temperature(explored.opened, temperature)
        images = explored.model.sample(count, seed, temperature=drawn_at)
        # Decoded faces are smoother than photographs, and a smooth image is nearer to every other. So the generated
        # faces are compared with the same decoder's reconstructions of faces that it was not trained on.
        unseen = explored.model.decode_all(explored.encode(unseen))
        kind, usual, copy = "generated", "reconstructed test faces", "A memorised face would be far below."
        made_by = options_in_name(count=(count, 8), temperature=(temperature, None), seed=(seed, 0))
    indices, closest, (low, middle, high) = _nearest(images, unseen, train)
    note = (
        f"{said} Distance: root mean square over pixels in [0, 1], mirrored faces included. For scale, the nearest "
        f"training face of {len(unseen)} {usual}: median {middle:.3f}, 90 % between {low:.3f} and {high:.3f}. {copy}"
    )
    median = np.median(closest)
    print(
        f"{kind.capitalize()} faces and their nearest training faces: median distance {median:.3f}.\n{note}"
    )
    found = train.images(indices.ravel())
    grid = figures.neighbour_grid(images, found, closest, "Nearest training faces", note, SIDE, kind)
    explored.show("neighbours", grid, made_by)


def _nearest(
    images: np.ndarray, unseen: np.ndarray, train: Records
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The nearest training faces of some images, and how near they usually are.

    Args:
        images: `[faces, size, size, 3]`, float in [0, 1] or uint8.
        unseen: likewise, of the same kind, which the model was not trained on.
        train: the training faces.

    Returns:
        Indices `int64[faces, nearest]`, the distance of the nearest `float32[faces]`, and the 5 %, 50 % and 95 %
        quantiles of that distance for `unseen`.
    """
    indices, distances = nearest_faces(np.concatenate([images, unseen]), train, min(6, len(train)))
    usual = np.quantile(distances[len(images) :, 0], [0.05, 0.5, 0.95])
    return indices[: len(images)], distances[: len(images), 0], usual
