"""Bootstrap intervals of mean scores and their differences, from the ranks of the positives."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from utils.analysis.corrected_tests import LEVEL, require_finite
from utils.analysis.summaries import SCORE, Pair, paired_scores

N_DRAWS = 4000  # for intervals of means, whose third decimal is printed


def bootstrap_means(table: pd.DataFrame, *, n_draws: int = N_DRAWS, seed: int = 0) -> pd.DataFrame:
    """Mean average precision of every (model, sampler) with a bootstrap interval over the test rows.

    Positives are drawn with replacement, the same draws for every method. Negatives are drawn in every fold; see
    `draw_negatives`.

    Returns
    -------
    DataFrame
        Columns model, sampler, n_folds, mean, low, high, in the table's order.
    """
    n_repeats = table.groupby(["model", "sampler"])["repeat"].transform("nunique").to_numpy()
    draws = _bootstrap_draws(table, n_draws, seed, n_repeats)
    rows = []
    for (model, sampler), positions in table.groupby(["model", "sampler"], sort=False).indices.items():
        low, high = interval_of_draws(draws(positions).mean(axis=0))
        mean, n_folds = require_finite(table[SCORE].iloc[positions], f"values of {SCORE}").mean(), len(positions)
        rows.append({"model": model, "sampler": sampler, "n_folds": n_folds, "mean": mean, "low": low, "high": high})
    return pd.DataFrame(rows)


def bootstrap_differences(
    table: pd.DataFrame, pairs: list[Pair], *, n_draws: int = 1000, seed: int = 0
) -> NDArray[np.float64]:
    """Bootstrap intervals over the positives of differences between two mean average precisions, first minus second.

    Both pairs are scored on the same draws of the same positives, over the folds that both have. Negatives are not
    drawn, because ranks do not tell which ones two methods have in common: where positives are not rare, the interval
    is too narrow. It does not reflect the choice of training rows either, so it does not replace
    `corrected_difference`.

    Parameters
    ----------
    table : DataFrame
        Ledger rows, with `ranks` and `positives`.
    pairs : list of pairs of (model, sampler)
        Pairs with at least one fold in common.

    Returns
    -------
    array of shape (n_pairs, 2)
        Low and high.
    """
    draws = _bootstrap_draws(table, n_draws, seed)
    positions = paired_scores(table.assign(position=np.arange(len(table))), "position")
    intervals = []
    for first, second in pairs:
        first_positions, second_positions = positions[[first, second]].dropna().to_numpy(dtype=int).T
        intervals.append(interval_of_draws(draws(first_positions).mean(axis=0) - draws(second_positions).mean(axis=0)))
    return np.array(intervals)


def _bootstrap_draws(
    table: pd.DataFrame, n_draws: int, seed: int, n_repeats: NDArray[np.int64] | None = None
) -> Callable[[NDArray], NDArray[np.float64]]:
    """Return a function from rows of the table to their average precision in every draw of the positives.

    It takes positions of shape (n_rows,) and returns an array of shape (n_rows, n_draws). Each row is computed once,
    when it is first needed: a table has hundreds of rows, and a comparison needs few of them. With the number of
    repeats behind the mean that a row belongs to, of shape (n_rows,), negatives are drawn, too.
    """
    drawn = np.unique(np.concatenate(table["positives"].to_list()))
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(drawn), np.full(len(drawn), 1 / len(drawn)), size=n_draws)
    ranks, positives = table["ranks"].to_list(), table["positives"].to_list()
    folds = list(zip(table["repeat"], table["fold"], strict=True))

    @cache
    def draw(position: int) -> NDArray[np.float64]:
        columns, negatives = np.searchsorted(drawn, positives[position]), None
        if n_repeats is not None:
            of_fold = np.random.default_rng([seed, *folds[position]])
            negatives = draw_negatives(ranks[position], n_draws, of_fold, n_repeats[position])
        return resampled_average_precision(np.asarray(ranks[position]), weights[:, columns], negatives)

    return lambda rows: np.array([draw(position) for position in rows])


def interval_of_draws(draws: NDArray) -> tuple[float, float]:
    """Limits of the central 95 % of the draws of a number."""
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def draw_negatives(ranks: ArrayLike, n_draws: int, rng: np.random.Generator, n_repeats: int = 1) -> NDArray[np.int64]:
    """Negatives above each positive when negatives are drawn with replacement.

    The number of drawn negatives between two positives is taken from a Poisson distribution, the limit of the binomial
    one. A mean over repeats has the same negatives in each of them, while here every repeat draws its own, in batches
    of `n_repeats` copies, which gives the mean the same variance.

    Parameters
    ----------
    ranks : int array of shape (n_positives,)
        Ascending ranks of the positives.
    n_draws : int
    rng : Generator
    n_repeats : int
        Repeats that the mean is over.

    Returns
    -------
    int array of shape (n_draws, n_positives)
    """
    gaps = np.diff(ranks, prepend=0) - 1
    return n_repeats * rng.poisson(gaps / n_repeats, (n_draws, len(gaps))).cumsum(axis=1)


def resampled_average_precision(ranks: NDArray, weights: NDArray, negatives: NDArray | None = None) -> NDArray:
    """Average precision when each positive is repeated according to its weight.

    Parameters
    ----------
    ranks : int array of shape (n_positives,)
        Ascending ranks of the positives.
    weights : int array of shape (n_draws, n_positives)
        Copies of each positive in each draw.
    negatives : int array of shape (n_draws, n_positives), optional
        Negatives above each positive in each draw; those of the ranked list by default.

    Returns
    -------
    array of shape (n_draws,)
        Without NaN: a draw without any positive counts as 0.
    """
    if negatives is None:
        negatives = ranks - np.arange(1, len(ranks) + 1)
    # The copies of a positive have consecutive ranks and add 1 - negatives / rank each: a section of the harmonic
    # series, which is the difference of two of its partial sums.
    last = np.cumsum(weights, axis=1) + negatives
    harmonic = np.r_[0.0, np.cumsum(1 / np.arange(1, last.max(initial=0) + 1))]
    total = (weights - negatives * (harmonic[last] - harmonic[last - weights])).sum(axis=1)
    return total / np.maximum(weights.sum(axis=1), 1)


def interval_of_ranks(ranks: ArrayLike, *, n_draws: int = N_DRAWS, seed: int = 0) -> tuple[float, float]:
    """Bootstrap interval over the rows of one ranked list's average precision."""
    ranks = np.asarray(ranks)
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(ranks), np.full(len(ranks), 1 / len(ranks)), size=n_draws)
    return interval_of_draws(resampled_average_precision(ranks, weights, draw_negatives(ranks, n_draws, rng)))
