"""Estimator checks of scikit-learn for every classifier of this project, with minimal settings."""

import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import OneClassSVM
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from utils.models import networks
from utils.models.ensembles import LogOddsMean, OutlierClassifier, SelfPacedEnsemble
from utils.models.forest import FastExtraTreesClassifier, FastRandomForestClassifier, WeightedForestClassifier
from utils.models.networks import NetworkClassifier

FAST = {"n_estimators": 3, "random_state": 0}
MEMBERS = [("bayes", GaussianNB()), ("tree", DecisionTreeClassifier(max_depth=3, random_state=0))]
CLASSIFIERS = [
    SelfPacedEnsemble(**FAST),
    LogOddsMean(MEMBERS),
    OutlierClassifier(OneClassSVM(), max_rows=50, random_state=0),
    FastRandomForestClassifier(**FAST),
    FastExtraTreesClassifier(**FAST),
    WeightedForestClassifier(**FAST),
]
WEIGHTS = "a row of weight 2 is sampled for a tree or a batch as one row, not as two"
TIES = "class shares come from impurities with errors of 1e-16, so equal logarithms may have unequal probabilities"


def expected_failed_checks(classifier: BaseEstimator) -> dict[str, str]:
    """Checks that a classifier cannot pass, and why."""
    if not isinstance(classifier, (RandomForestClassifier, FastExtraTreesClassifier, NetworkClassifier)):
        return {}
    weights = (f"check_sample_weight_equivalence_on_{kind}_data" for kind in ("dense", "sparse"))
    ties = {"check_classifiers_train": TIES} if isinstance(classifier, WeightedForestClassifier) else {}
    return {**dict.fromkeys(weights, WEIGHTS), **ties}


@parametrize_with_checks(CLASSIFIERS, expected_failed_checks=expected_failed_checks)
def test_classifier_passes_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


def one_layer(n_features: int, dropout: float):
    """The smallest network; the checks test the classifier, which is the same for all networks."""
    import keras

    dense = keras.layers.Dense(1, kernel_initializer=keras.initializers.RandomNormal(stddev=0.01, seed=0))
    return keras.Sequential([keras.Input((n_features,)), dense])


@pytest.mark.usefixtures("eager_tensorflow")
@parametrize_with_checks(
    [NetworkClassifier(updates=3, rounds=1, learning_rate=0.05)], expected_failed_checks=expected_failed_checks
)
def test_network_classifier_passes_the_checks_of_scikit_learn(estimator, check, monkeypatch):
    monkeypatch.setitem(networks.NETWORKS, "ann", one_layer)
    check(estimator)
