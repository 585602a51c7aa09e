"""Compare columns of two frames by value, whatever their types.

The same rows, read twice, may have different types: a code is text in one and a number in the other, a gap turns
integers into floats, a file stores fewer digits. Values that cannot be compared are refused, not guessed.
"""

from __future__ import annotations

import datetime
import numbers
import re
from collections.abc import Hashable, Iterable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

NUMERAL = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf|infinity)", re.ASCII | re.IGNORECASE)
ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ].+)?", re.ASCII)
BOOLEAN_WORDS = {"true": 1, "false": 0}
MISSING_WORDS = dict.fromkeys(("nan", "none", "<na>", "nat"))  # missing values written as text
LONGEST_NUMERAL = 40
UNITS = ("s", "ms", "us", "ns")  # of time stamps, from coarse to fine
NUMBERS, TEXT, TIMES, ZONED, DURATIONS = "numbers", "text", "times without a zone", "times with a zone", "durations"

Codes = NDArray[np.int64]
Values = list[Hashable]


class IncomparableError(ValueError):
    """The values of two columns cannot be compared; the message says how they differ."""


def common_codes(first: pd.Series, second: pd.Series) -> tuple[Codes, Codes]:
    """A code per value of two columns: equal for equal values, -1 for missing ones.

    Numbers are compared by value, whether they are integers, floats, booleans or text that represents a number; times
    are equal if they are the same moment. If one side has lower precision (float32, seconds), both are rounded to it.
    Spaces around a text are ignored, and an empty text is a missing value. Two columns of text are compared as numbers
    or times only if no two texts of one side become equal.

    Raises
    ------
    IncomparableError
        If one column is text that does not represent the other's numbers or times, if times with a zone are
        compared with times without, or integers with floats too large to distinguish integers.
    """
    first, second = _to_dense(first), _to_dense(second)
    types = [_number_type(column.dtype) for column in (first, second)]
    if all(number_type is not None for number_type in types):  # NumPy takes None for float64 in comparisons
        return _codes_of_numbers(
            [_fill_missing(*side) for side in zip((first, second), types, strict=True)], first, second
        )
    codes, uniques = zip(*(_factorized(column) for column in (first, second)), strict=True)
    normalised = [[_normalise(value) for value in values] for values in uniques]
    has_booleans = any(isinstance(value, bool | np.bool_) for values in uniques for value in values)
    sides = _round_to_common_digits(_align_meaning(*normalised, has_booleans=has_booleans), first.dtype, second.dtype)
    known: dict[Hashable, int] = {}
    tables = [[-1 if value is None else known.setdefault(value, len(known)) for value in side] for side in sides]
    return tuple(np.array([*table, -1])[rows] for table, rows in zip(tables, codes, strict=True))


def written_like(reference: pd.Series, other: pd.Series, codes: tuple[Codes, Codes]) -> pd.Series:
    """`other` with its values written as in `reference`, so that what was fitted to one accepts the other.

    Parameters
    ----------
    reference, other : Series
    codes : (ndarray of shape (len(reference),), ndarray of shape (len(other),))
        What `common_codes` gives for them.
    """
    to_number, is_number = (_number_type(column.dtype) is not None for column in (reference, other))
    if (to_number and is_number) or (reference.dtype == other.dtype and reference.dtype != object):
        return other
    spelling = dict(zip(codes[0].tolist(), reference.to_numpy(object), strict=True))
    spelled = [_number(_normalise(value)) if to_number else value for value in other.to_numpy(object)]
    spelled = [str(value) if is_number and not to_number else value for value in spelled]
    rows = zip(codes[1].tolist(), spelled, strict=True)
    values = [None if code == -1 else spelling.get(code, value) for code, value in rows]
    return pd.Series(values, index=other.index, dtype=object).infer_objects()


def plain_values(column: pd.Series) -> set[Hashable]:
    """Distinct values without missing ones; text that represents a number becomes this number."""
    _, uniques = _factorized(_to_dense(column))
    return {_number(_normalise(value)) for value in uniques} - {None}


