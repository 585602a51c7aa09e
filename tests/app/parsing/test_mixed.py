"""Rows of a mixed table: gaps, unseen categories, dates in any spelling, and errors of their row only."""

import gzip
import io
import json

import numpy as np
import pandas as pd
import pytest

from app.parsing.delimited import MAX_UNPACKED, read_csv
from app.parsing.mixed import read_cells, read_rows
from app.parsing.mixed_bodies import read_mixed_csv, read_mixed_json, read_mixed_table
from app.parsing.records import MAX_ROWS, BodyError
from tests import small_mixed
from tests.small_app import as_workbook
from utils.serving.raw_columns import RawColumn, encode_rows

RAW = small_mixed.fit("lr").raw
NAMES = [column.name for column in RAW]
NUMBER, SHOP = RawColumn("sum", "number"), RawColumn("shop", "category", categories=("a", "b"))
DAY = RawColumn("day", "date", day_first=True)
FEBRUARY = pd.Timestamp("2024-02-13").timestamp()
ROW = {
    "when": "2024-01-31T10:00:00",
    "balance": 20.5,
    "points": 0,
    "urgent": 1,
    "merchant": "shop 1",
    "channel": "chip",
    "opened": "2020-02-13",
}


def read(column, *cells, source="json"):
    return read_cells(column, pd.Series(list(cells), dtype=object), source)


@pytest.mark.parametrize("gap", [None, "", " ", "NA", "?", float("nan")])
def test_read_cells_takes_what_is_missing_for_a_gap(gap):
    for column in (NUMBER, SHOP, DAY):
        cells = read(column, gap)
        assert np.isnan(cells.values).all()
        assert (cells.problems, cells.unseen) == ({}, {})


def test_read_cells_of_numbers_names_each_problem():
    cells = read(NUMBER, 1.5, True, "2", [1], 1e40)
    np.testing.assert_array_equal(cells.values, [1.5, 1, np.nan, np.nan, np.nan])
    assert cells.problems == {2: "is text and not a number", 3: "is not a number", 4: "is too large"}


def test_read_cells_of_numbers_follows_the_source():
    assert read(NUMBER, "1,5", source="form").values.tolist() == [1.5]
    cells = read(NUMBER, "1,5", "2,25", "much", source="file")
    np.testing.assert_array_equal(cells.values, [1.5, 2.25, np.nan])
    assert cells.problems == {2: "is not a number"}
    assert read(NUMBER, "5 %", "2,5%", "much", source="file").values[:2].tolist() == [5, 2.5]


@pytest.mark.parametrize("other", ["4", "x"])
def test_read_mixed_table_takes_infinite_numbers_for_missing_whatever_the_other_cells_are(other):
    columns = [NUMBER, RawColumn("points", "number")]
    table = read_mixed_table(f"sum,points\ninf,1\n-inf,1\n3,1\n{other},1\n".encode(), columns, "")
    np.testing.assert_array_equal(table.values[:3, 0], [np.nan, np.nan, 3])
    assert list(table.errors) == [4] * (other == "x")
    assert table.readings == ["Column 'sum': 2 infinite values are read as missing."]
    of_parquet = read_mixed_table(parquet_of(sum=[np.inf, -np.inf, 3.0], points=[1, 1, 1]), columns, "")
    np.testing.assert_array_equal(of_parquet.values[:, 0], [np.nan, np.nan, 3])
    assert of_parquet.readings == table.readings


@pytest.mark.parametrize(("values", "others"), [((0.0, 1.0), ["1", "soon"]), ((0.0, 1.0), []), ((1.0,), [])])
def test_read_mixed_table_reads_truth_values_where_the_study_has_0_and_1(values, others):
    columns = [RawColumn("urgent", "number", values=values), SHOP]
    rows = "".join(f"{cell},a\n" for cell in ["True", "FALSE", *others])
    table = read_mixed_table(f"urgent,shop\n{rows}".encode(), columns, "")
    assert table.values[:2, 0].tolist() == [1, 0]
    assert list(table.errors) == [row for row, cell in enumerate(others, 3) if cell == "soon"]


def test_read_mixed_table_reads_no_truth_values_where_the_study_has_other_numbers():
    columns = [RawColumn("points", "number", values=(1.0, 2.0)), SHOP]
    assert list(read_mixed_table(b"points,shop\nTrue,a\n1,a\n", columns, "").errors) == [1]


