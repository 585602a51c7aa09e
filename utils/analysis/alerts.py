"""Bootstrap intervals of what the alerts of a fixed threshold reach on a scored set."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.analysis.bootstrap import N_DRAWS, interval_of_draws


def alert_intervals(
    ranks: ArrayLike,
    amounts: ArrayLike | None,
    *,
    n_alerts: int,
    n_rows: int,
    fee: float,
    floor: float,
    n_draws: int = N_DRAWS,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """Intervals over the rows of a scored set, positives and negatives drawn apart; the threshold stays as it is.

    Parameters
    ----------
    ranks, amounts : arrays of shape (n_positives,)
        As for `metrics.cost_curve`, which defines the cost.
    n_alerts, n_rows : int
        Rows at or above the threshold, and all rows.
    fee, floor : float
        What an alert costs, and a missed positive at least.
    n_draws, seed : int
        Number of resamples, and what they are drawn with.

    Returns
    -------
    dict of str to (float, float)
        95 % intervals of the precision and the recall at the threshold, and of the cost saved as a share of the loss
        without alerts. Nothing without alerts.
    """
    ranks, rng = np.asarray(ranks), np.random.default_rng(seed)
    if not n_alerts:
        return {}
    losses = np.fmax(np.zeros(len(ranks)) if amounts is None else np.asarray(amounts, dtype=float), floor)
    is_caught = ranks <= n_alerts
    weights = rng.multinomial(len(ranks), np.full(len(ranks), 1 / len(ranks)), size=n_draws)
    n_negatives, n_false = n_rows - len(ranks), n_alerts - int(is_caught.sum())
    n_false = rng.binomial(n_negatives, n_false / n_negatives, size=n_draws)
    n_caught = weights @ is_caught
    saved = (weights @ (losses * is_caught) - fee * (n_caught + n_false)) / (weights @ losses)
    has_alerts = n_caught + n_false > 0
    precision = n_caught[has_alerts] / (n_caught + n_false)[has_alerts]
    draws: dict[str, NDArray] = {"precision": precision, "recall": n_caught / len(ranks), "cost saved": saved}
    return {name: interval_of_draws(values) for name, values in draws.items()}
