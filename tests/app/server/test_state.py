"""What workers share: private, and one key for all of them."""

import stat
from concurrent.futures import ProcessPoolExecutor

import pytest

from app.app import create_app
from app.server.state import State, StateError
from app.settings import Settings

pytest_plugins = ["tests.app_fixtures"]


SHARED = ["counters", "model", "results", "secret-key"]


def key_in(folder):
    return State(folder).secret_key()


def test_all_processes_get_one_key_that_only_this_user_can_read(tmp_path):
    folder = tmp_path / "state"
    with ProcessPoolExecutor(4) as processes:
        (key,) = set(processes.map(key_in, [folder] * 8))
    assert len(key) == 64 and sorted(path.name for path in folder.iterdir()) == SHARED
    assert stat.S_IMODE((folder / "secret-key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_others_can_read_is_refused(tmp_path):
    shared, link = tmp_path / "shared", tmp_path / "link"
    shared.mkdir(0o755)
    link.symlink_to(tmp_path)
    for folder in (shared, link):
        with pytest.raises(StateError, match="is not private to this user"):
            State(folder)


def test_applications_with_one_state_share_key_and_results(folder, tmp_path, rows):
    one, other = (create_app(Settings(folder=folder, state=tmp_path / "state")) for _ in range(2))
    assert one.secret_key == other.secret_key
    sent = rows.to_csv(index=False).encode()
    scored = one.test_client().post("/api/v1/files", data=sent, content_type="text/csv").json
    assert other.test_client().get(scored["download"]).data.startswith(b'"row"')
    apart = create_app(Settings(folder=folder, secret_key="0123456789abcdef"))
    assert apart.secret_key == "0123456789abcdef"
    assert apart.test_client().get(scored["download"]).status_code == 404
