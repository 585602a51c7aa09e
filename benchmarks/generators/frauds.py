"""The study's CGAN compared with other generators of frauds: speed and every fidelity figure, fold by fold.

    python -m benchmarks.generators [--folds 5] [--quick] [--only NAME ...] [--fresh]

In each development fold every generator is fitted to the fold's training rows, scaled as in the study's pipeline, and
draws 5,000 frauds. Generators run one after the other and use all cores. Each result is appended to generators.jsonl at
once, and a rerun skips it. At the end a table of medians over the folds (generators.md) is written, with the best of
every column in bold and a line for each of the study's goals. Other projects' generators need the dependency group
`peers`. `--quick` trains for seconds, to try this program. `benchmarks.generators.on_tables` compares generators over
many tables.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE
from tqdm import tqdm

from benchmarks.generators.methods import QUICK_FOREST
from benchmarks.generators.worker_sampler import WorkerSampler
from benchmarks.judgement import ahead_lines, goal_lines, machines_text, medians, table_lines
from utils.backend import load_tensorflow
from utils.benchmark import ledger
from utils.benchmark.errors import exit_with_a_sentence
from utils.benchmark.records import Row, to_json
from utils.benchmark.run_task import provenance
from utils.benchmark.tasks import library_version, minor_version
from utils.config import ROOT, Profile, load_profile
from utils.data.identity import DatasetIdentity, identify
from utils.data.loading import GROUPS
from utils.experiments.cgan_variant import judge_params, real_rows
from utils.experiments.fidelity import JUDGE, RealRows, fidelity_report
from utils.files import replacing
from utils.plan_file import read_plan
from utils.registry import Entry
from utils.samplers.cgan.conditional_gan import ConditionalGAN
from utils.samplers.cgan.config import GANConfig
from utils.samplers.optional import MissingPackageError, require_packages
from utils.samplers.peers import (
    CTGAN_PACKAGES,
    CTGANSampler,
    Drawn,
    GaussianCopulaSampler,
    JitterSampler,
    PeerSampler,
    TVAESampler,
)
from utils.samplers.registry import SAMPLERS
from utils.seeding import child_seed

RESULTS = ROOT / "benchmarks" / "generators.jsonl"
FOLDS = 5
USEFULNESS = ("tstr", "trtr", "trts", "tstr_ratio")  # figures that depend on the judge
N_FRAUDS = 5_000
REVISION = 1  # raised by hand when a change in this project, such as a new fidelity figure, invalidates old results
FRAUD = 1
PACKAGES = {"ctgan": CTGAN_PACKAGES, "arfpy": ("arfpy",), "ForestDiffusion": ("ForestDiffusion",)}  # optional ones
NOTE = """Times leave out imports and the start of processes. SMOTE fits nothing; its time is that of the whole
`fit_resample`, which also checks and copies the training rows. Likeness, but for the first two-sample AUC, is measured
on the rows that a generator was fitted to, where copies look perfect: read it with `closest record` (about 1 for fresh
rows, 0 for copies). Adversarial random forests and ForestDiffusion fit on one core; ForestDiffusion's defaults take too
long, and here it is smaller. The CGAN of the original study sees scaled columns here like everybody else."""


def _build_cgan(seed: int, **settings: Any) -> ConditionalGAN:
    return ConditionalGAN(GANConfig(**settings), random_state=seed)


def _build_original(seed: int, **settings: Any) -> Any:
    from utils.experiments.original_study.cgan import OriginalCGAN

    return OriginalCGAN(random_state=seed, **settings)


def _build_arf(seed: int) -> WorkerSampler:
    return WorkerSampler(model="ARF", random_state=seed)


def _build_forest(seed: int, **settings: Any) -> WorkerSampler:
    return WorkerSampler(model="ForestDiffusion", settings=settings, random_state=seed)


def _builder_of(kind: type) -> Any:
    return lambda seed, **settings: kind(random_state=seed, **settings)


def _cgan(name: str, label: str, changes: dict[str, Any]) -> Entry:
    settings = GANConfig(**changes).settings()
    return Entry(name, label, _build_cgan, "tensorflow", settings, revision=SAMPLERS["cgan"].revision)


GENERATORS = {
    entry.name: entry
    for entry in (
        _cgan("cgan", "CGAN (ours)", read_plan().parameters["cgan"]),
        _cgan("cgan_before", "CGAN (ours), before its redesign", {}),
        Entry("ctgan_300", "CTGAN, 300 epochs", _builder_of(CTGANSampler), "ctgan", {"epochs": 300}),
        Entry("ctgan_3000", "CTGAN, 3000 epochs", _builder_of(CTGANSampler), "ctgan", {"epochs": 3000}),
        Entry("tvae", "TVAE, 300 epochs", _builder_of(TVAESampler), "ctgan", {"epochs": 300}),
        Entry("copula", "Gaussian copula", _builder_of(GaussianCopulaSampler), "scikit-learn"),
        Entry("arf", "Adversarial random forest", _build_arf, "arfpy"),
        Entry("forest", "ForestDiffusion", _build_forest, "ForestDiffusion", QUICK_FOREST),
        Entry("jitter", "Jitter", _builder_of(JitterSampler), "numpy", {"noise": 0.1}),
        Entry("smote", "SMOTE", _builder_of(SMOTE), "imbalanced-learn", {"k_neighbors": 5}),
        Entry("original", "CGAN of the original study", _build_original, "tensorflow", {"batches": 2000}),
    )
}
QUICK = {
    "cgan": {"updates": 200, "updates_per_call": 100},
    "cgan_before": {"updates": 200, "updates_per_call": 100},
    "ctgan_300": {"epochs": 2},
    "ctgan_3000": {"epochs": 4},
    "tvae": {"epochs": 2},
    "forest": {**QUICK_FOREST, "n_t": 2},
    "original": {"batches": 50},
}


def main() -> None:
    """Measure what is missing, print the table and the goals, and write them to a file."""
    options = parse_arguments()
    with exit_with_a_sentence():
        measure_missing(options)


def measure_missing(options: argparse.Namespace) -> None:
    """Measure what is missing, and report it."""
    profile = load_profile("full")
    path = ROOT / "build" / "quick" / RESULTS.name if options.quick else RESULTS
    path.parent.mkdir(parents=True, exist_ok=True)
    tasks = all_tasks(profile, options.folds, QUICK if options.quick else {})
    chosen = [task for task in tasks if task.generator in (options.only or GENERATORS)]
    if options.fresh:
        ledger.remove(path, {task.key for task in chosen})
    try:
        run(profile, chosen, path)
    except KeyboardInterrupt:
        same = "the same command without --fresh" if options.fresh else "the same command"
        raise SystemExit(f"Interrupted; finished results are in {path.name}, and {same} continues.") from None
    report(tasks, path, complete=options.quick or options.folds == FOLDS)
    if options.quick:
        print("Trained for seconds only: these figures show that the program works, and nothing else.")


def parse_arguments() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folds", type=int, choices=range(1, FOLDS + 1), help=f"default {FOLDS}, or 1 with --quick")
    parser.add_argument("--quick", action="store_true", help="train for seconds; results go to build/quick")
    parser.add_argument("--only", nargs="+", choices=GENERATORS, metavar="NAME", help=", ".join(GENERATORS))
    parser.add_argument("--fresh", action="store_true", help="measure again, even if there are results")
    options = parser.parse_args()
    options.folds = options.folds or (1 if options.quick else FOLDS)
    return options


@dataclass(frozen=True)
class SplitRule:
    """How the development rows are divided; see `config.Protocol`."""

    test_fraction: float
    n_splits: int
    seed: int
    groups: str


@dataclass(frozen=True)
class GeneratorTask:
    """A generator on a fold, with everything that determines the result.

    Attributes
    ----------
    dataset : DatasetIdentity
    protocol : SplitRule
    fold : int
    generator : str
        Key of `GENERATORS`.
    settings : dict
        All parameters of the generator.
    library : str
        Libraries with their versions.
    n_drawn : int
        Number of frauds to draw.
    judge : dict
        Parameters of the judge; see `fidelity.JUDGE`.
    revision : list of int
        Revisions of this program and of the generator.
    judge_library : str
        Library of the judge, with the minor version. The default is what the committed results were measured with, so
        that these keep their keys; see `records`.
    """

    dataset: DatasetIdentity
    protocol: SplitRule
    fold: int
    generator: str
    settings: dict[str, object]
    library: str
    n_drawn: int
    judge: dict[str, object]
    revision: list[int]
    judge_library: str = "xgboost 3.2"

    @cached_property
    def key(self) -> str:
        """Hash of everything that determines the result."""
        return hashlib.sha256(json.dumps(to_json(self), sort_keys=True).encode()).hexdigest()[:20]


@dataclass(frozen=True)
class GeneratorResult:
    """Result of a generator on one fold.

    Attributes
    ----------
    fit_seconds : float or None
        None if nothing is fitted.
    rows_per_second : float
    figures : dict of str to float
        Figures of `fidelity_report`.
    """

    fit_seconds: float | None
    rows_per_second: float
    figures: dict[str, float]


GeneratorRow = Row[GeneratorTask, GeneratorResult]


def all_tasks(profile: Profile, n_folds: int, changes: dict[str, dict]) -> list[GeneratorTask]:
    """Every (fold, generator) in the order of measuring.

    The order is rotated by one from fold to fold, so that other load on the machine affects all generators alike.

    Parameters
    ----------
    changes : dict of str to dict
        Settings that replace the defaults, by generator.
    """
    dataset = identify(profile.dataset)
    protocol = SplitRule(**asdict(profile.protocol), groups=GROUPS)
    entries = installed()
    tasks = []
    for fold in range(n_folds):
        first = fold % len(entries)
        for entry in entries[first:] + entries[:first]:
            packages = PACKAGES.get(entry.library, (entry.library,))
            tasks.append(
                GeneratorTask(
                    dataset=dataset,
                    protocol=protocol,
                    fold=fold,
                    generator=entry.name,
                    settings={**entry.defaults, **changes.get(entry.name, {})},
                    library=", ".join(f"{name} {library_version(name)}" for name in packages),
                    n_drawn=N_FRAUDS,
                    judge=judge_params(profile),
                    revision=[REVISION, entry.revision],
                    judge_library=minor_version("xgboost"),
                )
            )
    return tasks


def installed() -> list[Entry]:
    """Generators whose packages are installed; a message on stderr says which are left out, and why."""
    return [entry for entry in GENERATORS.values() if _is_installed(entry)]


def _is_installed(entry: Entry) -> bool:
    try:
        require_packages(entry.label, PACKAGES.get(entry.library, ()), group="peers")
    except MissingPackageError as error:
        print(f"Left out: {error}", file=sys.stderr)
        return False
    return True


def run(profile: Profile, tasks: list[GeneratorTask], path: Path) -> None:
    """Measure the tasks that `path` lacks; each result is appended when it is done."""
    known = ledger.read_keys(path)
    missing = [task for task in tasks if task.key not in known]
    real: RealRows | None = None
    fold = None
    with tqdm(missing, unit="fit", disable=not missing) as bar:
        for task in bar:
            label = f"fold {task.fold}, {GENERATORS[task.generator].label}"
            bar.set_postfix_str(label)
            if task.fold != fold:
                fold, real = task.fold, real_rows(profile.dataset, profile.protocol, 1, (0, task.fold))
            result = measure(task, real)
            ledger.append(path, Row(task, result, provenance()))
            bar.write(
                f"{label}: fit {result.fit_seconds or 0:.1f} s, TSTR ratio {result.figures['tstr_ratio']:.3f}, "
                f"two-sample AUC {result.figures['two_sample_auc']:.3f}"
            )


def measure(task: GeneratorTask, real: RealRows) -> GeneratorResult:
    """Fit one generator, draw frauds from it, and measure them."""
    entry = GENERATORS[task.generator]
    if entry.library == "tensorflow":
        load_tensorflow()  # its import is no part of a fit
    seed = child_seed(task.protocol.seed, "generators", task.fold)
    generator = entry.build(child_seed(seed, entry.name), **task.settings)
    drawn = draw_frauds(generator, real.X_train, real.y_train, task.n_drawn)
    figures = fidelity_report(real, drawn.rows, judge=task.judge, random_state=child_seed(seed, "fidelity"))
    return GeneratorResult(
        fit_seconds=None if drawn.fit_seconds is None else round(drawn.fit_seconds, 4),
        rows_per_second=round(len(drawn.rows) / drawn.draw_seconds, 1),
        figures={name: round(float(value), 6) for name, value in figures.items()},
    )


def draw_frauds(generator: Any, X: np.ndarray, y: np.ndarray, n_rows: int) -> Drawn:
    """Fit `generator` to rows of both classes and draw frauds; imports and process starts are not timed.

    Parameters
    ----------
    generator : object
        A sampler of imbalanced-learn, or anything with `fit(X, y)` and `sample(n_rows, label)`.
    """
    start = time.perf_counter()
    if hasattr(generator, "sample"):
        generator.fit(X, y)
        fitted = time.perf_counter()
        rows = np.asarray(generator.sample(n_rows, FRAUD))
        return Drawn(rows, fitted - start, time.perf_counter() - fitted)
    generator.set_params(sampling_strategy={FRAUD: int(np.count_nonzero(y == FRAUD)) + n_rows})
    rows = generator.fit_resample(X, y)[0][len(X) :]
    if isinstance(generator, PeerSampler):
        return Drawn(rows, *generator.seconds_[FRAUD])
    return Drawn(rows, None, time.perf_counter() - start)


def read(path: Path) -> list[GeneratorRow]:
    """All results in a file; raises LedgerError like `ledger.read_file`."""
    return list(ledger.read_file(path, GeneratorResult, GeneratorTask))


def published(path: Path = RESULTS) -> pd.DataFrame:
    """Medians over the folds of the results in a file, as `judgement.medians`, with the generators' labels.

    Figures of usefulness are left out unless every result was measured with the current judge.
    """
    latest = {(row.task.generator, row.task.fold): row for row in read(path)}
    table = medians(map(_without_other_judges, latest.values()), n_folds=FOLDS)
    labels = {name: entry.label for name, entry in GENERATORS.items() if name in table.index}
    return table.loc[list(labels)].rename(index=labels)


def _without_other_judges(row: GeneratorRow) -> GeneratorRow:
    """A result without the figures that another judge measured."""
    if row.task.judge == JUDGE:
        return row
    figures = {name: value for name, value in row.result.figures.items() if name not in USEFULNESS}
    return replace(row, result=replace(row.result, figures=figures))


def report(tasks: list[GeneratorTask], path: Path, *, complete: bool) -> None:
    """Print table and goals; write them to a file if every generator has results on every fold.

    Parameters
    ----------
    complete : bool
        Whether `tasks` include all folds.
    """
    keys = {task.key for task in tasks}
    rows = [row for row in read(path) if row.key in keys]
    table = medians(rows, n_folds=len({task.fold for task in tasks}))
    missing = [entry.label for name, entry in GENERATORS.items() if name not in table.index]
    table.index = table.index.map({name: entry.label for name, entry in GENERATORS.items()})
    ours, *ctgans = (GENERATORS[name].label for name in ("cgan", "ctgan_300", "ctgan_3000"))
    verdicts = goal_lines(table, ours=ours, ctgans=ctgans) + ahead_lines(table, ours=ours)
    lines = [*table_lines(table), "", *(f"- {line}" for line in verdicts)]
    print("\n".join(lines))
    if missing:
        print(f"Not measured in every fold: {', '.join(missing)}.")
    if complete and not missing:
        text = "\n".join(["# Generators of frauds, side by side", "", *heading(rows), "", *lines, "", NOTE])
        with replacing(path.with_suffix(".md")) as temporary:
            temporary.write_text(text + "\n")


def heading(rows: list[GeneratorRow]) -> list[str]:
    """Description of the table and of the machine that it was measured on."""
    folds = {row.task.fold for row in rows}
    libraries = sorted({row.task.library for row in rows})
    return [
        f"Medians over {len(folds)} development folds; {N_FRAUDS:,} frauds drawn in each; "
        "the best of a column is bold.",
        f"{machines_text(rows)} Libraries: {', '.join(libraries)}.",
        "Made by `python -m benchmarks.generators`.",
    ]


if __name__ == "__main__":
    main()
