"""A face gaining and losing attributes."""

import os

import numpy as np

from callbacks.face_callback import FaceCallback
from callbacks.shared_encoding import SharedEncoding
from facevae import arguments, latents
from facevae.errors import UserError
from facevae.figures import attribute_edit_card
from facevae.run.encodings import Encodings

STRENGTHS = np.array([-2.0, -1.0, 0.0, 1.0, 2.0], np.float32)
# Shown first, if the data set has them: easy to see in a small picture.
PREFERRED = (
    "Smiling",
    "Eyeglasses",
    "Male",
    "Blond_Hair",
    "Black_Hair",
    "Bangs",
    "Bald",
    "Young",
    "Wearing_Hat",
    "Mouth_Slightly_Open",
    "Heavy_Makeup",
    "No_Beard",
)


class AttributeEditPictures(FaceCallback):
    """Draws one face with less and more of some attributes, moved along the latent direction of each.

    Strength 1 is the gap between faces without and with the attribute (`facevae.latents.attribute_directions`). The
    face is a usual one, the same in every epoch (`usual_face`).

    Args:
        faces: the fixed faces with their attributes.
        log_dir: folder of the TensorBoard run to write to.
        attributes: names of the attributes to show, in order; None for at most eight that are easy to see.

    Raises:
        UserError: the faces have no attributes, or lack one of these names, or none or one twice is asked for.
    """

    def __init__(
        self, faces: SharedEncoding, log_dir: str | os.PathLike[str], attributes: list[str] | None = None
    ):
        super().__init__(faces, log_dir)
        names = faces.attribute_names
        if not names or faces.attributes is None:
            raise UserError(
                "attributes: expected faces with attributes, received faces without. "
                "Leave AttributeEditPictures out."
            )
        if attributes is None:
            varying = [
                n for n, column in zip(names, faces.attributes.T, strict=True) if np.any(column != column[0])
            ]
            attributes = sorted(varying, key=lambda n: PREFERRED.index(n) if n in PREFERRED else 99)[:8]
        else:
            attributes = list(arguments.names("attributes", attributes))
            unknown = [name for name in attributes if name not in names]
            if unknown or not attributes:
                raise UserError(
                    f"attributes: expected some of {', '.join(names)}, received {', '.join(unknown) or 'none'}. "
                    "Correct the names, or leave `attributes` out to show at most eight."
                )
        self.attributes = attributes
        self.face = usual_face(faces.attributes, faces.images)

    def write(self, epoch: int, encodings: Encodings) -> None:
        if not self.attributes or encodings.attributes is None:
            return
        directions = latents.attribute_directions(encodings.mean, encodings.attributes)
        chosen = directions[[self.faces.attribute_names.index(name) for name in self.attributes]]
        # Where that face's latents are not finite, the first of the others.
        row = int(np.argmax(encodings.indices == self.face))
        edited = latents.attribute_edits(encodings.mean[row], chosen, STRENGTHS)
        card = attribute_edit_card(self.faces.decode(edited), self.attributes, STRENGTHS)
        self.writer.image(
            "5 attribute edits/of a validation face",
            card,
            epoch,
            "The posterior mean of a validation face with usual attributes, plus a multiple of an attribute's "
            "direction; 1 is the gap between faces without and with the attribute.",
        )


def usual_face(attributes: np.ndarray, images: np.ndarray) -> int:
    """The face on which edits show: of the twentieth with the most usual attributes, the most like the mean image.

    On a bald one with glasses edits of hair and eyes hardly show, nor on one behind a hand.

    Args:
        attributes: `[faces, attributes]` of 0 and 1.
        images: `[faces, height, width, 3]`.
    """
    unusual = (attributes != (attributes.mean(axis=0) > 0.5)).sum(axis=1)
    candidates = np.flatnonzero(unusual <= np.sort(unusual)[len(unusual) // 20])
    # Few pixels are enough, and thousands of large images would fill the memory.
    stride = max(1, images.shape[1] // 16)
    small = images[:, ::stride, ::stride].astype(np.float32)
    distances = ((small[candidates] - small.mean(axis=0)) ** 2).mean(axis=(1, 2, 3))
    return int(candidates[np.argmin(distances)])
