"""Transform numeric tables to normal scores, class by class, and back to plausible values."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import ndtr
from scipy.stats import norm, rankdata
from sklearn.covariance import ledoit_wolf

MIN_ROWS = 10
MAX_QUANTILES = 1000
MAX_VALUES_PER_ROW = 0.2
ROUNDING = 1e-9  # error that arithmetic leaves in a number with few decimals
NO_LOSS = 1e-3  # largest rounding error, relative to the spread of a column
MAX_EXPONENTS = (10, 500)  # the spread of ordinary columns is from 2**-10 to 2**500


def check_rows(X: np.ndarray | pd.DataFrame, y: np.ndarray | pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Validate rows and labels, and return them as arrays.

    Parameters
    ----------
    X : array or DataFrame of shape (n_rows, n_features)
        Columns of numbers or bools, of NumPy's types or pandas' nullable ones.
    y : array or Series of shape (n_rows,)

    Returns
    -------
    tuple of ndarray
        Of shapes (n_rows, n_features) and (n_rows,).

    Raises
    ------
    ValueError
        If X is sparse, a column is not numeric, the shapes do not match, a value or a label is missing, a value is
        infinite, or a class has fewer than MIN_ROWS rows.
    """
    rows, labels = _as_numbers(X), np.asarray(y)
    if rows.ndim != 2 or labels.shape != (len(rows),):
        raise ValueError(f"X has shape {rows.shape} and y {labels.shape}; give (n, m) and (n,).")
    if not rows.shape[1]:
        raise ValueError(f"X has 0 feature(s) (shape={rows.shape}) while a minimum of 1 is required.")
    bad = np.argwhere(~np.isfinite(rows))
    if len(bad):
        column = X.columns[bad[0, 1]] if isinstance(X, pd.DataFrame) else bad[0, 1]
        raise ValueError(
            f"X has {len(bad)} missing or infinite values, the first in row {bad[0, 0]}, column {column}; "
            "impute or drop them before the CGAN."
        )
    check_labels(labels)
    return rows, labels


def _as_numbers(X: np.ndarray | pd.DataFrame) -> np.ndarray:
    """X as an array of numbers or bools; a missing value of a nullable column is NaN."""
    if sparse.issparse(X):
        raise ValueError("Sparse input is not supported by the CGAN; give X.toarray().")
    if isinstance(X, pd.DataFrame) and (~X.dtypes.map(_is_plain_number)).any():
        rows = np.column_stack([_column_numbers(X.iloc[:, position]) for position in range(X.shape[1])])
    else:
        rows = np.asarray(X)
    if rows.dtype.kind == "c":
        raise ValueError("Complex data not supported by the CGAN; give the real and the imaginary part as two columns.")
    if rows.dtype.kind not in "fiub":
        raise ValueError(f"The CGAN needs numeric columns, not {rows.dtype}; encode the others first.")
    return rows


def _is_plain_number(dtype: object) -> bool:
    return isinstance(dtype, np.dtype) and dtype.kind in "fiu"


def _column_numbers(column: pd.Series) -> np.ndarray:
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if not pd.api.types.is_numeric_dtype(column):
        raise ValueError(
            f"The CGAN needs numeric columns, but {column.name!r} is {column.dtype}; encode the others first."
        )
    if isinstance(column.dtype, np.dtype):
        return column.to_numpy()
    return column.to_numpy(dtype=float, na_value=np.nan)


def check_labels(labels: np.ndarray) -> None:
    """Raise ValueError if a label is missing, labels cannot be ordered, or a class has fewer than MIN_ROWS rows."""
    missing = np.flatnonzero(pd.isna(labels))
    if len(missing):
        raise ValueError(f"y has {len(missing)} missing labels, the first in row {missing[0]}; drop these rows.")
    try:
        classes, counts = np.unique(labels, return_counts=True)
    except TypeError:
        kinds = ", ".join(sorted({type(label).__name__ for label in labels}))
        raise ValueError(f"y mixes labels that cannot be ordered ({kinds}); give them one type.") from None
    if counts.min() < MIN_ROWS:
        raise ValueError(
            f"Class {classes[counts.argmin()]} has {counts.min()} rows and a CGAN needs at least {MIN_ROWS}; "
            "use RandomOverSampler or collect more."
        )


