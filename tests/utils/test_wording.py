"""Texts about card payments in the words of another study."""

import pytest

from utils.study_file import NEUTRAL, Words
from utils.wording import PAYMENTS, capitalised, reword

WARD = Words("admission", "admissions", "infection", "infections", "healthy")


@pytest.mark.parametrize(
    ("text", "neutral", "ward"),
    [
        ("Frauds are rare.", "Positives are rare.", "Infections are rare."),
        ("a fraud, and A fraud", "a positive, and A positive", "an infection, and An infection"),
        ("legitimate payments", "negative rows", "healthy admissions"),
        ("each transaction of a\nlegitimate row", "each row of a\nnegative row", "each admission of a\nhealthy row"),
        ("the fraud's row", "the positive's row", "the infection's row"),
        ("A fraudulent payment", "A positive", "An infection"),
        ("Fraudulent transactions", "Positives", "Infections"),
        ("its probability of fraud", "its probability of a positive", "its probability of an infection"),
        ("`fraud_rates` and defraud", "`fraud_rates` and defraud", "`fraud_rates` and defraud"),
    ],
)
def test_reword_replaces_whole_words_with_capitals_and_articles(text, neutral, ward):
    assert reword(text, NEUTRAL) == neutral
    assert reword(text, WARD) == ward


def test_reword_leaves_a_text_about_payments_as_it_is():
    assert reword("A fraud among legitimate transactions", PAYMENTS) == "A fraud among legitimate transactions"


def test_capitalised_keeps_other_letters():
    assert [capitalised(text) for text in ("frauds", "SME default", "")] == ["Frauds", "SME default", ""]
