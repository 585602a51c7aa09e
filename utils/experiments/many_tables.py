"""The benchmark over many datasets: assigned tables, folds over all of their rows, an equal search, as the plan says.

python -m utils.experiments.many_tables --role verdict
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterable
from dataclasses import replace

import pandas as pd

from utils.benchmark import equal_classes, ledger, runner
from utils.benchmark.errors import exit_with_a_sentence
from utils.benchmark.executors import Batch, add_jobs_argument, run_batches
from utils.benchmark.records import Row, Task
from utils.benchmark.run_task import load_dataset
from utils.benchmark.tasks import grid
from utils.config import DatasetConfig, Profile, Protocol, load_profile, measured_of
from utils.data import keel
from utils.data.errors import DataError
from utils.data.identity import DatasetIdentity, identify
from utils.data.splits import split_off_test
from utils.data.tables import Table, load_table, read_tables
from utils.files import replacing
from utils.paths import ROOT
from utils.plan_file import read_plan
from utils.samplers.registry import STANDARD

FOLDER = ROOT / "build" / "tables"
PLAN = read_plan()
PROTOCOL = Protocol(test_fraction=0.0, n_splits=PLAN.search.folds)  # no test set: the tables are the sample
FOLDS = tuple((0, fold) for fold in range(PROTOCOL.n_splits))


def dataset_of(table: Table) -> DatasetConfig:
    """The dataset of an assigned table, written to a file of its own in which the label is 1 for its rarer class.

    A file with other content is of an earlier assignment, and is replaced.
    """
    path = FOLDER / f"{table.name}.csv"
    frame = load_table(table.name)
    frame[keel.LABEL] = (frame[keel.LABEL].astype(str) == table.positive).astype(int)
    content = frame.to_csv(index=False).encode()
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_bytes(content)
    columns = frame.drop(columns=keel.LABEL)
    texts = tuple(columns.select_dtypes(exclude="number").columns)
    kinds = {"categorical": texts, "numeric": tuple(columns.columns.difference(texts, sort=False))} if texts else {}
    return DatasetConfig(path, label=keel.LABEL, time=None, amount=None, **kinds)


def profile_of(table: Table, profile: Profile) -> Profile:
    """The profile with a table as its dataset, and a ledger for all tables."""
    return replace(sized(profile), dataset=dataset_of(table), results=profile.results / FOLDER.name)


def sized(profile: Profile) -> Profile:
    """The profile with an equal search, and of the plan's folds, models and samplers those that it has.

    The folds are those of its networks, because a CGAN is trained on each.
    """
    folds = tuple(fold_id for fold_id in FOLDS if fold_id in profile.deep_folds)
    equal_classes = measured_of(PLAN.tables.equal_classes, profile.samplers)
    trials = min(PLAN.tables.trials, profile.search.trials)
    return replace(
        profile,
        protocol=PROTOCOL,
        **dict.fromkeys(("folds", "deep_folds", "ablation_folds", "sensitivity_folds"), folds),
        search=replace(profile.search, equal=True, margin=0.0, trials=trials, equal_classes=equal_classes),
        models=measured_of(PLAN.tables.models, profile.models),
        samplers=measured_of(PLAN.tables.samplers, profile.samplers),
    )


def tables_of(role: str, names: Iterable[str] | None = None) -> list[Table]:
    """Tables of a role: those of these names, or all; a DataError names one that is none of them."""
    tables = {table.name: table for table in read_tables().values() if table.role == role}
    for name in names or ():
        if name not in tables:
            raise DataError(f"No table {name!r} of the role {role}; python -m utils.data.tables lists the tables.")
    return [tables[name] for name in names or tables]


def tasks_of(profile: Profile, dataset: DatasetIdentity) -> list[Task]:
    """Every pair on every fold of a table, with a searched ratio and with equal classes."""
    return [*grid(profile, dataset), *equal_classes.searched_tasks(profile, dataset)]


def run(profile: Profile, tables: Iterable[Table], *, n_jobs: int = -1) -> pd.DataFrame:
    """Run the tasks that the ledgers of the tables lack, and return the rows of all; complete ledgers are compressed.

    Parameters
    ----------
    profile : Profile
        How parameters are searched, and where the ledgers are.
    tables : iterable of Table
        See `utils.data.tables.read_tables`.
    n_jobs : int
        Processes on this machine; a Dask cluster uses all of its workers.

    Returns
    -------
    DataFrame
        One row per task; see `ledger.frame`, and `equal_classes.label_ratios` for the column `ratio`.
    """
    grids = _grids(profile, tables)
    rows = _finished(profile)
    if batches := _missing(grids, rows):
        run_batches(batches, n_jobs=n_jobs)
        rows = _finished(profile)
    for own, _ in grids:
        ledger.pack(runner.ledger_of(own))
    return equal_classes.label_ratios(ledger.frame(rows[task.key] for _, tasks in grids for task in tasks))


def missing_batches(profile: Profile) -> list[Batch]:
    """The tasks on the plan's tables, those that the profile names, that the ledgers lack."""
    return _missing(_grids(profile, tables_of(PLAN.tables.role, profile.tables)), _finished(profile))


