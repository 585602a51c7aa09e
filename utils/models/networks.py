"""ANN, CNN-1D and LSTM in Keras as scikit-learn classifiers; TensorFlow is imported on first use."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit
from sklearn.utils import check_consistent_length, column_or_1d, compute_sample_weight
from sklearn.utils.validation import check_is_fitted, validate_data

from utils.backend import load_tensorflow
from utils.metrics import average_precision, ranks_of_positives
from utils.models.binary import BinaryClassifier
from utils.seeding import seeded

COLUMNS_PER_STEP = 4  # of the LSTM; one column per step takes several times as long and ranks poorly
ROWS_AT_ONCE = 8192  # in scoring, to limit memory


def ann_network(n_features: int, dropout: float) -> Any:
    """Two dense layers with dropout; inputs of shape (rows, n_features), one logit out."""
    import keras

    return keras.Sequential(
        [
            keras.Input((n_features,)),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(1),
        ]
    )


def cnn_network(n_features: int, dropout: float) -> Any:
    """Two one-dimensional convolutions over the features in column order, one logit out.

    The columns have no natural order, so the neighbourhoods of the convolutions are arbitrary.
    """
    import keras

    return keras.Sequential(
        [
            keras.Input((n_features,)),
            keras.layers.Reshape((n_features, 1)),
            keras.layers.Conv1D(32, 4, strides=2, padding="same", activation="relu"),
            keras.layers.Conv1D(32, 3, strides=2, padding="same", activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(1),
        ]
    )


def lstm_network(n_features: int, dropout: float) -> Any:
    """An LSTM that reads the features in column order, a few columns per step, one logit out.

    The last step is padded with zeros, the mean of a scaled column.
    """
    import keras

    n_steps = math.ceil(n_features / COLUMNS_PER_STEP)
    return keras.Sequential(
        [
            keras.Input((n_features,)),
            keras.layers.Reshape((n_features, 1)),
            keras.layers.ZeroPadding1D((0, n_steps * COLUMNS_PER_STEP - n_features)),
            keras.layers.Reshape((n_steps, COLUMNS_PER_STEP)),
            keras.layers.LSTM(32, unroll=True),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(1),
        ]
    )


NETWORKS: dict[str, Callable[[int, float], Any]] = {
    "ann": ann_network,
    "cnn1d": cnn_network,
    "lstm": lstm_network,
}

LOSSES = ("cross_entropy", "focal")


def random_batches(X: NDArray, y: NDArray, weights: NDArray, batch_size: int, n_batches: int, random_state: int) -> Any:
    """A tf.data.Dataset of random batches: every pass uses each row once, and a batch may span two passes."""
    tf = load_tensorflow()
    rng = np.random.default_rng(random_state)
    n_passes = math.ceil(n_batches * batch_size / len(X))
    order = np.concatenate([rng.permutation(len(X)).astype(np.int32) for _ in range(n_passes)])
    arrays = [tf.constant(array) for array in (X, y, weights)]

    def take(rows: Any) -> tuple[Any, ...]:
        return tuple(tf.gather(array, rows) for array in arrays)

    chosen = order[: n_batches * batch_size].reshape(n_batches, batch_size)
    return tf.data.Dataset.from_tensor_slices(chosen).map(take)


def limited_batch_size(batch_size: int, n_rows: int) -> int:
    """Rows of a batch: at most a sixteenth of the training rows, unless that is less than 32."""
    return int(np.clip(n_rows // 16, 32, batch_size))


class NetworkClassifier(BinaryClassifier):
    """Binary classifier with a small Keras network, trained for a number of updates rather than epochs.

    Samplers change the number of rows by a factor of hundreds; a fixed number of updates trains on all of these for
    about the same time. The learning rate falls to zero along a cosine. If `fit` is given validation rows, training
    stops when the rounds no longer improve, and the weights of the best round are restored; otherwise the last weights
    are used. Inputs should be scaled by an earlier step of the pipeline.

    Parameters
    ----------
    network : {'ann', 'cnn1d', 'lstm'}
        Key of `NETWORKS`.
    updates : int
        Largest number of gradient steps; fewer on small data, where `max_epochs` is the limit.
    batch_size : int
        Largest batch size; see `limited_batch_size`.
    rounds : int
        Number of rounds of equal length; the validation rows are scored after each.
    patience : int
        Number of rounds without a better average precision on the validation rows before training stops.
    max_epochs : int
        Largest number of passes over the data, against overfitting of an undersampled training set.
    learning_rate, dropout : float
        Initial learning rate of Adam, and rate of every dropout layer.
    loss : {'cross_entropy', 'focal'}
        The focal loss reduces the weight of rows that are classified with confidence (Lin et al., 2017).
    gamma : float
        Focusing parameter of the focal loss; 0 is the cross-entropy.
    column_order : int or None
        Seed of a random permutation of the columns before the network; None keeps their order.
    class_weight : dict, 'balanced' or None
        Weight of each class in the loss, as in scikit-learn's classifiers.
    random_state : int
        Fixes weights, dropout and the order of rows.

    Attributes
    ----------
    model_ : keras.Model
        The trained network; its output is logits.
    history_ : dict of str to list of float
        For each round 'loss', and 'validation_average_precision' if there were validation rows.
    """

    def __init__(
        self,
        network: str = "ann",
        *,
        updates: int = 1200,
        batch_size: int = 1024,
        rounds: int = 15,
        patience: int = 5,
        max_epochs: int = 60,
        learning_rate: float = 2e-3,
        dropout: float = 0.3,
        loss: str = "cross_entropy",
        gamma: float = 2.0,
        column_order: int | None = None,
        class_weight: dict | str | None = None,
        random_state: int = 0,
    ):
        self.network = network
        self.updates = updates
        self.batch_size = batch_size
        self.rounds = rounds
        self.patience = patience
        self.max_epochs = max_epochs
        self.learning_rate = learning_rate
        self.dropout = dropout
        self.loss = loss
        self.gamma = gamma
        self.column_order = column_order
        self.class_weight = class_weight
        self.random_state = random_state

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        validation: tuple[ArrayLike, ArrayLike] | None = None,
    ) -> NetworkClassifier:
        """Train on X of shape (n_rows, n_features) and binary y.

        Parameters
        ----------
        validation : (X, y) or None
            Real rows held out before any sampler, scaled like X. They only select the round and are not trained on.

        Raises
        ------
        ValueError
            If a parameter is unknown or out of range, or the training or validation rows lack a class.
        """
        self._check_parameters()
        X, encoded = self._validate_binary(X, y, dtype=np.float32)
        weights = self._row_weights(self.classes_[encoded], sample_weight)
        held_out = None if validation is None else self._check_validation(*validation)
        with seeded(self.random_state):
            self._train(X, encoded.astype(np.float32), weights.astype(np.float32), held_out)
        return self

    def _check_parameters(self) -> None:
        for name, known in (("network", sorted(NETWORKS)), ("loss", LOSSES)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name}={getattr(self, name)!r} is unknown; choose one of {list(known)}.")
        for name, least in (("updates", 1), ("rounds", 1), ("patience", 1), ("gamma", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}={getattr(self, name)!r} is too small; set it to {least} or more.")

    def _row_weights(self, y: NDArray, sample_weight: ArrayLike | None) -> NDArray[np.float64]:
        """Weight of each row in the loss, of shape (n_rows,)."""
        weights = compute_sample_weight(self.class_weight, y)
        if sample_weight is not None:
            weights *= np.asarray(sample_weight)
        if not weights.any():
            raise ValueError("The weights of all rows are zero; give at least one row a positive weight.")
        return weights

    def _check_validation(self, X: ArrayLike, y: ArrayLike) -> tuple[NDArray, NDArray]:
        X, y = validate_data(self, X, dtype=np.float32, reset=False), column_or_1d(y)
        check_consistent_length(X, y)
        if not np.array_equal(np.unique(y), self.classes_):
            raise ValueError(
                f"The validation rows have the classes {np.unique(y).tolist()}, the training rows"
                f" {self.classes_.tolist()}; hold out rows of both classes."
            )
        return X, (y == self.classes_[1]).astype(int)

    def _train(self, X: NDArray, y: NDArray, weights: NDArray, validation: tuple | None) -> None:
        load_tensorflow()
        import keras

        keras.utils.set_random_seed(self.random_state)
        batch_size = limited_batch_size(self.batch_size, len(X))
        updates = min(self.updates, self.max_epochs * math.ceil(len(X) / batch_size))
        per_round = math.ceil(updates / self.rounds)
        n_rounds = updates // per_round
        self.model_ = self._build(X.shape[1], np.average(y, weights=weights))
        schedule = keras.optimizers.schedules.CosineDecay(self.learning_rate, n_rounds * per_round)
        # By default Keras compiles with XLA, which trains several times slower on a CPU.
        self.model_.compile(
            keras.optimizers.Adam(schedule), self._loss(), steps_per_execution=per_round, jit_compile=False
        )
        batches = random_batches(X, y, weights, batch_size, n_rounds * per_round, self.random_state)
        callbacks = [] if validation is None else self._early_stopping(*validation)
        history = self.model_.fit(
            batches, steps_per_epoch=per_round, epochs=n_rounds, shuffle=False, verbose=0, callbacks=callbacks
        )
        self.history_ = history.history

    def _build(self, n_features: int, prior: float) -> Any:
        """An untrained network whose output bias is the log odds of `prior`, the share of positives."""
        import keras

        network = NETWORKS[self.network](n_features, self.dropout)
        network.layers[-1].bias.assign([logit(np.clip(prior, 1e-4, 1 - 1e-4))])
        if self.column_order is None:
            return network
        order = np.random.default_rng(self.column_order).permutation(n_features)
        # A fixed matrix rather than a custom layer: it is saved with the weights and loads without our code.
        reorder = keras.layers.Dense(n_features, use_bias=False, trainable=False, name="column_order")
        network = keras.Sequential([keras.Input((n_features,)), reorder, network])
        reorder.set_weights([np.eye(n_features)[:, order]])
        return network

    def _loss(self) -> Any:
        import keras

        if self.loss == "focal":
            return keras.losses.BinaryFocalCrossentropy(gamma=self.gamma, from_logits=True)
        return keras.losses.BinaryCrossentropy(from_logits=True)

    def _early_stopping(self, X: NDArray, y: NDArray) -> list[Any]:
        """Callbacks that score the validation rows after every round and restore the weights of the best one."""
        import keras

        name = "validation_average_precision"

        def score(_: int, logs: dict[str, float]) -> None:
            logs[name] = average_precision(ranks_of_positives(y, self._logits(X))[0])

        return [
            keras.callbacks.LambdaCallback(on_epoch_end=score),
            keras.callbacks.EarlyStopping(name, mode="max", patience=self.patience, restore_best_weights=True),
        ]

    def _logits(self, X: NDArray) -> NDArray:
        batches = [self.model_(X[i : i + ROWS_AT_ONCE], training=False) for i in range(0, len(X), ROWS_AT_ONCE)]
        return np.concatenate(batches)[:, 0].astype(float)

    def decision_function(self, X: ArrayLike) -> NDArray:
        """Logits of shape (n_rows,)."""
        check_is_fitted(self, "model_")
        return self._logits(validate_data(self, X, dtype=np.float32, reset=False))

    def predict_proba(self, X: ArrayLike) -> NDArray:
        """Probabilities of shape (n_rows, 2)."""
        positive = expit(self.decision_function(X))
        return np.column_stack([1 - positive, positive])

    def predict(self, X: ArrayLike) -> NDArray:
        """Class with the larger probability, of shape (n_rows,)."""
        positive = self.decision_function(X) > 0
        return self.classes_[positive.astype(int)]

    def save(self, path: Path) -> None:
        """Write the trained network to `path` (.keras), without pickle."""
        self.model_.save(path)

    @classmethod
    def load(cls, path: Path) -> NetworkClassifier:
        """Read a network that `save` wrote, for classes 0 and 1 only; files that contain code are refused."""
        load_tensorflow()
        import keras

        classifier = cls()
        classifier.model_ = keras.models.load_model(path, compile=False, safe_mode=True)
        classifier.classes_ = np.array([0, 1])
        classifier.n_features_in_ = classifier.model_.input_shape[1]
        return classifier
