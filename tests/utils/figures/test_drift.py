"""Figures of changes over time: they draw the values of their frames."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

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
