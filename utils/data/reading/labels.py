"""Labels as text. A word that elsewhere means a gap, such as 'none' or '-', may be one of the two classes."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd
import pyarrow as pa

from utils.data.reading.spelled_numbers import COMMA, POINT, to_floats
from utils.data.reading.texts import MISSING, TEXT, as_texts

WHOLE = re.compile(r"[-+]?\d+\.0*")  # such as '1.0', which is '1' where the column holds nothing but numbers


def label_texts(column: pd.Series, positive: Sequence[str] = (), negative: Sequence[str] = ()) -> pa.Array:
    """The label of each row, null where it is missing.

    A word of `texts.MISSING` is a class if it is named, or if it is one of only two values and `negative` names none.

    Parameters
    ----------
    column : Series
        See `utils.data.reading.read_raw`, whose parameter `label` keeps such words.
    positive, negative : sequence of str
        Values of the two classes, as far as they are known.
    """
    encoded = as_texts(column, missing=("",)).dictionary_encode()
    spelled = [str(int(text[: text.index(".")])) if WHOLE.fullmatch(text) else text for text in _texts_of(encoded)]
    named = {value.strip().casefold() for value in (*positive, *negative)}
    is_open = not negative and len({text.casefold() for text in spelled}) == 2
    labels = [None if text in MISSING and not is_open and text.casefold() not in named else text for text in spelled]
    return pa.array(labels, TEXT).take(encoded.indices)


def label_word(value: str) -> str:
    """The text that `label_texts` gives for a value as the file spells it, where the column holds numbers.

    Examples
    --------
    >>> label_word("1.0"), label_word("100 %"), label_word("0,5"), label_word("yes")
    ('1', '100', '0.5', 'yes')
    """
    text = pa.array([value.strip()], TEXT)
    numbers = (to_floats(text, sign)[0].as_py() for sign in (POINT, COMMA))
    number = next((number for number in numbers if number is not None), None)
    return text[0].as_py() if number is None else as_texts(pd.Series([number]))[0].as_py()


def words_for_missing(column: pd.Series) -> list[str]:
    """The words of `texts.MISSING` in a column, sorted."""
    return sorted(set(_texts_of(as_texts(column, missing=("",)).dictionary_encode())) & set(MISSING))


def _texts_of(encoded: pa.DictionaryArray) -> list[str]:
    return encoded.dictionary.to_pylist()
