"""Columns as finite numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from utils.data.errors import DataError

NUMBER = "is not a finite number"


def to_numbers(column: pd.Series) -> pd.Series:
    """Values as float64, NaN if a value is not a number; dates and categories count as text."""
    if not pd.api.types.is_numeric_dtype(column):
        column = column.map(str)
    return pd.to_numeric(column, errors="coerce").astype("float64", copy=False)


def finite_numbers(column: pd.Series) -> np.ndarray:
    """The column as finite floats; a DataError names the first value that is not one."""
    values = to_numbers(column).to_numpy()
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise DataError(
            f"Column '{column.name}', row {bad[0] + 1}: '{column.iloc[bad[0]]}' {NUMBER}; correct the value."
        )
    return values
