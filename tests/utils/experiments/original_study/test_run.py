"""The original protocol on a small file of real rows, the facts that it must reproduce, and the audit of both sides."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from utils.benchmark import ledger, run_task, tasks, training
from utils.config import ROOT, ULB, DatasetConfig, load_profile
from utils.data import errors, loading, splits
from utils.experiments.original_study import protocol
from utils.experiments.original_study import run as original_run
from utils.experiments.original_study.protocol import ReplicaResult, TrainingSizes
from utils.leakage.auditing import Claims, audit
from utils.leakage.report import FAILED

SIZES = TrainingSizes(batches=20, rows_per_class=600)
SEED = 1


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """All frauds, 3,000 legitimate rows, and copies of 200 rows at another time; with duplicates."""
    dataset = loading.load(replace(ULB, duplicates="keep"))
    legitimate = np.flatnonzero(dataset.y.to_numpy() == 0)
    again = legitimate[pd.Series(dataset.groups[legitimate]).duplicated(keep=False).to_numpy()]
    rng = np.random.default_rng(0)
    groups = rng.choice(np.unique(dataset.groups[again]), 200, replace=False)
    alone = rng.choice(np.setdiff1d(legitimate, again), 3000, replace=False)
    rows = [alone, again[np.isin(dataset.groups[again], groups)], np.flatnonzero(dataset.y.to_numpy() == 1)]
    path = tmp_path_factory.mktemp("replica") / "rows.parquet"
    dataset.frame.iloc[np.sort(np.concatenate(rows))].to_parquet(path, index=False)
    return DatasetConfig(path)


@pytest.fixture(scope="module")
def dataset(config):
    return loading.load(replace(config, duplicates="keep"))


@pytest.fixture(scope="module")
def cgan(dataset):
    return protocol.fit(dataset, "cgan", SEED, sizes=SIZES)


def test_split_has_the_published_sizes_and_overlap():
    """198,365 training rows, 85,443 test rows with 148 frauds; 69.8 % and 77 % of these are training rows."""
    whole = loading.load(replace(ULB, duplicates="keep"))
    train, test = protocol.split(whole, original_run.SEEDS[0], overlap=True)
    labels = whole.y.to_numpy()
    assert (len(train), labels[train].sum()) == (198_365, 383)
    assert (len(test), labels[test].sum()) == (85_443, 148)
    shared = np.isin(test, train)
    assert (round(shared.mean(), 3), round(shared[labels[test] == 1].mean(), 2)) == (0.698, 0.77)
    _, smote_test = protocol._smote_split(train, labels, np.random.default_rng(0))
    assert (len(smote_test), labels[smote_test].sum()) == (6_055, 115)


def test_split_without_overlap_has_the_same_test_rows_and_trains_on_no_copy(dataset):
    (first, test), (apart, same) = (protocol.split(dataset, SEED, overlap=overlap) for overlap in (True, False))
    np.testing.assert_array_equal(test, same)
    assert np.isin(first, test).mean() > 0.2
    assert not np.isin(dataset.groups[apart], dataset.groups[test]).any()
    assert len(apart) > 0.6 * len(dataset.frame)


@pytest.mark.parametrize("sampler", protocol.SAMPLERS)
def test_fit_trains_a_forest_as_the_study_did(sampler, dataset):
    fitted = protocol.fit(dataset, sampler, SEED, sizes=SIZES)
    assert fitted.X_fit.shape == (len(fitted.y_fit), len(protocol.SAMPLERS[sampler]))
    assert fitted.y_fit.mean() == 0.5
    assert {name: fitted.model.get_params()[name] for name in protocol.FOREST} == protocol.FOREST
    y_true = dataset.y.to_numpy()[fitted.test]
    assert protocol.trapezoid(y_true, fitted.y_score) > 0.8
    np.testing.assert_array_equal(fitted.y_score, fitted.pipeline.predict_proba(dataset.frame.iloc[fitted.test])[:, 1])
    assert np.isin(fitted.test, fitted.train).any() == (sampler != "smote")


def test_fit_adds_rows_of_the_cgan_between_minus_1_and_1_to_all_frauds(dataset, cgan):
    labels = dataset.y.to_numpy()[cgan.train]
    synthetic = cgan.X_fit[labels.sum() : SIZES.rows_per_class]
    assert len(synthetic) == SIZES.rows_per_class - labels.sum() and np.abs(synthetic).max() <= 1
    assert len(cgan.y_fit) == 2 * SIZES.rows_per_class


def test_fit_gives_equal_scores_with_equal_seeds(dataset, cgan):
    np.testing.assert_array_equal(protocol.fit(dataset, "cgan", SEED, sizes=SIZES).y_score, cgan.y_score)


def test_areas_of_known_rankings():
    y_true = np.array([1, 0, 1, 0, 0, 0])
    perfect = protocol.areas(y_true, np.array([9, 0, 8, 1, 2, 3]))
    assert set(perfect.values()) == {1.0}
    tied = protocol.areas(y_true, np.zeros(6))  # one point: recall 1 at a precision of a third
    assert tied == pytest.approx(
        {"average_precision": (1 / 5 + 2 / 6) / 2, "tied_average_precision": 1 / 3, "trapezoid": (1 + 1 / 3) / 2}
    )


def test_thin_keeps_all_positives_and_gives_the_prevalence():
    y_true = (np.arange(5000) % 100 == 0).astype(int)
    positions = protocol.thin(y_true, 0.04, np.random.default_rng(0))
    assert y_true[positions].sum() == 50 and y_true[positions].mean() == pytest.approx(0.04, abs=1e-3)
    assert (np.diff(positions) > 0).all()


@pytest.fixture
def profile(tmp_path):
    return replace(load_profile("quick"), results=tmp_path / "results")


ARGUMENTS = {"seeds": (0,), "sizes": TrainingSizes(batches=2, rows_per_class=500), "n_jobs": 1}


def test_replica_does_not_repeat_finished_fits(config, profile):
    table = original_run.replica(profile, config, **ARGUMENTS)
    assert list(zip(table["sampler"], [split.overlap for split in table["split"]], strict=True)) == [
        *(("rus", True), ("smote", True), ("cgan", True), ("cgan", False))
    ]
    path = profile.results / "original" / "replica.jsonl"
    before = path.read_bytes()
    assert len(ledger.read_keys(path)) == 4
    assert original_run.replica(profile, config, **ARGUMENTS)["key"].tolist() == table["key"].tolist()
    assert path.read_bytes() == before
    lines = before.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + lines[3][:50])
    again = original_run.replica(profile, config, **ARGUMENTS)
    assert again["tied_average_precision"].tolist() == table["tied_average_precision"].tolist()


def test_replica_never_writes_to_the_committed_ledger(config, profile, tmp_path, monkeypatch):
    """As after an update of a library: some keys of the committed rows are no longer used."""
    monkeypatch.setattr(original_run, "COMMITTED", tmp_path / "committed")
    table = original_run.replica(profile, config, **ARGUMENTS)
    path = profile.results / "original" / "replica.jsonl"
    committed = tmp_path / "committed" / "replica.jsonl"
    committed.parent.mkdir()
    cgan, *others = ledger.read(path.parent, ReplicaResult)
    assert cgan.task.sampler.name == "cgan"
    outdated = replace(cgan, task=replace(cgan.task, sampler=replace(cgan.task.sampler, library="tensorflow 1.0")))
    marked = [replace(row, result=replace(row.result, seconds=-1.0)) for row in others]
    committed.write_bytes(b"".join(map(ledger.line_of, [outdated, *marked])))
    before = committed.read_bytes()
    path.unlink()
    again = original_run.replica(profile, config, **ARGUMENTS)
    assert again["key"].tolist() == table["key"].tolist() and committed.read_bytes() == before
    assert sorted(again["seconds"] == -1) == [False, True, True, True]
    assert {row.key for row in ledger.read(path.parent, ReplicaResult)} == set(table["key"])


def test_load_profile_writes_nothing_committed_for_quick_and_tests(tmp_path, monkeypatch):
    def outputs(profile):
        values = {field.name: getattr(profile, field.name) for field in fields(profile)}
        return [*(value for value in values.values() if isinstance(value, Path)), profile.numbers, profile.model]

    assert all(path.is_relative_to(ROOT / "build") for path in outputs(load_profile("quick")))
    monkeypatch.setenv("STUDY_OUTPUT", str(tmp_path))
    assert all(path.is_relative_to(tmp_path) for path in outputs(load_profile("full")))
    monkeypatch.setenv("STUDY_OUTPUT", "")  # like unset
    assert load_profile("full").results == ROOT / "data" / "results"
    assert load_profile("quick").model == ROOT / "build" / "quick" / "model"


def test_run_task_computes_a_cheap_fit_of_the_complete_committed_replica():
    dataset = loading.load(replace(ULB, duplicates="keep"))
    rows = {row.key: row.result for row in ledger.read(original_run.COMMITTED, ReplicaResult)}
    for seed in original_run.SEEDS:
        for sampler, overlap in (("rus", True), ("smote", True), ("cgan", True), ("cgan", False)):
            task = original_run.make_task(dataset, sampler, seed, overlap=overlap, sizes=TrainingSizes())
            assert task.key in rows, f"{sampler}, seed {seed}: run python -m utils.experiments.original_study.run"
    task = original_run.make_task(dataset, "rus", 42, overlap=True, sizes=TrainingSizes())
    again = protocol.run_task(ULB, task, TrainingSizes()).result
    for area in ("tied_average_precision", "trapezoid", "thinned_trapezoid"):
        assert getattr(again, area) == pytest.approx(getattr(rows[task.key], area), abs=0.005)


def test_audit_of_the_claimed_pair_fails_every_check_but_the_prevalence(dataset, cgan):
    """Its test set is a random part of the file."""
    report = audit(**protocol.audit_inputs(dataset, cgan))
    assert report.passed == ["prevalence"], str(report)
    assert report.failed == ["shared rows", "near-shared rows", "sampler rows", "scaler", "area"]
    assert report["near-shared rows"].evidence["that column"] == "Time"
    assert "no sampler brought them there" in report["sampler rows"].advice


def test_training_sizes_of_the_quick_profile_are_smaller():
    assert TrainingSizes.of(load_profile("full")) == TrainingSizes(batches=2000, rows_per_class=4000)
    assert TrainingSizes.of(load_profile("quick")) == TrainingSizes(batches=200, rows_per_class=4000)


def test_audit_of_smote_in_the_replica_finds_no_rows_on_both_sides(dataset):
    """Its test rows are split off before the sampler, so only their prevalence and the area are faulty."""
    fitted = protocol.fit(dataset, "smote", SEED, sizes=SIZES)
    report = audit(**protocol.audit_inputs(dataset, fitted))
    assert report["sampler rows"].evidence["test rows behind them"] == 0
    assert report["prevalence"].verdict == report["area"].verdict == FAILED


def test_replica_test_set_has_the_prevalence_of_the_file():
    rows = [row for row in ledger.read(original_run.COMMITTED, ReplicaResult) if row.task.sampler.name == "cgan"]
    assert {(row.result.n_rows, row.result.n_positives) for row in rows} == {(85_443, 148)}
    assert pytest.approx(492 / 284_807, rel=0.01) == 148 / 85_443


def test_audit_of_this_studys_protocol_passes_every_check(config):
    """A development fold with the pipeline that a task fits, on the same file."""
    dataset = loading.load(config)
    development, _ = splits.split_off_test(dataset, 0.2)
    fold = splits.folds(dataset, development, 3, seed=0)[0]
    profile = load_profile("quick", config)
    task = tasks.make_task(profile, dataset.identity, (0, 0), "smote", "lr")
    train, test = run_task.fold_parts(dataset, fold.train), run_task.fold_parts(dataset, fold.test)
    fitted = training.fit(task, run_task.training_rows(dataset, fold.train, task.seed))
    pipeline = fitted.pipeline
    scores = pipeline.decision_function(test[0])
    measured = run_task.measure(dataset, fold.test, scores, pipeline.predict_proba(test[0])[:, 1])
    report = audit(
        train[0].assign(Class=train[1]),
        test[0].assign(Class=test[1]),
        label="Class",
        pipeline=pipeline,
        fitted=(fitted.rows.X, fitted.rows.y),
        claims=Claims(dataset.y.iloc[development], (test[1], scores, measured.average_precision)),
    )
    assert report.passed == [finding.name for finding in report.findings], str(report)


def test_fit_refuses_a_dataset_with_other_columns(tmp_path):
    frame = pd.DataFrame({"a": np.random.default_rng(0).normal(size=40), "y": np.arange(40) % 4 == 0})
    frame.to_parquet(tmp_path / "claims.parquet")
    dataset = loading.load(DatasetConfig(tmp_path / "claims.parquet", label="y", time=None, amount=None))
    with pytest.raises(
        errors.DataError, match=r"claims lacks Amount, Time, V1, .* which the original study's protocol"
    ):
        protocol.fit(dataset, "rus", 0)
