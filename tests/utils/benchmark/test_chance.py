"""With labels that mean nothing and a category that is nearly unique, every sampler and model scores chance."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from tests.small import PARAMETERS
from utils import metrics
from utils.benchmark.records import Method
from utils.benchmark.training import TrainingRows, positive_scores
from utils.data.features.encoding import TableEncoder
from utils.models.registry import MODELS
from utils.samplers.registry import SAMPLERS, fraud_weight

N_TRAIN, N_TEST, SHARE = 800, 400, 0.1
LEVEL = 1 - 1e-4  # of the interval, as there are some fifty pairs
FAST = {**PARAMETERS, "cgan": {"updates": 30, "updates_per_call": 30}}
SAMPLED = [name for name, entry in SAMPLERS.items() if not entry.packages]  # the others need a process and a minute
NETWORK = ("ann", ("none", "smote", "cgan"))


@pytest.fixture(scope="module")
def sides():
    """Training rows and test rows; most accounts have a single row, some stand on both sides."""
    rng = np.random.default_rng(0)
    n_rows = N_TRAIN + N_TEST
    account = rng.permutation(np.r_[np.arange(n_rows - 200), np.arange(200)]).astype(str)
    columns = {"account": pd.Categorical(account), "channel": pd.Categorical(rng.choice(["a", "b", "c"], n_rows))}
    X = pd.DataFrame(columns | {"size": np.where(rng.random(n_rows) < 0.1, np.nan, rng.normal(size=n_rows))})
    y = pd.Series((rng.random(n_rows) < SHARE).astype(int))
    return (X[:N_TRAIN], y[:N_TRAIN]), (X[N_TRAIN:], y[N_TRAIN:])


@pytest.fixture(scope="module")
def rows(sides):
    (X, y), _ = sides
    return TrainingRows(X, y, np.arange(N_TRAIN), 0, TableEncoder())


def score(model, X: np.ndarray, y: pd.Series) -> float:
    return metrics.tie_neutral_average_precision(y.to_numpy(), positive_scores(model, X)[0])


def fit(name: str, X: np.ndarray, y: np.ndarray, weight: float = 1.0):
    entry = MODELS[name]
    return entry.build(0, weight, 1, **{**entry.defaults, **FAST.get(name, {})}).fit(X, y)


@cache
def chance_of(n_rows: int, n_positives: int) -> tuple[float, float]:
    return metrics.random_ranking_interval(n_rows, n_positives, level=LEVEL, n_draws=20_000)


def chance(y: pd.Series) -> tuple[float, float]:
    return chance_of(len(y), int(y.sum()))


@pytest.mark.parametrize("name", SAMPLED)
def test_samplers_and_models_score_chance_on_random_labels(name, sides, rows):
    _, (X_test, y_test) = sides
    entry = SAMPLERS[name]
    resampled = rows.resampled(Method(name, {**entry.defaults, **FAST.get(name, {})}, entry.library, entry.revision))
    assert resampled.fallback is None
    weight = fraud_weight(rows.y, ratio="balanced") if entry.weighted else 1.0
    low, high = chance(y_test)
    X = rows.encoded.encoder.transform(X_test)
    models = ["lr", "rf", "xgb", *([NETWORK[0]] if name in NETWORK[1] else [])]
    scores = {model: score(fit(model, resampled.X, resampled.y, weight), X, y_test) for model in models}
    assert all(low <= value <= high for value in scores.values()), (scores, low, high)


def test_an_encoder_that_knows_the_labels_of_the_test_rows_scores_beyond_chance(sides):
    """So that the test above can fail."""
    (X_train, y_train), (X_test, y_test) = sides
    encoder = TableEncoder().fit(pd.concat([X_train, X_test]), pd.concat([y_train, y_test]))
    leaky = fit("xgb", encoder.transform(X_train), y_train)
    assert score(leaky, encoder.transform(X_test), y_test) > 2 * chance(y_test)[1]
