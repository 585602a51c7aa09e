"""The reader of the study and the application: files that it reads, and messages about others."""

import bz2
import gzip
import io
import lzma
import time
import zlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.small_app import as_workbook, with_changed_sheet, zipped
from utils.data import reading
from utils.data.errors import ColumnError, DataError, FormatError, LimitError
from utils.data.reading import line_numbers, open_table, read_table

FRAME = pd.DataFrame({"a": [0.5, -1.25, 3.0], "b": [10, 20, 30], "y": [0, 1, 0]})
PLAIN = FRAME.to_csv(index=False)


def as_parquet(frame: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    frame.to_parquet(stream)
    return stream.getvalue()


def with_ends(header: str = "", rows: str = "") -> bytes:
    """The plain text with an addition to the end of its header and of each row."""
    first, *others = PLAIN.splitlines()
    return "\n".join([first + header, *(line + rows for line in others)]).encode()


BOOK = as_workbook([[*FRAME], *FRAME.astype(object).values.tolist()])
READABLE = {
    "commas": PLAIN.encode(),
    "semicolons": PLAIN.replace(",", ";").encode(),
    "tabs": PLAIN.replace(",", "\t").encode(),
    "bars": PLAIN.replace(",", "|").encode(),
    "semicolons beside commas in a name": PLAIN.replace(",", ";").replace("b", '"b, or c"').encode(),
    "spaces around names": PLAIN.replace("a,b", " a , b ").encode(),
    "a name on two lines": PLAIN.replace("a,", '"a\nor d",').encode(),
    "blank lines before the header": b"\n\n" + PLAIN.encode(),
    "line ends of Windows": PLAIN.replace("\n", "\r\n").encode(),
    "line ends of old Macs": PLAIN.replace("\n", "\r").encode(),
    "no line end at the end": PLAIN.rstrip().encode(),
    "UTF-8 with its mark": PLAIN.encode("utf-8-sig"),
    "UTF-16": PLAIN.encode("utf-16"),
    "UTF-16, big-endian": b"\xfe\xff" + PLAIN.encode("utf-16-be"),
    "UTF-16 without its mark": PLAIN.encode("utf-16-le"),
    "UTF-16 without its mark, big-endian": PLAIN.encode("utf-16-be"),
    "UTF-32": PLAIN.encode("utf-32"),
    "Windows-1252": PLAIN.replace("b", "Größe €").encode("cp1252"),
    "Excel's line about the separator": b"sep=;\r\n" + PLAIN.replace(",", ";").encode(),
    "gzip": gzip.compress(PLAIN.encode()),
    "gzip in two pieces": gzip.compress(PLAIN.encode()[:20]) + gzip.compress(PLAIN.encode()[20:]),
    "gzip of UTF-16 with tabs": gzip.compress(PLAIN.replace(",", "\t").encode("utf-16")),
    "ZIP": zipped(PLAIN.encode()),
    "ZIP of a Mac": zipped(PLAIN.encode(), b"x", b"", names=("rows.csv", "__MACOSX/._rows.csv", "folder/")),
    "a comma at the end of every line": with_ends(",", ","),
    "commas at the end of the rows": with_ends("", ",,"),
    "a comma at the end of the header": with_ends(",", ""),
    "Excel": BOOK,
    "Excel in gzip": gzip.compress(BOOK),
    "Excel in a ZIP": zipped(BOOK),
    "Parquet": as_parquet(FRAME),
    "Parquet in gzip": gzip.compress(as_parquet(FRAME)),
    "Parquet of sorted rows": as_parquet(FRAME.set_index(pd.Index([5, 3, 8]))),
    "Parquet with a column as its index": as_parquet(FRAME.set_index("b")),
    "Parquet with two columns as its index": as_parquet(FRAME.set_index(["b", "y"])),
    "Parquet with a range as its index": as_parquet(FRAME.set_index(pd.RangeIndex(10, 40, 10, name="b"))),
}


@pytest.mark.parametrize("content", READABLE.values(), ids=READABLE.keys())
def test_read_table_reads_every_form_of_a_table(tmp_path, content):
    (tmp_path / "own.csv").write_bytes(content)
    frame = read_table(tmp_path / "own.csv").rename(columns={"b, or c": "b", "a\nor d": "a", "Größe €": "b"})
    pd.testing.assert_frame_equal(frame[["a", "b", "y"]], FRAME)
    assert len(frame.columns) == 3


# The note of one of 600 rows begins with a quote, as an export without quotes writes it.
OPEN_QUOTE = "y,x,note\n" + "0,1,ok\n" * 299 + '1,2,"urgent\n' + "0,3,ok\n" * 300
WEB = "is a web page or XML; save the table as CSV or Parquet."
ARFF = "is an ARFF file; save the table as CSV or Parquet."
REFUSED = {
    "Excel, damaged": (
        zipped(b"<Types/>", b"<workbook/>", names=("[Content_Types].xml", "xl/workbook.xml")),
        DataError,
        "is not a readable Excel workbook (CalamineError); save its sheet as 'CSV UTF-8'",
    ),
    "Excel, empty": (as_workbook([]), DataError, "is a workbook without values; put the table on its first sheet"),
    "Excel, a header": (
        as_workbook([["a", "y"]]),
        DataError,
        "has a header and no rows; put the data below the header",
    ),
    "Excel, twice": (as_workbook([["a", "a"], [1, 2]]), ColumnError, "has columns that are named twice: a; rename"),
    "Excel, a cell far below": (
        with_changed_sheet(BOOK, rb'r="C3"', b'r="XFD1048576"'),
        LimitError,
        "is a workbook that takes too much memory or time to read, perhaps because of a cell far below or beside the",
    ),
    "Excel, a cell far to the right": (
        with_changed_sheet(BOOK, rb'r="C3"', b'r="XFD3"'),
        LimitError,
        "has 16,384 columns and at most 10,000 are read",
    ),
    "old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), FormatError, "is an Excel workbook (.xls); save"),
    "OpenDocument": (zipped(b"x", b"<x/>", names=("mimetype", "content.xml")), FormatError, "is an OpenDocument file"),
    "ZIP of two": (zipped(b"a\n1\n", b"a\n1\n"), FormatError, "is a ZIP archive of 2 files; give the one file"),
    "ZIP of none": (zipped(b"", names=("folder/",)), FormatError, "is a ZIP archive of 0 files"),
    "ZIP, cut off": (zipped(PLAIN.encode())[:-30], DataError, "cannot be unpacked"),
    "gzip, cut off": (gzip.compress(PLAIN.encode())[:-9], DataError, "cannot be unpacked"),
    "gzip in gzip": (gzip.compress(gzip.compress(b"a\n")), FormatError, "is packed twice; unpack it"),
    "bzip2": (bz2.compress(PLAIN.encode()), FormatError, "is a bzip2 file; unpack it"),
    "xz": (lzma.compress(PLAIN.encode()), FormatError, "is an xz file; unpack it"),
    "web page": (b"\n<!DOCTYPE html><html>Sign in", FormatError, WEB),
    "web page in capitals": (b"<HTML><BODY>Sign in", FormatError, WEB),
    "a table of a web page": (b"<table>\n\t<tr><td>1", FormatError, WEB),
    "a sentence of a web page": (b"<p class='x'>Not found</p>", FormatError, WEB),
    "XML": (b"<?xml version='1.0'?>", FormatError, WEB),
    "XML without its first line": (b"<rows>\r\n  <row a='1'/>", FormatError, WEB),
    "Stata": (b"<stata_dta><header><release>118", FormatError, "is a Stata file; save the table as CSV or Parquet."),
    "ARFF": (b"@relation iris\n@attribute a numeric\n", FormatError, ARFF),
    "ARFF below comments": (b"% 1. Title\r\n%\r\n\r\n% % %\r\n@RELATION iris\r\n", FormatError, ARFF),
    "JSON": (FRAME.to_json(lines=True, orient="records").encode(), FormatError, "is JSON; save the table as CSV"),
    "a JSON array": (FRAME.to_json(orient="records", indent=1).encode(), FormatError, "is JSON; save the table as CSV"),
    "a JSON array of arrays": (b"\xef\xbb\xbf[ [1,2]]", FormatError, "is JSON; save the table as CSV"),
    "UTF-8, then not": (
        "a,Höhe\n1,2\n3,".encode() + b"\xe9\n",
        DataError,
        "is not at byte 15 (line 3); save it as 'CSV",
    ),
    "UTF-8 by its mark": (
        "a,Höhe\n1,2\n".encode("latin-1").join([b"\xef\xbb\xbf", b""]),
        DataError,
        "not at byte 4 (line 1)",
    ),
    "Cyrillic letters": (
        "имя,да\nодин,2\n".encode("cp1251"),
        DataError,
        "is not UTF-8 at byte 1 (line 1) and hardly Wi",
    ),
    "picture": (b"\xff\xd8\xff\xe0" * 20, DataError, "is not UTF-8 at byte 1 (line 1) and hardly Windows-1252"),
    "neither": (b"a,b\n1,2\n3,\x81\n", DataError, "is neither UTF-8 nor Windows-1252 at byte 11 (line 3)"),
    "UTF-16, cut off": (PLAIN.encode("utf-16")[:-1], DataError, "begins as UTF-16 and is damaged"),
    "NUL": (PLAIN.encode() + b"1,\0,0\n", DataError, f"binary data (byte {len(PLAIN) + 3} is zero)"),
    "empty": (b"", DataError, "is empty; write a header"),
    "blank": (b" \n\n", DataError, "is empty; write a header"),
    "header": (b"a,b\n\n\n", DataError, "has a header and no rows"),
    "twice": (b"a;b; a\n1;2;3\n", ColumnError, "has columns that are named twice: a; rename"),
    "open quote": (PLAIN.encode() + b'1,"2,0\n', DataError, "line 5, cannot be read: unexpected end of data"),
    "open quote in the middle": (
        OPEN_QUOTE.encode(),
        DataError,
        "line 601, cannot be read: unexpected end of data; close or remove the quote that is open since line 301.",
    ),
    "two open quotes": (
        OPEN_QUOTE.replace("ok\n", '5" pipe\n').replace(",", "\t").replace("\n", "\r").encode(),
        DataError,
        "line 302, cannot be read: '\t' expected after '\"'; close or remove the quote that is open since line 301.",
    ),
    "two stray quotes": (
        f'{OPEN_QUOTE}0,4,5"\n'.encode(),
        DataError,
        "line 301: quotes in it and in line 602 enclose lines with as many values as the header; remove these quotes.",
    ),
    "huge name": (b"x" * 200_000 + b",b\n1,2\n", DataError, "line 1, cannot be read: field larger than"),
    "endless line": (PLAIN.encode() + b"1," * 10**6, DataError, "line 5, cannot be read: it is longer than 1,048,576"),
    "endless row": (PLAIN.encode() + b'"\n",' * 10**6, DataError, "cannot be read: it is longer than 1,048,576"),
    "endless header": (b"a" * 90 + (b"," + b"a" * 90) * 20_000, LimitError, "has a header of more than 1,048,576"),
    "short line": (
        PLAIN.encode() + b"1,2\n",
        DataError,
        "line 5 (the header is line 1), has 2 values where the header",
    ),
    "decimal commas between commas": (
        b"a,b\n1,2\n0,5,1,5\n",
        DataError,
        "line 3 (the header is line 1), has 4 values where the header names 2 columns (write decimals with a point, if",
    ),
    "text that divides a line": (b"a,b\n1,2\nx,y,2.5\n", DataError, "names 2 columns; correct this line"),
    "row names of R": (
        b'"a","b"\n"1",2,3\n"2",3,4\n',
        DataError,
        "line 2 and all lines below it have 3 values, and the header, line 1, has 2, as R writes row names; write the",
    ),
    "spaces between names in quotes": (b'"a" "b"\n"1" 2\n', DataError, "separate names and values by one of , ; | and"),
    "a title": (b"A title\n" + PLAIN.encode(), DataError, "line 2 and all lines below it have 3 values, and the"),
    "titles with commas above semicolons": (
        b'Claims, all\n2024\n\n"a";"b";"y"\n"1,5";"2";"0"\n"2,5";"3";"1"\n',
        DataError,
        "line 4 and all lines below it have 3 values, and the header, line 1, has 2; if line 4 is the header, remove",
    ),
    "decimal commas in every line": (
        b"a,b\n1,5,2,5\n1,5,3,5\n",
        DataError,
        "line 2 and all lines below it have 4 values, and the header, line 1, has 2, as happens if numbers have",
    ),
    "one value too many": (with_ends(",", ",") + b"9", ColumnError, "column 4 has no name"),
    "index": (
        FRAME.to_csv().encode(),
        ColumnError,
        "column 1 has no name (''); if it holds the row numbers that pandas",
    ),
    "blank name": (FRAME.to_csv(index_label="  ").encode(), ColumnError, "save the file with index=False"),
    "index read back": (FRAME.to_csv(index_label="Unnamed: 0").encode(), ColumnError, "no name ('Unnamed: 0')"),
    "index in Parquet": (as_parquet(FRAME.assign(**{" ": 1})), ColumnError, "column 4 has no name (' ')"),
    "Parquet, cut off": (as_parquet(FRAME)[:-20], DataError, "is not a readable Parquet file"),
}


@pytest.mark.parametrize(("content", "kind", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_read_table_refuses_what_cannot_be_read_with_a_sentence_that_helps(tmp_path, content, kind, words):
    (tmp_path / "own.csv").write_bytes(content)
    with pytest.raises(kind) as caught:
        read_table(tmp_path / "own.csv")
    message = str(caught.value)
    assert words in message and "own.csv" in message and "\n" not in message


def test_read_table_drops_columns_without_a_name(tmp_path):
    path = tmp_path / "own.csv"
    FRAME.to_csv(path)
    pd.testing.assert_frame_equal(read_table(path, drop=("",)), FRAME)
    FRAME.to_parquet(path)
    pd.testing.assert_frame_equal(read_table(path, drop=("b",)), FRAME[["a", "y"]])
    with pytest.raises(ColumnError, match="has no column c to leave out") as caught:
        read_table(path, drop=("c",))
    assert caught.value.columns == ("c",)


def test_line_numbers_count_the_lines_of_the_file(tmp_path):
    path = tmp_path / "own.csv"
    path.write_bytes(gzip.compress(b'\n"a\nb";y\n1;0\n\n"2\n";1\n3;0\n'))
    assert line_numbers(path, np.array([0, 1, 2])) == "lines 4, 7, 8 (the header is line 3)"
    assert line_numbers(path, np.array([2])) == "line 8 (the header is line 3)"


def test_open_table_limits_the_size_of_an_unpacked_file():
    bomb = zlib.compress(bytes(10**7), wbits=31)
    for content in (bomb, zipped(bytes(10**7))):
        assert len(content) < 20_000
        with pytest.raises(LimitError, match="own unpacks to more than 1 MiB"):
            open_table(content, "own", 2**20)
    assert open_table(gzip.compress(PLAIN.encode()), "own", len(PLAIN)).header == ("a", "b", "y")


def test_open_table_does_not_list_a_zip_archive_of_very_many_files():
    archive = zipped(*[b""] * 2_000, names=tuple(f"file-{number:05}.csv" for number in range(2_000)))
    with pytest.raises(FormatError, match="very many files"):
        open_table(archive, "own")


@pytest.mark.parametrize("n_columns", [reading.MAX_COLUMNS, reading.MAX_COLUMNS + 1, 40_000])
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_read_table_reads_wide_tables_up_to_a_stated_limit(tmp_path, form, n_columns):
    names = [f"column {number}" for number in range(n_columns)]
    path = tmp_path / f"own.{form}"
    if form == "csv":
        path.write_text(f"{','.join(names)}\n{','.join(['1'] * n_columns)}\n")
    else:
        parquet.write_table(pa.table([pa.array([1])] * n_columns, names=names), path)
    start = time.process_time()
    if n_columns > reading.MAX_COLUMNS:
        with pytest.raises(LimitError, match=f"has {n_columns:,} columns and at most 10,000 are read"):
            read_table(path)
    else:
        assert read_table(path).shape == (1, n_columns)
    assert time.process_time() - start < 5  # with quadratic time in the names it took a minute


@pytest.mark.parametrize(
    "metadata", [b"{", b"[]", b'{"index_columns": [{"name": "x", "start": 0, "stop": 1e99, "step": 1}]}']
)
def test_read_table_ignores_metadata_that_is_not_from_pandas(tmp_path, metadata):
    table = pa.Table.from_pandas(FRAME).replace_schema_metadata({b"pandas": metadata})
    parquet.write_table(table, tmp_path / "own.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "own.parquet"), FRAME)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "form", ["semicolons", "gzip", "ZIP", "UTF-16", "Parquet", "Parquet with a range as its index"]
)
def test_read_table_raises_a_data_error_for_any_damage(form, seed, tmp_path):
    rng, outcomes = np.random.default_rng(seed), []
    for _ in range(20):
        content = bytearray(READABLE[form])
        for position in rng.integers(0, len(content), size=4):
            content[position] = rng.integers(256)
        (tmp_path / "own.csv").write_bytes(content)
        try:
            outcomes.append(type(read_table(tmp_path / "own.csv")).__name__)
        except DataError as error:
            outcomes.append(str(error))
    assert len(outcomes) == 20
    assert all(outcome == "DataFrame" or "own.csv" in outcome for outcome in outcomes)


@pytest.mark.parametrize(
    "header", ["<DATE>\t<TIME>\t<OPEN>", "<TICKER>,<PER>", "<table>;<p>", "<50k,more", "%a,b", "<a b>|c", "@relation,b"]
)
def test_read_table_takes_signs_of_other_formats_for_names_where_a_table_has_them(tmp_path, header):
    (tmp_path / "own.csv").write_text(f"{header}\n" + header.translate(str.maketrans("<>@%", "    ")) + "\n")
    separator = next(sign for sign in "\t,;|" if sign in header)
    assert list(read_table(tmp_path / "own.csv")) == header.split(separator)