@pytest.mark.parametrize("rows", [1, 3])
def test_read_mixed_table_reads_an_open_number_as_the_study_does(rows):
    columns = [RawColumn("sum", "number", decimal=","), RawColumn("points", "number", decimal="."), SHOP]
    text = "sum;points;shop\n" + "1.234;5,678;a\n" * rows
    table = read_mixed_table(text.encode(), columns, "")
    assert table.values.tolist() == [[1234, 5678, 0]] * rows and not table.errors
    clear = read_mixed_table(b"sum;points;shop\n1.5;2,5;a\n", columns, "")
    assert clear.values.tolist() == [[1.5, 2.5, 0]]
    mixed = read(columns[0], "1.234", "much", source="file")
    assert mixed.values[0] == 1234 and list(mixed.problems) == [1]


AS_OTHERS = "Column 'sum': '1.234' is read as 1234, as in other columns."
AS_SEPARATOR = "Column 'sum': '1.234' is read as 1234, as is usual where ';' separates cells."


@pytest.mark.parametrize("wrong", [[], ["abc"], ["12:30", "soon"], ["007"]])
@pytest.mark.parametrize(
    ("sums", "others", "expected", "readings"),
    [
        (["1.234", "2.500"], "0,5", [1234, 2500], [AS_OTHERS]),
        (["1.234", "2.500"], "5", [1234, 2500], [AS_SEPARATOR]),
        (["1.234", "2,5"], "0,5", [1234, 2.5], []),
        (["1.234", "2.5"], "0,5", [1.234, 2.5], []),
    ],
)
def test_read_mixed_table_reads_numbers_alike_if_other_cells_are_none(sums, others, expected, readings, wrong):
    rows = "".join(f"{cell};{others}\n" for cell in [*sums, *wrong])
    columns = [NUMBER, RawColumn("points", "number")]
    table = read_mixed_table(f"sum;points\n{rows}".encode(), columns, "")
    assert table.values[: len(sums), 0].tolist() == expected and table.readings == readings
    assert list(table.errors) == [row for row, cell in enumerate([*sums, *wrong], 1) if cell in wrong and cell != "007"]
    batch = read_mixed_csv(f"sum;points\n{rows}".encode(), columns)
    assert [batch.notes.get(row, []) for row in batch.values] == [readings] * len(batch.values)


@pytest.mark.parametrize(
    ("unit", "cells", "values", "problems"),
    [
        (None, ["0.5%", "1%"], {}, {1: "%", 2: "%"}),
        (None, ["0.5\N{NO-BREAK SPACE}%", "\N{MINUS SIGN}1 %"], {}, {1: "%", 2: "%"}),
        (None, ["$20", "3 USD"], {1: 20, 2: 3}, {}),
        ("EUR", ["€20", "3.5 EUR", "4"], {1: 20, 2: 3.5, 3: 4}, {}),
        ("EUR", ["$20", "30 USD"], {}, {1: "USD", 2: "USD"}),
        ("JPY", ["20000 JPY", "¥5"], {1: 20000, 2: 5}, {}),
        ("%", ["5 %", "7%"], {1: 5, 2: 7}, {}),
        ("%", ["5", "7"], {1: 5, 2: 7}, {}),
        ("%", ["€5", "7"], {2: 7}, {1: "EUR"}),
        ("%", ["5%", "7"], {1: 5, 2: 7}, {}),
        ("%", ["5,5 %", "(7%)", "8", "9,5\N{NO-BREAK SPACE}%"], {1: 5.5, 2: -7, 3: 8, 4: 9.5}, {}),
        ("%", ["5%", "$7", "€8", "9"], {1: 5, 4: 9}, {2: "USD", 3: "EUR"}),
        ("EUR", ["€5", "7%", "8"], {1: 5, 3: 8}, {2: "%"}),
        ("EUR", ["€5", "$7", "8", "9 EUR"], {1: 5, 3: 8, 4: 9}, {2: "USD"}),
        ("EUR", ["(€5)", "-€6", "7- €", "$8"], {1: -5, 2: -6, 3: -7}, {4: "USD"}),
        ("USD", ["1.234,50 $", "2 USD", "3 CHF", "4"], {1: 1234.5, 2: 2, 4: 4}, {3: "CHF"}),
        (None, ["$20", "3%", "4"], {1: 20, 3: 4}, {2: "%"}),
        (None, ["$20", "€3", "4"], {3: 4}, {1: "USD", 2: "EUR"}),
    ],
)
def test_read_mixed_table_refuses_the_rows_of_numbers_in_another_unit(unit, cells, values, problems):
    column = RawColumn("sum", "number", unit=unit)
    known = f"are in {unit}" if unit else "have none"
    reasons = {row: f"sum has '{other}', and the study's numbers {known}" for row, other in problems.items()}
    rows = [f"{cell}\ta\n" for cell in cells]
    for content in (f"sum\tshop\n{''.join(rows)}".encode(), parquet_of(sum=cells, shop=["a"] * len(cells))):
        table = read_mixed_table(content, [column, SHOP], "")
        assert {row: reason for row, (_, reason) in table.errors.items()} == reasons
        good = [row for row in range(1, len(cells) + 1) if row not in reasons]
        assert {row: table.values[row - 1, 0] for row in good} == values


