"""The audit on clean splits and on splits with a known fault; the guards are tested in benchmark/test_runner.py."""

import datetime
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import Pipeline
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import auc, average_precision_score, precision_recall_curve
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from utils.leakage.auditing import Claims, audit
from utils.leakage.report import FAILED, NOT_CHECKED, PASSED

COLUMNS = [f"x{number}" for number in range(12)]


def make_frame(n_rows: int = 1200, seed: int = 0) -> pd.DataFrame:
    """Independent rows of two classes; a tenth of the rows is of the minority."""
    rng = np.random.default_rng(seed)
    y = (np.arange(n_rows) % 10 == 0).astype(int)
    frame = pd.DataFrame(rng.normal(size=(n_rows, len(COLUMNS))) + y[:, None], columns=COLUMNS)
    return frame.assign(label=y)


def halves(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    return frame.iloc[: len(frame) * 2 // 3], frame.iloc[len(frame) * 2 // 3 :]


def features(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    return frame[COLUMNS], frame["label"]


@pytest.fixture
def sides():
    return halves(make_frame())


# A clean split


def test_audit_of_a_clean_split_with_its_pipeline_passes_every_check(sides):
    train, test = sides
    pipeline = Pipeline([("scale", StandardScaler()), ("smote", SMOTE(random_state=0)), ("lr", LogisticRegression())])
    pipeline.fit(*features(train))
    fitted = pipeline[:2].fit_resample(*features(train))
    scores = pipeline.predict_proba(test[COLUMNS])[:, 1]
    area = round(average_precision_score(test["label"], scores), 4)
    report = audit(
        train,
        test,
        label="label",
        pipeline=pipeline,
        fitted=fitted,
        claims=Claims(make_frame()["label"], (test["label"], scores, area)),
    )
    assert report.passed == [finding.name for finding in report.findings]
    assert report["sampler rows"].evidence["rows that a sampler made"] == fitted[1].sum() - train["label"].sum()


def test_audit_does_not_check_without_the_inputs_of_a_check(sides):
    report = audit(*sides, label="label")
    assert report.passed == ["shared rows", "near-shared rows"]
    not_checked = [finding for finding in report.findings if finding.verdict == NOT_CHECKED]
    assert [finding.name for finding in not_checked] == ["sampler rows", "scaler", "prevalence", "area"]
    assert all("Pass" in finding.advice for finding in not_checked)


def test_audit_leaves_the_frames_unchanged(sides):
    before = [side.copy(deep=True) for side in sides]
    audit(*sides, label="label", claims=Claims(0.1))
    for side, copy in zip(sides, before, strict=True):
        pd.testing.assert_frame_equal(side, copy)


# Shared rows


def test_check_shared_rows_counts_and_locates_them(sides):
    train, test = sides
    test = pd.concat([test, train.iloc[[5, 10, 20]]])
    test.iloc[-1, test.columns.get_loc("label")] = 0
    finding = audit(train, test.sample(frac=1, random_state=0), label="label")["shared rows"]
    assert finding.verdict == FAILED
    assert finding.evidence["rows"] == 3 and finding.evidence["rows with the same label"] == 2
    assert finding.evidence["share"] == pytest.approx(3 / 403)
    shuffled = test.sample(frac=1, random_state=0)
    assert set(shuffled.index[list(finding.rows)]) == {5, 10, 20}


def test_check_shared_rows_compares_numbers_of_any_type_and_columns_by_name():
    columns = {"x0": range(60), "x1": range(100, 160), "text": ["a", "b"] * 30}
    train = make_frame(60).round().astype(int).assign(**columns)
    test = train.iloc[:6].astype(dict.fromkeys(COLUMNS, float))
    assert audit(train, test[[*reversed(test.columns)]], label="label")["shared rows"].evidence["rows"] == 6
    swapped = test.rename(columns={"x0": "x1", "x1": "x0"})
    assert audit(train, swapped, label="label")["shared rows"].verdict == PASSED
    assert audit(train, test.assign(text="c"), label="label")["shared rows"].verdict == PASSED


# Values read with different types: both columns of a pair hold the same values, row by row

CODES = range(101, 161)
MOMENTS = pd.Series(pd.date_range("2013-09-01 00:00:07", periods=60, freq="61min"))
SAME_VALUES = {
    "text and integers": ([f"{code}" for code in CODES], CODES),
    "text without its leading zeros": ([f"{code:05}" for code in CODES], [f"{code}" for code in CODES]),
    "leading zeros and integers": ([f"{code:05}" for code in CODES], CODES),
    "text and floats": ([f"{code}" for code in CODES], [float(code) for code in CODES]),
    "category and text": (pd.Series([f"K{code}" for code in CODES], dtype="category"), [f"K{c}" for c in CODES]),
    "category of text and integers": (pd.Series([f"{code}" for code in CODES], dtype="category"), CODES),
    "category of integers and integers": (pd.Series(CODES, dtype="category"), CODES),
    "float32 and float64": (np.array(CODES, dtype="float32") / 10, np.array(CODES) / 10),
    "float32 and text": (np.array(CODES, dtype="float32") / np.float32(10), [f"{code / 10}" for code in CODES]),
    "float16 and float32": (np.array(CODES, dtype="float16") / np.float16(8), np.array(CODES, dtype="float32") / 8),
    "uint64 and integers": (np.array(CODES, dtype="uint64"), CODES),
    "integers beyond int64": (np.array(CODES, dtype="uint64") + np.uint64(2**63), [2**63 + code for code in CODES]),
    "large integers and text": ([2**53 + code for code in CODES], [f"{2**53 + code}" for code in CODES]),
    "nullable integers and floats": (pd.Series([*CODES[1:], None], dtype="Int64"), [*map(float, CODES[1:]), np.nan]),
    "gaps as None, NA and nan": (pd.Series([*CODES[1:], pd.NA], dtype=object), [*map(float, CODES[1:]), None]),
    "gaps as text": ([*map(str, CODES[1:]), "nan"], [*map(float, CODES[1:]), np.nan]),
    "gaps as empty text": ([*map(str, CODES[1:]), ""], pd.Series([*CODES[1:], None], dtype="Int64")),
    "pyarrow and NumPy": (pd.Series(CODES, dtype="int64[pyarrow]"), CODES),
    "sparse and dense": (pd.arrays.SparseArray(CODES), CODES),
    "decimals and floats": ([Decimal(code) / 10 for code in CODES], [code / 10 for code in CODES]),
    "bytes and text": ([b"K%d" % code for code in CODES], [f"K{code}" for code in CODES]),
    "spaces around text": ([f" K{code}" for code in CODES], [f"K{code}  " for code in CODES]),
    "numbers and text in one column": ([*CODES[:30], *map(str, CODES[30:])], [*map(str, CODES[:30]), *CODES[30:]]),
    "lists": ([[code] for code in CODES], [[code] for code in CODES]),
    "times and text": (MOMENTS, MOMENTS.astype(str)),
    "dates with and without an hour": (MOMENTS.dt.strftime("%Y-%m-%dT%H:%M:%S"), MOMENTS.astype(str)),
    "times in seconds": (MOMENTS.dt.as_unit("s"), MOMENTS + pd.Timedelta("1ms")),
    "times and Python's": (MOMENTS, MOMENTS.astype(object)),
    "two zones": (MOMENTS.dt.tz_localize("UTC"), MOMENTS.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")),
}


def with_code(frame: pd.DataFrame, code) -> pd.DataFrame:
    return frame.assign(code=code.to_numpy() if isinstance(code, pd.Series) and code.dtype == object else code)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("kind", SAME_VALUES)
def test_check_shared_rows_compares_values_whatever_their_types(kind, swapped):
    first, second = SAME_VALUES[kind][:: -1 if swapped else 1]
    frame = make_frame(60)
    train = with_code(frame, first)
    test = with_code(frame, second).iloc[40:]
    assert audit(train, test, label="label")["shared rows"].evidence["rows"] == 20
    # The same values in other rows: only the code distinguishes these rows from those of train.
    other = with_code(frame, second).assign(code=lambda rows: np.roll(rows["code"].to_numpy(object), 1)).iloc[40:]
    finding = audit(train, other.assign(code=other["code"].infer_objects()), label="label")["shared rows"]
    assert finding.verdict == PASSED


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (True, 1),
        ("True", True),
        (-0.0, 0),
        ("-0", 0.0),
        ("1e3", 1000),
        ("inf", np.inf),
        ("1e30", 1e30),
        (Decimal("Infinity"), np.inf),
        (Fraction(1, 2), 0.5),
        (datetime.date(9999, 12, 31), "9999-12-31"),
        (None, np.nan),
        (pd.NaT, pd.NA),
        (datetime.date(2013, 9, 1), "2013-09-01"),
    ],
)
def test_check_shared_rows_compares_values_however_they_are_written(first, second, sides):
    train, _ = sides
    finding = audit(train.assign(code=first), train.iloc[:7].assign(code=second), label="label")["shared rows"]
    assert finding.evidence["rows"] == 7


@pytest.mark.parametrize(
    ("first", "second"),
    [(2**53, 2**53 + 1), (-(2**62), 1 - 2**62), (2**64 - 2, 2**64 - 1), ("7", "8"), ("007", 70), (0.1, 0.1 + 1e-12)],
)
def test_check_shared_rows_tells_values_apart_by_their_last_digit(first, second, sides):
    train, _ = sides
    finding = audit(train.assign(code=first), train.iloc[:7].assign(code=second), label="label")["shared rows"]
    assert finding.verdict == PASSED


def test_check_shared_rows_tells_codes_apart_that_differ_in_zeros_on_one_side(sides):
    train, _ = sides
    codes = np.where(np.arange(len(train)) % 2, "7", "07")
    train = train.assign(code=codes)
    assert audit(train, train.iloc[:6].assign(code="007"), label="label")["shared rows"].verdict == PASSED
    assert audit(train, train.iloc[:6], label="label")["shared rows"].evidence["rows"] == 6


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("yes", 1, r"'code' \(text such as 'yes' beside numbers such as 1\)"),
        (pd.Timestamp("2013-09-01"), 1378000000, r"'code' \(times without a zone, 2013-09-01 00:00:00 beside numbers"),
        (pd.Timestamp("2013-09-01"), "1 Sept", "beside text such as '1 Sept'"),
        (pd.Timestamp("2013-09-01"), pd.Timestamp("2013-09-01", tz="UTC"), "beside times with a zone"),
        (pd.Timedelta("1s"), 1, "durations, 0 days 00:00:01 beside numbers"),
        (2**53 + 1, float(2**53), "integers beside float64 values too large"),
        (2**24 + 1, np.float32(2**24), "integers beside float32 values too large"),
        (str(2**53 + 1), float(2**53), "integers beside float64 values too large"),
    ],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_audit_names_columns_that_cannot_be_compared(first, second, message, swapped, sides):
    train, test = sides
    pair = train.assign(code=first, other=first), test.assign(code=second, other=second)
    with pytest.raises(ValueError, match="give both the same types") as error:
        audit(*pair[:: -1 if swapped else 1], label="label")
    assert "'code'" in str(error.value) and "'other'" in str(error.value)
    assert swapped or re.search(message, str(error.value))


def test_check_near_rows_finds_copies_of_another_type(sides):
    train, _ = sides
    times = np.arange(len(train)) * 60
    train = train.assign(time=times, code=[f"{number:04}" for number in range(len(train))])
    near = train.iloc[:30].assign(time=times[:30] + 7, code=range(30))
    finding = audit(train, near, label="label")["near-shared rows"]
    assert finding.verdict == FAILED and finding.evidence["rows equal but for one column"] == 30
    assert finding.evidence["that column"] == "time"


def test_audit_passes_test_values_to_the_pipeline_as_they_are_written_in_train(sides):
    """Codes are text in train, where the pipeline learned them, and integers in test."""
    train, test = (side.assign(code=np.arange(len(side)) % 3) for side in sides)
    train["code"] = train["code"].map("{:03}".format)
    encode = ColumnTransformer([("code", OneHotEncoder(), ["code"]), ("rest", StandardScaler(), COLUMNS)])
    encode.fit(train[["code", *COLUMNS]])
    both = pd.concat([train, test.iloc[[3, 7]].assign(code=lambda rows: rows["code"].map("{:03}".format))])
    for rows, n_seen in ((train, 0), (both, 2)):
        fitted = encode.transform(rows[["code", *COLUMNS]]), rows["label"]
        report = audit(train, test, label="label", fitted=fitted, pipeline=encode)
        assert report["sampler rows"].evidence["test rows fitted on"] == n_seen
        assert report["scaler"].verdict == PASSED


# Near-shared rows


def with_copies(seed: int = 1) -> pd.DataFrame:
    """Rows of which a tenth occurs twice, at another time; the copies are at the end."""
    frame = make_frame().assign(time=lambda rows: np.arange(len(rows)) * 60.0)
    copies = frame.sample(120, random_state=seed).assign(time=lambda rows: rows["time"] + 7)
    return pd.concat([frame, copies]).reset_index(drop=True)


def test_check_near_rows_finds_copies_except_in_one_column_and_names_it():
    frame = with_copies().sample(frac=1, random_state=0)
    finding = audit(*halves(frame), label="label")["near-shared rows"]
    assert finding.verdict == FAILED
    train, test = (side.drop(columns="time").apply(tuple, axis=1) for side in halves(frame))
    assert finding.evidence["rows equal but for one column"] == test.isin(set(train)).sum() > 10
    assert finding.evidence["that column"] == "time" and "'time'" in finding.summary
    assert test.iloc[list(finding.rows)].isin(set(train)).all()


def test_check_near_rows_passes_copies_that_stay_on_one_side():
    frame = with_copies()
    groups = frame.groupby(COLUMNS, sort=False).ngroup()
    finding = audit(frame[groups % 3 > 0], frame[groups % 3 == 0], label="label")["near-shared rows"]
    assert finding.verdict == PASSED
    assert finding.evidence["share within train"] > 0.1 and finding.evidence["share"] == 0


def test_check_near_rows_finds_copies_with_a_tiny_error_in_every_column(sides):
    train, test = sides
    noisy = train.iloc[:40].copy()
    noisy[COLUMNS] += np.random.default_rng(0).normal(0, 1e-6, (40, len(COLUMNS)))
    finding = audit(train, pd.concat([test, noisy]), label="label")["near-shared rows"]
    assert finding.verdict == FAILED
    assert finding.evidence["rows equal but for one column"] == 0
    assert finding.evidence["share within a tiny distance"] == pytest.approx(40 / 440)
    assert finding.rows == (400, 401, 402, 403, 404)


def test_check_near_rows_does_not_judge_coarse_columns():
    rng = np.random.default_rng(0)
    coarse = make_frame()[["label"]].assign(a=rng.integers(0, 50, 1200), b=rng.integers(0, 50, 1200))
    finding = audit(*halves(coarse), label="label")["near-shared rows"]
    assert finding.verdict == NOT_CHECKED and "say nothing" in finding.summary


# Rows of a sampler


def smote_before_the_split() -> tuple[pd.DataFrame, pd.DataFrame, tuple]:
    """Real rows of both sides, and fitted rows with synthetic ones interpolated across the sides."""
    frame = make_frame()
    train, test = halves(frame)
    X, y = SMOTE(random_state=0).fit_resample(*features(frame))
    synthetic = X.iloc[len(frame) :], y.iloc[len(frame) :]
    return train, test, tuple(pd.concat(pair) for pair in zip(features(train), synthetic, strict=True))


def test_check_fitted_rows_traces_interpolation_across_the_split_to_test_rows():
    train, test, fitted = smote_before_the_split()
    finding = audit(train, test, label="label", fitted=fitted)["sampler rows"]
    assert finding.verdict == FAILED
    assert finding.evidence["test rows fitted on"] == 0
    assert finding.evidence["test rows behind them"] > 0.9 * test["label"].sum()
    assert (test["label"].iloc[list(finding.rows)] == 1).all()


def test_check_fitted_rows_passes_interpolation_within_train():
    train, test = halves(make_frame())
    fitted = SMOTE(random_state=0).fit_resample(*features(train))
    finding = audit(train, test, label="label", fitted=fitted)["sampler rows"]
    assert finding.verdict == PASSED and finding.evidence["test rows behind them"] == 0


@pytest.mark.parametrize(("source", "verdict"), [("test", FAILED), ("train", PASSED), ("class", PASSED)])
def test_check_fitted_rows_judges_a_generator_by_the_real_rows_nearest_to_its_rows(sides, source, verdict):
    """The generator copies rows of one side with noise, or draws from the true distribution of the class."""
    train, test = sides
    rng = np.random.default_rng(5)
    real = {"test": test, "train": train, "class": make_frame(seed=9)}[source].query("label == 1")[COLUMNS].to_numpy()
    synthetic = real[rng.integers(len(real), size=300)] + rng.normal(0, 0.05, (300, len(COLUMNS)))
    if source == "class":
        synthetic = rng.normal(1, 1, (300, len(COLUMNS)))
    fitted = np.vstack([train[COLUMNS], synthetic]), np.r_[train["label"], np.ones(300)]
    finding = audit(train, test, label="label", fitted=fitted)["sampler rows"]
    assert finding.verdict == verdict
    assert finding.evidence["rows that a sampler made"] == 300


def test_check_fitted_rows_finds_test_rows_after_scaling(sides):
    train, test = sides
    scaler = StandardScaler().fit(train[COLUMNS])
    both = pd.concat([train, test.iloc[[3, 7]]])
    fitted = scaler.transform(both[COLUMNS]), both["label"]
    finding = audit(train, test, label="label", fitted=fitted, pipeline=scaler)["sampler rows"]
    assert finding.verdict == FAILED
    assert finding.evidence["test rows fitted on"] == 2 and finding.rows == (3, 7)


def test_check_fitted_rows_recognises_rows_in_single_precision(sides):
    """Many models and generators work in float32."""
    train, test = sides
    for rows, n_seen in ((train, 0), (pd.concat([train, test.iloc[[3, 7]]]), 2)):
        fitted = rows[COLUMNS].to_numpy(np.float32), rows["label"]
        finding = audit(train, test, label="label", fitted=fitted)["sampler rows"]
        assert finding.evidence["rows that a sampler made"] == 0
        assert finding.evidence["test rows fitted on"] == n_seen and finding.verdict == (FAILED, PASSED)[not n_seen]


def test_check_fitted_rows_tells_rows_of_very_small_numbers_apart(sides):
    train, test = ((side[COLUMNS] * 1e-12).assign(label=side["label"]) for side in sides)
    finding = audit(train, test, label="label", fitted=features(train))["sampler rows"]
    assert finding.verdict == PASSED and finding.evidence["test rows fitted on"] == 0


@pytest.mark.filterwarnings("error")
def test_check_fitted_rows_compares_a_column_of_zeros_like_any_other(sides):
    train, test = (side.assign(x0=0.0) for side in sides)
    finding = audit(train, test, label="label", fitted=features(pd.concat([train, test.iloc[[3, 7]]])))["sampler rows"]
    assert finding.evidence["test rows fitted on"] == 2 and finding.evidence["rows that a sampler made"] == 0


def test_check_fitted_rows_matches_columns_by_name(sides):
    train, test = sides
    fitted = pd.concat([train, test.iloc[[3, 7]]])
    finding = audit(train, test, label="label", fitted=(fitted[COLUMNS[::-1]], fitted["label"]))["sampler rows"]
    assert finding.evidence["test rows fitted on"] == 2 and finding.evidence["rows that a sampler made"] == 0


def test_check_fitted_rows_refuses_text_columns_without_their_encoder(sides):
    train, test = (side.assign(shop="a") for side in sides)
    with pytest.raises(ValueError, match="'shop' are not numeric as input of the classifier"):
        audit(train, test, label="label", fitted=(train[COLUMNS], train["label"]))


# Scalers


@pytest.mark.parametrize("kind", [StandardScaler, RobustScaler, MinMaxScaler, MaxAbsScaler, PowerTransformer])
def test_check_scalers_recognises_the_rows_of_each_kind_of_scaler(kind, sides):
    train, test = sides
    test = test.assign(x0=test["x0"] + 20)  # an extreme on the test side, which MinMaxScaler and MaxAbsScaler need
    for rows, verdict in ((train, PASSED), (pd.concat([train, test]), FAILED)):
        finding = audit(train, test, label="label", pipeline=kind().fit(rows[COLUMNS]))["scaler"]
        assert finding.verdict == verdict, kind
        assert finding.evidence[kind.__name__] == ("train" if verdict == PASSED else "train and test")


def test_check_scalers_recognises_the_rows_of_a_quantile_transformer(sides):
    train, test = sides
    for rows, verdict in ((train, PASSED), (pd.concat([train, test]), FAILED)):
        scaler = QuantileTransformer(n_quantiles=50, random_state=0).fit(rows[COLUMNS])
        assert audit(train, test, label="label", pipeline=scaler)["scaler"].verdict == verdict


def test_check_scalers_fails_equal_statistics_on_more_rows(sides):
    """With all extremes in train, the statistics of MinMaxScaler are equal and only its count of rows differs."""
    train, test = sides
    train = train.copy()
    train.iloc[0, : len(COLUMNS)], train.iloc[1, : len(COLUMNS)] = 50, -50
    scaler = MinMaxScaler().fit(pd.concat([train, test])[COLUMNS])
    assert audit(train, test, label="label", pipeline=scaler)["scaler"].verdict == FAILED


def test_check_scalers_examines_every_scaler_inside_a_pipeline(sides):
    train, test = sides
    columns = ColumnTransformer([("one", RobustScaler(), ["x0", "x1"]), ("two", StandardScaler(), [2, 3, 4])])
    pipeline = Pipeline([("columns", columns), ("again", MinMaxScaler()), ("lr", LogisticRegression())])
    pipeline.fit(*features(train))
    evidence = audit(train, test, label="label", pipeline=pipeline)["scaler"].evidence
    assert evidence == {"columns.one": "train", "columns.two": "train", "again": "train", "test rows in train": 0}
    pipeline.named_steps["columns"].named_transformers_["two"].fit(pd.concat([train, test])[["x2", "x3", "x4"]])
    finding = audit(train, test, label="label", pipeline=pipeline)["scaler"]
    assert finding.verdict == FAILED and finding.evidence["columns.two"] == "train and test"


def test_check_scalers_does_not_judge_a_scaler_of_unknown_rows_or_none(sides):
    train, test = sides
    finding = audit(train, test, label="label", pipeline=StandardScaler().fit(train[COLUMNS].iloc[:50]))["scaler"]
    assert finding.verdict == NOT_CHECKED and finding.evidence["StandardScaler"] == "other rows"
    model = Pipeline([("lr", LogisticRegression())]).fit(*features(train))
    assert audit(train, test, label="label", pipeline=model)["scaler"].verdict == NOT_CHECKED


def test_check_scalers_fails_if_train_holds_test_rows(sides):
    train, test = sides
    train = pd.concat([train, test.iloc[:10]])
    finding = audit(train, test, label="label", pipeline=StandardScaler().fit(train[COLUMNS]))["scaler"]
    assert finding.verdict == FAILED and finding.evidence["test rows in train"] == 10


def with_gaps(frame, share, every_column=True, seed=0):
    """Rows with this share of the features missing, in every column or in the first one only."""
    missing = np.random.default_rng(seed).random((len(frame), len(COLUMNS))) < share
    missing[:, 1:] &= every_column
    return frame.assign(**frame[COLUMNS].mask(missing))


@pytest.mark.parametrize("every_column", [True, False])
@pytest.mark.parametrize("share", [0.02, 0.5])
@pytest.mark.parametrize("kind", [StandardScaler, RobustScaler, MinMaxScaler, QuantileTransformer, PowerTransformer])
def test_check_scalers_recognises_the_rows_of_a_scaler_where_columns_have_gaps(kind, share, every_column):
    train, test = halves(with_gaps(make_frame(), share, every_column))
    for rows, fitted_on, verdict in ((train, "train", PASSED), (pd.concat([train, test]), "train and test", FAILED)):
        finding = audit(train, test, label="label", pipeline=kind().fit(rows[COLUMNS]))["scaler"]
        assert (finding.evidence[kind.__name__], finding.verdict) == (fitted_on, verdict)


def test_check_scalers_recognises_the_rows_of_a_scaler_with_a_column_of_gaps_only(sides):
    train, test = (side.assign(x0=np.nan) for side in sides)
    scaler = QuantileTransformer(n_quantiles=50).fit(train[COLUMNS])
    assert audit(train, test, label="label", pipeline=scaler)["scaler"].verdict == PASSED


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_audit_of_a_column_of_gaps_only_prints_no_warning(sides):
    train, test = (side.assign(x0=np.nan) for side in sides)
    assert not audit(train, test, label="label").failed


@pytest.mark.parametrize("side", ["train", "both"])
@pytest.mark.parametrize(
    ("options", "is_known"),
    [
        ({}, False),
        ({"random_state": np.random.RandomState(0)}, False),
        ({"random_state": 0}, True),
        ({"random_state": np.int64(3)}, True),
        ({"subsample": None}, True),
        ({"subsample": 10_000}, True),
    ],
)
def test_check_scalers_says_that_a_quantile_transformer_of_a_random_sample_cannot_be_judged(
    options, is_known, side, sides
):
    rows = sides[0] if side == "train" else pd.concat(sides)
    scaler = QuantileTransformer(**{"n_quantiles": 50, "subsample": 200, **options}).fit(rows[COLUMNS])
    finding = audit(*sides, label="label", pipeline=scaler)["scaler"]
    if is_known:
        assert finding.verdict == (PASSED if side == "train" else FAILED)
    else:
        assert finding.verdict == NOT_CHECKED and "a random sample" in finding.summary
        assert "integer random_state" in finding.advice and "training frame" not in finding.advice


BY_NAME = (["x0", "x1", "x2"], slice("x0", "x2"), make_column_selector(pattern="^x[012]$"))
BY_POSITION = ([0, 1, 2], slice(0, 3), np.arange(12) < 3, [True] * 3 + [False] * 9, lambda rows: [0, 1, 2])


@pytest.mark.parametrize(
    ("steps", "columns"),
    [
        *(([], columns) for columns in (*BY_NAME, *BY_POSITION)),
        *(([("array", FunctionTransformer(np.asarray))], columns) for columns in BY_POSITION),
    ],
)
def test_check_scalers_reads_the_columns_of_a_transformer_as_scikit_learn_does(steps, columns, sides):
    train, test = sides
    scaler = ColumnTransformer([("scale", StandardScaler(), columns), ("none", StandardScaler(), [])])
    for rows, fitted_on in ((train, "train"), (pd.concat(sides), "train and test")):
        pipeline = Pipeline([*steps, ("columns", clone(scaler))]).fit(rows[COLUMNS])
        evidence = audit(train, test, label="label", pipeline=pipeline)["scaler"].evidence
        assert evidence == {"columns.scale": fitted_on, "test rows in train": 0}


def words_of(frame):
    """A text per row, of words that follow the label a little."""
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(["red", "blue", "green", "grey"], 6)) for _ in range(len(frame))]


