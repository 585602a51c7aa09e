"""One fold: split, check, resample, fit and measure; what a worker process does."""

from __future__ import annotations

import os
import platform
import time
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from imblearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from utils import data, ledger, metrics
from utils.audit import require_clean_split, require_unseen
from utils.backend import limit_threads
from utils.config import DatasetConfig, Profile, Protocol
from utils.data import Dataset, Fold
from utils.forest import forest_engine
from utils.models import MODELS
from utils.progress import Board
from utils.samplers import SAMPLERS, fraud_weight
from utils.seeding import child_seed, seeded
from utils.tasks import Task, label, library_version

VERSIONED = ("numpy", "scikit-learn", "imbalanced-learn", "xgboost", "tensorflow")


@lru_cache(maxsize=2)
def load_dataset(config: DatasetConfig) -> Dataset:
    """The dataset, loaded once per process."""
    return data.load(config)


@lru_cache(maxsize=4)
def all_folds(config: DatasetConfig, protocol: Protocol, n_repeats: int) -> dict[tuple[int, int], Fold]:
    """Folds of the development set by (repeat, fold), the same for every method."""
    dataset = load_dataset(config)
    development, _ = data.chronological_split(dataset, protocol.test_fraction)
    made = data.folds(dataset, development, protocol.n_splits, n_repeats, child_seed(protocol.seed, "split"))
    return {(fold.repeat, fold.number): fold for fold in made}


def fold_parts(dataset: Dataset, positions: np.ndarray) -> tuple[pd.DataFrame, pd.Series]:
    """Features and labels of some rows, just before the first step that learns."""
    return dataset.X.iloc[positions], dataset.y.iloc[positions]


def build_head(sampler: dict[str, Any], seed: int) -> Pipeline:
    """Scaler and sampler, fitted on training rows only; 'passthrough' where there is nothing to sample."""
    made = SAMPLERS[sampler["name"]].build(child_seed(seed, sampler["name"]), **sampler["params"])
    return Pipeline([("scale", StandardScaler()), ("sample", "passthrough" if made is None else made)])


def build_model(sampler: dict[str, Any], model: dict[str, Any], y_train: Any, seed: int, n_jobs: int = 1) -> Any:
    """The classifier that a task names, weighing frauds if its sampler is class weights."""
    weight = fraud_weight(y_train, **sampler["params"]) if SAMPLERS[sampler["name"]].weighted else 1.0
    entry = MODELS[model["name"]]
    return entry.build(child_seed(seed, model["name"]), weight, n_jobs, **model["params"])


def build_pipeline(task: Task, y_train: Any, n_jobs: int = 1) -> Pipeline:
    """Scaler, sampler and classifier of a task as one unfitted pipeline."""
    head = build_head(task["sampler"], task["seed"])
    model = build_model(task["sampler"], task["model"], y_train, task["seed"], n_jobs)
    return Pipeline([*head.steps, ("model", model)])


