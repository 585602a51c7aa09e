"""The benchmark on a Dask cluster: a real scheduler and two real workers, one of which is killed."""

import gc
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import distributed.utils
import pytest
from distributed import Client, LocalCluster
from threadpoolctl import threadpool_limits

from tests.small import small_profile
from utils.benchmark import executors, ledger, run_task, runner
from utils.benchmark.executors import Batch
from utils.benchmark.records import Task
from utils.config import ROOT

CHOSEN = {"samplers": ["none", "rus"], "models": ["lr", "xgb"]}  # on two folds: four groups of two tasks
PATIENCE = 120  # seconds, for a loaded machine


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def start_dask(*arguments: str, log: Path) -> subprocess.Popen:
    """A Dask command as a shell would start it, in a separate process group."""
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments],
            cwd=ROOT,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


@pytest.fixture(scope="module")
def starting(tmp_path_factory):
    """Address of a scheduler with two worker processes that are starting, by the commands of the README."""
    logs = tmp_path_factory.mktemp("dask")
    address, port = "tcp://127.0.0.1", str(free_port())
    here = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
    workers = ["worker", f"{address}:{port}", "--nworkers", "2", "--nthreads", "1", "--local-directory", str(logs)]
    processes = []
    try:
        processes.append(start_dask("scheduler", "--port", port, *here, log=logs / "scheduler"))
        processes.append(start_dask(*workers, "--preload", "utils.benchmark.runner", *here, log=logs / "workers"))
        yield f"{address}:{port}"
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def local(tmp_path_factory, starting):
    """The small study, run in this process while the workers start."""
    profile = small_profile(tmp_path_factory.mktemp("local"))
    with pytest.MonkeyPatch.context() as patch, threadpool_limits(1):
        patch.setenv("LOKY_MAX_CPU_COUNT", "1")  # one thread, as a Dask worker has
        runner.run(profile, **CHOSEN)
    return profile


@pytest.fixture(scope="module")
def cluster(starting, local):
    """The same address as soon as both workers are there."""
    with Client(starting, timeout=PATIENCE) as client:
        client.wait_for_workers(2, timeout=PATIENCE)
    return starting


@pytest.fixture
def profile(tmp_path, local, cluster, monkeypatch):
    """The same study with an empty ledger, to be run by the cluster."""
    monkeypatch.setenv("STUDY_DASK_SCHEDULER", cluster)
    (tmp_path / "rows.parquet").symlink_to(local.dataset.path)
    return small_profile(tmp_path)


def scores(profile) -> dict[str, tuple]:
    rows = list(ledger.read_file(profile.results / "rows.jsonl"))
    assert len(rows) == len({row.key for row in rows}), "a key stands in the ledger twice"
    return {row.key: (row.result.average_precision, tuple(row.result.ranks)) for row in rows}


def group_of(task: Task) -> str:
    return f"{task.sampler.name}:{task.fold}"


