"""The second phase of a training, in which a critic teaches the decoder to draw the details that the likelihood blurs.

The likelihood's best reconstruction is the average of all faces that a latent may stand for, and an average is blurred.
Here encoder, density and σ stay as the first phase left them, and a decoder begun from its decoder learns to draw one
of those faces: one that a critic cannot tell from photographs. Post-training of a likelihood model by an adversarial
loss: Lin et al., arXiv:2501.08316. The critic's loss: Huang et al., "The GAN is dead; long live the GAN!"
(R3GAN, arXiv:2501.05441): relativistic, with penalties R1 and R2, which need no further tricks.
"""

from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from facevae.model import augmentation, compilation, losses, networks, replicas, schedules, trackers
from facevae.model.vae import SETTINGS, VAE

# Added to the seed: the draws of this phase are independent of those of the first, and of one another.
LATENT_SEED, SAMPLE_SEED, VIEW_SEED = 3_000_003, 4_000_003, 5_000_003
TRACKED = ("sharpening_loss", "critic_loss", "adversarial_loss", "consistency_loss")

# Weights of the decoder's losses. The squared error is counted in units of what the first phase left of it, at half
# size, where the faces are the same, more than at full size, where the details are that are to be drawn.
FULL_SIZE_WEIGHT, HALF_SIZE_WEIGHT = 0.25, 1.0
CONSISTENCY_WEIGHT, ADVERSARIAL_WEIGHT = 0.1, 0.5
# The gradient penalty is expensive: it is taken in every fourth step, four times as strong ("lazy regularization",
# Karras et al., StyleGAN2, arXiv:1912.04958, appendix B).
PENALTY_EVERY = 4
# The averaged decoder, which is the result, forgets half of what it was in this share of the steps so far.
AVERAGED_SHARE, FEWEST_AVERAGED_STEPS = 0.1, 50.0


