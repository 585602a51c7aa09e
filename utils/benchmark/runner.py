"""Runs tasks, in parallel and resumably, and fills the ledger.

python -m utils.benchmark.runner --profile quick
"""

from __future__ import annotations

import argparse
import logging
import math
import os
import warnings
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from joblib import Parallel, delayed, effective_n_jobs, parallel_config
from joblib.externals.loky import process_executor

from utils.benchmark import ledger
from utils.benchmark.errors import ClusterError, exit_with_a_sentence
from utils.benchmark.progress import Board, watching
from utils.benchmark.run_task import load_dataset, run_group
from utils.benchmark.tasks import Task, cost, grid, label
from utils.config import DatasetConfig, Profile, load_profile
from utils.models.registry import MODELS
from utils.samplers.registry import SAMPLERS

Work = Callable[..., list[dict[str, Any]]]
Call = tuple[Work, Profile, list[Task], Path]
Finished = tuple[Path, list[dict[str, Any]]]

CONNECT_SECONDS = 10  # to the Dask scheduler
logger = logging.getLogger(__name__)


def run(
    profile: Profile,
    *,
    samplers: Iterable[str] | None = None,
    models: Iterable[str] | None = None,
    n_jobs: int = -1,
) -> pd.DataFrame:
    """Make sure that the ledger holds every task of a grid, and return their rows.

    Finished tasks are not run again. Interrupting is safe: what is done is in the ledger.

    Parameters
    ----------
    profile : Profile
        How much to run and where the ledger is.
    samplers, models : iterable of str
        Names from the registries; all by default.
    n_jobs : int
        Processes on this machine; a Dask cluster uses every worker that it has.

    Returns
    -------
    DataFrame
        One row per task, in the order of the grid; see `ledger.frame`.
    """
    dataset = load_dataset(profile.dataset)
    tasks = grid(profile, dataset.identity, samplers=samplers, models=models)
    return run_tasks(profile, tasks, n_jobs=n_jobs)


def run_tasks(profile: Profile, tasks: list[Task], *, n_jobs: int = -1) -> pd.DataFrame:
    """Run what the ledger does not hold of `tasks`; see `run`."""
    rows = {row["key"]: row for row in ledger.read(profile.results)}
    if not rows.keys() >= {task["key"] for task in tasks}:
        from utils.benchmark import tracking  # takes seconds to import; only needed when something runs

        tracking.require_store(profile)
        batch = missing_batch(profile, tasks, rows)
        computed = run_groups(batch.work, profile, batch.groups, batch.path, batch.weights, n_jobs=n_jobs)
        log_computed(computed.values(), profile)
        rows |= computed
    return ledger.frame(rows[task["key"]] for task in tasks)


@dataclass(frozen=True)
class Batch:
    """Tasks that a ledger lacks.

    Attributes
    ----------
    work : callable
        Like `run_task.run_group`: appends a row to the ledger at `path` for every task of a group.
    profile : Profile
    groups : list of list of Task
        What one call of `work` runs.
    path : Path
        The ledger's file.
    weights : dict of str to float
        Expected seconds per task key, for the order of the groups and the progress bar.
    """

    work: Work
    profile: Profile
    groups: list[list[Task]]
    path: Path
    weights: dict[str, float]


def missing_batch(profile: Profile, tasks: list[Task], known: Collection[str]) -> Batch | None:
    """What is to be run of `tasks`; None if all of their keys are known."""
    missing = [task for task in tasks if task["key"] not in known]
    if not missing:
        return None
    path = profile.results / f"{profile.dataset.name}.jsonl"
    return Batch(run_group, profile, _groups(missing), path, {task["key"]: cost(task) for task in missing})


def log_computed(rows: Collection[dict[str, Any]], profile: Profile) -> None:
    """Give rows that were just computed their MLflow runs, and tell of test rows that equal a synthetic one."""
    from utils.benchmark import tracking

    _tell_equal_rows(rows)
    tracking.log_computed(rows, profile)


