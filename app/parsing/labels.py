"""Reads the labels of a file, in the spellings that people use, as 0 (legitimate) and 1 (fraud)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from app.parsing.mixed import readable_numbers
from utils.data.reading.spelled_numbers import COMMA, POINT, to_floats
from utils.data.reading.texts import MISSING, TEXT, as_texts

FRAUD = {"1", "true", "t", "yes", "y", "fraud", "fraudulent"}
LEGITIMATE = {"0", "false", "f", "no", "n", "legitimate", "legit", "genuine", "normal"}
EMPTY = {word.casefold() for word in MISSING}
COUNTS, FOREIGN_COUNTS = ("frauds", "legitimate"), ("positives", "negatives")  # fields with the rows of each class
# Pairs of numbers of which either may mean fraud; the rarer one is taken as fraud.
EITHER = ({"-1", "1"}, {"1", "2"})


@dataclass(frozen=True)
class LabelCounts:
    """Number of rows by what their label says."""

    empty: int
    """Rows without a label."""
    not_understood: int
    """Rows with something else."""
    frauds: int | None = None
    """Rows with 1, true, yes, fraud or the like; of -1/1 and 1/2, with the rarer."""
    legitimate: int | None = None
    """Rows with 0, false, no, legitimate or the like; or with the more frequent."""
    positives: int | None = None
    """Rows of the class to find, in the spellings of the study."""
    negatives: int | None = None
    """Rows of the other class."""


@dataclass(frozen=True, eq=False)
class Labels:
    """A label per row, and how the cells were read.

    Attributes
    ----------
    values : array of shape (n_rows,)
        1 for a fraud, 0 for a legitimate row, NaN where the label is empty or was not understood.
    empty, not_understood : int
        Number of rows without a label, and with a label that has no known meaning.
    note : str
        A sentence on how the labels were read; empty if there is nothing to say.
    spelled : (str, str)
        How a fraud and a legitimate row are to be labelled.
    """

    values: NDArray[np.float64]
    empty: int
    not_understood: int
    note: str = ""
    spelled: tuple[str, str] = ("1", "0")

    def counts(self, *, is_foreign: bool = False) -> LabelCounts:
        """Number of rows by what their label says; only the credit-card study calls the classes by its own words."""
        names = FOREIGN_COUNTS if is_foreign else COUNTS
        numbers = (int(np.sum(self.values == value)) for value in (1, 0))
        return LabelCounts(self.empty, self.not_understood, **dict(zip(names, numbers, strict=True)))


def read_labels(
    cells: pa.Array | pa.ChunkedArray, positive: Sequence[str] = (), negative: Sequence[str] = ()
) -> Labels:
    """Labels from the cells of a file: text, numbers or truth values; null is empty.

    If `positive` lists the values of the rare class, and `negative` those of the other one, no further value is
    understood; without `negative`, any other value is of the other class. Without `positive`:
    The words of `FRAUD` and `LEGITIMATE` are understood in upper or lower case, and 0 and 1 in any notation. Of -1 and
    1, and of 1 and 2, the rarer one is the fraud; if both are equally frequent, neither is understood.
    """
    encoded = _encoded(cells)
    words = _words(encoded.dictionary.to_pylist())
    positions = encoded.indices.cast(pa.int64()).fill_null(len(words)).to_numpy(zero_copy_only=False)
    counts = np.bincount(positions, minlength=len(words) + 1)
    meaning, note = (_listed(words, positive, negative), "") if positive else _meaning(words, counts)
    by_word = np.array([*(meaning.get(word, np.nan) for word in words), np.nan])
    is_empty = np.array([*(word in EMPTY and word not in meaning for word in words), True])
    empty = int(counts[is_empty].sum())
    spelled = (positive[0] if positive else "1", negative[0] if negative else "0")
    return Labels(by_word[positions], empty, int(counts[np.isnan(by_word)].sum()) - empty, note, spelled)


def _encoded(cells: pa.Array | pa.ChunkedArray) -> pa.DictionaryArray:
    """The distinct cells, and the index of each row's cell."""
    array = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
    if pa.types.is_dictionary(array.type):
        return array
    try:
        return array.dictionary_encode()
    except pa.ArrowNotImplementedError:  # lists and the like, which are not labels
        texts = [None if cell is None else str(cell) for cell in array.to_pylist()]
        return pa.array(texts, pa.string()).dictionary_encode()


def _words(cells: Sequence[object]) -> list[str]:
    """Cells in the spelling of the sets above: 1.0, '1,0', ' 1 ', '1 %' and 1e0 are '1', True is 'true'.

    Numbers are read as those that a study names for its classes, see `utils.data.reading.labels.label_word`.
    """
    words = [str(cell).strip().casefold() for cell in cells]
    texts = readable_numbers(pa.array(words, TEXT))
    numbers = pc.coalesce(*(to_floats(texts, sign) for sign in (POINT, COMMA)))
    numbers = pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, pa.float64()))
    spelled = as_texts(numbers.to_pandas()).to_pylist()
    return [word if number is None else number for word, number in zip(words, spelled, strict=True)]


def _listed(words: list[str], positive: Sequence[str], negative: Sequence[str]) -> dict[str, float]:
    """1 for the values of the rare class, and 0 for those of the other, by default for all that are not empty."""
    listed = set(_words(positive))
    if negative:
        return dict.fromkeys(_words(negative), 0.0) | dict.fromkeys(listed, 1.0)
    return {word: float(word in listed) for word in words if word not in EMPTY or word in listed}


def _meaning(words: list[str], counts: NDArray) -> tuple[dict[str, float], str]:
    """1 or 0 for each word that is understood, and a sentence about it."""
    usual = dict.fromkeys(FRAUD, 1.0) | dict.fromkeys(LEGITIMATE, 0.0)
    present = {word for word in words if word in usual or word.lstrip("-").isdecimal()}
    if present not in EITHER:
        return usual, ""
    totals = Counter()
    for word, count in zip(words, counts[:-1].tolist(), strict=True):
        totals[word] += count
    rarer, other = sorted(present, key=lambda word: (totals[word], word))
    if totals[rarer] == totals[other]:
        return {}, f"The labels {rarer} and {other} are equally frequent, so it is unclear which means fraud."
    return {rarer: 1.0, other: 0.0}, f"The label {rarer} was read as fraud, as it is rarer than {other}."


def known_labels(
    label: NDArray[np.float64], probability: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Label and probability of the rows that have both."""
    known = ~np.isnan(label) & ~np.isnan(probability)
    return label[known], probability[known]
