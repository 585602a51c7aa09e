"""Synthetic and real rows of a mixed table are compared in columns that know nothing of the labels."""

import numpy as np
import pandas as pd

from tests import small_mixed
from utils.data.features.encoding import TableEncoder
from utils.experiments import fidelity
from utils.experiments.judged_columns import JudgedColumns


def shops(n_rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """A category of 60 values beside a number, and labels that depend on neither."""
    rng = np.random.default_rng(seed)
    shop = pd.Categorical(rng.integers(0, 60, n_rows).astype(str))
    table = pd.DataFrame({"shop": shop, "size": rng.normal(size=n_rows)})
    return table, (rng.random(n_rows) < 0.3).astype(int)


def test_transform_gives_the_values_of_a_table_without_gaps():
    rows = small_mixed.dataset().X.iloc[:100]
    numbers = JudgedColumns().fit(rows).transform(rows)
    assert not numbers.isna().any(axis=None) and numbers.dtypes.eq(float).all()
    np.testing.assert_array_equal(numbers["points"], rows["points"])
    assert numbers["balance"][rows["balance"].isna()].eq(rows["balance"].median()).all()
    np.testing.assert_array_equal(numbers["balance: missing"], rows["balance"].isna())
    np.testing.assert_array_equal(numbers["channel: missing"], rows["channel"].isna())


def test_transform_orders_the_values_of_a_long_category_by_frequency():
    table = pd.DataFrame({"shop": pd.Categorical(["b"] * 3 + ["a"] * 2 + ["c"])})
    encoder = JudgedColumns(max_one_hot=2).fit(table)
    unseen = pd.DataFrame({"shop": pd.Categorical(["c", "b", None, "z"])})
    assert encoder.transform(unseen)["shop"].tolist() == [2, 0, 3, 3]


def test_transform_of_a_table_of_numbers_changes_nothing():
    table = pd.DataFrame({"a": [1.5, -2.0], "b": [3, 4]})
    pd.testing.assert_frame_equal(JudgedColumns().fit_transform(table), table.astype(float))


def test_two_sample_auc_of_rows_of_one_distribution_is_chance_which_an_encoder_with_labels_misses():
    """Cross-fitted training rows and transformed ones differ, though all of these rows are drawn alike."""
    (train, y), (fresh, _) = shops(400, 0), shops(400, 1)
    judged = JudgedColumns().fit(train)
    fair = fidelity.two_sample_auc(judged.transform(train), judged.transform(fresh), n_repeats=2)
    encoder = TableEncoder()
    misled = fidelity.two_sample_auc(encoder.fit_transform(train, y), encoder.transform(fresh), n_repeats=2)
    assert abs(fair - 0.5) < 0.06 and misled > 0.7
