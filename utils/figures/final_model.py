"""Figures of the final model: calibration, cost of alerts, curve on the test set."""

from __future__ import annotations

from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest

from utils import metrics
from utils.analysis.bootstrap import draw_negatives
from utils.config import Words
from utils.figures.comparison import mean_precision
from utils.figures.theme import (
    COLUMN,
    FRAUD,
    LEGITIMATE,
    NEUTRAL,
    SPARE_COLOURS,
    SYNTHETIC,
    in_labels,
    legend_above,
    legend_beside_curves,
)
from utils.metrics import Reliability
from utils.wording import PAYMENTS

LOWEST_PROBABILITY = 1e-5


def plot_calibration(tables: dict[str, Reliability], words: Words = PAYMENTS) -> Figure:
    """Observed frequency against predicted probability, log-log, with Wilson intervals.

    `tables` maps a label to a table from `metrics.reliability`; its lowest bin, of probabilities near zero,
    cannot be drawn on a logarithmic axis and is left out, as are bins without a fraud.
    """
    figure, axes = plt.subplots(figsize=(COLUMN, 3.1))
    colours = cycle((NEUTRAL, FRAUD, LEGITIMATE, SYNTHETIC, *SPARE_COLOURS))
    for (name, table), colour in zip(tables.items(), colours, strict=False):
        rows, positives, means = map(np.array, (table.rows, table.positives, table.mean))
        visible = (positives > 0) & (means >= LOWEST_PROBABILITY)
        rows = np.maximum(rows, 1)
        frequency = positives / rows
        bars = np.abs(_wilson_intervals(positives, rows) - frequency)[:, visible]
        axes.errorbar(means[visible], frequency[visible], bars, color=colour, marker="o", markersize=3.5, label=name)
    axes.plot([LOWEST_PROBABILITY, 1], [LOWEST_PROBABILITY, 1], color=NEUTRAL, linestyle=":", linewidth=1)
    share = f"Observed share of {in_labels(words).positives}"
    axes.set(xscale="log", yscale="log", xlabel="Predicted probability", ylabel=share)
    legend_above(axes)
    return figure


def _wilson_intervals(positives: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Lower and upper ends, of shape (2, n_bins), of the 95 % intervals of Wilson (1927) for shares of positives."""
    shares = [binomtest(*counts) for counts in zip(positives.tolist(), rows.tolist(), strict=True)]
    return np.transpose([tuple(share.proportion_ci(method="wilson")) for share in shares])


def plot_cost(n_alerts: ArrayLike, cost: ArrayLike, chosen: int, days: float | None, *, fee: float) -> Figure:
    """Cost per day against alerts per day, with the chosen operating point; in total if the days are not known.

    Parameters
    ----------
    n_alerts, cost : arrays of shape (n_points,)
        From `metrics.cost_curve`.
    chosen : int
        Alerts at the chosen threshold.
    days : float or None
        Days that the rows cover.
    fee : float
        Cost of an alert, by which the curve rises between two positives.
    """
    n_alerts, cost = np.asarray(n_alerts), np.asarray(cost)
    a_day, per_day, days = (" a day", " per day", days) if days else ("", "", 1)
    curve = np.unique(np.r_[n_alerts, n_alerts[1:] - 1, np.geomspace(1, n_alerts[-1], 500).astype(int)])
    numbers = np.r_[curve, chosen]
    before = np.searchsorted(n_alerts, numbers, side="right") - 1
    *costs, chosen_cost = (cost[before] + fee * (numbers - n_alerts[before])) / days
    figure, axes = plt.subplots(figsize=(COLUMN, 3.1))
    axes.plot(curve / days, costs, color=LEGITIMATE)
    axes.plot(chosen / days, chosen_cost, "o", color=FRAUD)
    rate = chosen / days
    axes.annotate(
        f"{rate:{',.0f' if rate >= 10 or rate == 0 else '.2g'}} alerts{a_day}",
        (chosen / days, chosen_cost),
        xytext=(0, -6),
        textcoords="offset points",
        ha="center",
        va="top",
        color=FRAUD,
        fontsize=7,
    )
    axes.axhline(cost[0] / days, color=NEUTRAL, linestyle=":", linewidth=1)
    axes.annotate("no alerts", (0.98, cost[0] / days), xycoords=("axes fraction", "data"), ha="right", va="bottom")
    axes.set(xscale="symlog", xlabel=f"Alerts{per_day}", ylabel=f"Cost{per_day}")
    axes.set_xlim(0, None)
    axes.set_ylim(0, 1.3 * cost[0] / days)
    return figure


def plot_test_curve(ranks: ArrayLike, label: str, prevalence: float) -> Figure:
    """Precision-recall steps of one ranked list with a bootstrap band over the rows."""
    ranks = np.asarray(ranks)
    figure, axes = plt.subplots(figsize=(COLUMN, 3.1))
    grid = np.linspace(0.01, 1, 100)
    rng = np.random.default_rng(0)
    chosen = np.sort(rng.integers(len(ranks), size=(500, len(ranks))), axis=1)
    negatives = np.take_along_axis(draw_negatives(ranks, 500, rng), chosen, axis=1)
    draws = negatives + np.arange(1, len(ranks) + 1)
    low, high = np.quantile(mean_precision(pd.DataFrame({"ranks": list(draws)}), grid), [0.025, 0.975], axis=0)
    axes.fill_between(grid, low, high, color=FRAUD, alpha=0.15, linewidth=0)
    precision, recall = metrics.precision_recall(ranks)
    axes.plot(recall, precision, color=FRAUD, label=label, drawstyle="steps-pre")
    axes.axhline(prevalence, color=NEUTRAL, linestyle=":", linewidth=1)
    axes.set(xlabel="Recall", ylabel="Precision", xlim=(0, 1), ylim=(0, 1.02))
    legend_beside_curves(axes, 0.05)
    return figure
