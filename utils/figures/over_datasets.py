"""Figures that compare samplers over many datasets."""

from __future__ import annotations

from itertools import cycle, pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullFormatter

from utils import config
from utils.analysis.over_datasets import NOT_USED
from utils.figures.theme import NEUTRAL, PAGE, model_colour, panel_per_model, sampler_colour

OUTCOME_COLOURS = {"harms": ("#D55E00", "white"), "equivalent": ("#C8C8C8", "black"), "helps": ("#0072B2", "white")}
WIDEST = 0.2  # end of the axis of differences; what lies beyond is drawn at its end, as an arrow
HATCHED = {"edgecolor": "white", "hatch": "////", "linewidth": 0}
APART = 0.02  # of the width of the axis of ranks: dots that lie closer hide each other
READABLE = 0.12  # share of a bar that has room for its probability


def plot_probabilities(effects: pd.DataFrame, samplers: dict[str, str], models: dict[str, str]) -> Figure:
    """Probability that a sampler harms, does not matter or helps: a panel per model, a bar per sampler.

    Parameters
    ----------
    effects : DataFrame
        From `analysis.over_datasets.effects`, or `verdicts`, which say which samplers were not used; these are hatched.
    samplers, models : dict of str to str
        Name to label, in the order to draw.
    """
    figure, panels, names = panel_per_model(effects, samplers, models, margin=0.75)
    has_unused = False
    for model, axes in panels.items():
        own = effects[effects["model"] == model].set_index("sampler").reindex(names[model])
        left = np.zeros(len(own))
        for outcome, (colour, ink) in OUTCOME_COLOURS.items():
            bars = axes.barh(range(len(own)), own[outcome], left=left, color=colour, height=0.7)
            texts = [f"{100 * share:.0f}" if share >= READABLE else "" for share in own[outcome]]
            axes.bar_label(bars, texts, label_type="center", fontsize=6.5, color=ink)
            left += own[outcome].to_numpy()
        unused = np.flatnonzero(own["verdict"] == NOT_USED) if "verdict" in own else []
        axes.barh(unused, 1, height=0.7, facecolor="none", **HATCHED)
        has_unused |= len(unused) > 0
        axes.set(xlim=(0, 1), xticks=[0, 0.5, 1], xticklabels=["0", "50", "100 %"])
        axes.grid(visible=False)
    patches = [Patch(color=colour, label=outcome) for outcome, (colour, _) in OUTCOME_COLOURS.items()]
    patches += [Patch(facecolor="#C8C8C8", **HATCHED, label=NOT_USED)] if has_unused else []
    figure.legend(handles=patches, loc="outside upper right", ncols=len(patches))
    figure.supxlabel(f"Posterior probability (equivalent: within ±{config.MARGIN:g})", fontsize=8)
    return figure


def plot_family_differences(differences: pd.DataFrame, samplers: dict[str, str], models: dict[str, str]) -> Figure:
    """Differences of samplers from no resampling: a panel per model, a dot per family, a bar for their mean.

    Parameters
    ----------
    differences : DataFrame of shape (n_families, n_pairs)
        From `analysis.over_datasets.differences_to`.
    samplers, models : dict of str to str
        Name to label, in the order to draw.
    """
    pairs = differences.columns.to_frame(index=False)
    figure, panels, names = panel_per_model(pairs, samplers, models, margin=0.4)
    for model, axes in panels.items():
        axes.axvspan(-config.MARGIN, config.MARGIN, color="#E4E4E4", linewidth=0, zorder=0)
        axes.axvline(0, color=NEUTRAL, linewidth=0.8)
        for line, name in enumerate(names[model]):
            if (model, name) in differences:
                _draw_families(axes, differences[model, name].dropna(), line, sampler_colour(name))
        axes.set_xlim(-WIDEST * 1.05, WIDEST * 1.05)
        axes.grid(axis="y", visible=False)
    figure.supxlabel(
        "Difference in average precision from no resampling (dots: families, bars: their mean)", fontsize=8
    )
    return figure


def _draw_families(axes: Axes, values: pd.Series, line: int, colour: str) -> None:
    """A dot per family, an arrow at the end of the axis for one beyond it, and a bar for the mean."""
    beyond = values.abs() > WIDEST
    style = {"color": colour, "alpha": 0.5, "markersize": 4, "mec": "none"}
    axes.plot(values[~beyond], np.full((~beyond).sum(), line), "o", **style)
    for value in values[beyond]:
        axes.plot(np.copysign(WIDEST, value), line, ">" if value > 0 else "<", **style)
    mean = np.clip(values.mean(), -WIDEST, WIDEST)
    axes.plot([mean] * 2, [line - 0.32, line + 0.32], color=colour, linewidth=2.2)


