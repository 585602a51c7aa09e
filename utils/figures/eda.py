"""Figures of the data: hours, amounts, effect sizes, correlations."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import ArrayLike

from utils.config import Words
from utils.figures.theme import (
    FRAUD,
    LEGITIMATE,
    MAX_LETTERS,
    MAX_NAME,
    NEUTRAL,
    PAGE,
    in_labels,
    legend_above,
    plain,
    shorten,
    strongest,
)
from utils.wording import PAYMENTS, capitalised

MAX_FEATURES = 40  # that a figure shows
MAX_LONG_NAMES = 20  # columns with longer names than `MAX_NAME` that a matrix shows, each with its name
SMALL_NAME = 4.5  # points of the names of more columns
SMALL_AMOUNT = 10  # below which the ticks of amounts are evenly spaced instead of powers of ten


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
    largest = amounts.max(initial=0) or 1.0
    figure, axes = plt.subplots(figsize=(PAGE, 2.3))
    edges = np.linspace(0, np.log10(1 + largest), 41)
    for value, name, colour in _classes(words):
        counts, _ = np.histogram(np.log10(1 + amounts[labels == value]), edges)
        axes.stairs(counts / max(1, counts.sum()), edges, color=colour, label=name, linewidth=1.6)
    ticks = _amount_ticks(largest)
    axes.set_xticks(np.log10(1 + np.array(ticks)), [f"{tick:,.15g}" for tick in ticks])
    axes.set(xlabel="Amount, spaced by log(1 + amount)", ylabel="Share of the class")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    legend_above(axes)
    return figure


def _amount_ticks(largest: float) -> list[float]:
    """Zero and the powers of ten up to the largest amount, or evenly spaced amounts if it is small."""
    if largest < SMALL_AMOUNT:
        return [float(f"{tick:.6g}") for tick in MaxNLocator(5).tick_values(0, largest) if tick <= largest]
    return [0, *(10**power for power in range(int(np.log10(largest)) + 1))]


def _classes(words: Words) -> list[tuple[int, str, str]]:
    """Label, name and colour of each class."""
    words = in_labels(words)
    return [(0, capitalised(words.negative), LEGITIMATE), (1, capitalised(words.positive), FRAUD)]


def plot_effect_sizes(effects: pd.Series) -> Figure:
    """Separation of the classes by each feature (ROC AUC of the feature alone); the strongest `MAX_FEATURES`."""
    effects = effects.sort_values().tail(MAX_FEATURES)
    figure, axes = plt.subplots(figsize=(PAGE, 4.2))
    axes.hlines(range(len(effects)), 0.5, effects, color=NEUTRAL, linewidth=1)
    axes.plot(effects, range(len(effects)), "o", color=FRAUD, markersize=4)
    axes.set_yticks(range(len(effects)), [shorten(name, MAX_LETTERS) for name in effects.index])
    axes.set(xlabel="ROC AUC of the feature alone (0.5 = chance)", xlim=(0.5, 1), ylim=(-0.7, len(effects) - 0.3))
    axes.grid(axis="y", visible=False)
    return figure


def plot_correlations(frames: dict[str, pd.DataFrame], effects: pd.Series | None = None) -> Figure:
    """Correlation matrices side by side on one scale.

    Parameters
    ----------
    frames : dict of str to DataFrame
        Name to rows of shape (n_rows, n_features); categories are left out.
    effects : Series
        How well each column separates the classes; of more columns than there is room for, the first by it are shown.
    """
    matrices = {name: frame.corr(numeric_only=True).fillna(0) for name, frame in frames.items()}
    columns = next(iter(matrices.values()))
    is_long = max(map(len, map(str, columns)), default=0) > MAX_NAME
    if effects is not None and (is_long or columns.shape[1] > MAX_FEATURES):
        names = strongest(columns, effects, MAX_LONG_NAMES if is_long else MAX_FEATURES)
        matrices = {name: matrix.loc[names, names] for name, matrix in matrices.items()}
    figure, panels = plt.subplots(1, len(frames), figsize=(PAGE, 0.75 + PAGE / len(frames)), squeeze=False)
    for axes, (name, matrix) in zip(panels[0], matrices.items(), strict=True):
        _draw_matrix(axes, matrix, is_long)
        axes.set_title(plain(name))
        axes.tick_params(length=0)
    images = [image for axes in panels[0] for image in axes.collections]
    if images:
        figure.colorbar(images[-1], ax=panels, label="Pearson correlation", shrink=0.75)
    return figure


def _draw_matrix(axes: Axes, matrix: pd.DataFrame, is_long: bool) -> None:
    """One correlation matrix with the name of every column."""
    if len(matrix) < 2:
        axes.text(0.5, 0.5, "fewer than two columns of numbers", ha="center", transform=axes.transAxes)
        axes.set(xticks=[], yticks=[])
        return
    names = [shorten(name, MAX_LETTERS) for name in matrix]
    matrix = matrix.set_axis(names, axis="index").set_axis(names, axis="columns")
    scale = {"cmap": "RdBu_r", "vmin": -1, "vmax": 1, "cbar": False, "rasterized": True}
    sns.heatmap(matrix, ax=axes, square=True, xticklabels=True, yticklabels=True, **scale)
    axes.set(xlabel="", ylabel="")
    if is_long or len(matrix) > MAX_LONG_NAMES:
        size = 7 if len(matrix) <= MAX_LONG_NAMES else SMALL_NAME
        plt.setp(axes.get_xticklabels(), rotation=90, fontsize=size)
        plt.setp(axes.get_yticklabels(), rotation=0, fontsize=size)
        if not axes.get_subplotspec().is_first_col():
            axes.set_yticks([])
