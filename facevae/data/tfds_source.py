"""Any tensorflow-datasets data set with an `image` feature, including the project's own synthetic faces."""

import difflib
import logging
from collections.abc import Iterator

import numpy as np
import tensorflow_datasets as tfds

from facevae.data.downloads import downloads_refused, kaggle_advice
from facevae.data.records import Example
from facevae.data.splits import TEST, TRAIN, VALIDATION
from facevae.errors import DataNotFoundError, UserError

_SPLIT_OF_NAME = {
    "train": TRAIN,
    "validation": VALIDATION,
    "valid": VALIDATION,
    "val": VALIDATION,
    "dev": VALIDATION,
    "test": TEST,
}
logger = logging.getLogger(__name__)


class TfdsSource:
    """The examples of a tensorflow-datasets builder, with its pictures still encoded as they are stored.

    Attributes are the booleans of a dictionary feature named `attributes`, where there is one.

    Args:
        builder: a `tfds.core.DatasetBuilder`.

    Raises:
        UserError: the data set has no `image` feature of 8 or 16 bits.
    """

    def __init__(self, builder: tfds.core.DatasetBuilder):
        self._builder = builder
        self.name = builder.name
        self.key = f"{builder.info.full_name} in {builder.data_dir}"
        self.left_out: dict[str, str] = {}
        self.account = None
        features = dict(builder.info.features.items())
        image = features.get("image")
        if not isinstance(image, tfds.features.Image) or image.np_dtype not in (np.uint8, np.uint16):
            raise UserError(
                f"data: the tensorflow-datasets data set {builder.info.full_name} has no feature `image` of "
                f"8 or 16 bits (it has {', '.join(features)}). "
                "Give one that has, e.g. celeb_a or lfw, or a folder of pictures."
            )
        attributes = features.get("attributes")
        self.attribute_names: tuple[str, ...] = ()
        if isinstance(attributes, tfds.features.FeaturesDict):
            self.attribute_names = tuple(n for n, f in attributes.items() if f.np_dtype == np.bool_)

    def __len__(self) -> int:
        return sum(self._builder.info.splits[name].num_examples for name in self._builder.info.splits)

    @property
    def fingerprint(self) -> dict:
        """Name, version, place and size of the data set."""
        splits = self._builder.info.splits
        return {
            "full_name": self._builder.info.full_name,
            "data_dir": str(self._builder.data_dir),
            "splits": {name: [splits[name].num_examples, splits[name].num_bytes] for name in splits},
        }

    def matches(self, fingerprint: object) -> bool:
        """Whether records with this fingerprint were made from this data set.

        A data set that is not on this machine is compared by its name, version and folder only, so that it need not be
        downloaded.
        """
        if not isinstance(fingerprint, dict):
            return False
        own = self.fingerprint
        if not is_prepared(self._builder):
            own["splits"] = fingerprint.get("splits")
        return fingerprint == own

    def open(self) -> None:
        """Downloads and prepares the data set where that has not been done.

        Raises:
            DataNotFoundError: it cannot be downloaded; the message says why, and what to do instead.
        """
        name = self.name
        if not is_prepared(self._builder):
            refusal = downloads_refused(self._builder)
            if refusal:
                raise DataNotFoundError(f"data: {name} cannot be downloaded: {refusal}.", kaggle_advice(name))
        config = tfds.download.DownloadConfig(try_download_gcs=False)  # its look-ups stall without a network
        try:
            self._builder.download_and_prepare(download_config=config)
        except Exception as error:  # downloads fail with requests', urllib's, tfds' and Python's own errors
            reason = " ".join(str(error).split())[:500]
            raise DataNotFoundError(
                f"data: tensorflow-datasets could not prepare {name} in {self._builder.data_dir}: "
                f"{type(error).__name__}: {reason}.",
                kaggle_advice(name),
            ) from error

    def examples(self) -> Iterator[Example]:
        """The faces of each split, in the data set's order; `open` comes first."""
        for split_name, split in self._splits().items():
            for index, example in enumerate(self._read(split_name)):
                attributes = None
                if self.attribute_names:
                    attributes = np.array([example["attributes"][n] for n in self.attribute_names], np.uint8)
                yield Example(f"{split_name}/{index:07d}", example["image"], attributes, split)

    def _splits(self) -> dict[str, int]:
        """The data set's splits by name; if none is known as training, all with unknown names are."""
        names = list(self._builder.info.splits) or ["train"]  # mocked data sets list none and accept any
        known = {name: _SPLIT_OF_NAME[name] for name in names if name in _SPLIT_OF_NAME}
        others = [name for name in names if name not in known]
        if TRAIN not in known.values() and others:
            return known | dict.fromkeys(others, TRAIN)
        if TRAIN not in known.values():
            return dict.fromkeys(known, TRAIN)
        if others:
            logger.warning("%s: splits that are not used: %s", self.name, ", ".join(others))
        return known

    def _read(self, split_name: str) -> Iterator[dict]:
        # data/decoding.py decodes them, so that the pictures of all sources are treated alike.
        decoders = {
            name: tfds.decode.SkipDecoding()
            for name, feature in self._builder.info.features.items()
            if isinstance(feature, tfds.features.Image)
        }
        dataset = self._builder.as_dataset(
            split=split_name,
            shuffle_files=False,
            decoders=decoders,
            read_config=tfds.ReadConfig(try_autocache=False),
        )
        return dataset.as_numpy_iterator()


def find_tfds_source(name: str, data_dir: str | None) -> TfdsSource:
    """The data set of this name.

    Raises:
        UserError: there is none; the message names the nearest ones.
    """
    try:
        builder = tfds.builder(name, data_dir=data_dir, try_gcs=False)
    except (ValueError, AssertionError, ImportError, OSError, RuntimeError) as error:
        if isinstance(error, tfds.core.DatasetNotFoundError) or not is_known_name(name):
            raise unknown_name(name) from None
        reason = " ".join(str(error).split())[:500]
        raise UserError(
            f"data: tensorflow-datasets cannot open {name!r}: {reason}. "
            "Fix that, or give a folder of pictures."
        ) from error
    return TfdsSource(builder)


def is_known_name(name: str) -> bool:
    """Whether tensorflow-datasets has a data set of this name; a /configuration may follow it.

    No :version: tensorflow-datasets would read that version's own description, which may name any module.
    """
    return name.split("/")[0] in tfds.list_builders(with_community_datasets=False)


def is_prepared(builder: tfds.core.DatasetBuilder) -> bool:
    """Whether the data set is prepared in its folder. Uses no network (except for a bucket) and logs nothing."""
    return (tfds.core.Path(builder.data_dir) / "dataset_info.json").exists()


def unknown_name(name: str) -> DataNotFoundError:
    """The error for a name that no data set has, with the nearest names."""
    names = set(tfds.list_builders(with_community_datasets=False))
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    return DataNotFoundError(
        "data: expected synthetic_faces, the name of a tensorflow-datasets data set with an `image` feature "
        f"(celeb_a, lfw, ...) or an existing folder of pictures, received {name!r}.",
        (f"Nearest tensorflow-datasets names: {', '.join(near)}. " if near else "")
        + "A folder in the current one can be written as ./FOLDER.",
    )
