"""Protects the server and its users: response headers, errors without internals, logs without values."""

from __future__ import annotations

import errno
import logging
import re
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from flask import Flask, Request, Response, abort, current_app, g, render_template, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from gunicorn.http.errors import ChunkMissingTerminator, InvalidChunkExtension, InvalidChunkSize
from werkzeug.exceptions import BadRequest, ClientDisconnected, HTTPException, InternalServerError, RequestTimeout

from app.parsing.records import BodyError
from app.routes.models import Error, answer
from app.serving.catalog import UnknownModel
from utils.serving.bundle import BundleError

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
PRIVATE = {"Cache-Control": "no-store"}
CACHED = ("static", "bootstrap.static", "pages.plotly_script")  # set their own lifetime in the cache
MAX_BODY = 16 * 2**20  # bytes; `routes.files` takes larger ones
MAX_DISCARDED = (
    64 * 2**20
)  # bytes read of a body that is too large: most clients read no answer before they have sent all
MAX_FORM = 2**19  # bytes; a form has about 40 for each column
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
BROKEN_CHUNKS = (InvalidChunkSize, ChunkMissingTerminator, InvalidChunkExtension)
MACHINE_PATHS = ("/api/", "/v2", "/metrics")
SAFE = ("GET", "HEAD", "OPTIONS")
METHODS = (*SAFE, "POST", "PUT", "PATCH", "DELETE")
NO_ADDRESS = "There is no such address; the page /docs lists those of the API."
EXPLANATIONS = {
    404: "There is no such page.",
    405: "This address does not take that method.",
    408: "The request did not arrive in time; send it again.",
    413: "The request is larger than this server takes; send it in parts.",
    500: "Something went wrong here; nothing was scored. The server's log says where.",
    507: "The server's disk is full; nothing was kept. Send smaller files, or make room on it.",
}


class PageSessions(SecureCookieSessionInterface):
    """Sessions for pages only: they hold the token of a form, and the API has no forms."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of a page; a null session for the API."""
        if request.path.startswith(MACHINE_PATHS):
            return self.make_null_session(app)
        return super().open_session(app, request)


def install(app: Flask, trusted_hosts: Sequence[str]) -> None:
    """Add limits, headers, error answers and the request log; must be called before anything reads a form.

    Requests must address the server by one of `trusted_hosts`, see `app.settings`.
    """
    app.session_interface = PageSessions()
    app.before_request(_start)
    app.before_request(partial(_check_host, trusted_hosts))
    app.after_request(_finish)
    app.register_error_handler(BodyError, _body_error)
    app.register_error_handler(UnknownModel, lambda error: error_answer(404, str(error)))
    app.register_error_handler(BundleError, lambda error: error_answer(503, str(error)))
    app.register_error_handler(Exception, _any_error)


def error_answer(status: int, message: str, columns: list[str] | None = None) -> tuple[Response | str, int]:
    """The error as JSON for the API, as a page for people; `columns` are those that it is about.

    Messages speak of rows in every study: they may name columns, which must not be reworded.
    """
    if request.path.startswith(MACHINE_PATHS):
        return answer(Error(status, message, columns)), status
    return render_template("error.html", status=status, message=message), status


def _body_error(error: BodyError) -> tuple[Response | str, int]:
    return error_answer(error.status, str(error), error.columns or None)


def _any_error(error: Exception) -> tuple[Response | str, int] | HTTPException:
    if isinstance(error, ClientDisconnected):
        # Werkzeug reports alike whatever its stream raises: also that a client was idle, or sent no proper chunks.
        is_broken = isinstance(error.__context__, BROKEN_CHUNKS)
        error = BadRequest("The chunks of the body cannot be read.") if is_broken else RequestTimeout()
    elif isinstance(error, OSError) and error.errno in DISK_FULL:
        logger.error("the disk is full, in %s", request.endpoint)
        return error_answer(507, EXPLANATIONS[507])
    elif not isinstance(error, HTTPException):
        # Without the text of the exception, which may quote a transaction.
        lines = "".join(traceback.format_tb(error.__traceback__))
        logger.error("%s in %s\n%s", type(error).__name__, request.endpoint, lines)
        error = InternalServerError()
    if error.code is None or error.code < 400:
        return error
    if error.code == 413:
        _discard_body()
    description = error.description if error.description != type(error).description else None
    body, status = error_answer(error.code, description or _explanation(error))
    return body, status, [(name, value) for name, value in error.get_headers() if name in ("Allow", "Retry-After")]


def _explanation(error: HTTPException) -> str:
    if error.code == 404 and request.path.startswith(MACHINE_PATHS):
        return NO_ADDRESS
    return EXPLANATIONS.get(error.code) or error.name


def read_body() -> bytes:
    """The body of the request, in memory; 413 beyond the limit of its route."""
    body = request.get_data(cache=False)
    # Werkzeug reads a body without a length up to the limit and does not say whether there was more.
    if request.content_length is None and len(body) >= request.max_content_length:
        abort(413)
    return body


def is_encoded() -> bool:
    """Whether the headers of a request say that its body is compressed, or text in another encoding than UTF-8."""
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    return charset not in ("utf-8", "utf8") or encoding not in ("", "identity")


def _discard_body() -> None:
    """Read the rest of a body that is too large, up to a limit."""
    if (request.content_length or 0) > MAX_DISCARDED:
        return
    remaining, stream = MAX_DISCARDED, request.environ["wsgi.input"]
    with suppress(OSError):  # the client went away, or waits for the answer
        while remaining > 0 and (chunk := stream.read(2**16)):
            remaining -= len(chunk)


def _start() -> None:
    g.start = time.perf_counter()
    if not request.path.startswith(MACHINE_PATHS):
        request.max_content_length = request.max_form_memory_size = MAX_FORM
    elif request.method not in SAFE and _is_cross_site():
        abort(403, "Pages of other sites may not send requests here.")


def _check_host(trusted_hosts: Sequence[str]) -> None:
    """Refuse a request to another name: a page of another site may have let its own name lead here.

    Werkzeug's own check knows no addresses of IPv6, and takes capitals for another name.
    """
    name = re.sub(r":\d+$", "", request.host.lower())
    if not any(name == host or (host.startswith(".") and f".{name}".endswith(host)) for host in trusted_hosts):
        abort(400, "This server does not answer to that host name; name it with --trusted-hosts.")


def _is_cross_site() -> bool:
    """Whether a browser sends this for a page of another site; other programs send neither header."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = request.headers.get("Origin")
    return origin is not None and origin.lower().partition("://")[2] != request.host.lower()


def _finish(response: Response) -> Response:
    response.headers.extend(HEADERS)
    if request.endpoint not in CACHED or response.status_code >= 400:
        response.headers.update(PRIVATE)
    seconds = time.perf_counter() - g.get("start", time.perf_counter())
    # The rule and not the path, because a client could write anything into the log by its path or method.
    rule = request.url_rule.rule if request.url_rule else "(no such address)"
    method = request.method if request.method in METHODS else "(other)"
    current_app.extensions["monitor"].answered(method, rule, response.status_code, seconds)
    logger.info("%s %s %d %.1f ms", method, rule, response.status_code, 1000 * seconds)
    return response
