"""A run is one frozen dataclass: the command line is generated from it, its JSON stands in the run folder."""

import argparse
import dataclasses
import difflib
import math
import os
import re
import typing
from collections.abc import Mapping
from typing import Any, Literal

from facevae.arguments import plain_number
from facevae.errors import UserError

MOST_COUNT = 1_000_000_000  # what no training reaches, and every number format holds


def _setting(
    default: Any,
    help: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    saved: bool = True,
    changeable: bool = False,
) -> Any:
    """A field with its help text, inclusive limits, and what becomes of it when a run is resumed.

    Args:
        saved: whether it describes the run (and is stored with it) or only this start of it.
        changeable: whether `--resume` may give it another value than the run has.
    """
    metadata = {
        "help": help,
        "minimum": minimum,
        "maximum": maximum,
        "saved": saved,
        "changeable": changeable or not saved,
    }
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that decides what a run learns and how. The defaults are the preset `demo`.

    Raises:
        UserError: a value of the wrong type or outside its limits, or values that contradict each other.
    """

    preset: str = _setting("demo", "named configuration to start from; the list is below")

    # Data
    data: str = _setting(
        "synthetic_faces",
        "synthetic_faces, a tensorflow-datasets name with an image feature (celeb_a, lfw, ...), or a folder of "
        "images (CelebA as Kaggle ships it is recognised)",
    )
    data_dir: str | None = _setting(
        None, "folder in which tensorflow-datasets keeps its data sets (none: its own default)"
    )
    cache_dir: str | None = _setting(
        None, "folder for the prepared pictures (none: FACEVAE_CACHE or ~/.cache/facevae)", saved=False
    )
    crop: str = _setting(
        "square", "centred square crop: square (the largest), or its side in pixels, e.g. 148"
    )
    image_size: Literal[32, 64, 128, 256] = _setting(64, "side of the pictures that are learned, pixels")
    flip: bool = _setting(True, "mirror training pictures at random, left to right")
    shift: int = _setting(
        0,
        "move training pictures at random by up to so many pixels each way, in the first half of the training: "
        "against learning few of them by heart",
        minimum=0,
        maximum=16,
    )

    # Networks
    network: Literal["reference", "compact"] = _setting(
        "compact", "reference: the classic strided convolutions; compact: what a phone runs fast"
    )
    width: int = _setting(
        32, "channels of the compact network at 32x32, its unit of size", minimum=8, maximum=256
    )
    latent_dim: int = _setting(128, "latent dimensions", minimum=1, maximum=1024)
    dropout: float = _setting(0.0, "share of activations dropped while training", minimum=0.0, maximum=0.9)

    # Loss, in nats per image
    likelihood: Literal["calibrated_gaussian", "weighted_mse"] = _setting(
        "calibrated_gaussian",
        "calibrated_gaussian: its σ is the residual's own; weighted_mse: mse-weight × mean squared error",
    )
    mse_weight: float = _setting(
        10000.0, "weight of the mean squared error under weighted_mse", minimum=1e-3, maximum=1e9
    )
    kl_weight: float = _setting(1.0, "weight of the KL divergence, β", minimum=0.0, maximum=1e4)
    kl_warmup: float = _setting(
        0.0, "share of the training over which the KL weight rises from 0", minimum=0.0, maximum=1.0
    )
    free_bits: float = _setting(
        0.0, "KL per latent dimension that costs nothing while training, nats", minimum=0.0, maximum=10.0
    )

    # Sampling
    sample_from: Literal["prior", "density"] = _setting(
        "density", "new faces come from N(0,1) or from a mixture fitted to the encoded training faces"
    )
    density_components: int = _setting(
        10, "most components of the fitted Gaussian mixture (0: none is fitted)", minimum=0, maximum=100
    )

    # Training
    epochs: int | None = _setting(
        None,
        "passes over the training faces (none: --minutes decides)",
        minimum=1,
        maximum=MOST_COUNT,
        changeable=True,
    )
    minutes: float | None = _setting(
        3.5,
        "training time from the first step, minutes, added up over resumes; the schedules are fitted to it "
        "(none: --epochs decides)",
        minimum=0.01,
        maximum=1e6,
        changeable=True,
    )
    steps_per_epoch: int | None = _setting(
        None,
        "steps between two validations (none: one pass over the training faces)",
        minimum=1,
        maximum=MOST_COUNT,
    )
    batch_size: int = _setting(
        64, "faces per step, over all devices and workers together", minimum=1, maximum=65536
    )
    optimizer: Literal["adam", "muon"] = _setting(
        "muon", "muon: learns from a third of the pictures that adam needs; adam: as the classic tutorials"
    )
    learning_rate: float = _setting(4e-3, "peak learning rate", minimum=1e-8, maximum=1.0)
    schedule: Literal["constant", "cosine"] = _setting(
        "cosine", "learning rate over the training: constant, or a short warm-up and a cosine down to 1 %%"
    )
    early_stopping: int | None = _setting(
        None,
        "end after so many epochs without a better validation loss, with the model of the best (none: never)",
        minimum=1,
        maximum=MOST_COUNT,
    )
    seed: int = _setting(0, "decides every random draw", minimum=0, maximum=2**31 - 1)

    # Machine
    precision: Literal["auto", "float32", "mixed_float16", "mixed_bfloat16"] = _setting(
        "auto", "auto: mixed_float16 on a GPU, float32 on a CPU"
    )
    xla: Literal["auto", "on", "off"] = _setting(
        "auto", "compile the step with XLA; auto: on a GPU, where it works", changeable=True
    )

    # This start of the run
    strategy: Literal["auto", "none", "mirrored", "multi_worker"] = _setting(
        "auto",
        "auto: every GPU of this machine, or the workers that TF_CONFIG names; none: one device; docs/scaling.md",
        saved=False,
    )
    run_dir: str | None = _setting(None, "folder of the run (none: runs/<time>-<preset>)", saved=False)
    resume: bool = _setting(False, "go on with the run in --run-dir", saved=False)
    checkpoint_steps: int | None = _setting(
        None,
        "save at least every so many steps: a kill costs no more (none: before and after each validation)",
        minimum=1,
        maximum=MOST_COUNT,
        saved=False,
    )
    tensorboard: bool = _setting(False, "serve TensorBoard for the run while it trains", saved=False)
    host: str = _setting(
        "127.0.0.1",
        "for --tensorboard: another address opens the run to everyone who reaches it; 0.0.0.0: to the network",
        saved=False,
    )
    profile: bool = _setting(
        False, "profile some steps for TensorBoard's Profile tab (needs the extra profile)", saved=False
    )

    def __post_init__(self) -> None:
        for name, value in check_settings(vars(self)).items():
            object.__setattr__(self, name, value)
        if self.crop != "square" and not re.fullmatch(r"[8-9]|[1-9][0-9]{1,4}", self.crop):
            raise UserError(
                f"crop: expected square or a side in pixels from 8 to 99999, received {self.crop[:20]!r}. "
                "CelebA's papers use 140 or 148."
            )
        if self.epochs is None and self.minutes is None:
            raise UserError(
                "epochs, minutes: expected at least one of them, received neither. Set --epochs or --minutes."
            )
        for name in ("run_dir", "cache_dir"):
            if "://" in (getattr(self, name) or ""):
                raise UserError(
                    f"{name}: expected a folder on a disk of this machine or one that it mounts, received "
                    f"{getattr(self, name)!r}. Files there are locked or mapped into memory."
                )

    @property
    def finished_model(self) -> str:
        """The model that a run ends with: `last`, at the end of its schedules; with early stopping `best`.

        Validation loss alone would choose a model whose learning rate is still high: on few faces it is lowest long
        before their details are learned (benchmarks/experiments.md).
        """
        return "best" if self.early_stopping else "last"

    def to_dict(self) -> dict[str, Any]:
        """The fields that describe the run, ready for JSON."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.metadata["saved"]}

    @classmethod
    def from_dict(cls, values: dict[str, Any], where: str = "configuration") -> "Config":
        """A configuration from its saved form; unknown and missing keys are refused by name.

        Args:
            values: what `to_dict` gave.
            where: named in the messages, e.g. the file that the values were read from.
        """
        known = {f.name for f in dataclasses.fields(cls) if f.metadata["saved"]}
        if not isinstance(values, dict) or set(values) != known:
            received = set(values) if isinstance(values, dict) else {type(values).__name__}
            raise UserError(
                f"{where}: not a configuration of this version of facevae: unknown {sorted(received - known)}, "
                f"missing {sorted(known - received)}. Use the version that wrote it."
            )
        try:
            return cls(**values)
        except UserError as error:
            raise UserError(f"{where}: {error}") from None


