"""What the tests of the application share; a module asks for it with `pytest_plugins`."""

import pytest

from app.app import create_app
from app.settings import Settings
from tests.small_app import COLUMNS, transactions, write_champion
from utils.serving import bundle


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A champion and a pair beside it, which tests only read."""
    place = tmp_path_factory.mktemp("app") / "model"
    write_champion(place)
    return place


@pytest.fixture(scope="session")
def fraud_model(folder):
    """The champion as it was saved."""
    return bundle.load(folder)


@pytest.fixture(scope="module")
def app(folder):
    """An application of the test module's own."""
    return create_app(Settings(folder=folder))


@pytest.fixture
def client(app):
    """A client without cookies."""
    return app.test_client()


@pytest.fixture(scope="module")
def rows():
    """Transactions to score."""
    return transactions(40, seed=1)[list(COLUMNS)]
