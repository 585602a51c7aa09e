"""The web server: `python -m app.app` answers on http://127.0.0.1:5000."""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import signal
import sys
from pathlib import Path

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect

from app import api, files, guard, kserve, monitoring, pages
from app.catalog import Catalog
from app.monitoring import Monitor
from app.results import Results
from utils.bundle import BundleError
from utils.config import ROOT

FOLDER = ROOT / "app" / "model"
HOST = "127.0.0.1"
PORT = 5000
MAX_BODY = 16 * 2**20
THREADS = 8
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
    return app


def main(argv: list[str] | None = None) -> int:
    """Serve until interrupted; 1 if there is nothing to serve or the port is taken."""
    parser = argparse.ArgumentParser(description="Serve the fraud model on this machine.")
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the model is (default: app/model)")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        app = create_app(options.folder)
    except BundleError as error:
        print(f"{error}\n`python -m app.model` writes a model to serve.", file=sys.stderr)
        return 1
    return _serve(app, options.port)


def _serve(app: Flask, port: int) -> int:
    import waitress

    try:
        server = waitress.create_server(
            app,
            host=HOST,
            port=port,
            ident="",
            threads=THREADS,
            recv_bytes=2**18,  # a large file comes in as large pieces
            # Bodies up to twice the limit get the application's own answer; larger ones are cut off.
            max_request_body_size=2 * files.MAX_FILE,
        )
    except OSError as error:
        print(f"Port {port} cannot be used ({error.strerror}); choose another with --port.", file=sys.stderr)
        return 1
    print(f"Serving {app.extensions['catalog'].champion.name} on http://{HOST}:{port} (stop with Ctrl+C)", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # as Ctrl+C: scored files are removed on the way out
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
