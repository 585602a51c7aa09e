"""Figures: each draws its frame without a warning, with labels, chance lines and one colour per sampler."""

import re
import warnings

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from tests.rows import SPLIT
from utils import metrics
from utils.analysis import comparisons
from utils.config import Words, load_profile
from utils.figures import cgan as cgan_figures
from utils.figures import comparison as comparison_figures
from utils.figures import eda as eda_figures
from utils.figures import final_model as final_model_figures
from utils.figures import original_study as original_study_figures
from utils.figures import theme as theme_module
from utils.models.registry import CLASSICAL, DEEP
from utils.models.registry import MODELS as REGISTERED
from utils.samplers.registry import SAMPLERS

pytestmark = pytest.mark.usefixtures("theme")

NAMES = {"none": "No resampling", "smote": "SMOTE", "cgan": "CGAN"}
# Machado, Oliveira and Fernandes (2009): linear RGB as seen without red, green or blue cones.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
RGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.119192, 0.9503041]]
)
MODELS = {"lr": "Logistic regression", "rf": "Random forest", "xgb": "XGBoost", "ann": "ANN"}
PREVALENCE = 0.02


def make_ledger() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = []
    for model in MODELS:
        for fold in range(3):
            for shift, sampler in enumerate(NAMES):
                y_true = np.arange(500) < 500 * PREVALENCE
                ranks, _ = metrics.ranks_of_positives(y_true, rng.normal(size=500) + (2 + 0.3 * shift) * y_true)
                task = {"model": model, "sampler": sampler, "repeat": 0, "fold": fold, "split": SPLIT}
                rows.append(task | {"ranks": ranks.tolist(), "average_precision": metrics.average_precision(ranks)})
    return pd.DataFrame(rows)


def make_features(n_rows: int = 80, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(shift, 1, (n_rows, 7)), columns=[f"V{number}" for number in range(1, 8)])
    return frame.assign(constant=1.0)


LEDGER = make_ledger()
COMPARED = comparisons.compare_samplers(LEDGER)
RANKS = np.array([1, 2, 3, 5, 9, 40])
N_ALERTS, COST = metrics.cost_curve(RANKS, [100, 20, 300, 0, 50, 80])
RNG = np.random.default_rng(2)
LABELS = np.repeat([0, 1], [95, 5])
KINDS = np.repeat(["Legitimate", "Real fraud", "Synthetic fraud"], 20)
CURVES = {"SMOTE": ("smote", "rf"), "CGAN": ("cgan", "rf")}
HISTORY = pd.DataFrame({"update": range(1, 6), "critic_loss": [3.0, 2, 1, 1, 1], "generator_loss": [1.0, 2, 1, 2, 1]})
RELIABILITY = metrics.reliability(RNG.random(2000) < 0.1, np.full(2000, 0.1) * RNG.random(2000))
STEPS = pd.DataFrame(
    {
        "name": ["clean", "test overlap", "interaction", "all faults"],
        "kind": ["level", "step", "step", "level"],
        "mean": [0.7, 0.2, -0.05, 0.85],
        "low": [0.6, 0.1, -0.1, 0.8],
        "high": [0.8, 0.3, 0.0, 0.9],
    }
)
CHANGE_NAMES = {"tuning": "Settings: tuned", "smote": "SMOTE, tuned ratio", "smote equal": "SMOTE, equal classes"}
CHANGES = pd.DataFrame(
    {
        "model": "rf",
        "sampler": list(CHANGE_NAMES),
        "mean": [0.02, 0.01, -0.05],
        "low": [0.01, -0.01, -0.08],
        "high": [0.03, 0.03, -0.02],
    }
)
EFFECTS = comparisons.compare_variants(
    pd.DataFrame(
        [
            {
                "variant": name,
                "repeat": 0,
                "fold": fold,
                "split": SPLIT,
                "ratio": ratio,
                "coverage": ratio / 2,
            }
            for name, shift in (("default", 0), ("packed", -0.1), ("plain", 0.02))
            for fold, ratio in enumerate(RNG.normal(1 + shift, 0.01, 4))
        ]
    ),
    ["ratio", "coverage"],
)

