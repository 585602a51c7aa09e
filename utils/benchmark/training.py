"""From training rows to a fitted classifier: encode, resample, choose the parameters, fit.

Test rows never reach this module. Inner folds divide the training rows before encoder and sampler, so that inner test
rows are always real, and no synthetic row was made from them.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
import pandas as pd
from cachetools import LRUCache
from imblearn.pipeline import Pipeline
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.preprocessing import StandardScaler

from utils import metrics
from utils.benchmark.records import Method, Task
from utils.benchmark.resampling import Encoded, Resampled, fit_encoder, resample
from utils.benchmark.search import Trial, reduced_trial, sample_trials, select_trial
from utils.data.fold_numbers import fold_numbers
from utils.models.registry import MODELS
from utils.samplers.registry import SAMPLERS, fraud_weight
from utils.seeding import child_seed, seeded

Classifier = TypeVar("Classifier", bound=ClassifierMixin)
INNER, HELD_OUT = "search", "held out"  # divisions of training rows; the names are part of their seeds
MAX_RESAMPLED = 8  # of the same rows; each may be as large as the dataset


@dataclass(frozen=True)
class Seconds:
    """Duration of the steps of a fit: encoder and sampler, search for the parameters, classifier."""

    sampler: float
    search: float
    fit: float


@dataclass(frozen=True, eq=False)
class Fitted:
    """A task's encoder and classifier, fitted.

    Attributes
    ----------
    trial : Trial
        The parameters that were chosen.
    scores : list of float
        Inner average precision of every trial, in their order; empty where there was no choice.
    rows : Resampled
        What the classifier was fitted on.
    seconds : Seconds
    held_out : Index
        Index labels of the training rows that were held out from encoder and sampler to stop a network's training.
    """

    encoder: BaseEstimator
    classifier: ClassifierMixin
    trial: Trial
    scores: list[float]
    rows: Resampled
    seconds: Seconds
    held_out: pd.Index = field(default_factory=lambda: pd.Index([], dtype=np.int64))

    @property
    def pipeline(self) -> Pipeline:
        """Encoder and classifier as one fitted pipeline; a sampler does nothing to rows that are scored."""
        return Pipeline([("encode", self.encoder), ("model", self.classifier)])


def positive_scores(model: Classifier, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores for ranking, and probabilities; the scores distinguish rows whose probabilities round to 1."""
    probability = model.predict_proba(X)[:, 1]
    ranking = model.decision_function(X) if hasattr(model, "decision_function") else probability
    return ranking, probability


class TrainingRows:
    """Training rows before any fitted step, with a cache of encoder, resampled tables and inner folds.

    Tasks on the same rows share the cache; its contents are computed when they are first needed. At most
    `MAX_RESAMPLED` resampled tables are kept, and one division into parts: a group's networks come after the models
    that need inner folds.

    Parameters
    ----------
    X, y : DataFrame and Series
        Features and labels; their index labels are those of the dataset.
    groups : ndarray
        Group of each row, which is never divided; see `Dataset.groups`.
    seed : int
        Seed of the samplers and the inner folds.
    encoder : unfitted transformer, optional
        The first step; see `encoding.build_encoder`. By default the columns are scaled.
    """

    def __init__(
        self, X: pd.DataFrame, y: pd.Series, groups: np.ndarray, seed: int, encoder: BaseEstimator | None = None
    ):
        self.X, self.y, self.groups, self.seed = X, y, groups, seed
        self._encoder = StandardScaler() if encoder is None else encoder
        self._resampled: LRUCache[str, Resampled] = LRUCache(MAX_RESAMPLED)
        self._divisions: LRUCache[tuple[str, int], list[tuple[TrainingRows, TrainingRows]]] = LRUCache(1)

    @cached_property
    def encoded(self) -> Encoded:
        """The rows as numbers, and the encoder that was fitted on them alone."""
        return fit_encoder(self._encoder, self.X, self.y, self.groups)

    def resampled(self, sampler: Method) -> Resampled:
        """The rows after a sampler; a generator is fitted once for all of its ratios."""
        entry, params = SAMPLERS[sampler.name], sampler.params
        if entry.keeps_rows(params):
            return self._fit_resample(replace(sampler, name="none", params={}))
        if entry.weighted:
            return self._fit_resample(replace(sampler, params={}))
        if entry.family != "generator":
            return self._fit_resample(sampler)
        widest = self._fit_resample(sampler.with_params({"ratio": entry.widest(params["ratio"], self.y)}))
        n_rows = len(self.y) + int(entry.effect(params["ratio"], self.y))
        return replace(widest, X=widest.X[:n_rows], y=widest.y[:n_rows])

    def _fit_resample(self, sampler: Method) -> Resampled:
        name = json.dumps([sampler.name, sampler.params], sort_keys=True)
        if name not in self._resampled:
            with seeded(self.seed):
                self._resampled[name] = resample(sampler, self.encoded, self.X, self.y, self.seed)
        return self._resampled[name]

    def inner_folds(self, n_folds: int) -> list[tuple[TrainingRows, TrainingRows]]:
        """Training rows and test rows of every inner fold."""
        if (INNER, n_folds) not in self._divisions:
            self._divisions.clear()  # before the next is made, which may be as large
            numbers = self._fold_numbers(n_folds, INNER)
            self._divisions[INNER, n_folds] = [
                (self._subset(numbers != number, "train", number), self._subset(numbers == number, "test", number))
                for number in range(n_folds)
            ]
        return self._divisions[INNER, n_folds]

    def held_out(self, n_parts: int) -> tuple[TrainingRows, TrainingRows]:
        """The rows without one of `n_parts` parts, and that part."""
        if (HELD_OUT, n_parts) not in self._divisions:
            self._divisions.clear()
            numbers = self._fold_numbers(n_parts, HELD_OUT)
            parts = self._subset(numbers > 0, HELD_OUT), self._subset(numbers == 0, HELD_OUT)
            self._divisions[HELD_OUT, n_parts] = [parts]
        return self._divisions[HELD_OUT, n_parts][0]

    def _fold_numbers(self, n_folds: int, purpose: str) -> np.ndarray:
        groups = np.unique(self.groups, return_inverse=True)[1]
        return fold_numbers(self.y.to_numpy(), groups, n_folds, child_seed(self.seed, purpose))

    def _subset(self, mask: np.ndarray, *path: object) -> TrainingRows:
        """Rows of a mask, with their own seed."""
        rows = self.X[mask], self.y[mask], self.groups[mask]
        return TrainingRows(*rows, child_seed(self.seed, *path), self._encoder)


