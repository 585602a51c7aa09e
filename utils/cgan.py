"""A conditional GAN for small numeric tables, and an imbalanced-learn sampler around it."""

from __future__ import annotations

import json
import os
from collections.abc import Hashable
from dataclasses import asdict, dataclass
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from imblearn.over_sampling.base import BaseOverSampler
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from utils.backend import load_tensorflow
from utils.seeding import child_seed
from utils.tabular import MIN_ROWS, ClassQuantileScaler, check_rows

if TYPE_CHECKING:
    import keras

MOMENT_ROWS = 20_000
LOSSES = ("wasserstein", "cross_entropy")
SCALINGS = ("class", "shared")


class DivergenceError(FloatingPointError):
    """Training reached a loss that is not a finite number."""


@dataclass(frozen=True)
class GANConfig:
    """Every choice that shapes the networks and their training.

    Attributes
    ----------
    latent_dim : int
        Length of the noise vector.
    hidden : tuple of int
        Widths of the hidden layers, the same in the generator and in the critic.
    updates : int
        Generator updates; the length of training whatever the number of rows.
    critic_steps : int
        Critic updates before each generator update.
    batch_size : int
        Rows per update, split evenly between the classes; a multiple of `pack`.
    learning_rate, betas : float and tuple of float
        Of Adam, in both networks.
    loss : {"wasserstein", "cross_entropy"}
        What the critic is trained for.
    gradient_penalty : float
        Weight of the penalty on critic gradients that are not of length one (Gulrajani et al., 2017).
    average_decay : float
        Decay of the running average of generator weights that sampling uses; 0 uses the last weights.
    pack : int
        Rows of one class that the critic judges together (PacGAN, Lin et al., 2018).
    conditional : bool
        Whether both networks see the class of a row.
    scaling : {"class", "shared"}
        Whether each class has its own quantile scaling.
    decorrelate : bool
        Whether scores are also made uncorrelated within each class before the networks see them.
    match_moments : bool
        Whether drawn scores are moved to the mean and covariance of the training rows of their class.
    majority_rows : int
        Rows drawn at random from any class that has more.
    updates_per_call : int
        Generator updates inside one compiled call; progress and divergence are looked at in between.
    """

    latent_dim: int = 64
    hidden: tuple[int, ...] = (128, 128)
    updates: int = 5000
    critic_steps: int = 3
    batch_size: int = 256
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.5, 0.9)
    loss: str = "wasserstein"
    gradient_penalty: float = 10.0
    average_decay: float = 0.999
    pack: int = 1
    conditional: bool = True
    scaling: str = "class"
    decorrelate: bool = False
    match_moments: bool = True
    majority_rows: int = 4000
    updates_per_call: int = 500

    def __post_init__(self) -> None:
        sizes = (self.latent_dim, *self.hidden, self.updates, self.critic_steps, self.batch_size, self.pack)
        if min(*sizes, self.updates_per_call, self.majority_rows - MIN_ROWS + 1) < 1:
            raise ValueError(f"Sizes and counts of {self} must be positive, and majority_rows {MIN_ROWS} or more.")
        if self.loss not in LOSSES:
            raise ValueError(f"GANConfig.loss is {self.loss!r}; use one of {LOSSES}.")
        if self.scaling not in SCALINGS:
            raise ValueError(f"GANConfig.scaling is {self.scaling!r}; use one of {SCALINGS}.")
        if self.batch_size % self.pack:
            raise ValueError(f"batch_size {self.batch_size} is not a multiple of pack {self.pack}; change one.")


