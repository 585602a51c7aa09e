"""The report on a table of one's own: sentences follow from its numbers, and nothing in it is about card payments."""

import copy
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pypdf
import pytest

from paper import build as paper
from tests.paper.test_paper import BLANK, text_of
from utils.config import ROOT, DatasetConfig, Profile, Study, Words, load_profile
from utils.data.recognition.label import label_spellings

WORDS = Words("visit", "visits", "infection", "infections", "healthy")
FIGURES = ("comparison_differences", "comparison_pr", "final_test_pr", "final_calibration", "final_cost")
COLUMN, SQUARISH = 253, 0.88  # width of a column in points; height of a narrow figure to its width
ABOUT_CARDS = re.compile(r"\b(fraud|frauds|fraudulent|payments?|cards?|transactions?|legitimate|ULB|credit)\b", re.I)


@pytest.fixture(scope="module")
def numbers() -> dict:
    """Recorded numbers of the full study, as if they were from another table."""
    return json.loads((ROOT / "paper" / "numbers.json").read_text())


@pytest.fixture
def profile(tmp_path: Path, monkeypatch) -> Profile:
    """A study with blank figures, on a page so large that no line or page break divides a sentence."""
    shutil.copytree(paper.SOURCES, tmp_path / "sources", ignore=shutil.ignore_patterns("*.pdf", "*.json"))
    template = tmp_path / "sources" / "template.typ"
    large = template.read_text().replace('paper: "a4"', "width: 4000mm, height: 4000mm")
    template.write_text(large.replace("columns: 2", "columns: 1"))
    monkeypatch.setattr(paper, "SOURCES", tmp_path / "sources")
    dataset = DatasetConfig(tmp_path / "visits.csv", label="outcome", time="opened", amount="cost", positive=("yes",))
    profile = load_profile("full", Study("visits", dataset, WORDS))
    for name in FIGURES:
        (tmp_path / "figures").mkdir(exist_ok=True)
        (tmp_path / "figures" / f"{name}.svg").write_text(BLANK)
    return replace(profile, paper=tmp_path / "report", figures=tmp_path / "figures")


def report(profile: Profile, numbers: dict) -> str:
    """Text of the report that is made of these numbers."""
    profile.numbers.parent.mkdir(exist_ok=True)
    profile.numbers.write_text(json.dumps(numbers))
    return text_of(paper.build(profile))


def with_verdicts(numbers: dict, **verdicts: list[tuple[str, str]]) -> dict:
    """Numbers in which only these pairs (model, sampler) have a verdict other than 'undecided'."""
    changed = copy.deepcopy(numbers)
    for row in changed["07_comparison"]["differences"]:
        pair = row["model"], row["sampler"]
        row["verdict"] = next((verdict for verdict, pairs in verdicts.items() if pair in pairs), "undecided")
    return changed


def test_report_speaks_of_the_study_in_its_own_words(profile, numbers):
    text = report(profile, numbers)
    assert "The study of visits" in text and "Development set" in text
    assert "visits.csv, whose column outcome tells infections from the healthy visits" in text
    assert "a row is an infection if it holds yes" in text
    assert "The latest 20 % of the visits by opened are the test set" in text
    assert ABOUT_CARDS.findall(text) == []


def test_report_takes_words_that_begin_with_any_letter(profile, numbers):
    words = Words("évènement", "évènements", "Überfall", "Überfälle", "öffentlich")
    text = report(replace(profile, words=words), numbers)
    assert "The study of visits" in text and "évènements" in text and "Überfälle" in text


def test_report_says_which_sampler_another_one_stands_for(profile, numbers):
    assert "could not work" not in report(profile, numbers) and "On this table that is not supported" in text_of(
        paper.build(profile)
    )
    changed = copy.deepcopy(numbers)
    changed["07_comparison"]["replaced"] = [{"sampler": "cgan", "by": "ros", "n_replaced": 2, "n_folds": 10}]
    text = report(profile, changed)
    assert "CGAN could not work on the training rows of 2 of 10 folds, where random oversampling took its place" in text
    assert "On this table that cannot be judged" in text and "that is not supported" not in text


