"""Whole files through the application: every row comes back, what is wrong is told, and nothing else happens."""

import bz2
import csv
import gzip
import io
import logging
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet
from sklearn.metrics import average_precision_score

from app import results
from app.parsing import delimited, table
from app.results import Results, defused
from app.routes import files
from app.serving.served import OUTSIDE
from tests.small_app import COLUMNS, THRESHOLD, as_workbook, transactions, zipped
from tests.utils.data.reading.test_tables import REFUSED
from utils.data import reading
from utils.data.errors import FormatError
from utils.metrics import random_average_precision
from utils.serving import bundle

pytest_plugins = ["tests.app_fixtures"]

FORMS = ("multipart", "csv", "parquet")


@pytest.fixture(scope="module")
def rows():
    """Labelled rows whose columns stand in another order, with one that the model does not know."""
    frame = transactions(300, seed=1).assign(Note="x, y")
    return frame[["Note", *reversed(COLUMNS), "Class"]]


def as_csv(frame):
    return frame.to_csv(index=False).encode()


def as_parquet(frame):
    stream = io.BytesIO()
    frame.to_parquet(stream, index=False)
    return stream.getvalue()


def upload(client, content, name="mine.csv", query="", **fields):
    return client.post(f"/api/v1/files{query}", data={"file": (io.BytesIO(content), name), **fields})


def send(client, frame, form):
    if form == "multipart":
        return upload(client, as_csv(frame))
    if form == "csv":
        return client.post("/api/v1/files", data=as_csv(frame), content_type="text/csv; charset=utf-8")
    return client.post("/api/v1/files", data=as_parquet(frame), content_type="application/vnd.apache.parquet")


def downloaded(client, answer):
    found = client.get(answer.json["download"])
    assert found.status_code == 200 and found.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(found.text)))


# --- the answer


@pytest.mark.parametrize("form", FORMS)
def test_score_file_scores_every_row_as_the_model_does(client, fraud_model, rows, form):
    answer = send(client, rows, form)
    assert answer.status_code == 200, answer.text
    expected = fraud_model.predict_proba(rows)
    lines = downloaded(client, answer)
    assert [int(line["row"]) for line in lines] == list(range(1, len(rows) + 1))
    np.testing.assert_allclose([float(line["probability"]) for line in lines], expected, rtol=0, atol=1e-12)
    assert [line["decision"] == "alert" for line in lines] == (expected >= THRESHOLD).tolist()
    np.testing.assert_array_equal([float(line["Amount"]) for line in lines], rows["Amount"])
    np.testing.assert_array_equal([float(line["Time"]) for line in lines], rows["Time"])
    assert {line["error"] for line in lines} == {""}


@pytest.mark.parametrize("form", FORMS)
def test_score_file_gives_the_summary_of_the_rows(client, fraud_model, rows, form):
    said = send(client, rows, form).json
    expected = fraud_model.predict_proba(rows)
    alert = expected >= THRESHOLD
    assert said["model"].startswith("none+xgb@") and said["threshold"] == THRESHOLD
    assert (said["rows"], said["errors"]) == (len(rows), {"count": 0, "first": []})
    assert said["alerts"] == alert.sum() and 0 < alert.sum() < len(rows)
    assert said["amount_at_risk"] == pytest.approx(rows["Amount"][alert].sum())
    assert sum(said["histogram"]["counts"]) == len(rows)
    edges = said["histogram"]["edges"]
    assert len(edges) == len(said["histogram"]["counts"]) + 1 and edges[-1] == 1
    top = [entry["probability"] for entry in said["top"]]
    assert top == sorted(expected, reverse=True)
    first = said["top"][0]
    assert first["row"] == int(np.argmax(expected)) + 1
    assert first["amount"] == rows["Amount"][first["row"] - 1] and first["time"] == rows["Time"][first["row"] - 1]
    assert first["decision"] == "alert" and said["top"][-1]["decision"] == "pass"


@pytest.mark.parametrize("form", FORMS)
def test_score_file_measures_a_labelled_file(client, fraud_model, rows, form):
    found = send(client, rows, form).json["labelled"]
    expected, label = fraud_model.predict_proba(rows), rows["Class"]
    assert found["average_precision"] == pytest.approx(average_precision_score(label, expected), abs=1e-9)
    assert found["prevalence"] == pytest.approx(label.mean())
    alert = expected >= THRESHOLD
    assert found["confusion"] == {
        "tp": (alert & (label == 1)).sum(),
        "fp": (alert & (label == 0)).sum(),
        "fn": (~alert & (label == 1)).sum(),
        "tn": (~alert & (label == 0)).sum(),
    }
    assert found["tie_neutral_average_precision"] == pytest.approx(found["average_precision"])  # there are no ties
    assert len(found["recall"]) == len(found["precision"]) == label.sum()
    assert found["recall"][-1] == 1


