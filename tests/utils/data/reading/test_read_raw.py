"""Anybody's table: dialects of CSV, Parquet and Excel give the same columns."""

import datetime
import gzip
import io
import os
import time
from decimal import Decimal
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.small_app import as_workbook, with_changed_sheet, zipped
from tests.utils.data.reading.test_tables import REFUSED, as_parquet
from utils.data.errors import ColumnError, DataError
from utils.data.reading import line_numbers, read_raw

NAN = np.nan
ROWS = [("1,5", "Käse", "7"), ("-20,25", "Öl; süß", "8"), ("1.234,0", "?", "9")]
EXPECTED = pd.DataFrame({"price": [1.5, -20.25, 1234], "kind": ["Käse", "Öl; süß", None], "count": [7, 8, 9]})


def text_table(separator: str, line_end: str = "\n", decimal: str = ",") -> str:
    """The rows above as text; every cell is in quotes."""
    swap = str.maketrans(",.", ",." if decimal == "," else ".,")
    lines = [("price", "kind", "count"), *((price.translate(swap), kind, count) for price, kind, count in ROWS)]
    return line_end.join(separator.join(f'"{cell}"' for cell in line) for line in lines) + line_end


DIALECTS = {
    "semicolons, decimal comma": text_table(";").encode(),
    "commas, decimal comma": text_table(",").encode(),
    "commas, decimal point": text_table(",", decimal=".").encode(),
    "tabs, Windows": text_table("\t", "\r\n").encode(),
    "bars": text_table("|").encode(),
    "UTF-8 with its mark": text_table(";", "\r\n").encode("utf-8-sig"),
    "UTF-16, tabs": text_table("\t", "\r\n").encode("utf-16"),
    "Windows-1252": text_table(";", "\r\n").encode("cp1252"),
    "gzip": gzip.compress(text_table(";").encode("cp1252"), mtime=0),
    "ZIP": zipped(text_table(";").encode()),
    "Excel's line about the separator": b"sep=;\r\n" + text_table(";").encode(),
    "spaces around cells": 'price ; kind ; count\n 1,5 ; Käse; 7\n-20,25;"Öl; süß" ;8 \n1.234,0; ? ; 9\n'.encode(),
    "empty rows of a spreadsheet at the end": (text_table(";") + ";;\n" * 3).encode(),
    "empty columns without a name": text_table(";").replace("\n", ";;\n").encode(),
}


@pytest.mark.parametrize("content", DIALECTS.values(), ids=DIALECTS.keys())
def test_read_raw_reads_every_dialect_alike(tmp_path, content):
    (tmp_path / "own.csv").write_bytes(content)
    pd.testing.assert_frame_equal(read_raw(tmp_path / "own.csv"), EXPECTED)


def read(tmp_path: Path, text: str, **options) -> pd.DataFrame:
    (tmp_path / "own.csv").write_text(text)
    return read_raw(tmp_path / "own.csv", **options)


