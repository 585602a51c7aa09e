"""What the plan's tasks cost, from the seconds in their rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from utils.benchmark import ledger
from utils.benchmark.ledger import LedgerError
from utils.experiments import many_tables, other_seeds, scarcity

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
        Of a pair; the model is 'fit' for the fits of the sampler itself. Classical models share them, and networks.
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
        holds_out=[plan is not None and plan.held_out is not None for plan in rows["search"]],
    )
    for (model, sampler), pair in rows.groupby(["model", "sampler"], sort=False):
        yield Cost(part, model, sampler, len(pair), _usual_seconds(pair, "seconds"))
    shared = ["dataset", "split", "repeat", "fold", "seed", "sampler", "is_searched", "holds_out"]
    fits = rows.groupby(shared, sort=False)["sampler_seconds"].max().reset_index()  # 0 where a model adds no rows
    for sampler, own in fits.groupby("sampler", sort=False):
        yield Cost(part, FIT, sampler, 0, _usual_seconds(own, "sampler_seconds"))


def _usual_seconds(rows: pd.DataFrame, column: str) -> float:
    """Sum of a column in which every task has the median of its dataset and kind of search."""
    kinds = rows.groupby(["dataset", "is_searched"], sort=False)[column]
    return float((kinds.median() * kinds.size()).sum())
