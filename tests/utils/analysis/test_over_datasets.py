"""Comparisons over many datasets: known answers and the unit of analysis."""

import numpy as np
import pandas as pd
import pytest
from baycomp import SignedRankTest
from scipy.stats import f

from utils.analysis import over_datasets as module
from utils.analysis.over_datasets import traits as traits_module
from utils.analysis.over_datasets import usage
from utils.analysis.over_datasets.signed_rank import SignedRank
from utils.benchmark.equal_classes import EQUAL, SEARCHED
from utils.benchmark.records import Chosen
from utils.samplers.registry import SAMPLERS

RNG = np.random.default_rng(0)
N = 20
NONE = RNG.uniform(0.3, 0.9, N)


def scores_of(**differences):
    """Scores of one model: no resampling, and samplers that differ from it by these amounts on every family."""
    columns = {("lr", "none"): NONE} | {("lr", name): NONE + values for name, values in differences.items()}
    scores = pd.DataFrame(columns, index=[f"family {number}" for number in range(N)])
    return scores.rename_axis(columns=["model", "sampler"])


def test_effects_decide_what_is_clear_and_nothing_else():
    scores = scores_of(
        better=0.05 + RNG.normal(0, 0.01, N),
        worse=-0.05 + RNG.normal(0, 0.01, N),
        same=RNG.normal(0, 0.002, N),
        unclear=RNG.normal(0.005, 0.05, N),
    )
    table = module.effects(module.differences_to(scores)).set_index("sampler")
    assert table["verdict"].to_dict() == {
        "better": "helps",
        "worse": "harms",
        "same": "equivalent",
        "unclear": "undecided",
    }
    np.testing.assert_allclose(table[list(module.OUTCOMES)].sum(axis=1), 1)
    assert table.loc["better", "difference"] == pytest.approx(0.05, abs=0.01)


def test_effects_repeat_with_the_seed_and_hardly_depend_on_it():
    scores = scores_of(unclear=RNG.normal(0.01, 0.02, N))
    first, again, other = (
        module.effects(module.differences_to(scores), seed=seed).iloc[0]["helps"] for seed in (0, 0, 1)
    )
    assert first == again and first == pytest.approx(other, abs=0.02)


def test_effects_mirror_when_the_sign_of_the_difference_changes():
    difference = RNG.normal(0.01, 0.02, N)
    there, back = (module.effects(module.differences_to(scores_of(a=sign * difference))).iloc[0] for sign in (1, -1))
    assert there["helps"] == pytest.approx(back["harms"], abs=0.02)


def test_one_family_of_many_cannot_decide():
    """A huge gain on a single family is no evidence that a sampler helps elsewhere."""
    difference = np.zeros(N)
    difference[0] = 0.5
    assert module.effects(module.differences_to(scores_of(a=difference))).iloc[0]["verdict"] == "equivalent"


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
        ((0.0, 0.06, 0.94), "undecided"),
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
    """Over 14 datasets (Demšar 2006, table 6), CD is 1.25, and F(3, 39) of Iman and Davenport is 3.69, or more with a
    correction for ties.
    """
    demsar = [
        (0.763, 0.768, 0.771, 0.798), (0.599, 0.591, 0.590, 0.569), (0.954, 0.971, 0.968, 0.967),
        (0.628, 0.661, 0.654, 0.657), (0.882, 0.888, 0.886, 0.898), (0.936, 0.931, 0.916, 0.931),
        (0.661, 0.668, 0.609, 0.685), (0.583, 0.583, 0.563, 0.625), (0.775, 0.838, 0.866, 0.875),
        (1.000, 1.000, 1.000, 1.000), (0.940, 0.962, 0.965, 0.962), (0.619, 0.666, 0.614, 0.669),
        (0.972, 0.981, 0.9751, 0.975), (0.957, 0.978, 0.946, 0.970),
    ]  # fmt: skip
    scores = pd.DataFrame(
        demsar, columns=pd.MultiIndex.from_product([["c"], ["c45", "m", "cf", "mcf"]], names=["model", "sampler"])
    )
    table = module.ranks_over_families(scores).set_index("sampler")
    assert table["mean_rank"].round(3).to_dict() == {"mcf": 1.964, "m": 2.0, "cf": 2.893, "c45": 3.143}
    assert table["critical_difference"].iloc[0] == pytest.approx(1.25, abs=0.005)
    assert f.sf(4.5, 3, 39) < table["friedman_p"].iloc[0] < f.sf(3.69, 3, 39)


