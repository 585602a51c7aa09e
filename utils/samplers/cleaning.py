"""Cleaning by nearest neighbours that is fast enough for two hundred thousand rows."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from imblearn.under_sampling import EditedNearestNeighbours, TomekLinks
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import _safe_indexing

try:  # the same search, several times faster; x86-64 only
    from sklearnex.neighbors import NearestNeighbors as FastNeighbours
except ImportError:
    FastNeighbours = NearestNeighbors


N_PROBES = 8192


def distances(X: np.ndarray, among: np.ndarray, n_neighbors: int) -> np.ndarray:
    """Distances from each row of X to its nearest rows of `among`, of shape (n_rows, n_neighbors), nearest first.

    The search is brute force: with thirty columns no tree is faster.
    """
    search = FastNeighbours(n_neighbors=n_neighbors, algorithm="brute").fit(among)
    return search.kneighbors(X)[0]


class QuickTomekLinks(TomekLinks):
    """Tomek links as in imbalanced-learn, searched from the minority rows only.

    A link joins two rows of different classes that are each other's nearest neighbour. One of the two is a minority
    row, so it is enough to search the neighbours of the minority rows, and the neighbours of these: the same links
    from hundreds of searches instead of hundreds of thousands. This applies to two classes where the majority is
    cleaned; all other cases are left to imbalanced-learn.
    """

    def _fit_resample(self, X: np.ndarray, y: np.ndarray, **params: Any) -> tuple[np.ndarray, np.ndarray]:
        labels, counts = np.unique(y, return_counts=True)
        minority_label = labels[counts.argmin()]
        if set(self.sampling_strategy_) != set(labels) - {minority_label} or len(labels) != 2:
            return super()._fit_resample(X, y, **params)
        search = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(X)
        minority = np.flatnonzero(y == minority_label)
        partner = search.kneighbors(X[minority], return_distance=False)[:, 1]
        back = search.kneighbors(X[partner], return_distance=False)[:, 1]
        linked = partner[(back == minority) & (y[partner] != y[minority])]
        self.sample_indices_ = np.setdiff1d(np.arange(len(y)), linked)
        return _safe_indexing(X, self.sample_indices_), _safe_indexing(y, self.sample_indices_)


class QuickEditedNearestNeighbours(EditedNearestNeighbours):
    """Edited nearest neighbours as in imbalanced-learn, searched only for rows close to the other class.

    A row is dropped if one of its `n_neighbors` nearest rows is of the other class, that is, if the nearest row of
    the other class is closer than the last of its `n_neighbors` nearest rows of the same class. Only a few majority
    rows can be dropped: for the others, enough rows in a sample of their class are closer than any minority row.
    This applies to two classes that are both cleaned (`sampling_strategy="all"`), an integer `n_neighbors` and
    `kind_sel="all"`; all other cases are left to imbalanced-learn.
    """

    def _fit_resample(self, X: np.ndarray, y: np.ndarray, **params: Any) -> tuple[np.ndarray, np.ndarray]:
        labels = np.unique(y)
        cleans_both = len(labels) == 2 and set(self.sampling_strategy_) == set(labels)
        if not cleans_both or self.kind_sel != "all" or not isinstance(self.n_neighbors, Integral):
            return super()._fit_resample(X, y, **params)
        mask = np.ones(len(y), dtype=bool)
        for label in labels:
            members = np.flatnonzero(y == label)
            mask[members] = ~self._outvoted(X[members], X[y != label])
        self.sample_indices_ = np.flatnonzero(mask)
        return _safe_indexing(X, self.sample_indices_), _safe_indexing(y, self.sample_indices_)

    def _outvoted(self, members: np.ndarray, others: np.ndarray) -> np.ndarray:
        """For each row of a class, whether a row of the other class is among its nearest neighbours."""
        n_members = self.n_neighbors + 1  # a row is its own nearest neighbour
        nearest_other = distances(members, others, 1)[:, 0]
        probes = members[np.random.default_rng(0).permutation(members.shape[0])[:N_PROBES]]
        # Neighbours in a subset are never closer than in the whole class, so no row is missed.
        candidates = np.flatnonzero(nearest_other <= distances(members, probes, min(n_members, probes.shape[0]))[:, -1])
        outvoted = np.zeros(members.shape[0], dtype=bool)
        if candidates.size:
            within = distances(members[candidates], members, n_members)[:, -1]
            outvoted[candidates] = nearest_other[candidates] < within
        return outvoted
