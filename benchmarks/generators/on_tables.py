"""The study's CGAN compared with other generators over mixed and numeric design tables, fold by fold.

    python -m benchmarks.generators --tables design [--folds 5] [--only NAME ...] [--fresh] [--report]

Every generator is fitted to the training rows of a fold and draws as many positives as there are. The CGAN learns from
both classes; the others are fitted to the positives alone. Everything runs with one thread. Each result is appended to
generators_on_tables.jsonl at once, and a rerun skips it; the first fold of all tables comes first. At the end the page
generators_on_tables.md is written from the results. It needs the dependency group `peers`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from benchmarks.generators.figures import JudgedFold, figures_of
from benchmarks.generators.methods import METHODS, GeneratorError
from benchmarks.generators.page import page_lines
from benchmarks.generators.peer_worker import quality, require_peers, start_worker
from benchmarks.generators.tables import FOLDS, SPECS, TableSpec, load, split
from utils.backend import limit_threads
from utils.benchmark import ledger
from utils.benchmark.errors import exit_with_a_sentence
from utils.benchmark.records import Row, to_json
from utils.benchmark.run_task import provenance
from utils.benchmark.tasks import library_version, minor_version
from utils.config import ROOT
from utils.data import keel
from utils.experiments.fidelity import JUDGE
from utils.files import replacing
from utils.seeding import child_seed

RESULTS = ROOT / "benchmarks" / "generators_on_tables.jsonl"
KINDS = {"design": ("mixed", "numeric"), "mixed": ("mixed",), "numeric": ("numeric",)}
REVISION = 1  # raised when a change in this package invalidates old results
SEED = 0


@dataclass(frozen=True)
class TableTask:
    """A generator on a fold of a table, with everything that determines the result.

    Attributes
    ----------
    table : TableSpec
    fold : int
    method : str
        Key of `METHODS`.
    settings : dict
        Parameters of the generator.
    library : str
        Libraries with their versions.
    judge : dict
        Parameters of the judge; see `fidelity.JUDGE`.
    seed : int
    revision : list of int
        Revisions of this package and of the method.
    judge_library : str
        Library of the judge, with the minor version. Like that of `wheel`, the default is what the committed results
        were measured with, so that these keep their keys; see `records`.
    wheel : str
        Beginning of the hash of the wheel that the design tables come from.
    """

    table: TableSpec
    fold: int
    method: str
    settings: dict[str, object]
    library: str
    judge: dict[str, object]
    seed: int
    revision: list[int]
    judge_library: str = "xgboost 3.2"
    wheel: str = "79faf1bd2f3a"

    @cached_property
    def key(self) -> str:
        """Hash of everything that determines the result."""
        return hashlib.sha256(json.dumps(to_json(self), sort_keys=True).encode()).hexdigest()[:20]


@dataclass(frozen=True)
class TableResult:
    """Result of a generator on a fold of a table.

    Attributes
    ----------
    n_drawn : int
    fit_seconds, fit_cpu_seconds : float
        Seconds of fitting by the clock and of the processor.
    figures : dict of str to float
        Figures of `figures.figures_of`, and `quality`, the score of sdmetrics' report. Empty after an error.
    error : str, optional
        Why a generator of another project drew no rows.
    """

    n_drawn: int
    fit_seconds: float
    fit_cpu_seconds: float
    figures: dict[str, float | None]
    error: str | None = None


TableRow = Row[TableTask, TableResult]


def main(arguments: list[str] | None = None) -> None:
    """Measure what is missing, and write the page."""
    options = parse_arguments(arguments)
    with exit_with_a_sentence():
        if not options.report:
            measure_missing(options)
        report(RESULTS)


def measure_missing(options: argparse.Namespace) -> None:
    """Measure what is missing; after an interruption the page is written all the same."""
    require_peers()
    tasks = all_tasks(KINDS[options.tables], options.folds, options.only or list(METHODS))
    if options.fresh:
        ledger.remove(RESULTS, {task.key for task in tasks})
    try:
        run(tasks, RESULTS)
    except KeyboardInterrupt:
        report(RESULTS)
        same = "the same command without --fresh" if options.fresh else "the same command"
        raise SystemExit(f"Interrupted; {RESULTS.name} holds what is finished, and {same} continues.") from None


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generators", description=__doc__.splitlines()[0])
    parser.add_argument("--tables", choices=KINDS, required=True, help="all design tables, or one kind of them")
    parser.add_argument("--folds", type=int, choices=range(1, FOLDS + 1), default=FOLDS, help=f"default {FOLDS}")
    parser.add_argument("--only", nargs="+", choices=METHODS, metavar="NAME", help=", ".join(METHODS))
    parser.add_argument("--fresh", action="store_true", help="measure again, even if there are results")
    parser.add_argument("--report", action="store_true", help="write the page from the results, and measure nothing")
    return parser.parse_args(arguments)


def all_tasks(kinds: tuple[str, ...], n_folds: int, methods: list[str]) -> list[TableTask]:
    """Every task, fold by fold, so that an interrupted run has all tables; their libraries must be installed."""
    return [_task(*which) for which in planned(kinds, n_folds, methods)]


def planned(kinds: tuple[str, ...], n_folds: int, methods: list[str]) -> list[tuple[TableSpec, int, str]]:
    """Table, fold and method of every task."""
    specs = [spec for spec in SPECS.values() if spec.kind in kinds]
    return [
        (spec, fold, method)
        for fold in range(n_folds)
        for spec in specs
        for method in methods
        if fold < METHODS[method].n_folds
    ]


def _task(spec: TableSpec, fold: int, name: str) -> TableTask:
    method = METHODS[name]
    return TableTask(
        table=spec,
        fold=fold,
        method=name,
        settings=method.settings,
        library=", ".join(f"{package} {library_version(package)}" for package in method.packages),
        judge={**JUDGE, "n_jobs": 1},
        seed=SEED,
        revision=[REVISION, method.revision],
        judge_library=minor_version("xgboost"),
        wheel=keel.WHEEL.sha256[:12],
    )


def run(tasks: list[TableTask], path: Path) -> None:
    """Measure the tasks that `path` lacks; each result is appended when it is done."""
    known = ledger.read_keys(path)
    missing = [task for task in tasks if task.key not in known]
    if not missing:
        return
    limit_threads(1)
    with start_worker() as worker, tqdm(missing, unit="fit") as bar:
        for task in bar:
            result = measure(task, worker)
            ledger.append(path, Row(task, result, provenance()))
            bar.write(line_about(task, result))


def measure(task: TableTask, worker: Executor) -> TableResult:
    """Fit one generator, draw positives from it, and judge them; an error of another project's generator is recorded.

    Errors of this project and of the judge are raised: they say nothing about a generator, and are to be mended.
    """
    fold = judged_fold(task.table, task.fold)
    try:
        return _measure(task, fold, worker)
    except GeneratorError as error:
        return TableResult(0, 0.0, 0.0, {}, str(error))


def _measure(task: TableTask, fold: JudgedFold, worker: Executor) -> TableResult:
    seed = child_seed(task.seed, "generators", task.table.name, task.fold)
    real, n_rows = fold.train.positives, int(fold.train.y.sum())
    drawn = METHODS[task.method].draw(fold.train, n_rows, child_seed(seed, task.method), task.settings, worker)
    figures = figures_of(fold, drawn.rows, judge=task.judge, seed=child_seed(seed, "judge"))
    categories = list(real.select_dtypes("category"))
    texts = dict.fromkeys(categories, object)
    figures["quality"] = worker.submit(quality, real.astype(texts), drawn.rows.astype(texts), categories).result()
    rounded = {name: None if pd.isna(value) else round(value, 6) for name, value in figures.items()}
    return TableResult(n_rows, round(drawn.fit_seconds, 3), round(drawn.fit_cpu_seconds, 3), rounded)


@lru_cache(maxsize=2)
def judged_fold(spec: TableSpec, fold: int) -> JudgedFold:
    """A fold of a table; generators share its encoder and the judge that is trained on real rows."""
    return JudgedFold(*split(load(spec), fold))


def line_about(task: TableTask, result: TableResult) -> str:
    """One line on a result."""
    where = f"{task.table.name}, fold {task.fold}, {METHODS[task.method].label}"
    if result.error:
        return f"{where}: {result.error}"
    figures = result.figures
    return (
        f"{where}: fit {result.fit_cpu_seconds:.1f} s, TSTR {figures['tstr']:.3f} of {figures['trtr']:.3f}, "
        f"quality {figures['quality']:.3f}"
    )


def read(path: Path = RESULTS) -> list[TableRow]:
    """All results in a file; raises LedgerError like `ledger.read_file`."""
    return list(ledger.read_file(path, TableResult, TableTask))


def _is_current(task: TableTask) -> bool:
    return task.method in METHODS and task.revision == [REVISION, METHODS[task.method].revision]


def report(path: Path) -> None:
    """Print the page of the newest results of the current revision and write it beside them, if there are any."""
    n_planned = len(planned(KINDS["design"], FOLDS, list(METHODS)))
    current = (row for row in read(path) if _is_current(row.task))
    if latest := {(row.task.table.name, row.task.fold, row.task.method): row for row in current}:
        text = "\n".join(page_lines(list(latest.values()), n_planned))
        print(text)
        with replacing(path.with_suffix(".md")) as temporary:
            temporary.write_text(text + "\n")
