"""Cleaning by nearest neighbours from few searches drops the rows that imbalanced-learn drops."""

import numpy as np
import pytest
from imblearn.under_sampling import EditedNearestNeighbours, TomekLinks
from imblearn.utils.estimator_checks import parametrize_with_checks

from utils.samplers import cleaning
from utils.samplers.cleaning import QuickEditedNearestNeighbours, QuickTomekLinks
from utils.samplers.registry import SAMPLERS


@parametrize_with_checks(
    [
        QuickTomekLinks(),
        QuickEditedNearestNeighbours(),
        QuickEditedNearestNeighbours(sampling_strategy="all"),
        SAMPLERS["smoteenn"].build(0, ratio="balanced"),
    ]
)
def test_cleaning_passes_the_checks_of_imbalanced_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("quick", "plain", "options"),
    [
        (QuickTomekLinks, TomekLinks, {"sampling_strategy": "all"}),
        (QuickTomekLinks, TomekLinks, {"sampling_strategy": [1]}),
        (QuickEditedNearestNeighbours, EditedNearestNeighbours, {}),
        (QuickEditedNearestNeighbours, EditedNearestNeighbours, {"sampling_strategy": "all", "kind_sel": "mode"}),
    ],
)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_cleaning_that_is_not_of_the_quick_kind_is_left_to_imbalanced_learn(quick, plain, options, n_classes):
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(300, 3)), np.minimum(rng.poisson(0.5, 300), n_classes - 1)
    found, expected = quick(**options), plain(**options)
    for rows, expected_rows in zip(found.fit_resample(X, y), expected.fit_resample(X, y), strict=True):
        np.testing.assert_array_equal(rows, expected_rows)


@pytest.mark.parametrize("name", ["tomek", "smoteenn"])
def test_cleaning_as_the_study_asks_for_it_is_of_the_quick_kind(name, monkeypatch):
    def slow(self, X, y, **params):
        raise AssertionError("this compares every row with every other in imbalanced-learn")

    for kind in (TomekLinks, EditedNearestNeighbours):
        monkeypatch.setattr(kind, "_fit_resample", slow)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 3)), (np.arange(300) % 10 == 0).astype(int)
    entry = SAMPLERS[name]
    for ratio in entry.space.get("ratio", [None]):
        sampler = entry.build(0, **({} if ratio is None else {"ratio": min(ratio, 5)}))
        assert len(sampler.fit_resample(X, y)[0]) > 100


@pytest.mark.parametrize("share", [0.02, 0.2, 0.6])
def test_quick_tomek_links_drop_the_rows_that_imbalanced_learns_drop(share):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(3000, 4)), (rng.random(3000) < share).astype(int)
    expected, found = TomekLinks(), QuickTomekLinks()
    X_expected, y_expected = expected.fit_resample(X, y)
    X_found, y_found = found.fit_resample(X, y)
    assert len(X_found) < len(X)
    np.testing.assert_array_equal(X_found, X_expected)
    np.testing.assert_array_equal(y_found, y_expected)
    np.testing.assert_array_equal(found.sample_indices_, expected.sample_indices_)


@pytest.mark.parametrize("n_probes", [50, 8192])
@pytest.mark.parametrize("n_neighbors", [1, 3])
def test_quick_editing_drops_the_rows_that_imbalanced_learn_drops(n_neighbors, n_probes, monkeypatch):
    monkeypatch.setattr(cleaning, "N_PROBES", n_probes)
    rng = np.random.default_rng(1)
    y = (rng.random(3000) < 0.1).astype(int)
    X = rng.normal(size=(3000, 4)) + 1.5 * y[:, None]
    options = {"sampling_strategy": "all", "n_neighbors": n_neighbors}
    expected, found = EditedNearestNeighbours(**options), QuickEditedNearestNeighbours(**options)
    X_expected, y_expected = expected.fit_resample(X, y)
    X_found, y_found = found.fit_resample(X, y)
    assert len(X_found) < len(X) and len(np.unique(y_found)) == 2
    np.testing.assert_array_equal(found.sample_indices_, np.sort(expected.sample_indices_))
    assert np.bincount(y_found).tolist() == np.bincount(y_expected).tolist()
    assert {*map(tuple, X_found)} == {*map(tuple, X_expected)}


def test_distances_are_those_to_the_nearest_rows():
    X = np.random.default_rng(0).normal(size=(200, 6))
    squares = ((X[:50, None] - X[None]) ** 2).sum(axis=2)
    np.testing.assert_allclose(cleaning.distances(X[:50], X, 3), np.sqrt(np.sort(squares, axis=1)[:, :3]), atol=1e-6)


def test_rows_that_no_other_class_comes_near_are_all_kept():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [200, 20])
    X = rng.normal(size=(220, 3)) + 100 * y[:, None]
    _, kept = QuickEditedNearestNeighbours(sampling_strategy="all").fit_resample(X, y)
    assert np.array_equal(kept, y)
