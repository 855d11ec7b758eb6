"""What fit adds to a training step: python benchmarks/fit_overhead.py [--network compact]

Times the bare compiled step (forward and backward pass, optimizer) on one batch in memory, and beside it, in turns and
in one process, the steps of fit on the same batch: alone, and with everything that train.py adds (metrics, schedule,
guard against NaN, progress bar, TensorBoard, checkpoints every 100 steps). The time from an epoch's first step to its
last counts; what callbacks do after an epoch is in callbacks_cost.py. Medians over the repeats; the ratio is the median
of each repeat's own. The table goes to benchmarks/fit_overhead.md.
"""

import argparse
import functools
import pathlib
import tempfile
import time

import measuring
import numpy as np

from facevae.config import from_preset
from facevae.quiet import without_native_notes
from facevae.text_table import markdown

TITLE = """# What fit adds to a training step

`python benchmarks/fit_overhead.py`: one batch in memory; the bare compiled step and the steps of fit in turns, in one
process. The time from an epoch's first step to its last. "Processor time" is what fit adds to a step on all cores
together; it shows small shares that a busy machine hides in the time on the clock.
"""
FIRST_EPOCH = 101  # from here on pictures are drawn after every tenth epoch only


def clocks() -> np.ndarray:
    """Time on the clock and processor time of all threads, seconds."""
    return np.array([time.perf_counter(), time.process_time()])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", choices=("reference", "compact"), default="reference")
    parser.add_argument("--image-size", type=int, default=64, help="default: 64")
    parser.add_argument("--batch-size", type=int, default=64, help="default: 64")
    parser.add_argument("--steps", type=int, default=10, help="in a repeat (default: 10)")
    parser.add_argument("--repeats", type=int, default=7, help="default: 7")
    flags = parser.parse_args()
    sizes = {"image_size": flags.image_size, "batch_size": flags.batch_size, "network": flags.network}

    with without_native_notes():
        import keras
        import tensorflow as tf

        from callbacks import standard_callbacks
        from facevae import training
        from facevae.data import FaceDataset, Records
        from facevae.interruption import Interruption
        from facevae.run_folder import RunFolder
        from facevae.training.checkpoints import Progress
        from facevae.training.nan_guard import NaNGuard
        from facevae.training.saving import SaveRun
        from facevae.training.schedule import Schedule
        from facevae.training.stopping import StopTraining

    source = np.random.default_rng(0)

    def noise(count):
        images = source.integers(0, 256, (count, flags.image_size, flags.image_size, 3), np.uint8)
        return Records(images, None, [str(number) for number in range(count)], np.arange(count))

    dataset = FaceDataset("noise", flags.image_size, (), noise(64), noise(64), noise(8), {}, pathlib.Path())
    images = tf.constant(
        dataset.train.images(np.arange(64).repeat(-(-flags.batch_size // 64)))[: flags.batch_size]
    )

    class Turns(keras.callbacks.Callback):
        """Before each epoch the bare step as often as the epoch will step; then the time of the epoch's own steps."""

        def __init__(self, bare):
            super().__init__()
            self.bare, self.pairs = bare, []

        def on_epoch_begin(self, epoch, logs=None):
            begin = clocks()
            for _ in range(flags.steps):
                loss = self.bare(images)
            float(loss)  # waits for the device
            self._bare = clocks() - begin
            self._begin = None

        def on_train_batch_begin(self, batch, logs=None):
            self._begin = clocks() if self._begin is None else self._begin

        def on_epoch_end(self, epoch, logs=None):
            self.pairs.append(np.array([self._bare, self.end - self._begin]) * 1000.0 / flags.steps)

    class LastTurn(keras.callbacks.Callback):
        """The end of a step after all other callbacks."""

        def __init__(self, turns):
            super().__init__()
            self.turns = turns

        def on_train_batch_end(self, batch, logs=None):
            self.turns.end = clocks()

    def timed(folder, everything):
        preset = "reference" if flags.network == "reference" else "demo"
        config = from_preset(preset, epochs=10**6, checkpoint_steps=100, **sizes)
        model = training.build_model(config, training.choose_runtime(config.precision, config.xla))

        @functools.partial(tf.function, autograph=False)
        def bare(batch):
            pictures = model.to_float(batch)
            results, gradients = model.compute_gradients(
                pictures, model.noise(pictures, 0, model.global_step)
            )
            model.optimizer.apply(gradients, model.trainable_variables)
            return results["loss"]

        run, progress = RunFolder(folder / str(everything)), Progress(epochs=FIRST_EPOCH)
        turns = Turns(bare)
        watching, validation = [], {}
        if everything:
            run.save(config, training.describe_data(dataset))
            watching = [Schedule(config, progress, flags.steps), NaNGuard(run)]
            watching += standard_callbacks(run, config, dataset)
            watching.append(SaveRun(run, progress, config, flags.steps, Interruption()))
            watching.append(StopTraining(config, progress, flags.steps))
            validation = {"validation_data": images}
        model.fit(
            tf.data.Dataset.from_tensors(images).repeat(),
            shuffle=False,
            steps_per_epoch=flags.steps,
            initial_epoch=FIRST_EPOCH,
            epochs=FIRST_EPOCH + 1 + flags.repeats,
            callbacks=[turns, *watching, LastTurn(turns)],
            verbose=0,
            **validation,
        )
        # The first one compiles. [repeats, bare and fit, wall and processor]
        return np.array(turns.pairs[1:])

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for everything in (False, True):
            pairs = timed(pathlib.Path(folder), everything)
            (bare, _), (fit, _) = np.median(pairs, axis=0)
            shares = np.sort(100.0 * (pairs[:, 1, 0] / pairs[:, 0, 0] - 1.0))
            added = np.median(pairs[:, 1, 1] - pairs[:, 0, 1])
            name = "fit and all of train.py" if everything else "fit alone"
            share = f"{np.median(shares):.1f} % ({shares[0]:.1f} to {shares[-1]:.1f})"
            rows.append((name, f"{bare:.1f}", f"{fit:.1f}", share, f"{added:+.1f}"))
    header = ("", "bare step, ms", "step in fit, ms", "over it (least to most)", "processor time, ms")
    shape = f"{flags.network}, {flags.image_size}×{flags.image_size}, batch {flags.batch_size}"
    text = f"{measuring.machine()}; medians of {flags.repeats} × {flags.steps} steps.\n\n"
    text += markdown(header, rows)
    measuring.write_section(measuring.HERE / "fit_overhead.md", TITLE, shape, text)


if __name__ == "__main__":
    main()
