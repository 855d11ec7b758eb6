"""Trains a face VAE: `python train.py` on built-in synthetic faces, `python train.py --help` for the rest."""

import contextlib
import os
import sys
from collections.abc import Iterator

from facevae import config as configuration
from facevae.errors import UserError, exit_on_user_error
from facevae.interruption import Interrupted, Interruption
from facevae.quiet import without_native_notes
from facevae.run_folder import RunFolder, default_run_path


def choose_run(chosen: dict) -> tuple[RunFolder, configuration.Config]:
    """The run folder and the configuration that the flags ask for, a new run or one to go on with."""
    if chosen.get("resume"):
        if "run_dir" not in chosen:
            raise UserError("resume: expected --run-dir with the run to go on with.")
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


@contextlib.contextmanager
def saying_how_to_go_on(run: RunFolder) -> Iterator[None]:
    """Ends with one line and the status that a supervisor looks for, when the process was asked to end."""
    try:
        yield
    except Interrupted as stop:
        saved = "The run is saved" if run.checkpoint.exists() else "Nothing was trained yet"
        print(
            f"\n{stop.signal.name}: stopped. {saved}; go on with the same command, "
            f"--run-dir {run.path} and --resume.",
            file=sys.stderr,
        )
        sys.exit(stop.status)


def main() -> None:
    interruption = Interruption()
    # ------------------------------------------------------------------------------
    # What is asked for. TensorFlow is imported after it, so that a mistake in a flag answers at once.
    # ------------------------------------------------------------------------------
    run, config = choose_run(configuration.parse_command_line())
    from facevae.data.sources import check_source

    check_source(config.data)
    with interruption.caught(), saying_how_to_go_on(run), run.locked():
        print(f"Run folder: {run.path}")

        with without_native_notes():
            from callbacks import standard_callbacks
            from facevae import data, runtime, tensorboard_files, training

        machine = runtime.choose_runtime(config.precision, config.xla)

        # ------------------------------------------------------------------------------
        # Data
        # ------------------------------------------------------------------------------
        dataset = data.prepare(config.data, config.data_dir, config.crop, config.image_size, config.cache_dir)
        run.save(config, training.describe_data(dataset))

        # ------------------------------------------------------------------------------
        # Training
        # ------------------------------------------------------------------------------
        print(machine)
        serving = tensorboard_files.serve(run.logs) if config.tensorboard else contextlib.nullcontext()
        with serving:
            callbacks = standard_callbacks(run, config, dataset)
            training.train(config, run, dataset, machine, callbacks, interruption)

    # ------------------------------------------------------------------------------
    # What next
    # ------------------------------------------------------------------------------
    samples = tensorboard_files.SAMPLES_PER_PLUGIN
    python = min(sys.executable, os.path.relpath(sys.executable), key=len)
    print(f"""
Done. The run is in {run.path}
  look at it:     {python} -m tensorboard.main --logdir {run.logs} --samples_per_plugin {samples}
  measure it:     {python} evaluate.py {run.path}
  explore it:     {python} explore.py {run.path} generate
  to a phone:     {python} export.py {run.path}
  in Python:      facevae.load("{run.path}")""")


if __name__ == "__main__":
    with exit_on_user_error():
        main()
