"""Load, validate, deduplicate and split a table with a binary label."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from utils.config import ULB, DatasetConfig
from utils.fetch import content_sha256, fetch, read_copy, read_stamp, write_copy
from utils.reading import PARQUET, ColumnError, DataError, line_numbers, read_table
from utils.seeding import child_seed

__all__ = ["DataError", "Dataset", "Fold", "chronological_split", "features", "fetch", "folds", "load"]

GROUPS = "all raw columns but time and label"  # the rule of `Dataset.groups`, as ledger rows name it
HOUR_FEATURES = ("hour_sin", "hour_cos")
SECONDS_PER_DAY = 86_400
NUMBER = "is not a finite number"
BINARY = "is neither 0 nor 1"
MIN_COUNTED = 20  # rows from which a column that counts them can be told from chance


@dataclass(frozen=True, eq=False)
class Dataset:
    """A validated table, ordered by time where it has one.

    Attributes
    ----------
    name : str
        See `DatasetConfig.name`.
    sha256 : str
        Hash of the raw file's content.
    frame : DataFrame
        Raw columns, the label as int64 and the others as float64; the index is the row's 0-based number
        among the data rows of the file.
    config : DatasetConfig
        Which column is what.
    n_duplicates : int
        Exact copies of earlier rows in the file, whether they were dropped or kept.
    loaded_hash : int
        `row_hash` when the frame was loaded; a frame that was resampled since has another.
    """

    name: str
    sha256: str
    frame: pd.DataFrame
    config: DatasetConfig
    n_duplicates: int
    loaded_hash: int

    @property
    def identity(self) -> dict[str, Any]:
        """What ledger rows say of the dataset: its name, its file's hash and the roles that are not the default."""
        return {"name": self.name, "sha256": self.sha256, "roles": self.config.roles}

    def row_hash(self) -> int:
        """Hash of the frame's rows as they are now, whatever their order."""
        return _hash_of(self.frame)

    @cached_property
    def X(self) -> pd.DataFrame:
        """Features of the protocol, float64; see `features`."""
        return features(self.frame, self.config)

    @cached_property
    def y(self) -> pd.Series:
        """Labels, int64: 1 is the rare class."""
        return self.frame[self.config.label]

    @cached_property
    def amounts(self) -> pd.Series | None:
        """Value at stake per row; None without such a column."""
        return None if self.config.amount is None else self.frame[self.config.amount]

    @cached_property
    def groups(self) -> np.ndarray:
        """Group number of each row, int64: rows that are equal in all raw columns but time and label share one."""
        roles = [name for name in (self.config.time, self.config.label) if name is not None]
        return _identical_rows(self.frame.drop(columns=roles))


@dataclass(frozen=True, eq=False)
class Fold:
    """One train/test division; `train` and `test` are sorted positions in the dataset, not index labels."""

    repeat: int
    number: int
    train: np.ndarray
    test: np.ndarray


def load(config: DatasetConfig = ULB) -> Dataset:
    """Fetch, verify and validate a dataset, and drop its exact duplicates if that is asked for.

    Parameters
    ----------
    config : DatasetConfig
        The file, the roles of its columns, and what becomes of exact duplicates.

    Raises
    ------
    DataError
        If the file cannot be had or does not pass validation.

    Warns
    -----
    UserWarning
        If a feature only counts the rows, as an index does.
    """
    path = fetch(config)
    frame, counters = _validated_frame(path, config)
    _warn_of_counters(counters, config)
    first = _first_of_its_kind(frame)
    if config.duplicates == "drop":
        frame = frame[first]
    if config.time is not None and not frame[config.time].is_monotonic_increasing:
        frame = frame.sort_values(config.time, kind="stable")
    _check_rarity(frame, config)
    return Dataset(config.name, content_sha256(path), frame, config, int(np.count_nonzero(~first)), _hash_of(frame))


