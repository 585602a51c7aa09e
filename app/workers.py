"""Several processes behind one address, since Python threads of one process take turns on one core."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

logger = logging.getLogger("app")
SIGNALS = (signal.SIGTERM, signal.SIGINT)
SHORTEST = 5.0  # seconds; a worker that ends sooner would end again


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Take SIGTERM and Ctrl+C for an exit, while the server gets ready, so that what it opened is closed."""
    before = {number: signal.signal(number, lambda *_: sys.exit(1)) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(serve: Callable[[int], None], count: int) -> int:
    """Run `serve(0)` to `serve(count - 1)` in forked processes until SIGTERM or Ctrl+C; one that ends is replaced.

    Returns
    -------
    int
        0 after a signal, 1 if a worker ends as soon as it is started.
    """
    alive = os.pipe()  # workers see its end when this process is gone, however it went
    workers: dict[int, tuple[int, float]] = {}  # number and start by process id
    stopping = threading.Event()

    def stop(*_: object) -> None:
        stopping.set()
        for pid in list(workers):
            os.kill(pid, signal.SIGTERM)

    for number in SIGNALS:
        signal.signal(number, stop)
    failed = False
    while not stopping.is_set() or workers:
        for number in sorted(set(range(count)) - {number for number, _ in workers.values()}):
            signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # none gets lost between the fork and its record
            if not stopping.is_set():
                workers[_start(serve, number, alive)] = number, time.monotonic()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        if not workers:
            break
        pid, status = os.wait()
        age = time.monotonic() - workers.pop(pid)[1]
        if not stopping.is_set():
            logger.error("a worker ended with status %d", os.waitstatus_to_exitcode(status))
            if age < SHORTEST:
                failed = True
                stop()
    return int(failed)


def _start(serve: Callable[[int], None], number: int, alive: tuple[int, int]) -> int:
    """Fork a worker; returns its process id."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process passes Ctrl+C on as SIGTERM
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        os.close(alive[1])
        threading.Thread(target=_exit_when_parent_dies, args=(alive[0],), daemon=True).start()
        serve(number)
        status = 0
    except SystemExit:
        status = 0
    except BaseException:
        logger.exception("a worker failed")
    finally:
        logging.shutdown()
        os._exit(status)  # what the first process cleans up at its end is not this one's to clean


def _exit_when_parent_dies(parent: int) -> None:
    os.read(parent, 1)
    os.kill(os.getpid(), signal.SIGTERM)