DRAWINGS = {
    "plot_ablation": lambda: cgan_figures.plot_ablation(
        EFFECTS,
        {"ratio": "TSTR / TRTR", "coverage": "Coverage"},
        {"default": "as configured", "packed": "Packing: 4", "plain": "Plain"},
    ),
    "plot_hours": lambda: eda_figures.plot_hours(RNG.uniform(0, 24, 100), LABELS),
    "plot_amounts": lambda: eda_figures.plot_amounts(np.r_[0.0, RNG.exponential(90, 99)], LABELS),
    "plot_effect_sizes": lambda: eda_figures.plot_effect_sizes(pd.Series({"V1": 0.9, "V2": 0.6, "Amount": 0.5})),
    "plot_correlations": lambda: eda_figures.plot_correlations(
        {"Real": make_features(), "Synthetic": make_features(shift=1)}
    ),
    "plot_fold_scores": lambda: comparison_figures.plot_fold_scores(LEDGER, NAMES, MODELS),
    "plot_pr_curves": lambda: comparison_figures.plot_pr_curves(LEDGER, CURVES, PREVALENCE),
    "plot_changes": lambda: comparison_figures.plot_changes(CHANGES, CHANGE_NAMES, MODELS),
    "plot_differences": lambda: comparison_figures.plot_differences(COMPARED, NAMES, MODELS),
    "plot_gan_history": lambda: cgan_figures.plot_gan_history(HISTORY),
    "plot_marginals": lambda: cgan_figures.plot_marginals(make_features(), make_features(shift=1)),
    "plot_embedding": lambda: cgan_figures.plot_embedding(RNG.normal(size=(60, 2)), KINDS),
    "plot_calibration": lambda: final_model_figures.plot_calibration({"As fitted": RELIABILITY}),
    "plot_cost": lambda: final_model_figures.plot_cost(N_ALERTS, COST, chosen=5, days=0.5, fee=5),
    "plot_test_curve": lambda: final_model_figures.plot_test_curve(RANKS, "Random forest", PREVALENCE),
    "plot_waterfall": lambda: original_study_figures.plot_waterfall(STEPS, 0.936),
}
TEXTS = {
    "plot_ablation": [
        "TSTR / TRTR",
        "Coverage",
        "Packing: 4",
        "Difference from the default, with 95 % interval over folds",
    ],
    "plot_hours": ["Hour of day", "Share of the class", "Legitimate", "Fraud"],
    "plot_amounts": ["Amount, spaced by log(1 + amount)", "Share of the class", "Legitimate", "Fraud", "100"],
    "plot_effect_sizes": ["ROC AUC of the feature alone (0.5 = chance)", "V1", "Amount"],
    "plot_correlations": ["Pearson correlation", "Real", "Synthetic", "V1"],
    "plot_fold_scores": ["Average precision (dots: folds, bars: their mean)", *NAMES.values(), *MODELS.values()],
    "plot_pr_curves": ["Recall", "Precision", "chance", "Mean average precision"],
    "plot_changes": ["Random forest", *CHANGE_NAMES.values()],
    "plot_differences": ["Random forest", "SMOTE", "CGAN"],
    "plot_gan_history": ["Update", "Critic loss", "Generator loss"],
    "plot_marginals": ["Real frauds", "Synthetic frauds", "V1", "constant"],
    "plot_embedding": [*np.unique(KINDS), "First t-SNE dimension", "Second t-SNE dimension"],
    "plot_calibration": ["Predicted probability", "Observed share of frauds", "As fitted"],
    "plot_cost": ["Alerts per day", "Cost per day", "10 alerts a day", "no alerts"],
    "plot_test_curve": ["Recall", "Precision", "Random forest"],
    "plot_waterfall": ["Clean", "Test\noverlap", "+0.200", "−0.050", "0.850", "published: 0.936"],
}


