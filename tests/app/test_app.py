"""The web application: pages and API over a real, small model; no mocks."""

import contextlib
import gzip
import http.client
import io
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pyarrow import parquet

from app import app as app_module
from app import client as client_module
from app import security
from app.app import create_app
from app.building import about as about_module
from app.building import champion as building
from app.building import command as command_module
from app.building import exchange
from app.parsing import records
from app.server import monitoring
from app.server.state import lasting_folder
from app.serving import served
from app.settings import Settings, from_environment
from app.views.form_fields import field_key
from tests.chromium import serving
from tests.small_app import COLUMNS, transactions, zipped
from utils.benchmark.records import to_json
from utils.data.reading import MAX_COLUMNS
from utils.serving import bundle
from utils.serving.bundle import BundleError

pytest_plugins = ["tests.app_fixtures"]


def post_json(client, content, query=""):
    return client.post(f"/api/v1/predict{query}", data=json.dumps(content), content_type="application/json")


def post_csv(client, content, query=""):
    return client.post(f"/api/v1/predict{query}", data=content, content_type="text/csv")


# --- the API's answers


@pytest.mark.parametrize("form", ["json", "csv"])
def test_predict_gives_the_probabilities_of_the_model(client, fraud_model, rows, form):
    shuffled = rows.assign(Other="x")[["Other", *reversed(COLUMNS)]]
    if form == "json":
        answer = post_json(client, shuffled.to_dict("records"))
    else:
        answer = post_csv(client, shuffled.to_csv(index=False))
    assert answer.status_code == 200
    predictions = answer.json["predictions"]
    assert [entry["row"] for entry in predictions] == list(range(1, len(rows) + 1))
    expected = fraud_model.predict_proba(rows)
    np.testing.assert_allclose([entry["probability"] for entry in predictions], expected, rtol=0, atol=1e-9)
    decisions = np.array([entry["decision"] == "alert" for entry in predictions])
    np.testing.assert_array_equal(decisions, fraud_model.decide(rows))
    assert decisions.any() and not decisions.all()
    assert answer.json["threshold"] == fraud_model.threshold
    assert answer.json["model"].startswith("none+xgb@")


def test_predict_takes_a_single_object_as_one_row(client, rows):
    assert len(post_json(client, rows.iloc[0].to_dict()).json["predictions"]) == 1


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (float("nan"), "is not a finite number"),
        (float("inf"), "is not a finite number"),
        (1e308, "is too large"),
        (-1e308, "is too large"),
        (10**400, "is too large"),
        (None, "is empty"),
        ("1.5", "is text"),
        (True, "is not a number"),
        ([1], "is not a number"),
        ({}, "is not a number"),
    ],
)
def test_predict_reports_a_bad_json_value_in_its_row_only(client, rows, value, reason):
    sent = rows.head(3).to_dict("records")
    sent[1]["V7"] = value
    first, bad, last = post_json(client, sent).json["predictions"]
    assert bad["row"] == 2 and set(bad) == {"row", "error"}
    assert "V7" in bad["error"] and reason in bad["error"]
    assert "probability" in first and "probability" in last


@pytest.mark.parametrize(
    "value", ["", "abc", "nan", "inf", "-Infinity", "1e308", "1e999", "1_000", "١", "=1+1", "0x10"]
)
def test_predict_reports_a_bad_csv_value_in_its_row_only(client, rows, value):
    sent = rows.head(3).astype(object)
    sent.iloc[1, 7] = value
    first, bad, last = post_csv(client, sent.to_csv(index=False).encode()).json["predictions"]
    assert bad["error"].startswith("line 3: V7 is")
    assert "probability" in first and "probability" in last


def test_predict_answers_every_row_whatever_the_lines_hold(client, rows):
    header, *lines = rows.head(4).to_csv(index=False).splitlines()
    body = "\n".join([header, lines[0], "1,2,3", "", lines[1], lines[2] + ",9", lines[3][:40], "\n\n"])
    predictions = post_csv(client, body).json["predictions"]
    assert [entry["row"] for entry in predictions] == [1, 2, 3, 4, 5, 6]
    assert ["error" in entry for entry in predictions] == [False, True, True, False, True, True]
    assert predictions[1]["error"] == "line 3: has 3 values where the header names 30 columns"
    assert "empty line" in predictions[2]["error"]


def test_predict_reports_records_that_are_no_objects(client, rows):
    good = rows.iloc[0].to_dict()
    predictions = post_json(client, [1, good, None, {**good, "V1": None}, {"V1": 1}]).json["predictions"]
    assert ["error" in entry for entry in predictions] == [True, False, True, True, True]
    assert "V28 is missing" in predictions[4]["error"]


def test_predict_reads_quotes_byte_order_mark_and_windows_line_ends(client, rows):
    body = rows.head(2).to_csv(index=False, quoting=1, lineterminator="\r\n").encode("utf-8-sig")
    assert all("probability" in entry for entry in post_csv(client, body).json["predictions"])


# --- the model and the explanation that a request asks for


