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
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError

from app.extensions import catalog, model_name, monitor
from app.parsing.records import Batch
from app.parsing.table import MAX_FILE_ROWS
from app.results import KEPT
from app.routes.files import MAX_FILE
from app.routes.openapi import document
from app.serving.catalog import CHAMPION
from app.serving.model_files import MeasuredPair
from app.serving.served import Served, scores_of
from app.views import formatting, study
from app.views.form_fields import FormField, Typed, fields_of, read_form, spell, spell_for_file
from app.views.formatting import Bars, Scale
from app.views.words import TRANSACTIONS, a, words_of
from utils.benchmark.records import to_json
from utils.config import NOTEBOOKS, load_profile
from utils.serving.bundle import BundleError
from utils.wording import capitalised

blueprint = Blueprint("pages", __name__)
for template_filter in (
    formatting.percent,
    formatting.short,
    formatting.signed,
    formatting.metric,
    formatting.interval,
    formatting.code,
    a,
    capitalised,
):
    blueprint.add_app_template_filter(template_filter)
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
YEAR = 365 * 24 * 3600  # seconds
MAX_TYPED = 200  # characters of a field that the answer repeats


@dataclass(frozen=True)
class Answer:
    """The answer for one transaction, as the page shows it.

    Attributes
    ----------
    alert : bool
    probability : str
        In percent.
    threshold : str or None
        In percent; None if the model raises no alert.
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
    missing, unseen : list of str
        Columns without a value, and categories that were not seen in training.
    """

    alert: bool
    probability: str
    threshold: str | None
    exact: float
    odds: str | None
    unusual: list[str]
    scale: Scale
    bars: Bars
    read: dict[str, float]
    missing: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)


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
        axis=formatting.score_axis,
        **(_own_results() if _table_name() else _study_results()),
    )


def _own_results() -> dict[str, object]:
    """What the home page shows of a study of the user's own."""
    card = catalog().champion.model.card
    own = study.own_study(card)
    if own is None:
        return {}
    return {
        "findings": study.own_findings(own, words_of(card)),
        "notebooks": study.notebooks(own.notebooks),
        "has_report": own.report.exists(),
    }


def _study_results() -> dict[str, object]:
    """What the home page shows of the credit-card study."""
    return {
        "study": study.shown_headline(),
        "title": study.TITLE,
        "notebooks": study.notebooks(),
        "has_paper": _paper().exists(),
    }


def _table_name() -> str | None:
    """Name of the study that the champion is of, if it is one of a table of the user's own."""
    return catalog().champion.model.card.study


@blueprint.get("/paper.pdf")
def paper() -> Response:
    """The paper."""
    return send_file(_paper()) if _paper().exists() else abort(404)


def _paper() -> Path:
    return load_profile("full").paper / "paper.pdf"


@blueprint.get("/report.pdf")
def report() -> Response:
    """The report on a table of the user's own."""
    own = study.own_study(catalog().champion.model.card)
    return send_file(own.report) if own and own.report.exists() else abort(404)


@blueprint.get("/notebooks/<name>")
def notebook(name: str) -> str:
    """A notebook to read."""
    own = study.own_study(catalog().champion.model.card)
    folder = own.notebooks if own else NOTEBOOKS
    titles = study.notebooks(folder)
    if name not in titles:
        abort(404)
    return render_template(
        "notebook.html", title=titles[name], content=study.notebook_page(name, url_for("pages.home"), folder)
    )


@blueprint.get("/statistics")
def statistics() -> str:
    """Interactive figures about the data and the study, computed when the model was written."""
    champion = catalog().champion
    return render_template("statistics.html", figures=champion.statistics, left_out=study.left_out(champion.model))


@blueprint.get("/statistics.json")
def statistics_data() -> Response:
    """The figures of the statistics page."""
    return jsonify([to_json(figure) for figure in catalog().champion.statistics])


@blueprint.get("/predict")
def predict() -> str:
    """The form for one transaction, empty or with an example filled in."""
    name = model_name()
    example = catalog().get(name).about.examples.get(request.args.get("example"), {})
    values = {column: spell(value) for column, value in example.items()}
    return _render_form(name, Form(values, filled=bool(example)))


@blueprint.post("/predict")
def score() -> tuple[str, int]:
    """The form with the answer for one transaction."""
    name = model_name()
    model = catalog().get(name)
    typed = read_form(model, _typed(model, None))
    texts = _typed(model)
    if typed.problems:
        monitor().scored(model.name, 0, 0, 1)
        return _render_form(name, Form(texts, typed.problems)), 422
    result = answer(model, typed)
    monitor().scored(model.name, 1, int(result.alert), 0)
    return _render_form(name, Form(texts, result=result)), 200


@blueprint.errorhandler(CSRFError)
def expired(error: CSRFError) -> ResponseReturnValue:
    """The form with the same values and a new token, as after a restart of the server."""
    try:
        name = model_name()
        return _render_form(name, Form(_typed(catalog().get(name)), expired=True)), 400
    except Exception as error:  # Flask calls no handler for what a handler raises, and would log its text
        return current_app.handle_user_exception(error)