def fit(task: Task, rows: TrainingRows, n_jobs: int = 1, chosen: Trial | None = None) -> Fitted:
    """Choose the parameters of a task on training rows and fit it to them.

    Parameters
    ----------
    task : Task
    rows : TrainingRows
        Tasks that share them share the cache of resampled tables.
    n_jobs : int
        Threads a model may use.
    chosen : Trial, optional
        Parameters that a finished task chose, to skip the search.
    """
    trials = [chosen] if chosen else sample_trials(task, rows.y)
    if task.search and task.search.held_out:
        return _fit_held_out(task, rows, trials, n_jobs)
    start = time.perf_counter()
    scores = score_trials(task, rows, trials, n_jobs) if len(trials) > 1 else []
    search_seconds = time.perf_counter() - start
    trial = trials[select_trial(scores, task.search.margin)] if scores else trials[0]
    model, resampled, fit_seconds = _fit_trial(task, trial, rows, n_jobs)
    seconds = Seconds(resampled.seconds, search_seconds, fit_seconds)
    return Fitted(rows.encoded.encoder, model, trial, scores, resampled, seconds)


def _fit_trial(
    task: Task, trial: Trial, rows: TrainingRows, n_jobs: int, **arguments: object
) -> tuple[Classifier, Resampled, float]:
    """A classifier, the rows that it was fitted on, and the seconds of its fit."""
    resampled = rows.resampled(trial.sampler)
    start = time.perf_counter()
    # Class weights are the only sampler that changes no rows: its ratio is passed to the model.
    weighted = SAMPLERS[trial.sampler.name].weighted
    weight = fraud_weight(rows.y, **trial.sampler.params) if weighted else 1.0
    seed = child_seed(task.seed, trial.model.name)
    model = MODELS[trial.model.name].build(seed, weight, n_jobs, **trial.model.params)
    with seeded(task.seed):
        model.fit(resampled.X, resampled.y, **arguments)
    return model, resampled, time.perf_counter() - start


def score_trials(task: Task, rows: TrainingRows, trials: list[Trial], n_jobs: int = 1) -> list[float]:
    """Mean average precision of every trial over inner folds of the training rows."""
    folds = rows.inner_folds(task.search.folds)
    scores = np.zeros((len(trials), len(folds)))
    for number, (train, test) in enumerate(folds):
        X_test, y_test = _encoded(test, train)
        for position, trial in enumerate(trials):
            tried = trial if task.search.settings else reduced_trial(trial)
            model, *_ = _fit_trial(task, tried, train, n_jobs)
            scores[position, number] = _average_precision(model, X_test, y_test)
    return [round(float(score), 6) for score in scores.mean(axis=1)]


def _fit_held_out(task: Task, rows: TrainingRows, trials: list[Trial], n_jobs: int) -> Fitted:
    """Train a network per trial; held-out real rows stop the training and select the trial."""
    train, validation = rows.held_out(task.search.held_out)
    held_out = _encoded(validation, train)
    fits = [_fit_trial(task, trial, train, n_jobs, validation=held_out) for trial in trials]
    scores = [round(_average_precision(model, *held_out), 6) for model, *_ in fits]
    best = select_trial(scores, task.search.margin)
    model, resampled, fit_seconds = fits[best]
    search_seconds = sum(seconds for *_, seconds in fits) - fit_seconds
    seconds = Seconds(resampled.seconds, search_seconds, fit_seconds)
    scores = scores if len(trials) > 1 else []
    return Fitted(train.encoded.encoder, model, trials[best], scores, resampled, seconds, validation.X.index)


def _encoded(rows: TrainingRows, train: TrainingRows) -> tuple[np.ndarray, np.ndarray]:
    """Features of rows as the encoder of the training rows gives them, and labels."""
    return train.encoded.encoder.transform(rows.X), rows.y.to_numpy()


def _average_precision(model: Classifier, X: np.ndarray, y: np.ndarray) -> float:
    """Average precision of a fitted classifier, ties against it."""
    return metrics.average_precision(metrics.ranks_of_positives(y, positive_scores(model, X)[0])[0])