def _grids(profile: Profile, tables: Iterable[Table]) -> list[tuple[Profile, list[Task]]]:
    """Profile and tasks of each table."""
    profiles = [profile_of(table, profile) for table in tables]
    return [(own, tasks_of(own, identify(own.dataset))) for own in profiles]


def _finished(profile: Profile) -> dict[str, Row]:
    """Rows of the ledgers of all tables, by key."""
    return {row.key: row for row in ledger.read(profile.results / FOLDER.name)}


def _missing(grids: list[tuple[Profile, list[Task]]], known: Collection[str]) -> list[Batch]:
    """A batch for every table that lacks tasks."""
    batches = [runner.missing_batch(own, tasks, known) for own, tasks in grids]
    return [batch for batch in batches if batch]


def results(profile: Profile, *, n_jobs: int = -1) -> pd.DataFrame:
    """Rows of the plan's tables, those that the profile names, and of the credit-card data beside them.

    The latter are left out as long as the profile searches their settings in another way, and have the samplers that
    the profile compares. Columns as for `run`; the column dataset holds names.
    """
    rows = run(profile, tables_of(PLAN.tables.role, profile.tables), n_jobs=n_jobs)
    if profile.search.equal:
        own = sized(profile)
        samplers = tuple(name for name in own.samplers if name in (profile.samplers or STANDARD))
        beside = runner.run_equal(profile, samplers=samplers, models=own.models, n_jobs=n_jobs)
        known = [frame.dropna(axis="columns", how="all") for frame in (rows, beside)]  # pandas warns of empty columns
        rows = pd.concat(known, ignore_index=True).reindex(columns=rows.columns)
    return rows.assign(dataset=[dataset.name for dataset in rows["dataset"]])


def families() -> dict[str, str]:
    """Family of every table of the plan; a dataset beside the tables is a family of its own."""
    tables = {table.name: table.family for table in tables_of(PLAN.tables.role)}
    return tables | {name: name for name in PLAN.tables.beside}


def traits(profile: Profile) -> pd.DataFrame:
    """What the effect of a sampler may depend on, for every dataset of `results`.

    Returns
    -------
    DataFrame
        Index: name; columns rows (that the folds divide), minority (positives among them), imbalance (negatives for
        each positive), columns, categories (columns of text).
    """
    sizes = {
        table.name: (table.rows, table.minority, table.numbers + table.categories, table.categories)
        for table in tables_of(PLAN.tables.role, profile.tables)
    }
    if profile.search.equal:
        beside = load_dataset(profile.dataset)
        development, _ = split_off_test(beside, profile.protocol.test_fraction, profile.protocol.seed)
        labels = beside.y.iloc[development]
        sizes[profile.dataset.name] = (len(labels), int(labels.sum()), beside.X.shape[1], 0)
    frame = pd.DataFrame.from_dict(sizes, "index", columns=["rows", "minority", "columns", "categories"])
    return frame.assign(imbalance=(frame["rows"] - frame["minority"]) / frame["minority"])


def main() -> None:
    """Fill the ledgers of the tables of a role from the command line."""
    parser = argparse.ArgumentParser(description="Run the benchmark over the tables of a role.")
    parser.add_argument("--role", default=PLAN.tables.role, choices=("design", "verdict"))
    parser.add_argument("--tables", nargs="+", help="names of tables (default: all of the role)")
    add_jobs_argument(parser)
    options = parser.parse_args()
    with exit_with_a_sentence():
        profile = load_profile("full")
        if options.role != PLAN.tables.role:  # its rows are no results of the plan
            profile = replace(profile, results=ROOT / "build" / "design" / "results")
        frame = run(profile, tables_of(options.role, options.tables), n_jobs=options.jobs)
    means = frame.groupby(["model", "sampler", "ratio"], sort=False)["average_precision"].mean()
    print(means.unstack("model").round(3).to_string())


if __name__ == "__main__":
    main()
