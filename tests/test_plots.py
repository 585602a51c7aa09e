"""Figures: each draws its frame without a warning, with labels, chance lines and one colour per sampler."""

import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from utils import metrics, plots, stats
from utils.config import load_profile
from utils.samplers import SAMPLERS

NAMES = {"none": "No resampling", "smote": "SMOTE", "cgan": "CGAN"}
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
                place = {"model": model, "sampler": sampler, "repeat": 0, "fold": fold, "split": {"n_splits": 5}}
                rows.append(place | {"ranks": ranks.tolist(), "average_precision": metrics.average_precision(ranks)})
    return pd.DataFrame(rows)


def make_features(n_rows: int = 80, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(shift, 1, (n_rows, 7)), columns=[f"V{number}" for number in range(1, 8)])
    return frame.assign(constant=1.0)


LEDGER = make_ledger()
COMPARED = stats.compare_samplers(LEDGER)
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
        "name": ["clean", "test overlap", "interplay", "all faults"],
        "kind": ["level", "step", "step", "level"],
        "mean": [0.7, 0.2, -0.05, 0.85],
        "low": [0.6, 0.1, -0.1, 0.8],
        "high": [0.8, 0.3, 0.0, 0.9],
    }
)
EFFECTS = stats.compare_variants(
    pd.DataFrame(
        [
            {
                "variant": name,
                "repeat": 0,
                "fold": fold,
                "split": {"n_splits": 5},
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
    "plot_ablation": lambda: plots.plot_ablation(
        EFFECTS,
        {"ratio": "TSTR / TRTR", "coverage": "Coverage"},
        {"default": "as configured", "packed": "Packing: 4", "plain": "Plain"},
    ),
    "plot_hours": lambda: plots.plot_hours(RNG.uniform(0, 24, 100), LABELS),
    "plot_amounts": lambda: plots.plot_amounts(np.r_[0.0, RNG.exponential(90, 99)], LABELS),
    "plot_effect_sizes": lambda: plots.plot_effect_sizes(pd.Series({"V1": 0.9, "V2": 0.6, "Amount": 0.5})),
    "plot_correlations": lambda: plots.plot_correlations(
        {"Real": make_features(), "Synthetic": make_features(shift=1)}
    ),
    "plot_fold_scores": lambda: plots.plot_fold_scores(LEDGER, NAMES, MODELS),
    "plot_pr_curves": lambda: plots.plot_pr_curves(LEDGER, CURVES, PREVALENCE),
    "plot_differences": lambda: plots.plot_differences(COMPARED, NAMES, MODELS),
    "plot_gan_history": lambda: plots.plot_gan_history(HISTORY),
    "plot_marginals": lambda: plots.plot_marginals(make_features(), make_features(shift=1)),
    "plot_embedding": lambda: plots.plot_embedding(RNG.normal(size=(60, 2)), KINDS),
    "plot_calibration": lambda: plots.plot_calibration({"As fitted": RELIABILITY}),
    "plot_cost": lambda: plots.plot_cost(N_ALERTS, COST, chosen=5, days=0.5),
    "plot_test_curve": lambda: plots.plot_test_curve(RANKS, "Random forest", PREVALENCE),
    "plot_waterfall": lambda: plots.plot_waterfall(STEPS, 0.936),
}
TEXTS = {
    "plot_ablation": [
        "TSTR / TRTR",
        "Coverage",
        "Packing: 4",
        "Difference to the default, with 95 % interval over folds",
    ],
    "plot_hours": ["Hour of day", "Share of the class", "Legitimate", "Fraud"],
    "plot_amounts": ["Amount, spaced by log(1 + amount)", "Share of the class", "Legitimate", "Fraud", "1,000"],
    "plot_effect_sizes": ["ROC AUC of the feature alone (0.5 = chance)", "V1", "Amount"],
    "plot_correlations": ["Pearson correlation", "Real", "Synthetic", "V1"],
    "plot_fold_scores": ["Average precision (dots: folds, bars: their mean)", *NAMES.values(), *MODELS.values()],
    "plot_pr_curves": ["Recall", "Precision", "chance", "Mean average precision"],
    "plot_differences": ["Random forest: SMOTE", "CGAN"],
    "plot_gan_history": ["Update", "Critic loss", "Generator loss"],
    "plot_marginals": ["Real frauds", "Synthetic frauds", "V1", "constant"],
    "plot_embedding": [*np.unique(KINDS), "First t-SNE dimension", "Second t-SNE dimension"],
    "plot_calibration": ["Predicted probability", "Observed share of frauds", "As fitted"],
    "plot_cost": ["Alerts per day", "Cost per day", "10 alerts a day", "no alerts"],
    "plot_test_curve": ["Recall", "Precision", "Random forest"],
    "plot_waterfall": ["Clean", "Test\noverlap", "+0.200", "-0.050", "0.850", "published: 0.936"],
}


@pytest.fixture(autouse=True)
def own_theme():
    """The study's theme inside a test, and no figure left open."""
    plt.switch_backend("agg")
    with mpl.rc_context():
        plots.use_theme()
        yield
    plt.close("all")


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


def test_every_figure_is_tried_here():
    assert {name for name in vars(plots) if name.startswith("plot_")} == set(DRAWINGS) == set(TEXTS)


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_figure_draws_without_a_warning(name, recwarn):
    DRAWINGS[name]().canvas.draw()
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_figure_says_what_it_shows(name):
    figure = DRAWINGS[name]()
    figure.canvas.draw()
    assert set(TEXTS[name]) <= set(texts(figure))


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_figure_fits_the_page_and_shows_data(name):
    figure = DRAWINGS[name]()
    assert figure.get_size_inches()[0] <= plots.PAGE
    assert any(axes.has_data() for axes in figure.axes)


@pytest.mark.parametrize("name", ["plot_pr_curves", "plot_test_curve"])
def test_precision_recall_figures_show_the_prevalence(name):
    levels = [line.get_ydata() for line in lines(DRAWINGS[name]()) if line.get_linestyle() == ":"]
    assert [set(level) for level in levels] == [{PREVALENCE}]


def test_a_precision_recall_curve_is_labelled_with_its_mean():
    part = LEDGER[(LEDGER["sampler"] == "cgan") & (LEDGER["model"] == "rf")]
    assert f"CGAN ({part['average_precision'].mean():.3f})" in texts(DRAWINGS["plot_pr_curves"]())


def test_precision_at_a_recall_is_that_of_the_first_rank_that_reaches_it():
    table = pd.DataFrame({"ranks": [[1, 3, 4, 10]]})
    (precision,) = plots.mean_precision(table, np.array([0.1, 0.25, 0.26, 0.5, 0.51, 0.75, 0.76, 1]))
    np.testing.assert_allclose(precision, [1, 1, 2 / 3, 2 / 3, 3 / 4, 3 / 4, 0.4, 0.4])


def test_a_sampler_has_one_colour_in_every_figure():
    expected = plots.sampler_colour("cgan").upper()
    by_sampler = plots.plot_pr_curves(LEDGER, CURVES, PREVALENCE, by_sampler=True)
    (curve,) = [line for line in lines(by_sampler) if line.get_label().startswith("CGAN")]
    assert colour_of(curve) == expected
    assert {colour_of(line) for line in lines(DRAWINGS["plot_gan_history"]())} == {expected}
    only = COMPARED[COMPARED["sampler"] == "cgan"]
    intervals = [line for line in lines(plots.plot_differences(only, NAMES, MODELS)) if line.get_linewidth() == 1.6]
    assert len(intervals) == len(MODELS) and {colour_of(line) for line in intervals} == {expected}
    folds = plots.plot_fold_scores(LEDGER[LEDGER["sampler"] == "cgan"], NAMES, MODELS)
    assert {colour_of(line) for line in lines(folds)} == {expected}


def test_samplers_of_the_study_are_told_apart():
    colours = [plots.sampler_colour(name).upper() for name in SAMPLERS]
    assert len(set(colours)) == len(SAMPLERS)


def test_palettes_hold_no_colour_twice():
    palette = [colour.upper() for colour in (*plots.SAMPLER_COLOURS.values(), *plots.SPARE_COLOURS)]
    assert len(set(palette)) == len(palette)
    assert len({plots.LEGITIMATE, plots.FRAUD, plots.SYNTHETIC, plots.NEUTRAL}) == 4


def test_a_new_sampler_gets_a_spare_colour_for_good():
    assert plots.sampler_colour("adasyn") == plots.sampler_colour("adasyn")
    assert plots.sampler_colour("adasyn") in plots.SPARE_COLOURS


def test_a_fold_score_figure_shows_every_fold_and_its_mean():
    table = LEDGER[LEDGER["model"] == "rf"]
    (axes,) = plots.plot_fold_scores(table, NAMES, MODELS).axes
    dots, bar = axes.get_lines()[:2]
    scores = table.loc[table["sampler"] == "none", "average_precision"]
    assert list(dots.get_xdata()) == list(scores)
    assert list(bar.get_xdata()) == [pytest.approx(scores.mean())] * 2
    assert [label.get_text() for label in axes.get_yticklabels()] == list(NAMES.values())


def test_a_forest_plot_shows_every_interval_where_it_lies():
    drawn = {tuple(line.get_xdata()) for line in lines(DRAWINGS["plot_differences"]()) if line.get_linewidth() == 1.6}
    shown = COMPARED[["low", "high"]].clip(-plots.WIDEST, plots.WIDEST)
    assert drawn == set(shown.itertuples(index=False, name=None))


def test_a_calibration_figure_drops_no_table():
    figure = plots.plot_calibration({f"Table {number}": RELIABILITY for number in range(5)})
    assert {f"Table {number}" for number in range(5)} <= set(texts(figure))


def test_the_chosen_point_of_a_cost_figure_lies_on_its_curve():
    figure = plots.plot_cost([0, 10, 20], [500.0, 300.0, 100.0], chosen=15, days=1)
    (point,) = [line for line in lines(figure) if line.get_marker() == "o"]
    assert (point.get_xdata()[0], point.get_ydata()[0]) == (15, 300)


def test_each_bar_of_a_waterfall_starts_where_the_last_one_ended():
    (axes,) = DRAWINGS["plot_waterfall"]().axes
    bars = [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in axes.patches]
    np.testing.assert_allclose(bars, [(0, 0.7), (0.7, 0.9), (0.9, 0.85), (0, 0.85)])
    assert axes.get_ylim()[0] == 0.5 and axes.get_ylim()[1] > 1
    assert [line.get_ydata()[0] for line in axes.get_lines() if line.get_linestyle() == ":"] == [0.936]


def test_wilson_intervals_are_those_of_the_textbook():
    low, high = plots.wilson(np.array([10, 0]), np.array([100, 10]))
    np.testing.assert_allclose(low, [0.0552, 0], atol=1e-4)
    np.testing.assert_allclose(high, [0.1744, 0.2775], atol=1e-4)


@pytest.mark.parametrize("theme", [True, False])
def test_the_same_figure_gives_the_same_bytes(profile, theme):
    if not theme:
        mpl.rcdefaults()
    first = plots.save_figure(DRAWINGS["plot_test_curve"](), "curve", profile).read_bytes()
    second = plots.save_figure(DRAWINGS["plot_test_curve"](), "curve", profile).read_bytes()
    assert first == second
    assert first.startswith(b"<?xml") and b"</svg>" in first


def test_a_saved_figure_holds_no_date_and_no_font(profile):
    text = plots.save_figure(DRAWINGS["plot_hours"](), "hours", profile).read_text()
    assert "<dc:date>" not in text
    assert not re.search("<text|font-family", text)


def test_a_figure_is_saved_under_its_final_name_only(profile):
    path = plots.save_figure(DRAWINGS["plot_hours"](), "hours", profile)
    assert path == profile.figures / "hours.svg"
    assert list(profile.figures.iterdir()) == [path]


def test_a_figure_that_cannot_be_written_leaves_the_old_one(profile, monkeypatch):
    path = plots.save_figure(DRAWINGS["plot_hours"](), "hours", profile)
    before = path.read_bytes()

    def fail(self, target, **_):
        target.write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(mpl.figure.Figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        plots.save_figure(DRAWINGS["plot_hours"](), "hours", profile)
    assert path.read_bytes() == before
    assert list(profile.figures.iterdir()) == [path]


def test_the_ablation_shows_every_variant_but_the_default():
    axes, _ = DRAWINGS["plot_ablation"]().axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Packing: 4", "Plain"]
    means = EFFECTS[(EFFECTS["figure"] == "ratio") & (EFFECTS["variant"] != "default")]["mean"]
    (dots,) = (line for line in axes.get_lines() if line.get_marker() == "o")
    np.testing.assert_allclose(dots.get_xdata(), means)
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