def test_report_has_a_sentence_for_every_verdict(profile, numbers):
    decided = {("xgb", "smote"): 0.02, ("rf", "rus"): -0.06, ("lr", "tomek"): 0.003}
    helps, harms, equivalent = ([pair] for pair in decided)
    changed = with_verdicts(numbers, helps=helps, harms=harms, equivalent=equivalent)
    for row in changed["07_comparison"]["differences"]:
        row["mean"] = decided.get((row["model"], row["sampler"]), row["mean"])
    text = report(profile, changed)
    assert "one is a credible gain, one a credible loss, one practically equivalent, and 49 undecided" in text
    assert "Credibly better than no resampling is SMOTE with XGBoost (+0.020 [" in text
    assert "Credibly worse is random undersampling with random forest (−0.060 [" in text
    assert "Without a difference that matters is Tomek links with logistic regression (+0.003 [" in text
    assert "49 comparisons are undecided; their mean differences lie between" in text
    assert "It pays for XGBoost: SMOTE with XGBoost" in text
    assert "Avoid random undersampling with the models that it harms" in text


def test_report_without_credible_differences_gives_no_reason_to_resample(profile, numbers):
    text = report(profile, with_verdicts(numbers))
    assert "No sampler improves a model credibly at the ratio that the search chose." in text
    assert "No sampler harms a model credibly at that ratio." in text
    assert "gives no reason to resample" in text and "Avoid" not in text


def test_report_names_what_is_decided_with_equal_classes(profile, numbers):
    changed = copy.deepcopy(numbers)
    rows = changed["07_comparison"]["equal_differences"]
    for row in rows:
        row["verdict"] = "undecided"
    assert "With equal classes, no sampler is credibly better or worse" in report(profile, changed)
    row = next(row for row in rows if (row["model"], row["sampler"]) == ("xgb", "smote"))
    row |= {"verdict": "harms", "mean": -0.06, "low": -0.08, "high": -0.04}
    assert "Equal classes. Credibly worse is SMOTE with XGBoost (−0.060 [" in report(profile, changed)


def test_report_recommends_a_sampler_whose_gain_is_credible(profile, numbers):
    changed = with_verdicts(numbers, helps=[("xgb", "smote")])
    (row,) = [
        row for row in changed["07_comparison"]["differences"] if (row["model"], row["sampler"]) == ("xgb", "smote")
    ]
    row |= {"mean": 0.04, "low": 0.02, "high": 0.06}
    changed["08_final_model"]["choice"] = {"model": "xgb", "sampler": "smote", "label": "XGBoost with SMOTE"}
    text = report(profile, changed)
    assert "Use XGBoost with SMOTE. Its difference from the same model without resampling, +0.040 [0.020" in text
    assert "is a credible gain" in text
    changed["08_final_model"]["choice"] = {"model": "xgb", "sampler": "none", "label": "XGBoost"}
    text = report(profile, changed)
    assert "Use XGBoost without resampling. Of the models alone, it has the highest mean" in text


def test_report_leaves_out_what_a_table_has_not(profile, numbers):
    changed = copy.deepcopy(numbers)
    for name in ("fraud_rates", "drift"):
        del changed["01_eda"][name]
    plain = replace(profile, dataset=replace(profile.dataset, time=None, amount=None, positive=()))
    (profile.figures / "final_cost.svg").unlink()
    text = report(plain, changed)
    assert "There is no column of times, so the test set is a random draw of 20 % of the visits" in text
    assert "an infection that is missed costs 10, for there is no column of amounts." in text
    assert "value at stake" not in text and "Cost against" not in text and "by opened" not in text


def test_report_says_among_which_pairs_the_mean_is_highest(profile, numbers):
    changed = copy.deepcopy(numbers)
    changed["07_comparison"]["claim"]["best"] = ["rf", "cgan"]
    changed["08_final_model"]["choice"] = {"model": "rf", "sampler": "none", "label": "Random forest"}
    text = report(profile, changed)
    assert "highest mean of all pairs" in text and "measured on all" not in text
    for row in changed["07_comparison"]["means"]:
        if row["model"] == "lstm":
            row["n_folds"] = 5
    text = report(profile, changed)
    assert "measured on both folds" not in text
    verdicts = "not supported at the ratio that the search chose, and not supported with equal classes."
    assert f"{verdicts} It has the highest mean of the pairs measured on all ten folds." in text
    assert "Of the models alone that were measured on the most folds, it has the highest mean, and no" in text


