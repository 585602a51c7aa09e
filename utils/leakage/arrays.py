"""Rows of frames, arrays and sparse matrices in one form, for the checks that need numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse


def as_floats(rows: Any) -> NDArray:
    """Rows of a frame, an array or a sparse matrix as a dense array of float32 or float64.

    ValueError names the columns of a frame that are not numeric.
    """
    if not isinstance(rows, pd.DataFrame):
        rows = rows.toarray() if sparse.issparse(rows) else np.asarray(rows)
        return rows if rows.dtype in (np.float32, np.float64) else rows.astype(np.float64)
    try:
        numbers = rows.astype({name: np.float64 for name in rows if rows[name].dtype != np.float32})
    except (TypeError, ValueError):
        texts = [repr(name) for name in rows if not pd.api.types.is_numeric_dtype(rows[name])]
        raise ValueError(
            f"Columns {', '.join(texts)} are not numeric as input of the classifier; "
            "give the pipeline that encodes them."
        ) from None
    return numbers.to_numpy()


def stack(first: Any, second: Any) -> Any:
    """Rows of two frames, arrays or sparse matrices below each other, in the form of the first."""
    if isinstance(first, pd.DataFrame | pd.Series):
        return pd.concat([first, second])
    return sparse.vstack([first, second], format="csr") if sparse.issparse(first) else np.vstack([first, second])
