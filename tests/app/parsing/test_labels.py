"""Labels of a scored file: which are understood, what is said of the others, and when the scores are judged."""

import io
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.metrics import average_precision_score

from app.building.about import describe
from app.parsing.labels import LabelCounts, read_labels
from app.parsing.table import Table
from app.serving.served import Served
from app.views import notes, summary
from tests.small_app import COLUMNS, SCHEMA, fit, transactions
from utils.config import DatasetConfig

pytest_plugins = ["tests.app_fixtures"]

TRUTH = transactions(300, seed=1)["Class"].to_numpy()


@pytest.fixture(scope="module")
def rows():
    """As many rows as there are in `TRUTH`, without labels, inside the ranges of the training rows."""
    training = transactions()[list(COLUMNS)]
    return transactions(300, seed=1)[list(COLUMNS)].clip(training.min(), training.max(), axis=1)


def send(client, frame, form="csv"):
    stream = io.BytesIO()
    if form == "csv":
        frame.to_csv(stream, index=False)
    else:
        frame.to_parquet(stream, index=False)
    return client.post("/api/v1/files", data={"file": (io.BytesIO(stream.getvalue()), f"mine.{form}")}).json


def written(fraud, legitimate):
    return np.where(TRUTH == 1, fraud, legitimate)


SPELLINGS = {
    "0/1": written("1", "0"),
    "floats": written("1.0", "0.0"),
    "powers": written("1e0", "-0"),
    "-1/1": written("1", "-1"),
    "-1 for frauds": written("-1", "1"),
    "1/2": written("2", "1"),
    "1.0/2.0": written("2.0", "1.0"),
    "2 for legitimate": written("1", "2"),
    "true/false": written("True", "FALSE"),
    "t/f": written("t", "f"),
    "yes/no": written(" yes", "no "),
    "y/n": written("Y", "N"),
    "words": written("fraud", "legitimate"),
    "mixed": np.where(np.arange(300) % 2, written("1", "0"), written("true", "false")),
}


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_read_labels_gives_the_same_figures_for_the_usual_spellings(client, fraud_model, rows, spelling, form):
    found = send(client, rows.assign(Class=SPELLINGS[spelling]), form)
    expected = average_precision_score(TRUTH, fraud_model.predict_proba(rows))
    assert 0.3 < expected < 1
    assert found["labelled"]["average_precision"] == pytest.approx(expected, abs=1e-9)
    assert found["labelled"]["prevalence"] == pytest.approx(TRUTH.mean())
    assert found["labels"] == {"frauds": TRUTH.sum(), "legitimate": 285, "empty": 0, "not_understood": 0}


@pytest.mark.parametrize("spelling", ["-1/1", "-1 for frauds", "1/2", "2 for legitimate"])
def test_read_labels_says_which_of_two_numbers_was_read_as_fraud(client, rows, spelling):
    labels = SPELLINGS[spelling]
    fraud, legitimate = labels[TRUTH == 1][0], labels[TRUTH == 0][0]
    assert send(client, rows.assign(Class=labels))["notes"] == [
        f"The label {fraud} was read as fraud, as it is rarer than {legitimate}."
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([True, False, None]), [1, 0, np.nan]),
        (pa.array([1, 0, 7], pa.int8()), [1, 0, np.nan]),
        (pa.array([1.0, 0.0, float("nan")]), [1, 0, np.nan]),
        (pa.array(["fraud", "legit", "?"]).dictionary_encode(), [1, 0, np.nan]),
        (pa.array([2, 1, 1], pa.decimal128(3, 1)), [1, 0, 0]),
        (pa.array([None, None, None]), [np.nan] * 3),
        (pa.array([[1], [0], None]), [np.nan] * 3),
        (pa.array([], pa.string()), []),
        (pa.chunked_array([["1"], ["0", "x"]]), [1, 0, np.nan]),
        (pa.array(["1", "2", "3"]), [1, np.nan, np.nan]),
        (pa.array(["-1", "0", "1"]), [np.nan, 0, 1]),
        (pa.array(["2", "2", "1", "unknown"]), [0, 0, 1, np.nan]),
        (pa.array(["1", "2", "fraud", "no"]), [1, np.nan, 1, 0]),
    ],
)
def test_read_labels_reads_cells_of_any_type(values, expected):
    np.testing.assert_array_equal(read_labels(values).values, expected)


def test_read_labels_distinguishes_empty_labels_from_those_that_are_not_understood():
    found = read_labels(pa.array(["1", "0", "", " ", "NaN", "n/a", None, "7", "maybe", "inf"]))
    assert found.counts() == LabelCounts(frauds=1, legitimate=1, empty=5, not_understood=3)


