"""Numbers in words and places in percent: what the templates draw, computed here."""

from __future__ import annotations

import math
import re
from typing import Any

from markupsafe import Markup, escape

LOWEST = -6  # the scale of probabilities goes down to one in a million at most
SPACE = "\N{NO-BREAK SPACE}"  # a number and its unit stay on one line
N_BARS = 10  # contributions that are drawn one by one


def scale(probability: float, threshold: float) -> dict[str, Any]:
    """Positions in percent of the width on a logarithmic scale that ends at 1, and its ticks."""
    smallest = min(probability, threshold, 1e-3)
    low = max(LOWEST, math.floor(math.log10(smallest))) if smallest > 0 else LOWEST
    step = 1 if low > -5 else 2

    def place(value: float) -> float:
        exponent = math.log10(value) if value > 0 else low
        return round(100 * min(max(1 - exponent / low, 0), 1), 2)

    exponents = range(0, low - 1, -step)
    return {
        "probability": place(probability),
        "threshold": place(threshold),
        "ticks": [(place(10.0**power), f"{10.0 ** (power + 2):.{max(0, -2 - power)}f} %") for power in exponents],
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
    parts = explanation["contributions"]
    rows = [(part["feature"], part["value"], part["contribution"]) for part in parts[:N_BARS]]
    if rest := parts[N_BARS:]:
        rows.append((f"{len(rest)} others", None, sum(part["contribution"] for part in rest)))
    largest = max((abs(contribution) for *_, contribution in rows), default=0) or 1
    drawn = []
    for name, value, contribution in rows:
        width = round(50 * abs(contribution) / largest, 2)
        start = 50 if contribution >= 0 else round(50 - width, 2)
        drawn.append({"name": name, "value": value, "contribution": contribution, "start": start, "width": width})
    return {"base": 1 / (1 + math.exp(-explanation["base"])), "rows": drawn}


def score_axis(scores: list[dict[str, Any]]) -> dict[str, Any]:
    """A common axis for means with intervals: its ends, ticks, and a place in percent for every number.

    Parameters
    ----------
    scores : list of dict
        With `interval`, (low, high).
    """
    step = 0.1
    low = math.floor(min(score["interval"][0] for score in scores) / step) * step
    high = math.ceil(max(score["interval"][1] for score in scores) / step) * step

    def place(value: float) -> float:
        return round(100 * (value - low) / (high - low), 2)

    count = round((high - low) / step)
    return {"place": place, "ticks": [(round(100 * i / count, 2), f"{low + i * step:.1f}") for i in range(count + 1)]}


def percent(probability: float) -> str:
    """A probability for reading: two significant digits, and no false precision at the ends."""
    if probability < 1e-5:
        return f"less than 0.001{SPACE}%"
    if probability > 0.999:
        return f"more than 99.9{SPACE}%"
    rounded = float(f"{100 * probability:.{2 if probability < 0.9 else 3}g}")  # 0.00996 is 0.010, not 0.0100
    digits = max(0, 1 - math.floor(math.log10(rounded))) if probability < 0.9 else 1
    return f"{rounded:.{digits}f}{SPACE}%"


def short(value: float) -> str:
    """A number in three significant digits, with a minus sign and not a hyphen."""
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return text.replace("-", "\N{MINUS SIGN}")


def signed(value: float) -> str:
    """A contribution with its sign and two decimals."""
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def interval(score: dict[str, Any]) -> str:
    """A mean average precision with its interval."""
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
