"""Numbers, dates, categories and labels from the cells of a raw column."""

import numpy as np
import pandas as pd
import pytest

from utils.data.errors import DataError
from utils.data.reading.column_types import as_categories, as_dates, as_numbers, typed

NAN = np.nan
NUMBERS = {
    "plain": (["1", "-2.5", "+3e2", ".5"], [1, -2.5, 300, 0.5]),
    "decimal comma": (["1,5", "-2", ",25"], [1.5, -2, 0.25]),
    "point after commas": (["1,234.56", "1,234", "7"], [1234.56, 1234, 7]),
    "comma after points": (["1.234,56", "1.234", "1.234.567"], [1234.56, 1234, 1234567]),
    "spaces": (["1 234,56", "12"], [1234.56, 12]),
    "spaces that do not break": (["1\N{NO-BREAK SPACE}234,5", "\N{MINUS SIGN}7,1"], [1234.5, -7.1]),
    "apostrophes": (["1'234.56", "999"], [1234.56, 999]),
    "a point that one value decides": (["1.234", "12.5"], [1.234, 12.5]),
    "a zero before three decimals": (["0.234", "1.250"], [0.234, 1.25]),
    "lakhs and crores": (["₹1,23,456.00", "₹12,34,567", "999", "10,00,00,000.5"], [123456, 1234567, 999, 1e8 + 0.5]),
    "currency": (["$1,200.50", "-$3", "4 USD"], [1200.5, -3, 4]),
    "per cent": (["10.5 %", "3%"], [10.5, 3]),
    "missing in words": (["1", "?", "NA", "N/A", "null", "NULL", "None", "nan", "-", " ", None], [1, *[NAN] * 10]),
    "missing in the words of programs": (["1", ".", "\\N", "(null)", "#DIV/0!", "#VALUE!", "#REF!"], [1, *[NAN] * 6]),
    "too large to be scaled": (["1", "1e308", "-1e31"], [1, NAN, NAN]),
    "infinite": (["1", "inf", "-Infinity"], [1, NAN, NAN]),
    "booleans": ([True, False, None], [1, 0, NAN]),
    "integers and floats": ([1, 2.5, None], [1, 2.5, NAN]),
}


@pytest.mark.parametrize(("values", "expected"), NUMBERS.values(), ids=NUMBERS.keys())
def test_as_numbers_reads_every_spelling(values, expected):
    numbers = as_numbers(pd.Series(values))
    assert numbers.dtype == np.float64
    np.testing.assert_array_equal(numbers, expected)


def test_as_numbers_takes_the_given_decimal_sign_only_where_the_column_leaves_it_open():
    ambiguous, clear = pd.Series(["1.234", "5.678"]), pd.Series(["1.234", "5.67"])
    assert as_numbers(ambiguous).tolist() == [1.234, 5.678]
    assert as_numbers(ambiguous, decimal=",").tolist() == [1234, 5678]
    assert as_numbers(clear, decimal=",").tolist() == [1.234, 5.67]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["1", "x7", "2", "y"], "Column 'size', rows 2, 4: 'x7' is not a number"),
        (["1,5", "2,5", "x"], "Column 'size', row 3: 'x' is not a number"),
        (["1.5", "2,5"], "is not a number"),
        (["$1.5", "2 JPY", "€3", "4"], "has amounts in EUR and JPY and USD; convert them to one currency, or"),
        (["1", "١٢"], "row 2: '١٢' is not a number"),
    ],
)
def test_as_numbers_names_the_rows_that_are_not_numbers(values, words):
    with pytest.raises(DataError, match=words):
        as_numbers(pd.Series(values, name="size"))


