"""The application finds the columns of a file under the names that a study of the same file gives them."""

import io

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from app.parsing import mixed_bodies, table
from app.parsing.delimited import read_csv
from app.parsing.mixed_bodies import read_mixed_csv, read_mixed_table
from app.parsing.records import BodyError
from app.parsing.table import read_table
from utils.data.reading import read_raw
from utils.serving.raw_columns import RawColumn

LABEL = "is fraud"
HEADERS = {  # of three columns and the label, with the names that a study gives them
    "plain": (("id", "amount", "hour", LABEL), ["id", "amount", "hour"]),
    "line break": (("id", "amount\n(EUR)", "hour", "is\nfraud"), ["id", "amount (EUR)", "hour"]),
    "line break of Windows": (("id", "amount\r\n(EUR)", "hour", "is\r\nfraud"), ["id", "amount (EUR)", "hour"]),
    "double space": (("id", "amount  (EUR)", "hour", "is  fraud"), ["id", "amount (EUR)", "hour"]),
    "no-break space": (("id", "amount\xa0(EUR)", "hour", "is\xa0fraud"), ["id", "amount (EUR)", "hour"]),
    "spaces around": ((" id", "amount ", "\thour", f" {LABEL} "), ["id", "amount", "hour"]),
    "no name": (("id", "amount", "", LABEL), ["id", "amount", "column 3"]),
    "no first name": (("", "amount", "hour", LABEL), ["column 1", "amount", "hour"]),
    "blank name": (("id", "  ", "hour", LABEL), ["id", "column 2", "hour"]),
}
CELLS = [[7, 8, 9], [1.5, -2.25, 30], [0, 1, 2]]


def content_of(names: tuple[str, ...], form: str) -> bytes:
    columns = pa.table([*map(pa.array, CELLS), pa.array(["yes", "no", "no"])], names=list(names))
    stream = io.BytesIO()
    if form == "Parquet":
        parquet.write_table(columns, stream)
    else:
        csv.write_csv(columns, stream, csv.WriteOptions(delimiter=form, quoting_style="needed"))
    return stream.getvalue()


@pytest.mark.parametrize("form", [",", ";", "Parquet"])
@pytest.mark.parametrize(("header", "expected"), HEADERS.values(), ids=HEADERS.keys())
def test_a_file_of_a_study_can_be_scored_whatever_its_names(tmp_path, header, expected, form):
    content = content_of(header, form)
    (tmp_path / "own").write_bytes(content)
    names = list(read_raw(tmp_path / "own"))
    assert names == [*expected, LABEL]
    columns = [RawColumn(name, "number") for name in reversed(expected)]
    values = np.transpose(CELLS[::-1])
    for read in (
        read_mixed_table(content, columns, LABEL),
        read_table(content, [column.name for column in columns], LABEL),
    ):
        np.testing.assert_array_equal(read.values, values)
        assert not read.errors and read.label.to_pylist() == ["yes", "no", "no"]
    if form != "Parquet":
        assert list(read_mixed_csv(content, columns).values.values()) == values.tolist()
        assert list(read_csv(content, [column.name for column in columns]).values.values()) == values.tolist()


@pytest.mark.parametrize("header", [header for header, _ in HEADERS.values()], ids=HEADERS.keys())
def test_rows_with_an_error_are_named_whatever_the_names_of_the_columns(header, tmp_path):
    content = content_of(header, ";").replace(b"-2.25", b"much") + b"1;2\n"
    (tmp_path / "own").write_bytes(content_of(header, ";"))
    names = list(read_raw(tmp_path / "own"))[:-1]
    n_lines = content.count(b"\n")
    ragged = "has 2 values where the header names 4 columns"
    for read in (
        read_mixed_table(content, [RawColumn(name, "number") for name in names], LABEL),
        read_table(content, names, LABEL),
    ):
        assert read.errors == {2: (n_lines - 2, f"{names[1]} is not a number"), 4: (n_lines, ragged)}


