"""What the plan costs: known seconds give known costs."""

from dataclasses import replace

import pandas as pd
import pytest

from tests.rows import SPLIT, make_row, make_task
from utils.benchmark import ledger
from utils.benchmark.records import Method, SearchPlan, SearchSpace
from utils.config import Roles, load_profile
from utils.data.identity import DatasetIdentity
from utils.experiments import plan, plan_cost
from utils.experiments.plan_cost import CREDITCARD, FULL, GENERATORS, OWN, SEEDS, TABLES, Cost, Data, Ledgers
from utils.plan_file import Cut, read_plan

SEARCH = SearchPlan(4, 0.0, SearchSpace({}, {}), folds=2, settings="a")
XGB, ANN = Method("xgb", {}, "xgboost 3", 1), Method("ann", {}, "tensorflow 2", 1)
NONE, SMOTE, CGAN = (Method(name, {"ratio": 5}, "any 1", 1) for name in ("none", "smote", "cgan"))
SECONDS = {"sampler_seconds": 3.0, "search_seconds": 100.0, "fit_seconds": 2.0, "score_seconds": 0.5}
FULL_ROWS = [
    make_row(model=Method("lr", {}, "scikit-learn 1", 1), sampler=NONE, fold=fold, **SECONDS) for fold in range(5)
]
FULL_ROWS += [make_row(model=model, sampler=sampler, **SECONDS) for model in (XGB, ANN) for sampler in (NONE, CGAN)]
DATA = Data(CREDITCARD, CREDITCARD, 100)  # as many as the five folds of 20 test rows above


@pytest.fixture
def ledgers():
    return Ledgers(ledger.frame(FULL_ROWS), pd.DataFrame(), {"cgan": 7.0})


def test_pair_costs_scale_the_full_study_by_fits_and_scorings(ledgers):
    """4 settings are fitted to two halves (1 s each), the best to all rows (2 s); 1 + 4 x 4 scorings take 0.5 s."""
    searched = make_task(model=XGB, sampler=NONE, search=SEARCH)
    costs = list(plan_cost.pair_costs(DATA, [searched, replace(searched, fold=1)], ledgers))
    assert costs == [Cost(CREDITCARD, "xgb", "none", 2, 2 * (4 * 2 * 1 + 2 + 17 * 0.5), FULL)]
    fitted = list(plan_cost.pair_costs(DATA, [replace(searched, search=None)], ledgers))
    assert fitted[0].seconds == 2 + 0.5
    half = list(plan_cost.pair_costs(replace(DATA, n_rows=50), [searched], ledgers))
    assert half[0].seconds == costs[0].seconds / 4


def test_pair_costs_of_a_network_have_one_fit_for_each_setting(ledgers):
    search = replace(SEARCH, folds=None, held_out=7)
    costs = list(plan_cost.pair_costs(DATA, [make_task(model=ANN, sampler=NONE, search=search)], ledgers))
    assert costs[0].seconds == 4 * (2 + 0.5)


def test_pair_costs_take_finished_rows_of_the_nearest_table(ledgers):
    rows = []
    for name, n_rows, seconds in (("small", 20, 1.0), ("large", 2000, 50.0)):
        identity = DatasetIdentity(name, name, Roles())
        changes = {"dataset": identity, "n_rows": n_rows, "search": SEARCH, "search_seconds": seconds}
        rows.append(make_row(model=XGB, sampler=NONE, fit_seconds=0.25, score_seconds=0.25, **changes))
    own = plan_cost.with_rows(ledger.frame(rows))
    assert own["data_rows"].tolist() == [SPLIT.n_splits * 20, SPLIT.n_splits * 2000]
    measured = replace(ledgers, own=own)
    task = make_task(model=XGB, sampler=NONE, search=SEARCH)
    for n_rows, expected in ((150, 1.5), (8000, 50.5)):
        cost = next(plan_cost.pair_costs(Data(TABLES, "new", n_rows), [task], measured))
        assert (cost.seconds, cost.source) == (expected, OWN)
    other = next(plan_cost.pair_costs(Data(TABLES, "new", 150), [replace(task, sampler=SMOTE)], measured))
    assert other.source == FULL


