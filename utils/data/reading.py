"""Read a table from CSV or Parquet, recognised by content; files that cannot be read get one helpful sentence.

The study and the application both use this module, so that they accept the same files with the same messages.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import lzma
import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

MAX_COLUMNS = 10_000
MAX_LINE = 2**20  # characters of a row, and bytes of the header
MAX_DIRECTORY = 2**16  # bytes of a ZIP archive's list of files
CHUNK = 2**20
SEPARATORS = ",;\t|"
PARQUET, GZIP, ZIP = b"PAR1", b"\x1f\x8b", b"PK\x03\x04"
ARCHIVES = {
    b"BZh": "a bzip2 file",
    b"7z\xbc\xaf": "a 7z archive",
    b"\xfd7zXZ": "an xz file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
}
OTHER_FORMATS = {
    b"\xd0\xcf\x11\xe0": "an Excel workbook (.xls)",
    b"%PDF": "a PDF document",
    b"SQLite format 3": "an SQLite database",
    b"\x89HDF": "an HDF5 file",
    b"<": "a web page or XML",
    b"{": "JSON",
}
ENCODINGS = {  # by byte order mark; UTF-32 comes first, because its marks begin like those of UTF-16
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
UNPACKING_ERRORS = (
    OSError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
UNNAMED = re.compile(r"\s*|Unnamed: \d+")  # names that pandas gives to columns without a name
DECIMAL_COMMA = re.compile(r"\s*[-+]?[\d.]*,\d+(?:[eE][-+]?\d+)?\s*")
WHOLE_OR_EMPTY = re.compile(r"\s*(?:[-+]?\d+)?\s*")
DECIMAL_POINT = "write decimals with a point"
STORED_INDEX = re.compile(r"__index_level_\d+__")  # names that pandas gives to an index without a name in Parquet


class DataError(ValueError):
    """A dataset is wrong; the message is one sentence that says what, where, and what to do."""


class FormatError(DataError):
    """The file is neither CSV nor Parquet."""


class LimitError(DataError):
    """The file exceeds a limit."""


class ColumnError(DataError):
    """The names of the columns cannot be used.

    Attributes
    ----------
    columns : tuple of str
        The names that the message is about.
    """

    def __init__(self, message: str, columns: Sequence[str] = ()):
        super().__init__(message)
        self.columns = tuple(columns)


@dataclass(frozen=True, eq=False)
class Delimited:
    """A table as text, with the start of its rows and the separator.

    Attributes
    ----------
    name : str
        Name in messages, such as that of the file.
    content : bytes
        UTF-8 without a byte order mark, from the header on.
    separator : str
        Between two cells.
    header : tuple of str
        Names of the columns; empty for a column without a name.
    start : int
        Position of the first byte after the header.
    header_line : int
        Line on which the header ends, from 1.
    """

    name: str
    content: bytes
    separator: str
    header: tuple[str, ...]
    start: int
    header_line: int

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Line number and cells of each row; the number is that of its last line, and an empty line has no cells.

        Raises
        ------
        DataError
            If the text is broken; the message names the line.
        """
        stream = io.BytesIO(self.content)
        stream.seek(self.start)
        lines = _Lines(io.TextIOWrapper(stream, encoding="utf-8", newline=""))
        reader = csv.reader(lines, delimiter=self.separator, strict=True)
        try:
            for cells in reader:
                lines.size = 0
                yield self.header_line + lines.count, cells
        except csv.Error as error:
            line = self.header_line + lines.count
            raise DataError(f"{self.name}, line {line}, cannot be read: {error}; correct this line.") from None

    def to_arrow(self, convert: pyarrow.csv.ConvertOptions, *, ignore_empty_lines: bool = True) -> pa.Table:
        """All rows at once; ArrowInvalid if there are none, or one has a different number of cells than the header."""
        return pyarrow.csv.read_csv(
            pa.BufferReader(pa.py_buffer(self.content).slice(self.start)),
            pyarrow.csv.ReadOptions(column_names=list(self.header)),
            pyarrow.csv.ParseOptions(
                delimiter=self.separator,
                newlines_in_values=b'"' in self.content,
                ignore_empty_lines=ignore_empty_lines,
            ),
            convert,
        )

    def ragged(self, cells: Sequence[str]) -> str | None:
        """Message about a row's number of cells; None if it is right."""
        if len(cells) == len(self.header):
            return None
        divided = self.separator == "," and len(cells) > len(self.header) and all(map(WHOLE_OR_EMPTY.fullmatch, cells))
        hint = f" ({DECIMAL_POINT}, if they have commas)" if divided else ""
        return f"has {len(cells)} values where the header names {len(self.header)} columns{hint}"


