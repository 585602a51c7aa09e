"""Shapley values: they add up, are exact where possible, and are zero for a column without effect."""

from types import SimpleNamespace

import numpy as np
import pytest
from xgboost import DMatrix

from app.building.about import describe
from tests import small_mixed
from tests.small_app import COLUMNS, SCHEMA, fit, transactions
from utils.config import DatasetConfig
from utils.serving import explanations
from utils.serving.bundle import FraudModel
from utils.serving.explanations import Explainer
from utils.serving.raw_columns import encode_rows
from utils.serving.scorer import Scorer
from utils.serving.table_features import encoded_sources

FRAME = transactions(400, seed=4)
VALUES = FRAME[list(COLUMNS)].to_numpy()
ROWS = VALUES[:4]
MIXED = encode_rows(small_mixed.dataset().frame, small_mixed.fit("lr").raw)  # with gaps
MIXED[0, 4:6] = len(small_mixed.SHOPS), 3  # and unseen categories


def explained(name):
    fitted = fit(name)
    scorer = Scorer(fitted)
    return fitted, scorer, Explainer(scorer, VALUES[:20]).explain(ROWS)


@pytest.mark.parametrize("name", ["lr", "rf", "xgb", "ann", "blend"])
def test_explainer_base_and_contributions_add_up_to_the_log_odds(name, monkeypatch):
    monkeypatch.setattr(explanations, "N_EVALUATIONS", 1)  # they add up, however rough they are
    _, scorer, explained_rows = explained(name)
    totals = [base + sum(contributions) for base, contributions in explained_rows]
    np.testing.assert_allclose(totals, scorer.calibrated_log_odds(ROWS), rtol=0, atol=1e-9)
    assert all(len(contributions) == len(COLUMNS) for _, contributions in explained_rows)


def test_explainer_gives_the_terms_of_a_linear_model():
    fitted, scorer, explanations = explained("lr")
    terms = scorer.scaled(ROWS) * fitted.classifier.coef_[0] * fitted.calibrator.coef_[0, 0]
    for (_, contributions), row in zip(explanations, terms, strict=True):
        by_name = dict(zip(fitted.columns, row, strict=True))
        expected = [by_name.get(name, by_name["hour_sin"] + by_name["hour_cos"]) for name in COLUMNS]
        np.testing.assert_allclose(contributions, expected, rtol=1e-6, atol=1e-9)


def test_explainer_gives_the_librarys_shapley_values_of_boosted_trees():
    fitted, scorer, explanations = explained("xgb")
    shapley = fitted.classifier.get_booster().predict(DMatrix(scorer.scaled(ROWS)), pred_contribs=True)
    slope = fitted.calibrator.coef_[0, 0]
    position = fitted.columns.index("V1")
    for (base, contributions), row in zip(explanations, shapley, strict=True):
        assert contributions[COLUMNS.index("V1")] == pytest.approx(row[position] * slope, abs=1e-4)
        assert base == pytest.approx(row[-1] * slope + fitted.calibrator.intercept_[0], abs=1e-5)


@pytest.mark.parametrize("name", ["rf", "ann"])
def test_explainer_estimates_find_the_columns_that_separate_frauds(name):
    fitted = fit(name)
    frauds = FRAME[FRAME["Class"] == 1][list(COLUMNS)].to_numpy()[:3]
    explanations = Explainer(Scorer(fitted), VALUES[:20]).explain(frauds)
    size = np.abs([contributions for _, contributions in explanations]).mean(axis=0)
    assert {COLUMNS[position] for position in np.argsort(-size)[:3]} <= {"V1", "V2", "V3", "V4"}


@pytest.mark.parametrize("name", ["rf", "blend"])
@pytest.mark.parametrize("rows", [[0], [0, 0, 0], [3, 2, 1, 0]])
def test_explainer_explains_the_same_row_the_same_way_wherever_it_stands(name, rows):
    _, scorer, explanations = explained(name)
    again = Explainer(scorer, VALUES[:20]).explain(ROWS[rows])
    expected = [explanations[row][1] for row in rows]
    np.testing.assert_allclose([contributions for _, contributions in again], expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["rf", "blend"])
def test_explainer_estimates_differ_by_a_small_share_of_the_largest(name, monkeypatch):
    scorer = Scorer(fit(name))
    values = []
    for seed in range(6):
        monkeypatch.setattr(explanations, "SEED", seed)
        values.append([contributions for _, contributions in Explainer(scorer, VALUES[:40]).explain(ROWS)])
    error = np.std(values, axis=0, ddof=1).max(axis=1)
    assert (error < 0.1 * np.abs(values).max(axis=(0, 2))).all()


class Additive:
    """Log odds that are sums of functions of single columns, whose Shapley values are known; or products of two."""

    model = SimpleNamespace(classifier=None)

    def __init__(self, log_odds):
        self.calibrated_log_odds = log_odds


def test_explainer_estimates_are_exact_for_a_sum_of_columns():
    scorer = Additive(lambda rows: rows[:, 0] ** 2 - 3 * rows[:, 1])
    ((base, contributions),) = Explainer(scorer, VALUES[:20, :3]).explain(VALUES[30:31, :3])
    expected = [VALUES[30, 0] ** 2 - (VALUES[:20, 0] ** 2).mean(), -3 * (VALUES[30, 1] - VALUES[:20, 1].mean()), 0]
    np.testing.assert_allclose(contributions, expected, atol=1e-9)
    assert base == pytest.approx((VALUES[:20, 0] ** 2 - 3 * VALUES[:20, 1]).mean())


