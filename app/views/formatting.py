"""Numbers in words, and positions in percent of what the templates draw."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from markupsafe import Markup, escape
from scipy.special import expit

from app.serving.served import Explanation
from utils.wording import metric_text

LOWEST = -6  # exponent of the smallest probability on the scale: one in a million
SPACE = "\N{NO-BREAK SPACE}"  # a number and its unit stay on one line
DIGITS = 2  # decimals of an exact contribution
MAX_DIGITS = 17  # significant ones that tell any two numbers apart
MAX_WHOLE = 1e15  # from here on, whole numbers are too long to read
N_BARS = 10  # contributions that have a bar of their own
TENTH = 0.1  # between two ticks of a score axis


@dataclass(frozen=True)
class Scale:
    """A logarithmic scale of probabilities that ends at 1; positions are in percent of the width.

    Attributes
    ----------
    probability, threshold : float
        Their positions.
    ticks : list of (float, str)
        Position and label of each tick.
    factor : str
        Ratio of a tick to the one before, in words.
    """

    probability: float
    threshold: float
    ticks: list[tuple[float, str]]
    factor: str


def scale(probability: float, threshold: float) -> Scale:
    """The scale on which a probability and a threshold are drawn."""
    smallest = min(probability, threshold, 1e-3)
    low = max(LOWEST, math.floor(math.log10(smallest))) if smallest > 0 else LOWEST
    step = 1 if low > -5 else 2

    def position(value: float) -> float:
        exponent = math.log10(value) if value > 0 else low
        return round(100 * min(max(1 - exponent / low, 0), 1), 2)

    exponents = range(0, low - 1, -step)
    return Scale(
        probability=position(probability),
        threshold=position(threshold),
        ticks=[(position(10.0**power), f"{10.0 ** (power + 2):.{max(0, -2 - power)}f} %") for power in exponents],
        factor="ten" if step == 1 else "a hundred",
    )


@dataclass(frozen=True)
class Bar:
    """The contribution of a column, drawn from the middle to the left (less likely a fraud) or right (more likely).

    Attributes
    ----------
    name : str
    value : float, str or None
        None for the sum of the smallest contributions.
    contribution : float
        In log odds.
    start, width : float
        Of the bar, in percent of the width.
    """

    name: str
    value: float | str | None
    contribution: float
    start: float
    width: float


@dataclass(frozen=True)
class Bars:
    """An explanation as bars; see `Explanation`.

    Attributes
    ----------
    base : float
        The probability that the mean log odds of training rows mean.
    rows : list of Bar
    estimated : bool
        Whether the contributions are estimates.
    digits : int
        Decimals of the contributions.
    """

    base: float
    rows: list[Bar]
    estimated: bool
    digits: int


def bars(explanation: Explanation) -> Bars:
    """The largest contributions as bars, and the others as one."""
    rows = [
        (column.feature, "missing" if column.value is None else column.value, column.contribution)
        for column in explanation.contributions[:N_BARS]
    ]
    if others := explanation.contributions[N_BARS:]:
        rows.append((f"{len(others)} others", None, sum(column.contribution for column in others)))
    largest = max((abs(contribution) for *_, contribution in rows), default=0) or 1
    return Bars(
        base=float(expit(explanation.base)),
        rows=[_bar(*row, largest) for row in rows],
        estimated=explanation.estimated,
        digits=_estimated_digits(largest) if explanation.estimated else DIGITS,
    )


def _estimated_digits(largest: float) -> int:
    """Decimals with which the largest contribution has two significant digits; estimates have no more."""
    return min(max(0, 1 - math.floor(math.log10(largest))), DIGITS)


def _bar(name: str, value: float | str | None, contribution: float, largest: float) -> Bar:
    """The bar of a contribution; the largest contribution takes half the width."""
    width = round(50 * abs(contribution) / largest, 2)
    return Bar(name, value, contribution, 50 if contribution >= 0 else round(50 - width, 2), width)


class Scored(Protocol):
    """A mean average precision with its interval; either is None, or not a number, if it was not measured."""

    @property
    def average_precision(self) -> float | None:
        """The mean."""

    @property
    def interval(self) -> tuple[float | None, float | None] | None:
        """Its ends."""


@dataclass(frozen=True)
class ScoreAxis:
    """A common axis for means with intervals, from `low` to `high` tenths."""

    low: int
    high: int

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Position in percent of the width and label of each tick."""
        return [(self._percent(tenth), f"{tenth * TENTH:.1f}") for tenth in range(self.low, self.high + 1)]

    def position(self, value: float | None) -> float | None:
        """Position of a number in percent of the width; None if it is not a number."""
        return self._percent(value / TENTH) if _is_number(value) else None

    def ends(self, score: Scored) -> list[float] | None:
        """Positions of the ends of an interval; None if there is none."""
        return [self.position(end) for end in score.interval] if _has_interval(score) else None

    def _percent(self, tenths: float) -> float:
        return round(100 * (tenths - self.low) / (self.high - self.low), 2)


