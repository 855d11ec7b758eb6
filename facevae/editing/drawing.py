"""New faces that have some attributes and lack others."""

from collections.abc import Callable, Mapping

import numpy as np
from tqdm import tqdm

from facevae.editing.face_attributes import FaceAttributes
from facevae.errors import UserError

# Faces are drawn so many at once, and of these the likeliest by the reading of their latents are decoded and read.
DRAWN, DECODED = 4096, 192
ROUNDS = 8
# A face counts as wanted where its logit is this far on the right side: the reader errs near 0.
SURE = 1.5
# Strengths of the edits by which faces that lack something gain it, where too few are drawn that have it.
STEPS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)


def draw_latents(
    attributes: FaceAttributes,
    wanted: Mapping[str, bool],
    count: int,
    seed: int,
    draw: Callable[[int, int], np.ndarray],
) -> np.ndarray:
    """Latents of new faces with the attributes that are wanted, and without those that are not.

    Faces are drawn from the model's own distribution, decoded and read (`facevae.editing.reader`), and those that are
    surely as wanted are kept: the distribution, given the attributes. Where these are too few, the nearest others are
    moved along the attributes that they lack until they are.

    Args:
        attributes: of the model.
        wanted: names of attributes, and whether faces have them.
        count: how many faces.
        seed: the same seed gives the same faces.
        draw: from a count and a seed to latents `float32[count, latent_dim]`.

    Returns:
        `float32[count, latent_dim]`.

    Raises:
        UserError: an unknown name, an attribute that the model cannot change, a value that is no bool, or faces too few
            to have learnt to read attributes.
    """
    indices, signs = _checked(attributes, wanted)
    reader = attributes.reader
    assert reader is not None, "checked above"
    seeds = np.random.default_rng(seed).integers(2**31, size=ROUNDS)
    right, near, margins = [], [], []
    for each in tqdm(seeds, "Looking for faces", unit="round", delay=2, leave=False):
        drawn = draw(DRAWN, int(each))
        likely = signs * (drawn @ attributes.weights[:, indices] + attributes.bias[indices])
        # The order in which they were drawn among those that read as wanted, then the nearest of the others.
        order = np.argsort(np.maximum(SURE - likely, 0.0).max(axis=1, initial=0.0), kind="stable")
        decoded = drawn[order[: max(DECODED, min(count, DRAWN))]]
        margin = (signs * reader.logits(decoded)[:, indices]).min(axis=1)
        right.append(decoded[margin >= SURE])
        near.append(decoded[margin < SURE])
        margins.append(margin[margin < SURE])
        if sum(map(len, right)) >= count:
            break
    found = np.concatenate(right)[:count]
    if len(found) == count:
        return found
    nearest = np.concatenate(near)[np.argsort(-np.concatenate(margins), kind="stable")]
    missing = np.resize(np.arange(len(nearest)), count - len(found))
    return np.concatenate([found, _moved(attributes, nearest[missing], indices, signs)])


def _checked(attributes: FaceAttributes, wanted: Mapping[str, bool]) -> tuple[list[int], np.ndarray]:
    """The indices of the attributes, and 1 for each that is wanted, −1 for each that is not."""
    if attributes.reader is None:
        raise UserError(
            "attributes: faces cannot be asked for by attributes, because the run has too few faces to have learnt to "
            "read them. Leave them out, or train on more faces."
        )
    indices: list[int] = []
    for name, value in wanted.items():
        if not isinstance(value, bool | np.bool_):
            raise UserError(f"attributes: expected True or False for {name!r}, received {value!r}.")
        index = attributes.index(name)
        attributes.check_offered(index)
        if index in indices:
            raise UserError(f"attributes: expected each attribute once, received {name!r} twice.")
        indices.append(index)
    return indices, np.where([bool(value) for value in wanted.values()], 1.0, -1.0)


def _moved(
    attributes: FaceAttributes, latents: np.ndarray, indices: list[int], signs: np.ndarray
) -> np.ndarray:
    """Faces moved along the attributes that they lack, no further than it takes."""
    reader = attributes.reader
    assert reader is not None
    begun, strengths = latents, np.zeros((len(latents), len(indices)))
    for strength in STEPS:
        lacks = signs * reader.logits(latents)[:, indices] < SURE
        if not lacks.any():
            break
        strengths = np.where(lacks, strength, strengths)
        latents = (begun + (signs * strengths) @ attributes.directions[indices]).astype(np.float32)
    return latents
