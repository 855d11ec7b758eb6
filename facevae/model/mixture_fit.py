"""Gaussian mixtures fitted by expectation maximisation (Bishop, "Pattern Recognition and Machine Learning", 9.2.2).

scikit-learn's GaussianMixture takes a minute where this takes seconds (`benchmarks/density_speed.py`): here matrices
are float32, tied and diagonal covariances need no product for each component, and a component's covariance is summed
over the faces that belong to it. It also has no prior on covariances, without which a few thousand faces allow few
components.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy.special import logsumexp
from sklearn.cluster import KMeans

# `full`: a covariance for each component, drawn towards the mean of all components' covariances by imaginary faces, so
# many for each dimension: the posterior mode under an inverse Wishart prior (Bishop, 2.155). `tied`: one covariance
# for all components. `diag`: no correlations.
COVARIANCES = ("full", "tied", "diag")
IMAGINARY_FACES = 1.0
# Added to the diagonal of each covariance, as a share of the latents' mean variance, so that it is invertible for few
# faces, too.
REGULARISATION = 1e-3
# Faces below this responsibility are left out of a component's covariance.
_NEGLIGIBLE = 1e-7
_CLUSTER_ITERATIONS = 30
_ROWS = 512  # of latents whose products with all components stay in the processor's caches


@dataclasses.dataclass(frozen=True)
class Fit:
    """A fitted mixture.

    Attributes:
        weights: `float64[components]`, sums to 1.
        means: `float64[components, latent_dim]`.
        factors: Cholesky factors of the covariances, lower triangles: `float64[components, latent_dim, latent_dim]`;
            one alone if they are tied; of diagonal ones the diagonals, `float64[components, latent_dim]`.
    """

    weights: np.ndarray
    means: np.ndarray
    factors: np.ndarray

    @property
    def scales(self) -> np.ndarray:
        """The factors as `float64[components, latent_dim, latent_dim]` whatever their kind."""
        count, dimensions = self.means.shape
        full = self.factors[:, None, :] * np.eye(dimensions) if self.factors.ndim == 2 else self.factors
        return np.broadcast_to(full, (count, dimensions, dimensions))

    def score(self, latents: np.ndarray) -> float:
        """The mean log-likelihood of latents `float32[faces, latent_dim]`, nats."""
        centre = self.means.mean(axis=0)
        return float(_likelihood(_log_joint(*_centred(latents, centre), self, centre)).mean())


def maximise(
    latents: np.ndarray,
    components: int,
    covariance: str,
    seed: int,
    iterations: int,
    tolerance: float,
    start: Fit | None = None,
    after_iteration: Callable[[], object] = lambda: None,
) -> Fit:
    """Fits a mixture.

    Args:
        latents: `float32[faces, latent_dim]`, finite.
        components: how many Gaussians.
        covariance: one of `COVARIANCES`.
        seed: of the clusters from which it starts.
        iterations: the largest number of iterations.
        tolerance: it ends when an iteration raises the mean log-likelihood by less, nats.
        start: an earlier fit with as many components, from which it starts instead.
        after_iteration: called after each.

    Raises:
        ValueError: more components than faces, or a covariance that cannot be inverted.
    """
    centre = latents.mean(axis=0, dtype=np.float64)
    centred, squares = _centred(latents, centre)
    if start is None:
        clusters = KMeans(components, n_init=1, max_iter=_CLUSTER_ITERATIONS, random_state=seed).fit(centred)
        fitted = _maximised(centred, squares, np.eye(components)[clusters.labels_], covariance, centre)
    else:
        fitted = start
    before = -np.inf
    for _ in range(iterations):
        joint = _log_joint(centred, squares, fitted, centre)
        likelihood = _likelihood(joint)
        fitted = _maximised(centred, squares, np.exp(joint - likelihood), covariance, centre)
        after_iteration()
        if likelihood.mean() - before < tolerance:
            break
        before = float(likelihood.mean())
    return fitted


def _centred(latents: np.ndarray, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Latents around 0, where float32 loses nothing, and their squares."""
    centred = np.ascontiguousarray(latents - centre, np.float32)
    return centred, centred**2


def _likelihood(joint: np.ndarray) -> np.ndarray:
    return logsumexp(joint, axis=1, keepdims=True)


