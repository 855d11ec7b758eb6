"""The temperature that new faces are drawn with."""

from facevae.run.opened_run import OpenedRun


def drawing_temperature(opened: OpenedRun, given: float | None) -> tuple[float, str]:
    """The temperature to draw with, the run's own unless one was given, and the sentence that says so."""
    if given is not None:
        return given, f"Temperature {given:g}."
    own = opened.viewing_temperature
    return own, f"Temperature {own:g}, the run's viewing temperature (1: all the spread)."
