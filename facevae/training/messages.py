"""The last lines of train.py: how to go on with a run that was stopped, and what to do with a finished one."""

import os
import pathlib

from facevae.command_line.interruption import Interrupted
from facevae.command_line.printed_commands import quoted, script_command, tensorboard_command
from facevae.errors import printable
from facevae.run.run_folder import RunFolder

# The projector asks for a run's data by an address in which the name is not encoded:
# https://github.com/tensorflow/tensorboard/issues/73
_LOST_IN_ADDRESSES = frozenset("#%&+")


def how_to_resume(stop: Interrupted, run: RunFolder, is_chief: bool) -> str:
    """One line for a process that was asked to end.

    Args:
        stop: the request.
        run: its folder.
        is_chief: whether this process writes the run; other workers do not know the run folder.
    """
    saved = "The run is saved" if run.checkpoint.exists() else "Nothing was trained yet"
    advice = f"{saved}; go on with the same command, --run-dir {quoted([run.path])} and --resume."
    if not is_chief:
        advice = "The other workers stop, too; start all of them again with --resume."
    return f"{stop.signal.name}: stopped. {advice}"


def warning_of_name(run: RunFolder) -> str | None:
    """One line for a run folder that TensorBoard cannot show, or not in its projector; None for all others."""
    try:
        os.path.abspath(run.path).encode()
    except UnicodeEncodeError:
        return (
            "warning: TensorBoard shows no run in a folder whose name is not UTF-8. Choose another --run-dir, "
            "or rename the folder afterwards."
        )
    name = os.path.basename(os.path.abspath(run.path))
    if not _LOST_IN_ADDRESSES.isdisjoint(name):
        characters = " ".join(sorted(_LOST_IN_ADDRESSES))
        return (
            f"warning: TensorBoard's projector loads no run whose name has one of {characters} in it: "
            f"{printable(name)}. Give TensorBoard the run's own logs folder, as the last lines do, or choose another "
            "--run-dir."
        )
    return None


def what_next(run: RunFolder, samples_per_plugin: str) -> str:
    """The commands for a finished run.

    Args:
        run: its folder.
        samples_per_plugin: value of TensorBoard's flag of that name, with which it shows every step.
    """
    return f"""
Done. The run is in {printable(str(run.path))}
  TensorBoard:    {tensorboard_command(run.logs, samples_per_plugin)}
  evaluate it:    {script_command("evaluate.py", run.path)}
  explore it:     {script_command("explore.py", run.path, "generate")}
  export it:      {script_command("export.py", run.path)}
  in Python:      facevae.load({_python_text(run.path)})
  what was said:  {printable(str(run.log))}"""


def _python_text(path: pathlib.Path) -> str:
    """A literal of the absolute path, in double quotation marks as in the README where there are none in it."""
    literal = repr(os.path.abspath(path))
    return literal if '"' in literal else f'"{literal[1:-1]}"'
