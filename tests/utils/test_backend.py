"""TensorFlow is imported without messages and with limited threads, and the process keeps its stderr."""

import os
import subprocess
import sys

import pytest

from utils import backend


@pytest.fixture
def bare(monkeypatch):
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_limit_threads_limits_threads(bare):
    backend.limit_threads(3)
    assert (os.environ["TF_NUM_INTRAOP_THREADS"], os.environ["TF_NUM_INTEROP_THREADS"]) == ("3", "1")


def test_limit_threads_leaves_what_the_environment_says(bare):
    bare.setenv("TF_NUM_INTRAOP_THREADS", "7")
    backend.limit_threads(3)
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "7"


def test_load_tensorflow_is_silent_and_later_messages_arrive():
    code = (
        "import os, sys; from utils.backend import limit_threads, load_tensorflow; limit_threads(1); "
        "tf = load_tensorflow(); assert tf is load_tensorflow(); "
        "print(tf.config.threading.get_intra_op_parallelism_threads()); "
        "os.write(2, b'native'); print('python', file=sys.stderr)"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stderr == "nativepython\n"


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_release_memory_gives_freed_memory_back():
    """Rows between two that stay are kept by the allocator when they are freed."""
    code = """
import re
from pathlib import Path
from utils.backend import release_memory
def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024
rows = [bytes(100_000) for _ in range(1000)]
last = bytes(100_000)
del rows
before = resident()
release_memory()
print(before - resident())
"""
    freed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(freed) > 50
