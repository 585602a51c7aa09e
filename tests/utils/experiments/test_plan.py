"""The plan in print, and what it costs by the seconds of rows."""

from dataclasses import replace

import pytest

from tests.planned import planned_tasks
from tests.rows import make_row
from utils.benchmark import ledger
from utils.benchmark.records import Method, SearchPlan, SearchSpace
from utils.config import Roles, load_profile
from utils.data.identity import DatasetIdentity
from utils.experiments import plan, plan_cost
from utils.experiments.plan_cost import CREDITCARD, SEEDS, TABLES, Cost
from utils.plan_file import Cut, read_plan

SEARCH = SearchPlan(4, 0.0, SearchSpace({}, {}), folds=2, settings="a")
SMOTE = Method("smote", {"ratio": 5}, "any 1", 1)


def row(model: str, fold: int, seconds: float, dataset: str = CREDITCARD, search: SearchPlan | None = SEARCH):
    """A task of SMOTE that took so long, half of it in the search, after a fit of the sampler of 3 seconds."""
    parts = {"search_seconds": seconds / 2, "fit_seconds": seconds / 4, "score_seconds": seconds / 4}
    identity = DatasetIdentity(dataset, dataset, Roles())
    method = Method(model, {}, "any 1", 1)
    return make_row(
        model=method, sampler=SMOTE, fold=fold, dataset=identity, search=search, sampler_seconds=3.0, **parts
    )


def write(folder, *rows):
    for one in rows:
        ledger.append(folder / f"{one.task.dataset.name}.jsonl", one)


def test_measured_takes_the_median_of_a_kind_so_that_an_interrupted_task_costs_no_more(tmp_path):
    rows = [row("xgb", fold, seconds) for fold, seconds in enumerate((10, 12, 3600))]
    refitted = [row("xgb", fold, 2, search=None) for fold in range(3)]
    write(tmp_path, *rows, *refitted, row("lr", 0, 1))
    costs = {(cost.model, cost.sampler): cost for cost in plan_cost.measured(tmp_path)}
    assert costs["xgb", "smote"] == Cost(CREDITCARD, "xgb", "smote", 6, 3 * 12 + 3 * 2)
    assert costs["lr", "smote"].seconds == 1
    assert costs["fit", "smote"] == Cost(CREDITCARD, "fit", "smote", 0, 6 * 3.0)  # models of a fold share a fit


def test_measured_counts_the_fit_of_a_sampler_where_a_model_needs_one_and_apart_for_networks(tmp_path):
    held_out = SearchPlan(4, 0.0, SearchSpace({}, {}), held_out=7, settings="b")
    classical = [row(model, 0, 1) for model in ("lr", "rf")]
    unused = replace(classical[0], result=replace(classical[0].result, sampler_seconds=0.1))  # it adds no rows
    write(tmp_path, unused, classical[1], row("ann", 0, 1, search=held_out))
    costs = {(cost.model, cost.sampler): cost.seconds for cost in plan_cost.measured(tmp_path)}
    assert costs["fit", "smote"] == 3 + 3


def test_measured_counts_datasets_apart_and_reads_every_part(tmp_path):
    write(tmp_path / "tables", row("xgb", 0, 1, "small"), row("xgb", 0, 50, "large"))
    write(tmp_path / "seeds", row("xgb", 0, 7))
    seconds = {(cost.part, cost.model): cost.seconds for cost in plan_cost.measured(tmp_path)}
    assert seconds == {(TABLES, "xgb"): 51, (TABLES, "fit"): 6, (SEEDS, "xgb"): 7, (SEEDS, "fit"): 3}


def test_planned_tasks_are_those_of_the_plan():
    parts = list(planned_tasks(load_profile("full")))
    rules, creditcard, tables = read_plan().search, read_plan().creditcard, read_plan().tables
    assert [part for part, *_ in parts] == [CREDITCARD] + [TABLES] * tables.number + [SEEDS]
    n_searches = len(tables.samplers) + len(tables.equal_classes)
    assert {len(tasks) for *_, tasks in parts[1:-1]} == {rules.folds * len(tables.models) * n_searches}
    own = parts[0][-1]
    assert {task.model.name for task in own} == set(creditcard.models)
    assert len({task.key for task in own if task.search}) == sum(task.search is not None for task in own)


def test_main_prints_the_plan_and_its_cost(capsys, tmp_path):
    write(tmp_path, row("xgb", 0, 7200))
    plan.main(["--rows", str(tmp_path)])
    printed = capsys.readouterr().out
    for expected in ("16 settings for each pair", "blend", "letter-Z", "Total: 2.0", *read_plan().creditcard.samplers):
        assert expected in printed


def test_main_says_that_a_folder_has_no_rows(tmp_path):
    with pytest.raises(SystemExit, match="has no rows of the plan; name another folder with --rows"):
        plan.main(["--rows", str(tmp_path)])


@pytest.mark.parametrize("cores", [1, 2])
def test_cost_lines_sum_what_a_cut_saves(cores):
    costs = [
        Cost(CREDITCARD, "lr", "none", 10, 3600.0),
        Cost(TABLES, "lr", "none", 10, 7200.0),
        Cost(TABLES, "fit", "cgan", 0, 10_800.0),
    ]
    text = "\n".join(plan.cost_lines(costs, [Cut("the CGAN", TABLES, samplers=("cgan",))], cores=cores))
    assert f"Total: 6.0 hours of one core, {6 / cores:.1f} hours on {cores} cores." in text
    assert f"number 1: the CGAN; saves {3 / cores:.1f} hours on {cores} cores" in text
