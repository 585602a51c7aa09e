"""From raw columns to features: numbers unchanged, and the hour of day as a point on the unit circle."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from utils.config import ULB, DatasetConfig
from utils.data.numbers import finite_numbers
from utils.data.reading import DataError

HOUR_FEATURES = ("hour_sin", "hour_cos")
SECONDS_PER_DAY = 86_400


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
        float64, with the index of `frame`.

    Raises
    ------
    DataError
        If columns are missing (all are named) or a value is not a finite number.
    """
    if columns is None:
        columns = _feature_names(frame.columns if config.columns is None else config.columns, config)
    derived = HOUR_FEATURES if config.time is not None and not config.raw_time else ()
    needed = [name for name in columns if name not in derived]
    _require_columns(frame, needed if len(needed) == len(columns) else [*needed, config.time])
    # pandas stores columns like a Fortran-ordered array, so no second copy is made.
    values = np.empty((len(frame), len(columns)), order="F")
    for position, name in enumerate(columns):
        values[:, position] = _hour(frame[config.time], name) if name in derived else finite_numbers(frame[name])
    return pd.DataFrame(values, index=frame.index, columns=list(columns), copy=False)


def _require_columns(frame: pd.DataFrame, names: Iterable[str]) -> None:
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise DataError(f"Columns are missing: {', '.join(map(str, missing))}; add them to the table.")


def _feature_names(columns: Iterable[str], config: DatasetConfig) -> list[str]:
    names = [name for name in columns if name not in (config.label, config.time, *config.drop)]
    return names + _time_features(config)


def _time_features(config: DatasetConfig) -> list[str]:
    if config.time is None:
        return []
    return [config.time] if config.raw_time else list(HOUR_FEATURES)


def _hour(seconds: pd.Series, name: str) -> np.ndarray:
    angle = finite_numbers(seconds) % SECONDS_PER_DAY * (2 * np.pi / SECONDS_PER_DAY)
    return np.sin(angle) if name == "hour_sin" else np.cos(angle)
