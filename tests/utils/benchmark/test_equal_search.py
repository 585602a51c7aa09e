"""Equal search: one list of settings per model, whatever the sampler, the fold and the dataset."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tests.utils.benchmark.test_training import make_task as task_of
from utils.benchmark import equal_search
from utils.benchmark.search import plan_search, sample_trials
from utils.config import Search
from utils.models.registry import MODELS
from utils.registry import Range
from utils.samplers.registry import SAMPLERS

SEARCH = Search(trials=16, folds=2, deep_trials=8, equal=True)
PAIRED = [name for name, entry in MODELS.items() if not entry.alone]


def make_task(sampler, model, search=SEARCH):
    return task_of(sampler, model, search)


@pytest.mark.parametrize("model", PAIRED)
def test_settings_of_a_model_are_the_same_for_every_sampler_and_fold(model):
    expected = equal_search.model_settings(model, SEARCH.deep_trials if MODELS[model].deep else SEARCH.trials)
    for sampler in SAMPLERS:
        task = make_task(sampler, model)
        for other in (task, replace(task, seed=task.seed + 1, fold=1)):
            trials = sample_trials(other)
            assert [{name: trial.model.params[name] for name in expected[0]} for trial in trials] == expected
            assert {trial.sampler.name for trial in trials} == {sampler}


def test_settings_spread_over_the_ranges():
    settings = equal_search.model_settings("xgb", 16)
    for name, choice in MODELS["xgb"].ranges.items():
        values = np.array([setting[name] for setting in settings])
        assert choice.low <= values.min() and values.max() <= choice.high
        middle = np.sqrt(choice.low * choice.high) if choice.log else (choice.low + choice.high) / 2
        assert 6 <= (values < middle).sum() <= 10  # a Sobol sequence has half of its points in either half
        assert len(set(values)) > 5


def test_ratios_are_tried_equally_often_and_include_none_added():
    for sampler, entry in SAMPLERS.items():
        ratios = Counter(trial.sampler.params.get("ratio") for trial in sample_trials(make_task(sampler, "xgb")))
        if entry.ratios:
            assert set(ratios) == set(entry.ratios) and max(ratios.values()) - min(ratios.values()) <= 1
        else:
            assert ratios == {None: 16}


def test_samplers_of_a_kind_try_the_same_ratio_with_a_setting():
    ratios = [
        [trial.sampler.params["ratio"] for trial in sample_trials(make_task(name, "xgb"))] for name in ("ros", "cgan")
    ]
    assert ratios[0] == ratios[1]


@pytest.mark.parametrize("name", [name for name, entry in SAMPLERS.items() if entry.ratios])
def test_first_ratio_of_a_sampler_changes_nothing(name):
    y = np.repeat([0, 1], [990, 10])
    entry = SAMPLERS[name]
    unchanged = 1 if entry.weighted else 990 if entry.family == "under" else 0
    assert entry.effect(entry.ratios[0], y) == unchanged
    assert entry.keeps_rows({"ratio": entry.ratios[0]}) and not entry.keeps_rows({"ratio": entry.ratios[-1]})


def test_settings_that_changed_since_a_task_was_made_are_refused(monkeypatch):
    task = make_task("none", "lr")
    monkeypatch.setitem(MODELS, "lr", replace(MODELS["lr"], ranges={"C": Range(1, 2)}))
    with pytest.raises(equal_search.SettingsError, match="settings of lr are no longer those"):
        sample_trials(task)


def test_plan_has_no_search_where_nothing_can_be_chosen():
    assert plan_search("none", "brf", SEARCH) is None
    assert plan_search("none", "lr", replace(SEARCH, trials=1)) is None


def test_plan_of_the_old_search_has_no_new_fields():
    assert plan_search("smote", "xgb", Search()).settings is None


@pytest.mark.parametrize(
    ("choice", "shares", "values"),
    [
        (Range(0.01, 1, log=True), (0, 0.5, 1), (0.01, 0.1, 1)),
        (Range(2, 4), (0, 0.25, 0.5), (2, 2.5, 3)),
        (Range(3, 10, whole=True), (0, 0.5, 0.999), (3, 6, 10)),
        (Range(1, 9, log=True), (1 / 3,), (2.08,)),
    ],
)
def test_range_gives_the_number_below_which_a_share_lies(choice, shares, values):
    assert tuple(choice.at(share) for share in shares) == values
