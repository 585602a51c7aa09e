"""The Bayesian signed-rank test of baycomp, with the draws from its posterior in one product."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from baycomp import SignedRankTest
from numpy.typing import NDArray


@lru_cache(maxsize=32)
def _weights(n: int, prior: float, n_draws: int, seed: int) -> NDArray[np.float64]:
    """Draws of the weights of a pseudo-observation and the others, by baycomp's generator; most calls want the same."""
    return np.random.RandomState(seed).dirichlet([prior] + [1] * (n - 1), n_draws)


class SignedRank(SignedRankTest):
    """baycomp's test (Benavoli et al., 2014) without its loop over the draws: the same draws, ten times as fast."""

    @classmethod
    def sample(
        cls, x: NDArray, y: NDArray, rope: float, *, prior: float, nsamples: int, random_state: int
    ) -> NDArray[np.float64]:
        """Draws of the probabilities that an average of two differences is below -rope, within it, above it.

        Parameters
        ----------
        x, y : arrays of shape (n,)
            Scores whose differences y - x are judged.
        rope : float
            Differences within it do not matter; above 0.
        prior : float
            Weight of the pseudo-observation without a difference.
        nsamples, random_state : int

        Returns
        -------
        array of shape (nsamples, 3)
        """
        differences = np.concatenate([[0], y - x])
        sums = differences[:, None] + differences
        weights = _weights(len(differences), prior, nsamples, random_state)
        below, above = (
            ((weights @ np.heaviside(signed - 2 * rope, 0.5)) * weights).sum(axis=1) for signed in (-sums, sums)
        )
        return np.column_stack([below, 1 - below - above, above])
