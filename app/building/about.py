"""What the pages say of a model: its label, example transactions, ranges of its columns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.building.scores import pair_label
from utils.config import DATA, DatasetConfig, load_profile
from utils.serving.bundle import FraudModel
from utils.serving.scorer import Scorer

N_BACKGROUND = 40  # rows that estimated explanations are relative to


def describe(
    model: FraudModel, rows: pd.DataFrame, *, seen: pd.DataFrame | None = None, probability: NDArray | None = None
) -> dict[str, Any]:
    """Label, examples, ranges and background of a model; see `Served.about`.

    The examples are those whose probability is the median of their class, so neither was picked to impress.

    Parameters
    ----------
    rows : DataFrame of shape (n_rows, n_columns)
        Raw rows with the label, of both classes; two of them are the examples.
    seen : DataFrame, optional
        Raw rows that the model was trained on, if these are others.
    probability : array of shape (n_rows,), optional
        The model's own for these rows, if it is there already.
    """
    columns = list(model.raw_columns)
    if probability is None:
        probability = Scorer(model).predict(rows[columns].to_numpy(dtype=float))
    examples = {}
    for kind, value in (("fraud", 1), ("legitimate", 0)):
        of_class = np.flatnonzero(rows[model.schema.label] == value)
        typical = of_class[np.argsort(probability[of_class], kind="stable")[len(of_class) // 2]]
        examples[kind] = rows[columns].iloc[typical].to_dict()
    seen = (rows if seen is None else seen)[columns]
    limits = seen.agg(["min", "max"])
    background = seen.sample(min(N_BACKGROUND, len(seen)), random_state=0)
    return {
        "label": label(model),
        "examples": examples,
        "ranges": {name: limits[name].tolist() for name in columns},
        "background": background.to_numpy().tolist(),
    }


def label(model: FraudModel) -> str:
    """Model and sampler as the study prints them."""
    names = [model.card.get(role, {}).get("name", "unnamed") for role in ("sampler", "model")]
    return pair_label(*names, printed_names())


def printed_names() -> dict[str, str]:
    """How the study prints each sampler and classifier."""
    from utils.models.registry import MODELS
    from utils.samplers.registry import SAMPLERS

    return {name: entry.label for name, entry in (*SAMPLERS.items(), *MODELS.items())}


def located(schema: DatasetConfig) -> DatasetConfig:
    """A saved model's dataset where this machine has it: at the study's path if the names agree, else in `data`."""
    own = load_profile("full").dataset.path
    return replace(schema, path=own if own.name == schema.path.name else DATA / schema.path.name)
