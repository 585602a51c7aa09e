"""The recorded numbers that README, paper and pages read; see `numbers.record`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path

from utils.benchmark.records import RecordError, from_json

SECTIONS = {  # attribute of `Numbers`: section of numbers.json
    "eda": "01_eda",
    "comparison": "07_comparison",
    "final": "08_final_model",
    "scarcity": "09_scarcity",
    "other_tables": "10_many_tables",
}
CREDITCARD_ONLY = ("scarcity", "other_tables")  # chapters that the study of a table of one's own does not have


class NumbersError(ValueError):
    """README, paper and pages cannot be generated from the recorded numbers; the message says why."""


@dataclass(frozen=True)
class Estimate:
    """A mean average precision, or a difference of two, with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class PairEstimate(Estimate):
    """The estimate of a pair."""

    model: str
    sampler: str

    @property
    def pair(self) -> tuple[str, str]:
        """Model and sampler."""
        return self.model, self.sampler


@dataclass(frozen=True)
class PairMean(PairEstimate):
    """Mean average precision of a pair over the development folds."""

    n_folds: int


@dataclass(frozen=True)
class SamplerDifference(PairEstimate):
    """Difference of a sampler from no resampling with the same model.

    Attributes
    ----------
    verdict : str
        See `verdicts.verdict`.
    detectable : float
        The smallest difference that could have been detected.
    share_unused : float
        Share of the folds on which the sampler left the rows as they are.
    verdict_tie_neutral : str or None
        The verdict on the average precision that counts ties neutrally; None if some rows lack it.
    holds_tie_neutral : bool or None
        Whether it is the same verdict.
    """

    verdict: str
    detectable: float
    share_unused: float = field(default=0.0, kw_only=True)
    verdict_tie_neutral: str | None = field(default=None, kw_only=True)
    holds_tie_neutral: bool | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class ModelDifference(PairEstimate):
    """Difference of a model without sampler to another pair."""

    against: str
    verdict: str


@dataclass(frozen=True)
class Rival(Estimate):
    """Difference of the pair of the claim to a pair that is credibly better."""

    against: str
    adjusted_p: float


@dataclass(frozen=True)
class ClaimResult:
    """Result on the claim that a random forest with CGAN is best.

    Attributes
    ----------
    verdict : {'supported', 'not supported', 'refuted'}
    best : (str, str)
        Model and sampler with the highest mean.
    against_best : PairEstimate
        Difference of the pair of the claim to the best pair.
    refuted_by : list of Rival
    """

    verdict: str
    best: tuple[str, str]
    against_best: PairEstimate
    refuted_by: list[Rival]


@dataclass(frozen=True)
class RatioCount:
    """Number of folds on which the search chose a ratio for a pair."""

    model: str
    sampler: str
    ratio: str
    n_folds: int


@dataclass(frozen=True)
class Tuned(Estimate):
    """Difference of a model with searched settings to the same model with others, without resampling."""

    model: str
    against: str
    verdict: str


@dataclass(frozen=True)
class SearchGain:
    """Inner average precision of the best and of the median setting of a model, as means over the folds."""

    model: str
    best: float
    median: float


@dataclass(frozen=True)
class Step:
    """A level or a step in the replica of the original study; see `fault_decomposition.effects`."""

    name: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class SeedSpread:
    """How far the mean of a pair moves with the seed of its search; see `analysis.seed_differences`."""

    model: str
    sampler: str
    ratio: str
    spread: float


@dataclass(frozen=True)
class RecordedDataset:
    """The dataset behind the numbers."""

    name: str
    sha256: str | None


@dataclass(frozen=True)
class Comparison:
    """Numbers of chapter 7; `folds` is the number of folds per model, `samplers` and `models` are labels by name.

    Differences and the claim are there twice: with a tuned ratio, and with equal classes. So are the steps of the
    replica: with scikit-learn's average precision, and with that of this study.
    """

    profile: str
    dataset: RecordedDataset
    folds: dict[str, int]
    samplers: dict[str, str]
    models: dict[str, str]
    means: list[PairMean]
    differences: list[SamplerDifference]
    equal_differences: list[SamplerDifference]
    alone: list[ModelDifference]
    claim: ClaimResult
    equal_claim: ClaimResult
    ratios: list[RatioCount]
    tuned: list[Tuned]
    search: list[SearchGain]
    waterfall: list[Step] = field(default_factory=list)
    waterfall_own_metric: list[Step] = field(default_factory=list)
    seeds: list[SeedSpread] = field(default_factory=list)


@dataclass(frozen=True)
class Eda:
    """Numbers of chapter 1."""

    prevalence: float


@dataclass(frozen=True)
class Choice:
    """The final model's label."""

    label: str


@dataclass(frozen=True)
class TestScore:
    """The final model's average precision on the test set."""

    average_precision: float
    interval: tuple[float, float]
    ledger_key: str


