"""What the server's pages say and draw, without a browser."""

import hashlib
import itertools
import json
import os
import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from app import security
from app.app import create_app
from app.building import embedding, figures
from app.parsing.records import Batch
from app.routes import pages
from app.security import MAX_FORM
from app.serving.model_files import MeasuredPair, Score, write_scores
from app.serving.served import Contribution, Explanation, load_served
from app.settings import Settings
from app.views import formatting, study
from app.views.form_fields import field_key
from tests.small_app import COLUMNS, SCHEMA, fit, key_of, transactions, write, write_champion
from tests.utils.reporting.test_claims import numbers_of_the_full_study
from utils.benchmark.records import to_json
from utils.benchmark.run_task import load_dataset
from utils.config import ROOT, ULB, load_profile
from utils.data import splits
from utils.data.features import build_features
from utils.figures.model_card import card_texts
from utils.samplers.cgan.config import GANConfig
from utils.serving import bundle
from utils.serving.card import FoldScore

pytest_plugins = ["tests.app_fixtures"]

ADDRESSES = (
    "/",
    "/statistics",
    "/predict",
    "/predict?example=fraud",
    "/file",
    "/models",
    "/models/champion",
    "/models/none+lr",
    "/models/none+rf",
    "/docs",
    "/notebooks/04_smote",
    "/nothing",
)


@pytest.fixture(scope="module")
def champion(app):
    return app.extensions["catalog"].champion


@pytest.fixture
def change_card(app, champion, monkeypatch):
    """Let the champion have another card during a test."""

    def change(**fields):
        changed = replace(champion, model=champion.model.with_card(**fields))
        monkeypatch.setattr(app.extensions["catalog"]._champion, "served", changed)

    return change


@pytest.fixture(scope="module")
def pair(app):
    return app.extensions["catalog"].get("none+lr")


def token_of(page):
    return re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]


def in_form(fields):
    """Fields by their names in the form."""
    return {field_key(name) if name in COLUMNS else name: value for name, value in fields.items()}


def boxes(page):
    """What the boxes of the form hold, by column."""
    return {name: re.search(rf'name="{field_key(name)}" value="([^"]*)"', page.text)[1] for name in COLUMNS}


def submit(client, fields):
    return client.post("/predict", data={"csrf_token": token_of(client.get("/predict")), **in_form(fields)})


def probability_of(served, example):
    return served.score(Batch(values={1: [example[name] for name in served.columns]}))[0].probability


# --- every page


@pytest.mark.parametrize("address", ADDRESSES)
def test_pages_hold_no_inline_code_and_their_links_lead_somewhere(client, address):
    page = client.get(address).text
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page)
    for script in re.findall(r"<script\b[^>]*>.*?</script>", page, re.S):
        assert "src=" in script and script.endswith("></script>")
    ids = set(re.findall(r'\sid="([^"]+)"', page))
    for link in re.findall(r'(?:src|href)="([^"]*)"', page):
        if link.startswith("#"):
            assert link[1:] in ids, link
        elif not link.startswith("data:"):
            assert link.startswith("/") and not link.startswith("//"), link
            assert client.get(link.replace("&amp;", "&")).status_code == 200, link


@pytest.mark.parametrize("address", ADDRESSES)
def test_pages_have_one_heading_of_the_first_level_and_mark_where_one_is(client, address):
    page = client.get(address).text
    assert page.count("<h1") == 1
    assert page.count("aria-current") == (0 if address == "/nothing" else 1)
    assert 'lang="en"' in page and "<title>" in page


def test_pages_that_are_not_there_say_so(client):
    for address in (
        "/nothing",
        "/models/nothing",
        "/models/..%2Fmodel",
        "/notebooks/nothing",
        "/notebooks/..%2FREADME",
    ):
        answer = client.get(address)
        assert answer.status_code == 404 and "no such page" in answer.text
    for address in ("/predict?model=nothing", "/file?model=nothing"):
        answer = client.get(address)
        assert answer.status_code == 404 and "champion, none+lr" in answer.text


def test_plotly_script_is_kept_by_browsers_until_it_changes_and_pages_are_not_kept(client):
    page = client.get("/file").text
    address = re.search(r'src="(/plotly-[^"]+)"', page)[1]
    script = client.get(address)
    assert script.status_code == 200 and script.mimetype == "text/javascript"
    content = pages.PLOTLY.read_bytes()
    assert script.data == content and hashlib.sha256(content).hexdigest()[:12] in address
    assert script.cache_control.max_age == pages.YEAR and script.cache_control.immutable
    assert not script.cache_control.no_store and not script.cache_control.no_cache
    again = client.get(address, headers={"If-None-Match": script.headers["ETag"]})
    assert again.status_code == 304 and not again.data
    other = client.get("/plotly-000000000000.min.js")
    assert other.status_code == 404 and other.cache_control.no_store
    for private in ("/", "/predict", "/api/v1/models", "/paper.pdf"):
        assert client.get(private).headers["Cache-Control"] == "no-store"


@pytest.fixture
def write_numbers(tmp_path, monkeypatch):
    """Writes numbers of the study for the pages: those that are committed, but for a change."""
    monkeypatch.setenv("STUDY_OUTPUT", str(tmp_path))
    (tmp_path / "paper").mkdir()
    (tmp_path / "results").mkdir()
    changes = itertools.count()

    def write(change=lambda numbers: None):
        content = json.loads((ROOT / "paper" / "numbers.json").read_text())
        text = change(content) or json.dumps(content)
        (tmp_path / "paper" / "numbers.json").write_text(text)
        os.utime(tmp_path / "paper" / "numbers.json", ns=(0, next(changes)))

    return write


WRONG = {
    "a claim that is false": lambda numbers: numbers["07_comparison"]["differences"][0].update(verdict="helps"),
    "a number that is missing": lambda numbers: numbers["01_eda"].clear(),
    "a pair that was not measured": lambda numbers: numbers["07_comparison"]["claim"].update(best=["blend", "smote"]),
    "a file that is half written": lambda numbers: json.dumps(numbers)[:1000],
}


@pytest.mark.parametrize("wrong", WRONG)
def test_pages_are_shown_without_results_that_are_wrong_which_the_log_says_once(client, caplog, write_numbers, wrong):
    write_numbers(WRONG[wrong])
    for address in ADDRESSES:
        page = client.get(address)
        assert page.status_code == (404 if address == "/nothing" else 200), address
        assert 'id="results"' not in page.text
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.getMessage().startswith("the results of the study are not shown")
    write_numbers()
    assert 'id="results"' in client.get("/").text


