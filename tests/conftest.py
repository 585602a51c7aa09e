"""Shared by all tests: the experiment store stays out of the project's own."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def own_store(tmp_path_factory):
    """Runs and models that tests log go to a temporary SQLite store."""
    patch = pytest.MonkeyPatch()
    patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}")
    yield
    patch.undo()
