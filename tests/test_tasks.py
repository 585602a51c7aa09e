"""The tasks of doit for the study of another table: where they write, and what makes them out of date."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from utils.config import ROOT
from utils.reporting.dependencies import notebook_modules

# Tests may be run by make itself, which would print the folder that it enters.
MAKE = ["make", "--no-print-directory", "-f", str(ROOT / "Makefile"), "-o", ".venv/ready"]

NAME = "tasks-of-a-test"
STUDY = '[data]\npath = "data/visits.csv"\nlabel = "outcome"\n[words]\npositive = "{word}"\n'
SHOWN = """
import json, sys
from doit import doit_cmd

doit_cmd.reset_vars()
doit_cmd.set_var("profile", "full")
doit_cmd.set_var("study", sys.argv[1])
import dodo

tasks = {"data": dodo.task_data(), "experiments": dodo.task_experiments(), "paper": dodo.task_paper()}
tasks |= {task["name"]: task for task in dodo.task_notebooks()}
inputs = {name: task["uptodate"][0].collect() for name, task in tasks.items()}
paths = [path for task in tasks.values() for path in task["targets"]] + [dodo.DOIT_CONFIG["dep_file"], dodo.RUN_LOG]
print(json.dumps({
    "paths": [str(dodo.relative(dodo.Path(path))) for path in paths],
    "study": {name: hashes["studies/tasks-of-a-test.toml"] for name, hashes in inputs.items()},
    "readme": dodo.task_readme(),
    "parts": dodo.task_study()["task_dep"],
}))
"""


PLANNED = """
import sys
from doit import doit_cmd

doit_cmd.reset_vars()
doit_cmd.set_var("profile", "quick")
doit_cmd.set_var("study", sys.argv[1])
import dodo

dodo.PROFILE = dodo.load_profile("quick", sys.argv[2])  # afterwards, so that no state of that study is touched
dodo.RAW, dodo.PLAN = dodo.Path("unread.csv"), [dodo.Path(path) for path in sys.argv[3:]]
inputs = dodo.task_experiments()["uptodate"][0].collect
for path in dodo.PLAN:
    before = inputs()
    path.write_text(path.read_text() + "# changed")
    print(path.name, before != inputs())
"""

READ = """
import sys
from doit import doit_cmd

doit_cmd.reset_vars()
doit_cmd.set_var("profile", "full")
doit_cmd.set_var("study", sys.argv[1])
import dodo

