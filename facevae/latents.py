"""Arithmetic on latents: KL per dimension, attribute directions, interpolation, traversals, tests of normality, and
how two sets overlap.

Pure functions of arrays. `mean` and `log_variance` are the posterior of each face, as `VAE.encode` gives it.
"""

import dataclasses
from typing import Any

import numpy as np

# Where faces are drawn to be looked at, and the run's own best is not known; 1 is all the spread of the density.
VIEWING_TEMPERATURE = 0.8
# The points of a traversal, in standard deviations of the faces.
TRAVERSAL_DEVIATIONS = np.linspace(-3.0, 3.0, 7, dtype=np.float32)


def kl_per_dimension(mean: np.ndarray, log_variance: np.ndarray) -> np.ndarray:
    """KL(N(mean, exp(log_variance)) ‖ N(0, 1)) of each latent dimension, averaged over the faces.

    The closed form for Gaussians: Kingma and Welling, arXiv:1312.6114, appendix B; as
    `facevae.model.losses.kl_from_standard_normal`, which training differentiates.

    Args:
        mean: `float32[faces, latent_dim]`.
        log_variance: `float32[faces, latent_dim]`.

    Returns:
        `float32[latent_dim]`, nats.
    """
    mean, log_variance = np.asarray(mean, np.float64), np.asarray(log_variance, np.float64)
    kl = 0.5 * (np.exp(log_variance) + mean**2 - 1.0 - log_variance)
    return kl.mean(axis=0).astype(np.float32)


def dimensions_by_kl(mean: np.ndarray, log_variance: np.ndarray) -> np.ndarray:
    """The latent dimensions, the most informative (highest KL) first: `int64[latent_dim]`."""
    return np.argsort(-kl_per_dimension(mean, log_variance), kind="stable")


def informative_dimensions(mean: np.ndarray, log_variance: np.ndarray, count: int) -> np.ndarray:
    """At most `count` dimensions of the highest KL, without those that the encoder does not use: `int64[n]`."""
    ordered = dimensions_by_kl(mean, log_variance)
    return ordered[[active_units(mean[:, [dimension]]) == 1 for dimension in ordered]][:count]


def active_units(mean: np.ndarray, threshold: float = 0.01) -> int:
    """How many latent dimensions the encoder uses: those whose posterior mean varies over the faces.

    Burda, Grosse and Salakhutdinov, arXiv:1509.00519, section 5: unit u is active if Cov_x(E[u | x]) > 0.01.

    Args:
        mean: `float32[faces, latent_dim]`.
        threshold: the variance from which a dimension counts.
    """
    return int((np.asarray(mean, np.float64).var(axis=0) > threshold).sum())


