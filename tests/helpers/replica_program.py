"""Run by the tests in processes of its own: trains the same tiny VAEs on some replicas and tells what came of it.

    python replica_program.py FILE.npz mirrored      two logical devices of the processor
    python replica_program.py FILE.npz multi_worker  the workers of TF_CONFIG
    python replica_program.py FILE.npz none          one device

Everything else is the same, the global batch among it.
"""

import sys

import keras
import numpy as np
import tensorflow as tf

from facevae.data import Records, evaluation_batches, training_batches
from facevae.model import VAE
from facevae.model.density import Mixture
from facevae.model.optimizers import Adam, Muon
from facevae.model.sharpening import Sharpener
from facevae.training.many_workers import choose_workers, find_cluster

BATCH, STEPS = 8, 3


def faces():
    """41 pictures that vary everywhere: eight steps of training, and a last batch of one in validation."""
    coarse = np.random.default_rng(0).random((41, 8, 8, 3), np.float32)
    images = np.asarray(tf.clip_by_value(tf.image.resize(coarse, [32, 32], "bicubic"), 0.0, 1.0) * 255.0)
    return Records(images.astype(np.uint8), None, [str(number) for number in range(41)], np.arange(41))


def build(
    workers, synchronized, make_optimizer=lambda: keras.optimizers.SGD(1e-6), jit_compile=False, **settings
):
    with workers.strategy.scope():
        keras.utils.set_random_seed(0)
        model = VAE(image_size=32, latent_dim=6, width=8, **settings)
        for layer in [*model.encoder.layers, *model.decoder.layers]:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = synchronized
        model.compile(make_optimizer(), jit_compile=jit_compile)
        model.optimizer.build(model.trainable_variables)
    return model


def fit(workers, model, records, steps=STEPS):
    history = model.fit(
        workers.distribute(lambda share: training_batches(records, BATCH, 0, share=share)),
        shuffle=False,
        steps_per_epoch=steps,
        validation_data=workers.distribute(lambda share: evaluation_batches(records, BATCH, share)),
        validation_steps=6,
        verbose=0,
    )
    return {name: values[0] for name, values in history.history.items()}


def differences_between_replicas(workers, model):
    """The largest difference of any variable between this process' replicas."""
    largest = 0.0
    for variable in [*model.variables, *model.metrics_variables, *model.optimizer.variables]:
        first, *others = workers.strategy.experimental_local_results(variable.value)
        largest = max([largest, *(float(np.abs(np.asarray(first - other)).max()) for other in others)])
    return largest


def spoiled(workers, records, scale, first_step):
    """Batches of float32 in [0, 1], from a step on times `scale` in the last replica's part."""

    def make(share):
        def spoil(number, images):
            is_last = share.first + number % share.count == share.of - 1
            is_spoiled = is_last & (number // share.count >= first_step)
            return tf.cast(images, tf.float32) / 255.0 * tf.where(is_spoiled, scale, 1.0)

        return training_batches(records, BATCH, 0, share=share).enumerate().map(spoil)

    return workers.distribute(make)


def has_moved(model, before):
    return not all(
        np.array_equal(variable.numpy(), value)
        for variable, value in zip(model.trainable_variables, before, strict=True)
    )


def sharpen(workers, records):
    """The second phase: its losses, and the weights of decoder and critic after some steps."""
    keras.utils.set_random_seed(0)
    finished = VAE(32, 6, "detailed", width=8, density_components=2, sample_from="density")
    finished.density = Mixture(np.array([0.5, 0.5]), np.eye(6)[:2], np.stack([np.eye(6)] * 2))
    finished.variance.assign(0.05)
    images = records.images(np.arange(41))
    with workers.strategy.scope():
        keras.utils.set_random_seed(0)
        model = Sharpener.of(finished, images)
        model.compile(keras.optimizers.SGD(1e-4), critic_optimizer=keras.optimizers.SGD(1e-3))
    results = {f"sharpening {name}": value for name, value in fit(workers, model, records, 5).items()}
    weights = [*model.learner.get_weights(), *model.critic.get_weights(), *model.decoder.get_weights()]
    results |= {f"sharpening weights {i:03d}": weight for i, weight in enumerate(weights)}
    results["sharpening difference"] = differences_between_replicas(workers, model)
    return results


def main(path, strategy):
    if strategy == "mirrored":
        devices = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], devices)
    workers = choose_workers(strategy, find_cluster(strategy) if strategy == "multi_worker" else None)
    records, results = faces(), {"replicas": workers.replicas}

    # One step and then some, with all that depends on the whole batch: σ, free bits, a KL weight that rises.
    model = build(workers, True, free_bits=0.05, kl_warmup=0.5, kl_weight=2.0)
    results |= {f"synchronized {name}": value for name, value in fit(workers, model, records, 1).items()}
    results |= {f"first weights {i:03d}": weight for i, weight in enumerate(model.get_weights())}
    fit(workers, model, records)
    results |= {f"weights {i:03d}": weight for i, weight in enumerate(model.get_weights())}
    results["difference"] = differences_between_replicas(workers, model)

    # The default: BatchNormalization of each replica's part.
    for kind in ("default", "xla") if strategy == "mirrored" else ("default",):
        model = build(workers, False, jit_compile=kind == "xla")
        results |= {f"{kind} {name}": value for name, value in fit(workers, model, records).items()}
        results[f"{kind} difference"] = differences_between_replicas(workers, model)
        results |= {f"{kind} weights {i:03d}": weight for i, weight in enumerate(model.get_weights())}

    # An optimizer that writes to its variables by a kernel of TensorFlow.
    model = build(workers, True, lambda: Adam(1e-3))
    results["adam mse"] = fit(workers, model, records, 12)["mse"]
    results["adam difference"] = differences_between_replicas(workers, model)

    results |= sharpen(workers, records)

    # 16 bits, and at last a step that one replica cannot take: none takes it.
    model = build(workers, False, lambda: Muon(2e-3), dtype="mixed_float16")
    results["mixed mse before"] = fit(workers, model, records, 1)["mse"]
    results["mixed mse after"] = fit(workers, model, records, 12)["mse"]
    results["mixed difference"] = differences_between_replicas(workers, model)
    before, scale = [], []

    def remember(step, logs):
        if step == 1:
            before.extend(np.array(variable.numpy()) for variable in model.trainable_variables)
            scale.append(float(model.optimizer.dynamic_scale.numpy()))

    model.fit(
        spoiled(workers, records, np.nan, first_step=1),
        shuffle=False,
        steps_per_epoch=2,
        callbacks=[keras.callbacks.LambdaCallback(on_train_batch_begin=remember)],
        verbose=0,
    )
    results["moved by a step with NaN"] = has_moved(model, before)
    results["scale after it"] = float(model.optimizer.dynamic_scale.numpy()) / scale[0]

    # A first batch that is refused for one replica's part; several workers would lose the one that refuses.
    if strategy == "mirrored":
        before = [np.array(variable.numpy()) for variable in model.trainable_variables]
        steps_before = int(model.global_step.numpy())
        try:
            model.fit(
                spoiled(workers, records, 255.0, first_step=0), shuffle=False, steps_per_epoch=1, verbose=0
            )
        except ValueError as error:
            results["refusal"] = str(error)
        results["moved by what is refused"] = has_moved(model, before)
        results["steps counted by it"] = int(model.global_step.numpy()) - steps_before
    np.savez(path, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