@pytest.mark.parametrize("form", ["json", "csv"])
def test_predict_scores_with_the_pair_that_is_asked_for(client, folder, rows, form):
    body, post = (rows.to_dict("records"), post_json) if form == "json" else (rows.to_csv(index=False), post_csv)
    answer = post(client, body, "?model=none%2Blr")
    expected = bundle.load(folder.with_name("pairs") / "none+lr").predict_proba(rows)
    assert answer.json["model"].startswith("none+lr@")
    probabilities = [entry["probability"] for entry in answer.json["predictions"]]
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["nothing", "", "../model", "none+lr/..", "champion+"])
def test_predict_answers_an_unknown_model_with_those_there_are(client, rows, name):
    answer = client.post("/api/v1/predict", query_string={"model": name}, json=rows.head(1).to_dict("records"))
    assert answer.status_code == 404
    assert answer.json["error"] == "There is no model of that name; choose one of champion, none+lr."


@pytest.mark.parametrize("name", ["champion", "none+lr"])
def test_predict_explanations_add_up_to_the_log_odds(client, rows, name):
    sent = rows.head(3).to_dict("records")
    sent[1]["V1"] = None
    answer = client.post("/api/v1/predict", query_string={"model": name, "explain": "true"}, json=sent)
    first, bad, last = answer.json["predictions"]
    assert "explanation" not in bad and "error" in bad
    for entry, row in ((first, sent[0]), (last, sent[2])):
        found = entry["explanation"]["contributions"]
        odds = np.log(entry["probability"] / (1 - entry["probability"]))
        total = entry["explanation"]["base"] + sum(one["contribution"] for one in found)
        assert total == pytest.approx(odds, abs=1e-6)
        assert {one["feature"]: one["value"] for one in found} == row
        sizes = [abs(one["contribution"]) for one in found]
        assert sizes == sorted(sizes, reverse=True) and sizes[0] > 0


def test_predict_says_in_its_own_words_that_a_number_has_too_many_digits(client):
    answer = client.post("/api/v1/predict", data=b'[{"V1": ' + b"1" * 5000 + b"}]", content_type="application/json")
    assert answer.status_code == 400
    assert answer.json["error"] == "The body is not valid JSON: a number has too many digits."


def test_predict_explains_whole_numbers_like_others(client):
    row = dict.fromkeys(COLUMNS, 1)
    rows = [[{name: kind(value) for name, value in row.items()}] for kind in (int, float)]
    whole, decimal = (post_json(client, sent, "?explain=true") for sent in rows)
    assert whole.status_code == 200 and whole.json == decimal.json


def test_predict_explains_only_a_hundred_rows(client, rows):
    many = rows.sample(101, replace=True, random_state=0).to_dict("records")
    refused = post_json(client, many, "?explain=true")
    assert refused.status_code == 422 and "up to 100" in refused.json["error"]
    assert post_json(client, many, "?explain=false").status_code == 200
    assert post_json(client, many[:100], "?explain=true").status_code == 200
    assert post_json(client, many[:1], "?explain=perhaps").status_code == 422


# --- refused as a whole


def test_predict_names_missing_columns(client, rows):
    short = rows.drop(columns=["V3", "Amount"]).head(2)
    for answer in (post_csv(client, short.to_csv(index=False)), post_json(client, short.to_dict("records"))):
        assert answer.status_code == 422
        assert answer.json["columns"] == ["V3", "Amount"]
        assert "V3, Amount" in answer.json["error"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "empty"),
        (b" \n\n", 400, "empty"),
        (b"\x00\x01\x02\x03" * 20, 400, "binary"),
        (zipped(b"Time,V1\n1,2\n"), 422, "Columns are missing: V2, V3"),
        (gzip.compress(b"Time,V1\n1,2\n", mtime=0), 422, "Columns are missing: V2, V3"),
        (gzip.compress(b"Time,V1\n1,2\n", mtime=0)[:12], 400, "cannot be unpacked"),
        (bytes(range(128, 256)), 400, "UTF-8"),
        ("Time;V1;Beträge\n1;2;3\n".encode() + b"\xe4", 400, "UTF-8"),
        ("Time,V1\n".encode("utf-16"), 422, "Columns are missing: V2, V3"),
        (b"Time;V1;V2\n1;2;3\n", 422, "Columns are missing: V3, V4"),
        (b"Time\n1\n2\n", 422, "Columns are missing"),
        (",".join(COLUMNS).encode()[:20], 422, "Columns are missing: V6, V7"),
        (b"V1,V2,V1\n1,2,3\n", 422, "named twice: V1"),
        (b'V1,V2," V1"\n1,2,3\n', 422, "named twice: V1"),
        (",".join(COLUMNS).encode(), 422, "no rows"),
        (",".join(COLUMNS).encode() + b'\n"1,2', 400, "The body, line 2, cannot be read"),
        (b"x" * 200_000, 400, "cannot be read"),
    ],
)
def test_predict_refuses_unusable_csv_with_the_reason(client, body, status, words):
    answer = post_csv(client, body)
    assert answer.status_code == status
    assert words in answer.json["error"]
    assert answer.json["status"] == status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'"text"', 400),
        (b"3", 400),
        (b"null", 400),
        (b"[" * 100_000, 400),
        (b'[{"V1": 1, "V1": 2}]', 400),
        (b'[{"V1": ' + b"9" * 5000 + b"}]", 400),
        (b"[]", 422),
        (b"{}", 422),
    ],
)
def test_predict_refuses_unusable_json(client, body, status):
    answer = client.post("/api/v1/predict", data=body, content_type="application/json")
    assert answer.status_code == status
    assert answer.json["error"]


