"""Stratified folds that keep the rows of a group together."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold


def fold_numbers(labels: np.ndarray, groups: np.ndarray, n_splits: int, seed: int) -> np.ndarray:
    """Fold number of each row.

    `StratifiedGroupKFold` visits every group in a Python loop, which takes half a minute if nearly every row is its own
    group. So it assigns only the positives and the rows that share a group; ungrouped negatives are assigned at random
    in equal parts.
    """
    is_stratified = (labels == 1) | (np.bincount(groups)[groups] > 1)
    ungrouped = np.flatnonzero(~is_stratified)
    # The splitter needs at least `n_splits` rows of each class.
    is_stratified[ungrouped[:n_splits]] = True
    random_rows = ungrouped[n_splits:]
    numbers = np.empty(len(labels), dtype=np.int64)
    numbers[random_rows] = np.random.default_rng(seed).permutation(len(random_rows)) % n_splits
    rows = np.flatnonzero(is_stratified)
    splitter = StratifiedGroupKFold(n_splits, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # Inner folds of a small table may hold no positive.
        warnings.filterwarnings("ignore", "The least populated class")
        for number, (_, test) in enumerate(splitter.split(rows, labels[rows], groups[rows])):
            numbers[rows[test]] = number
    return numbers
