"""Figures of the final model's card."""

from __future__ import annotations

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from utils.figures.theme import COLUMN, MAX_LETTERS, NEUTRAL, plain, shorten
from utils.wording import capitalised

SHARES, RATES = ("precision", "recall", "cost saved"), ("alerts",)  # beginnings of the names of such metrics


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
    """The values of a score card as texts: shares in percent, counts whole, and scores with three decimals.

    A rate of less than ten alerts a day keeps two digits, and a score below 0.001 one.

    Parameters
    ----------
    card : Series
        From `final_model.score_card`.

    Examples
    --------
    >>> card = pd.Series({"ROC AUC": 0.98761, "recall at the threshold": 0.8, "alerts a day at the threshold": 448.3})
    >>> card_texts(card).tolist()
    ['0.988', '80.0 %', '448']
    """
    return pd.Series({name: _text(name, value) for name, value in card.items()}, dtype=object)


def _text(name: str, value: float | None) -> str:
    if pd.isna(value):
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if name.startswith(SHARES):
        return f"{100 * value:.1f} %"
    if value >= 10:
        return f"{value:,.0f}"
    if name.startswith(RATES):
        return f"{value:.2g}"
    return f"{value:.3f}" if value >= 0.001 or value == 0 else f"{value:.1g}"
