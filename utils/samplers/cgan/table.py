"""Mixed tables (categories, text, booleans, numbers, dates, gaps) as arrays of floating-point numbers, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Tags

from utils.samplers.cgan.json_values import decode, decode_dtype, encode, encode_dtype
from utils.samplers.cgan.scaler import MIN_ROWS, as_type, check_labels

MAX_DECIMALS = 8
MAX_COUNT = 2.0**53  # the largest float up to which every integer is a float
NESTED = (list, dict, set, frozenset, tuple, np.ndarray, pd.Series, pd.DataFrame)
TEXT_OR_BOOL = {"string", "boolean", "mixed", "mixed-integer", "empty"}
NUMBERS = {"integer", "floating", "mixed-integer-float"}


def accepting_mixed_tables(tags: Tags) -> Tags:
    """Declare to scikit-learn that an estimator takes categories, text and gaps."""
    tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
    return tags


def is_mixed(X: Any) -> bool:
    """Whether `X` is a table with gaps or with columns that are not numbers or bools.

    Parameters
    ----------
    X : DataFrame or array-like

    Returns
    -------
    bool
        False for whatever is no two-dimensional DataFrame or array, too.
    """
    if isinstance(X, pd.DataFrame):
        return any(_is_mixed_column(X.iloc[:, position]) for position in range(X.shape[1]))
    if not isinstance(X, np.ndarray) or X.ndim != 2:
        return False
    if X.dtype.kind == "O":
        return any(_is_mixed_column(pd.Series(column).infer_objects()) for column in X.T)
    return X.dtype.kind == "f" and bool(np.isnan(X).any())


def _is_mixed_column(column: pd.Series) -> bool:
    if isinstance(column.dtype, pd.SparseDtype) or (isinstance(column.dtype, np.dtype) and column.dtype.kind == "c"):
        return False
    return not pd.api.types.is_numeric_dtype(column) or bool(column.isna().any())


def check_table(X: pd.DataFrame | np.ndarray, y: np.ndarray | pd.Series) -> tuple[pd.DataFrame, np.ndarray]:
    """Validate a mixed table and its labels.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n_rows, n_features)
    y : array or Series of shape (n_rows,)

    Returns
    -------
    tuple of DataFrame and ndarray

    Raises
    ------
    ValueError
        If the shapes do not match, a label is missing, or a class has fewer than MIN_ROWS rows.
    """
    frame, labels = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X), np.asarray(y)
    if labels.shape != (len(frame),):
        raise ValueError(f"X has shape {frame.shape} and y {labels.shape}; give (n, m) and (n,).")
    check_labels(labels)
    return frame, labels


GAPS = {"None": None, "nan": np.nan, "<NA>": pd.NA, "NaT": pd.NaT}


@dataclass(frozen=True)
class CategoryColumn:
    """Format of a column of categories, text or bools: each category is one of the numbers 0, 1, ...

    Attributes
    ----------
    dtype : type of the column
    values : tuple
        The categories in the order of their numbers.
    gap : str
        The gap of a column of Python objects, one of GAPS.
    """

    dtype: Any
    values: tuple
    gap: str = "None"

    @classmethod
    def of(cls, column: pd.Series) -> CategoryColumn:
        """The format of `column`."""
        values = _distinct_values(column)
        n_present = int(column.notna().sum())
        if len(values) == n_present > MIN_ROWS:
            raise ValueError(
                f"Column {column.name!r} has a different category in each of {n_present} rows; "
                "drop it, or convert it to numbers or dates."
            )
        if isinstance(column.dtype, pd.CategoricalDtype):
            values = tuple(column.cat.categories)
        return cls(column.dtype, values, _object_gap(column, "None"))

    def encode(self, column: pd.Series) -> np.ndarray:
        """The numbers of the categories; NaN for a gap."""
        if isinstance(self.dtype, pd.CategoricalDtype):
            numbers = column.cat.codes.to_numpy()
        else:
            numbers = pd.Index(self.values, dtype=object).get_indexer(column.astype(object))
        return np.where(numbers < 0, np.nan, numbers)

    def decode(self, numbers: np.ndarray) -> pd.Series:
        """The column that has these numbers."""
        positions = np.where(np.isnan(numbers), -1, numbers).astype(int)
        if isinstance(self.dtype, pd.CategoricalDtype):
            return pd.Series(pd.Categorical.from_codes(positions, dtype=self.dtype))
        values = np.empty(len(self.values) + 1, dtype=object)
        values[:-1], values[-1] = self.values, GAPS[self.gap]
        return pd.Series(values[positions], dtype=object).astype(self.dtype)

    def to_json(self) -> dict[str, Any]:
        """As JSON; a categorical type holds the categories itself."""
        facts = {"kind": "category", "dtype": encode_dtype(self.dtype), "gap": self.gap}
        return facts | {"values": None if "categories" in facts["dtype"] else [encode(value) for value in self.values]}

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> CategoryColumn:
        """Inverse of :meth:`to_json`."""
        dtype = decode_dtype(facts["dtype"])
        values = dtype.categories if facts["values"] is None else map(decode, facts["values"])
        return cls(dtype, tuple(values), facts["gap"])


@dataclass(frozen=True)
class Steps:
    """The largest step that all integers of a column share: they are origin, origin + step, origin + 2 step, ..."""

    origin: int
    step: int

    @classmethod
    def of(cls, integers: np.ndarray) -> Steps | None:
        """The steps of int64 numbers; None if they are too many steps apart to be counted by floats."""
        low, high = int(integers.min()), int(integers.max())
        if high - low >= np.iinfo(np.int64).max:
            return None
        step = int(np.gcd.reduce(integers - low)) or 1
        return cls(low, step) if (high - low) // step <= MAX_COUNT else None

    def count(self, integers: np.ndarray) -> np.ndarray:
        """Number of steps from the origin."""
        return ((integers - self.origin) // self.step).astype(float)

    def integers(self, counts: np.ndarray) -> np.ndarray:
        """The int64 numbers that are this many steps from the origin, rounded."""
        return self.origin + self.step * np.rint(counts).astype(np.int64)


@dataclass(frozen=True)
class NumberColumn:
    """Format of a column of numbers: counts of a step that all its values share, if they share one.

    Attributes
    ----------
    dtype : type of the column
    decimals : int
        Values are integers divided by ten to this power.
    steps : Steps or None
        None if the values are used as they are.
    gap : str
        The gap of a column of Python objects, one of GAPS.
    """

    dtype: Any
    decimals: int
    steps: Steps | None
    gap: str = "nan"

    @classmethod
    def of(cls, column: pd.Series) -> NumberColumn:
        """The format of `column`."""
        values = _plain_numbers(column.dropna())
        infinite = np.flatnonzero(~np.isfinite(values))
        if len(infinite):
            row = np.flatnonzero(column.notna())[infinite[0]]
            raise ValueError(f"Column {column.name!r} has an infinite value in row {row}; replace it, or drop the row.")
        decimals = _shared_decimals(values)
        steps = None if decimals is None else Steps.of(_scaled(values, decimals))
        return cls(column.dtype, decimals or 0, steps, _object_gap(column, "nan"))

    def encode(self, column: pd.Series) -> np.ndarray:
        """Numbers of steps, or the values as floats; NaN for a gap."""
        numbers, present = np.full(len(column), np.nan), column.notna().to_numpy()
        values = _plain_numbers(column[present])
        numbers[present] = self.steps.count(_scaled(values, self.decimals)) if self.steps else values
        return numbers

    def decode(self, numbers: np.ndarray) -> pd.Series:
        """The column that has these numbers of steps."""
        gaps = np.isnan(numbers)
        values = np.where(gaps, 0, numbers)
        if self.steps:
            values = self.steps.integers(values)
            values = values / 10**self.decimals if self.decimals else values
        if self.dtype == object:
            return pd.Series(values).astype(object).where(~gaps, GAPS[self.gap])
        plain = self.dtype if isinstance(self.dtype, np.dtype) else getattr(self.dtype, "numpy_dtype", np.dtype(float))
        values = values.astype(plain) if values.dtype.kind == "i" else as_type(values, plain)
        column = pd.Series(values).astype(self.dtype)
        return column.mask(gaps) if gaps.any() else column

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        steps = self.steps and [self.steps.origin, self.steps.step]
        facts = {"dtype": encode_dtype(self.dtype), "decimals": self.decimals, "steps": steps, "gap": self.gap}
        return {"kind": "number"} | facts

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> NumberColumn:
        """Inverse of :meth:`to_json`."""
        steps = facts["steps"] and Steps(*facts["steps"])
        return cls(decode_dtype(facts["dtype"]), facts["decimals"], steps, facts["gap"])


@dataclass(frozen=True)
class DateColumn:
    """Format of a column of dates or durations: counts of the largest step that all its values share.

    Attributes
    ----------
    dtype : type of the column
    steps : Steps
        In units of the type's resolution.
    last : int
        The latest value.
    wall_clock : bool
        Whether steps are of the local time, so that midnights stay midnights when the clocks change.
    """

    dtype: Any
    steps: Steps
    last: int
    wall_clock: bool = False

    @classmethod
    def of(cls, column: pd.Series) -> DateColumn:
        """The format of `column`."""
        formats = []
        for wall_clock in (False, True)[: 2 if getattr(column.dtype, "tz", None) else 1]:
            integers = _date_integers(column.dropna(), wall_clock)
            steps = Steps.of(integers) or Steps(int(integers.min()), -(-int(np.ptp(integers)) // int(MAX_COUNT)))
            formats.append(cls(column.dtype, steps, int(integers.max()), wall_clock))
        return max(formats, key=lambda form: form.steps.step)

    def encode(self, column: pd.Series) -> np.ndarray:
        """Numbers of steps; NaN for a gap."""
        numbers, present = np.full(len(column), np.nan), column.notna().to_numpy()
        numbers[present] = self.steps.count(_date_integers(column[present], self.wall_clock))
        return numbers

    def decode(self, numbers: np.ndarray) -> pd.Series:
        """The column that has these numbers of steps."""
        gaps = np.isnan(numbers)
        integers = np.minimum(self.steps.integers(np.where(gaps, 0, numbers)), self.last)
        zone = getattr(self.dtype, "tz", None)
        unit = self.dtype.unit if zone else np.datetime_data(self.dtype)[0]
        column = pd.Series(integers.view(f"{self.dtype.kind}8[{unit}]"))
        if zone and self.wall_clock:
            first = np.ones(len(column), dtype=bool)  # of two hours of the same name, when the clocks are put back
            column = column.dt.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
        elif zone:
            column = column.dt.tz_localize("UTC").dt.tz_convert(zone)
        return column.mask(gaps) if gaps.any() else column

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        facts = {"steps": [self.steps.origin, self.steps.step], "last": self.last, "wall_clock": self.wall_clock}
        return {"kind": "date", "dtype": encode_dtype(self.dtype)} | facts

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> DateColumn:
        """Inverse of :meth:`to_json`."""
        return cls(decode_dtype(facts["dtype"]), Steps(*facts["steps"]), facts["last"], facts["wall_clock"])


ColumnFormat = CategoryColumn | NumberColumn | DateColumn
KINDS = {"category": CategoryColumn, "number": NumberColumn, "date": DateColumn}


def column_format(column: pd.Series) -> ColumnFormat:
    """The format of a column.

    Raises
    ------
    ValueError
        If the column has no value, a different category in every row, an infinite number, or values that are neither
        categories, text, bools, numbers nor dates.
    """
    if column.isna().all():
        raise ValueError(f"Column {column.name!r} has no value at all; drop it.")
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype | pd.StringDtype) or pd.api.types.is_bool_dtype(dtype):
        return CategoryColumn.of(column)
    if isinstance(dtype, np.dtype | pd.DatetimeTZDtype) and dtype.kind in "mM":
        return DateColumn.of(column)
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind in NUMBERS:
        return NumberColumn.of(column)
    if kind in TEXT_OR_BOOL:
        return CategoryColumn.of(column)
    advice = "convert it by pandas.to_datetime" if "date" in kind else "make it text, numbers or dates, or drop it"
    raise ValueError(f"Column {column.name!r} holds values of the kind {kind} ({dtype}); {advice}.")


def _distinct_values(column: pd.Series) -> tuple:
    """The values of a column without gaps, in the order of their first rows."""
    try:
        values = tuple(pd.factorize(column)[1])
    except TypeError:
        values = ((),)
    nested = [value for value in values if isinstance(value, NESTED)]
    if nested:
        raise ValueError(
            f"Column {column.name!r} has nested values (lists, tuples, dicts or the like); "
            "give each of their parts a column of its own."
        )
    return values


def _object_gap(column: pd.Series, default: str) -> str:
    gaps = column[column.isna()] if column.dtype == object else ()
    return str(gaps.iloc[0]) if len(gaps) else default


def _plain_numbers(present: pd.Series) -> np.ndarray:
    """Numbers of a column without gaps, as an array of floats or integers of NumPy."""
    values = pd.to_numeric(present.sparse.to_dense() if isinstance(present.dtype, pd.SparseDtype) else present)
    return values.to_numpy(dtype=getattr(values.dtype, "numpy_dtype", values.dtype))


def _shared_decimals(values: np.ndarray) -> int | None:
    """The least number of decimals that all values have exactly; None if there is none up to MAX_DECIMALS."""
    if values.dtype.kind in "iu":
        return 0 if int(values.max()) <= np.iinfo(np.int64).max else None
    for decimals in range(MAX_DECIMALS + 1):
        scaled = np.abs(values.astype(float)) * 10.0**decimals
        if scaled.max() > MAX_COUNT:
            return None
        if np.array_equal((_scaled(values, decimals) / 10**decimals).astype(values.dtype), values):
            return decimals
    return None


def _scaled(values: np.ndarray, decimals: int) -> np.ndarray:
    """Values times ten to the power of `decimals`, as integers."""
    return np.rint(values.astype(float) * 10**decimals).astype(np.int64) if decimals else values.astype(np.int64)


def _date_integers(present: pd.Series, wall_clock: bool) -> np.ndarray:
    """Dates or durations without gaps, as int64 numbers of the type's resolution."""
    if getattr(present.dtype, "tz", None):
        present = present.dt.tz_localize(None) if wall_clock else present.dt.tz_convert(None)
    return present.to_numpy().view(np.int64)
