"""The benchmark keeps finished tasks, is reproducible, and refuses leaks."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

from tests.rows import make_row, make_task
from tests.small import PARAMETERS, small_profile
from utils import metrics
from utils.benchmark import ledger, out_of_fold, run_task, runner, tasks, tracking, training
from utils.benchmark.executors import Batch, run_batches
from utils.benchmark.progress import Board
from utils.benchmark.records import FoldResult, Row, ScoringResult, Task
from utils.benchmark.search import chosen_trial
from utils.config import ROOT, DatasetConfig, Roles, load_profile
from utils.data import loading
from utils.data.errors import DataError
from utils.data.identity import DatasetIdentity
from utils.experiments import cgan_ablation, cgan_variant, sensitivity
from utils.experiments.original_study import run as original_run
from utils.leakage import auditing, guards
from utils.models.registry import MODELS, models_without_sampler
from utils.samplers.cgan.sampler import CGANSampler, GANConfig
from utils.samplers.registry import SAMPLERS
from utils.serving import final_model

SAMPLERS_HERE, MODELS_HERE = ["none", "rus", "smote"], ["lr", "rf", "xgb"]


def start(folder: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.small", str(folder)], cwd=ROOT, stderr=subprocess.PIPE, start_new_session=True
    )


def scores(rows: list[Row]) -> dict[str, tuple]:
    return {row.key: (row.result.average_precision, tuple(row.result.ranks)) for row in rows}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """An uninterrupted run of the small study."""
    folder = tmp_path_factory.mktemp("finished")
    profile = small_profile(folder)
    runner.run(profile, samplers=SAMPLERS_HERE, models=MODELS_HERE)
    return profile


def test_run_continues_where_a_killed_run_was(tmp_path, finished):
    (tmp_path / "rows.parquet").symlink_to(finished.dataset.path)
    path = tmp_path / "results" / "rows.jsonl"
    process = start(tmp_path)
    deadline = time.monotonic() + 120
    while not (path.exists() and path.read_bytes().count(b"\n") >= 3):
        assert process.poll() is None and time.monotonic() < deadline, process.stderr.read().decode()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = path.read_bytes()
    finished_rows = list(ledger.read_file(path))
    assert 3 <= len(finished_rows) < 18

    runner.run(small_profile(tmp_path), samplers=SAMPLERS_HERE, models=MODELS_HERE, n_jobs=2)
    assert path.read_bytes().startswith(before[: before.rfind(b"\n") + 1])
    rows = list(ledger.read_file(path))
    assert len(rows) == len({row.key for row in rows}) == 18
    assert scores(rows) == scores(ledger.read(finished.results))


def test_run_repeats_only_the_task_of_an_unfinished_line(tmp_path, finished):
    profile = small_profile(finished.dataset.path.parent)
    path = profile.results / "rows.jsonl"
    complete = path.read_bytes()
    path.write_bytes(complete[:-40])
    table = runner.run(profile, samplers=SAMPLERS_HERE, models=MODELS_HERE)
    lines = path.read_bytes()
    assert len(table) == lines.count(b"\n") == 18
    assert lines.startswith(complete[: complete[:-1].rfind(b"\n") + 1])


def test_run_does_not_repeat_finished_tasks(finished, monkeypatch):
    monkeypatch.setattr(runner, "run_group", lambda *_: pytest.fail("a finished task was run again"))
    table = runner.run(finished, samplers=SAMPLERS_HERE, models=MODELS_HERE)
    assert len(table) == 18


MISSING = {
    "runner": lambda profile: runner.run(profile, samplers=["tomek"], models=["lr"]),
    "ablation": lambda profile: cgan_ablation.run(profile, variants=["default"]),
    "replica": lambda profile: original_run.replica(profile, seeds=(99,)),
    "final model": lambda profile: final_model.out_of_fold(profile, final_model.final_task(profile, ("rus", "lr"))),
}


@pytest.mark.parametrize("run", MISSING.values(), ids=MISSING)
def test_a_complete_study_computes_nothing_and_names_what_is_missing(run, finished, monkeypatch, tmp_path):
    monkeypatch.setenv("STUDY_COMPLETE", "1")
    with pytest.raises(ledger.LedgerError, match=r" lacks \d+ tasks, the first '.*', and STUDY_COMPLETE is set"):
        run(replace(finished, results=tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_complete_study_reads_its_ledger(finished, monkeypatch):
    monkeypatch.setenv("STUDY_COMPLETE", "1")
    assert len(runner.run(finished, samplers=SAMPLERS_HERE, models=MODELS_HERE)) == 18


def test_run_records_the_scores_of_the_pipeline(finished):
    runner.run(finished, samplers=["smote"], models=["lr"])
    row = next(row for row in ledger.read(finished.results) if row.task.sampler.name == "smote")
    dataset = run_task.load_dataset(finished.dataset)
    fold = run_task.all_folds(finished.dataset, finished.protocol, 1)[row.task.fold_id]
    rows = run_task.training_rows(dataset, fold.train, row.task.seed)
    fitted = training.fit(row.task, rows, chosen=chosen_trial(row.task, row.result.chosen))
    X_test, y_test = run_task.fold_parts(dataset, fold.test)
    ranks, _ = metrics.ranks_of_positives(y_test, fitted.pipeline.predict_proba(X_test)[:, 1])
    assert metrics.average_precision(ranks) == pytest.approx(row.result.average_precision, abs=1e-3)
    assert np.abs(ranks - row.result.ranks).max() <= 2  # the solver's last digits depend on the number of threads


def test_run_logs_every_task_to_mlflow(finished):
    rows = ledger.read(finished.results)
    assert tracking.log_rows(rows, finished) == 0
    store = tracking.client()
    experiment = tracking.experiment_id(store, f"benchmark-{finished.name}")
    runs = {run.data.tags.get("ledger_key"): run for run in store.search_runs([experiment], max_results=5000)}
    for row in rows:
        run = runs[row.key]
        assert run.data.metrics["average_precision"] == row.result.average_precision
        assert store.get_run(run.data.tags["mlflow.parentRunId"]).info.run_name == row.task.sampler.name


def test_run_names_unknown_names(finished):
    with pytest.raises(ValueError, match="no sampler 'smoot' in the registry; choose one of none"):
        runner.run(finished, samplers=["smoot"])


def test_run_scores_meaningless_labels_like_chance(tmp_path):
    """Every pair of the quick grid and every other sampler, on shuffled labels, scores like chance."""
    deep_samplers = load_profile("quick").deep_samplers
    profile = replace(small_profile(tmp_path, folds=((0, 0),), shuffled=True), deep_samplers=deep_samplers)
    others = [name for name in SAMPLERS if name not in profile.samplers and not SAMPLERS[name].packages]
    tables = [runner.run(profile, n_jobs=1), runner.run(profile, samplers=others, models=["xgb"], n_jobs=1)]
    table = pd.concat(tables, ignore_index=True)
    deep = sum(MODELS[name].deep for name in profile.models)
    alone = len(models_without_sampler(among=profile.models))
    paired = len(profile.models) - deep - alone
    assert len(table) == paired * len(profile.samplers) + deep * len(profile.deep_samplers) + alone + len(others)
    row = table.iloc[0]
    low, high = metrics.random_ranking_interval(row["n_rows"], len(row["ranks"]), level=0.9995, n_draws=20_000)
    assert low < len(row["ranks"]) / row["n_rows"] < high
    neutral = table["average_precision_tie_neutral"]  # small forests give many rows the same score
    outside = table[(neutral < low) | (neutral > high)]
    assert outside.empty, outside[["sampler", "model", "average_precision"]].to_string()


@pytest.mark.parametrize("sampler", [SMOTE(random_state=0), RandomOverSampler(random_state=0)])
def test_shuffled_label_test_would_notice_a_leak(sampler, tmp_path):
    dataset = loading.load(small_profile(tmp_path, shuffled=True).dataset)
    X, y = sampler.fit_resample(dataset.X, dataset.y)
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    score = RandomForestClassifier(30, random_state=0).fit(X_train, y_train).predict_proba(X_test)[:, 1]
    ranks, _ = metrics.ranks_of_positives(y_test, score)
    _, high = metrics.random_ranking_interval(len(y_test), int(y_test.sum()), level=0.9995)
    assert metrics.average_precision(ranks) > high + 0.2


BEFORE_THE_SPLIT = {
    "smote": SMOTE(random_state=0),
    "random oversampling": RandomOverSampler(random_state=0),
    "random undersampling": RandomUnderSampler(random_state=0),
    "cgan": CGANSampler(config=GANConfig(**PARAMETERS["cgan"]), random_state=0),
}


@pytest.mark.parametrize("name", BEFORE_THE_SPLIT)
def test_require_clean_split_refuses_a_sampler_in_front_of_the_split(name, finished):
    dataset = run_task.load_dataset(finished.dataset)
    X, y = BEFORE_THE_SPLIT[name].fit_resample(dataset.X, dataset.y)
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    with pytest.raises(guards.LeakError):
        guards.require_clean_split(dataset, (X_train, y_train), (X_test, y_test))


@pytest.mark.parametrize("name", ["smote", "random undersampling"])
def test_prepare_fold_refuses_a_sampler_in_front_of_the_split(name, finished, monkeypatch):
    """A mutation: the function that returns a fold's rows resamples them first."""
    honest = run_task.fold_parts
    monkeypatch.setattr(run_task, "fold_parts", lambda *rows: BEFORE_THE_SPLIT[name].fit_resample(*honest(*rows)))
    dataset = run_task.load_dataset(finished.dataset)
    fold = run_task.all_folds(finished.dataset, finished.protocol, 1)[0, 0]
    task = runner.run(finished, samplers=["none"], models=["lr"]).iloc[0]
    with pytest.raises(guards.LeakError):
        run_task.prepare_fold(dataset, fold, task["seed"])


