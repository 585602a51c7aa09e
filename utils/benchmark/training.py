"""From training rows to a fitted classifier: scale, resample, choose the parameters, fit; nothing else is seen.

The rows that a test part holds never come here. Inner folds divide the training rows again, before scaler and
sampler, so that a synthetic row never judges, nor is judged by a model that knows, the frauds it was made from.
"""

from __future__ import annotations

import json
import time
import warnings
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from imblearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from utils import metrics
from utils.benchmark.search import Trial, in_search, sample_trials, select_trial
from utils.data.splits import fold_numbers
from utils.models.registry import MODELS
from utils.samplers.registry import SAMPLERS, fraud_weight
from utils.seeding import child_seed, seeded

Part = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Resampled:
    """Rows that a classifier is fitted on.

    Attributes
    ----------
    X, y : arrays of shape (n_rows, n_features) and (n_rows,)
        Scaled, real and synthetic.
    seconds : float
        That scaling and sampling took.
    source : Index
        Of the rows that scaler and sampler were fitted on, as the dataset numbers them.
    """

    X: np.ndarray
    y: np.ndarray
    seconds: float
    source: pd.Index


@dataclass(frozen=True, eq=False)
class Fitted:
    """A task's scaler and classifier, fitted.

    Attributes
    ----------
    trial : Trial
        The parameters that were chosen.
    scores : list of float
        Inner average precision of every trial, in their order; empty where there was no choice.
    rows : Resampled
        What the classifier was fitted on.
    seconds : dict of str to float
        Of the sampler, the search and the fit.
    held_out : Index
        Of the training rows that neither scaler nor sampler saw, because they ended a network's training.
    """

    scaler: StandardScaler
    classifier: Any
    trial: Trial
    scores: list[float]
    rows: Resampled
    seconds: dict[str, float]
    held_out: pd.Index = field(default_factory=lambda: pd.Index([], dtype=np.int64))

    @property
    def pipeline(self) -> Pipeline:
        """Scaler and classifier as one fitted pipeline; a sampler does nothing to rows that are scored."""
        return Pipeline([("scale", self.scaler), ("model", self.classifier)])


def build_preprocessing(sampler: Part, seed: int) -> Pipeline:
    """Scaler and sampler, fitted on training rows only; 'passthrough' where there is nothing to sample."""
    made = SAMPLERS[sampler["name"]].build(child_seed(seed, sampler["name"]), **sampler["params"])
    return Pipeline([("scale", StandardScaler()), ("sample", "passthrough" if made is None else made)])


def build_model(sampler: Part, model: Part, y_train: Any, seed: int, n_jobs: int = 1) -> Any:
    """The classifier that a task names, weighing frauds if its sampler is class weights."""
    weight = fraud_weight(y_train, **sampler["params"]) if SAMPLERS[sampler["name"]].weighted else 1.0
    return MODELS[model["name"]].build(child_seed(seed, model["name"]), weight, n_jobs, **model["params"])


def fit_preprocessing(head: Pipeline, X: pd.DataFrame, y: pd.Series) -> Resampled:
    """Fit scaler and sampler on training rows, and give the rows that the classifier is fitted on."""
    start = time.perf_counter()
    if head["sample"] == "passthrough":
        resampled = head[:1].fit_transform(X), y.to_numpy()
    else:
        with warnings.catch_warnings():
            # A ratio may ask for more frauds than there are legitimate rows.
            warnings.filterwarnings("ignore", "After over-sampling")
            resampled = head.fit_resample(X, y.to_numpy())
    return Resampled(*resampled, time.perf_counter() - start, X.index)


