"""Linear readings of attributes in latents, and which latents are those of faces: pure functions of arrays."""

import dataclasses

import numpy as np

RIDGE = 1e-3  # of the faces' mean variance, added to that of each dimension
SHARED = 0.3
# Logits beyond it are sure, and how sure makes no difference.
MOST_LOGIT = 12.0


def directions(latents: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    """For each attribute how latents change with it while the others stay: `float64[attributes, latent_dim]`.

    As `facevae.latents.attribute_directions`, a regression of the latents on all attributes at once, but with a
    penalty of `SHARED` of each attribute's variance: keeping attributes apart that mostly come together takes long
    steps away from the faces, which change more than they keep. 0 for an attribute that all faces have, or none.

    Args:
        latents: `float32[faces, latent_dim]`.
        attributes: `[faces, attributes]` of 0 and 1.
    """
    latents, labels = np.asarray(latents, np.float64), np.asarray(attributes, np.float64)
    latents, labels = latents - latents.mean(axis=0), labels - labels.mean(axis=0)
    squares = labels.T @ labels
    penalty = np.diag(SHARED * np.diag(squares) + 1.0)
    return np.linalg.solve(squares + penalty, labels.T @ latents)


def linear_reading(latents: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The linear function of latents nearest to some logits, in the mean square over the faces.

    Args:
        latents: `float32[faces, latent_dim]`.
        logits: `float32[faces, attributes]`.

    Returns:
        `float64[latent_dim, attributes]` and `float64[attributes]`: `latents @ weights + bias` is about `logits`.
    """
    latents = np.asarray(latents, np.float64)
    logits = np.clip(logits, -MOST_LOGIT, MOST_LOGIT).astype(np.float64)
    centre, average = latents.mean(axis=0), logits.mean(axis=0)
    weights = np.linalg.solve(covariance(latents), (latents - centre).T @ (logits - average) / len(latents))
    return weights, average - centre @ weights


def covariance(latents: np.ndarray) -> np.ndarray:
    """`float64[latent_dim, latent_dim]`, with a ridge for dimensions that the model does not use."""
    spread = np.atleast_2d(np.cov(np.asarray(latents, np.float64).T, bias=True))
    return spread + (RIDGE * np.trace(spread) / len(spread) + 1e-9) * np.eye(len(spread))


def balanced_accuracy(said: np.ndarray, has: np.ndarray) -> np.ndarray:
    """The mean accuracy of faces with and without each attribute: `float64[attributes]`.

    Args:
        said: `bool[faces, attributes]`.
        has: `[faces, attributes]` of 0 and 1. Of an attribute that all or none have, nothing can be said: 0.
    """
    has = has > 0
    found = (said & has).sum(axis=0) / np.maximum(has.sum(axis=0), 1)
    refused = (~said & ~has).sum(axis=0) / np.maximum((~has).sum(axis=0), 1)
    return np.where(has.any(axis=0) & ~has.all(axis=0), (found + refused) / 2.0, 0.0)


@dataclasses.dataclass(frozen=True)
class Faces:
    """Where the faces are in latent space.

    Attributes:
        centre: `float64[latent_dim]`, their mean.
        inverse: `float64[latent_dim, latent_dim]`, of their covariance.
        reach: the squared Mahalanobis distance that a given share of them does not exceed.
    """

    centre: np.ndarray
    inverse: np.ndarray
    reach: float

    @classmethod
    def of(cls, latents: np.ndarray, share: float) -> "Faces":
        """Of faces `float32[faces, latent_dim]`, of which `share` are within reach."""
        faces = cls(np.asarray(latents, np.float64).mean(axis=0), np.linalg.inv(covariance(latents)), 0.0)
        return dataclasses.replace(faces, reach=float(np.quantile(faces.distance(latents), share)))

    def distance(self, latents: np.ndarray) -> np.ndarray:
        """The squared Mahalanobis distances of latents `[count, latent_dim]`: `float64[count]`."""
        away = np.asarray(latents, np.float64) - self.centre
        return np.einsum("ni,ij,nj->n", away, self.inverse, away, optimize=True)

    def end(self, latents: np.ndarray, step: np.ndarray, ends: np.ndarray) -> float:
        """The last of the ascending strengths `ends` at which the median of `latents + strength · step` is in reach.

        0 where it is at none.
        """
        inside = [np.median(self.distance(latents + end * step)) <= self.reach for end in ends]
        return float(ends[np.flatnonzero(inside)[-1]]) if any(inside) else 0.0
