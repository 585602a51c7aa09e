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

from utils.config import NOTEBOOKS, ROOT, DatasetConfig, Study, load_profile
from utils.models.registry import MODELS
from utils.reporting import notebooks
from utils.samplers.registry import SAMPLERS
from utils.study_file import NEUTRAL

NAMES = [
    "01_eda",
    "02_baselines",
    "03_undersampling",
    "04_smote",
    "05_cgan_training",
    "06_deep_models",
    "07_comparison",
    "08_final_model",
    "09_scarcity",
    "10_many_tables",
]
every = pytest.mark.parametrize("name", NAMES)
PRINTED_LINES, OPEN_ROWS = 4, 20  # most that a cell may print, and that a table may have unfolded


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def code_cells(name: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in read(name).cells if cell.cell_type == "code"]


def test_notebooks_are_these():
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")) == NAMES


@every
def test_notebook_is_valid_and_names_its_chapter(name):
    notebook = read(name)
    nbformat.validate(notebook)
    assert notebook.cells[0].source.startswith(f"# {int(name[:2])} · ")


@every
def test_notebook_has_one_parameters_cell_that_names_the_full_credit_card_study(name):
    cells = [cell for cell in code_cells(name) if "parameters" in cell.metadata.get("tags", [])]
    assert [cell.source for cell in cells] == ['study = "creditcard"\nprofile_name = "full"']


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


