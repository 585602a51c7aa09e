"""Fields of the form for one row: boxes, lists and dates, by the kind of the column."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.parsing.mixed import read_rows
from app.parsing.records import read_row
from app.parsing.typed_numbers import read_typed
from app.serving.served import Served
from app.views.formatting import short
from utils.data.reading.spelled_numbers import COMMA, POINT
from utils.serving.raw_columns import RawColumn

UNITS = {"milliseconds": "ms", "seconds": "s", "minutes": "min", "hours": "h", "days": "d"}  # of a time
MAX_SELECT = 8  # categories up to which a list is shown whole; more are searched
MAX_OFFERED = 1_000  # categories that a list to search offers
MAX_NAMED, MAX_CHARACTERS = 3, 30  # categories that a hint names, and characters of each


@dataclass(frozen=True)
class FormField:
    """A field of the form.

    Attributes
    ----------
    name, unit : str
        Column, and what follows its name.
    id, key : str
        In the page, and in what it sends; see `field_key`.
    hint : str
        Range or examples.
    kind : {'number', 'select', 'search', 'date', 'time'}
    options : tuple of str
        What a select or a search offers.
    is_required : bool
        Whether the value must not be missing.
    position : int or None
        Of the column in the study's file.
    """

    name: str
    id: str
    key: str
    hint: str
    unit: str = ""
    kind: str = "number"
    options: tuple[str, ...] = ()
    is_required: bool = True
    position: int | None = None


def field_key(column: str) -> str:
    """Name of a column's field in what the form sends.

    It follows from the column's name alone, so that a form that was opened before the model was replaced gives no
    column the value of another; and it is no name of another part of the form, which a column may have.
    """
    return f"column-{hashlib.sha256(column.encode()).hexdigest()[:12]}"


def fields_of(model: Served) -> list[FormField]:
    """A field for every raw column; those of a mixed table are in the order of its file."""
    if model.raw:
        fields = [_mixed_field(column, number) for number, column in enumerate(model.raw)]
        return sorted(fields, key=lambda field: (field.position is None, field.position))
    schema, ranges = model.model.schema, model.about.ranges
    units = {schema.time: f" ({UNITS[schema.time_unit]})"}
    return [
        FormField(
            name,
            f"field-{number}",
            field_key(name),
            f"{short(ranges[name][0])} to {short(ranges[name][1])}",
            units.get(name, ""),
        )
        for number, name in enumerate(model.columns)
    ]


def _mixed_field(column: RawColumn, number: int) -> FormField:
    options = column.categories[:MAX_OFFERED] or tuple(map(spell, column.values))
    kind = column.kind
    if column.is_category:
        kind = "select" if len(column.categories) <= MAX_SELECT else "search"
    elif column.values:
        kind = "select"
    return FormField(
        column.name,
        f"field-{number}",
        field_key(column.name),
        _hint(column),
        f" ({column.unit})" if column.unit and column.kind == "number" else "",
        kind=kind,
        options=options,
        is_required=column.is_required,
        position=column.position,
    )


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else f"{text[: MAX_CHARACTERS - 1]}\N{HORIZONTAL ELLIPSIS}"


def _hint(column: RawColumn) -> str:
    gaps = f"{column.share_missing * 100:.1f} % missing" if column.share_missing else "never missing"
    if column.is_category:
        named = ", ".join(_cut(text) for text in column.categories[:MAX_NAMED])
        rest = f" and {len(column.categories) - MAX_NAMED:,} more" if len(column.categories) > MAX_NAMED else ""
        return f"{named}{rest}; {gaps}"
    if column.minimum is None:
        return "never known in training"
    low, high = column.plain(column.minimum), column.plain(column.maximum)
    return f"{short(low)} to {short(high)}; {gaps}"


@dataclass(frozen=True)
class Typed:
    """A row that was typed.

    Attributes
    ----------
    values : list of float
        In the order of the model's columns.
    problems : dict of str to str
        Why a value cannot be read, by column.
    with_comma : dict of str to float
        Values that were read with a decimal comma.
    missing, unseen : list of str
        Columns without a value; columns with a category that was not seen in training, and the category.
    """

    values: list[float]
    problems: dict[str, str]
    with_comma: dict[str, float]
    missing: list[str]
    unseen: list[str]


def read_form(model: Served, texts: Mapping[str, str]) -> Typed:
    """Read a row from the texts of the fields, by column."""
    if not model.raw:
        values, problems = read_row(texts, model.columns, read_typed)
        pairs = [] if problems else zip(model.columns, values, strict=True)
        return Typed(values, problems, {name: value for name, value in pairs if "," in texts[name]}, [], [])
    rows = read_rows([texts], model.raw, "form")
    values = rows.values[0].tolist()
    columns = list(zip(model.raw, values, strict=True))
    return Typed(
        values,
        rows.problems.get(0, {}),
        {raw.name: value for raw, value in columns if raw.kind == "number" and "," in texts.get(raw.name, "")},
        [raw.name for raw, value in columns if value != value],
        [f"{name} '{text}'" for name, text in rows.unseen.get(0, {}).items()],
    )


def spell(value: object) -> str:
    """A value of an example as the text of a field."""
    if value is None:
        return ""
    return value if isinstance(value, str) else repr(value).removesuffix(".0")


def spell_for_file(model: Served, row: Mapping[str, object]) -> dict[str, str]:
    """The cells of an example in a file; numbers have the decimal sign of the study, with which they are read."""
    with_comma = {column.name for column in model.raw if column.decimal == COMMA}
    return {name: _with_comma(value) if name in with_comma else spell(value) for name, value in row.items()}


def _with_comma(value: float | None) -> str:
    """A number with a decimal comma, which goes with no exponent."""
    return "" if value is None else np.format_float_positional(value, trim="-").replace(POINT, COMMA)
