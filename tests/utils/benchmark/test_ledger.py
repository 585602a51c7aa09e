"""The ledger: what is written can be read, in whole lines and once per key, even if processes are killed."""

import json
import shutil
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, replace
from multiprocessing import get_context
from threading import Thread

import pytest

from tests.rows import make_row, make_scoring, make_task
from utils.benchmark import ledger
from utils.benchmark.ledger import LedgerError
from utils.benchmark.records import FoldResult, Method, ScoringResult, SearchPlan, SearchSpace, Split, Task
from utils.config import ROOT, Roles, load_profile
from utils.experiments.cgan_variant import VariantResult
from utils.experiments.original_study.protocol import ReplicaResult

LIMITED = """
import resource, sys
from pathlib import Path
from tests.rows import make_row
from utils.benchmark import ledger

path, n_bytes = Path(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))
try:
    print(ledger.append(path, make_row(seed=2)))
except OSError as error:
    print(error.strerror, error.filename)
"""
OTHER = {
    "dataset": replace(make_task().dataset, roles=Roles(label="fraud")),
    "split": Split("development", 0.2, "rows as they are", n_splits=5),
    "repeat": 1,
    "fold": 2,
    "seed": 43,
    "sampler": Method("smote", {"ratio": 5}, "imbalanced-learn 0.14", 1),
    "model": Method("rf", {"n_estimators": 100, "max_features": "sqrt"}, "scikit-learn 1.10", 1),
    "search": SearchPlan(4, 0.01, SearchSpace({}, {"C": [1.0]})),
}


def write_many(path, start: int) -> None:
    for seed in range(start, start + 25):
        ledger.append(path, make_row(seed=seed, positives=list(range(1000))))


def seeds(rows) -> list[int]:
    return [row.task.seed for row in rows]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results" / "creditcard.jsonl"


def test_read_gives_rows_in_the_order_of_appending(path):
    rows = [make_row(seed=2, inner_scores=[0.5]), make_row(seed=1, amounts=None), make_row(seed=3, days=None)]
    assert [ledger.append(path, row) for row in rows] == [True, True, True]
    assert ledger.read(path.parent) == list(ledger.read_file(path)) == rows


def test_append_writes_one_line_per_task(path):
    for seed in range(3):
        ledger.append(path, make_row(seed=seed, engine="two\nlines"))
        assert path.read_bytes().endswith(b"}\n")
    assert len(path.read_text().splitlines()) == 3


def test_append_writes_a_task_once(path):
    assert ledger.append(path, make_row(fit_seconds=1.0))
    assert not ledger.append(path, make_row(fit_seconds=2.0))
    assert [row.result.fit_seconds for row in ledger.read_file(path)] == [1]


def test_read_takes_the_first_row_of_a_key_across_files(path):
    ledger.append(path.with_name("b.jsonl"), make_row(fit_seconds=2.0))
    ledger.append(path.with_name("a.jsonl"), make_row(fit_seconds=1.0))
    ledger.append(path.with_name("c.jsonl"), make_row(seed=1, fit_seconds=3.0))
    assert [row.result.fit_seconds for row in ledger.read(path.parent)] == [1, 3]


def test_read_skips_an_unfinished_last_line(path):
    ledger.append(path, make_row(seed=1))
    with path.open("a") as file:
        file.write('{"average_precision":0.5,"key":"b","ran')
    assert seeds(ledger.read(path.parent)) == [1]
    assert ledger.read_keys(path) == {make_row(seed=1).key}


@pytest.mark.parametrize("cut", [5, 40, -1])
def test_append_cuts_an_unfinished_line_off(path, cut):
    ledger.append(path, make_row(seed=1))
    with path.open("ab") as file:
        file.write(ledger.line_of(make_row(seed=2))[:cut])
    ledger.append(path, make_row(seed=3))
    assert seeds(ledger.read(path.parent)) == [1, 3]


def test_append_writes_a_task_again_whose_line_was_left_unfinished(path):
    ledger.append(path, make_row(seed=1))
    whole = path.read_bytes()
    ledger.append(path, make_row(seed=2))
    path.write_bytes(path.read_bytes()[:-5])
    assert ledger.append(path, make_row(seed=2))
    assert path.read_bytes().startswith(whole)
    assert seeds(ledger.read(path.parent)) == [1, 2]


