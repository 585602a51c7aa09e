"""Probabilities of a fraud model from plain arrays: the same values as `FraudModel.predict_proba`, but faster.

A frame costs a millisecond per call, and the threads of a library cost more than they gain for a few rows; a server
that scores one transaction at a time avoids both. Many rows are divided among threads here. Each thread scores its
chunk with all members of the model, because libraries that start threads one after the other wait for each other's.
"""

from __future__ import annotations

from copy import copy
from functools import partial

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from utils.data.features.calendar import SECONDS_PER_DAY, elapsed_seconds
from utils.metrics import log_odds
from utils.models.ensembles import LogOddsMean
from utils.serving.bundle import FraudModel
from utils.serving.flat_trees import Predict, boosted_probability, forest_probability
from utils.serving.table_features import TableFeatures

FLAT_ROWS = 64  # rows up to which `flat_trees` is faster than the libraries
FORESTS = (RandomForestClassifier, ExtraTreesClassifier)  # not Intel's, because their leaves hold no class shares
CHUNK = 2**13  # rows that a thread processes at a time; they fit into the cache of its core


class Scorer:
    """Scores rows of raw values, in the order of the model's `raw_columns`.

    Parameters
    ----------
    model : FraudModel
        Its scaler must be a `StandardScaler` or a `TableEncoder`, and its calibrator a binary `LogisticRegression`,
        as `utils.serving.final_model` fits them.

    Attributes
    ----------
    uncalibrated : callable
        The classifier's probability of fraud, of shape (n_rows,), for scaled features.
    source : list of int
        Position of the raw column that each scaled feature is derived from.
    """

    def __init__(self, model: FraudModel):
        self.model = model
        self._table = TableFeatures(model.scaler, model.schema, model.raw) if model.raw else None
        raw, hours = model.raw_columns, model.hour_features
        self._hours = [(model.columns.index(name), name) for name in hours]
        self.source = (
            self._table.source
            if self._table
            else [raw.index(model.schema.time if name in hours else name) for name in model.columns]
        )
        self.uncalibrated = _probability(model.classifier)

    def scaled(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scaled features of shape (n_rows, n_features) of raw values of shape (n_rows, n_raw_columns)."""
        if self._table:
            return self._table(values)
        X = values[:, self.source]
        for position, name in self._hours:
            seconds = elapsed_seconds(X[:, position], self.model.schema)
            angle = seconds % SECONDS_PER_DAY * (2 * np.pi / SECONDS_PER_DAY)
            X[:, position] = np.sin(angle) if name == "hour_sin" else np.cos(angle)
        X -= self.model.scaler.mean_
        X /= self.model.scaler.scale_
        return X

    def calibrated_log_odds(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log odds of the calibrated probability, of shape (n_rows,)."""
        calibrator = self.model.calibrator
        odds = log_odds(self.uncalibrated(self.scaled(values)))
        return odds * calibrator.coef_[0, 0] + calibrator.intercept_[0]

    def predict(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated probability of the rare class of shape (n_rows,).

        `values` must be finite; those of a mixed table may be NaN for gaps, see `raw_columns`.
        """
        chunks = [values[start : start + CHUNK] for start in range(0, len(values), CHUNK)]
        if len(chunks) > 1:
            odds = Parallel(n_jobs=-1, prefer="threads")(delayed(self.calibrated_log_odds)(chunk) for chunk in chunks)
        else:
            odds = [self.calibrated_log_odds(chunk) for chunk in chunks]
        return expit(np.concatenate([np.empty(0), *odds]))


def _probability(classifier: BaseEstimator) -> Predict:
    """Function from scaled features of shape (n_rows, n_features) to probabilities; it uses the calling thread only."""
    if isinstance(classifier, LogOddsMean):
        members = [_probability(member) for member in classifier.estimators_]
        return lambda X: expit(np.mean([log_odds(member(X)) for member in members], axis=0))
    if hasattr(classifier, "get_booster"):  # score with the raw Booster
        booster = classifier.get_booster().copy()
        booster.set_param({"nthread": 1})
        return _by_size(boosted_probability(booster), partial(booster.inplace_predict, validate_features=False))
    if "n_jobs" in classifier.get_params():
        classifier = copy(classifier).set_params(n_jobs=1)
    return _by_size(
        forest_probability(classifier) if type(classifier) in FORESTS else None,
        lambda X: classifier.predict_proba(X)[:, 1],
    )


def _by_size(few: Predict | None, many: Predict) -> Predict:
    """`few` for up to `FLAT_ROWS` rows if there is one, else `many`."""
    return (lambda X: few(X) if len(X) <= FLAT_ROWS else many(X)) if few else many
