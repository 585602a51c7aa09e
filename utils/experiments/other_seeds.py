"""The whole search of a few pairs with other seeds: how much of a difference is chance of samplers and models.

python -m utils.experiments.other_seeds

Folds and lists of settings are those of the benchmark, as the plan says. The seed of a task decides what its sampler
draws, how its model is fitted, and the inner folds. The ledger is `seeds/` beside the benchmark's.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from utils.benchmark import equal_classes, ledger, runner
from utils.benchmark.errors import exit_with_a_sentence
from utils.benchmark.executors import Batch, add_jobs_argument
from utils.benchmark.records import Task
from utils.benchmark.tasks import grid
from utils.config import Profile, load_profile
from utils.data.identity import DatasetIdentity, identify
from utils.plan_file import read_plan
from utils.seeding import child_seed

FOLDER = "seeds"
PLAN = read_plan().seeds


def tasks_of(profile: Profile, dataset: DatasetIdentity, seeds: Iterable[int] | None = None) -> list[Task]:
    """The planned pairs on the first repeats of the folds, with a searched ratio and with equal classes.

    Parameters
    ----------
    profile : Profile
    dataset : DatasetIdentity
    seeds : iterable of int, optional
        Numbers of the seeds; by default all of the profile but 0, which is the benchmark's.
    """
    folds = tuple((repeat, fold) for repeat, fold in profile.folds if repeat < PLAN.repeats)
    own = replace(profile, folds=folds, models=PLAN.models, samplers=PLAN.samplers)
    tasks = [*grid(own, dataset), *equal_classes.searched_tasks(own, dataset)]
    numbers = _others(profile) if seeds is None else seeds
    return [replace(task, seed=child_seed(task.seed, "other", number)) for number in numbers for task in tasks]


def _others(profile: Profile) -> range:
    """Numbers of the seeds beside the benchmark's."""
    return range(1, profile.seeds)


def missing_batch(profile: Profile) -> Batch | None:
    """The tasks of other seeds that the ledger lacks; None if it has all."""
    own = _with_ledger(profile)
    known = {row.key for row in ledger.read(own.results)}
    return runner.missing_batch(own, tasks_of(profile, identify(profile.dataset)), known)


def _with_ledger(profile: Profile) -> Profile:
    return replace(profile, results=profile.results / FOLDER)


def run(profile: Profile, *, n_jobs: int = -1) -> pd.DataFrame:
    """Make sure that the ledger holds the tasks of every other seed, and return their rows; see `runner.run`."""
    tasks = tasks_of(profile, identify(profile.dataset))
    return runner.run(_with_ledger(profile), tasks=tasks, n_jobs=n_jobs)


def results(profile: Profile, table: pd.DataFrame, *, n_jobs: int = -1) -> pd.DataFrame:
    """Rows of all seeds, those of the benchmark among them.

    Parameters
    ----------
    profile : Profile
    table : DataFrame
        Rows of the benchmark with the column `ratio`; see `runner.run_equal`.
    n_jobs : int
        Processes on this machine.

    Returns
    -------
    DataFrame
        Columns as in `table`, and seed_number; 0 is the benchmark's. Rows without a search, such as a setting that is
        fitted anew with equal classes, have no other seed and are left out.
    """
    is_planned = table["model"].isin(PLAN.models) & table["sampler"].isin(PLAN.samplers) & table["search"].notna()
    frames = [table[is_planned & (table["repeat"] < PLAN.repeats)].assign(seed_number=0)]
    if not _others(profile):
        return frames[0]
    others = equal_classes.label_ratios(run(profile, n_jobs=n_jobs)).set_index("key")
    identity = identify(profile.dataset)
    for number in _others(profile):
        keys = [task.key for task in tasks_of(profile, identity, [number])]
        frames.append(others.loc[keys].reset_index().assign(seed_number=number))
    return pd.concat(frames, ignore_index=True)


def main() -> None:
    """Fill the ledger of the other seeds from the command line."""
    parser = argparse.ArgumentParser(description="Repeat the search of the planned pairs with other seeds.")
    add_jobs_argument(parser)
    options = parser.parse_args()
    with exit_with_a_sentence():
        profile = replace(load_profile("full"), seeds=PLAN.number)
        table = results(profile, runner.run_equal(profile), n_jobs=options.jobs)
    scores = table.groupby(["model", "sampler", "ratio", "seed_number"], sort=False)["average_precision"].mean()
    print(f"{len(table)} tasks. Mean average precision by seed:\n{scores.unstack().round(3).to_string()}")


if __name__ == "__main__":
    main()
