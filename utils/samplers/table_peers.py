"""Generators of other projects for tables with categories and gaps: adversarial random forests and a Gaussian copula.

Each is fitted to the rows of one class, in a process of its own. Their packages are those of the dependency group
`peers`.

References
----------
Patki, N., Wedge, R. and Veeramachaneni, K. (2016). The Synthetic Data Vault.
Watson, D. S., Blesch, K., Kapar, J. and Wright, M. N. (2023). Adversarial random forests for density estimation and
generative modeling.
"""

from __future__ import annotations

import pickle
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from imblearn.over_sampling.base import BaseOverSampler
from sklearn.utils import check_random_state

from utils.samplers.optional import require_packages
from utils.samplers.peer_frame import PeerFrame
from utils.samplers.peer_generators import DrawnRows, PeerRequest
from utils.samplers.peers import ask_worker
from utils.seeding import child_seed

MIN_ROWS = 10  # of a class that a generator is fitted to


class TablePeerSampler(BaseOverSampler):
    """Base class: one generator for each class that needs rows, fitted to the rows of that class alone.

    A gap among categories is a category of its own, a gap among numbers is marked by a column; see
    :class:`utils.samplers.peer_frame.PeerFrame`.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        As in every imbalanced-learn over-sampler.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    sampling_strategy_ : dict
        Rows to draw per class.
    n_features_in_ : int
    """

    model: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]
    _parameter_constraints: ClassVar[dict] = {
        **BaseOverSampler._parameter_constraints,
        "random_state": ["random_state"],
    }

    def __init__(self, *, sampling_strategy: Any = "auto", random_state: Any = None) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.random_state = random_state

    def _check_X_y(self, X: Any, y: Any) -> tuple[Any, np.ndarray, bool]:
        """Accept a frame as it is; its columns may hold categories and gaps."""
        if not isinstance(X, pd.DataFrame):
            return super()._check_X_y(X, y, accept_sparse=False)
        self.n_features_in_, self.feature_names_in_ = X.shape[1], np.asarray(X.columns, dtype=object)
        return X, np.asarray(y), False

    def _fit_resample(self, X: Any, y: np.ndarray, **params: Any) -> tuple[Any, np.ndarray]:
        """Original rows first and untouched, then the drawn rows class by class."""
        require_packages(type(self).__name__, self.packages, group="peers")
        table = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X).rename(columns="column {}".format)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        wanted = {label: n_rows for label, n_rows in self.sampling_strategy_.items() if n_rows}
        drawn = [self._draw_class(table[y == label], n, child_seed(seed, label)) for label, n in wanted.items()]
        rows = pd.concat([table, *drawn], ignore_index=True)
        labels = np.repeat(np.array(list(wanted), dtype=y.dtype), list(wanted.values()))
        return rows if table is X else rows.to_numpy(), np.concatenate([y, labels])

    def _draw_class(self, members: pd.DataFrame, n_rows: int, seed: int) -> pd.DataFrame:
        """Rows like those of a class, with its columns and types."""
        if len(members) < MIN_ROWS:
            raise ValueError(
                f"A class has {len(members)} rows and {type(self).__name__} needs at least {MIN_ROWS}; "
                "use RandomOverSampler or collect more."
            )
        frame = PeerFrame(members.reset_index(drop=True))
        task = f"{self.model} on {len(members)} rows"
        request = PeerRequest.of_frame(frame, self.model, int(n_rows), seed)
        answer = pickle.loads(ask_worker("utils.samplers.peer_worker", pickle.dumps(request), task, self.packages))
        if not isinstance(answer, DrawnRows):
            raise ValueError(f"{task} failed with '{answer}'; use RandomOverSampler, or other columns.")
        return frame.decode(answer.rows).astype(members.dtypes.to_dict())


class ARFSampler(TablePeerSampler):
    """Rows from an adversarial random forest (Watson et al., 2023), of the `arfpy` package.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        As in every imbalanced-learn over-sampler.
    random_state : int, RandomState or None, default=None

    Raises
    ------
    MissingPackageError
        In `fit_resample`, if `arfpy` is not installed.
    ValueError
        In `fit_resample`, if a class has fewer than `MIN_ROWS` rows, or rows that the generator cannot be fitted to.
    PeerError
        In `fit_resample`, if the process of the generator is ended.
    """

    model = "ARF"
    packages = ("arfpy",)


class CopulaSampler(TablePeerSampler):
    """Rows from the Gaussian copula of SDV (Patki et al., 2016), of the `copulas` package.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        As in every imbalanced-learn over-sampler.
    random_state : int, RandomState or None, default=None

    Raises
    ------
    MissingPackageError, ValueError, PeerError
        As :class:`ARFSampler`; the packages are `copulas` and `rdt`.
    """

    model = "copula"
    packages = ("copulas", "rdt")