def test_score_file_measures_equal_probabilities_as_a_ranking_by_chance(client, rows):
    frame = pd.concat([rows.head(1)] * 40).assign(Class=np.arange(40) % 2)
    found = upload(client, as_csv(frame)).json["labelled"]
    assert found["average_precision"] < found["prevalence"] == 0.5
    assert found["tie_neutral_average_precision"] == pytest.approx(random_average_precision(40, 20))


@pytest.mark.parametrize("form", FORMS)
def test_score_file_only_scores_a_file_without_labels(client, rows, form):
    for frame in (rows.drop(columns="Class"), rows.assign(Class=0), rows.assign(Class=7)):
        assert send(client, frame, form).json["labelled"] is None


def test_score_file_gives_a_curve_of_few_points_however_many_frauds(client):
    frame = transactions(30_000, seed=2)
    found = upload(client, as_csv(frame)).json
    assert len(found["labelled"]["recall"]) == 500 and found["labelled"]["recall"][-1] == 1
    assert len(found["top"]) == 500


def test_score_file_scores_with_the_pair_that_is_asked_for(client, folder, rows):
    answer = upload(client, as_csv(rows), query="?model=none%2Blr")
    expected = bundle.load(folder.with_name("pairs") / "none+lr").predict_proba(rows)
    found = [float(line["probability"]) for line in downloaded(client, answer)]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert upload(client, as_csv(rows), query="?model=nothing").status_code == 404


@pytest.mark.parametrize("fields", [{}, {"model": "champion"}, {"model": "none+lr"}])
@pytest.mark.parametrize("query", ["", "?model=champion", "?model=none%2Blr"])
def test_score_file_takes_the_model_from_the_address_or_the_form_which_must_agree(client, rows, query, fields):
    names = {*fields.values(), *({"none+lr" if "lr" in query else "champion"} if query else ())}
    answer = upload(client, as_csv(rows), query=query, **fields)
    of_one = "none+lr@" if names == {"none+lr"} else "none+xgb@"
    status, text = (422, "names two models") if len(names) > 1 else (200, of_one)
    assert answer.status_code == status and text in answer.json.get("error", answer.json.get("model"))


@pytest.mark.parametrize("name", ["zz", ""])
def test_score_file_refuses_a_model_of_the_form_that_does_not_exist(client, rows, name):
    answer = upload(client, as_csv(rows), model=name)
    assert answer.status_code == 404 and "choose one of champion, none+lr" in answer.json["error"]


# --- forms that a file may have


def written(form, frame):
    """A table of transactions in one of the forms that are read."""
    text = frame.to_csv(index=False)
    lines = text.splitlines()
    return {
        "semicolons": lambda: frame.to_csv(index=False, sep=";").encode(),
        "tabs": lambda: frame.to_csv(index=False, sep="\t").encode(),
        "bars, quoted": lambda: frame.to_csv(index=False, sep="|", quoting=1).encode(),
        "a comma at the end of every line": lambda: "".join(f"{line},\n" for line in lines).encode(),
        "a comma at the end of every row": lambda: ",\n".join([lines[0] + "\n" + lines[1], *lines[2:], ""]).encode(),
        "UTF-16": lambda: text.encode("utf-16"),
        "UTF-16 without its mark": lambda: text.encode("utf-16-be"),
        "gzip": lambda: gzip.compress(text.encode()),
        "ZIP": lambda: zipped(text.encode()),
        "row numbers": lambda: frame.to_csv().encode(),
        "Excel": lambda: workbook_of(frame),
        "Excel in gzip": lambda: gzip.compress(workbook_of(frame)),
        "Parquet in gzip": lambda: gzip.compress(as_parquet(frame)),
        "Parquet with its index": lambda: index_kept(frame.set_index("V7")),
        "Parquet with a range": lambda: index_kept(frame.set_index(pd.RangeIndex(len(frame), name="V7"))),
    }[form]()


def test_score_file_names_the_rows_of_a_sheet_and_the_sheet_that_was_read(client, rows):
    cells = rows.head(3).astype(object).assign(V3=[1.5, "x", None]).to_numpy().tolist()
    answer = upload(client, as_workbook([["Of March"]], [[], [*rows], cells[0], [], *cells[1:]]))
    found = [(error["row"], error["line"], error["error"]) for error in answer.json["errors"]["first"]]
    assert found == [(2, 5, "V3 is not a number"), (3, 6, "V3 is empty")]
    assert any(note.startswith("Sheet 'Sheet1' was read; the workbook has 2") for note in answer.json["notes"])


