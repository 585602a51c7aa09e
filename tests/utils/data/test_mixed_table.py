"""Mixed tables: values by kind, labels of any spelling, calendar features, groups, and the random test set."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from utils.benchmark.records import to_json
from utils.config import DatasetConfig
from utils.data.errors import DataError
from utils.data.features import build_features, calendar
from utils.data.loading import load
from utils.data.mixed_table import as_labels
from utils.data.splits import folds, split_off_test

ROLES = {"label": "bad", "positive": "yes", "time": "when", "amount": "sum", "group": "customer"}
KINDS = {"numeric": ["points"], "categorical": ["shop"], "dates": ["when", "opened"]}
N_ROWS = 200


def raw_table(seed=0):
    rng = np.random.default_rng(seed)
    when = pd.Timestamp("2024-02-01") + pd.to_timedelta(rng.integers(0, 28 * 86_400, N_ROWS), unit="s")
    opened = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, N_ROWS), unit="D")
    return pd.DataFrame(
        {
            "when": when.strftime("%Y-%m-%d %H:%M:%S"),
            "customer": [f"c{number}" for number in rng.integers(0, 60, N_ROWS)],
            "sum": np.where(rng.random(N_ROWS) < 0.1, None, rng.integers(1, 500, N_ROWS)),
            "points": rng.integers(0, 9, N_ROWS),
            "shop": np.where(rng.random(N_ROWS) < 0.1, None, rng.choice(["a", "b", "c"], N_ROWS)),
            "opened": opened.strftime("%d/%m/%Y"),
            "bad": np.where(rng.random(N_ROWS) < 0.25, "yes", "no"),
        }
    )


@pytest.fixture
def write(tmp_path):
    def write(table, **changes):
        path = tmp_path / "claims.csv"
        table.to_csv(path, index=False)
        return DatasetConfig(path, **{**ROLES, **KINDS, **changes})

    return write


def test_load_gives_columns_of_a_mixed_table_the_types_of_their_kinds(write):
    dataset = load(write(raw_table()))
    types = dataset.frame.dtypes.astype(str).to_dict()
    assert types == {
        "bad": "int64",
        "when": "float64",
        "customer": "category",
        "sum": "float64",
        "points": "float64",
        "shop": "category",
        "opened": "datetime64[ns]",
    }
    expected = raw_table().sort_values("when", kind="stable")
    assert dataset.y.tolist() == (expected["bad"] == "yes").astype(int).tolist()
    assert dataset.frame["shop"].isna().tolist() == expected["shop"].isna().tolist()
    np.testing.assert_array_equal(dataset.amounts, expected["sum"].astype(float))


def test_load_gives_the_same_table_from_the_parquet_copy(write):
    config = write(raw_table())
    first, again = load(config), load(config)
    pd.testing.assert_frame_equal(first.frame, again.frame)
    other = load(replace(config, positive=("no",)) if first.y.mean() > 0.5 else config)
    assert other.y.sum() == first.y.sum()


def test_load_reads_a_mixed_table_again_for_other_kinds(write):
    config = write(raw_table())
    load(config)
    points_as_category = replace(config, numeric=(), categorical=("shop", "points"))
    assert load(points_as_category).X["points"].cat.categories.tolist() == [str(number) for number in range(9)]


def test_load_reads_a_table_whose_only_feature_is_the_amount(write):
    lists = dict.fromkeys(KINDS, ())
    dataset = load(write(raw_table(), group=None, time=None, **{**lists, "numeric": ["sum"]}))
    assert next(iter(dataset.X)) == "sum" and dataset.X["sum"].isna().any() and 0 < dataset.y.mean() < 0.5
    with pytest.raises(DataError, match="lists no features; add columns to `numeric`, `categorical` or `dates`"):
        load(write(raw_table(), group=None, time=None, **lists))  # not a study of the amount alone


def test_build_features_never_has_the_absolute_time_label_or_group(write):
    dataset = load(write(raw_table()))
    assert dataset.X.columns.tolist() == [
        *("points", "sum", "shop"),
        *("hour_sin", "hour_cos", "weekday_sin", "weekday_cos"),
        *("opened_days_before", "opened_weekday_sin", "opened_weekday_cos"),
    ]


def test_features_of_the_hour_are_left_out_where_dates_have_no_time_of_day(write):
    table = raw_table()
    dataset = load(write(table.assign(when=table["when"].str[:10])))
    assert [name for name in dataset.X if name.startswith(("hour", "weekday"))] == ["weekday_sin", "weekday_cos"]
    assert not calendar.has_clock(np.array([0.0, 86_400, 172_800])) and calendar.has_clock(np.array([0.0, 86_401]))


@pytest.mark.parametrize(
    ("unit", "seconds"), [("seconds", 1), ("hours", 3600), ("milliseconds", 0.001), ("days", 86_400)]
)
def test_build_features_reads_a_time_in_its_unit(write, unit, seconds):
    times = np.arange(N_ROWS) * 5000.0
    config = write(raw_table().assign(when=times / seconds), dates=["opened"], time_unit=unit)
    dataset = load(config)
    np.testing.assert_allclose(dataset.X["hour_sin"], np.sin(2 * np.pi * times / 86_400), atol=1e-9)
    assert ("time_unit" in to_json(config.roles)) == (unit != "seconds")  # keys of the ledger stay as they were


def test_build_features_of_raw_rows_equal_those_of_the_loaded_table(write):
    """A row that is scored alone, as text, has the features that it had in training."""
    table = raw_table().sort_values("when", kind="stable", ignore_index=True)
    config = write(table)
    dataset = load(config)
    for row in (0, 7):
        alone = build_features(table.iloc[[row]].drop(columns="bad"), config)
        pd.testing.assert_frame_equal(
            alone.astype({"shop": object}), dataset.X.iloc[[row]].astype({"shop": object}), check_index_type=False
        )


@pytest.mark.parametrize(
    ("text", "hour", "weekday"),
    [("2024-02-05 06:00:00", 6, 0), ("2024-02-11 18:00:00", 18, 6), ("1969-12-31 00:00:00", 0, 2)],
)
def test_time_feature_is_the_hour_and_the_weekday_on_their_circles(text, hour, weekday):
    seconds = calendar.to_seconds(pd.Series([text]))
    for name, value, period in (("hour", hour, 24), ("weekday", weekday, 7)):
        angle = 2 * np.pi * value / period
        expected = [np.sin(angle), np.cos(angle)]
        actual = [calendar.time_feature(seconds, f"{name}_{end}")[0] for end in ("sin", "cos")]
        np.testing.assert_allclose(actual, expected, atol=1e-9)


def test_date_feature_is_the_distance_to_the_row_or_the_year():
    seconds = calendar.to_seconds(pd.Series(["2023-12-31", "2024-01-01", None]))
    row = calendar.to_seconds(pd.Series(["2024-01-02 12:00"] * 3))
    np.testing.assert_allclose(calendar.date_feature(seconds, "opened_days_before", row), [2.5, 1.5, np.nan])
    np.testing.assert_allclose(calendar.date_feature(seconds, "opened_year", None), [2023, 2024, np.nan])


@pytest.mark.parametrize(
    ("values", "positive"),
    [
        (["yes", "no", "YES "], ("yes",)),
        (["a", "A", "a"], ("a",)),
        ([1, -1, 1], ("1",)),
        ([True, False, True], ("true",)),
        ([1.0, 0.0, 1.0], ()),
        (["r2l", "normal", "u2r"], ("u2r", "r2l")),
        (pd.Categorical(["2", "1", "2"]), ("2",)),
        (["fraud", "none", "fraud"], ("fraud",)),
        (["none", "fraud", "none"], ("none",)),
        (["NA", "-", "NA"], ("na",)),
        (["1.0", "?", "1"], ("1",)),
    ],
)
def test_as_labels_reads_any_spelling(values, positive):
    assert as_labels(pd.Series(values, name="bad"), positive).tolist() == [1, 0, 1]
    negative = [value for value in map(str, values) if value not in (str(values[0]), str(values[2]))]
    spelled = [] if values[1] in ("A", 0.0, False, -1) else negative  # numbers and booleans are spelled otherwise
    assert as_labels(pd.Series(values, name="bad"), positive, tuple(spelled)).tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("values", "positive", "words"),
    [
        (["yes", None, "no"], ("yes",), "Column 'bad', row 2: 1 labels are missing"),
        (["no", "no"], ("yes",), "no row is 'yes'; correct `positive`"),
        (["yes", "yes"], ("yes",), "every row is 'yes'"),
        (["YES", "YES"], ("yes",), "every row is 'yes'"),
        (["yes", "no", "none"], ("yes",), "row 3: 1 labels are missing"),
    ],
)
def test_as_labels_says_what_is_wrong(values, positive, words):
    with pytest.raises(DataError, match=words):
        as_labels(pd.Series(values, name="bad"), positive)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"numeric": ["points", "age"]}, "claims.csv has no column 'age'; correct the study's file"),
        ({"numeric": ["shop"], "categorical": ()}, "claims.csv: Column 'shop', row"),
    ],
)
def test_load_says_what_is_wrong_with_a_mixed_table(write, change, words):
    config = write(raw_table(), **change)
    with pytest.raises(DataError) as caught:
        load(config)
    assert str(caught.value).startswith(words) and "\n" not in str(caught.value)


def test_load_refuses_a_label_of_neither_class_where_the_study_names_both(write):
    table, classes = raw_table(), {"negative": "no"}
    assert load(write(table, **classes)).y.equals(load(write(table)).y)
    table.loc[[4, 7], "bad"] = "perhaps"
    assert load(write(table)).y.sum() == (table["bad"] == "yes").sum()  # without `negative` all others mean it
    with pytest.raises(DataError) as caught:
        load(write(table, **classes))
    assert str(caught.value) == (
        "claims.csv: Column 'bad', rows 5, 8: the label 'perhaps' is of neither class; correct it, or add it to "
        "`positive` or `negative` in the study's file."
    )
    assert load(write(table, negative=["NO", "perhaps"])).y.sum() == (table["bad"] == "yes").sum()
    table.loc[[4, 7], "bad"] = "NA"
    with pytest.raises(DataError, match="row 5: 2 labels are missing"):
        load(write(table, **classes))


def test_load_reads_open_spellings_as_the_study_says(write):
    table = raw_table().assign(opened="03/02/2024", points="1.234", sum="7,125")
    when = pd.to_datetime(table["when"]).dt.day.clip(upper=12)
    table["when"] = [f"{day:02d}/02/2024 10:00" for day in when]
    read = {
        "day_first": load(write(table, day_first=["opened", "when"], decimal=",")),
        "month_first": load(write(table, month_first=["opened", "when"], decimal=",", decimal_point="sum")),
    }
    assert [set(data.frame["opened"].dt.month) for data in read.values()] == [{2}, {3}]
    assert [set(data.frame["points"]) for data in read.values()] == [{1234.0}, {1234.0}]
    assert [set(data.frame["sum"]) for data in read.values()] == [{7.125}, {7125.0}]
    months = [set(pd.to_datetime(data.frame["when"], unit="s").dt.month) for data in read.values()]
    assert months == [{2}, set(when)]


def test_load_lets_clear_spellings_win_over_the_study(write):
    table = raw_table().assign(opened="25/02/2024", points="1.5")
    data = load(write(table, month_first=["opened"], decimal=","))
    assert set(data.frame["opened"].dt.month) == {2} and set(data.frame["points"]) == {1.5}


def test_load_takes_numbers_among_the_dates_for_times_since_1970(write):
    dataset = load(write(raw_table(), dates=["when", "opened", "points"], numeric=[]))
    assert dataset.frame["points"].dt.year.eq(1970).all() and "points_days_before" in dataset.X


def test_build_features_of_dates_do_not_give_the_time_of_a_row_away(write):
    """A distance to the row and a place in the year would: rows opened alike differ by their distance only."""
    with_time = load(write(raw_table())).X
    without = load(write(raw_table(), time=None, dates=["opened"])).X
    assert not [name for name in with_time if "year" in name or "month" in name]
    assert {"opened_year", "opened_month_sin", "opened_weekday_sin"} <= set(
        without
    ) and "opened_days_before" not in without


def test_load_refuses_a_missing_time(write):
    table = raw_table()
    table.loc[3, "when"] = None
    with pytest.raises(DataError, match="Column 'when', row 4: 1 times are missing, and rows are ordered by time"):
        load(write(table))


def test_folds_keep_the_rows_of_an_entity_together(write):
    dataset = load(write(raw_table()))
    customers = dataset.frame["customer"].to_numpy()
    development, _ = split_off_test(dataset)
    for fold in folds(dataset, development, n_repeats=2):
        assert not set(customers[fold.train]) & set(customers[fold.test])


def test_folds_take_rows_without_an_entity_apart(write):
    table = raw_table()
    table.loc[:99, "customer"] = None
    dataset = load(write(table))
    unknown = dataset.groups[dataset.frame["customer"].isna()]
    assert len(set(unknown)) == 100 and not set(unknown) & set(dataset.groups[dataset.frame["customer"].notna()])


def test_groups_are_equal_rows_without_a_group_column(write):
    """Gaps are equal to gaps."""
    table = pd.concat([raw_table(), raw_table().head(50)])
    dataset = load(write(table, group=None, time=None, dates=["opened"]))
    assert len(set(dataset.groups)) < len(table) - 40 and dataset.n_duplicates >= 50


def test_split_off_test_is_the_last_fifth_by_time(write):
    dataset = load(write(raw_table()))
    development, test = split_off_test(dataset)
    times = dataset.frame["when"].to_numpy()
    assert len(test) == N_ROWS // 5 and times[development].max() <= times[test].min()


@pytest.mark.parametrize("fraction", [0.2, 0.1, 0.5])
def test_split_off_test_draws_whole_groups_with_both_classes_alike(write, fraction):
    dataset = load(write(raw_table(), time=None, dates=["opened"]))
    development, test = split_off_test(dataset, fraction, seed=3)
    assert sorted([*development, *test]) == list(range(N_ROWS))
    assert abs(len(test) - fraction * N_ROWS) < 0.06 * N_ROWS
    assert not set(dataset.groups[development]) & set(dataset.groups[test])
    assert abs(dataset.y.iloc[test].mean() - dataset.y.mean()) < 0.12
    np.testing.assert_array_equal(split_off_test(dataset, fraction, seed=3)[1], test)
    assert not np.array_equal(split_off_test(dataset, fraction, seed=4)[1], test)


@pytest.mark.parametrize(
    ("classes", "reason"),
    [
        (
            {"positive": "no", "negative": "yes"},
            "are positive, and the positive class must be the rarer one; exchange `positive` and `negative` in the "
            "study's file.",
        ),
        (
            {"positive": "no"},
            "are positive, and the positive class must be the rarer one; list the other values as `positive` in the "
            "study's file.",
        ),
        ({"positive": ()}, "have the label 1, which must be the rarer class; exchange 0 and 1."),
    ],
)
def test_load_says_of_a_mixed_table_which_lists_to_exchange(write, classes, reason):
    table = raw_table().assign(bad=np.where(np.arange(N_ROWS) % 5 == 0, "yes", "no"))
    if not classes["positive"]:
        table["bad"] = (table["bad"] == "no").astype(int)
    with pytest.raises(DataError) as caught:
        load(write(table, **classes))
    assert str(caught.value) == f"claims.csv, column 'bad': 80.0% of the rows {reason}"
