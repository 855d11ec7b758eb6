"""Which workers train together, read from TF_CONFIG: the standard of Kubernetes' TFJob, Vertex AI and others.

    TF_CONFIG='{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'

https://www.tensorflow.org/api_docs/python/tf/distribute/cluster_resolver/TFConfigClusterResolver

This module does not import TensorFlow, so that a mistake is refused at once.
"""

import dataclasses
import json
import os

from facevae.errors import UserError

_EXAMPLE = 'TF_CONFIG=\'{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}\''


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The workers of a training, and which of them this process is.

    Attributes:
        addresses: host:port of each worker, the chief first.
        index: which of them this process is; 0 is the chief.
    """

    addresses: tuple[str, ...]
    index: int

    def __str__(self) -> str:
        return f"worker {self.index} of {len(self.addresses)} ({self.addresses[self.index]})"


def find_cluster(strategy: str = "auto") -> Cluster | None:
    """The cluster that TF_CONFIG describes, None where one process trains alone.

    Args:
        strategy: `auto`, `none`, `mirrored` or `multi_worker`. Only `auto` and `multi_worker` read TF_CONFIG.

    Raises:
        UserError: TF_CONFIG is malformed or does not list this process, or it is missing under `multi_worker`.
    """
    text = os.environ.get("TF_CONFIG", "")
    if strategy in ("none", "mirrored") or (strategy == "auto" and not text):
        return None
    if not text:
        raise UserError(
            "strategy: multi_worker needs the environment variable TF_CONFIG on every worker, which is not set. "
            f"For worker 0 of two: {_EXAMPLE}"
        )
    try:
        content = json.loads(text)
        jobs, task = content.get("cluster", {}), content.get("task", {})
        if not jobs:  # Vertex AI sets it for a single machine, too
            if strategy == "auto":
                return None
            raise KeyError("cluster")
        others = set(jobs) - {"chief", "worker"}
        addresses = [("chief", i, str(a)) for i, a in enumerate(jobs.get("chief", []))]
        addresses += [("worker", i, str(a)) for i, a in enumerate(jobs.get("worker", []))]
        tasks = [(kind, number) for kind, number, _ in addresses]
        if others or not addresses or not isinstance(jobs.get("worker", []), list):
            raise ValueError(f"cluster: expected only chief and worker, received {sorted(jobs)}")
        index = tasks.index((task.get("type"), int(task.get("index"))))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"TF_CONFIG: expected a list of workers and which of them this is, received {text!r} ({error}). "
            f"For worker 0 of two: {_EXAMPLE}"
        ) from None
    if len(addresses) == 1 and strategy == "auto":
        return None
    return Cluster(tuple(address for _, _, address in addresses), index)
