"""Looking at a trained run: `Exploration` finds its faces and latents, `commands` make the pictures of `explore.py`."""

from facevae.exploration import commands as commands
from facevae.exploration.explored_run import Exploration as Exploration
