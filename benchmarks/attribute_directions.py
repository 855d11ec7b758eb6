"""Which attribute directions change only their attribute?

For a run trained on synthetic faces (`python benchmarks/attribute_directions.py RUN_DIR`), whose attributes are
correlated on purpose. A classifier trained on rendered faces (sharp and blurred ones, since decoded faces are soft)
reads decoded edits: for each attribute, each test face is moved towards the opposite of what it has, by each method and
strength. Counts how often the target attribute and each of the others differ from the classifier's reading of the
unedited reconstruction. Attributes that the classifier cannot read from reconstructions (balanced accuracy below 0.75)
are left out and named. The results are in `attribute_directions.md`.
"""

import argparse

import keras
import numpy as np
from tqdm import tqdm

from facevae.command_line.ending import exit_on_user_error
from facevae.command_line.text_table import markdown
from facevae.exploration import Exploration
from facevae.latents import attribute_directions
from facevae.run.opened_run import add_data_flags, open_from_flags

STRENGTHS = (0.5, 1.0, 1.5, 2.0, 3.0)
WANTED = 0.7  # target flips at which the methods are compared
READABLE = 0.75
CORRELATED = 0.1  # absolute correlation coefficient above which `orthogonal` treats attributes as correlated


# -----------------------------------------------------------------------------------------------------------------
# Directions
# -----------------------------------------------------------------------------------------------------------------


