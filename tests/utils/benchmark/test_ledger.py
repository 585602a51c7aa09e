"""The ledger: what is written is read, by whole lines, once per key, whoever is killed in between."""

import json
import shutil
import subprocess
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from utils.benchmark import ledger
from utils.benchmark.ledger import KEY_FIELDS, LedgerError
from utils.config import ROOT, load_profile

TASK = {
    "dataset": {"name": "creditcard", "sha256": "76274b"},
    "split": {"kind": "development", "n_splits": 5},
    "repeat": 0,
    "fold": 1,
    "seed": 42,
    "sampler": {"name": "smote", "params": {"ratio": 5, "k_neighbors": 5}},
    "model": {"name": "rf", "params": {"n_estimators": 100}},
    "search": None,
}


def row(key: str, **fields) -> dict:
    return {"key": key, "ranks": [1, 3], "average_precision": 0.8333, **fields}


def write_many(path, start: int) -> None:
    for number in range(start, start + 25):
        ledger.append(path, row(f"k{number}", text="x" * 5000))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results" / "creditcard.jsonl"


def test_what_is_appended_is_read_in_order(path):
    rows = [row("b", params={"ratio": "balanced"}), row("a", amounts=None), row("c", days=0.32)]
    assert [ledger.append(path, entry) for entry in rows] == [True, True, True]
    assert ledger.read(path.parent) == list(ledger.read_file(path)) == rows


def test_one_line_per_task_ends_every_write(path):
    for key in "abc":
        ledger.append(path, row(key, text="two\nlines"))
        assert path.read_bytes().endswith(b"}\n")
    assert len(path.read_text().splitlines()) == 3


def test_a_task_is_written_once(path):
    assert ledger.append(path, row("a", seconds=1))
    assert not ledger.append(path, row("a", seconds=2))
    assert [entry["seconds"] for entry in ledger.read_file(path)] == [1]


def test_the_first_row_of_a_key_wins_across_files(path):
    ledger.append(path.with_name("b.jsonl"), row("same", seconds=2))
    ledger.append(path.with_name("a.jsonl"), row("same", seconds=1))
    ledger.append(path.with_name("c.jsonl"), row("other", seconds=3))
    assert [entry["seconds"] for entry in ledger.read(path.parent)] == [1, 3]


def test_an_unfinished_last_line_is_passed_over(path):
    ledger.append(path, row("a"))
    with path.open("a") as file:
        file.write('{"average_precision":0.5,"key":"b","ran')
    assert [entry["key"] for entry in ledger.read(path.parent)] == ["a"]


@pytest.mark.parametrize("cut", [5, 40, -1])
def test_the_next_append_cuts_an_unfinished_line_off(path, cut):
    ledger.append(path, row("a"))
    with path.open("a") as file:
        file.write(json.dumps(row("b"), sort_keys=True, separators=(",", ":"))[:cut])
    ledger.append(path, row("c"))
    assert [entry["key"] for entry in ledger.read(path.parent)] == ["a", "c"]


def test_a_task_whose_line_was_left_unfinished_is_written_again(path):
    ledger.append(path, row("a"))
    whole = path.read_bytes()
    ledger.append(path, row("b"))
    path.write_bytes(path.read_bytes()[:-5])
    assert ledger.append(path, row("b"))
    assert path.read_bytes().startswith(whole)
    assert [entry["key"] for entry in ledger.read(path.parent)] == ["a", "b"]


@pytest.mark.parametrize(
    "broken", ["{", "", "[]", "7", '"text"', '{"key": "x"}', '{"ranks": [1]}', "null", b"\xff\xfe".decode("latin-1")]
)
def test_a_broken_line_in_the_middle_is_named(path, broken):
    ledger.append(path, row("a"))
    with path.open("a") as file:
        file.write(f"{broken}\n")
    ledger.append(path, row("c"))
    with pytest.raises(LedgerError, match=r"creditcard\.jsonl, line 2: not a finished task"):
        ledger.read(path.parent)


def test_writers_in_other_processes_leave_whole_lines(path):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(write_many, [path] * 2, [0, 25]))
    rows = ledger.read(path.parent)
    assert {entry["key"] for entry in rows} == {f"k{number}" for number in range(50)}
    assert len(path.read_text().splitlines()) == 50


def test_a_folder_without_ledger_is_an_empty_one(tmp_path):
    assert ledger.read(tmp_path / "nothing") == []
    assert ledger.frame([]).empty


@pytest.mark.parametrize("name", KEY_FIELDS)
def test_the_key_depends_on_every_field(name):
    other = {**TASK["dataset"], "roles": {"label": "fraud"}} if name == "dataset" else "other"
    assert ledger.key_of({**TASK, name: other}) != ledger.key_of(TASK)


