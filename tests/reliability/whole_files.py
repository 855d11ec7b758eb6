"""Whether everything that facevae left on the disk is whole, and equal to what an undisturbed run leaves."""

import hashlib
import json
import pathlib
import zipfile
from collections.abc import Iterable

import numpy as np

from facevae.files import WRITING

RECONSTRUCTIONS = "1 reconstructions/of validation faces"


class LostError(Exception):
    """Something was lost; the message says what and where."""


def expect(condition: bool, message: str) -> None:
    if not condition:
        raise LostError(message)


def arrays_of(path: pathlib.Path) -> dict[str, np.ndarray]:
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}  # reading checks the checksums
    progress = json.loads(str(arrays.pop("progress"))) if "progress" in arrays else {}
    progress.pop("seconds", None)
    return arrays | {f"progress {name}": np.array(value) for name, value in progress.items()}


def weights_of(path: pathlib.Path) -> dict[str, np.ndarray]:
    import h5py

    with zipfile.ZipFile(path) as archive:
        expect(archive.testzip() is None, f"{path} is damaged")
        with archive.open("model.weights.h5") as file, h5py.File(file) as weights:
            found: dict[str, np.ndarray] = {}
            weights.visititems(
                lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
            return found


def expect_equal(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray], what: str) -> None:
    expect(list(ours) == list(theirs), f"{what} holds other arrays than that of the undisturbed run")
    for name, array in ours.items():
        expect(
            array.tobytes() == theirs[name].tobytes(), f"{what}: {name} differs from the undisturbed run's"
        )


def expect_no_leftovers(folder: pathlib.Path) -> None:
    """Nothing half-written is left, once the command that was killed has run to its end."""
    leftovers = list(folder.rglob(f"{WRITING}*"))
    expect(not leftovers, f"half-written files are left: {leftovers}")


def expect_whole_run(run: pathlib.Path, steps_per_epoch: int) -> int:
    """Everything in a run folder that bears its final name is whole; returns the steps behind its checkpoint."""
    if (run / "run.json").exists():
        json.loads((run / "run.json").read_text())
    for network in run.glob("networks/*.keras"):
        weights_of(network)
    for path in (*run.glob("encodings/*.npz"), *run.glob("faces.npz")):
        arrays_of(path)
    for points in run.glob("logs/*/rate_distortion.json"):
        json.loads(points.read_text())
    expect_whole_projector(run / "logs" / "train")
    if not (run / "checkpoints" / "last.npz").exists():
        return 0
    arrays = arrays_of(run / "checkpoints" / "last.npz")
    return int(arrays["progress epochs"]) * steps_per_epoch + int(arrays["progress epoch_steps"])


def expect_whole_projector(folder: pathlib.Path) -> None:
    from google.protobuf import text_format
    from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

    path = folder / "projector_config.pbtxt"
    if not path.exists():
        return
    for cloud in text_format.Parse(path.read_text(), ProjectorConfig()).embeddings:
        size = (folder / cloud.tensor_path).stat().st_size
        expect(size == 4 * int(np.prod(cloud.tensor_shape)), f"{cloud.tensor_path} is not whole")
        for other in (cloud.metadata_path, cloud.sprite.image_path):
            expect((folder / other).exists(), f"{path} names {other}, which is not there")


def expect_each_step_once(logs: pathlib.Path, epochs: int) -> None:
    for run, tags in {
        "train": ("loss", "learning_rate", "active_units", "latents/KL of each dimension", RECONSTRUCTIONS),
        "validation": ("loss",),
    }.items():
        expect_steps(logs / run, tags, list(range(1, epochs + 1)))


def expect_steps(run: pathlib.Path, tags: Iterable[str], expected: list[int]) -> None:
    """What TensorBoard's own loader makes of some tags."""
    from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator

    events = EventAccumulator(str(run), {"tensors": 0})
    events.Reload()
    for tag in tags:
        steps = [event.step for event in events.Tensors(tag)]
        expect(steps == expected, f"{run}: {tag} stands at the steps {steps}")


def digest_of(folder: pathlib.Path, pattern: str) -> dict[str, str]:
    files = sorted(path for path in folder.rglob(pattern) if path.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
