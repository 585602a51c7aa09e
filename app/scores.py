"""What the study measured of every pair, read from the ledger when the model is written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from utils import ledger, stats
from utils.config import DatasetConfig, Profile, load_profile


def measured_pairs(schema: DatasetConfig, labels: dict[str, str]) -> list[dict[str, Any]]:
    """Every sampler and model of the full study, else of the quick one, with their average precision.

    Parameters
    ----------
    schema : DatasetConfig
        Of the dataset whose ledger rows count.
    labels : dict of str to str
        Printed names of samplers and models, in the order of the result.

    Returns
    -------
    list of dict
        `sampler`, `model`, `label`, and `scores`: the mean `average_precision` over `folds` development folds,
        its 95 % `interval` (bootstrap over the frauds) and the `profile`; None for what is no number. Empty if
        nothing was measured.
    """
    for profile in ("full", "quick"):
        table = development_rows(load_profile(profile, schema))
        if len(table):
            break
    else:
        return []
    order = {name: place for place, name in enumerate(labels)}
    found = [
        {
            "sampler": row.sampler,
            "model": row.model,
            "label": pair_label(row.sampler, row.model, labels),
            "scores": {
                "average_precision": _rounded(row.mean),
                "interval": [_rounded(row.low), _rounded(row.high)],
                "folds": row.n_folds,
                "profile": profile,
            },
        }
        for row in stats.bootstrap_means(table).itertuples()
    ]
    return sorted(found, key=lambda pair: (order.get(pair["sampler"], 99), order.get(pair["model"], 99)))


def _rounded(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None


def development_rows(profile: Profile) -> pd.DataFrame:
    """Ledger rows of the profile's dataset on development folds, the newest of each sampler, model and fold."""
    table = ledger.frame(ledger.read(profile.results))
    if table.empty:
        return table
    of_dataset = [dataset["name"] == profile.dataset.name for dataset in table["dataset"]]
    of_folds = [split["kind"] == "development" for split in table["split"]]
    table = table[pd.Series(of_dataset, index=table.index) & pd.Series(of_folds, index=table.index)]
    return table.drop_duplicates(["sampler", "model", "repeat", "fold"], keep="last")


def pair_label(sampler: str, model: str, labels: dict[str, str]) -> str:
    """Model and sampler as the study prints them, such as 'XGBoost, CGAN'."""
    printed = labels.get(sampler, sampler)
    return f"{labels.get(model, model)}, {printed.lower() if sampler == 'none' else printed}"
