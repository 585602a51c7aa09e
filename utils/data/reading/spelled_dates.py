"""Dates as people and programs write them; whether day or month comes first is decided by all values of a column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

SAMPLE = 1_000  # values that are tried first, so that a column of text is recognised as text at once
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = "(?P<month>(?i:" + "|".join(MONTHS) + ")[a-z]*)"
_YEAR4, _YEAR = r"(?P<year>\d{4})", r"(?P<year>\d{4}|\d{2})"
_CLOCK = (
    r"(?:(?:T|,? +)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r" ?(?P<half>[AaPp]\.?[Mm]\.?)?(?: ?(?P<zone>Z|UTC|GMT|[-+]\d{2}:?(?:\d{2})?))?)?"
)
FIRST, SECOND = r"(?P<first>\d{1,2})", r"(?P<second_part>\d{1,2})"
POINTS = "numeric with points"  # never has the month first
DIGITS = "digits"
PATTERNS = {
    "year first": [rf"{_YEAR4}{sign}(?P<month>\d{{1,2}}){sign}(?P<day>\d{{1,2}})" for sign in ("-", "/", r"\.")],
    DIGITS: [r"(?P<year>(?:19|20)\d{2})(?P<month>\d{2})(?P<day>\d{2})"],
    POINTS: [rf"{FIRST}\.{SECOND}\.{_YEAR}"],
    "numeric": [rf"{FIRST}{sign}{SECOND}{sign}{_YEAR}" for sign in ("/", "-")],
    "named": [
        rf"(?P<day>\d{{1,2}})[ -]?{_MONTH}\.?[ -]?{_YEAR}",
        rf"{_MONTH}\.?[ -](?P<day>\d{{1,2}})(?:, ?| |-){_YEAR4}",
        rf"{_MONTH}[ -]{_YEAR4}",
    ],
}
MOMENTS = [(kind, f"^{day}{_CLOCK}$") for kind, days in PATTERNS.items() for day in days]
NS = {"hour": 3_600_000_000_000, "minute": 60_000_000_000, "second": 1_000_000_000}
PIVOT = 69  # two digits from here on are years of the 1900s, as in POSIX


@dataclass(frozen=True)
class DateSpelling:
    """How all dates of a column are written.

    Attributes
    ----------
    pattern : str
        Regular expression with the parts of a date.
    day_first : bool or None
        Order of '01/02/2024'; None where the pattern says which part is the day.
    is_ambiguous : bool
        Whether no date of the column decides this order.
    """

    pattern: str
    day_first: bool | None = None
    is_ambiguous: bool = False

    @property
    def has_points(self) -> bool:
        """Whether points separate the parts, as they do only where the day is first."""
        return r")\.(?P<second_part>" in self.pattern


def date_spelling(texts: pa.Array, day_first: bool | None = None) -> DateSpelling | None:
    """How the dates of a column are written; None if it holds something else, no value, or no one spelling.

    Parameters
    ----------
    texts : pyarrow array of strings
        Stripped, with nulls for missing values.
    day_first : bool, optional
        Order of day and month, where a date may have either.
    """
    texts = texts.drop_null()
    for kind, pattern in MOMENTS:
        if not len(texts) or not _all_match(texts.slice(0, SAMPLE), pattern) or not _all_match(texts, pattern):
            continue
        spelling = DateSpelling(pattern, day_first=True if kind == POINTS else None)
        if kind == "numeric":
            spelling = _numeric_spelling(texts, pattern, day_first)
        if spelling is not None and not np.isnat(to_moments(texts.slice(0, SAMPLE), spelling)).all():
            return spelling
    return None


def to_moments(texts: pa.Array, spelling: DateSpelling) -> np.ndarray:
    """Moments as datetime64[ns] without a zone, those with one in UTC; NaT for what is not a date."""
    encoded = texts.dictionary_encode()
    if len(encoded.dictionary) > len(texts) / 2:
        return _moments_of(texts, spelling)
    moments = np.append(_moments_of(encoded.dictionary, spelling), np.datetime64("NaT"))
    return moments[encoded.indices.fill_null(len(moments) - 1).to_numpy(zero_copy_only=False)]


def _moments_of(texts: pa.Array, spelling: DateSpelling) -> np.ndarray:
    """As `to_moments`, text by text."""
    parts = _parts(texts, spelling.pattern)
    if spelling.day_first is not None:
        order = ("day", "month") if spelling.day_first else ("month", "day")
        parts |= dict(zip(order, (parts["first"], parts["second_part"]), strict=True))
    is_date = parts["year"] >= 0
    year, month, day = parts["year"], parts["month"], parts.get("day", np.ones(len(texts), dtype=np.int64))
    is_date &= (month >= 1) & (month <= 12) & (day >= 1) & (year > 1677) & (year < 2262)  # what nanoseconds can hold
    months = (np.where(is_date, year - 1970, 0) * 12 + np.where(is_date, month - 1, 0)).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + np.where(is_date, day - 1, 0)
    is_date &= days.astype("datetime64[M]") == months
    is_date &= (parts["hour"] <= 24) & (parts["minute"] < 60) & (parts["second"] <= 60)
    moments = days.astype("datetime64[ns]") + _clock(parts)
    moments[~is_date] = np.datetime64("NaT")
    return moments


def _all_match(texts: pa.Array, pattern: str) -> bool:
    return pc.all(pc.match_substring_regex(texts, pattern)).as_py() is True


def _numeric_spelling(texts: pa.Array, pattern: str, day_first: bool | None) -> DateSpelling | None:
    """The order of day and month; None if one date has the day first and another the month."""
    parts = _parts(texts, pattern)
    first, second = parts["first"], parts["second_part"]
    parts_of = ((True, first, second), (False, second, first))
    orders = [order for order, days, months in parts_of if days.max() <= 31 and months.max() <= 12]
    if len(orders) < 2:
        return DateSpelling(pattern, orders[0]) if orders else None
    if day_first is not None:
        return DateSpelling(pattern, day_first)
    # Where one part is always 1, the dates are the first days of months.
    is_first = [bool((part == 1).all()) for part in (first, second)]
    if is_first[0] != is_first[1]:
        return DateSpelling(pattern, day_first=is_first[0])
    return DateSpelling(pattern, day_first=True, is_ambiguous=True)


def _parts(texts: pa.Array, pattern: str) -> dict[str, np.ndarray]:
    """The parts of each date as int64, by name; the year is -1 where the text is no date."""
    matches = pc.extract_regex(texts, pattern)
    parts = {field.name: pc.struct_field(matches, field.name) for field in matches.type}
    numbers = {name: _integers(part, fill=-1 if name == "year" else 0) for name, part in parts.items() if _is_int(name)}
    numbers["month"] = _month_numbers(parts["month"]) if "month" in parts else np.zeros(len(texts), dtype=np.int64)
    year = numbers["year"]
    is_short = pc.equal(pc.utf8_length(parts["year"]), 2).fill_null(False).to_numpy(zero_copy_only=False)
    numbers["year"] = np.where(is_short, year + np.where(year >= PIVOT, 1900, 2000), year)
    numbers["fraction"] = _integers(pc.utf8_rpad(parts["fraction"], 9, "0"), fill=0)
    half = pc.utf8_lower(pc.utf8_slice_codeunits(parts["half"], 0, 1))
    numbers["half"] = _integers(pc.index_in(half, pa.array(["a", "p"], half.type)), fill=-1)
    numbers["zone"] = _zone_minutes(parts["zone"])
    return numbers


def _is_int(name: str) -> bool:
    return name in ("year", "day", "first", "second_part", "hour", "minute", "second")


def _integers(texts: pa.Array, fill: int) -> np.ndarray:
    if not pa.types.is_integer(texts.type):
        texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, texts.type), texts)
    return texts.cast(pa.int64()).fill_null(fill).to_numpy(zero_copy_only=False)


def _month_numbers(texts: pa.Array) -> np.ndarray:
    """Months from 1, from digits or English names."""
    if pc.all(pc.utf8_is_digit(texts)).as_py() is not False:
        return _integers(texts, fill=0)
    names = pc.utf8_lower(pc.utf8_slice_codeunits(texts, 0, 3))
    return _integers(pc.index_in(names, pa.array(MONTHS, names.type)), fill=-1) + 1


def _zone_minutes(texts: pa.Array) -> np.ndarray:
    """Minutes east of UTC."""
    encoded = texts.dictionary_encode()
    minutes = []
    for zone in encoded.dictionary.to_pylist():
        digits = zone[1:].replace(":", "") if zone[:1] in ("+", "-") else ""
        size = int(digits[:2] or 0) * 60 + int(digits[2:] or 0)
        minutes.append(-size if zone.startswith("-") else size)
    positions = encoded.indices.fill_null(len(minutes)).to_numpy(zero_copy_only=False)
    return np.array([*minutes, 0], dtype=np.int64)[positions]


def _clock(parts: dict[str, np.ndarray]) -> np.ndarray:
    """Time of day in UTC as timedelta64[ns]."""
    hour = np.where(parts["half"] >= 0, parts["hour"] % 12 + 12 * parts["half"], parts["hour"])
    total = hour * NS["hour"] + (parts["minute"] - parts["zone"]) * NS["minute"] + parts["second"] * NS["second"]
    return (total + parts["fraction"]).astype("timedelta64[ns]")
