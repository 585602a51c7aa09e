"""Figures: a frame in, a matplotlib figure out, all with one theme."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike

from utils import metrics, stats
from utils.config import Profile

COLUMN, PAGE = 3.5, 7.2  # inches: the paper's column and page width
LOWEST_PROBABILITY = 1e-5
WIDEST = 0.3  # end of the axis of differences; a few folds of an unstable network reach far beyond
LEGITIMATE, FRAUD, SYNTHETIC, NEUTRAL = "#0072B2", "#D55E00", "#009E73", "#595959"

# One sampler has one colour in every figure, and a family has one hue: greys do nothing to the rows, blues drop some,
# yellow to dark red add some, greens generate some. Found by search: however colours are seen (Machado et al., 2009),
# any two lie at least 18 apart in CIELAB.
SAMPLER_COLOURS = {
    "none": "#000000",
    "class_weight": "#A0A0A0",
    "rus": "#4AC8F2",
    "tomek": "#4C85EB",
    "nearmiss": "#0D3460",
    "ros": "#F1C96E",
    "smote": "#F19E01",
    "borderline": "#D66923",
    "adasyn": "#A1110D",
    "smoteenn": "#6F2227",
    "jitter": "#A0DFAE",
    "cgan": "#2CA462",
    "ctgan": "#206F60",
}
# Tol's muted colours for models that take a sampler, others for those that take none; greys for those without labels.
MODEL_COLOURS = {
    "lr": "#999933",
    "rf": "#117733",
    "xgb": "#882255",
    "ann": "#332288",
    "cnn1d": "#44AA99",
    "lstm": "#CC6677",
    "brf": "#7FBC41",
    "easy": "#88CCEE",
    "rusboost": "#4477AA",
    "spe": "#AA4499",
    "blend": "#EE3377",
    "iforest": "#777777",
    "ocsvm": "#B3B3B3",
}
SPARE_COLOURS = ("#CC79A7", "#7F7F7F", "#8C564B", "#B2B200", "#17BECF", "#7B4FA3")

THEME = {
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "savefig.bbox": "tight",
    "svg.hashsalt": "study",
    "svg.fonttype": "path",
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E5E5E5",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "lines.linewidth": 1.3,
}


def use_theme() -> None:
    """Apply the study's theme to every figure from here on."""
    mpl.rcParams.update(THEME)


def sampler_colour(name: str) -> str:
    """Colour of a sampler; those without one of their own share the spare colours by name."""
    return SAMPLER_COLOURS.get(name) or _spare_colour(name)


def model_colour(name: str) -> str:
    """Colour of a model, none of them a sampler's; as `sampler_colour` for new ones."""
    return MODEL_COLOURS.get(name) or _spare_colour(name)


def _spare_colour(name: str) -> str:
    return SPARE_COLOURS[sum(map(ord, name)) % len(SPARE_COLOURS)]


def save_figure(figure: Figure, name: str, profile: Profile) -> Path:
    """Write a figure as SVG, the same bytes for the same figure, into the profile's folder of figures."""
    profile.figures.mkdir(parents=True, exist_ok=True)
    path = profile.figures / f"{name}.svg"
    temporary = path.with_suffix(".part")
    try:
        with mpl.rc_context({name: THEME[name] for name in THEME if name.startswith(("svg.", "savefig."))}):
            figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": None})
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def plot_hours(hours: ArrayLike, labels: ArrayLike) -> Figure:
    """Share of each class by hour of day; arrays of shape (n_rows,), hours in [0, 24)."""
    hours, labels = np.asarray(hours), np.asarray(labels)
    figure, axes = plt.subplots(figsize=(PAGE, 2.3))
    edges = np.arange(25)
    for value, name, colour in ((0, "Legitimate", LEGITIMATE), (1, "Fraud", FRAUD)):
        counts, _ = np.histogram(hours[labels == value], edges)
        axes.stairs(counts / counts.sum(), edges, color=colour, label=name, linewidth=1.6)
    axes.set(xlabel="Hour of day", ylabel="Share of the class", xlim=(0, 24), xticks=range(0, 25, 3))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    legend_above(axes)
    return figure


def legend_above(axes: Axes) -> None:
    """Put the legend between title and axes, in one line."""
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, borderaxespad=0.2)


