"""Temporary folders that are removed when they are closed; after a kill, when the next one is opened."""

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

FRESH = 60.0  # seconds in which a new folder may still be without its lock


class TemporaryFolder:
    """A folder that only this user can read; its lock shows other processes that it is in use.

    It is removed with the process that created it, and not with those forked from it.

    Parameters
    ----------
    prefix : str
        Start of its name. Folders of killed processes with this prefix are removed first.
    parent : Path, optional
        Parent folder; by default the system's folder for temporary files.

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
    """Exit on SIGTERM and Ctrl+C, so that everything that the block opened is closed."""
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
    """Remove a folder that no process uses."""
    try:
        if time.time() - folder.stat().st_mtime < FRESH:
            return
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:  # removed meanwhile, or owned by another user
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass
    finally:
        os.close(lock)