def workbook_of(frame):
    """A workbook in which every other number of V9 is text."""
    cells = frame.astype(object)
    cells["V9"] = [repr(value) if number % 2 else value for number, value in enumerate(frame["V9"].tolist())]
    return as_workbook([["Cover"]], [[*cells], *cells.to_numpy().tolist()])


def index_kept(frame):
    stream = io.BytesIO()
    frame.to_parquet(stream)
    return stream.getvalue()


def as_wide_csv(frame, names):
    header, *lines = as_csv(frame).decode().splitlines()
    return "\n".join([",".join([header, *names]), *(line + ",1" * len(names) for line in lines)]).encode()


def as_wide_parquet(frame, names):
    stream = io.BytesIO()
    columns = [pa.array(frame[name]) for name in frame] + [pa.array([1.0] * len(frame))] * len(names)
    parquet.write_table(pa.table(columns, names=[*frame, *names]), stream)
    return stream.getvalue()


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize(
    "form",
    [
        *("semicolons", "tabs", "bars, quoted", "a comma at the end of every line", "a comma at the end of every row"),
        *("UTF-16", "UTF-16 without its mark", "gzip", "ZIP", "row numbers", "Excel", "Excel in gzip"),
        *("Parquet in gzip", "Parquet with its index", "Parquet with a range"),
    ],
)
def test_score_file_scores_a_file_whatever_form_it_has(client, fraud_model, rows, form, broken):
    frame = rows.assign(V7=np.arange(len(rows))).astype({"V8": object if broken and "Parquet" not in form else float})
    expected = fraud_model.predict_proba(frame)
    if broken:
        frame.loc[1, "V8"] = np.nan if "Parquet" in form else "x"
    answer = upload(client, written(form, frame))
    assert answer.status_code == 200, answer.text
    found = [float(line["probability"] or -1) for line in downloaded(client, answer)]
    known = np.arange(len(rows)) != 1 if broken else slice(None)
    np.testing.assert_allclose(np.array(found)[known], expected[known], rtol=0, atol=1e-12)
    assert answer.json["errors"]["count"] == broken
    assert answer.json["labelled"]["rows"] == len(rows) - broken


@pytest.mark.parametrize("name", [name for name, (_, kind, _) in REFUSED.items() if kind is FormatError])
def test_score_file_answers_what_is_no_table_with_the_sentence_of_the_study(client, tmp_path, name):
    content = REFUSED[name][0]
    (tmp_path / "own.csv").write_bytes(content)
    with pytest.raises(FormatError) as caught:
        reading.read_table(tmp_path / "own.csv")
    expected = str(caught.value).removeprefix("own.csv")
    answer = upload(client, content)
    assert (answer.status_code, answer.json["error"]) == (415, f"The file{expected}")
    answer = client.post("/api/v1/predict", data=content, content_type="text/csv")
    assert (answer.status_code, answer.json["error"]) == (415, f"The body{expected}")


def test_read_csv_sends_other_formats_to_the_address_for_files_unread(client, rows, monkeypatch):
    monkeypatch.setattr("utils.data.reading.excel.subprocess.run", lambda *_, **__: pytest.fail("it was read"))
    book = workbook_of(rows)
    for content in (as_parquet(rows), book, gzip.compress(book)):
        answer = client.post("/api/v1/predict", data=content, content_type="text/csv")
        assert answer.status_code == 415
        assert "is a Parquet or Excel file; send it to /api/v1/files" in answer.json["error"]


@pytest.mark.parametrize(
    "said", [b"{", b'{"notes": 5, "rows": [0], "lines": [0]}', b'{"notes": [], "rows": [], "lines": 1}']
)
def test_score_file_does_not_believe_what_a_parquet_file_says_of_its_origin(client, rows, said):
    stream = io.BytesIO()
    labelled = pa.Table.from_pandas(rows).replace_schema_metadata({b"origin": said})
    parquet.write_table(labelled, stream)
    answer = upload(client, stream.getvalue())
    assert (answer.status_code, answer.json["errors"]["count"]) == (200, 0)
    assert answer.json["notes"] == upload(client, as_parquet(rows)).json["notes"]


def test_score_file_refuses_a_packed_file_that_unpacks_to_more_than_a_plain_one(client, monkeypatch, rows):
    content = as_csv(rows)
    monkeypatch.setattr(table, "MAX_UNPACKED", len(content) - 1)
    monkeypatch.setattr(delimited, "MAX_UNPACKED", len(content) - 1)
    for packed in (gzip.compress(content), zipped(content)):
        assert upload(client, packed).status_code == 413
        assert client.post("/api/v1/predict", data=packed, content_type="text/csv").status_code == 413
    monkeypatch.setattr(table, "MAX_UNPACKED", len(content))
    assert upload(client, gzip.compress(content)).status_code == 200