@pytest.mark.parametrize(
    ("content_type", "more"),
    [
        ("text/plain", {}),
        ("application/x-www-form-urlencoded", {}),
        ("", {}),
        ("text/csv; charset=latin-1", {}),
        ("text/csv", {"Content-Encoding": "gzip"}),
    ],
)
def test_predict_answers_other_content_types_with_415(client, content_type, more):
    answer = client.post("/api/v1/predict", data=b"Time\n1", content_type=content_type, headers=more)
    assert answer.status_code == 415
    assert "text/csv" in answer.json["error"]


def test_predict_answers_too_many_bytes_and_too_many_rows_with_413(client):
    assert post_csv(client, b"1" * (security.MAX_BODY + 1)).status_code == 413
    too_many = post_json(client, [0] * (records.MAX_ROWS + 1))
    assert too_many.status_code == 413 and "50,000" in too_many.json["error"]
    lines = ",".join(COLUMNS) + "\n" + "1\n" * (records.MAX_ROWS + 1)
    assert post_csv(client, lines).status_code == 413
    gaps = ",".join(COLUMNS) + "\n" * (records.MAX_ROWS + 10) + "1\n"
    assert post_csv(client, gaps).status_code == 413


# --- the work that names make

WIDE = {f"x{number}": 1 for number in range(40_000)}


def parquet_of(row):
    stream = io.BytesIO()
    parquet.write_table(pa.table({name: [float(value)] for name, value in row.items()}), stream)
    return stream.getvalue()


def csv_of(row):
    return f"{','.join(row)}\n{','.join(map(str, row.values()))}\n".encode()


def tensors_of(row):
    cell = {"datatype": "FP64", "shape": [1]}
    return json.dumps({"inputs": [{"name": name, **cell, "data": [value]} for name, value in row.items()]}).encode()


WAYS = {
    "json": ("/api/v1/predict", "application/json", lambda row: json.dumps(row).encode()),
    "json, not all rows": ("/api/v1/predict", "application/json", lambda row: json.dumps([{}, row]).encode()),
    "csv": ("/api/v1/predict", "text/csv", csv_of),
    "csv file": ("/api/v1/files", "text/csv", csv_of),
    "parquet file": ("/api/v1/files", "application/vnd.apache.parquet", parquet_of),
    "tensors": ("/v2/models/champion/infer", "application/json", tensors_of),
}


@pytest.mark.parametrize("way", WAYS)
def test_predict_bounds_the_columns_and_those_within_the_bound_take_no_time(client, rows, way):
    address, content_type, body_of = WAYS[way]
    row = rows.iloc[0].to_dict()
    widest = dict(list(WIDE.items())[: MAX_COLUMNS - len(row)]) | row
    for sent, status in ((widest, 200), ({**widest, "one more": 1}, 413), ({**WIDE, **row}, 413)):
        body = body_of(sent)
        start = time.process_time()
        answer = client.post(address, data=body, content_type=content_type)
        assert answer.status_code == status, answer.text
        assert time.process_time() - start < 8  # work that grew with the square took 15 s and 30 s
    assert "10,000" in answer.json["error"] and "columns" in answer.json["error"]


class Counting(str):
    """A name that counts how often names were compared with each other."""

    comparisons = 0
    __hash__ = str.__hash__

    def __eq__(self, other):
        Counting.comparisons += 1
        return str.__eq__(self, other)


def test_check_names_compares_as_often_as_there_are_names():
    names = [Counting(f"x{number}") for number in range(5000)]
    Counting.comparisons = 0
    records.check_names(names)
    with pytest.raises(records.BodyError, match=r"named twice: x1, x2\."):
        records.check_names([*names, "x1", "x2"])
    assert Counting.comparisons < 5 * len(names)


def test_read_json_takes_no_time_for_rows_that_each_have_other_keys(client, rows):
    row = rows.iloc[0].to_dict()
    every = [{f"x{number}_{place}": 1 for place in range(3)} | row for number in range(5000)]
    empty = [{}] * 20_000 + [row]
    for sent in (every, empty):
        start = time.process_time()
        assert post_json(client, sent).status_code == 200
        assert time.process_time() - start < 8


def test_read_json_finds_a_column_that_no_row_has_in_one_pass_over_the_rows():
    class Row(dict):
        looks = 0

        def __contains__(self, name):
            Row.looks += 1
            return super().__contains__(name)

    sent = [Row(x=1) for _ in range(1000)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "json_body", lambda body: sent)
        with pytest.raises(records.BodyError, match="Columns are missing: x0, x1"):
            records.read_json(b"", [f"x{number}" for number in range(1000)])
    assert Row.looks < 2000


# --- other addresses of the API


def test_models_and_health_are_described(client, fraud_model):
    entry, pair = client.get("/api/v1/models").json["models"]
    assert (entry["name"], pair["name"]) == ("champion", "none+lr")
    assert entry["model"].startswith("none+xgb@") and pair["model"].startswith("none+lr@")
    assert (entry["label"], pair["label"]) == ("XGBoost with no resampling", "Logistic regression with no resampling")
    assert entry["scores"] == {"average_precision": 0.8, "interval": [0.7, 0.9], "folds": 10, "profile": "full"}
    assert entry["card"] == to_json(fraud_model.card)
    assert entry["columns"] == pair["columns"]
    assert entry["columns"] == list(fraud_model.raw_columns)
    assert entry["threshold"] == fraud_model.threshold
    assert set(entry["examples"]) == {"fraud", "legitimate"}
    assert client.get("/v2/health/live").json == {"live": True}
    assert client.get("/v2/health/ready").json == {"ready": True}


