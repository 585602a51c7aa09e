"""What is made from what; `doit` runs what is out of date. `make` calls this with the profile.

doit profile=quick study
"""

import subprocess
import sys
from pathlib import Path

from doit import get_var
from doit.tools import config_changed

from utils import notebooks
from utils.config import DATA, NOTEBOOKS, ROOT, load_profile

PROFILE = load_profile(get_var("profile", "full"))
BUILD = ROOT / "build"
BUILD.mkdir(exist_ok=True)
DOIT_CONFIG = {
    "default_tasks": ["study"],
    "dep_file": str(BUILD / f"doit-{PROFILE.name}.json"),
    "backend": "json",
    "verbosity": 2,
}
HELPERS = sorted(str(path) for path in (ROOT / "utils").glob("*.py"))
DONE = []  # what this call had to run
LOCK = str(ROOT / "uv.lock")
LEDGER = str(PROFILE.results / f"{PROFILE.dataset.name}.jsonl")
CHOICES = str(PROFILE.results / "sensitivity" / f"{PROFILE.dataset.name}.jsonl")
VARIANTS = str(PROFILE.results / "generators" / f"{PROFILE.dataset.name}.jsonl")
REPLICA = str(DATA / "results" / "original" / "replica.jsonl")
NAMES = sorted(path.stem for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
EXECUTED = [str(PROFILE.notebooks / f"{name}.ipynb") for name in NAMES]


def task_data():
    """Fetch and verify the dataset."""

    def fetch():
        from utils.data import load

        dataset = load(PROFILE.dataset)
        print(f"data: {dataset.name}, {len(dataset.frame):,} rows, {dataset.y.sum():,} frauds")
        DONE.append("data")

    return {"actions": [fetch], "targets": [str(PROFILE.dataset.path)], "uptodate": [True]}


def task_benchmark():
    """Run the benchmark's missing tasks and fill the ledger."""
    return {**filling("benchmark", LEDGER, "--profile", PROFILE.name), "task_dep": ["data"]}


def task_sensitivity():
    """Run what is missing of the tasks that judge the study's own choices."""
    return {**filling("sensitivity", CHOICES, "--profile", PROFILE.name), "task_dep": ["benchmark"]}


def task_ablation():
    """Judge the missing variants of the GAN."""
    return {**filling("ablation", VARIANTS, "--profile", PROFILE.name), "task_dep": ["sensitivity"]}


def task_replica():
    """Run what is missing of the original study's protocol."""
    return {**filling("replica", REPLICA), "task_dep": ["ablation"]}


def filling(module, ledger, *options):
    """What a task does that fills a ledger: run `utils.module`, which only runs what is missing."""

    def fill():
        DONE.append(module)
        command = [sys.executable, "-m", f"utils.{module}", *options]
        return subprocess.run(command, cwd=ROOT, check=False).returncode == 0

    return {"actions": [fill], "file_dep": [LOCK, *HELPERS], "targets": [ledger]}


def task_notebooks():
    """Execute the notebooks that are out of date, in order."""

    def execute(name):
        notebooks.execute(name, PROFILE)
        DONE.append(name)

    for number, name in enumerate(NAMES):
        yield {
            "name": name,
            "actions": [(execute, [name])],
            "file_dep": [LOCK, LEDGER, CHOICES, VARIANTS, REPLICA, *HELPERS],
            "uptodate": [config_changed(notebooks.source_hash(NOTEBOOKS / f"{name}.ipynb"))],
            "targets": [EXECUTED[number]],
            "task_dep": ["replica", *([f"notebooks:{NAMES[number - 1]}"] if number else [])],
        }


def task_paper():
    """Typeset the paper from the numbers and figures that the notebooks wrote."""

    def typeset():
        from paper.build import build

        print(f"paper: {relative(build(PROFILE))}")
        DONE.append("paper")

    sources = [*(ROOT / "paper").glob("*.typ"), *(ROOT / "paper").glob("*.bib"), ROOT / "paper" / "build.py"]
    return {
        "actions": [typeset],
        "file_dep": [str(PROFILE.numbers), *EXECUTED, *map(str, sources)],
        "targets": [str(PROFILE.paper / "paper.pdf")],
        "task_dep": ["notebooks"],
    }


def task_readme():
    """Put the full profile's headline table into the README."""

    def update():
        import json

        from utils.reporting import headline, update_readme

        if PROFILE.name == "full":
            update_readme(headline(json.loads(PROFILE.numbers.read_text())))

    return {"actions": [update], "file_dep": [str(PROFILE.numbers)], "task_dep": ["notebooks"]}


def task_study():
    """Everything: data, benchmark, notebooks, paper, README."""

    def tell():
        print("Made: " + ", ".join(DONE) if DONE else "Nothing changed since the last run.")
        print(f"See {relative(PROFILE.notebooks)}/, {relative(PROFILE.figures)}/, {relative(PROFILE.paper)}/paper.pdf")

    return {
        "actions": [tell],
        "task_dep": ["data", "benchmark", "sensitivity", "ablation", "replica", "notebooks", "paper", "readme"],
        "uptodate": [False],
    }


def relative(path: Path) -> Path:
    """The path below the project's root, if it is there."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
