"""Figures of changes over time: they draw the values of their frames."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from utils.config import Words
from utils.figures import drift as drift_figures
from utils.figures import theme

pytestmark = pytest.mark.usefixtures("theme")

HOURS = pd.DataFrame(
    {
        "period": ["development"] * 3 + ["test"] * 2,
        "hour": [0, 1, 2, 1, 2],
        "rows": [200, 400, 600, 150, 320],
        "positives": [2, 0, 6, 1, 3],
        "rate": [0.01, 0.0, 0.01, 1 / 150, 3 / 320],
        "low": [0.003, 0.0, 0.005, 0.001, 0.003],
        "high": [0.04, 0.01, 0.02, 0.04, 0.03],
        "covered": [2.0, 2.0, 2.0, 0.5, 1.0],
    }
)
DRIFT = pd.DataFrame(
    {
        "comparison": np.repeat(["day 1 to day 2", "development to test"], 4),
        "hours": np.tile(["all hours", "same hours"], 4),
        "feature": np.tile(np.repeat(["V1", "V2"], 2), 2),
        "ks": [0.2, 0.21, 0.4, 0.42, 0.1, 0.2, 0.3, 0.4],
        "ks_chance": 0.01,
        "psi": [0.1, 0.1, 1.0, 1.1, 0.05, 0.1, 0.5, 1.0],
        "psi_chance": 0.001,
    }
)
MEDIANS = pd.DataFrame({name: np.linspace(-1, 1, 48) * size for size, name in enumerate("ABCD", 1)})
DRAWINGS = {
    "plot_periods_by_hour": lambda: drift_figures.plot_periods_by_hour(HOURS),
    "plot_drift": lambda: drift_figures.plot_drift(DRIFT),
    "plot_medians": lambda: drift_figures.plot_medians(MEDIANS, 40.3),
}
TEXTS = {
    "plot_periods_by_hour": ["Transactions an hour", "Frauds an hour", "Share of frauds", "Development", "Test"],
    "plot_drift": ["Day 1 to day 2", "Development to test", "Kolmogorov-Smirnov statistic", "by chance", "same hours"],
    "plot_medians": ["A", "D", "Hours since the first transaction", "test set", "a new day"],
}


def test_drift_figures_are_all_tested_here():
    assert {name for name in vars(drift_figures) if name.startswith("plot_")} == set(DRAWINGS) == set(TEXTS)


@pytest.mark.parametrize("name", DRAWINGS)
def test_drift_figures_draw_without_a_warning_and_fit_the_page(name, recwarn):
    figure = DRAWINGS[name]()
    figure.canvas.draw()
    assert [str(warning.message) for warning in recwarn] == []
    assert figure.get_size_inches()[0] <= theme.PAGE
    texts = {text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_visible()}
    assert set(TEXTS[name]) <= texts


def test_plot_periods_by_hour_counts_per_hour_of_the_clock():
    transactions, frauds, share = DRAWINGS["plot_periods_by_hour"]().axes
    assert [list(line.get_ydata()) for line in transactions.get_lines()] == [[100, 200, 300], [300, 320]]
    assert [list(line.get_ydata()) for line in frauds.get_lines()] == [[1, 0, 3], [2, 3]]
    assert [len(line.get_ydata()) for line in share.get_lines()] == [2, 2]  # an hour without fraud has no dot
    intervals = [segment for lines in share.collections for segment in lines.get_segments()]
    assert len(intervals) == 5 and all(segment[0, 1] > 0 for segment in intervals)


@pytest.mark.parametrize(
    ("rates", "minor"),
    [
        ([0.07, 0.1, 0.2], {"6.0%", "20.0%"}),  # less than a decade
        ([0.22, 0.3, 0.4], {"30.0%", "40.0%"}),  # without a power of ten
        ([0.001, 0.01, 0.2], set()),
    ],
)
def test_plot_periods_by_hour_labels_every_share_as_percent(rates, minor):
    hours = pd.DataFrame({"period": "development", "hour": [0, 1, 2], "rows": 900, "positives": 90, "covered": 1.0})
    hours = hours.assign(rate=rates, low=[0.9 * rate for rate in rates], high=[1.1 * rate for rate in rates])
    figure = drift_figures.plot_periods_by_hour(hours)
    figure.canvas.draw()
    axis = figure.axes[2].yaxis
    labels = {text for text in axis.get_ticklabels(which="both") if text.get_text()}
    assert labels and all(text.get_text().endswith("%") for text in labels)
    shown = {text.get_text() for text in axis.get_ticklabels(which="minor") if text.get_text()}
    assert minor <= shown and bool(shown) == bool(minor)


def test_plot_drift_draws_all_and_the_same_hours_in_one_order():
    for axes, (_, rows) in zip(DRAWINGS["plot_drift"]().axes, DRIFT.groupby("comparison", sort=False), strict=True):
        for line, hours in zip(axes.get_lines(), ("all hours", "same hours"), strict=True):
            expected = rows[rows["hours"] == hours].set_index("feature")["ks"]
            assert list(line.get_xdata()) == expected.loc[["V1", "V2"]].tolist()
    assert [label.get_text() for label in DRAWINGS["plot_drift"]().axes[0].get_yticklabels()] == ["V1", "V2"]


def test_plot_periods_by_hour_draws_transactions_only_for_an_unlabelled_period():
    columns = ["positives", "rate", "low", "high"]
    hours = HOURS.assign(**{column: HOURS[column].where(HOURS["period"] != "test") for column in columns})
    transactions, frauds, share = drift_figures.plot_periods_by_hour(hours).axes
    assert [list(line.get_ydata()) for line in transactions.get_lines()] == [[100, 200, 300], [300, 320]]
    assert [list(line.get_ydata()) for line in frauds.get_lines()] == [[1, 0, 3], []]
    assert [len(line.get_ydata()) for line in share.get_lines()] == [2, 0]
    assert sum(len(lines.get_segments()) for lines in share.collections) == 3


def test_plot_medians_marks_the_new_day_and_the_test_set():
    axes = DRAWINGS["plot_medians"]().axes
    days = [line.get_xdata()[0] for line in axes[0].get_lines() if line.get_linestyle() == ":"]
    assert days == [24]
    (shade,) = axes[0].patches
    assert (shade.get_x(), shade.get_x() + shade.get_width()) == pytest.approx((40.3, 48))
    assert [panel.axison for panel in axes] == [True] * 4 + [False] * 2


def test_period_colours_differ_and_belong_to_nothing_else():
    taken = {theme.LEGITIMATE, theme.FRAUD, theme.SYNTHETIC, *theme.MODEL_COLOURS.values()}
    assert not taken & set(drift_figures.PERIOD_COLOURS)
    assert len(set(drift_figures.PERIOD_COLOURS)) == len(drift_figures.MARKERS)


LONG = "a name of a column that would squeeze a panel"


def test_drift_figures_shorten_long_names_and_draw_their_dollar_signs():
    names = {"V1": LONG, "V2": "$_of_$"}
    for figure in (
        drift_figures.plot_drift(DRIFT.replace({"feature": names})),
        drift_figures.plot_medians(MEDIANS.set_axis([*names.values(), "C", "D"], axis=1), 40),
    ):
        figure.canvas.draw()
        texts = {text.get_text() for text in figure.findobj(mpl.text.Text)}
        assert {"a name of a colu…a panel", r"\$_of_\$"} <= texts and LONG not in texts


@pytest.mark.parametrize(
    ("is_clock", "hours", "since"),
    [
        (False, "Hour of day, counted from the first admission", "since the first admission"),
        (True, "Hour of day (UTC)", "since midnight of the first day (UTC)"),
    ],
)
@pytest.mark.parametrize(("n_hours", "unit"), [(48, "Hours"), (1000, "Days")])
def test_drift_figures_say_where_hours_are_counted_from(is_clock, hours, since, n_hours, unit):
    words = Words("admission", "admissions", "infection", "infections", "healthy")
    medians = pd.DataFrame({"A": np.zeros(n_hours)})
    assert drift_figures.plot_periods_by_hour(HOURS, words, is_clock=is_clock).get_supxlabel() == hours
    figure = drift_figures.plot_medians(medians, 40, words, is_clock=is_clock)
    assert figure.get_supxlabel() == f"{unit} {since}"


@pytest.mark.parametrize(
    ("n_days", "labels"),
    [
        (15, ["0", "3", "6", "9", "12", "15"]),
        (61, ["0", "15", "30", "45", "60"]),
        (183, ["0", "40", "80", "120", "160"]),
        (1100, ["0", "250", "500", "750", "1,000"]),
    ],
)
def test_plot_medians_labels_whole_days_where_they_are(n_days, labels):
    medians = pd.DataFrame({"A": np.zeros(n_days)}, index=24 * np.arange(n_days) + 23)
    figure = drift_figures.plot_medians(medians, 40)
    figure.canvas.draw()
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == labels
    assert [f"{hours / 24:,g}" for hours in axes.get_xticks()] == labels and axes.get_xlim() == (0, 24 * n_days)
