"""Summary of a scored file: totals, the highest scores, and how good they are where the labels are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.parsing.labels import LabelCounts, known_labels, read_labels
from app.parsing.table import Table
from app.serving.served import OUTSIDE, Served
from app.views import notes
from app.views.words import words_of
from utils import metrics
from utils.serving.raw_columns import UNSEEN

MAX_TOP, MAX_POINTS, MAX_ERRORS = 500, 500, 100
ROLES = ("amount", "time")
EDGES = np.geomspace(1e-6, 1, 37)  # six bins to a power of ten


@dataclass(frozen=True)
class RowError:
    """Why a row cannot be scored."""

    row: int
    line: int | None
    """Null in Parquet."""
    error: str


@dataclass(frozen=True)
class Errors:
    """Rows that cannot be scored."""

    count: int
    first: list[RowError]
    """At most 100."""


@dataclass(frozen=True)
class Histogram:
    """Rows by probability."""

    edges: list[float]
    """One more than there are bins; the first bin holds smaller probabilities, too."""
    counts: list[int]


@dataclass(frozen=True)
class TopRow:
    """A row with a high probability."""

    row: int
    probability: float
    decision: str
    amount: float | None
    """Null if the model has no such column."""
    time: float | str | None
    """In the unit of the table, or text where times are dates; null for a gap, and if the model has no such column."""


@dataclass(frozen=True)
class Confusion:
    """Counts of true and false positives and negatives at the threshold."""

    tp: int
    fp: int
    fn: int
    tn: int


@dataclass(frozen=True)
class Quality:
    """How well the probabilities rank the rows whose label is known."""

    rows: int
    """Scored rows whose label was understood."""
    prevalence: float
    """Share of frauds among them."""
    average_precision: float
    """Step-wise area under the precision-recall curve; of rows with the same probability, frauds are ranked last."""
    tie_neutral_average_precision: float
    """Its mean over random orders of rows with the same probability; compare this one with chance, the prevalence."""
    recall: list[float]
    """At most 500 points of the curve."""
    precision: list[float]
    """At the same points."""
    confusion: Confusion


@dataclass(frozen=True)
class FileSummary:
    """Summary of a scored file."""

    model: str
    """Sampler, model and version."""
    threshold: float
    """Probability from which a row is an alert."""
    rows: int
    """Rows in the file."""
    scored: int
    """Rows with a probability."""
    errors: Errors
    alerts: int | None
    """Rows from the threshold on; null if none was scored."""
    amount_at_risk: float | None
    """Sum of the alerts' amounts, as far as they are known; null without an amount, or if no row was scored."""
    histogram: Histogram
    top: list[TopRow]
    """The highest probabilities, at most 500."""
    labels: LabelCounts | None
    """How the label's column was read; null if the file has none."""
    labelled: Quality | None
    """How good the scores are; null unless frauds and legitimate rows are labelled."""
    notes: list[str]
    """What is left out of the summary, and how the labels were read."""
    download: str
    """Address of all scored rows, which are kept for a limited time."""


def summarise(model: Served, table: Table, probability: NDArray[np.float64], *, download: str) -> FileSummary:
    """Summary of a file whose rows have these probabilities, NaN for those that cannot be scored.

    `download` is the address of all scored rows.
    """
    alert = probability >= model.model.threshold
    scored, words, schema = probability[~np.isnan(probability)], words_of(model.model.card), model.model.schema
    labels = None if table.label is None else read_labels(table.label, schema.positive, schema.negative)
    quality = labels and measure(labels.values, probability, model.model.threshold)
    return FileSummary(
        model=model.name,
        threshold=model.model.threshold,
        rows=len(probability),
        scored=len(scored),
        errors=Errors(len(table.errors), _first_errors(table)),
        alerts=int(alert.sum()) if len(scored) else None,
        amount_at_risk=_amount_at_risk(model, table, alert) if len(scored) else None,
        histogram=_histogram(scored),
        top=_top(model, table, probability),
        labels=labels and labels.counts(is_foreign=model.model.card.study is not None),
        labelled=quality,
        notes=[
            *notes.coverage_notes(alert, len(scored), MAX_TOP),
            *notes.amount_notes(_column(model, table, model.model.schema.amount), alert),
            *notes.decimal_notes(table),
            *table.readings,
            *table.notes,
            *notes.range_notes(_is_outside(model, table), model.columns),
            *(notes.label_notes(labels, probability, quality and quality.rows, words) if labels else []),
        ],
        download=download,
    )


def _is_outside(model: Served, table: Table) -> NDArray[np.bool_]:
    """Whether values of rows that can be scored lie outside the range of the training rows."""
    return model.is_outside(table.values) & table.readable[:, None]


def _histogram(scored: NDArray[np.float64]) -> Histogram:
    counts, _ = np.histogram(np.maximum(scored, EDGES[0]), EDGES)
    return Histogram(EDGES.tolist(), counts.tolist())


