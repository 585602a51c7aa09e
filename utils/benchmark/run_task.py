"""Run tasks on one fold: split, check, fit and measure. Worker processes run this code."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from utils import metrics
from utils.backend import limit_threads
from utils.benchmark import equal_classes, ledger
from utils.benchmark.code_version import code_version
from utils.benchmark.progress import Board
from utils.benchmark.records import FoldResult, Machine, Measurement, Provenance, Row, Task
from utils.benchmark.tasks import label, library_version
from utils.benchmark.training import Fitted, TrainingRows, fit, positive_scores
from utils.config import DatasetConfig, Profile, Protocol
from utils.data import fetching, loading, splits
from utils.data.errors import DataError
from utils.data.features.calendar import SECONDS_PER_DAY, elapsed_seconds
from utils.data.features.encoding import build_encoder
from utils.data.loading import Dataset
from utils.data.splits import Fold
from utils.data.thinning import thin
from utils.leakage.auditing import Claims
from utils.leakage.guards import count_equal_rows, require_clean_split, require_training_rows
from utils.models.forest import forest_engine
from utils.seeding import child_seed

VERSIONED = ("numpy", "scikit-learn", "imbalanced-learn", "xgboost", "tensorflow")


def load_dataset(config: DatasetConfig) -> Dataset:
    """The dataset, loaded once per process, and again when its file has changed."""
    status = fetching.fetch(config).stat()
    return _load(config, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=2)
def _load(config: DatasetConfig, size: int, mtime_ns: int) -> Dataset:
    """Load a dataset; size and modification time only make the cache notice a changed file."""
    return loading.load(config)


def all_folds(
    config: DatasetConfig, protocol: Protocol, n_repeats: int, copies_follow: bool = False
) -> dict[tuple[int, int], Fold]:
    """Folds of the development set by (repeat, fold), the same for every method.

    With `copies_follow`, test set and folds are drawn among the distinct rows and every copy is assigned to its
    original's fold, so that a dataset with duplicates and the one without are compared on the same folds.
    """
    return _folds(load_dataset(config), protocol, n_repeats, copies_follow)


@lru_cache(maxsize=4)
def _folds(dataset: Dataset, protocol: Protocol, n_repeats: int, copies_follow: bool) -> dict[tuple[int, int], Fold]:
    distinct, originals = loading.distinct_rows(dataset) if copies_follow else (dataset, None)
    development = np.arange(len(distinct.frame))
    if protocol.test_fraction:
        development, _ = splits.split_off_test(distinct, protocol.test_fraction, protocol.seed)
    folds = splits.folds(distinct, development, protocol.n_splits, n_repeats, child_seed(protocol.seed, "split"))
    if copies_follow:
        folds = [_with_copies(fold, originals) for fold in folds]
    return {(fold.repeat, fold.number): fold for fold in folds}


def fold_of(profile: Profile, task: Task) -> Fold:
    """Training and test rows of a task."""
    n_repeats = max(profile.n_repeats, 1 + task.repeat)
    copies_follow = task.split.copies is not None
    fold = all_folds(profile.dataset, profile.protocol, n_repeats, copies_follow)[task.fold_id]
    thinned = task.split.thinned
    if thinned is None:
        return fold
    y = load_dataset(profile.dataset).y
    return thin(fold, y, thinned.n_positives, thinned.draw, profile.protocol.seed)


def _with_copies(fold: Fold, originals: np.ndarray) -> Fold:
    """A fold of distinct rows as positions in the dataset with copies."""
    train, test = (np.flatnonzero(np.isin(originals, positions)) for positions in (fold.train, fold.test))
    return Fold(fold.repeat, fold.number, train, test)


def fold_parts(dataset: Dataset, positions: np.ndarray) -> tuple[pd.DataFrame, pd.Series]:
    """Features and labels of the rows at `positions`, before any fitted step."""
    return dataset.X.iloc[positions], dataset.y.iloc[positions]


def run_group(
    profile: Profile, tasks: list[Task], path: Path, n_jobs: int = 1, *, refits: bool = False
) -> list[Row[Task, FoldResult]]:
    """Run tasks that share training rows, sampler and seed, so that the sampler is fitted once for all their models.

    Each row is appended to the ledger at `path` as soon as its model is done. If the parent process has ended, the
    remaining tasks are not run; the next run of the study runs them.

    Parameters
    ----------
    n_jobs : int
        Threads a model may use.
    refits : bool
        Whether the searches are followed by their `equal_classes.refitted_tasks`; a generator is not fitted again.

    Raises
    ------
    DataError
        If this machine's file is not the one that the tasks were made for.
    ValueError
        If the tasks have several seeds, as the rows' seed decides the inner folds and what a sampler draws.
    """
    if len({task.seed for task in tasks}) > 1:
        raise ValueError("The tasks of a group have several seeds; run one group per seed.")
    limit_threads(n_jobs)
    dataset = load_dataset(profile.dataset)
    _require_same_data(dataset, tasks[0])
    fold = fold_of(profile, tasks[0])
    rows = prepare_fold(dataset, fold, tasks[0].seed)

    def finish(task: Task) -> Row[Task, FoldResult]:
        fitted = fit(task, rows, n_jobs)
        require_training_rows(dataset, fold, fitted.rows.source, fitted.held_out)
        row = Row(task, score_fold(fitted, dataset, fold), provenance())
        ledger.append(path, row)
        return row

    finished = [finish(task) for task in announced(tasks, path)]
    if refits:
        finished += [finish(task) for task in announced(equal_classes.refitted_tasks(profile, finished), path)]
    return finished


def announced(tasks: list[Task], path: Path) -> Iterator[Task]:
    """Yield the tasks, writing each to the ledger's board; stop once the parent process has ended."""
    parent, board = os.getppid(), Board.for_ledger(path)
    for task in tasks:
        if os.getppid() != parent:
            break
        board.write(label(task))
        yield task
    board.remove()


