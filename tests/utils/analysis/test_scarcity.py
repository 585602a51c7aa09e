"""Differences at each number of training frauds, against hand computations."""

import numpy as np
import pandas as pd
import pytest

from tests.rows import SPLIT
from utils.analysis import gains_of_frauds, generator_differences, scarcity_differences, scarcity_trends
from utils.analysis.corrected_tests import corrected_difference


def rows(sampler: str, ratio: str, level: str, scores: list[list[float]]) -> list[dict]:
    """Rows of logistic regression: a list of draws for each fold."""
    shared = {"model": "lr", "sampler": sampler, "ratio": ratio, "level": level, "repeat": 0, "split": SPLIT}
    return [
        {**shared, "fold": fold, "draw": draw, "average_precision": score}
        for fold, draws in enumerate(scores)
        for draw, score in enumerate(draws)
    ]


NONE = rows("none", "none", "20", [[0.5, 0.7], [0.4, 0.6], [0.6, 0.8]])
SMOTE = rows("smote", "x5", "20", [[0.54, 0.70], [0.43, 0.63], [0.64, 0.84]])  # fold means differ by .02, .03, .04
ALL = rows("none", "none", "all", [[0.8], [0.7], [0.9]]) + rows("smote", "x5", "all", [[0.8], [0.68], [0.89]])


def test_scarcity_differences_match_a_hand_computation():
    compared = scarcity_differences(pd.DataFrame(NONE + SMOTE + ALL)).set_index("level")
    assert compared["mean"].to_dict() == pytest.approx({"20": 0.03, "all": -0.01})
    half_width = 4.302653 * np.sqrt((1 / 3 + 1 / 4) * 0.0001)  # t with 2 degrees of freedom; variance of the three
    bounds = compared.loc["20", ["low", "high"]].to_list()
    assert bounds == pytest.approx([0.03 - half_width, 0.03 + half_width], abs=1e-6)
    assert (compared["n_folds"] == 3).all()  # draws are no folds
    assert (compared["detectable"] > 0.01 + half_width).all()  # the margin, and more


def test_scarcity_differences_adjust_all_rows_as_one_family():
    compared = scarcity_differences(pd.DataFrame(NONE + SMOTE + ALL)).set_index("level")
    p_value = corrected_difference([0.02, 0.03, 0.04], 0.25).p_value
    assert compared.loc["20", "p_value"] == pytest.approx(p_value)
    assert compared.loc["20", "adjusted_p"] == pytest.approx(2 * p_value)
    assert compared.loc["20", "verdict"] == "undecided"


def test_scarcity_differences_pair_draws():
    """A draw that only the reference has is no part of the difference."""
    table = pd.DataFrame(NONE + [row for row in SMOTE if (row["fold"], row["draw"]) != (0, 1)])
    compared = scarcity_differences(table)
    assert compared["mean"].item() == pytest.approx((0.04 + 0.03 + 0.04) / 3)


def test_scarcity_differences_keep_ratios_apart():
    balanced = [{**row, "ratio": "balanced", "average_precision": row["average_precision"] - 0.1} for row in SMOTE]
    table = pd.DataFrame(NONE + SMOTE + balanced)
    assert scarcity_differences(table).set_index("ratio")["mean"].to_dict() == pytest.approx(
        {"x5": 0.03, "balanced": -0.07}
    )


def test_generator_differences_are_at_the_same_ratio():
    cgan = [
        {**row, "sampler": "cgan", "ratio": ratio, "average_precision": row["average_precision"] + shift}
        for row in SMOTE
        for ratio, shift in (("x5", 0.01), ("balanced", 0.02))
    ]
    compared = generator_differences(pd.DataFrame(NONE + SMOTE + cgan), ["cgan"], ["smote"])
    assert compared[["sampler", "ratio", "reference"]].to_numpy().tolist() == [["cgan", "x5", "smote"]]
    assert compared["mean"].item() == pytest.approx(0.01)