DATES = {
    "ISO": (["2024-02-13", "2024-12-01"], ["2024-02-13", "2024-12-01"]),
    "ISO with times": (["2024-02-13T10:30:00.25", "2024-02-13 7:05"], ["2024-02-13 10:30:00.25", "2024-02-13 07:05"]),
    "zones": (["2024-02-13 12:00:00+02:00", "2024-02-13T12:00:00Z"], ["2024-02-13 10:00", "2024-02-13 12:00"]),
    "day first": (["13/02/2024", "01/02/2024"], ["2024-02-13", "2024-02-01"]),
    "month first": (["02/13/2024", "02/01/2024"], ["2024-02-13", "2024-02-01"]),
    "points": (["1.2.2024", "3.4.24"], ["2024-02-01", "2024-04-03"]),
    "first days of months": (["01/02/2024", "01/03/2024"], ["2024-02-01", "2024-03-01"]),
    "first days of months, month first": (["02/01/2024", "03/01/2024"], ["2024-02-01", "2024-03-01"]),
    "midnight and noon": (["2/13/24 12:00 AM", "2/13/24 12:30 pm"], ["2024-02-13", "2024-02-13 12:30"]),
    "names": (["13 Feb 2024", "1-March-1999"], ["2024-02-13", "1999-03-01"]),
    "names first": (["Feb 13, 2024", "May 1, 2024"], ["2024-02-13", "2024-05-01"]),
    "SAS": (["01JAN2024:10:30:00", "13Feb2024:07:05:09.5"], ["2024-01-01 10:30", "2024-02-13 07:05:09.5"]),
    "Oracle": (
        ["05-JAN-24 10.30.00.000000 AM", "13-FEB-24 01.05.09.250000 PM"],
        ["2024-01-05 10:30", "2024-02-13 13:05:09.25"],
    ),
    "Apache": (
        ["01/Jan/2024:10:30:00 +0100", "13/Feb/2024:07:05:09 +0000"],
        ["2024-01-01 9:30", "2024-02-13 07:05:09"],
    ),
    "a clock with a point": (["13.2.2024 7.05", "1.2.2024 23.30"], ["2024-02-13 07:05", "2024-02-01 23:30"]),
    "months": (["Dec-2011", "Jan-2010"], ["2011-12-01", "2010-01-01"]),
    "months with the year first": (["2011-12", "2010-01"], ["2011-12-01", "2010-01-01"]),
    "digits": (["20240213", "19991231"], ["2024-02-13", "1999-12-31"]),
    "numbers of digits": ([20240213, 19991231], ["2024-02-13", "1999-12-31"]),
    "numbers of digits and an open end": ([20240213, 99991231, 0, NAN], ["2024-02-13", None, None, None]),
    "numbers of hours": ([2024021300, 2024021323], ["2024-02-13 00:00", "2024-02-13 23:00"]),
    "numbers of minutes": ([202402131030, 199912312359], ["2024-02-13 10:30", "1999-12-31 23:59"]),
    "numbers of seconds": ([20240213103015, 20240213000000], ["2024-02-13 10:30:15", "2024-02-13"]),
    "texts of seconds": (["20240213103015", "20240213T103015Z"], ["2024-02-13 10:30:15"] * 2),
    "numbers with the year last": ([31122024, 1012024], [None, None]),
    "epoch seconds": ([1_700_000_000, 1_700_000_060.5], ["2023-11-14 22:13:20", "2023-11-14 22:14:20.5"]),
    "epoch milliseconds": ([1_700_000_000_000, 0], ["2023-11-14 22:13:20", "1970-01-01"]),
    "numbers beyond any time": ([1_707_782_400, 1e30, -1e25, np.inf, 9.3e18], ["2024-02-13", None, None, None, None]),
    "seconds beyond the years that can be held": ([1_707_782_400, 2e10], ["2024-02-13", None]),
    "nothing but numbers beyond any time": ([1e30, None], [None, None]),
    "gaps": (["2024-02-13", "", None, "NA"], ["2024-02-13", None, None, None]),
    "a typing error among days first": (["13/02/2024", "01/02/2024", "31/13/1990"], ["2024-02-13", "2024-02-01", None]),
    "no day in either order": (["13/02/2024", "01/02/2024", "30/02/2024"], ["2024-02-13", "2024-02-01", None]),
    "no day of a month first": (["02/13/2024", "02/01/2024", "02/30/2024"], ["2024-02-13", "2024-02-01", None]),
    "zeros": (["2024-02-13", "0000-00-00", "2024-00-00"], ["2024-02-13", None, None]),
    "days that do not exist, and an open end": (["2024-02-13", "2024-02-30", "9999-12-31"], ["2024-02-13", None, None]),
}


@pytest.mark.parametrize(("values", "expected"), DATES.values(), ids=DATES.keys())
def test_as_dates_reads_every_spelling(values, expected):
    dates = as_dates(pd.Series(values))
    assert dates.dtype == "datetime64[ns]"
    assert dates.tolist() == [pd.Timestamp(value) for value in expected]


def test_as_dates_reads_repeated_days_and_gaps_as_single_ones():
    days = ["13/02/2024", None, "30/02/2024", "01/03/2024"]
    once, often = as_dates(pd.Series(days)), as_dates(pd.Series(days * 5))
    assert once.isna().tolist() == [False, True, True, False]
    pd.testing.assert_series_equal(often, pd.concat([once] * 5, ignore_index=True))


def test_as_dates_converts_times_with_a_zone_to_utc():
    moments = pd.Series(pd.to_datetime(["2024-07-01 12:00"])).dt.tz_localize("Europe/Vienna")
    assert as_dates(moments).tolist() == [pd.Timestamp("2024-07-01 10:00")]
    assert as_dates(moments.astype("datetime64[s, Europe/Vienna]")).dtype == "datetime64[ns]"


