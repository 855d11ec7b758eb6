"""The training step of the VAE: a `keras.Model` with its own compile, steps and trackers."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from facevae.errors import UserError
from facevae.model import augmentation, compilation, losses, replicas, schedules, trackers
from facevae.model.end_of_fit import end_schedules, fit_arguments
from facevae.model.image_range import RangeCheckedModel

# Added to the seed, so that validation noise and the shifts of images are independent of training noise.
VALIDATION_SEED, SHIFT_SEED = 1_000_003, 2_000_003


class Trainer(RangeCheckedModel):
    """What `facevae.VAE` does in `fit` and `evaluate`.

    The subclass provides the settings and networks declared here, `encode`, `decode` and `to_float`.

    Attributes:
        global_step: `int64[]`, steps taken.
        total_steps: `float32[]`, the step at which the schedules end. `fit` sets it to its own end, unless it has been
            set ahead of `global_step`, or a callback sets it (`training/schedule.py`). With the initial value 1 the
            schedules are at their final values after one step.
        end_of_fit: what the last `fit` set `total_steps` to.
        variance: `float32[]`, σ², a running mean.
        not_finite_step: `int64[]`, the first step whose loss or gradients were not finite; -1 while there was none.
    """

    image_size: int
    latent_dim: int
    likelihood: str
    mse_weight: float
    kl_weight: float
    kl_warmup: float
    free_bits: float
    shift: int
    seed: int
    pixel_values: int
    encoder: keras.Model
    decoder: keras.Model
    encode: Callable[..., tuple[tf.Tensor, tf.Tensor]]
    decode: Callable[..., tf.Tensor]

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        # Files and checkpoints hold these in this order.
        self.global_step = self._state("global_step", (), "int64")
        self.total_steps = self._state("total_steps", (), "float32", "ones")
        self.variance = self._state("variance", (), "float32", "ones")
        self.not_finite_step = self._state("not_finite_step", (), "int64", keras.initializers.Constant(-1))
        self._trackers = {name: trackers.Mean(name=name) for name in trackers.TRACKED}
        self.end_of_fit = 1.0
        self.jit_compile_gradients = False

    def _state(self, name, shape, dtype="float32", initializer="zeros"):
        return self.add_weight(name=name, shape=shape, dtype=dtype, initializer=initializer, trainable=False)

    def compile(
        self,
        optimizer: Any = "adam",
        loss: None = None,
        loss_weights: None = None,
        metrics: None = None,
        weighted_metrics: None = None,
        *,
        jit_compile: bool = False,
        **kwargs: Any,
    ) -> None:
        """Like `keras.Model.compile`, but without losses and metrics: the model has its own.

        Args:
            optimizer: a Keras optimizer. Under `mixed_float16` it is wrapped for loss scaling.
            loss: None, like `loss_weights`, `metrics` and `weighted_metrics`.
            jit_compile: compile forward and backward pass with XLA. Noise and weight updates stay outside: the
                noise is then the same with and without XLA, and variables may lie on other devices.
            **kwargs: of `keras.Model.compile`.

        Raises:
            UserError: a loss, metrics or their weights were given, or `jit_compile` is not a bool.
        """
        compilation.refuse_losses_and_metrics(
            loss=loss, loss_weights=loss_weights, metrics=metrics, weighted_metrics=weighted_metrics
        )
        if not isinstance(jit_compile, bool):
            raise UserError(f"jit_compile: expected True or False, received {jit_compile!r}. Choose one.")
        optimizer = keras.optimizers.get(optimizer)
        if self.dtype_policy.name == "mixed_float16":
            optimizer = compilation.with_loss_scaling(optimizer, self.pixel_values)
        replica_count = self.distribute_strategy.num_replicas_in_sync
        if replica_count > 1:
            optimizer = compilation.without_gradient_sum(optimizer)
        super().compile(optimizer=optimizer, jit_compile=False, **kwargs)
        self.jit_compile_gradients = jit_compile
        passes = self._gradients, self.forward
        if jit_compile:
            passes = compilation.with_xla(*passes, replica_count)
        self._compiled_gradients, self._compiled_forward = passes

    def get_compile_config(self) -> dict[str, Any] | None:
        config = super().get_compile_config()
        return config and {**config, "jit_compile": self.jit_compile_gradients}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    # ------------------------------------------------------------------------------
    # Steps
    # ------------------------------------------------------------------------------

    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Like `keras.Model.fit`, but without weights: all images count alike.

        `kl_warmup` and `shift` are shares of the training from the model's first step to the end of this `fit`.

        Raises:
            UserError: no images, class or sample weights, values of the first batch that leave [0, 1], or a schedule
                without a way to know how many steps there will be.
        """
        return super().fit(**fit_arguments(self, super().fit, args, kwargs))

    def train_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        """Like `keras.Model.train_on_batch`.

        Raises:
            UserError: `kl_warmup` or `shift`, and `total_steps` has not been set: only the caller knows it.
        """
        if float(self.total_steps.numpy()) <= 1.0:
            end_schedules(self, None)
        return super().train_on_batch(*args, **kwargs)

    def train_step(self, data: Any) -> dict[str, Any]:
        images, _, weights = keras.utils.unpack_x_y_sample_weight(data)
        compilation.refuse_weights(weights)
        images = self.to_float(self.check_first_batch("train", images))

        # Forward pass and gradients: one XLA program where XLA is on.
        noise = self.noise(images, self.seed, self.global_step)
        results, gradients = self.compute_gradients(self.shift_images(images), noise)

        # Weights. Where a replica refuses its batch there is no loss: then no weight and no counter changes.
        with tf.control_dependencies([results["loss"]]):
            self.optimizer.apply(gradients, self.trainable_variables)
            # Moving statistics: each replica has updated its own from its part of the batch.
            replicas.average([*self.encoder.non_trainable_weights, *self.decoder.non_trainable_weights])
            self._note_if_not_finite(results)
            self._follow_variance(results["mse"])
            self.global_step.assign_add(1)

        # Trackers.
        return self._track(results)

    def test_step(self, data: Any) -> dict[str, Any]:
        images, _, weights = keras.utils.unpack_x_y_sample_weight(data)
        images = self.to_float(self.check_first_batch("test", images))
        noise = self.noise(images, self.seed + VALIDATION_SEED, 0)
        faces, mse, kl = self._batch_means(images, noise, training=False, weights=weights)
        reconstruction_loss = self._reconstruction_loss(mse, tf.convert_to_tensor(self.variance))
        kl_loss = tf.reduce_sum(kl)
        loss = reconstruction_loss + self.kl_weight * kl_loss
        results = {"loss": loss, "reconstruction_loss": reconstruction_loss, "kl_loss": kl_loss, "mse": mse}
        return self._track({**results, "faces": faces})

    def compute_gradients(
        self, images: tf.Tensor, noise: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], list[tf.Tensor]]:
        """One forward and backward pass, with XLA where `compile` was called with `jit_compile`.

        Args:
            images: `float32[batch, image_size, image_size, 3]` in [0, 1]; this replica's part of the global batch.
            noise: `float32[batch, latent_dim]` of N(0, 1).

        Returns:
            The tracked values by name, without loss scaling, and the number of `faces` that they are means over; and
            the gradients of `trainable_variables`, still scaled where the optimizer scales the loss. All are those of
            the global batch.
        """
        return self._compiled_gradients(images, noise)

    def _gradients(self, images, noise):
        with tf.GradientTape() as tape:
            faces, mse, kl = self._batch_means(images, noise, training=True)
            # The optimal σ² for these images. The loss has no gradient with respect to it there: it is a constant.
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
        """Each image's mean squared error `float32[batch]` and KL `float32[batch, latent_dim]` in nats.

        Args:
            images, noise: as for `compute_gradients`.
            training: whether BatchNormalization and Dropout act as in training.
        """
        mean, log_variance = self.encode(images, training)
        reconstructions = self.decode(mean + tf.exp(0.5 * log_variance) * noise, training)
        mse = losses.squared_error(images, reconstructions)
        return mse, losses.kl_from_standard_normal(mean, log_variance)

    def progress(self) -> tf.Tensor:
        """How much of the training is done, `float32[]` in [0, 1]; the schedules are functions of it."""
        step = tf.cast(tf.convert_to_tensor(self.global_step), tf.float32)
        return tf.minimum(1.0, step / tf.convert_to_tensor(self.total_steps))

    def _batch_means(self, images, noise, training, weights=None):
        """Number of faces in the global batch, their mean squared error `[]` and their mean KL `[latent_dim]`.

        Faces of weight 0 are padding.
        """
        mse, kl = self._compiled_forward(images, noise, training)
        weights = tf.ones_like(mse) if weights is None else tf.cast(weights, tf.float32)
        sums = [tf.reduce_sum(weights), tf.reduce_sum(weights * mse), tf.linalg.matvec(kl, weights, True)]
        faces, mse, kl = replicas.total(sums)
        return faces, mse / faces, kl / faces

    def _reconstruction_loss(self, mse, variance):
        if self.likelihood == "weighted_mse":
            return self.mse_weight * mse
        return losses.gaussian_negative_log_likelihood(mse, variance, self.pixel_values)

    def noise(self, images: tf.Tensor, seed: int, step: int | tf.Tensor) -> tf.Tensor:
        """Noise of N(0, 1) for this replica's part of the global batch, `float32[batch, latent_dim]`.

        It is a function of seed, step and the position in the global batch.
        """
        seeds = [tf.constant(seed, tf.int64), tf.cast(step, tf.int64)]
        return replicas.own_part(
            tf.shape(images)[0], lambda faces: tf.random.stateless_normal([faces, self.latent_dim], seeds)
        )

    def shift_images(self, images: tf.Tensor) -> tf.Tensor:
        """The images of a training step, each shifted at random by at most what the schedule says.

        Args:
            images: `float32[batch, image_size, image_size, 3]`; this replica's part of the global batch.
        """
        if not self.shift:
            return images
        most = schedules.shift(self.shift, self.progress())
        return augmentation.shifted_at_random(images, most, self.seed + SHIFT_SEED, self.global_step)

    def _note_if_not_finite(self, results):
        # A loss-scaling optimizer skips steps whose gradients overflow: those are expected.
        finite = tf.math.is_finite(results["loss"])
        if not isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            finite &= tf.math.is_finite(results["gradient_norm"])
        first = tf.logical_and(~finite, tf.convert_to_tensor(self.not_finite_step) < 0)
        self.not_finite_step.assign(tf.where(first, self.global_step, self.not_finite_step))

    def _follow_variance(self, mse):
        # A running mean over about the last tenth of the steps so far, at most a hundred.
        step = tf.cast(tf.convert_to_tensor(self.global_step), tf.float32)
        share = tf.maximum(0.01, 10.0 / (step + 10.0))
        batch = tf.maximum(mse, losses.SMALLEST_VARIANCE)
        self.variance.assign((1.0 - share) * self.variance + share * batch)

    def _track(self, results):
        faces = results.pop("faces")
        logs = trackers.update(self._trackers, results, faces)
        if isinstance(self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy):
            # Keras averages the workers' logs along an axis that scalars lack (keras-team/keras#20585).
            logs = {name: value[tf.newaxis] for name, value in logs.items()}
        return logs

    def make_train_function(self, force: bool = False) -> None:
        # If its variables were made in the first step, TensorFlow would trace the step twice.
        if not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)
        super().make_train_function(force)

    @property
    def optimizers(self) -> list[keras.optimizers.Optimizer]:
        """All that a step of training updates weights with."""
        return [self.optimizer]

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return list(self._trackers.values())

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Does nothing: the constructor has built all layers. Keras would average a first uint8 batch over workers."""
