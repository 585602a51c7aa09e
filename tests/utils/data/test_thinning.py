"""Folds with few training positives: which rows are kept."""

from itertools import pairwise

import numpy as np
import pytest

from utils.data.errors import DataError
from utils.data.splits import Fold
from utils.data.thinning import thin

Y = np.tile([1, 0, 0, 0], 50)  # 50 positives among 200 rows
FOLD = Fold(0, 1, np.arange(160), np.arange(160, 200))  # 40 of them in the training part


def positives(fold: Fold) -> list[int]:
    return [row for row in fold.train if Y[row] == 1]


def test_thin_draws_are_nested():
    folds = [thin(FOLD, Y, n_positives, draw=0, seed=0) for n_positives in (5, 10, 20, 40)]
    assert [len(positives(fold)) for fold in folds] == [5, 10, 20, 40]
    assert all(set(positives(small)) < set(positives(large)) for small, large in pairwise(folds))
    assert np.array_equal(folds[-1].train, FOLD.train)


def test_thin_leaves_all_other_rows():
    thinned = thin(FOLD, Y, 10, draw=2, seed=0)
    assert thinned.test is FOLD.test and (thinned.repeat, thinned.number) == (0, 1)
    assert np.array_equal(thinned.train, np.sort(thinned.train))
    negatives = [row for row in thinned.train if Y[row] == 0]
    assert negatives == [row for row in FOLD.train if Y[row] == 0]
    assert set(thinned.train) < set(FOLD.train)


def test_thin_depends_on_draw_fold_and_seed_and_on_nothing_else():
    kept = [
        positives(thin(fold, Y, 10, draw=draw, seed=seed))
        for fold, draw, seed in (
            *((FOLD, draw, 0) for draw in (0, 1, 2)),
            (FOLD, 0, 1),
            (Fold(0, 2, FOLD.train, FOLD.test), 0, 0),
            (Fold(1, 1, FOLD.train, FOLD.test), 0, 0),
        )
    ]
    assert len(set(map(tuple, kept))) == len(kept)
    assert positives(thin(FOLD, Y.tolist(), 10, draw=0, seed=0)) == kept[0]


@pytest.mark.parametrize("n_positives", [0, 41])
def test_thin_says_how_many_positives_there_are(n_positives):
    with pytest.raises(DataError, match=f"Fold 0.1 has 40 training positives, of which {n_positives} cannot"):
        thin(FOLD, Y, n_positives, draw=0, seed=0)