@pytest.mark.parametrize(
    ("unit", "typed", "expected"),
    [
        ("EUR", "€1,234.50", 1234.5),
        ("EUR", "1.234,50 €", 1234.5),
        ("EUR", "1234,5", 1234.5),
        ("EUR", "-€6", -6),
        ("EUR", "(€6)", -6),
        ("EUR", "$5", "has 'USD', and the study's numbers are in EUR"),
        ("EUR", "5 %", "has '%', and the study's numbers are in EUR"),
        ("%", " 5,5 % ", 5.5),
        ("%", "5", 5),
        (None, "$20", 20),
        (None, "5%", "has '%', and the study's numbers have none"),
        ("EUR", "€1,234", "can be 1.234 or 1234; write it with a decimal point, or without the comma"),
        ("EUR", "much €", "is not a number"),
    ],
)
def test_read_cells_takes_the_unit_of_the_study_where_a_person_types_it(unit, typed, expected):
    """As a row that is pasted from the study's own spreadsheet has it."""
    cells = read(RawColumn("sum", "number", unit=unit), typed, source="form")
    problem = expected if isinstance(expected, str) else None
    assert cells.problems.get(0) == problem
    np.testing.assert_array_equal(cells.values, [np.nan if problem else expected])


@pytest.mark.parametrize("wrong", [[], ["abc"], ["n/a USD"]])
@pytest.mark.parametrize(
    ("unit", "cells", "expected"),
    [
        ("%", ["1.234 %", "2,5"], [1234, 2.5]),
        ("%", ["1.234", "2.5%"], [1.234, 2.5]),
        ("EUR", ["1.234 €", "2,5"], [1234, 2.5]),
    ],
)
def test_read_mixed_table_reads_decimal_signs_of_numbers_with_and_without_unit(unit, cells, expected, wrong):
    columns = [RawColumn("sum", "number", unit=unit), SHOP]
    rows = "".join(f"{cell}\ta\n" for cell in [*cells, *wrong])
    table = read_mixed_table(f"sum\tshop\n{rows}".encode(), columns, "")
    assert table.values[: len(cells), 0].tolist() == expected
    assert list(table.errors) == list(range(len(cells) + 1, len(cells) + len(wrong) + 1))


def test_read_cells_of_categories_keeps_the_text_of_an_unseen_one():
    cells = read(SHOP, "b", " a ", "c", 7.0, {"a": 1})
    np.testing.assert_array_equal(cells.values, [1, 0, 2, 2, np.nan])
    assert cells.unseen == {2: "c", 3: "7"}
    assert cells.problems == {4: "is neither text nor a number"}


VERSIONS = ("05", "1.1", "1.10", "10%", "12E5", "2.0b", "20%")
GRADES = ("1", "2", "2.5")


def named(categories, cells, body):
    """The categories that each cell is read as, and the note on those that are unseen."""
    column = RawColumn("shop", "category", categories)
    batch = body([column, NUMBER], cells)
    assert not batch.errors
    return [column.plain(row[0]) for row in batch.values.values()]


def from_csv(columns, cells):
    return read_mixed_csv("\n".join(["shop,sum", *(f"{cell},1" for cell in cells)]).encode(), columns)


def from_json(columns, cells):
    return read_mixed_json(json.dumps([{"shop": cell, "sum": 1} for cell in cells]).encode(), columns)


