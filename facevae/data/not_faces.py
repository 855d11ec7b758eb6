"""What lies among pictures and is no face: service folders, what facevae wrote itself, segmentation masks."""

import collections
import os
import pathlib
import random
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import numpy as np
from PIL import Image

from facevae.data.images import FORMATS, MAXIMUM_BYTES, MAXIMUM_PIXELS
from facevae.data.kinds import Kind
from facevae.files.untrusted import read_json

HIDDEN_FILE = Kind("hidden file", "hidden files", "")
HIDDEN_FOLDER = Kind("hidden folder", "hidden folders", "")
SERVICE_FOLDER = Kind("service folder", "service folders", "such folders hold thumbnails and deleted files")
OWN_OUTPUT = Kind(
    "folder that facevae wrote", "folders that facevae wrote", "name {them} by --data if you mean {them}"
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
_NAMES_OF_MASKS = re.compile(rf"[_\-. ]({_PARTS})(\.\w+)?$", re.IGNORECASE)
_SAMPLED = 64  # pictures of a group that are opened; smaller groups are opened whole
_SAMPLED_WITHOUT_NAME = 16
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


def find_masks(folder: pathlib.Path, names: Collection[str]) -> set[str]:
    """The pictures that are masks by the name of their folder or their own, and by their content.

    Some of each group are opened. If all are masks, the group is; if some are, each picture is opened. Without such a
    name, pictures of few colours are masks where pictures of the same names in other folders are none.

    Args:
        folder: of all pictures.
        names: relative paths below it.
    """
    masks: set[str] = set()
    groups = _groups(names)
    for group in groups.values():
        # Drawn, because every second file may be another kind of mask.
        sampled = group if len(group) <= _SAMPLED else random.Random(0).sample(group, _SAMPLED)
        found = {name: is_mask(folder / name) for name in sampled}
        answers = [answer for answer in found.values() if answer is not None]
        if answers and all(answers):
            masks.update(group)
        elif any(answers):
            masks.update(
                name for name in group if found.get(name) or (name not in found and is_mask(folder / name))
            )
    hinted = {name for group in groups.values() for name in group}
    return masks | _masks_beside_pictures(folder, [name for name in names if name not in hinted])


def _masks_beside_pictures(folder: pathlib.Path, names: Sequence[str]) -> set[str]:
    """The folders of lossless pictures of few colours whose names another folder's pictures of many colours have."""
    by_folder: dict[str, list[str]] = collections.defaultdict(list)
    for name in names:
        if name.lower().endswith(_LOSSLESS):
            by_folder[name.rpartition("/")[0]].append(name)
    by_stem: dict[str, list[str]] = collections.defaultdict(list)
    for name in names if by_folder else ():
        by_stem[_stem(name)].append(name)
    masks: set[str] = set()
    for parent, group in by_folder.items():
        sampled = random.Random(0).sample(group, min(len(group), _SAMPLED_WITHOUT_NAME))
        if all(_is_mask_of_another(folder, name, parent, by_stem) for name in sampled):
            masks.update(group)
    return masks


def _is_mask_of_another(
    folder: pathlib.Path, name: str, parent: str, by_stem: Mapping[str, Sequence[str]]
) -> bool:
    others = [other for other in by_stem[_stem(name)] if other.rpartition("/")[0] != parent]
    return bool(others) and bool(is_mask(folder / name)) and is_mask(folder / others[0]) is False


def _stem(name: str) -> str:
    return os.path.splitext(name.rpartition("/")[2])[0]


def _groups(names: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    """The names that hint at masks, together as their hints are: the deepest folder and the end of the name."""
    hint_of: dict[str, str] = {}
    pictures: dict[tuple[str, str], list[str]] = collections.defaultdict(list)
    for name in names:
        parent = name.rpartition("/")[0]
        if parent not in hint_of:
            hint_of[parent] = _deepest(parent, _FOLDERS_OF_MASKS.search)
        part = _NAMES_OF_MASKS.search(name)
        if part:
            pictures[hint_of[parent] or parent, part[1].lower()].append(name)
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
