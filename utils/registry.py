"""The entry of a registry: one sampler or one model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One method of the study.

    Attributes
    ----------
    name, label : str
        Key in the registry, and name in tables and figures.
    build : callable
        Returns an unfitted sampler or classifier; the registry says with which parameters it is called.
    library : str
        Distribution whose version is recorded with the result.
    defaults, space : dict
        Parameters, and the values that a search may try for each.
    in_search : dict
        Upper limits of parameters during a search, where the defaults would take too long.
    revision : int
        Raised by hand when a change in this project's code changes what the entry does.
    cost : float
        Approximate seconds of one fit on a development fold; used only for the progress bar.
    """

    name: str
    label: str
    build: Callable[..., Any]
    library: str
    defaults: dict[str, object] = field(default_factory=dict)
    space: dict[str, list] = field(default_factory=dict)
    in_search: dict[str, object] = field(default_factory=dict)
    revision: int = 1
    cost: float = 1.0
