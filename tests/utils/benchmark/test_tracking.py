"""MLflow: every ledger row has exactly one run, and the registry's champion is always complete."""

import os
import re
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import pytest

from tests.rows import make_row, make_task
from utils.benchmark import ledger, runner, tracking, tracking_store
from utils.benchmark.records import Row, Thinning
from utils.benchmark.tracking import CHAMPION, METRICS
from utils.benchmark.tracking_store import TrackingError
from utils.config import CREDITCARD, REGISTERED_MODEL, load_profile
from utils.experiments import many_tables, other_seeds, scarcity, sensitivity

VALUES = {metric: 0.1 * number for number, metric in enumerate(METRICS)}


def ledger_row(sampler: str = "smote", fold: int = 0) -> Row:
    return make_row(fold=fold, sampler=replace(make_task().sampler, name=sampler), **VALUES)


A, B, C, RUS = (row.key for row in (*(ledger_row(fold=fold) for fold in range(3)), ledger_row("rus")))


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory):
    """One SQLite store for this file, because creating one takes seconds."""
    patch = pytest.MonkeyPatch()
    patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}")
    yield tracking.client()
    patch.undo()


@pytest.fixture
def profile(request):
    """A separate profile for each test, so that its experiment is empty."""
    return replace(load_profile("quick"), name=request.node.name)


def runs_of(store, profile) -> dict:
    """Runs of ledger rows by their key."""
    experiment = store.get_experiment_by_name(f"benchmark-{profile.name}")
    runs = store.search_runs([experiment.experiment_id])
    return {run.data.tags["ledger_key"]: run for run in runs if "ledger_key" in run.data.tags}


def write_model(folder, content: str):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "card.json").write_text(content)
    return folder


@pytest.mark.parametrize("name", ["never-registered", "without-alias"])
def test_download_champion_says_in_one_sentence_how_to_make_one(store, tmp_path, name):
    if name == "without-alias":
        store.create_registered_model(name)
    registering = f"'make study FILE=studies/{name}.toml' registers one"
    with pytest.raises(LookupError, match=rf"no model '{name}' with the alias 'champion'; {registering}"):
        tracking.download_champion(tmp_path, study=name)


def test_register_champion_keeps_the_files_for_download(store, tmp_path):
    model = write_model(tmp_path / "model", '{"threshold": 0.5}')
    (model / "classifier.skops").write_bytes(b"\x00binary")
    version = tracking.register_champion(model, {"ledger_key": "abc"}, study=CREDITCARD.name)
    folder = tracking.download_champion(tmp_path / "copy", study=CREDITCARD.name)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        path.name: path.read_bytes() for path in model.iterdir()
    }
    registered = store.get_model_version_by_alias(REGISTERED_MODEL, CHAMPION)
    assert (registered.version, registered.tags) == (version, {"ledger_key": "abc"})
    assert store.get_run(registered.run_id).data.tags["ledger_key"] == "abc"


def test_register_champion_moves_the_alias(store, tmp_path):
    first = tracking.register_champion(write_model(tmp_path / "first", "first"), {}, study=CREDITCARD.name)
    second = tracking.register_champion(write_model(tmp_path / "second", "second"), {}, study=CREDITCARD.name)
    assert int(second) == int(first) + 1
    assert store.get_model_version_by_alias(REGISTERED_MODEL, CHAMPION).version == second
    assert (tracking.download_champion(tmp_path / "copy", study=CREDITCARD.name) / "card.json").read_text() == "second"


def test_register_champion_of_another_study_leaves_the_credit_card_champion_alone(store, tmp_path):
    ours = tracking.register_champion(write_model(tmp_path / "ours", "ours"), {}, study=CREDITCARD.name)
    versions = len(store.search_model_versions(f"name = '{REGISTERED_MODEL}'"))
    theirs = tracking.register_champion(write_model(tmp_path / "theirs", "theirs"), {}, study="claims")
    registered = store.get_model_version_by_alias("claims", CHAMPION)
    assert theirs == registered.version and int(theirs) == 1
    run = store.get_run(registered.run_id)
    assert store.get_experiment(run.info.experiment_id).name == "claims: champion"
    assert store.get_model_version_by_alias(REGISTERED_MODEL, CHAMPION).version == ours
    assert len(store.search_model_versions(f"name = '{REGISTERED_MODEL}'")) == versions
    for study, content in ((CREDITCARD.name, "ours"), ("claims", "theirs")):
        folder = tracking.download_champion(tmp_path / f"copy-{study}", study=study)
        assert (folder / "card.json").read_text() == content


