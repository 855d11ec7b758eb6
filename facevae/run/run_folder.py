"""The run folder. No other module knows the paths in it.

    <run>/run.json             format version, configuration, description of the data set
    <run>/faces.npz            which faces each split has: hashes of their pixels, and their attributes
    <run>/train.log            what a training printed
    <run>/lock                 held by the operating system while a process writes the run
    <run>/checkpoints/         last.npz, everything that resuming needs; sharpening.npz, the same of a second phase
    <run>/networks/            last.keras, best.keras, and sharpened.keras after a second phase: models in float32
    <run>/encodings/           encoded training faces, so that commands need not encode them again
    <run>/viewing.json         the temperature at which new faces look best
    <run>/attributes.npz       how faces gain and lose attributes, and which the model can change
    <run>/logs/                TensorBoard's files, a folder for each of its runs: train, validation, ...
    <run>/figures/             pictures of explore.py
    <run>/export/              what export.py makes
    <run>/evaluation.json      what evaluate.py measured last

The folder can be moved: no file in it contains its path. The path of its data set is part of the configuration.
"""

import contextlib
import json
import os
import pathlib
import time
from collections.abc import Iterator
from typing import Any

from facevae.configuration.config import Config
from facevae.errors import UserError
from facevae.files import (
    WRITING,
    entries_of_others,
    is_writable,
    listed,
    locked,
    remove_leftovers,
    whole_file,
)
from facevae.files.untrusted import read_json

FORMAT_VERSION = 1
NETWORKS = ("last", "best", "sharpened")


