"""Figures of the statistics page, computed once when the model is written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from utils import ledger
from utils.config import DatasetConfig, load_profile
from utils.plots import mean_precision, sampler_colour

LEGITIMATE, FRAUD = "#0072b2", "#d55e00"
CLASSES = ((0, "Legitimate", LEGITIMATE), (1, "Fraud", FRAUD))
PAIR = ["sampler", "model"]
RECALLS = np.linspace(0.01, 1, 100)
Figure = dict[str, Any]


def figures(schema: DatasetConfig, development: pd.DataFrame, labels_of: dict[str, str]) -> list[Figure]:
    """What the page shows, as Plotly JSON with title and text; figures without data are left out.

    `labels_of` has the printed names of samplers and classifiers.
    """
    labels = development[schema.label].to_numpy()
    found = [class_balance(labels)]
    if schema.time is not None:
        found.append(hour_of_day(development[schema.time].to_numpy() // 3600 % 24, labels))
    table = measured(schema)
    if len(table):
        found.append(precision_recall_curves(table, labels.mean(), labels_of))
    return found


def measured(schema: DatasetConfig) -> pd.DataFrame:
    """Cross-validation rows of the full study, else of the quick one, on the folds that every pair has."""
    for name in ("full", "quick"):
        table = ledger.frame(ledger.read(load_profile(name).results))
        if table.empty:
            continue
        kinds = pd.Series([split["kind"] for split in table["split"]], index=table.index)
        names = pd.Series([dataset["name"] for dataset in table["dataset"]], index=table.index)
        table = table[(kinds == "development") & (names == schema.name)]
        table = table.drop_duplicates([*PAIR, "repeat", "fold"])
        n_pairs = len(table[PAIR].drop_duplicates())
        table = table[table.groupby(["repeat", "fold"])["key"].transform("size") == n_pairs]
        if len(table):
            table.attrs["profile"] = name
            return table
    return pd.DataFrame()


def class_balance(labels: np.ndarray) -> Figure:
    """Transactions per class on a logarithmic axis."""
    counts = {name: int(np.sum(labels == value)) for value, name, _ in CLASSES}
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": list(counts),
        "x": list(counts.values()),
        "text": [f"{count:,}" for count in counts.values()],
        "marker": {"color": [LEGITIMATE, FRAUD]},
        "hovertemplate": "%{y}: %{x:,}<extra></extra>",
    }
    text = f"Of {len(labels):,} transactions of the development set, {counts['Fraud']:,} are frauds: one in "
    text += f"{round(len(labels) / max(counts['Fraud'], 1)):,}."
    axis = {
        "type": "log",
        "title": {"text": "transactions (logarithmic)"},
        "dtick": 1,
        "range": [0, np.log10(len(labels)) + 0.3],
    }
    return {"title": "Class balance", "text": text, "data": [bars], "layout": {"xaxis": axis}}


def hour_of_day(hours: np.ndarray, labels: np.ndarray) -> Figure:
    """Share of each class per hour."""
    lines = []
    for value, name, colour in CLASSES:
        counts = np.bincount(hours[labels == value].astype(int), minlength=24)
        lines.append(
            {
                "type": "bar",
                "name": name,
                "x": list(range(24)),
                "y": (100 * counts / max(counts.sum(), 1)).round(3).tolist(),
                "customdata": counts.tolist(),
                "marker": {"color": colour},
                "hovertemplate": "%{y:.1f} % (%{customdata:,})",
            }
        )
    per_hour = np.bincount(hours.astype(int), minlength=24)
    rate = 10_000 * np.bincount(hours[labels == 1].astype(int), minlength=24) / np.maximum(per_hour, 1)
    low, high = int(rate.argmin()), int(rate.argmax())
    text = "Share of each class per hour, counted from the first transaction. Of 10,000 "
    text += f"transactions {rate[low]:.0f} are frauds in hour {low}, where they are rarest, and {rate[high]:.0f} in "
    text += f"hour {high}, where they are most frequent."
    axes = {"xaxis": {"title": {"text": "hour"}, "dtick": 3}, "yaxis": {"title": {"text": "share of the class (%)"}}}
    return {"title": "Hour of day", "text": text, "data": lines, "layout": {**axes, "hovermode": "x unified"}}


def precision_recall_curves(table: pd.DataFrame, prevalence: float, labels_of: dict[str, str]) -> Figure:
    """Precision at every recall, mean over folds: a curve per sampler, a choice per classifier."""
    best_first = table.groupby("model")["average_precision"].mean().sort_values(ascending=False).index
    lines = []
    for (sampler, classifier), part in table.groupby(PAIR):
        precision = mean_precision(part, RECALLS).mean(axis=0).round(4).tolist()
        name = f"{labels_of.get(sampler, sampler)} ({part['average_precision'].mean():.3f})"
        line = {"type": "scatter", "mode": "lines", "name": name, "line": {"color": sampler_colour(sampler)}}
        lines.append({**line, "x": RECALLS.round(2).tolist(), "y": precision, "meta": classifier})
    chance = {"type": "scatter", "mode": "lines", "name": "chance", "x": [0, 1], "y": [float(prevalence)] * 2}
    lines.append({**chance, "line": {"color": "#7f7f7f", "dash": "dot"}})
    axes = {"xaxis": {"title": {"text": "recall"}, "range": [0, 1]}, "yaxis": {"title": {"text": "precision"}}}
    return {
        "title": "Precision and recall of the models",
        "text": _origin(table),
        "choices": [[name, labels_of.get(name, name)] for name in best_first],
        "data": lines,
        "layout": axes,
    }


def _origin(table: pd.DataFrame) -> str:
    n_folds = len(table[["repeat", "fold"]].drop_duplicates())
    run = table.attrs.get("profile", "full")
    text = f"Mean over {n_folds} fold{'s' * (n_folds > 1)} of the development set, from the {run} run of the study; "
    return text + "the mean average precision is in brackets. Select a name to hide or show its curve."
