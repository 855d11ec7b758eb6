"""Opens the source of faces that `--data` names."""

import os
from collections.abc import Iterator
from typing import Protocol

from facevae.data.account import Account
from facevae.data.folder import FolderSource
from facevae.data.records import Example
from facevae.errors import DataNotFoundError
from facevae.files import expanded


class Source(Protocol):
    """What preparation needs of a source of pictures. Call `open` before `examples` and `len`."""

    name: str
    key: str  # unique to this source
    attribute_names: tuple[str, ...]
    left_out: dict[str, str]

    @property
    def account(self) -> Account | None:
        """Of everything else, where there may be something else."""

    @property
    def fingerprint(self) -> object:
        """Made of JSON values; it changes when the source changes."""

    def __len__(self) -> int: ...
    def matches(self, fingerprint: object) -> bool: ...
    def open(self) -> None: ...
    def examples(self) -> Iterator[Example]: ...


def check_source(data: str | os.PathLike[str]) -> None:
    """Refuses what cannot be a source, in less than a second: lists no folder and does not import TensorFlow.

    Args:
        data: as for `open_source`.

    Raises:
        DataNotFoundError: neither an existing folder nor a name that could be a data set's.
    """
    text = os.fspath(data)
    path = expanded(text)
    if text == "synthetic_faces" or (text and path.is_dir()):
        return
    if path.is_file():
        raise DataNotFoundError(
            f"data: expected a folder, received the file {text!r}.", "Unpack it and give the folder."
        )
    from facevae.data import tfds_source

    if tfds_source.is_known_name(text):
        return
    if any(separator in text for separator in ("/", os.sep, os.altsep or os.sep)):
        raise DataNotFoundError(
            f"data: expected an existing folder of pictures, received {text!r}, which does not exist.",
            "Check the path, or give synthetic_faces, celeb_a, lfw or another tensorflow-datasets name.",
        )
    # This refuses community:name too: tensorflow-datasets would download that data set's code and run it.
    raise tfds_source.unknown_name(text)


def open_source(
    data: str | os.PathLike[str], data_dir: str | os.PathLike[str] | None, image_size: int
) -> Source:
    """Opens the source that `--data` names.

    Args:
        data: a folder of pictures if it exists as one or contains a separator; else "synthetic_faces" or the
            name of a tensorflow-datasets data set (whose configuration may follow a `/`).
        data_dir: where tensorflow-datasets keeps its data sets; also in a bucket (gs://, s3://).
        image_size: the side in which synthetic faces are drawn, pixels.

    Raises:
        DataNotFoundError: neither an existing folder nor the name of a data set.
    """
    check_source(data)
    text = os.fspath(data)
    path = expanded(text)
    if path.is_dir():
        return FolderSource(path)
    # tensorflow-datasets takes a while to import; folders do not need it.
    from facevae.data import tfds_source

    place = None if data_dir is None else os.fspath(data_dir)
    if place is not None and "://" not in place:  # pathlib would shorten gs:// to gs:/
        place = os.fspath(expanded(place))
    if text == "synthetic_faces":
        from facevae.synthetic_faces import builder_for

        return tfds_source.TfdsSource(builder_for(image_size, place))
    return tfds_source.find_tfds_source(text, place)
