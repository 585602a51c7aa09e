"""The server as others run it: under gunicorn by hand, behind a proxy, with slow clients and dying workers."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from http.client import HTTPResponse
from pathlib import Path

import pytest

from app.app import create_app
from app.building import exchange
from app.client import OPENER
from app.routes.files import MAX_FILE
from app.security import MAX_BODY, MAX_FORM
from app.serving.served import version_of
from app.settings import Settings
from tests.app.gunicorn_short_waits import IDLE_SECONDS
from tests.chromium import STARTING, free_port
from tests.small_app import fit, write
from utils.config import ROOT

pytest_plugins = ["tests.app_fixtures"]

PREDICT = "POST /api/v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
HALF = {
    "headers": PREDICT.encode(),
    "body": f'{PREDICT}Content-Length: 900\r\n\r\n[{{"V1": '.encode(),
}
N_HALF = 250


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """The folder that the workers share."""
    return tmp_path_factory.mktemp("shared") / "state"


@pytest.fixture(scope="module")
def gunicorn(folder, state):
    """Gunicorn with two workers as the manual starts it by hand; its process and its port."""
    with running(folder, state) as server:
        yield server


@contextmanager
def running(folder, state):
    port = free_port()
    settings = "python:tests.app.gunicorn_short_waits"  # in the manual app.server.gunicorn_conf, which this one imports
    command = [sys.executable, "-m", "gunicorn", "-c", settings, "-w", "2", "-b", f"127.0.0.1:{port}"]
    environ = {**os.environ, "FRAUD_FOLDER": str(folder), "FRAUD_STATE": str(state), "FRAUD_PREFIX": "/fraud"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([*command, "app.wsgi:app"], env=environ, cwd=ROOT, **quiet)
    end = time.monotonic() + STARTING
    while not answers(port):
        assert process.poll() is None and time.monotonic() < end, "gunicorn did not get ready"
        time.sleep(0.1)
    yield process, port
    process.terminate()
    assert process.wait(30) == 0


def answers(port):
    try:
        return bool(asked(port, "/v2/health/ready"))
    except OSError:
        return False


def asked(port, path, body=None, content_type="application/json"):
    """The answer over a connection of its own, which any worker may take."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, {"Content-Type": content_type})
    with OPENER.open(request, timeout=30) as answer:
        return answer.read()


def children(process):
    text = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return set(map(int, text.split()))


def test_worker_does_not_compile_what_explains(folder, tmp_path):
    """It would take ten seconds in every worker that starts."""
    program = "from app import wsgi; from shap.maskers import _tabular; print(type(_tabular._delta_masking).__name__)"
    environ = {**os.environ, "FRAUD_FOLDER": str(folder), "FRAUD_STATE": str(tmp_path / "state")}
    run = subprocess.run([sys.executable, "-c", program], env=environ, cwd=ROOT, capture_output=True, text=True)
    assert run.stdout == "function\n", run.stderr


def test_gunicorn_shares_key_results_and_counters_among_workers(gunicorn, rows):
    _, port = gunicorn
    scored = json.loads(asked(port, "/api/v1/files", rows.to_csv(index=False).encode(), "text/csv"))
    for _ in range(20):
        assert asked(port, scored["download"]).startswith(b'"row"')
    (count,) = re.findall(rb'requests_total\{[^}]*/files/<token>.csv"[^}]*\} (\S+)', asked(port, "/metrics"))
    assert float(count) == 20


def test_a_prefix_is_in_every_link_and_the_root_answers_as_well(gunicorn):
    _, port = gunicorn
    page = asked(port, "/fraud/file").decode()
    links = re.findall(r'(?:href|src|action)="(/[^"]*)"', page)
    assert links and all(link.startswith("/fraud/") for link in links)
    assert b'action="/api/v1/files"' in asked(port, "/file")


def test_half_sent_requests_do_not_block_health_checks(gunicorn):
    _, port = gunicorn
    with ExitStack() as stack:
        waiting = {half: stack.enter_context(socket.create_connection(("127.0.0.1", port))) for half in HALF}
        more = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(2 * N_HALF)]
        for connection, sent in zip([*waiting.values(), *more], [*HALF.values()] * (N_HALF + 1), strict=True):
            connection.sendall(sent)
        start, longest = time.monotonic(), 0.0
        while time.monotonic() < start + IDLE_SECONDS + 3:  # past the time at which they are closed
            before = time.monotonic()
            assert asked(port, "/v2/health/live")
            longest = max(longest, time.monotonic() - before)
            time.sleep(0.2)
        assert longest < 5  # seconds, on a busy machine
        for connection in waiting.values():
            connection.settimeout(30)
        assert waiting["headers"].recv(2**16) == b""
        assert waiting["body"].recv(2**16).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    ("path", "kind", "limit"),
    [
        ("/predict", "application/x-www-form-urlencoded", MAX_FORM),
        ("/api/v1/predict", "text/csv", MAX_BODY),
        ("/api/v1/files", "text/csv", MAX_FILE + 2**16),
    ],
)
def test_a_body_beyond_its_routes_limit_is_refused_before_it_is_sent(gunicorn, path, kind, limit):
    _, port = gunicorn
    length = max(limit + 1, 100 * 2**20)
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(head.encode())
        answer = HTTPResponse(connection)
        answer.begin()
        assert answer.status == 413  # 408 once it has waited for the body