def test_the_fast_path_takes_a_file_with_any_names(monkeypatch):
    def refuse(*_):
        raise AssertionError("the file was read line by line")

    monkeypatch.setattr(mixed_bodies, "_line_by_line", refuse)
    monkeypatch.setattr(table, "_read_with_diagnostics", refuse)
    for header, names in HEADERS.values():
        content = content_of(header, ",")
        assert len(read_mixed_table(content, [RawColumn(name, "number") for name in names], LABEL).values) == 3
        assert len(read_table(content, names, LABEL).values) == 3


@pytest.mark.parametrize("form", [",", "Parquet"])
@pytest.mark.parametrize(
    ("header", "column", "position"),
    [
        (("column 3", "b", "", "y"), "column 3", 0),  # a column that is called so goes before one without a name
        (("a b", "a  b", "", "y"), "a b", 0),
        (("a b", "a  b", "", "y"), "a  b", 1),  # the study of a table of numbers keeps the file's own names
        (("a\nb", "c", "", "y"), "a\nb", 0),
        (("a b", "c", "", "y"), "a\nb", 0),
    ],
)
def test_a_column_of_exactly_this_name_goes_before_others(header, column, position, form):
    content = content_of(header, form)
    for read in (read_table(content, [column], "y"), read_mixed_table(content, [RawColumn(column, "number")], "y")):
        assert read.values[:, 0].tolist() == CELLS[position]


@pytest.mark.parametrize("form", [",", "Parquet"])
def test_names_that_are_equal_without_their_line_breaks_are_refused_only_where_they_are_asked_for(form):
    content = content_of(("a\nb", "a  b", "c", "y"), form)
    assert len(read_table(content, ["c"], "y").values) == 3
    with pytest.raises(BodyError, match=r"^The file has columns that are named twice: a b; rename one of each\.$") as e:
        read_mixed_table(content, [RawColumn("a b", "number")], "y")
    assert e.value.status == 422 and e.value.columns == ["a b"]


def test_a_column_without_a_name_is_found_where_the_study_has_no_label():
    table = read_mixed_table(content_of(("a", "b", "", "y"), ","), [RawColumn("column 3", "number")], "")
    assert table.values[:, 0].tolist() == CELLS[2]


def test_missing_columns_are_named_on_one_line_and_one_without_a_name_is_explained():
    columns = [RawColumn("amount (EUR)", "number"), RawColumn("column 3", "number")]
    with pytest.raises(BodyError, match=r"^Columns are missing: amount \(EUR\)\.$"):
        read_mixed_csv(b"a,b,\n1,2,3\n", columns)
    with pytest.raises(
        BodyError, match=r"^Columns are missing: column 3; a column without a name is called by its pos"
    ):
        read_mixed_csv(b'"amount\n(EUR)",,c\n1,2,3\n', columns)


def test_parquet_with_several_columns_without_a_name_is_refused(tmp_path):
    content = content_of(("a", "", "", "y"), "Parquet")
    with pytest.raises(BodyError, match=r"^The file has several columns without a name; name them\.$"):
        read_mixed_table(content, [RawColumn("a", "number")], "y")


@pytest.mark.parametrize("content", [b"7,93.47,0\n8,5,1\n", b"x;93.47;7;1\ny;5;6;0\n"])
def test_a_file_without_names_is_told_so(content):
    said = (
        r"^Columns are missing: id, sum; the first line looks like data, so write a line with the names of the columns"
    )
    names = ["id", "sum"]
    with pytest.raises(BodyError, match=rf"{said} above it\.$"):
        read_mixed_table(content, [RawColumn(name, "number") for name in names], "y")
    with pytest.raises(BodyError, match=said):
        read_table(content, names, "y")
    with pytest.raises(BodyError, match=said):
        read_csv(content, names)
    with pytest.raises(
        BodyError, match=r"^The body: the first line looks like data \(1, 1, 0\); write a line with the"
    ):
        read_csv(b"1,1,0\n2,1,1\n", names)
