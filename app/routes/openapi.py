"""The description of the API (OpenAPI 3.1) for the models that can be chosen."""

from __future__ import annotations

from importlib.metadata import version

from app.catalog import Catalog
from app.parsing.records import MAX_ROWS
from app.routes.kserve import NUMBERS, OUTPUTS
from app.routes.schemas import KEPT, schemas
from utils.data.reading import MAX_COLUMNS

Spec = dict[str, object]
JSON = "application/json"
REASONS = {
    400: "The body cannot be read.",
    403: "A browser sent this for a page of another site.",
    404: "There is no such model or result.",
    408: "The body did not arrive in time.",
    413: "The body is too large, or has too many rows or columns.",
    415: "The body is of another type, compressed, or not in UTF-8.",
    422: "The body can be read, but breaks the schema; `columns` names the columns that are wrong.",
    503: "The server is busy, or this model cannot be loaded.",
    507: "The server's disk is full.",
}
TEXT: Spec = {"type": "string"}
FILE: Spec = {"type": "string", "format": "binary"}


def document(catalog: Catalog) -> Spec:
    """The OpenAPI document; names of models and columns of a transaction come from `catalog`."""
    paths = {
        **_predict_path(catalog),
        **_file_paths(catalog),
        **_description_paths(),
        **_kserve_paths(catalog),
        **_monitoring_paths(),
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Card fraud",
            "version": version("imbalanced-cgan"),
            "description": "Scores card transactions with the models of the study. Every row gets an answer: "
            "a probability of fraud and a decision, or the reason why it cannot be scored.",
        },
        "paths": paths,
        "components": {"schemas": schemas(catalog.champion)},
    }


def _predict_path(catalog: Catalog) -> Spec:
    explain = _parameter(
        "explain", "query", {"enum": ["true", "false"]}, "Explain each score by its columns; for up to 100 rows."
    )
    transaction = {"$ref": "#/components/schemas/Transaction"}
    rows = {"type": "array", "items": transaction, "minItems": 1, "maxItems": MAX_ROWS}
    predict = _operation(
        "predict",
        "Score transactions",
        "Columns may be in any order, and other columns are ignored. A value that is not a number makes an error of "
        f"its row only. Up to {MAX_ROWS:,} rows of up to {MAX_COLUMNS:,} columns.",
        answers={200: _named("Predictions", "One entry per row, in order.")},
        refusals=(400, 403, 404, 408, 413, 415, 422, 503),
        parameters=[_model_parameter(catalog), explain],
        body={JSON: {"oneOf": [rows, transaction]}, "text/csv": TEXT},
    )
    return {"/api/v1/predict": {"post": predict}}


def _file_paths(catalog: Catalog) -> Spec:
    score = _operation(
        "scoreFile",
        "Score a file",
        "CSV (separated by commas, semicolons, tabs or bars) or Parquet of up to 256 MiB, 1,000,000 rows and "
        f"{MAX_COLUMNS:,} columns, also packed with gzip or alone in a ZIP archive. The answer is a summary; all rows "
        "are in `download`.",
        answers={200: _named("FileSummary", "Summary of the file.")},
        refusals=(400, 403, 404, 408, 413, 415, 422, 503, 507),
        parameters=[_model_parameter(catalog)],
        body={
            "multipart/form-data": {"type": "object", "properties": {"file": FILE}, "required": ["file"]},
            "text/csv": FILE,
            "application/vnd.apache.parquet": FILE,
            "application/octet-stream": FILE,
        },
    )
    download = _operation(
        "downloadFile",
        "All rows of a scored file",
        f"Kept {KEPT}.",
        answers={200: _answer("Number, probability, decision or error, time and amount.", "text/csv", TEXT)},
        refusals=(404,),
        parameters=[_parameter("token", "path", TEXT, "From the `download` of a scored file.")],
    )
    return {"/api/v1/files": {"post": score}, "/api/v1/files/{token}.csv": {"get": download}}


def _model_parameter(catalog: Catalog) -> Spec:
    schema = {"type": "string", "enum": catalog.names}
    return _parameter("model", "query", schema, "Name of the model; the champion by default.")


def _description_paths() -> Spec:
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


def _kserve_paths(catalog: Catalog) -> Spec:
    name = _parameter("name", "path", {"type": "string", "enum": catalog.names}, "Name of the model.")
    version = _parameter("version", "path", TEXT, "The version that is served; any other is not found.")
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


def _model_paths(base: str, suffix: str, parameters: list[Spec]) -> Spec:
    """Metadata, readiness and inference of a model, or of one version of it; `suffix` ends the operations' names."""
    ready = _object({"name": TEXT, "ready": {"type": "boolean"}}, ["ready"])
    model = "a version of a model" if suffix else "a model"
    return {
        base: {
            "get": _operation(
                f"modelMetadata{suffix}",
                f"The tensors of {model}, after KServe V2",
                answers={200: _named("ModelMetadata", "Inputs and outputs.")},
                refusals=(404, 503),
                parameters=parameters,
            )
        },
        f"{base}/ready": {
            "get": _operation(
                f"modelReady{suffix}",
                f"Whether {model} can score",
                answers={200: _answer("It does.", JSON, ready)},
                refusals=(404, 503),
                parameters=parameters,
            )
        },
        f"{base}/infer": {
            "post": _operation(
                f"infer{suffix}",
                f"Score tensors with {model}, after KServe V2",
                f"One input per column, of shape [n] or [n, 1] and a datatype of {', '.join(sorted(NUMBERS))}. "
                f"The outputs are {' and '.join(OUTPUTS)}.",
                answers={200: _named("InferResponse", "One value per row and output.")},
                refusals=(400, 403, 404, 408, 413, 422, 503),
                parameters=parameters,
                body={JSON: {"$ref": "#/components/schemas/InferRequest"}},
            )
        },
    }


def _monitoring_paths() -> Spec:
    live = _object({"live": {"type": "boolean"}}, ["live"])
    return {
        "/v2/health/live": {
            "get": _operation("live", "Whether the server answers", answers={200: _answer("It does.", JSON, live)})
        },
        "/v2/health/ready": {
            "get": _operation(
                "ready",
                "Whether the champion can score",
                answers={200: _named("Readiness", "With newer models that were refused, if any.")},
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
    answers: dict[int, Spec],
    refusals: tuple[int, ...] = (),
    parameters: list[Spec] | None = None,
    body: dict[str, Spec] | None = None,
) -> Spec:
    """An operation; `body` has a schema per content type."""
    refused = {status: _named("Error", REASONS[status]) for status in refusals}
    operation: Spec = {"operationId": name, "summary": summary}
    if description:
        operation["description"] = description
    if parameters:
        operation["parameters"] = parameters
    if body:
        content = {kind: {"schema": schema} for kind, schema in body.items()}
        operation["requestBody"] = {"required": True, "content": content}
    return {**operation, "responses": {str(status): answer for status, answer in {**answers, **refused}.items()}}


def _parameter(name: str, location: str, schema: Spec, description: str) -> Spec:
    required = location == "path"
    return {"name": name, "in": location, "required": required, "schema": schema, "description": description}


def _answer(description: str, kind: str, schema: Spec) -> Spec:
    return {"description": description, "content": {kind: {"schema": schema}}}


def _named(schema: str, description: str) -> Spec:
    return _answer(description, JSON, {"$ref": f"#/components/schemas/{schema}"})


def _object(properties: Spec, required: list[str]) -> Spec:
    return {"type": "object", "properties": properties, "required": required}
