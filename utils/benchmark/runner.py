"""Runs tasks, in parallel and resumably, and fills the ledger.

python -m utils.benchmark.runner --profile quick --study creditcard
"""

from __future__ import annotations

import argparse
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import partial
from pathlib import Path

import pandas as pd

from utils.benchmark import equal_classes, ledger
from utils.benchmark.errors import exit_with_a_sentence
from utils.benchmark.executors import Batch, add_jobs_argument, run_batches
from utils.benchmark.records import FoldResult, Row, Task
from utils.benchmark.run_task import load_dataset, run_group
from utils.benchmark.tasks import cost, grid
from utils.config import ConfigError, Profile, load_profile
from utils.data.identity import identify
from utils.models.registry import MODELS
from utils.samplers.registry import SAMPLERS
from utils.study_file import CREDITCARD

logger = logging.getLogger(__name__)


def run(
    profile: Profile,
    *,
    samplers: Iterable[str] | None = None,
    models: Iterable[str] | None = None,
    tasks: list[Task] | None = None,
    refits: bool = False,
    n_jobs: int = -1,
) -> pd.DataFrame:
    """Make sure that the ledger holds every task of a grid, and return their rows.

    Finished tasks are not run again. Interrupting is safe: finished tasks are in the ledger.

    Parameters
    ----------
    profile : Profile
        How much to run and where the ledger is.
    samplers, models : iterable of str
        Names from the registries; all by default.
    tasks : list of Task, optional
        Run these instead of a grid of samplers and models.
    refits : bool
        Whether missing searches are followed by fits with equal classes; see `run_task.run_group`.
    n_jobs : int
        Processes on this machine; a Dask cluster uses all of its workers.

    Returns
    -------
    DataFrame
        One row per task, in the order of the tasks; see `ledger.frame`.
    """
    if tasks is None:
        tasks = grid(profile, load_dataset(profile.dataset).identity, samplers=samplers, models=models)
    rows = {row.key: row for row in ledger.read(profile.results)}
    batch = missing_batch(profile, tasks, rows, refits=refits)
    if batch:
        from utils.benchmark import tracking  # takes seconds to import; only needed when something runs

        tracking.require_store(profile)
        computed = run_batches([batch], n_jobs=n_jobs)[batch.path]
        log_computed(computed, profile)
        rows |= {row.key: row for row in computed}
    return ledger.frame(rows[task.key] for task in tasks)


def run_equal(
    profile: Profile,
    *,
    samplers: Iterable[str] | None = None,
    models: Iterable[str] | None = None,
    n_jobs: int = -1,
) -> pd.DataFrame:
    """Like `run`, for a profile with an equal search: the grid, and every sampler with equal classes beside it.

    The column `ratio` tells them apart; see `equal_classes.label_ratios`.
    """
    identity = load_dataset(profile.dataset).identity
    tasks = grid(profile, identity, samplers=samplers, models=models)
    tasks += equal_classes.searched_tasks(profile, identity, samplers=samplers, models=models)
    run(profile, tasks=tasks, refits=True, n_jobs=n_jobs)
    keys = {task.key for task in tasks}
    rows = [row for row in ledger.read(profile.results) if row.key in keys]
    table = run(profile, tasks=tasks + equal_classes.refitted_tasks(profile, rows), n_jobs=n_jobs)
    return equal_classes.label_ratios(table)


def ledger_of(profile: Profile) -> Path:
    """File to which the finished tasks of the profile's dataset are appended."""
    return profile.results / f"{profile.dataset.name}.jsonl"


def missing_batch(profile: Profile, tasks: list[Task], known: Collection[str], *, refits: bool = False) -> Batch | None:
    """Batch of the tasks whose keys are not known, with their refits if wanted; None if all keys are known."""
    missing = [task for task in tasks if task.key not in known]
    if not missing:
        return None
    groups = defaultdict(list)
    for task in missing:
        groups[task.fold_id, task.split, task.sampler.name, task.seed].append(task)
    work = partial(run_group, refits=True) if refits else run_group
    weights = {task.key: cost(task) for task in missing}
    return Batch(work, profile, list(groups.values()), ledger_of(profile), weights)


def log_computed(rows: Collection[Row[Task, FoldResult]], profile: Profile) -> None:
    """Log newly computed rows to MLflow, and warn about test rows that equal a synthetic row."""
    from utils.benchmark import tracking

    _warn_of_equal_rows(rows)
    tracking.log_computed(rows, profile)


def _warn_of_equal_rows(rows: Collection[Row[Task, FoldResult]]) -> None:
    """Warn about tasks in which a synthetic row has the values of a test row.

    This is likely for tables of categories and counts.
    """
    n_tasks = sum(row.result.n_equal_to_test > 0 for row in rows)
    if n_tasks:
        logger.warning(
            "In %d of %d tasks, test rows have the values of a synthetic row; their ledger rows count them "
            "(n_equal_to_test), and each model was fitted on its fold's training rows alone.",
            n_tasks,
            len(rows),
        )


def main() -> None:
    """Fill the ledger of a profile from the command line."""
    parser = argparse.ArgumentParser(description="Run the benchmark's missing tasks and fill the ledger.")
    parser.add_argument("--profile", default="quick", choices=("quick", "full"))
    parser.add_argument("--study", default=CREDITCARD.name, help="name or file of the study (default: %(default)s)")
    parser.add_argument("--samplers", nargs="+", choices=SAMPLERS)
    parser.add_argument("--models", nargs="+", choices=MODELS)
    add_jobs_argument(parser)
    options = parser.parse_args()
    with exit_with_a_sentence():
        profile = load_profile(options.profile, options.study)
        if not grid(profile, identify(profile.dataset), samplers=options.samplers, models=options.models):
            raise ConfigError("None of these models is run with any of these samplers; name others.")
        compute = run_equal if profile.search.equal else run
        table = compute(profile, samplers=options.samplers, models=options.models, n_jobs=options.jobs)
    index = ["sampler", "ratio"] if profile.search.equal else ["sampler"]
    scores = table.pivot_table(index=index, columns="model", values="average_precision", sort=False)
    print(f"{len(table)} tasks in the ledger. Mean average precision:\n{scores.round(3).to_string()}")


if __name__ == "__main__":
    main()
