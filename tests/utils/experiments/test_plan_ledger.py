"""What must hold of the plan's rows: checks of the committed ledger once it has some, and of rows that break them."""

import subprocess
from dataclasses import replace
from datetime import datetime
from functools import cache

import pytest

from tests import planned
from tests.rows import make_row
from utils.benchmark import ledger
from utils.benchmark.equal_search import fingerprint, model_settings
from utils.benchmark.records import Method, SearchPlan, SearchSpace
from utils.config import ROOT, Roles, load_profile
from utils.data.features.encoding import TableEncoder
from utils.data.identity import DatasetIdentity
from utils.data.tables import load_table, read_tables
from utils.experiments import many_tables
from utils.experiments.plan_cost import CREDITCARD, TABLES
from utils.models.registry import MODELS
from utils.plan_file import PATH, read_plan
from utils.samplers.registry import SAMPLERS

PLAN = read_plan()


@pytest.fixture(scope="module")
def rows():
    """Finished tasks of the plan in the committed ledger."""
    results = load_profile("full").results
    finished = [*ledger.read(results), *ledger.read(results / many_tables.FOLDER.name)]
    if not finished:
        pytest.skip("no task of the plan is finished")
    return finished


def part_of(row):
    return CREDITCARD if row.task.dataset.name == CREDITCARD else TABLES


def pair_of(row):
    return part_of(row), row.task.model.name, row.task.sampler.name


def unequal_searches(rows):
    """Pairs whose search has not the number of trials and the list of settings that the plan has for the model."""
    wrong = set()
    for row in rows:
        part, model, sampler = pair_of(row)
        if (search := row.task.search) is None or search == search.of_one_fit():
            continue  # fitted anew with equal classes
        own = PLAN.creditcard.network_trials if MODELS[model].deep else PLAN.creditcard.trials
        trials = PLAN.tables.trials if part == TABLES else own
        settings = fingerprint(model_settings(model, trials))
        found = search.trials, search.settings, search.margin, len(row.result.inner_scores)
        if found != (trials, settings, 0.0, trials):
            wrong.add((part, model, sampler))
    return wrong


def unplanned(rows):
    """Names of datasets, models and samplers that the plan does not have."""
    tables = {table.name for table in read_tables().values() if table.role == PLAN.tables.role}
    wrong = {row.task.dataset.name for row in rows} - tables - {CREDITCARD}
    for row in rows:
        part, model, sampler = pair_of(row)
        own = getattr(PLAN, part)
        wrong |= ({model} - set(own.models)) | ({sampler} - set(own.samplers))
    return wrong


def code_versions(rows):
    return {row.provenance.code for row in rows}


def unruled_fallbacks(rows):
    """Pairs with a fallback that is not the one of the sampler's entry."""
    return {
        pair_of(row)
        for row in rows
        if row.result.fallback and row.result.fallback.split(":")[0] != SAMPLERS[row.task.sampler.name].fallback
    }


@cache
def planned_tasks():
    """Part, dataset and task of everything that the plan runs."""
    parts = planned.planned_tasks(load_profile("full"))
    return [(part, name, task) for part, name, tasks in parts for task in tasks if part in (CREDITCARD, TABLES)]


def searched_pair(task):
    """Model and sampler of a task, with the ratios that its search tries."""
    ratios = task.search and tuple(task.search.space.sampler.get("ratio", ()))
    return task.model.name, task.sampler.name, ratios


def missing_pairs(rows, part):
    """Pairs of a part of the plan without a row, and those with some rows but not all."""
    done = {(row.task.dataset.name, *searched_pair(row.task), row.task.fold_id) for row in rows}
    missing, some = set(), set()
    for own, dataset, task in planned_tasks():
        if own == part:
            is_done = (dataset, *searched_pair(task), task.fold_id) in done
            (some if is_done else missing).add((part, task.model.name, task.sampler.name))
    return missing - some, missing & some


def is_cut_in_order(absent, part):
    """Whether the pairs of a part without a row are those that the first of the plan's cuts drop from it."""
    planned = {(own, task.model.name, task.sampler.name) for own, _, task in planned_tasks() if own == part}
    cuts = PLAN.drop_first
    dropped = [{pair for pair in planned if any(cut.drops(*pair) for cut in cuts[:n])} for n in range(len(cuts) + 1)]
    return absent in dropped


def test_ledger_has_the_same_settings_and_number_of_trials_for_every_sampler(rows):
    assert unequal_searches(rows) == set()


def test_ledger_has_nothing_outside_the_plan(rows):
    assert unplanned(rows) == set()


def test_ledger_was_made_by_one_version_of_the_code(rows):
    versions = code_versions(rows)
    assert len(versions) == 1 and None not in versions


def test_tables_of_the_plan_have_no_category_that_is_encoded_by_the_label():
    """So the ledger stands, though synthetic rows have been given cross-fitted shares since it was made."""
    for table in many_tables.tables_of(PLAN.tables.role):
        texts = load_table(table.name).select_dtypes(exclude="number")
        assert (texts.nunique() <= TableEncoder().max_one_hot).all(), table.name


