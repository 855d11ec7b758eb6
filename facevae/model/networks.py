"""Encoders and decoders as functional Keras models.

An encoder maps `float[batch, image_size, image_size, 3]` in [0, 1] to the mean and the log-variance of the latent,
each `float32[batch, latent_dim]`; a decoder maps `float32[batch, latent_dim]` to
`float32[batch, image_size, image_size, 3]` in [0, 1].

The layers between may compute in 16 bits; mean, log-variance and images are float32.
"""

import keras
from keras import layers

from facevae.model.layers import BatchNormalization, DepthToSpace, Dropout, LowPass, SpaceToDepth


def build_encoder(
    network: str,
    image_size: int,
    latent_dim: int,
    width: int = 32,
    dropout: float = 0.0,
    dtype: object = None,
) -> keras.Model:
    """The encoder of a family.

    Args:
        network: `reference`, `compact` or `detailed`.
        image_size: 32, 64, 128 or 256.
        latent_dim: latent dimensions.
        width: channels at 32×32 of the networks `compact` and `detailed`.
        dropout: rate, of the reference network.
        dtype: Keras dtype policy of the layers between input and output.

    Returns:
        A functional model with the outputs `mean` and `log_variance`.
    """
    images = keras.Input((image_size, image_size, 3), name="image")
    if network == "reference":
        x = _reference_encoder(images, dropout, dtype)
    else:
        x = _compact_encoder(images, image_size, width, dtype)
    mean = layers.Dense(latent_dim, dtype="float32", name="mean")(x)
    log_variance = layers.Dense(latent_dim, dtype="float32", name="log_variance")(x)
    return keras.Model(images, [mean, log_variance], name="encoder")


def build_decoder(
    network: str,
    image_size: int,
    latent_dim: int,
    width: int = 32,
    dropout: float = 0.0,
    dtype: object = None,
) -> keras.Model:
    """The decoder of a family; arguments as for `build_encoder`.

    Returns:
        A functional model from `latent` to `image`.
    """
    latents = keras.Input((latent_dim,), name="latent")
    if network == "reference":
        x = _reference_decoder(latents, image_size, dropout, dtype)
    else:
        x = _compact_decoder(latents, image_size, width, dtype, detailed=network == "detailed")
    images = layers.Activation("sigmoid", dtype="float32", name="image")(x)
    return keras.Model(latents, images, name="decoder")


# ------------------------------------------------------------------------------
# reference: four strided convolutions and their mirror image (Foster, "Generative Deep Learning", 2019, chapter 3)
# ------------------------------------------------------------------------------

REFERENCE_FILTERS = (32, 64, 64, 64)


def _reference_block(x, layer, filters, dropout, dtype):
    x = layer(filters, 3, strides=2, padding="same", dtype=dtype)(x)
    x = BatchNormalization(dtype=dtype)(x)
    x = layers.LeakyReLU(0.3, dtype=dtype)(x)
    return Dropout(dropout, dtype=dtype)(x) if dropout else x


def _reference_encoder(images, dropout, dtype):
    x = images
    for filters in REFERENCE_FILTERS:
        x = _reference_block(x, layers.Conv2D, filters, dropout, dtype)
    return layers.Flatten(dtype=dtype)(x)


def _reference_decoder(latents, image_size, dropout, dtype):
    side, filters = image_size // 16, REFERENCE_FILTERS[-1]
    x = layers.Dense(side * side * filters, dtype=dtype)(latents)
    x = layers.Reshape((side, side, filters), dtype=dtype)(x)
    for filters in reversed(REFERENCE_FILTERS[:-1]):
        x = _reference_block(x, layers.Conv2DTranspose, filters, dropout, dtype)
    return layers.Conv2DTranspose(3, 3, strides=2, padding="same", dtype=dtype)(x)


# ------------------------------------------------------------------------------
# compact: dense 3×3 convolutions, BatchNorm after them, LeakyReLU, depth_to_space. Phones run all of it in one
# delegate, with BatchNorm folded into the convolutions, in 8 bits as well as in 32. The encoder first moves patches of
# 4×4 pixels into channels, and the decoder moves them back last: convolutions on large maps cost most and learn least.
# ------------------------------------------------------------------------------

PATCH = 4  # side of the patches, pixels
SMALLEST_MAP = 4  # height and width of the map that the encoder flattens and the decoder begins with


def compact_channels(side: int, width: int) -> int:
    """Channels of a side×side map: `width` at 32×32, twice as many at half the side, in fours (for DepthToSpace)."""
    return max(8, 4 * round(width * 32 / side / 4))


