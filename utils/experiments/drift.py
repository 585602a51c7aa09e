"""Changes over time: positives by the hour, drift of the features, and whether a model can distinguish periods.

A period is an array of positions in a dataset. Days are counted from the first row. Only `positive_rates` and
`by_hour` read labels; `by_hour` can leave out those of the test set.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest

from utils.data.errors import DataError
from utils.data.features.calendar import SECONDS_PER_DAY, elapsed_seconds, time_features
from utils.data.loading import Dataset
from utils.data.splits import split_off_test
from utils.experiments.fidelity import two_sample_auc
from utils.metrics import as_numbers
from utils.seeding import child_seed

Positions = NDArray[np.int64]
Comparisons = dict[str, tuple[Positions, Positions]]

SECONDS_PER_HOUR = 3600
ALL_HOURS, SAME_HOURS = "all hours", "same hours"
MAX_PERIODS = 10  # that a study's time is divided into
MAX_STEPS = 240  # of a feature's median over time
MIN_ROWS = 10  # of a period, for a model that tells it from another
N_BINS = 10  # of the population stability index, as is usual


def seconds(dataset: Dataset) -> NDArray[np.float64]:
    """Seconds of every row since the first day began; a day begins at a multiple of 24 hours.

    Raises
    ------
    DataError
        If the dataset has no time column.
    """
    if dataset.config.time is None:
        raise DataError(
            f"{dataset.config.path.name} has no time column, so change over time cannot be measured; "
            "name one in DatasetConfig if there is one."
        )
    times = elapsed_seconds(dataset.frame[dataset.config.time], dataset.config)
    return times - times.min() // SECONDS_PER_DAY * SECONDS_PER_DAY


def starts(dataset: Dataset, periods: dict[str, Positions]) -> dict[str, dict[str, int]]:
    """The second in which each period begins, as a column of a table; no column without a time column.

    Of more than `MAX_PERIODS` days, it is the number of days since the first day began.
    """
    if dataset.config.time is None:
        return {}
    times = seconds(dataset)
    name, unit = ("from day", SECONDS_PER_DAY) if _n_days(times) > MAX_PERIODS else ("from second", 1)
    return {name: {period: int(times[rows[0]] // unit) for period, rows in periods.items()}}


def has_hours(dataset: Dataset) -> bool:
    """Whether hours of the day can be looked at: not where all times are dates; True without a time column."""
    return dataset.config.time is None or np.unique(hours_of_day(dataset)).size > 1


def days(dataset: Dataset) -> dict[str, Positions]:
    """Rows of each day, 'day 1' onwards; days without a row are left out.

    More than `MAX_PERIODS` days are joined to as many periods of equal length, 'period 1' onwards.
    """
    times = seconds(dataset)
    n_days = _n_days(times)
    unit, length = ("day", 1) if n_days <= MAX_PERIODS else ("period", -(-n_days // MAX_PERIODS))
    numbers = (times // (length * SECONDS_PER_DAY)).astype(np.int64)
    return {f"{unit} {number + 1}": np.flatnonzero(numbers == number) for number in np.unique(numbers)}


def _n_days(times: NDArray[np.float64]) -> int:
    """Days from the first row to the last, both included."""
    return int(times.max() // SECONDS_PER_DAY) + 1


def comparisons(dataset: Dataset, test_fraction: float = 0.2) -> Comparisons:
    """The pairs of periods that the study compares: first day to last day, development to test.

    A dataset of a single day has only the second pair.
    """
    periods = list(days(dataset).items())
    (first, earlier), (last, later) = periods[0], periods[-1]
    pairs = {f"{first} to {last}": (earlier, later)} if len(periods) > 1 else {}
    return pairs | {"development to test": split_off_test(dataset, test_fraction)}


def hours_of_day(dataset: Dataset) -> NDArray[np.int64]:
    """Hour of the day of every row, 0 to 23."""
    return (seconds(dataset) % SECONDS_PER_DAY // SECONDS_PER_HOUR).astype(np.int64)


def match_hours(dataset: Dataset, first: Positions, second: Positions, *, seed: int = 0) -> tuple[Positions, Positions]:
    """Rows of both periods, drawn so that every hour of the day has the same number of rows in both.

    Raises
    ------
    DataError
        If the periods have no hour of the day in common.
    """
    hours, rng = hours_of_day(dataset), np.random.default_rng(child_seed(seed, "hours"))
    selected: list[list[Positions]] = [[], []]
    for hour in np.intersect1d(hours[first], hours[second]):
        candidates = [period[hours[period] == hour] for period in (first, second)]
        size = min(map(len, candidates))
        for positions, rows in zip(selected, candidates, strict=True):
            positions.append(rng.choice(rows, size, replace=False))
    if not selected[0]:
        raise DataError(
            f"{dataset.config.path.name}: the two periods have no hour of the day in common; "
            "compare longer ones, or all hours."
        )
    return np.sort(np.concatenate(selected[0])), np.sort(np.concatenate(selected[1]))


def positive_rates(dataset: Dataset, periods: dict[str, Positions]) -> pd.DataFrame:
    """Share of positives in each period with Wilson's (1927) 95 % interval.

    The interval assumes that positives are independent; if they come in bursts, it is too narrow.

    Returns
    -------
    DataFrame
        Indexed by period: rows, positives, rate, low, high.
    """
    labels = dataset.y.to_numpy()
    shares = [_share(int(labels[rows].sum()), len(rows)) for rows in periods.values()]
    return pd.DataFrame(shares, index=pd.Index(periods, name="period"))


def _share(positives: int, rows: int) -> dict[str, float]:
    interval = binomtest(positives, rows).proportion_ci(method="wilson")
    return {"rows": rows, "positives": positives, "rate": positives / rows, "low": interval.low, "high": interval.high}


def by_hour(dataset: Dataset, periods: dict[str, Positions], unlabelled: Collection[str] = ()) -> pd.DataFrame:
    """Rows, positives and the share of positives by hour of the day, period by period.

    Parameters
    ----------
    dataset : Dataset
        With a time column.
    periods : dict of str to array of positions
        Periods without gaps.
    unlabelled : collection of str
        Periods whose labels are not read, such as the test set: their positives, rate and interval are NaN.

    Returns
    -------
    DataFrame
        Columns period, hour, rows, positives, rate, low, high (Wilson's 95 % interval of the rate), and covered: the
        time that the period spends in this hour of the day, in hours, such as 1.5 for a full hour and a half one.
        There is a row for each period and hour of the day that has rows.
    """
    times, hours, labels = seconds(dataset), hours_of_day(dataset), dataset.y.to_numpy()
    table = []
    for name, rows in periods.items():
        covered = _hours_covered(times[rows])
        for hour in np.unique(hours[rows]):
            in_hour = rows[hours[rows] == hour]
            share = {"rows": len(in_hour), **dict.fromkeys(("positives", "rate", "low", "high"), np.nan)}
            if name not in unlabelled:
                share = _share(int(labels[in_hour].sum()), len(in_hour))
            table.append({"period": name, "hour": int(hour), **share, "covered": covered[hour]})
    return pd.DataFrame(table)


def _hours_covered(times: NDArray) -> NDArray[np.float64]:
    """Hours between the first and the last of some times, by hour of the day; shape (24,)."""
    start, end = times.min(), times.max() + 1  # times are in whole seconds, and the last second counts
    ticks = np.arange(start // SECONDS_PER_HOUR, end // SECONDS_PER_HOUR + 1) * SECONDS_PER_HOUR
    lengths = np.minimum(end, ticks + SECONDS_PER_HOUR) - np.maximum(start, ticks)
    hours = (ticks % SECONDS_PER_DAY // SECONDS_PER_HOUR).astype(np.int64)
    return np.bincount(hours, weights=lengths, minlength=24) / SECONDS_PER_HOUR


def hourly_medians(dataset: Dataset, features: Sequence[str]) -> pd.DataFrame:
    """Median of some features in every hour since the first day began, in standard deviations over all rows.

    Where there are more than `MAX_STEPS` hours, several are joined.

    Returns
    -------
    DataFrame of shape (n_hours, n_features)
        Index: the first of the hours; hours without a row are left out. A constant feature is 0.
    """
    values = as_numbers(timeless(dataset)[list(features)])
    times = seconds(dataset)
    step = -(-int(times.max() // SECONDS_PER_HOUR + 1) // MAX_STEPS)
    hours = pd.Index(times // SECONDS_PER_HOUR // step * step, name="hour").astype(np.int64)
    deviations = values.std().replace(0, np.nan)
    return ((values - values.mean()) / deviations).fillna(0.0).groupby(hours).median()


def timeless(dataset: Dataset) -> pd.DataFrame:
    """Features without the time and what comes from it; raw columns, but of a mixed table what models see."""
    config = dataset.config
    if config.is_mixed:
        return dataset.X.drop(columns=list(time_features(config)), errors="ignore")  # there may be none of the hour
    roles = (config.label, config.time, config.group)
    return dataset.frame.drop(columns=[name for name in roles if name is not None])


def feature_drift(dataset: Dataset, pairs: Comparisons, *, n_divisions: int = 20, seed: int = 0) -> pd.DataFrame:
    """Distance between the two periods of each pair, feature by feature, beside the distance that occurs by chance.

    With this many rows every test rejects, so the size of a change is reported. It is measured over all hours and over
    the same hours (`match_hours`), because periods at different times of day differ for that reason alone. The distance
    by chance is the largest one over random divisions of the same rows into parts of the same sizes.

    Parameters
    ----------
    dataset : Dataset
        With a time column; see `timeless` for the features, and `as_numbers` for categories. Gaps are left out.
    pairs : dict of str to pair of positions
        Such as from `comparisons`.
    n_divisions : int
        Random divisions that show how large the distances are by chance.
    seed : int
        Seed of the rows drawn and of the random divisions.

    Returns
    -------
    DataFrame
        Columns comparison, hours ('all hours' or 'same hours'), feature; ks, the Kolmogorov-Smirnov statistic in
        [0, 1]; psi, the population stability index over deciles of both periods together (below 0.1 a change is
        usually called small, above 0.25 large; Siddiqi, 2006); ks_chance, psi_chance.
    """
    X = as_numbers(timeless(dataset))
    tables = []
    for name, hours, (first, second) in _with_same_hours(dataset, pairs, seed):
        is_second = _divisions(len(first), len(second), n_divisions, child_seed(seed, "divisions", name, hours))
        values = X.iloc[np.concatenate([first, second])]
        for feature in X:
            known = values[feature].notna().to_numpy()
            if np.unique(is_second[0, known]).size < 2:  # the feature has no value in one of the periods
                continue
            ks, psi = distances(values[feature][known], is_second[:, known])
            row = {"ks": ks[0], "psi": psi[0], "ks_chance": ks[1:].max(), "psi_chance": psi[1:].max()}
            tables.append({"comparison": name, "hours": hours, "feature": feature, **row})
    return pd.DataFrame(tables)


def _with_same_hours(dataset: Dataset, pairs: Comparisons, seed: int) -> list[tuple[str, str, tuple]]:
    """Each pair over all hours and, if there are hours and the periods have some in common, over the same hours."""
    clock, cases = hours_of_day(dataset), []
    for name, pair in pairs.items():
        cases.append((name, ALL_HOURS, pair))
        if has_hours(dataset) and np.intersect1d(*(clock[period] for period in pair)).size:
            cases.append((name, SAME_HOURS, match_hours(dataset, *pair, seed=seed)))
    return cases


def _divisions(n_first: int, n_second: int, n_divisions: int, seed: int) -> NDArray[np.bool_]:
    """Which rows are in the second period: as it is, and in random divisions; shape (1 + n_divisions, n_rows)."""
    rng = np.random.default_rng(seed)
    actual = np.arange(n_first + n_second) >= n_first
    return np.array([actual, *(rng.permutation(actual) for _ in range(n_divisions))])


def distances(values: ArrayLike, is_second: NDArray[np.bool_]) -> tuple[NDArray, NDArray]:
    """Kolmogorov-Smirnov statistic and population stability index of many divisions of one sample.

    The values are sorted once for all divisions; a call of `scipy.stats.ks_2samp` for each would take minutes.

    Parameters
    ----------
    values : array of shape (n_rows,)
    is_second : bool array of shape (n_divisions, n_rows)
        Which values belong to the second part; neither part is empty.

    Returns
    -------
    ks, psi : arrays of shape (n_divisions,)
    """
    values = np.asarray(values)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    last = np.flatnonzero(np.r_[ordered[1:] != ordered[:-1], True])  # of each run of equal values
    deciles = np.quantile(ordered, np.linspace(0, 1, N_BINS + 1)[1:])
    edges = np.unique(np.searchsorted(ordered[last], deciles))
    ks, psi = np.empty(len(is_second)), np.empty(len(is_second))
    for number, division in enumerate(is_second):
        second = np.cumsum(division[order])[last]
        first = last + 1 - second
        ks[number] = np.abs(second / second[-1] - first / first[-1]).max()
        psi[number] = _stability_index(np.diff(first[edges], prepend=0), np.diff(second[edges], prepend=0))
    return ks, psi


def _stability_index(first: NDArray, second: NDArray) -> float:
    """Population stability index of two histograms; half a row is added to each bin, so that none is empty."""
    expected, observed = ((counts + 0.5) / (counts + 0.5).sum() for counts in (first, second))
    return float(np.sum((observed - expected) * np.log(observed / expected)))


def separability(dataset: Dataset, pairs: Comparisons, *, max_rows: int = 15_000, seed: int = 0) -> pd.DataFrame:
    """How well a model distinguishes the two periods of each pair; see `tell_apart`.

    Returns
    -------
    DataFrame
        Columns comparison, hours, rows (of both periods together), roc_auc.
    """
    return pd.DataFrame(
        {
            "comparison": name,
            "hours": hours,
            "rows": len(first) + len(second),
            "roc_auc": tell_apart(dataset, first, second, max_rows=max_rows, seed=seed),
        }
        for name, hours, (first, second) in _with_same_hours(dataset, pairs, seed)
    )


def tell_apart(
    dataset: Dataset, first: Positions, second: Positions, *, max_rows: int = 15_000, seed: int = 0
) -> float:
    """ROC AUC on held-out rows of a model that learns to distinguish the second period from the first.

    A value of 0.5 means that the features (`timeless`) do not distinguish the periods. Rows that differ in time alone
    count once, so that no row is recognised by its copy, and at most `max_rows` of each period are drawn. See
    `fidelity.two_sample_auc`. It is NaN if a period has fewer than `MIN_ROWS` such rows.
    """
    rng = np.random.default_rng(child_seed(seed, "rows"))
    X = as_numbers(timeless(dataset))
    X = X.fillna(X.median()).fillna(0.0)
    samples = []
    for period in (first, second):
        distinct = period[~X.iloc[period].duplicated().to_numpy()]
        samples.append(X.iloc[rng.choice(distinct, min(max_rows, len(distinct)), replace=False)])
    if min(map(len, samples)) < MIN_ROWS:
        return float("nan")
    return two_sample_auc(*samples, n_repeats=1, random_state=child_seed(seed, "model"))
