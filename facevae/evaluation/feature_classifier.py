"""A small classifier, whose features are used to compare sets of faces.

It learns the attributes of faces, and at the same time how much faces have been blurred or otherwise degraded: features
that were trained on attributes alone hardly change where faces lose their detail.

It is trained on the training split alone, with a fixed seed, and saved beside the prepared records, so that all runs
on the same records are evaluated with the same classifier.
"""

import dataclasses
import hashlib
import json
import pathlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from tqdm import tqdm

from facevae.data import FaceDataset, Records
from facevae.evaluation.degradations import KINDS, degraded
from facevae.evaluation.metric import FEATURES_VERSION
from facevae.files import locked, whole_file
from facevae.files.untrusted import parse_json, read_arrays
from facevae.model.batches import in_batches
from facevae.model.layers import BatchNormalization
from facevae.model.optimizers import Adam

VERSION = (
    2  # of the features: distances in features of different versions are not comparable; 0.1 had version 1
)
ARCHITECTURE = (
    "4x4 convolution of stride 4, then 3x3 ones of stride 2 down to 4x4; 64 channels down to 16x16, 96 at 8x8, 128 at "
    "4x4, each with BatchNorm and ReLU; mean over positions: 128 features; one logit for each attribute and for each "
    f"way in which faces are degraded ({', '.join(KINDS)})"
)
SEED = 0
EPOCHS, MOST_STEPS, BATCH, LEARNING_RATE = 15, 1000, 64, 3e-3
DEGRADED = 20  # of a batch
DEGRADATION_WEIGHT = 0.6  # of their loss beside that of the attributes


@dataclasses.dataclass(frozen=True)
class FeatureClassifier:
    """A trained classifier.

    Attributes:
        network: from uint8 images to features, logits of the attributes and logits of the degradations.
        details: saved with an evaluation: version, architecture, seed, steps, the SHA-256 of the weights, and the
            balanced accuracy on the validation split, averaged over the attributes (1/2 is chance; None if no
            attribute has validation faces both with and without it).
    """

    network: keras.Model
    details: dict[str, Any]

    def features(self, images: np.ndarray) -> np.ndarray:
        """Features `float32[count, 128]` of images `uint8[count, size, size, 3]`, computed in batches."""
        return in_batches(lambda batch: self.network(batch, training=False)[0], images)[0]


def cached_classifier(dataset: FaceDataset) -> FeatureClassifier:
    """The classifier of a prepared data set: loaded from the file beside its records, or trained and saved there.

    Where it cannot be saved, a line says so.

    Args:
        dataset: with attributes, as `facevae.data.prepare` returned it.
    """
    path = classifier_path(dataset)
    classifier = _loaded(path, dataset)
    if classifier is None:
        try:
            classifier = _trained_and_saved(path, dataset)
        except OSError as error:
            print(
                f"{path}: not kept ({error.strerror or error}); the feature classifier is trained each time."
            )
            classifier = train_classifier(dataset.train, dataset.validation)
    return classifier


def _trained_and_saved(path, dataset):
    taken = f"Another process is training the feature classifier of {dataset.name}: waiting for it."
    with locked(f"{path}.lock", taken, wait=True):
        classifier = _loaded(path, dataset)
        if classifier is None:
            classifier = train_classifier(dataset.train, dataset.validation)
            with whole_file(path) as aside:
                weights = {f"weight_{i:03d}": w for i, w in enumerate(classifier.network.get_weights())}
                np.savez(aside, details=np.array(json.dumps(classifier.details)), **weights)
    return classifier


def classifier_path(dataset: FaceDataset) -> pathlib.Path:
    """The file of a data set's classifier; its name depends on all that it learns from, and on its settings."""
    learned_from = [dataset.train.fingerprint, dataset.validation.fingerprint, dataset.attribute_names]
    key = [
        VERSION,
        ARCHITECTURE,
        SEED,
        DEGRADED,
        DEGRADATION_WEIGHT,
        EPOCHS,
        MOST_STEPS,
        BATCH,
        LEARNING_RATE,
        dataset.image_size,
        *learned_from,
    ]
    digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:12]
    return dataset.folder.with_name(f"{dataset.folder.name}-classifier-{digest}.npz")


def _loaded(path, dataset):
    if not path.exists():
        return None
    network = build_network(dataset.image_size, len(dataset.attribute_names))
    try:
        stored = read_arrays(path, sum(weight.nbytes for weight in network.get_weights()) + 2**20)
        details = parse_json(str(stored["details"]))
        network.set_weights([stored[name] for name in sorted(stored) if name != "details"])
    except (OSError, ValueError, KeyError):
        return None  # a damaged file is replaced, as if it were missing
    if not isinstance(details, dict) or details.get("sha256") != weights_hash(network):
        return None
    return FeatureClassifier(network, details)


