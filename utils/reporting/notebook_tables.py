"""Tables as notebooks show them: labels for the registries' names, words for columns, long ones folded."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from utils.analysis.verdicts import detectable_difference
from utils.reporting.tables import TOO_WIDE, interval_text, pair_text

HEADINGS = {
    "model": "Model",
    "sampler": "Sampler",
    "against": "Compared with",
    "setting": "Setting",
    "low": "Lowest",
    "high": "Highest",
    "adjusted_p": "Adjusted p",
    "verdict": "Verdict",
    "n_folds": "Folds",
}
KEYS = ("model", "sampler", "against")
LARGE = 10_000  # numbers from here on have no decimals
INLINE_STYLE = re.compile(r' style="[^"]*"')
INSIDE_INTERVAL = re.compile(r"(?<=\[)(-?[\d.]+), (?=-?[\d.]+\])")
NO_BREAK_SPACE = "\u00a0"
SMALLEST_P = 0.001


@dataclass(frozen=True)
class Labels:
    """What models and samplers are called in print, by their names in the registries."""

    models: Mapping[str, str]
    samplers: Mapping[str, str]

    def pair(self, model: str, sampler: str) -> str:
        """Text such as 'XGBoost with no resampling'."""
        return pair_text(self.models[model], self.samplers[sampler])

    @cached_property
    def pairs(self) -> dict[str, str]:
        """Label of every pair, by its name in the column `against` of a comparison."""
        return {f"{model} + {sampler}": self.pair(model, sampler) for model in self.models for sampler in self.samplers}


@dataclass(frozen=True, eq=False)
class Table:
    """What a cell shows of a frame: HTML without any style in a notebook, text elsewhere.

    Attributes
    ----------
    frame : DataFrame
        An index that only counts is not shown.
    title : str
        Stands above the table.
    digits : int
        Decimals of every number that is not whole by type.
    folded : bool
        Whether only the title is seen until the reader opens it.
    """

    frame: pd.DataFrame
    title: str = ""
    digits: int = 3
    folded: bool = False

    def __repr__(self) -> str:
        text = self._text().to_string(index=False)
        return f"{self.title}\n{text}" if self.title else text

    def _repr_html_(self) -> str:
        """The table that a notebook shows."""
        with pd.option_context("display.max_colwidth", None):
            table = INLINE_STYLE.sub("", self._text().to_html(index=False, border=0))
        table = INSIDE_INTERVAL.sub(rf"\1,{NO_BREAK_SPACE}", table)
        title = html.escape(self.title)
        if self.folded:
            return f"<details><summary>{title}</summary>\n{table}\n</details>"
        return table.replace(">", f"><caption>{title}</caption>", 1) if title else table

    def _text(self) -> pd.DataFrame:
        """Every cell as text, the index among the columns."""
        frame = self.frame
        if not isinstance(frame.index, pd.RangeIndex):
            frame = frame.reset_index(names=["" if name is None else name for name in frame.index.names])
        return frame.map(lambda value: _cell(value, self.digits)).rename(columns=str).rename_axis(columns=None)


def _cell(value: object, digits: int) -> str:
    """A value as a table shows it."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (int, np.integer)):
        return f"{value:,}"
    if isinstance(value, (float, np.floating)):
        return "–" if np.isnan(value) else f"{value:,.{0 if abs(value) >= LARGE else digits}f}"
    return "–" if value is None else str(value)


def table(frame: pd.DataFrame | pd.Series, title: str = "", *, digits: int = 3) -> Table:
    """A table to show as the last line of a cell."""
    return Table(_as_frame(frame), title, digits)


def folded(frame: pd.DataFrame | pd.Series, title: str, *, digits: int = 3) -> Table:
    """A long table, of which a notebook shows the title until the reader opens it."""
    return Table(_as_frame(frame), title, digits, folded=True)


def _as_frame(frame: pd.DataFrame | pd.Series) -> pd.DataFrame:
    return frame.to_frame("" if frame.name is None else frame.name) if isinstance(frame, pd.Series) else frame


def labelled(frame: pd.DataFrame, labels: Labels, **headings: str) -> pd.DataFrame:
    """The frame with labels for the names of models, samplers and pairs, in columns and index, and with headings.

    Parameters
    ----------
    frame : DataFrame
        Columns or index levels model, sampler and against hold names; a column may also be named as a model.
    labels : Labels
    **headings : str
        Headings of columns, beside and before those of `HEADINGS`.
    """
    words = {"model": labels.models, "sampler": labels.samplers, "against": labels.pairs}
    levels = [name for name in frame.index.names if name is not None]
    flat = frame.reset_index() if levels else frame
    flat = flat.assign(**{name: flat[name].replace(dict(words[name])) for name in KEYS if name in flat})
    columns = HEADINGS | dict(labels.models) | headings
    flat = flat.rename(columns=columns)
    return flat.set_index([columns.get(name, name) for name in levels]) if levels else flat


def estimates(
    frame: pd.DataFrame, labels: Labels, heading: str = "Average precision", *, digits: int = 3, **headings: str
) -> pd.DataFrame:
    """Estimates with their 95 % intervals in brackets: one row each, labelled.

    Parameters
    ----------
    frame : DataFrame
        Columns mean, low and high; an interval that is too wide to tell anything says so. Others stay, those that name
        what was estimated in front.
    labels : Labels
    heading : str
        What `mean` is.
    digits : int
        Decimals of the interval.
    **headings : str
        Headings of the other columns; see `labelled`.
    """
    interval = [interval_text(low, high, digits) for low, high in zip(frame["low"], frame["high"], strict=True)]
    keys = [name for name in KEYS if name in frame]
    others = [name for name in frame if name not in (*keys, "mean", "low", "high")]
    shown = frame.assign(interval=interval)[[*keys, "mean", "interval", *others]].reset_index(drop=True)
    if "adjusted_p" in shown:
        shown["adjusted_p"] = ["<0.001" if p < SMALLEST_P else f"{p:.3f}" for p in shown["adjusted_p"]]
    return labelled(shown, labels, mean=heading, interval="95 % interval", **headings)


def family_title(family: pd.DataFrame) -> str:
    """Heading of a table of comparisons with no resampling; it says so where the folds are too few to tell anything.

    Parameters
    ----------
    family : DataFrame
        All comparisons, from `comparisons.compare_samplers`.
    """
    title = f"Against no resampling; p-values are adjusted over {len(family)} comparisons"
    n_folds = int(family["n_folds"].max())
    if detectable_difference(family).median() < TOO_WIDE:
        return title
    return f"{title}. {n_folds} folds are too few to tell: hardly any difference could have been detected"
