"""Names of the columns of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from utils.data.errors import ColumnError, LimitError

MAX_COLUMNS = 10_000


def check_count(n_columns: int, name: str) -> None:
    """Raise LimitError if a table has too many columns."""
    if n_columns > MAX_COLUMNS:
        raise LimitError(f"{name} has {n_columns:,} columns and at most {MAX_COLUMNS:,} are read; leave some out.")


def check_names(names: Sequence[str], name: str) -> None:
    """Raise ColumnError if two columns have the same name; columns without a name may be many."""
    check_count(len(names), name)
    duplicates = sorted(column for column, count in Counter(names).items() if count > 1 and column)
    if duplicates:
        raise ColumnError(
            f"{name} has columns that are named twice: {join_names(duplicates)}; rename one of each.", duplicates
        )


def join_names(names: Sequence[str]) -> str:
    """Names for a message, cut off if there are too many."""
    text = ", ".join(names)
    return text if len(text) <= 200 else f"{text[:200]} ..."
