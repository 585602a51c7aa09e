"""MLflow: every ledger row has its run, once, and the registry's champion is always whole."""

from dataclasses import replace

import pytest

from utils import tracking
from utils.config import load_profile
from utils.tracking import CHAMPION, METRICS, REGISTERED_MODEL


def ledger_row(key: str, sampler: str = "smote", fold: int = 0) -> dict:
    return {
        "key": key,
        "repeat": 0,
        "fold": fold,
        "seed": 42,
        "sampler": {"name": sampler, "params": {"ratio": "balanced"}},
        "model": {"name": "rf", "params": {"n_estimators": 100, "max_features": "sqrt"}},
        "engine": "scikit-learn",
        "versions": {"python": "3.11.7", "numpy": "2.4.6"},
        **{metric: 0.1 * number for number, metric in enumerate(METRICS)},
    }


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory):
    """One SQLite store for this file, as setting one up takes seconds."""
    patch = pytest.MonkeyPatch()
    patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}")
    yield tracking.client()
    patch.undo()


@pytest.fixture
def profile(request):
    """A profile of its own for each test, so that its experiment is empty."""
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
def test_without_a_champion_one_sentence_says_how_to_make_one(store, tmp_path, monkeypatch, name):
    monkeypatch.setattr(tracking, "REGISTERED_MODEL", name)
    if name == "without-alias":
        store.create_registered_model(name)
    with pytest.raises(LookupError, match=r"no model with the alias 'champion'; run notebook 08"):
        tracking.download_champion(tmp_path)


def test_a_registered_champion_comes_back_as_it_was(store, tmp_path):
    model = write_model(tmp_path / "model", '{"threshold": 0.5}')
    (model / "classifier.skops").write_bytes(b"\x00binary")
    version = tracking.register_champion(model, {"ledger_key": "abc"})
    folder = tracking.download_champion(tmp_path / "copy")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        path.name: path.read_bytes() for path in model.iterdir()
    }
    found = store.get_model_version_by_alias(REGISTERED_MODEL, CHAMPION)
    assert (found.version, found.tags) == (version, {"ledger_key": "abc"})
    assert store.get_run(found.run_id).data.tags["ledger_key"] == "abc"


def test_a_new_champion_takes_the_alias(store, tmp_path):
    first = tracking.register_champion(write_model(tmp_path / "first", "first"), {})
    second = tracking.register_champion(write_model(tmp_path / "second", "second"), {})
    assert int(second) == int(first) + 1
    assert store.get_model_version_by_alias(REGISTERED_MODEL, CHAMPION).version == second
    assert (tracking.download_champion(tmp_path / "copy") / "card.json").read_text() == "second"
    assert (tracking.download_champion() / "card.json").read_text() == "second"


def test_a_champion_whose_files_were_not_stored_does_not_take_the_alias(store, tmp_path, monkeypatch):
    tracking.register_champion(write_model(tmp_path / "old", "old"), {})

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr("mlflow.MlflowClient.log_artifacts", fail)
    with pytest.raises(OSError, match="disk full"):
        tracking.register_champion(write_model(tmp_path / "new", "new"), {})
    assert (tracking.download_champion(tmp_path / "copy") / "card.json").read_text() == "old"


def test_a_registry_that_fails_is_not_taken_for_an_empty_one(monkeypatch):
    from mlflow.exceptions import MlflowException

    def fail(*_, **__):
        raise MlflowException("the server does not answer")

    monkeypatch.setattr("mlflow.MlflowClient.get_model_version_by_alias", fail)
    with pytest.raises(MlflowException, match="does not answer"):
        tracking.download_champion()


def test_every_row_has_its_run_with_parameters_metrics_and_versions(store, profile):
    assert tracking.log_rows([ledger_row("a")], profile) == 1
    run = runs_of(store, profile)["a"]
    assert run.data.metrics == pytest.approx({metric: 0.1 * number for number, metric in enumerate(METRICS)})
    assert run.data.params == {
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


def test_runs_are_nested_below_one_run_per_sampler(store, profile):
    tracking.log_rows([ledger_row("a"), ledger_row("b", "rus")], profile)
    tracking.log_rows([ledger_row("c", fold=1)], profile)
    parents = {key: run.data.tags["mlflow.parentRunId"] for key, run in runs_of(store, profile).items()}
    assert parents["a"] == parents["c"] != parents["b"]
    assert store.get_run(parents["a"]).info.run_name == "smote"
    assert store.get_run(parents["b"]).info.run_name == "rus"


def test_a_row_is_logged_once(store, profile):
    assert tracking.log_rows([ledger_row("a"), ledger_row("b", fold=1)], profile) == 2
    assert tracking.log_rows([ledger_row("b", fold=1), ledger_row("c", fold=2)], profile) == 1
    experiment = store.get_experiment_by_name(f"benchmark-{profile.name}")
    assert len(store.search_runs([experiment.experiment_id])) == 4  # three rows and their parent
    assert set(runs_of(store, profile)) == {"a", "b", "c"}


def test_a_row_whose_logging_was_interrupted_is_logged_again(store, profile, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):

        def interrupt(*_, **__):
            raise KeyboardInterrupt

        patch.setattr("mlflow.MlflowClient.log_batch", interrupt)
        tracking.log_rows([ledger_row("a")], profile)
    assert tracking.log_rows([ledger_row("a")], profile) == 1
    assert set(runs_of(store, profile)["a"].data.metrics) == set(METRICS)


def test_no_rows_make_no_experiment(store, profile):
    assert tracking.log_rows([], profile) == 0
    assert store.get_experiment_by_name(f"benchmark-{profile.name}") is None


def test_artefacts_lie_beside_the_store(store, profile):
    tracking.log_rows([ledger_row("a")], profile)
    location = store.get_experiment_by_name(f"benchmark-{profile.name}").artifact_location
    assert location.startswith("file:///") and "/store" in location and "/mlartifacts/" in location


def test_a_store_may_be_named_relative_to_where_one_is(store, profile, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
    identifier = tracking.experiment_id(store, profile.name)
    assert store.get_experiment(identifier).artifact_location == (tmp_path / "mlartifacts" / profile.name).as_uri()


def test_without_a_server_runs_go_to_the_output_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.setenv("STUDY_OUTPUT", str(tmp_path / "new"))
    assert tracking.tracking_uri() == f"sqlite:///{tmp_path / 'new' / 'mlflow.db'}"
    assert (tmp_path / "new").is_dir()


def test_the_output_folder_may_be_named_relative_to_where_one_is(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.setenv("STUDY_OUTPUT", "new")
    assert tracking.tracking_uri() == f"sqlite:///{tmp_path / 'new' / 'mlflow.db'}"