def test_ledger_has_only_fallbacks_with_a_rule(rows):
    assert unruled_fallbacks(rows) == set()
    assert "fallback" in {rule.kind for rule in PLAN.rules}


@pytest.mark.parametrize("part", [CREDITCARD, TABLES])
def test_ledger_lacks_only_what_the_plan_drops_first(rows, part):
    if part not in {part_of(row) for row in rows}:
        pytest.skip("this part has not begun")
    absent, partly = missing_pairs(rows, part)
    if partly:
        pytest.skip(f"{len(partly)} pairs of this part are not finished")
    assert is_cut_in_order(absent, part)


def test_plan_was_committed_before_the_first_row(rows):
    command = ["git", "log", "-1", "--format=%aI", "--", str(PATH.relative_to(ROOT))]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode or not ended.stdout.strip():
        pytest.skip("the history is not here")
    first = min(datetime.fromisoformat(row.provenance.finished) for row in rows)
    assert datetime.fromisoformat(ended.stdout.strip()) < first


# The checks, on rows that keep the plan and on rows that break it


def planned_row(model="xgb", sampler="smote", dataset="abalone19", **changes):
    trials = PLAN.creditcard.trials if dataset == CREDITCARD else PLAN.tables.trials
    settings = fingerprint(model_settings(model, trials))
    return make_row(
        dataset=DatasetIdentity(dataset, "0", Roles()),
        model=Method(model, {}, "any 1", 1),
        sampler=Method(sampler, {"ratio": 5}, "any 1", 1),
        **{
            "search": SearchPlan(trials, 0.0, SearchSpace({}, {}), folds=2, settings=settings),
            "inner_scores": [0.5] * trials,
            "code": "1",
            **changes,
        },
    )


def test_unequal_searches_finds_other_trials_settings_and_margins():
    good = [planned_row(), planned_row(sampler="none"), planned_row(dataset=CREDITCARD), planned_row("rf")]
    assert unequal_searches([*good, planned_row("lr", search=None, inner_scores=[])]) == set()
    search = planned_row().task.search
    refitted = replace(search, folds=None, held_out=7).of_one_fit()
    assert unequal_searches([*good, planned_row("ann", dataset=CREDITCARD, search=refitted, inner_scores=[])]) == set()
    for changes in (
        {"search": replace(search, trials=9)},
        {"search": replace(search, settings="other")},
        {"search": replace(search, margin=0.01)},
        {"inner_scores": [0.5] * 7},
    ):
        assert unequal_searches([*good, planned_row(sampler="cgan", **changes)]) == {(TABLES, "xgb", "cgan")}


def test_unplanned_finds_other_tables_models_and_samplers():
    assert unplanned([planned_row(), planned_row(dataset=CREDITCARD), planned_row(sampler="arf")]) == set()
    design = next(table.name for table in read_tables().values() if table.role == "design")
    others = [planned_row(dataset=design), planned_row(sampler="adasyn"), planned_row("blend", dataset=CREDITCARD)]
    assert unplanned(others) == {design, "adasyn", "blend"}


def test_code_versions_and_fallbacks_are_read_from_the_rows():
    assert code_versions([planned_row(), planned_row(code="2"), planned_row(code=None)]) == {"1", "2", None}
    rows = [planned_row(fallback="ros: too few"), planned_row(sampler="rus", fallback="ros: too few")]
    assert unruled_fallbacks(rows) == {(TABLES, "xgb", "rus")}


def test_missing_pairs_are_dropped_in_the_order_of_the_plan():
    whole = [
        make_row(
            dataset=DatasetIdentity(dataset, "0", Roles()),
            model=task.model,
            sampler=task.sampler,
            repeat=task.repeat,
            fold=task.fold,
            search=task.search,
        )
        for _, dataset, task in planned_tasks()
    ]
    assert missing_pairs(whole, CREDITCARD) == missing_pairs(whole, TABLES) == (set(), set())
    assert is_cut_in_order(set(), CREDITCARD) and is_cut_in_order(set(), TABLES)
    first, second = [cut for cut in PLAN.drop_first if cut.part == CREDITCARD][:2]
    assert whole[0].task.dataset.name == CREDITCARD and missing_pairs(whole[1:], TABLES) == (set(), set())
    assert missing_pairs(whole[1:], CREDITCARD)[0] == set() and len(missing_pairs(whole[1:], CREDITCARD)[1]) == 1

    def absent_without(*cuts):
        rows = [row for row in whole if not any(cut.drops(*pair_of(row)) for cut in cuts)]
        absent, partly = missing_pairs(rows, CREDITCARD)
        assert not partly
        return absent

    for cuts in ((first,), (first, second)):
        assert is_cut_in_order(absent_without(*cuts), CREDITCARD)
    assert not is_cut_in_order(absent_without(second), CREDITCARD)
