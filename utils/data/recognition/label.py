"""The two classes of a label in anybody's spelling: 'yes' and 'no', 0 and 1, -1 and 1, 'fraud' and 'genuine'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from utils.data.errors import DataError
from utils.data.reading.labels import label_texts, label_word, words_for_missing
from utils.data.reading.texts import MISSING, as_texts
from utils.wording import share_text

MIN_POSITIVES = 20
MAX_SHOWN = 3  # rows and values that a message names
MAX_LENGTH = 60  # characters of a value in a message
YES = {"1", "true", "yes", "y", "t", "positive", "pos", "bad", "fraud"}  # the positive of two equally frequent labels


@dataclass(frozen=True, eq=False)
class LabelSpellings:
    """How a label is spelled, and which rows are positive.

    Attributes
    ----------
    positive, negative : str
        Most frequent spelling of each class.
    negatives : tuple of str
        Spelling of every value that is not positive, the most frequent first.
    is_positive : array of bool of shape (n_rows,)
    notes : tuple of str
        How the positive class was determined.
    """

    positive: str
    negative: str
    is_positive: np.ndarray
    notes: tuple[str, ...]
    negatives: tuple[str, ...] = ()

    @property
    def detail(self) -> str:
        """The spellings of the two classes and how frequent the positive one is."""
        n_others = len(self.negatives) - 1
        second = f" or {_shown(self.negatives[1])}" if n_others == 1 else f" or one of {n_others:,} other values"
        others = f"{_shown(self.negative)}{second if n_others > 0 else ''}"
        share = share_text(int(self.is_positive.sum()), len(self.is_positive))
        return f"{_shown(self.positive)} in {share} of the rows, {others} in the others"

    def is_repeated_by(self, column: pd.Series) -> bool:
        """Whether a column of two values, of which one may be missing, divides the rows as the label does."""
        codes, _ = pd.factorize(column)
        is_other = codes != codes[0]
        return bool((is_other == (self.is_positive != self.is_positive[0])).all())


def label_spellings(column: pd.Series, positive: str | Sequence[str] | None = None) -> LabelSpellings:
    """The two classes of a label; the rarer one is positive, unless the user says which.

    Upper and lower case count as equal. If the user names the positive value or values, all others are negative.

    Raises
    ------
    DataError
        If a label is missing, there are not two classes, or the positive one is too rare or not the rarer one.
    """
    named = [positive] if isinstance(positive, str) else list(positive or ())
    codes, spellings = _merge_cases(label_texts(column, named))
    if (codes < 0).any():
        raise DataError(_missing(column, codes, spellings))
    counts = np.bincount(codes, minlength=len(spellings))
    if len(spellings) < 2:
        raise DataError(
            f"column '{column.name}': every row has the label {_shown(spellings[0])}; give a file with both classes."
        )
    chosen, notes = _positive_codes(column, codes, spellings, counts, named)
    is_positive = np.isin(codes, chosen)
    others = [code for code in np.argsort(-counts, kind="stable") if code not in chosen]
    negatives = tuple(spellings[code] for code in others)
    if not negatives:
        raise DataError(f"column '{column.name}': every row is positive; a file with both classes is needed.")
    notes += [
        f"The label '{word}' of column '{column.name}' is a class; elsewhere this word means a missing value."
        for word in spellings
        if word in MISSING
    ]
    result = LabelSpellings(spellings[chosen[0]], negatives[0], is_positive, tuple(notes), negatives)
    _check_counts(column, result)
    return result


def _missing(column: pd.Series, codes: np.ndarray, spellings: list[str]) -> str:
    """What is wrong with a label that is missing in some rows."""
    words = words_for_missing(column)
    listed = " and ".join(f"'{word}'" for word in words[:MAX_SHOWN])
    if len(spellings) == 1 and len(words) > 1:
        return (
            f"column '{column.name}' has the label {_shown(spellings[0])} and, {_in_rows(codes < 0)}, {listed}, of "
            "which each may be a class or a missing label; write one word for the other class."
        )
    if len(spellings) == 1:
        return (
            f"column '{column.name}' has only the label {_shown(spellings[0])} and no label {_in_rows(codes < 0)}; "
            "if these rows are the other class, write a word for it in them."
        )
    explanation = f" ({listed} mean{'s' * (len(words) == 1)} a missing one)" if words else ""
    return f"column '{column.name}' has no label {_in_rows(codes < 0)}{explanation}; write it, or remove these rows."


def spell_codes(column: pd.Series) -> tuple[np.ndarray, list[str]]:
    """A code per row, -1 where the value is missing, and the most frequent spelling of each; case does not count."""
    return _merge_cases(as_texts(column))


def _merge_cases(texts: pa.Array) -> tuple[np.ndarray, list[str]]:
    encoded = texts.dictionary_encode()
    spellings = encoded.dictionary.to_pylist()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    lower = pc.utf8_lower(encoded.dictionary).dictionary_encode()
    if len(lower.dictionary) == len(spellings):
        return codes, spellings
    merged = lower.indices.to_numpy(zero_copy_only=False)
    counts = np.bincount(codes[codes >= 0], minlength=len(spellings))
    frequent = {int(merged[code]): spellings[code] for code in np.argsort(counts, kind="stable")}
    return np.append(merged, -1)[codes], [frequent[code] for code in range(len(frequent))]


def _positive_codes(
    column: pd.Series, codes: np.ndarray, spellings: list[str], counts: np.ndarray, names: list[str]
) -> tuple[list[int], list[str]]:
    """Codes of the positive class, and a note on how it was determined."""
    if names:
        known_codes = {spelling.lower(): code for code, spelling in enumerate(spellings)}
        positions = [known_codes.get(name.strip().lower(), known_codes.get(label_word(name).lower())) for name in names]
        if None in positions:
            listed = ", ".join(map(_shown, spellings[: MAX_SHOWN * 2]))
            absent = _shown(names[positions.index(None)])
            raise DataError(f"column '{column.name}' has no label {absent}; name one of its values, such as {listed}.")
        others = {spelling: int(counts[code]) for code, spelling in enumerate(spellings) if code not in positions}
        return positions, [_others_note(column, spellings[positions[0]], others)] if len(others) > 1 else []
    if len(spellings) > 2:
        third = np.argsort(-counts, kind="stable")[2]
        raise DataError(
            f"column '{column.name}' has {len(spellings):,} values and a label needs two: the third, "
            f"{_shown(spellings[third])}, stands {_in_rows(codes == third)}; correct it, or name the positive value."
        )
    rarer = int(np.argmin(counts))
    if counts[0] == counts[1]:
        rarer = next((code for code in (0, 1) if spellings[code].lower() in YES), rarer)
    reason = (
        f"as frequent as {_shown(spellings[1 - rarer])}; name the other one as positive if it is the one to find"
        if counts[0] == counts[1]
        else f"rarer than {_shown(spellings[1 - rarer])}"
    )
    note = f"The label {_shown(spellings[rarer])} of column '{column.name}' is the positive class, as it is {reason}."
    return [rarer], [note]


def _others_note(column: pd.Series, positive: str, others: Mapping[str, int]) -> str:
    """A sentence on the values that count as negative, with the rows of each, and what to do if one should not."""
    frequent = sorted(others, key=others.get, reverse=True)
    listed = ", ".join(f"{_shown(word)} in {_rows(others[word])}" for word in frequent[: MAX_SHOWN * 2])
    suffix = f" and {len(others) - MAX_SHOWN * 2:,} more" if len(others) > MAX_SHOWN * 2 else ""
    return (
        f"The other {len(others):,} values of column '{column.name}' are negative: {listed}{suffix}; list those that "
        f"mean the same as {_shown(positive)} under `positive` instead of `negative` in the study's file."
    )


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def _check_counts(column: pd.Series, label: LabelSpellings) -> None:
    n_positives, n_rows = int(label.is_positive.sum()), len(label.is_positive)
    if n_positives < MIN_POSITIVES:
        positive = _shown(label.positive)
        spelled = f", or write its other spellings as {positive}, too" if len(label.negatives) > 1 else ""
        raise DataError(
            f"column '{column.name}': only {n_positives} of {n_rows:,} rows have the label {positive}, and "
            f"{MIN_POSITIVES} are needed for five folds and a test set; add rows of this class{spelled}."
        )
    if n_positives > n_rows / 2:
        share = share_text(n_positives, n_rows, digits=0)
        raise DataError(
            f"column '{column.name}': {share} of the rows have the label {_shown(label.positive)}, and "
            f"the positive class must be the rarer one; name {_shown(label.negative)} as positive."
        )


def _shown(value: str) -> str:
    """A value of the label in quotes, on one line, and cut off if it is long."""
    line = " ".join(value.split())
    return f"'{line[:MAX_LENGTH]}...'" if len(line) > MAX_LENGTH else f"'{line}'"


def _in_rows(mask: np.ndarray) -> str:
    """'in rows 3, 7, 9 and 5 more', counted from 1 among the rows of data."""
    rows = np.flatnonzero(mask) + 1
    suffix = f" and {len(rows) - MAX_SHOWN:,} more" if len(rows) > MAX_SHOWN else ""
    return f"in row{'s' * (len(rows) > 1)} {', '.join(map(str, rows[:MAX_SHOWN]))}{suffix}"
