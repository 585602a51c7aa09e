"""Small predictions are answered one after the other in each process."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/api/v1/predict"
MAX_BODY = 2**14  # bytes; about 25 transactions


class _FailedBody(io.RawIOBase):
    """A body that could not be read; whoever reads it gets the same error at once."""

    def __init__(self, error: OSError):
        self._error = error

    def readinto(self, buffer: memoryview) -> int:
        raise self._error


class OneAtATime:
    """WSGI application that lets small predictions take turns.

    Python threads that compute at the same time interrupt each other every few milliseconds, which is longer than a
    prediction takes. The body is read first, so that a slow client keeps nobody waiting.
    """

    def __init__(self, app: WSGIApplication):
        self._app = app
        self._turn = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if not self._is_small_prediction(environ):
            return self._app(environ, start_response)
        try:
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        except OSError as error:  # the client went away or is too slow; the application says so, and waits no longer
            environ["wsgi.input"] = _FailedBody(error)
            return self._app(environ, start_response)
        environ["wsgi.input"] = io.BytesIO(body)
        with self._turn:
            return self._app(environ, start_response)

    @staticmethod
    def _is_small_prediction(environ: WSGIEnvironment) -> bool:
        length = environ.get("CONTENT_LENGTH", "")
        return (
            environ["PATH_INFO"] == PATH
            and not environ.get("QUERY_STRING")  # explanations take long
            and length.isdecimal()
            and int(length) <= MAX_BODY
        )
