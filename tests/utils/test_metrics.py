"""Metrics from the ranks of the positives: against scikit-learn, by brute force, and with known answers."""

from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from utils import metrics

RANKS = np.array([1, 3, 4, 10])  # of 20 rows: precision 1, 2/3, 3/4, 4/10


@pytest.fixture(params=range(4))
def scored(request):
    """Labels and scores without ties; the scores are informative."""
    rng = np.random.default_rng(request.param)
    y_true = rng.permutation(np.arange(500) < (5, 20, 100, 450)[request.param]).astype(int)
    return y_true, rng.normal(size=500) + y_true


def test_average_precision_is_that_of_scikit_learn(scored):
    ranks, _ = metrics.ranks_of_positives(*scored)
    assert metrics.average_precision(ranks) == pytest.approx(average_precision_score(*scored), abs=1e-12)


def test_roc_auc_is_that_of_scikit_learn(scored):
    ranks, _ = metrics.ranks_of_positives(*scored)
    assert metrics.roc_auc(ranks, len(scored[0])) == pytest.approx(roc_auc_score(*scored), abs=1e-12)


def test_ranks_of_positives_say_where_their_rows_are(scored):
    y_true, y_score = scored
    ranks, positions = metrics.ranks_of_positives(y_true, y_score)
    assert sorted(positions) == list(np.flatnonzero(y_true))
    assert list(ranks) == [1 + np.count_nonzero(y_score > score) for score in y_score[positions]]
    assert (np.diff(ranks) > 0).all()


def test_ranks_of_positives_break_ties_against_the_model():
    ranks, positions = metrics.ranks_of_positives([1, 0, 1, 0, 0], [0.5, 0.5, 0.9, 0.5, 0.1])
    assert list(ranks) == [1, 4]
    assert list(positions) == [2, 0]


def test_ranks_of_positives_are_last_for_constant_scores():
    ranks, _ = metrics.ranks_of_positives([1, 0, 0, 1, 0, 0, 0, 0], np.zeros(8))
    assert list(ranks) == [7, 8]
    assert metrics.roc_auc(ranks, 8) == 0


def test_average_precision_of_a_perfect_ranking_is_one():
    ranks, _ = metrics.ranks_of_positives([0, 1, 0, 1], [0.1, 0.9, 0.2, 0.8])
    assert metrics.average_precision(ranks) == metrics.roc_auc(ranks, 4) == 1
    assert metrics.trapezoid_area(ranks) == 1


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, bool, "Float64"])
def test_ranks_of_positives_rank_scores_of_any_type_from_the_highest(dtype):
    ranks, _ = metrics.ranks_of_positives([0, 1, 0], pd.Series([0, 1, 0], dtype=dtype))
    assert list(ranks) == [1]
    assert metrics.tie_neutral_average_precision([0, 1, 0], pd.Series([0, 1, 0], dtype=dtype)) == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_ranks_of_positives_refuse_scores_that_are_not_finite(bad):
    with pytest.raises(ValueError, match="2 scores are not finite"):
        metrics.ranks_of_positives([1, 0, 0], [0.3, bad, bad])


def test_ranks_of_positives_refuse_labels_without_a_positive():
    with pytest.raises(ValueError, match="no positive"):
        metrics.ranks_of_positives([0, 0], [0.3, 0.4])


@pytest.mark.parametrize("labels", [[1, np.nan, 0], pd.array([1, None, 0], dtype="Int64")])
def test_ranks_of_positives_refuse_missing_labels(labels):
    for score in (metrics.ranks_of_positives, metrics.tie_neutral_average_precision):
        with pytest.raises(ValueError, match="1 labels are missing"):
            score(labels, [0.3, 0.2, 0.1])


def test_ranks_of_positives_refuse_labels_and_scores_that_do_not_match():
    for score in (metrics.ranks_of_positives, metrics.tie_neutral_average_precision):
        with pytest.raises(ValueError, match="2 labels for 3 scores"):
            score([1, 0], [0.3, 0.2, 0.1])


# Ties