@pytest.mark.parametrize(
    ("n_alerts", "precision", "sentence"),
    [
        (0, None, "on the development set. No visit of the test set raises one. An alert costs"),
        (1, 1.0, "on the test set, 1 of 1 alert is right, and 50 % of the infections raise one."),
        (3, 0.667, "on the test set, 2 of 3 alerts are right, and 50 % of the infections raise one."),
        (3, 0.0, "on the test set, 0 of 3 alerts are right, and 50 % of the infections raise one."),
    ],
)
def test_report_counts_few_alerts(profile, numbers, n_alerts, precision, sentence):
    changed = copy.deepcopy(numbers)
    alerts = {"alerts at the threshold": float(n_alerts), "precision at the threshold": precision}
    changed["08_final_model"]["card"] |= alerts | {"recall at the threshold": 0.5}
    text = report(profile, changed)
    assert sentence in text and "of the alerts are" not in text
    assert ("Precision at the threshold –" in text) == (precision is None)


def test_report_has_the_intervals_of_what_alerts_reach(profile, numbers):
    changed = copy.deepcopy(numbers)
    changed["08_final_model"]["card"] |= {"precision at the threshold": 0.4, "recall at the threshold": 0.5}
    changed["08_final_model"]["test"]["alerts"] = {"precision": [0.3, 0.52], "cost saved": [0.1, 0.2]}
    text = report(profile, changed)
    assert "Precision at the threshold 0.400 [0.300, 0.520]" in text
    assert "Recall at the threshold 0.500 [" not in text


def test_report_speaks_of_both_folds(profile, numbers):
    changed = copy.deepcopy(numbers)
    for row in changed["07_comparison"]["means"]:
        row["n_folds"] = 1 if row["model"] == "lstm" else 2
    assert "The highest mean of the pairs measured on both folds is that of" in report(profile, changed)


def test_report_says_that_alerts_do_not_pay(profile, numbers):
    changed = copy.deepcopy(numbers)
    changed["08_final_model"]["threshold"] = 1.0  # `bundle.NEVER`, as it is recorded
    changed["08_final_model"]["card"] |= {"alerts at the threshold": 0, "precision at the threshold": None}
    text = report(profile, changed)
    assert "Alerts do not pay on the development set at these costs, so the model never raises one. An alert" in text
    assert "on the development set; it is lowest without alerts." in text
    assert "calibrated probability of" not in text and "the threshold is where" not in text


