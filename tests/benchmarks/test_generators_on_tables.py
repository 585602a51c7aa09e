"""The comparison of generators over tables: figures and goals with known answers, and a real run on few rows."""

import errno
import sys
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.generators import __main__ as generators_main
from benchmarks.generators import methods, on_tables, page, peer_worker
from benchmarks.generators.figures import JudgedFold, closest_record, column_distances, figures_of
from benchmarks.generators.on_tables import TableResult, TableTask
from benchmarks.generators.tables import (
    FOLDS,
    MAX_NEGATIVES,
    MAX_POSITIVES,
    PAYMENTS,
    SPECS,
    LabelledRows,
    TableSpec,
    add_gaps,
    load,
    split,
)
from utils.benchmark import ledger
from utils.benchmark.ledger import LedgerError
from utils.benchmark.records import Machine, Provenance, Row
from utils.data import keel
from utils.data.errors import DataError
from utils.data.tables import read_tables
from utils.samplers import optional
from utils.samplers.peer_frame import PeerFrame, decimals_of
from utils.samplers.peer_generators import PeerRequest

needs_wheel = pytest.mark.skipif(not keel.PATH.exists(), reason="the wheel with KEEL's tables was not fetched")
MACHINE = Provenance({"python": "3"}, Machine("Linux", "x86_64", 2), "2026-11-26T00:00:00+00:00")


def categories(*values):
    return pd.Series(pd.Categorical(values))


# Tables


def test_specs_are_eight_mixed_and_eight_numeric_design_tables():
    kinds = [spec.kind for spec in SPECS.values()]
    assert min(kinds.count("mixed"), kinds.count("numeric")) >= 8
    assert {read_tables()[spec.source].role for spec in SPECS.values() if spec.source != PAYMENTS} == {"design"}


@pytest.mark.parametrize("role", ["verdict", "reserve"])
def test_load_refuses_a_table_that_is_not_for_design(role):
    name = next(table.name for table in read_tables().values() if table.role == role)
    with pytest.raises(DataError, match=f"'{name}' is no design table"):
        load(TableSpec("anything", "numeric", name))
    with pytest.raises(DataError, match="'nothing' is no design table"):
        load(TableSpec("anything", "numeric", "nothing"))


@needs_wheel
def test_load_types_columns_and_thins_both_classes():
    rows = load(SPECS["payments, 5 %, gaps by value"])
    assert rows.y.sum() == MAX_POSITIVES and (rows.y == 0).sum() == MAX_NEGATIVES
    assert {str(dtype) for dtype in rows.X.dtypes} == {"float64", "category"}
    assert not {"payment_id", "customer_id", "terminal_id", "timestamp", "label"} & set(rows.X)
    assert rows.X["hour"].between(0, 24).all() and rows.X["account_age"].min() >= 0
    assert load(SPECS["pima"]).y.sum() == read_tables()["pima"].minority


@needs_wheel
def test_split_divides_rows_but_no_group_and_keeps_the_share_of_positives():
    rows = load(SPECS["haberman"])
    parts = [split(rows, fold)[1] for fold in range(FOLDS)]
    assert sum(len(part.y) for part in parts) == len(rows.y)
    assert {part.y.sum() for part in parts} <= {16, 17}
    for fold in range(FOLDS):
        train, test = split(rows, fold)
        assert not set(train.groups) & set(test.groups)
        assert len(train.y) + len(test.y) == len(rows.y)


def test_add_gaps_at_random_has_the_rate_in_every_second_column():
    frame = pd.DataFrame({name: np.arange(2000.0) for name in "abcd"})
    gaps = add_gaps(frame, by_value=False, seed=0).isna().mean()
    assert gaps["a"] == gaps["c"] == 0
    assert gaps[["b", "d"]].between(0.12, 0.18).all()  # 15 %, four standard deviations
    pd.testing.assert_frame_equal(
        add_gaps(frame, by_value=False, seed=0), frame.mask(add_gaps(frame, by_value=False, seed=0).isna())
    )


def test_add_gaps_by_value_follows_the_column_before():
    frame = pd.DataFrame({"a": np.arange(4000.0), "b": categories(*"xy" * 2000)})
    gaps = add_gaps(frame, by_value=True, seed=0)["b"].isna().to_numpy()
    assert gaps[:400].mean() < 0.05 < 0.22 < gaps[-400:].mean() < 0.35


