"""Comma-separated text, line by line: what can't be read is told with its line number, and nothing is dropped."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from app.records import MAX_ROWS, Batch, BodyError, check_columns, check_count, check_names

PACKED = {b"PK\x03\x04": "ZIP archive", b"\x1f\x8b": "gzip file", b"7z\xbc\xaf": "7z archive", b"BZh": "bzip2 file"}
PART = 2**20  # bytes that are looked at together
Line = tuple[int, list[str] | str]


def read_csv(body: bytes, columns: Sequence[str]) -> Batch:
    """Rows of a comma-separated table in UTF-8 whose first line names the columns.

    Columns may stand in any order and others are ignored. Lines that are empty count as rows unless nothing
    follows them.

    Raises
    ------
    BodyError
        If the body is no such table, has too many rows or none, or columns are missing or named twice.
    """
    check_text(body)
    batch = Batch()
    for number, cells in Lines(body, columns):
        if isinstance(cells, str):
            batch.reject(f"line {number}: {cells}")
        else:
            batch.add(dict(zip(columns, cells, strict=True)), columns, f"line {number}: ")
        check_count(len(batch))
    check_count(len(batch))
    return batch


class Lines:
    """The rows of a table as text: the line where each ends, and its cells or why it has none.

    Parameters
    ----------
    body : bytes
        As `check_text` accepts it.
    columns : sequence of str
        Whose cells are wanted, in this order; BodyError names those that are missing.
    optional : str, optional
        One more column, last, where the table has it; see `has_optional`.
    limit : int
        Rows from which on a run of empty lines is refused.

    Attributes
    ----------
    header : list of str
        Names of the columns as they stand.
    has_optional : bool
        Whether the optional column is there.
    plain : bool
        Whether the header takes exactly one line.
    """

    def __init__(self, body: bytes, columns: Sequence[str], optional: str | None = None, limit: int = MAX_ROWS):
        stream = io.TextIOWrapper(io.BytesIO(body), encoding="utf-8-sig", newline="")
        self._reader = csv.reader(stream, strict=True)
        self._limit = limit
        with _told(self._reader):
            self.header = _header(self._reader, columns)
        self.plain = self._reader.line_num == 1
        self.has_optional = optional in self.header
        names = [*columns, optional] if self.has_optional else columns
        self._places = [self.header.index(name) for name in names]

    def __iter__(self) -> Iterator[Line]:
        """Rows in order; BodyError names the line if the text itself is broken."""
        empty: list[int] = []
        with _told(self._reader):
            for cells in self._reader:
                if not cells:
                    empty.append(self._reader.line_num)
                    check_count(len(empty), self._limit)
                    continue
                yield from ((line, "is an empty line") for line in empty)
                empty.clear()
                if len(cells) == len(self.header):
                    yield self._reader.line_num, [cells[place] for place in self._places]
                else:
                    reason = f"has {len(cells)} values where the header has {len(self.header)}"
                    yield self._reader.line_num, reason


@contextmanager
def _told(reader: Any) -> Iterator[None]:
    """Turn the reader's own error into one for the client."""
    try:
        yield
    except csv.Error as error:
        raise BodyError(400, f"Line {reader.line_num} cannot be read: {error}.") from None


def check_text(body: bytes) -> None:
    """Raise BodyError if the body is empty, packed, binary or not UTF-8."""
    if not body.strip():
        raise BodyError(400, "The body is empty; send a header line and one line per transaction.")
    packed = next((name for magic, name in PACKED.items() if body.startswith(magic)), None)
    if packed:
        raise BodyError(415, f"The body is a {packed}; unpack it and send the file in it.")
    if not body.isascii():
        _check_utf8(body)
    if b"\0" in body:
        raise BodyError(400, "The body holds binary data; send plain CSV text.")


def _check_utf8(body: bytes) -> None:
    """In parts, as the text of a large file would take several times its size."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(body), PART):
        part = body[start : start + PART]
        try:
            decoder.decode(part, final=start + PART >= len(body))
        except UnicodeDecodeError as error:
            carried = len(error.object) - len(part)
            place = start - carried + error.start + 1
            raise BodyError(400, f"Byte {place} of the body is not UTF-8; send plain CSV text.") from None


def _header(reader: Any, columns: Sequence[str]) -> list[str]:
    header = [name.strip() for name in next(reader, [])]
    check_names(header)
    separator = next((mark for mark in ";\t|" if len(header) == 1 and mark in header[0]), None)
    hint = f" The separator seems to be {separator!r}; use commas." if separator else ""
    check_columns([name for name in columns if name not in header], hint)
    return header
