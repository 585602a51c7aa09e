"""Equal classes beside the ratio that an equal search chooses, run on a small study."""

from dataclasses import replace

import numpy as np
import pytest

from tests.rows import make_row
from tests.small import small_profile
from utils.benchmark import equal_classes, equal_search, ledger, runner, training
from utils.benchmark.records import SearchPlan, SearchSpace
from utils.benchmark.run_task import load_dataset
from utils.benchmark.search import sample_trials
from utils.benchmark.tasks import grid
from utils.config import Search

SEARCH = Search(trials=6, folds=2, deep_trials=2, margin=0.0, equal=True, equal_classes=("ros", "smote"))
SAMPLERS = ["none", "class_weight", "rus", "ros", "tomek"]


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    return replace(small_profile(tmp_path_factory.mktemp("equal"), folds=((0, 0),)), search=SEARCH)


@pytest.fixture(scope="module")
def rows(profile):
    runner.run_equal(profile, samplers=SAMPLERS, models=["lr"], n_jobs=1)
    return ledger.read(profile.results)


def row_of(rows, sampler, *, ratios):
    """The row of a sampler whose search tried these ratios."""
    searched = [row for row in rows if row.task.search and row.task.sampler.name == sampler]
    return next(row for row in searched if row.task.search.space.sampler["ratio"] == ratios)


def test_run_equal_searches_every_sampler_and_fits_equal_classes_beside(rows):
    assert len(rows) == len(SAMPLERS) + 1 + 2  # random oversampling is searched again, two samplers are fitted again
    assert [row.task.sampler.name for row in rows if row.task.search is None] == ["class_weight", "rus"]
    assert len({row.task.search.settings for row in rows if row.task.search}) == 1


def test_run_equal_selects_the_best_inner_score(rows):
    for row in rows:
        if row.task.search:
            assert len(row.result.inner_scores) == SEARCH.trials
            best = int(np.argmax(row.result.inner_scores))
            assert row.result.chosen.model["C"] == equal_search.model_settings("lr", SEARCH.trials)[best]["C"]


def test_none_and_a_setting_that_adds_nothing_have_the_same_inner_score(rows):
    """The first ratio of a sampler leaves the rows as they are, so that only the others can differ."""
    plain = next(row for row in rows if row.task.sampler.name == "none")
    ros = row_of(rows, "ros", ratios=[0, 1, 5, 20, "balanced"])
    ratios = equal_search.spread([0, 1, 5, 20, "balanced"], SEARCH.trials)
    same = [a == b for a, b in zip(plain.result.inner_scores, ros.result.inner_scores, strict=True)]
    assert [same[position] for position, ratio in enumerate(ratios) if ratio == 0] == [True] * ratios.count(0)
    assert not all(same)


def test_equal_classes_of_a_searched_sampler_are_tried_with_every_setting(rows):
    row = row_of(rows, "ros", ratios=["balanced"])
    assert row.result.chosen.sampler == {"ratio": "balanced"}
    assert row.result.n_fit_positives == row.result.n_fit - row.result.n_fit_positives


def test_refitted_tasks_keep_the_settings_that_the_search_chose(rows):
    chosen = next(row for row in rows if row.task.sampler.name == "rus" and row.task.search)
    refitted = next(row for row in rows if row.task.sampler.name == "rus" and not row.task.search)
    assert refitted.task.model.params == chosen.result.chosen.model
    assert refitted.task.sampler.params == {"ratio": "balanced"}
    assert refitted.result.n_fit == 2 * refitted.result.n_fit_positives


def test_a_generator_is_fitted_once_for_a_search_and_equal_classes(tmp_path, monkeypatch):
    search = Search(trials=2, folds=2, margin=0.0, equal=True, ratios=(1,))
    study = replace(small_profile(tmp_path, folds=((0, 0),)), search=search)
    fitted, resample = [], training.resample
    monkeypatch.setattr(
        training, "resample", lambda sampler, *rows: fitted.append(sampler.name) or resample(sampler, *rows)
    )
    runner.run_equal(study, samplers=["cgan"], models=["lr"], n_jobs=1)
    assert fitted == ["cgan"] * (search.folds + 1)
    assert [row.task.search is None for row in ledger.read(study.results)] == [False, True]


def test_a_fit_in_the_group_of_its_search_is_that_of_a_group_of_its_own(profile, rows, tmp_path):
    refitted = {row.key: row.result.ranks for row in rows if row.task.search is None}
    alone = replace(profile, results=tmp_path)
    runner.run(alone, tasks=equal_classes.refitted_tasks(profile, rows), n_jobs=1)
    assert {row.key: row.result.ranks for row in ledger.read(tmp_path)} == refitted


def test_refitted_networks_stop_by_held_out_rows_as_in_the_search(profile):
    identity = load_dataset(profile.dataset).identity
    task = grid(profile, identity, samplers=["rus"], models=["ann"])[0]
    (again,) = equal_classes.refitted_tasks(profile, [make_row(**vars(task))])
    assert again.search == SearchPlan(1, 0.0, SearchSpace({}, {}), held_out=task.search.held_out)
    (trial,) = sample_trials(again)
    assert trial.sampler.params == {"ratio": "balanced"}
    table = ledger.frame([make_row(**vars(task)), make_row(**vars(again))])
    assert list(equal_classes.label_ratios(table)["ratio"]) == [equal_classes.SEARCHED, equal_classes.EQUAL]


def test_run_equal_computes_nothing_twice(rows, profile, monkeypatch):
    monkeypatch.setattr(runner, "run_batches", lambda *_, **__: pytest.fail("a finished task was run again"))
    table = runner.run_equal(profile, samplers=SAMPLERS, models=["lr"])
    assert set(table["key"]) == {row.key for row in rows}
    equal = table[table["ratio"] == equal_classes.EQUAL]
    assert set(equal["sampler"]) == {"class_weight", "rus", "ros"} and len(equal) == 3
    assert set(table["ratio"]) == {equal_classes.EQUAL, equal_classes.SEARCHED}


def test_searched_tasks_differ_from_those_of_the_grid(profile):
    identity = load_dataset(profile.dataset).identity
    tasks = equal_classes.searched_tasks(profile, identity, samplers=["none", "smote", "rus"], models=["lr", "spe"])
    assert [(task.sampler.name, task.model.name, task.search.space.sampler) for task in tasks] == [
        ("smote", "lr", {"ratio": ["balanced"]})
    ]
