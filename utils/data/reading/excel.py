"""Tables in Excel workbooks (.xlsx)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date, time, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from utils.data.errors import DataError, LimitError
from utils.data.reading.column_names import check_count, join_names
from utils.data.reading.unpacking import MAX_DIRECTORY, ZIP, directory_size

if TYPE_CHECKING:
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

MAX_ROWS, MAX_CELLS = 2**20, 50_000_000  # of a sheet, empty ones among them, which need no space in the file


def is_workbook(content: bytes) -> bool:
    """Whether a file is an Excel workbook (.xlsx)."""
    if not content.startswith(ZIP) or (directory_size(content) or 0) > MAX_DIRECTORY:
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def check_unpacked(content: bytes, limit: int | None, name: str) -> None:
    """Raise LimitError if the parts of a workbook unpack to more than `limit` bytes."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if limit is not None and size > limit:
        raise LimitError(f"{name} unpacks to more than {limit / 2**20:,.0f} MiB; divide it into smaller files.")


def read_workbook(content: bytes, name: str) -> tuple[list[str], list[pa.ChunkedArray], list[str]]:
    """Names and columns, numbers or texts, of the first sheet that has rows, and notes; hidden sheets come last.

    Raises
    ------
    LimitError
        If a sheet has too many columns or cells.
    DataError
        If the workbook is damaged or has no rows.
    """
    sheets = {title: rows for title, rows in _sheets(content, name).items() if rows}
    if not sheets:
        raise DataError(f"{name} is a workbook without values; put the table on its first sheet.")
    title = next((title for title, rows in sheets.items() if len(rows) > 1), next(iter(sheets)))
    header, *rows = sheets.pop(title)
    notes = []
    if sheets:
        others = join_names([f"'{other}'" for other in sheets])
        notes.append(
            f"Sheet '{title}' was read; the workbook has {len(sheets) + 1} with values, and if the table is on another "
            f"one ({others}), move that to the front."
        )
    if not rows:
        raise DataError(f"{name} has a header and no rows; put the data below the header.")
    width = max(_last_filled(row) for row in (header, *rows))
    check_count(width, name)
    _check_size(len(rows), width * len(rows), name)
    names = [_text(cell) or "" for cell in _padded(header, width)]
    cells = zip(*(_padded(row, width) for row in rows), strict=True)
    columns = [pa.chunked_array([_array(column)]) for column in cells]
    return names, columns, notes


def _sheets(content: bytes, name: str) -> dict[str, list[tuple]]:
    """The rows with values of each sheet, which may differ in length; hidden sheets come last."""
    import openpyxl  # takes a third of a second to import; only needed for workbooks

    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        visible_first = sorted(book.worksheets, key=lambda sheet: sheet.sheet_state != "visible")
        return {sheet.title: _rows(sheet, name) for sheet in visible_first}
    except DataError:
        raise
    except Exception as error:  # openpyxl raises errors of many kinds about a damaged file
        kind = type(error).__name__
        raise DataError(f"{name} is not a readable Excel workbook ({kind}); save its sheet as 'CSV UTF-8'.") from None


def _rows(sheet: ReadOnlyWorksheet, name: str) -> list[tuple]:
    """The rows with values, whatever size the sheet says that it has."""
    sheet.reset_dimensions()
    rows, n_cells = [], 0
    for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
        n_cells += len(row)
        _check_size(number, n_cells, name)
        if filled := _last_filled(row):
            rows.append(row[:filled])
    return rows


def _check_size(n_rows: int, n_cells: int, name: str) -> None:
    if n_rows > MAX_ROWS or n_cells > MAX_CELLS:
        raise LimitError(
            f"{name} has a sheet of more than {MAX_ROWS:,} rows or {MAX_CELLS:,} cells, empty ones among them; save "
            "the table as 'CSV UTF-8'."
        )


def _last_filled(row: tuple) -> int:
    """Number of cells up to the last one with a value."""
    return next((position for position in range(len(row), 0, -1) if row[position - 1] is not None), 0)


def _padded(row: tuple, width: int) -> tuple:
    return (*row, *[None] * (width - len(row)))


def _array(cells: Sequence[object]) -> pa.Array:
    """Cells as text, but those of a column that has nothing else than numbers, or durations, as what they are."""
    cells = [None if _is_error(cell) else cell for cell in cells]
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds == {timedelta}:
        return pa.array(cells, pa.duration("us"))
    if kinds and kinds <= {int, float}:
        try:
            return pa.array(cells, pa.float64() if float in kinds else pa.int64())
        except (OverflowError, pa.ArrowInvalid):  # more digits than a number holds
            pass
    return pa.array(map(_text, cells), pa.string())


def _is_error(cell: object) -> bool:
    """Whether a cell is an error value, such as '#N/A' or '#DIV/0!'."""
    return isinstance(cell, str) and cell.startswith("#") and cell.endswith(("!", "?", "#N/A"))


def _text(cell: object) -> str | None:
    """A cell as in a CSV; error values are missing."""
    if isinstance(cell, date | time):
        return cell.isoformat()
    return None if cell is None or _is_error(cell) else str(cell)
