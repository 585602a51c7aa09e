"""The WSGI entry for any server: `gunicorn -c python:app.server.gunicorn_conf app.wsgi:app` (see docs/scoring.md)."""

from __future__ import annotations

from dataclasses import replace

from app import settings
from app.app import create_shared_app
from app.server.state import lasting_folder

_settings = settings.from_environment()
app = create_shared_app(replace(_settings, state=_settings.state or lasting_folder()))
