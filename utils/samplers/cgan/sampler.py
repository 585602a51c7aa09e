"""The conditional GAN as an imbalanced-learn over-sampler."""

from __future__ import annotations

from typing import Any

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from scipy import sparse

from utils.samplers.cgan.conditional_gan import ConditionalGAN
from utils.samplers.cgan.config import GANConfig
from utils.samplers.cgan.scaler import MIN_ROWS


class CGANSampler(BaseOverSampler):
    """Over-sampling with rows drawn from a conditional GAN that is fitted to the training rows.

    The GAN is trained anew in every call of ``fit_resample``, on the rows it is given and nothing else, so
    inside an imbalanced-learn ``Pipeline`` it never sees validation rows. Sparse input is made dense for
    training. A class with too few rows to learn from is left out of the training if no row of it is to be drawn.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        As in every imbalanced-learn over-sampler.
    config : GANConfig, default=None
        None is ``GANConfig()``.
    random_state : int, RandomState or None, default=None
        An integer makes the drawn rows repeatable.
    verbose : int, default=0
        1 shows a progress bar with the losses.

    Attributes
    ----------
    gan_ : ConditionalGAN
        The fitted GAN; None when no class needed rows.
    sampling_strategy_ : dict
        Rows to draw per class.
    """

    def __init__(
        self,
        *,
        sampling_strategy: float | str | dict | Any = "auto",
        config: GANConfig | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.config = config
        self.random_state = random_state
        self.verbose = verbose

    def _fit_resample(self, X: np.ndarray, y: np.ndarray, **params: Any) -> tuple[np.ndarray, np.ndarray]:
        """Original rows first and untouched, then the drawn rows class by class."""
        self.gan_ = None
        dense = X.toarray() if sparse.issparse(X) else X
        new_rows, new_labels = [dense], [y]
        for label, n_rows in self.sampling_strategy_.items():
            if n_rows == 0:
                continue
            if self.gan_ is None:
                learnt = self._learnt_rows(y)
                self.gan_ = ConditionalGAN(self.config, self.random_state, self.verbose).fit(dense[learnt], y[learnt])
            new_rows.append(self.gan_.sample(n_rows, label))
            new_labels.append(np.full(n_rows, label, dtype=y.dtype))
        if sparse.issparse(X):
            new_rows = [sparse.csr_array(rows) for rows in new_rows[1:]]
            return sparse.vstack([X, *new_rows], format=X.format), np.concatenate(new_labels)
        return np.concatenate(new_rows), np.concatenate(new_labels)

    def _learnt_rows(self, y: np.ndarray) -> np.ndarray | slice:
        """Rows that the GAN learns from, without a copy if all: those of classes that are large or to be drawn."""
        classes, counts = np.unique(y, return_counts=True)
        asked = [label for label, n_rows in self.sampling_strategy_.items() if n_rows]
        learnt = (counts >= MIN_ROWS) | np.isin(classes, asked)
        return slice(None) if learnt.all() else np.isin(y, classes[learnt])