def plot_rank_diagrams(scores: pd.DataFrame, samplers: dict[str, str], models: dict[str, str]) -> Figure:
    """Critical-difference diagrams (Demšar, 2006), one per model: bars join what Nemenyi's test can't tell apart.

    Parameters
    ----------
    scores : DataFrame of shape (n_families, n_pairs)
        From `analysis.over_datasets.family_scores`; families that lack a sampler are left out.
    samplers, models : dict of str to str
        Name to label; models in the order to draw.
    """
    from scikit_posthocs import critical_difference_diagram, posthoc_nemenyi_friedman

    names = [name for name in models if name in scores]
    figure, panels = plt.subplots(len(names), 1, figsize=(PAGE, 1.75 * len(names)), squeeze=False)
    for axes, model in zip(panels.flat, names, strict=True):
        complete = scores[model].dropna().rename(columns=samplers)
        colours = {samplers[name]: sampler_colour(name) for name in scores[model]}
        drawn = critical_difference_diagram(
            complete.rank(axis=1, ascending=False).mean(),
            posthoc_nemenyi_friedman(complete),
            ax=axes,
            label_fmt_left="{label} ({rank:.1f})",
            label_fmt_right="({rank:.1f}) {label}",
            label_props={"fontsize": 7},
            color_palette=colours,
            crossbar_props={"linewidth": 1.6, "color": NEUTRAL},
        )
        for (bar,) in drawn["crossbars"]:  # its points are in the order of a set, which differs between processes
            bar.set_xdata(sorted(bar.get_xdata()))
        for label in drawn["labels"]:
            label.set_color("black")
        _shrink_hidden(axes, drawn["markers"])
        axes.spines["top"].set_visible(True)
        axes.set_title(f"{models[model]}: mean rank over {len(complete)} families")
        axes.grid(visible=False)
    return figure


def _shrink_hidden(axes: Axes, dots: list[PathCollection]) -> None:
    """Make a dot smaller than the one at its left that it would hide, and draw it on top."""
    dots = sorted(dots, key=lambda dot: dot.get_offsets()[0, 0])
    width = np.ptp(axes.get_xlim())
    for left, right in pairwise(dots):
        if right.get_offsets()[0, 0] - left.get_offsets()[0, 0] < APART * width:
            right.set(sizes=0.55 * left.get_sizes(), zorder=left.get_zorder() + 1)


def plot_effects_by_trait(
    differences: pd.DataFrame, traits: pd.DataFrame, pairs: dict[str, tuple[str, str]], labels: dict[str, str]
) -> Figure:
    """Difference from no resampling on every table against its traits: a panel per trait, a marker per pair.

    A difference beyond the axis is an arrow at its end.

    Parameters
    ----------
    differences : DataFrame of shape (n_tables, n_pairs)
        Columns: (model, sampler).
    traits : DataFrame of shape (n_tables, n_traits)
        All positive; the axes are logarithmic.
    pairs : dict of str to (str, str)
        Label to (model, sampler) of the pairs to draw.
    labels : dict of str to str
        Trait to the label of its axis, in the order to draw.
    """
    size = (PAGE, 2.3)
    figure, panels = plt.subplots(1, len(labels), figsize=size, sharey=True, squeeze=False, layout="constrained")
    for axes, (trait, label) in zip(panels.flat, labels.items(), strict=True):
        axes.axhspan(-config.MARGIN, config.MARGIN, color="#E4E4E4", linewidth=0, zorder=0)
        for (name, pair), marker in zip(pairs.items(), cycle("osD")):
            values, style = differences[pair].dropna(), {"color": model_colour(pair[0]), "alpha": 0.6, "mec": "none"}
            at, beyond = traits.loc[values.index, trait], values.abs() > WIDEST
            axes.plot(at[~beyond], values[~beyond], marker, label=name, markersize=3.5, **style)
            for x, value in zip(at[beyond], values[beyond], strict=True):
                axes.plot(x, np.copysign(WIDEST, value), "^" if value > 0 else "v", markersize=5, **style)
        axes.set(xscale="log", xlabel=label, ylim=(-WIDEST * 1.05, WIDEST * 1.05))
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
    panels[0, 0].set_ylabel("Difference of average precision")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=len(pairs))
    return figure