def _amount_at_risk(model: Served, table: Table, alert: NDArray[np.bool_]) -> float | None:
    amount = _column(model, table, model.model.schema.amount)
    return None if amount is None else round(float(np.nansum(amount[alert])), 2)


def _first_errors(table: Table) -> list[RowError]:
    return [RowError(row, *table.errors[row]) for row in sorted(table.errors)[:MAX_ERRORS]]


def _column(model: Served, table: Table, name: str | None) -> NDArray[np.float64] | None:
    return table.values[:, model.columns.index(name)] if name in model.columns else None


def _top(model: Served, table: Table, probability: NDArray) -> list[TopRow]:
    """The rows with the highest probabilities, the first row first where they are equal."""
    n_scored = len(probability) - len(table.errors)
    rows = np.argsort(-probability, kind="stable")[: min(MAX_TOP, n_scored)]  # NaN comes last
    amounts, times = (_values_at(model, table, getattr(model.model.schema, role), rows) for role in ROLES)
    return [
        TopRow(row + 1, value, model.decision(value), amount, time)
        for row, value, amount, time in zip(rows.tolist(), probability[rows].tolist(), amounts, times, strict=True)
    ]


def _values_at(
    model: Served, table: Table, name: str | None, rows: NDArray[np.int64] | slice = slice(None)
) -> list[float | str | None]:
    """Values of a column in some rows; None without the column, and for gaps."""
    column = _column(model, table, name)
    if column is None:
        return [None] * len(table.values[rows])
    described = next((raw for raw in model.raw if raw.name == name), None)
    return described.plain_all(column[rows]) if described else column[rows].tolist()


def measure(label: NDArray[np.float64], probability: NDArray, threshold: float) -> Quality | None:
    """How well the probabilities rank rows whose label is known; None unless both classes are among them."""
    y_true, y_score = known_labels(label, probability)
    if len(np.unique(y_true)) < 2:
        return None
    ranks, _ = metrics.ranks_of_positives(y_true, y_score)
    precision, recall = metrics.precision_recall(ranks)
    points = np.unique(np.linspace(0, len(ranks) - 1, MAX_POINTS).round().astype(int))
    return Quality(
        rows=len(y_true),
        prevalence=float(y_true.mean()),
        average_precision=metrics.average_precision(ranks),
        tie_neutral_average_precision=metrics.tie_neutral_average_precision(y_true, y_score),
        recall=recall[points].tolist(),
        precision=precision[points].tolist(),
        confusion=_confusion(y_score >= threshold, y_true == 1),
    )


def _confusion(alert: NDArray[np.bool_], fraud: NDArray[np.bool_]) -> Confusion:
    return Confusion(
        tp=int(np.sum(alert & fraud)),
        fp=int(np.sum(alert & ~fraud)),
        fn=int(np.sum(~alert & fraud)),
        tn=int(np.sum(~alert & ~fraud)),
    )


def every_row(model: Served, table: Table, probability: NDArray[np.float64]) -> pa.Table:
    """Every row of the file in order: number, probability, decision, error, time and amount, and a note."""
    n_rows, scored = len(probability), ~np.isnan(probability)
    decisions = np.where(probability >= model.model.threshold, "alert", "pass")
    errors = np.full(n_rows, None, dtype=object)
    for row, (line, reason) in table.errors.items():
        errors[row - 1] = reason if line is None else f"line {line}: {reason}"
    columns = {
        "row": pa.array(np.arange(1, n_rows + 1)),
        "probability": pa.array(probability, mask=~scored),
        "decision": pa.array(decisions, pa.string(), mask=~scored),
        "error": pa.array(errors, pa.string()),
    }
    for name in (model.model.schema.time, model.model.schema.amount):
        values = _column(model, table, name)
        if values is not None:
            cells = pa.array(_values_at(model, table, name)) if model.raw else pa.array(values, mask=np.isnan(values))
            columns[f"{name} of the file" if name in (*columns, "note") else name] = cells
    columns["note"] = _row_notes(model, table)
    return pa.table(columns)


def _row_notes(model: Served, table: Table) -> pa.Array:
    """What training did not have of each row's values; null for nothing."""
    outside: dict[int, list[str]] = {}
    for name, is_outside in zip(model.columns, _is_outside(model, table).T, strict=True):
        for position in np.flatnonzero(is_outside).tolist():
            outside.setdefault(position + 1, []).append(name)
    noted = {row: [f"{UNSEEN}: {', '.join(texts)}"] for row, texts in table.unseen.items()}
    for row, names in outside.items():
        noted.setdefault(row, []).append(f"{OUTSIDE}: {', '.join(names)}")
    return pa.array(
        ["; ".join(noted[row]) if row in noted else None for row in range(1, len(table.values) + 1)], pa.string()
    )
