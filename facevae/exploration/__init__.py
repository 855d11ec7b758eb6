"""Looking at a trained run: `Exploration` opens it, `commands` make the pictures of `explore.py`."""

from facevae.exploration import commands as commands
from facevae.exploration.opened_run import Exploration as Exploration