def test_check_scalers_reads_a_column_of_text_by_its_name_and_sparse_rows():
    frame = make_frame()
    train, test = halves(frame.assign(note=words_of(frame)))
    text = Pipeline([("count", CountVectorizer()), ("scale", MaxAbsScaler())])
    columns = ColumnTransformer([("text", text, "note"), ("number", StandardScaler(), ["x0"])])
    for rows, fitted_on in ((train, "train"), (pd.concat([train, test]), "train and test")):
        evidence = audit(train, test, label="label", pipeline=clone(columns).fit(rows))["scaler"].evidence
        assert evidence["number"] == fitted_on and "text.scale" in evidence


@pytest.mark.parametrize("scaler", [StandardScaler(with_mean=False), RobustScaler(with_centering=False)])
def test_audit_checks_sparse_rows_as_dense_ones(scaler):
    rng = np.random.default_rng(0)
    frame = make_frame().assign(shop=rng.integers(0, 5, 1200).astype(str), colour=rng.integers(0, 4, 1200).astype(str))
    train, test = halves(frame[["shop", "colour", "x0", "label"]])
    reports = []
    for is_sparse in (True, False):
        encode = ColumnTransformer(
            [("one hot", OneHotEncoder(sparse_output=is_sparse), ["shop", "colour"])],
            remainder="passthrough",
            sparse_threshold=float(is_sparse),
        )
        pipeline = Pipeline([("encode", encode), ("scale", clone(scaler)), ("lr", LogisticRegression())])
        pipeline.fit(train.drop(columns="label"), train["label"])
        fitted = pipeline[:2].transform(pd.concat([train, test.iloc[:5]]).drop(columns="label"))
        assert sparse.issparse(fitted) == is_sparse
        labels = np.r_[train["label"], test["label"][:5]]
        reports.append(audit(train, test, label="label", pipeline=pipeline, fitted=(fitted, labels)))
    assert str(reports[0]) == str(reports[1])
    assert reports[0]["sampler rows"].evidence["test rows fitted on"] == 5
    assert reports[0]["scaler"].verdict == reports[0]["encoder"].verdict == PASSED


