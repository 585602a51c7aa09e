"""Categories as positions in the training vocabulary; what a cell means does not depend on the other cells.

A cell is looked up as it is written. Only if it is not found, another spelling of a known number or truth value is.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from app.parsing.cells import BROKEN_TEXT, EXACT, Cells, is_broken_text
from utils.data.reading.spelled_numbers import CODE, COMMA, PERCENT, POINT, to_floats
from utils.data.reading.texts import as_texts
from utils.serving.raw_columns import RawColumn

MAX_SHOWN = 60  # characters of a cell that a message repeats


def read_categories(column: RawColumn, cells: pd.Series) -> Cells:
    """The cells of a category, of any type."""
    if cells.dtype != object:
        return _read_any(column, cells)
    values, problems, others = np.full(len(cells), np.nan), {}, []
    for position, cell in enumerate(cells):
        code = column.codes.get(cell) if type(cell) is str else None
        if code is not None:
            values[position] = code
        elif isinstance(cell, (dict, list)):
            problems[position] = "is neither text nor a number"
        elif is_broken_text(cell):
            problems[position] = BROKEN_TEXT
        elif cell is not None:
            others.append(position)
    rest = _read_any(column, cells.iloc[others])
    values[others] = rest.values
    return Cells(values, problems, {others[position]: text for position, text in rest.unseen.items()})


def _read_any(column: RawColumn, cells: pd.Series) -> Cells:
    """As `read_categories`, of cells whose text may be a known one only after cleaning."""
    if not len(cells):
        return Cells(np.empty(0))
    encoded = as_texts(cells).dictionary_encode()
    codes = np.append(_codes(column, encoded.dictionary), np.nan)  # the last one is for a gap
    values = codes[encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)]
    positions = np.flatnonzero(values == column.unseen)
    texts = pc.utf8_slice_codeunits(encoded.take(pa.array(positions)).dictionary_decode(), 0, MAX_SHOWN)
    return Cells(values, {}, dict(zip(positions.tolist(), texts.to_pylist(), strict=True)))


def _codes(column: RawColumn, texts: pa.Array) -> NDArray[np.float64]:
    """The value of each of these different texts."""
    listed = texts.to_pylist()
    codes = np.array([column.codes.get(text, column.unseen) for text in listed], dtype=float)
    if column.codes_of_truths:
        for position in np.flatnonzero(codes == column.unseen):
            codes[position] = column.codes_of_truths.get(listed[position].casefold(), column.unseen)
    rest = np.flatnonzero(codes == column.unseen)
    if column.codes_of_numbers and len(rest):
        codes[rest] = _codes_of_numbers(column, texts.take(pa.array(rest)))
    return codes


def _codes_of_numbers(column: RawColumn, texts: pa.Array) -> NDArray[np.float64]:
    """The value of each text that is a known number in another spelling, with either decimal sign but not with both."""
    texts = pc.if_else(pc.match_substring_regex(texts, CODE), pa.scalar(None, texts.type), texts)
    texts = pc.replace_substring_regex(texts, PERCENT, "")
    codes = []
    for sign in (POINT, COMMA):
        numbers = to_floats(texts, sign).fill_null(np.nan).to_pylist()
        codes.append(
            [column.codes_of_numbers.get(n, column.unseen) if abs(n) < EXACT else column.unseen for n in numbers]
        )
    with_point, with_comma = np.array(codes)
    smallest = np.minimum(with_point, with_comma)  # a value that is not seen is the largest
    is_open = (with_point != with_comma) & (np.maximum(with_point, with_comma) < column.unseen)
    return np.where(is_open, column.unseen, smallest)
