"""The temperature at which a run's new faces look best, measured by a rule and kept with the run."""

import hashlib
import json

import numpy as np
from tqdm import tqdm

from facevae.files import keep_to_save_time
from facevae.files.untrusted import read_json
from facevae.latents import VIEWING_TEMPERATURE, precision_and_recall
from facevae.model import VAE
from facevae.run.encodings import Encodings
from facevae.run.run_folder import RunFolder

TEMPERATURES = tuple(round(0.6 + 0.05 * step, 2) for step in range(9))
MOST_FACES, FEWEST_FACES = 1000, 100  # with fewer, chance decides
LEAST_SPREAD = 0.1  # of a latent dimension that the encoder uses
PRECISION_WEIGHT = 8.0
SEED = 0


def viewing_temperature(run: RunFolder, model: VAE, encodings: Encodings) -> float:
    """The temperature from the run folder, or measured and kept there if that of another model or none lies there.

    Args:
        run: the run.
        model: its finished model.
        encodings: of its training faces.
    """
    made_with = fingerprint(model)
    kept = kept_temperature(run, made_with)
    if kept is not None:
        return kept
    scores = measure(model, encodings)
    found = best(scores)
    content = {"model": made_with, "temperature": found, "scores": {f"{t:g}": s for t, s in scores.items()}}
    text = json.dumps(content, indent=1, allow_nan=False) + "\n"
    keep_to_save_time(
        run.viewing, lambda aside: aside.write_text(text, encoding="utf-8"), "it is measured again next time"
    )
    return found


def kept_temperature(run: RunFolder, made_with: str) -> float | None:
    """The temperature in the run folder; None if there is none, or not of the model with this `fingerprint`."""
    try:
        content = read_json(run.viewing)
        kept = content["temperature"]
        fits = content["model"] == made_with and type(kept) is float and 0.0 < kept <= 1.0
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return kept if fits else None


def measure(model: VAE, encodings: Encodings) -> dict[float, float]:
    """How good new faces look at each of `TEMPERATURES`, from 0 to 1.

    The faces drawn are encoded again; precision and recall (`facevae.latents.precision_and_recall`) compare their
    posterior means with those of real faces. At temperature 1 samples have all the variety of the density, and many
    are no faces: precision is low. With less noise precision rises and recall falls. The score is F_1/8, which counts
    precision eight times: Sajjadi et al., "Assessing generative models via precision and recall", arXiv:1806.00035,
    section 4. Whoever looks at faces notices a bad one before a missing one.

    Args:
        model: the finished model; its own choice of density or prior is measured.
        encodings: of real faces.

    Returns:
        The score by temperature; empty for fewer than `FEWEST_FACES` faces, or an encoder that tells none apart.
    """
    count = min(MOST_FACES, len(encodings.mean))
    spread = encodings.mean.std(axis=0)
    used = spread > LEAST_SPREAD
    if count < FEWEST_FACES or not used.any():
        return {}
    chosen = np.random.default_rng(SEED).choice(len(encodings.mean), count, replace=False)
    real = (encodings.mean[chosen] / np.maximum(spread, LEAST_SPREAD))[:, used]
    scores = {}
    for temperature in tqdm(TEMPERATURES, "Measuring the viewing temperature", delay=1, leave=False):
        again, _ = model.encode_all(model.sample(count, SEED, temperature=temperature))
        drawn = (again / np.maximum(spread, LEAST_SPREAD))[:, used]
        scores[temperature] = _f_score(*precision_and_recall(real, drawn))
    return scores


def best(scores: dict[float, float]) -> float:
    """The temperature with the highest score; where none has any, the usual one."""
    if not any(score > 0.0 for score in scores.values()):
        return VIEWING_TEMPERATURE
    return max(scores, key=scores.__getitem__)


def fingerprint(model: VAE) -> str:
    """A hash of all that samples depend on: both networks and the density."""
    digest = hashlib.sha256(model.sample_from.encode())
    density = model.density
    arrays = [*model.encoder.get_weights(), *model.decoder.get_weights()]
    arrays += [density.weights, density.means, density.scales] if density is not None else []
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _f_score(precision: float, recall: float) -> float:
    weighted = precision / PRECISION_WEIGHT**2 + recall
    return (1.0 + 1.0 / PRECISION_WEIGHT**2) * precision * recall / weighted if weighted else 0.0