def tags(cell: nbformat.NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def html_tables(name: str) -> list[str]:
    outputs = [output for cell in code_cells(name) for output in cell.outputs]
    return [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]


@every
def test_notebook_opens_with_its_question_and_what_one_learns(name):
    opening = read(name).cells[0].source
    question = re.search(r"^\*\*Question\.\*\* (.+?)\n\n", opening, re.DOTALL | re.MULTILINE)
    assert question and question[1].endswith("?")
    assert re.search(r"^\*\*What you will learn\.\*\* \w", opening, re.MULTILINE)


@every
def test_notebook_closes_with_finding_pitfall_and_a_link_onward(name):
    closing = read(name).cells[-1]
    assert closing.cell_type == "markdown"
    assert re.findall(r"^\*\*(\w+)\.\*\*", closing.source, re.MULTILINE)[:2] == ["Finding", "Pitfall"]
    links = re.findall(r"\]\(([^)]+)\)", closing.source)
    following = [f"{other}.ipynb" for other in NAMES[NAMES.index(name) + 1 :]]
    assert links == (following[:1] or ["../paper/paper.pdf", "../README.md"])
    assert all((NOTEBOOKS / link).exists() for link in links)


@every
def test_notebook_hides_bookkeeping_and_nothing_else(name):
    cells = code_cells(name)
    bookkeeping = [
        cell for cell in cells if re.search(r"^(import|from) |use_theme|reporting\.record\(", cell.source, re.M)
    ]
    assert len(bookkeeping) >= 2 and all("hide-cell" in tags(cell) for cell in bookkeeping)
    hidden = [cell for cell in cells if "hide-cell" in tags(cell)]
    assert not [output for cell in hidden for output in cell.outputs if output.output_type != "stream"]


@every
def test_notebook_records_its_numbers_with_one_call(name):
    calls = [cell.source for cell in code_cells(name) if "reporting.record(" in cell.source]
    assert len(calls) == 1 and calls[0].count("reporting.record(") == 1
    assert re.search(rf'reporting\.record\(\s*profile,\s*"{name}"', calls[0])


@every
def test_notebook_shows_results_as_tables_and_folds_long_ones(name):
    cells = code_cells(name)
    assert not [cell.source for cell in cells if "to_string(" in cell.source]
    printed = [output.text for cell in cells for output in cell.outputs if output.output_type == "stream"]
    assert not [text for text in printed if len(text.splitlines()) > PRINTED_LINES]
    tables = html_tables(name)
    assert tables and not [table for table in tables if "style" in table]
    assert not [table for table in tables if table.count("<tr>") - 1 > OPEN_ROWS and "<details>" not in table]


@every
def test_notebook_tables_have_labels_and_no_names_of_the_registries(name):
    cells = re.findall(r"<t[hd]>([^<]*)</t[hd]>", "\n".join(html_tables(name)))
    names = {"model", "sampler", "against", "adjusted_p", *MODELS, *(set(SAMPLERS) - {"none"})}
    assert len(cells) > 10 and not names & set(cells)
    assert not [cell for cell in cells if " + " in cell]


@every
def test_notebook_decides_nothing_by_words(name):
    for cell in code_cells(name):
        assert not re.search(r"\.(split|startswith|endswith|contains|lstrip|partition)\(", cell.source), cell.source


def test_notebooks_repeat_no_lines_of_one_another():
    seen: dict[str, str] = {}
    for name in NAMES:
        for cell in code_cells(name):
            lines = [line.strip() for line in cell.source.splitlines() if len(line.strip()) > 3]
            blocks = ["\n".join(lines[start : start + 3]) for start in range(len(lines) - 2)]
            if "hide-cell" not in tags(cell):
                assert not [block for block in blocks if seen.setdefault(block, name) != name]


@pytest.fixture
def recorded() -> dict:
    """Recorded numbers that the closing cells rest on; the claims of README and paper have a test of their own."""
    return json.loads(load_profile("full").numbers.read_text())


@pytest.mark.parametrize(
    ("name", "table", "harmed"),
    [
        ("02_baselines", "class_weight", []),
        ("03_undersampling", "comparison", []),
        ("04_smote", "comparison", []),
        ("05_cgan_training", "comparison", []),
    ],
)
def test_findings_say_that_no_remedy_helps(recorded, name, table, harmed):
    rows = recorded[name][table]
    assert rows and "helps" not in [row["verdict"] for row in rows]
    assert [(row["model"], row["sampler"]) for row in rows if row["verdict"] == "harms"] == harmed


def test_finding_01_says_that_days_differ_and_single_features_tell(recorded):
    eda = recorded["01_eda"]
    assert eda["best_feature"]["roc_auc"] > 0.9 and eda["drift"][0]["roc_auc"] > 0.95


def test_findings_02_and_07_say_that_tuning_moves_no_mean_by_a_hundredth(recorded):
    tuned = [row for row in recorded["07_comparison"]["tuned"] if row["against"].endswith(" + defaults")]
    assert [row["n_folds"] for row in tuned] == [10, 10, 10] and max(abs(row["mean"]) for row in tuned) < 0.01


def test_finding_03_says_that_undersampling_inflates_a_score_and_helps_no_ensemble(recorded):
    under = recorded["03_undersampling"]
    verdicts = [row["verdict"] for row in under["ensembles"]]
    assert len(verdicts) == 4 and verdicts.count("harms") == 3 and all(row["mean"] < 0 for row in under["ensembles"])
    scores = list(under["thinned_test"].values())
    assert scores == sorted(scores) and scores[-1] > scores[0] + 0.05
    assert under["equal_calibration"]["rus"] > 100 * under["equal_calibration"]["none"]
    chosen = [row for row in recorded["07_comparison"]["ratios"] if row["sampler"] == "nearmiss" and row["n_folds"]]
    assert {row["ratio"] for row in chosen} == {"all"}


def test_finding_04_says_that_smote_is_seldom_balanced_and_leaks_before_the_split(recorded):
    over = recorded["04_smote"]
    folds = [(ratio, n) for row in over["chosen"] for ratio, n in row.items() if ratio not in ("sampler", "model")]
    assert sum(n for ratio, n in folds if ratio == "balanced") < sum(n for _, n in folds) / 2
    assert over["leak_demo"]["before_split"] > 0.9 and over["leak_demo"]["after_split"] < 0.05


def test_finding_05_says_that_the_generator_makes_no_copies_and_cheap_ones_look_alike(recorded):
    cgan = recorded["05_cgan_training"]
    assert cgan["fidelity"]["closest_record"] > 0.9
    assert {"Jitter", "SMOTE"} <= {row["generator"] for row in cgan["ahead"] if len(row["figures"]) > 2}


def test_finding_06_says_that_networks_stand_between_their_references(recorded):
    deep = recorded["06_deep_models"]
    plain = [score for name, score in deep["means"][0].items() if name != "sampler"]
    assert deep["reference"]["lr"] < min(plain) and max(plain) < deep["reference"]["xgb"]


@pytest.mark.parametrize("model", ["cnn1d", "lstm"])
def test_finding_06_says_that_some_shuffled_order_is_better(recorded, model):
    as_it_comes, *shuffled = [row["mean"] for row in recorded["06_deep_models"]["orders"] if row["model"] == model]
    assert max(shuffled) > as_it_comes


def test_finding_08_says_that_the_test_score_is_lower_and_its_interval_wide(recorded):
    final = recorded["08_final_model"]
    low, high = final["test"]["interval"]
    assert (final["choice"]["model"], final["choice"]["sampler"]) == ("xgb", "none")
    assert low <= final["test"]["average_precision"] < final["development"] <= high


def test_finding_09_says_that_nothing_is_decided_and_that_only_the_weight_of_frauds_may_count(recorded):
    few = recorded["09_scarcity"]
    rows = few["differences"]
    assert not [row for row in rows if row["verdict"] in ("helps", "harms")]
    assert not [row for row in few["generators"] if row["verdict"] == "helps"]
    boosted = [row["mean"] for row in rows if row["model"] == "xgb"]
    assert max(map(abs, boosted)) < 0.01
    assert max(boosted) < min(row["mean"] for row in few["gains"] if row["model"] == "xgb")
    assert all(row["mean"] < 0 for row in rows if (row["model"], row["level"]) == ("lr", "20"))
    linear = [row for row in rows if row["model"] == "lr" and row["level"] in ("40", "80", "160")]
    assert all((row["mean"] > 0) == (row["sampler"] != "ctgan") for row in linear)
    by_level = {(row["sampler"], row["level"]): row["mean"] for row in linear}
    for (sampler, level), mean in by_level.items():
        if sampler in ("smote", "cgan"):
            assert min(by_level["ros", level], by_level["class_weight", level]) > mean - 0.001


def test_finding_10_says_that_nothing_helps_and_what_harms(recorded):
    many = recorded["10_many_tables"]
    of = {
        (name, verdict): [(row["model"], row["sampler"]) for row in many[name] if row["verdict"] == verdict]
        for name in ("verdicts", "equal_verdicts")
        for verdict in ("helps", "harms", "equivalent")
    }
    assert not of["verdicts", "helps"] and not of["equal_verdicts", "helps"] and not of["verdicts", "harms"]
    assert len(of["verdicts", "equivalent"]) > len(many["verdicts"]) / 2
    hard = [row["hard_tables"] for row in many["verdicts"] if row["verdict"] == "equivalent"]
    assert hard.count("equivalent") < len(hard) / 2
    undersampled = {(model, "rus") for model in ("lr", "rf", "xgb")}
    assert set(of["equal_verdicts", "harms"]) == undersampled | {("lr", "borderline"), ("lr", "ctgan")}
    assert ("rf", "cgan") in of["verdicts", "equivalent"]
    assert (many["claim"]["verdict"], many["claim"]["equal_verdict"]) == ("not supported", "not supported")


def test_finding_10_says_that_only_difficulty_tells_anything_and_what_it_tells_is_harm(recorded):
    rows = recorded["10_many_tables"]["associations"]
    clear = [row for row in rows if row["adjusted_p"] is not None and row["adjusted_p"] < 0.05]
    assert clear and {row["trait"] for row in clear} == {"difficulty"}
    assert all(row["correlation"] < 0 for row in clear) and {row["sampler"] for row in clear} == {"rus", "ctgan"}


def test_open_fold_gives_the_number_of_the_ledger():
    (cell,) = [cell for cell in code_cells("02_baselines") if "assert_allclose" in cell.source]
    (output,) = cell.outputs
    assert len(set(re.findall(r"(?:hand|ledger) +(0\.\d{4})", output.data["text/plain"]))) == 1


def test_source_hash_sees_the_source_and_not_the_outputs(tmp_path):
    path = NOTEBOOKS / "01_eda.ipynb"
    notebook = json.loads(path.read_text())
    copy = tmp_path / path.name
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    copy.write_text(json.dumps(notebook))
    assert notebooks.source_hash(copy) == notebooks.source_hash(path)
    for change in ({"source": ["1 + 1"]}, {"metadata": {"otherwise": "Nothing."}}):
        copy.write_text(
            json.dumps({**notebook, "cells": [*notebook["cells"][:-1], {**notebook["cells"][-1], **change}]})
        )
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


def test_execute_adapts_a_notebook_to_a_foreign_study_and_passes_its_name(tmp_path, monkeypatch):
    study = Study("claims", DatasetConfig("claims.csv", label="late", time=None, amount=None), NEUTRAL)
    code = [nbformat.v4.new_code_cell(text) for text in ('study = "creditcard"\nprofile_name = "full"', "print(study)")]
    code[0].metadata["tags"] = ["parameters"]
    prose = [nbformat.v4.new_markdown_cell(text) for text in ("Two days", "Frauds")]
    prose[0].metadata["tags"] = ["creditcard"]
    source = nbformat.v4.new_notebook(cells=[*prose, *code])
    source.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(source, tmp_path / "08_one.ipynb")
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    notebooks.execute("08_one", replace(load_profile("quick", study), notebooks=tmp_path / "foreign"))
    cells = nbformat.read(tmp_path / "foreign" / "08_one.ipynb", as_version=4).cells
    assert cells[0].source == "Positives" and cells[-1].outputs[0].text == "claims\n"
    assert nbformat.read(tmp_path / "08_one.ipynb", as_version=4).cells[0].source == "Two days"


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


def test_execute_keeps_a_notebook_whose_kernel_is_ended(tmp_path, monkeypatch):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    write_notebook(folder, "09_killed", "import os, signal", "os.kill(os.getpid(), signal.SIGKILL)")
    monkeypatch.setattr(notebooks, "NOTEBOOKS", folder)
    monkeypatch.setattr("utils.config.ROOT", tmp_path)
    with pytest.raises(notebooks.NotebookError, match=r"09_killed.ipynb: its kernel was ended .*memory runs out"):
        notebooks.execute("09_killed", load_profile("full"))
    assert (tmp_path / "build" / "full" / "failed" / "09_killed.ipynb").exists()


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
