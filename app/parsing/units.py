"""Numbers with a unit that the study's numbers do not have: a per cent sign, or another currency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from utils.data.reading.spelled_numbers import PERCENT_SIGN, UNUSUAL, units
from utils.data.reading.texts import TEXT, clean_texts, is_text
from utils.serving.raw_columns import RawColumn

if TYPE_CHECKING:
    from app.parsing.mixed import Rows


def check_units(rows: Rows, cells: pa.Table, columns: Sequence[RawColumn]) -> None:
    """Add the numbers with another unit than the study's to the problems of rows that were read from these cells.

    A number without a unit is taken as it is, and so is a currency where the study's file names none and the cells do
    not have several. A note says so where the study has per cent and the file its own numbers, as Excel stores 5% as
    0.05.
    """
    for column in columns:
        if column.kind == "number" and is_text(cells[column.name].type):
            for position, problem in _problems(clean_texts(cells[column.name]), column.unit).items():
                rows.problems.setdefault(position, {})[column.name] = problem
        elif column.unit == PERCENT_SIGN:
            rows.notes.append(
                f"Column '{column.name}': 5 is taken as 5%, as in the study; a workbook in which 5% is shown has 0.05, "
                "so multiply such numbers by 100."
            )


def _problems(texts: pa.Array, unit: str | None) -> dict[int, str]:
    if not pc.any(pc.match_substring_regex(texts, UNUSUAL)).as_py():
        return {}
    written = units(texts)
    if unit is None:
        currencies = set(pc.unique(written).to_pylist()) - {None, PERCENT_SIGN}
        is_wrong = pc.or_(pc.equal(written, PERCENT_SIGN), len(currencies) > 1)
    else:
        is_wrong = pc.not_equal(written, unit)
    is_wrong = is_wrong.fill_null(False)
    positions = np.flatnonzero(is_wrong.to_numpy(zero_copy_only=False)).tolist()
    return {position: _other_unit(written[position].as_py(), unit) for position in positions}


def check_unit(text: str, unit: str | None) -> None:
    """Raise ValueError for a number with another unit than `unit`, that of the study's numbers."""
    for problem in _problems(pa.array([text.strip()], TEXT), unit).values():
        raise ValueError(problem)


def _other_unit(written: str, unit: str | None) -> str:
    return f"has '{written}', and the study's numbers {f'are in {unit}' if unit else 'have none'}"
