"""The test set, and folds that keep related rows together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from utils.data.errors import DataError
from utils.data.fold_numbers import fold_numbers
from utils.data.loading import Dataset
from utils.seeding import child_seed

RANDOM_TEST = "a stratified draw of whole groups"  # the test set without a time column, as ledger rows name it


@dataclass(frozen=True, eq=False)
class Fold:
    """One train/test division; `train` and `test` are sorted positions in the dataset, not index labels."""

    repeat: int
    number: int
    train: np.ndarray
    test: np.ndarray


def split_off_test(dataset: Dataset, test_fraction: float = 0.2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the development set and of the test set.

    The test set consists of the last rows by time. Without a time column it is a stratified random draw that never
    divides a group; see `Dataset.groups`.

    Raises
    ------
    DataError
        If the fraction is not between 0 and 1, or one of the two sets would hold a single class.
    """
    if not 0 < test_fraction < 1:
        raise DataError(f"The test fraction is {test_fraction}; choose one between 0 and 1.")
    if dataset.config.time is None:
        development, test = _random_split(dataset, test_fraction, seed)
    else:
        n_rows = len(dataset.frame)
        # Round first: 70 * 0.1 is slightly more than 7 and must not become 8.
        n_test = math.ceil(round(n_rows * test_fraction, 6))
        development, test = np.split(np.arange(n_rows), [n_rows - n_test])
    labels = dataset.y.to_numpy()
    for name, positions in {"development": development, "test": test}.items():
        if np.unique(labels[positions]).size < 2:
            raise DataError(
                f"{dataset.config.path.name}, column '{dataset.config.label}': the {name} set of "
                f"{len(positions)} rows holds a single class; change the test fraction of {test_fraction} "
                "or use a longer file."
            )
    return development, test


def _random_split(dataset: Dataset, test_fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A stratified draw of whole groups: of the parts that the rows are divided into, the first ones."""
    n_parts = max(2, round(1 / test_fraction)) if test_fraction <= 0.5 else 20
    n_test = max(1, round(n_parts * test_fraction))
    n_groups = np.unique(dataset.groups).size
    if n_groups < n_parts:
        raise DataError(
            f"{dataset.config.path.name} has {n_groups} distinct rows or entities, too few to divide into {n_parts} "
            "parts, of which some are the test set; use a file with more."
        )
    numbers = fold_numbers(dataset.y.to_numpy(), dataset.groups, n_parts, child_seed(seed, "test"))
    return np.flatnonzero(numbers >= n_test), np.flatnonzero(numbers < n_test)


def folds(dataset: Dataset, positions: np.ndarray, n_splits: int = 5, n_repeats: int = 1, seed: int = 0) -> list[Fold]:
    """Repeated stratified folds over `positions` that never divide a group; see `Dataset.groups`.

    Raises
    ------
    DataError
        If a class has fewer distinct rows than there are folds.
    """
    positions = np.sort(np.asarray(positions))
    labels = dataset.y.to_numpy()[positions]
    _, groups = np.unique(dataset.groups[positions], return_inverse=True)
    for value in (0, 1):
        n_distinct = np.unique(groups[labels == value]).size
        if n_distinct < n_splits:
            raise DataError(
                f"{dataset.config.path.name}, column '{dataset.config.label}': {n_distinct} distinct rows "
                f"with label {value} are fewer than {n_splits} folds; use fewer folds or a longer file."
            )
    result = []
    for repeat in range(n_repeats):
        numbers = fold_numbers(labels, groups, n_splits, child_seed(seed, "folds", repeat))
        result += [
            Fold(repeat, number, positions[numbers != number], positions[numbers == number])
            for number in range(n_splits)
        ]
    return result
