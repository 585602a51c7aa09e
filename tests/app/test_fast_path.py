"""The short way of plain requests: the same answers as Flask's, and every connection gets its own."""

import json
import socket
import threading
from http.client import HTTPResponse

import pytest

from app import server
from app.app import create_app

pytest_plugins = ["tests.app_fixtures"]

PATH = "/api/v1/predict"
BODIES = {
    "rows": lambda rows: rows,
    "object": lambda rows: rows[0],
    "other order": lambda rows: [{"Other": "x", **dict(reversed(rows[0].items()))}],
    "bad value": lambda rows: [rows[0], {**rows[1], "V7": None}, rows[2]],
    "not finite": lambda rows: [{**rows[0], "V7": float("nan")}],
    "no object": lambda rows: [1, rows[0]],
    "only errors": lambda rows: [{**rows[0], "V7": "x"}],
    "missing column": lambda rows: [{"V1": 1}],
    "none": lambda rows: [],
    "text": lambda rows: "text",
}
BROKEN = {
    "empty": b"",
    "cut": b'[{"V1": ',
    "not UTF-8": b"\xff\xfe",
    "twice": b'[{"V1": 1, "V1": 2}]',
    "deep": b"[" * 9999,
}


@pytest.fixture(scope="module")
def bodies(rows):
    records = rows.head(3).to_dict("records")
    return {**{name: json.dumps(make(records)).encode() for name, make in BODIES.items()}, **BROKEN}


def both_ways(client, body, **more):
    """The answer, and that of a request which asks for the same but has to go through Flask."""
    sent = {"data": body, "content_type": "application/json", **more}
    return client.post(PATH, **sent), client.post(f"{PATH}?explain=false", **sent)


@pytest.mark.parametrize("name", [*BODIES, *BROKEN])
def test_both_ways_give_the_same_answer(client, bodies, name):
    short, flasks = both_ways(client, bodies[name])
    assert short.status == flasks.status
    assert short.data == flasks.data
    assert sorted(short.headers) == sorted(flasks.headers)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"headers": {"Host": "evil.example"}}, 400),
        ({"headers": {"Host": "127.0.0.1.evil.example"}}, 400),
        ({"headers": {"Host": "localhost:x"}}, 400),
        ({"headers": {"Host": "127.0.0.1:5000"}}, 200),
        ({"headers": {"Origin": "https://evil.example"}}, 403),
        ({"headers": {"Sec-Fetch-Site": "cross-site"}}, 403),
        ({"headers": {"Sec-Fetch-Site": "same-origin"}}, 200),
        ({"headers": {"Content-Encoding": "gzip"}}, 415),
        ({"content_type": "application/json; charset=latin-1"}, 415),
        ({"content_type": "application/json; charset=utf-8"}, 200),
        ({"content_type": "text/plain"}, 415),
    ],
)
def test_what_flask_checks_is_checked(client, bodies, more, status):
    short, flasks = both_ways(client, bodies["rows"], **more)
    assert short.status_code == flasks.status_code == status
    assert short.data == flasks.data


def test_only_plain_requests_take_the_short_way(folder, bodies):
    app = create_app(folder)
    app.view_functions["api.predict"] = lambda: ("through Flask", 418)
    client = app.test_client()
    assert client.post(PATH, data=bodies["rows"], content_type="application/json").status_code == 200
    assert (
        client.post(f"{PATH}?model=none%2Blr", data=bodies["rows"], content_type="application/json").status_code == 418
    )
    assert client.post(PATH, data=bodies["cut"], content_type="application/json").status_code == 418
    long = b" " * 2**14 + bodies["rows"]
    assert client.post(PATH, data=long, content_type="application/json").status_code == 418


def test_bodies_scored_together_are_scored_as_alone(app, bodies):
    every = list(bodies.values())
    found = app.wsgi_app.score_together(every)
    for body, together in zip(every, found, strict=True):
        (alone,) = app.wsgi_app.score_together([body])
        assert (alone is None) == (together is None)
        assert alone is None or alone.entries == together.entries
    assert sum(one is not None for one in found) == 7