@pytest.mark.parametrize("word", ["", "?", "NA", "N/A", "null", "NULL", "None", "nan", "NaN", "-", " NA ", "#N/A"])
def test_read_raw_takes_the_usual_words_for_missing_values(tmp_path, word):
    frame = read(tmp_path, f"a,b,c\n1,x,2.5\n{word},{word},{word}\n3,y,-1\n")
    pd.testing.assert_frame_equal(frame, pd.DataFrame({"a": [1, NAN, 3], "b": ["x", None, "y"], "c": [2.5, NAN, -1]}))


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "2"], [1, 2]),
        (["1", "2.5"], [1, 2.5]),
        (["1", "x"], ["1", "x"]),
        (["007", "12"], ["007", "12"]),
        (["008.45", "250.0"], ["008.45", "250.0"]),
        (["03.2024", "12.2023"], ["03.2024", "12.2023"]),
        (["08,30", "17,15"], ["08,30", "17,15"]),
        (["00.5", "1"], ["00.5", "1"]),
        (["0", "0.5"], [0, 0.5]),
        (["1'234.5", "2"], [1234.5, 2]),
        (["1 234.5", "2"], [1234.5, 2]),
        (["true", "False"], ["true", "False"]),
        (["2024-02-13", "2024-02-14"], ["2024-02-13", "2024-02-14"]),
        (["1", "inf"], [1, NAN]),
        (["", ""], [NAN, NAN]),
        (["CHF 12.50", "-3"], [12.5, -3]),
        (["HKD 12.50", "3 HKD"], [12.5, 3]),
        (["R$ 1.234,50", "7 BRL"], [1234.5, 7]),
        (["12,50 zł", "7 PLN"], [12.5, 7]),
        (["US$ 12.50", "$3", "4 usd"], [12.5, 3, 4]),
        (["12.50 eur", "3 EUR"], [12.5, 3]),
        (["A$5", "US$6"], ["A$5", "US$6"]),
        (["12 kg", "13 kg"], ["12 kg", "13 kg"]),
        (["TOPAZ 12", "3"], ["TOPAZ 12", "3"]),
        (["1,234.50 EUR", "€7", "8"], [1234.5, 7, 8]),
        (["$5", "6 USD", "$7.5 USD"], [5, 6, 7.5]),
        (["1,234.50 EUR", "$7"], ["1,234.50 EUR", "$7"]),
        (["5.00 USD", "6.37 JPY", "7"], ["5.00 USD", "6.37 JPY", "7"]),
        (["$5 CAD", "$6 USD"], ["$5 CAD", "$6 USD"]),
        (["(£5)", "-¥6"], ["(£5)", "-¥6"]),
        (["ABC 12", "3"], ["ABC 12", "3"]),
        (["(12.5)", "12.5"], [-12.5, 12.5]),
        (["($1,234)", "7.50"], [-1234, 7.5]),
        (["12.5-", "12.5"], [-12.5, 12.5]),
        (["10-12", "(a)"], ["10-12", "(a)"]),
        (["9007199254740993", "1"], [9007199254740993, 1]),
    ],
)
def test_read_raw_gives_numbers_only_where_every_value_is_one(tmp_path, cells, values):
    frame = read(tmp_path, "y\ta\n" + "".join(f"0\t{cell}\n" for cell in cells))
    pd.testing.assert_series_equal(frame["a"], pd.Series(values, name="a"))


LONG_CODES = {
    "ICCIDs, beyond int64": [89490200001000000000 + row * 977 for row in range(9)],
    "card numbers, equal as floats": [6011000990139424000 + row for row in range(9)],
    "neighbours beyond 2**53": [9100000000000000 + row for row in range(9)],
    "keys that begin in the range of times": [1000000000000000000 + row for row in range(9)],
}
LONG_NUMBERS = {
    "nanoseconds since 1970": [1700000000123456789 + row * 60_000_000_007 for row in range(9)],
    "microseconds since 1970": [1700000000123457 + row for row in range(9)],
    "units of 100 ns since 1601": [133500000000000001 + row * 36_000_000_007 for row in range(9)],
    "microseconds since 1601": [13350000000000001 + row * 1_000_003 for row in range(9)],
    "counts of any length": [9007199254740993 * 3**row for row in range(9)],
    "multiples of large powers of two": [2**60 + row * 2**10 for row in range(9)],
}


