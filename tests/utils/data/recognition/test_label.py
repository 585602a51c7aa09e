"""A label with more than two values: what counts as negative is said, and how to change it."""

import tomllib

import numpy as np
import pandas as pd
import pytest

from utils.config import DatasetConfig
from utils.data.errors import DataError
from utils.data.loading import load
from utils.data.reading import read_raw
from utils.data.recognition import NamedColumns, recognise
from utils.data.recognition.label import label_spellings
from utils.new_study import study_text
from utils.study_file import study_from

REMEDY = "; list those that mean the same as '{}' under `positive` instead of `negative` in the study's file."


def label(**counts: int) -> pd.Series:
    """A column with so many rows of each value, in an order that does not tell which is frequent."""
    values = [value for value, count in counts.items() for _ in range(count)]
    return pd.Series(values, name="fraud").sample(frac=1, random_state=1, ignore_index=True)


@pytest.mark.parametrize(
    ("counts", "positive", "said", "detail"),
    [
        (
            {"Y": 30, "No": 400, "Yes": 50, "N": 1500},
            "Y",
            "The other 3 values of column 'fraud' are negative: 'N' in 1,500 rows, 'No' in 400 rows, 'Yes' in 50 rows",
            "'Y' in 1.52% of the rows, 'N' or one of 2 other values in the others",
        ),
        (
            {"high": 40, "mid": 60, "low": 900},
            "HIGH",
            "The other 2 values of column 'fraud' are negative: 'low' in 900 rows, 'mid' in 60 rows",
            "'high' in 4.00% of the rows, 'low' or 'mid' in the others",
        ),
        (
            {"Yes": 20, "yes": 20, "no": 100, "NO": 1, "maybe": 59},
            "yes",
            "The other 2 values of column 'fraud' are negative: 'no' in 101 rows, 'maybe' in 59 rows",
            "'Yes' in 20.00% of the rows, 'no' or 'maybe' in the others",
        ),
        (
            {"x": 25, **{f"v{number}": number for number in range(1, 9)}},
            "x",
            "The other 8 values of column 'fraud' are negative: 'v8' in 8 rows, 'v7' in 7 rows, 'v6' in 6 rows, 'v5' "
            "in 5 rows, 'v4' in 4 rows, 'v3' in 3 rows and 2 more",
            "'x' in 40.98% of the rows, 'v8' or one of 7 other values in the others",
        ),
        (
            {"x": 25, "y": 50, "z": 1},
            "x",
            "The other 2 values of column 'fraud' are negative: 'y' in 50 rows, 'z' in 1 row",
            "'x' in 32.89% of the rows, 'y' or 'z' in the others",
        ),
    ],
)
def test_label_spellings_names_the_values_that_are_negative(counts, positive, said, detail):
    spellings = label_spellings(label(**counts), positive)
    assert spellings.notes[0] == said + REMEDY.format(spellings.positive)
    assert spellings.detail == detail


def test_label_spellings_says_nothing_about_the_other_one_of_two_values():
    spellings = label_spellings(label(yes=20, no=80), "yes")
    assert spellings.notes == ()
    assert spellings.detail == "'yes' in 20.00% of the rows, 'no' in the others"


def test_label_spellings_says_that_too_few_positives_may_be_spelled_in_another_way():
    with pytest.raises(DataError, match=r"add rows of this class, or write its other spellings as 'Y', too\.$"):
        label_spellings(label(Y=10, Yes=90, N=900), "Y")
    with pytest.raises(DataError, match=r"add rows of this class\.$"):
        label_spellings(label(Y=10, N=900), "Y")


def test_a_study_with_all_spellings_of_the_class_counts_them_all(tmp_path):
    column = label(Y=30, Yes=50, N=700, No=220)
    table = pd.DataFrame({"sum": np.random.default_rng(0).normal(size=len(column)).round(3), "fraud": column})
    path = tmp_path / "claims.csv"
    table.to_csv(path, index=False)
    recognised = recognise(read_raw(path, label="fraud"), NamedColumns("fraud", positive="Y"), path.name)
    text = study_text(path, recognised)
    for written, n_positives in ((text, 30), (_moved(text), 80)):
        dataset = study_from("claims", tomllib.loads(written), source="claims.toml").dataset
        config = DatasetConfig(**{**vars(dataset), "copies": None})
        assert load(config).y.sum() == n_positives


def _moved(text: str) -> str:
    """The study's file after what the note says."""
    assert 'positive = ["Y"]' in text and 'negative = ["N", "No", "Yes"]' in text
    return text.replace('positive = ["Y"]', 'positive = ["Y", "Yes"]').replace('["N", "No", "Yes"]', '["N", "No"]')


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ({"fraud": 30, "genuine": 70}, "rarer than 'genuine'."),
        ({"yes": 70, "no": 30}, "rarer than 'yes'."),
        ({"a": 40, "b": 40}, "as frequent as 'b'; name the other one as positive if it is the one to find."),
        ({"no": 40, "yes": 40}, "as frequent as 'no'; name the other one as positive if it is the one to find."),
    ],
)
def test_label_spellings_advises_to_name_the_other_value_only_where_that_is_accepted(counts, reason):
    column = pd.Series([value for value, count in counts.items() for _ in range(count)], name="y")
    spellings = label_spellings(column)
    assert spellings.notes == (
        f"The label '{spellings.positive}' of column 'y' is the positive class, as it is {reason}",
    )
    if "name the other" in reason:
        assert label_spellings(column, spellings.negative).positive == spellings.negative
    else:
        with pytest.raises(DataError, match="the positive class must be the rarer one"):
            label_spellings(column, spellings.negative)


def test_label_spellings_says_that_empty_cells_may_be_the_other_class():
    column = pd.Series(["Y"] * 30 + [None] * 70, name="fraud")
    with pytest.raises(
        DataError, match="has only the label 'Y' and no label in rows 31, 32, 33 and 67 more; if these r"
    ):
        label_spellings(column)


@pytest.mark.parametrize("positive", [None, "unknown", "bad\nrow"])
def test_label_spellings_shows_long_values_and_line_breaks_on_one_short_line(positive):
    column = pd.Series(["bad\nrow"] * 30 + ["x" * 5_000] * 70 + ["other\none"] * (positive is None), name="fraud")
    try:
        spellings = label_spellings(column, positive)
        messages = [*spellings.notes, spellings.detail]
        assert spellings.negative == "x" * 5_000  # the study's file lists the whole value
    except DataError as error:
        messages = [str(error)]
    assert all("\n" not in message and len(message) < 300 for message in messages)
