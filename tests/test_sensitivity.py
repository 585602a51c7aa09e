"""What the study's own choices do: which tasks are asked for, and that they go where they belong."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.small import small_profile
from utils import benchmark, ledger, samplers, sensitivity
from utils.config import load_profile
from utils.models import MODELS


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    """Two samplers and one model on a few thousand real rows."""
    found = small_profile(tmp_path_factory.mktemp("study"))
    small = {
        "samplers": ("none", "rus", "smote"),
        "sensitivity_models": ("lr", "ann", "cnn1d", "lstm"),
        "column_orders": 1,
    }
    dataset = replace(found.dataset, duplicates="drop")
    return replace(found, dataset=dataset, sensitivity_folds=((0, 0), (0, 1)), **small)


def test_every_sampler_with_a_ratio_is_asked_at_every_ratio():
    tasks = sensitivity.ratio_tasks(load_profile("full"))
    asked = {(task["sampler"]["name"], task["setting"]) for task in tasks}
    for name, entry in samplers.SAMPLERS.items():
        ratios = entry.space.get("ratio", [])
        assert {(name, value if value == "balanced" else f"x{value}") for value in ratios} <= asked
    assert ("none", "none") in asked and not [name for name, _ in asked if name == "tomek"]
    assert all(task["search"] is None for task in tasks)


def test_networks_are_asked_with_one_thing_changed_at_a_time():
    profile = load_profile("full")
    tasks = sensitivity.network_tasks(profile)
    as_they_come = {task["model"]["name"]: task["model"]["params"] for task in tasks if task["setting"] in DEFAULTS}
    for task in tasks:
        usual, params = as_they_come[task["model"]["name"]], task["model"]["params"]
        assert len([name for name in params if params[name] != usual.get(name)]) == (task["setting"] not in DEFAULTS)
        assert task["search"]["trials"] == 1
    orders = {task["model"]["params"].get("column_order") for task in tasks}
    assert orders == {None, *range(1, 1 + profile.column_orders)}


DEFAULTS = ("columns as they come", "cross-entropy")


def test_xgboost_is_asked_at_the_setting_of_the_blends_boosted_trees_on_every_fold():
    profile = load_profile("full")
    tasks = sensitivity.boosted_tasks(profile)
    assert [(task["repeat"], task["fold"]) for task in tasks] == list(profile.folds)
    assert all(task["model"]["params"] == MODELS["blend"].defaults["boosted"] for task in tasks)
    assert {(task["model"]["name"], task["sampler"]["name"], task["search"]) for task in tasks} == {
        ("xgb", "none", None)
    }
    (quick, *_) = sensitivity.boosted_tasks(load_profile("quick"))
    assert quick["model"]["params"]["n_estimators"] == 100


def test_the_committed_ledger_holds_the_boosted_baseline():
    rows = {row["key"]: row for row in ledger.read(load_profile("full").results / "sensitivity")}
    scores = [rows[task["key"]]["average_precision"] for task in sensitivity.boosted_tasks(load_profile("full"))]
    assert len(scores) == 10 and np.mean(scores) == pytest.approx(0.8628, abs=5e-4)


def test_ratios_are_run_once_and_kept_apart_from_the_benchmark(profile, monkeypatch):
    table = sensitivity.ratios(profile, n_jobs=1)
    assert set(zip(table["sampler"], table["setting"], strict=True)) == {
        ("none", "none"),
        *(("rus", setting) for setting in ("balanced", "x5", "x20", "x100")),
        *(("smote", setting) for setting in sensitivity.RATIOS),
    }
    assert len(table) == 2 * 9
    balanced = table[(table["sampler"] == "smote") & (table["setting"] == "balanced")]
    assert (balanced["n_fit_positives"] * 2 == balanced["n_fit"]).all()
    assert ledger.read(profile.results) == []
    assert len(ledger.read(profile.results / "sensitivity")) == len(table)
    monkeypatch.setattr(benchmark, "run_groups", lambda *_, **__: pytest.fail("a finished task was run again"))
    assert sensitivity.ratios(profile)["average_precision"].equals(table["average_precision"])


def test_views_differ_in_rows_or_features(profile):
    table = sensitivity.views(profile, n_jobs=1)
    rows = table.groupby("setting")["n_rows"].sum()
    assert rows["duplicates kept"] >= rows["as in the protocol"] == rows["raw time as a feature"]
    names = {setting: part["dataset"].iloc[0]["name"] for setting, part in table.groupby("setting")}
    assert names["as in the protocol"] == "rows"
    assert names["duplicates kept"] == "rows-with-duplicates" and names["raw time as a feature"] == "rows-raw-time"


def test_a_table_that_keeps_its_duplicates_is_looked_at_without_them(profile, monkeypatch):
    """What is tried is always the other choice, under a name of its own."""
    monkeypatch.setattr(sensitivity, "_run", lambda other, *_: pd.DataFrame([vars(other.dataset)]))
    table = sensitivity.views(replace(profile, dataset=replace(profile.dataset, duplicates="keep")))
    seen = {row.setting: (row.duplicates, row.variant) for row in table.itertuples()}
    assert seen["as in the protocol"] == ("keep", "")
    assert seen["duplicates dropped"] == ("drop", "without-duplicates") and "duplicates kept" not in seen


def test_spread_gives_mean_and_range_of_the_folds(profile):
    table = sensitivity.ratios(profile, n_jobs=1)
    found = sensitivity.spread(table[table["sampler"] == "none"]).iloc[0]
    scores = table.loc[table["sampler"] == "none", "average_precision"]
    assert (found["mean"], found["low"], found["high"]) == (scores.mean(), scores.min(), scores.max())