def distinct_rows(dataset: Dataset) -> tuple[Dataset, np.ndarray]:
    """The dataset without exact copies of a row, and which row of it each row of `dataset` equals.

    Returns
    -------
    distinct : Dataset
        The first row of each kind, in the order of `dataset`; the same as loading the file without its duplicates.
    originals : int64 array of shape (n_rows,)
        Position in `distinct` of every row of `dataset`.
    """
    originals = _identical_rows(dataset.frame)
    frame = dataset.frame.iloc[np.unique(originals, return_index=True)[1]]
    n_copies = len(originals) - len(frame)
    return replace(dataset, frame=frame, n_duplicates=n_copies, loaded_hash=_hash_of(frame)), originals


def features(frame: pd.DataFrame, config: DatasetConfig = ULB, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Turn raw columns into the features of the protocol; stateless, so the same for one row or a table.

    Time becomes the hour of day as a point on the circle (unless `raw_time` asks for it as it is); the label is
    never a feature.

    Parameters
    ----------
    frame : DataFrame
        Raw columns in any order; the label is not needed.
    config : DatasetConfig
        The roles of the columns.
    columns : sequence of str, optional
        Names and order of the features wanted, such as a fitted model's ``feature_names_in_``; other columns
        are ignored. By default the `columns` of `config`, else all columns of `frame`, without label and `drop`.

    Returns
    -------
    DataFrame of shape (n_rows, n_features)
        float64, with the index of `frame`.

    Raises
    ------
    DataError
        If columns are missing (all are named) or a value is not a finite number.
    """
    if columns is None:
        columns = _feature_names(frame.columns if config.columns is None else config.columns, config)
    derived = HOUR_FEATURES if config.time is not None and not config.raw_time else ()
    needed = [name for name in columns if name not in derived]
    if len(needed) < len(columns):
        needed.append(config.time)
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise DataError(f"Columns are missing: {', '.join(map(str, missing))}; add them to the table.")
    # Columns of a Fortran-ordered array are what pandas stores: no second copy is made.
    values = np.empty((len(frame), len(columns)), order="F")
    for position, name in enumerate(columns):
        values[:, position] = _hour(frame[config.time], name) if name in derived else _finite(frame[name])
    return pd.DataFrame(values, index=frame.index, columns=list(columns), copy=False)


def chronological_split(dataset: Dataset, test_fraction: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the development set and of the test set, which is the last part by time.

    Raises
    ------
    DataError
        If the fraction is not between 0 and 1, or one of the two sets would hold a single class.
    """
    if not 0 < test_fraction < 1:
        raise DataError(f"The test fraction is {test_fraction}; choose one between 0 and 1.")
    n_rows = len(dataset.frame)
    # Rounding first: 70 * 0.1 is a little more than 7, and must not become 8.
    n_test = math.ceil(round(n_rows * test_fraction, 6))
    development, test = np.split(np.arange(n_rows), [n_rows - n_test])
    labels = dataset.y.to_numpy()
    for part, positions in {"development": development, "test": test}.items():
        if np.unique(labels[positions]).size < 2:
            raise DataError(
                f"{dataset.config.path.name}, column '{dataset.config.label}': the {part} set of "
                f"{len(positions)} rows holds a single class; change the test fraction of {test_fraction} "
                "or use a longer file."
            )
    return development, test


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


def fold_numbers(labels: np.ndarray, groups: np.ndarray, n_splits: int, seed: int) -> np.ndarray:
    """Fold number of each row.

    `StratifiedGroupKFold` visits every group in a Python loop: half a minute when nearly every row is its
    own group. So it decides only about the positives and the rows that share a group; negatives on their own
    can go anywhere and are dealt out at random in equal parts.
    """
    careful = (labels == 1) | (np.bincount(groups)[groups] > 1)
    alone = np.flatnonzero(~careful)
    # The stratifier wants at least `n_splits` rows of each class.
    careful[alone[:n_splits]] = True
    dealt = alone[n_splits:]
    numbers = np.empty(len(labels), dtype=np.int64)
    numbers[dealt] = np.random.default_rng(seed).permutation(len(dealt)) % n_splits
    rows = np.flatnonzero(careful)
    splitter = StratifiedGroupKFold(n_splits, shuffle=True, random_state=seed)
    for number, (_, test) in enumerate(splitter.split(rows, labels[rows], groups[rows])):
        numbers[rows[test]] = number
    return numbers


def _feature_names(columns: Iterable[str], config: DatasetConfig) -> list[str]:
    names = [name for name in columns if name not in (config.label, config.time, *config.drop)]
    return names + _time_features(config)


def _time_features(config: DatasetConfig) -> list[str]:
    if config.time is None:
        return []
    return [config.time] if config.raw_time else list(HOUR_FEATURES)


def _hour(seconds: pd.Series, name: str) -> np.ndarray:
    angle = _finite(seconds) % SECONDS_PER_DAY * (2 * np.pi / SECONDS_PER_DAY)
    return np.sin(angle) if name == "hour_sin" else np.cos(angle)


def _numbers(column: pd.Series) -> pd.Series:
    """Values as float64, NaN where a value is no number; dates and categories count as text."""
    if not pd.api.types.is_numeric_dtype(column):
        column = column.map(str)
    return pd.to_numeric(column, errors="coerce").astype("float64", copy=False)


def _finite(column: pd.Series) -> np.ndarray:
    values = _numbers(column).to_numpy()
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise DataError(
            f"Column '{column.name}', row {bad[0] + 1}: '{column.iloc[bad[0]]}' {NUMBER}; correct the value."
        )
    return values


def _row_hashes(frame: pd.DataFrame) -> np.ndarray:
    return pd.util.hash_pandas_object(frame, index=False).to_numpy()


def _hash_of(frame: pd.DataFrame) -> int:
    return int(_row_hashes(frame).sum(dtype=np.uint64))


def _identical_rows(frame: pd.DataFrame) -> np.ndarray:
    """Number the distinct rows; rows that are equal get the same number.

    Only rows whose hashes collide are compared in full, which is exact and ten times faster.
    """
    numbers, uniques = pd.factorize(_row_hashes(frame))
    shared = np.flatnonzero(np.bincount(numbers)[numbers] > 1)
    if shared.size:
        exact = frame.iloc[shared].groupby(list(frame.columns), sort=False).ngroup().to_numpy()
        numbers[shared] = len(uniques) + exact
    return pd.factorize(numbers)[0].astype(np.int64, copy=False)


def _first_of_its_kind(frame: pd.DataFrame) -> np.ndarray:
    numbers = _identical_rows(frame)
    first = np.zeros(len(frame), dtype=bool)
    first[np.unique(numbers, return_index=True)[1]] = True
    return first


def _validated_frame(path: Path, config: DatasetConfig) -> tuple[pd.DataFrame, list[str]]:
    """Raw columns with their types, and which features only number the rows; through the Parquet copy of a text.

    A copy is validated again if it was made for other roles, and made again if other columns were left out.
    """
    roles, drop = [config.label, config.time, config.amount], sorted(config.drop)
    if set(roles) & set(drop):
        names = ", ".join(repr(name) for name in roles if name in drop)
        raise ColumnError(f"{path.name}: `drop` names {names}, which is also label, time or amount; choose one.")
    stamp = read_stamp(path)
    frame = read_copy(path) if stamp and stamp.get("drop") == drop else None
    if frame is None:
        frame, stamp = _validate(read_table(path, drop), path, config), {"roles": roles}
        stamp["counters"] = [name for name in frame if _counts_rows(frame[name].to_numpy())]
        if not _is_parquet(path):
            write_copy(frame, path, drop=drop, **stamp)
    elif stamp.get("roles") != roles:
        frame = _validate(frame, path, config)
    _check_columns(frame, path, config)
    counters = [] if config.columns else stamp["counters"]
    return frame, [name for name in counters if name not in (config.label, config.time)]


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(PARQUET)) == PARQUET


