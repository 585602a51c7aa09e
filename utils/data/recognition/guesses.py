"""The time and the amount of a table whose user names none: only where there is hardly any doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from utils.data.reading.column_types import as_dates, as_numbers
from utils.data.recognition.named_columns import NamedColumns
from utils.data.recognition.names import is_like_amount, is_like_time
from utils.data.recognition.recognised import ColumnSummary
from utils.data.recognition.times import latest_moment

MIN_TIMES = 20  # different times that a time has more of
LONGEST = pd.Timedelta(days=30 * 365.25)  # that a time spans: dates of birth span more
EFFECTS = {
    "time": "it orders the rows, and the last ones are the test set",
    "amount": "costs are computed from it",
}


@dataclass(frozen=True)
class Guesses:
    """The columns that are taken as time and amount, and sentences on these guesses and on what was in doubt."""

    time: ColumnSummary | None
    amount: ColumnSummary | None
    notes: tuple[str, ...]


def guess_roles(
    frame: pd.DataFrame, columns: Sequence[ColumnSummary], named: NamedColumns, day_first: bool | None = None
) -> Guesses:
    """The time and the amount of a raw table, each None if it is named or in doubt.

    An amount with negative values is: these may be refunds, or it is a measurement.
    """
    time, amount = _guess_time(frame, columns, named, day_first), _likely_amount(columns, named)
    notes = [_guess_note("time", time.name)] if time else []
    if amount and as_numbers(frame[amount.name]).min() < 0:
        notes.append(
            f"Column '{amount.name}' has negative values and is not taken as the amount; if it is what is at stake in "
            f'a row, write amount = "{amount.name}" in the study\'s file, so that costs are computed from it.'
        )
        amount = None
    notes += [_guess_note("amount", amount.name)] if amount else []
    return Guesses(time, amount, tuple(notes))


def _guess_time(
    frame: pd.DataFrame, columns: Sequence[ColumnSummary], named: NamedColumns, day_first: bool | None = None
) -> ColumnSummary | None:
    """The only date that differs in most rows, has no gaps and a name like a time, and is past; None without one."""
    if named.time is not None:
        return None
    likely = [
        column
        for column in columns
        if column.kind == "date" and column.share_missing == 0 and is_like_time(column.name)
        if column.n_values > max(MIN_TIMES, len(frame) / 2) and _could_be_recorded(frame[column.name], day_first)
    ]
    return likely[0] if len(likely) == 1 else None


def _could_be_recorded(column: pd.Series, day_first: bool | None) -> bool:
    """Whether dates are past and span no more than some decades."""
    dates = as_dates(column, day_first)
    return bool(dates.max() <= latest_moment() and dates.max() - dates.min() <= LONGEST)


def _likely_amount(columns: Sequence[ColumnSummary], named: NamedColumns) -> ColumnSummary | None:
    """The only number without gaps and with a name like an amount; None without one."""
    if named.amount is not None:
        return None
    likely = [
        column
        for column in columns
        if column.kind == "number" and column.share_missing == 0 and is_like_amount(column.name)
        if column.name not in named.numeric
    ]
    return likely[0] if len(likely) == 1 else None


def _guess_note(role: str, column: str) -> str:
    """A sentence on a guess and its effect."""
    return (
        f"Column '{column}' is taken as the {role}: {EFFECTS[role]}; name another one in the study's file, or write "
        f'{role} = "" for none.'
    )
