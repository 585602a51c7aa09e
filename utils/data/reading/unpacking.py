"""Unpack files that are compressed with gzip, or are the only one in a ZIP archive."""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import zipfile
import zlib

from utils.data.errors import DataError, FormatError, LimitError

GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
END_OF_ARCHIVE = b"PK\x05\x06"  # the record with the length of a ZIP archive's list of files
MAX_DIRECTORY = 2**16  # bytes of this list
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


def unpack(content: bytes, name: str, limit: int | None) -> bytes:
    """Content of a file, unpacked if it is compressed; a DataError if it is damaged or of more than `limit` bytes."""
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
    size_of_list = directory_size(content)
    if size_of_list is None:
        raise zipfile.BadZipFile("it is cut off")
    if size_of_list > MAX_DIRECTORY:
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


def directory_size(content: bytes) -> int | None:
    """Bytes of a ZIP archive's list of files; None if it is cut off."""
    end = content.rfind(END_OF_ARCHIVE)
    return None if end < 0 else int.from_bytes(content[end + 12 : end + 16], "little")
