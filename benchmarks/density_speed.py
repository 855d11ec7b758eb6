"""Choosing the density, beside the same choice with scikit-learn: python benchmarks/density_speed.py RUN_DIR

Both search Gaussian mixtures of the run's encoded training faces and their mirror images, in turns: facevae's
`density.choose`, and scikit-learn's GaussianMixture in the search that version 0.1 made (20 iterations a candidate,
full, tied and diagonal covariances, one thread). The held-out faces are the same. The table goes to
benchmarks/density_speed.md, one section for each data set.
"""

import argparse
import pathlib
import statistics
import time
import warnings

import numpy as np
from measuring import machine, write_section
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from facevae.command_line.text_table import markdown
from facevae.model import density
from facevae.model.mixture_fit import COVARIANCES, REGULARISATION
from facevae.run.encodings import encode_faces
from facevae.run.opened_run import OpenedRun

TABLE = pathlib.Path(__file__).with_suffix(".md")
TITLE = "# Choosing the density\n\nMade by `python benchmarks/density_speed.py RUN_DIR`.\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run_dir", help="folder of a finished run")
    parser.add_argument("--rounds", type=int, default=3, help="of each side (default: 3)")
    parser.add_argument("--plain", action="store_true", help="without mirror images")
    flags = parser.parse_args()
    opened = OpenedRun(flags.run_dir)
    encodings = opened.training_encodings
    views = [encodings.sample(0)]
    if not flags.plain:
        views.append(encode_faces(opened.model, opened.dataset.train, mirrored=True).sample(1))
    latents = np.stack(views, axis=1)
    sides = {"facevae": of_facevae, "scikit-learn": of_scikit_learn}
    results = {name: [] for name in sides}
    for _ in range(flags.rounds):
        for name, choose in sides.items():
            begin = time.perf_counter()
            chosen, score = choose(latents, opened.config.density_components)
            results[name].append((time.perf_counter() - begin, chosen, score))
    seconds = {name: statistics.median(run[0] for run in runs) for name, runs in results.items()}
    rows = [
        (
            name,
            f"{seconds[name]:.1f}",
            f"{seconds[name] / seconds['scikit-learn']:.2f}",
            runs[0][1],
            f"{runs[0][2]:.2f}",
        )
        for name, runs in results.items()
    ]
    what = f"{len(latents):,} faces{'' if flags.plain else ' and their mirror images'}"
    text = f"{machine()}. {what} in {latents.shape[-1]} dimensions; medians of {flags.rounds} rounds in turns.\n\n"
    text += markdown(("", "seconds", "ratio", "chosen", "held-out log-likelihood, nats a face"), rows)
    write_section(TABLE, TITLE, f"{opened.dataset.name}, {what}", text)


def of_facevae(latents: np.ndarray, most_components: int) -> tuple[str, float]:
    """The mixture that facevae chooses, and its mean log-likelihood of the held-out faces after the trial."""
    _, tried = density.choose(latents, most_components)
    best = max(tried, key=tried.__getitem__)
    return best, tried[best]


def of_scikit_learn(latents: np.ndarray, most_components: int) -> tuple[str, float]:
    """The same search and the fit to all faces with scikit-learn."""
    order = np.random.default_rng(0).permutation(len(latents))
    held_out, fitted = np.split(latents[order].astype(np.float64), [int(density.HELD_OUT * len(latents))])
    held_out, fitted = (part.reshape(-1, part.shape[-1]) for part in (held_out, fitted))
    tried = {}
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for covariance in COVARIANCES:
            before = -np.inf
            for count in (count for count in density.COUNTS if count <= most_components):
                if (count, covariance) == (1, "tied"):  # one full covariance
                    continue
                mixture = gaussian_mixture(fitted, count, covariance, 20).fit(fitted)
                score = tried[count, covariance] = mixture.score(held_out)
                if score <= before:
                    break
                before = score
        count, covariance = max(tried, key=tried.__getitem__)
        whole = latents.reshape(-1, latents.shape[-1]).astype(np.float64)
        gaussian_mixture(whole, count, covariance, 100).fit(whole)
    return f"{count} {covariance}", tried[count, covariance]


def gaussian_mixture(latents: np.ndarray, count: int, covariance: str, iterations: int) -> GaussianMixture:
    """scikit-learn's mixture, as version 0.1 fitted it."""
    added = REGULARISATION * float(latents.var(axis=0).mean()) + 1e-9
    return GaussianMixture(
        count, covariance_type=covariance, reg_covar=added, max_iter=iterations, tol=1e-2, random_state=0
    )


if __name__ == "__main__":
    main()
