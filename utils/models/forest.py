"""Forests from Intel's extension where it can be installed, from scikit-learn elsewhere."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier
from sklearn.utils.multiclass import type_of_target

try:  # the same algorithm, many times faster; x86-64 only
    from sklearnex.ensemble import ExtraTreesClassifier as IntelExtraTrees
    from sklearnex.ensemble import RandomForestClassifier as IntelForest
except ImportError:
    FastRandomForestClassifier = RandomForestClassifier
    FastExtraTreesClassifier = ExtraTreesClassifier
    WeightedForestClassifier = RandomForestClassifier
    FOREST_ENGINE = "scikit-learn"
else:
    FOREST_ENGINE = "scikit-learn-intelex"

    class SinglePrecision:
        """A forest on float32 rows, which scikit-learn's trees use too, so that `portable` is exact."""

        def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> RandomForestClassifier:
            """Fit on X of shape (n_rows, n_features)."""
            return super().fit(_single(X), y, sample_weight)

        def predict(self, X: Any) -> NDArray:
            """Class with the larger probability, of shape (n_rows,)."""
            return super().predict(_single(X))

        def predict_proba(self, X: Any) -> NDArray[np.float64]:
            """Probabilities of shape (n_rows, n_classes); for several outputs, a list of such arrays."""
            probabilities = super().predict_proba(_single(X))
            if isinstance(probabilities, list):
                return [each.astype(np.float64) for each in probabilities]
            return probabilities.astype(np.float64)

    class FastRandomForestClassifier(SinglePrecision, IntelForest):
        """Intel's random forest."""

    class FastExtraTreesClassifier(SinglePrecision, IntelExtraTrees):
        """Intel's extremely randomised trees."""

    class WeightedForestClassifier(RandomForestClassifier):
        """Intel's random forest with class weights applied in every leaf, as in scikit-learn.

        Intel's forest grows trees on weighted rows, but in prediction it weights the mean class share of the leaves,
        where scikit-learn takes the mean of their weighted shares. The leaves hold the weighted shares, so the trees
        are moved into scikit-learn's class.
        """

        def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> WeightedForestClassifier:
            """Fit on X of shape (n_rows, n_features); with more than two classes, by scikit-learn."""
            if type_of_target(y) != "binary":
                return super().fit(X, y, sample_weight)
            _adopt(self, FastRandomForestClassifier(**self.get_params()).fit(X, y, sample_weight))
            return self


def _single(X: Any) -> Any:
    """Rows as float32, in their own container if it can be converted."""
    rows = X if hasattr(X, "astype") else np.asarray(X)
    if getattr(rows, "dtype", np.dtype(float)).kind == "c":
        raise ValueError("Complex data not supported by a forest; give real numbers.")
    return rows.astype(np.float32)


OURS = () if FOREST_ENGINE == "scikit-learn" else (SinglePrecision, WeightedForestClassifier)


def make_forest(seed: int, positive_weight: float, n_jobs: int, **params: Any) -> RandomForestClassifier:
    """An unfitted forest."""
    if positive_weight == 1:
        return FastRandomForestClassifier(random_state=seed, n_jobs=n_jobs, **params)
    weights = {0: 1.0, 1: positive_weight}
    return WeightedForestClassifier(class_weight=weights, random_state=seed, n_jobs=n_jobs, **params)


def make_extra_trees(seed: int, n_jobs: int, **params: Any) -> ExtraTreesClassifier:
    """Unfitted extremely randomised trees (Geurts et al., 2006)."""
    return FastExtraTreesClassifier(random_state=seed, n_jobs=n_jobs, **params)


def forest_engine(model: BaseEstimator) -> str | None:
    """Name of the library that fitted a forest; None if the model is not a forest."""
    if not isinstance(model, (FastRandomForestClassifier, RandomForestClassifier)):
        return None
    return FOREST_ENGINE if isinstance(model, (FastRandomForestClassifier, *OURS)) else "scikit-learn"


def portable(model: BaseEstimator) -> BaseEstimator:
    """The model as a plain scikit-learn estimator that any machine can load; scores agree to 1e-6.

    skops trusts only the classes of scikit-learn and cannot save forests of Intel's extension, so the trees are moved
    into scikit-learn's class. All other models are returned unchanged.
    """
    if not isinstance(model, OURS):
        return model
    kind = ExtraTreesClassifier if isinstance(model, FastExtraTreesClassifier) else RandomForestClassifier
    known = kind().get_params()
    forest = kind(**{name: value for name, value in model.get_params().items() if name in known})
    _adopt(forest, model)
    return forest


def _adopt(forest: BaseEstimator, fitted: BaseEstimator) -> None:
    """Move the trees of a fitted forest into a forest of scikit-learn."""
    by_intel = hasattr(fitted, "_onedal_estimator")  # otherwise the extension delegated the fit to scikit-learn
    forest.estimators_ = [_with_leaf_shares(tree) for tree in fitted.estimators_] if by_intel else fitted.estimators_
    for name in ("classes_", "n_classes_", "n_features_in_", "n_outputs_", "feature_names_in_"):
        if hasattr(fitted, name):
            setattr(forest, name, getattr(fitted, name))
    extra = isinstance(forest, ExtraTreesClassifier)
    forest.estimator_ = ExtraTreeClassifier() if extra else DecisionTreeClassifier()


def _with_leaf_shares(tree: DecisionTreeClassifier) -> DecisionTreeClassifier:
    """A copy of a tree from Intel's forest that predicts class shares, as a tree of scikit-learn does.

    The extension exports trees with the majority class of a leaf instead of its class shares. The shares follow from
    the Gini impurity of the leaf, 2p(1 - p), which is that of the weighted rows if there are weights.
    """
    tree = deepcopy(tree)
    state, leaf = tree.tree_, tree.tree_.children_left < 0
    rare = 0.5 - np.sqrt(np.maximum(0.25 - state.impurity / 2, 0))
    share = np.where(state.value[:, 0, 1] > 0.5, 1 - rare, rare)
    state.value[leaf, 0] = np.column_stack([1 - share, share])[leaf]
    return tree
