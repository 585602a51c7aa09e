"""The objects that the API takes and gives, as JSON Schema."""

from __future__ import annotations

from typing import Any

from app.parsing.records import LARGEST
from app.results import KEEP_FILES, KEEP_SECONDS
from app.routes.kserve import NUMBERS, OUTPUTS
from app.served import Served

Schema = dict[str, Any]
KEPT = f"for up to {KEEP_SECONDS // 60} minutes, while the server runs and no {KEEP_FILES} newer files were scored"


def described(kind: str, description: str, **more: Any) -> Schema:
    """A field of a JSON type with its meaning."""
    return {"type": kind, "description": description, **more}


def one_of(name: str, description: str) -> Schema:
    """A field that holds a named object."""
    return {"$ref": f"#/components/schemas/{name}", "description": description}


def many(items: Schema, description: str = "") -> Schema:
    """A list."""
    return {"type": "array", "items": items, **({"description": description} if description else {})}


def record(description: str, fields: Schema, optional: tuple[str, ...] = ()) -> Schema:
    """An object whose fields are all there but for the optional ones."""
    required = [name for name in fields if name not in optional]
    return {"type": "object", "description": description, "properties": fields, "required": required}


def schemas(model: Served) -> dict[str, Schema]:
    """Every named object; `model` gives the columns of a transaction."""
    return {**_transaction(model), **_predictions(), **_files(), **_models(), **_protocol(), **_errors()}


def _transaction(model: Served) -> dict[str, Schema]:
    counts = "only the hour of day counts" if model.model.hour_features else "counts as it is"
    roles = {
        model.model.schema.time: f"Seconds since the first transaction of the file; {counts}.",
        model.model.schema.amount: "What was paid.",
    }
    number = {"minimum": -LARGEST, "maximum": LARGEST}
    fields = {name: described("number", roles.get(name, "As in the study's file."), **number) for name in model.columns}
    return {"Transaction": record("One card payment.", fields)}


def _predictions() -> dict[str, Schema]:
    row = {
        "row": described("integer", "Number of the row as sent, from 1.", minimum=1),
        "probability": described("number", "Calibrated probability of fraud.", minimum=0, maximum=1),
        "decision": described("string", "An alert from the threshold on.", enum=["alert", "pass"]),
        "explanation": one_of("Explanation", "If asked for."),
        "error": described("string", "Why the row has no probability, with its line in CSV."),
    }
    contribution = {
        "feature": described("string", "A column."),
        "value": described("number", "What the row has there."),
        "contribution": described("number", "What it adds to the log odds (Shapley value)."),
    }
    explanation = {
        "base": described("number", "Log odds before anything is known of the row."),
        "contributions": many({"$ref": "#/components/schemas/Contribution"}, "The largest first."),
    }
    scores = {
        "model": described("string", "Sampler, model and version that scored."),
        "threshold": described("number", "Probability from which a row is an alert."),
        "predictions": many({"$ref": "#/components/schemas/Prediction"}, "One per row, in order."),
    }
    optional = ("probability", "decision", "explanation", "error")
    return {
        "Predictions": record("Scores of some rows.", scores),
        "Prediction": record("Probability and decision of a row, or its error.", row, optional),
        "Explanation": record("Base and contributions add up to the log odds of the probability.", explanation),
        "Contribution": record("What one column adds.", contribution),
    }


def _files() -> dict[str, Schema]:
    number, integer = {"type": "number"}, {"type": "integer"}
    nullable = {"type": ["number", "null"]}
    error = {"row": integer, "line": {"type": ["integer", "null"]}, "error": {"type": "string"}}
    top = {"row": integer, "probability": number, "decision": {"type": "string"}, "amount": nullable, "time": nullable}
    errors = {"count": integer, "first": many(record("A row without a probability.", error), "At most 100.")}
    histogram = {
        "edges": many(number, "One more than there are bins; the first holds less, too."),
        "counts": many(integer),
    }
    confusion = dict.fromkeys(("tp", "fp", "fn", "tn"), integer)
    labelled = {
        "rows": described("integer", "Scored rows whose label was understood."),
        "prevalence": described("number", "Share of frauds among them."),
        "average_precision": described("number", "Step-wise area under the precision-recall curve."),
        "recall": many(number, "At most 500 points of the curve."),
        "precision": many(number, "At the same points."),
        "confusion": record("Counts at the threshold.", confusion),
    }
    summary = {
        "model": described("string", "Sampler, model and version that scored."),
        "threshold": described("number", "Probability from which a row is an alert."),
        "rows": described("integer", "Rows in the file."),
        "scored": described("integer", "Rows with a probability."),
        "errors": record("Rows that cannot be scored.", errors),
        "alerts": {"type": ["integer", "null"], "description": "Rows from the threshold on; null if none was scored."},
        "amount_at_risk": {
            "type": ["number", "null"],
            "description": "Sum of the alerts' amounts; null without an amount, or if no row was scored.",
        },
        "histogram": record("Rows by probability.", histogram),
        "top": many(record("A row.", top), "The highest probabilities, at most 500."),
        "labels": {
            "oneOf": [{"$ref": "#/components/schemas/Labels"}, {"type": "null"}],
            "description": "How the label's column was read; null if the file has none.",
        },
        "labelled": {
            "oneOf": [{"$ref": "#/components/schemas/Labelled"}, {"type": "null"}],
            "description": "How good the scores are; null unless frauds and legitimate rows are labelled.",
        },
        "notes": many({"type": "string"}, "What a reader has to know: what is not shown, and how labels were read."),
        "download": described("string", f"Where every row can be had {KEPT}."),
    }
    labels = {
        "frauds": described("integer", "Rows with 1, true, yes, fraud or the like; of -1/1 and 1/2, with the rarer."),
        "legitimate": described(
            "integer", "Rows with 0, false, no, legitimate or the like; or with the more frequent."
        ),
        "empty": described("integer", "Rows without a label."),
        "not_understood": described("integer", "Rows with something else."),
    }
    return {
        "FileSummary": record("Summary of a scored file.", summary),
        "Labels": record("Rows of the file by what their label says.", labels),
        "Labelled": record("Quality of the scores of labelled rows.", labelled),
    }


