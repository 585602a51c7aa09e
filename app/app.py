"""The web server: `python -m app.app` answers on http://127.0.0.1:5000."""

from __future__ import annotations

import argparse
import errno
import gc
import logging
import os
import secrets
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect

from app import monitoring, security, server, workers
from app.catalog import Catalog
from app.fast_path import FastPath
from app.monitoring import Monitor
from app.results import Results
from app.routes import api, files, kserve, pages
from app.staging import TemporaryFolder
from app.views import study
from utils.config import ROOT
from utils.serving.bundle import BundleError

FOLDER = ROOT / "app" / "model"
PORT, MAX_PORT = 5000, 65_535
HINTS = {
    errno.EADDRINUSE: "choose another one with --port",
    errno.EACCES: "choose one from 1024 on with --port",
    None: "this machine must have that address and let programs listen on it",
}
MAX_BODY = 16 * 2**20
MAX_WORKERS = 4
SETTINGS = {
    "BOOTSTRAP_SERVE_LOCAL": True,
    "TRUSTED_HOSTS": ["127.0.0.1", "localhost"],
    "MAX_CONTENT_LENGTH": MAX_BODY,
    "SESSION_COOKIE_SAMESITE": "Strict",
    "SESSION_COOKIE_NAME": "fraud_app",
    "WTF_CSRF_TIME_LIMIT": None,  # as long as the session lives: an analyst's page stays open all day
}


def create_app(folder: Path = FOLDER) -> Flask:
    """The application, serving the model in `folder`.

    Raises
    ------
    BundleError
        If there is no model in the folder, or it is not as it was saved.
    """
    app = Flask("app")
    # Sessions hold nothing but the form's token, so a key that changes with every start costs a page load.
    app.config.update(SETTINGS, SECRET_KEY=os.environ.get("SECRET_KEY") or secrets.token_hex(32))
    app.json.sort_keys = False
    app.extensions["monitor"] = monitor = Monitor()
    app.extensions["catalog"] = catalog = Catalog(folder, monitor.reloaded)
    monitor.watch(lambda: catalog.loaded)
    app.extensions["results"] = Results()
    security.install(app)
    Bootstrap5(app)
    csrf = CSRFProtect(app)
    for machines in (api.blueprint, files.blueprint, kserve.blueprint, monitoring.blueprint):
        csrf.exempt(machines)  # no cookie gives rights here, and `security` refuses browsers on other sites' behalf
        app.register_blueprint(machines)
    app.register_blueprint(pages.blueprint)
    app.wsgi_app = FastPath(app)
    return app


def main(argv: list[str] | None = None) -> int:
    """Serve until interrupted; 1 with a sentence if there is nothing to serve, or no address to serve it on."""
    parser = argparse.ArgumentParser(description="Serve the fraud model on this machine.")
    parser.add_argument("--port", type=_port, default=PORT)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the model is (default: app/model)")
    parser.add_argument("--workers", type=int, default=default_workers(), help="processes (default: one per core)")
    options = parser.parse_args(argv)
    if options.workers < 1:
        parser.error(f"--workers is {options.workers}; at least one is needed.")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    with workers.ending_in_order(), ExitStack() as stack:
        try:
            app, addresses = _prepare(options, stack)
        except CannotStart as error:
            print(error, file=sys.stderr)
            return 1
        name = app.extensions["catalog"].champion.name
        print(f"Serving {name} on http://{server.HOST}:{options.port} (stop with Ctrl+C)", flush=True)
        _settle(app)
        return workers.run(lambda number: server.serve(app, addresses[number]), options.workers)


def _port(text: str) -> int:
    """A port to listen on; 0, which would be another one for every worker, is none."""
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) <= MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text} is no port; choose a number from 1 to {MAX_PORT}.")
    return int(text)


class CannotStart(Exception):
    """There is nothing to serve, no room for what the server writes, or no address to serve on."""


def _prepare(options: argparse.Namespace, stack: ExitStack) -> tuple[Flask, list[socket.socket]]:
    """The application and a socket per worker; what they keep on the disk goes when `stack` is closed."""
    try:
        figures = stack.enter_context(TemporaryFolder("fraud-figures-"))
        monitoring.count_together(Path(figures))
        app = create_app(options.folder)
    except BundleError as error:
        raise CannotStart(f"{error}\n`python -m app.building` writes a model to serve.") from None
    except OSError as error:
        reason = error.strerror or error
        raise CannotStart(f"No temporary folder can be written ({reason}); name one that can in TMPDIR.") from None
    stack.callback(app.extensions["results"].close)
    try:
        return app, server.listen(options.port, options.workers)
    except OSError as error:
        reason, hint = error.strerror or error, HINTS.get(error.errno, HINTS[None])
        raise CannotStart(f"Port {options.port} of {server.HOST} cannot be used ({reason}); {hint}.") from None


def default_workers() -> int:
    """One process per core that this one may use, but no more than a few: each may hold a large file."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, MAX_WORKERS)


def _settle(app: Flask) -> None:
    """Prepare what workers share, before they are forked."""
    for name in app.jinja_env.list_templates():
        app.jinja_env.get_template(name)
    for name in list(study.notebooks())[:1]:
        study.notebook_page(name, "/")  # the first one takes seconds, as its reader is large
    # Without it, each worker's collector walks through all modules now and then, and stops for a tenth of a second.
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    sys.exit(main())