def _tell_equal_rows(rows: Collection[dict[str, Any]]) -> None:
    """Say in how many tasks a synthetic row has the values of a test row, which categories and counts make likely."""
    n_tasks = sum(row["n_equal_to_test"] > 0 for row in rows)
    if n_tasks:
        logger.warning(
            "In %d of %d tasks, test rows have the values of a synthetic row; their ledger rows count them "
            "(n_equal_to_test), and each model was fitted on its fold's training rows alone.",
            n_tasks,
            len(rows),
        )


def run_groups(
    work: Work,
    profile: Profile,
    groups: list[list[Task]],
    path: Path,
    weights: dict[str, float],
    *,
    n_jobs: int = -1,
) -> dict[str, dict[str, Any]]:
    """Run the groups of one batch in parallel; returns their rows by key. See `Batch` and `run`."""
    return run_batches([Batch(work, profile, groups, path, weights)], n_jobs=n_jobs)[path]


def run_batches(batches: list[Batch], *, n_jobs: int = -1) -> dict[Path, dict[str, dict[str, Any]]]:
    """Run several batches at once, so that no core waits for the last group of one of them.

    The longest group comes first, whatever its batch, and workers finish together.

    Returns
    -------
    dict of Path to dict
        Rows by key for every ledger file.
    """
    boards = [Board.beside(batch.path) for batch in batches]
    for board in boards:
        board.clear()
    calls = [
        (sum(batch.weights[task["key"]] for task in group), (batch.work, batch.profile, group, batch.path))
        for batch in batches
        for group in batch.groups
    ]
    calls = [call for _, call in sorted(calls, key=lambda weighted: -weighted[0])]
    address = os.environ.get("STUDY_DASK_SCHEDULER")
    backend = partial(_on_cluster, address) if address else partial(_on_this_machine, n_jobs)
    rows: dict[Path, dict[str, dict[str, Any]]] = {batch.path: {} for batch in batches}
    weights: dict[Path, dict[str, float]] = defaultdict(dict)
    for batch in batches:
        weights[batch.path] |= batch.weights
    results = closing(backend(calls))
    try:
        with warnings.catch_warnings(), watching(weights), results as finished:
            # joblib stops a worker that waits for minutes while others are busy, and wonders at it.
            warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given")
            for path, done in finished:
                for row in done:  # a worker on another machine wrote to a ledger of its own
                    ledger.append(path, row)
                    rows[path][row["key"]] = row
    finally:
        for board in boards:
            board.clear()
    return rows


def _groups(tasks: list[Task]) -> list[list[Task]]:
    """Tasks that share fold and sampler, the longest group first so that workers finish together."""
    groups = defaultdict(list)
    for task in tasks:
        groups[task["repeat"], task["fold"], task["sampler"]["name"]].append(task)
    return sorted(groups.values(), key=lambda group: -sum(map(cost, group)))


def _run_call(call: Call, n_jobs: int) -> Finished:
    """What a worker does: run one group, and say which ledger file its rows belong to."""
    work, profile, group, path = call
    n_repeats = 1 + max(repeat for repeat, _ in (*profile.folds, *profile.deep_folds))
    return path, work(profile, group, path, n_repeats, n_jobs)


