"""MLflow: a run for every finished task, and the model registry.

python -m utils.benchmark.tracking --profile full
python -m utils.benchmark.tracking --profile quick --study claims

A command logs its tasks at its end. What an interrupted one computed, and the thousands of tasks of the benchmark over
other tables, only this command logs.

The study of a table of one's own has an experiment and a registered model of its own; both carry the study's name.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import url2pathname

from utils.benchmark import ledger
from utils.benchmark.errors import exit_with_a_sentence
from utils.benchmark.records import FoldResult, Row, Task
from utils.benchmark.tracking_store import (
    TrackingError,
    as_tracking_errors,
    client,
    experiment_id,
    store_lock,
    tracking_uri,
    without_password,
)
from utils.config import CREDITCARD, REGISTERED_MODEL, Profile, load_profile

if TYPE_CHECKING:
    from mlflow import MlflowClient

METRICS = (
    "average_precision",
    "roc_auc",
    "brier",
    "calibration_error",
    "sampler_seconds",
    "fit_seconds",
    "score_seconds",
)
SUBFOLDERS = ("sensitivity", "scarcity", "seeds", "tables")  # of other experiments' ledgers, beside the benchmark's
CHAMPION = "champion"


def require_store(profile: Profile) -> None:
    """Make sure, before anything is computed, that the profile's runs can be logged.

    Raises
    ------
    TrackingError
        If the store cannot be reached or written to, or the profile's experiment was deleted.
    """
    experiment_id(client(), experiment_name(profile))


def experiment_name(profile: Profile) -> str:
    """The experiment that holds the runs of a profile's tasks; a study's name never holds the colon."""
    return f"{profile.study}: {profile.name}" if profile.is_foreign else f"benchmark-{profile.name}"


def registered_model(study: str) -> str:
    """Name of a study's final model in the registry."""
    return REGISTERED_MODEL if study == CREDITCARD.name else study


def log_computed(rows: Iterable[Row[Task, FoldResult]], profile: Profile) -> None:
    """Log newly computed rows; if the store has become unavailable, print a message and continue."""
    try:
        log_rows(rows, profile)
    except TrackingError as error:
        study = f" --study {profile.study}" if profile.is_foreign else ""
        print(
            f"The results are in the ledger, but not all have an MLflow run: {error} Later, "
            f"'python -m utils.benchmark.tracking --profile {profile.name}{study}' logs what is missing.",
            file=sys.stderr,
        )


def log_rows(rows: Iterable[Row[Task, FoldResult]], profile: Profile) -> int:
    """Log every ledger row as an MLflow run, nested below one run per sampler and profile.

    Rows that already have a run are skipped, so a ledger can be logged again after a crash.

    Returns
    -------
    int
        Number of runs created.

    Raises
    ------
    TrackingError
        If the store cannot be used; runs created before that remain.
    """
    rows = list(rows)
    if not rows:
        return 0
    store = client()
    experiment = experiment_id(store, experiment_name(profile))
    with as_tracking_errors(), store_lock():  # one process at a time looks for missing runs and logs them
        logged = _runs_by_tag(store, experiment, "ledger_key")
        parents = _runs_by_tag(store, experiment, "sampler_parent")
        unlogged = list({row.key: row for row in rows if row.key not in logged}.values())
        for row in unlogged:
            sampler = row.task.sampler.name
            if sampler not in parents:
                run = store.create_run(experiment, run_name=sampler, tags={"sampler_parent": sampler})
                store.set_terminated(run.info.run_id)
                parents[sampler] = run.info.run_id
            _log_row(store, experiment, row, parents[sampler])
    return len(unlogged)


def _runs_by_tag(store: MlflowClient, experiment: str, tag: str) -> dict[str, str]:
    runs, token = {}, None
    while True:
        page = store.search_runs([experiment], f"tags.{tag} != ''", max_results=5000, page_token=token)
        runs |= {run.data.tags[tag]: run.info.run_id for run in page}
        token = page.token
        if not token:
            return runs