class ConditionalGAN(BaseEstimator):
    """A GAN that draws rows of a chosen class: Wasserstein loss, gradient penalty, per-class scaling.

    Rows are turned into normal scores class by class (:class:`utils.tabular.ClassQuantileScaler`), so the
    networks only learn how the columns of a class depend on each other. The condition enters both networks
    by concatenation (Mirza and Osindero, 2014); the critic is trained for the Wasserstein distance with a
    gradient penalty (Gulrajani et al., 2017), on batches with equally many rows of every class; sampling
    uses averaged generator weights.

    Parameters
    ----------
    config : GANConfig, default=None
        None is ``GANConfig()``.
    random_state : int, RandomState or None, default=None
        An integer makes training and sampling repeatable.
    verbose : int, default=0
        1 shows a progress bar with the losses.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    n_features_in_ : int
    weights_ : list of ndarray
        Averaged weights of the generator.
    history_ : DataFrame
        Columns update, critic_loss, generator_loss; one row per generator update.
    """

    def __init__(
        self,
        config: GANConfig | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.config = config
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: np.ndarray | pd.DataFrame, y: np.ndarray | pd.Series) -> ConditionalGAN:
        """Train on the rows of `X` with labels `y`.

        Parameters
        ----------
        X : array or DataFrame of shape (n_rows, n_features)
            Numeric and finite.
        y : array or Series of shape (n_rows,)

        Returns
        -------
        ConditionalGAN
            Itself.

        Raises
        ------
        ValueError
            If a value is missing or infinite, or a class has fewer than 10 rows.
        DivergenceError
            If a loss stops being finite; lower the learning rate then.
        """
        config = self.config or GANConfig()
        columns = list(X.columns) if isinstance(X, pd.DataFrame) else None
        dtypes = [str(dtype) for dtype in X.dtypes] if columns else str(np.asarray(X).dtype)
        rows, labels = check_rows(X, y)
        self.columns_, self.dtypes_ = columns, dtypes
        self.classes_, codes = np.unique(labels, return_inverse=True)
        self.n_features_in_ = rows.shape[1]
        self.seed_ = _draw_seed(self.random_state)
        self.n_draws_ = 0
        generator = np.random.default_rng(child_seed(self.seed_, "rows"))
        kept = _cap_classes(codes, config.majority_rows, generator)
        self.scaler_ = ClassQuantileScaler(per_class=config.scaling == "class", decorrelate=config.decorrelate)
        scores = self.scaler_.fit_transform(rows[kept], codes[kept], generator)
        trainer = _Trainer(scores, codes[kept], config, child_seed(self.seed_, "training"))
        self.history_ = trainer.train(self.verbose)
        self.weights_ = trainer.averaged_weights()
        if config.match_moments:
            self._match_moments(scores, codes[kept])
        return self

    def _match_moments(self, scores: np.ndarray, codes: np.ndarray) -> None:
        """Let the scaler take out what the generator's mean and covariance miss of each class."""
        for code in range(len(self.classes_)):
            drawn = self._draw_scores(MOMENT_ROWS, code, child_seed(self.seed_, "moments", code))
            self.scaler_.correct_moments(scores[codes == code], drawn, code)

    def sample(self, n_rows: int, label: Hashable, random_state: int | None = None) -> np.ndarray | pd.DataFrame:
        """Draw rows of one class.

        Parameters
        ----------
        n_rows : int
        label : hashable
            One of ``classes_``.
        random_state : int or None, default=None
            None gives other rows at every call, in a sequence that the fit's random state fixes.

        Returns
        -------
        ndarray or DataFrame of shape (n_rows, n_features)
            With the names and types of the table that was fitted.

        Raises
        ------
        ValueError
            If `label` was not in training or `n_rows` is negative.
        """
        check_is_fitted(self, "weights_")
        if label not in self.classes_:
            raise ValueError(f"No rows labelled {label!r} were seen in fit; choose from {list(self.classes_)}.")
        if n_rows < 0:
            raise ValueError(f"n_rows is {n_rows}; ask for none or more rows.")
        if random_state is None:
            random_state = child_seed(self.seed_, "sample", self.n_draws_)
            self.n_draws_ += 1
        code = int(np.flatnonzero(self.classes_ == label)[0])
        scores = self._draw_scores(n_rows, code, random_state)
        return self._as_fitted(self.scaler_.inverse_transform(scores, code))

    def _draw_scores(self, n_rows: int, code: int, seed: int) -> np.ndarray:
        """What the generator draws for a class, of shape (n_rows, n_features)."""
        config = self.config or GANConfig()
        noise = np.random.default_rng(seed).standard_normal((n_rows, config.latent_dim))
        condition = np.zeros((n_rows, len(self.classes_)))
        condition[:, code] = float(config.conditional)
        return _forward(self.weights_, np.hstack([noise, condition]))

    def _as_fitted(self, rows: np.ndarray) -> np.ndarray | pd.DataFrame:
        """Give `rows` the names and types of the training table."""
        if self.columns_ is None:
            return rows.astype(self.dtypes_)
        frame = pd.DataFrame(rows, columns=self.columns_)
        return frame.astype(dict(zip(self.columns_, self.dtypes_, strict=True)))

    def save(self, folder: str | Path) -> Path:
        """Write a fitted GAN as ``gan.json`` and ``gan.npz``: no pickle, readable without TensorFlow.

        Parameters
        ----------
        folder : str or Path
            Made if it does not exist.

        Returns
        -------
        Path
            The folder.
        """
        check_is_fitted(self, "weights_")
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        facts = {
            "config": asdict(self.config or GANConfig()),
            "columns": self.columns_,
            "dtypes": self.dtypes_,
            "seed": self.seed_,
            "n_draws": self.n_draws_,
            "n_weights": len(self.weights_),
            "n_features_in": self.n_features_in_,
        }
        (folder / "gan.json").write_text(json.dumps(facts, indent=1))
        arrays = {f"weight_{position}": weight for position, weight in enumerate(self.weights_)}
        arrays |= {f"history_{name}": values.to_numpy() for name, values in self.history_.items()}
        classes = self.classes_.astype(str) if self.classes_.dtype == object else self.classes_
        np.savez_compressed(folder / "gan.npz", classes=classes, **arrays, **self.scaler_.to_arrays())
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> ConditionalGAN:
        """Read what :meth:`save` wrote; the copy samples the same rows.

        Parameters
        ----------
        folder : str or Path

        Returns
        -------
        ConditionalGAN
        """
        facts = json.loads((Path(folder) / "gan.json").read_text())
        with np.load(Path(folder) / "gan.npz", allow_pickle=False) as stored:
            arrays = dict(stored)
        tuples = {name: tuple(facts["config"][name]) for name in ("hidden", "betas")}
        config = GANConfig(**(facts["config"] | tuples))
        gan = cls(config, random_state=facts["seed"])
        gan.columns_, gan.dtypes_ = facts["columns"], facts["dtypes"]
        gan.seed_, gan.n_draws_ = facts["seed"], facts["n_draws"]
        gan.n_features_in_ = facts["n_features_in"]
        gan.classes_ = arrays["classes"]
        gan.weights_ = [arrays[f"weight_{position}"] for position in range(facts["n_weights"])]
        names = ("update", "critic_loss", "generator_loss")
        gan.history_ = pd.DataFrame({name: arrays[f"history_{name}"] for name in names})
        scaler = ClassQuantileScaler(per_class=config.scaling == "class", decorrelate=config.decorrelate)
        gan.scaler_ = scaler.from_arrays(arrays)
        return gan


