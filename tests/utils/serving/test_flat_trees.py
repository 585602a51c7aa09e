"""Flat trees give, to the last bit, what the libraries that fitted them give."""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from xgboost import XGBClassifier

from utils.serving.flat_trees import FlatTrees, Tree, boosted_probability, forest_probability

X, y = make_classification(600, n_features=8, n_informative=5, weights=[0.8], flip_y=0.1, random_state=0)
STUMP = ([1, -1, -1], [2, -1, -1], [1, 0, 0], [0.5, 0.0, 0.0], [0.0, 10.0, 20.0])
LEAF = ([-1], [-1], [0], [0.0], [3.0])


def boosted(**params):
    params = {"n_estimators": 60, "max_depth": 6, "n_jobs": 1, **params}
    return XGBClassifier(**params).fit(X, y).get_booster()


def test_flat_trees_match_hand_computation():
    trees = [Tree(*map(np.array, tree)) for tree in (STUMP, LEAF, STUMP)]
    rows = np.array([[9.0, 0.4], [-9.0, 0.5], [0.0, 0.6]])
    np.testing.assert_array_equal(FlatTrees(trees).sum(rows, 1), [24.0, 24.0, 44.0])


@pytest.mark.parametrize("kind", [RandomForestClassifier, ExtraTreesClassifier])
def test_forest_probability_is_that_of_scikit_learn(kind):
    forest = kind(n_estimators=30, min_samples_leaf=2, random_state=0).fit(X, y)
    np.testing.assert_array_equal(forest_probability(forest)(X), forest.predict_proba(X)[:, 1])


@pytest.mark.parametrize("base_score", [None, 0.5, 0.0017578641, 0.9999])
def test_boosted_probability_is_that_of_xgboost_whatever_its_base_score(base_score):
    booster = boosted(base_score=base_score)
    np.testing.assert_array_equal(boosted_probability(booster)(X), booster.inplace_predict(X))


def test_boosted_probability_sends_a_row_at_a_threshold_where_xgboost_does():
    rows = np.round(X)
    booster = XGBClassifier(n_estimators=20, n_jobs=1, tree_method="exact").fit(rows, y).get_booster()
    thresholds = booster.trees_to_dataframe()["Split"].dropna().unique()
    at_thresholds = np.repeat(thresholds[:, None], X.shape[1], axis=1)
    np.testing.assert_array_equal(boosted_probability(booster)(at_thresholds), booster.inplace_predict(at_thresholds))


def test_boosted_probability_is_that_of_xgboost_at_its_limits():
    booster = boosted(learning_rate=100, reg_lambda=0, n_estimators=5)
    expected = booster.inplace_predict(X)
    assert expected.min() < 1e-7 and expected.max() > 1 - 1e-7
    np.testing.assert_allclose(boosted_probability(booster)(X), expected, rtol=0, atol=1e-30)


def test_boosted_probability_is_none_for_models_of_another_kind():
    others = [
        {"booster": "dart"},
        {"booster": "gblinear", "max_depth": None},
        {"objective": "binary:hinge"},
        {"objective": "reg:squarederror"},
    ]
    assert [boosted_probability(boosted(**params)) for params in others] == [None] * len(others)
    categories = np.digitize(X[:, :1], [-1, 0, 1])
    model = XGBClassifier(n_estimators=5, enable_categorical=True, feature_types=["c"], max_cat_to_onehot=1)
    assert boosted_probability(model.fit(categories, y).get_booster()) is None
