"""Claims of the full study: each is checked against its recorded numbers, and against nothing else."""

import copy
import json

import pytest

from utils.config import ULB, load_profile
from utils.reporting import claims
from utils.reporting.claims import CLAIMS, Claim, ClaimError
from utils.reporting.recorded import SECTIONS, NumbersError, parse


def ratio(model: str, sampler: str, name: str, n_folds: int) -> dict:
    return {"model": model, "sampler": sampler, "ratio": name, "n_folds": n_folds}


def numbers_of_the_full_study() -> dict:
    """A small study whose numbers support every claim."""
    verdicts = {("xgb", "nearmiss"): "not used", ("lr", "tomek"): "equivalent", ("rf", "cgan"): "undecided"}
    verdicts |= {(model, sampler): "undecided" for model in ("lr", "rf") for sampler in ("smote", "ros")}
    interval = {"mean": 0.0, "low": -0.02, "high": 0.02}
    differences = [
        {"model": model, "sampler": sampler, **interval, "verdict": verdict, "detectable": 0.03}
        for (model, sampler), verdict in verdicts.items()
    ]
    steps = [
        {"name": name, "mean": low + 0.05, "low": low, "high": low + 0.1}
        for name, low in (("clean", 0.6), ("test overlap", 0.02), ("trapezoid", 0.01), ("as published", 0.8))
    ]
    comparison = {
        "profile": "full",
        "dataset": {"name": "creditcard", "sha256": ULB.sha256},
        "folds": {"rf": 3, "blend": 3},
        "samplers": {"none": "No resampling", "cgan": "CGAN", "nearmiss": "NearMiss"},
        "models": {"lr": "Logistic regression", "rf": "Random forest", "blend": "Blend of trees"},
        "means": [{"model": "rf", "sampler": "cgan", "mean": 0.8, "low": 0.7, "high": 0.9, "n_folds": 3}],
        "alone": [],
        "claim": {
            "verdict": "not supported",
            "best": ["blend", "none"],
            "against_best": {"model": "rf", "sampler": "cgan", **interval},
            "refuted_by": [],
        },
        "equal_claim": {
            "verdict": "not supported",
            "best": ["blend", "none"],
            "against_best": {"model": "rf", "sampler": "cgan", **interval},
            "refuted_by": [],
        },
        "differences": differences,
        "equal_differences": [
            differences[1],
            differences[2] | {"mean": -0.02},
            differences[0] | {"verdict": "harms"},
            differences[0] | {"model": "rf", "sampler": "rus", "verdict": "harms"},
            differences[0] | {"model": "rf", "verdict": "undecided"} | neutral("harms"),
            differences[0] | {"model": "lr", "verdict": "equivalent"} | neutral("undecided"),
        ],
        "tuned": [{"model": "xgb", "against": "xgb + defaults", **interval, "verdict": "undecided"}],
        "search": [{"model": "xgb", "best": 0.8, "median": 0.78}],
        "ratios": [
            ratio("rf", "cgan", "balanced", 0),
            ratio("rf", "cgan", "5", 10),
            ratio("xgb", "smote", "balanced", 1),
            ratio("xgb", "smote", "1", 9),
        ],
        "seeds": [
            {"model": "rf", "sampler": "none", "ratio": "searched", "spread": 0.001},
            {"model": "xgb", "sampler": "none", "ratio": "searched", "spread": 0.012},
        ],
        "waterfall": steps,
        "waterfall_own_metric": [{"name": "test overlap", "mean": 0.05, "low": -0.01, "high": 0.1}],
    }
    scorings = [
        {"label": label, "average_precision": 0.8, "finished": "2026-11-22"} for label in ("first", "second", "third")
    ]
    return {
        "01_eda": {"prevalence": 0.0017},
        "07_comparison": comparison,
        "08_final_model": {
            "choice": {"label": "Blend of trees"},
            "test": {"average_precision": 0.8, "interval": [0.7, 0.9], "ledger_key": "ab"},
            "scorings": scorings,
        },
        "09_scarcity": few_frauds(),
        "10_many_tables": other_tables(),
    }


