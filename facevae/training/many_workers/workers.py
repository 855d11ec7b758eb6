"""The devices and processes that train together, and the values that the processes exchange."""

import contextlib
import dataclasses
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from facevae.command_line.quiet import without_native_notes
from facevae.data import FaceDataset
from facevae.data.pipeline import Share
from facevae.errors import UserError, WorkerLostError
from facevae.training.devices import find_gpus
from facevae.training.many_workers.cluster import Cluster


@dataclasses.dataclass(frozen=True)
class Workers:
    """The devices that train together: one, several of this process, or those of several processes.

    With several processes, each of them has to call `broadcast`, `largest`, `wait_for_all`, `copy_file_from_chief` and
    `check_same_faces` at the same point: a call returns after all have made it. With one process they cost nothing.

    Attributes:
        strategy: TensorFlow's, in whose scope the model is built.
        cluster: the processes; None for a single one.
    """

    strategy: tf.distribute.Strategy = dataclasses.field(default_factory=tf.distribute.get_strategy)
    cluster: Cluster | None = None

    @property
    def is_chief(self) -> bool:
        """Whether this process is the one that writes the run folder."""
        return self.cluster is None or self.cluster.index == 0

    @property
    def replicas(self) -> int:
        """How many devices train together, over all processes."""
        return self.strategy.num_replicas_in_sync

    def distribute(self, make_batches) -> Any:
        """The batches of this process, in the form that fit takes under the strategy.

        Args:
            make_batches: makes a `tf.data.Dataset` with one `Share` of each batch.
        """

        def of_process(context: tf.distribute.InputContext) -> tf.data.Dataset:
            of = context.num_replicas_in_sync
            count = of // context.num_input_pipelines
            return make_batches(Share(context.input_pipeline_id * count, count, of))

        return self.strategy.distribute_datasets_from_function(of_process)

    def broadcast(self, content: Any) -> Any:
        """The chief's content, in every process.

        Args:
            content: bytes, or a value that JSON can hold; ignored in processes other than the chief.
        """
        if self.cluster is None:
            return content
        if not self.is_chief:
            content = None
        is_bytes = isinstance(content, bytes)
        sent = content if is_bytes else json.dumps(content).encode()
        length, is_bytes = self._sum([len(sent), is_bytes] if self.is_chief else [0, 0])
        padded = np.zeros((length // 4 + 1) * 4, np.uint8)  # never empty: TensorFlow's sum crashes on that
        if self.is_chief:
            padded[:length] = np.frombuffer(sent, np.uint8)
        received = self._sum(padded.view(np.int32)).tobytes()[:length]
        return received if is_bytes else json.loads(received)

    def largest(self, number: int) -> int:
        """The largest of the processes' numbers, in every process."""
        if self.cluster is None:
            return number
        numbers = [0] * len(self.cluster.addresses)
        numbers[self.cluster.index] = number
        return int(self._sum(numbers).max())

    def wait_for_all(self) -> None:
        """Returns after all processes have called it."""
        self.largest(0)

    def copy_file_from_chief(self, path: pathlib.Path) -> None:
        """Writes the chief's file, if it exists, to the `path` that each other process gives."""
        if self.cluster is None:
            return
        content = self.broadcast(path.read_bytes() if self.is_chief and path.exists() else b"")
        if content and not self.is_chief:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def _sum(self, numbers: Any) -> np.ndarray:
        """The sum of int32[n] over the processes."""
        assert self.cluster is not None
        replicas_here = self.replicas // len(self.cluster.addresses)
        numbers = tf.constant(numbers, tf.int32)

        def of_replica(context: Any) -> tf.Tensor:
            # One replica of each process has its numbers, the others 0.
            is_first = context.replica_id_in_sync_group % replicas_here == 0
            return numbers if is_first else tf.zeros_like(numbers)

        values = self.strategy.experimental_distribute_values_from_function(of_replica)
        return np.asarray(self.strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None))

    def check_same_faces(self, dataset: FaceDataset) -> None:
        """Compares the prepared faces of all workers, which must be the same in the same order.

        Raises:
            UserError: they differ; raised in all workers.
        """
        if self.cluster is None:
            return
        splits = dataset.splits.values()
        own = [[len(split) for split in splits], [split.fingerprint for split in splits]]
        others = self.broadcast(own)
        if self.largest(own != others):
            raise UserError(
                f"data: expected the same faces in all workers; {self.cluster} has {own[0]} for training, validation "
                f"and test, the chief {others[0]}; or their pixels, attributes or order differ. "
                "Give all workers the same --data."
            )

    @contextlib.contextmanager
    def explained_worker_errors(self) -> Iterator[None]:
        """Turns TensorFlow's error about a lost worker inside the block into a message that says what to do.

        Raises:
            WorkerLostError: another worker stopped answering.
        """
        lost = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError)
        try:
            yield
        except lost as error:
            if self.cluster is None:
                raise
            lines = str(error).splitlines()
            reason = next((line for line in lines if "aborted by" in line), lines[0])
            raise WorkerLostError(
                f"{self.cluster}: another worker stopped or cannot be reached ({reason.strip()}). "
                "See the last lines of the others. Start all of them again with --resume."
            ) from error


def choose_workers(strategy: str = "auto", cluster: Cluster | None = None) -> Workers:
    """Joins the other workers, or finds the devices of this machine. To be called before any other use of TensorFlow.

    Args:
        strategy: `auto`: every GPU of the machine; `none`: one device; `mirrored`: every GPU, or every logical
            device of the processor where there is no GPU; `multi_worker`.
        cluster: the workers, where there are several (`find_cluster`).

    Raises:
        UserError: not all workers joined.
    """
    find_gpus()  # their memory cannot be set later
    with without_native_notes():
        if cluster is not None:
            return Workers(_join(cluster), cluster)
        devices = tf.config.list_logical_devices("GPU")
        if strategy == "mirrored":
            devices = devices or tf.config.list_logical_devices("CPU")
        if strategy == "none" or (strategy == "auto" and len(devices) < 2):
            return Workers()
        return Workers(tf.distribute.MirroredStrategy([device.name for device in devices]))


def _join(cluster: Cluster) -> tf.distribute.Strategy:
    print(f"This is {cluster}. Waiting for the others.", flush=True)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except (RuntimeError, tf.errors.OpError) as error:
        raise UserError(
            f"{cluster}: not all workers joined ({str(error).splitlines()[0]}). Expected all of "
            f"{', '.join(cluster.addresses)}. Check that each was started with its own index, and that the addresses "
            "are reachable and free."
        ) from error
