"""What is wrong with a text whose lines have another number of values than its header, and what to do about it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice

from utils.data.errors import DataError
from utils.data.reading.delimited import DECIMAL_POINT, SEPARATORS, Delimited

MAX_TITLES = 20  # lines that may stand above a header
RULER, DASHES = b" \t|+=-", b"---"  # signs of a line between those of a printed list, and what it has at least
NUMBER = re.compile(r"[-+.,]*\d")  # how one begins
BEFORE_COMMA = re.compile(r"\s*[-+]?(?:\d+|\d{1,3}(?:\.\d{3})+)")
AFTER_COMMA = re.compile(r"\d+(?:[eE][-+]?\d+)?\s*")


@dataclass(frozen=True)
class _Block:
    """The last lines of a text, read with one separator, if they have equally many values and are most lines.

    Attributes
    ----------
    separator : str
    line : int
        Number of the first one.
    first : list of str
        Its cells.
    starts : list of str
        First cell of each line.
    """

    separator: str
    line: int
    first: list[str]
    starts: list[str]

    @property
    def may_have_row_names(self) -> bool:
        """Whether the first cells differ."""
        return len(set(self.starts)) == len(self.starts)

    @property
    def counts_rows(self) -> bool:
        """Whether the first cells are 1, 2, 3 and so on, which R takes for row names."""
        return self.starts == [str(number) for number in range(1, len(self.starts) + 1)]


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


def _ruler_problem(text: Delimited) -> str | None:
    """A sentence on rulers of dashes, as printed lists have them around their header; None for others."""
    if b"|" not in text.content:
        return None
    lines = islice(io.BytesIO(text.content), 2 * MAX_TITLES)
    rulers = (number for number, line in enumerate(lines, 1) if DASHES in line and not line.strip().strip(RULER))
    ruler = next(rulers, None)
    if ruler is None:
        return None
    return (
        f"{text.name}: line {ruler} is a ruler of dashes, as in a printed list; remove all rulers, the lines above the "
        "header and below the table, and each '|' at an end of a line, or export the table as CSV."
    )


def header_problem(text: Delimited) -> str | None:
    """A sentence on a first line that does not name the columns of the lines below, which are alike; None for others.

    It may be a title above the header, also of a table with another separator, or lack a name for the row names of R,
    or decimal commas divide numbers in the lines below it.
    """
    if problem := _ruler_problem(text):
        return problem
    blocks = [block for separator in SEPARATORS if (block := _equal_lines(replace(text, separator=separator)))]
    n_names = len(text.header)
    for block in sorted(blocks, key=lambda block: (block.line, -len(block.first))):
        lines = f"{text.name}: line {block.line} and all lines below it have {len(block.first)} values"
        header = f"the header, line {text.header_line}, has {n_names}"
        if len(block.first) > n_names and _are_names(block.first):
            return f"{lines}, and {header}; if line {block.line} is the header, remove the lines above it."
        may_be_of_r = len(block.first) == n_names + 1 > 2 and block.may_have_row_names
        if _may_divide_numbers(text, block) and not (may_be_of_r and _has_quoted_counts(text, block)):
            is_open = may_be_of_r and (block.counts_rows or not any(map(NUMBER.match, block.starts)))
            otherwise = ", or the table with row.names=FALSE if R wrote names of rows" if is_open else ""
            return f"{lines}, and {header}, as happens if numbers have decimal commas; {DECIMAL_POINT}{otherwise}."
        if may_be_of_r:
            return f"{lines}, and {header}, as R writes row names; write the table with row.names=FALSE."
    return _title_problem(text) if n_names == 1 else None


def _title_problem(text: Delimited) -> str | None:
    """A sentence on a header of a single name, below which names and lines of several values stand; None for others."""
    for separator in SEPARATORS:
        with suppress(DataError):
            lines = list(_filled(replace(text, separator=separator)))
            n_titles = next((number for number, (_, cells) in enumerate(lines) if len(cells) > 1), len(lines))
            divided = lines[n_titles:]
            if n_titles <= MAX_TITLES and len(divided) > 1 and all(len(cells) > 1 for _, cells in divided):
                line, cells = divided[0]
                if _are_names(cells):
                    return (
                        f"{text.name}: the header, line {text.header_line}, names a single column, and line {line} has "
                        f"{len(cells)} values; if line {line} is the header, remove the lines above it."
                    )
    return None


def _may_divide_numbers(text: Delimited, block: _Block) -> bool:
    """Whether decimal commas explain all values that the header does not name: they divide the same ones in each line.

    This asks for as many pairs of neighbours that can be the two sides of a comma as there are values too many.
    """
    n_surplus = len(block.first) - len(text.header)
    if n_surplus < 1 or not text.separator == block.separator == ",":
        return False
    positions = set(range(len(block.first) - 1))
    for line, cells in _filled(text):
        if line >= block.line:
            positions = {position for position in positions if _may_be_one_number(*cells[position : position + 2])}
    n_pairs, end = 0, 0
    for position in sorted(positions):
        if position >= end:
            n_pairs, end = n_pairs + 1, position + 2
    return n_pairs >= n_surplus


def _may_be_one_number(before: str, after: str) -> bool:
    return bool(BEFORE_COMMA.fullmatch(before) and AFTER_COMMA.fullmatch(after))


def _has_quoted_counts(text: Delimited, block: _Block) -> bool:
    """Whether lines begin with their number in quotes, as R writes row names and hardly anybody else does."""
    content = text.content.rstrip()
    last = max(content.rfind(b"\n"), content.rfind(b"\r")) + 1
    return block.counts_rows and content.startswith(b'"', last)


def _filled(text: Delimited) -> Iterator[tuple[int, list[str]]]:
    return ((line, cells) for line, cells in text.rows() if cells)


def _equal_lines(text: Delimited) -> _Block | None:
    """The last lines; None for a text whose lines differ, or that cannot be read with this separator."""
    with suppress(DataError):
        lines = [(len(cells), cells[0]) for _, cells in _filled(text)]
        n_titles = max((number for number, (width, _) in enumerate(lines, 1) if width != lines[-1][0]), default=0)
        starts = [start for _, start in lines[n_titles:]]
        if n_titles <= MAX_TITLES and len(starts) >= max(2, len(lines) / 2):
            line, cells = next(islice(_filled(text), n_titles, None))
            return _Block(text.separator, line, cells, starts)
    return None


def _are_names(cells: Sequence[str]) -> bool:
    """Whether the cells of a line can name columns: none is empty or begins like a number, and they differ."""
    names = {cell.strip() for cell in cells} - {""}
    return len(names) == len(cells) and not any(map(NUMBER.match, names))
