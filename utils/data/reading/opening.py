"""Open a table as CSV, Parquet or Excel, recognised by content; others are refused in one sentence that helps.

The study and the application both use this module, so that they accept the same files with the same messages.
"""

from __future__ import annotations

import codecs
import re

import pyarrow.parquet as pq

from utils.data.errors import FormatError
from utils.data.reading.delimited import Delimited, open_text
from utils.data.reading.excel import is_workbook, open_workbook
from utils.data.reading.parquet import open_parquet
from utils.data.reading.unpacking import GZIP, ZIP, unpack

PARQUET = b"PAR1"
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
    b"<stata_dta": "a Stata file",
    b"{": "JSON",
    b"[{": "JSON",
    b"[[": "JSON",
}
TEXT_FORMATS = {  # a name in angle brackets alone may be that of a column
    re.compile(rb"(?:%[^\r\n]*[\r\n]\s*)*@relation\s", re.IGNORECASE): "an ARFF file",
    re.compile(
        rb"<(?:[!?]|(?:html|head|body|table|title|script|meta|div|p|h1|pre|svg|rss|feed)\b[^<>]*>(?! *[,;\t|])"
        rb"|[a-z_][\w:.-]*(?:\s[^<>]*)?> *(?:[\r\n]\s*)?<[/!?a-z])",
        re.IGNORECASE,
    ): "a web page or XML",
}
MAX_COMMENTS = 2**16  # bytes of comments that may stand above the first line of an ARFF file


def open_table(content: bytes, name: str, limit: int | None = None) -> Delimited | pq.ParquetFile:
    """A table whose header has been read, but not its rows.

    Text may be separated by commas, semicolons, tabs or vertical bars. It is in UTF-8 or, with a byte order mark, in
    UTF-16 or UTF-32, or else in Windows-1252. A sheet of an Excel workbook is given as Parquet, because its cells have
    types, too. Each format may be compressed with gzip, or be the only file in a ZIP archive.

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
        If it unpacks to more than `limit` bytes or has more than MAX_COLUMNS columns; see also `excel.open_workbook`.
    ColumnError
        If two columns have the same name.
    DataError
        If the file is empty, damaged, or not text.
    """
    plain = unpacked(content, name, limit)
    return open_workbook(plain, name) if is_workbook(plain) else open_unpacked(plain, name)


def open_unpacked(content: bytes, name: str) -> Delimited | pq.ParquetFile:
    """A table that is neither compressed nor a workbook; see `open_table`."""
    _refuse_other_formats(content, name)
    if content.startswith(PARQUET):
        return open_parquet(content, name)
    return open_text(content, name)


def unpacked(content: bytes, name: str, limit: int | None = None) -> bytes:
    """Content of a file, unpacked if it is compressed and is no workbook, which is an archive itself."""
    return content if is_workbook(content) else unpack(content, name, limit)


def _refuse_other_formats(content: bytes, name: str) -> None:
    archive = next((kind for first_bytes, kind in ARCHIVES.items() if content.startswith(first_bytes)), None)
    if content[257:262] == b"ustar":
        archive = "a tar archive"
    elif content.startswith((GZIP, ZIP)):
        archive = "packed twice"
    if archive:
        raise FormatError(f"{name} is {archive}; unpack it and give the file in it.")
    start = content[:MAX_COMMENTS].removeprefix(codecs.BOM_UTF8).lstrip()
    dense = b"".join(start[:100].split())  # JSON may have spaces anywhere
    kinds = [kind for sign, kind in OTHER_FORMATS.items() if start.startswith(sign) or dense.startswith(sign)]
    kinds += [kind for pattern, kind in TEXT_FORMATS.items() if pattern.match(start)]
    if kinds:
        raise FormatError(f"{name} is {kinds[0]}; save the table as CSV or Parquet.")