def _require_same_data(dataset: Dataset, task: Task) -> None:
    if dataset.sha256 != task.dataset.sha256:
        raise DataError(
            f"{dataset.config.path.name} on machine {platform.node()} is not the file that the tasks were made for; "
            "give every Dask worker the same file."
        )


def training_rows(dataset: Dataset, positions: np.ndarray, seed: int) -> TrainingRows:
    """Rows at these positions, for `training.fit`."""
    return TrainingRows(*fold_parts(dataset, positions), dataset.groups[positions], seed, build_encoder(dataset.config))


def prepare_fold(dataset: Dataset, fold: Fold, seed: int) -> TrainingRows:
    """Training rows of a fold, after checking that neither they nor copies of them are test rows."""
    require_clean_split(dataset, fold_parts(dataset, fold.train), fold_parts(dataset, fold.test), fold)
    return training_rows(dataset, fold.train, seed)


def fit_fold(task: Task, dataset: Dataset, fold: Fold, n_jobs: int = 1) -> Fitted:
    """Fit a task to the training rows of a fold, and check that only these rows were used."""
    fitted = fit(task, prepare_fold(dataset, fold, task.seed), n_jobs)
    require_training_rows(dataset, fold, fitted.rows.source, fitted.held_out)
    return fitted


def score_fold(fitted: Fitted, dataset: Dataset, fold: Fold) -> FoldResult:
    """Measure a fitted task on the fold's test rows."""
    X_test = fitted.encoder.transform(fold_parts(dataset, fold.test)[0])
    start = time.perf_counter()
    scores = positive_scores(fitted.classifier, X_test)
    score_seconds = time.perf_counter() - start
    return FoldResult(
        **vars(measure(dataset, fold.test, *scores)),
        chosen=fitted.trial.chosen,
        inner_scores=fitted.scores,
        n_fit=len(fitted.rows.y),
        n_fit_positives=int(np.sum(fitted.rows.y)),
        n_equal_to_test=count_equal_rows(X_test, fitted.rows.X),
        sampler_seconds=round(fitted.seconds.sampler, 3),
        search_seconds=round(fitted.seconds.search, 3),
        fit_seconds=round(fitted.seconds.fit, 3),
        score_seconds=round(score_seconds, 3),
        fallback=fitted.rows.fallback,
        engine=forest_engine(fitted.classifier) or fitted.trial.model.library.split()[0],
    )


