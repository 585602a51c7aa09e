"""The objects of the running application that requests use."""

from __future__ import annotations

from flask import current_app, request

from app.results import Results
from app.server.monitoring import Monitor
from app.serving.catalog import CHAMPION, Catalog
from app.serving.served import Served


def catalog() -> Catalog:
    """The models of the running application."""
    return current_app.extensions["catalog"]


def monitor() -> Monitor:
    """The counters of the running application."""
    return current_app.extensions["monitor"]


def served() -> Served:
    """The model that the request names with `?model=`; the champion by default."""
    return catalog().get(request.args.get("model", CHAMPION))


def results() -> Results:
    """The scored files of the running application."""
    return current_app.extensions["results"]
