"""Claims of README, paper and pages about the full study of the ULB file, checked against the recorded numbers."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from utils.analysis.corrected_tests import ALPHA
from utils.config import MARGIN, ULB
from utils.reporting.recorded import Numbers, NumbersError, SamplerDifference, TablesVerdict

Recorded = TypeVar("Recorded")
RELATIONS = {"=": operator.eq, "<": operator.lt, ">": operator.gt}


class ClaimError(NumbersError):
    """A claim is false; the message names it, the recorded value and the bound."""


@dataclass(frozen=True)
class Claim:
    """A sentence, the query of the recorded numbers that supports it, and the bound that the result must satisfy.

    Attributes
    ----------
    name : str
        Name by which README, paper and pages use it.
    sentence : str
        Plain text, the same everywhere.
    query : callable
        Returns the value behind the sentence from the recorded numbers.
    relation : {'=', '<', '>'}
        Required relation of the value to the bound.
    bound : object
        Bound that the value is compared with.
    """

    name: str
    sentence: str
    query: Callable[[Numbers], object]
    relation: str
    bound: object

    def value(self, numbers: Numbers) -> object:
        """The value behind the sentence; ClaimError if it is not recorded."""
        try:
            return self.query(numbers)
        except LookupError:
            message = f"The claim {self.name!r} ('{self.sentence}') needs a number that is not recorded"
            raise ClaimError(f"{message}; run the notebooks that record it.") from None

    def holds(self, numbers: Numbers) -> bool:
        """Whether the recorded numbers support the sentence."""
        return RELATIONS[self.relation](self.value(numbers), self.bound)


def find(rows: list[Recorded], **values: str) -> Recorded:
    """The first row whose attributes have these values; LookupError if there is none."""
    for row in rows:
        if all(getattr(row, name) == value for name, value in values.items()):
            return row
    raise LookupError(f"There is no row of {values}.")


def _with_verdict(numbers: Numbers, verdict: str) -> tuple[list[str], list[str]]:
    """Pairs with this verdict, with the tuned ratio and with equal classes; and those with it only if ties are neutral.

    A pair that has the verdict only as long as ties count against the model is in the first list, marked as such.
    """
    kinds = {"": numbers.comparison.differences, ", equal classes": numbers.comparison.equal_differences}
    reached, neutral = [], []
    for kind, rows in kinds.items():
        for row in rows:
            pair, lost = f"{row.model} + {row.sampler}{kind}", row.holds_tie_neutral is False
            if row.verdict == verdict:
                reached.append(f"{pair}, not with neutral ties" if lost else pair)
            elif lost and row.verdict_tie_neutral == verdict:
                neutral.append(pair)
    return sorted(reached), sorted(neutral)


def _undecided_share(rows: Sequence[SamplerDifference]) -> float:
    return sum(row.verdict == "undecided" for row in rows) / len(rows)


def _folds_with_equal_classes(numbers: Numbers) -> int:
    return find(numbers.comparison.ratios, model="rf", sampler="cgan", ratio="balanced").n_folds


def _cost_of_equal_classes(numbers: Numbers) -> float:
    """How far the mean of the random forest with CGAN is lower with equal classes than with the tuned ratio."""
    kinds = numbers.comparison.differences, numbers.comparison.equal_differences
    tuned, equal = (find(rows, model="rf", sampler="cgan").mean for rows in kinds)
    return tuned - equal


def _clear_gains_of_faults(numbers: Numbers) -> tuple[bool, bool]:
    """Whether both faults raise the score clearly, and whether the overlap may not by this study's own metric."""
    comparison = numbers.comparison
    gains = [find(comparison.waterfall, name=name).low > 0 for name in ("test overlap", "trapezoid")]
    own = find(comparison.waterfall_own_metric, name="test overlap")
    return all(gains), own.low <= 0 <= own.high


def _lead_of_faults(numbers: Numbers) -> float:
    """What the two faults add together, less the largest mean difference of a sampler from no resampling."""
    steps = numbers.comparison.waterfall
    faults = find(steps, name="as published").mean - find(steps, name="clean").mean
    compared = (
        *numbers.comparison.differences,
        *numbers.comparison.equal_differences,
        *numbers.scarcity.differences,
    )
    return faults - max(row.mean for row in compared)


def _decided_with_few_frauds(numbers: Numbers) -> list[str]:
    rows = numbers.scarcity.differences
    return [f"{row.model} + {row.sampler}, {row.level}" for row in rows if row.verdict in ("helps", "harms")]


def _largest_shift_of_boosting(numbers: Numbers) -> float:
    return max(abs(row.mean) for row in numbers.scarcity.differences if row.model == "xgb")


def _decided_generators(numbers: Numbers) -> list[str]:
    return [
        f"{row.verdict}: {row.model} + {row.sampler} against {row.reference}, {row.level}"
        for row in numbers.scarcity.generators
        if row.verdict in ("helps", "harms")
    ]


def _share_of_wide_intervals(numbers: Numbers) -> float:
    rows = [row for row in numbers.scarcity.differences if row.model == "xgb"]
    return sum(row.low <= -MARGIN or row.high >= MARGIN for row in rows) / len(rows)