@pytest.mark.parametrize("side", ["train", "test", "fitted"])
def test_check_fitted_rows_does_not_trace_rows_with_gaps_and_says_so(side, sides):
    train, test = sides
    X, y = SMOTE(random_state=0).fit_resample(*features(train))
    if side == "fitted":
        X.iloc[0, 0] = np.nan
    train, test = (
        with_gaps(frame, 0.1) if name == side else frame for name, frame in (("train", train), ("test", test))
    )
    finding = audit(train, test, label="label", fitted=(X, y))["sampler rows"]
    n_gaps = sum(int(frame[COLUMNS].isna().any(axis=1).sum()) for frame in (train, test, X))
    assert finding.verdict == NOT_CHECKED and finding.evidence["rows with gaps"] == n_gaps
    assert f"because {n_gaps:,} rows" in finding.summary and "fills the gaps" in finding.advice
    leaked = pd.concat([X, test[COLUMNS].iloc[:4]]), np.r_[y, test["label"][:4]]
    finding = audit(train, test, label="label", fitted=leaked)["sampler rows"]
    assert finding.verdict == FAILED and finding.evidence["test rows fitted on"] == 4
    assert finding.advice.startswith("Make the sampler a step")


def test_check_fitted_rows_traces_rows_whose_gaps_the_pipeline_fills(sides):
    train, test = (with_gaps(side, 0.1) for side in sides)
    for rows, verdict in ((train, PASSED), (pd.concat([train, test]), FAILED)):
        pipeline = Pipeline([("fill", SimpleImputer()), ("smote", SMOTE(random_state=0, k_neighbors=3))])
        fill = pipeline.named_steps["fill"].fit(train[COLUMNS])
        fitted = pipeline.named_steps["smote"].fit_resample(fill.transform(rows[COLUMNS]), rows["label"])
        assert audit(train, test, label="label", pipeline=pipeline, fitted=fitted)["sampler rows"].verdict == verdict