def _models() -> dict[str, Schema]:
    nullable = {"type": ["number", "null"]}
    numbers = {"type": "object", "additionalProperties": {"type": "number"}}
    scores = {
        "average_precision": {**nullable, "description": "Mean over development folds; null if it was not measured."},
        "interval": many(nullable, "95 %, from and to."),
        "folds": described("integer", "How many."),
        "profile": described("string", "Run of the study."),
    }
    model = {
        "name": described("string", "What to choose it by."),
        "model": described("string", "Sampler, model and version, as answers name it."),
        "version": described("string", "Start of its card's SHA-256."),
        "label": described("string", "Model and sampler in words."),
        "source": described("string", "Where it comes from."),
        "threshold": described("number", "Probability from which a row is an alert."),
        "columns": many({"type": "string"}, "What a transaction must have."),
        "ranges": described("object", "Least and largest value in training, by column."),
        "examples": {"type": "object", "additionalProperties": numbers, "description": "A typical row of each class."},
        "card": described("object", "How it was made and what it scored."),
        "scores": {
            "oneOf": [{"$ref": "#/components/schemas/Scores"}, {"type": "null"}],
            "description": "What the study measured of this pair.",
        },
    }
    return {
        "Models": record("Models that can be chosen.", {"models": many({"$ref": "#/components/schemas/Model"})}),
        "Model": record("A model.", model),
        "Scores": record("Average precision of a pair in the study.", scores),
    }


def _protocol() -> dict[str, Schema]:
    text, shape = {"type": "string"}, many({"type": "integer", "minimum": -1})
    described_tensor = {"name": text, "datatype": text, "shape": shape}
    tensor = {
        "name": text,
        "datatype": {"type": "string", "enum": sorted(NUMBERS)},
        "shape": many({"type": "integer", "minimum": 1}),
        "data": many({}, "Numbers, one per row."),
    }
    output = {"name": {"type": "string", "enum": list(OUTPUTS)}}
    asked = {
        "id": text,
        "inputs": many(record("A column.", tensor)),
        "outputs": {
            **many(record("One that is wanted.", output), "All, if there are none."),
            "type": ["array", "null"],
        },
    }
    given = {
        "model_name": text,
        "model_version": text,
        "id": text,
        "outputs": many(record("A tensor.", {**described_tensor, "data": many({})})),
    }
    metadata = {
        "name": text,
        "versions": many(text),
        "platform": text,
        "inputs": many(record("A tensor.", described_tensor)),
        "outputs": many(record("A tensor.", described_tensor)),
    }
    server = {"name": text, "version": text, "extensions": many(text)}
    return {
        "InferRequest": record("Rows as tensors.", asked, ("id", "outputs")),
        "InferResponse": record("Scores as tensors.", given, ("id",)),
        "ModelMetadata": record("A model's tensors.", metadata),
        "ServerMetadata": record("A server.", server),
    }


def _errors() -> dict[str, Schema]:
    error = {
        "status": described("integer", "The HTTP status."),
        "error": described("string", "What is wrong and what to do."),
        "columns": many({"type": "string"}, "What it is about."),
    }
    readiness = {
        "ready": described("boolean", "Whether the champion scores."),
        "refused": described(
            "object", "Why newer models were refused, by name.", additionalProperties={"type": "string"}
        ),
    }
    return {
        "Error": record("Why a request was refused.", error, ("columns",)),
        "Readiness": record("Whether the server scores.", readiness, ("refused",)),
    }
