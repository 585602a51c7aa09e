"""The audit on splits with a known fault, and on clean ones; the guards are tried in test_benchmark.py."""

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import Pipeline
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import auc, average_precision_score, precision_recall_curve
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from utils.audit import audit
from utils.findings import ACQUITTED, CONVICTED, NOT_CHECKED

COLUMNS = [f"x{number}" for number in range(12)]


def make_frame(n_rows: int = 1200, seed: int = 0) -> pd.DataFrame:
    """Independent rows of a rare and a common class, a tenth to nine tenths."""
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


def test_a_clean_split_with_its_pipeline_is_acquitted_on_every_count(sides):
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
        population=make_frame()["label"],
        curve=(test["label"], scores, area),
    )
    assert report.acquitted == [finding.name for finding in report.findings]
    assert not report.convicted and not report.not_checked
    assert report["sampler rows"].evidence["rows that a sampler made"] == fitted[1].sum() - train["label"].sum()


def test_what_is_not_given_is_not_checked(sides):
    report = audit(*sides, label="label")
    assert report.acquitted == ["shared rows", "near-shared rows"]
    assert report.not_checked == ["sampler rows", "scaler", "prevalence", "area"]
    assert all("Pass" in report[name].advice for name in report.not_checked)


def test_the_frames_are_left_as_they_were(sides):
    before = [side.copy(deep=True) for side in sides]
    audit(*sides, label="label", population=0.1)
    for side, copy in zip(sides, before, strict=True):
        pd.testing.assert_frame_equal(side, copy)


# Shared rows


def test_shared_rows_are_counted_and_located(sides):
    train, test = sides
    test = pd.concat([test, train.iloc[[5, 10, 20]]])
    test.iloc[-1, test.columns.get_loc("label")] = 0
    finding = audit(train, test.sample(frac=1, random_state=0), label="label")["shared rows"]
    assert finding.verdict == CONVICTED
    assert finding.evidence["rows"] == 3 and finding.evidence["rows with the same label"] == 2
    assert finding.evidence["share"] == pytest.approx(3 / 403)
    shuffled = test.sample(frac=1, random_state=0)
    assert set(shuffled.index[list(finding.rows)]) == {5, 10, 20}


def test_equal_numbers_of_another_type_are_the_same_rows_and_swapped_columns_are_not():
    places = {"x0": range(60), "x1": range(100, 160), "text": ["a", "b"] * 30}
    train = make_frame(60).round().astype(int).assign(**places)
    test = train.iloc[:6].astype(dict.fromkeys(COLUMNS, float))
    assert audit(train, test[[*reversed(test.columns)]], label="label")["shared rows"].evidence["rows"] == 6
    swapped = test.rename(columns={"x0": "x1", "x1": "x0"})
    assert audit(train, swapped, label="label")["shared rows"].verdict == ACQUITTED
    assert audit(train, test.assign(text="c"), label="label")["shared rows"].verdict == ACQUITTED


# Near-shared rows


def with_copies(seed: int = 1) -> pd.DataFrame:
    """A tenth of the rows stands twice, at another time; in the order of the times."""
    frame = make_frame().assign(time=lambda part: np.arange(len(part)) * 60.0)
    copies = frame.sample(120, random_state=seed).assign(time=lambda part: part["time"] + 7)
    return pd.concat([frame, copies]).reset_index(drop=True)


def test_copies_but_for_one_column_are_found_and_the_column_is_named():
    frame = with_copies().sample(frac=1, random_state=0)
    finding = audit(*halves(frame), label="label")["near-shared rows"]
    assert finding.verdict == CONVICTED
    train, test = (part.drop(columns="time").apply(tuple, axis=1) for part in halves(frame))
    assert finding.evidence["rows equal but for one column"] == test.isin(set(train)).sum() > 10
    assert finding.evidence["that column"] == "time" and "'time'" in finding.summary
    assert test.iloc[list(finding.rows)].isin(set(train)).all()


