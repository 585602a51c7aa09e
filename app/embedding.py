"""Real and synthetic rows in two dimensions, computed once when the model is written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from utils.backend import limit_threads
from utils.config import load_profile
from utils.samplers import SAMPLERS
from utils.seeding import child_seed
from utils.training import build_head, fit_head

N_LEGITIMATE, MAX_FRAUDS = 600, 400
FARTHEST = 20  # standard deviations; a few outliers would else decide the scale of the distances
PERPLEXITY, STEPS = 30, 500  # of t-SNE; half the usual steps, after which a map this small hardly moves
LEGITIMATE, FRAUD, SYNTHETIC = "legitimate", "fraud", "synthetic"


@dataclass(frozen=True, eq=False)
class Synthetic:
    """A CGAN's frauds beside the rows that it learned from, all in standard deviations.

    Attributes
    ----------
    X, y : DataFrame of shape (n_rows, n_features), array of shape (n_rows,)
        The real rows, scaled.
    rows : DataFrame of shape (n_frauds, n_features)
        As many synthetic frauds as there are real ones.
    updates : int
        Generator updates that the CGAN was trained for.
    """

    X: pd.DataFrame
    y: NDArray[np.int64]
    rows: pd.DataFrame
    updates: int


def draw_synthetic(X: pd.DataFrame, y: pd.Series, *, updates: int | None = None, seed: int = 0) -> Synthetic:
    """Fit the study's scaler and CGAN, with the quick profile's parameters, and draw one fraud per real one.

    Parameters
    ----------
    X, y : DataFrame of shape (n_rows, n_features), Series of shape (n_rows,)
        Features and labels of the development set.
    updates : int, optional
        Length of the training, if not the quick profile's.
    """
    # One thread: TensorFlow's small steps wait for each other when other work shares the cores.
    limit_threads(1)
    params = {**SAMPLERS["cgan"].defaults, **load_profile("quick").parameters["cgan"], "ratio": 1}
    if updates is not None:
        params["updates"] = updates
    head = build_head({"name": "cgan", "params": params}, child_seed(seed, "statistics"))
    rows = fit_head(head, X, y).X
    real, drawn = np.asarray(rows)[: len(X)], np.asarray(rows)[len(X) :]
    columns = list(X.columns)
    return Synthetic(
        pd.DataFrame(real, columns=columns),
        np.asarray(y),
        pd.DataFrame(drawn, columns=columns),
        params["updates"],
    )


def embed(synthetic: Synthetic, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Positions by t-SNE (van der Maaten and Hinton, 2008) of frauds, synthetic frauds and some legitimate rows.

    Returns
    -------
    points : array of shape (n_shown, 2)
    kinds : array of shape (n_shown,)
        'legitimate', 'fraud' or 'synthetic'.
    """
    generator = np.random.default_rng(child_seed(seed, "embedding"))
    parts = {
        LEGITIMATE: _some(synthetic.X[synthetic.y == 0], N_LEGITIMATE, generator),
        FRAUD: _some(synthetic.X[synthetic.y == 1], MAX_FRAUDS, generator),
        SYNTHETIC: _some(synthetic.rows, MAX_FRAUDS, generator),
    }
    kinds = np.repeat(list(parts), [len(part) for part in parts.values()])
    shown = pd.concat(parts.values()).clip(-FARTHEST, FARTHEST).to_numpy()
    perplexity = min(PERPLEXITY, (len(shown) - 1) / 3)
    # One thread: OpenMP's threads spin while they wait, which takes minutes when other work shares the cores.
    with threadpool_limits(1):
        tsne = TSNE(perplexity=perplexity, max_iter=STEPS, random_state=child_seed(seed, "t-SNE"), n_jobs=1)
        points = tsne.fit_transform(shown)
    return points.astype(float), kinds


def _some(rows: pd.DataFrame, most: int, generator: np.random.Generator) -> pd.DataFrame:
    return rows if len(rows) <= most else rows.iloc[np.sort(generator.choice(len(rows), most, replace=False))]