@pytest.fixture
def profile(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY_OUTPUT", str(tmp_path))
    return load_profile("full")


def texts(figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text() and text.get_visible()]


def lines(figure) -> list:
    return [line for axes in figure.axes for line in axes.get_lines()]


def colour_of(line) -> str:
    return mpl.colors.to_hex(line.get_color()).upper()


FIGURES = (cgan_figures, comparison_figures, eda_figures, final_model_figures, original_study_figures)


def test_figures_are_all_tested_here():
    assert (
        {name for module in FIGURES for name in vars(module) if name.startswith("plot_")} == set(DRAWINGS) == set(TEXTS)
    )


@pytest.mark.parametrize("name", DRAWINGS)
def test_figures_draw_without_a_warning(name, recwarn):
    DRAWINGS[name]().canvas.draw()
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.parametrize("name", DRAWINGS)
def test_figures_say_what_they_show(name):
    figure = DRAWINGS[name]()
    figure.canvas.draw()
    assert set(TEXTS[name]) <= set(texts(figure))


@pytest.mark.parametrize("name", DRAWINGS)
def test_figures_fit_the_page_and_show_data(name):
    figure = DRAWINGS[name]()
    assert figure.get_size_inches()[0] <= theme_module.PAGE
    assert any(axes.has_data() for axes in figure.axes)


@pytest.mark.parametrize("name", ["plot_pr_curves", "plot_test_curve"])
def test_figures_of_precision_and_recall_show_the_prevalence(name):
    levels = [line.get_ydata() for line in lines(DRAWINGS[name]()) if line.get_linestyle() == ":"]
    assert [set(level) for level in levels] == [{PREVALENCE}]


@pytest.mark.parametrize("ranks", [[3], [3, 9]])
def test_plot_test_curve_draws_one_or_two_positives(ranks):
    figure = final_model_figures.plot_test_curve(ranks, "Random forest", PREVALENCE)
    curve, level = figure.axes[0].get_lines()
    assert list(curve.get_ydata()) == [(n + 1) / rank for n, rank in enumerate(ranks)]
    assert set(level.get_ydata()) == {PREVALENCE} and figure.axes[0].get_legend() is not None


def test_plot_pr_curves_labels_a_curve_with_its_mean():
    rows = LEDGER[(LEDGER["sampler"] == "cgan") & (LEDGER["model"] == "rf")]
    assert f"CGAN ({rows['average_precision'].mean():.3f})" in texts(DRAWINGS["plot_pr_curves"]())


def test_plot_pr_curves_has_bands_for_all_curves_or_for_those_named():
    def n_bands(**options):
        return len(comparison_figures.plot_pr_curves(LEDGER, CURVES, PREVALENCE, **options).axes[0].collections)

    assert n_bands() == len(CURVES) and n_bands(bands=[next(iter(CURVES))]) == 1


def test_plot_pr_curves_says_which_curves_are_those_of_one_fold():
    single = LEDGER[LEDGER["fold"] == LEDGER["fold"].iloc[0]].drop_duplicates(["sampler", "model"])
    figure = comparison_figures.plot_pr_curves(single, CURVES, PREVALENCE)
    assert "Average precision on one fold" in texts(figure) and not [text for text in texts(figure) if ", one" in text]
    both = pd.concat([LEDGER[LEDGER["sampler"] == "smote"], single[single["sampler"] == "cgan"]])
    shown = texts(comparison_figures.plot_pr_curves(both, CURVES, PREVALENCE))
    assert [text[:4] for text in shown if text.endswith(", one fold)")] == [
        "CGAN"
    ] and "Mean average precision" in shown


def test_plot_pr_curves_distinguishes_two_curves_of_one_model():
    pairs = {"RF": ("none", "rf"), "RF, CGAN": ("cgan", "rf"), "XGBoost": ("none", "xgb")}
    curves = lines(comparison_figures.plot_pr_curves(LEDGER, pairs, PREVALENCE))[:3]
    styles = {line.get_label().partition(" (")[0]: (colour_of(line), line.get_linestyle()) for line in curves}
    assert styles["RF"][0] == styles["RF, CGAN"][0] != styles["XGBoost"][0]
    assert (styles["RF"][1], styles["RF, CGAN"][1], styles["XGBoost"][1]) == ("-", "--", "-")


def test_mean_precision_is_that_of_the_first_rank_that_reaches_the_recall():
    table = pd.DataFrame({"ranks": [[1, 3, 4, 10]]})
    (precision,) = comparison_figures.mean_precision(table, np.array([0.1, 0.25, 0.26, 0.5, 0.51, 0.75, 0.76, 1]))
    np.testing.assert_allclose(precision, [1, 1, 2 / 3, 2 / 3, 3 / 4, 3 / 4, 0.4, 0.4])


def test_sampler_colour_is_the_same_in_every_figure():
    expected = theme_module.sampler_colour("cgan").upper()
    assert {colour_of(line) for line in lines(DRAWINGS["plot_gan_history"]())} == {expected}
    only = COMPARED[COMPARED["sampler"] == "cgan"]
    intervals = [
        line for line in lines(comparison_figures.plot_differences(only, NAMES, MODELS)) if line.get_linewidth() == 1.6
    ]
    assert len(intervals) == len(MODELS) and {colour_of(line) for line in intervals} == {expected}
    folds = comparison_figures.plot_fold_scores(LEDGER[LEDGER["sampler"] == "cgan"], NAMES, MODELS)
    assert {colour_of(line) for line in lines(folds)} == {expected}


def test_sampler_colour_differs_for_all_samplers_of_the_study():
    colours = [theme_module.sampler_colour(name).upper() for name in SAMPLERS]
    assert len(set(colours)) == len(SAMPLERS)


def test_model_colours_differ_for_all_models_of_the_study():
    assert set(theme_module.MODEL_COLOURS) == set(REGISTERED)
    assert len(set(theme_module.MODEL_COLOURS.values()) - set(theme_module.SAMPLER_COLOURS.values())) == len(REGISTERED)


def seen_as(colours, vision: str) -> np.ndarray:
    """CIELAB of colours under a kind of vision; shape (n_colours, 3)."""
    rgb = np.array([mpl.colors.to_rgb(colour) for colour in colours])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.transpose(VISIONS[vision]), 0, 1)
    xyz = seen @ RGB_TO_XYZ.T / RGB_TO_XYZ.sum(axis=1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.c_[116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])]


@pytest.mark.parametrize("vision", VISIONS)
def test_sampler_colours_stay_apart_however_they_are_seen(vision):
    lab = seen_as(theme_module.SAMPLER_COLOURS.values(), vision)
    first, second = np.triu_indices(len(lab), k=1)
    assert np.linalg.norm(lab[first] - lab[second], axis=1).min() > 18


def test_seen_as_gives_the_lab_of_the_textbook_for_white_and_red():
    np.testing.assert_allclose(seen_as(["white", "red"], "normal"), [[100, 0, 0], [53.24, 80.09, 67.2]], atol=0.02)


def test_palettes_hold_no_colour_twice():
    palette = [colour.upper() for colour in (*theme_module.SAMPLER_COLOURS.values(), *theme_module.SPARE_COLOURS)]
    assert len(set(palette)) == len(palette)
    assert len({theme_module.LEGITIMATE, theme_module.FRAUD, theme_module.SYNTHETIC, theme_module.NEUTRAL}) == 4


def test_sampler_colour_gives_a_new_sampler_a_spare_colour_for_good():
    assert theme_module.sampler_colour("svmsmote") == theme_module.sampler_colour("svmsmote")
    assert theme_module.sampler_colour("svmsmote") in theme_module.SPARE_COLOURS


