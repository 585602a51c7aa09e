"""Scores of ledger rows by pair: means, alert metrics, and ranks of samplers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import studentized_range

from utils import metrics
from utils.analysis.corrected_tests import LEVEL, require_finite

Pair = tuple[tuple[str, str], tuple[str, str]]
SCORE, TIE_NEUTRAL_SCORE = "average_precision", "average_precision_tie_neutral"
ALERT_BUDGETS = (100, 500)


def with_alert_metrics(table: pd.DataFrame) -> pd.DataFrame:
    """The ledger frame with the metrics of a fraud desk: precision at daily alert budgets, recall at precision 0.9.

    The precision is NaN without a time column, or if all rows are of one moment. A budget above the number of rows is a
    budget for all rows.
    """
    columns = {"recall_at_p90": [metrics.recall_at_precision(ranks) for ranks in table["ranks"]]}
    days = pd.to_numeric(table["days"])
    for budget in ALERT_BUDGETS:
        columns[f"precision_at_{budget}"] = [
            metrics.precision_at(row.ranks, budget * length, row.n_rows) if length > 0 else np.nan
            for row, length in zip(table.itertuples(), days, strict=True)
        ]
    return table.assign(**columns)


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Means over folds of every metric, one row per (model, sampler) in the order of the table.

    A daily budget of alerts is left out if the rows have no times, or are fewer than its alerts in all folds.
    The average precision with ties neutral is included if a row of the table has it; it is NaN for a method with a row
    that lacks it.
    """
    columns = {
        SCORE: "AP",
        TIE_NEUTRAL_SCORE: "AP, ties neutral",
        "roc_auc": "ROC AUC",
        "recall_at_p90": "Recall at precision 0.9",
        **{f"precision_at_{budget}": f"Precision at {budget} alerts a day" for budget in _budgets(table)},
        "brier": "Brier score",
        "calibration_error": "Calibration error",
    }
    if TIE_NEUTRAL_SCORE not in table or table[TIE_NEUTRAL_SCORE].isna().all():
        del columns[TIE_NEUTRAL_SCORE]
    grouped = with_alert_metrics(table).groupby(["model", "sampler"], sort=False)
    means = grouped[list(columns)].mean()
    if TIE_NEUTRAL_SCORE in columns:
        means[TIE_NEUTRAL_SCORE] = grouped[TIE_NEUTRAL_SCORE].agg(lambda scores: scores.mean(skipna=False))
    return means.rename(columns=columns)


def _budgets(table: pd.DataFrame) -> list[int]:
    """Daily budgets of alerts that are fewer than the rows of some fold."""
    days = pd.to_numeric(table["days"])
    return [budget for budget in ALERT_BUDGETS if ((days > 0) & (budget * days < table["n_rows"])).any()]


def paired_scores(table: pd.DataFrame, metric: str = SCORE) -> pd.DataFrame:
    """A metric with one row per (repeat, fold) and one column per (model, sampler); NaN where a fold was not run.

    Raises
    ------
    ValueError
        If a fold that was run has a score that is NaN or infinite.
    """
    require_finite(table[metric], f"values of {metric}")
    return table.pivot(index=["repeat", "fold"], columns=["model", "sampler"], values=metric)


def replacements(table: pd.DataFrame) -> pd.DataFrame:
    """Samplers that could not work on the training rows of some folds, and what took their place there.

    Parameters
    ----------
    table : DataFrame
        Ledger rows; column `fallback` names the sampler that took over, and says why.

    Returns
    -------
    DataFrame
        Columns sampler, by, n_replaced and n_folds, the folds on which the sampler was measured; without rows if every
        sampler worked.
    """
    columns = ["sampler", "by", "n_replaced", "n_folds"]
    if "fallback" not in table or table["fallback"].isna().all():
        return pd.DataFrame(columns=columns)
    fold = table["repeat"].astype(str) + "." + table["fold"].astype(str)
    frame = table.assign(fold=fold, by=table["fallback"].str.partition(":")[0])
    n_folds = frame.groupby("sampler", sort=False)["fold"].nunique()
    replaced = frame.dropna(subset="fallback").groupby(["sampler", "by"], sort=False)["fold"].nunique()
    counts = replaced.rename("n_replaced").reset_index()
    return counts.assign(n_folds=counts["sampler"].map(n_folds))[columns]


def lead_over_model_alone(table: pd.DataFrame, pair: tuple[str, str]) -> dict[str, float]:
    """How far a pair is ahead of its model without resampling, and how much of that comes from a single fold.

    Parameters
    ----------
    table : DataFrame
        Ledger rows.
    pair : (str, str)
        Model and sampler.

    Returns
    -------
    dict
        mean, the mean difference in average precision; largest_share, the largest difference of a fold over the sum of
        all of them, NaN if that is not positive; without_largest, the mean over the other folds, NaN without any.
    """
    scores = paired_scores(table)
    differences = (scores[pair] - scores[pair[0], "none"]).dropna()
    return {
        "mean": float(differences.mean()),
        "largest_share": float(differences.max() / differences.sum()) if differences.mean() > 0 else np.nan,
        "without_largest": float(differences.drop(differences.idxmax()).mean()),
    }


def critical_difference(n_methods: int, n_rankings: int) -> float:
    """Nemenyi's critical difference of mean ranks, at the level of the study's intervals."""
    quantile = studentized_range.ppf(LEVEL, n_methods, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(n_methods * (n_methods + 1) / (6 * n_rankings)))


def rank_samplers(table: pd.DataFrame) -> pd.DataFrame:
    """Mean ranks of the samplers with Nemenyi's critical difference, as Demšar (2006) draws them.

    A sampler is ranked among all others with the same model and on the same fold; 1 is best, ties share. Only models
    and folds that every sampler has are used. This is descriptive: models and folds of one dataset
    are not independent, so the critical difference is too small, and no verdict is based on it.

    Returns
    -------
    DataFrame
        Columns sampler, mean_rank, first (share of the rankings in which it is first), near_best (whether its mean
        rank is within the critical difference of the lowest), n_rankings, critical_difference; best first.

    Raises
    ------
    ValueError
        If there are fewer than two samplers, or no fold that all of them have.
    """
    require_finite(table[SCORE], f"values of {SCORE}")
    scores = table.pivot(index=["model", "repeat", "fold"], columns="sampler", values=SCORE).dropna()
    n_rankings, n_samplers = scores.shape
    if n_samplers < 2 or n_rankings == 0:
        raise ValueError(f"{n_samplers} sampler(s) share no ranking; run at least two on one model and fold.")
    ranks = scores.rank(axis=1, ascending=False)
    described = pd.DataFrame({"mean_rank": ranks.mean(), "first": ranks.eq(ranks.min(axis=1), axis=0).mean()})
    critical = critical_difference(n_samplers, n_rankings)
    described["near_best"] = described["mean_rank"] - described["mean_rank"].min() <= critical
    described = described.assign(n_rankings=n_rankings, critical_difference=critical)
    return described.sort_values("mean_rank", kind="stable").rename_axis("sampler").reset_index()
