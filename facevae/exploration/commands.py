"""The commands of `explore.py`: each combines the model with `facevae.latents` and `facevae.figures`.

Each takes an `Exploration` first and writes its pictures with `Exploration.show`. Faces are named as in
`Exploration.faces`.
"""

import itertools
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from facevae import figures
from facevae.errors import printable
from facevae.exploration.comparison import compare as compare
from facevae.exploration.edits import edit as edit
from facevae.exploration.edits import wanted_attributes
from facevae.exploration.explored_run import SIDE, Exploration, check_count
from facevae.exploration.file_names import faces_in_name, options_in_name, stem
from facevae.exploration.film import film as film
from facevae.exploration.latent_distribution import latents as latents
from facevae.exploration.nearest_faces import neighbours as neighbours
from facevae.exploration.photographs import Photograph
from facevae.exploration.temperature import drawing_temperature
from facevae.latents import (
    TRAVERSAL_DEVIATIONS,
    attribute_edits,
    dimensions_by_kl,
    informative_dimensions,
    interpolate,
    kl_per_dimension,
    traversals,
)

_SHOWN_EDITS = ("Smiling", "Eyeglasses", "Male", "Young", "Blond_Hair", "Mustache")


def reconstruct(
    explored: Exploration,
    faces: Sequence[str] = (),
    eyes: Sequence[tuple] = (),
    box: Sequence[tuple] = (),
    number: Sequence[int] = (),
    count: int | None = None,
    seed: int = 0,
) -> None:
    """Originals above reconstructions, of the given faces or of `count` faces drawn from the test split.

    Without either: of 20 faces, or of all where there are fewer.
    """
    if faces:
        originals, notes = explored.faces(faces, eyes, box, number)
        made_by = faces_in_name(faces, eyes, box, number)
    else:
        available = len(explored.dataset.test)
        made_by = options_in_name(count=(count, None), seed=(seed, 0))
        count = min(20, available) if count is None else count
        check_count(count, available, "faces in the test split")
        chosen = np.random.default_rng(seed).choice(available, count, replace=False)
        originals = explored.test_faces(np.sort(chosen))
        notes = ["Faces of the test split, on which the model was not trained"]
    print("\n".join(notes))
    reconstructions = figures.as_bytes(explored.model.decode_all(explored.encode(originals)))
    error = float(np.mean((originals / 255.0 - reconstructions / 255.0) ** 2))
    quality = f"Mean squared error {error:.4f} of pixels in [0, 1], PSNR {-10.0 * np.log10(max(error, 1e-12)):.1f} dB."
    print(quality)
    note = f"{'; '.join(notes)}. {quality}"
    grid = figures.reconstruction_grid(originals, reconstructions, "Reconstructions", note, SIDE)
    explored.show("reconstructions", grid, made_by)
    for file, name in enumerate(name for name in faces if not name.isdecimal()):
        place: dict[str, Any] = {"eyes": eyes, "box": box, "number": number}
        photograph = explored.photograph(name, **{key: each[file] for key, each in place.items() if each})
        _show_photograph(explored, photograph, name, faces_in_name([], eyes, box, number))


def _show_photograph(explored: Exploration, photograph: Photograph, name: str, made_by: str) -> None:
    """The photograph, its face as the model sees it, the reconstruction, and edits of it where there are attributes."""
    latent = explored.encode(photograph.framed[None])
    pictures = [photograph.framed / 255.0, explored.model.decode_all(latent)[0]]
    labels = ["aligned" if photograph.taken is not None else "cropped", "reconstruction"]
    attributes = explored.kept_attributes()
    offered = attributes.offered_names if attributes else []
    if attributes and offered:
        shown = [each for each in _SHOWN_EDITS if each in offered] or offered[: len(_SHOWN_EDITS)]
        wanted = attributes.directions[[attributes.index(each) for each in shown]]
        pictures += [*explored.model.decode_all(attribute_edits(latent[0], wanted, np.array([2.0])))]
        labels += [each.replace("_", " ") for each in shown]
    marked = photograph.numbered if photograph.found else photograph.pixels
    note = f"{printable(pathlib.Path(name).name)}: {photograph.note}."
    if offered:
        note += " Each edit adds an attribute at strength 2; at 1 half the faces have gained it."
    sheet = figures.photograph_sheet(
        marked, np.stack(pictures), labels, "A photograph, and what the model makes of it", note
    )
    explored.show(f"photograph_{stem(name)}", sheet, made_by)


