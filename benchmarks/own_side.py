"""One measurement of facevae in a process of its own; prints one line of JSON. The other benchmarks run it.

step     training steps of `fit` on one batch in memory
folder   steps from a prepared folder of pictures and, in turns with them, on one batch in memory
first    preparation of a folder into a new cache, and one epoch from it
input    batches from a prepared folder, without training
"""

import argparse
import json
import math
import statistics
import tempfile
import time

from facevae.command_line.quiet import without_native_notes
from facevae.configuration.choosing import from_preset

with without_native_notes():
    import keras
    import tensorflow as tf

    from facevae import data, training
    from facevae.data.pipeline import without_tuner

WARM_UP = 5  # steps


def main() -> None:
    flags = parse_command_line()
    runtime = training.choose_runtime(flags.precision, flags.xla)
    if flags.mode == "input":
        measured = time_input(flags)
    else:
        model = warmed_up_model(flags, runtime)
        measured = {"step": time_steps, "first": time_first_epoch, "folder": time_folder}[flags.mode](
            model, flags
        )
    described = {"device": runtime.device, "precision": runtime.precision, "xla": runtime.xla}
    print(json.dumps({**described, **measured, "peak_mb": peak_memory_mb()}))


def parse_command_line() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mode", choices=("step", "folder", "first", "input"), required=True)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--latent", type=int, default=200)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--preset", default="reference", help="whose network is trained (default: reference)")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--xla", default="auto")
    parser.add_argument("--folder", help="of pictures, for every mode but step")
    parser.add_argument("--cache-dir", help="folder of the prepared pictures, for folder and input")
    return parser.parse_args()


# -----------------------------------------------------------------------------------------------------------------
# Modes
# -----------------------------------------------------------------------------------------------------------------


def time_steps(model: keras.Model, flags: argparse.Namespace) -> dict[str, float]:
    """Training steps on one batch in memory, the processor time of all cores for an image, and `cost`."""
    begin = time.process_time()
    images_per_second = time_fit(model, batch_in_memory(flags), flags.steps, flags)
    used = time.process_time() - begin
    processor_ms = 1000.0 * used / (flags.steps * flags.batch)
    return {**cost(model), "processor_ms": processor_ms, "images_per_second": images_per_second}


def time_first_epoch(model: keras.Model, flags: argparse.Namespace) -> dict[str, float]:
    """Preparation into a new cache, and one epoch from it."""
    with tempfile.TemporaryDirectory() as cache_dir:
        begin = time.perf_counter()
        dataset = prepare(flags, cache_dir)
        preparing = time.perf_counter() - begin
        # An epoch of all pictures in the folder: the other programs make no splits.
        steps = (len(dataset.train) + len(dataset.validation) + len(dataset.test)) // flags.batch
        time_fit(model, training_batches(dataset, flags), steps, flags)
        return {"preparing": preparing, "images_per_second": rate(flags, steps, begin)}


def time_folder(model: keras.Model, flags: argparse.Namespace) -> dict[str, float]:
    """Steps from a prepared folder, and the ratio to steps on one batch in memory, taken in turns."""
    begin = time.perf_counter()
    dataset = prepare(flags, flags.cache_dir)
    preparing = time.perf_counter() - begin
    from_folder, from_memory = training_batches(dataset, flags), batch_in_memory(flags)
    time_fit(model, from_folder, WARM_UP, flags)
    steps = max(1, flags.steps // 5)
    pairs = [
        [time_fit(model, batches, steps, flags) for batches in (from_folder, from_memory)] for _ in range(5)
    ]
    return {
        "preparing": preparing,
        "images_per_second": statistics.median(folder for folder, _ in pairs),
        "of_memory": statistics.median(folder / memory for folder, memory in pairs),
    }


def time_input(flags: argparse.Namespace) -> dict[str, float]:
    """Batches from a prepared folder, without training."""
    batches = iter(training_batches(prepare(flags, flags.cache_dir), flags))
    for _ in range(WARM_UP):
        next(batches)
    begin = time.perf_counter()
    for _ in range(flags.steps):
        next(batches)
    return {"images_per_second": rate(flags, flags.steps, begin)}


# -----------------------------------------------------------------------------------------------------------------
# What the modes share
# -----------------------------------------------------------------------------------------------------------------


def warmed_up_model(flags: argparse.Namespace, runtime: training.Runtime) -> keras.Model:
    """A model whose training step is compiled."""
    config = from_preset(flags.preset, image_size=flags.size, batch_size=flags.batch, latent_dim=flags.latent)
    model = training.build_model(config, runtime)
    model.fit(batch_in_memory(flags), steps_per_epoch=WARM_UP, verbose=0)
    return model


def batch_in_memory(flags: argparse.Namespace) -> tf.data.Dataset:
    """One batch of noise, again and again."""
    shape = (flags.batch, flags.size, flags.size, 3)
    images = tf.cast(tf.random.uniform(shape, 0, 256, tf.int32), tf.uint8)
    return without_tuner(tf.data.Dataset.from_tensors(images).repeat())


def prepare(flags: argparse.Namespace, cache_dir: str) -> data.FaceDataset:
    return data.prepare(flags.folder, image_size=flags.size, cache_dir=cache_dir)


def training_batches(dataset: data.FaceDataset, flags: argparse.Namespace) -> tf.data.Dataset:
    return data.training_batches(dataset.train, flags.batch, seed=0)


def time_fit(model: keras.Model, batches: tf.data.Dataset, steps: int, flags: argparse.Namespace) -> float:
    """Images a second in some steps of `fit`."""
    begin = time.perf_counter()
    model.fit(batches, steps_per_epoch=steps, verbose=0)
    return rate(flags, steps, begin)


def rate(flags: argparse.Namespace, steps: int, begin: float) -> float:
    """Images a second in steps since a time."""
    return steps * flags.batch / (time.perf_counter() - begin)


def peak_memory_mb() -> float:
    """Of this process; 0 on Windows, which has no `resource`."""
    try:
        import resource
    except ImportError:
        return 0.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cost(model: keras.Model) -> dict[str, float]:
    """What the networks hold, keep and compute for one image, from the shapes of their layers.

    Returns:
        parameters, activations (numbers that the forward pass hands from layer to layer), and multiplications of the
        forward pass in convolutions and dense layers; the backward pass has twice as many.
    """
    activations = multiplications = 0
    for network in (model.encoder, model.decoder):
        for layer in network.layers[1:]:
            activations += math.prod(layer.output.shape[1:])
            if hasattr(layer, "kernel"):
                places = layer.input if isinstance(layer, keras.layers.Conv2DTranspose) else layer.output
                multiplications += math.prod(layer.kernel.shape) * math.prod(places.shape[1:-1])
    parameters = sum(math.prod(variable.shape) for variable in model.trainable_variables)
    return {"parameters": parameters, "activations": activations, "multiplications": multiplications}


if __name__ == "__main__":
    main()