def test_pages_are_shown_without_results_whose_scorings_cannot_be_read(client, caplog, write_numbers, tmp_path):
    write_numbers()
    assert 'id="results"' in client.get("/").text
    (tmp_path / "results" / "test.jsonl").write_text("{\n")
    assert 'id="results"' not in client.get("/").text and "test.jsonl" in caplog.text


def test_pages_read_the_results_again_only_when_they_have_changed(write_numbers):
    write_numbers()
    first = study.shown_headline()
    assert study.shown_headline() is first == study.headline()
    write_numbers(lambda content: content["01_eda"].update(prevalence=0.0042))
    assert study.shown_headline().per_10000 == 42


# --- home


def test_home_shows_the_studys_recorded_numbers(client):
    numbers = study.headline()
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", client.get("/").text))
    assert f"is best: {numbers.verdict}" in text
    assert formatting.interval(numbers.final) in text
    assert all(formatting.interval(row) in text for row in numbers.means)
    assert f"Of 10,000 card payments, {numbers.per_10000} are frauds" in text


def test_headline_is_taken_from_the_records(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY_OUTPUT", str(tmp_path))
    monkeypatch.setattr("utils.config.ROOT", tmp_path)  # where the quick run's numbers would be
    assert study.headline() is None
    against_best = {"model": "rf", "sampler": "cgan", "mean": -0.1, "low": -0.2, "high": -0.05}
    means = [
        {"model": model, "sampler": sampler, "n_folds": 3, "mean": mean, "low": mean - 0.1, "high": mean + 0.1}
        for model, sampler, mean in (("lr", "none", 0.7), ("rf", "cgan", 0.6), ("rf", "none", 0.5), ("lr", "cgan", 0.4))
    ]
    numbers = numbers_of_the_full_study()
    numbers["01_eda"]["prevalence"] = 0.0042
    numbers["07_comparison"] |= {
        "dataset": {"name": "claims", "sha256": "0" * 64},
        "means": means,
        "models": {"lr": "Logistic regression", "rf": "Random forest"},
    }
    numbers["07_comparison"]["claim"] |= {"verdict": "refuted", "best": ["lr", "none"], "against_best": against_best}
    numbers["08_final_model"]["test"]["ledger_key"] = "k"
    (tmp_path / "paper").mkdir()
    (tmp_path / "paper" / "numbers.json").write_text(json.dumps(numbers))
    found = study.headline()
    assert found.per_10000 == 42 and found.verdict == "refuted" and found.final.ledger_key == "k"
    labels = ["Logistic regression with no resampling", "Random forest with CGAN", "Random forest with no resampling"]
    assert [row.label for row in found.means] == labels
    assert [row.average_precision for row in found.means] == [0.7, 0.6, 0.5] and found.refuted_by == ""


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page.text))


def test_home_counts_models_that_take_a_sampler_apart(client):
    words = (
        "14 ways of handling imbalance, and no resampling, with 6 models (6 of the ways with ANN; 2 of the ways with "
        "CNN-1D, LSTM), and 6 models that take no sampler"
    )
    assert f"The study measured {words}." in text_of(client.get("/"))


def test_measured_is_counted_from_the_records():
    def measured(pairs, alone=()):
        names = dict.fromkeys((model for model, _ in pairs), "Name")
        rows = [SimpleNamespace(model=model, sampler=sampler) for model, sampler in pairs]
        without = [SimpleNamespace(model=name) for name in alone]
        return study._measured(SimpleNamespace(alone=without, means=rows, models=names))

    assert measured([("a", "none"), ("a", "y")]) == "1 way of handling imbalance, and no resampling, with 1 model"
    both = [("a", "x"), ("a", "y"), ("b", "x"), ("b", "none"), ("c", "none")]
    ways = "ways of handling imbalance, and no resampling, with"
    words = f"2 {ways} 2 models (1 of the ways with Name), and 1 model that takes no sampler"
    assert measured(both, ["c"]) == words
    uneven = [*both, *(("b", sampler) for sampler in "yz"), ("a", "z"), ("d", "x"), ("d", "y"), ("e", "x")]
    words = f"3 {ways} 4 models (2 of the ways with Name; 1 of the ways with Name), and 1 model that"
    assert measured(uneven, ["c"]).startswith(words)


def test_title_is_the_same_in_readme_paper_and_pages(client):
    page = client.get("/").text
    assert f'<h1 class="h2">{study.TITLE}</h1>' in page and f"<title>{study.TITLE} ·" in page
    assert (ROOT / "README.md").read_text().startswith(f"# {study.TITLE}\n")
    assert f'title: "{study.TITLE}"' in (ROOT / "paper" / "paper.typ").read_text()


def test_scorings_of_the_test_set_are_disclosed_wherever_a_score_of_it_stands(
    client, monkeypatch, champion, change_card
):
    told = study.headline()
    assert (
        "has been scored for 3 final models: XGBoost with CGAN, 0.802 (2026-11-22); Blend of trees, 0.807"
        in told.scorings
    )
    own = replace(told, final=replace(told.final, ledger_key=champion.model.card.ledger_key))
    monkeypatch.setattr(study, "shown_headline", lambda: own)
    change_card(test={"average precision": 0.8})
    for address in ("/", "/models", "/models/champion"):
        text = text_of(client.get(address))
        assert told.scorings in text and "scored once" not in text, address


def test_pages_call_a_champion_that_is_not_the_final_model_a_stand_in(client, champion, monkeypatch):
    assert not study.is_final(champion.model.card)
    for address in ADDRESSES[:-1]:
        assert "is a stand-in and not the study's final model" in text_of(client.get(address)), address
    assert "answers here is its final one" not in text_of(client.get("/"))
    told = study.headline()
    own = replace(told, final=replace(told.final, ledger_key=champion.model.card.ledger_key))
    monkeypatch.setattr(study, "shown_headline", lambda: own)
    for address in ADDRESSES[:-1]:
        assert "stand-in" not in text_of(client.get(address)), address
    monkeypatch.setattr(study, "shown_headline", lambda: None)  # it is not known which model is the final one
    for address in ADDRESSES[:-1]:
        assert "stand-in" not in text_of(client.get(address)), address
    assert "answers here is its final one" not in text_of(client.get("/"))


def test_model_page_has_scores_of_exactly_its_model_or_a_sentence(client, change_card):
    assert "0.800 [0.700, 0.900]" in client.get("/models/champion").text
    assert '<span class="badge text-bg-secondary">champion</span>' in client.get("/models").text
    change_card(ledger_key="another run of none+xgb")
    page = client.get("/models/champion").text
    assert "0.800 [0.700, 0.900]" not in page and "has not measured exactly this model" in page
    assert client.get("/api/v1/models").json["models"][0]["scores"] is None
    assert '<span class="badge text-bg-secondary">champion</span>' not in client.get("/models").text


