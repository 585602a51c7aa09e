"""What protects the server and its users: response headers, errors without internals, logs without values."""

from __future__ import annotations

import logging
import time
import traceback

from flask import Flask, Response, g, jsonify, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError, SecurityError

from app.catalog import UnknownModel
from app.records import BodyError
from utils.bundle import BundleError

logger = logging.getLogger("app")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
MAX_FORM = 2**16  # bytes; the form of one transaction has a few thousand
MACHINE_PATHS = ("/api/", "/v2/")
EXPLANATIONS = {
    404: "There is no such page.",
    405: "This address does not take that method.",
    413: "The request is larger than this server takes; send it in parts.",
    500: "Something went wrong here; nothing was scored. The server's log says where.",
}


def install(app: Flask) -> None:
    """Add limits, headers, error answers and the request log; to be called before anything reads a form."""
    app.before_request(_start)
    app.after_request(_finish)
    app.register_error_handler(BodyError, _body_error)
    app.register_error_handler(UnknownModel, lambda error: error_answer(404, str(error)))
    app.register_error_handler(BundleError, lambda error: error_answer(503, str(error)))
    app.register_error_handler(Exception, _any_error)


def error_answer(status: int, message: str, **more: object) -> tuple[Response | str, int]:
    """The error as JSON for machines, as a page for people."""
    # A page has links, which cannot be built for a request whose host was refused.
    if request.path.startswith(MACHINE_PATHS) or isinstance(request.routing_exception, SecurityError):
        return jsonify(status=status, error=message, **more), status
    return render_template("error.html", status=status, message=message), status


def _body_error(error: BodyError) -> tuple[Response | str, int]:
    return error_answer(error.status, str(error), **({"columns": error.columns} if error.columns else {}))


def _any_error(error: Exception) -> tuple[Response | str, int] | HTTPException:
    if isinstance(error, CSRFError):
        return error_answer(400, "The form has expired or came from another site; load the page again.")
    if not isinstance(error, HTTPException):
        # Only the places: an exception's own text may quote a transaction.
        places = "".join(traceback.format_tb(error.__traceback__))
        logger.error("%s in %s\n%s", type(error).__name__, request.endpoint, places)
        error = InternalServerError()
    if error.code is None or error.code < 400:
        return error
    answer = error_answer(error.code, EXPLANATIONS.get(error.code, error.description or error.name))
    return answer if error.code != 405 else (*answer, {"Allow": ", ".join(sorted(error.valid_methods or []))})


def _start() -> None:
    g.start = time.perf_counter()
    if not request.path.startswith(MACHINE_PATHS):
        request.max_content_length = MAX_FORM


def _finish(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint not in ("static", "bootstrap.static"):
        response.headers["Cache-Control"] = "no-store"
    milliseconds = 1000 * (time.perf_counter() - g.get("start", time.perf_counter()))
    # The rule and not the path: a client chooses the path and could write anything into the log.
    rule = request.url_rule.rule if request.url_rule else "(no such address)"
    logger.info("%s %s %d %.1f ms", request.method, rule, response.status_code, milliseconds)
    return response
