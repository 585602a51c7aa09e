"""Figures of changes over time, from the frames of `utils.experiments.drift`."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, MaxNLocator, PercentFormatter

from utils.config import Words
from utils.figures.theme import MAX_LETTERS, NEUTRAL, PAGE, in_labels, panel_grid, shorten
from utils.wording import PAYMENTS, capitalised, reword

# They also differ in lightness; none is the colour of a class, a sampler or a model.
PERIOD_COLOURS = ("#595959", "#9A3FA0", "#C2A000", "#3F7D20")
MARKERS = "os^D"
CHANCE = "#8F8F8F"
MANY = 10  # rows an hour, from which on decimals are left out
MAX_FEATURES = 40  # that a figure shows
MAX_HOURS = 24 * 14  # that are shown as hours


class LogPercentFormatter(LogFormatter):
    """Shares as percent at the minor ticks of a logarithmic axis, where it is so short that these have labels."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Label of a tick; empty where the axis is long enough for labels at powers of ten alone."""
        low, high = self.axis.get_view_interval()
        return PercentFormatter(1).format_pct(x, high - low) if super().__call__(x, pos) else ""


def plot_periods_by_hour(table: pd.DataFrame, words: Words = PAYMENTS, *, is_clock: bool = False) -> Figure:
    """Transactions, frauds and their share by hour of the day, one panel each, a colour per period.

    Transactions and frauds are counted per hour of the clock, so that a period of two days is comparable with one of
    eight hours; the share has a 95 % interval. For periods whose labels are not read, only transactions are drawn.

    Parameters
    ----------
    table : DataFrame
        From `drift.by_hour`.
    words : Words
        What the study calls its rows and classes.
    is_clock : bool
        Whether times are dates, so that hours are those of the clock; otherwise they count from the first row.
    """
    figure, panels = plt.subplots(1, 3, figsize=(PAGE, 2.4), sharex=True)
    groups = list(table.groupby("period", sort=False))
    for number, (name, rows) in enumerate(groups):
        colour, marker = PERIOD_COLOURS[number % len(PERIOD_COLOURS)], MARKERS[number % len(MARKERS)]
        label = capitalised(name)
        style = {"color": colour, "marker": marker, "markersize": 3, "linewidth": 1.1, "label": label}
        labelled = rows.dropna(subset="positives")
        for axes, column, visible in ((panels[0], "rows", rows), (panels[1], "positives", labelled)):
            axes.plot(visible["hour"] + 0.5, visible[column] / visible["covered"], **style)
        offset = 0.16 * (number - (len(groups) - 1) / 2)  # so that intervals do not overlap
        _draw_share(panels[2], labelled["hour"] + 0.5 + offset, labelled, colour, marker)
    for axes, title in zip(panels, ("Transactions an hour", "Frauds an hour", "Share of frauds"), strict=True):
        axes.set(title=reword(title, in_labels(words)), xlim=(0, 24), xticks=range(0, 25, 6))
    for axes in panels[:2]:
        axes.set_ylim(0, None)
    if (table["rows"] / table["covered"]).max() >= MANY:
        panels[0].yaxis.set_major_formatter("{x:,.0f}")
    panels[2].set_yscale("log")
    panels[2].yaxis.set_major_formatter(PercentFormatter(1))
    panels[2].yaxis.set_minor_formatter(LogPercentFormatter())
    origin = " (UTC)" if is_clock else ", counted from the first transaction"
    figure.supxlabel(reword(f"Hour of day{origin}", in_labels(words)), fontsize=8)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=4)
    return figure


def _draw_share(axes: Axes, at: pd.Series, rows: pd.DataFrame, colour: str, marker: str) -> None:
    """Dots with intervals; a share of zero cannot be drawn on a logarithmic axis, so only its interval is drawn."""
    axes.vlines(at, rows["low"].clip(lower=rows["high"] / 100), rows["high"], color=colour, linewidth=0.9)
    is_positive = rows["positives"] > 0
    axes.plot(at[is_positive], rows.loc[is_positive, "rate"], marker, color=colour, markersize=3)


