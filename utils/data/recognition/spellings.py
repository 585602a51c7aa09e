"""How the text of a table is read that may mean two things: decimal signs, and the order of day and month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from utils.data.reading.column_types import LARGEST, as_dates
from utils.data.reading.spelled_dates import DateSpelling, count_without_zone, date_spelling
from utils.data.reading.spelled_numbers import COMMA, POINT, SAMPLE, decimal_signs, is_ambiguous
from utils.data.reading.texts import as_texts
from utils.data.recognition.recognised import ColumnSummary
from utils.data.recognition.times import YEARS
from utils.dataset_config import Spellings

NUMBERS, DATES = ("number", "amount"), ("date", "time")


@dataclass(frozen=True)
class RecognisedSpellings:
    """How a raw table writes its numbers and dates.

    Attributes
    ----------
    spellings : Spellings
        What a study's file records.
    assumed : dict of str to str
        For each column whose dates leave the order of day and month open, why one was chosen.
    notes : tuple of str
        Sentences on what a user may want to check.
    with_commas : tuple of str
        Numbers with decimal commas.
    """

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
) -> RecognisedSpellings:
    """How a raw table writes its numbers, with these decimal signs, and dates; see `utils.data.reading.read_raw`.

    Dates that leave the order of day and month open have that of the others, see `order_of_dates`.
    """
    day_first, assumed, notes = {}, {}, []
    for column in columns:
        notes += _notes_on_missing(frame[column.name], column)
        if column.kind not in NUMBERS + DATES or not _may_be_text(frame[column.name]):
            continue
        texts = as_texts(frame[column.name])
        spelling = date_spelling(texts) if column.kind in DATES else None
        if spelling is None:
            notes += _notes_on_signs(column.name, texts)
            continue
        if spelling.is_ambiguous and day_first_elsewhere is not None:
            spelling = replace(spelling, day_first=day_first_elsewhere)
        if _is_numeric(spelling):
            day_first[column.name] = spelling.day_first
        notes += _notes_on_zones(column.name, texts, spelling)
        if spelling.is_ambiguous:
            assumed[column.name] = "assumed" if day_first_elsewhere is None else "as in other columns"
            notes.append(
                _note_on_order(column.name, texts, spelling, is_known_elsewhere=day_first_elsewhere is not None)
            )
    numbers = {column.name for column in columns if column.kind in NUMBERS}
    number_signs = {name: sign for name, sign in signs.items() if name in numbers}
    with_commas = tuple(name for name, sign in number_signs.items() if sign == COMMA and _has_decimals(frame[name]))
    return RecognisedSpellings(_spellings(number_signs, day_first), assumed, tuple(notes), with_commas)


def _has_decimals(numbers: pd.Series) -> bool:
    return bool((numbers.dropna() % 1 != 0).any())


def _notes_on_missing(values: pd.Series, column: ColumnSummary) -> list[str]:
    """Sentences on numbers that are too large, and on dates that do not exist, as both are read as missing."""
    if column.kind in NUMBERS and values.dtype.kind == "f":
        n_large = int((values.abs() > LARGEST).sum())
        return [f"Column '{column.name}': {n_large:,} values beyond 1e30 are read as missing."] * bool(n_large)
    if column.kind == "date" and column.share_missing > values.isna().mean():
        return _note_on_dates(values)
    return []


def _notes_on_signs(name: str, texts: pa.Array) -> list[str]:
    if not is_ambiguous(texts, decimal_signs(texts)):
        return []
    return [f"Column '{name}': points and commas were read as in English; see its values."]


def _notes_on_zones(name: str, texts: pa.Array, spelling: DateSpelling) -> list[str]:
    n_without = count_without_zone(texts, spelling)
    if not n_without:
        return []
    return [
        f"Column '{name}': {n_without:,} times have no zone and are taken as UTC, while others have one; write the "
        "zone of every time, or of none."
    ]


def _note_on_order(name: str, texts: pa.Array, spelling: DateSpelling, *, is_known_elsewhere: bool) -> str:
    order = "day" if spelling.day_first else "month"
    reason = ", as the dates of other columns have it" if is_known_elsewhere else ""
    return (
        f"Column '{name}': no date shows whether '{texts.drop_null()[0]}' has the day first; the {order} first was "
        f"assumed{reason}, and `{order}_first` of the study's file says so."
    )


def _note_on_dates(column: pd.Series) -> list[str]:
    """A sentence on the values of a column of dates that are read as missing."""
    rows = np.flatnonzero(as_dates(column).isna() & column.notna())
    text = as_texts(column.iloc[rows[:1]])[0].as_py().removesuffix("T00:00:00")
    values = f"{len(rows):,} values such as '{text}' are" if len(rows) > 1 else f"the value '{text}' is"
    reason = f"they are not dates {YEARS}" if len(rows) > 1 else f"it is not a date {YEARS}"
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


def with_spelling(column: ColumnSummary, written: RecognisedSpellings) -> ColumnSummary:
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
