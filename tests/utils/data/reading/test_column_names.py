"""Names of columns: on one line, each of them once, and a first line of data is no names."""

import io

import pyarrow as pa
import pytest
from openpyxl import Workbook
from pyarrow import parquet

from utils.data.errors import ColumnError
from utils.data.reading import read_raw
from utils.data.reading.column_names import looks_like_data, one_line_names, spelled_as
from utils.data.recognition import NamedColumns, recognise


def test_one_line_names_have_single_spaces_and_a_number_where_there_is_no_name():
    names = ["amount\n(EUR)", "a \r\n\t b", "\xa0c\u2003d ", "", "  ", "plain"]
    assert one_line_names(names) == ["amount (EUR)", "a b", "c d", "column 4", "column 5", "plain"]


def test_one_line_names_have_composed_letters_and_no_spaces_without_width():
    assert one_line_names(["Scha\u0308den", "\u200by", "a\ufeff b", "\u2060"]) == ["Schäden", "y", "a b", "column 4"]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_read_raw_finds_a_label_whose_name_has_other_characters_that_look_alike(tmp_path, form):
    name = "Scha\u0308den\u200b"
    if form == "csv":
        (tmp_path / "own").write_text(f"x,{name}\n1,?\n2,yes\n")
    else:
        parquet.write_table(pa.table([[1, 2], ["?", "yes"]], names=["x", name]), tmp_path / "own")
    assert read_raw(tmp_path / "own", label="Schäden")["Schäden"].tolist() == ["?", "yes"]


def test_spelled_as_changes_only_names_that_are_asked_for():
    names = ["a  b", "c  d", "", "", "e"]
    assert spelled_as(names, ["a b", "column 4", "e", ""], "own") == ["a b", "c  d", "", "column 4", "e"]
    assert spelled_as(names, [], "own") == names


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_read_raw_keeps_words_for_missing_values_of_a_label_without_a_name(tmp_path, form):
    if form == "csv":
        (tmp_path / "own").write_text("x,,\n1,a,?\n2,b,yes\n3,c,?\n")
    else:
        columns = pa.table([[1, 2, 3], ["a", "b", "c"], ["?", "yes", "?"]], names=["x", "b", " "])
        parquet.write_table(columns, tmp_path / "own")
    assert read_raw(tmp_path / "own", label="column 3")["column 3"].tolist() == ["?", "yes", "?"]


def test_read_raw_refuses_parquet_with_several_columns_without_a_name(tmp_path):
    stream = io.BytesIO()
    parquet.write_table(pa.table([[1], [2], [3]], names=["x", "", ""]), stream)
    (tmp_path / "own").write_bytes(stream.getvalue())
    with pytest.raises(ColumnError, match=r"^own has several columns without a name; name them\.$"):
        read_raw(tmp_path / "own")


DATA = ["1,1,0,1", "d,93.47,77,1", "5,,3,", "1.5e-3,-2,.5,x", "a,1.234,5,7,b"]
NAMES = [
    "a,b,c",
    "id,2019,2020,2021",
    "0,1,2,3",
    "a,1,b,2",
    "y,,,",
    "2024,,,",
    "400.5,401,401.5,y",
    "V1,V2,V3",
    "1st,2nd,3rd",
]


@pytest.mark.parametrize(("line", "expected"), [*((line, True) for line in DATA), *((line, False) for line in NAMES)])
def test_looks_like_data_if_most_names_are_numbers_that_do_not_count(line, expected):
    assert looks_like_data(line.split(",")) is expected


def write(path, form: str, *lines: str) -> None:
    """A table of these lines, as text or as a sheet."""
    if form == "sheet":
        book = Workbook()
        for line in lines:
            book.active.append([_cell(text) for text in line.split(",")])
        book.save(path)
    else:
        path.write_text("".join(line.replace(",", form) + "\n" for line in lines))


def _cell(text: str) -> str | int | float:
    return int(text) if text.isdigit() else float(text) if text.replace(".", "").isdigit() else text


@pytest.mark.parametrize("form", [",", ";", "\t", "sheet"])
@pytest.mark.parametrize("line", ["1,1,0,1", "93.5,7,7,a", "0,0,2.5,1"])
def test_read_raw_says_that_a_first_line_of_equal_numbers_is_data(tmp_path, line, form):
    write(tmp_path / "own", form, line, "3,1,0,0")
    with pytest.raises(ColumnError) as caught:
        read_raw(tmp_path / "own")
    assert str(caught.value) == (
        f"own: the first line looks like data ({line.replace(',', ', ')}); write a line with the names of the columns "
        "above it."
    )


@pytest.mark.parametrize("line", ["a,b,a,1", "id,amount,2020,2020,amount"])
def test_read_raw_still_says_which_names_stand_there_twice(tmp_path, line):
    write(tmp_path / "own", ",", line, line)
    with pytest.raises(ColumnError, match=r"^own has columns that are named twice: .*; rename one of each\.$"):
        read_raw(tmp_path / "own")


def no_such_column(tmp_path, line: str, form: str, label: str) -> str:
    write(tmp_path / "own", form, line, *["1,2,3,4,5"[: 2 * line.count(",") + 1]] * 30)
    with pytest.raises(ColumnError) as caught:
        recognise(read_raw(tmp_path / "own", label=label), NamedColumns(label), "own")
    return str(caught.value)


@pytest.mark.parametrize("form", [",", ";", "sheet"])
@pytest.mark.parametrize("line", ["d,93.5,77,1", "7,93.5,,a", "17,2,30,0.5"])
def test_a_label_that_is_missing_among_numbers_shows_a_file_without_names(tmp_path, line, form):
    shown = ", ".join(repr(name) for name in one_line_names(line.split(",")))
    assert no_such_column(tmp_path, line, form, "fraud") == (
        f"own: there is no column 'fraud' for label, and the first line looks like data ({shown}); write a line with "
        "the names of the columns above it."
    )


@pytest.mark.parametrize(
    ("line", "label", "words"),
    [
        ("id,2019,2020,2021", "fraud", "; the columns are 'id', '2019', '2020', '2021'."),
        ("id,19,7,Fraud", "fraud", "; the closest name is 'Fraud'."),
        ("frauds,19,7,5", "fraud", "; the closest name is 'frauds'."),
    ],
)
def test_a_label_that_is_missing_among_names_gets_the_names(tmp_path, line, label, words):
    assert no_such_column(tmp_path, line, ",", label) == f"own: there is no column '{label}' for label{words}"


def test_parquet_has_no_first_line(tmp_path):
    parquet.write_table(pa.table([[1], [2], [3]], names=["7", "7", "2"]), tmp_path / "own")
    with pytest.raises(ColumnError, match=r"^own has columns that are named twice: 7; rename one of each\.$"):
        read_raw(tmp_path / "own")
