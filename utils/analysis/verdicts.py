"""Verdicts on differences: practical equivalence by a margin, and the smallest detectable difference."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from utils.analysis.corrected_tests import ALPHA, LEVEL
from utils.config import MARGIN

LARGEST = 1.0  # difference of two average precisions


def verdict(low: float, high: float, adjusted_p: float, margin: float = MARGIN) -> str:
    """Verdict on a comparison: 'helps', 'harms', 'equivalent' or 'undecided'.

    'equivalent' means that the whole interval lies within the margin, whatever the test says. This is a little stricter
    than a probability of 0.95 from `practical_probabilities`, because it leaves at most 0.025 on either side. 'helps'
    and 'harms' need a Holm-adjusted p-value below 0.05 and an interval that lies completely beyond the margin on that
    side: a difference from zero alone may be too small to matter.

    Raises
    ------
    ValueError
        If a number is NaN.
    """
    if np.isnan([low, high, adjusted_p]).any():
        raise ValueError(
            f"No verdict follows from [{low}, {high}] with p {adjusted_p}; correct the scores that are compared."
        )
    if -margin < low and high < margin:
        return "equivalent"
    if adjusted_p < ALPHA and low > margin:
        return "helps"
    if adjusted_p < ALPHA and high < -margin:
        return "harms"
    return "undecided"


def detectable_difference(compared: pd.DataFrame, margin: float = MARGIN) -> pd.Series:
    """Smallest mean difference that a comparison could have called helpful or harmful, given its variance.

    Where the folds are so few that none could, it is 1, the largest difference that there can be.

    Parameters
    ----------
    compared : DataFrame
        One family, from `compare_pairs`; columns mean, low, high and n_folds.
    """
    freedom = compared["n_folds"] - 1
    is_cut = (compared["low"] <= -LARGEST) | (compared["high"] >= LARGEST)
    longer_side = np.maximum(compared["high"] - compared["mean"], compared["mean"] - compared["low"])
    half_width = longer_side.where(is_cut, (compared["high"] - compared["low"]) / 2)
    error = half_width / student_t.ppf((1 + LEVEL) / 2, freedom)
    strictest = student_t.isf(ALPHA / 2 / len(compared), freedom) * error
    return pd.Series(np.maximum(margin + half_width, strictest).clip(upper=LARGEST), compared.index, name="detectable")


def recommended(means: Mapping[tuple[str, str], float], helpful: Collection[tuple[str, str]]) -> tuple[str, str]:
    """Model and sampler to use: the highest mean of the models alone and of the pairs whose sampler helps.

    A sampler that is not credibly better than none is left out, because the model alone is simpler. Of equal means the
    first is taken.

    Parameters
    ----------
    means : mapping of (str, str) to float
        Mean average precision of every pair of a model and a sampler, in the order of the registries.
    helpful : collection of (str, str)
        Pairs with the verdict 'helps' against the same model without resampling.
    """
    return max((pair for pair in means if pair[1] == "none" or pair in helpful), key=means.get)


def claim_verdict(compared: pd.DataFrame) -> str:
    """Verdict on the claim that a method is the best, from its comparisons with all rivals; without any, no support."""
    if (compared["verdict"] == "harms").any():
        return "refuted"
    is_ahead = compared["verdict"] == "helps"
    return "supported" if len(is_ahead) and is_ahead.all() else "not supported"
