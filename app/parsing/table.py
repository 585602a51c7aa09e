"""Reads a CSV, Parquet or Excel file into arrays, with the reason for every row that cannot be scored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv
from pyarrow.parquet import ParquetFile

from app.parsing.delimited import Line, Lines, as_body_errors, has_more_lines, refuse_too_many_lines
from app.parsing.records import LARGEST, BodyError, check_columns, check_count, read_row
from utils.data.reading import (
    Delimited,
    open_table,
    parquet_lines,
    parquet_names,
    parquet_notes,
    parquet_schema,
    parquet_table,
)
from utils.data.reading.texts import is_text

NAME = "The file"  # in messages
MAX_FILE_ROWS = 1_000_000
MAX_UNPACKED = 256 * 2**20  # bytes of a compressed file once it is unpacked
BLOCK = 1000  # lines that are read together; if one has a bad cell, they are read one by one


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of a file; their numbers start at 1.

    Attributes
    ----------
    values : array of shape (n_rows, n_columns)
        Numbers in the order of the model's raw columns; NaN where a cell is not a number.
    errors : dict of int to (int or None, str)
        Line (None in Parquet) and reason, by the number of each row that cannot be scored.
    label : pyarrow array of length n_rows or None
        Cells of the label's column, if the file has it: text in CSV, null for an empty one.
    notes : list of str
        Sentences on what was scored: gaps and unseen categories.
    unseen : dict of int to dict of str to str
        Categories that were not seen in training, by row and column.
    readings : list of str
        Sentences on how columns were read that leave this open.
    """

    values: NDArray[np.float64]
    errors: dict[int, tuple[int | None, str]] = field(default_factory=dict)
    label: pa.Array | pa.ChunkedArray | None = None
    notes: list[str] = field(default_factory=list)
    unseen: dict[int, dict[str, str]] = field(default_factory=dict)
    readings: list[str] = field(default_factory=list)

    @property
    def readable(self) -> NDArray[np.bool_]:
        """Mask of the rows that can be scored, of shape (n_rows,)."""
        mask = np.ones(len(self.values), dtype=bool)
        mask[np.fromiter(self.errors, dtype=int, count=len(self.errors)) - 1] = False
        return mask


def read_table(content: bytes, columns: Sequence[str], label: str) -> Table:
    """Rows of a CSV, Parquet or Excel file, recognised by its content; see `utils.data.reading.open_table`.

    Raises
    ------
    BodyError
        If it is none of them, has too many rows or none, or columns are missing, named twice or not numeric.
    """
    with as_body_errors():
        source = open_table(content, NAME, MAX_UNPACKED)
        if isinstance(source, ParquetFile):
            return _read_parquet(source, columns, label)
        refuse_too_many_lines(source, MAX_FILE_ROWS)
        text = source.spelled_as([*columns, label])
        return _read_fast(text, columns, label) or _read_with_diagnostics(text, columns, label)


def _read_fast(text: Delimited, columns: Sequence[str], label: str) -> Table | None:
    """Rows of a CSV without errors; None if it has any, or so many lines that not all may be read."""
    if has_more_lines(text, MAX_FILE_ROWS):
        return None
    lines = Lines(text, columns, label)
    types = dict.fromkeys(columns, pa.float64()) | ({label: pa.string()} if lines.has_optional else {})
    convert = arrow_csv.ConvertOptions(include_columns=list(types), column_types=types, null_values=[""])
    try:
        table = text.to_arrow(convert, ignore_empty_lines=False)
    except pa.ArrowInvalid:
        return None
    values = _matrix(table, columns)
    if not _usable(values).all():  # as with an empty line
        return None
    check_count(table.num_rows, MAX_FILE_ROWS, NAME)
    return Table(values, label=table[label] if lines.has_optional else None)


def _matrix(table: pa.Table, columns: Sequence[str]) -> NDArray[np.float64]:
    """Columns side by side; NaN for nulls."""
    values = np.empty((table.num_rows, len(columns)))
    for position, name in enumerate(columns):
        values[:, position] = table[name].to_numpy()
    return values


def _usable(values: NDArray) -> NDArray[np.bool_]:
    """Mask of the rows that hold only numbers that can be scored; of shape (n_rows,)."""
    return (np.abs(values) <= LARGEST).all(axis=1)  # False for NaN, too


