"""A map of encoded faces in two dimensions, and how well it groups them by attribute."""

from collections.abc import Sequence

import numpy as np

# Chosen by measurement on 4,000 encoded photographs of 200 dimensions. An exaggeration of 4 instead of 12 gives the
# lower divergence and groups the attributes better (mean `map_agreement` 0.197 against 0.189); coarser trees and 500
# instead of 750 iterations give the same quality in half the time; perplexities from 15 to 50, and all 200 dimensions
# instead of 50 components, differ by less than 0.01.
MAP_COMPONENTS, MAP_PERPLEXITY, MAP_EXAGGERATION, MAP_ITERATIONS, MAP_ANGLE = 50, 30.0, 4.0, 500, 0.7

# Of attributes that are shown beside each other.
MOST_CORRELATION = 0.5


def two_dimensional_map(mean: np.ndarray, seed: int = 0) -> np.ndarray:
    """A t-SNE map of the latents in two dimensions, in which faces with similar latents lie close together.

    It maps the principal components by scikit-learn's Barnes-Hut approximation of van der Maaten and Hinton,
    "Visualizing data using t-SNE" (2008); started from the first two principal components, as Kobak and Berens advise
    (arXiv:1902.05804). Distances between distant groups, and the sizes of groups, have no meaning in such a map.

    Args:
        mean: `float32[faces, latent_dim]`, posterior means; at least 5 faces.
        seed: of the principal components and the optimisation.

    Returns:
        `float32[faces, 2]`.

    Raises:
        ValueError: fewer than 5 faces.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    mean = np.asarray(mean, np.float32)
    if len(mean) < 5:
        raise ValueError(f"mean: expected at least 5 faces to lay out, received {len(mean)}.")
    components = min(MAP_COMPONENTS, *mean.shape)
    reduced = PCA(components, random_state=seed).fit_transform(mean)
    if components < 2:
        reduced = np.pad(reduced, [(0, 0), (0, 1)])
    layout = TSNE(
        perplexity=min(MAP_PERPLEXITY, (len(mean) - 1) / 3),
        early_exaggeration=MAP_EXAGGERATION,
        max_iter=MAP_ITERATIONS,
        angle=MAP_ANGLE,
        init=reduced[:, :2] / max(reduced[:, 0].std(), 1e-12) * 0.1,
        random_state=seed,
        n_jobs=-1,
    )
    # For few faces, the threads spend more time waiting for each other after every small step than they save, and
    # far more on a busy machine.
    with threadpool_limits(1 if len(mean) < 2000 else None, user_api="openmp"):
        return layout.fit_transform(reduced)


def map_agreement(positions: np.ndarray, attributes: np.ndarray, neighbours: int = 20) -> np.ndarray:
    """How well a map groups the faces by each attribute.

    Args:
        positions: `float32[faces, 2]`.
        attributes: `[faces, attributes]` of 0 and 1.
        neighbours: how many nearest neighbours of each face in the map are counted.

    Returns:
        `float32[attributes]`: the correlation between having an attribute and the fraction of neighbours that have it;
        0 if the map does not group by it, at most 1.
    """
    from sklearn.neighbors import NearestNeighbors

    neighbours = min(neighbours, len(positions) - 1)
    nearest = NearestNeighbors(n_neighbors=neighbours).fit(positions).kneighbors(return_distance=False)
    labels = np.asarray(attributes, np.float32)
    fractions = labels[nearest].mean(axis=1)
    labels, fractions = labels - labels.mean(axis=0), fractions - fractions.mean(axis=0)
    scale = np.sqrt((labels**2).sum(axis=0) * (fractions**2).sum(axis=0))
    return (labels * fractions).sum(axis=0) / np.where(scale > 0.0, scale, 1.0)


def different_in_kind(
    attributes: np.ndarray, names: Sequence[str], agreement: np.ndarray, count: int = 6
) -> np.ndarray:
    """The attributes that a map groups best, each of another kind.

    None shares a word, such as Hair, with a better one, or nearly its faces, as lipstick and make-up do.

    Args:
        attributes: `uint8[faces, attributes]`, 0 or 1.
        names: of the attributes.
        agreement: of each attribute, as `map_agreement` returns it.
        count: how many; where there are fewer kinds, the next best follow.

    Returns:
        `int64[count]`, indices of attributes.
    """
    best = np.argsort(-agreement)
    kinds: set[str] = set()
    chosen: list[int] = []
    for index in best:
        words = {word for word in names[index].lower().split("_") if len(word) > 2}
        is_told = 0 < attributes[:, index].mean() < 1
        if is_told and kinds.isdisjoint(words) and not _is_like(attributes, index, chosen):
            kinds |= words
            chosen.append(index)
    return np.array([*chosen, *(index for index in best if index not in chosen)][:count])


def _is_like(attributes: np.ndarray, index: int, others: list[int]) -> bool:
    shared = (abs(np.corrcoef(attributes[:, index], attributes[:, other])[0, 1]) for other in others)
    return any(correlation > MOST_CORRELATION for correlation in shared)
