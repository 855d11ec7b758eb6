"""The flags of train.py, generated from the fields of `Config`.

This module does without TensorFlow, so that `--help` and a mistake in a flag answer at once.
"""

import argparse
import dataclasses
import typing
from typing import Any

from facevae.config import Config, with_absolute_folders
from facevae.presets import PRESETS
from facevae.settings import type_and_choices


def parse_command_line(arguments: list[str] | None = None) -> dict[str, Any]:
    """The flags that were given, as field names and values, folders as absolute paths.

    `--help` prints every default, unit and preset.
    """
    parser = argparse.ArgumentParser(
        prog="train.py",
        description="Train a variational autoencoder on faces.",
        epilog="presets:\n" + "\n".join(preset.help_text(name) for name, preset in PRESETS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    annotations = typing.get_type_hints(Config)
    for field in dataclasses.fields(Config):
        flag = "--" + field.name.replace("_", "-")
        default = "none" if field.default is None else field.default
        options: dict[str, Any] = {"help": f"{field.metadata['help']} (default: {default})"}
        value_type, choices = type_and_choices(annotations[field.name])
        if value_type is bool:
            options["action"] = argparse.BooleanOptionalAction
        else:
            options |= {"type": value_type, "choices": choices}
            options["metavar"] = None if choices else value_type.__name__.upper()
        parser.add_argument(flag, **options)
    return with_absolute_folders(vars(parser.parse_args(arguments)))
