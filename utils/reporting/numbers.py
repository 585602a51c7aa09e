"""Numbers in the paper, the README and the pages; notebooks record them."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from utils.config import Profile
from utils.files import write_text

# Names of the recorded numbers of chapter 1, from when it knew of card payments only: they stay what they are.
RECORDED_AS = {"01_eda": {"positives": "frauds", "positive_rates": "fraud_rates"}}


def record(profile: Profile, section: str, values: dict[str, object]) -> dict[str, object]:
    """Replace one section of the profile's numbers.json and return it; a lock makes concurrent notebooks wait.

    Parameters
    ----------
    profile : Profile
        Profile that the numbers belong to.
    section : str
        The notebook's name, so that the origin of every number is known.
    values : dict
        Numbers, strings, pairs (low, high), dicts, or frames, which become lists of records; NaN becomes null.

    Raises
    ------
    ValueError, TypeError
        If a value is infinite or cannot be written as JSON; the file is not changed.
    """
    content = _renamed({name: _to_json(value) for name, value in values.items()}, RECORDED_AS.get(section, {}))
    profile.numbers.parent.mkdir(parents=True, exist_ok=True)
    with _lock_folder(profile.numbers.parent):
        numbers = json.loads(profile.numbers.read_text()) if profile.numbers.exists() else {}
        numbers[section] = content
        write_text(profile.numbers, json.dumps(dict(sorted(numbers.items())), indent=1, allow_nan=False) + "\n")
    return content


def _renamed(content: object, names: dict[str, str]) -> object:
    """JSON content with other names in its objects."""
    if isinstance(content, dict):
        return {names.get(name, name): _renamed(value, names) for name, value in content.items()}
    return [_renamed(value, names) for value in content] if isinstance(content, list) else content


@contextmanager
def _lock_folder(folder: Path) -> Iterator[None]:
    """Hold an exclusive lock on a folder; other processes wait for it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _to_json(value: object) -> object:
    if isinstance(value, pd.DataFrame):
        return [{name: _to_json(cell) for name, cell in row.items()} for row in value.to_dict("records")]
    if isinstance(value, dict):
        return {str(name): _to_json(cell) for name, cell in value.items()}
    if isinstance(value, (tuple, list, np.ndarray)):
        return [_to_json(cell) for cell in value]
    if isinstance(value, (float, np.floating)):
        if np.isnan(value):
            return None
        return round(float(value), 6) if abs(value) >= 1e-3 else float(f"{value:.4g}")
    return value.item() if isinstance(value, np.generic) else value
