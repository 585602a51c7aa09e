"""The registry of classifiers: name -> builder, defaults, search space."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression

from utils.deep import NetworkClassifier
from utils.forest import make_forest
from utils.registry import Entry


@dataclass(frozen=True)
class ModelEntry(Entry):
    """One classifier: `build(seed, positive_weight, n_jobs, **params)` gives a scikit-learn classifier.

    Attributes
    ----------
    deep : bool
        Whether it trains a network.
    """

    deep: bool = False


def _logistic_regression(seed: int, positive_weight: float, n_jobs: int, **params: Any) -> LogisticRegression:
    return LogisticRegression(class_weight={0: 1.0, 1: positive_weight}, random_state=seed, max_iter=2000, **params)


def _xgboost(seed: int, positive_weight: float, n_jobs: int, **params: Any) -> BaseEstimator:
    from xgboost import XGBClassifier

    return XGBClassifier(
        scale_pos_weight=positive_weight, random_state=seed, n_jobs=n_jobs, tree_method="hist", **params
    )


def _network(seed: int, positive_weight: float, n_jobs: int, *, network: str, **params: Any) -> NetworkClassifier:
    return NetworkClassifier(network, class_weight={0: 1.0, 1: positive_weight}, random_state=seed, **params)


def _network_entry(name: str, label: str, cost: float) -> ModelEntry:
    return ModelEntry(
        name,
        label,
        partial(_network, network=name),
        library="tensorflow",
        defaults={"updates": 1200, "batch_size": 2048, "learning_rate": 2e-3, "dropout": 0.3},
        space={"learning_rate": [5e-4, 2e-3, 5e-3], "dropout": [0.1, 0.3, 0.5]},
        deep=True,
        cost=cost,
    )


MODELS: dict[str, ModelEntry] = {
    entry.name: entry
    for entry in (
        ModelEntry(
            "lr",
            "Logistic regression",
            _logistic_regression,
            "scikit-learn",
            defaults={"C": 1.0},
            space={"C": [0.001, 0.01, 0.1, 1.0, 10.0]},
            cost=1,
        ),
        ModelEntry(
            "rf",
            "Random forest",
            make_forest,
            "scikit-learn",
            defaults={"n_estimators": 200, "max_features": "sqrt", "min_samples_leaf": 1},
            space={"max_features": ["sqrt", 0.3], "min_samples_leaf": [1, 2, 5]},
            revision=2,
            cost=9,
        ),
        ModelEntry(
            "xgb",
            "XGBoost",
            _xgboost,
            library="xgboost",
            defaults={"n_estimators": 400, "max_depth": 6, "learning_rate": 0.1},
            space={"max_depth": [4, 6, 8], "learning_rate": [0.05, 0.1], "min_child_weight": [0.01, 1]},
            cost=7,
        ),
        _network_entry("ann", "ANN", cost=8),
        _network_entry("cnn1d", "CNN-1D", cost=25),
        _network_entry("lstm", "LSTM", cost=45),
    )
}

LABELS = {name: entry.label for name, entry in MODELS.items()}
