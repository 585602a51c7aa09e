"""Writes the models: `python -m app.building`."""

import signal
import sys

from app.building.command import main

signal.signal(signal.SIGTERM, signal.default_int_handler)  # which cleans up as Ctrl+C does
sys.exit(main())