def test_security_answers_wrong_addresses_and_methods_in_kind(client):
    missing = client.get("/api/v1/nothing")
    assert missing.status_code == 404
    assert missing.json["error"] == "There is no such address; the page /docs lists those of the API."
    wrong = client.get("/api/v1/predict")
    assert wrong.status_code == 405 and "POST" in wrong.headers["Allow"]
    page = client.get("/nothing")
    assert page.status_code == 404 and "no such page" in page.text


# --- people who mean harm


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/nothing", 404),
        ("GET", "/static/style.css", 200),
        ("GET", "/api/v1/models", 200),
        ("GET", "/api/v1/predict", 405),
        ("POST", "/api/v1/predict", 415),
        ("POST", "/predict", 400),
        ("GET", "/metrics", 200),
        ("GET", "/%0d%0aSet-Cookie:%20a=b", 404),
    ],
)
def test_security_headers_are_in_every_answer(client, method, address, status):
    answer = client.open(address, method=method)
    assert answer.status_code == status
    assert all(answer.headers.getlist(name) == [value] for name, value in security.HEADERS.items())


def test_security_allows_nothing_inline_and_the_cookie_for_this_site_only(app):
    assert "unsafe" not in security.POLICY
    cookie = app.test_client().get("/predict").headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie


@pytest.mark.parametrize(
    ("trusted", "host"),
    [
        (None, "LOCALHOST:5077"),
        (None, "127.0.0.1"),
        (None, "[::1]:5079"),
        ("Scores.Example, ::1", "scores.example"),
        ("scores.example", "SCORES.example:81"),
        (".Example", "a.EXAMPLE"),
        (".example", "example"),
        ("[2001:DB8:0::1]", "[2001:db8::1]:5000"),
        ("2001:db8::1", "[2001:DB8::1]"),
    ],
)
def test_security_answers_to_every_trusted_host_however_it_is_written(folder, trusted, host):
    environ = {"FRAUD_FOLDER": str(folder)} | ({"FRAUD_TRUSTED_HOSTS": trusted} if trusted else {})
    client = create_app(from_environment(environ)).test_client()
    origin = f"http://{host.lower()}"  # as browsers write it
    assert client.get("/", headers={"Host": host}).status_code == 200
    body = {"headers": {"Host": host, "Origin": origin}, "data": "[]", "content_type": "application/json"}
    assert client.post("/api/v1/predict", **body).status_code == 422


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evillocalhost", "", "a b", "[::2]", "localhost:99999"]
)
def test_security_refuses_other_host_names(client, host):
    for address in ("/", "/api/v1/models"):
        answer = client.get(address, headers={"Host": host})
        assert answer.status_code == 400
        assert "XGBoost" not in answer.text


def test_security_shows_nothing_of_the_inside_in_a_failure(folder, rows, caplog):
    app = create_app(Settings(folder=folder))
    object.__setattr__(app.extensions["catalog"].champion.model, "scaler", None)
    with caplog.at_level(logging.INFO):
        answer = post_json(app.test_client(), rows.head(1).to_dict("records"))
    assert answer.status_code == 500
    assert "Traceback" not in answer.text and "NoneType" not in answer.text and ".py" not in answer.text
    assert "AttributeError in api.predict" in caplog.text
    assert all(answer.headers[name] == value for name, value in security.HEADERS.items())


@pytest.mark.parametrize("address", ["/", "/predict?example=fraud", "/models", "/docs", "/v2/models/champion"])
def test_security_shows_nothing_of_the_inside_on_a_page_that_fails(folder, address):
    app = create_app(Settings(folder=folder))
    app.extensions["catalog"]._champion.served = None  # and then nothing can be loaded
    app.extensions["catalog"]._champion.folder = folder / "secret"
    answer = app.test_client().get(address)
    assert answer.status_code in (500, 503)
    assert not re.search(r"Traceback|NoneType|\.py\b|secret/|/tmp", answer.text)


def test_security_log_holds_no_values_and_no_text_of_the_client(client, rows, caplog):
    marked = {**rows.iloc[0].to_dict(), "Amount": 4711.4711}
    with caplog.at_level(logging.INFO):
        post_json(client, [marked, {**marked, "V1": "4711.4711"}])
        post_csv(client, rows.head(1).assign(V2="4711.4711x").to_csv(index=False))
        client.post("/predict", data={field_key(name): str(value) for name, value in marked.items()})
        client.post("/v2/models/champion/infer", json=tensors(pd.DataFrame([marked])))
        client.post("/v2/models/champion/infer", json=tensors(pd.DataFrame([marked]).assign(V1="4711.4711")))
        client.open("/api/v1/predict", method="M4711")
        client.get("/4711.4711%0aforged")
    assert "POST /api/v1/predict 200" in caplog.text
    assert "4711" not in caplog.text and "forged" not in caplog.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:81"}, 403),
        ({"Origin": "http://[:::]"}, 403),
    ],
)
def test_security_refuses_requests_for_pages_of_other_sites(client, rows, headers, status):
    for address, body in (("/api/v1/predict", rows.head(1).to_csv(index=False)), ("/api/v1/files", rows.to_csv())):
        answer = client.post(address, data=body, content_type="text/csv", headers=headers)
        assert answer.status_code == status
        assert status == 200 or "other sites" in answer.json["error"]


