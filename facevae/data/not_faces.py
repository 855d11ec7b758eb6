"""What lies among pictures and is no face: service folders, what facevae wrote itself, segmentation masks."""

import collections
import os
import pathlib
import re
from collections.abc import Callable, Collection, Iterable

import numpy as np
from PIL import Image

from facevae.data.images import FORMATS, MAXIMUM_BYTES, MAXIMUM_PIXELS
from facevae.data.kinds import Kind
from facevae.files.untrusted import read_json

HIDDEN_FILE = Kind("hidden file", "hidden files", "")
HIDDEN_FOLDER = Kind("hidden folder", "hidden folders", "")
SERVICE_FOLDER = Kind("service folder", "service folders", "such folders hold thumbnails and deleted files")
OWN_OUTPUT = Kind(
    "folder that facevae wrote", "folders that facevae wrote", "give it to --data itself if you mean it"
)
MASK = Kind("mask", "masks", "masks mark regions of pictures and show no faces")

_SERVICE_FOLDERS = frozenset(
    (
        *("@eadir", "@recycle", "@recently-snapshot", "@synoresource", "@tmp", "#recycle", "#snapshot"),
        *("__macosx", "$recycle.bin", "recycler", "recycled", "system volume information", "lost+found"),
        *("found.000", "thumbnails.nobackup", "node_modules", "site-packages", "__pycache__"),
    )
)
# Lightroom's previews and smart previews, Capture One's, and the catalogues of iPhoto and Aperture.
_SERVICE_SUFFIXES = (
    ".lrdata",
    ".lrcat-data",
    ".cocatalogdb",
    ".aplibrary",
    ".migratedphotolibrary",
    ".theater",
)
# Apple Photos and iPhoto keep the pictures in one of these folders, and thumbnails in many others.
_PHOTO_LIBRARIES = (".photoslibrary", ".photolibrary")
_ORIGINALS = ("originals", "masters")

_RUN_PARTS = ("checkpoints", "networks", "encodings", "logs", "figures", "export")  # see run_folder.py
_WRITTEN_SETS = {"samples", "references"}  # by evaluate.py --save-images
SOFTWARE = "facevae"  # PNG's keyword Software, in pictures that are written for other programs

_FOLDERS_OF_MASKS = re.compile(
    r"mask|seg|pars|label|anno|matte|alpha|trimap|ground.?truth|(^|[^a-z])gt([^a-z]|$)|semantic|panoptic|silhouette"
)
_PARTS = (
    "mask|masks|seg|segmentation|parsing|label|labels|labelids|matte|alpha|trimap|gt|skin|hair|nose|mouth|hat|cloth"
    "|neck|neck_l|eye_g|ear_r|u_lip|l_lip|[lr]_(eye|brow|ear)"
)
_NAMES_OF_MASKS = re.compile(rf"[_\-. ]({_PARTS})$")
_SAMPLED = 8
_MOST_COLOURS = 64  # of a mask: as many regions, and no photograph of a face has so few
_LOSSLESS = (".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".pbm", ".ppm")


def is_service_folder(name: str, parent: str) -> bool:
    """Whether a system or a program keeps its own files in a folder of this name below one of that name."""
    name, parent = name.lower(), parent.lower()
    if parent.endswith(_PHOTO_LIBRARIES):
        return name not in _ORIGINALS
    return name in _SERVICE_FOLDERS or name.endswith(_SERVICE_SUFFIXES)


def is_own_output(path: pathlib.Path, names: Collection[str]) -> bool:
    """Whether facevae wrote a folder: a run, an export, prepared faces, or pictures for other programs.

    Args:
        path: of the folder.
        names: of the entries in it.
    """
    if "run.json" in names:
        return _has_keys(path / "run.json", {"format_version", "config", "data"})
    if "model_card.json" in names:
        return _has_keys(path / "model_card.json", {"card_version", "signatures"})
    if "index.json" in names and "images.uint8" in names:
        return True
    return "000000.png" in names and _is_written_set(path)


def own_parts(path: pathlib.Path, names: Collection[str]) -> set[str]:
    """The folders of a run that has the folder of pictures itself for its run folder."""
    if "run.json" in names and is_own_output(path, names):
        return {*_RUN_PARTS} & {*names}
    return set()


def _has_keys(path: pathlib.Path, keys: set[str]) -> bool:
    try:
        content = read_json(path)
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and keys <= content.keys()


def _is_written_set(path: pathlib.Path) -> bool:
    siblings = (path.parent / name / "000000.png" for name in _WRITTEN_SETS)
    if path.name in _WRITTEN_SETS and all(os.path.lexists(sibling) for sibling in siblings):
        return True  # version 0.1 did not mark its pictures
    try:
        with open(path / "000000.png", "rb") as file:
            return f"tEXtSoftware\0{SOFTWARE}".encode() in file.read(100)
    except OSError:
        return False


def find_masks(folder: pathlib.Path, names: Iterable[str]) -> set[str]:
    """The pictures that are masks by the name of their folder or their own, and by their content.

    Some of each group are opened. If all are masks, the group is; if some are, each picture is opened.

    Args:
        folder: of all pictures.
        names: relative paths below it.
    """
    masks: set[str] = set()
    for group in _groups(names).values():
        step = -(-len(group) // _SAMPLED)
        sampled = [answer for name in group[::step] if (answer := is_mask(folder / name)) is not None]
        if sampled and all(sampled):
            masks.update(group)
        elif any(sampled):
            masks.update(name for name in group if is_mask(folder / name))
    return masks


def _groups(names: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    """The names that hint at masks, together as their hints are: the deepest folder and the end of the name."""
    hint_of: dict[str, str] = {}
    pictures: dict[tuple[str, str], list[str]] = collections.defaultdict(list)
    for name in names:
        parent, _, base = name.rpartition("/")
        if parent not in hint_of:
            hint_of[parent] = _deepest(parent, _FOLDERS_OF_MASKS.search)
        part = _NAMES_OF_MASKS.search(os.path.splitext(base)[0].lower())
        if part:
            pictures[hint_of[parent] or parent, part[1]].append(name)
        elif hint_of[parent]:
            pictures[hint_of[parent], ""].append(name)
    return pictures


def _deepest(parent: str, is_hint: Callable[[str], object]) -> str:
    parts = parent.split("/")
    for depth in range(len(parts), 0, -1):
        if is_hint(parts[depth - 1].lower()):
            return "/".join(parts[:depth])
    return ""


def is_mask(path: pathlib.Path) -> bool | None:
    """Whether a picture has a mask's few colours, or is nearly all black and white; None if it cannot be read."""
    try:
        if path.stat().st_size > MAXIMUM_BYTES:
            return None
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MAXIMUM_PIXELS:
                return None
            image.draft(None, (256, 256))
            if path.suffix.lower() in _LOSSLESS and image.getcolors(_MOST_COLOURS):
                return True
            return _is_black_and_white(np.asarray(image.convert("RGB"), np.int16))
    except Exception:  # as in `images.read_face`, which names it
        return None


def _is_black_and_white(pixels: np.ndarray) -> bool:
    if (pixels.max(axis=-1) - pixels.min(axis=-1)).mean() > 3:
        return False
    grey = pixels.mean(axis=-1)
    black, white = (grey < 16).mean(), (grey > 239).mean()
    return bool(black + white > 0.9 and min(black, white) > 0.01)
