"""The contracts of the registries: what every sampler and every model must do."""

from dataclasses import replace
from functools import lru_cache
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from utils import metrics
from utils.benchmark.tasks import grid, library_version
from utils.config import Roles, load_profile
from utils.data.identity import DatasetIdentity
from utils.models import registry as models
from utils.models.forest import FOREST_ENGINE, forest_engine, portable
from utils.models.registry import MODELS
from utils.samplers import registry as samplers
from utils.samplers.registry import SAMPLERS, STANDARD, fraud_weight, kept_per_fraud, synthetic_per_fraud

N_ROWS, N_FRAUDS = 400, 25
LACKING = {name: [p for p in entry.packages if not find_spec(p)] for name, entry in SAMPLERS.items()}
TINY = {
    "ctgan": {"epochs": 2},
    "cgan": {"updates": 10, "updates_per_call": 10, "latent_dim": 4, "hidden": (8,), "batch_size": 16},
}
SMALL = {
    "rf": {"n_estimators": 20},
    "xgb": {"n_estimators": 20},
    "brf": {"n_estimators": 20},
    "easy": {"n_estimators": 3},
    "rusboost": {"n_estimators": 10, "learning_rate": 0.3},
    "spe": {"n_estimators": 5},
    "blend": {"boosted": {"n_estimators": 20}, "random": {"n_estimators": 20}},
    "iforest": {"n_estimators": 50, "max_samples": 100},
    **{name: {"updates": 3} for name, entry in MODELS.items() if entry.deep},
}
RESAMPLING = [
    pytest.param(name, marks=pytest.mark.skipif(bool(LACKING[name]), reason=f"needs {' and '.join(LACKING[name])}"))
    for name, entry in SAMPLERS.items()
    if entry.build(0, **entry.defaults) is not None
]
UNDER = {"rus", "nearmiss", "tomek"}
DETERMINISTIC = {"tomek", "nearmiss"}  # they sample nothing
EXACT = {"ros", "smote", "jitter", "cgan", "ctgan", "arf", "copula"}  # add exactly as many rows as the ratio says
CLEANING = {"tomek", "smoteenn"}  # drop real rows, too
SPACES = [
    pytest.param(registry[name], parameter, value, id=f"{name}-{parameter}-{value}")
    for registry in (SAMPLERS, MODELS)
    for name, entry in registry.items()
    for parameter, values in entry.space.items()
    for value in values
]


def make_rows(n_rows: int = N_ROWS, n_frauds: int = N_FRAUDS):
    rng = np.random.default_rng(0)
    y = rng.permutation(np.arange(n_rows) < n_frauds).astype(int)
    return rng.normal(size=(n_rows, 4)) + 1.5 * y[:, None], y


X, Y = make_rows()
MEANINGLESS = np.random.default_rng(1).permutation(Y)


def build(entry, seed: int = 0, **params):
    """A sampler or model with its defaults, but small."""
    params = {**entry.defaults, **TINY.get(entry.name, {}), **SMALL.get(entry.name, {}), **params}
    return entry.build(seed, **params) if entry.name in SAMPLERS else entry.build(seed, 1.0, 1, **params)


def with_ratio(name: str, ratio) -> dict:
    """The parameter, for a sampler that has it."""
    return {"ratio": ratio} if "ratio" in SAMPLERS[name].defaults else {}


@lru_cache
def resampled(name: str, ratio, seed: int = 0):
    return build(SAMPLERS[name], seed, **with_ratio(name, ratio)).fit_resample(X, Y)


@lru_cache
def fitted(name: str, seed: int = 0):
    return build(MODELS[name], seed).fit(X[:200], Y[:200])


def rows_of(array) -> set[tuple]:
    return set(map(tuple, array))


@pytest.mark.parametrize("registry", [SAMPLERS, MODELS])
def test_registry_entries_have_all_that_the_study_needs(registry):
    for name, entry in registry.items():
        assert entry.name == name and entry.label and entry.cost > 0
        assert library_version(entry.library)
    assert len({entry.label for entry in registry.values()}) == len(registry)


def test_registry_labels_are_those_of_the_entries():
    assert {name: SAMPLERS[name].label for name in STANDARD} == samplers.LABELS
    assert {name: entry.label for name, entry in MODELS.items()} == models.LABELS


