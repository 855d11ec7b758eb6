"""What train.py says at its end: how to go on with a run that was stopped, and what to do with a finished one."""

import os
import sys

from facevae.run_folder import RunFolder
from facevae.training.interruption import Interrupted


def how_to_resume(stop: Interrupted, run: RunFolder, is_chief: bool) -> str:
    """One line for a process that was asked to end.

    Args:
        stop: the request.
        run: its folder.
        is_chief: whether the process writes the run; the others do not know its folder.
    """
    saved = "The run is saved" if run.checkpoint.exists() else "Nothing was trained yet"
    advice = f"{saved}; go on with the same command, --run-dir {run.path} and --resume."
    if not is_chief:
        advice = "So do the others; start all of them again with --resume."
    return f"{stop.signal.name}: stopped. {advice}"


def what_next(run: RunFolder, samples_per_plugin: str) -> str:
    """The commands for a finished run.

    Args:
        run: its folder.
        samples_per_plugin: TensorBoard's flag, so that it shows everything.
    """
    python = min(sys.executable, os.path.relpath(sys.executable), key=len)
    return f"""
Done. The run is in {run.path}
  look at it:     {python} -m tensorboard.main --logdir {run.logs} --samples_per_plugin {samples_per_plugin}
  measure it:     {python} evaluate.py {run.path}
  explore it:     {python} explore.py {run.path} generate
  to a phone:     {python} export.py {run.path}
  in Python:      facevae.load("{run.path}")"""
