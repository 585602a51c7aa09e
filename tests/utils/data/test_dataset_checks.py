"""Checks of a dataset before anything long runs."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from utils.config import DatasetConfig, Protocol
from utils.data.dataset_checks import check_dataset, leaking_columns
from utils.data.errors import DataError
from utils.data.loading import load
from utils.data.splits import split_off_test


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


def closed_claims(tmp_path):
    """A study with a number and a date that are known of positives alone, and an honest date."""
    days = pd.Series(pd.date_range("2022-01-01", periods=400).strftime("%Y-%m-%d"))
    config = write(
        tmp_path,
        recovered=lambda frame, rng: rng.uniform(1, 9, len(frame)).round(2),
        closed=lambda frame, rng: days,
        opened=lambda frame, rng: days,
    )
    frame = pd.read_csv(config.path)
    frame.loc[frame["bad"] == 0, ["recovered", "closed"]] = None
    frame.to_csv(config.path, index=False)
    return replace(config, numeric=("a", "recovered"), dates=("opened", "closed"))


@pytest.mark.parametrize("time", [None, "opened"])
def test_check_dataset_names_a_date_by_its_column_and_once(tmp_path, time):
    config = replace(closed_claims(tmp_path), time=time)
    dataset = load(config)
    sentences = list(check_dataset(dataset, Protocol()))
    assert sorted(sentence.split("'")[1] for sentence in sentences) == ["closed", "recovered"]
    development, _ = split_off_test(dataset, 0.2)
    assert leaking_columns(dataset, development) == {"closed": 1.0, "recovered": 1.0}


def test_what_check_dataset_says_of_a_leak_can_be_done(tmp_path):
    config = closed_claims(tmp_path)
    sentences = sorted(check_dataset(load(config), Protocol()))
    assert sentences[0].endswith("once the label is, move it from `dates` to `drop` in the study's file.")
    assert sentences[1].endswith("once the label is, move it from `numeric` to `drop` in the study's file.")
    moved = replace(config, numeric=("a",), dates=("opened",), drop=("recovered", "closed"))
    moved.check()
    assert list(check_dataset(load(moved), Protocol())) == []


def test_check_dataset_says_where_a_role_that_leaks_is_listed(tmp_path):
    config = replace(closed_claims(tmp_path), amount="recovered")
    (of_amount,) = (text for text in check_dataset(load(config), Protocol()) if "'recovered'" in text)
    assert "move it from `amount` and `numeric` to `drop` in the study's file" in of_amount
    plain = replace(config, amount=None, numeric=(), categorical=(), dates=(), drop=("opened", "closed", "shop"))
    frame = pd.read_csv(plain.path)
    frame.fillna({"recovered": -1}).to_csv(plain.path, index=False)
    (sentence,) = check_dataset(load(plain), Protocol())
    assert sentence.endswith("once the label is, put it into `drop` of the study's file.")


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
