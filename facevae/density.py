"""A Gaussian mixture over latents, fitted after the fact to encoded training faces.

A decoder with a calibrated likelihood uses its latents fully, and N(0,1) then covers regions that no face ever
encodes to. Sampling from a density fitted to the encoded faces brings the samples back (ex-post density estimation:
Ghosh et al., "From Variational to Deterministic Autoencoders", arXiv:1903.12436, section 4).
"""

import dataclasses
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

# Added to the diagonal of each covariance, as a share of the latents' mean variance, so that few faces still give
# an invertible one.
REGULARISATION = 1e-3


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


def fit(
    latents: np.ndarray, components: int, seed: int = 0, start: Mixture | None = None, iterations: int = 100
) -> Mixture:
    """Fits a mixture by expectation maximisation (scikit-learn).

    Args:
        latents: `float32[faces, latent_dim]`: posterior samples of training faces. Rows that are not finite are
            left out.
        components: how many Gaussians; lowered where there are too few faces for them.
        seed: of the initialisation.
        start: an earlier mixture that the fit goes on from.
        iterations: at most so many steps.

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
    # A full covariance needs some faces per dimension to be more than its regularisation.
    components = max(1, min(components, len(latents) // (2 * latents.shape[1] + 2)))
    if start is not None and start.means.shape != (components, latents.shape[1]):
        start = None
    mixture = GaussianMixture(
        components,
        covariance_type="full",
        reg_covar=REGULARISATION * float(latents.var(axis=0).mean()) + 1e-9,
        weights_init=None
        if start is None
        else start.weights.astype(np.float64) / start.weights.sum(dtype=np.float64),
        means_init=None if start is None else start.means,
        precisions_init=None if start is None else _precisions(start.scales),
        max_iter=iterations,
        tol=1e-2,
        random_state=seed,
    )
    # One thread: the matrices are small, and threads that wait for each other cost more than they bring, the more so
    # beside a training.
    with warnings.catch_warnings(), threadpool_limits(1):
        # A bounded number of steps is meant: the next epoch goes on from here.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(latents)
    return Mixture(
        mixture.weights_.astype(np.float32),
        mixture.means_.astype(np.float32),
        np.linalg.cholesky(mixture.covariances_).astype(np.float32),
    )


def _precisions(scales: np.ndarray) -> np.ndarray:
    inverse = np.linalg.inv(scales.astype(np.float64))
    return inverse.transpose(0, 2, 1) @ inverse