def attribute_directions(mean: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    """The direction of each attribute: what to add to a latent so that its face gains the attribute.

    Attributes of photographs are correlated (most bearded faces are male), so the difference of means for one
    attribute also contains the others. Therefore the latents are regressed on all attributes at once: a coefficient
    says how a latent changes with one attribute while the others stay the same. `benchmarks/attribute_directions.md`
    compares this with three other methods.

    Args:
        mean: `float32[faces, latent_dim]`, posterior means.
        attributes: `[faces, attributes]` of 0 and 1.

    Returns:
        `float32[attributes, latent_dim]`, scaled so that strength 1 is the gap between faces without and with
        the attribute. An attribute that all faces have, or none, has the direction 0.

    Raises:
        ValueError: the shapes do not match.
    """
    latents, labels = np.asarray(mean, np.float64), np.asarray(attributes, np.float64)
    if latents.ndim != 2 or labels.ndim != 2 or len(latents) != len(labels) or not len(latents):
        raise ValueError(
            "mean, attributes: expected [faces, latent_dim] and [faces, attributes] of the same faces, "
            f"received {latents.shape} and {labels.shape}."
        )
    latents, labels = latents - latents.mean(axis=0), labels - labels.mean(axis=0)
    # Ridge regression with penalty 1, the weight of one face: two attributes that always occur together share
    # their effect instead of getting huge coefficients, and a constant one gets 0.
    directions = np.linalg.solve(labels.T @ labels + np.eye(labels.shape[1]), labels.T @ latents)
    return directions.astype(np.float32)


def interpolate(start: np.ndarray, end: np.ndarray, steps: int, spherical: bool = False) -> np.ndarray:
    """Latents from `start` to `end`, both included exactly.

    Linear, or along the great circle (slerp: Shoemake, "Animating rotation with quaternion curves", 1985; for
    latents White, arXiv:1609.04468): sin((1−t)Ω)/sin Ω · start + sin(tΩ)/sin Ω · end, Ω the angle between.
    The great circle keeps the norm that is typical of N(0, 1); linear interpolation lowers it in the middle.
    Parallel or opposite latents define no great circle, and are interpolated linearly.

    Args:
        start: `float32[latent_dim]`.
        end: `float32[latent_dim]`.
        steps: number of latents, both ends included; at least 2.
        spherical: along the great circle instead of linearly.

    Returns:
        `float32[steps, latent_dim]`.

    Raises:
        ValueError: fewer than 2 steps, or latents of different shapes.
    """
    start, end = np.asarray(start, np.float32), np.asarray(end, np.float32)
    if start.shape != end.shape or start.ndim != 1:
        raise ValueError(
            f"start, end: expected two latents [latent_dim], received {start.shape} and {end.shape}."
        )
    if steps < 2:
        raise ValueError(f"steps: expected at least 2, both ends included, received {steps}.")
    fraction = np.linspace(0.0, 1.0, steps)[:, None]  # float64[steps, 1]
    start_weight, end_weight = 1.0 - fraction, fraction
    if spherical:
        lengths = np.linalg.norm(start.astype(np.float64)) * np.linalg.norm(end.astype(np.float64))
        cosine = np.clip(np.dot(start.astype(np.float64), end) / lengths, -1.0, 1.0) if lengths else 1.0
        angle = np.arccos(cosine)
        if np.sin(angle) > 1e-6:
            start_weight = np.sin((1.0 - fraction) * angle) / np.sin(angle)
            end_weight = np.sin(fraction * angle) / np.sin(angle)
    latents = (start_weight * start + end_weight * end).astype(np.float32)
    latents[0], latents[-1] = start, end
    return latents


def traversal(latent: np.ndarray, dimension: int, values: np.ndarray) -> np.ndarray:
    """A latent with one dimension set to each of `values`: `float32[values, latent_dim]`.

    Args:
        latent: `float32[latent_dim]`.
        dimension: which dimension.
        values: `float32[values]`, the values that it takes.
    """
    latents = np.repeat(np.asarray(latent, np.float32)[None], len(values), axis=0)
    latents[:, dimension] = values
    return latents


def traversals(
    latent: np.ndarray,
    dimensions: np.ndarray,
    mean: np.ndarray,
    log_variance: np.ndarray,
    deviations: np.ndarray = TRAVERSAL_DEVIATIONS,
) -> np.ndarray:
    """A latent moved along some dimensions, one at a time, through the values that faces have there.

    These are the faces' mean plus `deviations` standard deviations of their aggregate posterior, whose variance is that
    of the posterior means plus the mean of the posterior variances.

    Args:
        latent: `float32[latent_dim]`, the start.
        dimensions: `int64[dimensions]`, see `informative_dimensions`.
        mean: `float32[faces, latent_dim]`, of the posterior of each face.
        log_variance: `float32[faces, latent_dim]`.
        deviations: `float32[deviations]`.

    Returns:
        `float32[dimensions · deviations, latent_dim]`, those of each dimension in turn.
    """
    average, spread = mean.mean(axis=0), np.sqrt(mean.var(axis=0) + np.exp(log_variance).mean(axis=0))
    moved = [traversal(latent, d, average[d] + deviations * spread[d]) for d in dimensions]
    return np.concatenate(moved)


def attribute_edits(latent: np.ndarray, directions: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    """A latent moved along the direction of each attribute by each strength.

    Args:
        latent: `float32[latent_dim]`.
        directions: `float32[attributes, latent_dim]`, see `attribute_directions`.
        strengths: `float[strengths]`; 1 is the gap between faces without and with the attribute.

    Returns:
        `float32[attributes · strengths, latent_dim]`, those of each attribute in turn.
    """
    steps = np.asarray(strengths, np.float32)[:, None] * np.asarray(directions)[:, None]
    return (np.asarray(latent) + steps).reshape(-1, len(latent)).astype(np.float32)


# ------------------------------------------------------------------------------
# Normality
# ------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Normality:
    """Each latent dimension's Kolmogorov-Smirnov test against N(0, 1).

    Attributes:
        distance: `float64[latent_dim]`, the largest difference of the two cumulative distributions.
        rejected: `bool[latent_dim]`, significant at 5 % over all dimensions together (Holm, 1979).
        faces: how many samples were tested.
    """

    distance: np.ndarray
    rejected: np.ndarray
    faces: int

    @property
    def detectable(self) -> float:
        """The distance from which a single dimension is significant at 5 % with so many faces."""
        from scipy.stats import kstwo

        return float(kstwo.isf(0.05, self.faces))

    def __str__(self) -> str:
        return (
            f"N(0,1) is rejected for {self.rejected.sum()} of {len(self.rejected)} dimensions (Kolmogorov-Smirnov, "
            f"5 % over all together, Holm). Distance D: median {np.median(self.distance):.3f}, largest "
            f"{self.distance.max():.3f}; with {self.faces:,} faces a D of {self.detectable:.3f} is already "
            "significant. Each dimension is tested alone: that all pass does not make the latents jointly normal."
        )


def normality(samples: np.ndarray) -> Normality:
    """Tests each dimension of latents against N(0, 1).

    Args:
        samples: `float32[faces, latent_dim]`, one sample of each face's posterior (their means alone are narrower
            than the prior by construction).
    """
    from scipy.stats import kstest

    samples = np.asarray(samples, np.float64)
    tests = [kstest(column, "norm", method="asymp") for column in samples.T]
    p_values = np.array([test.pvalue for test in tests])
    # Holm: from k = 0, the k-th smallest of n p-values is compared with 5 % / (n − k), up to the first that is larger.
    order = np.argsort(p_values)
    passes = p_values[order] > 0.05 / (len(order) - np.arange(len(order)))
    first = np.argmax(passes) if passes.any() else len(order)
    rejected = np.zeros(len(order), bool)
    rejected[order[:first]] = True
    return Normality(np.array([test.statistic for test in tests]), rejected, len(samples))


# ------------------------------------------------------------------------------
# Sets of latents, or of other features
# ------------------------------------------------------------------------------


def precision_and_recall(
    references: np.ndarray, samples: np.ndarray, neighbours: int = 3
) -> tuple[float, float]:
    """Share of samples in the manifold of the references, and of references in the manifold of the samples.

    A set's manifold is the union of balls around its points, whose radius is the distance to the point's k-th nearest
    neighbour in the set: Kynkäänniemi et al., arXiv:1904.06991, section 2, with k = 3 as there.

    Args:
        references: `float[n, d]`.
        samples: `float[m, d]`.
        neighbours: k.

    Raises:
        ValueError: no more than k rows, or values that are not finite.
    """
    references = finite_rows("references", references, neighbours + 1)
    samples = finite_rows("samples", samples, neighbours + 1)
    precision = _share_inside(samples, references, neighbours)
    return precision, _share_inside(references, samples, neighbours)


def _share_inside(points, manifold, neighbours):
    from sklearn.metrics import pairwise_distances_chunked

    def radii(distances, start):  # the nearest is the point itself, at distance 0
        return np.partition(distances, neighbours, axis=1)[:, neighbours]

    def inside(distances, start):
        return (distances <= radius).any(axis=1)

    radius = np.concatenate(list(pairwise_distances_chunked(manifold, reduce_func=radii)))
    found = pairwise_distances_chunked(points, manifold, reduce_func=inside)
    return float(np.concatenate(list(found)).mean())


def finite_rows(name: str, values: Any, least: int = 2, dtype: Any = np.float64) -> np.ndarray:
    """Vectors as an array of this dtype.

    Args:
        name: what they are, for the message.
        values: `[n, d]`.
        least: the smallest n.
        dtype: of NumPy.

    Raises:
        ValueError: fewer rows, another shape, or values that are not finite.
    """
    values = np.asarray(values, dtype)
    if values.ndim != 2 or len(values) < least:
        raise ValueError(
            f"{name}: expected at least {least} rows of features, received the shape {values.shape}."
        )
    if not np.isfinite(values).all():
        raise ValueError(
            f"{name}: expected finite values, received {(~np.isfinite(values)).sum()} that are not."
        )
    return values
