"""The objects that the API takes and answers; pydantic describes them, and those inside them, as JSON Schema.

A field whose default is None is left out of the JSON while it is None. The sentence below a field is its description.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Literal, get_args

from flask import Response, jsonify
from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from app.parsing.labels import COUNTS, FOREIGN_COUNTS
from app.parsing.records import LARGEST
from app.serving.served import Explanation, ModelDescription
from app.views.summary import FileSummary
from app.views.words import words_of
from utils.benchmark.records import to_json
from utils.serving.bundle import FraudModel
from utils.serving.raw_columns import RawColumn
from utils.wording import capitalised, reword

MAX_NAMED = 5  # categories that a description names
REFERENCE = "#/components/schemas/{model}"
Number = Literal["FP32", "FP64", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"]
Datatype = Number | Literal["BYTES"]
OutputName = Literal["probability", "alert"]
NUMBERS = get_args(Number)
OUTPUTS: dict[OutputName, str] = {"probability": "FP64", "alert": "BOOL"}


@dataclass(frozen=True)
class Prediction:
    """Probability and decision of a row, or its error."""

    row: Annotated[int, Field(ge=1)]
    """Number of the row as sent, from 1."""
    probability: Annotated[float, Field(ge=0, le=1)] | None = None
    """Calibrated probability of fraud."""
    decision: Literal["alert", "pass"] | None = None
    """An alert from the threshold on."""
    explanation: Explanation | None = None
    """Only if it was asked for."""
    notes: list[str] | None = None
    """Values that training did not have: unseen categories, and others outside the range; what CSV leaves open."""
    error: str | None = None
    """Why the row has no probability, with its line in CSV."""


@dataclass(frozen=True)
class Predictions:
    """Scores of some rows."""

    model: str
    """Sampler, model and version that scored."""
    threshold: float
    """Probability from which a row is an alert."""
    predictions: list[Prediction]
    """One per row, in order."""


@dataclass(frozen=True)
class Models:
    """Models that can be chosen."""

    models: list[ModelDescription]
    """The champion first."""


@dataclass(frozen=True)
class InputTensor:
    """A column of some rows."""

    name: str
    """The column."""
    datatype: Datatype
    shape: list[Annotated[int, Field(ge=1)]]
    """[n] or [n, 1]."""
    data: list[float | str | list[float | str | None] | None]
    """Numbers, one per row; text in a tensor of BYTES, for categories and dates, and null for a gap."""


@dataclass(frozen=True)
class Output:
    """An output that is asked for."""

    name: OutputName


@dataclass(frozen=True, kw_only=True)
class InferRequest:
    """Rows as tensors."""

    id: str | None = None
    """Is given back with the answer."""
    inputs: list[InputTensor]
    """One per column; others are ignored."""
    outputs: list[Output] | None = field(default_factory=list)
    """Outputs that are asked for; all by default."""


@dataclass(frozen=True)
class OutputTensor:
    """An output of some rows."""

    name: OutputName
    datatype: Literal["FP64", "BOOL"]
    shape: list[int]
    data: list[float] | list[bool]
    """One value per row."""


@dataclass(frozen=True, kw_only=True)
class InferResponse:
    """Scores as tensors."""

    model_name: str
    model_version: str
    id: str | None = None
    """As in the request."""
    outputs: list[OutputTensor]


@dataclass(frozen=True)
class TensorMetadata:
    """A tensor that a model takes or gives."""

    name: str
    datatype: str
    shape: list[Annotated[int, Field(ge=-1)]]
    """-1 stands for any number of rows."""


@dataclass(frozen=True)
class ModelMetadata:
    """A model's tensors."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


@dataclass(frozen=True)
class ServerMetadata:
    """A server."""

    name: str
    version: str
    extensions: list[str]


@dataclass(frozen=True)
class Live:
    """Whether the server answers."""

    live: bool


@dataclass(frozen=True)
class Readiness:
    """Whether the server can score."""

    ready: bool
    """Whether the champion can score."""
    refused: dict[str, str] | None = None
    """Why newer models were refused, by name."""


@dataclass(frozen=True)
class ModelReadiness:
    """Whether a model can score."""

    name: str
    ready: bool