@pytest.mark.parametrize(("folds", "words"), [(1, "1 development fold "), (10, "10 development folds ")])
def test_model_page_counts_the_folds_of_a_score(tmp_path, folds, words):
    folder = tmp_path / "model"
    write_champion(folder)
    score = Score(0.8, (0.7, 0.9), folds, "full")
    write_scores(folder, [MeasuredPair("none", "xgb", "XGBoost", [key_of("none", "xgb")], score)])
    bundle.seal(folder)
    client = create_app(Settings(folder=folder)).test_client()
    assert f"the mean over {words}with its 95 % interval" in text_of(client.get("/models/champion"))


@pytest.mark.parametrize("address", ["/predict", "/file"])
def test_pages_name_the_command_that_starts_the_server(client, address):
    assert 'data-command="make app"' in client.get(address).text


def test_file_page_sorts_seconds_as_numbers(client):
    heading = re.search(r"<th [^>]*data-shows=\"time\">", client.get("/file").text)[0]
    assert 'class="number" data-sort="number"' in heading


def test_notebook_page_of_every_notebook_can_be_read(client):
    titles = study.notebooks()
    assert list(titles) == sorted(titles) and len(titles) == 10 and all(titles.values())
    page = client.get("/notebooks/04_smote").text
    assert "<h1>4 · SMOTE and its relatives</h1>" in page and "data:image/png" in page


def test_notebook_pages_keep_tables_and_link_to_each_other(client):
    page = client.get("/notebooks/02_baselines").text
    assert "<th>Adjusted p</th>" in page and "<td>Logistic regression</td>" in page
    assert not re.search(r"<style|\sstyle=", page)
    assert 'href="/notebooks/03_undersampling"' in page
    last = client.get("/notebooks/10_many_tables").text
    assert '<a href="/paper.pdf">The paper</a>' in last and '<a href="/">the README</a>' in last
    assert 'href="/desk/notebooks/03_undersampling"' in study.notebook_page("02_baselines", "/desk/")


def test_notebooks_are_the_chapters_that_can_be_read(tmp_path, caplog):
    nbformat.write(new_notebook(cells=[new_markdown_cell("\n# 1 · Data\nMore.")]), tmp_path / "01_eda.ipynb")
    nbformat.write(new_notebook(), tmp_path / "02_empty.ipynb")
    nbformat.write(new_notebook(cells=[new_markdown_cell("")]), tmp_path / "03_blank.ipynb")
    (tmp_path / "04_conflict.ipynb").write_text("<<<<<<< HEAD\n{}")
    nbformat.write(new_notebook(), tmp_path / "Untitled.ipynb")
    assert study.notebooks(tmp_path) == {"01_eda": "Data", "02_empty": "02_empty", "03_blank": "03_blank"}
    assert "the chapter 04_conflict.ipynb is left out (JSONDecodeError)" in caplog.text


def test_notebooks_are_read_again_when_they_have_changed(tmp_path):
    for text in ("Before", "After"):
        path = tmp_path / "01_eda.ipynb"
        nbformat.write(new_notebook(cells=[new_markdown_cell(f"# 1 · {text}")]), path)
        os.utime(path, ns=(0, len(text)))
        assert study.notebooks(tmp_path) == {"01_eda": text}
        assert f"1 · {text}</h1>" in study.notebook_page("01_eda", "/", tmp_path)
    nbformat.write(new_notebook(cells=[new_markdown_cell("# 2 · Baselines")]), tmp_path / "02_baselines.ipynb")
    assert study.notebooks(tmp_path) == {"01_eda": "After", "02_baselines": "Baselines"}


def test_without_styles_keeps_the_table_alone():
    unsafe = '<style scoped>td { color: red }</style><table style="a" onclick="b()" class="dataframe"><tbody>'
    unsafe += '<tr style="text-align: right;"><td colspan="2">1 &lt; 2</td></tr></tbody></table><script>c()</script>'
    safe = '<table class="dataframe"><tbody><tr><td colspan="2">1 &lt; 2</td></tr></tbody></table>'
    assert study.without_styles(unsafe) == safe
    folded = "<details><summary>All</summary><p>rows</p></details>"
    assert study.without_styles(folded) == folded


def test_paper_is_handed_out(client):
    assert client.get("/paper.pdf").data.startswith(b"%PDF")


# --- one transaction


def test_predict_page_fills_in_an_example_and_scores_it(client, champion):
    for kind, words in (("fraud", "Alert: check"), ("legitimate", "No alert")):
        example = champion.about.examples[kind]
        page = client.get("/predict", query_string={"example": kind})
        shown = boxes(page)
        assert {name: float(value) for name, value in shown.items()} == example
        answer = client.post("/predict", data={"csrf_token": token_of(page), **in_form(shown)})
        assert answer.status_code == 200 and words in answer.text
        exact = float(re.search(r'data-exact="([^"]+)"', answer.text)[1])
        assert exact == pytest.approx(probability_of(champion, example), abs=1e-9)


def test_predict_page_counts_its_rows(client, champion):
    def counts():
        found = re.findall(r'fraud_rows_total\{.*outcome="(\w+)"\} (\S+)', client.get("/metrics").text)
        return {outcome: float(count) for outcome, count in found}

    before = counts()
    for example in champion.about.examples.values():
        submit(client, example)
    submit(client, {**champion.about.examples["fraud"], "Amount": "much"})
    assert {outcome: count - before.get(outcome, 0) for outcome, count in counts().items()} == {
        "pass": 1,
        "alert": 1,
        "error": 1,
    }


def test_predict_page_answers_with_the_chosen_model_which_stays_chosen(client, pair, champion):
    example = pair.about.examples["fraud"]
    page = client.get("/predict", query_string={"example": "fraud", "model": "none+lr"})
    assert '<option value="none+lr" selected>Logistic regression with no resampling</option>' in page.text
    assert float(boxes(page)["V4"]) == example["V4"]
    answer = client.post("/predict", data={"csrf_token": token_of(page), "model": "none+lr", **in_form(example)})
    exact = float(re.search(r'data-exact="([^"]+)"', answer.text)[1])
    assert exact == pytest.approx(probability_of(pair, example), abs=1e-9)
    assert exact != pytest.approx(probability_of(champion, example), abs=1e-6)
    assert '<option value="none+lr" selected>' in answer.text


def test_predict_page_shows_the_models_own_explanation(client, champion):
    example = champion.about.examples["fraud"]
    (explanation,) = champion.explain([[example[name] for name in champion.columns]])
    cell = r'<td class="number">([^<]*)</td>'
    row = rf'<th scope="row" class="fw-normal">([^<]+)</th>\s*{cell}.*?{cell}'
    rows = re.findall(row, submit(client, example).text, re.S)
    first = explanation.contributions[: formatting.N_BARS]
    assert [name for name, *_ in rows[: formatting.N_BARS]] == [part.feature for part in first]
    assert rows[0][1:] == (formatting.short(first[0].value), formatting.signed(first[0].contribution))
    assert rows[-1][0] == f"{len(COLUMNS) - formatting.N_BARS} others"


