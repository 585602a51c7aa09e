"""Errors that users can fix, and how commands report them."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager

from utils.benchmark.equal_search import SettingsError
from utils.benchmark.ledger import LedgerError
from utils.benchmark.tracking_store import TrackingError
from utils.config import ConfigError
from utils.data.errors import DataError
from utils.samplers.optional import MissingPackageError


class ClusterError(RuntimeError):
    """The Dask cluster cannot be used, or was lost; the message says why and what to do."""


DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
EXPECTED = (ClusterError, ConfigError, DataError, LedgerError, MissingPackageError, SettingsError, TrackingError)


@contextmanager
def exit_with_a_sentence() -> Iterator[None]:
    """End the process with one sentence, not a traceback, on Ctrl-C and on errors that a user can fix.

    Among these are files that cannot be read or written, and a process that was ended from outside.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise SystemExit("Interrupted; finished tasks are in the ledger, and the same command continues.") from None
    except EXPECTED as error:
        raise SystemExit(str(error)) from None
    except BrokenExecutor:  # joblib's error for the same is one of these, too
        raise SystemExit(
            "A process of this run was ended from outside, as happens when memory runs out; end other programs, and "
            "the same command continues from the finished tasks in the ledger."
        ) from None
    except OSError as error:
        if error.filename is None and error.errno not in DISK_FULL:  # a write names no file
            raise
        subject = "" if error.filename is None else f"{error.filename}: "
        raise SystemExit(f"{subject}{error.strerror}; mend that, and the same command continues.") from None
