"""What the plan's tasks cost, from the seconds in their rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from utils.benchmark import equal_classes, ledger
from utils.benchmark.ledger import LedgerError
from utils.benchmark.records import Task
from utils.benchmark.tasks import grid
from utils.config import Profile, Roles
from utils.data.identity import DatasetIdentity
from utils.data.tables import read_tables
from utils.experiments import many_tables, other_seeds, scarcity
from utils.plan_file import read_plan

CREDITCARD, TABLES, SCARCITY, SEEDS = "creditcard", "tables", "scarcity", "seeds"
FOLDERS = {  # of the ledgers, below that of the benchmark
    CREDITCARD: "",
    TABLES: many_tables.FOLDER.name,
    SCARCITY: scarcity.FOLDER,
    SEEDS: other_seeds.FOLDER,
}
FIT = "fit"  # of a sampler, in place of a model
OF_MODEL = ["search_seconds", "fit_seconds", "score_seconds"]


@dataclass(frozen=True)
class Cost:
    """Seconds of tasks on one core.

    Attributes
    ----------
    part : {'creditcard', 'tables', 'scarcity', 'seeds'}
    model, sampler : str
        Of a pair; the model is 'fit' for the fits of the sampler itself, which its models share.
    tasks : int
    seconds : float
    """

    part: str
    model: str
    sampler: str
    tasks: int
    seconds: float


def measured(results: Path) -> list[Cost]:
    """Cost of every pair of the plan, and of the samplers' own fits, from the ledgers below a folder.

    A task counts with the median of its kind on its dataset, so that one that was interrupted costs no more. A
    LedgerError says that there is no row.
    """
    rows_of = {part: list(ledger.read(results / folder)) for part, folder in FOLDERS.items()}
    if not any(rows_of.values()):
        raise LedgerError(f"{results} has no rows of the plan; name another folder with --rows.")
    return [cost for part, rows in rows_of.items() if rows for cost in _costs(part, ledger.frame(rows))]


def _costs(part: str, rows: pd.DataFrame) -> Iterator[Cost]:
    rows = rows.assign(
        dataset=[identity.name for identity in rows["dataset"]],
        seconds=rows[OF_MODEL].sum(axis=1),
        is_searched=[plan is not None and plan.trials > 1 for plan in rows["search"]],
    )
    for (model, sampler), pair in rows.groupby(["model", "sampler"], sort=False):
        yield Cost(part, model, sampler, len(pair), _usual_seconds(pair, "seconds"))
    fits = rows.drop_duplicates(["dataset", "split", "repeat", "fold", "seed", "sampler", "is_searched"])
    for sampler, own in fits.groupby("sampler", sort=False):
        yield Cost(part, FIT, sampler, 0, _usual_seconds(own, "sampler_seconds"))


def _usual_seconds(rows: pd.DataFrame, column: str) -> float:
    """Sum of a column in which every task has the median of its dataset and kind of search."""
    kinds = rows.groupby(["dataset", "is_searched"], sort=False)[column]
    return float((kinds.median() * kinds.size()).sum())


def planned_tasks(profile: Profile) -> Iterator[tuple[str, str, list[Task]]]:
    """Part, dataset and tasks of the plan; those fitted anew with equal classes have nothing to choose."""
    unread = DatasetIdentity(CREDITCARD, "", Roles())
    tasks = grid(profile, unread)
    searched = [task for task in tasks if task.search and equal_classes.is_refitted(profile, task)]
    again = [replace(task, search=task.search.of_one_fit()) for task in searched]
    yield CREDITCARD, CREDITCARD, [*tasks, *equal_classes.searched_tasks(profile, unread), *again]
    own = many_tables.sized(profile)
    for table in read_tables().values():
        if table.role == read_plan().tables.role:
            yield TABLES, table.name, many_tables.tasks_of(own, DatasetIdentity(table.name, "", Roles()))
    yield SEEDS, CREDITCARD, other_seeds.tasks_of(profile, unread)
