"""SMOTE for tables with categories and gaps."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC
from imblearn.over_sampling.base import BaseOverSampler
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state

from utils.samplers.many_categories import interpolate

MAX_CODES = 2**24  # one-hot codes that are held at once, 128 MiB


class TableSMOTE(BaseOverSampler):
    """SMOTE-NC (Chawla et al., 2002) for data frames: numbers are interpolated, categories take their neighbours' mode.

    Numbers are standardised while neighbours are looked for, so that their units do not decide who is near; whole
    numbers are rounded. Whether a number is missing is a category of its own, so synthetic rows have gaps as their
    neighbours do. Tables of categories alone are resampled by SMOTEN, tables of numbers without gaps by SMOTE.

    Parameters
    ----------
    sampling_strategy : str, dict or callable, default='auto'
        Rows per class; see :class:`imblearn.over_sampling.SMOTENC`.
    random_state : int, RandomState or None, default=None
    k_neighbors : int, default=5
        Neighbours among which a row is interpolated; a class to over-sample needs more rows than that.

    Attributes
    ----------
    sampling_strategy_ : dict
        Rows to draw per class.
    n_features_in_ : int

    Raises
    ------
    ValueError
        In `fit_resample`, if a class to over-sample has at most `k_neighbors` rows.

    See Also
    --------
    utils.samplers.cgan.sampler.CGANSampler : Rows from a conditional GAN.

    References
    ----------
    Chawla, N. V., Bowyer, K. W., Hall, L. O. and Kegelmeyer, W. P. (2002). SMOTE: synthetic minority over-sampling
    technique.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from utils.samplers.table_smote import TableSMOTE
    >>> rows = pd.DataFrame({"sum": np.arange(40.0), "shop": pd.Categorical(["a", "b"] * 20)})
    >>> X, y = TableSMOTE(random_state=0).fit_resample(rows, [0] * 30 + [1] * 10)
    >>> len(X), int(sum(y)), X["shop"].cat.categories.tolist()
    (60, 30, ['a', 'b'])
    """

    _parameter_constraints: ClassVar[dict] = {**BaseOverSampler._parameter_constraints, "k_neighbors": [int]}

    def __init__(self, *, sampling_strategy: Any = "auto", random_state: Any = None, k_neighbors: int = 5):
        super().__init__(sampling_strategy=sampling_strategy)
        self.random_state = random_state
        self.k_neighbors = k_neighbors

    def _check_X_y(self, X: Any, y: Any) -> tuple[pd.DataFrame, np.ndarray, bool]:
        """Accept a frame as it is; its columns may hold categories and gaps."""
        frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X)
        self.n_features_in_ = frame.shape[1]
        return frame, np.asarray(y), False

    def _fit_resample(self, X: pd.DataFrame, y: np.ndarray, **params: Any) -> tuple[pd.DataFrame, np.ndarray]:
        """Original rows first and untouched, then the synthetic ones."""
        numbers = [name for name in X if pd.api.types.is_numeric_dtype(X[name])]
        categories = [name for name in X if name not in numbers]
        with_gaps = [name for name in numbers if X[name].isna().any()]
        codes = {name: X[name].astype("category").cat.codes for name in categories}
        gaps = {name: X[name].isna() for name in with_gaps}
        filled = X[numbers].fillna(X[numbers].median()).to_numpy(np.float64)
        scaler = StandardScaler().fit(filled) if numbers else None
        scaled = scaler.transform(filled) if scaler else filled
        table = np.column_stack([scaled, *codes.values(), *gaps.values()]).astype(np.float64)
        drawn, labels = self._draw(table, y, len(numbers))
        if scaler:
            values = scaler.inverse_transform(drawn[:, : len(numbers)])
            drawn[:, : len(numbers)] = np.clip(values, filled.min(axis=0), filled.max(axis=0))  # rounding errors
        drawn = pd.DataFrame(drawn, columns=[*numbers, *categories, *(("gap", name) for name in gaps)])
        synthetic = {
            name: drawn[name].mask(drawn["gap", name] == 1) if name in gaps else drawn[name] for name in numbers
        }
        for name in categories:
            dtype = X[name].astype("category").dtype
            synthetic[name] = pd.Categorical.from_codes(drawn[name].round().astype(int), dtype=dtype)
        whole = [name for name in numbers if pd.api.types.is_integer_dtype(X[name])]
        synthetic = pd.DataFrame(synthetic)[list(X)]
        synthetic[whole] = synthetic[whole].round()
        synthetic = synthetic.astype(X.dtypes.to_dict())
        return pd.concat([X, synthetic], ignore_index=True), np.concatenate([y, labels])

    def _draw(self, table: np.ndarray, y: np.ndarray, n_numbers: int) -> tuple[np.ndarray, np.ndarray]:
        """Synthetic rows and their labels.

        imbalanced-learn holds the one-hot codes of all neighbours of all rows that it draws at once. It is given the
        rows of one class, among which the neighbours are, and a single other row. Where these codes do not fit into
        memory, numbers and categories are drawn by `many_categories.interpolate`, categories alone in portions.
        """
        random_state = check_random_state(self.random_state)
        tables, labels = [table[:0]], [y[:0]]
        for label, n_drawn in self.sampling_strategy_.items():
            members, other = table[y == label], table[y != label][:1]
            n_codes = sum(len(np.unique(column)) for column in members[:, n_numbers:].T)
            portion = max(1, MAX_CODES // (self.k_neighbors * max(1, n_codes)))
            labels.append(np.full(n_drawn, label, dtype=y.dtype))
            if n_drawn > portion and 0 < n_numbers < table.shape[1]:
                tables.append(interpolate(members, n_numbers, n_drawn, self.k_neighbors, random_state))
                continue
            classes = np.r_[np.zeros(len(members)), np.ones(len(other))]
            for start in range(0, n_drawn, portion):
                n_rows = min(portion, n_drawn - start)
                smote = self._smote(n_numbers, table.shape[1], len(members) + n_rows, random_state)
                rows, _ = smote.fit_resample(np.concatenate([members, other]), classes)
                tables.append(rows[len(classes) :])
        return np.concatenate(tables), np.concatenate(labels)

    def _smote(
        self, n_numbers: int, n_columns: int, n_rows: int, random_state: np.random.RandomState
    ) -> SMOTE | SMOTEN | SMOTENC:
        """A sampler that brings class 0 to `n_rows`, for a table whose first `n_numbers` columns are numbers."""
        options = {"sampling_strategy": {0: n_rows}, "random_state": random_state, "k_neighbors": self.k_neighbors}
        if n_numbers == n_columns:
            return SMOTE(**options)
        if not n_numbers:
            return SMOTEN(**options)
        return SMOTENC(categorical_features=list(range(n_numbers, n_columns)), **options)
