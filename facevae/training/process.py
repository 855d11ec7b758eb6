"""What a process needs around its training: its run folder, signals that save first, and the other workers.

This module does not import TensorFlow: `training_process` does, after it has checked the flags.
"""

import contextlib
import dataclasses
import sys
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from facevae.config import Config
from facevae.data.sources import check_source
from facevae.errors import WorkerLostError, printable
from facevae.files import cache_folder
from facevae.native_flags import check_native_flags
from facevae.quiet import without_native_notes
from facevae.run_folder import RunFolder
from facevae.training import many_workers
from facevae.training.interruption import RESUME_STATUS, Interrupted, Interruption
from facevae.training.messages import how_to_resume, warning_of_name
from facevae.training.request import choose_run, config_of_worker

if TYPE_CHECKING:
    from facevae.training.runtime import Runtime


@dataclasses.dataclass(frozen=True)
class TrainingProcess:
    """A process that is ready to train.

    Attributes:
        run: the run folder, locked; in workers other than the chief an empty temporary one.
        config: the chief's configuration.
        runtime: devices, precision, compiler, and the workers that train together.
        interruption: SIGTERM and Ctrl-C.
    """

    run: RunFolder
    config: Config
    runtime: "Runtime"
    interruption: Interruption

    def say(self, text: str) -> None:
        """Prints a text in the chief only."""
        if self.runtime.workers.is_chief:
            print(text)


@contextlib.contextmanager
def training_process(flags: dict[str, Any]) -> Iterator[TrainingProcess]:
    """Makes a process ready to train, and ends it with a message where it is stopped. In this order:

    1. Where TF_CONFIG names several workers, each becomes a child process, whose parent reports how it ended.
    2. The flags are checked; only the chief has the run folder.
    3. SIGTERM and Ctrl-C are caught: the process then ends with a line that says how to resume.
    4. The run folder is locked.
    5. TensorFlow is imported, and the workers join.
    6. The chief's configuration is sent to all workers, and decides the runtime.

    Args:
        flags: the flags that were given, as `parse_command_line` returns them.

    Raises:
        UserError: a flag is wrong, another process uses the run folder, or not all workers joined.
        SystemExit: the process was asked to end (75 or 130) or lost another worker (75); in the parent of a worker,
            when the worker has ended, with its status.
    """
    interruption, strategy = Interruption(), flags.get("strategy", "auto")
    cluster = many_workers.find_cluster(strategy)
    is_chief = cluster is None or cluster.index == 0
    if cluster is not None:
        status = many_workers.run_supervised(str(cluster))
        if status is not None:
            sys.exit(status)
    with contextlib.ExitStack() as stack:
        config: Config | None = None
        if is_chief:
            run, config = choose_run(flags)
            check_source(config.data)
            cache_folder(config.cache_dir)
        else:
            run = RunFolder(stack.enter_context(tempfile.TemporaryDirectory(prefix="facevae-worker-")))
        stack.enter_context(interruption.caught())
        stack.enter_context(_exit_when_stopped(run, is_chief))
        stack.enter_context(run.locked())
        print(f"Run folder: {printable(str(run.path)) if is_chief else 'on the chief'}")
        if warning := warning_of_name(run):
            print(warning, file=sys.stderr)
        check_native_flags()
        with without_native_notes():
            from facevae.training.runtime import choose_runtime
        workers = many_workers.choose_workers(strategy, cluster)
        if cluster is not None:
            stack.enter_context(interruption.caught())  # again: joining replaces the handler of SIGTERM
        stack.enter_context(workers.explained_worker_errors())
        of_chief = workers.broadcast(config and dataclasses.asdict(config))
        if config is None:
            config = config_of_worker(of_chief, flags)
        runtime = choose_runtime(config.precision, config.xla, workers)
        yield TrainingProcess(run, config, runtime, interruption)


@contextlib.contextmanager
def _exit_when_stopped(run: RunFolder, is_chief: bool) -> Iterator[None]:
    """Ends a stopped process with one line and its exit status, instead of a traceback."""
    try:
        yield
    except Interrupted as stop:
        print(f"\n{how_to_resume(stop, run, is_chief)}", file=sys.stderr)
        sys.exit(stop.status)
    except WorkerLostError as error:
        print(f"\nerror: {error}", file=sys.stderr)
        sys.exit(RESUME_STATUS)
