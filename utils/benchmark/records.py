"""Records of the benchmark: tasks, results, and the rows of the ledger that combine them.

Only `to_json` and `from_json` convert these classes. A field that has its default is left out of the JSON, so that a
new one changes no key.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Generic, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from utils.data.identity import DatasetIdentity
from utils.metrics import Reliability

Record = TypeVar("Record")


@dataclass(frozen=True)
class Method:
    """A sampler or a model, with everything that determines what it does.

    Attributes
    ----------
    name : str
        Key in the registry.
    params : dict
        All keyword arguments of its builder, as scikit-learn's `get_params` gives them.
    library : str
        Its library, with the minor version.
    revision : int
        Raised when code of this project changes what the method does.
    """

    name: str
    params: dict[str, object]
    library: str
    revision: int

    def with_params(self, changes: dict[str, object]) -> Method:
        """The method with some parameters changed."""
        return replace(self, params={**self.params, **changes})


@dataclass(frozen=True)
class Thinning:
    """Which training positives are kept; see `thinning.thin`.

    Attributes
    ----------
    n_positives : int
    draw : int
        Number of the random draw.
    """

    n_positives: int
    draw: int


@dataclass(frozen=True)
class Split:
    """How the rows of a dataset are divided.

    Attributes
    ----------
    kind : {'development', 'test', 'original'}
        Which rows are scored: a fold of the development set, the test set, or a test set of the original study.
    test_fraction : float
    groups : str
        Rule by which rows are kept in the same part; see `Dataset.groups`.
    n_splits : int, optional
        Folds of the development set.
    copies : str, optional
        How copies of a row are assigned, if folds are drawn among the distinct rows.
    overlap : bool, optional
        Whether training and test rows of the original study overlap.
    test : str, optional
        How the test set is drawn, if it does not consist of the last rows by time.
    thinned : Thinning, optional
        Which training positives are kept, if not all are.
    """

    kind: str
    test_fraction: float
    groups: str
    n_splits: int | None = None
    copies: str | None = None
    overlap: bool | None = None
    test: str | None = None
    thinned: Thinning | None = None


@dataclass(frozen=True)
class SearchSpace:
    """Values that a search may try, for each parameter of the sampler and of the model."""

    sampler: dict[str, list]
    model: dict[str, list]


@dataclass(frozen=True)
class SearchPlan:
    """How the parameters of a task are chosen.

    Attributes
    ----------
    trials : int
        Number of settings that are tried.
    margin : float
        See `search.select_trial`.
    space : SearchSpace
    folds : int, optional
        Inner folds that score a classical model.
    held_out : int, optional
        1 / `held_out` of the training rows is held out, to stop a network's training and to score it.
    reduced : dict, optional
        Upper limits of parameters during the search; see `Entry.in_search`.
    settings : str, optional
        Hash of the list of settings that every sampler of the model tries; see `equal_search`.
    """

    trials: int
    margin: float
    space: SearchSpace
    folds: int | None = None
    held_out: int | None = None
    reduced: dict[str, object] | None = None
    settings: str | None = None

    def of_one_fit(self) -> SearchPlan | None:
        """The plan without anything to choose: held-out rows stop a network's training; None for other models."""
        return SearchPlan(1, 0.0, SearchSpace({}, {}), held_out=self.held_out) if self.held_out else None


@dataclass(frozen=True)
class Task:
    """One fit: rows, sampler and model, with everything that determines the result.

    Attributes
    ----------
    dataset : DatasetIdentity
    split : Split
    repeat, fold : int
        Which fold is scored; `fold` is None where the split has a single test set.
    seed : int
    sampler, model : Method
    search : SearchPlan or None
        How their parameters are chosen; None if they are not searched.
    variant : str, optional
        Name of a variant of the CGAN; see `cgan_ablation.VARIANTS`.
    """

    dataset: DatasetIdentity
    split: Split
    repeat: int
    fold: int | None
    seed: int
    sampler: Method
    model: Method
    search: SearchPlan | None
    variant: str | None = None

    @property
    def fold_id(self) -> tuple[int, int | None]:
        """Repeat and fold."""
        return self.repeat, self.fold

    @cached_property
    def key(self) -> str:
        """Hash of all that determines the result; the names of the dataset and of the variant do not."""
        fields = to_json(replace(self, variant=None))
        del fields["dataset"]["name"]
        content = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()[:20]


