"""Run the original study's protocol, with and without the overlap of training and test rows, and fill a ledger.

python -m utils.experiments.original_study.run --profile full
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from joblib import Parallel, delayed, effective_n_jobs
from tqdm.auto import tqdm

from utils.benchmark import ledger
from utils.benchmark.errors import exit_with_a_sentence
from utils.benchmark.executors import add_jobs_argument
from utils.benchmark.records import Method, Row, Split, Task
from utils.benchmark.tasks import label, minor_version
from utils.config import DATA, ULB, DatasetConfig, Profile, load_profile
from utils.data.loading import GROUPS, Dataset
from utils.experiments.original_study.protocol import (
    FOREST,
    TEST_FRACTION,
    ReplicaResult,
    TrainingSizes,
    load,
    run_task,
)

COMMITTED = DATA / "results" / "original"
FITS = (("rus", True), ("smote", True), ("cgan", True), ("cgan", False))  # sampler, and whether rows overlap
LIBRARIES = {"rus": "imbalanced-learn", "smote": "imbalanced-learn", "cgan": "tensorflow"}
SEEDS = (42, 0, 1, 2, 3)  # the study's own test rows are those of 42


def make_task(dataset: Dataset, sampler: str, seed: int, *, overlap: bool, sizes: TrainingSizes) -> Task:
    """A fit as a task of the ledger."""
    params = vars(sizes) if sampler == "cgan" else {}
    return Task(
        dataset=dataset.identity,
        split=Split("original", TEST_FRACTION, GROUPS, overlap=overlap),
        repeat=SEEDS.index(seed) if seed in SEEDS else 0,
        fold=None,
        seed=seed,
        sampler=Method(sampler, params, minor_version(LIBRARIES[sampler]), 1),
        model=Method("rf", FOREST, minor_version("scikit-learn"), 1),
        search=None,
    )


def replica(
    profile: Profile,
    config: DatasetConfig = ULB,
    *,
    seeds: tuple[int, ...] = SEEDS,
    sizes: TrainingSizes | None = None,
    n_jobs: int = -1,
) -> pd.DataFrame:
    """Make sure that the profile's ledger of the original study holds every fit, and return their rows.

    For each seed these are the forest after random undersampling, SMOTE and the CGAN by the study's protocol, and after
    the CGAN with training and test rows kept apart. Fits in the profile's ledger or in the committed one are not run
    again; new rows are written only to the profile's ledger. Interrupting is safe.

    Parameters
    ----------
    profile : Profile
        Its results folder holds `original/replica.jsonl`.
    config : DatasetConfig
        With the columns of the study's dataset.
    seeds : tuple of int
        An interval needs at least two.
    sizes : TrainingSizes, optional
        The study's by default.
    n_jobs : int
        Number of processes.

    Returns
    -------
    DataFrame
        One row per fit; see `ledger.frame`.
    """
    sizes = sizes or TrainingSizes()
    tasks = _tasks(load(config), seeds, sizes)
    path = profile.results / "original" / "replica.jsonl"
    _copy_committed(path, {task.key for task in tasks})
    rows = {row.key: row for row in ledger.read(path.parent, ReplicaResult)}
    missing = [task for task in tasks if task.key not in rows]
    ledger.require_complete(path, [label(task) for task in missing])
    for row in _run_missing(config, missing, sizes, n_jobs):
        ledger.append(path, row)
        rows[row.key] = row
    return ledger.frame(rows[task.key] for task in tasks)


def _tasks(dataset: Dataset, seeds: tuple[int, ...], sizes: TrainingSizes) -> list[Task]:
    return [
        make_task(dataset, sampler, seed, overlap=overlap, sizes=sizes) for seed in seeds for sampler, overlap in FITS
    ]


def _run_missing(
    config: DatasetConfig, tasks: list[Task], sizes: TrainingSizes, n_jobs: int
) -> Iterable[Row[Task, ReplicaResult]]:
    """Rows of the tasks in the order in which processes finish, with a progress bar."""
    # The longest fits run first: workers finish together, and none grows so late that joblib suspects a memory leak.
    tasks = sorted(tasks, key=lambda task: task.sampler.name)
    workers = Parallel(n_jobs=min(effective_n_jobs(n_jobs), max(1, len(tasks))), return_as="generator_unordered")
    rows = workers(delayed(run_task)(config, task, sizes) for task in tasks)
    return tqdm(rows, total=len(tasks), desc="Original protocol", unit="fit", disable=not tasks)


def _copy_committed(path: Path, keys: set[str]) -> None:
    """Add the committed rows of these keys to a ledger that lacks them."""
    if path.parent.resolve() != COMMITTED.resolve():
        for row in ledger.read(COMMITTED, ReplicaResult):
            if row.key in keys:
                ledger.append(path, row)


def main() -> None:
    """Fill a profile's ledger of the original study from the command line, and print mean figures."""
    parser = argparse.ArgumentParser(description="Run what is missing of the original study's protocol.")
    parser.add_argument("--profile", default="full", choices=["quick", "full"])
    add_jobs_argument(parser)
    options = parser.parse_args()
    with exit_with_a_sentence():
        table = replica(load_profile(options.profile), n_jobs=options.jobs)
    table["overlap"] = [split.overlap for split in table["split"]]
    columns = ["average_precision", "tied_average_precision", "trapezoid", "thinned_trapezoid", "shared_positives"]
    print(table.groupby(["sampler", "overlap"], sort=False)[[*columns, "seconds"]].mean().round(3).to_string())


if __name__ == "__main__":
    main()