def generate(
    explored: Exploration,
    count: int = 40,
    temperature: float | None = None,
    seed: int = 0,
    attribute: Sequence[str] = (),
) -> None:
    """New faces, from the fitted density if there is one, and from N(0, 1); with attributes, from the first only.

    Without a temperature: at the run's viewing temperature.
    """
    drawn_at, said = drawing_temperature(explored.opened, temperature)
    if attribute:
        wanted = wanted_attributes(explored.opened.attributes.names, attribute)
        faces = explored.model.sample(count, seed, temperature=drawn_at, attributes=wanted)
        title = "New faces, " + ", ".join(("" if has else "no ") + name for name, has in wanted.items())
        grid = figures.sample_grid(faces, title.replace("_", " "), f"{said} Seed {seed}.", SIDE)
        made_by = options_in_name(count=(count, 40), temperature=(temperature, None), seed=(seed, 0))
        explored.show("generated_" + "_".join(attribute), grid, made_by)
        return
    sources = {"density": "the density fitted to encoded training faces", "prior": "N(0, 1)"}
    if explored.model.density is None:
        del sources["density"]
        print(
            "The run has no fitted density (density_components is 0, or training has not ended): N(0, 1) only."
        )
    print(said)
    note = f"{said} Seed {seed}."
    grids = [
        figures.sample_grid(
            explored.model.sample(count, seed, source, drawn_at), f"Faces from {name}", note, SIDE
        )
        for source, name in sources.items()
    ]
    made_by = options_in_name(count=(count, 40), temperature=(temperature, None), seed=(seed, 0))
    explored.show("generated", figures.stacked(grids), made_by)


def morph(
    explored: Exploration,
    faces: Sequence[str],
    steps: int = 9,
    eyes: Sequence[tuple] = (),
    box: Sequence[tuple] = (),
    number: Sequence[int] = (),
) -> None:
    """Interpolations from each face to the next, linear and spherical, and an animation of the spherical ones."""
    images, notes = explored.faces(faces, eyes, box, number)
    print("\n".join(notes))
    pairs = list(itertools.pairwise(explored.encode(images)))
    between = [
        interpolate(start, end, steps, spherical) for start, end in pairs for spherical in (False, True)
    ]
    note = "Linear: in a straight line between the latents. Spherical: along the great circle, keeping their norm."
    grid = figures.interpolation_grid(
        np.repeat(images[:-1], 2, axis=0),
        explored.model.decode_all(np.concatenate(between)),
        np.repeat(images[1:], 2, axis=0),
        ["linear", "spherical"] * len(pairs),
        "Morphing",
        note,
        SIDE,
    )
    made_by = faces_in_name(faces, eyes, box, number)
    explored.show("morph", grid, made_by + options_in_name(steps=(steps, 9)))
    frames = []
    for start, end in pairs:
        moving = explored.model.decode_all(interpolate(start, end, 24, spherical=True))
        frames += [*[moving[0]] * 6, *moving]  # pause at each face
    forward = np.stack([*frames, *[frames[-1]] * 6])
    moving = figures.enlarge(np.concatenate([forward, forward[::-1]]), 256)
    explored.show_animation("morph" + made_by, moving)


def traverse(
    explored: Exploration,
    face: str | None = None,
    count: int | None = None,
    eyes: Sequence[tuple] = (),
    box: Sequence[tuple] = (),
    number: Sequence[int] = (),
) -> None:
    """One face while one latent dimension at a time varies: those with the highest KL, highest first.

    Without a count: 10 dimensions, or all where there are fewer.
    """
    encodings = explored.opened.kept_encodings
    made_by = faces_in_name([] if face is None else [face], eyes, box, number)
    made_by += options_in_name(count=(count, None))
    count = min(10, encodings.mean.shape[1]) if count is None else count
    check_count(count, encodings.mean.shape[1], "latent dimensions")
    mean, log_variance = encodings.mean, encodings.log_variance
    start, note = mean.mean(axis=0), "the mean of the training faces' latents"
    if face is not None:
        images, (note,) = explored.faces([face], eyes, box, number)
        start = explored.encode(images)[0]
    dimensions = informative_dimensions(mean, log_variance, count)
    if len(dimensions) < count:
        print(f"The encoder uses {len(dimensions)} of its {mean.shape[1]} latent dimensions.")
    if not len(dimensions):  # then the picture shows that none has an effect
        dimensions = dimensions_by_kl(mean, log_variance)[:count]
    grid = figures.traversal_grid(
        explored.model.decode_all(traversals(start, dimensions, mean, log_variance)),
        dimensions,
        kl_per_dimension(mean, log_variance),
        TRAVERSAL_DEVIATIONS,
        f"The {len(dimensions)} most informative latent dimensions",
        "Each row changes one dimension alone, by standard deviations of the encoded faces; ordered by the KL "
        f"divergence from N(0, 1), in nats. Start: {note}.",
        SIDE,
    )
    explored.show("traversal", grid, made_by)
