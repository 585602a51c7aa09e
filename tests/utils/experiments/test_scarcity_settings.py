"""The settings of the scarcity experiment: from the list of the equal search, and chosen without its folds."""

import pandas as pd
import pytest

from utils.benchmark.equal_search import model_settings
from utils.benchmark.records import Thinning
from utils.config import load_profile
from utils.experiments import many_tables, scarcity_settings


@pytest.mark.parametrize("model", scarcity_settings.MODELS)
def test_setting_of_a_model_is_one_of_its_equal_search(model):
    search = load_profile("full").search
    n_trials = search.deep_trials if model == "ann" else search.trials
    assert scarcity_settings.setting_of(model) in model_settings(model, n_trials)


def test_design_tables_have_rare_positives_when_thinned():
    tables = scarcity_settings.design_tables()
    assert [table.name for table in tables] == ["banana", "magic", "twonorm"]
    assert {table.role for table in tables} == {"design"} and not any(table.categories for table in tables)
    n_kept = scarcity_settings.THINNING.n_positives
    assert all(0.8 * (table.rows - table.minority) >= 50 * n_kept for table in tables)
    assert all(0.8 * table.minority >= n_kept for table in tables)


def test_mean_scores_are_means_over_tables_folds_and_samplers(tmp_path, monkeypatch):
    """Two settings of logistic regression on a small table, and the choice of the better one."""
    monkeypatch.setattr(scarcity_settings, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(scarcity_settings, "MODELS", ("lr",))
    monkeypatch.setattr(scarcity_settings, "N_SETTINGS", 2)
    monkeypatch.setattr(many_tables, "FOLDER", tmp_path / "tables")
    (table,) = many_tables.tables_of("design", ["haberman"])
    scores = scarcity_settings.mean_scores(load_profile("full"), [table], n_jobs=1)
    rows = scarcity_settings.ledger.read(tmp_path / "results")
    assert len(rows) == 2 * 2 * 2 and {row.task.split.thinned for row in rows} == {Thinning(40, 0)}
    assert {row.result.n_fit_positives for row in rows} == {40, 240}
    for position, setting in enumerate(model_settings("lr", 2)):
        own = [row.result.average_precision for row in rows if row.task.model.params == setting]
        assert scores.loc["lr", position] == pytest.approx(sum(own) / 4)
    monkeypatch.setattr(scarcity_settings, "run_batches", lambda *_, **__: pytest.fail("a task was run again"))
    again = scarcity_settings.mean_scores(load_profile("full"), [table])
    pd.testing.assert_frame_equal(again, scores)


def test_choose_takes_the_highest_score_of_each_model():
    scores = pd.DataFrame({0: {"lr": 0.5, "ann": 0.7}, 1: {"lr": 0.6, "ann": 0.1}})
    assert scarcity_settings.choose(scores) == {"lr": 1, "ann": 0}
