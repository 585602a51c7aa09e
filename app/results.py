"""Scored files, kept for download: private, for an hour, and the newest only."""

from __future__ import annotations

import re
import secrets
import time
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from app.staging import TemporaryFolder

KEEP_SECONDS = 3600
KEEP_FILES = 20
TOKEN = re.compile(r"[\w-]{32}", re.ASCII)
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Results:
    """CSV files under random tokens in a folder that only this user can read; several processes may share it.

    Parameters
    ----------
    folder : Path, optional
        Where they are; by default a temporary folder, which goes with this object.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._temporary = None if folder else TemporaryFolder("fraud-results-")
        self.folder = folder or self._temporary.path
        self._forget()

    def add(self, table: pa.Table) -> str:
        """Keep a table; returns its token."""
        token = secrets.token_urlsafe(24)
        unfinished = self.folder / f"{token}.part"
        try:
            csv.write_csv(defused(table), unfinished, csv.WriteOptions(quoting_style="needed"))
            unfinished.rename(self._path(token))
        finally:
            unfinished.unlink(missing_ok=True)  # of a disk that is full, this frees what was written
        self._forget()
        return token

    def find(self, token: str) -> Path | None:
        """The file of a token; None if there is none, or none any more."""
        self._forget()
        path = self._path(token) if TOKEN.fullmatch(token) else None
        return path if path and path.exists() else None

    def _path(self, token: str) -> Path:
        return self.folder / f"{token}.csv"

    def _forget(self) -> None:
        found = sorted(((_written(path), path) for path in self.folder.glob("*.csv")), reverse=True)
        for place, (since, path) in enumerate(found):
            if place >= KEEP_FILES or since < time.time() - KEEP_SECONDS:
                path.unlink(missing_ok=True)


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another process was quicker
        return 0.0


def defused(table: pa.Table) -> pa.Table:
    """The table with an apostrophe before every text that a spreadsheet would take for a formula."""
    for place, column in enumerate(table.columns):
        if pa.types.is_string(column.type):
            texts = [f"'{text}" if text and text.startswith(FORMULA) else text for text in column.to_pylist()]
            table = table.set_column(place, table.field(place), pa.array(texts, pa.string()))
    return table
