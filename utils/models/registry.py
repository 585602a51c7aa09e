"""The registry of classifiers: name -> builder, defaults, search space.

See Also
--------
ModelEntry : The fields of an entry.
utils.samplers.registry : The registry of samplers.

References
----------
Breiman, L. (2001). Random forests.
Chen, T. and Guestrin, C. (2016). XGBoost: a scalable tree boosting system.
Liu, Z., Cao, W., Gao, Z., Bian, J., Chen, H., Chang, Y. and Liu, T.-Y. (2020). Self-paced ensemble for highly
imbalanced massive data classification.

Examples
--------
>>> from utils.models import MODELS, models_without_sampler
>>> models_without_sampler("undersampling")
['brf', 'easy', 'rusboost', 'spe']
>>> entry = MODELS["spe"]
>>> entry.build(0, 1.0, 1, n_bins=10)  # seed, weight of the positives, threads
SelfPacedEnsemble(n_bins=10, random_state=0)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from imblearn.ensemble import BalancedRandomForestClassifier, EasyEnsembleClassifier, RUSBoostClassifier
from sklearn.base import BaseEstimator
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import OneClassSVM

from utils.models.ensembles import LogOddsMean, OutlierClassifier, SelfPacedEnsemble
from utils.models.forest import make_extra_trees, make_forest
from utils.models.networks import NetworkClassifier
from utils.registry import Entry, Range
from utils.seeding import child_seed


@dataclass(frozen=True)
class ModelEntry(Entry):
    """One classifier: `build(seed, positive_weight, n_jobs, **params)` gives a scikit-learn classifier.

    Parameters
    ----------
    name, label, build, library, defaults, space, ranges, in_search, revision, cost
        See :class:`utils.registry.Entry`.
    deep : bool, default=False
        Whether it is a neural network.
    ordered : bool, default=False
        Whether it reads the columns in an order, as a sequence.
    alone : str, default=""
        Why it is used without a sampler: it is an ensemble with built-in 'undersampling', it detects 'outliers'
        without labels, or it is a 'blend'; empty for models used with samplers.

    See Also
    --------
    MODELS : The entries of the study.

    Examples
    --------
    A new entry:

    >>> from sklearn.naive_bayes import GaussianNB
    >>> def build(seed, positive_weight, n_jobs, **params):
    ...     return GaussianNB(**params)
    >>> entry = ModelEntry("nb", "Naive Bayes", build, "scikit-learn", space={"var_smoothing": [1e-9, 1e-6]})
    >>> entry.build(0, 1.0, 1, var_smoothing=1e-6)
    GaussianNB(var_smoothing=1e-06)
    """

    deep: bool = False
    ordered: bool = False
    alone: str = ""


def _logistic_regression(seed: int, positive_weight: float, n_jobs: int, **params: Any) -> LogisticRegression:
    return LogisticRegression(class_weight={0: 1.0, 1: positive_weight}, random_state=seed, max_iter=2000, **params)


def _xgboost(seed: int, positive_weight: float, n_jobs: int, **params: Any) -> BaseEstimator:
    from xgboost import XGBClassifier

    return XGBClassifier(
        scale_pos_weight=positive_weight, random_state=seed, n_jobs=n_jobs, tree_method="hist", **params
    )


def _network(seed: int, positive_weight: float, n_jobs: int, *, network: str, **params: Any) -> NetworkClassifier:
    return NetworkClassifier(network, class_weight={0: 1.0, 1: positive_weight}, random_state=seed, **params)


def _network_entry(
    name: str, label: str, cost: float, updates: int, rates: list[float], ordered: bool = True
) -> ModelEntry:
    """Entry of a network; the second of the learning rates is the default."""
    return ModelEntry(
        name,
        label,
        partial(_network, network=name),
        library="tensorflow",
        defaults={"updates": updates, "batch_size": 1024, "learning_rate": rates[1], "dropout": 0.3},
        space={"learning_rate": rates, "dropout": [0.1, 0.3, 0.5]},
        ranges={"learning_rate": Range(1e-3, 3e-2, log=True), "dropout": Range(0, 0.6)},
        revision=2,
        deep=True,
        ordered=ordered,
        cost=cost,
    )


def _balanced_forest(seed: int, positive_weight: float, n_jobs: int, **params: Any) -> BaseEstimator:
    return BalancedRandomForestClassifier(random_state=seed, n_jobs=n_jobs, **params)


def _isolation_forest(seed: int, positive_weight: float, n_jobs: int, **params: Any) -> OutlierClassifier:
    return OutlierClassifier(IsolationForest(random_state=seed, n_jobs=n_jobs, **params), random_state=seed)


def _one_class_svm(
    seed: int, positive_weight: float, n_jobs: int, *, max_rows: int, **params: Any
) -> OutlierClassifier:
    return OutlierClassifier(OneClassSVM(**params), max_rows=max_rows, random_state=seed)


BOOSTING_RANGES = {
    "n_estimators": Range(100, 600, whole=True),
    "max_depth": Range(3, 10, whole=True),
    "learning_rate": Range(0.02, 0.3, log=True),
    "subsample": Range(0.5, 1),
    "colsample_bynode": Range(0.2, 1),
    "min_child_weight": Range(0.01, 10, log=True),
    "reg_lambda": Range(0.1, 20, log=True),
}
BOOSTED = {
    "n_estimators": 500,
    "max_depth": 6,
    "learning_rate": 0.05,
    "subsample": 0.8,
    "colsample_bynode": 0.3,
    "min_child_weight": 0.1,
    "reg_lambda": 5,
}
RANDOM = {"n_estimators": 200, "max_features": 0.5}


def _blend(seed: int, positive_weight: float, n_jobs: int, *, boosted: dict, random: dict) -> LogOddsMean:
    """Mean log odds of boosted and extremely randomised trees, whose errors differ."""
    members = [
        ("boosted", _xgboost(child_seed(seed, "boosted"), 1.0, n_jobs, **boosted)),
        ("random", make_extra_trees(child_seed(seed, "random"), n_jobs, **random)),
    ]
    return LogOddsMean(members)


def _ensemble(kind: Callable, seed: int, positive_weight: float, n_jobs: int, **params: Any) -> BaseEstimator:
    return kind(random_state=seed, **params)


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
            ranges={"C": Range(1e-4, 100, log=True)},
            cost=1,
        ),
        ModelEntry(
            "rf",
            "Random forest",
            make_forest,
            "scikit-learn",
            defaults={"n_estimators": 100, "max_features": "sqrt", "min_samples_leaf": 1},
            space={"max_features": ["sqrt", 0.1], "min_samples_leaf": [1, 2, 5]},
            ranges={
                "max_features": Range(0.05, 1, log=True),
                "min_samples_leaf": Range(1, 20, log=True, whole=True),
            },
            in_search={"n_estimators": 30},
            revision=4,
            cost=9,
        ),
        ModelEntry(
            "xgb",
            "XGBoost",
            _xgboost,
            library="xgboost",
            defaults={"n_estimators": 400, "max_depth": 6, "learning_rate": 0.1},
            space={"max_depth": [4, 6], "colsample_bynode": [0.3, 1.0], "min_child_weight": [0.1, 1]},
            ranges=BOOSTING_RANGES,
            in_search={"n_estimators": 60},
            cost=7,
        ),
        _network_entry("ann", "ANN", cost=4, updates=1200, rates=[2e-3, 5e-3, 1e-2], ordered=False),
        _network_entry("cnn1d", "CNN-1D", cost=8, updates=1000, rates=[2e-3, 5e-3, 1e-2]),
        _network_entry("lstm", "LSTM", cost=8, updates=1000, rates=[5e-3, 1e-2, 2e-2]),
        ModelEntry(
            "brf",
            "Balanced random forest",
            _balanced_forest,
            "imbalanced-learn",
            alone="undersampling",
            cost=6,
        ),
        ModelEntry(
            "easy",
            "EasyEnsemble",
            partial(_ensemble, EasyEnsembleClassifier),
            "imbalanced-learn",
            alone="undersampling",
            cost=10,
        ),
        ModelEntry(
            "rusboost",
            "RUSBoost",
            partial(_ensemble, RUSBoostClassifier),
            "imbalanced-learn",
            space={"learning_rate": [1.0, 0.3, 0.1], "sampling_strategy": ["auto", 0.2]},
            ranges={
                "n_estimators": Range(50, 400, log=True, whole=True),
                "learning_rate": Range(0.05, 1, log=True),
                "sampling_strategy": ("auto", 0.5, 0.2, 0.05),
            },
            alone="undersampling",
            cost=3,
        ),
        ModelEntry(
            "spe",
            "Self-paced ensemble",
            partial(_ensemble, SelfPacedEnsemble),
            "scikit-learn",
            space={"n_bins": [5, 10, 20, 40]},
            ranges={"n_bins": Range(3, 50, log=True, whole=True), "n_estimators": Range(10, 50, whole=True)},
            alone="undersampling",
            cost=4,
        ),
        ModelEntry(
            "blend",
            "Blend of trees",
            _blend,
            "xgboost",
            defaults={"boosted": BOOSTED, "random": RANDOM},
            alone="blend",
            cost=20,
        ),
        ModelEntry(
            "iforest",
            "Isolation forest",
            _isolation_forest,
            "scikit-learn",
            space={"max_samples": [256, 1024, 4096], "max_features": [0.3, 1.0]},
            ranges={"max_samples": Range(128, 8192, log=True, whole=True), "max_features": Range(0.1, 1)},
            alone="outliers",
            cost=4,
        ),
        ModelEntry(
            "ocsvm",
            "One-class SVM",
            _one_class_svm,
            "scikit-learn",
            defaults={"max_rows": 10_000, "nu": 0.01},
            space={"nu": [0.002, 0.01, 0.1], "gamma": ["scale", 0.01]},
            ranges={"nu": Range(0.001, 0.1, log=True), "gamma": Range(0.001, 0.3, log=True)},
            in_search={"max_rows": 3000},
            alone="outliers",
            cost=4,
        ),
    )
}

LABELS = {name: entry.label for name, entry in MODELS.items()}
ALONE = ("undersampling", "blend", "outliers")
CLASSICAL = ("lr", "rf", "xgb")
DEEP = tuple(name for name, entry in MODELS.items() if entry.deep)


def models_without_sampler(*kinds: str, among: Iterable[str] = ()) -> list[str]:
    """Names of the models used without a sampler, for one of these reasons (any by default); `among` limits them."""
    names = set(among or MODELS)
    return [name for name, entry in MODELS.items() if name in names and entry.alone in (kinds or ALONE)]
