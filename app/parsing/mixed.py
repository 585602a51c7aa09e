"""Reads rows of a mixed table as numbers: categories and dates, too; see `utils.serving.raw_columns`.

Columns are read whole. A cell that cannot be read is a problem of its row only; an empty one is a gap.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from app.parsing.categories import read_categories
from app.parsing.cells import Cells, is_gap
from app.parsing.records import LARGEST
from app.parsing.typed_numbers import read_typed
from utils.data.features.calendar import to_seconds
from utils.data.reading.column_types import as_dates
from utils.data.reading.spelled_dates import DateSpelling, date_spelling, to_moments
from utils.data.reading.spelled_numbers import COMMA, POINT, to_floats
from utils.data.reading.texts import as_texts
from utils.serving.raw_columns import RawColumn

SAMPLE = 100  # texts that are looked at for the spelling of dates
MAX_SPELLINGS = 4  # of the dates of a column
PLAIN = {int, float}
NO_DATE = "is not a date, such as 2024-02-13"
ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[-+]\d\d:\d\d)?)?", re.ASCII)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_WITHOUT_ZONE = datetime(1970, 1, 1)
Source = Literal["json", "form", "file"]


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows, read.

    Attributes
    ----------
    values : array of shape (n_rows, n_columns)
    problems : dict of int to dict of str to str
        Problems of a row by column, by the row's position.
    unseen : dict of int to dict of str to str
        Categories of a row that were not seen in training.
    """

    values: NDArray[np.float64]
    problems: dict[int, dict[str, str]]
    unseen: dict[int, dict[str, str]]


def read_rows(records: Sequence[Mapping[str, object]], columns: Sequence[RawColumn], source: Source = "json") -> Rows:
    """Rows from mappings of column to cell; a column that a row lacks is a problem of the row, None is a gap.

    Numbers in JSON must not be text; people write them in a form with a decimal point or comma, and the cells of a
    file's column write them alike.
    """
    frame = {column.name: _series([record.get(column.name) for record in records]) for column in columns}
    rows = read_columns(frame, columns, source)
    for position, record in enumerate(records):
        for name in frame:
            if name not in record:
                rows.problems.setdefault(position, {})[name] = "is missing"
    return rows


def _series(cells: list[object]) -> pd.Series:
    return pd.Series(cells, dtype=object)


def read_columns(frame: Mapping[str, pd.Series], columns: Sequence[RawColumn], source: Source = "json") -> Rows:
    """Rows from whole columns; see `read_rows`."""
    problems: dict[int, dict[str, str]] = {}
    unseen: dict[int, dict[str, str]] = {}
    values = []
    for column in columns:
        cells = read_cells(column, frame[column.name], source)
        values.append(cells.values)
        for target, texts in ((problems, cells.problems), (unseen, cells.unseen)):
            for position, text in texts.items():
                target.setdefault(position, {})[column.name] = text
    return Rows(np.column_stack(values), problems, unseen)


def read_cells(column: RawColumn, cells: pd.Series, source: Source = "json") -> Cells:
    """The cells of a column, of any type; see `read_rows`."""
    if column.is_category:
        return read_categories(column, cells)
    result = _read_dates(column, cells) if column.is_date else _read_numbers(column, cells, source)
    problems = dict(result.problems)
    too_large = np.abs(result.values) > LARGEST
    problems |= dict.fromkeys(np.flatnonzero(too_large).tolist(), "is too large")
    if column.is_required:
        missing = np.flatnonzero(np.isnan(result.values)).tolist()
        problems = dict.fromkeys(missing, "is empty, and a row without it cannot be scored") | problems
    return Cells(np.where(too_large, np.nan, result.values), problems)


def _read_numbers(column: RawColumn, cells: pd.Series, source: Source) -> Cells:
    if _holds_dates(cells):
        problems = dict.fromkeys(np.flatnonzero(cells.notna()).tolist(), "is not a number")
        return Cells(np.full(len(cells), np.nan), problems)
    if pd.api.types.is_timedelta64_dtype(cells):
        cells = cells.dt.total_seconds()
    if cells.dtype == object and pd.api.types.infer_dtype(cells, skipna=True) == "boolean":
        cells = cells.astype("boolean").astype(float)  # booleans with gaps
    if cells.dtype != object:
        values = cells.astype(float).to_numpy()
        return Cells(np.where(np.isfinite(values), values, np.nan))
    if source == "file":
        return _read_texts(cells, column.decimal)
    return _read_each(cells, partial(read_typed, decimal=column.decimal) if source == "form" else _json_number)


