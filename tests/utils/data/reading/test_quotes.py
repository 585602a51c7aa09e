"""Quotes that begin after a space, or have a backslash before them, as some programs write them."""

import csv
import io
import time

import numpy as np
import pandas as pd
import pytest

from utils.data.reading import line_numbers, read_raw
from utils.data.reading.quotes import with_usual_quotes

TEXTS = [
    "plain",
    "a, b; c\td|e",
    'say "hi" there',
    "x, ",
    '"all in quotes"',
    "two\nlines",
    "C:\\dir",
    'a ""b"" c',
    "12",
]
TABLE = pd.DataFrame({"id": range(len(TEXTS)), "the text": TEXTS, "y": ["yes", "no", "no"] * 3})


def spaced(table: pd.DataFrame, separator: str) -> str:
    """All cells in quotes, which stand after a space."""
    lines = [list(table), *table.astype(str).to_numpy().tolist()]
    return "".join(f"{separator} ".join('"' + c.replace('"', '""') + '"' for c in cells) + "\n" for cells in lines)


def escaped(table: pd.DataFrame, separator: str) -> str:
    """As Spark writes it: a quote within a cell has a backslash before it."""
    lines = [list(table), *table.astype(str).to_numpy().tolist()]
    return "".join(separator.join('"' + c.replace('"', '\\"') + '"' for c in cells) + "\n" for cells in lines)


def both(table: pd.DataFrame, separator: str) -> str:
    lines = [list(table), *table.astype(str).to_numpy().tolist()]
    return "".join(f"{separator}  ".join('"' + c.replace('"', '\\"') + '"' for c in cells) + "\n" for cells in lines)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("write", [spaced, escaped, both])
def test_read_raw_reads_quotes_as_they_were_meant(tmp_path, write, separator):
    (tmp_path / "own.csv").write_text(write(TABLE, separator))
    expected = TABLE.assign(**{"the text": TABLE["the text"].str.strip()})
    pd.testing.assert_frame_equal(read_raw(tmp_path / "own.csv"), expected)
    assert line_numbers(tmp_path / "own.csv", np.array([5, 6])) == "lines 8, 9 (the header is line 1)"


def test_read_raw_reads_quotes_after_spaces_that_only_the_first_row_has(tmp_path):
    (tmp_path / "own.csv").write_text('x, c, y\n1, "a, b", 2\n3, d, 4\n')
    assert read_raw(tmp_path / "own.csv").values.tolist() == [[1, "a, b", 2], [3, "d", 4]]


def test_read_raw_reads_an_escaped_quote_far_below_the_header(tmp_path):
    (tmp_path / "own.csv").write_text("x,c\n" + "1,none\n" * 200_000 + '2,"say \\"hi\\", or not"\n')
    assert read_raw(tmp_path / "own.csv")["c"].iloc[-1] == 'say "hi", or not'


@pytest.mark.parametrize(
    "text",
    [
        'x,c\n1,"C:\\"\n2,"D:\\" \n',
        'x,c\n1,"{""a"": ""C:\\\\"", ""b"": ""say \\""hi\\""""}"\n',
        'x,c\n1,5" pipe\n2,6" pipe\n',
        'x,c\n1, "quoted" word\n2,word\n',
        'x,c\n1,"a, ""b"""\n2,"c, "\n',
        'x,c\n1,5\\" pipe\n',
        "x,c\n1,2\n",
    ],
)
def test_with_usual_quotes_leaves_text_as_it_is_that_means_something_as_it_is(text):
    assert with_usual_quotes(text.encode(), ",").decode() == text


@pytest.mark.parametrize("seed", range(20))
def test_with_usual_quotes_keeps_the_cells_and_lines_of_any_well_formed_text(seed):
    rng = np.random.default_rng(seed)
    cells = ["".join(rng.choice(list('ab,"\\ \n'), rng.integers(0, 6))) for _ in range(40)]
    stream = io.StringIO()
    csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([cells[:20], cells[20:]])
    text = stream.getvalue().replace('\\"', '/"')  # a backslash before a quote may mean either
    changed = with_usual_quotes(text.encode(), ",").decode()
    assert list(csv.reader(io.StringIO(changed))) == list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize(
    "text", ['"a", "b"\n' + ', "x' * 300_001, 'a,"\\"x"\n' + '"\\' * 300_000, ', "' + " " * 10**6, '"\\"x' * 10**5]
)
def test_with_usual_quotes_takes_no_longer_for_broken_text(text):
    start = time.perf_counter()
    with_usual_quotes(text.encode(), ",")
    assert time.perf_counter() - start < 5
