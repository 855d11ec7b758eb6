"""From a run folder back to a trained model."""

import os

import keras

from facevae.errors import UserError
from facevae.model import VAE
from facevae.run_folder import RunFolder


def load(run_dir: str | os.PathLike[str], which: str = "best") -> VAE:
    """The trained model of a run, in float32 whatever precision trained it.

    Args:
        run_dir: the folder that `train.py` named.
        which: `best` (lowest validation loss) or `last`.

    Returns:
        The model, not compiled; see `VAE.encode`, `VAE.decode`, `VAE.sample`.

    Raises:
        UserError: no run there, or one without a trained model yet, or a damaged file.
    """
    if which not in ("best", "last"):
        raise UserError(f"which: expected best or last, received {which!r}.")
    run = RunFolder.open(run_dir)
    run.load_config()  # says so if another version wrote the run
    path = run.network(which)
    if not path.exists():
        raise UserError(
            f"{path}: the run has no trained model yet; the first is saved after the first epoch. "
            f"Go on with: python train.py --run-dir {run.path} --resume"
        )
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{path}: expected a model saved by facevae, received a file that does not load ({reason})."
        ) from error
    if not isinstance(model, VAE):
        raise UserError(f"{path}: expected a facevae.VAE, received a {type(model).__name__}.")
    return model
