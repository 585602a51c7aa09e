"""Figures of the conditional GAN: its training, its synthetic rows, and the effects of its choices."""

from __future__ import annotations

from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import ArrayLike

from utils.config import Words
from utils.figures.theme import (
    FRAUD,
    LEGITIMATE,
    MAX_NAME,
    NEUTRAL,
    PAGE,
    SYNTHETIC,
    in_labels,
    legend_above,
    plain,
    sampler_colour,
    shorten,
    strongest,
)
from utils.wording import PAYMENTS, capitalised

MAX_PANELS, MAX_WIDE_PANELS = 42, 24  # of short and of long names
FEW_VARIANTS = 3  # whose panels are so narrow that few numbers fit below them
MAX_TITLE, MAX_CATEGORY = 26, 12  # letters of a panel's title, and of a category below its axis
MAX_VALUES = 6  # of a category, with all others as the last


def plot_gan_history(history: pd.DataFrame) -> Figure:
    """Losses over updates; the frame has a column 'update' and one column per loss."""
    losses = [name for name in history if name != "update"]
    figure, panels = plt.subplots(1, len(losses), figsize=(PAGE, 2.1), squeeze=False)
    for axes, name in zip(panels[0], losses, strict=True):
        axes.plot(history["update"], history[name], color=sampler_colour("cgan"), linewidth=0.9)
        axes.set(title=name.replace("_", " ").capitalize(), xlabel="Update")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    return figure


def plot_ablation(effects: pd.DataFrame, figures: dict[str, str], labels: dict[str, str]) -> Figure:
    """Effect of each variant of the GAN on each figure of fidelity: a panel per figure, a line per variant.

    Parameters
    ----------
    effects : DataFrame
        From `comparisons.compare_variants`.
    figures, labels : dict of str to str
        Name to label of figures and variants, in the order to draw.
    """
    variants = [name for name in labels if name in set(effects.dropna(subset="mean")["variant"])]
    figure, panels = plt.subplots(
        1, len(figures), figsize=(PAGE, max(1.5, 0.75 + 0.15 * len(variants))), sharey=True, squeeze=False
    )
    titles = {name: fill(title, 18) for name, title in figures.items()}
    n_breaks = max(title.count("\n") for title in titles.values())
    is_cut = False
    for axes, (name, title) in zip(panels[0], titles.items(), strict=True):
        rows = effects[effects["figure"] == name].set_index("variant").loc[variants]
        is_cut |= _draw_variants(axes, rows)
        axes.set_title(title + "\n" * (n_breaks - title.count("\n")), fontsize=8)  # all begin at the same height
        axes.grid(axis="y", visible=False)
        if len(variants) <= FEW_VARIANTS:
            axes.xaxis.set_major_locator(MaxNLocator(2))
    panels[0][0].set_yticks(range(len(variants)), [plain(labels[name]) for name in variants])
    panels[0][0].set_ylim(len(variants) - 0.4, -0.6)
    arrows = "; arrow: beyond the axis" if is_cut else ""
    figure.supxlabel(f"Difference from the default, with 95 % interval over folds{arrows}", fontsize=8)
    return figure


def _draw_variants(axes: Axes, rows: pd.DataFrame) -> bool:
    """Means with intervals, and an arrow for an end beyond the axis; returns whether there is such an end.

    The axis is limited by the spread of the means, not by the widest interval, and shows the default at zero.
    """
    colour, lines = sampler_colour("cgan"), np.arange(len(rows))
    axes.axvline(0, color=NEUTRAL, linewidth=0.8)
    widest = 2.5 * np.abs(rows["mean"]).max()
    low, high = max(min(rows["low"].min(), 0), -widest), min(max(rows["high"].max(), 0), widest)
    if widest > 0:  # neither unknown nor without any difference
        axes.set_xlim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    axes.hlines(lines, rows["low"].clip(lower=low), rows["high"].clip(upper=high), color=colour, linewidth=1.4)
    axes.plot(rows["mean"], lines, "o", color=colour, markersize=3.5)
    ends = ((low, "<", lines[rows["low"] < low]), (high, ">", lines[rows["high"] > high]))
    for end, marker, beyond in ends:
        axes.plot(np.full(len(beyond), end), beyond, marker, color=colour, markersize=3.5)
    return any(len(beyond) for *_, beyond in ends)


