"""The audit of a mixed pipeline: it passes the study's own, and fails on planted leaks of encoder and sampler."""

from collections import Counter
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from imblearn.pipeline import Pipeline
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import OneHotEncoder, TargetEncoder

from utils.data.features.encoding import TableEncoder
from utils.leakage.auditing import audit
from utils.leakage.report import FAILED, NOT_CHECKED, PASSED
from utils.samplers.table_smote import TableSMOTE

COINCIDENCES = 93  # of 300 seeds, that with the most cross-fitted rows whose values are those of other shops


def make_table(n_rows: int = 1200, seed: int = 0) -> pd.DataFrame:
    """Shops of 40 values, a channel of three, a size with gaps, and labels that follow them a little."""
    rng = np.random.default_rng(seed)
    shop, channel, size = (
        rng.integers(0, 40, n_rows),
        rng.choice(["web", "shop", "phone"], n_rows),
        rng.normal(size=n_rows),
    )
    score = size + (shop % 5 == 0) + rng.normal(size=n_rows)
    label = (score > np.quantile(score, 0.88)).astype(int)
    size[rng.random(n_rows) < 0.2] = np.nan
    columns = {"shop": pd.Categorical(shop.astype(str)), "channel": pd.Categorical(channel), "size": size}
    return pd.DataFrame(columns | {"spend": rng.lognormal(size=n_rows), "label": label})


@pytest.fixture
def sides():
    table = make_table()
    return table.iloc[:900], table.iloc[900:]


