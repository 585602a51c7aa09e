"""Tables as delimited text: encoding, separator, header and rows."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import IO

import pyarrow as pa
import pyarrow.csv

from utils.data.errors import DataError, LimitError
from utils.data.reading.column_names import check_first_line, spelled_as
from utils.data.reading.quotes import with_usual_quotes

MAX_LINE = 2**20  # characters of a row, and bytes of the header
CHUNK = 2**20
SEPARATORS = ",;\t|"
SEPARATOR_HINT = re.compile(rb'"?sep=(?P<separator>[,;\t|])"?\r?\n')  # a first line that Excel writes and reads
MIN_SWALLOWED = 3  # lines of a cell that look like rows
WINDOWS = "Windows-1252"
MAX_OTHERS = 0.3  # share of bytes beyond ASCII in text of Western European languages
ENCODINGS = {  # by byte order mark; UTF-32 comes first, because its marks begin like those of UTF-16
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
LINE, FILLED_LINE = re.compile(rb"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+"), re.compile(rb"[^\r\n]+")
DECIMAL_COMMA = re.compile(r"\s*[-+]?[\d.]*,\d+(?:[eE][-+]?\d+)?\s*")
WHOLE_OR_EMPTY = re.compile(r"\s*(?:[-+]?\d+)?\s*")
DECIMAL_POINT = "write decimals with a point"


@dataclass(frozen=True, eq=False)
class Delimited:
    """A table as text, with the start of its rows and the separator.

    Attributes
    ----------
    name : str
        Name in messages, such as that of the file.
    content : bytes
        UTF-8 without a byte order mark, from the header on, with quotes as in RFC 4180; see `quotes`.
    separator : str
        Between two cells.
    header : tuple of str
        Names of the columns; empty for a column without a name.
    start : int
        Position of the first byte after the header.
    header_line : int
        Line on which the header ends, from 1.
    encoding : str
        Name of the encoding that the file had.
    """

    name: str
    content: bytes
    separator: str
    header: tuple[str, ...]
    start: int
    header_line: int
    encoding: str = "UTF-8"

    def spelled_as(self, columns: Sequence[str]) -> Delimited:
        """The table with the names of its header spelled as `columns`; see `column_names.spelled_as`."""
        return replace(self, header=tuple(spelled_as(self.header, columns, self.name)))

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
        first = self.header_line + 1
        try:
            for cells in reader:
                lines.size = 0
                line = self.header_line + lines.count
                yield line, cells
                first = line + 1
        except csv.Error as error:
            line = self.header_line + lines.count
            is_open = first < line
            advice = f"close or remove the quote that is open since line {first}" if is_open else "correct this line"
            raise DataError(f"{self.name}, line {line}, cannot be read: {error}; {advice}.") from None

    def has_joined_lines(self, n_rows: int, *, ignore_empty_lines: bool = True) -> bool:
        """Whether the text has more lines than rows, as it has where quotes enclose line breaks."""
        line = FILLED_LINE if ignore_empty_lines else LINE
        return b'"' in self.content and n_rows < sum(1 for _ in line.finditer(self.content, self.start))

    def longest_row(self) -> tuple[int, int]:
        """Number of lines of the longest row, and the line in which it begins; DataError if the text is broken."""
        ends = [self.header_line, *(line for line, _ in self.rows())]
        return max(((end - before, before + 1) for before, end in pairwise(ends)), key=lambda row: row[0])

    def to_arrow(self, convert: pyarrow.csv.ConvertOptions, *, ignore_empty_lines: bool = True) -> pa.Table:
        """All rows at once.

        Raises
        ------
        ArrowInvalid
            If there are no rows, or one has a different number of cells than the header.
        DataError
            If quotes enclose rows, which Arrow accepts even where the last one is not closed.
        """
        table = pyarrow.csv.read_csv(
            pa.BufferReader(pa.py_buffer(self.content).slice(self.start)),
            pyarrow.csv.ReadOptions(column_names=list(self.header)),
            pyarrow.csv.ParseOptions(
                delimiter=self.separator,
                newlines_in_values=b'"' in self.content,
                ignore_empty_lines=ignore_empty_lines,
            ),
            convert,
        )
        if self.has_joined_lines(table.num_rows, ignore_empty_lines=ignore_empty_lines):
            self._refuse_swallowed_rows()
        return table

    def _refuse_swallowed_rows(self) -> None:
        """Raise DataError about quotes that enclose rows, and are not closed or are two stray ones."""
        first = self.header_line + 1
        for line, cells in self.rows():
            if any(map(self._holds_rows, cells)):
                raise DataError(
                    f"{self.name}, line {first}: quotes in it and in line {line} enclose lines with as many values as "
                    "the header; remove these quotes."
                )
            first = line + 1

    def _holds_rows(self, cell: str) -> bool:
        """Whether a cell has several lines, and each one between its first and last could be a row."""
        lines, n_separators = cell.splitlines()[1:-1], len(self.header) - 1
        are_like_rows = all(line.count(self.separator) == n_separators for line in lines)
        return n_separators > 0 and len(lines) >= MIN_SWALLOWED and are_like_rows

    def ragged(self, cells: Sequence[str]) -> str | None:
        """Message about a row's number of cells; None if it is right."""
        if len(cells) == len(self.header):
            return None
        divided = self.separator == "," and len(cells) > len(self.header) and all(map(WHOLE_OR_EMPTY.fullmatch, cells))
        hint = f" ({DECIMAL_POINT}, if they have commas)" if divided else ""
        n_values, n_columns = len(cells), len(self.header)
        values, columns = f"value{'s' * (n_values != 1)}", f"column{'s' * (n_columns != 1)}"
        return f"has {n_values} {values} where the header names {n_columns} {columns}{hint}"


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


