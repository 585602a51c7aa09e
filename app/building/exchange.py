"""Replaces a folder by a new one."""

from __future__ import annotations

from pathlib import Path


def exchange(new: Path, folder: Path) -> None:
    """Replace `folder` by the folder `new`; if that fails or is interrupted, the old one is restored.

    A reader sees either complete folder, or, for an instant between the two renames, none.
    """
    old = new.with_name("old")
    try:
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    except BaseException:  # Ctrl+C, too: what holds `new` removes the old folder with it
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise
