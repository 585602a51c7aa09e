"""The registry of classifiers: name -> builder, defaults, search space."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from utils.deep import NetworkClassifier

try:  # Intel's forest is the same algorithm, many times faster, on x86-64 only
    from sklearnex.ensemble import RandomForestClassifier as FastRandomForestClassifier
except ImportError:
    FastRandomForestClassifier = RandomForestClassifier

FOREST_ENGINE = "scikit-learn" if FastRandomForestClassifier is RandomForestClassifier else "scikit-learn-intelex"


@dataclass(frozen=True)
class ModelEntry:
    """One classifier.

    Attributes
    ----------
    name, label : str
        Key in the registry and name in print.
    build : callable
        `build(seed, positive_weight, n_jobs, **params)` gives a scikit-learn classifier.
    library : str
        Distribution whose version belongs to the result.
    defaults, space : dict
        Parameters, and the values that a search may try for each.
    deep : bool
        Whether it trains a network.
    revision : int
        Raised by hand when code of ours changes what the entry does.
    cost : float
        Seconds of one fit on a development fold, roughly; for the progress bar only.
    """

    name: str
    label: str
    build: Callable[..., BaseEstimator]
    library: str = "scikit-learn"
    defaults: dict[str, Any] = field(default_factory=dict)
    space: dict[str, list] = field(default_factory=dict)
    deep: bool = False
    revision: int = 1
    cost: float = 1.0


def _logistic_regression(seed: int, positive_weight: float, n_jobs: int, **params: Any) -> LogisticRegression:
    return LogisticRegression(class_weight={0: 1.0, 1: positive_weight}, random_state=seed, max_iter=2000, **params)


def _random_forest(seed: int, positive_weight: float, n_jobs: int, **params: Any) -> RandomForestClassifier:
    return FastRandomForestClassifier(
        class_weight={0: 1.0, 1: positive_weight}, random_state=seed, n_jobs=n_jobs, **params
    )


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
            defaults={"C": 1.0},
            space={"C": [0.001, 0.01, 0.1, 1.0, 10.0]},
            cost=1,
        ),
        ModelEntry(
            "rf",
            "Random forest",
            _random_forest,
            defaults={"n_estimators": 200, "max_features": "sqrt", "min_samples_leaf": 1},
            space={"max_features": ["sqrt", 0.3], "min_samples_leaf": [1, 2, 5]},
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


def portable(model: BaseEstimator) -> BaseEstimator:
    """The model as plain scikit-learn, so that any machine can load it.

    skops cannot save a forest fitted by Intel's extension; its trees are scikit-learn's own, so they move
    into scikit-learn's class. Everything else is returned as it is.
    """
    if FastRandomForestClassifier is RandomForestClassifier or not isinstance(model, FastRandomForestClassifier):
        return model
    forest = RandomForestClassifier(**{k: v for k, v in model.get_params().items() if k in _forest_parameters()})
    forest.estimators_ = model.estimators_
    for name in ("classes_", "n_classes_", "n_features_in_", "n_outputs_", "feature_names_in_"):
        if hasattr(model, name):
            setattr(forest, name, getattr(model, name))
    forest.estimator_ = forest.estimators_[0]
    return forest


def _forest_parameters() -> set[str]:
    return set(RandomForestClassifier().get_params())


def quiet_tensorflow(n_threads: int) -> None:
    """Keep TensorFlow's start-up messages out of the output and its threads at `n_threads`.

    Works only before TensorFlow is first imported.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(n_threads))
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