class _Lines:
    """Iterator over the lines of a text that counts them; csv.Error if a row, of length `size` so far, is too long."""

    def __init__(self, stream: IO[str]):
        self._stream = stream
        self.count = self.size = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._stream.readline(MAX_LINE)
        self.size += len(line)
        self.count += bool(line)
        if self.size >= MAX_LINE:
            raise csv.Error(f"it is longer than {MAX_LINE:,} characters")
        if not line:
            raise StopIteration
        return line


def decimal_hint(cell: str) -> str:
    """Hint in brackets about a decimal comma, for a message that a cell is not a number; empty without one."""
    return f" ({DECIMAL_POINT})" if DECIMAL_COMMA.fullmatch(cell) else ""


def open_table(content: bytes, name: str, limit: int | None = None) -> Delimited | pq.ParquetFile:
    """A table whose header has been read, but not its rows.

    Text may be separated by commas, semicolons, tabs or vertical bars. It is in UTF-8 or, with a byte order mark, in
    UTF-16 or UTF-32. Either format may be compressed with gzip, or be the only file in a ZIP archive.

    Parameters
    ----------
    content : bytes
        The whole file.
    name : str
        Name in messages.
    limit : int, optional
        Maximum size of an unpacked file in bytes.

    Raises
    ------
    FormatError
        If the file has another format; the message names it.
    LimitError
        If it unpacks to more than `limit` bytes, or has more than MAX_COLUMNS columns.
    ColumnError
        If two columns have the same name.
    DataError
        If the file is empty, damaged, or not text.
    """
    content = _unpack(content, name, limit)
    _refuse_other_formats(content, name)
    if content.startswith(PARQUET):
        return _open_parquet(content, name)
    return _open_text(_as_utf8(content, name), name)


def _unpack(content: bytes, name: str, limit: int | None) -> bytes:
    size = -1 if limit is None else limit + 1
    try:
        if content.startswith(GZIP):
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
                result = file.read(size)
        elif content.startswith(ZIP):
            result = _unzip(content, name, size)
        else:
            return content
    except DataError:
        raise
    except UNPACKING_ERRORS as error:
        raise DataError(f"{name} cannot be unpacked ({error}); pack it again or give it unpacked.") from None
    if limit is not None and len(result) > limit:
        raise LimitError(f"{name} unpacks to more than {limit / 2**20:,.0f} MiB; divide it into smaller files.")
    return result


def _unzip(content: bytes, name: str, size: int) -> bytes:
    """The only file of an archive; Excel and OpenDocument files are archives, too."""
    end = content.rfind(b"PK\x05\x06")  # record with the length of the archive's list of files
    if end < 0:
        raise zipfile.BadZipFile("it is cut off")
    if int.from_bytes(content[end + 12 : end + 16], "little") > MAX_DIRECTORY:
        raise FormatError(f"{name} is a ZIP archive of very many files; give the one file with the table.")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = set(archive.namelist())
        if "[Content_Types].xml" in names or "mimetype" in names:
            kind = "an Excel workbook" if "[Content_Types].xml" in names else "an OpenDocument file"
            raise FormatError(f"{name} is {kind}; save its sheet as 'CSV UTF-8' and give that file.")
        files = [member for member in names if not member.endswith("/") and not member.startswith("__MACOSX/")]
        if len(files) != 1:
            raise FormatError(f"{name} is a ZIP archive of {len(files)} files; give the one file with the table.")
        with archive.open(files[0]) as file:
            return file.read(size)


def _refuse_other_formats(content: bytes, name: str) -> None:
    archive = next((kind for first_bytes, kind in ARCHIVES.items() if content.startswith(first_bytes)), None)
    if content[257:262] == b"ustar":
        archive = "a tar archive"
    elif content.startswith((GZIP, ZIP)):
        archive = "packed twice"
    if archive:
        raise FormatError(f"{name} is {archive}; unpack it and give the file in it.")
    start = content[:100].lstrip()
    other_format = next((kind for first_bytes, kind in OTHER_FORMATS.items() if start.startswith(first_bytes)), None)
    if other_format:
        raise FormatError(f"{name} is {other_format}; save the table as CSV or Parquet.")