def score_axis(scores: Iterable[Scored]) -> ScoreAxis:
    """The axis that shows all of these means and intervals."""
    numbers = [value for score in scores for value in (*(score.interval or ()), score.average_precision)]
    tenths = [round(value / TENTH, 6) for value in numbers if _is_number(value)] or [0, 1 / TENTH]
    low, high = math.floor(min(tenths)), math.ceil(max(tenths))
    if low == high:  # all are one number
        low, high = (low - 1, high) if low > 0 else (low, high + 1)
    return ScoreAxis(low, high)


def _has_interval(score: Scored) -> bool:
    return score.interval is not None and all(map(_is_number, score.interval))


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def percent(probability: float) -> str:
    """A probability for reading: two significant digits, and no false precision at the ends."""
    if probability < 1e-5:
        return f"less than 0.001{SPACE}%"
    if probability > 0.999:
        return f"more than 99.9{SPACE}%"
    return _percent(probability, 2 if probability < 0.9 else 3)


def _percent(probability: float, n_digits: int) -> str:
    """A probability in this many significant digits."""
    rounded = float(f"{100 * probability:.{n_digits}g}")  # 0.00996 is 0.010, not 0.0100
    decimals = max(0, n_digits - 1 - math.floor(math.log10(rounded))) if rounded else 0
    return f"{rounded:.{decimals}f}{SPACE}%"


def percents(first: float, second: float) -> tuple[str, str]:
    """Two probabilities for reading, with more digits where they would look equal and are not."""
    texts, n_digits = (percent(first), percent(second)), 3
    while texts[0] == texts[1] and first != second and n_digits <= MAX_DIGITS:
        texts, n_digits = (_percent(first, n_digits), _percent(second, n_digits)), n_digits + 1
    return texts


TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


def short(value: float | str | None) -> str:
    """A number in three significant digits, or whole from 100 on, with a minus sign; a dash for none, text as it is."""
    if isinstance(value, str):
        return f"{value[:10]} {value[11:]}" if TIME.fullmatch(value) else value
    if not _is_number(value):
        return "\N{EN DASH}"
    text = f"{value:,.0f}" if 100 <= abs(value) < MAX_WHOLE else f"{value:z.3g}"
    return text.replace("-", "\N{MINUS SIGN}")


def metric(value: float | None, name: str) -> str:
    """A value of a model's score card, as `wording.metric_text` prints it, with a minus sign and a fixed space."""
    text = metric_text(name, value).replace(" ", SPACE)
    return text if not text.startswith("-") else "\N{MINUS SIGN}" + text.removeprefix("-")


def signed(value: float, digits: int = DIGITS) -> str:
    """A contribution with its sign and this many decimals."""
    return f"{value:+z.{digits}f}".replace("-", "\N{MINUS SIGN}")


def interval(score: Scored) -> str:
    """A mean average precision with its interval, as far as they were measured."""
    if not _is_number(score.average_precision):
        return "not measured"
    if not _has_interval(score):
        return f"{score.average_precision:.3f} (no interval)"
    low, high = score.interval
    return f"{score.average_precision:.3f} [{low:.3f}, {high:.3f}]"


def code(text: str | None) -> Markup:
    """A description whose words between backticks are code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text or ""))))


def one_in(probability: float) -> str | None:
    """A small probability as a count of transactions, in two significant digits."""
    if not 0 < probability < 0.1:
        return None
    count = 1 / max(probability, 10.0**LOWEST)
    power = 10 ** (math.floor(math.log10(count)) - 1)
    words = "fewer than 1" if probability < 10.0**LOWEST else "about 1"
    return f"{words} in {round(count / power) * power:,.0f}"
