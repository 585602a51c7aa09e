"""Ranking metrics computed from the ranks of the positives, and calibration figures.

A ranked list of `n_rows` rows is described completely, for every metric of a precision-recall or ROC curve,
by the sorted 1-based ranks of its positives. Ties are broken against the model: a negative with the
same score as a positive is ranked before it. `tie_neutral_average_precision` gives the expectation over random
orders of tied rows instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

MAX_RANKINGS = 4_000_000  # up to this number all are enumerated; beyond it, rankings are sampled


def log_odds(probability: ArrayLike) -> NDArray[np.float64]:
    """Log odds of probabilities, in their shape, finite also for probabilities of 0 and 1."""
    clipped = np.clip(np.asarray(probability, dtype=float), 1e-7, 1 - 1e-7)
    return np.log(clipped / (1 - clipped))


def ranks_of_positives(y_true: ArrayLike, y_score: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rank the rows from the highest score to the lowest.

    Parameters
    ----------
    y_true : array of shape (n_rows,)
        Labels, 1 for positive.
    y_score : array of shape (n_rows,)
        Finite scores, higher means more likely positive.

    Returns
    -------
    ranks : int array of shape (n_positives,)
        Ascending 1-based ranks of the positives.
    positions : int array of shape (n_positives,)
        Position of each of them in the input.

    Raises
    ------
    ValueError
        If a score is not finite, a label is missing, or there is no positive.
    """
    is_positive, y_score = _validate_scores(y_true, y_score)
    order = np.lexsort((is_positive, -y_score))
    is_positive = is_positive[order]
    return np.flatnonzero(is_positive) + 1, order[is_positive]


def _validate_scores(y_true: ArrayLike, y_score: ArrayLike) -> tuple[NDArray[np.bool_], NDArray]:
    """Mask of the positives, and finite scores as floats: unsigned integers cannot be negated for sorting."""
    y_true, y_score = np.asarray(y_true), np.asarray(y_score, dtype=float)
    if y_true.shape != y_score.shape:
        raise ValueError(f"There are {len(y_true)} labels for {len(y_score)} scores; give one to each row.")
    if pd.isna(y_true).any():
        raise ValueError(f"{np.count_nonzero(pd.isna(y_true))} labels are missing; leave their rows out.")
    is_positive = y_true == 1
    if not np.isfinite(y_score).all():
        raise ValueError(f"{np.count_nonzero(~np.isfinite(y_score))} scores are not finite; check the model's output.")
    if not is_positive.any():
        raise ValueError("There is no positive row to rank; check the labels of this part.")
    return is_positive, y_score


def precision_recall(ranks: ArrayLike) -> tuple[NDArray, NDArray]:
    """Precision and recall at each positive's rank; arrays of shape (n_positives,)."""
    ranks = np.asarray(ranks)
    true_positives = np.arange(1, len(ranks) + 1)
    return true_positives / ranks, true_positives / len(ranks)


def average_precision(ranks: ArrayLike) -> float:
    """Step-wise area under the precision-recall curve: the mean precision at the positives' ranks."""
    return float(np.mean(precision_recall(ranks)[0]))


def tie_neutral_average_precision(y_true: ArrayLike, y_score: ArrayLike) -> float:
    """Expected average precision if rows with the same score are put into random order.

    Without ties this is `average_precision`; a constant score has the value of a random ranking. The
    expectation is exact: a tied row is positive with the frequency of its group, and the tied rows before it contain
    their share of the group's other positives.

    Parameters
    ----------
    y_true, y_score : arrays of shape (n_rows,)
        As for `ranks_of_positives`.
    """
    is_positive, y_score = _validate_scores(y_true, y_score)
    _, group = np.unique(-y_score, return_inverse=True)  # groups of tied rows, the highest score first
    sizes, positives = np.bincount(group), np.bincount(group, weights=is_positive)
    n_tied, n_positive = np.repeat(sizes, sizes), np.repeat(positives, sizes)
    positives_before = np.repeat(np.cumsum(positives) - positives, sizes)
    rank = np.arange(1, len(y_score) + 1)
    tied_before = rank - 1 - np.repeat(np.cumsum(sizes) - sizes, sizes)  # rows of the same group ranked before
    expected = positives_before + 1 + tied_before * (n_positive - 1) / np.maximum(n_tied - 1, 1)
    precision = (n_positive / n_tied * expected / rank)[n_positive > 0]
    return float(precision.sum() / is_positive.sum())


