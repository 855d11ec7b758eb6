"""What fit adds to a training step: python benchmarks/fit_overhead.py [--network compact]

Times the bare compiled step (forward and backward pass, optimizer) on one batch in memory, and beside it, in turns and
in one process, the steps of fit on the same batch: alone, and with everything that train.py adds (metrics, schedule,
guard against NaN, progress bar, TensorBoard, checkpoints every 100 steps). Timed is an epoch from its first step to its
last; what callbacks do after an epoch is in callbacks_cost.py. Medians over the repeats; the ratio is the median of the
repeats' ratios. The table goes to benchmarks/fit_overhead.md.
"""

import argparse
import functools
import pathlib
import tempfile
import time
from typing import Any

import measuring
import numpy as np

from facevae.command_line.quiet import without_native_notes
from facevae.command_line.text_table import markdown
from facevae.configuration.choosing import from_preset
from facevae.configuration.config import Config

with without_native_notes():
    import keras
    import tensorflow as tf

    from callbacks import standard_callbacks
    from facevae import training
    from facevae.command_line.interruption import Interruption
    from facevae.data import FaceDataset, Records
    from facevae.model import VAE
    from facevae.run.run_folder import RunFolder
    from facevae.training.checkpoints import Progress
    from facevae.training.nan_guard import NaNGuard
    from facevae.training.saving import SaveRun
    from facevae.training.schedule import Schedule
    from facevae.training.stopping import StopTraining

TITLE = """# What fit adds to a training step

`python benchmarks/fit_overhead.py`: one batch in memory; the bare compiled step and the steps of fit in turns, in one
process. Timed is an epoch from its first step to its last. "Processor time" is what fit adds to a step on all cores
together; it shows small differences that other work on the machine hides in the elapsed time.
"""
FIRST_EPOCH = 101  # from here on pictures are drawn after every tenth epoch only


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
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, everything in (("fit alone", False), ("fit and all of train.py", True)):
            times = time_epochs(pathlib.Path(folder) / str(everything), everything, flags)
            rows.append((name, *cells(times)))
    header = ("", "bare step, ms", "step in fit, ms", "over it (least to most)", "processor time, ms")
    shape = f"{flags.network}, {flags.image_size}×{flags.image_size}, batch {flags.batch_size}"
    text = f"{measuring.machine()}; medians of {flags.repeats} × {flags.steps} steps.\n\n"
    text += markdown(header, rows)
    measuring.write_section(measuring.HERE / "fit_overhead.md", TITLE, shape, text)


def cells(times: np.ndarray) -> tuple[str, ...]:
    """A row of the table.

    Args:
        times: milliseconds of a step, `float64[repeats, 2, 2]`: bare and in fit, elapsed and processor time.
    """
    (bare, _), (fit, _) = np.median(times, axis=0)
    shares = np.sort(100.0 * (times[:, 1, 0] / times[:, 0, 0] - 1.0))
    added = np.median(times[:, 1, 1] - times[:, 0, 1])
    share = f"{np.median(shares):.1f} % ({shares[0]:.1f} to {shares[-1]:.1f})"
    return f"{bare:.1f}", f"{fit:.1f}", share, f"{added:+.1f}"


# -----------------------------------------------------------------------------------------------------------------
# Measuring
# -----------------------------------------------------------------------------------------------------------------


