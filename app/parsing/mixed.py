"""Reads rows of a mixed table as numbers: categories and dates, too; see `utils.serving.raw_columns`.

Columns are read whole. A cell that cannot be read is a problem of its row only; an empty one is a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from app.parsing.categories import read_categories
from app.parsing.cells import PLAIN, Cells, Source, is_gap
from app.parsing.dates import read_dates
from app.parsing.records import LARGEST
from app.parsing.typed_numbers import read_typed
from app.parsing.units import check_unit
from utils.data.reading.spelled_numbers import COMMA, CURRENCY, NEGATIVE, PERCENT, PLAIN_SIGNS, POINT, to_floats
from utils.data.reading.texts import TEXT, as_texts
from utils.serving.raw_columns import RawColumn

TRUTHS = {"(?i)^true$": "1", "(?i)^false$": "0"}


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
    notes : list of str
        Sentences on how columns were read that leave this open.
    """

    values: NDArray[np.float64]
    problems: dict[int, dict[str, str]]
    unseen: dict[int, dict[str, str]]
    notes: list[str]


def read_rows(records: Sequence[Mapping[str, object]], columns: Sequence[RawColumn], source: Source = "json") -> Rows:
    """Rows from mappings of column to cell; a column that a row lacks is a problem of the row, None is a gap.

    Numbers in JSON must not be text; people write them in a form with a decimal point or comma and with the unit of the
    study's file or none, and the cells of a file's column write them alike.
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
    values, notes = [], []
    for column in columns:
        cells = read_cells(column, frame[column.name], source)
        values.append(cells.values)
        notes += cells.notes
        for target, texts in ((problems, cells.problems), (unseen, cells.unseen)):
            for position, text in texts.items():
                target.setdefault(position, {})[column.name] = text
    return Rows(np.column_stack(values), problems, unseen, notes)


def read_cells(column: RawColumn, cells: pd.Series, source: Source = "json") -> Cells:
    """The cells of a column, of any type; see `read_rows`."""
    if column.is_category:
        return read_categories(column, cells)
    if isinstance(cells.dtype, pd.CategoricalDtype):
        cells = cells.astype(object).infer_objects()
    result = read_dates(column, cells, source) if column.is_date else _read_numbers(column, cells, source)
    problems = dict(result.problems)
    too_large = np.abs(result.values) > LARGEST
    problems |= dict.fromkeys(np.flatnonzero(too_large).tolist(), "is too large")
    if column.is_required:
        missing = np.flatnonzero(np.isnan(result.values)).tolist()
        problems = dict.fromkeys(missing, "is empty, and a row without it cannot be scored") | problems
    return Cells(np.where(too_large, np.nan, result.values), problems, notes=result.notes)


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
        return _read_texts(column, cells)
    return _read_each(cells, partial(_typed_number, column) if source == "form" else _json_number)


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


def _read_texts(column: RawColumn, cells: pd.Series) -> Cells:
    """Numbers in text, with the decimal sign that suits most of them; if both do, with that of the study.

    Infinite ones are missing, as in columns that hold nothing but numbers. Where the study has 0 and 1 alone, truth
    values are these, as they are in JSON and Parquet.
    """
    texts = as_texts(cells)
    if column.values and set(column.values) <= {0, 1}:
        for pattern, digit in TRUTHS.items():
            texts = pc.replace_substring_regex(texts, pattern, digit)
    signs, readable = (COMMA, POINT) if column.decimal == COMMA else (POINT, COMMA), readable_numbers(texts)
    numbers = min((to_floats(readable, sign) for sign in signs), key=lambda numbers: numbers.null_count)
    wrong = pc.and_(numbers.is_null(), texts.is_valid()).to_numpy(zero_copy_only=False)
    values = numbers.fill_null(np.nan).to_numpy(zero_copy_only=False)
    problems = dict.fromkeys(np.flatnonzero(wrong).tolist(), "is not a number")
    return Cells(np.where(np.isinf(values), np.nan, values), problems)


def readable_numbers(texts: pa.Array) -> pa.Array:
    """The texts that are numbers with either decimal sign, each without its unit; null for others."""
    for pattern, plain in (PLAIN_SIGNS | NEGATIVE | {PERCENT: "", CURRENCY: r"\1"}).items():
        texts = pc.replace_substring_regex(texts, pattern, plain)
    is_number = pc.or_(to_floats(texts, POINT).is_valid(), to_floats(texts, COMMA).is_valid())
    return pc.if_else(is_number, texts, pa.scalar(None, texts.type))


def _holds_dates(cells: pd.Series) -> bool:
    return pd.api.types.is_datetime64_any_dtype(cells)


def _typed_number(column: RawColumn, cell: object) -> float:
    """A number as people type it, also with the unit that the study's numbers have."""
    if not isinstance(cell, str):
        return read_typed(cell, column.decimal)
    check_unit(cell, column.unit)
    (plain,) = readable_numbers(pa.array([cell.strip()], TEXT)).to_pylist()
    return read_typed(cell if plain is None else plain, column.decimal)


def _json_number(cell: object) -> float:
    if isinstance(cell, (bool, np.bool_)):
        return float(cell)
    raise ValueError("is text and not a number" if isinstance(cell, str) else "is not a number")