def _check_columns(frame: pd.DataFrame, path: Path, config: DatasetConfig) -> None:
    """Refuse a table that does not have the columns that its configuration lists."""
    differing = set() if config.columns is None else set(config.columns) - set(config.drop) ^ set(frame.columns)
    if differing:
        names = ", ".join(sorted(map(repr, differing)))[:200]
        raise ColumnError(f"{path.name} and the columns of its DatasetConfig differ in {names}; list what it has.")


def _counts_rows(values: np.ndarray) -> bool:
    """Whether a column does little but number the rows: in any order, with any step, and with some rows gone.

    Two thirds of the rows have a value of their own, and these fill two thirds of an evenly spaced grid. Whole
    numbers drawn at random, one for each row, fill 63 % of theirs.
    """
    unique = np.unique(values)
    if len(unique) < max(MIN_COUNTED, len(values) * 2 / 3):
        return False
    steps = np.diff(unique)
    steps = steps / np.median(steps)
    whole = np.round(steps)
    return bool(np.abs(steps - whole).max() < 1e-3 and whole.min() >= 1 and len(unique) > whole.sum() * 2 / 3)


def _warn_of_counters(counters: Sequence[str], config: DatasetConfig) -> None:
    if counters:
        names = ", ".join(map(repr, counters))
        warnings.warn(
            f"{config.path.name} has columns that only number the rows, and so tell apart what is equal otherwise: "
            f"{names}; unless they are properties of a row, leave them out with DatasetConfig(..., drop=({names},)).",
            stacklevel=3,
        )


