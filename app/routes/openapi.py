"""The API's description after OpenAPI 3.1, made for the models that are there."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from app.catalog import Catalog
from app.parsing.records import MAX_ROWS
from app.routes.kserve import NUMBERS, OUTPUTS
from app.routes.schemas import KEPT, schemas
from utils.data.reading import MAX_COLUMNS

Part = dict[str, Any]
JSON = "application/json"
REASONS = {
    400: "The body cannot be read.",
    403: "A browser sent this for a page of another site.",
    404: "There is no such model or result.",
    408: "The body did not arrive in time.",
    413: "The body is too large, or has too many rows or columns.",
    415: "The body is of another type, compressed, or not in UTF-8.",
    422: "The body can be read, but is not what is asked for; `columns` names what it is about.",
    503: "The server is busy, or this model cannot be loaded.",
    507: "The server's disk is full.",
}
TEXT: Part = {"type": "string"}
FILE: Part = {"type": "string", "format": "binary"}


def document(catalog: Catalog) -> Part:
    """The whole description; `catalog` gives the names of models and the columns of a transaction."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Card fraud",
            "version": version("imbalanced-cgan"),
            "description": "Scores card transactions with the models of the study. Every row that is sent gets an "
            "answer: a probability of fraud and a decision, or the reason why it has none.",
        },
        "paths": {**_scoring_paths(catalog), **_telling_paths(), **_protocol_paths(catalog), **_watching_paths()},
        "components": {"schemas": schemas(catalog.champion)},
    }


def _scoring_paths(catalog: Catalog) -> Part:
    model = _parameter(
        "model", "query", {"type": "string", "enum": catalog.names}, "Which model; the champion if none."
    )
    explain = _parameter(
        "explain", "query", {"enum": ["true", "false"]}, "Say which columns drove each score; for up to 100 rows."
    )
    transaction = {"$ref": "#/components/schemas/Transaction"}
    rows = {"type": "array", "items": transaction, "minItems": 1, "maxItems": MAX_ROWS}
    token = _parameter("token", "path", TEXT, "From the `download` of a scored file.")
    return {
        "/api/v1/predict": {
            "post": _operation(
                "predict",
                "Score transactions",
                "Columns may stand in any order, and others are ignored. A value that is no number costs its row only. "
                f"Up to {MAX_ROWS:,} rows of up to {MAX_COLUMNS:,} columns.",
                answers={200: _named("Predictions", "One entry per row, in order.")},
                refusals=(400, 403, 404, 408, 413, 415, 422, 503),
                parameters=[model, explain],
                body={JSON: {"oneOf": [rows, transaction]}, "text/csv": TEXT},
            )
        },
        "/api/v1/files": {
            "post": _operation(
                "scoreFile",
                "Score a file",
                "CSV (separated by commas, semicolons, tabs or bars) or Parquet of up to 256 MiB, 1,000,000 rows and "
                f"{MAX_COLUMNS:,} columns, also packed with gzip or alone in a ZIP archive. The answer sums up; every "
                "row is in `download`.",
                answers={200: _named("FileSummary", "What the file comes to.")},
                refusals=(400, 403, 404, 408, 413, 415, 422, 503, 507),
                parameters=[model],
                body={
                    "multipart/form-data": {"type": "object", "properties": {"file": FILE}, "required": ["file"]},
                    "text/csv": FILE,
                    "application/vnd.apache.parquet": FILE,
                    "application/octet-stream": FILE,
                },
            )
        },
        "/api/v1/files/{token}.csv": {
            "get": _operation(
                "downloadFile",
                "Every row of a scored file",
                f"Kept {KEPT}.",
                answers={200: _answer("Number, probability, decision or error, time and amount.", "text/csv", TEXT)},
                refusals=(404,),
                parameters=[token],
            )
        },
    }


def _telling_paths() -> Part:
    return {
        "/api/v1/models": {
            "get": _operation(
                "listModels", "Models that can be chosen", answers={200: _named("Models", "The champion comes first.")}
            )
        },
        "/api/v1/openapi.json": {
            "get": _operation(
                "describeApi", "This description", answers={200: _answer("OpenAPI 3.1.", JSON, {"type": "object"})}
            )
        },
    }


