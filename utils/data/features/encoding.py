"""From a mixed table to numbers: impute, encode categories, scale."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder
from sklearn.utils.validation import check_is_fitted

from utils.data.fold_numbers import fold_numbers
from utils.dataset_config import DatasetConfig


class TableEncoder(TransformerMixin, BaseEstimator):
    """Encode a mixed table as scaled numbers; fitted on real training rows only.

    Gaps of a number become its median, with a column that marks them. A category of up to `max_one_hot` values is
    encoded one-hot, with rare values together; a category of more values becomes the share of positives among its rows
    (Micci-Barreca, 2001). `fit_transform` encodes training rows by cross-fitting: the share comes from other rows, so
    that a row's own label is not among its features. Values that were not seen in `fit` are taken for rare or average
    ones, and a gap that was not seen for the median.

    Parameters
    ----------
    max_one_hot : int, default=12
        Most values of a category that is encoded one-hot.
    min_rows : int, default=10
        Values in fewer training rows are encoded together.
    n_splits : int, default=5
        Folds of the cross-fitting.
    random_state : int, default=0
        Seed of these folds.

    Attributes
    ----------
    feature_names_in_ : ndarray of shape (n_columns,)
        Names of the columns of the table.
    n_features_in_ : int

    See Also
    --------
    sklearn.preprocessing.TargetEncoder : Encodes the categories of many values.

    References
    ----------
    Micci-Barreca, D. (2001). A preprocessing scheme for high-cardinality categorical attributes in classification and
    prediction problems.

    Examples
    --------
    >>> import pandas as pd
    >>> from utils.data.features.encoding import TableEncoder
    >>> table = pd.DataFrame({"sum": [1.0, None, 3.0, 8.0] * 10, "shop": pd.Categorical(["a", "b", "a", "b"] * 10)})
    >>> TableEncoder().fit(table, [0, 0, 0, 1] * 10).get_feature_names_out().tolist()
    ['sum', 'missing_sum', 'shop_a', 'shop_b']
    """

    def __init__(self, max_one_hot: int = 12, min_rows: int = 10, n_splits: int = 5, random_state: int = 0):
        self.max_one_hot = max_one_hot
        self.min_rows = min_rows
        self.n_splits = n_splits
        self.random_state = random_state

    def fit(self, X: pd.DataFrame, y: ArrayLike, groups: ArrayLike | None = None) -> TableEncoder:
        """Fit to training rows; see `fit_transform`."""
        self.fit_transform(X, y, groups)
        return self

    def fit_transform(self, X: pd.DataFrame, y: ArrayLike, groups: ArrayLike | None = None) -> NDArray[np.float64]:
        """Fit to training rows, and return them encoded by cross-fitting.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)
            Numbers as float64, categories as text in columns of type `category`; gaps are missing values.
        y : array of shape (n_rows,)
            1 for positives, 0 for other rows.
        groups : array of shape (n_rows,), optional
            Rows of one group are never divided by the cross-fitting.

        Returns
        -------
        ndarray of shape (n_rows, n_features_out)
        """
        labels = np.asarray(y)
        self.feature_names_in_, self.n_features_in_ = np.asarray(X.columns, dtype=object), X.shape[1]
        categories = [name for name in X if not pd.api.types.is_numeric_dtype(X[name])]
        few = [name for name in categories if X[name].nunique() <= self.max_one_hot]
        many = [name for name in categories if name not in few]
        numbers = [name for name in X if name not in categories]
        fill = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
        one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=self.min_rows, sparse_output=False)
        steps = [("numbers", fill, numbers), ("few", one_hot, few)]
        if many:
            target = TargetEncoder(target_type="binary", cv=self._splits(labels, groups))
            steps.append(("many", target, many))
        columns = ColumnTransformer(steps, verbose_feature_names_out=False)
        encoded = columns.fit_transform(self._prepared(X), labels)
        if many:
            columns.named_transformers_["many"].set_params(cv=self.n_splits)  # the positions are of no further use
            columns.set_params(many__cv=self.n_splits)
        scale = StandardScaler().fit(encoded)
        self.pipeline_ = Pipeline([("encode", columns), ("scale", scale)])
        return scale.transform(encoded)

    def transform(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Rows as numbers; other columns than those of the fit are ignored."""
        check_is_fitted(self, "pipeline_")
        return self.pipeline_.transform(self._prepared(X))

    def transform_synthetic(
        self,
        X: pd.DataFrame,
        y: ArrayLike,
        real: tuple[pd.DataFrame, ArrayLike],
        encoded: NDArray[np.float64],
        *,
        seed: int,
    ) -> NDArray[np.float64]:
        """Synthetic rows as numbers, with the shares of positives that real rows of their class have.

        The share of a real row comes from other rows. That of `transform` is over all rows, and so counts in the row
        that a synthetic one was made from: it would tell the classes apart in training and nowhere else. A synthetic
        row therefore has the share of a random real row of its class with the same value; where there is none, the
        share over all rows stays.

        Parameters
        ----------
        X : DataFrame of shape (n_synthetic, n_columns)
        y : array of shape (n_synthetic,)
            Labels of the synthetic rows.
        real : DataFrame and array
            The training rows before they were encoded, and their labels.
        encoded : ndarray of shape (n_rows, n_features_out)
            The training rows as `fit_transform` returned them.
        seed : int
            Draws the real rows.

        Returns
        -------
        ndarray of shape (n_synthetic, n_features_out)
        """
        rows, names, rng = self.transform(X), self.get_feature_names_out().tolist(), np.random.default_rng(seed)
        for column in self._cross_fitted:
            own, theirs = (
                pd.DataFrame({"label": np.asarray(labels), "value": table[column].astype(object).to_numpy()})
                for table, labels in ((X, y), real)
            )
            source, position = random_equal_rows(own, theirs, rng), names.index(column)
            has_source = source >= 0
            rows[has_source, position] = encoded[source[has_source], position]
        return rows

    @property
    def _cross_fitted(self) -> list[str]:
        """Columns that are encoded as a share of positives, under their own names."""
        return [name for step, _, names in self.pipeline_["encode"].transformers_ if step == "many" for name in names]

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Names of the encoded columns; those that mark gaps start with 'missing_'."""
        names = self.pipeline_["encode"].get_feature_names_out()
        return np.array([name.replace("missingindicator_", "missing_", 1) for name in names], dtype=object)

    def _prepared(self, X: pd.DataFrame) -> pd.DataFrame:
        """Numbers as they are, categories as text with None for a gap."""
        columns = {
            name: X[name] if pd.api.types.is_numeric_dtype(X[name]) else _text(X[name])
            for name in self.feature_names_in_
        }
        return pd.DataFrame(columns, index=X.index)

    def _splits(self, labels: NDArray, groups: ArrayLike | None) -> list[tuple[NDArray, NDArray]]:
        """Training and test positions of the cross-fitting."""
        groups = np.arange(len(labels)) if groups is None else np.unique(groups, return_inverse=True)[1]
        numbers = fold_numbers(labels, groups, self.n_splits, self.random_state)
        return [(np.flatnonzero(numbers != fold), np.flatnonzero(numbers == fold)) for fold in range(self.n_splits)]


def random_equal_rows(rows: pd.DataFrame, among: pd.DataFrame, rng: np.random.Generator) -> NDArray[np.int64]:
    """Position in `among` of a random row that equals each of `rows`; -1 where none does. Gaps equal gaps."""
    both = pd.concat([among, rows], ignore_index=True)
    codes = both.groupby(list(both), sort=False, dropna=False).ngroup().to_numpy()
    theirs, own = codes[: len(among)], codes[len(among) :]
    counts = np.bincount(theirs, minlength=len(codes))[own]
    first = np.searchsorted(np.sort(theirs), own)
    drawn = first + (rng.random(len(own)) * counts).astype(np.int64)
    positions = np.argsort(theirs, kind="stable")[np.minimum(drawn, len(among) - 1)]
    return np.where(counts > 0, positions, -1)


def _text(column: pd.Series) -> pd.Series:
    values = column.astype(object)
    return values.where(column.notna(), None)


def build_encoder(config: DatasetConfig) -> StandardScaler | TableEncoder:
    """The unfitted first step of a dataset's pipelines: a table of numbers is scaled, a mixed one encoded."""
    return TableEncoder() if config.is_mixed else StandardScaler()
