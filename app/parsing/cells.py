"""The cells of a column once they are read, and what counts as a gap."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from utils.data.reading.texts import MISSING

PLAIN = {int, float}
BROKEN_TEXT = "holds half of a character"
EXACT = 2.0**53  # whole numbers of this size and more may be rounded, so that two become one
Source = Literal["json", "form", "file"]


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of a column, read.

    Attributes
    ----------
    values : array of shape (n_rows,)
        NaN for a gap and for what cannot be read.
    problems : dict of int to str
        Why a cell cannot be read, by its position.
    unseen : dict of int to str
        Categories that were not seen in training, by position.
    notes : tuple of str
        Sentences on how cells were read that leave this open.
    """

    values: NDArray[np.float64]
    problems: dict[int, str] = field(default_factory=dict)
    unseen: dict[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def is_broken_text(cell: object) -> bool:
    """Whether a cell is text with half of a pair of surrogates, which JSON can hold and no encoding can."""
    if not isinstance(cell, str):
        return False
    try:
        cell.encode()
    except UnicodeEncodeError:
        return True
    return False


def is_gap(cell: object) -> bool:
    """Whether a cell is missing: None, NaN, or a text that says so."""
    return cell is None or cell is pd.NaT or cell != cell or (isinstance(cell, str) and cell.strip() in MISSING)
