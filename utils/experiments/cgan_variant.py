"""One variant of the GAN on one fold: fit, sample and evaluate. Worker processes of the ablation run this code."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from utils.backend import limit_threads
from utils.benchmark import ledger
from utils.benchmark.records import Row, Task
from utils.benchmark.run_task import all_folds, announced, fold_parts, load_dataset, provenance, training_rows
from utils.config import DatasetConfig, Profile, Protocol
from utils.data.loading import Dataset
from utils.data.splits import Fold
from utils.experiments.fidelity import JUDGE, N_REPEATS, RealRows, fidelity_report
from utils.experiments.judged_columns import JudgedColumns
from utils.samplers.cgan.conditional_gan import ConditionalGAN
from utils.samplers.cgan.config import GANConfig
from utils.seeding import child_seed, seeded


@dataclass(frozen=True)
class VariantResult:
    """Result of a variant of the GAN on one fold.

    Attributes
    ----------
    fidelity : dict of str to float
        Figures of `fidelity.fidelity_report`.
    fit_seconds : float
    rows_per_second : int
        Rows drawn per second.
    """

    fidelity: dict[str, float]
    fit_seconds: float
    rows_per_second: int


def real_rows(config: DatasetConfig, protocol: Protocol, n_repeats: int, fold_id: tuple[int, int]) -> RealRows:
    """Training and held-out rows of one fold, encoded as numbers for samplers and models."""
    return _encoded_rows(load_dataset(config), all_folds(config, protocol, n_repeats)[fold_id])


@lru_cache(maxsize=3)
def _encoded_rows(dataset: Dataset, fold: Fold) -> RealRows:
    train, (X_test, y_test) = training_rows(dataset, fold.train, seed=0), fold_parts(dataset, fold.test)
    encoded = train.encoded
    return RealRows(encoded.X, train.y.to_numpy(), encoded.encoder.transform(X_test), y_test.to_numpy())


@dataclass(frozen=True, eq=False)
class FoldTable:
    """Rows of one fold as a generator takes them and as its rows are judged.

    Attributes
    ----------
    table : DataFrame or array
        Features of the training rows, of a mixed table before they are encoded.
    rows : RealRows
        Frames of numbers: the features, of a mixed table as `JudgedColumns` gives them.
    encoder : fitted JudgedColumns or None
        None for a table of numbers.
    """

    table: pd.DataFrame | np.ndarray
    rows: RealRows
    encoder: JudgedColumns | None = None

    def as_numbers(self, synthetic: pd.DataFrame) -> pd.DataFrame:
        """Rows of a generator in the columns of `rows`."""
        return synthetic if self.encoder is None else self.encoder.transform(synthetic)


@lru_cache(maxsize=3)
def fold_table(dataset: Dataset, fold: Fold) -> FoldTable:
    """Training and held-out rows of one fold, not scaled; those of a mixed table are judged without their labels."""
    (X_train, y_train), (X_test, y_test) = fold_parts(dataset, fold.train), fold_parts(dataset, fold.test)
    if not dataset.config.is_mixed:
        return FoldTable(X_train, RealRows(X_train, y_train, X_test, y_test))
    encoder = JudgedColumns().fit(X_train)
    rows = RealRows(encoder.transform(X_train), y_train, encoder.transform(X_test), y_test)
    return FoldTable(X_train, rows, encoder)


def gan_config(profile: Profile, changes: dict[str, object] | None = None) -> GANConfig:
    """The GAN of a profile with some fields changed; `ratio` is left out, because it belongs to the sampler."""
    parameters = {**profile.parameters.get("cgan", {}), **(changes or {})}
    return GANConfig(**{name: value for name, value in parameters.items() if name != "ratio"})


def judge_params(profile: Profile) -> dict[str, object]:
    """Parameters of the judge, part of a row's key: `fidelity.JUDGE` with the profile's changes."""
    return {**JUDGE, **profile.parameters.get("judge", {})}


def report_options(profile: Profile) -> dict[str, object]:
    """Options of `fidelity.fidelity_report` that a profile sets, part of a row's key; defaults are left out."""
    repeats = {"n_repeats": profile.two_sample_repeats} if profile.two_sample_repeats != N_REPEATS else {}
    return {"judge": judge_params(profile), **repeats}


def run_variants(profile: Profile, tasks: list[Task], path: Path, n_jobs: int) -> list[Row[Task, VariantResult]]:
    """Fit, sample from and evaluate the GAN of each task; runs in one worker process."""
    limit_threads(n_jobs)
    rows = []
    for task in announced(tasks, path):
        rows.append(Row(task, _measure_variant(task, _fold_rows(profile, task.fold_id)), provenance()))
        ledger.append(path, rows[-1])
    return rows


def _fold_rows(profile: Profile, fold_id: tuple[int, int]) -> FoldTable:
    """Rows of a fold for the ablation: a table of numbers is scaled before the GAN sees it."""
    if not profile.dataset.is_mixed:
        real = real_rows(profile.dataset, profile.protocol, profile.n_repeats, fold_id)
        return FoldTable(real.X_train, real)
    folds = all_folds(profile.dataset, profile.protocol, profile.n_repeats)
    return fold_table(load_dataset(profile.dataset), folds[fold_id])


def _measure_variant(task: Task, fold: FoldTable) -> VariantResult:
    """Fit a GAN on the training rows of a fold, draw frauds from it, and measure them."""
    real = fold.rows
    params, report_params = dict(task.sampler.params), dict(task.model.params)
    n_synthetic = report_params.pop("n_synthetic")
    frauds_only = params.pop("frauds_only")
    config = GANConfig(**{name: tuple(value) if isinstance(value, list) else value for name, value in params.items()})
    y_train = np.asarray(real.y_train)
    mask = y_train == real.minority if frauds_only else np.ones(len(y_train), dtype=bool)
    gan = ConditionalGAN(config, random_state=child_seed(task.seed, "cgan"))
    start = time.perf_counter()
    with seeded(task.seed):
        gan.fit(fold.table[mask], y_train[mask])
    fit_end = time.perf_counter()
    drawn = gan.sample(n_synthetic, real.minority)
    draw_end = time.perf_counter()
    synthetic = fold.as_numbers(drawn)
    report = fidelity_report(real, synthetic, **report_params, random_state=child_seed(task.seed, "fidelity"))
    return VariantResult(
        fidelity={name: round(value, 6) for name, value in report.items()},
        fit_seconds=round(fit_end - start, 3),
        rows_per_second=round(n_synthetic / (draw_end - fit_end)),
    )
