"""Import TensorFlow on first use, without its start-up messages and with limited threads; give memory back."""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def limit_threads(n_threads: int) -> None:
    """Let TensorFlow use `n_threads`, unless the environment says otherwise; works before its first import only."""
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(n_threads))
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")


def load_tensorflow() -> Any:
    """The tensorflow module. Call this before importing keras, too."""
    if "tensorflow" in sys.modules:
        return sys.modules["tensorflow"]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _without_messages():
        return importlib.import_module("tensorflow")


@contextmanager
def _without_messages() -> Iterator[None]:
    """Discard what native code writes to stderr in this block; TensorFlow logs before it reads its log level."""
    sys.stderr.flush()
    stderr_copy = os.dup(2)
    with Path(os.devnull).open("w") as null_file:
        os.dup2(null_file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr_copy, 2)
        os.close(stderr_copy)


def release_memory() -> None:
    """Give freed memory back to the system, of which glibc keeps much in a long run; does nothing elsewhere."""
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "malloc_trim"):
        library.malloc_trim(0)
