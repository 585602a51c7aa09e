"""Raw columns of a mixed table as numbers, and back."""

import numpy as np
import pandas as pd
import pytest

from tests import small_mixed
from utils.serving.raw_columns import RawColumn, encode_rows, spell_dates

SHOP = RawColumn("shop", "category", categories=("a", "b"))
ROWS = small_mixed.dataset()
RAW = small_mixed.fit("lr").raw


def test_describe_columns_gives_kinds_and_gaps_in_the_order_of_the_features():
    assert {column.name: column.kind for column in RAW} == {
        "when": "time",
        "balance": "number",
        "points": "number",
        "urgent": "number",
        "merchant": "category",
        "channel": "category",
        "opened": "date",
    }
    by_name = {column.name: column for column in RAW}
    assert by_name["channel"].categories == ("chip", "online", "phone")
    assert by_name["balance"].share_missing == pytest.approx(ROWS.frame["balance"].isna().mean(), abs=1e-6)
    assert by_name["balance"].maximum == ROWS.frame["balance"].max()
    assert by_name["urgent"].values == (0.0, 1.0)
    assert by_name["points"].values == ()
    assert by_name["opened"].day_first is True
    assert not any(column.is_required for column in RAW)


def test_encode_rows_gives_numbers_that_the_columns_decode():
    values = encode_rows(ROWS.frame, RAW)
    assert values.dtype == np.float64
    again = small_mixed.decode_rows(values, RAW)
    for column in RAW:
        before, after = ROWS.frame[column.name].reset_index(drop=True), again[column.name]
        if column.name == "when":  # the dataset holds the time in seconds
            before = pd.to_datetime(before, unit="s")
        assert before.isna().equals(after.isna())
        assert (before.astype(object)[before.notna()] == after.astype(object)[after.notna()]).all()


def test_raw_column_encodes_gaps_as_nan_and_unseen_categories_apart():
    values = SHOP.encode(pd.Series(["b", None, "c", " a ", "?"], dtype=object))
    np.testing.assert_array_equal(values, [1, np.nan, 2, 0, np.nan])
    assert [SHOP.plain(value) for value in values] == ["b", None, "not seen in training", "a", None]


def test_raw_column_decodes_an_unseen_category_to_a_text_that_is_no_category():
    column = RawColumn("note", "category", categories=("not seen in training",))
    assert column.plain(column.unseen) == "not seen in training*"


def test_spell_dates_writes_a_clock_for_times_only():
    assert spell_dates(np.array([1_706_745_599.4, np.nan]), "time").tolist() == ["2024-01-31T23:59:59", "NaT"]
    assert spell_dates(np.array([1_706_659_200.0, -1.0]), "date").tolist() == ["2024-01-31", "1969-12-31"]
