"""Columns of text as the numbers or texts of a raw table.

A column becomes numbers if all its values are, in one spelling. Where a column leaves open what its points or commas
mean, as '1.234' does, the other columns of the file decide, or else its separator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from utils.data.reading.spelled_numbers import (
    COMMA,
    MIN_LOST,
    POINT,
    SAMPLE,
    common_unit,
    decimal_signs,
    has_long_codes,
    is_ambiguous,
    is_code,
    to_floats,
)
from utils.data.reading.texts import as_texts, clean_texts, is_binary, is_text

NOTES = "notes"  # attribute of a raw frame: sentences on how the file was read
SIGNS = "signs"  # attribute of a raw frame: decimal sign of each column of text that shows one
UNITS = "units"  # attribute of a raw frame: '%' or the currency of each column of text whose numbers have one


class Signs(dict[str, str]):
    """Decimal signs or units by column, never copied: pandas copies the attributes of a frame for every column."""

    def __deepcopy__(self, memo: object) -> Signs:
        return self


@dataclass(frozen=True, eq=False)
class _Column:
    """A column once it has been read: its values, or its texts as long as its decimal sign is unclear."""

    values: pd.Series | None
    unclear: pa.Array | None = None
    sign: str | None = None
    unit: str | None = None


def frame_of_texts(
    names: Sequence[str],
    columns: Sequence[pa.ChunkedArray],
    separator: str = ",",
    known: Mapping[str, str | None] = MappingProxyType({}),
) -> pd.DataFrame:
    """Columns of text as int64, float64 with NaN, or objects with None.

    Parameters
    ----------
    names : sequence of str
    columns : sequence of pyarrow arrays
        Of strings, or of numbers or durations, which are taken as they are.
    separator : str
        That of the file; where semicolons separate cells, commas usually are decimal signs.
    known : dict of str to str
        Decimal sign of columns that may have either, as far as it is known.

    Returns
    -------
    DataFrame
        With sentences about decimal signs that were unclear in `attrs[NOTES]`, decimal signs in `attrs[SIGNS]`, and
        units in `attrs[UNITS]`.
    """
    read_columns = dict(zip(names, map(_read_column, columns), strict=True))
    signs = {name: column.sign for name, column in read_columns.items() if column.sign}
    usual_sign, reason = _usual_sign(list(signs.values()), separator)
    frame, notes = {}, []
    for name, column in read_columns.items():
        values = column.values
        if column.unclear is not None:
            signs[name] = known.get(name) or usual_sign
            values = to_floats(column.unclear, signs[name]).to_pandas()
            notes.append(
                _sign_note(name, column.unclear, signs[name], "as in the study" if known.get(name) else reason)
            )
        frame[name] = _finite(name, values, notes)
    frame = pd.DataFrame(frame, copy=False)  # a large table is not held twice
    units = {name: column.unit for name, column in read_columns.items() if column.unit}
    frame.attrs |= {NOTES: notes, SIGNS: Signs(signs), UNITS: Signs(units)}
    return frame


def _usual_sign(signs: Sequence[str], separator: str) -> tuple[str, str]:
    """The decimal sign of columns that may have either, from those of the others or the separator, and the reason."""
    if not signs:
        return COMMA if separator == ";" else POINT, f"as is usual where {separator!r} separates cells"
    return COMMA if 2 * signs.count(COMMA) > len(signs) else POINT, "as in other columns"


def _read_column(column: pa.ChunkedArray) -> _Column:
    if not is_text(column.type):  # a workbook's own numbers
        return _Column(_clean_column(column))
    sample = clean_texts(column.slice(0, SAMPLE))
    signs = decimal_signs(sample)
    if signs and not is_code(column):
        for number_type in (pa.int64(), pa.float64()):  # fast path for numbers as programs write them
            if number_type == pa.float64() and signs != {POINT}:
                break
            if pc.any(pc.match_substring_regex(column, "[xX]")).as_py():  # a cast would take '0x1F' for 31
                break
            try:
                numbers = column.cast(number_type)
            except pa.ArrowInvalid:
                continue
            if number_type == pa.float64() and pc.any(pc.is_nan(numbers)).as_py():  # 'nan(y)' is no word for a gap
                break
            return _Column(numbers.to_pandas(), sign=POINT if number_type == pa.float64() else None)
    texts = clean_texts(column)
    signs = decimal_signs(texts)
    if not signs or is_code(texts):
        return _Column((texts if texts.null_count < len(texts) else pa.nulls(len(texts), pa.float64())).to_pandas())
    unit = common_unit(texts)
    if is_ambiguous(texts, signs):
        return _Column(None, unclear=texts, unit=unit)
    if len(signs) == 1:
        (sign,) = signs
        return _Column(to_floats(texts, sign).to_pandas(), sign=sign, unit=unit)
    return _Column(_whole_numbers(texts).to_pandas(), unit=unit)


def _whole_numbers(texts: pa.Array) -> pa.Array:
    try:
        return texts.cast(pa.int64())
    except pa.ArrowInvalid:  # thousands are set apart, or the numbers are very large
        return to_floats(texts, POINT)


def _finite(name: str, column: pd.Series, notes: list[str]) -> pd.Series:
    """The column with infinite values as missing ones, which are counted in a note."""
    n_infinite = int(np.isinf(column.to_numpy()).sum()) if column.dtype.kind == "f" else 0
    if not n_infinite:
        return column
    values = f"{n_infinite:,} infinite values are" if n_infinite > 1 else "1 infinite value is"
    notes.append(f"Column '{name}': {values} read as missing.")
    return column.mask(np.isinf(column))


def _sign_note(name: str, texts: pa.Array, sign: str, reason: str) -> str:
    """A sentence on a column whose decimal sign was unclear."""
    example = texts.filter(pc.match_substring_regex(texts, r"[.,]"))[:1]
    number = to_floats(example, sign)[0].as_py()
    return f"Column '{name}': '{example[0].as_py()}' is read as {number:.12g}, {reason}."


def clean_frame(table: pa.Table) -> pd.DataFrame:
    """Columns of a typed table: its own types, but clean texts, times of day as text, and decimals as float64.

    Infinite values and categories of `texts.MISSING` become missing, and bytes and codes of many digits text. Sentences
    that count the infinite values are in `attrs[NOTES]`.
    """
    notes: list[str] = []
    frame = pd.DataFrame({name: _finite(name, _clean_column(table[name]), notes) for name in table.column_names})
    frame.attrs[NOTES] = notes
    return frame


def _clean_column(column: pa.ChunkedArray) -> pd.Series:
    kind = column.type
    if is_text(kind):
        return clean_texts(column).to_pandas()
    if pa.types.is_dictionary(kind):
        return _without_words(column.to_pandas())
    if is_binary(kind):
        return as_texts(column.to_pandas()).to_pandas()
    if pa.types.is_time(kind):
        return column.cast(pa.string()).to_pandas()
    if _is_long(column) and has_long_codes(texts := column.cast(pa.string())):
        return texts.to_pandas()
    if pa.types.is_decimal(kind) or pa.types.is_null(kind) or kind == pa.float16():
        return column.cast(pa.float64()).to_pandas()
    if pa.types.is_nested(kind):
        return pd.Series([None if cell is None else str(cell) for cell in column.to_pylist()], dtype=object)
    if pa.types.is_date(kind):
        column = column.cast(pa.timestamp("s"))
    return column.to_pandas()


def _without_words(column: pd.Series) -> pd.Series:
    """Categories, without the words that mean a missing value."""
    categories = column.cat.categories
    is_word = as_texts(pd.Series(categories)).is_null().to_numpy(zero_copy_only=False)
    return column.cat.remove_categories(categories[is_word])


def _is_long(column: pa.ChunkedArray) -> bool:
    """Whether a column holds whole numbers or decimals that are all so large that a float64 may lose digits."""
    is_exact = pa.types.is_integer(column.type) or pa.types.is_decimal(column.type)
    return is_exact and (pc.min(column).as_py() or 0) >= 10 ** (MIN_LOST - 1)
