"""Read a whole table: strictly, as it is, or anybody's, with gaps and numbers and dates in any spelling."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from utils.data.errors import ColumnError, DataError
from utils.data.reading.column_names import check_names, join_names, one_line_names
from utils.data.reading.delimited import FILLED_LINE, WINDOWS, Delimited
from utils.data.reading.excel import is_workbook, open_workbook
from utils.data.reading.opening import open_table, open_unpacked, unpacked
from utils.data.reading.parquet import parquet_lines, parquet_names, parquet_notes, parquet_schema, parquet_table
from utils.data.reading.ragged_lines import header_problem, ragged_problem
from utils.data.reading.raw_columns import NOTES, SIGNS, clean_frame, frame_of_texts
from utils.data.reading.spelled_dates import SAMPLE, date_spelling
from utils.data.reading.texts import MISSING, as_texts, clean_texts, is_binary, is_text
from utils.dataset_config import UNKNOWN, Spellings

MAX_NOTED = 20  # columns that are searched for several words for a missing value
MAX_WORDS = 3  # of a column that a note names
UNNAMED = re.compile(r"\s*|Unnamed: \d+")  # names that pandas gives to columns without a name


def read_table(path: Path, drop: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table as it is, text columns included.

    Parameters
    ----------
    path : Path
        The file; its format is recognised by content, not by name.
    drop : sequence of str
        Columns to leave out.

    Raises
    ------
    DataError
        If the file cannot be read (see `open_table`), has ragged lines or no rows, lacks a column that is to be
        left out, or has another column without a name.
    """
    source = open_table(path.read_bytes(), path.name)
    if isinstance(source, Delimited):
        table = _arrow_table(source, pyarrow.csv.ConvertOptions())
    else:
        table = parquet_table(source, parquet_schema(source).names, path.name)
    if not table.num_rows:
        raise DataError(f"{path.name} has a header and no rows; put the data below the header.")
    return _select_named(table, drop, path.name).to_pandas()


def _arrow_table(text: Delimited, convert: pyarrow.csv.ConvertOptions) -> pa.Table:
    if not FILLED_LINE.search(text.content, text.start):
        return pa.table([pa.nulls(0)] * len(text.header), names=list(text.header))
    if len(text.header) == 1 and (problem := header_problem(text)):
        raise DataError(problem)
    try:
        return text.to_arrow(convert)
    except pa.ArrowException as error:
        if problem := ragged_problem(text):
            raise DataError(problem) from None
        reason = str(error).splitlines()[0][:200].rstrip(": ")
        raise DataError(f"{text.name} is not a readable CSV file ({reason}); save it again as CSV.") from None


def _select_named(table: pa.Table, drop: Sequence[str], name: str) -> pa.Table:
    """The table without the columns to leave out, and without columns that have neither name nor value."""
    _require_columns(table.column_names, drop, name)
    positions = []
    for position, column in enumerate(table.column_names):
        if column in drop or (not column.strip() and table.column(position).null_count == table.num_rows):
            continue
        if UNNAMED.fullmatch(column):
            raise ColumnError(
                f"{name}, column {position + 1} has no name ({column!r}); if it holds the row numbers that pandas' "
                f"to_csv() writes, save the file with index=False, otherwise name it or put {column!r} into `drop`.",
                [column],
            )
        positions.append(position)
    return table.select(positions)


def _require_columns(names: Iterable[str], drop: Sequence[str], name: str) -> None:
    """Raise ColumnError about columns to leave out that a table does not have."""
    known = set(names)
    if missing := [column for column in drop if column not in known]:
        raise ColumnError(f"{name} has no column {join_names(missing)} to leave out; correct `drop`.", missing)


