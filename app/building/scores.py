"""Scores of every pair of the study, read from the ledger when the model is written."""

from __future__ import annotations

import numpy as np
import pandas as pd

from app.serving.model_files import MeasuredPair, Score
from utils.analysis import bootstrap
from utils.benchmark import equal_classes, ledger
from utils.benchmark.tasks import grid
from utils.config import DatasetConfig, Profile, Study, load_profile
from utils.data.identity import identify
from utils.models.registry import models_without_sampler
from utils.reporting.tables import pair_text
from utils.serving.final_model import final_task


def measured_pairs(study: Study | DatasetConfig, labels: dict[str, str]) -> list[MeasuredPair]:
    """Every pair of sampler and model that the full study measured, else the quick one, with its average precision.

    Parameters
    ----------
    study : Study or DatasetConfig
        Whose ledger rows count, with the path of its file; a dataset is one of the credit-card study.
    labels : dict of str to str
        Printed names of samplers and models, in the order of the result.

    Returns
    -------
    list of MeasuredPair
        Intervals are from a bootstrap over the test rows. Empty if nothing was measured.
    """
    profile, table = measured_rows(study)
    if table.empty:
        return []
    order = {name: position for position, name in enumerate(labels)}
    keys = table.groupby(["sampler", "model"])["key"].agg(list)
    pairs = [
        MeasuredPair(
            sampler=row.sampler,
            model=row.model,
            label=pair_label(row.sampler, row.model, labels),
            keys=[*keys[row.sampler, row.model], final_task(profile, (row.sampler, row.model)).key],
            scores=Score(_rounded(row.mean), (_rounded(row.low), _rounded(row.high)), row.n_folds, profile.name),
        )
        for row in bootstrap.bootstrap_means(table).itertuples()
    ]
    return sorted(pairs, key=lambda pair: (order.get(pair.sampler, 99), order.get(pair.model, 99)))


def measured_rows(study: Study | DatasetConfig) -> tuple[Profile, pd.DataFrame]:
    """The run of a study whose results are shown and built on: the full one if it has any, else the quick one.

    Returns
    -------
    tuple of Profile and DataFrame
        The run, and its `development_rows`; these are empty if neither run has measured anything.
    """
    full = load_profile("full", study)
    table = development_rows(full)
    if len(table):
        return full, table
    quick = load_profile("quick", study)
    return quick, development_rows(quick)


def _rounded(value: float) -> float | None:
    return round(value, 6) if np.isfinite(value) else None


def finished_rows(profile: Profile) -> pd.DataFrame:
    """The profile's `development_rows` if every task of its grid is finished; otherwise none of them."""
    table = development_rows(profile)
    if table.empty:
        return table
    tasks = {task.key for task in grid(profile, identify(profile.dataset))}
    return table if tasks <= set(table["key"]) else table.iloc[:0]


def development_rows(profile: Profile) -> pd.DataFrame:
    """Ledger rows of the profile's dataset on development folds, the newest of each sampler, model and fold.

    Rows with equal classes count only where a sampler has no others.
    """
    table = ledger.frame(ledger.read(profile.results))
    if table.empty:
        return table
    identity = identify(profile.dataset)
    of_dataset = [(dataset.sha256, dataset.roles) == (identity.sha256, identity.roles) for dataset in table["dataset"]]
    of_folds = [split.kind == "development" for split in table["split"]]
    table = table[pd.Series(of_dataset, index=table.index) & pd.Series(of_folds, index=table.index)]
    table = equal_classes.label_ratios(table)
    table = table.sort_values("ratio", key=lambda ratios: ratios == equal_classes.SEARCHED, kind="stable")
    return table.drop_duplicates(["sampler", "model", "repeat", "fold"], keep="last").sort_index()


def pair_label(sampler: str, model: str, labels: dict[str, str]) -> str:
    """Model and sampler as the study prints them, such as 'XGBoost with CGAN'; a model that takes none by itself."""
    label = labels.get(model, model)
    return label if model in models_without_sampler() else pair_text(label, labels.get(sampler, sampler))
