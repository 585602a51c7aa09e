"""What the pages call rows and classes: words of the study that the model is of."""

from __future__ import annotations

import re

from app.views.formatting import upper_first
from utils.serving.card import Card
from utils.study_file import NEUTRAL, Words

TRANSACTIONS = Words("transaction", "transactions", "fraud", "frauds", "legitimate")  # of the credit-card study


def words_of(card: Card) -> Words:
    """Words for the rows of a model's study."""
    return card.words or (NEUTRAL if card.study else TRANSACTIONS)


def translate(text: str, words: Words) -> str:
    """A sentence about transactions and frauds in a study's own words."""
    own = {
        "transaction": words.row,
        "transactions": words.rows,
        "fraud": words.positive,
        "frauds": words.positives,
        "legitimate": words.negative,
    }
    text = re.sub(r"\bof fraud\b", f"of {a(words.positive)}", text)
    text = re.sub(
        r"\b[Aa]n? (transaction|fraud|legitimate)\b",
        lambda match: a(own[match[1]]) if match[0][0] == "a" else upper_first(a(own[match[1]])),
        text,
    )
    own |= {upper_first(word): upper_first(translated) for word, translated in own.items()}
    return re.sub(rf"\b({'|'.join(own)})\b", lambda match: own[match.group()], text)


def a(noun: str) -> str:
    """A noun with its article."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