def _as_utf8(content: bytes, name: str) -> bytes:
    """Text in UTF-8 without a byte order mark; DataError if it is not text, or not in the encoding of its mark."""
    content = content.removeprefix(codecs.BOM_UTF8)
    encoding = next(
        (candidate for mark, candidate in ENCODINGS.items() if content.startswith(mark)), _guess_utf16(content)
    )
    if encoding:
        try:
            content = content.decode(encoding).removeprefix("\ufeff").encode()
        except UnicodeError:
            encoding_name = encoding[:6].upper()
            raise DataError(
                f"{name} begins as {encoding_name} and is damaged further on; save it as 'CSV UTF-8'."
            ) from None
    if not content.isascii():
        _check_utf8(content, name)
    position = content.find(b"\0")
    if position >= 0:
        raise DataError(f"{name} holds binary data (byte {position + 1:,} is zero); save the table as CSV or Parquet.")
    return content


def _guess_utf16(content: bytes) -> str | None:
    """UTF-16 without a byte order mark: every other byte of Latin letters is zero."""
    first, second = content[:200:2], content[1:200:2]
    for high, low, encoding in ((second, first, "utf-16-le"), (first, second, "utf-16-be")):
        if high.count(0) > 0.7 * len(high) > 0 and 0 not in low:
            return encoding
    return None


def _check_utf8(content: bytes, name: str) -> None:
    """Decode in chunks, because the text of a large file would take several times its size."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(content), CHUNK):
        chunk = content[start : start + CHUNK]
        try:
            decoder.decode(chunk, final=start + CHUNK >= len(content))
        except UnicodeDecodeError as error:
            position = start - (len(error.object) - len(chunk)) + error.start
            line = content.count(b"\n", 0, position) + 1
            raise DataError(
                f"{name} is not UTF-8 at byte {position + 1:,} (line {line}), as when a spreadsheet saves in Latin-1; "
                "save it as 'CSV UTF-8'."
            ) from None


@dataclass(frozen=True, eq=False)
class _Header:
    """The first lines of a text, read with one separator."""

    separator: str
    names: list[str]
    first_row: list[str] | None
    start: int
    line: int

    @property
    def likelihood(self) -> tuple[bool, bool, int]:
        """Sort key of the separator: it divides the header, divides the first row alike, and gives many names."""
        alike = self.first_row is None or len(self.first_row) == len(self.names)
        return len(self.names) > 1, alike, len(self.names)


def _open_text(content: bytes, name: str) -> Delimited:
    start = content[:MAX_LINE].decode(errors="ignore")  # only the last character may be incomplete
    headers, errors = [], []
    for separator in SEPARATORS:
        try:
            headers.append(_read_header(start, separator))
        except csv.Error as error:
            errors.append(error)
    if not headers:
        raise DataError(f"{name}, line 1, cannot be read: {errors[0]}; correct the header.")
    if not any(header.names for header in headers):
        raise DataError(f"{name} is empty; write a header and, below it, one line per row.")
    header = max(headers, key=lambda candidate: candidate.likelihood)
    if header.start == len(start.encode()) < len(content):
        raise LimitError(f"{name} has a header of more than {MAX_LINE:,} bytes; leave out columns.")
    _check_names(header.names, name)
    return Delimited(name, content, header.separator, tuple(header.names), header.start, header.line)


def _read_header(text: str, separator: str) -> _Header:
    """The first row that is not empty, as names, and the row after it; csv.Error if it cannot be read."""
    start = 0

    def counted() -> Iterator[str]:
        nonlocal start
        for line in io.StringIO(text, newline=""):
            start += len(line.encode())
            yield line

    reader = csv.reader(counted(), delimiter=separator, strict=True)
    names = [name.strip() for name in next((cells for cells in reader if "".join(cells).strip()), [])]
    header_end, line = start, reader.line_num
    try:
        first_row = next((cells for cells in reader if cells), None)
    except csv.Error:  # the error is reported, with its line, when the rows are read
        first_row = None
    return _Header(separator, _with_empty_ends(names, first_row), first_row, header_end, line)


def _with_empty_ends(names: list[str], first_row: list[str] | None) -> list[str]:
    """Names for as many cells as the first row has, if they differ only by empty cells at the end."""
    n_named = max((position for position, name in enumerate(names, 1) if name), default=0)
    if first_row is None or len(first_row) < n_named or "".join(first_row[n_named:]).strip():
        return names
    return names[:n_named] + [""] * (len(first_row) - n_named)


def _check_count(n_columns: int, name: str) -> None:
    if n_columns > MAX_COLUMNS:
        raise LimitError(f"{name} has {n_columns:,} columns and at most {MAX_COLUMNS:,} are read; leave some out.")


def _check_names(names: Sequence[str], name: str) -> None:
    _check_count(len(names), name)
    duplicates = sorted(column for column, count in Counter(names).items() if count > 1 and column)
    if duplicates:
        raise ColumnError(
            f"{name} has columns that are named twice: {_join_names(duplicates)}; rename one of each.", duplicates
        )


def _join_names(names: Sequence[str]) -> str:
    """Names for a message, cut off if there are too many."""
    text = ", ".join(names)
    return text if len(text) <= 200 else f"{text[:200]} ..."


def _open_parquet(content: bytes, name: str) -> pq.ParquetFile:
    file = _read_parquet(lambda: pq.ParquetFile(pa.BufferReader(content)), name)
    _check_count(file.metadata.num_columns, name)  # this counts the fields of nested columns, too
    _check_names(file.schema_arrow.names, name)
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


def parquet_table(
    file: pq.ParquetFile, columns: Sequence[str], name: str, type_: pa.DataType | None = None
) -> pa.Table:
    """Columns of `parquet_schema` in this order, optionally cast to one type; `name` is for messages."""
    counted = _counted_indices(file)
    stored = [column for column in columns if column not in counted]

    def read() -> pa.Table:
        table = file.read(stored)
        arrays = [pa.chunked_array([counted[column]]) if column in counted else table[column] for column in columns]
        arrays = [array.cast(type_, safe=False) if type_ else array for array in arrays]
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


def read_table(path: Path, drop: Sequence[str] = ()) -> pd.DataFrame:
    """Read a CSV or Parquet file as it is, text columns included.

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
        table = _arrow_table(source)
    else:
        table = parquet_table(source, parquet_schema(source).names, path.name)
    if not table.num_rows:
        raise DataError(f"{path.name} has a header and no rows; put the data below the header.")
    return _select_named(table, drop, path.name).to_pandas()


