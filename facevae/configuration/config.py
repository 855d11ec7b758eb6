"""The configuration of a run: a frozen dataclass, from which the flags are generated and which is saved as JSON."""

import dataclasses
import re
import typing
from collections.abc import Mapping
from typing import Any, Literal

from facevae.configuration.setting import checked_value, setting
from facevae.errors import UserError

# Saved settings that version 0.1 lacked, with the values that its runs had.
ADDED_SINCE_0_1 = {"sharpen": 0.0, "align": "off", "faces": "each", "note": None}
MOST_COUNT = 1_000_000_000  # no training reaches it, and every number format holds it


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that decides what a run learns and how. The defaults are the preset `demo`.

    Raises:
        UserError: a value of the wrong type or outside its limits, or values that contradict each other.
    """

    preset: str = setting("demo", "named configuration to start from; the list is below")

    note: str | None = setting(
        None, "what this run is for, kept and shown with it, e.g. 'half the learning rate'", changeable=True
    )

    # Data
    data: str = setting(
        "synthetic_faces",
        "synthetic_faces, a tensorflow-datasets name with an image feature (celeb_a, lfw, ...), or a folder of "
        "pictures (CelebA as Kaggle ships it is recognised); a resumed run takes the same faces from another place",
        changeable=True,
    )
    data_dir: str | None = setting(
        None,
        "folder in which tensorflow-datasets keeps its data sets (none: its own default)",
        changeable=True,
    )
    cache_dir: str | None = setting(
        None, "folder for the prepared faces (none: FACEVAE_CACHE or ~/.cache/facevae)", saved=False
    )
    crop: str = setting(
        "square", "centred square crop: square (the largest), or its side in pixels, e.g. 148"
    )
    align: Literal["auto", "on", "off"] = setting(
        "auto",
        "find the faces in photographs and align them as CelebA's pictures are; auto: in a folder whose faces are not "
        "aligned already; kept on resume",
    )
    faces: Literal["each", "largest"] = setting("each", "which faces of a photograph are taken when aligned")
    image_size: Literal[32, 64, 128, 256] = setting(64, "side of the training images, pixels")
    flip: bool = setting(True, "mirror training images at random, left to right")
    shift: int = setting(
        0,
        "shift training images at random by up to this many pixels in each direction, in the first half of the "
        "training; against overfitting on few images",
        minimum=0,
        maximum=16,
    )

    # Networks
    network: Literal["reference", "compact", "detailed"] = setting(
        "compact",
        "reference: the classic strided convolutions; compact: fast on phones; detailed: compact, with further "
        "convolutions at half the side of the image, low-passed between",
    )
    width: int = setting(
        32, "channels of the compact network at 32x32; all its layers scale with it", minimum=8, maximum=256
    )
    latent_dim: int = setting(128, "latent dimensions", minimum=1, maximum=1024)
    dropout: float = setting(
        0.0, "fraction of activations dropped in training, reference network only", minimum=0.0, maximum=0.9
    )

    # Loss, in nats per image
    likelihood: Literal["calibrated_gaussian", "weighted_mse"] = setting(
        "calibrated_gaussian",
        "calibrated_gaussian: σ is the residuals' root mean square; weighted_mse: mse-weight × mean squared error",
    )
    mse_weight: float = setting(
        10000.0, "weight of the mean squared error under weighted_mse", minimum=1e-3, maximum=1e9
    )
    kl_weight: float = setting(1.0, "weight of the KL divergence, β", minimum=0.0, maximum=1e4)
    kl_warmup: float = setting(
        0.0, "fraction of the training over which the KL weight rises from 0", minimum=0.0, maximum=1.0
    )
    free_bits: float = setting(
        0.0, "KL per latent dimension that training does not penalise, nats", minimum=0.0, maximum=10.0
    )

    # Sampling
    sample_from: Literal["prior", "density"] = setting(
        "density",
        "new faces are sampled from the prior N(0,1) or from a mixture fitted to the encoded training faces",
    )
    density_components: int = setting(
        10, "most components of the fitted Gaussian mixture (0: none is fitted)", minimum=0, maximum=100
    )

    # Training
    epochs: int | None = setting(
        None,
        "passes over the training faces (none: --minutes decides)",
        minimum=1,
        maximum=MOST_COUNT,
        changeable=True,
    )
    minutes: float | None = setting(
        3.5,
        "minutes of training from the first step, added up over resumes; the schedules are fitted to them "
        "(none: --epochs decides)",
        minimum=0.01,
        maximum=1e6,
        changeable=True,
    )
    steps_per_epoch: int | None = setting(
        None,
        "steps between two validations (none: one pass over the training faces)",
        minimum=1,
        maximum=MOST_COUNT,
    )
    batch_size: int = setting(
        64, "faces per step, over all devices and workers together", minimum=1, maximum=65536
    )
    optimizer: Literal["adam", "muon"] = setting(
        "muon", "muon: needs a third of the steps that adam needs; adam: as in the classic tutorials"
    )
    learning_rate: float = setting(4e-3, "peak learning rate", minimum=1e-8, maximum=1.0)
    schedule: Literal["constant", "cosine"] = setting(
        "cosine", "learning rate over the training: constant, or a short warm-up and cosine decay to 1 %%"
    )
    sharpen: float = setting(
        0.0,
        "share of the training, at its end, in which a critic teaches the decoder to draw details (0: none)",
        minimum=0.0,
        maximum=0.9,
    )
    early_stopping: int | None = setting(
        None,
        "end after this many epochs without a lower validation loss and keep the best model (none: never)",
        minimum=1,
        maximum=MOST_COUNT,
    )
    seed: int = setting(0, "seed of every random draw", minimum=0, maximum=2**31 - 1)

    # Machine
    precision: Literal["auto", "float32", "mixed_float16", "mixed_bfloat16"] = setting(
        "auto",
        "auto: mixed_float16 on a GPU, mixed_bfloat16 on a processor with AMX, else float32; kept on resume",
    )
    xla: Literal["auto", "on", "off"] = setting(
        "auto", "compile the step with XLA; auto: on a GPU, where it works", changeable=True
    )

    # This start of the run
    strategy: Literal["auto", "none", "mirrored", "multi_worker"] = setting(
        "auto",
        "auto: every GPU of this machine, or the workers that TF_CONFIG names; none: one device; docs/scaling.md",
        saved=False,
    )
    run_dir: str | None = setting(None, "folder of the run (none: runs/<time>-<preset>)", saved=False)
    resume: bool = setting(False, "continue the run in --run-dir", saved=False)
    checkpoint_steps: int | None = setting(
        None,
        "save at least every this many steps, the most that a kill loses (none: before and after each validation)",
        minimum=1,
        maximum=MOST_COUNT,
        saved=False,
    )
    tensorboard: bool = setting(False, "serve TensorBoard for the run while it trains", saved=False)
    host: str = setting(
        "127.0.0.1",
        "address for --tensorboard; any other shows the run to everyone who can reach it; 0.0.0.0: to the network",
        saved=False,
    )
    profile: bool = setting(
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
                    f"{name}: expected a folder on a local or mounted disk, received {getattr(self, name)!r}. "
                    "Give such a folder: its files are locked or memory-mapped, which a bucket does not allow."
                )

    @property
    def first_phase(self) -> "Config":
        """This configuration, ending where the sharpening begins."""
        minutes, epochs = self.minutes, self.epochs
        if minutes is not None:
            minutes = max(0.01, minutes * (1.0 - self.sharpen))
        if epochs is not None:
            epochs = max(1, min(round(epochs * (1.0 - self.sharpen)), epochs - (self.sharpen > 0)))
        return dataclasses.replace(self, minutes=minutes, epochs=epochs, sharpen=0.0)

    @property
    def finished_model(self) -> str:
        """Which model is the result of the first phase: `last`, or `best` with early stopping.

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
            values: as `to_dict` returned them.
            where: begins the messages, e.g. the file that the values were read from.
        """
        known = {f.name for f in dataclasses.fields(cls) if f.metadata["saved"]}
        if isinstance(values, dict):
            values = {**ADDED_SINCE_0_1, **values}
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
    """Checks settings against the types, choices and limits of the fields of `Config` of the same names.

    Args:
        settings: all of them or some, e.g. those that describe a model.

    Returns:
        The same settings; NumPy numbers become `int` and `float`.

    Raises:
        UserError: a value of the wrong type or outside its limits, or values that contradict each other.
    """
    fields = {field.name: field for field in dataclasses.fields(Config)}
    annotations = typing.get_type_hints(Config)
    checked = {
        name: checked_value(fields[name], annotations[name], value) for name, value in settings.items()
    }
    if checked.get("sample_from") == "density" and checked.get("density_components") == 0:
        raise UserError(
            "density_components: expected at least 1 with sample_from density, received 0. "
            "Give at least 1, or choose sample_from prior."
        )
    if checked.get("network") in ("compact", "detailed") and checked.get("dropout"):
        raise UserError(
            f"dropout: expected 0 with the network {checked['network']}, which has none, "
            f"received {checked['dropout']}. Leave it out, or choose the network reference."
        )
    return checked
