"""What alignment is worth to a model, on real photographs: CelebA's own, that of faces found, and none."""

import functools
import sys

import keras
import numpy as np
import pytest
from PIL import Image
from places import BENCHMARKS

from facevae.configuration.choosing import from_preset
from facevae.data.preparation import prepare_for
from facevae.model import VAE

# Pictures of each split, by the first number of CelebA's that is taken.
SPLITS = {1: 1000, 6501: 20, 7001: 200}
ROOM = (480, 360)  # pixels of a photograph


@pytest.fixture(scope="module")
def folders(real_faces, tmp_path_factory):
    """Two folders: aligned faces, and photographs with the same faces in the same light, turned, scaled and moved."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from face_composites import composite, texture
    finally:
        sys.path.remove(str(BENCHMARKS))
    base, random = tmp_path_factory.mktemp("faces"), np.random.default_rng(0)
    aligned, snapshots = base / "aligned", base / "snapshots"
    for folder in (aligned, snapshots):
        folder.mkdir()
    backgrounds = [texture(random, ROOM) for _ in range(32)]
    table = ["image_id,partition"]
    for split, (first, count) in enumerate(SPLITS.items()):
        for number in range(first, first + count):
            name = f"{number:06d}.jpg"
            face = np.asarray(Image.open(real_faces / "img_align_celeba" / name).convert("RGB"))
            scale = random.uniform(1.2, 2.4) * 89 / face.shape[1]
            made = composite(face, random, scale, ROOM, background=backgrounds[number % 32])
            Image.fromarray(made.lit).save(aligned / name, quality=95)
            Image.fromarray(made.pixels).save(snapshots / name, quality=95)
            table.append(f"{name},{split}")
    for folder in (aligned, snapshots):
        (folder / "list_eval_partition.csv").write_text("\n".join(table) + "\n")
    return {"aligned": aligned, "snapshots": snapshots}


@pytest.fixture(scope="module")
def prepared(folders, tmp_path_factory):
    """A function that prepares one of the folders as train.py does with --align, once."""
    cache = tmp_path_factory.mktemp("cache")
    return functools.cache(
        lambda folder, align: prepare_for(
            from_preset("demo", data=str(folders[folder]), align=align, cache_dir=str(cache))
        )
    )


@pytest.fixture(scope="module")
def trained(prepared):
    """A function that trains a model on what was prepared, once."""

    def train(folder, align):
        keras.utils.set_random_seed(0)
        model = VAE(image_size=64, latent_dim=64, width=16)
        model.compile(keras.optimizers.Adam(2e-3))
        model.fit(prepared(folder, align).train.images(slice(None)), batch_size=32, epochs=8, verbose=0)
        return model

    return functools.cache(train)


def error(model, images):
    """The mean squared error that evaluate.py reports."""
    return float(np.mean((np.asarray(model.decode_all(model.encode_all(images)[0])) - images / 255.0) ** 2))


@pytest.mark.slow
def test_a_folder_of_snapshots_trains_as_aligned_faces_do_where_they_are_aligned(prepared, trained):
    faces = prepared("aligned", "auto")
    assert faces.found is None  # aligned already
    assert prepared("snapshots", "auto").found["none"] < 0.1 * sum(SPLITS.values())
    test = faces.test.images(slice(None))
    aligned = error(trained("aligned", "auto"), test)
    assert error(trained("snapshots", "auto"), test) <= 1.15 * aligned
    assert error(trained("snapshots", "off"), test) > 1.15 * aligned
