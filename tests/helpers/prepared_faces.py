"""Small folders of pictures to prepare, and what was prepared of them."""

import os
import subprocess
import sys

import numpy as np
from PIL import Image

SPLITS = ("train", "validation", "test")


def make_faces(folder, count=30, size=(20, 24)):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        pixels = np.full((size[1], size[0], 3), number % 251, np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:06d}.png")
    return folder


def by_name(dataset):
    """Pixels of all faces; a face that is in two splits is an error."""
    faces = {}
    for split in SPLITS:
        records = getattr(dataset, split)
        for name, image in zip(records.names(slice(None)), records.images(slice(None)), strict=True):
            assert name not in faces
            faces[name] = image
    return faces


def subprocess_of(program, **options):
    path = os.pathsep.join(filter(None, sys.path))
    return subprocess.Popen(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": path}, **options
    )