class RunFolder:
    """Paths of one run, and its configuration on disk.

    Args:
        path: the folder; it need not exist yet.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = pathlib.Path(path)
        self.faces = self.path / "faces.npz"
        self.checkpoint = self.path / "checkpoints" / "last.npz"
        self.sharpening_checkpoint = self.path / "checkpoints" / "sharpening.npz"
        self.logs = self.path / "logs"
        self.log = self.path / "train.log"
        self.encodings = self.path / "encodings"
        self.viewing = self.path / "viewing.json"
        self.attributes = self.path / "attributes.npz"
        self.figures = self.path / "figures"
        self.export = self.path / "export"
        self.evaluation = self.path / "evaluation.json"
        self.exploration_logs = self.logs / "explore"
        self._lock = self.path / "lock"
        self._run_json = self.path / "run.json"

    @property
    def train_logs(self) -> pathlib.Path:
        """TensorBoard's run for all that a training shows by epoch, but for the curves of the validation faces."""
        return self.logs / "train"

    @property
    def step_logs(self) -> pathlib.Path:
        """TensorBoard's run for curves inside the epochs, whose steps are training steps."""
        return self.logs / "steps"

    @property
    def face_logs(self) -> pathlib.Path:
        """TensorBoard's run with pictures, texts, settings and projector: that of the training.

        Runs begun by version 0.1 have one of its own, `faces`, in which they go on.
        """
        own = self.logs / "faces"
        return own if own.is_dir() else self.train_logs

    @property
    def evaluation_logs(self) -> pathlib.Path:
        """TensorBoard's run of evaluations, in that with the settings: HParams looks for metrics nowhere else."""
        return self.face_logs / "evaluation"

    def network(self, which: str) -> pathlib.Path:
        """The trained model `best`, `last` or `sharpened`."""
        return self.path / "networks" / f"{which}.keras"

    def result(self, config: Config) -> str:
        """Which model draws for this run: `sharpened` once there is one, else `Config.finished_model`."""
        is_sharpened = config.sharpen > 0.0 and os.path.lexists(self.network("sharpened"))
        return "sharpened" if is_sharpened else config.finished_model

    @property
    def exists(self) -> bool:
        """Whether the folder holds a run."""
        return self._run_json.exists()

    @property
    def trained(self) -> list[str]:
        """The files in the folder that training made and that would be lost if it began anew."""
        paths = (*(self.network(which) for which in NETWORKS), self.checkpoint, self.sharpening_checkpoint)
        return [path.relative_to(self.path).as_posix() for path in paths if os.path.lexists(path)]

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "RunFolder":
        """Opens an existing run for reading.

        Raises:
            UserError: the folder does not exist, or holds no run.
        """
        run = cls(path)
        if not run.path.is_dir():
            raise UserError(
                f"run folder: expected the folder of a run, received {str(path)!r}, which does not exist. "
                "Give the folder that train.py printed, e.g. runs/<time>-<preset>."
            )
        if not run.exists:
            run._refuse_lost_configuration()
            raise UserError(
                f"run folder: {str(path)!r} holds no run (it has no run.json). "
                "Give the folder that train.py printed, e.g. runs/<time>-<preset>."
            )
        return run

    def check_place(self) -> None:
        """Looks at what is in the folder before anything is written to it; it need not exist.

        Raises:
            UserError: it holds something else than a run, a run that has lost its `run.json`, links that lead out of
                it, or something else in the place of a file or folder of the run.
        """
        if not self.path.is_dir():
            return
        if self.exists or self.trained:
            self._refuse_links_out()
        if not self.exists:
            self._refuse_lost_configuration()
            before = {self._lock.name, self.log.name}  # what a start that was killed before run.json leaves
            others = [name for name in entries_of_others(self.path, before) if not name.startswith(WRITING)]
            if others:
                raise UserError(
                    f"run folder: expected a new folder, an empty one or a run, received {str(self.path)!r} with "
                    f"{listed(others)} in it. Choose another --run-dir, e.g. runs/<name>."
                )
        self._refuse_links_out()
        self._refuse_other_kinds()

    def _refuse_lost_configuration(self) -> None:
        if self.trained:
            raise UserError(
                f"run folder: {str(self.path)!r} has lost its run.json, which says how its files were trained "
                f"({', '.join(self.trained)}). Restore it from a copy of the run, or train in another --run-dir."
            )

    def _refuse_other_kinds(self) -> None:
        """Refuses a file in the place of a folder and the like, which would end a training at its first save."""
        files = [self._run_json, self._lock, self.checkpoint, self.sharpening_checkpoint, self.evaluation]
        files += [self.encodings / "train.npz", self.faces, self.log]
        files += [self.viewing, self.attributes]
        files += [self.network(which) for which in NETWORKS]
        folders = {self.logs, self.figures, *(file.parent for file in files)}
        for path, is_expected, kind in (
            *((file, file.is_file(), "a file") for file in files),
            *((folder, folder.is_dir(), "a folder") for folder in sorted(folders)),
        ):
            if os.path.lexists(path) and not is_expected:
                raise UserError(
                    f"run folder: expected {kind} in the place of {str(path)!r}, received something else. "
                    "Move it away, or choose another --run-dir."
                )
            if kind == "a folder" and path.exists() and not is_writable(path):
                raise UserError(
                    f"run folder: {str(path)!r} cannot be written. "
                    "Make it writable, or choose another --run-dir."
                )

    def save(self, config: Config, data: dict[str, Any] | None = None) -> None:
        """Writes the configuration and a description of the data set (name, counts, attribute names)."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            content = {"format_version": FORMAT_VERSION, "config": config.to_dict(), "data": data}
            with whole_file(self._run_json) as aside:
                aside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise self._cannot_be_written(error) from error

    def _cannot_be_written(self, error: OSError) -> UserError:
        return UserError(
            f"run folder: {str(self.path)!r} cannot be written ({error.strerror}). Choose another --run-dir."
        )

    def load_config(self) -> Config:
        """The configuration of the run.

        Raises:
            UserError: the file is damaged or of another version, or a link leads out of the folder.
        """
        self._refuse_links_out()
        return Config.from_dict(self._content()["config"], where=str(self._run_json))

    def load_data_description(self) -> dict[str, Any]:
        """What the run was trained on: `name`, `attribute_names`, and the counts of the splits."""
        return self._content()["data"] or {}

    def _content(self) -> dict[str, Any]:
        try:
            content = read_json(self._run_json)
            version = content["format_version"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._unreadable(error) from error
        if version != FORMAT_VERSION:
            raise UserError(
                f"{self._run_json}: the run has format {version}, this facevae reads format {FORMAT_VERSION}. "
                "Use the version of facevae that trained it."
            )
        if set(content) != {"format_version", "config", "data"} or not _is_data_description(content["data"]):
            raise self._unreadable("expected format_version, config and data, a description of the data set")
        return content

    def _unreadable(self, reason: object) -> UserError:
        return UserError(
            f"{self._run_json}: not readable as a run's configuration ({reason}). "
            "Restore the file from a copy, or train again in another --run-dir."
        )

    def _refuse_links_out(self) -> None:
        """Refuses links to outside the folder: a run from others must not make us read or overwrite other files."""
        root = self.path.resolve()
        for folder, folders, files in os.walk(root):
            for entry in (pathlib.Path(folder, name) for name in folders + files):
                if entry.is_symlink() and not pathlib.Path(os.path.realpath(entry)).is_relative_to(root):
                    raise UserError(
                        f"run folder: expected files of the run, received a link that leads out of it: {str(entry)!r}. "
                        "Remove the link, or replace it with a copy of its target."
                    )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Locks the run for this process; the operating system releases the lock when the process ends.

        Raises:
            UserError: another running process holds it, or the folder cannot be written or holds something that must
                not be touched (`check_place`). Nothing is written then.
        """
        self.check_place()
        taken = (
            f"run folder: another process is writing {str(self.path)!r}. "
            "Wait for it to end or stop it, or choose another --run-dir."
        )
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(self._lock, taken))
            except OSError as error:
                raise self._cannot_be_written(error) from error
            remove_leftovers(self.path, recursive=True)
            yield


def default_run_path(preset: str) -> pathlib.Path:
    """`runs/<time>-<preset>`, with a number behind it if that exists."""
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{preset}"
    path, count = pathlib.Path("runs") / name, 2
    while path.exists():
        path, count = pathlib.Path("runs") / f"{name}-{count}", count + 1
    return path


def _is_data_description(data: Any) -> bool:
    """Whether the parts of a description that are used have the types that `save` writes."""
    if data is None:
        return True
    if not isinstance(data, dict) or not isinstance(data.get("name", ""), str):
        return False
    names, faces = data.get("attribute_names", []), data.get("faces", {})
    content, rule = data.get("content", {}), data.get("split_rule", 1)
    return (
        isinstance(content, dict)
        and all(isinstance(part, dict) for part in content.values())
        and type(rule) is int
        and rule in (1, 2)
        and isinstance(names, list)
        and all(isinstance(name, str) for name in names)
        and isinstance(faces, dict)
        and all(type(count) is int for count in faces.values())
    )
