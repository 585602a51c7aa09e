"""Folds whose training rows keep only some of their positives, to see what methods do when positives are scarce."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from utils.data.errors import DataError
from utils.data.splits import Fold
from utils.seeding import child_seed


def thin(fold: Fold, y: ArrayLike, n_positives: int, draw: int, seed: int) -> Fold:
    """The fold with `n_positives` of its training positives; its other training rows and its test rows stay.

    A draw is a random order of the training positives, of which the first are kept. So the draws of different sizes are
    nested, and they are the same for every method. The other positives are left out, and not taken for negatives.

    Parameters
    ----------
    fold : Fold
    y : array of shape (n_rows,)
        Labels of all rows of the dataset.
    n_positives : int
    draw : int
        Number of the draw.
    seed : int

    Raises
    ------
    DataError
        If the fold has fewer training positives.
    """
    is_positive = np.asarray(y)[fold.train] == 1
    positives = fold.train[is_positive]
    if not 0 < n_positives <= len(positives):
        raise DataError(
            f"Fold {fold.repeat}.{fold.number} has {len(positives)} training positives, of which {n_positives} cannot "
            "be kept; choose a number between them."
        )
    path = "thinned", fold.repeat, fold.number, draw
    kept = np.random.default_rng(child_seed(seed, *path)).permutation(positives)[:n_positives]
    return replace(fold, train=np.sort(np.concatenate([fold.train[~is_positive], kept])))
