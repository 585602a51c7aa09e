"""Study files: what they hold, and one sentence about what is wrong with them."""

from pathlib import Path

import pytest

from utils import study_file
from utils.config import ROOT, ULB, ConfigError, Costs, Words, load_profile
from utils.study_file import NEUTRAL, read_study

MINIMAL = '[data]\npath = "claims.csv"\nlabel = "bad"\n'


@pytest.fixture
def write(tmp_path):
    def write(text: str, name: str = "claims.toml") -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return write


def test_read_study_gives_the_credit_card_study():
    study = read_study("creditcard")
    assert study.name == "creditcard" and study.dataset == ULB and study.words == Words()
    assert (ULB.label, ULB.time, ULB.amount, ULB.source, len(ULB.columns)) == ("Class", "Time", "Amount", "ulb", 31)
    assert not ULB.is_mixed


def test_read_study_takes_no_time_or_amount_unless_the_file_names_them(write):
    study = read_study(write(MINIMAL))
    assert (study.name, study.dataset.label, study.dataset.time, study.dataset.amount) == ("claims", "bad", None, None)
    assert study.words == NEUTRAL


@pytest.mark.parametrize("role", ["time", "amount", "group"])
def test_read_study_takes_an_empty_name_for_no_column(write, role):
    assert read_study(write(f'{MINIMAL}{role} = ""\n')) == read_study(write(MINIMAL))


@pytest.mark.parametrize("role", ["time", "amount", "group"])
def test_read_study_says_to_leave_out_a_column_that_is_not_there(write, role):
    for value in (" ", "bad"):
        with pytest.raises(ConfigError, match=r", or leave it out if the table has none\.$"):
            read_study(write(f'{MINIMAL}{role} = "{value}"\n'))


def test_read_study_starts_relative_paths_at_the_root_or_outside_studies_at_the_folder_of_the_file(
    write, tmp_path, monkeypatch
):
    outside = write(MINIMAL)
    assert read_study(outside).dataset.path == tmp_path / "claims.csv"
    monkeypatch.setattr(study_file, "STUDIES", tmp_path)
    assert read_study("claims").dataset.path == ROOT / "claims.csv"
    assert read_study(write('[data]\npath = "/tables/a.csv"\nlabel = "y"')).dataset.path == Path("/tables/a.csv")


def test_read_study_reads_every_field(write):
    text = """
        [data]
        path = "claims.csv"
        label = "bad"
        positive = ["yes", "ja"]
        time = "when"
        amount = "sum"
        group = "customer"
        numeric = ["sum"]
        categorical = ["shop", "Art \\"1\\""]
        dates = ["when"]
        drop = "id"

        [words]
        positive = "default"
        positives = "defaults"

        [costs]
        fee = 2
    """
    study = read_study(write(text))
    assert study.costs == load_profile("quick", study).costs == Costs(2, 10.0)
    assert study.dataset.is_mixed and study.dataset.positive == ("yes", "ja")
    assert study.dataset.categorical == ("shop", 'Art "1"') and study.dataset.drop == ("id",)
    assert study.words == Words("row", "rows", "default", "defaults", "negative")


WRONG = {
    "no TOML": ("[data\n", "claims.toml cannot be read as TOML"),
    "unknown section": (
        MINIMAL + "[rows]\n",
        "claims.toml has an unknown section 'rows'; known are data, words, costs",
    ),
    "unknown field": (MINIMAL + 'tiem = "x"\n', "claims.toml has an unknown field 'tiem'"),
    "unknown word": (MINIMAL + '[words]\nfraud = "x"\n', "claims.toml has an unknown field 'fraud'"),
    "empty word": (MINIMAL + '[words]\nrow = ""\n', "claims.toml: row is ''; write a word"),
    "cost as text": (MINIMAL + '[costs]\nfee = "5"\n', "claims.toml: fee is '5'; write a number that is not negative"),
    "no loss": (MINIMAL + "[costs]\nfloor = 0\n", "claims.toml: floor is 0; write a number above 0"),
    "a value of both classes": (
        MINIMAL + 'positive = "yes"\nnegative = ["no", "yes"]\n',
        "claims.toml: negative is ('no', 'yes'); leave 'yes' out of it or of positive",
    ),
    "only the other class": (MINIMAL + 'negative = "no"\n', "claims.toml: negative is ('no',); name the values of"),
    "another decimal sign": (MINIMAL + 'decimal = "x"\n', "claims.toml: decimal is 'x'; write '.' or ','"),
    "both orders": (
        MINIMAL + 'day_first = ["a"]\nmonth_first = ["a"]\n',
        "claims.toml: day_first is ('a',); leave 'a' out of it or of month_first",
    ),
    "no label": ('[data]\npath = "a.csv"\n', "claims.toml: [data] has no label; add it"),
    "section as a value": ("data = 3\n", "claims.toml: data is no section; write [data] on a line of its own"),
    "label as time": (MINIMAL + 'time = "bad"\n', "claims.toml: time is 'bad'; name a column other than the label"),
    "two kinds": (
        MINIMAL + 'numeric = ["a"]\ncategorical = ["a"]\n',
        "claims.toml: numeric is ('a',); leave 'a' out of it or of categorical",
    ),
    "label as a feature": (
        MINIMAL + 'numeric = ["bad"]\n',
        "claims.toml: numeric is ('bad',); take 'bad' out of it, as it is the label",
    ),
    "positive of numbers": (
        MINIMAL + "positive = [1]\n",
        "claims.toml: positive is (1,); list values of the label as text",
    ),
}


@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=WRONG.keys())
def test_read_study_says_in_a_sentence_what_is_wrong(write, text, words):
    with pytest.raises(ConfigError) as caught:
        read_study(write(text))
    assert str(caught.value).startswith(words) and str(caught.value).endswith(".")


def test_read_study_lists_the_studies_there_are():
    with pytest.raises(ConfigError, match=r"There is no study 'nobody'; choose one of .*creditcard"):
        read_study("nobody")


def test_read_study_refuses_a_name_that_cannot_be_part_of_a_folder(write):
    with pytest.raises(ConfigError, match="a study's name has letters, digits, '-' and '_' only"):
        read_study(write(MINIMAL, "my claims.toml"))


@pytest.mark.parametrize("name", ["quick", "full"])
def test_load_profile_keeps_all_outputs_of_a_foreign_study_below_build(write, name, monkeypatch):
    monkeypatch.setenv("STUDY_OUTPUT", "elsewhere")  # moves the outputs of the credit-card study only
    profile = load_profile(name, write(MINIMAL))
    folder = ROOT / "build" / "studies" / "claims" / name
    paths = (profile.results, profile.figures, profile.notebooks, profile.numbers, profile.model, profile.failures)
    assert profile.is_foreign and profile.folder == folder and profile.dataset.copies == folder.parent
    assert all(Path(path).is_relative_to(folder) for path in paths)


def test_load_profile_of_the_credit_card_study_is_unchanged_by_others():
    profile = load_profile("full")
    assert (profile.study, profile.dataset, profile.results) == ("creditcard", ULB, ROOT / "data" / "results")
    assert not profile.is_foreign
