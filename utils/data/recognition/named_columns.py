"""What the user says of the columns of a table, and refusals of names that no column has."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

import pandas as pd

from utils.data.errors import ColumnError
from utils.data.reading.column_names import NAMES_ABOVE, UNNAMED, looks_like_data

MAX_NAMED = 10  # columns that a refusal or a note lists
MAX_LENGTH = 300  # characters of such a list
MAX_SEARCHED = 2_000  # columns among which a name like a given one is sought
MAX_TITLES = 20  # rows among which the names of columns are sought
FAINTLY_ALIKE = 0.3  # similarity from which such a name stands first in the list


@dataclass(frozen=True)
class NamedColumns:
    """Roles and kinds of columns that the user names.

    Attributes
    ----------
    label : str
        Column with the two classes, in any two spellings.
    positive : str, optional
        Spelling of the rare class; by default the rarer of two.
    time, amount, group : str, optional
        Columns with these roles. Without them, time and amount are recognised where that is hardly in doubt.
    drop, categorical, numeric : tuple of str
        Columns to leave out, or to use as categories or numbers, whatever they look like.
    """

    label: str
    positive: str | None = None
    time: str | None = None
    amount: str | None = None
    group: str | None = None
    drop: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()

    def check(self, frame: pd.DataFrame) -> None:
        """Raise ColumnError about a name that no column has, or that has two roles."""
        kinds: dict[str, str] = {}
        for role, names in self.by_role.items():
            for column in names:
                if column not in frame.columns:
                    raise ColumnError(_no_such_column(column, role, frame), [column])
                other = kinds.setdefault(column, role)
                if other != role and (other, role) != ("amount", "numeric"):
                    raise ColumnError(f"column '{column}' is named as {other} and as {role}; name it once.", [column])

    @property
    def by_role(self) -> dict[str, tuple[str, ...]]:
        """Names by role."""
        single = {role: getattr(self, role) for role in ("label", "time", "amount", "group")}
        several = {role: getattr(self, role) for role in ("drop", "categorical", "numeric")}
        return {role: (column,) for role, column in single.items() if column is not None} | several

    @cached_property
    def roles(self) -> dict[str, str]:
        """Role of each column that the user named."""
        return {column: role for role, names in reversed(self.by_role.items()) for column in names}


def _no_such_column(column: str, role: str, frame: pd.DataFrame) -> str:
    problem = f"there is no column '{column}' for {role}"
    if row := _row_of_names(column, frame):
        return f"{problem}, but row {row} below the first line has this name; remove what is above it."
    if len(frame.columns) == 1:
        return (
            f"{problem}, and the only one is '{str(frame.columns[0])[:MAX_LENGTH]}'; separate names and values by one "
            "of , ; | and tabs if it holds several."
        )
    names = {str(other).casefold(): str(other) for other in frame.columns}
    searched = list(names)[:MAX_SEARCHED]
    if close := get_close_matches(column.casefold(), searched, n=1):
        advice = f"the closest name is '{names[close[0]]}'."
    elif looks_like_data(list(names.values())):
        return (
            f"{problem}, and the first line looks like data ({_names_that_fit(list(names.values()))}); {NAMES_ABOVE}."
        )
    else:
        near = get_close_matches(column.casefold(), searched, n=MAX_NAMED, cutoff=FAINTLY_ALIKE)
        ordered = dict.fromkeys([*(names[name] for name in near), *map(str, frame.columns)])  # the most alike first
        advice = f"the columns are {_names_that_fit(list(ordered))}."
    return f"{problem}; {advice}"


def _row_of_names(column: str, frame: pd.DataFrame) -> int | None:
    """Number of the first row that has this name, from 1, where a title above it leaves columns without a name."""
    if not any(UNNAMED.fullmatch(str(name)) for name in frame.columns):
        return None
    is_name = frame.head(MAX_TITLES).astype(str).eq(column).any(axis=1)
    return int(is_name.to_numpy().argmax()) + 1 if is_name.any() else None


def _names_that_fit(names: list[str]) -> str:
    """The first of the names, as many as a message can hold, and how many more there are."""
    n_shown = min(len(names), MAX_NAMED)
    while n_shown > 1 and len(", ".join(map(repr, names[:n_shown]))) > MAX_LENGTH:
        n_shown -= 1
    suffix = f" and {len(names) - n_shown:,} more" if len(names) > n_shown else ""
    return ", ".join(map(repr, names[:n_shown]))[:MAX_LENGTH] + suffix