def test_plot_fold_scores_shows_every_fold_and_the_mean():
    table = LEDGER[LEDGER["model"] == "rf"]
    (axes,) = comparison_figures.plot_fold_scores(table, NAMES, MODELS).axes
    dots, bar = axes.get_lines()[:2]
    scores = table.loc[table["sampler"] == "none", "average_precision"]
    assert list(dots.get_xdata()) == list(scores)
    assert list(bar.get_xdata()) == [pytest.approx(scores.mean())] * 2
    assert [label.get_text() for label in axes.get_yticklabels()] == list(NAMES.values())


def test_plot_differences_shows_every_interval_where_it_lies():
    intervals = {
        tuple(line.get_xdata()) for line in lines(DRAWINGS["plot_differences"]()) if line.get_linewidth() == 1.6
    }
    expected = COMPARED[["low", "high"]].clip(-comparison_figures.WIDEST, comparison_figures.WIDEST)
    assert intervals == set(expected.itertuples(index=False, name=None))


def compared_with(**means: float) -> pd.DataFrame:
    """Comparisons of a random forest with narrow intervals around given means."""
    rows = [{"sampler": name, "mean": mean, "low": mean - 0.02, "high": mean + 0.02} for name, mean in means.items()]
    return pd.DataFrame(rows).assign(model="rf", verdict="undecided")


def test_plot_differences_has_a_panel_per_model_and_a_line_per_sampler():
    every = DRAWINGS["plot_differences"]().axes
    assert [axes.get_title(loc="left") for axes in every if axes.axison] == list(MODELS.values())
    assert [label.get_text() for label in every[0].get_yticklabels()] == ["SMOTE", "CGAN"]
    figure = comparison_figures.plot_differences(compared_with(smote=0.1, cgan=-0.1), NAMES, MODELS)
    dots = {line.get_ydata()[0]: line.get_xdata()[0] for line in lines(figure) if line.get_marker() == "o"}
    assert dots == {0: 0.1, 1: -0.1}


def test_plot_differences_distinguishes_evidence_from_none():
    compared = compared_with(smote=0.1, cgan=0.1).assign(verdict=["helps", "undecided"])
    faces = [
        mpl.colors.to_hex(line.get_markerfacecolor()).upper()
        for line in lines(comparison_figures.plot_differences(compared, NAMES, MODELS))
        if line.get_marker() == "o"
    ]
    assert faces == [theme_module.sampler_colour("smote"), "#FFFFFF"]


def test_plot_changes_gives_a_sampler_one_colour_and_fills_what_excludes_zero():
    dots = [line for line in lines(DRAWINGS["plot_changes"]()) if line.get_marker() == "o"]
    assert [dot.get_xdata()[0] for dot in dots] == list(CHANGES["mean"])
    assert [mpl.colors.to_hex(dot.get_markerfacecolor()) == "#ffffff" for dot in dots] == [False, True, False]
    assert dots[1].get_color() == dots[2].get_color() == theme_module.sampler_colour("smote")


def test_plot_changes_has_an_axis_for_what_it_draws():
    beyond = CHANGES.iloc[:1].assign(sampler="nearmiss equal", low=-0.9)
    figure = comparison_figures.plot_changes(pd.concat([CHANGES, beyond]), CHANGE_NAMES, MODELS)
    assert figure.axes[0].get_xlim()[1] == pytest.approx(0.08 * comparison_figures.ROOM)
    assert "arrow" not in figure.get_supxlabel()


def test_plot_differences_writes_a_difference_beyond_the_axis_at_its_edge():
    figure = comparison_figures.plot_differences(compared_with(smote=-0.71, cgan=0.42), NAMES, MODELS)
    arrows = {line.get_marker(): line.get_xdata()[0] for line in lines(figure) if line.get_marker() in ("<", ">")}
    assert not [line for line in lines(figure) if line.get_marker() == "o"]
    assert arrows == {"<": -comparison_figures.WIDEST, ">": comparison_figures.WIDEST}
    assert {"−0.71", "0.42"} <= set(texts(figure))
    assert "arrow: beyond the axis" in figure.get_supxlabel()


def test_plot_differences_fills_the_arrow_of_a_mean_beyond_the_axis_if_it_is_decided():
    compared = compared_with(smote=-0.71, cgan=-0.71).assign(verdict=["harms", "undecided"])
    figure = comparison_figures.plot_differences(compared, NAMES, MODELS)
    faces = {
        line.get_ydata()[0]: mpl.colors.to_hex(line.get_markerfacecolor()).upper()
        for line in lines(figure)
        if line.get_marker() == "<"
    }
    assert faces == {0: theme_module.sampler_colour("smote"), 1: "#FFFFFF"}


def test_plot_differences_leaves_out_lines_that_no_panel_beside_has_and_says_what_was_not_measured():
    both = compared_with(smote=0.01, cgan=0.02)
    one = both[both["sampler"] == "cgan"].assign(model="ann")
    tables = [both.assign(model=name) for name in ("lr", "rf", "xgb")] + [one]
    figure = comparison_figures.plot_differences(pd.concat(tables), NAMES, MODELS)
    panels = {axes.get_title(loc="left"): axes for axes in figure.axes if axes.axison}
    assert [label.get_text() for label in panels["Logistic regression"].get_yticklabels()] == ["SMOTE", "CGAN"]
    assert [label.get_text() for label in panels["ANN"].get_yticklabels()] == ["CGAN"]
    (dot,) = [line for line in panels["ANN"].get_lines() if line.get_marker() == "o"]
    assert dot.get_ydata()[0] == 0 and "not measured" not in texts(figure)
    lacking = comparison_figures.plot_differences(pd.concat([both, one.assign(model="xgb")]), NAMES, MODELS)
    notes = [(text.get_text(), text.xy[1]) for axes in lacking.axes for text in axes.texts]
    assert notes == [("not measured", 0)]