def test_sampler_costs_count_one_fit_of_a_generator_for_all_ratios(ledgers):
    """On all rows, on two inner folds, without a network's held-out rows, and anew with equal classes."""
    classical = make_task(model=XGB, sampler=CGAN, search=SEARCH)
    network = make_task(model=ANN, sampler=CGAN, search=replace(SEARCH, folds=None, held_out=7))
    for tasks, n_fits in (
        ([classical], 3),
        ([classical, network], 4),
        ([classical, network, replace(classical, search=None)], 5),
    ):
        cost = next(plan_cost.sampler_costs(DATA, tasks, ledgers))
        assert (cost.seconds, cost.source) == (n_fits * 3.0, FULL)
    arf = make_task(model=XGB, sampler=replace(CGAN, name="arf"), search=SEARCH)
    fitted = replace(ledgers, generators={"arf": 1.0})
    by_arf = next(plan_cost.sampler_costs(replace(DATA, n_rows=2000), [arf], fitted))
    assert by_arf.seconds == pytest.approx(3 * (1 + plan_cost.STARTED + 2 * plan_cost.DRAWN["arf"]))
    on_table = next(plan_cost.sampler_costs(Data(TABLES, "new", 10), [classical], ledgers))
    assert (on_table.seconds, on_table.source) == (3 * 7.0, GENERATORS)


def test_sampler_costs_leave_out_inner_fits_that_finished_searches_have_counted(ledgers):
    row = make_row(dataset=DatasetIdentity("old", "0", Roles()), model=XGB, sampler=CGAN, search=SEARCH, **SECONDS)
    measured = replace(ledgers, own=plan_cost.with_rows(ledger.frame([row])))
    task = make_task(model=XGB, sampler=CGAN, search=SEARCH)
    cost = next(plan_cost.sampler_costs(Data(TABLES, "new", 10), [task], measured))
    assert (cost.seconds, cost.source) == (3.0, OWN)


def test_sampler_costs_count_a_fit_for_each_ratio_of_another_sampler(ledgers):
    rows = [*FULL_ROWS, make_row(model=XGB, sampler=SMOTE, **SECONDS)]
    tasks = [make_task(model=XGB, sampler=SMOTE, search=SEARCH, fold=fold) for fold in (0, 1)]
    cost = next(plan_cost.sampler_costs(DATA, tasks, replace(ledgers, full=ledger.frame(rows))))
    assert cost.seconds == 2 * (1 + 2 * 4) * 3.0  # the ratio that changes nothing needs no fit


def test_planned_tasks_are_those_of_the_plan():
    parts = list(plan_cost.planned(load_profile("next"), 1000))
    rules, creditcard, tables = read_plan().search, read_plan().creditcard, read_plan().tables
    assert [data.part for data, _ in parts] == [CREDITCARD] + [TABLES] * tables.number + [SEEDS]
    n_searches = len(tables.samplers) + len(tables.equal_classes)
    assert {len(tasks) for _, tasks in parts[1:-1]} == {rules.folds * len(tables.models) * n_searches}
    own = parts[0][1]
    assert {task.model.name for task in own} == set(creditcard.models)
    assert len({task.key for task in own if task.search}) == sum(task.search is not None for task in own)


def test_main_prints_the_plan_and_its_cost(capsys, tmp_path):
    plan.main(["--rows", str(tmp_path)])
    printed = capsys.readouterr().out
    for expected in ("16 settings for each pair", "blend", "letter-Z", "Total:", *read_plan().creditcard.samplers):
        assert expected in printed


def test_cost_lines_sum_what_a_cut_saves():
    costs = [
        Cost(CREDITCARD, "lr", "none", 10, 3600.0, FULL),
        Cost(TABLES, "lr", "none", 10, 7200.0, FULL),
        Cost(TABLES, "fit", "cgan", 0, 10_800.0, GENERATORS),
    ]
    text = "\n".join(plan.cost_lines(costs, [Cut("the CGAN", TABLES, samplers=("cgan",))], cores=2))
    assert "Total: 6.0 hours of one core, 3.0 hours on 2 cores." in text
    assert "number 1: the CGAN; saves 1.5 hours on 2 cores" in text
