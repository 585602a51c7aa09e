"""Fast path for small JSON predictions: a few transactions, scored by the champion.

Flask's way through routing, request, context and hooks takes as long as scoring itself. Here only requests are
answered that Flask would answer with 200, by the same functions and with the same headers; every other one goes on to
Flask, so that checks and refusals stand in one place. A test holds both answers to each other.
"""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from flask import Flask

from app import security
from app.parsing.records import Batch, BodyError, read_json
from app.routes import api
from app.served import Served

PATH, TYPE = "/api/v1/predict", "application/json"
MAX_BODY = 2**14  # bytes; about 25 transactions
EXPECTED = {
    "REQUEST_METHOD": "POST",
    "SCRIPT_NAME": "",
    "PATH_INFO": PATH,
    "QUERY_STRING": "",
    "CONTENT_TYPE": TYPE,
}
# Where the checks of `security` and `api` have something to look at.
UNEXPECTED = ("HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE", "HTTP_CONTENT_ENCODING", "HTTP_TRANSFER_ENCODING")
SCORED = "app.scored"  # a key of the WSGI environment for a server that scored the body before
Environ = dict[str, Any]


class Scored(NamedTuple):
    """A body's rows, what is said of each, and when the work on them began."""

    start: float
    model: Served
    batch: Batch
    entries: list[dict[str, Any]]


class FastPath:
    """WSGI application in front of a Flask application that `security` and `api` are installed in."""

    def __init__(self, app: Flask):
        self._further = app.wsgi_app
        self._catalog, self._monitor = app.extensions["catalog"], app.extensions["monitor"]
        hosts = "|".join(map(re.escape, app.config["TRUSTED_HOSTS"]))
        self._is_trusted = re.compile(rf"({hosts})(:\d{{1,5}})?", re.ASCII).fullmatch

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a plain request, or pass on whatever is none."""
        if not self._is_plain(environ):
            return self._further(environ, start_response)
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        scored = environ.get(SCORED) or self.score_together([body])[0]
        if scored is None:
            environ["wsgi.input"] = io.BytesIO(body)
            return self._further(environ, start_response)
        answer = api.answer(scored.model, scored.batch, scored.entries, self._monitor)
        body = f"{json.dumps(answer, separators=(',', ':'))}\n".encode()
        security.tell(self._monitor, "POST", PATH, 200, time.perf_counter() - scored.start)
        start_response("200 OK", [*HEADERS, ("Content-Length", str(len(body)))])
        return [body]

    def _is_plain(self, environ: Environ) -> bool:
        get = environ.get
        length = get("CONTENT_LENGTH", "")
        return (
            all(get(name) == value for name, value in EXPECTED.items())
            and not any(name in environ for name in UNEXPECTED)
            and length.isdecimal()
            and int(length) <= MAX_BODY
            and self._is_trusted(get("HTTP_HOST", "")) is not None
        )

    def score_together(self, bodies: list[bytes]) -> list[Scored | None]:
        """Score the rows of several requests, which costs little more than those of one.

        None stands for a body that Flask is to answer, because it is wrong or cannot be scored.
        """
        start = time.perf_counter()
        try:
            model = self._catalog.champion
            batches = [_read(body, model) for body in bodies]
            entries = iter(model.score_together([batch for batch in batches if batch]))
        except Exception:  # Flask meets it again, request by request, and tells the log where
            return [None] * len(bodies)
        return [Scored(start, model, batch, next(entries)) if batch else None for batch in batches]


def _read(body: bytes, model: Served) -> Batch | None:
    try:
        return read_json(body, model.columns)
    except BodyError:
        return None


HEADERS = [("Content-Type", TYPE), *security.HEADERS.items(), *security.PRIVATE.items()]