def test_friedman_p_values_are_adjusted_over_the_models_that_can_be_ranked():
    rng = np.random.default_rng(0)
    both = scores_of(a=rng.normal(size=N), b=rng.normal(1, size=N))
    ranked = module.ranks_over_families(both).groupby("model", sort=False)["adjusted_p"].first()
    (model,) = both.columns.unique("model")
    assert module.friedman_p_values(both).to_dict() == {model: ranked[model]}
    few = both.rename(columns={model: "few"}, level="model")
    few.iloc[1:] = np.nan
    found = module.friedman_p_values(pd.concat([both, few], axis=1))
    assert found[model] == ranked[model] and np.isnan(found["few"])
    assert module.friedman_p_values(few).isna().tolist() == [True]


def test_ranks_of_samplers_that_are_alike_everywhere_are_tied():
    table = module.ranks_over_families(scores_of(a=np.zeros(N), b=np.zeros(N)))
    assert table["mean_rank"].tolist() == [2, 2, 2] and table["friedman_p"].tolist() == [1, 1, 1]


def test_friedmans_p_values_are_adjusted_over_the_models():
    one = scores_of(a=np.full(N, 0.1), b=RNG.normal(0, 0.1, N))
    both = pd.concat([one, one.rename(columns={"lr": "rf"}, level="model")], axis=1)
    table = module.ranks_over_families(both).groupby("model", sort=False).first()
    assert list(table.index) == ["lr", "rf"]
    assert table["adjusted_p"].to_numpy() == pytest.approx(2 * table["friedman_p"].to_numpy())


def test_ranks_need_three_samplers():
    with pytest.raises(ValueError, match="2 samplers on 20 families cannot be ranked"):
        module.ranks_over_families(scores_of(a=np.zeros(N)))


def row_of(dataset, sampler, score, *, ratio=None, fold=0, model="lr", n_added=None):
    """A ledger row of 100 rows of which 10 are positive; an oversampler's ratio adds so many to each of them."""
    n_added = 10 * (ratio or 0) if n_added is None else n_added
    names = {"dataset": dataset, "model": model, "sampler": sampler, "repeat": 0, "fold": fold}
    sizes = {"n_fit": 100 + n_added, "n_fit_positives": 10 + max(n_added, 0)}
    chosen = Chosen({} if ratio is None else {"ratio": ratio}, {})
    return names | sizes | {"average_precision": score, "chosen": chosen}


def test_leads_of_a_pair_are_positive_where_it_is_better():
    leads = module.leads_of(scores_of(a=np.full(N, 0.1), b=np.full(N, 0.3)), ("lr", "a"))
    assert list(leads.columns) == [("lr", "none"), ("lr", "b")]
    np.testing.assert_allclose(leads.mean(), [0.1, -0.2])


def test_effects_leave_out_a_pair_on_a_single_family():
    differences = pd.DataFrame({("lr", "a"): [0.1, np.nan], ("lr", "b"): [0.1, 0.2]})
    assert module.effects(differences)["sampler"].tolist() == ["b"]
    alone = module.effects(differences[[("lr", "a")]])
    assert alone.empty and {"model", "sampler", "verdict"} <= set(alone)


def test_verdicts_stand_where_every_table_is_easy():
    table = many_rows()
    easy = table.assign(average_precision=0.995)
    found = module.verdicts(easy, {name: name for name in table["dataset"]})
    assert found["hard_tables"].isna().all() and (found["difference"] == 0).all()


@pytest.mark.parametrize("spread", [0.005, 0.02, 0.05])
def test_smallest_detectable_difference_is_where_the_verdict_begins(spread):
    differences = pd.Series(np.random.default_rng(1).normal(0.3, spread, N))
    everywhere = pd.Series([True] * N)
    detectable = module.smallest_detectable(differences, has_room=everywhere)
    centred = (differences - differences.mean()).to_numpy()
    beyond, within = (module.decide(module.posterior(centred + detectable + step)) for step in (0.003, -0.003))
    assert (beyond, within) == ("helps", "undecided")
    assert detectable > module.smallest_detectable(differences, has_room=everywhere, margin=0.005)


