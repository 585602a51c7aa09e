"""An older ledger gets the keys of today: rows, out-of-fold files and scorings move, and nothing is computed again."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.small import small_profile
from utils.benchmark import ledger, migrate, run_task, runner, tasks
from utils.benchmark.ledger import KEY_FIELDS, LedgerError
from utils.data import splits
from utils.serving import final_model


def formerly(row: dict, name: str) -> dict:
    """A row as it was written before keys covered roles and the rule of the folds."""
    dataset = {"name": name, "sha256": row["dataset"]["sha256"]}
    split = {key: value for key, value in row["split"].items() if key != "groups"}
    if split["kind"] == "test":
        del split["n_splits"]
    former = {**row, "dataset": dataset, "split": split}
    content = json.dumps({key: former[key] for key in KEY_FIELDS}, sort_keys=True, separators=(",", ":"))
    return {**former, "key": hashlib.sha256(content.encode()).hexdigest()[:20]}


def write(path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(map(ledger.line_of, rows)))


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    """A file of one's own whose duplicates were dropped, as all were formerly."""
    found = small_profile(tmp_path_factory.mktemp("migrate"))
    return replace(found, dataset=replace(found.dataset, duplicates="drop", amount="V1"))


def task(profile, sampler="none", **changes) -> dict:
    """A finished task on the profile's dataset, or on one that departs from it."""
    other = replace(profile, dataset=replace(profile.dataset, **changes))
    dataset = run_task.load_dataset(other.dataset)
    return {**tasks.make_task(other, dataset.identity, (0, 0), (sampler, {}), ("lr", {})), "ranks": [1, 4]}


@pytest.fixture
def older(profile, tmp_path):
    """A former ledger below a folder of its own, and the rows that it has to become."""
    profile = replace(profile, results=tmp_path / "results")
    rows = {
        "rows.jsonl": ("rows", [task(profile), task(profile, "smote")]),
        "sensitivity/rows-raw-time.jsonl": ("rows-raw-time", [task(profile, raw_time=True, variant="raw-time")]),
        "sensitivity/rows-with-duplicates.jsonl": (
            "rows-with-duplicates",
            [task(profile, duplicates="keep", variant="with-duplicates")],
        ),
    }
    scoring = {
        **final_model.final_task(profile, ("none", "lr")),
        "ranks": [2],
        "average_precision": 0.5,
        "finished": "b",
    }
    rows["test.jsonl"] = ("rows", [{**scoring, "average_precision": 0.8, "finished": "a"}, scoring])
    for file, (name, present) in rows.items():
        write(profile.results / file, [formerly(row, name) for row in present])
    return profile, {file: present for file, (_, present) in rows.items()}


def test_every_row_gets_the_key_of_its_task_and_keeps_the_rest(older):
    profile, rows = older
    assert migrate.migrate(profile).startswith("6 rows and 0 out-of-fold files")
    for file, present in rows.items():
        assert list(ledger.read_file(profile.results / file)) == present
    for row in rows["rows.jsonl"]:
        assert row["dataset"]["roles"] == {"amount": "V1", "duplicates": "drop"}
        assert row["split"]["groups"] == "all raw columns but time and label"


def test_it_can_be_run_again_and_takes_both_forms_in_one_file(older):
    profile, rows = older
    first, second = rows["rows.jsonl"]
    write(profile.results / "rows.jsonl", [first, formerly(second, "rows"), formerly(first, "rows")])
    migrate.migrate(profile)
    before = {path: path.read_bytes() for path in profile.results.rglob("*.jsonl")}
    assert list(ledger.read_file(profile.results / "rows.jsonl")) == [first, second]
    assert migrate.migrate(profile).startswith("0 rows")
    assert before == {path: path.read_bytes() for path in profile.results.rglob("*.jsonl")}


