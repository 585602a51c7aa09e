"""Settings that the search of a final model chose, on disk, so that it can be fitted again without the search."""

from __future__ import annotations

import json
from pathlib import Path

from utils.benchmark.records import Chosen, from_json, to_json
from utils.files import write_text


def read_settings(path: Path) -> Chosen | None:
    """The settings in a file; None if there is no such file, or it holds something else."""
    try:
        return from_json(Chosen, json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def write_settings(path: Path, chosen: Chosen) -> None:
    """Save the settings, completely or not at all."""
    write_text(path, json.dumps(to_json(chosen), indent=1, sort_keys=True) + "\n")