@pytest.mark.parametrize("body", [from_csv, from_json])
@pytest.mark.parametrize("others", [[], ["2.0b"], ["unknown"], ["1"], ["true"]])
@pytest.mark.parametrize(
    ("categories", "cells", "expected"),
    [
        (VERSIONS, VERSIONS, VERSIONS),
        (VERSIONS, ["1.100", "5", "1200000", "10", "10 %"], [None] * 5),
        (
            GRADES,
            ["1.0", "2", "2.50", "1e0", "2.5%", "01", "1.10", "+2"],
            ["1", "2", "2.5", "1", "2.5", None, None, "2"],
        ),
        ((*GRADES, "unknown"), ["1.0", "2.0"], ["1", "2"]),
        (("1", "1.234", "1000", "1234"), ["1.000", "1000.0"], [None, "1000"]),
        (("9007199254740992", "1"), ["9007199254740993"], [None]),
        (("false", "true"), ["True", "FALSE", "true"], ["true", "false", "true"]),
        (("False", "True"), ["true", "FALSE", "t"], ["True", "False", None]),
        (("True", "true"), ["TRUE", "true"], [None, "true"]),
    ],
)
def test_a_category_means_the_same_whatever_the_other_cells_are(categories, cells, expected, others, body):
    read = named(categories, [*cells, *others], body)[: len(cells)]
    assert read == [text or RawColumn("shop", "category", categories).unseen_text for text in expected]


@pytest.mark.parametrize("categories", [("false", "true"), ("False", "True"), ("FALSE", "TRUE")])
def test_truth_values_of_any_source_are_those_of_the_vocabulary(categories):
    column, expected = RawColumn("shop", "category", categories), [1, 0]
    bodies = [from_json([column, NUMBER], [True, False]), from_csv([column, NUMBER], [True, False])]
    for batch in bodies:
        assert [row[0] for row in batch.values.values()] == expected and not batch.notes
    table = read_mixed_table(parquet_of(shop=[True, False], sum=[1, 1]), [column, NUMBER], "")
    assert table.values[:, 0].tolist() == expected and not table.notes


def test_numbers_of_any_type_are_those_of_the_vocabulary():
    column = RawColumn("shop", "category", GRADES)
    assert [row[0] for row in from_json([column, NUMBER], [1, 1.0, 2.5]).values.values()] == [0, 0, 2]
    table = read_mixed_table(parquet_of(shop=[1.0, None, 2.5], sum=[1, 1, 1]), [column, NUMBER], "")
    np.testing.assert_array_equal(table.values[:, 0], [0, np.nan, 2])
    german = read_mixed_table(b"shop;sum\n1,0;1\n2,5;1\nx;1\n", [column, NUMBER], "")
    assert german.values[:, 0].tolist() == [0, 2, 3]


@pytest.mark.parametrize("spelling", ["2024-02-13", "13/02/2024", "13.02.2024", "20240213", "13 Feb 2024", 1707782400])
def test_read_cells_of_dates_takes_common_spellings(spelling):
    assert read(DAY, spelling).values.tolist() == [FEBRUARY]


def test_read_cells_of_dates_reads_clocks_zones_and_fractions_as_training_does():
    texts = ["2024-02-13 10:11:12.123456", "2024-02-13T10:11:12+02:00", "2024-02-13 10:11Z", "2024-02-30", "1500-01-01"]
    cells = read(DAY, *texts)
    np.testing.assert_array_equal(cells.values[:3], DAY.encode(pd.Series(texts[:3], dtype=object)))
    assert cells.problems == dict.fromkeys((3, 4), "is not a date, such as 2024-02-13")


@pytest.mark.parametrize("number", [1e30, -1e30, 10**40, 10**400, float("inf"), 9.3e18])
def test_read_cells_of_dates_refuses_a_number_beyond_any_time_alone(number):
    cells = read(DAY, 1707782400, number)
    assert (cells.values[0], list(cells.problems)) == (FEBRUARY, [1])


@pytest.mark.parametrize("text", ["1e30", "9" * 25, "-" + "9" * 25])
def test_read_mixed_table_refuses_the_row_of_a_number_beyond_any_time_alone(text):
    table = read_mixed_table(f"day,shop\n1707782400,a\n{text},a\n".encode(), [DAY, SHOP], "")
    assert (table.values[0, 0], list(table.errors)) == (FEBRUARY, [2])


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (pd.to_timedelta([90, None], unit="s"), [90, np.nan]),
        (pd.array([True, None, False], dtype="boolean"), [1, np.nan, 0]),
        ([True, False], [1, 0]),
        (pd.Categorical(["1.5", None]), [1.5, np.nan]),
        (pd.Categorical([1.5, None]), [1.5, np.nan]),
    ],
)
def test_read_mixed_table_reads_numbers_of_any_type_as_training_does(cells, expected):
    column = pd.Series(cells)
    np.testing.assert_array_equal(NUMBER.encode(column), expected)
    table = read_mixed_table(parquet_of(sum=column, shop=["a"] * len(column)), [NUMBER, SHOP], "")
    np.testing.assert_array_equal(table.values[:, 0], expected)
    assert not table.errors


