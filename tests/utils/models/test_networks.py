"""The networks as scikit-learn classifiers: their contract, and that they learn."""

import random

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import average_precision_score
from sklearn.utils.class_weight import compute_sample_weight

from utils.metrics import average_precision, ranks_of_positives
from utils.models.networks import NETWORKS, NetworkClassifier, random_batches


def make_rows(n_rows: int = 400, n_features: int = 6, seed: int = 0):
    """Scaled features, two of which separate the positives, a tenth of the rows, almost perfectly."""
    rng = np.random.default_rng(seed)
    y = (np.arange(n_rows) % 10 == 0).astype(int)
    X = rng.normal(size=(n_rows, n_features))
    X[:, 0] += 3 * y
    X[:, 1] -= 3 * y
    return X, y


X, Y = make_rows()


def tiny(network: str = "ann", **params) -> NetworkClassifier:
    return NetworkClassifier(network, **{"updates": 20, "random_state": 0, **params})


@pytest.fixture(scope="module")
def plain() -> NetworkClassifier:
    return tiny().fit(X, Y)


@pytest.fixture(scope="module")
def watched() -> NetworkClassifier:
    return tiny(patience=99).fit(X, Y, validation=make_rows(seed=1))


@pytest.mark.parametrize("network", NETWORKS)
def test_network_classifier_learns_from_two_informative_features(network):
    classifier = NetworkClassifier(network, updates=200, learning_rate=1e-2, batch_size=128).fit(X, Y)
    X_new, y_new = make_rows(seed=1)
    assert average_precision_score(y_new, classifier.predict_proba(X_new)[:, 1]) > 0.9
    assert classifier.history_["loss"][-1] < classifier.history_["loss"][0]


@pytest.mark.parametrize("network", NETWORKS)
def test_networks_take_any_number_of_features_and_give_one_logit(network):
    for n_features in (1, 5, 30):
        built = NETWORKS[network](n_features, 0.3)
        assert (built.input_shape, built.output_shape) == ((None, n_features), (None, 1))


def test_network_classifier_clone_has_the_same_parameters_and_is_not_fitted(plain):
    copy = clone(plain)
    assert copy.get_params() == plain.get_params()
    assert not hasattr(copy, "model_")
    assert clone(tiny("lstm", dropout=0.1)).set_params(updates=7).get_params()["updates"] == 7


def test_network_classifier_predictions_have_the_right_shapes(plain):
    probability = plain.predict_proba(X)
    assert probability.shape == (len(X), 2) and plain.decision_function(X).shape == (len(X),)
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    assert probability.min() >= 0
    np.testing.assert_array_equal(plain.predict(X), (probability[:, 1] > 0.5).astype(int))
    np.testing.assert_array_equal(plain.classes_, [0, 1])
    assert plain.n_features_in_ == X.shape[1]


def test_network_classifier_repeats_with_its_seed_and_differs_with_another(plain):
    np.testing.assert_array_equal(tiny().fit(X, Y).predict_proba(X), plain.predict_proba(X))
    assert np.abs(tiny(random_state=1).fit(X, Y).predict_proba(X) - plain.predict_proba(X)).max() > 1e-3


def test_network_classifier_scores_a_single_row_as_among_others(plain):
    np.testing.assert_allclose(plain.predict_proba(X[:1]), plain.predict_proba(X)[:1], atol=1e-6)


def test_network_classifier_leaves_the_callers_random_state_untouched():
    python_state, numpy_state = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    tiny(updates=1).fit(X, Y)
    assert random.getstate() == python_state
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002


def test_network_classifier_predicts_a_class_of_higher_weight_more_often(plain):
    heavy = tiny(class_weight={0: 1.0, 1: 50.0}).fit(X, Y)
    assert heavy.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean() + 0.1


def test_network_classifier_treats_class_weights_as_sample_weights(plain):
    balanced = tiny(class_weight="balanced").fit(X, Y).predict_proba(X)
    weighted = tiny().fit(X, Y, sample_weight=compute_sample_weight("balanced", Y)).predict_proba(X)
    np.testing.assert_array_equal(balanced, weighted)
    assert np.abs(balanced - plain.predict_proba(X)).max() > 1e-3


def test_network_classifier_ignores_rows_of_weight_zero():
    X_other = np.vstack([X, X + 5])
    weights = np.repeat([1.0, 0.0], len(X))
    first, second = (tiny().fit(X_other, np.r_[Y, end], sample_weight=weights) for end in (Y, 1 - Y))
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))