SHORT_YEARS = {
    "year first": (["23-03-01", "23-11-24", "24-08-23"], None),
    "year first, only reading": (["99-12-31"], None),
    "year last": (["01-03-23", "24-11-23", "23-08-24"], ["2023-03-01", "2023-11-24", "2024-08-23"]),
    "month first": (["03/01/23", "11/24/23", "08/23/24"], ["2023-03-01", "2023-11-24", "2024-08-23"]),
    "births": (["01.03.45", "24.11.62", "23.08.99"], ["2045-03-01", "2062-11-24", "1999-08-23"]),
    "either": (["23-01-24", "23-05-24"], ["2024-01-23", "2024-05-23"]),
}


@pytest.mark.parametrize(("days", "expected"), SHORT_YEARS.values(), ids=SHORT_YEARS.keys())
def test_as_dates_refuses_two_digits_of_a_year_that_seem_to_come_first(days, expected):
    if expected is None:
        with pytest.raises(DataError, match=f"such as '{days[0]}', whose two digits of the year seem to be the first"):
            as_dates(pd.Series(days))
    else:
        assert as_dates(pd.Series(days)).dt.strftime("%Y-%m-%d").tolist() == expected


def test_as_dates_takes_the_given_order_only_where_the_column_leaves_it_open():
    assert as_dates(pd.Series(["03/02/2024", "05/06/2024"]), day_first=False).dt.month.tolist() == [3, 5]
    assert as_dates(pd.Series(["03/02/2024", "05/06/2024"]), day_first=True).dt.month.tolist() == [2, 6]
    assert as_dates(pd.Series(["03/02/2024", "25/06/2024"]), day_first=False).dt.month.tolist() == [2, 6]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["2024-01-01", "soon", "2024"], "rows 2, 3: 'soon' is not a date written like '2024-01-01'"),
        (["soon"], "row 1: 'soon' is not a date; write"),
        (
            ["01.11.10", "62.01.00", "47.11.40"],
            "rows 2, 3: '62.01.00' is not a valid date; correct it, or name the column among",
        ),
        (["13/02/2024", "02/13/2024"], "dates with the day first and others with the month first"),
        (
            ["02/13/2024", "02/14/2024", "27/10/2024"],
            r"with the month first \(as '27/10/2024' in row 3\); write all of",
        ),
        (["2010-11", "2011-12"], "rows 1, 2: '2010-11' is not a date"),  # seasons
        (["2024-13", "4711-08"], "rows 1, 2: '2024-13' is not a date"),
        (["a\x00b"], r"row 1: 'a\\x00b' is not a date"),
    ],
)
def test_as_dates_names_what_is_not_a_date(values, words):
    with pytest.raises(DataError, match=f"Column 'opened'.*{words}"):
        as_dates(pd.Series(values, name="opened"))


def test_typed_refuses_numbers_of_days_whose_order_is_open():
    days = pd.DataFrame({"billed": [31122024, 1012024, 15062024]})
    with pytest.raises(DataError, match="Column 'billed' holds numbers such as 31122024, which leave open whether"):
        typed(days, dates=("billed",))
    assert typed(days, numeric=("billed",))["billed"].tolist() == [31122024, 1012024, 15062024]


def test_as_categories_are_sorted_stripped_texts():
    categories = as_categories(pd.Series([" b", "a", "b ", None, "?"]))
    assert categories.cat.categories.tolist() == ["a", "b"]
    assert categories.cat.codes.tolist() == [1, 0, 1, -1, -1]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pd.Series([10, 1]), ["10", "1"]),
        (pd.Series([10.0, 1.0, NAN]), ["10", "1", None]),
        (pd.Series([1.5, 2]), ["1.5", "2"]),
        (pd.Series([10, None, 1], dtype="Int64"), ["10", None, "1"]),
        (pd.Series([True, False]), ["True", "False"]),
        (pd.Series([True, None], dtype=object), ["True", None]),
        (pd.Series([2, 1, None]).astype("category"), ["2", "1", None]),
        (pd.Series(["007", "7"]), ["007", "7"]),
        (pd.Series([b"ab", b"c"]), ["ab", "c"]),
        (pd.Series([[1, 2], [3]]), ["[1, 2]", "[3]"]),
        (pd.Series([None, None]), [None, None]),
    ],
)
def test_as_categories_write_equal_values_alike_whatever_their_type(column, expected):
    categories = as_categories(column).astype(object)
    assert categories.where(categories.notna(), None).tolist() == expected


def test_typed_gives_each_column_the_type_of_its_kind_and_leaves_out_the_others():
    frame = pd.DataFrame({"d": ["2024-02-13"], "c": [7.0], "n": ["1,5"], "id": ["x"]}, index=[3])
    result = typed(frame, numeric=("n",), categorical=("c",), dates=("d",))
    assert result.columns.tolist() == ["d", "c", "n"] and result.index.tolist() == [3]
    assert result.dtypes.astype(str).tolist() == ["datetime64[ns]", "category", "float64"]
    assert result.iloc[0].tolist() == [pd.Timestamp("2024-02-13"), "7", 1.5]
