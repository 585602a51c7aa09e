"""How the text of a table is read that may mean two things: decimal signs, and the order of day and month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from utils.data.reading.column_types import LARGEST, as_dates
from utils.data.reading.spelled_dates import count_without_zone, date_spelling
from utils.data.reading.spelled_numbers import COMMA, POINT, SAMPLE, decimal_signs, is_ambiguous, mixed_currencies
from utils.data.reading.texts import as_texts
from utils.data.recognition.recognised import ColumnSummary
from utils.data.recognition.times import YEARS
from utils.dataset_config import Spellings

NUMBERS, DATES = ("number", "amount"), ("date", "time")


@dataclass(frozen=True)
class Written:
    """What was decided, which dates left their order open, and sentences about it."""

    spellings: Spellings
    assumed: tuple[str, ...]
    notes: tuple[str, ...]


def recognise_spellings(frame: pd.DataFrame, columns: Sequence[ColumnSummary], signs: Mapping[str, str]) -> Written:
    """How a raw table writes its numbers, with these decimal signs, and dates; see `utils.data.reading.read_raw`."""
    day_first, assumed, notes = {}, [], []
    for column in columns:
        if column.kind in NUMBERS and frame[column.name].dtype.kind == "f":
            n_large = int((frame[column.name].abs() > LARGEST).sum())
            notes += [f"Column '{column.name}': {n_large:,} values beyond 1e30 are read as missing."] * bool(n_large)
        if column.kind == "date" and column.share_missing > frame[column.name].isna().mean():
            notes += _no_days(frame[column.name])
        if column.kind not in NUMBERS + DATES or frame[column.name].dtype != object:
            continue
        texts = as_texts(frame[column.name])
        spelling = date_spelling(texts) if column.kind in DATES else None
        if spelling is not None and spelling.day_first is not None and not spelling.has_points:
            day_first[column.name] = spelling.day_first
        n_without = count_without_zone(texts, spelling) if spelling is not None else 0
        if n_without:
            notes.append(
                f"Column '{column.name}': {n_without:,} times have no zone and are taken as UTC, while others have "
                "one; write the zone of every time, or of none."
            )
        if spelling is not None and spelling.is_ambiguous:
            assumed.append(column.name)
            order = "day" if spelling.day_first else "month"
            notes.append(
                f"Column '{column.name}': no date shows whether '{texts.drop_null()[0]}' has the day first; the "
                f"{order} first was assumed, and `{order}_first` of the study's file says so."
            )
        elif spelling is None and is_ambiguous(texts, decimal_signs(texts)):
            notes.append(f"Column '{column.name}': points and commas were read as in English; see its values.")
    names = {column.name for column in columns if column.kind in NUMBERS}
    own = {name: sign for name, sign in signs.items() if name in names}
    return Written(_spellings(own, day_first), tuple(assumed), tuple(notes))


def _no_days(column: pd.Series) -> list[str]:
    """A sentence on the values of a column of dates that are read as missing."""
    rows = np.flatnonzero(as_dates(column).isna() & column.notna())
    text = as_texts(column.iloc[rows[:1]])[0].as_py().removesuffix("T00:00:00")
    values = f"{len(rows):,} values such as '{text}' are" if len(rows) > 1 else f"the value '{text}' is"
    reason = f"they are no days {YEARS}" if len(rows) > 1 else f"it is no day {YEARS}"
    return [f"Column '{column.name}': {values} read as missing, as {reason}."]


def _spellings(signs: dict[str, str], day_first: dict[str, bool]) -> Spellings:
    """The decimal sign of most columns, those that have the other one, and the order of each date."""
    n_commas = list(signs.values()).count(COMMA)
    usual = None if not signs else COMMA if 2 * n_commas > len(signs) else POINT
    others = {sign: tuple(name for name in signs if signs[name] == sign != usual) for sign in (COMMA, POINT)}
    return Spellings(
        decimal=usual,
        decimal_comma=others[COMMA],
        decimal_point=others[POINT],
        day_first=tuple(name for name, is_first in day_first.items() if is_first),
        month_first=tuple(name for name, is_first in day_first.items() if not is_first),
    )


def with_spelling(column: ColumnSummary, written: Written) -> ColumnSummary:
    """The column with a detail on how it is written, where that is not as in ISO 8601 and with a decimal point."""
    order = written.spellings.has_day_first(column.name) if column.kind in DATES else None
    if order is not None:
        assumed = " (assumed)" if column.name in written.assumed else ""
        detail = f"{'day' if order else 'month'} first{assumed}"
    elif column.kind in NUMBERS and written.spellings.decimal_sign(column.name) == COMMA:
        detail = "decimal comma"
    else:
        return column
    return replace(column, detail=", ".join(filter(None, [column.detail, detail])))


def with_currencies(column: ColumnSummary, values: pd.Series) -> ColumnSummary:
    """The column with a detail on amounts in several currencies, which are no numbers as they cannot be compared."""
    if column.kind not in ("category", "dropped") or values.dtype != object:
        return column
    sample = as_texts(values.head(SAMPLE))
    if not decimal_signs(sample) and not mixed_currencies(sample):
        return column
    currencies = mixed_currencies(as_texts(values))
    detail = f"amounts in {' and '.join(currencies)}; convert them to one currency to use it as a number"
    return replace(column, detail=", ".join(filter(None, [column.detail, detail]))) if currencies else column