@pytest.mark.parametrize("form", ["file", "body", "parquet"])
def test_score_file_bounds_the_columns_and_their_number_costs_little(client, rows, form):
    first, seconds = rows.head(2), []
    for n_extra, status in ((9_000, 200), (40_000, 413)):
        names = [f"extra {number}" for number in range(n_extra)]
        content = as_wide_parquet(first, names) if form == "parquet" else as_wide_csv(first, names)
        start = time.process_time()
        if form == "body":
            answer = client.post("/api/v1/predict", data=content, content_type="text/csv")
        else:
            answer = upload(client, content)
        seconds.append(time.process_time() - start)
        assert answer.status_code == status
        assert status == 200 or f"has {n_extra + 32:,} columns and at most 10,000 are read" in answer.json["error"]
    assert max(seconds) < 4  # a second here; it was half a minute and more


# --- rows that cannot be read


def test_score_file_returns_bad_rows_with_line_and_reason_and_scores_the_others(client, fraud_model, rows):
    header, *lines = as_csv(rows).decode().splitlines()
    place = header.split(",").index("V7")

    def with_cell(line, cell):
        cells = next(csv.reader([line]))
        cells[place] = cell
        return ",".join(f'"{text}"' for text in cells)

    bad = {2: "", 4: "abc", 5: "nan", 6: "-inf", 7: "1e308", 8: "1_0", 9: "١", 10: "=1+1"}
    for row, cell in bad.items():
        lines[row - 1] = with_cell(lines[row - 1], cell)
    lines[10] = "1,2,3"  # row 11
    lines[11] = ""  # row 12
    answer = upload(client, "\r\n".join([header, *lines, "", ""]).encode("utf-8-sig"))
    said = answer.json
    assert said["rows"] == len(rows)
    assert said["errors"]["count"] == 10
    assert [entry["row"] for entry in said["errors"]["first"]] == [2, *range(4, 13)]
    assert all(entry["line"] == entry["row"] + 1 for entry in said["errors"]["first"])
    reasons = {entry["row"]: entry["error"] for entry in said["errors"]["first"]}
    assert reasons[2] == "V7 is empty" and reasons[4] == "V7 is not a number" and reasons[7] == "V7 is too large"
    assert reasons[11] == "has 3 values where the header names 32 columns" and reasons[12] == "is an empty line"
    found = downloaded(client, answer)
    assert len(found) == len(rows)
    expected = fraud_model.predict_proba(rows)
    for number, line in enumerate(found, 1):
        if number in reasons:
            assert (line["probability"], line["decision"]) == ("", "")
            assert line["error"] == f"line {number + 1}: {reasons[number]}"
        else:
            assert float(line["probability"]) == pytest.approx(expected[number - 1], abs=1e-12)
    assert found[1]["Amount"] and not found[10]["Amount"]
    assert "=1+1" not in answer.text and not any("=1+1" in cell for line in found for cell in line.values())
    assert said["labelled"]["rows"] == len(rows) - 10


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), 1e308])
def test_score_file_reports_a_bad_parquet_value_in_its_row_only(client, fraud_model, rows, value):
    column = pa.array([1.0, value, 2.0])
    sent = pa.Table.from_pandas(rows.head(3), preserve_index=False)
    sent = sent.set_column(sent.schema.get_field_index("V7"), "V7", column)
    stream = io.BytesIO()
    parquet.write_table(sent, stream)
    answer = upload(client, stream.getvalue(), "mine.parquet")
    ((row, line, error),) = [entry.values() for entry in answer.json["errors"]["first"]]
    assert (row, line) == (2, None) and error.startswith("V7 is ")
    found = downloaded(client, answer)
    assert [bool(line["probability"]) for line in found] == [True, False, True]


@pytest.mark.parametrize("value", [None, "oops"])
def test_score_file_reads_parquet_text_that_is_stored_in_a_dictionary(client, rows, value):
    texts = rows["V4"].astype(str)
    texts.iloc[2] = value or texts.iloc[2]
    plain = upload(client, as_parquet(rows.assign(V4=texts))).json
    stored = upload(client, as_parquet(rows.assign(V4=texts.astype("category")))).json
    assert stored["top"] == plain["top"] and stored["errors"] == plain["errors"]
    assert stored["errors"]["count"] == (value is not None)


