"""Bootstrap intervals of what the alerts of a fixed threshold reach on a scored set."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from utils.analysis.bootstrap import N_DRAWS, interval_of_draws
from utils.config import Costs


def alert_intervals(
    ranks: ArrayLike, amounts: ArrayLike | None, *, n_alerts: int, n_rows: int, costs: Costs
) -> dict[str, tuple[float, float]]:
    """Intervals over the rows of a scored set, positives and negatives drawn apart; the threshold stays as it is.

    Parameters
    ----------
    ranks, amounts : arrays of shape (n_positives,)
        As for `metrics.cost_curve`, which defines what is lost and saved.
    n_alerts, n_rows : int
        Rows at or above the threshold, and all rows.
    costs : Costs

    Returns
    -------
    dict of str to (float, float)
        95 % intervals of the precision and the recall at the threshold, and of the cost saved as a share of the loss
        without alerts. Nothing without alerts.
    """
    ranks, rng = np.asarray(ranks), np.random.default_rng(0)
    if not n_alerts:
        return {}
    losses = np.fmax(np.zeros(len(ranks)) if amounts is None else np.asarray(amounts, dtype=float), costs.floor)
    is_caught = ranks <= n_alerts
    weights = rng.multinomial(len(ranks), np.full(len(ranks), 1 / len(ranks)), size=N_DRAWS)
    n_negatives, n_false = n_rows - len(ranks), n_alerts - int(is_caught.sum())
    n_false = rng.binomial(n_negatives, n_false / n_negatives, size=N_DRAWS)
    n_caught = weights @ is_caught
    saved = (weights @ (losses * is_caught) - costs.fee * (n_caught + n_false)) / (weights @ losses)
    has_alerts = n_caught + n_false > 0
    precision = n_caught[has_alerts] / (n_caught + n_false)[has_alerts]
    draws: dict[str, NDArray] = {"precision": precision, "recall": n_caught / len(ranks), "cost saved": saved}
    return {name: interval_of_draws(values) for name, values in draws.items()}