class CGANSampler(BaseOverSampler):
    """Over-sampling with rows drawn from a conditional GAN that is fitted to the training rows.

    The GAN is trained anew in every call of ``fit_resample``, on the rows it is given and nothing else, so
    inside an imbalanced-learn ``Pipeline`` it never sees validation rows. Sparse input is made dense for
    training.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        As in every imbalanced-learn over-sampler.
    config : GANConfig, default=None
        None is ``GANConfig()``.
    random_state : int, RandomState or None, default=None
        An integer makes the drawn rows repeatable.
    verbose : int, default=0
        1 shows a progress bar with the losses.

    Attributes
    ----------
    gan_ : ConditionalGAN
        The fitted GAN; None when no class needed rows.
    sampling_strategy_ : dict
        Rows to draw per class.
    """

    def __init__(
        self,
        *,
        sampling_strategy: float | str | dict | Any = "auto",
        config: GANConfig | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.config = config
        self.random_state = random_state
        self.verbose = verbose

    def _fit_resample(self, X: np.ndarray, y: np.ndarray, **params: Any) -> tuple[np.ndarray, np.ndarray]:
        """Original rows first and untouched, then the drawn rows class by class."""
        self.gan_ = None
        dense = X.toarray() if sparse.issparse(X) else X
        new_rows, new_labels = [dense], [y]
        for label, n_rows in self.sampling_strategy_.items():
            if n_rows == 0:
                continue
            if self.gan_ is None:
                self.gan_ = ConditionalGAN(self.config, self.random_state, self.verbose).fit(dense, y)
            new_rows.append(self.gan_.sample(n_rows, label).astype(X.dtype, copy=False))
            new_labels.append(np.full(n_rows, label, dtype=y.dtype))
        if sparse.issparse(X):
            new_rows = [sparse.csr_array(rows) for rows in new_rows[1:]]
            return sparse.vstack([X, *new_rows], format=X.format), np.concatenate(new_labels)
        return np.concatenate(new_rows), np.concatenate(new_labels)


class _Trainer:
    """Both networks, their optimisers and one compiled function that runs many updates.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_features)
    codes : ndarray of shape (n_rows,)
    config : GANConfig
    seed : int
    """

    def __init__(self, scores: np.ndarray, codes: np.ndarray, config: GANConfig, seed: int) -> None:
        tf = _tensorflow()
        order = np.argsort(codes, kind="stable")
        counts = np.bincount(codes)
        self.config, self.seed = config, seed % (2**31 - 3)
        self.n_classes, self.n_features = len(counts), scores.shape[1]
        self.rows = tf.constant(scores[order], tf.float32)
        self.counts = tf.constant(counts, tf.float32)
        self.first = tf.constant(np.cumsum(counts) - counts, tf.int32)
        self.generator = build_generator(config, self.n_features, self.n_classes, seed)
        self.critic = build_critic(config, self.n_features, self.n_classes, seed)
        self.averages = [tf.Variable(weight) for weight in self.generator.trainable_variables]
        self.optimizers = {}
        for network in (self.generator, self.critic):
            optimizer = _adam(config)
            optimizer.build(network.trainable_variables)
            self.optimizers[network.name] = optimizer
        self.run = tf.function(self._run)

    def train(self, verbose: int) -> pd.DataFrame:
        """All updates, in calls of `updates_per_call`; returns the losses."""
        import tensorflow as tf
        from tqdm.auto import tqdm

        total, chunk = self.config.updates, self.config.updates_per_call
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

    def averaged_weights(self) -> list[np.ndarray]:
        """Generator weights for sampling."""
        return [average.numpy() for average in self.averages]

    @staticmethod
    def _check_finite(losses: np.ndarray, start: int) -> None:
        bad = np.flatnonzero(~np.isfinite(losses).all(axis=1))
        if len(bad):
            raise DivergenceError(
                f"The GAN's loss is not finite at update {start + bad[0] + 1}; "
                "lower GANConfig.learning_rate or raise gradient_penalty."
            )

    def _run(self, start: Any, stop: Any) -> Any:
        """Updates `start` to `stop`, as a tensor of losses of shape (stop - start, 2)."""
        import tensorflow as tf

        losses = tf.TensorArray(tf.float32, size=stop - start)
        for update in tf.range(start, stop):
            critic_loss = tf.constant(0.0)
            for step in range(self.config.critic_steps):
                critic_loss = self._update_critic(update, step)
            generator_loss = self._update_generator(update)
            losses = losses.write(update - start, tf.stack([critic_loss, generator_loss]))
        return losses.stack()

    def _condition(self, update: Any) -> tuple[Any, Any]:
        """Classes of one batch as codes (one per row) and one-hot rows; equally many of every class."""
        import tensorflow as tf

        groups = self.config.batch_size // self.config.pack
        # Shifting by the update gives every class its turn when there are more classes than groups.
        codes = tf.repeat((tf.range(groups) + update * groups) % self.n_classes, self.config.pack)
        return codes, tf.one_hot(codes, self.n_classes) * float(self.config.conditional)

    def _update_critic(self, update: Any, step: int) -> Any:
        import tensorflow as tf

        codes, condition = self._condition(update)
        batch = self.config.batch_size
        draw = tf.random.stateless_uniform([batch, 1], self._stream(1, update, step))[:, 0]
        picked = tf.cast(tf.floor(draw * tf.gather(self.counts, codes)), tf.int32)
        real = tf.gather(self.rows, tf.gather(self.first, codes) + picked)
        fake = self._fake(update, step, condition)
        mix = tf.random.stateless_uniform([batch // self.config.pack, 1], self._stream(2, update, step))
        with tf.GradientTape() as tape:
            real_score, fake_score = self._judge(real, condition), self._judge(fake, condition)
            loss = _critic_loss(self.config.loss, real_score, fake_score)
            if self.config.gradient_penalty:
                loss += self.config.gradient_penalty * self._penalty(real, fake, condition, mix)
        self._descend(self.critic, tape.gradient(loss, self.critic.trainable_variables))
        return loss

    def _update_generator(self, update: Any) -> Any:
        import tensorflow as tf

        _, condition = self._condition(update)
        with tf.GradientTape() as tape:
            fake = self._fake(update, self.config.critic_steps, condition)
            loss = _generator_loss(self.config.loss, self._judge(fake, condition))
        self._descend(self.generator, tape.gradient(loss, self.generator.trainable_variables))
        # A short memory at first, so that the average of a short training is not full of its beginning.
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
        """Seed of one draw: no two draws of a training share it, and none depends on global state."""
        return [self.seed + purpose, update * (self.config.critic_steps + 1) + step]

    def _judge(self, rows: Any, condition: Any) -> Any:
        """Critic scores, one per group of `pack` rows."""
        import tensorflow as tf

        packed = tf.reshape(rows, [-1, self.config.pack * self.n_features])
        return self.critic(tf.concat([packed, condition[:: self.config.pack]], axis=1), training=True)

    def _penalty(self, real: Any, fake: Any, condition: Any, mix: Any) -> Any:
        """Squared distance of the critic's gradient length from one, between real and fake rows."""
        import tensorflow as tf

        shape = [-1, self.config.pack * self.n_features]
        between = mix * tf.reshape(real, shape) + (1.0 - mix) * tf.reshape(fake, shape)
        with tf.GradientTape() as tape:
            tape.watch(between)
            score = self._judge(between, condition)
        gradient = tape.gradient(score, between)
        length = tf.sqrt(tf.reduce_sum(gradient**2, axis=1) + 1e-12)
        return tf.reduce_mean((length - 1.0) ** 2)

    def _descend(self, network: keras.Model, gradients: list) -> None:
        self.optimizers[network.name].apply(gradients, network.trainable_variables)


def build_generator(config: GANConfig, n_features: int, n_classes: int, seed: int) -> keras.Model:
    """Noise and one-hot class in, normal scores out: dense layers with layer normalisation, linear output."""
    return _network("generator", config.latent_dim + n_classes, config.hidden, n_features, seed)


def build_critic(config: GANConfig, n_features: int, n_classes: int, seed: int) -> keras.Model:
    """Packed scores and one-hot class in, one score out; not normalised, since the penalty is per row."""
    return _network("critic", config.pack * n_features + n_classes, config.hidden, 1, seed)


def _network(name: str, n_inputs: int, hidden: tuple[int, ...], n_outputs: int, seed: int) -> keras.Model:
    import keras

    def dense(width: int, layer: int) -> keras.layers.Layer:
        initializer = keras.initializers.GlorotUniform(seed=child_seed(seed, name, layer))
        return keras.layers.Dense(width, kernel_initializer=initializer)

    inputs = values = keras.Input((n_inputs,))
    for layer, width in enumerate(hidden):
        values = dense(width, layer)(values)
        if name == "generator":
            values = keras.layers.LayerNormalization(epsilon=1e-3)(values)
        values = keras.layers.LeakyReLU(negative_slope=0.2)(values)
    return keras.Model(inputs, dense(n_outputs, len(hidden))(values), name=name)


def _forward(weights: list[np.ndarray], values: np.ndarray) -> np.ndarray:
    """What the Keras generator computes, without TensorFlow: a saved GAN samples anywhere.

    Hidden layers have four weights (kernel, bias, scale, shift), the output layer two.
    """
    for layer in range(0, len(weights) - 2, 4):
        kernel, bias, scale, shift = weights[layer : layer + 4]
        values = values @ kernel + bias
        values = values - values.mean(axis=1, keepdims=True)
        values = scale * values / np.sqrt(values.var(axis=1, keepdims=True) + 1e-3) + shift
        values = np.where(values > 0, values, 0.2 * values)
    return values @ weights[-2] + weights[-1]


def _critic_loss(loss: str, real: Any, fake: Any) -> Any:
    import tensorflow as tf

    if loss == "wasserstein":
        return tf.reduce_mean(fake) - tf.reduce_mean(real)
    return tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(fake))


def _generator_loss(loss: str, fake: Any) -> Any:
    import tensorflow as tf

    return -tf.reduce_mean(fake) if loss == "wasserstein" else tf.reduce_mean(tf.nn.softplus(-fake))


def _adam(config: GANConfig) -> keras.optimizers.Optimizer:
    import keras

    beta_1, beta_2 = config.betas
    return keras.optimizers.Adam(config.learning_rate, beta_1=beta_1, beta_2=beta_2)


def _tensorflow() -> Any:
    """TensorFlow, held to the threads that joblib gives its workers."""
    tf = load_tensorflow()
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads.isdigit():
        try:
            tf.config.threading.set_intra_op_parallelism_threads(int(threads))
            tf.config.threading.set_inter_op_parallelism_threads(int(threads))
        except RuntimeError:
            pass  # it is running already, and its threads are fixed
    return tf


def _cap_classes(codes: np.ndarray, limit: int, generator: np.random.Generator) -> np.ndarray:
    """Positions of at most `limit` rows of every class, in their order."""
    kept = [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]
    kept = [generator.choice(rows, limit, replace=False) if len(rows) > limit else rows for rows in kept]
    return np.sort(np.concatenate(kept))


def _draw_seed(random_state: int | np.random.RandomState | None) -> int:
    """An integer seed; None asks the operating system, not NumPy's global state."""
    if random_state is None:
        return int(np.random.default_rng().integers(2**31))
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