@pytest.mark.parametrize(("name", "estimated"), [("rf", True), ("blend", True), ("xgb", False), ("lr", False)])
def test_predict_page_says_whether_an_explanation_is_estimated(tmp_path, name, estimated):
    write(tmp_path / "model", fit(name))
    client = create_app(Settings(folder=tmp_path / "model")).test_client()
    page = submit(client, load_served(tmp_path / "model").about.examples["fraud"])
    assert ("which is estimated here" in text_of(page)) == estimated


@pytest.mark.parametrize(
    ("estimated", "contributions", "expected"),
    [
        (False, [34.567, -0.034], ["+34.57", "\N{MINUS SIGN}0.03"]),
        (True, [34.567, -0.034], ["+35", "+0"]),
        (True, [-3.456, 0.345], ["\N{MINUS SIGN}3.5", "+0.3"]),
        (True, [0.3456, 0.0012], ["+0.35", "+0.00"]),
        (True, [0.0, 0.0], ["+0.0", "+0.0"]),
    ],
)
def test_bars_show_no_more_digits_than_an_estimate_has(estimated, contributions, expected):
    columns = [Contribution(str(size), 1.0, size) for size in contributions]
    drawn = formatting.bars(Explanation(-5.0, columns, estimated))
    assert [formatting.signed(row.contribution, drawn.digits) for row in drawn.rows] == expected


def test_predict_page_calls_the_start_of_an_explanation_the_mean_of_training_rows(client, champion):
    example = champion.about.examples["fraud"]
    (explanation,) = champion.explain([[example[name] for name in champion.columns]])
    start = formatting.percent(formatting.bars(explanation).base).replace(formatting.SPACE, " ")
    text = text_of(submit(client, example))
    assert f"the mean log odds of training rows, a probability of {start}; that is not the share of frauds" in text
    assert "Before anything is known" not in text


def test_predict_page_names_what_is_wrong_and_keeps_the_rest(client):
    fields = {**transactions(40, seed=1)[list(COLUMNS)].iloc[0].to_dict(), "V2": "<script>", "V9": ""}
    fields.pop("V5")
    answer = submit(client, fields)
    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 3
    assert "<script>" not in answer.text and "&lt;script&gt;" in answer.text
    for name in ("V2", "V5", "V9"):
        assert f'href="#field-{COLUMNS.index(name)}"' in answer.text
    assert f'value="{fields["V1"]}"' in answer.text


@pytest.mark.parametrize("value", ["nan", "-inf", "1e308", "1e999", "1_0", "١", "=1+1", "0x10", "1,2,3", " "])
def test_predict_page_refuses_a_value_that_cannot_be_scored_at_its_field(client, champion, value):
    answer = submit(client, {**champion.about.examples["fraud"], "V7": value})
    assert answer.status_code == 422 and answer.text.count('aria-invalid="true"') == 1
    assert f'href="#field-{COLUMNS.index("V7")}"' in answer.text and "data-exact" not in answer.text


def test_predict_page_refuses_a_form_larger_than_any_transaction(client, champion):
    answer = submit(client, {**champion.about.examples["fraud"], "V7": "1" * security.MAX_FORM})
    assert answer.status_code == 413 and "larger than this server takes" in answer.text


def test_predict_page_points_out_values_outside_the_training_range(client, champion):
    example = champion.about.examples["fraud"]
    assert "trust this less: V6" in submit(client, {**example, "V6": 1e6}).text
    assert "trust this less: Time" in submit(client, {**example, "Time": -1}).text
    assert "trust this less" not in submit(client, {**example, "Time": 1e9}).text  # what is scored is newer


def test_predict_page_reads_a_decimal_comma_and_says_so_and_refuses_an_ambiguous_one(client, champion):
    example = champion.about.examples["fraud"]
    answer = submit(client, {**example, "V7": "1,5", "Amount": "1.234,56"})
    expected = probability_of(champion, {**example, "V7": 1.5, "Amount": 1234.56})
    assert float(re.search(r'data-exact="([^"]+)"', answer.text)[1]) == pytest.approx(expected, abs=1e-9)
    assert re.search(r"Read with a comma: (V7 is 1.5|Amount is 1234.56), (V7 is 1.5|Amount is 1234.56)\.", answer.text)
    for typed, reason in {"1,234": "can be 1.234 or 1234", "1.234.567": "is 1234567 if its points set"}.items():
        refused = submit(client, {**example, "V7": typed})
        assert refused.status_code == 422 and reason in refused.text


def test_predict_page_has_boxes_of_text_since_a_browser_takes_commas_out_of_numbers(client):
    page = client.get("/predict").text
    assert 'type="number"' not in page and page.count('inputmode="decimal"') == len(COLUMNS)


def test_predict_page_refuses_a_form_without_its_token_and_keeps_what_was_typed(client, champion):
    example = {**champion.about.examples["fraud"], "V7": "0,125"}
    for fields in (example, {**example, "csrf_token": "guess"}):
        answer = client.post("/predict", data=in_form(fields))
        assert answer.status_code == 400
        assert "data-exact" not in answer.text and "the form has expired" in answer.text
        shown = boxes(answer)
        assert shown == {name: str(value) for name, value in example.items()}


def test_predict_page_answers_an_expired_form_for_an_unknown_model_as_any_other(client, caplog):
    answer = client.post("/predict", data={"model": "4711", "column-1": "4711"})
    assert answer.status_code == 404 and "There is no model of that name" in answer.text
    assert "Traceback" not in caplog.text and "4711" not in caplog.text


@pytest.mark.parametrize("ending", ["expired", "sent in time"])
def test_predict_page_refuses_a_form_that_names_another_model_than_its_address(client, champion, ending, caplog):
    token = {} if ending == "expired" else {"csrf_token": token_of(client.get("/predict"))}
    fields = {**token, "model": "none+lr", **champion.about.examples["fraud"]}
    answer = client.post("/predict?model=champion", data=in_form(fields))
    assert answer.status_code == 422 and "names two models" in answer.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("ending", ["expired", "sent in time"])
def test_predict_page_says_that_the_chosen_model_is_broken(folder, tmp_path, caplog, ending):
    shutil.copytree(folder.parent, tmp_path / "app")
    (tmp_path / "app" / "pairs" / "none+lr" / "scaler.json").write_text("{}")
    client = create_app(Settings(folder=tmp_path / "app" / "model")).test_client()
    token = {} if ending == "expired" else {"csrf_token": token_of(client.get("/predict"))}
    answer = client.post("/predict", data={"model": "none+lr", **token})
    assert answer.status_code == 503 and "none+lr/scaler.json" in answer.text
    assert "Traceback" not in caplog.text


