"""Where things live, which dataset is studied, and how large a run is."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
NOTEBOOKS = ROOT / "notebooks"


@dataclass(frozen=True)
class DatasetConfig:
    """A table with a binary label; the one place to change to study your own file.

    Attributes
    ----------
    path : Path
        CSV or Parquet file.
    label : str
        Column that holds 1 for the rare class and 0 otherwise.
    time : str or None
        Column in seconds from the first row's midnight; it orders the rows, which decides the test set,
        and becomes the hour of day. Without it the file's own order decides.
    amount : str or None
        Column with the value at stake per row, used by the cost figures.
    sha256 : str or None
        Expected hash of the file; None accepts any content.
    """

    path: Path
    label: str = "Class"
    time: str | None = "Time"
    amount: str | None = "Amount"
    sha256: str | None = None

    @property
    def name(self) -> str:
        """Short name that ledger rows carry."""
        return self.path.stem


ULB = DatasetConfig(
    path=DATA / "creditcard.csv",
    sha256="76274b691b16a6c49d3f159c883398e03ccd6d1ee12d9d8ee38f4b4b98551a89",
)
