"""Training of the conditional GAN: alternating updates of critic and generator in one compiled graph."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from utils.backend import load_tensorflow

if TYPE_CHECKING:
    import keras
from utils.samplers.cgan.config import GANConfig
from utils.samplers.cgan.networks import (
    adam,
    build_classifier,
    build_critic,
    build_generator,
    critic_loss,
    generator_loss,
)

OUTSIDE_TRAINING = ("updates", "scaling", "decorrelate", "match_moments", "match_values", "majority_rows")  # settings


class DivergenceError(FloatingPointError):
    """A loss is no longer finite."""


class Trainer:
    """The networks, their optimisers and one compiled function that runs many updates.

    Compiling takes as long as a thousand updates, so `trainer_for` caches trainers; `train` resets everything learned.

    Parameters
    ----------
    config : GANConfig
        The settings `OUTSIDE_TRAINING` are ignored; `train` takes the number of updates.
    n_features, n_classes : int
    """

    def __init__(self, config: GANConfig, n_features: int, n_classes: int) -> None:
        tf = _limited_tensorflow()
        self.config, self.n_features, self.n_classes = config, n_features, n_classes
        self.rows = tf.Variable(np.zeros((1, n_features), np.float32), shape=(None, n_features))
        self.counts = tf.Variable(np.zeros(n_classes, np.float32))
        self.first = tf.Variable(np.zeros(n_classes, np.int32))
        self.seed = tf.Variable(0)
        self.generator, self.critic, self.classifier = self._networks(0)
        self.averages = [tf.Variable(weight) for weight in self.generator.trainable_variables]
        self.optimizers = {}
        for network in (self.generator, self.critic, self.classifier):
            optimizer = adam(config)
            optimizer.build(network.trainable_variables)
            self.optimizers[network.name] = optimizer
        states = [state for optimizer in self.optimizers.values() for state in optimizer.variables]
        self.initial_states = [(state, state.numpy()) for state in states]
        self.run = tf.function(self._run)
        self.lock = Lock()

    def train(
        self, scores: np.ndarray, codes: np.ndarray, updates: int, seed: int, verbose: int
    ) -> tuple[pd.DataFrame, list[np.ndarray]]:
        """Train on scores of shape (n_rows, n_features) with their class codes.

        Returns
        -------
        tuple of DataFrame and list of ndarray
            The losses, and the generator's weights for sampling.

        Raises
        ------
        DivergenceError
            If a loss is not finite.
        """
        with self.lock:
            self._start(scores, codes, seed)
            return self._train(updates, verbose), [average.numpy() for average in self.averages]

    def _networks(self, seed: int) -> list[keras.Model]:
        """Generator, critic and classifier with their initial weights."""
        builders = (build_generator, build_critic, build_classifier)
        return [build(self.config, self.n_features, self.n_classes, seed) for build in builders]

    def _start(self, scores: np.ndarray, codes: np.ndarray, seed: int) -> None:
        """Load the rows, sorted by class, and reset weights and optimisers."""
        counts = np.bincount(codes)
        self.rows.assign(scores[np.argsort(codes, kind="stable")].astype(np.float32))
        self.counts.assign(counts.astype(np.float32))
        self.first.assign((np.cumsum(counts) - counts).astype(np.int32))
        self.seed.assign(seed % (2**31 - 3))
        for network, fresh in zip((self.generator, self.critic, self.classifier), self._networks(seed), strict=True):
            network.set_weights(fresh.get_weights())
        for average, weight in zip(self.averages, self.generator.trainable_variables, strict=True):
            average.assign(weight)
        for state, value in self.initial_states:
            state.assign(value)

    def _train(self, total: int, verbose: int) -> pd.DataFrame:
        """All updates, in calls of `updates_per_call`; returns the losses."""
        import tensorflow as tf
        from tqdm.auto import tqdm

        chunk = self.config.updates_per_call
        losses = []
        with tqdm(total=total, desc="CGAN", unit="update", disable=not verbose) as bar:
            for start in range(0, total, chunk):
                stop = min(start + chunk, total)
                losses.append(self.run(tf.constant(start), tf.constant(stop)).numpy())
                self._check_finite(losses[-1], start)
                bar.update(stop - start)
                bar.set_postfix(critic=f"{losses[-1][-1, 0]:.3f}", generator=f"{losses[-1][-1, 1]:.3f}")
        history = pd.DataFrame(np.concatenate(losses), columns=["critic_loss", "generator_loss"])
        history.insert(0, "update", np.arange(1, total + 1))
        return history

    @staticmethod
    def _check_finite(losses: np.ndarray, start: int) -> None:
        bad = np.flatnonzero(~np.isfinite(losses).all(axis=1))
        if len(bad):
            raise DivergenceError(
                f"The loss of the GAN is not finite at update {start + bad[0] + 1}; "
                "lower GANConfig.learning_rate or raise gradient_penalty."
            )

    def _run(self, start: Any, stop: Any) -> Any:
        """Updates `start` to `stop`, as a tensor of losses of shape (stop - start, 2)."""
        import tensorflow as tf

        losses = tf.TensorArray(tf.float32, size=stop - start)
        for update in tf.range(start, stop):
            critic_loss = tf.constant(0.0)
            for step in tf.range(self.config.critic_steps):  # Python's range would unroll the loop
                critic_loss = self._update_critic(update, step)
            generator_loss = self._update_generator(update)
            losses = losses.write(update - start, tf.stack([critic_loss, generator_loss]))
        return losses.stack()

    def _condition(self, update: Any) -> tuple[Any, Any]:
        """Classes of one batch as codes (one per row) and one-hot rows."""
        import tensorflow as tf

        groups, share = self.config.batch_size // self.config.pack, self.config.majority_share
        # The shift by update includes every class in turn if there are more classes than groups.
        if share is None or self.n_classes == 1:
            codes = (tf.range(groups) + update * groups) % self.n_classes
        else:
            largest = tf.argmax(self.counts, output_type=tf.int32)
            of_majority = tf.range(groups) < round(share * groups)
            others = (tf.range(groups) + update * groups) % (self.n_classes - 1)
            codes = tf.where(of_majority, largest, others + tf.cast(others >= largest, tf.int32))
        codes = tf.repeat(codes, self.config.pack)
        return codes, tf.one_hot(codes, self.n_classes) * float(self.config.conditional)

    def _update_critic(self, update: Any, step: int) -> Any:
        import tensorflow as tf

        codes, condition = self._condition(update)
        batch = self.config.batch_size
        draw = tf.random.stateless_uniform([batch, 1], self._stream(1, update, step))[:, 0]
        positions = tf.cast(tf.floor(draw * tf.gather(self.counts, codes)), tf.int32)
        real = tf.gather(self.rows, tf.gather(self.first, codes) + positions)
        fake = self._fake(update, step, condition)
        mix = tf.random.stateless_uniform([batch // self.config.pack, 1], self._stream(2, update, step))
        with tf.GradientTape() as tape:
            real_score, fake_score = self._critic_scores(real, condition), self._critic_scores(fake, condition)
            loss = critic_loss(self.config.loss, real_score, fake_score)
            if self.config.gradient_penalty:
                loss += self.config.gradient_penalty * self._penalty(real, fake, condition, mix)
        self._apply_gradients(self.critic, tape.gradient(loss, self.critic.trainable_variables))
        if self.config.auxiliary:
            self._update_classifier(real, codes)
        return loss

    def _update_classifier(self, real: Any, codes: Any) -> None:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss = self._classification_loss(real, codes)
        self._apply_gradients(self.classifier, tape.gradient(loss, self.classifier.trainable_variables))

    def _classification_loss(self, rows: Any, codes: Any) -> Any:
        """Cross-entropy of the auxiliary classifier."""
        import tensorflow as tf

        logits = self.classifier(rows, training=True)
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=codes, logits=logits))

    def _update_generator(self, update: Any) -> Any:
        import tensorflow as tf

        codes, condition = self._condition(update)
        with tf.GradientTape() as tape:
            fake = self._fake(update, self.config.critic_steps, condition)
            loss = generator_loss(self.config.loss, self._critic_scores(fake, condition))
            if self.config.auxiliary:
                loss += self.config.auxiliary * self._classification_loss(fake, codes)
        self._apply_gradients(self.generator, tape.gradient(loss, self.generator.trainable_variables))
        # A lower decay at first, so that the average of a short training is not dominated by the first weights.
        age = tf.cast(update, tf.float32)
        decay = tf.minimum(self.config.average_decay, (1.0 + age) / (10.0 + age))
        for average, weight in zip(self.averages, self.generator.trainable_variables, strict=True):
            average.assign(decay * average + (1.0 - decay) * weight)
        return loss

    def _fake(self, update: Any, step: int, condition: Any) -> Any:
        import tensorflow as tf

        shape = [self.config.batch_size, self.config.latent_dim]
        noise = tf.random.stateless_normal(shape, self._stream(0, update, step))
        return self.generator(tf.concat([noise, condition], axis=1), training=True)

    def _stream(self, purpose: int, update: Any, step: int) -> list:
        """Seed of one draw, unique within a training and independent of global state."""
        return [self.seed + purpose, update * (self.config.critic_steps + 1) + step]

    def _critic_scores(self, rows: Any, condition: Any) -> Any:
        """Critic scores, one per group of `pack` rows."""
        import tensorflow as tf

        packed = tf.reshape(rows, [-1, self.config.pack * self.n_features])
        return self.critic([packed, condition[:: self.config.pack]], training=True)

    def _penalty(self, real: Any, fake: Any, condition: Any, mix: Any) -> Any:
        """Squared distance of the norm of the critic's gradient from one, at points between real and fake rows."""
        import tensorflow as tf

        shape = [-1, self.config.pack * self.n_features]
        between = mix * tf.reshape(real, shape) + (1.0 - mix) * tf.reshape(fake, shape)
        with tf.GradientTape() as tape:
            tape.watch(between)
            score = self._critic_scores(between, condition)
        gradient = tape.gradient(score, between)
        length = tf.sqrt(tf.reduce_sum(gradient**2, axis=1) + 1e-12)
        return tf.reduce_mean((length - 1.0) ** 2)

    def _apply_gradients(self, network: keras.Model, gradients: list) -> None:
        self.optimizers[network.name].apply(gradients, network.trainable_variables)


def trainer_for(config: GANConfig, n_features: int, n_classes: int) -> Trainer:
    """The trainer of a configuration, compiled once per process whatever the number of updates and rows.

    Configurations that differ only in what happens before and after the training have the same trainer.
    """
    default = GANConfig()
    ignored = {name: getattr(default, name) for name in OUTSIDE_TRAINING}
    return _trainer(replace(config, **ignored), n_features, n_classes)


_trainer = lru_cache(maxsize=8)(Trainer)


def _limited_tensorflow() -> Any:
    """TensorFlow, limited to the threads that joblib gives its workers."""
    tf = load_tensorflow()
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads.isdigit():
        try:
            tf.config.threading.set_intra_op_parallelism_threads(int(threads))
            tf.config.threading.set_inter_op_parallelism_threads(int(threads))
        except RuntimeError:
            pass  # TensorFlow is initialised, and its threads are fixed
    return tf
