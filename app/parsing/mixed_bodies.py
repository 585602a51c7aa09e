"""Turns bodies and files with rows of a mixed table into rows of numbers; see `mixed`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv
from pyarrow.parquet import ParquetFile

from app.parsing.delimited import Lines, as_body_errors, has_more_lines, open_body, refuse_too_many_lines
from app.parsing.mixed import Rows, read_columns, read_rows, readable_numbers
from app.parsing.records import MAX_ROWS, Batch, check_columns, check_count, json_records
from app.parsing.table import MAX_FILE_ROWS, MAX_UNPACKED, NAME, Table
from app.parsing.units import check_units
from utils.data.reading import Delimited, open_table
from utils.data.reading.parquet import parquet_lines, parquet_names, parquet_notes, parquet_table
from utils.data.reading.raw_columns import NOTES, SIGNS, clean_frame, frame_of_texts
from utils.data.reading.spelled_numbers import CODE
from utils.data.reading.texts import clean_texts
from utils.serving.raw_columns import UNSEEN, RawColumn

MAX_NAMED = 3  # unseen categories of a column that a note names


def read_mixed_json(body: bytes, columns: Sequence[RawColumn]) -> Batch:
    """Rows of a JSON array of objects, or of a single object; errors as `records.read_json`."""
    return as_batch(json_records(body, [column.name for column in columns]), columns)


def as_batch(records: Sequence[object], columns: Sequence[RawColumn]) -> Batch:
    """Rows of JSON values; what is no object is rejected."""
    objects = [record for record in records if isinstance(record, dict)]
    rows = read_rows(objects, columns)
    batch, position = Batch(), 0
    for record in records:
        if isinstance(record, dict):
            _add(batch, rows, position)
            position += 1
        else:
            batch.reject("is not an object")
    return batch


def read_mixed_csv(body: bytes, columns: Sequence[RawColumn]) -> Batch:
    """Rows of a table as text whose first line names the columns; errors as `delimited.read_csv`."""
    with as_body_errors():
        text = open_body(body, [column.name for column in columns])
        table = _from_text(text, columns, limit=MAX_ROWS)
    batch = Batch()
    for position, values in enumerate(table.values.tolist()):
        if position + 1 in table.errors:
            line, reason = table.errors[position + 1]
            batch.reject(f"line {line}: {reason}")
        else:
            batch.values[position + 1] = values
            _note(batch, position + 1, table.unseen.get(position + 1, {}), table.readings)
    return batch


def _add(batch: Batch, rows: Rows, position: int) -> None:
    """Add a row that was read, with its problems."""
    problems = rows.problems.get(position)
    if problems:
        batch.reject(describe(problems))
        return
    number = len(batch) + 1
    batch.values[number] = rows.values[position].tolist()
    _note(batch, number, rows.unseen.get(position, {}))


def _note(batch: Batch, number: int, unseen: Mapping[str, str], readings: Sequence[str] = ()) -> None:
    if unseen or readings:
        batch.notes[number] = [*readings, *(f"{name}: '{text}' was {UNSEEN}" for name, text in unseen.items())]


def describe(problems: Mapping[str, str]) -> str:
    """The problems of a row in one line."""
    return "; ".join(f"{name} {reason}" for name, reason in problems.items())


def read_mixed_table(content: bytes, columns: Sequence[RawColumn], label: str) -> Table:
    """Rows of a CSV, Parquet or Excel file; gaps and unseen categories are read, and noted.

    Raises
    ------
    BodyError
        If it is none of them, has too many rows or none, or columns are missing or named twice.
    """
    with as_body_errors():
        source = open_table(content, NAME, MAX_UNPACKED)
        if isinstance(source, ParquetFile):
            return _from_parquet(source, columns, label)
        refuse_too_many_lines(source, MAX_FILE_ROWS)
        text = source.spelled_as([*(column.name for column in columns), label])
        return _from_text(text, columns, label, limit=MAX_FILE_ROWS)


def _from_parquet(file: ParquetFile, columns: Sequence[RawColumn], label: str) -> Table:
    check_count(file.metadata.num_rows, MAX_FILE_ROWS, NAME)
    names = [column.name for column in columns]
    own = parquet_names(file, [*names, label], NAME)
    check_columns([name for name in names if name not in own], notes=parquet_notes(file))
    labels = parquet_table(file, [own[label]], NAME).column(0) if label in own else None
    cells = parquet_table(file, [own[name] for name in names], NAME).rename_columns(names)
    frame = clean_frame(cells)
    rows = read_columns(frame, columns, "file")
    check_units(rows, cells, columns)
    lines = parquet_lines(file)
    errors = {position + 1: (lines[position], describe(reasons)) for position, reasons in rows.problems.items()}
    return _table(
        rows, columns, errors, label=labels, readings=[*parquet_notes(file), *frame.attrs[NOTES], *rows.notes]
    )


def _from_text(text: Delimited, columns: Sequence[RawColumn], label: str = "", *, limit: int) -> Table:
    """Rows of a table as text; BodyError if there are more than `limit`, or none."""
    names = [column.name for column in columns]
    lines = Lines(text, names, label or None, limit)
    wanted = [*names, *([label] if lines.has_optional else [])]
    cells, bad, numbers = _read_fast(text, wanted, limit), {}, None
    if cells is None:
        cells, bad, numbers = _line_by_line(lines, wanted, limit)
    check_count(cells.num_rows, limit, text.name)
    frame = _frame(cells, columns, text.separator)
    signs = frame.attrs[SIGNS]
    of_file = [replace(raw, decimal=signs[raw.name]) if raw.name in signs else raw for raw in columns]
    rows = read_columns(frame, of_file, "file")
    check_units(rows, cells, columns)
    labels = cells[label] if lines.has_optional else None
    if rows.problems and numbers is None:
        numbers = [line for line, _ in text.rows()]
    errors = {position + 1: (numbers[position], describe(reasons)) for position, reasons in rows.problems.items()} | bad
    return _table(rows, columns, errors, label=labels, readings=[*frame.attrs[NOTES], *rows.notes])


def _read_fast(text: Delimited, names: Sequence[str], limit: int) -> pa.Table | None:
    """Cells as text; None if a line is empty or ragged, or there are so many lines that not all may be read."""
    if has_more_lines(text, limit):
        return None
    types = dict.fromkeys(names, pa.string())
    convert = arrow_csv.ConvertOptions(include_columns=list(names), column_types=types, null_values=[""])
    convert.strings_can_be_null = True
    try:
        cells = text.to_arrow(convert, ignore_empty_lines=False)
    except pa.ArrowInvalid:
        return None
    return None if _has_empty_line(cells) else cells


def _frame(cells: pa.Table, columns: Sequence[RawColumn], separator: str) -> pd.DataFrame:
    """Numbers as what their cells are together, see `frame_of_texts`; categories and dates as text.

    Where some cells are no numbers, the others still decide on the decimal signs.
    """
    signs = {column.name: column.decimal for column in columns if column.kind == "number"}
    numbers = [cells[name] for name in signs]
    frame = frame_of_texts(list(signs), numbers, separator, signs)
    is_text = [frame[name].dtype == object for name in signs]
    if any(is_text):
        numbers = [_only_numbers(column) if text else column for column, text in zip(numbers, is_text, strict=True)]
        frame.attrs |= frame_of_texts(list(signs), numbers, separator, signs).attrs
    texts = {column.name: clean_texts(cells[column.name]).to_pandas() for column in columns if column.name not in signs}
    return frame.assign(**texts)


def _only_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The cells that tell how a column writes its numbers; null for others, also for codes such as '007'."""
    texts = clean_texts(column)
    is_code = pc.match_substring_regex(texts, CODE)
    return pa.chunked_array([readable_numbers(pc.if_else(is_code, pa.scalar(None, texts.type), texts))])


