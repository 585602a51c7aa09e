"""Dependencies of a notebook are found in the code, and only what changed is run again."""

import subprocess
import sys

import pytest

from utils.config import NOTEBOOKS, ROOT
from utils.reporting import dependencies
from utils.reporting.dependencies import changes, closure, code_inputs, file_inputs, named_modules, notebook_modules

DODO = """
from pathlib import Path
from utils.reporting.dependencies import UpToDate, file_inputs

def task_copy():
    return {"actions": ["cp a.txt b.txt"], "uptodate": [UpToDate(lambda: file_inputs([Path("a.txt")]))]}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A small project in which `utils.one` imports `utils.pkg.two` inside a function."""
    monkeypatch.setattr(dependencies, "ROOT", tmp_path)
    (tmp_path / "utils" / "pkg").mkdir(parents=True)
    files = {
        "utils/__init__.py": "",
        "utils/one.py": "def f():\n    from utils.pkg.two import g\n    return g()\n",
        "utils/pkg/__init__.py": "import lazy_loader\n\n_ = lazy_loader.attach('', submod_attrs={'two': ['g']})\n",
        "utils/pkg/two.py": '"""Two."""\n\n\ndef g():\n    """One more."""\n    return 1  # the answer\n',
        "utils/three.py": "from utils import one\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    dependencies._exports.cache_clear()
    yield tmp_path
    dependencies._exports.cache_clear()


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from utils.analysis.verdicts import verdict", "utils.analysis.verdicts"),
        ("from utils.analysis import verdicts", "utils.analysis.verdicts"),
        ("from utils.analysis import verdict as v", "utils.analysis.verdicts"),
        ("from utils import analysis\nanalysis.verdict(0, 1, 1)", "utils.analysis.verdicts"),
        ("import utils.analysis.verdicts", "utils.analysis.verdicts"),
        ("def f():\n    from utils.analysis import verdict", "utils.analysis.verdicts"),
        ("from benchmarks import generators", "benchmarks.generators"),
    ],
)
def test_named_modules_finds_the_module_behind_every_kind_of_import(source, module):
    assert module in named_modules(source)


def test_named_modules_takes_only_what_is_used_of_a_package():
    named = named_modules("from utils import analysis\nanalysis.verdict(0, 1, 1)\nimport numpy")
    assert named == {"utils.analysis", "utils.analysis.verdicts"}


def test_closure_follows_imports_inside_functions_and_started_processes(project):
    assert closure({"utils.three"}) == {"utils.three", "utils.one", "utils.pkg.two"}


def test_closure_of_the_registry_holds_the_workers_that_are_run_and_not_imported():
    assert {"utils.samplers.ctgan_worker", "utils.samplers.peer_worker"} <= closure({"utils.samplers.registry"})


def test_code_inputs_change_with_code_and_not_with_comments_or_docstrings(project):
    before = code_inputs({"utils.three"})
    two = project / "utils" / "pkg" / "two.py"
    two.write_text(two.read_text().replace("One more.", "Another.").replace("Two.", "2").replace("  # the answer", ""))
    assert code_inputs({"utils.three"}) == before
    two.write_text(two.read_text().replace("return 1", "return 2"))
    assert changes(before, code_inputs({"utils.three"})) == "utils/pkg/two.py changed"


def test_changes_names_three_files_and_counts_the_others():
    before, now = {"a": "1", "b": "1", "c": "1", "d": "1", "e": "1"}, {"b": "2", "c": "2", "d": "2", "e": "1", "f": "1"}
    assert changes(before, now) == "a, b, c and 2 more changed"


def test_file_inputs_tell_a_missing_file_from_an_empty_one(tmp_path):
    (tmp_path / "empty").touch()
    there, missing = file_inputs([tmp_path / "empty", tmp_path / "missing"]).values()
    assert missing == "" != there


def test_notebooks_depend_on_what_they_use():
    needed = {path.stem: closure(notebook_modules(path)) for path in NOTEBOOKS.glob("0*.ipynb")}
    assert {name for name, modules in needed.items() if "utils.experiments.drift" in modules} == {"01_eda"}
    assert {name for name, modules in needed.items() if "utils.serving.explanations" in modules} == {"08_final_model"}
    assert all("utils.config" in modules for modules in needed.values())
    assert not [module for modules in needed.values() for module in modules if module.startswith("app")]


def test_uptodate_makes_again_what_changed_and_says_why(tmp_path):
    (tmp_path / "dodo.py").write_text(DODO)
    (tmp_path / "a.txt").write_text("one")

    def make() -> str:
        command = [sys.executable, "-m", "doit", "--dir", str(tmp_path), "-f", str(tmp_path / "dodo.py")]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert ".  copy" in make() and "-- copy" in make()
    (tmp_path / "a.txt").write_text("two")
    again = make()
    assert "copy: " in again and "a.txt changed" in again and ".  copy" in again
    assert (tmp_path / "b.txt").read_text() == "two" and "-- copy" in make()
