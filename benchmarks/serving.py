"""The web application under load, compared with MLflow's server of the same model, and scoring a whole file.

    python -m benchmarks.serving [--rounds 3] [--seconds 5] [--without-mlflow] [--without-file]

All servers have the same number of processes and are measured in turns, on this machine: the application as `make app`
serves it (app), with gunicorn's plain workers (sync), and MLflow's server. Needs `wrk` (apt-get install wrk). Prints a
table and writes no file; benchmarks/serving.md has the figures by which the server was chosen.
"""

import argparse
import io
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from app.client import OPENER
from app.serving.model_files import read_about
from app.settings import FOLDER, default_workers
from utils.config import ULB
from utils.data.fetching import fetch
from utils.serving import bundle

SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [==[{body}]==]
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("\\nmeasured %d %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
local pause = {pause}
if pause > 0 then
  init = function() math.randomseed(1) end
  delay = function() return math.random(pause / 2, pause * 3 / 2) end
end
"""
MLFLOW_MODEL = """
from pathlib import Path
import mlflow
from utils.serving import bundle

class Served(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        self.model = bundle.load(Path(context.artifacts["folder"]))

    def predict(self, context, model_input):
        return self.model.predict_proba(model_input)

mlflow.models.set_model(Served())
"""
# Number of clients, and mean pause of each between two requests in milliseconds. Without a pause, a client sends a
# request as soon as it has its answer, so that 20 of them use all of the machine.
LOADS = ((1, 0), (20, 0), (20, 50))
READY_SECONDS = 180


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=FOLDER, help="the model (default: app/model)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of load in each round")
    parser.add_argument("--workers", type=int, default=default_workers(), help="processes of each server")
    parser.add_argument("--without-mlflow", action="store_true")
    parser.add_argument("--without-file", action="store_true")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("The load generator wrk is not installed; `apt-get install wrk` does that.")
    with ExitStack() as stack:
        workdir = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        address, processes = stack.enter_context(app_server(options.folder, options.workers))
        sync = stack.enter_context(sync_server(options.folder, options.workers, workdir))
        urls = {"app": address, "sync": sync}
        targets = {
            name: wrk_arguments(workdir, name, f"{url}/api/v1/predict", options.folder) for name, url in urls.items()
        }
        if not options.without_mlflow:
            mlflow = stack.enter_context(mlflow_server(options.folder, options.workers, workdir))
            targets["mlflow"] = wrk_arguments(workdir, "mlflow", f"{mlflow}/invocations", options.folder)
        report_load(targets, options.rounds, options.seconds)
        if not options.without_file:
            report_file(address, processes, options.folder, options.rounds)


def wrk_arguments(workdir: Path, name: str, url: str, folder: Path) -> dict[int, list[str]]:
    """Last arguments of a wrk command that sends the model's example of a fraud, by the pause in milliseconds."""
    example = read_about(folder).examples["fraud"]
    body = {"dataframe_records": [example]} if name == "mlflow" else [example]
    arguments = {}
    for pause in {pause for _, pause in LOADS}:
        script = workdir / f"{name}-{pause}.lua"
        script.write_text(SCRIPT.replace("{body}", json.dumps(body)).replace("{pause}", str(pause)))
        arguments[pause] = ["-s", str(script), url]
    return arguments


@contextmanager
def app_server(folder: Path, workers: int) -> Iterator[tuple[str, list[int]]]:
    """Address and process ids of `python -m app.app`; prints the time until it is ready."""
    port = free_port()
    command = [sys.executable, "-m", "app.app", "--port", port, "--folder", str(folder), "--workers", str(workers)]
    start = time.perf_counter()
    with running(command, f"http://127.0.0.1:{port}", "/v2/health/ready") as (address, process):
        print(f"app: {time.perf_counter() - start:.1f} s until ready, {workers} worker(s)")
        yield address, [process.pid, *child_pids(process.pid)]


@contextmanager
def sync_server(folder: Path, workers: int, workdir: Path) -> Iterator[str]:
    """Address of the same application under gunicorn's workers without threads, started by hand."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "-c", "python:app.server.gunicorn_conf", "-k", "sync"]
    command += ["-w", str(workers), "-b", f"127.0.0.1:{port}", "app.wsgi:app"]
    environ = {"FRAUD_FOLDER": str(folder.resolve()), "FRAUD_STATE": str(workdir / "state")}
    with running(command, f"http://127.0.0.1:{port}", "/v2/health/ready", environ) as (address, _):
        yield address


@contextmanager
def mlflow_server(folder: Path, workers: int, workdir: Path) -> Iterator[str]:
    """Address of `mlflow models serve` with the same model."""
    from mlflow import pyfunc

    (workdir / "model.py").write_text(MLFLOW_MODEL)
    artifacts = {"folder": str(folder)}
    pyfunc.save_model(
        workdir / "mlflow", python_model=str(workdir / "model.py"), artifacts=artifacts, pip_requirements=[]
    )
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(workdir / "mlflow")]
    command += ["--env-manager", "local", "--host", "127.0.0.1", "--port", port, "--workers", str(workers)]
    start = time.perf_counter()
    with running(command, f"http://127.0.0.1:{port}", "/ping") as (address, _):
        print(f"mlflow: {time.perf_counter() - start:.1f} s until ready, {workers} worker(s)")
        yield address


def free_port() -> str:
    """A port that is free at the moment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


@contextmanager
def running(
    command: list[str], address: str, path: str, environ: dict[str, str] | None = None
) -> Iterator[tuple[str, subprocess.Popen]]:
    """A server process in its own process group, once it answers; the group is ended with the block."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    search_path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # MLflow calls uvicorn by name
    process = subprocess.Popen(
        command, start_new_session=True, env={**os.environ, "PATH": search_path, **(environ or {})}, **quiet
    )
    try:
        end = time.monotonic() + READY_SECONDS
        while not answers(address + path):
            if process.poll() is not None or time.monotonic() > end:
                sys.exit(f"The server did not get ready; run it by hand to see why: {' '.join(command)}")
            time.sleep(0.05)
        yield address, process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def answers(url: str) -> bool:
    """Whether a request to an address succeeds."""
    try:
        with OPENER.open(url, timeout=5):
            return True
    except OSError:
        return False


def child_pids(pid: int) -> list[int]:
    """Process ids of the direct children."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def report_load(targets: dict[str, dict[int, list[str]]], rounds: int, seconds: int) -> None:
    """Print medians over rounds; in each round the servers are measured in turn."""
    rows = []
    for clients, pause in LOADS:
        for request in targets.values():  # not counted: caches and lazy imports
            load(request[pause], clients, 2)
        keys = {"clients": clients, "pause ms": pause}
        for _ in range(rounds):
            rows += [{**keys, "server": name, **load(targets[name][pause], clients, seconds)} for name in targets]
    grouped = pd.DataFrame(rows).groupby(["clients", "pause ms", "server"])
    table = grouped[["requests a second", "median ms", "99 % ms"]].median()
    table = table.assign(requests=grouped["requests"].sum(), errors=grouped["errors"].sum())
    print(table.round(2).to_string())
    if "mlflow" in targets:
        rate = table.xs(0, level="pause ms")["requests a second"].unstack()
        ratios = [f"{row.app / row.mlflow:.1f} ({row.Index} clients)" for row in rate.itertuples()]
        print(f"throughput without pauses, app to mlflow: {', '.join(ratios)}")
    print(f"other work on this machine: load average {', '.join(f'{average:.1f}' for average in os.getloadavg())}")


def load(request: list[str], clients: int, seconds: int) -> dict[str, float]:
    """Requests, rate, latency in milliseconds and errors of one run of wrk."""
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "30s", *request]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    (line,) = (line for line in process.stdout.splitlines() if line.startswith("measured"))
    n_requests, duration, median, p99, errors = map(int, line.split()[1:])
    rate = n_requests / duration * 1e6
    return {
        "requests": n_requests,
        "requests a second": rate,
        "median ms": median / 1000,
        "99 % ms": p99 / 1000,
        "errors": errors,
    }


def report_file(address: str, processes: list[int], folder: Path, rounds: int) -> None:
    """Print the time for the study's whole file, and the largest difference to the model's own probabilities."""
    path = fetch(ULB)
    before, seconds = peak_memory(processes), []
    for _ in range(rounds):
        start = time.perf_counter()
        answer = upload(f"{address}/api/v1/files", path)
        seconds.append(time.perf_counter() - start)
    growth = max(after - first for after, first in zip(peak_memory(processes), before, strict=True))
    with OPENER.open(address + answer["download"], timeout=60) as download:
        scored = pd.read_csv(io.BytesIO(download.read()))
    expected = bundle.load(folder).predict_proba(pd.read_csv(path))
    difference = np.abs(scored["probability"].to_numpy() - expected).max()
    size = path.stat().st_size / 1e6
    print(
        f"{path.name}: {size:.0f} MB, {answer['rows']:,} rows in {statistics.median(seconds):.1f} s "
        f"(median of {rounds}), {growth / 1024:.0f} MiB more in the process that had it, "
        f"largest difference to the model's own probabilities {difference:.1g}"
    )


def upload(url: str, path: Path) -> dict:
    """Upload the file in a form, and return the answer."""
    boundary = b"----benchmark"
    header = b'--%s\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\n\r\n' % boundary
    body = header + path.read_bytes() + b"\r\n--%s--\r\n" % boundary
    kind = f"multipart/form-data; boundary={boundary.decode()}"
    with OPENER.open(urllib.request.Request(url, body, {"Content-Type": kind}), timeout=120) as answer:
        return json.load(answer)


def peak_memory(processes: list[int]) -> list[int]:
    """Largest resident memory so far of each process, in KiB."""
    status = [Path(f"/proc/{pid}/status").read_text() for pid in processes]
    return [int(text.split("VmHWM:")[1].split()[0]) for text in status]


if __name__ == "__main__":
    main()
