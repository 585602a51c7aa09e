"""Numbers as people type them."""

import pytest

from app.parsing.typed_numbers import read_typed


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("15", 15),
        ("1.5", 1.5),
        ("1,5", 1.5),
        ("-0,25", -0.25),
        ("\N{MINUS SIGN}56,4", -56.4),  # as the ranges below the boxes are printed
        (",5", 0.5),
        ("5,", 5),
        ("1,5e-3", 0.0015),
        ("1.234,56", 1234.56),
        ("1,234.56", 1234.56),
        ("12.345.678,9", 12345678.9),
        ("1,234,567", 1234567),
        ("1.234.567", 1234567),
        ("1.234", 1.234),  # the form asks for a decimal point
        ("0,234", 0.234),  # no thousands begin with a zero
        ("1234,567", 1234.567),
        (" 2,5 ", 2.5),
    ],
)
def test_a_number_with_a_comma_is_read_as_it_is_meant(text, value):
    assert read_typed(text) == value


def test_a_number_that_can_be_two_is_refused_with_both():
    with pytest.raises(ValueError, match=r"can be -1\.234 or -1234; write it with a decimal point"):
        read_typed("-1,234")


@pytest.mark.parametrize(
    "text", ["1,2,3", "1.2,3", "12,34.5", "1,23.4", "1.234,5,6", ",", "1 234,5", "1'234", "0,0,1", "1,e5x"]
)
def test_what_is_no_number_in_any_notation_is_refused(text):
    with pytest.raises(ValueError, match="is not a number"):
        read_typed(text)
