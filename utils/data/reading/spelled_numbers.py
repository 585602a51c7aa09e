"""Numbers as people and programs write them; how a column writes its decimals is decided by all of its values.

'1,234.56', '1 234.56' and "1'234.56" have a decimal point, '1.234,56' and '1 234,56' a decimal comma. '1.234' may be
either: one '12.5' in the same column decides.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

POINT, COMMA = ".", ","
SAMPLE = 1_000  # values that are tried first, so that a column of text is recognised as text at once
# Signs that typesetters use, and what they stand for.
PLAIN_SIGNS = {"\N{MINUS SIGN}": "-", "[\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}]": " "}
PLAIN_SIGNS |= {"\N{RIGHT SINGLE QUOTATION MARK}": "'"}
CODES = "USD|EUR|GBP|JPY|CNY|INR|CHF|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|TRY|BRL|MXN|ZAR|KRW"
MONEY = rf"(?:[$€£¥₹₩₺]|{CODES})"
HAS_MONEY = rf"^[-+]?\s?{MONEY}|{MONEY}$"
CURRENCY = rf"^([-+]?)\s?{MONEY}\s?|\s?{MONEY}$"
# Negative numbers as accountants write them, '(12)' and '12-'.
NEGATIVE = {r"^\((.+)\)$": r"-\1", r"^([\d.,' ]+)-$": r"-\1"}
PERCENT = r"\s?%$"
UNUSUAL = r"[^-+\d.,eE' ]|-$"  # what only texts with other signs have
CODE = r"^(?:0\d+|\+\d{8,})$"  # digits after a zero, which would be lost, as of a postal code, or a phone number
PLAIN = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?i:inf|infinity)"
WITH_COMMA = r"[-+]?(?:\d+,\d*|,\d+)(?:[eE][-+]?\d+)?"
THOUSANDS = r"[-+]?[1-9]\d{0,2}(?:%s\d{3})+(?:%s\d*)?"
LAKHS = r"[-+]?[1-9]\d?(?:,\d{2})+,\d{3}(?:\.\d*)?"  # '12,34,567.00', as in India
NUMBER = {
    POINT: "|".join([PLAIN, LAKHS, *(THOUSANDS % (sign, r"\.") for sign in (",", " ", "'"))]),
    COMMA: "|".join([r"[-+]?\d+", WITH_COMMA, *(THOUSANDS % (sign, ",") for sign in (r"\.", " ", "'"))]),
}


def decimal_signs(texts: pa.Array) -> frozenset[str]:
    """Decimal signs with which each text is a number: '.', ',', both if that makes no sense to ask or is unclear.

    Parameters
    ----------
    texts : pyarrow array of strings
        Stripped, with nulls for missing values.

    Returns
    -------
    frozenset of str
        Empty if they are not numbers, or there are none.
    """
    sample = texts.slice(0, SAMPLE)
    signs = [sign for sign in (POINT, COMMA) if _all_match(_plain_signs(sample), sign)]
    if not signs or texts.null_count == len(texts):
        return frozenset()
    plain = _plain_signs(texts)
    return frozenset(sign for sign in signs if _all_match(plain, sign))


def is_ambiguous(texts: pa.Array, signs: frozenset[str]) -> bool:
    """Whether the two decimal signs of `decimal_signs` give different numbers."""
    return len(signs) == 2 and bool(pc.any(pc.match_substring_regex(texts, r"[.,]")).as_py())


def is_code(texts: pa.Array) -> bool:
    """Whether a text consists of digits after a zero, such as a postal code, or is a phone number after a plus."""
    return bool(pc.any(pc.match_substring_regex(texts, CODE)).as_py())


def to_floats(texts: pa.Array, sign: str) -> pa.Array:
    """Numbers with this decimal sign as float64; null for what is not a number."""
    plain = _plain_signs(texts)
    is_number = pc.match_substring_regex(plain, f"^(?:{NUMBER[sign]})$")
    plain = pc.if_else(is_number, plain, pa.scalar(None, plain.type))
    thousands = "[, ']" if sign == POINT else "[. ']"
    if pc.any(pc.match_substring_regex(plain, thousands)).as_py():
        plain = pc.replace_substring_regex(plain, thousands, "")
    return pc.replace_substring(plain, COMMA, POINT).cast(pa.float64())


def _all_match(texts: pa.Array, sign: str) -> bool:
    return pc.all(pc.match_substring_regex(texts, f"^(?:{NUMBER[sign]})$")).as_py() is not False


def _plain_signs(texts: pa.Array) -> pa.Array:
    """Texts with ASCII signs, a minus in front, without a currency, and without a per cent sign if each has one."""
    if not pc.any(pc.match_substring_regex(texts, UNUSUAL)).as_py():
        return texts
    if not pc.all(pc.string_is_ascii(texts)).as_py():
        for sign, plain in PLAIN_SIGNS.items():
            texts = pc.replace_substring_regex(texts, sign, plain)
    for pattern, negative in NEGATIVE.items():
        if pc.any(pc.match_substring_regex(texts, pattern)).as_py():
            texts = pc.replace_substring_regex(texts, pattern, negative)
    if pc.any(pc.match_substring_regex(texts, HAS_MONEY)).as_py():
        texts = pc.replace_substring_regex(texts, CURRENCY, r"\1")
    if pc.all(pc.ends_with(texts, "%")).as_py():
        texts = pc.replace_substring_regex(texts, PERCENT, "")
    return texts
