"""The registry of ways to handle imbalance: name -> builder, defaults, search space.

Every entry has the same parameter, `ratio`, a number of rows per fraud. Over-samplers add `ratio` synthetic frauds per
real one, under-samplers keep `ratio` legitimate rows per fraud, and class weights give a fraud the weight `1 + ratio`.
'balanced' makes both classes equal.

See Also
--------
SamplerEntry : The fields of an entry, and how to add one.
utils.models.registry : The registry of classifiers.

References
----------
Chawla, N. V., Bowyer, K. W., Hall, L. O. and Kegelmeyer, W. P. (2002). SMOTE: synthetic minority over-sampling
technique.
He, H., Bai, Y., Garcia, E. A. and Li, S. (2008). ADASYN: adaptive synthetic sampling approach for imbalanced learning.
Xu, L., Skoularidou, M., Cuesta-Infante, A. and Veeramachaneni, K. (2019). Modeling tabular data using conditional GAN.

Examples
--------
>>> from utils.samplers import SAMPLERS, of_families
>>> of_families("under")
['none', 'rus', 'tomek', 'nearmiss']
>>> entry = SAMPLERS["smote"]
>>> entry.label, entry.defaults, entry.space
('SMOTE', {'ratio': 'balanced'}, {'ratio': ['balanced', 20, 5, 1]})
>>> entry.build(0, ratio="balanced")
SMOTE(random_state=0)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from imblearn.combine import SMOTEENN
from imblearn.over_sampling import ADASYN, SMOTE, BorderlineSMOTE, RandomOverSampler
from imblearn.under_sampling import NearMiss, RandomUnderSampler
from numpy.typing import ArrayLike

from utils.registry import Entry
from utils.samplers.cgan.sampler import CGANSampler, GANConfig
from utils.samplers.cleaning import QuickEditedNearestNeighbours, QuickTomekLinks
from utils.samplers.peers import CTGAN_PACKAGES, CTGANSampler, JitterSampler
from utils.samplers.table_peers import ARFSampler, CopulaSampler, TablePeerSampler
from utils.samplers.table_smote import TableSMOTE

Ratio = float | str


def synthetic_per_fraud(y: ArrayLike, *, ratio: float) -> dict[Any, int]:
    """imbalanced-learn's `sampling_strategy` that adds `ratio` rows per minority row."""
    label, count = Counter(y).most_common()[-1]
    return {label: round(count * (1 + ratio))}


def kept_per_fraud(y: ArrayLike, *, ratio: float) -> dict[Any, int]:
    """imbalanced-learn's `sampling_strategy` that keeps `ratio` majority rows per minority row."""
    (majority, available), *_, (_, count) = Counter(y).most_common()
    return {majority: min(available, round(count * ratio))}


def fraud_weight(y: ArrayLike, *, ratio: Ratio) -> float:
    """Class weight of frauds, equivalent to `ratio` additional copies of each."""
    counts = Counter(y)
    return counts[0] / counts[1] if ratio == "balanced" else 1.0 + ratio


def _strategy(rule: Callable, ratio: Ratio) -> Any:
    return "auto" if ratio == "balanced" else partial(rule, ratio=ratio)