def column_decimals(X: np.ndarray) -> np.ndarray:
    """Number of decimals of each column.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)

    Returns
    -------
    ndarray of shape (n_features,)
        0 for whole numbers, 2 for multiples of 0.01, -1 for anything else. Rounding to them changes no value by more
        than floating-point error: very small numbers do not count as zeros, nor very large numbers that differ by
        fractions as whole numbers.
    """
    decimals = np.full(X.shape[1], -1)
    eps = float(np.finfo(X.dtype).eps) if X.dtype.kind == "f" else 0.0  # float32 has 7 digits
    values = X.astype(float)
    for n_decimals in (2, 0):
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = values * 10.0**n_decimals
            errors = np.abs(scaled - np.round(scaled))
            spread = scaled.max(axis=0) - scaled.min(axis=0)
        tolerance = np.maximum(4 * eps * np.abs(scaled), ROUNDING * np.minimum(1.0, np.abs(scaled)))
        is_rounded = (errors <= tolerance).all(axis=0) & (errors.max(axis=0) <= NO_LOSS * spread)
        decimals[is_rounded] = n_decimals
    return decimals


def column_exponents(X: np.ndarray) -> np.ndarray:
    """Powers of two that scale columns with an extremely small or large spread to an ordinary one.

    Absolute tolerances, as in scikit-learn's quantiles and mixtures, treat a column of tiny spread as constant, and
    differences within a column of huge spread overflow. Division by a power of two is exact; see :func:`numpy.ldexp`.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Floating-point and finite.

    Returns
    -------
    int ndarray of shape (n_features,)
        0 for ordinary columns.
    """
    halves = X.max(axis=0) / 2 - X.min(axis=0) / 2
    exponents = np.frexp(halves)[1] + 1
    ordinary = (halves == 0) | ((exponents >= -MAX_EXPONENTS[0]) & (exponents <= MAX_EXPONENTS[1]))
    return np.where(ordinary, 0, exponents)