def neutral(verdict: str) -> dict:
    """Another verdict if ties are counted neutrally."""
    return {"verdict_tie_neutral": verdict, "holds_tie_neutral": False}


def few_frauds() -> dict:
    """Verdicts with few training frauds that support every claim."""

    def row(model: str, sampler: str, level: str, verdict: str) -> dict:
        names = {"model": model, "sampler": sampler, "level": level}
        low = 0.0 if (model, sampler, level) == ("xgb", "cgan", "all") else -0.02  # within the margin only there
        return names | {"mean": 0.001, "low": low, "high": 0.005, "detectable": 0.04, "verdict": verdict}

    levels = ["20", "all"]
    gain = {"model": "xgb", "level": "all", "before": "20", "mean": 0.2, "low": 0.15, "high": 0.25}
    return {
        "size": {"levels": ["20", "40", "80", "160", "all"]},
        "labels": {
            "samplers": {
                "none": "No resampling",
                "class_weight": "Class weights",
                "ros": "Random oversampling",
                "smote": "SMOTE",
                "cgan": "CGAN",
                "ctgan": "CTGAN",
            },
            "models": {"lr": "Logistic regression", "xgb": "XGBoost"},
        },
        "gains": [gain],
        "differences": [
            row(model, sampler, level, "undecided")
            for level in levels
            for sampler in ("smote", "cgan")
            for model in ("lr", "xgb")
        ]
        + [
            row("lr", sampler, level, "undecided")
            for level in ("40", "80", "160")
            for sampler in ("class_weight", "ros", "smote", "cgan")
        ],
        "trends": [
            {"model": "lr", "sampler": "cgan", "mean": 0.001, "low": -0.001, "high": 0.003, "adjusted_p": 0.8},
            {"model": "xgb", "sampler": "cgan", "mean": 0.001, "low": -0.001, "high": 0.003, "adjusted_p": 1.0},
        ],
        "generators": [
            row("lr", "cgan", level, "undecided") | {"reference": reference}
            for reference in ("ros", "smote")
            for level in levels
        ]
        + [row("lr", "ctgan", "80", "harms") | {"reference": reference} for reference in ("ros", "smote")],
    }


def other_tables() -> dict:
    """Verdicts over other tables that support every claim."""

    def row(model: str, sampler: str, verdict: str) -> dict:
        names = {"model": model, "sampler": sampler}
        return names | {"difference": -0.001, "verdict": verdict, "hard_tables": "undecided"}

    return {
        "tables": {"number": 32, "families": 21, "beside": ["creditcard"]},
        "labels": {
            "samplers": {"rus": "Random undersampling", "smote": "SMOTE", "cgan": "CGAN", "ctgan": "CTGAN"},
            "models": {"lr": "Logistic regression", "rf": "Random forest", "xgb": "XGBoost"},
        },
        "means": [
            {"model": "rf", "sampler": sampler, "searched": mean}
            for sampler, mean in {"cgan": 0.8005, "none": 0.8, "smote": 0.79}.items()
        ],
        "verdicts": [
            row("lr", "smote", "equivalent"),
            row("rf", "cgan", "equivalent"),
            row("lr", "ctgan", "undecided") | {"hard_tables": "harms"},
        ],
        "equal_verdicts": [row(model, "rus", "harms") for model in ("lr", "rf", "xgb")] + [row("rf", "smote", "harms")],
        "claim": {"best": ["rf", "cgan"], "verdict": "not supported", "equal_verdict": "not supported"},
    }


@pytest.fixture
def numbers() -> dict:
    return numbers_of_the_full_study()