@pytest.mark.parametrize("copies", [0, 3])
def test_check_fitted_rows_needs_no_trace_of_rows_with_gaps_that_no_sampler_made(copies, sides):
    train, test = (with_gaps(side, 0.1) for side in sides)
    fitted = features(pd.concat([train.iloc[::2], test.iloc[:copies]]))
    finding = audit(train, test, label="label", fitted=fitted)["sampler rows"]
    assert finding.verdict == (FAILED if copies else PASSED)
    assert finding.evidence["test rows fitted on"] == copies and finding.evidence["rows that a sampler made"] == 0


# Prevalence


@pytest.mark.parametrize("population", [0.1, make_frame()["label"], make_frame()["label"].to_numpy()])
def test_check_prevalence_compares_it_with_the_populations(sides, population):
    train, test = sides
    assert audit(train, test, label="label", claims=Claims(population))["prevalence"].verdict == PASSED
    thinned = pd.concat([test[test["label"] == 1], test[test["label"] == 0].iloc[:120]])
    finding = audit(train, thinned, label="label", claims=Claims(population))["prevalence"]
    assert finding.verdict == FAILED
    assert finding.evidence["prevalence"] == pytest.approx(40 / 160)
    assert finding.evidence["low"] < 0.25 < finding.evidence["high"]