def read_raw(
    path: Path, drop: Sequence[str] = (), *, label: str | None = None, spellings: Spellings = UNKNOWN
) -> pd.DataFrame:
    """Read anybody's table: CSV in any dialect, Parquet, or a sheet of an Excel workbook.

    Line breaks in names become spaces. A column without a name is called 'column 3', if it is the third, and is left
    out if it has no values, either. So are rows without values at the end of a CSV file or a sheet.

    Parameters
    ----------
    path : Path
        The file; its format is recognised by content, not by name.
    drop : sequence of str
        Columns to leave out.
    label : str, optional
        Column that keeps words for missing values, as these may be a class; see `labels.label_texts`.
    spellings : Spellings
        How the study reads numbers that may have either decimal sign.

    Returns
    -------
    DataFrame
        Numbers as int64 or float64, text as objects with None where it is missing or says so (see
        `texts.MISSING`), and Parquet's own types. Its `attrs['notes']` are sentences on how it was read, and
        `attrs['signs']` the decimal sign of each column of text that shows one.

    Raises
    ------
    DataError
        If the file cannot be read (see `open_table`), has ragged lines or no rows, or lacks a column that is to be
        left out.
    """
    name = path.name
    frame, cells = _frame_and_cells(unpacked(path.read_bytes(), name), name, spellings)
    if label in frame and frame[label].isna().any():
        _restore_words(frame, label, cells(label))
    _require_columns(frame.columns, drop, name)
    for column in dict.fromkeys(drop):
        del frame[column]
    frame.attrs[NOTES] = frame.attrs[NOTES] + _word_notes(frame, label, cells)
    return frame


def _frame_and_cells(
    content: bytes, name: str, spellings: Spellings
) -> tuple[pd.DataFrame, Callable[[str], pa.ChunkedArray]]:
    """The raw table, and a function that gives the cells of a column as the file has them."""
    if not is_workbook(content):
        source = open_unpacked(content, name)
        return _raw_frame_of(source, name, spellings), partial(_cells_of, source, name)
    file = open_workbook(content, name)
    table = file.read()
    frame = _raw_frame(table.column_names, table.columns, name, spellings=spellings)
    frame.attrs[NOTES] = parquet_notes(file) + frame.attrs[NOTES]
    return frame, dict(zip(one_line_names(table.column_names), table.columns, strict=True)).__getitem__


def _restore_words(frame: pd.DataFrame, label: str, cells: pa.ChunkedArray) -> None:
    """Give a label back its words for missing values, and remove the notes on the numbers that it was without them."""
    numbers = frame[label]
    texts = _with_words(numbers, cells)
    if texts is numbers:
        return
    frame[label] = texts
    frame.attrs[NOTES] = [note for note in frame.attrs[NOTES] if not note.startswith(f"Column '{label}': ")]


def _word_notes(frame: pd.DataFrame, label: str | None, cells: Callable[[str], pa.ChunkedArray]) -> list[str]:
    """Sentences on columns of text in which several things mean a missing value, as an empty cell and '-' do."""
    texts = frame.select_dtypes([object, "category"])
    notes = []
    for column in [column for column in texts if column != label and frame[column].isna().any()][:MAX_NOTED]:
        counts = _missing_words(cells(column), frame[column].isna())
        if len(counts) > 1 and date_spelling(as_texts(frame[column].head(SAMPLE))) is None:
            listed = " and ".join(_counted(word, n) for word, n in counts.items())
            notes.append(
                f"Column '{column}': {listed} are all read as missing; write another word for those that "
                "mean something."
            )
    return notes


def _counted(word: str, n: int) -> str:
    """'2 empty cells' or '1 cell '?''."""
    unit = f"cell{'s' * (n > 1)}"
    return f"{n:,} {unit} '{word}'" if word else f"{n:,} empty {unit}"


def _missing_words(cells: pa.ChunkedArray, is_missing: pd.Series) -> dict[str, int]:
    """What stands in the cells that are read as missing, and how often, the most frequent first."""
    words = _as_spelled(cells.slice(0, len(is_missing)).filter(pa.array(is_missing)))
    if words is None:
        return {}
    words = pc.utf8_trim_whitespace(words).fill_null("")
    counts = {row["values"]: row["counts"] for row in pc.value_counts(words).to_pylist()}
    return dict(sorted(counts.items(), key=lambda item: -item[1])[:MAX_WORDS])


def _as_spelled(cells: pa.ChunkedArray) -> pa.Array | pa.ChunkedArray | None:
    """Texts, or categories or bytes as text, with the words that mean a missing value; None for other cells."""
    if is_text(cells.type):
        return cells
    if pa.types.is_dictionary(cells.type) or is_binary(cells.type):
        return as_texts(cells.to_pandas(), missing=("",))
    return None


def _cells_of(source: Delimited | pq.ParquetFile, name: str, column: str) -> pa.ChunkedArray:
    """The cells of a column as the file has them."""
    if isinstance(source, pq.ParquetFile):
        return parquet_table(source, [parquet_names(source, [column], name)[column]], name).column(0)
    convert = pyarrow.csv.ConvertOptions(include_columns=[column], null_values=[""])
    convert.column_types, convert.strings_can_be_null = {column: pa.string()}, True
    return source.spelled_as([column]).to_arrow(convert).column(0)


