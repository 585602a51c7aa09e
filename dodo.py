"""What is made from what; `doit` runs what is out of date. `make` calls this with the profile.

doit profile=quick study
"""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from doit import get_var
from doit.tools import config_changed

from utils.config import NOTEBOOKS, ROOT, load_profile
from utils.reporting import notebooks

PROFILE = load_profile(get_var("profile", "full"))
BUILD = ROOT / "build"
BUILD.mkdir(exist_ok=True)
AT_ONCE = 2
DOIT_CONFIG = {
    "default_tasks": ["study"],
    "dep_file": str(BUILD / f"doit-{PROFILE.name}.json"),
    "backend": "json",
    "verbosity": 2,
    "num_process": AT_ONCE,  # notebooks run side by side; what fills a ledger runs alone, on every core
}
HELPERS = sorted(str(path) for path in (ROOT / "utils").rglob("*.py"))
TEXTS = sorted(str(path) for path in (ROOT / "utils" / "reporting").glob("*.py"))  # what README and paper say
DONE = BUILD / f"doit-{PROFILE.name}.done"  # what this call had to run, a line each
DONE.write_text("")
LOCK = str(ROOT / "uv.lock")
RAW = str(PROFILE.dataset.path)
LEDGERS = [
    str(PROFILE.results / f"{PROFILE.dataset.name}.jsonl"),
    str(PROFILE.results / "sensitivity" / f"{PROFILE.dataset.name}.jsonl"),
    str(PROFILE.results / "generators" / f"{PROFILE.dataset.name}.jsonl"),
    str(PROFILE.results / "original" / "replica.jsonl"),
]
NAMES = sorted(path.stem for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
LONGEST = ("08_final_model", "05_cgan_training")  # they start; the others follow when the second is done
EXECUTED = [str(PROFILE.notebooks / f"{name}.ipynb") for name in NAMES]


def task_data():
    """Fetch and verify the dataset."""

    def fetch():
        from utils.data.loading import load
        from utils.data.reading import DataError

        try:
            dataset = load(PROFILE.dataset)
        except DataError as error:
            print(error, file=sys.stderr)
            return False
        print(f"data: {dataset.name}, {len(dataset.frame):,} rows, {dataset.y.sum():,} frauds")
        done("data")
        return True

    return {"actions": [fetch], "targets": [str(PROFILE.dataset.path)], "uptodate": [True]}


def task_experiments():
    """Run what is missing of every experiment and fill the ledgers."""

    def fill():
        done("experiments")
        command = [sys.executable, "-m", "utils.experiments.study", "--profile", PROFILE.name]
        return subprocess.run(command, cwd=ROOT, check=False).returncode == 0

    return {"actions": [fill], "file_dep": [LOCK, RAW, *HELPERS], "targets": LEDGERS, "task_dep": ["data"]}


def task_notebooks():
    """Execute the notebooks that are out of date."""

    def execute(name):
        with share_of_cores():
            notebooks.execute(name, PROFILE)
        done(name)

    for name in NAMES:
        yield {
            "name": name,
            "actions": [(execute, [name])],
            "file_dep": [LOCK, RAW, *LEDGERS, *HELPERS],
            "uptodate": [config_changed(notebooks.source_hash(NOTEBOOKS / f"{name}.ipynb"))],
            "targets": [str(PROFILE.notebooks / f"{name}.ipynb")],
            "task_dep": ["experiments" if name in LONGEST else f"notebooks:{LONGEST[1]}"],
        }


def task_paper():
    """Typeset the paper from the numbers and figures that the notebooks wrote."""

    def typeset():
        from paper.build import build

        print(f"paper: {relative(build(PROFILE))}")
        done("paper")

    sources = [*(ROOT / "paper").glob("*.typ"), *(ROOT / "paper").glob("*.bib"), ROOT / "paper" / "build.py"]
    return {
        "actions": [typeset],
        "file_dep": [str(PROFILE.numbers), *EXECUTED, *TEXTS, *map(str, sources)],
        "targets": [str(PROFILE.paper / "paper.pdf")],
        "task_dep": ["notebooks"],
    }


def task_readme():
    """Put the full profile's headline table into the README."""

    def update():
        import json

        from doit.exceptions import TaskFailed

        from utils.reporting.claims import ClaimError
        from utils.reporting.readme import headline, update_readme

        if PROFILE.name == "full":
            try:
                update_readme(headline(json.loads(PROFILE.numbers.read_text())))
            except ClaimError as error:
                return TaskFailed(str(error))
        return None

    return {"actions": [update], "file_dep": [str(PROFILE.numbers), *TEXTS], "task_dep": ["notebooks"]}


def task_study():
    """Everything: data, benchmark, notebooks, paper, README."""

    def tell():
        made = DONE.read_text().split()
        print("Made: " + ", ".join(made) if made else "Nothing changed since the last run.")
        print(f"See {relative(PROFILE.notebooks)}/, {relative(PROFILE.figures)}/, {relative(PROFILE.paper)}/paper.pdf")

    return {
        "actions": [tell],
        "task_dep": ["data", "experiments", "notebooks", "paper", "readme"],
        "uptodate": [False],
    }


@contextmanager
def share_of_cores() -> Iterator[None]:
    """Keep this process and its children to cores that no other notebook has: threads that contend wait by spinning."""
    all_cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    with ExitStack() as stack:
        locks = [stack.enter_context((BUILD / f"cores-{number}.lock").open("w")) for number in range(AT_ONCE)]
        own = all_cores[next((number for number, lock in enumerate(locks) if taken(lock)), 0) :: AT_ONCE]
        try:
            if own:
                os.sched_setaffinity(0, own)
            yield
        finally:
            if own:
                os.sched_setaffinity(0, all_cores)


def taken(lock: IO) -> bool:
    """Whether the lock was free and is now this process's, until it closes the file."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def done(name: str) -> None:
    """Remember that something was made; tasks run in processes of their own."""
    with DONE.open("a") as file:
        file.write(f"{name}\n")


def relative(path: Path) -> Path:
    """The path below the project's root, if it is there."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
