"""Names of the columns of a file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from utils.data.errors import ColumnError, LimitError

MAX_COLUMNS = 10_000
UNNAMED = re.compile(r"column \d+")  # what `one_line_names` calls a column without a name


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


def one_line_names(names: Sequence[str]) -> list[str]:
    """Names as a study writes them: on one line with single spaces, and numbered where a column has none.

    Examples
    --------
    >>> one_line_names(["amount\\n(EUR)", " first  name ", ""])
    ['amount (EUR)', 'first name', 'column 3']
    """
    return [" ".join(name.split()) or f"column {position}" for position, name in enumerate(names, 1)]


def spelled_as(names: Sequence[str], columns: Sequence[str], name: str) -> list[str]:
    """The names of a file in which each of `columns` is spelled as there, if they differ only by `one_line_names`.

    A column that has exactly such a name goes before others, and all others keep theirs.

    Parameters
    ----------
    names : sequence of str
        Names of the file.
    columns : sequence of str
        Names of a study.
    name : str
        Name of the file in messages.

    Raises
    ------
    ColumnError
        If two columns of the file have one of these names.

    Examples
    --------
    >>> spelled_as(["id", "amount\\n(EUR)", ""], ["amount (EUR)", "column 3"], "claims.csv")
    ['id', 'amount (EUR)', 'column 3']
    """
    exact = {*columns}.intersection(names) - {""}
    sought = {" ".join(column.split()): column for column in columns if column not in exact}
    lines = one_line_names(names)
    spelled = [own if own in exact else sought.get(line, own) for own, line in zip(names, lines, strict=True)]
    check_names(spelled, name)
    return spelled


def join_names(names: Sequence[str]) -> str:
    """Names for a message, cut off if there are too many."""
    text = ", ".join(names)
    return text if len(text) <= 200 else f"{text[:200]} ..."