def test_score_file_reports_no_good_value_beside_a_bad_one(client, rows):
    sent = pa.Table.from_pandas(rows.head(3), preserve_index=False)
    columns = {"V7": pa.array([1.0, None, 2.0]), "Amount": pa.array([Decimal("2.50")] * 3), "V8": pa.array(["1"] * 3)}
    for name, column in columns.items():
        sent = sent.set_column(sent.schema.get_field_index(name), name, column)
    stream = io.BytesIO()
    parquet.write_table(sent, stream)
    (error,) = upload(client, stream.getvalue(), "mine.parquet").json["errors"]["first"]
    assert error == {"row": 2, "line": None, "error": "V7 is empty"}


def test_score_file_lists_the_first_errors_and_has_all_in_the_download(client, rows):
    many = pd.concat([rows.head(1)] * 500).assign(V1="x")
    answer = upload(client, as_csv(many))
    assert answer.status_code == 200
    assert answer.json["errors"]["count"] == 500 and len(answer.json["errors"]["first"]) == 100
    assert answer.json["top"] == [] and answer.json["alerts"] is None and answer.json["labelled"] is None
    assert all("V1 is not a number" in line["error"] for line in downloaded(client, answer))


COMMAS = (
    " could not be read because of decimal commas, the first in line {}; write decimals with a point, 0.5 and not 0,5, "
    "and send the file again."
)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_score_file_says_what_to_do_about_decimal_commas(client, rows, separator):
    columns = rows.head(20)[[*COLUMNS, "Class"]]
    answer = upload(client, columns.to_csv(index=False, sep=separator, decimal=",").encode()).json
    assert answer["scored"] == 0
    assert answer["notes"][:2] == [
        "None of the 20 rows could be read, so nothing was scored.",
        "20 rows" + COMMAS.format(2),
    ]
    assert "V7 is not a number (write decimals with a point)" in answer["errors"]["first"][0]["error"]


def test_score_file_counts_the_rows_with_decimal_commas_and_scores_the_others(client, rows):
    sent = rows.head(20).astype({"V7": object})
    sent.iloc[4, sent.columns.get_loc("V7")] = "-1.234,5e-1"
    sent.iloc[6, sent.columns.get_loc("V7")] = "1,5,0"  # no decimal comma
    answer = upload(client, as_csv(sent)).json
    assert answer["scored"] == 18 and "1 row" + COMMAS.format(6) in answer["notes"]
    assert [entry["error"] for entry in answer["errors"]["first"]] == [
        "V7 is not a number (write decimals with a point)",
        "V7 is not a number",
    ]


@pytest.mark.parametrize("text", ["1,5", "-1.234,5e-1", ",5"])
@pytest.mark.parametrize("positions", [[0], [4, 6]])
def test_score_file_names_the_row_of_a_decimal_comma_where_there_is_no_line(client, rows, text, positions):
    sent = rows.head(20).astype({"V7": str})
    sent.iloc[positions, sent.columns.get_loc("V7")] = text
    answer = upload(client, as_parquet(sent)).json
    counted = "1 row" if len(positions) == 1 else "2 rows"
    first = COMMAS.format("").replace("in line ", f"in row {positions[0] + 1}")
    assert answer["scored"] == 20 - len(positions) and counted + first in answer["notes"]
    assert [entry["line"] for entry in answer["errors"]["first"]] == [None] * len(positions)


def test_score_file_says_that_decimal_commas_divide_values_where_commas_separate_them(client):
    whole = pd.DataFrame(1, index=range(3), columns=list(COLUMNS))
    lines = as_csv(whole).decode().splitlines()
    lines[2] = lines[2].replace("1", "0,5", 1)
    answer = upload(client, "\n".join(lines).encode()).json
    (error,) = answer["errors"]["first"]
    assert (
        error["error"]
        == "has 31 values where the header names 30 columns (write decimals with a point, if they have commas)"
    )
    assert "1 row" + COMMAS.format(3) in answer["notes"]


@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_read_table_agrees_between_the_fast_path_and_that_with_diagnostics(rows, quoted, end):
    content = rows.to_csv(index=False, quoting=1 if quoted else 0, lineterminator=end).encode()
    text = reading.open_table(content, "The file")
    quick = table._read_fast(text, COLUMNS, "Class")
    careful = table._read_with_diagnostics(text, COLUMNS, "Class")
    np.testing.assert_array_equal(quick.values, careful.values)
    np.testing.assert_array_equal(quick.values, rows[list(COLUMNS)])
    np.testing.assert_array_equal(quick.label, careful.label)