def _has_empty_line(cells: pa.Table) -> bool:
    """Whether a row may stem from an empty line, which is reported, while a row of gaps is scored."""
    if cells.num_columns == 0 or not cells.num_rows:
        return False
    missing = cells.column(0).is_null()
    for column in cells.columns[1:]:
        missing = pa.compute.and_(missing, column.is_null())
    return bool(pa.compute.any(missing).as_py())


def _line_by_line(
    lines: Lines, names: Sequence[str], limit: int
) -> tuple[pa.Table, dict[int, tuple[int, str]], list[int]]:
    """Cells as text, the problem of each line that cannot be divided into them, and the line of each row."""
    rows, problems, numbers = [], {}, []
    for number, cells in lines:
        numbers.append(number)
        if isinstance(cells, str):
            problems[len(numbers)] = number, cells
            cells = [None] * len(names)
        rows.append([cell or None for cell in cells])
        check_count(len(rows), limit, lines.name)
    check_count(len(rows), limit, lines.name)
    columns = zip(*rows, strict=True)
    table = pa.table([pa.array(column, pa.string()) for column in columns], names=list(names))
    return table, problems, numbers


def _table(
    rows: Rows,
    columns: Sequence[RawColumn],
    errors: Mapping[int, tuple[int | None, str]],
    *,
    label: pa.ChunkedArray | None,
    readings: Sequence[str],
) -> Table:
    """The table of these rows; only what was scored is noted."""
    unseen = {position + 1: texts for position, texts in sorted(rows.unseen.items()) if position + 1 not in errors}
    table = Table(rows.values, dict(sorted(errors.items())), label, unseen=unseen, readings=list(readings))
    scored = table.values[table.readable] if errors else table.values  # a large file is not held twice
    return replace(table, notes=[*_gap_notes(scored, columns), *_unseen_notes(unseen, columns)])


def _gap_notes(values: NDArray[np.float64], columns: Sequence[RawColumn]) -> list[str]:
    """A sentence on the gaps of rows that were scored, and one on columns that had none in training."""
    counts = dict(zip((column.name for column in columns), np.isnan(values).sum(axis=0).tolist(), strict=True))
    gaps = {name: count for name, count in counts.items() if count}
    if not gaps:
        return []
    listed = ", ".join(f"{name} ({count:,})" for name, count in gaps.items())
    new = [column.name for column in columns if column.name in gaps and not column.share_missing]
    text = f"Rows with gaps were scored, too; values are missing in {listed}."
    return [text + (f" Training rows had no gaps in {', '.join(new)}, so trust those rows less." if new else "")]


def _unseen_notes(unseen: Mapping[int, Mapping[str, str]], columns: Sequence[RawColumn]) -> list[str]:
    """A sentence on the unseen categories of each column that has some, in the order of the columns."""
    texts: dict[str, list[str]] = {column.name: [] for column in columns}
    for row in unseen.values():
        for name, text in row.items():
            texts[name].append(text)
    return [_unseen_note(name, of_column) for name, of_column in texts.items() if of_column]


def _unseen_note(name: str, texts: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(texts))
    named = ", ".join(f"'{text}'" for text in distinct[:MAX_NAMED])
    more = f" and {len(distinct) - MAX_NAMED:,} more" if len(distinct) > MAX_NAMED else ""
    rows = f"{len(texts):,} row{'s were' if len(texts) > 1 else ' was'}"
    return f"{rows} scored with a value of {name} that was {UNSEEN}: {named}{more}."