@pytest.mark.parametrize("seed", range(30))
def test_tie_neutral_average_precision_is_the_mean_over_all_orders_of_tied_rows(seed):
    rng = np.random.default_rng(seed)
    n_rows = int(rng.integers(2, 7))
    y_true = rng.permutation(np.arange(n_rows) < rng.integers(1, n_rows + 1)).astype(int)
    y_score = rng.integers(0, 3, n_rows) / 2
    scores = []
    for order in map(list, permutations(range(n_rows))):
        ranked = y_true[order][np.argsort(-y_score[order], kind="stable")]
        scores.append(metrics.average_precision(np.flatnonzero(ranked) + 1))
    assert metrics.tie_neutral_average_precision(y_true, y_score) == pytest.approx(np.mean(scores), abs=1e-12)


def test_tie_neutral_average_precision_without_ties_is_the_average_precision(scored):
    ranks, _ = metrics.ranks_of_positives(*scored)
    assert metrics.tie_neutral_average_precision(*scored) == metrics.average_precision(ranks)


def test_tie_neutral_average_precision_of_a_constant_score_is_that_of_random_rankings():
    y_true = np.random.default_rng(0).permutation(np.arange(10_000) < 200)
    ranks, _ = metrics.ranks_of_positives(y_true, np.full(10_000, 0.3))
    assert metrics.average_precision(ranks) == pytest.approx(0.01, abs=1e-3)
    neutral = metrics.tie_neutral_average_precision(y_true, np.full(10_000, 0.3))
    draws = [
        metrics.average_precision(np.flatnonzero(np.random.default_rng(i).permutation(y_true)) + 1) for i in range(300)
    ]
    assert neutral == pytest.approx(np.mean(draws), abs=4 * np.std(draws) / np.sqrt(300))


def test_tie_neutral_average_precision_of_large_groups_is_that_of_random_orders():
    rng = np.random.default_rng(0)
    y_true = rng.permutation(np.arange(60_000) < 100)
    y_score = np.round(rng.normal(size=60_000) + 2 * y_true)  # about ten values, as in a table of categories
    draws = [
        metrics.average_precision(metrics.ranks_of_positives(y_true, y_score + 0.1 * rng.random(60_000))[0])
        for _ in range(200)
    ]
    neutral = metrics.tie_neutral_average_precision(y_true, y_score)
    assert neutral == pytest.approx(np.mean(draws), abs=4 * np.std(draws) / np.sqrt(200))
    assert neutral > 1.2 * metrics.average_precision(metrics.ranks_of_positives(y_true, y_score)[0])


def test_tie_neutral_average_precision_does_not_depend_on_the_order_of_rows():
    rng = np.random.default_rng(0)
    y_true, y_score = np.arange(300) < 30, rng.integers(0, 5, 300)
    order = rng.permutation(300)
    before, after = (
        metrics.tie_neutral_average_precision(y_true[rows], y_score[rows]) for rows in (slice(None), order)
    )
    assert before == pytest.approx(after, abs=1e-14)


def test_tie_neutral_average_precision_ties_zero_and_minus_zero():
    assert metrics.tie_neutral_average_precision([1, 0], [0.0, -0.0]) == 0.75


def test_tie_neutral_average_precision_needs_finite_scores_and_a_positive():
    with pytest.raises(ValueError, match="1 scores are not finite"):
        metrics.tie_neutral_average_precision([1, 0], [np.nan, 0])
    with pytest.raises(ValueError, match="no positive"):
        metrics.tie_neutral_average_precision([0, 0], [1, 0])


def test_trapezoid_area_joins_the_points_of_the_curve():
    precision, recall = metrics.precision_recall(RANKS)
    np.testing.assert_allclose(precision, [1, 2 / 3, 3 / 4, 4 / 10])
    np.testing.assert_allclose(recall, [1 / 4, 2 / 4, 3 / 4, 1])
    by_hand = 0.25 * (1 + (1 + 2 / 3) / 2 + (2 / 3 + 3 / 4) / 2 + (3 / 4 + 4 / 10) / 2)
    assert metrics.trapezoid_area(RANKS) == pytest.approx(by_hand)
    assert metrics.trapezoid_area(RANKS) > metrics.average_precision(RANKS)


