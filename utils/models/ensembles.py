"""Classifiers that handle imbalance by themselves or do without labels, as scikit-learn estimators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.base import OutlierMixin, clone
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from utils.metrics import log_odds
from utils.models.binary import BinaryClassifier


class SelfPacedEnsemble(BinaryClassifier):
    """Undersampling guided by the errors of the ensemble (Liu et al., 2020, 'Self-paced ensemble').

    Majority rows are binned by their hardness, the distance of the ensemble's probability from the label. Each new
    member is fitted to all minority rows and as many majority rows. At first most of these come from the bins that are
    easy for the ensemble, later about the same number from every bin, so that the weight of hard rows grows without
    noise dominating. If both classes have the same number of rows, the last of `classes_` is the minority.

    Parameters
    ----------
    estimator : classifier, optional
        The members are clones of it; a decision tree by default.
    n_estimators : int
        Number of members; the first is fitted to a random subset of the majority rows.
    n_bins : int
        Number of bins of hardness.
    random_state : int, RandomState or None

    Attributes
    ----------
    estimators_ : list of classifiers
        Fitted to the positions of the labels in `classes_`, 0 and 1.
    classes_ : ndarray of shape (2,)
        The labels in ascending order.
    """

    def __init__(self, estimator: Any = None, *, n_estimators: int = 50, n_bins: int = 20, random_state: Any = None):
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.n_bins = n_bins
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> SelfPacedEnsemble:
        """Fit on X of shape (n_rows, n_features) and binary y of shape (n_rows,)."""
        X, codes = self._validate_binary(X, y)
        minority_code = int(2 * codes.sum() <= len(codes))
        rng = check_random_state(self.random_state)
        minority, majority = X[codes == minority_code], X[codes != minority_code]
        probability = np.zeros(len(majority))
        self.estimators_ = []
        for member in range(self.n_estimators):
            chosen = self._choose(probability, len(minority), member, rng)
            member_codes = np.repeat([1 - minority_code, minority_code], [len(chosen), len(minority)])
            fitted = self._fit_member(np.vstack([majority[chosen], minority]), member_codes, rng)
            self.estimators_.append(fitted)
            probability += (fitted.predict_proba(majority)[:, minority_code] - probability) / (member + 1)
        return self

    def _fit_member(self, X: NDArray, codes: NDArray[np.int64], rng: np.random.RandomState) -> Any:
        member = clone(DecisionTreeClassifier() if self.estimator is None else self.estimator)
        if "random_state" in member.get_params():
            member.set_params(random_state=rng.randint(2**31 - 1))
        return member.fit(X, codes)

    def _choose(self, hardness: NDArray, n_wanted: int, member: int, rng: np.random.RandomState) -> NDArray[np.int64]:
        """Positions of the majority rows for the next member."""
        n_wanted = min(n_wanted, len(hardness))
        if member == 0 or np.ptp(hardness) == 0:
            return rng.choice(len(hardness), n_wanted, replace=False)
        edges = np.linspace(hardness.min(), hardness.max(), self.n_bins + 1)
        bins = np.clip(np.searchsorted(edges, hardness, side="right") - 1, 0, self.n_bins - 1)
        sizes = np.bincount(bins, minlength=self.n_bins)
        sums = np.bincount(bins, weights=hardness, minlength=self.n_bins)
        pace = np.tan(np.pi / 2 * member / self.n_estimators)
        weight = np.where(sizes > 0, 1 / (sums / np.maximum(sizes, 1) + pace), 0)
        wanted = np.minimum(np.ceil(weight / weight.sum() * n_wanted).astype(int), sizes)
        order = rng.permutation(len(hardness))
        position = np.empty_like(order)  # of each row among the shuffled rows of its bin
        shuffled = bins[order]
        by_bin = np.argsort(shuffled, kind="stable")
        position[order[by_bin]] = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return np.flatnonzero(position < wanted[bins])

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Mean probabilities of the members, of shape (n_rows, 2)."""
        check_is_fitted(self, "estimators_")
        X = validate_data(self, X, reset=False)
        return np.mean([member.predict_proba(X) for member in self.estimators_], axis=0)

    def predict(self, X: ArrayLike) -> NDArray:
        """Class with the larger probability, of shape (n_rows,)."""
        positive = self.predict_proba(X)[:, 1] > 0.5
        return self.classes_[positive.astype(int)]


