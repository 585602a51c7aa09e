"""Raw columns in the types of their kinds: numbers, dates, categories, and the label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from utils.data.errors import DataError
from utils.data.reading.spelled_dates import date_spelling, have_rare_order, have_short_year_first, to_moments
from utils.data.reading.spelled_numbers import COMMA, POINT, decimal_signs, mixed_currencies, to_floats
from utils.data.reading.texts import as_texts, printable
from utils.dataset_config import UNKNOWN, Spellings

# Smallest size of numbers that are times since 1970, and the unit in which they count.
EPOCHS = {1e17: "ns", 1e14: "us", 1e11: "ms", 0: "s"}
DATE_DIGITS = (8, 10, 12, 14)  # of a day, an hour, a minute, a second
CENTURIES, OPEN_END = (19, 20), 9999  # first digits of the years that dates in digits have, and one without an end
WRITE_DAYS = "write its days like 2024-12-31"
YEAR_LAST = r"^(\d{2})(\d{2})(\d{4})$"
LARGEST = 1e30  # numbers beyond cannot be scaled, and count as missing
MIN_MONTHS = 6  # distinct numbers from which it is hardly chance that all end like months
MAX_SHOWN = 3  # rows that a message names
NS_PER_UNIT = {"s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1.0}  # of times since 1970
LATEST = float(pd.Timestamp.max.value)  # in nanoseconds since 1970


def typed(
    frame: pd.DataFrame,
    *,
    numeric: Sequence[str] = (),
    categorical: Sequence[str] = (),
    dates: Sequence[str] = (),
    spellings: Spellings = UNKNOWN,
) -> pd.DataFrame:
    """The named columns in the types of their kinds, in the order of the frame.

    Parameters
    ----------
    frame : DataFrame
        Raw columns; see `utils.data.reading.read_raw`.
    numeric, categorical, dates : sequence of str
        Columns by kind. They become float64, categories of sorted text, and datetime64[ns] in UTC; a missing value is
        NaN or NaT.
    spellings : Spellings
        How the study reads what a column of text leaves open.

    Raises
    ------
    DataError
        If a value is not of its column's kind; the message names column and row.
    """
    kinds = dict.fromkeys(numeric, "number") | dict.fromkeys(dates, "date") | dict.fromkeys(categorical, "category")

    def read(name: str) -> pd.Series:
        if kinds[name] == "number":
            return as_numbers(frame[name], spellings.decimal_sign(name) or POINT)
        if kinds[name] == "date":
            refuse_days_with_year_last(frame[name])
            return as_dates(frame[name], spellings.has_day_first(name))
        return as_categories(frame[name])

    return pd.DataFrame({name: read(name) for name in frame.columns if name in kinds}, index=frame.index)


def as_numbers(column: pd.Series, decimal: str = POINT) -> pd.Series:
    """Values as float64, NaN where one is missing, infinite, or so large that its square is not finite.

    Text is read in any common spelling, which all values of the column must share; see `spelled_numbers`.

    Parameters
    ----------
    column : Series
        Numbers, booleans, durations (which become seconds), or text.
    decimal : {'.', ','}
        Decimal sign where every value may have either, as in '1.234'.

    Raises
    ------
    DataError
        If a value is not a number.
    """
    if column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "boolean":
        column = column.astype("boolean")  # booleans with gaps
    if pd.api.types.is_timedelta64_dtype(column):
        column = column.dt.total_seconds()
    if pd.api.types.is_datetime64_any_dtype(column):
        raise DataError(f"Column '{column.name}' holds dates; name it among the dates, not among the numbers.")
    if pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        values = _spelled_numbers(column, decimal)
    # Adding 0.0 turns -0.0 into 0.0, because equal rows must have equal bytes for their hashes.
    values = np.where(np.abs(values) <= LARGEST, values, np.nan) + 0.0
    return pd.Series(values, index=column.index, name=column.name)


def _spelled_numbers(column: pd.Series, decimal: str) -> np.ndarray:
    texts = as_texts(column)
    signs = decimal_signs(texts)
    sign = decimal if decimal in signs or not signs else min(signs)
    numbers = to_floats(texts, sign)
    wrong = pc.and_(numbers.is_null(), texts.is_valid())
    if pc.any(wrong).as_py():
        if currencies := mixed_currencies(texts):
            raise DataError(
                f"Column '{column.name}' has amounts in {' and '.join(currencies)}; convert them to one currency, or "
                "name the column among the categories."
            )
        other = to_floats(texts, COMMA if sign == POINT else POINT)
        if other.null_count < numbers.null_count:
            wrong = pc.and_(other.is_null(), texts.is_valid())
        _refuse(column, wrong, texts, "is not a number", "correct it, or name the column among the categories")
    return numbers.fill_null(np.nan).to_numpy(zero_copy_only=False)


def as_dates(column: pd.Series, day_first: bool | None = None) -> pd.Series:
    """Values as datetime64[ns] without a zone, NaT where one is missing or beyond the years 1678 to 2261.

    Times with a zone become UTC. Text is read in any common spelling, which all values must share; see
    `spelled_dates`. Numbers may be dates in digits, see `date_digits`, but those with the year last are missing, as
    their order is open; other numbers count from 1970, in the unit that their size suggests.

    Parameters
    ----------
    column : Series
        Times, text, or numbers.
    day_first : bool, optional
        Order of day and month in text such as '01/02/2024'; None lets the column decide.

    Raises
    ------
    DataError
        If a value is not a date.
    """
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    if pd.api.types.is_datetime64_any_dtype(column):
        in_range = column.between(pd.Timestamp.min, pd.Timestamp.max)
        return column.where(in_range).astype("datetime64[ns]")
    texts = date_digits(column) if pd.api.types.is_numeric_dtype(column) else as_texts(column)
    no_dates = pd.Series(np.datetime64("NaT", "ns"), index=column.index, name=column.name)
    if texts is None:
        return no_dates if are_days_with_year_last(column) else _since_1970(column)
    spelling = date_spelling(texts, day_first)
    if spelling is None:
        _refuse_dates(column, texts)
        return no_dates
    return pd.Series(to_moments(texts, spelling), index=column.index, name=column.name)


def date_digits(column: pd.Series) -> pa.Array | None:
    """The texts of numbers that are dates such as 20240213, 2024021310 or 202402131030; None for other numbers.

    A zero stands for a missing date, and the year 9999 for one that is not known yet.
    """
    values = column.dropna().to_numpy(dtype=np.float64)
    values = values[values != 0]
    if not _are_whole(values) or values.min() < 0:
        return None
    n_digits = len(str(int(values.min())))
    years = values // 10.0 ** (n_digits - 4)
    if n_digits not in DATE_DIGITS or not (np.isin(years // 100, CENTURIES) | (years == OPEN_END)).all():
        return None
    texts = _digits(column, n_digits)
    return texts if date_spelling(texts) is not None else None


def _are_whole(values: np.ndarray) -> bool:
    """Whether there are values, and all of them are whole numbers."""
    return len(values) > 0 and bool(np.isfinite(values).all() and (values % 1 == 0).all())


def are_days_with_year_last(column: pd.Series) -> bool:
    """Whether numbers are days such as 31122024, whose order of day and month digits leave open."""
    values = column.dropna().to_numpy(dtype=np.float64)
    if not _are_whole(values) or not np.isin(values // 100 % 100, CENTURIES).all():
        return False
    texts = pc.replace_substring_regex(_digits(column, DATE_DIGITS[0]), YEAR_LAST, r"\1-\2-\3")
    spelling = date_spelling(texts)
    return spelling is not None and spelling.day_first is not None


def are_months(column: pd.Series) -> bool:
    """Whether numbers are at least six months such as 202402."""
    values = column.dropna().unique().astype(np.float64)
    if len(values) < MIN_MONTHS or not _are_whole(values):
        return False
    return bool(np.isin(values // 10_000, CENTURIES).all() and np.isin(values % 100, range(1, 13)).all())


def refuse_days_with_year_last(column: pd.Series) -> None:
    """Raise DataError about dates of `are_days_with_year_last`, as `as_dates` cannot read them."""
    if pd.api.types.is_numeric_dtype(column) and are_days_with_year_last(column):
        raise DataError(
            f"Column '{column.name}' holds numbers such as {column.dropna().iloc[0]:.0f}, which leave open whether the "
            f"day or the month is first; {WRITE_DAYS}."
        )


def _digits(column: pd.Series, n_digits: int) -> pa.Array:
    """Whole numbers as text, with the zeros in front that a number has lost."""
    texts = pa.array(column.astype("Int64")).cast(pa.large_string())
    return pc.utf8_lpad(texts, n_digits, "0")


def _since_1970(column: pd.Series) -> pd.Series:
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    return pd.Series(moments_since_1970(values, unit_since_1970(values)), index=column.index, name=column.name)


def unit_since_1970(values: np.ndarray) -> str:
    """The unit in which numbers that count from 1970 do so: 's', 'ms', 'us' or 'ns', as the size of the largest says.

    Numbers too large to be a time in any unit are ignored.
    """
    largest = np.max(np.abs(values), where=np.abs(values) < LATEST, initial=0.0)
    return next(unit for size, unit in EPOCHS.items() if largest >= size)


def moments_since_1970(values: np.ndarray, unit: str) -> np.ndarray:
    """Moments as datetime64[ns] of numbers that count from 1970; NaT beyond the years that this type can hold."""
    can_hold = np.abs(values) < LATEST / NS_PER_UNIT[unit]
    return pd.to_datetime(np.where(can_hold, values, np.nan), unit=unit, errors="coerce").to_numpy()


def _refuse_dates(column: pd.Series, texts: pa.Array) -> None:
    """Raise DataError about the first value that is not written like the column's first date."""
    first = texts.drop_null().slice(0, 1)
    if have_short_year_first(texts):
        raise DataError(
            f"Column '{column.name}' holds dates such as '{first[0].as_py()}', whose two digits of the year seem to be "
            f"the first; {WRITE_DAYS}."
        )
    spelling = date_spelling(first)
    wrong = texts.is_valid()
    if spelling is not None:
        wrong = pc.and_(wrong, pc.invert(pc.match_substring_regex(texts, spelling.pattern)).fill_null(False))
    if pc.any(wrong).as_py():
        like = f" written like '{first[0].as_py()}'" if spelling is not None else ""
        _refuse(column, wrong, texts, f"is not a date{like}", "write all dates alike, such as 2024-02-13")
    elif spelling is not None and (spelling.day_first is None or spelling.has_points):
        wrong = pc.and_(texts.is_valid(), pa.array(np.isnat(to_moments(texts, spelling))))
        _refuse(column, wrong, texts, "is not a valid date", "correct it, or name the column among the categories")
    elif len(first):
        rows = np.flatnonzero(have_rare_order(texts, spelling.pattern)) if spelling is not None else ()
        where = f" (as '{texts[int(rows[0])].as_py()[:60]}' in row {rows[0] + 1})" if len(rows) else ""
        raise DataError(
            f"Column '{column.name}' has dates with the day first and others with the month first{where}; write all of "
            "them alike, such as 2024-02-13."
        )