def _on_this_machine(n_jobs: int, calls: list[Call]) -> Iterator[Finished]:
    """Rows of each group in the order in which processes finish them, with the cores divided among them."""
    n_workers = min(effective_n_jobs(n_jobs), len(calls))
    threads = max(1, effective_n_jobs(-1) // n_workers)
    with lasting_workers(threads):
        workers = Parallel(n_jobs=n_workers, return_as="generator_unordered", batch_size=1)
        yield from workers(delayed(_run_call)(call, threads) for call in calls)


def lasting_workers(threads: int = 1) -> AbstractContextManager:
    """Let processes that joblib starts meanwhile, each with so many threads, serve every call like this one."""
    return parallel_config(backend="loky", inner_max_num_threads=threads, initializer=_keep_worker)


def _keep_worker() -> None:
    """Let this worker stay, and not repeat what its caller says.

    Joblib takes what a worker imports, compiles and caches for a leak, and starts another one.
    """
    process_executor._MAX_MEMORY_LEAK_SIZE = math.inf
    logging.getLogger("utils.data.validation").setLevel(logging.ERROR)  # the caller has warned of the table


@contextmanager
def starting_workers(config: DatasetConfig) -> Iterator[None]:
    """Let a worker on each core of this machine import and load what it needs, while the caller does something else."""
    n_workers = 1 if os.environ.get("STUDY_DASK_SCHEDULER") else effective_n_jobs(-1)
    if n_workers == 1:
        yield
        return
    with (
        lasting_workers(),
        closing(
            Parallel(n_jobs=n_workers, return_as="generator_unordered", batch_size=1)(
                delayed(_load)(config) for _ in range(n_workers)
            )
        ) as loading,
    ):
        yield
        for _ in loading:
            pass


def _load(config: DatasetConfig) -> None:
    load_dataset(config)


def _on_cluster(address: str, calls: list[Call]) -> Iterator[Finished]:
    """Rows of each group in the order in which the workers of a Dask scheduler finish them.

    A group whose worker dies is run again on another one. Not joblib's Dask backend, as that waits for ever for a
    group that Dask has given up.
    """
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    with _connect(address) as client:
        futures = [client.submit(_run_call, call, 1, pure=False) for call in calls]
        names = {future.key: label(group[0]) for future, (_, _, group, _) in zip(futures, calls, strict=True)}
        try:
            for future, finished in as_completed(futures, with_results=True):
                if future.cancelled():
                    raise ClusterError(
                        f"The Dask scheduler at {address} was lost; what is finished is in the ledger, and the same "
                        "command goes on with the rest."
                    )
                future.release()  # or Dask would run it again if the worker that holds the result died
                yield finished
        except KilledWorker as error:
            raise ClusterError(
                f"The tasks from '{names[error.task]}' on ended every Dask worker that tried them, probably for want "
                "of memory; see the workers' logs. What is finished is in the ledger."
            ) from error


def _connect(address: str) -> Any:
    """A client of the Dask scheduler; ClusterError if nobody answers or its workers are none or unfit."""
    from distributed import Client

    try:
        client = Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"No Dask scheduler answers at STUDY_DASK_SCHEDULER={address}; start one with 'dask scheduler', "
            "or unset the variable to run on this machine."
        ) from error
    threads = client.nthreads()
    if set(threads.values()) == {1}:
        return client
    client.close()
    if threads:
        raise ClusterError("Tasks fix the random state of their process; start Dask workers with '--nthreads 1'.")
    raise ClusterError(f"The Dask scheduler at {address} has no worker; start some with 'dask worker'.")


def main() -> None:
    """Fill the ledger of a profile from the command line."""
    parser = argparse.ArgumentParser(description="Run the benchmark's missing tasks and fill the ledger.")
    parser.add_argument("--profile", default="quick", choices=("quick", "full"))
    parser.add_argument("--samplers", nargs="+", choices=SAMPLERS)
    parser.add_argument("--models", nargs="+", choices=MODELS)
    parser.add_argument("--jobs", type=int, default=-1, help="processes (default: one per core)")
    options = parser.parse_args()
    with exit_with_a_sentence():
        profile = load_profile(options.profile)
        table = run(profile, samplers=options.samplers, models=options.models, n_jobs=options.jobs)
    scores = table.pivot_table(index="sampler", columns="model", values="average_precision", sort=False)
    print(f"{len(table)} tasks in the ledger. Mean average precision:\n{scores.round(3).to_string()}")


if __name__ == "__main__":
    main()
