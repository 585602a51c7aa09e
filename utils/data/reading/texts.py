"""The text of a column's cells: stripped, and null where the cell is empty or says in words that it is missing."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from itertools import product
from numbers import Integral, Real

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

MISSING = ("", "?", "-", "NA", "N/A", "na", "n/a", "#N/A", "<NA>", "NULL", "Null", "null", "None", "none")
MISSING += ("NaT", "nat", ".", "\\N", "(null)", "(NULL)")  # of SAS, MySQL and DBeaver, among others
MISSING += ("#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!")  # of Excel
# NaN as programs write it, in any case; '-nan(ind)' is that of Windows.
MISSING += tuple(map("".join, product(("", "-", "+"), "nN", "aA", "nN", ("", "(ind)"))))
TEXT = pa.large_string()  # a column of long texts may exceed the 2 GiB of an ordinary one


def is_text(kind: pa.DataType) -> bool:
    """Whether values of a type are text."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def is_binary(kind: pa.DataType) -> bool:
    """Whether values of a type are bytes."""
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)


def clean_texts(texts: pa.Array | pa.ChunkedArray, missing: Sequence[str] = MISSING) -> pa.Array:
    """Texts without the white space around them; null for those of `missing`."""
    texts = pc.utf8_trim_whitespace(texts.cast(TEXT))
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    return pc.if_else(pc.is_in(texts, value_set=pa.array(missing, TEXT)), pa.scalar(None, TEXT), texts)


def as_texts(column: pd.Series, missing: Sequence[str] = MISSING) -> pa.Array:
    """The text of each value, null where it is missing: 1.0 is '1', as a gap turns integers into floats.

    Parameters
    ----------
    column : Series
        Of any type.
    missing : sequence of str
        Words that mean a missing value.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = pa.array(column.cat.codes.to_numpy(), mask=(column.cat.codes < 0).to_numpy())
        return as_texts(pd.Series(column.cat.categories), missing).take(codes)
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        codes, uniques = pd.factorize(column)
        spelled = pa.array([_spell(value) for value in uniques], TEXT)
        return spelled.take(pa.array(codes, mask=codes < 0))
    if pd.api.types.infer_dtype(column, skipna=True) != "string":
        column = column.map(_spell, na_action="ignore")
    return clean_texts(pa.array(column, TEXT, from_pandas=True), missing)


def _spell(value: object) -> str | None:
    if isinstance(value, bool | np.bool_ | str):
        return str(value)
    if isinstance(value, bytes):
        return printable(value.decode(errors="backslashreplace"))  # different bytes are different texts
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        return None if value != value else str(int(value)) if float(value).is_integer() else repr(float(value))
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)


def printable(text: str) -> str:
    """Text with control characters in Python's notation.

    Examples
    --------
    >>> printable("a\\x01é")
    'a\\\\x01é'
    """
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
