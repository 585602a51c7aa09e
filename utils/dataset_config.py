"""A dataset: its file and the roles of its columns."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from itertools import combinations
from pathlib import Path

from utils.paths import ROOT

DUPLICATES = ("keep", "drop")
KINDS = ("numeric", "categorical", "dates")
ROLE_OF = {"numeric": "amount", "dates": "time"}  # that a column of this kind may have
ORDERS = ("day_first", "month_first")
SIGNS = {"decimal_comma": ",", "decimal_point": "."}
SPELLINGS = ("decimal", *SIGNS, *ORDERS)
LISTS = ("drop", "positive", "negative", *KINDS, *SIGNS, *ORDERS)
TIME_UNITS = {"milliseconds": 1e-3, "seconds": 1.0, "minutes": 60.0, "hours": 3600.0, "days": 86_400.0}  # in seconds
SHA256 = re.compile("[0-9a-f]{64}")


class ConfigError(ValueError):
    """A setting is wrong; the message is one sentence that says what to change."""


@dataclass(frozen=True)
class Spellings:
    """How a study reads text that may mean two things, such as '1.234' or '01/02/2024'.

    Attributes
    ----------
    decimal : {'.', ','}, optional
        Decimal sign of the table's numbers; None lets each file decide.
    decimal_comma, decimal_point : tuple of str
        Columns with this sign, if it is not that of the table.
    day_first, month_first : tuple of str
        Dates with this order of day and month.
    """

    decimal: str | None = None
    decimal_comma: tuple[str, ...] = ()
    decimal_point: tuple[str, ...] = ()
    day_first: tuple[str, ...] = ()
    month_first: tuple[str, ...] = ()

    def decimal_sign(self, column: str) -> str | None:
        """Decimal sign of a column, where its values may have either; None if it is not known."""
        return next((sign for field, sign in SIGNS.items() if column in getattr(self, field)), self.decimal)

    def has_day_first(self, column: str) -> bool | None:
        """Whether the dates of a column have the day first, where they may have either; None if it is not known."""
        return True if column in self.day_first else False if column in self.month_first else None


UNKNOWN = Spellings()


@dataclass(frozen=True)
class Roles:
    """Roles of a dataset's columns, and how copies of rows are handled; see `DatasetConfig`."""

    label: str = "Class"
    time: str | None = "Time"
    amount: str | None = "Amount"
    drop: tuple[str, ...] = ()
    duplicates: str = "keep"
    raw_time: bool = False
    positive: tuple[str, ...] = ()
    group: str | None = None
    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    decimal: str | None = None
    decimal_comma: tuple[str, ...] = ()
    decimal_point: tuple[str, ...] = ()
    day_first: tuple[str, ...] = ()
    month_first: tuple[str, ...] = ()
    time_unit: str = "seconds"