@pytest.mark.parametrize("entry", [*SAMPLERS.values(), *MODELS.values()], ids=lambda entry: entry.name)
def test_registry_entries_build_with_their_defaults(entry):
    arguments = (0,) if entry.name in SAMPLERS else (0, 1.0, 1)
    estimator = entry.build(*arguments, **entry.defaults)
    assert estimator is None or isinstance(estimator, BaseEstimator)


@pytest.mark.parametrize(("entry", "parameter", "value"), SPACES)
def test_registry_entries_build_with_every_value_of_a_search_space_and_use_it(entry, parameter, value):
    estimator = build(entry, **{parameter: value})
    if entry.name in MODELS:
        known = estimator.get_params()
        assert known.get(f"detector__{parameter}", known.get(parameter)) == value
    elif estimator is None:
        assert entry.weighted and fraud_weight(Y, ratio=value) == entry.effect(value, Y)
    else:
        strategy = estimator.sampling_strategy
        assert strategy == "auto" if value == "balanced" else strategy.keywords == {parameter: value}


@pytest.mark.parametrize(("entry", "parameter", "value"), SPACES)
def test_registry_entries_fit_with_every_value_of_a_search_space(entry, parameter, value):
    estimator = build(entry, **{parameter: value})
    if estimator is None:
        pytest.skip("weighing classes fits nothing")
    if entry.library == "tensorflow" or getattr(entry, "packages", ()):
        pytest.skip("networks and generators are fitted with one value each, as they take long")
    if entry.name in SAMPLERS:
        assert len(estimator.fit_resample(X, Y)[0])
    else:
        assert np.isfinite(estimator.fit(X, Y).predict_proba(X)).all()


def test_samplers_none_and_class_weight_leave_the_rows_alone():
    assert len(RESAMPLING) == len(SAMPLERS) - 2 and SAMPLERS["none"].build(0) is None
    assert [name for name, entry in SAMPLERS.items() if entry.weighted] == ["class_weight"]


@pytest.mark.parametrize("ratio", [1, 5, "balanced"])
@pytest.mark.parametrize("name", RESAMPLING)
def test_samplers_keep_real_rows_as_they_are(name, ratio):
    X_new, y_new = resampled(name, ratio)
    if name in CLEANING:
        real_rows = [row for row in map(tuple, X_new) if row in rows_of(X)]
        assert len(real_rows) == len(set(real_rows)) > 0.8 * N_ROWS
    elif name in UNDER:
        labels = dict(zip(map(tuple, X), Y, strict=True))
        assert [labels[row] for row in map(tuple, X_new)] == y_new.tolist()
        assert len(rows_of(X_new)) == len(X_new)
        assert rows_of(X[Y == 1]) <= rows_of(X_new)
    else:
        np.testing.assert_array_equal(X_new[:N_ROWS], X)
        np.testing.assert_array_equal(y_new[:N_ROWS], Y)


@pytest.mark.parametrize(("ratio", "added"), [(1, N_FRAUDS), (5, 5 * N_FRAUDS), ("balanced", N_ROWS - 2 * N_FRAUDS)])
@pytest.mark.parametrize("name", [param for param in RESAMPLING if param.values[0] in EXACT])
def test_samplers_over_add_new_frauds_only_and_as_many_as_the_ratio_says(name, ratio, added):
    X_new, y_new = resampled(name, ratio)
    assert len(X_new) == len(y_new) == N_ROWS + added
    assert (y_new[N_ROWS:] == 1).all()
    assert np.isfinite(X_new).all()
    assert not rows_of(X_new[N_ROWS:]) & rows_of(X[Y == 0])


@pytest.mark.parametrize("name", ["borderline", "adasyn", "smoteenn"])
def test_samplers_at_the_border_add_about_as_many_as_the_ratio_says(name):
    _, y_new = resampled(name, 5)
    assert 4 * N_FRAUDS < np.sum(y_new) <= 7 * N_FRAUDS


