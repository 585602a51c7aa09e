"""The pages that people see."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import plotly
from flask import Blueprint, Response, abort, current_app, jsonify, render_template, request, send_file, url_for
from flask_wtf.csrf import CSRFError

from app.catalog import CHAMPION
from app.extensions import catalog
from app.model_files import KINDS, MeasuredPair
from app.parsing.records import Batch, read_row
from app.parsing.table import MAX_FILE_ROWS
from app.parsing.typed_numbers import read_typed
from app.results import KEPT
from app.routes.files import MAX_FILE
from app.routes.openapi import document
from app.served import Served, scores_of
from app.views import formatting, study
from app.views.formatting import Bars, Scale
from utils.benchmark.records import to_json
from utils.config import load_profile
from utils.serving.bundle import BundleError

blueprint = Blueprint("pages", __name__)
for template_filter in (
    formatting.percent,
    formatting.short,
    formatting.signed,
    formatting.interval,
    formatting.code,
):
    blueprint.add_app_template_filter(template_filter)
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
YEAR = 365 * 24 * 3600  # seconds
MAX_TYPED = 40  # characters of a field that the answer repeats


@dataclass(frozen=True)
class Answer:
    """The answer for one transaction, as the page shows it.

    Attributes
    ----------
    alert : bool
    probability, threshold : str
        In percent.
    exact : float
        The probability.
    odds : str or None
        A small probability as a count of transactions.
    unusual : list of str
        Columns whose value lies outside the range of the training rows.
    scale : Scale
    bars : Bars
    read : dict of str to float
        Values that were read with a decimal comma, by column.
    """

    alert: bool
    probability: str
    threshold: str
    exact: float
    odds: str | None
    unusual: list[str]
    scale: Scale
    bars: Bars
    read: dict[str, float]


@dataclass(frozen=True)
class Form:
    """What the form for one transaction shows.

    Attributes
    ----------
    values : dict of str to str
        Text of the fields, by column.
    problems : dict of str to str
        Why a value cannot be read, by column.
    result : Answer or None
    filled : bool
        Whether the values are those of an example.
    expired : bool
        Whether the form was refused because its token has expired.
    """

    values: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    result: Answer | None = None
    filled: bool = False
    expired: bool = False


@blueprint.get("/")
def home() -> str:
    """What this is, and the results of the study."""
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
    return jsonify([to_json(figure) for figure in catalog().champion.statistics])


@blueprint.get("/predict")
def predict() -> str:
    """The form for one transaction, empty or with an example filled in."""
    name = request.args.get("model", CHAMPION)
    kind = request.args.get("example")
    example = catalog().get(name).about.examples[kind] if kind in KINDS else {}
    values = {column: repr(value).removesuffix(".0") for column, value in example.items()}
    return _render_form(name, Form(values, filled=kind in KINDS))


@blueprint.post("/predict")
def score() -> tuple[str, int]:
    """The form with the answer for one transaction."""
    name = request.form.get("model", CHAMPION)
    model = catalog().get(name)
    values, problems = read_row(request.form, model.columns, read_typed)
    texts = _typed(model)
    if problems:
        return _render_form(name, Form(texts, problems)), 422
    return _render_form(name, Form(texts, result=answer(model, values, texts))), 200


@blueprint.errorhandler(CSRFError)
def expired(error: CSRFError) -> tuple[str, int]:
    """The form with the same values and a new token, as after a restart of the server."""
    name = request.form.get("model", CHAMPION)
    return _render_form(name, Form(_typed(catalog().get(name)), expired=True)), 400


def _typed(model: Served) -> dict[str, str]:
    """What was typed into each field."""
    return {column: request.form.get(column, "")[:MAX_TYPED] for column in model.columns}


def _render_form(name: str, form: Form) -> str:
    model = catalog().get(name)
    units = {model.model.schema.time: " (s)", model.model.schema.amount: ""}
    groups = [
        ("Time and amount", [column for column in model.columns if column in units]),
        ("Components", [column for column in model.columns if column not in units]),
    ]
    return render_template(
        "predict.html", served=model, chosen=name, choices=choices(), groups=groups, units=units, **vars(form)
    )


def choices() -> list[tuple[str, str]]:
    """Name and label of every model that can be chosen."""
    labels = {pair.name: pair.label for pair in catalog().pairs}
    names = [name for name in catalog().names if name != CHAMPION]
    return [
        (CHAMPION, f"{catalog().champion.about.label} (champion)"),
        *((name, labels.get(name, name)) for name in names),
    ]


def answer(model: Served, values: list[float], texts: dict[str, str]) -> Answer:
    """The answer for one transaction, whose values were read from these texts."""
    (scored,), threshold = model.score(Batch(values={1: values})), model.model.threshold
    (explanation,) = model.explain([values])
    return Answer(
        alert=scored.decision == "alert",
        probability=formatting.percent(scored.probability),
        threshold=formatting.percent(threshold),
        exact=scored.probability,
        odds=formatting.one_in(scored.probability),
        unusual=model.unusual(values),
        scale=formatting.scale(scored.probability, threshold),
        bars=formatting.bars(explanation),
        read={column: value for column, value in zip(model.columns, values, strict=True) if "," in texts[column]},
    )


@blueprint.get("/file")
def file() -> str:
    """The form for a file, and its result."""
    name = request.args.get("model", CHAMPION)
    limits = {"max_rows": MAX_FILE_ROWS, "max_bytes": MAX_FILE, "kept": KEPT}
    return render_template("file.html", served=catalog().get(name), choices=choices(), chosen=name, **limits)


@blueprint.get("/file/example.csv")
def example_file() -> Response:
    """An example file: both examples of the champion with all columns."""
    champion = catalog().champion
    text = io.StringIO()
    writer = csv.DictWriter(text, champion.columns)
    writer.writeheader()
    writer.writerows(champion.about.examples.values())
    headers = {"Content-Disposition": 'attachment; filename="example.csv"'}
    return Response(text.getvalue(), mimetype="text/csv", headers=headers)


@blueprint.get("/models")
def models() -> str:
    """Every model that the study measured, with scores and intervals."""
    pairs = sorted(catalog().pairs, key=lambda pair: -(pair.scores.average_precision or 0))
    return render_template(
        "models.html",
        champion=catalog().champion,
        champion_pair=_champion_pair(),
        pairs=pairs,
        available=set(catalog().names),
        axis=formatting.score_axis(pair.scores for pair in pairs),
        study=study.headline(),
    )


@blueprint.get("/models/<name>")
def model(name: str) -> str:
    """The card of one model; for a pair that was measured but not written, its score alone."""
    description = catalog().description(name) if name in catalog().names else None
    if description is None:
        measured = _measured_pair(name) or abort(404)
        return render_template("model.html", name=name, label=measured.label, scores=measured.scores)
    headline = study.headline() if study.is_final(description.card) else None
    words = {"label": description.label, "scores": description.scores}
    return render_template("model.html", name=name, description=description, study=headline, **words)


def _measured_pair(name: str) -> MeasuredPair | None:
    return next((pair for pair in catalog().pairs if pair.name == name), None)


def _champion_pair() -> str | None:
    """Name of the pair whose final model is the champion; None if the study did not measure this model."""
    champion = catalog().champion
    return next((pair.name for pair in catalog().pairs if scores_of(champion.model.card, [pair])), None)


@blueprint.app_context_processor
def _stand_in() -> dict[str, bool]:
    """Whether the champion is not the study's final model, which every page must say."""
    try:
        card = catalog().champion.model.card
    except BundleError:  # the page is about this error
        return {"stand_in": False}
    return {"stand_in": not study.is_final(card)}


@blueprint.get("/docs")
def docs() -> str:
    """The description of the API as a page."""
    description = document(catalog())
    return render_template("docs.html", document=description, operations=operations_of(description))


@blueprint.get("/plotly-<version>.min.js")
def plotly_script(version: str) -> Response:
    """Plotly's JavaScript; its address changes with its content, so that browsers load it once."""
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
    """The icon, at the address that browsers try by default."""
    return current_app.send_static_file("icon.svg")


def operations_of(document: dict[str, dict]) -> list[tuple[str, str, dict[str, object]]]:
    """Path, method and operation of everything that an OpenAPI document describes."""
    return [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in ("get", "post", "put", "patch", "delete")
    ]
