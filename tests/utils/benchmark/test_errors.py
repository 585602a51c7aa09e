"""How commands report errors that a user can fix."""

import errno
import os
from concurrent.futures.process import BrokenProcessPool

import pytest

from utils.benchmark.errors import exit_with_a_sentence


def test_exit_with_a_sentence_names_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(SystemExit, match=r"rows\.jsonl: No such file or directory; mend that"), exit_with_a_sentence():
        (tmp_path / "gone" / "rows.jsonl").write_text("")


def test_exit_with_a_sentence_says_why_a_process_may_have_ended():
    with pytest.raises(SystemExit, match=r"^A process of this run was ended from outside"), exit_with_a_sentence():
        raise BrokenProcessPool("killed")


def test_exit_with_a_sentence_says_that_the_disk_is_full():
    """An error of `write` has no file name."""
    with pytest.raises(SystemExit, match=r"^No space left on device; mend that"), exit_with_a_sentence():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    "error", [OSError("no file"), BrokenPipeError(errno.EPIPE, ""), RuntimeError("ours"), KeyError("ours")]
)
def test_exit_with_a_sentence_leaves_the_traceback_of_a_fault(error):
    with pytest.raises(type(error)), exit_with_a_sentence():
        raise error