@pytest.mark.parametrize(
    ("interval", "development", "own", "sentence"),
    [
        ((0.121, 0.348), 0.376, (0.256, 0.557),
         "[0.121, 0.348]. The mean of the development folds lies above this interval, and its own interval, "
         "[0.256, 0.557], overlaps with this one."),
        ((0.121, 0.348), 0.376, (0.35, 0.4),
         "[0.121, 0.348]. The mean of the development folds lies above this interval, and its own interval, "
         "[0.350, 0.400], does not overlap with this one."),
        ((0.121, 0.348), 0.1, (0.05, 0.121),
         "[0.121, 0.348]. The mean of the development folds lies below this interval, and its own interval, "
         "[0.050, 0.121], overlaps with this one."),
        ((0.012, 0.037), 0.03, (0.01, 0.05),
         "[0.012, 0.037], which includes chance (the prevalence of the test set, 0.013). The interval holds the mean "
         "of the development folds."),
        ((0.001, 0.012), 0.01, (0.01, 0.05),
         "[0.001, 0.012], which lies below chance (the prevalence of the test set, 0.013). The interval holds the "
         "mean of the development folds."),
    ],
)  # fmt: skip
def test_report_says_no_more_of_the_test_score_than_the_intervals_bear(
    profile, numbers, interval, development, own, sentence
):
    changed = copy.deepcopy(numbers)
    changed["01_eda"]["test"] = {"rows": 800, "frauds": 10}
    changed["08_final_model"]["development"] = development
    changed["08_final_model"]["test"]["interval"] = interval
    for row in changed["07_comparison"]["means"]:
        if (row["model"], row["sampler"]) == ("xgb", "none"):
            row["low"], row["high"] = own
    text = report(profile, changed)
    assert sentence in text
    chance = sentence.split("]", 1)[1].split(". The")[0]
    assert f"an average precision of 0.789 [{interval[0]:.3f}, {interval[1]:.3f}]{chance}." in text  # the summary


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["recovered"], "Column recovered alone all but gives the label away; if it is only known once the label is, "
                        "leave it out."),
        (["a_b", "c*"], "Columns a_b and c* all but give the label away, each of them alone; if one is only known "
                        "once the label is, leave it out."),
    ],
)  # fmt: skip
def test_report_names_columns_that_all_but_give_the_label_away(profile, numbers, names, sentence):
    changed = copy.deepcopy(numbers)
    for absent in (None, []):
        changed["01_eda"] |= {} if absent is None else {"suspected_leaks": absent}
        assert "the label away" not in report(profile, changed)
    changed["01_eda"]["suspected_leaks"] = names
    assert sentence in report(profile, changed)


@pytest.mark.parametrize(
    ("positives", "rows", "share"), [(25, 4000, "0.63"), (29, 20_000, "0.15"), (125, 1000, "12.50")]
)
def test_report_rounds_a_share_as_the_recognition_of_a_table_does(profile, numbers, positives, rows, share):
    changed = copy.deepcopy(numbers)
    changed["01_eda"] |= {"rows": rows, "frauds": positives, "prevalence": positives / rows}
    changed["01_eda"]["test"] = {"rows": rows, "frauds": positives}
    text = report(profile, changed)
    assert f"({share} %) are infections" in text and f"here {share} %" in text
    assert f"Test set {rows:,} {positives} {share} %" in text
    spellings = label_spellings(pd.Series(["yes"] * positives + ["no"] * (rows - positives)))
    assert spellings.detail.startswith(f"'yes' in {share}% of the rows")


@pytest.mark.parametrize("n_rows", [9, 10])
@pytest.mark.parametrize("n_values", range(0, 48, 12))  # more text before the table moves it
def test_report_prints_no_row_of_the_scores_where_a_figure_is(profile, numbers, monkeypatch, n_rows, n_values):
    """A table in a column to which floating figures leave little room runs into them."""
    monkeypatch.setattr(paper, "SOURCES", ROOT / "paper")  # pages of A4
    sizes = dict.fromkeys(FIGURES, (25, 22)) | {"comparison_differences": (50, 15)}
    for name, (width, height) in sizes.items():
        blank = BLANK.replace('"30"', f'"{width}"').replace('"20"', f'"{height}"')
        (profile.figures / f"{name}.svg").write_text(blank)
    changed = few_comparisons(numbers)
    changed["08_final_model"]["card"] = {f"score {number}": 0.5 for number in range(n_rows)}
    values = tuple(f"value{number}" for number in range(n_values))
    profile = replace(profile, dataset=replace(profile.dataset, positive=values))
    profile.numbers.parent.mkdir(exist_ok=True)
    profile.numbers.write_text(json.dumps(changed))
    (page,) = [
        texts
        for texts in map(positions, pypdf.PdfReader(paper.build(profile)).pages)
        if any(text == "Score 0" for text, *_ in texts)
    ]
    rows = [(x, y) for text, x, y in page if re.fullmatch(r"Score \d+", text)]
    captions = {text[7]: (x, y) for text, x, y in page if re.match(r"Figure\s[3-6]:", text)}
    assert len(rows) == n_rows and captions["3"][0] - rows[0][0] > COLUMN  # the first figure floats beside the table
    assert not [
        (row, caption)
        for row in rows
        for caption in captions.values()
        if abs(row[0] - caption[0]) < COLUMN / 2 and 0 < row[1] - caption[1] < SQUARISH * COLUMN
    ]