def test_predict_page_scores_a_form_from_before_a_restart_when_it_is_sent_again(folder, client, champion):
    example = champion.about.examples["fraud"]
    restarted = create_app(Settings(folder=folder)).test_client()
    old = token_of(client.get("/predict"))
    again = restarted.post("/predict", data={"csrf_token": old, **in_form(example)})
    shown = boxes(again)
    answer = restarted.post("/predict", data={"csrf_token": token_of(again), **in_form(shown)})
    assert answer.status_code == 200 and "Alert: check" in answer.text


def test_predict_page_has_a_label_for_every_field_and_announces_the_answer(client):
    page = client.get("/predict").text
    for number in range(len(COLUMNS)):
        assert f'for="field-{number}"' in page and f'id="field-{number}"' in page and f'id="hint-{number}"' in page
    assert page.count("<fieldset") == page.count("<legend") == 2
    assert 'role="status" aria-live="polite"' in page


# --- a file, and the models


def test_example_file_can_be_scored(client, champion):
    answer = client.get("/file/example.csv")
    assert answer.mimetype == "text/csv" and "attachment" in answer.headers["Content-Disposition"]
    scored = client.post("/api/v1/predict", data=answer.data, content_type="text/csv").json["predictions"]
    expected = [probability_of(champion, example) for example in champion.about.examples.values()]
    assert [entry["probability"] for entry in scored] == pytest.approx(expected, abs=1e-9)


def test_pages_of_a_model_that_raises_no_alert_say_so(client, app, champion, monkeypatch):
    never = replace(champion, model=replace(champion.model, threshold=bundle.NEVER))
    monkeypatch.setattr(app.extensions["catalog"]._champion, "served", never)
    about = client.get("/models/champion").text
    scored = submit(client, champion.about.examples["fraud"]).text
    assert "It raises no alert, as none pays" in about and "at a probability of" not in about
    assert "The model raises no alert, as none pays" in scored and "the threshold of" not in scored


def test_models_page_lists_every_measured_pair_best_first_with_what_can_be_done(client, app):
    page = client.get("/models").text.partition("<h1")[2]
    listed = re.findall(r'href="/models/([^"]+)">', page)
    assert listed[0] == "champion" and sorted(listed[1:]) == sorted(
        pair.name for pair in app.extensions["catalog"].pairs
    )
    scores = [float(value) for value in re.findall(r'class="number" data-value="([\d.]+)"', page)]
    assert scores == sorted(scores, reverse=True)
    assert page.count("not written") == 1 and 'href="/predict?model=none%2Blr"' in page


def test_model_page_says_how_its_model_was_trained_or_how_to_write_it(client, champion):
    page = client.get("/models/champion").text
    assert champion.version in page and champion.model.card.ledger_key in page and "a test" in page
    assert formatting.percent(champion.model.threshold) in page
    assert all(f'<th scope="row" class="fw-normal">{name}</th>' in page for name in COLUMNS)
    missing = client.get("/models/none+rf").text
    assert "python -m app.building --pairs none+rf" in missing and "0.800 [0.700, 0.900]" in missing


def test_model_page_shows_the_fold_and_the_profile_of_a_card(client, change_card):
    change_card(profile="quick", fold=FoldScore(0, 1, 0.81234, 0.8, "Another machine."))
    text = text_of(client.get("/models/champion"))
    assert "<dt>Profile</dt><dd>quick</dd>" in client.get("/models/champion").text
    fold = "0.1 of the development set; average precision 0.8123 on its held-out rows, 0.8000 in the ledger. Another"
    assert fold in text
    change_card(fold=FoldScore(0, 1, 0.8, None))
    assert "0.8000 on its held-out rows." in text_of(client.get("/models/champion"))


def test_docs_page_shows_the_fields_of_the_form_for_a_file(client):
    page = client.get("/docs").text
    form = page[page.index('id="scoreFile"') : page.index('id="downloadFile"')]
    assert re.findall(r'<th scope="row" class="fw-normal"><code>(\w+)</code>', form) == ["model", "file", "model"]


@pytest.mark.parametrize(
    ("metric", "is_rate"),
    [("alerts a day at the threshold", True), ("precision at 100 alerts a day", True), ("ROC AUC", False)],
)
def test_model_page_says_what_a_threshold_and_a_rate_per_day_are(client, change_card, metric, is_rate):
    change_card(test={metric: 0.5})
    text = text_of(client.get("/models/champion"))
    assert "the threshold with the lowest total cost on held-out development rows" in text
    assert ("24 hours at the rate of the test set" in text) == is_rate


def test_docs_page_shows_every_operation_of_the_document(client):
    document = client.get("/api/v1/openapi.json").json
    page = client.get("/docs").text
    operations = pages.operations_of(document)
    assert len(operations) >= 6
    for path, method, operation in operations:
        assert f"{method.upper()} {path}" in page
        for parameter in operation.get("parameters", []):
            assert f"<code>{parameter['name']}</code>" in page
    for name in document.get("components", {}).get("schemas", {}):
        assert f'id="schema-{name}"' in page


# --- numbers in words and in drawings


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (0, "less than 0.001 %"),
        (9.956e-05, "0.010 %"),
        (0.00123, "0.12 %"),
        (0.0999, "10 %"),
        (0.111, "11 %"),
        (0.5, "50 %"),
        (0.9793, "97.9 %"),
        (0.99987, "more than 99.9 %"),
    ],
)
def test_percent_puts_probabilities_in_words(probability, words):
    assert formatting.percent(probability).replace(formatting.SPACE, " ") == words


def test_scale_is_logarithmic_and_stays_inside():
    drawn = formatting.scale(0.01, 0.1)
    assert drawn.probability == pytest.approx(100 / 3, abs=0.01)
    assert drawn.threshold == pytest.approx(200 / 3, abs=0.01)
    assert [label for _, label in drawn.ticks] == ["100 %", "10 %", "1 %", "0.1 %"]
    for probability in (0, 1e-300, 1e-9, 1):
        assert 0 <= formatting.scale(probability, 0.1).probability <= 100
    assert formatting.one_in(0.001) == "about 1 in 1,000"
    assert formatting.one_in(0.5) is None


