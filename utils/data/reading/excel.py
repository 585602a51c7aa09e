"""Tables in Excel workbooks, where `openpyxl` is installed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date, time, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from utils.data.errors import DataError, FormatError
from utils.data.reading.column_names import join_names

if TYPE_CHECKING:
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet


def is_workbook(content: bytes) -> bool:
    """Whether a file is an Excel workbook (.xlsx)."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def read_workbook(content: bytes, name: str) -> tuple[list[str], list[pa.ChunkedArray], list[str]]:
    """Names and columns, numbers or texts, of the first sheet that has rows, and notes; hidden sheets come last.

    Raises
    ------
    FormatError
        If `openpyxl` is not installed.
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
    width = max(position for row in (header, *rows) for position, cell in enumerate(row, 1) if cell is not None)
    names = [_text(cell) or "" for cell in _padded(header, width)]
    cells = zip(*(_padded(row, width) for row in rows), strict=True)
    columns = [pa.chunked_array([_array(column)]) for column in cells]
    return names, columns, notes


def _sheets(content: bytes, name: str) -> dict[str, list[tuple]]:
    """The rows with values of each sheet, which may differ in length; hidden sheets come last."""
    try:
        import openpyxl
    except ImportError:
        raise FormatError(
            f"{name} is an Excel workbook; install openpyxl ('pip install openpyxl'), or save its sheet as 'CSV UTF-8'."
        ) from None
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        visible_first = sorted(book.worksheets, key=lambda sheet: sheet.sheet_state != "visible")
        return {sheet.title: _rows(sheet) for sheet in visible_first}
    except Exception as error:  # openpyxl raises errors of many kinds about a damaged file
        kind = type(error).__name__
        raise DataError(f"{name} is not a readable Excel workbook ({kind}); save its sheet as 'CSV UTF-8'.") from None


def _rows(sheet: ReadOnlyWorksheet) -> list[tuple]:
    """The rows with values, whatever size the sheet says that it has."""
    sheet.reset_dimensions()
    return [row for row in sheet.iter_rows(values_only=True) if any(cell is not None for cell in row)]


def _padded(row: tuple, width: int) -> tuple:
    return (*row[:width], *[None] * (width - len(row)))


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