@pytest.mark.parametrize("name", [param for param in RESAMPLING if SAMPLERS[param.values[0]].family == "generator"])
def test_samplers_with_a_generator_draw_rows_independently(name):
    """Only then is a smaller ratio the same fit with fewer rows, as `training.TrainingRows` assumes."""
    synthetic = resampled(name, "balanced")[0][N_ROWS:]
    first, rest = synthetic[: len(synthetic) // 2], synthetic[len(synthetic) // 2 :]
    spread = synthetic.std(axis=0)
    assert (np.abs(first.mean(axis=0) - rest.mean(axis=0)) < 0.5 * spread + 1e-9).all()


@pytest.mark.parametrize("name", ["rus", "nearmiss"])
@pytest.mark.parametrize(("ratio", "kept"), [(1, N_FRAUDS), (5, 5 * N_FRAUDS), ("balanced", N_FRAUDS), (100, 375)])
def test_samplers_under_keep_as_many_legitimate_rows_as_the_ratio_says(name, ratio, kept):
    _, y_new = resampled(name, ratio)
    assert np.bincount(y_new).tolist() == [kept, N_FRAUDS]


@pytest.mark.parametrize("name", RESAMPLING)
def test_samplers_repeat_with_their_seed(name):
    first, again = resampled(name, 1)[0], build(SAMPLERS[name], 0, **with_ratio(name, 1)).fit_resample(X, Y)[0]
    np.testing.assert_array_equal(first, again)
    other = resampled(name, 1, seed=1)[0]
    assert name in DETERMINISTIC or other.shape != first.shape or (other != first).any()


@pytest.mark.parametrize("name", RESAMPLING)
def test_samplers_change_neither_their_input_nor_its_columns(name):
    frame, before = pd.DataFrame(X, columns=list("abcd")), X.copy()
    X_new, _ = build(SAMPLERS[name], **with_ratio(name, 1)).fit_resample(frame, pd.Series(Y))
    assert list(X_new.columns) == list("abcd")
    np.testing.assert_array_equal(frame, before)


def test_sampling_strategies_count_rows_per_fraud():
    y = [0] * 90 + [1] * 10
    assert synthetic_per_fraud(y, ratio=5) == {1: 60}
    assert synthetic_per_fraud(pd.Series(y), ratio=0.5) == {1: 15}
    assert kept_per_fraud(y, ratio=5) == {0: 50}
    assert kept_per_fraud(np.array(y), ratio=20) == {0: 90}


def test_fraud_weight_counts_copies_of_a_fraud():
    y = np.array([0] * 90 + [1] * 10)
    assert fraud_weight(y, ratio="balanced") == 9
    assert fraud_weight(y, ratio=1) == 2
    assert fraud_weight(pd.Series(y), ratio=20) == 21


def test_fraud_weight_has_the_effect_of_copies():
    copies = np.r_[np.arange(N_ROWS), np.tile(np.flatnonzero(Y), 2)]
    weighted = MODELS["lr"].build(0, fraud_weight(Y, ratio=2), 1, C=1.0).fit(X, Y)
    copied = MODELS["lr"].build(0, 1.0, 1, C=1.0).fit(X[copies], Y[copies])
    np.testing.assert_allclose(weighted.coef_, copied.coef_, atol=1e-3)


@pytest.mark.parametrize("name", MODELS)
def test_models_give_probabilities_and_know_something(name):
    probability = fitted(name).predict_proba(X)
    assert probability.shape == (N_ROWS, 2)
    assert probability.min() >= 0 and probability.max() <= 1
    np.testing.assert_allclose(probability.sum(axis=1), 1, atol=1e-6)
    assert list(fitted(name).classes_) == [0, 1]
    if not MODELS[name].deep and name not in ("iforest", "ocsvm"):
        assert probability[Y == 1, 1].mean() > probability[Y == 0, 1].mean() + 0.2


def scores_like_chance(probability) -> bool:
    """Whether scores of the second half rank the meaningless labels as all but one random ranking in a thousand do."""
    y_test = MEANINGLESS[N_ROWS // 2 :]
    low, high = chance(len(y_test), int(y_test.sum()))
    return low <= metrics.tie_neutral_average_precision(y_test, probability) <= high


@lru_cache
def chance(n_rows: int, n_positives: int) -> tuple[float, float]:
    return metrics.random_ranking_interval(n_rows, n_positives, level=0.999, n_draws=20_000)


def meaningless_training_rows():
    return X[: N_ROWS // 2], MEANINGLESS[: N_ROWS // 2]


@pytest.mark.parametrize("name", MODELS)
def test_models_learn_nothing_from_meaningless_labels(name):
    model = build(MODELS[name]).fit(*meaningless_training_rows())
    assert scores_like_chance(model.predict_proba(X[N_ROWS // 2 :])[:, 1])


@pytest.mark.parametrize("name", RESAMPLING)
def test_samplers_make_nothing_of_meaningless_labels(name):
    rows = build(SAMPLERS[name], **with_ratio(name, 5)).fit_resample(*meaningless_training_rows())
    assert scores_like_chance(LogisticRegression().fit(*rows).predict_proba(X[N_ROWS // 2 :])[:, 1])


def test_scores_like_chance_accepts_a_constant_and_refuses_the_labels():
    y_test = MEANINGLESS[N_ROWS // 2 :]
    assert scores_like_chance(np.full(len(y_test), 0.06))
    noise = np.random.default_rng(0).normal(size=len(y_test))
    assert not scores_like_chance(noise + 2 * y_test)
    assert not scores_like_chance(noise - 4 * y_test)


@pytest.mark.parametrize("name", MODELS)
def test_models_repeat_with_their_seed(name):
    again = build(MODELS[name]).fit(X[:200], Y[:200])
    np.testing.assert_array_equal(again.predict_proba(X), fitted(name).predict_proba(X))


def test_models_give_another_forest_with_another_seed():
    assert np.abs(fitted("rf", seed=1).predict_proba(X) - fitted("rf").predict_proba(X)).max() > 1e-4


@pytest.mark.parametrize("name", [name for name, entry in MODELS.items() if not entry.deep])
def test_models_do_not_depend_on_the_number_of_threads(name):
    params = {**MODELS[name].defaults, **SMALL.get(name, {})}
    one_thread, two_threads = (
        MODELS[name].build(0, 3.0, n_jobs, **params).fit(X, Y).predict_proba(X) for n_jobs in (1, 2)
    )
    np.testing.assert_allclose(one_thread, two_threads, atol=1e-7)


@pytest.mark.parametrize("name", ["lr", "rf", "xgb", "ann"])
def test_models_predict_heavier_frauds_more_often(name):
    params = {**MODELS[name].defaults, **SMALL.get(name, {})}
    heavy = MODELS[name].build(0, 30.0, 1, **params).fit(X[:200], Y[:200])
    assert heavy.predict_proba(X)[:, 1].mean() > fitted(name).predict_proba(X)[:, 1].mean()


@pytest.mark.parametrize("min_samples_leaf", [1, 5])
@pytest.mark.parametrize("weight", [1.0, 9.0])
def test_portable_gives_a_forest_with_the_same_scores_on_seen_and_unseen_rows(weight, min_samples_leaf):
    X_many, y_many = make_rows(2000, 400)
    X_many[:, 0] = np.rint(10 * X_many[:, 0]) / 7  # like scaled amounts, values repeat and do not fit into 32 bits
    params = {"n_estimators": 50, "max_features": "sqrt", "min_samples_leaf": min_samples_leaf}
    forest = MODELS["rf"].build(0, weight, 1, **params).fit(X_many, y_many)
    unseen = X_many + np.random.default_rng(1).normal(0, 0.3, X_many.shape)
    before = forest.predict_proba(X_many)
    for rows in (X_many, unseen):
        np.testing.assert_allclose(portable(forest).predict_proba(rows), forest.predict_proba(rows), atol=1e-6)
    np.testing.assert_array_equal(forest.predict_proba(X_many), before)


def test_portable_gives_a_forest_of_plain_scikit_learn():
    frame = pd.DataFrame(X, columns=list("abcd"))
    forest = build(MODELS["rf"], max_features=0.3).fit(frame, Y)
    plain = portable(forest)
    assert type(plain) is RandomForestClassifier
    assert {type(tree) for tree in plain.estimators_} == {DecisionTreeClassifier}
    assert (plain.n_estimators, plain.max_features, plain.n_features_in_) == (20, 0.3, 4)
    assert list(plain.feature_names_in_) == list("abcd") and list(plain.classes_) == [0, 1]
    np.testing.assert_array_equal(plain.predict(frame), forest.predict(frame))


@pytest.mark.parametrize("as_frame", [False, True])
def test_weighted_forest_scores_by_the_weighted_share_of_frauds_in_every_leaf(as_frame):
    values, labels = make_rows(2000, 400)
    values = np.rint(8 * values)  # few values, so that each is a separate bin in Intel's forest
    rows = pd.DataFrame(values, columns=list("abcd")) if as_frame else values
    forest = MODELS["rf"].build(0, 9.0, 1, n_estimators=5, min_samples_leaf=4, bootstrap=False).fit(rows, labels)
    weights, shares = np.where(labels == 1, 9.0, 1.0), []
    for tree in forest.estimators_:
        leaves = tree.apply(values.astype(np.float32))
        shares.append((np.bincount(leaves, weights * labels) / np.bincount(leaves, weights).clip(1))[leaves])
    np.testing.assert_allclose(forest.predict_proba(rows)[:, 1], np.mean(shares, axis=0), atol=1e-6)
    assert forest_engine(forest) == FOREST_ENGINE and type(portable(forest)) is RandomForestClassifier
    np.testing.assert_array_equal(portable(forest).predict_proba(rows), forest.predict_proba(rows))


def test_weighted_forest_splits_as_scikit_learns_does():
    """On columns of few values, all of which are tried, so that chance decides only between equal gains."""
    values = np.random.default_rng(0).integers(0, 40, (3000, 3)).astype(float)
    labels = (values @ [1, 2, 3] + 60 * np.random.default_rng(1).normal(size=3000) > 230).astype(int)
    options = {"n_estimators": 1, "max_features": None, "max_depth": 4, "bootstrap": False, "min_samples_leaf": 9}
    ours = MODELS["rf"].build(0, 20.0, 1, **options).fit(values, labels)
    weighted = RandomForestClassifier(class_weight={0: 1.0, 1: 20.0}, random_state=0, **options).fit(values, labels)
    unweighted = RandomForestClassifier(random_state=0, **options).fit(values, labels)
    np.testing.assert_allclose(ours.predict_proba(values), weighted.predict_proba(values), atol=1e-6)
    assert np.abs(ours.predict_proba(values) - unweighted.predict_proba(values)).max() > 0.1


def test_forest_engine_is_none_for_what_is_no_forest():
    assert forest_engine(LogisticRegression()) is None


def test_portable_leaves_what_is_portable_already():
    for model in (LogisticRegression(), RandomForestClassifier(), build(MODELS["xgb"]), build(MODELS["ann"])):
        assert portable(model) is model


def test_of_families_lists_samplers_by_family_with_none_in_front():
    assert samplers.of_families("under") == ["none", "rus", "tomek", "nearmiss"]
    assert samplers.of_families("over", among=["smote", "rus"]) == ["none", "smote"]
    assert samplers.of_families("control", "under", "over", "generator") == list(STANDARD)
    assert samplers.of_families("generator", among=["arf", "cgan"]) == ["none", "cgan", "arf"]


def test_samplers_that_are_used_where_they_are_named_are_in_no_grid_of_all():
    named = {name for name, entry in SAMPLERS.items() if entry.only_named}
    assert named == {"arf", "copula"} == set(SAMPLERS) - set(STANDARD)
    identity = DatasetIdentity("rows", "0", Roles())
    every = replace(load_profile("full"), samplers=())
    assert not named & {task.sampler.name for task in grid(every, identity)}
    for profile in (every, load_profile("full")):
        tasks = grid(profile, identity, samplers=["arf"], models=["lr"])
        assert {task.sampler.name for task in tasks} == {"arf"}


def test_models_without_sampler_are_listed_by_reason():
    assert models.models_without_sampler("outliers") == ["iforest", "ocsvm"]
    assert models.models_without_sampler(among=["lr", "spe"]) == ["spe"]
    assert {*models.CLASSICAL, *models.DEEP, *models.models_without_sampler()} == set(MODELS)
