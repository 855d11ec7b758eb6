"""What TensorFlow finds on this machine: its GPUs, and whether XLA compiles for them."""

import glob
import logging

import tensorflow as tf

from facevae.command_line.quiet import without_native_notes

logger = logging.getLogger(__name__)


def find_gpus() -> list:
    """The GPUs that TensorFlow sees, set to take memory on demand.

    Memory can be set only before TensorFlow first uses a GPU: call this before anything else.
    """
    with without_native_notes():
        gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:  # TensorFlow was used before
            logger.debug("memory growth could not be set for %s", gpu.name)
    return gpus


def has_nvidia_card() -> bool:
    """Whether the machine has an NVIDIA card, also one that TensorFlow does not see."""
    return bool(glob.glob("/proc/driver/nvidia/gpus/*") or glob.glob("/dev/nvidia[0-9]*"))


def has_bfloat16_units(processor: str = "/proc/cpuinfo") -> bool:
    """Whether the processor multiplies matrices in bfloat16 (AMX), by the flags that Linux lists.

    Only then is training in 16 bits faster: with the older instructions alone (avx512_bf16) it is not.
    """
    try:
        with open(processor, encoding="ascii", errors="replace") as listed:
            return any("amx_bf16" in line.split() for line in listed if line.startswith("flags"))
    except OSError:
        return False


def why_xla_fails() -> str | None:
    """Compiles a tiny function with XLA for the default device.

    Returns:
        The first line of the error, None where it compiles. "libdevice not found" is the usual one:
        https://github.com/tensorflow/tensorflow/issues/58681
    """
    try:
        # exp needs libdevice, which an addition would not.
        tf.function(lambda x: tf.reduce_sum(tf.exp(x)), jit_compile=True)(tf.ones([8])).numpy()
    except (tf.errors.OpError, RuntimeError) as error:
        return str(error).splitlines()[0]
    return None
