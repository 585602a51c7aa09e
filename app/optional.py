"""Imports without what the imported packages can do without."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_module(name: str) -> Iterator[None]:
    """Hide an optional module, which takes long to import, from what is imported in this block."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # importing it raises ModuleNotFoundError
    try:
        yield
    finally:
        sys.modules.pop(name, None)