def trapezoid_area(ranks: ArrayLike) -> float:
    """Area under linearly joined precision-recall points; optimistic (Davis and Goadrich, 2006).

    Used only to show how much the interpolation adds to a published figure.
    """
    precision, recall = precision_recall(ranks)
    return float(np.trapezoid(np.r_[1.0, precision], np.r_[0.0, recall]))


def roc_auc(ranks: ArrayLike, n_rows: int) -> float:
    """Probability that a positive is ranked before a negative; a tie counts as ranked behind it.

    Raises
    ------
    ValueError
        If there is no negative row.
    """
    ranks = np.asarray(ranks)
    n_negatives = n_rows - len(ranks)
    if n_negatives < 1:
        raise ValueError(f"{len(ranks)} of {n_rows} rows are positive, which leaves no negative to rank them against.")
    negatives_before = ranks - np.arange(1, len(ranks) + 1)
    return float(1 - negatives_before.mean() / n_negatives)


def precision_at(ranks: ArrayLike, n_alerts: float, n_rows: int) -> float:
    """Share of frauds among the `n_alerts` highest scores (rounded, at least one, at most every row).

    Raises
    ------
    ValueError
        If `n_alerts` is not a positive number.
    """
    n_alerts = _round_alerts(n_alerts, n_rows)
    return float(np.count_nonzero(np.asarray(ranks) <= n_alerts) / n_alerts)


def recall_at(ranks: ArrayLike, n_alerts: float, n_rows: int) -> float:
    """Share of all frauds among the `n_alerts` highest scores, rounded and bounded as in `precision_at`."""
    ranks = np.asarray(ranks)
    return float(np.count_nonzero(ranks <= _round_alerts(n_alerts, n_rows)) / len(ranks))


def _round_alerts(n_alerts: float, n_rows: int) -> int:
    if not 0 < n_alerts < np.inf:
        raise ValueError(f"The number of alerts is {n_alerts}; give a positive number.")
    return min(max(1, round(n_alerts)), n_rows)


def recall_at_precision(ranks: ArrayLike, minimum: float = 0.9) -> float:
    """Largest recall whose precision is at least `minimum`; 0 when there is none."""
    precision, recall = precision_recall(ranks)
    return float(np.max(recall, initial=0.0, where=precision >= minimum))


def average_precision_at(ranks: ArrayLike, n_rows: int, prevalence: float) -> float:
    """About the average precision to expect if negatives were sampled until positives are this share of the rows.

    Shows the effect of a test set with another prevalence while the ranking stays the same. It is the precision at the
    expected number of negatives, which is somewhat below the expected precision where negatives are few.
    """
    ranks = np.asarray(ranks)
    true_positives = np.arange(1, len(ranks) + 1)
    drawn_share = len(ranks) * (1 - prevalence) / prevalence / (n_rows - len(ranks))
    return float(np.mean(true_positives / (true_positives + drawn_share * (ranks - true_positives))))


def feature_auc(X: pd.DataFrame, y: ArrayLike) -> pd.Series:
    """ROC AUC of each column of X used alone as the score, in the direction that makes it at least 0.5.

    A gap counts as a value. In a column of numbers it is below all numbers or above all, whichever gives the higher
    area: a column that is filled in for positives alone has 1, and one that is filled in for a few rows is hardly
    better than chance, whatever its numbers say. A category is scored by the share of positives among the other rows
    with its value (of other folds, so that no row's own label counts), and then the direction is given. Without rows of
    both classes, every column has 0.5.
    """
    y = np.asarray(y)
    return pd.Series({name: _column_auc(X[name], y) for name in X}, dtype=float)


