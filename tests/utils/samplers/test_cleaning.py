"""Fast cleaning by nearest neighbours drops the same rows as imbalanced-learn."""

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
def test_cleaning_leaves_unsupported_settings_to_imbalanced_learn(quick, plain, options, n_classes):
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(300, 3)), np.minimum(rng.poisson(0.5, 300), n_classes - 1)
    cleaner, expected = quick(**options), plain(**options)
    for rows, expected_rows in zip(cleaner.fit_resample(X, y), expected.fit_resample(X, y), strict=True):
        np.testing.assert_array_equal(rows, expected_rows)


@pytest.mark.parametrize("name", ["tomek", "smoteenn"])
def test_cleaning_with_the_settings_of_the_study_is_fast(name, monkeypatch):
    def slow(self, X, y, **params):
        raise AssertionError("imbalanced-learn compares every row with every other")

    for kind in (TomekLinks, EditedNearestNeighbours):
        monkeypatch.setattr(kind, "_fit_resample", slow)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 3)), (np.arange(300) % 10 == 0).astype(int)
    entry = SAMPLERS[name]
    for ratio in entry.space.get("ratio", [None]):
        sampler = entry.build(0, **({} if ratio is None else {"ratio": min(ratio, 5)}))
        assert len(sampler.fit_resample(X, y)[0]) > 100


@pytest.mark.parametrize("share", [0.02, 0.2, 0.6])
def test_quick_tomek_links_drops_the_same_rows_as_imbalanced_learn(share):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(3000, 4)), (rng.random(3000) < share).astype(int)
    expected, quick = TomekLinks(), QuickTomekLinks()
    X_expected, y_expected = expected.fit_resample(X, y)
    X_resampled, y_resampled = quick.fit_resample(X, y)
    assert len(X_resampled) < len(X)
    np.testing.assert_array_equal(X_resampled, X_expected)
    np.testing.assert_array_equal(y_resampled, y_expected)
    np.testing.assert_array_equal(quick.sample_indices_, expected.sample_indices_)


@pytest.mark.parametrize("n_probes", [50, 8192])
@pytest.mark.parametrize("n_neighbors", [1, 3])
def test_quick_edited_nearest_neighbours_drops_the_same_rows_as_imbalanced_learn(n_neighbors, n_probes, monkeypatch):
    monkeypatch.setattr(cleaning, "N_PROBES", n_probes)
    rng = np.random.default_rng(1)
    y = (rng.random(3000) < 0.1).astype(int)
    X = rng.normal(size=(3000, 4)) + 1.5 * y[:, None]
    options = {"sampling_strategy": "all", "n_neighbors": n_neighbors}
    expected, quick = EditedNearestNeighbours(**options), QuickEditedNearestNeighbours(**options)
    X_expected, y_expected = expected.fit_resample(X, y)
    X_resampled, y_resampled = quick.fit_resample(X, y)
    assert len(X_resampled) < len(X) and len(np.unique(y_resampled)) == 2
    np.testing.assert_array_equal(quick.sample_indices_, np.sort(expected.sample_indices_))
    assert np.bincount(y_resampled).tolist() == np.bincount(y_expected).tolist()
    assert {*map(tuple, X_resampled)} == {*map(tuple, X_expected)}


def test_distances_are_those_to_the_nearest_rows():
    X = np.random.default_rng(0).normal(size=(200, 6))
    squares = ((X[:50, None] - X[None]) ** 2).sum(axis=2)
    np.testing.assert_allclose(cleaning.distances(X[:50], X, 3), np.sqrt(np.sort(squares, axis=1)[:, :3]), atol=1e-6)


def test_quick_edited_nearest_neighbours_keeps_all_rows_of_separate_classes():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [200, 20])
    X = rng.normal(size=(220, 3)) + 100 * y[:, None]
    _, y_resampled = QuickEditedNearestNeighbours(sampling_strategy="all").fit_resample(X, y)
    assert np.array_equal(y_resampled, y)