def test_bars_keep_the_sum_and_point_to_their_side():
    columns = [Contribution(f"V{i}", float(i), (-1) ** i * (20.0 - i)) for i in range(14)]
    drawn = formatting.bars(Explanation(0.0, columns))
    assert drawn.base == 0.5 and len(drawn.rows) == formatting.N_BARS + 1
    total = sum(column.contribution for column in columns)
    assert sum(row.contribution for row in drawn.rows) == pytest.approx(total)
    assert drawn.rows[-1].name == "4 others" and drawn.rows[-1].value is None
    for row in drawn.rows:
        assert row.start == (50 if row.contribution >= 0 else pytest.approx(50 - row.width))
        assert row.start >= 0 and row.start + row.width <= 100
    assert drawn.rows[0].width == 50
    few = formatting.bars(Explanation(-2.0, [Contribution("a", 1.0, 0.0)]))
    assert [row.width for row in few.rows] == [0]


def test_code_marks_words_between_backticks_and_nothing_else_is_markup():
    assert formatting.code("the `first` <b> of `two`") == "the <code>first</code> &lt;b&gt; of <code>two</code>"
    assert formatting.code(None) == ""


def test_score_axis_holds_every_interval():
    axis = formatting.score_axis([score_of(None, (0.42, 0.55)), score_of(None, (0.5, 0.81))])
    assert [label for _, label in axis.ticks] == ["0.4", "0.5", "0.6", "0.7", "0.8", "0.9"]
    assert axis.position(0.4) == 0 and axis.position(0.9) == 100 and axis.position(0.65) == pytest.approx(50)


def score_of(mean, ends):
    return Score(mean, ends, folds=1, profile="full")


DEGENERATE = {
    "one": (1.0, (1.0, 1.0), "1.000 [1.000, 1.000]"),
    "nothing": (0.0, (0.0, 0.0), "0.000 [0.000, 0.000]"),
    "one number": (0.55, (0.55, 0.55), "0.550 [0.550, 0.550]"),
    "on a tick": (0.7, (0.7, 0.7), "0.700 [0.700, 0.700]"),
    "no number": (0.8, (float("nan"), float("nan")), "0.800 (no interval)"),
    "null": (0.8, (None, None), "0.800 (no interval)"),
    "half": (0.8, (0.7, None), "0.800 (no interval)"),
    "no interval": (0.8, None, "0.800 (no interval)"),
    "infinite": (0.8, (float("-inf"), float("inf")), "0.800 (no interval)"),
    "not measured": (None, None, "not measured"),
    "a mean that is no number": (float("nan"), (0.7, 0.9), "not measured"),
}


@pytest.mark.parametrize("case", DEGENERATE)
def test_score_axis_takes_an_interval_without_width_or_without_numbers(case):
    mean, ends, words = DEGENERATE[case]
    score = score_of(mean, ends)
    axis = formatting.score_axis([score])
    assert formatting.interval(score) == words
    drawn = [*(axis.ends(score) or []), axis.position(mean)]
    assert all(0 <= position <= 100 for position in drawn if position is not None)
    measured = ends is not None and all(end is not None and np.isfinite(end) for end in ends)
    assert (axis.ends(score) is not None) == measured
    assert [position for position, _ in axis.ticks][:: len(axis.ticks) - 1] == [0, 100]
    assert formatting.score_axis([]).ticks[0][1] == "0.0"


def test_score_axis_of_an_interval_without_width_holds_it():
    score = score_of(1.0, (1.0, 1.0))
    axis = formatting.score_axis([score])
    assert (axis.ends(score), [label for _, label in axis.ticks]) == ([100, 100], ["0.9", "1.0"])
    zero = score_of(0.0, (0.0, 0.0))
    axis = formatting.score_axis([zero])
    assert (axis.ends(zero), [label for _, label in axis.ticks]) == ([0, 0], ["0.0", "0.1"])
    axis = formatting.score_axis([zero, score, score_of(None, None)])
    assert (axis.ends(zero), axis.ends(score)) == ([0, 0], [100, 100])


@pytest.mark.parametrize("case", DEGENERATE)
def test_pages_show_scores_of_any_kind(tmp_path, monkeypatch, case):
    mean, ends, words = DEGENERATE[case]
    folder = tmp_path / "model"
    write_champion(folder)
    score = score_of(mean, ends)
    write_scores(folder, [MeasuredPair("none", "xgb", "XGBoost", [key_of("none", "xgb")], score)])
    bundle.seal(folder)
    monkeypatch.setattr(study, "shown_headline", lambda: with_score(score))
    client = create_app(Settings(folder=folder)).test_client()
    for address in ("/", "/models", "/models/champion"):
        page = client.get(address)
        assert page.status_code == 200 and words in page.text
        assert not re.search(r"\bnan\b|None%|inf\b", page.text)
    described = json.loads(client.get("/api/v1/models").text, parse_constant=lambda name: pytest.fail(name))
    assert described["models"][0]["scores"]["folds"] == 1


def with_score(score):
    """The study's headline in which every score is this one."""
    row = study.PairScore("XGBoost", score.average_precision, score.interval, folds=1)
    final = study.FinalScore("XGBoost", score.average_precision, score.interval, ledger_key="k")
    return replace(HEADLINE, best=row, means=[row, row], final=final)


HEADLINE = study.headline()


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (0.1999, 0.2, ("19.99 %", "20.00 %")),
        (0.1996, 0.2, ("19.96 %", "20.00 %")),
        (0.19, 0.2, ("19 %", "20 %")),
        (0.25, 0.25, ("25 %", "25 %")),
        (0.1, 0.2, ("10 %", "20 %")),
        (0.9996, 0.9999, ("99.96 %", "99.99 %")),
        (0.0, 2e-6, ("0 %", "0.000200 %")),
    ],
)
def test_percents_differ_where_the_probabilities_do(first, second, words):
    assert tuple(text.replace(formatting.SPACE, " ") for text in formatting.percents(first, second)) == words


@pytest.mark.parametrize("base", [-1e6, -800.0, 0.0, 800.0, float("-inf")])
def test_bars_start_from_a_probability_however_far_the_odds(base):
    assert 0 <= formatting.bars(Explanation(base, [])).base <= 1


CARD = {
    "average precision": 0.789228,
    "ROC AUC": 0.9896,
    "precision at 100 alerts a day": 1.0,
    "recall at precision 0.9": 0.716,
    "alerts a day at the threshold": 448.3,
    "alerts at the threshold": 12,
    "transactions of unseen entities": 12345,
    "precision at the threshold": None,
    "recall at the threshold": 0.797,
    "cost saved, share of the loss without alerts": 0.61,
    "Brier score": 0.00041977,
    "calibration error": 0.0,
}


def test_metric_prints_a_score_card_as_the_figure_of_chapter_8_does():
    figure = card_texts(pd.Series(CARD, dtype=object))
    assert {name: formatting.metric(value, name).replace(formatting.SPACE, " ") for name, value in CARD.items()} == {
        name: text.replace(formatting.SPACE, " ") for name, text in figure.items()
    }


