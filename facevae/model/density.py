"""A Gaussian mixture over latents, fitted to the encoded training faces.

A decoder with a calibrated likelihood uses its latents fully, and N(0,1) then covers regions that no face ever
encodes to. Samples from a density fitted to the encoded faces stay out of them (ex-post density estimation:
Ghosh et al., "From Variational to Deterministic Autoencoders", arXiv:1903.12436, section 4).
"""

import dataclasses

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from facevae.model.mixture_fit import COVARIANCES, Fit, maximise

# To choose between mixtures: the share of faces held out, how many Gaussians are tried, and for how many iterations.
HELD_OUT = 0.1
COUNTS = (1, 2, 3, 5, 10, 20, 50, 100)
TRIAL_ITERATIONS, TRIAL_TOLERANCE = 15, 0.02
# Of the fit that is kept, in nats.
TOLERANCE = 0.01


@dataclasses.dataclass(frozen=True)
class Mixture:
    """A Gaussian mixture with full covariances, as plain arrays.

    Attributes:
        weights: `float32[components]`, positive, sums to 1.
        means: `float32[components, latent_dim]`.
        scales: `float32[components, latent_dim, latent_dim]`, lower Cholesky factors of the covariances.
    """

    weights: np.ndarray
    means: np.ndarray
    scales: np.ndarray

    def sample(self, count: int, seed: int = 0, temperature: float = 1.0) -> np.ndarray:
        """Latents drawn from the mixture.

        Args:
            count: how many.
            seed: the same seed gives the same latents.
            temperature: factor on the standard deviation within each component; below 1 faces are more typical.

        Returns:
            `float32[count, latent_dim]`.
        """
        random = np.random.default_rng(seed)
        noise = random.standard_normal((count, self.means.shape[1]), dtype=np.float32)
        chosen = np.searchsorted(np.cumsum(self.weights) / self.weights.sum(), random.random(count))
        offsets = np.empty_like(noise)
        for component in np.unique(chosen):
            rows = chosen == component
            offsets[rows] = noise[rows] @ self.scales[component].T
        return self.means[chosen] + np.float32(temperature) * offsets


def choose(latents: np.ndarray, most_components: int, seed: int = 0) -> tuple[Mixture, dict[str, float]]:
    """The mixture with the highest likelihood of held-out faces, refitted to all faces.

    Tries full covariances, one full covariance tied across components, and diagonal covariances, each with more and
    more components for as long as the likelihood of a held-out tenth of the faces rises.

    Args:
        latents: `float32[faces, views, latent_dim]`: each face as it is, mirrored, or drawn from its posterior more
            than once. The views of a face are held out together: they are too alike to test a fit to one by another.
        most_components: the largest number of Gaussians to try.
        seed: of the draw of the held-out faces and the initialisations.

    Returns:
        The mixture, and for each candidate by name the mean log-likelihood of the held-out latents, nats.

    Raises:
        ValueError: fewer than two finite latents.
    """
    faces = latents[np.isfinite(latents).all(axis=(1, 2))].astype(np.float32)
    latents = faces.reshape(-1, faces.shape[-1])
    order = np.random.default_rng(seed).permutation(len(faces))
    held_out, fitted = np.split(faces[order], [int(HELD_OUT * len(faces))])
    if not len(held_out):
        return fit(latents, 1, seed), {}
    held_out, fitted = (part.reshape(-1, faces.shape[-1]) for part in (held_out, fitted))
    with _Progress([count for count in COUNTS if count <= most_components]) as progress:
        trials = _trials(fitted, held_out, seed, progress)
        found = {name: score for name, (score, _) in trials.items()}
        best = max(found, key=found.__getitem__)
        trial, covariance = trials[best][1], best.split()[1]
        progress.begin(covariance, len(trial.weights), is_last=True)
        final = maximise(
            latents,
            len(trial.weights),
            covariance,
            seed,
            TRIAL_ITERATIONS,
            TOLERANCE,
            trial,
            progress.after_iteration,
        )
    return _mixture(final), found


