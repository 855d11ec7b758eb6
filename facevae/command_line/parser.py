"""The parser of every command line: a mistake is one line, with the flag and the nearest spelling."""

import argparse
import difflib
import re
import sys
from collections.abc import Collection, Sequence
from typing import Any, NoReturn

from facevae.errors import UserError, printable

# What argparse says, and what is said instead: the value that was received is the group, where there is one.
_SAID_BY_ARGPARSE = (
    (r"invalid int value: (.+)", "expected a whole number, received {}"),
    (r"invalid float value: (.+)", "expected a number, received {}"),
    (r"ignored explicit argument (.+)", "expected no value, received {}"),
    (r"expected (?:one argument|at least one argument)", "expected a value after it, received none"),
    (r"expected (\d+) arguments", "expected {} values after it, received others"),
    (r"not allowed with argument (.+)", "expected alone, received together with {}"),
)


class Parser(argparse.ArgumentParser):
    """argparse's parser without abbreviations, whose mistakes are a `UserError` of one line instead of the usage."""

    def __init__(self, **kwargs: Any):
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**kwargs | {"allow_abbrev": False})
        self._commands: dict[str, Parser] = {}

    def add_subparsers(self, **kwargs: Any) -> Any:
        action = super().add_subparsers(**kwargs)
        self._commands = action.choices
        return action

    def parse_args(  # type: ignore[override]  # argparse's is overloaded for the namespace's type
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> Any:
        """Parses the words of a command line; None for those of the process.

        Raises:
            UserError: a flag or a value is wrong, missing or unexpected.
        """
        given = list(sys.argv[1:] if args is None else args)
        options = given[: given.index("--")] if "--" in given else given
        known = {*self.flags(), *(flag for command in self._commands.values() for flag in command.flags())}
        # First: argparse would only name what is missing, not the misspelt flag which was to give it.
        for flag in (word.split("=")[0] for word in options if word.startswith("--")):
            if flag not in known:
                self._refuse_unknown(flag, known)
        namespace, unexpected = self.parse_known_args(given, namespace)
        if unexpected:
            self._refuse_unknown(unexpected[0].split("=")[0], known)
        return namespace

    def flags(self) -> Collection[str]:
        """The flags of this parser, without those of its commands."""
        return self._option_string_actions.keys()  # argparse has no public name for them

    def error(self, message: str) -> NoReturn:
        """Raises the `UserError` for a message of argparse."""
        name, colon, problem = message.removeprefix("argument ").partition(": ")
        if message.startswith("the following arguments are required") or not colon:
            raise UserError(f"expected {problem or name}, received none. {self._help()}")
        choice = re.fullmatch(r"invalid choice: (.+?) \(choose from (.+)\)", problem, re.DOTALL)
        if choice:
            received, choices = choice[1], choice[2].replace("'", "").split(", ")
            near = _nearest(received.strip("'\""), choices)
            advice = f"Did you mean {near}?" if near else self._help()
            raise UserError(
                f"{name}: expected one of {', '.join(choices)}, received {printable(received)}. {advice}"
            )
        for pattern, instead in _SAID_BY_ARGPARSE:
            if found := re.fullmatch(pattern, problem, re.DOTALL):
                problem = instead.format(*found.groups())
        raise UserError(f"{name}: {printable(problem).rstrip('.')}. {self._help()}")

    def _refuse_unknown(self, word: str, known: Collection[str]) -> NoReturn:
        owners = [name for name, command in self._commands.items() if word in command.flags()]
        if owners:
            raise UserError(f"{word}: expected with {' or '.join(owners)} only. {self._help()}")
        near = _nearest(word, known)
        advice = f"Did you mean {near}? {self._help()}" if near else self._help()
        if word.startswith("-"):
            raise UserError(f"{printable(word)}: there is no such flag. {advice}")
        raise UserError(f"{printable(repr(word))}: expected a flag, or nothing more. {advice}")

    def _help(self) -> str:
        return f"All flags: python {self.prog.split()[0]} --help"


def _nearest(word: str, choices: Collection[str]) -> str | None:
    """The choice that was probably meant: spelt alike, begun, or named by the initials of its words."""
    plain = word.strip("-").replace("_", "-").lower()
    by_plain = {choice.strip("-").lower(): choice for choice in choices}
    for plain_choice, choice in by_plain.items():
        parts = plain_choice.split("-")
        if len(plain) > 1 and (
            plain_choice.startswith(plain) or plain == "".join(part[:1] for part in parts)
        ):
            return choice
    close = difflib.get_close_matches(plain, by_plain, 1, cutoff=0.7)
    return by_plain[close[0]] if close else None