def plot_amounts(amounts: ArrayLike, labels: ArrayLike) -> Figure:
    """Distribution of log amounts by class, each scaled to its own size; arrays of shape (n_rows,)."""
    amounts, labels = np.asarray(amounts), np.asarray(labels)
    figure, axes = plt.subplots(figsize=(PAGE, 2.3))
    edges = np.linspace(0, np.log10(1 + amounts.max()), 41)
    for value, name, colour in ((0, "Legitimate", LEGITIMATE), (1, "Fraud", FRAUD)):
        counts, _ = np.histogram(np.log10(1 + amounts[labels == value]), edges)
        axes.stairs(counts / counts.sum(), edges, color=colour, label=name, linewidth=1.6)
    ticks = [0, 1, 10, 100, 1000, 10000]
    axes.set_xticks(np.log10(1 + np.array(ticks)), [f"{tick:,}" for tick in ticks])
    axes.set(xlabel="Amount, spaced by log(1 + amount)", ylabel="Share of the class")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    legend_above(axes)
    return figure


def plot_effect_sizes(effects: pd.Series) -> Figure:
    """Horizontal bars of how far apart the classes lie per feature (ROC AUC of the feature alone)."""
    effects = effects.sort_values()
    figure, axes = plt.subplots(figsize=(PAGE, 4.2))
    axes.hlines(range(len(effects)), 0.5, effects, color=NEUTRAL, linewidth=1)
    axes.plot(effects, range(len(effects)), "o", color=FRAUD, markersize=4)
    axes.set_yticks(range(len(effects)), effects.index)
    axes.set(xlabel="ROC AUC of the feature alone (0.5 = chance)", xlim=(0.5, 1), ylim=(-0.7, len(effects) - 0.3))
    axes.grid(axis="y", visible=False)
    return figure


def plot_correlations(frames: dict[str, pd.DataFrame]) -> Figure:
    """Correlation matrices side by side, on one scale; name to frame of shape (n_rows, n_features)."""
    figure, every = plt.subplots(1, len(frames), figsize=(PAGE, 0.75 + PAGE / len(frames)), squeeze=False)
    for axes, (name, frame) in zip(every[0], frames.items(), strict=True):
        scale = {"cmap": "RdBu_r", "vmin": -1, "vmax": 1, "cbar": False, "rasterized": True}
        sns.heatmap(frame.corr().fillna(0), ax=axes, square=True, xticklabels=3, yticklabels=3, **scale)
        axes.set_title(name)
        axes.tick_params(length=0)
    image = every[0, -1].collections[0]
    figure.colorbar(image, ax=every, label="Pearson correlation", shrink=0.75)
    return figure


def plot_fold_scores(table: pd.DataFrame, samplers: dict[str, str], models: dict[str, str]) -> Figure:
    """Average precision of every fold, a panel per model, a colour per sampler, means as bars.

    Parameters
    ----------
    table : DataFrame
        Ledger rows.
    samplers, models : dict of str to str
        Name to label, in the order to draw.
    """
    figure, panels, names = _panel_per_model(table, samplers, models)
    # One method that fails must not press all others together.
    lowest = table.groupby(["model", "sampler"])["average_precision"].mean().median() - WIDEST
    for axes, part in panels:
        _draw_fold_scores(axes, part, names, lowest)
    figure.supxlabel("Average precision (dots: folds, bars: their mean)", fontsize=8)
    return figure


def _panel_per_model(
    table: pd.DataFrame, samplers: dict[str, str], models: dict[str, str]
) -> tuple[Figure, list[tuple[Axes, pd.DataFrame]], list[str]]:
    """A panel per model with a line per sampler; returns panels with their rows, and the samplers line by line."""
    shown = [model for model in models if (table["model"] == model).any()]
    names = [name for name in samplers if (table["sampler"] == name).any()]
    # Few samplers may take more room than many.
    height = 0.5 + max(0.155, 0.27 - 0.02 * len(names)) * len(names)
    figure, every = panel_grid([models[model] for model in shown], height, margin=0.4)
    every[0].set_yticks(range(len(names)), [samplers[name] for name in names])
    every[0].set_ylim(len(names) - 0.4, -0.6)
    parts = [(axes, table[table["model"] == model]) for axes, model in zip(every, shown, strict=True)]
    return figure, parts, names


