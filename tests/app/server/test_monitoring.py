"""Counters that processes add up: over the workers of one server, and never over servers of the past."""

import re
import subprocess
import sys

COUNT = """
import os, sys
from pathlib import Path
from app.server import monitoring
monitoring.count_together(Path(sys.argv[1]))
monitor = monitoring.Monitor()
if os.fork() == 0:
    monitor.answered("GET", "/", 200, 0.1)
    os._exit(0)  # a worker that is gone, as after a reload
os.wait()
print(monitor.figures().decode(), flush=True)
sys.stdin.read()  # until the test closes it
"""


def start(folder):
    """A server whose only worker has answered one request and is gone; its process and the requests it reports."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-c", COUNT, str(folder)], **pipes)
    for line in process.stdout:
        if count := re.match(r"fraud_requests_total\{.*\} (\S+)", line):
            return process, float(count[1])
    raise AssertionError("The server counted nothing.")


def stop(process):
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_counters_of_a_server_that_has_ended_are_cleared_by_the_next_one(tmp_path):
    for _ in range(2):
        process, n_requests = start(tmp_path)
        n_files = len(list(tmp_path.iterdir()))
        stop(process)
        assert (n_requests, n_files) == (1, 2)  # a file for counters and one for histograms


def test_counters_of_a_process_that_still_runs_are_kept_and_added(tmp_path):
    first, _ = start(tmp_path)
    second, n_requests = start(tmp_path)
    assert n_requests == 2
    stop(second)
    third, n_requests = start(tmp_path)
    assert n_requests == 3  # the counts of the second one belong to a server that is still there
    stop(third)
    stop(first)


def test_counters_are_added_though_a_process_died_before_it_wrote_to_its_file(tmp_path):
    first, _ = start(tmp_path)
    (tmp_path / "counter_1.db").touch()  # no process of the server's has this number
    (tmp_path / "histogram_1.db").touch()
    second, n_requests = start(tmp_path)
    assert n_requests == 2
    stop(second)
    stop(first)
