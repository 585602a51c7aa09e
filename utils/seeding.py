"""Independent child seeds for all components, derived from one seed."""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


def child_seed(seed: int, *path: object) -> int:
    """Seed for the component named by `path`; independent of the order in which components are created.

    Returns
    -------
    int
        In [0, 2**31), which every library used here accepts.
    """
    components = tuple(
        component.item() if isinstance(component, np.generic) else component for component in (seed, *path)
    )
    digest = hashlib.sha256(repr(components).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Fix the global random states of Python, NumPy and TensorFlow, and restore the caller's afterwards.

    TensorFlow's state cannot be read, so it is set but not restored, and only if TensorFlow is already imported.
    """
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].random.set_seed(seed)
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
