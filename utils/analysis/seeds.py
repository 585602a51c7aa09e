"""How much of a difference is chance of the random numbers that samplers and models draw."""

from __future__ import annotations

import pandas as pd

from utils.analysis.summaries import SCORE

SEED = "seed_number"


def seed_differences(table: pd.DataFrame, reference: str = "none") -> pd.DataFrame:
    """Mean scores by seed, and the differences of every sampler to the reference under the same seed.

    Parameters
    ----------
    table : DataFrame
        Ledger rows: columns model, sampler, ratio, repeat, fold, seed_number and average_precision, with the same folds
        for every seed.
    reference : str
        Sampler that the others are compared with; it has one kind of ratio.

    Returns
    -------
    DataFrame
        A row per model, sampler and ratio: columns score_0, score_1, ... (mean score by seed), spread (highest minus
        lowest of them), difference_0, ... (to the reference), lowest and highest (of the differences), n_folds. The
        reference comes first under its model.

    Raises
    ------
    ValueError
        If a seed lacks a fold that another one has.
    """
    index = ["model", "sampler", "ratio"]
    scores = table.pivot_table(index=[*index, "repeat", "fold"], columns=SEED, values=SCORE, sort=False)
    if scores.isna().any(axis=None):
        raise ValueError(f"{int(scores.isna().any(axis=1).sum())} tasks lack a seed that others have; run them first.")
    means = scores.groupby(index, sort=False).mean()
    own = means.xs(reference, level="sampler").droplevel("ratio")
    differences = means - own.reindex(means.index.get_level_values("model")).to_numpy()
    described = means.add_prefix("score_").assign(spread=means.max(axis=1) - means.min(axis=1))
    described = described.join(differences.add_prefix("difference_"))
    described = described.assign(lowest=differences.min(axis=1), highest=differences.max(axis=1))
    return described.assign(n_folds=scores.groupby(index, sort=False).size()).rename_axis(columns=None).reset_index()