def test_check_prevalence_accepts_text_labels(sides):
    named = [side.assign(label=np.where(side["label"] == 1, "rare", "usual")) for side in sides]
    assert audit(*named, label="label", claims=Claims(0.1))["prevalence"].verdict == PASSED
    assert audit(*named, label="label", claims=Claims(0.5))["prevalence"].verdict == FAILED


SPELLINGS = {
    "text": lambda labels: labels.astype(str),
    "text of floats": lambda labels: labels.map({0: "0.0", 1: "1.0"}),
    "floats": lambda labels: labels.astype(float),
    "booleans": lambda labels: labels.astype(bool),
    "text of booleans and spaces": lambda labels: labels.map({0: "0 ", 1: " 1"}),
    "categories": lambda labels: labels.astype("category"),
    "categories of text with an unused one": lambda labels: labels.astype(str).astype(
        pd.CategoricalDtype(["1", "0", "2"])
    ),
    "nullable": lambda labels: labels.astype("Int64"),
    "nullable booleans": lambda labels: labels.astype(bool).astype("boolean"),
    "objects": lambda labels: labels.map({0: "0", 1: 1}).astype(object),
    "decimals": lambda labels: labels.map(Decimal),
    "bytes": lambda labels: labels.map({0: b"0", 1: b"1"}),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_audit_compares_labels_by_value(spelling, sides):
    """Labels may be written differently in either frame, the fitted rows, the population and the curve."""
    train, test = sides
    spell = SPELLINGS[spelling]
    fitted = SMOTE(random_state=0).fit_resample(*features(train))
    plain = {"fitted": fitted, "claims": Claims(train["label"], (test["label"], test["x0"], 0.5))}
    other = {
        "fitted": (fitted[0], spell(fitted[1])),
        "claims": Claims(spell(train["label"]), (spell(test["label"]), test["x0"], 0.5)),
    }
    reports = [
        audit(train, test, label="label", **plain),
        audit(train, test, label="label", **other),
        audit(train.assign(label=spell(train["label"])), test, label="label", **plain),
        audit(train, test.assign(label=spell(test["label"])), label="label", **plain),
    ]
    assert reports[0]["prevalence"].verdict == reports[0]["sampler rows"].verdict == PASSED
    for report in reports[1:]:
        pd.testing.assert_frame_equal(report.to_frame(), reports[0].to_frame())


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_audit_finds_a_leak_however_labels_are_written(spelling):
    train, test, (X_fit, y_fit) = smote_before_the_split()
    spell = SPELLINGS[spelling]
    finding = audit(train, test, label="label", fitted=(X_fit, spell(y_fit)))["sampler rows"]
    assert finding.verdict == FAILED
    shared = audit(train, train.iloc[:5].assign(label=spell(train["label"])), label="label")["shared rows"]
    assert shared.evidence["rows with the same label"] == 5


def test_audit_infers_the_minority_from_both_sides_if_train_is_balanced(sides):
    train, test = sides
    balanced = pd.concat([train[train["label"] == 1], train[train["label"] == 0].iloc[: train["label"].sum()]])
    assert audit(balanced, test, label="label", claims=Claims(0.1))["prevalence"].verdict == PASSED


@pytest.mark.parametrize("gap", [None, np.nan, pd.NA])
def test_audit_refuses_missing_labels(gap, sides):
    train, test = sides
    holes = [side.assign(label=side["label"].astype(object).where(side.index % 100 > 2, gap)) for side in sides]
    cases = {
        "24 labels of the train frame are missing": (holes[0], test, {}),
        "12 labels of the test frame are missing": (train, holes[1], {}),
        "24 labels of fitted are missing": (train, test, {"fitted": (train[COLUMNS], holes[0]["label"])}),
        "24 labels of population are missing": (train, test, {"claims": Claims(holes[0]["label"])}),
        "12 labels of curve are missing": (train, test, {"claims": Claims(curve=(holes[1]["label"], test["x0"], 0.5))}),
    }
    for message, (first, second, inputs) in cases.items():
        with pytest.raises(ValueError, match=message):
            audit(first, second, label="label", **inputs)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({0: "no", 1: "yes"}, "labels of train and of the test frame are numbers such as . beside text such as"),
        ({0: -1, 1: 1}, "A label of the test frame is -1 where train holds 0 and 1"),
        ({0: 1, 1: 2}, "A label of the test frame is 2 where train holds 0 and 1"),
    ],
)
def test_audit_refuses_labels_that_train_does_not_hold(labels, message, sides):
    train, test = sides
    with pytest.raises(ValueError, match=message):
        audit(train, test.assign(label=test["label"].map(labels)), label="label")