@dataclass(frozen=True)
class SamplerEntry(Entry):
    """One way to handle imbalance: `build(seed, **params)` gives an imbalanced-learn sampler, or None for none.

    Parameters
    ----------
    name, label, build, library, defaults, space, in_search, revision, cost
        See :class:`utils.registry.Entry`.
    family : {'control', 'under', 'over', 'generator'}, default='control'
        What it does to the rows: nothing, drop legitimate ones, add frauds near real ones, or add frauds from a
        generator. A generator's rows are independent draws, so a smaller ratio is the same fit with fewer of them.
    weighted : bool, default=False
        Whether the model weights frauds instead; `ratio` is then passed to `fraud_weight`.
    build_table : callable, optional
        Like `build`, for a sampler that takes the columns of a mixed table, before they are encoded. Without it the
        sampler takes the encoded table.
    raw : bool, default=False
        Whether `build_table` is used for tables of numbers, too, before they are scaled.
    fallback : str, default=""
        Sampler to use, with the same ratio, on rows on which this one cannot work, such as too few positives.
    packages : tuple of str, default=()
        Packages that it needs and the default environment lacks.
    only_named : bool, default=False
        Whether it is used only where it is named, and is no part of a grid of all samplers; see `STANDARD`.

    See Also
    --------
    SAMPLERS : The entries of the study.

    Examples
    --------
    A new entry, and the number of rows that its ratios add to 990 legitimate rows and 10 frauds:

    >>> from imblearn.over_sampling import SVMSMOTE
    >>> def build(seed, *, ratio):
    ...     return SVMSMOTE(random_state=seed)
    >>> defaults = {"ratio": "balanced"}
    >>> entry = SamplerEntry("svm", "SVM-SMOTE", build, "imbalanced-learn", defaults=defaults, family="over")
    >>> entry.effect("balanced", [0] * 990 + [1] * 10), entry.effect(5, [0] * 990 + [1] * 10)
    (980, 50)
    """

    family: str = "control"
    weighted: bool = False
    build_table: Callable[..., Any] | None = None
    raw: bool = False
    fallback: str = ""
    packages: tuple[str, ...] = ()
    only_named: bool = False

    def effect(self, ratio: Ratio, y: ArrayLike) -> float:
        """Effect of a ratio on rows with these labels: rows added, legitimate rows kept, or weight of a fraud.

        Ratios with the same effect are the same setting, such as two that would keep more legitimate rows than exist.
        """
        counts = Counter(np.asarray(y).tolist())
        if self.weighted:
            return fraud_weight(y, ratio=ratio)
        if self.family == "under":
            if ratio == ALL:
                return counts[0]
            return counts[1] if ratio == "balanced" else kept_per_fraud(y, ratio=ratio)[0]
        return (counts[0] if ratio == "balanced" else synthetic_per_fraud(y, ratio=ratio)[1]) - counts[1]

    @property
    def ratios(self) -> tuple[Ratio, ...]:
        """Ratios of an equal search; the first one changes nothing. Empty for a sampler without a ratio."""
        grid = UNDERSAMPLING_GRID if self.family == "under" else OVERSAMPLING_GRID
        return grid[:1] + tuple(ratio for ratio in grid if ratio in self.space["ratio"]) if self.space else ()

    def keeps_rows(self, params: dict[str, object]) -> bool:
        """Whether the sampler changes nothing with these parameters."""
        return bool(self.ratios) and params["ratio"] == self.ratios[0]

    def widest(self, ratio: Ratio, y: ArrayLike) -> Ratio:
        """Of `ratio` and those of the search, the one that adds most rows; one fit of a generator serves them all."""
        return max(("balanced", *self.space.get("ratio", ()), ratio), key=lambda other: self.effect(other, y))


def _no_sampler(seed: int, **_: Any) -> None:
    return None


def _undersampler(kind: Callable, seed: int, *, ratio: Ratio, **params: Any) -> Any:
    known = {"random_state": seed} if "random_state" in kind().get_params() else {}  # NearMiss is not random
    return kind(sampling_strategy=_strategy(kept_per_fraud, ratio), **known, **params)


def _oversampler(kind: Callable, seed: int, *, ratio: Ratio, **params: Any) -> Any:
    return kind(sampling_strategy=_strategy(synthetic_per_fraud, ratio), random_state=seed, **params)


def _tomek(seed: int) -> QuickTomekLinks:
    return QuickTomekLinks()


def _smote_enn(seed: int, *, ratio: Ratio) -> SMOTEENN:
    smote = _oversampler(SMOTE, seed, ratio=ratio)
    cleaner = QuickEditedNearestNeighbours(sampling_strategy="all")
    return SMOTEENN(sampling_strategy=smote.sampling_strategy, smote=smote, enn=cleaner)


def _cgan(seed: int, *, ratio: Ratio, **config: Any) -> CGANSampler:
    return _oversampler(CGANSampler, seed, ratio=ratio, config=GANConfig(**config))