def test_require_clean_split_refuses_rows_on_both_sides(finished):
    dataset = run_task.load_dataset(finished.dataset)
    rows = np.arange(len(dataset.frame))
    train, test = run_task.fold_parts(dataset, rows), run_task.fold_parts(dataset, rows[: len(rows) // 2])
    with pytest.raises(guards.LeakError, match="identical rows stand in the training and in the test part"):
        guards.require_clean_split(dataset, train, test)


def test_require_clean_split_accepts_every_fold_of_the_study():
    profile = load_profile("full")
    dataset = run_task.load_dataset(profile.dataset)
    folds = run_task.all_folds(profile.dataset, profile.protocol, 2).values()
    for fold in folds:
        train, test = run_task.fold_parts(dataset, fold.train), run_task.fold_parts(dataset, fold.test)
        guards.require_clean_split(dataset, train, test, fold)
    times_tested = np.bincount(np.concatenate([fold.test for fold in folds]))
    assert len(folds) == 2 * profile.protocol.n_splits and set(times_tested) <= {0, 2}


def test_require_clean_split_refuses_a_fold_that_misses_rows_or_has_others(finished):
    dataset = run_task.load_dataset(finished.dataset)
    fold = run_task.all_folds(finished.dataset, finished.protocol, 1)[0, 0]
    train, test = run_task.fold_parts(dataset, fold.train), run_task.fold_parts(dataset, fold.test[3:])
    with pytest.raises(guards.LeakError, match="3 rows of the test part are missing and 0 do not belong there"):
        guards.require_clean_split(dataset, train, test, fold)
    moved = run_task.fold_parts(dataset, np.sort(np.r_[fold.train, fold.test[:3]]))
    with pytest.raises(guards.LeakError, match="0 rows of the training part are missing and 3 do not belong there"):
        guards.require_clean_split(dataset, moved, test, fold)


def test_require_clean_split_refuses_changed_labels_and_values(finished):
    dataset = run_task.load_dataset(finished.dataset)
    fold = run_task.all_folds(finished.dataset, finished.protocol, 1)[0, 0]
    train, (X, y) = run_task.fold_parts(dataset, fold.train), run_task.fold_parts(dataset, fold.test)
    with pytest.raises(guards.LeakError, match="rows of the test part are not rows of rows"):
        guards.require_clean_split(dataset, train, (X, 1 - y))
    with pytest.raises(guards.LeakError, match="45 rows of the training part are not rows"):
        changed = train[0].copy()
        changed.iloc[:45, 3] += 1e-6
        guards.require_clean_split(dataset, (changed, train[1]), (X, y))


@pytest.mark.parametrize("sampler", ["none", "smote"])
def test_audit_inputs_of_a_task_of_the_study_pass_the_audit(sampler, finished):
    dataset = run_task.load_dataset(finished.dataset)
    task = tasks.make_task(finished, dataset.identity, (0, 1), sampler, "rf")
    report = auditing.audit(**run_task.audit_inputs(finished, task))
    assert report.passed == [finding.name for finding in report.findings] and len(report.findings) == 6


def test_load_dataset_loads_a_changed_file_and_all_folds_divide_it_anew(tmp_path):
    """Within one process, such as a notebook's kernel."""
    config, protocol = small_profile(tmp_path).dataset, load_profile("quick").protocol
    before = run_task.load_dataset(config)
    assert run_task.load_dataset(config) is before
    folds = run_task.all_folds(config, protocol, 1)
    assert run_task.all_folds(config, protocol, 1) is folds
    real = cgan_variant.real_rows(config, protocol, 1, (0, 0))
    assert cgan_variant.real_rows(config, protocol, 1, (0, 0)) is real
    before.frame.iloc[200:].to_parquet(config.path, index=False)
    after = run_task.load_dataset(config)
    assert len(after.frame) == len(before.frame) - 200 and after.identity != before.identity
    assert sum(len(fold.test) for fold in run_task.all_folds(config, protocol, 1).values()) == 3200
    assert len(cgan_variant.real_rows(config, protocol, 1, (0, 0)).y_train) < len(real.y_train)
    assert sum(len(fold.test) for fold in folds.values()) == 3360


def test_doit_runs_experiments_and_notebooks_again_after_a_changed_data_file():
    code = (
        "from doit import doit_cmd; doit_cmd.reset_vars(); doit_cmd.set_var('profile', 'quick'); import dodo;"
        "tasks = (dodo.task_experiments(), *dodo.task_notebooks());"
        "print([str(dodo.relative(dodo.RAW)) in task['uptodate'][0].collect() for task in tasks])"
    )
    output = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert output.split() == ["[True,", *["True,"] * 9, "True]"]


def test_run_batches_leaves_no_note_of_workers_that_fail(finished, tmp_path):
    """Nor of workers that are killed, once their study continues."""

    def fail(profile, group, path, *_):
        Board(path.parent / ".running").write("failing")
        raise RuntimeError("no")

    task, *_ = on_first_fold(finished, "none", "lr")
    batch = Batch(fail, finished, [[task]], tmp_path / "rows.jsonl", {task.key: 1.0})
    with pytest.raises(RuntimeError, match="no"):
        run_batches([batch], n_jobs=1)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


HELD = []


def hold(profile, group, path, *_):
    """A group in which the process grows, as with TensorFlow's import and graphs, after another group."""
    time.sleep(1.1)  # joblib looks at a worker's memory at most once in a second
    HELD.append(np.ones(45_000_000 if len(HELD) == 1 else 1))
    return [make_row(seed=group[0].seed, engine=str(os.getpid()))]


def test_run_batches_keeps_a_worker_that_grows(tmp_path, finished):
    """What it has imported, compiled and loaded is used for all of the study's groups."""
    groups = [[make_task(seed=seed)] for seed in range(8)]
    path = tmp_path / "rows.jsonl"
    rows = run_batches([Batch(hold, finished, groups, path, {task.key: 1.0 for (task,) in groups})], n_jobs=2)[path]
    assert len(rows) == 8 and len({row.result.engine for row in rows} - {str(os.getpid())}) <= 2


def test_run_batches_runs_all_at_once_and_each_fills_its_own_ledger(tmp_path, finished):
    """The longest group first, whatever its batch."""
    order = []

    def work(profile, group, path, *_):
        order.append(group[0].seed)
        return [make_row(seed=group[0].seed)]

    def batch(name, seconds):
        groups = [[make_task(seed=seed)] for seed in seconds]
        weights = {task.key: seconds[task.seed] for (task,) in groups}
        return Batch(work, finished, groups, tmp_path / name / "rows.jsonl", weights)

    here, there = batch("here", {1: 1.0, 2: 5.0}), batch("there", {3: 3.0})
    rows = run_batches([here, there], n_jobs=1)
    assert order == [2, 3, 1]
    seeds = {path.parent.name: {row.task.seed for row in computed} for path, computed in rows.items()}
    assert seeds == {"here": {1, 2}, "there": {3}}
    for ledger_path in (here, there):
        assert ledger.read_keys(ledger_path.path) == set(ledger_path.weights)


def test_run_group_refuses_a_worker_with_another_file(finished, tmp_path):
    task = tasks.make_task(finished, DatasetIdentity("rows", "0" * 64, Roles()), (0, 0), "none", "lr")
    with pytest.raises(DataError, match=r"rows\.parquet on machine .* is not the file"):
        run_task.run_group(finished, [task], tmp_path / "rows.jsonl")
    assert not list(tmp_path.iterdir())


def test_run_group_refuses_tasks_of_several_seeds(finished, tmp_path):
    task = tasks.make_task(finished, DatasetIdentity("rows", "0" * 64, Roles()), (0, 0), "smote", "lr")
    with pytest.raises(ValueError, match="several seeds; run one group per seed"):
        run_task.run_group(finished, [task, replace(task, seed=task.seed + 1)], tmp_path / "rows.jsonl")


def on_first_fold(finished, sampler: str, model: str) -> tuple:
    """A task of the small study, its dataset and its fold."""
    dataset = run_task.load_dataset(finished.dataset)
    search = replace(finished.search, trials=1) if MODELS[model].deep else None
    task = tasks.make_task(finished, dataset.identity, (0, 0), sampler, model, search=search)
    return task, dataset, run_task.all_folds(finished.dataset, finished.protocol, 1)[0, 0]


@pytest.mark.parametrize("sampler", ["none", "smote", "jitter"])
def test_run_group_refuses_test_rows_given_to_the_sampler(sampler, finished, monkeypatch, tmp_path):
    task, dataset, fold = on_first_fold(finished, sampler, "lr")
    X_test, y_test = run_task.fold_parts(dataset, fold.test[:7])
    honest = training.resample

    def resample(sampler, encoded, X, y, seed):
        encoded = replace(encoded, X=np.concatenate([encoded.X, encoded.encoder.transform(X_test)]))
        return honest(sampler, encoded, pd.concat([X, X_test]), pd.concat([y, y_test]), seed)

    monkeypatch.setattr(training, "resample", resample)
    with pytest.raises(guards.LeakError, match="7 rows that are not among the fold's training rows were given"):
        run_task.run_group(finished, [task], tmp_path / "rows.jsonl")
    assert not (tmp_path / "rows.jsonl").exists()


@pytest.mark.parametrize("model", ["lr", "ann"])
def test_fit_fold_refuses_rows_of_another_fold(model, finished, monkeypatch):
    """Also if they only stop the training of a network."""
    task, dataset, fold = on_first_fold(finished, "none", model)
    foreign = run_task.training_rows(dataset, np.sort(np.r_[fold.train[5:], fold.test[:5]]), task.seed)
    fewer = run_task.training_rows(dataset, fold.train[5:], task.seed)
    for rows, message in ((foreign, "5 rows that are not among"), (fewer, r"was given 2,\d+ rows, 2,\d+ of them dis")):
        monkeypatch.setattr(run_task, "prepare_fold", lambda *_, rows=rows: rows)
        with pytest.raises(guards.LeakError, match=message):
            run_task.fit_fold(task, dataset, fold)


def test_require_training_rows_refuses_a_copy_of_a_training_row(finished):
    _, dataset, fold = on_first_fold(finished, "none", "lr")
    index = dataset.frame.index[fold.train]
    guards.require_training_rows(dataset, fold, index[3:], index[:3])
    with pytest.raises(guards.LeakError, match="of them distinct"):
        guards.require_training_rows(dataset, fold, index, index[:1])


def test_score_fold_counts_synthetic_rows_that_equal_test_rows(finished, monkeypatch, caplog):
    """The origin of rows counts, because values may agree by chance."""
    task, dataset, fold = on_first_fold(finished, "smote", "lr")
    encoder = run_task.prepare_fold(dataset, fold, task.seed).encoded.encoder
    honest = training.resample

    def resample(*arguments):
        resampled = honest(*arguments)
        resampled.X[-4:] = encoder.transform(dataset.X.iloc[fold.test[:4]])
        return resampled

    def scored():
        return run_task.score_fold(run_task.fit_fold(task, dataset, fold), dataset, fold)

    assert scored().n_equal_to_test == 0
    monkeypatch.setattr(training, "resample", resample)
    assert scored().n_equal_to_test == 4
    runner._warn_of_equal_rows([make_row(n_equal_to_test=4), make_row(seed=1)])
    assert "In 1 of 2 tasks, test rows have the values of a synthetic row" in caplog.text


def test_measure_says_what_random_order_of_ties_would_give(finished):
    """With a constant score, ties against the model give half the prevalence."""
    _, dataset, fold = on_first_fold(finished, "none", "lr")
    constant, labels = np.full(len(fold.test), 0.5), dataset.y.to_numpy()[fold.test]
    measured = run_task.measure(dataset, fold.test, constant, constant)
    n_rows, n_frauds = len(labels), labels.sum()
    share = (n_frauds - 1) / (n_rows - 1)  # of frauds among the rows before one
    expected = np.mean([(1 + before * share) / (before + 1) for before in range(n_rows)])
    assert measured.average_precision_tie_neutral == pytest.approx(expected, abs=1e-6)
    against = np.mean([n_caught / (n_rows - n_frauds + n_caught) for n_caught in range(1, n_frauds + 1)])
    assert measured.average_precision == pytest.approx(against, abs=1e-6)
    clear = run_task.measure(dataset, fold.test, np.random.default_rng(0).random(len(fold.test)), constant)
    assert clear.average_precision_tie_neutral == clear.average_precision


def test_run_studies_a_table_of_counts_with_either_label(tmp_path):
    """Rows that differ only in their label, from which a sampler makes rows that equal test rows."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.poisson(1.0, size=(2000, 3)), columns=list("abc"))
    frame["y"] = (rng.random(2000) < 0.02 + 0.08 * (frame["a"] > 2)).astype(int)
    frame.to_csv(tmp_path / "counts.csv", index=False)
    config = DatasetConfig(tmp_path / "counts.csv", label="y", time=None, amount=None)
    profile = replace(small_profile(tmp_path), dataset=config)
    table = runner.run(profile, samplers=["none", "ros", "smote"], models=["lr"], n_jobs=1)
    assert len(table) == 6 and (table["n_equal_to_test"][table["sampler"] == "none"] == 0).all()
    assert table["average_precision"].between(0.03, 0.5).all()


def test_prepare_fold_accepts_a_share_of_frauds_that_drifts(tmp_path):
    """The last fifth, which no fold holds, has ten times as many frauds."""
    rng = np.random.default_rng(0)
    y = rng.random(5000) < np.where(np.arange(5000) < 4000, 0.01, 0.5)
    frame = pd.DataFrame(rng.normal(size=(5000, 2)), columns=["a", "b"]).assign(y=y.astype(int))
    frame.to_parquet(tmp_path / "drift.parquet")
    config = DatasetConfig(tmp_path / "drift.parquet", label="y", time=None, amount=None)
    dataset, protocol = run_task.load_dataset(config), load_profile("quick").protocol
    for fold in run_task.all_folds(config, protocol, 1).values():
        assert len(run_task.prepare_fold(dataset, fold, 0).y) == len(fold.train)


@pytest.fixture(scope="module")
def committed() -> dict[str, FoldResult]:
    return {row.key: row.result for row in ledger.read(load_profile("full").results)}


def full_grid(**chosen) -> list[Task]:
    profile = load_profile("full")
    dataset = run_task.load_dataset(profile.dataset)
    return tasks.grid(profile, dataset.identity, **chosen)


def test_ledger_committed_holds_the_full_profile(committed):
    missing = [tasks.label(task) for task in full_grid() if task.key not in committed]
    assert not missing, f"{len(missing)} tasks of the full profile are not in data/results: {missing[:5]}"


@pytest.mark.parametrize("study", [*sensitivity.STUDIES, cgan_ablation.run, original_run.replica])
def test_ledgers_committed_hold_every_other_study(study, monkeypatch):
    def ran(*_, **__):
        pytest.fail(f"a task of {study.__module__} is not in data/results")

    for module, work in ((runner, "run_batches"), (cgan_ablation, "run_batches"), (original_run, "run_task")):
        monkeypatch.setattr(module, work, ran)
    assert len(study(load_profile("full"))) > 0


def test_final_model_and_its_out_of_fold_probabilities_are_committed(committed):
    """The probabilities give about the scores in the ledger, where the search of a fold has another seed."""
    profile = load_profile("full")
    dataset = run_task.load_dataset(profile.dataset)
    task = final_model.final_task(profile, ("none", "xgb"))
    scored = {row.key: row.result for row in ledger.read_file(profile.results / ledger.TEST, ScoringResult)}
    assert scored[task.key].average_precision == 0.789228
    folds = run_task.all_folds(profile.dataset, profile.protocol, 1)
    positions = np.concatenate([fold.test for fold in folds.values()])
    path = profile.results / "out_of_fold" / f"{task.key}.parquet"
    probability = pd.Series(out_of_fold.read_out_of_fold(path, positions), index=positions)
    recorded = {task.fold_id: committed[task.key] for task in full_grid(samplers=["none"], models=["xgb"])}
    for fold_id, fold in folds.items():
        ranks, _ = metrics.ranks_of_positives(dataset.y.iloc[fold.test], probability[fold.test])
        assert metrics.average_precision(ranks) == pytest.approx(recorded[fold_id].average_precision, abs=0.05)


def folds_in(rows: list[Row]) -> dict[tuple[int, int], set[frozenset]]:
    """Positives of each fold in the ledger, once for all tasks if they agree."""
    positives = {}
    for row in rows:
        positives.setdefault(row.task.fold_id, set()).add(frozenset(row.result.positives))
    return positives


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("creditcard", {}),
        ("sensitivity/creditcard", {}),
        ("sensitivity/creditcard-with-duplicates", {"duplicates": "keep", "variant": "with-duplicates"}),
        ("sensitivity/creditcard-raw-time", {"raw_time": True, "variant": "raw-time"}),
    ],
)
def test_all_folds_are_those_of_every_committed_row(file, changes):
    """Each fold's frauds, as numbers of rows in the file."""
    profile = load_profile("full")
    config = replace(profile.dataset, **changes)
    dataset = run_task.load_dataset(config)
    rows = list(ledger.read_file(profile.results / f"{file}.jsonl"))
    recorded = folds_in(rows)
    assert len(recorded) == 10
    for fold_id, fold in run_task.all_folds(config, profile.protocol, 2, rows[0].task.split.copies is not None).items():
        test = dataset.y.iloc[fold.test]
        assert recorded.get(fold_id, {frozenset(test.index[test == 1])}) == {frozenset(test.index[test == 1])}


@pytest.mark.parametrize("sampler", ["none", "rus", "smote"])
def test_fit_fold_and_score_fold_compute_committed_rows_again(sampler, committed):
    """Cheap rows of the full study, run again: average precision agrees to 0.005 on any machine."""
    profile = load_profile("full")
    dataset = run_task.load_dataset(profile.dataset)
    folds = run_task.all_folds(profile.dataset, profile.protocol, 1)
    task = full_grid(samplers=[sampler], models=["lr"])[3]
    fold = folds[task.fold_id]
    again = run_task.score_fold(run_task.fit_fold(task, dataset, fold), dataset, fold)
    assert again.average_precision == pytest.approx(committed[task.key].average_precision, abs=0.005)
    assert sorted(again.positives) == sorted(committed[task.key].positives)


def test_main_refuses_models_that_are_run_with_none_of_the_samplers(monkeypatch):
    monkeypatch.setattr("sys.argv", ["runner", "--models", "spe", "--samplers", "smote"])
    with pytest.raises(SystemExit, match="None of these models is run with any of these samplers; name others"):
        runner.main()


def test_main_refuses_to_run_in_no_process(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["runner", "--jobs", "0"])
    with pytest.raises(SystemExit, match="2"):
        runner.main()
    assert "--jobs: must be a whole number other than 0, and not '0'" in capsys.readouterr().err
