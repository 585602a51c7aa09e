"""The MLflow store of runs and models: its address, and checks that it can be used."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from utils.config import ROOT

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment
    from sqlalchemy.engine import URL

# With MLflow's defaults, requests to a server that is down are retried for minutes.
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}
ARTEFACTS = "mlartifacts"  # folder beside an SQLite store
QUIET = ("alembic", "mlflow.store.db")


class TrackingError(RuntimeError):
    """The tracking store cannot be used; one sentence says why and what to do."""


def tracking_uri() -> str:
    """Where runs go: MLFLOW_TRACKING_URI if set, else an SQLite file below `build` (or STUDY_OUTPUT).

    A relative path starts at the project's root, wherever the process was started.
    """
    from sqlalchemy.engine import make_url  # imported here because it takes half a second

    if uri := os.environ.get("MLFLOW_TRACKING_URI"):
        path = _sqlite_path(uri)
        return uri if path is None else make_url(uri).set(database=str(path)).render_as_string(hide_password=False)
    return f"sqlite:///{ROOT / (os.environ.get('STUDY_OUTPUT') or 'build') / 'mlflow.db'}"


def _sqlite_path(uri: str) -> Path | None:
    """The file of an SQLite store; None for any other store."""
    url = _database(uri)
    if url is None or url.get_backend_name() != "sqlite" or not url.database:
        return None
    return ROOT / url.database


def _database(uri: str) -> URL | None:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(uri)
    except ArgumentError:
        return None


def without_password(uri: str) -> str:
    """The address without its password, for messages."""
    url = _database(uri)
    return uri if url is None else url.render_as_string(hide_password=True)


def client() -> MlflowClient:
    """A client of the tracking server and its registry; creates the tables of a new SQLite store.

    Raises
    ------
    TrackingError
        If the store cannot be used.
    """
    for name, value in {**PATIENCE, "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}.items():
        os.environ.setdefault(name, value)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    uri = tracking_uri()
    _require_sqlite_file(uri)
    from mlflow import MlflowClient  # takes seconds

    with as_tracking_errors(), store_lock():
        return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _require_sqlite_file(uri: str) -> None:
    """Create the folder of an SQLite store and open the file; MLflow itself tries for a minute before it fails."""
    path = _sqlite_path(uri)
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA schema_version")
        connection.close()
        if not os.access(path, os.W_OK):
            raise PermissionError("it is read-only")
    except (OSError, sqlite3.Error) as error:
        raise TrackingError(_error_message(uri, str(error))) from error


@contextmanager
def as_tracking_errors(*expected_codes: str) -> Iterator[None]:
    """Convert errors of MLflow, its database or the network to a `TrackingError` with one sentence.

    Parameters
    ----------
    *expected_codes : str
        MLflow error codes that are no failure of the store, such as RESOURCE_ALREADY_EXISTS; they are raised unchanged.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except MlflowException as error:
        if error.error_code in expected_codes:
            raise
        raise TrackingError(_error_message(tracking_uri(), str(error))) from error
    except (SQLAlchemyError, ImportError, OSError) as error:  # errors of `requests` are OSErrors
        raise TrackingError(_error_message(tracking_uri(), str(error))) from error


def _error_message(uri: str, reason: str) -> str:
    scheme = uri.partition(":")[0]
    if ":" not in uri or scheme == "file":
        return (
            f"The tracking store {uri} is a folder of files, which MLflow no longer writes to; set MLFLOW_TRACKING_URI "
            "to a database such as sqlite:///mlflow.db or to a server, or unset it."
        )
    is_unreachable = scheme.startswith("http") and "Max retries exceeded" in reason
    cause = "it does not answer" if is_unreachable else " ".join(reason.split())[:200].rstrip(" .")
    return (
        f"The tracking store {without_password(uri)} cannot be used ({cause}); start it or correct "
        "MLFLOW_TRACKING_URI, or unset it to keep runs in build/mlflow.db."
    )


def store_lock() -> AbstractContextManager:
    """Lock an SQLite store against other processes of this machine; a server needs no lock."""
    path = _sqlite_path(tracking_uri())
    return nullcontext() if path is None else FileLock(f"{path}.lock")


def experiment_id(store: MlflowClient, name: str) -> str:
    """The experiment's id; a missing experiment is created, with artefacts beside an SQLite store.

    Raises
    ------
    TrackingError
        If the experiment was deleted: MLflow can neither write to it nor create it again. Also if an SQLite store was
        moved or copied: MLflow would go on to write its files at the old place.
    """
    from mlflow.exceptions import MlflowException

    path = _sqlite_path(tracking_uri())
    location = None if path is None else _artefacts(path.parent, name)
    with as_tracking_errors():
        experiment = store.get_experiment_by_name(name)
        if experiment is None:
            try:
                return store.create_experiment(name, artifact_location=location)
            except MlflowException as error:  # another process created it first
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                experiment = store.get_experiment_by_name(name)
    if path is not None:
        _require_in_place(path, experiment)
    if experiment.lifecycle_stage == "deleted":
        raise TrackingError(
            f"The experiment '{name}' of the tracking store {without_password(tracking_uri())} was deleted; "
            f"restore it with 'mlflow experiments restore --experiment-id {experiment.experiment_id}', or empty "
            "the store's trash with 'mlflow gc'."
        )
    return experiment.experiment_id


def _artefacts(folder: Path, experiment: str) -> str:
    """Where an experiment of an SQLite store in a folder has its files."""
    return (folder / ARTEFACTS / experiment).as_uri()


def _require_in_place(path: Path, experiment: Experiment) -> None:
    """Raise a TrackingError if an SQLite store is no longer where it was made."""
    location, ending = experiment.artifact_location, _artefacts(Path("/"), experiment.name).removeprefix("file://")
    if location.endswith(ending) and location != _artefacts(path.parent, experiment.name):
        raise TrackingError(
            f"The tracking store {path} was moved or copied: the files of its experiment '{experiment.name}' are "
            f"expected at {location}; move it back, or remove it and log the finished tasks again with "
            "'python -m utils.benchmark.tracking'."
        )
