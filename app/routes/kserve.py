"""The Open Inference Protocol (KServe V2) over HTTP: health, metadata and tensors in and out.

A request has one input tensor per column, of shape [n] or [n, 1], in any order; other tensors are ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from flask import Blueprint, Response, abort, current_app
from numpy.typing import NDArray

from app.extensions import catalog, monitor
from app.parsing.mixed import read_columns
from app.parsing.records import (
    MAX_ROWS,
    PLAIN,
    BodyError,
    check_columns,
    check_count,
    check_names,
    json_body,
    read_json_number,
)
from app.routes import models
from app.routes.models import NUMBERS, OUTPUTS, answer
from app.security import read_body
from app.serving.served import Served, read_examples
from app.version import project_version
from utils.serving.raw_columns import RawColumn

blueprint = Blueprint("kserve", __name__)


@dataclass(frozen=True, eq=False)
class Query:
    """An `InferRequest` with its tensors as an array.

    Attributes
    ----------
    id : str or None
    values : array of shape (n_rows, n_columns)
    outputs : list of str
        Names of the outputs asked for.
    """

    id: str | None
    values: NDArray[np.float64]
    outputs: list[str]


@blueprint.get("/v2")
def server() -> Response:
    """Name and version of this server."""
    return answer(models.ServerMetadata(current_app.name, project_version(), extensions=[]))


@blueprint.get("/v2/health/live")
def live() -> Response:
    """Whether the process answers."""
    return answer(models.Live(True))


@blueprint.get("/v2/health/ready")
def ready() -> Response:
    """Whether the champion can score, and which newer models were refused."""
    return answer(models.Readiness(_scores(catalog().champion), catalog().refused or None))


@blueprint.get("/v2/models/<name>")
@blueprint.get("/v2/models/<name>/versions/<version>")
def metadata(name: str, version: str | None = None) -> Response:
    """Inputs and outputs of a model."""
    model = _model(name, version)
    texts = {column.name for column in model.raw if column.kind != "number"}
    inputs = [models.TensorMetadata(column, "BYTES" if column in texts else "FP64", [-1]) for column in model.columns]
    outputs = [models.TensorMetadata(output, kind, [-1]) for output, kind in OUTPUTS.items()]
    return answer(models.ModelMetadata(name, [model.version], model.model.card.study or "fraud", inputs, outputs))


@blueprint.get("/v2/models/<name>/ready")
@blueprint.get("/v2/models/<name>/versions/<version>/ready")
def model_ready(name: str, version: str | None = None) -> Response:
    """Whether a model can score."""
    return answer(models.ModelReadiness(name, _scores(_model(name, version))))


def _model(name: str, version: str | None) -> Served:
    """The model of this name; 404 names the version it has if another one is asked for."""
    model = catalog().get(name)
    if version not in (None, model.version):
        abort(404, f"The version of {name} that is served is {model.version}; ask for it, or for none.")
    return model


def _scores(model: Served) -> bool:
    """Whether the model scores one of its examples."""
    return all(row.error is None for row in model.score(read_examples(model)))


@blueprint.post("/v2/models/<name>/infer")
@blueprint.post("/v2/models/<name>/versions/<version>/infer")
def infer(name: str, version: str | None = None) -> Response:
    """Score tensors; a value that is not a number refuses the request, because the answer has no errors per row."""
    model = _model(name, version)
    asked = read_request(json_body(read_body()), model.columns, model.raw)
    probability = model.probability(asked.values)
    alert = probability >= model.model.threshold
    monitor().scored(model.name, len(asked.values), int(alert.sum()), 0)
    data = {"probability": probability.tolist(), "alert": alert.tolist()}
    outputs = [
        models.OutputTensor(output, OUTPUTS[output], [len(probability)], data[output]) for output in asked.outputs
    ]
    return answer(models.InferResponse(model_name=name, model_version=model.version, id=asked.id, outputs=outputs))


def read_request(content: object, columns: tuple[str, ...], raw: tuple[RawColumn, ...] = ()) -> Query:
    """A request from its JSON; BodyError says what is wrong with it. `raw` describes the columns of a mixed table."""
    if not isinstance(content, dict) or not isinstance(content.get("inputs"), list):
        raise BodyError(400, "The body must be an object with a list of inputs.")
    if not isinstance(content.get("id"), str | None):
        raise BodyError(400, "The id must be a text.")
    for tensor in content["inputs"]:
        if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str):
            raise BodyError(400, "Every input must be an object with name, datatype, shape and data.")
    check_names([tensor["name"] for tensor in content["inputs"]])
    inputs = {tensor["name"]: tensor for tensor in content["inputs"]}
    check_columns([name for name in columns if name not in inputs])
    read = _cells if raw else _numbers
    cells = [read(inputs[name]) for name in columns]
    lengths = {len(column) for column in cells}
    if len(lengths) > 1:
        raise BodyError(422, "The inputs have different numbers of rows.")
    check_count(*lengths)
    values = _mixed_values(cells, raw) if raw else np.array(cells, dtype=float).T.copy()
    return Query(content.get("id"), values, _outputs(content))


def _mixed_values(cells: list[list[object]], raw: tuple[RawColumn, ...]) -> NDArray[np.float64]:
    """Values of shape (n_rows, n_columns) of the columns of a mixed table."""
    frame = {column.name: pd.Series(values, dtype=object) for column, values in zip(raw, cells, strict=True)}
    rows = read_columns(frame, raw)
    for position, problems in sorted(rows.problems.items()):
        for name, reason in problems.items():
            raise BodyError(422, f"Row {position + 1}: {name} {reason}.", [name])
    return rows.values


def _numbers(tensor: dict[str, object]) -> list[float]:
    """A tensor of shape [n] or [n, 1] as numbers."""
    name, numbers = tensor["name"], []
    for row, cell in enumerate(_cells(tensor, NUMBERS), 1):
        try:
            numbers.append(read_json_number(cell))
        except ValueError as error:
            raise BodyError(422, f"Row {row}: {name} {error}.", [name]) from None
    return numbers


def _cells(tensor: dict[str, object], datatypes: Sequence[str] = (*NUMBERS, "BYTES")) -> list[object]:
    """The cells of a tensor of shape [n] or [n, 1]."""
    name, shape, data = tensor["name"], tensor.get("shape"), tensor.get("data")
    if not isinstance(tensor.get("datatype"), str) or tensor["datatype"] not in datatypes:
        raise BodyError(422, f"The datatype of {name} must be one of {', '.join(sorted(datatypes))}.", [name])
    # [true] equals [1] in Python, but is not a shape.
    if not isinstance(data, list) or not _is_shape(shape) or shape not in ([len(data)], [len(data), 1]):
        raise BodyError(422, f"The shape of {name} must be [n] or [n, 1], and its data a list of n values.", [name])
    check_count(len(data), MAX_ROWS)
    cells = [cell[0] if isinstance(cell, list) and len(cell) == 1 else cell for cell in data]
    if "INT" in tensor["datatype"]:
        _check_integers(cells, tensor["datatype"], name)
    return cells


def _check_integers(cells: list[object], datatype: str, name: str) -> None:
    """Raise BodyError about the first number that a datatype of integers cannot hold; other cells are left alone."""
    limits = np.iinfo(datatype.lower())
    for row, cell in enumerate(cells, 1):
        if type(cell) in PLAIN and not (limits.min <= cell <= limits.max and cell == int(cell)):
            raise BodyError(400, f"Row {row}: {name} does not fit into {datatype}.", [name])


def _is_shape(shape: object) -> bool:
    return isinstance(shape, list) and all(type(size) is int for size in shape)


def _outputs(content: dict[str, object]) -> list[str]:
    """Names of the outputs that are asked for; all by default."""
    asked = content.get("outputs")
    if asked is None:
        return list(OUTPUTS)
    if not isinstance(asked, list) or not all(map(_is_output, asked)):
        raise BodyError(422, f"The outputs must be a list of objects named {' or '.join(OUTPUTS)}.")
    names = [output["name"] for output in asked]
    if len(set(names)) < len(names):
        raise BodyError(422, "An output is named twice.")
    return names or list(OUTPUTS)


def _is_output(output: object) -> bool:
    return isinstance(output, dict) and isinstance(output.get("name"), str) and output["name"] in OUTPUTS
