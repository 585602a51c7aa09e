"""Encoding of mixed tables: known values, cross-fitting, and rows unlike those of the fit."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from utils import metrics
from utils.config import ULB
from utils.data.features.encoding import TableEncoder, build_encoder, random_equal_rows

N_ROWS = 600


def mixed_table(n_rows=N_ROWS, seed=0):
    rng = np.random.default_rng(seed)
    sums = rng.lognormal(size=n_rows)
    sums[rng.random(n_rows) < 0.2] = np.nan
    channels = rng.choice(["chip", "online", None], n_rows, p=[0.5, 0.4, 0.1])
    shops = rng.choice([f"shop {number}" for number in range(40)], n_rows)
    return pd.DataFrame({"sum": sums, "channel": pd.Categorical(channels), "shop": pd.Categorical(shops)})


def labels(n_rows=N_ROWS, seed=1, share=0.2):
    return (np.random.default_rng(seed).random(n_rows) < share).astype(int)


@pytest.fixture(scope="module")
def fitted():
    return TableEncoder().fit(mixed_table(), labels())


def test_table_encoder_names_what_it_makes(fitted):
    names = ["sum", "missing_sum", "channel_chip", "channel_online", "channel_None", "shop"]
    assert fitted.get_feature_names_out().tolist() == names


def test_table_encoder_scales_every_column_to_mean_0_and_variance_1():
    encoded = TableEncoder().fit_transform(mixed_table(), labels())
    np.testing.assert_allclose(encoded.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(encoded.std(axis=0), 1)


def test_table_encoder_fills_gaps_with_the_median_of_the_training_rows(fitted):
    rows = mixed_table().head(1)
    median = mixed_table()["sum"].median()
    gap, filled = rows.assign(sum=np.nan), rows.assign(sum=median)
    difference = fitted.transform(gap)[0] - fitted.transform(filled)[0]
    names = fitted.get_feature_names_out().tolist()
    assert [name for name, value in zip(names, difference, strict=True) if value] == ["missing_sum"]


def test_table_encoder_takes_unseen_categories_and_new_gaps(fitted):
    rows = mixed_table().head(3)
    unseen = rows.assign(shop=["nowhere", None, "shop 1"], channel=["pigeon", "chip", "chip"])
    encoded = fitted.transform(unseen)
    assert np.isfinite(encoded).all()
    shop = fitted.get_feature_names_out().tolist().index("shop")
    average = (labels().mean() - fitted.pipeline_["scale"].mean_[shop]) / fitted.pipeline_["scale"].scale_[shop]
    np.testing.assert_allclose(encoded[0, shop], average)


def test_table_encoder_does_not_depend_on_the_order_of_columns_or_on_extra_ones(fitted):
    rows = mixed_table().head(5)
    np.testing.assert_array_equal(fitted.transform(rows), fitted.transform(rows[rows.columns[::-1]].assign(more=1)))


def test_table_encoder_encodes_rare_values_together():
    channels = ["chip"] * 50 + ["online"] * 46 + ["phone", "fax", "mail", "pigeon"]
    table = pd.DataFrame({"channel": pd.Categorical(channels)})
    encoder = TableEncoder().fit(table, [0, 1] * 50)
    assert encoder.get_feature_names_out().tolist() == ["channel_chip", "channel_online", "channel_infrequent_sklearn"]


@pytest.mark.parametrize("seed", range(3))
def test_table_encoder_learns_nothing_from_a_near_unique_category_and_random_labels(seed):
    """In-sample shares of positives would give the labels away: cross-fitting must not."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"id": pd.Categorical(rng.integers(0, 1500, 2000).astype(str))})
    y, y_test = labels(2000, seed), labels(2000, seed + 10)
    encoder = TableEncoder(random_state=seed)
    encoded = encoder.fit_transform(table, y)
    scores = LogisticRegression().fit(encoded, y).predict_proba(encoder.transform(table))[:, 1]
    low, high = metrics.random_ranking_interval(2000, int(y_test.sum()), level=0.999)
    assert low < metrics.tie_neutral_average_precision(y_test, scores) < high
    in_sample = encoder.transform(table)[:, 0]
    assert abs(np.corrcoef(encoded[:, 0], y)[0, 1]) < 0.1 < 0.5 < np.corrcoef(in_sample, y)[0, 1]


def test_table_encoder_keeps_the_rows_of_a_group_together_when_it_cross_fits():
    """All rows of a customer have one shop of their own: the share of this shop must come from no row of theirs."""
    customers = np.repeat(np.arange(100), 5)
    shops = pd.DataFrame({"shop": pd.Categorical([f"shop {customer}" for customer in customers])})
    y = np.repeat(labels(100, share=0.3), 5)
    grouped = TableEncoder().fit_transform(shops, y, groups=customers)
    assert np.ptp(grouped) < 1e-9
    assert np.corrcoef(TableEncoder().fit_transform(shops, y)[:, 0], y)[0, 1] > 0.7


def test_table_encoder_takes_a_column_that_is_empty_in_the_training_rows():
    table = mixed_table().assign(empty=np.nan)
    encoder = TableEncoder().fit(table, labels())
    assert np.isfinite(encoder.transform(table.assign(empty=3.0))).all()


def test_table_encoder_can_be_cloned_and_refitted_with_other_rows(fitted):
    again = clone(fitted).fit(mixed_table(), labels())
    np.testing.assert_array_equal(again.transform(mixed_table()), fitted.transform(mixed_table()))


def test_build_encoder_only_scales_a_table_of_numbers():
    assert type(build_encoder(ULB)).__name__ == "StandardScaler"


def test_random_equal_rows_are_equal_drawn_evenly_and_missing_where_there_is_none():
    among = pd.DataFrame({"y": [0, 1, 1, 1], "value": pd.Series(["a", "a", "a", None], dtype=object)})
    rows = pd.DataFrame(
        {"y": [1] * 600 + [0, 1, 1], "value": pd.Series(["a"] * 600 + ["a", np.nan, "b"], dtype=object)}
    )
    positions = random_equal_rows(rows, among, np.random.default_rng(0))
    assert positions[600:].tolist() == [0, 3, -1]
    assert np.bincount(positions[:600], minlength=4).tolist() == pytest.approx([0, 300, 300, 0], abs=60)