def few_comparisons(numbers: dict) -> dict:
    """Numbers of a small study: three models and four samplers."""
    changed = copy.deepcopy(numbers)
    section = changed["07_comparison"]
    kept = {"none", "class_weight", "rus", "smote", "cgan"}
    for name in ("means", "differences", "equal_differences"):
        section[name] = [row for row in section[name] if row["model"] in ("lr", "rf", "xgb") and row["sampler"] in kept]
    section |= {"alone": [], "replaced": [], "folds": dict.fromkeys(("lr", "rf", "xgb"), 2)}
    section["claim"]["best"] = ["xgb", "none"]
    return changed


def positions(page: pypdf.PageObject) -> list[tuple[str, float, float]]:
    """Texts of a page with their distances from its left and its lower edge, in points."""
    texts = []

    def visit(text: str, outer: list[float], inner: list[float], *_: object) -> None:
        if text.strip():
            texts.append((text.strip(), inner[4] * outer[0] + outer[4], inner[5] * outer[3] + outer[5]))

    page.extract_text(visitor_text=visit)
    return texts


@pytest.mark.parametrize(
    ("unseen", "end"),
    [
        (None, "and in this table every one of its entities is known."),
        ((8, 2, 0.6), "and the score on the others stands in Section 4."),
        ((8, 0, None), "and the others have no infection to score."),
    ],
)
def test_report_promises_a_score_on_unseen_entities_only_where_there_is_one(profile, numbers, unseen, end):
    changed = copy.deepcopy(numbers)
    if unseen is not None:
        names = (
            *(f"{word} of unseen entities" for word in (profile.words.rows, profile.words.positives)),
            "average precision on unseen entities",
        )
        changed["08_final_model"]["card"] |= dict(zip(names, unseen, strict=True))
    text = report(replace(profile, dataset=replace(profile.dataset, group="ward")), changed)
    assert f"share a fold; the test set may hold known ones, {end}" in text


def test_report_names_the_costs_behind_the_threshold(profile, numbers):
    changed = copy.deepcopy(numbers)
    changed["08_final_model"]["cost"] = {"fee": 2.5, "floor": 40.0}
    text = report(profile, changed)
    assert "An alert costs 2.5, and an infection that is missed costs its amount, but at least 40." in text
    assert "Write your own costs under [costs] in the file of the study." in text


def test_report_counts_the_features_of_a_mixed_table_by_kind(profile, numbers):
    mixed = replace(profile.dataset, numeric=("age",), categorical=("ward",), dates=("opened", "born"))
    text = report(replace(profile, dataset=mixed), numbers)
    assert (
        "Its features come from two numeric columns, one categorical column, and two date columns" in text
    )  # the amount is a number
    unlisted = replace(profile.dataset, positive=())  # a table of numbers, whose columns no list names
    assert "Its features come from" not in report(replace(profile, dataset=unlisted), numbers)


def test_report_of_a_run_with_few_numbers_has_the_sections_there_are(profile, numbers):
    text = report(profile, {"01_eda": numbers["01_eda"]})
    assert "The table" in text and "The protocol" in text
    assert "The final model" not in text and "What handling the imbalance does" not in text


def test_report_of_the_quick_profile_says_that_it_is_a_reduced_run(profile, numbers):
    assert "This is a reduced run" in report(replace(profile, name="quick"), numbers)
    text = report(profile, numbers)
    assert "reduced run" not in text and "make app STUDY=visits" in text


def test_report_shows_names_with_the_signs_of_typst(profile, numbers):
    odd = replace(profile.dataset, label='a*b_ #c "d"', group="$x$")
    text = report(replace(profile, dataset=odd), numbers)
    assert 'whose column a*b_ #c "d" tells' in text and "Visits with the same $x$ share a fold" in text


def test_build_names_the_missing_numbers_of_a_study(profile):
    with pytest.raises(paper.PaperError, match=r"There is no .*numbers\.json; run the notebooks of profile 'full'"):
        paper.build(profile)
    assert not (profile.paper / "report.pdf").exists()