def test_precision_at_and_recall_at_a_number_of_alerts():
    assert metrics.precision_at(RANKS, 4, 20) == 3 / 4
    assert metrics.recall_at(RANKS, 4, 20) == 3 / 4
    assert metrics.precision_at(RANKS, 9.6, 20) == 4 / 10
    assert metrics.recall_at(RANKS, 9.4, 20) == 3 / 4
    assert metrics.precision_at(RANKS, 0.2, 20) == metrics.precision_at(RANKS, 1, 20) == 1


@pytest.mark.parametrize("n_alerts", [20, 20.6, 1000])
def test_precision_at_takes_no_more_alerts_than_rows(n_alerts):
    assert metrics.precision_at(RANKS, n_alerts, 20) == 4 / 20
    assert metrics.recall_at(RANKS, n_alerts, 20) == 1


@pytest.mark.parametrize("n_alerts", [0, -3, np.nan, np.inf])
def test_precision_at_refuses_a_number_of_alerts_that_is_not_positive(n_alerts):
    for share in (metrics.precision_at, metrics.recall_at):
        with pytest.raises(ValueError, match=f"number of alerts is {n_alerts}"):
            share(RANKS, n_alerts, 20)


def test_roc_auc_needs_a_negative():
    with pytest.raises(ValueError, match="2 of 2 rows are positive"):
        metrics.roc_auc([1, 2], 2)


@pytest.mark.parametrize(("minimum", "expected"), [(1.0, 1 / 4), (0.7, 3 / 4), (0.76, 1 / 4), (0.4, 1), (0.41, 3 / 4)])
def test_recall_at_precision_looks_past_a_dip(minimum, expected):
    assert metrics.recall_at_precision(RANKS, minimum) == expected


def test_recall_at_precision_is_zero_if_it_is_never_reached():
    assert metrics.recall_at_precision([2, 4, 6], 0.9) == 0


def test_average_precision_at_the_current_prevalence_changes_nothing(scored):
    ranks, _ = metrics.ranks_of_positives(*scored)
    prevalence = scored[0].mean()
    assert metrics.average_precision_at(ranks, 500, prevalence) == pytest.approx(metrics.average_precision(ranks))


def test_average_precision_at_another_prevalence_is_that_of_thinned_negatives():
    rng = np.random.default_rng(0)
    y_true = np.arange(20_200) < 200
    y_score = rng.normal(size=len(y_true)) + 1.5 * y_true
    ranks, _ = metrics.ranks_of_positives(y_true, y_score)
    thinned = []
    for _ in range(100):
        positions = np.r_[:200, rng.choice(np.arange(200, len(y_true)), 1800, replace=False)]
        thinned.append(metrics.average_precision(metrics.ranks_of_positives(y_true[positions], y_score[positions])[0]))
    expected = metrics.average_precision_at(ranks, len(y_true), 0.1)
    assert expected == pytest.approx(np.mean(thinned), abs=0.01)
    assert expected > metrics.average_precision(ranks) + 0.2


def test_feature_auc_is_that_of_scikit_learn_in_the_better_direction():
    rng = np.random.default_rng(0)
    y = (rng.random(300) < 0.2).astype(int)
    X = pd.DataFrame(
        {"up": rng.normal(size=300) + y, "down": rng.normal(size=300) - y, "ties": rng.integers(0, 3, 300)}
    )
    auc = metrics.feature_auc(X, y)
    assert auc["up"] == pytest.approx(roc_auc_score(y, X["up"]))
    assert auc["down"] == pytest.approx(roc_auc_score(y, -X["down"]))
    assert auc["ties"] == pytest.approx(max(roc_auc_score(y, X["ties"]), roc_auc_score(y, -X["ties"])))
    assert auc.min() >= 0.5


def test_cost_curve_is_what_adding_up_gives():
    amounts = np.array([100.0, 0.0, 3.0, 50.0])
    n_alerts, cost = metrics.cost_curve(RANKS, amounts, fee=5, floor=10)
    losses = np.array([100.0, 10.0, 10.0, 50.0])
    assert list(n_alerts) == [0, 1, 3, 4, 10]
    assert list(cost) == [5 * n + losses[n < RANKS].sum() for n in n_alerts]


