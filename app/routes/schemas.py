"""The objects of requests and responses, as JSON Schema."""

from __future__ import annotations

from app.parsing.records import LARGEST
from app.results import KEEP_FILES, KEEP_SECONDS
from app.routes.kserve import NUMBERS, OUTPUTS
from app.served import Served

Schema = dict[str, object]
KEPT = f"for up to {KEEP_SECONDS // 60} minutes, while the server runs and no {KEEP_FILES} newer files were scored"


def scalar(kind: str, description: str, **constraints: object) -> Schema:
    """A field of a JSON type."""
    return {"type": kind, "description": description, **constraints}


def reference(name: str, description: str) -> Schema:
    """A field that holds a named object."""
    return {"$ref": f"#/components/schemas/{name}", "description": description}


def _nullable_reference(name: str, description: str) -> Schema:
    """A field that holds a named object or null."""
    options = [{"$ref": f"#/components/schemas/{name}"}, {"type": "null"}]
    return {"oneOf": options, "description": description}


def array(items: Schema, description: str = "") -> Schema:
    """A list."""
    return {"type": "array", "items": items, **({"description": description} if description else {})}


def json_object(description: str, fields: Schema, optional: tuple[str, ...] = ()) -> Schema:
    """An object; all fields but the optional ones are required."""
    required = [name for name in fields if name not in optional]
    return {"type": "object", "description": description, "properties": fields, "required": required}


def schemas(model: Served) -> dict[str, Schema]:
    """Every named object; `model` gives the columns of a transaction."""
    return {**_transaction(model), **_predictions(), **_files(), **_models(), **_protocol(), **_errors()}


def _transaction(model: Served) -> dict[str, Schema]:
    counts = "only the hour of day counts" if model.model.hour_features else "counts as it is"
    roles = {
        model.model.schema.time: f"Seconds since the first transaction of the file; {counts}.",
        model.model.schema.amount: "Amount of the payment.",
    }
    number = {"minimum": -LARGEST, "maximum": LARGEST}
    fields = {
        name: scalar("number", roles.get(name, "As in the file of the study."), **number) for name in model.columns
    }
    return {"Transaction": json_object("One card payment.", fields)}


def _predictions() -> dict[str, Schema]:
    row = {
        "row": scalar("integer", "Number of the row as sent, from 1.", minimum=1),
        "probability": scalar("number", "Calibrated probability of fraud.", minimum=0, maximum=1),
        "decision": scalar("string", "An alert from the threshold on.", enum=["alert", "pass"]),
        "explanation": reference("Explanation", "Only if it was asked for."),
        "error": scalar("string", "Why the row has no probability, with its line in CSV."),
    }
    contribution = {
        "feature": scalar("string", "A column."),
        "value": scalar("number", "Value of the row in this column."),
        "contribution": scalar("number", "What the value adds to the log odds (Shapley value)."),
    }
    explanation = {
        "base": scalar("number", "Log odds before anything is known about the row."),
        "contributions": array({"$ref": "#/components/schemas/Contribution"}, "The largest first."),
    }
    scores = {
        "model": scalar("string", "Sampler, model and version that scored."),
        "threshold": scalar("number", "Probability from which a row is an alert."),
        "predictions": array({"$ref": "#/components/schemas/Prediction"}, "One per row, in order."),
    }
    optional = ("probability", "decision", "explanation", "error")
    return {
        "Predictions": json_object("Scores of some rows.", scores),
        "Prediction": json_object("Probability and decision of a row, or its error.", row, optional),
        "Explanation": json_object("Base and contributions add up to the log odds of the probability.", explanation),
        "Contribution": json_object("Contribution of a column.", contribution),
    }


def _files() -> dict[str, Schema]:
    return {**_file_summary(), **_file_labels()}


def _file_summary() -> dict[str, Schema]:
    number, integer = {"type": "number"}, {"type": "integer"}
    nullable = {"type": ["number", "null"]}
    error = {"row": integer, "line": {"type": ["integer", "null"]}, "error": {"type": "string"}}
    top = {"row": integer, "probability": number, "decision": {"type": "string"}, "amount": nullable, "time": nullable}
    errors = {"count": integer, "first": array(json_object("A row without a probability.", error), "At most 100.")}
    edges = array(number, "One more than there are bins; the first bin holds smaller probabilities, too.")
    summary = {
        "model": scalar("string", "Sampler, model and version."),
        "threshold": scalar("number", "Probability from which a row is an alert."),
        "rows": scalar("integer", "Rows in the file."),
        "scored": scalar("integer", "Rows with a probability."),
        "errors": json_object("Rows that cannot be scored.", errors),
        "alerts": {"type": ["integer", "null"], "description": "Rows from the threshold on; null if none was scored."},
        "amount_at_risk": {
            "type": ["number", "null"],
            "description": "Sum of the alerts' amounts; null without an amount, or if no row was scored.",
        },
        "histogram": json_object("Rows by probability.", {"edges": edges, "counts": array(integer)}),
        "top": array(json_object("A row.", top), "The highest probabilities, at most 500."),
        "labels": _nullable_reference("Labels", "How the label's column was read; null if the file has none."),
        "labelled": _nullable_reference(
            "Labelled", "How good the scores are; null unless frauds and legitimate rows are labelled."
        ),
        "notes": array({"type": "string"}, "What is left out of the summary, and how the labels were read."),
        "download": scalar("string", f"Address of all scored rows, kept {KEPT}."),
    }
    return {"FileSummary": json_object("Summary of a scored file.", summary)}


