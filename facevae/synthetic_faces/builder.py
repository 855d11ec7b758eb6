"""The tensorflow-datasets builder of `synthetic_faces`: 10,000 faces in three fixed splits."""

import dataclasses
import io
import itertools
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

from facevae.synthetic_faces.drawing import draw_in_processes
from facevae.synthetic_faces.factors import ATTRIBUTE_NAMES, FACTOR_NAMES, sample_faces

SEED = 0
# The root mean squared pixel difference between any two of the 10,000 faces at 64x64 exceeds this, of 255.
CLOSEST = 9.0
SPLIT_SIZES = {"train": 8000, "validation": 1000, "test": 1000}


@dataclasses.dataclass
class SyntheticFacesConfig(tfds.core.BuilderConfig):
    """The data set at one image size.

    Attributes:
        image_size: pixels along each side.
        split_sizes: dict of split name to number of faces; the splits take consecutive faces of the seed.
    """

    image_size: int = 64
    split_sizes: dict = dataclasses.field(default_factory=lambda: dict(SPLIT_SIZES))


class SyntheticFaces(tfds.core.GeneratorBasedBuilder):
    """Procedural portraits with CelebA's attribute names and the continuous factors behind them."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar = {"1.0.0": "First release."}
    BUILDER_CONFIGS: ClassVar = [
        SyntheticFacesConfig(name=str(size), description=f"{size}x{size} pixels", image_size=size)
        for size in (64, 32, 128, 256)  # the first is the default
    ]

    def _info(self):
        size = self.builder_config.image_size
        return tfds.core.DatasetInfo(
            builder=self,
            description=(
                "Procedural faces with binary attributes, named as in CelebA and correlated by a stated matrix, and "
                "continuous factors. Face i is a pure function of the seed and i. Between any two images of 64x64 "
                f"the root mean squared difference of the pixels exceeds {CLOSEST} of 255."
            ),
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(size, size, 3), encoding_format="png"),
                    "attributes": dict.fromkeys(ATTRIBUTE_NAMES, np.bool_),
                    "factors": dict.fromkeys(FACTOR_NAMES, np.float32),
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
        faces = sample_faces(count, SEED, first)
        pictures = draw_in_processes(first, count, SEED, self.builder_config.image_size)
        for row, picture in enumerate(pictures):
            yield (
                first + row,
                {
                    "image": io.BytesIO(picture),
                    "attributes": dict(zip(ATTRIBUTE_NAMES, faces.attributes[row], strict=True)),
                    "factors": dict(zip(FACTOR_NAMES, faces.factors[row], strict=True)),
                },
            )


def builder_for(image_size=64, data_dir=None, split_sizes=None):
    """A builder of the data set for any image size; call `download_and_prepare()` on it before `as_dataset()`.

    Args:
        image_size: pixels along each side.
        data_dir: folder in which tensorflow-datasets keeps its data sets; None for its own default.
        split_sizes: dict of split name to number of faces; None for 8,000, 1,000 and 1,000.
    """
    if split_sizes is None and str(image_size) in SyntheticFaces.builder_configs:
        config = str(image_size)
    elif split_sizes is None:
        config = SyntheticFacesConfig(
            name=str(image_size), description=f"{image_size}x{image_size} pixels", image_size=image_size
        )
    else:
        name = "-".join([str(image_size), *(f"{split}{count}" for split, count in split_sizes.items())])
        config = SyntheticFacesConfig(name=name, image_size=image_size, split_sizes=dict(split_sizes))
    return SyntheticFaces(config=config, data_dir=data_dir)
