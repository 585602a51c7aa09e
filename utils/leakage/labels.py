"""The two classes of a label, whatever values encode them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from utils.leakage.column_values import IncomparableError, common_codes, plain_values


class Classes:
    """The rarer and the more common class of a split, compared by value: 1, 1.0, True and '1' are one label.

    Parameters
    ----------
    train, test : Series
        Labels of the two parts. The rarer class is determined over both, because train may have been balanced.

    Raises
    ------
    ValueError
        If a label is missing, train does not hold two classes, or test holds one that train does not.
    """

    def __init__(self, train: pd.Series, test: pd.Series) -> None:
        codes, _ = common_codes(train, train)
        _require_complete(codes, "the train frame")
        values, first = np.unique(codes, return_index=True)
        if len(values) != 2:
            raise ValueError(f"Column {train.name!r} of train has {len(values)} values; a binary label is needed.")
        self._labels = train.iloc[first].reset_index(drop=True)
        n_second = sum(
            int(self._are_second(labels, f"the {name} frame").sum())
            for name, labels in (("train", train), ("test", test))
        )
        self._second_is_rare = 2 * n_second < len(train) + len(test)

    def is_rare(self, labels: ArrayLike, source: str) -> NDArray[np.bool_]:
        """Mask of the rarer class; a ValueError names `source` if a label is missing or of neither class."""
        return self._are_second(labels, source) == self._second_is_rare

    def is_positive(self, labels: ArrayLike, source: str) -> NDArray[np.bool_]:
        """Mask of the labels equal to 1 if all are 0 and 1 or -1 and 1, as in scikit-learn; else as `is_rare`."""
        column = _as_column(labels)
        values = plain_values(column)
        if not (values <= {0, 1} or values <= {-1, 1}):
            return self.is_rare(column, source)
        codes, code_of_one = common_codes(column, pd.Series([1]))
        _require_complete(codes, source)
        return codes == code_of_one[0]

    def _are_second(self, labels: ArrayLike, source: str) -> NDArray[np.bool_]:
        column = _as_column(labels)
        try:
            class_codes, codes = common_codes(self._labels, column)
        except IncomparableError as error:
            raise ValueError(f"The labels of train and of {source} are {error}; use the same values.") from None
        _require_complete(codes, source)
        unknown_labels = column[~np.isin(codes, class_codes)].tolist()
        if unknown_labels:
            known = " and ".join(sorted(map(repr, self._labels.tolist())))
            raise ValueError(
                f"A label of {source} is {unknown_labels[0]!r} where train holds {known}; use the same values."
            )
        return codes == class_codes[1]


def _as_column(labels: ArrayLike) -> pd.Series:
    return labels if isinstance(labels, pd.Series) else pd.Series(np.ravel(labels))


def _require_complete(codes: NDArray[np.int64], source: str) -> None:
    n_missing = int(np.count_nonzero(codes == -1))
    if n_missing:
        raise ValueError(f"{n_missing:,} labels of {source} are missing; leave these rows out or label them.")
