"""Words of a study in figures: a dollar sign in them begins no formula, and axes that need formulas keep theirs."""

import inspect

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from tests.utils.figures.test_drift import HOURS, MEDIANS
from tests.utils.figures.test_figures import EFFECTS, LABELS, RELIABILITY, make_features
from tests.utils.figures.test_sensitivity import CURVES, MODELS, SAMPLERS
from utils import figures
from utils.config import Words
from utils.wording import capitalised, reword

pytestmark = pytest.mark.usefixtures("theme")

WORDS = Words("$row$", "$rows$", "$gain$", "$gains$", "$plain$")
ROWS = make_features()
KINDS = [capitalised(WORDS.negative), f"Real {WORDS.positive}", f"Synthetic {WORDS.positive}"]
VARIANTS = {"default": "as configured", "packed": reword("Legitimate rows: 400 of the transactions", WORDS)}
DRAWINGS = {
    "plot_hours": lambda: figures.plot_hours(np.arange(100) % 24, LABELS, WORDS),
    "plot_amounts": lambda: figures.plot_amounts(np.arange(100), LABELS, WORDS),
    "plot_marginals": lambda: figures.plot_marginals(ROWS, ROWS, WORDS),
    "plot_embedding": lambda: figures.plot_embedding(np.arange(120).reshape(60, 2), np.repeat(KINDS, 20), WORDS),
    "plot_calibration": lambda: figures.plot_calibration({"As fitted": RELIABILITY}, WORDS),
    "plot_periods_by_hour": lambda: figures.plot_periods_by_hour(HOURS, WORDS),
    "plot_medians": lambda: figures.plot_medians(MEDIANS, 40.3, WORDS),
    "plot_scarcity": lambda: figures.plot_scarcity(CURVES.rename(columns={"ratio": "level"}), SAMPLERS, MODELS, WORDS),
}
WITH_TITLES = {  # to which notebooks give the words as a part of other texts
    "plot_correlations": lambda: figures.plot_correlations({f"Real {WORDS.positives} of {WORDS.rows}": ROWS}),
    "plot_ablation": lambda: figures.plot_ablation(EFFECTS, {"ratio": "Ratio"}, VARIANTS),
    "plot_score_card": lambda: figures.plot_score_card(pd.Series({f"share of {WORDS.rows}": 0.5}), "A model"),
}


def texts_of(figure) -> list[mpl.text.Text]:
    """All texts after drawing, which fails where one is a broken formula; those of tables are no children of these."""
    figure.canvas.draw()
    cells = [cell.get_text() for axes in figure.axes for table in axes.tables for cell in table.get_celld().values()]
    return [*figure.findobj(mpl.text.Text), *cells]


def test_words_are_tested_in_every_figure_that_takes_them():
    names = [name for name in figures.__all__ if name.startswith("plot_")]
    assert {name for name in names if "words" in inspect.signature(getattr(figures, name)).parameters} == set(DRAWINGS)


@pytest.mark.parametrize("name", [*DRAWINGS, *WITH_TITLES])
def test_figures_take_no_dollar_sign_in_a_word_for_a_formula(name):
    figure = (DRAWINGS | WITH_TITLES)[name]()
    drawn = {text._preprocess_math(text.get_text()) for text in texts_of(figure)}
    assert not [text for text, is_formula in drawn if is_formula and r"\mathdefault" not in text]
    assert [text for text, _ in drawn if any(word.lower() in text.lower() for word in vars(WORDS).values())]
    assert not [text for text, is_formula in drawn if not is_formula and "\\" in text]


def test_figures_keep_the_formulas_of_logarithmic_axes():
    drawn = {text._preprocess_math(text.get_text()) for text in texts_of(DRAWINGS["plot_calibration"]())}
    assert (r"$\mathdefault{10^{-1}}$", True) in drawn
