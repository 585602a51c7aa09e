"""The web server: `python -m app.app` answers on http://127.0.0.1:5000.

A request comes from gunicorn (`gunicorn_conf`) through the checks of `security` to a view in `routes`.
"""

from __future__ import annotations

import errno
import gc
import logging
import secrets
import socket
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect
from gunicorn.app.base import BaseApplication
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from app import security
from app.optional import without_module
from app.results import Results
from app.routes import api, files, kserve, pages
from app.server import gunicorn_conf, monitoring
from app.server.monitoring import Monitor
from app.server.one_at_a_time import OneAtATime
from app.server.state import State, StateError
from app.serving.catalog import Catalog
from app.serving.kept_model import KeptModel
from app.settings import Settings, from_command
from app.staging import TemporaryFolder, exiting_on_signals
from app.views import study
from utils.serving import explanations
from utils.serving.bundle import BundleError

HINTS = {
    errno.EADDRINUSE: "choose another one with --port",
    errno.EACCES: "choose one from 1024 on with --port",
    None: "this machine must have that address and let programs listen on it",
}
FIXED = {
    "BOOTSTRAP_SERVE_LOCAL": True,
    "MAX_CONTENT_LENGTH": security.MAX_BODY,
    "SESSION_COOKIE_SAMESITE": "Strict",
    "SESSION_COOKIE_NAME": "fraud_app",
    "WTF_CSRF_TIME_LIMIT": None,  # as long as the session: an analyst's page stays open all day
}


def create_app(settings: Settings | None = None) -> Flask:
    """The application, ready to answer; without `settings.state` it shares nothing with other processes.

    Raises
    ------
    BundleError
        If there is no model in the folder, or it was changed.
    StateError
        If the folder for what workers share cannot be made, or others can read it.
    """
    settings = settings or Settings()
    state = State(settings.state) if settings.state else None
    app = Flask("app")
    # Sessions hold nothing but the form's token, so a key that changes with every start costs a page load.
    key = settings.secret_key or (state.secret_key() if state else secrets.token_hex(32))
    app.config.update(FIXED, SECRET_KEY=key)
    app.json.sort_keys = False
    app.extensions["monitor"] = monitor = Monitor()
    app.extensions["catalog"] = catalog = Catalog(
        settings.folder, monitor.reloaded, KeptModel(state.model) if state else None
    )
    monitor.watch(lambda: catalog.loaded)
    app.extensions["results"] = Results(state.results if state else None)
    security.install(app, settings.trusted_hosts)
    Bootstrap5(app)
    csrf = CSRFProtect(app)
    for machine_blueprint in (api.blueprint, files.blueprint, kserve.blueprint, monitoring.blueprint):
        csrf.exempt(machine_blueprint)  # cookies give no rights here, and `security` refuses requests of other sites
        app.register_blueprint(machine_blueprint)
    app.register_blueprint(pages.blueprint)
    app.wsgi_app = OneAtATime(app.wsgi_app)
    _put_behind_proxies(app, settings)
    return app


def _put_behind_proxies(app: Flask, settings: Settings) -> None:
    """Use the headers of trusted proxies, and answer below a prefix as well as at the root."""
    if settings.prefix:
        app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {settings.prefix: app.wsgi_app})
    if settings.proxies:
        hops = dict.fromkeys(("x_for", "x_proto", "x_host", "x_prefix"), settings.proxies)
        app.wsgi_app = ProxyFix(app.wsgi_app, **hops)


def create_shared_app(settings: Settings) -> Flask:
    """The application for several workers, which share `settings.state`; errors as in `create_app`."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    monitoring.count_together(State(settings.state).counters)
    # The next model may need it if this one does not, and loading that must not take longer for requests meanwhile.
    with without_module("matplotlib"):  # for plots, and slower to import than the rest
        explanations.import_shap()
    app = create_app(settings)
    for name in app.jinja_env.list_templates():
        app.jinja_env.get_template(name)
    for name in list(study.notebooks())[:1]:
        study.notebook_page(name, "/")  # the first one takes seconds, as its reader is large
    # Without it, each worker's collector walks through all modules now and then, and stops for a tenth of a second.
    gc.collect()
    gc.freeze()
    return app


STATE_PREFIX = "fraud-app-run-"  # of folders that end with the server; `lasting_folder` must not begin like this


class CannotStart(Exception):
    """There is no model to serve, no folder to write to, or no address to serve on."""


class Server(BaseApplication):
    """Gunicorn with an application that is loaded already, on an address that is bound already."""

    def __init__(self, app: Flask, address: socket.socket, n_workers: int):
        self._app, self._n_workers = app, n_workers
        self._descriptor = address.detach()  # gunicorn closes it
        super().__init__()

    def load_config(self) -> None:
        """Called by gunicorn."""
        for name in vars(gunicorn_conf).keys() & self.cfg.settings.keys():
            self.cfg.set(name, getattr(gunicorn_conf, name))
        self.cfg.set("bind", f"fd://{self._descriptor}")
        self.cfg.set("workers", self._n_workers)

    def load(self) -> Flask:
        """Called by gunicorn."""
        return self._app


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted; 1 with a sentence if there is no model to serve, or no address to serve on."""
    settings = from_command(arguments)
    with exiting_on_signals(), ExitStack() as stack:
        try:
            address = stack.enter_context(_bind(settings))
            print(f"Loading the model in {settings.folder}", flush=True)
            app = _load(settings, stack)
        except CannotStart as error:
            print(error, file=sys.stderr)
            return 1
        name = app.extensions["catalog"].champion.name
        print(f"Serving {name} on {settings.url} (stop with Ctrl+C)", flush=True)
        Server(app, address, settings.workers).run()
    return 0


def _bind(settings: Settings) -> socket.socket:
    """The address, taken at once; connections to it are refused until gunicorn listens."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    address = socket.socket(family)
    try:
        address.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        address.bind((settings.host, settings.port))
    except OSError as error:
        address.close()
        reason, hint = error.strerror or error, HINTS.get(error.errno, HINTS[None])
        raise CannotStart(f"Port {settings.port} of {settings.host} cannot be used ({reason}); {hint}.") from None
    return address


def _load(settings: Settings, stack: ExitStack) -> Flask:
    """The application; its files are removed when `stack` is closed, unless the settings name a folder for them."""
    try:
        state = settings.state or Path(stack.enter_context(TemporaryFolder(STATE_PREFIX)))
    except OSError as error:
        reason = error.strerror or error
        raise CannotStart(f"No temporary folder can be written ({reason}); name one that can in TMPDIR.") from None
    try:
        return create_shared_app(replace(settings, state=state))
    except BundleError as error:
        study = f" --study {settings.study}" if settings.study else ""
        raise CannotStart(f"{error}\n`python -m app.building{study}` writes a model to serve.") from None
    except StateError as error:
        raise CannotStart(str(error)) from None
    except OSError as error:
        raise CannotStart(f"{error.filename or 'A file'} cannot be used ({error.strerror or error}).") from None


if __name__ == "__main__":
    sys.exit(main())
