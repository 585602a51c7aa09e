"""The file of a new study: written once, from what is recognised, and never overwritten."""

import os
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from utils import new_study, study_file
from utils.config import ConfigError
from utils.data.errors import DataError
from utils.data.loading import load
from utils.new_study import Request, find_or_write, name_of_file, toml_value


@pytest.fixture
def studies(tmp_path, monkeypatch) -> Path:
    """An empty folder of studies."""
    folder = tmp_path / "studies"
    folder.mkdir()
    monkeypatch.setattr(new_study, "STUDIES", folder)
    monkeypatch.setattr(study_file, "STUDIES", folder)
    monkeypatch.setattr(study_file, "STUDY_OUTPUTS", tmp_path / "outputs")
    return folder


@pytest.fixture
def claims(tmp_path) -> Path:
    """A table of 600 claims of which 60 are marked."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "opened": pd.date_range("2024-01-01 08:00", periods=600, freq="97min").astype(str),
            'the "value"': rng.lognormal(3, 1, 600).round(2),
            "Größe": rng.normal(size=600).round(3),
            "branch": rng.choice(["north", "south", "east"], 600),
            "customer": rng.integers(0, 200, 600).astype(str),
            "outcome": np.where(np.arange(600) % 10 == 0, "bad", "good"),
        }
    )
    path = tmp_path / "claims of 2024.csv"
    frame.to_csv(path, index=False)
    return path


def test_find_or_write_writes_a_file_that_holds_what_was_recognised(studies, claims, capsys):
    roles = {"label": "outcome", "time": "opened", "amount": 'the "value"', "group": "customer"}
    assert find_or_write(Request(claims, **roles)) == "claims-of-2024"
    study = study_file.read_study("claims-of-2024")
    assert {role: getattr(study.dataset, role) for role in roles} == roles
    assert study.dataset.path == claims and study.dataset.positive == ("bad",)
    kinds = {"numeric": ("Größe",), "categorical": ("branch",), "dates": ("opened",), "drop": ()}
    assert {kind: getattr(study.dataset, kind) for kind in kinds} == kinds
    dataset = load(study.dataset)
    assert (len(dataset.frame), dataset.y.sum()) == (600, 60) and 'the "value"' in dataset.frame
    assert study.words == study_file.NEUTRAL
    output = capsys.readouterr().err
    assert "branch       category, 3 values" in output and "Wrote " in output and "claims-of-2024.toml" in output


def test_find_or_write_records_both_classes_and_how_open_text_was_read(studies, claims, capsys):
    frame = pd.read_csv(claims)
    frame["outcome"] = frame["outcome"].map({"bad": "none", "good": "OK"})
    frame["opened"] = [f"{day % 12 + 1:02d}/{day % 7 + 1:02d}/2024" for day in range(600)]
    frame["closed"] = "02/" + pd.Series(np.arange(600) % 28 + 1).map("{:02d}".format) + "/2024"
    frame["paid"] = "1." + pd.Series(np.arange(600) % 300 + 100).astype(str)
    frame["Größe"] = frame["Größe"].map("{:.3f}".format).str.replace(".", ",")
    frame["fee"] = (np.arange(600) % 9 / 2).astype(str)
    frame["fee"] = frame["fee"].str.replace(".", ",")
    frame["share"] = (np.arange(600) % 7 / 4).round(2).astype(str)
    frame.drop(columns='the "value"').to_csv(claims, index=False, sep=";")
    name = find_or_write(Request(claims, label="outcome"))
    dataset = study_file.read_study(name).dataset
    assert (dataset.positive, dataset.negative) == (("none",), ("OK",))
    assert (dataset.day_first, dataset.month_first) == ((), ("opened", "closed"))
    assert (dataset.decimal, dataset.decimal_comma, dataset.decimal_point) == (",", (), ("share",))
    loaded = load(dataset).frame
    assert set(loaded["paid"]) == set(range(1100, 1400)) and loaded["share"].max() == 1.5
    printed = capsys.readouterr().err
    assert "2024-01-01 to 2024-12-07, month first (as in other columns)" in printed and "month first\n" in printed
    assert "number, decimal comma" in printed
    assert "The label 'none' of column 'outcome' is a class; elsewhere this word means a missing value." in printed


@pytest.mark.parametrize("form", ["csv", "parquet", "xlsx"])
def test_find_or_write_takes_a_word_for_a_gap_as_one_of_two_classes(studies, claims, form):
    frame = pd.read_csv(claims)
    frame["outcome"] = frame["outcome"].map({"bad": "NA", "good": "?"})
    path = claims.with_name(f"other.{form}")
    writer = {"csv": frame.to_csv, "parquet": frame.to_parquet, "xlsx": frame.to_excel}[form]
    writer(path, index=False)
    name = find_or_write(Request(path, label="outcome", positive="NA"))
    assert load(study_file.read_study(name).dataset).y.sum() == 60


@pytest.mark.parametrize(
    ("bad", "good", "positive", "written"),
    [
        ("1.0", "0.0", "1.0", "1"),
        ("1", "0", "1.0", "1"),
        ("1.0", "none", "1.0", "1"),
        ("100%", "0%", "100%", "100"),
        ("100%", "no", "100%", "100%"),
        ("0,50", "0,00", "0,50", "0.5"),
        ("$5", "$4", "$5", "5"),
        ("Yes", "no", " yES ", "Yes"),
    ],
)
def test_find_or_write_takes_the_positive_value_as_the_file_spells_it(studies, claims, bad, good, positive, written):
    frame = pd.read_csv(claims)
    frame["outcome"] = frame["outcome"].map({"bad": bad, "good": good})
    frame.to_csv(claims, index=False)
    request = Request(claims, label="outcome", positive=positive)
    study = study_file.read_study(find_or_write(request))
    assert study.dataset.positive == (written,) and load(study.dataset).y.sum() == 60
    assert find_or_write(request) == study.name


def test_find_or_write_lists_an_amount_that_is_the_only_feature(studies, claims):
    frame = pd.read_csv(claims)[['the "value"', "outcome"]]
    frame.to_csv(claims, index=False)
    dataset = study_file.read_study(find_or_write(Request(claims, label="outcome", amount='the "value"'))).dataset
    assert dataset.numeric == ('the "value"',) and list(load(dataset).X) == ['the "value"']


def test_find_or_write_leaves_the_words_to_be_changed(studies, claims):
    name = find_or_write(Request(claims, label="outcome"))
    file = studies / f"{name}.toml"
    words = file.read_text().split("# [words]\n")[1].replace('# positive = "positive"', 'positive = "loss"')
    text = file.read_text().split("# [words]\n")[0] + "[words]\n" + words
    file.write_text(text.replace("# [costs]\n# fee = 5.0", "[costs]\nfee = 2.5"))
    study = study_file.read_study(name)
    assert study.words.positive == "loss" and study.costs == study_file.Costs(2.5, 10.0)


def test_find_or_write_uses_the_file_there_is(studies, claims, capsys, monkeypatch):
    name = find_or_write(Request(claims, label="outcome"))
    file = studies / f"{name}.toml"
    file.write_text(f"# Edited by hand.\n{file.read_text()}")
    edited = file.read_bytes()
    monkeypatch.setattr(new_study, "read_raw", lambda path: pytest.fail("the table was read again"))
    assert find_or_write(Request(claims, label="outcome")) == name
    assert "is used as it is" in capsys.readouterr().err
    assert find_or_write(Request(file)) == name
    assert file.read_bytes() == edited


def test_find_or_write_does_not_replace_the_study_of_another_table(studies, claims):
    name = find_or_write(Request(claims, label="outcome"))
    written = (studies / f"{name}.toml").read_bytes()
    other = claims.with_name("other.csv")
    other.write_bytes(claims.read_bytes())
    with pytest.raises(ConfigError, match=r"is the study of .*claims of 2024\.csv, not of .*other\.csv; name this one"):
        find_or_write(Request(other, label="outcome", name=name))
    with pytest.raises(ConfigError, match=r"says label = 'outcome', and LABEL='branch' was asked for; edit the file"):
        find_or_write(Request(claims, label="branch"))
    assert (studies / f"{name}.toml").read_bytes() == written
    assert find_or_write(Request(other, label="outcome")) == "other"


@pytest.mark.parametrize(
    ("role", "asked", "fact"),
    [
        ("positive", "good", "says positive = 'bad' or 'worse', and POSITIVE='good'"),
        ("label", "branch", "says label = 'outcome', and LABEL='branch'"),
        ("time", "opened", "names no time, and TIME='opened'"),
        ("group", "customer", "names no group, and GROUP='customer'"),
    ],
)
def test_find_or_write_says_what_the_study_there_is_has_instead(studies, claims, role, asked, fact):
    text = f'[data]\npath = "{claims}"\nlabel = "outcome"\npositive = ["bad", "worse"]\nnumeric = ["Größe"]\n'
    (studies / "claims-of-2024.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        find_or_write(Request(claims, **{"label": "outcome", role: asked}))
    assert str(caught.value) == (
        f"claims-of-2024.toml {fact} was asked for; edit the file, or name another study by NAME=..."
    )


def test_find_or_write_names_what_is_wrong_and_writes_nothing(studies, claims, tmp_path):
    (tmp_path / "creditcard.csv").write_bytes(claims.read_bytes())
    (tmp_path / "elsewhere.toml").write_text("")
    wrong = {
        r"^There is no file .*missing\.csv; check FILE": Request(tmp_path / "missing.csv", label="outcome"),
        r"is a folder; give the file with the table": Request(tmp_path, label="outcome"),
        r"^Say which column of claims of 2024\.csv holds the two classes: LABEL=": Request(claims),
        r"^'creditcard' names the credit-card study": Request(tmp_path / "creditcard.csv", label="outcome"),
        r"^'Fraud-Detector' names the credit-card": Request(claims, label="outcome", name="Fraud-Detector"),
        r"^NAME='a/b' cannot name a study": Request(claims, label="outcome", name="a/b"),
        r"^elsewhere\.toml: \[data\] has no path; add it": Request(tmp_path / "elsewhere.toml"),
        r"^elsewhere\.toml says what LABEL is": Request(tmp_path / "elsewhere.toml", label="outcome"),
        r"^elsewhere\.toml cannot take NAME=\.\.\., as a study is named like its file; rename the file": Request(
            tmp_path / "elsewhere.toml", name="other"
        ),
    }
    for message, request in wrong.items():
        with pytest.raises(ConfigError, match=message) as refusal:
            find_or_write(request)
        assert str(refusal.value).count("\n") == 0 and str(refusal.value)[-1] in ".…"
    with pytest.raises(DataError, match="nothing"):
        find_or_write(Request(claims, label="nothing"))
    assert list(studies.iterdir()) == []


def denied(*args, **kwargs):
    raise PermissionError(13, "Permission denied")


def test_find_or_write_refuses_files_that_it_cannot_read_or_name(studies, claims, tmp_path, monkeypatch):
    copies = ["~$claims.xlsx", os.fsdecode(b"caf\xe9.csv"), f"{'x' * 240}.csv"]
    for name in copies:
        (tmp_path / name).write_bytes(claims.read_bytes())
    os.mkfifo(tmp_path / "pipe.csv")
    monkeypatch.chdir(tmp_path)
    wrong = {
        r"^There is no file ~nobody-here/x\.csv; check FILE": "~nobody-here/x.csv",
        r"^~\$claims\.xlsx is what Excel keeps beside an open workbook; give": copies[0],
        r"caf\\udce9\.csv' has bytes that are not UTF-8; rename": copies[1],
        r"^The study's name has 240 characters; give it one of at most 200 by NAME=": copies[2],
        r"cannot be read \(File name too long\); check FILE": "x" * 300,
        r"^pipe\.csv is a device or a pipe; give the file": "pipe.csv",
        r"^/dev/null is a device or a pipe; give the file": "/dev/null",
    }
    for message, file in wrong.items():
        with pytest.raises(ConfigError, match=message):
            find_or_write(Request(Path(file), label="outcome"))
    assert find_or_write(Request(Path(copies[2]), label="outcome", name="short")) == "short"


@pytest.mark.parametrize("operation", ["exists", "open"])
def test_find_or_write_refuses_a_file_that_may_not_be_read(studies, claims, monkeypatch, operation):
    monkeypatch.setattr(Path, operation, denied)
    with pytest.raises(ConfigError, match=r"2024\.csv cannot be read \(Permission denied\); check FILE"):
        find_or_write(Request(claims, label="outcome"))


def test_find_or_write_says_where_no_file_can_be_written(studies, claims, monkeypatch):
    monkeypatch.setattr(new_study, "write_text", denied)
    with pytest.raises(ConfigError, match=r"of-2024\.toml cannot be written \(Permission denied\); make"):
        find_or_write(Request(claims, label="outcome"))


def test_find_or_write_writes_control_characters_into_comments_as_toml_wants_them(studies, claims, tmp_path):
    frame = pd.read_csv(claims).assign(**{"note\x01": "the same"})
    frame.to_csv(tmp_path / "a\x01b\x7f.csv", index=False)
    study = study_file.read_study(find_or_write(Request(tmp_path / "a\x01b\x7f.csv", label="outcome")))
    assert study.dataset.path.name == "a\x01b\x7f.csv" and study.dataset.drop == ("customer", "note\x01")


def test_find_or_write_makes_a_study_outside_the_folder_known_by_its_name(studies, claims, tmp_path):
    text = f'[data]\npath = "{claims.name}"\nlabel = "outcome"\npositive = "bad"\ncategorical = ["branch"]\n'
    folder = tmp_path / "mine"
    folder.mkdir()
    file = folder / "branches.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"^There is no file .*mine.*claims of 2024\.csv; check FILE"):
        find_or_write(Request(file))
    assert not list(studies.iterdir())
    claims.rename(folder / claims.name)
    assert find_or_write(Request(file)) == find_or_write(Request(file)) == "branches"
    assert study_file.read_study("branches").dataset.path == folder / claims.name
    file.write_text(text + 'numeric = ["Größe"]\n')
    assert study_file.read_study("branches").dataset.numeric == ("Größe",)
    assert find_or_write(Request(studies / "branches.toml")) == "branches"
    (tmp_path / "branches.toml").write_text(text.replace('"claims', '"mine/claims'))
    with pytest.raises(ConfigError, match=r"branches\.toml is another study than .*; rename one of the two files\."):
        find_or_write(Request(tmp_path / "branches.toml"))
    file.rename(folder / "others.toml")
    assert find_or_write(Request(tmp_path / "branches.toml")) == "branches"
    assert study_file.read_study("branches").dataset.path == folder / claims.name


def test_main_finds_a_column_whose_name_has_other_characters_that_look_alike(studies, claims, monkeypatch, capsys):
    frame = pd.read_csv(claims).rename(columns={"outcome": "\u200bscha\u0308den"})
    frame.to_csv(claims, index=False)
    for label in ("schäden", "scha\u0308den"):
        monkeypatch.setattr("sys.argv", ["new_study", str(claims), f"--label={label}"])
        new_study.main()
        dataset = study_file.read_study(capsys.readouterr().out.strip()).dataset
        assert dataset.label == "schäden" and load(dataset).y.sum() == 60


def test_main_prints_the_name_alone_or_one_sentence(studies, claims, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["new_study", str(claims), "--label=outcome", "--time=", "--name=", "--positive="])
    new_study.main()
    assert capsys.readouterr().out == "claims-of-2024\n"
    monkeypatch.setattr("sys.argv", ["new_study", "", "--label="])
    with pytest.raises(SystemExit, match=r"^Say which table to study: make study FILE="):
        new_study.main()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("option", ["label", "positive", "name"])
def test_main_refuses_names_that_are_not_utf8(studies, claims, monkeypatch, option):
    options = {"label": "outcome"} | {option: os.fsdecode(b"caf\xe9")}
    monkeypatch.setattr("sys.argv", ["new_study", str(claims), *(f"--{key}={value}" for key, value in options.items())])
    with pytest.raises(SystemExit, match=rf"^{option.upper()}=\.\.\. is not UTF-8; set the terminal to UTF-8"):
        new_study.main()


def test_main_writes_no_file_for_a_profile_that_does_not_exist(studies, claims, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["new_study", str(claims), "--label=outcome", "--profile=half"])
    with pytest.raises(SystemExit, match=r"^There is no profile 'half'; choose 'quick' or 'full'\.$"):
        new_study.main()
    assert capsys.readouterr() == ("", "") and list(studies.iterdir()) == []


def test_find_or_write_names_the_reason_beside_a_dropped_column(studies, claims):
    frame = pd.read_csv(claims).assign(**{'the "id"': np.arange(600), "empty": None})
    frame.to_parquet(claims.with_name("more.parquet"))
    name = find_or_write(Request(claims.with_name("more.parquet"), label="outcome"))
    lines = (studies / f"{name}.toml").read_text().splitlines()
    assert r'    "the \"id\"",  # a different value in every row' in lines and '    "empty",  # no values' in lines
    assert {'the "id"', "empty"} <= set(study_file.read_study(name).dataset.drop)


def test_find_or_write_says_in_which_unit_a_time_is_read(studies, claims, capsys):
    frame = (
        pd.read_csv(claims).drop(columns="opened").assign(hours_since_start=np.arange(600), step=np.arange(600) // 3)
    )
    frame.to_csv(claims, index=False)
    study = study_file.read_study(find_or_write(Request(claims, label="outcome", time="hours_since_start")))
    assert (study.dataset.time_unit, study.dataset.dates) == ("hours", ())
    assert "time, 25 days from first to last, as its name says hours" in capsys.readouterr().err
    study = study_file.read_study(find_or_write(Request(claims, label="outcome", time="step", name="steps")))
    assert study.dataset.time_unit == "seconds"
    printed = capsys.readouterr().err
    assert "time, 3.3 minutes from first to last, read as seconds" in printed and "8.3 days as hours" in printed
    assert "write it as time_unit in the study's file" in printed


def test_find_or_write_says_how_to_undo_a_guess_and_that_undoes_it(studies, claims, capsys):
    pd.read_csv(claims).rename(columns={'the "value"': "amount"}).to_csv(claims, index=False)
    name = find_or_write(Request(claims, label="outcome"))
    printed = capsys.readouterr().err
    text = (studies / f"{name}.toml").read_text()
    for role, column in (("time", "opened"), ("amount", "amount")):
        assert f'name another one in the study\'s file, or write {role} = "" for none.' in printed
        text = text.replace(f'\n{role} = "{column}"', f'\n{role} = ""')
    (studies / f"{name}.toml").write_text(text)
    dataset = study_file.read_study(name).dataset
    assert (dataset.time, dataset.amount) == (None, None)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("claims.csv", "claims"),
        ("claims.v2.csv.gz", "claims-v2"),
        ("Ärzte & Fälle.parquet", "Arzte-Falle"),
        ("_private.CSV", "private"),
        ("表.csv", "table"),
    ],
)
def test_name_of_file_keeps_letters_and_digits(file, name):
    assert name_of_file(Path(file)) == name


@pytest.mark.parametrize(
    "text", ['a "b" \\c', "two\nlines\r", "tab\tand \x00\x1f\x7f", "naïve – 表 🙂", "'''\"\"\"", "#[x] = 1", " "]
)
def test_toml_value_is_read_as_it_was(text):
    long = tuple(f"{number} {text}" for number in range(40))
    content = tomllib.loads(f"one = {toml_value(text)}\nnone = {toml_value(())}\nlong = {toml_value(long)}\n")
    assert content == {"one": text, "none": [], "long": list(long)}