def detail_channels(image_size: int, width: int) -> tuple[int, int]:
    """Channels of the detailed decoder's maps at half the side of the image, before and after their convolution."""
    at_half = width * 64 / image_size
    return max(8, 4 * round(0.375 * at_half / 4)), max(8, 4 * round(0.25 * at_half / 4))


def _convolution(x, filters, dtype, strides=1):
    # No bias: BatchNorm brings its own offset. Momentum 0.95: with 0.99 the statistics of a new network still
    # hold 22 % of their initial values after 150 steps, and the first images look broken.
    x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False, dtype=dtype)(x)
    return BatchNormalization(momentum=0.95, dtype=dtype)(x)


def _activation(x, dtype):
    return layers.LeakyReLU(0.2, dtype=dtype)(x)


def _compact_encoder(images, image_size, width, dtype):
    side = image_size // PATCH
    x = SpaceToDepth(PATCH, dtype=dtype)(images)  # [side, side, 48]
    x = _activation(_convolution(x, compact_channels(side, width), dtype), dtype)
    while side > SMALLEST_MAP:
        side //= 2
        x = _activation(_convolution(x, compact_channels(side, width), dtype, strides=2), dtype)
    return layers.Flatten(dtype=dtype)(x)


def _compact_decoder(latents, image_size, width, dtype, detailed):
    side = SMALLEST_MAP
    channels = compact_channels(side, width)
    x = layers.Dense(side * side * channels, use_bias=False, dtype=dtype)(latents)
    x = layers.Reshape((side, side, channels), dtype=dtype)(x)
    x = _activation(BatchNormalization(momentum=0.95, dtype=dtype)(x), dtype)
    while side < image_size // PATCH:
        side *= 2
        x = DepthToSpace(2, dtype=dtype)(x)  # [side, side, channels / 4]
        x = _activation(_convolution(x, compact_channels(side, width), dtype), dtype)
    if not detailed:
        x = layers.Conv2D(3 * PATCH**2, 3, padding="same", dtype=dtype)(x)
        return DepthToSpace(PATCH, dtype=dtype)(x)  # [image_size, image_size, 3]
    before, after = detail_channels(image_size, width)
    x = _activation(_convolution(x, 4 * before, dtype), dtype)
    x = LowPass(dtype=dtype)(DepthToSpace(2, dtype=dtype)(x))  # [image_size / 2, image_size / 2, before]
    x = _activation(_convolution(x, after, dtype), dtype)
    x = layers.Conv2D(3 * 4, 3, padding="same", dtype=dtype)(x)
    return LowPass(dtype=dtype)(DepthToSpace(2, dtype=dtype)(x))  # [image_size, image_size, 3]


# ------------------------------------------------------------------------------
# The critic of the sharpening, which tells pictures of the decoder from photographs. It shrinks its maps by averages: a
# convolution with strides, or pixels moved into channels, see every second pixel alone, and teach the decoder to draw a
# lattice (Zhang, "Making Convolutional Networks Shift-Invariant Again", arXiv:1904.11486; Karras et al., StyleGAN,
# arXiv:1812.04948).
# ------------------------------------------------------------------------------


def build_critic(image_size: int, width: int = 32, dtype: object = None) -> keras.Model:
    """The critic: `float[batch, image_size, image_size, 3]` in [0, 1] to scores `float32[batch]`, higher for real ones.

    Args:
        image_size: 32, 64, 128 or 256.
        width: as for `build_encoder`.
        dtype: Keras dtype policy of the layers between input and output.
    """
    images = keras.Input((image_size, image_size, 3), name="image")
    side = image_size
    x = layers.Rescaling(2.0, -1.0, dtype=dtype)(images)
    x = _activation(_critic_convolution(x, compact_channels(side, width), dtype), dtype)
    while side > SMALLEST_MAP:
        side //= 2
        x = layers.AveragePooling2D(2, dtype=dtype)(x)
        x = _activation(_critic_convolution(x, compact_channels(side, width), dtype), dtype)
    # Zeros: a new critic takes all pictures for equal.
    scores = layers.Dense(1, kernel_initializer="zeros", dtype="float32")(layers.Flatten(dtype=dtype)(x))
    return keras.Model(images, layers.Reshape((), dtype="float32", name="score")(scores), name="critic")


def _critic_convolution(x, filters, dtype):
    # No BatchNorm: each picture is judged by itself.
    return layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_normal", dtype=dtype)(x)
