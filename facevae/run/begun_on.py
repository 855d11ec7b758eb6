"""The faces that a run was begun on, as its folder keeps them, against those of now: by content, wherever they lie."""

import collections
import dataclasses
from typing import Any

import numpy as np

from facevae.configuration.config import Config
from facevae.data import preparation
from facevae.data.faces import FaceDataset, Records
from facevae.data.pixels import HASH_BYTES, fingerprint
from facevae.data.splits import BY_NAME, SPLIT_NAMES
from facevae.errors import UserError, printable
from facevae.files import whole_file
from facevae.files.untrusted import read_arrays
from facevae.run.run_folder import RunFolder


def describe_data(dataset: FaceDataset) -> dict[str, Any]:
    """The data set as a run folder describes it."""
    return {
        "name": dataset.name,
        "attribute_names": list(dataset.attribute_names),
        "faces": dataset.counts,
        "split_rule": dataset.split_rule,
        "content": {name: records.fingerprint for name, records in dataset.splits.items()},
    }


def keep_faces(run: RunFolder, dataset: FaceDataset) -> None:
    """Writes into the run folder which faces each split has, unless it holds them already.

    Raises:
        UserError: the folder cannot be written.
    """
    if BegunOn.of(run, describe_data(dataset)).identities is not None:
        return
    try:
        with whole_file(run.faces) as aside:
            arrays: dict[str, Any] = {name: split.identities for name, split in dataset.splits.items()}
            np.savez(aside, **arrays)
    except OSError as error:
        raise UserError(
            f"{run.faces}: cannot be written ({error.strerror or error}). Make room, or choose another --run-dir."
        ) from error


@dataclasses.dataclass(frozen=True)
class BegunOn:
    """What is known of the faces that a run was begun on.

    Attributes:
        description: as `describe_data` returned it; {} if the run was not begun, without `content` if version 0.1
            began it.
        identities: of each split's faces, see `Records.identities`; None where the run folder does not hold them.
    """

    description: dict[str, Any]
    identities: dict[str, np.ndarray] | None

    @classmethod
    def of(cls, run: RunFolder, description: dict[str, Any]) -> "BegunOn":
        """What a run folder with this description of the data set holds."""
        try:
            stored = read_arrays(run.faces)
            fingerprints = {name: fingerprint(stored[name]) for name in SPLIT_NAMES}
            fits = all(stored[name].dtype == np.uint8 for name in SPLIT_NAMES)
        except (OSError, ValueError, KeyError, IndexError):
            return cls(description, None)
        # Otherwise a kill has fallen between the writing of the two files, or one was exchanged.
        is_described = fits and fingerprints == description.get("content")
        return cls(description, {name: stored[name] for name in SPLIT_NAMES} if is_described else None)

    def prepare(self, config: Config) -> FaceDataset:
        """The faces that a configuration names, split by the rule and put into the order of the run.

        Raises:
            UserError: as `facevae.data.prepare`.
        """
        if self.description.get("faces") and self.description.get("split_rule", BY_NAME) == BY_NAME:
            dataset = preparation.prepare_for(config, split_rule=BY_NAME)
        else:
            dataset = preparation.prepare_for(config)
        if self.identities is None:
            return dataset
        kept = self.identities
        splits: dict[str, Any] = {n: _in_order(split, kept[n]) for n, split in dataset.splits.items()}
        return dataclasses.replace(dataset, **splits)

    def changes(self, dataset: FaceDataset) -> list[str]:
        """How the faces differ from those that the run was begun on: what and how many; [] if they are the same.

        Where version 0.1 began the run, only numbers and names of attributes can be compared.
        """
        begun, now = self.description, describe_data(dataset)
        changed = [
            f"{name.replace('_', ' ')} then {begun[name]}, now {now[name]}"
            for name in ("faces", "attribute_names")
            if begun.get(name, now[name]) != now[name]
        ]
        content = begun.get("content", now["content"])
        for name in SPLIT_NAMES:
            if content.get(name) != now["content"][name]:
                changed += self._changes_of(name, dataset, content.get(name) or {})
        return changed

    def trained_on(self, dataset: FaceDataset) -> list[str]:
        """Names of validation and test faces of now with the pixels of a face that the run was trained on.

        Faces that were validation or test faces when the run was begun are not among them.
        """
        if self.identities is None or describe_data(dataset)["content"] == self.description["content"]:
            return []
        hashes = {name: _hashes(identities) for name, identities in self.identities.items()}
        trained = set(hashes["train"]) - set(hashes["validation"]) - set(hashes["test"])
        return [
            face
            for records in (dataset.test, dataset.validation)
            for face, pixels in zip(records.names(slice(None)), _hashes(records.hashes), strict=True)
            if pixels in trained
        ]

    def _changes_of(self, split: str, dataset: FaceDataset, content: dict[str, str]) -> list[str]:
        """The differences of one split whose `content` was another."""
        records = dataset.splits[split]
        if self.identities is None:
            parts = [part for part, digest in records.fingerprint.items() if content.get(part) != digest]
            return [f"{split}: other {' and '.join(parts)}"]
        then, now = self.identities[split], records.identities
        before, after = collections.Counter(_hashes(then)), collections.Counter(_hashes(now))
        changed = []
        came, gone = after - before, before - after
        if came or gone:
            names = zip(records.names(slice(None)), _hashes(now), strict=True)
            first = [f"{printable(name)} first" for name, face in names if face in came][:1]
            notes = ", ".join(first + self._whence(split, came))
            changed.append(
                f"{split}: {came.total():,} of {len(now):,} faces new{notes and f' ({notes})'}, {gone.total():,} gone"
            )
        if then.shape[1] == now.shape[1]:
            changed += _changed_attributes(split, dataset.attribute_names, then, now)
        return changed or [f"{split}: the same faces in another order"]

    def _whence(self, split: str, came: collections.Counter) -> list[str]:
        """From which splits faces came that are new in one."""
        assert self.identities is not None
        counts = {
            name: (came & collections.Counter(_hashes(identities))).total()
            for name, identities in self.identities.items()
            if name != split
        }
        return [f"{count:,} from {name}" for name, count in counts.items() if count]


