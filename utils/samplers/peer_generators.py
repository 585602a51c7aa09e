"""Adversarial random forests and the Gaussian copula of SDV, as their packages fit them to a frame without gaps.

Nothing here may import TensorFlow. The packages are those of the dependency group `peers`; they are imported when a
generator is fitted, in a process of its own (see `utils.samplers.peer_worker`).
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import joblib
import numpy as np
import pandas as pd
from scipy.stats import norm

from utils.samplers.peer_frame import PeerFrame
from utils.seeding import seeded

SCORES = np.linspace(-5, 5, 2001)  # normal scores between which the quantiles of many rows are interpolated
PORTION = 20_000  # rows that are drawn at once from a forest, which holds a line for each of their columns


@dataclass(frozen=True, eq=False)
class PeerRequest:
    """Rows to fit a generator to, and how many to draw.

    Attributes
    ----------
    model : str
        Name of the generator, such as 'ARF'.
    settings : dict
        Parameters of the model.
    rows : DataFrame
        Rows without gaps, see `PeerFrame.encoded`.
    categories, whole, discrete : list of str
        As in `PeerFrame`.
    n_rows, seed : int
    """

    model: str
    settings: dict[str, object]
    rows: pd.DataFrame
    categories: list[str]
    whole: list[str]
    discrete: list[str]
    n_rows: int
    seed: int

    @classmethod
    def of_frame(
        cls, frame: PeerFrame, model: str, n_rows: int, seed: int, settings: dict[str, object] | None = None
    ) -> PeerRequest:
        """Request for rows like those of a frame."""
        return cls(model, settings or {}, frame.encoded, frame.categories, frame.whole, frame.discrete, n_rows, seed)


@dataclass(frozen=True, eq=False)
class DrawnRows:
    """Drawn rows, and the seconds of fitting: by the clock, and of the processor (unaffected by other load)."""

    rows: pd.DataFrame
    fit_seconds: float
    fit_cpu_seconds: float


Draw = Callable[[int], pd.DataFrame]
Fit = Callable[[PeerRequest], Callable[[], Draw]]


def fit_and_draw(request: PeerRequest, generators: Mapping[str, Fit] | None = None) -> DrawnRows:
    """Fit a generator, one of `GENERATORS` by default, to the rows of a request, and draw from it."""
    # ctgan transforms long tables in one process per core, whatever the limit of the parent process.
    with seeded(request.seed), warnings.catch_warnings(), joblib.parallel_config(backend="sequential"):
        warnings.simplefilter("ignore")
        fit = (generators or GENERATORS)[request.model](request)  # imports are not timed
        start, start_cpu = time.perf_counter(), time.process_time()
        draw = fit()
        seconds = time.perf_counter() - start, time.process_time() - start_cpu
        return DrawnRows(draw(request.n_rows).reset_index(drop=True), *seconds)


def _fit_copula(request: PeerRequest) -> Callable[[], Draw]:
    """As in SDV, categories become uniform numbers; each number gets the best-fitting distribution of the package.

    SDV's default, a beta distribution for every number, fits some columns badly: of normal ones it makes too wide ones.
    """
    from copulas.multivariate import GaussianMultivariate
    from copulas.univariate import UniformUnivariate, Univariate
    from rdt.transformers import UniformEncoder

    encoders = {name: UniformEncoder() for name in request.categories}
    distributions = {name: UniformUnivariate if name in encoders else Univariate for name in request.rows}
    model = GaussianMultivariate(distribution=distributions, random_state=request.seed)

    def fit() -> Draw:
        numbers = request.rows.copy()
        for name, encoder in encoders.items():
            numbers[name] = encoder.fit_transform(request.rows[[name]], name)[name]
        model.fit(numbers)
        return draw

    def draw(n_rows: int) -> pd.DataFrame:
        if n_rows > len(SCORES):
            for univariate in model.univariates:
                univariate.percent_point = _interpolated(univariate.percent_point)
        drawn = model.sample(n_rows)
        for name in request.rows:
            if name in encoders:
                drawn[name] = encoders[name].reverse_transform(drawn[[name]].clip(0, 1))[name]
            else:
                drawn[name] = drawn[name].clip(request.rows[name].min(), request.rows[name].max())
        return drawn

    return fit


def _interpolated(percent_point: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """Quantiles between those of `SCORES`: the package looks for each quantile of a kernel estimate by bisection."""
    quantiles = percent_point(norm.cdf(SCORES))
    return lambda shares: np.interp(norm.ppf(shares), SCORES, quantiles)


def _fit_arf(request: PeerRequest) -> Callable[[], Draw]:
    """Whole numbers of few values are categories, as in the package that its authors wrote in R."""
    if not hasattr(np, "in1d"):  # arfpy 0.1.1 calls `isin` by the name that NumPy 2.4 removed
        np.in1d = np.isin  # noqa: NPY201
    from arfpy import arf

    rows = request.rows.astype(dict.fromkeys(request.discrete, "category"))

    def fit() -> Draw:
        model = arf.arf(rows, verbose=False, random_state=request.seed, **request.settings)
        model.forde()
        return lambda n_rows: pd.concat([model.forge(portion) for portion in _portions(n_rows)])

    return fit


def _portions(n_rows: int) -> list[int]:
    """Numbers of rows, at most `PORTION` each."""
    return [min(PORTION, n_rows - start) for start in range(0, n_rows, PORTION)]


GENERATORS: dict[str, Fit] = {"copula": _fit_copula, "ARF": _fit_arf}