def _log_row(store: MlflowClient, experiment: str, row: Row[Task, FoldResult], parent: str) -> None:
    from mlflow.entities import Metric, Param, RunTag

    task, result = row.task, row.result
    tags = {"mlflow.parentRunId": parent, "engine": result.engine}
    name = f"{task.model.name} {task.repeat}.{task.fold}"
    run = store.create_run(experiment, run_name=name, tags=tags)
    params = {"dataset": task.dataset.name, "repeat": task.repeat, "fold": task.fold, "seed": task.seed}
    if task.split.thinned:
        params |= vars(task.split.thinned)
    for role, method in {"sampler": task.sampler, "model": task.model}.items():
        params[role] = method.name
        params |= {f"{role}.{name}": value for name, value in method.params.items()}
    timestamp = run.info.start_time
    store.log_batch(
        run.info.run_id,
        metrics=[Metric(metric, getattr(result, metric), timestamp, 0) for metric in METRICS],
        params=[Param(name, str(value)) for name, value in params.items()],
        tags=[RunTag(f"version.{library}", release) for library, release in row.provenance.versions.items()],
    )
    store.set_terminated(run.info.run_id)
    store.set_tag(run.info.run_id, "ledger_key", row.key)  # last: a run without it is logged again


def register_champion(folder: Path, tags: dict[str, str], *, study: str) -> str:
    """Log a saved model's folder, register it as a new version and point the alias 'champion' at it.

    Parameters
    ----------
    folder : Path
        Folder of the model's files.
    tags : dict of str to str
        Tags of the run and of the version.
    study : str
        Name of the study, as in `Profile.study`; each study has a registered model of its own.

    Returns
    -------
    str
        The version. The alias moves last, so readers see the old champion or the complete new one.
    """
    name = registered_model(study)
    experiment = "champion" if study == CREDITCARD.name else f"{study}: champion"
    version = register(folder, name, experiment, tags)
    store = client()
    with as_tracking_errors():
        store.set_registered_model_alias(name, CHAMPION, version)
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
    parent = experiment_id(store, experiment)
    with as_tracking_errors("RESOURCE_ALREADY_EXISTS"):
        run = store.create_run(parent, run_name=name, tags=tags)
        store.log_artifacts(run.info.run_id, str(folder), "model")
        store.set_terminated(run.info.run_id)
        try:
            store.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        source = f"{run.info.artifact_uri}/model"
        return store.create_model_version(name, source, run_id=run.info.run_id, tags=tags).version


def _registering(study: str) -> str:
    """What registers a study's final model."""
    return "notebook 08" if study == CREDITCARD.name else f"'make study FILE=studies/{study}.toml'"


def download_champion(folder: Path, *, study: str) -> Path:
    """Download the files of a study's champion to a folder; a LookupError says how to create one if there is none."""
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    store, unknown = client(), ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
    try:
        with as_tracking_errors(*unknown):
            version = store.get_model_version_by_alias(registered_model(study), CHAMPION)
    except MlflowException:
        raise LookupError(
            f"The registry at {without_password(tracking_uri())} has no model {registered_model(study)!r} with the "
            f"alias '{CHAMPION}'; {_registering(study)} registers one."
        ) from None
    scheme, _, path = version.source.partition("://")
    if scheme == "file" and not Path(url2pathname(path)).exists():
        raise LookupError(
            f"The files of the model {registered_model(study)!r} are no longer at {version.source}; "
            f"{_registering(study)} registers it again."
        )
    with as_tracking_errors():
        return Path(download_artifacts(version.source, dst_path=str(folder), tracking_uri=tracking_uri()))


def main() -> None:
    """Log the finished tasks of a profile that the store lacks."""
    parser = argparse.ArgumentParser(description="Log every finished task of a profile to MLflow.")
    parser.add_argument("--profile", default="quick", choices=("quick", "full"))
    parser.add_argument("--study", default=CREDITCARD.name, help="name of a study, or path of its file")
    options = parser.parse_args()
    with exit_with_a_sentence():
        profile = load_profile(options.profile, options.study)
        folders = [profile.results, *(profile.results / name for name in SUBFOLDERS)]
        rows = [row for folder in folders for row in ledger.read(folder)]
        n_logged = log_rows(rows, profile)
    print(
        f"{n_logged} of {len(rows)} finished tasks logged to {without_password(tracking_uri())}; "
        "the others were there already."
    )


if __name__ == "__main__":
    main()
