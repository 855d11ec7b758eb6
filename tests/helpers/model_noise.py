"""The noise that a model draws in a step."""

import tensorflow as tf


def noise_of(model, count, seed=None, step=0):
    seeds = [model.seed if seed is None else seed, step]
    return tf.random.stateless_normal([count, model.latent_dim], tf.constant(seeds, tf.int64))