SCORING = {"label": "only", "average_precision": 0.8, "finished": "2026-11-22"}
# For every number behind a claim: its path, and a value that makes the claim false.
TURNS = [
    ("not_supported", "07_comparison/claim/verdict", "refuted"),
    ("not_supported", "07_comparison/claim/verdict", "supported"),
    ("not_supported", "07_comparison/equal_claim/verdict", "refuted"),
    ("no_gain", "07_comparison/differences/3/verdict", "helps"),
    ("no_gain", "07_comparison/equal_differences/0/verdict", "helps"),
    ("no_gain", "07_comparison/equal_differences/5/verdict_tie_neutral", "helps"),
    ("two_losses", "07_comparison/equal_differences/3/verdict", "equivalent"),
    ("two_losses", "07_comparison/differences/1/verdict", "harms"),
    ("two_losses", "07_comparison/equal_differences/1/verdict", "harms"),
    ("two_losses", "07_comparison/equal_differences/3/holds_tie_neutral", False),
    ("two_losses", "07_comparison/equal_differences/4/verdict_tie_neutral", "undecided"),
    ("two_losses", "07_comparison/equal_differences/5/verdict_tie_neutral", "harms"),
    ("undecided", "07_comparison/differences/2/verdict", "equivalent"),
    ("never_equal", "07_comparison/ratios/0/n_folds", 1),
    ("equal_classes_cost", "07_comparison/equal_differences/1/mean", -0.01),
    ("seeds_matter", "07_comparison/seeds/1/spread", 0.01),
    ("three_scorings", "08_final_model/scorings", [SCORING] * 2),
    ("three_scorings", "08_final_model/scorings", [SCORING] * 4),
    ("original_faults", "07_comparison/waterfall/1/low", 0.0),
    ("original_faults", "07_comparison/waterfall/2/low", -0.01),
    ("original_faults", "07_comparison/waterfall_own_metric/0/low", 0.01),
    ("original_faults", "07_comparison/waterfall_own_metric/0/high", -0.005),
    ("faults_decide", "07_comparison/differences/0/mean", 0.3),
    ("faults_decide", "09_scarcity/differences/0/mean", 0.3),
    ("faults_decide", "07_comparison/waterfall/3/mean", 0.65),
    ("scarcity_no_gain", "09_scarcity/differences/0/verdict", "helps"),
    ("scarcity_no_gain", "09_scarcity/differences/3/verdict", "harms"),
    ("scarcity_boosting", "09_scarcity/differences/1/mean", -0.011),
    ("scarcity_wide", "09_scarcity/differences/1/low", 0.0),
    ("scarcity_frauds", "09_scarcity/gains/0/mean", 0.001),
    ("scarcity_copies", "09_scarcity/differences/9/mean", -0.01),
    ("scarcity_copies", "09_scarcity/differences/15/mean", 0.02),
    ("scarcity_generators", "09_scarcity/generators/1/verdict", "helps"),
    ("scarcity_generators", "09_scarcity/generators/4/verdict", "equivalent"),
    ("scarcity_generators", "09_scarcity/generators/5/verdict", "undecided"),
    ("scarcity_trend", "09_scarcity/trends/1/adjusted_p", 0.04),
    ("scarcity_cgan", "09_scarcity/generators/1/mean", -0.01),
    ("tables_no_gain", "10_many_tables/verdicts/2/verdict", "helps"),
    ("tables_no_gain", "10_many_tables/equal_verdicts/3/verdict", "helps"),
    ("tables_equivalent", "10_many_tables/verdicts/0/verdict", "undecided"),
    ("tables_equivalent", "10_many_tables/verdicts/0/hard_tables", "equivalent"),
    ("tables_hard_losses", "10_many_tables/verdicts/2/hard_tables", "undecided"),
    ("tables_hard_losses", "10_many_tables/verdicts/0/hard_tables", "harms"),
    ("tables_hard_losses", "10_many_tables/verdicts/2/hard_tables", "helps"),
    ("tables_undersampling", "10_many_tables/equal_verdicts/1/verdict", "undecided"),
    ("tables_claim", "10_many_tables/claim/best", ["rf", "smote"]),
    ("tables_claim", "10_many_tables/claim/verdict", "refuted"),
    ("tables_claim", "10_many_tables/means/0/searched", 0.81),
    ("tables_claim", "10_many_tables/claim/equal_verdict", "supported"),
    ("tables_claim", "10_many_tables/verdicts/1/hard_tables", "not used"),
]


