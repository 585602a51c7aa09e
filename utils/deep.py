"""ANN, CNN-1D and LSTM as scikit-learn classifiers over Keras; TensorFlow is imported on first use."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from utils.backend import load_tensorflow
from utils.seeding import seeded


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

    The columns have no natural order, so the neighbourhoods that a convolution sees are arbitrary.
    """
    import keras

    return keras.Sequential(
        [
            keras.Input((n_features,)),
            keras.layers.Reshape((n_features, 1)),
            keras.layers.Conv1D(32, 3, padding="same", activation="relu"),
            keras.layers.Conv1D(32, 3, strides=2, padding="same", activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(1),
        ]
    )


def lstm_network(n_features: int, dropout: float) -> Any:
    """An LSTM that reads the features one after the other, in column order, one logit out."""
    import keras

    return keras.Sequential(
        [
            keras.Input((n_features,)),
            keras.layers.Reshape((n_features, 1)),
            keras.layers.LSTM(32),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(1),
        ]
    )


NETWORKS: dict[str, Callable[[int, float], Any]] = {
    "ann": ann_network,
    "cnn1d": cnn_network,
    "lstm": lstm_network,
}


class NetworkClassifier(ClassifierMixin, BaseEstimator):
    """Binary classifier over a small Keras network, trained for a number of updates rather than epochs.

    Samplers change the number of rows a thousandfold; counting updates gives every training set about the
    same training. The learning rate falls to zero along a cosine, so that the last weights need no
    validation part to be picked. Inputs are expected to be scaled, by a step before this one.

    Parameters
    ----------
    network : {'ann', 'cnn1d', 'lstm'}
        Which of `NETWORKS` to build.
    updates : int
        Gradient steps; fewer on small data, where `max_epochs` passes come first.
    batch_size : int
        At most; a sixteenth of the rows where that is less, but at least 32.
    max_epochs : int
        Passes over the data at most, against overfitting of an undersampled training set.
    learning_rate, dropout : float
        Of Adam at the start, and of every dropout layer.
    class_weight : dict, 'balanced' or None
        Weight of each class in the loss, as scikit-learn's classifiers take it.
    random_state : int
        Fixes weights, dropout and the order of rows.

    Attributes
    ----------
    model_ : keras.Model
        The trained network; gives logits.
    history_ : dict of str to list of float
        Loss per epoch.
    """

    def __init__(
        self,
        network: str = "ann",
        *,
        updates: int = 1200,
        batch_size: int = 2048,
        max_epochs: int = 60,
        learning_rate: float = 2e-3,
        dropout: float = 0.3,
        class_weight: dict | str | None = None,
        random_state: int = 0,
    ):
        self.network = network
        self.updates = updates
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.learning_rate = learning_rate
        self.dropout = dropout
        self.class_weight = class_weight
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> NetworkClassifier:
        """Train on X of shape (n_rows, n_features) and binary y; ValueError names an unknown network."""
        if self.network not in NETWORKS:
            raise ValueError(f"network={self.network!r} is unknown; choose one of {sorted(NETWORKS)}.")
        X, y = validate_data(self, X, y, dtype=np.float32)
        check_classification_targets(y)
        self.classes_, encoded = np.unique(y, return_inverse=True)
        if len(self.classes_) != 2:
            raise ValueError(f"y has {len(self.classes_)} class(es); NetworkClassifier needs exactly 2.")
        weights = compute_sample_weight(self.class_weight, y)
        if sample_weight is not None:
            weights *= np.asarray(sample_weight)
        with seeded(self.random_state):
            self._train(X, encoded.astype(np.float32), weights.astype(np.float32))
        return self

    def _train(self, X: NDArray, y: NDArray, weights: NDArray) -> None:
        load_tensorflow()
        import keras

        keras.utils.set_random_seed(self.random_state)
        batch_size = int(np.clip(len(X) // 16, 32, self.batch_size))
        steps = math.ceil(len(X) / batch_size)
        epochs = min(self.max_epochs, math.ceil(self.updates / steps))
        self.model_ = NETWORKS[self.network](X.shape[1], self.dropout)
        schedule = keras.optimizers.schedules.CosineDecay(self.learning_rate, epochs * steps)
        self.model_.compile(
            optimizer=keras.optimizers.Adam(schedule),
            loss=keras.losses.BinaryCrossentropy(from_logits=True),
            steps_per_execution=min(steps, 32),
        )
        history = self.model_.fit(X, y, sample_weight=weights, batch_size=batch_size, epochs=epochs, verbose=0)
        self.history_ = history.history

    def decision_function(self, X: ArrayLike) -> NDArray:
        """Logits of shape (n_rows,)."""
        check_is_fitted(self, "model_")
        X = validate_data(self, X, dtype=np.float32, reset=False)
        return self.model_.predict(X, batch_size=8192, verbose=0)[:, 0].astype(float)

    def predict_proba(self, X: ArrayLike) -> NDArray:
        """Probabilities of shape (n_rows, 2)."""
        positive = expit(self.decision_function(X))
        return np.column_stack([1 - positive, positive])

    def predict(self, X: ArrayLike) -> NDArray:
        """Class of the larger probability, of shape (n_rows,)."""
        return self.classes_[(self.decision_function(X) > 0).astype(int)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def save(self, path: Path) -> None:
        """Write the trained network to `path` (.keras), without pickle."""
        self.model_.save(path)

    @classmethod
    def load(cls, path: Path) -> NetworkClassifier:
        """Read a network that `save` wrote; only for classes 0 and 1, and code in the file is refused."""
        load_tensorflow()
        import keras

        classifier = cls()
        classifier.model_ = keras.models.load_model(path, compile=False, safe_mode=True)
        classifier.classes_ = np.array([0, 1])
        classifier.n_features_in_ = classifier.model_.input_shape[1]
        return classifier
