"""Temporary folders: private, and gone at the end, whatever the end was."""

import os
import signal
import subprocess
import sys

import pytest

from app.staging import FRESH, TemporaryFolder

HOLD = """
import sys, time
from pathlib import Path
from app.staging import TemporaryFolder, exiting_on_signals
with exiting_on_signals(), TemporaryFolder(".model-", Path(sys.argv[1])) as folder:
    print(folder, flush=True)
    time.sleep(600)
"""


def aged(folder):
    """As if the folder had been made a while ago."""
    before = folder.stat().st_mtime - 2 * FRESH
    os.utime(folder, (before, before))
    return folder


@pytest.fixture
def holder(tmp_path):
    """A process with a temporary folder in `tmp_path`."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline().strip().startswith(str(tmp_path / ".model-"))
    yield process
    process.kill()
    process.wait(20)


def test_temporary_folder_is_private_and_is_removed_with_its_content(tmp_path):
    with TemporaryFolder(".model-", tmp_path) as name:
        (folder,) = tmp_path.iterdir()
        assert str(folder) == name and folder.stat().st_mode & 0o777 == 0o700
        (folder / "new").mkdir()
        (folder / "new" / "card.json").write_text("{}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_exiting_on_signals_leaves_nothing_behind(holder, number, tmp_path):
    holder.send_signal(number)
    assert holder.wait(20) == 1
    assert not list(tmp_path.iterdir())


def test_temporary_folder_of_a_killed_process_is_removed_when_the_next_one_starts(holder, tmp_path):
    (left,) = tmp_path.iterdir()
    holder.kill()
    holder.wait(20)
    assert left.exists()
    aged(left)
    with TemporaryFolder(".model-", tmp_path) as name:
        assert [str(path) for path in tmp_path.iterdir()] == [name]


def test_temporary_folder_that_is_in_use_or_has_another_prefix_stays(holder, tmp_path):
    (used,) = map(aged, list(tmp_path.iterdir()))
    other = tmp_path / ".pairs-old"
    other.mkdir()
    aged(other)
    with TemporaryFolder(".model-", tmp_path):
        assert used.exists() and other.exists()


def test_temporary_folder_stays_when_a_forked_process_ends(tmp_path):
    with TemporaryFolder(".model-", tmp_path) as name:
        code = f"""
import os, sys
from pathlib import Path
from app.staging import TemporaryFolder
folder = TemporaryFolder(".model-", Path({str(tmp_path)!r}))
if os.fork() == 0:
    sys.exit()  # as gunicorn's workers end
os.wait()
print(folder.path.exists())
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
        assert done.stdout == "True\n", done.stderr
        assert [str(path) for path in tmp_path.iterdir()] == [name]
