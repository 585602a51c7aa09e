"""Puts a finished folder in the place of an older one."""

from __future__ import annotations

from pathlib import Path


def exchange(new: Path, folder: Path) -> None:
    """Put the folder `new` in the place of `folder`; the old one goes only when the new one stands.

    A reader finds one complete folder or the other; between the two renames, for an instant, none.
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
