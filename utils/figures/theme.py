"""One theme for all figures: colours, sizes, panels, and how a figure is saved."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager

from utils.config import Profile, Words
from utils.files import replacing

MAX_NAME = 8  # letters of names that stand side by side below an axis
MAX_LETTERS = 24  # of a longer name, beside an axis or above a panel
LEGEND_LINE = 0.17  # inches that a line of a legend takes, with its share of what is around the axes
LEGEND_HANDLE, LEGEND_CHARACTER = 0.5, 0.052  # inches of a column beside its text, and of a character of 7 points
LEGEND_PARTS = (0.02, 0.6), (0.4, 1.0)  # of the recall, which a legend covers on the left and on the right
COLUMN, PAGE = 3.5, 7.2  # inches: the paper's column and page width
PANELS_A_LINE = 3
TITLE = 0.5  # inches of a line of panels that its axes do not fill
MISSING = "#8C8C8C"  # of notes where a figure has nothing to draw
LEGITIMATE, FRAUD, SYNTHETIC, NEUTRAL = "#0072B2", "#D55E00", "#009E73", "#595959"
# A sampler has the same colour in every figure, and a family has one hue: grey samplers change no rows, blue ones drop
# rows, yellow to dark red ones add rows, green ones generate rows, violet ones generate them without a network. The
# colours were found by search: for normal and colour-deficient vision (Machado et al., 2009), any two are at least 18
# apart in CIELAB.
SAMPLER_COLOURS = {
    "none": "#000000",
    "class_weight": "#A0A0A0",
    "rus": "#4AC8F2",
    "tomek": "#4C85EB",
    "nearmiss": "#0D3460",
    "ros": "#F1C96E",
    "smote": "#F19E01",
    "borderline": "#D66923",
    "adasyn": "#A1110D",
    "smoteenn": "#6F2227",
    "jitter": "#A0DFAE",
    "cgan": "#2CA462",
    "ctgan": "#206F60",
    "arf": "#9B30FF",
    "copula": "#5B0E9C",
}
# Tol's muted colours for models with a sampler, other colours for those without; greys for unsupervised models.
MODEL_COLOURS = {
    "lr": "#999933",
    "rf": "#117733",
    "xgb": "#882255",
    "ann": "#332288",
    "cnn1d": "#44AA99",
    "lstm": "#CC6677",
    "brf": "#7FBC41",
    "easy": "#88CCEE",
    "rusboost": "#4477AA",
    "spe": "#AA4499",
    "blend": "#EE3377",
    "iforest": "#777777",
    "ocsvm": "#B3B3B3",
}
SPARE_COLOURS = ("#CC79A7", "#7F7F7F", "#8C564B", "#B2B200", "#17BECF", "#7B4FA3")
THEME = {
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "savefig.bbox": "tight",
    "svg.hashsalt": "study",
    "svg.fonttype": "path",
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E5E5E5",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "lines.linewidth": 1.3,
}


# Fonts for letters that Matplotlib's own font lacks, such as those of Chinese, Japanese and Korean, where one is
# installed.
FALLBACKS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans CJK KR",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Hiragino Sans",
    "PingFang SC",
    "Apple SD Gothic Neo",
    "Yu Gothic",
    "Microsoft YaHei",
    "Malgun Gothic",
    "Arial Unicode MS",
)


def use_theme() -> None:
    """Apply the study's theme to every figure from here on.

    Names of columns may have letters that no installed font has. They are drawn as boxes, without a warning for each.
    """
    installed = {font.name for font in fontManager.ttflist}
    mpl.rcParams.update(THEME | {"font.family": ["sans-serif", *(name for name in FALLBACKS if name in installed)]})
    warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from", UserWarning)


def panel_per_model(
    table: pd.DataFrame, samplers: dict[str, str], models: dict[str, str], *, margin: float
) -> tuple[Figure, dict[str, Axes], dict[str, list[str]]]:
    """A panel per model with a line per sampler, the first at the top.

    Panels side by side have the same lines: those of the samplers that one of their models was measured with. A line of
    a model that was not measured says so.

    Parameters
    ----------
    table : DataFrame
        Columns model and sampler; what is not among them gets no panel and no line.
    samplers, models : dict of str to str
        Name to label, in the order to draw.
    margin : float
        See `panel_grid`.

    Returns
    -------
    (Figure, dict of str to Axes, dict of str to list of str)
        The panel of each model, and its samplers by line.
    """
    known = table[table["model"].isin(models) & table["sampler"].isin(samplers)]
    of_model = {name: set(known.loc[known["model"] == name, "sampler"]) for name in models}
    measured = [name for name in models if (table["model"] == name).any()]
    groups = [measured[start : start + PANELS_A_LINE] for start in range(0, len(measured), PANELS_A_LINE)]
    lines = [[name for name in samplers if any(name in of_model[model] for model in group)] for group in groups]
    height = max(0.155, 0.27 - 0.02 * max(map(len, lines)))  # of a line; lines are higher if there are few
    heights = [TITLE + height * len(names) for names in lines]
    figure, panels = panel_grid([models[name] for name in measured], heights, margin)
    by_model = {model: names for group, names in zip(groups, lines, strict=True) for model in group}
    for axes, (model, names) in zip(panels, by_model.items(), strict=True):
        if axes.get_subplotspec().is_first_col():
            axes.set_yticks(range(len(names)), [samplers[name] for name in names])
            axes.set_ylim(len(names) - 0.4, -0.6)
        for line, name in enumerate(names):
            if name not in of_model[model]:
                _note_missing(axes, line)
    return figure, dict(zip(measured, panels, strict=True)), by_model


def _note_missing(axes: Axes, line: int) -> None:
    style = {"fontsize": 6, "color": MISSING, "va": "center"}
    axes.annotate("not measured", (0.97, line), xycoords=("axes fraction", "data"), ha="right", **style)


def sampler_colour(name: str) -> str:
    """Colour of a sampler; samplers without their own colour get one of the spare colours by name."""
    return SAMPLER_COLOURS.get(name) or _spare_colour(name)


def model_colour(name: str) -> str:
    """Colour of a model, never a sampler's; new models get a spare colour, as in `sampler_colour`."""
    return MODEL_COLOURS.get(name) or _spare_colour(name)


def _spare_colour(name: str) -> str:
    return SPARE_COLOURS[sum(map(ord, name)) % len(SPARE_COLOURS)]


def save_figure(figure: Figure, name: str, profile: Profile) -> Path:
    """Write a figure as SVG to the profile's folder of figures; the same figure gives the same bytes."""
    profile.figures.mkdir(parents=True, exist_ok=True)
    path = profile.figures / f"{name}.svg"
    style = {name: THEME[name] for name in THEME if name.startswith(("svg.", "savefig."))}
    with replacing(path) as temporary, mpl.rc_context(style):
        figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": None})
    return path


def strongest(frame: pd.DataFrame, effects: pd.Series | None, n_columns: int) -> list[Hashable]:
    """At most this many columns of a frame, in its order: the first, or those with the largest effects."""
    if effects is None or frame.shape[1] <= n_columns:
        return list(frame)[:n_columns]
    largest = effects[list(frame)].nlargest(n_columns).index
    return [name for name in frame if name in largest]


def plain(name: Hashable) -> str:
    """A text of the data as a label, in which a dollar sign does not begin a formula."""
    return str(name).replace("$", r"\$")


def in_labels(words: Words) -> Words:
    """The words of a study for the labels of a figure; see `plain`."""
    return Words(**{name: plain(word) for name, word in vars(words).items()})


def shorten(name: Hashable, n_letters: int) -> str:
    """The beginning and the end of a long name, as a label; see `plain`."""
    text = " ".join(str(name).split())
    if len(text) <= n_letters:
        return plain(text)
    end = (n_letters - 1) // 3
    return plain(f"{text[: n_letters - 1 - end]}…{text[-end:]}")


def legend_beside_curves(axes: Axes, height: float, **options: object) -> None:
    """Put the legend where precision-recall curves leave room.

    That is below them, at `height`, or in the corner above low ones; where it would hide curves, it stands above the
    axes, in two columns if they fit into the width of the figure, else in one, for which the figure is made higher.
    """
    curves = [line.get_xydata() for line in axes.get_lines() if len(line.get_xdata()) > 2]
    levels = [line.get_ydata()[0] for line in axes.get_lines() if len(line.get_xdata()) == 2]
    points = np.concatenate([*curves, np.empty((0, 2))])
    left, right = (points[_within(points[:, 0], *part), 1] for part in LEGEND_PARTS)
    labels = axes.get_legend_handles_labels()[1]
    n_lines = len(labels) + ("title" in options)
    size = n_lines * LEGEND_LINE / axes.figure.get_figheight()
    if left.min(initial=1) > height + size and not any(height < level < height + size for level in levels):
        location = {"loc": "lower left", "bbox_to_anchor": (0, height)}
    elif right.max(initial=0) < 1 - size:
        location = {"loc": "upper right"}
    else:
        half = LEGEND_HANDLE + LEGEND_CHARACTER * max(map(len, labels))
        n_columns = 2 if n_lines > 3 and 2 * half <= axes.figure.get_figwidth() else 1
        if n_columns == 1:
            axes.figure.set_figheight(axes.figure.get_figheight() + n_lines * LEGEND_LINE)
        location = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": n_columns}
    axes.legend(**location, **options)


def _within(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return (values >= low) & (values <= high)


def legend_above(axes: Axes) -> None:
    """Put the legend between title and axes, in one line."""
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, borderaxespad=0.2)


def panel_grid(titles: Sequence[str], height: float | Sequence[float], margin: float) -> tuple[Figure, list[Axes]]:
    """Panels with shared axes, at most three per line, with tick labels at the left and at the bottom.

    Where lines of panels have heights of their own, each shares an axis of its own.

    Parameters
    ----------
    titles : sequence of str
        One per panel; at least one.
    height : float or sequence of float
        Inches per line of panels, or of each.
    margin : float
        Inches in addition for legend and labels.
    """
    n_columns = min(PANELS_A_LINE, len(titles))
    n_lines = -(-len(titles) // n_columns)
    is_alike = isinstance(height, (int, float))
    heights = [height] * n_lines if is_alike else list(height)
    figure, panels = plt.subplots(
        n_lines,
        n_columns,
        figsize=(PAGE, margin + sum(heights)),
        sharex=True,
        sharey=True if is_alike else "row",
        squeeze=False,
        height_ratios=None if is_alike else [inches - TITLE for inches in heights],
    )
    used = list(panels.flat[: len(titles)])
    for axes, title in zip(used, titles, strict=True):
        axes.set_title(title)
    for axes in panels.flat[len(titles) :]:
        axes.set_axis_off()
    for axes in used[-n_columns:]:  # including panels above an empty cell
        axes.tick_params(labelbottom=True)
    return figure, used
