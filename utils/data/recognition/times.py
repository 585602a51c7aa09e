"""How a time column is read: as dates, or as numbers that count from the first row in a unit."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from utils.data.reading.column_types import EPOCHS, as_dates, date_digits
from utils.data.reading.spelled_dates import date_spelling
from utils.data.reading.texts import as_texts
from utils.data.recognition.names import names_moment
from utils.dataset_config import TIME_UNITS

NET_TICKS = (621_355_968_000_000_000, 646_602_048_000_000_000)  # start of 1970 and of 2050, in 100 ns since the year 1
SPREADSHEET_DAYS = (25_569, 54_788)  # 1970 and 2050, in days since 1899-12-30
MIN_MILLISECONDS = 10**16  # the smallest of 17 digits, such as 20240213103000123
EPOCH = 3e8  # seconds from the first row are fewer, and seconds since 1970 are more from 1979 on
DEFAULT = "seconds"
YEARS = "of the years 1678 to 2261"  # which nanoseconds can hold
WRITE_TIMES = "write its times like 2024-12-31 10:30"
CHECK = "if they are read wrongly, write them like 2024-12-31"
SHORTEST, LONGEST = 86_400.0, 3.2e9  # seconds that a table usually spans: a day to a century
SPANS = {"years": 31_556_952.0, "days": 86_400.0, "hours": 3600.0, "minutes": 60.0}  # in seconds, the longest first
UNIT_WORDS = {
    "milliseconds": {"ms", "msec", "msecs", "milli", "millis", "millisecond", "milliseconds"},
    "seconds": {"s", "sec", "secs", "second", "seconds"},
    "minutes": {"min", "mins", "minute", "minutes"},
    "hours": {"h", "hr", "hrs", "hour", "hours"},
    "days": {"d", "day", "days"},
}
PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
EPOCH_WORDS = {
    "s": UNIT_WORDS["seconds"],
    "ms": UNIT_WORDS["milliseconds"],
    "us": {"us", "usec", "usecs", "micro", "micros", "microsecond", "microseconds"},
    "ns": {"ns", "nsec", "nsecs", "nano", "nanos", "nanosecond", "nanoseconds"},
}


@dataclass(frozen=True)
class ReadTime:
    """How a time column is read.

    Attributes
    ----------
    detail : str
        What it spans, for the table of columns.
    unit : str or None
        What numbers count, see `dataset_config.TIME_UNITS`; None for dates.
    note : str
        How to say otherwise, where the unit is in doubt.
    """

    detail: str
    unit: str | None = None
    note: str = ""


def holds_dates(column: pd.Series, words: Collection[str] = ()) -> bool:
    """Whether a column of times holds dates, or numbers that stand for dates, and not a time from the first row.

    Parameters
    ----------
    column : Series
        Dates, numbers or text.
    words : collection of str
        Words of the column's name, in lower case.
    """
    if pd.api.types.is_datetime64_any_dtype(column):
        return True
    if pd.api.types.is_numeric_dtype(column):
        return date_digits(column) is not None or is_epoch(column, words)
    return date_spelling(as_texts(column)) is not None


def is_epoch(column: pd.Series, words: Collection[str] = (), latest: pd.Timestamp = pd.Timestamp.max) -> bool:
    """Whether all numbers can count from 1970: they are later than 1979, in the unit that the name says, if any."""
    largest = column.abs().max()
    unit = next((unit for size, unit in EPOCHS.items() if largest >= size), None)
    named = {name for name, spelled in EPOCH_WORDS.items() if spelled & set(words)}
    if unit is None or (named and unit not in named) or are_ticks(column):
        return False
    return bool(column.min() / PER_SECOND[unit] > EPOCH and column.max() / PER_SECOND[unit] <= latest.timestamp())


def are_ticks(column: pd.Series) -> bool:
    """Whether all numbers are times from 1970 to 2050 as .NET counts them; as nanoseconds, all were of 1989 or 1990."""
    return bool(column.between(*NET_TICKS).all())


def unread_times(column: pd.Series, name: object = None) -> str:
    """What numbers seem to be that are times in a form that is not read; empty for others.

    Days as spreadsheets count them are small numbers, which only the column's name tells from others.
    """
    if are_ticks(column):
        return "ticks of .NET (100 nanoseconds since the year 1)"
    if column.min() >= MIN_MILLISECONDS and date_digits(column // 1000) is not None:
        return "dates in digits with milliseconds"
    if names_moment(name) and column.between(*SPREADSHEET_DAYS).all():
        return "days as spreadsheets count them"
    return ""


def latest_moment() -> pd.Timestamp:
    """Tomorrow, in any zone: what was recorded is no later."""
    return pd.Timestamp.now() + pd.Timedelta(days=1)


def read_time(column: pd.Series, words: Collection[str] = (), day_first: bool | None = None) -> ReadTime:
    """How a time is read: numbers in the unit that the column's name says, else in seconds.

    Numbers that would span more than a century as seconds are read as milliseconds.

    Parameters
    ----------
    column : Series
        Dates, or numbers without gaps.
    words : collection of str
        Words of the column's name, in lower case.
    day_first : bool, optional
        Order of day and month in text that may have either.
    """
    if holds_dates(column, words):
        return ReadTime(day_range(as_dates(column, day_first)), note=_doubt_of_dates(column, words, day_first))
    numbers = column.to_numpy(dtype=np.float64)
    length = float(numbers.max() - numbers.min())
    unread = unread_times(column, column.name)
    named = [unit for unit, names in UNIT_WORDS.items() if names & set(words)]
    if len(named) == 1 and not unread:
        return ReadTime(f"{span(length, named[0])} from first to last, as its name says {named[0]}", named[0])
    unit = "milliseconds" if length > LONGEST >= length * TIME_UNITS["milliseconds"] else DEFAULT
    detail = f"{span(length, unit)} from first to last, read as {unit}"
    if unread:
        return ReadTime(
            detail, unit, f"Column '{column.name}' seems to hold {unread}, which are not read as dates; {WRITE_TIMES}."
        )
    return ReadTime(detail, unit, "" if unit == DEFAULT and SHORTEST <= length <= LONGEST else _doubt(column, unit))


def _doubt_of_dates(column: pd.Series, words: Collection[str], day_first: bool | None) -> str:
    """A sentence on dates that lie in the future, as numbers that count from 1960 and are read as since 1970 do."""
    is_number = pd.api.types.is_numeric_dtype(column) and date_digits(column) is None
    if not is_number:
        dates = as_dates(column, day_first)
        return f"Column '{column.name}' has dates in the future, {day_range(dates)}; {CHECK}." * (
            dates.max() > latest_moment()
        )
    if is_epoch(column, words, latest_moment()):
        return ""
    return (
        f"Column '{column.name}' is read as times since 1970, {day_range(as_dates(column))}, which lie in the future; "
        f"if it does not count from 1970, {WRITE_TIMES}."
    )


def _doubt(column: pd.Series, unit: str) -> str:
    """A sentence on what the numbers of a time would span in each unit."""
    length = float(column.max() - column.min())
    others = ", ".join(f"{span(length, other)} as {other}" for other in TIME_UNITS if other != unit)
    return (
        f"Column '{column.name}' is read as {unit} from the first row, {span(length, unit)} in all. It would span "
        f"{others}; if it counts one of these, write it as time_unit in the study's file."
    )


def span(length: float, unit: str) -> str:
    """A length of time in words, such as '31 days'.

    Examples
    --------
    >>> span(743, "hours"), span(743, "seconds")
    ('31 days', '12.4 minutes')
    """
    seconds = length * TIME_UNITS[unit]
    name, size = next(((name, size) for name, size in SPANS.items() if seconds >= 2 * size), ("seconds", 1.0))
    number = seconds / size
    return f"{f'{number:,.{0 if number >= 100 else 1}f}'.removesuffix('.0')} {name}"


def day_range(dates: pd.Series) -> str:
    """First and last day."""
    return f"{dates.min():%Y-%m-%d} to {dates.max():%Y-%m-%d}"
