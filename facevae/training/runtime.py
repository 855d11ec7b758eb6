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


def choose_runtime(
    precision: str = "auto", xla: str = "auto", workers: Workers | None = None, begun: bool = False
) -> Runtime:
    """Looks at the machine and decides what `auto` means on it.

    On a GPU it means mixed_float16 with XLA. On a processor it means no XLA, which does not save the seconds that it
    takes to compile, and float32; mixed_bfloat16 where the processor has matrix units for it, without which 16 bits are
    slower. GPU memory grows on demand. Workers that train together take the chief's precision.

    Args:
        precision: `auto` or a Keras dtype policy.
        xla: `auto`, `on` or `off`. With `auto` on a GPU a tiny function is compiled first; if that fails, XLA is off
            and a warning says why.
        workers: the devices and processes that train together (`choose_workers`); None for one device.
        begun: whether the run goes on. One with `auto` is from version 0.1, which took float32 on every processor;
            later ones have recorded what was chosen.
    """
    workers = workers or Workers()
    gpus = devices.find_gpus()
    if not gpus and devices.has_nvidia_card():
        logger.warning(
            "This machine has an NVIDIA card that TensorFlow does not see; training runs on the processor. "
            'To train on the card: pip install -e ".[gpu]"'
        )
    if precision == "auto":
        on_processor = "mixed_bfloat16" if devices.has_bfloat16_units() and not begun else "float32"
        precision = workers.broadcast("mixed_float16" if gpus else on_processor)
    if precision == "mixed_float16" and not gpus:
        logger.warning(
            "mixed_float16 is made for GPUs: on a processor a step takes many times as long as in float32. "
            "A new run does better with --precision auto."
        )
    use_xla = xla == "on" or (xla == "auto" and bool(gpus) and _xla_works())
    if gpus:
        device = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "the GPU")
    else:
        device = f"the processor ({os.cpu_count()} cores)"
    return Runtime(device, precision, use_xla, workers)


def _xla_works() -> bool:
    reason = devices.why_xla_fails()
    if reason is not None:
        logger.warning(
            "XLA does not work here; training goes on without it, more slowly. The reason: %s. "
            "Often the CUDA toolkit's libdevice is not found: set XLA_FLAGS=--xla_gpu_cuda_data_dir=<CUDA folder>.",
            reason,
        )
    return reason is None
