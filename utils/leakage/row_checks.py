"""The checks of the audit that need only rows, labels and scores, one function per fault."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest
from sklearn.metrics import auc, average_precision_score, precision_recall_curve

from utils import metrics
from utils.leakage.column_values import IncomparableError, common_codes, written_like
from utils.leakage.report import FAILED, NOT_CHECKED, PASSED, Finding

MAX_QUERIES = 5_000  # rows whose neighbours are searched; more take longer and hardly change the shares
BLIND = 0.1  # share of the copies expected of a split that ignores groups; a split by groups has hardly any
TINY = 1e-3  # relative to the median distance of training rows to the nearest other one
COARSE = 0.5  # share of training rows with a near copy above which copies are no evidence
BY_CHANCE = 0.01  # expected share of rows that agree with another one above which agreement is no evidence
SIGNIFICANCE = 1e-3
N_EXAMPLES = 5


@dataclass(frozen=True, eq=False)
class ComparedSplit:
    """Features and labels of the two sides of a split, and the derived values that several checks share.

    Attributes
    ----------
    X_train, X_test : DataFrame of shape (n_train, n_features) and (n_test, n_features)
        The same columns in the same order, with equal values written alike.
    rare_train, rare_test : ndarray of bool, of shape (n_train,) and (n_test,)
        Whether a row is of the minority class.
    hashes : (ndarray of shape (n_train, n_features), ndarray of shape (n_test, n_features))
        A hash per value and column, the same for equal values of any type; the sum over a row identifies the row.
    seed : int
        Seed of the sample of rows in checks that do not use all of them.
    """

    X_train: pd.DataFrame
    rare_train: NDArray[np.bool_]
    X_test: pd.DataFrame
    rare_test: NDArray[np.bool_]
    hashes: tuple[NDArray[np.uint64], NDArray[np.uint64]]
    seed: int = 0

    @cached_property
    def shared(self) -> NDArray[np.bool_]:
        """Whether a test row is also in train, of shape (n_test,)."""
        train, test = (side.sum(axis=1, dtype=np.uint64) for side in self.hashes)
        return pd.Series(test).isin(train).to_numpy()

    @cached_property
    def scaled(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Numeric columns of train and test in units of the training columns' interquartile range."""
        numeric = [name for name in self.X_train if pd.api.types.is_numeric_dtype(self.X_test[name])]
        numeric = self.X_train[numeric].select_dtypes("number").columns
        train, test = (side[numeric].astype(np.float64) for side in (self.X_train, self.X_test))
        low, centre, high = train.quantile([0.25, 0.5, 0.75]).to_numpy() if train.size else np.zeros((3, 0))
        spread = np.where(high > low, high - low, train.std(ddof=0))
        spread[spread == 0] = 1
        sides = (train.to_numpy(), test.to_numpy())
        return tuple(np.nan_to_num((side - centre) / spread).astype(np.float32) for side in sides)


def compare(
    train: tuple[pd.DataFrame, NDArray[np.bool_]], test: tuple[pd.DataFrame, NDArray[np.bool_]], seed: int
) -> ComparedSplit:
    """Make the values of the two sides of a split comparable.

    Each side is a frame of features and an array that says whether a row is of the minority class.

    Raises
    ------
    ValueError
        If columns cannot be compared by value; the message names them and says how they differ.
    """
    (X_train, rare_train), (X_test, rare_test) = train, test
    hashes, faults = [], []
    aligned = X_test.copy(deep=False)
    for position, name in enumerate(X_train):
        try:
            codes = common_codes(X_train[name], X_test[name])
        except IncomparableError as error:
            faults.append(f"{name!r} ({error})")
            continue
        hashes.append([_hash_codes(side, position) for side in codes])
        aligned[name] = written_like(X_train[name], X_test[name], codes)
    if faults:
        raise ValueError(f"Not comparable in train and test: {', '.join(faults)}; give both the same types.")
    sides = [np.column_stack(columns) for columns in zip(*hashes, strict=True)]
    return ComparedSplit(X_train, rare_train, aligned, rare_test, tuple(sides), seed)


def check_shared_rows(split: ComparedSplit) -> Finding:
    """Check for test rows whose features are also in train, whatever their label."""
    name, shared = "shared rows", split.shared
    labelled = [
        side.sum(axis=1, dtype=np.uint64) + _hash_codes(rare.astype(np.int64), side.shape[1])
        for side, rare in zip(split.hashes, (split.rare_train, split.rare_test), strict=True)
    ]
    rare = split.rare_test
    evidence = {
        "rows": int(shared.sum()),
        "share": float(shared.mean()),
        "rows with the same label": int(np.isin(labelled[1], labelled[0]).sum()),
        "share of the minority": float(shared[rare].mean()) if rare.any() else 0.0,
    }
    if not shared.any():
        return Finding(name, PASSED, "No test row stands in the training frame.", evidence=evidence)
    summary = (
        f"{evidence['rows']:,} of {len(shared):,} test rows ({evidence['share']:.1%}) stand in the training frame, "
        f"among them {evidence['share of the minority']:.1%} of the minority; "
        f"{evidence['rows with the same label']:,} with the same label."
    )
    advice = "Remove exact duplicates, split once, and train on nothing outside the training part."
    return Finding(name, FAILED, summary, advice, evidence, examples(shared))


