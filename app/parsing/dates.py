"""Dates and times as seconds since 1970, each read as the study's file wrote its dates, whatever the other cells are.

Only whether the day or the month comes first in a file is decided by all of its cells. A row of JSON or of the form
stands alone, so that what can be read in two ways is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from app.parsing.cells import BROKEN_TEXT, EXACT, PLAIN, Cells, Source, is_broken_text, is_gap
from utils.data.features.calendar import to_seconds
from utils.data.reading.column_types import EPOCHS, NS_PER_UNIT, moments_since_1970
from utils.data.reading.spelled_dates import DIGITS, FIRST, MOMENTS, POINTS, DateSpelling, date_spelling, to_moments
from utils.data.reading.spelled_numbers import COMMA, POINT, UNUSUAL, to_floats
from utils.data.reading.texts import TEXT, as_texts
from utils.serving.raw_columns import RawColumn

NO_DATE = "is not a date, such as 2024-02-13"
OPEN_ORDER = "can have the day or the month first; write it as 2024-02-13"
OPEN_NUMBER = "can be a day or a time since 1970; write a day as 2024-02-13, and a time as a number"
ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[-+]\d\d:\d\d)?)?", re.ASCII)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_WITHOUT_ZONE = datetime(1970, 1, 1)
FIRST_DAY, AFTER_DAYS = 1000_00_00, 1_0000_00_00  # numbers of eight digits are days or no dates
FEW = 100_000  # smaller numbers are years, or days as spreadsheets count them, rather than times
ORDERS = {True: "day", False: "month"}
NAT = np.datetime64("NaT", "ns")
Moments = NDArray[np.datetime64]


def read_dates(column: RawColumn, cells: pd.Series, source: Source) -> Cells:
    """The cells of a date or time, of any type."""
    if cells.dtype == object:
        return _read_objects(column, cells, source)
    if pd.api.types.is_datetime64_any_dtype(cells):
        seconds = to_seconds(cells)
    elif pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
        seconds = _seconds(_moments_of_numbers(column, cells.to_numpy(dtype=float, na_value=np.nan)))
    else:
        seconds = np.full(len(cells), np.nan)
    wrong = np.isnan(seconds) & cells.notna().to_numpy()
    return Cells(seconds, dict.fromkeys(np.flatnonzero(wrong).tolist(), NO_DATE))


def _read_objects(column: RawColumn, cells: pd.Series, source: Source) -> Cells:
    values, problems, numbers, texts = np.full(len(cells), np.nan), {}, [], []
    for position, cell in enumerate(cells):
        seconds = _iso_seconds(cell) if type(cell) is str else None
        if seconds is not None:
            values[position] = seconds
        elif isinstance(cell, (bool, dict, list)):
            problems[position] = NO_DATE
        elif is_broken_text(cell):
            problems[position] = BROKEN_TEXT
        elif not is_gap(cell):
            (numbers if type(cell) in PLAIN else texts).append(position)
    if numbers:
        floats = np.array([_as_float(cells.iloc[position]) for position in numbers])
        values[numbers] = _seconds(_moments_of_numbers(column, floats))
        problems |= dict.fromkeys((position for position in numbers if np.isnan(values[position])), NO_DATE)
    if not texts:
        return Cells(values, problems)
    read = _read_texts(column, as_texts(cells.iloc[texts]), source)
    values[texts] = read.values
    problems |= {texts[position]: problem for position, problem in read.problems.items()}
    return Cells(values, problems, notes=read.notes)


def _iso_seconds(text: str) -> float | None:
    """Fast path for a date in ISO 8601; None for any other text."""
    if not ISO.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not 1677 < moment.year < 2262:  # what training can hold
        return None
    passed = moment - (EPOCH if moment.tzinfo else EPOCH_WITHOUT_ZONE)
    return float(passed // timedelta(microseconds=1) * 1000) / 1e9


def _as_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return np.inf


def _seconds(moments: Moments) -> NDArray[np.float64]:
    return np.where(np.isnat(moments), np.nan, moments.astype("datetime64[ns]").astype(np.int64) / 1e9)


def _moments_of_numbers(column: RawColumn, numbers: NDArray[np.float64]) -> Moments:
    """Moments of numbers as the study's file has them; NaT for what is none.

    If the file has text, or the model is from before it was known what it has, the size of each number tells.
    """
    if column.unit in NS_PER_UNIT:
        return moments_since_1970(numbers, column.unit)
    moments = _moments_in_digits(numbers)
    if column.unit == DIGITS:
        return moments
    may_be_day = (numbers >= FIRST_DAY) & (numbers < AFTER_DAYS)
    may_count, size, upper = np.isnat(moments) & ~may_be_day, np.abs(numbers), np.inf
    for lower, unit in EPOCHS.items():
        counted = may_count & (size >= lower) & (size < upper)
        moments[counted], upper = moments_since_1970(numbers[counted], unit), lower
    if column.minimum is not None:
        is_outside = (numbers < column.minimum) | (numbers > column.maximum)
        moments[(size < FEW) & is_outside] = NAT
    return moments


def _moments_in_digits(numbers: NDArray[np.float64]) -> Moments:
    """Moments of numbers whose digits are a date, such as 20240213; NaT for others."""
    moments = np.full(len(numbers), NAT)
    whole = np.flatnonzero((numbers == np.floor(numbers)) & (np.abs(numbers) < EXACT))
    texts = pa.array(numbers[whole].astype(np.int64)).cast(TEXT)
    for pattern in (pattern for kind, pattern in MOMENTS if kind == DIGITS):
        matches = pc.match_substring_regex(texts, pattern)
        matching = whole[matches.to_numpy(zero_copy_only=False)]
        moments[matching] = to_moments(texts.filter(matches), DateSpelling(pattern))
    return moments


def _read_texts(column: RawColumn, texts: pa.Array, source: Source) -> Cells:
    """Texts in any spelling, without gaps."""
    encoded = texts.dictionary_encode()
    distinct, codes = encoded.dictionary, encoded.indices.to_numpy(zero_copy_only=False)
    numbers = _numbers(distinct)
    moments, problems = _moments_of_numbers(column, numbers), np.full(len(distinct), NO_DATE, dtype=object)
    if source != "file" and column.unit in NS_PER_UNIT:
        is_open = ~np.isnat(_moments_in_digits(numbers))
        moments[is_open], problems[is_open] = NAT, OPEN_NUMBER
    rest = np.flatnonzero(np.isnan(numbers))
    spelled = _spelled(distinct.take(pa.array(rest)))
    order, notes = _order_in_file(column, spelled) if source == "file" else (column.day_first, ())
    moments[rest] = spelled.in_order(order)
    problems[rest[spelled.is_open & (order is None)]] = OPEN_ORDER
    wrong = np.flatnonzero(np.isnat(moments)[codes])
    return Cells(_seconds(moments)[codes], dict(zip(wrong.tolist(), problems[codes[wrong]], strict=True)), notes=notes)


@dataclass(frozen=True, eq=False)
class _Spelled:
    """Texts as dates with the day first and with the month first, which is the same where their spelling tells.

    Attributes
    ----------
    texts : pyarrow array of strings
    day_first, month_first : array of datetime64 of shape (n_texts,)
        NaT for what is no date.
    """

    texts: pa.Array
    day_first: Moments
    month_first: Moments

    @property
    def is_open(self) -> NDArray[np.bool_]:
        """Whether a text is one date with the day first, and another with the month first."""
        return ~np.isnat(self.day_first) & ~np.isnat(self.month_first) & (self.day_first != self.month_first)

    def in_order(self, day_first: bool | None) -> Moments:
        """Moments in one order; if it is None, NaT for those that are open."""
        if day_first is not None:
            return self.day_first if day_first else self.month_first
        return np.where(self.is_open, NAT, np.where(np.isnat(self.day_first), self.month_first, self.day_first))


def _spelled(texts: pa.Array) -> _Spelled:
    day_first, month_first = np.full((2, len(texts)), NAT)
    rest = np.arange(len(texts))
    for kind, pattern in MOMENTS:
        left = texts.take(pa.array(rest))
        matches = pc.match_substring_regex(left, pattern)
        is_match = matches.to_numpy(zero_copy_only=False)
        if not is_match.any():
            continue
        alike, has_order = left.filter(matches), FIRST in pattern
        day_first[rest[is_match]] = to_moments(alike, DateSpelling(pattern, True if has_order else None))
        month_first[rest[is_match]] = day_first[rest[is_match]]
        if has_order and kind != POINTS:
            month_first[rest[is_match]] = to_moments(alike, DateSpelling(pattern, False))
        rest = rest[~is_match]
    return _Spelled(texts, day_first, month_first)


def _order_in_file(column: RawColumn, spelled: _Spelled) -> tuple[bool | None, tuple[str, ...]]:
    """Whether the day comes first in a file, and a sentence unless its dates or the study tell so.

    The study's order holds unless all dates that have an order have the other one.
    """
    study, is_open = column.day_first, spelled.is_open
    decided = {
        True: ~np.isnat(spelled.day_first) & np.isnat(spelled.month_first),
        False: np.isnat(spelled.day_first) & ~np.isnat(spelled.month_first),
    }
    n_decided = {order: int(mask.sum()) for order, mask in decided.items()}
    if study is not None and (n_decided[study] or not n_decided[not study]):
        return study, ()
    if not is_open.any() and not all(n_decided.values()):
        return None, ()
    if any(n_decided.values()):
        order = n_decided[True] >= n_decided[False]
        reason = f"as '{_first(spelled.texts, decided[order])}' must be; the study has the {ORDERS[not order]} first"
        return order, () if study is None else (_order_note(column, spelled, order, reason),)
    spelling = date_spelling(spelled.texts.filter(pa.array(is_open)))
    order = spelling is None or spelling.day_first is not False
    return order, (_order_note(column, spelled, order, "as no date of the file tells; write dates as 2024-02-13"),)


def _order_note(column: RawColumn, spelled: _Spelled, order: bool, reason: str) -> str:
    example = _first(spelled.texts, spelled.is_open)
    return f"Column '{column.name}': '{example}' is read with the {ORDERS[order]} first, {reason}."


def _first(texts: pa.Array, mask: NDArray[np.bool_]) -> str:
    return texts[int(np.flatnonzero(mask)[0])].as_py()


def _numbers(texts: pa.Array) -> NDArray[np.float64]:
    """Numbers with either decimal sign; NaN for other texts."""
    plain = pc.if_else(pc.match_substring_regex(texts, UNUSUAL), pa.scalar(None, texts.type), texts)
    return pc.coalesce(to_floats(plain, POINT), to_floats(plain, COMMA)).fill_null(np.nan).to_numpy()