def test_smallest_detectable_gain_is_larger_where_some_families_cannot_gain():
    differences = pd.Series(np.random.default_rng(1).normal(0, 0.005, N))
    differences[:6] = 0.0
    some = pd.Series([False] * 6 + [True] * (N - 6))
    detectable = module.smallest_detectable(differences, has_room=some)
    assert detectable > module.smallest_detectable(differences, has_room=pd.Series([True] * N))
    moved = differences.to_numpy() + np.where(some, detectable + 0.003 - differences[some].mean(), 0)
    assert module.decide(module.posterior(moved)) == "helps"


def test_nothing_is_detectable_where_families_contradict_each_other_completely_or_none_can_gain():
    everywhere = pd.Series([True] * N)
    assert module.smallest_detectable(pd.Series([-1.0, 1.0]), has_room=everywhere) == 1
    assert module.smallest_detectable(pd.Series([0.0] * N), has_room=~everywhere) == 1


def test_deciding_families_are_those_without_which_the_verdict_falls():
    clear = pd.Series([0.05] * 10, index=list("abcdefghij"))
    assert module.deciding_families(clear) == []
    just = pd.Series([0.05] * 7 + [-0.05], index=list("abcdefgh"))  # helps with a probability of 0.957
    assert module.deciding_families(just) == list("abcdefg")
    assert module.deciding_families(pd.Series([0.05, -0.05] * 5)) == []  # nothing is decided
    fewest = pd.Series([0.05] * 5, index=list("abcde"))
    assert module.decide(module.posterior(fewest.to_numpy())) == "helps"
    assert module.deciding_families(fewest) == list("abcde")  # four families decide nothing


def test_a_few_families_decide_nothing_however_clear_they_are():
    differences = pd.DataFrame({("lr", "few"): [0.2] * 4 + [np.nan], ("lr", "enough"): [0.2] * 5})
    assert module.effects(differences)["verdict"].tolist() == ["undecided", "helps"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (row_of("a", "smote", 0.5, ratio=0), False),
        (row_of("a", "smote", 0.5, ratio=1), True),
        (row_of("a", "borderline", 0.5, ratio="balanced", n_added=0), False),
        (row_of("a", "rus", 0.5, ratio="all", n_added=0), False),
        (row_of("a", "rus", 0.5, ratio=20, n_added=0), False),
        (row_of("a", "rus", 0.5, ratio=5, n_added=-40), True),
        (row_of("a", "tomek", 0.5, n_added=0), False),
        (row_of("a", "tomek", 0.5, n_added=-1), True),
        (row_of("a", "smoteenn", 0.5, ratio=1, n_added=0) | {"n_fit_positives": 12}, True),
        (row_of("a", "class_weight", 0.5, ratio=0, n_added=0), False),
        (row_of("a", "class_weight", 0.5, ratio="balanced", n_added=0), True),
    ],
    ids=[
        "nothing added", "rows added", "no row to add at the border", "all kept", "fewer rows than may be kept",
        "rows dropped", "no link to drop", "a row dropped", "as many added as dropped", "weights of 1", "other weights",
    ],
)  # fmt: skip
def test_changes_rows_compares_with_no_resampling_on_the_same_fold(row, expected):
    others = [
        row_of("a", "none", 0.5),
        row_of("a", "none", 0.5, fold=1, n_added=9),
        row_of("b", "none", 0.5, n_added=7),
    ]
    assert usage.changes_rows(pd.DataFrame([row, *others])).tolist() == [expected, False, False, False]


def test_changes_rows_needs_no_resampling_on_every_fold():
    rows = [row_of("a", "none", 0.5), row_of("a", "smote", 0.5, ratio=1, fold=1)]
    with pytest.raises(KeyError):
        usage.changes_rows(pd.DataFrame(rows))


def test_samplers_that_weigh_rows_are_those_of_the_registry():
    assert set(usage.WEIGHTED) == {name for name, entry in SAMPLERS.items() if entry.weighted}
    assert {SAMPLERS[name].ratios[0] for name in usage.WEIGHTED} == {0}


def test_a_sampler_that_is_mostly_unused_keeps_a_verdict_that_it_helps_or_harms():
    verdicts = pd.Series(["helps", "harms", "equivalent", "undecided", "undecided"])
    shares = pd.Series([0.9, 0.9, 0.9, 0.9, 0.5])
    expected = ["helps", "harms", module.NOT_USED, module.NOT_USED, "undecided"]
    assert usage.mask_unused(verdicts, shares).tolist() == expected