def _trials(
    fitted: np.ndarray, held_out: np.ndarray, seed: int, progress: "_Progress"
) -> dict[str, tuple[float, Fit]]:
    """The candidates by name: the mean log-likelihood of the held-out latents, nats, and the fit."""
    found: dict[str, tuple[float, Fit]] = {}
    for covariance in COVARIANCES:
        before = -np.inf
        # One tied covariance is one full one.
        for count in progress.counts[1:] if covariance == "tied" else progress.counts:
            progress.begin(covariance, count)
            try:
                trial = maximise(
                    fitted,
                    count,
                    covariance,
                    seed,
                    TRIAL_ITERATIONS,
                    TRIAL_TOLERANCE,
                    after_iteration=progress.after_iteration,
                )
            # More Gaussians than faces, or so few faces that a covariance is singular.
            except ValueError:
                break
            score = trial.score(held_out)
            found[f"{count} {covariance}"] = score, trial
            if score <= before:
                break
            before = score
    return found


class _Progress:
    """The bar of `choose`: what is still to be done, counted in products with a matrix for each iteration."""

    def __init__(self, counts: list[int]):
        self.counts = counts
        self._left = {(covariance, count): 1.0 for covariance in COVARIANCES for count in counts}
        self._bar = tqdm(total=self._work(), desc="Choosing the density", unit="step", delay=0.5, leave=False)

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def begin(self, covariance: str, count: int, is_last: bool = False) -> None:
        """Begins a fit: what comes before it in the order of trials, or all if it is the last, is done or left out."""
        self._now = covariance, count
        for candidate in list(self._left):
            if candidate == self._now and not is_last:
                break
            self._left[candidate] = 0.0
        if is_last:
            self._left[self._now] = 1.0
        self._bar.total = self._bar.n + self._work()

    def after_iteration(self) -> None:
        covariance, count = self._now
        self._left[self._now] = max(0.0, self._left[self._now] - 1.0 / TRIAL_ITERATIONS)
        self._bar.update(count if covariance == "full" else 1)

    def _work(self) -> float:
        return sum(
            left * TRIAL_ITERATIONS * (count if covariance == "full" else 1)
            for (covariance, count), left in self._left.items()
        )


def summary(tried: dict[str, float]) -> str:
    """One sentence: the best candidate that `choose` tried, and its lead over the second best."""
    if not tried:
        return "Too few faces to choose between mixtures: one Gaussian."
    best, *others = sorted(tried, key=tried.__getitem__, reverse=True)
    runner_up = (
        f", {tried[best] - tried[others[0]]:.1f} nats per held-out face ahead of {others[0]}"
        if others
        else ""
    )
    return f"Gaussians and covariance chosen: {best}{runner_up}."


def fit(
    latents: np.ndarray,
    components: int,
    seed: int = 0,
    start: Mixture | None = None,
    iterations: int = 100,
    threads: int | None = None,
) -> Mixture:
    """Fits a mixture with full covariances by expectation maximisation.

    Args:
        latents: `float32[faces, latent_dim]`: posterior samples of training faces. Rows that are not finite are
            left out.
        components: how many Gaussians; lowered where there are too few faces for them.
        seed: of the initialisation.
        start: an earlier mixture, from which the fit starts.
        iterations: the largest number of iterations.
        threads: how many threads it may use; None for one on each core.

    Returns:
        The mixture.

    Raises:
        ValueError: fewer than two finite rows.
    """
    latents = latents[np.isfinite(latents).all(axis=1)].astype(np.float32)
    if len(latents) < 2:
        raise ValueError(
            f"latents: expected at least 2 finite rows to fit a density to, received {len(latents)}."
        )
    dimensions = latents.shape[1]
    # With too few faces per dimension a full covariance would be little more than its regularisation.
    components = max(1, min(components, len(latents) // (2 * dimensions + 2)))
    earlier = None
    if start is not None and start.means.shape == (components, dimensions):
        weights = start.weights.astype(np.float64)
        earlier = Fit(
            weights / weights.sum(), start.means.astype(np.float64), start.scales.astype(np.float64)
        )
    with threadpool_limits(threads):
        return _mixture(maximise(latents, components, "full", seed, iterations, TOLERANCE, earlier))


def _mixture(found: Fit) -> Mixture:
    return Mixture(*(part.astype(np.float32) for part in (found.weights, found.means, found.scales)))