def long_table(tmp_path: Path, numbers: list[int], form: str, *, has_gap: bool) -> pd.DataFrame:
    """Numbers, the last of which may be missing, read from a file."""
    cells = [*map(str, numbers[:-1]), "" if has_gap else str(numbers[-1])]
    if form == "csv":
        return read(tmp_path, "n,y\n" + "".join(f"{cell},0\n" for cell in cells))
    decimals = pa.array([Decimal(cell) if cell else None for cell in cells], pa.decimal128(30, 0))
    column = decimals.cast(pa.int64()) if max(numbers) < 2**63 else decimals
    parquet.write_table(pa.table({"n": column, "y": [0] * len(cells)}), tmp_path / "own.parquet")
    return read_raw(tmp_path / "own.parquet")


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("has_gap", [False, True])
@pytest.mark.parametrize("numbers", LONG_CODES.values(), ids=LONG_CODES.keys())
def test_read_raw_keeps_codes_that_are_too_long_for_a_float_as_text(tmp_path, numbers, has_gap, form):
    frame = long_table(tmp_path, numbers, form, has_gap=has_gap)
    assert frame["n"].tolist() == [*map(str, numbers[:-1]), None if has_gap else str(numbers[-1])]


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("has_gap", [False, True])
@pytest.mark.parametrize("numbers", LONG_NUMBERS.values(), ids=LONG_NUMBERS.keys())
def test_read_raw_keeps_long_numbers_that_are_times_or_quantities(tmp_path, numbers, has_gap, form):
    frame = long_table(tmp_path, numbers, form, has_gap=has_gap)
    assert frame["n"].dtype.kind in "if"
    expected = [*map(float, numbers[:-1]), NAN if has_gap else float(numbers[-1])]
    np.testing.assert_array_equal(frame["n"].astype(float), expected)


def test_read_raw_reads_files_that_were_put_one_behind_the_other(tmp_path):
    frame = read(tmp_path, "\ufeffa,y\n1.5,0\n\ufeff2.5,1\n")
    assert frame["a"].tolist() == [1.5, 2.5]


def test_read_raw_notes_cells_with_line_breaks(tmp_path):
    text = 'note,y\n"a, b",0\n\n' + '"Dear, all\nof, you\nand, others\nI am, yours",1\n' + '"c ""d""\ne",1\n'
    frame = read(tmp_path, text)
    assert frame["note"].tolist() == ["a, b", "Dear, all\nof, you\nand, others\nI am, yours", 'c "d"\ne']
    assert frame.attrs["notes"] == [
        "own.csv has line breaks between quotes: the longest of its 3 rows has 4 lines and begins in line 4; if these "
        "are several rows, remove the quotes."
    ]
    assert read(tmp_path, 'note,y\n"a, b",0\n\n"c ""d""",1\n').attrs["notes"] == []
    assert len(read(tmp_path, 'note\n"a\nb\nc\nd\ne"\n')) == 1


def test_read_raw_notes_infinite_values(tmp_path):
    frame = read(tmp_path, "a,b,y\n1,1e400,0\ninf,2,1\n-Infinity,3,0\n")
    assert frame.attrs["notes"] == [
        "Column 'a': 2 infinite values are read as missing.",
        "Column 'b': 1 infinite value is read as missing.",
    ]


def test_read_raw_notes_infinite_values_of_a_parquet_file_too(tmp_path):
    path = tmp_path / "rows.parquet"
    pd.DataFrame({"a": [1, np.inf, -np.inf], "b": [1.5, np.nan, 2.5], "y": [0, 1, 0]}).to_parquet(path)
    frame = read_raw(path)
    assert frame.attrs["notes"] == ["Column 'a': 2 infinite values are read as missing."]
    np.testing.assert_array_equal(frame["a"], [1, np.nan, np.nan])


def test_read_raw_decides_by_all_values_of_a_column_even_late_ones(tmp_path):
    cells = ["12"] * 2_000 + ["1.234", "3.5"]
    assert read(tmp_path, "a;y\n" + "".join(f"{cell};0\n" for cell in cells))["a"].iloc[-2] == 1.234
    assert read(tmp_path, "a;y\n" + "".join(f"{cell};0\n" for cell in [*cells, "x"]))["a"].iloc[-3] == "1.234"
    assert read(tmp_path, "a;y\n" + "".join(f"{cell};0\n" for cell in [*cells[:-1], "3,5"]))["a"].iloc[-2] == 1234


