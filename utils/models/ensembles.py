"""Classifiers that handle imbalance by themselves, or look at no labels at all, as scikit-learn estimators."""

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
    """Undersampling that follows the ensemble's own errors (Liu et al., 2020, 'Self-paced ensemble').

    Rows of the common class are put into bins by their hardness, the distance of the ensemble's probability from
    the label. Each new member gets all rows of the rare class and as many of the common one, at first mostly from
    the bins that the ensemble finds easy, later about equally many from every bin, so that hard rows weigh more and
    more without noise taking over. Where both classes have as many rows, the last of `classes_` counts as the rare
    one.

    Parameters
    ----------
    estimator : classifier, optional
        What every member is a clone of; a decision tree by default.
    n_estimators : int
        Members; the first is fitted on a random choice.
    n_bins : int
        Bins of hardness.
    random_state : int, RandomState or None

    Attributes
    ----------
    estimators_ : list of classifiers
        They are fitted on the positions of the labels in `classes_`, 0 and 1.
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
        rare_code = int(2 * codes.sum() <= len(codes))
        rng = check_random_state(self.random_state)
        rare, common = X[codes == rare_code], X[codes != rare_code]
        probability = np.zeros(len(common))
        self.estimators_ = []
        for member in range(self.n_estimators):
            kept = self._choose(probability, len(rare), member, rng)
            member_codes = np.repeat([1 - rare_code, rare_code], [len(kept), len(rare)])
            fitted = self._fit_member(np.vstack([common[kept], rare]), member_codes, rng)
            self.estimators_.append(fitted)
            probability += (fitted.predict_proba(common)[:, rare_code] - probability) / (member + 1)
        return self

    def _fit_member(self, X: NDArray, codes: NDArray[np.int64], rng: np.random.RandomState) -> Any:
        member = clone(DecisionTreeClassifier() if self.estimator is None else self.estimator)
        if "random_state" in member.get_params():
            member.set_params(random_state=rng.randint(2**31 - 1))
        return member.fit(X, codes)

    def _choose(self, hardness: NDArray, n_wanted: int, member: int, rng: np.random.RandomState) -> NDArray[np.int64]:
        """Positions of the common rows that the next member is fitted on."""
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
        place = np.empty_like(order)  # of each row among the shuffled rows of its bin
        shuffled = bins[order]
        by_bin = np.argsort(shuffled, kind="stable")
        place[order[by_bin]] = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return np.flatnonzero(place < wanted[bins])

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Mean probabilities of the members, of shape (n_rows, 2)."""
        check_is_fitted(self, "estimators_")
        X = validate_data(self, X, reset=False)
        return np.mean([member.predict_proba(X) for member in self.estimators_], axis=0)

    def predict(self, X: ArrayLike) -> NDArray:
        """Class of the larger probability, of shape (n_rows,)."""
        positive = self.predict_proba(X)[:, 1] > 0.5
        return self.classes_[positive.astype(int)]


class LogOddsMean(BinaryClassifier):
    """Several classifiers whose log odds are averaged, which gives the surest of them more say than a mean of votes.

    Parameters
    ----------
    estimators : sequence of (str, classifier)
        Names and unfitted members.

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
        """Class of the larger probability, of shape (n_rows,)."""
        positive = self.decision_function(X) > 0
        return self.classes_[positive.astype(int)]


class OutlierClassifier(BinaryClassifier):
    """A detector of outliers as a classifier: it never sees a label, and an odd row counts as fraud.

    Scores are standardised on the training rows, so that `predict_proba` is a monotone map of oddness and no
    probability.

    Parameters
    ----------
    detector : estimator with `fit` and `score_samples`
    max_rows : int or None
        Rows drawn at random to fit the detector to, where its cost grows faster than the number of rows.
    random_state : int, RandomState or None
        Draws the rows.
    """

    def __init__(self, detector: OutlierMixin, *, max_rows: int | None = None, random_state: Any = None):
        self.detector = detector
        self.max_rows = max_rows
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> OutlierClassifier:
        """Fit the detector to X of shape (n_rows, n_features); y only tells the classes."""
        X, _ = self._validate_binary(X, y)
        n_rows = min(len(X), self.max_rows or len(X))
        chosen = check_random_state(self.random_state).choice(len(X), n_rows, replace=False)
        self.detector_ = clone(self.detector).fit(X[chosen])
        usual = self.detector_.score_samples(X[chosen])
        self.location_, self.scale_ = float(usual.mean()), float(usual.std()) or 1.0
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Oddness in standard deviations of the training rows' scores, of shape (n_rows,)."""
        check_is_fitted(self, "detector_")
        X = validate_data(self, X, reset=False)
        return (self.location_ - self.detector_.score_samples(X)) / self.scale_

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Oddness through the logistic function, of shape (n_rows, 2)."""
        odd = expit(self.decision_function(X))
        return np.column_stack([1 - odd, odd])

    def predict(self, X: ArrayLike) -> NDArray:
        """The last class for rows that are odder than the mean, of shape (n_rows,)."""
        positive = self.decision_function(X) > 0
        return self.classes_[positive.astype(int)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # it learns from no label
        return tags