@pytest.mark.parametrize(("widest", "end"), [(0.001, 0.02), (0.08, 0.08), (0.71, comparison_figures.WIDEST)])
def test_plot_differences_ends_its_axes_with_the_longest_interval(widest, end):
    compared = compared_with(smote=0).assign(low=-widest, high=0.001)
    figure = comparison_figures.plot_differences(compared, NAMES, MODELS)
    limit = comparison_figures.ROOM * end
    assert figure.axes[0].get_xlim() == pytest.approx((-limit, limit))


def test_plot_differences_ends_an_interval_beyond_the_axis_in_an_arrow():
    compared = compared_with(smote=0.2).assign(low=-0.1, high=0.5)
    (interval, arrow) = [
        line
        for line in lines(comparison_figures.plot_differences(compared, NAMES, MODELS))
        if line.get_linewidth() == 1.6 or line.get_marker() in ("<", ">")
    ]
    assert list(interval.get_xdata()) == [-0.1, comparison_figures.WIDEST]
    assert (arrow.get_marker(), arrow.get_xdata()[0]) == (">", comparison_figures.WIDEST)


def test_plot_fold_scores_does_not_compress_the_others_when_a_method_fails():
    failing = LEDGER[LEDGER["sampler"] == "none"].assign(sampler="nearmiss", average_precision=0.0123)
    good = LEDGER.assign(average_precision=LEDGER["average_precision"] * 0.1 + 0.8)
    figure = comparison_figures.plot_fold_scores(pd.concat([good, failing]), NAMES | {"nearmiss": "NearMiss"}, MODELS)
    figure.canvas.draw()
    assert figure.axes[0].get_xlim()[0] > 0.4
    assert texts(figure).count("0.01") == len(MODELS)


def test_plot_fold_scores_and_differences_fit_many_samplers_on_a_page():
    names = {name: name for name in theme_module.SAMPLER_COLOURS}
    models = {name: name for name in (*CLASSICAL, *DEEP)}
    rows = LEDGER[LEDGER["model"] == "rf"]
    none = rows[rows["sampler"] == "none"]
    table = pd.concat([none.assign(sampler=sampler, model=model) for sampler in names for model in models])
    for figure in (
        comparison_figures.plot_fold_scores(table, names, models),
        comparison_figures.plot_differences(comparisons.compare_samplers(table), names, models),
    ):
        assert figure.get_size_inches()[1] < 6.5
        figure.canvas.draw()
        first, second = figure.axes[0].get_yticklabels()[:2]
        assert first.get_window_extent().y0 > second.get_window_extent().y1  # labels do not touch


def test_plot_calibration_drops_no_table():
    figure = final_model_figures.plot_calibration({f"Table {number}": RELIABILITY for number in range(5)})
    assert {f"Table {number}" for number in range(5)} <= set(texts(figure))


def test_plot_cost_puts_the_chosen_point_on_the_curve():
    figure = final_model_figures.plot_cost([0, 10, 20], [500.0, 300.0, 100.0], chosen=15, days=1, fee=5)
    (point,) = [line for line in lines(figure) if line.get_marker() == "o"]
    assert (point.get_xdata()[0], point.get_ydata()[0]) == (15, 325)


def test_plot_cost_rises_by_the_fee_until_the_next_positive():
    figure = final_model_figures.plot_cost([0, 10, 20], [500.0, 300.0, 100.0], chosen=10, days=1, fee=5)
    (curve,) = [line for line in lines(figure) if len(line.get_xdata()) > 2]
    cost = dict(zip(curve.get_xdata(), curve.get_ydata(), strict=True))
    assert {number: cost[number] for number in (0, 9, 10, 19, 20)} == {0: 500, 9: 545, 10: 300, 19: 345, 20: 100}


def test_plot_waterfall_starts_each_bar_where_the_last_one_ended_and_draws_areas_as_dots():
    (axes,) = DRAWINGS["plot_waterfall"]().axes
    bars = [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in axes.patches]
    np.testing.assert_allclose(bars, [(0.7, 0.9), (0.9, 0.85)])
    assert [line.get_ydata()[0] for line in axes.get_lines() if line.get_marker() == "o"] == [0.7, 0.85]
    assert axes.get_ylim()[0] == 0.5 and axes.get_ylim()[1] > 1
    assert [line.get_ydata()[0] for line in axes.get_lines() if line.get_linestyle() == ":"] == [0.936]


def test_plot_calibration_draws_wilson_intervals_of_the_textbook(theme):
    table = metrics.Reliability(rows=[100, 10], mean=[0.1, 0.5], positives=[10, 5])
    (container,) = final_model_figures.plot_calibration({"model": table}).axes[0].containers
    (bars,) = container.lines[2]
    ends = [segment[:, 1] for segment in bars.get_segments()]
    np.testing.assert_allclose(ends, [[0.0552, 0.1744], [0.2366, 0.7634]], atol=1e-4)


