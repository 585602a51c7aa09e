"""The generators that are compared over tables: name -> label, how it draws positives, and its settings."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd

from benchmarks.generators.peer_worker import LABEL, NEGATIVE, POSITIVE, fit_and_draw
from benchmarks.generators.tables import FOLDS, LabelledRows
from utils.backend import load_tensorflow
from utils.plan_file import read_plan
from utils.samplers.cgan.conditional_gan import ConditionalGAN
from utils.samplers.cgan.config import GANConfig
from utils.samplers.peer_frame import PeerFrame, decimals_of
from utils.samplers.peer_generators import DrawnRows, PeerRequest
from utils.samplers.registry import SAMPLERS
from utils.samplers.table_smote import TableSMOTE


class GeneratorError(RuntimeError):
    """A generator of another project failed; the message is its error, shortened."""


@dataclass(frozen=True)
class Method:
    """One generator.

    Attributes
    ----------
    name, label : str
        Key in `METHODS`, and name in tables.
    draw : callable
        `draw(train, n_rows, seed, settings, worker)` gives `DrawnRows` of the positive class. Another project's
        generator raises a GeneratorError if it fails.
    packages : tuple of str
        Distributions whose versions are recorded.
    settings : dict
    revision : int
        Raised when a change in this project changes what it draws.
    n_folds : int
        Folds on which it is measured.
    """

    name: str
    label: str
    draw: Callable[..., DrawnRows]
    packages: tuple[str, ...]
    settings: dict[str, object] = field(default_factory=dict)
    revision: int = 1
    n_folds: int = FOLDS


def _draw_cgan(train: LabelledRows, n_rows: int, seed: int, settings: dict[str, object], worker: Executor) -> DrawnRows:
    """From the study's CGAN, fitted to both classes."""
    load_tensorflow()  # its import is no part of a fit
    gan = ConditionalGAN(GANConfig(**settings), random_state=seed)
    start, start_cpu = time.perf_counter(), time.process_time()
    gan.fit(train.X, train.y)
    seconds = time.perf_counter() - start, time.process_time() - start_cpu
    return DrawnRows(gan.sample(n_rows, 1), *seconds)


def _draw_smote(
    train: LabelledRows, n_rows: int, seed: int, settings: dict[str, object], worker: Executor
) -> DrawnRows:
    """From SMOTE, SMOTE-NC or SMOTEN; numbers are standardised first, as neighbours need."""
    numbers = list(train.X.select_dtypes("number"))
    centre, scale = train.X[numbers].mean(), train.X[numbers].std(ddof=0).replace(0, 1.0)
    scaled = train.X.assign(**(train.X[numbers] - centre) / scale)
    smote = TableSMOTE(sampling_strategy={1: int(train.y.sum()) + n_rows}, random_state=seed, **settings)
    start, start_cpu = time.perf_counter(), time.process_time()
    drawn = smote.fit_resample(scaled, train.y)[0].iloc[len(scaled) :].reset_index(drop=True)
    seconds = time.perf_counter() - start, time.process_time() - start_cpu
    drawn[numbers] = drawn[numbers] * scale + centre
    return DrawnRows(_rounded(drawn, train.positives), *seconds)


def _draw_jitter(
    train: LabelledRows, n_rows: int, seed: int, settings: dict[str, object], worker: Executor
) -> DrawnRows:
    """Real positives drawn with replacement; numbers get noise, categories and gaps stay."""
    rng = np.random.default_rng(seed)
    real = train.positives
    start, start_cpu = time.perf_counter(), time.process_time()
    drawn = real.iloc[rng.integers(len(real), size=n_rows)].reset_index(drop=True)
    numbers = list(real.select_dtypes("number"))
    noise = float(settings["noise"]) * real[numbers].std(ddof=0).fillna(0.0).to_numpy()
    drawn[numbers] = drawn[numbers] + noise * rng.standard_normal((n_rows, len(numbers)))
    return DrawnRows(_rounded(drawn, real), time.perf_counter() - start, time.process_time() - start_cpu)


