"""The application over a model of a mixed table: form, API, files and pages in the table's own words."""

import io
import json
import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook
from pydantic import TypeAdapter

from app.app import create_app
from app.building import champion
from app.building.about import describe
from app.building.figures import amounts, class_balance, hour_of_day, importances, in_words
from app.client import small_file
from app.parsing.mixed import read_columns
from app.routes.models import column_type
from app.serving.model_files import write_about
from app.serving.served import OUTSIDE, Contribution, Explanation, Served
from app.settings import Settings, from_command, model_folder
from app.views import form_fields, study
from app.views.form_fields import field_key, fields_of, read_form
from tests import small_app, small_mixed
from utils.config import ROOT, load_profile
from utils.serving import bundle
from utils.serving.bundle import BundleError
from utils.serving.card import Card
from utils.serving.raw_columns import RawColumn
from utils.study_file import NEUTRAL, Study

COLUMNS = ("when", "balance", "points", "urgent", "merchant", "channel", "opened")
FOREIGN = re.compile(r"\b(frauds?|payments?|legitimate|transactions?)\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("claims") / "model"
    small_mixed.write(folder)
    return folder


@pytest.fixture(scope="module")
def app(folder):
    return create_app(Settings(folder=folder))


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def example(client):
    return client.get("/api/v1/models").json["models"][0]["examples"]["positive"]


def filled(client, **changes):
    """The form's fields with an example and some changes, by column, as a browser sends them."""
    page = client.get("/predict?example=positive").text
    values = dict(re.findall(r'name="(column-\w+)"[^>]* value="([^"]*)"', page))
    for key, options in re.findall(r'<select[^>]*name="(column-\w+)">(.*?)</select>', page, re.DOTALL):
        values[key] = (re.findall(r"<option selected>([^<]*)", options) or [""])[0]
    assert len(values) == len(COLUMNS)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    sent = {field_key(name): value for name, value in changes.items()}
    return {**values, **sent, "csrf_token": token, "model": "champion"}


def test_predict_page_has_a_field_for_each_kind_in_the_order_of_the_file(client):
    page = client.get("/predict?example=positive").text
    names = re.findall(r'<label class="form-label mb-0" for="field-\d">([^<]+)</label>', page)
    assert names == ["when", "merchant", "channel", "balance", "opened", "points", "urgent"]
    assert re.search(r'type="datetime-local" step="1" id="field-0"[^>]* value="2024-\d\d-\d\dT', page)
    assert re.search(r'type="date" id="field-6"[^>]* value="20\d\d-\d\d-\d\d"', page)
    assert re.search(r'<select class="[^"]*" id="field-5".*?<option selected>(online|chip|phone)', page, re.DOTALL)
    assert re.search(r'id="field-3".*?<option value="">missing</option>\s*<option[^>]*>0</option>', page, re.DOTALL)
    assert page.count('<option value="shop ') == len(small_mixed.SHOPS)


def test_predict_page_scores_gaps_and_unseen_categories_and_says_so(client):
    answer = client.post("/predict", data=filled(client, balance="", merchant="shop 99", opened=""))
    assert answer.status_code == 200
    assert "Scored as missing: balance, opened." in answer.text
    assert "Not seen in training, so trust this less: merchant &#39;shop 99&#39;." in answer.text
    assert 'id="probability"' in answer.text
    assert ">missing</td>" in answer.text


def test_predict_page_names_a_value_that_cannot_be_read(client):
    answer = client.post("/predict", data=filled(client, balance="much", opened="soon"))
    assert answer.status_code == 422
    assert '<a class="alert-link" href="#field-1">balance</a> is not a number' in answer.text
    assert '<a class="alert-link" href="#field-6">opened</a> is not a date' in answer.text


@pytest.mark.parametrize(
    "values", [(1000001.0, 1000002.0), (0.1234567, 0.7654321), (-1.0, 1e-7), (0.0, 1.0), (2.0**60, 1e22)]
)
def test_read_form_reads_the_options_of_a_number_as_the_values_of_training(values):
    columns = (RawColumn("code", "number", values=values, minimum=min(values), maximum=max(values)),)
    model = SimpleNamespace(raw=columns)
    (field,) = fields_of(model)
    assert [read_form(model, {"code": option}).values[0] for option in field.options] == list(values)


@pytest.mark.parametrize("name", COLUMNS)
def test_predict_page_names_a_field_that_was_not_sent(client, name):
    sent = filled(client)
    del sent[field_key(name)]
    answer = client.post("/predict", data=sent)
    assert answer.status_code == 422 and f">{name}</a> is missing" in answer.text


def test_predict_page_takes_a_column_that_is_named_like_another_part_of_the_form(client, app):
    assert b'name="model"' in client.get("/predict").data  # columns are sent under numbers


def test_api_predict_takes_text_and_null_and_explains_in_columns_of_the_table(client, example):
    rows = [example, {**example, "merchant": "shop 99", "balance": None}, {**example, "opened": "soon"}]
    first, odd, wrong = client.post("/api/v1/predict?explain=true", json=rows).json["predictions"]
    assert set(first) == {"row", "probability", "decision", "explanation"}
    assert odd["notes"] == ["merchant: 'shop 99' was not seen in training"]
    assert wrong == {"row": 3, "error": "opened is not a date, such as 2024-02-13"}
    values = {column["feature"]: column["value"] for column in odd["explanation"]["contributions"]}
    assert set(values) == set(COLUMNS)
    assert values == {**example, "merchant": "not seen in training", "balance": None}


@pytest.mark.parametrize("column", ["merchant", "channel", "opened", "when", "balance"])
@pytest.mark.parametrize("cell", ["\ud800", "shop \udfff 1"])
def test_api_predict_reports_half_of_a_character_in_its_row_only(client, example, column, cell):
    first, second = client.post("/api/v1/predict", json=[{**example, column: cell}, example]).json["predictions"]
    assert first["error"].startswith(f"{column} ") and "probability" in second


def test_infer_reports_half_of_a_character(client, example):
    inputs = [
        {"name": name, "shape": [1], "datatype": "BYTES" if isinstance(value, str) else "FP64", "data": [value]}
        for name, value in {**example, "merchant": "\ud800"}.items()
    ]
    answer = client.post("/v2/models/champion/infer", json={"inputs": inputs})
    assert answer.status_code == 422 and "merchant holds half of a character" in answer.json["error"]


@pytest.mark.parametrize("column", ["balance", "points", "urgent"])
@pytest.mark.parametrize(
    ("cells", "expected"),
    [(["1.5", "unknown", None], [1.5, "is not a number", None]), ([1.5, 2.0, None], [1.5, 2.0, None])],
)
def test_read_columns_takes_numbers_that_pandas_keeps_as_categories(app, column, cells, expected):
    model = app.extensions["catalog"].champion
    (raw,) = (raw for raw in model.raw if raw.name == column)
    read = read_columns({column: pd.Series(cells, dtype="category")}, [raw], "file")
    found = [
        read.problems.get(row, {}).get(column, None if value != value else value)
        for row, value in enumerate(read.values[:, 0])
    ]
    assert found == expected


@pytest.mark.parametrize("balances", [(86.125, 12.345), (86.125, 12.0), (0.5, 1234.5), (1e-05, 2.5)])
def test_example_file_and_the_clients_are_read_as_the_examples_are(app, client, monkeypatch, balances):
    """Also where numbers of the study's file have decimal commas, so that '86.125' could have thousands."""
    served = app.extensions["catalog"].champion
    raw = [replace(column, decimal="," if column.kind == "number" else None) for column in served.raw]
    examples = {
        kind: {**row, "balance": balance}
        for (kind, row), balance in zip(served.about.examples.items(), balances, strict=True)
    }
    changed = replace(
        served, model=replace(served.model, raw=tuple(raw)), about=replace(served.about, examples=examples)
    )
    monkeypatch.setattr(app.extensions["catalog"]._champion, "served", changed)
    sent = client.post("/api/v1/predict", json=list(examples.values())).json["predictions"]
    expected = [row["probability"] for row in sent]
    file = {"file": (io.BytesIO(client.get("/file/example.csv").data), "example.csv")}
    top = {row["row"]: row["probability"] for row in client.post("/api/v1/files", data=file).json["top"]}
    assert [top[1], top[2]] == pytest.approx(expected)
    text = small_file(client.get("/api/v1/models").json["models"][0])
    scored = client.post("/api/v1/predict", data=text, content_type="text/csv").json["predictions"]
    assert [row["probability"] for row in scored[:2]] == pytest.approx(expected)
    assert scored[2]["error"] == "line 4: has 8 values where the header names 7 columns"


def test_predict_page_speaks_of_suggestions_only_where_a_box_has_some(client, monkeypatch):
    assert "may be typed, too" in client.get("/predict").text
    monkeypatch.setattr(form_fields, "MAX_SELECT", 100)
    assert "may be typed, too" not in client.get("/predict").text


def test_pages_name_the_unit_of_the_amount(app, client, monkeypatch):
    served = app.extensions["catalog"].champion
    raw = tuple(replace(column, unit="EUR" if column.name == "balance" else column.unit) for column in served.raw)
    assert served.amount_unit is None
    changed = replace(served, model=replace(served.model, raw=raw))
    monkeypatch.setattr(app.extensions["catalog"]._champion, "served", changed)
    assert changed.amount_unit == "EUR"
    assert ">balance (EUR)</label>" in client.get("/predict").text
    assert 'data-unit="EUR"' in client.get("/file").text
    figure = amounts(np.array([1.0, 5.0]), np.array([0, 1]), "EUR")
    assert "Share of each class by amount, in EUR, from" in figure.text
    assert figure.layout["xaxis"]["title"]["text"] == "amount (EUR)"
    assert "in the unit of the file" in amounts(np.array([1.0, 5.0]), np.array([0, 1])).text


def test_predict_page_lets_only_payments_pass(client):
    answer = client.post("/predict", data=filled(client, balance="0.5", channel="chip", points="0")).text
    assert "No alert for this claim." in answer and "claim pass" not in answer


def test_infer_names_the_study_as_the_platform(client):
    assert client.get("/v2/models/champion").json["platform"] == "claims"


def test_file_page_writes_of_swapped_labels_as_the_study_spells_them(client):
    frame = small_mixed.table()
    swapped = frame.assign(is_bad=frame["is_bad"].map({"yes": "no", "no": "yes"}))
    file = {"file": (io.BytesIO(swapped.to_csv(index=False).encode()), "claims.csv")}
    notes = client.post("/api/v1/files", data=file).json["notes"]
    assert any("if the labels are swapped, write yes for a bad claim and send the file again" in note for note in notes)


def test_api_predict_serves_and_explains_a_network(tmp_path):
    small_mixed.write(tmp_path / "model", "ann")
    client = create_app(Settings(folder=tmp_path / "model")).test_client()
    sent = client.get("/api/v1/models").json["models"][0]["examples"]["positive"]
    answer = client.post("/api/v1/predict?explain=true", json=[sent, {**sent, "merchant": "new", "balance": None}]).json
    assert len(answer["predictions"]) == 2
    for row in answer["predictions"]:
        assert 0 < row["probability"] < 1
        assert {column["feature"] for column in row["explanation"]["contributions"]} == set(COLUMNS)


def test_api_predict_takes_the_same_rows_as_csv(client, example):
    frame = small_mixed.table(30)
    text = frame.drop(columns=["customer", "is_bad"]).to_csv(index=False)
    answer = client.post("/api/v1/predict", data=text, content_type="text/csv").json
    expected = small_mixed.fit("xgb").predict_proba(frame.drop(columns="is_bad"))
    scored = [row["probability"] for row in answer["predictions"]]
    np.testing.assert_allclose(scored, expected, rtol=1e-6)
    missing = client.post("/api/v1/predict", json=[{"when": example["when"]}])
    assert (missing.status_code, set(missing.json["columns"])) == (422, set(COLUMNS) - {"when"})


def test_api_describes_the_columns_of_the_table(client):
    schema = client.get("/api/v1/openapi.json").json["components"]["schemas"]["Row"]
    assert schema["description"] == "One claim."
    assert set(schema["properties"]) == set(schema["required"]) == set(COLUMNS)
    opened, balance, channel = (schema["properties"][name] for name in ("opened", "balance", "channel"))
    assert opened["format"] == "date"
    assert schema["properties"]["when"]["format"] == "date-time"
    assert {"type": "null"} in balance["anyOf"]
    assert balance["anyOf"][0]["type"] == "number"
    assert channel["description"].startswith("A category: chip, online, phone. Others are scored as not seen")
    model = client.get("/api/v1/models").json["models"][0]
    assert model["columns"] == list(COLUMNS)
    assert model["schema"][5]["categories"] == ["chip", "online", "phone"]
    assert set(model["ranges"]) == set(COLUMNS) - {"merchant", "channel"}


def test_api_describes_a_column_that_was_never_known_in_training():
    for kind in ("date", "time", "number"):
        model = SimpleNamespace(raw=(RawColumn("seen", kind, minimum=None, maximum=None),))
        schema = TypeAdapter(column_type(model, "seen")).json_schema()
        assert schema["description"] == "Never known in training."


def test_api_describes_the_counts_of_labels_in_words_that_suit_any_table(client):
    schema = client.get("/api/v1/openapi.json").json["components"]["schemas"]["LabelCounts"]
    names = ["empty", "not_understood", "positives", "negatives"]
    assert list(schema["properties"]) == schema["required"] == names


def test_api_files_scores_a_file_with_gaps_and_unseen_categories_and_notes_them(client):
    frame = small_mixed.table(200)
    frame.loc[:1, "merchant"] = ["shop 98", "shop 99"]
    frame["opened"] = frame["opened"].astype(object)
    frame.loc[3, "opened"] = "soon"
    data = {"file": (io.BytesIO(frame.to_csv(index=False).encode()), "claims.csv")}
    summary = client.post("/api/v1/files", data=data).json
    assert (summary["rows"], summary["scored"]) == (200, 199)
    assert summary["errors"]["first"] == [{"row": 4, "line": 5, "error": "opened is not a date, such as 2024-02-13"}]
    assert any("merchant that was not seen in training: 'shop 98', 'shop 99'" in note for note in summary["notes"])
    assert any(
        note.startswith("Rows with gaps were scored, too; values are missing in balance") for note in summary["notes"]
    )
    assert summary["labels"] == {
        "positives": int((frame["is_bad"] == "yes").sum()),
        "negatives": int((frame["is_bad"] == "no").sum()),
        "empty": 0,
        "not_understood": 0,
    }
    assert summary["labelled"]["average_precision"] > summary["labelled"]["prevalence"]
    assert re.fullmatch(r"2024-\d\d-\d\dT\d\d:\d\d:\d\d", summary["top"][0]["time"])
    assert summary["amount_at_risk"] > 0  # although some amounts are missing
    gaps = next(note for note in summary["notes"] if note.startswith("The amount at risk leaves out "))
    assert gaps.endswith(f" of {summary['alerts']} alerts, whose amount is missing.")
    lines = client.get(summary["download"]).text.splitlines()
    assert lines[0].replace('"', "") == "row,probability,decision,error,when,balance,note"
    assert lines[1].endswith(f'"not seen in training: merchant; {OUTSIDE}: when"')


@pytest.mark.parametrize(
    ("changes", "noted", "shown"),
    [
        ({"balance": 1e6}, "balance", "1000000"),
        ({"when": "1970-01-02T00:00:00"}, "when", "1970-01-02T00:00:00"),
        ({"opened": "2030-01-01"}, "opened", "2030-01-01"),
        ({"balance": None, "merchant": "shop 99"}, None, None),
        ({"when": "2030-01-01T00:00:00"}, None, None),
    ],
)
def test_values_outside_the_range_of_training_are_noted_everywhere(client, example, changes, noted, shown):
    rows = [example, {**example, **changes}, {**example, "points": "x", "balance": 1e6}]
    usual, odd, wrong = client.post("/api/v1/predict", json=rows).json["predictions"]
    assert "notes" not in usual and "notes" not in wrong
    notes = [note for note in odd.get("notes", []) if OUTSIDE in note]
    assert notes == ([f"{noted}: {shown} is {OUTSIDE}"] if noted else [])
    text = pd.DataFrame(rows).to_csv(index=False)
    in_csv = client.post("/api/v1/predict", data=text, content_type="text/csv").json["predictions"]
    assert [note for note in in_csv[1].get("notes", []) if OUTSIDE in note] == notes
    summary = client.post("/api/v1/files", data={"file": (io.BytesIO(text.encode()), "claims.csv")}).json
    expected = [f"Rows with values {OUTSIDE} were scored, too, so trust them less: {noted} (1)."] if noted else []
    assert [note for note in summary["notes"] if OUTSIDE in note] == expected
    lines = pd.read_csv(io.StringIO(client.get(summary["download"]).text))["note"].fillna("")
    assert [OUTSIDE in line for line in lines] == [False, noted is not None, False]


def test_kserve_infer_takes_text_for_categories_and_dates(client, example):
    tensors = {row["name"]: row["datatype"] for row in client.get("/v2/models/champion").json["inputs"]}
    assert {name for name, kind in tensors.items() if kind == "BYTES"} == {"when", "opened", "merchant", "channel"}
    inputs = [
        {"name": name, "datatype": kind, "shape": [2], "data": [example[name], None]} for name, kind in tensors.items()
    ]
    answer = client.post("/v2/models/champion/infer", json={"inputs": inputs})
    (probability,) = [output["data"] for output in answer.json["outputs"] if output["name"] == "probability"]
    assert probability[0] == client.post("/api/v1/predict", json=example).json["predictions"][0]["probability"]
    inputs[COLUMNS.index("opened")]["data"][0] = "soon"
    refused = client.post("/v2/models/champion/infer", json={"inputs": inputs})
    assert (refused.status_code, refused.json["columns"]) == (422, ["opened"])
    assert client.get("/v2/health/ready").json == {"ready": True}


@pytest.mark.parametrize(
    "address",
    ["/", "/statistics", "/predict?example=negative", "/file", "/models", "/models/champion", "/docs", "/none"],
)
def test_pages_speak_of_the_table_in_its_own_words(client, address):
    page = client.get(address).text
    text = re.sub(r"<(code|script|style)\b.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    assert "claims" in text
    assert not FOREIGN.findall(text)


def test_small_file_of_the_client_has_a_broken_row_whatever_the_last_column_is(client):
    model = client.get("/api/v1/models").json["models"][0]
    for name in model["columns"]:
        text = small_file(model | {"columns": [*(other for other in model["columns"] if other != name), name]})
        *good, broken = client.post("/api/v1/predict", data=text, content_type="text/csv").json["predictions"]
        assert len(good) == 2 and all("probability" in row for row in good) and "error" in broken


@pytest.mark.parametrize("address", ["/predict", "/file"])
def test_pages_name_the_command_that_starts_the_server_of_their_study(client, address):
    assert 'data-command="make app STUDY=claims"' in client.get(address).text


def test_file_page_sorts_dates_as_text(client):
    heading = re.search(r"<th [^>]*data-shows=\"time\">", client.get("/file").text)[0]
    assert 'data-sort="text"' in heading and "number" not in heading


def test_pages_of_a_foreign_table_of_numbers_speak_in_neutral_words(tmp_path):
    numbers = small_app.fit("xgb").with_card(study="numbers", words=NEUTRAL)
    small_app.write(tmp_path / "model", numbers)
    client = create_app(Settings(folder=tmp_path / "model")).test_client()
    for address in ("/", "/predict?example=positive", "/file", "/models/champion", "/docs"):
        text = re.sub(
            r"<(code|script|style)\b.*?</\1>|<[^>]+>",
            " ",
            client.get(address).text,
            flags=re.DOTALL,
        )
        assert not FOREIGN.findall(text)
    assert "Fill in a positive" in client.get("/predict").text
    example = client.get("/api/v1/models").json["models"][0]["examples"]["negative"]
    assert client.post("/api/v1/predict", json=example).json["predictions"][0]["decision"] in ("alert", "pass")


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A finished study of claims, as its run leaves it."""
    folder = tmp_path / "claims" / "quick"
    (folder / "notebooks").mkdir(parents=True)
    cells = [new_markdown_cell("# 7 · Which remedy\n\n[8](08_final_model.ipynb)"), new_markdown_cell("Claims as read")]
    nbformat.write(new_notebook(cells=cells), folder / "notebooks" / "07_comparison.ipynb")
    shutil.copy(ROOT / "paper" / "numbers.json", folder)
    (folder / "report.pdf").write_bytes(b"%PDF-1.7 of claims")
    monkeypatch.setattr(study, "STUDIES", tmp_path)
    own = study.own_study(Card(study="claims", profile="quick"))
    monkeypatch.setattr(study, "own_study", lambda card: own)
    return own


def test_home_page_tells_what_was_found_and_links_notebooks_and_report(client, own):
    page = client.get("/").text
    assert "What was found" in page and "of the alerts on the test set are bad claims" in page
    assert "Use XGBoost without resampling" in page and not FOREIGN.search(re.sub(r"<[^>]+>", " ", page))
    assert 'href="/report.pdf"' in page and client.get("/report.pdf").data == b"%PDF-1.7 of claims"
    assert ">Which remedy</a>" in page
    notebook = client.get("/notebooks/07_comparison").text
    assert "Claims as read" in notebook and 'href="/notebooks/08_final_model"' in notebook
    assert client.get("/notebooks/01_eda").status_code == 404  # no notebook of the credit-card study


def test_home_page_speaks_in_neutral_words_where_the_card_of_the_model_has_none(own, tmp_path):
    older = small_mixed.fit("xgb").with_card(words=None)
    bundle.save(older, tmp_path / "model")
    write_about(tmp_path / "model", describe(older, "a test", small_mixed.dataset().frame))
    bundle.seal(tmp_path / "model")
    page = create_app(Settings(folder=tmp_path / "model")).test_client().get("/")
    assert page.status_code == 200 and "of the alerts on the test set are positives" in page.text


@pytest.mark.parametrize(
    "recorded",
    [
        "",
        "{",
        "[1]",
        '{"07_comparison": {"claim": {}}}',
        '{"07_comparison": [1]}',
        '{"08_final_model": {"test": null}}',
    ],
)
def test_pages_need_no_findings(client, own, recorded, caplog):
    own.numbers.write_text(recorded)
    page = client.get("/")
    assert page.status_code == 200 and "What was found" not in page.text and ">Which remedy</a>" in page.text
    assert "numbers.json are not shown" in caplog.text
    assert client.get("/report.pdf").status_code == client.get("/notebooks/07_comparison").status_code == 200


def test_home_page_of_a_study_without_results_links_nothing(client, monkeypatch):
    monkeypatch.setattr(study, "own_study", lambda card: None)
    assert "What was found" not in client.get("/").text and client.get("/report.pdf").status_code == 404


@pytest.mark.parametrize("names", [{"study": "../claims"}, {"profile": "../quick"}, {"profile": None}, {"study": None}])
def test_own_study_is_read_from_a_folder_of_that_name_only(names):
    card = Card(**{"study": "claims", "profile": "quick", "words": small_mixed.WORDS, **names})
    assert study.own_study(card) is None


def test_error_answers_suit_any_table_and_name_columns_as_they_were_sent(client):
    assert client.post("/api/v1/predict", json=[]).json["error"] == "The body has no rows; send at least one."
    body = "payment,payment,fraud,fraud\n1,2,3,4\n"
    refused = client.post("/api/v1/predict", data=body, content_type="text/csv").json
    assert refused["columns"] == ["fraud", "payment"] and "fraud, payment" in refused["error"]


def test_importances_name_columns_as_they_are(monkeypatch):
    frame, model = small_mixed.dataset().frame, small_mixed.fit()
    served = Served(model, "0", describe(model, "a test", frame))
    explanation = Explanation(0.0, [Contribution("legitimate payment", 1.0, 2.0)])
    monkeypatch.setattr(Served, "explain", lambda self, values: [explanation] * len(values))
    text = importances(served, frame.head(40)).text
    n_bad = int(frame.head(40)["is_bad"].sum())
    assert "log odds of a bad claim" in text and f"40 claims of the development set, {n_bad} of them bad" in text
    assert text.endswith(" legitimate payment moves them most.")


def test_figures_are_drawn_in_the_words_of_the_table():
    labels = np.array([0, 0, 0, 1])
    figure = in_words(class_balance(labels, small_mixed.WORDS), small_mixed.WORDS)
    assert figure.text == "Of 4 claims of the development set, 1 are bad claims: one in 4."
    assert figure.data[0]["y"] == ["Good", "Bad claim"]
    hours = in_words(hour_of_day(np.array([0, 1, 1, 2]), labels, is_clock=True), small_mixed.WORDS)
    assert [trace["name"] for trace in hours.data] == ["Good", "Bad claim"]
    assert hours.text.startswith("Share of each class per hour (UTC).")
    assert not FOREIGN.findall(json.dumps([hours.data, hours.layout, hours.text]))


def test_describe_gives_examples_that_can_be_sent(client, example):
    assert set(example) == set(COLUMNS)
    assert re.fullmatch(r"2024-\d\d-\d\dT\d\d:\d\d:\d\d", example["when"])
    assert example["merchant"] in small_mixed.SHOPS


def test_settings_take_the_folder_of_a_study():
    assert from_command(["--study", "claims"], {}).folder == model_folder("claims")
    assert from_command([], {"FRAUD_STUDY": "claims"}).folder == model_folder("claims")
    assert from_command(["--study", "claims"], {"FRAUD_FOLDER": "/models"}).folder == model_folder("claims")
    assert from_command([], {}).folder == from_command(["--study", "creditcard"], {}).folder == model_folder()
    with pytest.raises(SystemExit):
        from_command(["--study", "../claims"], {})


def test_study_model_prefers_the_full_run_and_names_the_command_without_one(tmp_path, monkeypatch):
    study = Study("claims", small_mixed.dataset().config, small_mixed.WORDS)
    monkeypatch.setattr("utils.config.STUDY_OUTPUTS", tmp_path)
    with pytest.raises(BundleError, match=r"run `make study FILE=studies/claims\.toml`"):
        champion.study_model(study)
    for name in ("quick", "full"):
        bundle.save(small_mixed.fit("xgb"), load_profile(name, study).model)
        model, source = champion.study_model(study)
        assert (model.card.study, source) == ("claims", f"the final model of the {name} run")