def check_near_rows(split: ComparedSplit) -> Finding:
    """Check for test rows that equal a training row except in one column, or lie at a tiny distance from one.

    The share of such copies within train is what a split that ignores groups would give.
    """
    name = "near-shared rows"
    differs_in_one, expected_differs_in_one, repeated, column = _equal_except_in_one(split)
    close, expected_close = _close_rows(split)
    evidence = {
        "rows equal but for one column": int(differs_in_one.sum()),
        "that column": column,
        "share": float(differs_in_one.sum() / max(1, np.count_nonzero(~split.shared))),
        "share within train": expected_differs_in_one,
        "share within a tiny distance": float(close.sum() / max(1, len(_queries(split)))),
        "share within a tiny distance in train": expected_close,
    }
    share = max(repeated, expected_close)
    if share > COARSE:
        reason = f"{share:.0%} of the training rows have a near copy in train, so copies in the test frame say nothing."
        return Finding(name, NOT_CHECKED, reason, "Give columns that tell rows apart.", evidence)
    pairs = (
        ("share", "share within train", differs_in_one),
        ("share within a tiny distance", "share within a tiny distance in train", close),
    )
    is_fault = any(rows.sum() > 1 and evidence[share] > BLIND * evidence[expected] for share, expected, rows in pairs)
    summary = (
        f"{evidence['share']:.2%} of the test rows that are not shared equal a training row but for one column "
        f"({evidence['share within train']:.2%} within train), {evidence['share within a tiny distance']:.2%} lie "
        f"within a tiny distance of one ({evidence['share within a tiny distance in train']:.2%} within train)."
    )
    if not is_fault:
        return Finding(name, PASSED, summary, evidence=evidence)
    differing = f" They differ in {column!r}." if differs_in_one.any() else ""
    advice = "Let rows that are copies of each other form a group, and split by groups."
    return Finding(name, FAILED, summary + differing, advice, evidence, examples(np.logical_or(differs_in_one, close)))


def _equal_except_in_one(split: ComparedSplit) -> tuple[NDArray[np.bool_], float, float, str | None]:
    """Test rows, not shared, that equal a training row except in one column; the share within train; the column.

    A column is left aside if rows agree in all others by chance, as in a table of few categories. The second share is
    that within train with all columns.
    """
    train, test = split.hashes
    # Exact duplicates do not differ in one column, so each distinct row is used once.
    _, first = np.unique(train.sum(axis=1, dtype=np.uint64), return_index=True)
    train, others = train[first], test[~split.shared]
    totals = [rows.sum(axis=1, dtype=np.uint64) for rows in (train, others)]
    equal, within, repeated = (np.zeros(len(rows), dtype=bool) for rows in (others, train, train))
    counts = np.zeros(train.shape[1], dtype=np.int64)
    by_chance = _expected_agreement(train) > BY_CHANCE
    for column in range(train.shape[1]):
        rest = pd.Series(totals[0] - train[:, column])
        repeated_here = rest.duplicated(keep=False).to_numpy()
        repeated |= repeated_here
        if by_chance[column]:
            continue
        matches = pd.Series(totals[1] - others[:, column]).isin(rest).to_numpy()
        within |= repeated_here
        counts[column] = matches.sum()
        equal |= matches
    in_test = np.zeros(len(test), dtype=bool)
    in_test[~split.shared] = equal
    column = str(split.X_train.columns[int(np.argmax(counts))]) if counts.any() else None
    return in_test, float(within.mean()), float(repeated.mean()), column