@pytest.mark.parametrize(
    ("text", "value", "reason"),
    [
        ("a;b\n1.234;0,5\n2.345;7\n", 1234, "as in other columns"),
        ("a;b\n1.234;0.5\n2.345;7\n", 1.234, "as in other columns"),
        ("a;b\n1.234;5\n2.345;7\n", 1234, "as is usual where ';' separates cells"),
        ("a,b\n1.234,5\n2.345,7\n", 1.234, "as is usual where ',' separates cells"),
        ('a,b\n"1,234",5\n"2,345",7\n', 1234, "as is usual where ',' separates cells"),
        ("a;b\n1,234;5\n2,345;7\n", 1.234, "as is usual where ';' separates cells"),
        ("a\tb\n1,234\t0.5\n2,345\t7\n", 1234, "as in other columns"),
    ],
)
def test_read_raw_notes_how_an_unclear_decimal_sign_was_decided(tmp_path, text, value, reason):
    frame = read(tmp_path, text)
    assert frame["a"][0] == value
    (note,) = frame.attrs["notes"]
    assert note.startswith("Column 'a': '1") and note.endswith(f"is read as {value}, {reason}.")


@pytest.mark.parametrize("form", ["CSV", "Parquet", "workbook"])
def test_read_raw_counts_the_words_that_mean_a_missing_value_beside_others(tmp_path, form):
    table = {
        "protein": ["+", "-", "-", "", "++"],
        "country": ["NA", "DE", "NA", "ZA", "?"],
        "only": ["-", "a", "-", "b", "a"],
        "empty": ["", "a", "", "b", "a"],
        "opened": ["2024-01-31", "-", "", "2024-02-29", ""],
        "size": ["1", "NA", "", "2", ""],
    }
    path = tmp_path / "own.csv"
    if form == "Parquet":
        path.write_bytes(as_parquet(pd.DataFrame(table)))
    elif form == "workbook":
        rows = zip(*table.values(), strict=True)
        path.write_bytes(as_workbook([list(table), *([cell or None for cell in row] for row in rows)]))
    else:
        pd.DataFrame(table).to_csv(path, index=False)
    advice = "are all read as missing; write another word for those that mean something."
    assert [note for note in read_raw(path).attrs["notes"] if "missing" in note and "size" not in note] == [
        f"Column 'protein': 2 cells '-' and 1 empty cell {advice}",
        f"Column 'country': 2 cells 'NA' and 1 cell '?' {advice}",
    ]


@pytest.mark.parametrize("word", ["NAN", "-nan", "+NaN", "nan(ind)", "-NaN(ind)"])
@pytest.mark.parametrize("row", [0, 1_500])
def test_read_raw_takes_every_spelling_of_nan_for_a_missing_value_wherever_it_is(tmp_path, word, row):
    cells = ["1.5"] * 1_500
    cells.insert(row, word)
    frame = read(tmp_path, "a,b\n" + "".join(f"{cell},x\n" for cell in cells))
    assert np.flatnonzero(frame["a"].isna()).tolist() == [row] and frame["a"].dtype == float


@pytest.mark.parametrize("row", [0, 1_500])
def test_read_raw_takes_other_words_with_nan_for_text_wherever_they_are(tmp_path, row):
    cells = ["1.5"] * 1_500
    cells.insert(row, "nan(y)")
    assert read(tmp_path, "a,b\n" + "".join(f"{cell},x\n" for cell in cells))["a"].tolist() == cells


@pytest.mark.parametrize("late", ["0x1F", "0XFF", "-0x1"])
def test_read_raw_takes_hexadecimal_digits_for_text_wherever_they_are(tmp_path, late):
    for cells in (["5"] * 1_200 + [late], [late] + ["5"] * 1_200):
        assert read(tmp_path, "a,b\n" + "".join(f"{cell},1\n" for cell in cells))["a"].tolist() == cells


def test_read_raw_notes_nothing_about_clear_columns_and_says_which_encoding_it_assumed(tmp_path):
    assert read(tmp_path, "a;b\n1.5;7\n0.234;8\n").attrs["notes"] == []
    (tmp_path / "own.csv").write_bytes("a;b\nä;7\n".encode("cp1252"))
    assert read_raw(tmp_path / "own.csv").attrs["notes"] == [
        "own.csv is not UTF-8; its letters were read as Windows-1252."
    ]


