"""Numbers and tables: plain JSON, whole files, and only a notebook's own section is replaced."""

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.utils.reporting.test_claims import numbers_of_the_full_study
from utils.benchmark.records import Chosen, SearchPlan, SearchSpace
from utils.config import load_profile
from utils.registry import Range
from utils.reporting import numbers, tables
from utils.reporting.recorded import parse


@pytest.fixture
def profile(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY_OUTPUT", str(tmp_path))
    return load_profile("full")


def refuse(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def numbers_of(profile) -> dict:
    """The numbers as a strict reader such as Typst sees them."""
    return json.loads(profile.numbers.read_text(), parse_constant=refuse)


def test_record_replaces_its_own_section_only(profile):
    numbers.record(profile, "01_eda", {"rows": 3, "frauds": 1})
    numbers.record(profile, "07_comparison", {"best": "rf"})
    numbers.record(profile, "01_eda", {"rows": 4})
    assert numbers_of(profile) == {"01_eda": {"rows": 4}, "07_comparison": {"best": "rf"}}


def test_record_returns_what_it_wrote(profile):
    returned = numbers.record(profile, "01_eda", {"interval": (0.1, 0.2), "rows": np.int64(3)})
    assert returned == numbers_of(profile)["01_eda"] == {"interval": [0.1, 0.2], "rows": 3}


def test_record_keeps_all_sections_recorded_at_the_same_time(profile):
    names = [f"{number:02}" for number in range(24)]
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("fork")) as pool:
        list(pool.map(numbers.record, [profile] * 24, names, [{"value": name} for name in names]))
    assert list(numbers_of(profile)) == names


def test_record_sorts_sections_and_keeps_the_order_of_their_values(profile):
    numbers.record(profile, "b", {"y": 2, "x": 1.5})
    numbers.record(profile, "a", {"z": 3})
    first = profile.numbers.read_bytes()
    assert json.loads(first) == {"a": {"z": 3}, "b": {"y": 2, "x": 1.5}}
    assert list(json.loads(first)) == ["a", "b"] and list(json.loads(first)["b"]) == ["y", "x"]
    numbers.record(profile, "b", {"y": 2, "x": 1.5})
    assert profile.numbers.read_bytes() == first


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(0.25), 0.25),
        (np.float32(0.5), 0.5),
        (np.int32(7), 7),
        (np.bool_(True), True),
        ((0.1, np.float64(0.2)), [0.1, 0.2]),
        (np.array([1, 2]), [1, 2]),
        ({"low": np.float64(0.1), 5: (1, 2)}, {"low": 0.1, "5": [1, 2]}),
        (pd.DataFrame({"name": ["rf"], "n": [3], "ap": [0.5]}), [{"name": "rf", "n": 3, "ap": 0.5}]),
        (pd.DataFrame({"best": [True]}), [{"best": True}]),
        ("text", "text"),
        (None, None),
        (False, False),
        (56746.25, 56746.25),
        (1 / 3, 0.333333),
    ],
)
def test_record_turns_values_into_plain_json(profile, value, expected):
    numbers.record(profile, "section", {"value": value})
    written = numbers_of(profile)["section"]["value"]
    assert written == (pytest.approx(expected, abs=1e-6) if isinstance(expected, float) else expected)
    assert type(written) is type(expected)


def test_record_does_not_round_a_small_p_value_to_zero(profile):
    numbers.record(profile, "section", {"p_value": 3.2e-8})
    assert numbers_of(profile)["section"]["p_value"] == pytest.approx(3.2e-8)


def test_record_writes_a_missing_number_as_null(profile):
    numbers.record(profile, "section", {"sd": np.nan, "table": pd.DataFrame({"ap": [0.5, np.nan]})})
    assert numbers_of(profile)["section"] == {"sd": None, "table": [{"ap": 0.5}, {"ap": None}]}


@pytest.mark.parametrize("value", [float("inf"), object()])
def test_record_leaves_the_old_file_when_a_value_is_no_number(profile, value):
    numbers.record(profile, "section", {"x": 1})
    with pytest.raises((ValueError, TypeError)):
        numbers.record(profile, "section", {"x": value})
    assert numbers_of(profile) == {"section": {"x": 1}}


