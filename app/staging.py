"""Temporary folders of which nothing stays: gone when they are closed, and after a kill when the next one is opened."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import sys
import tempfile
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FRESH = 60.0  # seconds in which a new folder may not be locked yet


class TemporaryFolder:
    """A folder that only this user can read, which other processes can tell from one that a killed process left.

    It goes with the process that made it, and not with those forked from it.

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
        self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        self._remove = weakref.finalize(self, _remove, self.path, os.getpid())
        self._lock = os.open(self.path, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_SH)  # until this process and those forked from it are gone

    def __enter__(self) -> str:
        return str(self.path)

    def __exit__(self, *_: object) -> None:
        self.cleanup()

    def cleanup(self) -> None:
        """Remove the folder with everything in it."""
        self._remove()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


@contextmanager
def exiting_on_signals() -> Iterator[None]:
    """Take SIGTERM and Ctrl+C for an exit, so that what the block opened is closed."""
    before = {number: signal.signal(number, lambda *_: sys.exit(1)) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


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
