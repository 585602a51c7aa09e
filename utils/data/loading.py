"""Load, validate and deduplicate a table with a binary label."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from utils.config import ULB, DatasetConfig
from utils.data.errors import DataError
from utils.data.features import build_features
from utils.data.features.calendar import HOUR_FEATURES, elapsed_seconds, has_clock
from utils.data.fetching import (
    content_sha256,
    copy_path,
    fetch,
    read_copy,
    read_stamp,
    remove_outdated_copy,
    write_copy,
)
from utils.data.identity import DatasetIdentity
from utils.data.mixed_table import read_mixed_table
from utils.data.reading import PARQUET, read_table
from utils.data.validation import check_columns, check_rarity, counts_rows, validate, warn_of_counters
from utils.dataset_config import LISTS

GROUPS = "all raw columns but time and label"  # the rule of `Dataset.groups`, as ledger rows name it
ENTITIES = "the group column"  # the rule if the dataset has one


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
        among the data rows of the file. For the columns of a mixed table see `mixed_table`.
    config : DatasetConfig
        Roles of the columns.
    n_duplicates : int
        Exact copies of earlier rows in the file, whether they were dropped or kept.
    loaded_hash : int
        `row_hash` when the frame was loaded; it differs once the frame has been resampled.
    """

    name: str
    sha256: str
    frame: pd.DataFrame
    config: DatasetConfig
    n_duplicates: int
    loaded_hash: int

    @property
    def identity(self) -> DatasetIdentity:
        """Identity of the dataset in ledger rows."""
        return DatasetIdentity(self.name, self.sha256, self.config.roles)

    def row_hash(self) -> int:
        """Hash of the current rows of the frame, whatever their order."""
        return _sum_of_hashes(self.frame)

    @cached_property
    def X(self) -> pd.DataFrame:
        """Features of the protocol, float64 or categories; see `features`.

        Those of the hour are left out where all rows have the same, as dates without a time of day do.
        """
        X, time = build_features(self.frame, self.config), self.config.time
        if time is None or self.config.raw_time or has_clock(elapsed_seconds(self.frame[time], self.config)):
            return X
        return X.drop(columns=list(HOUR_FEATURES))

    @cached_property
    def y(self) -> pd.Series:
        """Labels, int64: 1 is the rare class."""
        return self.frame[self.config.label]

    @cached_property
    def amounts(self) -> pd.Series | None:
        """Amount of each row; None without such a column."""
        return None if self.config.amount is None else self.frame[self.config.amount]

    @cached_property
    def groups(self) -> np.ndarray:
        """Group number of each row, int64.

        The rows of an entity share a group; without a group column, rows that are equal in all raw columns but time and
        label do.
        """
        if self.config.group is not None:
            return _entities(self.frame[self.config.group])
        roles = [name for name in (self.config.time, self.config.label) if name is not None]
        return _identical_rows(self.frame.drop(columns=roles))


def load(config: DatasetConfig = ULB) -> Dataset:
    r"""Fetch, verify and validate a dataset; exact duplicates are dropped if the configuration says so.

    A column that only numbers the rows, like an index, is named in a logged warning.

    Parameters
    ----------
    config : DatasetConfig, default=ULB
        The file, the roles of its columns, and the handling of exact duplicates. The default is the credit-card
        table of Dal Pozzolo et al. (2015), 144 MB as text, which is fetched once.

    Returns
    -------
    Dataset
        Features `X` of shape (n_rows, n_features) and labels `y` of shape (n_rows,), in order of time (in seconds,
        where there is such a column).

    Raises
    ------
    DataError
        If the file cannot be fetched or does not pass validation; file, column and row are named, and no Parquet copy
        of it is left.

    See Also
    --------
    utils.data.splits.split_off_test : The rows of the development set and of the test set.
    utils.data.splits.folds : Folds of the development set.
    utils.data.features.building.build_features : How raw columns become features.

    References
    ----------
    Dal Pozzolo, A., Caelen, O., Johnson, R. and Bontempi, G. (2015). Calibrating probability with undersampling for
    unbalanced classification.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from utils.config import DatasetConfig
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "claims.csv"
    >>> _ = path.write_text("sum,age,fraud\n10.5,30,0\n99.0,41,1\n12.0,35,0\n12.0,35,0\n")
    >>> config = DatasetConfig(path, label="fraud", time=None, amount="sum", duplicates="drop")
    >>> dataset = load(config)
    >>> dataset.X.shape, dataset.y.tolist(), dataset.n_duplicates
    ((3, 2), [0, 1, 0], 1)
    >>> folder.cleanup()
    """
    try:
        path = fetch(config)
        table = _validated_table(path, config)
        is_first = _is_first_copy(table.frame)
        frame = table.frame[is_first] if config.duplicates == "drop" else table.frame
        check_rarity(frame, config)
    except DataError:
        remove_outdated_copy(config.path, config.copies)
        raise
    if not table.is_copy and not _is_parquet(path):
        write_copy(table.frame, path, config.copies, **table.stamp)
    warn_of_counters(_counters(table, config), config)
    if config.time is not None and not frame[config.time].is_monotonic_increasing:
        frame = frame.sort_values(config.time, kind="stable")
    sha256 = content_sha256(path, config.copies)
    return Dataset(config.name, sha256, frame, config, int(np.count_nonzero(~is_first)), _sum_of_hashes(frame))