def turned(numbers: dict, path: str, value: object) -> dict:
    """The numbers with one of them changed."""
    changed = copy.deepcopy(numbers)
    *steps, last = [int(step) if step.isdecimal() else step for step in path.split("/")]
    here = changed
    for step in steps:
        here = here[step]
    here[last] = value
    return changed


def names_of(failed: list[Claim]) -> list[str]:
    return [claim.name for claim in failed]


def test_stated_gives_every_claim_where_the_numbers_support_it(numbers):
    assert claims.failed(parse(numbers)) == []
    assert claims.stated(parse(numbers)) == {claim.name: claim.sentence for claim in CLAIMS}


@pytest.mark.parametrize(("name", "path", "value"), TURNS)
def test_failed_names_the_claim_of_a_changed_number_and_no_other(numbers, name, path, value):
    changed = turned(numbers, path, value)
    if name == "undecided":  # three of seven are left
        changed = turned(changed, "07_comparison/differences/3/verdict", "equivalent")
    assert names_of(claims.failed(parse(changed))) == [name]
    with pytest.raises(ClaimError, match=f"The claim '{name}' ") as caught:
        claims.stated(parse(changed))
    (claim,) = claims.failed(parse(changed))
    assert repr(claim.value(parse(changed))) in str(caught.value) and f"{claim.relation} {claim.bound!r};" in str(
        caught.value
    )


def test_a_decided_experiment_with_few_frauds_makes_the_claim_that_it_is_undecided_false(numbers):
    for row in numbers["09_scarcity"]["differences"][: len(numbers["09_scarcity"]["differences"]) // 2]:
        row["verdict"] = "equivalent"
    assert names_of(claims.failed(parse(numbers))) == ["scarcity_no_gain"]


def test_claims_have_a_number_each_that_makes_them_false():
    assert {name for name, *_ in TURNS} == {claim.name for claim in CLAIMS}
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("07_comparison/profile", "quick"),
        ("07_comparison/dataset", {"name": "claims", "sha256": "0" * 64}),
        ("07_comparison/dataset", {"name": "claims", "sha256": None}),
    ],
)
def test_stated_is_empty_for_other_profiles_and_tables(numbers, path, value):
    changed = turned(turned(numbers, path, value), "07_comparison/claim/verdict", "refuted")
    assert claims.stated(parse(changed)) == {}


@pytest.mark.parametrize("section", SECTIONS.values())
def test_stated_is_empty_while_a_chapter_is_missing(numbers, section):
    del numbers[section]
    assert claims.stated(parse(numbers)) == {}


@pytest.mark.parametrize(
    ("section", "value"), [("08_final_model", "scorings"), ("07_comparison", "tuned"), ("07_comparison", "dataset")]
)
def test_parse_names_a_number_that_nobody_recorded(numbers, section, value):
    del numbers[section][value]
    with pytest.raises(NumbersError, match=f"lacks '{section}/{value}'; run the notebook that records it"):
        parse(numbers)


def test_stated_names_a_row_that_a_claim_needs_and_nobody_recorded(numbers):
    numbers["07_comparison"]["waterfall"] = []
    with pytest.raises(ClaimError, match=r"'original_faults' .* not recorded; run the notebooks"):
        claims.stated(parse(numbers))


def test_failed_is_empty_for_the_committed_numbers():
    numbers = json.loads(load_profile("full").numbers.read_text())
    assert claims.asserted(parse(numbers)), "run the notebooks"
    assert names_of(claims.failed(parse(numbers))) == []
