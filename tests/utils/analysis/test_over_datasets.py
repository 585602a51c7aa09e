"""Comparisons over many datasets: known answers and the unit of analysis."""

import numpy as np
import pandas as pd
import pytest

from utils.analysis import over_datasets as module
from utils.benchmark.equal_classes import EQUAL, SEARCHED

RNG = np.random.default_rng(0)
N = 20
NONE = RNG.uniform(0.3, 0.9, N)


def scores_of(**differences):
    """Scores of one model: no resampling, and samplers that differ from it by these amounts on every family."""
    columns = {("lr", "none"): NONE} | {("lr", name): NONE + values for name, values in differences.items()}
    return pd.DataFrame(columns, index=[f"family {number}" for number in range(N)])


def test_effects_decide_what_is_clear_and_nothing_else():
    scores = scores_of(
        better=0.05 + RNG.normal(0, 0.01, N),
        worse=-0.05 + RNG.normal(0, 0.01, N),
        same=RNG.normal(0, 0.002, N),
        unclear=RNG.normal(0.005, 0.05, N),
    )
    table = module.effects(scores).set_index("sampler")
    assert table["verdict"].to_dict() == {
        "better": "helps",
        "worse": "harms",
        "same": "equivalent",
        "unclear": "no evidence",
    }
    np.testing.assert_allclose(table[list(module.OUTCOMES)].sum(axis=1), 1)
    assert table.loc["better", "difference"] == pytest.approx(0.05, abs=0.01)


def test_effects_repeat_with_the_seed_and_hardly_depend_on_it():
    scores = scores_of(unclear=RNG.normal(0.01, 0.02, N))
    first, again, other = (module.effects(scores, seed=seed).iloc[0]["helps"] for seed in (0, 0, 1))
    assert first == again and first == pytest.approx(other, abs=0.02)


def test_effects_mirror_when_the_sign_of_the_difference_changes():
    difference = RNG.normal(0.01, 0.02, N)
    there, back = (module.effects(scores_of(a=sign * difference)).iloc[0] for sign in (1, -1))
    assert there["helps"] == pytest.approx(back["harms"], abs=0.02)


def test_one_family_of_many_cannot_decide():
    """A huge gain on a single family is no evidence that a sampler helps elsewhere."""
    difference = np.zeros(N)
    difference[0] = 0.5
    assert module.effects(scores_of(a=difference)).iloc[0]["verdict"] == "equivalent"


def test_with_ratio_keeps_one_kind_and_samplers_that_have_no_other():
    rows = [("none", SEARCHED, 0.1), ("smote", SEARCHED, 0.2), ("smote", EQUAL, 0.3)]
    table = pd.DataFrame(rows, columns=["sampler", "ratio", "average_precision"])
    assert module.with_ratio(table, SEARCHED)["average_precision"].tolist() == [0.1, 0.2]
    assert module.with_ratio(table, EQUAL)["average_precision"].tolist() == [0.1, 0.3]


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        ((0.96, 0.03, 0.01), "harms"),
        ((0.0, 0.95, 0.05), "equivalent"),
        ((0.0, 0.0, 1.0), "helps"),
        ((0.0, 0.06, 0.94), "no evidence"),
    ],
)
def test_decide_needs_the_threshold(probabilities, expected):
    assert module.decide(probabilities) == expected


def test_family_scores_give_every_family_the_same_weight():
    rows = [
        ("a1", 0.2), ("a1", 0.4), ("a2", 0.5), ("b", 0.9),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["dataset", "average_precision"]).assign(model="lr", sampler="none")
    scores = module.family_scores(table, {"a1": "a", "a2": "a", "b": "b"})
    assert scores["lr", "none"].to_dict() == pytest.approx({"a": 0.4, "b": 0.9})  # mean of .3 and .5, not of three


def test_family_scores_leave_out_a_family_of_which_a_pair_lacks_a_table():
    rows = [("a1", "none", 0.2), ("a2", "none", 0.4), ("a1", "smote", 0.3), ("b", "none", 0.5), ("b", "smote", 0.6)]
    table = pd.DataFrame(rows, columns=["dataset", "sampler", "average_precision"]).assign(model="lr")
    scores = module.family_scores(table, {"a1": "a", "a2": "a", "b": "b"})
    assert np.isnan(scores.loc["a", ("lr", "smote")]) and scores.loc["b", ("lr", "smote")] == 0.6


def test_family_scores_name_a_dataset_without_a_family():
    table = pd.DataFrame({"dataset": ["c"], "model": ["lr"], "sampler": ["none"], "average_precision": [0.5]})
    with pytest.raises(KeyError, match="No family is given for c"):
        module.family_scores(table, {"a": "a"})


def test_ranks_over_families_match_the_example_of_demsar():
    """Mean ranks 3.143, 2.000, 2.893, 1.964 over 14 datasets: chi squared 9.28 and CD 1.25 (Demšar 2006, table 6)."""
    demsar = [
        (0.763, 0.768, 0.771, 0.798), (0.599, 0.591, 0.590, 0.569), (0.954, 0.971, 0.968, 0.967),
        (0.628, 0.661, 0.654, 0.657), (0.882, 0.888, 0.886, 0.898), (0.936, 0.931, 0.916, 0.931),
        (0.661, 0.668, 0.609, 0.685), (0.583, 0.583, 0.563, 0.625), (0.775, 0.838, 0.866, 0.875),
        (1.000, 1.000, 1.000, 1.000), (0.940, 0.962, 0.965, 0.962), (0.619, 0.666, 0.614, 0.669),
        (0.972, 0.981, 0.9751, 0.975), (0.957, 0.978, 0.946, 0.970),
    ]  # fmt: skip
    scores = pd.DataFrame(demsar, columns=pd.MultiIndex.from_product([["c"], ["c45", "m", "cf", "mcf"]]))
    table = module.ranks_over_families(scores, "c").set_index("sampler")
    assert table["mean_rank"].round(3).to_dict() == {"mcf": 1.964, "m": 2.0, "cf": 2.893, "c45": 3.143}
    assert table["critical_difference"].iloc[0] == pytest.approx(1.25, abs=0.005)
    assert 0.01 < table["friedman_p"].iloc[0] < 0.05


def test_ranks_need_three_samplers():
    with pytest.raises(ValueError, match="2 samplers on 20 families cannot be ranked"):
        module.ranks_over_families(scores_of(a=np.zeros(N)), "lr")