def _protocol_paths(catalog: Catalog) -> Part:
    name = _parameter("name", "path", {"type": "string", "enum": catalog.names}, "Which model.")
    version = _parameter("version", "path", TEXT, "The version that is served; others are not found.")
    server = {
        "get": _operation(
            "serverMetadata", "The server, after KServe V2", answers={200: _named("ServerMetadata", "What it is.")}
        )
    }
    return {
        "/v2": server,
        **_model_paths("/v2/models/{name}", "", [name]),
        **_model_paths("/v2/models/{name}/versions/{version}", "Version", [name, version]),
    }


def _model_paths(base: str, suffix: str, parameters: list[Part]) -> Part:
    """Metadata, readiness and inference of a model, or of one version of it; `suffix` ends the operations' names."""
    ready = _object({"name": TEXT, "ready": {"type": "boolean"}}, ["ready"])
    whose = "a version of a model" if suffix else "a model"
    return {
        base: {
            "get": _operation(
                f"modelMetadata{suffix}",
                f"The tensors of {whose}, after KServe V2",
                answers={200: _named("ModelMetadata", "Inputs and outputs.")},
                refusals=(404, 503),
                parameters=parameters,
            )
        },
        f"{base}/ready": {
            "get": _operation(
                f"modelReady{suffix}",
                f"Whether {whose} scores",
                answers={200: _answer("It does.", JSON, ready)},
                refusals=(404, 503),
                parameters=parameters,
            )
        },
        f"{base}/infer": {
            "post": _operation(
                f"infer{suffix}",
                f"Score tensors with {whose}, after KServe V2",
                f"One input per column, of shape [n] or [n, 1] and a datatype of {', '.join(sorted(NUMBERS))}. "
                f"The outputs are {' and '.join(OUTPUTS)}.",
                answers={200: _named("InferResponse", "One value per row and output.")},
                refusals=(400, 403, 404, 408, 413, 422, 503),
                parameters=parameters,
                body={JSON: {"$ref": "#/components/schemas/InferRequest"}},
            )
        },
    }


def _watching_paths() -> Part:
    live = _object({"live": {"type": "boolean"}}, ["live"])
    return {
        "/v2/health/live": {
            "get": _operation("live", "Whether the server answers", answers={200: _answer("It does.", JSON, live)})
        },
        "/v2/health/ready": {
            "get": _operation(
                "ready",
                "Whether the champion scores",
                answers={200: _named("Readiness", "With what was refused, if anything.")},
            )
        },
        "/metrics": {
            "get": _operation(
                "metrics", "Figures for Prometheus", answers={200: _answer("Counts and times.", "text/plain", TEXT)}
            )
        },
    }


def _operation(
    name: str,
    summary: str,
    description: str = "",
    *,
    answers: dict[int, Part],
    refusals: tuple[int, ...] = (),
    parameters: list[Part] | None = None,
    body: dict[str, Part] | None = None,
) -> Part:
    """One address and method; `body` has a schema per content type."""
    refused = {status: _named("Error", REASONS[status]) for status in refusals}
    found: Part = {"operationId": name, "summary": summary}
    if description:
        found["description"] = description
    if parameters:
        found["parameters"] = parameters
    if body:
        content = {kind: {"schema": schema} for kind, schema in body.items()}
        found["requestBody"] = {"required": True, "content": content}
    return {**found, "responses": {str(status): answer for status, answer in {**answers, **refused}.items()}}


def _parameter(name: str, place: str, schema: Part, description: str) -> Part:
    return {"name": name, "in": place, "required": place == "path", "schema": schema, "description": description}


def _answer(description: str, kind: str, schema: Part) -> Part:
    return {"description": description, "content": {kind: {"schema": schema}}}


def _named(schema: str, description: str) -> Part:
    return _answer(description, JSON, {"$ref": f"#/components/schemas/{schema}"})


def _object(properties: Part, required: list[str]) -> Part:
    return {"type": "object", "properties": properties, "required": required}
