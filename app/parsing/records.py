"""Turns the body of a request into rows of numbers; rows that cannot be read are reported and never dropped."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from utils.data.reading import MAX_COLUMNS, decimal_hint
from utils.data.reading.column_names import NAMES_ABOVE, UNNAMED, looks_like_data

Reader = Callable[[object], float]
MAX_ROWS = 50_000
PLAIN = {int, float}
LARGEST = 1e30  # beyond it a scaled value no longer fits the single precision that forests and boosting use


class BodyError(ValueError):
    """A body that cannot be divided into rows, or in which every row lacks a column.

    Attributes
    ----------
    status : int
        HTTP status: 400 if it cannot be read, 413 if it has too many rows, 422 if it breaks the schema.
    columns : list of str
        Columns that the message is about.
    """

    def __init__(self, status: int, message: str, columns: Sequence[str] = ()):
        super().__init__(message)
        self.status = status
        self.columns = list(columns)


@dataclass
class Batch:
    """Rows of one request, numbered from 1.

    Attributes
    ----------
    values : dict of int to list of float
        Numbers of each readable row, in the order of the model's raw columns.
    errors : dict of int to str
        Reason for each row that cannot be scored.
    notes : dict of int to list of str
        What a reader of a row's score has to know.
    """

    values: dict[int, list[float]] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    notes: dict[int, list[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.values) + len(self.errors)

    def add(
        self, row: Mapping[str, object], columns: Sequence[str], prefix: str = "", read: Reader | None = None
    ) -> None:
        """Read the next row; its error starts with `prefix`, and `read` is as in `read_row`."""
        number = len(self) + 1
        values, problems = read_row(row, columns, read)
        if problems:
            self.reject(prefix + "; ".join(f"{name} {reason}" for name, reason in problems.items()))
        else:
            self.values[number] = values

    def reject(self, reason: str) -> None:
        """Count the next row as one that cannot be scored."""
        self.errors[len(self) + 1] = reason


def read_row(
    row: Mapping[str, object], columns: Sequence[str], read: Reader | None = None
) -> tuple[list[float], dict[str, str]]:
    """Numbers of one row in the order of `columns`, and the problems by column.

    `read` turns a cell into a number or raises ValueError with the reason; by default it accepts text.
    """
    values = [row.get(name) for name in columns]
    if _all_plain(values):
        return values, {}
    read = read or read_number
    values, problems = [], {}
    for name in columns:
        try:
            values.append(read(row[name]))
        except KeyError:
            problems[name] = "is missing"
        except ValueError as error:
            problems[name] = str(error)
    return values, problems


def _all_plain(values: list[object]) -> bool:
    """Whether all are numbers that can be scored; their sum tells, which makes the usual row fast."""
    if not PLAIN.issuperset(map(type, values)):
        return False
    try:
        return sum(map(abs, values)) <= LARGEST  # False for NaN
    except OverflowError:
        return False


def read_number(cell: object) -> float:
    """A finite number from a JSON value or from text; ValueError says what the cell is instead."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        raise ValueError("is empty")
    if isinstance(cell, bool) or not isinstance(cell, (int, float, str)):
        raise ValueError("is not a number")
    # float() would also take 1_000 and digits of other scripts, which no other reader of the file would.
    if isinstance(cell, str) and (not cell.isascii() or "_" in cell):
        raise ValueError("is not a number")
    try:
        value = float(cell)
    except ValueError:
        raise ValueError(f"is not a number{decimal_hint(cell)}") from None
    except OverflowError:
        raise ValueError("is too large") from None
    if not math.isfinite(value):
        raise ValueError("is not a finite number")
    if abs(value) > LARGEST:
        raise ValueError("is too large")
    return value


def read_json_number(cell: object) -> float:
    """As `read_number`, but a number written as text is refused."""
    if isinstance(cell, str):
        raise ValueError("is text and not a number")
    return read_number(cell)


def read_json(body: bytes, columns: Sequence[str]) -> Batch:
    """Rows of a JSON array of objects, or of a single object.

    Raises
    ------
    BodyError
        If the body is not such JSON, has too many rows or none, or a column is missing from every row.
    """
    batch = Batch()
    for record in json_records(body, columns):
        if isinstance(record, dict):
            batch.add(record, columns, read=read_json_number)
        else:
            batch.reject("is not an object")
    return batch


def json_records(body: bytes, columns: Sequence[str]) -> list[object]:
    """The rows of a JSON body, which should be objects; errors as in `read_json`."""
    content = json_body(body)
    records = [content] if isinstance(content, dict) else content
    if not isinstance(records, list):
        raise BodyError(400, "The body must be a JSON array of objects, one per row.")
    check_count(len(records))
    objects = [record for record in records if isinstance(record, dict)]
    missing = set(columns if objects else ())
    for record in objects:
        check_width(len(record))
        missing.difference_update(record)
    check_columns([name for name in columns if name in missing])
    return records


def json_body(body: bytes) -> object:
    """Content of a JSON body; BodyError if it is not JSON."""
    try:
        return json.loads(body.decode("utf-8-sig"), object_pairs_hook=_unique)
    except RecursionError:
        raise BodyError(400, "The JSON is nested too deeply; send an array of objects.") from None
    except ValueError as error:
        raise BodyError(400, f"The body is not valid JSON: {_problem(error)}.") from None


class _RepeatedKeyError(ValueError):
    pass


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _RepeatedKeyError("an object has the same key twice")
    return members


def _problem(error: ValueError) -> str:
    """What is wrong with the text, without quoting it."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} (line {error.lineno}, column {error.colno})"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start + 1} is not UTF-8"
    return str(error) if isinstance(error, _RepeatedKeyError) else "a number has too many digits"


def check_width(n_columns: int) -> None:
    """Raise BodyError if a row has too many columns."""
    if n_columns > MAX_COLUMNS:
        raise BodyError(413, f"A row has more than {MAX_COLUMNS:,} columns; send only those that the model asks for.")


def check_names(names: Sequence[str]) -> None:
    """Raise BodyError if there are too many columns, or some are named twice."""
    check_width(len(names))
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise BodyError(422, f"Columns are named twice: {', '.join(twice)[:200]}.", twice)


def check_columns(missing: list[str], first_line: Sequence[str] = (), notes: Sequence[str] = ()) -> None:
    """Raise BodyError with all names if a column is missing from every row.

    `first_line` is that of a text, and `notes` are sentences on what was read.
    """
    if missing:
        hint = "; a column without a name is called by its position" if any(map(UNNAMED.fullmatch, missing)) else ""
        if looks_like_data(first_line):
            hint = f"; the first line looks like data, so {NAMES_ABOVE}"
        sentences = [f"Columns are missing: {', '.join(missing)}{hint}.", *notes]
        raise BodyError(422, " ".join(sentences), missing)


def check_count(n_rows: int, limit: int = MAX_ROWS, name: str = "The body") -> None:
    """Raise BodyError, which calls what was sent by its name, if there are no rows, or too many."""
    if n_rows == 0:
        raise BodyError(422, f"{name} has no rows; send at least one.")
    if n_rows > limit:
        raise BodyError(413, f"{name} has more than {limit:,} rows; send it in parts.")
