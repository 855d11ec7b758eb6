"""One measurement of facevae in a process of its own; prints one line of JSON. The other benchmarks run it.

step     training steps on one batch in memory, by `fit`
folder   steps from a prepared folder of pictures and, in turns with them, on one batch in memory
first    preparation of a folder, into a cache that is new, and one epoch from it
input    batches from a prepared folder, and no training
"""

import argparse
import json
import math
import statistics
import tempfile
import time

from facevae.config import from_preset
from facevae.quiet import without_native_notes

with without_native_notes():
    import keras
    import tensorflow as tf

    from facevae import data, training
    from facevae.data.pipeline import without_tuner

WARM_UP = 5  # steps


def main() -> None:
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
    parser.add_argument("--folder", help="pictures, for all but step")
    parser.add_argument("--cache-dir", help="of their prepared form")
    flags = parser.parse_args()

    config = from_preset(
        flags.preset,
        image_size=flags.size,
        batch_size=flags.batch,
        latent_dim=flags.latent,
    )
    machine = training.choose_runtime(flags.precision, flags.xla)
    shape = (flags.batch, flags.size, flags.size, 3)
    images = tf.cast(tf.random.uniform(shape, 0, 256, tf.int32), tf.uint8)
    memory = without_tuner(tf.data.Dataset.from_tensors(images).repeat())
    measured = {"device": machine.device, "precision": machine.precision, "xla": machine.xla}

    def prepared(cache_dir: str) -> data.FaceDataset:
        return data.prepare(flags.folder, image_size=flags.size, cache_dir=cache_dir)

    if flags.mode == "input":
        batches = iter(data.training_batches(prepared(flags.cache_dir).train, flags.batch, seed=0))
        for _ in range(WARM_UP):
            next(batches)
        begin = time.perf_counter()
        for _ in range(flags.steps):
            next(batches)
        return report(measured, rate(flags, flags.steps, begin))

    model = training.build_model(config, machine)
    model.fit(memory, steps_per_epoch=WARM_UP, verbose=0)

    def timed(batches: tf.data.Dataset, steps: int) -> float:
        begin = time.perf_counter()
        model.fit(batches, steps_per_epoch=steps, verbose=0)
        return rate(flags, steps, begin)

    if flags.mode == "step":
        used = time.process_time()
        images_per_second = timed(memory, flags.steps)
        used = time.process_time() - used
        processor_ms = 1000.0 * used / (flags.steps * flags.batch)  # of all cores, for a face
        return report({**measured, **cost(model), "processor_ms": processor_ms}, images_per_second)

    if flags.mode == "first":
        with tempfile.TemporaryDirectory() as fresh:
            begin = time.perf_counter()
            dataset = prepared(fresh)
            preparing = time.perf_counter() - begin
            # An epoch of all pictures, as many as lie in the folder: the peers know no splits.
            steps = (len(dataset.train) + len(dataset.validation) + len(dataset.test)) // flags.batch
            timed(data.training_batches(dataset.train, flags.batch, seed=0), steps)
            return report(measured, rate(flags, steps, begin), preparing=preparing)

    begin = time.perf_counter()
    dataset = prepared(flags.cache_dir)
    preparing = time.perf_counter() - begin
    batches = data.training_batches(dataset.train, flags.batch, seed=0)
    timed(batches, WARM_UP)
    part = max(1, flags.steps // 5)
    pairs = [(timed(batches, part), timed(memory, part)) for _ in range(5)]
    return report(
        measured,
        statistics.median(folder for folder, _ in pairs),
        of_memory=statistics.median(folder / memory for folder, memory in pairs),
        preparing=preparing,
    )


def cost(model: keras.Model) -> dict[str, float]:
    """What the networks hold, keep and compute for one picture, read off the shapes of their layers.

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


def rate(flags: argparse.Namespace, steps: int, begin: float) -> float:
    return steps * flags.batch / (time.perf_counter() - begin)


def report(measured: dict, images_per_second: float, **more: float) -> None:
    peak_mb = 0.0
    try:
        import resource

        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    except ImportError:  # there is no such thing on Windows
        pass
    print(json.dumps({**measured, "images_per_second": images_per_second, "peak_mb": peak_mb, **more}))


if __name__ == "__main__":
    main()