def test_score_file_counts_lines_inside_quotes(client, rows):
    two = rows.head(2).assign(Note=["several\nlines\nhere", "one"])
    two["V1"] = ["1", "x"]
    (error,) = upload(client, as_csv(two)).json["errors"]["first"]
    assert (error["row"], error["line"]) == (2, 5)
    two["V1"] = ["1", "2"]
    assert upload(client, as_csv(two)).json["errors"]["count"] == 0


# --- files that are refused


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 400, "empty"),
        (b" \n\n", 400, "empty"),
        (zipped(b"Time,V1\n1,2\n"), 422, "Columns are missing: V2, V3"),
        (zipped(b"Time,V1\n1,2\n")[:-30], 400, "cannot be unpacked"),
        (gzip.compress(b"Time,V1\n1,2\n", mtime=0), 422, "Columns are missing: V2, V3"),
        (gzip.compress(b"Time,V1\n1,2\n", mtime=0)[:12], 400, "cannot be unpacked"),
        (as_workbook([["Time", "V1"], [1, 2]]), 422, "Columns are missing: V2, V3"),
        (as_workbook([["Time", "V1"]]), 400, "has a header and no rows"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), 415, "is an Excel workbook (.xls); save"),
        (bz2.compress(b"Time,V1\n1,2\n")[:20], 415, "bzip2 file; unpack it"),
        (b"\x00\x01\x02\x03" * 20, 400, "binary"),
        (b"\xff\xd8\xff\xe0" * 20, 400, "is not UTF-8 at byte 1 (line 1)"),
        ("Time;V1;Beträge\n1;2;3\n".encode() + b"\xe4", 400, "UTF-8"),
        ("Time,V1\n".encode("utf-16"), 422, "Columns are missing: V2, V3"),
        ("Time,V1\n".encode("utf-16")[:-1], 400, "begins as UTF-16 and is damaged further on"),
        (b"Time;V1;V2\n1;2;3\n", 422, "Columns are missing: V3, V4"),
        (b"Time\n1\n2\n", 422, "Columns are missing: V1, V2"),
        (b"V1,V2,V1\n1,2,3\n", 422, "named twice: V1"),
        (",".join(COLUMNS).encode(), 422, "The file has no rows; send at least one."),
        (",".join(COLUMNS).encode() + b"\n\n\n", 422, "The file has no rows; send at least one."),
        (",".join(COLUMNS).encode() + b'\n"1,2', 400, "The file, line 2, cannot be read"),
        (b"PAR1", 400, "is not a readable Parquet file"),
        (b"PAR1" + b"\x00" * 100 + b"PAR1", 400, "is not a readable Parquet file"),
    ],
)
def test_score_file_refuses_unusable_files_with_the_reason(client, content, status, words):
    answer = upload(client, content)
    assert answer.status_code == status, answer.text
    assert words in answer.json["error"]


def test_score_file_loses_no_row_before_the_cut_of_a_file(client, rows):
    answer = upload(client, as_csv(rows)[:-40])
    assert answer.json["rows"] == len(rows)
    (error,) = answer.json["errors"]["first"]
    assert (error["row"], error["line"]) == (len(rows), len(rows) + 1)
    assert "where the header names 32" in error["error"]


def test_score_file_locates_an_encoding_error_in_a_large_file(client):
    content = ",".join(COLUMNS).encode() + "\nä".encode() * 600_000 + b"\xff\n"
    assert f"at byte {len(content) - 1:,} (line 600001)" in upload(client, content).json["error"]