def test_copies_that_stay_on_one_side_are_no_fault():
    frame = with_copies()
    groups = frame.groupby(COLUMNS, sort=False).ngroup()
    finding = audit(frame[groups % 3 > 0], frame[groups % 3 == 0], label="label")["near-shared rows"]
    assert finding.verdict == ACQUITTED
    assert finding.evidence["share within train"] > 0.1 and finding.evidence["share"] == 0


def test_copies_with_a_tiny_error_in_every_column_are_found(sides):
    train, test = sides
    noisy = train.iloc[:40].copy()
    noisy[COLUMNS] += np.random.default_rng(0).normal(0, 1e-6, (40, len(COLUMNS)))
    finding = audit(train, pd.concat([test, noisy]), label="label")["near-shared rows"]
    assert finding.verdict == CONVICTED
    assert finding.evidence["rows equal but for one column"] == 0
    assert finding.evidence["share within a tiny distance"] == pytest.approx(40 / 440)
    assert finding.rows == (400, 401, 402, 403, 404)


def test_coarse_columns_say_nothing_about_copies():
    rng = np.random.default_rng(0)
    coarse = make_frame()[["label"]].assign(a=rng.integers(0, 50, 1200), b=rng.integers(0, 50, 1200))
    finding = audit(*halves(coarse), label="label")["near-shared rows"]
    assert finding.verdict == NOT_CHECKED and "say nothing" in finding.summary


# Rows of a sampler


def smote_before_the_split() -> tuple[pd.DataFrame, pd.DataFrame, tuple]:
    """Real rows of both sides, and fitted rows whose made ones were interpolated across them."""
    frame = make_frame()
    train, test = halves(frame)
    X, y = SMOTE(random_state=0).fit_resample(*features(frame))
    made = X.iloc[len(frame) :], y.iloc[len(frame) :]
    return train, test, tuple(pd.concat([own, new]) for own, new in zip(features(train), made, strict=True))


def test_interpolation_across_the_split_is_traced_to_its_test_rows():
    train, test, fitted = smote_before_the_split()
    finding = audit(train, test, label="label", fitted=fitted)["sampler rows"]
    assert finding.verdict == CONVICTED
    assert finding.evidence["test rows fitted on"] == 0
    assert finding.evidence["test rows behind them"] > 0.9 * test["label"].sum()
    assert (test["label"].iloc[list(finding.rows)] == 1).all()


def test_interpolation_within_train_is_no_fault():
    train, test = halves(make_frame())
    fitted = SMOTE(random_state=0).fit_resample(*features(train))
    finding = audit(train, test, label="label", fitted=fitted)["sampler rows"]
    assert finding.verdict == ACQUITTED and finding.evidence["test rows behind them"] == 0


@pytest.mark.parametrize(("source", "verdict"), [("test", CONVICTED), ("train", ACQUITTED), ("class", ACQUITTED)])
def test_a_generator_is_judged_by_the_rows_nearest_to_what_it_draws(sides, source, verdict):
    """It copies rows of one side with an error, or draws from the class's true distribution."""
    train, test = sides
    rng = np.random.default_rng(5)
    real = {"test": test, "train": train, "class": make_frame(seed=9)}[source].query("label == 1")[COLUMNS].to_numpy()
    made = real[rng.integers(len(real), size=300)] + rng.normal(0, 0.05, (300, len(COLUMNS)))
    if source == "class":
        made = rng.normal(1, 1, (300, len(COLUMNS)))
    fitted = np.vstack([train[COLUMNS], made]), np.r_[train["label"], np.ones(300)]
    finding = audit(train, test, label="label", fitted=fitted)["sampler rows"]
    assert finding.verdict == verdict
    assert finding.evidence["rows that a sampler made"] == 300


