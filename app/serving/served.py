"""A model that the server answers with: loaded and verified once, then only read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.parsing.mixed_bodies import as_batch
from app.parsing.records import Batch
from app.serving.model_files import (
    EXAMPLES,
    About,
    Cell,
    Figure,
    MeasuredPair,
    Score,
    read_about,
    read_scores,
    read_statistics,
)
from utils.serving import bundle
from utils.serving.bundle import BundleError, CardFile, FraudModel
from utils.serving.card import Card
from utils.serving.explanations import Explainer
from utils.serving.raw_columns import RawColumn
from utils.serving.scorer import Scorer

OUTSIDE = "outside the range of the training rows"


@dataclass(frozen=True)
class Contribution:
    """What the value of a column adds to the log odds of a row."""

    feature: str
    """A column."""
    value: float | str | None
    """Value of the row in this column; null for a gap."""
    contribution: float
    """What the value adds to the log odds (SHAP value)."""


@dataclass(frozen=True)
class Explanation:
    """Why a row has its probability: base and contributions add up to the log odds of it."""

    base: float
    """Mean log odds of training rows, from which the contributions start."""
    contributions: list[Contribution]
    """One per column, the largest first."""
    estimated: bool = False
    """Whether the contributions are estimates, whose error is usually a few percent of the largest."""


class ScoredRow(NamedTuple):
    """The answer for one row: its probability and decision, or the reason why it cannot be scored.

    A tuple, because a request may have 50,000 rows and a frozen dataclass takes twice as long to create.

    Attributes
    ----------
    row : int
        Number of the row, from 1.
    probability : float or None
    decision : {'alert', 'pass'} or None
    error : str or None
    notes : list of str or None
        What a reader of the score has to know.
    """

    row: int
    probability: float | None = None
    decision: str | None = None
    error: str | None = None
    notes: list[str] | None = None


@dataclass(frozen=True)
class ModelDescription:
    """A model that can be chosen."""

    name: str
    """Name to choose it by."""
    model: str
    """Sampler, model and version, as in predictions."""
    version: str
    """Start of the SHA-256 of its card."""
    label: str
    """Model and sampler in words."""
    source: str
    """Where the model comes from."""
    threshold: float
    """Probability from which a row is an alert."""
    columns: list[str]
    """Columns that a row must have."""
    ranges: dict[str, tuple[int | float | str, int | float | str]]
    """Smallest and largest value in the training rows, by column; categories have none."""
    examples: dict[str, dict[str, Cell]]
    """A typical row of each class."""
    card: Card
    """Methods, parameters and scores."""
    scores: Score | None
    """Scores of exactly this model in the study; null if it has none."""
    schema: list[RawColumn] | None = None
    """Kind and values of each column of a table with categories, dates or gaps."""


@dataclass(frozen=True, eq=False)
class Served:
    """A verified model with what the pages show beside it.

    Attributes
    ----------
    model : FraudModel
        Gives the probabilities.
    version : str
        Start of the hash of the model's card, which lists the hashes of its files.
    about : About
    statistics : list of Figure
        Empty if there are none.
    scores : list of MeasuredPair
        What the study measured of every pair.
    """

    model: FraudModel
    version: str
    about: About
    statistics: list[Figure] = field(default_factory=list)
    scores: list[MeasuredPair] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Sampler, model and version, such as 'cgan+rf@0123456789ab'; models that score differently differ in it."""
        return f"{self.model.card.pair}@{self.version}"

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that a row must have."""
        return self.model.raw_columns

    @property
    def raw(self) -> tuple[RawColumn, ...]:
        """Descriptions of these columns; empty for a table of numbers."""
        return self.model.raw

    @property
    def amount_unit(self) -> str | None:
        """Unit of the amounts, such as 'EUR', if the study's file names one."""
        return next((column.unit for column in self.raw if column.name == self.model.schema.amount), None)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of the examples: that of the rare class comes first."""
        return tuple(self.about.examples)

    @cached_property
    def scorer(self) -> Scorer:
        """Scores arrays of raw values."""
        return Scorer(self.model)

    @cached_property
    def _explainer(self) -> Explainer:
        return Explainer(self.scorer, np.array(self.about.background, dtype=float))

    def probability(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated probability of the rare class per row of values in the order of `columns`."""
        return self.scorer.predict(values)

    def decision(self, probability: float) -> str:
        """'alert' from the threshold on, else 'pass'."""
        return "alert" if probability >= self.model.threshold else "pass"

    def score(self, batch: Batch) -> list[ScoredRow]:
        """One answer per row of the batch, in order."""
        values = np.array(list(batch.values.values()), dtype=float)
        probabilities = self.probability(values).tolist() if len(values) else []
        threshold, notes = self.model.threshold, self._notes(batch, values)
        answers = [
            ScoredRow(row, probability, "alert" if probability >= threshold else "pass", notes=notes.get(row))
            for row, probability in zip(batch.values, probabilities, strict=True)
        ]
        if batch.errors:
            answers += [ScoredRow(row, error=reason) for row, reason in batch.errors.items()]
            answers.sort(key=attrgetter("row"))
        return answers

    def _notes(self, batch: Batch, values: NDArray[np.float64]) -> dict[int, list[str]]:
        """What a reader of each row's score has to know; rows without a note are left out."""
        if not len(values) or not (is_outside := self.is_outside(values)).any():
            return batch.notes
        rows, notes = np.array(list(batch.values)), {row: list(texts) for row, texts in batch.notes.items()}
        for position in np.flatnonzero(is_outside.any(axis=0)):
            is_row, name = is_outside[:, position], self.columns[position]
            cells = values[is_row, position]
            cells = self.raw[position].plain_all(cells) if self.raw else cells.tolist()
            for row, cell in zip(rows[is_row].tolist(), cells, strict=True):
                notes.setdefault(row, []).append(f"{name}: {_printed(cell)} is {OUTSIDE}")
        return notes

    def explain(self, values: list[list[float]]) -> list[Explanation]:
        """Why each row has its probability; rows are lists of values in the order of `columns`."""
        explained = self._explainer.explain(np.array(values, dtype=float))
        return [
            Explanation(base, self._contributions(row, contributions), not self.explained_exactly)
            for row, (base, contributions) in zip(values, explained, strict=True)
        ]

    def _contributions(self, row: list[float], contributions: list[float]) -> list[Contribution]:
        if self.raw:
            row = [column.plain(value) for column, value in zip(self.raw, row, strict=True)]
        by_column = map(Contribution, self.columns, row, contributions)
        return sorted(by_column, key=lambda column: -abs(column.contribution))

    @property
    def explained_exactly(self) -> bool:
        """Whether explanations are exact rather than estimated, which takes thousands of times longer."""
        return self._explainer.exact

    @cached_property
    def _limits(self) -> NDArray[np.float64]:
        """Smallest and largest value of each column in the training rows, of shape (2, n_columns); NaN without any.

        The time has no largest one, unless it is a feature as it is: what is scored comes after the training rows.
        """
        if self.raw:
            limits = np.array([(column.minimum, column.maximum) for column in self.raw], dtype=float).T
        else:
            limits = np.array([self.about.ranges[name] for name in self.columns], dtype=float).T
        schema = self.model.schema
        if schema.time in self.columns and not schema.raw_time:
            limits[1, self.columns.index(schema.time)] = np.inf
        return limits

    def is_outside(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether values of shape (n_rows, n_columns) lie outside the range of the training rows.

        A gap and a category do not.
        """
        low, high = self._limits
        return (values < low) | (values > high)

    def unusual(self, values: list[float]) -> list[str]:
        """Columns whose value lies outside the range of the training rows."""
        is_outside = self.is_outside(np.array(values, dtype=float))
        return [name for name, outside in zip(self.columns, is_outside, strict=True) if outside]

    def describe(self, name: str) -> ModelDescription:
        """What the API says about the model, which can be chosen by `name`."""
        saved = self.model
        return _describe(name, self.version, self.about, saved, self.scores)


def _printed(cell: float | str) -> str:
    return cell if isinstance(cell, str) else f"{cell:.12g}"


def scores_of(card: Card, pairs: list[MeasuredPair]) -> Score | None:
    """Scores of exactly the model that has this card, identified by its ledger key; None if it was not measured.

    Another model of the same name, with other parameters or from another run, has other scores.
    """
    return next((pair.scores for pair in pairs if card.ledger_key in pair.keys), None)


def describe_folder(folder: Path, pairs: list[MeasuredPair]) -> ModelDescription:
    """As `Served.describe`, for a pair in the folder of its name that is not loaded."""
    saved = bundle.read_card(folder)
    return _describe(folder.name, version_of(folder), read_about(folder), saved, pairs)


def _describe(
    name: str, version: str, about: About, saved: CardFile | FraudModel, pairs: list[MeasuredPair]
) -> ModelDescription:
    card = saved.card
    return ModelDescription(
        name=name,
        model=f"{card.pair}@{version}",
        version=version,
        label=about.label,
        source=about.source,
        threshold=saved.threshold,
        columns=[column.name for column in saved.raw] or list(about.ranges),
        ranges=about.ranges,
        examples=about.examples,
        card=card,
        scores=scores_of(card, pairs),
        schema=list(saved.raw) or None,
    )


class NotLoadedError(BundleError):
    """For want of memory or room on a disk a model could not be loaded, which says nothing about the model."""


def load_served(folder: Path) -> Served:
    """Load and verify the model in `folder`; score and explain its examples, so that the first request is not slow.

    Raises
    ------
    BundleError
        If anything is missing, was changed, is not trusted, or does not fit together.
    """
    try:
        model = bundle.load(folder)
        served = Served(model, version_of(folder), read_about(folder), read_statistics(folder), read_scores(folder))
        _score_examples(served)
    except BundleError:
        raise
    except MemoryError:
        raise NotLoadedError(f"There is not enough memory to load {folder.name}.") from None
    except Exception as error:  # reading a damaged file may raise anything
        reason = error.strerror if isinstance(error, OSError) else repr(error)  # an OSError's text names the folder
        raise BundleError(f"{folder.name} cannot be served ({reason}); write the model again.") from error
    return served


def version_of(folder: Path) -> str:
    """Start of the hash of the card in a model's folder."""
    return hashlib.sha256((folder / bundle.CARD).read_bytes()).hexdigest()[:12]


def read_examples(served: Served) -> Batch:
    """The examples of a model as rows to score."""
    examples = [served.about.examples[kind] for kind in served.kinds]
    if served.raw:
        return as_batch(examples, served.raw)
    batch = Batch()
    for example in examples:
        batch.add(example, served.columns)
    return batch


def _score_examples(served: Served) -> None:
    batch = read_examples(served)
    for values in batch.values.values():
        served.unusual(values)
    if any(row.error or not 0 <= row.probability <= 1 for row in served.score(batch)):
        raise BundleError(f"The examples in {EXAMPLES} cannot be scored.")
    # Otherwise the first explanation would take seconds, as what estimates it must be imported.
    served.explain(list(batch.values.values())[:1])