def _column_auc(column: pd.Series, y: NDArray) -> float:
    if not 0 < int(y.sum()) < len(y):
        return 0.5
    if not pd.api.types.is_numeric_dtype(column):
        return max(_auc_of_ranks(_shares_of_positives(column, y).rank(), y), 0.5)
    ranks_of_gaps = ("top", "bottom") if column.isna().any() else ("keep",)
    areas = [_auc_of_ranks(column.rank(na_option=option), y) for option in ranks_of_gaps]
    return max(*areas, *(1 - area for area in areas))


def _auc_of_ranks(ranks: pd.Series, y: NDArray) -> float:
    """ROC AUC of rows from their ranks, 1 for the lowest score; tied rows have their mean rank."""
    n_positives = int(y.sum())
    above = ranks.to_numpy(dtype=float)[y == 1].sum() - n_positives * (n_positives + 1) / 2
    return float(above / (n_positives * (len(y) - n_positives)))


def _shares_of_positives(column: pd.Series, y: NDArray, n_folds: int = 5) -> pd.Series:
    """Share of positives among the rows of other folds with a row's value; a gap is a value of its own."""
    codes, folds = pd.factorize(column)[0], np.random.default_rng(0).integers(0, n_folds, len(y))
    labels, shares = pd.Series(y), np.full(len(y), y.mean())
    for fold in range(n_folds):
        others = folds != fold
        learnt = labels[others].groupby(codes[others]).mean()
        shares[~others] = pd.Series(codes[~others]).map(learnt).fillna(y[others].mean())
    return pd.Series(shares, index=column.index)


def as_numbers(X: pd.DataFrame) -> pd.DataFrame:
    """A table with a number for each category: its place when they are ordered by frequency, NaN for a gap."""
    codes = {}
    for name in X:
        if not pd.api.types.is_numeric_dtype(X[name]):
            places = {value: place for place, value in enumerate(X[name].value_counts().index)}
            codes[name] = X[name].astype(object).map(places).astype(float)
    return X.assign(**codes)


def mean_correlation(X: pd.DataFrame) -> float:
    """Mean absolute Pearson correlation over all pairs of different columns that have one; NaN if there is no pair."""
    correlations = X.corr(numeric_only=True).abs().to_numpy()
    known = correlations[np.triu_indices(len(correlations), k=1)]
    known = known[~np.isnan(known)]
    return float(known.mean()) if known.size else float("nan")


def cost_curve(
    ranks: ArrayLike, amounts: ArrayLike | None, *, fee: float = 5.0, floor: float = 10.0
) -> tuple[NDArray, NDArray]:
    """Cost of alerting on everything down to each positive's rank.

    A missed fraud costs its amount, but at least `floor` (some frauds have amount 0, or none is known); an alert costs
    `fee`.

    Parameters
    ----------
    ranks, amounts : arrays of shape (n_positives,)
        Ascending ranks and the amount of each positive, in the same order; NaN for an unknown amount, None if no
        amount is known.

    Returns
    -------
    n_alerts, cost : arrays of shape (n_positives + 1,)
        The first point has no alert. Between two positives more alerts only add fees, so these points include the
        minimum.
    """
    amounts = np.zeros(len(ranks)) if amounts is None else np.asarray(amounts, dtype=float)
    losses = np.fmax(amounts, floor)  # the floor where the amount is NaN
    n_alerts = np.r_[0, np.asarray(ranks)]
    missed = losses.sum() - np.r_[0.0, np.cumsum(losses)]
    return n_alerts, missed + fee * n_alerts


def brier_score(y_true: ArrayLike, y_prob: ArrayLike) -> float:
    """Mean squared difference of probability and label."""
    return float(np.mean((np.asarray(y_prob, dtype=float) - np.asarray(y_true)) ** 2))