@dataclass(frozen=True)
class DatasetConfig:
    """A table with a binary label: its file and the roles of its columns.

    Creating one checks nothing, because that happens on import; code that uses one calls `check` first. A table is
    *mixed* if `numeric`, `categorical` or `dates` lists its columns, or `positive` the label's values: then values may
    be missing, and columns are imputed and encoded in the pipeline. Otherwise every column must hold finite numbers.

    Attributes
    ----------
    path : Path
        CSV or Parquet file; a relative path starts at the project's root, wherever the caller runs.
    label : str
        Column with the two classes: 1 for the rare class and 0 otherwise, or any values if `positive` is given.
    time : str or None
        Column that counts from the first transaction in `time_unit`, or a date if `dates` lists it. It orders the rows,
        which decides the test set, and becomes the hour of day. Without it the test set is a stratified random draw.
    amount : str or None
        Column with the amount of each row, used for costs.
    sha256 : str or None
        Expected hash of the file; None accepts any content.
    source : str or None
        Where the file is fetched from when it is missing: 'ulb', see `utils.data.fetching`; None for a file of your
        own, which is never fetched.
    columns : tuple of str or None
        All raw columns that the file must have, including the label; None accepts any columns.
    drop : tuple of str
        Columns to leave out, such as one that numbers the rows.
    duplicates : {'keep', 'drop'}
        What to do with exact copies of a row. Copies that are kept share a fold; they are counted in either case.
    positive : tuple of str
        Values of the label that mean the rare class, as text; empty if the label is 0 or 1.
    negative : tuple of str
        Values that mean the other class; any further value is refused. If it is empty, all others mean it.
    group : str or None
        Column with the entity of each row, such as a customer. The rows of an entity never stand on both sides of a
        split of the development set; the column is no feature.
    numeric, categorical, dates : tuple of str
        Columns of a mixed table by kind; see `utils.data.recognition.columns`. Other columns are left out.
    decimal, decimal_comma, decimal_point, day_first, month_first
        How text is read that may mean two things; see `Spellings`.
    time_unit : {'milliseconds', 'seconds', 'minutes', 'hours', 'days'}
        What a time counts that is no date.
    raw_time : bool
        Use the time from the first transaction as a feature instead of the hour of day, to see their effect.
    variant : str
        Suffix of the name, for studies that change the dataset to see the effect of a choice.
    copies : Path or None
        Folder for a copy of the table that is read fast; a study has one. None keeps the copy of a file in `data`
        beside it, and none of other files, as nothing is written beside a file of the user's.
    """

    path: Path
    label: str = "Class"
    time: str | None = "Time"
    amount: str | None = "Amount"
    sha256: str | None = None
    source: str | None = None
    columns: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    duplicates: str = "keep"
    positive: tuple[str, ...] = ()
    group: str | None = None
    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    decimal: str | None = None
    decimal_comma: tuple[str, ...] = ()
    decimal_point: tuple[str, ...] = ()
    day_first: tuple[str, ...] = ()
    month_first: tuple[str, ...] = ()
    time_unit: str = "seconds"
    raw_time: bool = False
    variant: str = ""
    copies: Path | None = None

    def __post_init__(self) -> None:
        if self.path and isinstance(self.path, (str, os.PathLike)):
            path = Path(self.path)
            with suppress(RuntimeError):  # there is no such user
                path = path.expanduser()
            object.__setattr__(self, "path", ROOT / path)
        for name in LISTS:
            value = getattr(self, name)
            object.__setattr__(self, name, () if value is None else _as_tuple(value))
        object.__setattr__(self, "columns", _as_tuple(self.columns))

    def check(self) -> None:
        """Raise a `ConfigError` for the first field with an invalid value."""
        for name, remedy in self._problems():
            raise ConfigError(f"DatasetConfig.{name} is {getattr(self, name)!r}; {remedy}.")

    def _problems(self) -> Iterator[tuple[str, str]]:
        """Fields with invalid values, and what to write instead."""
        if not isinstance(self.path, Path) or self.path == ROOT:
            yield "path", "give the path of a CSV or Parquet file"
        if not _is_name(self.label):
            yield "label", "name the column that holds 1 for the rare class and 0 otherwise"
        for role in ("time", "amount", "group"):
            if getattr(self, role) is not None and not _is_name(getattr(self, role)):
                yield role, "name a column, or leave it out if the table has none"
        yield from self._shared_columns()
        if self.sha256 is not None and not (isinstance(self.sha256, str) and SHA256.fullmatch(self.sha256)):
            yield "sha256", "write the 64 digits of the file's SHA-256, in lower case, or leave it out"
        if self.duplicates not in DUPLICATES:
            yield "duplicates", f"use one of {DUPLICATES}"
        if not isinstance(self.variant, str) or not set(self.variant).isdisjoint("/\\"):
            yield "variant", "write a word that can be part of a file name"

    def _shared_columns(self) -> Iterator[tuple[str, str]]:
        """Columns whose roles exclude each other, and what to write instead."""
        roles = {role: getattr(self, role) for role in ("label", "time", "amount", "group")}
        for role, other in combinations(reversed(roles), 2):
            if roles[role] is not None and roles[role] == roles[other]:
                yield role, f"name a column other than the {other} column, or leave it out if the table has none"
        names = [name for name in roles.values() if name is not None]
        for field_name in (*LISTS, "columns"):
            columns = getattr(self, field_name)
            if columns is not None and not (isinstance(columns, tuple) and all(map(_is_name, columns))):
                yield (
                    field_name,
                    "list values of the label as text"
                    if field_name in ("positive", "negative")
                    else "list names of columns",
                )
        if dropped := {name: role for role, name in roles.items() if name in self.drop}:
            listed, also = ", ".join(map(repr, dropped)), " and ".join(dropped.values())
            yield "drop", f"leave {listed} out of it, which {'is' if len(dropped) == 1 else 'are'} also {also}"
        yield from self._kinds_in_conflict()
        yield from self._contradictions()
        if self.columns is not None and (missing := [name for name in names if name not in self.columns]):
            yield "columns", f"list {', '.join(map(repr, missing))}, too, or leave it out to accept any columns"

    def _kinds_in_conflict(self) -> Iterator[tuple[str, str]]:
        """Columns of two kinds, or of a kind that excludes their role, and what to write instead."""
        for kind, other in combinations(KINDS, 2):
            if twice := sorted(set(getattr(self, kind)) & set(getattr(self, other))):
                yield kind, f"leave {', '.join(map(repr, twice))} out of it or of {other}"
        for kind in KINDS:
            reasons = dict.fromkeys(self.drop, "`drop` leaves it out")
            roles = [role for role in ("label", "group", "time", "amount") if role != ROLE_OF.get(kind)]
            reasons |= {getattr(self, role): f"it is the {role}" for role in roles}
            if wrong := [f"{name!r} out of it, as {reasons[name]}" for name in getattr(self, kind) if name in reasons]:
                yield kind, f"take {', and '.join(wrong)}"

    def _contradictions(self) -> Iterator[tuple[str, str]]:
        """Values or columns that stand in two lists of which one excludes the other, and what to write instead."""
        for name, other in (("negative", "positive"), tuple(SIGNS), ORDERS):
            first, second = ({str(value).casefold() for value in getattr(self, field)} for field in (name, other))
            if (twice := sorted(first & second)) and not set(getattr(self, name)).isdisjoint(getattr(self, other)):
                yield name, f"leave {', '.join(map(repr, twice))} out of it or of {other}"
        if self.group is not None and not self.is_mixed:
            yield "group", "list the features as `numeric`, `categorical` and `dates`, too"
        if self.negative and not self.positive:
            yield "negative", "name the values of the rare class as `positive`, too"
        if self.decimal not in (None, *SIGNS.values()):
            yield "decimal", "write '.' or ','"
        if self.time_unit not in tuple(TIME_UNITS):
            yield "time_unit", f"write one of {', '.join(map(repr, TIME_UNITS))}"
        elif self.time_unit != "seconds" and (self.time is None or self.time in self.dates):
            yield "time_unit", "leave it out, as only a time that is no date has a unit"

    @property
    def spellings(self) -> Spellings:
        """How text is read that may mean two things."""
        return Spellings(**{name: getattr(self, name) for name in SPELLINGS})

    @property
    def is_mixed(self) -> bool:
        """Whether columns are listed by kind, or the label's values; then values may be missing and are encoded."""
        return any(getattr(self, name) for name in ("positive", *KINDS))

    @property
    def numbers(self) -> tuple[str, ...]:
        """Features of a mixed table that are numbers; the amount is one."""
        return tuple(dict.fromkeys((*self.numeric, *(() if self.amount is None else (self.amount,)))))

    @property
    def name(self) -> str:
        """Short name used in ledger rows and file names."""
        return "-".join(filter(None, (self.path.stem, self.variant)))

    @property
    def roles(self) -> Roles:
        """Roles of the columns, and the handling of copies."""
        return Roles(**{role.name: getattr(self, role.name) for role in fields(Roles)})


def _as_tuple(names: object) -> object:
    """A name or a list of names as a tuple; `DatasetConfig.check` rejects anything else."""
    if isinstance(names, str):
        return (names,)
    return tuple(names) if isinstance(names, (list, set, tuple)) else names


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())
