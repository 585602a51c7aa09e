"""Replaces a folder by a new one."""

from __future__ import annotations

from pathlib import Path


def exchange(new: Path, folder: Path) -> None:
    """Replace `folder` by the folder `new`; if that fails, the old one is restored.

    A reader sees either complete folder, or, for an instant between the two renames, none.
    """
    old = new.with_name("old")
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
