"""Checks of a dataset before anything long runs: it can be divided, and no column gives the label away."""

from __future__ import annotations

from collections.abc import Iterator

from utils.config import DatasetConfig, Protocol
from utils.data.errors import DataError
from utils.data.features.calendar import date_features, time_features
from utils.data.loading import Dataset
from utils.data.recognition.label import MIN_POSITIVES
from utils.data.recognition.leaks import suspected_leaks
from utils.data.splits import folds, split_off_test


def check_dataset(dataset: Dataset, protocol: Protocol) -> Iterator[str]:
    """Divide a dataset as the study will, and yield a sentence about each column that may give the label away.

    Such a column is found by its average precision alone, out of fold, on rows of the development set.

    Raises
    ------
    DataError
        If there are too few positives, the rows cannot be divided into a development set of `protocol.n_splits` folds
        and a test set, or a column has the name of a feature that is made of a time or a date.
    """
    _check_names(dataset.config)
    _check_positives(dataset)
    development, _ = split_off_test(dataset, protocol.test_fraction, protocol.seed)
    folds(dataset, development, protocol.n_splits)
    X, y = dataset.X.iloc[development], dataset.y.iloc[development]
    for name, score in suspected_leaks(X, y, groups=dataset.groups[development]):
        yield (
            f"Column '{name}' alone reaches an average precision of {score:.3f} out of fold; if it is only known once "
            "the label is, put it into `drop` of the study's file."
        )


def _check_names(config: DatasetConfig) -> None:
    """Refuse a column whose place a feature of the same name would take."""
    sources = dict.fromkeys(time_features(config), config.time) | date_features(config)
    for name in (*config.numbers, *config.categorical):
        if name in sources and name != config.time:
            raise DataError(
                f"{config.path.name}: column '{name}' is named like a feature that is made of '{sources[name]}'; "
                "rename it, or leave it out."
            )


def _check_positives(dataset: Dataset) -> None:
    n_positives = int(dataset.y.sum())
    if n_positives < MIN_POSITIVES:
        raise DataError(
            f"{dataset.config.path.name}: only {n_positives} of {len(dataset.y):,} rows are positive, and "
            f"{MIN_POSITIVES} are needed for five folds and a test set; add rows of this class, or its other spellings "
            "to `positive` in the study's file."
        )
