"""What is wrong with a text whose lines have another number of values than its header, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice

from utils.data.errors import DataError
from utils.data.reading.delimited import SEPARATORS, Delimited

MAX_TITLES = 20  # lines that may stand above a header
NUMBER = re.compile(r"[-+.,]*\d")  # its begin


def ragged_problem(text: Delimited) -> str | None:
    """A sentence on the lines that have another number of values than the header; None if there are none.

    Raises
    ------
    DataError
        If the text is broken.
    """
    if problem := header_problem(text):
        return problem
    ragged = next(((line, cells) for line, cells in _filled(text) if len(cells) != len(text.header)), None)
    if ragged is None:
        return None
    line, cells = ragged
    return f"{text.name}, line {line} (the header is line {text.header_line}), {text.ragged(cells)}; correct this line."


def header_problem(text: Delimited) -> str | None:
    """A sentence on a first line that does not name the columns of the lines below, which are alike; None for others.

    It may be a title above the header, also of a table with another separator, or lack a name for the row names of R.
    """
    blocks = [block for separator in SEPARATORS if (block := _equal_lines(replace(text, separator=separator)))]
    n_names = len(text.header)
    for line, first, has_row_names in sorted(blocks, key=lambda block: (block[0], -len(block[1]))):
        lines = f"{text.name}: line {line} and all lines below it have {len(first)} values"
        header = f"the header, line {text.header_line}, has {n_names}"
        if len(first) > n_names and _are_names(first):
            return f"{lines}, and {header}; if line {line} is the header, remove the lines above it."
        if len(first) == n_names + 1 > 2 and has_row_names:
            return f"{lines}, and {header}, as R writes row names; write the table with row.names=FALSE."
    return None


def _filled(text: Delimited) -> Iterator[tuple[int, list[str]]]:
    return ((line, cells) for line, cells in text.rows() if cells)


def _equal_lines(text: Delimited) -> tuple[int, list[str], bool] | None:
    """The last lines, if they have equally many values and are most lines: the first one, and if their starts differ.

    None for others, and for a text that cannot be read with this separator.
    """
    with suppress(DataError):
        lines = [(len(cells), cells[0]) for _, cells in _filled(text)]
        n_titles = max((number for number, (width, _) in enumerate(lines, 1) if width != lines[-1][0]), default=0)
        starts = [start for _, start in lines[n_titles:]]
        if n_titles <= MAX_TITLES and len(starts) >= max(2, len(lines) / 2):
            line, cells = next(islice(_filled(text), n_titles, None))
            return line, cells, len(set(starts)) == len(starts)
    return None


def _are_names(cells: Sequence[str]) -> bool:
    """Whether the cells of a line can name columns: none is empty or begins like a number, and they differ."""
    names = {cell.strip() for cell in cells} - {""}
    return len(names) == len(cells) and not any(map(NUMBER.match, names))
