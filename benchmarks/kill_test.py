"""Kills facevae at random instants and shows that nothing is lost: python benchmarks/kill_test.py [--kills 60]

Each command (preparation, train.py, evaluate.py, export.py) first runs undisturbed. Then it is started again and
again in a folder of its own and killed with SIGKILL: half of the time at an instant drawn uniformly over the processor
time that it takes, half of the time in the middle of a file that it writes. After each kill every file that is there
must be whole. Training goes on with the same command and --resume, the others simply run again, until one ends by
itself: its outcome must then be that of the undisturbed run, weights, optimizer and metrics bit for bit, and
TensorBoard must see each step once.

What the killed process was doing is read from its stack, dumped just before. With --work DIR a test that was stopped
goes on, or is extended to more kills; the folder holds the runs and results.json.
"""

import argparse
import collections
import glob
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import types
import zipfile
from collections.abc import Iterable

import numpy as np
from tqdm import tqdm

ROOT = pathlib.Path(__file__).resolve().parent.parent
FACES, EPOCHS, STEPS, CHECKPOINT_STEPS = 1200, 4, 12, 3
TRAINING = f"--image-size 32 --width 8 --latent-dim 4 --density-components 2 --batch-size 8 --epochs {EPOCHS}".split()
TRAINING += f"--steps-per-epoch {STEPS} --checkpoint-steps {CHECKPOINT_STEPS}".split()
# Of every ten kills.
SHARES = {"preparation": 4, "training": 4, "evaluation": 1, "export": 1}

# Imported by each process before anything else: SIGUSR1 writes its stacks, also in the middle of C++ code.
DUMP_STACKS = """
import faulthandler, os, signal
if "KILL_TEST_STACKS" in os.environ and hasattr(faulthandler, "register"):
    faulthandler.register(signal.SIGUSR1, open(os.environ["KILL_TEST_STACKS"], "w"), all_threads=True)
"""
# The first that is found on the stack of the process' own thread says what it was doing.
DOING = {
    "writing a checkpoint or model": r"checkpoints\.py|in save_network|in replacing",
    "writing TensorBoard's files": r"tensorboard_files\.py|tensorboard_projector\.py",
    "pictures and figures": r"/callbacks/(?!progress_bar|scalars|profile)\w+\.py",
    "validation": r"trainer\.py\", line \d+ in evaluate",
    "training steps": r"trainer\.py\", line \d+ in fit",
    "preparing pictures": r"preparation\.py|records\.py|decoding\.py",
    "fitting the density": r"training\.py\", line \d+ in finish",
    "evaluating": r"/evaluation\w*\.py|metrics\.py|picture_sets\.py",
    "exporting": r"/exporting/",
}


class LostError(Exception):
    """Something was lost; the message says what and where."""


def expect(condition: bool, message: str) -> None:
    if not condition:
        raise LostError(message)


# ------------------------------------------------------------------------------
# Processes
# ------------------------------------------------------------------------------


class Command:
    """One of facevae's commands in a folder of its own, started and killed.

    Args:
        work: of the test.
        words: after the interpreter.
        target: the folder that it writes.
    """

    def __init__(self, work: pathlib.Path, words: list, target: pathlib.Path):
        self.work, self.target = work, target
        self.words = [sys.executable, *map(str, words)]

    def start(self) -> subprocess.Popen:
        stacks = self.work / "stacks"
        stacks.unlink(missing_ok=True)
        path = os.pathsep.join([str(self.work / "site"), str(ROOT)])
        environment = {**os.environ, "PYTHONPATH": path, "KILL_TEST_STACKS": str(stacks)}
        self._output = open(self.work / "output", "w+")  # noqa: SIM115
        return subprocess.Popen(
            self.words,
            cwd=self.work,
            env=environment,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self) -> float:
        """Runs to the end; returns the processor time that was used, seconds."""
        process, used = self.start(), 0.0
        while process.poll() is None:
            used = processor_seconds(process.pid) or used
            time.sleep(0.02)
        self.expect_success(process)
        return used

    def run_until(self, seconds: float | None, files: int, linger: float) -> str | None:
        """Runs until a processor time, or for so long after so many files have been begun; then kills.

        Returns:
            What it was doing; None if it ended by itself before.
        """
        earlier = set(begun_files(self.target))  # what a kill before this one left
        process, seen = self.start(), set()
        while process.poll() is None:
            if seconds is not None and (processor_seconds(process.pid) or 0.0) >= seconds:
                return self._kill(process)
            if seconds is None:
                seen |= set(begun_files(self.target)) - earlier
                if len(seen) >= files:
                    time.sleep(linger)
                    return self._kill(process)
            time.sleep(0.0005 if seconds is None else 0.005)
        self.expect_success(process)
        return None

    def expect_success(self, process: subprocess.Popen) -> None:
        self._output.seek(0)
        expect(
            process.returncode == 0,
            f"{self.words} ended with {process.returncode}: {self._output.read()[-3000:]}",
        )

    def _kill(self, process: subprocess.Popen) -> str:
        stacks = self.work / "stacks"
        if stacks.exists():
            process.send_signal(signal.SIGUSR1)
            deadline = time.monotonic() + 0.05
            while not stacks.stat().st_size and time.monotonic() < deadline:
                time.sleep(0.0005)
        # The group: decoding processes and whatever else belongs to it die with it.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return doing(stacks.read_text() if stacks.exists() else "")