def difference(mean: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    """The mean of the faces with an attribute minus that of those without: `float32[attributes, latent_dim]`.

    Args:
        mean: `float32[faces, latent_dim]`, posterior means.
        attributes: `[faces, attributes]` of 0 and 1.
    """
    return gaps(*centred(mean, attributes)).astype(np.float32)


def orthogonal(mean: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    """The `difference` without its components along the differences of correlated attributes.

    Shen et al., arXiv:1907.10786, section 2.2, with class means in place of hyperplanes.
    """
    latents, labels = centred(mean, attributes)
    differences = gaps(latents, labels)
    norms = np.linalg.norm(labels, axis=0)
    correlations = (labels.T @ labels) / np.maximum(np.outer(norms, norms), 1e-12)
    directions = differences.copy()
    for index, gap in enumerate(differences):
        others = np.abs(correlations[index]) > CORRELATED
        others[index] = False
        along = differences[others].T  # [latent_dim, others]
        directions[index] -= along @ np.linalg.lstsq(along, gap, rcond=1e-6)[0]
    return directions.astype(np.float32)


def classifier_normals(mean: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    """The normals of logistic regressions, with the length of the gap between the class means along them."""
    from sklearn.linear_model import LogisticRegression

    latents, labels = centred(mean, attributes)
    spread = latents.std(axis=0)
    spread[spread == 0.0] = 1.0
    normals = np.zeros((labels.shape[1], latents.shape[1]))
    for index, label in enumerate((labels > 0.0).T):
        if label.any() and not label.all():
            # Standardised latents, so that the regularisation treats all dimensions alike.
            classifier = LogisticRegression(C=0.1, max_iter=1000).fit(latents / spread, label)
            normals[index] = classifier.coef_[0] / spread
    squares = (normals**2).sum(axis=1, keepdims=True)
    lengths = (gaps(latents, labels) * normals).sum(axis=1, keepdims=True)
    scales = np.divide(lengths, squares, out=np.zeros_like(lengths), where=squares > 0.0)
    return (normals * scales).astype(np.float32)


def centred(mean: np.ndarray, attributes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Latents and attributes without their means, float64."""
    latents, labels = np.asarray(mean, np.float64), np.asarray(attributes, np.float64)
    return latents - latents.mean(axis=0), labels - labels.mean(axis=0)


def gaps(latents: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The differences of class means `[attributes, latent_dim]`, from centred latents and labels."""
    # The slope of a regression on a single 0/1 variable is the difference of the two means.
    squares = (labels**2).sum(axis=0)[:, None]
    zeros = np.zeros((labels.shape[1], latents.shape[1]))
    return np.divide(labels.T @ latents, squares, out=zeros, where=squares > 0)


METHODS = {
    "joint": attribute_directions,
    "difference": difference,
    "orthogonal": orthogonal,
    "classifier": classifier_normals,
}


# -----------------------------------------------------------------------------------------------------------------
# The classifier that reads decoded edits
# -----------------------------------------------------------------------------------------------------------------


def build_classifier(image_size: int, attributes: int) -> keras.Model:
    """A small convolutional network from uint8 images to logits."""
    layers = [keras.Input((image_size, image_size, 3)), keras.layers.Rescaling(1 / 127.5, -1.0)]
    for channels in (32, 64, 96, 128):
        layers += [
            keras.layers.Conv2D(channels, 3, strides=2, padding="same"),
            keras.layers.BatchNormalization(momentum=0.9),
            keras.layers.ReLU(),
        ]
    return keras.Sequential([*layers, keras.layers.Flatten(), keras.layers.Dense(attributes)])


def train_classifier(images: np.ndarray, labels: np.ndarray, epochs: int, seed: int) -> keras.Model:
    """Trains on every image, sharp and blurred."""
    keras.utils.set_random_seed(seed)
    model = build_classifier(images.shape[1], labels.shape[1])
    steps = epochs * (2 * len(images) // 64)
    schedule = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    model.compile(keras.optimizers.Adam(schedule), keras.losses.BinaryCrossentropy(from_logits=True))
    both = np.concatenate([images, blurred(images)])
    model.fit(both, np.tile(labels, (2, 1)).astype(np.float32), batch_size=64, epochs=epochs, verbose=2)
    return model


def blurred(images: np.ndarray) -> np.ndarray:
    """Images averaged over 3×3 pixels, about as soft as reconstructions."""
    soft = images.astype(np.float32)
    for axis in (1, 2):
        soft = (np.roll(soft, 1, axis) + soft + np.roll(soft, -1, axis)) / 3.0
    return np.round(soft).astype(np.uint8)


def read(classifier: keras.Model, images: np.ndarray) -> np.ndarray:
    """The attributes that the classifier finds in images in [0, 1], `bool[faces, attributes]`."""
    return classifier.predict(np.round(images * 255.0), batch_size=256, verbose=0) > 0.0


def balanced_accuracy(said: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The mean of the two classes' accuracies, for each attribute."""
    labels = labels.astype(bool)
    found = (said & labels).sum(axis=0) / np.maximum(labels.sum(axis=0), 1)
    refused = (~said & ~labels).sum(axis=0) / np.maximum((~labels).sum(axis=0), 1)
    return (found + refused) / 2.0


def flips(
    explored, classifier, latents, before, directions, targets, strength
) -> tuple[np.ndarray, np.ndarray]:
    """Share of faces whose target flipped, and share of the other readable attributes that did, for each target."""
    target_flips, other_flips = [], []
    for target in targets:
        towards = np.where(before[:, target], -1.0, 1.0)[:, None].astype(np.float32)
        after = read(classifier, explored.model.decode_all(latents + strength * towards * directions[target]))
        changed = (after != before)[:, targets]
        place = targets.tolist().index(target)
        target_flips.append(changed[:, place].mean())
        other_flips.append(np.delete(changed, place, axis=1).mean())
    return np.array(target_flips), np.array(other_flips)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run_dir", help="a run trained on synthetic_faces")
    parser.add_argument("--faces", type=int, default=200, help="test faces that are edited (default: 200)")
    parser.add_argument("--epochs", type=int, default=6, help="of the classifier (default: 6)")
    add_data_flags(parser)
    arguments = parser.parse_args()
    explored = Exploration(open_from_flags(arguments))
    dataset, encodings = explored.dataset, explored.opened.training_encodings
    names = np.array(dataset.attribute_names)

    classifier = train_classifier(
        dataset.train.images(slice(None)), dataset.train.attributes(slice(None)), arguments.epochs, seed=0
    )
    test = dataset.test.images(slice(None))
    labels = dataset.test.attributes(slice(None))
    on_faces = balanced_accuracy(read(classifier, test / 255.0), labels)
    latents = explored.encode(test)
    reconstructed = read(classifier, explored.model.decode_all(latents))
    on_reconstructions = balanced_accuracy(reconstructed, labels)
    targets = np.flatnonzero(on_reconstructions >= READABLE)
    left_out = ", ".join(names[on_reconstructions < READABLE]) or "none"
    print(f"Classifier, balanced accuracy: {on_faces.mean():.3f} on rendered test faces, ", end="")
    print(f"{on_reconstructions.mean():.3f} on reconstructions. Left out: {left_out}.\n")

    latents, before = latents[: arguments.faces], reconstructed[: arguments.faces]
    rows = []
    for name, method in METHODS.items():
        directions = method(encodings.mean, encodings.attributes)
        cells, curve = [], [(0.0, 0.0)]
        for strength in tqdm(STRENGTHS, desc=name, leave=False):
            target, others = flips(explored, classifier, latents, before, directions, targets, strength)
            curve.append((target.mean(), others.mean()))
            cells.append(f"{target.mean():.1%} / {others.mean():.1%}")
        reached, cost = np.array(curve).T
        at_wanted = f"{np.interp(WANTED, reached, cost):.1%}" if reached.max() >= WANTED else "not reached"
        rows.append((name, *cells, at_wanted))
    strengths = (f"target / others at {strength:g}" for strength in STRENGTHS)
    print(markdown(("method", *strengths, f"others at {WANTED:.0%} target flips"), rows))


if __name__ == "__main__":
    with exit_on_user_error():
        main()
