"""Paired differences over folds: intervals and tests corrected for overlapping training sets, and Holm's adjustment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student_t

from utils.config import MARGIN

LEVEL, ALPHA = 0.95, 0.05
PRACTICAL = ("p_harms", "p_equivalent", "p_helps")


@dataclass(frozen=True)
class Difference:
    """A paired difference of average precision over folds with its corrected interval and p-value."""

    mean: float
    low: float
    high: float
    p_value: float
    n_folds: int


def require_finite(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return the values as floats if all of them are finite.

    Raises
    ------
    ValueError
        If some are NaN or infinite; the message says how many. A test of the others would be about other data.
    """
    values = np.asarray(values, dtype=float)
    n_bad = np.count_nonzero(~np.isfinite(values))
    if n_bad:
        raise ValueError(f"{n_bad} of {values.size} {name} are NaN or infinite; find out why, or leave them out.")
    return values


def corrected_difference(differences: ArrayLike, test_share: float, level: float = LEVEL) -> Difference:
    """Nadeau and Bengio's (2003) interval and two-sided t test of a mean difference over folds.

    Training parts of folds overlap, so the variance of the mean is (1/n + test/train) s^2, not s^2/n.

    Parameters
    ----------
    differences : array of shape (n_folds,)
        One paired difference per fold, over all repeats.
    test_share : float
        Test rows per training row, 1 / (n_splits - 1) in cross-validation.

    Raises
    ------
    ValueError
        If there are fewer than two folds, or a difference is NaN or infinite.
    """
    mean, error, n_folds = _corrected_error(differences, test_share)
    half_width = student_t.ppf((1 + level) / 2, n_folds - 1) * error
    p_value = 2 * student_t.sf(abs(mean) / error, n_folds - 1) if error > 0 else float(mean == 0)
    return Difference(mean, float(mean - half_width), float(mean + half_width), float(p_value), n_folds)


def _corrected_error(differences: ArrayLike, test_share: float) -> tuple[float, float, int]:
    """Mean, its standard error corrected for overlapping training parts, and the number of folds."""
    differences = require_finite(differences, "differences over folds")
    if not 0 <= test_share < np.inf:
        raise ValueError(f"test_share is {test_share}; give the number of test rows per training row.")
    n_folds = len(differences)
    if n_folds < 2:
        raise ValueError(f"{n_folds} paired fold(s) have no variance; run at least two.")
    error = np.sqrt((1 / n_folds + test_share) * differences.var(ddof=1))
    return float(differences.mean()), float(error), n_folds


def practical_probabilities(
    differences: ArrayLike, test_share: float, margin: float = MARGIN
) -> tuple[float, float, float]:
    """Probabilities that a mean difference is harmful, practically equivalent to zero, or helpful.

    Parameters
    ----------
    differences, test_share
        As for `corrected_difference`.
    margin : float
        Differences smaller than this do not matter in practice.

    Returns
    -------
    p_harms, p_equivalent, p_helps : float
        Probabilities of a difference below -margin, within the margin, and above it; they add up to 1. Without
        variance, the one whose region contains the mean is 1.

    Raises
    ------
    ValueError
        As `corrected_difference`.
    """
    mean, error, n_folds = _corrected_error(differences, test_share)
    if error == 0:
        return float(mean <= -margin), float(-margin < mean < margin), float(mean >= margin)
    posterior = student_t(n_folds - 1, loc=mean, scale=error)
    below, not_above = posterior.cdf([-margin, margin])
    return float(below), float(not_above - below), float(posterior.sf(margin))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Holm's (1979) step-down adjustment of a family of p-values, in the order given.

    Raises
    ------
    ValueError
        If a p-value is not in [0, 1].
    """
    p_values = require_finite(p_values, "p-values")
    if ((p_values < 0) | (p_values > 1)).any():
        raise ValueError(f"p-values from {p_values.min()} to {p_values.max()} are not all in [0, 1].")
    # That of statsmodels collects the garbage of the whole process, half a second where TensorFlow is loaded.
    order = np.argsort(p_values)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.maximum.accumulate(p_values[order] * np.arange(len(p_values), 0, -1))
    return np.minimum(adjusted, 1.0)
