"""The benchmark over many tables, on two small ones whose results decide nothing."""

from dataclasses import replace

import pandas as pd
import pytest

from utils.benchmark.equal_classes import EQUAL
from utils.benchmark.run_task import all_folds, load_dataset
from utils.config import load_profile
from utils.data.tables import read_tables
from utils.experiments import many_tables
from utils.plan_file import read_plan

TABLES = [read_tables()[name] for name in ("haberman", "car-good")]  # numbers alone, and categories alone


@pytest.fixture(scope="module", autouse=True)
def own_files(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setattr(many_tables, "FOLDER", tmp_path_factory.mktemp("many") / "tables")
    small = replace(many_tables.PLAN.tables, trials=2, samplers=("none", "rus"), models=("lr",), equal_classes=("rus",))
    patch.setattr(many_tables, "PLAN", replace(many_tables.PLAN, tables=small))
    yield
    patch.undo()


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    return replace(load_profile("full"), results=tmp_path_factory.mktemp("results"))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_dataset_of_has_the_rows_and_the_rarer_class_of_the_table(table):
    dataset = load_dataset(many_tables.dataset_of(table))
    assert len(dataset.y) == table.rows and dataset.y.sum() == table.minority
    assert dataset.X.shape[1] == table.numbers + table.categories
    assert dataset.config.is_mixed == (table.categories > 0)


def test_dataset_of_writes_a_file_again_that_is_not_the_assigned_table():
    path, (table, _) = many_tables.FOLDER / "haberman.csv", TABLES
    many_tables.dataset_of(table)
    content, written = path.read_bytes(), path.stat().st_mtime_ns
    many_tables.dataset_of(table)
    assert path.stat().st_mtime_ns == written
    many_tables.dataset_of(replace(table, positive="another"))  # with which no row is of the rarer class
    assert pd.read_csv(path)["class"].sum() == 0
    many_tables.dataset_of(table)
    assert path.read_bytes() == content and pd.read_csv(path)["class"].sum() == table.minority


def test_folds_of_a_table_divide_all_of_its_rows(profile):
    own = many_tables.profile_of(TABLES[0], profile)
    folds = all_folds(own.dataset, own.protocol, own.n_repeats)
    assert list(folds) == list(many_tables.FOLDS)
    tested = pd.Index([row for fold in folds.values() for row in fold.test])
    assert tested.is_unique and len(tested) == TABLES[0].rows


def test_run_measures_every_pair_on_every_fold_and_nothing_twice(profile, monkeypatch):
    table = many_tables.run(profile, TABLES, n_jobs=1)
    assert len(table) == 2 * 5 * 3 and table["key"].is_unique
    names = table["dataset"].map(lambda dataset: dataset.name)
    assert table["n_rows"].groupby(names, sort=False).sum().tolist() == [3 * each.rows for each in TABLES]
    assert table["search"].map(lambda search: search.trials).eq(2).all()
    ratios = [search.space.sampler.get("ratio") for search in table["search"]]
    assert ratios.count(["balanced"]) == ratios.count(None) == 10
    balanced = table[table["ratio"] == EQUAL]
    assert len(balanced) == 10
    assert (balanced["n_fit"] == 2 * balanced["n_fit_positives"]).all()
    files = sorted(path.name for path in (profile.results / "tables").iterdir() if path.is_file())
    assert files == ["car-good.jsonl.gz", "haberman.jsonl.gz"]
    monkeypatch.setattr(many_tables, "run_batches", lambda *_, **__: pytest.fail("a finished task was run again"))
    assert many_tables.run(profile, TABLES)["key"].tolist() == table["key"].tolist()


def test_main_names_a_table_that_is_not_assigned(monkeypatch):
    monkeypatch.setattr("sys.argv", ["many_tables", "--tables", "habermann"])
    with pytest.raises(SystemExit, match="No table 'habermann' of the role verdict"):
        many_tables.main()


def test_sized_takes_from_the_plan_what_the_profile_has():
    quick, following = many_tables.sized(load_profile("quick")), many_tables.sized(load_profile("full"))
    assert following.folds == many_tables.FOLDS and quick.folds == ((0, 0),)
    assert (quick.search.trials, quick.search.equal, quick.search.margin) == (2, True, 0.0)
    assert following.samplers == many_tables.PLAN.tables.samplers
    assert set(quick.samplers) <= set(load_profile("quick").samplers)


def test_tables_of_the_quick_profile_are_for_verdicts_and_of_both_kinds():
    first, second = many_tables.tables_of("verdict", load_profile("quick").tables)
    assert (first.categories > 0) != (second.categories > 0)


def test_families_hold_every_table_of_the_plan_and_the_data_beside_them():
    families, plan = many_tables.families(), read_plan().tables
    assert len(families) == plan.number + len(plan.beside)
    assert len(set(families.values())) == plan.families + len(plan.beside)
    assert families["creditcard"] == "creditcard"


def test_missing_batches_are_of_the_tables_that_lack_tasks(profile, monkeypatch, tmp_path):
    empty = replace(profile, results=tmp_path, tables=("haberman", "car-good"))
    monkeypatch.setattr(many_tables, "tables_of", lambda _, names: [read_tables()[name] for name in names])
    (batch, other) = many_tables.missing_batches(empty)
    assert (batch.path.name, other.path.name) == ("haberman.jsonl", "car-good.jsonl")
    assert len(batch.weights) == len(other.weights) == 15
    many_tables.run(empty, TABLES[:1], n_jobs=1)
    (batch,) = many_tables.missing_batches(empty)
    assert batch.path.name == "car-good.jsonl"


def test_traits_count_what_the_folds_divide(profile):
    traits = many_tables.traits(profile)
    assert set(traits.index) == set(many_tables.families())
    assert set(many_tables.traits(load_profile("quick")).index) == set(load_profile("quick").tables)
    assert traits.loc["creditcard", ["rows", "minority", "columns"]].tolist() == [226_980, 399, 31]
    yeast = read_tables()["yeast3"]
    assert traits.loc["yeast3", "imbalance"] == pytest.approx(yeast.imbalance)
    assert traits.loc["yeast3", "columns"] == yeast.numbers + yeast.categories


def test_results_stand_beside_those_of_the_credit_card_data(profile, monkeypatch):
    def run_beside(own, *, samplers, models, n_jobs):
        assert (own, samplers, models) == (named, ("none", "rus"), ("lr",))
        return many_tables.run(profile, TABLES[:1], n_jobs=n_jobs)

    named = replace(profile, tables=("car-good",))
    monkeypatch.setattr(many_tables, "tables_of", lambda _, names: [read_tables()[name] for name in names])
    monkeypatch.setattr(many_tables.runner, "run_equal", run_beside)
    rows = many_tables.results(named, n_jobs=1)
    assert rows["dataset"].value_counts().to_dict() == {"car-good": 15, "haberman": 15}
    otherwise = replace(named, search=replace(named.search, equal=False))
    assert set(many_tables.results(otherwise, n_jobs=1)["dataset"]) == {"car-good"}
    assert {"ratio", "average_precision", "search", "chosen"} <= set(rows)