@dataclass(frozen=True)
class Scoring:
    """A final model that was scored on the test set, and the time (ISO 8601)."""

    label: str
    average_precision: float
    finished: str


@dataclass(frozen=True)
class Final:
    """Numbers of chapter 8; `scorings` are ordered from the oldest."""

    choice: Choice
    test: TestScore
    scorings: list[Scoring]


@dataclass(frozen=True)
class RecordedLabels:
    """Labels by name."""

    samplers: dict[str, str]
    models: dict[str, str]


@dataclass(frozen=True)
class ScarcitySize:
    """Numbers of training frauds of the experiment as text, 'all' the last."""

    levels: list[str]


@dataclass(frozen=True)
class FraudGain(Estimate):
    """What a step to more training frauds is worth without resampling; see `analysis.gains_of_frauds`."""

    model: str
    level: str
    before: str


@dataclass(frozen=True)
class ScarcityDifference(SamplerDifference):
    """Difference of a sampler from another with the same model, at a number of training frauds."""

    level: str


@dataclass(frozen=True)
class ScarcityTrend(Estimate):
    """Change of a sampler's difference when the training frauds are doubled; see `analysis.scarcity_trends`."""

    model: str
    sampler: str
    adjusted_p: float


@dataclass(frozen=True)
class GeneratorDifference(ScarcityDifference):
    """Difference of a generator from a simpler sampler, the reference."""

    reference: str


@dataclass(frozen=True)
class Scarcity:
    """Numbers of chapter 9: differences from no resampling, and those of generators from simpler samplers."""

    size: ScarcitySize
    labels: RecordedLabels
    gains: list[FraudGain]
    differences: list[ScarcityDifference]
    trends: list[ScarcityTrend]
    generators: list[GeneratorDifference]


@dataclass(frozen=True)
class MeasuredTables:
    """Number of tables, datasets judged beside them, and number of the families that all of them belong to."""

    number: int
    families: int
    beside: list[str]


@dataclass(frozen=True)
class TablesVerdict:
    """Verdict on a sampler over families of tables; see `over_datasets.verdicts`.

    Attributes
    ----------
    difference : float
        Mean difference from no resampling with the same model.
    hard_tables : str or None
        Verdict without tables on which the model alone is almost perfect.
    """

    model: str
    sampler: str
    difference: float
    verdict: str
    hard_tables: str | None


@dataclass(frozen=True)
class TablesClaim:
    """Verdicts on the claim over families of tables, with a tuned ratio and with equal classes.

    Attributes
    ----------
    best : (str, str)
        Model and sampler with the highest mean with a tuned ratio.
    """

    best: tuple[str, str]
    verdict: str
    equal_verdict: str


@dataclass(frozen=True)
class MeanOverFamilies:
    """Mean average precision of a pair over the families, with the tuned ratio."""

    model: str
    sampler: str
    searched: float


@dataclass(frozen=True)
class OtherTables:
    """Numbers of chapter 10; verdicts with a tuned ratio and with equal classes."""

    tables: MeasuredTables
    labels: RecordedLabels
    means: list[MeanOverFamilies]
    verdicts: list[TablesVerdict]
    equal_verdicts: list[TablesVerdict]
    claim: TablesClaim


@dataclass(frozen=True)
class Numbers:
    """Chapters that README, paper and pages read; None for a chapter that has not run."""

    eda: Eda | None
    comparison: Comparison | None
    final: Final | None
    scarcity: Scarcity | None
    other_tables: OtherTables | None

    @property
    def complete(self) -> bool:
        """Whether all of these chapters have run that every study has."""
        names = [chapter.name for chapter in fields(self) if chapter.name not in CREDITCARD_ONLY]
        return all(getattr(self, name) is not None for name in names)


def read(path: Path) -> Numbers:
    """The numbers in a numbers.json; see `parse`.

    Raises
    ------
    NumbersError
        If there is no such file, it is not what `numbers.record` writes, or a number is missing.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NumbersError(f"There is no {path.name}; run the notebooks, which record it.") from None
    except ValueError as error:
        raise NumbersError(f"{path.name} cannot be read ({error}); delete it, and run the notebooks again.") from None
    if not isinstance(content, dict):
        raise NumbersError(f"{path.name} holds no sections; delete it, and run the notebooks again.")
    return parse(content)


def parse(content: dict[str, object]) -> Numbers:
    """Recorded numbers from the content of a numbers.json.

    Raises
    ------
    NumbersError
        If a chapter did not record a number; the message names it.
    """
    try:
        return from_json(Numbers, {chapter: content.get(section) for chapter, section in SECTIONS.items()})
    except RecordError as error:
        chapter, *path = error.path
        name = "/".join(map(str, (SECTIONS[chapter], *path)))
        if error.is_missing:
            raise NumbersError(f"numbers.json lacks '{name}'; run the notebook that records it.") from None
        raise NumbersError(f"numbers.json: '{name}' is wrong ({error.reason}); run the notebook again.") from None
