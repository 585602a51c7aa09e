"""Figures of the effects of the study's own choices."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from utils import config
from utils.config import Words
from utils.figures.theme import NEUTRAL, in_labels, model_colour, panel_grid, sampler_colour
from utils.wording import PAYMENTS, reword

# Within a family colours differ by lightness alone; markers distinguish the lines in greyscale, too.
MARKERS = {
    "class_weight": "X",
    "rus": "o",
    "tomek": "s",
    "nearmiss": "^",
    "ros": "o",
    "smote": "s",
    "borderline": "^",
    "adasyn": "v",
    "smoteenn": "D",
    "jitter": "o",
    "cgan": "s",
    "ctgan": "^",
    "arf": "o",
    "copula": "s",
}
LINEAR_TO = 0.02  # the scale is logarithmic beyond, so that a method that fails does not compress it for all others
TICKS = (-1, -0.5, -0.2, -0.1, -0.05, -0.02, 0, 0.02, 0.05, 0.1, 0.2, 0.5, 1)


def plot_ratios(curves: pd.DataFrame, samplers: dict[str, str], models: dict[str, str]) -> Figure:
    """Difference from no resampling against the ratio: a panel per model, a line per sampler with its intervals.

    Differences are of average precision, and the region of equivalence is grey. The scale is linear up to `LINEAR_TO`
    and logarithmic beyond. What a ratio counts depends on the sampler; see `utils.samplers.registry`.

    Parameters
    ----------
    curves : DataFrame
        Columns model, sampler, ratio (text, in the order to draw), mean, low, high.
    samplers, models : dict of str to str
        Name to label, in the order to draw.

    Raises
    ------
    ValueError
        If no row has one of these samplers and models.
    """
    figure = _plot_lines(curves.rename(columns={"ratio": "at"}), samplers, models)
    figure.supxlabel("Ratio", fontsize=8)
    return figure


def plot_scarcity(
    curves: pd.DataFrame, samplers: dict[str, str], models: dict[str, str], words: Words = PAYMENTS
) -> Figure:
    """Difference from no resampling against the number of training frauds, drawn like `plot_ratios`.

    Parameters
    ----------
    curves : DataFrame
        Columns model, sampler, level (text, in the order to draw), mean, low, high, as `scarcity_differences` gives
        them; rows of one ratio.
    samplers, models : dict of str to str
        Name to label, in the order to draw.
    words : Words
        What the study calls its classes.

    Raises
    ------
    ValueError
        If no row has one of these samplers and models, or a sampler has several rows at one number of frauds.
    """
    if curves.duplicated(["model", "sampler", "level"]).any():
        raise ValueError("A sampler has several rows at one number of frauds; choose the rows of one ratio.")
    figure = _plot_lines(curves.rename(columns={"level": "at"}), samplers, models)
    figure.supxlabel(reword("Frauds to train on", in_labels(words)), fontsize=8)
    return figure


def _plot_lines(curves: pd.DataFrame, samplers: dict[str, str], models: dict[str, str]) -> Figure:
    """A panel per model and a line per sampler, along the values of column `at` in their order."""
    curves = curves[curves["model"].isin(models) & curves["sampler"].isin(samplers)]
    if curves.empty:
        raise ValueError("There is no row with these models and samplers; check the names in the frame.")
    measured = [model for model in models if (curves["model"] == model).any()]
    names = [name for name in samplers if (curves["sampler"] == name).any()]
    positions = {value: position for position, value in enumerate(curves["at"].unique())}
    figure, panels = panel_grid([models[model] for model in measured], 1.9, margin=0.75)
    for axes, model in zip(panels, measured, strict=True):
        _draw_lines(axes, curves[curves["model"] == model], names, positions)
    panels[0].set_xticks(range(len(positions)), list(positions))
    panels[0].set_xlim(-0.5, len(positions) - 0.5)
    low, high = _axis_limits(curves)
    ticks = [tick for tick in TICKS if low <= tick <= high]
    for axes in panels:
        axes.set_yscale("symlog", linthresh=LINEAR_TO, linscale=0.6)
        axes.set(ylim=(low, high), yticks=ticks, yticklabels=[f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        if axes.get_subplotspec().is_first_col():
            axes.set_ylabel("Difference from no resampling")
    handles = [Line2D([], [], **_style(name), label=samplers[name]) for name in names]
    figure.legend(handles=handles, loc="outside upper left", ncols=6)
    return figure


def _draw_lines(axes: Axes, model_rows: pd.DataFrame, names: list[str], positions: dict[str, int]) -> None:
    axes.axhspan(-config.MARGIN, config.MARGIN, color="#E4E4E4", linewidth=0, zorder=0)
    axes.axhline(0, color=NEUTRAL, linewidth=0.8)
    for number, name in enumerate(names):
        rows = model_rows[model_rows["sampler"] == name].sort_values("at", key=lambda values: values.map(positions))
        offset = 0.6 * ((number + 0.5) / len(names) - 0.5)  # intervals at one position are drawn side by side
        at = rows["at"].map(positions) + offset
        axes.vlines(at, rows["low"], rows["high"], color=sampler_colour(name), linewidth=0.8, alpha=0.7)
        axes.plot(at, rows["mean"], **_style(name))


def _style(name: str) -> dict[str, object]:
    colour = sampler_colour(name)
    return {"color": colour, "marker": MARKERS.get(name, "P"), "markersize": 3.5, "mec": "white", "mew": 0.3}


def _axis_limits(curves: pd.DataFrame) -> tuple[float, float]:
    """Ends of the axis: a little beyond the intervals and the region of equivalence."""
    nearest = 2 * config.MARGIN
    return 1.15 * min(curves["low"].min(), -nearest), 1.15 * max(curves["high"].max(), nearest)


def plot_settings(table: pd.DataFrame, models: dict[str, str]) -> Figure:
    """Mean average precision of each model at each setting, with a line from the lowest fold to the highest.

    Parameters
    ----------
    table : DataFrame
        Columns model, setting, mean, low, high, from `sensitivity.spread`.
    models : dict of str to str
        Name to label.
    """
    measured, settings = list(table["model"].unique()), list(table["setting"].unique())
    figure, panels = panel_grid([models[model] for model in measured], 0.3 * max(3, len(settings)), margin=0.6)
    for axes, model in zip(panels, measured, strict=True):
        rows = table[table["model"] == model].set_index("setting").reindex(settings)
        lines = range(len(settings))
        axes.hlines(lines, rows["low"], rows["high"], color=NEUTRAL, linewidth=1)
        axes.plot(rows["mean"], lines, "o", color=model_colour(model), markersize=4)
    panels[0].set_yticks(range(len(settings)), settings)
    panels[0].set_ylim(len(settings) - 0.5, -0.5)
    panels[0].locator_params(axis="x", nbins=5)
    is_single = table["low"].equals(table["high"])
    scores = "Average precision on one fold" if is_single else "Average precision: mean, lowest and highest fold"
    figure.supxlabel(scores, fontsize=8)
    return figure
