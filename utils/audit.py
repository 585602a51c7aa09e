"""Finds leaks: rows that a model should not have learnt from, or should not be judged on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from utils.data import Dataset

PREVALENCE_SIGMAS = 6


class LeakError(ValueError):
    """Training and scoring rows are not cleanly apart."""


def require_clean_split(
    dataset: Dataset, train: tuple[pd.DataFrame, pd.Series], test: tuple[pd.DataFrame, pd.Series]
) -> None:
    """Refuse a split whose rows are not the dataset's own, unchanged and apart.

    A sampler that ran before the split shows as rows that the dataset does not hold (SMOTE, a GAN), as rows
    that stand twice (random oversampling), or as a test part whose prevalence is not the dataset's (any
    undersampling).

    Parameters
    ----------
    dataset : Dataset
        What was loaded from the verified file.
    train, test : (DataFrame of shape (n_rows, n_features), Series of shape (n_rows,))
        Features and labels just before the first step that learns; their index is the dataset's.

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
    _require_prevalence(dataset, test[1])


def _require_untouched(dataset: Dataset) -> None:
    if dataset.row_hash() != dataset.loaded_hash:
        raise LeakError("The dataset's rows are not those of its file; resample inside the pipeline, after the split.")


def _require_own_rows(dataset: Dataset, name: str, X: pd.DataFrame, y: pd.Series) -> NDArray[np.int64]:
    positions = dataset.X.index.get_indexer(X.index)
    known = positions >= 0
    same = known.copy()
    own = dataset.X.to_numpy()[positions[known]]
    same[known] = (own == X.to_numpy()[known]).all(axis=1) & (
        dataset.y.to_numpy()[positions[known]] == np.asarray(y)[known]
    )
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


def _require_prevalence(dataset: Dataset, y_test: Any) -> None:
    expected, n_rows = float(dataset.y.mean()), len(y_test)
    deviation = np.sqrt(expected * (1 - expected) / n_rows)
    if abs(np.mean(y_test) - expected) > PREVALENCE_SIGMAS * deviation:
        raise LeakError(
            f"The test part holds {np.mean(y_test):.2%} frauds where {dataset.name} holds {expected:.2%}; "
            "score on rows that no sampler has thinned out."
        )


def require_unseen(X_fit: NDArray, X_test: NDArray) -> None:
    """Refuse if a row that the model is fitted on, real or synthetic, equals a row that it is scored on.

    Both arrays have shape (n_rows, n_features), after scaling and sampling.
    """
    fitted, scored = (pd.util.hash_pandas_object(pd.DataFrame(part), index=False) for part in (X_fit, X_test))
    n_shared = int(scored.isin(fitted).sum())
    if n_shared:
        raise LeakError(f"{n_shared:,} test rows were given to the model's fit; check what the sampler returns.")
