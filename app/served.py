"""The model that the server answers with: loaded and verified once, then only read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from app.records import Batch
from utils import bundle
from utils.bundle import BundleError, FraudModel

EXAMPLES = "examples.json"
STATISTICS = "statistics.json"
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
        Label, source, one example of each class by column, and the range of each column in training.
    statistics : list of dict
        Plotly figures with title and text; empty if there are none.
    """

    model: FraudModel
    version: str
    about: dict[str, Any]
    statistics: list[dict[str, Any]]

    @property
    def name(self) -> str:
        """Sampler, model and version; tells apart two models that answered differently."""
        parts = [self.model.card.get(part, {}).get("name", "unnamed") for part in ("sampler", "model")]
        return f"{'+'.join(parts)}@{self.version}"

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that a transaction must have."""
        return self.model.raw_columns

    def score(self, batch: Batch) -> list[dict[str, Any]]:
        """One entry per row of the batch: probability and decision, or the error."""
        entries = {row: {"row": row, "error": reason} for row, reason in batch.errors.items()}
        if batch.values:
            frame = pd.DataFrame(list(batch.values.values()), columns=list(self.columns))
            for row, probability in zip(batch.values, self.model.predict_proba(frame).tolist(), strict=True):
                decision = "alert" if probability >= self.model.threshold else "pass"
                entries[row] = {"row": row, "probability": probability, "decision": decision}
        return [entries[row] for row in sorted(entries)]

    def unusual(self, values: list[float]) -> list[str]:
        """Columns whose value lies outside the range seen in training."""
        ranges = self.about["ranges"]
        pairs = zip(self.columns, values, strict=True)
        return [name for name, value in pairs if not ranges[name][0] <= value <= ranges[name][1]]

    def describe(self) -> dict[str, Any]:
        """What the API says about the model."""
        card = {key: self.model.card[key] for key in ("sampler", "model", "ledger_key") if key in self.model.card}
        return {
            "name": self.name,
            "label": self.about["label"],
            "source": self.about["source"],
            "threshold": self.model.threshold,
            "columns": list(self.columns),
            "ranges": self.about["ranges"],
            "examples": self.about["examples"],
            **({"card": card} if card else {}),
        }


def load_served(folder: Path) -> Served:
    """Load and verify the model in `folder` and score its own examples once.

    Raises
    ------
    BundleError
        If anything is missing, was changed, is not trusted, or does not fit together.
    """
    try:
        model = bundle.load(folder)
        about = json.loads((folder / EXAMPLES).read_text())
        version = hashlib.sha256((folder / bundle.CARD).read_bytes()).hexdigest()[:12]
        statistics = folder / STATISTICS
        figures = json.loads(statistics.read_text()) if statistics.exists() else []
        served = Served(model, version, about, figures)
        _try_out(served)
    except BundleError:
        raise
    except Exception as error:  # whatever a damaged file makes its reader raise
        raise BundleError(f"{folder.name} cannot be served ({error!r}); run `python -m app.model` again.") from error
    return served


def _try_out(served: Served) -> None:
    if not served.model.threshold > 0:
        raise BundleError(f"The threshold {served.model.threshold!r} is not a probability.")
    batch = Batch()
    for kind in KINDS:
        batch.add(served.about["examples"][kind], served.columns)
    for values in batch.values.values():
        served.unusual(values)
    served.describe()
    if any("error" in entry or not 0 <= entry["probability"] <= 1 for entry in served.score(batch)):
        raise BundleError(f"The examples in {EXAMPLES} cannot be scored.")
