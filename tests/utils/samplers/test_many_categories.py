"""SMOTE-NC without one-hot codes: the same neighbours and the same draws as imbalanced-learn's."""

import numpy as np
import pytest
from imblearn.over_sampling import SMOTENC
from sklearn.utils import check_random_state

from utils.samplers import many_categories


@pytest.fixture
def table():
    """Three columns of numbers, then codes that depend on them."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(200, 3)) * [1, 3, 10]
    shops = np.clip(numbers[:, 0].round(), -1, 1) + 1
    return np.column_stack([numbers, shops, rng.integers(0, 4, 200)])


def test_nearest_adds_the_median_deviation_for_every_category_that_differs(table):
    penalty = np.median(table[:, :3].std(axis=0))
    differences = table[:, None] - table[None]
    squares = (differences[..., :3] ** 2).sum(axis=2) + penalty**2 * (differences[..., 3:] != 0).sum(axis=2)
    np.fill_diagonal(squares, -1)
    expected = np.argsort(squares, axis=1)[:, 1:6]
    assert (many_categories.nearest(table, 3, 5) == expected).all()


def test_nearest_finds_the_neighbours_of_imbalanced_learn(table):
    X, y = np.concatenate([table, table[:250]]), np.repeat([1, 0], [200, 200])
    smote = SMOTENC(categorical_features=[3, 4], random_state=0, sampling_strategy={1: 201}).fit(X, y)
    smote.fit_resample(X, y)
    theirs = smote.nn_k_.kneighbors(smote.nn_k_._fit_X, return_distance=False)[:, 1:]
    assert (many_categories.nearest(table, 3, 5) == theirs).all()


def test_interpolate_draws_as_imbalanced_learn_does(table):
    n_rows = 20_000
    ours = many_categories.interpolate(table, 3, n_rows, 5, check_random_state(0))
    X, y = np.concatenate([table, table]), np.repeat([1, 0], [200, 200])
    options = {"random_state": 1, "sampling_strategy": {1: 200 + n_rows}}
    theirs = SMOTENC(categorical_features=[3, 4], **options).fit_resample(X, y)[0][400:]
    assert ours.shape == theirs.shape
    error = theirs[:, :3].std(axis=0) * np.sqrt(2 / n_rows)
    assert (np.abs(ours[:, :3].mean(axis=0) - theirs[:, :3].mean(axis=0)) < 4 * error).all()
    np.testing.assert_allclose(ours[:, :3].std(axis=0), theirs[:, :3].std(axis=0), rtol=0.03)
    for column in (3, 4):
        for code in np.unique(table[:, column]):
            assert (ours[:, column] == code).mean() == pytest.approx((theirs[:, column] == code).mean(), abs=0.02)


def test_interpolate_does_not_depend_on_portions_in_size_and_repeats_itself(table, monkeypatch):
    monkeypatch.setattr(many_categories, "ROWS_AT_ONCE", 7)
    first, again = (many_categories.interpolate(table, 3, 50, 5, check_random_state(3)) for _ in range(2))
    assert first.shape == (50, 5) and (first == again).all() and len(np.unique(first, axis=0)) == 50


def test_most_frequent_is_the_mode_and_breaks_ties_evenly():
    codes = np.array([[[7, 1], [7, 2], [3, 2]]])
    assert many_categories.most_frequent(codes, check_random_state(0)).tolist() == [[7, 2]]
    tied = np.tile(np.array([[[1], [1], [2], [2], [5]]]), (10_000, 1, 1))
    drawn = many_categories.most_frequent(tied, check_random_state(0))[:, 0]
    assert set(drawn) == {1, 2} and (drawn == 1).mean() == pytest.approx(0.5, abs=0.02)
