"""Figures that compare pairs of sampler and model: scores of folds, curves, differences."""

from __future__ import annotations

from collections.abc import Collection

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from utils import config, metrics
from utils.figures.theme import NEUTRAL, PAGE, legend_beside_curves, model_colour, panel_per_model, sampler_colour

WIDEST = 0.3  # farthest end of the axis of differences; a few folds of an unstable network lie far beyond
DECIDED = ("helps", "harms", "equivalent")
ROOM = 1.08  # end of an axis of differences, as a multiple of the farthest end that is drawn


def plot_fold_scores(table: pd.DataFrame, samplers: dict[str, str], models: dict[str, str]) -> Figure:
    """Average precision of every fold, a panel per model, a colour per sampler, means as bars.

    Parameters
    ----------
    table : DataFrame
        Ledger rows.
    samplers, models : dict of str to str
        Name to label, in the order to draw.
    """
    figure, panels, names = panel_per_model(table, samplers, models, margin=0.4)
    # A method that fails must not compress the scale for all others.
    lowest = table.groupby(["model", "sampler"])["average_precision"].mean().median() - WIDEST
    for model, axes in panels.items():
        _draw_fold_scores(axes, table[table["model"] == model], names[model], lowest)
    figure.supxlabel("Average precision (dots: folds, bars: their mean)", fontsize=8)
    return figure


def _draw_fold_scores(axes: Axes, rows: pd.DataFrame, names: list[str], lowest: float) -> None:
    for line, name in enumerate(names):
        scores = rows.loc[rows["sampler"] == name, "average_precision"]
        if scores.empty:
            continue
        colour, mean = sampler_colour(name), scores.mean()
        visible = scores[scores >= lowest]
        axes.plot(visible, np.full(len(visible), line), "o", color=colour, alpha=0.45, markersize=4, mec="none")
        if mean >= lowest:
            axes.plot([mean] * 2, [line - 0.3, line + 0.3], color=colour, linewidth=2.2)
        else:
            _point_beyond(axes, lowest, line, mean, colour)


def _point_beyond(axes: Axes, edge: float, line: float, value: float, colour: str, *, filled: bool = True) -> None:
    """An arrow at the edge of an axis that points to a value beyond it, with the value above the arrow."""
    right = value > edge
    axes.plot(edge, line, ">" if right else "<", color=colour, markersize=5.5, mfc=colour if filled else "white")
    offset = {"xytext": (-5 if right else 5, 2), "textcoords": "offset points", "ha": "right" if right else "left"}
    text = f"{value:.2f}".replace("-", "−")
    axes.annotate(text, (edge, line), color=colour, fontsize=6.5, va="bottom", **offset)


def mean_precision(table: pd.DataFrame, grid: np.ndarray) -> np.ndarray:
    """Precision of each fold at given recalls, not interpolated: at the first rank that reaches the recall."""
    curves = []
    for ranks in table["ranks"]:
        precision, recall = metrics.precision_recall(ranks)
        curves.append(precision[np.minimum(np.searchsorted(recall, grid - 1e-12), len(ranks) - 1)])
    return np.array(curves)


def plot_pr_curves(
    table: pd.DataFrame,
    curves: dict[str, tuple[str, str]],
    prevalence: float,
    bands: Collection[str] | None = None,
) -> Figure:
    """Mean precision over folds at every recall, with a band for the middle half of the folds.

    The legend says which curves are those of one fold.

    Parameters
    ----------
    table : DataFrame
        Ledger rows.
    curves : dict of str to (str, str)
        Label to (sampler, model).
    prevalence : float
        Precision of a random ranking, drawn as a line.
    bands : collection of str, optional
        Labels of the curves that have a band; by default all. Many bands hide each other.
    """
    figure, axes = plt.subplots(figsize=(PAGE * 0.62, 3.1))
    grid = np.linspace(0.01, 1, 100)
    used_colours: list[str] = []  # a second curve of a colour is dashed
    pairs = [table[(table["sampler"] == sampler) & (table["model"] == model)] for sampler, model in curves.values()]
    is_single = all(len(rows) == 1 for rows in pairs)
    for (name, (_, model)), rows in zip(curves.items(), pairs, strict=True):
        precision = mean_precision(rows, grid)
        colour = model_colour(model)
        low, high = np.quantile(precision, [0.25, 0.75], axis=0)
        if bands is None or name in bands:
            axes.fill_between(grid, low, high, color=colour, alpha=0.13, linewidth=0)
        note = ", one fold" if len(rows) == 1 and not is_single else ""
        label = f"{name} ({rows['average_precision'].mean():.3f}{note})"
        axes.plot(grid, precision.mean(axis=0), "--" if colour in used_colours else "-", color=colour, label=label)
        used_colours.append(colour)
    axes.axhline(prevalence, color=NEUTRAL, linestyle=":", linewidth=1)
    axes.annotate("chance", (0.01, prevalence), xytext=(0, 3), textcoords="offset points", color=NEUTRAL, fontsize=7)
    axes.set(xlabel="Recall", ylabel="Precision", xlim=(0, 1), ylim=(0, 1.02))
    title = "Average precision on one fold" if is_single else "Mean average precision"
    legend_beside_curves(axes, 0.06, title=title, title_fontsize=7)
    return figure