class Sharpener(VAE):
    """A VAE in its second phase: `decode` draws by the average of the decoders that its training steps pass through.

    Trackers, beside those of `VAE`: `sharpening_loss`, which the decoder minimises, and its parts `adversarial_loss`
    and `consistency_loss`; `critic_loss`. At ln 2 = 0.69 neither critic nor decoder is ahead; near 0 the critic
    recognises all drawings, and the decoder learns nothing from it. `reconstruction_loss` and `mse` are those of the
    sharpened decoder, with the σ of the first phase.

    Args:
        **kwargs: as for `VAE`. Under `mixed_float16` this phase computes in float32: the slopes of the critic leave
            the range of 16-bit floats.

    Attributes:
        learner: the decoder that learns; `decoder` is its average.
        critic: scores of pictures `float32[batch]`, higher for photographs.
        first_step: `int64[]`, the step at which this phase began.
    """

    keeps_density = True  # it is the training faces', fitted when the first phase ended

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.learner = networks.build_decoder(*self.network_arguments)
        self.critic = networks.build_critic(self.image_size, self.width, self.dtype_policy)
        self.first_step = self._state("first_step", (), "int64")
        self._spread = self._state("spread", (self.latent_dim,), "float32", "ones")
        self._errors = self._state("errors", (2,), "float32", "ones")
        self._trackers |= {name: trackers.Mean(name=name) for name in TRACKED}

    @classmethod
    def of(cls, vae: VAE, images: np.ndarray, precision: str = "float32") -> Self:
        """The second phase of a model whose first has ended.

        Args:
            vae: with its density, if it is to have one.
            images: `uint8[count, image_size, image_size, 3]`, some training faces, whose errors set the weights.
            precision: a Keras dtype policy.
        """
        settings = {name: getattr(vae, name) for name in SETTINGS}
        sharpener = cls(**settings, dtype="float32" if precision == "mixed_float16" else precision)
        for network in (sharpener.decoder, sharpener.learner):
            network.set_weights(vae.decoder.get_weights())
        sharpener.encoder.set_weights(vae.encoder.get_weights())
        if vae.density is not None:
            sharpener.density = vae.density
        for name in ("global_step", "variance"):
            getattr(sharpener, name).assign(getattr(vae, name))
        sharpener.first_step.assign(vae.global_step)
        sharpener.total_steps.assign(float(vae.global_step.numpy()) + 1.0)

        mean, log_variance = vae.encode_all(images)
        sharpener._spread.assign(mean.var(0) + np.exp(log_variance).mean(0))
        left = images / np.float32(255.0) - vae.decode_all(mean)
        errors = [np.square(left).mean(), np.square(_halved(left)).mean()]
        sharpener._errors.assign(np.maximum(errors, losses.SMALLEST_VARIANCE))
        return sharpener

    def compile(
        self,
        optimizer: Any = "adam",
        *args: Any,
        critic_optimizer: Any = "adam",
        jit_compile: bool = False,
        **kwargs: Any,
    ) -> None:
        """Like `VAE.compile`, with an optimizer for the decoder and one for the critic."""
        super().compile(optimizer, *args, jit_compile=jit_compile, **kwargs)
        self.critic_optimizer = keras.optimizers.get(critic_optimizer)
        if self.distribute_strategy.num_replicas_in_sync > 1:
            compilation.without_gradient_sum(self.critic_optimizer)
        self.optimizer.build(self.learner.trainable_variables)
        self.critic_optimizer.build(self.critic.trainable_variables)
        self._compiled_passes = tf.function(self._passes, jit_compile=True) if jit_compile else self._passes

    @property
    def optimizers(self) -> list[keras.optimizers.Optimizer]:
        return [self.optimizer, self.critic_optimizer]

    # ------------------------------------------------------------------------------
    # The step
    # ------------------------------------------------------------------------------

    def train_step(self, data: Any) -> dict[str, Any]:
        images, _, weights = keras.utils.unpack_x_y_sample_weight(data)
        compilation.refuse_weights(weights)
        images = self.to_float(self.check_first_batch("train", images))

        # What is drawn: reconstructions of half of the faces, and as many samples.
        latents, kl_loss, is_sample = self._latents(images)

        # Critic and decoder: losses and gradients, one XLA program where XLA is on.
        results, of_critic, of_learner = self._compiled_passes(
            images, latents, is_sample, *self._views(images)
        )
        results, of_critic, of_learner = replicas.mean((results, of_critic, of_learner))
        self.critic_optimizer.apply(of_critic, self.critic.trainable_variables)
        self.optimizer.apply(of_learner, self.learner.trainable_variables)
        self._average()

        # Counters and trackers.
        results["kl_loss"] = kl_loss
        results["loss"] = results["reconstruction_loss"] + kl_loss
        results["gradient_norm"] = tf.linalg.global_norm([*of_critic, *of_learner])
        self._note_if_not_finite(results)
        self.global_step.assign_add(1)
        faces = replicas.count() * tf.shape(images)[0]
        return self._track({**results, "faces": tf.cast(faces, tf.float32)})

    def progress(self) -> tf.Tensor:
        """How much of this phase is done, `float32[]` in [0, 1]."""
        first, step = (
            tf.cast(tf.convert_to_tensor(v), tf.float32) for v in (self.first_step, self.global_step)
        )
        return tf.clip_by_value((step - first) / (tf.convert_to_tensor(self.total_steps) - first), 0.0, 1.0)

    def _latents(self, images):
        """Latents `[batch, latent_dim]`, the faces' mean KL, and which latents are samples `bool[batch]`.

        Every second is one.
        """
        mean, log_variance = self.encode(images)
        noise = self.noise(images, self.seed + LATENT_SEED, self.global_step)
        posterior = mean + tf.exp(0.5 * log_variance) * noise
        kl = tf.reduce_sum(losses.kl_from_standard_normal(mean, log_variance), -1)
        is_sample = replicas.own_part(tf.shape(images)[0], lambda faces: tf.range(faces) % 2 == 1)
        latents = tf.where(is_sample[:, tf.newaxis], self._samples(images), posterior)
        return latents, replicas.mean(tf.reduce_mean(kl)), is_sample

    def _samples(self, images):
        noise = self.noise(images, self.seed + SAMPLE_SEED, self.global_step)
        if not self.density_components or self.sample_from == "prior":
            return noise
        seeds = [tf.constant(self.seed + SAMPLE_SEED, tf.int64), tf.cast(self.global_step, tf.int64)]
        log_weights = tf.math.log(tf.convert_to_tensor(self._density_weights))[tf.newaxis]
        chosen = replicas.own_part(
            tf.shape(images)[0],
            lambda faces: tf.random.stateless_categorical(log_weights, faces, seeds)[0],
        )
        means, scales = (
            tf.gather(tf.convert_to_tensor(v), chosen) for v in (self._density_means, self._density_scales)
        )
        return means + tf.linalg.matvec(scales, noise)

    def _views(self, images):
        """How the critic sees the faces and the drawings of a step: see `augmentation.random_views`."""
        return augmentation.random_views(
            tf.shape(images)[0], self.image_size, self.progress(), self.seed + VIEW_SEED, self.global_step
        )

    def _passes(self, images, latents, is_sample, brightness, offset):
        """Losses and gradients of this replica's faces, each a mean over them."""
        faces = tf.shape(images)[0]
        with tf.GradientTape() as tape:
            drawn = self.learner(latents, training=False)
            seen = augmentation.viewed(tf.concat([images, drawn], 0), brightness, offset)
            critic_loss, adversarial_loss, of_critic, towards_real = self._criticised(
                tf.stop_gradient(seen), faces
            )
            parts = self._kept(images, drawn, is_sample)
            consistency_loss = self._consistency(drawn, latents)
            weight = ADVERSARIAL_WEIGHT * schedules.rise(self.progress())
            # Its gradient with respect to the drawings is the adversarial loss's.
            adversarial = tf.reduce_sum(tf.stop_gradient(towards_real) * seen[faces:])
            minimised = parts["kept"] + CONSISTENCY_WEIGHT * consistency_loss + weight * adversarial
        of_learner = tape.gradient(minimised, self.learner.trainable_variables)
        results = {
            "mse": parts["mse"],
            "reconstruction_loss": self._reconstruction_loss(
                parts["mse"], tf.convert_to_tensor(self.variance)
            ),
            "sharpening_loss": parts["kept"]
            + CONSISTENCY_WEIGHT * consistency_loss
            + ADVERSARIAL_WEIGHT * adversarial_loss,
            "critic_loss": critic_loss,
            "adversarial_loss": adversarial_loss,
            "consistency_loss": consistency_loss,
        }
        return results, of_critic, of_learner

    def _kept(self, images, drawn, is_sample):
        """The reconstructions' mean squared error, and what the sharpening minimises of it."""
        share = tf.where(is_sample, 0.0, 1.0)
        share /= tf.maximum(tf.reduce_sum(share), 1.0)
        left = images - drawn
        mse, at_half = (
            tf.reduce_sum(share * tf.reduce_mean(tf.square(x), [1, 2, 3])) for x in (left, _halved(left))
        )
        errors = tf.convert_to_tensor(self._errors)
        return {
            "mse": mse,
            "kept": FULL_SIZE_WEIGHT * mse / errors[0] + HALF_SIZE_WEIGHT * at_half / errors[1],
        }

    def _consistency(self, drawn, latents):
        """Mean squared difference of the drawings' encodings from their latents, in units of the latents' variance.

        It keeps a decoder from drawing the same few faces for all samples.
        """
        again = self.encoder(drawn, training=False)[0]
        return tf.reduce_mean(tf.math.squared_difference(again, latents) / tf.convert_to_tensor(self._spread))

    def _criticised(self, seen, faces):
        """The critic's pass over faces and drawings `[2 · faces, side, side, 3]`.

        Returns:
            Its loss; the decoder's; the gradients of the critic's weights; the gradient of the decoder's loss with
            respect to the drawings.
        """
        with tf.GradientTape() as tape:
            tape.watch(seen)
            scores = self.critic(seen, training=True)
            lead = scores[:faces] - scores[faces:]  # of each face over the drawing beside it
            critic_loss = tf.reduce_mean(tf.nn.softplus(-lead))
        variables = self.critic.trainable_variables
        *of_critic, slopes = tape.gradient(critic_loss, [*variables, seen])
        steps = tf.convert_to_tensor(self.global_step) - tf.convert_to_tensor(self.first_step)
        penalty = tf.cond(
            steps % PENALTY_EVERY == 0,
            lambda: self._penalty_gradients(seen),
            lambda: [tf.zeros(variable.shape) for variable in variables],
        )
        of_critic = [a + b for a, b in zip(of_critic, penalty, strict=True)]
        # softplus(lead) has −e^lead times the slope of softplus(−lead): one pass through the critic gives both.
        towards_real = -slopes[faces:] * tf.exp(tf.minimum(lead, 20.0))[:, tf.newaxis, tf.newaxis, tf.newaxis]
        return critic_loss, tf.reduce_mean(tf.nn.softplus(lead)), of_critic, towards_real

    def _penalty_gradients(self, seen):
        """Gradients of the penalties R1 and R2, the mean squared slope of the critic at faces and at drawings."""
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(seen)
                scores = self.critic(seen, training=True)
            squared = tf.reduce_sum(tf.square(inner.gradient(scores, seen)), [1, 2, 3])
            penalty = PENALTY_EVERY * schedules.critic_penalty(self.progress()) * tf.reduce_mean(squared)
        variables = self.critic.trainable_variables
        gradients = outer.gradient(penalty, variables)
        # The last offset has none: it does not change the slope.
        return [tf.zeros(v.shape) if g is None else g for g, v in zip(gradients, variables, strict=True)]

    def _average(self):
        steps = tf.cast(
            tf.convert_to_tensor(self.global_step) - tf.convert_to_tensor(self.first_step), tf.float32
        )
        kept = 0.5 ** (1.0 / tf.maximum(FEWEST_AVERAGED_STEPS, AVERAGED_SHARE * steps))
        pairs = zip(self.decoder.trainable_variables, self.learner.trainable_variables, strict=True)
        for averaged, value in pairs:
            averaged.assign(kept * averaged + (1.0 - kept) * value)


def _halved(images):
    return tf.nn.avg_pool2d(images, 2, 2, "VALID")
