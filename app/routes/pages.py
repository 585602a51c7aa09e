"""The pages that people see."""

from __future__ import annotations

import csv
import hashlib
import io
from functools import cache
from pathlib import Path
from typing import Any

import plotly
from flask import Blueprint, Response, abort, current_app, jsonify, render_template, request, send_file, url_for
from flask_wtf.csrf import CSRFError

from app.catalog import CHAMPION
from app.extensions import catalog
from app.parsing.records import Batch, read_row
from app.parsing.table import MAX_FILE_ROWS
from app.parsing.typed_numbers import read_typed
from app.routes.files import MAX_FILE
from app.routes.openapi import document
from app.routes.schemas import KEPT
from app.served import KINDS, Served, scores_of
from app.views import formatting, study
from utils.config import load_profile
from utils.serving.bundle import BundleError

blueprint = Blueprint("pages", __name__)
for words in (formatting.percent, formatting.short, formatting.signed, formatting.interval, formatting.code):
    blueprint.add_app_template_filter(words)
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
YEAR = 365 * 24 * 3600  # seconds
MAX_TYPED = 40  # characters of a field that are shown again


@blueprint.get("/")
def home() -> str:
    """What this is, and what the study found."""
    return render_template(
        "home.html",
        champion=catalog().champion,
        study=study.headline(),
        title=study.TITLE,
        notebooks=study.notebooks(),
        axis=formatting.score_axis,
        has_paper=_paper().exists(),
    )


@blueprint.get("/paper.pdf")
def paper() -> Response:
    """The paper."""
    return send_file(_paper()) if _paper().exists() else abort(404)


def _paper() -> Path:
    return load_profile("full").paper / "paper.pdf"


@blueprint.get("/notebooks/<name>")
def notebook(name: str) -> str:
    """A notebook to read."""
    titles = study.notebooks()
    if name not in titles:
        abort(404)
    return render_template(
        "notebook.html", title=titles[name], content=study.notebook_page(name, url_for("pages.home"))
    )


@blueprint.get("/statistics")
def statistics() -> str:
    """Interactive figures about the data and the study, computed when the model was written."""
    return render_template("statistics.html", figures=catalog().champion.statistics)


@blueprint.get("/statistics.json")
def statistics_data() -> Response:
    """The figures of the statistics page."""
    return jsonify(catalog().champion.statistics)


@blueprint.get("/predict")
def predict() -> str:
    """The form for one transaction, empty or with an example filled in."""
    name = request.args.get("model", CHAMPION)
    kind = request.args.get("example")
    example = catalog().get(name).about["examples"][kind] if kind in KINDS else {}
    values = {column: repr(value).removesuffix(".0") for column, value in example.items()}
    return _form(name, values=values, filled=kind in KINDS)


@blueprint.post("/predict")
def score() -> tuple[str, int]:
    """The form with the answer for one transaction."""
    name = request.form.get("model", CHAMPION)
    model = catalog().get(name)
    values, problems = read_row(request.form, model.columns, read_typed)
    shown = _typed(model)
    if problems:
        return _form(name, values=shown, problems=problems), 422
    read = {column: value for column, value in zip(model.columns, values, strict=True) if "," in shown[column]}
    return _form(name, values=shown, result={**answer(model, values), "read": read}), 200


@blueprint.errorhandler(CSRFError)
def expired(error: CSRFError) -> tuple[str, int]:
    """The form again with what was typed and a token that is good: the server may have been started anew meanwhile."""
    name = request.form.get("model", CHAMPION)
    return _form(name, values=_typed(catalog().get(name)), expired=True), 400


def _typed(model: Served) -> dict[str, str]:
    return {column: request.form.get(column, "")[:MAX_TYPED] for column in model.columns}


def _form(name: str, **more: Any) -> str:
    model = catalog().get(name)
    units = {model.model.schema.time: " (s)", model.model.schema.amount: ""}
    groups = [
        ("Time and amount", [column for column in model.columns if column in units]),
        ("Components", [column for column in model.columns if column not in units]),
    ]
    chosen = {"served": model, "chosen": name, "choices": choices(), "groups": groups, "units": units}
    return render_template(
        "predict.html",
        **chosen,
        **{"values": {}, "problems": {}, "result": None, "filled": False, "expired": False, **more},
    )


def choices() -> list[tuple[str, str]]:
    """Name and label of every model that can be chosen."""
    labels = {pair["name"]: pair["label"] for pair in catalog().pairs}
    names = [name for name in catalog().names if name != CHAMPION]
    return [
        (CHAMPION, f"{catalog().champion.about['label']} (champion)"),
        *((name, labels.get(name, name)) for name in names),
    ]


