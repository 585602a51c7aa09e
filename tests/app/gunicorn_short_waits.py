"""`app.server.gunicorn_conf` with less patience, so that tests need not wait long until idle clients are sent away."""

from app.server import gunicorn_conf
from app.server.gunicorn_conf import *  # noqa: F403 (gunicorn reads its settings from this module's names)

gunicorn_conf.IDLE_SECONDS = IDLE_SECONDS = 3
