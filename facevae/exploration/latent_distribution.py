"""The command `latents` of `explore.py`: a map of the encoded faces, and each latent dimension against N(0, 1)."""

import numpy as np

from facevae import figures
from facevae.command_line.display import elapsed_time
from facevae.exploration.explored_run import Exploration, check_count
from facevae.exploration.file_names import options_in_name
from facevae.exploration.latent_map import different_in_kind, map_agreement, two_dimensional_map

_MAPPED_FACES = 20  # the fewest, with which t-SNE finds neighbourhoods


def latents(
    explored: Exploration, count: int | None = None, attribute: str | None = None, seed: int = 0
) -> None:
    """The latent distribution: a map in two dimensions, and each latent dimension against N(0, 1).

    A map needs at least 20 encoded faces. With fewer, only the dimensions are drawn.
    """
    wanted = None if attribute is None else explored.attribute_index(attribute)
    encodings = explored.opened.training_encodings
    available = len(encodings.mean)
    made_by = options_in_name(count=(count, None), seed=(seed, 0))
    count = available if count is None else count
    least = min(_MAPPED_FACES, available)
    check_count(count, available, "encoded training faces", least=max(least, 2))
    rows = np.sort(np.random.default_rng(seed).permutation(available)[:count])
    mean, log_variance = encodings.mean[rows], encodings.log_variance[rows]

    title = f"The first {min(30, mean.shape[1])} of {mean.shape[1]} latent dimensions"
    samples = encodings.sample(seed)[rows]
    explored.show(
        "latent_dimensions", figures.dimension_histograms(samples, mean, log_variance, title), made_by
    )

    if count < _MAPPED_FACES:
        print(f"No map: it takes at least {_MAPPED_FACES} encoded training faces, the run has {count}.")
        return
    with elapsed_time(f"Computing a t-SNE map of {count:,} training faces"):
        positions = two_dimensional_map(mean, seed)
    title = f"Latents of {count:,} training faces, t-SNE"
    explored.show("latent_map", figures.map_with_density(positions, title), made_by)
    places = figures.places_in_map(positions)
    faces = explored.dataset.train.images(encodings.indices[rows][places[places >= 0]])
    title = "The latent map, drawn with its faces"
    explored.show("latent_map_faces", figures.map_with_faces(places, faces, title), made_by)

    if encodings.attributes is None:
        print("The data set has no attributes: no map is coloured by them.")
        return
    made_by += options_in_name(attribute=(attribute, None))
    _show_attributes(explored, positions, encodings.attributes[rows], wanted, made_by)


def _show_attributes(
    explored: Exploration, positions: np.ndarray, attributes: np.ndarray, wanted: int | None, made_by: str
) -> None:
    """The map in colours of one attribute, or of the six of different kinds that it groups best."""
    agreement = map_agreement(positions, attributes)
    every = explored.dataset.attribute_names
    if wanted is None:
        shown = different_in_kind(attributes, every, agreement)
        title = "The latent map, coloured by attributes of different kinds that it groups well"
    else:
        shown = np.array([wanted])
        title = "The latent map, coloured by an attribute"
    names = [every[index] for index in shown]
    panels = figures.map_by_attributes(positions, attributes[:, shown], names, agreement[shown], title)
    explored.show("latent_map_attributes", panels, made_by)