@pytest.mark.parametrize("theme", [True, False])
def test_save_figure_gives_the_same_bytes_for_the_same_figure(profile, theme):
    if not theme:
        mpl.rcdefaults()
    first = theme_module.save_figure(DRAWINGS["plot_test_curve"](), "curve", profile).read_bytes()
    second = theme_module.save_figure(DRAWINGS["plot_test_curve"](), "curve", profile).read_bytes()
    assert first == second
    assert first.startswith(b"<?xml") and b"</svg>" in first


def test_save_figure_writes_no_date_and_no_font(profile):
    text = theme_module.save_figure(DRAWINGS["plot_hours"](), "hours", profile).read_text()
    assert "<dc:date>" not in text
    assert not re.search("<text|font-family", text)


def test_save_figure_writes_under_the_final_name_only(profile):
    path = theme_module.save_figure(DRAWINGS["plot_hours"](), "hours", profile)
    assert path == profile.figures / "hours.svg"
    assert list(profile.figures.iterdir()) == [path]


def test_save_figure_leaves_the_old_one_when_it_cannot_write(profile, monkeypatch):
    path = theme_module.save_figure(DRAWINGS["plot_hours"](), "hours", profile)
    before = path.read_bytes()

    def fail(self, target, **_):
        target.write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(mpl.figure.Figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        theme_module.save_figure(DRAWINGS["plot_hours"](), "hours", profile)
    assert path.read_bytes() == before
    assert list(profile.figures.iterdir()) == [path]


def test_plot_ablation_shows_every_variant_but_the_default():
    axes, _ = DRAWINGS["plot_ablation"]().axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Packing: 4", "Plain"]
    means = EFFECTS[(EFFECTS["figure"] == "ratio") & (EFFECTS["variant"] != "default")]["mean"]
    (dots,) = (line for line in axes.get_lines() if line.get_marker() == "o")
    np.testing.assert_allclose(dots.get_xdata(), means)
    assert axes.get_ylim()[0] > axes.get_ylim()[1]


def test_plot_ablation_ends_a_cut_interval_in_an_arrow_and_titles_at_one_height():
    effects = pd.DataFrame({"variant": ["narrow", "wide"], "mean": 0.1, "low": [0.05, -0.2], "high": [0.15, 0.9]})
    effects = pd.concat([effects.assign(figure=name) for name in ("short", "long")])
    names = {"short": "Coverage", "long": "Two-sample AUC, training rows"}
    figure = cgan_figures.plot_ablation(effects, names, {"narrow": "Narrow", "wide": "Wide"})
    figure.canvas.draw()
    axes, other = figure.axes
    arrows = [(line.get_xdata(), line.get_ydata()) for line in axes.get_lines() if line.get_marker() == ">"]
    assert [(list(x), list(y)) for x, y in arrows] == [([0.25], [1])]
    assert 0.25 < axes.get_xlim()[1] < 0.3 and figure.get_supxlabel().endswith("; arrow: beyond the axis")
    tops = [panel._left_title.get_window_extent().y1 for panel in (axes, other)]
    assert axes._left_title.get_text().strip() == "Coverage" and tops[0] == pytest.approx(tops[1], abs=2)


@pytest.mark.parametrize(("difference", "limits"), [(0.1, (-0.005, 0.105)), (-0.1, (-0.105, 0.005))])
def test_plot_ablation_shows_the_default_beside_differences_that_are_all_the_same(difference, limits, recwarn):
    effects = pd.DataFrame({"variant": ["plain"], "figure": "ratio"})
    effects = effects.assign(mean=difference, low=difference, high=difference)
    figure = cgan_figures.plot_ablation(effects, {"ratio": "TSTR / TRTR"}, {"plain": "Plain"})
    figure.canvas.draw()
    assert figure.axes[0].get_xlim() == pytest.approx(limits)
    assert [str(warning.message) for warning in recwarn] == []


WARD = Words("admission", "admissions", "infection", "infections", "healthy")
IN_OTHER_WORDS = {
    "plot_hours": lambda: eda_figures.plot_hours([1, 2, 3], [0, 1, 0], WARD),
    "plot_amounts": lambda: eda_figures.plot_amounts([1.0, np.nan, 0.5, -2.0], [0, 1, 1, 0], WARD),
    "plot_marginals": lambda: cgan_figures.plot_marginals(make_features(9), make_features(9), WARD),
    "plot_embedding": lambda: cgan_figures.plot_embedding(np.eye(3)[:, :2], ["Healthy"] * 3, WARD),
    "plot_calibration": lambda: final_model_figures.plot_calibration({}, WARD),
}


@pytest.mark.filterwarnings("ignore:No artists with labels")
@pytest.mark.parametrize("name", IN_OTHER_WORDS)
def test_figures_take_the_words_of_a_study(name):
    figure = IN_OTHER_WORDS[name]()
    figure.canvas.draw()
    shown = " ".join(texts(figure)).lower()
    assert "infection" in shown and not re.findall("fraud|legitimate|payment|transaction", shown)


def test_plot_marginals_has_whole_ticks_and_a_bar_for_each_year():
    years = {
        "opened_year": [2019.0, 2021, 2022, 2022],
        "one_year": [2024.0] * 4,
        "born_year": [1950.0, 1960, 1990, 2009],
    }
    figure = cgan_figures.plot_marginals(pd.DataFrame(years), pd.DataFrame(years))
    figure.canvas.draw()
    for axes in figure.axes[:3]:
        low, high = axes.get_xlim()
        ticks = [tick.get_text() for tick in axes.get_xticklabels()]
        inside = [text for text, at in zip(ticks, axes.get_xticks(), strict=True) if low <= at <= high]
        assert inside and all(re.fullmatch(r"\d{4}", text) for text in inside)
    edges = figure.axes[0].patches[0].get_data().edges
    assert edges.tolist() == [2018.5, 2019.5, 2020.5, 2021.5, 2022.5]
    assert figure.axes[0].patches[0].get_data().values.tolist() == [0.25, 0, 0.25, 0.5]


@pytest.mark.parametrize("value", [5.0, 0.3, 1e18, -1e18])
def test_plot_marginals_draws_a_column_of_one_value(value):
    table = pd.DataFrame({"constant": [value] * 4})
    figure = cgan_figures.plot_marginals(table, table)
    figure.canvas.draw()
    bars = figure.axes[0].patches[0].get_data()
    assert bars.values.max() == 1 and bars.edges[0] <= value <= bars.edges[-1]


def test_plot_cost_is_in_total_without_days():
    figure = final_model_figures.plot_cost([0, 5, 9], [50.0, 30, 20], 5, None, fee=1)
    figure.canvas.draw()
    assert {"Alerts", "Cost", "5 alerts"} <= set(texts(figure))


@pytest.mark.parametrize(
    ("days", "text"), [(3650, "0.0014 alerts a day"), (2, "2.5 alerts a day"), (0.01, "500 alerts a day")]
)
def test_plot_cost_rounds_no_rate_of_alerts_to_zero(days, text):
    figure = final_model_figures.plot_cost([0, 5, 9], [50.0, 30, 20], 5, days, fee=1)
    figure.canvas.draw()
    assert text in texts(figure)


def test_plot_correlations_leaves_categories_out():
    table = make_features(9).assign(kind=pd.Categorical(list("abcabcabc")))
    figure = eda_figures.plot_correlations({"All": table, "None": table[["kind"]]})
    figure.canvas.draw()
    assert {"All", "None", "fewer than two columns of numbers"} <= set(texts(figure))


@pytest.mark.parametrize(("plot", "n_axes"), [("plot_effect_sizes", 1), ("plot_marginals", 42)])
def test_figures_of_a_wide_table_show_some_features(plot, n_axes):
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(9, 100))).rename(columns=str)
    effects = pd.Series(np.linspace(0.5, 1, 100), wide.columns)
    draw = {
        "plot_effect_sizes": lambda: eda_figures.plot_effect_sizes(effects),
        "plot_marginals": lambda: cgan_figures.plot_marginals(wide, wide),
    }
    figure = draw[plot]()
    assert len(figure.axes) == n_axes
    if plot == "plot_effect_sizes":
        assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(wide.columns[60:])


