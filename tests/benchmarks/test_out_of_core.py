"""Boosting on rows that stay on disk: batches of known composition, a real run on few rows, an interruption."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from xgboost import DMatrix

from benchmarks import out_of_core
from utils.config import ROOT


def start(folder: Path, *options: str) -> subprocess.Popen:
    """The benchmark, with its temporary files below `folder`."""
    folder.mkdir()
    command = [sys.executable, "-m", "benchmarks.out_of_core", *options]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, "TMPDIR": str(folder)}, **pipes)


def table_cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")][2:]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """1,050 rows in batches of 400, and the held-out rows."""
    folder = tmp_path_factory.mktemp("batches")
    out_of_core.write_batches(folder, 1050, 400)
    return folder


def test_draw_batch_follows_from_the_number():
    X, y = out_of_core.draw_batch(3, 5000)
    again, other = out_of_core.draw_batch(3, 5000), out_of_core.draw_batch(4, 5000)
    assert np.array_equal(X, again[0]) and np.array_equal(y, again[1])
    assert not np.isin(X[0], other[0]).all()
    assert X.shape == (5000, 30) and X.dtype == np.float32


def test_draw_batch_has_the_prevalence_of_the_study_and_rows_as_described():
    X, y = out_of_core.draw_batch(0, 400_000)
    expected = 400_000 * out_of_core.PREVALENCE
    assert abs(y.sum() - expected) < 4 * np.sqrt(expected)
    assert np.abs(X[~y].mean(axis=0)).max() < 0.01 and np.abs(X[~y].std(axis=0) - 1).max() < 0.01
    shifted = np.abs(X[y].mean(axis=0)) > 0.4
    assert 6 <= shifted.sum() <= 18  # three kinds of fraud, six columns each, which may be shared


def test_write_batches_writes_every_row_once_and_in_order(written):
    names = out_of_core.batch_names(written)
    batches = [out_of_core.load(written, name) for name in names]
    assert [len(y) for _, y in batches] == [400, 400, 250]
    X, y = out_of_core.load_whole(written)
    assert np.array_equal(X, np.concatenate([batch for batch, _ in batches]))
    assert np.array_equal(y, np.concatenate([labels for _, labels in batches]))
    held_out, _ = out_of_core.load(written, "held_out")
    assert len(held_out) == out_of_core.HELD_OUT_ROWS
    assert not (held_out[: len(X)] == X).all(axis=1).any()


@pytest.mark.parametrize("way", out_of_core.WAYS)
def test_make_matrix_bins_the_same_rows_in_every_way(way, written):
    seen = []
    matrix = out_of_core.make_matrix(way, written, seen.append)
    assert isinstance(matrix, DMatrix) and matrix.num_row() == 1050 and matrix.num_col() == 30
    assert np.array_equal(matrix.get_label(), out_of_core.load_whole(written)[1])
    assert bool(list(written.glob("cache*"))) == (way == "external")
    assert ("reading batch 3 of 3" in seen) == (way != "memory")


def test_main_agrees_on_a_small_run_and_leaves_nothing_behind(tmp_path):
    options = ["--rows", "200000", "--batch-rows", "25000", "--rounds", "8"]
    process = start(tmp_path / "tmp", *options, "--output", str(tmp_path / "table.md"))
    printed, messages = process.communicate(timeout=300)
    assert process.returncode == 0, messages
    assert (tmp_path / "table.md").read_text() == printed
    assert not list((tmp_path / "tmp").iterdir())
    cells = table_cells(printed)
    assert len(cells) == len(out_of_core.WAYS)
    scores = [float(row[-1]) for row in cells]
    assert min(scores) > 0.2 and max(scores) - min(scores) <= out_of_core.TOLERANCE
    assert int(cells[0][3]) >= 6 and cells[1][3] == cells[2][3] == "0"  # 6 million bins, of a byte or more each
    peaks = [int(row[1].replace(",", "")) for row in cells]
    assert peaks[2] > peaks[0]
    assert "- met: average precision" in printed


def test_main_removes_its_files_when_interrupted(tmp_path):
    process = start(tmp_path / "tmp", "--rows", "500000", "--output", str(tmp_path / "table.md"))
    deadline = time.monotonic() + 120
    while not list((tmp_path / "tmp").glob("*/cache*")):
        assert process.poll() is None and time.monotonic() < deadline, process.stderr.read()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # like Ctrl-C, while a separate process bins the rows
    _, messages = process.communicate(timeout=120)
    assert process.returncode == 1
    assert messages.rstrip().endswith("Interrupted; the temporary folder is removed and nothing was written.")
    assert "Traceback" not in messages
    assert not list((tmp_path / "tmp").iterdir()) and not (tmp_path / "table.md").exists()


@pytest.mark.parametrize("option", ["--rows", "--rounds", "--batch-rows"])
def test_main_refuses_counts_below_one(option, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["out_of_core", option, "0"])
    with pytest.raises(SystemExit):
        out_of_core.main()
    assert "are counts, at least 1" in capsys.readouterr().err


def test_main_names_a_full_disk_before_anything_is_drawn(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["out_of_core", "--rows", str(10**15)])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(SystemExit, match=r"less than the 242000000\.0 GB of free space that this needs; set TMPDIR"):
        out_of_core.main()
    assert not list(tmp_path.iterdir())


def test_table_committed_is_of_ten_million_rows_and_meets_its_goal():
    text = (ROOT / "benchmarks" / "out_of_core.md").read_text()
    assert text.splitlines()[2].startswith("10,000,000 rows") and "NOT MET" not in text
    peaks = [int(row[1].replace(",", "")) for row in table_cells(text)]
    (ratio,) = re.findall(r"peak memory on disk is ([\d.]+) of that in memory", text)
    assert float(ratio) == pytest.approx(peaks[0] / peaks[2], abs=0.006)
