"""The description of the API (OpenAPI 3.1) for the models that can be chosen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.parsing.records import MAX_ROWS
from app.results import KEPT
from app.routes import models
from app.routes.models import NUMBERS, OUTPUTS, REFERENCE
from app.serving.catalog import Catalog
from app.version import project_version
from app.views.summary import FileSummary
from app.views.words import a, words_of
from utils.data.reading import MAX_COLUMNS
from utils.serving.bundle import FraudModel
from utils.serving.card import Card
from utils.wording import reword

Spec = dict[str, object]
FILE_TYPES = (
    "text/csv",
    "application/vnd.apache.parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",  # Excel
    "application/octet-stream",
)
JSON = "application/json"
REASONS = {
    400: "The body cannot be read, or is not what it says it is.",
    403: "A browser sent this for a page of another site.",
    404: "There is no such model or result.",
    408: "The body did not arrive in time.",
    413: "The body is too large, or has too many rows, columns or fields.",
    415: "The body is of another type, or has a Content-Encoding, or a charset other than UTF-8.",
    422: "The body can be read, but breaks the schema; `columns` names the columns that are wrong.",
    503: "The server is busy, or this model cannot be loaded.",
    507: "The server's disk is full.",
}
TEXT: Spec = {"type": "string"}
FILE: Spec = {"type": "string", "format": "binary"}


@dataclass(frozen=True)
class Operation:
    """What an address does, in OpenAPI's terms; `body` has a schema per content type."""

    address: str
    name: str
    summary: str
    answer: Spec
    description: str = ""
    parameters: tuple[Spec, ...] = ()
    refusals: tuple[int, ...] = ()
    body: dict[str, Spec] | None = None

    @property
    def method(self) -> str:
        """What has a body is posted."""
        return "post" if self.body else "get"

    def spec(self) -> Spec:
        """Its OpenAPI object."""
        refused = {str(status): _answer(REASONS[status], models.Error) for status in self.refusals}
        content = {kind: {"schema": schema} for kind, schema in (self.body or {}).items()}
        body = content and {"required": True, "content": content}
        optional = {"description": self.description, "parameters": self.parameters, "requestBody": body}
        return {
            "operationId": self.name,
            "summary": self.summary,
            **{key: value for key, value in optional.items() if value},
            "responses": {"200": self.answer, **refused},
        }


def document(catalog: Catalog) -> Spec:
    """The OpenAPI document; names of models and columns of a transaction come from `catalog`."""
    card = catalog.champion.model.card
    words = words_of(card)
    rows, positive = (words.rows, a(words.positive)) if card.study else ("card transactions", words.positive)
    description = (
        f"Scores {rows} with the models of the study. Every row gets an answer: a probability of {positive} and "
        "a decision, or the reason why it cannot be scored."
    )
    paths = {operation.address: {operation.method: operation.spec()} for operation in operations(catalog.names)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": card.study or "Card fraud",
            "version": project_version(),
            "description": description,
        },
        "paths": in_words(paths, card),
        "components": {"schemas": _schemas(catalog.champion.model)},
    }


def _schemas(model: FraudModel) -> Spec:
    (name, row), *others = models.schemas(model).items()
    return {in_own_name(name, model.card): row} | in_words(dict(others), model.card)


def in_own_name(reference: str, card: Card) -> str:
    """The name of the object that is a row, alone or in a reference."""
    return reference.replace("Transaction", "Row") if card.study else reference


def in_words(spec: Spec, card: Card) -> Spec:
    """A specification with its sentences in the words of a study of the user's own."""
    if card.study is None:
        return spec
    words = words_of(card)

    def translated(key: str, value: object) -> object:
        if isinstance(value, dict):
            return in_words(value, card)
        if isinstance(value, list | tuple):
            return [translated("", item) for item in value]
        if key == "$ref":
            return in_own_name(value, card)
        return reword(value, words) if key in ("description", "summary") and isinstance(value, str) else value

    return {key: translated(key, value) for key, value in spec.items()}


def operations(names: list[str]) -> Iterator[Operation]:
    """Everything that the API does with models of these names."""
    choice: Spec = {"type": "string", "enum": names}
    model = _parameter("model", "query", choice, "Name of the model; the champion by default.")
    yield _predict(model)
    yield from _files(model, choice)
    yield Operation(
        "/api/v1/models", "listModels", "Models that can be chosen", _answer("The champion comes first.", models.Models)
    )
    yield Operation(
        "/api/v1/openapi.json", "describeApi", "This description", _answer("OpenAPI 3.1.", {"type": "object"})
    )
    yield Operation(
        "/v2", "serverMetadata", "The server, after KServe V2", _answer("What it is.", models.ServerMetadata)
    )
    name = _parameter("name", "path", choice, "Name of the model.")
    number = _parameter("version", "path", TEXT, "The version that is served; any other is not found.")
    yield from _of_model("/v2/models/{name}", "", (name,))
    yield from _of_model("/v2/models/{name}/versions/{version}", "Version", (name, number))
    yield Operation("/v2/health/live", "live", "Whether the server answers", _answer("It does.", models.Live))
    readiness = _answer("With newer models that were refused, if any.", models.Readiness)
    yield Operation("/v2/health/ready", "ready", "Whether the champion can score", readiness)
    yield Operation("/metrics", "metrics", "Figures for Prometheus", _answer("Counts and times.", TEXT, "text/plain"))