@pytest.mark.parametrize("labels", [{0: "usual", 1: "rare"}, {0: -1, 1: 1}, {0: False, 1: True}])
def test_audit_accepts_other_labels_in_the_curve(labels, sides):
    _, test = sides
    named = [side.assign(label=side["label"].map(labels)) for side in sides]
    for y_true in (test["label"], named[1]["label"]):
        finding = audit(*named, label="label", claims=Claims(curve=(y_true, test["x0"], 0.5)))["area"]
        expected = average_precision_score(test["label"], test["x0"])
        assert finding.evidence["average precision"] == pytest.approx(expected)


@pytest.mark.parametrize("population", [0, 1.2])
def test_check_prevalence_refuses_a_population_that_is_not_a_share(sides, population):
    with pytest.raises(ValueError, match="give a share between 0 and 1"):
        audit(*sides, label="label", claims=Claims(population))


# Areas


def test_check_area_distinguishes_average_precision_from_the_trapezoid(sides):
    rng = np.random.default_rng(0)
    y_true = rng.random(2000) < 0.05
    y_score = np.round(rng.normal(size=2000) + 2 * y_true)  # many rows share a score
    precision, recall, _ = precision_recall_curve(y_true, y_score)
    trapezoid, steps = auc(recall, precision), average_precision_score(y_true, y_score)
    assert trapezoid - steps > 0.01
    cases = {round(steps, 4): PASSED, round(trapezoid, 4): FAILED, steps + 0.2: NOT_CHECKED}
    for reported, verdict in cases.items():
        finding = audit(*sides, label="label", claims=Claims(curve=(y_true, y_score, reported)))["area"]
        assert finding.verdict == verdict
        assert finding.evidence["average precision"] == pytest.approx(steps)
        assert finding.evidence["trapezoid"] == pytest.approx(trapezoid)


