"""Shows that memory and logs stay bounded in a long training.

    python tests/reliability/train_for_long.py [--epochs 500 --steps-per-epoch 4]

Trains a tiny network on noise with everything that train.py adds, for many epochs of few steps, which is where memory
leaks and logs grow. Prints the resident memory of the process and the size of the logs over the epochs, the slope of
the memory (least squares over the epochs after the first 100, when every callback has been at work), and how long
TensorBoard takes from its start until it answers with all of it. Needs Linux and a quarter of an hour or more;
`docs/reliability.md` says what was found.
"""

import argparse
import json
import pathlib
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import numpy as np

from facevae.command_line.quiet import without_native_notes
from facevae.command_line.text_table import aligned
from facevae.configuration.choosing import from_preset

WARM = 100  # epochs
TAG = "1 reconstructions/of validation faces"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=500, help=f"more than {WARM} (default: 500)")
    parser.add_argument("--steps-per-epoch", type=int, default=4, help="default: 4")
    parser.add_argument("--faces", type=int, default=200, help="that the callbacks look at (default: 200)")
    flags = parser.parse_args()

    with without_native_notes():
        import keras

        from callbacks import standard_callbacks
        from facevae import training
        from facevae.data import FaceDataset, Records
        from facevae.run.run_folder import RunFolder
        from facevae.tensorboard.server import serve

    class Watch(keras.callbacks.Callback):
        """Resident memory of the process and bytes of the logs after each epoch."""

        def __init__(self, logs):
            super().__init__()
            self.logs, self.memory, self.bytes = logs, [], []

        def on_epoch_end(self, epoch, logs=None):
            status = pathlib.Path("/proc/self/status").read_text()
            self.memory.append(int(status.split("VmRSS:")[1].split()[0]) / 1024.0)
            self.bytes.append(sum(path.stat().st_size for path in self.logs.rglob("*") if path.is_file()))

    source = np.random.default_rng(0)

    def noise(count):
        images = source.integers(0, 256, (count, 32, 32, 3), np.uint8)
        attributes = source.integers(0, 2, (count, 3), np.uint8)
        return Records(images, attributes, [str(number) for number in range(count)], np.arange(count))

    names = ("Smiling", "Male", "Young")
    dataset = FaceDataset("noise", 32, names, noise(64), noise(flags.faces), noise(8), {}, pathlib.Path())
    config = from_preset(
        "demo",
        image_size=32,
        width=8,
        latent_dim=16,
        batch_size=8,
        epochs=flags.epochs,
        steps_per_epoch=flags.steps_per_epoch,
        checkpoint_steps=max(1, flags.steps_per_epoch // 2),
    )
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(pathlib.Path(folder) / "run")
        run.save(config, training.describe_data(dataset))
        watch = Watch(run.logs)
        machine = training.choose_runtime(config.precision, config.xla)
        begin = time.monotonic()
        training.train(config, run, dataset, machine, [*standard_callbacks(run, config, dataset), watch])
        print(f"{flags.epochs * flags.steps_per_epoch:,} steps in {time.monotonic() - begin:.0f} s")
        report(watch, flags.steps_per_epoch)
        with serve(run.logs) as address:
            print_loading_time(address, flags.epochs)


def report(watch, steps: int) -> None:
    """Memory and logs over the epochs, and the memory's slope."""
    epochs = np.arange(1, len(watch.memory) + 1)
    rows = [("epoch", "memory", "logs")]
    for epoch in dict.fromkeys([1, 10, WARM, *range(WARM, len(epochs) + 1, 100), len(epochs)]):
        sizes = f"{watch.memory[epoch - 1]:.0f} MB", f"{watch.bytes[epoch - 1] / 1e6:.1f} MB"
        rows.append((f"{epoch}", *sizes))
    print("\n".join(aligned(rows)))
    warm = epochs > WARM
    slope = np.polyfit(epochs[warm] * steps, np.array(watch.memory)[warm], 1)[0]
    print(f"memory after epoch {WARM}: {1000.0 * slope:+.2f} MB in 1,000 steps")


def print_loading_time(address: str, epochs: int) -> None:
    """Asks the server until it has every epoch."""
    begin = time.monotonic()

    def ask(path, **query):
        url = f"{address}data/plugin/{path}?{urllib.parse.urlencode(query)}"
        try:
            return json.loads(urllib.request.urlopen(url, timeout=60).read())
        except urllib.error.HTTPError:  # not loaded yet
            return []

    while len(points := ask("scalars/scalars", run="train", tag="loss")) < epochs:
        if time.monotonic() - begin > 600:
            raise SystemExit(f"TensorBoard shows {len(points)} of {epochs} epochs after 10 minutes")
        time.sleep(0.1)
    scalars = time.monotonic() - begin
    while (pictures := ask("images/images", run="train", tag=TAG, sample=0))[-1:] == [] or (
        pictures[-1]["step"] < epochs
    ):
        if time.monotonic() - begin > 600:
            raise SystemExit(f"TensorBoard shows {len(pictures)} pictures after 10 minutes")
        time.sleep(0.1)
    clouds = ask("projector/info", run="train")["embeddings"]
    print(
        f"TensorBoard: {len(points)} points of each curve after {scalars:.1f} s, {len(pictures)} pictures of each kind "
        f"after {time.monotonic() - begin:.1f} s, {len(clouds)} epochs in the projector"
    )


if __name__ == "__main__":
    main()
