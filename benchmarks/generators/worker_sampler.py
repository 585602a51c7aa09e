"""Generators that run in the process of `peer_worker`, as imbalanced-learn over-samplers of numbers."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.generators.peer_worker import fit_and_time, start_worker
from utils.samplers.peer_frame import PeerFrame
from utils.samplers.peer_generators import PeerRequest
from utils.samplers.peers import Drawn, PeerSampler


class WorkerSampler(PeerSampler):
    """A generator of `peer_worker.FITS`, fitted with one thread to the rows of one class.

    Parameters
    ----------
    model : str
        Its name in `FITS`.
    settings : dict, optional
        Parameters of the generator.
    sampling_strategy : float, str, dict or callable, default="auto"
        As in every imbalanced-learn over-sampler.
    random_state : int, RandomState or None, default=None
    """

    def __init__(
        self,
        *,
        model: str,
        settings: dict[str, object] | None = None,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy, random_state=random_state)
        self.model = model
        self.settings = settings

    def _draw_class(self, rows: np.ndarray, n_rows: int, seed: int, label: Hashable) -> Drawn:
        frame = PeerFrame(pd.DataFrame(rows).add_prefix("x"))
        request = PeerRequest.of_frame(frame, self.model, n_rows, seed, self.settings)
        with start_worker() as worker:
            drawn, draw_seconds = worker.submit(fit_and_time, request).result()
        return Drawn(frame.decode(drawn.rows).to_numpy(), drawn.fit_seconds, draw_seconds)