def answer(model: Served, values: list[float]) -> dict[str, Any]:
    """Probability, decision, reasons and the drawings' numbers for one readable transaction."""
    entry = model.score(Batch(values={1: values}))[0]
    probability, threshold = entry["probability"], model.model.threshold
    (explanation,) = model.explain([values])
    return {
        "alert": entry["decision"] == "alert",
        "probability": formatting.percent(probability),
        "exact": probability,
        "odds": formatting.one_in(probability),
        "threshold": formatting.percent(threshold),
        "unusual": model.unusual(values),
        "scale": formatting.scale(probability, threshold),
        "bars": formatting.bars(explanation),
    }


@blueprint.get("/file")
def file() -> str:
    """Where a file is handed in and its result is shown."""
    name = request.args.get("model", CHAMPION)
    limits = {"max_rows": MAX_FILE_ROWS, "max_bytes": MAX_FILE, "kept": KEPT}
    return render_template("file.html", served=catalog().get(name), choices=choices(), chosen=name, **limits)


@blueprint.get("/file/example.csv")
def example_file() -> Response:
    """A file to try: both examples of the champion, as the columns have to be."""
    champion = catalog().champion
    text = io.StringIO()
    writer = csv.DictWriter(text, champion.columns)
    writer.writeheader()
    writer.writerows(champion.about["examples"].values())
    headers = {"Content-Disposition": 'attachment; filename="example.csv"'}
    return Response(text.getvalue(), mimetype="text/csv", headers=headers)


@blueprint.get("/models")
def models() -> str:
    """Every model that the study measured, with scores and intervals."""
    pairs = sorted(catalog().pairs, key=lambda pair: -(pair["scores"]["average_precision"] or 0))
    axis = formatting.score_axis([pair["scores"] for pair in pairs]) if pairs else None
    return render_template(
        "models.html", champion=catalog().champion, own=_own_pair(), pairs=pairs, axis=axis, study=study.headline()
    )


@blueprint.get("/models/<name>")
def model(name: str) -> str:
    """The card of one model; of a pair that was measured but not written, what is known of it."""
    measured = next(
        (pair for pair in catalog().pairs if pair["name"] == (_own_pair() if name == CHAMPION else name)), None
    )
    known = name in catalog().names
    if not known and measured is None:
        abort(404)
    described = next((entry for entry in catalog().describe() if entry["name"] == name), None)
    card = described["card"] if described else {}
    scores = scores_of(card, catalog().pairs) if described else measured["scores"]
    told = study.headline() if described and study.is_final(card) else None
    return render_template("model.html", name=name, described=described, measured=measured, scores=scores, study=told)


def _own_pair() -> str | None:
    """Name of the pair that the champion is the final model of; None where the study measured another or none."""
    champion = catalog().champion
    return next((pair["name"] for pair in catalog().pairs if scores_of(champion.model.card, [pair])), None)


@blueprint.app_context_processor
def _stand_in() -> dict[str, Any]:
    """Whether the champion is another than the study's final model, which every page has to say."""
    try:
        card = catalog().champion.model.card
    except BundleError:  # of which the page that is being made speaks
        return {"stand_in": False}
    return {"stand_in": not study.is_final(card)}


@blueprint.get("/docs")
def docs() -> str:
    """The API's document to read."""
    described = document(catalog())
    return render_template("docs.html", document=described, operations=operations_of(described))


@blueprint.get("/plotly-<version>.min.js")
def plotly_script(version: str) -> Response:
    """Plotly's JavaScript from the installed wheel, under an address that changes with it: browsers load it once."""
    if version != plotly_version():
        abort(404)
    answer = send_file(PLOTLY, mimetype="text/javascript", max_age=YEAR)
    answer.cache_control.immutable = True
    return answer


@blueprint.app_template_global()
@cache
def plotly_version() -> str:
    """Start of the hash of Plotly's JavaScript."""
    with PLOTLY.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


@blueprint.get("/favicon.ico")
def favicon() -> Response:
    """The icon that browsers ask for on their own."""
    return current_app.send_static_file("icon.svg")


def operations_of(described: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation of everything that an OpenAPI document describes."""
    return [
        (path, method, operation)
        for path, item in described["paths"].items()
        for method, operation in item.items()
        if method in ("get", "post", "put", "patch", "delete")
    ]
