"""The objects of the running application that requests use."""

from __future__ import annotations

from flask import current_app, request

from app.parsing.records import BodyError
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


def model_name() -> str:
    """The name in `?model=` or in the field `model` of a form; the champion's by default. They must not differ."""
    names = {*request.args.getlist("model"), *request.form.getlist("model")} or {CHAMPION}
    if len(names) > 1:
        raise BodyError(422, "The request names two models; name one, in the address or in the form's field 'model'.")
    return names.pop()


def served() -> Served:
    """The model that the request names; UnknownModel if there is none of this name."""
    return catalog().get(model_name())


def results() -> Results:
    """The scored files of the running application."""
    return current_app.extensions["results"]