def note(path: Path, *words: object) -> None:
    """Add a line to the diary beside a ledger, in one write, so that lines of several processes do not mix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".diary").open("a") as diary:
        diary.write(" ".join(map(str, words)) + "\n")


def diary(path: Path) -> list[list[str]]:
    diary = path.with_suffix(".diary")
    return [line.split() for line in diary.read_text().splitlines()] if diary.exists() else []


def noted(profile, tasks, path, *arguments):
    """Run a group and record the process that ran it."""
    note(path, "started", group_of(tasks[0]), os.getpid())
    return run_task.run_group(profile, tasks, path, *arguments)


def killed_once(profile, tasks, path, *arguments):
    """The same, but the first worker that begins a second group is killed halfway; its first one is delivered."""
    first = [line[1] for line in diary(path) if line[0] == "started" and line[2] == str(os.getpid())]
    if not first or not claimed(path.with_suffix(".claimed")):
        return noted(profile, tasks, path, *arguments)
    noted(profile, tasks[:1], path, *arguments)
    deadline = time.monotonic() + PATIENCE
    while diary(path).count(["received", first[0]]) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.5)  # the scheduler must first hear that the caller no longer needs the result
    note(path, "killed", group_of(tasks[0]), os.getpid())
    os.kill(os.getpid(), signal.SIGKILL)


def claimed(path: Path) -> bool:
    """Whether this process is the first to call this."""
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def killed_always(profile, tasks, path, *arguments):
    """A group that no worker survives, such as one that needs too much memory."""
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def receiving(monkeypatch):
    """Record in the diary what the caller receives."""
    honest = ledger.append

    def append(path, row):
        note(path, "received", group_of(row.task))
        return honest(path, row)

    monkeypatch.setattr(executors.ledger, "append", append)


def test_run_fills_the_ledger_on_a_cluster_as_on_this_machine(profile, local, monkeypatch):
    monkeypatch.setattr(runner, "run_group", noted)
    table = runner.run(profile, **CHOSEN)
    assert len(table) == 8
    assert scores(profile) == scores(local)
    starts = diary(profile.results / "rows.jsonl")
    assert len(starts) == 4
    assert len({pid for _, _, pid in starts} - {str(os.getpid())}) == 2


def test_run_repeats_only_the_group_of_a_killed_worker(profile, local, monkeypatch, receiving):
    monkeypatch.setattr(runner, "run_group", killed_once)
    table = runner.run(profile, **CHOSEN)
    assert len(table) == 8
    assert scores(profile) == scores(local)
    lines = diary(profile.results / "rows.jsonl")
    (death,) = (number for number, line in enumerate(lines) if line[0] == "killed")
    finished = {line[1] for line in lines[:death] if line[0] == "received"}
    starts = Counter(line[1] for line in lines if line[0] == "started")
    _, victim, worker = lines[death]
    assert {line[1] for line in lines[:death] if line[0] == "started" and line[2] == worker} & finished
    assert victim not in finished and starts[victim] == 2
    assert [starts[group] for group in finished] == [1] * len(finished)
    assert len(starts) == 4


def test_run_names_a_group_that_no_worker_survives(profile, cluster, monkeypatch):
    with Client(cluster) as client:  # Dask's default is to give up after four deaths; one is enough here
        client.run_on_scheduler(lambda dask_scheduler: setattr(dask_scheduler, "allowed_failures", 0))
    monkeypatch.setattr(runner, "run_group", killed_always)
    alone = replace(profile, folds=((0, 1),))  # Dask blames all tasks that wait at a worker that dies
    with pytest.raises(RuntimeError, match=r"ran the tasks from 'rus\+lr fold 0\.1' on died"):
        runner.run(alone, samplers=["rus"], models=["lr", "xgb"])
    assert ledger.read(profile.results) == []


def test_run_batches_names_an_address_without_scheduler(local, monkeypatch, tmp_path):
    monkeypatch.setattr(executors, "CONNECT_SECONDS", 1)
    # Collecting a failed client in the thread of the next one's loop makes both wait for each other.
    new_loop = distributed.utils.get_loop_factory()
    monkeypatch.setattr("distributed.utils.get_loop_factory", lambda: [gc.collect(), new_loop][1])
    for address in (f"tcp://127.0.0.1:{free_port()}", "nowhere", "http://127.0.0.1:1"):
        monkeypatch.setenv("STUDY_DASK_SCHEDULER", address)
        with pytest.raises(RuntimeError, match=f"No Dask scheduler answers at STUDY_DASK_SCHEDULER={address};"):
            executors.run_batches([Batch(run_task.run_group, local, [[]], tmp_path / "rows.jsonl", {})])


@pytest.mark.parametrize(("n_workers", "message"), [(0, "has no worker; start some"), (1, "with '--nthreads 1'")])
def test_run_batches_refuses_a_cluster_with_no_or_unsuitable_workers(n_workers, message, local, monkeypatch, tmp_path):
    quiet = {"processes": False, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=n_workers, threads_per_worker=2, **quiet) as unfit:
        monkeypatch.setenv("STUDY_DASK_SCHEDULER", unfit.scheduler_address)
        with pytest.raises(RuntimeError, match=message):
            executors.run_batches([Batch(run_task.run_group, local, [[]], tmp_path / "rows.jsonl", {})])