@dataclass(frozen=True)
class Error:
    """Why a request was refused."""

    status: int
    """The HTTP status."""
    error: str
    """What is wrong, and what to do."""
    columns: list[str] | None = None
    """Columns that the error is about."""


Documented = (
    Predictions
    | FileSummary
    | Models
    | InferRequest
    | InferResponse
    | ModelMetadata
    | ServerMetadata
    | Live
    | Readiness
    | ModelReadiness
    | Error
)


def answer(content: Documented) -> Response:
    """The JSON of an object."""
    return jsonify(to_json(content))


def column_type(model: FraudModel, name: str) -> object:
    """The type of a column's values in a row, with its limits and description."""
    for column in model.raw:
        if column.name == name:
            return _described_type(column)
    counts = "only the hour of day counts" if model.hour_features else "counts as it is"
    roles = {
        model.schema.time: f"{capitalised(model.schema.time_unit)} since the first transaction of the file; {counts}.",
        model.schema.amount: "Amount of the row." if model.card.study else "Amount of the transaction.",
    }
    description = reword(roles.get(name, "As in the file of the study."), words_of(model.card))
    return Annotated[float, Field(ge=-LARGEST, le=LARGEST, description=description)]


def _described_type(column: RawColumn) -> object:
    """The type of a column of a mixed table; null is a gap."""
    gaps = f"; {column.share_missing * 100:.1f} % missing in training." if column.share_missing else "."
    if column.is_category:
        known = ", ".join(column.categories[:MAX_NAMED])
        more = f" and {len(column.categories) - MAX_NAMED:,} more" if len(column.categories) > MAX_NAMED else ""
        description = f"A category: {known}{more}. Others are scored as not seen in training{gaps}"
        return Annotated[str | None, Field(description=description)]
    low, high = (None if limit is None else _plain(column, limit) for limit in (column.minimum, column.maximum))
    description = "Never known in training." if low is None else f"From {low} to {high} in training{gaps}"
    if column.is_date:
        date_format = {"format": "date" if column.kind == "date" else "date-time"}
        return Annotated[str | None, Field(description=description, json_schema_extra=date_format)]
    kind = float if column.is_required else float | None
    return Annotated[kind, Field(ge=-LARGEST, le=LARGEST, description=description)]


def _plain(column: RawColumn, limit: float) -> str:
    value = column.plain(limit)
    return value if isinstance(value, str) else f"{value:.12g}"


def schemas(model: FraudModel) -> dict[str, JsonSchemaValue]:
    """JSON Schema of every object by its name; `model` gives the columns of a transaction."""
    columns = {name: TypeAdapter(column_type(model, name)).json_schema() for name in model.raw_columns}
    words = words_of(model.card)
    transaction = {
        "description": f"One {words.row}." if model.card.study else "One card payment.",
        "type": "object",
        "properties": columns,
        "required": list(columns),
    }
    return {"Transaction": transaction, **_fixed_schemas(), "LabelCounts": _label_counts(model)}


def _label_counts(model: FraudModel) -> JsonSchemaValue:
    """The numbers of labels by the names that the classes have in answers about this model."""
    schema, own = _fixed_schemas()["LabelCounts"], COUNTS if model.card.study is None else FOREIGN_COUNTS
    others = {*COUNTS, *FOREIGN_COUNTS} - {*own}
    properties = {name: described for name, described in schema["properties"].items() if name not in others}
    return {**schema, "properties": properties, "required": list(properties)}


@cache
def _fixed_schemas() -> dict[str, JsonSchemaValue]:
    adapter = TypeAdapter(Documented, config=ConfigDict(use_attribute_docstrings=True))
    return adapter.json_schema(ref_template=REFERENCE, schema_generator=_Generator)["$defs"]


class _Generator(GenerateJsonSchema):
    """Describes what `to_json` writes, by the first paragraphs of docstrings."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """A field that is None by default is never null in the JSON."""
        inner = schema["schema"]
        if "default" in schema and schema["default"] is None:
            return self.generate_inner(inner["schema"] if inner["type"] == "nullable" else inner)
        return super().default_schema(schema)

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        """Without the further paragraphs, which are for readers of the code."""
        described = super().dataclass_schema(schema)
        return {**described, "description": described["description"].partition("\n\n")[0]}

    def field_title_should_be_set(self, schema: object) -> bool:
        """A title would repeat the name."""
        return False
