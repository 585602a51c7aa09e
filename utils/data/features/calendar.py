"""Times and dates as features: points on the circles of day, week and year, and distances in days."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from utils.data.reading.column_types import as_dates
from utils.dataset_config import TIME_UNITS, DatasetConfig

SECONDS_PER_DAY = 86_400
HOUR_FEATURES = ("hour_sin", "hour_cos")
WEEKDAY_FEATURES = ("weekday_sin", "weekday_cos")
EPOCH_WEEKDAY = 3  # 1 January 1970 was a Thursday; Monday is 0
DAYS_PER_YEAR = 365.2425


def to_seconds(dates: pd.Series, day_first: bool | None = None) -> NDArray[np.float64]:
    """Seconds since 1970 of shape (n_rows,), NaN where a date is missing; see `as_dates`."""
    moments = as_dates(dates, day_first)
    seconds = moments.to_numpy().astype("datetime64[ns]").astype(np.int64) / 1e9
    return np.where(moments.isna(), np.nan, seconds)


def elapsed_seconds(times: ArrayLike, config: DatasetConfig) -> NDArray[np.float64]:
    """Seconds of the values of a dataset's time, of shape (n_rows,), which are in the unit of the file."""
    return np.asarray(times, dtype=float) * TIME_UNITS[config.time_unit]


def on_circle(values: NDArray[np.float64], period: float, name: str) -> NDArray[np.float64]:
    """The coordinate of `values` on a circle that closes after `period`: the sine if `name` ends in 'sin'."""
    angle = values % period * (2 * np.pi / period)
    return np.sin(angle) if name.endswith("sin") else np.cos(angle)


def time_features(config: DatasetConfig) -> tuple[str, ...]:
    """Names of the features that the time column gives; the weekday is only known of dates."""
    if config.time is None or config.raw_time:
        return ()
    return HOUR_FEATURES + WEEKDAY_FEATURES if config.time in config.dates else HOUR_FEATURES


def has_clock(seconds: NDArray[np.float64]) -> bool:
    """Whether times have different hours of the day; those of dates without a time of day are all the same."""
    of_day = seconds % SECONDS_PER_DAY
    return bool((of_day != of_day[:1]).any())


def date_features(config: DatasetConfig) -> dict[str, str]:
    """Names of the features that the other dates give, and the column that each comes from.

    A date is known to a model by its distance in days to the time of its row. Without dates in the time column it is
    known by its year and its place in the year; beside the distance these would tell the absolute time of the row.
    """
    weekday = ("weekday_sin", "weekday_cos")
    endings = ("days_before",) if config.time in config.dates else ("year", "month_sin", "month_cos")
    return {f"{name}_{ending}": name for name in config.dates if name != config.time for ending in (*endings, *weekday)}


def time_feature(seconds: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """A feature of `time_features`, from seconds."""
    if name in HOUR_FEATURES:
        return on_circle(seconds, SECONDS_PER_DAY, name)
    return on_circle(np.floor(seconds / SECONDS_PER_DAY) + EPOCH_WEEKDAY, 7, name)


def date_feature(
    seconds: NDArray[np.float64], name: str, row_seconds: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """A feature of `date_features`, from the seconds of the date and of the row."""
    if name.endswith("days_before"):
        return (row_seconds - seconds) / SECONDS_PER_DAY
    days = np.floor(seconds / SECONDS_PER_DAY)
    if "_weekday_" in name:
        return on_circle(days + EPOCH_WEEKDAY, 7, name)
    known = np.nan_to_num(days).astype("datetime64[D]")
    years = known.astype("datetime64[Y]")
    if name.endswith("year"):
        return np.where(np.isnan(days), np.nan, 1970 + years.astype(np.int64))
    day_of_year = (known - years.astype("datetime64[D]")).astype(np.int64)
    return on_circle(np.where(np.isnan(days), np.nan, day_of_year), DAYS_PER_YEAR, name)