def test_score_file_refuses_unusable_parquet(client, rows):
    whole = as_parquet(rows)
    assert upload(client, whole[: len(whole) // 2]).status_code == 400
    assert upload(client, whole[:200] + bytes(200) + whole[400:]).status_code in (200, 400)
    for name, value in (("V3", "x"), ("V4", True)):
        other = upload(client, as_parquet(rows.assign(**{name: value})))
        assert other.status_code == 422 and other.json["columns"] == [name]
    assert upload(client, as_parquet(rows.drop(columns="V3"))).json["columns"] == ["V3"]
    empty = upload(client, as_parquet(rows.head(0)))
    assert (empty.status_code, empty.json["error"]) == (422, "The file has no rows; send at least one.")
    twice = pa.table([pa.array([1.0])] * 2, names=["V1", "V1"])
    stream = io.BytesIO()
    parquet.write_table(twice, stream)
    assert upload(client, stream.getvalue()).json["columns"] == ["V1"]
    assert upload(client, as_parquet(rows.astype({"Time": "int32", "V1": "float32"}))).status_code == 200


def test_score_file_answers_too_many_rows_and_bytes_with_413(client, rows, monkeypatch):
    monkeypatch.setattr(table, "MAX_FILE_ROWS", 299)
    for content in (as_csv(rows), as_parquet(rows), as_csv(rows.assign(V1="x"))):
        answer = upload(client, content)
        assert answer.status_code == 413 and "The file has more than 299 rows" in answer.json["error"]
    monkeypatch.setattr(table, "MAX_FILE_ROWS", 300)
    assert upload(client, as_csv(rows)).status_code == 200
    gaps = ",".join(COLUMNS) + "\n" * 400 + "1\n"
    assert upload(client, gaps.encode()).status_code == 413
    assert upload(client, as_csv(rows) + b"\n" * 200).json["rows"] == 300
    quoted = rows.assign(note="one\ntwo\nthree")
    assert upload(client, as_csv(quoted)).json["rows"] == 300
    assert upload(client, as_csv(pd.concat([quoted, quoted.head(1)]))).status_code == 413
    monkeypatch.setattr(files, "MAX_FILE", 2**17)
    assert upload(client, as_csv(rows)).status_code == 413
    assert client.post("/api/v1/files", data=as_csv(rows), content_type="text/csv").status_code == 413


def test_score_file_says_that_a_form_has_too_many_fields(client, rows):
    answer = upload(client, as_csv(rows), **{f"field {number}": "x" for number in range(12)})
    assert answer.status_code == 413 and answer.json["error"].startswith("The form has more than 10 fields")


@pytest.mark.parametrize("address", ["/api/v1/files", "/api/v1/predict"])
def test_a_body_that_is_said_not_to_be_compressed_is_taken(client, rows, address):
    sent = {"data": as_csv(rows), "content_type": "text/csv", "headers": {"Content-Encoding": "identity"}}
    assert client.post(address, **sent).status_code == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"data": {"other": (io.BytesIO(b"x"), "x.csv")}}, 400),
        ({"data": {"file": "text and no file"}, "content_type": "multipart/form-data"}, 400),
        ({"data": b"x", "content_type": "text/plain"}, 415),
        ({"data": b"x", "content_type": "application/json"}, 415),
        ({"data": b"x"}, 415),
        ({"data": b"x", "content_type": "text/csv; charset=latin-1"}, 415),
        ({"data": b"x", "content_type": "text/csv", "headers": {"Content-Encoding": "gzip"}}, 415),
        ({"data": b"x", "content_type": "multipart/form-data"}, 400),
        ({"data": b"--b\r\n", "content_type": "multipart/form-data; boundary=b"}, 400),
    ],
)
def test_score_file_refuses_other_requests(client, sent, status):
    answer = client.post("/api/v1/files", **sent)
    assert answer.status_code == status and answer.json["error"]


# --- what is kept


def test_score_file_never_writes_the_clients_name_to_the_disk(client, app, rows, tmp_path):
    answer = upload(client, as_csv(rows), f"../../{tmp_path.name}/evil.csv")
    kept = list(app.extensions["results"].folder.iterdir())
    assert answer.status_code == 200
    assert all("evil" not in path.name for path in kept) and not list(tmp_path.iterdir())
    assert app.extensions["results"].folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("token", ["nothing", "..%2f..%2fetc%2fpasswd", "", "%00"])
def test_download_does_not_find_unknown_results(client, token):
    assert client.get(f"/api/v1/files/{token}.csv").status_code == 404


def test_results_are_removed_by_number_by_time_and_at_the_end(monkeypatch):
    one = pa.table({"row": [1]})
    monkeypatch.setattr(results, "KEEP_FILES", 3)
    kept = Results()
    tokens = [kept.add(one) for _ in range(4)]
    for age, token in zip((30, 20, 10), tokens[1:], strict=True):
        os.utime(kept.find(token), (time.time() - age,) * 2)
    assert kept.find(tokens[0]) is None and all(kept.find(token).exists() for token in tokens[1:])
    assert len(set(tokens)) == 4 and set(map(len, tokens)) == {32}
    kept.add(one)
    assert kept.find(tokens[1]) is None
    monkeypatch.setattr(results, "KEEP_SECONDS", 15)
    assert kept.find(tokens[2]) is None and kept.find(tokens[3]) is not None
    folder = kept.folder
    del kept
    assert not folder.exists()


def test_results_of_a_killed_process_are_removed_after_an_hour_as_well(tmp_path):
    left, being_written = tmp_path / "a.part", tmp_path / "b.part"
    for path in (left, being_written):
        path.write_text("row,probability\n1,0.5\n")
    os.utime(left, (time.time() - results.KEEP_SECONDS - 1,) * 2)
    Results(tmp_path)
    assert list(tmp_path.iterdir()) == [being_written]


