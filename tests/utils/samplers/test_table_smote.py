"""SMOTE for mixed tables: plausible rows, untouched originals, gaps as their neighbours have them."""

import numpy as np
import pandas as pd
import pytest

from utils.samplers.table_smote import TableSMOTE


def table(n_rows=300, seed=0):
    rng = np.random.default_rng(seed)
    sums = rng.lognormal(size=n_rows)
    shops = rng.choice(["a", "b", "c"], n_rows, p=[0.6, 0.3, 0.1])
    sums[shops == "c"] = np.nan  # a gap that depends on another column
    points = rng.integers(0, 9, n_rows).astype(float)
    return pd.DataFrame({"sum": sums, "shop": pd.Categorical(shops), "points": points})


Y = np.repeat([0, 1], [240, 60])


def test_table_smote_keeps_the_original_rows_first_and_untouched():
    X, y = TableSMOTE(random_state=0).fit_resample(table(), Y)
    assert len(X) == 480 and y.sum() == 240
    pd.testing.assert_frame_equal(X.head(300), table())
    assert X.dtypes.equals(table().dtypes)


def test_table_smote_draws_seen_categories_and_gaps_where_the_neighbours_have_them():
    X, _ = TableSMOTE(random_state=0).fit_resample(table(), Y)
    synthetic = X.iloc[300:]
    assert set(synthetic["shop"]) <= {"a", "b", "c"}
    assert (synthetic["sum"].isna() == (synthetic["shop"] == "c")).mean() > 0.9
    assert synthetic["points"].between(0, 8).all() and not synthetic["points"].isna().any()


@pytest.mark.parametrize("columns", [["shop"], ["points"], ["sum", "points"]])
def test_table_smote_takes_tables_of_one_kind(columns):
    X, y = TableSMOTE(random_state=0).fit_resample(table()[columns].copy(), Y)
    assert y.sum() == 240 and list(X) == columns


def test_table_smote_gives_a_gap_in_a_category_a_class_of_its_own():
    rows = table()
    rows.loc[rows["points"] > 6, "shop"] = np.nan
    X, _ = TableSMOTE(random_state=0).fit_resample(rows, Y)
    assert 0 < X["shop"].iloc[300:].isna().mean() < 0.6


@pytest.mark.parametrize("columns", [["sum", "shop", "points"], ["sum", "points"]])
def test_table_smote_finds_the_same_neighbours_in_any_unit(columns):
    cents = table().assign(sum=table()["sum"] * 2**20)  # a power of two, so that nothing is rounded
    X, _ = TableSMOTE(random_state=0).fit_resample(table()[columns].copy(), Y)
    in_cents, _ = TableSMOTE(random_state=0).fit_resample(cents[columns].copy(), Y)
    np.testing.assert_allclose(in_cents["sum"], X["sum"] * 2**20)
    np.testing.assert_allclose(in_cents["points"], X["points"])


def test_table_smote_rounds_whole_numbers():
    counts = table().assign(points=table()["points"].astype(int), other=np.random.default_rng(1).normal(size=300))
    X, _ = TableSMOTE(random_state=0).fit_resample(counts[["points", "other", "shop"]], Y)
    floats, _ = TableSMOTE(random_state=0).fit_resample(
        counts[["points", "other", "shop"]].astype({"points": float}), Y
    )
    assert X["points"].tolist() == floats["points"].round().astype(int).tolist()
    assert (floats["points"] % 1 > 0).any()


def test_table_smote_is_reproducible_and_refuses_too_few_rows():
    first, again = (TableSMOTE(random_state=1).fit_resample(table(), Y)[0] for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    with pytest.raises(ValueError, match="n_neighbors"):
        TableSMOTE(random_state=0).fit_resample(table(), np.repeat([0, 1], [297, 3]))


@pytest.mark.parametrize("columns", [["sum", "shop", "points"], ["shop"]])
def test_table_smote_draws_as_many_rows_without_room_for_their_codes(monkeypatch, columns):
    """With room for the codes of a few rows at a time, and for three classes."""
    monkeypatch.setattr("utils.samplers.table_smote.MAX_CODES", 200)
    y = np.repeat([0, 1, 2], [200, 60, 40])
    X, labels = TableSMOTE(random_state=0, sampling_strategy={1: 90, 2: 75}).fit_resample(table()[columns].copy(), y)
    assert np.bincount(labels).tolist() == [200, 90, 75] and len(X) == 365
    assert not X.iloc[300:].duplicated().all() and set(X["shop"].iloc[300:]) <= {"a", "b", "c"}


def test_table_smote_draws_many_categories_without_their_codes():
    """A million codes of neighbours a row: in portions of imbalanced-learn, this would take hours."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {"sum": rng.lognormal(size=4000), "shop": pd.Categorical(rng.integers(0, 3000, 4000).astype(str))}
    )
    X, y = TableSMOTE(random_state=0).fit_resample(rows, np.repeat([0, 1], [3500, 500]))
    assert y.sum() == 3500
    assert set(X["shop"].iloc[4000:]) <= set(rows["shop"].iloc[3500:])
