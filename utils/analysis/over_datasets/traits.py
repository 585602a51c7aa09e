"""What the effect of a sampler depends on: minority, imbalance, columns and difficulty of a dataset."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from scipy.stats import spearmanr

from utils.analysis.corrected_tests import holm
from utils.analysis.over_datasets.effects import FEWEST
from utils.analysis.over_datasets.families import PAIR, RULES, complete_means, differences_to, table_scores


def associations(table: pd.DataFrame, traits: pd.DataFrame, families: Mapping[str, str]) -> pd.DataFrame:
    """Rank correlation of every sampler's effect with traits of the datasets, over families.

    Parameters
    ----------
    table : DataFrame
        Ledger rows of one kind of ratio; see `families.table_scores` for the columns. At least two models.
    traits : DataFrame of shape (n_datasets, n_traits)
        Index: the datasets.
    families : mapping of str to str
        Family of each dataset; effects and traits are averaged over its tables.

    Returns
    -------
    DataFrame
        Columns model, sampler, trait (a column of `traits`, or 'difficulty'; see `difficulty`), correlation (Spearman),
        p_value, n_families and adjusted_p (Holm, over all rows). Pairs with fewer than five families, or with the same
        effect on all of them, are left out, and so is a trait of which their families have the same value.
    """
    scores = table_scores(table)
    effect = complete_means(differences_to(scores), families)
    rows = []
    for (model, sampler), column in effect.items():
        values = column.dropna()
        if len(values) < FEWEST or values.nunique() == 1:
            continue
        own = complete_means(traits.assign(difficulty=difficulty(scores, model)), families).loc[values.index]
        for trait in own.columns[own.nunique() > 1]:
            correlation = spearmanr(own[trait], values)
            rows.append((model, sampler, trait, correlation.statistic, correlation.pvalue, len(values)))
    associated = pd.DataFrame(rows, columns=[*PAIR, "trait", "correlation", "p_value", "n_families"])
    return associated.assign(adjusted_p=holm(associated["p_value"]))


def difficulty(scores: pd.DataFrame, model: str) -> pd.Series:
    """1 minus the mean score of the other models without resampling, by dataset.

    The model's own score is a part of every effect on it, so that its luck alone would make them correlate.

    Parameters
    ----------
    scores : DataFrame of shape (n_datasets, n_pairs)
        From `families.table_scores`.
    model : str
    """
    others = [name for name in scores.columns.unique("model") if name != model]
    return 1 - scores[[(name, RULES.baseline) for name in others]].mean(axis=1)