def test_plot_marginals_shows_categories_by_their_shares_and_gaps_in_words():
    rng = np.random.default_rng(0)
    shop = pd.Categorical(rng.choice([f"shop number {number}" for number in range(9)], 60))
    real = pd.DataFrame({"a very long name of a column of shops": shop, "size": rng.normal(size=60)})
    real.loc[:14, "size"] = np.nan
    figure = cgan_figures.plot_marginals(real, real.iloc[::-1].dropna(), WARD)
    figure.canvas.draw()
    shown = texts(figure)
    assert {"size", "gaps: 25%, 0%", "others"} <= set(shown)
    assert max(map(len, shown)) <= 26 and len(figure.axes[0].get_xticks()) == 6
    for stairs in figure.axes[0].patches:
        assert sum(stairs.get_data().values) == pytest.approx(1)


def test_plot_marginals_and_correlations_show_the_columns_that_matter_most():
    names = [f"column number {position}" for position in range(50)]
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(9, 50)), columns=names)
    effects = pd.Series(np.linspace(0.5, 1, 50), names)
    panels = cgan_figures.plot_marginals(wide, wide, effects=effects).axes
    assert [axes.get_title("left") for axes in panels] == names[-24:]
    figure = eda_figures.plot_correlations({"Real": wide, "Drawn": wide}, effects)
    figure.canvas.draw()
    first, second, _ = figure.axes
    assert [label.get_text() for label in first.get_yticklabels()] == names[-20:]
    assert [label.get_text() for label in second.get_xticklabels()] == names[-20:] and not len(second.get_yticks())


@pytest.mark.parametrize(
    ("precision", "corner"),
    [([0.95, 0.9, 0.85, 0.2], "below"), ([0.6, 0.3, 0.2, 0.1], "corner"), ([0.9, 0.5, 0.2, 0.9], "above")],
)
def test_legend_beside_curves_hides_none_of_them(precision, corner):
    figure, axes = plt.subplots(figsize=(3.5, 3.1))
    axes.axhline(0.2 if corner == "above" else 0.01)
    for number in range(3):
        axes.plot([0.05, 0.3, 0.6, 1.0], precision, label=f"pair {number}")
    theme_module.legend_beside_curves(axes, 0.06)
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    figure.canvas.draw()
    box = axes.get_legend().get_window_extent().transformed(axes.transAxes.inverted())
    assert {"below": box.y1 < 0.4, "corner": 0.5 < box.y0 < box.y1 <= 1, "above": box.y0 >= 1}[corner]
    plt.close(figure)


