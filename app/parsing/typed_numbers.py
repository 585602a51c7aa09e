"""Numbers as people type them, with a decimal point or a decimal comma; ambiguous ones are refused."""

from __future__ import annotations

import re

from app.parsing.records import read_number

END = r"(?:[eE][+-]?\d+)?"
START = r"[+-]?[1-9]\d{0,2}"  # of a number whose thousands are set apart
DECIMAL_COMMA = re.compile(rf"[+-]?(?:\d+,\d*|,\d+){END}")
GROUPED = {  # separators of thousands and of decimals
    (".", ","): re.compile(rf"{START}(?:\.\d{{3}})+,\d+{END}"),
    (",", "."): re.compile(rf"{START}(?:,\d{{3}})+\.\d+{END}"),
}
EITHER = re.compile(rf"{START},\d{{3}}{END}")
# Possible separators of thousands, which only a decimal separator after them would confirm.
UNSURE = {
    "points": re.compile(rf"{START}(?:\.\d{{3}}){{2,}}{END}"),
    "commas": re.compile(rf"{START}(?:,\d{{3}}){{2,}}{END}"),
    "spaces": re.compile(rf"{START}(?: \d{{3}})+(?:[.,]\d+)?{END}"),
    "apostrophes": re.compile(rf"{START}(?:'\d{{3}})+(?:[.,]\d+)?{END}"),
}
SIGNS = {"points": ".", "commas": ",", "spaces": " ", "apostrophes": "'"}
AS_TYPED = str.maketrans(
    {
        "\N{MINUS SIGN}": "-",
        "\N{NO-BREAK SPACE}": " ",
        "\N{NARROW NO-BREAK SPACE}": " ",
        "\N{THIN SPACE}": " ",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    }
)


def read_typed(cell: object, decimal: str | None = None) -> float:
    """As `records.read_number`, of text that may have a decimal comma, thousands set apart, or a minus sign as printed.

    '1,5' is 1.5, '1.234,56' and '1,234.56' are 1234.56, and '1.234' is 1.234, as the form asks for a decimal point.

    Parameters
    ----------
    cell : object
    decimal : {'.', ','}, optional
        Decimal sign of the column in the study's table, which says what '1,234' is.

    Raises
    ------
    ValueError
        If it is not a number, or is ambiguous: without `decimal`, '1,234' can be 1.234 or 1234, and the points of
        '1.234.567' separate thousands or are typing errors.
    """
    text = cell.strip().translate(AS_TYPED) if isinstance(cell, str) else cell
    return read_number(with_decimal_point(text, decimal) if isinstance(text, str) and text.isascii() else text)


def with_decimal_point(text: str, decimal: str | None = None) -> str:
    """The same number in Python's notation; other text is returned unchanged."""
    for (thousands, decimals), pattern in GROUPED.items():
        if pattern.fullmatch(text):
            return text.replace(thousands, "").replace(decimals, ".")
    if EITHER.fullmatch(text):
        point, whole = text.replace(",", "."), text.replace(",", "")
        if decimal is not None:
            return point if decimal == "," else whole
        raise ValueError(f"can be {point} or {whole}; write it with a decimal point, or without the comma")
    for name, pattern in UNSURE.items():
        if pattern.fullmatch(text):
            if decimal is not None and {SIGNS[name], decimal} == {".", ","}:
                return text.replace(SIGNS[name], "")
            number = text.replace(SIGNS[name], "").replace(",", ".")
            raise ValueError(f"is {number} if its {name} set thousands apart; write it without them")
    return text.replace(",", ".") if DECIMAL_COMMA.fullmatch(text) else text
