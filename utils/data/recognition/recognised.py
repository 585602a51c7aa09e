"""What was recognised of a table's columns, and how it is printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from utils.dataset_config import UNKNOWN, Spellings

MAX_LINES = 40  # of columns that are shown one by one
MAX_NAME = 40
ROLES = ("label", "time", "amount", "group")
PLURALS = {"number": "numbers", "category": "categories", "date": "dates"}


@dataclass(frozen=True)
class ColumnSummary:
    """What a column is.

    Attributes
    ----------
    name : str
    kind : {'number', 'category', 'date', 'label', 'time', 'amount', 'group', 'dropped'}
    detail : str
        Such as '412 values, 3 % missing', or the reason why the column is left out.
    n_values : int
        Number of distinct values.
    share_missing : float
        Share of the rows without a value.
    """

    name: str
    kind: str
    detail: str
    n_values: int
    share_missing: float


@dataclass(frozen=True)
class Recognised:
    """What the columns of a table are.

    Attributes
    ----------
    columns : tuple of ColumnSummary
        In the order of the file.
    positive, negative : str
        Spellings of the rare class and of the other.
    notes : tuple of str
        Sentences on what was assumed, and what a user may want to decide otherwise.
    negatives : tuple of str
        Spellings of all values of the label that are not positive.
    spellings : Spellings
        How text was read that may mean two things.
    time_unit : str or None
        What a time that the user named counts from the first row; None for dates, and without one.
    """

    columns: tuple[ColumnSummary, ...]
    positive: str
    negative: str
    notes: tuple[str, ...] = ()
    negatives: tuple[str, ...] = ()
    spellings: Spellings = UNKNOWN
    time_unit: str | None = None

    @property
    def numeric(self) -> tuple[str, ...]:
        """Names of the numbers, without the amount."""
        return self.names("number")

    @property
    def categorical(self) -> tuple[str, ...]:
        """Names of the categories."""
        return self.names("category")

    @property
    def dates(self) -> tuple[str, ...]:
        """Names of the dates, without the time."""
        return self.names("date")

    @property
    def drop(self) -> tuple[str, ...]:
        """Names of the columns that are left out."""
        return self.names("dropped")

    def names(self, kind: str) -> tuple[str, ...]:
        """Names of the columns of a kind."""
        return tuple(column.name for column in self.columns if column.kind == kind)

    def role(self, kind: str) -> str | None:
        """Name of the column that is the label, time, amount or group; None without one."""
        return next(iter(self.names(kind)), None)

    def with_notes(self, notes: Sequence[str]) -> Recognised:
        """The same with more notes."""
        return replace(self, notes=(*self.notes, *notes))


def table(recognised: Recognised) -> str:
    """Lines with name, kind and detail of each column, and the notes; of many columns, the last are only counted."""
    first = [column for column in recognised.columns if column.kind in ROLES]
    others = [column for column in recognised.columns if column.kind not in ROLES]
    shown = first + others[: max(0, MAX_LINES - len(first))]
    names = [_short(column.name) for column in shown]
    width = max(map(len, names), default=0)
    lines = [
        f"{name:<{width}}  {', '.join(filter(None, [column.kind, ' '.join(column.detail.split())]))}"
        for name, column in zip(names, shown, strict=True)
    ]
    hidden = Counter(column.kind for column in others[len(shown) - len(first) :])
    if hidden:
        lines.append(
            f"and {hidden.total():,} more: "
            + ", ".join(f"{n:,} {PLURALS.get(kind, kind) if n > 1 else kind}" for kind, n in hidden.items())
        )
    return "\n".join([*lines, *(" ".join(note.split()) for note in recognised.notes)])


def _short(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 3]}..."
