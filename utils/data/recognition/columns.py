"""Recognise what the columns of anybody's table are: label, time, numbers, categories, dates, and what to leave out.

What the user names wins over what is recognised. A time is recognised only where there is hardly any doubt, because it
changes the test set; entities, such as customers, are never recognised, only mentioned.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from utils.data.errors import ColumnError, DataError
from utils.data.reading.column_types import (
    are_days_with_year_last,
    are_months,
    as_dates,
    as_numbers,
    date_digits,
    refuse_days_with_year_last,
)
from utils.data.reading.raw_columns import NOTES, SIGNS
from utils.data.reading.spelled_dates import date_spelling
from utils.data.reading.spelled_numbers import decimal_signs, is_code
from utils.data.reading.texts import as_texts
from utils.data.recognition.guesses import Guesses, guess_roles
from utils.data.recognition.hints import MONTHS, YEAR_LAST, hint
from utils.data.recognition.label import LabelSpellings, label_spellings, spell_codes
from utils.data.recognition.named_columns import MAX_NAMED, NamedColumns
from utils.data.recognition.names import names_code, names_entity, names_moment, names_number, names_row, words_of
from utils.data.recognition.recognised import ColumnSummary, Recognised
from utils.data.recognition.spellings import order_of_dates, recognise_spellings, with_spelling
from utils.data.recognition.times import (
    WRITE_TIMES,
    YEARS,
    ReadTime,
    day_range,
    holds_dates,
    is_epoch,
    latest_moment,
    read_time,
    unread_times,
)

MIN_COUNTED = 20  # values from which a different one in every row is unlikely to be chance
ALMOST_ALL = 0.95
LONG_TEXT = 60  # characters on average
ENTITY_ROWS = 50  # largest mean number of rows per value of a column that names entities, such as customers
SMALLEST_KEY = 10_000  # what a name calls a number, such as 'room number', may be a quantity if it is smaller
MIN_GROUPS = 6  # groups with positives: one for each of five folds and one for the test set
RISES = "rises or falls from each row to the next"
CODES = "whole numbers that its name calls codes"
FAR, ONLY_NEGATIVE = "far from the others", "the only negative value"
ODD_SHARE = 0.01  # share of the rows with a value from which an odd one may mean that it is missing


def recognise(frame: pd.DataFrame, named: NamedColumns, name: str) -> Recognised:
    """What each column of a raw table is.

    Numbers with exactly two values are categories. A column is left out if it has no or only one value, differs in
    (almost) every row as an identifier does, holds long free text, says the same as the label, or looks as if it names
    entities whose rows belong together.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        See `utils.data.reading.read_raw`.
    named : NamedColumns
        What the user says of columns; it wins over what is recognised.
    name : str
        Name of the file in messages.

    Raises
    ------
    DataError
        If the table cannot be studied; the message is one sentence that says what, where, and what to do.
    """
    reading, frame = frame.attrs, frame.copy(deep=False)
    frame.attrs = {}  # pandas would copy them for every column
    try:
        named.check(frame)
        spellings = label_spellings(frame[named.label], named.positive)
        day_first = order_of_dates(frame)
        columns = [_summarise(frame[column], named, spellings, day_first) for column in frame.columns]
        read = _read_time(frame, named.time, day_first)
        _check_group(frame, named.group, spellings)
    except DataError as error:
        raise _with_reasons(error, name, reading.get(NOTES, ())) from None
    guesses = guess_roles(frame, columns, named, day_first)
    columns = [_with_role(column, guesses) for column in columns]
    if read:
        columns = [replace(column, detail=read.detail) if column.name == named.time else column for column in columns]
    written = recognise_spellings(frame, columns, reading.get(SIGNS, {}), day_first)
    columns = [with_spelling(column, written) for column in columns]
    recognised = Recognised(
        tuple(columns),
        spellings.positive,
        spellings.negative,
        (*reading.get(NOTES, ()), *spellings.notes),
        spellings.negatives,
        written.spellings,
        time_unit=read.unit if read else None,
    )
    doubts = [read.note] if read and read.note else []
    recognised = recognised.with_notes([*guesses.notes, *doubts, *_notes(columns), *written.notes])
    _require_features(recognised, name)
    return recognised


def _with_reasons(error: DataError, name: str, notes: Sequence[str]) -> DataError:
    """The error with the file's name, and the reader's notes on the whole file or a column that the error names."""
    columns = (re.match(r"Column ('.*?'): ", note) for note in notes)
    reasons = [note for note, column in zip(notes, columns, strict=True) if not column or column[1] in str(error)]
    message = " ".join([f"{name}: {error}", *reasons])
    return ColumnError(message, error.columns) if isinstance(error, ColumnError) else type(error)(message)


@dataclass(frozen=True, eq=False)
class _Content:
    """What the kind of a column depends on, computed once and only if it is needed."""

    column: pd.Series

    @cached_property
    def distinct(self) -> pd.Series:
        """The distinct values."""
        values = self.column.unique()
        values = np.asarray(values, dtype=object) if isinstance(values, pd.Categorical) else values
        return pd.Series(values[~pd.isna(values)])

    @cached_property
    def texts(self) -> pa.Array:
        """Distinct values as text."""
        return as_texts(self.distinct)

    @property
    def n_values(self) -> int:
        """Number of distinct values."""
        return len(self.distinct)

    @cached_property
    def n_filled(self) -> int:
        """Number of rows with a value."""
        return int(self.column.notna().sum())

    @property
    def share_missing(self) -> float:
        """Share of the rows without a value."""
        return 1 - self.n_filled / len(self.column)

    @property
    def rows_per_value(self) -> float:
        """Mean number of rows per distinct value."""
        return self.n_filled / max(self.n_values, 1)

    @cached_property
    def is_whole(self) -> bool:
        """Whether the values are whole numbers."""
        if pd.api.types.is_integer_dtype(self.distinct):
            return True
        values = self.distinct.to_numpy(dtype=np.float64)
        return all(bool((tried % 1 == 0).all()) for tried in (values[:1_000], values))

    @property
    def is_named_entity(self) -> bool:
        """Whether the name is that of entities, such as customers."""
        return names_entity(self.column.name, of_numbers=pd.api.types.is_numeric_dtype(self.column))

    @property
    def is_entity(self) -> bool:
        """Whether the values name entities, of which each has a few rows."""
        return self.is_named_entity and self.has_few_rows_each

    @property
    def has_few_rows_each(self) -> bool:
        """Whether there are many values, of which each has a few rows."""
        return self.rows_per_value <= ENTITY_ROWS and self.n_values >= MIN_COUNTED


def _summarise(column: pd.Series, named: NamedColumns, label: LabelSpellings, day_first: bool | None) -> ColumnSummary:
    content = _Content(column)
    role = named.roles.get(column.name)
    if role is None:
        kind, detail = _recognised_kind(content, label)
    else:
        kind = {"drop": "dropped", "categorical": "category", "numeric": "number"}.get(role, role)
        detail = {"dropped": "as asked for", "label": label.detail}.get(kind, "")
        if kind in ("number", "amount"):
            numbers = as_numbers(column)  # refuses what is not a number
            if kind == "amount" and numbers.isna().all():
                raise DataError(f"column '{column.name}' has no number; name another column as the amount, or none.")
    if not detail and kind in ("category", "group"):
        detail = _count(content.n_values)
    share_missing = content.share_missing
    if kind == "date":
        dates = as_dates(content.distinct, day_first)
        n_lost = column.isin(content.distinct[dates.isna()]).sum() if dates.hasnans else 0
        share_missing = (len(column) - content.n_filled + n_lost) / len(column)
        kind, detail = ("date", day_range(dates)) if share_missing < 1 else ("dropped", f"no dates {YEARS}")
    if share_missing and kind not in ("label", "dropped"):
        detail = ", ".join(filter(None, [detail, f"{_percent(share_missing)} missing"]))
    return ColumnSummary(str(column.name), kind, detail, content.n_values, share_missing)


def _count(n_values: int) -> str:
    return f"{n_values:,} value{'s' * (n_values != 1)}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else "under 1 %"


def _recognised_kind(content: _Content, label: LabelSpellings) -> tuple[str, str]:
    """Kind of a column that the user did not name, and a detail where it is not the usual one."""
    column = content.column
    if content.n_filled == 0:
        return "dropped", "no values"
    if content.n_values == 1 and content.n_filled == len(column):
        return "dropped", "the same value in every row"
    n_states = content.n_values + (content.n_filled < len(column))
    if n_states == 2 and label.is_repeated_by(column):
        return "dropped", "says the same as the label"
    if content.n_values <= 2 or pd.api.types.is_bool_dtype(column):
        return "category", ""
    if pd.api.types.is_datetime64_any_dtype(column):
        return "date", ""
    if pd.api.types.is_timedelta64_dtype(column):
        return "number", ""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _kind_of_texts(content, are_categories=True)
    if pd.api.types.is_numeric_dtype(column):
        return _kind_of_numbers(content)
    return _kind_of_texts(content)


def _kind_of_numbers(content: _Content) -> tuple[str, str]:
    name, distinct = content.column.name, content.distinct
    if content.is_whole and (content.is_named_entity or _is_numbered(content)):
        return _kind_of_keys(content)
    if content.is_whole and names_code(name):
        return _kind_of_codes(content)
    if date_digits(distinct) is not None:
        return "date", ""
    if names_moment(name) and is_epoch(distinct, words_of(name), latest_moment()):
        return "date", ""
    if unread := unread_times(distinct, name):
        return "number", f"but they seem to be {unread}; {WRITE_TIMES} to use them as dates"
    if content.is_whole and _counts_rows(content):
        return "dropped", _difference(content)
    if are_days_with_year_last(distinct):
        return "number", f"but {YEAR_LAST}"
    if are_months(distinct):
        return "number", f"but {MONTHS}"
    return "number", RISES if _rises(content) else _odd_value(content)


def _kind_of_keys(content: _Content) -> tuple[str, str]:
    """Kind of whole numbers whose name is that of entities, contracts or rows."""
    if _differs_in_rows(content):
        return "dropped", _difference(content)
    if content.has_few_rows_each:
        return "dropped", _entity_detail(content)
    return _kind_of_codes(content)


def _kind_of_codes(content: _Content) -> tuple[str, str]:
    """Kind of whole numbers that stand for something, as those of postal codes do."""
    if _differs_in_rows(content):
        return "dropped", _difference(content)
    return "category", f"{_count(content.n_values)}, {CODES}"


def _is_numbered(content: _Content) -> bool:
    """Whether whole numbers are those of rows or of contracts, as their name and size say."""
    name, is_unique = content.column.name, content.n_values == len(content.column)
    if names_row(name) and is_unique:
        return content.n_values >= MIN_COUNTED
    return names_number(name) and (is_unique or content.distinct.min() >= SMALLEST_KEY)


def _counts_rows(content: _Content) -> bool:
    """Whether whole numbers only number the rows, in any order, possibly with some rows missing."""
    if content.n_filled < len(content.column) or content.n_values < max(MIN_COUNTED, content.n_filled):
        return False
    values = content.column.to_numpy(dtype=np.float64)
    return values.max() - values.min() < 1.5 * len(values)


def _odd_value(content: _Content) -> str:
    """A repeated value that may mean a missing one: far from all others, or the only negative one; empty if none."""
    distinct = np.sort(content.distinct.to_numpy(dtype=np.float64))
    if len(distinct) < MIN_COUNTED:
        return ""
    for value, others in ((distinct[0], distinct[1:]), (distinct[-1], distinct[:-1])):
        is_far = np.abs(others - value).min() > np.ptp(others)
        is_only_negative = value < 0 <= others[0]
        n_rows = int((content.column == value).sum()) if is_far or is_only_negative else 0
        if n_rows >= max(2, ODD_SHARE * content.n_filled):
            return f"{value:.10g} in {n_rows:,} rows, {FAR if is_far else ONLY_NEGATIVE}"
    return ""


def _rises(content: _Content) -> bool:
    """Whether each number is larger than that of the row before, or each is smaller."""
    if content.n_values < max(MIN_COUNTED, len(content.column)):
        return False
    steps = np.diff(content.column.to_numpy(dtype=np.float64))
    return bool((steps > 0).all() or (steps < 0).all())


def _differs_in_rows(content: _Content) -> bool:
    return content.n_filled >= MIN_COUNTED and content.n_values > ALMOST_ALL * content.n_filled


def _difference(content: _Content) -> str:
    almost = "" if content.n_values == content.n_filled else "almost "
    return f"a different value in {almost}every row"


def _entity_detail(content: _Content) -> str:
    return f"{_count(content.n_values)} with {content.rows_per_value:.1f} rows each, as of an entity"


def _kind_of_texts(content: _Content, *, are_categories: bool = False) -> tuple[str, str]:
    """Kind of a column of text, or of what the file itself calls categories."""
    texts = content.texts.drop_null()
    if not len(texts):
        return "dropped", "no values"
    if not are_categories and decimal_signs(texts) and not is_code(texts):
        return _kind_of_numbers(_Content(as_numbers(content.column)))
    if date_spelling(texts) is not None:
        return "date", ""
    is_long = (pc.mean(pc.utf8_length(texts)).as_py() or 0) > LONG_TEXT
    if is_long and content.n_values > content.n_filled / 2:
        return "dropped", "long free text"
    advice = "" if are_categories else hint(texts)
    if _differs_in_rows(content):
        return "dropped", ", ".join(filter(None, [_difference(content), advice]))
    if content.is_entity:
        return "dropped", _entity_detail(content)
    return "category", f"{_count(content.n_values)}, {advice}" if advice else ""


def _with_role(column: ColumnSummary, guesses: Guesses) -> ColumnSummary:
    kind = "time" if column is guesses.time else "amount" if column is guesses.amount else column.kind
    return ColumnSummary(column.name, kind, column.detail, column.n_values, column.share_missing)


def _notes(columns: Sequence[ColumnSummary]) -> list[str]:
    """Sentences on what a user may want to decide otherwise."""
    notes = []
    dropped = [column for column in columns if column.kind == "dropped"]
    if entities := [column.name for column in dropped if column.detail.endswith("an entity")]:
        notes.append(
            f"{_listed(entities)}: left out, as entities whose rows belong together; name one as the group, so that "
            "its rows never stand on both sides of a split, or among the categories."
        )
    if rising := [column.name for column in columns if column.detail.startswith(RISES)]:
        notes.append(
            f"{_listed(rising)}: {RISES}, as a number of the row or a time does; leave it out, or name it as the time, "
            "unless it describes the row."
        )
    if odd := [column.name for column in columns if FAR in column.detail or ONLY_NEGATIVE in column.detail]:
        notes.append(
            f"{_listed(odd)}: a value stands apart from all others; if it means a missing one, leave these cells empty."
        )
    dates = [column.name for column in columns if column.kind == "date" and column.share_missing == 0]
    if dates and not any(column.kind == "time" for column in columns):
        notes.append(
            f"{_listed(dates)}: a date in every row. If one says when a row was recorded, name it as the time, so that "
            "the latest rows are the test set; without a time the test set is drawn at random."
        )
    return notes


def _listed(names: Sequence[str]) -> str:
    suffix = f" and {len(names) - MAX_NAMED:,} more" if len(names) > MAX_NAMED else ""
    return ("Column " if len(names) == 1 else "Columns ") + ", ".join(map(repr, names[:MAX_NAMED])) + suffix


def _read_time(frame: pd.DataFrame, time: str | None, day_first: bool | None) -> ReadTime | None:
    """How the time that the user named is read; one with gaps or without order is refused."""
    if time is None:
        return None
    column = frame[time]
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
        held = "true and false" if pd.api.types.is_bool_dtype(column) else "durations"
        raise DataError(
            f"column '{time}' holds {held}, which say nothing of the order of the rows; name another column as the "
            "time, or none."
        )
    refuse_days_with_year_last(column)
    is_count = pd.api.types.is_numeric_dtype(column) and not holds_dates(column, words_of(time))
    moments = column if is_count else as_dates(column)
    if moments.isna().any():
        rows = np.flatnonzero(moments.isna())
        n_rows = f"{len(rows):,} row{'s' * (len(rows) > 1)}"
        raise DataError(
            f"column '{time}' has no time in {n_rows}, first in row {rows[0] + 1}; write the time, remove the rows, or "
            "study the table without a time."
        )
    if moments.nunique() == 1:
        raise DataError(
            f"column '{time}' has the same time, {column.iloc[0]}, in every row, so it cannot order them; name another "
            "column as the time, or none."
        )
    return read_time(column, words_of(time), day_first)


def _check_group(frame: pd.DataFrame, group: str | None, label: LabelSpellings) -> None:
    """Refuse a group whose positives cannot be divided into folds and a test set."""
    if group is None:
        return
    codes, _ = spell_codes(frame[group])
    if (codes < 0).any():
        raise DataError(
            f"column '{group}' has no value in {int((codes < 0).sum()):,} rows, first in row "
            f"{int(np.argmax(codes < 0)) + 1}; write which group they belong to, or name no group."
        )
    n_groups = len(np.unique(codes[label.is_positive]))
    if n_groups < MIN_GROUPS:
        which = "a single group holds" if n_groups == 1 else f"only {n_groups} groups hold"
        raise DataError(
            f"column '{group}': {which} all rows with the label '{label.positive}', and {MIN_GROUPS} groups are needed "
            "for five folds and a test set; name another column as the group, or none."
        )


def _require_features(recognised: Recognised, name: str) -> None:
    if recognised.numeric or recognised.categorical or recognised.dates:
        return
    if any(column.kind == "amount" for column in recognised.columns):
        return
    dropped = [column for column in recognised.columns if column.kind == "dropped"]
    if not dropped:
        raise DataError(f"{name} has no column besides the label and the time; add columns to learn from.")
    reasons = "; ".join(f"{column.name}: {column.detail}" for column in dropped[:3])
    raise DataError(
        f"{name} has no column to learn from, as all {len(dropped):,} were left out ({reasons[:300]}); add others, or "
        "name some among the categories or numbers."
    )
