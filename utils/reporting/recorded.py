"""What README, paper and pages read of the numbers that notebooks record; see `numbers.record`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path

from pydantic import ValidationError

from utils.benchmark.records import from_json

SECTIONS = {  # attribute of `Numbers`: section of numbers.json
    "eda": "01_eda",
    "baselines": "02_baselines",
    "smote": "04_smote",
    "comparison": "07_comparison",
    "final": "08_final_model",
}


class NumbersError(ValueError):
    """README, paper and pages cannot be made from the recorded numbers; one sentence says why."""


@dataclass(frozen=True)
class Estimate:
    """A mean average precision, or a difference of two, with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class PairEstimate(Estimate):
    """That of a pair."""

    model: str
    sampler: str

    @property
    def pair(self) -> tuple[str, str]:
        """Model and sampler."""
        return self.model, self.sampler


@dataclass(frozen=True)
class PairMean(PairEstimate):
    """Mean over the development folds of a pair."""

    n_folds: int


@dataclass(frozen=True)
class SamplerDifference(PairEstimate):
    """A sampler against no resampling under the same model.

    Attributes
    ----------
    verdict : str
        See `verdicts.verdict`.
    detectable : float
        The smallest difference that could have been detected.
    """

    verdict: str
    detectable: float


@dataclass(frozen=True)
class ModelDifference(PairEstimate):
    """A model that takes no sampler against another pair."""

    against: str
    verdict: str


@dataclass(frozen=True)
class RatioEffect(PairEstimate):
    """A sampler at one ratio against no resampling under the same model."""

    ratio: str


@dataclass(frozen=True)
class Rival(Estimate):
    """The claimed pair against one that is credibly better."""

    against: str
    adjusted_p: float


@dataclass(frozen=True)
class ClaimResult:
    """What came of the claim that a random forest with CGAN is best.

    Attributes
    ----------
    verdict : {'supported', 'not supported', 'refuted'}
    best : (str, str)
        Model and sampler with the highest mean.
    against_best : PairEstimate
        The claimed pair against it.
    set_apart : bool
        Whether the best pair takes no part in the verdict.
    refuted_by : list of Rival
    """

    verdict: str
    best: tuple[str, str]
    against_best: PairEstimate
    set_apart: bool
    refuted_by: list[Rival]


@dataclass(frozen=True)
class RatioCount:
    """On how many folds the search chose a ratio for a pair."""

    model: str
    sampler: str
    ratio: str
    n_folds: int


@dataclass(frozen=True)
class Boosted(Estimate):
    """XGBoost without resampling at the setting of the blend's boosted trees.

    Attributes
    ----------
    behind_best : float
        By how much its mean is lower than the highest one.
    ahead_of_it : list of str
        Samplers with which XGBoost has a higher mean.
    """

    behind_best: float
    ahead_of_it: list[str]


@dataclass(frozen=True)
class Step:
    """A level or a step of the replica of the original study; see `fault_decomposition.effects`."""

    name: str
    low: float


@dataclass(frozen=True)
class RecordedDataset:
    """The dataset that the numbers are about."""

    name: str
    sha256: str | None


@dataclass(frozen=True)
class Comparison:
    """What chapter 7 records; `folds` counts those of each model, `samplers` and `models` are labels by name."""

    profile: str
    dataset: RecordedDataset
    folds: dict[str, int]
    samplers: dict[str, str]
    models: dict[str, str]
    means: list[PairMean]
    differences: list[SamplerDifference]
    alone: list[ModelDifference]
    claim: ClaimResult
    ratios: list[RatioCount]
    boosted: Boosted
    waterfall: list[Step] = field(default_factory=list)


@dataclass(frozen=True)
class Search:
    """Share of the folds on which the search of a pair kept the defaults."""

    model: str
    sampler: str
    kept: float


@dataclass(frozen=True)
class Eda:
    """What chapter 1 records."""

    prevalence: float


@dataclass(frozen=True)
class Baselines:
    """What chapter 2 records; `few_folds` says which folds the studies of few folds have."""

    searches: list[Search]
    few_folds: str


@dataclass(frozen=True)
class Smote:
    """What chapter 4 records."""

    ratios: list[RatioEffect]


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
    """A final model that was scored on the test set, and when (ISO 8601)."""

    label: str
    average_precision: float
    finished: str


@dataclass(frozen=True)
class Final:
    """What chapter 8 records; `scorings`, the oldest first."""

    choice: Choice
    test: TestScore
    scorings: list[Scoring]


@dataclass(frozen=True)
class Numbers:
    """Chapters that README, paper and pages read; None for one that has not run."""

    eda: Eda | None
    baselines: Baselines | None
    smote: Smote | None
    comparison: Comparison | None
    final: Final | None

    @property
    def complete(self) -> bool:
        """Whether all of these chapters have run."""
        return all(getattr(self, chapter.name) is not None for chapter in fields(self))


def read(path: Path) -> Numbers:
    """The numbers in a numbers.json; see `parse`."""
    return parse(json.loads(path.read_text()))


def parse(content: dict[str, object]) -> Numbers:
    """Recorded numbers from the content of a numbers.json.

    Raises
    ------
    NumbersError
        Names a number that a chapter did not record.
    """
    try:
        return from_json(Numbers, {chapter: content.get(section) for chapter, section in SECTIONS.items()})
    except ValidationError as error:
        chapter, *path = error.errors()[0]["loc"]
        name = ".".join(map(str, (SECTIONS[chapter], *path)))
        raise NumbersError(
            f"numbers.json: {name}: {error.errors()[0]['msg']}; run the notebook that records it."
        ) from None