def as_categories(column: pd.Series) -> pd.Series:
    """Values as categories of sorted text without the space around it; numbers as '1', not '1.0'."""
    encoded = as_texts(column).dictionary_encode()
    categories = encoded.dictionary.to_numpy(zero_copy_only=False).astype(object)
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    order = np.argsort(categories)
    ranks = np.append(np.argsort(order), -1)  # the last one is for the code -1
    values = pd.Categorical.from_codes(ranks[codes], categories=pd.Index(categories[order], dtype=object))
    return pd.Series(values, index=column.index, name=column.name)


def _refuse(column: pd.Series, wrong: pa.Array, texts: pa.Array, problem: str, advice: str) -> None:
    """Raise DataError that names the first rows for which `wrong` is true, from 1, and the value of the first."""
    rows = np.flatnonzero(wrong.to_numpy(zero_copy_only=False))
    shown = ", ".join(str(row + 1) for row in rows[:MAX_SHOWN])
    suffix = f" and {len(rows) - MAX_SHOWN:,} more" if len(rows) > MAX_SHOWN else ""
    value = texts[int(rows[0])].as_py()
    subject = "" if value is None else f" '{printable(value[:60])}'"
    unit = "rows" if len(rows) > 1 else "row"
    raise DataError(f"Column '{column.name}', {unit} {shown}{suffix}:{subject} {problem}; {advice}.")