def _entities(column: pd.Series) -> np.ndarray:
    """Number the entities; a row without one is its own."""
    numbers, uniques = pd.factorize(column)
    unknown = np.flatnonzero(numbers == -1)
    numbers[unknown] = len(uniques) + np.arange(len(unknown))
    return numbers.astype(np.int64, copy=False)


def distinct_rows(dataset: Dataset) -> tuple[Dataset, np.ndarray]:
    """The dataset without exact copies of a row, and for each row of `dataset` its position in it.

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
    return replace(dataset, frame=frame, n_duplicates=n_copies, loaded_hash=_sum_of_hashes(frame)), originals


def _row_hashes(frame: pd.DataFrame) -> np.ndarray:
    return pd.util.hash_pandas_object(frame, index=False).to_numpy()


def _sum_of_hashes(frame: pd.DataFrame) -> int:
    return int(_row_hashes(frame).sum(dtype=np.uint64))


def _identical_rows(frame: pd.DataFrame) -> np.ndarray:
    """Number the distinct rows; equal rows get the same number.

    Only rows with equal hashes are compared in full, which is exact and ten times faster.
    """
    numbers, uniques = pd.factorize(_row_hashes(frame))
    colliding = np.flatnonzero(np.bincount(numbers)[numbers] > 1)
    if colliding.size:
        numbers_among_colliding = (
            frame.iloc[colliding]
            .groupby(list(frame.columns), sort=False, dropna=False, observed=True)
            .ngroup()
            .to_numpy()
        )
        numbers[colliding] = len(uniques) + numbers_among_colliding
    return pd.factorize(numbers)[0].astype(np.int64, copy=False)


def _is_first_copy(frame: pd.DataFrame) -> np.ndarray:
    numbers = _identical_rows(frame)
    is_first = np.zeros(len(frame), dtype=bool)
    is_first[np.unique(numbers, return_index=True)[1]] = True
    return is_first


@dataclass(frozen=True, eq=False)
class _ValidatedTable:
    """Raw columns with their types, the content of the stamp, and whether they were read from the Parquet copy."""

    frame: pd.DataFrame
    stamp: dict[str, list]
    is_copy: bool


def _validated_table(path: Path, config: DatasetConfig) -> _ValidatedTable:
    """The raw columns, read from the Parquet copy if there is one.

    A copy is validated again if it was made for other roles, and made again if other columns were left out.
    """
    roles, drop = _stamped_roles(config), sorted(config.drop)
    stamp = read_stamp(path, config.copies)
    frame = read_copy(copy_path(path, config.copies)) if stamp and stamp.get("drop") == drop else None
    is_copy = frame is not None
    if config.is_mixed:
        if not is_copy or stamp["roles"] != roles:
            frame, is_copy = read_mixed_table(path, config), False
            stamp = {"roles": roles, "counters": [], "drop": drop}
        return _ValidatedTable(_with_sorted_categories(frame), stamp, is_copy)
    if not is_copy:
        frame = validate(read_table(path, drop), path, config)
        counters = [name for name in frame if counts_rows(frame[name].to_numpy())]
        stamp = {"roles": roles, "counters": counters, "drop": drop}
    elif stamp.get("roles") != roles:
        frame = validate(frame, path, config)
    check_columns(frame, path, config)
    return _ValidatedTable(frame, stamp, is_copy)


def _with_sorted_categories(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its categories in the order of `as_categories`; Parquet stores them as they first occur."""
    for name in frame.select_dtypes("category"):
        frame[name] = frame[name].cat.set_categories(sorted(frame[name].cat.categories))
    return frame


def _stamped_roles(config: DatasetConfig) -> list:
    """Roles for which a copy was validated, as its stamp has them."""
    roles = [config.label, config.time, config.amount]
    if not config.is_mixed:
        return roles
    lists = [list(getattr(config, name)) for name in LISTS if name != "drop"]
    return [*roles, config.group, config.decimal, *lists]


def _counters(table: _ValidatedTable, config: DatasetConfig) -> list[str]:
    """Features that only number the rows; not reported if the configuration lists the columns."""
    counters = [] if config.columns else table.stamp["counters"]
    return [name for name in counters if name not in (config.label, config.time)]


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(PARQUET)) == PARQUET
