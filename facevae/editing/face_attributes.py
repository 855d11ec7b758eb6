"""What a model can do to the attributes of its faces, as `facevae.editing.measuring` finds it and a run keeps it."""

import dataclasses
import difflib
from collections.abc import Sequence

import numpy as np

from facevae.editing.reader import Reader
from facevae.errors import UserError


@dataclasses.dataclass(frozen=True)
class FaceAttributes:
    """Directions of edits, and a reading of attributes in the latents.

    Attributes:
        names: of the attributes.
        directions: `float32[attributes, latent_dim]`, what strength 1 adds to a latent.
        minimum: `float32[attributes]`, the strength, negative, at which the last good pictures are.
        maximum: `float32[attributes]`, the same for positive strengths.
        flipped: `float32[attributes]`, share of faces whose attribute a strength of ±2 changes; NaN where unmeasured.
        others: `float32[attributes]`, share of their other attributes that it changes; NaN where unmeasured.
        offered: `bool[attributes]`, whether the model can change the attribute.
        weights: `float32[latent_dim, attributes]`, of the reading `latent @ weights + bias`: above 0, more faces have
            the attribute than not.
        bias: `float32[attributes]`.
        reader: of attributes in decoded pictures; None where unmeasured.
    """

    names: tuple[str, ...]
    directions: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray
    flipped: np.ndarray
    others: np.ndarray
    offered: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    reader: Reader | None

    @property
    def offered_names(self) -> list[str]:
        """The attributes that the model can change, the clearest first."""
        order = sorted(np.flatnonzero(self.offered), key=lambda index: -self.clearness[index])
        return [self.names[index] for index in order]

    @property
    def offered_only(self) -> "FaceAttributes":
        """The same without a reader, of the attributes that the model can change, the clearest first."""
        chosen = [self.names.index(name) for name in self.offered_names]
        of_each = ("directions", "minimum", "maximum", "flipped", "others", "offered", "bias")
        columns = {name: getattr(self, name)[chosen] for name in of_each}
        return FaceAttributes(
            tuple(self.offered_names), **columns, weights=self.weights[:, chosen], reader=None
        )

    @property
    def clearness(self) -> np.ndarray:
        """How well each attribute changes, and alone: the share that flips less the share of others that does."""
        return np.nan_to_num(self.flipped - self.others)

    @property
    def strength_note(self) -> str:
        """A sentence that says what strength 1 is."""
        if self.reader is None:
            return "Strength 1: the mean gap between faces without and with the attribute; too few faces to measure it."
        return "Strength 1: where the median face gains or loses the attribute, read from decoded faces."

    def index(self, name: str) -> int:
        """The index of an attribute; case, spaces and hyphens in its name do not matter.

        Raises:
            UserError: no attribute has this name; the message names similar ones.
        """
        return attribute_index(self.names, name)

    def check_offered(self, index: int) -> None:
        """Refuses an attribute that the model cannot change.

        Raises:
            UserError: it is one; the message names those that it can.
        """
        if not self.offered[index]:
            able = ", ".join(self.offered_names) or "none"
            raise UserError(
                f"attribute: this model cannot change {self.names[index]} so that it shows and the rest of the face "
                f"stays. Those that it can change, the clearest first: {able}."
            )


def attribute_index(names: Sequence[str], name: str) -> int:
    """The index of an attribute among `names`; case, spaces and hyphens do not matter.

    Raises:
        UserError: no attribute has this name; the message names similar ones.
    """
    wanted, known = _normalised(name), [_normalised(each) for each in names]
    if wanted in known:
        return known.index(wanted)
    near = [names[known.index(match)] for match in difflib.get_close_matches(wanted, known, 3, 0.5)]
    advice = f"Did you mean {' or '.join(near)}?" if near else "Give one of them."
    raise UserError(f"attribute: expected one of {', '.join(names)}; received {name!r}. {advice}")


def no_attributes(data: str) -> UserError:
    """The error for a run whose data set, of this name, has no attributes."""
    return UserError(
        f"attribute: the run's data set, {data}, has no attributes. "
        "Train on faces that have some: synthetic_faces, or CelebA with its list_attr_celeba file."
    )


def _normalised(name: str) -> str:
    return name.lower().replace(" ", "_").replace("-", "_")