def test_read_raw_names_columns_without_a_name_and_drops_those_asked_for(tmp_path):
    assert read(tmp_path, FRAME_WITH_INDEX).columns.tolist() == ["column 1", "a b", "y"]
    assert read(tmp_path, FRAME_WITH_INDEX, drop=("column 1",)).columns.tolist() == ["a b", "y"]
    with pytest.raises(ColumnError, match="has no column z to leave out"):
        read(tmp_path, FRAME_WITH_INDEX, drop=("z",))


def test_read_raw_refuses_a_table_of_empty_rows(tmp_path):
    with pytest.raises(DataError, match=r"own.csv has a header and no rows; put the data"):
        read(tmp_path, "a,b\n,\n,?\n")


FRAME_WITH_INDEX = ',"a\nb",y\n0,5,1\n1,6,0\n'


def test_read_raw_refuses_names_that_are_equal_without_their_line_breaks(tmp_path):
    with pytest.raises(ColumnError, match="named twice: a b"):
        read(tmp_path, '"a\nb",a b\n1,2\n')


def test_read_raw_keeps_the_types_of_parquet(tmp_path):
    moments = pd.to_datetime(["2024-02-13 10:00", None])
    columns = {
        "moment": pa.array(moments),
        "zoned": pa.array(pd.Series(moments).dt.tz_localize("Europe/Vienna")),
        "date": pa.array([datetime.date(2024, 2, 13), None]),
        "clock": pa.array([datetime.time(10, 30), None]),
        "decimal": pa.array([1.5, None]).cast(pa.decimal128(6, 2)),
        "small": pa.array([1, 2], pa.int8()),
        "flag": pa.array([True, False]),
        "text": pa.array([" x", "?"]),
        "kind": pa.array(["a", None]).dictionary_encode(),
        "list": pa.array([[1, 2], None]),
    }
    parquet.write_table(pa.table(columns), tmp_path / "own.parquet")
    frame = read_raw(tmp_path / "own.parquet")
    assert frame["moment"].tolist() == frame["zoned"].dt.tz_localize(None).tolist() == list(moments)
    assert frame.dtypes.astype(str).drop(["moment", "zoned"]).to_dict() == {
        "date": "datetime64[s]",
        "clock": "object",
        "decimal": "float64",
        "small": "int8",
        "flag": "bool",
        "text": "object",
        "kind": "category",
        "list": "object",
    }
    assert frame.iloc[0, 3:].tolist() == ["10:30:00.000000", 1.5, 1, True, "x", "a", "[1, 2]"]
    assert frame["text"][1] is None and frame["decimal"].isna().tolist() == [False, True]


def test_read_raw_keeps_different_bytes_apart_and_shows_no_control_characters(tmp_path):
    cells = [b"\xf0", b"\xf1", b"\xe9", "é".encode(), b"\x00\n", b"ab", b"-", None]
    parquet.write_table(
        pa.table({"key": pa.array(cells), "fixed": pa.array([b"\x0a\x0b"] * 8, pa.binary(2))}), tmp_path / "x"
    )
    frame = read_raw(tmp_path / "x")
    assert frame["key"].tolist() == ["\\xf0", "\\xf1", "\\xe9", "é", "\\x00\\n", "ab", None, None]
    assert frame["fixed"][0] == "\\n\\x0b"
    assert read_raw(tmp_path / "x", label="key")["key"].tolist()[-2:] == ["-", None]


def test_read_raw_takes_words_for_missing_values_among_the_categories_of_parquet_for_gaps(tmp_path):
    kinds = pd.Series(pd.Categorical(["NA", "a", "-", "b"]))
    (tmp_path / "own.parquet").write_bytes(as_parquet(pd.DataFrame({"kind": kinds})))
    frame = read_raw(tmp_path / "own.parquet")
    assert frame["kind"].cat.categories.tolist() == ["a", "b"] and frame["kind"].isna().tolist() == [1, 0, 1, 0]
    assert read_raw(tmp_path / "own.parquet", label="kind")["kind"].tolist() == kinds.tolist()


