"""Reads the table of an Excel workbook in a process of its own.

python -m utils.data.reading.workbook_worker NAME

Standard input is the workbook, and NAME stands for it in messages. Standard output is its table, as `as_parquet` writes
it, or, with the exit status REFUSED, a sentence on why there is none. A small file may ask for any amount of memory and
time, so this process may use only so much of both.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from datetime import date, time, timedelta
from itertools import groupby

import numpy as np
import pyarrow as pa
from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from utils.data.errors import DataError
from utils.data.reading.column_names import join_names
from utils.data.reading.parquet import as_parquet
from utils.data.reading.spelled_numbers import COMMA, POINT, to_floats

MEMORY, SECONDS = 4 * 2**30, 60  # of this process
REFUSED, TOO_LARGE = 3, 4  # exit status
LARGEST_WHOLE = 2**53  # up to here a float64 holds every whole number
Cell = object  # a number, text, truth value, date, time or duration; None where there is nothing


def table_of(content: bytes, name: str) -> bytes:
    """The table of a workbook, as `as_parquet` writes it; DataError if there is none."""
    sheets = list(_sheets(content, name))
    if not sheets:
        raise DataError(f"{name} is a workbook without values; put the table on its first sheet.")
    chosen = next((sheet for sheet in sheets if sheet.height > 1), sheets[0])
    table = list(_rows(chosen))
    if len(table) < 2:
        raise DataError(f"{name} has a header and no rows; put the data below the header.")
    (_, header), *rows = table
    columns = [pa.chunked_array([_array(column)]) for column in zip(*(cells for _, cells in rows), strict=True)]
    return as_parquet(_names(header), columns, _notes(chosen, sheets), [number for number, _ in rows])


def _sheets(content: bytes, name: str) -> Iterator[CalamineSheet]:
    """The sheets with values that are shown, or else the hidden ones."""
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        for _, group in groupby(sorted(book.sheets_metadata, key=_is_hidden), key=_is_hidden):
            tables = [sheet.name for sheet in group if sheet.typ == SheetTypeEnum.WorkSheet]
            filled = [sheet for sheet in map(book.get_sheet_by_name, tables) if sheet.height]
            yield from filled
            if filled:
                break
    except MemoryError:
        raise
    except Exception as error:  # it raises errors of many kinds about a damaged file
        kind = type(error).__name__
        raise DataError(f"{name} is not a readable Excel workbook ({kind}); save its sheet as 'CSV UTF-8'.") from None


def _is_hidden(sheet: object) -> bool:
    return sheet.visible != SheetVisibleEnum.Visible


def _rows(sheet: CalamineSheet) -> Iterator[tuple[int, list[Cell]]]:
    """The rows with values, with their numbers on the sheet."""
    first, _ = sheet.start
    for number, cells in enumerate(sheet.to_python(), first + 1):
        row = [None if isinstance(cell, str) and not cell else cell for cell in cells]
        if any(cell is not None for cell in row):
            yield number, row


def _names(header: Sequence[Cell]) -> list[str]:
    """Names of the columns; if several have none, they are called by their positions."""
    names = [_text(cell) or "" for cell in header]
    if names.count("") < 2:
        return names
    return [name or f"column {position}" for position, name in enumerate(names, 1)]


def _notes(chosen: CalamineSheet, sheets: Sequence[CalamineSheet]) -> list[str]:
    others = join_names([f"'{sheet.name}'" for sheet in sheets if sheet is not chosen])
    if not others:
        return []
    return [
        f"Sheet '{chosen.name}' was read; the workbook has {len(sheets)} with values, and if the table is on another "
        f"one ({others}), move that to the front."
    ]


def _array(cells: Sequence[Cell]) -> pa.Array:
    """Cells as numbers, truth values or durations if all are such, and as text otherwise."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if not kinds:
        return pa.nulls(len(cells))
    if kinds == {timedelta}:
        return pa.array(cells, pa.duration("us"))
    if kinds == {bool}:
        return pa.array(cells, pa.bool_())
    if kinds and kinds <= {int, float, bool}:
        return _numbers(cells)
    texts = pa.array([cell for cell in cells if isinstance(cell, str)], pa.large_string())
    sign = max((POINT, COMMA), key=lambda sign: len(texts) - to_floats(texts, sign).null_count)
    return pa.array([_text(cell, sign) for cell in cells], pa.large_string())


def _numbers(cells: Sequence[float | None]) -> pa.Array:
    """Whole numbers if all are such."""
    values = np.array([np.nan if cell is None else cell for cell in cells], dtype=float)
    is_missing = np.isnan(values)
    is_whole = (values == np.round(values)) & (np.abs(values) <= LARGEST_WHOLE)
    if (is_whole | is_missing).all():
        return pa.array(np.where(is_missing, 0, values).astype(np.int64), mask=is_missing)
    return pa.array(values, mask=is_missing)


def _text(cell: Cell, sign: str = POINT) -> str | None:
    """A cell as in a CSV; a number has the decimal sign of the texts beside it, and no three decimals.

    '1.125' could also be 1125 with a point between the thousands, '1.1250' could not.
    """
    if isinstance(cell, date | time):
        return cell.isoformat()
    if not isinstance(cell, float):
        return None if cell is None else str(cell)
    text = np.format_float_positional(cell, trim="-")
    whole, _, decimals = text.partition(".")
    return f"{whole}{sign}{decimals}{'0' * (len(decimals) == 3)}" if decimals else whole


def _limit_resources() -> None:
    """Let this process use no more memory and time than it may, where the system can do that."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Answer through the pipes."""
    _limit_resources()
    try:
        answer, status = table_of(sys.stdin.buffer.read(), sys.argv[1]), 0
    except DataError as error:
        answer, status = str(error).encode(errors="surrogateescape"), REFUSED
    except MemoryError:
        answer, status = b"", TOO_LARGE
    sys.stdout.buffer.write(answer)
    sys.exit(status)


if __name__ == "__main__":
    main()
