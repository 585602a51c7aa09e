"""Scores from arrays equal, bit by bit, those of the libraries' steps on frames."""

from dataclasses import replace

import numpy as np
import pytest

from tests.small_app import COLUMNS, SCHEMA, fit, transactions
from utils.config import DatasetConfig
from utils.data.features import build_features
from utils.models.forest import forest_engine, portable
from utils.serving.bundle import FraudModel, apply_calibrator
from utils.serving.scorer import CHUNK, FLAT_ROWS, Scorer

ROWS = transactions(1200, seed=3)
VALUES = ROWS[list(COLUMNS)].to_numpy()


@pytest.fixture(scope="module", params=["lr", "rf", "xgb", "ann", "blend"])
def fraud_model(request):
    return fit(request.param)


def test_scorer_scales_features_as_the_protocol_does(fraud_model):
    expected = fraud_model.scaler.transform(build_features(ROWS, SCHEMA, fraud_model.columns))
    np.testing.assert_array_equal(Scorer(fraud_model).scaled(VALUES), expected)


def test_scorer_probabilities_are_those_of_the_libraries_own_steps(fraud_model):
    X = fraud_model.scaler.transform(build_features(ROWS, SCHEMA, fraud_model.columns))
    expected = apply_calibrator(fraud_model.calibrator, fraud_model.classifier.predict_proba(X)[:, 1])
    probabilities = Scorer(fraud_model).predict(VALUES)
    # The last bit of a dot product, and of a network's batch, depends on the memory layout.
    exact = hasattr(fraud_model.classifier, "get_booster") or forest_engine(fraud_model.classifier)
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=0 if exact else 1e-12)
    np.testing.assert_array_equal(fraud_model.predict_proba(ROWS), expected)


def test_scorer_scores_a_row_the_same_alone_among_few_and_among_many(fraud_model):
    scorer = Scorer(fraud_model)
    alone = np.concatenate([scorer.predict(VALUES[row : row + 1]) for row in range(5)])
    tolerance = 1e-6 if hasattr(fraud_model.classifier, "network") else 1e-12
    np.testing.assert_allclose(alone, scorer.predict(VALUES[:50])[:5], rtol=0, atol=tolerance)
    np.testing.assert_allclose(alone, scorer.predict(VALUES)[:5], rtol=0, atol=tolerance)


@pytest.mark.parametrize("n_rows", [FLAT_ROWS, FLAT_ROWS + 1])
def test_scorer_gives_what_scikit_learns_forest_gives(n_rows):
    fitted = fit("rf")
    forest = portable(fitted.classifier)
    scorer = Scorer(FraudModel(**{**vars(fitted), "classifier": forest}))
    X = scorer.scaled(VALUES[:n_rows])
    np.testing.assert_array_equal(scorer.uncalibrated(X), forest.predict_proba(X)[:, 1])


def test_scorer_scores_a_row_with_boosted_trees_the_same_to_the_last_bit_alone_and_among_many():
    scorer = Scorer(fit("xgb"))
    alone = np.concatenate([scorer.predict(VALUES[row : row + 1]) for row in range(100)])
    np.testing.assert_array_equal(alone, scorer.predict(VALUES)[:100])


def test_scorer_divides_a_large_file_among_threads(fraud_model, monkeypatch):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "2")
    scorer = Scorer(fraud_model)
    copies = 3 * CHUNK // len(VALUES)
    probabilities = scorer.predict(np.tile(VALUES, (copies, 1)))
    tolerance = 1e-6 if hasattr(fraud_model.classifier, "network") else 1e-12
    exact = hasattr(fraud_model.classifier, "get_booster") or forest_engine(fraud_model.classifier)
    expected = np.tile(scorer.predict(VALUES), copies)
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=0 if exact else tolerance)
    assert scorer.predict(VALUES[:0]).shape == (0,)


def test_scorer_changes_neither_the_rows_nor_the_model(fraud_model):
    before, parameters = VALUES.copy(), fraud_model.classifier.get_params()
    Scorer(fraud_model).predict(VALUES)
    np.testing.assert_array_equal(VALUES, before)
    assert str(fraud_model.classifier.get_params()) == str(parameters)


def test_scorer_reads_a_time_in_the_unit_of_the_study():
    fitted, times = fit("lr"), np.array([3600.0] + [1.0] * (VALUES.shape[1] - 1))
    schema = replace(SCHEMA, time_unit="hours")
    in_hours = FraudModel(**{**vars(fitted), "schema": schema})
    np.testing.assert_allclose(Scorer(in_hours).predict(VALUES / times), Scorer(fitted).predict(VALUES), atol=1e-9)
    expected = in_hours.predict_proba(ROWS.assign(**{SCHEMA.time: ROWS[SCHEMA.time] / 3600}))
    np.testing.assert_allclose(Scorer(in_hours).predict(VALUES / times), expected, atol=1e-9)


def test_scorer_makes_no_hour_without_a_time_column():
    fitted = fit("lr")
    schema = DatasetConfig(SCHEMA.path, time=None)
    plain = FraudModel(**{**vars(fitted), "schema": schema, "columns": fitted.columns})
    assert plain.raw_columns == fitted.columns
    with_hours = build_features(ROWS, SCHEMA, fitted.columns).to_numpy()
    np.testing.assert_allclose(Scorer(plain).predict(with_hours), Scorer(fitted).predict(VALUES), rtol=0, atol=1e-12)