def test_workers_that_die_young_are_replaced_and_reloading_loses_no_request(gunicorn):
    process, port = gunicorn
    for _ in range(3):
        before = children(process)
        os.kill(min(before), signal.SIGKILL)
        wait_for(lambda before=before: len(children(process) - before) == 1 and len(children(process)) == 2)
    assert asked(port, "/v2/health/live")
    failures, ending = [], threading.Event()

    def ask(hesitation):
        while not ending.is_set():
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
                    time.sleep(hesitation)
                    connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                    assert connection.recv(2**16).startswith(b"HTTP/1.1 200 ")
            except Exception as error:
                failures.append(repr(error))

    clients = [threading.Thread(target=ask, args=[hesitation]) for hesitation in (0, 0, 0.01, 0.2, 0.2, 0.2)]
    for client in clients:
        client.start()
    n_requests = n_health_checks(port)
    replace_workers(process)
    ending.set()
    for client in clients:
        client.join(30)
    assert failures == [] and process.poll() is None
    assert n_health_checks(port) >= n_requests > 0  # those of workers that are gone still count


def test_workers_that_start_later_answer_with_the_model_that_was_accepted_last(folder, tmp_path):
    served = tmp_path / "model"
    shutil.copytree(folder, served)
    with running(served, tmp_path / "state") as (process, port):
        put(served, fit("rf"))
        second = version_of(served)
        wait_for(lambda: versions(port) == {second})
        (served / "card.json").write_text("{}")
        before = children(process)
        os.kill(min(before), signal.SIGKILL)
        wait_for(lambda: len(children(process) - before) == 1)
        assert versions(port) == {second}
        served.rename(tmp_path / "away")
        replace_workers(process)
        assert versions(port) == {second}
        put(served, fit("lr"))
        replace_workers(process)
        assert versions(port) == {version_of(served)} != {second}


def test_workers_remove_old_results_though_nobody_asks(gunicorn, state):
    old = state / "results" / f"{'a' * 32}.csv"
    old.write_text("row,probability\n1,0.5\n")
    os.utime(old, (time.time() - 3 * 3600,) * 2)
    wait_for(lambda: not old.exists())


def replace_workers(process):
    before = children(process)
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: not children(process) & before and len(children(process)) == 2)


def put(served, model):
    """Replace the folder of the served model."""
    new = served.with_name("new")
    write(new, model)
    exchange.exchange(new, served)
    shutil.rmtree(served.with_name("old"), ignore_errors=True)


def versions(port):
    """Versions in answers of all workers."""
    answers = [json.loads(asked(port, "/v2/models/champion")) for _ in range(20)]
    return {answer["versions"][0] for answer in answers}


def n_health_checks(port):
    (count,) = re.findall(rb'requests_total\{[^}]*"/v2/health/live"[^}]*\} (\S+)', asked(port, "/metrics"))
    return float(count)


def wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "It never came to that."
        time.sleep(0.05)


def test_a_full_disk_is_told_and_nothing_is_kept(folder, rows, monkeypatch):
    app = create_app(Settings(folder=folder))
    results = app.extensions["results"]
    monkeypatch.setattr("app.results.secrets.token_urlsafe", lambda n: "x" * 32)
    (results.folder / f"{'x' * 32}.part").symlink_to("/dev/full")
    sent = rows.to_csv(index=False).encode()
    answer = app.test_client().post("/api/v1/files", data=sent, content_type="text/csv")
    assert answer.status_code == 507 and answer.json["error"].startswith("The server's disk is full")
    assert not list(results.folder.iterdir())


@pytest.mark.parametrize(("proxies", "status"), [(0, 400), (1, 200)])
def test_only_a_trusted_proxy_may_say_which_host_was_asked_for(folder, proxies, status):
    settings = Settings(folder=folder, proxies=proxies, trusted_hosts=("scores.example",))
    headers = {"Host": "inner", "X-Forwarded-Host": "scores.example", "X-Forwarded-Prefix": "/fraud"}
    page = create_app(settings).test_client().get("/file", headers=headers)
    assert page.status_code == status
    assert ('action="/fraud/api/v1/files"' in page.text) == bool(proxies)
