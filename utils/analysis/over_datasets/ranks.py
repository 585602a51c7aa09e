"""Ranks of samplers over families, with the tests of Friedman and Nemenyi."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import f, friedmanchisquare

from utils.analysis.corrected_tests import holm
from utils.analysis.summaries import critical_difference


def ranks_over_families(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean ranks of the samplers of each model over the families that all have, with Friedman's and Nemenyi's tests.

    Parameters
    ----------
    scores : DataFrame
        From `family_scores`.

    Returns
    -------
    DataFrame
        Columns model, sampler, mean_rank (1 is best, ties share), n_families, friedman_p (in the form of Iman and
        Davenport, 1980; 1 where all share every rank), critical_difference (Nemenyi, 5 %) and adjusted_p (of Friedman's
        test; Holm, over the models); the best sampler of a model first.

    Raises
    ------
    ValueError
        If a model has fewer than three samplers or two families.
    """
    models = scores.columns.unique("model")
    ranks = pd.concat({model: _ranks(scores[model].dropna()) for model in models}, names=["model"])
    ranks = ranks.reset_index("model").reset_index(drop=True)
    p_values = ranks.groupby("model", sort=False)["friedman_p"].first()
    adjusted = dict(zip(p_values.index, holm(p_values), strict=True))
    return ranks.assign(adjusted_p=ranks["model"].map(adjusted))


def friedman_p_values(scores: pd.DataFrame) -> pd.Series:
    """P-value of Friedman's test by model, adjusted over the models (Holm); NaN where too little can be ranked.

    Parameters
    ----------
    scores : DataFrame
        From `family_scores`.
    """
    models = scores.columns.unique("model")
    sizes = {model: scores[model].dropna().shape for model in models}
    can_be_ranked = [model for model, (n_families, n_samplers) in sizes.items() if n_samplers > 2 and n_families > 1]
    if not can_be_ranked:
        return pd.Series(np.nan, models)
    ranks = ranks_over_families(scores.loc[:, scores.columns.get_level_values("model").isin(can_be_ranked)])
    return ranks.groupby("model")["adjusted_p"].first().reindex(models)


def _p_value(complete: pd.DataFrame) -> float:
    """P-value of Friedman's test in the form of Iman and Davenport (1980), as that of chi-squared is conservative."""
    n_families, n_samplers = complete.shape
    statistic = friedmanchisquare(*complete.to_numpy().T).statistic
    largest = n_families * (n_samplers - 1)
    ratio = (n_families - 1) * statistic / (largest - statistic) if statistic < largest else np.inf
    return float(f.sf(ratio, n_samplers - 1, (n_samplers - 1) * (n_families - 1)))


def _ranks(complete: pd.DataFrame) -> pd.DataFrame:
    n_families, n_samplers = complete.shape
    if n_samplers < 3 or n_families < 2:
        raise ValueError(f"{n_samplers} samplers on {n_families} families cannot be ranked; 3 on 2 are needed.")
    ranks = complete.rank(axis=1, ascending=False)
    described = pd.DataFrame({"mean_rank": ranks.mean(), "n_families": n_families})
    are_alike = (ranks.nunique(axis=1) == 1).all()
    described["friedman_p"] = 1.0 if are_alike else _p_value(complete)
    described["critical_difference"] = critical_difference(n_samplers, n_families)
    return described.sort_values("mean_rank", kind="stable").rename_axis("sampler").reset_index()
