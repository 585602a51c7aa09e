"""The scarcity experiment on a few thousand real rows: its draws, its folds, and what is run."""

import gzip
import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.small import small_profile
from utils.benchmark import run_task, runner, tracking, training
from utils.benchmark.records import Thinning, to_json
from utils.benchmark.run_task import all_folds, fold_of, load_dataset
from utils.benchmark.tasks import label, make_task
from utils.config import load_profile
from utils.data.identity import identify
from utils.experiments import scarcity

LEVELS = (5, 20)
RATIOS = (*scarcity.RATIOS, 1)
SETTINGS = {"lr": {"C": 0.5}, "xgb": {"n_estimators": 3}}


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    sizes = {"scarcity_levels": LEVELS, "scarcity_draws": 2, "samplers": ()}
    return replace(small_profile(tmp_path_factory.mktemp("study")), **sizes)


@pytest.fixture(scope="module", autouse=True)
def few_methods():
    """Few methods that are fast; the runs are logged to MLflow elsewhere, which would take most of the time here."""
    patch = pytest.MonkeyPatch()
    patch.setattr(tracking, "require_store", lambda profile: None)
    patch.setattr(runner, "log_computed", lambda rows, profile: None)
    patch.setattr(scarcity, "SAMPLERS", ("none", "smote", "jitter"))
    patch.setattr(scarcity, "MODELS", tuple(SETTINGS))
    patch.setattr(scarcity, "setting_of", SETTINGS.get)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def resampled_rows():
    """Index labels of the training rows, for each time that a sampler is fitted in `table`."""
    return []


@pytest.fixture(scope="module")
def table(profile, resampled_rows):
    def observe(sampler, encoded, X, y, seed):
        resampled_rows.append((sampler.name, tuple(X.index[y == 1]), X.index))
        return resample(sampler, encoded, X, y, seed)

    resample, patch = training.resample, pytest.MonkeyPatch()
    patch.setattr(training, "resample", observe)
    yield scarcity.run(profile, ratios=RATIOS, n_jobs=1)
    patch.undo()


def test_make_tasks_have_every_pair_on_the_same_draws():
    profile = load_profile("full")
    tasks = scarcity.make_tasks(profile, RATIOS)
    assert len({task.key for task in tasks}) == len(tasks) == 10 * (4 * 3 + 1) * 2 * (1 + 2 * 2)
    by_pair = {}
    for task in tasks:
        pair = task.sampler.name, task.sampler.params.get("ratio"), task.model.name
        by_pair.setdefault(pair, []).append((task.fold_id, task.split, task.seed))
    first, *others = by_pair.values()
    assert all(draws == first for draws in others)
    assert len({seed for *_, seed in first}) == 10 * (3 + 1)  # one for each draw, whatever the number of frauds


def test_make_tasks_give_all_samplers_of_a_model_one_setting():
    profile = load_profile("full")
    for task in scarcity.make_tasks(profile):
        assert task.search is None
        assert SETTINGS[task.model.name].items() <= task.model.params.items()


def test_make_tasks_leave_keys_without_thinning_alone(profile):
    usual = make_task(profile, identify(profile.dataset), (0, 1), "none", ("lr", SETTINGS["lr"]))
    (task,) = [
        task
        for task in scarcity.make_tasks(replace(profile, folds=((0, 1),), scarcity_levels=()))
        if (task.sampler.name, task.model.name) == ("none", "lr")
    ]
    assert task.key == usual.key and "thinned" not in to_json(task)["split"]
    thinned = replace(usual, split=replace(usual.split, thinned=Thinning(20, 1)))
    assert to_json(thinned)["split"]["thinned"] == {"n_positives": 20, "draw": 1}
    assert thinned.key != usual.key and label(thinned).endswith("fold 0.1 with 20 positives, draw 1")


def test_fold_of_a_thinned_task_has_the_test_rows_of_the_benchmark(profile):
    folds = all_folds(profile.dataset, profile.protocol, profile.n_repeats)
    y = load_dataset(profile.dataset).y.to_numpy()
    for task in scarcity.make_tasks(profile, RATIOS):
        fold, usual = fold_of(profile, task), folds[task.fold_id]
        assert np.array_equal(fold.test, usual.test)
        assert np.array_equal(fold.train[y[fold.train] == 0], usual.train[y[usual.train] == 0])
        assert set(fold.train) <= set(usual.train)
        assert y[fold.train].sum() == (task.split.thinned.n_positives if task.split.thinned else y[usual.train].sum())