def test_days_are_counted_by_the_clock(older):
    profile, _ = older
    path, scored = profile.results / "rows.jsonl", profile.results / "test.jsonl"
    before = [{**row, "days": 0.4} for file in (path, scored) for row in ledger.read_file(file)]
    write(path, before[:-1])
    write(scored, before[-1:])
    assert f"and {len(before)} rows their days by the clock" in migrate.migrate(profile)
    dataset = run_task.load_dataset(profile.dataset)
    test = splits.chronological_split(dataset, profile.protocol.test_fraction)[1]
    seconds = dataset.frame["Time"].iloc[test[-1]] - dataset.frame["Time"].iloc[test[0]]
    (scoring,) = ledger.read_file(scored)
    assert scoring["days"] == pytest.approx(seconds / 86_400, abs=1e-4) != 0.4
    fold = run_task.all_folds(profile.dataset, profile.protocol, 1)[0, 0]
    assert next(ledger.read_file(path))["days"] == run_task.days_covered(dataset, fold.test)
    assert "and 0 rows their days by the clock" in migrate.migrate(profile)


def test_the_benchmark_runs_nothing_again(profile, tmp_path, monkeypatch):
    profile = replace(profile, results=tmp_path / "results")
    before = runner.run(profile, samplers=["none"], models=["lr"], n_jobs=1)
    path = profile.results / "rows.jsonl"
    write(path, [formerly(row, "rows") for row in ledger.read_file(path)])
    migrate.migrate(profile)
    monkeypatch.setattr(runner, "run_group", lambda *_: pytest.fail("a finished task was run again"))
    after = runner.run(profile, samplers=["none"], models=["lr"], n_jobs=1)
    pd.testing.assert_frame_equal(after, before, check_like=True)


def test_out_of_fold_probabilities_move_with_their_model_and_say_their_rows(older, monkeypatch):
    profile, rows = older
    present = rows["test.jsonl"][0]
    folds = run_task.all_folds(profile.dataset, profile.protocol, 1).values()
    positions = np.concatenate([fold.test for fold in folds])
    folder = profile.results / "out_of_fold"
    folder.mkdir()
    former = folder / f"{formerly(present, 'rows')['key']}.parquet"
    pd.DataFrame({"probability": positions.astype(np.float32) / 1e6}).to_parquet(former)
    assert "1 out-of-fold files" in migrate.migrate(profile)
    assert [path.name for path in folder.iterdir()] == [f"{present['key']}.parquet"]
    monkeypatch.setattr(final_model, "_fold_probability", lambda *_: pytest.fail("a finished fold was run again"))
    out = final_model.out_of_fold(profile, final_model.final_task(profile, ("none", "lr")))
    np.testing.assert_allclose(out.probability, positions / 1e6, atol=1e-7)


def test_measurements_of_generators_move_too(profile, tmp_path):
    measured = {"key": "", "figures": {"ks": 0.1}, "fit_seconds": None, "rows_per_second": 5.0, "finished": "x"}
    known = {"dataset": {"name": "rows", "sha256": "ab"}, "protocol": {"seed": 0}, "fold": 1, "judge": {"trees": 5}}
    key = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:20]
    path = tmp_path / "generators.jsonl"
    write(path, [{**known, **measured, "key": key}])
    migrate.migrate(replace(profile, results=tmp_path / "none"), (path,))
    row = json.loads(path.read_text())
    present = {name: row[name] for name in known}
    assert row["key"] == hashlib.sha256(json.dumps(present, sort_keys=True).encode()).hexdigest()[:20] != key
    assert present["protocol"] == {"seed": 0, "groups": "all raw columns but time and label"}
    assert present["dataset"]["roles"] == {"amount": "V1", "duplicates": "drop"} and present["judge"] == {"trees": 5}


@pytest.mark.parametrize("form", ["former", "present"])
def test_a_row_that_was_changed_by_hand_is_named_and_its_file_stays(older, form):
    profile, rows = older
    path = profile.results / "rows.jsonl"
    first, second = rows["rows.jsonl"]
    changed = formerly(second, "rows") if form == "former" else second
    write(path, [formerly(first, "rows"), {**changed, "seed": 1}])
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=r"rows\.jsonl, line 2: the key \w+ is not that of the row's content"):
        migrate.migrate(profile)
    assert path.read_bytes() == before and not list(path.parent.glob("*.part-*"))


def test_the_committed_ledger_has_the_keys_of_today():
    profile = runner.load_profile("full")
    for path in [*profile.results.rglob("*.jsonl"), migrate.GENERATORS]:
        for line in path.read_bytes().splitlines():
            row = json.loads(line)
            assert migrate.present_row(row, profile) == row
