"""Fits a model of the `ctgan` package and draws from it, in a process of its own.

PyTorch and TensorFlow abort when one process holds both, so :mod:`utils.peers` starts this module:

    python -m utils.ctgan_worker FOLDER

FOLDER holds ``rows.npy`` and ``request.json`` (model, parameters, n_rows, seed). The drawn rows come back as
``drawn.npy``, and ``facts.json`` tells how long fit and draw took and how many threads PyTorch had.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd

WATCH_SECONDS = 1.0


def exit_with_parent(parent: int) -> None:
    """End this process soon after its parent, which can be killed without a chance to say so."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def fit_and_draw(rows: np.ndarray, request: dict[str, Any]) -> tuple[np.ndarray, dict[str, float]]:
    """Rows of a model fitted to `rows`, and what is to be known of the work.

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
    # ctgan transforms long tables in a pool of as many processes as there are cores, whatever the parent was given.
    with joblib.parallel_config(backend="sequential"):
        start = time.perf_counter()
        model.fit(frame)
        fitted = time.perf_counter()
        drawn = model.sample(request["n_rows"]).to_numpy(dtype=float)
    facts = {"fit_seconds": fitted - start, "draw_seconds": time.perf_counter() - fitted}
    return drawn, {**facts, "threads": torch.get_num_threads()}


def main(folder: Path) -> None:
    """Do what the folder's request asks for."""
    request = json.loads((folder / "request.json").read_text())
    exit_with_parent(os.getppid())
    drawn, facts = fit_and_draw(np.load(folder / "rows.npy", allow_pickle=False), request)
    np.save(folder / "drawn.npy", drawn, allow_pickle=False)
    (folder / "facts.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
