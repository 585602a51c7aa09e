"""The machine interface: JSON or CSV in, JSON out."""

from __future__ import annotations

from flask import Blueprint, Response, abort, current_app, jsonify, request

from app.records import Batch, read_csv, read_json
from app.served import Served

blueprint = Blueprint("api", __name__)
READERS = {"application/json": read_json, "text/csv": read_csv}


def served() -> Served:
    """The model of the running application."""
    return current_app.extensions["served"]


@blueprint.post("/api/v1/predict")
def predict() -> Response:
    """Score transactions; one entry per input row, whether it could be scored or not."""
    read = READERS.get(request.mimetype)
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if read is None or charset not in ("utf-8", "utf8") or request.headers.get("Content-Encoding"):
        abort(415, f"Send {' or '.join(READERS)} in UTF-8, not compressed.")
    model = served()
    batch = read(request.get_data(cache=False), model.columns)
    return jsonify(model=model.name, threshold=model.model.threshold, predictions=model.score(batch))


@blueprint.get("/api/v1/models")
def models() -> Response:
    """What is served: schema, threshold, examples."""
    return jsonify(models=[served().describe()])


@blueprint.get("/v2/health/live")
def live() -> Response:
    """Whether the process answers."""
    return jsonify(live=True)


@blueprint.get("/v2/health/ready")
def ready() -> Response:
    """Whether the model scores; it is asked to score one of its examples."""
    model = served()
    batch = Batch()
    batch.add(model.about["examples"]["legitimate"], model.columns)
    return jsonify(ready="probability" in model.score(batch)[0])