def _file_labels() -> dict[str, Schema]:
    number, integer = {"type": "number"}, {"type": "integer"}
    labels = {
        "frauds": scalar("integer", "Rows with 1, true, yes, fraud or the like; of -1/1 and 1/2, with the rarer."),
        "legitimate": scalar("integer", "Rows with 0, false, no, legitimate or the like; or with the more frequent."),
        "empty": scalar("integer", "Rows without a label."),
        "not_understood": scalar("integer", "Rows with something else."),
    }
    quality = {
        "rows": scalar("integer", "Scored rows whose label was understood."),
        "prevalence": scalar("number", "Share of frauds among them."),
        "average_precision": scalar("number", "Step-wise area under the precision-recall curve."),
        "recall": array(number, "At most 500 points of the curve."),
        "precision": array(number, "At the same points."),
        "confusion": json_object("Counts at the threshold.", dict.fromkeys(("tp", "fp", "fn", "tn"), integer)),
    }
    return {
        "Labels": json_object("Rows of the file by what their label says.", labels),
        "Labelled": json_object("Quality of the scores of labelled rows.", quality),
    }


def _models() -> dict[str, Schema]:
    nullable = {"type": ["number", "null"]}
    numbers = {"type": "object", "additionalProperties": {"type": "number"}}
    scores = {
        "average_precision": {**nullable, "description": "Mean over development folds; null if it was not measured."},
        "interval": array(nullable, "95 % interval."),
        "folds": scalar("integer", "Number of folds."),
        "profile": scalar("string", "Profile of the study."),
    }
    model = {
        "name": scalar("string", "Name to choose it by."),
        "model": scalar("string", "Sampler, model and version, as in predictions."),
        "version": scalar("string", "Start of the SHA-256 of its card."),
        "label": scalar("string", "Model and sampler in words."),
        "source": scalar("string", "Where the model comes from."),
        "threshold": scalar("number", "Probability from which a row is an alert."),
        "columns": array({"type": "string"}, "Columns that a transaction must have."),
        "ranges": scalar("object", "Smallest and largest value in the training rows, by column."),
        "examples": {"type": "object", "additionalProperties": numbers, "description": "A typical row of each class."},
        "card": scalar("object", "Methods, parameters and scores."),
        "scores": _nullable_reference("Scores", "Scores of exactly this model in the study; null if it has none."),
    }
    return {
        "Models": json_object("Models that can be chosen.", {"models": array({"$ref": "#/components/schemas/Model"})}),
        "Model": json_object("A model.", model),
        "Scores": json_object("Average precision of a pair in the study.", scores),
    }


def _protocol() -> dict[str, Schema]:
    text, shape = {"type": "string"}, array({"type": "integer", "minimum": -1})
    output_tensor = {"name": text, "datatype": text, "shape": shape}
    tensor = {
        "name": text,
        "datatype": {"type": "string", "enum": sorted(NUMBERS)},
        "shape": array({"type": "integer", "minimum": 1}),
        "data": array({}, "Numbers, one per row."),
    }
    output = {"name": {"type": "string", "enum": list(OUTPUTS)}}
    request = {
        "id": text,
        "inputs": array(json_object("A column.", tensor)),
        "outputs": {
            **array(json_object("An output.", output), "Outputs that are asked for; all by default."),
            "type": ["array", "null"],
        },
    }
    response = {
        "model_name": text,
        "model_version": text,
        "id": text,
        "outputs": array(json_object("A tensor.", {**output_tensor, "data": array({})})),
    }
    metadata = {
        "name": text,
        "versions": array(text),
        "platform": text,
        "inputs": array(json_object("A tensor.", output_tensor)),
        "outputs": array(json_object("A tensor.", output_tensor)),
    }
    server = {"name": text, "version": text, "extensions": array(text)}
    return {
        "InferRequest": json_object("Rows as tensors.", request, ("id", "outputs")),
        "InferResponse": json_object("Scores as tensors.", response, ("id",)),
        "ModelMetadata": json_object("A model's tensors.", metadata),
        "ServerMetadata": json_object("A server.", server),
    }


def _errors() -> dict[str, Schema]:
    error = {
        "status": scalar("integer", "The HTTP status."),
        "error": scalar("string", "What is wrong, and what to do."),
        "columns": array({"type": "string"}, "Columns that the error is about."),
    }
    readiness = {
        "ready": scalar("boolean", "Whether the champion can score."),
        "refused": scalar("object", "Why newer models were refused, by name.", additionalProperties={"type": "string"}),
    }
    return {
        "Error": json_object("Why a request was refused.", error, ("columns",)),
        "Readiness": json_object("Whether the server can score.", readiness, ("refused",)),
    }