def test_test_rows_given_to_the_fit_are_found_after_scaling(sides):
    train, test = sides
    scaler = StandardScaler().fit(train[COLUMNS])
    both = pd.concat([train, test.iloc[[3, 7]]])
    fitted = scaler.transform(both[COLUMNS]), both["label"]
    finding = audit(train, test, label="label", fitted=fitted, pipeline=scaler)["sampler rows"]
    assert finding.verdict == CONVICTED
    assert finding.evidence["test rows fitted on"] == 2 and finding.rows == (3, 7)


# Scalers


@pytest.mark.parametrize("kind", [StandardScaler, RobustScaler, MinMaxScaler, MaxAbsScaler, PowerTransformer])
def test_a_scaler_tells_what_it_was_fitted_on(kind, sides):
    train, test = sides
    test = test.assign(x0=test["x0"] + 20)  # an extreme on the test side, which MinMaxScaler and MaxAbsScaler need
    for rows, verdict in ((train, ACQUITTED), (pd.concat([train, test]), CONVICTED)):
        finding = audit(train, test, label="label", pipeline=kind().fit(rows[COLUMNS]))["scaler"]
        assert finding.verdict == verdict, kind
        assert finding.evidence[kind.__name__] == ("train" if verdict == ACQUITTED else "train and test")


def test_quantiles_tell_what_they_were_fitted_on(sides):
    train, test = sides
    for rows, verdict in ((train, ACQUITTED), (pd.concat([train, test]), CONVICTED)):
        scaler = QuantileTransformer(n_quantiles=50, random_state=0).fit(rows[COLUMNS])
        assert audit(train, test, label="label", pipeline=scaler)["scaler"].verdict == verdict


def test_equal_statistics_on_more_rows_still_convict(sides):
    """Extremes that all lie in train hide what MinMaxScaler saw, its count of rows does not."""
    train, test = sides
    train = train.copy()
    train.iloc[0, : len(COLUMNS)], train.iloc[1, : len(COLUMNS)] = 50, -50
    scaler = MinMaxScaler().fit(pd.concat([train, test])[COLUMNS])
    assert audit(train, test, label="label", pipeline=scaler)["scaler"].verdict == CONVICTED


def test_every_scaler_inside_a_pipeline_is_looked_at(sides):
    train, test = sides
    columns = ColumnTransformer([("one", RobustScaler(), ["x0", "x1"]), ("two", StandardScaler(), [2, 3, 4])])
    pipeline = Pipeline([("columns", columns), ("again", MinMaxScaler()), ("lr", LogisticRegression())])
    pipeline.fit(*features(train))
    evidence = audit(train, test, label="label", pipeline=pipeline)["scaler"].evidence
    assert evidence == {"columns.one": "train", "columns.two": "train", "again": "train", "test rows in train": 0}
    pipeline.named_steps["columns"].named_transformers_["two"].fit(pd.concat([train, test])[["x2", "x3", "x4"]])
    finding = audit(train, test, label="label", pipeline=pipeline)["scaler"]
    assert finding.verdict == CONVICTED and finding.evidence["columns.two"] == "train and test"


def test_a_scaler_of_unknown_rows_or_none_at_all_is_not_judged(sides):
    train, test = sides
    part = audit(train, test, label="label", pipeline=StandardScaler().fit(train[COLUMNS].iloc[:50]))["scaler"]
    assert part.verdict == NOT_CHECKED and part.evidence["StandardScaler"] == "other rows"
    model = Pipeline([("lr", LogisticRegression())]).fit(*features(train))
    assert audit(train, test, label="label", pipeline=model)["scaler"].verdict == NOT_CHECKED


def test_a_scaler_fitted_on_a_train_that_holds_test_rows_is_convicted(sides):
    train, test = sides
    train = pd.concat([train, test.iloc[:10]])
    finding = audit(train, test, label="label", pipeline=StandardScaler().fit(train[COLUMNS]))["scaler"]
    assert finding.verdict == CONVICTED and finding.evidence["test rows in train"] == 10


# Prevalence


