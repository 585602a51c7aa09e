"""Put a study's own words into a text that was written for card payments."""

from __future__ import annotations

import math
import re

from utils.study_file import Words

PAYMENTS = Words()  # what texts and figures are written for
SHARES, RATES = ("precision", "recall", "cost saved", "share"), ("alerts",)  # beginnings of the names of such metrics
FIELDS = {  # a word of the texts: field of `Words` that replaces it
    "frauds": "positives",
    "fraud": "positive",
    "fraudulent": "positive",
    "legitimate": "negative",
    "payments": "rows",
    "payment": "row",
    "transactions": "rows",
    "transaction": "row",
}
PHRASES = {  # for what does not fit word by word, since a study's words are nouns that can be counted
    re.compile(r"\b(f)raudulent (?:payment|transaction)(s?)\b", re.IGNORECASE): r"\1raud\2",
    re.compile(r"\bof fraud\b"): "of a fraud",
}
WORD = re.compile(rf"\b(?:(an?)(\s+))?({'|'.join(FIELDS)})\b", re.IGNORECASE)


def reword(text: str, words: Words) -> str:
    """Replace the words for card payments, frauds and legitimate rows by those of a study.

    Capital letters are kept, and an article follows its new word. With the words of card payments, the text stays as it
    is.

    Examples
    --------
    >>> from utils.study_file import Words
    >>> words = Words("patient", "patients", "infection", "infections", "healthy")
    >>> reword("A fraud among legitimate transactions", words)
    'An infection among healthy patients'
    """
    if words == PAYMENTS:
        return text
    for phrase, plain in PHRASES.items():
        text = phrase.sub(plain, text)
    return WORD.sub(lambda match: _replacement(match, words), text)


def _replacement(match: re.Match[str], words: Words) -> str:
    article, space, word = match.groups()
    new = getattr(words, FIELDS[word.lower()])
    new = capitalised(new) if word[0].isupper() else new
    if not article:
        return new
    return f"{article[0]}{article_of(new)[1:]}{space}{new}"


def share_text(count: int, total: int, digits: int = 2) -> str:
    """A share in percent, such as '0.63%' for 25 of 4,000: halves are rounded up, as in the report.

    Counts, not their ratio, decide what is a half: 100 * 0.00145 is less than 0.145 in floating point.

    Examples
    --------
    >>> share_text(25, 4000), share_text(29, 20_000), share_text(1, 8, digits=0)
    ('0.63%', '0.15%', '13%')
    """
    scale = 10**digits
    n = (200 * scale * count + total) // (2 * total)
    return f"{n // scale}.{n % scale:0{digits}d}%" if digits else f"{n}%"


def metric_text(name: str, value: float | None) -> str:
    """A value of a score card: shares in percent, counts whole, and scores with three decimals; a dash for none.

    A rate of less than ten alerts a day keeps two digits, and a score below 0.001 one.

    Examples
    --------
    >>> metric_text("ROC AUC", 0.98761), metric_text("recall at the threshold", 0.8), metric_text("alerts a day", 448.3)
    ('0.988', '80.0 %', '448')
    """
    if value is None or not math.isfinite(value):
        return "\N{EN DASH}"
    if isinstance(value, int):
        return f"{value:,}"
    if name.startswith(SHARES):
        return f"{100 * value:.1f} %"
    if value >= 10:
        return f"{value:,.0f}"
    if name.startswith(RATES):
        return f"{value:.2g}"
    return f"{value:.3f}" if value >= 0.001 or value == 0 else f"{value:.1g}"


def article_of(noun: str) -> str:
    """The indefinite article of a noun, judged by its first letter."""
    return "an" if noun[:1].lower() in "aeiou" else "a"


def capitalised(text: str) -> str:
    """The text with a capital first letter; other letters stay as they are."""
    return text[:1].upper() + text[1:]