def fit_head(head: Pipeline, X: pd.DataFrame, y: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Fit scaler and sampler on training rows; returns the rows that the classifier is fitted on."""
    if head["sample"] == "passthrough":
        return head[:1].fit_transform(X), y.to_numpy()
    return head.fit_resample(X, y.to_numpy())


def positive_scores(model: Any, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores to rank by, and probabilities; the former resolve what probabilities round to 1."""
    probability = model.predict_proba(X)[:, 1]
    ranking = model.decision_function(X) if hasattr(model, "decision_function") else probability
    return ranking, probability


def run_group(profile: Profile, tasks: list[Task], path: Path, places: int, n_jobs: int = 1) -> list[dict[str, Any]]:
    """Run tasks that share fold and sampler: fit the sampler once, then every model on its rows.

    Each row is appended to the ledger at `path` as soon as its model is done.

    Parameters
    ----------
    places : int
        Repeats that the folds were made with.
    n_jobs : int
        Threads a model may use.
    """
    limit_threads(n_jobs)
    parent = os.getppid()
    board = Board(path.parent / ".running")
    dataset = load_dataset(profile.dataset)
    fold = all_folds(profile.dataset, profile.protocol, places)[tasks[0]["repeat"], tasks[0]["fold"]]
    board.write(f"{tasks[0]['sampler']['name']} sampler fold {fold.repeat}.{fold.number}")
    prepared = prepare_fold(dataset, fold, tasks[0])
    rows = []
    for task in tasks:
        if os.getppid() != parent:  # the study was killed; its next run does what is left
            break
        board.write(label(task))
        row = run_model(task, dataset, fold, prepared, n_jobs)
        ledger.append(path, row)
        rows.append(row)
    board.wipe()
    return rows


def prepare_fold(dataset: Dataset, fold: Fold, task: Task) -> dict[str, Any]:
    """Split, check, scale and resample; the arrays that every model of the group shares."""
    train, test = fold_parts(dataset, fold.train), fold_parts(dataset, fold.test)
    require_clean_split(dataset, train, test)
    head = build_head(task["sampler"], task["seed"])
    start = time.perf_counter()
    with seeded(task["seed"]):
        X_fit, y_fit = fit_head(head, *train)
    seconds = time.perf_counter() - start
    X_test = head["scale"].transform(test[0])
    require_unseen(X_fit, X_test)
    return {"X_fit": X_fit, "y_fit": y_fit, "y_train": train[1], "X_test": X_test, "seconds": seconds}


def run_model(task: Task, dataset: Dataset, fold: Fold, prepared: dict[str, Any], n_jobs: int) -> dict[str, Any]:
    """Fit one classifier on a prepared fold and measure it on the fold's test rows."""
    model = build_model(task["sampler"], task["model"], prepared["y_train"], task["seed"], n_jobs)
    start = time.perf_counter()
    with seeded(task["seed"]):
        model.fit(prepared["X_fit"], prepared["y_fit"])
    fitted = time.perf_counter()
    scores = positive_scores(model, prepared["X_test"])
    timing = {
        "sampler_seconds": round(prepared["seconds"], 3),
        "fit_seconds": round(fitted - start, 3),
        "score_seconds": round(time.perf_counter() - fitted, 3),
    }
    training = {"n_fit": len(prepared["y_fit"]), "n_fit_positives": int(np.sum(prepared["y_fit"]))}
    engine = {"engine": forest_engine(model) or task["model"]["library"].split()[0]}
    return {**task, **measure(dataset, fold.test, *scores), **training, **timing, **engine, **provenance()}


def measure(dataset: Dataset, positions: np.ndarray, ranking: np.ndarray, probability: np.ndarray) -> dict[str, Any]:
    """Everything that the ledger keeps of a model's scores on the rows at `positions`."""
    y_true = dataset.y.to_numpy()[positions]
    ranks, found = metrics.ranks_of_positives(y_true, ranking)
    table = metrics.reliability(y_true, probability)
    positives = dataset.frame.index.to_numpy()[positions[found]]
    return {
        "ranks": ranks.tolist(),
        "positives": positives.tolist(),
        "amounts": None if dataset.amounts is None else dataset.amounts.loc[positives].tolist(),
        "n_rows": len(positions),
        "days": days_covered(dataset, len(positions)),
        "average_precision": round(metrics.average_precision(ranks), 6),
        "roc_auc": round(metrics.roc_auc(ranks, len(positions)), 6),
        "brier": round(metrics.brier_score(y_true, probability), 8),
        "calibration_error": round(metrics.calibration_error(table), 8),
        "reliability": table,
    }


def days_covered(dataset: Dataset, n_rows: int) -> float | None:
    """Days of business that `n_rows` rows stand for; None without a time column."""
    if dataset.config.time is None:
        return None
    times = dataset.frame[dataset.config.time]
    return round((times.iloc[-1] - times.iloc[0]) / data.SECONDS_PER_DAY * n_rows / len(times), 4)


@lru_cache
def _provenance() -> dict[str, Any]:
    versions = {library: library_version(library) for library in VERSIONED}
    machine = {"system": platform.system(), "cpu": platform.machine(), "cores": os.cpu_count()}
    return {
        "versions": {"python": platform.python_version(), **versions},
        "machine": machine,
    }


def provenance() -> dict[str, Any]:
    """Versions, machine and time of a result."""
    return {**_provenance(), "finished": datetime.now(UTC).isoformat(timespec="seconds")}
