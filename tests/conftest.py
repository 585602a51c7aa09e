"""Shared by all tests: the order of their files; the experiment store stays out of the project's own; a theme for
tests of figures; TensorFlow without compiling."""

from pathlib import Path

import pytest

from utils.backend import load_tensorflow

TESTS = Path(__file__).parent
LONGEST = (  # they start first, so that none of them runs alone at the end
    "utils/benchmark/test_runner.py",
    "app/test_browser.py",
    "app/serving/test_catalog.py",
    "utils/experiments/test_cgan_ablation.py",
    "utils/samplers/cgan/test_conditional_gan.py",
    "benchmarks/test_out_of_core.py",
    "utils/models/test_networks.py",
    "utils/models/test_estimator_checks.py",
    "benchmarks/test_generators.py",
    "utils/test_registries.py",
    "utils/data/test_loading.py",
    "paper/test_paper.py",
    "app/test_app.py",
    "app/test_serving.py",
    "utils/benchmark/test_dask.py",
    "utils/benchmark/test_tracking.py",
    "utils/experiments/original_study/test_run.py",
    "utils/experiments/original_study/test_cgan.py",
    "utils/experiments/test_fidelity.py",
    "app/routes/test_pages.py",
    "utils/benchmark/test_training.py",
    "utils/samplers/test_peers.py",
    "app/routes/test_openapi.py",
    "utils/serving/test_explanations.py",
    "app/building/test_champion.py",
)


def pytest_collection_modifyitems(items):
    """Files in the order in which `--no-loadscope-reorder` deals them out."""
    if gone := [name for name in LONGEST if not (TESTS / name).exists()]:
        raise pytest.UsageError(f"tests/conftest.py lists {', '.join(gone)}, which are not there; correct LONGEST.")
    positions = {TESTS / name: position for position, name in enumerate(LONGEST)}
    items.sort(key=lambda item: positions.get(item.path, len(positions)))


@pytest.fixture(autouse=True, scope="session")
def own_store(tmp_path_factory):
    """Runs and models that tests log go to a temporary SQLite store."""
    patch = pytest.MonkeyPatch()
    patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}")
    yield
    patch.undo()


@pytest.fixture
def eager_tensorflow():
    """TensorFlow without compiling, which takes most of the time of a training as short as in a check."""
    tf = load_tensorflow()
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def theme():
    """The study's theme inside a test, and no figure left open."""
    import matplotlib as mpl  # takes a second, which the process that starts pytest's workers need not wait for
    import matplotlib.pyplot as plt

    from utils.figures import theme as theme_module

    plt.switch_backend("agg")
    with mpl.rc_context():
        theme_module.use_theme()
        yield
    plt.close("all")
