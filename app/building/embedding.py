"""Real and synthetic rows in two dimensions, computed once when the model is written."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.manifold import TSNE
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from utils.backend import limit_threads
from utils.benchmark.records import to_json
from utils.benchmark.tasks import describe
from utils.config import Profile
from utils.data.loading import Dataset
from utils.files import replacing
from utils.samplers.cgan.config import GANConfig
from utils.samplers.registry import SAMPLERS
from utils.seeding import child_seed

N_LEGITIMATE, MAX_FRAUDS = 600, 400
FARTHEST = 20  # standard deviations; otherwise a few outliers would dominate the distances
PERPLEXITY, STEPS = 30, 500  # of t-SNE; half the usual steps, after which a map this small hardly moves
LEGITIMATE, FRAUD, SYNTHETIC = "legitimate", "fraud", "synthetic"


@dataclass(frozen=True, eq=False)
class Synthetic:
    """The frauds of a CGAN and the rows that it was trained on, all in standard deviations.

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


def study_synthetic(profile: Profile, dataset: Dataset, X: pd.DataFrame, y: pd.Series) -> Synthetic:
    """One fraud of the study's CGAN per real one; it is trained on these rows with the profile's parameters.

    The frauds are saved beside the ledger, under a key of everything that determines them, and not generated again.

    Parameters
    ----------
    X, y : DataFrame of shape (n_rows, n_features), Series of shape (n_rows,)
        Features and labels of the dataset's development set.
    """
    sampler = describe(SAMPLERS["cgan"], profile, {"ratio": 1})
    task = {"dataset": dataset.sha256, "columns": list(X), "labels": _digest(y), "sampler": to_json(sampler)}
    path = profile.results / "synthetic" / f"{_digest(json.dumps(task, sort_keys=True))[:20]}.parquet"
    scaled = pd.DataFrame(StandardScaler().fit_transform(X), columns=list(X))
    updates = sampler.params.get("updates", GANConfig.updates)
    if not path.exists():
        print(f"Training a CGAN for {updates:,} updates, whose frauds the page shows.", flush=True)
        rows = draw_frauds(scaled, y, sampler.params).astype(np.float32)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            rows.to_parquet(temporary, index=False, compression="zstd")
    return Synthetic(scaled, np.asarray(y), pd.read_parquet(path).astype(float), updates)


def _digest(content: str | pd.Series) -> str:
    data = content.encode() if isinstance(content, str) else content.to_numpy(dtype=np.int8).tobytes()
    return hashlib.sha256(data).hexdigest()


def draw_frauds(scaled: pd.DataFrame, y: pd.Series, params: dict[str, object], seed: int = 0) -> pd.DataFrame:
    """Fit a CGAN to scaled rows with these parameters, and generate frauds."""
    # One thread: TensorFlow's small steps wait for each other when other work shares the cores.
    limit_threads(1)
    sampler = SAMPLERS["cgan"].build(child_seed(seed, "statistics"), **params)
    rows, _ = sampler.fit_resample(scaled, np.asarray(y))
    return pd.DataFrame(np.asarray(rows)[len(scaled) :], columns=list(scaled))


def embed(synthetic: Synthetic, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Positions by t-SNE (van der Maaten and Hinton, 2008) of frauds, synthetic frauds and some legitimate rows.

    Returns
    -------
    points : array of shape (n_points, 2)
    kinds : array of shape (n_points,)
        'legitimate', 'fraud' or 'synthetic'.
    """
    generator = np.random.default_rng(child_seed(seed, "embedding"))
    groups = {
        LEGITIMATE: _sample_at_most(synthetic.X[synthetic.y == 0], N_LEGITIMATE, generator),
        FRAUD: _sample_at_most(synthetic.X[synthetic.y == 1], MAX_FRAUDS, generator),
        SYNTHETIC: _sample_at_most(synthetic.rows, MAX_FRAUDS, generator),
    }
    kinds = np.repeat(list(groups), [len(rows) for rows in groups.values()])
    rows = pd.concat(groups.values()).clip(-FARTHEST, FARTHEST).to_numpy()
    perplexity = min(PERPLEXITY, (len(rows) - 1) / 3)
    # One thread: OpenMP's threads spin while they wait, which takes minutes when other work shares the cores.
    with threadpool_limits(1):
        tsne = TSNE(perplexity=perplexity, max_iter=STEPS, random_state=child_seed(seed, "t-SNE"), n_jobs=1)
        points = tsne.fit_transform(rows)
    return points.astype(float), kinds


def _sample_at_most(rows: pd.DataFrame, limit: int, generator: np.random.Generator) -> pd.DataFrame:
    return rows if len(rows) <= limit else rows.iloc[np.sort(generator.choice(len(rows), limit, replace=False))]
