"""Summary of a scored file: totals, the highest scores, and how good they are where the truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from app.parsing.labels import Labels, read_labels
from app.parsing.table import Table
from app.served import Served
from utils import metrics
from utils.data.reading import DECIMAL_POINT

MAX_TOP, MAX_POINTS, MAX_ERRORS = 500, 500, 100
CLASS_WORDS = (("legitimate", "legitimate", "frauds"), ("a fraud", "frauds", "legitimate rows"))
REVERSED_BY = 4  # standard deviations of a random ranking below a ROC AUC of one half that are not put down to chance
EDGES = np.geomspace(1e-6, 1, 37)  # six bins to a power of ten


def summarise(model: Served, table: Table, probability: NDArray[np.float64]) -> dict[str, Any]:
    """Totals of a file whose rows have these probabilities, NaN for those that cannot be scored; all JSON.

    The first bin of the histogram holds smaller probabilities, too. `notes` are sentences that a reader has to know.
    """
    alert = probability >= model.model.threshold
    scored = probability[~np.isnan(probability)]
    counts, _ = np.histogram(np.maximum(scored, EDGES[0]), EDGES)
    labels = None if table.label is None else read_labels(table.label)
    judged = None if labels is None else labelled(labels.values, probability, model.model.threshold)
    return {
        "model": model.name,
        "threshold": model.model.threshold,
        "rows": len(probability),
        "scored": len(scored),
        "errors": {"count": len(table.errors), "first": _first_errors(table)},
        "alerts": int(alert.sum()) if len(scored) else None,
        "amount_at_risk": _amount_at_risk(model, table, alert) if len(scored) else None,
        "histogram": {"edges": EDGES.tolist(), "counts": counts.tolist()},
        "top": _top(model, table, probability),
        "labels": None if labels is None else labels.counts,
        "labelled": judged,
        "notes": [
            *_coverage_notes(alert, scored),
            *_decimal_notes(table),
            *(_label_notes(labels, probability, judged) if labels else []),
        ],
    }


def _amount_at_risk(model: Served, table: Table, alert: NDArray[np.bool_]) -> float | None:
    amount = _column(model, table, model.model.schema.amount)
    return None if amount is None else round(float(amount[alert].sum()), 2)


def _coverage_notes(alert: NDArray[np.bool_], scored: NDArray[np.float64]) -> list[str]:
    """What the totals and the list of the highest scores do not cover."""
    if not len(scored):
        return [f"None of the {_counted(len(alert), 'row')} could be read, so nothing was scored."]
    if alert.sum() > MAX_TOP:
        return [f"The list ends at {MAX_TOP:,} of {int(alert.sum()):,} alerts; the download has all of them."]
    return []


def _decimal_notes(table: Table) -> list[str]:
    """That rows could not be read for their decimal commas, which a whole file has, or none of it."""
    rows = sorted(row for row, (_, reason) in table.errors.items() if DECIMAL_POINT in reason)
    if not rows:
        return []
    line = table.errors[rows[0]][0]
    return [
        f"{_counted(len(rows), 'row')} could not be read because of decimal commas, the first in line {line:,}; "
        f"{DECIMAL_POINT}, 0.5 and not 0,5, and send the file again."
    ]


def _label_notes(labels: Labels, probability: NDArray[np.float64], judged: dict[str, Any] | None) -> list[str]:
    """How the labels were read, and by which rows the scores are judged or why they are not."""
    notes = [labels.note] if labels.note else []
    if labels.not_understood:
        words = "label was" if labels.not_understood == 1 else "labels were"
        notes.append(
            f"{labels.not_understood:,} {words} not understood; write 1 for a fraud and 0 for a legitimate row."
        )
    n_rows = len(probability)
    if judged is None:
        return [*notes, _reason(labels.values[~np.isnan(probability)])]
    if judged["rows"] < n_rows:
        notes.append(
            f"The scores are judged by {judged['rows']:,} of {n_rows:,} rows: those with a label and a probability."
        )
    return [*notes, *_swap_notes(*known_labels(labels.values, probability))]


def _swap_notes(y_true: NDArray[np.float64], y_score: NDArray[np.float64]) -> list[str]:
    """That the two labels may be exchanged: frauds are not the rarer class, or have the lower probabilities."""
    n_positives, share = int(y_true.sum()), y_true.mean()
    n_negatives = len(y_true) - n_positives
    auc = roc_auc_score(y_true, y_score)
    chance = np.sqrt((len(y_true) + 1) / (12 * n_positives * n_negatives))  # Mann and Whitney, 1947
    reasons = []
    if share > 0.5:
        reasons.append(
            f"{n_positives:,} of {len(y_true):,} labelled rows are frauds, which are usually the rarer class"
        )
    if auc < 0.5 - REVERSED_BY * chance:
        reasons.append(f"the model ranks frauds below legitimate rows (ROC AUC {auc:.3f})")
    if not reasons:
        return []
    text = ", and ".join(reasons)
    return [f"{text[0].upper()}{text[1:]}; if the labels are swapped, write 1 for a fraud and send the file again."]


def _reason(label: NDArray[np.float64]) -> str:
    """Why scores of rows with these labels cannot be judged."""
    known = label[~np.isnan(label)]
    if not len(known):
        return "No row has both a label and a probability, so the scores cannot be judged."
    single, plural, other = CLASS_WORDS[int(known[0])]
    whose = (
        f"The only labelled row is {single}" if len(known) == 1 else f"All {len(known):,} labelled rows are {plural}"
    )
    return f"{whose}, so the scores cannot be judged; label the {other}, too."


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"


def _first_errors(table: Table) -> list[dict[str, Any]]:
    first = sorted(table.errors)[:MAX_ERRORS]
    return [{"row": row, "line": table.errors[row][0], "error": table.errors[row][1]} for row in first]


def _column(model: Served, table: Table, name: str | None) -> NDArray[np.float64] | None:
    return table.values[:, model.columns.index(name)] if name in model.columns else None


def _top(model: Served, table: Table, probability: NDArray) -> list[dict[str, Any]]:
    """The rows with the highest probabilities, the first row first where they are equal."""
    n_scored = len(probability) - len(table.errors)
    rows = np.argsort(-probability, kind="stable")[: min(MAX_TOP, n_scored)]  # NaN comes last
    columns = {name: _column(model, table, getattr(model.model.schema, name)) for name in ("amount", "time")}
    return [
        {
            "row": int(row) + 1,
            "probability": float(probability[row]),
            "decision": decision(probability[row], model),
            **{name: None if column is None else float(column[row]) for name, column in columns.items()},
        }
        for row in rows
    ]


def decision(probability: float, model: Served) -> str:
    """'alert' from the threshold on, else 'pass'."""
    return "alert" if probability >= model.model.threshold else "pass"


def known_labels(
    label: NDArray[np.float64], probability: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Label and probability of the rows that have both."""
    known = ~np.isnan(label) & ~np.isnan(probability)
    return label[known], probability[known]


