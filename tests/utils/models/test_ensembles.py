"""Classifiers that handle imbalance by themselves or do without labels."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from utils.metrics import average_precision, log_odds, ranks_of_positives
from utils.models.ensembles import LogOddsMean, OutlierClassifier, SelfPacedEnsemble


def make_rows(n_rows: int = 3000, n_frauds: int = 60, seed: int = 0):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n_rows) < n_frauds).astype(int)
    return rng.normal(size=(n_rows, 5)) + 1.2 * y[:, None], y


X, Y = make_rows()
X_TEST, Y_TEST = make_rows(seed=1)


def score(model) -> float:
    return average_precision(ranks_of_positives(Y_TEST, model.predict_proba(X_TEST)[:, 1])[0])


class Recorder(ClassifierMixin, BaseEstimator):
    """Scores by the first column and stores its training data."""

    def fit(self, X, y):
        self.X_, self.y_ = X, y
        return self

    def predict_proba(self, X):
        positive = 1 / (1 + np.exp(-X[:, 0]))
        return np.column_stack([1 - positive, positive])


def test_self_paced_ensemble_beats_a_single_member():
    ensemble = SelfPacedEnsemble(n_estimators=20, random_state=0).fit(X, Y)
    assert score(ensemble) > score(DecisionTreeClassifier(random_state=0).fit(X, Y)) + 0.1
    assert len(ensemble.estimators_) == 20
    assert set(ensemble.predict(X_TEST)) == {0, 1}


def test_self_paced_ensemble_members_have_all_frauds_and_about_as_many_legitimate_rows():
    ensemble = SelfPacedEnsemble(Recorder(), n_estimators=8, n_bins=5, random_state=0).fit(X, Y)
    for member in ensemble.estimators_:
        majority = member.X_[member.y_ == 0]
        assert {*map(tuple, member.X_[member.y_ == 1])} == {*map(tuple, X[Y == 1])}
        assert {*map(tuple, majority)} <= {*map(tuple, X[Y == 0])}
        assert len(majority) == len({*map(tuple, majority)})
        assert 0.5 * Y.sum() <= len(majority) <= Y.sum() + 5


def test_self_paced_ensemble_fits_later_members_on_harder_rows():
    ensemble = SelfPacedEnsemble(Recorder(), n_estimators=10, n_bins=10, random_state=0).fit(X, Y)
    hardness = [member.X_[member.y_ == 0][:, 0].mean() for member in ensemble.estimators_]
    assert hardness[-1] > hardness[1] + 0.2  # the first is fitted to a random subset


def test_self_paced_ensemble_repeats_with_its_seed():
    first, again, other = (SelfPacedEnsemble(n_estimators=4, random_state=seed).fit(X, Y) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.predict_proba(X_TEST), again.predict_proba(X_TEST))
    assert (first.predict_proba(X_TEST) != other.predict_proba(X_TEST)).any()


def test_self_paced_ensemble_accepts_any_two_labels_and_the_rarer_is_the_minority():
    expected = SelfPacedEnsemble(n_estimators=4, random_state=0).fit(X, Y).predict_proba(X_TEST)
    first, last = (np.where(Y == 1, rare, "legitimate") for rare in ("fraud", "zebra"))
    named = SelfPacedEnsemble(n_estimators=4, random_state=0)
    np.testing.assert_array_equal(named.fit(X, last).predict_proba(X_TEST), expected)
    swapped = named.fit(X, first).predict_proba(
        X_TEST
    )  # not the same trees, because the classes of the members are swapped too
    assert named.classes_.tolist() == ["fraud", "legitimate"]
    assert average_precision(ranks_of_positives(Y_TEST, swapped[:, 0])[0]) == pytest.approx(
        average_precision(ranks_of_positives(Y_TEST, expected[:, 1])[0]), abs=0.1
    )
    assert set(named.predict(X_TEST[Y_TEST == 1])) >= {"fraud"}


@pytest.mark.parametrize("labels", [np.zeros(len(Y)), np.arange(len(Y)) % 3])
@pytest.mark.parametrize(
    "classifier",
    [SelfPacedEnsemble(), LogOddsMean(), OutlierClassifier(IsolationForest())],
    ids=lambda c: type(c).__name__,
)
def test_binary_classifier_needs_two_classes(classifier, labels):
    with pytest.raises(ValueError, match=r"needs exactly 2|Only binary"):
        classifier.fit(X, labels)


def test_log_odds_mean_averages_the_log_odds_of_its_members():
    members = [("lr", LogisticRegression()), ("tree", DecisionTreeClassifier(max_depth=3, random_state=0))]
    blend = LogOddsMean(members).fit(X, Y)
    odds = [log_odds(member.fit(X, Y).predict_proba(X_TEST)[:, 1]) for _, member in members]
    np.testing.assert_allclose(blend.decision_function(X_TEST), np.mean(odds, axis=0))
    np.testing.assert_allclose(log_odds(blend.predict_proba(X_TEST)[:, 1]), blend.decision_function(X_TEST))
    np.testing.assert_array_equal(blend.predict(X_TEST), (np.mean(odds, axis=0) > 0).astype(int))


def test_outlier_classifier_ignores_the_labels():
    detector = OutlierClassifier(IsolationForest(random_state=0), random_state=0)
    honest = detector.fit(X, Y).decision_function(X_TEST)
    shuffled = detector.fit(X, np.random.default_rng(0).permutation(Y)).decision_function(X_TEST)
    np.testing.assert_array_equal(honest, shuffled)
    assert honest[Y_TEST == 1].mean() > honest[Y_TEST == 0].mean() + 0.3


def test_outlier_classifier_fits_its_detector_on_at_most_max_rows():
    class Counter(BaseEstimator):
        def fit(self, X):
            self.rows_ = len(X)
            return self

        def score_samples(self, X):
            return -X[:, 0]

    assert OutlierClassifier(Counter(), max_rows=100, random_state=0).fit(X, Y).detector_.rows_ == 100
    everything = OutlierClassifier(Counter(), random_state=0).fit(X, Y)
    assert everything.detector_.rows_ == len(X)
    assert everything.decision_function(X).mean() == pytest.approx(0, abs=1e-9)