def as_utf8(content: bytes, name: str) -> tuple[bytes, str]:
    """Text in UTF-8 without a byte order mark, and the name of the encoding that it had.

    Text without a mark whose first letter beyond ASCII is not UTF-8 is Windows-1252, as spreadsheets write it, of
    which Latin-1 is a part.

    Raises
    ------
    DataError
        If it is not text, or not in the encoding in which it begins.
    """
    marked = content.startswith(codecs.BOM_UTF8)
    content = content.removeprefix(codecs.BOM_UTF8)
    encoding = next(
        (candidate for mark, candidate in ENCODINGS.items() if content.startswith(mark)), _guess_utf16(content)
    )
    if encoding:
        content = _decode(content, encoding, name).removeprefix("\ufeff").encode()
    position = content.find(b"\0")
    if position >= 0:
        raise DataError(f"{name} holds binary data (byte {position + 1:,} is zero); save the table as CSV or Parquet.")
    bad_byte = None if content.isascii() else _first_bad_byte(content)
    if bad_byte is None:
        content = content.replace(codecs.BOM_UTF8, b"")  # of files that were put one behind the other
        return content, encoding[:6].upper() if encoding else "UTF-8"
    _refuse_other_encodings(content, bad_byte, name, is_utf8=marked or not content[:bad_byte].isascii())
    return _decode(content, "cp1252", name).encode(), WINDOWS


def _refuse_other_encodings(content: bytes, bad_byte: int, name: str, *, is_utf8: bool) -> None:
    """Raise DataError about damaged UTF-8, and about files with more letters beyond ASCII than Windows-1252 has."""
    start = content[:CHUNK]
    n_others = len(start.translate(None, bytes(range(128))))
    line = content.count(b"\n", 0, bad_byte) + 1
    if is_utf8:
        problem = f"begins as UTF-8 and is not at byte {bad_byte + 1:,} (line {line})"
    elif n_others > MAX_OTHERS * len(start):
        problem = f"is not UTF-8 at byte {bad_byte + 1:,} (line {line}) and hardly {WINDOWS}"
    else:
        return
    raise DataError(f"{name} {problem}; save it as 'CSV UTF-8'.")


