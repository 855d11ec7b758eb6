"""The line that says what was prepared."""

from facevae.data.faces import FaceDataset
from facevae.data.splits import BY_NAME
from facevae.errors import printable


def summary(dataset: FaceDataset) -> str:
    """Its numbers of faces, size and folder, and what was done with pictures and faces."""
    splits = dataset.counts.items()
    size = sum(path.stat().st_size for path in dataset.folder.iterdir())
    return (
        f"{dataset.name}: {sum(n for _, n in splits):,} faces of {dataset.image_size}x{dataset.image_size} ("
        + ", ".join(f"{n:,} {name}" for name, n in splits)
        + f"), {len(dataset.attribute_names)} attributes"
        + _duplicates(dataset)
        + (f", {len(dataset.left_out):,} pictures left out" if dataset.left_out else "")
        + _found_in_pictures(dataset.found)
        + f", {readable_bytes(size)} in {printable(str(dataset.folder))}"
    )


def _duplicates(dataset: FaceDataset) -> str:
    """What the summary says about faces with equal pixels."""
    if dataset.split_rule == BY_NAME:
        trained_on = {face.tobytes() for face in dataset.train.hashes}
        unseen = (dataset.validation.hashes, dataset.test.hashes)
        shared = sum(face.tobytes() in trained_on for hashes in unseen for face in hashes)
        return f", split as version 0.1 did ({shared:,} validation and test faces equal a training face)"
    if not dataset.duplicates:
        return ""
    text = f", duplicates: {dataset.duplicates:,}, each in the split of its equals"
    return text + (
        f" ({dataset.moved:,} moved out of the split that the source says)" if dataset.moved else ""
    )


def _found_in_pictures(found: dict[str, int] | None) -> str:
    """What the summary says about faces that were found in photographs."""
    if found is None:
        return ""
    more = f", {found['left_out']:,} more faces in them left out" if found["left_out"] else ""
    return (
        f", found and aligned in {found['one']:,} pictures with one face and {found['several']:,} with several; "
        f"{found['none']:,} have no good face{more}"
    )


def readable_bytes(count: float) -> str:
    """`512 bytes`, `1.5 GB`."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