def plot_differences(compared: pd.DataFrame, samplers: dict[str, str], models: dict[str, str]) -> Figure:
    """Forest plot of paired differences with intervals: a panel per model, the region of equivalence shaded.

    Parameters
    ----------
    compared : DataFrame
        From `comparisons.compare_samplers`.
    samplers, models : dict of str to str
        Name to label, in the order to draw.
    """
    figure, panels, names = panel_per_model(compared, samplers, models, margin=0.4)
    end = _axis_end(compared)
    for model, axes in panels.items():
        rows = compared[compared["model"] == model]
        _draw_differences(axes, rows, names[model], end, filled=rows["verdict"].isin(DECIDED))
    figure.supxlabel(
        "Difference in average precision from no resampling, with 95 % interval\n"
        f"(grey: equivalent; hollow: undecided or not used{_note_on_arrows(compared, end)})",
        fontsize=8,
    )
    return figure


def plot_changes(changes: pd.DataFrame, labels: dict[str, str], models: dict[str, str]) -> Figure:
    """Forest plot of what several kinds of change are worth, a panel per model.

    Parameters
    ----------
    changes : DataFrame
        Columns model, sampler (name of the change: that of a sampler, with a second word where it stands twice), mean,
        low and high, without adjustment for their number.
    labels, models : dict of str to str
        Name to label, in the order to draw.
    """
    changes = changes[changes["sampler"].isin(labels)]  # what is not drawn must not widen the axis
    figure, panels, names = panel_per_model(changes, labels, models, margin=0.4)
    end = _axis_end(changes)
    for model, axes in panels.items():
        rows = changes[changes["model"] == model]
        _draw_differences(axes, rows, names[model], end, filled=rows["low"] * rows["high"] > 0)
    figure.supxlabel(
        "Change in average precision, with unadjusted 95 % interval\n"
        f"(grey: within {config.MARGIN}; hollow: includes zero{_note_on_arrows(changes, end)})",
        fontsize=8,
    )
    return figure


def _axis_end(intervals: pd.DataFrame) -> float:
    """End of the axis of all panels: that of the longest interval, within bounds."""
    return float(np.clip(intervals[["low", "high"]].abs().max(axis=None), 2 * config.MARGIN, WIDEST))


def _note_on_arrows(intervals: pd.DataFrame, end: float) -> str:
    """What arrows mean, if there are any."""
    return "; arrow: beyond the axis" if intervals[["low", "high"]].abs().max(axis=None) > end else ""


def _draw_differences(axes: Axes, rows: pd.DataFrame, names: list[str], end: float, filled: pd.Series) -> None:
    axes.axvspan(-config.MARGIN, config.MARGIN, color="#E4E4E4", linewidth=0, zorder=0)
    axes.axvline(0, color=NEUTRAL, linewidth=0.8)
    for row, is_filled in zip(rows.itertuples(), filled, strict=True):
        if row.sampler in names:
            colour, line = sampler_colour(row.sampler.partition(" ")[0]), names.index(row.sampler)
            _draw_interval(axes, (row.low, row.mean, row.high), line, end, colour, filled=is_filled)
    axes.set_xlim(-end * ROOM, end * ROOM)
    axes.grid(axis="y", visible=False)


def _draw_interval(
    axes: Axes, interval: tuple[float, float, float], line: float, end: float, colour: str, *, filled: bool
) -> None:
    """Draw low, mean and high; an arrow marks an interval, and a label a mean, beyond the end of the axis."""
    low, mean, high = interval
    dot = {"color": colour, "markersize": 4, "mfc": colour if filled else "white"}
    axes.plot(np.clip([low, high], -end, end), [line, line], color=colour, linewidth=1.6)
    if low < -end:
        axes.plot(-end, line, "<", **dot)
    if high > end:
        axes.plot(end, line, ">", **dot)
    if abs(mean) <= end:
        axes.plot(mean, line, "o", **dot)
    else:
        _point_beyond(axes, np.copysign(end, mean), line, mean, colour, filled=filled)