def _read_with_diagnostics(text: Delimited, columns: Sequence[str], label: str) -> Table:
    """A CSV line by line, with a line number and a reason for every row that cannot be scored."""
    lines = Lines(text, columns, label, MAX_FILE_ROWS)
    blocks, labels, errors, n_rows = [], [], {}, 0
    for block in _blocks(lines):
        blocks.append(_block_values(block, columns, errors, n_rows))
        if lines.has_optional:
            labels += [cells[-1] if isinstance(cells, list) else None for _, cells in block]
        n_rows += len(block)
        check_count(n_rows, MAX_FILE_ROWS, NAME)
    check_count(n_rows, MAX_FILE_ROWS, NAME)
    return Table(np.concatenate(blocks), errors, pa.array(labels, pa.string()) if lines.has_optional else None)


def _blocks(lines: Lines) -> Iterator[list[Line]]:
    block: list[Line] = []
    for line in lines:
        block.append(line)
        if len(block) == BLOCK:
            yield block
            block = []
    if block:
        yield block


def _block_values(block: list[Line], columns: Sequence[str], errors: dict, before: int) -> NDArray[np.float64]:
    """Numbers of some lines, which follow `before` rows; the reason for each bad row goes into `errors`."""
    width = len(columns)
    if all(isinstance(cells, list) for _, cells in block):
        rows = [cells[:width] for _, cells in block]
        text = "".join(map("".join, rows))
        if text.isascii() and "_" not in text:  # float() would accept digits of other scripts and underscores
            try:
                values = np.array(rows, dtype=float)
            except ValueError:
                pass
            else:
                if _usable(values).all():
                    return values
    values = np.full((len(block), width), np.nan)
    for position, (number, cells) in enumerate(block):
        reason = cells if isinstance(cells, str) else _read_into(values[position], cells[:width], columns)
        if reason:
            errors[before + position + 1] = number, reason
    return values


def _read_into(target: NDArray, cells: Sequence[object], columns: Sequence[str]) -> str:
    """Read the cells of one row into `target`, NaN for what is not a number; returns the problems, if any."""
    numbers, problems = read_row(dict(zip(columns, cells, strict=True)), columns)
    target[[name not in problems for name in columns]] = numbers
    return "; ".join(f"{name} {reason}" for name, reason in problems.items())


def _read_parquet(file: ParquetFile, columns: Sequence[str], label: str) -> Table:
    check_count(file.metadata.num_rows, MAX_FILE_ROWS, NAME)
    schema = parquet_schema(file)
    own = parquet_names(file, [*columns, label], NAME)
    check_columns([name for name in columns if name not in own], notes=parquet_notes(file))
    _check_types({name: _value_type(schema.field(own[name]).type) for name in columns})
    labels = parquet_table(file, [own[label]], NAME).column(0) if label in own else None
    table = parquet_table(file, [own[name] for name in columns], NAME)
    table = _without_dictionaries(table.rename_columns(list(columns))).combine_chunks()
    check_count(table.num_rows, MAX_FILE_ROWS, NAME)
    numbers, errors, lines = _as_numbers(table), {}, parquet_lines(file)
    values = _matrix(numbers, columns)
    values[np.isinf(values)] = np.nan
    for position in np.flatnonzero(~_usable(values)).tolist():
        cells = [(table if is_text(table[name].type) else numbers)[name][position].as_py() for name in columns]
        if reason := _read_into(values[position], cells, columns):
            errors[position + 1] = lines[position], reason
    return Table(values, errors, labels, readings=parquet_notes(file))


def _value_type(kind: pa.DataType) -> pa.DataType:
    """The type of a column's values, which may be stored once each in a dictionary."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _without_dictionaries(table: pa.Table) -> pa.Table:
    """The table with every value in its row."""
    return pa.table([column.cast(_value_type(column.type)) for column in table.columns], names=table.column_names)


def _as_numbers(table: pa.Table) -> pa.Table:
    """The table with columns of floats, null where a text is not a number; BodyError if none of a column is."""
    texts = [name for name in table.column_names if is_text(table[name].type)]
    numbers = {name: pd.to_numeric(table[name].to_pandas(), errors="coerce") for name in texts}
    _refuse_other([name for name in texts if numbers[name].isna().all()])
    columns = [
        pa.array(numbers[name], pa.float64()) if name in numbers else table[name].cast(pa.float64(), safe=False)
        for name in table.column_names
    ]
    return pa.table(columns, names=table.column_names)


def _check_types(types: Mapping[str, pa.DataType]) -> None:
    """Raise BodyError with the names of columns that are neither numbers nor text."""
    _refuse_other([name for name, kind in types.items() if not (_is_number(kind) or is_text(kind))])


def _refuse_other(columns: Sequence[str]) -> None:
    """Raise BodyError about columns that are not numbers, if there are any."""
    if columns:
        raise BodyError(422, f"Columns hold no numbers: {', '.join(columns)}.", columns)


def _is_number(kind: pa.DataType) -> bool:
    types = pa.types
    return types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_null(kind)
