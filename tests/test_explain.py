"""Shapley values: they add up, are exact where they can be, and give nothing to a column that does nothing."""

import numpy as np
import pytest
from xgboost import DMatrix

from tests.small_app import COLUMNS, fit, transactions
from utils.explain import Explainer
from utils.scoring import Scorer

FRAME = transactions(400, seed=4)
VALUES = FRAME[list(COLUMNS)].to_numpy()
ROWS = VALUES[:4]


def explained(name):
    fitted = fit(name)
    scorer = Scorer(fitted)
    return fitted, scorer, Explainer(scorer, VALUES[:20]).explain(ROWS)


@pytest.mark.parametrize("name", ["lr", "rf", "xgb", "ann", "blend"])
def test_base_and_contributions_add_up_to_the_log_odds(name):
    _, scorer, found = explained(name)
    totals = [base + sum(contributions) for base, contributions in found]
    np.testing.assert_allclose(totals, scorer.calibrated_log_odds(ROWS), rtol=0, atol=1e-9)
    assert all(len(contributions) == len(COLUMNS) for _, contributions in found)


def test_a_linear_models_contributions_are_its_terms():
    fitted, scorer, found = explained("lr")
    terms = scorer.scaled(ROWS) * fitted.classifier.coef_[0] * fitted.calibrator.coef_[0, 0]
    for (_, contributions), row in zip(found, terms, strict=True):
        by_name = dict(zip(fitted.columns, row, strict=True))
        expected = [by_name.get(name, by_name["hour_sin"] + by_name["hour_cos"]) for name in COLUMNS]
        np.testing.assert_allclose(contributions, expected, rtol=1e-6, atol=1e-9)


def test_boosted_trees_have_the_librarys_own_shapley_values():
    fitted, scorer, found = explained("xgb")
    own = fitted.classifier.get_booster().predict(DMatrix(scorer.scaled(ROWS)), pred_contribs=True)
    slope = fitted.calibrator.coef_[0, 0]
    place = fitted.columns.index("V1")
    for (base, contributions), row in zip(found, own, strict=True):
        assert contributions[COLUMNS.index("V1")] == pytest.approx(row[place] * slope, abs=1e-4)
        assert base == pytest.approx(row[-1] * slope + fitted.calibrator.intercept_[0], abs=1e-5)


@pytest.mark.parametrize("name", ["rf", "ann"])
def test_estimates_find_what_tells_frauds_apart(name):
    fitted = fit(name)
    frauds = FRAME[FRAME["Class"] == 1][list(COLUMNS)].to_numpy()[:3]
    found = Explainer(Scorer(fitted), VALUES[:20]).explain(frauds)
    size = np.abs([contributions for _, contributions in found]).mean(axis=0)
    assert {COLUMNS[place] for place in np.argsort(-size)[:3]} <= {"V1", "V2", "V3", "V4"}


def test_the_same_row_is_explained_the_same_way():
    _, scorer, found = explained("rf")
    again = Explainer(scorer, VALUES[:20]).explain(ROWS[:1])
    np.testing.assert_allclose(again[0][1], found[0][1], rtol=0, atol=1e-9)


@pytest.mark.parametrize(("name", "exact"), [("lr", True), ("xgb", True), ("rf", False), ("blend", False)])
def test_it_tells_whether_it_estimates(name, exact):
    assert Explainer(Scorer(fit(name)), VALUES[:20]).exact == exact