def _expected_agreement(hashes: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Expected share of rows that equal another one in all columns but this one, were the columns independent."""
    n_rows = len(hashes)
    shares = [np.unique(column, return_counts=True)[1] / n_rows for column in hashes.T]
    logs = np.log([np.square(share).sum() for share in shares])
    return -np.expm1(-n_rows * np.exp(logs.sum() - logs))


def _close_rows(split: ComparedSplit) -> tuple[NDArray[np.bool_], float]:
    """Test rows at a tiny distance from a training row, and the share of training rows that close to another.

    The distance of a pair leaves out the columns in which it differs most (one in ten, two at most), because copies
    may differ in a time stamp.
    """
    train, test = split.scaled
    close = np.zeros(len(test), dtype=bool)
    if train.shape[1] < 2 or len(train) < 3:
        return close, 0.0
    queries = _queries(split)
    chosen = draw(np.arange(len(train)), MAX_QUERIES, split.seed)
    neighbours = nearest(train, np.vstack([train[chosen], test[queries]]), 2)
    inner, outer = neighbours[: len(chosen)], neighbours[len(chosen) :, 0]
    others = np.where(inner[:, 0] == chosen, inner[:, 1], inner[:, 0])
    within = _trimmed_distance(train[chosen], train[others])
    between = _trimmed_distance(test[queries], train[outer])
    limit = TINY * float(np.median(within))
    close[queries] = between <= limit
    return close, float(np.mean(within <= limit))


def _queries(split: ComparedSplit) -> NDArray[np.int64]:
    """Positions of test rows that are not shared, a sample if there are more than `MAX_QUERIES`."""
    return draw(np.flatnonzero(~split.shared), MAX_QUERIES, split.seed)


def _trimmed_distance(first: NDArray, second: NDArray) -> NDArray:
    squares = np.sort((first.astype(np.float64) - second) ** 2, axis=1)
    left_out = min(2, squares.shape[1] // 10)
    return np.sqrt(squares[:, : squares.shape[1] - left_out].sum(axis=1))


def check_prevalence(split: ComparedSplit, population: float | None) -> Finding:
    """Check whether the share of the minority in the test frame is that of the population."""
    name = "prevalence"
    if population is None:
        reason = "The population's prevalence was not given."
        return Finding(
            name, NOT_CHECKED, reason, "Pass Claims(population=), a share or all labels before any resampling."
        )
    if not 0 < population < 1:
        raise ValueError(f"The population's prevalence is {population}; give a share between 0 and 1.")
    n_rare, n_rows = int(split.rare_test.sum()), len(split.rare_test)
    interval = binomtest(n_rare, n_rows, population).proportion_ci(1 - SIGNIFICANCE)
    evidence = {"prevalence": n_rare / n_rows, "low": interval.low, "high": interval.high, "population": population}
    summary = (
        f"{n_rare:,} of {n_rows:,} test rows ({n_rare / n_rows:.3%}) are of the minority, "
        f"{1 - SIGNIFICANCE:.1%} interval [{interval.low:.3%}, {interval.high:.3%}]; "
        f"in the population it is {population:.3%}."
    )
    if interval.low <= population <= interval.high:
        return Finding(name, PASSED, summary, evidence=evidence)
    advice = "Score on rows that no sampler has thinned out or added to; precision depends on the prevalence."
    return Finding(name, FAILED, summary, advice, evidence)


def check_area(curve: tuple[ArrayLike, ArrayLike, float] | None, tolerance: float) -> Finding:
    """Check whether a reported area under the precision-recall curve is the trapezoidal one.

    The points of the curve cannot be joined by straight lines (Davis and Goadrich, 2006), least of all if many rows
    share a score; average precision is the step-wise area.
    """
    name = "area"
    if curve is None:
        return Finding(
            name, NOT_CHECKED, "No scores were given.", "Pass Claims(curve=(y_true, y_score, reported_area))."
        )
    y_true, y_score, reported = np.asarray(curve[0]), np.asarray(curve[1]), float(curve[2])
    precision, recall, _ = precision_recall_curve(y_true, y_score)
    ranks, _ = metrics.ranks_of_positives(y_true, y_score)
    steps = {
        "average precision": float(average_precision_score(y_true, y_score)),
        "average precision, ties against": metrics.average_precision(ranks),
    }
    trapezoids = {"trapezoid": float(auc(recall, precision)), "trapezoid over ranks": metrics.trapezoid_area(ranks)}
    evidence = {"reported": reported, **steps, **trapezoids}
    summary = (
        f"Reported is {reported:.4f}, {reported - steps['average precision']:+.4f} from the average precision of "
        f"{steps['average precision']:.4f}; the trapezoid is {trapezoids['trapezoid']:.4f}."
    )
    if min(abs(reported - value) for value in steps.values()) <= tolerance:
        return Finding(name, PASSED, summary, evidence=evidence)
    if min(abs(reported - value) for value in trapezoids.values()) <= tolerance:
        return Finding(name, FAILED, summary, "Report average precision instead of the trapezoid.", evidence)
    return Finding(name, NOT_CHECKED, f"{summary} It is neither.", "Give the scores behind the area.", evidence)


def _hash_codes(codes: NDArray[np.int64], position: int) -> NDArray[np.uint64]:
    """A hash per code that depends on the position of the column."""
    values = pd.util.hash_array(codes)
    odd = (2 * position + 3) * 0x9E3779B97F4A7C15 % 2**64  # multiplying by an odd number is one-to-one
    values = values * np.uint64(odd)
    return values ^ (values >> np.uint64(29))


def draw(positions: NDArray, limit: int, seed: int) -> NDArray[np.int64]:
    """All positions, or a random sample of `limit` of them in ascending order."""
    if len(positions) <= limit:
        return positions
    return np.sort(np.random.default_rng(seed).choice(positions, limit, replace=False))


def nearest(real: NDArray, queries: NDArray, n_neighbors: int) -> NDArray[np.int64]:
    """Positions of the nearest rows of `real`, nearest first, of shape (n_queries, n_neighbors)."""
    try:  # the same search, several times faster; x86-64 only
        from sklearnex.neighbors import NearestNeighbors
    except ImportError:
        from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=n_neighbors, algorithm="brute").fit(real.astype(np.float32))
    return search.kneighbors(queries.astype(np.float32), return_distance=False)


def examples(rows: NDArray[np.bool_]) -> tuple[int, ...]:
    """Positions of the first few rows that are true."""
    return tuple(int(position) for position in np.flatnonzero(rows)[:N_EXAMPLES])
