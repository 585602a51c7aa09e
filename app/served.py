"""A model that the server answers with: loaded and verified once, then only read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.parsing.records import Batch
from utils.serving import bundle
from utils.serving.bundle import BundleError, FraudModel
from utils.serving.explanations import Explainer
from utils.serving.scorer import Scorer

EXAMPLES = "examples.json"
STATISTICS = "statistics.json"
SCORES = "scores.json"
KINDS = ("fraud", "legitimate")


@dataclass(frozen=True, eq=False)
class Served:
    """A verified model with what the pages show beside it.

    Attributes
    ----------
    model : FraudModel
        Gives the probabilities.
    version : str
        Start of the hash of the model's card, which lists the hashes of its files.
    about : dict
        Label, source, one example of each class by column, the range of each column in training, and a few
        training rows that explanations are relative to (`background`).
    statistics : list of dict
        Plotly figures with title and text; empty if there are none.
    scores : list of dict
        What the study measured of every pair; see `app.building.scores.measured_pairs`.
    """

    model: FraudModel
    version: str
    about: dict[str, Any]
    statistics: list[dict[str, Any]] = field(default_factory=list)
    scores: list[dict[str, Any]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Sampler, model and version; tells apart two models that answered differently."""
        return f"{pair_name(self.model.card)}@{self.version}"

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that a transaction must have."""
        return self.model.raw_columns

    @cached_property
    def scorer(self) -> Scorer:
        """Scores arrays of raw values."""
        return Scorer(self.model)

    @cached_property
    def _explainer(self) -> Explainer:
        return Explainer(self.scorer, np.array(self.about["background"], dtype=float))

    def probability(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated probability of fraud per row of finite values in the order of `columns`."""
        return self.scorer.predict(values)

    def score(self, batch: Batch) -> list[dict[str, Any]]:
        """One entry per row of the batch: probability and decision, or the error."""
        rows = list(batch.values.values())
        probabilities = self.probability(np.array(rows, dtype=float)).tolist() if rows else []
        entries = {row: {"row": row, "error": reason} for row, reason in batch.errors.items()}
        for row, probability in zip(batch.values, probabilities, strict=True):
            decision = "alert" if probability >= self.model.threshold else "pass"
            entries[row] = {"row": row, "probability": probability, "decision": decision}
        return [entries[row] for row in sorted(entries)]

    def explain(self, values: list[list[float]]) -> list[dict[str, Any]]:
        """Why each row has its probability, in log odds.

        Returns
        -------
        list of dict
            `base`, the log odds before anything is known of the row, and `contributions`, a dict of `feature`,
            `value` and `contribution` per column, the largest first; base and contributions add up to the log
            odds of the row's probability.
        """
        return [
            {
                "base": base,
                "contributions": [
                    {"feature": name, "value": value, "contribution": contribution}
                    for contribution, name, value in sorted(
                        zip(contributions, self.columns, row, strict=True), key=lambda entry: -abs(entry[0])
                    )
                ],
            }
            for row, (base, contributions) in zip(values, self._explainer.explain(np.array(values)), strict=True)
        ]

    @property
    def explained_exactly(self) -> bool:
        """Whether reasons are computed rather than estimated, which takes thousands of times longer."""
        return self._explainer.exact

    def unusual(self, values: list[float]) -> list[str]:
        """Columns whose value lies outside the range seen in training."""
        ranges = self.about["ranges"]
        pairs = zip(self.columns, values, strict=True)
        return [name for name, value in pairs if not ranges[name][0] <= value <= ranges[name][1]]

    def describe(self) -> dict[str, Any]:
        """What the API says about the model."""
        return describe(self.version, self.about, self.model.threshold, self.model.card)


def pair_name(card: dict[str, Any]) -> str:
    """Sampler and model that a card names, such as 'cgan+rf'."""
    return "+".join(card.get(role, {}).get("name", "unnamed") for role in ("sampler", "model"))


def scores_of(card: dict[str, Any], pairs: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What was measured of the very model that has this card, told by its ledger key; None if nothing was.

    Another model of the same name, with other parameters or from another run, has other scores.
    """
    key = card.get("ledger_key")
    return next((pair["scores"] for pair in pairs if key in pair.get("keys", ())), None)


def describe(version: str, about: dict[str, Any], threshold: float, card: dict[str, Any]) -> dict[str, Any]:
    """What the API says about a model."""
    return {
        "model": f"{pair_name(card)}@{version}",
        "version": version,
        **{key: about[key] for key in ("label", "source")},
        "threshold": threshold,
        "columns": list(about["ranges"]),
        **{key: about[key] for key in ("ranges", "examples")},
        "card": card,
    }


def describe_folder(folder: Path) -> dict[str, Any]:
    """As `Served.describe`, of a model that need not be loaded for it."""
    saved = bundle.read_card(folder)
    return describe(version_of(folder), read_about(folder), saved["threshold"], saved["card"])


def load_served(folder: Path) -> Served:
    """Load and verify the model in `folder`, and score and explain its own examples, so that it answers at once.

    Raises
    ------
    BundleError
        If anything is missing, was changed, is not trusted, or does not fit together.
    """
    try:
        model = bundle.load(folder)
        statistics, scores = (_read_beside(folder, name) or [] for name in (STATISTICS, SCORES))
        served = Served(model, version_of(folder), read_about(folder), statistics, scores)
        _try_out(served)
    except BundleError:
        raise
    except Exception as error:  # whatever a damaged file makes its reader raise
        reason = error.strerror if isinstance(error, OSError) else repr(error)  # an OSError's text names the folder
        raise BundleError(f"{folder.name} cannot be served ({reason}); run `python -m app.building` again.") from error
    return served


def version_of(folder: Path) -> str:
    """Start of the hash of the card in a model's folder."""
    return hashlib.sha256((folder / bundle.CARD).read_bytes()).hexdigest()[:12]


def read_about(folder: Path) -> dict[str, Any]:
    """What `python -m app.building` wrote beside a model; see `Served.about`."""
    about = _read_beside(folder, EXAMPLES)
    if about is None:
        raise BundleError(f"{folder.name} has no {EXAMPLES}; run `python -m app.building` again.")
    return about


def _read_beside(folder: Path, name: str) -> Any:
    """Content of a JSON file; NaN and infinity, which Python writes and JSON does not know, are None."""
    content = bundle.read_beside(folder, name)
    return None if content is None else json.loads(content, parse_constant=lambda name: None)


def _try_out(served: Served) -> None:
    batch = Batch()
    for kind in KINDS:
        batch.add(served.about["examples"][kind], served.columns)
    for values in batch.values.values():
        served.unusual(values)
    served.describe()
    if any("error" in entry or not 0 <= entry["probability"] <= 1 for entry in served.score(batch)):
        raise BundleError(f"The examples in {EXAMPLES} cannot be scored.")
    # Else whoever asks first for reasons would wait for seconds, while what estimates them is imported and compiled.
    served.explain(list(batch.values.values())[:1])
