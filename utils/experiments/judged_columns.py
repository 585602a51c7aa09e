"""A mixed table as numbers that know nothing of the labels, for the figures that compare synthetic with real rows.

The encoder of the pipelines gives a category of many values its share of positives, by cross-fitting: a training row
and a synthetic row with the same values then differ in that column, and a classifier tells them apart by it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

GAP = "missing"


class JudgedColumns(TransformerMixin, BaseEstimator):
    """Encode a mixed table without its labels, the same way for training rows and for any others.

    A gap of a number becomes the median of the training rows, with a column that marks it. A category of up to
    `max_one_hot` values has a column for each of them; one of more values becomes its place when they are ordered by
    frequency, and gaps and unseen values come last.

    Parameters
    ----------
    max_one_hot : int, default=12
        Most values of a category that has a column for each.

    Attributes
    ----------
    medians_ : dict of str to float
        Median of each column of numbers.
    marked_ : list of str
        Columns of numbers that have gaps.
    values_ : dict of str to list of str
        Values of each category, the most frequent first.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"sum": [1.0, None, 3.0], "shop": pd.Categorical(["a", "b", "a"])})
    >>> print(JudgedColumns().fit(table).transform(table).to_string(index=False))
     sum  sum: missing  shop: a  shop: b
     1.0           0.0      1.0      0.0
     2.0           1.0      0.0      1.0
     3.0           0.0      1.0      0.0
    """

    def __init__(self, max_one_hot: int = 12):
        self.max_one_hot = max_one_hot

    def fit(self, X: pd.DataFrame, y: ArrayLike | None = None) -> JudgedColumns:
        """Learn medians and values of training rows; `y` is ignored."""
        numbers = [name for name in X if pd.api.types.is_numeric_dtype(X[name])]
        self.feature_names_in_, self.n_features_in_ = np.asarray(X.columns, dtype=object), X.shape[1]
        medians = X[numbers].median().fillna(0)
        self.medians_ = {name: float(medians[name]) for name in numbers}
        self.marked_ = [name for name in numbers if X[name].isna().any()]
        categories = [name for name in X if name not in numbers]
        self.values_ = {name: _texts(X[name]).value_counts().index.tolist() for name in categories}
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Rows as float64, without gaps."""
        check_is_fitted(self, "values_")
        columns: dict[str, ArrayLike] = {}
        for name in self.feature_names_in_:
            columns |= self._number(name, X[name]) if name in self.medians_ else self._category(name, X[name])
        return pd.DataFrame(columns, index=X.index, dtype=np.float64)

    def _number(self, name: str, column: pd.Series) -> dict[str, ArrayLike]:
        filled = {name: column.astype(np.float64).fillna(self.medians_[name])}
        return filled | {f"{name}: {GAP}": column.isna()} if name in self.marked_ else filled

    def _category(self, name: str, column: pd.Series) -> dict[str, ArrayLike]:
        values, texts = self.values_[name], _texts(column)
        if len(values) <= self.max_one_hot:
            return {f"{name}: {value}": texts == value for value in values}
        positions = {value: position for position, value in enumerate(values)}
        return {name: texts.map(positions).fillna(len(values))}


def _texts(column: pd.Series) -> pd.Series:
    """Categories as text, where a gap is a value of its own."""
    return column.astype(object).where(column.notna(), GAP).astype(str)
