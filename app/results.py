"""Scored files, kept for download: private, for an hour, and gone when the server stops."""

from __future__ import annotations

import secrets
import tempfile
import threading
import time
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

KEEP_SECONDS = 3600
KEEP_FILES = 20
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Results:
    """CSV files under random tokens in a folder that only this user can read."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fraud-results-")  # goes with this object, or at exit
        self._kept: dict[str, float] = {}  # token and time, the oldest first
        self._lock = threading.Lock()

    def add(self, table: pa.Table) -> str:
        """Keep a table; returns its token."""
        token = secrets.token_urlsafe(24)
        csv.write_csv(defused(table), self._path(token), csv.WriteOptions(quoting_style="needed"))
        with self._lock:
            self._kept[token] = time.monotonic()
            self._forget()
        return token

    def find(self, token: str) -> Path | None:
        """The file of a token; None if there is none, or none any more."""
        with self._lock:
            self._forget()
            return self._path(token) if token in self._kept else None

    def close(self) -> None:
        """Remove everything."""
        self._folder.cleanup()

    def _path(self, token: str) -> Path:
        return Path(self._folder.name) / f"{token}.csv"

    def _forget(self) -> None:
        end = time.monotonic() - KEEP_SECONDS
        for place, (token, since) in enumerate(reversed(list(self._kept.items()))):
            if place >= KEEP_FILES or since < end:
                self._path(token).unlink(missing_ok=True)
                del self._kept[token]


def defused(table: pa.Table) -> pa.Table:
    """The table with an apostrophe before every text that a spreadsheet would take for a formula."""
    for place, column in enumerate(table.columns):
        if pa.types.is_string(column.type):
            texts = [f"'{text}" if text and text.startswith(FORMULA) else text for text in column.to_pylist()]
            table = table.set_column(place, table.field(place), pa.array(texts, pa.string()))
    return table