def _to_dense(column: pd.Series) -> pd.Series:
    """A column without categorical or sparse storage."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        categories = pd.array(column.cat.categories)
        return pd.Series(categories.take(column.cat.codes.to_numpy(), allow_fill=True), index=column.index)
    return column.sparse.to_dense() if isinstance(column.dtype, pd.SparseDtype) else column


def _number_type(dtype: Any) -> np.dtype | None:
    """NumPy's type for a column of real numbers or booleans, None for any other."""
    numpy_type = getattr(dtype, "numpy_dtype", dtype)
    return numpy_type if isinstance(numpy_type, np.dtype) and numpy_type.kind in "biuf" else None


def _fill_missing(column: pd.Series, number_type: np.dtype) -> NDArray:
    """The numbers of a column; missing values become zero if the type cannot represent them."""
    if isinstance(column.dtype, np.dtype):
        return column.to_numpy()
    return column.to_numpy(number_type, na_value=number_type.type(0))


def _codes_of_numbers(arrays: list[NDArray], first: pd.Series, second: pd.Series) -> tuple[Codes, Codes]:
    codes, _ = pd.factorize(np.concatenate(_to_common_type(*arrays)))
    codes[np.concatenate([first.isna(), second.isna()])] = -1
    return codes[: len(first)], codes[len(first) :]


def _to_common_type(first: NDArray, second: NDArray) -> tuple[NDArray, NDArray]:
    """Both arrays in a type that holds the values of either, or in the lower precision of the two."""
    floats = [array for array in (first, second) if array.dtype.kind == "f"]
    integers = [array for array in (first, second) if array.dtype.kind != "f"]
    if len(integers) == 1:
        _require_small(integers[0], floats[0], floats[0].dtype)
        common: Any = np.float64
    elif floats:
        common = min((array.dtype for array in floats), key=lambda dtype: dtype.itemsize)
    else:
        common = np.int64 if max(array.max(initial=0) for array in integers) <= np.iinfo(np.int64).max else object
    with np.errstate(over="ignore"):
        return tuple(array.astype(common) + (0.0 if floats else 0) for array in (first, second))


def _require_small(integers: Iterable, floats: Iterable, float_type: np.dtype) -> None:
    """Refuse integers beside floats if both exceed the range in which floats distinguish integers."""
    digits = np.finfo(float_type).nmant + 1
    integers, floats = (np.asarray(list(values), dtype=np.float64) for values in (integers, floats))
    if all(np.any(np.abs(values[np.isfinite(values)]) >= 2**digits) for values in (integers, floats)):
        raise IncomparableError(f"integers beside {float_type} values too large to distinguish integers")


def _factorized(column: pd.Series) -> tuple[Codes, Iterable]:
    """Codes and distinct values of a column; values that cannot be hashed are converted to text."""
    try:
        return pd.factorize(column)
    except TypeError:
        return pd.factorize(column.map(str, na_action="ignore"))


def _normalise(value: Any) -> Hashable:
    """A value as None, int, float, text, time stamp or duration; as in Python, 1 and 1.0 are equal."""
    if isinstance(value, bytes):
        value = value.decode(errors="surrogateescape")
    if isinstance(value, str):
        return value.strip() or None
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    if isinstance(value, numbers.Integral | np.bool_):
        return int(value)
    if isinstance(value, numbers.Real | Decimal):
        is_integer = isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value()
        return int(value) if is_integer else float(value)
    if isinstance(value, datetime.date | np.datetime64):
        return pd.Timestamp(value)
    return pd.Timedelta(value) if isinstance(value, datetime.timedelta | np.timedelta64) else str(value)


def _kind(value: Hashable) -> str:
    if isinstance(value, pd.Timestamp):
        return TIMES if value.tz is None else ZONED
    if isinstance(value, pd.Timedelta):
        return DURATIONS
    return TEXT if isinstance(value, str) else NUMBERS


