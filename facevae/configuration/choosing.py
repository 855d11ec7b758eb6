"""How a configuration comes about: from a preset and what was chosen, or from a run that goes on."""

import dataclasses
import os
from typing import Any

from facevae.configuration.config import Config
from facevae.configuration.presets import PRESETS
from facevae.errors import UserError
from facevae.files import expanded


def from_preset(preset: str, **chosen: Any) -> Config:
    """The named preset with some fields overridden.

    Giving `epochs` alone clears the preset's `minutes`, and vice versa: the one that was given decides when training
    ends.
    """
    if preset not in PRESETS:
        raise UserError(
            f"preset: expected one of {', '.join(PRESETS)}, received {preset!r}. "
            "python train.py --help describes them."
        )
    values = dict(PRESETS[preset].overrides)
    for asked, other in (("epochs", "minutes"), ("minutes", "epochs")):
        if asked in chosen and other not in chosen:
            values[other] = None
    return Config(**{**values, **chosen, "preset": preset})


def resumed(saved: Config, chosen: dict[str, Any]) -> Config:
    """The saved configuration with the changes that were chosen on resume.

    Raises:
        UserError: a chosen value differs from the run's and may not change; the message names all of them.
    """
    fields = {f.name: f for f in dataclasses.fields(Config)}
    contradictions = [
        f"--{name.replace('_', '-')} {value} (the run has {getattr(saved, name)})"
        for name, value in chosen.items()
        if not fields[name].metadata["changeable"] and value not in (getattr(saved, name), "auto")
    ]
    if contradictions:
        raise UserError(
            f"the run cannot change on resume: {', '.join(contradictions)}. "
            "Leave these flags out, or start another run without --resume."
        )
    changes = {name: value for name, value in chosen.items() if fields[name].metadata["changeable"]}
    for asked, other in (("epochs", "minutes"), ("minutes", "epochs")):
        if asked in changes and other not in changes:
            changes[other] = None
    return dataclasses.replace(saved, **changes)


def with_absolute_folders(chosen: dict[str, Any]) -> dict[str, Any]:
    """Fields of a configuration with absolute folders: a run may be opened from another one than it was started in."""
    chosen = dict(chosen)
    if os.path.isdir(chosen.get("data", "")):
        chosen["data"] = os.path.abspath(chosen["data"])
    if "data_dir" in chosen and "://" not in chosen["data_dir"]:
        chosen["data_dir"] = os.path.abspath(expanded(chosen["data_dir"]))
    return chosen