def labelled(label: NDArray[np.float64], probability: NDArray, threshold: float) -> dict[str, Any] | None:
    """How well the probabilities rank rows whose label is known; None unless both classes are among them."""
    y_true, y_score = known_labels(label, probability)
    if len(np.unique(y_true)) < 2:
        return None
    ranks, _ = metrics.ranks_of_positives(y_true, y_score)
    precision, recall = metrics.precision_recall(ranks)
    points = np.unique(np.linspace(0, len(ranks) - 1, MAX_POINTS).round().astype(int))
    alert, fraud = y_score >= threshold, y_true == 1
    return {
        "rows": len(y_true),
        "prevalence": float(y_true.mean()),
        "average_precision": metrics.average_precision(ranks),
        "recall": recall[points].tolist(),
        "precision": precision[points].tolist(),
        "confusion": {
            "tp": int(np.sum(alert & fraud)),
            "fp": int(np.sum(alert & ~fraud)),
            "fn": int(np.sum(~alert & fraud)),
            "tn": int(np.sum(~alert & ~fraud)),
        },
    }


def every_row(model: Served, table: Table, probability: NDArray[np.float64]) -> pa.Table:
    """One row per row of the file, in order: number, probability, decision, error, and time and amount."""
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
            columns[f"{name} of the file" if name in columns else name] = pa.array(values, mask=np.isnan(values))
    return pa.table(columns)