def panel_grid(titles: Sequence[str], height: float, margin: float) -> tuple[Figure, list[Axes]]:
    """Panels of one scale, three in a line at most, with their axes numbered at the left and below.

    Parameters
    ----------
    titles : sequence of str
        One per panel; at least one.
    height, margin : float
        Inches per line of panels, and beside them for legend and labels.
    """
    n_columns = min(3, len(titles))
    n_lines = -(-len(titles) // n_columns)
    size = (PAGE, margin + n_lines * height)
    figure, every = plt.subplots(n_lines, n_columns, figsize=size, sharex=True, sharey=True, squeeze=False)
    used = list(every.flat[: len(titles)])
    for axes, title in zip(used, titles, strict=True):
        axes.set_title(title)
    for axes in every.flat[len(titles) :]:
        axes.set_axis_off()
    for axes in used[-n_columns:]:  # also those above an empty place
        axes.tick_params(labelbottom=True)
    return figure, used


def _draw_fold_scores(axes: Axes, part: pd.DataFrame, names: list[str], lowest: float) -> None:
    for line, name in enumerate(names):
        scores = part.loc[part["sampler"] == name, "average_precision"]
        if scores.empty:
            continue
        colour, mean = sampler_colour(name), scores.mean()
        shown = scores[scores >= lowest]
        axes.plot(shown, np.full(len(shown), line), "o", color=colour, alpha=0.45, markersize=4, mec="none")
        if mean >= lowest:
            axes.plot([mean] * 2, [line - 0.3, line + 0.3], color=colour, linewidth=2.2)
        else:
            _point_beyond(axes, lowest, line, mean, colour)


def _point_beyond(axes: Axes, edge: float, line: float, value: float, colour: str) -> None:
    """An arrow at the edge of an axis to a value that lies beyond it, and the value above the arrow."""
    right = value > edge
    axes.plot(edge, line, ">" if right else "<", color=colour, markersize=4)
    place = {"xytext": (-5 if right else 5, 1), "textcoords": "offset points", "ha": "right" if right else "left"}
    axes.annotate(f"{value:.2f}", (edge, line), color=colour, fontsize=6.5, **place)


def mean_precision(table: pd.DataFrame, grid: np.ndarray) -> np.ndarray:
    """Precision at given recalls per fold, the best at that recall or beyond it never interpolated."""
    curves = []
    for ranks in table["ranks"]:
        precision, recall = metrics.precision_recall(ranks)
        curves.append(precision[np.minimum(np.searchsorted(recall, grid - 1e-12), len(ranks) - 1)])
    return np.array(curves)


def plot_pr_curves(
    table: pd.DataFrame, curves: dict[str, tuple[str, str]], prevalence: float, *, by_sampler: bool = False
) -> Figure:
    """Precision at every recall, mean over folds with the band of the folds' middle half.

    Parameters
    ----------
    table : DataFrame
        Ledger rows.
    curves : dict of str to (str, str)
        Label to (sampler, model).
    prevalence : float
        Precision of chance, drawn as a line.
    by_sampler : bool
        Whether a curve has its sampler's colour; else its model's.
    """
    figure, axes = plt.subplots(figsize=(PAGE * 0.62, 3.1))
    grid = np.linspace(0.01, 1, 100)
    drawn: list[str] = []  # a second curve of a colour is dashed
    for name, (sampler, model) in curves.items():
        part = table[(table["sampler"] == sampler) & (table["model"] == model)]
        precision = mean_precision(part, grid)
        colour = sampler_colour(sampler) if by_sampler else model_colour(model)
        low, high = np.quantile(precision, [0.25, 0.75], axis=0)
        axes.fill_between(grid, low, high, color=colour, alpha=0.13, linewidth=0)
        label = f"{name} ({part['average_precision'].mean():.3f})"
        axes.plot(grid, precision.mean(axis=0), "--" if colour in drawn else "-", color=colour, label=label)
        drawn.append(colour)
    axes.axhline(prevalence, color=NEUTRAL, linestyle=":", linewidth=1)
    axes.annotate("chance", (0.01, prevalence), xytext=(0, 3), textcoords="offset points", color=NEUTRAL, fontsize=7)
    axes.set(xlabel="Recall", ylabel="Precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="lower left", bbox_to_anchor=(0, 0.06), title="Mean average precision", title_fontsize=7)
    return figure


def plot_differences(compared: pd.DataFrame, samplers: dict[str, str], models: dict[str, str]) -> Figure:
    """Forest plot of paired differences with intervals: a panel per model, the region of equivalence shaded.

    Parameters
    ----------
    compared : DataFrame
        From `stats.compare_samplers`.
    samplers, models : dict of str to str
        Name to label, in the order to draw.
    """
    figure, panels, names = _panel_per_model(compared, samplers, models)
    for axes, part in panels:
        axes.axvspan(-stats.MARGIN, stats.MARGIN, color="#E4E4E4", linewidth=0, zorder=0)
        axes.axvline(0, color=NEUTRAL, linewidth=0.8)
        for row in part[part["sampler"].isin(names)].itertuples():
            colour, found = sampler_colour(row.sampler), row.verdict != "no evidence"
            _draw_interval(axes, (row.low, row.mean, row.high), names.index(row.sampler), colour, filled=found)
        axes.set_xlim(-WIDEST * 1.03, WIDEST * 1.03)
        axes.grid(axis="y", visible=False)
    figure.supxlabel(
        "Difference of average precision to no resampling, with 95 % interval (grey: equivalent; hollow: no evidence)",
        fontsize=8,
    )
    return figure


def _draw_interval(axes: Axes, interval: tuple[float, float, float], line: float, colour: str, *, filled: bool) -> None:
    """Draw low, mean and high; an arrow where the interval goes on beyond the axis, with the mean if that does, too."""
    low, mean, high = interval
    dot = {"color": colour, "markersize": 4, "mfc": colour if filled else "white"}
    axes.plot(np.clip([low, high], -WIDEST, WIDEST), [line, line], color=colour, linewidth=1.6)
    if low < -WIDEST:
        axes.plot(-WIDEST, line, "<", **dot)
    if high > WIDEST:
        axes.plot(WIDEST, line, ">", **dot)
    if abs(mean) <= WIDEST:
        axes.plot(mean, line, "o", **dot)
    else:
        _point_beyond(axes, np.copysign(WIDEST, mean), line, mean, colour)


def plot_calibration(tables: dict[str, dict[str, list]]) -> Figure:
    """Observed frequency against predicted probability, log-log, with Wilson intervals.

    `tables` maps a label to a table from `metrics.reliability`; its lowest bin, of probabilities near zero, has
    no place on a logarithmic axis and is left out, as are bins without a fraud.
    """
    figure, axes = plt.subplots(figsize=(COLUMN, 3.1))
    colours = cycle((NEUTRAL, FRAUD, LEGITIMATE, SYNTHETIC, *SPARE_COLOURS))
    for (name, table), colour in zip(tables.items(), colours, strict=False):
        rows, positives, means = (np.array(table[key], dtype=float) for key in ("rows", "positives", "mean"))
        shown = (positives > 0) & (means >= LOWEST_PROBABILITY)
        frequency, (low, high) = positives / np.maximum(rows, 1), wilson(positives, rows)
        bars = np.abs(np.array([low, high]) - frequency)[:, shown]
        axes.errorbar(means[shown], frequency[shown], bars, color=colour, marker="o", markersize=3.5, label=name)
    axes.plot([LOWEST_PROBABILITY, 1], [LOWEST_PROBABILITY, 1], color=NEUTRAL, linestyle=":", linewidth=1)
    axes.set(xscale="log", yscale="log", xlabel="Predicted probability", ylabel="Observed share of frauds")
    legend_above(axes)
    return figure


def wilson(positives: np.ndarray, rows: np.ndarray, z: float = 1.96) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's (1927) interval of a share; arrays of one shape."""
    rows = np.maximum(rows, 1)
    share = positives / rows
    centre = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half = z / (1 + z**2 / rows) * np.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    return centre - half, centre + half


def plot_cost(n_alerts: ArrayLike, cost: ArrayLike, chosen: int, days: float) -> Figure:
    """Cost per day against alerts per day, the chosen operating point marked.

    Parameters
    ----------
    n_alerts, cost : arrays of shape (n_points,)
        From `metrics.cost_curve`.
    chosen : int
        Alerts at the chosen threshold.
    days : float
        Days that the rows cover.
    """
    n_alerts, cost = np.asarray(n_alerts), np.asarray(cost)
    figure, axes = plt.subplots(figsize=(COLUMN, 3.1))
    axes.plot(n_alerts / days, cost / days, color=LEGITIMATE, drawstyle="steps-post")
    at = cost[np.searchsorted(n_alerts, chosen, side="right") - 1]
    axes.plot(chosen / days, at / days, "o", color=FRAUD)
    axes.annotate(
        f"{chosen / days:,.0f} alerts a day",
        (chosen / days, at / days),
        xytext=(0, -6),
        textcoords="offset points",
        ha="center",
        va="top",
        color=FRAUD,
        fontsize=7,
    )
    axes.axhline(cost[0] / days, color=NEUTRAL, linestyle=":", linewidth=1)
    axes.annotate("no alerts", (0.98, cost[0] / days), xycoords=("axes fraction", "data"), ha="right", va="bottom")
    axes.set(xscale="symlog", xlabel="Alerts per day", ylabel="Cost per day")
    axes.set_xlim(0, None)
    axes.set_ylim(0, 1.3 * cost[0] / days)
    return figure


def plot_test_curve(ranks: ArrayLike, label: str, prevalence: float) -> Figure:
    """Precision-recall steps of one ranked list with a bootstrap band over the frauds."""
    ranks = np.asarray(ranks)
    figure, axes = plt.subplots(figsize=(COLUMN, 3.1))
    grid = np.linspace(0.01, 1, 100)
    rng = np.random.default_rng(0)
    negatives = ranks - np.arange(1, len(ranks) + 1)
    draws = np.sort(rng.choice(negatives, (500, len(ranks))), axis=1) + np.arange(1, len(ranks) + 1)
    low, high = np.quantile(mean_precision(pd.DataFrame({"ranks": list(draws)}), grid), [0.025, 0.975], axis=0)
    axes.fill_between(grid, low, high, color=FRAUD, alpha=0.15, linewidth=0)
    precision, recall = metrics.precision_recall(ranks)
    axes.plot(recall, precision, color=FRAUD, label=label, drawstyle="steps-pre")
    axes.axhline(prevalence, color=NEUTRAL, linestyle=":", linewidth=1)
    axes.set(xlabel="Recall", ylabel="Precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="lower left", bbox_to_anchor=(0, 0.05))
    return figure


def plot_waterfall(steps: pd.DataFrame, published: float | None = None) -> Figure:
    """Levels as bars, and between them what each fault adds when it is switched on alone.

    Parameters
    ----------
    steps : DataFrame
        From `effects.effects`: name, kind ('level' or 'step'), mean, low and high. Whiskers are the intervals of a
        level, or of a step where it ends.
    published : float, optional
        A published figure, drawn as a line.
    """
    figure, axes = plt.subplots(figsize=(PAGE, 3.0))
    reached = 0.0
    for place, row in enumerate(steps.itertuples()):
        is_level = row.kind == "level"
        start = 0.0 if is_level else reached
        colour = NEUTRAL if is_level else FRAUD if row.mean >= 0 else LEGITIMATE
        axes.bar(place, row.mean, bottom=start, width=0.62, color=colour, alpha=0.85)
        if place:
            axes.plot([place - 0.69, place + 0.31], [reached] * 2, color=NEUTRAL, linewidth=0.7)
        reached = start + row.mean
        axes.vlines(place, start + row.low, start + row.high, color="black", linewidth=0.9)
        text = f"{row.mean:.3f}" if is_level else f"{row.mean:+.3f}"
        above = max(start + row.high, start)
        axes.annotate(text, (place, above), xytext=(0, 3), textcoords="offset points", ha="center", fontsize=7)
    if published is not None:
        axes.axhline(published, color=NEUTRAL, linestyle=":", linewidth=1)
        axes.annotate(f"published: {published:.3f}", (-0.4, published), va="bottom", color=NEUTRAL, fontsize=7)
    names = [name.replace(" ", "\n", 1) if len(name) > 9 else name for name in steps["name"]]
    axes.set_xticks(range(len(steps)), [f"{name[0].upper()}{name[1:]}" for name in names])
    lowest = min(steps.loc[steps["kind"] == "level", "low"])
    bottom = max(0, np.floor(lowest * 10 - 1) / 10)
    # A fault alone can add more than there is room for beside the others; an area itself ends at 1.
    axes.set(ylabel="Area under the precision-recall curve", yticks=np.arange(bottom, 1.01, 0.1), ylim=(bottom, None))
    axes.grid(axis="x", visible=False)
    return figure
