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
    r"(?:(?:T|:|,? +)(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r" ?(?P<half>[AaPp]\.?[Mm]\.?)?(?: ?(?P<zone>Z|UTC|GMT|[-+]\d{2}:?(?:\d{2})?))?)?"
)
_DIGIT_CLOCK = r"T?(?P<hour>\d{2})(?:(?P<minute>\d{2})(?P<second>\d{2})?)?(?P<fraction>)(?P<half>)(?P<zone>Z?)"
FIRST, SECOND = r"(?P<first>\d{1,2})", r"(?P<second_part>\d{1,2})"
POINTS = "numeric with points"  # never has the month first
NUMERIC = "numeric"
DIGITS = "digits"
MONTHLY = "months"
PATTERNS = {
    "year first": [rf"{_YEAR4}{sign}(?P<month>\d{{1,2}}){sign}(?P<day>\d{{1,2}})" for sign in ("-", "/", r"\.")],
    # Missing dates and open ends have the years 0000 and 9999.
    DIGITS: [r"(?P<year>(?:19|20)\d{2}|0000|9999)(?P<month>\d{2})(?P<day>\d{2})"],
    POINTS: [rf"{FIRST}\.{SECOND}\.{_YEAR}"],
    NUMERIC: [rf"{FIRST}{sign}{SECOND}{sign}{_YEAR}" for sign in ("/", "-")],
    "named": [
        rf"(?P<day>\d{{1,2}})[ /-]?{_MONTH}\.?[ /-]?{_YEAR}",
        rf"{_MONTH}\.?[ -](?P<day>\d{{1,2}})(?:, ?| |-){_YEAR4}",
        rf"{_MONTH}[ -]{_YEAR4}",
    ],
    MONTHLY: [r"(?P<year>(?:19|20)\d{2})[-/](?P<month>0[1-9]|1[0-2])"],
}
SHORT_YEAR = r"^\d{2}[-/.]\d{1,2}[-/.]\d{2}(?:\D|$)"  # '24-02-13', whose year may come first or last
MOMENTS = [
    (kind, f"^{day}{clock}$")
    for kind, days in PATTERNS.items()
    for day in days
    for clock in ((_CLOCK, _DIGIT_CLOCK) if kind == DIGITS else (_CLOCK,))
]
MAX_WRONG = 0.05  # share of a column's different dates that may be no days, such as 30 February
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
        Whether no date of the column decides this order, so that it is assumed.
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
        distinct = pc.unique(texts)
        if day_first is None and _has_year_first(distinct, pattern):
            return None
        if kind == MONTHLY and _are_pairs_of_years(distinct):
            return None
        spelling = DateSpelling(pattern, day_first=True if kind == POINTS else None)
        if kind == NUMERIC:
            spelling = _numeric_spelling(distinct, pattern, day_first)
        if spelling is not None and _holds_days(distinct.slice(0, SAMPLE), spelling):
            return spelling
    return None