def _read_each(cells: pd.Series, read: Callable[[object], float]) -> Cells:
    """Numbers one by one; `read` takes what is neither a gap nor a number."""
    values, problems = np.full(len(cells), np.nan), {}
    for position, cell in enumerate(cells):
        if is_gap(cell):
            continue
        try:
            values[position] = cell if type(cell) in PLAIN else read(cell)
        except ValueError as error:
            problems[position] = str(error)
        except OverflowError:
            problems[position] = "is too large"
    return Cells(values, problems)


def _read_texts(cells: pd.Series, decimal: str | None = None) -> Cells:
    """Numbers in text, with the decimal sign that suits most of them; if both do, with that of the study."""
    texts = as_texts(cells)
    signs = (COMMA, POINT) if decimal == COMMA else (POINT, COMMA)
    numbers = min((to_floats(texts, sign) for sign in signs), key=lambda numbers: numbers.null_count)
    wrong = pc.and_(numbers.is_null(), texts.is_valid()).to_numpy(zero_copy_only=False)
    values = numbers.fill_null(np.nan).to_numpy(zero_copy_only=False)
    return Cells(values, dict.fromkeys(np.flatnonzero(wrong).tolist(), "is not a number"))


def _holds_dates(cells: pd.Series) -> bool:
    return pd.api.types.is_datetime64_any_dtype(cells)


def _json_number(cell: object) -> float:
    if isinstance(cell, (bool, np.bool_)):
        return float(cell)
    raise ValueError("is text and not a number" if isinstance(cell, str) else "is not a number")


def _read_dates(column: RawColumn, cells: pd.Series) -> Cells:
    if cells.dtype != object:
        seconds = to_seconds(cells)
        wrong = np.isnan(seconds) & cells.notna().to_numpy()
        return Cells(seconds, dict.fromkeys(np.flatnonzero(wrong).tolist(), NO_DATE))
    values, problems, others = np.full(len(cells), np.nan), {}, []
    for position, cell in enumerate(cells):
        seconds = _iso_seconds(cell) if type(cell) is str else None
        if seconds is not None:
            values[position] = seconds
        elif isinstance(cell, (bool, dict, list)):
            problems[position] = NO_DATE
        elif not is_gap(cell):
            others.append(position)
    if others:
        values[others] = _other_seconds(cells.iloc[others], column.day_first)
        problems |= dict.fromkeys((position for position in others if np.isnan(values[position])), NO_DATE)
    return Cells(values, problems)


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


def _other_seconds(cells: pd.Series, day_first: bool | None) -> NDArray[np.float64]:
    """Dates in other spellings, or numbers that count from 1970; NaN for what is no date."""
    is_number = np.array([type(cell) in PLAIN for cell in cells], dtype=bool)
    encoded = as_texts(cells.mask(is_number, None) if is_number.any() else cells).dictionary_encode()
    distinct = np.append(_moments(encoded.dictionary, day_first), np.datetime64("NaT"))  # the last one is for a gap
    moments = distinct[encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)]
    if is_number.any():
        moments[is_number] = as_dates(cells[is_number].map(_as_float)).to_numpy()
    seconds = moments.astype("datetime64[ns]").astype(np.int64) / 1e9
    return np.where(np.isnat(moments), np.nan, seconds)


def _as_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return np.inf


def _moments(texts: pa.Array, day_first: bool | None) -> NDArray[np.datetime64]:
    """Dates in text, which may have a few spellings; NaT for what is no date."""
    moments = np.full(len(texts), np.datetime64("NaT", "ns"))
    rest = np.flatnonzero(texts.is_valid().to_numpy(zero_copy_only=False))
    for _ in range(MAX_SPELLINGS):
        left = texts.take(pa.array(rest))
        spelling = _usual_spelling(pc.unique(left).slice(0, SAMPLE), day_first)
        if spelling is None:
            break
        moments[rest] = to_moments(left, spelling)
        rest = rest[np.isnat(moments[rest])]
    return moments


def _usual_spelling(texts: pa.Array, day_first: bool | None) -> DateSpelling | None:
    """How most of the texts that are dates are written; None if none is one."""
    spelling = date_spelling(texts, day_first)
    if spelling is None:
        spellings = [date_spelling(texts.slice(position, 1), day_first) for position in range(len(texts))]
        patterns = Counter(spelling.pattern for spelling in spellings if spelling is not None)
        if not patterns:
            return None
        pattern = patterns.most_common(1)[0][0]
        alike = texts.filter(pa.array([one is not None and one.pattern == pattern for one in spellings]))
        spelling = date_spelling(alike, day_first) or next(one for one in spellings if one and one.pattern == pattern)
    has_choice = spelling.day_first is not None and not spelling.has_points
    return DateSpelling(spelling.pattern, day_first) if has_choice and day_first is not None else spelling