@pytest.mark.parametrize("population", [0.1, make_frame()["label"], make_frame()["label"].to_numpy()])
def test_prevalence_is_compared_with_the_populations(sides, population):
    train, test = sides
    assert audit(train, test, label="label", population=population)["prevalence"].verdict == ACQUITTED
    thinned = pd.concat([test[test["label"] == 1], test[test["label"] == 0].iloc[:120]])
    finding = audit(train, thinned, label="label", population=population)["prevalence"]
    assert finding.verdict == CONVICTED
    assert finding.evidence["prevalence"] == pytest.approx(40 / 160)
    assert finding.evidence["low"] < 0.25 < finding.evidence["high"]


def test_text_labels_have_a_prevalence_too(sides):
    named = [side.assign(label=np.where(side["label"] == 1, "rare", "usual")) for side in sides]
    assert audit(*named, label="label", population=0.1)["prevalence"].verdict == ACQUITTED
    assert audit(*named, label="label", population=0.5)["prevalence"].verdict == CONVICTED


@pytest.mark.parametrize("population", [0, 1.2])
def test_a_prevalence_that_is_no_share_is_refused(sides, population):
    with pytest.raises(ValueError, match="give a share between 0 and 1"):
        audit(*sides, label="label", population=population)


# Areas


def test_an_area_is_told_from_the_trapezoid(sides):
    rng = np.random.default_rng(0)
    y_true = rng.random(2000) < 0.05
    y_score = np.round(rng.normal(size=2000) + 2 * y_true)  # many rows share a score
    precision, recall, _ = precision_recall_curve(y_true, y_score)
    trapezoid, steps = auc(recall, precision), average_precision_score(y_true, y_score)
    assert trapezoid - steps > 0.01
    cases = {round(steps, 4): ACQUITTED, round(trapezoid, 4): CONVICTED, steps + 0.2: NOT_CHECKED}
    for reported, verdict in cases.items():
        finding = audit(*sides, label="label", curve=(y_true, y_score, reported))["area"]
        assert finding.verdict == verdict
        assert finding.evidence["average precision"] == pytest.approx(steps)
        assert finding.evidence["trapezoid"] == pytest.approx(trapezoid)


# The report


def test_a_report_is_a_table_in_text_frame_and_html(sides):
    train, test = sides
    report = audit(train, pd.concat([test, train.iloc[:2]]), label="label", population=0.1)
    lines = str(report).splitlines()
    assert lines[0].split() == ["finding", "verdict", "evidence"] and repr(report) == str(report)
    for finding in report.findings:
        assert any(line.startswith(f"{finding.name} ") and f" {finding.verdict} " in line for line in lines)
    assert max(map(len, lines)) < 120
    frame = report.to_frame()
    assert list(frame.index) == [finding.name for finding in report.findings]
    assert list(frame.index[frame["verdict"] == CONVICTED]) == report.convicted == ["shared rows"]
    html = report._repr_html_()
    assert html.count("<tr") == 1 + len(report.findings) and report["shared rows"].advice in html
    with pytest.raises(KeyError, match="there are shared rows"):
        report["leaks"]


def test_names_with_markup_are_escaped():
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
        (lambda train, test: (train, test.rename(columns={"x3": "y3"})), "columns x3, y3"),
        (lambda train, test: (train.assign(label=1), test), "1 values; a binary label"),
    ],
)
def test_frames_that_cannot_be_compared_are_refused(change, message, sides):
    with pytest.raises(ValueError, match=message):
        audit(*change(*sides), label="label")


def test_fitted_rows_of_another_shape_are_refused(sides):
    train, _ = sides
    with pytest.raises(ValueError, match=r"fitted has shape \(800, 11\) where train has 12 columns"):
        audit(*sides, label="label", fitted=(train[COLUMNS[1:]], train["label"]))
    with pytest.raises(ValueError, match="800 rows and 799 labels"):
        audit(*sides, label="label", fitted=(train[COLUMNS], train["label"].iloc[1:]))
