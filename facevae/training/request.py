"""Which run and which configuration the flags of train.py ask for.

This module does not import TensorFlow, so that a wrong flag is refused at once.
"""

from typing import Any

from facevae.configuration.choosing import from_preset, resumed
from facevae.configuration.config import Config
from facevae.errors import UserError, printable
from facevae.run.output_folder import refuse_among_faces
from facevae.run.run_folder import RunFolder, default_run_path

# May differ between workers, on each of which the faces may lie elsewhere.
OWN_FLAGS = ("data", "data_dir", "cache_dir")


def choose_run(flags: dict[str, Any]) -> tuple[RunFolder, Config]:
    """The run folder and the configuration that the flags ask for: a new run, or one to go on with.

    Args:
        flags: the flags that were given, as `parse_command_line` returns them.

    Raises:
        UserError: the flags contradict each other or the run, a new run would overwrite trained models, or its folder
            holds something else or lies among the faces. Nothing has been written then.
    """
    if flags.get("resume"):
        if "run_dir" not in flags:
            raise UserError(
                "resume: expected --run-dir with the run to go on with, received none. Add --run-dir runs/<name>."
            )
        run = RunFolder(flags["run_dir"])
        run.check_place()
        if run.exists:
            config = resumed(run.load_config(), flags)
            if not run.checkpoint.exists():
                _refuse_to_begin_anew(run)
                print(f"{printable(str(run.path))} holds no checkpoint yet: starting from the beginning.")
            return run, config
        print(f"{printable(str(run.path))} holds no run yet: starting from the beginning.")
    config = from_preset(**{"preset": "demo", **flags})
    run = RunFolder(config.run_dir or default_run_path(config.preset))
    if run.exists and not config.resume:
        raise UserError(
            f"run folder: {str(run.path)!r} holds a run already. "
            "Go on with it by --resume, or choose another --run-dir."
        )
    run.check_place()
    refuse_among_faces("--run-dir", run.path, config.data)
    return run, config


def _refuse_to_begin_anew(run: RunFolder) -> None:
    """Refuses to replace trained models by untrained ones where the checkpoint is gone."""
    if run.trained:
        raise UserError(
            f"resume: {run.checkpoint} is missing, so the run cannot go on, and {', '.join(run.trained)} would be "
            f"replaced by untrained models. Restore the checkpoint from a copy, train in another --run-dir, or move "
            f"{run.network('last').parent} away to begin anew here. The models can be used as they are."
        )


def config_of_worker(of_chief: dict[str, Any], flags: dict[str, Any]) -> Config:
    """The configuration of a worker that is not the chief: the chief's, apart from where the faces lie.

    Args:
        of_chief: all fields of the chief's configuration.
        flags: the flags that this worker was given.
    """
    own = {name: flags[name] for name in OWN_FLAGS if name in flags}
    return Config(**{**of_chief, "cache_dir": None, "tensorboard": False, **own})
