"""SMOTE-NC for columns of very many categories, without one-hot codes of the rows that are drawn."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import OneHotEncoder

ROWS_AT_ONCE = 20_000  # whose neighbours' categories are held at once


def interpolate(
    table: np.ndarray, n_numbers: int, n_rows: int, k_neighbors: int, random_state: np.random.RandomState
) -> np.ndarray:
    """Draw rows between members of a class and their neighbours.

    A number lies between those of a random member and one of its neighbours; a category is the most frequent among all
    neighbours of the member, a tie being broken at random. :class:`imblearn.over_sampling.SMOTENC` draws in the same
    way, but needs memory for the one-hot codes of the neighbours of every row that it draws.

    Parameters
    ----------
    table : ndarray of shape (n_members, n_columns)
        The rows of the class: numbers first, then codes of categories.
    n_numbers : int
        Number of columns of numbers; at least one.
    n_rows : int
        Rows to draw.
    k_neighbors : int
        Neighbours of a member, which is not one of its own.
    random_state : RandomState

    Returns
    -------
    ndarray of shape (n_rows, n_columns)
    """
    neighbours = nearest(table, n_numbers, k_neighbors)
    numbers, codes = table[:, :n_numbers], table[:, n_numbers:]
    portions = [table[:0]]
    for start in range(0, n_rows, ROWS_AT_ONCE):
        size = min(ROWS_AT_ONCE, n_rows - start)
        members, columns = np.divmod(random_state.randint(0, neighbours.size, size), k_neighbors)
        towards = numbers[neighbours[members, columns]] - numbers[members]
        drawn = numbers[members] + random_state.uniform(size=(size, 1)) * towards
        portions.append(np.hstack([drawn, most_frequent(codes[neighbours[members]], random_state)]))
    return np.concatenate(portions)


def nearest(table: np.ndarray, n_numbers: int, k_neighbors: int) -> np.ndarray:
    """Positions of the neighbours of every row, of shape (n_members, k_neighbors), the nearest first.

    Two rows with different categories in a column are as far apart in it as the median standard deviation of the
    numbers (Chawla et al., 2002).
    """
    penalty = np.median(table[:, :n_numbers].std(axis=0))
    codes = OneHotEncoder().fit_transform(table[:, n_numbers:]) * (penalty / np.sqrt(2))  # two codes differ
    rows = sparse.hstack([sparse.csr_matrix(table[:, :n_numbers]), codes], format="csr")
    search = NearestNeighbors(n_neighbors=k_neighbors + 1).fit(rows)
    return search.kneighbors(rows, return_distance=False)[:, 1:]


def most_frequent(codes: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
    """Most frequent code of each row and column over the second axis of codes, of shape (n_rows, k, n_columns)."""
    counts = sum((codes == codes[:, [position]]).astype(np.float32) for position in range(codes.shape[1]))
    counts += 0.5 * random_state.uniform(size=counts.shape)  # less than 1: it decides among equal counts alone
    return np.take_along_axis(codes, counts.argmax(axis=1, keepdims=True), axis=1)[:, 0]
