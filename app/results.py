"""Scored files for download: private, for an hour, and only the newest ones."""

from __future__ import annotations

import re
import secrets
import threading
import time
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from app.staging import TemporaryFolder

KEEP_SECONDS = 3600
KEEP_FILES = 20
REMOVE_EVERY = 10.0  # seconds
KEPT = (
    f"for up to {KEEP_SECONDS // 60} minutes, while the server runs and fewer than {KEEP_FILES} newer files have been "
    "scored"
)
TOKEN = re.compile(r"[\w-]{32}", re.ASCII)
UNFINISHED = ".part"  # end of the name of a file that is being written, or was when its process was killed
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Results:
    """CSV files under random tokens in a folder that only this user can read; several processes may share it.

    Parameters
    ----------
    folder : Path, optional
        Where the files are; by default a temporary folder, which is removed with this object.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._temporary = None if folder else TemporaryFolder("fraud-results-")
        self.folder = folder or self._temporary.path
        self._remove_old()

    def add(self, table: pa.Table) -> str:
        """Store a table; returns its token."""
        token = secrets.token_urlsafe(24)
        unfinished = self.folder / f"{token}{UNFINISHED}"
        try:
            csv.write_csv(defused(table), unfinished, csv.WriteOptions(quoting_style="needed"))
            unfinished.rename(self._path(token))
        finally:
            unfinished.unlink(missing_ok=True)  # frees what was written if the disk is full
        self._remove_old()
        return token

    def find(self, token: str) -> Path | None:
        """The file of a token; None if there is none, or it has been removed."""
        self._remove_old()
        path = self._path(token) if TOKEN.fullmatch(token) else None
        return path if path and path.exists() else None

    def remove_regularly(self) -> None:
        """Remove old files in the background, also if no file is scored or fetched; for a process that answers."""
        threading.Thread(target=self._remove_forever, name="remove old results", daemon=True).start()

    def _remove_forever(self) -> None:
        while True:
            self._remove_old()
            time.sleep(REMOVE_EVERY)

    def _path(self, token: str) -> Path:
        return self.folder / f"{token}.csv"

    def _remove_old(self) -> None:
        newest_first = sorted(self.folder.glob("*.csv"), key=_modified, reverse=True)
        for path in (*newest_first[:KEEP_FILES], *self.folder.glob(f"*{UNFINISHED}")):
            if _modified(path) < time.time() - KEEP_SECONDS:
                path.unlink(missing_ok=True)
        for path in newest_first[KEEP_FILES:]:
            path.unlink(missing_ok=True)


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another process has removed it
        return 0.0


def defused(table: pa.Table) -> pa.Table:
    """The table with an apostrophe before every text that a spreadsheet would read as a formula."""
    for position, column in enumerate(table.columns):
        if pa.types.is_string(column.type):
            texts = [f"'{text}" if text and text.startswith(FORMULA) else text for text in column.to_pylist()]
            table = table.set_column(position, table.field(position), pa.array(texts, pa.string()))
    return table
