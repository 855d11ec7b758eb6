"""Command lines for users to paste, valid from any folder: absolute paths, quoted for the shell of this system."""

import os
import pathlib
import re
import shlex
import sys
from collections.abc import Iterable

# The folder of train.py, evaluate.py, explore.py and export.py.
_SCRIPTS = pathlib.Path(__file__).resolve().parents[2]

_Word = str | os.PathLike[str]


def script_command(script: str, *arguments: _Word) -> str:
    """The command line that runs one of the four commands with this Python.

    Args:
        script: its file's name, e.g. `evaluate.py`.
        arguments: its words; a `pathlib.Path` becomes absolute.
    """
    return _python_command(_SCRIPTS / script, *arguments)


def tensorboard_command(logs: pathlib.Path, samples_per_plugin: str) -> str:
    """The command line that serves a log folder.

    Args:
        logs: the folder.
        samples_per_plugin: value of TensorBoard's flag of that name, with which it shows every step.
    """
    flags = ("--logdir", logs, "--samples_per_plugin", samples_per_plugin)
    return _python_command("-m", "tensorboard.main", *flags)


def quoted(words: Iterable[_Word], for_cmd: bool = os.name == "nt") -> str:
    """Words joined to a line that a shell takes apart to the same words.

    Args:
        words: texts are taken as they are; a `pathlib.Path` becomes absolute.
        for_cmd: whether the shell is that of Windows, which does not know single quotation marks.
    """
    texts = [word if isinstance(word, str) else os.path.abspath(word) for word in words]
    return " ".join(map(_for_cmd if for_cmd else _for_posix, texts))


def _python_command(*arguments: _Word) -> str:
    return quoted([sys.executable or "python", *arguments])


def _for_posix(text: str) -> str:
    if text.isprintable() and _has_letters_of(text):
        return shlex.quote(text)
    # The bytes of what a terminal cannot show, in octal with all three digits: no next character belongs to them.
    # Bash, zsh and POSIX.1-2024 know this form.
    plain = {byte: chr(byte) for byte in range(32, 127) if byte not in b"\\'"}
    return "$'" + "".join(plain.get(byte, f"\\{byte:03o}") for byte in os.fsencode(text)) + "'"


def _has_letters_of(text: str) -> bool:
    """Whether the encoding of standard output has all characters of a text."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _for_cmd(text: str) -> str:
    if re.fullmatch(r"[\w\-.:\\/=,+@]+", text):
        return text
    # In quotation marks, which no name contains on Windows, & ( ) ^ and | are plain. Backslashes before the closing one
    # would make it a part of the word: learn.microsoft.com/windows/win32/api/shellapi/nf-shellapi-commandlinetoargvw
    return '"' + re.sub(r"(\\+)$", r"\1\1", text) + '"'
