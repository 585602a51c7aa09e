"""Several processes behind one address: one that dies is replaced, and none outlives the first."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SERVE = """
import os, sys, time
from app import workers
def serve(number):
    print(f"worker {{os.getpid()}} {{number}}\\n", end="", flush=True)  # in one piece, however Python buffers
    {body}
workers.SHORTEST = {shortest}
sys.exit(workers.run(serve, {count}))
"""


@pytest.fixture
def start():
    """Starts processes, and ends them even where a test fails."""
    started = []

    def begin(body="time.sleep(600)", shortest=0.0, count=2):
        code = SERVE.format(body=body, shortest=shortest, count=count)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen([sys.executable, "-c", code], **pipes))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait(20)


def worker_of(process):
    return int(process.stdout.readline().split()[1])


def gone(pid, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_of_them(number, start):
    process = start()
    pids = [worker_of(process) for _ in range(2)]
    process.send_signal(number)
    assert process.wait(20) == 0
    assert all(gone(pid) for pid in pids)
    assert "Traceback" not in process.stderr.read()


def test_a_worker_that_dies_is_replaced(start):
    process = start()
    first, second = worker_of(process), worker_of(process)
    os.kill(first, signal.SIGKILL)
    third = worker_of(process)
    assert third not in (first, second) and not gone(second, 0.1)
    process.terminate()
    assert process.wait(20) == 0


def test_workers_do_not_outlive_the_first_process(start):
    process = start()
    pids = [worker_of(process) for _ in range(2)]
    process.kill()
    process.wait(20)
    assert all(gone(pid) for pid in pids)


def test_workers_that_end_at_once_are_not_started_for_ever(start):
    process = start(body="raise RuntimeError('broken')", shortest=60.0)
    said = process.communicate(timeout=20)[1]
    assert process.returncode == 1
    assert "RuntimeError" in said and "ended with status 1" in said