@dataclass(frozen=True)
class Reliability:
    """Bins of a model's probabilities.

    Attributes
    ----------
    rows : list of int
        Rows in each bin.
    mean : list of float
        Their mean probability; 0 in an empty bin.
    positives : list of int
        Positives among them.
    """

    rows: list[int]
    mean: list[float]
    positives: list[int]


def reliability(y_true: ArrayLike, y_prob: ArrayLike, n_bins: int = 10) -> Reliability:
    """Rows, mean probability and positives in logarithmic bins of the probability.

    Frauds are so rare that equal-width bins would put nearly every row into the first; these bin edges are
    spaced evenly in log-probability from 1e-5 to 1.
    """
    y_true, y_prob = np.asarray(y_true), np.asarray(y_prob, dtype=float)
    bins = np.digitize(y_prob, np.logspace(-5, 0, n_bins)[:-1])
    counts = np.bincount(bins, minlength=n_bins)
    sums = np.bincount(bins, weights=y_prob, minlength=n_bins)
    positives = np.bincount(bins, weights=y_true, minlength=n_bins)
    means = np.divide(sums, counts, out=np.zeros(n_bins), where=counts > 0)
    return Reliability(counts.tolist(), means.round(8).tolist(), positives.astype(int).tolist())


def calibration_error(table: Reliability) -> float:
    """Expected calibration error of a `reliability` table: mean gap of probability and frequency over rows."""
    rows, means, positives = (np.asarray(values, dtype=float) for values in (table.rows, table.mean, table.positives))
    return float(np.abs(rows * means - positives).sum() / rows.sum())


def random_average_precision(n_rows: int, n_positives: int) -> float:
    """Expected average precision of random rankings.

    It is above the prevalence, and far above it if there are few positives: .081 for 4 of 100 rows.

    Raises
    ------
    ValueError
        If there is no positive, or there are more positives than rows.
    """
    _require_positives(n_rows, n_positives)
    return tie_neutral_average_precision(np.arange(n_rows) < n_positives, np.zeros(n_rows))


def random_ranking_interval(
    n_rows: int, n_positives: int, *, level: float = 0.95, n_draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Central interval of the average precision of random rankings.

    The average precision on shuffled labels should fall inside. At most (1 - level) / 2 of the rankings lie on either
    side. With few positives all rankings are enumerated and the interval is exact; if there are more than
    `MAX_RANKINGS`, `n_draws` of them are sampled. `random_average_precision` is their mean.

    Raises
    ------
    ValueError
        If there is no positive, or there are more positives than rows.
    """
    _require_positives(n_rows, n_positives)
    if comb(n_rows, min(n_positives, n_rows // 2)) <= MAX_RANKINGS:
        scores = _scores_of_all_rankings(n_rows, n_positives)
    else:
        rng = np.random.default_rng(seed)
        draws = [np.sort(rng.choice(n_rows, n_positives, replace=False)) + 1 for _ in range(n_draws)]
        scores = np.array([average_precision(ranks) for ranks in draws])
    scores.sort()
    n_outside = int((1 - level) / 2 * len(scores))
    return float(scores[n_outside]), float(scores[len(scores) - 1 - n_outside])


def _scores_of_all_rankings(n_rows: int, n_positives: int) -> NDArray[np.float64]:
    """Average precision of every choice of the positives' ranks."""
    precision_sums = np.zeros(1)  # of the precisions so far, in the order of the last positive's rank
    for n_found in range(1, n_positives + 1):
        ranks = range(n_found, n_rows + 1)
        precision_sums = np.concatenate(
            [precision_sums[: comb(rank - 1, n_found - 1)] + n_found / rank for rank in ranks]
        )
    return precision_sums / n_positives


def _require_positives(n_rows: int, n_positives: int) -> None:
    if not 0 < n_positives <= n_rows:
        raise ValueError(f"{n_positives} of {n_rows} rows cannot be positive; give at least one and at most all.")
