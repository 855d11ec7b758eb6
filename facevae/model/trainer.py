"""How the variational autoencoder trains: `keras.Model` with its own compile, steps and trackers."""

import inspect
import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from facevae.errors import UserError
from facevae.model import augmentation, losses, replicas, schedules
from facevae.model.end_of_fit import EndOfFit, end_schedules
from facevae.model.image_range import FirstBatch

# Added to the seed for validation, whose noise is then none of training's, and for the shifts of images.
VALIDATION_SEED, SHIFT_SEED = 1_000_003, 2_000_003


class Trainer(keras.Model):
    """What `facevae.VAE` does in `fit` and `evaluate`, apart from what a trained one can do.

    The subclass brings the settings and networks that are declared here, `encode`, `decode` and `to_float`.

    Attributes:
        global_step: `int64[]`, steps taken.
        total_steps: `float32[]`, where the schedules end. `fit` sets it to its own end, unless it has been set ahead
            of `global_step`, or a callback sets it. At 1 the schedules stand at their ends.
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
    encoder: keras.Model
    decoder: keras.Model
    encode: Callable[..., tuple[tf.Tensor, tf.Tensor]]
    decode: Callable[..., tf.Tensor]
    to_float: Callable[[Any], tf.Tensor]

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        # Files and checkpoints hold these in this order.
        self.global_step = self._state("global_step", (), "int64")
        self.total_steps = self._state("total_steps", (), "float32", "ones")
        self.variance = self._state("variance", (), "float32", "ones")
        self.not_finite_step = self._state("not_finite_step", (), "int64", keras.initializers.Constant(-1))
        self._trackers = {
            name: replicas.Mean(name=name)
            for name in ("loss", "reconstruction_loss", "kl_loss", "mse", "gradient_norm")
        }
        self.end_of_fit = 1.0
        self._first_batches = {kind: FirstBatch() for kind in ("train", "test", "predict")}
        self.jit_compile_gradients = False

    def _state(self, name, shape, dtype="float32", initializer="zeros"):
        return self.add_weight(name=name, shape=shape, dtype=dtype, initializer=initializer, trainable=False)

    # ------------------------------------------------------------------------------
    # Compilation
    # ------------------------------------------------------------------------------

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
        """As `keras.Model.compile`, without losses and metrics: the model has its own.

        Args:
            optimizer: a Keras optimizer. Under `mixed_float16` Keras wraps it for loss scaling.
            loss: None, as the three after it.
            jit_compile: compile forward and backward pass with XLA. Noise and weight updates stay outside: the
                noise is then the same with and without XLA, and variables may live on other devices.

        Raises:
            UserError: a loss, metrics or weights of them.
        """
        theirs = {"loss": loss, "loss_weights": loss_weights, "metrics": metrics}
        for name, value in {**theirs, "weighted_metrics": weighted_metrics}.items():
            if value is not None:
                raise UserError(
                    f"{name}: expected None, received {value!r}. The model minimises its own loss (likelihood, "
                    "mse_weight, kl_weight) and reports its parts: leave it out."
                )
        if not isinstance(jit_compile, bool):
            raise UserError(f"jit_compile: expected True or False, received {jit_compile!r}. Choose one.")
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
        self._compiled_gradients, self._compiled_forward = self._gradients, self.forward
        if jit_compile and self.distribute_strategy.num_replicas_in_sync == 1:
            self._compiled_gradients = tf.function(self._gradients, jit_compile=True)
        elif jit_compile:  # the replicas talk between the passes, which XLA cannot do on every device
            self._compiled_forward = tf.function(self.forward, jit_compile=True)

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
        """As `keras.Model.fit`, without weights: all images count alike.

        `kl_warmup` and `shift` are shares of the training from the model's first step to the end of this `fit`.

        Raises:
            UserError: no images, weights of classes or of images, a first batch whose values leave [0, 1], or a
                schedule and no way to know how many steps there will be.
        """
        given = inspect.signature(super().fit).bind(*args, **kwargs).arguments
        _refuse_weights(given.pop("class_weight", None))
        _refuse_weights(given.pop("sample_weight", None))  # without targets Keras would drop them
        if given.get("x") is None:
            raise UserError(
                "x: expected images, received none. Give an array, a tf.data.Dataset or a generator of batches."
            )
        callbacks = given.pop("callbacks", None)
        if isinstance(callbacks, keras.callbacks.CallbackList):
            end_schedules(self, None)  # it cannot be told how long this fit is
        else:
            callbacks = [EndOfFit(given.get("initial_epoch", 0)), *keras.tree.flatten(callbacks or [])]
        return super().fit(**given, callbacks=callbacks)

    def train_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        """As `keras.Model.train_on_batch`; schedules need `total_steps`, which nobody but the caller can know.

        Raises:
            UserError: `kl_warmup` or `shift` without it.
        """
        if float(self.total_steps) <= 1.0:
            end_schedules(self, None)
        return super().train_on_batch(*args, **kwargs)

    def train_step(self, data: Any) -> dict[str, Any]:
        images, _, weights = keras.utils.unpack_x_y_sample_weight(data)
        _refuse_weights(weights)
        images = self.to_float(self._first_batches["train"].check(images))

        # Forward pass and gradients: one XLA program where XLA is on.
        noise = self.noise(images, self.seed, self.global_step)
        results, gradients = self.compute_gradients(self.shift_images(images), noise)

        # Weights. A batch that any replica refuses has no loss, and then no weight and no count changes.
        with tf.control_dependencies([results["loss"]]):
            self.optimizer.apply(gradients, self.trainable_variables)
            self._average_statistics()
            self._note_if_not_finite(results)
            self._follow_variance(results["mse"])
            self.global_step.assign_add(1)

        # Trackers.
        return self._track(results)

    def test_step(self, data: Any) -> dict[str, Any]:
        images, _, weights = keras.utils.unpack_x_y_sample_weight(data)
        images = self.to_float(self._first_batches["test"].check(images))
        noise = self.noise(images, self.seed + VALIDATION_SEED, 0)
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

    def predict_step(self, data: Any) -> tf.Tensor:
        images, *_ = keras.utils.unpack_x_y_sample_weight(data)
        return super().predict_step((self.to_float(self._first_batches["predict"].check(images)),))

    def compute_gradients(
        self, images: tf.Tensor, noise: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], list[tf.Tensor]]:
        """One forward and backward pass, compiled as `compile` was asked to.

        Args:
            images: `float32[batch, image_size, image_size, 3]` in [0, 1]; this replica's part of the global batch.
            noise: `float32[batch, latent_dim]` of N(0, 1).

        Returns:
            What the trackers follow, unscaled, with the number of `faces` that it stands for, and the gradients for
            `trainable_variables`, still scaled where the optimizer scales the loss. All of it is the global batch's.
        """
        return self._compiled_gradients(images, noise)

    def _gradients(self, images, noise):
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
        """Each image's mean squared error `float32[batch]` and KL `float32[batch, latent_dim]` in nats.

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
        mse, kl = self._compiled_forward(images, noise, training)
        weights = tf.ones_like(mse) if weights is None else tf.cast(weights, tf.float32)
        sums = [tf.reduce_sum(weights), tf.reduce_sum(weights * mse), tf.linalg.matvec(kl, weights, True)]
        faces, mse, kl = replicas.total(sums)
        return faces, mse / faces, kl / faces

    def _reconstruction_loss(self, mse, variance):
        if self.likelihood == "weighted_mse":
            return self.mse_weight * mse
        return losses.gaussian_negative_log_likelihood(mse, variance, self.image_size * self.image_size * 3)

    def noise(self, images: tf.Tensor, seed: int, step: int | tf.Tensor) -> tf.Tensor:
        """The noise of a step for these images, this replica's part of the global batch: `float32[batch, latent_dim]`.

        It is a function of seed, step and the position in the global batch.
        """
        seeds = [tf.constant(seed, tf.int64), tf.cast(step, tf.int64)]
        return replicas.own_part(
            tf.shape(images)[0], lambda faces: tf.random.stateless_normal([faces, self.latent_dim], seeds)
        )

    def shift_images(self, images: tf.Tensor) -> tf.Tensor:
        """The images of a training step, each shifted its own way by at most as much as the schedule says.

        Args:
            images: `float32[batch, image_size, image_size, 3]`; this replica's part of the global batch.

        Returns:
            The same shape. The shifts are a function of the seed, the global step and the position in the global batch.
        """
        if not self.shift:
            return images
        most = schedules.shift(self.shift, self.progress())
        seeds = [tf.constant(self.seed + SHIFT_SEED, tf.int64), tf.cast(self.global_step, tf.int64)]
        shifts = replicas.own_part(
            tf.shape(images)[0],
            lambda faces: tf.random.stateless_uniform([faces, 2], seeds, -most, most + 1, tf.int32),
        )
        return tf.cond(most > 0, lambda: augmentation.shifted(images, shifts), lambda: images)

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

    # ------------------------------------------------------------------------------
    # What Keras asks for
    # ------------------------------------------------------------------------------

    def make_train_function(self, force: bool = False) -> None:
        self._watch_first_batch("train", super().make_train_function, force)

    def make_test_function(self, force: bool = False) -> None:
        self._watch_first_batch("test", super().make_test_function, force)

    def make_predict_function(self, force: bool = False) -> None:
        self._watch_first_batch("predict", super().make_predict_function, force)

    def _watch_first_batch(self, kind, make, force):
        # Keras makes a function once, and asks for it whenever steps are about to be taken.
        name, first_batch = f"{kind}_function", self._first_batches[kind]
        before = getattr(self, name)
        make(force)
        if getattr(self, name) is not before:
            setattr(self, name, first_batch.watch(getattr(self, name)))
        first_batch.expect()

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Builds nothing: the constructor has. Keras would average a first batch of bytes over all workers."""

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return list(self._trackers.values())


def _refuse_weights(weights):
    if weights is not None:
        raise UserError(
            "sample_weight, class_weight: expected none in training, received weights. All images count alike: "
            "leave the weights out, or leave out the images that count less."
        )