def test_cost_curve_has_the_lowest_cost_of_any_number_of_alerts():
    rng = np.random.default_rng(0)
    ranks, amounts = np.sort(rng.choice(np.arange(1, 300), 20, replace=False)), rng.exponential(100, 20)
    every = [5 * n + np.maximum(amounts, 10)[ranks > n].sum() for n in range(301)]
    assert metrics.cost_curve(ranks, amounts)[1].min() == pytest.approx(min(every))


def test_brier_score_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    y_true, y_prob = (rng.random(100) < 0.3).astype(int), rng.random(100)
    assert metrics.brier_score(y_true, y_prob) == pytest.approx(brier_score_loss(y_true, y_prob))


def test_reliability_puts_every_row_into_its_bin_of_log_probability():
    y_prob = np.r_[np.full(90, 1e-7), np.full(8, 0.2), 0.8, 1.0]
    y_true = np.r_[np.zeros(90), np.repeat([0, 1], 4), 1, 1]
    table = metrics.reliability(y_true, y_prob)
    assert table.rows == [90, 0, 0, 0, 0, 0, 0, 0, 8, 2]
    assert table.positives == [0, 0, 0, 0, 0, 0, 0, 0, 4, 2]
    assert table.mean[0] == 1e-7 and table.mean[-2:] == [0.2, 0.9]


def test_reliability_loses_no_row():
    rng = np.random.default_rng(0)
    y_prob = np.r_[0.0, 1.0, 10.0 ** rng.uniform(-9, 0, 998)]
    y_true = rng.random(1000) < y_prob
    table = metrics.reliability(y_true, y_prob)
    assert sum(table.rows) == 1000
    assert sum(table.positives) == y_true.sum()
    assert np.dot(table.rows, table.mean) == pytest.approx(y_prob.sum(), abs=1e-4)


def test_calibration_error_is_the_mean_gap():
    assert metrics.calibration_error(metrics.Reliability([90, 10], [0.01, 0.5], [0, 8])) == pytest.approx(
        (90 * 0.01 + 10 * 0.3) / 100
    )


def test_calibration_error_of_calibrated_probabilities_is_small():
    rng = np.random.default_rng(0)
    y_prob = 10.0 ** rng.uniform(-4, 0, 50_000)
    y_true = rng.random(50_000) < y_prob
    honest = metrics.calibration_error(metrics.reliability(y_true, y_prob))
    assert honest < 0.005
    assert metrics.calibration_error(metrics.reliability(y_true, y_prob / 2)) > 10 * honest


@pytest.mark.parametrize(("n_rows", "n_positives"), [(6, 2), (7, 5), (5, 1), (9, 9), (1, 1)])
def test_random_average_precision_and_interval_are_those_of_all_rankings(n_rows, n_positives):
    ranks = combinations(range(1, n_rows + 1), n_positives)
    scores = np.sort([metrics.average_precision(chosen) for chosen in ranks])
    assert metrics.random_average_precision(n_rows, n_positives) == pytest.approx(scores.mean(), abs=1e-12)
    low, high = metrics.random_ranking_interval(n_rows, n_positives, level=0.8)
    assert np.mean(scores < low - 1e-12) <= 0.1 < np.mean(scores <= low + 1e-12)
    assert np.mean(scores > high + 1e-12) <= 0.1 < np.mean(scores >= high - 1e-12)


def test_random_average_precision_is_twice_the_prevalence_for_few_positives():
    # By hand: (3 / 99) + (1 - 3 / 99) * (1 + 1/2 + ... + 1/100) / 100.
    harmonic = sum(1 / rank for rank in range(1, 101))
    assert metrics.random_average_precision(100, 4) == pytest.approx(3 / 99 + (1 - 3 / 99) * harmonic / 100, abs=1e-12)
    assert metrics.random_average_precision(100, 4) == pytest.approx(0.0806, abs=1e-4)
    low, high = metrics.random_ranking_interval(100, 4)
    assert (low, high) == pytest.approx((0.0306, 0.2993), abs=1e-4)  # of all 3,921,225 rankings


