"""Fit a model of the `ctgan` package and draw from it, in a separate process.

PyTorch and TensorFlow abort when one process holds both, so :mod:`utils.samplers.peers` starts this module:

    python -m utils.samplers.ctgan_worker PARENT

PARENT is the id of the process that waits for the answer. Standard input is an ``npz`` file with the arrays `rows`
and `request` (JSON: model, parameters, n_rows, seed). Standard output is one with `drawn`, the rows drawn, and `facts`
(JSON: the seconds that fitting and drawing took, and the number of PyTorch's threads). No file is written.
"""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import time
from typing import Any

import joblib
import numpy as np
import pandas as pd

WATCH_SECONDS = 1.0


def exit_with_parent(parent: int) -> None:
    """End this process soon after its parent ends, even if the parent was killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def fit_and_draw(rows: np.ndarray, request: dict[str, Any]) -> tuple[np.ndarray, dict[str, float]]:
    """Fit a model to `rows` and draw from it; also return the seconds and threads used.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
    request : dict
        model ("CTGAN" or "TVAE"), parameters of its constructor, n_rows to draw, seed.

    Returns
    -------
    tuple of ndarray of shape (n_rows, n_features) and dict
        The dict has fit_seconds, draw_seconds and threads.
    """
    import ctgan
    import torch

    model = getattr(ctgan, request["model"])(enable_gpu=False, **request["parameters"])
    model.set_random_state(request["seed"])
    frame = pd.DataFrame(rows, columns=[f"column {position}" for position in range(rows.shape[1])])
    # ctgan transforms long tables in one process per core, whatever the limit of the parent process.
    with joblib.parallel_config(backend="sequential"):
        start = time.perf_counter()
        model.fit(frame)
        fitted = time.perf_counter()
        drawn = model.sample(request["n_rows"]).to_numpy(dtype=float)
    facts = {"fit_seconds": fitted - start, "draw_seconds": time.perf_counter() - fitted}
    return drawn, {**facts, "threads": torch.get_num_threads()}


def main(parent: int) -> None:
    """Carry out the request on standard input."""
    exit_with_parent(parent)
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints is not part of the answer
    with np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False) as sent:
        rows, request = sent["rows"], json.loads(str(sent["request"]))
    drawn, facts = fit_and_draw(rows, request)
    with answer:
        np.savez(answer, drawn=drawn, facts=json.dumps(facts))


if __name__ == "__main__":
    main(int(sys.argv[1]))
