"""Shared by all tests: the experiment store stays out of the project's own; a theme for tests of figures."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from utils.figures import theme as theme_module


@pytest.fixture(autouse=True, scope="session")
def own_store(tmp_path_factory):
    """Runs and models that tests log go to a temporary SQLite store."""
    patch = pytest.MonkeyPatch()
    patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}")
    yield
    patch.undo()


@pytest.fixture
def theme():
    """The study's theme inside a test, and no figure left open."""
    plt.switch_backend("agg")
    with mpl.rc_context():
        theme_module.use_theme()
        yield
    plt.close("all")