def test_share_unused_is_over_the_folds_of_all_datasets():
    ratios = {"a": (0, 1), "b": (0, 0)}
    rows = [row_of(name, "smote", 0.5, ratio=ratio, fold=f) for name in ratios for f, ratio in enumerate(ratios[name])]
    rows += [row_of(name, "none", 0.5, fold=fold) for name in ratios for fold in (0, 1)]
    assert module.share_unused(pd.DataFrame(rows)).to_dict() == {("lr", "smote"): 0.75}


@pytest.mark.parametrize("fallback", [["ros: too few positives", None, None], None], ids=["one", "none"])
def test_share_replaced_counts_the_tasks_with_a_fallback(fallback):
    rows = [row_of("a", "smote", 0.5, fold=0), row_of("a", "smote", 0.5, fold=1), row_of("a", "none", 0.5)]
    table = pd.DataFrame(rows) if fallback is None else pd.DataFrame(rows).assign(fallback=fallback)
    expected = {"smote": 0.0 if fallback is None else 0.5, "none": 0.0}
    assert module.share_replaced(table).to_dict() == expected


def test_used_differences_are_paired_over_the_folds_on_which_rows_are_added():
    rows = [
        row_of("a1", "none", 0.4), row_of("a1", "none", 0.5, fold=1), row_of("a2", "none", 0.6),
        row_of("a1", "smote", 0.9, ratio=0), row_of("a1", "smote", 0.7, ratio=1, fold=1),
        row_of("a2", "smote", 0.5, ratio=5), row_of("b", "none", 0.2), row_of("b", "smote", 0.8, ratio=0),
    ]  # fmt: skip
    found = module.used_differences(pd.DataFrame(rows), {"a1": "a", "a2": "a", "b": "b"})
    assert found["lr", "smote"].to_dict() == pytest.approx({"a": 0.05})  # mean of .2 and -.1


def test_without_easy_tables_judges_each_model_by_its_own_scores():
    rows = [
        row_of("a", "none", 0.995), row_of("a", "none", 0.5, model="rf"), row_of("a", "smote", 0.2, ratio=1),
        row_of("a", "smote", 0.9, ratio=1, model="rf"), row_of("b", "none", 0.98),
    ]  # fmt: skip
    kept = module.without_easy_tables(pd.DataFrame(rows))
    assert kept[["dataset", "model", "sampler"]].to_numpy().tolist() == [
        ["a", "rf", "none"], ["a", "rf", "smote"], ["b", "lr", "none"],
    ]  # fmt: skip


def test_hard_differences_keep_the_other_tables_of_a_family():
    rows = [
        row_of("a1", "none", 0.995), row_of("a1", "smote", 0.2, ratio=1),
        row_of("a2", "none", 0.5), row_of("a2", "smote", 0.6, ratio=1),
        row_of("a1", "none", 0.4, model="rf"), row_of("a1", "smote", 0.6, ratio=1, model="rf"),
        row_of("a2", "none", 0.5, model="rf"), row_of("a2", "smote", 0.9, ratio=1, model="rf"),
    ]  # fmt: skip
    differences = usage.hard_differences(pd.DataFrame(rows), {"a1": "a", "a2": "a"})
    assert differences.loc["a"].to_dict() == pytest.approx({("lr", "smote"): 0.1, ("rf", "smote"): 0.3})


def many_rows(n=N):
    """A sampler that helps where it adds rows, one that is hardly used, and an easy table, on as many families."""
    rows = []
    for number in range(n):
        name, none = f"t{number}", 0.995 if number == 0 else 0.3 + 0.02 * number
        rows += [row_of(name, "none", none, model=model) for model in ("lr", "rf")]
        rows.append(row_of(name, "smote", none + 0.05 + 0.001 * number if number else none, ratio=1))
        rows.append(row_of(name, "cgan", none, ratio=1 if number < 6 else 0))
    return pd.DataFrame(rows)


