"""Codes of values of different types, and values written as in another column."""

import numpy as np
import pandas as pd
import pytest

from utils.leakage.column_values import IncomparableError, common_codes, plain_values, written_like


def codes_of(first, second) -> tuple[list[int], list[int]]:
    first_codes, second_codes = common_codes(pd.Series(first), pd.Series(second))
    return first_codes.tolist(), second_codes.tolist()


def test_common_codes_are_equal_for_equal_values_and_none_for_missing_ones():
    assert codes_of([3.0, np.nan, 5.0, 3.0], [5, 3, 4, 5]) == ([0, -1, 1, 0], [1, 0, 2, 1])
    assert codes_of(["b", None, "a"], [" ", "a ", "c"]) == ([0, -1, 1], [-1, 1, 2])
    assert codes_of(["2", "nan", "3.50"], [3.5, 2, None]) == ([0, -1, 1], [1, 0, -1])


def test_common_codes_accept_a_column_without_values_beside_any_other():
    assert codes_of([None, None], [1, 2]) == ([-1, -1], [0, 1])
    assert codes_of(pd.Categorical([None], categories=[]), ["a"]) == ([-1], [0])


def test_common_codes_read_texts_as_numbers_only_if_none_become_equal():
    assert codes_of(["01", "2"], ["1", "02"]) == ([0, 1], [0, 1])
    assert codes_of(["01", "1"], ["1", "2"]) == ([0, 1], [1, 2])
    assert codes_of(["2013-09-01", "x"], ["x", "2013-09-01 00:00"]) == ([0, 1], [1, 0])


@pytest.mark.parametrize("kind", ["timestamp[s][pyarrow]", "timestamp[ns, tz=UTC][pyarrow]"])
def test_common_codes_compare_times_of_pyarrow_and_pandas(kind):
    moments = pd.Series(pd.date_range("2013-09-01", periods=3, freq="61min"))
    moments = moments.dt.tz_localize("UTC") if "UTC" in kind else moments
    assert codes_of(moments, moments.astype(kind)) == ([0, 1, 2], [0, 1, 2])


def test_common_codes_refuse_columns_without_a_common_meaning():
    with pytest.raises(IncomparableError, match=r"^text such as 'A1' beside numbers such as 7$"):
        codes_of(["7", "A1"], [7, 8])
    assert codes_of([7, "A1"], ["A2", "7"]) == ([0, 1], [2, 0])


@pytest.mark.parametrize(
    ("reference", "other", "expected"),
    [
        (["007", "012"], [12, 5, 7], ["012", "5", "007"]),
        ([12, 7], ["007", "5", None], [7, 5, np.nan]),
        ([1.5, 2.5], ["2.50", "3"], [2.5, 3]),
        (pd.Categorical(["a", "b"]), ["b ", "c"], ["b", "c"]),
        ([1, 2], [True, False], [True, False]),
    ],
)
def test_written_like_writes_values_as_the_reference_does(reference, other, expected):
    reference, other = pd.Series(reference), pd.Series(other, index=range(10, 10 + len(other)))
    written = written_like(reference, other, common_codes(reference, other))
    pd.testing.assert_series_equal(written, pd.Series(expected, index=other.index))


def test_plain_values_are_distinct_numbers_and_texts():
    assert plain_values(pd.Series(["0", "1", None, "a"])) == {0, 1, "a"}
    assert plain_values(pd.Series([True, False]).astype("category")) == {0, 1}
