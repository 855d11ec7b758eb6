"""Devices, precision and compiler of a training."""

import dataclasses
import logging
import os

import tensorflow as tf

from facevae.training import devices
from facevae.training.many_workers import Workers

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Runtime:
    """What a training runs on.

    Attributes:
        device: its name, as the user is told it.
        precision: a Keras dtype policy.
        xla: whether the step is compiled with XLA.
        workers: the devices and processes that train together.
    """

    device: str
    precision: str
    xla: bool
    workers: Workers = dataclasses.field(default_factory=Workers)

    def __str__(self) -> str:
        device = self.device
        if self.workers.replicas > 1:
            device = f"{self.workers.replicas} devices together, here {device},"
        return f"Training on {device} in {self.precision}, XLA {'on' if self.xla else 'off'}."


def choose_runtime(precision: str = "auto", xla: str = "auto", workers: Workers | None = None) -> Runtime:
    """Looks at the machine and decides what `auto` means on it.

    On a GPU it means mixed_float16 with XLA, on a CPU float32 without: there 16 bits are slower, and XLA does not save
    the seconds that it takes to compile. GPU memory grows on demand.

    Args:
        precision: `auto` or a Keras dtype policy.
        xla: `auto`, `on` or `off`. With `auto` on a GPU a tiny function is compiled first; if that fails, XLA is off
            and a warning says why.
        workers: the devices and processes that train together (`choose_workers`); None for one device.
    """
    gpus = devices.find_gpus()
    if not gpus and devices.has_nvidia_card():
        logger.warning(
            "This machine has an NVIDIA card that TensorFlow does not see; training runs on the processor. "
            'To train on the card: pip install -e ".[gpu]"'
        )
    if precision == "auto":
        precision = "mixed_float16" if gpus else "float32"
    use_xla = xla == "on" or (xla == "auto" and bool(gpus) and _xla_works())
    if gpus:
        device = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "the GPU")
    else:
        device = f"the processor ({os.cpu_count()} cores)"
    return Runtime(device, precision, use_xla, workers or Workers())


def _xla_works() -> bool:
    reason = devices.why_xla_fails()
    if reason is not None:
        logger.warning(
            "XLA does not work here; training goes on without it, more slowly. The reason: %s. "
            "Often the CUDA toolkit's libdevice is not found: set XLA_FLAGS=--xla_gpu_cuda_data_dir=<CUDA folder>.",
            reason,
        )
    return reason is None