def test_metric_writes_shares_in_percent():
    assert formatting.metric(0.61, "cost saved, share of the loss without alerts") == f"61.0{formatting.SPACE}%"
    assert formatting.metric(-0.255, "cost saved, share of the loss without alerts") == (
        f"\N{MINUS SIGN}25.5{formatting.SPACE}%"
    )
    assert formatting.metric(0.0123, "share of claims that are alerts") == f"1.2{formatting.SPACE}%"


def test_model_page_prints_the_score_card_with_shares_in_percent(client, change_card):
    change_card(test=CARD)
    page = client.get("/models/champion").text.replace(formatting.SPACE, " ")
    cells = dict(re.findall(r'<th scope="row" class="fw-normal">([^<]+)</th><td class="number">([^<]+)</td>', page))
    assert cells["Cost saved, share of the loss without alerts"] == "61.0 %"
    assert (cells["Recall at the threshold"], cells["ROC AUC"]) == ("79.7 %", "0.990")


def test_short_writes_a_dash_for_a_value_that_is_no_number():
    assert [formatting.short(value) for value in (None, float("nan"), float("inf"), 0.0)] == ["–", "–", "–", "0"]


def test_short_writes_no_minus_before_zero_and_no_long_numbers():
    assert [formatting.short(value) for value in (-0.0, 1e30, -2e15, 123456.7)] == ["0", "1e+30", "−2e+15", "123,457"]


# --- the figures


@pytest.fixture(scope="module")
def drawn_frauds(tmp_path_factory):
    """Rows with synthetic frauds from a CGAN of a few updates."""
    return embedding.study_synthetic(*small_study(tmp_path_factory.mktemp("study")))


def small_study(folder, updates=20):
    """Profile, dataset, features and labels of a study whose CGAN is trained for a moment."""
    frame = transactions()
    X = build_features(frame, SCHEMA, [*COLUMNS[1:], "hour_sin", "hour_cos"])
    profile = replace(load_profile("full"), results=folder, parameters={"cgan": {"updates": updates}})
    return profile, SimpleNamespace(sha256="0" * 64), X, frame["Class"]


def test_study_synthetic_draws_the_frauds_once_for_what_determines_them(tmp_path, monkeypatch, drawn_frauds):
    once = embedding.study_synthetic(*small_study(tmp_path))
    np.testing.assert_array_equal(once.rows, drawn_frauds.rows)  # whatever the time and place
    with monkeypatch.context() as patch:
        patch.setattr(embedding, "draw_frauds", lambda *_: pytest.fail("They were drawn already."))
        np.testing.assert_array_equal(embedding.study_synthetic(*small_study(tmp_path)).rows, once.rows)
    profile, dataset, X, y = small_study(tmp_path)
    calls = []
    monkeypatch.setattr(embedding, "draw_frauds", lambda scaled, *_: calls.append(1) or scaled.head(30))
    for other in (
        (profile, SimpleNamespace(sha256="1" * 64), X, y),
        (profile, dataset, X.drop(columns="V1"), y),
        (profile, dataset, X, 1 - y),
        small_study(tmp_path, updates=21),
    ):
        embedding.study_synthetic(*other)
    assert len(calls) == 4
    assert len(list((tmp_path / "synthetic").iterdir())) == 5


def test_study_synthetic_finds_the_committed_frauds_of_the_studys_own_cgan(monkeypatch):
    """Of the full profile, so that the page need not train a CGAN when it is first started."""
    monkeypatch.setattr(embedding, "draw_frauds", lambda *_: pytest.fail("They are not in data/results/synthetic."))
    profile = load_profile("full")
    dataset = load_dataset(profile.dataset)
    rows, _ = splits.split_off_test(dataset, profile.protocol.test_fraction)
    X, y = dataset.X.iloc[rows], dataset.y.iloc[rows]
    synthetic = embedding.study_synthetic(profile, dataset, X, y)
    assert synthetic.updates == 2500 == GANConfig().updates
    assert len(synthetic.rows) == y.sum() == 399


def test_study_synthetic_puts_frauds_beside_the_rows_they_were_learned_from(drawn_frauds):
    frame = transactions()
    assert len(drawn_frauds.rows) == frame["Class"].sum() == 30
    assert drawn_frauds.updates == 20
    np.testing.assert_array_equal(drawn_frauds.y, frame["Class"])
    np.testing.assert_allclose(drawn_frauds.X.mean(), 0, atol=1e-9)  # scaled
    expected = (frame["V5"] - frame["V5"].mean()) / frame["V5"].std(ddof=0)
    np.testing.assert_allclose(drawn_frauds.X["V5"], expected)
    assert np.isfinite(drawn_frauds.rows.to_numpy()).all()
    assert not (drawn_frauds.rows.to_numpy()[:, None] == drawn_frauds.X.to_numpy()[None]).all(axis=2).any()


@pytest.fixture(scope="module")
def fraud_map(drawn_frauds):
    return figures.embedding(drawn_frauds)


def test_embedding_has_every_fraud_and_can_lose_the_synthetic_ones(drawn_frauds, fraud_map):
    figure = fraud_map
    names = {trace["name"]: len(trace["x"]) for trace in figure.data}
    assert names == {"Legitimate": 570, "Real fraud": 30, "Synthetic fraud": 30}
    assert figure.data[figure.toggle.trace]["name"] == "Synthetic fraud"
    points, kinds = embedding.embed(drawn_frauds)
    np.testing.assert_array_equal(points[kinds == "synthetic"][:, 0].round(2), figure.data[2]["x"])
    # Frauds lie apart in these rows, so the map keeps them together.
    frauds, others = points[kinds == "fraud"], points[kinds == "legitimate"]
    to_own = np.linalg.norm(frauds - np.median(frauds, axis=0), axis=1)
    to_others = np.linalg.norm(others - np.median(frauds, axis=0), axis=1)
    assert np.median(to_own) < np.median(to_others) / 2


def test_correlations_are_those_of_each_group(drawn_frauds):
    figure = figures.correlations(drawn_frauds)
    assert [value for value, _ in figure.choices[0][1]] == [next(iter(trace["meta"])) for trace in figure.data]
    frauds = drawn_frauds.X[drawn_frauds.y == 1]
    place = list(frauds).index("V7")
    expected = frauds["V1"].corr(frauds["V7"])
    assert figure.data[0]["z"][list(frauds).index("V1")][place] == pytest.approx(expected, abs=0.005)
    assert np.diag(figure.data[1]["z"]) == pytest.approx(1)
    pairs = frauds.corr().abs().to_numpy()[np.triu_indices(frauds.shape[1], k=1)]
    assert f"is {pairs.mean():.2f} among frauds" in figure.text


