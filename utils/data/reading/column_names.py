"""Names of the columns of a file."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from utils.data.errors import ColumnError, LimitError

MAX_COLUMNS = 10_000
UNNAMED = re.compile(r"column \d+")  # what `one_line_names` calls a column without a name
NUMBER = re.compile(r"[-+]?[.,]?\d[\d.,]*(?:[eE][-+]?\d+)?")
INVISIBLE = re.compile("[\u200b\u2060\ufeff]")  # spaces without a width
NAMES_ABOVE = "write a line with the names of the columns above it"


def check_count(n_columns: int, name: str) -> None:
    """Raise LimitError if a table has too many columns."""
    if n_columns > MAX_COLUMNS:
        raise LimitError(f"{name} has {n_columns:,} columns and at most {MAX_COLUMNS:,} are read; leave some out.")


def check_names(names: Sequence[str], name: str) -> None:
    """Raise ColumnError if two columns have the same name; columns without a name may be many."""
    check_count(len(names), name)
    if duplicates := _duplicates(names):
        raise ColumnError(
            f"{name} has columns that are named twice: {join_names(duplicates)}; rename one of each.", duplicates
        )


def _duplicates(names: Sequence[str]) -> list[str]:
    return sorted(column for column, count in Counter(names).items() if count > 1 and column)


def check_first_line(names: Sequence[str], name: str) -> None:
    """As `check_names` for the first line of a text or a sheet, which may be data instead of names.

    A table of which the first line is data is not refused as long as its values differ, as names may be numbers.
    """
    check_count(len(names), name)
    if (duplicates := _duplicates(names)) and looks_like_data(names):
        raise ColumnError(f"{name}: the first line looks like data ({join_names(names)}); {NAMES_ABOVE}.", duplicates)
    check_names(names, name)


def looks_like_data(names: Sequence[str]) -> bool:
    """Whether most names are numbers or empty, and the numbers do not rise evenly, as years and counted columns do.

    Examples
    --------
    >>> looks_like_data(["d", "93.47", "77", "1"]), looks_like_data(["id", "2019", "2020", "2021"])
    (True, False)
    """
    numbers = [name for name in names if NUMBER.fullmatch(name)]
    n_empty = sum(not name.strip() or UNNAMED.fullmatch(name) is not None for name in names)
    return len(numbers) > 1 and 2 * (len(numbers) + n_empty) > len(names) and not _rise_evenly(numbers)


def _rise_evenly(numbers: Sequence[str]) -> bool:
    """Whether at least three numbers rise by the same step."""
    try:
        values = [float(number.replace(",", ".")) for number in numbers]
    except ValueError:  # it has thousands separators
        return False
    steps = [after - before for before, after in pairwise(values)]
    return len(steps) > 1 and steps[0] > 0 and all(math.isclose(step, steps[0], rel_tol=1e-6) for step in steps)


def one_line_names(names: Sequence[str]) -> list[str]:
    """Names as a study writes them: see `one_line`, and numbered where a column has none.

    Examples
    --------
    >>> one_line_names(["amount\\n(EUR)", " first  name ", ""])
    ['amount (EUR)', 'first name', 'column 3']
    """
    return [one_line(name) or f"column {position}" for position, name in enumerate(names, 1)]


def one_line(name: str) -> str:
    """A name on one line with single spaces, composed letters, and without characters that nobody sees."""
    return " ".join(unicodedata.normalize("NFC", INVISIBLE.sub("", name)).split())


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
    by_line = {one_line(column): column for column in columns if column not in exact}
    lines = one_line_names(names)
    spelled = [
        column if column in exact else by_line.get(line, column) for column, line in zip(names, lines, strict=True)
    ]
    check_names(spelled, name)
    return spelled


def join_names(names: Sequence[str]) -> str:
    """Names for a message, cut off if there are too many."""
    text = ", ".join(names)
    return text if len(text) <= 200 else f"{text[:200]} ..."