def _log_joint(latents: np.ndarray, squares: np.ndarray, fitted: Fit, centre: np.ndarray) -> np.ndarray:
    """log p(latent, component), `float64[faces, components]` (Bishop, equation 9.12)."""
    means, factors, dimensions = fitted.means - centre, fitted.factors, latents.shape[1]
    if factors.ndim == 2:
        precisions = factors**-2.0
        distances = squares @ _float32(precisions.T) - latents @ _float32(2.0 * (means * precisions).T)
        distances = distances + (means**2 * precisions).sum(axis=1)
        log_determinants = 2.0 * np.log(factors).sum(axis=1)
    else:
        whitening = np.linalg.inv(factors).transpose(0, 2, 1)
        log_determinants = 2.0 * np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
        distances = (_distances_tied if len(factors) == 1 else _distances_full)(latents, means, whitening)
    constants = np.log(fitted.weights) - 0.5 * (dimensions * np.log(2.0 * np.pi) + log_determinants)
    return constants - 0.5 * distances


def _distances_tied(latents: np.ndarray, means: np.ndarray, whitening: np.ndarray) -> np.ndarray:
    """Squared Mahalanobis distances `[faces, components]` under one covariance."""
    white, white_means = latents @ _float32(whitening[0]), means @ whitening[0]
    squared = np.einsum("nd,nd->n", white, white)[:, None]
    return squared - white @ _float32(2.0 * white_means.T) + (white_means**2).sum(axis=1)


def _distances_full(latents: np.ndarray, means: np.ndarray, whitening: np.ndarray) -> np.ndarray:
    """Squared Mahalanobis distances `[faces, components]`, each component under its own covariance."""
    count, dimensions = means.shape
    whitening32 = _float32(whitening.transpose(1, 0, 2).reshape(dimensions, -1))
    white_means = _float32(np.einsum("kd,kde->ke", means, whitening).ravel())
    distances = np.empty((len(latents), count), np.float32)
    for first in range(0, len(latents), _ROWS):
        white = latents[first : first + _ROWS] @ whitening32
        white -= white_means
        white = white.reshape(-1, count, dimensions)
        np.einsum("nkd,nkd->nk", white, white, out=distances[first : first + _ROWS])
    return distances


def _maximised(
    latents: np.ndarray,
    squares: np.ndarray,
    responsibilities: np.ndarray,
    covariance: str,
    centre: np.ndarray,
) -> Fit:
    """The mixture of the highest likelihood under given responsibilities (Bishop, equations 9.24 to 9.26)."""
    faces, dimensions = latents.shape
    counts = responsibilities.sum(axis=0) + 10.0 * np.finfo(np.float64).eps
    shares = _float32(responsibilities.T)
    means = (shares @ latents / counts[:, None]).astype(np.float64)
    added = REGULARISATION * float(squares.mean(dtype=np.float64)) + 1e-9
    if covariance == "diag":
        factors = np.sqrt(np.maximum(shares @ squares / counts[:, None] - means**2, 0.0) + added)
    else:
        if covariance == "tied":
            whole = (latents.T @ latents).astype(np.float64) - (means.T * counts) @ means
            covariances = whole[None] / faces
        else:
            scatters = np.stack(
                [_scatter(latents, *part) for part in zip(means, responsibilities.T, strict=True)]
            )
            imagined = IMAGINARY_FACES * dimensions if len(means) > 1 else 0.0
            drawn = scatters + imagined * scatters.sum(axis=0) / faces
            covariances = drawn / (counts + imagined)[:, None, None]
        try:
            factors = np.linalg.cholesky(covariances + added * np.eye(dimensions))
        except np.linalg.LinAlgError as error:
            raise ValueError("a covariance cannot be inverted: too few faces") from error
    return Fit(counts / counts.sum(), means + centre, factors)


def _scatter(latents: np.ndarray, mean: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The weighted sum of the products of deviations from a mean, `float64[latent_dim, latent_dim]`."""
    rows = np.flatnonzero(shares > _NEGLIGIBLE)
    deviations = (latents[rows] - _float32(mean)) * np.sqrt(_float32(shares[rows]))[:, None]
    return (deviations.T @ deviations).astype(np.float64)


def _float32(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, np.float32)
