"""Runs that were begun on a folder of faces, as far as a checkpoint."""

import keras
from PIL import Image

from facevae.configuration.choosing import from_preset, resumed
from facevae.model import VAE
from facevae.run.run_folder import RunFolder
from facevae.training import begin_run, prepare_faces
from facevae.training.runtime import Runtime

CPU = Runtime("processor", "float32", False)


ATTRIBUTES = "list_attr_celeba.csv"


SPLITS = "list_eval_partition.csv"


def write_tables(folder, attributes=None, splits=None):
    """Tables in which face n smiles if n is even, is young if n < 20, and is in split n % 3; with changes."""
    rows = {n: [1 - 2 * (n % 2), 1 if n < 20 else -1] for n in range(40)} | (attributes or {})
    lines = ["image_id,Smiling,Young", *(f"{n}.png,{a},{b}" for n, (a, b) in rows.items())]
    (folder / ATTRIBUTES).write_text("\n".join(lines))
    of = {n: n % 3 for n in range(40)} | (splits or {})
    (folder / SPLITS).write_text("\n".join(["image_id,partition", *(f"{n}.png,{s}" for n, s in of.items())]))


def begun(path, folder):
    """A run that has a checkpoint and an untrained model."""
    shape = {"image_size": 32, "latent_dim": 4, "width": 8, "sample_from": "prior", "density_components": 0}
    config = from_preset("demo", data=str(folder), **shape)
    run = RunFolder(path)
    begin_run(config, run, prepare_faces(config, run, CPU), CPU)
    run.checkpoint.parent.mkdir()
    run.checkpoint.touch()
    keras.utils.set_random_seed(0)
    run.network("last").parent.mkdir()
    VAE(**shape).save(run.network("last"))
    return run


def go_on(run, **flags):
    """The faces with which `train.py --resume` goes on."""
    config = resumed(run.load_config(), {name: str(value) for name, value in flags.items()})
    dataset = prepare_faces(config, run, CPU)
    begin_run(config, run, dataset, CPU)
    return dataset


def identities(dataset):
    return {name: records.identities.tolist() for name, records in dataset.splits.items()}


def exchange(first, second):
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)


def another_picture(folder):
    (folder / "3.png").unlink()
    Image.new("RGB", (40, 40), "teal").save(folder / "3.png")
