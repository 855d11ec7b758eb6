"""The flags of train.py, generated from the fields of `Config`.

This module does without TensorFlow, so that `--help` and a mistake in a flag answer at once.
"""

import argparse
import dataclasses
import typing
from typing import Any

from facevae.command_line.parser import Parser
from facevae.configuration.choosing import with_absolute_folders
from facevae.configuration.config import Config
from facevae.configuration.presets import PRESETS
from facevae.configuration.setting import checked_value, type_and_choices
from facevae.errors import UserError


def parse_command_line(arguments: list[str] | None = None) -> dict[str, Any]:
    """The flags that were given, as field names and values, folders as absolute paths.

    `--help` prints every default, unit and preset.
    """
    parser = Parser(
        prog="train.py",
        description="Train a variational autoencoder on faces.",
        epilog="presets:\n" + "\n".join(preset.help_text(name) for name, preset in PRESETS.items()),
        argument_default=argparse.SUPPRESS,
    )
    annotations = typing.get_type_hints(Config)
    for field in dataclasses.fields(Config):
        default = "none" if field.default is None else field.default
        options: dict[str, Any] = {"help": f"{field.metadata['help']} (default: {default})"}
        value_type, choices = type_and_choices(annotations[field.name])
        if field.name == "preset":
            choices = tuple(PRESETS)
        if value_type is bool:
            options["action"] = argparse.BooleanOptionalAction
        else:
            options |= {"type": value_type, "choices": choices}
            options["metavar"] = None if choices else value_type.__name__.upper()
        parser.add_argument(_flag(field), **options)
    given = vars(parser.parse_args(arguments))
    for field in dataclasses.fields(Config):
        if field.name in given:
            try:
                checked_value(field, annotations[field.name], given[field.name])
            except UserError as error:
                raise UserError(str(error).replace(field.name, _flag(field), 1)) from None
    return with_absolute_folders(given)


def _flag(field: dataclasses.Field) -> str:
    return "--" + field.name.replace("_", "-")
