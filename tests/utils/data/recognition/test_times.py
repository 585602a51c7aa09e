"""How a time column is read: dates, or numbers in a unit."""

import numpy as np
import pandas as pd
import pytest

from utils.data.recognition.times import holds_dates, is_epoch, read_time, span


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 86_400.5, 172_792], False),
        ([1_700_000_000, 1_700_086_400, 1_700_172_800], True),
        ([20240131, 20240201, 20240202], True),
        ([2024013100, 2024020101], True),
        ([202401310000, 202402010130], True),
        ([20240131000000, 20240201013015], True),
        (["2024-01-31 10:00", "2024-02-01 11:00", None], True),
        (["31.01.2024", "01.02.2024", "02.02.2024"], True),
        (pd.to_datetime(["2024-01-31", "2024-02-01"]), True),
    ],
)
def test_holds_dates_tells_dates_from_seconds_since_the_first_row(values, expected):
    assert holds_dates(pd.Series(values)) is expected


def times(*values: float, name: str = "step") -> pd.Series:
    return pd.Series([0.0, *values], name=name)


@pytest.mark.parametrize(
    ("column", "words", "unit", "detail", "is_in_doubt"),
    [
        (times(172_792), ["time"], "seconds", "48 hours from first to last, read as seconds", False),
        (times(743), ["step"], "seconds", "12.4 minutes from first to last, read as seconds", True),
        (times(743), ["hours", "since", "start"], "hours", "31 days from first to last, as its name says hours", False),
        (times(183), ["day"], "days", "183 days from first to last, as its name says days", False),
        (times(1.58e10), ["time"], "milliseconds", "183 days from first to last, read as milliseconds", True),
        (times(1.58e10), ["time", "s"], "seconds", "501 years from first to last, as its name says seconds", False),
        (
            pd.Series([4e8, 1.198e9], name="elapsed_ms"),
            ["elapsed", "ms"],
            "milliseconds",
            "9.2 days from first to last, as its name says milliseconds",
            False,
        ),
        (pd.Series([1.6e12, 1.7e12]), ["created", "ms"], None, "2020-09-13 to 2023-11-14", False),
        (pd.Series([2_023_574_400, 2_024_006_400]), ["ts"], None, "2034-02-15 to 2034-02-20", True),
        (times(5e15), ["time"], "seconds", "158,443,693 years from first to last, read as seconds", True),
        (pd.Series(["2024-01-31", "2024-03-01"], name="opened"), ["opened"], None, "2024-01-31 to 2024-03-01", False),
        (pd.Series(["2024-01-31", "2131-03-01"], name="opened"), ["opened"], None, "2024-01-31 to 2131-03-01", True),
    ],
)
def test_read_time_says_how_numbers_are_read_and_where_that_is_in_doubt(column, words, unit, detail, is_in_doubt):
    read = read_time(column, words)
    assert (read.unit, read.detail, bool(read.note)) == (unit, detail, is_in_doubt)


def test_read_time_says_what_other_units_would_mean():
    note = read_time(times(743)).note
    assert "Column 'step' is read as seconds from the first row, 12.4 minutes in all." in note
    assert "31 days as hours, 2 years as days;" in note and "time_unit in the study's file" in note


def test_span_takes_the_longest_unit_of_which_there_are_two():
    assert [span(length, "seconds") for length in (0, 119, 120, 7200, 172_800, 63_113_904)] == [
        *("0 seconds", "119 seconds", "2 minutes", "2 hours", "2 days", "2 years")
    ]
    assert span(np.float64(1.5), "days") == "36 hours"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([638_398_368_000_000_000, 638_398_369_000_000_000], "ticks of .NET (100 nanoseconds since the year 1)"),
        ([20240103070000123, 20240103070000456], "dates in digits with milliseconds"),
    ],
)
def test_read_time_doubts_times_in_a_form_that_is_not_read(values, words):
    column = pd.Series(values, name="event_time")
    note = read_time(column, ["event", "time"]).note
    assert not is_epoch(column)
    assert note == (
        f"Column 'event_time' seems to hold {words}, which are not read as dates; write its times like "
        "2024-12-31 10:30."
    )