def test_read_raw_reads_the_first_filled_sheet_of_a_workbook(tmp_path):
    day = datetime.datetime(2024, 2, 13, 10, 30)
    rows = [["price", "kind", "opened", None], [], [1.5, "a", day], [2, " ?", day], ["#N/A", "c", None]]
    path = tmp_path / "own.xlsx"
    path.write_bytes(as_workbook([], [["A title page"]], rows, [["x"], [1]]))
    frame = read_raw(path)
    expected = {"price": [1.5, 2, NAN], "kind": ["a", None, "c"], "opened": ["2024-02-13T10:30:00"] * 2 + [None]}
    pd.testing.assert_frame_equal(frame, pd.DataFrame(expected))
    assert frame.attrs["notes"][0] == (
        "Sheet 'Sheet2' was read; the workbook has 3 with values, and if the table is on another one ('Sheet1', "
        "'Sheet3'), move that to the front."
    )
    assert line_numbers(path, np.array([0, 2])) == "rows 3, 5"


def test_read_raw_takes_the_numbers_of_a_workbook_as_they_are_and_lets_its_texts_decide_alone(tmp_path):
    """1.125 is what the cell holds, whatever the texts of other columns have as their decimal sign."""
    hour = datetime.timedelta(hours=1)
    header = ["rate", "sum", "points", "count", "worked", "large"]
    rows = [
        [1.125, "0,50", "1.100", 7, hour, 10**15],
        [2.375, "12,25", "2.200", None, 26 * hour, None],
        [None, "1.234,50", "3.300", 9, None, 3],
    ]
    path = tmp_path / "own.xlsx"
    path.write_bytes(as_workbook([header, *rows, ["#DIV/0!", "#N/A", None, 3, None, 5]]))
    frame = read_raw(path)
    assert frame["rate"].tolist()[:2] == [1.125, 2.375] and frame["rate"].isna().tolist() == [False, False, True, True]
    assert frame["sum"].tolist()[:3] == [0.5, 12.25, 1234.5]
    assert frame["points"].tolist()[:3] == [1100, 2200, 3300]
    assert frame["count"].tolist()[0] == 7 and frame["large"].tolist()[0] == 10**15
    assert frame["worked"].dt.total_seconds().tolist()[:2] == [3600, 93600]
    assert frame.attrs["notes"] == ["Column 'points': '1.100' is read as 1100, as in other columns."]


def test_read_raw_keeps_the_numbers_beside_texts_in_a_column_of_a_workbook(tmp_path):
    """A number that the workbook stores as such is no text whose point could stand between thousands."""
    header = ["rate", "sum", "code", "active"]
    rows = [
        [1.125, 1234.5, 101, True],
        [2.375, "1.234,50", "A7", None],
        ["n/a", "0,5", 2.5, False],
        [1e-7, 1.125, 3, True],
    ]
    (tmp_path / "own.xlsx").write_bytes(as_workbook([header, *rows]))
    frame = read_raw(tmp_path / "own.xlsx")
    assert frame["rate"].tolist()[:2] == [1.125, 2.375] and frame["rate"].tolist()[3] == 1e-7
    assert frame["sum"].tolist() == [1234.5, 1234.5, 0.5, 1.125]
    assert frame["code"].tolist() == ["101", "A7", "2.5", "3"]
    assert frame["active"].tolist() == [True, None, False, True]
    assert frame.attrs["notes"] == []


def test_read_raw_names_rows_as_the_sheet_numbers_them(tmp_path):
    rows = [[], ["a", "y"], [1, 0], [], [None, None], [2, 1], [3, 0]]
    (tmp_path / "own.xlsx").write_bytes(as_workbook(rows))
    assert read_raw(tmp_path / "own.xlsx")["a"].tolist() == [1, 2, 3]
    assert line_numbers(tmp_path / "own.xlsx", np.array([0, 1, 2])) == "rows 3, 6, 7"


