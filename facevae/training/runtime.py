"""What trains: devices, precision, compiler."""

import dataclasses
import glob
import logging
import os

import tensorflow as tf

from facevae.quiet import without_native_notes
from facevae.training.many_workers.cluster import Cluster
from facevae.training.many_workers.workers import Workers, choose_workers

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Runtime:
    """What `auto` came down to on this machine."""

    device: str
    precision: str
    xla: bool
    workers: Workers = dataclasses.field(default_factory=Workers)

    def __str__(self) -> str:
        devices = self.device
        if self.workers.replicas > 1:
            devices = f"{self.workers.replicas} devices together, here {devices},"
        return f"Training on {devices} in {self.precision}, XLA {'on' if self.xla else 'off'}."


def choose_runtime(precision: str = "auto", xla: str = "auto", workers: Workers | None = None) -> Runtime:
    """Looks at the machine and decides what `auto` means on it.

    On a GPU that is mixed_float16 with XLA, on a CPU float32 without (there 16 bits are slower, and XLA gains
    nothing for the seconds that it compiles). GPU memory grows on demand.

    Args:
        precision: `auto` or a Keras dtype policy.
        xla: `auto`, `on` or `off`. Under `auto` a tiny function is compiled first, and XLA left out with a warning
            if that fails.
        workers: what trains together (`come_together`); None for one device.
    """
    gpus = _gpus()
    if not gpus and _nvidia_card_present():
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


def come_together(strategy: str = "auto", cluster: Cluster | None = None) -> Workers:
    """The devices and workers that train together; nothing else may have been asked of TensorFlow before.

    Arguments and errors as of `choose_workers`.
    """
    _gpus()
    with without_native_notes():
        return choose_workers(strategy, cluster)


def _gpus() -> list:
    """The GPUs that TensorFlow sees, whose memory grows on demand."""
    with without_native_notes():
        gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:  # TensorFlow was used before: its memory is laid out already
            logger.debug("memory growth could not be set for %s", gpu.name)
    return gpus


def _nvidia_card_present() -> bool:
    return bool(glob.glob("/proc/driver/nvidia/gpus/*") or glob.glob("/dev/nvidia[0-9]*"))


def _xla_works() -> bool:
    """Whether XLA compiles for the default device; "libdevice not found" is the usual reason why not.

    https://github.com/tensorflow/tensorflow/issues/58681
    """
    try:
        _compile_a_tiny_function()
    except (tf.errors.OpError, RuntimeError) as error:
        logger.warning(
            "XLA does not work here, training goes on without it (slower). The reason: %s. "
            "Often the CUDA toolkit's libdevice is not found: set XLA_FLAGS=--xla_gpu_cuda_data_dir=<CUDA folder>.",
            str(error).splitlines()[0],
        )
        return False
    return True


def _compile_a_tiny_function() -> None:
    # exp needs libdevice, which an addition would not.
    tf.function(lambda x: tf.reduce_sum(tf.exp(x)), jit_compile=True)(tf.ones([8])).numpy()