class LogOddsMean(BinaryClassifier):
    """Mean of the log odds of several classifiers, in which confident members weigh more than in a mean of votes.

    Parameters
    ----------
    estimators : sequence of (str, classifier)
        Names and unfitted classifiers.

    Attributes
    ----------
    estimators_ : list of classifiers
    """

    def __init__(self, estimators: Sequence[tuple[str, Any]] = ()):
        self.estimators = estimators

    def fit(self, X: ArrayLike, y: ArrayLike) -> LogOddsMean:
        """Fit every member on X of shape (n_rows, n_features) and the positions of binary y in `classes_`."""
        X, codes = self._validate_binary(X, y)
        self.estimators_ = [clone(member).fit(X, codes) for _, member in self.estimators]
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Mean log odds of shape (n_rows,)."""
        check_is_fitted(self, "estimators_")
        X = np.asarray(X)
        return np.mean([log_odds(member.predict_proba(X)[:, 1]) for member in self.estimators_], axis=0)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Probabilities of shape (n_rows, 2)."""
        positive = expit(self.decision_function(X))
        return np.column_stack([1 - positive, positive])

    def predict(self, X: ArrayLike) -> NDArray:
        """Class with the larger probability, of shape (n_rows,)."""
        positive = self.decision_function(X) > 0
        return self.classes_[positive.astype(int)]


class OutlierClassifier(BinaryClassifier):
    """An outlier detector as a classifier: it ignores the labels, and outliers are predicted as the last class.

    Scores are standardised on the training rows. `predict_proba` is an increasing function of the outlier score, not a
    probability.

    Parameters
    ----------
    detector : estimator with `fit` and `score_samples`
    max_rows : int or None
        Largest number of rows to fit the detector to, sampled at random, for detectors whose cost grows faster than
        the number of rows; None is all.
    random_state : int, RandomState or None
        Controls the sampling of rows.
    """

    def __init__(self, detector: OutlierMixin, *, max_rows: int | None = None, random_state: Any = None):
        self.detector = detector
        self.max_rows = max_rows
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> OutlierClassifier:
        """Fit the detector to X of shape (n_rows, n_features); y only defines the classes."""
        X, _ = self._validate_binary(X, y)
        n_rows = min(len(X), self.max_rows or len(X))
        chosen = check_random_state(self.random_state).choice(len(X), n_rows, replace=False)
        detector = clone(self.detector)
        # An isolation forest warns of fewer rows than it is to draw.
        if isinstance(detector.get_params().get("max_samples"), int):
            detector.set_params(max_samples=min(detector.max_samples, n_rows))
        self.detector_ = detector.fit(X[chosen])
        scores = self.detector_.score_samples(X[chosen])
        self.location_, self.scale_ = float(scores.mean()), float(scores.std()) or 1.0
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Outlier score in standard deviations of the training rows' scores, of shape (n_rows,)."""
        check_is_fitted(self, "detector_")
        X = validate_data(self, X, reset=False)
        return (self.location_ - self.detector_.score_samples(X)) / self.scale_

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Logistic function of the outlier score, of shape (n_rows, 2)."""
        positive = expit(self.decision_function(X))
        return np.column_stack([1 - positive, positive])

    def predict(self, X: ArrayLike) -> NDArray:
        """The last class for rows with an outlier score above the mean, of shape (n_rows,)."""
        positive = self.decision_function(X) > 0
        return self.classes_[positive.astype(int)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # labels are ignored
        return tags