def test_the_key_depends_on_the_file_and_not_on_its_name():
    key = ledger.key_of({**TASK, "dataset": {**TASK["dataset"], "name": "renamed"}})
    assert key == ledger.key_of(TASK)
    assert ledger.key_of({**TASK, "dataset": {**TASK["dataset"], "sha256": "76274c"}}) != key


def test_the_key_depends_on_every_parameter():
    sampler = {"name": "smote", "params": {"ratio": 5, "k_neighbors": 3}}
    assert ledger.key_of({**TASK, "sampler": sampler}) != ledger.key_of(TASK)


def test_the_key_depends_on_nothing_else():
    measured = {**TASK, "average_precision": 0.5, "machine": {"cores": 2}, "key": "old"}
    turned = dict(reversed(measured.items()))
    turned["sampler"] = {"params": {"k_neighbors": 5, "ratio": 5}, "name": "smote"}
    assert ledger.key_of(TASK) == ledger.key_of(measured) == ledger.key_of(turned)


def test_a_task_that_lacks_a_field_has_no_key():
    with pytest.raises(KeyError, match="search"):
        ledger.key_of({name: TASK[name] for name in KEY_FIELDS if name != "search"})


SCORING = row("final", finished="2026-11-22T14:00", sampler={"name": "cgan"}, model={"name": "xgb"}, n_alerts=9)


def test_every_scoring_of_the_test_set_is_recorded_and_a_repetition_is_none(tmp_path):
    """The same model scores alike on every machine; another result under its key is another model's."""
    later = {**SCORING, "finished": "2026-11-23T14:00"}
    assert ledger.append_scoring(tmp_path, later)
    assert not ledger.append_scoring(tmp_path, {**later, "average_precision": 0.8380})
    assert ledger.append_scoring(tmp_path, {**later, "average_precision": 0.8400, "finished": "2026-11-24"})
    assert ledger.append_scoring(
        tmp_path, {**later, "key": "other", "sampler": {"name": "none"}, "finished": "2026-11-25"}
    )
    assert ledger.append_scoring(tmp_path, {**SCORING, "key": "first"})
    table = ledger.scorings(tmp_path)
    assert table["number"].tolist() == [1, 2, 3, 4]
    assert table["key"].tolist() == ["first", "final", "final", "other"]
    assert table["average_precision"].tolist() == [0.8333, 0.8333, 0.84, 0.8333]
    assert table["sampler"].tolist() == ["cgan", "cgan", "cgan", "none"] and set(table["model"]) == {"xgb"}


def test_a_study_that_scored_nothing_has_no_scorings(tmp_path):
    table = ledger.scorings(tmp_path)
    assert table.empty and list(table.columns)[:3] == ["number", "finished", "sampler"]


def test_the_test_set_of_the_study_was_scored_for_two_models():
    table = ledger.scorings(load_profile("full").results)
    assert list(zip(table["sampler"], table["model"], table["average_precision"], strict=True)) == [
        ("cgan", "xgb", 0.802366),
        ("none", "blend", 0.806696),
    ]
    assert [finished[:10] for finished in table["finished"]] == ["2026-11-22", "2026-11-22"]


def test_reproducing_the_study_leaves_the_scorings_of_the_test_set(tmp_path):
    """The recipe of the Makefile on a folder of its own, with programs that do nothing."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("creditcard.jsonl", "test.jsonl", "sensitivity/creditcard.jsonl", "out_of_fold/a.parquet"):
        (tmp_path / "data" / "results" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / "results" / name).write_text(name)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("python", "doit", "uv"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    for _ in range(2):
        command = ["make", "-o", ".venv/ready", "reproduce"]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    results = tmp_path / "data" / "results"
    left = {str(path.relative_to(results)) for path in results.rglob("*") if path.is_file()}
    moved = {"creditcard.jsonl.bak", "sensitivity.bak/creditcard.jsonl", "out_of_fold.bak/a.parquet"}
    assert left == {"test.jsonl", *moved} and (results / "test.jsonl").read_text() == "test.jsonl"


def test_a_frame_has_names_to_group_by():
    table = ledger.frame([{**TASK, "average_precision": 0.8}, {**TASK, "fold": 2, "average_precision": 0.9}])
    assert table.groupby(["sampler", "model"])["average_precision"].mean()["smote", "rf"] == pytest.approx(0.85)
    assert table["sampler_config"][0] == TASK["sampler"]
    assert list(table["fold"]) == [1, 2]


def test_a_frame_leaves_the_rows_as_they_are():
    rows = [dict(TASK)]
    ledger.frame(rows)
    assert rows == [TASK]