NOT_JUDGED = {
    "only frauds": (
        ["1"] * 300,
        "All 300 labelled rows are frauds, so the scores cannot be judged; label the legitimate",
    ),
    "one fraud": (["1"] + [""] * 299, "The only labelled row is a fraud, so the scores cannot be judged"),
    "only frauds are labelled": (
        np.where(TRUTH == 1, "1", ""),
        "All 15 labelled rows are frauds, so the scores cannot be judged; label the legitimate rows, too.",
    ),
    "only legitimate": (["0"] * 300, "All 300 labelled rows are legitimate, so the scores cannot be judged; label the"),
    "none": ([""] * 300, "No row has both a label and a probability, so the scores cannot be judged."),
    "not understood": (
        ["1", "2", "x"] * 100,
        "No row has both a label that was understood and a probability, so the scores cannot be judged.",
    ),
    "equally frequent": (["1", "2"] * 150, "The labels 1 and 2 are equally frequent, so it is unclear which means"),
    "only -1": (["-1"] * 300, "300 labels were not understood; write 1 for a fraud and 0 for a legitimate row."),
    "three classes": (
        ["1", "2", "3"] * 100,
        "200 labels were not understood; write 1 for a fraud and 0 for a legitimate row.",
    ),
}


@pytest.mark.parametrize("case", NOT_JUDGED)
def test_summarise_gives_no_figures_where_one_class_is_missing_and_says_the_reason(client, rows, case):
    labels, words = NOT_JUDGED[case]
    found = send(client, rows.assign(Class=labels))
    assert found["labelled"] is None
    assert any(note.startswith(words) for note in found["notes"]), found["notes"]
    assert found["alerts"] > 0 and all(note.endswith(".") for note in found["notes"])


SWAPPED = "; if the labels are swapped, write 1 for a fraud and send the file again."
RANKED_BELOW = r"he model ranks frauds below legitimate rows \(ROC AUC 0\.[0-2]\d\d\)"


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("words", [("0", "1"), ("no", "yes"), ("legitimate", "fraud"), (False, True)])
def test_summarise_says_that_labels_look_swapped(client, rows, words, form):
    found = send(client, rows.assign(Class=written(*words)), form)
    assert found["labelled"]["prevalence"] == pytest.approx(0.95)
    (note,) = found["notes"]
    start = "285 of 300 labelled rows are frauds, which are usually the rarer class, and t"
    assert re.fullmatch(re.escape(start) + RANKED_BELOW + re.escape(SWAPPED), note)


def test_summarise_says_that_labels_agree_better_reversed_where_frauds_are_rarer(client, rows, fraud_model):
    least = np.argsort(fraud_model.predict_proba(rows), kind="stable")[:20]
    labels = np.where(np.isin(np.arange(300), least), "1", "0")
    (note,) = send(client, rows.assign(Class=labels))["notes"]
    assert re.fullmatch("T" + RANKED_BELOW + re.escape(SWAPPED), note)


def test_summarise_says_that_most_rows_are_frauds_though_the_model_ranks_them_first(client, rows, fraud_model):
    kept = rows[TRUTH == 1]._append(rows[TRUTH == 0].head(10))
    (note,) = send(client, kept.assign(Class=[1] * 15 + [0] * 10))["notes"]
    assert note == "15 of 25 labelled rows are frauds, which are usually the rarer class" + SWAPPED


@pytest.mark.parametrize("seed", range(20))
def test_summarise_does_not_take_a_ranking_by_chance_for_swapped_labels(client, rows, seed):
    labels = np.random.default_rng(seed).permutation(TRUTH)
    assert send(client, rows.assign(Class=labels))["notes"] == []


def test_summarise_says_nothing_of_swapped_labels_where_classes_or_probabilities_are_equal(client, rows):
    same = pd.concat([rows.head(1)] * 4)
    assert send(client, same.assign(Class=["1", "0", "0", "1"]))["notes"] == []


def test_summarise_takes_a_class_whose_rows_have_no_probability_as_missing(client, rows):
    frame = rows.assign(Class=TRUTH).astype({"V1": object})
    frame.loc[TRUTH == 0, "V1"] = "x"
    found = send(client, frame)
    assert found["labels"]["legitimate"] == 285 and found["labelled"] is None
    assert found["notes"] == [
        "All 15 labelled rows are frauds, so the scores cannot be judged; label the legitimate rows, too."
    ]