def _arrow_table(text: Delimited) -> pa.Table:
    if not any(cells for _, cells in text.rows()):
        return pa.table([pa.nulls(0)] * len(text.header), names=list(text.header))
    try:
        return text.to_arrow(pyarrow.csv.ConvertOptions())
    except pa.ArrowException as error:
        for line, cells in text.rows():
            if cells and (problem := text.ragged(cells)):
                header = f"the header is line {text.header_line}"
                raise DataError(f"{text.name}, line {line} ({header}), {problem}; correct this line.") from None
        reason = str(error).splitlines()[0][:200].rstrip(": ")
        raise DataError(f"{text.name} is not a readable CSV file ({reason}); save it again as CSV.") from None


def _select_named(table: pa.Table, drop: Sequence[str], name: str) -> pa.Table:
    """The table without the columns to leave out, and without columns that have neither name nor value."""
    missing = [column_name for column_name in drop if column_name not in table.column_names]
    if missing:
        raise ColumnError(f"{name} has no column {_join_names(missing)} to leave out; correct `drop`.", missing)
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


def line_numbers(path: Path, rows: np.ndarray) -> str:
    """Lines or rows of the file in which the data rows with these 0-based numbers are, for messages."""
    source = open_table(path.read_bytes(), path.name)
    if isinstance(source, Delimited):
        row_numbers = set(rows.tolist())
        filled_lines = (line for line, cells in source.rows() if cells)
        numbers = [line for number, line in enumerate(filled_lines) if number in row_numbers]
        unit, note = "line", f" (the header is line {source.header_line})"
    else:
        unit, numbers, note = "row", rows + 1, ""
    return f"{unit}{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}{note}"
