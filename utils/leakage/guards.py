"""Guards that stop a task of the study before anything is fitted on rows that it must not see."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from utils.data.loading import Dataset
from utils.data.splits import Fold


class LeakError(ValueError):
    """Training and test rows are not properly separated."""


def require_clean_split(
    dataset: Dataset,
    train: tuple[pd.DataFrame, pd.Series],
    test: tuple[pd.DataFrame, pd.Series],
    fold: Fold | None = None,
) -> None:
    """Raise an error unless training and test rows are unchanged rows of the dataset, complete and disjoint.

    A sampler that ran before the split leaves rows that are not in the dataset (SMOTE, a GAN), rows that occur twice
    (random oversampling), or missing rows (any undersampling).

    Parameters
    ----------
    dataset : Dataset
        The dataset as loaded from the verified file.
    train, test : (DataFrame of shape (n_rows, n_features), Series of shape (n_rows,))
        Features and labels before the first step that learns from them; their index is the dataset's.
    fold : Fold, optional
        The training and test rows; by default both together are all rows of the dataset.

    Raises
    ------
    LeakError
        If a rule is broken; the message names the part, the rule and the number of rows.
    """
    _require_untouched(dataset)
    positions = {
        name: _require_dataset_rows(dataset, name, X, y) for name, (X, y) in {"training": train, "test": test}.items()
    }
    shared = np.intersect1d(dataset.groups[positions["training"]], dataset.groups[positions["test"]])
    if shared.size:
        kind = "rows that belong together" if dataset.config.group else "identical rows"
        raise LeakError(
            f"{shared.size} groups of {kind} stand in the training and in the test part; split by dataset.groups."
        )
    _require_complete(dataset, positions, fold)


def _require_untouched(dataset: Dataset) -> None:
    if dataset.row_hash() != dataset.loaded_hash:
        raise LeakError("The dataset's rows are not those of its file; resample inside the pipeline, after the split.")


def _require_dataset_rows(dataset: Dataset, name: str, X: pd.DataFrame, y: pd.Series) -> NDArray[np.int64]:
    positions = dataset.X.index.get_indexer(X.index)
    same = (positions >= 0) & (dataset.y.to_numpy()[positions] == np.asarray(y))
    for column, other in zip(dataset.X, X, strict=True):
        expected, values = np.asarray(dataset.X[column])[positions], np.asarray(X[other])
        same &= (expected == values) | (pd.isna(expected) & pd.isna(values))
    if not same.all():
        raise LeakError(
            f"{np.count_nonzero(~same):,} rows of the {name} part are not rows of {dataset.name}; "
            "put the sampler into the pipeline, so that it sees training rows only."
        )
    if len(np.unique(positions)) < len(positions):
        raise LeakError(
            f"{len(positions) - len(np.unique(positions)):,} rows of the {name} part occur twice; "
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


def require_training_rows(dataset: Dataset, fold: Fold, *indices: pd.Index) -> None:
    """Raise an error unless a model was fitted on the fold's training rows, each once.

    Rows are identified by their index and not by their values, because a synthetic row may equal a test row.

    Parameters
    ----------
    dataset : Dataset
        The dataset of the fold; its index identifies the rows.
    fold : Fold
        The fold, with the positions of its training rows.
    indices : Index
        Index of the rows that scaler and sampler were fitted on, and of the validation rows of a network.

    Raises
    ------
    LeakError
        If a row is not a training row of the fold, is missing or occurs twice; the message has the numbers of rows.
    """
    positions = dataset.frame.index.get_indexer(np.concatenate(indices))
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
    """Number of test rows that equal a row that a model is fitted on, which is not a leak in itself.

    Both tables have shape (n_rows, n_features). Within a fold such a fitted row is synthetic, because equal real rows
    are in one group and thus on one side of the split.
    """
    scored, fitted = (pd.util.hash_pandas_object(pd.DataFrame(rows), index=False) for rows in (X_test, X_fit))
    return int(scored.isin(fitted).sum())