def check_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Checks settings by the names of `Config`'s fields, which alone know their types, choices and limits.

    Args:
        settings: all of them or some, e.g. those that describe a model.

    Returns:
        The same settings; numbers of other libraries, NumPy's among them, as `int` and `float`.

    Raises:
        UserError: a value of the wrong type or outside its limits, or values that make a model that contradicts itself.
    """
    fields = {field.name: field for field in dataclasses.fields(Config)}
    checked = {name: _checked(fields[name], value) for name, value in settings.items()}
    if checked.get("sample_from") == "density" and checked.get("density_components") == 0:
        raise UserError(
            "density_components: expected at least 1 with sample_from density, received 0. "
            "Make room for some, or choose sample_from prior."
        )
    if checked.get("network") == "compact" and checked.get("dropout"):
        raise UserError(
            f"dropout: the compact network has none, received {checked['dropout']}. "
            "Leave it out, or choose the network reference."
        )
    return checked


def from_preset(preset: str, **chosen: Any) -> Config:
    """The named preset with some fields chosen otherwise.

    Choosing `epochs` alone puts the preset's `minutes` away, and the other way round: what was asked for decides
    when training ends.
    """
    from facevae.presets import PRESETS

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
    """The saved configuration with what may change on resume changed.

    Raises:
        UserError: names each chosen value that contradicts the run.
    """
    fields = {f.name: f for f in dataclasses.fields(Config)}
    contradictions = [
        f"--{name.replace('_', '-')} {value} (the run has {getattr(saved, name)})"
        for name, value in chosen.items()
        if not fields[name].metadata["changeable"] and value != getattr(saved, name)
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


def parse_command_line(arguments: list[str] | None = None) -> dict[str, Any]:
    """The flags that were given, as field names and values, folders as absolute paths.

    `--help` prints every default, unit and preset.
    """
    from facevae.presets import PRESETS

    parser = argparse.ArgumentParser(
        prog="train.py",
        description="Train a variational autoencoder on faces.",
        epilog="presets:\n" + "\n".join(preset.help_text(name) for name, preset in PRESETS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    hints = typing.get_type_hints(Config)
    for field in dataclasses.fields(Config):
        flag = "--" + field.name.replace("_", "-")
        default = "none" if field.default is None else field.default
        options: dict[str, Any] = {"help": f"{field.metadata['help']} (default: {default})"}
        value_type, choices = _value_type(hints[field.name])
        if value_type is bool:
            options["action"] = argparse.BooleanOptionalAction
        else:
            options |= {"type": value_type, "choices": choices}
            options["metavar"] = None if choices else value_type.__name__.upper()
        parser.add_argument(flag, **options)
    return with_absolute_folders(vars(parser.parse_args(arguments)))


def with_absolute_folders(chosen: dict[str, Any]) -> dict[str, Any]:
    """Fields of a configuration, with the folders in `data` and `data_dir` as absolute paths.

    A run is looked at from other folders than it was started in.
    """
    chosen = dict(chosen)
    if os.path.isdir(chosen.get("data", "")):
        chosen["data"] = os.path.abspath(chosen["data"])
    if "data_dir" in chosen and "://" not in chosen["data_dir"]:
        chosen["data_dir"] = os.path.abspath(os.path.expanduser(chosen["data_dir"]))
    return chosen


def _value_type(hint: Any) -> tuple[type, tuple | None]:
    """The type behind a field's annotation, and its choices where it has them."""
    if typing.get_origin(hint) is Literal:
        choices = typing.get_args(hint)
        return type(choices[0]), choices
    members = [member for member in typing.get_args(hint) if member is not type(None)]
    return (members[0] if members else hint), None