def as_type(rows: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Drawn numbers in the type of the table; integers are clipped to its bounds, and from 0.5 a bool is true."""
    if dtype.kind == "b":
        return rows >= 0.5
    if dtype.kind in "iu":
        # The largest float that is an integer of this type: 2**63 itself is not.
        bounds = np.iinfo(dtype)
        rows = np.clip(rows, bounds.min, np.nextafter(float(bounds.max) + 1, 0) if bounds.bits > 53 else bounds.max)
    return rows.astype(dtype, copy=False)


def as_column(values: np.ndarray, dtype: np.dtype | pd.api.extensions.ExtensionDtype) -> pd.Series:
    """Drawn numbers as a column of any numeric pandas type; a categorical column gets the nearest categories."""
    if isinstance(dtype, pd.CategoricalDtype):
        gaps = np.abs(values[:, None] - dtype.categories.to_numpy(dtype=float))
        return pd.Series(pd.Categorical.from_codes(gaps.argmin(axis=1), dtype=dtype))
    plain = dtype if isinstance(dtype, np.dtype) else getattr(dtype, "numpy_dtype", np.dtype(float))
    return pd.Series(as_type(values, plain)).astype(dtype)


class ScoreScaler:
    """Base class of scalers: a linear map of the scores of each class, between the networks and the inverse.

    Parameters
    ----------
    per_class : bool, default=True
        Whether every class has its own distributions; otherwise all classes share one set.
    decorrelate : bool, default=False
        Whether scores are also rotated and rescaled so that they are uncorrelated within a class.

    Attributes
    ----------
    colour_ : ndarray of shape (n_classes, n_scores, n_scores)
        For each class, the matrix that gives uncorrelated scores the correlation of the class.
    shift_ : ndarray of shape (n_classes, n_scores)
        For each class, what is added after that.
    """

    def __init__(self, *, per_class: bool = True, decorrelate: bool = False) -> None:
        self.per_class = per_class
        self.decorrelate = decorrelate

    def _groups(self, codes: np.ndarray) -> list[np.ndarray]:
        """For each class, a mask of the rows whose distributions it has."""
        n_classes = int(codes.max()) + 1
        return [codes == code for code in range(n_classes)] if self.per_class else [codes >= 0] * n_classes

    def _remove_colour(self, scores: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Learn the linear map of each class, and undo it in `scores`, in place."""
        n_classes = int(codes.max()) + 1
        self.colour_ = np.stack([self._class_colour(scores[codes == code]) for code in range(n_classes)])
        self.shift_ = np.zeros((n_classes, scores.shape[1]))
        for code, colour in enumerate(self.colour_):
            scores[codes == code] = scores[codes == code] @ np.linalg.inv(colour)
        return scores

    def _class_colour(self, scores: np.ndarray) -> np.ndarray:
        """Symmetric square root of the correlation of `scores`, shrunk towards none (Ledoit and Wolf, 2004)."""
        n_features = scores.shape[1]
        if not self.decorrelate:
            return np.eye(n_features)
        return _root(ledoit_wolf(scores)[0], 0.5)

    def correct_moments(self, scores: np.ndarray, drawn: np.ndarray, code: int) -> None:
        """Change the inverse so that scores like `drawn` get the mean and covariance of `scores`.

        The map is the optimal transport between two normal distributions (Olkin and Pukelsheim, 1982).

        Parameters
        ----------
        scores : ndarray of shape (n_rows, n_features)
            Scores of the training rows of the class.
        drawn : ndarray of shape (n_drawn, n_features)
            Scores that a generator draws for the class.
        code : int
        """
        move = transport(np.atleast_2d(np.cov(drawn.T)), np.atleast_2d(np.cov(scores.T)))
        shift = scores.mean(axis=0) - drawn.mean(axis=0) @ move
        self.shift_[code] = shift @ self.colour_[code]
        self.colour_[code] = move @ self.colour_[code]


class ClassQuantileScaler(ScoreScaler):
    """Transforms every column of every class to standard normal scores, and scores back to rows.

    Ranks are mapped by the normal quantile function. Equal values are ranked in random order, so that whole numbers,
    spikes and constant columns become normal too. The inverse uses the quantiles of the class, which keeps values
    within the range of the class in training. Columns with few distinct values return only values that occurred, and
    columns with no or two decimals are rounded to these. It is not a scikit-learn transformer, because both
    directions need the class of a row.

    Parameters
    ----------
    per_class : bool, default=True
        Whether every class has its own quantiles; otherwise all classes share one set.
    decorrelate : bool, default=False
        Whether scores are also rotated and rescaled so that they are uncorrelated within a class.

    Attributes
    ----------
    quantiles_ : list of ndarray of shape (n_quantiles, n_features)
        For each class, its values at evenly spaced probabilities.
    stepped_ : ndarray of shape (n_classes, n_features)
        True where the inverse returns only values that occurred.
    colour_ : ndarray of shape (n_classes, n_features, n_features)
        For each class, the matrix that gives uncorrelated scores the correlation of the class.
    decimals_ : ndarray of shape (n_features,)
        See :func:`column_decimals`.
    """

    def fit_transform(self, X: np.ndarray, codes: np.ndarray, random_state: np.random.Generator) -> np.ndarray:
        """Learn the quantiles of `X` and return its scores.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features)
        codes : ndarray of shape (n_rows,)
            Class of each row as 0, 1, ...
        random_state : numpy.random.Generator
            Determines the ranks of equal values.

        Returns
        -------
        ndarray of shape (n_rows, n_features)
        """
        self.decimals_ = column_decimals(X)
        X = X.astype(float)
        groups = self._groups(codes)
        self.quantiles_ = [_quantiles(X[group]) for group in groups]
        self.stepped_ = np.array([_has_few_values(X[group]) for group in groups])
        scores = np.empty_like(X)
        for group in groups:
            scores[group] = normal_scores(X[group], random_state)
        return self._remove_colour(scores, codes)

    def inverse_transform(self, scores: np.ndarray, code: int) -> np.ndarray:
        """Rows of class `code` that have the given scores.

        Parameters
        ----------
        scores : ndarray of shape (n_rows, n_features)
        code : int

        Returns
        -------
        ndarray of shape (n_rows, n_features)
        """
        probabilities = ndtr(scores @ self.colour_[code] + self.shift_[code])
        exponents = column_exponents(self.quantiles_[code])
        quantiles = np.ldexp(self.quantiles_[code], -exponents)
        grid = (np.arange(len(quantiles)) + 0.5) / len(quantiles)
        rows = np.empty_like(probabilities)
        for column, probability in enumerate(probabilities.T):
            if self.stepped_[code, column]:
                nearest = np.minimum((probability * len(quantiles)).astype(int), len(quantiles) - 1)
                rows[:, column] = quantiles[nearest, column]
            else:
                rows[:, column] = np.interp(probability, grid, quantiles[:, column])
        rows = np.ldexp(rows, exponents)
        for column in np.flatnonzero(self.decimals_ >= 0):
            rows[:, column] = np.round(rows[:, column], self.decimals_[column])
        return rows

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All learned attributes as named arrays for :func:`numpy.savez`."""
        arrays = {"stepped": self.stepped_, "colour": self.colour_, "shift": self.shift_, "decimals": self.decimals_}
        return arrays | {f"quantiles_{code}": values for code, values in enumerate(self.quantiles_)}

    def from_arrays(self, arrays: dict[str, np.ndarray]) -> ClassQuantileScaler:
        """Restore the attributes from the arrays of :meth:`to_arrays`."""
        self.stepped_, self.decimals_ = arrays["stepped"], arrays["decimals"]
        self.colour_, self.shift_ = arrays["colour"], arrays["shift"]
        self.quantiles_ = [arrays[f"quantiles_{code}"] for code in range(len(self.stepped_))]
        return self


def transport(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The symmetric matrix that gives rows of covariance `source` the covariance `target`, moving them the least."""
    root, inverse = _root(source, 0.5), _root(source, -0.5)
    return inverse @ _root(root @ target @ root, 0.5) @ inverse


def _root(matrix: np.ndarray, power: float) -> np.ndarray:
    """Power of a symmetric matrix; eigenvalues are raised to at least 1e-6, so that inverses stay finite."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(values, 1e-6) ** power) @ vectors.T


def _quantiles(X: np.ndarray) -> np.ndarray:
    """Sorted columns, reduced to at most MAX_QUANTILES evenly spaced rows, first and last included."""
    ordered = np.sort(X, axis=0)
    keep = np.linspace(0, len(ordered) - 1, min(len(ordered), MAX_QUANTILES)).round().astype(int)
    return ordered[keep]


def _has_few_values(X: np.ndarray) -> np.ndarray:
    """Whether each column has so few distinct values that interpolated ones would be implausible."""
    return np.array([len(np.unique(column)) <= max(2, MAX_VALUES_PER_ROW * len(X)) for column in X.T])


def normal_scores(X: np.ndarray, random_state: np.random.Generator) -> np.ndarray:
    """Normal scores of the ranks of each column; equal values are ranked in random order."""
    order = random_state.random(X.shape).argsort(axis=0)
    shuffled = np.take_along_axis(X, order, axis=0)
    ranks = np.empty_like(X)
    np.put_along_axis(ranks, order, rankdata(shuffled, method="ordinal", axis=0).astype(float), axis=0)
    return norm.ppf((ranks - 0.5) / len(X))