def _number(value: Hashable) -> Hashable:
    """The number that a text represents; other values are unchanged."""
    if not isinstance(value, str) or len(value) > LONGEST_NUMERAL or not NUMERAL.fullmatch(value):
        return value
    return int(value) if value.lstrip("+-").isdigit() else float(value)


def _time(value: Hashable) -> Hashable:
    """The time stamp that a text such as 2013-09-01 12:30 represents; other values are unchanged."""
    if not isinstance(value, str) or not ISO_DATE.fullmatch(value):
        return value
    try:
        return pd.Timestamp(value)
    except ValueError:
        return value


def _align_meaning(first: Values, second: Values, *, has_booleans: bool) -> tuple[Values, Values]:
    """Values of two columns, with texts converted to the other column's kind; IncomparableError if this fails."""
    kinds = _kinds(first) | _kinds(second)
    if kinds <= {TEXT}:
        return _texts(first, second)
    words = MISSING_WORDS | (BOOLEAN_WORDS if has_booleans else {})
    read = _number if kinds <= {TEXT, NUMBERS} else _time
    first, second = (
        [words.get(value.lower(), read(value)) if isinstance(value, str) else value for value in side]
        for side in (first, second)
    )
    first_kinds, second_kinds = _kinds(first), _kinds(second)
    # A column of codes may mix numbers and text; a column of numbers alone is not compared with text.
    is_mixed = first_kinds | second_kinds <= {TEXT, NUMBERS} and {NUMBERS} not in (first_kinds, second_kinds)
    if first_kinds and second_kinds and first_kinds != second_kinds and not is_mixed:
        raise IncomparableError(f"{_describe(first, second_kinds)} beside {_describe(second, first_kinds)}")
    return first, second


def _texts(first: Values, second: Values) -> tuple[Values, Values]:
    """Texts of two columns, converted to numbers or times if no two of one column become equal."""
    for read in (_number, _time):
        read_first, read_second = ([read(value) for value in side] for side in (first, second))
        if len(set(read_first)) == len(set(first)) and len(set(read_second)) == len(set(second)):
            first, second = read_first, read_second
    return first, second


def _kinds(values: Values) -> set[str]:
    return {_kind(value) for value in values if value is not None}


def _describe(values: Values, other_kinds: set[str]) -> str:
    """Describe a column by one of its values, if possible of a kind that the other column lacks."""
    present = [value for value in values if value is not None]
    value = next((value for value in present if _kind(value) not in other_kinds), present[0])
    return f"{_kind(value)} such as {value!r}" if isinstance(value, str | int | float) else f"{_kind(value)}, {value}"


def _round_to_common_digits(sides: tuple[Values, Values], *types: Any) -> tuple[Values, Values]:
    """Numbers and times of two columns, rounded to the lower precision of the two types."""
    floats = {
        position: number_type
        for position, number_type in enumerate(map(_number_type, types))
        if number_type is not None and number_type.kind == "f"
    }
    if len(floats) == 1:
        ((position, float_type),) = floats.items()
        integers = [value for value in sides[1 - position] if isinstance(value, int)]
        _require_small(integers, [value for value in sides[position] if value is not None], float_type)
    units = {_time_unit(dtype) for dtype in types if dtype.kind == "M"}
    unit = min(units, key=UNITS.index) if len(units) == 2 else None
    digits = next((float_type for float_type in floats.values() if float_type.itemsize < 8), None)
    return tuple([_rounded(value, digits, unit) for value in side] for side in sides)


def _time_unit(dtype: Any) -> str:
    return getattr(dtype, "unit", None) or np.datetime_data(getattr(dtype, "numpy_dtype", dtype))[0]


def _rounded(value: Hashable, digits: np.dtype | None, unit: str | None) -> Hashable:
    if digits is not None and isinstance(value, int | float):
        with np.errstate(over="ignore"):
            return float(digits.type(value))
    return value.floor(unit) if unit is not None and isinstance(value, pd.Timestamp) else value
