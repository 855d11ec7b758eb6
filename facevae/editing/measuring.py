"""Measures edits: how far strength 1 goes, where they end, what else they change, and which a model can do at all."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from facevae.editing import readings
from facevae.editing.face_attributes import FaceAttributes
from facevae.editing.reader import Reader, decoded, train_reader
from facevae.latents import attribute_directions
from facevae.model import VAE

# Faces from which the reader learns, others on which it is checked, and how many of these, without and with an
# attribute, are edited. With fewer in all than FEWEST_FACES nothing is measured.
MOST_LEARNT, MOST_CHECKED, MOST_EDITED = 4000, 1000, 48
FEWEST_FACES, FEWEST_EDITED = 250, 4
SEED = 0
# The mean accuracy of faces with and without an attribute from which on it is read well enough in decoded pictures.
READABLE = 0.6
# What an edit of strength 2 does on faces that it was not made with, where the attribute is offered.
FLIPPED, MOST_OTHERS = 0.85, 0.1
CROSSINGS = np.array([0.0, 0.5, 1.0, 1.5, 2.5, 4.0])  # tried for strength 1, times the first guess
# Sliders end between 2 and 4, where an edited face becomes less usual than all but one of a thousand faces.
ENDS, USUAL = np.arange(2.0, 4.1, 0.25), 0.999
UNMEASURED_END = 2.0


def measure(model: VAE, names: Sequence[str], mean: np.ndarray, attributes: np.ndarray) -> FaceAttributes:
    """Directions of all attributes, calibrated with pictures that the model decodes.

    A reader learns the attributes from decoded pictures of some faces (`facevae.editing.reader`); others are edited.
    Strength 1 is where the attribute of the median face changes in the reader's eyes: of the one without it if it is
    added, of the one with it if it is taken away, whichever takes more. An attribute is offered if a strength of 2
    changes it on at least `FLIPPED` of the faces, and of their other attributes at most `MOST_OTHERS`, and leaves the
    median face within the reach of the faces.

    Args:
        model: the finished model.
        names: of the attributes.
        mean: `float32[faces, latent_dim]`, posterior means of training faces.
        attributes: `[faces, attributes]` of 0 and 1.
    """
    finite = np.isfinite(mean).all(axis=1)
    mean, attributes = mean[finite], attributes[finite]
    if len(mean) < FEWEST_FACES or not mean.std(axis=0).any():
        return unmeasured(names, mean, attributes)
    directions = readings.directions(mean, attributes)
    order = np.random.default_rng(SEED).permutation(len(mean))
    checked, learnt = np.split(order, [min(MOST_CHECKED, len(mean) // 4)])
    learnt = learnt[:MOST_LEARNT]
    pictures = decoded(model, mean[learnt])
    reader = train_reader(model, pictures, attributes[learnt])
    weights, bias = readings.linear_reading(mean[learnt], reader.of_pictures(pictures))
    edits = _Edits(reader, mean[checked], reader.logits(mean[checked]), readings.Faces.of(mean, USUAL))
    readable = readings.balanced_accuracy(edits.logits > 0.0, attributes[checked]) >= READABLE
    columns = [
        edits.measured(index, directions[index], weights[:, index]) if readable[index] else _NOT_READ
        for index in tqdm(range(len(names)), "Measuring edits", unit="attribute", delay=1, leave=False)
    ]
    unit, flipped, others, minimum, maximum = np.array(columns, np.float32).T
    good = (flipped >= FLIPPED) & (others <= MOST_OTHERS) & (-minimum >= ENDS[0]) & (maximum >= ENDS[0])
    return FaceAttributes(
        names=tuple(names),
        directions=(unit[:, None] * directions).astype(np.float32),
        minimum=np.minimum(minimum, -ENDS[0]).astype(np.float32),
        maximum=np.maximum(maximum, ENDS[0]).astype(np.float32),
        flipped=flipped,
        others=others,
        offered=good,
        weights=weights.astype(np.float32),
        bias=bias.astype(np.float32),
        reader=reader,
    )


def unmeasured(names: Sequence[str], mean: np.ndarray, attributes: np.ndarray) -> FaceAttributes:
    """Of faces too few to measure: all attributes are offered, strength 1 is the gap between faces without and with."""
    count, latent_dim = attributes.shape[1], mean.shape[1]
    directions = attribute_directions(mean, attributes) if len(mean) else np.zeros((count, latent_dim))
    every, ends = np.ones(count, np.float32), np.full(count, UNMEASURED_END, np.float32)
    directions = directions.astype(np.float32)
    squares = np.maximum((directions**2).sum(axis=1), 1e-12)
    return FaceAttributes(
        names=tuple(names),
        directions=directions,
        minimum=-ends,
        maximum=ends,
        flipped=np.nan * every,
        others=np.nan * every,
        offered=np.ones(count, bool),
        weights=(directions / squares[:, None]).T.reshape(latent_dim, count),
        bias=0.0 * every,
        reader=None,
    )


# Strength 1 as a multiple of the direction, shares of flips and of others, and both ends.
_NOT_READ = (1.0, 0.0, 0.0, -ENDS[0], ENDS[0])


@dataclasses.dataclass(frozen=True)
class _Edits:
    """Edits of faces from which the reader has not learnt."""

    reader: Reader
    latents: np.ndarray
    logits: np.ndarray
    faces: readings.Faces

    def measured(self, index: int, direction: np.ndarray, weights: np.ndarray) -> tuple[float, ...]:
        """What `_NOT_READ` lists, of one attribute; `weights` are those of its reading."""
        has = self.logits[:, index] > 0.0
        kinds = [
            (np.flatnonzero(has == value)[:MOST_EDITED], sign) for value, sign in ((False, 1.0), (True, -1.0))
        ]
        change = float(direction @ weights)
        if min(len(rows) for rows, _ in kinds) < FEWEST_EDITED or change <= 0.0:
            return _NOT_READ
        guesses = [float(np.median(np.abs(self.logits[rows, index]))) / change for rows, _ in kinds]
        tried = [
            (rows, sign * guess * each * direction)
            for (rows, sign), guess in zip(kinds, guesses, strict=True)
            for each in CROSSINGS[1:]
        ]
        shares = np.reshape([each[:, index].mean() for each in self._flips(tried)], (len(kinds), -1))
        unit = max(
            guess * crossing(np.array([0.0, *each])) for guess, each in zip(guesses, shares, strict=True)
        )
        if not np.isfinite(unit):
            return _NOT_READ
        flips = self._flips([(rows, 2.0 * sign * unit * direction) for rows, sign in kinds])
        flipped = np.mean([each[:, index].mean() for each in flips])
        others = np.mean(
            [np.delete(each, index, axis=1).mean() if each.shape[1] > 1 else 0.0 for each in flips]
        )
        maximum, minimum = (
            sign * self.faces.end(self.latents[rows], sign * unit * direction, ENDS) for rows, sign in kinds
        )
        return unit, float(flipped), float(others), minimum, maximum

    def _flips(self, edits: list[tuple[np.ndarray, np.ndarray]]) -> list[np.ndarray]:
        """Which attributes the reader sees change, for each edit of some faces by a step: `bool[faces, attributes]`."""
        moved = self.reader.logits(np.concatenate([self.latents[rows] + step for rows, step in edits]))
        parts = np.split(moved, np.cumsum([len(rows) for rows, _ in edits])[:-1])
        return [
            (part > 0.0) != (self.logits[rows] > 0.0) for part, (rows, _) in zip(parts, edits, strict=True)
        ]


def crossing(flips: np.ndarray) -> float:
    """Where half the faces have flipped, in `CROSSINGS`; infinite if at none of them.

    Args:
        flips: `float[crossings]`, the share at each of `CROSSINGS`, 0 at the first.
    """
    rising = np.maximum.accumulate(flips)
    if rising[-1] < 0.5:
        return np.inf
    after = int(np.argmax(rising >= 0.5))
    share = (0.5 - rising[after - 1]) / (rising[after] - rising[after - 1])
    return float(CROSSINGS[after - 1] + share * (CROSSINGS[after] - CROSSINGS[after - 1]))
