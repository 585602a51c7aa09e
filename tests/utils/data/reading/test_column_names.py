"""Names of columns: on one line, each of them once, and a first line of data is no names."""

import io

import pyarrow as pa
import pytest
from pyarrow import parquet

from utils.data.errors import ColumnError
from utils.data.reading import read_raw
from utils.data.reading.column_names import one_line_names, spelled_as


def test_one_line_names_have_single_spaces_and_a_number_where_there_is_no_name():
    names = ["amount\n(EUR)", "a \r\n\t b", "\xa0c\u2003d ", "", "  ", "plain"]
    assert one_line_names(names) == ["amount (EUR)", "a b", "c d", "column 4", "column 5", "plain"]


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
