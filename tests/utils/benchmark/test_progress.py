"""The progress bar: running tasks, finished tasks and remaining time."""

import re
import subprocess
import sys

import pytest

from tests.rows import make_row
from utils.benchmark import ledger
from utils.benchmark.progress import Board, follow, progress_bar


@pytest.fixture
def board(tmp_path):
    return Board(tmp_path / ".running")


A, B = (make_row(seed=seed).key for seed in (1, 2))


def finish(path, seed: int) -> None:
    ledger.append(path, make_row(seed=seed))


def test_board_shows_what_was_written_last(board):
    assert board.read() == []
    board.write("smote sampler fold 0.1")
    board.write("smote+rf fold 0.1")
    assert board.read() == ["smote+rf fold 0.1"]


def test_board_wipe_removes_only_the_note_of_the_process(board):
    board.write("mine")
    (board.folder / "0").write_text("another's")
    board.remove()
    board.remove()
    assert board.read() == ["another's"]


def test_board_clear_removes_what_killed_workers_left(board):
    board.write("mine")
    (board.folder / "0").write_text("another's")
    board.clear()
    assert board.read() == []


def test_board_is_read_and_written_by_another_process(board):
    board.write("here")
    code = "import sys, pathlib, utils.benchmark.progress as p; p.Board(pathlib.Path(sys.argv[1])).write('there')"
    subprocess.run([sys.executable, "-c", code, str(board.folder)], check=True)
    assert sorted(board.read()) == ["here", "there"]


def test_progress_bar_ends_at_all_tasks(tmp_path, capsys):
    path = tmp_path / "a.jsonl"
    with progress_bar({path: {A: 1.0, B: 9.0}}):
        finish(path, 1)
        finish(path, 2)
    output = capsys.readouterr().err
    assert "100% |" in output and "2 of 2 tasks" in output


def test_progress_bar_weighs_tasks_by_their_cost(tmp_path, board, capsys):
    path = tmp_path / "a.jsonl"
    board.write("smote+rf fold 0.1")
    with progress_bar({path: {A: 1.0, B: 3.0}}):
        finish(path, 1)
        finish(path, 3)  # of another study
    last = re.split(r"[\r\n]+", capsys.readouterr().err.strip())[-1]
    assert " 25% |" in last
    assert "1 of 2 tasks; running smote+rf fold 0.1" in last
    assert "left" in last


def test_progress_bar_follows_several_ledgers(tmp_path, capsys):
    """The same task may be missing from two of them."""
    here, there = tmp_path / "a.jsonl", tmp_path / "beside" / "a.jsonl"
    Board.for_ledger(there).write("smote+rf fold 0.1")
    with progress_bar({here: {A: 1.0}, there: {A: 1.0, B: 2.0}}):
        finish(there, 1)
    last = re.split(r"[\r\n]+", capsys.readouterr().err.strip())[-1]
    assert " 25% |" in last and "1 of 3 tasks; running smote+rf fold 0.1" in last


def test_progress_bar_does_not_hide_an_error(tmp_path):
    with pytest.raises(KeyboardInterrupt), progress_bar({tmp_path / "a.jsonl": {A: 1.0}}):
        raise KeyboardInterrupt


def test_progress_bar_survives_a_ledger_that_is_not_there_yet(tmp_path, capsys):
    with progress_bar({tmp_path / "missing.jsonl": {A: 1.0}}):
        pass
    assert "0 of 1 tasks" in capsys.readouterr().err


def test_follow_yields_every_result_and_says_what_is_running(capsys):
    assert list(follow(iter("abc"), 3, "final model, out of fold")) == ["a", "b", "c"]
    shown = capsys.readouterr().err
    assert "0 of 3 tasks; running final model, out of fold" in shown
    assert shown.rstrip().endswith("3 of 3 tasks") and "100%" in shown