def features(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    return frame.drop(columns="label"), frame["label"]


def with_smote(train: pd.DataFrame, encoder: TableEncoder, X: np.ndarray, source: pd.DataFrame) -> tuple:
    """Encoded training rows, and the rows that SMOTE makes of a source."""
    table, labels = TableSMOTE(random_state=0).fit_resample(*features(source))
    synthetic = encoder.transform(table.iloc[len(source) :])
    return np.concatenate([X, synthetic]), np.concatenate([train["label"], labels[len(source) :]])


def report(sides, encoder, fitted=None, model=None):
    model = (model or LogisticRegression()).fit(encoder.transform(features(sides[0])[0]), sides[0]["label"])
    return audit(*sides, label="label", pipeline=Pipeline([("encode", encoder), ("model", model)]), fitted=fitted)


def test_audit_passes_the_encoder_and_the_sampler_of_the_study(sides):
    train, _ = sides
    encoder = TableEncoder()
    X = encoder.fit_transform(*features(train), groups=np.arange(900) // 3)
    found = report(sides, encoder, with_smote(train, encoder, X, train))
    assert found["encoder"].verdict == PASSED and found["encoder"].evidence["encode"] == "train"
    assert found["encoder"].evidence["depends on labels"] and "0% of the minority" in found["encoder"].summary
    assert found["sampler rows"].verdict == PASSED and not found.failed
    n_synthetic = 900 - 2 * int(train["label"].sum())
    assert found["sampler rows"].evidence["rows that a sampler made"] == n_synthetic


def test_audit_fails_an_encoder_fitted_on_all_rows(sides):
    train, test = sides
    encoder = TableEncoder()
    encoder.fit(*features(pd.concat([train, test])))
    finding = report(sides, encoder)["encoder"]
    assert finding.verdict == FAILED and finding.evidence["encode"] == "train and test"


def test_audit_fails_an_encoder_without_labels_fitted_on_all_rows(sides):
    (train, test), one_hot = sides, ColumnTransformer([("channel", OneHotEncoder(), ["channel"])])
    encoder = TableEncoder(max_one_hot=50)
    for rows, verdict in ((train, PASSED), (pd.concat([train, test]), FAILED)):
        assert report(sides, encoder.fit(*features(rows)))["encoder"].verdict == verdict
    assert report(sides, one_hot.fit(*features(train)))["encoder"].verdict == PASSED


class ShareOfPositives(TransformerMixin, BaseEstimator):
    """Encodes a shop by its share of positives, and leaves it missing where the size is."""

    def fit(self, X, y):
        self.shares_ = pd.Series(np.asarray(y), index=X.index).groupby(X["shop"].astype(str)).mean()
        return self

    def transform(self, X):
        return X["shop"].astype(str).map(self.shares_).where(X["size"].notna()).to_frame()


def test_audit_judges_an_encoder_that_leaves_gaps(sides):
    train, test = sides
    for rows, of in ((train, "train"), (pd.concat([train, test]), "train and test")):
        encoder = ShareOfPositives().fit(*features(rows))
        finding = report(sides, encoder, model=HistGradientBoostingClassifier())["encoder"]
        assert finding.evidence["encode"] == of and finding.evidence["depends on labels"]
        assert (finding.verdict == FAILED) == (of == "train and test")


def test_audit_fails_target_encoding_without_cross_fitting(sides):
    train, _ = sides
    encoder = TableEncoder().fit(*features(train))
    found = report(sides, encoder, (encoder.transform(features(train)[0]), train["label"]))
    assert found["encoder"].verdict == FAILED and "100% of the minority" in found["encoder"].summary
    assert found["encoder"].advice.startswith("Encode training rows by cross-fitting")


def test_audit_fails_the_target_encoder_of_scikit_learn_without_cross_fitting(sides):
    train, _ = sides
    for in_sample in (True, False):
        target = TargetEncoder(cv=StratifiedKFold(5, shuffle=True, random_state=COINCIDENCES))
        encoder = ColumnTransformer([("shop", target, ["shop"])], remainder="drop")
        X = encoder.fit_transform(*features(train))
        fitted = encoder.transform(features(train)[0]) if in_sample else X
        verdict = report(sides, encoder, (fitted, train["label"]))["encoder"].verdict
        assert verdict == (FAILED if in_sample else PASSED)


def test_audit_fails_a_sampler_that_saw_the_test_rows(sides):
    train, test = sides
    encoder = TableEncoder()
    X = encoder.fit_transform(*features(train))
    found = report(sides, encoder, with_smote(train, encoder, X, pd.concat([train, test])))
    assert found["sampler rows"].verdict == FAILED and found["encoder"].verdict == PASSED


def test_audit_fails_test_rows_among_the_fitted_rows_of_a_mixed_table(sides):
    train, test = sides
    encoder = TableEncoder()
    X = encoder.fit_transform(*features(train))
    leaked = np.concatenate([X, encoder.transform(features(test)[0].iloc[:5])])
    finding = report(sides, encoder, (leaked, np.r_[train["label"], test["label"][:5]]))["sampler rows"]
    assert finding.verdict == FAILED and finding.evidence["test rows fitted on"] == 5


class CountingEncoder(TableEncoder):
    """Counts what every copy of it does."""

    calls: ClassVar[Counter] = Counter()

    def fit(self, X, y, groups=None):
        self.calls["fit"] += 1
        return super().fit(X, y, groups)

    def transform(self, X):
        self.calls["transform"] += 1
        return super().transform(X)


def test_audit_fits_and_transforms_no_more_than_it_compares(sides):
    encoder = CountingEncoder()
    X = encoder.fit_transform(*features(sides[0]))
    encoder.calls.clear()
    assert not report(sides, encoder, (X, sides[0]["label"])).failed
    # Copies are fitted to the labels, to shuffled ones, and to train as the encoder should be; for the sampler's check
    # the first two again. Each transforms once. The encoder itself is asked for the model, twice for the scalers, and
    # three times each for the encoder (both sides alone and together) and the sampler (both sides, and train again).
    assert encoder.calls == {"fit": 3 + 2, "transform": 5 + 1 + 2 + 3 + 3}


def test_audit_cannot_judge_an_encoder_of_other_rows(sides):
    encoder = TableEncoder().fit(*features(make_table(seed=5)))
    assert report(sides, encoder)["encoder"].verdict == NOT_CHECKED


def test_audit_does_not_take_coincidences_in_a_table_of_few_values_for_leaks():
    """Where most rows are repeated, a synthetic row may equal a test row that its generator never saw."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame({name: pd.Categorical(rng.choice(list("abcd"), 1500)) for name in ("a", "b", "c", "d", "e")})
    table["label"] = ((table["a"] == "a") & (rng.random(1500) < 0.3)).astype(int)
    train = table.iloc[:1000]
    test = table.iloc[1000:][~table.iloc[1000:, :-1].apply(tuple, axis=1).isin(train.iloc[:, :-1].apply(tuple, axis=1))]
    encoder = TableEncoder()
    X, positives = encoder.fit_transform(*features(train)), train[train["label"] == 1].drop(columns="label")
    drawn = pd.DataFrame({name: pd.Categorical(rng.choice(positives[name], 400)) for name in positives})
    fitted = np.concatenate([X, encoder.transform(drawn)]), np.r_[train["label"], np.ones(400, dtype=int)]
    finding = report((train, test), encoder, fitted)["sampler rows"]
    assert finding.evidence["test rows fitted on"] > 0 and finding.verdict == PASSED