def _typed(model: Served, limit: int | None = MAX_TYPED) -> dict[str, str]:
    """What was typed into each field, by column, up to `limit` characters; fields that were not sent are left out."""
    sent = {field.name: request.form.get(field.key) for field in fields_of(model)}
    return {name: text[:limit] for name, text in sent.items() if text is not None}


def _render_form(name: str, form: Form) -> str:
    model = catalog().get(name)
    fields = fields_of(model)
    ids = {field.name: field.id for field in fields}
    return render_template(
        "predict.html",
        served=model,
        chosen=name,
        choices=choices(),
        groups=_groups(model, fields),
        ids=ids,
        order=[_pasted(field) for field in sorted(fields, key=lambda field: _spreadsheet_position(model, field))],
        **vars(form),
    )


def _groups(model: Served, fields: list[FormField]) -> list[tuple[str, list[FormField]]]:
    """Fields below a heading each."""
    if model.model.card.study:
        return [("Values", fields)]
    roles = (model.model.schema.time, model.model.schema.amount)
    first = [field for field in fields if field.name in roles]
    return [("Time and amount", first), ("Components", [field for field in fields if field.name not in roles])]


def _pasted(field: FormField) -> dict[str, object]:
    """What the page's script needs of a field to fill it from a spreadsheet."""
    return {name: getattr(field, name) for name in ("name", "id", "kind", "position")}


def _spreadsheet_position(model: Served, field: FormField) -> int:
    """Position of a column in a row of a spreadsheet."""
    return model.columns.index(field.name) if field.position is None else field.position


def choices() -> list[tuple[str, str]]:
    """Name and label of every model that can be chosen."""
    labels = {pair.name: pair.label for pair in catalog().pairs}
    names = [name for name in catalog().names if name != CHAMPION]
    return [
        (CHAMPION, f"{catalog().champion.about.label} (champion)"),
        *((name, labels.get(name, name)) for name in names),
    ]


def answer(model: Served, typed: Typed) -> Answer:
    """The answer for one row that was typed."""
    values = typed.values
    (scored,), threshold = model.score(Batch(values={1: values})), model.model.threshold
    (explanation,) = model.explain([values])
    probability, shown_threshold = formatting.percents(scored.probability, threshold)
    return Answer(
        alert=scored.decision == "alert",
        probability=probability,
        threshold=shown_threshold if threshold <= 1 else None,
        exact=scored.probability,
        odds=formatting.one_in(scored.probability),
        unusual=model.unusual(values),
        scale=formatting.scale(scored.probability, threshold),
        bars=formatting.bars(explanation),
        read=typed.with_comma,
        missing=typed.missing,
        unseen=typed.unseen,
    )


@blueprint.get("/file")
def file() -> str:
    """The form for a file, and its result."""
    name = model_name()
    limits = {"max_rows": MAX_FILE_ROWS, "max_bytes": MAX_FILE, "kept": KEPT}
    return render_template("file.html", served=catalog().get(name), choices=choices(), chosen=name, **limits)


@blueprint.get("/file/example.csv")
def example_file() -> Response:
    """An example file: both examples of the champion with all columns."""
    champion = catalog().champion
    text = io.StringIO()
    writer = csv.DictWriter(text, champion.columns)
    writer.writeheader()
    writer.writerows(spell_for_file(champion, row) for row in champion.about.examples.values())
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
        study=None if _table_name() else study.shown_headline(),
    )


@blueprint.get("/models/<name>")
def model(name: str) -> str:
    """The card of one model; for a pair that was measured but not written, its score alone."""
    description = catalog().description(name) if name in catalog().names else None
    if description is None:
        measured = _measured_pair(name) or abort(404)
        return render_template("model.html", name=name, label=measured.label, scores=measured.scores)
    headline = study.shown_headline() if not _table_name() and study.is_final(description.card) else None
    words = {"label": description.label, "scores": description.scores}
    return render_template("model.html", name=name, description=description, study=headline, **words)


def _measured_pair(name: str) -> MeasuredPair | None:
    return next((pair for pair in catalog().pairs if pair.name == name), None)


def _champion_pair() -> str | None:
    """Name of the pair whose final model is the champion; None if the study did not measure this model."""
    champion = catalog().champion
    return next((pair.name for pair in catalog().pairs if scores_of(champion.model.card, [pair])), None)


@blueprint.app_context_processor
def _about_study() -> dict[str, object]:
    """Words of the champion's study, and whether it is not the study's final model, which every page must say."""
    try:
        card = catalog().champion.model.card
    except BundleError:  # the page is about this error
        return {"stand_in": False, "words": TRANSACTIONS, "table_name": None, "has_time": True}
    has_time = catalog().champion.model.schema.time is not None
    own = {"words": words_of(card), "table_name": card.study, "has_time": has_time}
    return {"stand_in": card.study is None and study.is_final(card) is False, **own}


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
