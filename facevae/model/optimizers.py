"""Muon for convolutional networks, and Adam in one fused kernel."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="facevae")
class Adam(keras.optimizers.Adam):
    """Keras' Adam, each variable updated by TensorFlow's fused kernel.

    The same mathematics (Kingma and Ba, "Adam", arXiv:1412.6980, section 2, last paragraph). Keras writes it as about
    ten operations on arrays as large as the weights, each of which reads and writes memory; the kernel does so once.
    """

    def update_step(
        self, gradient: tf.Tensor, variable: keras.Variable | tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Updates one variable and its two moments."""
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(self._momentums[index]),
            v=_handle(self._velocities[index]),
            beta1_power=tf.pow(tf.cast(self.beta_1, variable.dtype), step),
            beta2_power=tf.pow(tf.cast(self.beta_2, variable.dtype), step),
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.cast(gradient, variable.dtype),
        )


@keras.saving.register_keras_serializable(package="facevae")
class Muon(keras.optimizers.Muon):
    """Keras' Muon, applied to the kernels of convolutions, too, and orthogonalising at a third of the cost.

    Each matrix moves along its orthogonalised momentum, so that every direction of a layer learns at the same rate
    (Jordan et al., "Muon", kellerjordan.github.io/posts/muon, 2024; scaled so that Adam's learning rates fit: Liu et
    al., "Muon is Scalable for LLM Training", arXiv:2502.16982, section 2.2). Adam updates biases and normalisation.

    Keras updates convolutions, nearly all of a VAE's layers, by Adam. Here a kernel `[height, width, inputs, outputs]`
    is the matrix `[height · width · inputs, outputs]`; for a transposed one inputs and outputs are swapped.
    """

    def _should_use_adamw(self, variable: keras.Variable) -> bool:
        return len(variable.shape) not in (2, 4)

    def lr_adjust(self, x: tf.Tensor) -> tf.Tensor:
        """The update, scaled to the root mean square of Adam's: times 0.2 · √(larger side of the matrix)."""
        return tf.reshape(super().lr_adjust(_as_matrix(x)), x.shape)

    def zeropower_via_newtonschulz5(self, x: tf.Tensor, steps: int) -> tf.Tensor:
        """Approximates the nearest (semi-)orthogonal matrix: singular values become 0.7 to 1.2.

        The iteration X ← (aI + bXXᵀ + c(XXᵀ)²)X of Jordan et al., computed on the Gram matrix XXᵀ of the smaller side:
        each step is a polynomial in it, so the large matrix is multiplied twice in all instead of twice a step.

        Args:
            x: `float32[..., columns]`, the momentum.
            steps: number of iterations.
        """
        matrix = _as_matrix(x)
        tall = matrix.shape[0] > matrix.shape[1]
        matrix /= tf.norm(matrix) + 1e-7  # the spectral norm is then at most 1
        gram = tf.matmul(matrix, matrix, transpose_a=tall, transpose_b=not tall)
        identity = tf.eye(gram.shape[0])
        product = identity
        for step in range(steps):
            factor = self.muon_a * identity + self.muon_b * gram + self.muon_c * (gram @ gram)
            product = factor @ product if step else factor
            gram = factor @ gram @ factor
        return tf.reshape(matrix @ product if tall else product @ matrix, x.shape)


def _as_matrix(x):
    return tf.reshape(x, [-1, x.shape[-1]])


def _handle(variable):
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle
