"""Figures of the statistics page, computed once when the model is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm.auto import tqdm

from app.building.about import located, raw_values
from app.building.embedding import FRAUD, LEGITIMATE, SYNTHETIC, Synthetic, embed
from app.building.scores import measured_rows
from app.serving.model_files import Figure, Toggle
from app.serving.served import Explanation, Served
from app.views.words import TRANSACTIONS, words_of
from utils.config import DatasetConfig, Study, Words
from utils.data.features.calendar import SECONDS_PER_DAY, elapsed_seconds
from utils.figures.comparison import mean_precision
from utils.figures.theme import FRAUD as FRAUD_COLOUR
from utils.figures.theme import LEGITIMATE as LEGITIMATE_COLOUR
from utils.figures.theme import NEUTRAL, model_colour, sampler_colour
from utils.figures.theme import SYNTHETIC as SYNTHETIC_COLOUR
from utils.wording import reword

CLASSES = ((0, "Legitimate", LEGITIMATE_COLOUR), (1, "Fraud", FRAUD_COLOUR))
PAIR, FOLD = ["sampler", "model"], ["repeat", "fold"]
RECALLS = np.linspace(0.01, 1, 100)
AMOUNTS = (0, 0.01, 1, 3, 10, 30, 100, 300, 1000, 3000)  # lower ends of the bins: roughly half powers of ten
N_EXPLAINED, N_ESTIMATED = 200, 30  # rows of each class that importances are the mean of, if exact, or estimated
N_FEATURES = 15
MAX_TICK = 40  # characters of a column's name beside an axis
DIVERGING = [[0, LEGITIMATE_COLOUR], [0.5, "#ffffff"], [1, FRAUD_COLOUR]]
SCALE_ABOVE = {
    "orientation": "h",
    "y": 1.02,
    "yanchor": "bottom",
    "x": 0,
    "xanchor": "left",
    "len": 0.5,
    "thickness": 10,
}


def figures(
    served: Served,
    development: pd.DataFrame,
    labels_of: dict[str, str],
    synthetic: Synthetic | None = None,
    *,
    study: Study | DatasetConfig | None = None,
) -> list[Figure]:
    """Figures of the page, in order; figures without data are left out.

    Parameters
    ----------
    served : Served
        Model whose importances are drawn.
    development : DataFrame of shape (n_rows, n_columns)
        Raw rows with the label.
    labels_of : dict of str to str
        Printed names of samplers and classifiers.
    synthetic : Synthetic, optional
        Frauds of the study's CGAN, if there are enough real ones to train it.
    study : Study or DatasetConfig, optional
        Whose measured pairs are drawn; by default that of the model's dataset in the credit-card study.
    """
    schema = served.model.schema
    labels = development[schema.label].to_numpy()
    words = words_of(served.model.card)
    drawn = [class_balance(labels, words)]
    if schema.amount is not None:
        drawn.append(amounts(development[schema.amount].to_numpy(), labels, served.amount_unit))
    if schema.time is not None:
        hours = elapsed_seconds(development[schema.time], schema) % SECONDS_PER_DAY // 3600
        if np.unique(hours // 1).size > 1:  # not where all times are dates
            drawn.append(hour_of_day(hours, labels, is_clock=schema.time in schema.dates))
    if synthetic:
        drawn += [correlations(synthetic), embedding(synthetic)]
    if served.model.card.study:
        drawn = [in_words(figure, words) for figure in drawn]
    n_explained = N_EXPLAINED if served.explained_exactly else N_ESTIMATED
    drawn.append(importances(served, sample_of(development, schema, n_explained)))
    table = measured(study or located(schema))
    if len(table):
        drawn.append(precision_recall_curves(table, labels.mean(), labels_of))
    return drawn


def in_words(figure: Figure, words: Words) -> Figure:
    """A figure with its sentences and names of classes in the words of a study of the user's own."""

    def translated(content: dict[str, object]) -> dict[str, object]:
        """Titles and names, but nothing that may be a column."""
        own = {key: translated(value) for key, value in content.items() if isinstance(value, dict)}
        own |= {key: reword(content[key], words) for key in ("name", "text") if isinstance(content.get(key), str)}
        return {**content, **own}

    choices = figure.choices and [
        (group, [(value, reword(label, words)) for value, label in options]) for group, options in figure.choices
    ]
    return replace(
        figure,
        title=reword(figure.title, words),
        text=reword(figure.text, words),
        choices=choices,
        toggle=figure.toggle and replace(figure.toggle, name=reword(figure.toggle.name, words)),
        data=[translated(trace) for trace in figure.data],
        layout=translated(figure.layout),
    )


def measured(study: Study | DatasetConfig) -> pd.DataFrame:
    """Cross-validation rows of a study, of the run as in `measured_rows`, on the folds that every pair has.

    Its attributes are the profile, and on how many folds some pair was measured.
    """
    profile, table = measured_rows(study)
    if table.empty:
        return table
    n_pairs, n_measured = len(table[PAIR].drop_duplicates()), len(table[FOLD].drop_duplicates())
    table = table[table.groupby(FOLD)["key"].transform("size") == n_pairs]
    table.attrs |= {"profile": profile.name, "n_measured": n_measured}
    return table


def class_balance(labels: NDArray, words: Words = TRANSACTIONS) -> Figure:
    """Rows per class on a logarithmic axis."""
    counts = {reword(name, words): int(np.sum(labels == value)) for value, name, _ in CLASSES}
    n_positives = int(np.sum(labels == 1))
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": list(counts),
        "x": list(counts.values()),
        "text": [f"{count:,}" for count in counts.values()],
        "textposition": "outside",
        "marker": {"color": [colour for *_, colour in CLASSES]},
        "hovertemplate": "%{y}: %{x:,}<extra></extra>",
    }
    text = f"Of {len(labels):,} transactions of the development set, {n_positives:,} are frauds: one in "
    text += f"{round(len(labels) / max(n_positives, 1)):,}."
    axis = {
        "type": "log",
        "title": {"text": "transactions (logarithmic)"},
        "dtick": 1,
        "tickformat": ",d",
        "range": [0, 1.2 * np.log10(max(len(labels), 10))],  # also on a phone, the count fits behind its bar
    }
    return Figure(title="Class balance", text=text, data=[bars], layout={"xaxis": axis}, size="short")


def _shares_of_class(positions: NDArray, labels: NDArray, names: Sequence[object]) -> list[dict[str, object]]:
    """Bars of each class's share, in percent, at every name; `positions` are indices of `names`."""
    bars = []
    for value, name, colour in CLASSES:
        counts = np.bincount(positions[labels == value].astype(int), minlength=len(names))
        bars.append(
            {
                "type": "bar",
                "name": name,
                "x": names,
                "y": (100 * counts / max(counts.sum(), 1)).round(3).tolist(),
                "customdata": counts.tolist(),
                "marker": {"color": colour},
                "hovertemplate": "%{y:.1f} % (%{customdata:,})",
            }
        )
    return bars


def amounts(values: NDArray, labels: NDArray, unit: str | None = None) -> Figure:
    """Share of each class by amount; values of shape (n_rows,), in the unit of the file, if that names one."""
    known = ~np.isnan(values)
    values, labels = values[known], labels[known]
    ends = [f"{low:,g} to {high:,g}" for low, high in pairwise(AMOUNTS[1:])]
    names = ["0", *ends, f"{AMOUNTS[-1]:,} and more"]
    if (values < 0).any():
        names[0] = "0 and less"
    positions = np.maximum(np.searchsorted(AMOUNTS, values, side="right") - 1, 0)
    bars = _shares_of_class(positions, labels, names)
    medians = {
        name.lower(): np.median(values[labels == value]) for value, name, _ in CLASSES if (labels == value).any()
    }
    text = f"Share of each class by amount, in {unit or 'the unit of the file'}, from each number to just below the "
    text += f"next. The median is {' and '.join(f'{median:,.2f} ({name})' for name, median in medians.items())}."
    if not known.all():
        text += f" {np.sum(~known):,} of {len(known):,} transactions have no amount and are left out."
    title = f"amount ({unit})" if unit else "amount"
    axes = {"xaxis": {"title": {"text": title}}, "yaxis": {"title": {"text": "share of the class (%)"}}}
    return Figure(title="Amounts", text=text, data=bars, layout={**axes, "hovermode": "x unified"})


def hour_of_day(hours: NDArray, labels: NDArray, *, is_clock: bool = False) -> Figure:
    """Share of each class per hour; arrays of shape (n_rows,). `is_clock` if hours are those of a clock."""
    bars = _shares_of_class(hours, labels, list(range(24)))
    per_hour = np.bincount(hours.astype(int), minlength=24)
    rate = 10_000 * np.bincount(hours[labels == 1].astype(int), minlength=24) / np.maximum(per_hour, 1)
    low, high = int(np.where(per_hour > 0, rate, np.inf).argmin()), int(rate.argmax())
    text = f"Share of each class per hour{' (UTC)' if is_clock else ', counted from the first transaction'}. Of 10,000 "
    text += f"transactions {rate[low]:.0f} are frauds in hour {low}, where they are rarest, and {rate[high]:.0f} in "
    text += f"hour {high}, where they are most frequent."
    axes = {"xaxis": {"title": {"text": "hour"}, "dtick": 3}, "yaxis": {"title": {"text": "share of the class (%)"}}}
    return Figure(title="Hour of day", text=text, data=bars, layout={**axes, "hovermode": "x unified"})


def correlations(synthetic: Synthetic) -> Figure:
    """Pearson correlations of the features within frauds, legitimate rows and synthetic frauds."""
    tables = {
        "frauds": synthetic.X[synthetic.y == 1],
        "synthetic frauds": synthetic.rows,
        "legitimate transactions": synthetic.X[synthetic.y == 0],
    }
    heatmaps, mean_sizes = [], []
    for group, rows in tables.items():
        with np.errstate(invalid="ignore"):
            coefficients = np.nan_to_num(np.corrcoef(rows.to_numpy().T))  # a constant feature has no correlation
        upper = np.abs(coefficients[np.triu_indices_from(coefficients, k=1)])
        mean_sizes.append(f"{upper.mean():.2f} among {group}")
        heatmaps.append(_heatmap(group, list(rows), coefficients))
    text = f"The mean absolute correlation of two features is {_listed(mean_sizes)}. A good generator gives synthetic "
    text += "frauds the correlations of real ones."
    square = {"showgrid": False, "constrain": "domain", "tickfont": {"size": 10}}
    axes = {
        "xaxis": {**square, "constraintoward": "left"},
        "yaxis": {**square, "autorange": "reversed", "scaleanchor": "x"},
    }
    return Figure(
        title="Correlations",
        text=text,
        label="Among",
        choices=[("", [(group, group) for group in tables])],
        data=heatmaps,
        layout=axes,
        size="tall",
    )


def _heatmap(group: str, names: list[str], values: NDArray) -> dict[str, object]:
    return {
        "type": "heatmap",
        "meta": {group: {}},
        "x": names,
        "y": names,
        "z": values.round(2).tolist(),
        "zmin": -1,
        "zmax": 1,
        "colorscale": DIVERGING,
        "colorbar": SCALE_ABOVE,
        "hovertemplate": "%{x} and %{y}: %{z:.2f}<extra></extra>",
    }


def embedding(synthetic: Synthetic) -> Figure:
    """Two-dimensional map of frauds, synthetic frauds and some legitimate rows."""
    points, kinds = embed(synthetic)
    styles = {  # name, colour, opacity, symbol and size
        LEGITIMATE: ("Legitimate", LEGITIMATE_COLOUR, 0.35, "circle", 5),
        FRAUD: ("Real fraud", FRAUD_COLOUR, 0.85, "circle", 6),
        SYNTHETIC: ("Synthetic fraud", SYNTHETIC_COLOUR, 0.85, "diamond", 6),
    }
    traces = []
    for kind, (name, colour, opacity, symbol, size) in styles.items():
        x, y = points[kinds == kind].round(2).T.tolist()
        marker = {"color": colour, "opacity": opacity, "symbol": symbol, "size": size}
        trace = {"type": "scatter", "mode": "markers", "name": name, "x": x, "y": y, "marker": marker}
        traces.append({**trace, "hoverinfo": "name"})
    numbers = {kind: int(np.sum(kinds == kind)) for kind in styles}
    text = f"A map of {numbers[FRAUD]:,} frauds, {numbers[LEGITIMATE]:,} legitimate transactions and "
    text += f"{numbers[SYNTHETIC]:,} frauds that the study's conditional GAN generated after training on the whole "
    text += f"development set for {synthetic.updates:,} updates. t-SNE places rows "
    text += "that are alike close together; distances between groups mean little."
    hidden = {"showticklabels": False, "showgrid": False, "zeroline": False}
    return Figure(
        title="Real and synthetic frauds",
        text=text,
        toggle=Toggle("synthetic frauds", list(styles).index(SYNTHETIC)),
        data=traces,
        layout={"xaxis": hidden, "yaxis": hidden, "hovermode": "closest"},
        size="tall",
    )


def sample_of(development: pd.DataFrame, schema: DatasetConfig, limit: int, seed: int = 0) -> pd.DataFrame:
    """At most so many rows of each class."""
    classes = [development[development[schema.label] == value] for value, *_ in CLASSES]
    return pd.concat([rows.sample(min(limit, len(rows)), random_state=seed) for rows in classes])


def importances(served: Served, rows: pd.DataFrame) -> Figure:
    """Mean absolute contribution of each feature to the served model's log odds, over some raw rows."""
    explained = _explained(served, raw_values(served.model, rows).tolist())
    sizes = [{column.feature: abs(column.contribution) for column in row.contributions} for row in explained]
    means = pd.DataFrame(sizes).mean().sort_values(ascending=False)
    top = means.head(N_FEATURES)[::-1]
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": [_tick(name) for name in top.index],
        "x": top.round(4).tolist(),
        "marker": {"color": LEGITIMATE_COLOUR},
        "hovertemplate": "%{y}: %{x:.2f}<extra></extra>",
    }
    text = "How far each feature moves the served model's log odds of fraud: the mean size of its "
    text += f"{'' if served.explained_exactly else 'estimated '}SHAP value over "
    n_positives = int(rows[served.model.schema.label].sum())
    text += f"{len(rows):,} transactions of the development set, {n_positives:,} of them frauds. "
    if served.model.card.study:  # before names of columns, which must not be reworded, stand in it
        text = reword(text, words_of(served.model.card))
    text += f"{_listed(list(means.index[:3]))} {'move' if len(means) > 1 else 'moves'} them most"
    text += f"; the {len(top)} largest are shown." if len(top) < len(means) else "."
    axes = {"xaxis": {"title": {"text": "mean absolute SHAP value (log odds)"}}, "yaxis": {"showgrid": False}}
    return Figure(title="What the served model looks at", text=text, data=[bars], layout=axes, size="tall")


def _explained(served: Served, values: list[list[float]]) -> list[Explanation]:
    """Explanations of rows, with a progress bar where they are estimated, which takes minutes for large forests."""
    if served.explained_exactly:
        return served.explain(values)
    return [served.explain([row])[0] for row in tqdm(values, desc="Explaining the model", unit="row")]


def _listed(names: list[str]) -> str:
    """Names in a sentence."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _tick(name: str) -> str:
    """A column's name beside an axis: cut if it is long, and escaped, because Plotly reads tags."""
    short = name if len(name) <= MAX_TICK else f"{name[: MAX_TICK - 1]}\N{HORIZONTAL ELLIPSIS}"
    return short.replace("&", "&amp;").replace("<", "&lt;")


def precision_recall_curves(table: pd.DataFrame, prevalence: float, labels_of: dict[str, str]) -> Figure:
    """Precision at every recall, mean over folds: by classifier with a curve per sampler, or the other way."""
    order = {name: position for position, name in enumerate(labels_of)}
    pairs = sorted(
        set(zip(table["sampler"], table["model"], strict=True)),
        key=lambda pair: [order.get(name, len(order)) for name in pair],
    )
    lines = [_pair_curve(table, sampler, classifier, labels_of) for sampler, classifier in pairs]
    chance = {"type": "scatter", "mode": "lines", "name": "chance", "x": [0, 1], "y": [float(prevalence)] * 2}
    lines.append({**chance, "line": {"color": NEUTRAL, "dash": "dot"}})
    axes = {
        "xaxis": {"title": {"text": "recall"}, "range": [0, 1]},
        "yaxis": {"title": {"text": "precision"}, "range": [0, 1.02]},
    }
    return Figure(
        title="Precision and recall of the models",
        text=_origin(table),
        label="Curves of",
        choices=[
            ("one model, each sampler", _best_first(table, "model", labels_of)),
            ("one sampler, each model", _best_first(table, "sampler", labels_of)),
        ],
        data=lines,
        layout=axes,
        size="tall",
    )


def _pair_curve(table: pd.DataFrame, sampler: str, classifier: str, labels_of: dict[str, str]) -> dict[str, object]:
    """The mean curve of a pair; `meta` has its name and colour among the curves of its classifier or of its sampler."""
    rows = table[(table["sampler"] == sampler) & (table["model"] == classifier)]
    score = f"({rows['average_precision'].mean():.3f})"
    chosen = {
        classifier: (labels_of.get(sampler, sampler), sampler_colour(sampler)),
        sampler: (labels_of.get(classifier, classifier), model_colour(classifier)),
    }
    meta = {choice: {"name": f"{name} {score}", "line": {"color": colour}} for choice, (name, colour) in chosen.items()}
    precision = mean_precision(rows, RECALLS).mean(axis=0).round(4).tolist()
    return {"type": "scatter", "mode": "lines", "x": RECALLS.round(2).tolist(), "y": precision, "meta": meta}


def _best_first(table: pd.DataFrame, role: str, labels_of: dict[str, str]) -> list[tuple[str, str]]:
    means = table.groupby(role)["average_precision"].mean().sort_values(ascending=False)
    return [(name, labels_of.get(name, name)) for name in means.index]


def _origin(table: pd.DataFrame) -> str:
    n_folds = len(table[FOLD].drop_duplicates())
    run, n_measured = table.attrs.get("profile", "full"), table.attrs.get("n_measured", n_folds)
    text = f"Mean over {n_folds} folds" if n_folds > 1 else "One fold"
    text += f" of the development set, from the {run} run of the study"
    if n_folds < n_measured:
        text += f": of {n_measured} folds, only {'these have' if n_folds > 1 else 'this one has'} every pair"
    text += f"; the {'mean ' if n_folds > 1 else ''}average precision is in brackets. "
    if n_folds == 1:
        text += "On other folds the curves would look otherwise, and their order may change. "
    return text + "Select a name to hide or show its curve."