def plot_drift(drift: pd.DataFrame) -> Figure:
    """Drift of the features, a panel per comparison: over all hours and over the same hours of the day.

    The `MAX_FEATURES` that drift most are shown. Grey bars show drift by chance: the largest value over random
    divisions of the same rows.

    Parameters
    ----------
    drift : DataFrame
        From `drift.feature_drift`.
    """
    names = list(drift["comparison"].unique())
    # Every panel has the order of the first.
    order = drift[drift["comparison"] == names[0]].groupby("feature")["ks"].max().sort_values().index
    order = order[-MAX_FEATURES:]
    size = (PAGE, 0.9 + 0.13 * len(order))
    figure, panels = plt.subplots(1, len(names), figsize=size, sharex=True, sharey=True, squeeze=False)
    for axes, name in zip(panels[0], names, strict=True):
        _draw_drift(axes, drift[drift["comparison"] == name], order)
        axes.set_title(capitalised(name))
        axes.grid(axis="y", visible=False)
    panels[0, 0].set_yticks(range(len(order)), [shorten(name, MAX_LETTERS) for name in order])
    panels[0, 0].set(ylim=(-0.7, len(order) - 0.3), xlim=(0, None))
    figure.supxlabel("Kolmogorov-Smirnov statistic", fontsize=8)
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    return figure


def _draw_drift(axes: Axes, rows: pd.DataFrame, order: pd.Index) -> None:
    lines = np.arange(len(order))
    chance = rows.groupby("feature")["ks_chance"].max().reindex(order)
    axes.barh(lines, chance, height=1, color=CHANCE, label="by chance", zorder=0)
    by_hours = rows.pivot(index="feature", columns="hours", values="ks").reindex(order)
    axes.hlines(lines, by_hours.min(axis=1), by_hours.max(axis=1), color=NEUTRAL, linewidth=0.8)
    # The larger, hollow dot remains visible as a ring if both have the same position.
    for (hours, values), fill_colour, size in zip(
        by_hours.items(), ("white", PERIOD_COLOURS[1]), (5.5, 3), strict=False
    ):
        style = {"markerfacecolor": fill_colour, "markeredgecolor": PERIOD_COLOURS[1], "markersize": size}
        axes.plot(values, lines, "o", linestyle="none", label=hours, **style)


def plot_medians(medians: pd.DataFrame, test_from: float, words: Words = PAYMENTS, *, is_clock: bool = False) -> Figure:
    """Medians of features over time, one panel each; new days are marked, and the test period is shaded.

    The axis is in days, without marks, if there are more than `MAX_HOURS`. A day begins at a multiple of 24 hours.

    Parameters
    ----------
    medians : DataFrame
        From `drift.hourly_medians`.
    test_from : float
        Hours at which the test set begins, counted like those of `medians`.
    words : Words
        What the study calls its rows and classes.
    is_clock : bool
        Whether times are dates, so that hours count from midnight of the first day; otherwise from the first row.
    """
    figure, panels = panel_grid([shorten(name, MAX_LETTERS) for name in medians], 1.35, margin=0.5)
    end = medians.index.max() + 1
    for axes, (_, values) in zip(panels, medians.items(), strict=True):
        axes.axvspan(test_from, end, color=PERIOD_COLOURS[1], alpha=0.13, linewidth=0, label="test set")
        for start in range(24, int(end) if end <= MAX_HOURS else 0, 24):
            axes.axvline(start, color=NEUTRAL, linestyle=":", linewidth=1, label="a new day")
        axes.plot(medians.index + 0.5, values, color=PERIOD_COLOURS[0], linewidth=1.2)
        axes.set(xlim=(0, end), xticks=_hour_ticks(end))
        if end > MAX_HOURS:
            axes.xaxis.set_major_formatter(lambda hours, _: f"{hours / 24:,.0f}")
    unit = "Hours" if end <= MAX_HOURS else "Days"
    origin = "midnight of the first day (UTC)" if is_clock else "the first transaction"
    figure.supxlabel(reword(f"{unit} since {origin}", in_labels(words)), fontsize=8)
    figure.supylabel("Median in standard deviations", fontsize=8)
    handles = dict(zip(*reversed(panels[0].get_legend_handles_labels()), strict=True))  # one entry for all new days
    figure.legend(handles.values(), handles.keys(), loc="outside upper right", ncols=2)
    return figure


def _hour_ticks(end: float) -> np.ndarray:
    """Ticks of an axis of hours: quarters of its days, or whole days, none beyond the end, if there are many."""
    if end <= MAX_HOURS:
        return np.linspace(0, np.ceil(end / 24) * 24, 5)
    days = MaxNLocator(5, integer=True).tick_values(0, end / 24)
    return 24 * days[days * 24 <= end]
