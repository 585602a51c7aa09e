"""Validation of a table: required columns, finite numbers, and a label of two values, of which 1 is the rarer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from utils.config import DatasetConfig
from utils.data.errors import ColumnError, DataError
from utils.data.features.calendar import HOUR_FEATURES
from utils.data.features.numbers import NUMBER, to_numbers
from utils.data.reading import decimal_hint, line_numbers

BINARY = "is neither 0 nor 1"
CORRECT = "correct these values, or remove the rows or the column"
MIN_COUNTED = 20  # rows from which a column that numbers them can be distinguished from chance

logger = logging.getLogger(__name__)


def check_columns(frame: pd.DataFrame, path: Path, config: DatasetConfig) -> None:
    """Refuse a table whose columns are not those of its configuration."""
    differing = set() if config.columns is None else set(config.columns) - set(config.drop) ^ set(frame.columns)
    if differing:
        names = ", ".join(sorted(map(repr, differing)))[:200]
        raise ColumnError(
            f"{path.name} and the columns of its DatasetConfig differ in {names}; list the columns of the file."
        )


def counts_rows(values: np.ndarray) -> bool:
    """Whether a column only numbers the rows: in any order, with any step, and possibly with some rows missing."""
    distinct = np.unique(values)
    if len(distinct) < max(MIN_COUNTED, len(values) * 2 / 3):
        return False
    steps = np.diff(distinct)
    steps = steps / np.median(steps)
    whole_steps = np.round(steps)
    return bool(
        np.abs(steps - whole_steps).max() < 1e-3
        and whole_steps.min() >= 1
        and len(distinct) > whole_steps.sum() * 2 / 3
    )


def warn_of_counters(counters: Sequence[str], config: DatasetConfig) -> None:
    """Log a warning about columns that only number the rows; once per process, however often the table is loaded."""
    if counters:
        names = ", ".join(map(repr, counters))
        _warn_once(
            f"{config.path.name} has columns that only number the rows, so that equal rows look different: "
            f"{names}; unless they are properties of a row, leave them out with DatasetConfig(..., drop=({names},))."
        )


@lru_cache
def _warn_once(sentence: str) -> None:
    logger.warning(sentence)  # not `warnings.warn`, which adds a path and a line of source


def check_rarity(frame: pd.DataFrame, config: DatasetConfig) -> None:
    """Refuse a label whose positive class is not the rarer one."""
    share = frame[config.label].mean()
    if share <= 0.5:
        return
    start = f"{config.path.name}, column '{config.label}': {share:.1%} of the rows"
    if not config.positive:
        raise DataError(f"{start} have the label 1, which must be the rarer class; exchange 0 and 1.")
    advice = "exchange `positive` and `negative`" if config.negative else "list the other values as `positive`"
    raise DataError(
        f"{start} are positive, and the positive class must be the rarer one; {advice} in the study's file."
    )


def validate(frame: pd.DataFrame, path: Path, config: DatasetConfig) -> pd.DataFrame:
    """Check the columns and convert them: int64 for the label, float64 for the others."""
    import pandera.pandas as pandera  # takes almost a second, and is not needed for a valid Parquet copy

    finite = pandera.Check(lambda column: np.isfinite(to_numbers(column)), ignore_na=False, error=NUMBER)
    binary = pandera.Check(lambda column: to_numbers(column).isin([0, 1]), ignore_na=False, error=BINARY)
    roles = [name for name in (config.label, config.time, config.amount) if name is not None]
    numbers = frame.apply(to_numbers)
    names = dict.fromkeys([*roles, *frame.columns[~np.isfinite(numbers).all()]])  # pandera takes 3 ms per column
    schema = pandera.DataFrameSchema(
        {name: pandera.Column(checks=binary if name == config.label else finite, nullable=True) for name in names}
    )
    try:
        schema.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        raise DataError(complaint(error.failure_cases, frame, path)) from None
    # Adding 0.0 turns -0.0 into 0.0, because equal rows must have equal bytes for their hashes.
    frame = (numbers + 0.0).astype({config.label: "int64"})
    _check_features(frame, path, config)
    if frame[config.label].nunique() < 2:
        raise DataError(
            f"{path.name}, column '{config.label}': every row has the label {frame[config.label].iloc[0]}; "
            "a file with both classes is needed."
        )
    return frame


def _check_features(frame: pd.DataFrame, path: Path, config: DatasetConfig) -> None:
    raw = [name for name in frame.columns if name not in (config.label, config.time)]
    if not raw:
        raise DataError(f"{path.name} has no column besides label and time; add the features.")
    reserved = [name for name in raw if name in HOUR_FEATURES]
    if reserved and config.time is not None:
        raise DataError(
            f"{path.name}, column '{reserved[0]}': a feature of this name is made from the time; rename it."
        )


def complaint(cases: pd.DataFrame, frame: pd.DataFrame, path: Path) -> str:
    """Summarise pandera's findings in one sentence about the first invalid column."""
    missing = cases.loc[cases["check"] == "column_in_dataframe", "failure_case"]
    if len(missing):
        return (
            f"{path.name} has no column {' or '.join(map(repr, missing))} among its columns "
            f"{', '.join(map(repr, frame.columns))[:200]}; add it or name another one in DatasetConfig."
        )
    column, check = cases[["column", "check"]].iloc[0]
    rows = np.sort(cases.loc[cases["column"] == column, "index"].to_numpy(dtype=np.int64))
    value = frame[column].iloc[rows[0]]
    value_text = "an empty value" if pd.isna(value) else repr(str(value)[:60])
    other_rows = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
    wrong_label = check == BINARY and not pd.isna(value)
    advice = "write 1 for the rare class and 0 for the other" if wrong_label else CORRECT
    hint = decimal_hint(str(value))
    lines = f"{line_numbers(path, rows[:3])}{other_rows}"
    return f"{path.name}, column '{column}', {lines}: {value_text} {check}{hint}; {advice}."
