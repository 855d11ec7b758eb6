"""A finished run to export, made without a training."""

import pathlib

import numpy as np

from facevae.configuration.config import Config
from facevae.run.run_folder import RunFolder

NAMES = ["Smiling", "Young", "Eyeglasses"]
DECODERS = {
    "decoder_float32.tflite",
    "decoder_float16.tflite",
    "decoder_dynamic_int8.tflite",
    "decoder_int8.tflite",
}


def write_run(
    path: pathlib.Path, attributes: bool = True, density: bool = True, faces: int = 240, **settings
) -> RunFolder:
    """A finished run of an untrained network whose statistics are as uneven as a trained one's.

    Its faces are too few to measure edits, so that all attributes are offered; 300 are enough.
    """
    import keras

    import facevae.run.encodings
    from facevae.model import VAE
    from facevae.model.density import fit

    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    shape = {"image_size": 32, "latent_dim": 8, "width": 8, **settings}
    source = {"sample_from": "density" if density else "prior", "density_components": 3 if density else 0}
    model = VAE(**shape, **source)
    for weight in model.weights:
        if weight.path.endswith("moving_mean"):
            weight.assign(random.normal(0.0, 0.2, weight.shape))
        elif weight.path.endswith("moving_variance"):
            weight.assign(random.uniform(0.5, 1.5, weight.shape))
        elif weight.path.endswith("kernel"):
            # Latents of different pictures lie as far apart as in a trained model.
            weight.assign((4.0 if "mean" in weight.path else 1.3) * weight)
    mean = random.normal(size=(faces, 8)).astype(np.float32)
    if density:
        model.density = fit(mean, 3)
    run = RunFolder(path)
    run.save(
        Config(**shape, **source), {"name": "synthetic_faces", "attribute_names": NAMES if attributes else []}
    )
    run.network("last").parent.mkdir(parents=True)
    model.save(run.network("last"))
    arrays = {
        "indices": np.arange(faces),
        "mean": mean,
        "log_variance": np.full((faces, 8), -3.0, np.float32),
    }
    if attributes:
        arrays["attributes"] = (mean[:, :3] > 0).astype(np.uint8)
    run.encodings.mkdir()
    np.savez(run.encodings / "train.npz", encoder=facevae.run.encodings.encoder_fingerprint(model), **arrays)
    return run
