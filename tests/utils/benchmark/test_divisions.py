"""Tables that can, and that cannot, be divided as the tasks of a study divide them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from utils.benchmark.divisions import check_divisions
from utils.config import DatasetConfig, load_profile
from utils.data.errors import DataError


def profile_of(tmp_path, frame, name="quick", **roles):
    frame.to_csv(tmp_path / "claims.csv", index=False)
    roles = {"label": "bad", "positive": ("1",), "time": None, "amount": None, "numeric": ("a",), **roles}
    return replace(load_profile(name), dataset=DatasetConfig(tmp_path / "claims.csv", **roles))


def table(n_positives, n_rows=2000, seed=0):
    rng = np.random.default_rng(seed)
    bad = rng.permutation(np.arange(n_rows) < n_positives).astype(int)
    return pd.DataFrame({"a": rng.normal(size=n_rows), "bad": bad})


@pytest.mark.parametrize("name", ["quick", "full"])
@pytest.mark.parametrize("n_positives", [20, 200, 700])
def test_check_divisions_accepts_tables_of_rare_positives(tmp_path, name, n_positives):
    assert check_divisions(profile_of(tmp_path, table(n_positives), name)) is None


@pytest.mark.parametrize("n_positives", [1000, 999])
def test_check_divisions_refuses_classes_that_are_as_frequent(tmp_path, n_positives):
    with pytest.raises(DataError, match=r"training rows.* must be the rarer class .*; exchange the classes\.$"):
        check_divisions(profile_of(tmp_path, table(n_positives)))


def test_check_divisions_refuses_positives_that_are_rarer_in_the_test_set_alone(tmp_path):
    frame = table(700)
    frame = frame.sort_values("bad", ascending=False).reset_index(drop=True)
    mixed = frame.iloc[np.random.default_rng(0).permutation(1300)]  # 700 of the first 1,300 rows
    frame = pd.concat([mixed, frame.iloc[1300:1500]]).assign(day=np.arange(1500.0))
    with pytest.raises(DataError, match="or leave out `time`, by which the latest rows become the test set"):
        check_divisions(profile_of(tmp_path, frame, time="day", time_unit="days"))


def test_check_divisions_refuses_groups_of_which_one_holds_nearly_all_positives(tmp_path):
    """Folds balance the classes as they can, so that one of five has no positive."""
    holders = np.repeat(np.arange(7), [170, 5, 4, 3, 2, 1, 1])
    frame = table(len(holders), 4000)
    customer = np.random.default_rng(1).integers(0, 100, 4000)
    customer[frame["bad"] == 1] = holders
    frame = frame.assign(customer=[f"c{number}" for number in customer])
    with pytest.raises(DataError, match=r"only one class, as \d+ values of 'customer' hold all labels 1 .* or none\.$"):
        check_divisions(profile_of(tmp_path, frame, "full", group="customer"))
    check_divisions(profile_of(tmp_path, frame, "full"))
