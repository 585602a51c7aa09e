"""Tables in Excel workbooks (.xlsx)."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq

from utils.data.errors import DataError, LimitError
from utils.data.reading import workbook_worker
from utils.data.reading.column_names import check_first_line
from utils.data.reading.parquet import Sheet, open_parquet
from utils.data.reading.unpacking import MAX_DIRECTORY, ZIP, directory_size


def is_workbook(content: bytes) -> bool:
    """Whether a file is an Excel workbook (.xlsx)."""
    if not content.startswith(ZIP) or (directory_size(content) or 0) > MAX_DIRECTORY:
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def open_workbook(content: bytes, name: str) -> Sheet:
    """The table of a workbook as Parquet, as its cells have types, too.

    It is the first sheet that is shown and has more than a header. Rows without values are left out; see
    `parquet.parquet_lines`.

    Raises
    ------
    LimitError
        If it has too many columns, or takes too much memory or time to read.
    ColumnError
        If two columns have the same name.
    DataError
        If it is damaged or has no rows.
    """
    command = [sys.executable, "-m", workbook_worker.__name__, name]
    done = subprocess.run(command, input=content, capture_output=True, check=False)
    if done.returncode == workbook_worker.REFUSED:
        raise DataError(done.stdout.decode(errors="surrogateescape"))
    if done.returncode == workbook_worker.TOO_LARGE or done.returncode < 0:  # it is killed at the limit of time
        raise LimitError(
            f"{name} is a workbook that takes too much memory or time to read, perhaps because of a cell far below or "
            "beside the table; save the sheet as 'CSV UTF-8'."
        )
    if done.returncode:
        raise DataError(f"{name} is not a readable Excel workbook; save its sheet as 'CSV UTF-8'.")
    check_first_line(pq.read_schema(pa.BufferReader(done.stdout)).names, name)
    return open_parquet(done.stdout, name, Sheet)
