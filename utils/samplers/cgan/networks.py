"""The networks of the conditional GAN (generator, critic, auxiliary classifier) and their losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from utils.seeding import child_seed

if TYPE_CHECKING:
    import keras
from utils.samplers.cgan.config import GANConfig


def build_generator(config: GANConfig, n_features: int, n_classes: int, seed: int) -> keras.Model:
    """Noise and one-hot class in, normal scores out: dense layers with layer normalisation, linear output."""
    return _network("generator", config.latent_dim + n_classes, config.hidden, n_features, seed)


def build_critic(config: GANConfig, n_features: int, n_classes: int, seed: int) -> keras.Model:
    """Packed scores, and one-hot class, in; one score out. It is not normalised, because the penalty is per row."""
    import keras

    rows, condition = keras.Input((config.pack * n_features,)), keras.Input((n_classes,))
    if config.critic == "concatenated":
        values = keras.ops.concatenate([rows, condition], axis=1)
        score = _layers("critic", values, config.hidden, 1, seed)
    else:
        last = _layers("critic", rows, config.hidden[:-1], config.hidden[-1], seed)
        of_class = _dense(config.hidden[-1], child_seed(seed, "class"))(condition)
        score = keras.ops.sum(of_class * keras.layers.LeakyReLU(negative_slope=0.2)(last), axis=1, keepdims=True)
    return keras.Model([rows, condition], score, name="critic")


def build_classifier(config: GANConfig, n_features: int, n_classes: int, seed: int) -> keras.Model:
    """Scores in, one logit per class out; the class is not an input."""
    return _network("classifier", n_features, config.hidden, n_classes, seed)


def _network(name: str, n_inputs: int, hidden: tuple[int, ...], n_outputs: int, seed: int) -> keras.Model:
    import keras

    inputs = keras.Input((n_inputs,))
    return keras.Model(inputs, _layers(name, inputs, hidden, n_outputs, seed), name=name)


def _layers(name: str, values: Any, hidden: tuple[int, ...], n_outputs: int, seed: int) -> Any:
    """Output of dense layers for Keras tensors."""
    import keras

    for layer, width in enumerate(hidden):
        values = _dense(width, child_seed(seed, name, layer))(values)
        if name == "generator":
            values = keras.layers.LayerNormalization(epsilon=1e-3)(values)
        values = keras.layers.LeakyReLU(negative_slope=0.2)(values)
    return _dense(n_outputs, child_seed(seed, name, len(hidden)))(values)


def _dense(width: int, seed: int) -> keras.layers.Layer:
    import keras

    return keras.layers.Dense(int(width), kernel_initializer=keras.initializers.GlorotUniform(seed=seed))


def forward(weights: list[np.ndarray], values: np.ndarray) -> np.ndarray:
    """Output of the Keras generator, computed with NumPy, so that a saved GAN samples without TensorFlow.

    Hidden layers have four weights (kernel, bias, scale, shift), the output layer two.
    """
    for layer in range(0, len(weights) - 2, 4):
        kernel, bias, scale, shift = weights[layer : layer + 4]
        values = values @ kernel + bias
        values = values - values.mean(axis=1, keepdims=True)
        values = scale * values / np.sqrt(values.var(axis=1, keepdims=True) + 1e-3) + shift
        values = np.where(values > 0, values, 0.2 * values)
    return values @ weights[-2] + weights[-1]


def critic_loss(loss: str, real: Any, fake: Any) -> Any:
    """Loss of the critic, a scalar, from its scores of real and synthetic rows of shape (n_rows, 1)."""
    import tensorflow as tf

    if loss == "wasserstein":
        return tf.reduce_mean(fake) - tf.reduce_mean(real)
    return tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(fake))


def generator_loss(loss: str, fake: Any) -> Any:
    """Loss of the generator, a scalar, from the critic's scores of synthetic rows of shape (n_rows, 1)."""
    import tensorflow as tf

    return -tf.reduce_mean(fake) if loss == "wasserstein" else tf.reduce_mean(tf.nn.softplus(-fake))


def adam(config: GANConfig) -> keras.optimizers.Optimizer:
    """The optimiser of a network."""
    import keras

    beta_1, beta_2 = config.betas
    return keras.optimizers.Adam(config.learning_rate, beta_1=beta_1, beta_2=beta_2)
