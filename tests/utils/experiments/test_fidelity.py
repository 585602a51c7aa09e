"""Fidelity figures on tables with a known answer."""

from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from utils.experiments import fidelity
from utils.experiments.fidelity import (
    RealRows,
    closest_record,
    correlation_difference,
    density_coverage,
    fidelity_report,
    marginals,
    train_on_synthetic,
    two_sample_auc,
)
from utils.models.registry import BOOSTED

N_FEATURES = 4
MIXING = np.array([[1.0, 0.8, 0, 0], [0, 0.6, 0, 0], [0, 0, 1, -0.5], [0, 0, 0, 1]])


def draw(n_rows, seed, shift=0.0):
    values = np.random.default_rng(seed).normal(size=(n_rows, N_FEATURES)) @ MIXING + shift
    return pd.DataFrame(values, columns=list("abcd"))


@pytest.fixture(scope="module")
def rows():
    def part(seed):
        X = pd.concat([draw(1000, seed), draw(150, seed + 1, shift=2)], ignore_index=True)
        return X, np.repeat([0, 1], [1000, 150])

    return RealRows(*part(0), *part(10))


def test_marginals_of_a_table_and_itself_are_zero():
    real = draw(100, 0)
    assert (marginals(real, real) == 0).all(axis=None)
    assert correlation_difference(real, real) == 0


def test_marginals_of_a_shift_by_one_deviation():
    real = draw(2000, 0)
    moved = real.assign(a=real["a"] + real["a"].std(ddof=0))
    figures = marginals(real, moved)
    assert list(figures.index) == list("abcd")
    assert figures.loc["a", "wasserstein"] == pytest.approx(1)
    assert figures.loc["a", "ks"] == pytest.approx(0.383, abs=0.03)  # 2 * Phi(1 / 2) - 1
    assert (figures.loc["b":] == 0).all(axis=None)


def test_marginals_do_not_depend_on_units():
    real, synthetic = draw(200, 0), draw(200, 1, shift=0.5)
    pd.testing.assert_frame_equal(marginals(real, synthetic), marginals(real * 1000, synthetic * 1000))


def test_correlation_difference_of_opposite_signs():
    x = np.linspace(-1, 1, 50)
    assert correlation_difference(np.c_[x, x], np.c_[x, -x]) == pytest.approx(2)


def test_correlation_difference_leaves_constants_out():
    x = np.linspace(-1, 1, 50)
    assert correlation_difference(np.c_[x, x, x * 0], np.c_[x, -x, x]) == pytest.approx(2)
    assert np.isnan(correlation_difference(np.c_[x, x * 0], np.c_[x, x]))


def test_density_and_coverage_of_fresh_rows_far_rows_and_one_mode():
    real = draw(400, 0)
    fresh = density_coverage(real, draw(400, 1))
    assert fresh["density"] == pytest.approx(1, abs=0.15)
    assert fresh["coverage"] > 0.9
    assert (density_coverage(real, draw(400, 1, shift=50)) == 0).all()
    one_mode = density_coverage(real, pd.DataFrame(np.zeros((400, N_FEATURES)), columns=real.columns))
    assert one_mode["density"] > 1.1
    assert one_mode["coverage"] < 0.3


def test_two_sample_auc_of_the_same_and_of_another_distribution():
    real = draw(400, 0)
    assert two_sample_auc(real, draw(400, 1)) == pytest.approx(0.5, abs=0.08)
    assert two_sample_auc(real, draw(900, 1, shift=5)) > 0.99


def test_two_sample_auc_sees_lost_dependence():
    rng = np.random.default_rng(0)
    real = draw(400, 0).assign(d=lambda frame: frame["a"] + 0.1 * rng.normal(size=400))
    independent = real.apply(lambda column: rng.permutation(column))
    assert two_sample_auc(real, independent) > 0.8


def test_closest_record_tells_copies_from_fresh_rows():
    train, holdout = draw(400, 0), draw(300, 1)
    assert closest_record(train, holdout, train) == 0
    assert closest_record(train, holdout, train + 1e-3) < 0.05
    assert closest_record(train, holdout, draw(300, 2)) == pytest.approx(1, abs=0.1)
    assert np.isnan(closest_record(train, train, holdout))  # held-out rows are copies themselves


def test_train_on_synthetic_scores_fresh_rows_like_real_ones(rows):
    figures = train_on_synthetic(rows, draw(150, 99, shift=2))
    assert figures["tstr_ratio"] == pytest.approx(1, abs=0.06)
    assert figures["trts"] == pytest.approx(figures["trtr"], abs=0.12)
    assert figures["tstr_ratio"] == figures["tstr"] / figures["trtr"]