def test_read_cells_of_dates_takes_the_order_of_day_and_month_from_training():
    third_of_april = pd.Timestamp("2024-04-03").timestamp()
    assert read(DAY, "03/04/2024").values.tolist() == [third_of_april]
    american = RawColumn("day", "date", day_first=False)
    assert read(american, "04/03/2024").values.tolist() == [third_of_april]
    cells = read(DAY, "03/04/2024", "02/13/2024", "soon", True)
    assert cells.values[0] == third_of_april
    assert cells.problems == dict.fromkeys((1, 2, 3), "is not a date, such as 2024-02-13")


MOMENT = 1741874134  # 13 March 2025, 13:55:34
MARCH, LATE_AUGUST = pd.Timestamp("2025-03-13").timestamp(), 20250313
OPEN_ORDER = "can have the day or the month first; write it as 2024-02-13"
OPEN_NUMBER = "can be a day or a time since 1970; write a day as 2024-02-13, and a time as a number"
NO_DATE = "is not a date, such as 2024-02-13"
WRITTEN = {  # how a study's file writes its dates, and what cells then mean: in JSON, and in a file if that differs
    "s": [
        (MOMENT, MOMENT),
        (str(MOMENT), MOMENT),
        (1741874134.5, 1741874134.5),
        (MOMENT * 1000, NO_DATE),
        (20250313, LATE_AUGUST),
        ("20250313", OPEN_NUMBER, LATE_AUGUST),
        ("2025-03-13", MARCH),
        (0, 0),
    ],
    "ms": [
        (MOMENT * 1000, MOMENT),
        (str(MOMENT * 1000), MOMENT),
        (MOMENT, 1741874.134),
        ("20250313", OPEN_NUMBER, 20250.313),
    ],
    "us": [(MOMENT * 10**6, MOMENT), (MOMENT * 10**3, 1741874.134)],
    "ns": [(MOMENT * 10**9, MOMENT), (str(MOMENT * 10**9), MOMENT)],
    "digits": [(20250313, MARCH), ("20250313", MARCH), (20250230, NO_DATE), (MOMENT, NO_DATE), ("13 Mar 2025", MARCH)],
    None: [
        (MOMENT, MOMENT),
        (MOMENT * 1000, MOMENT),
        (str(MOMENT), MOMENT),
        (20250313, MARCH),
        ("20250313", MARCH),
        (20250230, NO_DATE),
        (19700101.5, NO_DATE),
        (99999999, NO_DATE),
        (45729, NO_DATE),
        ("2025", NO_DATE),
        ("03/04/2025", OPEN_ORDER, pd.Timestamp("2025-04-03").timestamp()),
        ("13/03/2025", MARCH),
        ("03/13/2025", MARCH, NO_DATE),
        ("13.03.25", MARCH),
        ("soon", NO_DATE),
    ],
}
RANGE = {"minimum": 1.6e9, "maximum": 1.8e9}


@pytest.mark.parametrize("source", ["json", "form", "file"])
@pytest.mark.parametrize("unit", WRITTEN)
def test_read_cells_reads_a_date_as_the_study_wrote_it_whatever_the_other_cells_are(unit, source):
    column = RawColumn("day", "time", unit=unit, **RANGE)
    cells = [cell for cell, *_ in WRITTEN[unit]]
    expected = [readings[-1 if source == "file" else 0] for _, *readings in WRITTEN[unit]]
    for others in ([], ["soon"], [20240101, MOMENT], [MOMENT * 1000], ["2024-02-13 10:00", "13 Feb 2024"]):
        read_together = read(column, *cells, *others, source=source)
        values = [read_together.problems.get(position, value) for position, value in enumerate(read_together.values)]
        assert values[: len(cells)] == expected


