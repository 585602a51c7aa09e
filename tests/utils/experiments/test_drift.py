"""Changes over time: on days with and without drift, against SciPy, and on the study's rows."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from utils.benchmark.run_task import days_covered
from utils.config import DatasetConfig
from utils.data import errors, loading, splits
from utils.data.features.calendar import SECONDS_PER_DAY
from utils.experiments import drift as drift_module

DAY = SECONDS_PER_DAY


def make_dataset(folder, frame: pd.DataFrame, **roles) -> loading.Dataset:
    path = folder / "rows.parquet"
    frame.to_parquet(path, index=False)
    return loading.load(DatasetConfig(path, **{"amount": None, **roles}))


def make_frame(n_days: int = 2, n_rows: int = 1500, **shifts: float) -> pd.DataFrame:
    """Rows of some days; a feature named in `shifts` is shifted by this amount on the last day."""
    rng = np.random.default_rng(0)
    time = np.sort(rng.choice(n_days * DAY, n_rows, replace=False)).astype(float)
    features = {name: rng.normal(size=n_rows) + shift * (time >= (n_days - 1) * DAY) for name, shift in shifts.items()}
    return pd.DataFrame({"Time": time, **features, "Class": (rng.random(n_rows) < 0.05).astype(int)})


@pytest.fixture(scope="module")
def shifted(tmp_path_factory):
    """Two days; 'moving' is a standard deviation higher on the second, 'still' is not."""
    return make_dataset(tmp_path_factory.mktemp("shifted"), make_frame(moving=1.0, still=0.0))


@pytest.fixture(scope="module")
def ulb():
    return loading.load()


def test_days_divide_the_rows_by_the_clock(shifted):
    days = drift_module.days(shifted)
    assert list(days) == ["day 1", "day 2"]
    np.testing.assert_array_equal(np.sort(np.concatenate(list(days.values()))), np.arange(len(shifted.frame)))
    times = shifted.frame["Time"].to_numpy()
    assert times[days["day 1"]].max() < DAY <= times[days["day 2"]].min()


@pytest.fixture(scope="module")
def slowing(tmp_path_factory):
    """80 rows within six hours, then 20 that end two days after the first row."""
    time = np.r_[np.linspace(0, DAY / 4, 80), np.linspace(DAY, 2 * DAY, 20)]
    frame = pd.DataFrame({"Time": time, "V1": np.arange(100.0), "Class": np.arange(100) % 2})
    return make_dataset(tmp_path_factory.mktemp("slowing"), frame)


def test_days_covered_follows_the_clock_whatever_the_share_of_the_rows(slowing):
    development, test = splits.split_off_test(slowing, 0.2)
    assert days_covered(slowing, development) == 0.25
    assert days_covered(slowing, test) == 1.0
    assert days_covered(slowing, np.arange(100)) == 2.0


def test_days_covered_by_some_rows_of_a_period_is_their_share_of_its_length(slowing):
    assert days_covered(slowing, np.r_[0, 79]) == pytest.approx(0.25 * 2 / 80, abs=1e-4)
    assert days_covered(slowing, np.r_[99, 80, 85, 90]) == pytest.approx(0.2)
    development, _ = splits.split_off_test(slowing, 0.2)
    folds = splits.folds(slowing, development, n_splits=5)
    assert sum(days_covered(slowing, fold.test) for fold in folds) == pytest.approx(0.25, rel=0.15)


def test_days_covered_is_zero_for_one_moment_and_none_without_a_clock(slowing):
    assert days_covered(slowing, np.array([7])) == 0
    timeless = replace(slowing, config=replace(slowing.config, time=None))
    assert days_covered(timeless, np.arange(100)) is None


def test_days_covered_of_the_study_add_up_to_two(ulb):
    development, test = splits.split_off_test(ulb)
    assert (days_covered(ulb, development), days_covered(ulb, test)) == (1.6809, 0.319)


def test_comparisons_are_of_the_first_day_with_the_last(tmp_path):
    dataset = make_dataset(tmp_path, make_frame(n_days=4, V1=0.0))
    pairs = drift_module.comparisons(dataset, 0.3)
    assert list(pairs) == ["day 1 to day 4", "development to test"]
    for positions, expected in zip(pairs["development to test"], splits.split_off_test(dataset, 0.3), strict=True):
        np.testing.assert_array_equal(positions, expected)


def test_comparisons_of_a_single_day_are_of_development_and_test(tmp_path):
    dataset = make_dataset(tmp_path, make_frame(n_days=1, V1=0.0))
    assert list(drift_module.comparisons(dataset)) == ["development to test"]


def test_seconds_and_days_covered_read_a_time_in_its_unit(tmp_path):
    frame = make_frame(n_days=3, still=0.0)
    dataset = make_dataset(tmp_path, frame.assign(Time=frame["Time"] / 3600), time_unit="hours")
    np.testing.assert_allclose(drift_module.seconds(dataset), frame["Time"])
    assert days_covered(dataset, np.arange(len(frame))) == pytest.approx(np.ptp(frame["Time"]) / DAY, abs=1e-4)


def test_seconds_needs_a_time_column_and_says_so(shifted):
    timeless = replace(shifted, config=replace(shifted.config, time=None))
    with pytest.raises(errors.DataError, match="has no time column, so change over time cannot be measured"):
        drift_module.comparisons(timeless)


def test_match_hours_gives_the_same_hours_and_only_rows_of_the_periods(shifted):
    first, second = drift_module.comparisons(shifted)["development to test"]
    ours, theirs = drift_module.match_hours(shifted, first, second)
    hours = drift_module.hours_of_day(shifted)
    np.testing.assert_array_equal(np.bincount(hours[ours]), np.bincount(hours[theirs]))
    assert set(ours) <= set(first) and set(theirs) <= set(second)
    assert len(np.unique(ours)) == len(ours)
    fewest = np.minimum(np.bincount(hours[first], minlength=24), np.bincount(hours[second], minlength=24))
    assert len(ours) == fewest.sum() > 0


def test_match_hours_repeats_with_its_seed(shifted):
    first, second = drift_module.days(shifted).values()
    matched, same, other = (drift_module.match_hours(shifted, first, second, seed=seed)[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(matched, same)
    assert not np.array_equal(matched, other)


def test_match_hours_refuses_periods_without_a_common_hour(tmp_path):
    frame = make_frame(n_days=1, V1=0.0)
    dataset = make_dataset(tmp_path, frame)
    hours = drift_module.hours_of_day(dataset)
    with pytest.raises(errors.DataError, match="no hour of the day in common"):
        drift_module.match_hours(dataset, np.flatnonzero(hours < 6), np.flatnonzero(hours > 18))


def test_positive_rates_count_labels_and_carry_wilsons_interval(tmp_path):
    labels = np.r_[np.repeat([1, 0], [10, 90]), np.repeat([1, 0], [1, 9])]
    time = np.r_[np.arange(100), DAY + np.arange(10)]
    frame = pd.DataFrame({"Time": time, "V1": np.arange(110.0), "Class": labels})
    dataset = make_dataset(tmp_path, frame)
    rates = drift_module.positive_rates(dataset, drift_module.days(dataset))
    assert rates[["rows", "positives"]].to_numpy().tolist() == [[100, 10], [10, 1]]
    assert rates.loc["day 1", ["rate", "low", "high"]].tolist() == pytest.approx([0.1, 0.0552, 0.1744], abs=1e-4)
    assert rates.index.name == "period"


def test_by_hour_counts_rows_and_covers_the_hours_of_the_clock(tmp_path):
    time = [1800, 3599, 3600, 7199, DAY, DAY + 1799]  # half past midnight to two, then the next day's first half hour
    frame = pd.DataFrame({"Time": time, "V1": np.arange(6.0), "Class": [0, 1, 0, 0, 1, 1]})
    dataset = make_dataset(tmp_path, frame)
    table = drift_module.by_hour(dataset, drift_module.days(dataset)).set_index(["period", "hour"])
    assert table["covered"].to_dict() == {("day 1", 0): 0.5, ("day 1", 1): 1.0, ("day 2", 0): 0.5}
    assert table[["rows", "positives"]].to_numpy().tolist() == [[2, 1], [2, 0], [2, 2]]
    assert table["rate"].tolist() == [0.5, 0, 1]
    (whole_period, _) = drift_module.by_hour(dataset, {"all": np.arange(6)}).itertuples()
    assert (whole_period.rows, whole_period.positives, whole_period.covered) == (4, 3, 1.0)


def test_by_hour_does_not_count_labels_of_an_unlabelled_period(tmp_path):
    time = np.arange(4.0) * 1800
    frame = pd.DataFrame({"Time": time, "V1": np.arange(4.0), "Class": [1, 0, 0, 1]})
    dataset = make_dataset(tmp_path, frame)
    periods = {"known": np.arange(2), "unknown": np.arange(2, 4)}
    table = drift_module.by_hour(dataset, periods, unlabelled=["unknown"]).set_index("period")
    assert table.loc["known", ["rows", "positives", "rate"]].tolist() == [2, 1, 0.5]
    assert table.loc["unknown", "rows"] == 2 and table.loc["unknown", "covered"] == pytest.approx(0.5, abs=0.01)
    assert table.loc["unknown", ["positives", "rate", "low", "high"]].isna().all()


def test_distances_are_scipys_and_those_of_the_definition():
    rng = np.random.default_rng(0)
    values = np.r_[rng.normal(size=700), rng.normal(0.4, 1, 500).round(1)]  # some ties
    is_second = np.array([np.arange(1200) >= 700, rng.permutation(1200) < 500])
    ks, psi = drift_module.distances(values, is_second)
    for number, second in enumerate(is_second):
        first, other = values[~second], values[second]
        assert ks[number] == pytest.approx(ks_2samp(first, other, method="asymp").statistic, abs=1e-12)
        edges = np.r_[-np.inf, np.quantile(values, np.linspace(0.1, 0.9, 9)), np.inf]
        p, q = (np.histogram(sample, np.nextafter(edges, np.inf))[0] + 0.5 for sample in (first, other))
        p, q = p / p.sum(), q / q.sum()
        assert psi[number] == pytest.approx(np.sum((p - q) * np.log(p / q)), abs=0.01)


def test_distances_match_a_hand_computation_of_the_stability_index():
    values = np.r_[np.zeros(60), np.ones(40), np.zeros(20), np.ones(80)]
    _, (psi,) = drift_module.distances(values, np.array([np.arange(200) >= 100]))
    assert psi == pytest.approx(0.4 * np.log(3) + 0.4 * np.log(2), abs=0.02)  # shares .6 and .4 become .2 and .8


@pytest.mark.parametrize("values", [np.zeros(10), np.r_[np.zeros(9), 1]])
def test_distances_are_finite_for_a_feature_that_hardly_varies(values):
    ks, psi = drift_module.distances(values, np.array([np.arange(10) >= 5]))
    assert np.isfinite([*ks, *psi]).all()
    assert ks[0] == pytest.approx(0.2 * values.any()) and (psi[0] == 0) == (not values.any())


def test_feature_drift_is_beyond_chance_for_the_feature_that_moves_only(shifted):
    drift = drift_module.feature_drift(shifted, {"days": tuple(drift_module.days(shifted).values())})
    assert drift["hours"].tolist() == ["all hours"] * 2 + ["same hours"] * 2
    for _, rows in drift.groupby("hours"):
        table = rows.set_index("feature")
        assert table.loc["moving", "ks"] == pytest.approx(0.383, abs=0.08)  # two normals a standard deviation apart
        assert table.loc["moving", "ks"] > 3 * table.loc["moving", "ks_chance"]
        assert table.loc["moving", "psi"] > 5 * table.loc["moving", "psi_chance"]
        assert table.loc["still", "ks"] <= table.loc["still", "ks_chance"]


def test_feature_drift_of_the_clock_disappears_when_hours_are_matched(tmp_path):
    frame = make_frame(n_rows=4000, V1=0.0)
    frame["V1"] += 3 * (frame["Time"] % DAY >= 17 * 3600)  # evenings differ, on both days alike
    dataset = make_dataset(tmp_path, frame)
    pair = drift_module.comparisons(dataset)["development to test"]  # the second afternoon and evening
    before, after = drift_module.feature_drift(dataset, {"pair": pair}).itertuples()
    assert before.ks > 0.3 > 3 * after.ks
    apart, matched = drift_module.separability(dataset, {"pair": pair}).itertuples()
    assert apart.roc_auc > 0.7
    assert matched.roc_auc == pytest.approx(0.5, abs=0.08)
    assert matched.rows < apart.rows == len(frame)


def test_tell_apart_distinguishes_days_only_if_they_differ(shifted, tmp_path):
    moved = drift_module.tell_apart(shifted, *drift_module.days(shifted).values())
    same = make_dataset(tmp_path, make_frame(moving=0.0, still=0.0))
    still = drift_module.tell_apart(same, *drift_module.days(same).values())
    assert 0.65 < moved < 0.76 + 0.05  # the optimum for two normals a standard deviation apart is 0.76
    assert still == pytest.approx(0.5, abs=0.06)


def test_tell_apart_recognises_no_period_by_copies_of_rows(tmp_path):
    rng = np.random.default_rng(0)
    distinct = rng.normal(size=(300, 2))
    rows = np.repeat(distinct, 5, axis=0)  # five copies of each, at five times of one day
    time = np.r_[rng.choice(DAY, 750, replace=False), DAY + rng.choice(DAY, 750, replace=False)]
    frame = pd.DataFrame(rows, columns=["V1", "V2"]).assign(Time=time, Class=np.repeat(np.arange(300) % 2, 5))
    dataset = make_dataset(tmp_path, frame)
    assert drift_module.tell_apart(dataset, *drift_module.days(dataset).values()) == pytest.approx(0.5, abs=0.1)


def test_tell_apart_takes_every_row_of_an_entity(tmp_path):
    """Rows of one entity are no copies of each other; were each to count once, the first of many would stand out."""
    frame = make_frame(x=0.0).assign(who=lambda rows: np.arange(len(rows)) % 9)
    frame.loc[frame["Time"] < DAY, "x"] += 10 * (np.arange((frame["Time"] < DAY).sum()) < 9)  # first rows of each
    dataset = make_dataset(tmp_path, frame, group="who", numeric=("x",))
    assert drift_module.tell_apart(dataset, *drift_module.days(dataset).values()) == pytest.approx(0.5, abs=0.06)


def test_timeless_has_nothing_of_the_clock_or_the_label(ulb):
    names = list(drift_module.timeless(ulb))
    assert names == [*(f"V{number}" for number in range(1, 29)), "Amount"]


def test_hourly_medians_follow_the_hours_in_standard_deviations(tmp_path):
    time = np.repeat([0.0, 3600.0, 10800.0], 4) + np.tile(np.arange(4), 3)
    values = np.repeat([-1.0, 0.0, 1.0], 4)
    frame = pd.DataFrame({"Time": time, "V1": values, "flat": 1.0, "Class": np.arange(12) % 2})
    medians = drift_module.hourly_medians(make_dataset(tmp_path, frame), ["V1", "flat"])
    assert medians.index.tolist() == [0, 1, 3]
    assert medians["V1"].tolist() == pytest.approx([-1 / values.std(ddof=1), 0, 1 / values.std(ddof=1)])
    assert medians["flat"].tolist() == [0, 0, 0]


def test_by_hour_shows_that_the_second_day_of_the_study_differs_at_every_hour(ulb):
    rates = drift_module.positive_rates(ulb, drift_module.days(ulb))
    assert rates["positives"].sum() == ulb.y.sum() and rates["rows"].sum() == len(ulb.frame)
    medians = drift_module.hourly_medians(ulb, ["V3"])["V3"]
    assert medians[:24].min() > medians[24:].max()  # V3 falls at midnight, which the hour of the day does not explain
    table = drift_module.by_hour(ulb, {"all": np.arange(len(ulb.frame))})
    assert table["rows"].sum() == len(ulb.frame) and len(table) == 24
    assert table["covered"].sum() == pytest.approx(172_793 / 3600)


def test_days_become_ten_periods_of_a_long_time_that_need_not_begin_at_zero(tmp_path):
    frame = make_frame(n_days=95, x=0.0)
    dataset = make_dataset(tmp_path, frame.assign(Time=frame["Time"] + 1000 * DAY + 100))
    assert drift_module.seconds(dataset).min() < DAY
    periods = drift_module.days(dataset)
    assert list(periods) == [f"period {number}" for number in range(1, 11)]
    np.testing.assert_array_equal(np.concatenate(list(periods.values())), np.arange(len(frame)))
    assert len(drift_module.hourly_medians(dataset, ["x"])) <= drift_module.MAX_STEPS


def test_feature_drift_leaves_out_same_hours_if_there_are_none(tmp_path):
    time = np.r_[np.linspace(0, 3 * 3600, 160), np.linspace(10 * 3600, 12 * 3600, 40)]
    frame = pd.DataFrame({"Time": time, "x": np.arange(200.0), "Class": np.arange(200) % 2})
    dataset = make_dataset(tmp_path, frame)
    moves = drift_module.feature_drift(dataset, drift_module.comparisons(dataset), n_divisions=1)
    assert moves[["comparison", "hours", "ks"]].to_numpy().tolist() == [["development to test", "all hours", 1.0]]


def test_feature_drift_knows_categories_and_gaps(tmp_path):
    frame = make_frame(x=0.0).assign(shop=lambda rows: np.where(rows["Time"] < DAY, "old", "new"), empty=np.nan)
    frame.loc[::3, "x"] = np.nan
    frame["gone"] = frame["x"].where(frame["Time"] < DAY)
    roles = {"numeric": ("x", "empty", "gone"), "categorical": ("shop",)}
    dataset = make_dataset(tmp_path, frame, **roles)
    pairs = {"day 1 to day 2": tuple(drift_module.days(dataset).values())}
    moves = drift_module.feature_drift(dataset, pairs, n_divisions=1).set_index(["feature", "hours"])["ks"]
    assert moves["shop", "all hours"] == 1 and moves["x", "all hours"] < 0.15
    assert not {"empty", "gone", "Time", "hour_sin"} & set(moves.index.get_level_values("feature"))
    assert drift_module.separability(dataset, pairs)["roc_auc"].min() > 0.99


def test_starts_are_left_out_without_a_time_column(tmp_path, shifted):
    frame = make_frame(x=0.0).drop(columns="Time")
    assert drift_module.starts(make_dataset(tmp_path, frame, time=None), {"all": np.arange(9)}) == {}
    assert drift_module.starts(shifted, {"all": np.arange(9)}) == {
        "from second": {"all": int(shifted.frame["Time"].iloc[0])}
    }


@pytest.mark.parametrize(("last", "unit"), [(10 * DAY - 1, "second"), (10 * DAY, "day")])
def test_starts_are_in_days_where_days_are_joined(tmp_path, last, unit):
    frame = make_frame(x=0.0)
    frame.loc[frame.index[-1], "Time"] = last
    dataset = make_dataset(tmp_path, frame)
    assert list(drift_module.starts(dataset, {"all": np.arange(9)})) == [f"from {unit}"]
    assert next(reversed(drift_module.days(dataset))).startswith("period" if unit == "day" else "day")


def test_dates_without_hours_have_no_hours_and_are_counted_in_days(tmp_path, shifted):
    dates = make_frame(n_days=40, moving=0.0).assign(Time=lambda frame: frame["Time"] // DAY * DAY)
    dataset = make_dataset(tmp_path, dates)
    assert drift_module.has_hours(shifted) and not drift_module.has_hours(dataset)
    rows = {"first": np.arange(9), "last": np.arange(1400, 1500)}
    assert drift_module.starts(dataset, rows) == {
        "from day": {"first": 0, "last": int(dataset.frame["Time"].iloc[1400] // DAY)}
    }
    moves = drift_module.feature_drift(dataset, drift_module.comparisons(dataset), n_divisions=2)
    assert set(moves["hours"]) == {"all hours"}
