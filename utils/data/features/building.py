"""From raw columns to features: numbers and categories unchanged, times and dates as calendar features."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from utils.config import ULB, DatasetConfig
from utils.data.errors import DataError
from utils.data.features import calendar
from utils.data.features.calendar import date_features, time_features
from utils.data.features.numbers import finite_numbers
from utils.data.reading.column_types import typed


def build_features(
    frame: pd.DataFrame, config: DatasetConfig = ULB, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Turn raw columns into the features of the protocol; stateless, so every row is transformed by itself.

    Parameters
    ----------
    frame : DataFrame
        Raw columns in any order; the label is not needed.
    config : DatasetConfig
        The roles of the columns.
    columns : sequence of str, optional
        Names and order of the features, such as a fitted model's ``feature_names_in_``; other columns are
        ignored. By default the `columns` of `config`, else all columns of `frame`, without label and `drop`.

    Returns
    -------
    DataFrame of shape (n_rows, n_features)
        float64, with the index of `frame`. The categories of a mixed table are columns of type `category`.

    Raises
    ------
    DataError
        If columns are missing (all are named), a value is not a number, or one is missing from a table that is not
        mixed.
    """
    if config.is_mixed:
        features = _mixed_features(frame, config)
        return features if columns is None else features[list(columns)]
    if columns is None:
        columns = _feature_names(frame.columns if config.columns is None else config.columns, config)
    derived = time_features(config)
    needed = [name for name in columns if name not in derived]
    _require_columns(frame, needed if len(needed) == len(columns) else [*needed, config.time])
    # pandas stores columns like a Fortran-ordered array, so no second copy is made.
    values = np.empty((len(frame), len(columns)), order="F")
    for position, name in enumerate(columns):
        number = finite_numbers(frame[config.time if name in derived else name])
        if name in derived:
            number = calendar.time_feature(calendar.elapsed_seconds(number, config), name)
        values[:, position] = number
    return pd.DataFrame(values, index=frame.index, columns=list(columns), copy=False)


def _require_columns(frame: pd.DataFrame, names: Iterable[str]) -> None:
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise DataError(f"Columns are missing: {', '.join(map(str, missing))}; add them to the table.")


def _feature_names(columns: Iterable[str], config: DatasetConfig) -> list[str]:
    names = [name for name in columns if name not in (config.label, config.time, *config.drop)]
    return [*names, config.time] if config.raw_time and config.time is not None else [*names, *time_features(config)]


def _mixed_features(frame: pd.DataFrame, config: DatasetConfig) -> pd.DataFrame:
    """Numbers as float64 and categories as text, either with gaps, and what times and dates give."""
    _require_columns(frame, raw_columns(config))
    kept = [name for name in (*config.numbers, *config.categorical) if name != config.time]
    columns = dict(typed(frame[kept], numeric=config.numbers, categorical=config.categorical).items())
    times = _times(frame, config)
    if config.raw_time and config.time is not None:
        columns[config.time] = times
    row_seconds = None if times is None else calendar.elapsed_seconds(times, config)
    columns |= {name: calendar.time_feature(row_seconds, name) for name in time_features(config)}
    seconds = {name: calendar.to_seconds(frame[name]) for name in config.dates if name != config.time}
    for name, source in date_features(config).items():
        columns[name] = calendar.date_feature(seconds[source], name, row_seconds)
    return pd.DataFrame(columns, index=frame.index)


def _times(frame: pd.DataFrame, config: DatasetConfig) -> np.ndarray | None:
    """Dates in seconds since 1970, or numbers in the unit of the file."""
    if config.time is None:
        return None
    is_date = config.time in config.dates
    return calendar.to_seconds(frame[config.time]) if is_date else finite_numbers(frame[config.time])


def raw_columns(config: DatasetConfig) -> tuple[str, ...]:
    """Columns of a mixed table that its features come from."""
    time = () if config.time is None else (config.time,)
    names = (*time, *config.numbers, *config.categorical, *config.dates)
    return tuple(dict.fromkeys(names))
