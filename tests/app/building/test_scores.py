"""Which ledger rows are a dataset's own, and where its file is."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from app.building import about, command, figures, scores
from tests.rows import make_row, make_task
from utils.benchmark import ledger
from utils.benchmark.records import Method
from utils.config import DATA, DatasetConfig, Roles, load_profile
from utils.data.identity import identify
from utils.study_file import Study


@pytest.fixture
def profile(tmp_path):
    """A profile whose dataset is a file of one's own that bears the name of the study's."""
    (tmp_path / "creditcard.csv").write_text("a,label\n1,0\n2,1\n3,0\n")
    config = DatasetConfig(tmp_path / "creditcard.csv", label="label", time=None, amount=None)
    return replace(load_profile("full", config), results=tmp_path / "results")


@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"roles": Roles(label="other")}])
def test_development_rows_are_those_of_the_file_and_its_roles_and_not_of_its_name(profile, change):
    own = identify(profile.dataset)
    for row in (
        make_row(dataset=replace(own, **change)),
        make_row(dataset=own, split=replace(make_task().split, kind="test")),
        make_row(dataset=own),
    ):
        ledger.append(profile.results / "creditcard.jsonl", row)
    assert scores.development_rows(profile)["dataset"].tolist() == [own]


def test_development_rows_count_under_another_name_of_the_file(profile):
    renamed = replace(identify(profile.dataset), name="claims")
    ledger.append(profile.results / "creditcard.jsonl", make_row(dataset=renamed))
    assert scores.development_rows(profile)["dataset"].tolist() == [renamed]


def test_development_rows_have_the_searched_ratio_though_equal_classes_were_run_later(profile):
    own = identify(profile.dataset)
    for ratio in (5, "balanced"):
        row = make_row(dataset=own, sampler=Method("smote", {"ratio": ratio}, "1", 1))
        ledger.append(profile.results / "creditcard.jsonl", row)
    (config,) = scores.development_rows(profile)["sampler_config"]
    assert config.params == {"ratio": 5}


def test_development_rows_have_equal_classes_where_they_are_all_that_was_run(profile):
    own = identify(profile.dataset)
    row = make_row(dataset=own, sampler=Method("smote", {"ratio": "balanced"}, "1", 1))
    ledger.append(profile.results / "creditcard.jsonl", row)
    assert len(scores.development_rows(profile)) == 1


def test_located_is_the_path_of_the_study_and_not_another_file_of_that_name(profile, monkeypatch):
    monkeypatch.setattr(about, "load_profile", lambda name: profile)
    saved = replace(profile.dataset, path=Path("creditcard.csv"))
    assert about.located(saved).path == profile.dataset.path
    assert about.located(replace(saved, path=Path("claims.csv"))).path == DATA / "claims.csv"


def test_measured_pairs_is_empty_where_nothing_was_measured(profile):
    assert scores.measured_pairs(profile.dataset, {}) == []


@pytest.mark.parametrize(("measured", "expected"), [({"full", "quick"}, "full"), ({"quick"}, "quick")])
def test_measured_pairs_are_those_of_the_full_study_else_of_the_quick_one(profile, monkeypatch, measured, expected):
    lines = [
        {"sampler": "smote", "model": "lr", "key": "a", "repeat": 0, "fold": 0, "ranks": [1, 2], "positives": [0, 1]},
        {"sampler": "none", "model": "lr", "key": "b", "repeat": 0, "fold": 0, "ranks": [2, 5], "positives": [0, 1]},
    ]
    table = pd.DataFrame(lines).assign(average_precision=[1.0, 0.45])
    monkeypatch.setattr(
        scores, "development_rows", lambda profile: table if profile.name in measured else pd.DataFrame()
    )
    monkeypatch.setattr(
        scores, "final_task", lambda profile, pair: SimpleNamespace(key=f"{profile.name} {'+'.join(pair)}")
    )
    pairs = scores.measured_pairs(profile.dataset, {"none": "No resampling", "smote": "SMOTE", "lr": "Logistic"})
    assert [pair.label for pair in pairs] == ["Logistic with no resampling", "Logistic with SMOTE"]
    assert [pair.scores.average_precision for pair in pairs] == [0.45, 1.0]
    assert [pair.keys for pair in pairs] == [["b", f"{expected} none+lr"], ["a", f"{expected} smote+lr"]]
    assert {pair.scores.profile for pair in pairs} == {expected}


def test_measured_rows_decide_for_pairs_figures_and_scores_which_run_they_are_of(profile, tmp_path, monkeypatch):
    monkeypatch.setattr("utils.config.STUDY_OUTPUTS", tmp_path / "studies")
    study = Study("claims", profile.dataset)
    quick, full = (load_profile(name, study) for name in ("quick", "full"))
    full.results.mkdir(parents=True)
    (full.results / "claims.jsonl").touch()  # interrupted before its first result
    row = make_row(dataset=identify(profile.dataset))
    for run in (quick, full):
        ledger.append(run.results / "claims.jsonl", row)
        assert command.measured_profile(study).name == run.name
        assert figures.measured(study).attrs["profile"] == run.name
        assert scores.measured_rows(study)[0].name == run.name


def test_finished_rows_are_none_until_the_last_task_of_the_grid_is_there(profile, tmp_path, monkeypatch):
    own = replace(profile, results=tmp_path)
    rows = [make_row(dataset=identify(profile.dataset), fold=fold) for fold in (0, 1)]
    monkeypatch.setattr(scores, "grid", lambda *_: [row.task for row in rows])
    assert scores.finished_rows(own).empty
    for row, n_rows in zip(rows, (0, 2), strict=True):
        ledger.append(tmp_path / "rows.jsonl", row)
        assert len(scores.finished_rows(own)) == n_rows


def test_finished_rows_of_the_credit_card_study_are_all_of_its_development_rows():
    full = load_profile("full")
    assert len(scores.finished_rows(full)) == len(scores.development_rows(full)) > 600


@pytest.mark.parametrize(
    ("model", "sampler", "label"),
    [
        ("xgb", "none", "XGBoost with no resampling"),
        ("xgb", "ros", "XGBoost with random oversampling"),
        ("xgb", "arf", "XGBoost with adversarial random forests"),
        ("brf", "none", "Balanced random forest"),
    ],
)
def test_pair_label_reads_as_part_of_a_sentence(model, sampler, label):
    labels = {"none": "No resampling", "ros": "Random oversampling", "xgb": "XGBoost"}
    labels |= {"arf": "Adversarial random forest", "brf": "Balanced random forest"}
    assert scores.pair_label(sampler, model, labels) == label