def time_epochs(folder: pathlib.Path, everything: bool, flags: argparse.Namespace) -> np.ndarray:
    """Milliseconds of a step in each repeat, as `cells` takes them.

    Args:
        folder: where the run is written, if it is.
        everything: with all that train.py adds, or fit alone.
        flags: the command line.
    """
    preset = "reference" if flags.network == "reference" else "demo"
    sizes = {"image_size": flags.image_size, "batch_size": flags.batch_size, "network": flags.network}
    config = from_preset(preset, epochs=10**6, checkpoint_steps=100, **sizes)
    model = training.build_model(config, training.choose_runtime(config.precision, config.xla))
    dataset = noise(flags.image_size)
    images = tf.constant(dataset.train.images(np.arange(flags.batch_size) % 64))
    timer = EpochTimer(functools.partial(bare_step(model), images), flags.steps)
    added: dict[str, Any] = {"callbacks": []}
    if everything:
        added = what_training_adds(folder, config, dataset, images, flags.steps)
    model.fit(
        tf.data.Dataset.from_tensors(images).repeat(),
        shuffle=False,
        steps_per_epoch=flags.steps,
        initial_epoch=FIRST_EPOCH,
        epochs=FIRST_EPOCH + 1 + flags.repeats,
        verbose=0,
        **{**added, "callbacks": [timer, *added["callbacks"], LastStepEnd(timer)]},
    )
    return np.array(timer.times[1:])  # the first epoch compiles


def noise(image_size: int) -> FaceDataset:
    """A data set of random images: 64 for training, 64 for validation."""
    random = np.random.default_rng(0)

    def split(count):
        images = random.integers(0, 256, (count, image_size, image_size, 3), np.uint8)
        return Records(images, None, [str(number) for number in range(count)], np.arange(count))

    return FaceDataset("noise", image_size, (), split(64), split(64), split(8), {}, pathlib.Path())


def bare_step(model: VAE):
    """A compiled training step without fit."""

    @functools.partial(tf.function, autograph=False)
    def step(batch):
        images = model.to_float(batch)
        results, gradients = model.compute_gradients(images, model.noise(images, 0, model.global_step))
        model.optimizer.apply(gradients, model.trainable_variables)
        return results["loss"]

    return step


def what_training_adds(
    folder: pathlib.Path, config: Config, dataset: FaceDataset, images: tf.Tensor, steps: int
) -> dict[str, Any]:
    """The arguments of fit beyond batches and epochs: the callbacks of train.py, and a batch for validation."""
    run, progress = RunFolder(folder), Progress(epochs=FIRST_EPOCH)
    run.save(config, training.describe_data(dataset))
    callbacks = [
        Schedule(config, progress, steps),
        NaNGuard(run),
        *standard_callbacks(run, config, dataset),
        SaveRun(run, progress, config, steps, Interruption()),
        StopTraining(config, progress, steps),
    ]
    return {"callbacks": callbacks, "validation_data": images}


class EpochTimer(keras.callbacks.Callback):
    """Before each epoch takes as many bare steps as the epoch has, then times the epoch's own.

    Args:
        bare: takes a bare step and returns its loss.
        steps: of an epoch.

    Attributes:
        times: of each epoch, milliseconds of a step: bare and in fit, elapsed and processor time.
        end: when the latest step ended, set by `LastStepEnd`.
    """

    def __init__(self, bare, steps: int):
        super().__init__()
        self.bare, self.steps = bare, steps
        self.times: list[np.ndarray] = []
        self.end = np.zeros(2)

    def on_epoch_begin(self, epoch, logs=None):
        begin = clocks()
        for _ in range(self.steps):
            loss = self.bare()
        float(loss)  # waits for the device
        self._bare = clocks() - begin
        self._begin = None

    def on_train_batch_begin(self, batch, logs=None):
        self._begin = clocks() if self._begin is None else self._begin

    def on_epoch_end(self, epoch, logs=None):
        self.times.append(np.array([self._bare, self.end - self._begin]) * 1000.0 / self.steps)


class LastStepEnd(keras.callbacks.Callback):
    """Tells an `EpochTimer` when a step has ended; comes after all other callbacks."""

    def __init__(self, timer: EpochTimer):
        super().__init__()
        self.timer = timer

    def on_train_batch_end(self, batch, logs=None):
        self.timer.end = clocks()


def clocks() -> np.ndarray:
    """Elapsed time and processor time of all threads, seconds."""
    return np.array([time.perf_counter(), time.process_time()])


if __name__ == "__main__":
    main()
