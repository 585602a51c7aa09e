"""Figure of the effects of the original study's faults on its score."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from utils.figures.theme import FRAUD, LEGITIMATE, NEUTRAL, PAGE
from utils.wording import capitalised


def plot_waterfall(steps: pd.DataFrame, published: float | None = None) -> Figure:
    """Levels as bars, and between them the effect of each fault when it is switched on alone.

    Parameters
    ----------
    steps : DataFrame
        From `fault_decomposition.effects`: name, kind ('level' or 'step'), mean, low and high. Whiskers are
        the intervals of a level, or of a step at its end.
    published : float, optional
        A published figure, drawn as a line.
    """
    figure, axes = plt.subplots(figsize=(PAGE, 3.0))
    total = 0.0
    for position, row in enumerate(steps.itertuples()):
        is_level = row.kind == "level"
        start = 0.0 if is_level else total
        colour = NEUTRAL if is_level else FRAUD if row.mean >= 0 else LEGITIMATE
        axes.bar(position, row.mean, bottom=start, width=0.62, color=colour, alpha=0.85)
        if position:
            axes.plot([position - 0.69, position + 0.31], [total] * 2, color=NEUTRAL, linewidth=0.7)
        total = start + row.mean
        axes.vlines(position, start + row.low, start + row.high, color="black", linewidth=0.9)
        text = f"{row.mean:.3f}" if is_level else f"{row.mean:+.3f}"
        top = max(start + row.high, start)
        axes.annotate(text, (position, top), xytext=(0, 3), textcoords="offset points", ha="center", fontsize=7)
    if published is not None:
        axes.axhline(published, color=NEUTRAL, linestyle=":", linewidth=1)
        axes.annotate(f"published: {published:.3f}", (-0.4, published), va="bottom", color=NEUTRAL, fontsize=7)
    names = [name.replace(" ", "\n", 1) if len(name) > 9 else name for name in steps["name"]]
    axes.set_xticks(range(len(steps)), [capitalised(name) for name in names])
    lowest = min(steps.loc[steps["kind"] == "level", "low"])
    bottom = max(0, np.floor(lowest * 10 - 1) / 10)
    # The bar of a single fault can reach beyond 1, where an area itself ends.
    axes.set(ylabel="Area under the precision-recall curve", yticks=np.arange(bottom, 1.01, 0.1), ylim=(bottom, None))
    axes.grid(axis="x", visible=False)
    return figure