def test_run_scores_the_test_rows_of_the_benchmark(table, profile):
    dataset, folds = load_dataset(profile.dataset), all_folds(profile.dataset, profile.protocol, profile.n_repeats)
    for row in table.itertuples():
        positions = folds[row.repeat, row.fold].test
        is_positive = dataset.y.to_numpy()[positions] == 1
        assert sorted(row.positives) == sorted(dataset.frame.index[positions[is_positive]])
        assert row.n_rows == len(positions)


def test_run_fits_every_sampler_once_and_to_the_rows_of_its_draw(table, resampled_rows, profile):
    n_draws = 2 * (2 * 2 + 1)  # on two folds
    n_fits = Counter(name for name, *_ in resampled_rows)
    assert n_fits == {"none": n_draws, "smote": 2 * n_draws, "jitter": n_draws}  # one fit of jitter for both ratios
    folds = all_folds(profile.dataset, profile.protocol, profile.n_repeats)
    index = load_dataset(profile.dataset).frame.index
    tests = [frozenset(index[folds[fold_id].test]) for fold_id in profile.folds]
    draws = {}
    for name, positives, rows in resampled_rows:
        draws.setdefault(name, set()).add(positives)
        assert rows.is_unique and any(test.isdisjoint(rows) for test in tests)
    assert draws["none"] == draws["smote"] == draws["jitter"] and len(draws["none"]) == n_draws
    small, middle = ([set(draw) for draw in draws["none"] if len(draw) == size] for size in (5, 20))
    assert len(small) == len(middle) == 4
    assert all(sum(draw < other for other in middle) == 1 for draw in small)


def test_run_labels_its_rows(table):
    assert len(table) == 2 * 5 * 5 * 2
    assert list(table["level"].unique()) == ["5", "20", "all"]
    assert set(table["ratio"]) == {"none", "x5", "x1"}
    assert (table["ratio"] == "none").equals(table["sampler"] == "none")
    assert set(table.loc[table["level"] == "all", "draw"]) == {0} != set(table["draw"])
    added = table[table["level"] == "20"].groupby("ratio")["n_fit_positives"].unique()
    assert added.explode().to_dict() == {"none": 20, "x1": 40, "x5": 120}


def test_run_records_what_replaced_a_sampler_that_cannot_work(table):
    """SMOTE needs six frauds."""
    replaced = table[table["fallback"].notna()]
    assert set(zip(replaced["sampler"], replaced["level"], strict=True)) == {("smote", "5")}
    assert len(replaced) == 2 * 2 * 2 * 2 and replaced["fallback"].str.startswith("ros: Expected n_neighbors").all()
    assert set(replaced.loc[replaced["ratio"] == "x5", "n_fit_positives"]) == {30}


def test_run_continues_where_it_stopped(table, profile, tmp_path, monkeypatch):
    packed = profile.results / "scarcity" / "rows.jsonl.gz"
    lines = gzip.decompress(packed.read_bytes()).splitlines(keepends=True)
    interrupted = replace(profile, results=tmp_path)
    (tmp_path / "scarcity").mkdir()
    (tmp_path / "scarcity" / "rows.jsonl").write_bytes(b"".join(lines[:-1]) + lines[-1][:50])
    keys = []
    run_batches = runner.run_batches

    def observe(batches, **options):
        keys.extend(task.key for batch in batches for group in batch.groups for task in group)
        return run_batches(batches, **options)

    monkeypatch.setattr(runner, "run_batches", observe)
    again = scarcity.run(interrupted, ratios=RATIOS, n_jobs=1)
    assert keys == [json.loads(lines[-1])["key"]]
    pd.testing.assert_series_equal(again["average_precision"], table["average_precision"])
    monkeypatch.setattr(runner, "run_batches", lambda *_, **__: pytest.fail("a finished task was run again"))
    part = scarcity.run(replace(profile, folds=profile.folds[:1], scarcity_draws=1), ratios=RATIOS)
    assert set(part["key"]) < set(table["key"]) and set(part["fold"]) == {0} and set(part["draw"]) == {0}


