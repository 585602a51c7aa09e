"""Figures of the final model's card."""

import pandas as pd
import pytest

from utils.figures import model_card as model_card_figures

pytestmark = pytest.mark.usefixtures("theme")


def test_plot_attributions_shows_the_largest_shares_first():
    shares = pd.Series({f"V{i}": 1 / (i + 1) for i in range(20)})
    (axes,) = model_card_figures.plot_attributions(shares, n_columns=5).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["V4", "V3", "V2", "V1", "V0"]
    assert [bar.get_width() for bar in axes.patches] == sorted(shares.head(5))


def test_plot_attributions_shortens_names_and_keeps_columns_apart_that_begin_and_end_alike():
    start, end = "x" * 20, "y" * 20
    shares = pd.Series({f"{start}1{end}": 0.5, f"{start}2{end}": 0.3, "sales_$_vs_$": 0.2})
    figure = model_card_figures.plot_attributions(shares)
    figure.canvas.draw()
    (axes,) = figure.axes
    short = f"{'x' * 16}…{'y' * 7}"
    assert [label.get_text() for label in axes.get_yticklabels()] == [r"sales_\$_vs_\$", short, short]
    assert [bar.get_width() for bar in axes.patches] == [0.2, 0.3, 0.5]


def test_plot_score_card_prints_counts_as_whole_numbers():
    card = pd.Series({"rows": 12345, "alerts": 0, "area": 0.123456, "precision": None}, dtype=object)
    (table,) = model_card_figures.plot_score_card(card, "A model").axes[0].tables
    cells = [cell.get_text().get_text() for (_, column), cell in sorted(table.get_celld().items()) if column]
    assert cells == ["12,345", "0", "0.123", "–"]


def test_plot_score_card_prints_every_line():
    card = pd.Series({"average precision": 0.81234, "alerts a day at the threshold": 1234.5, "precision": None})
    (axes,) = model_card_figures.plot_score_card(card, "A model").axes
    texts = [cell.get_text().get_text() for cell in axes.tables[0].get_celld().values()]
    assert texts == ["Average precision", "0.812", "Alerts a day at the threshold", "1,234", "Precision", "–"]
    assert axes.get_title(loc="left") == "A model"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("average precision", 0.78923, "0.789"),
        ("Brier score", 0.0004198, "0.0004"),
        ("calibration error", 0.0, "0.000"),
        ("precision at 100 alerts a day", 1.0, "100.0 %"),
        ("recall at the threshold", 0.797, "79.7 %"),
        ("cost saved, share of the loss without alerts", -0.5, "-50.0 %"),
        ("alerts a day at the threshold", 448.3, "448"),
        ("alerts a day at the threshold", 0.0142, "0.014"),
        ("alerts at the threshold", 3, "3"),
        ("share of claims that are alerts", 0.0123, "1.2 %"),
    ],
)
def test_card_texts_round_each_metric_to_what_can_be_read(name, value, text):
    assert model_card_figures.card_texts(pd.Series({name: value}, dtype=object)).to_dict() == {name: text}
