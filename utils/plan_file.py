"""The plan of the benchmark with an equal search, `benchmarks/plan.toml`: what it runs, and how it is judged."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar, Literal

from utils.paths import ROOT

PATH = ROOT / "benchmarks" / "plan.toml"
PartName = Literal["creditcard", "tables", "scarcity", "seeds"]


class _Strict:
    """A section whose keys are its fields and nothing else."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}


@dataclass(frozen=True)
class SearchRules(_Strict):
    """How every part of the plan divides rows and chooses settings.

    Attributes
    ----------
    folds : int
        That divide the development set, or all rows of a table.
    inner_folds, held_out : int
        See `config.Search`.
    settings : dict of str to str
        Hash of the list of settings of each model that has one; see `equal_search.fingerprint`.
    """

    folds: int
    inner_folds: int
    held_out: int
    settings: dict[str, str]


@dataclass(frozen=True)
class CreditCardPlan(_Strict):
    """What is measured on the credit-card data.

    Attributes
    ----------
    repeats : int
        Of the folds.
    trials, network_trials : int
        Settings tried for each pair of a classical model, or a network, and a sampler.
    models, samplers, network_samplers, sequence_samplers : tuple of str
        See `config.Profile`.
    equal_classes : tuple of str
        See `config.Search`.
    left_out : dict of str to str
        Models of the registry that are left out, and why.
    """

    repeats: int
    trials: int
    network_trials: int
    models: tuple[str, ...]
    samplers: tuple[str, ...]
    network_samplers: tuple[str, ...]
    sequence_samplers: tuple[str, ...]
    equal_classes: tuple[str, ...]
    left_out: dict[str, str]


@dataclass(frozen=True)
class TablesPlan(_Strict):
    """What is measured on the tables of a role.

    Attributes
    ----------
    role : str
        See `utils.data.tables.Table`.
    number, families : int
        Of the tables with that role.
    assignment : str
        Hash of all tables with their roles; see `utils.data.tables.fingerprint`.
    beside : tuple of str
        Other datasets that are judged with the tables, each a family of its own.
    trials : int
        Settings tried for each pair.
    models, samplers : tuple of str
    equal_classes : tuple of str
        See `config.Search`; the others have no ratio.
    """

    role: str
    number: int
    families: int
    assignment: str
    beside: tuple[str, ...]
    trials: int
    models: tuple[str, ...]
    samplers: tuple[str, ...]
    equal_classes: tuple[str, ...]


@dataclass(frozen=True)
class ScarcityPlan(_Strict):
    """What is measured on the credit-card data when few frauds are known; see `experiments.scarcity`.

    Attributes
    ----------
    levels : tuple of int
        Numbers of training frauds, beside all.
    draws : int
        Of each number, on each fold.
    ratios : tuple
        Rows added per fraud, or their weight.
    samplers : tuple of str
    settings : dict of str to int
        The models, and the position of each one's setting in its list; see `scarcity_settings`.
    """

    levels: tuple[int, ...]
    draws: int
    ratios: tuple[float | str, ...]
    samplers: tuple[str, ...]
    settings: dict[str, int]


@dataclass(frozen=True)
class SeedsPlan(_Strict):
    """Pairs whose whole search on the credit-card data is repeated with other seeds; see `experiments.other_seeds`.

    Attributes
    ----------
    number : int
        Of seeds, with that of the benchmark.
    repeats : int
        Of the folds.
    models, samplers : tuple of str
    """

    number: int
    repeats: int
    models: tuple[str, ...]
    samplers: tuple[str, ...]


@dataclass(frozen=True)
class Comparison(_Strict):
    """How samplers are compared.

    Attributes
    ----------
    metric : str
        Column of the ledger.
    unit : {'family'}
        What the test over datasets takes as independent; see `over_datasets.family_scores`.
    baseline : str
        Sampler that the others are compared with.
    test : str
        The primary test over datasets.
    margin, prior, threshold, draws
        See `over_datasets.effects`.
    equivalence : {'interval', 'two one-sided tests'}
        What shows on one dataset that a difference does not matter.
    """

    metric: str
    unit: Literal["family"]
    baseline: str
    test: str
    margin: float
    prior: float
    threshold: float
    draws: int
    equivalence: Literal["interval", "two one-sided tests"]


@dataclass(frozen=True)
class Rule(_Strict):
    """When a table is excluded, or something else takes the place of a sampler.

    Attributes
    ----------
    kind : {'exclusion', 'fallback'}
    name, text : str
    applied : str
        The object in the code that applies it.
    """

    kind: Literal["exclusion", "fallback"]
    name: str
    text: str
    applied: str


@dataclass(frozen=True)
class Cut(_Strict):
    """What can be dropped if time runs short: these models and samplers of a part, all of them if none is named."""

    what: str
    part: PartName
    models: tuple[str, ...] = ()
    samplers: tuple[str, ...] = ()

    def drops(self, part: str, model: str, sampler: str) -> bool:
        """Whether a pair of a part is dropped."""
        named = (not self.models or model in self.models) and (not self.samplers or sampler in self.samplers)
        return part == self.part and named


@dataclass(frozen=True)
class Plan(_Strict):
    """The plan; its parts are the sections of the file, and `drop_first` is in order.

    Attributes
    ----------
    parameters : dict of str to dict
        See `config.Profile`.
    """

    search: SearchRules
    parameters: dict[str, dict]
    creditcard: CreditCardPlan
    tables: TablesPlan
    scarcity: ScarcityPlan
    seeds: SeedsPlan
    comparison: Comparison
    rules: tuple[Rule, ...]
    drop_first: tuple[Cut, ...]


@cache
def read_plan(path: Path = PATH) -> Plan:
    """The plan in a file.

    Raises
    ------
    pydantic.ValidationError
        If a field is missing, unknown or of the wrong type.
    """
    from pydantic import TypeAdapter  # not needed by what only reads the settings of another profile

    return TypeAdapter(Plan).validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
