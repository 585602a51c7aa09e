"""For tests and notebooks alike: the cores are divided among pytest's workers and what they start; quick imports."""

import os
import sys
import tempfile
from functools import partial

# Nbformat checks web addresses by a grammar that takes a second to compile, in every process; it does without it.
sys.modules.setdefault("rfc3987_syntax", None)

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

if "PYTEST_XDIST_WORKER" in os.environ:  # before any library counts cores; threads that contend wait by spinning
    share = str(max(1, CORES // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])))
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "LOKY_MAX_CPU_COUNT"):
        os.environ.setdefault(name, share)


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores: tests often wait for a server, a browser or another process."""
    return CORES + 1


def pytest_configure(config):
    """The kernels of nbval listen on sockets in a separate folder: of two that start at once, both may pick a port."""
    if os.name == "posix" and config.getoption("nbval_lax", False):
        from nbval import kernel

        folder = tempfile.TemporaryDirectory(prefix="kernel-")
        config.add_cleanup(folder.cleanup)
        kernel.KernelManager = partial(kernel.KernelManager, transport="ipc", ip=f"{folder.name}/kernel")