# The report


def test_report_is_a_table_in_text_frame_and_html(sides):
    train, test = sides
    report = audit(train, pd.concat([test, train.iloc[:2]]), label="label", claims=Claims(0.1))
    lines = str(report).splitlines()
    assert lines[0].split() == ["finding", "verdict", "evidence"] and repr(report) == str(report)
    for finding in report.findings:
        assert any(line.startswith(f"{finding.name} ") and f" {finding.verdict} " in line for line in lines)
    assert max(map(len, lines)) < 120
    frame = report.to_frame()
    assert list(frame.index) == [finding.name for finding in report.findings]
    assert list(frame.index[frame["verdict"] == FAILED]) == report.failed == ["shared rows"]
    html = report._repr_html_()
    assert html.count("<tr") == 1 + len(report.findings) and report["shared rows"].advice in html
    with pytest.raises(KeyError, match="there are shared rows"):
        report["leaks"]


def test_report_escapes_names_with_markup():
    frame = with_copies().rename(columns={"time": "<b>"}).sample(frac=1, random_state=0)
    html = audit(*halves(frame), label="label")._repr_html_()
    assert "&lt;b&gt;" in html and "<b>" not in html


# Bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda train, test: (train.drop(columns="label"), test), "train frame has no column 'label'"),
        (lambda train, test: (train, test.drop(columns="label")), "test frame has no column 'label'"),
        (lambda train, test: (train, test.iloc[:0]), "test frame has no row"),
        (lambda train, test: (train, test.rename(columns={"x3": "y3"})), "columns 'x3', 'y3'"),
        (lambda train, test: (train.assign(label=1), test), "1 values; a binary label"),
        (lambda train, test: (train, pd.concat([test, test[["x3"]]], axis=1)), "more than one column 'x3'"),
        (lambda train, test: (train[["label"]], test[["label"]]), "no column besides 'label'"),
    ],
)
def test_audit_refuses_frames_that_cannot_be_compared(change, message, sides):
    with pytest.raises(ValueError, match=message):
        audit(*change(*sides), label="label")