@pytest.mark.parametrize(("updates", "max_epochs", "expected"), [(40, 60, 39), (40, 2, 26), (1, 60, 1)])
def test_network_classifier_trains_whole_rounds_within_the_limit_of_updates(updates, max_epochs, expected):
    classifier = tiny(updates=updates, max_epochs=max_epochs).fit(X, Y)  # 400 rows in batches of 32 are 13 per pass
    assert int(classifier.model_.optimizer.iterations) == expected
    assert len(classifier.history_["loss"]) == expected / -(-min(updates, 13 * max_epochs) // 15)


def test_random_batches_use_each_row_once_per_pass():
    rows = np.arange(10, dtype=np.float32)
    batches = random_batches(rows[:, None], rows, 2 * rows, batch_size=4, n_batches=5, random_state=0)
    seen = [tuple(array.numpy().ravel() for array in batch) for batch in batches]
    assert [len(y) for _, y, _ in seen] == [4] * 5
    order = np.concatenate([y for _, y, _ in seen])
    np.testing.assert_array_equal(np.sort(order[:10]), rows)
    np.testing.assert_array_equal(np.sort(order[10:]), rows)
    assert not np.array_equal(order[:10], order[10:])
    for features, y, weights in seen:
        np.testing.assert_array_equal(features, y)
        np.testing.assert_array_equal(weights, 2 * y)


def test_network_classifier_restores_the_weights_of_the_best_round():
    # The labels are noise, so training does not help on the validation rows and the best round is not the last.
    rng = np.random.default_rng(3)
    noise, labels = rng.normal(size=(300, 6)), np.arange(300) % 5 == 0
    held_out = rng.normal(size=(300, 6)), labels
    classifier = tiny(updates=200, learning_rate=1e-2, rounds=20, patience=3).fit(noise, labels, validation=held_out)
    history = classifier.history_["validation_average_precision"]
    assert len(history) == len(classifier.history_["loss"]) < 20
    assert int(np.argmax(history)) == len(history) - 1 - 3
    ranks, _ = ranks_of_positives(held_out[1], classifier.decision_function(held_out[0]))
    assert average_precision(ranks) == max(history)


def test_network_classifier_trains_to_the_end_with_a_long_patience(watched):
    assert len(watched.history_["validation_average_precision"]) == 10  # 20 updates in rounds of 2
    assert int(watched.model_.optimizer.iterations) == 20


def test_network_classifier_uses_validation_rows_only_to_select_the_round(plain, watched):
    X_new, y_new = make_rows(seed=1)
    turned = tiny(patience=99).fit(X, Y, validation=(-X_new, y_new))
    assert turned.history_["loss"] == watched.history_["loss"] == plain.history_["loss"]
    name = "validation_average_precision"
    assert turned.history_[name] != watched.history_[name]


def test_network_classifier_accepts_text_labels_of_validation_rows(watched):
    X_new, y_new = make_rows(seed=1)
    words, new_words = (np.where(y == 1, "fraud", "fine") for y in (Y, y_new))
    assert tiny(patience=99).fit(X, words, validation=(X_new, new_words)).history_ == watched.history_


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((X[:, :4], Y), "features"),
        ((X, Y[:-1]), "inconsistent numbers of samples"),
        ((X, np.zeros(len(X))), "hold out rows of both classes"),
        ((X, Y + 1), "hold out rows of both classes"),
        ((np.full_like(X, np.nan), Y), "X contains NaN"),
    ],
)
def test_network_classifier_refuses_validation_rows_unlike_the_training_rows(rows, message):
    with pytest.raises(ValueError, match=message):
        tiny().fit(X, Y, validation=rows)


def test_focal_loss_is_cross_entropy_at_gamma_zero(plain):
    focal = tiny(loss="focal", gamma=0.0).fit(X, Y)
    np.testing.assert_allclose(focal.predict_proba(X), plain.predict_proba(X), atol=1e-4)


def test_focal_loss_reduces_the_weight_of_a_confident_row():
    # Lin et al. (2017): (1 - p)^gamma * -log(p) for a positive row of probability p.
    loss = tiny(loss="focal", gamma=2.0)._loss()
    assert float(loss(np.ones((1, 1)), np.full((1, 1), np.log(9.0)))) == pytest.approx(0.1**2 * -np.log(0.9), rel=1e-4)


