"""Generators of other projects, fitted in a process of their own: PyTorch and TensorFlow abort where both are loaded.

Nothing here may import TensorFlow. The packages are those of the dependency group `peers`.
"""

from __future__ import annotations

import multiprocessing
import os
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec

import joblib
import numpy as np
import pandas as pd

from utils.samplers.ctgan_worker import exit_with_parent
from utils.seeding import seeded

LABEL, POSITIVE, NEGATIVE = "(label)", "positive", "negative"  # of rows of both classes
PORTION, MAX_PORTIONS = 1000, 100
PACKAGES = ("ctgan", "torch", "copulas", "rdt", "arfpy", "ForestDiffusion", "sdmetrics")


@dataclass(frozen=True, eq=False)
class PeerRequest:
    """Rows to fit a generator to, and how many to draw.

    Attributes
    ----------
    model : str
        Key of `FITS`.
    settings : dict
        Parameters of the model.
    rows : DataFrame
        Rows without gaps, see `PeerFrame.encoded`; of the positives, or of both classes with a column `LABEL`.
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


@dataclass(frozen=True, eq=False)
class DrawnRows:
    """Drawn rows, and the seconds of fitting: by the clock, and of the processor (unaffected by other load)."""

    rows: pd.DataFrame
    fit_seconds: float
    fit_cpu_seconds: float


Draw = Callable[[int], pd.DataFrame]


def start_worker() -> ProcessPoolExecutor:
    """A process that fits generators with one thread, and ends with this one.

    Raises
    ------
    ModuleNotFoundError
        If a package of the dependency group is missing.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise ModuleNotFoundError(
            f"The comparison over tables needs {', '.join(missing)}; install with "
            "`.venv/bin/uv sync --inexact --group peers`."
        )
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=context, initializer=_prepare, initargs=(os.getpid(),))


def _prepare(parent: int) -> None:
    import torch

    exit_with_parent(parent)
    torch.set_num_threads(1)


def fit_and_draw(request: PeerRequest) -> DrawnRows:
    """Fit a generator to the rows of a request, and draw from it."""
    # ctgan transforms long tables in one process per core, whatever the limit of the parent process.
    with seeded(request.seed), warnings.catch_warnings(), joblib.parallel_config(backend="sequential"):
        warnings.simplefilter("ignore")
        fit = FITS[request.model](request)  # imports are not timed
        start, start_cpu = time.perf_counter(), time.process_time()
        draw = fit()
        seconds = time.perf_counter() - start, time.process_time() - start_cpu
        return DrawnRows(draw(request.n_rows).reset_index(drop=True), *seconds)


def quality(real: pd.DataFrame, synthetic: pd.DataFrame, categories: list[str]) -> float:
    """Overall score of the quality report of `sdmetrics`, from 0 to 1: shapes of columns and trends of pairs."""
    from sdmetrics.reports.single_table import QualityReport

    kinds = {name: {"sdtype": "categorical" if name in categories else "numerical"} for name in real}
    report = QualityReport()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report.generate(real, synthetic, {"columns": kinds}, verbose=False)
    return float(report.get_score())


def _fit_ctgan(request: PeerRequest) -> Callable[[], Draw]:
    import ctgan

    model = getattr(ctgan, request.model)(enable_gpu=False, **request.settings)
    model.set_random_state(request.seed)

    def fit() -> Draw:
        model.fit(request.rows, request.discrete)
        return model.sample

    return fit


def _fit_conditional_ctgan(request: PeerRequest) -> Callable[[], Draw]:
    """CTGAN on both classes. It draws the label that it is asked for often, but not always: others are discarded."""
    import ctgan

    model = ctgan.CTGAN(enable_gpu=False, **request.settings)
    model.set_random_state(request.seed)

    def fit() -> Draw:
        model.fit(request.rows, [*request.discrete, LABEL])
        return draw

    def draw(n_rows: int) -> pd.DataFrame:
        portions: list[pd.DataFrame] = []
        while sum(map(len, portions)) < n_rows:
            if len(portions) == MAX_PORTIONS:
                raise ValueError(f"{PORTION * MAX_PORTIONS:,} rows have {sum(map(len, portions))} positives")
            drawn = model.sample(PORTION, LABEL, POSITIVE)
            portions.append(drawn[drawn[LABEL] == POSITIVE])
        return pd.concat(portions)[:n_rows].drop(columns=LABEL)

    return fit


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
        drawn = model.sample(n_rows)
        for name in request.rows:
            if name in encoders:
                drawn[name] = encoders[name].reverse_transform(drawn[[name]].clip(0, 1))[name]
            else:
                drawn[name] = drawn[name].clip(request.rows[name].min(), request.rows[name].max())
        return drawn

    return fit


def _fit_arf(request: PeerRequest) -> Callable[[], Draw]:
    """Whole numbers of few values are categories, as in the package that its authors wrote in R."""
    if not hasattr(np, "in1d"):  # arfpy 0.1.1 calls `isin` by the name that NumPy 2.4 removed
        np.in1d = np.isin  # noqa: NPY201
    from arfpy import arf

    rows = request.rows.astype(dict.fromkeys(request.discrete, "category"))

    def fit() -> Draw:
        model = arf.arf(rows, verbose=False, random_state=request.seed, **request.settings)
        model.forde()
        return model.forge

    return fit


def _fit_forest_diffusion(request: PeerRequest) -> Callable[[], Draw]:
    from benchmarks.generators.forest_diffusion import draw_from, fit_forest_diffusion

    def fit() -> Draw:
        model = fit_forest_diffusion(request.rows, request.categories, request.whole, request.seed, request.settings)
        return lambda n_rows: draw_from(model, request.rows, request.categories, n_rows)

    return fit


FITS = {
    "CTGAN": _fit_ctgan,
    "conditional CTGAN": _fit_conditional_ctgan,
    "TVAE": _fit_ctgan,
    "copula": _fit_copula,
    "ARF": _fit_arf,
    "ForestDiffusion": _fit_forest_diffusion,
}