@pytest.mark.parametrize("others", [[], ["x"], ["1e30"], ["20240101"], ["1741874134000"], ["13.02.2024"]])
def test_read_mixed_table_scores_a_time_that_counts_seconds_whatever_the_other_rows_are(others):
    rows = "".join(f"{cell},a\n" for cell in [str(MOMENT), f"{MOMENT}.5", *others])
    for unit in ("s", None):
        table = read_mixed_table(f"day,shop\n{rows}".encode(), [RawColumn("day", "time", unit=unit), SHOP], "")
        assert table.values[:2, 0].tolist() == [MOMENT, MOMENT + 0.5] and len(table.errors) <= len(others)


AMERICAN = (
    "Column 'day': '02/03/2024' is read with the month first, as '02/13/2024' must be; the study has the day first."
)
ASSUMED = (
    "Column 'day': '02/03/2024' is read with the day first, as no date of the file tells; write dates as 2024-02-13."
)


@pytest.mark.parametrize(
    ("day_first", "texts", "days", "notes"),
    [
        (True, ["02/03/2024", "02/13/2024", "12/25/2024", "soon"], ["02-03", "02-13", "12-25", None], [AMERICAN]),
        (True, ["02/03/2024", "13/02/2024", "12/25/2024"], ["03-02", "02-13", None], []),
        (True, ["02/03/2024", "soon", ""], ["03-02", None, None], []),
        (True, ["02/13/2024"], ["02-13"], []),
        (False, ["02/03/2024", "02/13/2024"], ["02-03", "02-13"], []),
        (None, ["02/03/2024", "02/13/2024", "soon"], ["02-03", "02-13", None], []),
        (None, ["02/03/2024", "13/02/2024", "14-02-2024", "02/13/2024"], ["03-02", "02-13", "02-14", None], []),
        (None, ["02/03/2024", "04/05/2024"], ["03-02", "05-04"], [ASSUMED]),
        (None, ["13.02.2024", "2024-02-14", "02/02/2024"], ["02-13", "02-14", "02-02"], []),
    ],
)
def test_read_mixed_table_takes_the_order_of_day_and_month_from_the_readable_dates_of_the_file(
    day_first, texts, days, notes
):
    rows = "".join(f"{text},a\n" for text in texts)
    table = read_mixed_table(f"day,shop\n{rows}".encode(), [RawColumn("day", "date", day_first=day_first), SHOP], "")
    expected = [pd.Timestamp(f"2024-{day}").timestamp() if day else np.nan for day in days]
    np.testing.assert_array_equal(table.values[:, 0], expected)
    assert table.readings == notes
    read_parquet = read_mixed_table(
        parquet_of(day=texts, shop=["a"] * len(texts)), [RawColumn("day", "date", day_first=day_first), SHOP], ""
    )
    np.testing.assert_array_equal(read_parquet.values, table.values)
    assert read_parquet.readings == notes


@pytest.mark.parametrize(
    "cells",
    [pd.array([True, None], dtype="boolean"), pd.to_timedelta([5, None], unit="s"), pd.Categorical(["soon", None])],
)
def test_read_mixed_table_refuses_what_is_no_date_row_by_row(cells):
    table = read_mixed_table(parquet_of(day=cells, shop=["a", "b"]), [DAY, SHOP], "")
    assert table.errors == {1: (None, f"day {NO_DATE}")}


def test_read_cells_of_a_required_column_refuses_a_gap():
    cells = read(RawColumn("Time", "number", is_required=True), 1, None)
    assert cells.problems == {1: "is empty, and a row without it cannot be scored"}


def test_read_rows_distinguishes_a_missing_column_from_a_gap():
    rows = read_rows([{"sum": None, "shop": "a"}, {"shop": "b"}], [NUMBER, SHOP])
    assert rows.problems == {1: {"sum": "is missing"}}


def test_read_mixed_json_gives_the_values_of_the_encoded_frame():
    values = encode_rows(small_mixed.dataset().frame.iloc[:30], RAW)
    records = [
        {column.name: column.plain(value) for column, value in zip(RAW, row, strict=True)} for row in values.tolist()
    ]
    batch = read_mixed_json(json.dumps(records).encode(), RAW)
    np.testing.assert_array_equal(np.array(list(batch.values.values())), values)
    assert (batch.errors, batch.notes) == ({}, {})


def test_read_mixed_json_notes_unseen_categories_and_rejects_single_rows():
    rows = [ROW, {**ROW, "merchant": "shop 99"}, {**ROW, "opened": "never"}, 5]
    batch = read_mixed_json(json.dumps(rows).encode(), RAW)
    assert list(batch.values) == [1, 2]
    assert batch.notes == {2: ["merchant: 'shop 99' was not seen in training"]}
    assert batch.errors == {3: "opened is not a date, such as 2024-02-13", 4: "is not an object"}
    with pytest.raises(BodyError, match="Columns are missing: opened"):
        read_mixed_json(json.dumps([{name: ROW[name] for name in NAMES[:-1]}]).encode(), RAW)