def _with_words(column: pd.Series, cells: pa.ChunkedArray) -> pd.Series:
    """A column with the words of its cells that mean a missing value; without any, it is as it was."""
    texts = _as_spelled(cells.slice(0, len(column)))
    if texts is None:
        return column
    texts = clean_texts(texts, missing=("",))
    return column if texts.null_count == column.isna().sum() else pd.Series(texts.to_pandas(), index=column.index)


def _raw_frame_of(source: Delimited | pq.ParquetFile, name: str, spellings: Spellings) -> pd.DataFrame:
    if isinstance(source, pq.ParquetFile):
        table = parquet_table(source, parquet_schema(source).names, name)
        names, positions = _named(table.column_names, table.columns, name)
        frame = clean_frame(table.select(positions).rename_columns(names))
        frame.attrs[SIGNS] = {}
        return frame
    convert = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(source.header, pa.string()))
    convert.null_values, convert.strings_can_be_null = list(MISSING), True
    table = _arrow_table(source, convert)
    frame = _raw_frame(table.column_names, table.columns, name, separator=source.separator, spellings=spellings)
    frame.attrs[NOTES] = _text_notes(source, table.num_rows) + frame.attrs[NOTES]
    return frame


def _text_notes(text: Delimited, n_rows: int) -> list[str]:
    """Sentences on the encoding, and on line breaks within cells, which two stray quotes would enclose as well."""
    notes = []
    if text.encoding == WINDOWS:
        notes.append(f"{text.name} is not UTF-8; its letters were read as {WINDOWS}.")
    if text.has_joined_lines(n_rows):
        n_lines, first = text.longest_row()
        notes.append(
            f"{text.name} has line breaks between quotes: the longest of its {n_rows:,} rows has {n_lines:,} lines and "
            f"begins in line {first}; if these are several rows, remove the quotes."
        )
    return notes


def _raw_frame(
    names: Sequence[str],
    columns: Sequence[pa.ChunkedArray],
    name: str,
    *,
    separator: str = ",",
    spellings: Spellings = UNKNOWN,
) -> pd.DataFrame:
    columns = _without_empty_end(columns)
    names, positions = _named(names, columns, name)
    signs = {column: spellings.decimal_sign(column) for column in names}
    return frame_of_texts(names, [columns[position] for position in positions], separator, signs)


def _without_empty_end(columns: Sequence[pa.ChunkedArray]) -> list[pa.ChunkedArray]:
    """The rows up to the last one that has a value."""
    if any(len(column) and column[-1].is_valid for column in columns):
        return list(columns)
    filled = [np.flatnonzero(column.is_valid().to_numpy()) for column in columns]
    n_rows = max((int(rows[-1]) + 1 for rows in filled if len(rows)), default=0)
    return [column.slice(0, n_rows) for column in columns]


def _named(names: Sequence[str], columns: Sequence[pa.ChunkedArray], name: str) -> tuple[list[str], list[int]]:
    """Names without line breaks, and positions, of the columns that have a name or a value."""
    if not columns or not len(columns[0]):
        raise DataError(f"{name} has a header and no rows; put the data below the header.")
    positions = [
        position
        for position, column in enumerate(columns)
        if names[position].strip() or column.null_count < len(column)
    ]
    numbered = one_line_names(names)
    named = [numbered[position] for position in positions]
    check_names(named, name)
    return named, positions


def line_numbers(path: Path, rows: np.ndarray) -> str:
    """Lines or rows of the file in which the data rows with these 0-based numbers are, for messages."""
    content = unpacked(path.read_bytes(), path.name)
    source = open_workbook(content, path.name) if is_workbook(content) else open_unpacked(content, path.name)
    if isinstance(source, Delimited):
        row_numbers = set(rows.tolist())
        filled_lines = (line for line, cells in source.rows() if cells)
        numbers = [line for number, line in enumerate(filled_lines) if number in row_numbers]
        unit, note = "line", f" (the header is line {source.header_line})"
    else:
        lines = parquet_lines(source)
        unit, numbers, note = "row", [lines[row] or row + 1 for row in rows.tolist()], ""
    return f"{unit}{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}{note}"
