"""How a column of text can be used as numbers or dates: what its cells have besides, and how to write them instead."""

from __future__ import annotations

import re

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from utils.data.reading.column_types import WRITE_DAYS, are_days_with_year_last, as_numbers
from utils.data.reading.spelled_dates import (
    MOMENTS,
    SAMPLE,
    date_spelling,
    have_both_orders,
    have_short_year_first,
    no_dates,
)
from utils.data.reading.spelled_numbers import (
    COMMA,
    POINT,
    decimal_signs,
    is_code,
    mixed_currencies,
    to_floats,
    units_in_words,
)

MIN_COUNTED = 20  # distinct values from which numbers with something beside them are unlikely to be grades
MIN_NUMBERS = 6  # distinct ones beside a word from which they may be quantities and not grades
MAX_SHARE = 0.05  # share of the distinct values that may be words among numbers or dates
MAX_WORDS = 2  # that a hint lists, beside numbers or dates or behind them as units
MAX_SPELLINGS = 3  # in which the dates of a column may be written
MAX_LENGTH = 30  # characters of a value in a hint
YEAR_LAST = f"written like days with the year last; {WRITE_DAYS}, to use it as a date"
YEAR_FIRST = f"written like days with two digits of the year first; {WRITE_DAYS}, to use it as a date"
WRITE_DATES = "write its dates like 2024-12-31"
MONTHS = f"written like months with the year first; {WRITE_DATES}, to use it as a date"
UNREAD_DATES = f"written like dates in a form that is not read; {WRITE_DATES}, to use it as a date"
DATE_SPELLINGS = f"dates in more than one spelling; {WRITE_DATES}, to use it as a date"
CLOCKS = "times of day or durations; write them as numbers, of minutes, say, to use them"
TWO_NUMBERS = "two numbers in each cell; write them into two columns to use them as numbers"
_MONTH = "(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_YEAR = r"(?:19|20)\d{2}"
UNREAD_DATE_PATTERNS = (
    rf"^(?i:mon|tue|wed|thu|fri|sat|sun)[a-z]*[.,]{{0,2}} .*{_YEAR}",  # with the day of the week
    r"^(?:\d{1,2}\. \d{1,2}\. ?\d{2,4}|\d{4}\. ?\d{1,2}\. \d{1,2})\b",  # with spaces after points
    rf"^(?:{_YEAR}[ -]?[Qq][1-4]|[Qq][1-4][ /-]?{_YEAR}|{_YEAR}-?W\d{{2}}(?:-\d)?)$",  # quarters and weeks
    rf"^(?:{_MONTH}[a-z]*[ '-]{{1,2}}\d{{2}}|(?:0?[1-9]|1[0-2])[/.-]{_YEAR})$",  # months
)
CLOCK = r"^(?:\d+ days?,? )?-?\d{1,4}:[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?(?: ?[AaPp]\.?[Mm]\.?)?$"
_NUMBER = r"[-+]?\d+(?:\.\d+)?"
PAIR = rf"^[\[(]?{_NUMBER} ?(?:[/;,x×]|to|\.\.) ?{_NUMBER}[\])]?$"
UNIT = re.compile(r"[^\W\d_]|[%°¢‰]")  # a letter or sign that a unit has, and a mark such as '*' has not
CURRENCY_SIGN = r"^[$€£¥] ?"
CHARACTERS_AROUND = r"""^[<>≤≥=~≈'"` ]+|['"`°+* ]+$"""


def hint(texts: pa.Array) -> str:
    """How a column of text can be used that holds numbers or dates, but not as such; empty for others.

    Parameters
    ----------
    texts : pyarrow array of strings
        Distinct values, without nulls.
    """
    if any(_all_match(texts, pattern) for pattern in UNREAD_DATE_PATTERNS):
        return UNREAD_DATES
    if _all_match(texts, CLOCK):
        return CLOCKS
    if currencies := _currencies(texts):
        return f"amounts in {' and '.join(currencies)}; convert them to one currency to use it as a number"
    if len(texts) < MIN_COUNTED:
        return _hint_on_few(texts)
    if is_code(texts):
        return _hint_on_codes(texts) if decimal_signs(texts) else ""
    return _hint_on_dates(texts) or _hint_on_numbers(texts)


def _currencies(texts: pa.Array) -> list[str]:
    """Currencies of amounts in several ones; some texts are tried first."""
    sample = texts.slice(0, SAMPLE)
    return mixed_currencies(texts) if decimal_signs(sample) or mixed_currencies(sample) else []


