"""Checks of a dataset before anything long runs."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from utils.config import DatasetConfig, Protocol
from utils.data.dataset_checks import check_dataset
from utils.data.errors import DataError
from utils.data.loading import load


def write(tmp_path, **columns):
    rng = np.random.default_rng(0)
    label = rng.permutation(np.arange(400) < 60).astype(int)
    frame = pd.DataFrame({"a": rng.normal(size=400), "shop": rng.choice(["x", "y"], 400), "bad": label})
    frame = frame.assign(**{name: make(frame, rng) for name, make in columns.items()})
    frame.to_csv(tmp_path / "claims.csv", index=False)
    kinds = {"numeric": [name for name in frame if name not in ("shop", "bad", "state", "who")]}
    kinds["categorical"] = [name for name in frame if name in ("shop", "state")]
    return DatasetConfig(tmp_path / "claims.csv", label="bad", time=None, amount=None, **kinds)


def test_check_dataset_names_columns_that_give_the_label_away(tmp_path):
    config = write(
        tmp_path,
        paid=lambda frame, rng: np.where(frame["bad"] == 1, 0.0, rng.uniform(1, 9, len(frame))),
        state=lambda frame, rng: np.where(frame["bad"] == 1, "closed", rng.choice(["open", "new"], len(frame))),
    )
    sentences = list(check_dataset(load(config), Protocol()))
    assert sorted(sentence.split("'")[1] for sentence in sentences) == ["paid", "state"]
    assert all("alone reaches an average precision of 1.000 out of fold" in sentence for sentence in sentences)


def test_check_dataset_says_nothing_of_an_honest_table(tmp_path):
    assert list(check_dataset(load(write(tmp_path)), Protocol())) == []


def test_check_dataset_refuses_a_table_that_cannot_be_divided(tmp_path):
    with pytest.raises(DataError, match="use fewer folds or a longer file"):
        list(check_dataset(load(write(tmp_path)), Protocol(n_splits=60)))


def test_check_dataset_refuses_a_study_of_too_few_positives(tmp_path):
    columns = {"bad": lambda frame, rng: (np.arange(len(frame)) < 19).astype(int)}
    with pytest.raises(DataError, match=r"^claims\.csv: only 19 of 400 rows are positive, and 20 are needed for five"):
        list(check_dataset(load(write(tmp_path, **columns)), Protocol()))
    columns = {"bad": lambda frame, rng: (np.arange(len(frame)) % 20 == 0).astype(int)}
    assert list(check_dataset(load(write(tmp_path, **columns)), Protocol())) == []


def test_check_dataset_refuses_a_table_of_a_few_distinct_rows(tmp_path):
    values = {"a": lambda frame, rng: np.arange(len(frame)) % 2, "shop": lambda frame, rng: "x"}
    with pytest.raises(DataError, match=r"claims\.csv has 2 distinct rows or entities, too few to divide into 5 parts"):
        list(check_dataset(load(write(tmp_path, **values)), Protocol()))


@pytest.mark.parametrize("name", ["signup_year", "signup_weekday_sin", "hour_sin"])
def test_check_dataset_refuses_a_column_named_like_a_feature_of_a_date(tmp_path, name):
    columns = {
        "signup": lambda frame, rng: pd.date_range("2020-01-01", periods=len(frame)).strftime("%Y-%m-%d"),
        "seconds": lambda frame, rng: np.arange(len(frame)),
        name: lambda frame, rng: rng.normal(size=len(frame)),
    }
    config = write(tmp_path, **columns)
    config = replace(config, numeric=("a", name), dates=("signup",), time="seconds")
    with pytest.raises(DataError, match=f"column '{name}' is named like a feature that is made of '(signup|seconds)'"):
        list(check_dataset(load(config), Protocol()))
    list(check_dataset(load(replace(config, numeric=("a",))), Protocol()))
