"""Intervals, tests corrected for overlapping folds, and verdicts, all from ledger frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import studentized_range
from scipy.stats import t as student_t

from utils import metrics
from utils.config import MARGIN

Pair = tuple[tuple[str, str], tuple[str, str]]

LEVEL, ALPHA = 0.95, 0.05
SCORE, TIE_NEUTRAL_SCORE = "average_precision", "average_precision_tie_neutral"
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
    """The values as floats, if all of them are finite.

    Raises
    ------
    ValueError
        Says how many of them are NaN or infinite; a test or an interval of the others would be of other data.
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
        Rows scored per row trained on, 1 / (n_splits - 1) in cross-validation.

    Raises
    ------
    ValueError
        If there are fewer than two folds, or a difference is NaN or infinite.
    """
    mean, error, n_folds = _corrected_error(differences, test_share)
    half = student_t.ppf((1 + level) / 2, n_folds - 1) * error
    p_value = 2 * student_t.sf(abs(mean) / error, n_folds - 1) if error > 0 else float(mean == 0)
    return Difference(mean, float(mean - half), float(mean + half), float(p_value), n_folds)


def _corrected_error(differences: ArrayLike, test_share: float) -> tuple[float, float, int]:
    """Mean, its standard error corrected for overlapping training parts, and the number of folds."""
    differences = require_finite(differences, "differences over folds")
    if not 0 <= test_share < np.inf:
        raise ValueError(f"test_share is {test_share}; give the rows scored per row trained on.")
    n_folds = len(differences)
    if n_folds < 2:
        raise ValueError(f"{n_folds} paired fold(s) have no variance; measure at least two.")
    error = np.sqrt((1 / n_folds + test_share) * differences.var(ddof=1))
    return float(differences.mean()), float(error), n_folds


def practical_probabilities(
    differences: ArrayLike, test_share: float, margin: float = MARGIN
) -> tuple[float, float, float]:
    """How probable it is that a mean difference harms, does not matter, and helps.

    The correlated Bayesian t test of Corani and Benavoli (2015): under their flat prior the mean difference is
    distributed as Student's t around the observed mean, with n - 1 degrees of freedom and the corrected error of
    `corrected_difference` as its scale.

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
        variance the one that holds the mean is 1.

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
        If one is not in [0, 1].
    """
    p_values = require_finite(p_values, "p-values")
    if ((p_values < 0) | (p_values > 1)).any():
        raise ValueError(f"p-values from {p_values.min()} to {p_values.max()} are not all in [0, 1].")
    order = np.argsort(p_values)
    scaled = p_values[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return adjusted


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
    half = (compared["high"] - compared["low"]) / 2
    error = half / student_t.ppf((1 + LEVEL) / 2, freedom)
    strictest = student_t.isf(ALPHA / 2 / len(compared), freedom) * error
    return pd.Series(np.maximum(margin + half, strictest), compared.index, name="detectable")


ALERT_BUDGETS = (100, 500)


def with_alert_metrics(table: pd.DataFrame) -> pd.DataFrame:
    """The ledger frame with what a fraud desk asks: precision at daily alert budgets, recall at precision 0.9.

    The former are NaN where no time passes: without a time column, or if all rows are of one moment. A budget for
    more alerts than there are rows is one for all rows.
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
    """Means over folds of every metric, a row per (model, sampler) in the table's order.

    The average precision with ties neutral is among them if a row of the table has it; it is NaN for a method of
    which one has not.
    """
    columns = {
        SCORE: "AP",
        TIE_NEUTRAL_SCORE: "AP, ties neutral",
        "roc_auc": "ROC AUC",
        "recall_at_p90": "Recall at precision 0.9",
        **{f"precision_at_{budget}": f"Precision at {budget} alerts a day" for budget in ALERT_BUDGETS},
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


def paired_scores(table: pd.DataFrame, metric: str = SCORE) -> pd.DataFrame:
    """A metric with one row per (repeat, fold) and one column per (model, sampler); NaN where a fold was not run.

    Raises
    ------
    ValueError
        If a fold that was run has a score that is NaN or infinite.
    """
    require_finite(table[metric], f"values of {metric}")
    return table.pivot(index=["repeat", "fold"], columns=["model", "sampler"], values=metric)


def compare_samplers(table: pd.DataFrame, reference: str = "none") -> pd.DataFrame:
    """Every sampler against the reference under the same model, one Holm family over all of them.

    Parameters
    ----------
    table : DataFrame
        Ledger rows; see `ledger.frame`.
    reference : str
        Sampler that the others are compared with.

    Returns
    -------
    DataFrame
        Columns model, sampler, against, mean, low, high, p_value, n_folds; p_harms, p_equivalent, p_helps from
        `practical_probabilities`; boot_low, boot_high from `bootstrap_differences`, NaN if the table has no ranks;
        adjusted_p, verdict; verdict_tie_neutral, the verdict on the average precision with ties neutral, and
        holds_tie_neutral, whether it is the same, both None where a row of the pair lacks that score. Pairs with
        fewer than two folds in common are left out, as they allow no interval.
    """
    scores = paired_scores(table)
    pairs = [(model, sampler) for model, sampler in scores if sampler != reference]
    return compare_pairs(table, [((model, sampler), (model, reference)) for model, sampler in pairs])


def compare_pairs(table: pd.DataFrame, pairs: list[Pair]) -> pd.DataFrame:
    """First against second of each pair of (model, sampler), paired by fold, one Holm family; see above."""
    test_share = 1 / (table["split"].iloc[0]["n_splits"] - 1)
    differences = _paired_differences(table, pairs)
    if not differences:
        raise ValueError("No pair has two folds in common; run more folds before comparing.")
    rows = []
    for (first, second), values in differences.items():
        test = vars(corrected_difference(values, test_share))
        practical = dict(zip(PRACTICAL, practical_probabilities(values, test_share), strict=True))
        rows.append({"model": first[0], "sampler": first[1], "against": " + ".join(second), **test, **practical})
    compared = pd.DataFrame(rows)
    compared[["boot_low", "boot_high"]] = (
        bootstrap_differences(table, list(differences)) if {"ranks", "positives"} <= set(table) else np.nan
    )
    compared["adjusted_p"] = holm(compared["p_value"])
    compared["verdict"] = [verdict(row.low, row.high, row.adjusted_p) for row in compared.itertuples()]
    neutral = _tie_neutral_verdicts(table, differences, test_share)
    holds = [None if other is None else other == word for other, word in zip(neutral, compared["verdict"], strict=True)]
    return compared.assign(
        verdict_tie_neutral=pd.Series(neutral, dtype=object), holds_tie_neutral=pd.Series(holds, dtype=object)
    )


def _paired_differences(table: pd.DataFrame, pairs: list[Pair], metric: str = SCORE) -> dict[Pair, NDArray]:
    """Differences over the folds that both of a pair have, for pairs with at least two such folds."""
    scores = paired_scores(table, metric)
    known = [(first, second) for first, second in pairs if first in scores and second in scores]
    differences = {pair: (scores[pair[0]] - scores[pair[1]]).dropna().to_numpy() for pair in known}
    return {pair: values for pair, values in differences.items() if len(values) > 1}


def _tie_neutral_verdicts(table: pd.DataFrame, differences: dict[Pair, NDArray], test_share: float) -> list[str | None]:
    """The verdict on each pair by the average precision with ties neutral, None where a row of it lacks that.

    Such a pair counts in Holm's family with a p-value of 1, which makes no other verdict easier.
    """
    if TIE_NEUTRAL_SCORE not in table:
        return [None] * len(differences)
    scored = table[table[TIE_NEUTRAL_SCORE].notna()]
    neutral = _paired_differences(scored, list(differences), TIE_NEUTRAL_SCORE)
    tests = [
        corrected_difference(neutral[pair], test_share) if len(neutral.get(pair, ())) == len(values) else None
        for pair, values in differences.items()
    ]
    adjusted = holm([1.0 if test is None else test.p_value for test in tests])
    return [
        None if test is None else verdict(test.low, test.high, p_value)
        for test, p_value in zip(tests, adjusted, strict=True)
    ]


def ratio_differences(table: pd.DataFrame) -> pd.DataFrame:
    """Every sampler at every ratio against no resampling under the same model.

    Parameters
    ----------
    table : DataFrame
        From `sensitivity.ratios`: ledger rows whose `setting` names the ratio.

    Returns
    -------
    DataFrame
        Columns model, sampler, ratio, mean, low, high, in the table's order. The interval is the paired bootstrap's
        over the frauds: curves describe, and no verdict is drawn from them.
    """
    none = table["sampler"] == "none"
    named = table.assign(sampler=table["sampler"].where(none, table["sampler"] + " " + table["setting"]))
    compared = compare_samplers(named)
    parts = compared["sampler"].str.split(" ", n=1, expand=True)
    compared = compared.assign(sampler=parts[0], ratio=parts[1], low=compared["boot_low"], high=compared["boot_high"])
    return compared[["model", "sampler", "ratio", "mean", "low", "high"]]


def compare_variants(table: pd.DataFrame, figures: list[str], reference: str = "default") -> pd.DataFrame:
    """Every variant of a generator against the reference, paired by fold, for every figure of fidelity.

    Parameters
    ----------
    table : DataFrame
        From `ablation.run`: one row per variant and fold.
    figures : list of str
        Columns to compare.
    reference : str
        Variant that the others are compared with.

    Returns
    -------
    DataFrame
        Columns variant, figure, median (of the variant), mean, low, high, p_value, n_folds; the difference and
        its corrected interval are NaN for the reference. Folds in which a figure is not defined are left out of it,
        and n_folds says how many remain. Intervals are not adjusted for their number: they describe, and no verdict
        is drawn from them.

    Raises
    ------
    ValueError
        If the reference is missing, or two folds are not there.
    """
    if reference not in set(table["variant"]):
        raise ValueError(f"There is no variant {reference!r} to compare with; run it too.")
    test_share = 1 / (table["split"].iloc[0]["n_splits"] - 1)
    rows = []
    for figure in figures:
        scores = table.pivot(index=["repeat", "fold"], columns="variant", values=figure)
        for variant in table["variant"].unique():
            row = {"variant": variant, "figure": figure, "median": scores[variant].median()}
            if variant != reference:
                row |= vars(corrected_difference((scores[variant] - scores[reference]).dropna(), test_share))
            rows.append(row)
    return pd.DataFrame(rows)


def claim_verdict(against: pd.DataFrame) -> str:
    """What comparisons of one method with all its rivals say about 'it is the best'.

    'refuted' if a rival is better by `verdict`, so by more than the margin, 'supported' if it is better than every
    rival, else 'not supported': no rival is credibly better, but it is not credibly ahead of all of them either.
    """
    if (against["verdict"] == "harms").any():
        return "refuted"
    return "supported" if (against["verdict"] == "helps").all() else "not supported"


def bootstrap_means(table: pd.DataFrame, *, n_draws: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Mean average precision of every (model, sampler) with a bootstrap interval over the frauds.

    Frauds are drawn with replacement, the same draws for every method, and the legitimate rows stay: there
    are hundreds of times more of them, so their share of the variance is small.

    Returns
    -------
    DataFrame
        Columns model, sampler, n_folds, mean, low, high, in the table's order.
    """
    draws = _bootstrap_draws(table, n_draws, seed)
    rows = []
    for (model, sampler), places in table.groupby(["model", "sampler"], sort=False).indices.items():
        low, high = _interval(draws[places].mean(axis=0))
        mean, n_folds = require_finite(table[SCORE].iloc[places], f"values of {SCORE}").mean(), len(places)
        rows.append({"model": model, "sampler": sampler, "n_folds": n_folds, "mean": mean, "low": low, "high": high})
    return pd.DataFrame(rows)


def bootstrap_differences(
    table: pd.DataFrame, pairs: list[Pair], *, n_draws: int = 1000, seed: int = 0
) -> NDArray[np.float64]:
    """Bootstrap interval over the frauds of the first's mean average precision less the second's.

    Both of a pair are scored on the same draws of the same frauds, over the folds that both have; see
    `bootstrap_means`. Other frauds move it, other training rows do not: it is no stand-in for
    `corrected_difference`.

    Parameters
    ----------
    table : DataFrame
        Ledger rows, with `ranks` and `positives`.
    pairs : list of pairs of (model, sampler)
        Those with at least one fold in common.

    Returns
    -------
    array of shape (n_pairs, 2)
        Low and high.
    """
    draws = _bootstrap_draws(table, n_draws, seed)
    places = paired_scores(table.assign(place=np.arange(len(table))), "place")
    intervals = []
    for first, second in pairs:
        ours, theirs = places[[first, second]].dropna().to_numpy(dtype=int).T
        intervals.append(_interval(draws[ours].mean(axis=0) - draws[theirs].mean(axis=0)))
    return np.array(intervals)


def _bootstrap_draws(table: pd.DataFrame, n_draws: int, seed: int) -> NDArray[np.float64]:
    """Average precision of every row of the table in every draw of the frauds; shape (n_rows, n_draws)."""
    frauds = np.unique(np.concatenate(table["positives"].to_list()))
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(frauds), np.full(len(frauds), 1 / len(frauds)), size=n_draws)
    draws = np.empty((len(table), n_draws))
    for place, (ranks, positives) in enumerate(zip(table["ranks"], table["positives"], strict=True)):
        columns = np.searchsorted(frauds, positives)
        draws[place] = resampled_average_precision(np.asarray(ranks), weights[:, columns])
    return draws


def _interval(draws: NDArray) -> tuple[float, float]:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def resampled_average_precision(ranks: NDArray, weights: NDArray) -> NDArray:
    """Average precision when each positive stands as often as its weight says.

    Parameters
    ----------
    ranks : int array of shape (n_positives,)
        Ascending ranks of the positives.
    weights : int array of shape (n_draws, n_positives)
        Copies of each positive in each draw.

    Returns
    -------
    array of shape (n_draws,)
        NaN-free: a draw without any positive counts as 0.
    """
    negatives = ranks - np.arange(1, len(ranks) + 1)
    # The copies of a positive stand at consecutive ranks and add 1 - negatives / rank each: a stretch of the
    # harmonic series, which is the difference of two of its partial sums.
    last = np.cumsum(weights, axis=1) + negatives
    harmonic = np.r_[0.0, np.cumsum(1 / np.arange(1, last.max(initial=0) + 1))]
    total = (weights - negatives * (harmonic[last] - harmonic[last - weights])).sum(axis=1)
    return total / np.maximum(weights.sum(axis=1), 1)


def interval_of_ranks(ranks: ArrayLike, *, n_draws: int = 2000, seed: int = 0) -> tuple[float, float]:
    """Bootstrap interval over the frauds of one ranked list's average precision."""
    ranks = np.asarray(ranks)
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(ranks), np.full(len(ranks), 1 / len(ranks)), size=n_draws)
    return _interval(resampled_average_precision(ranks, weights))


def mean_ranks(table: pd.DataFrame) -> pd.Series:
    """Mean rank of every (model, sampler) over the folds that all of them have; 1 is best.

    A description only: folds of one dataset are not the independent datasets that rank tests assume.
    """
    scores = paired_scores(table).dropna()
    return scores.rank(axis=1, ascending=False).mean().sort_values()


def rank_samplers(table: pd.DataFrame) -> pd.DataFrame:
    """Mean ranks of the samplers with Nemenyi's critical difference, as Demšar (2006) draws them.

    A sampler is ranked among all others under the same model and on the same fold; 1 is best, ties share. Only
    models and folds that every sampler has count. As with `mean_ranks`, this describes: models and folds of one
    dataset are not independent, so the critical difference is too small, and no verdict is drawn from it.

    Returns
    -------
    DataFrame
        Columns sampler, mean_rank, first (share of the rankings that it leads), near_best (whether its mean rank is
        within the critical difference of the lowest), n_rankings, critical_difference; best first.

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
    quantile = studentized_range.ppf(LEVEL, n_samplers, np.inf) / np.sqrt(2)
    critical = float(quantile * np.sqrt(n_samplers * (n_samplers + 1) / (6 * n_rankings)))
    described["near_best"] = described["mean_rank"] - described["mean_rank"].min() <= critical
    described = described.assign(n_rankings=n_rankings, critical_difference=critical)
    return described.sort_values("mean_rank", kind="stable").rename_axis("sampler").reset_index()
