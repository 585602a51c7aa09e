"""The entry of a registry: one sampler or one model, and the ranges that its parameters are drawn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Range:
    """Numbers between two bounds, evenly spread or, with `log`, evenly spread in their logarithms.

    Examples
    --------
    >>> Range(0.001, 10, log=True).at(0.5), Range(3, 10, whole=True).at(0.99)
    (0.1, 10)
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def at(self, share: float) -> float:
        """The number below which this share of the range lies, to four digits, so that it can be read and repeated."""
        width = self.high - self.low
        value = self.low * (self.high / self.low) ** share if self.log else self.low + width * share
        return round(value) if self.whole else float(f"{value:.4g}")


Choice = Range | tuple  # of numbers between bounds, or of values


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
    ranges : dict
        What an equal search draws each parameter from; see `utils.benchmark.equal_search`.
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
    ranges: dict[str, Choice] = field(default_factory=dict)
    in_search: dict[str, object] = field(default_factory=dict)
    revision: int = 1
    cost: float = 1.0