def test_train_on_synthetic_scores_useless_rows_badly(rows):
    figures = train_on_synthetic(rows, draw(150, 99, shift=0))
    assert figures["tstr"] < 0.4 < figures["trtr"]


def test_train_on_synthetic_with_the_real_rows_changes_nothing(rows):
    figures = train_on_synthetic(rows, rows.train(minority=True))
    assert figures["tstr_ratio"] == 1 and figures["tstr"] == figures["trtr"]


def test_train_on_synthetic_does_not_depend_on_the_seed_of_the_judge(rows):
    reports = [train_on_synthetic(rows, draw(150, 99, shift=2), random_state=seed) for seed in range(3)]
    assert np.ptp([figures["trtr"] for figures in reports]) < 0.02
    assert np.ptp([figures["tstr_ratio"] for figures in reports]) < 0.02


class Recorder:
    """Replaces the judge; records its parameters and the rows that it is fitted to."""

    fits: ClassVar[list] = []

    def __init__(self, **params):
        self.params = params

    def fit(self, X, y):
        self.fits.append((self.params, len(X), int(y.sum())))
        return self

    def predict_proba(self, X):
        return np.zeros((len(X), 2))


@pytest.mark.parametrize("judge", [None, {"n_estimators": 7}])
def test_train_on_synthetic_uses_the_studys_judge_and_every_majority_row(judge, monkeypatch):
    majority, minority = draw(60_000, 0), draw(20, 1)
    X, y = pd.concat([majority, minority]), np.repeat([0, 1], [len(majority), len(minority)])
    monkeypatch.setattr(fidelity, "XGBClassifier", Recorder)
    monkeypatch.setattr(Recorder, "fits", [])
    train_on_synthetic(RealRows(X, y, X, y), draw(50, 2), judge=judge, random_state=3)
    assert Recorder.fits == [({**(judge or BOOSTED), "random_state": 3}, 60_000 + n, n) for n in (20, 50)]


def test_fidelity_report_collects_everything_and_repeats(rows):
    synthetic = draw(300, 99, shift=2)
    report = fidelity_report(rows, synthetic, random_state=1)
    assert list(report.index) == [
        "ks",
        "wasserstein",
        "correlation_difference",
        "density",
        "coverage",
        "two_sample_auc",
        "two_sample_auc_seen",
        "closest_record",
        "tstr",
        "trtr",
        "trts",
        "tstr_ratio",
    ]
    assert np.isfinite(report).all()
    pd.testing.assert_series_equal(report, fidelity_report(rows, synthetic, random_state=1))


def test_marginals_do_not_depend_on_column_order():
    real, synthetic = draw(100, 0), draw(100, 1, shift=1)
    pd.testing.assert_frame_equal(marginals(real, synthetic), marginals(real, synthetic[list("dcba")]))


@pytest.mark.parametrize(
    ("synthetic", "message"),
    [
        (draw(50, 0).rename(columns={"a": "z"}), "not the real ones"),
        (draw(50, 0).drop(columns="a"), "not the real ones"),
        (draw(50, 0).to_numpy()[:, :2], "4 real columns against 2"),
        (draw(50, 0).iloc[:0], "needs rows"),
        (draw(50, 0).assign(a=np.nan), "missing or infinite"),
    ],
)
def test_marginals_refuse_bad_tables(synthetic, message):
    with pytest.raises(ValueError, match=message):
        marginals(draw(50, 1), synthetic)


def test_fidelity_figures_refuse_too_few_rows(rows):
    with pytest.raises(ValueError, match="choose k from 1 to 4"):
        density_coverage(draw(5, 0), draw(5, 1))
    with pytest.raises(ValueError, match="needs 10"):
        two_sample_auc(draw(9, 0), draw(50, 1))
    one_class = RealRows(rows.X_train, rows.y_train, rows.X_holdout[:100], rows.y_holdout[:100])
    with pytest.raises(ValueError, match="both need"):
        train_on_synthetic(one_class, draw(50, 1))


def test_fidelity_report_is_nan_for_what_needs_more_rows(rows):
    few = RealRows(*first_rows(rows.X_train, rows.y_train, 5), *first_rows(rows.X_holdout, rows.y_holdout, 4))
    report = fidelity_report(few, np.asarray(rows.train(minority=True))[:50])
    unknown = ["density", "coverage", "two_sample_auc", "two_sample_auc_seen"]
    assert report[unknown].isna().all() and np.isfinite(report.drop(unknown)).all()


def first_rows(X, y, n_minority):
    """The majority and the first rows of the minority."""
    y = np.asarray(y)
    kept = (y == 0) | (np.cumsum(y == 1) <= n_minority)
    return np.asarray(X)[kept], y[kept]