def positive_scores(model: Any, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores to rank by, and probabilities; the former resolve what probabilities round to 1."""
    probability = model.predict_proba(X)[:, 1]
    ranking = model.decision_function(X) if hasattr(model, "decision_function") else probability
    return ranking, probability


def ranked_precision(model: Any, X: np.ndarray, y: np.ndarray) -> float:
    """Average precision of a fitted classifier, ties against it."""
    return metrics.average_precision(metrics.ranks_of_positives(y, positive_scores(model, X)[0])[0])


@dataclass(frozen=True, eq=False)
class Rows:
    """Training rows before anything learned from them, which remember what was made of them.

    Attributes
    ----------
    X, y : DataFrame and Series
        Features and labels; their index numbers the rows as the dataset does, and says where a row came from.
    groups : ndarray
        Group of each row, which is never divided; see `Dataset.groups`.
    seed : int
        Fixes samplers.
    """

    X: pd.DataFrame
    y: pd.Series
    groups: np.ndarray
    seed: int
    made: dict[str, Resampled] = field(default_factory=dict)
    divided: dict[Any, Any] = field(default_factory=dict)

    @cached_property
    def scaler(self) -> StandardScaler:
        """Fitted on these rows alone."""
        return StandardScaler().fit(self.X)

    def take(self, chosen: np.ndarray, *path: object) -> Rows:
        """Some of the rows, by mask or position, with a seed of their own."""
        return Rows(self.X.iloc[chosen], self.y.iloc[chosen], self.groups[chosen], child_seed(self.seed, *path))

    def resampled(self, sampler: Part) -> Resampled:
        """What a sampler makes of the rows; each is fitted once, and a generator once for all of its ratios."""
        entry, params = SAMPLERS[sampler["name"]], sampler["params"]
        fitted = dict(params) if not entry.weighted else {}
        if entry.family == "generator":
            fitted["ratio"] = entry.widest(params["ratio"], self.y)
        name = json.dumps([sampler["name"], fitted], sort_keys=True)
        if name not in self.made:
            head = build_preprocessing({**sampler, "params": fitted}, self.seed)
            with seeded(self.seed):
                self.made[name] = fit_preprocessing(head, self.X, self.y)
        rows = self.made[name]
        if entry.family != "generator" or params["ratio"] == fitted["ratio"]:
            return rows
        n_rows = len(self.y) + int(entry.effect(params["ratio"], self.y))
        return replace(rows, X=rows.X[:n_rows], y=rows.y[:n_rows])

    def inner_folds(self, n_folds: int) -> list[tuple[Rows, Rows]]:
        """Inner training part and inner test part of every fold."""
        key = ("folds", n_folds)
        if key not in self.divided:
            seed = child_seed(self.seed, "search")
            numbers = fold_numbers(self.y.to_numpy(), _numbered(self.groups), n_folds, seed)
            self.divided[key] = [
                (self.take(numbers != number, "train", number), self.take(numbers == number, "test", number))
                for number in range(n_folds)
            ]
        return self.divided[key]

    def held_out(self, n_parts: int) -> tuple[Rows, Rows]:
        """All parts but one, and that one."""
        key = ("held out", n_parts)
        if key not in self.divided:
            numbers = fold_numbers(
                self.y.to_numpy(), _numbered(self.groups), n_parts, child_seed(self.seed, "held out")
            )
            self.divided[key] = self.take(numbers > 0, "held out"), self.take(numbers == 0, "held out")
        return self.divided[key]


def _numbered(groups: np.ndarray) -> np.ndarray:
    return np.unique(groups, return_inverse=True)[1]


def fit(task: Part, rows: Rows, n_jobs: int = 1, chosen: Trial | None = None) -> Fitted:
    """Choose the parameters of a task on training rows and fit it to them.

    Parameters
    ----------
    task : dict
        From `tasks.make_task`.
    rows : Rows
        Training rows; tasks that share them share what samplers made of them.
    n_jobs : int
        Threads a model may use.
    chosen : Trial, optional
        Parameters that a finished task chose, so that they need not be looked for again.
    """
    search = task["search"]
    trials = [chosen] if chosen else sample_trials(task, rows.y)
    if search and "held_out" in search:
        return _fit_held_out(task, rows, trials, n_jobs)
    start = time.perf_counter()
    scores = judge(task, rows, trials, n_jobs) if len(trials) > 1 else []
    seconds = {"search_seconds": time.perf_counter() - start}
    trial = trials[select_trial(scores, search["margin"])] if scores else trials[0]
    made = rows.resampled(trial.sampler)
    start = time.perf_counter()
    model = _fit_model(task, trial, rows, made, n_jobs)
    seconds |= {"sampler_seconds": made.seconds, "fit_seconds": time.perf_counter() - start}
    return Fitted(rows.scaler, model, trial, scores, made, seconds)


def _fit_model(task: Part, trial: Trial, rows: Rows, made: Resampled, n_jobs: int, **arguments: Any) -> Any:
    model = build_model(trial.sampler, trial.model, rows.y, task["seed"], n_jobs)
    with seeded(task["seed"]):
        return model.fit(made.X, made.y, **arguments)


def judge(task: Part, rows: Rows, trials: list[Trial], n_jobs: int = 1) -> list[float]:
    """Mean average precision of every trial over inner folds of the training rows."""
    search = task["search"]
    scores = np.zeros((len(trials), search["folds"]))
    for number, (train, test) in enumerate(rows.inner_folds(search["folds"])):
        X_test, y_test = train.scaler.transform(test.X), test.y.to_numpy()
        for place, trial in enumerate(trials):
            tried = in_search(trial)
            model = _fit_model(task, tried, train, train.resampled(tried.sampler), n_jobs)
            scores[place, number] = ranked_precision(model, X_test, y_test)
    return [round(float(score), 6) for score in scores.mean(axis=1)]


def _fit_held_out(task: Part, rows: Rows, trials: list[Trial], n_jobs: int) -> Fitted:
    """Train a network per trial; real rows that no sampler saw end its training, and choose among the trials."""
    train, validation = rows.held_out(task["search"]["held_out"])
    X_validation, y_validation = train.scaler.transform(validation.X), validation.y.to_numpy()
    fitted = []
    for trial in trials:
        made = train.resampled(trial.sampler)
        start = time.perf_counter()
        model = _fit_model(task, trial, train, made, n_jobs, validation=(X_validation, y_validation))
        seconds = {"sampler_seconds": made.seconds, "fit_seconds": time.perf_counter() - start}
        score = round(ranked_precision(model, X_validation, y_validation), 6)
        fitted.append((score, Fitted(train.scaler, model, trial, [], made, seconds, validation.X.index)))
    scores = [score for score, _ in fitted]
    best = fitted[select_trial(scores, task["search"]["margin"])][1]
    spent = sum(each.seconds["fit_seconds"] for _, each in fitted) - best.seconds["fit_seconds"]
    return replace(best, scores=scores if len(trials) > 1 else [], seconds={**best.seconds, "search_seconds": spent})