def _are_pairs_of_years(texts: pa.Array) -> bool:
    """Whether all texts are a year and the two digits of the next one, as those of seasons: '2010-11'."""
    digits = pc.replace_substring_regex(texts, r"\D", "").cast(pa.int64()).to_numpy(zero_copy_only=False)
    return bool(((digits // 100 + 1) % 100 == digits % 100).all())


def have_short_year_first(texts: pa.Array) -> bool:
    """Whether all texts are written like '24-02-13', and more likely have the year first than the day or the month."""
    texts = texts.drop_null()
    return len(texts) > 0 and any(
        _all_match(texts, pattern) and _has_year_first(pc.unique(texts), pattern)
        for kind, pattern in MOMENTS
        if kind in (POINTS, NUMERIC)
    )


def count_without_zone(texts: pa.Array, spelling: DateSpelling) -> int:
    """How many times are written without a zone in a column in which others have one; 0 if all are written alike."""
    counts = pc.value_counts(texts.drop_null())
    zones = pc.struct_field(pc.extract_regex(counts.field("values"), spelling.pattern), "zone")
    is_without = pc.equal(zones, "").fill_null(False)
    if not pc.any(is_without).as_py() or pc.all(is_without).as_py():
        return 0
    return pc.sum(counts.field("counts").filter(is_without)).as_py()


def no_dates(texts: pa.Array) -> pa.Array:
    """Texts that are not written like most of the others, if these are dates; otherwise all texts.

    Dates with the day first among others with the month first are not written like these, and the other way round.
    """
    for kind, pattern in MOMENTS:
        if _share_of_matches(texts.slice(0, SAMPLE), pattern) > 0.5:
            is_match = pc.match_substring_regex(texts, pattern)
            if kind == NUMERIC:
                is_match = pc.and_not(is_match, pa.array(have_rare_order(texts, pattern)))
            if date_spelling(texts.filter(is_match)) is not None:
                return texts.filter(pc.invert(is_match))
    return texts


def have_both_orders(texts: pa.Array) -> bool:
    """Whether all texts are written like '01/02/2024', and are days in one order only, some in either."""
    return any(
        _all_match(texts, pattern) and all(is_only.any() for is_only in _only_days(_parts(texts, pattern)).values())
        for kind, pattern in MOMENTS
        if kind == NUMERIC
    )


def have_rare_order(texts: pa.Array, pattern: str) -> np.ndarray:
    """Which dates are days only in one order of day and month, while more others are days only in the other one."""
    if SECOND not in pattern:
        return np.zeros(len(texts), dtype=bool)
    is_first, is_second = _only_days(_parts(texts, pattern)).values()
    return is_first if is_first.sum() < is_second.sum() else is_second


def to_moments(texts: pa.Array, spelling: DateSpelling) -> np.ndarray:
    """Moments as datetime64[ns] without a zone, those with one in UTC; NaT for what is not a date."""
    encoded = texts.dictionary_encode()
    if len(encoded.dictionary) > len(texts) / 2:
        return _moments_of(texts, spelling)
    moments = np.append(_moments_of(encoded.dictionary, spelling), np.datetime64("NaT"))
    return moments[encoded.indices.fill_null(len(moments) - 1).to_numpy(zero_copy_only=False)]


def _moments_of(texts: pa.Array, spelling: DateSpelling) -> np.ndarray:
    """As `to_moments`, text by text."""
    parts = _with_order(_parts(texts, spelling.pattern), spelling.day_first)
    days, is_date = _days(parts)
    is_date &= (parts["year"] > 1677) & (parts["year"] < 2262)  # what nanoseconds can hold
    is_date &= (parts["hour"] <= 24) & (parts["minute"] < 60) & (parts["second"] <= 60)
    moments = np.where(is_date, days, np.datetime64(0, "D")).astype("datetime64[ns]") + _clock(parts)
    moments[~is_date] = np.datetime64("NaT")
    return moments


def _with_order(parts: dict[str, np.ndarray], day_first: bool | None) -> dict[str, np.ndarray]:
    """The parts of dates with day and month where only their order tells them apart."""
    if day_first is None:
        return parts
    order = ("day", "month") if day_first else ("month", "day")
    return parts | dict(zip(order, (parts["first"], parts["second_part"]), strict=True))


def _days(parts: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Days of any year as datetime64[D], and whether the calendar has each."""
    year, month = parts["year"], parts["month"]
    day = parts.get("day", np.ones(len(year), dtype=np.int64))
    is_day = (year >= 0) & (month >= 1) & (month <= 12) & (day >= 1)
    months = (np.where(is_day, year - 1970, 0) * 12 + np.where(is_day, month - 1, 0)).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + np.where(is_day, day - 1, 0)
    return days, is_day & (days.astype("datetime64[M]") == months)


def _holds_days(texts: pa.Array, spelling: DateSpelling) -> bool:
    """Whether all but a few different texts are days: '62.01.00' is written like one, and is a code."""
    parts = _with_order(_parts(texts, spelling.pattern), spelling.day_first)
    is_unknown = (parts["month"] <= 12) & (parts.get("day", parts["month"]) == 0)  # as in '0000-00-00'
    is_day = _days(parts)[1]
    n_wrong = int((~is_day & ~is_unknown).sum())
    is_likely = n_wrong <= max(1, MAX_WRONG * len(texts)) and n_wrong < is_day.sum()
    return bool(is_likely and not np.isnat(_moments_of(texts, spelling)).all())


def _all_match(texts: pa.Array, pattern: str) -> bool:
    return pc.all(pc.match_substring_regex(texts, pattern)).as_py() is True


def _share_of_matches(texts: pa.Array, pattern: str) -> float:
    return pc.mean(pc.match_substring_regex(texts, pattern).cast(pa.int8())).as_py() or 0.0


def _numeric_spelling(texts: pa.Array, pattern: str, day_first: bool | None) -> DateSpelling | None:
    """The order of day and month; None if some dates are days in one order only, and others in the other."""
    parts = _parts(texts, pattern)
    orders = [order for order, is_only in _only_days(parts).items() if is_only.any()]
    if orders:
        return DateSpelling(pattern, orders[0]) if len(orders) == 1 else None
    if day_first is not None:
        return DateSpelling(pattern, day_first)
    return DateSpelling(pattern, day_first=not _likely_month_first(parts), is_ambiguous=True)


def _only_days(parts: dict[str, np.ndarray]) -> dict[bool, np.ndarray]:
    """Which dates are days with the day first, and not with the month first, and the other way round."""
    is_day = {order: _days(_with_order(parts, order))[1] for order in (True, False)}
    return {order: is_day[order] & ~is_day[not order] for order in is_day}


def _has_year_first(texts: pa.Array, pattern: str) -> bool:
    """Whether texts like '24-02-13' are days only with the year first, or span less than half as long as otherwise."""
    if FIRST not in pattern or not pc.all(pc.match_substring_regex(texts, SHORT_YEAR)).as_py():
        return False
    parts = _parts(texts, pattern)
    reversed_parts = parts | {"year": _full_years(parts["first"]), "month": parts["second_part"]}
    days, are_days = _days(reversed_parts | {"day": parts["year"] % 100})
    if not are_days.all():
        return False
    others = [_days(_with_order(parts, order)) for order in (True, False)]
    spans = [np.ptp(other) for other, are_others in others if are_others.all()]
    return not spans or bool(2 * np.ptp(days) < min(spans))


def _likely_month_first(parts: dict[str, np.ndarray]) -> bool:
    """Whether the month is likelier first, where one part never differs: the month, or 1 for first days of months."""
    is_constant = [np.ptp(parts[part]) == 0 for part in ("first", "second_part")]
    if is_constant[0] == is_constant[1]:
        return False
    if (parts["hour"] + parts["minute"] + parts["second"]).any():  # what has a time of day is not monthly
        return bool(is_constant[0])
    return bool((parts["second_part"] == 1).all())


def _parts(texts: pa.Array, pattern: str) -> dict[str, np.ndarray]:
    """The parts of each date as int64, by name; the year is -1 where the text is no date."""
    matches = pc.extract_regex(texts, pattern)
    parts = {field.name: pc.struct_field(matches, field.name) for field in matches.type}
    numbers = {name: _integers(part, fill=-1 if name == "year" else 0) for name, part in parts.items() if _is_int(name)}
    numbers["month"] = _month_numbers(parts["month"]) if "month" in parts else np.zeros(len(texts), dtype=np.int64)
    year = numbers["year"]
    is_short = pc.equal(pc.utf8_length(parts["year"]), 2).fill_null(False).to_numpy(zero_copy_only=False)
    numbers["year"] = np.where(is_short, _full_years(year), year)
    numbers["fraction"] = _integers(pc.utf8_rpad(parts["fraction"], 9, "0"), fill=0)
    half = pc.utf8_lower(pc.utf8_slice_codeunits(parts["half"], 0, 1))
    numbers["half"] = _integers(pc.index_in(half, pa.array(["a", "p"], half.type)), fill=-1)
    numbers["zone"] = _zone_minutes(parts["zone"])
    return numbers


def _full_years(years: np.ndarray) -> np.ndarray:
    """Years of four digits from two."""
    return years + np.where(years >= PIVOT, 1900, 2000)


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