@pytest.mark.parametrize("n_columns", [2, 30, 300])
def test_explainer_estimates_divide_an_interaction_evenly(n_columns):
    rng = np.random.default_rng(0)
    background, row = rng.normal(size=(20, n_columns)), rng.normal(size=n_columns)
    ((_, contributions),) = Explainer(Additive(lambda rows: rows[:, 0] * rows[:, 1]), background).explain(row[None])
    first, second = background[:, 0], background[:, 1]
    expected = [
        ((row[0] - first) * (row[1] + second) / 2).mean(),
        ((row[1] - second) * (row[0] + first) / 2).mean(),
    ]
    np.testing.assert_allclose(contributions[:2], expected, atol=0.3)
    np.testing.assert_allclose(contributions[2:], 0, atol=1e-12)


@pytest.mark.parametrize(("name", "exact"), [("lr", True), ("xgb", True), ("rf", False), ("blend", False)])
def test_explainer_tells_whether_it_estimates(name, exact):
    assert Explainer(Scorer(fit(name)), VALUES[:20]).exact == exact


# --- columns that are called like a feature of the time, and models without a time or an amount


def with_roles(names, **roles):
    """A file with these names of the first columns, and the roles of its columns."""
    frame = transactions().rename(columns=dict(zip(COLUMNS, names, strict=False)))
    return frame, DatasetConfig(SCHEMA.path, **roles)


ROLES = {
    "hour_sin without a time": with_roles(["V0", "hour_sin"], time=None),
    "hour_cos without a time": with_roles(["V0", "hour_cos", "hour_sin"], time=None),
    "hour_sin beside the time as it is": with_roles(["Time", "hour_sin"], raw_time=True),
    "hour_cos first, beside the time as it is": with_roles(["hour_cos", "V1", "Time"], time="Time", raw_time=True),
    "time as it is": with_roles([], raw_time=True),
    "no amount": with_roles([], amount=None),
    "neither": with_roles(["V0"], time=None, amount=None),
}


@pytest.fixture(params=ROLES)
def with_other_roles(request):
    """A linear model, the file that it was fitted to, and the model's raw columns of it."""
    frame, schema = ROLES[request.param]
    fitted = fit("lr", schema=schema, frame=frame)
    return fitted, frame, frame[list(fitted.raw_columns)].to_numpy(dtype=float)


def test_fraud_model_has_every_raw_column_once(with_other_roles):
    fitted, frame, _ = with_other_roles
    assert sorted(fitted.raw_columns) == sorted(set(frame.columns) - {"Class"})
    about = describe(fitted, "a test", frame)
    assert list(about.ranges) == list(fitted.raw_columns)
    assert all(list(example) == list(fitted.raw_columns) for example in about.examples.values())
    assert {len(row) for row in about.background} == {len(fitted.raw_columns)}


def test_scorer_gives_the_scores_of_the_frame_whatever_the_columns_are_called(with_other_roles):
    fitted, frame, values = with_other_roles
    np.testing.assert_allclose(Scorer(fitted).predict(values), fitted.predict_proba(frame), rtol=0, atol=1e-12)


def test_explainer_assigns_a_contribution_to_the_column_that_it_comes_from(with_other_roles):
    fitted, frame, values = with_other_roles
    scorer = Scorer(fitted)
    terms = dict(zip(fitted.columns, (scorer.scaled(values[:4]) * fitted.classifier.coef_[0]).T, strict=True))
    made_of_time = [] if set(fitted.columns) <= set(frame.columns) else ["hour_sin", "hour_cos"]
    expected = [
        sum(terms[feature] for feature in made_of_time) if name not in terms else terms[name]
        for name in fitted.raw_columns
    ]
    explanations = np.array([contributions for _, contributions in Explainer(scorer, values[:20]).explain(values[:4])])
    np.testing.assert_allclose(
        explanations, fitted.calibrator.coef_[0, 0] * np.transpose(expected), rtol=1e-6, atol=1e-9
    )


def test_fraud_model_needs_no_time_of_which_no_feature_is_made():
    fitted = fit("lr")
    without = FraudModel(**{**vars(fitted), "columns": COLUMNS[1:]})
    assert without.raw_columns == COLUMNS[1:]


def test_fraud_model_ignores_an_extra_column_named_like_a_feature():
    fitted = fit("lr")
    frame = transactions(40, seed=2)
    odd = frame.assign(hour_sin=9.0, hour_cos=-9.0)
    np.testing.assert_array_equal(fitted.predict_proba(odd), fitted.predict_proba(frame))


# --- mixed tables


@pytest.mark.parametrize("name", ["lr", "xgb", "rf"])
def test_explainer_contributions_of_raw_columns_add_up_to_the_log_odds(name):
    scorer = Scorer(small_mixed.fit(name))
    explanations = Explainer(scorer, MIXED[:20]).explain(MIXED[:5])
    totals = [base + sum(contributions) for base, contributions in explanations]
    np.testing.assert_allclose(totals, scorer.calibrated_log_odds(MIXED[:5]), rtol=0, atol=1e-9)
    assert all(len(contributions) == 7 for _, contributions in explanations)


def test_explainer_sums_the_encoded_columns_of_a_raw_column():
    model = small_mixed.fit("lr")
    scorer = Scorer(model)
    terms = scorer.scaled(MIXED[:5]) * model.classifier.coef_[0] * model.calibrator.coef_[0, 0]
    channel = np.array(encoded_sources(model.scaler)) == "channel"
    assert channel.sum() > 2
    contributions = [row[5] for _, row in Explainer(scorer, MIXED[:20]).explain(MIXED[:5])]
    np.testing.assert_allclose(contributions, terms[:, channel].sum(axis=1), rtol=1e-9)