@pytest.mark.parametrize("words", [2, 8])
def test_legend_beside_curves_leaves_the_axes_their_size_whatever_it_says(words):
    figure, axes = plt.subplots(figsize=(4.5, 3.1), layout="constrained")
    axes.axhline(0.2)
    for number in range(8):
        axes.plot([0.05, 0.3, 0.6, 1.0], [0.9, 0.5, 0.2, 0.9], label=f"{'word ' * words}{number}")
    theme_module.legend_beside_curves(axes, 0.06)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of a layout that cannot be made
        figure.canvas.draw()
    size = axes.get_position().bounds[2:] * figure.get_size_inches()
    assert size[0] > 3.5 and size[1] > 1.8
    assert axes.get_legend().get_window_extent().x1 <= figure.bbox.x1
    plt.close(figure)


DOLLARS = {
    "plot_marginals": lambda table: cgan_figures.plot_marginals(table, table),
    "plot_correlations": lambda table: eda_figures.plot_correlations({"Real": table}),
    "plot_effect_sizes": lambda table: eda_figures.plot_effect_sizes(pd.Series(0.7, table.columns)),
}


def as_drawn(figure) -> set[str]:
    """The texts of a figure after it was drawn, which fails where one is a broken formula."""
    figure.canvas.draw()
    return {label._preprocess_math(label.get_text()) for label in figure.findobj(mpl.text.Text)}


@pytest.mark.parametrize("name", DOLLARS)
def test_figures_take_no_dollar_sign_in_a_name_for_a_formula(name):
    names = ["sales_$_vs_$_target", "$ paid", "cost in $", "$x^$", "price"]
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 5)), columns=names)
    drawn = as_drawn(DOLLARS[name](table))
    assert {(column, False) for column in table} <= drawn


def test_theme_draws_names_without_a_warning_for_letters_that_no_font_has():
    with warnings.catch_warnings(record=True) as caught, mpl.rc_context():
        warnings.simplefilter("always")
        theme_module.use_theme()
        figure = eda_figures.plot_effect_sizes(pd.Series(0.7, ["年齢", "나이", "\ue123"]))
        figure.canvas.draw()
        warnings.warn("another warning", stacklevel=1)
    assert [str(warning.message) for warning in caught] == ["another warning"]


def test_theme_takes_the_fonts_that_are_installed_for_letters_that_the_first_lacks(monkeypatch):
    monkeypatch.setattr(theme_module, "FALLBACKS", ("no such font", "STIXGeneral"))
    with mpl.rc_context():
        theme_module.use_theme()
        assert mpl.rcParams["font.family"] == ["sans-serif", "STIXGeneral"]


@pytest.mark.parametrize("values", [["$40K - $60K", "$60K+"], ["$a_$", "$"], ["US$ 5", "A$ 5"]])
def test_plot_marginals_takes_no_dollar_sign_in_a_category_for_a_formula(values):
    table = pd.DataFrame({"income": values * 9})
    drawn = as_drawn(cgan_figures.plot_marginals(table, table))
    assert {(value, False) for value in values} <= drawn


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("a $ b", r"a \$ b"),
        ("  two\n lines ", "two lines"),
        ("abcdefghijklmnop", "abcdef…nop"),
        ("$bcdefghijklmno$", r"\$bcdef…no\$"),
    ],
)
def test_shorten_counts_the_letters_that_are_drawn(name, label):
    assert theme_module.shorten(name, 10) == label


@pytest.mark.parametrize(
    ("largest", "ticks"),
    [
        (0.5, ["0", "0.1", "0.2", "0.3", "0.4", "0.5"]),
        (0.0, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (9.9, ["0", "2", "4", "6", "8"]),
        (12, ["0", "1", "10"]),
        (25_691.16, ["0", "1", "10", "100", "1,000", "10,000"]),
        (2_000_000, ["0", "1", "10", "100", "1,000", "10,000", "100,000", "1,000,000"]),
    ],
)
def test_plot_amounts_ends_with_the_largest_amount(largest, ticks):
    figure = eda_figures.plot_amounts(np.linspace(0, largest, 40), np.arange(40) % 2)
    figure.canvas.draw()
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ticks
    assert axes.get_xlim()[1] <= 1.06 * np.log10(1 + (largest or 1))


@pytest.mark.parametrize("n_columns", [2, 5, 20, 21, 40])
def test_plot_correlations_names_every_column(n_columns):
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(9, n_columns))).rename(
        columns=lambda column: f"V{column}"
    )
    axes, _ = eda_figures.plot_correlations({"Real": table}).axes
    axes.figure.canvas.draw()
    assert len(axes.get_yticklabels()) == len(axes.get_xticklabels()) == n_columns
    first, second = (label.get_window_extent() for label in axes.get_yticklabels()[:2])
    assert first.y0 > second.y1 - 1  # pixels; labels do not touch


def test_plot_effect_sizes_shortens_long_names():
    effects = pd.Series([0.6, 0.9], ["x", "a name of a column that would squeeze the figure to nothing"])
    (axes,) = eda_figures.plot_effect_sizes(effects).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["x", "a name of a colu…nothing"]
