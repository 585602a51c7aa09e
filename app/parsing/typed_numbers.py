"""Numbers as people type them: with a decimal point or a decimal comma, and never guessed."""

from __future__ import annotations

import re
from typing import Any

from app.parsing.records import read_number

END = r"(?:[eE][+-]?\d+)?"
DECIMAL_COMMA = re.compile(rf"[+-]?(?:\d+,\d*|,\d+){END}")
GROUPED = {  # thousands are set apart by the first sign, decimals by the second
    (".", ","): re.compile(rf"[+-]?[1-9]\d{{0,2}}(?:(?:\.\d{{3}})+,\d+|(?:\.\d{{3}}){{2,}}){END}"),
    (",", "."): re.compile(rf"[+-]?[1-9]\d{{0,2}}(?:(?:,\d{{3}})+\.\d+|(?:,\d{{3}}){{2,}}){END}"),
}
EITHER = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")


def read_typed(cell: Any) -> float:
    """As `records.read_number`, of text that may have a decimal comma, thousands set apart, or a minus sign as printed.

    '1,5' is 1.5, '1.234,56' and '1,234.56' are 1234.56, and '1.234' is 1.234, as the form asks for a decimal point.

    Raises
    ------
    ValueError
        If it is no number, or can be two: '1,234' is 1.234 to some and 1234 to others.
    """
    text = cell.strip().replace("\N{MINUS SIGN}", "-") if isinstance(cell, str) else cell
    return read_number(with_decimal_point(text) if isinstance(text, str) and text.isascii() else text)


def with_decimal_point(text: str) -> str:
    """The same number in Python's notation; text that has no other reading stays as it is."""
    for (thousands, decimals), pattern in GROUPED.items():
        if pattern.fullmatch(text):
            return text.replace(thousands, "").replace(decimals, ".")
    if EITHER.fullmatch(text):
        point, whole = text.replace(",", "."), text.replace(",", "")
        raise ValueError(f"can be {point} or {whole}; write it with a decimal point, or without the comma")
    return text.replace(",", ".") if DECIMAL_COMMA.fullmatch(text) else text
