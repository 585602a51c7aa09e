"""The registry of ways to handle imbalance: name -> builder, defaults, search space.

Every entry speaks the same language, `ratio`: rows per fraud. For a method that adds rows it is how many
synthetic frauds join each real one, for one that removes rows how many legitimate rows are kept per fraud,
for class weights how much heavier a fraud counts; 'balanced' makes both classes equal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from imblearn.over_sampling import SMOTE
from imblearn.under_sampling import RandomUnderSampler
from numpy.typing import ArrayLike

from utils.cgan import CGANSampler, GANConfig
from utils.registry import Entry

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
    """Weight of a fraud that has the effect of `ratio` more copies of it."""
    counts = Counter(y)
    return counts[0] / counts[1] if ratio == "balanced" else 1.0 + ratio


def _strategy(rule: Callable, ratio: Ratio) -> Any:
    return "auto" if ratio == "balanced" else partial(rule, ratio=ratio)


@dataclass(frozen=True)
class SamplerEntry(Entry):
    """One way to handle imbalance: `build(seed, **params)` gives an imbalanced-learn sampler, or None for none.

    Attributes
    ----------
    weighted : bool
        Whether the model weighs frauds instead; then `ratio` goes to `fraud_weight`.
    """

    weighted: bool = False


def _no_sampler(seed: int, **_: Any) -> None:
    return None


def _undersampler(seed: int, *, ratio: Ratio) -> RandomUnderSampler:
    return RandomUnderSampler(sampling_strategy=_strategy(kept_per_fraud, ratio), random_state=seed)


def _smote(seed: int, *, ratio: Ratio, k_neighbors: int = 5) -> SMOTE:
    strategy = _strategy(synthetic_per_fraud, ratio)
    return SMOTE(sampling_strategy=strategy, k_neighbors=k_neighbors, random_state=seed)


def _cgan(seed: int, *, ratio: Ratio, **config: Any) -> CGANSampler:
    strategy = _strategy(synthetic_per_fraud, ratio)
    return CGANSampler(sampling_strategy=strategy, config=GANConfig(**config), random_state=seed)


OVERSAMPLING_RATIOS = [1, 5, 20, "balanced"]
UNDERSAMPLING_RATIOS = ["balanced", 5, 20, 100]

SAMPLERS: dict[str, SamplerEntry] = {
    entry.name: entry
    for entry in (
        SamplerEntry("none", "No resampling", _no_sampler, "scikit-learn", cost=0.1),
        SamplerEntry(
            "class_weight",
            "Class weights",
            _no_sampler,
            "scikit-learn",
            defaults={"ratio": "balanced"},
            space={"ratio": OVERSAMPLING_RATIOS},
            weighted=True,
            cost=0.1,
        ),
        SamplerEntry(
            "rus",
            "Random undersampling",
            _undersampler,
            "imbalanced-learn",
            defaults={"ratio": "balanced"},
            space={"ratio": UNDERSAMPLING_RATIOS},
        ),
        SamplerEntry(
            "smote",
            "SMOTE",
            _smote,
            "imbalanced-learn",
            defaults={"ratio": "balanced"},
            space={"ratio": OVERSAMPLING_RATIOS},
        ),
        SamplerEntry(
            "cgan",
            "CGAN",
            _cgan,
            library="tensorflow",
            defaults={"ratio": "balanced"},
            space={"ratio": OVERSAMPLING_RATIOS},
            cost=20,
        ),
    )
}

LABELS = {name: entry.label for name, entry in SAMPLERS.items()}