ALL = "all"  # the ratio of an under-sampler that keeps every row
OVERSAMPLING_GRID = (0, 1, 5, 20, "balanced")
UNDERSAMPLING_GRID = (ALL, 100, 20, 5, "balanced")
OVERSAMPLING_RATIOS = ["balanced", 20, 5, 1]
UNDERSAMPLING_RATIOS = ["balanced", 5, 20, 100]


def _ratio_entry(name: str, label: str, build: Callable, family: str, **options: Any) -> SamplerEntry:
    """An entry with a ratio, balanced by default."""
    ratios = UNDERSAMPLING_RATIOS if family == "under" else OVERSAMPLING_RATIOS
    known = {"library": "imbalanced-learn", "defaults": {"ratio": "balanced"}, "space": {"ratio": ratios}}
    known["fallback"] = "" if name in ("class_weight", "rus", "ros") else "rus" if family == "under" else "ros"
    return SamplerEntry(name, label, build, family=family, **{**known, **options})


def _peer_entry(name: str, label: str, kind: type[TablePeerSampler], cost: float) -> SamplerEntry:
    """An entry of a generator of another project, which takes tables as they are."""
    build, packages = partial(_oversampler, kind), kind.packages
    options = {"build_table": build, "raw": True, "packages": packages, "only_named": True}
    return _ratio_entry(name, label, build, "generator", library=packages[0], cost=cost, **options)


SAMPLERS: dict[str, SamplerEntry] = {
    entry.name: entry
    for entry in (
        SamplerEntry("none", "No resampling", _no_sampler, "scikit-learn", cost=0.1),
        _ratio_entry("class_weight", "Class weights", _no_sampler, "control", library="scikit-learn", weighted=True),
        _ratio_entry("rus", "Random undersampling", partial(_undersampler, RandomUnderSampler), "under"),
        SamplerEntry("tomek", "Tomek links", _tomek, "imbalanced-learn", family="under"),
        _ratio_entry("nearmiss", "NearMiss", partial(_undersampler, NearMiss), "under"),
        _ratio_entry("ros", "Random oversampling", partial(_oversampler, RandomOverSampler), "over"),
        _ratio_entry(
            "smote", "SMOTE", partial(_oversampler, SMOTE), "over", build_table=partial(_oversampler, TableSMOTE)
        ),
        _ratio_entry("borderline", "Borderline-SMOTE", partial(_oversampler, BorderlineSMOTE), "over"),
        _ratio_entry("adasyn", "ADASYN", partial(_oversampler, ADASYN), "over"),
        SamplerEntry(
            "smoteenn",
            "SMOTE-ENN",
            _smote_enn,
            "imbalanced-learn",
            defaults={"ratio": 20},  # cleaning compares all pairs of rows; 'balanced' takes four times as long
            space={"ratio": [20, 5, 1]},
            family="over",
            fallback="ros",
            cost=45,
        ),
        _ratio_entry("jitter", "Jitter", partial(_oversampler, JitterSampler), "generator", library="numpy"),
        _ratio_entry(
            "cgan",
            "CGAN",
            _cgan,
            "generator",
            library="tensorflow",
            build_table=_cgan,
            in_search={"updates": 500},
            cost=25,
        ),
        _ratio_entry(
            "ctgan",
            "CTGAN",
            partial(_oversampler, CTGANSampler),
            "generator",
            library="ctgan",
            defaults={"ratio": "balanced", "epochs": 300},
            in_search={"epochs": 60},
            packages=CTGAN_PACKAGES,
            cost=30,
        ),
        _peer_entry("arf", "Adversarial random forest", ARFSampler, cost=35),
        _peer_entry("copula", "Gaussian copula", CopulaSampler, cost=15),
    )
}

STANDARD = tuple(name for name, entry in SAMPLERS.items() if not entry.only_named)
LABELS = {name: SAMPLERS[name].label for name in STANDARD}


def of_families(*families: str, among: Iterable[str] = ()) -> list[str]:
    """Names of the samplers of these families, with 'none', in the order of the registry.

    They are among those of `among`, by default of `STANDARD`.
    """
    names = set(among or STANDARD)
    return [name for name, entry in SAMPLERS.items() if name == "none" or (entry.family in families and name in names)]