def test_network_classifier_starts_at_the_share_of_the_positives():
    share = tiny()._build(X.shape[1], 0.1).predict(np.zeros((1, X.shape[1])), verbose=0)
    assert share.item() == pytest.approx(np.log(0.1 / 0.9))


@pytest.mark.usefixtures("eager_tensorflow")
@pytest.mark.parametrize("network", NETWORKS)
def test_network_classifier_column_order_is_a_fixed_permutation_that_is_saved(network, tmp_path):
    classifier = tiny(network, updates=2, column_order=7).fit(X, Y)
    order = np.random.default_rng(7).permutation(X.shape[1])
    assert sorted(order) == list(range(X.shape[1])) and list(order) != sorted(order)
    reorder, rest = classifier.model_.layers
    np.testing.assert_array_equal(reorder(X.astype(np.float32)), X.astype(np.float32)[:, order])
    np.testing.assert_allclose(classifier.decision_function(X), rest(X[:, order]).numpy()[:, 0], atol=1e-5)
    classifier.save(tmp_path / "network.keras")
    loaded = NetworkClassifier.load(tmp_path / "network.keras")
    np.testing.assert_array_equal(loaded.predict_proba(X), classifier.predict_proba(X))


def test_network_classifier_accepts_text_labels():
    words = np.where(Y == 1, "fraud", "fine")
    classifier = tiny(updates=60).fit(X, words)
    assert list(classifier.classes_) == ["fine", "fraud"]
    assert set(classifier.predict(X)) == {"fine", "fraud"}


@pytest.mark.usefixtures("eager_tensorflow")
def test_network_classifier_accepts_a_frame_and_remembers_its_columns():
    frame = pd.DataFrame(X, columns=list("abcdef"))
    classifier = tiny(updates=1).fit(frame, pd.Series(Y))
    assert list(classifier.feature_names_in_) == list("abcdef")
    with pytest.raises(ValueError, match="feature names"):
        classifier.predict_proba(frame.rename(columns={"a": "z"}))


def test_network_classifier_names_an_unknown_network_and_the_available_ones():
    with pytest.raises(ValueError, match=r"network='gru' is unknown.*ann.*cnn1d.*lstm"):
        tiny("gru").fit(X, Y)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"loss": "hinge"}, r"loss='hinge' is unknown.*cross_entropy.*focal"),
        ({"updates": 0}, "updates=0 is too small"),
        ({"rounds": 0}, "rounds=0 is too small"),
        ({"patience": 0}, "patience=0 is too small"),
        ({"gamma": -1.0}, "gamma=-1.0 is too small"),
    ],
)
def test_network_classifier_refuses_parameters_out_of_range(params, message):
    with pytest.raises(ValueError, match=message):
        tiny(**params).fit(X, Y)


def test_network_classifier_refuses_one_class():
    with pytest.raises(ValueError, match="needs exactly 2"):
        tiny().fit(X, np.zeros(len(X)))


def test_network_classifier_refuses_three_classes():
    with pytest.raises(ValueError, match=r"Only binary classification .* multiclass"):
        tiny().fit(X, np.arange(len(X)) % 3)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_network_classifier_refuses_values_that_are_not_finite(plain, bad):
    broken = X.copy()
    broken[3, 2] = bad
    with pytest.raises(ValueError, match="X contains"):
        tiny().fit(broken, Y)
    with pytest.raises(ValueError, match="X contains"):
        plain.predict_proba(broken)


def test_network_classifier_refuses_another_number_of_features(plain):
    with pytest.raises(ValueError, match="features"):
        plain.predict_proba(X[:, :4])


def test_network_classifier_refuses_weights_of_another_length():
    with pytest.raises(ValueError):
        tiny().fit(X, Y, sample_weight=[1.0, 2.0])


def test_network_classifier_gives_extreme_rows_a_probability_without_warning(plain, recwarn):
    probability = plain.predict_proba(np.vstack([X * 1e6, -X * 1e6]))
    assert np.isfinite(probability).all() and probability.min() >= 0 and probability.max() <= 1
    assert [str(warning.message) for warning in recwarn if warning.category is RuntimeWarning] == []


def test_network_classifier_scores_the_same_after_saving(plain, tmp_path):
    plain.save(tmp_path / "network.keras")
    loaded = NetworkClassifier.load(tmp_path / "network.keras")
    np.testing.assert_array_equal(loaded.predict_proba(X), plain.predict_proba(X))
    np.testing.assert_array_equal(loaded.predict(X), plain.predict(X))