# --- what the server tells of itself


def test_monitor_counts_requests_and_rows_for_prometheus(folder, rows):
    client = create_app(Settings(folder=folder)).test_client()
    post_json(client, [*rows.head(3).to_dict("records"), 7])
    client.get("/api/v1/nothing")
    found = client.get("/metrics")
    assert found.mimetype == "text/plain"
    samples = {
        frozenset({sample.name, *sample.labels.values()}): sample.value
        for family in text_string_to_metric_families(found.text)
        for sample in family.samples
    }
    name = served.load_served(folder).name
    expected = {
        ("fraud_requests_total", "/api/v1/predict", "200", "POST"): 1,
        ("fraud_requests_total", "(no such address)", "404", "GET"): 1,
        ("fraud_request_seconds_count", "/api/v1/predict"): 1,
        ("fraud_rows_total", "error", name): 1,
        ("fraud_model_info", "champion", name): 1,
    }
    assert {key: samples[frozenset(key)] for key in expected} == expected
    assert sum(samples[frozenset({"fraud_rows_total", outcome, name})] for outcome in ("alert", "pass")) == 3


# --- KServe V2


def tensors(rows, **changes):
    inputs = [
        {"name": name, "datatype": "FP64", "shape": [len(rows)], "data": rows[name].tolist()} for name in rows.columns
    ]
    return {"id": "7", "inputs": inputs, **changes}


@pytest.mark.parametrize("name", ["champion", "none+lr"])
def test_infer_scores_tensors_as_rows_are(client, rows, name):
    shuffled = rows[[*reversed(COLUMNS)]].assign(Other=1.0)
    answer = client.post(f"/v2/models/{name}/infer", json=tensors(shuffled))
    assert answer.status_code == 200, answer.text
    expected = post_json(client, rows.to_dict("records"), f"?model={name.replace('+', '%2B')}").json
    probability, alert = answer.json["outputs"]
    assert probability["data"] == [entry["probability"] for entry in expected["predictions"]]
    assert alert["data"] == [entry["decision"] == "alert" for entry in expected["predictions"]]
    assert (probability["datatype"], probability["shape"]) == ("FP64", [len(rows)])
    assert answer.json["id"] == "7" and answer.json["model_name"] == name
    assert expected["model"].endswith(f"@{answer.json['model_version']}")


def test_infer_takes_tensors_as_columns_and_outputs_by_choice(client, rows):
    sent = tensors(rows.head(2), outputs=[{"name": "alert"}])
    for tensor in sent["inputs"]:
        tensor["shape"], tensor["data"] = [2, 1], [[value] for value in tensor["data"]]
    answer = client.post("/v2/models/champion/infer", json=sent)
    assert [output["name"] for output in answer.json["outputs"]] == ["alert"]


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        (lambda sent: sent["inputs"].pop(), 422, "Columns are missing: Amount"),
        (lambda sent: sent["inputs"].append(sent["inputs"][0]), 422, "named twice"),
        (lambda sent: sent["inputs"][0].update(shape=[3]), 422, "shape of Time"),
        (lambda sent: sent["inputs"][0].update(shape=[1], data=[1.0]), 422, "different numbers of rows"),
        (lambda sent: sent["inputs"][0].update(datatype="BYTES"), 422, "datatype of Time"),
        (lambda sent: sent["inputs"][0]["data"].__setitem__(1, None), 422, "Row 2: Time is empty"),
        (lambda sent: sent["inputs"][0]["data"].__setitem__(0, "1"), 422, "Row 1: Time is text"),
        (lambda sent: sent["inputs"][0]["data"].__setitem__(0, [1, 2]), 422, "Row 1: Time is not a number"),
        (lambda sent: sent["inputs"][7]["data"].__setitem__(1, float("nan")), 422, "Row 2: V7 is not a finite number"),
        (lambda sent: sent["inputs"][7]["data"].__setitem__(1, float("-inf")), 422, "Row 2: V7 is not a finite number"),
        (lambda sent: sent["inputs"][7]["data"].__setitem__(1, 1e308), 422, "Row 2: V7 is too large"),
        (lambda sent: sent["inputs"][7].update(shape=[50_001], data=[1] * 50_001), 413, "more than 50,000"),
        (lambda sent: sent["inputs"].append("x"), 400, "must be an object"),
        (lambda sent: sent.pop("inputs"), 400, "list of inputs"),
        (lambda sent: sent.update(id=7), 400, "id"),
        (
            lambda sent: sent["inputs"][0].update(datatype="UINT8", data=[1, -5]),
            400,
            "Row 2: Time does not fit into UINT8",
        ),
        (
            lambda sent: sent["inputs"][0].update(datatype="UINT8", data=[300.5, 1]),
            400,
            "Row 1: Time does not fit into UINT8",
        ),
        (
            lambda sent: sent["inputs"][0].update(datatype="INT16", data=[1, 32768]),
            400,
            "Row 2: Time does not fit into INT16",
        ),
        (lambda sent: sent.update(outputs=[{"name": "other"}]), 422, "probability or alert"),
        (lambda sent: sent.update(outputs="alert"), 422, "probability or alert"),
        (lambda sent: sent.update(outputs=5), 422, "probability or alert"),
        (lambda sent: sent.update(outputs={}), 422, "probability or alert"),
        (lambda sent: sent.update(outputs=False), 422, "probability or alert"),
        (lambda sent: sent.update(outputs=[{"name": []}]), 422, "probability or alert"),
        (lambda sent: sent.update(outputs=[{"name": None}]), 422, "probability or alert"),
        (lambda sent: sent.update(outputs=[{"name": "alert"}] * 2), 422, "An output is named twice."),
        (lambda sent: sent["inputs"][0].update(datatype=["FP64"]), 422, "datatype of Time"),
        (lambda sent: sent["inputs"][0].update(datatype={}), 422, "datatype of Time"),
        (lambda sent: [tensor.update(shape=[True], data=[1]) for tensor in sent["inputs"]], 422, "shape of Time"),
        (lambda sent: sent["inputs"][0].update(shape=2), 422, "shape of Time"),
        (lambda sent: sent["inputs"][0].update(shape=[2, 1.0]), 422, "shape of Time"),
        (lambda sent: sent["inputs"][0].update(data={"0": 1}), 422, "shape of Time"),
        (lambda sent: sent["inputs"][0].update(name=["Time"]), 400, "must be an object with name"),
    ],
)
def test_infer_refuses_unusable_tensors(client, rows, change, status, words):
    sent = tensors(rows.head(2))
    change(sent)
    answer = client.post("/v2/models/champion/infer", json=sent)
    assert answer.status_code == status and words in answer.json["error"], answer.text