def plot_marginals(
    real: pd.DataFrame, synthetic: pd.DataFrame, words: Words = PAYMENTS, *, effects: pd.Series | None = None
) -> Figure:
    """Real against synthetic values of each column, one panel each: histograms of numbers, shares of categories.

    A share is that of all rows, so that gaps lower it; where a column of numbers has some, the panel says how many.

    Parameters
    ----------
    real, synthetic : DataFrame
        Rows with the same columns: numbers, and categories of any other type.
    words : Words
        Words of the study.
    effects : Series
        How well each column separates the classes; of more columns than there is room for, the first by it are shown.
        By default these are the first of the table.
    """
    is_plain = all(pd.api.types.is_numeric_dtype(real[name]) and len(str(name)) <= MAX_NAME for name in real)
    n_columns, height = (6, 1.05) if is_plain else (4, 1.25)
    names = strongest(real, effects, MAX_PANELS if is_plain else MAX_WIDE_PANELS)
    n_lines = -(-len(names) // n_columns)
    figure, panels = plt.subplots(n_lines, n_columns, figsize=(PAGE, max(1.6, height * n_lines)), squeeze=False)
    for axes, name in zip(panels.flat, names, strict=False):
        draw = _draw_numbers if pd.api.types.is_numeric_dtype(real[name]) else _draw_categories
        draw(axes, real[name], synthetic[name])
        axes.set_title(shorten(name, MAX_TITLE), fontsize=7, pad=2)
        axes.set_yticks([])
        axes.tick_params(labelsize=6)
    for axes in panels.flat[len(names) :]:
        axes.set_axis_off()
    handles = [Line2D([], [], color=colour) for colour in (FRAUD, SYNTHETIC)]
    names = [f"{kind} {in_labels(words).positives}" for kind in ("Real", "Synthetic")]
    figure.legend(handles, names, loc="outside upper right", ncols=2)
    return figure


def _draw_numbers(axes: Axes, real: pd.Series, synthetic: pd.Series) -> None:
    """Histograms on one range, and the shares of gaps if there are any."""
    known = real.dropna()
    low, high = np.quantile(known, [0.005, 0.995]) if len(known) else (0, 1)
    width = max(1, 1e-12 * abs(low))  # of a single value; beside a large one, 1 is nothing
    edges = np.linspace(low, high if high > low else low + width, 25)
    if len(known) and (known % 1 == 0).all():  # such as years: no ticks between them, and no empty bars
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
        axes.ticklabel_format(axis="x", useOffset=False)
        edges = np.arange(np.floor(low), np.ceil(high) + 2) - 0.5 if high - low < len(edges) and width == 1 else edges
    for column, colour in ((real, FRAUD), (synthetic, SYNTHETIC)):
        counts, _ = np.histogram(column.dropna(), edges)
        axes.stairs(counts / len(column), edges, color=colour, linewidth=1)
    gaps = [column.isna().mean() for column in (real, synthetic)]
    if any(gaps):
        text = f"gaps: {gaps[0]:.0%}, {gaps[1]:.0%}"
        axes.text(0.98, 0.95, text, fontsize=5.5, ha="right", va="top", transform=axes.transAxes)


def _draw_categories(axes: Axes, real: pd.Series, synthetic: pd.Series) -> None:
    """Shares of the most frequent values, and of all others together."""
    texts = [column.astype(object).where(column.notna(), "missing").astype(str) for column in (real, synthetic)]
    ordered = pd.concat(texts).value_counts().index
    shown = list(ordered if len(ordered) <= MAX_VALUES else ordered[: MAX_VALUES - 1])
    edges = np.arange(len(shown) + 2 if len(ordered) > len(shown) else len(shown) + 1)
    for column, colour in zip(texts, (FRAUD, SYNTHETIC), strict=True):
        shares = column.value_counts(normalize=True).reindex(shown, fill_value=0).tolist()
        heights = [*shares, 1 - sum(shares)][: len(edges) - 1]
        axes.stairs(heights, edges, color=colour, linewidth=1)
    labels = [shorten(value, MAX_CATEGORY) for value in [*shown, "others"][: len(edges) - 1]]
    axes.set_xticks(edges[:-1] + 0.5, labels, rotation=35, ha="right", rotation_mode="anchor")
    axes.grid(axis="x", visible=False)


def plot_embedding(points: ArrayLike, kinds: ArrayLike, words: Words = PAYMENTS) -> Figure:
    """Scatter of a two-dimensional embedding of shape (n_rows, 2), coloured by kind.

    A kind is the study's word for the negative class, or 'Real' or 'Synthetic' with that for the positive class, each
    with a capital letter.
    """
    points, kinds = np.asarray(points), np.asarray(kinds)
    styles = {
        capitalised(words.negative): (LEGITIMATE, 4, 0.35),
        f"Synthetic {words.positive}": (SYNTHETIC, 9, 0.6),
        f"Real {words.positive}": (FRAUD, 9, 0.8),
    }
    figure, axes = plt.subplots(figsize=(PAGE * 0.6, 3.8))
    for kind, (colour, size, alpha) in styles.items():
        chosen = points[kinds == kind]
        axes.scatter(*chosen.T, s=size, color=colour, alpha=alpha, linewidth=0, label=plain(kind), rasterized=True)
    axes.set(xticks=[], yticks=[], xlabel="First t-SNE dimension", ylabel="Second t-SNE dimension")
    legend_above(axes)
    return figure