# --- over sockets


@pytest.fixture(scope="module")
def address(app):
    """Where one worker serves the application, in a thread."""
    (listening,) = server.listen(0, 1)
    threading.Thread(target=server.serve, args=(app, listening), daemon=True).start()
    return listening.getsockname()


def request_of(body, path=PATH, content_type="application/json"):
    method = "POST" if body else "GET"
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def answer_on(connection):
    answer = HTTPResponse(connection)
    answer.begin()
    return answer.status, answer.read()


def connect(address):
    return socket.create_connection(address, timeout=30)


def test_every_connection_gets_its_own_answer(address, client, rows, bodies):
    records = rows.to_dict("records")
    asked = [(json.dumps([record]).encode(), PATH, "application/json") for record in records]
    asked += [(body, PATH, "application/json") for body in bodies.values() if body]
    asked += [(bodies["rows"], f"{PATH}?explain=true", "application/json"), (b"", "/v2/health/live", "")]
    asked += [(rows.to_csv(index=False).encode(), PATH, "text/csv"), (b"x", "/nothing", "text/plain")]
    connections = [connect(address) for _ in asked]
    for _ in range(3):  # the connections stay open
        for connection, request in zip(connections, asked, strict=True):
            connection.sendall(request_of(*request))
        for connection, (body, path, content_type) in zip(connections, asked, strict=True):
            alone = client.open(path, method="POST" if body else "GET", data=body, content_type=content_type)
            assert answer_on(connection) == (alone.status_code, alone.data)
    for connection in connections:
        connection.close()


def test_requests_sent_without_waiting_are_answered_in_order(address, client, rows):
    records = rows.head(6).to_dict("records")
    bodies = [json.dumps(record).encode() for record in records]
    with connect(address) as connection:
        connection.sendall(b"".join(map(request_of, bodies[:3])) + request_of(b"", "/v2/health/live"))
        connection.sendall(b"".join(map(request_of, bodies[3:])))
        stream = connection.makefile("rb")
        found = []
        for _ in range(7):
            stream.readline()
            head = iter(stream.readline, b"\r\n")
            length = next(int(line.split()[1]) for line in list(head) if line.lower().startswith(b"content-length"))
            found.append(stream.read(length))
    alone = [client.post(PATH, data=body, content_type="application/json").data for body in bodies]
    assert found == [*alone[:3], b'{"live":true}\n', *alone[3:]]


def test_a_client_that_leaves_or_stalls_holds_up_nobody(address, bodies):
    whole = request_of(bodies["rows"])
    with connect(address) as stalling, connect(address) as other:
        stalling.sendall(whole[:-5])
        leaving = connect(address)
        leaving.sendall(whole)
        leaving.close()
        other.sendall(whole)
        assert answer_on(other)[0] == 200
        stalling.sendall(whole[-5:])
        assert answer_on(stalling)[0] == 200


def test_small_requests_do_not_wait_for_busy_threads(folder, bodies):
    app, free = create_app(folder), threading.Event()
    app.view_functions["kserve.live"] = lambda: ("free", 200) if free.wait(60) else ("", 500)
    (listening,) = server.listen(0, 1)
    threading.Thread(target=server.serve, args=(app, listening), daemon=True).start()
    busy = [connect(listening.getsockname()) for _ in range(server.THREADS + 2)]
    try:
        for connection in busy:
            connection.sendall(request_of(b"", "/v2/health/live"))
        with connect(listening.getsockname()) as connection:
            connection.sendall(request_of(bodies["rows"]))
            status, answer = answer_on(connection)
            assert status == 200 and len(json.loads(answer)["predictions"]) == 3
    finally:
        free.set()
    assert [answer_on(connection) for connection in busy] == [(200, b"free")] * len(busy)
    for connection in busy:
        connection.close()