def test_register_champion_does_not_move_the_alias_if_files_were_not_stored(store, tmp_path, monkeypatch):
    tracking.register_champion(write_model(tmp_path / "old", "old"), {}, study=CREDITCARD.name)

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr("mlflow.MlflowClient.log_artifacts", fail)
    with pytest.raises(TrackingError, match="disk full"):
        tracking.register_champion(write_model(tmp_path / "new", "new"), {}, study=CREDITCARD.name)
    assert (tracking.download_champion(tmp_path / "copy", study=CREDITCARD.name) / "card.json").read_text() == "old"


def test_download_champion_does_not_take_a_failing_registry_for_an_empty_one(tmp_path, monkeypatch):
    from mlflow.exceptions import MlflowException

    def fail(*_, **__):
        raise MlflowException("the server does not answer")

    monkeypatch.setattr("mlflow.MlflowClient.get_model_version_by_alias", fail)
    with pytest.raises(TrackingError, match="does not answer"):
        tracking.download_champion(tmp_path, study=CREDITCARD.name)


def test_log_rows_logs_parameters_metrics_and_versions_of_every_row(store, profile):
    assert tracking.log_rows([ledger_row()], profile) == 1
    run = runs_of(store, profile)[A]
    assert run.data.metrics == pytest.approx(VALUES)
    assert run.data.params == {
        "dataset": make_task().dataset.name,
        "repeat": "0",
        "fold": "0",
        "seed": "42",
        "sampler": "smote",
        "sampler.ratio": "balanced",
        "model": "rf",
        "model.n_estimators": "100",
        "model.max_features": "sqrt",
    }
    assert run.data.tags["version.numpy"] == "2.4.6" and run.data.tags["engine"] == "scikit-learn"
    assert (run.info.status, run.info.run_name) == ("FINISHED", "rf 0.0")


def test_log_rows_logs_which_positives_were_kept(store, profile):
    split = replace(make_task().split, thinned=Thinning(20, 1))
    row = make_row(split=split, **VALUES)
    tracking.log_rows([row], profile)
    params = runs_of(store, profile)[row.key].data.params
    assert (params["n_positives"], params["draw"]) == ("20", "1")


def test_log_rows_nests_runs_below_one_run_per_sampler(store, profile):
    tracking.log_rows([ledger_row(), ledger_row("rus")], profile)
    tracking.log_rows([ledger_row(fold=1)], profile)
    parents = {key: run.data.tags["mlflow.parentRunId"] for key, run in runs_of(store, profile).items()}
    assert parents[A] == parents[B] != parents[RUS]
    assert store.get_run(parents[A]).info.run_name == "smote"
    assert store.get_run(parents[RUS]).info.run_name == "rus"


def test_log_rows_logs_a_row_once(store, profile):
    assert tracking.log_rows([ledger_row(), ledger_row(fold=1)], profile) == 2
    assert tracking.log_rows([ledger_row(fold=1), ledger_row(fold=2), ledger_row(fold=2)], profile) == 1
    experiment = store.get_experiment_by_name(f"benchmark-{profile.name}")
    assert len(store.search_runs([experiment.experiment_id])) == 4  # three rows and their parent
    assert set(runs_of(store, profile)) == {A, B, C}


def test_log_rows_logs_a_row_again_whose_logging_was_interrupted(store, profile, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):

        def interrupt(*_, **__):
            raise KeyboardInterrupt

        patch.setattr("mlflow.MlflowClient.log_batch", interrupt)
        tracking.log_rows([ledger_row()], profile)
    assert tracking.log_rows([ledger_row()], profile) == 1
    assert set(runs_of(store, profile)[A].data.metrics) == set(METRICS)


def test_log_rows_makes_no_experiment_without_rows(store, profile):
    assert tracking.log_rows([], profile) == 0
    assert store.get_experiment_by_name(f"benchmark-{profile.name}") is None


def test_log_rows_of_another_study_go_to_its_own_experiment(store, profile):
    claims = replace(profile, study="claims")
    assert tracking.log_rows([ledger_row()], claims) == 1
    assert tracking.log_rows([ledger_row()], profile) == 1  # the same key, but not the same experiment
    experiment = store.get_experiment_by_name(f"claims: {profile.name}")
    assert {run.data.tags.get("ledger_key") for run in store.search_runs([experiment.experiment_id])} == {A, None}


def test_log_computed_names_the_study_in_the_command_that_logs_the_rest(monkeypatch, profile, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "file:/tmp/runs")
    tracking.log_computed([ledger_row()], replace(profile, name="quick", study="claims"))
    assert "'python -m utils.benchmark.tracking --profile quick --study claims' logs" in capsys.readouterr().err