def test_results_are_removed_after_an_hour_also_if_nobody_asks(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "REMOVE_EVERY", 0.01)
    kept = Results(tmp_path)
    kept.remove_regularly()
    old, fresh = (tmp_path / f"{letter * 32}.csv" for letter in "ab")
    for path in (fresh, old):
        path.write_text("row,probability\n1,0.5\n")
    os.utime(old, (time.time() - results.KEEP_SECONDS - 1,) * 2)
    end = time.monotonic() + 30
    while old.exists() and time.monotonic() < end:
        time.sleep(0.01)
    assert list(tmp_path.iterdir()) == [fresh]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_defused_puts_an_apostrophe_before_formulas_in_a_download(text):
    found = defused(pa.table({"error": [text, "V1 is empty", None], "Amount": [-1.0, 2.0, None]}))
    assert found.to_pydict() == {"error": [f"'{text}", "V1 is empty", None], "Amount": [-1.0, 2.0, None]}


def test_score_file_takes_no_more_than_a_few_files_at_once(client, rows):
    for _ in range(files.AT_ONCE):
        files._free_slots.acquire()
    try:
        busy = upload(client, as_csv(rows))
        assert busy.status_code == 503 and busy.headers["Retry-After"] == "5"
        assert "in a moment" in busy.json["error"]
    finally:
        for _ in range(files.AT_ONCE):
            files._free_slots.release()
    assert upload(client, as_csv(rows)).status_code == 200


class SlowBody(io.BytesIO):
    """A body whose sender stops half-way until it is told to go on."""

    def __init__(self, content):
        super().__init__(content)
        self.is_half_sent, self.may_go_on = threading.Event(), threading.Event()

    def readinto(self, buffer):
        if self.tell():
            self.is_half_sent.set()
            assert self.may_go_on.wait(60)
        return super().readinto(memoryview(buffer)[: len(self.getbuffer()) // 2 + 1])


@pytest.mark.parametrize("content_type", ["text/csv", "multipart/form-data; boundary=b"])
def test_score_file_scores_others_while_a_client_sends_slowly(app, client, rows, content_type):
    content = as_csv(rows)
    if "boundary" in content_type:
        head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="slow.csv"\r\n\r\n'
        content = head + content + b"\r\n--b--\r\n"
    body = SlowBody(content)
    sent = {"input_stream": body, "content_length": len(content), "content_type": content_type}
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(lambda: app.test_client().post("/api/v1/files", **sent))
        try:
            assert body.is_half_sent.wait(60)
            assert upload(client, as_csv(rows)).status_code == 200
        finally:
            body.may_go_on.set()
        assert slow.result().json["scored"] == len(rows)


def test_score_file_bounds_a_body_of_unknown_length(client, rows, monkeypatch):
    monkeypatch.setattr(files, "MAX_FILE", 2**10)
    for size, status in ((2**10, 200), (2**10 + 1, 413), (2**20, 413)):
        content = as_csv(rows.head(1)).ljust(size, b"\n")
        unknown = {"input_stream": io.BytesIO(content), "environ_overrides": {"wsgi.input_terminated": True}}
        assert client.post("/api/v1/files", content_type="text/csv", **unknown).status_code == status


def test_score_file_writes_no_values_to_the_log_or_the_figures(client, rows, caplog):
    marked = rows.head(2).assign(Amount=4711.4711, V1=["1", "4711.4711x"])
    with caplog.at_level(logging.INFO):
        upload(client, as_csv(marked), "4711.4711.csv")
    assert "POST /api/v1/files 200" in caplog.text and "4711.4711" not in caplog.text
    assert "4711.4711" not in client.get("/metrics").text


def test_score_file_and_predict_note_the_values_outside_the_range_of_training(client, rows):
    usual = rows.head(3).assign(Time=1000.0, V7=0.0)
    odd = usual.assign(V7=[0.0, 1e6, -1e6])
    answer = upload(client, as_csv(odd)).json
    assert f"Rows with values {OUTSIDE} were scored, too, so trust them less: V7 (2)." in answer["notes"]
    assert not any("V7" in note for note in upload(client, as_csv(usual)).json["notes"])
    notes = pd.read_csv(io.StringIO(client.get(answer["download"]).text))["note"].fillna("")
    assert [f"{OUTSIDE}: V7" in note for note in notes] == [False, True, True]
    predictions = client.post("/api/v1/predict", json=odd.to_dict("records")).json["predictions"]
    shown = [[note for note in row.get("notes", []) if "V7" in note] for row in predictions]
    assert shown == [[], [f"V7: 1000000 is {OUTSIDE}"], [f"V7: -1000000 is {OUTSIDE}"]]
