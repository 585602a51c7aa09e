"""What the plan's tasks cost, from seconds that were measured.

Rows of the plan's own ledger count first: those of the same pair, on the table that is nearest in size. Where there are
none, the rows of the full study are scaled by the number of fits of a search and by the rows of a table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from utils.benchmark import equal_classes, ledger
from utils.benchmark.records import Task
from utils.benchmark.tasks import grid
from utils.config import Profile, Roles, load_profile
from utils.data.identity import DatasetIdentity
from utils.data.tables import read_tables
from utils.experiments import many_tables, other_seeds
from utils.models.registry import MODELS
from utils.paths import ROOT
from utils.plan_file import read_plan
from utils.samplers.registry import SAMPLERS

CREDITCARD, TABLES, SCARCITY, SEEDS = "creditcard", "tables", "scarcity", "seeds"
OWN, FULL, GENERATORS = "rows of the plan", "rows of the full study, scaled", "fits of generators on design tables"
COMPARED = ROOT / "benchmarks" / "generators_on_tables.jsonl"
FIT = "fit"  # of a sampler, in place of a model
LEAST = {"lr": 0.005, "rf": 0.02, "xgb": 0.14}  # mean seconds of a fit to the 768 rows of the design table pima
STARTED = 4.0  # seconds until a process of a sampler with packages of its own has imported them
MEASURED_SCARCITY = (2730, 6.1 * 3600)  # tasks, and seconds on one core
DRAWN = {"arf": 0.17, "copula": 0.05}  # seconds for 1,000 rows of 31 columns; one fit of a generator balances classes


@dataclass(frozen=True)
class Cost:
    """Expected seconds of tasks on one core.

    Attributes
    ----------
    part : {'creditcard', 'tables', 'scarcity', 'seeds'}
    model, sampler : str
        Of a pair; the model is 'fit' for the fits of the sampler itself, which its models share.
    tasks : int
    seconds : float
    source : str
        Where the seconds were measured.
    """

    part: str
    model: str
    sampler: str
    tasks: int
    seconds: float
    source: str


@dataclass(frozen=True)
class Data:
    """A dataset of the plan: its part, and the number of rows that its folds divide."""

    part: str
    name: str
    n_rows: int


@dataclass(frozen=True, eq=False)
class Ledgers:
    """Measured rows, as `ledger.frame` gives them; `own` has a column `data_rows`, the rows of the dataset.

    Attributes
    ----------
    full : DataFrame
        The full study on the credit-card data.
    own : DataFrame
        What is finished of the plan, on the credit-card data and on tables; it may be empty.
    generators : dict of str to float
        Median seconds of a fit of each generator on design tables.
    """

    full: pd.DataFrame
    own: pd.DataFrame
    generators: dict[str, float]

    @classmethod
    def read(cls, folder: Path | None = None) -> Ledgers:
        """The full study's ledger, and the plan's, which may stand in another folder than its own."""
        study = load_profile("full").results
        full = ledger.frame(ledger.read(study))
        tables = (folder or study) / many_tables.FOLDER.name
        finished = [*ledger.read(folder or load_profile("next").results), *ledger.read(tables)]
        return cls(full, with_rows(ledger.frame(finished)), _generator_seconds())

    @cached_property
    def n_rows(self) -> int:
        """Rows that the folds of the credit-card data divide."""
        first = self.full[(self.full["model"] == "lr") & (self.full["sampler"] == "none") & (self.full["repeat"] == 0)]
        return int(first["n_rows"].sum())

    def seconds(self, column: str, model: str, sampler: str) -> float:
        """Median of a column of the full study for a pair, or for its model with no resampling."""
        own = self.full[self.full["model"] == model]
        same = own[own["sampler"] == sampler]
        return float((own[own["sampler"] == "none"] if same.empty else same)[column].median())

    def nearest(self, data: Data, task: Task) -> pd.DataFrame:
        """Finished tasks of the plan with the same pair and kind of search, on the dataset nearest in size."""
        if self.own.empty:
            return self.own
        same = self.own[
            (self.own["part"] == data.part)
            & (self.own["model"] == task.model.name)
            & (self.own["sampler"] == task.sampler.name)
            & (self.own["search"].isna() == (task.search is None))
        ]
        distance = np.log(same["data_rows"] / data.n_rows).abs()
        return same[distance == distance.min()]


def with_rows(finished: pd.DataFrame) -> pd.DataFrame:
    """The finished tasks with their part, and the number of rows that the folds of their dataset divide."""
    if finished.empty:
        return finished
    names = [identity.name for identity in finished["dataset"]]
    parts = [CREDITCARD if name == CREDITCARD else TABLES for name in names]
    n_splits = [split.n_splits for split in finished["split"]]
    return finished.assign(part=parts, data_rows=finished["n_rows"] * n_splits)


def _generator_seconds() -> dict[str, float]:
    records = map(json.loads, COMPARED.read_text(encoding="utf-8").splitlines())
    fits = pd.DataFrame([(record["method"], record["fit_cpu_seconds"]) for record in records if "error" not in record])
    return fits.groupby(0)[1].median().to_dict()


def estimate(profile: Profile, ledgers: Ledgers) -> list[Cost]:
    """Expected seconds of every pair of the plan, and of the samplers' own fits.

    Parameters
    ----------
    profile : Profile
        The profile 'next'.
    ledgers : Ledgers
    """
    costs: dict[tuple[str, str, str, str], Cost] = {}
    for data, tasks in planned(profile, ledgers.n_rows):
        for cost in (*pair_costs(data, tasks, ledgers), *sampler_costs(data, tasks, ledgers)):
            key = (cost.part, cost.model, cost.sampler, cost.source)
            known = costs.get(key, replace(cost, tasks=0, seconds=0.0))
            costs[key] = replace(known, tasks=known.tasks + cost.tasks, seconds=known.seconds + cost.seconds)
    scarce = Cost(SCARCITY, "all", "all", *MEASURED_SCARCITY, "python -m utils.experiments.scarcity --estimate")
    return [*costs.values(), scarce]


def planned(profile: Profile, n_rows: int) -> Iterator[tuple[Data, list[Task]]]:
    """Every dataset of the plan with its tasks; those fitted anew with equal classes have nothing to choose."""
    unread = DatasetIdentity(CREDITCARD, "", Roles())
    tasks = grid(profile, unread)
    searched = [task for task in tasks if task.search and equal_classes.is_refitted(profile, task)]
    again = [replace(task, search=task.search.of_one_fit()) for task in searched]
    yield Data(CREDITCARD, CREDITCARD, n_rows), [*tasks, *equal_classes.searched_tasks(profile, unread), *again]
    own = many_tables.sized(profile)
    for table in read_tables().values():
        if table.role == read_plan().tables.role:
            identity = DatasetIdentity(table.name, "", Roles())
            yield Data(TABLES, table.name, table.rows), many_tables.tasks_of(own, identity)
    yield Data(SEEDS, CREDITCARD, n_rows), other_seeds.tasks_of(profile, unread)


def pair_costs(data: Data, tasks: list[Task], ledgers: Ledgers) -> Iterator[Cost]:
    """Cost of the models; tasks of a pair that differ in the fold alone are counted together."""
    alike: dict[tuple[str, str, bool], list[Task]] = {}
    for task in tasks:
        alike.setdefault((task.model.name, task.sampler.name, task.search is None), []).append(task)
    for (model, sampler, _), same in alike.items():
        finished, source = ledgers.nearest(data, same[0]), OWN
        if finished.empty:
            seconds, source = _scaled_seconds(data, same[0], ledgers), FULL
        else:
            seconds = finished[["search_seconds", "fit_seconds", "score_seconds"]].sum(axis=1).mean()
        yield Cost(data.part, model, sampler, len(same), len(same) * seconds, source)


def _scaled_seconds(data: Data, task: Task, ledgers: Ledgers) -> float:
    """Seconds of the fits and scorings of a task: a setting is fitted to all inner folds, then the best to all rows."""
    model, share = task.model.name, data.n_rows / ledgers.n_rows
    fit = ledgers.seconds("fit_seconds", model, task.sampler.name) * share
    score = ledgers.seconds("score_seconds", model, task.sampler.name) * share
    least = LEAST.get(model, 0.0)
    if task.search is None:
        return max(fit, least) + score
    trials = task.search.trials
    if MODELS[model].deep:
        return trials * (max(fit, least) + score)
    folds = task.search.folds
    inner = max(fit * (folds - 1) / folds, least)
    scored = 1 + trials * (task.split.n_splits - 1)  # inner folds score all training rows, for every setting
    return trials * folds * inner + max(fit, least) + scored * score


def sampler_costs(data: Data, tasks: list[Task], ledgers: Ledgers) -> Iterator[Cost]:
    """Fits of the samplers themselves: on all training rows, on inner folds, and without a network's held-out rows."""
    groups: dict[str, list[Task]] = {}
    for task in tasks:
        groups.setdefault(task.sampler.name, []).append(task)
    for sampler, own in groups.items():
        seconds, source = _sampler_seconds(data, sampler, ledgers)
        n_folds = len({task.fold_id for task in own})
        n_fits = _n_fits(
            sampler, own, with_inner=source != OWN
        )  # of finished tasks they are part of the search's seconds
        yield Cost(data.part, FIT, sampler, 0, n_folds * n_fits * seconds, source)


