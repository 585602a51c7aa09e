"""Tables in Parquet."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from utils.data.errors import ColumnError, DataError
from utils.data.reading.column_names import check_count, check_names, spelled_as

ORIGIN = b"origin"  # key of the metadata that `as_parquet` writes
STORED_INDEX = re.compile(r"__index_level_\d+__")  # names that pandas gives to an index without a name in Parquet


class Sheet(pq.ParquetFile):
    """What `as_parquet` has written; a Parquet file of others may say anything under `ORIGIN`, and is not asked."""


def as_parquet(
    names: Sequence[str], columns: Sequence[pa.ChunkedArray], notes: Sequence[str], lines: Sequence[int]
) -> bytes:
    """Columns as the content of a Parquet file, with sentences on how they were read and the line of each row."""
    stream, lines = io.BytesIO(), np.asarray(lines)
    starts = np.flatnonzero(np.diff(lines, prepend=lines[:1] - 2) != 1)  # of rows without a gap between them
    origin = {"notes": list(notes), "rows": starts.tolist(), "lines": lines[starts].tolist()}
    table = pa.table(list(columns), names=list(names)).replace_schema_metadata({ORIGIN: json.dumps(origin)})
    pq.write_table(table, stream, compression="none")
    return stream.getvalue()


def parquet_notes(file: pq.ParquetFile) -> list[str]:
    """Sentences on how the columns of a sheet were read; none for other files."""
    return _origin(file)["notes"] if isinstance(file, Sheet) else []


def parquet_lines(file: pq.ParquetFile) -> list[int | None]:
    """The line of each row on its sheet; None for other files."""
    n_rows = file.metadata.num_rows
    if not isinstance(file, Sheet):
        return [None] * n_rows
    origin = _origin(file)
    runs = zip(origin["rows"], [*origin["rows"][1:], n_rows], origin["lines"], strict=True)
    return [line + position for start, end, line in runs for position in range(end - start)]


def _origin(sheet: Sheet) -> dict[str, list]:
    return json.loads(sheet.schema_arrow.metadata[ORIGIN])


def open_parquet(content: bytes, name: str, kind: type[pq.ParquetFile] = pq.ParquetFile) -> pq.ParquetFile:
    """A Parquet file whose names have been checked; see `utils.data.reading.open_table`."""
    file = _read_parquet(lambda: kind(pa.BufferReader(content)), name)
    check_count(file.metadata.num_columns, name)  # this counts the fields of nested columns, too
    check_names(file.schema_arrow.names, name)
    if file.schema_arrow.names.count("") > 1:  # they can only be read by their names
        raise ColumnError(f"{name} has several columns without a name; name them.", [""])
    return file


def _read_parquet(read: Callable[[], Any], name: str) -> Any:
    """What `read` returns; an error names only its type, because Arrow's text may quote the file's content."""
    try:
        return read()
    except (pa.ArrowException, OSError, ValueError) as error:
        kind = type(error).__name__
        raise DataError(f"{name} is not a readable Parquet file ({kind}), perhaps cut off; save it again.") from None


def parquet_schema(file: pq.ParquetFile) -> pa.Schema:
    """Names and types of the columns; an index with a name counts as a column, one without does not."""
    schema = file.schema_arrow
    fields = [field for field in schema if not STORED_INDEX.fullmatch(field.name)]
    counted = [pa.field(name, pa.int64()) for name in _counted_indices(file)]
    return pa.schema(fields + counted)


def parquet_names(file: pq.ParquetFile, columns: Sequence[str], name: str) -> dict[str, str]:
    """Names of the columns in the file, by their names as `columns` spells them; see `column_names.spelled_as`."""
    names = parquet_schema(file).names
    return dict(zip(spelled_as(names, columns, name), names, strict=True))


def parquet_table(file: pq.ParquetFile, columns: Sequence[str], name: str) -> pa.Table:
    """Columns of `parquet_schema` in this order; `name` is for messages."""
    counted = _counted_indices(file)
    stored = [column for column in columns if column not in counted]

    def read() -> pa.Table:
        table = file.read(stored)
        arrays = [pa.chunked_array([counted[column]]) if column in counted else table[column] for column in columns]
        return pa.table(arrays, names=list(columns))

    return _read_parquet(read, name)


def _counted_indices(file: pq.ParquetFile) -> dict[str, np.ndarray]:
    """Values of a named index that pandas stores as a range instead of a column."""
    n_rows, names = file.metadata.num_rows, set(file.schema_arrow.names)
    try:
        index_columns = json.loads((file.schema_arrow.metadata or {})[b"pandas"])["index_columns"]
        ranges = {
            index["name"]: range(index["start"], index["stop"], index["step"])
            for index in index_columns
            if isinstance(index, dict) and isinstance(index["name"], str) and index["name"] not in names
        }
        return {name: np.array(values) for name, values in ranges.items() if len(values) == n_rows}
    except (KeyError, TypeError, ValueError, OverflowError):  # no metadata, or not from pandas
        return {}