def test_generator_differences_are_one_family_of_those_that_are_asked_for():
    def shifted(sampler: str, *shifts: float) -> list[dict]:
        changed = [{**row, "sampler": sampler} for row in SMOTE]
        return [row | {"average_precision": row["average_precision"] + shifts[row["fold"]]} for row in changed]

    table = pd.DataFrame(NONE + SMOTE + shifted("ros", 0, 0.01, 0) + shifted("cgan", 0.01, 0.02, 0.02))
    compared = generator_differences(table, ["cgan"], ["ros", "smote"]).set_index("reference")
    p_values = [corrected_difference(shifts, 0.25).p_value for shifts in ([0.01, 0.01, 0.02], [0.01, 0.02, 0.02])]
    assert compared["p_value"].to_list() == pytest.approx(p_values)  # no row for ros against smote
    assert compared["adjusted_p"].max() == pytest.approx(max(2 * min(p_values), max(p_values)))


def test_scarcity_differences_need_two_folds():
    table = pd.DataFrame([row for row in NONE + SMOTE if row["fold"] == 0])
    with pytest.raises(ValueError, match="No sampler has two folds in common with 'none'"):
        scarcity_differences(table)


def test_scarcity_differences_refuse_a_score_that_is_not_a_number():
    table = pd.DataFrame(NONE + SMOTE)
    table.loc[3, "average_precision"] = np.nan
    with pytest.raises(ValueError, match="1 of 12 values of average_precision"):
        scarcity_differences(table)


def test_gains_of_frauds_match_a_hand_computation():
    more = rows("none", "none", "40", [[0.7, 0.7], [0.8, 0.6], [0.8]])  # means of the folds: .7, .7, .8
    gains = gains_of_frauds(pd.DataFrame(NONE + more + SMOTE + ALL))
    assert gains[["level", "before", "n_folds"]].to_numpy().tolist() == [["40", "20", 3], ["all", "40", 3]]
    assert gains["mean"].to_list() == pytest.approx([0.4 / 3, 0.2 / 3])  # .1, .2, .1 and .1, 0, .1
    expected = corrected_difference([0.1, 0.2, 0.1], 0.25)
    assert gains.loc[0, ["low", "high"]].to_list() == pytest.approx([expected.low, expected.high])


def test_gains_of_frauds_are_those_of_one_sampler():
    gains = gains_of_frauds(pd.DataFrame(NONE + SMOTE + ALL), "smote")
    assert gains["mean"].item() == pytest.approx(np.mean([0.8 - 0.62, 0.68 - 0.53, 0.89 - 0.74]))


def numbered(table: list[dict]) -> pd.DataFrame:
    """Rows with the number of training frauds: 320 are all."""
    frauds = {"20": 20, "40": 40, "all": 320}
    return pd.DataFrame([{**row, "n_fit_positives": frauds[row["level"]]} for row in table])


def test_scarcity_trends_match_a_hand_computation():
    trend = scarcity_trends(numbered(NONE + SMOTE + ALL)).iloc[0]
    slopes = [(0.0 - 0.02) / 4, (-0.02 - 0.03) / 4, (-0.01 - 0.04) / 4]  # 20 frauds are doubled four times
    expected = corrected_difference(slopes, 0.25)
    assert trend[["mean", "low", "high"]].to_list() == pytest.approx([expected.mean, expected.low, expected.high])
    assert trend["adjusted_p"] == pytest.approx(expected.p_value) and trend["n_folds"] == 3


def test_scarcity_trends_are_adjusted_over_all_pairs():
    ros = [{**row, "sampler": "ros"} for row in SMOTE + ALL if row["sampler"] == "smote"]
    trends = scarcity_trends(numbered(NONE + SMOTE + ALL + ros))
    assert trends["sampler"].tolist() == ["smote", "ros"]
    assert trends["adjusted_p"].to_list() == pytest.approx(2 * trends["p_value"])


def test_scarcity_trends_need_two_numbers_of_frauds():
    assert scarcity_trends(numbered(NONE + SMOTE)).empty
