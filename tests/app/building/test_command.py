"""The commands that build and serve a model take a study by its name or by the path of its file."""

import os
import subprocess

import pytest

from app.building import command
from app.settings import from_command, model_folder
from utils.benchmark.equal_search import SettingsError
from utils.config import ROOT

SMALL = '[data]\npath = "claims.csv"\nlabel = "is_bad"\n'


@pytest.mark.parametrize("study", ["claims", "studies/claims.toml", "./studies/claims.toml", "/elsewhere/claims.toml"])
def test_model_folder_is_that_of_the_name_however_the_study_is_given(study):
    expected = ROOT / "build" / "studies" / "claims" / "app" / "model"
    assert model_folder(study) == from_command(["--study", study], {}).folder == expected


@pytest.mark.parametrize("study", ["creditcard", "studies/creditcard.toml"])
def test_own_study_of_the_credit_card_study_is_none(study):
    assert command.own_study(study) is None and command.own_study(None) is None
    assert model_folder(study) == model_folder()


@pytest.mark.parametrize("more", [[], ["--pairs"]])
def test_command_writes_the_model_of_a_file_where_the_server_looks_for_it(tmp_path, monkeypatch, more):
    path = tmp_path / "claims.toml"
    path.write_text(SMALL)
    written = []

    def stop(folder, *_):
        written.append(folder.with_name("model"))
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "build", stop)
    monkeypatch.setattr(command, "build_pairs", stop)
    monkeypatch.setattr(command, "measured_profile", lambda study: study.name)
    assert command.main(["--study", str(path), *more]) == 1
    assert written == [from_command(["--study", str(path)], {}).folder]


@pytest.mark.parametrize("study", ["../claims", "studies/claims", "studies/my claims.toml", "studies/.toml"])
def test_settings_refuse_what_is_neither_name_nor_path_of_a_study(study, capsys):
    with pytest.raises(SystemExit):
        from_command(["--study", study], {})
    assert "give the name of a file in studies, such as claims, or its path." in capsys.readouterr().err


@pytest.mark.parametrize(("age", "expected"), [(0, ["app.building", "app.app"]), (2_000_000_000, ["app.app"])])
@pytest.mark.parametrize("study", ["claims", "studies/claims.toml"])
def test_make_app_builds_what_is_older_than_the_study_however_it_is_given(tmp_path, study, age, expected):
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$2" "$3"\n')
    python.chmod(0o755)
    served, source = (tmp_path / "build" / "studies" / "claims" / name for name in ("app/model", "quick/model"))
    for folder in (served, source):
        folder.mkdir(parents=True)
        (folder / "card.json").write_text("{}")
    os.utime(served / "card.json", (age, age))
    make = ["make", "--no-print-directory", "-f", str(ROOT / "Makefile"), "-o", ".venv/ready", "app"]
    made = subprocess.run([*make, f"BIN={tmp_path}", f"STUDY={study}"], cwd=tmp_path, check=True, capture_output=True)
    assert made.stdout.decode().splitlines() == [f"{module} --study={study}" for module in expected]


def test_command_says_in_a_sentence_that_settings_have_changed(tmp_path, monkeypatch, capsys):
    def stop(*_):
        raise SettingsError("The settings of lr are no longer those that the task was made for.")

    monkeypatch.setattr(command, "build", stop)
    assert command.main(["--folder", str(tmp_path / "model")]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "The settings of lr are no longer those that the task was made for.",
        "The model that was served before is unchanged.",
    ]
