"""Figures of the data: hours, amounts, effect sizes, correlations."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike

from utils.config import Words
from utils.figures.theme import FRAUD, LEGITIMATE, NEUTRAL, PAGE, legend_above
from utils.wording import PAYMENTS, capitalised

MAX_FEATURES = 40  # that a figure shows
MAX_NAME = 8  # letters of names that stand side by side below an axis


def plot_hours(hours: ArrayLike, labels: ArrayLike, words: Words = PAYMENTS) -> Figure:
    """Share of each class by hour of day; arrays of shape (n_rows,), hours in [0, 24)."""
    hours, labels = np.asarray(hours), np.asarray(labels)
    figure, axes = plt.subplots(figsize=(PAGE, 2.3))
    edges = np.arange(25)
    for value, name, colour in _classes(words):
        counts, _ = np.histogram(hours[labels == value], edges)
        axes.stairs(counts / max(1, counts.sum()), edges, color=colour, label=name, linewidth=1.6)
    axes.set(xlabel="Hour of day", ylabel="Share of the class", xlim=(0, 24), xticks=range(0, 25, 3))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    legend_above(axes)
    return figure


def plot_amounts(amounts: ArrayLike, labels: ArrayLike, words: Words = PAYMENTS) -> Figure:
    """Distribution of log amounts by class, each normalised to sum to 1; arrays of shape (n_rows,).

    Amounts below 0 count as 0, and missing ones are left out.
    """
    amounts, labels = np.asarray(amounts, dtype=float), np.asarray(labels)
    is_known = np.isfinite(amounts)
    amounts, labels = amounts[is_known].clip(min=0), labels[is_known]
    largest = max(1.0, amounts.max(initial=0))
    figure, axes = plt.subplots(figsize=(PAGE, 2.3))
    edges = np.linspace(0, np.log10(1 + largest), 41)
    for value, name, colour in _classes(words):
        counts, _ = np.histogram(np.log10(1 + amounts[labels == value]), edges)
        axes.stairs(counts / max(1, counts.sum()), edges, color=colour, label=name, linewidth=1.6)
    ticks = [0, *(10**power for power in range(max(5, int(np.log10(largest)) + 1)))]
    axes.set_xticks(np.log10(1 + np.array(ticks)), [f"{tick:,}" for tick in ticks])
    axes.set(xlabel="Amount, spaced by log(1 + amount)", ylabel="Share of the class")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    legend_above(axes)
    return figure


def _classes(words: Words) -> list[tuple[int, str, str]]:
    """Label, name and colour of each class."""
    return [(0, capitalised(words.negative), LEGITIMATE), (1, capitalised(words.positive), FRAUD)]


def plot_effect_sizes(effects: pd.Series) -> Figure:
    """Separation of the classes by each feature (ROC AUC of the feature alone); the strongest `MAX_FEATURES`."""
    effects = effects.sort_values().tail(MAX_FEATURES)
    figure, axes = plt.subplots(figsize=(PAGE, 4.2))
    axes.hlines(range(len(effects)), 0.5, effects, color=NEUTRAL, linewidth=1)
    axes.plot(effects, range(len(effects)), "o", color=FRAUD, markersize=4)
    axes.set_yticks(range(len(effects)), effects.index)
    axes.set(xlabel="ROC AUC of the feature alone (0.5 = chance)", xlim=(0.5, 1), ylim=(-0.7, len(effects) - 0.3))
    axes.grid(axis="y", visible=False)
    return figure


def plot_correlations(frames: dict[str, pd.DataFrame]) -> Figure:
    """Correlation matrices side by side on one scale; name to frame of shape (n_rows, n_features).

    Categories are left out.
    """
    figure, panels = plt.subplots(1, len(frames), figsize=(PAGE, 0.75 + PAGE / len(frames)), squeeze=False)
    for axes, (name, frame) in zip(panels[0], frames.items(), strict=True):
        scale = {"cmap": "RdBu_r", "vmin": -1, "vmax": 1, "cbar": False, "rasterized": True}
        correlations = frame.corr(numeric_only=True).fillna(0)
        if correlations.empty:
            axes.text(0.5, 0.5, "no column of numbers", ha="center", transform=axes.transAxes)
            axes.set(xticks=[], yticks=[])
        else:
            sns.heatmap(correlations, ax=axes, square=True, xticklabels=3, yticklabels=3, **scale)
            if max(map(len, map(str, correlations))) > MAX_NAME:
                axes.tick_params(axis="x", labelrotation=90)
                axes.tick_params(axis="y", labelrotation=0)
        axes.set_title(name)
        axes.tick_params(length=0)
    images = [image for axes in panels[0] for image in axes.collections]
    if images:
        figure.colorbar(images[-1], ax=panels, label="Pearson correlation", shrink=0.75)
    return figure
