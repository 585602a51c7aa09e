"""Rows of a ledger for tests that compute nothing."""

from dataclasses import fields

from utils.benchmark.records import (
    Chosen,
    FoldResult,
    Machine,
    Method,
    Provenance,
    Row,
    ScoringResult,
    Split,
    Task,
)
from utils.config import Roles
from utils.data.identity import DatasetIdentity
from utils.data.loading import GROUPS
from utils.metrics import Reliability

SPLIT = Split("development", 0.2, GROUPS, n_splits=5)
TASK = {
    "dataset": DatasetIdentity("rows", "76274b", Roles()),
    "split": SPLIT,
    "repeat": 0,
    "fold": 0,
    "seed": 42,
    "sampler": Method("smote", {"ratio": "balanced"}, "imbalanced-learn 0.14", 1),
    "model": Method("rf", {"n_estimators": 100, "max_features": "sqrt"}, "scikit-learn 1.9", 1),
    "search": None,
}
MEASUREMENT = {
    "ranks": [1, 3],
    "positives": [7, 9],
    "amounts": [1.0, 2.5],
    "n_rows": 20,
    "days": 0.5,
    "average_precision": 0.8333,
    "average_precision_tie_neutral": 0.8333,
    "roc_auc": 0.9,
    "brier": 0.1,
    "calibration_error": 0.2,
    "reliability": Reliability([20], [0.1], [2]),
}
FIT = {
    "chosen": Chosen({"ratio": "balanced"}, {"n_estimators": 100}),
    "inner_scores": [],
    "n_fit": 80,
    "n_fit_positives": 40,
    "sampler_seconds": 0.5,
    "search_seconds": 0.0,
    "fit_seconds": 0.25,
    "score_seconds": 0.125,
    "engine": "scikit-learn",
    "n_equal_to_test": 0,
}
SCORING = {"threshold": 0.5, "n_alerts": 9, "n_equal_to_test": 0}
PROVENANCE = Provenance(
    {"python": "3.11.7", "numpy": "2.4.6"}, Machine("Linux", "x86_64", 2), "2026-11-22T14:00:00+00:00"
)


def make_task(**changes) -> Task:
    """A task with some fields changed."""
    return Task(**{**TASK, **changes})


def make_row(**changes) -> Row[Task, FoldResult]:
    """A row of the benchmark with some fields of task, result or provenance changed."""
    return _row(FoldResult, {**MEASUREMENT, **FIT}, changes)


def make_scoring(**changes) -> Row[Task, ScoringResult]:
    """A scoring of the test set with some fields changed."""
    return _row(ScoringResult, {**MEASUREMENT, **SCORING}, {"fold": None, **changes})


def _row(result: type, values: dict, changes: dict) -> Row:
    task, of_result, origin = (
        {name: value for name, value in changes.items() if name in {field.name for field in fields(kind)}}
        for kind in (Task, result, Provenance)
    )
    assert len(task) + len(of_result) + len(origin) == len(changes), f"a row has no {set(changes)}"
    return Row(make_task(**task), result(**{**values, **of_result}), Provenance(**{**vars(PROVENANCE), **origin}))