def _least_lead_of_more_frauds(numbers: Numbers) -> float:
    """What the least of the steps to more frauds is worth to XGBoost, less what any sampler is."""
    least = min(row.mean for row in numbers.scarcity.gains if row.model == "xgb")
    return least - max(row.mean for row in numbers.scarcity.differences if row.model == "xgb")


def _least_lead_of_plain_weight(numbers: Numbers) -> float:
    """Least lead of class weights and random oversampling over SMOTE and CGAN with logistic regression, 40 to 160."""
    rows = numbers.scarcity.differences

    def mean(sampler: str, level: str) -> float:
        return find(rows, model="lr", sampler=sampler, level=level).mean

    return min(
        mean(plain, level) - mean(drawn, level)
        for level in ("40", "80", "160")
        for plain in ("class_weight", "ros")
        for drawn in ("smote", "cgan")
    )


def _pairs_over_tables(rows: list[TablesVerdict], verdict: str) -> list[str]:
    return [f"{row.model} + {row.sampler}" for row in rows if row.verdict == verdict]


def _least_share_of_equivalences(numbers: Numbers) -> float:
    """Lower of two shares: of pairs that are equivalent, and of these, of those that are not without easy tables."""
    rows = numbers.other_tables.verdicts
    equivalent = [row for row in rows if row.verdict == "equivalent"]
    fallen = [row for row in equivalent if row.hard_tables != "equivalent"]
    return min(len(equivalent) / len(rows), len(fallen) / max(1, len(equivalent)))


def _claim_over_tables(numbers: Numbers) -> tuple[object, ...]:
    """The best pair and whether it leads by less than 0.001; verdicts on the claim, and on CGAN for the forest.

    The last two are those over all tables and without easy ones.
    """
    section = numbers.other_tables
    forest = find(section.verdicts, model="rf", sampler="cgan")
    claim = section.claim
    first, second = sorted((row.searched for row in section.means), reverse=True)[:2]
    return claim.best, first - second < 0.001, claim.verdict, claim.equal_verdict, forest.verdict, forest.hard_tables


