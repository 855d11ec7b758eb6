"""The files of an export and the accuracy required of each. Does not import TensorFlow."""

import dataclasses
from collections.abc import Collection


@dataclasses.dataclass(frozen=True)
class Format:
    """One .tflite format of the decoder.

    Attributes:
        file: its name in the export folder.
        summary: its advantage, in a few words.
        largest_error: target for the largest pixel error against the float32 model, in [0, 1]; None where `psnr` is
            the target.
        psnr: target for the peak signal-to-noise ratio pooled over all checked images, dB; None where
            `largest_error` is the target.
    """

    file: str
    summary: str
    largest_error: float | None = None
    psnr: float | None = None


FORMATS = {
    "float32": Format("decoder_float32.tflite", "the model itself", largest_error=1e-5),
    "float16": Format("decoder_float16.tflite", "half the size, same speed", largest_error=5e-3),
    "dynamic_int8": Format(
        "decoder_dynamic_int8.tflite", "a quarter of the size, fast, for latents of any range", psnr=40.0
    ),
    "int8": Format("decoder_int8.tflite", "integers throughout, for 8-bit accelerators", psnr=35.0),
}
# The first of these that passed its checks is used by the web page and the guide: the download size counts most.
PREFERRED = ("dynamic_int8", "int8", "float16", "float32")
ENCODER_FILE = "encoder.tflite"
SAVED_MODEL = "saved_model/1"
# The folder of the face detector's files, which are others' work.
DETECTORS = "face_finding"

# dB. A file below this does not reproduce the model: it is removed.
LOWEST_PSNR = 25.0
# The metadata entry of a .tflite file that holds the model card.
METADATA_NAME = "facevae_model_card"
# Signatures that should run entirely in XNNPACK: no node may fall back to LiteRT's slower default kernels.
DELEGATED_SIGNATURES = ("decode", "edit", "encode")


def preferred_decoder(files: Collection[str]) -> str | None:
    """The decoder that the web page loads and the guide shows: the first of `PREFERRED` that is there.

    Args:
        files: names of the files that passed their checks.

    Returns:
        A file name, None where no decoder is among the files.
    """
    return next((FORMATS[form].file for form in PREFERRED if FORMATS[form].file in files), None)
