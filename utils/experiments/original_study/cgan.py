"""The conditional GAN of the study whose claim is tested, reimplemented from its published choices.

This is a replica, not a recommendation: it keeps the choices that make this network fail on the data (an output between
-1 and 1 for columns with a far larger range, targets outside [0, 1]), so that their effect can be measured. Source of
every choice: `cgans.py` of the repository "Improving learning from imbalanced data using CGANs: credit card fraud
detection case study".
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from utils.backend import load_tensorflow
from utils.samplers.cgan.scaler import check_rows
from utils.seeding import child_seed

if TYPE_CHECKING:
    import keras

LATENT_DIM = 32
GENERATOR_WIDTHS = (128, 256, 512)
DISCRIMINATOR_WIDTHS = (512, 256, 128)
BATCH_SIZE, RARE_PER_BATCH = 32, 8
SMOOTHING = 0.1  # targets are drawn from [1, 1.1] for real rows and from [-0.1, 0] for synthetic ones
SMOOTHED_SHARE = 2 / 3  # of the batches; the targets are 1 and 0 afterwards
BATCHES_PER_CALL = 500


class OriginalCGAN(BaseEstimator):
    """The original study's conditional GAN: raw columns in, `tanh` out, cross-entropy with targets beyond [0, 1].

    Noise and rows are multiplied with an embedding of their label before they enter the generator and the
    discriminator. Every batch holds 8 rows of the rare class and 24 of the other. Cross-entropy is taken from
    logits, which is what the study's version of Keras did with a sigmoid output; with targets outside [0, 1] it
    has no lower bound.

    Parameters
    ----------
    random_state : int, default=0
        Seed of weights, batches, dropout and sampled rows.
    batches : int, default=2000
        Training batches; each updates the discriminator twice and the generator once.
    verbose : int, default=0
        1 shows a progress bar with the losses.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
    generator_ : keras.Model
        Takes noise of shape (n_rows, 32) and class codes of shape (n_rows,).
    history_ : DataFrame
        Columns batch, discriminator_loss, generator_loss; one row per batch.
    """

    def __init__(self, random_state: int = 0, batches: int = 2000, verbose: int = 0) -> None:
        self.random_state = random_state
        self.batches = batches
        self.verbose = verbose

    def fit(self, X: np.ndarray | pd.DataFrame, y: np.ndarray | pd.Series) -> OriginalCGAN:
        """Train on the rows of `X`, as they are, with binary labels `y`.

        Parameters
        ----------
        X : array or DataFrame of shape (n_rows, n_features)
            Numeric and finite.
        y : array or Series of shape (n_rows,)

        Raises
        ------
        ValueError
            If a value is not finite, `y` does not hold two classes, or `batches` is not positive.
        FloatingPointError
            If a loss stops being a finite number.
        """
        if self.batches < 1:
            raise ValueError(f"batches is {self.batches}; choose 1 or more.")
        self.columns_ = list(X.columns) if isinstance(X, pd.DataFrame) else None
        rows, labels = check_rows(X, y)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) != 2:
            raise ValueError(f"y has {len(self.classes_)} class(es); OriginalCGAN needs exactly 2.")
        self.n_features_in_ = rows.shape[1]
        self.n_draws_ = 0
        load_tensorflow()
        self.generator_ = build_generator(rows.shape[1], self.random_state)
        self.history_ = _Training(rows, codes, self.generator_, self.random_state, self.batches).run(self.verbose)
        return self

    def sample(self, n_rows: int, label: Hashable, random_state: int | None = None) -> np.ndarray | pd.DataFrame:
        """Draw rows of one class.

        Parameters
        ----------
        n_rows : int
        label : hashable
            One of ``classes_``.
        random_state : int or None, default=None
            None gives other rows at every call, in a sequence determined by the estimator's random state.

        Returns
        -------
        ndarray or DataFrame of shape (n_rows, n_features)
            float64, every value in [-1, 1]; a frame if a frame was fitted.

        Raises
        ------
        ValueError
            If `label` was not in the training data or `n_rows` is negative.
        """
        check_is_fitted(self, "generator_")
        if label not in self.classes_:
            raise ValueError(f"No rows labelled {label!r} were seen in fit; choose from {list(self.classes_)}.")
        if n_rows < 0:
            raise ValueError(f"n_rows is {n_rows}; choose 0 or more.")
        if random_state is None:
            random_state = child_seed(self.random_state, "sample", self.n_draws_)
            self.n_draws_ += 1
        noise = np.random.default_rng(random_state).standard_normal((n_rows, LATENT_DIM)).astype(np.float32)
        codes = np.full(n_rows, np.flatnonzero(self.classes_ == label)[0], dtype=np.int32)
        rows = np.zeros((0, self.n_features_in_))
        if n_rows:
            rows = self.generator_.predict([noise, codes], batch_size=8192, verbose=0).astype(np.float64)
        return rows if self.columns_ is None else pd.DataFrame(rows, columns=self.columns_)


def build_generator(n_features: int, seed: int) -> keras.Model:
    """Generator: noise times the label embedding to a row in [-1, 1]; batch normalisation after each activation."""
    import keras

    def initializer(layer: object) -> keras.initializers.Initializer:
        return keras.initializers.GlorotUniform(seed=child_seed(seed, "generator", layer))

    noise, label, values = _conditional_input(LATENT_DIM, child_seed(seed, "generator", "label"))
    for layer, width in enumerate(GENERATOR_WIDTHS):
        values = keras.layers.Dense(width, kernel_initializer=initializer(layer))(values)
        values = keras.layers.LeakyReLU(negative_slope=0.2)(values)
        values = keras.layers.BatchNormalization(momentum=0.8)(values)
    values = keras.layers.Dense(n_features, activation="tanh", kernel_initializer=initializer("out"))(values)
    return keras.Model([noise, label], values, name="generator")


def build_discriminator(n_features: int, seed: int) -> keras.Model:
    """Discriminator: a row times the label embedding to one logit; dropout after all hidden layers but the first."""
    import keras

    def dense(width: int, layer: object) -> keras.layers.Layer:
        normal = keras.initializers.RandomNormal(stddev=0.02, seed=child_seed(seed, "discriminator", layer))
        # The study's last layer has Keras' default initialiser.
        last = keras.initializers.GlorotUniform(seed=child_seed(seed, "discriminator", layer))
        return keras.layers.Dense(width, kernel_initializer=last if width == 1 else normal)

    rows, label, values = _conditional_input(n_features, child_seed(seed, "discriminator", "label"))
    for layer, width in enumerate(DISCRIMINATOR_WIDTHS):
        values = keras.layers.LeakyReLU(negative_slope=0.2)(dense(width, layer)(values))
        if layer:
            values = keras.layers.Dropout(0.4, seed=child_seed(seed, "dropout", layer))(values)
    return keras.Model([rows, label], dense(1, "out")(values), name="discriminator")


def _conditional_input(width: int, seed: int) -> tuple[Any, Any, Any]:
    """Inputs for vectors of `width` numbers and for class codes, and the product of vector and code embedding."""
    import keras

    vector, label = keras.Input((width,)), keras.Input((), dtype="int32")
    initializer = keras.initializers.RandomUniform(seed=seed)
    embedded = keras.layers.Embedding(2, width, embeddings_initializer=initializer)(label)
    return vector, label, keras.layers.multiply([vector, embedded])


class _Training:
    """Discriminator, optimisers and a compiled function that trains on many batches."""

    def __init__(self, rows: np.ndarray, codes: np.ndarray, generator: keras.Model, seed: int, batches: int) -> None:
        import keras
        import tensorflow as tf

        counts = np.bincount(codes)
        self.rare = int(np.argmin(counts))
        self.members = [tf.constant(np.flatnonzero(codes == code), tf.int32) for code in (0, 1)]
        self.rows = tf.constant(rows, tf.float32)
        self.codes = tf.constant(codes, tf.int32)
        self.seed, self.batches = seed % (2**31 - 16), batches
        self.generator, self.discriminator = generator, build_discriminator(rows.shape[1], seed)
        self.loss = keras.losses.BinaryCrossentropy(from_logits=True)
        self.optimizers = {}
        for network in (self.generator, self.discriminator):
            self.optimizers[network.name] = keras.optimizers.Adam(2e-4, beta_1=0.5)
            self.optimizers[network.name].build(network.trainable_variables)
        self.compiled = tf.function(self._train)

    def run(self, verbose: int) -> pd.DataFrame:
        """Train on all batches and return the losses."""
        import tensorflow as tf
        from tqdm.auto import tqdm

        losses = []
        with tqdm(total=self.batches, desc="Original CGAN", unit="batch", disable=not verbose) as bar:
            for start in range(0, self.batches, BATCHES_PER_CALL):
                stop = min(start + BATCHES_PER_CALL, self.batches)
                losses.append(self.compiled(tf.constant(start), tf.constant(stop)).numpy())
                not_finite = np.flatnonzero(~np.isfinite(losses[-1]).all(axis=1))
                if len(not_finite):
                    raise FloatingPointError(
                        f"The loss is not finite at batch {start + not_finite[0] + 1}; use another random_state."
                    )
                bar.update(stop - start)
        history = pd.DataFrame(np.concatenate(losses), columns=["discriminator_loss", "generator_loss"])
        history.insert(0, "batch", np.arange(1, self.batches + 1))
        return history

    def _train(self, start: Any, stop: Any) -> Any:
        """Train on batches `start` to `stop`; returns the losses as a tensor of shape (stop - start, 2)."""
        import tensorflow as tf

        losses = tf.TensorArray(tf.float32, size=stop - start)
        for batch in tf.range(start, stop):
            noise = tf.random.stateless_normal([BATCH_SIZE, LATENT_DIM], [self.seed, batch])
            discriminator_loss = self._update_discriminator(batch, noise)
            generator_loss = self._update_generator(batch, noise)
            losses = losses.write(batch - start, tf.stack([discriminator_loss, generator_loss]))
        return losses.stack()

    def _update_discriminator(self, batch: Any, noise: Any) -> Any:
        """One step on real rows, then one on synthetic rows with the same labels; returns the mean of both losses."""
        import tensorflow as tf

        rare = self._draw_positions(self.rare, RARE_PER_BATCH, [self.seed + 1, batch])
        other = self._draw_positions(1 - self.rare, BATCH_SIZE - RARE_PER_BATCH, [self.seed + 2, batch])
        positions = tf.concat([rare, other], axis=0)
        labels = tf.gather(self.codes, positions)
        # The generator is in inference mode, as in the study.
        synthetic = self.generator([noise, labels], training=False)
        smoothing = SMOOTHING * tf.cast(batch < int(SMOOTHED_SHARE * self.batches), tf.float32)
        real_target = 1.0 + smoothing * tf.random.stateless_uniform([BATCH_SIZE, 1], [self.seed + 3, batch])
        synthetic_target = -smoothing * tf.random.stateless_uniform([BATCH_SIZE, 1], [self.seed + 4, batch])
        losses = [
            self._step_discriminator(rows, labels, target)
            for rows, target in ((tf.gather(self.rows, positions), real_target), (synthetic, synthetic_target))
        ]
        return 0.5 * (losses[0] + losses[1])

    def _draw_positions(self, code: int, n_rows: int, stream: list) -> Any:
        """Positions of rows of one class, drawn with replacement."""
        import tensorflow as tf

        members = self.members[code]
        return tf.gather(members, tf.random.stateless_uniform([n_rows], stream, 0, tf.size(members), tf.int32))

    def _step_discriminator(self, rows: Any, labels: Any, target: Any) -> Any:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss = self.loss(target, self.discriminator([rows, labels], training=True))
        self._apply_gradients(self.discriminator, tape, loss)
        return loss

    def _update_generator(self, batch: Any, noise: Any) -> Any:
        """One step towards synthetic rows of either class that the discriminator classifies as real."""
        import tensorflow as tf

        labels = tf.random.stateless_uniform([BATCH_SIZE], [self.seed + 5, batch], 0, 2, tf.int32)
        with tf.GradientTape() as tape:
            synthetic = self.generator([noise, labels], training=True)
            loss = self.loss(tf.ones([BATCH_SIZE, 1]), self.discriminator([synthetic, labels], training=True))
        self._apply_gradients(self.generator, tape, loss)
        return loss

    def _apply_gradients(self, network: keras.Model, tape: Any, loss: Any) -> None:
        gradients = tape.gradient(loss, network.trainable_variables)
        self.optimizers[network.name].apply(gradients, network.trainable_variables)
