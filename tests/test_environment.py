"""The environment: pyproject.toml, uv.lock and environment.yml list the same packages, each with a reason."""

import os
import re
import shutil
import subprocess
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from uv import find_uv_bin

from utils.config import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = tomllib.loads((ROOT / "uv.lock").read_text())
CONDA_LINES = (ROOT / "environment.yml").read_text().splitlines()
CONDA = yaml.safe_load("\n".join(CONDA_LINES))
EDITABLE = "--editable ."


def direct_requirements() -> list[Requirement]:
    """Direct requirements of a default installation."""
    groups = [PROJECT["dependency-groups"][name] for name in PROJECT["tool"]["uv"]["default-groups"]]
    return [Requirement(text) for texts in (PROJECT["project"]["dependencies"], *groups) for text in texts]


def conda_pip_requirements() -> list[Requirement]:
    lines = next(entry["pip"] for entry in CONDA["dependencies"] if isinstance(entry, dict))
    return [Requirement(line) for line in lines if line != EDITABLE]


def conda_python() -> str:
    """The Python version of the conda environment, such as '3.11'."""
    return next(entry.removeprefix("python=") for entry in CONDA["dependencies"] if str(entry).startswith("python="))


def locked_version(name: str, python: str) -> str:
    """The version that the lock installs for this Python."""
    (project,) = (package for package in LOCK["package"] if package["name"] == PROJECT["project"]["name"])
    direct = [*project["dependencies"], *(entry for group in project["dev-dependencies"].values() for entry in group)]
    forks = [entry for entry in direct if entry["name"] == name and "version" in entry]
    if not forks:
        return next(package["version"] for package in LOCK["package"] if package["name"] == name)
    environment = {"python_full_version": f"{python}.99", "python_version": python}
    (fork,) = (entry for entry in forks if Requirement(f"{name}; {entry['marker']}").marker.evaluate(environment))
    return fork["version"]


def uncommented(lines: list[str], pattern: str) -> list[str]:
    return [line.strip() for line in lines if re.search(pattern, line) and not re.search(r"#\s*\w", line)]


def uv_lock_check(folder) -> subprocess.CompletedProcess:
    command = [find_uv_bin(), "lock", "--check", "--offline", "--no-config", "--project", str(folder)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    environment["UV_CACHE_DIR"] = str(folder / "cache")
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def project_copy(tmp_path):
    for name in ("pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_lock_matches_pyproject(project_copy):
    checked = uv_lock_check(project_copy)
    assert checked.returncode == 0, f"uv.lock is out of date, run `uv lock`: {checked.stderr}"


def test_uv_lock_check_notices_a_changed_requirement(project_copy):
    path = project_copy / "pyproject.toml"
    path.write_text(path.read_text().replace('"tqdm>=4.66"', '"tqdm>=4.67"'))
    assert uv_lock_check(project_copy).returncode != 0


def test_conda_pins_every_direct_dependency_to_the_lock():
    expected = {
        (requirement.name, str(requirement.marker or "")): f"=={locked_version(requirement.name, conda_python())}"
        for requirement in direct_requirements()
    }
    pinned = {
        (requirement.name, str(requirement.marker or "")): str(requirement.specifier)
        for requirement in conda_pip_requirements()
    }
    assert pinned == expected


def test_lock_satisfies_pyproject():
    for requirement in direct_requirements():
        assert requirement.specifier.contains(locked_version(requirement.name, conda_python())), requirement


def test_conda_pins_forked_packages_for_its_python():
    assert locked_version("numpy", "3.11") != locked_version("numpy", "3.13"), "no fork is left: simplify this test"
    pinned = {requirement.name: str(requirement.specifier) for requirement in conda_pip_requirements()}
    assert pinned["numpy"] == f"=={locked_version('numpy', conda_python())}"


def test_conda_installs_a_python_that_the_project_supports():
    assert SpecifierSet(PROJECT["project"]["requires-python"]).contains(conda_python())


def test_conda_installs_what_the_makefile_needs():
    names = {re.split("[=<>]", entry)[0] for entry in CONDA["dependencies"] if isinstance(entry, str)}
    assert names == {"python", "make", "git", "pip"}
    assert CONDA["channels"] == ["conda-forge"]


def test_conda_installs_the_project_itself():
    lines = next(entry["pip"] for entry in CONDA["dependencies"] if isinstance(entry, dict))
    assert lines[-1] == EDITABLE
    assert CONDA["name"] == PROJECT["project"]["name"]


def test_conda_has_a_reason_for_every_package():
    packages = CONDA_LINES[CONDA_LINES.index("dependencies:") + 1 :]
    assert uncommented(packages, r"^\s*- (?!pip:$)") == []


def test_pyproject_has_a_reason_for_every_direct_dependency():
    text = (ROOT / "pyproject.toml").read_text()
    listed = text[text.index("dependencies = [") : text.index("[build-system]")].splitlines()
    assert uncommented(listed, r'^\s*"|^\w+ = \["') == []


def test_uncommented_finds_packages_without_comment():
    assert uncommented(['    "numpy>=2",', '    "scipy>=1", # tests', '    "x", #'], r'^\s*"') == [
        '"numpy>=2",',
        '"x", #',
    ]