# Figures


def test_column_distances_match_hand_computation():
    real = pd.DataFrame({"n": [1.0, 2, 3, np.nan], "c": categories("a", "a", "b", None)})
    synthetic = pd.DataFrame({"n": [1.0, 2, np.nan, np.nan], "c": categories("a", "b", "b", "b")})
    assert column_distances(real, synthetic).to_dict() == {"n": 0.25, "c": 0.5}
    assert column_distances(real, real).to_dict() == {"n": 0, "c": 0}
    assert column_distances(real, real.assign(n=9.0, c=categories(*"zzzz"))).to_dict() == {"n": 1, "c": 1}


def test_closest_record_matches_hand_computation():
    train = pd.DataFrame({"n": [0.0, 10.0], "c": categories("a", "b")})
    held_out = pd.DataFrame({"n": [5.0], "c": categories("a")})  # (0.5 + 0) / 2
    far = pd.DataFrame({"n": [np.nan], "c": categories("z")})  # (1 + 1) / 2
    near = pd.DataFrame({"n": [1.0], "c": categories("a")})  # (0.1 + 0) / 2
    assert closest_record(train, held_out, far) == pytest.approx(4)
    assert closest_record(train, held_out, near) == pytest.approx(0.2)
    assert closest_record(train, held_out, train) == 0
    assert np.isnan(closest_record(train, train, far))


def test_closest_record_takes_two_gaps_for_equal():
    train = pd.DataFrame({"n": [0.0, 10.0, np.nan]})
    assert closest_record(train, pd.DataFrame({"n": [2.0]}), pd.DataFrame({"n": [np.nan]})) == 0


@pytest.fixture(scope="module")
def fold():
    if not keel.PATH.exists():
        pytest.skip("the wheel with KEEL's tables was not fetched")
    return JudgedFold(*split(load(SPECS["haberman"]), 0))


JUDGE = {"n_estimators": 20, "max_depth": 3, "n_jobs": 1}


def test_figures_of_real_rows_are_those_of_a_perfect_copy(fold):
    figures = figures_of(fold, fold.train.positives, judge=JUDGE, seed=0)
    assert figures["tstr"] == figures["trtr"] > 0.3
    assert figures["column_distance"] == figures["correlation_difference"] == figures["closest_record"] == 0


def test_figures_of_negatives_in_place_of_positives_are_useless(fold):
    negatives = fold.train.X[fold.train.y == 0].sample(60, random_state=0).reset_index(drop=True)
    figures = figures_of(fold, negatives, judge=JUDGE, seed=0)
    assert figures["tstr"] < 0.8 * figures["trtr"]
    assert figures["column_distance"] > 0.05


# Generators of this project


@pytest.fixture
def labelled():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "large": rng.normal(0, 1e6, 200).round(),
            "small": rng.normal(0, 1e-2, 200).round(4),
            "shop": pd.Categorical(rng.choice(["a", "b"], 200)),
        }
    )
    X.loc[::7, "small"] = np.nan
    return LabelledRows(X, np.repeat([0, 1], [140, 60]), np.arange(200))


@pytest.mark.parametrize("name", ["smote", "jitter"])
def test_methods_draw_rows_in_the_columns_types_and_decimals_of_the_table(labelled, name):
    method = methods.METHODS[name]
    drawn = method.draw(labelled, 50, 0, method.settings, None).rows
    assert len(drawn) == 50 and drawn.dtypes.equals(labelled.X.dtypes)
    assert 0 < drawn["small"].isna().sum() < 25
    assert decimals_of(drawn["large"]) == 0 and decimals_of(drawn["small"]) == 4
    pd.testing.assert_frame_equal(drawn, method.draw(labelled, 50, 0, method.settings, None).rows)


def test_smote_interpolates_neighbours_whatever_the_units_of_a_column():
    """Two groups of positives that only the column of small numbers tells apart."""
    rng = np.random.default_rng(0)
    small = np.repeat([0.0, 0.01], 30) + rng.normal(0, 1e-4, 60)
    positives = pd.DataFrame({"large": rng.normal(0, 1e6, 60), "small": small})
    negatives = pd.DataFrame({"large": rng.normal(0, 1e6, 60), "small": rng.uniform(0, 0.01, 60)})
    rows = LabelledRows(pd.concat([negatives, positives], ignore_index=True), np.repeat([0, 1], 60), np.arange(120))
    drawn = methods.METHODS["smote"].draw(rows, 200, 0, {"k_neighbors": 5}, None).rows
    assert not drawn["small"].between(0.002, 0.008).any()


