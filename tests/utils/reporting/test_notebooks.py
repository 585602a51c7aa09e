"""Requirements of every notebook, before it is run; nbval runs them (see the Makefile)."""

import ast
import json
import logging
import multiprocessing
import re
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from utils.config import NOTEBOOKS, ROOT, load_profile
from utils.reporting import notebooks

NAMES = [
    "01_eda",
    "02_baselines",
    "03_undersampling",
    "04_smote",
    "05_cgan_training",
    "06_deep_models",
    "07_comparison",
    "08_final_model",
]
every = pytest.mark.parametrize("name", NAMES)


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def code_cells(name: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in read(name).cells if cell.cell_type == "code"]


def test_notebooks_are_these_eight():
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")) == NAMES


@every
def test_notebook_is_valid_and_names_its_chapter(name):
    notebook = read(name)
    nbformat.validate(notebook)
    assert notebook.cells[0].source.startswith(f"# {int(name[:2])} · ")


@every
def test_notebook_has_one_parameters_cell_that_says_full(name):
    cells = [cell for cell in code_cells(name) if "parameters" in cell.metadata.get("tags", [])]
    assert [cell.source for cell in cells] == ['profile_name = "full"']


@every
def test_notebook_holds_no_machinery(name):
    for cell in code_cells(name):
        tree = ast.parse(cell.source)
        assert not [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Lambda))]
        assert "filterwarnings" not in cell.source
        lines = [line for line in cell.source.splitlines() if line.strip() and not line.strip().startswith("#")]
        assert len(lines) <= 15, cell.source


@every
def test_notebook_has_prose_before_code(name):
    cells = read(name).cells
    assert cells[0].cell_type == "markdown"
    prose = [cell for cell in cells if cell.cell_type == "markdown"]
    assert len(prose) >= 4
    typed = [match for cell in prose for match in re.findall(r"(?<![\d±.])0\.\d{3,}", cell.source)]
    assert not typed, f"results typed into prose: {typed}"


@every
def test_notebook_is_committed_as_run_from_top_to_bottom(name):
    cells = code_cells(name)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"], "a warning or a log is in the outputs"


@every
def test_notebook_has_a_marked_cell_and_leaks_no_path(name):
    assert [cell for cell in code_cells(name) if "nbval-check-output" in cell.metadata.get("tags", [])]
    text = (NOTEBOOKS / f"{name}.ipynb").read_text()
    assert str(ROOT) not in text and "papermill" not in read(name).metadata


@every
def test_notebook_numbers_and_figures_are_committed(name):
    profile = load_profile("full")
    source = "\n".join(cell.source for cell in code_cells(name))
    figures = re.findall(r'save_figure\(figure, "(\w+)"', source)
    assert figures
    assert not [figure for figure in figures if not (ROOT / "figures" / f"{figure}.svg").exists()]
    assert name in json.loads(profile.numbers.read_text())


def test_source_hash_sees_the_source_and_not_the_outputs(tmp_path):
    path = NOTEBOOKS / "01_eda.ipynb"
    notebook = json.loads(path.read_text())
    copy = tmp_path / path.name
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    copy.write_text(json.dumps(notebook))
    assert notebooks.source_hash(copy) == notebooks.source_hash(path)
    notebook["cells"][-1]["source"] = ["1 + 1"]
    copy.write_text(json.dumps(notebook))
    assert notebooks.source_hash(copy) != notebooks.source_hash(path)


def write_notebook(folder: Path, name: str, *cells: str) -> None:
    source = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    source.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(source, folder / f"{name}.ipynb")


def test_execute_runs_notebooks_side_by_side_and_leaves_nothing_behind(tmp_path, monkeypatch):
    names = ["08_one", "09_two"]
    for name in names:
        write_notebook(tmp_path, name, f"import time; time.sleep(1); print('{name}')")
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    profile = replace(load_profile("full"), notebooks=tmp_path)
    forked = multiprocessing.get_context("fork")
    processes = [forked.Process(target=notebooks.execute, args=(name, profile)) for name in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{name}.ipynb" for name in names]
    for name in names:
        assert nbformat.read(tmp_path / f"{name}.ipynb", as_version=4).cells[0].outputs[0].text == f"{name}\n"


def test_execute_does_not_report_the_interruption_of_a_kernel_that_ends(tmp_path, monkeypatch):
    write_notebook(tmp_path, "08_one", "print(get_ipython().kernel.parent.log_level)")
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    notebooks.execute("08_one", replace(load_profile("full"), notebooks=tmp_path))
    cells = nbformat.read(tmp_path / "08_one.ipynb", as_version=4).cells
    assert cells[0].outputs[0].text == f"{logging.CRITICAL}\n"


def test_execute_names_a_failing_cell_and_leaves_the_old_notebook(tmp_path, monkeypatch):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    write_notebook(folder, "09_broken", "1 + 1", "1 / 0")
    before = (folder / "09_broken.ipynb").read_bytes()
    monkeypatch.setattr(notebooks, "NOTEBOOKS", folder)
    monkeypatch.setattr("utils.config.ROOT", tmp_path)
    with pytest.raises(notebooks.NotebookError, match=r"09_broken.ipynb, cell 2: ZeroDivisionError"):
        notebooks.execute("09_broken", load_profile("full"))
    assert (folder / "09_broken.ipynb").read_bytes() == before
    assert (tmp_path / "build" / "full" / "failed" / "09_broken.ipynb").exists()


def test_write_clean_joins_pieces_of_a_stream_and_keeps_other_outputs(tmp_path):
    pieces = [nbformat.v4.new_output("stream", name="stdout", text=text) for text in ("a\n", "b", "\n")]
    display = nbformat.v4.new_output("display_data", {"text/plain": "c"})
    cell = nbformat.v4.new_code_cell(
        "print()", outputs=[*pieces, display, pieces[0]], metadata={"papermill": {}, "tags": []}
    )
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "executed.ipynb")
    notebooks.write_clean(tmp_path / "executed.ipynb", tmp_path / "folder" / "clean.ipynb")
    (clean,) = nbformat.read(tmp_path / "folder" / "clean.ipynb", as_version=4).cells
    assert [output.get("text") for output in clean.outputs] == ["a\nb\n", None, "a\n"]
    assert clean.metadata == {}
