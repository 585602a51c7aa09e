"""What the running application holds for its requests."""

from __future__ import annotations

from flask import current_app, request

from app.catalog import CHAMPION, Catalog
from app.monitoring import Monitor
from app.results import Results
from app.served import Served


def catalog() -> Catalog:
    """The models of the running application."""
    return current_app.extensions["catalog"]


def monitor() -> Monitor:
    """The counters of the running application."""
    return current_app.extensions["monitor"]


def served() -> Served:
    """The model that the request asks for with `?model=`, else the champion."""
    return catalog().get(request.args.get("model", CHAMPION))


def results() -> Results:
    """The scored files that the running application keeps."""
    return current_app.extensions["results"]