# Results and the page

OURS = page.OURS
TASK = TableTask(SPECS["pima"], 0, "cgan", {}, "numpy 2", {}, 0, [1, 1])


def result(method, fold, tstr, *, table="pima", seconds=2.0, trtr=0.8, error=None):
    figures = {"tstr": tstr, "trtr": trtr, "column_distance": 0.1, "correlation_difference": 0.1}
    figures |= {"closest_record": 1.0, "quality": 0.9}
    task = replace(TASK, table=SPECS[table], method=method, fold=fold)
    return Row(task, TableResult(9, seconds, seconds, {} if error else figures, error), MACHINE)


def test_by_table_divides_the_mean_over_folds_by_the_mean():
    frame = page.cells([result(OURS, 0, 0.4, trtr=0.5), result(OURS, 1, 0.8, trtr=1.0)])
    assert page.by_table(frame)["usefulness"].tolist() == [pytest.approx(1.2 / 1.5)]


def test_paired_takes_folds_that_both_have_and_no_errors():
    rows = [result(OURS, 0, 0.8), result(OURS, 1, 0.1), result("arf", 0, 0.4), result("arf", 1, 0, error="failed")]
    pairs = page.paired(page.cells(rows), "arf")
    assert pairs.loc[("numeric", "pima")].to_dict() == {"arf": 0.5, OURS: 1.0}
    assert page.paired(page.cells(rows), "tvae").empty


def test_goal_lines_name_the_tables_where_the_cgan_is_behind():
    rows = [result(OURS, 0, 0.8), result(OURS, 0, 0.4, table="haberman"), result(OURS, 0, 0.8, table="sonar")]
    rows += [result("arf", 0, tstr, table=table) for tstr, table in ((0.8, "pima"), (0.6, "haberman"), (0.8, "sonar"))]
    lines = page.goal_lines(page.cells(rows))
    (arf,) = (line for line in lines if "Adversarial" in line)
    assert arf.startswith("met: TSTR / TRTR at least that of Adversarial") and arf.endswith("haberman (0.250)")
    assert "1.000 against 1.000 (medians of 3 tables)" in arf
    assert "not measured: ForestDiffusion" in lines


@pytest.mark.parametrize(("ours", "verdict"), [(0.7921, "met"), (0.79, "NOT met")])
def test_goal_lines_allow_a_margin_to_smote_only(ours, verdict):
    rows = [result(OURS, 0, ours), result("smote", 0, 0.8), result("tvae", 0, 0.8)]
    lines = page.goal_lines(page.cells(rows))
    (smote,) = (line for line in lines if "SMOTE" in line)
    (tvae,) = (line for line in lines if "TVAE" in line)
    assert smote.split(":")[0] == verdict and tvae.split(":")[0] == "NOT met"


def test_fit_ratio_is_the_median_of_pairs():
    rows = [result(OURS, fold, 0.8, seconds=seconds) for fold, seconds in enumerate([1.0, 4.0, 9.0])]
    rows += [result("ctgan", fold, 0.8, seconds=2.0) for fold in range(3)]
    assert page.fit_ratio(page.cells(rows), "ctgan") == 2
    assert np.isnan(page.fit_ratio(page.cells(rows[:3]), "ctgan"))


def test_page_lines_show_both_kinds_of_tables_and_every_error():
    rows = [result(OURS, 0, 0.8), result("cgan", 0, 0.4, table="german"), result("arf", 0, 0, error="ValueError: no")]
    text = "\n".join(page.page_lines(rows, 4))
    assert "## Tables: numeric" in text and "## Tables: mixed" in text
    assert "Unfinished: 3 of 4 results" in text and "Unfinished" not in "\n".join(page.page_lines(rows, 3))
    assert "- pima, fold 0, Adversarial random forest: ValueError: no" in text
    of_errors = "\n".join(page.page_lines(rows[2:], 4))
    assert "- pima, fold 0, Adversarial random forest: ValueError: no" in of_errors and "## Tables" not in of_errors


# A run