def test_main_logs_the_rows_of_the_study_that_is_named(monkeypatch, tmp_path, capsys):
    local = replace(load_profile("quick"), results=tmp_path, study="claims-by-name")
    ledger.append(tmp_path / "rows.jsonl", ledger_row())
    monkeypatch.setattr(tracking, "load_profile", lambda *names: local if names == ("full", "claims-by-name") else None)
    monkeypatch.setattr("sys.argv", ["tracking", "--profile", "full", "--study", "claims-by-name"])
    tracking.main()
    assert "1 of 1 finished tasks logged" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["quick", "full"])
def test_log_computed_advises_a_command_that_logs_every_ledger_of_the_profile(
    monkeypatch, store, profile, tmp_path, capsys, name
):
    local = replace(profile, results=tmp_path)
    folders = ["", sensitivity.FOLDER, scarcity.FOLDER, other_seeds.FOLDER, many_tables.FOLDER.name]
    rows = [ledger_row(fold=fold) for fold in range(len(folders))]
    for folder, row in zip(folders, rows, strict=True):
        ledger.append(tmp_path / folder / "rows.jsonl", row)
    with monkeypatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "file:/tmp/runs")
        tracking.log_computed(rows, replace(local, name=name))
    _, *arguments = re.search("python -m ([^']*)'", capsys.readouterr().err)[1].split()
    monkeypatch.setattr(tracking, "load_profile", lambda named, _: local if named == name else None)
    monkeypatch.setattr("sys.argv", ["tracking", *arguments])
    tracking.main()
    assert set(runs_of(store, local)) == {row.key for row in rows}


def test_experiment_id_puts_artefacts_beside_the_store(store, profile):
    tracking.log_rows([ledger_row()], profile)
    location = store.get_experiment_by_name(f"benchmark-{profile.name}").artifact_location
    assert location.startswith("file:///") and "/store" in location and "/mlartifacts/" in location


@pytest.mark.parametrize("uri", ["sqlite:///runs/mlflow.db", "sqlite:///./runs/mlflow.db"])
def test_tracking_uri_takes_a_relative_sqlite_path_from_the_root(monkeypatch, tmp_path, uri):
    monkeypatch.setattr(tracking_store, "ROOT", tmp_path / "project")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    for folder in ("root", "notebooks"):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        assert tracking.tracking_uri() == f"sqlite:///{tmp_path / 'project' / 'runs' / 'mlflow.db'}"