def _draw_peer(
    train: LabelledRows, n_rows: int, seed: int, settings: dict[str, object], worker: Executor, *, model: str
) -> DrawnRows:
    """From a generator of another project, fitted to the positives alone in the worker process."""
    frame = PeerFrame(train.positives)
    request = PeerRequest.of_frame(frame, model, n_rows, seed, settings)
    drawn = _fitted_and_drawn(request, worker)
    return DrawnRows(frame.decode(drawn.rows), drawn.fit_seconds, drawn.fit_cpu_seconds)


def _draw_conditional_peer(
    train: LabelledRows, n_rows: int, seed: int, settings: dict[str, object], worker: Executor, *, model: str
) -> DrawnRows:
    """From a generator of another project, fitted to both classes in the worker process."""
    frame = PeerFrame(train.X)
    rows = frame.encoded.assign(**{LABEL: np.where(train.y == 1, POSITIVE, NEGATIVE)})
    request = PeerRequest(model, settings, rows, frame.categories, frame.whole, frame.discrete, n_rows, seed)
    drawn = _fitted_and_drawn(request, worker)
    return DrawnRows(frame.decode(drawn.rows), drawn.fit_seconds, drawn.fit_cpu_seconds)


def _fitted_and_drawn(request: PeerRequest, worker: Executor) -> DrawnRows:
    """Rows from the worker process; a GeneratorError if the generator fails, but not if the machine does."""
    future = worker.submit(fit_and_draw, request)
    try:
        return future.result()
    except (BrokenProcessPool, MemoryError, OSError):  # of which the same call may succeed later
        raise
    except Exception as error:
        raise GeneratorError(f"{type(error).__name__}: {error}"[:300]) from error


def _rounded(drawn: pd.DataFrame, real: pd.DataFrame) -> pd.DataFrame:
    """Drawn rows with the decimals of the real columns."""
    return drawn.round({name: decimals_of(real[name]) for name in real.select_dtypes("number")})


def _peer(name: str, label: str, model: str, packages: tuple[str, ...], **settings: object) -> Method:
    return Method(name, label, partial(_draw_peer, model=model), packages, settings)


# With its defaults (50, 100, 100, 256) 40 encoded columns take over a quarter of an hour. On a table where both were
# tried, these settings did no worse.
QUICK_FOREST = {"n_t": 20, "duplicate_K": 10, "n_estimators": 20, "max_bin": 32}

METHODS = {
    method.name: method
    for method in (
        Method(
            "cgan_redesigned",
            "CGAN (ours)",
            _draw_cgan,
            ("tensorflow",),
            GANConfig(**read_plan().parameters["cgan"]).settings(),
            revision=SAMPLERS["cgan"].revision,
        ),
        Method(
            "cgan",
            "CGAN (ours), before its redesign",
            _draw_cgan,
            ("tensorflow",),
            GANConfig().settings(),
            revision=SAMPLERS["cgan"].revision,
        ),
        Method("smote", "SMOTE / SMOTE-NC / SMOTEN", _draw_smote, ("imbalanced-learn",), {"k_neighbors": 5}),
        _peer("ctgan", "CTGAN, 300 epochs", "CTGAN", ("ctgan", "torch"), epochs=300),
        Method(
            "ctgan_both",
            "CTGAN, 300 epochs, both classes",
            partial(_draw_conditional_peer, model="conditional CTGAN"),
            ("ctgan", "torch"),
            {"epochs": 300},
            n_folds=1,  # a variant that takes long
        ),
        _peer("tvae", "TVAE, 300 epochs", "TVAE", ("ctgan", "torch"), epochs=300),
        _peer("copula", "Gaussian copula", "copula", ("copulas", "rdt")),
        _peer("arf", "Adversarial random forest", "ARF", ("arfpy", "scikit-learn")),
        _peer("forest", "ForestDiffusion", "ForestDiffusion", ("ForestDiffusion", "xgboost"), **QUICK_FOREST),
        Method("jitter", "Jitter of real rows", _draw_jitter, ("numpy",), {"noise": 0.1}),
    )
}