def test_read_mixed_csv_says_the_line_of_an_error():
    text = (
        ",".join(NAMES)
        + "\n"
        + "\n".join(
            ["2024-01-31 10:00:00,1.5,0,1,shop 1,chip,2020-02-13", "2024-01-31 10:00:00,x,0,1,shop 1,chip,2020-02-13"]
        )
    )
    batch = read_mixed_csv(text.encode(), RAW)
    assert list(batch.values) == [1]
    assert batch.errors == {2: "line 3: balance is not a number"}


def parquet_of(**columns):
    stream = io.BytesIO()
    pd.DataFrame(columns).to_parquet(stream, index=False)
    return stream.getvalue()


UNUSABLE = {
    "a Parquet file": (415, parquet_of(a=[1.0], b=[2.0])),
    "more bytes than a body may unpack to": (413, gzip.compress(b"a,b\n" + b"1,2\n" * (MAX_UNPACKED // 4))),
    "too many rows, of which the last is broken": (413, b"a,b\n" + b"1,2\n" * (MAX_ROWS + 1) + b'"'),
    "too many rows, of which some are ragged": (413, b"a,b\n" + b"1,2\n1\n" * MAX_ROWS + b'"'),
    "too many empty lines": (413, b"a,b\n" + b"\n" * (MAX_ROWS + 1) + b"1,2\n"),
    "no rows": (422, b"a,b\n\n\n"),
    "a missing column": (422, b"a\n1\n"),
    "a column twice": (422, b"a,b,a\n1,2,3\n"),
    "a broken line": (400, b'a,b\n1,2\n"1,2'),
    "no text": (400, b"\x00\x01\x02\x03" * 20),
    "nothing": (400, b""),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_read_mixed_csv_refuses_the_bodies_that_read_csv_does_in_the_same_words(name):
    status, body = UNUSABLE[name]
    names, errors = ["a", "b"], []
    for read, columns in ((read_csv, names), (read_mixed_csv, [RawColumn(name, "number") for name in names])):
        with pytest.raises(BodyError) as caught:
            read(body, columns)
        errors.append((caught.value.status, str(caught.value), caught.value.columns))
    assert errors[0] == errors[1] and errors[0][0] == status


def test_read_mixed_csv_counts_rows_and_not_lines():
    row = b'1,a,"two\nlines"\n'
    batch = read_mixed_csv(b"sum,shop,note\n" + row * (MAX_ROWS // 2 + 1) + b"\n" * MAX_ROWS, [NUMBER, SHOP])
    assert len(batch) == MAX_ROWS // 2 + 1 and batch.values[MAX_ROWS // 2] == [1, 0] and not batch.errors


@pytest.mark.parametrize("row", [b'1,"urgent\n', b'\n1,"urgent\n'])
def test_read_mixed_csv_refuses_an_open_quote_that_swallows_rows(row):
    with pytest.raises(BodyError, match=r"line \d, cannot be read: unexpected end of data; close .* since line \d\."):
        read_mixed_csv(b"sum,shop\n2,a\n" + row + b"1,b\n2,a\n", [NUMBER, SHOP])


def test_read_mixed_table_reads_the_file_of_the_study_as_training_did():
    values = encode_rows(small_mixed.dataset().frame, RAW)
    for separator, decimal in ((",", "."), (";", ",")):
        text = small_mixed.table().astype({"balance": float}).to_csv(index=False, sep=separator, decimal=decimal)
        table = read_mixed_table(text.encode(), RAW, "is_bad")
        np.testing.assert_array_equal(table.values, values)
        assert table.errors == {}
        assert table.label.to_pylist()[:3] == small_mixed.table()["is_bad"].tolist()[:3]
        assert any("balance (" in note and "channel (" in note for note in table.notes)


def test_read_mixed_table_reads_parquet_with_the_tables_own_types():
    values = encode_rows(small_mixed.dataset().frame, RAW)
    stream = io.BytesIO()
    small_mixed.decode_rows(values, RAW).to_parquet(stream)
    table = read_mixed_table(stream.getvalue(), RAW, "is_bad")
    np.testing.assert_array_equal(table.values, values)
    assert (table.errors, table.label) == ({}, None)


def test_read_mixed_table_reads_a_sheet_of_a_workbook():
    frame = small_mixed.table(40)
    rows = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    content = as_workbook([["Of March"]], [[*frame], *rows])
    table, text = (read_mixed_table(body, RAW, "is_bad") for body in (content, frame.to_csv(index=False).encode()))
    np.testing.assert_array_equal(table.values, text.values)
    assert [str(label) for label in table.label.to_pylist()] == text.label.to_pylist()
    assert table.errors == {}
    assert table.readings[0].startswith("Sheet 'Sheet1' was read; the workbook has 2 with values")


def test_read_mixed_table_says_how_numbers_without_a_per_cent_sign_are_taken():
    columns = [RawColumn("rate", "number", unit="%"), SHOP]
    table = read_mixed_table(as_workbook([["rate", "shop"], [5, "a"], [0.075, "b"]]), columns, "")
    assert table.values[:, 0].tolist() == [5, 0.075]
    assert [note for note in table.readings if note.startswith("Column 'rate': 5 is taken as 5%, as in the study;")]
    text = read_mixed_table(b"rate,shop\n5%,a\n7.5 %,b\n", columns, "")
    assert (text.values[:, 0].tolist(), text.readings) == ([5, 7.5], [])


def test_read_mixed_table_says_which_sheet_lacks_columns_and_which_row_is_wrong():
    columns = [RawColumn("rate", "number", decimal=","), SHOP]
    rows = [["rate", "shop"], [1.125, "a"], [], [2.375, "b"], ["soon", "a"]]
    table = read_mixed_table(as_workbook(rows), columns, "")
    np.testing.assert_array_equal(table.values[:2, 0], [1.125, 2.375])
    assert table.errors == {3: (5, "rate is not a number")}
    cover = [["Of March"], ["by the audit"]]
    with pytest.raises(BodyError, match=r"Columns are missing: rate, shop\. Sheet 'Sheet' was read; .*\('Sheet1'\)"):
        read_mixed_table(as_workbook(cover, rows), columns, "")


def test_read_mixed_table_reports_rows_and_notes_unseen_categories():
    frame = small_mixed.table(5)
    frame.loc[1:2, "merchant"] = ["shop 98", "shop 99"]
    frame.loc[3, "opened"] = "soon"
    text = frame.to_csv(index=False) + "too,short\n\n,,,,,,,,\n"
    table = read_mixed_table(text.encode(), RAW, "is_bad")
    assert len(table.values) == 8
    assert table.errors[4] == (5, "opened is not a date, such as 2024-02-13")
    assert table.errors[6] == (7, "has 2 values where the header names 9 columns")
    assert table.errors[7] == (8, "is an empty line")
    assert table.unseen == {2: {"merchant": "shop 98"}, 3: {"merchant": "shop 99"}}
    assert (
        "2 rows were scored with a value of merchant that was not seen in training: 'shop 98', 'shop 99'."
        in table.notes
    )
    assert table.readable.tolist() == [True, True, True, False, True, False, False, True]  # the last one is all gaps


def test_read_mixed_table_notes_the_unseen_categories_of_each_column_in_the_order_of_the_columns():
    colour, shop = (RawColumn(name, "category", categories=("a", "b")) for name in ("colour", "shop"))
    text = "shop,colour\nv,a\nw,a\nx,a\nv,a\ny,red\na,b\n"
    table = read_mixed_table(text.encode(), [colour, shop], "")
    assert table.notes == [
        "1 row was scored with a value of colour that was not seen in training: 'red'.",
        "5 rows were scored with a value of shop that was not seen in training: 'v', 'w', 'x' and 1 more.",
    ]


@pytest.mark.parametrize("wrong", ["much,a,", ",a,soon", ",c,soon", "too few", ""])
def test_read_mixed_table_notes_gaps_and_unseen_categories_only_of_rows_that_were_scored(wrong):
    columns = [NUMBER, SHOP, DAY]
    text = f"sum,shop,day\n{wrong}\n1,a,2024-02-13\n"
    table = read_mixed_table(text.encode(), columns, "")
    assert (list(table.errors), table.notes, table.unseen) == ([1], [], {})
    noted = read_mixed_table(f"{text},b,\n".encode(), columns, "").notes
    assert [note.split(";")[1].split(".")[0] for note in noted] == [" values are missing in sum (1), day (1)"]
