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
# Codes of ISO 4217 as of 2024, without those of funds, metals and tests.
CODES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF "
    "CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD "
    "HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD "
    "MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN "
    "PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY "
    "TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWL"
).replace(" ", "|")
NATIONAL = r"US\$|CA\$|C\$|AU\$|A\$|NZ\$|HK\$|S\$|R\$|eur|usd|gbp|kr\.?|zł|Kč|Ft|lei|Rs\.?|Fr\."
MONEY = rf"(?:{NATIONAL}|[$€£¥₹₩₺₽₪₴₫฿₱₦]|{CODES})"
BEFORE, AFTER = rf"^[-+]?\s?(?P<money>{MONEY})", rf"(?P<money>{MONEY})$"
NAMES = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW", "₺": "TRY"}  # that signs share
NAMES |= {"US$": "USD", "CA$": "CAD", "C$": "CAD", "AU$": "AUD", "A$": "AUD", "NZ$": "NZD", "HK$": "HKD", "S$": "SGD"}
NAMES |= {"R$": "BRL", "eur": "EUR", "usd": "USD", "gbp": "GBP", "kr.": "kr", "zł": "PLN", "Kč": "CZK", "Ft": "HUF"}
NAMES |= {"₽": "RUB", "₪": "ILS", "₴": "UAH", "₫": "VND", "฿": "THB", "₱": "PHP", "₦": "NGN", "lei": "RON", "Rs.": "Rs"}
NAMES |= {"Fr.": "CHF"}
CURRENCY = rf"^([-+]?)\s?{MONEY}\s?|\s?{MONEY}$"
# Negative numbers as accountants write them, '(12)' and '12-'.
NEGATIVE = {r"^\((.+)\)$": r"-\1", r"^([\d.,' ]+)-$": r"-\1"}
PERCENT_SIGN, PERCENT = "%", r"\s?%$"
UNUSUAL = r"[^-+\d.,eE' ]|-$"  # what only texts with other signs have
WITH_WORD = r"^[-+]?[\d.,]+ ?(?P<word>[^\s\d.,]{1,12})$"
DIGITS = r"^\d+$"
# Digits after a zero, which would be lost, as of a postal code or of a diagnosis such as '008.45', or a phone number.
CODE = r"^(?:0\d+(?:[.,]\d+)?|\+\d{8,})$"
MIN_LOST = 16  # digits from which a float64 does not hold every whole number
TICKS = (1e16, 4.2e18)  # times up to 2103: nanoseconds since 1970, and coarser units since 1601 or the year 1
MOST = 0.95  # share of the times of a column that must differ as floats
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
    """Whether a text is a postal code or phone number, as `CODE` says, or all have too many digits for a number."""
    return bool(pc.any(pc.match_substring_regex(texts, CODE)).as_py()) or has_long_codes(texts)


def has_long_codes(texts: pa.Array | pa.ChunkedArray) -> bool:
    """Whether all texts are equally many digits, as card numbers are, of which a float64 would lose some.

    Times such as nanoseconds since 1970 are none, as their last digits do not matter, nor are quantities, which differ
    in length.
    """
    lengths = pc.min_max(pc.utf8_length(texts)).as_py()
    if lengths["min"] != lengths["max"] or (lengths["min"] or 0) < MIN_LOST:
        return False
    if not pc.all(pc.match_substring_regex(texts, DIGITS)).as_py():
        return False
    numbers = [int(text) for text in pc.unique(texts.drop_null()).to_pylist()]
    floats = set(map(float, numbers))
    first, last = TICKS
    is_time = first <= min(floats) and max(floats) <= last and len(floats) >= MOST * len(numbers)
    return not is_time and any(int(float(number)) != number for number in numbers)


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


def units_in_words(texts: pa.Array) -> list[str]:
    """The distinct words, such as 'kg', behind the numbers of a column; '' for a number alone.

    Parameters
    ----------
    texts : pyarrow array of strings
        Without nulls.

    Returns
    -------
    list of str
        Empty if a text is no number with at most one word behind it.
    """
    words = pc.struct_field(pc.extract_regex(texts, WITH_WORD), "word")
    is_plain = pc.match_substring_regex(texts, f"^(?:{NUMBER[POINT]}|{NUMBER[COMMA]})$")
    words = pc.if_else(is_plain, pa.scalar("", words.type), words)
    return [] if words.null_count else pc.unique(words).to_pylist()


def mixed_currencies(texts: pa.Array) -> list[str]:
    """Currencies of amounts in several ones, which are no numbers as they cannot be compared; none for other texts."""
    signed = _minus_in_front(texts)
    currencies = _currencies(signed)
    return currencies if len(currencies) > 1 and decimal_signs(_without_currency(signed)) else []


def units(texts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """The per cent sign or the currency of each number, as its code of ISO 4217 where there is one; null for others."""
    texts = _minus_in_front(texts)
    is_percent = pc.match_substring_regex(texts, r"^[-+\d.,' ]+%$")
    return pc.if_else(is_percent, pa.scalar(PERCENT_SIGN, texts.type), _money(texts))


def common_unit(texts: pa.Array) -> str | None:
    """The unit of `units` that all numbers of a column share; numbers without one count as having the same currency."""
    if not pc.any(pc.match_substring_regex(texts, UNUSUAL)).as_py():
        return None
    distinct = pc.unique(units(texts)).drop_null().to_pylist()
    return distinct[0] if len(distinct) == 1 else None


def _currencies(texts: pa.Array) -> list[str]:
    """Currencies that texts name before or after a number, the latter if both, as in '$5 CAD'."""
    return sorted(pc.unique(_money(texts)).drop_null().to_pylist())


def _money(texts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """The currency of each text."""
    before, after = (pc.struct_field(pc.extract_regex(texts, side), "money") for side in (BEFORE, AFTER))
    signs = pc.coalesce(after, before)
    names = pa.array(list(NAMES.values()), texts.type).take(pc.index_in(signs, pa.array(list(NAMES), signs.type)))
    return pc.coalesce(names, signs)


def _without_currency(texts: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(texts, CURRENCY, r"\1")


def _plain_signs(texts: pa.Array) -> pa.Array:
    """Texts with ASCII signs, a minus in front, and without a currency or per cent sign if that is the same for all."""
    if not pc.any(pc.match_substring_regex(texts, UNUSUAL)).as_py():
        return texts
    texts = _minus_in_front(texts)
    if len(_currencies(texts)) == 1:
        texts = _without_currency(texts)
    if pc.all(pc.ends_with(texts, PERCENT_SIGN)).as_py():
        texts = pc.replace_substring_regex(texts, PERCENT, "")
    return texts


def _minus_in_front(texts: pa.Array) -> pa.Array:
    """Texts with ASCII signs, and a minus in front of a negative number."""
    if not pc.all(pc.string_is_ascii(texts)).as_py():
        for sign, plain in PLAIN_SIGNS.items():
            texts = pc.replace_substring_regex(texts, sign, plain)
    for pattern, negative in NEGATIVE.items():
        if pc.any(pc.match_substring_regex(texts, pattern)).as_py():
            texts = pc.replace_substring_regex(texts, pattern, negative)
    return texts