def audit_inputs(profile: Profile, task: Task, n_jobs: int = 1) -> dict[str, Any]:
    """Arguments of `auditing.audit` for a task: frames, fitted pipeline and rows, claims."""
    dataset = load_dataset(profile.dataset)
    fold = fold_of(profile, task)
    fitted = fit_fold(task, dataset, fold, n_jobs=n_jobs)
    X_test, y_test = fold_parts(dataset, fold.test)
    scores = positive_scores(fitted.pipeline, X_test)[0]
    ranks, _ = metrics.ranks_of_positives(y_test.to_numpy(), scores)
    label, (X_train, y_train) = dataset.config.label, fold_parts(dataset, fold.train)
    return {
        "train": X_train.assign(**{label: y_train}),
        "test": X_test.assign(**{label: y_test}),
        "label": label,
        "pipeline": fitted.pipeline,
        "fitted": (fitted.rows.X, fitted.rows.y),
        "claims": Claims(population=dataset.y, curve=(y_test, scores, metrics.average_precision(ranks))),
    }


def measure(dataset: Dataset, positions: np.ndarray, ranking: np.ndarray, probability: np.ndarray) -> Measurement:
    """Figures that the ledger records of a model's scores on the rows at `positions`."""
    y_true = dataset.y.to_numpy()[positions]
    ranks, order = metrics.ranks_of_positives(y_true, ranking)
    reliability = metrics.reliability(y_true, probability)
    positives = dataset.frame.index.to_numpy()[positions[order]]
    return Measurement(
        ranks=ranks.tolist(),
        positives=positives.tolist(),
        amounts=None if dataset.amounts is None else _without_nan(dataset.amounts.loc[positives]),
        n_rows=len(positions),
        days=days_covered(dataset, positions),
        average_precision=round(metrics.average_precision(ranks), 6),
        average_precision_tie_neutral=round(metrics.tie_neutral_average_precision(y_true, ranking), 6),
        roc_auc=round(metrics.roc_auc(ranks, len(positions)), 6),
        brier=round(metrics.brier_score(y_true, probability), 8),
        calibration_error=round(metrics.calibration_error(reliability), 8),
        reliability=reliability,
    )


def _without_nan(values: pd.Series) -> list[float | None]:
    """Numbers for JSON, which has no NaN; None for a missing one."""
    return [None if missing else value for value, missing in zip(values.tolist(), values.isna(), strict=True)]


def days_covered(dataset: Dataset, positions: np.ndarray) -> float | None:
    """Days that the rows at `positions` represent; None without a time column.

    This is the time from the first of the rows to the last, because a share of a dataset's rows is not that share of
    its time. If they are only some of the rows in between, such as a random fifth, they represent that share of the
    time.
    """
    if dataset.config.time is None:
        return None
    first, last = int(np.min(positions)), int(np.max(positions))
    start, end = elapsed_seconds(dataset.frame[dataset.config.time].iloc[[first, last]], dataset.config)
    share = len(positions) / (last - first + 1)
    return round(float(end - start) / SECONDS_PER_DAY * share, 4)


@lru_cache
def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{library: library_version(library) for library in VERSIONED}}


def provenance() -> Provenance:
    """Versions, machine, the current time and the code, for a result that has just been computed."""
    machine = Machine(platform.system(), platform.machine(), os.cpu_count() or 1)
    return Provenance(_versions(), machine, datetime.now(UTC).isoformat(timespec="seconds"), code_version())