def test_tracking_uri_leaves_absolute_paths_and_servers_alone(monkeypatch, tmp_path):
    for uri in (f"sqlite:///{tmp_path}/mlflow.db", "http://127.0.0.1:5000", "postgresql://me:secret@host/runs"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        assert tracking.tracking_uri() == uri


def test_tracking_uri_without_a_server_is_in_the_output_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.setenv("STUDY_OUTPUT", str(tmp_path / "new"))
    assert tracking.tracking_uri() == f"sqlite:///{tmp_path / 'new' / 'mlflow.db'}"


def test_tracking_uri_takes_a_relative_output_folder_from_the_root(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.setenv("STUDY_OUTPUT", "new")
    assert tracking.tracking_uri() == f"sqlite:///{tracking_store.ROOT / 'new' / 'mlflow.db'}"
    monkeypatch.setenv("STUDY_OUTPUT", "")
    assert tracking.tracking_uri() == f"sqlite:///{tracking_store.ROOT / 'build' / 'mlflow.db'}"


def test_experiment_id_puts_artefacts_beside_a_relative_store(monkeypatch, tmp_path):
    monkeypatch.setattr(tracking_store, "ROOT", tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///runs/mlflow.db")
    store = tracking.client()
    identifier = tracking.experiment_id(store, "relative")
    assert store.get_experiment(identifier).artifact_location == (tmp_path / "runs/mlartifacts/relative").as_uri()
    assert (tmp_path / "runs" / "mlflow.db").exists()


UNUSABLE = {
    "http://127.0.0.1:9": r"http://127\.0\.0\.1:9 cannot be used \(it does not answer\)",
    "file:/tmp/runs": "is a folder of files, which MLflow no longer writes to; set MLFLOW_TRACKING_URI to a database",
    "./mlruns": "is a folder of files, which MLflow no longer writes to; set MLFLOW_TRACKING_URI to a database",
    "nosuch://host/runs": "cannot be used .*; start it or correct MLFLOW_TRACKING_URI, or unset it",
    "sqlite:////proc/runs/mlflow.db": "cannot be used .*; start it or correct MLFLOW_TRACKING_URI, or unset it",
    "postgresql://me:secret@127.0.0.1:9/runs": r"postgresql://me:\*\*\*@127\.0\.0\.1:9/runs cannot be used",
}


@pytest.mark.parametrize("uri", UNUSABLE)
def test_require_store_refuses_an_unusable_store_in_one_sentence(monkeypatch, profile, uri):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingError, match=UNUSABLE[uri]) as refusal:
        tracking.require_store(profile)
    message = str(refusal.value)
    assert "\n" not in message and message.endswith(".") and "secret" not in message
    assert not (tracking_store.ROOT / "mlruns").exists()


def test_require_store_refuses_a_file_that_is_no_database(monkeypatch, profile, tmp_path):
    (tmp_path / "mlflow.db").write_text("not a database " * 100)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    with pytest.raises(TrackingError, match="not a database"):
        tracking.require_store(profile)


def test_require_store_refuses_a_deleted_experiment_and_says_how_to_restore_it(store, profile):
    identifier = store.create_experiment(tracking.experiment_name(profile))
    store.delete_experiment(identifier)
    with pytest.raises(TrackingError, match=f"was deleted; restore it with .*--experiment-id {identifier}"):
        tracking.require_store(profile)
    store.restore_experiment(identifier)
    tracking.require_store(profile)


def test_run_notices_an_unusable_store_before_anything_is_computed(monkeypatch, profile, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "file:/tmp/runs")
    monkeypatch.setattr(runner, "run_batches", lambda *_, **__: pytest.fail("computed first"))
    with pytest.raises(TrackingError, match="folder of files"):
        runner.run(replace(profile, results=tmp_path), tasks=[make_task()])


def test_run_finishes_when_the_store_goes_away_and_the_command_logs_the_rest(
    monkeypatch, store, profile, tmp_path, capsys
):
    local = replace(profile, results=tmp_path)
    rows = [ledger_row(), ledger_row(fold=1)]

    def compute(batches, **_):
        for row in rows:
            ledger.append(tmp_path / "rows.jsonl", row)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # unavailable in the meantime
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        return {batches[0].path: rows}

    uri = tracking.tracking_uri()
    monkeypatch.setattr(runner, "run_batches", compute)
    assert list(runner.run(local, tasks=[row.task for row in rows])["key"]) == [A, B]
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and f"'python -m utils.benchmark.tracking --profile {profile.name}' logs" in message

    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setattr(tracking, "load_profile", lambda *names: local)
    monkeypatch.setattr("sys.argv", ["tracking", "--profile", "full"])
    tracking.main()
    assert "2 of 2 finished tasks logged to sqlite:///" in capsys.readouterr().out
    assert set(runs_of(store, profile)) == {A, B}
    tracking.main()
    assert "0 of 2 finished tasks logged" in capsys.readouterr().out


def test_run_logs_only_what_it_computed(monkeypatch, store, profile, tmp_path):
    local, old, new = replace(profile, results=tmp_path), ledger_row(), ledger_row(fold=1)
    ledger.append(tmp_path / "rows.jsonl", old)
    monkeypatch.setattr(runner, "run_batches", lambda batches, **_: {batches[0].path: [new]})
    runner.run(local, tasks=[old.task, new.task])
    assert set(runs_of(store, profile)) == {B}


def _start(uri: str) -> str:
    os.environ["MLFLOW_TRACKING_URI"] = uri
    return tracking.experiment_id(tracking.client(), "shared")


def test_client_works_for_processes_that_start_together_on_a_fresh_store(tmp_path):
    uri = f"sqlite:///{tmp_path / 'fresh' / 'mlflow.db'}"
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert len(set(pool.map(_start, [uri] * 2))) == 1


def test_download_champion_reports_a_failed_download_in_a_sentence(monkeypatch, tmp_path):
    tracking.register_champion(write_model(tmp_path / "model", "model"), {}, study=CREDITCARD.name)

    def fail(*_, **__):
        raise OSError("gone")

    monkeypatch.setattr("mlflow.artifacts.download_artifacts", fail)
    with pytest.raises(TrackingError, match=r"cannot be used \(gone\)"):
        tracking.download_champion(tmp_path / "copy", study=CREDITCARD.name)


@pytest.mark.parametrize(
    ("study", "registering"),
    [(CREDITCARD.name, "notebook 08"), ("claims", r"'make study FILE=studies/claims\.toml'")],
)
def test_a_store_that_was_moved_is_refused_and_its_model_is_no_champion(study, registering, monkeypatch, tmp_path):
    """MLflow keeps the place of the files as an absolute path, and would make the old folder again.

    The experiment of a table of one's own has a colon and a space in its name, which a URI spells in another way.
    """
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{old / 'mlflow.db'}")
    tracking.register_champion(write_model(tmp_path / "model", "model"), {}, study=study)
    old.rename(new)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{new / 'mlflow.db'}")
    with pytest.raises(TrackingError, match=r"was moved or copied: .*/old/mlartifacts/.*; move it back, or remove it"):
        tracking.register_champion(tmp_path / "model", {}, study=study)
    with pytest.raises(LookupError, match=rf"are no longer at file://.*; {registering} registers it again"):
        tracking.download_champion(tmp_path / "copy", study=study)
    assert not old.exists()
