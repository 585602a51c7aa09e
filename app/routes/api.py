"""The machine interface: JSON or CSV in, JSON out."""

from __future__ import annotations

from flask import Blueprint, Response, abort, jsonify, request

from app.extensions import catalog, monitor, served
from app.parsing.delimited import read_csv
from app.parsing.records import BodyError, read_json
from app.routes.openapi import document
from app.security import read_body

blueprint = Blueprint("api", __name__)
READERS = {"application/json": read_json, "text/csv": read_csv}
MAX_EXPLAINED = 100


@blueprint.post("/api/v1/predict")
def predict() -> Response:
    """Score transactions; one entry per input row, whether it could be scored or not."""
    read = READERS.get(request.mimetype)
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if read is None or charset not in ("utf-8", "utf8") or request.headers.get("Content-Encoding"):
        abort(415, f"Send {' or '.join(READERS)} in UTF-8, not compressed.")
    model, explain = served(), wants_explanation()
    batch = read(read_body(), model.columns)
    if explain and len(batch) > MAX_EXPLAINED:
        raise BodyError(422, f"Explanations are for up to {MAX_EXPLAINED} transactions; send fewer, or do without.")
    entries = model.score(batch)
    if explain and batch.values:
        scored = (entry for entry in entries if "probability" in entry)
        for entry, explanation in zip(scored, model.explain(list(batch.values.values())), strict=True):
            entry["explanation"] = explanation
    n_alerts = sum(entry.get("decision") == "alert" for entry in entries)
    monitor().scored(model.name, len(batch.values), n_alerts, len(batch.errors))
    return jsonify(model=model.name, threshold=model.model.threshold, predictions=entries)


def wants_explanation() -> bool:
    """Whether the request says `?explain=true`; BodyError if it says neither true nor false."""
    word = request.args.get("explain", "false")
    if word not in ("true", "false"):
        raise BodyError(422, "The parameter explain is either true or false.")
    return word == "true"


@blueprint.get("/api/v1/models")
def models() -> Response:
    """What can be chosen: schema, threshold, examples, scores and card of every model."""
    return jsonify(models=catalog().describe())


@blueprint.get("/api/v1/openapi.json")
def openapi() -> Response:
    """What this API takes and gives."""
    return jsonify(document(catalog()))