dodo.PROFILE = dodo.load_profile("full")  # afterwards, so that no state of that study is touched
for name in (path.stem for path in dodo.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")):
    print(name, *(path for path in dodo.notebook_inputs(name) if path.startswith("data/results/")))
"""

ENDED = """
import sys
from doit import doit_cmd

doit_cmd.reset_vars()
doit_cmd.set_var("profile", "full")
doit_cmd.set_var("study", sys.argv[1])
import dodo

raise {"interrupt": KeyboardInterrupt, "fault": LookupError}[sys.argv[2]]
"""

REFUSED = """
import subprocess, sys
from doit import doit_cmd

doit_cmd.reset_vars()
doit_cmd.set_var("profile", "full")
doit_cmd.set_var("study", sys.argv[1])
import dodo

status = iter([1, -9])
subprocess.run = lambda command, **options: subprocess.CompletedProcess(command, next(status))
fill, typeset = dodo.task_experiments()["actions"][0], dodo.task_paper()["actions"][0]
print([result.report for result in (fill(), fill(), typeset())])
"""


def tasks_of(path: Path) -> dict:
    """What the tasks of the study in this file are."""
    command = [sys.executable, "-c", SHOWN, str(path)]
    return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


@pytest.fixture(scope="module")
def variants(tmp_path_factory):
    """The tasks of a study, and those after a comment and a word were changed in its file."""
    path = tmp_path_factory.mktemp("studies") / f"{NAME}.toml"
    path.write_text(STUDY.format(word="infection"))
    before = tasks_of(path)
    path.write_text("# In other words.\n" + STUDY.format(word="positive"))
    yield before, tasks_of(path)
    shutil.rmtree(ROOT / "build" / "studies" / NAME, ignore_errors=True)


def test_tasks_of_another_table_write_below_its_own_folder(variants):
    tasks, _ = variants
    (raw, *others) = tasks["paths"]
    assert raw.endswith("/data/visits.csv")  # the table itself, which is only read
    assert f"build/studies/{NAME}/full/report.pdf" in others
    assert [path for path in others if not path.startswith(f"build/studies/{NAME}/full/")] == []
    assert tasks["readme"] is None and "readme" not in tasks["parts"]


def test_tasks_that_read_no_words_are_not_run_again_for_other_words(variants):
    before, after = (tasks["study"] for tasks in variants)
    assert {name for name in before if before[name] == after[name]} == {"data", "experiments"}
    assert {"paper", "01_eda", "08_final_model"} <= before.keys()


def test_tasks_that_use_the_final_model_are_run_again_for_other_costs(tmp_path):
    text = STUDY.format(word="positive")
    path = tmp_path / f"{NAME}.toml"
    path.write_text(text)
    before = tasks_of(path)["study"]
    path.write_text(text + "[costs]\nfee = 1.0\n")
    after = tasks_of(path)["study"]
    assert {name for name in before if before[name] != after[name]} == {"08_final_model"}


def test_notebooks_are_run_again_for_another_ledger_of_the_experiments_that_they_import(tmp_path):
    study = tmp_path / f"{NAME}.toml"
    study.write_text(STUDY.format(word="positive"))
    command = [sys.executable, "-c", READ, str(study)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    shutil.rmtree(ROOT / "build" / "studies" / NAME, ignore_errors=True)
    read = {name: paths for name, *paths in map(str.split, ended.stdout.splitlines())}
    imports = {name: notebook_modules(ROOT / "notebooks" / f"{name}.ipynb") for name in read}
    for module, folder in (("scarcity", "scarcity"), ("other_seeds", "seeds"), ("many_tables", "tables")):
        ledgers = {str(path.relative_to(ROOT)) for path in (ROOT / "data" / "results" / folder).glob("*.jsonl*")}
        chapters = [name for name in read if f"utils.experiments.{module}" in imports[name]]
        assert ledgers and chapters and all(ledgers <= set(read[name]) for name in chapters)


@pytest.mark.parametrize("is_foreign", [False, True])
def test_experiments_are_run_again_for_another_plan_where_they_follow_it(tmp_path, is_foreign):
    """A study of one's own has none of the plan's experiments."""
    study = tmp_path / f"{NAME}.toml"
    study.write_text(STUDY.format(word="positive"))
    plan = [shutil.copy(ROOT / "benchmarks" / name, tmp_path) for name in ("plan.toml", "tables.toml")]
    asked = study if is_foreign else "creditcard"
    command = [sys.executable, "-c", PLANNED, *map(str, [study, asked, *plan])]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    shutil.rmtree(ROOT / "build" / "studies" / NAME, ignore_errors=True)
    assert ended.stdout == f"plan.toml {not is_foreign}\ntables.toml {not is_foreign}\n"


@pytest.fixture
def without_table(tmp_path):
    """File of a study whose table does not exist."""
    path = tmp_path / f"{NAME}.toml"
    path.write_text('[data]\npath = "visits.csv"\nlabel = "outcome"\n')
    yield path
    shutil.rmtree(ROOT / "build" / "studies" / NAME, ignore_errors=True)


def test_task_data_refuses_a_table_with_one_sentence_alone(without_table):
    command = [sys.executable, "-m", "doit", "profile=full", f"study={without_table}", "study"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    table = without_table.with_name("visits.csv")
    assert ended.stderr == f"{table} does not exist; put the file there or correct the path of the dataset.\n"
    assert (ended.returncode, ended.stdout) == (1, ".  data\n")


def test_tasks_that_cannot_go_on_say_so_in_one_sentence(without_table):
    command = [sys.executable, "-c", REFUSED, str(without_table)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout == "[False, False, False]\n"  # nothing for doit to report
    killed, unwritten = ended.stderr.splitlines()
    assert killed == "The experiments were stopped by signal 9; the same command goes on from there."
    assert unwritten.startswith("There is no ") and unwritten.endswith("run the notebooks of profile 'full' first.")


def test_an_interrupt_ends_in_one_line_and_a_fault_in_its_traceback(without_table):
    command = [sys.executable, "-c", ENDED, str(without_table)]
    interrupted, failed = (
        subprocess.run([*command, end], cwd=ROOT, capture_output=True, text=True) for end in ("interrupt", "fault")
    )
    assert interrupted.returncode and failed.returncode
    assert interrupted.stderr == "Interrupted; the same command goes on with what is missing.\n"
    assert failed.stderr.startswith("Traceback") and failed.stderr.endswith("LookupError\n")


def test_make_reproduce_goes_on_where_it_was_interrupted(tmp_path):
    doit = tmp_path / "bin" / "doit"
    doit.parent.mkdir()
    doit.write_text("#!/bin/sh\n[ -e done ] || exit 3\n")
    (doit.parent / "python").write_text("#!/bin/sh\n")
    for path in doit.parent.iterdir():
        path.chmod(0o755)
    results = tmp_path / "data" / "results"
    (results / "seeds").mkdir(parents=True)
    for path in ("creditcard.jsonl", "test.jsonl", "seeds/creditcard.jsonl"):
        (results / path).write_text("old")

    def reproduce():
        return subprocess.run([*MAKE, "reproduce", f"BIN={doit.parent}"], cwd=tmp_path, capture_output=True).returncode

    assert reproduce() == 2 and not (results / "creditcard.jsonl").exists()
    (results / "creditcard.jsonl").write_text("computed")
    assert reproduce() == 2
    (tmp_path / "done").touch()
    assert reproduce() == 0
    contents = {str(path.relative_to(results)): path.read_text() for path in results.rglob("*") if path.is_file()}
    assert contents == {
        "creditcard.jsonl": "computed",
        **dict.fromkeys(["creditcard.jsonl.bak", "test.jsonl", "seeds.bak/creditcard.jsonl"], "old"),
    }
    assert reproduce() == 0 and (results / "creditcard.jsonl.bak").read_text() == "computed"


@pytest.mark.parametrize("study", ["", "claims", 'my "claims" ($) of `May`'])
def test_make_app_hands_the_study_over_as_it_was_typed(tmp_path, study):
    path = tmp_path / "python"
    path.write_text('#!/bin/sh\nprintf "%s\\n" "$@" >>"$0.arguments"\n')
    path.chmod(0o755)
    command = [*MAKE, "app", f"BIN={tmp_path}", f"STUDY={study}"]
    made = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    named = [f"--study={study}"] if study else []
    expected = ["-m", "app.building", *named, "-m", "app.app", *named]
    assert (tmp_path / "python.arguments").read_text().splitlines() == expected
    assert made.stderr == ""


@pytest.mark.parametrize(
    ("study", "served", "source"),
    [
        ("my claims", "build/studies/my claims/app/model", "build/studies/my claims/quick/model"),
        ("", "app/model", "build/full/model"),
    ],
)
def test_make_app_builds_only_what_is_older_than_the_study(tmp_path, study, served, source):
    path = tmp_path / "python"
    path.write_text('#!/bin/sh\necho "$2"\n')
    path.chmod(0o755)
    served, source = tmp_path / served, tmp_path / source
    for folder in (served, source):
        folder.mkdir(parents=True)
        (folder / "card.json").write_text("{}")
    command = [*MAKE, "app", f"BIN={tmp_path}", f"STUDY={study}"]
    for age, expected in ((0, ["app.building", "app.app"]), (2_000_000_000, ["app.app"])):
        os.utime(served / "card.json", (age, age))
        made = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
        assert made.stdout.splitlines() == expected


@pytest.mark.parametrize("installed", [True, False])
def test_make_study_hands_values_over_as_they_were_typed_and_installs_what_the_full_profile_needs(tmp_path, installed):
    stub = '#!/bin/sh\n[ "$1" != -c ] || exit {code}\nprintf "%s\\n" "$@" >"$0.arguments"\necho {output}\n'
    for name, output in (("python", "claims"), ("doit", ""), ("uv", "")):
        path = tmp_path / name
        path.write_text(stub.format(code=int(not installed), output=output))
        path.chmod(0o755)
    typed = {"FILE": 'my "claims".csv', "LABEL": "Amount ($) `x`", "GROUP": "it's", "PROFILE": "full"}
    command = ["make", "-o", ".venv/ready", "study", f"BIN={tmp_path}", *(f"{name}={typed[name]}" for name in typed)]
    environment = os.environ | {"NAME": "my-computer", "TIME": "now"}  # not meant for the study
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    assert (tmp_path / "python.arguments").read_text().splitlines() == [
        *("-m", "utils.new_study", typed["FILE"], f"--label={typed['LABEL']}", "--time=", "--amount="),
        *(f"--group={typed['GROUP']}", "--positive=", "--name=", "--profile=full"),
    ]
    assert (tmp_path / "doit.arguments").read_text().splitlines() == ["profile=full", "study=claims", "study"]
    asked = tmp_path / "uv.arguments"
    assert (asked.read_text().split()[-2:] if asked.exists() else []) == ([] if installed else ["--group", "ctgan"])


@pytest.mark.parametrize(
    ("given", "before", "expected"),
    [
        ((), "", []),
        ((), "--extra gpu", []),
        (("EXTRAS=--extra gpu",), "--extra gpu", []),
        (("EXTRAS=--extra gpu",), "", ["--extra gpu"]),
        (("EXTRAS=",), "--extra gpu", [""]),
    ],
)
def test_make_installs_again_where_other_extras_are_asked_for(tmp_path, given, before, expected):
    for name in ("Makefile", "pyproject.toml", "uv.lock"):
        shutil.copy2(ROOT / name, tmp_path)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "extras").write_text(f"{before}\n")
    (tmp_path / ".venv" / "ready").touch()
    command = ["make", "--no-print-directory", "-n", ".venv/ready", *given]
    shown = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert re.findall(r"uv sync --locked --quiet ?(.*)", shown) == expected
