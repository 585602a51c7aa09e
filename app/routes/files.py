"""Scores whole files: the answer is a summary, and every row can be downloaded."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np
from flask import Blueprint, Response, abort, request, send_file, url_for
from numpy.typing import NDArray
from werkzeug.exceptions import RequestEntityTooLarge, ServiceUnavailable

from app.extensions import monitor, results, served
from app.parsing.mixed_bodies import read_mixed_table
from app.parsing.records import BodyError
from app.parsing.table import Table, read_table
from app.routes.models import answer
from app.routes.openapi import FILE_TYPES
from app.security import is_encoded
from app.serving.served import Served
from app.views.summary import every_row, summarise

blueprint = Blueprint("files", __name__)
MAX_FILE = 256 * 2**20
FORM = "multipart/form-data"
MAX_FIELDS = 10  # of a form
AT_ONCE = 1  # files per process; one may need most of a gibibyte of memory

_free_slots = threading.BoundedSemaphore(AT_ONCE)


@blueprint.post("/api/v1/files")
def score_file() -> Response:
    """Score a CSV, Parquet or Excel file; the answer is a summary, with the address of all scored rows."""
    with _received() as file, _limit_concurrency():
        model = served()
        table = _read(file.read(), model)
        probability = _probability(model, table)
        token = results().add(every_row(model, table, probability))
        summary = summarise(model, table, probability, download=url_for("files.download", token=token))
    monitor().scored(model.name, summary.scored, summary.alerts or 0, summary.errors.count)
    return answer(summary)


@blueprint.get("/api/v1/files/<token>.csv")
def download(token: str) -> Response:
    """Every row of a scored file: its number, probability, decision or error, time and amount, and a note."""
    path = results().find(token)
    if path is None:
        abort(404, "There is no such result; results are kept for an hour, and only the newest. Send the file again.")
    return send_file(path, mimetype="text/csv", as_attachment=True, download_name="scored.csv", etag=False)


@contextmanager
def _limit_concurrency() -> Iterator[None]:
    """Keep memory bounded: answer 503 while `AT_ONCE` other files are being scored."""
    if not _free_slots.acquire(blocking=False):
        raise ServiceUnavailable("Other files are being scored; send this one again in a moment.", retry_after=5)
    try:
        yield
    finally:
        _free_slots.release()


@contextmanager
def _received() -> Iterator[BinaryIO]:
    """The whole file, from a form's field `file` or the body itself; on the disk, as many clients may send at once."""
    request.max_content_length = MAX_FILE + 2**16  # the form around the file needs a little more
    request.max_form_parts = MAX_FIELDS
    if is_encoded():
        abort(
            415,
            "Send the file without a Content-Encoding, and name no charset but UTF-8; the file itself may be packed.",
        )
    if request.mimetype not in (*FILE_TYPES, FORM):
        abort(415, f"Send a form ({FORM}) with the field 'file', or the file as {', '.join(FILE_TYPES)}.")
    with _form_file() if request.mimetype == FORM else tempfile.TemporaryFile() as file:
        if request.mimetype != FORM:
            shutil.copyfileobj(request.stream, file)
        if file.seek(0, os.SEEK_END) > MAX_FILE:
            abort(413)
        file.seek(0)
        yield file


def _form_file() -> BinaryIO:
    """The file of a form, which Werkzeug writes to the disk unless it is small."""
    try:
        files = request.files
    except RequestEntityTooLarge:
        if request.content_length is None or request.content_length > request.max_content_length:
            raise
        abort(413, f"The form has more than {MAX_FIELDS} fields, or too long a text; send the field 'file' alone.")
    if "file" not in files:
        raise BodyError(400, "The form has no file in its field 'file'.")
    return files["file"].stream


def _read(content: bytes, model: Served) -> Table:
    label = model.model.schema.label
    return read_mixed_table(content, model.raw, label) if model.raw else read_table(content, model.columns, label)


def _probability(model: Served, table: Table) -> NDArray[np.float64]:
    """Probability per row, NaN for those that cannot be scored."""
    if not table.errors:
        return model.probability(table.values)
    probability, readable = np.full(len(table.values), np.nan), table.readable
    probability[readable] = model.probability(table.values[readable])
    return probability
