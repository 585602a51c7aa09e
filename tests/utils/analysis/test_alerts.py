"""Intervals of what the alerts of a threshold reach."""

import numpy as np
import pytest

from utils import analysis, metrics
from utils.config import Costs

RANKS = np.array([1, 2, 3, 5, 8, 40, 100, 300, 2_000, 9_000])
AMOUNTS = np.array([5.0, 100, 30, 0, 70, 20, 250, 10, 400, np.nan])
COSTS = Costs(fee=5.0, floor=10.0)


def test_alert_intervals_hold_what_the_threshold_reaches_on_the_set_itself():
    intervals = analysis.alert_intervals(RANKS, AMOUNTS, n_alerts=8, n_rows=10_000, costs=COSTS)
    _, cost = metrics.cost_curve(RANKS, AMOUNTS, fee=5.0, floor=10.0)
    reached = {"precision": 5 / 8, "recall": 5 / 10, "cost saved": 1 - cost[5] / cost[0]}
    for name, value in reached.items():
        low, high = intervals[name]
        assert low < value < high and high - low > 0.2
    assert intervals["recall"] == pytest.approx((0.2, 0.8))  # the quantiles of a binomial of 10 draws


def test_alert_intervals_are_narrow_where_there_are_many_positives():
    rng = np.random.default_rng(0)
    ranks = np.sort(rng.choice(np.arange(1, 100_001), 20_000, replace=False))
    n_caught = int((ranks <= 50_000).sum())
    intervals = analysis.alert_intervals(ranks, None, n_alerts=50_000, n_rows=100_000, costs=COSTS)
    recall, error = n_caught / 20_000, np.sqrt(0.25 / 20_000)
    assert intervals["recall"] == pytest.approx((recall - 1.96 * error, recall + 1.96 * error), abs=4e-4)


def test_alert_intervals_of_no_alert_are_none():
    assert analysis.alert_intervals(RANKS, AMOUNTS, n_alerts=0, n_rows=10_000, costs=COSTS) == {}


def test_alert_intervals_leave_draws_without_an_alert_out_of_the_precision():
    low, high = analysis.alert_intervals([1, 500], None, n_alerts=1, n_rows=1_000, costs=COSTS)["precision"]
    assert 0 < low <= high == 1
