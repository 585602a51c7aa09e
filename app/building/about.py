"""Describes a model for the pages: its label, example transactions, and ranges of its columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.building.scores import pair_label
from app.model_files import About
from utils.config import DATA, DatasetConfig, load_profile
from utils.serving.bundle import FraudModel
from utils.serving.scorer import Scorer

N_BACKGROUND = 40  # rows that estimated explanations are relative to


def describe(
    model: FraudModel,
    source: str,
    rows: pd.DataFrame,
    *,
    training: pd.DataFrame | None = None,
    probability: NDArray | None = None,
) -> About:
    """What the pages show of a model.

    The example of a class is the row with the median probability of that class, so that it is a typical one.

    Parameters
    ----------
    source : str
        Where the model comes from.
    rows : DataFrame of shape (n_rows, n_columns)
        Raw rows with the label, of both classes; two of them are the examples.
    training : DataFrame, optional
        Raw rows that the model was trained on, if they are not `rows`.
    probability : array of shape (n_rows,), optional
        The model's probabilities of `rows`, if they are known already.
    """
    columns = list(model.raw_columns)
    if probability is None:
        probability = Scorer(model).predict(rows[columns].to_numpy(dtype=float))
    training = (rows if training is None else training)[columns]
    limits = training.agg(["min", "max"])
    background = training.sample(min(N_BACKGROUND, len(training)), random_state=0)
    return About(
        source=source,
        label=label(model),
        examples=_examples(rows[columns], rows[model.schema.label].to_numpy(), probability),
        ranges={name: tuple(limits[name].tolist()) for name in columns},
        background=background.to_numpy().tolist(),
    )


def _examples(rows: pd.DataFrame, y: NDArray, probability: NDArray) -> dict[str, dict[str, float]]:
    """The row with the median probability of each class."""
    examples = {}
    for kind, value in (("fraud", 1), ("legitimate", 0)):
        positions = np.flatnonzero(y == value)
        median = positions[np.argsort(probability[positions], kind="stable")[len(positions) // 2]]
        examples[kind] = rows.iloc[median].to_dict()
    return examples


def label(model: FraudModel) -> str:
    """Model and sampler as the study prints them."""
    return pair_label(*model.card.pair.split("+"), printed_names())


def printed_names() -> dict[str, str]:
    """How the study prints each sampler and classifier."""
    from utils.models.registry import MODELS
    from utils.samplers.registry import SAMPLERS

    return {name: entry.label for name, entry in (*SAMPLERS.items(), *MODELS.items())}


def located(schema: DatasetConfig) -> DatasetConfig:
    """The schema of a saved model with the path of its dataset here: the study's if the names agree, else in `data`."""
    study = load_profile("full").dataset.path
    return replace(schema, path=study if study.name == schema.path.name else DATA / schema.path.name)