@pytest.mark.parametrize(("n_bytes", "reason"), [(40, "No space left on device"), (0, "File too large")])
def test_append_refuses_a_line_that_does_not_fit_and_leaves_the_file_as_it_was(path, n_bytes, reason):
    ledger.append(path, make_row(seed=1))
    whole = path.read_bytes()
    command = [sys.executable, "-c", LIMITED, str(path), str(len(whole) + n_bytes)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout == f"{reason} {path}\n"
    assert path.read_bytes() == whole
    assert ledger.append(path, make_row(seed=2))  # as soon as there is space


@pytest.mark.parametrize(
    "broken", ["{", "", "[]", "7", '"text"', '{"key": "x"}', '{"ranks": [1]}', "null", b"\xff\xfe".decode("latin-1")]
)
def test_read_names_a_broken_line_in_the_middle(path, broken):
    ledger.append(path, make_row(seed=1))
    with path.open("a") as file:
        file.write(f"{broken}\n")
    ledger.append(path, make_row(seed=3))
    with pytest.raises(LedgerError, match=r"creditcard\.jsonl, line 2: not a finished task"):
        ledger.read(path.parent)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("seed", 43, r"the key is \w+, but the content has the key \w+"),
        ("ranks", "first", "ranks: Input should be a valid list"),
        ("model", {"name": "rf"}, "model.params: Field required"),
    ],
)
def test_read_refuses_an_edited_line_and_says_why(path, name, value, message):
    content = json.loads(ledger.line_of(make_row()))
    path.parent.mkdir()
    path.write_text(json.dumps({**content, name: value}) + "\n")
    with pytest.raises(LedgerError, match=rf"line 1: not a finished task \({message}\); delete this line"):
        ledger.read(path.parent)


def test_append_leaves_whole_lines_with_writers_in_other_processes(path):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(write_many, [path] * 2, [0, 25]))
    assert sorted(seeds(ledger.read(path.parent))) == list(range(50))
    assert len(path.read_text().splitlines()) == 50


def test_pack_keeps_every_row_in_a_fraction_of_the_size(path):
    rows = [make_row(seed=seed, positives=list(range(200))) for seed in range(20)]
    for row in rows[:10]:
        ledger.append(path, row)
    size = path.stat().st_size
    ledger.pack(path)
    packed = path.with_name(path.name + ledger.PACKED)
    assert not path.exists() and packed.stat().st_size < size / 5
    for row in rows[10:]:
        ledger.append(path, row)
    assert sorted(seeds(ledger.read(path.parent))) == list(range(20))
    ledger.pack(path)
    assert seeds(ledger.read(path.parent)) == list(range(20)) and ledger.read_keys(packed) == {row.key for row in rows}
    assert [entry.name for entry in path.parent.iterdir()] == [packed.name]


def test_append_after_pack_by_another_process_loses_no_row(path):
    """As a writer that waits for the lock with the file open while it is packed and removed."""
    write_many(path, 0)
    with ledger._locked(path):
        writer = Thread(target=write_many, args=(path, 25))
        writer.start()
        time.sleep(0.5)
        path.unlink()
    writer.join()
    assert seeds(ledger.read_file(path)) == list(range(25, 50))


def test_pack_that_was_killed_before_its_end_writes_no_row_twice(path):
    write_many(path, 0)
    content = path.read_bytes()
    ledger.pack(path)
    path.write_bytes(content + b'{"key": "unfini')
    ledger.pack(path)
    assert seeds(ledger.read_file(path.with_name(path.name + ledger.PACKED))) == list(range(25))


def test_pack_leaves_a_folder_without_the_file_alone(tmp_path):
    ledger.pack(tmp_path / "creditcard.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_read_takes_a_folder_without_ledger_for_an_empty_one(tmp_path):
    assert ledger.read(tmp_path / "nothing") == []
    assert ledger.read_keys(tmp_path / "nothing.jsonl") == set()
    assert ledger.frame([]).empty


@pytest.mark.parametrize("name", OTHER)
def test_key_depends_on_every_field(name):
    assert {field.name for field in fields(Task)} - set(OTHER) == {"variant"}
    other = make_task(**{name: OTHER[name]})
    assert other.key != make_task().key


def test_key_depends_on_the_file_and_not_on_its_name():
    task = make_task()
    assert make_task(dataset=replace(task.dataset, name="renamed")).key == task.key
    assert make_task(dataset=replace(task.dataset, sha256="76274c")).key != task.key
    assert make_task(variant="default").key == task.key


def test_key_does_not_depend_on_the_order_of_parameters():
    model = make_task().model
    turned = replace(model, params=dict(reversed(model.params.items())))
    assert make_task(model=turned).key == make_task().key


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("creditcard", FoldResult),
        ("sensitivity/creditcard", FoldResult),
        ("sensitivity/creditcard-raw-time", FoldResult),
        ("sensitivity/creditcard-with-duplicates", FoldResult),
        ("generators/creditcard", VariantResult),
        ("original/replica", ReplicaResult),
        ("test", ScoringResult),
    ],
)
def test_ledger_reads_and_writes_committed_rows_to_the_byte(name, result):
    """No row loses a field, and each has the key of its content."""
    path = load_profile("full").results / f"{name}.jsonl"
    assert b"".join(map(ledger.line_of, ledger.read_file(path, result))) == path.read_bytes()


