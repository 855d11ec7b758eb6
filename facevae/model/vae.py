"""The variational autoencoder as a Keras model: encoding, decoding, sampling. Its training is in `trainer.py`."""

import os
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from facevae.configuration.config import check_settings
from facevae.errors import UserError
from facevae.model import networks
from facevae.model.batches import in_batches
from facevae.model.density import Mixture
from facevae.model.image_range import check_range
from facevae.model.sampling import sample_latents
from facevae.model.trainer import Trainer

# The variables that are neither networks nor density.
COUNTERS = ("global_step", "total_steps", "variance", "not_finite_step")
# Keeps exp(log_variance) and the KL divergence well inside the range of float32.
LOG_VARIANCE_RANGE = (-20.0, 10.0)
# The arguments of the VAE's constructor, which are fields of `Config` under the same names.
SETTINGS = (
    *("image_size", "latent_dim", "network", "width", "dropout"),
    *("likelihood", "mse_weight", "kl_weight", "kl_warmup", "free_bits"),
    *("sample_from", "density_components", "shift", "seed"),
)


@keras.saving.register_keras_serializable(package="facevae")
class VAE(Trainer):
    """A variational autoencoder for square images of faces.

    Images are `[batch, image_size, image_size, 3]`, uint8 in [0, 255] or float32 in [0, 1], told apart by dtype.
    A batch for `fit` and `evaluate` is `images` or `(images, attributes)`; attributes are ignored.

    Trackers, the same in training and validation: `loss`, `reconstruction_loss`, `kl_loss` (nats per image) and
    `mse`. In training `loss` is what is minimised; in validation it is the negative evidence lower bound at the
    final KL weight, without free bits, with the σ stored by training.

    Under a `tf.distribute` strategy a step does what one device would do with the global batch, and every variable
    is the same on all replicas after it. Only BatchNormalization normalises over each replica's part of the batch,
    unless its layers are `synchronized`; its moving statistics are the replicas' average.

    Args:
        image_size: side of the images: 32, 64, 128 or 256.
        latent_dim: latent dimensions.
        network: family of networks, `compact` or `reference`.
        width: channels of the compact network at 32×32.
        dropout: rate, of the reference network.
        likelihood: `calibrated_gaussian` or `weighted_mse`.
        mse_weight: weight of the mean squared error under `weighted_mse`.
        kl_weight: β, the weight of the KL divergence at the end of its warm-up.
        kl_warmup: share of the training (of `total_steps`, which `fit` sets) over which it rises from 0.
        free_bits: KL of each latent dimension that training does not penalise, nats.
        sample_from: what `sample` draws from by default, `prior` or `density`.
        density_components: the largest number of components of the fitted density; 0 leaves no room for a density.
        shift: largest random shift of training images in the first half of the training, pixels.
        seed: every random draw of training is a function of it, the global step and the position in the batch.
        **kwargs: of `keras.Model`; `dtype` is the networks' dtype policy, e.g. `mixed_float16`.

    Raises:
        UserError: an argument outside the choices and limits of `facevae.Config`'s field of its name, or arguments that
            contradict each other.

    Example:

        model = facevae.VAE(image_size=64, latent_dim=32)
        model.compile("adam")
        model.fit(images, batch_size=64)       # uint8[n, 64, 64, 3]
        faces = model.sample(16, seed=1)       # float32[16, 64, 64, 3]
    """

    def __init__(
        self,
        image_size: int = 64,
        latent_dim: int = 64,
        network: str = "compact",
        width: int = 32,
        dropout: float = 0.0,
        likelihood: str = "calibrated_gaussian",
        mse_weight: float = 10000.0,
        kl_weight: float = 1.0,
        kl_warmup: float = 0.0,
        free_bits: float = 0.0,
        sample_from: str = "prior",
        density_components: int = 0,
        shift: int = 0,
        seed: int = 0,
        **kwargs: Any,
    ):
        given = locals()
        settings = check_settings({name: given[name] for name in SETTINGS})
        super().__init__(**kwargs)
        self.autocast = False  # Keras would cast the images for `call` to the networks' dtype
        for name, value in settings.items():
            setattr(self, name, value)

        self.pixel_values = self.image_size**2 * 3
        self.encoder = networks.build_encoder(*self.network_arguments)
        self.decoder = networks.build_decoder(*self.network_arguments)

        # Draws latents of faces with given attributes; whoever opens a run sets it.
        self.sample_with_attributes: Callable[..., np.ndarray] | None = None
        # Room for the density of encoded training faces. Files hold it after the trainer's variables.
        if count := self.density_components:
            self._density_weights = self._state("density_weights", (count,))
            self._density_means = self._state("density_means", (count, self.latent_dim))
            self._density_scales = self._state("density_scales", (count, self.latent_dim, self.latent_dim))
        self.built = True

    @property
    def network_arguments(self) -> tuple:
        """The arguments of `networks.build_encoder` and `networks.build_decoder`."""
        return self.network, self.image_size, self.latent_dim, self.width, self.dropout, self.dtype_policy

    # ------------------------------------------------------------------------------
    # Faces to latents and back
    # ------------------------------------------------------------------------------

    def encode(self, images: Any, training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        """The approximate posterior N(mean, exp(log_variance)) of each image.

        Args:
            images: uint8 or float32 `[batch, image_size, image_size, 3]`.

        Returns:
            mean and log-variance, each `float32[batch, latent_dim]`.

        Raises:
            ValueError: another dtype or shape.
        """
        mean, log_variance = self.encoder(self.to_float(images), training=training)
        return mean, tf.clip_by_value(log_variance, *LOG_VARIANCE_RANGE)

    def decode(self, latents: Any, training: bool = False) -> tf.Tensor:
        """Images `float32[batch, image_size, image_size, 3]` in [0, 1] of latents `float32[batch, latent_dim]`."""
        return self.decoder(latents, training=training)

    def encode_all(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`encode` of any number of images, a batch at a time.

        Args:
            images: uint8 or float32 `[count, image_size, image_size, 3]`.

        Returns:
            mean and log-variance, each `float32[count, latent_dim]`.

        Raises:
            ValueError: as for `encode`.
        """
        mean, log_variance = in_batches(self.encode, images)
        return mean, log_variance

    def decode_all(self, latents: np.ndarray) -> np.ndarray:
        """`decode` of any number of latents, a batch at a time.

        Args:
            latents: `float32[count, latent_dim]`.

        Returns:
            `float32[count, image_size, image_size, 3]` in [0, 1].
        """
        return in_batches(self.decode, latents)[0]

    def call(self, images: Any, training: bool = False) -> tf.Tensor:
        """Reconstructions: each image decoded from its posterior mean."""
        return self.decode(self.encode(images, training)[0], training)

    def sample(
        self,
        count: int,
        seed: int = 0,
        sample_from: str | None = None,
        temperature: float = 1.0,
        attributes: Mapping[str, bool] | None = None,
    ) -> np.ndarray:
        """New faces.

        Args:
            count: how many.
            seed: the same seed gives the same faces.
            sample_from: `prior` for N(0, 1), `density` for the fitted mixture; None for the model's own choice,
                which is the prior as long as no density has been fitted.
            temperature: factor on the noise; below 1 faces are more typical, above 1 more varied.
            attributes: which attributes they have and lack, e.g. `{"Smiling": True, "Eyeglasses": False}`: for the
                model of a run (`facevae.load`) whose faces have attributes.

        Returns:
            `float32[count, image_size, image_size, 3]` in [0, 1].
        """
        return self.decode_all(self.sample_latents(count, seed, sample_from, temperature, attributes))

    def sample_latents(
        self,
        count: int,
        seed: int = 0,
        sample_from: str | None = None,
        temperature: float = 1.0,
        attributes: Mapping[str, bool] | None = None,
    ) -> np.ndarray:
        """The latents `float32[count, latent_dim]` behind `sample`, with the same arguments.

        Raises:
            UserError: `density` was asked for and none has been fitted, an argument outside its limits, or attributes
                that the model does not know or cannot change.
        """
        return sample_latents(self, count, seed, sample_from, temperature, attributes)

    @property
    def density(self) -> Mixture | None:
        """The mixture fitted to the encoded training faces, None before one was set."""
        if not self.density_components:
            return None
        weights = self._density_weights.numpy()
        used = weights > 0.0
        if not used.any():
            return None
        return Mixture(weights[used], self._density_means.numpy()[used], self._density_scales.numpy()[used])

    @density.setter
    def density(self, mixture: Mixture) -> None:
        missing = self.density_components - len(mixture.weights)
        if missing < 0:
            raise ValueError(
                f"density: expected at most {self.density_components} components, received "
                f"{len(mixture.weights)}. Fit fewer, or build the VAE with more density_components."
            )
        for variable, values in (
            (self._density_weights, mixture.weights),
            (self._density_means, mixture.means),
            (self._density_scales, mixture.scales),
        ):
            variable.assign(np.pad(values, [(0, missing)] + [(0, 0)] * (values.ndim - 1)))

    def to_float(self, images: Any) -> tf.Tensor:
        """Images as `float32[batch, image_size, image_size, 3]` in [0, 1], from either form.

        Raises:
            UserError: neither uint8 nor float32, another shape, or (outside of graphs) values that leave [0, 1].
        """
        images = tf.convert_to_tensor(images)
        expected = (self.image_size, self.image_size, 3)
        if images.shape.rank != 4 or tuple(images.shape[1:]) != expected:
            raise UserError(
                f"images: expected the shape [batch, {', '.join(map(str, expected))}], received {images.shape}. "
                "Resize them first."
            )
        if images.dtype == tf.uint8:
            return tf.cast(images, tf.float32) * (1.0 / 255.0)
        if images.dtype != tf.float32:
            raise UserError(
                f"images: expected uint8 in [0, 255] or float32 in [0, 1], received {images.dtype.name}. "
                "Convert them first."
            )
        if tf.executing_eagerly():
            check_range(images.numpy())
        return images

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **{name: getattr(self, name) for name in SETTINGS}}

    def export(
        self,
        filepath: str | os.PathLike[str],
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> None:
        """As `keras.Model.export`: images to reconstructions, float32 in [0, 1] unless a signature says uint8.

        `export.py` writes what apps need of a run: the decoder, attributes, the density, and their guide.
        """
        # Keras looks for it in a model's first call, which this one may not have had.
        if input_signature is None:
            shape = (None, self.image_size, self.image_size, 3)
            input_signature = [keras.InputSpec(shape=shape, dtype="float32")]
        super().export(filepath, format, verbose=verbose, input_signature=input_signature, **kwargs)

    def float32_copy(self) -> "VAE":
        """The same model in float32, not compiled: the form that is saved and exported."""
        copy = VAE.from_config({**self.get_config(), "dtype": "float32"})
        self.copy_weights_to(copy)
        return copy

    def copy_weights_to(self, other: "VAE") -> None:
        """Gives another model of the same settings this one's networks, density and counters."""
        other.encoder.set_weights(self.encoder.get_weights())
        other.decoder.set_weights(self.decoder.get_weights())
        density = ("_density_weights", "_density_means", "_density_scales") if self.density_components else ()
        for name in (*COUNTERS, *density):
            getattr(other, name).assign(getattr(self, name))
