"""The variational autoencoder as a Keras model."""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from facevae import augmentation, losses, networks, replicas, schedules
from facevae.density import Mixture

# Keeps exp(log_variance) inside what float32 and the KL divergence can bear.
LOG_VARIANCE_RANGE = (-20.0, 10.0)
# Added to the seed for validation, whose noise is then none of training's, and for the moves of pictures.
VALIDATION_SEED, SHIFT_SEED = 1_000_003, 2_000_003
# What describes a VAE: the arguments of its constructor, which are fields of `Config` under the same names.
SETTINGS = (
    *("image_size", "latent_dim", "network", "width", "dropout"),
    *("likelihood", "mse_weight", "kl_weight", "kl_warmup", "free_bits"),
    *("sample_from", "density_components", "shift", "seed"),
)


@keras.saving.register_keras_serializable(package="facevae")
class VAE(keras.Model):
    """A variational autoencoder for square pictures of faces.

    Pictures are `[batch, image_size, image_size, 3]`, uint8 in [0, 255] or float32 in [0, 1], told apart by dtype.
    A batch for `fit` and `evaluate` is `images` or `(images, attributes)`; attributes are ignored.

    Trackers, the same in training and validation: `loss`, `reconstruction_loss`, `kl_loss` (nats per image) and
    `mse`. In training `loss` is what is minimised; in validation it is the negative evidence lower bound at the
    final KL weight, without free bits, with the σ stored by training.

    Under a `tf.distribute` strategy a step does what one device would do with the global batch, and every variable
    is the same on all replicas after it; BatchNormalization alone takes each replica's part for its batch, unless
    its layers are `synchronized`. The moving statistics are the replicas' average.

    Args:
        image_size: side of the pictures: 32, 64, 128 or 256.
        latent_dim: latent dimensions.
        network: family of networks, `compact` or `reference`.
        width: channels of the compact network at 32×32.
        dropout: of the reference network.
        likelihood: `calibrated_gaussian` or `weighted_mse`.
        mse_weight: weight of the mean squared error under `weighted_mse`.
        kl_weight: β, the weight of the KL divergence at the end of its warm-up.
        kl_warmup: share of the training (of `total_steps`) over which it rises from 0.
        free_bits: KL of each latent dimension that costs nothing, nats.
        sample_from: where `sample` draws by default, `prior` or `density`.
        density_components: most components of the fitted density; 0 leaves no room for one.
        shift: pixels by which training pictures are moved at random, at most, in the first half of the training.
        seed: every random draw of training is a function of it, the global step and the position in the batch.
        **kwargs: of `keras.Model`; `dtype` is the networks' dtype policy, e.g. `mixed_float16`.

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
        super().__init__(**kwargs)
        self.image_size, self.latent_dim = image_size, latent_dim
        self.network, self.width, self.dropout = network, width, dropout
        self.likelihood, self.mse_weight = likelihood, mse_weight
        self.kl_weight, self.kl_warmup, self.free_bits = kl_weight, kl_warmup, free_bits
        self.sample_from, self.density_components = sample_from, density_components
        self.shift, self.seed = shift, seed

        shape = (network, image_size, latent_dim, width, dropout, self.dtype_policy)
        self.encoder = networks.build_encoder(*shape)
        self.decoder = networks.build_decoder(*shape)

        self.global_step = self._state("global_step", (), "int64")
        # Where the schedules end; whoever trains with schedules sets it. At 1 they stand at their ends.
        self.total_steps = self._state("total_steps", (), "float32", "ones")
        self.variance = self._state("variance", (), "float32", "ones")  # σ², a running mean
        # The first step whose loss or gradients were not finite; -1 while there was none.
        self.not_finite_step = self._state("not_finite_step", (), "int64", keras.initializers.Constant(-1))
        if density_components:
            self._density_weights = self._state("density_weights", (density_components,))
            self._density_means = self._state("density_means", (density_components, latent_dim))
            self._density_scales = self._state("density_scales", (density_components, latent_dim, latent_dim))

        self._trackers = {
            name: replicas.Mean(name=name)
            for name in ("loss", "reconstruction_loss", "kl_loss", "mse", "gradient_norm")
        }
        self.jit_compile_gradients = False
        self.built = True

    def _state(self, name, shape, dtype="float32", initializer="zeros"):
        return self.add_weight(name=name, shape=shape, dtype=dtype, initializer=initializer, trainable=False)

    # ------------------------------------------------------------------------------
    # Faces to latents and back
    # ------------------------------------------------------------------------------

    def encode(self, images: Any, training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        """The approximate posterior N(mean, exp(log_variance)) of each picture.

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
        """Pictures `float32[batch, image_size, image_size, 3]` in [0, 1] of latents `float32[batch, latent_dim]`."""
        return self.decoder(latents, training=training)

    def decode_all(self, latents: np.ndarray) -> np.ndarray:
        """`decode` of any number of latents, a batch at a time, as `float32[count, image_size, image_size, 3]`."""
        batches = [self.decode(latents[start : start + 256]) for start in range(0, len(latents), 256)]
        return np.concatenate([np.asarray(batch) for batch in batches])

    def call(self, images: Any, training: bool = False) -> tf.Tensor:
        """Reconstructions: each picture decoded from its posterior mean."""
        return self.decode(self.encode(images, training)[0], training)

    def sample(
        self, count: int, seed: int = 0, sample_from: str | None = None, temperature: float = 1.0
    ) -> np.ndarray:
        """New faces.

        Args:
            count: how many.
            seed: the same seed gives the same faces.
            sample_from: `prior` for N(0, 1), `density` for the fitted mixture; None for the model's own choice,
                which is the prior as long as no density has been fitted.
            temperature: factor on the noise; below 1 faces are more typical, above 1 more various.

        Returns:
            `float32[count, image_size, image_size, 3]` in [0, 1].
        """
        return self.decode_all(self.sample_latents(count, seed, sample_from, temperature))

    def sample_latents(
        self, count: int, seed: int = 0, sample_from: str | None = None, temperature: float = 1.0
    ) -> np.ndarray:
        """The latents `float32[count, latent_dim]` behind `sample`, with the same arguments.

        Raises:
            ValueError: `density` was asked for and none has been fitted.
        """
        density = self.density
        if sample_from is None:
            sample_from = self.sample_from if density is not None else "prior"
        if sample_from not in ("prior", "density"):
            raise ValueError(f"sample_from: expected prior or density, received {sample_from!r}.")
        if sample_from == "density":
            if density is None:
                raise ValueError("sample_from: this model has no fitted density; use sample_from='prior'.")
            return density.sample(count, seed, temperature)
        noise = np.random.default_rng(seed).standard_normal((count, self.latent_dim), dtype=np.float32)
        return np.float32(temperature) * noise

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
                f"density: room for {self.density_components} components, received {len(mixture.weights)}."
            )
        for variable, values in (
            (self._density_weights, mixture.weights),
            (self._density_means, mixture.means),
            (self._density_scales, mixture.scales),
        ):
            variable.assign(np.pad(values, [(0, missing)] + [(0, 0)] * (values.ndim - 1)))

    def to_float(self, images: Any) -> tf.Tensor:
        """Pictures as `float32[batch, image_size, image_size, 3]` in [0, 1], whichever of the two forms came.

        Raises:
            ValueError: neither uint8 nor float32, or another shape.
        """
        images = tf.convert_to_tensor(images)
        expected = (self.image_size, self.image_size, 3)
        if images.shape.rank != 4 or tuple(images.shape[1:]) != expected:
            raise ValueError(
                f"images: expected the shape [batch, {', '.join(map(str, expected))}], received {images.shape}."
            )
        if images.dtype == tf.uint8:
            return tf.cast(images, tf.float32) * (1.0 / 255.0)
        if images.dtype != tf.float32:
            raise ValueError(
                f"images: expected uint8 in [0, 255] or float32 in [0, 1], received {images.dtype.name}. "
                "Convert them first."
            )
        return images

    # ------------------------------------------------------------------------------
    # Training
    # ------------------------------------------------------------------------------

    def compile(self, optimizer: Any = "adam", jit_compile: bool = False, **kwargs: Any) -> None:
        """As `keras.Model.compile`, without losses and metrics: the model has its own.

        Args:
            optimizer: a Keras optimizer. Under `mixed_float16` Keras wraps it for loss scaling.
            jit_compile: compile forward and backward pass with XLA. Noise and weight updates stay outside: the
                noise is then the same with and without XLA, and variables may live on other devices.
        """
        optimizer = keras.optimizers.get(optimizer)
        if self.dtype_policy.name == "mixed_float16" and not isinstance(
            optimizer, keras.optimizers.LossScaleOptimizer
        ):
            # Keras starts at 2^15, meant for losses near 1. Ours are sums over all pixel values: from there the
            # first dozen steps would overflow and be skipped.
            scale = 2.0 ** (15 - round(math.log2(self.image_size**2 * 3)))
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=scale)
        if self.distribute_strategy.num_replicas_in_sync > 1:
            # The gradients that come to it are the global batch's: Keras would add the replicas' up once more.
            getattr(optimizer, "inner_optimizer", optimizer)._all_reduce_sum_gradients = lambda pairs: pairs
        super().compile(optimizer=optimizer, jit_compile=False, **kwargs)
        self.jit_compile_gradients = jit_compile
        self._compute_gradients, self._forward = self.compute_gradients, self.forward
        if jit_compile and self.distribute_strategy.num_replicas_in_sync == 1:
            self._compute_gradients = tf.function(self.compute_gradients, jit_compile=True)
        elif jit_compile:  # the replicas talk between the passes, which XLA cannot do on every device
            self._forward = tf.function(self.forward, jit_compile=True)

    def get_compile_config(self) -> dict[str, Any] | None:
        config = super().get_compile_config()
        return config and {**config, "jit_compile": self.jit_compile_gradients}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def train_step(self, data: Any) -> dict[str, Any]:
        images = self._moved(self.to_float(keras.utils.unpack_x_y_sample_weight(data)[0]))

        # Forward pass and gradients: one XLA program where XLA is on.
        results, gradients = self._compute_gradients(images, self._noise(images, self.seed, self.global_step))

        # Weights.
        self.optimizer.apply(gradients, self.trainable_variables)
        self._average_statistics()
        self._note_if_not_finite(results)
        self._follow_variance(results["mse"])
        self.global_step.assign_add(1)

        # Trackers.
        return self._track(results)

    def test_step(self, data: Any) -> dict[str, Any]:
        images, _, weights = keras.utils.unpack_x_y_sample_weight(data)
        images = self.to_float(images)
        noise = self._noise(images, self.seed + VALIDATION_SEED, 0)
        faces, mse, kl = self._batch_means(images, noise, training=False, weights=weights)
        reconstruction_loss = self._reconstruction_loss(mse, tf.convert_to_tensor(self.variance))
        kl_loss = tf.reduce_sum(kl)
        loss = reconstruction_loss + self.kl_weight * kl_loss
        return self._track(
            {
                "faces": faces,
                "loss": loss,
                "reconstruction_loss": reconstruction_loss,
                "kl_loss": kl_loss,
                "mse": mse,
            }
        )

    def compute_gradients(
        self, images: tf.Tensor, noise: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], list[tf.Tensor]]:
        """One forward and backward pass.

        Args:
            images: `float32[batch, image_size, image_size, 3]` in [0, 1]; this replica's part of the global batch.
            noise: `float32[batch, latent_dim]` of N(0, 1).

        Returns:
            What the trackers follow, unscaled, with the number of `faces` that it stands for, and the gradients for
            `trainable_variables`, still scaled where the optimizer scales the loss. All of it is the global batch's.
        """
        with tf.GradientTape() as tape:
            faces, mse, kl = self._batch_means(images, noise, training=True)
            # The optimal σ² for these pictures. Its own gradient is zero at the optimum: it is a constant here.
            variance = tf.maximum(tf.stop_gradient(mse), losses.SMALLEST_VARIANCE)
            reconstruction_loss = self._reconstruction_loss(mse, variance)
            kl_weight = schedules.kl_weight(self.kl_weight, self.kl_warmup, self.progress())
            loss = reconstruction_loss + kl_weight * losses.with_free_bits(kl, self.free_bits)
            differentiated = self.optimizer.scale_loss(loss)
        gradients = replicas.total(tape.gradient(differentiated, self.trainable_variables))
        scale = self.optimizer.scale_loss(tf.constant(1.0))
        results = {
            "faces": faces,
            "loss": loss,
            "reconstruction_loss": reconstruction_loss,
            "kl_loss": tf.reduce_sum(kl),
            "mse": mse,
            "gradient_norm": tf.linalg.global_norm(gradients) / scale,
        }
        return results, gradients

    def forward(self, images: tf.Tensor, noise: tf.Tensor, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """Each picture's mean squared error `float32[batch]` and KL `float32[batch, latent_dim]` in nats.

        Arguments as of `compute_gradients`.
        """
        mean, log_variance = self.encode(images, training)
        reconstructions = self.decode(mean + tf.exp(0.5 * log_variance) * noise, training)
        return losses.squared_error(images, reconstructions), losses.kl_from_standard_normal(
            mean, log_variance
        )

    def progress(self) -> tf.Tensor:
        """How much of the training is done, `float32[]` in [0, 1]: what the schedules are functions of."""
        step = tf.cast(tf.convert_to_tensor(self.global_step), tf.float32)
        return tf.minimum(1.0, step / tf.convert_to_tensor(self.total_steps))

    def _batch_means(self, images, noise, training, weights=None):
        """Faces of the global batch, their mean squared error `[]` and their mean KL `[latent_dim]`.

        Faces of weight 0 only fill up a batch.
        """
        mse, kl = self._forward(images, noise, training)
        weights = tf.ones_like(mse) if weights is None else tf.cast(weights, tf.float32)
        sums = [tf.reduce_sum(weights), tf.reduce_sum(weights * mse), tf.linalg.matvec(kl, weights, True)]
        faces, mse, kl = replicas.total(sums)
        return faces, mse / faces, kl / faces

    def _reconstruction_loss(self, mse, variance):
        if self.likelihood == "weighted_mse":
            return self.mse_weight * mse
        return losses.gaussian_negative_log_likelihood(mse, variance, self.image_size * self.image_size * 3)

    def _noise(self, images, seed, step):
        seeds = [tf.constant(seed, tf.int64), tf.cast(step, tf.int64)]
        return replicas.own_part(
            tf.shape(images)[0], lambda faces: tf.random.stateless_normal([faces, self.latent_dim], seeds)
        )

    def _moved(self, images):
        if not self.shift:
            return images
        most = schedules.shift(self.shift, self.progress())
        seeds = [tf.constant(self.seed + SHIFT_SEED, tf.int64), tf.cast(self.global_step, tf.int64)]
        moves = replicas.own_part(
            tf.shape(images)[0],
            lambda faces: tf.random.stateless_uniform([faces, 2], seeds, -most, most + 1, tf.int32),
        )
        return tf.cond(most > 0, lambda: augmentation.moved(images, moves), lambda: images)

    def _average_statistics(self):
        # Each replica has followed its own part of the batch.
        if replicas.count() == 1:
            return
        statistics = [*self.encoder.non_trainable_weights, *self.decoder.non_trainable_weights]
        sums = replicas.total([tf.convert_to_tensor(variable) for variable in statistics])
        for variable, value in zip(statistics, sums, strict=True):
            variable.assign(value / replicas.count())

    def _note_if_not_finite(self, results):
        # A loss-scaling optimizer skips gradients that overflow; that is its work and no fault.
        finite = tf.math.is_finite(results["loss"])
        if not isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            finite &= tf.math.is_finite(results["gradient_norm"])
        first = tf.logical_and(~finite, tf.convert_to_tensor(self.not_finite_step) < 0)
        self.not_finite_step.assign(tf.where(first, self.global_step, self.not_finite_step))

    def _follow_variance(self, mse):
        # A running mean over about the last tenth of the steps, at most a hundred of them.
        step = tf.cast(tf.convert_to_tensor(self.global_step), tf.float32)
        share = tf.maximum(0.01, 10.0 / (step + 10.0))
        batch = tf.maximum(mse, losses.SMALLEST_VARIANCE)
        self.variance.assign((1.0 - share) * self.variance + share * batch)

    def _track(self, results):
        faces = results.pop("faces")
        for name, value in results.items():
            # The skipped steps of a loss-scaling optimizer have no gradient to speak of.
            counted = tf.math.is_finite(value) if name == "gradient_norm" else True
            weight = tf.where(counted, faces, 0.0)
            self._trackers[name].update_state(tf.where(counted, value, 0.0), sample_weight=weight)
        logs = {name: self._trackers[name].result() for name in results}
        # Keras averages the workers' logs along an axis that scalars lack (keras-team/keras#20585).
        several_workers = isinstance(self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy)
        return {name: value[tf.newaxis] for name, value in logs.items()} if several_workers else logs

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Builds nothing: the constructor has. Keras would average a first batch of bytes over all workers."""

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return list(self._trackers.values())

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **{name: getattr(self, name) for name in SETTINGS}}

    def float32_copy(self) -> "VAE":
        """The same model, not compiled, computing in float32: what is saved and exported."""
        copy = VAE.from_config({**self.get_config(), "dtype": "float32"})
        copy.set_weights(self.get_weights())
        return copy
