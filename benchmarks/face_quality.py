"""Compares the faces of a preset with those of the classic tutorial VAE after the same minutes of training.

    python benchmarks/face_quality.py --data FOLDER --minutes 10 40 --runs-dir runs/quality

Trains `--preset reference` and our preset at 64x64 with 200 latent dimensions for each number of minutes, one after the
other (on an otherwise idle machine), and ours once more for 90 seconds. Measures all of them with evaluate.py on the
test split. Writes a section of benchmarks/face_quality.md, and into the folder of runs a picture of the faces of both.
Finished runs are not trained again, so the same command continues a stopped comparison. The reference's learning rate
is constant, so its longer training resumes the shorter one. Takes about twice the minutes.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
from measuring import machine, write_section
from PIL import Image

from facevae.command_line.text_table import markdown
from facevae.evaluation.metric import FEATURES_VERSION, features_version

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = pathlib.Path(__file__).with_suffix(".md")
TITLE = "# Quality of faces\n\nMade by `python benchmarks/face_quality.py`.\n"
REFERENCE = ("--preset", "reference", "--image-size", "64")
SHORT = 1.5  # minutes of our training to compare with the reference's longest


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument(
        "--data", default="synthetic_faces", help="as for train.py (default: synthetic_faces)"
    )
    parser.add_argument("--preset", default="celeba64", help="ours (default: celeba64)")
    parser.add_argument("--minutes", type=float, nargs="+", default=[10.0, 40.0], help="default: 10 40")
    parser.add_argument("--seed", type=int, default=0, help="of the trainings (default: 0)")
    parser.add_argument("--runs-dir", type=pathlib.Path, default=pathlib.Path("runs/quality"))
    parser.add_argument("--title", help="of the section in the table (default: the data set's name)")
    flags = parser.parse_args()

    # ------------------------------------------------------------------------------
    # Trainings and evaluations
    # ------------------------------------------------------------------------------
    ours = ("--preset", flags.preset)
    sides = {"reference": REFERENCE, "ours": ours}
    plan = [(name, preset, minutes) for minutes in sorted(flags.minutes) for name, preset in sides.items()]
    plan.append(("ours", ours, SHORT))
    runs = {}
    for name, preset, minutes in plan:
        run = flags.runs_dir / f"{name}-{minutes:g}min-seed{flags.seed}"
        shorter = [begun for (side, _), (begun, _) in runs.items() if side == name == "reference"]
        if shorter and not run.exists():
            shutil.copytree(shorter[-1], run, ignore=shutil.ignore_patterns("evaluation.json"))
        runs[name, minutes] = run, measured(run, preset, minutes, flags)

    # ------------------------------------------------------------------------------
    # Table and pictures
    # ------------------------------------------------------------------------------
    data = next(iter(runs.values()))[1]["data"]
    text = comparison({key: found for key, (_, found) in runs.items()}, flags)
    write_section(TABLE, TITLE, f"{flags.title or data}, 64×64", text)
    longest = max(flags.minutes)
    picture = flags.runs_dir / "faces.png"
    Image.fromarray(side_by_side({name: runs[name, longest][0] for name in sides}, longest)).save(picture)
    print(f"Faces of both: {picture}")


def measured(run: pathlib.Path, preset: tuple[str, ...], minutes: float, flags: argparse.Namespace) -> dict:
    """The evaluation of a run, which is trained and evaluated first unless it has been."""
    evaluation = run / "evaluation.json"
    if not evaluation.exists():
        choices = (
            "--data",
            flags.data,
            "--minutes",
            f"{minutes}",
            "--latent-dim",
            "200",
            "--seed",
            f"{flags.seed}",
        )
        command("train.py", *preset, *choices, "--run-dir", str(run), "--resume")
        command("evaluate.py", str(run))
    found = json.loads(evaluation.read_text(encoding="utf-8"))
    if features_version(found) not in (None, FEATURES_VERSION):  # its figures are not comparable
        command("evaluate.py", str(run))
        found = json.loads(evaluation.read_text(encoding="utf-8"))
    return found


def command(script: str, *arguments: str) -> None:
    print(f"+ {script} {' '.join(arguments)}", flush=True)
    subprocess.run([sys.executable, str(ROOT / script), *arguments], check=True)


def comparison(found: dict[tuple[str, float], dict], flags: argparse.Namespace) -> str:
    """A section with a column for each training and the ratio of each pair."""
    minutes = sorted({m for name, m in found if name == "reference"})
    columns = [("ours", SHORT)] + [(name, m) for m in minutes for name in ("reference", "ours", "ratio")]
    rows = []
    for metric, (words, form) in compared_metrics(list(found.values())).items():
        cells = []
        for name, m in columns:
            if name == "ratio":
                ours, theirs = (found[side, m]["metrics"].get(metric) for side in ("ours", "reference"))
                cells.append(f"{ours / theirs:.2f}" if ours is not None and theirs else "")
            else:
                value = found[name, m]["metrics"].get(metric)
                cells.append("" if value is None else format(value, form))
        rows.append((words, *cells))
    steps = ", ".join(
        f"{name} {m:g} min: {found[name, m]['step']:,}" for name, m in columns if name != "ratio"
    )
    tested = next(iter(found.values()))["test_faces"]
    version = features_version(next(iter(found.values())))
    features = f"Features: version {version}. " if version else ""
    return (
        f"{machine()}, seed {flags.seed}; `--preset {flags.preset}` against `{' '.join(REFERENCE)}`, {tested:,} test "
        "faces. The reference's samples are drawn from N(0, 1), ours from the fitted density. "
        f"{features}Training steps: {steps}.\n\n{markdown(['', *(f'{name}, {m:g} min' for name, m in columns)], rows)}"
    )


def compared_metrics(evaluations: list[dict]) -> dict[str, tuple[str, str]]:
    """Label and number format of each row by the metric's name: those declared as compared, where measured."""
    # Here, after the trainings: TensorFlow would take memory beside them.
    from facevae.evaluation import declared_metrics

    return {
        metric.name: (metric.label(evaluations[0]), metric.number_format)
        for metric in declared_metrics()
        if metric.compared and any(metric.name in evaluation["metrics"] for evaluation in evaluations)
    }


def side_by_side(runs: dict[str, pathlib.Path], minutes: float, columns: int = 10) -> np.ndarray:
    """Test faces, their reconstructions by both, and samples of both, `uint8[height, width, 3]`."""
    sys.path.insert(0, str(ROOT))
    from facevae.figures import labelled_grid
    from facevae.run.opened_run import OpenedRun

    opened = {name: OpenedRun(run) for name, run in runs.items()}
    faces = next(iter(opened.values())).dataset.test.images(slice(columns))
    models = {name: run.model for name, run in opened.items()}
    rows = {"test faces": faces / np.float32(255.0)}
    rows |= {f"{name}:\nreconstructed": np.asarray(model(faces)) for name, model in models.items()}
    for name, model in models.items():
        samples = model.sample(2 * columns, seed=1)
        rows |= {f"{name}:\nnew faces": samples[:columns], f"{name}:\nmore": samples[columns:]}
    pictures = np.concatenate(list(rows.values()))
    return labelled_grid(pictures, columns, f"After {minutes:g} minutes of training", list(rows))


if __name__ == "__main__":
    main()
