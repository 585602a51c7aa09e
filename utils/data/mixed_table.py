"""Read a mixed table: the columns that a study lists by kind, in their types, with gaps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from utils.data.errors import ColumnError, DataError
from utils.data.features import calendar
from utils.data.features.numbers import finite_numbers
from utils.data.reading import read_raw
from utils.data.reading.column_types import as_categories, typed
from utils.data.reading.labels import label_texts
from utils.dataset_config import KINDS, DatasetConfig

MAX_SHOWN = 3  # rows that a message names


def read_mixed_table(path: Path, config: DatasetConfig) -> pd.DataFrame:
    """The label as int64, numbers as float64, categories, dates, and the time in seconds; other columns are left out.

    Raises
    ------
    DataError
        If the file cannot be read, lacks a column, or holds a value that is not of its column's kind; the message
        names file, column and row.
    """
    raw = read_raw(path, config.drop, label=config.label, spellings=config.spellings)
    _require_columns(raw, path, config)
    try:
        columns = {config.label: as_labels(raw[config.label], config.positive, config.negative)}
        if config.time is not None:
            columns[config.time] = _times(raw[config.time], config)
        if config.group is not None:
            columns[config.group] = as_categories(raw[config.group])
        features = typed(
            raw,
            numeric=config.numbers,
            categorical=config.categorical,
            dates=[name for name in config.dates if name != config.time],
            spellings=config.spellings,
        )
    except DataError as error:
        raise DataError(f"{path.name}: {error}") from None
    return pd.DataFrame(columns | dict(features.items()))


def _require_columns(raw: pd.DataFrame, path: Path, config: DatasetConfig) -> None:
    if not any(getattr(config, kind) for kind in KINDS):
        raise ColumnError(
            f"The study of {path.name} lists no features; add columns to `numeric`, `categorical` or `dates`."
        )
    roles = [name for name in (config.label, config.time, config.amount, config.group) if name is not None]
    needed = dict.fromkeys([*roles, *config.numbers, *config.categorical, *config.dates])
    missing = [name for name in needed if name not in raw]
    if missing:
        raise ColumnError(
            f"{path.name} has no column {', '.join(map(repr, missing))[:200]}; correct the study's file.", missing
        )


def as_labels(column: pd.Series, positive: tuple[str, ...] = (), negative: tuple[str, ...] = ()) -> pd.Series:
    """Labels as int64: 1 where the value is one of `positive`, compared as text; by default '1'.

    Upper and lower case count as equal, unless the two classes differ in nothing else.

    Raises
    ------
    DataError
        If a label is missing, no label is positive, all are, or one is not in `negative` either where that is given.
    """
    spellings = [value.strip() for value in positive or ("1",)]
    texts = label_texts(column, spellings, negative)
    if texts.null_count:
        row = int(np.flatnonzero(texts.is_null().to_numpy(zero_copy_only=False))[0]) + 1
        raise DataError(
            f"Column '{column.name}', row {row}: {texts.null_count:,} labels are missing; write them, or remove the "
            "rows."
        )
    labels = _are_in(pc.utf8_lower(texts), [value.lower() for value in spellings])
    exact = _are_in(texts, spellings)
    labels = (exact if labels.all() and exact.any() else labels).astype(np.int64)  # classes may differ in case only
    if negative:
        others = _are_in(pc.utf8_lower(texts), [value.strip().lower() for value in negative])
        _refuse_others(column, texts, ~(others | (labels == 1)))
    if labels.min() == labels.max():
        which = "every row is" if labels[0] else "no row is"
        names = " or ".join(map(repr, spellings))
        raise DataError(f"Column '{column.name}': {which} {names}; correct `positive` in the study's file.")
    return pd.Series(labels, index=column.index, name=column.name)


def _refuse_others(column: pd.Series, texts: pa.Array, is_other: np.ndarray) -> None:
    """Raise DataError about labels of neither class."""
    rows = np.flatnonzero(is_other)
    if not rows.size:
        return
    shown = ", ".join(str(row + 1) for row in rows[:MAX_SHOWN])
    more = f" and {len(rows) - MAX_SHOWN:,} more" if len(rows) > MAX_SHOWN else ""
    raise DataError(
        f"Column '{column.name}', row{'s' * (len(rows) > 1)} {shown}{more}: the label '{texts[int(rows[0])]}' is of "
        "neither class; correct it, or add it to `positive` or `negative` in the study's file."
    )


def _are_in(texts: pa.Array, values: list[str]) -> np.ndarray:
    return pc.is_in(texts, value_set=pa.array(values, texts.type)).to_numpy(zero_copy_only=False)


def _times(column: pd.Series, config: DatasetConfig) -> pd.Series:
    """Seconds, all finite."""
    if config.time not in config.dates:
        return pd.Series(finite_numbers(column), index=column.index, name=column.name)
    seconds = calendar.to_seconds(column, config.spellings.has_day_first(config.time))
    missing = np.flatnonzero(np.isnan(seconds))
    if missing.size:
        raise DataError(
            f"Column '{column.name}', row {missing[0] + 1}: {missing.size:,} times are missing, and rows are ordered "
            "by time; write them, remove the rows, or leave out `time`."
        )
    return pd.Series(seconds, index=column.index, name=column.name)