def test_random_average_precision_is_about_the_prevalence_for_many_positives():
    low, high = metrics.random_ranking_interval(2000, 100, n_draws=500)
    assert low < 100 / 2000 < high < 0.1
    assert 100 / 2000 < metrics.random_average_precision(2000, 100) < 1.1 * 100 / 2000


@pytest.mark.parametrize(("n_rows", "n_positives"), [(10, 0), (10, 11), (0, 0)])
def test_random_average_precision_needs_a_positive(n_rows, n_positives):
    for chance in (metrics.random_average_precision, metrics.random_ranking_interval):
        with pytest.raises(ValueError, match=f"{n_positives} of {n_rows} rows cannot be positive"):
            chance(n_rows, n_positives)


def test_random_ranking_interval_covers_what_it_says():
    rng = np.random.default_rng(99)
    low, high = metrics.random_ranking_interval(1000, 50, level=0.8)
    scores = [metrics.average_precision(np.sort(rng.choice(1000, 50, replace=False)) + 1) for _ in range(1000)]
    assert np.mean((low <= np.array(scores)) & (np.array(scores) <= high)) == pytest.approx(0.8, abs=0.05)


def test_random_ranking_interval_repeats_with_its_seed():
    first, second, third = (metrics.random_ranking_interval(500, 20, n_draws=50, seed=seed) for seed in (0, 0, 1))
    assert first == second != third


def test_feature_auc_takes_a_gap_for_a_value_and_scores_a_category_by_other_rows():
    rng = np.random.default_rng(0)
    y = (rng.random(2000) < 0.2).astype(int)
    X = pd.DataFrame({"number": y + rng.normal(size=2000), "empty": np.nan})
    X["kind"] = pd.Categorical(np.where(y == 1, "a", "b")).set_categories(["b", "a"])
    X["unique"] = pd.Categorical(np.arange(2000).astype(str))
    known = rng.random(2000) < 0.7
    X.loc[~known, "number"] = np.nan
    auc = metrics.feature_auc(X, y)
    by_end = [roc_auc_score(y, X["number"].fillna(end)) for end in (-1e9, 1e9)]
    assert auc["number"] == pytest.approx(max(by_end)) and 0.6 < auc["number"] < 0.7
    assert (auc["kind"], auc["empty"]) == (1, 0.5)
    assert auc["unique"] == pytest.approx(0.5, abs=0.05)  # its own label would give the class away


@pytest.mark.parametrize("shown", [0, 1])
def test_feature_auc_of_a_number_that_one_class_alone_has_is_perfect(shown):
    rng = np.random.default_rng(0)
    y = (np.arange(1200) < 105).astype(int)
    X = pd.DataFrame({"recovered": np.where(y == shown, rng.normal(size=1200), np.nan)})
    X["half"] = X["recovered"].where((y == shown) & (np.arange(1200) % 2 == 0))
    X["few"] = np.where(np.arange(1200) % 240 == 1, y, np.nan)  # 5 known values, which order the classes without error
    auc = metrics.feature_auc(X, y)
    assert (auc["recovered"], auc["half"]) == (1, pytest.approx(0.75, abs=0.01))
    assert auc["few"] < 0.51
    assert list(metrics.feature_auc(X, np.zeros(1200))) == [0.5] * 3


def test_as_numbers_orders_categories_by_frequency():
    X = pd.DataFrame({"kind": pd.Categorical(["b", "a", None, "b"]), "number": [1.0, 2.0, np.nan, 4.0]})
    np.testing.assert_array_equal(metrics.as_numbers(X), [[0, 1], [1, 2], [np.nan, np.nan], [0, 4]])


def test_mean_correlation_is_of_pairs_of_numbers_that_vary():
    X = pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [4.0, 3, 2, 1], "c": [1.0, -1, -1, 1], "constant": 1.0})
    X["kind"] = pd.Categorical(list("abab"))
    assert metrics.mean_correlation(X) == pytest.approx(1 / 3)
    assert np.isnan(metrics.mean_correlation(X[["a", "kind"]]))
