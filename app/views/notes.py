"""Sentences about a scored file: what its summary does not cover, and how its labels were read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from app.parsing.labels import Labels, known_labels
from app.parsing.table import Table
from app.serving.served import OUTSIDE
from app.views.words import TRANSACTIONS, a
from utils.data.reading import DECIMAL_POINT
from utils.study_file import Words
from utils.wording import capitalised, reword

REVERSED_BY = 4  # standard deviations of a random ranking below a ROC AUC of one half that are not put down to chance


def coverage_notes(alert: NDArray[np.bool_], n_scored: int, limit: int) -> list[str]:
    """What the totals and the list of the `limit` highest scores do not cover."""
    if not n_scored:
        rows = f"None of the {len(alert):,} rows could" if len(alert) > 1 else "The only row could not"
        return [f"{rows} be read, so nothing was scored."]
    if alert.sum() > limit:
        return [f"The list ends at {limit:,} of {int(alert.sum()):,} alerts; the download has all of them."]
    return []


def amount_notes(amount: NDArray[np.float64] | None, alert: NDArray[np.bool_]) -> list[str]:
    """How many alerts the sum of their amounts leaves out; arrays of shape (n_rows,)."""
    n_unknown = 0 if amount is None else int(np.sum(np.isnan(amount) & alert))
    if not n_unknown:
        return []
    n_alerts = _counted(int(alert.sum()), "alert")
    return [f"The amount at risk leaves out {n_unknown:,} of {n_alerts}, whose amount is missing."]


def range_notes(is_outside: NDArray[np.bool_], columns: Sequence[str]) -> list[str]:
    """How many scored rows have a value outside the range of the training rows, by column.

    Parameters
    ----------
    is_outside : array of shape (n_rows, n_columns)
        False for rows that were not scored.
    columns : sequence of str
    """
    counts = zip(columns, is_outside.sum(axis=0).tolist(), strict=True)
    listed = ", ".join(f"{name} ({count:,})" for name, count in counts if count)
    if not listed:
        return []
    return [f"Rows with values {OUTSIDE} were scored, too, so trust them less: {listed}."]


def decimal_notes(table: Table) -> list[str]:
    """How many rows could not be read because of decimal commas; a file has them in all rows or in none."""
    rows = sorted(row for row, (_, reason) in table.errors.items() if DECIMAL_POINT in reason)
    if not rows:
        return []
    line = table.errors[rows[0]][0]
    first = f"row {rows[0]:,}" if line is None else f"line {line:,}"
    return [
        f"{_counted(len(rows), 'row')} could not be read because of decimal commas, the first in {first}; "
        f"{DECIMAL_POINT}, 0.5 and not 0,5, and send the file again."
    ]


def label_notes(
    labels: Labels, probability: NDArray[np.float64], n_judged: int | None, words: Words = TRANSACTIONS
) -> list[str]:
    """How the labels were read, and which rows the scores are judged by, or why they cannot be judged.

    Parameters
    ----------
    labels : Labels
    probability : array of shape (n_rows,)
        NaN for rows that cannot be scored.
    n_judged : int or None
        Number of rows that the scores are judged by; None if they cannot be judged.
    words : Words
        What the classes are called.
    """
    notes = [reword(labels.note, words)] if labels.note else []
    if labels.not_understood:
        subject = "label was" if labels.not_understood == 1 else "labels were"
        notes.append(
            f"{labels.not_understood:,} {subject} not understood; write {labels.spelled[0]} for {a(words.positive)} "
            f"and {labels.spelled[1]} for {a(words.negative)} row."
        )
    n_rows = len(probability)
    if n_judged is None:
        return [*notes, _not_judged(labels, probability, words)]
    if n_judged < n_rows:
        notes.append(f"The scores are judged by {n_judged:,} of {n_rows:,} rows: those with a label and a probability.")
    return [*notes, *_swap_notes(*known_labels(labels.values, probability), words, labels.spelled[0])]


def _swap_notes(
    y_true: NDArray[np.float64], y_score: NDArray[np.float64], words: Words, positive_label: str
) -> list[str]:
    """A warning that the labels may be swapped: positives are not the rarer class, or have the lower probabilities."""
    n_positives, share = int(y_true.sum()), y_true.mean()
    n_negatives = len(y_true) - n_positives
    auc = roc_auc_score(y_true, y_score)
    chance = np.sqrt((len(y_true) + 1) / (12 * n_positives * n_negatives))  # Mann and Whitney, 1947
    reasons = []
    if share > 0.5:
        reasons.append(
            f"{n_positives:,} of {len(y_true):,} labelled rows are {words.positives}, which are usually the rarer class"
        )
    if auc < 0.5 - REVERSED_BY * chance:
        reasons.append(f"the model ranks {words.positives} below {words.negative} rows (ROC AUC {auc:.3f})")
    if not reasons:
        return []
    text = ", and ".join(reasons)
    correct = f"if the labels are swapped, write {positive_label} for {a(words.positive)} and send the file again"
    return [f"{capitalised(text)}; {correct}."]


def _not_judged(labels: Labels, probability: NDArray[np.float64], words: Words) -> str:
    """Why scores of rows with these labels cannot be judged."""
    known, _ = known_labels(labels.values, probability)
    if not len(known):
        label = "label that was understood" if labels.not_understood else "label"
        return f"No row has both a {label} and a probability, so the scores cannot be judged."
    single, plural, other = (
        (a(words.positive), words.positives, f"{words.negative} rows")
        if known[0]
        else (words.negative, words.negative, words.positives)
    )
    subject = (
        f"The only labelled row is {single}" if len(known) == 1 else f"All {len(known):,} labelled rows are {plural}"
    )
    return f"{subject}, so the scores cannot be judged; label the {other}, too."


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"
