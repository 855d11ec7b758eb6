"""Trains a face VAE: `python train.py` on built-in synthetic faces, `python train.py --help` for the rest."""

import contextlib
import dataclasses
import os
import pathlib
import sys
import tempfile
from collections.abc import Iterator

from facevae import config as configuration
from facevae.errors import UserError, WorkerLostError, exit_on_user_error
from facevae.quiet import without_native_notes
from facevae.run_folder import RunFolder, default_run_path
from facevae.training.interruption import RESUME_ME, Interrupted, Interruption
from facevae.training.many_workers.cluster import find_cluster
from facevae.training.many_workers.supervision import run_supervised


def choose_run(chosen: dict) -> tuple[RunFolder, configuration.Config]:
    """The run folder and the configuration that the flags ask for, a new run or one to go on with."""
    if chosen.get("resume"):
        if "run_dir" not in chosen:
            raise UserError(
                "resume: expected --run-dir with the run to go on with, received none. Add --run-dir runs/<name>."
            )
        run = RunFolder(chosen["run_dir"])
        if run.exists:
            if not run.checkpoint.exists():
                print(f"{run.path} holds no checkpoint yet: starting from the beginning.")
            return run, configuration.resumed(run.load_config(), chosen)
        print(f"{run.path} holds no run yet: starting from the beginning.")
    preset = chosen.pop("preset", "demo")
    config = configuration.from_preset(preset, **chosen)
    run = RunFolder(config.run_dir or default_run_path(preset))
    if run.exists and not config.resume:
        raise UserError(
            f"run folder: {str(run.path)!r} holds a run already. "
            "Go on with it by --resume, or choose another --run-dir."
        )
    return run, config


def config_of_chief(config: configuration.Config | None, chosen: dict, workers) -> configuration.Config:
    """What the chief was asked for, so that all workers do the same; the data may lie elsewhere for each.

    Args:
        config: the chief's; None in the others.
        chosen: this worker's own flags.
        workers: those that train together.
    """
    values = workers.from_chief(config and dataclasses.asdict(config))
    if config is not None:
        return config
    places = {name: chosen[name] for name in ("data", "data_dir", "cache_dir") if name in chosen}
    return configuration.Config(**{**values, "cache_dir": None, "tensorboard": False, **places})


@contextlib.contextmanager
def saying_how_to_go_on(run: RunFolder, is_chief: bool) -> Iterator[None]:
    """Ends with one line and the status that a supervisor looks for, when the process was asked to end."""
    try:
        yield
    except Interrupted as stop:
        saved = "The run is saved" if run.checkpoint.exists() else "Nothing was trained yet"
        go_on = f"{saved}; go on with the same command, --run-dir {run.path} and --resume."
        if not is_chief:
            go_on = "So do the others; start all of them again with --resume."
        print(f"\n{stop.signal.name}: stopped. {go_on}", file=sys.stderr)
        sys.exit(stop.status)
    except WorkerLostError as error:
        print(f"\nerror: {error}", file=sys.stderr)
        sys.exit(RESUME_ME)


def say_what_next(run_dir: pathlib.Path, logs: pathlib.Path, samples_per_plugin: str) -> None:
    """Prints the commands that go on from a finished run."""
    python = min(sys.executable, os.path.relpath(sys.executable), key=len)
    print(f"""
Done. The run is in {run_dir}
  look at it:     {python} -m tensorboard.main --logdir {logs} --samples_per_plugin {samples_per_plugin}
  measure it:     {python} evaluate.py {run_dir}
  explore it:     {python} explore.py {run_dir} generate
  to a phone:     {python} export.py {run_dir}
  in Python:      facevae.load("{run_dir}")""")


def main() -> None:
    interruption = Interruption()
    # ------------------------------------------------------------------------------
    # What is asked for. TensorFlow is imported after it, so that a mistake in a flag answers at once.
    # ------------------------------------------------------------------------------
    from facevae.data.sources import check_source

    chosen = configuration.parse_command_line()
    cluster = find_cluster(chosen.get("strategy", "auto"))
    is_chief = cluster is None or cluster.index == 0
    if cluster is not None:
        status = run_supervised(str(cluster))
        if status is not None:
            sys.exit(status)
    with contextlib.ExitStack() as stack:
        if is_chief:
            run, config = choose_run(chosen)
            check_source(config.data)
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="facevae-worker-"))
            run, config = RunFolder(folder), None
        stack.enter_context(interruption.caught())
        stack.enter_context(saying_how_to_go_on(run, is_chief))
        stack.enter_context(run.locked())
        print(f"Run folder: {run.path if is_chief else 'the chief has it'}")

        with without_native_notes():
            from callbacks import standard_callbacks
            from facevae import data, tensorboard_files, training
            from facevae.training import runtime

        workers = runtime.come_together(chosen.get("strategy", "auto"), cluster)
        if cluster is not None:
            stack.enter_context(interruption.caught())  # again: joining, TensorFlow takes SIGTERM for itself
        stack.enter_context(workers.noticing_lost_workers())
        config = config_of_chief(config, chosen, workers)
        machine = runtime.choose_runtime(config.precision, config.xla, workers)

        # ------------------------------------------------------------------------------
        # Data
        # ------------------------------------------------------------------------------
        dataset = data.prepare(config.data, config.data_dir, config.crop, config.image_size, config.cache_dir)
        workers.check_same_faces(dataset)
        if run.checkpoint.exists():
            training.check_unchanged(run, dataset)
        run.save(config, training.describe_data(dataset))

        # ------------------------------------------------------------------------------
        # Training
        # ------------------------------------------------------------------------------
        print(machine)
        if config.tensorboard:
            stack.enter_context(tensorboard_files.serve(run.logs, config.host))
        callbacks = standard_callbacks(run, config, dataset) if is_chief else []
        training.train(config, run, dataset, machine, callbacks, interruption)
    if is_chief:
        say_what_next(run.path, run.logs, tensorboard_files.SAMPLES_PER_PLUGIN)


if __name__ == "__main__":
    with exit_on_user_error():
        main()
