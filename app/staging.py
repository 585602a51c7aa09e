"""Temporary folders of which nothing stays: gone when they are closed, and after a kill when the next one is opened."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

FRESH = 60.0  # seconds in which a new folder may not be locked yet


class TemporaryFolder(tempfile.TemporaryDirectory):
    """A folder that only this user can read, which other processes can tell from one that a killed process left.

    Parameters
    ----------
    prefix : str
        Start of its name. What killed processes left under this prefix is removed first.
    parent : Path, optional
        Where it is; the system's folder for temporary files by default.

    Attributes
    ----------
    path : Path
        The folder.
    """

    def __init__(self, prefix: str, parent: Path | None = None):
        parent = parent or Path(tempfile.gettempdir())
        for folder in parent.glob(f"{prefix}*"):
            _remove_if_left(folder)
        super().__init__(prefix=prefix, dir=parent)
        self.path = Path(self.name)
        self._lock = os.open(self.path, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_SH)  # until this process and those forked from it are gone

    def cleanup(self) -> None:
        """Remove the folder with everything in it."""
        super().cleanup()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _remove_if_left(folder: Path) -> None:
    """Remove a folder that no process holds."""
    try:
        if time.time() - folder.stat().st_mtime < FRESH:
            return
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:  # gone meanwhile, or another user's
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass
    finally:
        os.close(lock)