def _hashes(identities: np.ndarray) -> list[bytes]:
    """The hashes of the pixels."""
    return [face.tobytes() for face in identities[:, :HASH_BYTES]]


def _in_order(records: Records, identities: np.ndarray) -> Records:
    """The faces of a split in the order of the run, if they are the same: those that were renamed keep their place."""
    now = records.identities
    if now.shape != identities.shape or np.array_equal(now, identities):
        return records
    sorted_now, sorted_then = (np.lexsort(faces.T) for faces in (now, identities))
    if not np.array_equal(now[sorted_now], identities[sorted_then]):
        return records
    order = np.empty(len(now), np.int64)
    order[sorted_then] = sorted_now
    return records.reordered(order)


def _changed_attributes(
    split: str, attribute_names: tuple[str, ...], then: np.ndarray, now: np.ndarray
) -> list[str]:
    """How many faces of a split have other attributes than they had, and which attributes."""
    before, after = (collections.Counter(face.tobytes() for face in faces) for faces in (then, now))
    gone = {face[:HASH_BYTES]: face for face in before - after}
    bits = [
        [a ^ b for a, b in zip(gone[face[:HASH_BYTES]][HASH_BYTES:], face[HASH_BYTES:], strict=True)]
        for face in (after - before).elements()
        if face[:HASH_BYTES] in gone
    ]
    if not bits:
        return []
    columns = np.flatnonzero(np.bitwise_or.reduce(np.unpackbits(np.array(bits, np.uint8), axis=1)))
    names = [attribute_names[column] for column in columns if column < len(attribute_names)]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return [
        f"{split}: {len(bits):,} of {len(now):,} faces with other attributes ({', '.join(names[:3])}{more})"
    ]