def test_summarise_says_how_many_labels_were_not_understood_and_how_many_rows_judge(client, rows):
    labels = written("1", "0").astype(object)
    labels[[1, 2]], labels[3] = "perhaps", ""
    found = send(client, rows.assign(Class=labels))
    assert found["labels"] == {"frauds": 15, "legitimate": 282, "empty": 1, "not_understood": 2}
    assert found["labelled"]["rows"] == 297
    assert found["notes"] == [
        "2 labels were not understood; write 1 for a fraud and 0 for a legitimate row.",
        "The scores are judged by 297 of 300 rows: those with a label and a probability.",
    ]


def test_summarise_says_nothing_of_labels_in_a_file_without_their_column(client, rows):
    found = send(client, rows)
    assert found["labels"] is None and found["labelled"] is None and found["notes"] == []


def test_read_labels_counts_many_different_labels():
    read = read_labels(pa.array([str(number) for number in range(200_000)]))
    assert read.counts() == LabelCounts(frauds=1, legitimate=1, empty=0, not_understood=199_998)


# --- what the totals do not cover


def test_summarise_has_no_totals_of_a_file_of_which_no_row_can_be_read(client, rows):
    found = send(client, rows.assign(V1="x"))
    assert (found["rows"], found["scored"], found["errors"]["count"]) == (300, 0, 300)
    assert found["alerts"] is None and found["amount_at_risk"] is None and found["top"] == []
    assert found["notes"] == ["None of the 300 rows could be read, so nothing was scored."]
    single = notes.coverage_notes(np.array([False]), 0, 500)
    assert single == ["The only row could not be read, so nothing was scored."]


def test_summarise_has_totals_of_one_row_that_can_be_read(client, rows):
    frame = rows.assign(V1=["x"] * 299 + ["0"])
    found = send(client, frame)
    assert (found["scored"], found["errors"]["count"], found["notes"]) == (1, 299, [])
    assert found["alerts"] == 0 and found["amount_at_risk"] == 0


@pytest.mark.parametrize(
    ("n_alerts", "said"), [(500, []), (502, ["The list ends at 500 of 502 alerts; the download has all of them."])]
)
def test_summarise_says_that_there_are_alerts_beyond_the_list(client, rows, fraud_model, n_alerts, said):
    alert = rows[fraud_model.decide(rows)].head(1)
    found = send(client, pd.concat([alert] * n_alerts))
    assert found["alerts"] == n_alerts and len(found["top"]) == summary.MAX_TOP == 500
    assert found["notes"] == said


@pytest.mark.parametrize("time", ["row", "note"])
def test_every_row_keeps_its_columns_beside_those_of_the_same_name(time):
    frame = transactions(60).rename(columns={"Time": time, "Amount": "probability"})
    fitted = fit("lr", schema=DatasetConfig(SCHEMA.path, time=time, amount="probability"), frame=frame)
    model = Served(fitted, "0", describe(fitted, "a test", frame))
    values = frame[list(model.columns)].to_numpy(dtype=float)
    found = summary.every_row(model, Table(values), model.probability(values)).to_pandas()
    np.testing.assert_array_equal(found["row"], np.arange(1, 61))
    np.testing.assert_allclose(found["probability"], fitted.predict_proba(frame), atol=1e-12)
    np.testing.assert_array_equal(found["probability of the file"], frame["probability"])
    np.testing.assert_array_equal(found[f"{time} of the file"], frame[time])
    assert found["note"].isna().all()


def test_read_labels_takes_only_the_values_that_the_study_names():
    cells = pa.array(["bad", "OK", "none", "perhaps", "", None, "?"])
    read = read_labels(cells, ["bad"], ["ok"])
    np.testing.assert_array_equal(read.values, [1, 0, *[np.nan] * 5])
    assert (read.empty, read.not_understood, read.spelled) == (4, 1, ("bad", "ok"))
    read = read_labels(cells, ["bad"], ["none", "OK"])
    np.testing.assert_array_equal(read.values[:3], [1, 0, 0])
    assert (read.empty, read.not_understood) == (3, 1)
    one_named = read_labels(cells, ["bad"])
    assert one_named.values[3] == 0 and one_named.spelled[0] == "bad"


def test_read_labels_takes_spelled_numbers_for_those_of_the_study():
    assert read_labels(pa.array(["100%", "0 %", "100"]), ["100"], ["0"]).values.tolist() == [1, 0, 1]
    assert read_labels(pa.array(["1,0", "0,0", "+1"]), ["1"], ["0"]).values.tolist() == [1, 0, 1]
    assert read_labels(pa.array(["1.50", "1,5", "1"]), ["1.5"], ["1"]).values.tolist() == [1, 1, 0]
    assert read_labels(pa.array(["1,000", "1"]), ["1000"], ["1"]).values.tolist() == [1, 0]
    assert read_labels(pa.array(["a,b", "a.b"]), ["a,b"], ["a.b"]).values.tolist() == [1, 0]