def test_importances_find_what_tells_frauds_apart(folder):
    served = load_served(folder)
    rows = figures.sample_of(transactions(), SCHEMA, 50)
    assert rows["Class"].value_counts().to_dict() == {0: 50, 1: 30}
    figure = figures.importances(served, rows)
    names, sizes = figure.data[0]["y"], figure.data[0]["x"]
    assert "over 80 transactions of the development set, 30 of them frauds. " in figure.text
    assert f". {names[-1]}, {names[-2]} and {names[-3]} move them most; the 15 largest are shown." in figure.text
    assert sizes == sorted(sizes) and len(names) == figures.N_FEATURES
    assert set(names[-3:]) <= {"V1", "V2", "V3", "V4"}
    explained = served.explain(rows[list(COLUMNS)].to_numpy(dtype=float).tolist())
    of_best = [
        abs(column.contribution) for row in explained for column in row.contributions if column.feature == names[-1]
    ]
    assert sizes[-1] == pytest.approx(np.mean(of_best), abs=1e-4)


def test_amounts_and_hours_are_shares_of_each_class():
    labels = np.array([0, 0, 0, 0, 1, 1])
    figure = figures.amounts(np.array([0, 0.5, 99.99, 100, 3000, 1e6]), labels)
    legitimate, fraud = figure.data
    at = {
        name: (share, count)
        for name, share, count in zip(legitimate["x"], legitimate["y"], legitimate["customdata"], strict=True)
    }
    assert at["0"] == at["0.01 to 1"] == at["30 to 100"] == at["100 to 300"] == (25, 1)
    assert fraud["y"][-1] == 100 and sum(fraud["y"]) == 100
    assert "50.24 (legitimate)" in figure.text  # between 0.5 and 99.99, rounded to even
    assert "have no amount" not in figure.text
    gaps = figures.amounts(np.array([0, np.nan, 99.99, 100, np.nan, 1e6]), labels)
    assert gaps.text.endswith("2 of 6 transactions have no amount and are left out.")
    hours = figures.hour_of_day(np.array([0, 0, 5, 23, 5, 5]), labels)
    assert hours.data[0]["y"][0] == 50 and hours.data[1]["y"][5] == 100
    assert "10,000 transactions" in hours.text and "6667 in hour 5" in hours.text
    assert "0 are frauds in hour 0, where they are rarest" in hours.text
    by_day = figures.hour_of_day(np.array([9, 9, 12, 17, 17, 17]), np.array([1, 0, 1, 0, 0, 1]))
    assert "3333 are frauds in hour 17, where they are rarest" in by_day.text  # not in hours without any row


def test_class_balance_counts_rows():
    figure = figures.class_balance(np.repeat([0, 1], [990, 10]))
    assert figure.data[0]["x"] == [990, 10] and "one in 100" in figure.text


def test_precision_recall_curves_are_offered_by_model_and_by_sampler_with_the_mean_over_folds():
    row = {"average_precision": 1.0, "repeat": 0, "ranks": [1, 2]}
    table = pd.DataFrame(
        [
            {**row, "sampler": "none", "model": "rf", "fold": 0},
            {**row, "sampler": "none", "model": "lr", "fold": 0},
            {**row, "sampler": "smote", "model": "lr", "fold": 0, "ranks": [2, 4], "average_precision": 0.5},
        ]
    )
    figure = figures.precision_recall_curves(table, 0.01, {"none": "Nothing", "rf": "Random forest"})
    first, second, third, chance = figure.data
    assert first["meta"]["rf"]["name"] == "Nothing (1.000)" and first["meta"]["none"]["name"] == "Random forest (1.000)"
    assert set(second["meta"]) == {"lr", "none"} and set(third["meta"]) == {"lr", "smote"}
    assert set(first["y"]) == {1.0} and set(third["y"]) == {0.5}
    assert chance["y"] == [0.01, 0.01] and "meta" not in chance
    models, samplers = (group for _, group in figure.choices)
    assert models == [("rf", "Random forest"), ("lr", "lr")] and samplers == [("none", "Nothing"), ("smote", "smote")]
    assert figure.text.startswith("One fold of the development set") and "their order may change" in figure.text


def test_measured_says_how_many_folds_the_curves_leave_out(monkeypatch):
    row = {"average_precision": 1.0, "repeat": 0, "ranks": [1, 2], "sampler": "none"}
    pairs = [("lr", 0), ("lr", 1), ("lr", 2), ("ann", 0), ("ann", 1)]
    rows = pd.DataFrame([{**row, "model": model, "fold": fold, "key": f"{model}{fold}"} for model, fold in pairs])
    for shown, start in (
        (rows, "Mean over 2 folds of the development set, from the full run of the study: of 3 folds, only these have"),
        (
            rows.iloc[:-1],
            "One fold of the development set, from the full run of the study: of 3 folds, only this one has",
        ),
        (rows.iloc[:3], "Mean over 3 folds of the development set, from the full run of the study; the mean average"),
    ):
        monkeypatch.setattr(figures, "measured_rows", lambda _, shown=shown: (load_profile("full"), shown))
        table = figures.measured(ULB)
        assert figures.precision_recall_curves(table, 0.01, {}).text.startswith(start)


def test_figures_are_json_and_served_as_they_were_computed(client, champion, drawn_frauds, fraud_map):
    for figure in (fraud_map, figures.correlations(drawn_frauds)):
        json.dumps(to_json(figure), allow_nan=False)
    assert client.get("/statistics.json").json == [to_json(figure) for figure in champion.statistics]
    assert "Class balance" in client.get("/statistics").text


def test_predict_page_refuses_large_forms(client):
    for content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        sent = {field_key("V1"): "1" * (MAX_FORM + 1)}
        assert client.post("/predict", data=sent, content_type=content_type).status_code == 413


def test_predict_page_takes_the_form_of_a_wide_table(client, champion):
    others = {field_key(f"column of another model {number}"): "0.12345678901234567" for number in range(9_000)}
    answer = submit(client, {**champion.about.examples["fraud"], **others})
    assert answer.status_code == 200 and "data-exact" in answer.text


def test_predict_page_gives_no_column_the_value_of_another(client, champion):
    """As from a form that was opened before the model was replaced by one with other columns."""
    example = champion.about.examples["fraud"]
    before = {name: value for name, value in example.items() if name != "V1"}
    answer = submit(client, {field_key("old column"): "3", **before})
    assert answer.status_code == 422 and ">V1</a> is missing" in answer.text
    assert {name: text for name, text in boxes(answer).items() if name != "V1"} == {
        name: str(value) for name, value in before.items()
    }


def test_pages_know_the_model_that_the_folder_holds(folder, champion):
    assert champion.model.card == bundle.load(folder).card