def test_run_records_the_code(table):
    assert set(table["code"]) == {run_task.code_version()}


def test_audit_of_a_thinned_task_is_about_its_own_rows(profile):
    task = scarcity.make_tasks(replace(profile, scarcity_levels=(20,)))[0]
    inputs = run_task.audit_inputs(profile, task)
    assert inputs["train"][profile.dataset.label].sum() == 20


def test_estimate_hours_interpolates_levels_that_were_not_measured(profile):
    costs = pd.DataFrame(
        {"level": level, "own_seconds": seconds} for level, seconds in (("20", 30), ("20", 70), ("all", 140))
    )
    # 100, 110, 120, 130 and 140 seconds; all frauds are drawn once
    large = replace(profile, folds=((0, 0),) * 10, scarcity_levels=(20, 40, 80, 160), scarcity_draws=3)
    assert scarcity.estimate_hours(large, costs) == pytest.approx(10 * (3 * 460 + 140) / 3600)


def test_measure_costs_fits_every_pair_and_records_nothing(profile, tmp_path):
    costs = scarcity.measure_costs(replace(profile, results=tmp_path, scarcity_levels=(20, 40)), RATIOS)
    assert len(costs) == 2 * 5 * 2 and not list(tmp_path.iterdir())
    assert (costs["own_seconds"] >= costs["model_seconds"]).all() and (costs["model_seconds"] > 0).all()
    text = scarcity.describe_costs(profile, costs)
    assert "2 folds with 2 draws take" in text and "smote" in text


def test_main_prints_an_estimate_without_a_run(monkeypatch, capsys):
    cost = scarcity.Cost("20", "none", "none", "lr", 0.5, 1.0, 40.0)
    asked = []
    monkeypatch.setattr(scarcity, "measure_costs", lambda _, ratios: asked.append(ratios) or pd.DataFrame([vars(cost)]))
    monkeypatch.setattr(scarcity, "run", lambda *_, **__: pytest.fail("the experiment was run"))
    monkeypatch.setattr("sys.argv", ["scarcity", "--folds", "5", "--draws", "2", "--estimate", "--equal-classes"])
    scarcity.main()
    assert asked == [(5, "balanced")]
    assert "5 folds with 2 draws take 0.5 hours on one core" in capsys.readouterr().out  # 5 * 9 * 40 s


def test_main_runs_the_folds_and_draws_that_are_asked_for(table, profile, monkeypatch, capsys):
    monkeypatch.setattr(scarcity, "load_profile", lambda name: profile)
    asked = []
    monkeypatch.setattr(scarcity, "run", lambda own, **options: asked.append((own, options)) or table)
    monkeypatch.setattr("sys.argv", ["scarcity", "--folds", "1", "--draws", "2", "--jobs", "1"])
    scarcity.main()
    assert asked == [(replace(profile, folds=((0, 0),), scarcity_draws=2), {"ratios": (5,), "n_jobs": 1})]
    means = table[(table["model"] == "lr") & (table["sampler"] == "none")].groupby("level")["average_precision"].mean()
    assert f"{len(table)} tasks in the ledger" in (printed := capsys.readouterr().out)
    assert all(f"{mean:.3f}" in printed for mean in means)


def test_make_tasks_are_fewer_for_the_quick_profile():
    quick = scarcity.make_tasks(load_profile("quick"))
    assert {task.split.thinned and task.split.thinned.n_positives for task in quick} == {20, None}
    assert {task.sampler.name for task in quick} == {"none", "smote"}


def test_missing_batch_is_none_once_all_tasks_are_in_the_ledger(table, profile, tmp_path):
    empty = scarcity.missing_batch(replace(profile, results=tmp_path))
    assert empty.path == tmp_path / "scarcity" / "rows.jsonl" and len(empty.weights) == 2 * 5 * 3 * 2
    assert scarcity.missing_batch(profile) is None  # of the ratios 5 and 1 the plan has the first
