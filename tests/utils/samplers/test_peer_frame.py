"""Rows for generators of other projects, and back."""

import numpy as np
import pandas as pd
import pytest

from utils.samplers.peer_frame import GAP, MARK, PeerFrame, decimals_of


@pytest.fixture
def mixed():
    """Positives with categories, gaps, a constant, a column of gaps, whole numbers and two decimals."""
    return pd.DataFrame(
        {
            "amount": [1.25, np.nan, 3.5, 10.75],
            "count": [1.0, 2.0, 2.0, 40.0],
            "shop": pd.Categorical(["a", "b", None, "a"], categories=["a", "b", "c"]),
            "currency": pd.Categorical(["EUR"] * 4),
            "zero": [0.0] * 4,
            "never": [np.nan] * 4,
        }
    )


def test_peer_frame_gives_rows_without_gaps_and_constants(mixed):
    frame = PeerFrame(mixed)
    assert list(frame.encoded) == ["amount", MARK + "amount", "count", "shop"]
    assert frame.encoded["amount"].tolist() == [1.25, 3.5, 3.5, 10.75]
    assert frame.encoded["shop"].tolist() == ["a", "b", GAP, "a"]
    assert frame.categories == [MARK + "amount", "shop"]
    assert frame.whole == ["count"] and frame.discrete == [MARK + "amount", "shop", "count"]


def test_peer_frame_decodes_what_it_encoded(mixed):
    frame = PeerFrame(mixed)
    pd.testing.assert_frame_equal(frame.decode(frame.encoded), mixed)


def test_peer_frame_rounds_and_marks_gaps_of_drawn_rows(mixed):
    drawn = pd.DataFrame({"amount": [2.34567] * 2, MARK + "amount": ["no", "yes"], "count": [1.6] * 2, "shop": "b"})
    decoded = PeerFrame(mixed).decode(drawn)
    assert decoded["amount"].tolist()[0] == 2.35 and decoded["amount"].isna().tolist() == [False, True]
    assert decoded["count"].tolist() == [2, 2] and decoded["currency"].tolist() == ["EUR"] * 2
    assert decoded["never"].isna().all() and (decoded["zero"] == 0).all()


def test_discrete_leaves_out_whole_numbers_of_many_values():
    frame = PeerFrame(pd.DataFrame({"many": np.arange(11.0), "few": [*np.arange(10.0), 0]}))
    assert frame.whole == ["many", "few"] and frame.discrete == ["few"]


@pytest.mark.parametrize(("values", "decimals"), [([1, 2], 0), ([0.1, 2], 1), ([1e6, 0.25], 2), ([1 / 3], 6)])
def test_decimals_of_is_the_least_number_that_all_values_have(values, decimals):
    assert decimals_of(pd.Series([*values, np.nan], dtype=float)) == decimals
