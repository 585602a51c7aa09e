"""Numbers as people type them."""

import re

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
        ("1.234", 1.234),  # the form asks for a decimal point
        ("0,234", 0.234),  # no thousands begin with a zero
        ("1234,567", 1234.567),
        (" 2,5 ", 2.5),
    ],
)
def test_read_typed_reads_a_number_with_a_comma_as_it_is_meant(text, value):
    assert read_typed(text) == value


@pytest.mark.parametrize(
    ("text", "two"),
    [("-1,234", r"-1\.234 or -1234"), ("1,234e3", r"1\.234e3 or 1234e3"), ("12,345", r"12\.345 or 12345")],
)
def test_read_typed_refuses_a_number_that_can_be_two_with_both(text, two):
    with pytest.raises(ValueError, match=rf"can be {two}; write it with a decimal point"):
        read_typed(text)


@pytest.mark.parametrize(
    ("text", "number", "signs"),
    [
        ("1.234.567", "1234567", "points"),
        ("-12.345.678", "-12345678", "points"),
        ("1.234.567e2", "1234567e2", "points"),
        ("1,234,567", "1234567", "commas"),
        ("1 234", "1234", "spaces"),
        ("1 234,5", "1234.5", "spaces"),
        ("1\N{NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567.25", "1234567.25", "spaces"),
        ("1'234", "1234", "apostrophes"),
        ("\N{MINUS SIGN}1\N{RIGHT SINGLE QUOTATION MARK}234.5", "-1234.5", "apostrophes"),
    ],
)
def test_read_typed_refuses_thousands_that_only_a_guess_sets_apart(text, number, signs):
    expected = f"is {number} if its {signs} set thousands apart; write it without them"
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        read_typed(text)
    assert read_typed(number) == float(number)


@pytest.mark.parametrize(
    "text",
    [
        "1,2,3",
        "1.2,3",
        "12,34.5",
        "1,23.4",
        "1.234,5,6",
        ",",
        "1 23,5",
        "1.23.456",
        "0.234.567",
        "12,34,567",
        "0,0,1",
        "1,e5x",
    ],
)
def test_read_typed_refuses_what_is_no_number_in_any_notation(text):
    with pytest.raises(ValueError, match="is not a number"):
        read_typed(text)


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("1,234", ",", 1.234),
        ("1,234", ".", 1234),
        ("1.234.567", ",", 1234567),
        ("1,234,567", ".", 1234567),
        ("1.234", ",", 1.234),  # as the form shows its own numbers
        ("1.234,5", ".", 1234.5),
    ],
)
def test_read_typed_reads_an_open_number_with_the_decimal_sign_of_the_study(text, decimal, value):
    assert read_typed(text, decimal) == value


@pytest.mark.parametrize(("text", "decimal"), [("1.234.567", "."), ("1,234,567", ","), ("1 234", ",")])
def test_read_typed_refuses_thousands_that_the_decimal_sign_of_the_study_does_not_explain(text, decimal):
    with pytest.raises(ValueError, match="set thousands apart; write it without them"):
        read_typed(text, decimal)
