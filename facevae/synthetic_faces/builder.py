"""The data set `synthetic_faces` for tensorflow-datasets: 10,000 faces in three fixed splits.

Faces are drawn on all cores while tensorflow-datasets writes them. Threads do it: numpy and the PNG compressor release
the interpreter's lock, and threads work from any script, whereas a pool of processes would import it again.
"""

import collections
import concurrent.futures
import dataclasses
import io
import itertools
import os

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from facevae.synthetic_faces.factors import ATTRIBUTE_NAMES, FACTOR_NAMES, sample_faces
from facevae.synthetic_faces.renderer import render

SEED = 0
SPLIT_SIZES = {"train": 8000, "validation": 1000, "test": 1000}
_FACES_AT_ONCE = 16


@dataclasses.dataclass
class SyntheticFacesConfig(tfds.core.BuilderConfig):
    """One size of the pictures.

    Attributes:
        image_size: pixels along each side.
        split_sizes: dict of split name to number of faces; the splits take the seed's faces one after the other.
    """

    image_size: int = 64
    split_sizes: dict = dataclasses.field(default_factory=lambda: dict(SPLIT_SIZES))


class SyntheticFaces(tfds.core.GeneratorBasedBuilder):
    """Procedural portraits with CelebA's attribute names and the continuous factors behind them."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}
    BUILDER_CONFIGS = [
        SyntheticFacesConfig(name=str(size), description=f"{size}x{size} pixels", image_size=size)
        for size in (64, 32, 128, 256)  # the first is the default
    ]

    def _info(self):
        size = self.builder_config.image_size
        return tfds.core.DatasetInfo(
            builder=self,
            description=(
                "Procedural faces with binary attributes, named as in CelebA and correlated by a stated matrix, and "
                "continuous factors. Face i is a pure function of the seed and i."
            ),
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(size, size, 3), encoding_format="png"),
                    "attributes": {name: np.bool_ for name in ATTRIBUTE_NAMES},
                    "factors": {name: np.float32 for name in FACTOR_NAMES},
                }
            ),
            supervised_keys=None,
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager):
        del dl_manager
        ends = itertools.accumulate(self.builder_config.split_sizes.values())
        return {
            name: self._generate_examples(end - count, count)
            for (name, count), end in zip(self.builder_config.split_sizes.items(), ends, strict=True)
        }

    def _generate_examples(self, first, count):
        chunks = [
            (start, min(_FACES_AT_ONCE, first + count - start), self.builder_config.image_size)
            for start in range(first, first + count, _FACES_AT_ONCE)
        ]
        for start, examples in _ahead(_draw_examples, chunks):
            yield from enumerate(examples, start=start)


def builder_for(image_size=64, data_dir=None, split_sizes=None):
    """The data set's builder for any size; call `download_and_prepare()` on it before `as_dataset()`.

    Args:
        image_size: pixels along each side.
        data_dir: where tensorflow-datasets keeps its data sets; None for its own default.
        split_sizes: dict of split name to number of faces; None for 8,000, 1,000 and 1,000.
    """
    if split_sizes is None:
        config = SyntheticFacesConfig(
            name=str(image_size), description=f"{image_size}x{image_size} pixels", image_size=image_size
        )
    else:
        name = "-".join([str(image_size), *(f"{split}{count}" for split, count in split_sizes.items())])
        config = SyntheticFacesConfig(name=name, image_size=image_size, split_sizes=dict(split_sizes))
    return SyntheticFaces(config=config, data_dir=data_dir)


def _draw_examples(first, count, image_size):
    faces = sample_faces(count, SEED, first)
    images = render(faces, image_size)
    return first, [
        {
            "image": _png(images[row]),
            "attributes": dict(zip(ATTRIBUTE_NAMES, faces.attributes[row].tolist(), strict=True)),
            "factors": dict(zip(FACTOR_NAMES, faces.factors[row].tolist(), strict=True)),
        }
        for row in range(count)
    ]


def _png(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "png", compress_level=1)
    file.seek(0)
    return file


def _ahead(function, arguments):
    """Results of calls in order, computed by threads a few calls ahead of their use."""
    workers = os.cpu_count() or 1
    arguments = iter(arguments)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        pending = collections.deque(
            pool.submit(function, *call) for call in itertools.islice(arguments, 2 * workers)
        )
        while pending:
            result = pending.popleft().result()
            pending.extend(pool.submit(function, *call) for call in itertools.islice(arguments, 1))
            yield result
