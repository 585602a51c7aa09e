"""Figures of the final model's card."""

from __future__ import annotations

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from utils.figures.theme import COLUMN, MAX_LETTERS, NEUTRAL, plain, shorten
from utils.wording import capitalised, metric_text


def plot_attributions(shares: pd.Series, n_columns: int = 12) -> Figure:
    """Share of each column in the mean absolute contribution to the log odds, largest first."""
    shares = shares.sort_values().tail(n_columns)
    figure, axes = plt.subplots(figsize=(COLUMN, 0.2 * len(shares) + 0.6), layout="constrained")
    axes.barh(range(len(shares)), shares, color=NEUTRAL)
    axes.set_yticks(range(len(shares)), [shorten(name, MAX_LETTERS) for name in shares.index])
    axes.set(xlabel="Share of the mean absolute contribution", xlim=(0, None))
    return figure


def plot_score_card(card: pd.Series, title: str) -> Figure:
    """A table of the metrics of the final model for a fraud desk; see `final_model.score_card`."""
    figure, axes = plt.subplots(figsize=(1.4 * COLUMN, 0.22 * len(card) + 0.5), layout="constrained")
    axes.set_axis_off()
    axes.set_title(title, loc="left")
    cells = [[plain(capitalised(name)), text] for name, text in card_texts(card).items()]
    table = axes.table(cells, cellLoc="left", colWidths=[0.78, 0.22], bbox=[0, 0, 1, 1], edges="horizontal")
    table.auto_set_font_size(False)
    table.set_fontsize(8)
    for (_, column), cell in table.get_celld().items():
        cell.set_linewidth(0.4)
        cell.get_text().set_horizontalalignment("right" if column else "left")
    return figure


def card_texts(card: pd.Series) -> pd.Series:
    """The values of a score card as texts; see `wording.metric_text`.

    Parameters
    ----------
    card : Series
        From `final_model.score_card`.
    """
    return pd.Series({name: metric_text(name, value) for name, value in card.items()}, dtype=object)
