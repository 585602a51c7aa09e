"""Forests: Intel's where its extension installs, scikit-learn's own elsewhere and, on bins, with class weights."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier
from sklearn.utils.validation import validate_data

N_BINS = 256  # what Intel's forests use

try:  # the same algorithm, many times faster, on x86-64 only
    from sklearnex.ensemble import ExtraTreesClassifier as IntelExtraTrees
    from sklearnex.ensemble import RandomForestClassifier as IntelForest
except ImportError:
    FastRandomForestClassifier = RandomForestClassifier
    FastExtraTreesClassifier = ExtraTreesClassifier
    FOREST_ENGINE = "scikit-learn"
else:
    FOREST_ENGINE = "scikit-learn-intelex"

    class SinglePrecision:
        """A forest on rows of 32 bits, as scikit-learn's trees see them, so that `portable` is exact."""

        def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> RandomForestClassifier:
            """Fit on X of shape (n_rows, n_features)."""
            return super().fit(X.astype(np.float32), y, sample_weight)

        def predict(self, X: Any) -> NDArray:
            """Class of the larger probability, of shape (n_rows,)."""
            return super().predict(X.astype(np.float32))

        def predict_proba(self, X: Any) -> NDArray[np.float64]:
            """Probabilities of shape (n_rows, 2)."""
            return super().predict_proba(X.astype(np.float32)).astype(np.float64)

    class FastRandomForestClassifier(SinglePrecision, IntelForest):
        """Intel's random forest."""

    class FastExtraTreesClassifier(SinglePrecision, IntelExtraTrees):
        """Intel's extremely randomised trees."""


class BinnedForest(RandomForestClassifier):
    """scikit-learn's random forest grown on quantile bins, as Intel's is: several times faster, with any weights.

    A split between two bins is one at the upper edge of the lower bin, so what is fitted is a forest on the values
    themselves. For rows without missing values.
    """

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> BinnedForest:
        """Fit on X of shape (n_rows, n_features)."""
        columns = np.asarray(X, dtype=np.float32).T
        shares = np.linspace(0, 1, N_BINS + 1)[1:-1]
        edges = [np.unique(np.quantile(column, shares, method="inverted_cdf")) for column in columns]
        bins = [np.searchsorted(cuts, column) for cuts, column in zip(edges, columns, strict=True)]
        super().fit(np.column_stack(bins).astype(np.float32), y, sample_weight)
        validate_data(self, X, skip_check_array=True)  # the columns' names, where there are some
        for tree in (tree.tree_ for tree in self.estimators_):
            for number, cuts in enumerate(edges):
                nodes = tree.feature == number
                tree.threshold[nodes] = cuts[tree.threshold[nodes].astype(int)]
        return self


OURS = (BinnedForest,) if FOREST_ENGINE == "scikit-learn" else (BinnedForest, SinglePrecision)


def make_forest(seed: int, positive_weight: float, n_jobs: int, **params: Any) -> RandomForestClassifier:
    """An unfitted forest; scikit-learn's, on bins, where frauds are weighted.

    Intel's forest applies class weights to the mean share of the leaves instead of to each leaf, which is
    another method than the one that 'class weights' names.
    """
    if positive_weight == 1:
        return FastRandomForestClassifier(random_state=seed, n_jobs=n_jobs, **params)
    weights = {0: 1.0, 1: positive_weight}
    return BinnedForest(class_weight=weights, random_state=seed, n_jobs=n_jobs, **params)


def make_extra_trees(seed: int, n_jobs: int, **params: Any) -> ExtraTreesClassifier:
    """Unfitted extremely randomised trees (Geurts et al., 2006)."""
    return FastExtraTreesClassifier(random_state=seed, n_jobs=n_jobs, **params)


def forest_engine(model: BaseEstimator) -> str | None:
    """Distribution whose forest a model is; None if it is no forest."""
    if not isinstance(model, (FastRandomForestClassifier, RandomForestClassifier)):
        return None
    return FOREST_ENGINE if isinstance(model, FastRandomForestClassifier) else "scikit-learn"


def portable(model: BaseEstimator) -> BaseEstimator:
    """The model as plain scikit-learn, so that any machine can load it; scores agree to 1e-6.

    skops trusts no classes but scikit-learn's and cannot save what Intel's extension fitted, so the trees move into
    scikit-learn's class. Everything else is returned as it is.
    """
    if not isinstance(model, OURS):
        return model
    kind = ExtraTreesClassifier if isinstance(model, FastExtraTreesClassifier) else RandomForestClassifier
    known = kind().get_params()
    forest = kind(**{name: value for name, value in model.get_params().items() if name in known})
    by_intel = hasattr(model, "_onedal_estimator")  # else the extension left the fit to scikit-learn
    forest.estimators_ = [_with_leaf_shares(tree) for tree in model.estimators_] if by_intel else model.estimators_
    for name in ("classes_", "n_classes_", "n_features_in_", "n_outputs_", "feature_names_in_"):
        if hasattr(model, name):
            setattr(forest, name, getattr(model, name))
    forest.estimator_ = ExtraTreeClassifier() if kind is ExtraTreesClassifier else DecisionTreeClassifier()
    return forest


def _with_leaf_shares(tree: DecisionTreeClassifier) -> DecisionTreeClassifier:
    """A tree of Intel's forest that scores as that forest does.

    The extension hands trees out with the winner of a leaf instead of its shares; the leaf's Gini impurity
    2p(1 - p) brings them back.
    """
    tree = deepcopy(tree)
    state, leaf = tree.tree_, tree.tree_.children_left < 0
    rare = 0.5 - np.sqrt(np.maximum(0.25 - state.impurity / 2, 0))
    share = np.where(state.value[:, 0, 1] > 0.5, 1 - rare, rare)
    state.value[leaf, 0] = np.column_stack([1 - share, share])[leaf]
    return tree