def test_verdicts_say_where_a_sampler_is_not_used_and_what_holds_elsewhere():
    table = many_rows()
    found = module.verdicts(table, {name: name for name in table["dataset"]}).set_index("sampler")
    assert found["verdict"].to_dict() == {"smote": "helps", "cgan": module.NOT_USED}
    assert found["where_used"].to_dict() == {"smote": "helps", "cgan": "equivalent"}
    assert found["hard_tables"].to_dict() == {"smote": "helps", "cgan": "equivalent"}
    assert found["share_unused"].to_dict() == {"smote": 0, "cgan": (N - 6) / N}
    assert found.loc["cgan", "n_deciding"] == 0
    assert found.loc["smote", "n_families"] == N
    assert 0 < found.loc["smote", "detectable"] < 0.05


def test_verdicts_stand_beside_those_that_count_ties_neutrally():
    table = many_rows()
    families = {name: name for name in table["dataset"]}
    assert "tie_neutral" not in module.verdicts(table, families)
    ties = table.assign(average_precision_tie_neutral=table["average_precision"].where(table["sampler"] == "none", 0.1))
    judged = module.verdicts(ties, families).set_index("sampler")
    assert judged.loc["smote", ["verdict", "tie_neutral"]].tolist() == ["helps", "harms"]


def test_verdicts_say_not_used_of_both_ways_to_count_ties():
    table = many_rows()
    ties = table.assign(average_precision_tie_neutral=table["average_precision"])
    judged = module.verdicts(ties, {name: name for name in table["dataset"]}).set_index("sampler")
    assert judged.loc["cgan", ["verdict", "tie_neutral"]].tolist() == [module.NOT_USED] * 2
    assert judged.loc["smote", "tie_neutral"] == "helps"


def test_associations_find_what_an_effect_depends_on_and_adjust_for_their_number():
    table = many_rows()
    table = table[table["dataset"] != "t0"]
    names = table["dataset"].unique()
    number = np.array([int(name[1:]) for name in names])
    traits = pd.DataFrame({"minority": 1000 - number, "columns": RNG.permutation(len(names))}, names)
    found = module.associations(table, traits, {name: name for name in names}).set_index(["model", "sampler", "trait"])
    assert found.loc[("lr", "smote", "minority"), "correlation"] == pytest.approx(-1)
    assert found.loc[("lr", "smote", "difficulty"), "correlation"] == pytest.approx(-1)  # the forest's own score
    assert abs(found.loc[("lr", "smote", "columns"), "correlation"]) < 0.6
    assert (found["adjusted_p"].dropna() >= found["p_value"].dropna()).all()


def test_associations_leave_out_a_trait_that_all_families_share():
    table = many_rows()
    names = table["dataset"].unique()
    traits = pd.DataFrame({"minority": np.arange(len(names)), "columns": 8}, names)
    found = module.associations(table, traits, {name: name for name in names})
    assert "columns" not in set(found["trait"]) and "minority" in set(found["trait"])
    assert found["adjusted_p"].notna().all()


def test_verdicts_count_no_deciding_families_of_a_sampler_that_was_not_used():
    rows = []
    for number in range(5):  # leaving out any one would leave too few
        rows += [row_of(f"t{number}", "none", 0.5), row_of(f"t{number}", "smote", 0.5, ratio=0)]
        rows += [row_of(f"t{number}", "ros", 0.5, ratio=1)]
    table = pd.DataFrame(rows)
    found = module.verdicts(table, {name: name for name in table["dataset"]}).set_index("sampler")
    assert found["verdict"].to_dict() == {"smote": module.NOT_USED, "ros": "equivalent"}
    assert found["n_deciding"].to_dict() == {"smote": 0, "ros": 5}


def test_difficulty_is_judged_by_the_other_models():
    scores = pd.DataFrame([[0.9, 0.2, 0.4]], columns=pd.MultiIndex.from_product([["lr", "rf", "xgb"], ["none"]]))
    assert traits_module.difficulty(scores.rename_axis(columns=["model", "sampler"]), "lr").tolist() == [
        pytest.approx(0.7)
    ]


@pytest.mark.parametrize("seed", range(8))
def test_signed_rank_gives_the_draws_of_baycomp(seed):
    """Also where averages of two differences lie exactly on the margin."""
    rng = np.random.default_rng(seed)
    differences = rng.normal(0.005, 0.02, rng.integers(2, 25)).round(2 + seed % 3)
    options = {"rope": 0.01, "prior": 0.5, "nsamples": 300, "random_state": seed}
    ours, theirs = (test.sample(0 * differences, differences, **options) for test in (SignedRank, SignedRankTest))
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
