"""Labels, column names and column types as JSON, without loss."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

PLAIN = (str, bool, int, float, type(None))  # types that JSON distinguishes


def encode(value: Any) -> Any:
    """A label or a column's name as JSON: text, a number, a date, or a tuple of these.

    Raises
    ------
    TypeError
        If it is anything else.
    """
    if type(value) in PLAIN:
        return value
    if type(value) is tuple:
        return {"tuple": [encode(item) for item in value]}
    if isinstance(value, np.generic) and value.dtype.kind in "biufU":
        return {"numpy": [value.dtype.str, value.item()]}
    if isinstance(value, np.datetime64):
        return {"numpy": [value.dtype.str, str(value)]}
    if isinstance(value, pd.Timestamp):
        return {"timestamp": [value.isoformat(), value.tz and str(value.tz), value.unit]}
    if type(value) in (datetime, date):
        return {type(value).__name__: value.isoformat()}
    raise TypeError(f"{value!r} ({type(value).__name__}) cannot be saved; use text, numbers, dates or tuples of them.")


def decode(code: Any) -> Any:
    """Inverse of `encode`."""
    if not isinstance(code, dict):
        return code
    ((kind, content),) = code.items()
    if kind == "tuple":
        return tuple(map(decode, content))
    if kind == "numpy":
        return np.array(content[1], dtype=content[0])[()]
    if kind == "timestamp":
        text, zone, unit = content
        return (pd.Timestamp(text).tz_convert(zone) if zone else pd.Timestamp(text)).as_unit(unit)
    return {"datetime": datetime, "date": date}[kind].fromisoformat(content)


def encode_array(values: np.ndarray) -> dict[str, Any]:
    """A one-dimensional array of labels as JSON, with its type."""
    return {"dtype": values.dtype.str, "values": [encode(value) for value in values.tolist()]}


def decode_array(code: dict[str, Any]) -> np.ndarray:
    """Inverse of `encode_array`."""
    values = np.empty(len(code["values"]), dtype=code["dtype"])
    values[:] = [decode(value) for value in code["values"]]
    return values


def encode_index(index: pd.Index) -> dict[str, Any]:
    """Column names as JSON, with their type and levels."""
    names, values = ([encode(value) for value in items] for items in (index.names, index))
    return {"names": names, "dtype": None if isinstance(index, pd.MultiIndex) else str(index.dtype), "values": values}


def decode_index(code: dict[str, Any]) -> pd.Index:
    """Inverse of `encode_index`."""
    names, values = (list(map(decode, code[field])) for field in ("names", "values"))
    if code["dtype"] is None:
        return pd.MultiIndex.from_tuples(values, names=names)
    return pd.Index(values, dtype=code["dtype"], name=names[0], tupleize_cols=False)


def encode_dtype(dtype: Any) -> Any:
    """Type of a column, of NumPy or pandas, as JSON."""
    if isinstance(dtype, pd.CategoricalDtype):
        return {"categories": encode_index(dtype.categories), "ordered": dtype.ordered}
    if isinstance(dtype, pd.StringDtype):
        return f"string[{dtype.storage}]"
    return str(dtype)


def decode_dtype(code: Any) -> Any:
    """Inverse of `encode_dtype`."""
    if isinstance(code, dict):
        return pd.CategoricalDtype(decode_index(code["categories"]), code["ordered"])
    return pd.api.types.pandas_dtype(code)
