"""Reads delimited text line by line; a row that cannot be read is reported with its line number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from app.parsing.records import MAX_ROWS, Batch, BodyError, check_columns, check_count
from utils.data.errors import ColumnError, DataError, FormatError, LimitError
from utils.data.reading import Delimited, is_workbook, open_unpacked, unpacked

STATUS = {FormatError: 415, ColumnError: 422, LimitError: 413}  # 400 for any other problem of a table
MAX_UNPACKED = 16 * 2**20  # bytes of a compressed body once it is unpacked, as of any other body
Line = tuple[int, list[str] | str]


def read_csv(body: bytes, columns: Sequence[str]) -> Batch:
    """Rows of a table as text whose first line names the columns; see `utils.data.reading.open_table`.

    Columns may be in any order, and others are ignored; names may differ by line breaks and spaces. Empty lines count
    as rows unless they are the last ones.

    Raises
    ------
    BodyError
        If the body is not such a table, has too many rows or none, or columns are missing or named twice.
    """
    batch = Batch()
    with as_body_errors():
        for number, cells in Lines(open_body(body, columns), columns):
            if isinstance(cells, str):
                batch.reject(f"line {number}: {cells}")
            else:
                batch.add(dict(zip(columns, cells, strict=True)), columns, f"line {number}: ")
            check_count(len(batch))
    check_count(len(batch))
    return batch


def open_body(body: bytes, columns: Sequence[str]) -> Delimited:
    """The table that a body holds as text, with the names of its header spelled as `columns`.

    DataError if it holds none, or unpacks to more than `MAX_UNPACKED`.
    """
    content = unpacked(body, "The body", MAX_UNPACKED)
    text = None if is_workbook(content) else open_unpacked(content, "The body")
    if not isinstance(text, Delimited):
        raise FormatError("The body is a Parquet or Excel file; send it to /api/v1/files.")
    return text.spelled_as(columns)


def has_more_lines(text: Delimited, limit: int) -> bool:
    """Whether there are more lines below the header than `limit`, empty ones at the end aside; quotes may join some."""
    end = len(text.content.rstrip(b"\r\n"))
    return max(text.content.count(sign, text.start, end) for sign in (b"\n", b"\r")) >= limit


def refuse_too_many_lines(text: Delimited, limit: int) -> None:
    """Raise BodyError, before any row is read, if there are more rows than `limit` whatever the cells hold."""
    if has_more_lines(text, limit) and b'"' not in text.content:
        check_count(limit + 1, limit, text.name)


@contextmanager
def as_body_errors() -> Iterator[None]:
    """Turn problems of a table into errors for the client."""
    try:
        yield
    except DataError as error:
        status = STATUS.get(type(error), 400)
        raise BodyError(status, str(error), getattr(error, "columns", ())) from None


class Lines:
    """The rows of a table as text: the line where each ends, and its cells or the reason why it cannot be read.

    Parameters
    ----------
    text : Delimited
        The table, with names as `columns` spells them.
    columns : sequence of str
        Columns whose cells are read, in this order; BodyError names those that are missing.
    optional : str, optional
        Another column, read last if the table has it; see `has_optional`.
    limit : int
        Largest number of empty lines in a row.

    Attributes
    ----------
    name : str
        What messages call the table.
    has_optional : bool
        Whether the table has the optional column.
    """

    def __init__(self, text: Delimited, columns: Sequence[str], optional: str | None = None, limit: int = MAX_ROWS):
        positions = {name: position for position, name in enumerate(text.header)}
        check_columns([name for name in columns if name not in positions], text.header)
        self.has_optional = optional in positions
        self._positions = [positions[name] for name in (*columns, *([optional] if self.has_optional else []))]
        self.name, self._text, self._limit = text.name, text, limit

    def __iter__(self) -> Iterator[Line]:
        """Rows in order; DataError names the line if the text itself is broken."""
        empty: list[int] = []
        for line, cells in self._text.rows():
            if not cells:
                empty.append(line)
                check_count(len(empty), self._limit, self.name)
                continue
            yield from ((before, "is an empty line") for before in empty)
            empty.clear()
            problem = self._text.ragged(cells)
            yield line, problem or [cells[position] for position in self._positions]
