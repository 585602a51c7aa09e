"""What the pages call rows and classes: words of the study that the model is of."""

from __future__ import annotations

from utils.serving.card import Card
from utils.study_file import NEUTRAL, Words
from utils.wording import article_of

TRANSACTIONS = Words("transaction", "transactions", "fraud", "frauds", "legitimate")  # of the credit-card study


def words_of(card: Card) -> Words:
    """Words for the rows of a model's study."""
    return card.words or (NEUTRAL if card.study else TRANSACTIONS)


def a(noun: str) -> str:
    """A noun with its article."""
    return f"{article_of(noun)} {noun}"
