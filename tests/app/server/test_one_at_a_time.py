"""Small predictions take turns; slow clients and everything else do not wait for them."""

import io
import threading

import pytest

from app.server.one_at_a_time import MAX_BODY, PATH, OneAtATime


class Body(io.BytesIO):
    """A body whose client sends it only when it is told to."""

    def __init__(self, content: bytes, sent: threading.Event):
        super().__init__(content)
        self.sent = sent

    def read(self, *size):
        assert self.sent.wait(10)
        return super().read(*size)


def environ_of(body: io.BytesIO, length: int | None = 2, **changes) -> dict[str, object]:
    environ = {"PATH_INFO": PATH, "CONTENT_LENGTH": "" if length is None else str(length), "wsgi.input": body}
    return {**environ, **changes}


class Counting:
    """An application that waits until it is told to go on, and counts the requests that it is at."""

    def __init__(self):
        self.now = self.most = 0
        self.bodies = []
        self.go, self.lock = threading.Event(), threading.Lock()

    def __call__(self, environ, start_response):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.bodies.append(environ["wsgi.input"].read())
        assert self.go.wait(10)
        with self.lock:
            self.now -= 1
        return [b"done"]


def ask(app, environs) -> list[threading.Thread]:
    threads = [threading.Thread(target=app, args=(environ, None)) for environ in environs]
    for thread in threads:
        thread.start()
    return threads


def finish(counting, threads) -> None:
    counting.go.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def wait_for(condition) -> None:
    for _ in range(1000):
        if condition():
            return
        threading.Event().wait(0.01)
    pytest.fail("It did not happen within 10 s.")


def test_one_at_a_time_answers_small_predictions_one_after_the_other():
    counting = Counting()
    threads = ask(OneAtATime(counting), [environ_of(io.BytesIO(b"[]")) for _ in range(8)])
    wait_for(lambda: counting.now == 1)
    finish(counting, threads)
    assert counting.most == 1 and counting.bodies == [b"[]"] * 8


@pytest.mark.parametrize(
    "changes", [{"PATH_INFO": "/"}, {"QUERY_STRING": "explain=true"}, {"length": MAX_BODY + 1}, {"length": None}]
)
def test_one_at_a_time_lets_other_requests_through_together(changes):
    counting = Counting()
    threads = ask(OneAtATime(counting), [environ_of(io.BytesIO(b"[]"), **changes) for _ in range(3)])
    wait_for(lambda: counting.now == 3)
    finish(counting, threads)


def test_one_at_a_time_does_not_wait_for_a_slow_client():
    counting, sent = Counting(), threading.Event()
    counting.go.set()
    app = OneAtATime(counting)
    (slow,) = ask(app, [environ_of(Body(b"[1]", sent), 3)])
    finish(counting, ask(app, [environ_of(io.BytesIO(b"[]"))]))
    assert counting.bodies == [b"[]"] and slow.is_alive()
    sent.set()
    finish(counting, [slow])
    assert counting.bodies == [b"[]", b"[1]"]


def test_one_at_a_time_leaves_a_client_that_is_gone_to_the_application():
    class Gone(io.BytesIO):
        n_reads = 0

        def read(self, *size):
            self.n_reads += 1
            raise BlockingIOError

    counting, gone = Counting(), Gone(b"")
    with pytest.raises(BlockingIOError):
        OneAtATime(counting)(environ_of(gone), None)
    assert counting.now == 1  # it was asked, and got the same error
    assert gone.n_reads == 1  # each would wait as long again
