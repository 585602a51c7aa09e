"""The web server: `python -m app.app` answers on http://127.0.0.1:5000."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import secrets
import sys
from pathlib import Path

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect

from app import api, files, guard, kserve, monitoring, pages, server, study, workers
from app.catalog import Catalog
from app.monitoring import Monitor
from app.results import Results
from app.shortcut import Shortcut
from app.staging import TemporaryFolder
from utils.bundle import BundleError
from utils.config import ROOT

FOLDER = ROOT / "app" / "model"
PORT = 5000
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
    guard.install(app)
    Bootstrap5(app)
    csrf = CSRFProtect(app)
    for machines in (api.blueprint, files.blueprint, kserve.blueprint, monitoring.blueprint):
        csrf.exempt(machines)  # no cookie gives rights here, and `guard` refuses browsers on other sites' behalf
        app.register_blueprint(machines)
    app.register_blueprint(pages.blueprint)
    app.wsgi_app = Shortcut(app)
    return app


def main(argv: list[str] | None = None) -> int:
    """Serve until interrupted; 1 if there is nothing to serve or the port is taken."""
    parser = argparse.ArgumentParser(description="Serve the fraud model on this machine.")
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the model is (default: app/model)")
    parser.add_argument("--workers", type=int, default=default_workers(), help="processes (default: one per core)")
    options = parser.parse_args(argv)
    if options.workers < 1:
        parser.error(f"--workers is {options.workers}; at least one is needed.")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    with workers.ending_in_order(), TemporaryFolder("fraud-figures-") as figures:
        monitoring.count_together(Path(figures))
        try:
            app = create_app(options.folder)
            addresses = server.listen(options.port, options.workers)
        except BundleError as error:
            print(f"{error}\n`python -m app.model` writes a model to serve.", file=sys.stderr)
            return 1
        except OSError as error:
            reason = error.strerror or error
            print(f"Port {options.port} cannot be used ({reason}); choose another with --port.", file=sys.stderr)
            return 1
        name = app.extensions["catalog"].champion.name
        print(f"Serving {name} on http://{server.HOST}:{options.port} (stop with Ctrl+C)", flush=True)
        try:
            _settle(app)
            return workers.run(lambda number: server.serve(app, addresses[number]), options.workers)
        finally:
            app.extensions["results"].close()


def default_workers() -> int:
    """One process per core that this one may use, but no more than a few: each may hold a large file."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, MAX_WORKERS)


def _settle(app: Flask) -> None:
    """Prepare what workers share, before they are forked."""
    for name in app.jinja_env.list_templates():
        app.jinja_env.get_template(name)
    for name in list(study.notebooks())[:1]:
        study.notebook_page(name)  # the first one takes seconds, as its reader is large
    # Without it, each worker's collector walks through all modules now and then, and stops for a tenth of a second.
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    sys.exit(main())