def test_append_scoring_records_every_scoring_but_no_repetition(tmp_path):
    """The same model has the same score on every machine; another score under its key is another model's."""
    later = {"finished": "2026-11-23T14:00"}
    none = Method("none", {}, "imbalanced-learn 0.14", 1)
    assert ledger.append_scoring(tmp_path, make_scoring(**later))
    assert not ledger.append_scoring(tmp_path, make_scoring(**later, average_precision=0.8380))
    assert ledger.append_scoring(tmp_path, make_scoring(finished="2026-11-24", average_precision=0.8400))
    assert ledger.append_scoring(tmp_path, make_scoring(finished="2026-11-25", sampler=none))
    assert ledger.append_scoring(tmp_path, make_scoring(seed=1))
    table = ledger.scorings(tmp_path)
    first, final, other = (make_scoring(**changes).key for changes in ({"seed": 1}, {}, {"sampler": none}))
    assert table["number"].tolist() == [1, 2, 3, 4]
    assert table["key"].tolist() == [first, final, final, other]
    assert table["average_precision"].tolist() == [0.8333, 0.8333, 0.84, 0.8333]
    assert table["sampler"].tolist() == ["smote", "smote", "smote", "none"] and set(table["model"]) == {"rf"}
    assert ledger.read(tmp_path) == []  # a scoring of the test set is no task of the benchmark


def test_scorings_are_empty_if_nothing_was_scored(tmp_path):
    table = ledger.scorings(tmp_path)
    assert table.empty and list(table.columns)[:3] == ["number", "finished", "sampler"]


def test_scorings_of_the_study_are_of_three_models():
    table = ledger.scorings(load_profile("full").results)
    assert list(zip(table["sampler"], table["model"], table["average_precision"], strict=True)) == [
        ("cgan", "xgb", 0.802366),
        ("none", "blend", 0.806696),
        ("none", "xgb", 0.789228),
    ]
    assert [finished[:10] for finished in table["finished"]] == ["2026-11-22", "2026-11-22", "2026-11-28"]


def test_reproduce_leaves_the_scorings_of_the_test_set(tmp_path):
    """The target of the Makefile in a separate folder, with programs that do nothing."""
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


def test_remove_removes_these_lines_and_a_broken_end(tmp_path):
    path, rows = tmp_path / "rows.jsonl", [make_row(fold=fold) for fold in range(3)]
    path.write_bytes(b"".join(map(ledger.line_of, rows)) + b'{"key": "cut o')
    ledger.remove(path, {rows[1].key, "unknown"})
    assert [row.key for row in ledger.read_file(path)] == [rows[0].key, rows[2].key]


def test_remove_loses_no_row_that_another_process_appends(path):
    write_many(path, 0)
    writer = Thread(target=write_many, args=(path, 25))
    writer.start()
    while writer.is_alive():
        ledger.remove(path, {"unknown"})
    writer.join()
    assert sorted(seeds(ledger.read_file(path))) == list(range(50))


@pytest.mark.parametrize("line", [b"nonsense", b"[]", b"{}"])
def test_keys_are_not_read_from_a_broken_line_and_nothing_is_removed(tmp_path, line):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(ledger.line_of(make_row()) + line + b"\n")
    before = path.read_bytes()
    for use in (ledger.read_keys, lambda path: ledger.remove(path, {make_row().key})):
        with pytest.raises(LedgerError, match=r"rows\.jsonl, line 2: not a finished task"):
            use(path)
    assert path.read_bytes() == before


def test_frame_has_names_to_group_by():
    rows = [make_row(fold=1, average_precision=0.8), make_row(fold=2, average_precision=0.9)]
    table = ledger.frame(rows)
    assert table.groupby(["sampler", "model"])["average_precision"].mean()["smote", "rf"] == pytest.approx(0.85)
    assert table["sampler_config"][0] == rows[0].task.sampler
    assert list(table["fold"]) == [1, 2] and list(table["key"]) == [row.key for row in rows]


def test_frame_has_no_column_for_what_no_row_has():
    table = ledger.frame([make_row(average_precision_tie_neutral=None), make_row(seed=1)])
    assert table["average_precision_tie_neutral"].isna().tolist() == [True, False]
    assert {"average_precision_tie_neutral", "variant"}.isdisjoint(
        ledger.frame([make_row(average_precision_tie_neutral=None)])
    )
