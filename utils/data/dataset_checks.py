"""Checks of a dataset before anything long runs: it can be divided, and no column gives the label away."""

from __future__ import annotations

from collections.abc import Iterator

from numpy.typing import ArrayLike

from utils.config import DatasetConfig, Protocol
from utils.data.errors import DataError
from utils.data.features.calendar import date_features, time_features
from utils.data.loading import Dataset
from utils.data.recognition.label import MIN_POSITIVES
from utils.data.recognition.leaks import suspected_leaks
from utils.data.splits import folds, split_off_test
from utils.dataset_config import KINDS


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
    yield from leak_warnings(dataset.config, leaking_columns(dataset, development))


def leaking_columns(dataset: Dataset, rows: ArrayLike) -> dict[str, float]:
    """Columns of the file that may give the label away, from the highest average precision out of fold.

    A time or a date has the highest of the features that are made of it.

    Parameters
    ----------
    dataset : Dataset
    rows : int array
        Positions of the rows to look at, such as those of the development set.
    """
    sources = _sources(dataset.config)
    X, y, groups = dataset.X.iloc[rows], dataset.y.iloc[rows], dataset.groups[rows]
    suspects: dict[str, float] = {}
    for name, score in suspected_leaks(X, y, groups=groups):
        suspects.setdefault(sources.get(name, name), score)
    return suspects


def leak_warnings(config: DatasetConfig, suspects: dict[str, float]) -> Iterator[str]:
    """A sentence about each column of `leaking_columns`: how good it is alone, and how to leave it out."""
    for name, score in suspects.items():
        lists = [kind for kind in KINDS if name in getattr(config, kind)]
        roles = [role for role in ("time", "amount") if getattr(config, role) == name]
        origin = " and ".join(f"`{field}`" for field in (*roles, *lists))
        remedy = f"move it from {origin} to `drop` in" if origin else "put it into `drop` of"
        yield (
            f"Column '{name}' alone reaches an average precision of {score:.3f} out of fold; if it is only known once "
            f"the label is, {remedy} the study's file."
        )


def _sources(config: DatasetConfig) -> dict[str, str | None]:
    """Names of the features that are made of times and dates, and the column of the file that each comes from."""
    return dict.fromkeys(time_features(config), config.time) | date_features(config)


def _check_names(config: DatasetConfig) -> None:
    """Refuse a column whose place a feature of the same name would take."""
    sources = _sources(config)
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
