"""What the callbacks of train.py cost: python benchmarks/callbacks_cost.py [--preset demo]

Trains a preset on synthetic faces for a few short epochs, takes the time of each callback's end of epoch and of each
step beside it, and prints medians: per callback, all together beyond the encoding pass that they share, and as a share
of an epoch of 20,000 faces. The first epoch, which compiles, is left out.
"""

import argparse
import pathlib
import statistics
import tempfile
import time

from facevae.config import from_preset
from facevae.presets import PRESETS
from facevae.quiet import without_native_notes
from facevae.text_table import aligned

EPOCH = 20_000  # faces


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", choices=PRESETS, default="demo")
    parser.add_argument("--epochs", type=int, default=6, help="at least 2 (default: 6)")
    flags = parser.parse_args()
    config = from_preset(
        flags.preset, data="synthetic_faces", image_size=64, epochs=flags.epochs, steps_per_epoch=10
    )

    with without_native_notes():
        import keras

        from callbacks import standard_callbacks
        from facevae import data, training
        from facevae.run_folder import RunFolder

    class Stopwatch(keras.callbacks.Callback):
        """Notes how long a callback's end of epoch takes; without one, the shared encoding pass."""

        def __init__(self, callback=None, faces=None):
            super().__init__()
            self.callback, self.faces, self.seconds = callback, faces, []

        def set_model(self, model):
            super().set_model(model)
            if self.callback:
                self.callback.set_model(model)

        def on_train_begin(self, logs=None):
            if self.callback:
                self.callback.on_train_begin(logs)

        def on_epoch_begin(self, epoch, logs=None):
            if self.callback:
                self.callback.on_epoch_begin(epoch, logs)

        def on_train_batch_end(self, batch, logs=None):
            if self.callback:
                self.callback.on_train_batch_end(batch, logs)

        def on_epoch_end(self, epoch, logs=None):
            begin = time.perf_counter()
            if self.callback:
                self.callback.on_epoch_end(epoch, logs)
            else:
                self.faces.encodings(epoch)
            self.seconds.append(time.perf_counter() - begin)

        def on_train_end(self, logs=None):
            if self.callback:
                self.callback.on_train_end(logs)

    class Steps(keras.callbacks.Callback):
        """Notes how long each step takes."""

        def __init__(self):
            super().__init__()
            self.seconds = []

        def on_train_batch_begin(self, batch, logs=None):
            self._begin = time.perf_counter()

        def on_train_batch_end(self, batch, logs=None):
            float(logs["mse"])  # waits for the device
            self.seconds.append(time.perf_counter() - self._begin)

    dataset = data.prepare_for(config)
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(pathlib.Path(folder) / "run")
        run.save(config, training.describe_data(dataset))
        standard = standard_callbacks(run, config, dataset)
        faces = next(callback.faces for callback in standard if hasattr(callback, "faces"))
        steps, encoding = Steps(), Stopwatch(faces=faces)
        watches = {type(callback).__name__: Stopwatch(callback) for callback in standard}
        machine = training.choose_runtime(config.precision, config.xla)
        training.train(config, run, dataset, machine, [steps, encoding, *watches.values()])

    step = statistics.median(steps.seconds[10:])
    epoch = step * EPOCH / config.batch_size
    medians = {name: statistics.median(watch.seconds[1:]) for name, watch in watches.items()}
    together = sum(medians.values())
    shared = statistics.median(encoding.seconds[1:])
    print(f"\nstep of {config.batch_size} faces: {1000 * step:.0f} ms; an epoch of {EPOCH:,}: {epoch:.1f} s")
    times = [
        ("shared encoding pass", shared),
        *sorted(medians.items(), key=lambda item: -item[1]),
        ("all beyond the encoding", together),
        ("all with the encoding", together + shared),
    ]
    rows = [(name, f"{seconds:.3f}", f"{100 * seconds / epoch:.2f}") for name, seconds in times]
    print("\n".join(aligned([("", "seconds", "% of that epoch"), *rows])))


if __name__ == "__main__":
    main()
