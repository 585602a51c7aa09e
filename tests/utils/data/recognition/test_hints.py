"""What is said of text that holds numbers or dates in a form that is not read as such."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from utils.data.recognition.hints import CLOCKS, DATE_SPELLINGS, TWO_NUMBERS, UNREAD_DATES, hint

DAYS = pd.date_range("2021-01-05", periods=400, freq="3D")
NUMBERS = [str(number) for number in np.random.default_rng(3).permutation(900)[:300] + 100]
PERCENT = "numbers, some with '%' and some without; write all in one unit, and leave it out, to use it as a number"
HINTS = {
    "quarters": (DAYS.year.astype(str) + "Q" + DAYS.quarter.astype(str), UNREAD_DATES),
    "weeks": (DAYS.strftime("%G-W%V"), UNREAD_DATES),
    "months with a short year": (DAYS.strftime("%b-%y"), UNREAD_DATES),
    "months with the year last": (DAYS.strftime("%m/%Y"), UNREAD_DATES),
    "days of the week": (DAYS.strftime("%a, %d %b %Y"), UNREAD_DATES),
    "ctime": (DAYS.strftime("%a %b %d %H:%M:%S %Y"), UNREAD_DATES),
    "spaces after points": (DAYS.strftime("%d. %m. %Y"), UNREAD_DATES),
    "two spellings": ([*DAYS[::2].strftime("%Y-%m-%d"), *DAYS[1::2].strftime("%d/%m/%Y")], DATE_SPELLINGS),
    "clock": ([f"{i % 24:02d}:{i % 60:02d}" for i in range(120)], CLOCKS),
    "few clock times": (["09:00", "09:30", "10:00"], CLOCKS),
    "durations": ([f"{i} days 0{i % 9}:00:00" for i in range(60)], CLOCKS),
    "per cent in some": ([f"{number}%" if i % 2 else number for i, number in enumerate(NUMBERS)], PERCENT),
    "per cent but for zero": ([*(f"{i}%" for i in range(1, 60)), "0"], PERCENT),
    "two units": (
        [f"{number}{'kM'[i % 2]}" for i, number in enumerate(NUMBERS)],
        "numbers with 'M' or 'k'; write all in one unit, and leave it out, to use it as a number",
    ),
    "currency and unit": (
        [f"€{number}{'KM'[i % 2]}" for i, number in enumerate(NUMBERS)],
        "numbers with 'K' or 'M'; write all in one unit, and leave it out, to use it as a number",
    ),
    "one unit": ([f"{number} kg" for number in NUMBERS], "numbers with 'kg'; leave it out of these cells"),
    "several currencies": (
        [f"{'$€'[i % 2]}{n}" for i, n in enumerate(NUMBERS)],
        "amounts in EUR and USD; convert them",
    ),
    "below a limit": (
        [*(f"<{i}" for i in range(30)), *NUMBERS],
        "numbers with other characters, as in '<0'; leave these",
    ),
    "footnotes": (
        [f"{n}*" if i % 7 == 0 else n for i, n in enumerate(NUMBERS)],
        "numbers with other characters, as in",
    ),
    "in single quotes": ([f"'{number}'" for number in NUMBERS], "numbers with other characters, as in ''"),
    "formulas": ([f'="{number}"' for number in NUMBERS], "numbers with other characters, as in '=\""),
    "pressures": ([f"{90 + i}/{50 + i % 40}" for i in range(60)], TWO_NUMBERS),
    "coordinates": ([f"({i / 8 + 1:.3f}, {i / 9 + 1:.3f})" for i in range(1, 60)], TWO_NUMBERS),
}
NONE = {
    "names": [f"shop {number}" for number in NUMBERS],
    "codes": [f"C{number}" for number in NUMBERS],
    "seats": [f"{number}{'ABCDEF'[i % 6]}" for i, number in enumerate(NUMBERS)],
    "article numbers": [f"{number}-{number[:2]}" for number in NUMBERS],
    "addresses of computers": [f"10.{i % 7}.{i % 200}.{i}" for i in range(200)],
    "grades": ["1", "2", "3", "3+"],
    "words beginning like days": ["monday", "sunny", "saturated", "friend"],
}


@pytest.mark.parametrize(("values", "expected"), HINTS.values(), ids=HINTS.keys())
def test_hint_says_how_text_can_be_used_as_numbers_or_dates(values, expected):
    assert hint(pa.array(pd.unique(pd.Series(values)), pa.large_string())).startswith(expected)


@pytest.mark.parametrize("values", NONE.values(), ids=NONE.keys())
def test_hint_says_nothing_about_other_text(values):
    assert hint(pa.array(pd.unique(pd.Series(values)), pa.large_string())) == ""