def _n_fits(sampler: str, tasks: list[Task], *, with_inner: bool) -> int:
    """Fits of a sampler on a fold, with those on inner folds or without; one fit of a generator serves all ratios."""
    n_ratios = 1 if SAMPLERS[sampler].family == "generator" else max(1, len(SAMPLERS[sampler].ratios) - 1)
    inner = max((task.search.folds or 0 for task in tasks if task.search), default=0) * n_ratios
    held_out = any(MODELS[task.model.name].deep for task in tasks)
    again = any(task.search is None or task.search == task.search.of_one_fit() for task in tasks)
    return 1 + with_inner * inner + held_out * n_ratios + again


def _sampler_seconds(data: Data, sampler: str, ledgers: Ledgers) -> tuple[float, str]:
    """Seconds of one fit of a sampler, and where they were measured."""
    if not ledgers.own.empty:
        own = ledgers.own[(ledgers.own["part"] == data.part) & (ledgers.own["sampler"] == sampler)]
        if not own.empty:
            return float(own["sampler_seconds"].median()), OWN
    full = ledgers.full[ledgers.full["sampler"] == sampler]["sampler_seconds"]
    is_generator = SAMPLERS[sampler].family == "generator" and sampler in ledgers.generators
    if is_generator and (data.part == TABLES or full.empty):
        beside = STARTED * bool(SAMPLERS[sampler].packages) + DRAWN.get(sampler, 0.0) * data.n_rows / 1000
        return ledgers.generators[sampler] + beside, GENERATORS
    return float(full.median()) * data.n_rows / ledgers.n_rows, FULL
