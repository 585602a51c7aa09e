"""Generators that the CGAN is compared with, as imbalanced-learn over-samplers.

Each is fitted to the rows of one class and draws new ones: jitter of real rows, a Gaussian copula, and the CTGAN
and TVAE of the `ctgan` package (Xu et al., 2019), which run in a separate process.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from abc import abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from scipy import sparse
from scipy.stats import norm
from sklearn.preprocessing import QuantileTransformer
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from utils.config import ROOT
from utils.samplers.cgan.scaler import as_type, column_decimals, column_exponents
from utils.samplers.optional import require_packages
from utils.seeding import child_seed

MAX_QUANTILES = 1000
CTGAN_PACKAGES = ("ctgan", "torch")


class PeerError(RuntimeError):
    """The process of a generator ended without returning rows."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """Rows of one class from a fitted generator, of shape (n_rows, n_features), and the seconds they took."""

    rows: np.ndarray
    fit_seconds: float
    draw_seconds: float


class PeerSampler(BaseOverSampler):
    """Base class: one generator for each class that needs rows, fitted to the rows of that class alone.

    Sparse input is made dense. Drawn values are rounded to the decimals of their column, if it has none or two.

    Attributes
    ----------
    seconds_ : dict
        (fit, draw) for each class that was drawn, without the time to start a process.
    sampling_strategy_ : dict
        Rows to draw per class.
    """

    min_rows: ClassVar[int] = 10

    def __init__(self, *, sampling_strategy: Any = "auto", random_state: Any = None) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.random_state = random_state

    @abstractmethod
    def _draw_class(self, rows: np.ndarray, n_rows: int, seed: int, label: Hashable) -> Drawn:
        """Fit a generator to `rows` and draw `n_rows` from it."""

    def _fit_resample(self, X: np.ndarray, y: np.ndarray, **params: Any) -> tuple[np.ndarray, np.ndarray]:
        """Original rows first and untouched, then the drawn rows class by class."""
        table = X.toarray() if sparse.issparse(X) else X
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        wanted = {label: n_rows for label, n_rows in self.sampling_strategy_.items() if n_rows}
        self.seconds_ = {}
        tables = [table]
        for label, n_rows in wanted.items():
            members = self._members(table, y, label).astype(float)
            exponents = column_exponents(members)
            drawn = self._draw_class(np.ldexp(members, -exponents), n_rows, child_seed(seed, label), label)
            self.seconds_[label] = (drawn.fit_seconds, drawn.draw_seconds)
            tables.append(_round_like(np.ldexp(drawn.rows, exponents), table))
        labels = np.repeat(np.array(list(wanted), dtype=y.dtype), list(wanted.values()))
        rows = np.concatenate(tables)
        return type(X)(rows) if sparse.issparse(X) else rows, np.concatenate([y, labels])

    def _members(self, table: np.ndarray, y: np.ndarray, label: Hashable) -> np.ndarray:
        """The rows of a class; an error if there are too few to fit a generator."""
        members = table[y == label]
        if len(members) < self.min_rows:
            raise ValueError(
                f"Class {label} has {len(members)} rows and {type(self).__name__} needs at least {self.min_rows}; "
                "use RandomOverSampler or collect more."
            )
        return members


class JitterSampler(PeerSampler):
    """Copies of real rows, drawn with replacement, plus Gaussian noise: a baseline for generators.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        As in every imbalanced-learn over-sampler.
    noise : float, default=0.1
        Standard deviation of the noise, as a fraction of each column's standard deviation within the class.
    random_state : int, RandomState or None, default=None
    """

    min_rows = 2
    _parameter_constraints: ClassVar[dict] = {
        **BaseOverSampler._parameter_constraints,
        "noise": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(self, *, sampling_strategy: Any = "auto", noise: float = 0.1, random_state: Any = None) -> None:
        super().__init__(sampling_strategy=sampling_strategy, random_state=random_state)
        self.noise = noise

    def _draw_class(self, rows: np.ndarray, n_rows: int, seed: int, label: Hashable) -> Drawn:
        start = time.perf_counter()
        generator = np.random.default_rng(seed)
        scale = self.noise * rows.std(axis=0)
        fitted = time.perf_counter()
        drawn = rows[generator.integers(len(rows), size=n_rows)]
        drawn = drawn + scale * generator.standard_normal(drawn.shape)
        return Drawn(drawn, fitted - start, time.perf_counter() - fitted)


class GaussianCopulaSampler(PeerSampler):
    """The distribution of each column, joined by the correlation of normal scores (Patki et al., 2016).

    Quantiles map each column to normal scores. New scores are drawn from a multivariate normal distribution with
    their correlation matrix and mapped back by the quantiles, within the range seen in training.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        As in every imbalanced-learn over-sampler.
    random_state : int, RandomState or None, default=None
    """

    _parameter_constraints: ClassVar[dict] = {
        **BaseOverSampler._parameter_constraints,
        "random_state": ["random_state"],
    }

    def _draw_class(self, rows: np.ndarray, n_rows: int, seed: int, label: Hashable) -> Drawn:
        start = time.perf_counter()
        n_quantiles = min(len(rows), MAX_QUANTILES)
        scaler = QuantileTransformer(n_quantiles=n_quantiles, output_distribution="normal", subsample=None)
        correlation = _correlation(scaler.fit_transform(rows))
        fitted = time.perf_counter()
        scores = np.random.default_rng(seed).multivariate_normal(
            np.zeros(rows.shape[1]), correlation, size=n_rows, method="eigh"
        )
        return Drawn(scaler.inverse_transform(scores), fitted - start, time.perf_counter() - fitted)


class _WorkerSampler(PeerSampler):
    """A model of the `ctgan` package, fitted in a process without TensorFlow."""

    model: ClassVar[str]
    _parameter_constraints: ClassVar[dict] = {
        **BaseOverSampler._parameter_constraints,
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "options": [dict, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        epochs: int = 300,
        options: dict[str, Any] | None = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy, random_state=random_state)
        self.epochs = epochs
        self.options = options

    def _draw_class(self, rows: np.ndarray, n_rows: int, seed: int, label: Hashable) -> Drawn:
        require_ctgan(type(self).__name__)
        parameters = {"epochs": int(self.epochs), **(self.options or {})}
        request = {"model": self.model, "parameters": parameters, "n_rows": int(n_rows), "seed": seed}
        drawn, facts = _run_worker(rows, request, f"{self.model} on the {len(rows)} rows of class {label}")
        if not np.isfinite(drawn).all():
            raise PeerError(f"{self.model} drew values of class {label} that are not finite; use fewer epochs.")
        return Drawn(drawn, facts["fit_seconds"], facts["draw_seconds"])


class CTGANSampler(_WorkerSampler):
    """Rows from a CTGAN (Xu et al., 2019): mode-specific scaling, packed critic, gradient penalty.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        As in every imbalanced-learn over-sampler.
    epochs : int, default=300
        Passes over the rows of the class; each is one generator update if the rows fit into one batch of 500.
    options : dict, default=None
        Further parameters of ``ctgan.CTGAN``, by name.
    random_state : int, RandomState or None, default=None
        An integer makes the rows repeatable on one machine with the same number of threads.

    Raises
    ------
    MissingPackageError
        In `fit_resample`, if `ctgan` or `torch` is not installed.
    PeerError
        In `fit_resample`, if the process that fits the model ends without rows.
    """

    model = "CTGAN"


class TVAESampler(_WorkerSampler):
    """Rows from a TVAE (Xu et al., 2019), a variational autoencoder with the scaling of CTGAN.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        As in every imbalanced-learn over-sampler.
    epochs : int, default=300
        Passes over the rows of the class.
    options : dict, default=None
        Further parameters of ``ctgan.TVAE``, by name.
    random_state : int, RandomState or None, default=None
        An integer makes the rows repeatable on one machine with the same number of threads.

    Raises
    ------
    MissingPackageError, PeerError
        As :class:`CTGANSampler`.
    """

    model = "TVAE"


def require_ctgan(user: str) -> None:
    """Raise a MissingPackageError if a package of CTGAN and TVAE is missing; `user` names what needs it."""
    require_packages(user, CTGAN_PACKAGES, group="ctgan")


def _run_worker(rows: np.ndarray, request: dict[str, Any], task: str) -> tuple[np.ndarray, dict[str, Any]]:
    """Rows drawn by the worker, with its seconds and threads; see `utils.samplers.ctgan_worker`."""
    sent = io.BytesIO()
    np.savez(sent, rows=rows, request=json.dumps(request))
    received = ask_worker("utils.samplers.ctgan_worker", sent.getvalue(), task, CTGAN_PACKAGES)
    with np.load(io.BytesIO(received), allow_pickle=False) as answer:
        return answer["drawn"], json.loads(str(answer["facts"]))


def ask_worker(module: str, sent: bytes, task: str, packages: Sequence[str]) -> bytes:
    """What a module that is run in a process of its own answers to `sent`.

    The worker has the same limit of threads as this process, and Ctrl-C ends both. Rows are sent through pipes, so no
    file is left behind if a process is killed.

    Parameters
    ----------
    module : str
        Its `main` takes the id of this process.
    sent : bytes
        Standard input of the process.
    task : str
        What it does, for errors.
    packages : sequence of str
        Whose versions may be the cause of an error.

    Raises
    ------
    PeerError
        If the process ends without an answer.
    """
    command = [sys.executable, "-m", module, str(os.getpid())]
    ended = subprocess.run(command, cwd=ROOT, input=sent, capture_output=True, check=False)
    if ended.returncode < 0:
        name = signal.Signals(-ended.returncode).name
        raise PeerError(f"{task} was ended by {name}; if nobody sent that signal, memory ran out: use fewer rows.")
    if ended.returncode or not ended.stdout:
        lines = ended.stderr.decode(errors="replace").strip().splitlines()
        cause = (lines or [f"exit status {ended.returncode}"])[-1]
        versions = " and ".join(packages)
        raise PeerError(f"{task} failed with '{cause}'; check its options and the versions of {versions}.")
    return ended.stdout


def _round_like(rows: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Drawn rows with the decimals and the type of the table that they are added to."""
    decimals = column_decimals(table)
    for n_decimals in (0, 2):
        rows[:, decimals == n_decimals] = np.round(rows[:, decimals == n_decimals], n_decimals)
    return as_type(rows, table.dtype)


def _correlation(scores: np.ndarray) -> np.ndarray:
    """Correlation matrix of normal scores; the row and column of a constant score, diagonal included, are zero."""
    # The scaler maps both ends of a column to 5.2 standard deviations, where two rows would outweigh hundreds.
    limit = norm.ppf(1 - 0.5 / len(scores))
    covariance = np.atleast_2d(np.cov(np.clip(scores, -limit, limit).T))
    deviation = np.sqrt(np.diag(covariance))
    deviation[deviation == 0] = 1.0
    return covariance / np.outer(deviation, deviation)