class HereExecutor:
    """Runs in this process, without the packages of the other generators."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def submit(self, function, *arguments):
        future = Future()
        if function is peer_worker.quality:
            future.set_result(0.5)
        else:
            future.set_exception(ValueError("too few rows"))
        return future


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(on_tables, "start_worker", HereExecutor)
    monkeypatch.setattr(on_tables, "limit_threads", lambda n_threads: None)
    monkeypatch.setattr(on_tables, "JUDGE", JUDGE)
    monkeypatch.setattr(on_tables, "SPECS", {"haberman": SPECS["haberman"]})
    return tmp_path / "results.jsonl"


@needs_wheel
def test_run_continues_where_it_ended_and_records_errors(results, monkeypatch):
    monkeypatch.setattr(on_tables, "library_version", lambda package: "1.0")  # the peers need not be installed
    tasks = on_tables.all_tasks(("numeric",), 1, ["jitter", "arf"])
    on_tables.run(tasks[:1], results)
    (first,) = on_tables.read(results)
    on_tables.run(tasks, results)
    before = results.read_bytes()
    on_tables.run(tasks, results)
    assert results.read_bytes() == before
    jitter, arf = on_tables.read(results)
    assert jitter == first and jitter.result.n_drawn == 65 and jitter.result.figures["quality"] == 0.5
    assert 0.7 < jitter.result.figures["tstr"] / jitter.result.figures["trtr"] < 1.4
    assert arf.result.error == "ValueError: too few rows" and arf.result.figures == {}
    ledger.remove(results, {jitter.key})
    assert on_tables.read(results) == [arf]


@needs_wheel
@pytest.mark.parametrize("broken", [{"settings": {"noise": "much"}}, {"judge": {"booster": "nothing"}}], ids=str)
def test_run_records_no_error_of_this_project_as_one_of_a_generator(results, broken):
    (task,) = on_tables.all_tasks(("numeric",), 1, ["jitter"])
    with pytest.raises(ValueError, match=r"much|nothing"):
        on_tables.run([replace(task, **broken)], results)
    assert on_tables.read(results) == []
    on_tables.run([task], results)
    assert [row.result.error for row in on_tables.read(results)] == [None]


@needs_wheel
@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.ENOSPC, "No space left on device")], ids=str)
def test_run_records_no_failure_of_the_machine_as_one_of_a_generator(results, monkeypatch, error):
    monkeypatch.setattr(on_tables, "library_version", lambda package: "1.0")
    future = Future()
    future.set_exception(error)
    monkeypatch.setattr(HereExecutor, "submit", lambda *_: future)
    with pytest.raises(type(error)):
        on_tables.run(on_tables.all_tasks(("numeric",), 1, ["arf"]), results)
    assert on_tables.read(results) == []


@pytest.mark.parametrize("options", [["--tables", "mixed"], ["--tables=mixed"]], ids=str)
def test_the_command_takes_tables_in_either_spelling(options, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["generators", *options])
    monkeypatch.setattr(on_tables, "measure_missing", lambda options: None)
    reported = []
    monkeypatch.setattr(on_tables, "report", reported.append)
    generators_main.main()
    assert reported == [on_tables.RESULTS]


@pytest.mark.parametrize("error", [LedgerError("line 2"), DataError("no wheel"), BrokenProcessPool()], ids=repr)
def test_the_command_ends_with_a_sentence(monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(on_tables, "measure_missing", fail)
    with pytest.raises(SystemExit, match=str(error) or "was ended from outside"):
        on_tables.main(["--tables", "mixed"])


def test_all_tasks_start_with_the_first_fold_of_every_table():
    tasks = on_tables.all_tasks(("mixed", "numeric"), 2, ["cgan", "smote"])
    assert [task.fold for task in tasks] == [0] * 2 * len(SPECS) + [1] * 2 * len(SPECS)
    assert len({task.key for task in tasks}) == len(tasks)
    assert {task.table.kind for task in on_tables.all_tasks(("mixed",), 1, ["cgan"])} == {"mixed"}


def test_key_changes_with_whatever_changes_the_result():
    changes = ({"fold": 1}, {"method": "arf"}, {"settings": {"a": 1}}, {"library": "x"}, {"judge": {"a": 1}})
    changes += ({"seed": 1}, {"revision": [2, 1]}, {"table": replace(TASK.table, gaps="at random")})
    changes += ({"judge_library": "xgboost 0.1"}, {"wheel": "0" * 12})
    assert len({replace(TASK, **change).key for change in ({}, *changes)}) == 11


def test_tasks_name_the_library_of_the_judge_and_the_wheel_of_the_tables(monkeypatch):
    monkeypatch.setattr(on_tables, "minor_version", "{} 9.9".format)
    monkeypatch.setattr(on_tables.keel, "WHEEL", replace(keel.WHEEL, sha256="ab" * 32))
    (task, *_) = on_tables.all_tasks(("numeric",), 1, ["jitter"])
    assert (task.judge_library, task.wheel) == ("xgboost 9.9", "ab" * 6)


def test_committed_results_keep_their_keys():
    """A field that is added with what they were measured with as its default changes none."""
    assert {(row.task.judge_library, row.task.wheel) for row in on_tables.read()} == {("xgboost 3.2", "79faf1bd2f3a")}
    assert {row.provenance.versions["xgboost"][:3] for row in on_tables.read()} == {"3.2"}


def test_read_gives_committed_results_to_the_byte():
    assert b"".join(map(ledger.line_of, on_tables.read())) == on_tables.RESULTS.read_bytes()


def test_report_writes_the_committed_page(tmp_path, capsys):
    path = tmp_path / "results.jsonl"
    path.write_bytes(on_tables.RESULTS.read_bytes())
    on_tables.report(path)
    assert path.with_suffix(".md").read_text() == on_tables.RESULTS.with_suffix(".md").read_text()


@pytest.mark.parametrize("arguments", [[], ["--tables", "verdict"], ["--tables", "design", "--only", "nothing"]])
def test_parse_arguments_refuses_what_it_does_not_know(arguments, capsys):
    with pytest.raises(SystemExit):
        on_tables.parse_arguments(arguments)
    assert "--tables" in capsys.readouterr().err


def test_main_names_the_packages_that_are_missing(monkeypatch):
    monkeypatch.setattr(optional, "find_spec", lambda name: None if name == "arfpy" else name)
    with pytest.raises(SystemExit, match=r"needs arfpy, which .*install with .* --group peers"):
        on_tables.main(["--tables", "design"])


# Generators of other projects, where they are installed


def test_forest_diffusion_tells_columns_1_and_11_apart():
    pytest.importorskip("ForestDiffusion")
    from benchmarks.generators.forest_diffusion import draw_from, fit_forest_diffusion

    rng = np.random.default_rng(0)
    rows = pd.DataFrame({f"c{number}": rng.choice(list("xyz"), 60) for number in range(12)})
    rows["c11"] = rows["c1"].map({"x": "p", "y": "q", "z": "r"})
    settings = {"n_t": 8, "duplicate_K": 4, "n_estimators": 4, "max_bin": 16}
    model = fit_forest_diffusion(rows, list(rows), [], 0, settings)
    drawn = draw_from(model, rows, list(rows), 200)
    assert set(drawn["c11"]) == {"p", "q", "r"} and set(drawn["c1"]) == {"x", "y", "z"}
    assert (drawn["c11"] == drawn["c1"].map({"x": "p", "y": "q", "z": "r"})).mean() > 0.8


@pytest.mark.parametrize(("model", "package"), [("ARF", "arfpy"), ("copula", "copulas")])
def test_fit_and_draw_gives_rows_of_the_fitted_columns(labelled, model, package):
    pytest.importorskip(package)
    pytest.importorskip("rdt")
    frame = PeerFrame(labelled.X.assign(few=np.arange(200.0) % 4))
    request = PeerRequest(model, {}, frame.encoded, frame.categories, frame.whole, frame.discrete, 300, 0)
    drawn = peer_worker.fit_and_draw(request)
    assert list(drawn.rows) == list(frame.encoded) and drawn.rows.notna().all(axis=None)
    assert set(drawn.rows["shop"]) == {"a", "b"} and drawn.fit_cpu_seconds > 0
    rates = frame.decode(drawn.rows)["small"].isna().mean(), labelled.X["small"].isna().mean()
    assert abs(rates[0] - rates[1]) < 0.08  # four standard deviations
    if model == "ARF":
        assert set(drawn.rows["few"].astype(float)) == {0, 1, 2, 3}
