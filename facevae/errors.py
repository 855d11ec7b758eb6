"""Errors that the user can fix."""

# `EX_TEMPFAIL` of sysexits.h, "the user is invited to retry": a supervisor may start the same command with --resume.
RESUME_STATUS = 75


class UserError(ValueError):
    """A mistake in a flag, a file or a folder; the message says what was expected, what was received, what to do.

    Attributes:
        status: the exit status of a command that it ends.
    """

    status = 2


class DataNotFoundError(UserError):
    """A data set was not found.

    Args:
        problem: what was expected and what was found, a sentence.
        advice: what to do next.
    """

    def __init__(self, problem: str, advice: str):
        super().__init__(f"{problem} {advice}")
        self.problem = problem


class WorkerLostError(UserError):
    """Distributed training ended because another worker was lost; what was saved is intact."""

    status = RESUME_STATUS


def printable(text: str) -> str:
    """The text on one line with control characters and undecodable bytes escaped, which file names may contain."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
