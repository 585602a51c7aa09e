"""Statistics: against hand computations, by brute force, and on tables with a known answer."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.rows import SPLIT
from utils import metrics
from utils.analysis import bootstrap, comparisons, corrected_tests, summaries
from utils.analysis import verdicts as verdicts_module
from utils.benchmark.records import Chosen


def ledger_rows(scores: dict[tuple[str, str], list[float]], **fields) -> pd.DataFrame:
    """A ledger frame with one average precision per (model, sampler) and fold."""
    return pd.DataFrame(
        {
            "repeat": fold // 5,
            "fold": fold % 5,
            "model": model,
            "sampler": sampler,
            "average_precision": score,
            "split": SPLIT,
            **fields,
        }
        for (model, sampler), values in scores.items()
        for fold, score in enumerate(values)
        if score is not None
    )


def ranked_table(n_folds: int = 3, n_rows: int = 2000, n_frauds: int = 40) -> pd.DataFrame:
    """Ranks of two methods on the same folds; 'smote' ranks every fraud better than 'none'."""
    rng = np.random.default_rng(0)
    rows = []
    for fold in range(n_folds):
        y_true = np.arange(n_rows) < n_frauds
        noise = rng.normal(size=n_rows)
        for sampler, shift in (("none", 1.5), ("smote", 2.5)):
            ranks, positions = metrics.ranks_of_positives(y_true, noise + shift * y_true)
            row = {"model": "rf", "sampler": sampler, "repeat": 0, "fold": fold, "days": 0.5, "n_rows": n_rows}
            figures = {"roc_auc": metrics.roc_auc(ranks, n_rows), "brier": 0.01 * fold, "calibration_error": 0.02}
            score = {"average_precision": metrics.average_precision(ranks)}
            rows.append(row | figures | score | {"ranks": ranks, "positives": 1000 * fold + positions})
    return pd.DataFrame(rows)


def test_corrected_difference_matches_a_hand_computation():
    result = corrected_tests.corrected_difference([0.02, 0.04, 0.03, 0.01, 0.05], test_share=0.25)
    error = np.sqrt((1 / 5 + 1 / 4) * 0.00025)  # the variance of the five is 0.00025
    assert result.mean == pytest.approx(0.03)
    assert result.p_value == pytest.approx(0.04742, abs=1e-5)  # t = 2.8284 with 4 degrees of freedom
    assert (result.low, result.high) == pytest.approx((0.03 - 2.776445 * error, 0.03 + 2.776445 * error), abs=1e-7)
    assert result.n_folds == 5


BAD = [np.nan, np.inf, -np.inf]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("test", [corrected_tests.corrected_difference, corrected_tests.practical_probabilities])
def test_corrected_difference_refuses_what_is_not_finite(test, bad):
    with pytest.raises(ValueError, match="2 of 5 differences over folds are NaN or infinite"):
        test([0.02, bad, 0.03, bad, 0.05], 0.25)


@pytest.mark.parametrize("test_share", [*BAD, -0.1])
@pytest.mark.parametrize("test", [corrected_tests.corrected_difference, corrected_tests.practical_probabilities])
def test_corrected_difference_refuses_an_invalid_share_of_test_rows(test, test_share):
    with pytest.raises(ValueError, match=f"test_share is {test_share}"):
        test([0.02, 0.03], test_share)


@pytest.mark.parametrize("bad", BAD)
def test_paired_scores_do_not_take_a_score_that_is_not_finite_for_a_missing_fold(bad):
    table = ledger_rows({("rf", "none"): [0.5, 0.6, 0.7], ("rf", "smote"): [0.6, bad, 0.8]})
    table = table.assign(ranks=[[1, 4]] * 6, positives=[[1, 2]] * 6)
    for judge in (
        comparisons.compare_samplers,
        summaries.rank_samplers,
        bootstrap.bootstrap_means,
    ):
        with pytest.raises(ValueError, match=r"1 of \d values of average_precision are NaN or infinite"):
            judge(table)


@pytest.mark.parametrize("bad", BAD)
def test_holm_refuses_what_is_no_p_value(bad):
    with pytest.raises(ValueError, match="1 of 3 p-values are NaN or infinite"):
        corrected_tests.holm([0.01, bad, 0.5])
    for outside in (-0.1, 1.1):
        with pytest.raises(ValueError, match=r"not all in \[0, 1\]"):
            corrected_tests.holm([0.01, outside])


def test_corrected_difference_has_a_wider_interval_for_overlapping_folds():
    differences = [0.02, 0.04, 0.03, 0.01, 0.05]
    naive, corrected = (
        corrected_tests.corrected_difference(differences, 0.0),
        corrected_tests.corrected_difference(differences, 0.25),
    )
    assert (corrected.high - corrected.low) / (naive.high - naive.low) == pytest.approx(1.5)
    assert corrected.p_value > naive.p_value


def test_corrected_difference_is_symmetric_in_sign():
    up, down = (corrected_tests.corrected_difference(np.array([0.02, 0.04, 0.03]) * sign, 0.25) for sign in (1, -1))
    assert up.p_value == down.p_value
    assert (up.low, up.high) == (-down.high, -down.low)


@pytest.mark.parametrize("differences", [[], [0.1]])
def test_corrected_difference_needs_two_folds(differences):
    with pytest.raises(ValueError, match=f"{len(differences)} paired fold"):
        corrected_tests.corrected_difference(differences, 0.25)


@pytest.mark.parametrize(("value", "p_value"), [(0.0, 1.0), (0.25, 0.0)])
def test_corrected_difference_without_variance_has_a_plain_answer(value, p_value):
    result = corrected_tests.corrected_difference([value] * 4, 0.25)
    assert (result.mean, result.low, result.high, result.p_value) == (value, value, value, p_value)


def test_practical_probabilities_are_areas_under_the_posterior():
    differences, share = [0.02, 0.04, 0.03, 0.01, 0.05], 0.25
    probabilities = corrected_tests.practical_probabilities(differences, share)
    error = np.sqrt((1 / 5 + share) * 0.00025)
    draws = 0.03 + error * np.random.default_rng(0).standard_t(4, size=400_000)
    shares = [np.mean(draws <= -0.01), np.mean(np.abs(draws) < 0.01), np.mean(draws >= 0.01)]
    assert probabilities == pytest.approx(shares, abs=3e-3)
    assert sum(probabilities) == pytest.approx(1, abs=1e-12)


def test_practical_probabilities_and_the_corrected_test_are_one_distribution():
    differences = [0.02, 0.04, -0.03, 0.01, 0.05]
    test = corrected_tests.corrected_difference(differences, 0.25)
    harms, equivalent, _ = corrected_tests.practical_probabilities(differences, 0.25, margin=0)
    assert (harms, equivalent) == (pytest.approx(test.p_value / 2), 0)
    _, within, above = corrected_tests.practical_probabilities(differences, 0.25, margin=test.high)
    assert above == pytest.approx(0.025)
    assert within > 0.9


def test_practical_probabilities_favour_equivalence_for_an_interval_within_the_margin():
    differences = [0.001, -0.002, 0.003, 0.0, 0.002]
    test = corrected_tests.corrected_difference(differences, 0.25)
    assert verdicts_module.verdict(test.low, test.high, test.p_value) == "equivalent"
    assert corrected_tests.practical_probabilities(differences, 0.25)[1] > 0.95
    assert corrected_tests.practical_probabilities(differences, 0.25, margin=0.001)[1] < 0.95


def test_practical_probabilities_are_less_certain_for_overlapping_folds():
    differences = [0.02, 0.04, 0.03, 0.01, 0.05]
    naive, corrected = (corrected_tests.practical_probabilities(differences, share)[2] for share in (0.0, 0.25))
    assert 0.5 < corrected < naive


def test_practical_probabilities_swap_harm_and_help_with_the_sign():
    up, down = (corrected_tests.practical_probabilities(np.array([0.02, 0.04, 0.03]) * sign, 0.25) for sign in (1, -1))
    assert up == pytest.approx(down[::-1])


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, (0, 1, 0)), (0.25, (0, 0, 1)), (-0.25, (1, 0, 0)), (0.0078125, (0, 1, 0)), (-0.0078125, (0, 1, 0))],
)
def test_practical_probabilities_without_variance_are_certain(value, expected):
    assert corrected_tests.practical_probabilities([value] * 4, 0.25) == expected


def test_practical_probabilities_need_two_folds():
    with pytest.raises(ValueError, match="1 paired fold"):
        corrected_tests.practical_probabilities([0.1], 0.25)


def test_holm_matches_a_hand_computation():
    adjusted = corrected_tests.holm([0.01, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(adjusted, [0.03, 0.06, 0.06, 0.02])


def test_holm_never_lowers_a_p_value_nor_its_order():
    p_values = np.random.default_rng(0).random(50) ** 3
    adjusted = corrected_tests.holm(p_values)
    assert (adjusted >= p_values).all() and adjusted.max() <= 1
    assert (np.diff(adjusted[np.argsort(p_values)]) >= 0).all()


def test_holm_of_one_or_no_test_changes_nothing():
    np.testing.assert_array_equal(corrected_tests.holm([0.03]), [0.03])
    assert len(corrected_tests.holm([])) == 0


@pytest.mark.parametrize(
    ("low", "high", "adjusted_p", "expected"),
    [
        (0.02, 0.06, 0.001, "helps"),
        (-0.06, -0.02, 0.001, "harms"),
        (-0.02, 0.04, 0.3, "undecided"),
        (0.02, 0.06, 0.2, "undecided"),
        (0.02, 0.06, 0.05, "undecided"),
        (-0.005, 0.005, 0.9, "equivalent"),
        (0.002, 0.008, 0.001, "equivalent"),
        (-0.01, 0.005, 0.9, "undecided"),
        (-0.005, 0.01, 0.9, "undecided"),
        (0.001, 0.02, 0.04, "undecided"),
        (-0.02, -0.001, 0.04, "undecided"),
        (-0.019728, -0.007853, 0.021, "undecided"),
        (-0.025094, -0.009956, 0.021, "undecided"),
        (0.01, 0.02, 0.001, "undecided"),
        (0.0101, 0.02, 0.049, "helps"),
        (-0.02, -0.0101, 0.049, "harms"),
    ],
)
def test_verdict_says_what_the_interval_and_the_test_allow(low, high, adjusted_p, expected):
    assert verdicts_module.verdict(low, high, adjusted_p) == expected


def test_verdict_decides_by_the_margin_what_is_equivalent():
    assert verdicts_module.verdict(-0.015, 0.015, 0.9, margin=0.02) == "equivalent"
    assert verdicts_module.verdict(-0.015, 0.015, 0.9, margin=0.01) == "undecided"


def test_verdict_decides_by_the_margin_what_helps_and_harms():
    for low, high, word in ((0.015, 0.03, "helps"), (-0.03, -0.015, "harms")):
        assert verdicts_module.verdict(low, high, 0.001, margin=0.01) == word
        assert verdicts_module.verdict(low, high, 0.001, margin=0.02) == "undecided"


@pytest.mark.parametrize("numbers", [(np.nan, 0.03, 0.001), (0.02, np.nan, 0.001), (0.02, 0.03, np.nan)])
def test_verdict_refuses_a_missing_number(numbers):
    with pytest.raises(ValueError, match="No verdict follows"):
        verdicts_module.verdict(*numbers)


def test_detectable_difference_is_just_called_and_a_smaller_one_is_not():
    spread = np.array([-0.02, -0.01, 0.0, 0.01, 0.02])
    base = np.array([0.5, 0.52, 0.48, 0.51, 0.49])
    for pairs in (1, 40):  # the margin decides in a small family, the adjustment in a large one
        names = [f"s{number}" for number in range(pairs)]
        table = ledger_rows({("rf", "none"): base, **{("rf", name): base + spread for name in names}})
        detectable = verdicts_module.detectable_difference(comparisons.compare_samplers(table))
        assert detectable.nunique() == 1 and detectable.index.tolist() == list(range(pairs))
        for factor, word in ((1.001, "helps"), (0.999, "undecided")):
            shifted = {("rf", name): base + spread for name in names[1:]}
            shifted |= {("rf", "none"): base, ("rf", names[0]): base + spread + factor * detectable.iloc[0]}
            compared = comparisons.compare_samplers(ledger_rows(shifted)).set_index("sampler")
            assert compared.loc[names[0], "verdict"] == word


def test_compare_samplers_over_two_folds_has_no_impossible_difference():
    scores = {"none": [0.4, 0.5], "smote": [0.7, 0.5], "cgan": [0.45, 0.54], "rus": [0.1, 0.5]}
    table = ledger_rows({("rf", name): np.array(values) for name, values in scores.items()})
    compared = comparisons.compare_samplers(table).set_index("sampler")
    for name in ("smote", "cgan", "rus"):
        exact = corrected_tests.corrected_difference(np.subtract(scores[name], scores["none"]), 1 / 4)
        expected = np.clip([exact.low, exact.high], -1, 1)
        np.testing.assert_allclose(compared.loc[name, ["low", "high"]].astype(float), expected)
        assert compared.loc[name, "p_value"] == exact.p_value  # the test itself is as it was
    assert compared.loc["rus", ["low", "high"]].tolist() == [-1, 1]
    assert verdicts_module.detectable_difference(compared.reset_index()).tolist() == [
        1,
        pytest.approx(0.234, abs=1e-3),
        1,
    ]


def test_detectable_difference_is_that_of_the_whole_interval_where_one_end_is_cut():
    whole = pd.DataFrame({"mean": [-0.7], "low": [-1.2], "high": [-0.2], "n_folds": [10]})
    cut = whole.assign(low=-1.0)
    assert verdicts_module.detectable_difference(cut).tolist() == pytest.approx([0.51])
    np.testing.assert_array_equal(
        verdicts_module.detectable_difference(whole.assign(low=-0.9, high=-0.5)), np.array([0.01 + 0.4 / 2])
    )


def test_compare_samplers_pairs_within_the_same_fold():
    base = np.array([0.5, 0.9, 0.6, 0.8, 0.7])
    gain = np.array([0.048, 0.05, 0.052, 0.05, 0.05])
    table = ledger_rows({("rf", "none"): base, ("rf", "smote"): base + gain, ("rf", "rus"): base - gain})
    compared = comparisons.compare_samplers(table.sample(frac=1, random_state=0)).set_index("sampler")
    expected = corrected_tests.corrected_difference(gain, 1 / 4)
    assert compared.loc["smote", ["mean", "low", "high"]].tolist() == pytest.approx(
        [expected.mean, expected.low, expected.high]
    )
    assert compared["verdict"].to_dict() == {"smote": "helps", "rus": "harms"}
    assert set(compared["against"]) == {"rf + none"} and set(compared["n_folds"]) == {5}


def test_compare_samplers_takes_all_comparisons_for_one_family():
    rng = np.random.default_rng(0)
    samplers = ("none", "smote", "rus", "cgan")
    table = ledger_rows({(model, name): rng.random(5) for model in ("lr", "rf") for name in samplers})
    compared = comparisons.compare_samplers(table)
    assert len(compared) == 6
    np.testing.assert_allclose(compared["adjusted_p"], corrected_tests.holm(compared["p_value"]))


def test_compare_samplers_turns_the_difference_around_with_another_reference():
    table = ledger_rows({("rf", "none"): [0.5, 0.6, 0.7], ("rf", "smote"): [0.6, 0.8, 0.8]})
    (forth,) = comparisons.compare_samplers(table)["mean"]
    (back,) = comparisons.compare_samplers(table, reference="smote")["mean"]
    assert forth == pytest.approx(-back) == pytest.approx(0.4 / 3)


def test_compare_samplers_uses_only_folds_that_both_have():
    table = ledger_rows({("rf", "none"): [0.5, 0.6, 0.7, 0.8], ("rf", "smote"): [0.6, 0.7, None, None]})
    compared = comparisons.compare_samplers(table)
    assert compared.loc[0, "n_folds"] == 2
    assert compared.loc[0, "mean"] == pytest.approx(0.1)


def test_compare_samplers_leaves_out_models_with_one_fold_or_no_reference():
    table = ledger_rows(
        {
            ("rf", "none"): [0.5, 0.6],
            ("rf", "smote"): [0.6, 0.8],
            ("lstm", "none"): [0.5],
            ("lstm", "smote"): [0.6],
            ("lr", "smote"): [0.6, 0.7],
        }
    )
    assert comparisons.compare_samplers(table)["model"].tolist() == ["rf"]


def test_compare_samplers_refuses_a_table_with_nothing_to_compare():
    with pytest.raises(ValueError, match="run more folds"):
        comparisons.compare_samplers(ledger_rows({("rf", "none"): [0.5], ("rf", "smote"): [0.6]}))


def test_compare_pairs_may_differ_in_model_and_sampler():
    table = ledger_rows({("rf", "cgan"): [0.8, 0.9, 0.7], ("xgb", "none"): [0.7, 0.7, 0.6]})
    (row,) = comparisons.compare_pairs(table, [(("rf", "cgan"), ("xgb", "none"))]).itertuples()
    assert (row.model, row.sampler, row.against) == ("rf", "cgan", "xgb + none")
    assert row.mean == pytest.approx(0.4 / 3)


def test_compare_samplers_gives_practical_probabilities_and_a_paired_bootstrap():
    table = ranked_table().assign(split=[replace(SPLIT, n_splits=3)] * 6)
    (row,) = comparisons.compare_samplers(table).itertuples()
    differences = summaries.paired_scores(table)["rf", "smote"] - summaries.paired_scores(table)["rf", "none"]
    expected = corrected_tests.practical_probabilities(differences, 1 / 2)
    assert (row.p_harms, row.p_equivalent, row.p_helps) == expected
    assert 0 < row.boot_low < row.mean < row.boot_high


def test_compare_samplers_has_no_bootstrap_for_scores_without_ranks():
    table = ledger_rows({("rf", "none"): [0.5, 0.6, 0.7], ("rf", "smote"): [0.6, 0.8, 0.8]})
    assert comparisons.compare_samplers(table)[["boot_low", "boot_high"]].isna().all(axis=None)


def with_neutral(table: pd.DataFrame, shift: dict[str, float]) -> pd.DataFrame:
    """The table with a tie-neutral score that is above the other by a given amount for each sampler."""
    return table.assign(average_precision_tie_neutral=table["average_precision"] + table["sampler"].map(shift))


GAIN = np.array([0.048, 0.05, 0.052, 0.05, 0.05])
BASE = np.array([0.5, 0.6, 0.55, 0.52, 0.58])


@pytest.mark.parametrize("n_used", [0, 1])
def test_with_usage_of_a_sampler_that_is_used_on_too_few_folds_has_no_verdict_where_it_is_used(n_used):
    table = ledger_rows({("rf", "none"): [0.8, 0.81, 0.79], ("rf", "smote"): [0.8, 0.81, 0.8]})
    used = (table["sampler"] == "smote") & (table["fold"] < n_used)
    chosen = [Chosen({"ratio": 0}, {})] * len(table)
    table = table.assign(dataset="rows", n_fit=np.where(used, 110, 100), n_fit_positives=10, chosen=chosen)
    (row,) = comparisons.with_usage(comparisons.compare_samplers(table), table).itertuples()
    assert row.where_used is None and row.verdict == "not used"
    assert row.share_unused == pytest.approx(1 - n_used / 3)
    assert row.verdict_tie_neutral is None and row.holds_tie_neutral is None


@pytest.mark.parametrize(
    ("shift", "neutral", "holds"), [(0.0, "not used", True), (0.004, "not used", True), (-0.3, "harms", False)]
)
def test_with_usage_says_not_used_of_both_verdicts_unless_neutral_ties_decide(shift, neutral, holds):
    table = ledger_rows({("rf", "none"): BASE, ("rf", "smote"): BASE + 0.001})
    chosen = [Chosen({"ratio": 0}, {})] * len(table)
    table = table.assign(dataset="rows", n_fit=100, n_fit_positives=10, chosen=chosen)
    table = with_neutral(table, {"none": 0.0, "smote": shift})
    (row,) = comparisons.with_usage(comparisons.compare_samplers(table), table).itertuples()
    assert (row.verdict, row.verdict_tie_neutral, row.holds_tie_neutral) == ("not used", neutral, holds)


def test_compare_samplers_says_whether_a_verdict_holds_with_ties_neutral():
    table = ledger_rows({("rf", "none"): BASE, ("rf", "smote"): BASE + GAIN, ("rf", "rus"): BASE - GAIN})
    same = comparisons.compare_samplers(with_neutral(table, {"none": 0.01, "smote": 0.01, "rus": 0.01}))
    assert same["verdict"].tolist() == same["verdict_tie_neutral"].tolist() == ["helps", "harms"]
    assert same["holds_tie_neutral"].tolist() == [True, True]
    # The loss of rus, and half of the gain of smote, are due to ties.
    other = comparisons.compare_samplers(with_neutral(table, {"none": 0.05, "smote": 0.05, "rus": 0.1}))
    assert other["verdict"].tolist() == ["helps", "harms"]
    assert other["verdict_tie_neutral"].tolist() == ["helps", "equivalent"]
    assert other["holds_tie_neutral"].tolist() == [True, False]


def test_compare_samplers_gives_the_verdict_of_the_tie_neutral_score():
    rng = np.random.default_rng(0)
    names = ("none", "smote", "rus", "cgan")
    table = ledger_rows({("rf", name): rng.random(5) for name in names})
    neutral = rng.random(len(table))
    compared = comparisons.compare_samplers(table.assign(average_precision_tie_neutral=neutral))
    swapped = comparisons.compare_samplers(table.assign(average_precision=neutral))
    assert compared["verdict_tie_neutral"].tolist() == swapped["verdict"].tolist()
    assert compared["mean_tie_neutral"].tolist() == pytest.approx(swapped["mean"].tolist())


def test_compare_samplers_leaves_open_whether_a_verdict_holds_without_the_score():
    table = ledger_rows({("rf", "none"): BASE, ("rf", "smote"): BASE + GAIN, ("rf", "rus"): BASE - GAIN})
    for lacking in (table, table.assign(average_precision_tie_neutral=np.nan)):
        compared = comparisons.compare_samplers(lacking)
        assert compared["verdict"].tolist() == ["helps", "harms"]
        assert compared["verdict_tie_neutral"].tolist() == compared["holds_tie_neutral"].tolist() == [None, None]
    some = with_neutral(table, {"none": 0, "smote": 0, "rus": 0})
    some.loc[(some["sampler"] == "rus") & (some["fold"] == 3), "average_precision_tie_neutral"] = np.nan
    compared = comparisons.compare_samplers(some)
    assert compared["verdict_tie_neutral"].tolist() == ["helps", None]
    assert compared["holds_tie_neutral"].tolist() == [True, None]


def test_compare_samplers_makes_no_verdict_easier_by_a_pair_without_the_score():
    # Alone the gain is significant (p = .03); in a family of two it is not, whichever lacks the score.
    gain = 0.25 + 0.1215 * np.array([-1, 1, 0, -1, 1])
    table = ledger_rows({("rf", "none"): BASE, ("rf", "smote"): BASE + gain, ("rf", "rus"): BASE[::-1]})
    alone = corrected_tests.corrected_difference(gain, 1 / 4)
    assert 0.025 < alone.p_value < 0.05
    some = with_neutral(table, {"none": 0, "smote": 0, "rus": np.nan})
    assert comparisons.compare_samplers(some[some["sampler"] != "rus"])["verdict_tie_neutral"].tolist() == ["helps"]
    assert comparisons.compare_samplers(some)["verdict_tie_neutral"].tolist() == ["undecided", None]


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["helps", "helps"], "supported"),
        (["helps", "harms"], "refuted"),
        (["helps", "equivalent"], "not supported"),
        (["undecided", "undecided"], "not supported"),
    ],
)
def test_claim_verdict_supports_a_claim_only_against_every_rival(verdicts, expected):
    assert verdicts_module.claim_verdict(pd.DataFrame({"verdict": verdicts})) == expected


def test_resampled_average_precision_with_weights_of_one_is_the_average_precision():
    ranks = np.array([1, 3, 4, 10, 200])
    (score,) = bootstrap.resampled_average_precision(ranks, np.ones((1, 5), dtype=int))
    assert score == pytest.approx(metrics.average_precision(ranks))


def test_resampled_average_precision_takes_weights_as_repeated_rows():
    rng = np.random.default_rng(0)
    y_true = rng.permutation(np.arange(60) < 12)
    y_score = rng.normal(size=60) + y_true
    ranks, positions = metrics.ranks_of_positives(y_true, y_score)
    weights = rng.integers(0, 4, size=(20, 12))
    for score, copies in zip(bootstrap.resampled_average_precision(ranks, weights), weights, strict=True):
        rows = np.r_[np.flatnonzero(~y_true), np.repeat(positions, copies)]
        repeated, _ = metrics.ranks_of_positives(y_true[rows], y_score[rows])
        assert score == pytest.approx(metrics.average_precision(repeated))


def test_resampled_average_precision_of_a_draw_without_any_fraud_is_zero():
    scores = bootstrap.resampled_average_precision(np.array([1, 2]), np.array([[0, 0], [2, 0]]))
    assert scores.tolist() == [0, 1]


@pytest.mark.parametrize(("n_negatives", "n_positives", "shift"), [(1500, 80, 2), (3000, 15, 2), (250, 200, 1)])
def test_interval_of_ranks_covers_what_it_says(n_negatives, n_positives, shift):
    rng = np.random.default_rng(0)
    y_true = np.repeat([0, 1], [n_negatives, n_positives])

    def draw_ranks():
        return metrics.ranks_of_positives(y_true, rng.normal(shift * y_true))[0]

    truth = np.mean([metrics.average_precision(draw_ranks()) for _ in range(1000)])
    intervals = [bootstrap.interval_of_ranks(draw_ranks(), n_draws=300) for _ in range(200)]
    assert 0.88 <= np.mean([low <= truth <= high for low, high in intervals]) <= 0.99


def test_draw_negatives_vary_as_those_of_resampled_rows():
    ranks = np.array([1, 5, 6, 46])  # 0, 3, 0 and 39 negatives between the positives
    drawn = bootstrap.draw_negatives(ranks, 20_000, np.random.default_rng(0))
    np.testing.assert_allclose(drawn.mean(axis=0), [0, 3, 3, 42], rtol=0.02)
    np.testing.assert_allclose(drawn.var(axis=0), [0, 3, 3, 42], rtol=0.05)
    assert (drawn[:, 1] == drawn[:, 2]).all()


def test_draw_negatives_of_two_repeats_give_their_mean_the_variance_of_one():
    rng = np.random.default_rng(0)
    repeats = [bootstrap.draw_negatives([41], 20_000, rng, n_repeats=2) for _ in range(2)]
    assert np.mean(repeats, axis=0).var() == pytest.approx(40, rel=0.05)


def test_interval_of_ranks_repeats_with_its_seed():
    ranks = np.array([1, 3, 4, 10, 200])
    first, second, third = (bootstrap.interval_of_ranks(ranks, n_draws=200, seed=seed) for seed in (0, 0, 1))
    assert first == second != third
    assert first[0] < metrics.average_precision(ranks) < first[1]


def test_bootstrap_means_are_the_means_over_folds_with_an_interval_around():
    table = ranked_table()
    means = bootstrap.bootstrap_means(table, n_draws=300).set_index("sampler")
    assert means["mean"].to_dict() == pytest.approx(table.groupby("sampler")["average_precision"].mean().to_dict())
    assert (means["low"] < means["mean"]).all() and (means["mean"] < means["high"]).all()
    assert means.index.tolist() == ["none", "smote"] and set(means["n_folds"]) == {3}


def test_bootstrap_means_use_the_same_draws_for_every_method():
    table = ranked_table()
    same = table[table["sampler"] == "none"].assign(sampler="copy")
    means = bootstrap.bootstrap_means(pd.concat([table, same]), n_draws=100).set_index("sampler")
    assert means.loc["copy", ["low", "high"]].tolist() == means.loc["none", ["low", "high"]].tolist()


def test_bootstrap_means_draw_a_fraud_equally_often_in_every_repeat():
    single = ranked_table(n_folds=1)
    two = pd.concat([single, single.assign(repeat=1)])
    columns = ["mean", "low", "high"]
    once, twice = (bootstrap.bootstrap_means(table, n_draws=4000)[columns] for table in (single, two))
    np.testing.assert_allclose(once, twice, atol=0.02)


def test_bootstrap_draws_follow_a_fraud_wherever_it_is_ranked():
    fields = {"model": "rf", "sampler": "none", "fold": 0, "average_precision": 0.51, "ranks": [1, 100]}
    orders = ([7, 9], [9, 7])  # one fraud is ranked first in the first repeat, the other in the second
    table = pd.DataFrame({**fields, "repeat": repeat, "positives": order} for repeat, order in enumerate(orders))
    (means,) = bootstrap.bootstrap_means(table, n_draws=100).itertuples()
    assert 0.5 < means.low <= means.high < 0.52


PAIR = (("rf", "smote"), ("rf", "none"))


def test_bootstrap_differences_draw_the_same_frauds_for_both():
    table = ranked_table(n_folds=2)
    ((low, high),) = bootstrap.bootstrap_differences(table, [PAIR], n_draws=400, seed=3)
    frauds = np.unique(np.concatenate(table["positives"].to_list()))
    rng = np.random.default_rng(3)
    draws = []
    for copies in rng.multinomial(len(frauds), np.full(len(frauds), 1 / len(frauds)), size=400):
        scores = {}
        for row in table.itertuples():
            weights = copies[np.searchsorted(frauds, row.positives)][None]
            scores.setdefault(row.sampler, []).append(bootstrap.resampled_average_precision(row.ranks, weights)[0])
        draws.append(np.mean(scores["smote"]) - np.mean(scores["none"]))
    assert (low, high) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])), abs=1e-12)


def test_bootstrap_differences_of_a_method_and_its_copy_are_zero():
    table = ranked_table()
    copy = table[table["sampler"] == "none"].assign(sampler="copy")
    pairs = [(("rf", "copy"), ("rf", "none")), PAIR]
    same, other = bootstrap.bootstrap_differences(pd.concat([table, copy]), pairs, n_draws=100)
    assert tuple(same) == (0, 0)
    assert other[0] < other[1]


def test_bootstrap_differences_are_narrower_by_pairing():
    table = ranked_table()
    ((low, high),) = bootstrap.bootstrap_differences(table, [PAIR])
    means = bootstrap.bootstrap_means(table)
    apart = np.sqrt(((means["high"] - means["low"]) ** 2).sum())  # as if the two had been drawn independently
    assert high - low < 0.9 * apart


def test_bootstrap_differences_use_the_folds_that_both_have():
    table = ranked_table()
    missing = table[~((table["sampler"] == "smote") & (table["fold"] == 2))]
    worse = missing.assign(ranks=missing["ranks"] + 1000 * (missing["fold"] == 2))
    first, second = (bootstrap.bootstrap_differences(rows, [PAIR], n_draws=200) for rows in (missing, worse))
    np.testing.assert_array_equal(first, second)
    assert (bootstrap.bootstrap_differences(table, [PAIR], n_draws=200) != first).all()


def test_bootstrap_differences_turn_around_with_the_pair_and_repeat_with_the_seed():
    table = ranked_table()
    forth, back = bootstrap.bootstrap_differences(table, [PAIR, PAIR[::-1]], n_draws=200)
    assert tuple(forth) == pytest.approx(tuple(-back[::-1]))
    again = bootstrap.bootstrap_differences(table, [PAIR], n_draws=200)[0]
    other = bootstrap.bootstrap_differences(table, [PAIR], n_draws=200, seed=1)[0]
    assert tuple(again) == tuple(forth) != tuple(other)


def test_with_alert_metrics_takes_budgets_per_day():
    table = ranked_table()
    row = summaries.with_alert_metrics(table).iloc[0]
    assert row["precision_at_100"] == metrics.precision_at(row["ranks"], 50, row["n_rows"])
    assert row["precision_at_500"] == metrics.precision_at(row["ranks"], 250, row["n_rows"])
    assert row["recall_at_p90"] == metrics.recall_at_precision(row["ranks"], 0.9)


def test_with_alert_metrics_bounds_a_budget_by_the_number_of_rows():
    table = summaries.with_alert_metrics(ranked_table(n_rows=200, n_frauds=40))
    assert (table["precision_at_100"] == [metrics.precision_at(ranks, 50, 200) for ranks in table["ranks"]]).all()
    assert (table["precision_at_500"] == 40 / 200).all()


@pytest.mark.parametrize("days", [None, np.nan, 0.0])
def test_summarise_has_no_alerts_a_day_without_time(days):
    summary = summaries.summarise(ranked_table().assign(days=days))
    assert not [name for name in summary if "alerts a day" in name]
    assert summary["AP"].notna().all()


def test_summarise_leaves_out_a_budget_of_more_alerts_than_rows():
    table = ranked_table(n_rows=200, n_frauds=40)  # of half a day
    budgets = [name for name in summaries.summarise(table) if "alerts a day" in name]
    assert budgets == ["Precision at 100 alerts a day"]


def test_summarise_gives_the_mean_of_every_metric():
    table = ranked_table()
    summary = summaries.summarise(table)
    assert summary.index.tolist() == [("rf", "none"), ("rf", "smote")]
    rows = summaries.with_alert_metrics(table[table["sampler"] == "smote"])
    expected = rows[["average_precision", "roc_auc", "recall_at_p90", "precision_at_100", "precision_at_500"]].mean()
    assert summary.loc[("rf", "smote")].tolist() == pytest.approx([*expected, 0.01, 0.02])


def test_lead_over_the_model_alone_says_what_a_single_fold_adds():
    scores = {("rf", "none"): [0.5, 0.5, 0.5, 0.5], ("rf", "smote"): [0.56, 0.51, 0.51, 0.50]}
    lead = summaries.lead_over_model_alone(ledger_rows(scores), ("rf", "smote"))
    assert lead == pytest.approx({"mean": 0.02, "largest_share": 0.75, "without_largest": 0.02 / 3})
    behind = summaries.lead_over_model_alone(ledger_rows(scores), ("rf", "none"))
    assert behind["mean"] == 0 and np.isnan(behind["largest_share"])
    single = summaries.lead_over_model_alone(
        ledger_rows({pair: row[:1] for pair, row in scores.items()}), ("rf", "smote")
    )
    assert single["largest_share"] == 1 and np.isnan(single["without_largest"])


def test_summarise_has_the_tie_neutral_mean_where_every_fold_has_it():
    table = ranked_table().assign(average_precision_tie_neutral=[0.1, 0.2, 0.3, 0.4, 0.5, np.nan])
    summary = summaries.summarise(table)
    assert list(summary)[:2] == ["AP", "AP, ties neutral"]
    assert summary.loc[("rf", "none"), "AP, ties neutral"] == pytest.approx(0.3)
    assert np.isnan(summary.loc[("rf", "smote"), "AP, ties neutral"])
    assert "AP, ties neutral" not in summaries.summarise(table.assign(average_precision_tie_neutral=None))


def variants_table(**scores):
    """Five folds of each variant with the given scores."""
    rows = [
        {"variant": name, "repeat": 0, "fold": fold, "split": SPLIT, "score": score}
        for name, values in scores.items()
        for fold, score in enumerate(values)
    ]
    return pd.DataFrame(rows)


def test_compare_variants_pairs_fold_by_fold():
    table = variants_table(default=[1, 2, 3, 4, 5], better=[1.5, 2.5, 3.5, 4.5, 5.5], mixed=[0, 3, 2, 5, 5])
    effects = comparisons.compare_variants(table, ["score"]).set_index("variant")
    assert effects.loc["default", "median"] == 3
    assert np.isnan(effects.loc["default", "mean"])
    assert tuple(effects.loc["better", ["mean", "low", "high"]]) == pytest.approx((0.5, 0.5, 0.5))
    expected = corrected_tests.corrected_difference([-1, 1, -1, 1, 0], 0.25)
    assert tuple(effects.loc["mixed", ["low", "high"]]) == pytest.approx((expected.low, expected.high))


def test_compare_variants_names_a_missing_reference():
    with pytest.raises(ValueError, match="no variant 'default'"):
        comparisons.compare_variants(variants_table(other=[1, 2]), ["score"])


def test_rank_samplers_ranks_within_model_and_fold():
    table = ledger_rows(
        {
            ("lr", "none"): [0.1, 0.5],
            ("lr", "rus"): [0.2, 0.3],
            ("lr", "smote"): [0.3, 0.4],
            ("rf", "none"): [0.9, 0.8],
            ("rf", "rus"): [0.8, 0.7],
            ("rf", "smote"): [0.8, 0.6],
        }
    )
    ranks = summaries.rank_samplers(table).set_index("sampler")
    assert ranks["mean_rank"].to_dict() == {"none": 1.5, "smote": 2.125, "rus": 2.375}
    assert ranks["first"].to_dict() == {"none": 0.75, "smote": 0.25, "rus": 0.0}
    assert set(ranks["n_rankings"]) == {4}
    # Table 5 of Demšar (2006): 2.343 for three methods at 0.05.
    assert ranks["critical_difference"].iloc[0] == pytest.approx(2.343 * np.sqrt(3 * 4 / (6 * 4)), abs=1e-3)
    assert ranks["near_best"].all()


def test_rank_samplers_takes_only_a_sampler_far_behind_as_not_near_the_best():
    rng = np.random.default_rng(0)
    close = rng.random(20)
    table = ledger_rows({("rf", "none"): close, ("rf", "smote"): rng.permutation(close), ("rf", "rus"): close - 1})
    ranks = summaries.rank_samplers(table).set_index("sampler")
    assert ranks["near_best"].to_dict() == {"none": True, "smote": True, "rus": False}


def test_rank_samplers_needs_every_sampler():
    table = ledger_rows({("rf", "none"): [0.5, 0.6, 0.7], ("rf", "smote"): [0.6, 0.7, None]})
    assert set(summaries.rank_samplers(table)["n_rankings"]) == {2}
    with pytest.raises(ValueError, match="1 sampler"):
        summaries.rank_samplers(table[table["sampler"] == "none"])
    apart = ledger_rows({("rf", "none"): [0.5], ("lr", "smote"): [0.6]})
    with pytest.raises(ValueError, match="2 sampler"):
        summaries.rank_samplers(apart)


def test_ratio_differences_are_paired_with_no_resampling_and_keep_the_order():
    rng = np.random.default_rng(0)
    rows = []
    for sampler, setting, shift in [("none", "none", 0), ("smote", "x1", -1), ("smote", "balanced", -20)]:
        for fold in range(3):
            ranks = np.sort(rng.permutation(60)[:10] + 21 + shift)
            rows.append(
                {
                    "sampler": sampler,
                    "setting": setting,
                    "model": "lr",
                    "repeat": 0,
                    "fold": fold,
                    "ranks": ranks.tolist(),
                    "positives": list(range(10 * fold, 10 * fold + 10)),
                    "n_rows": 1000,
                    "average_precision": metrics.average_precision(ranks),
                    "split": SPLIT,
                }
            )
    differences = comparisons.ratio_differences(pd.DataFrame(rows))
    assert differences[["sampler", "ratio"]].to_numpy().tolist() == [["smote", "x1"], ["smote", "balanced"]]
    assert (differences["low"] <= differences["mean"]).all() and (differences["mean"] <= differences["high"]).all()
    assert differences["mean"].iloc[1] > differences["mean"].iloc[0]
    ordered = comparisons.ratio_differences(pd.DataFrame(rows), ["balanced", "x1"])
    assert (
        ordered["ratio"].tolist() == ["balanced", "x1"]
        and ordered["mean"].tolist() == differences["mean"].tolist()[::-1]
    )


def test_select_verdicts_keeps_what_was_adjusted_over_the_family():
    columns = ["model", "sampler", "mean", "low", "high", "adjusted_p", "verdict", "n_folds"]
    family = pd.DataFrame(
        [("rf", name, 0.0, -0.1, 0.1, p, "undecided", 10) for name, p in (("smote", 0.3), ("rus", 1.0))]
        + [("ann", "smote", 0.0, -0.1, 0.1, 1.0, "undecided", 5)],
        columns=columns,
    )
    selected = comparisons.select_verdicts(family, ["none", "smote"], ("rf", "xgb"))
    assert selected.columns.tolist() == columns[:-1]
    assert selected[["model", "sampler", "adjusted_p"]].to_numpy().tolist() == [["rf", "smote", 0.3]]


def test_compare_variants_is_nan_for_a_figure_that_fewer_than_two_folds_have():
    nan = np.nan
    table = variants_table(default=[1, nan, nan, 4, 5], other=[2, 3, 4, nan, nan])
    effects = comparisons.compare_variants(table, ["score"]).set_index("variant")
    assert effects.loc["other", "median"] == 3 and effects.loc["other", ["mean", "low", "high"]].isna().all()
