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

import pandas as pd

from utils.samplers import peer_generators
from utils.samplers.ctgan_worker import exit_with_parent
from utils.samplers.optional import require_packages
from utils.samplers.peer_generators import Draw, DrawnRows, PeerRequest

LABEL, POSITIVE, NEGATIVE = "(label)", "positive", "negative"  # of rows of both classes
PORTION, MAX_PORTIONS = 1000, 100
PACKAGES = ("ctgan", "torch", "copulas", "rdt", "arfpy", "ForestDiffusion", "sdmetrics")


def require_peers() -> None:
    """Raise a MissingPackageError if a package of the dependency group is missing."""
    require_packages("The comparison over tables", PACKAGES, group="peers")


def start_worker() -> ProcessPoolExecutor:
    """A process that fits generators with one thread, and ends with this one."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=context, initializer=_prepare, initargs=(os.getpid(),))


def _prepare(parent: int) -> None:
    import torch

    exit_with_parent(parent)
    torch.set_num_threads(1)


def fit_and_draw(request: PeerRequest) -> DrawnRows:
    """Fit one of `FITS` to the rows of a request, and draw from it."""
    return peer_generators.fit_and_draw(request, FITS)


def fit_and_time(request: PeerRequest) -> tuple[DrawnRows, float]:
    """As `fit_and_draw`, with the seconds of drawing."""
    seconds: list[float] = []

    def fit_model(request: PeerRequest) -> Callable[[], Draw]:
        fit = FITS[request.model](request)

        def fit_timed() -> Draw:
            draw = fit()

            def draw_timed(n_rows: int) -> pd.DataFrame:
                start = time.perf_counter()
                rows = draw(n_rows)
                seconds.append(time.perf_counter() - start)
                return rows

            return draw_timed

        return fit_timed

    return peer_generators.fit_and_draw(request, {request.model: fit_model}), seconds[0]


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
    **peer_generators.GENERATORS,
    "ForestDiffusion": _fit_forest_diffusion,
}