def test_infer_takes_whole_numbers_and_an_id_of_null(client, rows):
    sent = tensors(rows.head(2).assign(Time=[1.0, 255]), id=None)
    sent["inputs"][list(rows).index("Time")]["datatype"] = "UINT8"
    answer = client.post("/v2/models/champion/infer", json=sent)
    assert answer.status_code == 200 and answer.json.get("id") is None


@pytest.mark.parametrize("outputs", [None, []])
def test_infer_gives_all_outputs_where_none_is_named(client, rows, outputs):
    answer = client.post("/v2/models/champion/infer", json=tensors(rows.head(2), outputs=outputs))
    assert [output["name"] for output in answer.json["outputs"]] == ["probability", "alert"]


def test_metadata_describes_the_tensors_of_models(client):
    for name in ("champion", "none+lr"):
        found = client.get(f"/v2/models/{name}").json
        assert [tensor["name"] for tensor in found["inputs"]] == list(COLUMNS)
        assert [tensor["name"] for tensor in found["outputs"]] == ["probability", "alert"]
        assert client.get(f"/v2/models/{name}/ready").json == {"name": name, "ready": True}
    assert client.get("/v2/models/nothing").status_code == 404
    assert client.get("/v2").json["name"] == "app"


# --- what is served


def damaged(folder, tmp_path, change):
    copy = tmp_path / "model"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    change(copy)
    return copy


@pytest.mark.parametrize(
    "change",
    [
        lambda copy: (copy / "classifier.ubj").write_bytes(b"{}"),
        lambda copy: (copy / "scaler.json").unlink(),
        lambda copy: (copy / "card.json").write_text("{"),
        lambda copy: (copy / "card.json").write_text('{"files": {}}'),
        lambda copy: (copy / "examples.json").unlink(),
        lambda copy: (copy / "examples.json").write_text("{}"),
        lambda copy: [path.unlink() for path in copy.iterdir()],
    ],
    ids=["changed", "missing", "broken card", "empty card", "no examples", "empty examples", "empty"],
)
def test_create_app_refuses_a_broken_model(folder, tmp_path, change):
    with pytest.raises(BundleError):
        create_app(Settings(folder=damaged(folder, tmp_path, change)))


def test_exchange_replaces_the_whole_old_folder_by_the_new_one(tmp_path):
    old, new = tmp_path / "model", tmp_path / "staging" / "new"
    new.mkdir(parents=True)
    (new / "b").write_text("new")
    exchange.exchange(new, old)
    assert [path.name for path in old.iterdir()] == ["b"]
    (tmp_path / "staging" / "next").mkdir()
    exchange.exchange(tmp_path / "staging" / "next", old)
    assert not any(old.iterdir())
    with pytest.raises(OSError):
        exchange.exchange(tmp_path / "nowhere" / "new", old)
    assert old.exists()


@pytest.mark.parametrize(("n_renames", "expected"), [(1, "old"), (2, "new")])
def test_exchange_leaves_a_whole_folder_where_a_signal_ends_it(tmp_path, monkeypatch, n_renames, expected):
    folder, new = tmp_path / "model", tmp_path / "staging" / "new"
    for path in (folder, new):
        path.mkdir(parents=True)
        (path / "card.json").write_text("old" if path == folder else "new")
    rename, renamed = os.rename, []

    def rename_and_interrupt(source, target):
        rename(source, target)
        renamed.append(target)
        if len(renamed) == n_renames:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(os, "rename", rename_and_interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs in the background of a shell ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            exchange.exchange(new, folder)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (folder / "card.json").read_text() == expected


def test_registered_champion_comes_back_as_it_was_saved(folder, tmp_path, monkeypatch):
    from utils.benchmark import tracking

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("STUDY_OUTPUT", str(tmp_path))
    with pytest.raises(LookupError, match="champion"):
        building.registered_champion()
    saved = bundle.save(bundle.load(folder), tmp_path / "saved")
    tracking.register_champion(saved, {}, study="creditcard")
    expected = bundle.load(folder).predict_proba(transactions())
    np.testing.assert_array_equal(building.registered_champion().predict_proba(transactions()), expected)


def test_describe_takes_typical_rows_of_each_class_as_examples(fraud_model):
    frame = transactions()
    about = about_module.describe(fraud_model, "a test", frame)
    for kind, value in (("fraud", 1), ("legitimate", 0)):
        of_class = frame[frame["Class"] == value]
        assert (of_class[list(COLUMNS)] == pd.Series(about.examples[kind])).all(axis=1).sum() == 1
    assert about.ranges["Amount"] == (frame["Amount"].min(), frame["Amount"].max())
    assert about.label == "XGBoost with no resampling"


# --- the real server and its client


@pytest.fixture(scope="module")
def server(folder):
    """Address of a server process for the model, which Ctrl+C ends; a trace in its output fails the tests."""
    with serving(folder, ending=signal.SIGINT) as url:
        yield url


def run_client(*arguments):
    command = [sys.executable, "-m", "app.client", *arguments]
    environment = {**os.environ, "http_proxy": "http://127.0.0.1:9"}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)


