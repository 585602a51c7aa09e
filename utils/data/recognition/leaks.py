"""Single columns that give the label away, judged out of fold.

The mean label of each value, or of each bin of a number, is fitted on four folds and ranks the rows of the fifth. A
column that all but separates the classes alone was probably filled in once the outcome was known.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

N_FOLDS = 5
N_BINS = 50  # of the numbers of all rows, and as many of those of the positives
NEARLY_PERFECT = 0.98  # average precision from which a single column is suspected


def suspected_leaks(
    X: pd.DataFrame, y: ArrayLike, *, groups: ArrayLike | None = None, seed: int = 0
) -> list[tuple[str, float]]:
    """Columns whose average precision out of fold is nearly perfect, from the highest.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_columns)
        Typed columns of the development set; see `utils.data.reading.column_types.typed`.
    y : array-like of shape (n_rows,)
        Labels, 1 for the positive class.
    groups : array-like of shape (n_rows,), optional
        Rows with equal values stay in one fold.
    seed : int
        Of the folds.

    Returns
    -------
    list of (str, float)
        Name and mean average precision over the folds; a gap counts as a value.
    """
    labels = np.asarray(y, dtype=np.int64)
    folds = _fold_of_rows(labels, groups, seed)
    # The prevalence is at most one half, so that these scores are far above chance.
    scores = [(str(name), _mean_average_precision(X[name], labels, folds)) for name in X.columns]
    suspects = [(name, score) for name, score in scores if score >= NEARLY_PERFECT]
    return sorted(suspects, key=lambda suspect: -suspect[1])


def _fold_of_rows(y: NDArray[np.int64], groups: ArrayLike | None, seed: int) -> NDArray[np.int64]:
    """Fold of each row, stratified by label; the rows of a group share one.

    Groups are dealt in the order of their positives, which are few: the study's own folds weigh every row, and take a
    minute where there are some hundred thousand groups.
    """
    rng = np.random.default_rng(seed)
    if groups is not None:
        codes, uniques = pd.factorize(np.asarray(groups), use_na_sentinel=False)
        order = rng.permutation(len(uniques))
        order = order[np.argsort(-np.bincount(codes, weights=y)[order], kind="stable")]
        fold_of_group = np.empty(len(uniques), dtype=np.int64)
        fold_of_group[order] = np.arange(len(uniques)) % N_FOLDS
        return fold_of_group[codes]
    folds = np.empty(len(y), dtype=np.int64)
    for label in (0, 1):
        rows = rng.permutation(np.flatnonzero(y == label))
        folds[rows] = np.arange(len(rows)) % N_FOLDS
    return folds


def _mean_average_precision(column: pd.Series, y: NDArray[np.int64], folds: NDArray[np.int64]) -> float:
    """Mean over the folds that hold both classes; 0 without any."""
    scores = []
    for fold in range(N_FOLDS):
        is_test = folds == fold
        if not 0 < y[is_test].sum() < is_test.sum() or not y[~is_test].any():
            continue
        codes = _codes(column, ~is_test & (y == 1))
        train, test = codes[~is_test], codes[is_test]
        size = int(codes.max()) + 1
        rates = _rates(*_counts(train, y[~is_test], size), is_ordered=not isinstance(column.dtype, pd.CategoricalDtype))
        scores.append(_average_precision(rates, *_counts(test, y[is_test], size)))
        if scores[-1] < 0.9:  # the mean of five cannot be nearly perfect any more
            return scores[-1]
    return float(np.mean(scores)) if scores else 0.0


def _codes(column: pd.Series, is_positive: NDArray[np.bool_]) -> NDArray[np.int64]:
    """A code from 0 for each category, or each bin of numbers and dates; gaps have a code of their own."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy().astype(np.int64) + 1
    values = column.astype("int64").where(column.notna()) if column.dtype.kind == "M" else column
    values = values.to_numpy(dtype=np.float64)
    # Bins of the positives are narrow where these are dense, however rare they are.
    samples = [values[np.isfinite(values)], values[is_positive & np.isfinite(values)]]
    steps = np.linspace(0, 1, N_BINS + 1)
    edges = [np.quantile(sample, steps, method="nearest") for sample in samples if len(sample)]
    edges = np.unique(np.concatenate([*edges, *[np.nextafter(edge, np.inf) for edge in edges]])) if edges else steps
    return np.where(np.isfinite(values), np.searchsorted(edges, values, side="right") + 1, 0)


def _counts(codes: NDArray, y: NDArray, size: int) -> tuple[NDArray, NDArray]:
    """Rows and positives of each code."""
    return np.bincount(codes, minlength=size), np.bincount(codes[y == 1], minlength=size)


def _rates(totals: NDArray, positives: NDArray, *, is_ordered: bool) -> NDArray:
    """Mean label of each code; one without rows has that of all rows or, where ordered, of its neighbours."""
    is_filled = totals > 0
    rates = np.full(len(totals), positives.sum() / totals.sum())
    rates[is_filled] = positives[is_filled] / totals[is_filled]
    bins = np.flatnonzero(is_filled[1:]) + 1  # the first code is a gap
    if is_ordered and len(bins):
        rates[1:] = np.interp(np.arange(1, len(rates)), bins, rates[bins])
    return rates


def _average_precision(rates: NDArray, totals: NDArray, positives: NDArray) -> float:
    """Step-wise average precision of rows that are ranked by the rate of their code; equal rates are tied."""
    rates, positions = np.unique(-rates, return_inverse=True)
    n_rows = np.cumsum(np.bincount(positions, totals))
    hits = np.bincount(positions, positives)
    precision = np.divide(np.cumsum(hits), n_rows, out=np.zeros(len(rates)), where=n_rows > 0)
    return float((precision * hits).sum() / hits.sum())
