"""Numbers in words and positions in percent: what the templates draw, computed here."""

from __future__ import annotations

import math
import re
from typing import Any

from markupsafe import Markup, escape
from scipy.special import expit

LOWEST = -6  # the scale of probabilities goes down to one in a million at most
SPACE = "\N{NO-BREAK SPACE}"  # a number and its unit stay on one line
N_BARS = 10  # contributions that are drawn one by one


def scale(probability: float, threshold: float) -> dict[str, Any]:
    """Positions in percent of the width on a logarithmic scale that ends at 1, and its ticks."""
    smallest = min(probability, threshold, 1e-3)
    low = max(LOWEST, math.floor(math.log10(smallest))) if smallest > 0 else LOWEST
    step = 1 if low > -5 else 2

    def position(value: float) -> float:
        exponent = math.log10(value) if value > 0 else low
        return round(100 * min(max(1 - exponent / low, 0), 1), 2)

    exponents = range(0, low - 1, -step)
    return {
        "probability": position(probability),
        "threshold": position(threshold),
        "ticks": [(position(10.0**power), f"{10.0 ** (power + 2):.{max(0, -2 - power)}f} %") for power in exponents],
        "factor": "ten" if step == 1 else "a hundred",
    }


def bars(explanation: dict[str, Any]) -> dict[str, Any]:
    """An explanation as bars to the left (less likely a fraud) and right (more likely) of the middle.

    Parameters
    ----------
    explanation : dict
        From `Served.explain`.

    Returns
    -------
    dict
        `base`, a probability; `rows` with name, value (None for the rest), contribution in log odds, and the
        bar's start and width in percent.
    """
    terms = explanation["contributions"]
    rows = [(term["feature"], term["value"], term["contribution"]) for term in terms[:N_BARS]]
    if rest := terms[N_BARS:]:
        rows.append((f"{len(rest)} others", None, sum(term["contribution"] for term in rest)))
    largest = max((abs(contribution) for *_, contribution in rows), default=0) or 1
    bar_rows = []
    for name, value, contribution in rows:
        width = round(50 * abs(contribution) / largest, 2)
        start = 50 if contribution >= 0 else round(50 - width, 2)
        bar_rows.append({"name": name, "value": value, "contribution": contribution, "start": start, "width": width})
    return {"base": float(expit(explanation["base"])), "rows": bar_rows}


def score_axis(scores: list[dict[str, Any]]) -> dict[str, Any]:
    """A common axis for means with intervals: its ticks, and the position in percent of a number and of an interval.

    Both positions are None for what was not measured.

    Parameters
    ----------
    scores : list of dict
        With `interval`, (low, high), and `average_precision`; what is no number is left out.
    """
    step = 0.1
    numbers = [value for score in scores for value in (*_ends(score), score.get("average_precision"))]
    tenths = [round(value / step, 6) for value in numbers if _is_number(value)] or [0, 1 / step]
    low, high = math.floor(min(tenths)), math.ceil(max(tenths))
    if low == high:  # all are one number
        low, high = (low - 1, high) if low > 0 else (low, high + 1)

    def position(value: float | None) -> float | None:
        return round(100 * (value / step - low) / (high - low), 2) if _is_number(value) else None

    def ends(score: dict[str, Any]) -> list[float | None] | None:
        return [position(end) for end in _ends(score)] if _has_interval(score) else None

    count = high - low
    ticks = [(round(100 * i / count, 2), f"{(low + i) * step:.1f}") for i in range(count + 1)]
    return {"position": position, "ends": ends, "ticks": ticks}


def _ends(score: dict[str, Any]) -> list[float | None]:
    return score.get("interval") or [None, None]


def _has_interval(score: dict[str, Any]) -> bool:
    return all(map(_is_number, _ends(score)))


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def percent(probability: float) -> str:
    """A probability for reading: two significant digits, and no false precision at the ends."""
    if probability < 1e-5:
        return f"less than 0.001{SPACE}%"
    if probability > 0.999:
        return f"more than 99.9{SPACE}%"
    rounded = float(f"{100 * probability:.{2 if probability < 0.9 else 3}g}")  # 0.00996 is 0.010, not 0.0100
    digits = max(0, 1 - math.floor(math.log10(rounded))) if probability < 0.9 else 1
    return f"{rounded:.{digits}f}{SPACE}%"


def short(value: float | None) -> str:
    """A number in three significant digits, with a minus sign and not a hyphen; a dash for none."""
    if not _is_number(value):
        return "\N{EN DASH}"
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return text.replace("-", "\N{MINUS SIGN}")


def signed(value: float) -> str:
    """A contribution with its sign and two decimals."""
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def interval(score: dict[str, Any]) -> str:
    """A mean average precision with its interval, as far as they were measured."""
    if not _is_number(score["average_precision"]):
        return "not measured"
    if not _has_interval(score):
        return f"{score['average_precision']:.3f} (no interval)"
    low, high = score["interval"]
    return f"{score['average_precision']:.3f} [{low:.3f}, {high:.3f}]"


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