CLAIMS = (
    Claim(
        "not_supported",
        "The claim that a random forest with CGAN oversampling is the best model is not supported, with a "
        "tuned ratio or with equal classes.",
        lambda numbers: (numbers.comparison.claim.verdict, numbers.comparison.equal_claim.verdict),
        "=",
        ("not supported", "not supported"),
    ),
    Claim(
        "no_gain",
        "No way of handling imbalance makes any model credibly better, with a tuned ratio or with equal classes.",
        lambda numbers: _with_verdict(numbers, "helps"),
        "=",
        ([], []),
    ),
    Claim(
        "two_losses",
        "The only credible losses against no resampling come with equal classes: random undersampling harms the random "
        "forest, and NearMiss harms XGBoost and, if ties are counted neutrally, the random forest; each model keeps "
        "the settings that were searched at other ratios.",
        lambda numbers: _with_verdict(numbers, "harms"),
        "=",
        (["rf + rus, equal classes", "xgb + nearmiss, equal classes"], ["rf + nearmiss, equal classes"]),
    ),
    Claim(
        "undecided",
        "Most comparisons with a tuned ratio are undecided.",
        lambda numbers: _undecided_share(numbers.comparison.differences),
        ">",
        0.5,
    ),
    Claim(
        "never_equal",
        "For the random forest with CGAN the search never chose equal classes, the choice of the original study.",
        _folds_with_equal_classes,
        "=",
        0,
    ),
    Claim(
        "equal_classes_cost",
        "With equal classes the mean of the random forest with CGAN is more than 0.01 below that with the ratio that "
        "the search chose, a difference of means that is not tested.",
        _cost_of_equal_classes,
        ">",
        MARGIN,
    ),
    Claim(
        "seeds_matter",
        "Another seed for the whole search moves the mean of some pairs by more than 0.01 on the same folds.",
        lambda numbers: max((row.spread for row in numbers.comparison.seeds), default=0.0),
        ">",
        MARGIN,
    ),
    Claim(
        "three_scorings",
        "The test set has been scored for three final models.",
        lambda numbers: len(numbers.final.scorings),
        "=",
        3,
    ),
    Claim(
        "original_faults",
        "In a replication of the original protocol, training rows among the test rows raise the score, and so "
        "does the trapezoidal rule; with ties broken against the model, as elsewhere in this study, "
        "the interval of the former includes zero.",
        _clear_gains_of_faults,
        "=",
        (True, True),
    ),
    Claim(
        "faults_decide",
        "Together the faults of the original protocol add more to the score than any sampler adds to any model on the "
        "credit-card data.",
        _lead_of_faults,
        ">",
        0,
    ),
    Claim(
        "scarcity_no_gain",
        "With 20 to 160 training frauds, or all of them, no way of resampling is found to help or harm logistic "
        "regression, XGBoost or the ANN; most of these comparisons are undecided.",
        lambda numbers: (_decided_with_few_frauds(numbers), _undecided_share(numbers.scarcity.differences) > 0.5),
        "=",
        ([], True),
    ),
    Claim(
        "scarcity_boosting",
        "With XGBoost, no sampler moves the mean average precision by as much as 0.01.",
        _largest_shift_of_boosting,
        "<",
        MARGIN,
    ),
    Claim(
        "scarcity_wide",
        "Most of these intervals reach beyond 0.01, so most samplers are not shown to be equivalent to none.",
        _share_of_wide_intervals,
        ">",
        0.5,
    ),
    Claim(
        "scarcity_frauds",
        "The mean of XGBoost gains more from doubling the known frauds than from any sampler; these gains are not "
        "tested against each other.",
        _least_lead_of_more_frauds,
        ">",
        0,
    ),
    Claim(
        "scarcity_copies",
        "With logistic regression and 40 to 160 frauds, class weights and random oversampling have means as high as "
        "those of SMOTE and CGAN, or at most 0.001 lower.",
        _least_lead_of_plain_weight,
        ">",
        -0.001,
    ),
    Claim(
        "scarcity_trend",
        "No sampler is found to be worth more where frauds are fewer: no change with their number is significant after "
        "the adjustment for the number of pairs.",
        lambda numbers: min(row.adjusted_p for row in numbers.scarcity.trends),
        ">",
        ALPHA,
    ),
    Claim(
        "scarcity_generators",
        "Neither CGAN nor CTGAN is found to be ahead of random oversampling or of SMOTE; with logistic regression and "
        "80 frauds, CTGAN is credibly behind both.",
        _decided_generators,
        "=",
        ["harms: lr + ctgan against ros, 80", "harms: lr + ctgan against smote, 80"],
    ),
    Claim(
        "scarcity_cgan",
        "The means with CGAN and with random oversampling differ by less than 0.01 everywhere.",
        lambda numbers: max(
            abs(row.mean) for row in numbers.scarcity.generators if (row.sampler, row.reference) == ("cgan", "ros")
        ),
        "<",
        MARGIN,
    ),
    Claim(
        "tables_no_gain",
        "Over the families of tables no way of handling imbalance is found to help any of the three models, with a "
        "tuned ratio or with equal classes.",
        lambda numbers: (
            _pairs_over_tables(numbers.other_tables.verdicts, "helps")
            + _pairs_over_tables(numbers.other_tables.equal_verdicts, "helps")
        ),
        "=",
        [],
    ),
    Claim(
        "tables_equivalent",
        "With a tuned ratio, most pairs of a model and a sampler are equivalent to the model alone, but most of "
        "these verdicts do not stand without the easiest tables.",
        _least_share_of_equivalences,
        ">",
        0.5,
    ),
    Claim(
        "tables_hard_losses",
        "Without the easiest tables, CTGAN harms logistic regression with a tuned ratio, too.",
        lambda numbers: [
            f"{row.hard_tables}: {row.model} + {row.sampler}"
            for row in numbers.other_tables.verdicts
            if row.hard_tables in ("helps", "harms") and row.verdict != row.hard_tables
        ],
        "=",
        ["harms: lr + ctgan"],
    ),
    Claim(
        "tables_undersampling",
        "Making the classes equal by random undersampling harms all three models.",
        lambda numbers: [
            pair for pair in _pairs_over_tables(numbers.other_tables.equal_verdicts, "harms") if pair.endswith("+ rus")
        ],
        "=",
        ["lr + rus", "rf + rus", "xgb + rus"],
    ),
    Claim(
        "tables_claim",
        "Over the families of tables the claim is not supported either: with a tuned ratio, a random forest with CGAN "
        "has the highest mean of all pairs, by less than 0.001, but it is equivalent to the forest alone, and "
        "undecided without the easiest tables.",
        _claim_over_tables,
        "=",
        (("rf", "cgan"), True, "not supported", "not supported", "equivalent", "undecided"),
    ),
)


def asserted(numbers: Numbers) -> bool:
    """Whether these are numbers of a complete run of the full profile on the ULB file, which alone states claims."""
    comparison = numbers.comparison
    is_whole = numbers.complete and None not in (numbers.scarcity, numbers.other_tables)
    return is_whole and comparison.dataset.sha256 == ULB.sha256 and comparison.profile == "full"


def failed(numbers: Numbers) -> list[Claim]:
    """Claims that the recorded numbers do not support."""
    return [claim for claim in CLAIMS if not claim.holds(numbers)]


def stated(numbers: Numbers) -> dict[str, str]:
    """Sentences, by name, that README, paper and pages may state.

    Parameters
    ----------
    numbers : Numbers

    Returns
    -------
    dict of str to str
        Every claim's sentence for the full study of the ULB file. Empty for the quick profile, for another table, or
        if a section is missing; the text is then generated from the results.

    Raises
    ------
    ClaimError
        If the study states its claims and one of them is false.
    """
    if not asserted(numbers):
        return {}
    for claim in failed(numbers):
        raise ClaimError(
            f"The claim {claim.name!r} ('{claim.sentence}') is false: the recorded value {claim.value(numbers)!r} is "
            f"not {claim.relation} {claim.bound!r}; correct the sentence in utils/reporting/claims.py."
        )
    return {claim.name: claim.sentence for claim in CLAIMS}
