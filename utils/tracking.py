"""MLflow: a run for every finished task, and the model registry."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from utils.config import ROOT, Profile

METRICS = (
    "average_precision",
    "roc_auc",
    "brier",
    "calibration_error",
    "sampler_seconds",
    "fit_seconds",
    "score_seconds",
)
REGISTERED_MODEL = "fraud-detector"
CHAMPION = "champion"


def tracking_uri() -> str:
    """Where runs go: MLFLOW_TRACKING_URI if set, else an SQLite file below `build` (or STUDY_OUTPUT)."""
    if uri := os.environ.get("MLFLOW_TRACKING_URI"):
        return uri
    folder = Path(os.environ.get("STUDY_OUTPUT", ROOT / "build")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{folder / 'mlflow.db'}"


def client() -> Any:
    """A client of the tracking server and of its registry."""
    import logging

    from mlflow import MlflowClient

    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db").setLevel(logging.WARNING)
    return MlflowClient(tracking_uri=tracking_uri())


def experiment_id(store: Any, name: str) -> str:
    """The experiment's id; it is made when missing, with artefacts beside an SQLite store."""
    if found := store.get_experiment_by_name(name):
        return found.experiment_id
    uri = tracking_uri()
    location = None
    if uri.startswith("sqlite:///"):
        location = (Path(uri.removeprefix("sqlite:///")).resolve().parent / "mlartifacts" / name).as_uri()
    return store.create_experiment(name, artifact_location=location)


def log_rows(rows: Iterable[dict[str, Any]], profile: Profile) -> int:
    """Give every ledger row its MLflow run, nested below one run per sampler and profile.

    Rows that have a run already are passed over, so a ledger can be logged again after a crash.

    Returns
    -------
    int
        Runs that were made.
    """
    rows = list(rows)
    if not rows:
        return 0
    store = client()
    experiment = experiment_id(store, f"benchmark-{profile.name}")
    logged = _runs_by_tag(store, experiment, "ledger_key")
    parents = _runs_by_tag(store, experiment, "sampler_parent")
    new = [row for row in rows if row["key"] not in logged]
    for row in new:
        sampler = row["sampler"]["name"]
        if sampler not in parents:
            run = store.create_run(experiment, run_name=sampler, tags={"sampler_parent": sampler})
            store.set_terminated(run.info.run_id)
            parents[sampler] = run.info.run_id
        _log_row(store, experiment, row, parents[sampler])
    return len(new)


def _runs_by_tag(store: Any, experiment: str, tag: str) -> dict[str, str]:
    runs, token = {}, None
    while True:
        page = store.search_runs([experiment], f"tags.{tag} != ''", max_results=5000, page_token=token)
        runs |= {run.data.tags[tag]: run.info.run_id for run in page}
        token = page.token
        if not token:
            return runs


def _log_row(store: Any, experiment: str, row: dict[str, Any], parent: str) -> None:
    from mlflow.entities import Metric, Param, RunTag

    tags = {"mlflow.parentRunId": parent, "engine": row["engine"]}
    name = f"{row['model']['name']} {row['repeat']}.{row['fold']}"
    run = store.create_run(experiment, run_name=name, tags=tags)
    params = {"repeat": row["repeat"], "fold": row["fold"], "seed": row["seed"]}
    for part in ("sampler", "model"):
        params[part] = row[part]["name"]
        params |= {f"{part}.{name}": value for name, value in row[part]["params"].items()}
    now = run.info.start_time
    store.log_batch(
        run.info.run_id,
        metrics=[Metric(metric, row[metric], now, 0) for metric in METRICS],
        params=[Param(name, str(value)) for name, value in params.items()],
        tags=[RunTag(f"version.{library}", release) for library, release in row["versions"].items()],
    )
    store.set_terminated(run.info.run_id)
    store.set_tag(run.info.run_id, "ledger_key", row["key"])  # last: a run without it is logged again


def register_champion(folder: Path, tags: dict[str, str]) -> str:
    """Log a saved model's folder, register it as a new version and point the alias 'champion' at it.

    Returns
    -------
    str
        The version. The alias moves last, so readers see the old champion or the complete new one.
    """
    version = register(folder, REGISTERED_MODEL, "champion", tags)
    client().set_registered_model_alias(REGISTERED_MODEL, CHAMPION, version)
    return version


def register(folder: Path, name: str, experiment: str, tags: dict[str, str]) -> str:
    """Log a saved model's folder as a run of an experiment, and register it as a new version of a name.

    Returns
    -------
    str
        The version.
    """
    from mlflow.exceptions import MlflowException

    store = client()
    run = store.create_run(experiment_id(store, experiment), run_name=name, tags=tags)
    store.log_artifacts(run.info.run_id, str(folder), "model")
    store.set_terminated(run.info.run_id)
    try:
        store.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    source = f"{run.info.artifact_uri}/model"
    return store.create_model_version(name, source, run_id=run.info.run_id, tags=tags).version


def download_champion(folder: Path | None = None) -> Path:
    """Fetch the files of the champion; LookupError says how to make one when there is none.

    Nothing is unpickled here; `utils.bundle.load` reads the files and refuses types it does not know.
    """
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    try:
        version = client().get_model_version_by_alias(REGISTERED_MODEL, CHAMPION)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        raise LookupError(
            f"The registry at {tracking_uri()} has no model with the alias '{CHAMPION}'; run notebook 08."
        ) from None
    target = folder or Path(tempfile.mkdtemp(prefix="champion-"))
    return Path(download_artifacts(version.source, dst_path=str(target), tracking_uri=tracking_uri()))
