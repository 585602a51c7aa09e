"""Runs batches of tasks on the cores of this machine, or on the workers of a Dask scheduler."""

from __future__ import annotations

import argparse
import gc
import logging
import math
import os
import re
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from joblib import Parallel, delayed, effective_n_jobs, parallel_config
from joblib.externals.loky import process_executor

from utils.backend import release_memory
from utils.benchmark import ledger
from utils.benchmark.errors import ClusterError
from utils.benchmark.progress import Board, progress_bar
from utils.benchmark.records import Row, Task
from utils.benchmark.run_task import load_dataset
from utils.benchmark.tasks import label
from utils.config import DatasetConfig, Profile

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 10  # to the Dask scheduler
Work = Callable[[Profile, list[Task], Path, int], list[Row]]


def add_jobs_argument(parser: argparse.ArgumentParser) -> None:
    """Let a command take `--jobs`, the number of processes on this machine; -1 is one per core."""
    parser.add_argument("--jobs", type=_number_of_jobs, default=-1, help="processes (default: one per core)")


def _number_of_jobs(text: str) -> int:
    if not re.fullmatch(r"-?0*[1-9]\d*", text):
        raise argparse.ArgumentTypeError(f"must be a whole number other than 0, and not '{text}'")
    return int(text)


@dataclass(frozen=True)
class Batch:
    """Tasks that a ledger lacks.

    Attributes
    ----------
    work : callable
        Like `run_task.run_group`: runs the tasks of a group and appends a row for each to the ledger at `path`.
    profile : Profile
    groups : list of list of Task
        Each group is run by one call of `work`.
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

    def seconds(self, group: list[Task]) -> float:
        """Expected seconds of a group."""
        return sum(self.weights[task.key] for task in group)


@dataclass(frozen=True)
class Call:
    """One call of a batch's `work`."""

    batch: Batch
    group: list[Task]

    def arguments(self, n_jobs: int) -> tuple[Profile, list[Task], Path, int]:
        """Arguments of `work`, for a process that may use `n_jobs` threads."""
        return self.batch.profile, self.group, self.batch.path, n_jobs


def run_batches(batches: list[Batch], *, n_jobs: int = -1) -> dict[Path, list[Row]]:
    """Run several batches at once, so that no core waits for the last group of one of them.

    The longest group runs first, whatever its batch, so that workers finish at about the same time.

    Returns
    -------
    dict of Path to list of Row
        Computed rows, by ledger file.
    """
    for batch in batches:
        ledger.require_complete(batch.path, [label(task) for group in batch.groups for task in group])
    calls = [Call(batch, group) for batch in batches for group in batch.groups]
    calls.sort(key=lambda call: -call.batch.seconds(call.group))
    rows: dict[Path, list[Row]] = {batch.path: [] for batch in batches}
    address = os.environ.get("STUDY_DASK_SCHEDULER")
    results = closing(_on_cluster(address, calls) if address else _on_this_machine(n_jobs, calls))
    with warnings.catch_warnings(), _clear_boards(list(rows)), progress_bar(_weights(batches)), results as finished:
        # joblib stops a worker that has waited for minutes while others are busy, and warns about it.
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given")
        for path, computed in finished:
            for row in computed:  # a worker on another machine wrote to a ledger of its own
                ledger.append(path, row)
                rows[path].append(row)
    return rows


def _weights(batches: list[Batch]) -> dict[Path, dict[str, float]]:
    """Expected seconds per task key, for every ledger file."""
    weights: dict[Path, dict[str, float]] = defaultdict(dict)
    for batch in batches:
        weights[batch.path] |= batch.weights
    return weights


@contextmanager
def _clear_boards(paths: list[Path]) -> Iterator[None]:
    """Clear the status boards of these ledger files before and after the block."""
    boards = [Board.for_ledger(path) for path in paths]
    try:
        for board in boards:
            board.clear()
        yield
    finally:
        for board in boards:
            board.clear()


def _on_this_machine(n_jobs: int, calls: list[Call]) -> Iterator[tuple[Path, list[Row]]]:
    """Ledger file and rows of each group, in the order in which processes finish, among which the cores are divided."""
    n_workers = min(effective_n_jobs(n_jobs), len(calls))
    threads = max(1, effective_n_jobs(-1) // n_workers)
    with lasting_workers(threads):
        workers = Parallel(n_jobs=n_workers, return_as="generator_unordered", batch_size=1)
        yield from workers(delayed(_work)(call.batch.work, *call.arguments(threads)) for call in calls)


def _work(work: Work, profile: Profile, group: list[Task], path: Path, n_jobs: int) -> tuple[Path, list[Row]]:
    """Run a group in a worker that many groups share, and leave no more memory behind than it needs."""
    try:
        return path, work(profile, group, path, n_jobs)
    finally:
        release_memory()


def lasting_workers(threads: int = 1) -> AbstractContextManager:
    """Reuse the processes that joblib starts in this block, each with `threads` threads, in all calls like this one."""
    return parallel_config(backend="loky", inner_max_num_threads=threads, initializer=_keep_worker)


def _keep_worker() -> None:
    """Keep this worker alive, and do not repeat the caller's warnings.

    Joblib mistakes what a worker imports, compiles and caches for a memory leak, and would replace the worker.
    """
    process_executor._MAX_MEMORY_LEAK_SIZE = math.inf
    logging.getLogger("utils.data.validation").setLevel(logging.ERROR)  # the caller has already warned about the table


@contextmanager
def starting_workers(config: DatasetConfig) -> Iterator[None]:
    """Start a worker on each core, which imports modules and loads the dataset while the block runs."""
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


def _on_cluster(address: str, calls: list[Call]) -> Iterator[tuple[Path, list[Row]]]:
    """Ledger file and rows of each group, in the order in which the workers of a Dask scheduler finish.

    A group whose worker dies is run again on another one. Joblib's Dask backend is not used, because it waits forever
    for a group that Dask has given up.
    """
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    with _connect(address) as client:
        futures = [client.submit(_work, call.batch.work, *call.arguments(1), pure=False) for call in calls]
        names = {future.key: label(call.group[0]) for future, call in zip(futures, calls, strict=True)}
        try:
            for future, computed in as_completed(futures, with_results=True):
                if future.cancelled():
                    raise ClusterError(
                        f"The Dask scheduler at {address} was lost; finished tasks are in the ledger, and the same "
                        "command continues with the rest."
                    )
                future.release()  # or Dask would run it again if the worker that holds the result died
                yield computed
        except KilledWorker as error:
            raise ClusterError(
                f"Every Dask worker that ran the tasks from '{names[error.task]}' on died, probably out of memory; "
                "see the workers' logs. Finished tasks are in the ledger."
            ) from error


def _connect(address: str) -> Client:
    """Connect to the Dask scheduler; ClusterError if it does not answer, or has no workers or unsuitable ones."""
    from distributed import Client

    try:
        client = Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError):
        client = None
    if client is None:
        gc.collect()  # a client that failed closes itself here, and not in the thread of the next one, which would hang
        raise ClusterError(
            f"No Dask scheduler answers at STUDY_DASK_SCHEDULER={address}; start one with 'dask scheduler', "
            "or unset the variable to run on this machine."
        )
    threads = client.nthreads()
    if set(threads.values()) == {1}:
        return client
    client.close()
    if threads:
        raise ClusterError("Tasks fix the random state of their process; start Dask workers with '--nthreads 1'.")
    raise ClusterError(f"The Dask scheduler at {address} has no worker; start some with 'dask worker'.")