def test_audit_refuses_fitted_rows_of_another_shape(sides):
    train, _ = sides
    with pytest.raises(ValueError, match=r"fitted has shape \(800, 11\) but train has 12 columns"):
        audit(*sides, label="label", fitted=(train[COLUMNS[1:]], train["label"]))
    with pytest.raises(ValueError, match="800 rows and 799 labels"):
        audit(*sides, label="label", fitted=(train[COLUMNS], train["label"].iloc[1:]))


@pytest.mark.parametrize(
    ("fitted", "message"),
    [
        (lambda X, y: (X,), r"fitted must have 2 values but has 1; give \(X_fit, y_fit\)"),
        (lambda X, y: (X, y, y), "2 values but has 3"),
        (lambda X, y: X, "2 values but is a single DataFrame"),
        (lambda X, y: X.iloc[:2].to_numpy(), "2 values but is a single ndarray"),
    ],
)
def test_audit_says_what_fitted_must_hold(fitted, message, sides):
    train, _ = sides
    with pytest.raises(ValueError, match=message):
        audit(*sides, label="label", fitted=fitted(train[COLUMNS], train["label"]))


@pytest.mark.parametrize("curve", [(), ([0, 1], [0.2, 0.8]), np.zeros(3)])
def test_claims_say_what_a_curve_must_hold(curve):
    with pytest.raises(ValueError, match=r"curve must have 3 values .*; give \(y_true, y_score, reported_area\)"):
        Claims(curve=curve)


def test_audit_of_arrays_says_how_to_make_frames_of_them(sides):
    train, test = sides
    with pytest.raises(TypeError, match=r"train side is ndarray; .* pd.DataFrame\(X_train\).assign\(label=y_train\)"):
        audit(train.to_numpy(), test.to_numpy(), label="label")
    with pytest.raises(TypeError, match="test side is list"):
        audit(train, test.to_numpy().tolist(), label="label")
    with pytest.raises(TypeError, match="label is Series; give the name"):
        audit(train, test, label=train["label"])
    frames = [pd.DataFrame(side[COLUMNS].to_numpy()).assign(label=side["label"].to_numpy()) for side in sides]
    pd.testing.assert_frame_equal(audit(*frames, label="label").to_frame(), audit(*sides, label="label").to_frame())