def test_client_prints_the_answers_of_the_real_server(server):
    done = run_client("--url", server)
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"as JSON:\nmodel none\+xgb@\w{12}, threshold 0.2\n  row 1: probability [01]\S*, alert\n", done.stdout
    )
    assert re.search(
        r"row 2: probability \S+, pass\n  row 3: line 4: has 31 values where the header names 30 columns\n$",
        done.stdout,
    )


def test_client_sends_a_file_of_ones_own(server, tmp_path, rows):
    path = tmp_path / "mine.csv"
    rows.to_csv(path, index=False)
    assert f"row {len(rows)}: probability" in run_client("--url", server, "--file", str(path)).stdout
    path.write_text("V1\n1\n")
    refused = run_client("--url", server, "--file", str(path))
    assert refused.returncode == 1 and "422: Columns are missing: Time, V2" in refused.stderr


def test_client_says_when_no_server_answers():
    done = run_client("--url", "http://127.0.0.1:9")
    assert done.returncode == 1 and "python -m app.app" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("url", ["foo", "", "127.0.0.1:5000", "localhost:5000", "ftp://a.example", "/api"])
def test_client_says_that_an_address_is_none(url):
    done = run_client("--url", url)
    assert done.returncode == 1 and done.stdout == ""
    assert (
        done.stderr == f"{url}/api/v1/models is no address of a server; give one such as --url http://127.0.0.1:5000.\n"
    )


@pytest.mark.parametrize("url", ["http://", "http://[::1", "http://a b", "http://a:port"])
def test_client_says_that_an_address_cannot_be_used(url):
    done = run_client("--url", url)
    assert done.returncode == 1 and "does not answer (" in done.stderr and "Traceback" not in done.stderr


def test_client_says_that_what_answers_is_no_server_of_this_study():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        def answer():
            connection, _ = other.accept()
            with connection:
                connection.sendall(b"220 mail.example ESMTP\r\n")
                connection.recv(2**16)

        thread = threading.Thread(target=answer)
        thread.start()
        done = run_client("--url", f"http://127.0.0.1:{port}")
        thread.join()
    assert done.returncode == 1 and "does not answer (" in done.stderr and "Traceback" not in done.stderr


