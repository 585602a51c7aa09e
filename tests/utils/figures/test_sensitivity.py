"""The figure of ratios: every line has the values of its frame, all are visible, and none compresses the others."""

import matplotlib as mpl
import pandas as pd
import pytest

from utils import config
from utils.figures import sensitivity as sensitivity_figures
from utils.figures import theme

pytestmark = pytest.mark.usefixtures("theme")

RATIOS = ("x1", "x5", "x20", "balanced")
SAMPLERS = {"rus": "Random undersampling", "smote": "SMOTE", "cgan": "CGAN"}
MODELS = {"lr": "Logistic regression", "rf": "Random forest", "xgb": "XGBoost", "ann": "ANN"}


def make_curves(**slopes: float) -> pd.DataFrame:
    """A difference that grows by this amount from ratio to ratio, with an interval of 0.01 on both sides."""
    return pd.DataFrame(
        {"model": model, "sampler": name, "ratio": ratio, "mean": mean, "low": mean - 0.01, "high": mean + 0.01}
        for model in MODELS
        for name, slope in slopes.items()
        for ratio, mean in zip(RATIOS, (slope * position for position in range(4)), strict=True)
    )


CURVES = make_curves(smote=0.01, cgan=-0.005)


def line_of(axes, name: str):
    (line,) = [line for line in axes.get_lines() if line.get_color() == theme.sampler_colour(name)]
    return line


def test_plot_ratios_draws_without_a_warning_and_says_what_it_shows(recwarn):
    figure = sensitivity_figures.plot_ratios(CURVES, SAMPLERS, MODELS)
    figure.canvas.draw()
    assert [str(warning.message) for warning in recwarn] == []
    assert figure.get_size_inches()[0] <= theme.PAGE
    texts = {text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_visible()}
    assert {*MODELS.values(), *RATIOS, "SMOTE", "CGAN", "Ratio"} <= texts
    assert "Random undersampling" not in texts  # only what was measured is in the legend


def test_plot_ratios_has_a_panel_per_model_and_a_line_per_sampler():
    figure = sensitivity_figures.plot_ratios(CURVES, SAMPLERS, MODELS)
    assert [axes.get_title(loc="left") for axes in figure.axes if axes.axison] == list(MODELS.values())
    for axes in figure.axes[: len(MODELS)]:
        assert list(line_of(axes, "smote").get_ydata()) == pytest.approx([0, 0.01, 0.02, 0.03])
        assert list(line_of(axes, "cgan").get_ydata()) == pytest.approx([0, -0.005, -0.01, -0.015])
        assert line_of(axes, "smote").get_xdata() == pytest.approx(line_of(axes, "cgan").get_xdata() - 0.3)
        ends = [tuple(segment[:, 1]) for lines in axes.collections for segment in lines.get_segments()]
        assert len(ends) == 8 and ends[3] == pytest.approx((0.02, 0.04))


def test_plot_ratios_keeps_the_order_of_ratios_in_the_frame():
    curves = CURVES[~((CURVES["sampler"] == "cgan") & (CURVES["ratio"] == "x5"))]
    curves = pd.concat([curves[curves["sampler"] == "smote"], curves[curves["sampler"] == "cgan"].iloc[::-1]])
    axes = sensitivity_figures.plot_ratios(curves, SAMPLERS, MODELS).axes[0]
    assert [label.get_text() for label in axes.figure.axes[3].get_xticklabels()] == list(RATIOS)
    assert list(line_of(axes, "cgan").get_ydata()) == pytest.approx([0, -0.01, -0.015])
    assert line_of(axes, "cgan").get_xdata() == pytest.approx([0.15, 2.15, 3.15])


def test_plot_ratios_shows_a_method_that_fails_without_compressing_the_others():
    axes = sensitivity_figures.plot_ratios(make_curves(smote=0.005, rus=-0.2), SAMPLERS, MODELS).axes[0]
    low, high = axes.get_ylim()
    assert low < -0.61 and 0.025 < high < 0.05
    axes.figure.canvas.draw()
    heights = dict(
        zip(
            ("low", "margin", "zero", "high"),
            axes.transData.transform([(0, y) for y in (low, -0.01, 0, high)])[:, 1],
            strict=True,
        )
    )
    assert heights["zero"] - heights["margin"] > 0.05 * (heights["high"] - heights["low"])  # 1.6 % on a linear scale
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "-0.5",
        "-0.2",
        "-0.1",
        "-0.05",
        "-0.02",
        "0",
        "0.02",
    ]


def test_plot_ratios_always_shows_the_region_of_equivalence():
    axes = sensitivity_figures.plot_ratios(make_curves(smote=0.0001), SAMPLERS, MODELS).axes[0]
    low, high = axes.get_ylim()
    assert low < -config.MARGIN < config.MARGIN < high
    (shade,) = axes.patches
    assert (shade.get_y(), shade.get_y() + shade.get_height()) == pytest.approx((-config.MARGIN, config.MARGIN))


def test_plot_ratios_has_different_markers_within_a_family():
    looks = [(theme.sampler_colour(name), marker) for name, marker in sensitivity_figures.MARKERS.items()]
    assert set(sensitivity_figures.MARKERS) == set(theme.SAMPLER_COLOURS) - {"none"}
    for family in (("rus", "tomek", "nearmiss"), ("ros", "smote", "borderline", "adasyn", "smoteenn")):
        assert len({sensitivity_figures.MARKERS[name] for name in family}) == len(family)
    assert len({sensitivity_figures.MARKERS[name] for name in ("jitter", "cgan", "ctgan")}) == 3
    assert len(set(looks)) == len(looks)


def test_plot_ratios_draws_a_sampler_without_its_own_marker():
    curves = make_curves(smote=0.01).assign(sampler="svmsmote")
    axes = sensitivity_figures.plot_ratios(curves, {"svmsmote": "SVM-SMOTE"}, MODELS).axes[0]
    assert line_of(axes, "svmsmote").get_marker() not in sensitivity_figures.MARKERS.values()


def test_plot_ratios_refuses_a_frame_without_these_methods():
    with pytest.raises(ValueError, match="no row with these models"):
        sensitivity_figures.plot_ratios(CURVES, {"adasyn": "ADASYN"}, MODELS)


LEVELS = dict(zip(RATIOS, ("20", "40", "80", "all"), strict=True))


def test_plot_scarcity_draws_the_differences_at_each_number_of_frauds(recwarn):
    curves = CURVES.assign(level=CURVES["ratio"].map(LEVELS), ratio="x5")
    figure = sensitivity_figures.plot_scarcity(curves, SAMPLERS, MODELS)
    figure.canvas.draw()
    assert [str(warning.message) for warning in recwarn] == []
    assert [axes.get_title(loc="left") for axes in figure.axes if axes.axison] == list(MODELS.values())
    assert [label.get_text() for label in figure.axes[3].get_xticklabels()] == ["20", "40", "80", "all"]
    for axes in figure.axes[: len(MODELS)]:
        assert list(line_of(axes, "cgan").get_ydata()) == pytest.approx([0, -0.005, -0.01, -0.015])
        ends = [tuple(segment[:, 1]) for lines in axes.collections for segment in lines.get_segments()]
        assert len(ends) == 8 and ends[3] == pytest.approx((0.02, 0.04))
    assert figure.get_supxlabel() == "Frauds to train on"


def test_plot_scarcity_refuses_rows_of_several_ratios():
    with pytest.raises(ValueError, match="several rows at one number of frauds"):
        sensitivity_figures.plot_scarcity(CURVES.assign(level="20"), SAMPLERS, MODELS)
