"""Comparisons of samplers over many datasets, with the mean of a family of tables as the unit.

References
----------
Benavoli, A., Corani, G., Mangili, F., Zaffalon, M. and Ruggeri, F. (2014). A Bayesian Wilcoxon signed-rank test based
on the Dirichlet process.
Benavoli, A., Corani, G., Demšar, J. and Zaffalon, M. (2017). Time for a change: a tutorial for comparing multiple
classifiers through Bayesian analysis.
Demšar, J. (2006). Statistical comparisons of classifiers over multiple data sets.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import friedmanchisquare

from utils.analysis.summaries import critical_difference
from utils.plan_file import read_plan

RULES = read_plan().comparison
OUTCOMES = ("harms", "equivalent", "helps")


def with_ratio(table: pd.DataFrame, ratio: str) -> pd.DataFrame:
    """Rows of one kind of ratio, and those of samplers that have no other.

    Parameters
    ----------
    table : DataFrame
        Ledger rows with a column `ratio`; see `benchmark.equal_classes.label_ratios`.
    ratio : {'searched', 'equal classes'}
    """
    n_kinds = table.groupby("sampler")["ratio"].transform("nunique")
    return table[(table["ratio"] == ratio) | (n_kinds == 1)]


def family_scores(table: pd.DataFrame, families: Mapping[str, str], metric: str = RULES.metric) -> pd.DataFrame:
    """Mean score of every pair on every family: over the folds of a table, then over the tables of a family.

    Parameters
    ----------
    table : DataFrame
        Ledger rows; columns dataset (its name), model, sampler, and the metric. One kind of ratio; see `with_ratio`.
    families : mapping of str to str
        Family of each dataset.
    metric : str

    Returns
    -------
    DataFrame of shape (n_families, n_pairs)
        Columns: (model, sampler). A pair that lacks a table of a family has NaN there.

    Raises
    ------
    KeyError
        If a dataset has no family.
    """
    if unknown := sorted(set(table["dataset"]) - set(families)):
        raise KeyError(f"No family is given for {', '.join(unknown)}.")
    per_table = table.groupby(["dataset", "model", "sampler"], sort=False)[metric].mean().unstack(["model", "sampler"])
    of_family = per_table.groupby(per_table.index.map(families), sort=False)
    return of_family.agg(lambda column: column.mean(skipna=False)).rename_axis("family")


def effects(scores: pd.DataFrame, *, margin: float = RULES.margin, seed: int = 0) -> pd.DataFrame:
    """Effect of every sampler on every model, against no resampling.

    Parameters
    ----------
    scores : DataFrame
        From `family_scores`.
    margin : float
        Differences within it do not matter.
    seed : int
        Of the draws from the posterior.

    Returns
    -------
    DataFrame
        Columns model, sampler, n_families, difference (mean over families), median, harms, equivalent, helps
        (posterior probabilities of the Bayesian signed-rank test) and verdict: the outcome whose probability reaches
        the plan's threshold, or 'no evidence'.
    """
    from baycomp import SignedRankTest  # imports matplotlib, which takes a second

    rows = []
    for model, sampler in scores.columns:
        if sampler == RULES.baseline:
            continue
        pair = scores[[(model, RULES.baseline), (model, sampler)]].dropna().to_numpy()
        difference = pair[:, 1] - pair[:, 0]
        probabilities = SignedRankTest.probs(
            pair[:, 0], pair[:, 1], rope=margin, prior=RULES.prior, nsamples=RULES.draws, random_state=seed
        )
        rows.append(
            {
                "model": model,
                "sampler": sampler,
                "n_families": len(pair),
                "difference": difference.mean(),
                "median": np.median(difference),
                **dict(zip(OUTCOMES, map(float, probabilities), strict=True)),
                "verdict": decide(probabilities),
            }
        )
    return pd.DataFrame(rows)


def decide(probabilities: tuple[float, float, float]) -> str:
    """Of OUTCOMES, the one whose posterior probability reaches the plan's threshold, or 'no evidence'."""
    likeliest = int(np.argmax(probabilities))
    return OUTCOMES[likeliest] if probabilities[likeliest] >= RULES.threshold else "no evidence"


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
        Columns sampler, mean_rank (1 is best, ties share), n_families, friedman_p, critical_difference (Nemenyi, 5 %);
        best first.

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
    described["friedman_p"] = friedmanchisquare(*complete.to_numpy().T).pvalue
    described["critical_difference"] = critical_difference(n_samplers, n_families)
    return described.sort_values("mean_rank", kind="stable").rename_axis("sampler").reset_index()
