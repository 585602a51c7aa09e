"""Settings: the errors of an invalid configuration, and when they are raised."""

from pathlib import Path

import pytest

from utils.config import ROOT, ULB, ConfigError, DatasetConfig, load_profile
from utils.data.fetching import fetch
from utils.study_file import read_study

WRONG = {
    "no path": ({"path": None}, "path is None; give the path of a CSV or Parquet file"),
    "empty path": ({"path": ""}, "path is ''; give the path"),
    "path of the project": ({"path": "."}, "give the path of a CSV or Parquet file"),
    "empty label": ({"label": ""}, "label is ''; name the column that holds 1 for the rare class and 0 otherwise"),
    "no label": ({"label": None}, "label is None; name the column"),
    "number as label": ({"label": 3}, "label is 3; name the column"),
    "blank time": ({"time": " "}, "time is ' '; name a column, or leave it out if the table has none"),
    "false amount": ({"amount": False}, "amount is False; name a column, or leave it out if the table has none"),
    "list of units": ({"time_unit": ["hours"]}, "time_unit is ['hours']; write one of 'milliseconds'"),
    "amount as category": (
        {"numeric": ("V1",), "categorical": ("Amount",)},
        "categorical is ('Amount',); take 'Amount' out of it, as it is the amount",
    ),
    "amount as date": (
        {"dates": ("Amount",)},
        "dates is ('Amount',); take 'Amount' out of it, as it is the amount",
    ),
    "group as category": (
        {"group": "shop", "numeric": ("V1",), "categorical": ("shop", "kind")},
        "categorical is ('shop', 'kind'); take 'shop' out of it, as it is the group",
    ),
    "number that is dropped": (
        {"numeric": ("V1", "recovered"), "drop": ("recovered",)},
        "numeric is ('V1', 'recovered'); take 'recovered' out of it, as `drop` leaves it out",
    ),
    "label and dropped column as numbers": (
        {"numeric": ("Class", "V1", "V2"), "drop": ("V2",)},
        "take 'Class' out of it, as it is the label, and 'V2' out of it, as `drop` leaves it out",
    ),
    "group without lists": (
        {"group": "V1"},
        "group is 'V1'; list the features as `numeric`, `categ",
    ),
    "unknown unit": ({"time_unit": "weeks"}, "time_unit is 'weeks'; write one of 'milliseconds', 'seconds', 'minutes'"),
    "unit of a date": (
        {"dates": ("Time",), "time_unit": "hours"},
        "time_unit is 'hours'; leave it out, as only a time",
    ),
    "time is label": ({"time": "Class"}, "time is 'Class'; name a column other than the label column, or leave it out"),
    "amount is label": ({"amount": "Class"}, "amount is 'Class'; name a column other than the label column"),
    "amount is time": ({"amount": "Time"}, "amount is 'Time'; name a column other than the time column"),
    "short hash": ({"sha256": "abc"}, "sha256 is 'abc'; write the 64 digits of the file's SHA-256, in lower case"),
    "hash in capitals": ({"sha256": "A" * 64}, "in lower case, or leave it out"),
    "hash as a number": ({"sha256": 0}, "sha256 is 0; write the 64 digits"),
    "duplicates": ({"duplicates": "no"}, "duplicates is 'no'; use one of ('keep', 'drop')"),
    "drop of a number": ({"drop": 3}, "drop is 3; list names of columns"),
    "drop of a role": (
        {"drop": "Time"},
        "drop is ('Time',); leave 'Time' out of it, which is also time",
    ),
    "drop of a group and a label": (
        {"drop": ("shop", "Class"), "group": "shop", "numeric": ("V1",)},
        "drop is ('shop', 'Class'); leave 'Class', 'shop' out of it, which are also label and group",
    ),
    "columns of numbers": ({"columns": (1, 2)}, "columns is (1, 2); list names of columns"),
    "columns without a role": (
        {"columns": ("V1", "Class")},
        "list 'Time', 'Amount', too, or leave it out to accept any columns",
    ),
    "variant": ({"variant": "a/b"}, "variant is 'a/b'; write a word that can be part of a file name"),
}


@pytest.mark.parametrize(("fields", "words"), WRONG.values(), ids=WRONG.keys())
def test_dataset_config_is_checked_where_it_is_used_and_not_where_it_is_made(fields, words):
    config = DatasetConfig(**{"path": "own.csv"} | fields)
    for use in (DatasetConfig.check, fetch, lambda config: load_profile("quick", config)):
        with pytest.raises(ConfigError) as caught:
            use(config)
        message = str(caught.value)
        assert message.startswith("DatasetConfig.") and words in message
        assert message.endswith(".") and "\n" not in message


def test_dataset_config_passes_if_it_is_right():
    ULB.check()
    config = DatasetConfig("~nobody-of-this-name/own.csv", time=None, amount=None, drop=["a"], columns="Class")
    config.check()
    assert (config.drop, config.columns) == (("a",), ("Class",))
    assert config.path.is_relative_to(ROOT)
    assert DatasetConfig(Path("/tmp/own.csv"), drop=None).drop == ()


def test_load_profile_names_the_profiles_there_are():
    with pytest.raises(ConfigError, match="There is no profile 'half'; choose 'quick' or 'full'\\."):
        load_profile("half")


@pytest.mark.parametrize("name", ["creditcard", "CreditCard", "fraud-detector"])
def test_read_study_refuses_a_name_that_would_replace_the_credit_card_study(tmp_path, name):
    path = tmp_path / f"{name}.toml"
    path.write_text('[data]\npath = "own.csv"\nlabel = "y"\n')
    with pytest.raises(ConfigError, match=rf"^{name}\.toml: '{name}' names the credit-card study's outputs; rename"):
        read_study(str(path))
    assert read_study("creditcard").dataset == ULB


def test_study_output_moves_the_model_of_the_full_profile_alone(monkeypatch, tmp_path):
    """Notebook 08 of the quick profile would otherwise replace the model of the full one."""
    monkeypatch.setenv("STUDY_OUTPUT", str(tmp_path))
    assert load_profile("full").model == tmp_path / "model"
    quick = load_profile("quick")
    assert quick.model == quick.folder / "model" and quick.folder == ROOT / "build" / "quick"
