"""What the callbacks of train.py cost: python benchmarks/callbacks_cost.py [--preset demo]

Trains a preset on synthetic faces for a few short epochs, times each step and what each callback does after steps and
at the end of an epoch, and prints what an epoch of 20,000 faces costs: medians over the ends of epochs, and means over
the steps; of each callback, of all together without the encoding pass that they share, and as a share of that epoch.
The first epoch, which compiles, is left out.
"""

import argparse
import pathlib
import statistics
import tempfile
import time

from facevae.command_line.quiet import without_native_notes
from facevae.command_line.text_table import aligned
from facevae.configuration.choosing import from_preset
from facevae.configuration.config import Config
from facevae.configuration.presets import PRESETS

with without_native_notes():
    import keras

    from callbacks import SharedEncoding, standard_callbacks
    from facevae import data, training
    from facevae.run.run_folder import RunFolder

EPOCH = 20_000  # faces
STEPS = 50  # in an epoch: curves inside epochs have a point after as many


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", choices=PRESETS, default="demo")
    parser.add_argument("--epochs", type=int, default=6, help="at least 2 (default: 6)")
    flags = parser.parse_args()
    config = from_preset(
        flags.preset, data="synthetic_faces", image_size=64, epochs=flags.epochs, steps_per_epoch=STEPS
    )
    step, encoding, callbacks = time_training(config)
    epoch = step * EPOCH / config.batch_size
    print(f"\nstep of {config.batch_size} faces: {1000 * step:.0f} ms; an epoch of {EPOCH:,}: {epoch:.1f} s")
    together = sum(callbacks.values())
    times = [
        ("shared encoding pass", encoding),
        *sorted(callbacks.items(), key=lambda item: -item[1]),
        ("all without the encoding", together),
        ("all with the encoding", together + encoding),
    ]
    rows = [(name, f"{seconds:.3f}", f"{100 * seconds / epoch:.2f}") for name, seconds in times]
    print("\n".join(aligned([("", "seconds", "% of that epoch"), *rows])))


def time_training(config: Config) -> tuple[float, float, dict[str, float]]:
    """Median seconds of a step and of the shared encoding pass, and seconds of each callback in an epoch of `EPOCH`."""
    dataset = data.prepare_for(config)
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(pathlib.Path(folder) / "run")
        run.save(config, training.describe_data(dataset))
        standard = standard_callbacks(run, config, dataset)
        faces = next(callback.faces for callback in standard if hasattr(callback, "faces"))
        steps, encoding = StepTimer(), EncodingTimer(faces)
        timed = {type(callback).__name__: TimedCallback(callback) for callback in standard}
        runtime = training.choose_runtime(config.precision, config.xla)
        # The encoding comes first, so that no callback's time includes it.
        training.train(config, run, dataset, runtime, [steps, encoding, *timed.values()])
    of_epoch = {
        name: statistics.median(callback.seconds[1:])
        + statistics.mean(callback.step_seconds[STEPS:]) * EPOCH / config.batch_size
        for name, callback in timed.items()
    }
    return statistics.median(steps.seconds[STEPS:]), statistics.median(encoding.seconds[1:]), of_epoch


class TimedCallback(keras.callbacks.Callback):
    """A callback whose ends of steps and epochs are timed."""

    def __init__(self, callback: keras.callbacks.Callback):
        super().__init__()
        self.callback = callback
        self.seconds: list[float] = []
        self.step_seconds: list[float] = []

    def set_model(self, model):
        super().set_model(model)
        self.callback.set_model(model)

    def on_train_begin(self, logs=None):
        self.callback.on_train_begin(logs)

    def on_epoch_begin(self, epoch, logs=None):
        self.callback.on_epoch_begin(epoch, logs)

    def on_train_batch_begin(self, batch, logs=None):
        self.callback.on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        begin = time.perf_counter()
        self.callback.on_train_batch_end(batch, logs)
        self.step_seconds.append(time.perf_counter() - begin)

    def on_test_begin(self, logs=None):
        self.callback.on_test_begin(logs)

    def on_epoch_end(self, epoch, logs=None):
        begin = time.perf_counter()
        self.callback.on_epoch_end(epoch, logs)
        self.seconds.append(time.perf_counter() - begin)

    def on_train_end(self, logs=None):
        self.callback.on_train_end(logs)


class EncodingTimer(keras.callbacks.Callback):
    """Times the encoding pass that the callbacks share."""

    def __init__(self, faces: SharedEncoding):
        super().__init__()
        self.faces = faces
        self.seconds: list[float] = []

    def on_epoch_end(self, epoch, logs=None):
        begin = time.perf_counter()
        self.faces.encodings(epoch)
        self.seconds.append(time.perf_counter() - begin)


class StepTimer(keras.callbacks.Callback):
    """Times each step."""

    def __init__(self):
        super().__init__()
        self.seconds: list[float] = []

    def on_train_batch_begin(self, batch, logs=None):
        self._begin = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        float(logs["mse"])  # waits for the device
        self.seconds.append(time.perf_counter() - self._begin)


if __name__ == "__main__":
    main()