def test_write_text_writes_a_whole_file(tmp_path):
    path = tmp_path / "new" / "file.txt"
    numbers.write_text(path, "first –\n")
    numbers.write_text(path, "second\n")
    assert path.read_text(encoding="utf-8") == "second\n"
    assert list(path.parent.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o644


def test_write_text_leaves_the_old_file_when_it_cannot_write(tmp_path):
    path = tmp_path / "file.txt"
    numbers.write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        numbers.write_text(path, "x" * 100_000 + "\ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_write_text_leaves_the_old_file_when_interrupted(tmp_path, monkeypatch):
    path = tmp_path / "file.txt"
    numbers.write_text(path, "old")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        numbers.write_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_with_interval_prints_a_number_and_its_interval():
    assert tables.with_interval(0.8527, 0.8014, 0.8966) == "0.853 [0.801, 0.897]"
    assert tables.with_interval(0.8527, 0.8014, 0.8966, digits=1) == "0.9 [0.8, 0.9]"


def test_score_grid_has_a_row_per_sampler_in_the_given_order():
    means = pd.DataFrame(
        [("rf", "none", 0.8, 0.7, 0.9), ("rf", "smote", 0.85, 0.75, 0.95), ("lr", "none", 0.6, 0.5, 0.7)],
        columns=["model", "sampler", "mean", "low", "high"],
    )
    grid = tables.score_grid(means, {"smote": "SMOTE", "none": "No resampling"}, {"lr": "LR", "rf": "RF"})
    assert grid.index.tolist() == ["SMOTE", "No resampling"] and grid.columns.tolist() == ["LR", "RF"]
    assert grid.loc["SMOTE"].tolist() == ["–", "0.850 [0.750, 0.950]"]
    assert grid.loc["No resampling", "LR"] == "0.600 [0.500, 0.700]"


def test_score_grid_leaves_out_what_was_not_measured():
    means = pd.DataFrame([("rf", "none", 0.8, 0.7, 0.9)], columns=["model", "sampler", "mean", "low", "high"])
    grid = tables.score_grid(means, {"none": "No resampling", "ros": "Repeats"}, {"lr": "LR", "rf": "RF"})
    assert grid.index.tolist() == ["No resampling"] and grid.columns.tolist() == ["RF"]


def test_alone_grid_lists_the_best_model_first():
    means = pd.DataFrame(
        [("rf", 0.8, 0.7, 0.9), ("odd", 0.1, 0.05, 0.2), ("mix", 0.86, 0.8, 0.9)],
        columns=["model", "mean", "low", "high"],
    ).assign(sampler="none")
    compared = pd.DataFrame(
        [("odd", -0.7, -0.8, -0.6, "harms"), ("mix", 0.01, -0.01, 0.03, "undecided")],
        columns=["model", "mean", "low", "high", "verdict"],
    )
    grid = tables.alone_grid(means, compared, {"rf": "Random forest", "odd": "Outliers", "mix": "Mixture"})
    assert grid.index.tolist() == ["Mixture", "Outliers"]
    assert grid.loc["Outliers"].tolist() == ["0.100 [0.050, 0.200]", "-0.700 [-0.800, -0.600]", "worse"]


def searched(model: str, sampler: str, chosen: list, space: list) -> pd.DataFrame:
    """Ledger rows of a pair whose search could choose from these ratios and chose these."""
    plan = SearchPlan(4, 0.01, SearchSpace({"ratio": space} if space else {}, {}))
    rows = [
        {"model": model, "sampler": sampler, "search": plan, "chosen": Chosen({"ratio": ratio}, {})} for ratio in chosen
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def choices() -> pd.DataFrame:
    plain = searched("rf", "none", [None], [])
    fixed = searched("brf", "none", [None], []).assign(search=None)
    ours = searched("rf", "cgan", [5, 1, 5], ["balanced", 5, 1])
    return pd.concat([plain, fixed, ours, searched("xgb", "rus", ["balanced"], ["balanced", 100])], ignore_index=True)


def test_chosen_ratios_count_folds_and_name_those_that_nobody_chose(choices):
    counted = tables.chosen_ratios(choices)
    assert counted.to_numpy().tolist() == [
        ["rf", "cgan", "balanced", 0],
        ["rf", "cgan", "5", 2],
        ["rf", "cgan", "1", 1],
        ["xgb", "rus", "balanced", 1],
        ["xgb", "rus", "100", 0],
    ]


def test_chosen_ratios_are_empty_without_a_search(choices):
    assert tables.chosen_ratios(choices.iloc[:2]).empty


def test_ratio_grid_prints_what_was_chosen_with_its_folds(choices):
    labels = {"none": "No resampling", "rus": "Undersampling", "cgan": "CGAN"}
    grid = tables.ratio_grid(tables.chosen_ratios(choices), labels, {"xgb": "XGBoost", "rf": "Random forest"})
    assert grid.index.tolist() == ["Undersampling", "CGAN"] and grid.columns.tolist() == ["XGBoost", "Random forest"]
    assert grid.to_numpy().tolist() == [["equal (1)", "–"], ["–", "5 (2), 1 (1)"]]


def test_ratio_counts_have_a_row_per_pair_and_a_column_per_chosen_ratio(choices):
    counts = tables.ratio_counts(choices, {"cgan": "CGAN", "rus": "Undersampling"}, {"rf": "Random forest"})
    assert counts.reset_index().to_dict("records") == [
        {"sampler": "CGAN", "model": "Random forest", "1": 1, "5": 2, "balanced": 0},
        {"sampler": "Undersampling", "model": "xgb", "1": 0, "5": 0, "balanced": 1},
    ]


def test_refuted_by_names_who_refutes_the_claim():
    recorded = numbers_of_the_full_study()
    interval = {"mean": -0.02, "low": -0.03, "high": -0.011}
    recorded["07_comparison"] |= {
        "models": {"rf": "Random forest", "mix": "Mixture of trees"},
        "samplers": {"ros": "Random oversampling"},
        "alone": [{"model": "mix", "sampler": "none", "against": "rf + none", **interval, "verdict": "harms"}],
    }
    assert tables.refuted_by(parse(recorded).comparison) == ""
    recorded["07_comparison"]["claim"]["refuted_by"] = [
        {**interval, "adjusted_p": 0.0213, "against": against} for against in ("rf + ros", "mix + none")
    ]
    comparison = parse(recorded).comparison
    behind = "from which it differs by -0.020 [-0.030, -0.011] (adjusted p 0.021)"
    first, second = "random forest with random oversampling", "mixture of trees, which takes no sampler"
    assert tables.refuted_by(comparison) == f" by {first}, {behind}, and by {second}, {behind}"


@pytest.mark.parametrize(
    ("label", "inside"),
    [
        ("Random undersampling", "random undersampling"),
        ("Tomek links", "Tomek links"),
        ("Gaussian copula", "a Gaussian copula"),
        ("Adversarial random forest", "adversarial random forests"),
        ("NearMiss", "NearMiss"),
        ("Borderline-SMOTE", "Borderline-SMOTE"),
        ("SMOTE-ENN", "SMOTE-ENN"),
        ("XGBoost", "XGBoost"),
        ("CNN-1D", "CNN-1D"),
        ("One-class SVM", "one-class SVM"),
        ("Jitter", "jitter"),
    ],
)
def test_phrase_starts_words_in_lower_case_but_not_names(label, inside):
    assert tables.phrase(label) == inside


def test_markdown_table_reads_back():
    frame = pd.DataFrame({"LR": ["0.6", "–"], "RF": [1, 2]}, index=pd.Index(["none", "smote"], name="Sampler"))
    header, rule, *body = [line.strip("| ").split(" | ") for line in tables.markdown_table(frame).splitlines()]
    assert header == ["Sampler", "LR", "RF"]
    assert rule == ["---"] * 3
    assert body == [["none", "0.6", "1"], ["smote", "–", "2"]]


def test_record_keeps_the_names_that_the_numbers_of_chapter_1_have_always_had(profile):
    rates = pd.DataFrame({"period": ["day 1"], "positives": [2]})
    recorded = numbers.record(profile, "01_eda", {"positive_rates": rates, "test": {"positives": 1}})
    assert recorded == {"fraud_rates": [{"period": "day 1", "frauds": 2}], "test": {"frauds": 1}}
    assert numbers.record(profile, "other", {"positives": 1}) == {"positives": 1}


def test_with_interval_prints_no_interval_that_says_nothing():
    assert tables.with_interval(0.1, -1.0, 0.9) == "0.100 [too wide to tell]"
    assert tables.with_interval(0.1, -0.4, 0.59, digits=2) == "0.10 [-0.40, 0.59]"


def test_search_spaces_say_what_each_setting_may_be():
    ranges = {"lr": {"C": Range(1e-4, 100, log=True)}, "brf": {}, "rus": {"n": Range(3, 50, log=True, whole=True)}}
    ranges |= {"spe": {"share": ("auto", 0.5)}, "ann": {"dropout": Range(0, 0.6)}}
    assert tables.search_spaces(ranges).values.tolist() == [
        ["lr", "C", "0.0001 to 100, log"],
        ["rus", "n", "3 to 50, whole, log"],
        ["spe", "share", "auto, 0.5"],
        ["ann", "dropout", "0 to 0.6"],
    ]
