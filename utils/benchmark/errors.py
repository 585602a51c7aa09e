"""Errors that users can fix, and how commands report them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from utils.benchmark.ledger import LedgerError
from utils.benchmark.tracking_store import TrackingError
from utils.config import ConfigError
from utils.data.errors import DataError
from utils.samplers.optional import MissingPackageError


class ClusterError(RuntimeError):
    """The Dask cluster cannot be used, or was lost; the message says why and what to do."""


EXPECTED = (ClusterError, ConfigError, DataError, LedgerError, MissingPackageError, TrackingError)


@contextmanager
def exit_with_a_sentence() -> Iterator[None]:
    """End the process with one sentence, not a traceback, on Ctrl-C and on errors that a user can fix."""
    try:
        yield
    except KeyboardInterrupt:
        raise SystemExit("Interrupted; finished tasks are in the ledger, and the same command continues.") from None
    except EXPECTED as error:
        raise SystemExit(str(error)) from None
