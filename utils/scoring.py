"""Probabilities of a fraud model from plain arrays: the same numbers as `FraudModel.predict_proba`, sooner.

A frame costs a millisecond per call, and threads cost more than they give for a few rows; a server that scores
one transaction at a time pays for neither.
"""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator

from utils.bundle import FraudModel, log_odds
from utils.data import HOUR_FEATURES, SECONDS_PER_DAY

FEW = 1024  # rows up to which one thread is the quickest
CHUNK = 2**16  # rows that are scaled and scored at a time, so that a large file needs little memory


class Scorer:
    """Scores rows of raw values, in the order of the model's `raw_columns`.

    Parameters
    ----------
    model : FraudModel
        Its scaler must be a `StandardScaler` and its calibrator a binary `LogisticRegression`, as `utils.final`
        fits them.
    """

    def __init__(self, model: FraudModel):
        self.model = model
        places = {name: place for place, name in enumerate(model.raw_columns)}
        self._hours = [(place, name) for place, name in enumerate(model.columns) if self._is_hour(name)]
        self._source = [places.get(name, 0) for name in model.columns]  # an hour is written over afterwards
        self._few, self._many = _with_threads(model.classifier, 1), _with_threads(model.classifier, -1)

    def _is_hour(self, name: str) -> bool:
        return self.model.schema.time is not None and name in HOUR_FEATURES

    def scaled(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scaled features of shape (n_rows, n_features) of raw values of shape (n_rows, n_raw_columns)."""
        X = values[:, self._source]
        if self._hours:
            angle = values[:, 0] % SECONDS_PER_DAY * (2 * np.pi / SECONDS_PER_DAY)
            for place, name in self._hours:
                X[:, place] = np.sin(angle) if name == "hour_sin" else np.cos(angle)
        X -= self.model.scaler.mean_
        X /= self.model.scaler.scale_
        return X

    def uncalibrated(self, X: NDArray[np.float64]) -> NDArray:
        """The classifier's probability of fraud, of shape (n_rows,), for scaled features."""
        classifier = self._few if len(X) <= FEW else self._many
        if hasattr(classifier, "inplace_predict"):  # a booster, without its scikit-learn coat
            return classifier.inplace_predict(X, validate_features=False)
        return classifier.predict_proba(X)[:, 1]

    def calibrated_log_odds(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log odds of the calibrated probability, of shape (n_rows,)."""
        calibrator = self.model.calibrator
        odds = log_odds(self.uncalibrated(self.scaled(values)))[:, 0]
        return odds * calibrator.coef_[0, 0] + calibrator.intercept_[0]

    def predict(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated probability of fraud of shape (n_rows,); `values` must be finite."""
        parts = [
            expit(self.calibrated_log_odds(values[start : start + CHUNK])) for start in range(0, len(values), CHUNK)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0), *parts])


def _with_threads(classifier: BaseEstimator, n_jobs: int) -> Any:
    """What scores with this many threads (-1: all): the booster of a boosted classifier, else a shallow copy."""
    if hasattr(classifier, "get_booster"):
        booster = classifier.get_booster().copy()
        booster.set_param({"nthread": max(n_jobs, 0)})
        return booster
    if "n_jobs" not in classifier.get_params():
        return classifier
    return copy(classifier).set_params(n_jobs=n_jobs)
