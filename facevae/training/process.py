"""What a process needs around its training: its run folder, signals that save first, and the other workers.

This module does not import TensorFlow: `training_process` does, after it has checked the flags.
"""

import contextlib
import dataclasses
import functools
import shlex
import sys
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from facevae.command_line.display import keep_log
from facevae.command_line.interruption import Interruption
from facevae.command_line.native_flags import check_native_flags
from facevae.command_line.quiet import without_native_notes
from facevae.configuration.config import Config
from facevae.data.sources import check_source
from facevae.errors import printable
from facevae.files import cache_folder
from facevae.run.opened_run import asking_for_data
from facevae.run.run_folder import RunFolder
from facevae.training import many_workers
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
        interruption: the requests to end.
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
    """Makes a process ready to train. In this order:

    1. Where TF_CONFIG names several workers, each becomes a child process, whose parent reports how it ended.
    2. The flags are checked; only the chief has the run folder.
    3. Signals that ask the process to end are caught; its last line then says how to resume.
    4. The run folder is locked, and its log begins.
    5. TensorFlow is imported, and the workers join.
    6. The chief's configuration is sent to all workers, and decides the runtime.

    Args:
        flags: the flags that were given, as `parse_command_line` returns them.

    Raises:
        UserError: a flag is wrong, another process uses the run folder, or not all workers joined.
        Interrupted: the process was asked to end.
        WorkerLostError: another worker was lost.
        SystemExit: in the parent of a worker, when the worker has ended, with its status.
    """
    strategy = flags.get("strategy", "auto")
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
            with asking_for_data(is_needed=run.exists and "data" not in flags):
                check_source(config.data)
            cache_folder(config.cache_dir)
        else:
            run = RunFolder(stack.enter_context(tempfile.TemporaryDirectory(prefix="facevae-worker-")))
        interruption = stack.enter_context(Interruption().caught())
        interruption.last_line = functools.partial(how_to_resume, run=run, is_chief=is_chief)
        interruption.when_heard = many_workers.tell_parent_that_it_was_heard
        stack.enter_context(run.locked())
        if is_chief:
            _begin_log(run)
        print(f"Run folder: {printable(str(run.path)) if is_chief else 'on the chief'}")
        if config is not None and config.note:
            print(f"Note: {printable(config.note)}")
        if warning := warning_of_name(run):
            print(warning, file=sys.stderr)
        check_native_flags()
        with without_native_notes():
            from facevae.training.runtime import choose_runtime
        workers = many_workers.choose_workers(strategy, cluster)
        if cluster is not None:
            interruption.catch_again()  # joining replaces the handler of SIGTERM
        stack.enter_context(workers.explained_worker_errors())
        of_chief = workers.broadcast(config and dataclasses.asdict(config))
        if config is None:
            config = config_of_worker(of_chief, flags)
        runtime = choose_runtime(config.precision, config.xla, workers, run.checkpoint.exists())
        yield TrainingProcess(run, config, runtime, interruption)


def _begin_log(run: RunFolder) -> None:
    keep_log(run.log, f"started: {shlex.join(sys.argv)}")
    many_workers.tell_parent_where_the_log_is(run.log)
