"""Files that are written completely or not at all."""

from __future__ import annotations

import glob
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

STALE_SECONDS = 3600  # age from which what a killed process left is removed


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Provide a temporary path that replaces `target` in one step at the end, or is removed on any error.

    The content is on disk before it has the final name, so that a power failure leaves no empty file there. Files that
    a killed process left behind are also removed, once they are old enough.
    """
    remove_stale(target)
    with TemporaryDirectory(prefix=f"{target.name}.part-", dir=target.parent) as folder:
        temporary = Path(folder) / target.name
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(target)


def remove_stale(target: Path) -> None:
    """Remove temporary folders that a killed process left; younger ones may be in use elsewhere."""
    for folder in target.parent.glob(f"{glob.escape(target.name)}.part-*"):
        with suppress(OSError):  # another process may also be removing it
            newest = max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
            if time.time() - newest > STALE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file completely or not at all; its folder is made if it is missing."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file completely or not at all; its folder is made if it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_bytes(content)
