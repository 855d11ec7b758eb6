"""What an export consists of, and what is asked of each file. No TensorFlow here."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Format:
    """One way to store the decoder.

    Attributes:
        file: its name in the export folder.
        summary: what it is good for, in a few words.
        largest_error: the aim for the worst pixel against the float32 model, in [0, 1]; None where the aim is a
            signal-to-noise ratio.
        psnr: the aim for the peak signal-to-noise ratio pooled over all checked faces, dB; None where the aim is
            the worst pixel.
    """

    file: str
    summary: str
    largest_error: float | None = None
    psnr: float | None = None


FORMATS = {
    "float32": Format("decoder_float32.tflite", "the model itself", largest_error=1e-5),
    "float16": Format("decoder_float16.tflite", "half the size, same speed", largest_error=5e-3),
    "dynamic_int8": Format(
        "decoder_dynamic_int8.tflite", "a quarter of the size, fast, latents of any range", psnr=40.0
    ),
    "int8": Format("decoder_int8.tflite", "integers throughout, for 8-bit accelerators", psnr=35.0),
}
ENCODER_FILE = "encoder.tflite"
SAVED_MODEL = "saved_model/1"

# Below this a file is no rendering of the model any more: it is removed.
LOWEST_PSNR = 25.0
# The metadata entry of a .tflite file that holds the model card.
METADATA_NAME = "facevae_model_card"
# What an app runs inside XNNPACK, entirely: no node may fall back to the plain kernels.
DELEGATED_SIGNATURES = ("decode", "edit", "encode")
