"""Files that a notebook or a command depends on, and which of them changed since its last run.

Imports inside functions count. Comments and docstrings do not: Python files are hashed without them.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from utils.config import ROOT
from utils.data.fetching import content_sha256
from utils.source_code import code_hash

PROJECT_PACKAGES = ("utils", "benchmarks", "paper")
STARTED_MODULES = {  # run with `python -m` instead of imported
    "utils.samplers.peers": {"utils.samplers.ctgan_worker"},
    "utils.samplers.table_peers": {"utils.samplers.peer_worker"},
}
Inputs = dict[str, str]  # path below the project's root -> hash


class UpToDate:
    """Whether a task's inputs are those of its last run; used as `uptodate` in doit.

    Parameters
    ----------
    collect : callable
        Returns the hashes of all inputs; called when the task is due.
    """

    def __init__(self, collect: Callable[[], Inputs]):
        self.collect = collect

    def __call__(self, task: Any, values: dict[str, Any]) -> bool:
        """Compare with the inputs of the last run, save the current ones, and print what changed."""
        inputs = self.collect()
        task.value_savers.append(lambda: {"inputs": inputs})
        last_inputs = values.get("inputs")
        if last_inputs is not None and last_inputs != inputs:
            print(f"{task.name.split(':')[-1]}: {changes(last_inputs, inputs)}", flush=True)
        return last_inputs == inputs


def changes(before: Inputs, after: Inputs, n_named: int = 3) -> str:
    """One line on the files that differ, such as 'utils/analysis/bootstrap.py changed'."""
    changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    rest = f" and {len(changed) - n_named} more" if len(changed) > n_named else ""
    return f"{', '.join(changed[:n_named])}{rest} changed"


def code_inputs(modules: Iterable[str]) -> Inputs:
    """Hashes of modules and of all modules of this project that they import, directly or not."""
    paths = [module_path(module) for module in sorted(closure(modules))]
    return {str(relative(path)): code_hash(path) for path in paths}


def file_inputs(paths: Iterable[Path]) -> Inputs:
    """Hashes of files; a missing file has an empty hash."""
    return {str(relative(path)): content_sha256(path) if path.exists() else "" for path in paths}


def notebook_modules(path: Path) -> set[str]:
    """Modules of this project that a notebook's code imports."""
    cells = json.loads(path.read_text())["cells"]
    return named_modules("\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"))


def closure(modules: Iterable[str]) -> set[str]:
    """The modules, and all modules of this project that they import, directly or not."""
    visited, pending = set(), set(modules)
    while pending:
        module = pending.pop()
        visited.add(module)
        path = module_path(module)
        imported = _imported(path, path.stat().st_mtime_ns) | STARTED_MODULES.get(module, set())
        pending |= imported - visited
    return visited


def named_modules(source: str) -> set[str]:
    """Modules of this project that Python code imports; an exported name counts as the module that defines it."""
    tree = ast.parse(source)
    modules, names = set(), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PROJECT_PACKAGES:
            names |= {alias.asname or alias.name: _origin(node.module, alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names if alias.name.split(".")[0] in PROJECT_PACKAGES}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
            modules.add(_origin(names[node.value.id], node.attr))
    return modules | set(names.values())


def relative(path: Path) -> Path:
    """The path relative to the project's root, if it is inside."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def module_path(module: str) -> Path:
    """The file of a module of this project, or the `__init__.py` of a package."""
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _origin(module: str, name: str) -> str:
    """Module that defines a name of a module: a submodule of that name, one that it exports from, or itself."""
    if module_path(f"{module}.{name}").exists():
        return f"{module}.{name}"
    return next((f"{module}.{submodule}" for submodule, names in _exports(module).items() if name in names), module)


@lru_cache
def _exports(module: str) -> dict[str, list[str]]:
    """Names that a package exports, by the module that defines them."""
    for node in ast.walk(ast.parse(module_path(module).read_text())):
        if isinstance(node, ast.keyword) and node.arg == "submod_attrs":
            return ast.literal_eval(node.value)
    return {}


@cache
def _imported(path: Path, mtime_ns: int) -> set[str]:
    """Modules that a file imports; the modification time only makes the cache notice a changed file."""
    return named_modules(path.read_text())