def test_read_raw_names_a_workbook_whose_name_is_no_utf8(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.xlsx")
    path.write_bytes(as_workbook([["a", "y"]]))
    with pytest.raises(DataError) as caught:
        read_raw(path)
    assert str(caught.value).startswith(f"{path.name} has a header and no rows")


def test_read_raw_takes_no_hidden_sheet_for_the_table(tmp_path):
    book = openpyxl.load_workbook(io.BytesIO(as_workbook([["a", "y"]], [["list"], [1], [2]])))
    book.worksheets[1].sheet_state = "hidden"
    book.save(tmp_path / "own.xlsx")
    with pytest.raises(DataError, match=r"own\.xlsx has a header and no rows; put the data below"):
        read_raw(tmp_path / "own.xlsx")


def test_read_raw_reads_a_visible_sheet_before_hidden_ones(tmp_path):
    book = openpyxl.load_workbook(io.BytesIO(as_workbook([["list"], [1]], [["a"], [2]])))
    book.worksheets[0].sheet_state = "hidden"
    book.active = 1
    book.save(tmp_path / "own.xlsx")
    assert read_raw(tmp_path / "own.xlsx").columns.tolist() == ["a"]


@pytest.mark.parametrize("pack", [gzip.compress, zipped])
def test_read_raw_reads_a_workbook_that_is_packed(tmp_path, pack):
    (tmp_path / "own.xlsx.gz").write_bytes(pack(as_workbook([["a", "y"], [1.5, 0], [2, 1]])))
    assert read_raw(tmp_path / "own.xlsx.gz")["a"].tolist() == [1.5, 2]
    assert line_numbers(tmp_path / "own.xlsx.gz", np.array([1])) == "row 3"


@pytest.mark.parametrize("ref", ["A1", "A1:B3", "A1:C2", "A1:Z99", "C4:D5"])
def test_read_raw_reads_all_rows_of_a_sheet_whatever_it_says_of_its_size(tmp_path, ref):
    rows = [["a", "kind", "y"], [1, "x"], [2, "z", 0], [None, None, 1], [4, "x", 0]]
    dimension = f'<dimension ref="{ref}"'.encode()
    (tmp_path / "own.xlsx").write_bytes(with_changed_sheet(as_workbook(rows), rb'<dimension ref="[^"]*"', dimension))
    expected = {"a": [1, 2, NAN, 4], "kind": ["x", "z", None, "x"], "y": [NAN, 0, 1, 0]}
    pd.testing.assert_frame_equal(read_raw(tmp_path / "own.xlsx"), pd.DataFrame(expected))


# What `read_raw` reads although the strict reader refuses it, or refuses in other words.
READ = {"index", "blank name", "index read back", "index in Parquet", "one value too many"}


@pytest.mark.parametrize("name", [name for name in REFUSED if name not in READ])
def test_read_raw_refuses_broken_files_in_the_words_of_the_strict_reader(tmp_path, name):
    content, kind, words = REFUSED[name]
    (tmp_path / "own.csv").write_bytes(content)
    with pytest.raises(kind) as caught:
        read_raw(tmp_path / "own.csv")
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["Windows-1252", "gzip", "Parquet"])
def test_read_raw_raises_a_data_error_for_any_damage(name, seed, tmp_path):
    content = as_parquet(EXPECTED) if name == "Parquet" else DIALECTS[name]
    rng = np.random.default_rng(seed)
    for _ in range(20):
        damaged = bytearray(content)
        for position in rng.integers(0, len(damaged), size=4):
            damaged[position] = rng.integers(256)
        (tmp_path / "own.csv").write_bytes(damaged)
        try:
            assert len(read_raw(tmp_path / "own.csv").columns)
        except DataError as error:
            assert "own.csv" in str(error)


def test_read_raw_reads_long_texts_and_many_categories_quickly(tmp_path):
    text = "a,b\n" + "".join(f"{'x' * 10_000}{i % 7},category {i}\n" for i in range(500))
    text += "".join(f"x,category {i}\n" for i in range(50_000))
    start = time.process_time()
    frame = read(tmp_path, text)
    assert time.process_time() - start < 2
    assert frame["b"].nunique() == 50_000 and frame["a"].str.len().max() == 10_001
