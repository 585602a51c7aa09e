"""What a search over settings gained, what it cost, and what it chose."""

from __future__ import annotations

import numpy as np
import pandas as pd


def search_gains(table: pd.DataFrame) -> pd.DataFrame:
    """Inner scores of the searches by model and sampler, as means over the folds.

    Parameters
    ----------
    table : DataFrame
        Ledger rows; rows without a search are left out.

    Returns
    -------
    DataFrame
        Columns model, sampler, best and median (inner average precision of the settings tried), gain (best less
        median), seconds (median time of a search on one core) and fits (that time in fits to all training rows).
    """
    rows = [
        {
            "model": row.model,
            "sampler": row.sampler,
            "best": max(row.inner_scores),
            "median": float(np.median(row.inner_scores)),
            "seconds": row.search_seconds,
            "fits": row.search_seconds / row.fit_seconds if row.fit_seconds else np.nan,
        }
        for row in table.itertuples()
        if row.inner_scores
    ]
    searched = pd.DataFrame(rows, columns=["model", "sampler", "best", "median", "seconds", "fits"])
    by_pair = searched.groupby(["model", "sampler"], sort=False)
    means = by_pair[["best", "median"]].mean()
    means["gain"] = means["best"] - means["median"]
    return means.join(by_pair[["seconds", "fits"]].median()).reset_index()
