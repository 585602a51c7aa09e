"""Lines that are all longer than the header: decimal commas, or names of rows that R wrote."""

import pytest

from utils.data.errors import DataError
from utils.data.reading import read_raw, read_table

HEADER = "id,amount,fraud"
DECIMALS = "as happens if numbers have decimal commas; write decimals with a point"
R = "as R writes row names; write the table with row.names=FALSE."
EITHER = f"{DECIMALS}, or the table with row.names=FALSE if R wrote names of rows."
TABLES = {
    "numbers that all differ": (HEADER, ["17,12,50,0", "18,3,99,1", "25,4,05,0"], f"{DECIMALS}."),
    "equal first cells": (HEADER, ["A,12,50,0", "A,3,99,1"], f"{DECIMALS}."),
    "signs and thousands": (HEADER, ["17,-1.234,50,0", "18,+3,99,1"], f"{DECIMALS}."),
    "two decimals": ("id,amount,tax,fraud", ["17,12,50,3,25,x", "18,3,99,4,75,y"], f"{DECIMALS}."),
    "only decimals": ("a,b", ["1,5,2,5", "2,5,3,5"], f"{DECIMALS}."),
    "exponents": (HEADER, ["7,1,5e-3,a", "9,2,25E4,b"], f"{DECIMALS}."),
    "a first column that counts": (HEADER, ["1,12,50,0", "2,3,99,1", "3,4,05,0"], EITHER),
    "a first column of words": (HEADER, ["Mazda,21,6,160", "Fiat,32,4,78"], EITHER),
    "words in quotes": ('"a","b"', ['"x",2,3', '"y",4,5'], EITHER),
    "row numbers of R": ('"a","b"', ['"1",2,3', '"2",3,4'], R),
    "row names beside text": ("a,b", ["m,2.5,x", "n,3,y"], R),
    "row names beside fractions": (HEADER, ["7,21.5,6.5,0.5", "8,32.5,4.5,1"], R),
    "two numbers with points": ("a,b", ["x,1.5,2", "y,2.5,3"], R),
    "neighbours in some lines only": (HEADER, ["x,12,5,a", "y,b,5,12"], R),
    "neighbours between semicolons": ("id;amount;fraud", ["17;12;50;0", "18;3;99;1"], R),
}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("read", [read_raw, read_table])
@pytest.mark.parametrize(("header", "lines", "advice"), TABLES.values(), ids=TABLES.keys())
def test_long_lines_get_the_advice_that_their_cells_suggest(tmp_path, header, lines, advice, read, end):
    (tmp_path / "own").write_bytes(end.join([header, *lines, ""]).encode())
    n_names, n_values = (max(line.count(","), line.count(";")) + 1 for line in (header, lines[0]))
    with pytest.raises(DataError) as caught:
        read(tmp_path / "own")
    assert str(caught.value) == (
        f"own: line 2 and all lines below it have {n_values} values, and the header, line 1, has {n_names}, {advice}"
    )


def test_one_long_line_is_named(tmp_path):
    (tmp_path / "own").write_text(f"{HEADER}\n17,12,0\n18,3,99,1\n19,4,1\n")
    with pytest.raises(
        DataError, match=r"^own, line 3 \(the header is line 1\), has 4 values .* \(write decimals with a"
    ):
        read_raw(tmp_path / "own")


@pytest.mark.parametrize("read", [read_raw, read_table])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("titles", [["Claims"], ["Claims", "2024"], ["Claims", "", "all branches"]])
def test_titles_above_a_table_with_lines_of_several_lengths_are_named(tmp_path, titles, separator, read):
    lines = [separator.join(cells) for cells in ("abc", "123", "12", "345")]
    (tmp_path / "own").write_text("\n".join([*titles, *lines, ""]))
    line = len(titles) + 1
    with pytest.raises(DataError) as caught:
        read(tmp_path / "own")
    assert str(caught.value) == (
        f"own: the header, line 1, names a single column, and line {line} has 3 values; if line {line} is the header, "
        "remove the lines above it."
    )


@pytest.mark.parametrize("text", ["text\nfirst\nsecond\n", "price\n1,5\n12\n", "text\na, b\nno comma\n"])
def test_a_table_of_a_single_column_is_read(tmp_path, text):
    (tmp_path / "own").write_text(text)
    assert read_table(tmp_path / "own").shape == (2, 1)


LISTS = {
    "SAP": "Claims of 2024\n\n---------------\n|amount|kind|y|\n---------------\n|12|a|0|\n|13|b|1|\n---------------\n",
    "psql": " amount | kind | y\n--------+------+---\n 12 | a | 0\n 13 | b | 1\n(2 rows)\n",
    "MySQL": "+--------+---+\n| amount | y |\n+--------+---+\n| 12 | 0 |\n| 13 | 1 |\n+--------+---+\n",
}


@pytest.mark.parametrize("read", [read_raw, read_table])
@pytest.mark.parametrize("text", LISTS.values(), ids=LISTS.keys())
def test_rulers_of_a_printed_list_are_named(tmp_path, text, read):
    (tmp_path / "own").write_text(text)
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "---" in line)
    with pytest.raises(
        DataError, match=f"^own: line {line} is a ruler of dashes, as in a printed list; remove all rulers"
    ):
        read(tmp_path / "own")
