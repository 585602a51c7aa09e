"""When a difference counts: verdicts by the margin of practical equivalence, and the least difference to be seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from utils.analysis.corrected_tests import ALPHA, LEVEL
from utils.config import MARGIN


def verdict(low: float, high: float, adjusted_p: float, margin: float = MARGIN) -> str:
    """What a comparison allows to say: 'helps', 'harms', 'equivalent' or 'no evidence'.

    Equivalent means that the whole interval lies within the margin, whatever the test says, which is a little
    stricter than a probability of 0.95 from `practical_probabilities`: it leaves no more than 0.025 on either
    side. Helps and harms need a Holm-adjusted p-value below 0.05 and an interval that lies wholly beyond the margin on
    their side: a difference from zero alone may be too small to matter.

    Raises
    ------
    ValueError
        If a number is NaN, which no comparison may be read as.
    """
    if np.isnan([low, high, adjusted_p]).any():
        raise ValueError(f"No verdict follows from [{low}, {high}] with p {adjusted_p}; mend the scores compared.")
    if -margin < low and high < margin:
        return "equivalent"
    if adjusted_p < ALPHA and low > margin:
        return "helps"
    if adjusted_p < ALPHA and high < -margin:
        return "harms"
    return "no evidence"


def detectable_difference(compared: pd.DataFrame, margin: float = MARGIN) -> pd.Series:
    """Smallest mean difference that a comparison could have called helpful or harmful, given its spread over folds.

    Its interval has to clear the margin, and its p-value has to pass the strictest step of Holm's adjustment.

    Parameters
    ----------
    compared : DataFrame
        One family, from `compare_pairs`; columns low, high and n_folds.
    """
    freedom = compared["n_folds"] - 1
    half_width = (compared["high"] - compared["low"]) / 2
    error = half_width / student_t.ppf((1 + LEVEL) / 2, freedom)
    strictest = student_t.isf(ALPHA / 2 / len(compared), freedom) * error
    return pd.Series(np.maximum(margin + half_width, strictest), compared.index, name="detectable")


def claim_verdict(compared: pd.DataFrame) -> str:
    """What comparisons of one method with all its rivals say about 'it is the best'.

    'refuted' if a rival is better by `verdict`, so by more than the margin, 'supported' if it is better than every
    rival, else 'not supported': no rival is credibly better, but it is not credibly ahead of all of them either.
    """
    if (compared["verdict"] == "harms").any():
        return "refuted"
    return "supported" if (compared["verdict"] == "helps").all() else "not supported"
