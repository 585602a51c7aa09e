"""Guards that refuse the study's own splits before anything learns from rows that it must not see."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from utils.data.loading import Dataset
from utils.data.splits import Fold


class LeakError(ValueError):
    """Training and scoring rows are not cleanly apart."""


def require_clean_split(
    dataset: Dataset,
    train: tuple[pd.DataFrame, pd.Series],
    test: tuple[pd.DataFrame, pd.Series],
    fold: Fold | None = None,
) -> None:
    """Refuse a split whose rows are not the dataset's own, unchanged, complete and apart.

    A sampler that ran before the split shows as rows that the dataset does not hold (SMOTE, a GAN), as rows
    that stand twice (random oversampling), or as rows that are missing (any undersampling).

    Parameters
    ----------
    dataset : Dataset
        What was loaded from the verified file.
    train, test : (DataFrame of shape (n_rows, n_features), Series of shape (n_rows,))
        Features and labels just before the first step that learns; their index is the dataset's.
    fold : Fold, optional
        Which rows either part has to hold; by default the two hold all rows of the dataset.

    Raises
    ------
    LeakError
        Says which part breaks which rule, with the count of rows.
    """
    _require_untouched(dataset)
    positions = {
        name: _require_own_rows(dataset, name, X, y) for name, (X, y) in {"training": train, "test": test}.items()
    }
    shared = np.intersect1d(dataset.groups[positions["training"]], dataset.groups[positions["test"]])
    if shared.size:
        raise LeakError(
            f"{shared.size} groups of identical rows stand in the training and in the test part; "
            "split by dataset.groups."
        )
    _require_complete(dataset, positions, fold)


def _require_untouched(dataset: Dataset) -> None:
    if dataset.row_hash() != dataset.loaded_hash:
        raise LeakError("The dataset's rows are not those of its file; resample inside the pipeline, after the split.")


def _require_own_rows(dataset: Dataset, name: str, X: pd.DataFrame, y: pd.Series) -> NDArray[np.int64]:
    positions = dataset.X.index.get_indexer(X.index)
    same = (positions >= 0) & (dataset.y.to_numpy()[positions] == np.asarray(y))
    for own, given in zip(dataset.X.to_numpy().T, X.to_numpy().T, strict=True):  # a column lies in one piece
        same &= own[positions] == given
    if not same.all():
        raise LeakError(
            f"{np.count_nonzero(~same):,} rows of the {name} part are not rows of {dataset.name}; "
            "put the sampler into the pipeline, so that it sees training rows only."
        )
    if len(np.unique(positions)) < len(positions):
        raise LeakError(
            f"{len(positions) - len(np.unique(positions)):,} rows of the {name} part stand there twice; "
            "put the sampler into the pipeline, so that it copies training rows only."
        )
    return positions


def _require_complete(dataset: Dataset, positions: dict[str, NDArray[np.int64]], fold: Fold | None) -> None:
    advice = "put the sampler into the pipeline, so that it drops training rows only"
    if fold is None:
        n_missing = len(dataset.frame) - sum(map(len, positions.values()))
        if n_missing:
            raise LeakError(f"{n_missing:,} rows of {dataset.name} are in neither part; {advice}.")
        return
    for name, expected in {"training": fold.train, "test": fold.test}.items():
        if np.array_equal(np.sort(positions[name]), expected):
            continue
        n_missing, n_foreign = (
            np.setdiff1d(*pair).size for pair in ((expected, positions[name]), (positions[name], expected))
        )
        if n_missing or n_foreign:
            raise LeakError(
                f"{n_missing:,} rows of the {name} part are missing and {n_foreign:,} do not belong there; {advice}."
            )


def require_training_rows(dataset: Dataset, fold: Fold, *given: pd.Index) -> None:
    """Refuse unless what a fit was given are the fold's training rows, each once.

    Rows are told by where they came from, and not by their values: a synthetic row may happen to equal a test row.

    Parameters
    ----------
    dataset : Dataset
        Whose index numbers the rows.
    fold : Fold
        With the training rows.
    given : Index
        Of the rows that scaler and sampler were fitted on, and of those that ended a network's training.

    Raises
    ------
    LeakError
        Says how many rows are not the fold's own, or how many of its rows are missing.
    """
    positions = dataset.frame.index.get_indexer(np.concatenate(given))
    n_foreign = np.count_nonzero(~np.isin(positions, fold.train))
    if n_foreign:
        raise LeakError(
            f"{n_foreign:,} rows that are not among the fold's training rows were given to the fit; "
            "hand scaler, sampler and model the training rows only."
        )
    if not np.array_equal(np.sort(positions), fold.train):
        raise LeakError(
            f"The fit was given {len(positions):,} rows, {np.unique(positions).size:,} of them distinct, where the "
            f"fold has {len(fold.train):,} training rows; hand scaler and sampler each of them once."
        )


def count_equal_rows(X_test: ArrayLike, X_fit: ArrayLike) -> int:
    """How many test rows have the values of a row that a model is fitted on; no leak, but good to know.

    Both tables have shape (n_rows, n_features). In a fold such a row is synthetic, as real ones share a group.
    """
    scored, fitted = (pd.util.hash_pandas_object(pd.DataFrame(rows), index=False) for rows in (X_test, X_fit))
    return int(scored.isin(fitted).sum())
