"""From training rows to a fitted classifier: shared caches, the search, and rows that must not be seen."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.rows import make_task as any_task
from utils.benchmark import training
from utils.benchmark.records import Method, SearchPlan, SearchSpace, Task, to_json
from utils.benchmark.search import Trial, chosen_trial, plan_search, reduced_trial, sample_trials, select_trial
from utils.benchmark.training import MAX_RESAMPLED, TrainingRows
from utils.config import Search
from utils.models.registry import MODELS
from utils.samplers.registry import SAMPLERS

SEARCH = Search(trials=4, folds=2, deep_trials=2, held_out=4)


def make_rows(n_rows: int = 1200, n_frauds: int = 80) -> TrainingRows:
    rng = np.random.default_rng(0)
    y = rng.permutation(np.arange(n_rows) < n_frauds).astype(int)
    X = pd.DataFrame(rng.normal(size=(n_rows, 4)) * [1, 10, 0.1, 1] + y[:, None], columns=list("abcd"))
    groups = np.arange(n_rows)
    groups[:40] = groups[40:80]  # forty pairs of identical rows
    return TrainingRows(X, pd.Series(y), groups, seed=3)


def make_task(sampler: str, model: str, search: Search | None = SEARCH, **params) -> Task:
    return any_task(
        seed=7,
        sampler=method(sampler, SAMPLERS[sampler].defaults),
        model=method(model, {**MODELS[model].defaults, **params}),
        search=search and plan_search(sampler, model, search),
    )


def method(name: str, params: dict) -> Method:
    return Method(name, dict(params), "some library 1.0", 1)


def test_sample_trials_gives_every_sampler_as_many_and_its_defaults_first():
    for sampler in SAMPLERS:
        task = make_task(sampler, "xgb")
        trials = sample_trials(task)
        assert len(trials) == 4
        assert trials[0] == Trial(task.sampler, task.model)
        assert all(trials.count(trial) == 1 for trial in trials)


def test_sample_trials_stay_inside_the_space_and_repeat_with_the_seed():
    task = make_task("smote", "xgb")
    for trial in sample_trials(task)[1:]:
        assert trial.sampler.params["ratio"] in SAMPLERS["smote"].space["ratio"]
        assert all(trial.model.params[name] in values for name, values in MODELS["xgb"].space.items())
    assert sample_trials(task) == sample_trials(make_task("smote", "xgb"))
    assert sample_trials(task) != sample_trials(replace(task, seed=8))


def test_sample_trials_are_fewer_in_a_small_space_and_need_no_search_in_none():
    assert len(sample_trials(make_task("none", "spe"))) == 4
    assert plan_search("none", "brf", SEARCH) is None
    assert plan_search("none", "lr", replace(SEARCH, trials=1)) is None
    assert len(sample_trials(make_task("none", "lr", None))) == 1


@pytest.mark.parametrize(
    ("scores", "expected"), [([0.8, 0.805], 0), ([0.8, 0.82, 0.829], 1), ([0.8, 0.82, 0.831], 2), ([0.5], 0)]
)
def test_select_trial_prefers_an_earlier_one_within_the_margin(scores, expected):
    assert select_trial(scores, 0.01) == expected


def test_task_says_how_it_was_searched():
    plan = make_task("cgan", "xgb").search
    assert (plan.trials, plan.folds, plan.held_out) == (4, 2, None)
    assert plan.space == SearchSpace(SAMPLERS["cgan"].space, MODELS["xgb"].space)
    assert plan.reduced == {**SAMPLERS["cgan"].in_search, **MODELS["xgb"].in_search}
    assert make_task("smote", "ann").search.held_out == 4


def test_reduced_trial_has_no_more_than_its_entries_allow():
    most = MODELS["xgb"].in_search["n_estimators"]
    sampler = method("cgan", {"ratio": 20, "updates": 10})
    tried = reduced_trial(Trial(sampler, method("xgb", {"n_estimators": most + 1, "max_depth": 4})))
    assert tried == Trial(sampler, method("xgb", {"n_estimators": most, "max_depth": 4}))
    untouched = Trial(method("smote", {"ratio": 20}), method("lr", {"C": 1.0}))
    assert reduced_trial(untouched) == untouched


def test_inner_folds_take_every_row_once_and_keep_identical_rows_together():
    rows = make_rows()
    folds = rows.inner_folds(3)
    tested = np.concatenate([test.X.index for _, test in folds])
    assert sorted(tested) == sorted(rows.X.index)
    for train, test in folds:
        assert not set(train.groups) & set(test.groups)
        assert sorted([*train.X.index, *test.X.index]) == sorted(rows.X.index)
    assert rows.inner_folds(3) is folds


def test_held_out_rows_share_nothing_with_the_others():
    rows = make_rows()
    train, validation = rows.held_out(4)
    assert sorted([*train.X.index, *validation.X.index]) == sorted(rows.X.index)
    assert not set(train.groups) & set(validation.groups)
    assert 0.2 < len(validation.y) / len(rows.y) < 0.3 and validation.y.sum() == 20


def test_fit_knows_which_rows_preprocessing_was_fitted_on():
    """All training rows; for a network, its training rows and the rows that stop the training together."""
    rows = make_rows()
    assert training.fit(make_task("smote", "lr"), rows).rows.source.equals(rows.X.index)
    fitted = training.fit(make_task("none", "ann", updates=10), rows)
    train, validation = rows.held_out(SEARCH.held_out)
    assert fitted.rows.source.equals(train.X.index) and fitted.held_out.equals(validation.X.index)
    for inner, _ in rows.inner_folds(2):
        assert inner.resampled(make_task("smote", "lr").sampler).source.equals(inner.X.index)


def test_resampled_fits_a_sampler_once_per_setting():
    rows = make_rows()
    smote = make_task("smote", "lr").sampler
    assert rows.resampled(smote) is rows.resampled(smote)
    assert rows.resampled(smote.with_params({"ratio": 5})) is not rows.resampled(smote)
    weights = make_task("class_weight", "lr").sampler
    assert rows.resampled(weights) is rows.resampled(weights.with_params({"ratio": 5}))


def test_resampled_uses_the_same_fit_for_a_smaller_ratio_of_a_generator():
    rows = make_rows()
    sampler = make_task("jitter", "lr").sampler
    whole, fewer = (rows.resampled(sampler.with_params({"ratio": ratio})) for ratio in ("balanced", 2))
    n_rows = len(rows.y) + 2 * rows.y.sum()
    assert len(fewer.y) == n_rows and fewer.y[len(rows.y) :].all()
    np.testing.assert_array_equal(fewer.X, whole.X[:n_rows])


@pytest.mark.parametrize("sampler", ["jitter", "smote", "ros"])
@pytest.mark.parametrize(("ratio", "expected"), [(1, 80), (5, 400), (20, 1600), (50, 4000), ("balanced", 1040)])
def test_resampled_adds_as_many_rows_as_the_ratio_says(sampler, ratio, expected):
    """One row in fifteen is a fraud: equal classes need 13 synthetic rows for each, fewer than a ratio of 20."""
    rows = make_rows()
    resampled = rows.resampled(method(sampler, {"ratio": ratio}))
    assert len(resampled.y) - len(rows.y) == resampled.y.sum() - rows.y.sum() == expected
    assert SAMPLERS[sampler].effect(ratio, rows.y) == expected


@pytest.fixture
def n_fits(monkeypatch):
    """A list that grows with every fit of a sampler."""
    fits, resample = [], training.resample
    monkeypatch.setattr(training, "resample", lambda *arguments: fits.append(1) or resample(*arguments))
    return fits


def test_resampled_fits_a_generator_once_for_the_ratios_of_a_search(recwarn, n_fits):
    rows = make_rows()
    resampled = [rows.resampled(method("jitter", {"ratio": ratio})) for ratio in (20, "balanced", 1, 5)]
    assert len(n_fits) == 1 and not recwarn.list
    for fewer in resampled[1:]:
        np.testing.assert_array_equal(fewer.X, resampled[0].X[: len(fewer.X)])


@pytest.mark.parametrize(
    ("sampler", "n_legitimate", "effects"),
    [
        ("rus", 20_000, [100, 500, 2000, 10_000]),
        ("rus", 3000, [100, 500, 2000, 3000]),
        ("rus", 1500, [100, 500, 1500]),  # 20 legitimate rows per fraud are all of them, and so are 100
        ("rus", 450, [100, 450]),
        ("smote", 2000, [100, 500, 1900, 2000]),
        ("smote", 2100, [100, 500, 2000]),  # equal classes need 20 synthetic frauds per fraud
        ("jitter", 2100, [100, 500, 2000]),
        ("class_weight", 2100, [2, 6, 21]),
    ],
)
def test_sample_trials_take_ratios_of_the_same_effect_for_one_trial(sampler, n_legitimate, effects):
    y = np.repeat([0, 1], [n_legitimate, 100])
    task = replace(make_task(sampler, "lr"), search=SearchPlan(4, 0.01, SearchSpace(SAMPLERS[sampler].space, {})))
    ratios = [trial.sampler.params["ratio"] for trial in sample_trials(task, y)]
    assert sorted(SAMPLERS[sampler].effect(ratio, y) for ratio in ratios) == effects


def test_sample_trials_are_unchanged_by_labels_that_distinguish_all_ratios():
    for sampler in SAMPLERS:
        task = make_task(sampler, "xgb")
        assert sample_trials(task, np.repeat([0, 1], [181_265, 319])) == sample_trials(task)


@pytest.mark.parametrize("sampler", ["none", "class_weight", "rus", "smote", "jitter"])
def test_fit_fits_the_selected_trial_on_all_training_rows(sampler):
    rows = make_rows()
    task = make_task(sampler, "lr")
    fitted = training.fit(task, rows)
    assert len(fitted.scores) == 4 and all(0 < score <= 1 for score in fitted.scores)
    assert fitted.trial == sample_trials(task)[select_trial(fitted.scores, SEARCH.margin)]
    np.testing.assert_allclose(fitted.encoder.mean_, rows.X.mean())
    again = training.fit(task, make_rows(), chosen=chosen_trial(task, fitted.trial.chosen))
    np.testing.assert_allclose(again.classifier.coef_, fitted.classifier.coef_)
    assert again.scores == []


def test_fit_scores_a_network_on_rows_that_neither_encoder_nor_sampler_saw():
    rows = make_rows()
    fitted = training.fit(make_task("smote", "ann", updates=30), rows)
    train, _ = rows.held_out(SEARCH.held_out)
    np.testing.assert_allclose(fitted.encoder.mean_, train.X.mean())
    np.testing.assert_allclose(fitted.rows.X[: len(train.y)], fitted.encoder.transform(train.X))
    assert len(fitted.scores) == 2
    assert "validation_average_precision" in fitted.classifier.history_


def test_fit_does_not_learn_meaningless_labels_by_searching():
    """The inner score of noise is the share of frauds, for a sampler whose rows lie between real frauds."""
    rows = make_rows()
    shuffled = TrainingRows(rows.X, rows.y.sample(frac=1, random_state=0).set_axis(rows.y.index), rows.groups, 3)
    fitted = training.fit(make_task("smote", "xgb", n_estimators=30), shuffled)
    assert max(fitted.scores) < 2.5 * rows.y.mean()


def test_chosen_parameters_are_what_the_ledger_keeps():
    task = make_task("smote", "lr")
    trial = sample_trials(task)[2]
    assert chosen_trial(task, trial.chosen) == trial
    assert to_json(trial.chosen) == {"sampler": trial.sampler.params, "model": trial.model.params}


def test_resampled_keeps_a_bounded_number_of_tables(n_fits):
    """A table that was dropped is made again, and is the same."""
    rows = make_rows()
    first = rows.resampled(method("smote", {"ratio": 1}))
    for ratio in range(2, MAX_RESAMPLED + 2):
        rows.resampled(method("smote", {"ratio": ratio}))
    assert len(n_fits) == MAX_RESAMPLED + 1
    again = rows.resampled(method("smote", {"ratio": 1}))
    assert len(n_fits) == MAX_RESAMPLED + 2
    np.testing.assert_array_equal(again.X, first.X)


def test_a_division_of_the_rows_that_is_not_needed_any_more_is_dropped_and_made_again_the_same():
    rows = make_rows()
    first = rows.inner_folds(2)
    assert rows.inner_folds(2) is first
    train, _ = rows.held_out(5)
    assert rows.held_out(5)[0] is train
    again = rows.inner_folds(2)
    assert again is not first and again[0][0].seed == first[0][0].seed
    for old, new in zip(first, again, strict=True):
        assert [part.X.index.tolist() for part in old] == [part.X.index.tolist() for part in new]