@dataclass(frozen=True)
class Chosen:
    """Parameters of a fit, chosen by a search or fixed."""

    sampler: dict[str, object]
    model: dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Figures of a model's scores that the ledger records.

    Attributes
    ----------
    ranks : list of int
        1-based ranks of the positives in ascending order; tied negatives are ranked before them.
    positives : list of int
        Row numbers of the positives in the dataset's file, in the order of `ranks`.
    amounts : list of (float or None), or None
        Amounts of the positives, None where one is missing; None without such a column.
    n_rows : int
        Rows that were scored.
    days : float or None
        Days that the rows cover; None without a time column.
    average_precision, average_precision_tie_neutral : float
        With ties broken against the model, and in expectation over random orders of tied rows.
    roc_auc, brier, calibration_error : float
    reliability : Reliability
    """

    ranks: list[int]
    positives: list[int]
    amounts: list[float | None] | None
    n_rows: int
    days: float | None
    average_precision: float
    roc_auc: float
    brier: float
    calibration_error: float
    reliability: Reliability
    average_precision_tie_neutral: float | None = None


@dataclass(frozen=True, kw_only=True)
class FoldResult(Measurement):
    """Result of a benchmark task: its scores on a fold's test rows, and how the model was fitted.

    Attributes
    ----------
    chosen : Chosen
    inner_scores : list of float
        Average precision of every trial of the search, on inner folds.
    n_fit, n_fit_positives : int
        Rows and positives that the model was fitted on, including synthetic ones.
    sampler_seconds, search_seconds, fit_seconds, score_seconds : float
    engine : str
        The library that fitted the model.
    n_equal_to_test : int, optional
        Test rows that equal a row that the model was fitted on.
    fallback : str, optional
        The sampler that was used because the task's own could not work on the training rows, and the reason.
    """

    chosen: Chosen
    inner_scores: list[float]
    n_fit: int
    n_fit_positives: int
    sampler_seconds: float
    search_seconds: float
    fit_seconds: float
    score_seconds: float
    engine: str
    n_equal_to_test: int | None = None
    fallback: str | None = None


@dataclass(frozen=True)
class UnseenEntities:
    """Score on the test rows of entities, such as customers, of which the development set holds no row.

    Attributes
    ----------
    n_rows, n_positives : int
    average_precision : float or None
        None without a positive.
    """

    n_rows: int
    n_positives: int
    average_precision: float | None


@dataclass(frozen=True, kw_only=True)
class ScoringResult(Measurement):
    """Result of scoring the test set.

    Attributes
    ----------
    threshold : float
        Probability from which a row is an alert.
    n_alerts : int
    n_equal_to_test : int, optional
        Test rows that equal a development row in all features.
    unseen : UnseenEntities, optional
        Score on rows of entities that are not in the development set; None without entities, or if all are.
    """

    threshold: float
    n_alerts: int
    n_equal_to_test: int | None = None
    unseen: UnseenEntities | None = None


@dataclass(frozen=True)
class Machine:
    """The machine that computed a result."""

    system: str
    cpu: str
    cores: int


@dataclass(frozen=True)
class Provenance:
    """Origin of a result.

    Attributes
    ----------
    versions : dict of str to str
        Versions of the libraries.
    machine : Machine
    finished : str
        Time of completion (ISO 8601, UTC).
    code : str, optional
        Hash of the code that bears on results; see `code_version`.
    """

    versions: dict[str, str]
    machine: Machine
    finished: str
    code: str | None = None


class Keyed(Protocol):
    """Anything with a key in the ledger."""

    @property
    def key(self) -> str:
        """Hash of everything that determines the result."""


TaskType = TypeVar("TaskType", bound=Keyed)
Result = TypeVar("Result")


@dataclass(frozen=True)
class Row(Generic[TaskType, Result]):
    """A line of the ledger: a finished task, its result and its provenance."""

    task: TaskType
    result: Result
    provenance: Provenance

    @property
    def key(self) -> str:
        """The task's key."""
        return self.task.key


class RecordError(ValueError):
    """A JSON object is not the record that it should be.

    Attributes
    ----------
    path : tuple of str or int
        Where in the object; empty for the object itself.
    reason : str
    is_missing : bool
        Whether there is nothing at `path`.
    """

    def __init__(self, path: tuple[str | int, ...], reason: str, *, is_missing: bool):
        self.path, self.reason, self.is_missing = path, reason, is_missing
        super().__init__(": ".join(filter(None, (".".join(map(str, path)), reason))))


@lru_cache
def _adapter(kind: type[Record]) -> TypeAdapter[Record]:
    return TypeAdapter(kind)


def to_json(record: object) -> dict[str, object]:
    """Convert a record to JSON values."""
    return _adapter(type(record)).dump_python(record, exclude_defaults=True)


def from_json(kind: type[Record], content: object) -> Record:
    """Build a record from a JSON object; other keys are ignored, and a RecordError names what is missing or wrong."""
    try:
        return _adapter(kind).validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise RecordError(first["loc"], first["msg"], is_missing=first["type"] == "missing") from None
