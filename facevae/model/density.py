"""A Gaussian mixture over latents, fitted to the encoded training faces.

A decoder with a calibrated likelihood uses its latents fully, and N(0,1) then covers regions that no face ever
encodes to. Samples from a density fitted to the encoded faces stay out of them (ex-post density estimation:
Ghosh et al., "From Variational to Deterministic Autoencoders", arXiv:1903.12436, section 4).
"""

import contextlib
import dataclasses
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits
from tqdm import tqdm

# Added to the diagonal of each covariance, as a share of the latents' mean variance, so that it is invertible for few
# faces, too.
REGULARISATION = 1e-3
# To choose between mixtures: the share of faces held out, and the iterations of each candidate's fit.
HELD_OUT = 0.1
TRIAL_ITERATIONS = 20
COVARIANCES = ("full", "tied", "diag")


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
    faces = latents[np.isfinite(latents).all(axis=(1, 2))].astype(np.float64)
    latents = faces.reshape(-1, faces.shape[-1])
    order = np.random.default_rng(seed).permutation(len(faces))
    held_out, fitted = np.split(faces[order], [int(HELD_OUT * len(faces))])
    if not len(held_out):
        return fit(latents, 1, seed), {}
    held_out, fitted = (part.reshape(-1, faces.shape[-1]) for part in (held_out, fitted))
    counts = [count for count in (1, 2, 3, 5, 10, 20, 50, 100) if count <= most_components]
    found: dict[str, float] = {}
    choices = {}
    with tqdm(
        total=len(COVARIANCES), desc="Choosing the density", unit="kind", delay=2, leave=False
    ) as progress:
        for covariance in COVARIANCES:
            before = -np.inf
            # One tied covariance is one full one.
            for count in counts[1:] if covariance == "tied" else counts:
                name = f"{count} {covariance}"
                try:
                    with _quiet_single_thread():
                        trial = _mixture(fitted, count, seed, TRIAL_ITERATIONS, covariance).fit(fitted)
                        found[name] = float(trial.score(held_out))
                # More Gaussians than faces, or so few faces that a covariance is singular.
                except ValueError:
                    break
                choices[name] = count, covariance
                if found[name] <= before:
                    break
                before = found[name]
            progress.update()
    count, covariance = choices[max(found, key=found.__getitem__)]
    return fit(latents, count, seed, covariance=covariance), found


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
    covariance: str = "full",
) -> Mixture:
    """Fits a mixture by expectation maximisation (scikit-learn).

    Args:
        latents: `float32[faces, latent_dim]`: posterior samples of training faces. Rows that are not finite are
            left out.
        components: how many Gaussians; lowered where there are too few faces for them.
        seed: of the initialisation.
        start: an earlier mixture with full covariances, from which the fit starts.
        iterations: the largest number of iterations.
        covariance: `full`, `tied` (one for all components) or `diag`.

    Returns:
        The mixture.

    Raises:
        ValueError: fewer than two finite rows.
    """
    latents = latents[np.isfinite(latents).all(axis=1)].astype(np.float64)
    if len(latents) < 2:
        raise ValueError(
            f"latents: expected at least 2 finite rows to fit a density to, received {len(latents)}."
        )
    dimensions = latents.shape[1]
    # With too few faces per dimension a full covariance would be little more than its regularisation.
    components = max(1, min(components, len(latents) // (2 * dimensions + 2 if covariance == "full" else 2)))
    mixture = _mixture(latents, components, seed, iterations, covariance)
    if start is not None and start.means.shape == (components, dimensions):
        mixture.set_params(
            weights_init=start.weights.astype(np.float64) / start.weights.sum(dtype=np.float64),
            means_init=start.means,
            precisions_init=_precisions(start.scales),
        )
    with _quiet_single_thread():
        mixture.fit(latents)
    covariances = mixture.covariances_
    if covariance == "diag":
        covariances = covariances[:, None, :] * np.eye(dimensions)
    covariances = np.broadcast_to(covariances, (components, dimensions, dimensions))
    return Mixture(
        mixture.weights_.astype(np.float32),
        mixture.means_.astype(np.float32),
        np.linalg.cholesky(covariances).astype(np.float32),
    )


def _mixture(latents, components, seed, iterations, covariance):
    return GaussianMixture(
        components,
        covariance_type=covariance,
        reg_covar=REGULARISATION * float(latents.var(axis=0).mean()) + 1e-9,
        max_iter=iterations,
        tol=1e-2,
        random_state=seed,
    )


@contextlib.contextmanager
def _quiet_single_thread():
    # One thread: the matrices are small, so synchronising threads costs more than it saves, most of all beside a
    # training.
    with warnings.catch_warnings(), threadpool_limits(1):
        # Stopping before convergence is intended: the fit after the next epoch starts from this one.
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def _precisions(scales: np.ndarray) -> np.ndarray:
    inverse = np.linalg.inv(scales.astype(np.float64))
    return inverse.transpose(0, 2, 1) @ inverse