def processor_seconds(pid: int) -> float | None:
    """User and system time of a process so far; None where it is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def begun_files(target: pathlib.Path) -> list[str]:
    """What is being written now, wherever facevae writes aside and renames."""
    patterns = (
        "*/.writing-*",
        "*/*/.writing-*",
        "*/*/*/.writing-*",
        ".writing-*",
        "*.incomplete",
        ".export.writing/*",
    )
    return [path for pattern in patterns for path in glob.glob(f"{glob.escape(str(target))}/{pattern}")]


def doing(stacks: str) -> str:
    """What the thread was doing that runs the command, by the stack that faulthandler dumped."""
    for stack in stacks.split("\n\n"):
        if "in <module>" in stack and "importlib" not in stack:
            for what, pattern in DOING.items():
                if re.search(pattern, stack):
                    return what
    return "starting up"


# ------------------------------------------------------------------------------
# Files
# ------------------------------------------------------------------------------


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


def expect_whole_run(run: pathlib.Path) -> int:
    """Everything in a run folder that bears its final name is whole; returns the steps behind its checkpoint."""
    if (run / "run.json").exists():
        json.loads((run / "run.json").read_text())
    for network in run.glob("networks/*.keras"):
        weights_of(network)
    for encodings in run.glob("encodings/*.npz"):
        arrays_of(encodings)
    for points in run.glob("logs/*/rate_distortion.json"):
        json.loads(points.read_text())
    expect_whole_projector(run / "logs" / "faces")
    if not (run / "checkpoints" / "last.npz").exists():
        return 0
    arrays = arrays_of(run / "checkpoints" / "last.npz")
    return int(arrays["progress epochs"]) * STEPS + int(arrays["progress epoch_steps"])


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


def expect_each_step_once(logs: pathlib.Path) -> None:
    for run, tags in {
        "train": ("loss", "learning_rate"),
        "validation": ("loss",),
        "faces": ("active_units", "latents/KL of each dimension", "1 reconstructions/of validation faces"),
    }.items():
        expect_steps(logs / run, tags, list(range(EPOCHS)))


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


# ------------------------------------------------------------------------------
# The commands
# ------------------------------------------------------------------------------


class Preparation:
    """Decodes the pictures; no TensorFlow."""

    files, linger, imports = 1, 0.5, 0.7

    def __init__(self, work: pathlib.Path):
        self.work = work

    def command(self, name: str) -> Command:
        cache = self.work / f"{name}-cache"
        cache.mkdir(exist_ok=True)
        code = "import sys; from facevae.data import prepare; "
        code += "prepare(sys.argv[1], image_size=32, cache_dir=sys.argv[2])"
        return Command(self.work, ["-c", code, self.work / "pictures", cache], cache)

    def expect_whole(self, name: str) -> None:
        for index in (self.work / f"{name}-cache").glob("*/index.json"):
            if not index.parent.name.endswith((".incomplete", ".replaced")):
                expect(json.loads(index.read_text())["image_size"] == 32, f"{index} is damaged")

    def expect_equal(self, name: str) -> None:
        ours, theirs = (digest_of(self.work / f"{n}-cache", "*.uint8") for n in (name, "undisturbed"))
        expect(
            len(theirs) >= 2 and ours == theirs, "prepared faces differ from the undisturbed preparation's"
        )
        expect(not list((self.work / f"{name}-cache").glob("*.incomplete")), "half-prepared faces are left")

    def discard(self, name: str) -> None:
        shutil.rmtree(self.work / f"{name}-cache")


class Training:
    """The whole of train.py with all its callbacks; the pictures are prepared already."""

    files, linger, imports = 12, 0.004, 0.4

    def __init__(self, work: pathlib.Path):
        self.work = work
        self._steps = 0

    def command(self, name: str) -> Command:
        run = self.work / f"{name}-run"
        words = [
            ROOT / "train.py",
            "--data",
            self.work / "pictures",
            "--cache-dir",
            self.work / "undisturbed-cache",
        ]
        words += [*TRAINING, "--run-dir", run]
        if name == "undisturbed" or run.exists():
            words += ["--resume"]
        else:
            self._steps = 0
        return Command(self.work, words, run)

    def expect_whole(self, name: str) -> None:
        steps = expect_whole_run(self.work / f"{name}-run")
        expect(steps >= self._steps, f"{steps} steps are saved after {self._steps} were")
        self._steps = steps

    def expect_equal(self, name: str) -> None:
        ours, theirs = self.work / f"{name}-run", self.work / "undisturbed-run"
        for read, file in (
            (arrays_of, "checkpoints/last.npz"),
            (weights_of, "networks/last.keras"),
            (weights_of, "networks/best.keras"),
            (arrays_of, "encodings/train.npz"),
        ):
            expect_equal(read(ours / file), read(theirs / file), str(ours / file))
        expect_whole_run(ours)
        expect_each_step_once(ours / "logs")
        leftovers = [path for path in ours.rglob(".writing-*") if "encodings" not in path.parts]
        expect(not leftovers, f"half-written files are left: {leftovers}")

    def discard(self, name: str) -> None:
        shutil.rmtree(self.work / f"{name}-run")


class Evaluation:
    """evaluate.py on the undisturbed run."""

    files, linger, imports = 1, 0.004, 0.4

    def __init__(self, work: pathlib.Path):
        self.work, self.run = work, work / "undisturbed-run"

    def command(self, name: str) -> Command:
        words = [ROOT / "evaluate.py", self.run, "--cache-dir", self.work / "undisturbed-cache"]
        return Command(self.work, words, self.run)

    def expect_whole(self, name: str) -> None:
        expect_whole_run(self.run)
        if (self.run / "evaluation.json").exists():
            json.loads((self.run / "evaluation.json").read_text())

    def expect_equal(self, name: str) -> None:
        evaluation = json.loads((self.run / "evaluation.json").read_text())
        metrics = evaluation["metrics"]
        first = self.work / "undisturbed-evaluation.json"
        if not first.exists():
            first.write_text(json.dumps(metrics))
        for key, value in json.loads(first.read_text()).items():
            same = np.isclose(metrics[key], value, rtol=1e-5, atol=1e-6)
            expect(bool(same), f"evaluation: {key} is {metrics[key]}, undisturbed {value}")
        expect_steps(self.run / "logs" / "evaluation", metrics, [evaluation["step"]])

    def discard(self, name: str) -> None:
        (self.run / "evaluation.json").unlink()


class Export:
    """export.py on the undisturbed run, with two of the formats; what stands in its place is always a whole export."""

    files, linger, imports = 4, 1.0, 0.4
    _keep = True

    def __init__(self, work: pathlib.Path):
        self.work, self.run = work, work / "undisturbed-run"

    def command(self, name: str) -> Command:
        words = [ROOT / "export.py", self.run, "--formats", "float32", "float16", "--checked-latents", "8"]
        return Command(self.work, words, self.run)

    def expect_whole(self, name: str) -> None:
        expect_whole_run(self.run)
        if (self.run / "export").exists():
            self.expect_equal(name)

    def expect_equal(self, name: str) -> None:
        export, first = self.run / "export", self.work / "undisturbed-export.json"
        json.loads((export / "model_card.json").read_text())
        found = [digest_of(export, "*.tflite"), sorted(digest_of(export, "*"))]
        if not first.exists():
            first.write_text(json.dumps(found))
        expect(
            len(found[0]) >= 3 and found == json.loads(first.read_text()),
            "the export differs from the first one",
        )

    def discard(self, name: str) -> None:
        """Half of the time an earlier export stands there."""
        self._keep = not self._keep
        if not self._keep:
            shutil.rmtree(self.run / "export")


SUBJECTS = {"preparation": Preparation, "training": Training, "evaluation": Evaluation, "export": Export}


# ------------------------------------------------------------------------------
# The test
# ------------------------------------------------------------------------------


def draw_pictures(folder: pathlib.Path) -> None:
    """Blurred noise as JPEG: anything that a network can learn something about."""
    from PIL import Image, ImageFilter

    folder.mkdir(parents=True)
    source = np.random.default_rng(0)
    for number in range(FACES):
        noise = Image.fromarray(source.integers(0, 256, (64, 64, 3), dtype=np.uint8))
        noise.filter(ImageFilter.GaussianBlur(6)).save(folder / f"{number:04d}.jpg")


def kill_some(
    name: str, subject, kills: int, cost: float, results: list, source: random.Random, save
) -> None:
    """Kills one subject so many times, over as many runs as it takes."""
    bar = tqdm(total=kills, desc=name, unit=" kills")
    attempt = f"{name}-{len(results)}"
    done = 0
    while done < kills:
        command = subject.command(attempt)
        aimed = source.random() < 0.5
        # After the share of the time in which little but imports happens.
        seconds = None if aimed else source.uniform(subject.imports, 1.0) * cost
        files, linger = source.randint(1, subject.files), source.uniform(0.0, subject.linger)
        what = command.run_until(seconds, files, linger)
        subject.expect_whole(attempt)
        if what is None:
            subject.expect_equal(attempt)
            subject.discard(attempt)
            attempt = f"{name}-{len(results)}-{done}"
            continue
        results.append({"command": name, "aimed": aimed, "doing": what})
        done += 1
        bar.update()
        save()
    command = subject.command(attempt)
    command.run()
    subject.expect_equal(attempt)
    subject.discard(attempt)
    bar.close()


def report(results: list) -> str:
    """How many kills fell where."""
    counts = collections.Counter((result["command"], result["doing"]) for result in results)
    lines = [f"{'command':12} {'killed while':32} {'kills':>5}"]
    for name in SUBJECTS:
        lines += [
            f"{name:12} {what:32} {count:5d}" for (n, what), count in sorted(counts.items()) if n == name
        ]
    aimed = sum(result["aimed"] for result in results)
    return "\n".join(
        [*lines, f"{len(results)} kills, {aimed} of them while a file was being written: nothing lost"]
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=60, help="in all (default: 60)")
    parser.add_argument("--only", nargs="+", choices=SUBJECTS, default=list(SUBJECTS), help="default: all")
    parser.add_argument("--work", help="folder to work in and to go on from (default: a temporary one)")
    parser.add_argument("--seed", type=int, default=0, help="of the instants (default: 0)")
    flags = parser.parse_args()
    # TensorBoard as where TensorFlow is not installed: its loader is the same, and seconds are saved.
    sys.modules.setdefault("tensorboard.compat.notf", types.ModuleType("notf"))
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(flags.work or temporary).absolute()
        if not (work / "site").exists():
            (work / "site").mkdir(parents=True)
            (work / "site" / "sitecustomize.py").write_text(DUMP_STACKS)
            draw_pictures(work / "pictures")
        path = work / "results.json"
        state = json.loads(path.read_text()) if path.exists() else {"costs": {}, "results": []}

        def save() -> None:
            path.write_text(json.dumps(state, indent=1))

        shares = {name: SHARES[name] for name in flags.only}
        for name, share in shares.items():
            subject = SUBJECTS[name](work)
            for undisturbed in dict.fromkeys([*list(SUBJECTS)[: list(SUBJECTS).index(name)][:2], name]):
                if undisturbed not in state["costs"]:
                    first = SUBJECTS[undisturbed](work)
                    state["costs"][undisturbed] = first.command("undisturbed").run()
                    first.expect_equal("undisturbed")
                    save()
            before = sum(result["command"] == name for result in state["results"])
            wanted = round(flags.kills * share / sum(shares.values())) - before
            if wanted > 0:
                source = random.Random(f"{flags.seed} {name} {before}")
                kill_some(name, subject, wanted, state["costs"][name], state["results"], source, save)
        print(report(state["results"]))


if __name__ == "__main__":
    try:
        main()
    except LostError as lost:
        sys.exit(f"LOST: {lost}")
