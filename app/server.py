"""The production server: waitress, which answers small requests where it reads them, and others in threads.

Handing a request to a thread and its answer back costs more than scoring one transaction. So small bodies that are to
be scored are answered in the loop that reads the sockets, those that arrive in one turn of the loop together. Pages,
reasons and files have threads, and none of them keeps a small request waiting.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher, WSGITask

from app import fast_path, security
from app.routes import files

HOST = "127.0.0.1"
THREADS, BACKLOG = 3, 128  # more threads would only wait for each other
OPTIONS = {
    "ident": "",
    "send_bytes": 2**14,  # head and body of a small answer go out together
    "recv_bytes": 2**18,  # a large file comes in as large pieces
    # Bodies up to twice the limit get the application's own answer; larger ones are cut off.
    "max_request_body_size": 2 * files.MAX_FILE,
}


def listen(port: int, count: int) -> list[socket.socket]:
    """A socket per worker, all on one port, among which the system shares connections out; OSError if it is taken.

    One socket for all would not do: the first worker that wakes takes every connection that is waiting.
    """
    with socket.socket() as alone:  # fails if another program has the port, which sharing would hide
        alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        alone.bind((HOST, port))
    addresses = []
    for _ in range(count):
        address = socket.socket()
        address.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        address.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # else the next start waits for old connections
        address.bind((HOST, port))
        address.listen(BACKLOG)
        address.setblocking(False)
        addresses.append(address)
    return addresses


def serve(app: Flask, address: socket.socket) -> None:
    """Answer what comes in on a socket from `listen` until SystemExit."""
    for name in ("waitress", "waitress.queue"):
        logging.getLogger(name).setLevel(logging.ERROR)  # below it, they name paths that clients chose
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.set_thread_count(THREADS)
    adjustments = Adjustments(sockets=[address], **OPTIONS)
    place = (address.family, address.type, address.proto, address.getsockname())
    more = {"dispatcher": dispatcher, "adj": adjustments, "sockinfo": place, "bind_socket": False}
    server = _Server(app, {}, _sock=address, **more)
    server.run()


class _Task(WSGITask):
    """A request that may have been scored with others."""

    def get_environment(self) -> dict[str, Any]:
        environ = super().get_environment()
        environ[fast_path.SCORED] = getattr(self.request, "scored", None)
        return environ


class _ErrorTask(ErrorTask):
    """The server's own answer to what is no HTTP, or too large for any part of the application."""

    def execute(self) -> None:
        self.response_headers.extend({**security.HEADERS, **security.PRIVATE}.items())
        super().execute()


class _Channel(HTTPChannel):
    """A connection."""

    task_class, error_task_class = _Task, _ErrorTask


class _Server(TcpWSGIServer):
    channel_class = _Channel

    def __init__(self, app: Flask, *arguments: Any, **more: Any):
        super().__init__(app, *arguments, **more)
        self._score_together: Callable[[list[bytes]], list[fast_path.Scored | None]] = app.wsgi_app.score_together
        self._waiting: list[_Channel] = []
        self._loop = 0

    def run(self) -> None:
        self._loop = threading.get_ident()
        try:
            while self._map:
                wasyncore.poll(self.adj.asyncore_loop_timeout, self._map)
                self._answer()
        except (SystemExit, KeyboardInterrupt):
            self.task_dispatcher.shutdown()

    def add_task(self, channel: _Channel) -> None:
        """Called when a connection's next request is complete, by the loop or by the thread of the one before."""
        if threading.get_ident() == self._loop and _is_small(channel.requests[0]):
            self._waiting.append(channel)
        else:
            super().add_task(channel)

    def pull_trigger(self) -> None:
        if threading.get_ident() != self._loop:  # which need not be woken by itself
            super().pull_trigger()

    def _answer(self) -> None:
        """Answer the small requests of this turn."""
        while self._waiting:  # of one connection, the next request may follow
            channels, self._waiting = self._waiting, []
            requests = [channel.requests[0] for channel in channels]
            scored = self._score_together([_body(request) for request in requests])
            for channel, request, one in zip(channels, requests, scored, strict=True):
                request.scored = one
                channel.service()
                if channel.connected:
                    channel.handle_write()  # without waiting for the next turn


def _is_small(request: HTTPRequestParser) -> bool:
    return (
        not request.error
        and request.path == fast_path.PATH
        and request.headers.get("CONTENT_TYPE") == fast_path.TYPE
        and not request.query
        and 0 < request.content_length <= fast_path.MAX_BODY
    )


def _body(request: HTTPRequestParser) -> bytes:
    """The body as a whole, which can be read again."""
    stream = request.get_body_stream()
    body = stream.read()
    stream.seek(0)
    return body
