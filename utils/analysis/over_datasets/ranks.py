"""Ranks of samplers over families, with the tests of Friedman and Nemenyi."""

from __future__ import annotations

import pandas as pd
from scipy.stats import friedmanchisquare

from utils.analysis.summaries import critical_difference


def ranks_over_families(scores: pd.DataFrame, model: str) -> pd.DataFrame:
    """Mean ranks of a model's samplers over the families that all of them have, with tests of Friedman and Nemenyi.

    Parameters
    ----------
    scores : DataFrame
        From `family_scores`.
    model : str

    Returns
    -------
    DataFrame
        Columns sampler, mean_rank (1 is best, ties share), n_families, friedman_p (1 where all share every rank),
        critical_difference (Nemenyi, 5 %); best first.

    Raises
    ------
    ValueError
        If there are fewer than three samplers or two families.
    """
    complete = scores[model].dropna()
    n_families, n_samplers = complete.shape
    if n_samplers < 3 or n_families < 2:
        raise ValueError(f"{n_samplers} samplers on {n_families} families cannot be ranked; 3 on 2 are needed.")
    ranks = complete.rank(axis=1, ascending=False)
    described = pd.DataFrame({"mean_rank": ranks.mean(), "n_families": n_families})
    are_alike = (ranks.nunique(axis=1) == 1).all()
    described["friedman_p"] = 1.0 if are_alike else friedmanchisquare(*complete.to_numpy().T).pvalue
    described["critical_difference"] = critical_difference(n_samplers, n_families)
    return described.sort_values("mean_rank", kind="stable").rename_axis("sampler").reset_index()
