"""Out-of-fold probabilities on disk, each with the position of its row in the dataset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from utils.files import replacing


def read_out_of_fold(path: Path, positions: NDArray) -> NDArray | None:
    """Probabilities of the rows at these positions; None if there is no such file, or it holds other rows."""
    try:
        table = pd.read_parquet(path, columns=["position", "probability"])
    except (OSError, pa.ArrowException, ValueError):
        return None
    return table["probability"].to_numpy(dtype=float) if np.array_equal(table["position"], positions) else None


def write_out_of_fold(path: Path, positions: NDArray, probability: NDArray) -> None:
    """Save a probability for each of these positions in the dataset."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame({"position": positions.astype(np.int32), "probability": probability.astype(np.float32)})
    with replacing(path) as temporary:
        encoding = {"position": "DELTA_BINARY_PACKED"}  # ascending within a fold
        table.to_parquet(temporary, compression="zstd", use_dictionary=["probability"], column_encoding=encoding)
