"""The conditional GAN as an imbalanced-learn over-sampler."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_target_type
from scipy import sparse
from sklearn.utils import Tags, check_consistent_length
from sklearn.utils.validation import validate_data

from utils.samplers.cgan.conditional_gan import ConditionalGAN
from utils.samplers.cgan.config import GANConfig
from utils.samplers.cgan.scaler import MIN_ROWS
from utils.samplers.cgan.table import accepting_mixed_tables, is_mixed


class CGANSampler(BaseOverSampler):
    """Over-sampling with rows drawn from a conditional GAN that is fitted to the training rows.

    Every call of ``fit_resample`` trains a new GAN on the rows of that call and nothing else, so inside an
    imbalanced-learn ``Pipeline`` it never sees validation rows. Sparse input is made dense for training. A class
    with too few rows to learn from is left out of the training unless rows of it are to be drawn.

    Tables may have gaps and columns of categories, text, bools, dates and durations, as :class:`ConditionalGAN` says;
    these need no encoding before. Drawn rows keep the types and the categories of the table.

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
        The fitted GAN; None if no class needed rows.
    sampling_strategy_ : dict
        Rows to draw per class.
    n_features_in_ : int

    Raises
    ------
    ValueError
        In `fit_resample`, if a value is infinite or nested, a column has no value at all or a different category in
        every row, or a class to draw has fewer than 10 rows.
    DivergenceError
        In `fit_resample`, if a loss is no longer finite; lower the learning rate in this case.

    See Also
    --------
    ConditionalGAN : The generator alone: fit, draw rows of any class, save and load.
    GANConfig : Every setting, with its default.
    utils.samplers.peers.CTGANSampler : The generator of the `ctgan` package as an over-sampler.
    utils.samplers.peers.JitterSampler : Real rows plus noise, a baseline for generators.

    References
    ----------
    Mirza, M. and Osindero, S. (2014). Conditional generative adversarial nets.
    Gulrajani, I., Ahmed, F., Arjovsky, M., Dumoulin, V. and Courville, A. (2017). Improved training of Wasserstein
    GANs.

    Examples
    --------
    Balance two classes; training is kept far too short to learn anything:

    >>> import numpy as np
    >>> from sklearn.datasets import make_classification
    >>> from utils.samplers.cgan import CGANSampler, GANConfig
    >>> X, y = make_classification(200, weights=[0.9], flip_y=0, random_state=0)
    >>> config = GANConfig(latent_dim=8, hidden=(16,), updates=10, critic_steps=1, batch_size=32)
    >>> X_resampled, y_resampled = CGANSampler(config=config, random_state=0).fit_resample(X, y)
    >>> np.bincount(y).tolist(), np.bincount(y_resampled).tolist()
    ([181, 19], [181, 181])
    >>> bool((X_resampled[:200] == X).all())
    True

    A table with categories and gaps:

    >>> import pandas as pd
    >>> table = pd.DataFrame(X[:, :2], columns=["amount", "age"])
    >>> table["channel"] = pd.Categorical(np.where(X[:, 2] > 0, "web", "shop"))
    >>> table["age"] = table["age"].where(X[:, 3] > -1)
    >>> resampled, _ = CGANSampler(config=config, random_state=0).fit_resample(table, y)
    >>> resampled.dtypes.equals(table.dtypes), sorted(resampled["channel"][200:].unique())
    (True, ['shop', 'web'])
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

    def __sklearn_tags__(self) -> Tags:
        return accepting_mixed_tables(super().__sklearn_tags__())

    def _check_X_y(self, X: Any, y: Any, accept_sparse: list[str] | None = None) -> tuple[Any, np.ndarray, bool]:
        """Validate as every sampler does, but leave a mixed table as it is; the GAN checks its columns."""
        if not is_mixed(X):
            return super()._check_X_y(X, y, accept_sparse)
        if isinstance(X, pd.DataFrame) and X.columns.has_duplicates:
            name = X.columns[X.columns.duplicated()][0]
            raise ValueError(f"Column name {name!r} occurs more than once; give every column a name of its own.")
        y, is_one_vs_all = check_target_type(y, indicate_one_vs_all=True)
        validate_data(self, X=X, y=y, reset=True, skip_check_array=True)
        check_consistent_length(X, y)
        return X, np.asarray(y), is_one_vs_all

    def _fit_resample(
        self, X: np.ndarray | pd.DataFrame, y: np.ndarray, **params: Any
    ) -> tuple[np.ndarray | pd.DataFrame, np.ndarray]:
        """Original rows first and untouched, then the drawn rows class by class."""
        self.gan_ = None
        dense = X.toarray() if sparse.issparse(X) else X
        new_rows, new_labels = [dense], [y]
        for label, n_rows in self.sampling_strategy_.items():
            if n_rows == 0:
                continue
            if self.gan_ is None:
                selected = self._training_rows(y)
                self.gan_ = ConditionalGAN(self.config, self.random_state, self.verbose).fit(
                    dense[selected], y[selected]
                )
            new_rows.append(self.gan_.sample(n_rows, label))
            new_labels.append(np.full(n_rows, label, dtype=y.dtype))
        if sparse.issparse(X):
            new_rows = [sparse.csr_array(rows) for rows in new_rows[1:]]
            return sparse.vstack([X, *new_rows], format=X.format), np.concatenate(new_labels)
        if isinstance(X, pd.DataFrame):
            return pd.concat(new_rows, ignore_index=True), np.concatenate(new_labels)
        return np.concatenate(new_rows), np.concatenate(new_labels)

    def _training_rows(self, y: np.ndarray) -> np.ndarray | slice:
        """Rows of the classes that are large enough or to be drawn; a slice if these are all rows, to copy nothing."""
        classes, counts = np.unique(y, return_counts=True)
        requested = [label for label, n_rows in self.sampling_strategy_.items() if n_rows]
        selected = (counts >= MIN_ROWS) | np.isin(classes, requested)
        return slice(None) if selected.all() else np.isin(y, classes[selected])
