"""The comparison of generators: verdicts on tables with a known answer, and a real run on few rows."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks import judgement
from benchmarks.generators import frauds as generators
from benchmarks.generators.frauds import GeneratorResult, GeneratorTask, SplitRule
from benchmarks.judgement import FIGURES, best, goal_lines, machines_text, medians, table_lines
from tests.small import small_profile
from utils.benchmark.ledger import line_of
from utils.benchmark.records import Machine, Provenance, Row
from utils.benchmark.tasks import minor_version
from utils.config import ULB, Roles
from utils.data.identity import DatasetIdentity
from utils.data.loading import GROUPS

PERFECT = {
    "fit_seconds": 1.0,
    "rows_per_second": 1000.0,
    "ks": 0.01,
    "wasserstein": 0.01,
    "correlation_difference": 0.01,
    "density": 1.0,
    "coverage": 1.0,
    "two_sample_auc": 0.5,
    "two_sample_auc_seen": 0.5,
    "closest_record": 1.0,
    "tstr": 0.9,
    "trtr": 0.9,
    "trts": 0.9,
    "tstr_ratio": 1.0,
}
POOR = {
    "fit_seconds": 9.0,
    "rows_per_second": 10.0,
    "ks": 0.3,
    "wasserstein": 0.4,
    "correlation_difference": 0.2,
    "density": 1.8,
    "coverage": 0.1,
    "two_sample_auc": 0.2,
    "two_sample_auc_seen": 0.95,
    "closest_record": 0.2,
    "tstr": 0.5,
    "trtr": 0.9,
    "trts": 0.95,
    "tstr_ratio": 0.56,
}


def make_table(ours=PERFECT, **peers):
    return pd.DataFrame({"ours": ours, **(peers or {"first": POOR, "second": POOR})}, dtype=float).T


def goals(table):
    return goal_lines(table, ours="ours", ctgans=["first", "second"])


def verdicts(table):
    return [line.split(":")[0] for line in goals(table)]


# The verdict


def test_goal_lines_of_a_perfect_generator_are_all_met_and_of_a_poor_one_none():
    assert set(verdicts(make_table())) == {"met"} and len(goals(make_table())) == 7
    assert set(verdicts(make_table(POOR, first=PERFECT, second=PERFECT))) == {"NOT met"}


@pytest.mark.parametrize(
    ("name", "value", "position"),
    [
        ("tstr_ratio", 0.999, 0),
        ("correlation_difference", 0.041, 1),
        ("two_sample_auc", 0.81, 2),
        ("two_sample_auc", 0.19, 2),
        ("closest_record", 0.89, 3),
        ("fit_seconds", 9.1, 4),
    ],
)
def test_goal_lines_have_a_limit_each(name, value, position):
    changed = verdicts(make_table({**PERFECT, name: value}))
    assert [number for number, verdict in enumerate(changed[:5]) if verdict != "met"] == [position]


def test_goal_lines_are_met_on_their_limit():
    limit = {"correlation_difference": 0.04, "closest_record": 0.9, "fit_seconds": 9.0, "tstr_ratio": 1.0}
    assert set(verdicts(make_table({**PERFECT, **limit}))) == {"met"}


def test_goal_lines_do_not_take_a_tie_for_better_and_name_the_figure():
    line = goals(make_table({**PERFECT, "ks": POOR["ks"], "density": 0.1}))[-1]
    assert line == "NOT met: better than second on 9 of 11 fidelity figures, but not on KS, density"


def test_goal_lines_take_the_best_peer_as_limit_of_the_two_sample_test():
    near = {**POOR, "two_sample_auc": 0.47}
    table = make_table({**PERFECT, "two_sample_auc": 0.54}, first=POOR, second=POOR, third=near)
    assert goals(table)[2] == "NOT met: two-sample AUC as near to 0.5 as that of third: 0.040 away against 0.030"


def test_goal_lines_do_not_take_what_was_not_measured_for_success():
    assert goals(make_table(first=POOR))[-1] == "not measured: second"
    assert goals(make_table().drop(index="ours")) == ["not measured: ours, so no goal can be judged"]
    assert not any(line.startswith("met: better") for line in goals(make_table(third=POOR)))


def test_best_is_nearest_to_the_ideal():
    table = make_table({**POOR, "density": 0.9}, other={**POOR, "density": 1.2}, third={**POOR, "density": 0.9})
    figures = {figure.name: figure for figure in FIGURES}
    assert best(table, figures["density"]) == {"ours", "third"}
    assert best(make_table(), figures["trts"]) == {"ours"}
    assert best(make_table(), figures["rows_per_second"]) == {"ours"}
    assert best(make_table(), figures["trtr"]) == set()


def test_ahead_of_names_generators_nearer_to_the_ideal_with_their_figures():
    near = {**POOR, "ks": 0.001, "tstr_ratio": 1.2, "rows_per_second": 1e9, "closest_record": 0.3}
    other = {**POOR, "two_sample_auc": 0.5, "ks": PERFECT["ks"]}
    table = make_table({**PERFECT, "two_sample_auc": 0.4}, far=POOR, other=other, near=near)
    ahead = judgement.ahead_of(table, ours="ours")
    assert ahead[["generator", "figures"]].to_numpy().tolist() == [
        ["near", ["KS", "TSTR / TRTR"]],
        ["other", ["two-sample AUC"]],
    ]
    assert judgement.ahead_lines(table, ours="ours")[0] == (
        "near is nearer to the ideal than ours in KS, TSTR / TRTR (closest record 0.30)"
    )
    assert judgement.ahead_of(make_table(), ours="ours").empty


# The table


IDENTITY = DatasetIdentity("rows", "ab", Roles())
TASK = GeneratorTask(IDENTITY, SplitRule(0.2, 5, 0, GROUPS), 0, "cgan", {}, "numpy 2", 5, {}, [1, 1])
PROVENANCE = Provenance({"python": "3"}, Machine("Linux", "x86_64", 2), "2026-11-26T00:00:00+00:00")


def result(generator, fold, **changes):
    figures = {**PERFECT, **changes}
    speeds = [figures.pop(name) for name in ("fit_seconds", "rows_per_second")]
    return Row(replace(TASK, generator=generator, fold=fold), GeneratorResult(*speeds, figures), PROVENANCE)


def test_medians_are_over_folds_of_complete_generators_only():
    rows = [result("a", fold, ks=ks) for fold, ks in enumerate([0.1, 0.9, 0.2])] + [result("b", 0)]
    table = medians(rows, n_folds=3)
    assert list(table.index) == ["a"] and table.loc["a", "ks"] == 0.2
    assert list(table.columns) == [figure.name for figure in FIGURES]
    assert medians([], n_folds=3).empty


def test_table_lines_have_a_dash_for_a_generator_that_fits_nothing():
    table = medians([result("a", 0, fit_seconds=None), result("b", 0, fit_seconds=5.0)], n_folds=1)
    header, rule, first, second = table_lines(table)
    assert first.split("|")[2].strip() == "–" and second.split("|")[2].strip() == "**5.00**"
    assert len({len(line) for line in (header, rule, first, second)}) == 1
    assert header.count("|") == len(FIGURES) + 2


def test_table_lines_of_an_empty_table_are_only_a_header():
    assert len(table_lines(medians([], n_folds=1))) == 2


# A run


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    return small_profile(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def tasks(profile):
    return generators.all_tasks(profile, 2, generators.QUICK)


def light(tasks):
    """Tasks of a few seconds."""
    chosen = [task for task in tasks if task.generator in ("copula", "jitter") and task.fold == 0]
    return [replace(task, n_drawn=300) for task in chosen]


@pytest.fixture(scope="module")
def finished(profile, tasks, tmp_path_factory):
    """Results of generators that need no training, on one fold."""
    path = tmp_path_factory.mktemp("results") / "generators.jsonl"
    generators.run(profile, light(tasks), path)
    return path


def test_run_gives_sane_results(finished):
    table = medians(generators.read(finished), n_folds=1)
    assert sorted(table.index) == ["copula", "jitter"]
    assert table["tstr_ratio"].between(0.7, 1.3).all()
    assert (table > 0).all(axis=None)
    assert table.loc["jitter", "closest_record"] < 0.5 < table.loc["copula", "closest_record"]


def test_run_measures_nothing_twice(profile, tasks, finished):
    before = finished.read_bytes()
    generators.run(profile, light(tasks), finished)
    assert finished.read_bytes() == before


def test_read_names_a_broken_line(tmp_path):
    path = tmp_path / "generators.jsonl"
    path.write_bytes(line_of(result("cgan", 0)) + b"nonsense\n")
    with pytest.raises(ValueError, match=r"generators.jsonl, line 2: not a finished task"):
        generators.read(path)


def test_report_writes_the_page_only_when_nothing_is_missing(tasks, finished, capsys):
    generators.report(tasks, finished, complete=True)
    assert "Not measured in every fold: CGAN (ours), CGAN (ours), before its redesign" in capsys.readouterr().out
    assert not finished.with_suffix(".md").exists()


def test_report_writes_table_and_goals(tmp_path, monkeypatch):
    names = ("jitter", "cgan", "ctgan_300", "ctgan_3000")
    monkeypatch.setattr(generators, "GENERATORS", {name: generators.GENERATORS[name] for name in names})
    rows = [result(name, 0) for name in names]
    chosen = [row.task for row in rows]
    path = tmp_path / "generators.jsonl"
    path.write_bytes(b"".join(map(line_of, rows)))
    generators.report(chosen, path, complete=False)
    assert not path.with_suffix(".md").exists()
    generators.report(chosen, path, complete=True)
    page = path.with_suffix(".md").read_text()
    assert (
        "| CGAN (ours)" in page
        and "- met: TSTR / TRTR at least 1: 1.000" in page
        and "- NOT met: better than CTGAN" in page
    )


def test_all_tasks_give_every_generator_each_position_in_turn(tasks):
    names = [[task.generator for task in tasks if task.fold == fold] for fold in (0, 1)]
    assert names[1] == names[0][1:] + names[0][:1]
    assert len({task.key for task in tasks}) == len(tasks)


def test_key_changes_with_whatever_changes_the_result(tasks):
    (task,) = (task for task in tasks if task.generator == "jitter" and task.fold == 0)
    changes = ({"settings": {"noise": 0.2}}, {"library": "numpy 0"}, {"fold": 1}, {"n_drawn": 9}, {"revision": [2, 1]})
    changes += ({"judge": {**task.judge, "n_estimators": 9}}, {"judge_library": "xgboost 0.1"})
    assert len({replace(task, **change).key for change in ({}, *changes)}) == 8


def test_tasks_name_the_library_of_the_judge(tasks):
    assert {task.judge_library for task in tasks} == {minor_version("xgboost")}


def test_read_gives_committed_results_to_the_byte():
    assert b"".join(map(line_of, generators.read(generators.RESULTS))) == generators.RESULTS.read_bytes()


@pytest.mark.parametrize("name", ["cgan", "cgan_before", "original"])
def test_draw_frauds_fits_networks_and_draws_from_them(profile, tasks, name):
    (task,) = (task for task in tasks if task.generator == name and task.fold == 0)
    real = generators.real_rows(profile.dataset, profile.protocol, 1, (0, 0))
    generator = generators.GENERATORS[name].build(0, **task.settings)
    frauds = generators.draw_frauds(generator, real.X_train, real.y_train, 100)
    assert frauds.rows.shape == (100, real.X_train.shape[1]) and np.isfinite(frauds.rows).all()
    assert min(frauds.fit_seconds, frauds.draw_seconds) > 0


def test_installed_lists_the_others_without_optional_packages(monkeypatch, capsys):
    monkeypatch.setattr("utils.samplers.optional.find_spec", lambda name: None)
    names = {"cgan", "cgan_before", "copula", "jitter", "smote", "original"}
    assert {entry.name for entry in generators.installed()} == names
    messages = capsys.readouterr().err.splitlines()
    assert len(messages) == 5 and messages[0].startswith("Left out: CTGAN, 300 epochs needs ctgan and torch, which")
    assert all("uv sync --inexact --group peers" in message for message in messages)


def test_real_rows_are_scaled_by_the_training_rows(profile):
    real = generators.real_rows(profile.dataset, profile.protocol, 1, (0, 0))
    assert profile.dataset != ULB
    np.testing.assert_allclose(real.X_train.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(real.X_train.std(axis=0), 1, atol=1e-9)
    assert np.abs(real.X_holdout.mean(axis=0)).max() > 1e-3


def test_machines_text_says_when_seconds_are_those_of_several_machines():
    row = result("jitter", 0)
    assert machines_text([row, row]) == "Machine: Linux, x86_64, 2 cores."
    other = replace(row, provenance=replace(row.provenance, machine=Machine("Linux", "aarch64", 8)))
    text = "Several machines, so compare seconds roughly: Linux, x86_64, 2 cores; Linux, aarch64, 8 cores."
    assert machines_text([row, other, row]) == text
