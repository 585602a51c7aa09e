"""The machine interface: JSON or CSV in, JSON out."""

from __future__ import annotations

from flask import Blueprint, Response, abort, jsonify, request

from app.extensions import catalog, monitor, served
from app.parsing.delimited import read_csv
from app.parsing.mixed_bodies import read_mixed_csv, read_mixed_json
from app.parsing.records import Batch, BodyError, read_json
from app.routes.models import Models, answer
from app.routes.openapi import document
from app.security import is_encoded, read_body
from app.serving.served import Explanation, ScoredRow, Served
from utils.benchmark.records import to_json

blueprint = Blueprint("api", __name__)
READERS = {"application/json": read_json, "text/csv": read_csv}
MIXED_READERS = {"application/json": read_mixed_json, "text/csv": read_mixed_csv}
MAX_EXPLAINED = 100


@blueprint.post("/api/v1/predict")
def predict() -> Response:
    """Score transactions; one prediction or error per input row."""
    read = READERS.get(request.mimetype)
    if read is None or is_encoded():
        abort(415, f"Send {' or '.join(READERS)} without a Content-Encoding, and name no charset but UTF-8.")
    model, explain = served(), wants_explanation()
    batch = MIXED_READERS[request.mimetype](read_body(), model.raw) if model.raw else read(read_body(), model.columns)
    if explain and len(batch) > MAX_EXPLAINED:
        raise BodyError(422, f"Explanations are for up to {MAX_EXPLAINED} rows; send fewer, or do without.")
    rows = model.score(batch)
    explanations = _explanations(model, batch) if explain and batch.values else {}
    n_alerts = sum(row.decision == "alert" for row in rows)
    monitor().scored(model.name, len(batch.values), n_alerts, len(batch.errors))
    predictions = [_prediction(row, explanations.get(row.row)) for row in rows]
    return jsonify(model=model.name, threshold=model.model.threshold, predictions=predictions)


def _explanations(model: Served, batch: Batch) -> dict[int, Explanation]:
    """Explanation of every row that can be scored, by its number."""
    return dict(zip(batch.values, model.explain(list(batch.values.values())), strict=True))


def _prediction(row: ScoredRow, explanation: Explanation | None) -> dict[str, object]:
    """JSON of one row; written by hand, as there may be many of them."""
    if row.error is not None:
        return {"row": row.row, "error": row.error}
    prediction = {"row": row.row, "probability": row.probability, "decision": row.decision}
    if row.notes:
        prediction["notes"] = row.notes
    if explanation is None:
        return prediction
    return {**prediction, "explanation": to_json(explanation)}


def wants_explanation() -> bool:
    """Whether the request has `?explain=true`; BodyError if the value is neither true nor false."""
    word = request.args.get("explain", "false")
    if word not in ("true", "false"):
        raise BodyError(422, "The parameter explain is either true or false.")
    return word == "true"


@blueprint.get("/api/v1/models")
def models() -> Response:
    """Every model that can be chosen: schema, threshold, examples, scores and card."""
    return answer(Models(catalog().describe()))


@blueprint.get("/api/v1/openapi.json")
def openapi() -> Response:
    """The description of this API."""
    return jsonify(document(catalog()))
