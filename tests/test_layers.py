"""Who may import whom: data flows one way, and what reads results does without what makes them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from utils.config import ROOT

# A module imports only from modules with a smaller number.
LAYERS = {
    "config": 0,
    "metrics": 0,
    "reading": 0,
    "registry": 0,
    "seeding": 0,
    "backend": 0,
    "ctgan_worker": 0,
    "findings": 0,
    "columns": 0,
    "classes": 1,
    "json_values": 0,
    "fetch": 1,
    "ledger": 1,
    "leaks": 1,
    "notebooks": 1,
    "tabular": 1,
    "tracking_store": 1,
    "errors": 2,
    "tracking": 3,
    "data": 2,
    "progress": 2,
    "gan": 2,
    "original": 2,
    "pipelines": 2,
    "peers": 2,
    "cgan": 3,
    "deep": 2,
    "forest": 2,
    "ensembles": 1,
    "neighbours": 1,
    "samplers": 4,
    "models": 3,
    "trials": 5,
    "fidelity": 4,
    "audit": 3,
    "chronology": 5,
    "tasks": 6,
    "bundle": 5,
    "scoring": 6,
    "explain": 7,
    "training": 6,
    "fitting": 7,
    "benchmark": 8,
    "final": 8,
    "judging": 8,
    "ablation": 9,
    "migrate": 9,
    "sensitivity": 9,
    "recipe": 8,
    "replica": 9,
    "study": 10,
    "stats": 8,
    "plots": 9,
    "effects": 9,
    "ratioplots": 10,
    "timeplots": 10,
    "cardplots": 10,
    "ganplots": 10,
    "claims": 1,
    "reporting": 10,
    "readme": 11,
}
READERS = (
    "metrics",
    "ledger",
    "stats",
    "effects",
    "plots",
    "ratioplots",
    "timeplots",
    "cardplots",
    "ganplots",
    "claims",
    "reporting",
    "readme",
)
MAKERS = {"tensorflow", "keras", "xgboost", "sklearn", "sklearnex", "imblearn", "mlflow"}
MODULES = {path.stem: path for path in sorted((ROOT / "utils").glob("*.py")) if path.stem != "__init__"}


def imported_names(tree: ast.AST, package: str) -> set[str]:
    """Full names of everything a module imports, wherever in it; `from a import b` gives a and a.b."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(part for part in (package if node.level else "", node.module) if part)
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return names


def imports_of(path: Path) -> set[str]:
    return imported_names(ast.parse(path.read_text()), path.parent.name)


def helpers_in(names: set[str]) -> set[str]:
    """Which modules of utils are among imported names."""
    parts = [name.split(".") for name in names]
    return {second for first, second, *_ in (part for part in parts if len(part) > 1) if first == "utils"} & set(
        MODULES
    )


def with_everything_below(name: str) -> set[str]:
    """A module of utils and all others that it imports, directly or through others."""
    found, waiting = set(), {name}
    while waiting:
        module = waiting.pop()
        found.add(module)
        waiting |= helpers_in(imports_of(MODULES[module])) - found
    return found


def imported_by_running(statement: str) -> set[str]:
    """Top-level packages that a fresh Python has imported after a statement."""
    code = f"{statement}; import sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    command = [sys.executable, "-c", code]
    return set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())


def test_every_helper_has_its_layer():
    assert set(LAYERS) == set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_a_helper_imports_only_from_layers_above_it(name):
    wrong = {other for other in helpers_in(imports_of(MODULES[name])) if LAYERS[other] >= LAYERS[name]}
    assert not wrong, f"utils/{name}.py imports {', '.join(sorted(wrong))}"


@pytest.mark.parametrize("name", MODULES)
def test_a_helper_knows_nothing_of_what_is_built_on_it(name):
    packages = {imported.split(".")[0] for imported in imports_of(MODULES[name])}
    assert not packages & {"app", "paper", "tests", "benchmarks", "dodo"}


@pytest.mark.parametrize("name", READERS)
def test_what_reads_results_does_without_what_makes_them(name):
    for module in with_everything_below(name):
        packages = {imported.split(".")[0] for imported in imports_of(MODULES[module])}
        assert not packages & MAKERS, f"utils/{name}.py needs {packages & MAKERS} through utils/{module}.py"


def test_reading_results_loads_no_library_that_makes_them():
    loaded = imported_by_running("import utils.stats, utils.plots, utils.reporting, utils.ledger, utils.metrics")
    assert not loaded & MAKERS
    assert "matplotlib" in loaded


def test_tensorflow_waits_until_a_network_is_fitted():
    loaded = imported_by_running("import utils.benchmark, utils.final")
    assert not loaded & {"tensorflow", "keras"}
    assert "sklearn" in loaded


def test_the_parser_sees_every_way_to_import():
    code = "import utils.a\nfrom utils import b\nfrom . import c\nfrom .d import e\ndef f():\n    from utils.g import h"
    names = imported_names(ast.parse(code), "utils")
    assert {"utils.a", "utils.b", "utils.c", "utils.d", "utils.g"} <= names
    assert helpers_in({"utils.stats", "utils.plots.use_theme", "utils", "scipy.stats"}) == {"stats", "plots"}
