"""The whole data set: preparation time, distances between its faces, and attributes that a classifier can see."""

import io
import time

import keras
import numpy as np
import pytest
from PIL import Image

from facevae.synthetic_faces import ATTRIBUTE_NAMES, builder_for, sample_faces
from facevae.synthetic_faces.builder import CLOSEST
from facevae.synthetic_faces.drawing import draw_in_processes

pytestmark = pytest.mark.slow

COUNT, HELD_OUT = 10_000, 2_000


@pytest.fixture(scope="module")
def images():
    pictures = draw_in_processes(0, COUNT, seed=0, image_size=64)
    return np.stack([np.asarray(Image.open(io.BytesIO(picture))) for picture in pictures])


def test_preparation_takes_seconds(tmp_path):
    """The limit is twice the time on two idle cores; the start of tensorflow-datasets is not counted."""
    builder_for(32, tmp_path, split_sizes={"train": 2}).download_and_prepare()
    builder = builder_for(64, tmp_path)
    start = time.perf_counter()
    builder.download_and_prepare()
    assert time.perf_counter() - start < 80
    assert {name: split.num_examples for name, split in builder.info.splits.items()} == {
        "train": 8000,
        "validation": 1000,
        "test": 1000,
    }


def test_no_two_faces_are_close(images):
    """Averaging 2×2 pixels only brings two images closer, so that this distance is a lower bound."""
    small = images.reshape(COUNT, 32, 2, 32, 2, 3).mean((2, 4), dtype=np.float32).reshape(COUNT, -1)
    small -= small.mean(0)
    squares = np.square(small).sum(1, dtype=np.float64)
    closest = np.inf
    for start in range(0, COUNT, 1000):
        rows = slice(start, start + 1000)
        distances = squares[rows, None] + squares - 2 * (small[rows] @ small.T).astype(np.float64)
        distances[np.arange(1000), np.arange(start, start + 1000)] = np.inf
        closest = min(closest, distances.min())
    distance = np.sqrt(max(closest, 0) / small.shape[1])
    print(f"closest two faces: {distance:.2f} of 255")
    assert distance > CLOSEST


def small_classifier(outputs):
    """Four convolutions and one dense layer: 0.5 million weights."""
    layers = [keras.Input((64, 64, 3)), keras.layers.Rescaling(1 / 128, -1)]
    for filters, kernel, strides, pool in ((32, 5, 2, 1), (64, 3, 1, 2), (96, 3, 1, 2), (128, 3, 1, 1)):
        layers += [
            keras.layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False),
            keras.layers.BatchNormalization(momentum=0.9),
            keras.layers.ReLU(),
            keras.layers.MaxPooling2D(pool),
        ]
    layers += [
        keras.layers.Conv2D(64, 1, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dropout(0.2),
        keras.layers.Dense(outputs),
    ]
    return keras.Sequential(layers)


def test_a_small_classifier_reads_every_attribute(images):
    keras.utils.set_random_seed(0)
    attributes = sample_faces(COUNT, seed=0).attributes
    model = small_classifier(len(ATTRIBUTE_NAMES))
    train, batch, epochs = COUNT - HELD_OUT, 64, 10
    rate = keras.optimizers.schedules.CosineDecay(2e-3, epochs * (train // batch + 1))
    model.compile(keras.optimizers.Adam(rate), keras.losses.BinaryCrossentropy(from_logits=True))
    for epoch in range(epochs):
        mirrored = images[:train, :, :: -1 if epoch % 2 else 1]
        model.fit(mirrored, attributes[:train].astype(np.float32), batch_size=batch, epochs=epoch + 1,
                  initial_epoch=epoch, verbose=0)  # fmt: skip
    read = model.predict(images[train:], batch_size=250, verbose=0) > 0
    right = read == attributes[train:]
    accuracy = dict(zip(ATTRIBUTE_NAMES, right.mean(0), strict=True))
    # A classifier that never predicts a rare attribute is accurate too, but not sensitive.
    sensitivity = {
        name: right[attributes[train:, column], column].mean() for column, name in enumerate(ATTRIBUTE_NAMES)
    }
    for name in sorted(accuracy, key=accuracy.get):
        print(f"{name:22s} accuracy {accuracy[name]:.4f} sensitivity {sensitivity[name]:.4f}")
    assert min(accuracy.values()) >= 0.97, min(accuracy, key=accuracy.get)
    assert min(sensitivity.values()) >= 0.85, min(sensitivity, key=sensitivity.get)
