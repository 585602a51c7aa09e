"""Other seeds: the planned pairs on the benchmark's folds, with the benchmark's lists of settings."""

from dataclasses import replace

import pandas as pd

from utils.benchmark import equal_classes, runner
from utils.benchmark.tasks import grid
from utils.config import Roles, load_profile
from utils.data.identity import DatasetIdentity
from utils.experiments import other_seeds
from utils.experiments.other_seeds import PLAN

UNREAD = DatasetIdentity("creditcard", "", Roles())
PLANNED = replace(load_profile("full"), seeds=PLAN.number)


def test_tasks_of_are_those_of_the_benchmark_but_for_the_seed():
    profile = PLANNED
    own = {"models": PLAN.models, "samplers": PLAN.samplers}
    usual = [*grid(profile, UNREAD, **own), *equal_classes.searched_tasks(profile, UNREAD, **own)]
    usual = [task for task in usual if task.repeat < PLAN.repeats]
    tasks = other_seeds.tasks_of(profile, UNREAD)
    assert len(tasks) == (PLAN.number - 1) * len(usual) == 2 * 5 * 2 * (3 + 2)
    seeds = {task.fold_id: task.seed for task in usual}
    assert [replace(task, seed=seeds[task.fold_id]) for task in tasks] == 2 * usual


def test_tasks_of_share_a_seed_on_a_fold_and_only_there():
    tasks = other_seeds.tasks_of(load_profile("full"), UNREAD, seeds=[1, 2])
    by_fold = {(task.fold_id, task.seed) for task in tasks}
    assert len(by_fold) == 2 * 5 and len({seed for _, seed in by_fold}) == 10
    assert len({task.key for task in tasks}) == len(tasks)


def test_groups_have_one_seed_each_whatever_is_missing():
    """Tasks of a group share inner folds and what the sampler draws, which the seed decides."""
    tasks = other_seeds.tasks_of(PLANNED, UNREAD)
    groups = runner.missing_batch(PLANNED, tasks, known=()).groups
    assert len(groups) == 2 * 5 * len(PLAN.samplers) and sum(map(len, groups)) == len(tasks)
    assert all(len({task.seed for task in group}) == 1 for group in groups)


def test_results_join_the_seeds_on_the_folds_that_they_share(monkeypatch):
    profile = PLANNED
    rows = [{"model": "rf", "sampler": "smote", "repeat": repeat, "search": "a search"} for repeat in (0, 1)]
    rows.append({"model": "lr", "sampler": "smote", "repeat": 0, "search": "a search"})
    rows.append({"model": "rf", "sampler": "smote", "repeat": 0, "search": None})
    tasks = other_seeds.tasks_of(profile, UNREAD)
    others = pd.DataFrame({"key": [task.key for task in tasks], "seed": [task.seed for task in tasks]})
    monkeypatch.setattr(other_seeds, "identify", lambda _: UNREAD)
    monkeypatch.setattr(other_seeds, "run", lambda _, **__: others)
    monkeypatch.setattr(equal_classes, "label_ratios", lambda table: table)
    table = other_seeds.results(profile, pd.DataFrame(rows))
    assert table["seed_number"].value_counts().to_dict() == {0: 1, 1: 50, 2: 50}
    first = table[table["seed_number"] == 1]
    assert first["seed"].tolist() == [task.seed for task in other_seeds.tasks_of(profile, UNREAD, [1])]


def test_results_of_a_profile_with_one_seed_are_those_of_the_benchmark():
    rows = [{"model": "rf", "sampler": "cgan", "repeat": repeat, "search": "a search"} for repeat in (0, 1)]
    table = other_seeds.results(replace(PLANNED, seeds=1), pd.DataFrame(rows))
    assert table[["repeat", "seed_number"]].to_numpy().tolist() == [[0, 0]]
