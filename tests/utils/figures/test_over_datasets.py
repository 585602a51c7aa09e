"""Figures over many datasets show the numbers that they were given."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from utils.analysis import over_datasets as analysis
from utils.figures import over_datasets as figures
from utils.figures.theme import THEME, sampler_colour

SAMPLERS = {"none": "No resampling", "ros": "Random oversampling", "smote": "SMOTE", "cgan": "CGAN"}
MODELS = {"lr": "Logistic regression", "rf": "Random forest", "xgb": "XGBoost"}
NONE = np.linspace(0.3, 0.8, 12)
SHIFTS = {"none": 0.0, "ros": -0.05, "smote": 0.03, "cgan": 0.1}


@pytest.fixture(autouse=True)
def theme():
    with mpl.rc_context(THEME):
        yield
    plt.close("all")


@pytest.fixture(scope="module")
def scores():
    """Two models on twelve families, with samplers of a known order."""
    wave = 0.004 * np.sin(np.arange(12))
    columns = {(m, s): NONE + shift + wave * (s != "none") for m in ("lr", "xgb") for s, shift in SHIFTS.items()}
    return pd.DataFrame(columns, [f"f{n}" for n in range(12)]).rename_axis(columns=["model", "sampler"])


def texts_of(axes):
    return [text.get_text() for text in axes.texts]


def test_plot_probabilities_stacks_the_three_outcomes(scores):
    effects = analysis.effects(analysis.differences_to(scores))
    figure = figures.plot_probabilities(effects, SAMPLERS, MODELS)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Logistic regression", "XGBoost"]
    first = figure.axes[0]
    assert [label.get_text() for label in first.get_yticklabels()] == ["Random oversampling", "SMOTE", "CGAN"]
    widths = np.reshape([bar.get_width() for bar in first.patches], (3, 3))
    own = effects[effects["model"] == "lr"]
    np.testing.assert_allclose(widths, own[list(analysis.OUTCOMES)].to_numpy().T)
    np.testing.assert_allclose(widths.sum(axis=0), 1)
    assert [text for text in texts_of(first) if text] == ["100"] * 3


def test_plot_probabilities_writes_no_number_into_a_bar_too_short_for_it():
    row = {"model": "lr", "sampler": "cgan", "harms": 0.05, "equivalent": 0.15, "helps": 0.8}
    (axes,) = figures.plot_probabilities(pd.DataFrame([row]), SAMPLERS, MODELS).axes
    assert texts_of(axes) == ["", "15", "80"]


def test_plot_probabilities_hatches_what_was_not_used():
    row = {"model": "lr", "harms": 0.0, "equivalent": 1.0, "helps": 0.0}
    effects = pd.DataFrame([row | {"sampler": "ros", "verdict": "not used"}, row | {"sampler": "cgan", "verdict": "x"}])
    figure = figures.plot_probabilities(effects, SAMPLERS, MODELS)
    hatched = [bar for bar in figure.axes[0].patches if bar.get_hatch()]
    assert [bar.get_y() + bar.get_height() / 2 for bar in hatched] == [0]
    assert [text.get_text() for text in figure.legends[0].get_texts()][-1] == "not used"
    used = figures.plot_probabilities(effects[effects["verdict"] == "x"], SAMPLERS, MODELS)
    assert [text.get_text() for text in used.legends[0].get_texts()] == ["harms", "equivalent", "helps"]


def test_plot_family_differences_has_a_dot_per_family_and_the_mean(scores):
    differences = analysis.differences_to(scores)
    first = figures.plot_family_differences(differences, SAMPLERS, MODELS).axes[0]
    dots = [line for line in first.get_lines() if line.get_marker() == "o"]
    np.testing.assert_allclose(dots[0].get_xdata(), differences["lr", "ros"])
    bars = [line for line in first.get_lines() if line.get_linewidth() == 2.2]
    np.testing.assert_allclose([bar.get_xdata()[0] for bar in bars], differences["lr"].mean())
    assert [bar.get_color() for bar in bars] == [sampler_colour(name) for name in ("ros", "smote", "cgan")]


def test_plot_family_differences_points_to_what_lies_beyond_the_axis():
    columns = pd.MultiIndex.from_tuples([("lr", "cgan")], names=["model", "sampler"])
    differences = pd.DataFrame([[0.01], [0.5], [-0.4], [np.nan]], columns=columns)
    (axes,) = figures.plot_family_differences(differences, SAMPLERS, MODELS).axes
    arrows = {line.get_marker(): line.get_xdata()[0] for line in axes.get_lines() if line.get_marker() in "<>"}
    assert arrows == {">": figures.WIDEST, "<": -figures.WIDEST}
    assert axes.get_xlim()[1] > figures.WIDEST


def test_plot_rank_diagrams_give_the_mean_ranks_best_first(scores):
    figure = figures.plot_rank_diagrams(scores, SAMPLERS, MODELS)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "Logistic regression: mean rank over 12 families",
        "XGBoost: mean rank over 12 families",
    ]
    assert texts_of(figure.axes[0]) == [
        "CGAN (1.0)", "SMOTE (2.0)", "(4.0) Random oversampling", "(3.0) No resampling",
    ]  # fmt: skip


def test_plot_rank_diagrams_have_black_labels_and_hide_no_dot(scores):
    tied = scores.copy()
    tied["lr", "cgan"] = tied["lr", "smote"]
    axes = figures.plot_rank_diagrams(tied, SAMPLERS, MODELS).axes[0]
    assert {text.get_color() for text in axes.texts} == {"black"}
    dots = [(dot.get_offsets()[0, 0], dot.get_sizes()[0], dot.get_zorder()) for dot in axes.collections]
    (first, second, *_) = sorted(dots, key=lambda dot: (dot[0], -dot[1]))
    assert first[0] == second[0] and second[1] < first[1] and second[2] > first[2]


def test_plot_rank_diagrams_draw_their_bars_from_left_to_right_in_every_process(scores):
    figure = figures.plot_rank_diagrams(scores + 0.001 * np.arange(scores.size).reshape(scores.shape), SAMPLERS, MODELS)
    bars = [line.get_xdata() for axes in figure.axes for line in axes.get_lines() if len(set(line.get_ydata())) == 1]
    assert bars and all(list(bar) == sorted(bar) for bar in bars)


def test_plot_rank_diagrams_leave_out_a_family_that_lacks_a_sampler(scores):
    lacking = scores.copy()
    lacking.loc["f0", ("lr", "cgan")] = np.nan
    titles = [axes.get_title(loc="left") for axes in figures.plot_rank_diagrams(lacking, SAMPLERS, MODELS).axes]
    assert titles[0].endswith("over 11 families") and titles[1].endswith("over 12 families")


def test_plot_effects_by_trait_draws_every_table_within_the_axis(scores):
    differences = analysis.differences_to(scores)
    differences.iloc[0], differences.iloc[1] = 0.9, -0.3
    traits = pd.DataFrame({"minority": np.arange(20, 32), "columns": np.arange(1, 13)}, scores.index)
    pairs = {"Logistic regression": ("lr", "cgan"), "XGBoost": ("xgb", "cgan")}
    labels = {"minority": "Positives", "columns": "Columns"}
    figure = figures.plot_effects_by_trait(differences, traits, pairs, labels)
    assert [axes.get_xlabel() for axes in figure.axes] == ["Positives", "Columns"]
    dots, up, down, *_ = figure.axes[0].get_lines()
    assert list(dots.get_xdata()) == list(traits["minority"][2:])
    np.testing.assert_allclose(dots.get_ydata(), differences["lr", "cgan"][2:])
    arrows = [(*line.get_xdata(), *line.get_ydata(), line.get_marker()) for line in (up, down)]
    assert arrows == [(20, figures.WIDEST, "^"), (21, -figures.WIDEST, "v")]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(pairs)
