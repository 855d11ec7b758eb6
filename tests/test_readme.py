"""The README's commands and programs run as they are printed, on a small run."""

import os
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from places import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
# What makes a training one of seconds; flags that come last decide.
SMALL = shlex.split(
    "--image-size 32 --width 8 --latent-dim 4 --batch-size 8 --epochs 2 --density-components 1"
)
# Run elsewhere, or not at all: they need the network, a GPU, or a repository's address.
ELSEWHERE = {
    "the two lines that install, run by .ci/run as they are": r"^python3 -m venv \.venv && \.venv/bin/pip install",
    "extras, which name their packages in setup.cfg": r'^pip install -e "\.\[(gpu|profile)\]"$',
    "what brings a model into the example apps, run by its own test": r"^python examples/copy_model\.py",
    "a tool of others, beside ours": r"^pip install pytorch-fid",
    "a server, of TensorBoard's own command": r"^tensorboard --logdir",
}


def commands():
    """The commands in the README's blocks and tables, in their order."""
    lines = [
        line for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL) for line in block.splitlines()
    ]
    return [*lines, *re.findall(r"\| `(python .*?)` \|", README)]


def of_ours(command):
    return re.match(r"python (train|evaluate|explore|export)\.py", command)


def programs():
    """The README's Python blocks, in their order; those of a notebook's shell left out."""
    return [
        block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if not block.startswith("!")
    ]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with what the README's names stand for, and an environment of its own caches."""
    place = tmp_path_factory.mktemp("readme")
    celeba = place / "path" / "to" / "celeba-dataset"
    pictures = celeba / "img_align_celeba" / "img_align_celeba"
    pictures.mkdir(parents=True)
    random = np.random.default_rng(0)
    names = [f"{number + 1:06d}.jpg" for number in range(96)]
    for name in names:
        coarse = Image.fromarray(random.integers(0, 256, (6, 5, 3), np.uint8))
        coarse.resize((178, 218), Image.Resampling.BICUBIC).save(pictures / name)
    rows = [",".join([name, *(str(random.choice((-1, 1))) for _ in range(3))]) for name in names]
    header = "image_id,Eyeglasses,Smiling,Young"
    (celeba / "list_attr_celeba.csv").write_text("\n".join([header, *rows]) + "\n")
    parts = [f"{name},{0 if number < 48 else 1 + number % 2}" for number, name in enumerate(names)]
    (celeba / "list_eval_partition.csv").write_text("\n".join(["image_id,partition", *parts]) + "\n")
    (place / "path" / "to" / "folder").symlink_to(pictures)
    Image.fromarray(random.integers(0, 256, (600, 600, 3), np.uint8)).save(place / "me.jpg")
    environment = {**os.environ, "FACEVAE_CACHE": str(place / "cache"), "PYTHONPATH": str(ROOT)}
    return place, environment


def run(place, command, *more):
    """Runs a command of the README, with more flags behind it."""
    folder, environment = place
    script, *flags = shlex.split(command)[1:]
    process = subprocess.run(
        [sys.executable, str(ROOT / script), *flags, *more],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, f"{command}\n{process.stdout[-1000:]}\n{process.stderr[-2000:]}"
    assert "oneDNN" not in process.stderr  # what TensorFlow says at import is kept from users
    return process.stdout


def test_every_command_is_run_by_a_test_or_named_as_one_that_is_not():
    for command in commands():
        assert of_ours(command) or any(re.search(pattern, command) for pattern in ELSEWHERE.values()), command
    for pattern in ELSEWHERE.values():
        assert any(re.search(pattern, command) for command in commands()), pattern


def test_files_and_places_that_it_links_exist():
    for target in re.findall(r"\]\((?!https?:)([^)]*)\)", README):
        path, _, anchor = target.partition("#")
        assert (ROOT / path).exists(), target
        headings = {h.lower().replace(" ", "-") for h in re.findall(r"^## (.*)$", README, re.MULTILINE)}
        assert not anchor or anchor in headings, target


def test_extras_that_it_installs_exist():
    setup = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    extras = setup.split("[options.extras_require]")[1].split("\n[")[0]
    for extra in re.findall(r'pip install -e "\.\[(\w+)\]"', README):
        assert f"\n{extra} =" in extras


@pytest.fixture(scope="module")
def trained(place):
    """The place after all commands that train, and what each of them printed."""
    printed = {}
    for number, command in enumerate(c for c in commands() if c.startswith("python train.py")):
        data = [] if "--data" in command else ["--data", "path/to/celeba-dataset"]
        folder = [] if "--run-dir" in command else ["--run-dir", f"runs/{number}"]
        printed[command] = run(place, command, *SMALL, *data, *folder)
    return place, printed


@pytest.mark.slow
def test_every_command_that_trains_leaves_a_run(trained):
    (folder, _), printed = trained
    assert len(printed) >= 6
    for command, text in printed.items():
        assert "--latent-dim" in text if command.endswith("--help") else "Done. The run is in" in text, (
            command
        )
    assert (folder / "runs" / "mine" / "run.json").exists()
    assert (folder / "runs" / "celeba" / "run.json").exists()


@pytest.mark.slow
def test_a_run_is_measured_explored_and_exported(trained):
    place, _ = trained
    folder = place[0]
    shutil.copytree(folder / "runs" / "mine", folder / "runs" / "other")
    others = [c for c in commands() if of_ours(c) and not c.startswith("python train.py")]
    assert {of_ours(command)[1] for command in others} == {"evaluate", "explore", "export"}
    for command in others:
        if command.startswith("python evaluate.py"):
            fewer = ["--save-images", "8", "fid"] if "--save-images" in command else []
            run(place, command, "--samples", "24", *fewer)
        elif (
            "generate --attribute" in command
        ):  # tests/test_explore.py draws by attribute, with a run that can
            with pytest.raises(AssertionError, match="too few faces to have learnt to read them"):
                run(place, command)
        elif command.startswith("python explore.py"):
            pictures = re.findall(r"\S+\.png", run(place, command))
            assert pictures, command
            assert all((folder / picture).exists() for picture in pictures)
        else:  # the server is another test's
            run(place, re.sub(r" --(serve|host \S+)", "", command), "--checked-latents", "8")
    assert (folder / "runs" / "mine" / "evaluation.json").exists()
    assert len(list((folder / "fid" / "samples").iterdir())) == 8
    assert (folder / "runs" / "mine" / "export" / "decoder_dynamic_int8.tflite").exists()


@pytest.mark.slow
def test_programs_run_one_after_the_other(trained):
    folder, environment = trained[0]
    (folder / "runs" / "notebook").symlink_to(folder / "runs" / "mine")
    given = "import numpy as np\nvalidation_images = np.zeros((16, 64, 64, 3), np.uint8)\n"
    given += "attributes, attribute_names = np.eye(16, 2, dtype=np.uint8), ['Smiling', 'Young']\n"
    blocks = programs()
    assert len(blocks) == 4
    process = subprocess.run(
        [sys.executable, "-c", "\n".join([given, *blocks])],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr[-2000:]
    assert (folder / "vae.keras").exists()
    assert list((folder / "logs" / "faces").glob("events*"))
