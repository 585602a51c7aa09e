"""Runs tasks, in parallel and resumably, and fills the ledger.

python -m utils.benchmark --profile quick
"""

from __future__ import annotations

import argparse
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from joblib import Parallel, delayed, effective_n_jobs, parallel_config

from utils import ledger
from utils.config import Profile, load_profile
from utils.fitting import load_dataset, run_group
from utils.models import MODELS
from utils.progress import Board, watching
from utils.samplers import SAMPLERS
from utils.tasks import Task, cost, grid


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
        Processes; ignored under a joblib backend that the caller configured.

    Returns
    -------
    DataFrame
        One row per task, in the order of the grid; see `ledger.frame`.
    """
    dataset = load_dataset(profile.dataset)
    tasks = grid(profile, {"name": dataset.name, "sha256": dataset.sha256}, samplers=samplers, models=models)
    return run_tasks(profile, tasks, n_jobs=n_jobs)


def run_tasks(profile: Profile, tasks: list[Task], *, n_jobs: int = -1) -> pd.DataFrame:
    """Run what the ledger does not hold of `tasks`; see `run`."""
    rows = {row["key"]: row for row in ledger.read(profile.results)}
    missing = [task for task in tasks if task["key"] not in rows]
    if missing:
        from utils import tracking  # takes seconds to import; only needed when something ran

        path = profile.results / f"{profile.dataset.name}.jsonl"
        weights = {task["key"]: cost(task) for task in missing}
        rows |= run_groups(run_group, profile, _groups(missing), path, weights, n_jobs=n_jobs)
        tracking.log_rows([rows[task["key"]] for task in tasks], profile)  # also those whose run a kill prevented
    return ledger.frame(rows[task["key"]] for task in tasks)


def run_groups(
    work: Callable[..., list[dict[str, Any]]],
    profile: Profile,
    groups: list[list[Task]],
    path: Path,
    weights: dict[str, float],
    *,
    n_jobs: int = -1,
) -> dict[str, dict[str, Any]]:
    """Run groups of tasks in parallel, each by one call of `work`; returns their rows by key.

    Parameters
    ----------
    work : callable
        Like `fitting.run_group`: appends a row to the ledger at `path` for every task of its group.
    weights : dict of str to float
        Expected seconds per task key, for the progress bar.
    n_jobs : int
        See `run`.
    """
    board = Board(path.parent / ".running")
    board.clear()
    n_repeats = 1 + max(repeat for repeat, _ in (*profile.folds, *profile.deep_folds))
    n_workers = min(effective_n_jobs(n_jobs), len(groups))
    threads = max(1, effective_n_jobs(-1) // n_workers)
    calls = (delayed(work)(profile, group, path, n_repeats, threads) for group in groups)
    rows = {}
    with _backend(threads), watching(path, weights, board):
        for finished in Parallel(n_jobs=n_workers, return_as="generator_unordered", batch_size=1)(calls):
            for row in finished:  # a worker on another machine wrote to a ledger of its own
                ledger.append(path, row)
                rows[row["key"]] = row
    board.clear()
    return rows


def _groups(tasks: list[Task]) -> list[list[Task]]:
    """Tasks that share fold and sampler, the longest group first so that workers finish together."""
    groups = defaultdict(list)
    for task in tasks:
        groups[task["repeat"], task["fold"], json.dumps(task["sampler"], sort_keys=True)].append(task)
    return sorted(groups.values(), key=lambda group: -sum(map(cost, group)))


@contextmanager
def _backend(threads: int) -> Iterator[None]:
    """Processes on this machine, or the Dask scheduler whose address STUDY_DASK_SCHEDULER holds."""
    address = os.environ.get("STUDY_DASK_SCHEDULER")
    if not address:
        with parallel_config(backend="loky", inner_max_num_threads=threads):
            yield
        return
    from distributed import Client

    with Client(address, timeout="10s") as client:
        if not client.scheduler_info()["workers"]:
            raise RuntimeError(f"The Dask scheduler at {address} has no worker; start one with 'dask worker'.")
        with parallel_config(backend="dask", wait_for_workers_timeout=30):
            yield


def main() -> None:
    """Fill the ledger of a profile from the command line."""
    parser = argparse.ArgumentParser(description="Run the benchmark's missing tasks and fill the ledger.")
    parser.add_argument("--profile", default="quick", choices=("quick", "full"))
    parser.add_argument("--samplers", nargs="+", choices=SAMPLERS)
    parser.add_argument("--models", nargs="+", choices=MODELS)
    parser.add_argument("--jobs", type=int, default=-1, help="processes (default: one per core)")
    options = parser.parse_args()
    profile = load_profile(options.profile)
    try:
        table = run(profile, samplers=options.samplers, models=options.models, n_jobs=options.jobs)
    except KeyboardInterrupt:
        raise SystemExit("Interrupted; finished tasks are in the ledger, and the same command goes on.") from None
    scores = table.pivot_table(index="sampler", columns="model", values="average_precision", sort=False)
    print(f"{len(table)} tasks in the ledger. Mean average precision:\n{scores.round(3).to_string()}")


if __name__ == "__main__":
    main()
