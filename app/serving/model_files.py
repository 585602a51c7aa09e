"""Files that `app.building` writes beside a model: its examples, the scores of the study, and the figures.

Each is written and read here, and is a dataclass everywhere else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from utils.benchmark.records import Record, RecordError, from_json, to_json
from utils.serving import bundle
from utils.serving.bundle import BundleError

EXAMPLES = "examples.json"
STATISTICS = "statistics.json"
SCORES = "scores.json"
KINDS = ("fraud", "legitimate")  # of the examples: a row of the rare class and one of the other
NEUTRAL_KINDS = ("positive", "negative")  # of a study of a table of the user's own
Cell = int | float | str | None


@dataclass(frozen=True)
class About:
    """What the pages show of a model.

    Attributes
    ----------
    source : str
        Where the model comes from.
    label : str
        Model and sampler as the study prints them.
    examples : dict of str to dict
        A row of each class, by column; see `KINDS`.
    ranges : dict of str to (float, float)
        Smallest and largest value of each column in the training rows; dates are text, and categories have none.
    background : list of list of float
        A few training rows that estimated explanations are relative to; None for a gap.
    """

    source: str
    label: str
    examples: dict[str, dict[str, Cell]]
    ranges: dict[str, tuple[int | float | str, int | float | str]]
    background: list[list[float | None]]


@dataclass(frozen=True)
class Score:
    """Average precision of a pair in the study."""

    average_precision: float | None
    """Mean over development folds; null if it was not measured."""
    interval: tuple[float | None, float | None] | None
    """95 % interval."""
    folds: int
    """Number of folds."""
    profile: str
    """Profile of the study."""


@dataclass(frozen=True)
class MeasuredPair:
    """A pair of sampler and model that the study measured.

    Attributes
    ----------
    sampler, model : str
        Names in the registries.
    label : str
        Model and sampler as the study prints them.
    keys : list of str
        Ledger keys of the models that the score is about: those of the folds, and the one that is fitted on the whole
        development set.
    scores : Score
    """

    sampler: str
    model: str
    label: str
    keys: list[str]
    scores: Score

    @property
    def name(self) -> str:
        """Such as 'cgan+rf'."""
        return f"{self.sampler}+{self.model}"


@dataclass(frozen=True)
class Toggle:
    """A button that hides and shows one trace of a figure."""

    name: str
    trace: int


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure of the statistics page.

    Attributes
    ----------
    title, text : str
    label : str, optional
        Stands before the choices.
    choices : list of (str, list of (str, str)), optional
        Groups of values and their labels. The reader chooses a value; the `meta` of a trace gives the trace's name and
        colour for each value for which the trace is shown.
    toggle : Toggle, optional
    data, layout : list of dict, dict
        Traces and layout in Plotly's JSON.
    size : {'short', 'tall'}, optional
        Height, if it is not the usual one.
    """

    title: str
    text: str
    label: str | None = None
    choices: list[tuple[str, list[tuple[str, str]]]] | None = None
    toggle: Toggle | None = None
    data: list[dict[str, object]]
    layout: dict[str, object]
    size: str | None = None


def write_about(folder: Path, about: About) -> None:
    """Write the examples of the model in `folder`."""
    (folder / EXAMPLES).write_text(json.dumps(to_json(about), indent=1) + "\n")


def read_about(folder: Path) -> About:
    """The examples of the model in `folder`; BundleError if there are none, or they cannot be read."""
    content = _read_json(folder, EXAMPLES)
    if content is None:
        raise BundleError(f"{folder.name} has no {EXAMPLES}; write the model again.")
    return _record(About, content, f"{folder.name}/{EXAMPLES}")


def write_scores(folder: Path, pairs: list[MeasuredPair]) -> None:
    """Write what the study measured."""
    (folder / SCORES).write_text(json.dumps([to_json(pair) for pair in pairs], indent=1) + "\n")


def read_scores(folder: Path) -> list[MeasuredPair]:
    """What the study measured; empty without such a file, BundleError if it cannot be read."""
    return _records(MeasuredPair, folder, SCORES)


def write_statistics(folder: Path, figures: list[Figure]) -> None:
    """Write the figures of the statistics page."""
    (folder / STATISTICS).write_text(json.dumps([to_json(figure) for figure in figures]) + "\n")


def read_statistics(folder: Path) -> list[Figure]:
    """The figures of the statistics page; empty without such a file, BundleError if it cannot be read."""
    return _records(Figure, folder, STATISTICS)


def _records(kind: type[Record], folder: Path, name: str) -> list[Record]:
    content = _read_json(folder, name)
    if not isinstance(content, list | None):
        raise BundleError(f"{folder.name}/{name} must be a list; write the model again.")
    return [_record(kind, entry, f"{folder.name}/{name}") for entry in content or []]


def _record(kind: type[Record], content: object, source: str) -> Record:
    """A record from JSON; `source` is for messages."""
    try:
        return from_json(kind, content)
    except RecordError as error:
        raise BundleError(f"{source}: {error}; write the model again.") from None


def _read_json(folder: Path, name: str) -> object:
    """Content of a JSON file, None without one; NaN and infinity, which are not part of JSON, are read as None."""
    content = bundle.read_beside(folder, name)
    return None if content is None else json.loads(content, parse_constant=lambda name: None)