def _decode(content: bytes, encoding: str, name: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "cp1252":
            line = content.count(b"\n", 0, error.start) + 1
            raise DataError(
                f"{name} is neither UTF-8 nor {WINDOWS} at byte {error.start + 1:,} (line {line}); save it as "
                "'CSV UTF-8'."
            ) from None
        raise DataError(
            f"{name} begins as {encoding[:6].upper()} and is damaged further on; save it as 'CSV UTF-8'."
        ) from None


def _guess_utf16(content: bytes) -> str | None:
    """UTF-16 without a byte order mark: every other byte of Latin letters is zero."""
    first, second = content[:200:2], content[1:200:2]
    for high, low, encoding in ((second, first, "utf-16-le"), (first, second, "utf-16-be")):
        if high.count(0) > 0.7 * len(high) > 0 and 0 not in low:
            return encoding
    return None


def _first_bad_byte(content: bytes) -> int | None:
    """Position of the first byte that is not UTF-8; found in chunks, as a large text takes much memory."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(content), CHUNK):
        chunk = content[start : start + CHUNK]
        try:
            decoder.decode(chunk, final=start + CHUNK >= len(content))
        except UnicodeDecodeError as error:
            return start - (len(error.object) - len(chunk)) + error.start
    return None


@dataclass(frozen=True, eq=False)
class _Header:
    """The first lines of a text, read with one separator; the header is cut if it ends beyond the bytes read."""

    separator: str
    names: list[str]
    first_row: list[str] | None
    start: int
    line: int
    is_cut: bool

    @property
    def likelihood(self) -> tuple[bool, bool, int]:
        """Sort key of the separator: it divides the header, divides the first row alike, and gives many names."""
        alike = self.first_row is None or len(self.first_row) == len(self.names)
        return len(self.names) > 1, alike, len(self.names)


def open_text(content: bytes, name: str) -> Delimited:
    """A table as delimited text in any encoding, whose header has been read; see `utils.data.reading.open_table`."""
    content, encoding = as_utf8(content, name)
    hint = SEPARATOR_HINT.match(content)
    content = content[hint.end() :] if hint else content
    separators = hint["separator"].decode() if hint else SEPARATORS
    starts = {separator: with_usual_quotes(content[:MAX_LINE], separator) for separator in separators}
    separator = _likeliest_header(starts, name).separator
    content = with_usual_quotes(content, separator)
    header = _likeliest_header({separator: content}, name)
    if header.is_cut:
        raise LimitError(f"{name} has a header of more than {MAX_LINE:,} bytes; leave out columns.")
    check_first_line(header.names, name)
    line = header.line + bool(hint)
    return Delimited(name, content, separator, tuple(header.names), header.start, line, encoding)


def _likeliest_header(contents: Mapping[str, bytes], name: str) -> _Header:
    """The header by the separator that suits it best, each with its text; DataError if it cannot be read."""
    headers, errors = [], []
    for separator, content in contents.items():
        try:
            headers.append(_read_header(content, separator))
        except csv.Error as error:
            errors.append(error)
    if not headers:
        raise DataError(
            f"{name}, line 1, cannot be read: {errors[0]}; correct the header, or separate names and values by one of "
            ", ; | and tabs."
        )
    if not any(header.names for header in headers):
        raise DataError(f"{name} is empty; write a header and, below it, one line per row.")
    return max(headers, key=lambda candidate: candidate.likelihood)


def _read_header(content: bytes, separator: str) -> _Header:
    """The first row that is not empty, as names, and the row after it; csv.Error if it cannot be read."""
    text, start = content[:MAX_LINE].decode(errors="ignore"), 0  # only the last character may be incomplete

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
    is_cut = header_end == len(text.encode()) < len(content)
    return _Header(separator, _with_empty_ends(names, first_row), first_row, header_end, line, is_cut)


def _with_empty_ends(names: list[str], first_row: list[str] | None) -> list[str]:
    """Names for as many cells as the first row has, if they differ only by empty cells at the end."""
    n_named = max((position for position, name in enumerate(names, 1) if name), default=0)
    if first_row is None or len(first_row) < n_named or "".join(first_row[n_named:]).strip():
        return names
    return names[:n_named] + [""] * (len(first_row) - n_named)