def _check_rarity(frame: pd.DataFrame, config: DatasetConfig) -> None:
    share = frame[config.label].mean()
    if share > 0.5:
        raise DataError(
            f"{config.path.name}, column '{config.label}': {share:.1%} of the rows have the label 1, which stands for "
            "the rarer class; exchange 0 and 1."
        )


def _validate(frame: pd.DataFrame, path: Path, config: DatasetConfig) -> pd.DataFrame:
    """Check the columns and give them their types: int64 for the label, float64 for the others."""
    import pandera.pandas as pandera  # takes most of a second; a valid Parquet copy does without it

    finite = pandera.Check(lambda column: np.isfinite(_numbers(column)), ignore_na=False, error=NUMBER)
    binary = pandera.Check(lambda column: _numbers(column).isin([0, 1]), ignore_na=False, error=BINARY)
    roles = [name for name in (config.label, config.time, config.amount) if name is not None]
    numbers = frame.apply(_numbers)
    names = dict.fromkeys([*roles, *frame.columns[~np.isfinite(numbers).all()]])  # as pandera takes 3 ms for a column
    schema = pandera.DataFrameSchema(
        {name: pandera.Column(checks=binary if name == config.label else finite, nullable=True) for name in names}
    )
    try:
        schema.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        raise DataError(_complaint(error.failure_cases, frame, path)) from None
    # Adding 0.0 turns -0.0 into 0.0: equal rows must also be equal in their bytes, which are hashed.
    frame = (numbers + 0.0).astype({config.label: "int64"})
    _check_features(frame, path, config)
    if frame[config.label].nunique() < 2:
        raise DataError(
            f"{path.name}, column '{config.label}': every row has the label {frame[config.label].iloc[0]}; "
            "a file with both classes is needed."
        )
    return frame


def _check_features(frame: pd.DataFrame, path: Path, config: DatasetConfig) -> None:
    raw = [name for name in frame.columns if name not in (config.label, config.time)]
    if not raw:
        raise DataError(f"{path.name} has no column besides label and time; add the features.")
    taken = [name for name in raw if name in HOUR_FEATURES]
    if taken and config.time is not None:
        raise DataError(f"{path.name}, column '{taken[0]}': a feature of this name is made from the time; rename it.")


def _complaint(cases: pd.DataFrame, frame: pd.DataFrame, path: Path) -> str:
    """Put pandera's findings into one sentence about the first offending column."""
    missing = cases.loc[cases["check"] == "column_in_dataframe", "failure_case"]
    if len(missing):
        return (
            f"{path.name} has no column {' or '.join(map(repr, missing))} among its columns "
            f"{', '.join(map(repr, frame.columns))[:200]}; add it or name another one in DatasetConfig, whose time and "
            "amount may be None."
        )
    column, check = cases[["column", "check"]].iloc[0]
    rows = np.sort(cases.loc[cases["column"] == column, "index"].to_numpy(dtype=np.int64))
    value = frame[column].iloc[rows[0]]
    shown = "an empty value" if pd.isna(value) else repr(str(value)[:60])
    comma = " (write decimals with a point)" if re.fullmatch(r"[-+]?[\d.]*,\d+", str(value)) else ""
    more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
    return (
        f"{path.name}, column '{column}', {line_numbers(path, rows[:3])}{more}: {shown} {check}{comma}; "
        "correct these values, or remove the rows or the column."
    )