def test_server_keeps_its_version_to_itself_and_refuses_large_bodies(server):
    with client_module.OPENER.open(f"{server}/") as answer:
        assert answer.headers["Server"] == "gunicorn"  # and no version
    body = urllib.request.Request(
        f"{server}/api/v1/predict", data=b"1" * (security.MAX_BODY + 1), headers={"Content-Type": "text/csv"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        client_module.OPENER.open(body, timeout=30)
    assert refused.value.code == 413
    assert json.load(refused.value)["status"] == 413


def test_server_caps_a_body_of_unknown_length_as_well(server):
    connection = http.client.HTTPConnection(server.removeprefix("http://"), timeout=30)
    chunks = (b"1" * 2**20 for _ in range(security.MAX_BODY // 2**20 + 1))
    connection.request("POST", "/api/v1/predict", chunks, {"Content-Type": "text/csv"}, encode_chunked=True)
    answer = connection.getresponse()
    assert (answer.status, json.load(answer)["status"]) == (413, 413)
    connection.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"4711 4711 4711\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"4711" * 2**18 + b"\r\n\r\n",
        b"POST /api/v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % 2**40,
        b"POST /api/v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nTransfer-Encoding: x\r\n\r\n1",
        b"POST /api/v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n"
        b"\r\nZZ\r\n",
    ],
    ids=["no HTTP", "long header", "negative length", "a terabyte", "two lengths", "no chunk"],
)
def test_server_refuses_what_is_no_proper_request(server, sent):
    host, port = server.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        with contextlib.suppress(ConnectionError):  # the server need not read on
            connection.sendall(sent)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        text = answer.read().decode()
    assert answer.status in (400, 413, 415, 431, 501)
    assert answer.headers["Server"] in ("gunicorn", None) and not re.search(r"Traceback|\.py\b", text)


def test_server_workers_answer_count_together_and_share_results(server, rows):
    before = counted(server)
    for _ in range(40):
        call_new(f"{server}/v2/health/live")
    scored = json.loads(call_new(f"{server}/api/v1/files", rows.to_csv(index=False).encode(), "text/csv"))
    for _ in range(10):
        assert call_new(server + scored["download"]).startswith(b'"row"')
    assert counted(server) - before == 40


def test_main_says_that_a_port_is_taken(server, folder):
    port = server.rpartition(":")[2]
    command = [sys.executable, "-m", "app.app", "--port", port, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert (
        f"Port {port} of 127.0.0.1 cannot be used" in done.stderr
        and "--port" in done.stderr
        and "Traceback" not in done.stderr
    )


@pytest.fixture
def start(folder, monkeypatch, capsys):
    """Starts the server in this process, where it cannot; gives what it returned and what it said."""
    monkeypatch.setattr(monitoring, "count_together", lambda place: None)
    monkeypatch.setattr(app_module.Server, "run", lambda self: pytest.fail("the server started"))

    def main(*arguments):
        try:
            status = app_module.main(["--folder", str(folder), *map(str, arguments)])
        except SystemExit as ended:
            status = ended.code
        return status, capsys.readouterr().err.splitlines()[-1]

    return main


@pytest.mark.parametrize("port", ["70000", "65536", "0", "-1", "99999999999", "abc", "1e3", "", " 5000", "١"])
def test_main_says_that_a_port_is_none(start, port):
    status, said = start(f"--port={port}")
    assert status == 2
    assert said.endswith(f"error: argument --port: {port} is no port; choose a number from 1 to 65535.")


def test_main_says_that_a_port_is_in_use(start):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        status, said = start("--port", port, "--workers", 1)
    words = f"Port {port} of 127.0.0.1 cannot be used (Address already in use); choose another one with --port."
    assert (status, said) == (1, words)


@pytest.mark.parametrize("host", ["192.0.2.1", "nohost.invalid", "::2"])
def test_main_says_that_this_machine_does_not_have_the_address(start, host):
    status, said = start("--port", 5999, "--host", host)
    assert status == 1 and said.startswith(f"Port 5999 of {host} cannot be used (")
    assert said.endswith("); this machine must have that address and let programs listen on it.")


def test_main_says_that_only_the_administrator_may_use_a_port(start, monkeypatch):
    def bind(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", bind)
    said = "Port 80 of 127.0.0.1 cannot be used (Permission denied); choose one from 1024 on with --port."
    assert start("--port", 80) == (1, said)


def test_main_says_that_the_machine_has_no_temporary_folder(start, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/proc/nowhere")
    said = "No temporary folder can be written (No such file or directory); name one that can in TMPDIR."
    assert start("--port", 5999) == (1, said)


@pytest.mark.parametrize(
    ("folder", "reason"), [("/etc/passwd/state", "Not a directory"), ("/proc/state", "No such file or directory")]
)
def test_main_says_that_the_folder_for_what_workers_share_cannot_be_made(start, folder, reason):
    said = f"{folder} cannot be made or written to ({reason}); name another with --state."
    assert start("--port", 5999, "--state", folder) == (1, said)


def test_main_leaves_the_state_of_another_server_alone(start, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    kept = lasting_folder()
    kept.mkdir()
    os.utime(kept, (0, 0))
    monkeypatch.setattr(app_module, "create_shared_app", lambda settings: (settings.state / "no" / "file").touch())
    status, said = start("--port", 5999)
    assert status == 1 and said.endswith("no/file cannot be used (No such file or directory).")
    assert list(tmp_path.iterdir()) == [kept]


def test_main_leaves_nothing_behind_where_the_server_cannot_start(start, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(app_module, "create_shared_app", lambda settings: (settings.state / "no" / "file").touch())
    assert start("--port", 5999)[0] == 1 and not list(tmp_path.iterdir())


@pytest.mark.parametrize("more", [[], ["--pairs", "none+lr"]])
@pytest.mark.parametrize("place", ["/proc/nowhere/model", "{tmp}/a file/model"])
def test_command_says_that_models_cannot_be_written_before_anything_is_computed(
    tmp_path, capsys, monkeypatch, place, more
):
    (tmp_path / "a file").write_text("")
    monkeypatch.setattr(building, "chosen_model", lambda: pytest.fail("something was computed"))
    monkeypatch.setattr("app.building.pairs.fitted_pairs", lambda *_: pytest.fail("something was computed"))
    assert command_module.main(["--folder", place.format(tmp=tmp_path), *more]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and said[0].startswith("A file cannot be read or written (") and "--folder" in said[0]


def counted(server):
    line = re.search(rb'fraud_requests_total\{[^}]*"/v2/health/live"[^}]*\} (\S+)', call_new(f"{server}/metrics"))
    return float(line[1]) if line else 0


def call_new(url, body=None, content_type="application/json"):
    """The answer over a connection of its own, which any worker may take."""
    asked = urllib.request.Request(url, data=body, headers={"Content-Type": content_type, "Connection": "close"})
    with client_module.OPENER.open(asked, timeout=30) as answer:
        return answer.read()


def test_main_does_not_start_without_a_model_and_never_needs_tensorflow(tmp_path, folder):
    code = """
import sys, pathlib, app.app
print(app.app.main(["--folder", sys.argv[1]]))
app.app.create_app(app.settings.Settings(folder=pathlib.Path(sys.argv[2])))
print({"tensorflow", "mlflow", "matplotlib"} & set(sys.modules))
"""
    command = [sys.executable, "-c", code, str(tmp_path), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.split("\n") == [f"Loading the model in {tmp_path}", "1", "set()", ""], done.stderr
    assert "python -m app.building" in done.stderr and "Traceback" not in done.stderr
