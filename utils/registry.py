"""What every entry of a registry, sampler or model, says of itself."""

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
        Key in the registry and name in print.
    build : callable
        Gives an unfitted sampler or classifier; its parameters are those of the registry it is in.
    library : str
        Distribution whose version belongs to the result.
    defaults, space : dict
        Parameters, and the values that a search may try for each.
    in_search : dict
        Most that a parameter may be while a search tries, where the defaults would take too long.
    revision : int
        Raised by hand when code of ours changes what the entry does.
    cost : float
        Seconds of one fit on a development fold, roughly; for the progress bar only.
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
