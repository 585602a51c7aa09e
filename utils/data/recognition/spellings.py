"""How the text of a table is read that may mean two things: decimal signs, and the order of day and month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from utils.data.reading.column_types import LARGEST, as_dates
from utils.data.reading.spelled_dates import DateSpelling, count_without_zone, date_spelling
from utils.data.reading.spelled_numbers import COMMA, POINT, SAMPLE, decimal_signs, is_ambiguous, mixed_currencies
from utils.data.reading.texts import as_texts
from utils.data.recognition.recognised import ColumnSummary
from utils.data.recognition.times import YEARS
from utils.dataset_config import Spellings

NUMBERS, DATES = ("number", "amount"), ("date", "time")


@dataclass(frozen=True)
class Written:
    """What was decided, why for dates that left their order open, sentences on it, and numbers with decimal commas."""

    spellings: Spellings
    assumed: Mapping[str, str]
    notes: tuple[str, ...]
    with_commas: tuple[str, ...] = ()


def order_of_dates(frame: pd.DataFrame) -> bool | None:
    """Whether columns whose dates show the order of day and month all have the day first; None if they do not agree."""
    orders = set()
    for name in filter(lambda name: _may_be_text(frame[name]), frame.columns):
        sample = date_spelling(as_texts(frame[name].head(SAMPLE)))
        if sample is not None and _is_numeric(sample):
            spelling = date_spelling(as_texts(pd.Series(frame[name].unique())))
            orders |= {spelling.day_first} if spelling is not None and not spelling.is_ambiguous else set()
    return orders.pop() if len(orders) == 1 else None


def _may_be_text(column: pd.Series) -> bool:
    return column.dtype == object or isinstance(column.dtype, pd.CategoricalDtype)


def _is_numeric(spelling: DateSpelling) -> bool:
    """Whether dates are written like '01/02/2024', where either part may be the day."""
    return spelling.day_first is not None and not spelling.has_points


def recognise_spellings(
    frame: pd.DataFrame,
    columns: Sequence[ColumnSummary],
    signs: Mapping[str, str],
    day_first_elsewhere: bool | None = None,
) -> Written:
    """How a raw table writes its numbers, with these decimal signs, and dates; see `utils.data.reading.read_raw`.

    Dates that leave the order of day and month open have that of the others, see `order_of_dates`.
    """
    day_first, assumed, notes = {}, {}, []
    reason = "assumed" if day_first_elsewhere is None else "as in other columns"
    for column in columns:
        if column.kind in NUMBERS and frame[column.name].dtype.kind == "f":
            n_large = int((frame[column.name].abs() > LARGEST).sum())
            notes += [f"Column '{column.name}': {n_large:,} values beyond 1e30 are read as missing."] * bool(n_large)
        if column.kind == "date" and column.share_missing > frame[column.name].isna().mean():
            notes += _no_days(frame[column.name])
        if column.kind not in NUMBERS + DATES or not _may_be_text(frame[column.name]):
            continue
        texts = as_texts(frame[column.name])
        spelling = date_spelling(texts) if column.kind in DATES else None
        if spelling is not None and spelling.is_ambiguous and day_first_elsewhere is not None:
            spelling = replace(spelling, day_first=day_first_elsewhere)
        if spelling is not None and _is_numeric(spelling):
            day_first[column.name] = spelling.day_first
        n_without = count_without_zone(texts, spelling) if spelling is not None else 0
        if n_without:
            notes.append(
                f"Column '{column.name}': {n_without:,} times have no zone and are taken as UTC, while others have "
                "one; write the zone of every time, or of none."
            )
        if spelling is not None and spelling.is_ambiguous:
            assumed[column.name] = reason
            order = "day" if spelling.day_first else "month"
            like = "" if day_first_elsewhere is None else ", as the dates of other columns have it"
            notes.append(
                f"Column '{column.name}': no date shows whether '{texts.drop_null()[0]}' has the day first; the "
                f"{order} first was assumed{like}, and `{order}_first` of the study's file says so."
            )
        elif spelling is None and is_ambiguous(texts, decimal_signs(texts)):
            notes.append(f"Column '{column.name}': points and commas were read as in English; see its values.")
    names = {column.name for column in columns if column.kind in NUMBERS}
    own = {name: sign for name, sign in signs.items() if name in names}
    commas = [name for name, sign in own.items() if sign == COMMA]
    with_commas = tuple(name for name in commas if (frame[name].dropna() % 1 != 0).any())
    return Written(_spellings(own, day_first), assumed, tuple(notes), with_commas)


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
        reason = f" ({written.assumed[column.name]})" if column.name in written.assumed else ""
        detail = f"{'day' if order else 'month'} first{reason}"
    elif column.name in written.with_commas:
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
