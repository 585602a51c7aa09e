"""Tasks for `doit`, which runs those that are out of date. `make` calls it with the profile and the study.

doit profile=quick study
doit profile=quick study=claims study

The study of a table of one's own ends in a report instead of the paper, and writes below `build/studies` only.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import TracebackType

from doit import get_var
from doit.exceptions import TaskFailed
from filelock import FileLock, Timeout

from utils.config import CREDITCARD, NOTEBOOKS, ROOT, ConfigError, load_profile
from utils.reporting import notebooks
from utils.reporting.adaptation import NEEDS_HOURS, NEEDS_POSITIVES
from utils.reporting.dependencies import Inputs, UpToDate, code_inputs, file_inputs, notebook_modules, relative
from utils.study_file import study_path


def end_in_a_line(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """After Ctrl-C print one line in place of doit's traceback."""
    if issubclass(kind, KeyboardInterrupt):
        print("Interrupted; the same command goes on with what is missing.", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = end_in_a_line

try:
    PROFILE = load_profile(get_var("profile", "full"), get_var("study", CREDITCARD.name))
except ConfigError as error:
    sys.exit(str(error))
BUILD = ROOT / "build"
STATE = PROFILE.folder / "doit" if PROFILE.is_foreign else BUILD / f"doit-{PROFILE.name}"  # without suffix
STATE.parent.mkdir(parents=True, exist_ok=True)
N_PROCESSES = 2
DOIT_CONFIG = {
    "default_tasks": ["study"],
    "dep_file": f"{STATE}.json",
    "backend": "json",
    "verbosity": 2,
    "num_process": N_PROCESSES,  # notebooks run side by side; what fills a ledger runs alone, on every core
}
RUN_LOG = Path(f"{STATE}.done")  # tasks that this call ran, one per line
RUN_LOG.write_text("")
LOCK = ROOT / "uv.lock"
RAW = PROFILE.dataset.path
LEDGERS = [
    PROFILE.results / f"{PROFILE.dataset.name}.jsonl",
    PROFILE.results / "sensitivity" / f"{PROFILE.dataset.name}.jsonl",
    PROFILE.results / "generators" / f"{PROFILE.dataset.name}.jsonl",
    PROFILE.results / "original" / "replica.jsonl",
]
REQUIRED_LEDGERS = LEDGERS[:1] if PROFILE.is_foreign else LEDGERS  # a table may leave no row in the others
PDF = PROFILE.paper / ("report.pdf" if PROFILE.is_foreign else "paper.pdf")
GENERATORS = ROOT / "benchmarks" / "generators.jsonl"
PLAN = [ROOT / "benchmarks" / name for name in ("plan.toml", "tables.toml")]
LEDGER_FOLDERS = {"09_scarcity": "scarcity", "10_many_tables": "tables"}  # of chapters about experiments of the plan,
LEFT_OUT = set(LEDGER_FOLDERS) if PROFILE.is_foreign else set()  # which say nothing about a table of one's own
NAMES = sorted({path.stem for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")} - LEFT_OUT)
# doit starts ready tasks in any order. The longest notebooks go first, so that no core is idle at the end: two start
# at once, each of the next follows one of them, and all others wait for the last of these.
LONGEST = ("08_final_model", "05_cgan_training")
NEXT = {"07_comparison": LONGEST[1], "01_eda": LONGEST[0]}


def task_data():
    """Fetch and verify the dataset, and for the credit-card study the tables of chapter 10."""

    def fetch():
        from utils.benchmark.divisions import check_divisions
        from utils.benchmark.run_task import load_dataset
        from utils.data import keel
        from utils.data.dataset_checks import check_dataset
        from utils.data.errors import DataError

        try:
            dataset, suspicions = load_dataset(PROFILE.dataset), []
            if PROFILE.is_foreign:
                suspicions = list(check_dataset(dataset, PROFILE.protocol))
                check_divisions(PROFILE)
            else:
                keel.fetch_wheel()
        except DataError as error:
            return refuse(error)
        print(f"data: {dataset.name}, {len(dataset.frame):,} rows, {dataset.y.sum():,} {PROFILE.words.positives}")
        print(*suspicions, sep="\n", end="\n" * bool(suspicions), file=sys.stderr)
        log_run("data")
        return True

    def inputs():
        return study_inputs("dataset") | file_inputs([RAW])

    # The credit-card file is fetched once; a table of one's own is validated before anything long runs.
    return {
        "actions": [fetch],
        "targets": [str(RAW)],
        "uptodate": [UpToDate(inputs) if PROFILE.is_foreign else True],
    }


def task_experiments():
    """Run what is missing of every experiment and fill the ledgers."""

    def inputs():
        plan = [] if PROFILE.is_foreign else PLAN
        return code_inputs(["utils.study"]) | study_inputs("dataset") | file_inputs([LOCK, RAW, *plan])

    def fill():
        log_run("experiments")
        command = [sys.executable, "-m", "utils.study", "--profile", PROFILE.name, "--study", PROFILE.study]
        status = subprocess.run(command, cwd=ROOT, check=False).returncode
        if status < 0:
            return refuse(f"The experiments were stopped by signal {-status}; the same command goes on from there.")
        return status == 0 or TaskFailed("", report=False)  # the command has said why

    return {"actions": [fill], "uptodate": [UpToDate(inputs)], "targets": REQUIRED_LEDGERS, "task_dep": ["data"]}


def task_notebooks():
    """Execute the notebooks that are out of date."""

    def execute(name):
        try:
            with share_of_cores():
                notebooks.execute(name, PROFILE, unmet_needs(name))
        except notebooks.NotebookError as error:
            return refuse(error)
        log_run(name)
        return True

    for name in NAMES:
        yield {
            "name": name,
            "actions": [(execute, [name])],
            "uptodate": [UpToDate(partial(notebook_inputs, name))],
            "targets": [str(PROFILE.notebooks / f"{name}.ipynb")],
            "task_dep": ["experiments" if name in LONGEST else f"notebooks:{NEXT.get(name, '01_eda')}"],
        }


def task_paper():
    """Typeset the paper, or the report on a table of one's own, from what the notebooks wrote."""

    def typeset():
        from paper.build import PaperError, build

        try:
            print(f"{PDF.stem}: {relative(build(PROFILE))}")
        except PaperError as error:
            return refuse(error)
        log_run(PDF.stem)
        return True

    def inputs():
        figures = sorted(PROFILE.figures.glob("*.svg"))
        sources = sorted(path for path in (ROOT / "paper").iterdir() if path.suffix in (".typ", ".bib"))
        files = file_inputs([PROFILE.numbers, *figures, *sources])
        return code_inputs(["paper.build"]) | study_inputs("dataset", "words") | files

    return {"actions": [typeset], "uptodate": [UpToDate(inputs)], "targets": [str(PDF)], "task_dep": ["notebooks"]}


def task_readme():
    """Put the full profile's results into README and docs; there is no such task for a table of one's own."""
    if PROFILE.is_foreign:
        return None

    def update():
        from utils.reporting import recorded
        from utils.reporting.readme import update_pages

        if PROFILE.name == "full":
            try:
                update_pages(recorded.read(PROFILE.numbers))
            except recorded.NumbersError as error:
                return refuse(error)
        return None

    def inputs():
        return code_inputs(["utils.reporting.readme"]) | file_inputs([PROFILE.numbers])

    return {"actions": [update], "uptodate": [UpToDate(inputs)], "task_dep": ["notebooks"]}


def task_study():
    """Everything: data, benchmark, notebooks, paper or report, README."""
    parts = ["data", "experiments", "notebooks", "paper", *([] if PROFILE.is_foreign else ["readme"])]

    def summarise():
        names = RUN_LOG.read_text().split()
        print("Made: " + ", ".join(names) if names else "Nothing changed since the last run.")
        print(f"See {relative(PROFILE.notebooks)}/, {relative(PROFILE.figures)}/, {relative(PDF)}")

    return {
        "actions": [summarise],
        "task_dep": parts,
        "uptodate": [False],
    }


def refuse(error: Exception | str) -> TaskFailed:
    """Say in one sentence why a task cannot go on, without doit's report of a failed function."""
    print(error, file=sys.stderr)
    return TaskFailed(str(error), report=False)


def notebook_inputs(name: str) -> Inputs:
    """Hashes of a notebook's inputs: its cells, the code that it imports, and the results that it reads."""
    path = NOTEBOOKS / f"{name}.ipynb"
    modules = notebook_modules(path)
    results = [*LEDGERS, *_ledgers_in("sensitivity"), *_ledgers_in("seeds")]
    if "benchmarks.generators" in modules:
        results.append(GENERATORS)
    if "utils.experiments.scarcity" in modules:
        results += _ledgers_in("scarcity")
    if name in LEDGER_FOLDERS:
        results = [*LEDGERS[:1], *PLAN, *_ledgers_in(LEDGER_FOLDERS[name])]  # chapter 10 reads the benchmark's beside
    elif PROFILE.name == "full" and not PROFILE.is_foreign:
        results += PLAN  # which sizes the profile
    cells = {str(relative(path)): notebooks.source_hash(path)}
    has_costs = any(module.startswith("utils.serving") for module in modules)
    study = study_inputs("dataset", "words", *(["costs"] if has_costs else []))
    return cells | code_inputs(modules) | study | file_inputs([LOCK, RAW, *results])


def _ledgers_in(folder: str) -> list[Path]:
    return sorted((PROFILE.results / folder).glob("*.jsonl*"))


def study_inputs(*parts: str) -> Inputs:
    """Hash of parts of the study; a comment in its file makes nothing out of date."""
    values = [repr(getattr(PROFILE, part)).replace(str(ROOT), "") for part in parts]
    return {str(relative(study_path(PROFILE.study))): sha256("\n".join(values).encode()).hexdigest()}


def unmet_needs(name: str) -> set[str]:
    """Needs of a notebook that the rows do not meet; the table is only read for a notebook that has some."""
    needs = {tag for tag in (NEEDS_POSITIVES, NEEDS_HOURS) if PROFILE.is_foreign and notebooks.has_tag(name, tag)}
    if not needs:
        return set()

    from utils.benchmark.run_task import load_dataset
    from utils.experiments import cgan_ablation, drift

    is_met = {
        NEEDS_POSITIVES: lambda: cgan_ablation.has_positives(PROFILE),
        NEEDS_HOURS: lambda: drift.has_hours(load_dataset(PROFILE.dataset)),
    }
    return {tag for tag in needs if not is_met[tag]()}


@contextmanager
def share_of_cores() -> Iterator[None]:
    """Restrict this process and its children to cores that no other notebook uses.

    Threads that compete for a core waste time by spinning.
    """
    all_cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    with ExitStack() as stack:
        locks = [FileLock(BUILD / f"cores-{number}.lock") for number in range(N_PROCESSES)]
        cores = all_cores[next((number for number, lock in enumerate(locks) if acquire(lock, stack)), 0) :: N_PROCESSES]
        try:
            if cores:
                os.sched_setaffinity(0, cores)
            yield
        finally:
            if cores:
                os.sched_setaffinity(0, all_cores)


def acquire(lock: FileLock, stack: ExitStack) -> bool:
    """Acquire the lock until the stack closes; False if another process holds it."""
    try:
        stack.enter_context(lock.acquire(timeout=0))
    except Timeout:
        return False
    return True


def log_run(name: str) -> None:
    """Append a task to `RUN_LOG`; tasks run in separate processes."""
    with RUN_LOG.open("a") as file:
        file.write(f"{name}\n")
