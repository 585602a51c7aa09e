"""How commands report errors that a user can fix."""

from concurrent.futures.process import BrokenProcessPool

import pytest

from utils.benchmark.errors import exit_with_a_sentence


def test_exit_with_a_sentence_names_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(SystemExit, match=r"rows\.jsonl: No such file or directory; mend that"), exit_with_a_sentence():
        (tmp_path / "gone" / "rows.jsonl").write_text("")


def test_exit_with_a_sentence_says_why_a_process_may_have_ended():
    with pytest.raises(SystemExit, match=r"^A process of this run was ended from outside"), exit_with_a_sentence():
        raise BrokenProcessPool("killed")


@pytest.mark.parametrize("error", [OSError("no file"), RuntimeError("ours"), KeyError("ours")])
def test_exit_with_a_sentence_leaves_the_traceback_of_a_fault(error):
    with pytest.raises(type(error)), exit_with_a_sentence():
        raise error