def _predict(model: Spec) -> Operation:
    transaction = _reference("Transaction")
    rows = {"type": "array", "items": transaction, "minItems": 1, "maxItems": MAX_ROWS}
    choice: Spec = {"enum": ["true", "false"]}
    explain = _parameter("explain", "query", choice, "Explain each score by its columns; for up to 100 rows.")
    return Operation(
        "/api/v1/predict",
        "predict",
        "Score transactions",
        _answer("One entry per row, in order.", models.Predictions),
        "Columns may be in any order, and other columns are ignored. A value that cannot be read makes an error of "
        f"its row only. Up to {MAX_ROWS:,} rows of up to {MAX_COLUMNS:,} columns.",
        parameters=(model, explain),
        refusals=(400, 403, 404, 408, 413, 415, 422, 503),
        body={JSON: {"oneOf": [rows, transaction]}, "text/csv": TEXT},
    )


def _files(model: Spec, choice: Spec) -> Iterator[Operation]:
    chosen = {**choice, "description": "As the parameter; one of them is enough, and they must not differ."}
    form = {"type": "object", "properties": {"file": FILE, "model": chosen}, "required": ["file"]}
    yield Operation(
        "/api/v1/files",
        "scoreFile",
        "Score a file",
        _answer("Summary of the file.", FileSummary),
        "CSV (separated by commas, semicolons, tabs or bars), Parquet or Excel of up to 256 MiB, 1,000,000 rows and "
        f"{MAX_COLUMNS:,} columns, also packed with gzip or alone in a ZIP archive. The answer is a summary; all rows "
        "are in `download`.",
        parameters=(model,),
        refusals=(400, 403, 404, 408, 413, 415, 422, 503, 507),
        body={"multipart/form-data": form, **dict.fromkeys(FILE_TYPES, FILE)},
    )
    yield Operation(
        "/api/v1/files/{token}.csv",
        "downloadFile",
        "All rows of a scored file",
        _answer(
            "Number, probability, decision or error, time and amount, and what training did not have.", TEXT, "text/csv"
        ),
        f"Kept {KEPT}.",
        parameters=(_parameter("token", "path", TEXT, "From the `download` of a scored file."),),
        refusals=(404,),
    )


def _of_model(address: str, suffix: str, parameters: tuple[Spec, ...]) -> Iterator[Operation]:
    """Metadata, readiness and inference of a model, or of one version of it; `suffix` ends the operations' names."""
    model = "a version of a model" if suffix else "a model"
    yield Operation(
        address,
        f"modelMetadata{suffix}",
        f"The tensors of {model}, after KServe V2",
        _answer("Inputs and outputs.", models.ModelMetadata),
        parameters=parameters,
        refusals=(404, 503),
    )
    yield Operation(
        f"{address}/ready",
        f"modelReady{suffix}",
        f"Whether {model} can score",
        _answer("It does.", models.ModelReadiness),
        parameters=parameters,
        refusals=(404, 503),
    )
    yield Operation(
        f"{address}/infer",
        f"infer{suffix}",
        f"Score tensors with {model}, after KServe V2",
        _answer("One value per row and output.", models.InferResponse),
        f"One input per column, of shape [n] or [n, 1]: numbers in a datatype of {', '.join(sorted(NUMBERS))}, "
        "categories and dates in BYTES. "
        f"The outputs are {' and '.join(OUTPUTS)}.",
        parameters=parameters,
        refusals=(400, 403, 404, 408, 413, 422, 503),
        body={JSON: _reference("InferRequest")},
    )


def _parameter(name: str, location: str, schema: Spec, description: str) -> Spec:
    required = location == "path"
    return {"name": name, "in": location, "required": required, "schema": schema, "description": description}


def _answer(description: str, content: type | Spec, kind: str = JSON) -> Spec:
    """An answer that holds an object of the API, or what a schema describes."""
    schema = content if isinstance(content, dict) else _reference(content.__name__)
    return {"description": description, "content": {kind: {"schema": schema}}}


def _reference(name: str) -> Spec:
    return {"$ref": REFERENCE.format(model=name)}
