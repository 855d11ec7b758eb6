"""The fitted density in a compact form that is stored inside the decoder file.

A mixture of full covariances over 200 dimensions takes 1.6 MB, more than some decoders. Here all components share
one basis and each keeps its own variances along it: Σ_k = B diag(s_k²) Bᵀ (Gales, "Semi-tied covariance matrices for
hidden Markov models", IEEE Transactions on Speech and Audio Processing 7, 1999). `divergence` measures the loss.
"""

import dataclasses
from statistics import NormalDist

import numpy as np

from facevae.model.density import Mixture


@dataclasses.dataclass(frozen=True)
class CompactMixture:
    """A Gaussian mixture whose covariances share a basis.

    Attributes:
        weights: `float32[components]`, positive, sums to 1.
        means: `float32[components, latent_dim]`.
        deviations: `float32[components, latent_dim]`, s_k.
        basis: `float32[latent_dim, latent_dim]`, B.
    """

    weights: np.ndarray
    means: np.ndarray
    deviations: np.ndarray
    basis: np.ndarray

    def thresholds(self) -> np.ndarray:
        """Values of an N(0, 1) number at which the chosen component changes, `float32[components − 1]`."""
        edges = np.cumsum(self.weights.astype(np.float64))[:-1] / self.weights.sum(dtype=np.float64)
        return np.array(
            [NormalDist().inv_cdf(min(max(edge, 1e-12), 1 - 1e-12)) for edge in edges], np.float32
        )

    def latents(self, noise: np.ndarray) -> np.ndarray:
        """Turns noise into latents, as the exported graphs do.

        Args:
            noise: `float32[count, latent_dim + 1]` of N(0, 1); the last column chooses the component.

        Returns:
            `float32[count, latent_dim]`.
        """
        chosen = (noise[:, -1:] >= self.thresholds()).sum(axis=1)
        return self.means[chosen] + (self.deviations[chosen] * noise[:, :-1]) @ self.basis.T

    def as_mixture(self) -> Mixture:
        """The same density as a mixture with full covariances."""
        factors = self.basis.astype(np.float64) * self.deviations[:, None, :]
        return Mixture(self.weights, self.means, np.linalg.cholesky(factors @ factors.transpose(0, 2, 1)))


def compact(mixture: Mixture, iterations: int = 30) -> CompactMixture:
    """Approximates a mixture by one with a shared basis and the same weights and means.

    Maximises the likelihood of the basis by the quasi-Newton steps of Ablin, Cardoso and Gramfort, "Beyond Pham's
    algorithm for joint diagonalization" (arXiv:1811.11433, section 3).

    Args:
        mixture: the fitted density.
        iterations: the largest number of steps.
    """
    weights = mixture.weights.astype(np.float64) / mixture.weights.sum(dtype=np.float64)
    scales = mixture.scales.astype(np.float64)
    covariances = scales @ scales.transpose(0, 2, 1)
    # Whitening by the average covariance brings all covariances close to the identity.
    variances, vectors = np.linalg.eigh(np.einsum("k,kij->ij", weights, covariances))
    whitening = vectors.T / np.sqrt(variances)[:, None]

    def loss(demixing: np.ndarray, covariances: np.ndarray) -> float:
        diagonals = np.einsum("kii->ki", covariances)
        return 0.5 * float(weights @ np.log(diagonals).sum(axis=1)) - np.linalg.slogdet(demixing)[1]

    demixing, rotated = whitening, whitening @ covariances @ whitening.T
    current = loss(demixing, rotated)
    for _ in range(iterations):
        diagonals = np.einsum("kii->ki", rotated)
        gradient = np.einsum("k,kij->ij", weights, rotated / diagonals[:, :, None])
        np.fill_diagonal(gradient, 0.0)
        curvature = np.einsum("k,kj,ki->ij", weights, diagonals, 1.0 / diagonals)
        step = -(curvature.T * gradient - gradient.T) / np.maximum(curvature * curvature.T - 1.0, 1e-2)
        np.fill_diagonal(step, 0.0)
        for _ in range(10):
            change = np.eye(len(step)) + step
            trial, trial_rotated = change @ demixing, change @ rotated @ change.T
            if (value := loss(trial, trial_rotated)) < current:
                break
            step *= 0.5
        else:
            break
        demixing, rotated, gained, current = trial, trial_rotated, current - value, value
        if gained < 1e-4:
            break
    deviations = np.sqrt(np.einsum("kii->ki", rotated))
    return CompactMixture(
        weights.astype(np.float32),
        mixture.means.astype(np.float32),
        deviations.astype(np.float32),
        np.linalg.inv(demixing).astype(np.float32),
    )


def log_likelihood(latents: np.ndarray, mixture: Mixture) -> np.ndarray:
    """Log density of each latent, `float64[count]`, nats."""
    latents, dimensions = latents.astype(np.float64), latents.shape[1]
    parts = []
    for weight, mean, scale in zip(mixture.weights, mixture.means, mixture.scales, strict=True):
        standardised = np.linalg.solve(scale.astype(np.float64), (latents - mean).T)
        log_determinant = np.log(np.diag(scale).astype(np.float64)).sum()
        parts.append(np.log(float(weight)) - log_determinant - 0.5 * np.square(standardised).sum(axis=0))
    return np.logaddexp.reduce(parts, axis=0) - 0.5 * dimensions * np.log(2.0 * np.pi)


def divergence(mixture: Mixture, compacted: CompactMixture, count: int = 4096, seed: int = 0) -> float:
    """KL(mixture ‖ compacted) in nats per face, estimated from `count` samples of the mixture."""
    latents = mixture.sample(count, seed)
    return float(np.mean(log_likelihood(latents, mixture) - log_likelihood(latents, compacted.as_mixture())))
