"""Figure of the effects of the original study's faults on its score."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from utils.figures.theme import FRAUD, LEGITIMATE, NEUTRAL, PAGE
from utils.wording import capitalised

EDGE = 0.31  # of a bar, from its middle
# White behind a label keeps lines from crossing it.
LABEL = {"textcoords": "offset points", "fontsize": 7, "bbox": {"color": "white", "pad": 0.6}}


def plot_waterfall(steps: pd.DataFrame, published: float | None = None) -> Figure:
    """Levels as dots, and between them bars for the effect of each fault when it is switched on alone.

    Parameters
    ----------
    steps : DataFrame
        From `fault_decomposition.effects`: name, kind ('level' or 'step'), mean, low and high. Whiskers are
        the intervals of a level, or of a step, drawn at the end of its bar.
    published : float, optional
        A published figure, drawn as a line.
    """
    figure, axes = plt.subplots(figsize=(PAGE, 3.0))
    total = edge = 0.0
    for position, row in enumerate(steps.itertuples()):
        is_level = row.kind == "level"
        start = 0.0 if is_level else total
        if position:
            axes.plot([position - 1 + edge, position + (0 if is_level else EDGE)], [total] * 2, color=NEUTRAL, lw=0.7)
        edge = 0 if is_level else EDGE
        total = start + row.mean
        axes.vlines(position, start + row.low, start + row.high, color="black", linewidth=0.9)
        if is_level:
            axes.plot(position, row.mean, "o", color="black", markersize=6)
        else:
            colour = FRAUD if row.mean >= 0 else LEGITIMATE
            axes.bar(position, row.mean, bottom=start, width=2 * EDGE, color=colour, alpha=0.85)
        text = f"{row.mean:.3f}" if is_level else f"{row.mean:+.3f}".replace("-", "−")
        top = max(start + row.high, start)
        axes.annotate(text, (position, top), xytext=(0, 4), ha="center", **LABEL)
    if published is not None:
        axes.axhline(published, color=NEUTRAL, linestyle=":", linewidth=1)
        label = f"published: {published:.3f}"
        axes.annotate(label, (-0.4, published), xytext=(0, 4), va="bottom", color=NEUTRAL, **LABEL)
    axes.set_xlim(-0.5, len(steps) - 0.5)
    names = [name.replace(" ", "\n", 1) if len(name) > 9 else name for name in steps["name"]]
    axes.set_xticks(range(len(steps)), [capitalised(name) for name in names])
    lowest = min(steps.loc[steps["kind"] == "level", "low"])
    bottom = max(0, np.floor(lowest * 10 - 1) / 10)
    # The effect of a single fault can reach beyond 1, where an area itself ends.
    axes.set(ylabel="Area under the precision-recall curve", yticks=np.arange(bottom, 1.01, 0.1), ylim=(bottom, None))
    axes.grid(axis="x", visible=False)
    return figure