def _checked(field: dataclasses.Field, value: Any) -> Any:
    hint = typing.get_type_hints(Config)[field.name]
    if value is None and type(None) in typing.get_args(hint):
        return None
    value_type, choices = _value_type(hint)
    value = plain_number(value, value_type)
    finite = not isinstance(value, float) or math.isfinite(value)
    right_type = type(value) is value_type and finite
    if choices:
        if not right_type or value not in choices:
            raise _refusal(field, f"one of {', '.join(map(str, choices))}", value, choices)
        return value
    if not right_type:
        raise _refusal(field, value_type.__name__, value)
    minimum, maximum = field.metadata["minimum"], field.metadata["maximum"]
    if minimum is not None and not minimum <= value <= maximum:
        raise _refusal(field, f"at least {minimum} and at most {maximum}", value)
    return value


def _refusal(field: dataclasses.Field, expected: str, value: Any, choices: tuple = ()) -> UserError:
    near = difflib.get_close_matches(str(value), [str(choice) for choice in choices], 1)
    minimum, maximum = field.metadata["minimum"], field.metadata["maximum"]
    what_next = "Correct it" if minimum is None else f"Give a number from {minimum} to {maximum}"
    what_next = f"Did you mean {near[0]}?" if near else f"{what_next}, or leave it out."
    return UserError(f"{field.name}: expected {expected}, received {value!r}. {what_next}")
