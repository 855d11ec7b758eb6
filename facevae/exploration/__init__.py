"""The commands of `explore.py`, and `Exploration`, the trained run that they draw pictures of."""

from facevae.exploration import commands as commands
from facevae.exploration.explored_run import Exploration as Exploration
