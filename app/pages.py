"""The pages that people see."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import plotly
from flask import Blueprint, Response, current_app, jsonify, render_template, request, send_file

from app.api import served
from app.records import Batch, read_row
from app.served import KINDS, Served

blueprint = Blueprint("pages", __name__)
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
LOWEST = -6  # the scale goes down to one in a million at most


@blueprint.get("/")
def home() -> str:
    """The form, empty or with an example filled in."""
    model = served()
    kind = request.args.get("example")
    example = model.about["examples"][kind] if kind in KINDS else {}
    values = {name: repr(value).removesuffix(".0") for name, value in example.items()}
    return _home_page(values=values, filled=kind if kind in KINDS else None)


@blueprint.post("/")
def score() -> tuple[str, int]:
    """The form with the answer for one transaction."""
    model = served()
    values, problems = read_row(request.form, model.columns)
    shown = {name: request.form.get(name, "")[:40] for name in model.columns}
    if problems:
        return _home_page(values=shown, problems=problems), 422
    return _home_page(values=shown, result=explain(model, values)), 200


def _home_page(**more: Any) -> str:
    model = served()
    units = {model.model.schema.time: " (s)", model.model.schema.amount: ""}
    groups = [
        ("Time and amount", [name for name in model.columns if name in units]),
        ("Components", [name for name in model.columns if name not in units]),
    ]
    defaults = {"values": {}, "problems": {}, "result": None, "filled": None}
    return render_template("home.html", served=model, groups=groups, units=units, **{**defaults, **more})


def explain(model: Served, values: list[float]) -> dict[str, Any]:
    """Probability, decision and the drawing's numbers for one readable transaction."""
    entry = model.score(Batch(values={1: values}))[0]
    probability, threshold = entry["probability"], model.model.threshold
    return {
        "alert": entry["decision"] == "alert",
        "probability": percent(probability),
        "exact": probability,
        "odds": one_in(probability),
        "threshold": percent(threshold),
        "unusual": model.unusual(values),
        "scale": scale(probability, threshold),
    }


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


@blueprint.app_template_filter()
def percent(probability: float) -> str:
    """A probability for reading: two significant digits, and no false precision at the ends."""
    if probability < 1e-5:
        return "less than 0.001 %"
    if probability > 0.999:
        return "more than 99.9 %"
    rounded = float(f"{100 * probability:.{2 if probability < 0.9 else 3}g}")  # 0.00996 is 0.010, not 0.0100
    digits = max(0, 1 - math.floor(math.log10(rounded))) if probability < 0.9 else 1
    return f"{rounded:.{digits}f} %"


@blueprint.app_template_filter()
def short(value: float) -> str:
    """A limit of a range in three significant digits, with a minus sign and not a hyphen."""
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return text.replace("-", "\N{MINUS SIGN}")


def one_in(probability: float) -> str | None:
    """A small probability as a count of transactions, in two significant digits."""
    if not 0 < probability < 0.1:
        return None
    count = 1 / max(probability, 10.0**LOWEST)
    power = 10 ** (math.floor(math.log10(count)) - 1)
    words = "fewer than 1" if probability < 10.0**LOWEST else "about 1"
    return f"{words} in {round(count / power) * power:,.0f}"


@blueprint.get("/statistics")
def statistics() -> str:
    """Interactive figures about the data and the study, computed when the model was written."""
    return render_template("statistics.html", served=served(), figures=served().statistics)


@blueprint.get("/statistics.json")
def statistics_data() -> Response:
    """The figures of the statistics page."""
    return jsonify(served().statistics)


@blueprint.get("/plotly.min.js")
def plotly_script() -> Response:
    """Plotly's JavaScript from the installed wheel."""
    return send_file(PLOTLY, mimetype="text/javascript", conditional=True)


@blueprint.get("/favicon.ico")
def favicon() -> Response:
    """The icon that browsers ask for on their own."""
    return current_app.send_static_file("icon.svg")
