"""Kills facevae at random instants and shows that nothing is lost.

    python tests/reliability/kill_at_random.py [--kills 60]

Each command (preparation, train.py, evaluate.py, export.py) first runs undisturbed. Then it is started again and
again in a folder of its own and killed with SIGKILL: half of the time at an instant drawn uniformly over the processor
time that it takes, half of the time in the middle of a file that it writes. After each kill every file that is there
must be whole. Training goes on with the same command and --resume, the others simply run again, until one ends by
itself: its outcome must then be that of the undisturbed run, weights, optimizer and metrics bit for bit, and
TensorBoard must see each step once.

What the killed process was doing is read from its stack, dumped just before. With --work DIR a test that was stopped
goes on, or is extended to more kills; the folder holds the runs and results.json. Needs Linux. `killed_commands.py`
starts and kills, `whole_files.py` checks; `docs/reliability.md` says what was found, and `test_kill_at_random.py` runs
a short test.
"""

import argparse
import collections
import json
import pathlib
import random
import shutil
import sys
import tempfile
import types

import numpy as np
from killed_commands import DUMP_STACKS, ROOT, Command
from tqdm import tqdm
from whole_files import (
    LostError,
    arrays_of,
    digest_of,
    expect,
    expect_each_step_once,
    expect_equal,
    expect_no_leftovers,
    expect_steps,
    expect_whole_run,
    weights_of,
)

from facevae.command_line.text_table import markdown

FACES, EPOCHS, STEPS, CHECKPOINT_STEPS = 1200, 4, 12, 3
TRAINING = f"--image-size 32 --width 8 --latent-dim 4 --density-components 2 --batch-size 8 --epochs {EPOCHS}".split()
TRAINING += f"--steps-per-epoch {STEPS} --checkpoint-steps {CHECKPOINT_STEPS}".split()
# Of every ten kills.
SHARES = {"preparation": 4, "training": 4, "evaluation": 1, "export": 1}


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
            expect(json.loads(index.read_text())["image_size"] == 32, f"{index} is damaged")

    def expect_equal(self, name: str) -> None:
        ours, theirs = (digest_of(self.work / f"{n}-cache", "*.uint8") for n in (name, "undisturbed"))
        expect(
            len(theirs) >= 2 and ours == theirs, "prepared faces differ from the undisturbed preparation's"
        )

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
        steps = expect_whole_run(self.work / f"{name}-run", STEPS)
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
        expect_whole_run(ours, STEPS)
        expect_each_step_once(ours / "logs", EPOCHS)

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
        expect_whole_run(self.run, STEPS)
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
        expect_steps(self.run / "logs" / "train" / "evaluation", metrics, [evaluation["epoch"]])

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
        expect_whole_run(self.run, STEPS)
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
            expect_no_leftovers(command.target)
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
    expect_no_leftovers(command.target)
    subject.discard(attempt)
    bar.close()


def report(results: list) -> str:
    """How many kills fell where, as a Markdown table, and a line about all of them."""
    counts = collections.Counter((result["command"], result["doing"]) for result in results)
    rows = [(n, what, count) for name in SUBJECTS for (n, what), count in sorted(counts.items()) if n == name]
    table = markdown(("command", "killed while", "kills"), rows, "llr")
    aimed = sum(result["aimed"] for result in results)
    return f"{table}\n\n{len(results)} kills, {aimed} of them while a file was being written: nothing lost"


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
