"""The command `edit`, and how attributes are named on the command line."""

from collections.abc import Sequence

import numpy as np

from facevae import figures
from facevae.editing.face_attributes import FaceAttributes, attribute_index
from facevae.errors import UserError
from facevae.exploration.explored_run import SIDE, Exploration
from facevae.exploration.file_names import faces_in_name, options_in_name, stem
from facevae.figures.text import signed
from facevae.latents import attribute_edits


def edit(
    explored: Exploration,
    face: str,
    attribute: str | None = None,
    strength: tuple[float, float, int] = (-2.0, 2.0, 9),
    eyes: Sequence[tuple] = (),
    box: Sequence[tuple] = (),
    number: Sequence[int] = (),
) -> None:
    """One face with less and more of an attribute, or a sheet of all that the model can change, at both ends."""
    attributes = explored.opened.attributes
    index = None if attribute is None else attributes.index(attribute)
    if index is not None:
        attributes.check_offered(index)
    (image,), (note,) = explored.faces([face], eyes, box, number)
    print(note)
    latent = explored.encode(image[None])[0]
    strengths = np.linspace(*strength)
    made_by = faces_in_name([], eyes, box, number) + options_in_name(
        strength=("_".join(f"{s:g}" for s in strength), "-2_2_9")
    )
    note = f"{note}. {attributes.strength_note}"
    if index is None:
        sheet = _sheet(explored, attributes, latent, strengths[[0, -1]], note)
        explored.show(f"attributes_{stem(face)}", sheet, made_by)
    else:
        strip = _strip(explored, attributes, index, image, latent, strengths, note)
        explored.show(f"edit_{stem(face)}_{attributes.names[index]}", strip, made_by)


def _sheet(
    explored: Exploration, attributes: FaceAttributes, latent: np.ndarray, ends: np.ndarray, note: str
) -> np.ndarray:
    """All attributes that the model can change, at both ends."""
    names = attributes.offered_names
    if not names:
        raise UserError(
            "attribute: there is none that this model can change. Train for longer, or on more faces."
        )
    _say_what_is_left_out(attributes)
    directions = attributes.directions[[attributes.index(name) for name in names]]
    edited = explored.model.decode_all(attribute_edits(latent, directions, ends))
    title = f"Less and more of each attribute: strength {signed(ends[0])} and {signed(ends[1])}"
    (unedited,) = explored.model.decode_all(latent[None])
    return figures.attribute_sheet(unedited, edited[0::2], edited[1::2], names, title, note)


def _strip(
    explored: Exploration,
    attributes: FaceAttributes,
    index: int,
    image: np.ndarray,
    latent: np.ndarray,
    strengths: np.ndarray,
    note: str,
) -> np.ndarray:
    """One attribute at all strengths, beside the original."""
    lowest, highest = attributes.minimum[index], attributes.maximum[index]
    if strengths.min() < lowest or strengths.max() > highest:
        said = f"Beyond {signed(lowest)} and {signed(highest)} edited faces leave those that the model knows."
        print(said)
        note = f"{note} {said}"
    edited = explored.model.decode_all(attribute_edits(latent, attributes.directions[[index]], strengths))
    return figures.attribute_edit_grid(
        image, edited, [attributes.names[index]], strengths, "Less and more of an attribute", note, SIDE
    )


def _say_what_is_left_out(attributes: FaceAttributes) -> None:
    if left_out := [name for name in attributes.names if name not in attributes.offered_names]:
        print(f"Left out, because this model cannot change them alone: {', '.join(left_out)}.")


def wanted_attributes(names: Sequence[str], given: Sequence[str]) -> dict[str, bool]:
    """Attributes by name, and whether faces have them: `no_` before a name, which is no name itself, says no.

    Raises:
        UserError: an unknown name, or one that is asked for twice.
    """
    wanted: dict[str, bool] = {}
    for text in given:
        is_name = text.lower() in [name.lower() for name in names]
        has = is_name or not text.lower().startswith("no_")
        name = names[attribute_index(names, text if has else text[len("no_") :])]
        if name in wanted:
            raise UserError(f"--attribute: expected each attribute once, received {name} twice.")
        wanted[name] = has
    return wanted
