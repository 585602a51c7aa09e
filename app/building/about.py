"""Describes a model for the pages: its label, example transactions, and ranges of its columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.building.scores import pair_label
from app.serving.model_files import KINDS, NEUTRAL_KINDS, About, Cell
from utils.config import DATA, DatasetConfig, load_profile
from utils.serving.bundle import FraudModel
from utils.serving.raw_columns import encode_rows
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
    values = raw_values(model, rows)
    if probability is None:
        probability = Scorer(model).predict(values)
    training = (rows if training is None else training)[columns]
    background = raw_values(model, training.sample(min(N_BACKGROUND, len(training)), random_state=0))
    typical = _typical_rows(rows[model.schema.label].to_numpy(), probability)
    kinds = NEUTRAL_KINDS if model.card.study else KINDS
    return About(
        source=source,
        label=label(model),
        examples={kind: _plain(model, values[row]) for kind, row in zip(kinds, typical, strict=True)},
        ranges=_ranges(model, training),
        background=[[None if np.isnan(value) else value for value in row] for row in background.tolist()],
    )


def raw_values(model: FraudModel, rows: pd.DataFrame) -> NDArray[np.float64]:
    """Values of shape (n_rows, n_raw_columns) of raw rows."""
    return encode_rows(rows, model.raw) if model.raw else rows[list(model.raw_columns)].to_numpy(dtype=float)


def _plain(model: FraudModel, row: NDArray[np.float64]) -> dict[str, Cell]:
    """A row by column, for JSON."""
    values = row.tolist()
    if model.raw:
        values = [column.plain(value) for column, value in zip(model.raw, values, strict=True)]
    return dict(zip(model.raw_columns, values, strict=True))


def _ranges(model: FraudModel, training: pd.DataFrame) -> dict[str, tuple[Cell, Cell]]:
    """Smallest and largest value of each column that has an order."""
    if model.raw:
        ordered = [column for column in model.raw if column.minimum is not None]
        return {column.name: (column.plain(column.minimum), column.plain(column.maximum)) for column in ordered}
    limits = training.agg(["min", "max"])
    return {name: tuple(limits[name].tolist()) for name in model.raw_columns}


def _typical_rows(y: NDArray, probability: NDArray) -> list[int]:
    """Positions of the row with the median probability of the rare class, and of that of the other one."""
    rows = []
    for value in (1, 0):
        positions = np.flatnonzero(y == value)
        rows.append(int(positions[np.argsort(probability[positions], kind="stable")[len(positions) // 2]]))
    return rows


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
