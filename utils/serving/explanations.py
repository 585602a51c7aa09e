"""Explanations of probabilities: Shapley values of the raw columns, in log odds.

Shapley values (Lundberg and Lee, 2017) divide the difference between a row's log odds and a base value among the
columns. They are exact for boosted trees (Lundberg et al., 2020) and linear models, because the calibrator only shifts
and scales their log odds. For other models they are estimated relative to a few training rows, in random orders of the
columns (Strumbelj and Kononenko, 2014) that are each taken forwards and backwards (Mitchell et al., 2022).
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from types import ModuleType

import numba
import numpy as np
from numpy.typing import NDArray

from utils.seeding import child_seed
from utils.serving.scorer import Scorer

Explanation = tuple[float, list[float]]
N_EVALUATIONS = 10_000  # of the model for a row whose values are estimated; up to 100 rows may be asked for at once
SEED = 0
SHAP = Lock()  # it draws from NumPy's global random numbers, and its import changes a setting, which threads share


class Explainer:
    """Explains scores of raw rows.

    Parameters
    ----------
    scorer : Scorer
        Scorer of the model to explain.
    background : array of shape (n_background, n_raw_columns)
        Background rows; used only if Shapley values are estimated.
    """

    def __init__(self, scorer: Scorer, background: NDArray[np.float64]):
        self.scorer = scorer
        self.background = background
        self._exact_contributions = self._exact_method()

    def explain(self, values: NDArray[np.float64]) -> list[Explanation]:
        """Base value and one contribution per raw column for each row of `values`, of shape (n_rows, n_raw_columns).

        Base value and contributions add up to the log odds of the row's calibrated probability.
        """
        if self._exact_contributions:
            base, contributions = self._to_raw_columns(*self._exact_contributions(values))
        else:
            base, contributions = self._estimate(values)
        gap = self.scorer.calibrated_log_odds(values) - base - contributions.sum(axis=1)
        # Rounding to single precision and the limits of `log_odds` leave a gap; it is divided in proportion to size.
        size = np.abs(contributions)
        contributions += gap[:, None] * size / np.maximum(size.sum(axis=1, keepdims=True), 1e-300)
        return list(zip(base.tolist(), contributions.tolist(), strict=True))

    @property
    def exact(self) -> bool:
        """Whether the values are exact (microseconds per row) or estimated (about half a second per row)."""
        return self._exact_contributions is not None

    def _exact_method(self) -> Callable[[NDArray], tuple[NDArray, NDArray]] | None:
        classifier = self.scorer.model.classifier
        if hasattr(classifier, "get_booster"):
            return self._tree_contributions
        return self._linear_contributions if hasattr(classifier, "coef_") else None

    def _tree_contributions(self, values: NDArray) -> tuple[NDArray, NDArray]:
        from xgboost import DMatrix

        booster = self.scorer.model.classifier.get_booster()
        X = DMatrix(self.scorer.scaled(values), nthread=1)
        contributions = booster.predict(X, pred_contribs=True, validate_features=False).astype(float)
        return contributions[:, -1], contributions[:, :-1]

    def _linear_contributions(self, values: NDArray) -> tuple[NDArray, NDArray]:
        classifier = self.scorer.model.classifier
        base = np.full(len(values), classifier.intercept_[0])
        return base, self.scorer.scaled(values) * classifier.coef_[0]

    def _to_raw_columns(self, base: NDArray, contributions: NDArray) -> tuple[NDArray, NDArray]:
        """Convert log odds of features before calibration to log odds of raw columns after calibration."""
        calibrator = self.scorer.model.calibrator
        raw = np.zeros((len(contributions), len(self.scorer.model.raw_columns)))
        for position, column in zip(self.scorer.source, contributions.T, strict=True):
            raw[:, position] += column  # a column may have several features, such as sine and cosine of the hour
        slope = calibrator.coef_[0, 0]
        return base * slope + calibrator.intercept_[0], raw * slope

    def _estimate(self, values: NDArray) -> tuple[NDArray, NDArray]:
        base = self.scorer.calibrated_log_odds(self.background).mean()
        contributions = [self._estimate_row(row) for row in values]
        return np.full(len(values), base), np.reshape(contributions, values.shape)

    def _estimate_row(self, row: NDArray) -> NDArray:
        """Mean over the background of the values relative to each of its rows.

        Each background row has random orders of the columns of its own, which gives less noise than the same orders for
        all of them. The orders are the same for every row that is explained.
        """
        n_background, n_columns = self.background.shape
        n_for_order = 2 * n_columns + 1  # evaluations, forwards and backwards
        evaluations = max(1, N_EVALUATIONS // (n_background * n_for_order)) * n_for_order
        values = np.zeros(n_columns)
        with SHAP:
            maskers, explainers = import_shap()
            for number, reference in enumerate(self.background):
                masker = maskers.Independent(reference[None], max_samples=1)
                seed = child_seed(SEED, "explanation", number)
                explain = explainers.PermutationExplainer(self.scorer.calibrated_log_odds, masker, seed=seed)
                values += explain(row[None], max_evals=evaluations, silent=True).values[0]
        return values / n_background


def import_shap() -> tuple[ModuleType, ModuleType]:
    """SHAP's modules of maskers and explainers, whose functions stay as they are where numba would compile them.

    Compiling them takes every process more than ten seconds, and a row is hardly explained faster. Whoever imports SHAP
    first decides, so nothing may import it in another way.
    """
    before, numba.config.DISABLE_JIT = numba.config.DISABLE_JIT, 1
    try:
        from shap import explainers, maskers
    finally:
        numba.config.DISABLE_JIT = before
    return maskers, explainers