def build_network(image_size: int, attributes: int) -> keras.Model:
    """The untrained network, with the same initial weights each time."""
    images = keras.Input((image_size, image_size, 3), name="image")
    x = layers.Rescaling(1.0 / 255.0, -0.5, dtype="float32")(images)
    side, stride = image_size, 4
    while side > 4:
        side //= stride
        kernel = keras.initializers.HeNormal(seed=SEED + side)
        filters = {4: 128, 8: 96}.get(side, 64)
        size = max(stride, 3)
        x = layers.Conv2D(
            filters, size, stride, "same", use_bias=False, kernel_initializer=kernel, dtype="float32"
        )(x)
        x = layers.ReLU(dtype="float32")(BatchNormalization(momentum=0.95, dtype="float32")(x))
        stride = 2
    features = layers.GlobalAveragePooling2D(dtype="float32", name="features")(x)

    def logits(name, count):
        kernel = keras.initializers.GlorotUniform(seed=SEED)
        return layers.Dense(count, kernel_initializer=kernel, dtype="float32", name=name)(features)

    outputs = [features, logits("attributes", attributes), logits("degradations", len(KINDS))]
    return keras.Model(images, outputs, name="feature_classifier")


def _balance(labels):
    """Weights of the faces with each attribute beside 1 for those without it, and factors of mean weight 1.

    The square root of the odds: without weights, attributes of few faces are hardly learned.
    """
    share = np.clip(labels.mean(axis=0, dtype=np.float64), 1e-3, 1.0 - 1e-3)
    weight = np.sqrt((1.0 - share) / share)
    return tf.constant(weight, tf.float32), tf.constant(1.0 / (share * weight + 1.0 - share), tf.float32)


def _learning_step(network, optimizer, batch_size, balance):
    """A function that learns from a batch: the last `DEGRADED` of its faces are degraded, by a seed."""
    clean = max(batch_size - DEGRADED, batch_size // 2)
    of_each = (batch_size - clean) // len(KINDS)
    weight, factor = balance

    @tf.function
    def learn(images, labels, seed):
        images = tf.cast(images, tf.float32)
        targets = tf.zeros([clean, len(KINDS)])
        shown, labels = images[:clean], labels[:clean]
        if of_each > 1:  # a face is blended and joined with the next one of its kind
            worse, amounts = degraded(images[clean : clean + of_each * len(KINDS)] / 255.0, seed)
            shown, targets = tf.concat([shown, 255.0 * worse], 0), tf.concat([targets, amounts], 0)
        with tf.GradientTape() as tape:
            _, attributes, degradations = network(shown, training=True)
            known = tf.nn.weighted_cross_entropy_with_logits(labels, attributes[:clean], weight)
            seen = tf.nn.sigmoid_cross_entropy_with_logits(targets, degradations)
            loss = tf.reduce_mean(factor * known) + DEGRADATION_WEIGHT * tf.reduce_mean(seen)
        optimizer.apply(tape.gradient(loss, network.trainable_variables), network.trainable_variables)

    return learn


def train_classifier(train: Records, validation: Records) -> FeatureClassifier:
    """Trains the classifier: cross-entropies, Adam with a cosine schedule, random flips.

    Args:
        train: the training split, with attributes.
        validation: the split on which the accuracy is measured.
    """
    batch_size = min(BATCH, len(train))
    steps = min(MOST_STEPS, EPOCHS * (len(train) // batch_size))
    labels = train.attributes(np.arange(len(train))).astype(np.float32)
    network = build_network(train.image_size, labels.shape[1])
    optimizer = Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps))
    optimizer.build(network.trainable_variables)
    learn = _learning_step(network, optimizer, batch_size, _balance(labels))
    random = np.random.default_rng(SEED)
    order = np.empty(0, np.int64)
    for step in tqdm(
        range(steps), desc="Training the feature classifier", unit="batch", delay=2, leave=False
    ):
        if len(order) < batch_size:
            order = random.permutation(len(train))
        chosen, order = order[:batch_size], order[batch_size:]
        images = train.images(chosen)
        mirrored = random.random(batch_size) < 0.5
        images[mirrored] = images[mirrored, :, ::-1]
        learn(tf.constant(images), tf.constant(labels[chosen]), tf.constant([SEED, step]))
    details = {
        "version": FEATURES_VERSION,
        "architecture": ARCHITECTURE,
        "seed": SEED,
        "steps": steps,
        "sha256": weights_hash(network),
        "validation_accuracy": _balanced_accuracy(network, validation),
    }
    return FeatureClassifier(network, details)


def weights_hash(network: keras.Model) -> str:
    """The SHA-256 of a network's weights."""
    digest = hashlib.sha256()
    for weight in network.get_weights():
        digest.update(np.ascontiguousarray(weight).data)
    return digest.hexdigest()


def _balanced_accuracy(network, records):
    """Mean accuracy of the faces with and without each attribute; None if no attribute has both."""
    indices = np.arange(len(records))
    (logits,) = in_batches(lambda batch: network(records.images(batch), training=False)[1], indices)
    labels = records.attributes(indices) > 0
    classes = np.stack([~labels, labels])
    right, faces = (classes & ((logits > 0.0) == labels)).sum(axis=1), classes.sum(axis=1)
    known = (faces > 0).all(axis=0)
    if not known.any():
        return None
    return round(float((right[:, known] / faces[:, known]).mean()), 4)
