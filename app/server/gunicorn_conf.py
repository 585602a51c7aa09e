"""How gunicorn runs the application: `gunicorn -c python:app.server.gunicorn_conf app.wsgi:app`.

A worker reads each request in a thread. A client that sends half a request and waits holds a thread and nothing
else, so there are many, and each gives up after `IDLE_SECONDS` without a byte.
"""

from __future__ import annotations

import logging
import select
import socket
import struct
from typing import TYPE_CHECKING

from gunicorn.workers import gthread

if TYPE_CHECKING:
    from concurrent.futures import Future
    from types import FrameType

    from gunicorn.arbiter import Arbiter

IDLE_SECONDS = 10  # in which a client that is to send or to take something does neither
FIRST_SECONDS = 1  # in which a new client sends something to a worker that is to stop


class Worker(gthread.ThreadWorker):
    """Gunicorn's threads, which also close connections.

    Its own loop does that and waits 2 s for each client that does not close its end: some idle clients hold up all.
    When it is to stop, it waits `graceful_timeout` for connections that browsers only keep open.
    """

    def handle(self, conn: gthread.TConn) -> object:
        """Answer a request; false if its connection is not to be kept."""
        wait = 0 if self.alive else FIRST_SECONDS
        if not (conn.initialized or conn.data_ready or conn.wait_for_data(wait)):
            if wait:
                return False
            return gthread._DEFER  # to the loop, which knows when to stop; a thread would wait for 5 s
        kept = super().handle(conn)
        if not kept:
            conn.close(graceful=True)
            conn.close = _nothing
        return kept

    def finish_request(self, conn: gthread.TConn, fs: Future) -> None:
        """Keep or close a connection; if the worker is to stop, wait for the first request of a new one."""
        if not self.alive and fs.exception() is None and fs.result() is gthread._DEFER:
            self.enqueue_req(conn)
        else:
            super().finish_request(conn, fs)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop after the requests that have begun."""
        super().handle_exit(sig, frame)
        self.method_queue.defer(self._leave_idle)

    def _leave_idle(self) -> None:
        """Close connections that clients only keep open, and wait for the first requests of new ones."""
        idle = [connection for connection in self.keepalived_conns if not _is_readable(connection.sock)]
        for connection in idle:
            self.keepalived_conns.remove(connection)
            self.poller.unregister(connection.sock)
            self.nr_conns -= 1
            connection.close()
        while self.pending_conns:
            connection = self.pending_conns.popleft()
            self.poller.unregister(connection.sock)
            self.enqueue_req(connection)


def _is_readable(connection: socket.socket) -> bool:
    """Whether a client has sent something, or closed its end."""
    poll = select.poll()  # `select.select` takes no descriptor from 1024 on
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


def _nothing(graceful: bool = False) -> None:
    """The connection is closed already."""


preload_app = True  # load the model once; workers are forked from what is ready, and share its memory
worker_class = Worker
threads = 500
worker_connections = 1000
backlog = 1024
keepalive = 5
timeout = 60  # without a sign of life from a worker's loop
graceful_timeout = 10
loglevel = "error"  # below it, messages quote what clients sent
control_socket_disable = True
logging.getLogger("gunicorn.error").addFilter(lambda record: not (record.exc_info and _is_idle(record.exc_info[1])))


def _is_idle(error: BaseException | None) -> bool:
    """Whether a client was idle for too long, which is no error of the server's."""
    return isinstance(error, BlockingIOError)


def pre_fork(server: Arbiter, worker: Worker) -> None:
    """Let this process, which answers nothing itself, take a new model before a worker is forked from it."""
    server.app.wsgi().extensions["catalog"].catch_up()


def post_worker_init(worker: Worker) -> None:
    """Let each worker remove old results, as threads of the process that it was forked from do not go on in it."""
    worker.wsgi.extensions["results"].remove_regularly()


def when_ready(server: Arbiter) -> None:
    """Bound how long a client may be idle; connections take the limit over from the socket they come in on."""
    limit = struct.pack("ll", IDLE_SECONDS, 0)
    for listener in server.LISTENERS:
        for direction in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            listener.sock.setsockopt(socket.SOL_SOCKET, direction, limit)