def _hint_on_dates(texts: pa.Array) -> str:
    if have_short_year_first(texts):
        return YEAR_FIRST
    if _are_few(others := no_dates(texts), texts):
        return _all_but(others, "date")
    if have_both_orders(texts):
        return f"dates, some with the day first and others with the month first; {WRITE_DAYS}, to use it as a date"
    return DATE_SPELLINGS if _are_dates_in_several_spellings(texts) else ""


def _hint_on_numbers(texts: pa.Array) -> str:
    if units := _units(texts):
        return _hint_on_units(units)
    if _are_few(others := _no_numbers(texts), texts):
        return _all_but(others, "number")
    if decimal_signs(plain := pc.replace_substring_regex(texts, CHARACTERS_AROUND, "")) and not is_code(plain):
        example = _shown(others[0].as_py())
        return f"numbers with other characters, as in {example}; leave these out to use it as a number"
    return TWO_NUMBERS if _all_match(texts, PAIR) else ""


def _units(texts: pa.Array) -> list[str]:
    """The units of numbers, sorted, '' for a number without one; none if there are other texts or footnote marks."""
    without_currency = pc.replace_substring_regex(texts, CURRENCY_SIGN, "")
    if not units_in_words(without_currency.slice(0, SAMPLE)):  # text is recognised as such at once
        return []
    units = sorted(units_in_words(without_currency))
    return units if all(UNIT.search(unit) for unit in units if unit) else []


def _hint_on_units(units: list[str]) -> str:
    """How numbers with one of these units, or without one ('' in the list), can be used."""
    words = " or ".join(f"'{unit}'" for unit in units if unit)
    if len(units) == 1:
        return f"numbers with {words}; leave it out of these cells to use it as a number"
    if len(units) > MAX_WORDS:
        return ""
    mixture = f"numbers, some with {words} and some without" if "" in units else f"numbers with {words}"
    return f"{mixture}; write all in one unit, and leave it out, to use it as a number"


def _hint_on_few(texts: pa.Array) -> str:
    """As `hint`, of few different values: numbers but for a word without digits, as '3+' may be the last of grades."""
    words = _no_numbers(texts)
    if len(words) != 1 or len(texts) - 1 < MIN_NUMBERS or is_code(texts):
        return ""
    return "" if pc.match_substring_regex(words, r"\d")[0].as_py() else _all_but(words, "number")


def _hint_on_codes(texts: pa.Array) -> str:
    """How numbers can be used that are taken for codes because digits follow a zero."""
    if are_days_with_year_last(as_numbers(pd.Series(texts.to_pandas()))):
        return YEAR_LAST
    decimals = texts.filter(pc.match_substring_regex(texts, r"^0\d+[.,]"))
    if not len(decimals):
        return ""
    return f"codes, as digits follow a zero in '{decimals[0].as_py()}'; {WRITE_DAYS}, and numbers without the zero"


def _are_few(others: pa.Array, texts: pa.Array) -> bool:
    """Whether there are others among the texts, and few enough to be words for a missing value."""
    return 0 < len(others) <= max(MAX_WORDS, MAX_SHARE * len(texts))


def _no_numbers(texts: pa.Array) -> pa.Array:
    """Texts that are not numbers, with the decimal sign that suits most."""
    numbers = min((to_floats(texts, sign) for sign in (POINT, COMMA)), key=lambda floats: floats.null_count)
    return texts.filter(numbers.is_null())


def _are_dates_in_several_spellings(texts: pa.Array) -> bool:
    """Whether the texts are dates in two or three spellings, each of which the reader knows."""
    sample, n_spellings = texts.slice(0, SAMPLE), 0
    for _, pattern in MOMENTS:
        is_match = pc.match_substring_regex(sample, pattern)
        if not pc.any(is_match).as_py():
            continue
        if date_spelling(sample.filter(is_match)) is None:
            return False
        sample, n_spellings = sample.filter(pc.invert(is_match)), n_spellings + 1
    return not len(sample) and 1 < n_spellings <= MAX_SPELLINGS


def _all_match(texts: pa.Array, pattern: str) -> bool:
    """Whether all texts match; some are tried first, so that other text is recognised at once."""
    return all(
        pc.all(pc.match_substring_regex(tried, pattern)).as_py() is True for tried in (texts.slice(0, SAMPLE), texts)
    )


def _all_but(others: pa.Array, kind: str) -> str:
    return f"{kind}s but for {_listed(others.to_pylist())}; leave these cells empty to use it as a {kind}"


def _listed(words: list[str]) -> str:
    """The first words, and how many more there are."""
    shown = list(map(_shown, words[:MAX_WORDS]))
    n_more = len(words) - len(shown)
    return f"{', '.join(shown)} and {n_more:,} more" if n_more else " and ".join(shown)


def _shown(word: str) -> str:
    return f"'{word[:MAX_LENGTH]}'"
